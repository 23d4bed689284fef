/*
 * Applying a whole file: tenant's part at once, documents as drafts, disclosures, signatures that
 * another installation vouches for.
 *
 * All of it is one transaction.  The documents of one client are read before any is stored, so they
 * may refer to each other in any order; what the file does not name stays as it is.
 *
 * Always true:
 *
 *   (1) A document that is what runs, or what waits already, changes nothing.
 *   (2) A signature counts only if its key is the one that was named as trusted, it fits its
 *       statement, and its version waits for it.  Only whoever runs the machine can name a key: a
 *       provider who could would sign for the client.
 *   (3) Applied twice, the second time changes nothing.
 */

#include "service/versions.h"

#include <string.h>

#include "base/limits.h"
#include "codec/time.h"
#include "ledger/ledger.h"

#define STATEMENT_SIZE_MAX 4096
#define WAITS_SIZE_MAX     1024

struct apply {
    const struct scope *scope;
    struct service *service;
    struct wall now;
    struct str trust; /* empty: nobody's signatures count */
    struct arena *mem;
    struct apply_result result;
    size_t capacity;
    struct why *why;
};

/* What became of one document of the file. */
struct outcome {
    struct document document; /* with what is hidden from whoever applies */
    bool there;
    const char *what;
    struct stored stored;
    struct stored beside; /* a draft that waits beside what runs; id 0: none */
};

struct target {
    const struct plan_client *plan;
    struct client_id id;
    struct outcome *outcomes; /* by index of schema */
};

static enum err trust_check(struct apply *apply, struct str trust);
static enum err client_apply(struct apply *apply, const struct plan_client *plan);
static enum err drafts_check(struct apply *apply, const struct target *target);
static enum err document_apply(struct apply *apply, const struct target *target, size_t kind);
static enum err disclosure_apply(struct apply *apply, const struct target *target,
                                 const struct plan_disclosure *item);
static enum err signature_apply(struct apply *apply, const struct target *target,
                                const struct plan_signature *item);
static enum err outcome_tell(struct apply *apply, const struct target *target, size_t kind);
static enum err log_sources_tell(struct apply *apply, const struct target *target);

enum err service_apply(const struct scope *scope, struct service *service, struct str text,
                       struct str trust, struct wall now, struct arena *mem,
                       struct apply_result *ret, struct why *why)
{
    struct apply apply = {.scope = scope, .service = service, .now = now, .mem = mem, .why = why};
    struct plan plan = {0};
    bool alone;
    enum err err = trust_check(&apply, trust);
    if (err == OK) {
        err = service_begin(service, &alone);
    }
    if (err != OK) {
        return err;
    }
    err = tenant_apply(scope, service->tenant, text, now, mem, &apply.result, why);
    apply.capacity = apply.result.count;
    if (err == OK) {
        err = service_plan_read(text, mem, &plan, why);
    }
    for (size_t i = 0; i < plan.count && err == OK; i++) {
        err = client_apply(&apply, &plan.clients[i]);
    }
    err = service_end_settled(service, alone, err, why);
    if (err == OK) {
        *ret = apply.result;
    }
    return err;
}

static enum err trust_check(struct apply *apply, struct str trust)
{
    uint8_t key[ED25519_SIZE];
    char text[KEY_TEXT_SIZE];
    if (trust.size == 0) {
        return OK;
    }
    if (!scope_allows_all(apply->scope, RIGHT_MANAGE) ||
        scope_side(apply->scope, CLIENT_INSTALLATION) != SIDE_INSTALLATION) {
        return why_say(apply->why, ERR_DENIED, 0,
                       "only whoever runs this machine can say whose signatures it trusts");
    }
    if (hex_parse(trust, key, sizeof key) != OK) {
        return why_say(apply->why, ERR_SYNTAX, 0,
                       "the key to trust has 64 hexadecimal digits, as 'key' of a signature");
    }
    return arena_copy(apply->mem, str_from(hex_print(key, sizeof key, text)), &apply->trust);
}

