/*
 * The tenants' state in desk, and applying a file to it.
 *
 * An apply is one transaction: the plan is compared with the state, what differs is written, the
 * new state is read back inside the transaction, and only after the commit it takes the old one's
 * place. So the state in memory is always one that is on disk.
 */

#include "tenant/tenant.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/crypto.h"
#include "ledger/ledger.h"
#include "sys/random.h"
#include "tenant/private.h"
#include "tenant/store.h"

#define TOKEN_BYTES   32
#define PATH_SIZE_MAX (2 * SLUG_SIZE_MAX + 2)

struct apply {
    struct store store;
    const struct scope *scope;
    const struct state *state;
    struct arena *mem;
    struct buf canonical;
    struct apply_result result;
    size_t changed;
    struct why *why;
};

static enum err plan_allowed(struct apply *apply, const struct plan *plan);
static enum err plan_overlap(struct apply *apply, const struct plan *plan);
static enum err plan_store(struct apply *apply, const struct plan *plan);
static enum err client_store(struct apply *apply, const struct client_element *client);
static enum err source_store(struct apply *apply, struct client_id client, struct str client_slug,
                             const struct source_element *source);
static enum err sources_remove(struct apply *apply, struct client_id id,
                               const struct client_element *client);

enum err tenant_open(struct ledger *ledger, struct wall now, struct tenant **ret, struct why *why)
{
    struct tenant *tenant = calloc(1, sizeof *tenant);
    if (tenant == NULL) {
        return ERR_MEMORY;
    }
    tenant->ledger = ledger;
    enum err err = state_load(ledger, &tenant->state, why);
    if (err == OK && tenant->state->clients_count == 0) {
        struct store store = {ledger, STR("hinomi"), now};
        state_free(tenant->state);
        tenant->state = NULL;
        err = ledger_begin(ledger);
        if (err == OK) {
            err = store_installation(&store);
            err = err == OK ? ledger_commit(ledger) : err;
            ledger_rollback(ledger);
        }
        if (err == OK) {
            err = state_load(ledger, &tenant->state, why);
        }
    }
    if (err != OK) {
        tenant_close(tenant);
        return err;
    }
    *ret = tenant;
    return OK;
}

void tenant_close(struct tenant *tenant)
{
    if (tenant != NULL) {
        state_free(tenant->state);
        free(tenant);
    }
}

/* ---- Scopes. */

enum err scope_for_administrator(struct tenant *tenant, uint32_t user_id, struct str purpose,
                                 struct wall now, struct scope **ret)
{
    const struct scope_grant grant = {.rights = RIGHTS_ADMINISTRATOR};
    char principal[32];
    struct scope *scope;
    (void)snprintf(principal, sizeof principal, "uid:%u", user_id);
    enum err err = scope_new(
        &(struct scope_parts){
            .grants = &grant,
            .count = 1,
            .principal = str_from(principal),
            .purpose = purpose,
        },
        &scope);
    if (err != OK) {
        return err;
    }
    bool alone = !ledger_in_transaction(tenant->ledger);
    err = alone ? ledger_begin(tenant->ledger) : OK;
    if (err == OK) {
        err = ledger_audit(tenant->ledger, now.ns, str_from(principal), STR("scope"),
                           STR("every client"), purpose);
        if (alone) {
            err = err == OK ? ledger_commit(tenant->ledger) : err;
            ledger_rollback(tenant->ledger);
        }
    }
    if (err != OK) {
        scope_free(scope);
        return err;
    }
    *ret = scope;
    return OK;
}

enum err scope_for_spine(struct tenant *tenant, struct client_id client, struct scope **ret)
{
    for (size_t i = 0; i < tenant->state->clients_count; i++) {
        if (client_equal(tenant->state->clients[i].info.id, client)) {
            const struct scope_grant grant = {client.value, RIGHT_APPEND | RIGHT_ALERT, 0};
            return scope_new(
                &(struct scope_parts){
                    .grants = &grant,
                    .count = 1,
                    .principal = STR("spine"),
                    .purpose = STR("spine"),
                },
                ret);
        }
    }
    return ERR_NOT_FOUND;
}

