/*
 * Printing what an apply reads.
 *
 * Whoever may manage every client sees all parties; for one client, those that are engaged for it.
 * A provider's administrator sees the own party, which is the only one they may change.  A party is
 * printed whole or not at all, since an apply takes out whom it leaves out.
 *
 * Always true: applied to where it came from, by whoever could print it, an export changes nothing.
 * It holds no password, no token and no hash of either but those of log senders.
 */

#include <stdlib.h>

#include "ledger/ledger.h"
#include "tenant/private.h"

/* Lists of what is active, long enough for all there is. */
struct lists {
    const struct person_element **people;
    const struct engagement_element **engagements;
    const struct source_element **sources;
    const struct device_element **devices;
};

static enum err lists_new(const struct state *state, struct lists *ret)
{
    *ret = (struct lists){
        calloc(state->people_count + 1, sizeof(struct person_element *)),
        calloc(state->engagements_count + 1, sizeof(struct engagement_element *)),
        calloc(state->sources_count + 1, sizeof(struct source_element *)),
        calloc(state->devices_count + 1, sizeof(struct device_element *)),
    };
    return ret->people == NULL || ret->engagements == NULL || ret->sources == NULL ||
                   ret->devices == NULL
               ? ERR_MEMORY
               : OK;
}

static void lists_done(struct lists *lists)
{
    free(lists->people);
    free(lists->engagements);
    free(lists->sources);
    free(lists->devices);
}

static size_t people_list(const struct state *state, struct str party, struct lists *lists)
{
    size_t count = 0;
    for (size_t i = 0; i < state->people_count; i++) {
        const struct person_state *person = &state->people[i];
        if (person->info.active && str_equal(person->info.party, party)) {
            lists->people[count++] = &person->element;
        }
    }
    return count;
}

static enum err client_export_one(const struct state *state, const struct client_state *client,
                                  struct lists *lists, struct buf *out)
{
    struct client_parts parts = {
        .client = &client->element,
        .people = lists->people,
        .people_count = people_list(state, client->info.slug, lists),
        .engagements = lists->engagements,
        .sources = lists->sources,
        .devices = lists->devices,
    };
    for (size_t i = 0; i < state->engagements_count; i++) {
        const struct engagement_record *engagement = &state->engagements[i];
        if (engagement->active && client_equal(engagement->info.client, client->info.id)) {
            lists->engagements[parts.engagements_count++] = &engagement->element;
        }
    }
    for (size_t i = 0; i < state->sources_count; i++) {
        const struct source_state *source = &state->sources[i];
        if (source->info.active && !source->info.own &&
            client_equal(source->info.client, client->info.id)) {
            lists->sources[parts.sources_count++] = &source->element;
        }
    }
    for (size_t i = 0; i < state->devices_count; i++) {
        const struct device_state *device = &state->devices[i];
        if (device->info.active && client_equal(device->info.client, client->info.id)) {
            lists->devices[parts.devices_count++] = &device->element;
        }
    }
    return client_export(&parts, out);
}

static bool engaged(const struct state *state, struct str party, struct str client)
{
    const struct client_state *known = state_client(state, client);
    for (size_t i = 0; known != NULL && i < state->engagements_count; i++) {
        const struct engagement_record *engagement = &state->engagements[i];
        if (engagement->active && client_equal(engagement->info.client, known->info.id) &&
            str_equal(engagement->element.party, party)) {
            return true;
        }
    }
    return false;
}

static bool party_shown(const struct scope *scope, const struct state *state, struct str party,
                        struct str client)
{
    if (scope_allows_all(scope, RIGHT_MANAGE)) {
        return client.size == 0 || engaged(state, party, client);
    }
    const struct person_state *person = state_person_id(state, scope_person(scope));
    return person != NULL && str_equal(person->name, scope_principal(scope)) &&
           (person->element.roles & 1u << ROLE_PROVIDER_ADMIN) != 0 &&
           str_equal(person->info.party, party);
}

static enum err parties_export(const struct scope *scope, const struct state *state,
                               struct str client, struct lists *lists, struct buf *out)
{
    enum err err = OK;
    size_t printed = 0;
    for (size_t i = 0; i < state->parties_count && err == OK; i++) {
        const struct party_element *party = &state->parties[i].element;
        if (!party_shown(scope, state, party->slug, client)) {
            continue;
        }
        err = printed++ == 0 ? buf_append(out, STR("parties:\n")) : OK;
        if (err == OK) {
            err = party_export(party, lists->people, people_list(state, party->slug, lists), out);
        }
    }
    return err;
}

static enum err clients_export(const struct scope *scope, const struct state *state,
                               struct str slug, struct lists *lists, tenant_export_call *documents,
                               void *context, struct buf *out)
{
    size_t printed = 0;
    enum err err = OK;
    for (size_t i = 0; i < state->clients_count && err == OK; i++) {
        const struct client_state *client = &state->clients[i];
        if ((slug.size > 0 && !str_equal(client->info.slug, slug)) ||
            client_equal(client->info.id, CLIENT_INSTALLATION) ||
            !scope_allows(scope, client->info.id, RIGHT_MANAGE)) {
            continue;
        }
        err = printed++ == 0 ? buf_append(out, STR("clients:\n")) : OK;
        if (err == OK) {
            err = client_export_one(state, client, lists, out);
        }
        if (err == OK && documents != NULL) {
            err = documents(context, client->info.id, out);
        }
    }
    if (err == OK && printed == 0) {
        return slug.size > 0 ? ERR_NOT_FOUND : buf_append(out, STR("clients: []\n"));
    }
    return err;
}

enum err tenant_export(const struct scope *scope, struct tenant *tenant, struct str slug,
                       tenant_export_call *documents, void *context, struct buf *out)
{
    size_t size_before = out->size;
    struct lists lists;
    enum err err = lists_new(tenant->state, &lists);
    if (err == OK) {
        err = parties_export(scope, tenant->state, slug, &lists, out);
    }
    if (err == OK) {
        err = clients_export(scope, tenant->state, slug, &lists, documents, context, out);
    }
    lists_done(&lists);
    if (err != OK) {
        out->size = size_before;
    }
    return err;
}