/* ---- One client. */

static enum err client_find(struct apply *apply, struct str slug, struct client_id *ret)
{
    struct statement *statement;
    bool row = false;
    enum err err = ledger_prepare(
        apply->service->ledger,
        "SELECT c.id FROM client c JOIN party p ON p.id = c.party WHERE p.slug = ?", &statement);
    if (err == OK) {
        err = statement_bind_text(statement, 1, slug);
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err != OK || !row) {
        return err != OK ? err : ERR_NOT_FOUND;
    }
    ret->value = (uint32_t)statement_int(statement, 0);
    statement_reset(statement);
    return OK;
}

static enum err client_apply(struct apply *apply, const struct plan_client *plan)
{
    struct target target = {.plan = plan};
    enum err err = client_find(apply, plan->slug, &target.id);
    if (err == OK && !scope_allows(apply->scope, target.id, RIGHT_MANAGE)) {
        err = why_say_at(apply->why, ERR_DENIED, plan->line, plan->column,
                         "you may not change client '%.*s'", STR_ARG(plan->slug));
    }
    target.outcomes = ARENA_ARRAY(apply->mem, struct outcome, schema_count() + 1);
    if (err == OK) {
        err = target.outcomes == NULL ? ERR_MEMORY : drafts_check(apply, &target);
    }
    for (size_t i = 0; i < schema_count() && err == OK; i++) {
        err = plan->documents[i].node != NULL ? document_apply(apply, &target, i) : OK;
    }
    for (size_t i = 0; i < plan->disclosures_count && err == OK; i++) {
        err = disclosure_apply(apply, &target, &plan->disclosures[i]);
    }
    for (size_t i = 0; i < plan->signatures_count && err == OK; i++) {
        err = signature_apply(apply, &target, &plan->signatures[i]);
    }
    for (size_t i = 0; i < schema_count() && err == OK; i++) {
        err = target.outcomes[i].there ? outcome_tell(apply, &target, i) : OK;
    }
    return err == OK ? log_sources_tell(apply, &target) : err;
}

static enum err drafts_check(struct apply *apply, const struct target *target)
{
    const struct plan_client *plan = target->plan;
    struct others others;
    bool drafts = false;
    enum err err = others_init(&others, apply->service, target->id, apply->mem);
    for (size_t i = 0; i < schema_count() && err == OK; i++) {
        struct document *whole = &target->outcomes[i].document;
        if (plan->documents[i].node != NULL) {
            err = draft_whole(apply->scope, apply->service, target->id,
                              &plan->documents[i].document, apply->mem, whole);
            if (err == OK) {
                others_draft(&others, whole);
                drafts = true;
            }
        }
    }
    if (err == OK && drafts) {
        err = others_check(&others, apply->why);
    }
    if (err == ERR_CONFLICT && apply->why != NULL && apply->why->line == 0) {
        apply->why->line = plan->line;
        apply->why->column = plan->column;
    }
    return err;
}

/* ---- Documents. */

/* From when the version is to run, as the file's signatures say. */
static struct wall wanted_of(const struct plan_client *plan, size_t kind, struct str hash)
{
    for (size_t i = 0; i < plan->signatures_count; i++) {
        if (plan->signatures[i].kind == kind && str_equal(plan->signatures[i].hash, hash)) {
            return plan->signatures[i].wanted;
        }
    }
    return WALL_NONE;
}

/* What is there already with this text; ERR_NOT_FOUND: nothing is. */
static enum err outcome_known(struct apply *apply, struct client_id client, struct str kind,
                              struct str hash, struct outcome *outcome)
{
    struct stored latest;
    struct stored effective;
    enum err err =
        stored_find(apply->service, client, kind, WHICH_LATEST, STR(""), apply->mem, &latest);
    if (err == OK && str_equal(latest.version.hash, hash)) {
        outcome->stored = latest;
        return OK;
    }
    if (err == OK) {
        err = stored_find(apply->service, client, kind, WHICH_EFFECTIVE, STR(""), apply->mem,
                          &effective);
    }
    if (err == OK && !str_equal(effective.version.hash, hash)) {
        err = ERR_NOT_FOUND;
    }
    if (err == OK) {
        outcome->stored = effective;
        outcome->beside = latest;
    }
    return err;
}