/* ---- Applying. */

enum err tenant_apply(const struct scope *scope, struct tenant *tenant, struct str text,
                      struct wall now, struct arena *mem, struct apply_result *ret, struct why *why)
{
    struct plan plan;
    struct apply apply = {
        .store = {tenant->ledger, scope_principal(scope), now},
        .scope = scope,
        .state = tenant->state,
        .mem = mem,
        .why = why,
    };
    assert(!ledger_in_transaction(tenant->ledger));
    enum err err = plan_read(text, mem, &plan, why);
    if (err == OK) {
        err = plan_allowed(&apply, &plan);
    }
    if (err == OK) {
        err = plan_overlap(&apply, &plan);
    }
    if (err == OK) {
        err = ledger_begin(tenant->ledger);
    }
    if (err != OK) {
        return err;
    }
    buf_init(&apply.canonical, VERSION_SIZE_MAX);
    err = plan_store(&apply, &plan);
    buf_done(&apply.canonical);
    err = tenant_commit(tenant, err, why);
    if (err == OK) {
        *ret = apply.result;
    }
    return err;
}

static enum err plan_allowed(struct apply *apply, const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct client_element *client = &plan->clients[i];
        const struct client_state *known = state_client(apply->state, client->slug);
        bool allowed = known != NULL ? scope_allows(apply->scope, known->info.id, RIGHT_MANAGE)
                                     : scope_allows_all(apply->scope, RIGHT_MANAGE);
        if (!allowed) {
            return why_say_at(apply->why, ERR_DENIED, client->line, client->column,
                              "you may not change client '%.*s'", STR_ARG(client->slug));
        }
    }
    return OK;
}

static bool plan_names(const struct plan *plan, struct str slug)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (str_equal(plan->clients[i].slug, slug)) {
            return true;
        }
    }
    return false;
}

/* The senders of the plan against those of clients that the plan does not name. */
static enum err plan_overlap(struct apply *apply, const struct plan *plan)
{
    struct overlap *overlap;
    enum err err = overlap_new(&overlap);
    if (err != OK) {
        return err;
    }
    for (size_t i = 0; i < apply->state->sources_count && err == OK; i++) {
        const struct source_state *source = &apply->state->sources[i];
        if (source->info.active && !plan_names(plan, source->client_slug)) {
            err = overlap_add(overlap, source->client_slug, &source->element, apply->why);
        }
    }
    for (size_t i = 0; i < plan->count && err == OK; i++) {
        const struct client_element *client = &plan->clients[i];
        for (size_t j = 0; j < client->sources_count && err == OK; j++) {
            err = overlap_add(overlap, client->slug, &client->sources[j], apply->why);
        }
    }
    overlap_free(overlap);
    return err;
}

static enum err plan_store(struct apply *apply, const struct plan *plan)
{
    size_t count_max = apply->state->sources_count;
    for (size_t i = 0; i < plan->count; i++) {
        count_max += 1 + plan->clients[i].sources_count;
    }
    apply->result.changes = ARENA_ARRAY(apply->mem, struct apply_change, count_max);
    enum err err = apply->result.changes == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < plan->count && err == OK; i++) {
        err = client_store(apply, &plan->clients[i]);
    }
    if (err == OK && apply->changed == 0) {
        err = store_audit(&apply->store, "apply", STR("nothing"), scope_purpose(apply->scope));
    }
    return err;
}

