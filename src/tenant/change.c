/*
 * Applying a file: the plan is compared with the state, what differs is written, and the new state
 * is read back.  All of it in one transaction, the caller's or one of its own.
 *
 * Parties come first, then each client with its people, engagements and sources, so that whoever an
 * engagement names is there before it.  Last come the engagements of clients that the file does not
 * name: who has left a party, or lost a role, is taken out of them (change_people.c).
 *
 * Always true: on an error nothing has become the tenant's state.  Everything that changed has a
 * version and a line in the audit trail, and what did not change leaves no trace.
 */

#include <stdio.h>
#include <string.h>

#include "codec/crypto.h"
#include "ledger/ledger.h"
#include "tenant/store.h"

static enum err plan_allowed(struct apply *apply, const struct plan *plan);
static enum err plan_overlap(struct apply *apply, const struct plan *plan);
static enum err plan_store(struct apply *apply, const struct plan *plan);
static enum err client_store(struct apply *apply, const struct client_element *client);
static enum err sources_remove(struct apply *apply, struct client_id id,
                               const struct client_element *client);

enum err tenant_apply(const struct scope *scope, struct tenant *tenant, struct str text,
                      struct wall now, struct arena *mem, struct apply_result *ret, struct why *why)
{
    struct plan plan;
    struct bracket bracket;
    struct apply apply = {
        .store = {tenant->ledger, scope_principal(scope), now},
        .scope = scope,
        .state = tenant->state,
        .mem = mem,
        .why = why,
    };
    enum err err = plan_read(text, mem, &plan, why);
    if (err == OK) {
        err = plan_allowed(&apply, &plan);
    }
    if (err == OK) {
        err = plan_refers(&apply, &plan);
    }
    if (err == OK) {
        err = plan_overlap(&apply, &plan);
    }
    if (err == OK) {
        err = bracket_open(tenant, &bracket);
    }
    if (err != OK) {
        return err;
    }
    buf_init(&apply.canonical, VERSION_SIZE_MAX);
    err = plan_store(&apply, &plan);
    buf_done(&apply.canonical);
    err = bracket_close_state(&bracket, err, why);
    if (err == OK) {
        *ret = apply.result;
    }
    return err;
}

/* Clients; what else a person may change is looked at where it changes (change_people.c). */
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

const struct client_element *plan_client(const struct plan *plan, struct str slug)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (str_equal(plan->clients[i].slug, slug)) {
            return &plan->clients[i];
        }
    }
    return NULL;
}

/* The senders of the plan against those of clients that the plan does not name. */
static enum err plan_overlap(struct apply *apply, const struct plan *plan)
{
    struct overlap *overlap;
    enum err err = overlap_new(&overlap);
    if (err != OK) {
        return err;
    }
    err = overlap_add_active(overlap, apply, plan);
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
    const struct state *state = apply->state;
    size_t count_max = state->sources_count + state->people_count + state->engagements_count +
                       state->devices_count;
    for (size_t i = 0; i < plan->parties_count; i++) {
        count_max += 1 + plan->parties[i].people.count;
    }
    for (size_t i = 0; i < plan->count; i++) {
        const struct client_element *client = &plan->clients[i];
        count_max += 1 + client->people.count + client->engagements_count + client->sources_count +
                     client->devices_count;
    }
    apply->result.changes = ARENA_ARRAY(apply->mem, struct apply_change, count_max);
    enum err err = apply->result.changes == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < plan->parties_count && err == OK; i++) {
        err = party_store(apply, &plan->parties[i]);
    }
    for (size_t i = 0; i < plan->count && err == OK; i++) {
        err = client_store(apply, &plan->clients[i]);
    }
    if (err == OK) {
        err = engagements_prune(apply, plan);
    }
    if (err == OK && apply->changed == 0) {
        err = store_audit(&apply->store, "apply", STR("nothing"), scope_purpose(apply->scope));
    }
    return err;
}

enum err change_store(struct apply *apply, struct client_id client, const char *kind,
                      struct str path, const char *what)
{
    struct apply_change unlisted;
    struct apply_change *change =
        apply->result.changes != NULL ? &apply->result.changes[apply->result.count++] : &unlisted;
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

bool canonical_is(const struct apply *apply, struct str version)
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
        err = store_party_rename(&apply->store, client->slug, &client->name);
    }
    if (err == OK) {
        err = change_store(apply, id, "client", client->slug,
                           known == NULL ? "new"
                           : same        ? "unchanged"
                                         : "changed");
    }
    if (err == OK) {
        err = people_store(apply, id, id.value, client->slug, &client->people);
    }
    for (size_t i = 0; i < client->engagements_count && err == OK; i++) {
        err = engagement_store(apply, id, client->slug, &client->engagements[i]);
    }
    if (err == OK) {
        err = engagements_remove(apply, id, client);
    }
    for (size_t i = 0; i < client->sources_count && err == OK; i++) {
        err = source_store(apply, id, client->slug, &client->sources[i]);
    }
    if (err == OK) {
        err = sources_remove(apply, id, client);
    }
    return err == OK ? devices_store(apply, id, client) : err;
}

struct str path_of(struct str first, struct str second, char path[PATH_SIZE_MAX])
{
    int size = snprintf(path, PATH_SIZE_MAX, "%.*s/%.*s", STR_ARG(first), STR_ARG(second));
    return (struct str){path, (size_t)size};
}

enum err source_store(struct apply *apply, struct client_id client, struct str client_slug,
                      const struct source_element *source)
{
    char path[PATH_SIZE_MAX];
    const struct source_state *known = state_source(apply->state, client, source->slug);
    bool active = known != NULL && known->info.active;
    if (str_equal(source->slug, STR(OWN_SOURCE_SLUG))) {
        return why_say_at(apply->why, ERR_DENIED, source->line, source->column,
                          "'%s' is the service's own source; choose another slug", OWN_SOURCE_SLUG);
    }
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
        bool named =
            !client_equal(source->info.client, id) || !source->info.active || source->info.own;
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