static enum err document_apply(struct apply *apply, const struct target *target, size_t kind)
{
    const struct plan_document *plan = &target->plan->documents[kind];
    struct outcome *outcome = &target->outcomes[kind];
    struct str canonical;
    struct str hash;
    enum err err = document_hash(&outcome->document, apply->mem, &canonical, &hash);
    if (err == ERR_LIMIT) {
        return why_say_at(apply->why, err, plan->node->line, plan->node->column,
                          "the document is longer than %d bytes", DOCUMENT_SIZE_MAX);
    }
    if (err == OK) {
        outcome->there = true;
        outcome->what = "unchanged";
        err =
            outcome_known(apply, target->id, str_from(schema_kind(schema_at(kind))), hash, outcome);
    }
    if (err == ERR_NOT_FOUND) {
        struct draft draft = {
            .client = target->id,
            .document = &outcome->document,
            .note = STR(""),
            .wanted = wanted_of(target->plan, kind, hash),
            .now = apply->now,
        };
        err = draft_store(apply->scope, apply->service, &draft, apply->mem, &outcome->stored,
                          apply->why);
        outcome->what = outcome->stored.version.number == 1 ? "new draft" : "changed draft";
    }
    return err;
}

static enum err change_add(struct apply *apply, const struct apply_change *change)
{
    struct apply_result *result = &apply->result;
    if (result->count == apply->capacity) {
        size_t capacity = 2 * apply->capacity + 16;
        struct apply_change *more = ARENA_ARRAY(apply->mem, struct apply_change, capacity);
        if (more == NULL) {
            return ERR_MEMORY;
        }
        for (size_t i = 0; i < result->count; i++) {
            more[i] = result->changes[i];
        }
        result->changes = more;
        apply->capacity = capacity;
    }
    result->changes[result->count++] = *change;
    return OK;
}

/* What a version waits for, in words. */
static enum err waits_print(const struct stored *stored, struct buf *out)
{
    char text[TIME_TEXT_SIZE];
    if (stored->version.state == VERSION_SIGNED) {
        return buf_print(out, "waits for %s", time_print(stored->due, text));
    }
    if (stored->version.state != VERSION_DRAFT) {
        return OK;
    }
    enum err err = buf_append(out, STR("waits for "));
    return err == OK ? roles_print(out, stored->version.waits, SETS_MAX) : err;
}

static enum err outcome_tell(struct apply *apply, const struct target *target, size_t kind)
{
    const struct outcome *outcome = &target->outcomes[kind];
    const struct version *version = &outcome->stored.version;
    bool changed = strcmp(outcome->what, "unchanged") != 0;
    struct apply_change change = {
        .what =
            str_from(changed && version->state == VERSION_EFFECTIVE ? "effective" : outcome->what),
        .version = version->hash,
    };
    struct buf waits;
    buf_init(&waits, WAITS_SIZE_MAX);
    enum err err = waits_print(&outcome->stored, &waits);
    if (err == OK && outcome->beside.id != 0) {
        err = buf_print(&waits, "beside it draft %.12s ", outcome->beside.version.hash.data);
        err = err == OK ? waits_print(&outcome->beside, &waits) : err;
    }
    if (err == OK) {
        err = arena_copy(apply->mem, buf_str(&waits), &change.waits);
    }
    if (err == OK) {
        err = arena_print(apply->mem, &change.element, "document %.*s/%s",
                          STR_ARG(target->plan->slug), schema_kind(schema_at(kind)));
    }
    buf_done(&waits);
    return err == OK ? change_add(apply, &change) : err;
}

/* ---- Disclosures. */

