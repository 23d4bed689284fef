/*
 * The service's part of an apply file: what stands under a client's `documents`, `disclosures` and
 * `signatures`, read and checked as far as that needs no ledger.  All other keys are tenant's.
 *
 * Always true: whatever is wrong names line and column of the file.
 */

#include "service/versions.h"

#include "base/limits.h"
#include "codec/time.h"

#define SCHEMAS_MAX 64 /* kinds that a suggestion is looked for among */

static enum err client_read(const struct yaml_node *node, struct arena *mem,
                            struct plan_client *client, struct why *why);
static enum err documents_read(const struct yaml_node *node, struct arena *mem,
                               struct plan_client *client, struct why *why);
static enum err disclosures_read(const struct yaml_node *node, struct arena *mem,
                                 struct plan_client *client, struct why *why);
static enum err signatures_read(const struct yaml_node *node, struct arena *mem,
                                struct plan_client *client, struct why *why);

enum err service_apply_check(struct str text, struct arena *mem, struct why *why)
{
    struct plan plan;
    enum err err = tenant_apply_check(text, mem, why);
    return err == OK ? service_plan_read(text, mem, &plan, why) : err;
}

enum err service_plan_read(struct str text, struct arena *mem, struct plan *ret, struct why *why)
{
    struct yaml_node *root = NULL;
    struct plan plan = {0};
    enum err err = yaml_parse(text, mem, &root, why);
    if (err != OK) {
        return err;
    }
    const struct yaml_node *list = yaml_get(root, STR("clients"));
    bool listed = list != NULL && list->kind == YAML_SEQUENCE;
    plan.clients = ARENA_ARRAY(mem, struct plan_client, listed ? list->count + 1 : 1);
    if (plan.clients == NULL) {
        return ERR_MEMORY;
    }
    for (const struct yaml_node *item = listed ? list->first : NULL; item != NULL && err == OK;
         item = item->next) {
        err = client_read(item, mem, &plan.clients[plan.count++], why);
    }
    if (err == OK) {
        *ret = plan;
    }
    return err;
}

static enum err client_read(const struct yaml_node *node, struct arena *mem,
                            struct plan_client *client, struct why *why)
{
    const struct yaml_node *slug = yaml_get(node, STR("slug"));
    client->line = node->line;
    client->column = node->column;
    client->documents = ARENA_ARRAY(mem, struct plan_document, schema_count() + 1);
    if (client->documents == NULL) {
        return ERR_MEMORY;
    }
    if (slug == NULL || slug->kind != YAML_SCALAR || !str_is_slug(slug->text)) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column, "this client has no slug");
    }
    client->slug = slug->text;
    enum err err = documents_read(yaml_get(node, STR("documents")), mem, client, why);
    if (err == OK) {
        err = disclosures_read(yaml_get(node, STR("disclosures")), mem, client, why);
    }
    if (err == OK) {
        err = signatures_read(yaml_get(node, STR("signatures")), mem, client, why);
    }
    return err;
}

/* ---- Documents. */

static enum err kind_unknown(const struct yaml_node *node, struct why *why)
{
    const char *known[SCHEMAS_MAX + 1] = {NULL};
    for (size_t i = 0; i < schema_count() && i < SCHEMAS_MAX; i++) {
        known[i] = schema_kind(schema_at(i));
    }
    const char *near = yaml_suggest(node->text, known);
    struct str shown = str_slice(node->text, 0, 60);
    return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                      "there is no kind of document '%.*s'; %s%s%s", STR_ARG(shown),
                      near != NULL ? "did you mean '" : "remove it", near != NULL ? near : "",
                      near != NULL ? "'?" : "");
}

static enum err documents_read(const struct yaml_node *node, struct arena *mem,
                               struct plan_client *client, struct why *why)
{
    if (node == NULL || yaml_is_null(node)) {
        return OK;
    }
    if (node->kind != YAML_MAPPING) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "documents is written as kinds with what each of them says");
    }
    for (const struct yaml_node *value = node->first; value != NULL; value = value->next) {
        size_t index = kind_index(value->key->text);
        if (index == SIZE_MAX) {
            return kind_unknown(value->key, why);
        }
        struct plan_document *document = &client->documents[index];
        document->node = value;
        enum err err = document_read_node(schema_at(index), value, mem, &document->document, why);
        if (err != OK) {
            return err;
        }
    }
    return OK;
}

/* ---- Items of the two lists. */

static enum err list_check(const struct yaml_node *node, const char *what, size_t count_max,
                           struct why *why)
{
    if (node->kind != YAML_SEQUENCE || node->count > count_max) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "%s is a list of at most %zu items", what, count_max);
    }
    return OK;
}