/* Lists a change, and unless nothing changed, makes the version in `canonical` effective. */
static enum err change_store(struct apply *apply, struct client_id client, const char *kind,
                             struct str path, const char *what)
{
    struct apply_change *change = &apply->result.changes[apply->result.count++];
    struct sha256 hash = sha256_of_bytes(buf_str(&apply->canonical));
    char hex[VERSION_TEXT_SIZE];
    change->what = str_from(what);
    enum err err = arena_print(apply->mem, &change->element, "%s %.*s", kind, STR_ARG(path));
    if (err == OK) {
        err = arena_copy(apply->mem, str_from(hex_print(hash.bytes, SHA256_SIZE, hex)),
                         &change->version);
    }
    if (err != OK || strcmp(what, "unchanged") == 0) {
        return err;
    }
    apply->changed++;
    err = store_version(&apply->store, client, kind, path, buf_str(&apply->canonical),
                        change->version);
    return err == OK ? store_audit(&apply->store, what, change->element, change->version) : err;
}

/* Whether the canonical text is the version that is effective. */
static bool canonical_is(const struct apply *apply, struct str version)
{
    struct sha256 hash = sha256_of_bytes(buf_str(&apply->canonical));
    char hex[VERSION_TEXT_SIZE];
    return str_equal(str_from(hex_print(hash.bytes, SHA256_SIZE, hex)), version);
}

static enum err client_store(struct apply *apply, const struct client_element *client)
{
    const struct client_state *known = state_client(apply->state, client->slug);
    struct client_id id = known != NULL ? known->info.id : (struct client_id){0};
    buf_reset(&apply->canonical);
    enum err err = client_print(client, &apply->canonical);
    bool same = err == OK && known != NULL && canonical_is(apply, known->version);
    if (err == OK && known == NULL) {
        err = store_client_new(&apply->store, client, &id);
    } else if (err == OK && !same) {
        err = store_client_rename(&apply->store, client);
    }
    if (err == OK) {
        err = change_store(apply, id, "client", client->slug,
                           known == NULL ? "new"
                           : same        ? "unchanged"
                                         : "changed");
    }
    for (size_t i = 0; i < client->sources_count && err == OK; i++) {
        err = source_store(apply, id, client->slug, &client->sources[i]);
    }
    return err == OK ? sources_remove(apply, id, client) : err;
}

static struct str path_of(struct str client, struct str source, char path[PATH_SIZE_MAX])
{
    int size = snprintf(path, PATH_SIZE_MAX, "%.*s/%.*s", STR_ARG(client), STR_ARG(source));
    return (struct str){path, (size_t)size};
}

static enum err source_store(struct apply *apply, struct client_id client, struct str client_slug,
                             const struct source_element *source)
{
    char path[PATH_SIZE_MAX];
    const struct source_state *known = state_source(apply->state, client, source->slug);
    bool active = known != NULL && known->info.active;
    buf_reset(&apply->canonical);
    enum err err = source_print(source, &apply->canonical);
    if (err == ERR_LIMIT) {
        return why_say_at(apply->why, err, source->line, source->column,
                          "the source is longer than %d bytes; use wider networks",
                          VERSION_SIZE_MAX);
    }
    bool same = err == OK && active && canonical_is(apply, known->version);
    if (err == OK && known == NULL) {
        err = store_source_new(&apply->store, client, source->slug, STR(""));
    } else if (err == OK && !active) {
        err = store_source_active(&apply->store, known->info.id, true);
    }
    return err == OK
               ? change_store(apply, client, "source", path_of(client_slug, source->slug, path),
                              !active ? "new"
                              : same  ? "unchanged"
                                      : "changed")
               : err;
}

static enum err sources_remove(struct apply *apply, struct client_id id,
                               const struct client_element *client)
{
    for (size_t i = 0; i < apply->state->sources_count; i++) {
        const struct source_state *source = &apply->state->sources[i];
        bool named = !client_equal(source->info.client, id) || !source->info.active;
        for (size_t j = 0; j < client->sources_count && !named; j++) {
            named = str_equal(client->sources[j].slug, source->info.slug);
        }
        if (named) {
            continue;
        }
        char path[PATH_SIZE_MAX];
        buf_reset(&apply->canonical);
        enum err err = buf_append(&apply->canonical, STR("null"));
        if (err == OK) {
            err = store_source_active(&apply->store, source->info.id, false);
        }
        if (err == OK) {
            err = change_store(apply, id, "source", path_of(client->slug, source->info.slug, path),
                               "removed");
        }
        if (err != OK) {
            return err;
        }
    }
    return OK;
}