static enum err disclosure_apply(struct apply *apply, const struct target *target,
                                 const struct plan_disclosure *item)
{
    enum side side = scope_side(apply->scope, target->id);
    bool differs = false;
    enum err err = disclosure_differs(apply->service, target->id, item->kind, item->path,
                                      item->disclosure, &differs);
    if (err != OK || !differs) {
        return err;
    }
    if (side != SIDE_CLIENT && side != SIDE_INSTALLATION) {
        return why_say_at(apply->why, ERR_DENIED, item->line, item->column,
                          "only the client's own people say what is disclosed");
    }
    err = disclosure_store(apply->scope, apply->service, target->id, item->kind, item->path,
                           item->disclosure, apply->now);
    struct apply_change change = {.what = str_from(disclosure_text(item->disclosure))};
    if (err == OK) {
        err = arena_print(apply->mem, &change.element, "disclosure %.*s/%.*s%s%.*s",
                          STR_ARG(target->plan->slug), STR_ARG(item->kind),
                          item->path.size > 0 ? "/" : "", STR_ARG(item->path));
    }
    return err == OK ? change_add(apply, &change) : err;
}

/* ---- Signatures. */

static enum err signature_pass(struct apply *apply, const struct target *target,
                               const struct plan_signature *item, const struct stored *stored)
{
    struct apply_change change = {.what = STR("passed over"), .version = item->hash};
    struct buf waits;
    buf_init(&waits, WAITS_SIZE_MAX);
    enum err err = stored == NULL ? buf_append(&waits, STR("there is no such version here"))
                                  : buf_print(&waits, "key %.12s is not trusted here; ",
                                              item->signature.key.data);
    if (err == OK && stored != NULL) {
        err = waits_print(stored, &waits);
    }
    if (err == OK) {
        err = arena_copy(apply->mem, buf_str(&waits), &change.waits);
    }
    if (err == OK) {
        err = arena_print(apply->mem, &change.element, "signature %.*s/%s of %.*s",
                          STR_ARG(target->plan->slug), schema_kind(schema_at(item->kind)),
                          STR_ARG(item->signature.who));
    }
    buf_done(&waits);
    return err == OK ? change_add(apply, &change) : err;
}

/* Whether the version waits for this set of roles. */
static bool waits_for(const struct version *version, uint32_t roles)
{
    bool found = false;
    for (size_t i = 0; i < SETS_MAX && version->waits[i] != 0; i++) {
        found = found || version->waits[i] == roles;
    }
    return found;
}

static enum err signature_prove(struct apply *apply, const struct target *target,
                                const struct plan_signature *item, const struct version *version)
{
    struct version said = *version;
    struct buf statement;
    said.wanted = item->wanted;
    buf_init(&statement, STATEMENT_SIZE_MAX);
    enum err err = signature_statement(target->plan->slug, &said, &item->signature, &statement);
    bool valid = err == OK && signature_valid(&item->signature, buf_str(&statement));
    buf_done(&statement);
    if (err == OK && !valid) {
        return why_say_at(apply->why, ERR_SYNTAX, item->line, item->column,
                          "this signature does not fit what it stands for; export it again");
    }
    if (err == OK && item->wanted.ns != version->wanted.ns) {
        return why_say_at(apply->why, ERR_CONFLICT, item->line, item->column,
                          "the draft that waits here is to run from another moment");
    }
    for (size_t i = 0; i < version->signatures_count && err == OK; i++) {
        if (str_equal(version->signatures[i].who, item->signature.who)) {
            err = why_say_at(apply->why, ERR_CONFLICT, item->line, item->column,
                             "'%.*s' has signed this version as somebody else already",
                             STR_ARG(item->signature.who));
        }
    }
    return err;
}