/* Each item is a mapping that has no other keys than these. */
static enum err item_check(const struct yaml_node *item, const char *const *known, const char *what,
                           struct why *why)
{
    if (item->kind != YAML_MAPPING) {
        return why_say_at(why, ERR_SYNTAX, item->line, item->column,
                          "%s is written as keys with values", what);
    }
    for (const struct yaml_node *value = item->first; value != NULL; value = value->next) {
        bool found = false;
        for (size_t i = 0; known[i] != NULL; i++) {
            found = found || str_equal(value->key->text, str_from(known[i]));
        }
        if (!found) {
            struct str shown = str_slice(value->key->text, 0, 60);
            const char *near = yaml_suggest(value->key->text, known);
            return why_say_at(why, ERR_SYNTAX, value->key->line, value->key->column,
                              "%s has no key '%.*s'; %s%s%s", what, STR_ARG(shown),
                              near != NULL ? "did you mean '" : "remove it",
                              near != NULL ? near : "", near != NULL ? "'?" : "");
        }
    }
    return OK;
}

/* A scalar of an item that has to be there; *ret_at is where it stands. */
static enum err scalar(const struct yaml_node *item, const char *key,
                       const struct yaml_node **ret_at, struct why *why)
{
    const struct yaml_node *node = yaml_get(item, str_from(key));
    if (node == NULL || node->kind != YAML_SCALAR) {
        const struct yaml_node *at = node != NULL ? node : item;
        return why_say_at(why, ERR_SYNTAX, at->line, at->column, "'%s' is missing here", key);
    }
    *ret_at = node;
    return OK;
}

static enum err kind_read(const struct yaml_node *item, size_t *ret, struct why *why)
{
    const struct yaml_node *node = NULL;
    enum err err = scalar(item, "kind", &node, why);
    if (err == OK) {
        *ret = kind_index(node->text);
        err = *ret == SIZE_MAX ? kind_unknown(node, why) : OK;
    }
    return err;
}

static enum err disclosure_read(const struct yaml_node *item, struct plan_disclosure *ret,
                                struct why *why)
{
    static const char *const known[] = {"kind", "path", "disclosure", NULL};
    const struct yaml_node *node = NULL;
    size_t kind = 0;
    enum err err = item_check(item, known, "a disclosure", why);
    if (err == OK) {
        err = kind_read(item, &kind, why);
    }
    if (err == OK) {
        err = scalar(item, "path", &node, why);
    }
    if (err == OK && !disclosure_path_valid(schema_at(kind), node->text)) {
        err =
            why_say_at(why, ERR_SYNTAX, node->line, node->column,
                       "documents of kind '%s' have no such element", schema_kind(schema_at(kind)));
    }
    if (err != OK) {
        return err;
    }
    *ret = (struct plan_disclosure){
        .line = item->line,
        .column = item->column,
        .kind = str_from(schema_kind(schema_at(kind))),
        .path = node->text,
    };
    err = scalar(item, "disclosure", &node, why);
    if (err == OK && disclosure_parse(node->text, &ret->disclosure) != OK) {
        err = why_say_at(why, ERR_SYNTAX, node->line, node->column,
                         "a disclosure is shown, hidden or summarised");
    }
    return err;
}

static enum err disclosures_read(const struct yaml_node *node, struct arena *mem,
                                 struct plan_client *client, struct why *why)
{
    if (node == NULL || yaml_is_null(node)) {
        return OK;
    }
    enum err err = list_check(node, "disclosures", DISCLOSURES_MAX, why);
    if (err != OK) {
        return err;
    }
    client->disclosures = ARENA_ARRAY(mem, struct plan_disclosure, node->count + 1);
    if (client->disclosures == NULL) {
        return ERR_MEMORY;
    }
    for (const struct yaml_node *item = node->first; item != NULL && err == OK; item = item->next) {
        err = disclosure_read(item, &client->disclosures[client->disclosures_count++], why);
    }
    return err;
}

/* ---- Signatures. */

static enum err roles_read(const struct yaml_node *item, uint32_t *ret, struct why *why)
{
    const struct yaml_node *node = yaml_get(item, STR("roles"));
    uint32_t roles = 0;
    if (node == NULL || node->kind != YAML_SEQUENCE) {
        const struct yaml_node *at = node != NULL ? node : item;
        return why_say_at(why, ERR_SYNTAX, at->line, at->column, "'roles' is a list of roles");
    }
    for (const struct yaml_node *value = node->first; value != NULL; value = value->next) {
        enum role role;
        if (value->kind != YAML_SCALAR || role_parse(value->text, &role) != OK) {
            return why_say_at(why, ERR_SYNTAX, value->line, value->column, "there is no such role");
        }
        roles |= 1u << role;
    }
    *ret = roles;
    return OK;
}