/* ---- Looking. */

static enum err client_export_one(const struct tenant *tenant, const struct client_state *client,
                                  struct buf *out)
{
    const struct state *state = tenant->state;
    const struct source_element **sources = calloc(state->sources_count + 1, sizeof *sources);
    size_t count = 0;
    if (sources == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < state->sources_count; i++) {
        if (state->sources[i].info.active &&
            client_equal(state->sources[i].info.client, client->info.id)) {
            sources[count++] = &state->sources[i].element;
        }
    }
    enum err err = client_export(&client->element, sources, count, out);
    free(sources);
    return err;
}

enum err tenant_export(const struct scope *scope, struct tenant *tenant, struct str slug,
                       tenant_export_call *documents, void *context, struct buf *out)
{
    size_t size_before = out->size;
    size_t printed = 0;
    enum err err = buf_append(out, STR("clients:\n"));
    for (size_t i = 0; i < tenant->state->clients_count && err == OK; i++) {
        const struct client_state *client = &tenant->state->clients[i];
        if ((slug.size == 0 || str_equal(client->info.slug, slug)) &&
            !client_equal(client->info.id, CLIENT_INSTALLATION) &&
            scope_allows(scope, client->info.id, RIGHT_MANAGE)) {
            err = client_export_one(tenant, client, out);
            if (err == OK && documents != NULL) {
                err = documents(context, client->info.id, out);
            }
            printed++;
        }
    }
    if (err == OK && printed == 0) {
        out->size = size_before;
        return slug.size > 0 ? ERR_NOT_FOUND : buf_append(out, STR("clients: []\n"));
    }
    if (err != OK) {
        out->size = size_before;
    }
    return err;
}

enum err tenant_client_find(const struct tenant *tenant, struct str slug, struct client_id *ret)
{
    const struct client_state *client = state_client(tenant->state, slug);
    if (client == NULL) {
        return ERR_NOT_FOUND;
    }
    *ret = client->info.id;
    return OK;
}

bool tenant_client_at(const struct tenant *tenant, size_t index, struct client_info *ret)
{
    if (index >= tenant->state->clients_count) {
        return false;
    }
    *ret = tenant->state->clients[index].info;
    return true;
}

bool tenant_source_at(const struct tenant *tenant, size_t index, struct source_info *ret)
{
    if (index >= tenant->state->sources_count) {
        return false;
    }
    *ret = tenant->state->sources[index].info;
    return true;
}

bool tenant_sender_at(const struct tenant *tenant, size_t index, struct source_info *ret_source,
                      struct str *ret_listener)
{
    for (size_t i = 0; i < tenant->state->sources_count; i++) {
        const struct source_state *source = &tenant->state->sources[i];
        size_t count = source->info.active ? source->element.senders_count : 0;
        if (index < count) {
            *ret_source = source->info;
            *ret_listener = source->element.senders[index].listener;
            return true;
        }
        index -= count;
    }
    return false;
}

enum err tenant_token_new(struct arena *mem, struct str *ret_token, struct str *ret_hash)
{
    uint8_t secret[TOKEN_BYTES];
    char hex[2 * TOKEN_BYTES + 1];
    struct str token;
    random_bytes(secret, sizeof secret);
    enum err err = arena_print(mem, &token, "hinomi_%s", hex_print(secret, sizeof secret, hex));
    if (err != OK) {
        return err;
    }
    struct sha256 hash = sha256_of_bytes(token);
    err = arena_copy(mem, str_from(hex_print(hash.bytes, sizeof hash.bytes, hex)), ret_hash);
    if (err == OK) {
        *ret_token = token;
    }
    return err;
}