static enum err signature_apply(struct apply *apply, const struct target *target,
                                const struct plan_signature *item)
{
    struct str kind = str_from(schema_kind(schema_at(item->kind)));
    struct outcome *outcome = &target->outcomes[item->kind];
    struct stored other;
    struct stored *stored = &outcome->stored;
    struct buf detail;
    enum err err = OK;
    if (!outcome->there || !str_equal(stored->version.hash, item->hash)) {
        stored = &other;
        err = stored_find(apply->service, target->id, kind, WHICH_HASH, item->hash, apply->mem,
                          stored);
    }
    if (err == ERR_NOT_FOUND) {
        return signature_pass(apply, target, item, NULL);
    }
    if (err != OK || stored->version.state != VERSION_DRAFT ||
        !waits_for(&stored->version, item->signature.roles)) {
        return err;
    }
    if (apply->trust.size == 0 || !str_equal(item->signature.key, apply->trust)) {
        return signature_pass(apply, target, item, stored);
    }
    err = signature_prove(apply, target, item, &stored->version);
    buf_init(&detail, 1024);
    if (err == OK) {
        err = buf_print(&detail, "%.*s %.*s as %.*s by key %.*s", STR_ARG(item->hash),
                        STR_ARG(item->signature.who), STR_ARG(item->signature.role),
                        STR_ARG(item->signature.key));
    }
    if (err == OK) {
        err = document_audit(apply->service, scope_principal(apply->scope), "trust signature",
                             target->id, kind, buf_str(&detail), apply->now);
    }
    if (err == OK) {
        err = signature_store(apply->service, stored, &item->signature,
                              scope_principal(apply->scope), apply->now, apply->mem);
    }
    if (err == OK && stored != &other && strcmp(outcome->what, "unchanged") == 0) {
        outcome->what = "signed";
    }
    buf_done(&detail);
    return err;
}

/* ---- What is defined and what delivers (decision 012). */

static enum err source_tell(struct apply *apply, const struct target *target, struct str slug,
                            const char *what)
{
    struct apply_change change = {.what = STR("note"), .waits = str_from(what)};
    enum err err = arena_print(apply->mem, &change.element, "source %.*s/%.*s",
                               STR_ARG(target->plan->slug), STR_ARG(slug));
    return err == OK ? change_add(apply, &change) : err;
}

static enum err enrolled_load(struct apply *apply, const struct target *target, struct str **ret,
                              size_t *ret_count)
{
    struct statement *statement;
    struct str *list = ARENA_ARRAY(apply->mem, struct str, SOURCES_MAX);
    size_t count = 0;
    bool row = true;
    enum err err = list == NULL ? ERR_MEMORY
                                : ledger_prepare(apply->service->ledger,
                                                 "SELECT slug FROM source WHERE client = ?"
                                                 " AND active = 1 AND unknown_listener = ''"
                                                 " ORDER BY id",
                                                 &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, target->id.value);
    }
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        err = count == SOURCES_MAX
                  ? ERR_LIMIT
                  : arena_copy(apply->mem, statement_text(statement, 0), &list[count++]);
        if (err != OK) {
            statement_reset(statement);
        }
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}

static enum err log_sources_tell(struct apply *apply, const struct target *target)
{
    struct str *enrolled = NULL;
    size_t count = 0;
    size_t kind = kind_index(STR("log-sources"));
    if (kind == SIZE_MAX || !target->outcomes[kind].there) {
        return OK;
    }
    const struct element *list =
        element_get(target->plan->documents[kind].document.root, "sources");
    enum err err = enrolled_load(apply, target, &enrolled, &count);
    for (size_t i = 0; i < count && err == OK; i++) {
        if (list == NULL || element_item(list, enrolled[i]) == NULL) {
            err = source_tell(apply, target, enrolled[i],
                              "is enrolled, but the log-sources do not define it");
        }
    }
    const struct element *item = list == NULL ? NULL : list->first;
    for (; item != NULL && err == OK; item = item->next) {
        bool found = false;
        for (size_t i = 0; i < count && !found; i++) {
            found = str_equal(enrolled[i], item->slug);
        }
        if (!found) {
            err = source_tell(apply, target, item->slug,
                              "is defined in the log-sources, but not enrolled");
        }
    }
    return err;
}