/* So many bytes in lower-case hexadecimal, as we print them. */
static enum err hex_read(const struct yaml_node *item, const char *key, size_t size,
                         struct str *ret, struct why *why)
{
    char text[2 * ED25519_SIGNATURE_SIZE + 1];
    uint8_t bytes[ED25519_SIGNATURE_SIZE];
    const struct yaml_node *node = NULL;
    enum err err = scalar(item, key, &node, why);
    if (err == OK && (hex_parse(node->text, bytes, size) != OK ||
                      !str_equal(node->text, str_from(hex_print(bytes, size, text))))) {
        err = why_say_at(why, ERR_SYNTAX, node->line, node->column,
                         "'%s' has %zu lower-case hexadecimal digits", key, 2 * size);
    }
    if (err == OK) {
        *ret = node->text;
    }
    return err;
}

static enum err time_read(const struct yaml_node *item, const char *key, struct wall *ret,
                          struct why *why)
{
    const struct yaml_node *node = NULL;
    enum err err = scalar(item, key, &node, why);
    if (err == OK && (time_parse(node->text, ret) != OK || ret->ns < 0)) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "'%s' is a time such as 2026-11-22T09:00:00Z", key);
    }
    if (err == OK) {
        ret->ns -= ret->ns % 1000; /* as it is printed */
    }
    return err;
}

static enum err who_read(const struct yaml_node *item, struct str *ret, struct why *why)
{
    const struct yaml_node *node = NULL;
    enum err err = scalar(item, "who", &node, why);
    if (err != OK) {
        return err;
    }
    struct str person = node->text;
    struct str party = str_cut(&person, '/');
    if (!str_is_slug(party) || !str_is_slug(person)) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "'who' is a party and a person: acme/head");
    }
    *ret = node->text;
    return OK;
}

static enum err signature_roles_read(const struct yaml_node *item, struct plan_signature *ret,
                                     struct why *why)
{
    const struct schema *schema = schema_at(ret->kind);
    struct signature *signature = &ret->signature;
    const struct yaml_node *node = NULL;
    enum role role = ROLE_VIEWER;
    enum err err = roles_read(item, &signature->roles, why);
    if (err == OK && !signature_set_is(schema, signature->roles)) {
        err =
            why_say_at(why, ERR_SYNTAX, item->line, item->column,
                       "documents of kind '%s' are not signed by these roles", schema_kind(schema));
    }
    if (err == OK) {
        err = scalar(item, "role", &node, why);
    }
    if (err == OK &&
        (role_parse(node->text, &role) != OK || (signature->roles & 1u << role) == 0)) {
        err = why_say_at(why, ERR_SYNTAX, node->line, node->column,
                         "'role' is one of the roles that stand beside it");
    }
    if (err == OK) {
        signature->role = str_from(role_text(role));
    }
    return err;
}

static enum err signature_read(const struct yaml_node *item, struct plan_signature *ret,
                               struct why *why)
{
    static const char *const known[] = {"kind", "hash", "roles", "role",      "who",
                                        "at",   "from", "key",   "signature", NULL};
    struct signature *signature = &ret->signature;
    ret->line = item->line;
    ret->column = item->column;
    ret->wanted = WALL_NONE;
    enum err err = item_check(item, known, "a signature", why);
    if (err == OK) {
        err = kind_read(item, &ret->kind, why);
    }
    if (err == OK) {
        err = hex_read(item, "hash", SHA256_SIZE, &ret->hash, why);
    }
    if (err == OK) {
        err = signature_roles_read(item, ret, why);
    }
    if (err == OK) {
        err = who_read(item, &signature->who, why);
    }
    if (err == OK) {
        err = time_read(item, "at", &signature->at, why);
    }
    if (err == OK && yaml_get(item, STR("from")) != NULL) {
        err = time_read(item, "from", &ret->wanted, why);
    }
    if (err == OK) {
        err = hex_read(item, "key", ED25519_SIZE, &signature->key, why);
    }
    if (err == OK) {
        err = hex_read(item, "signature", ED25519_SIGNATURE_SIZE, &signature->signature, why);
    }
    return err;
}

static enum err signatures_read(const struct yaml_node *node, struct arena *mem,
                                struct plan_client *client, struct why *why)
{
    if (node == NULL || yaml_is_null(node)) {
        return OK;
    }
    enum err err = list_check(node, "signatures", SETS_MAX * schema_count(), why);
    if (err != OK) {
        return err;
    }
    client->signatures = ARENA_ARRAY(mem, struct plan_signature, node->count + 1);
    if (client->signatures == NULL) {
        return ERR_MEMORY;
    }
    for (const struct yaml_node *item = node->first; item != NULL && err == OK; item = item->next) {
        err = signature_read(item, &client->signatures[client->signatures_count++], why);
    }
    return err;
}
