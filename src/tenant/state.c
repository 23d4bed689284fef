/*
 * What is effective now, read from the ledger: every client and source with the last version of its
 * element.  A state is immutable; an apply makes a new one and swaps it in whole.  Parties, people
 * and engagements are read in state_people.c.
 *
 * Always true: clients and sources stand in the order of their ids, those that left the documents
 * included (as inactive, with an empty element).
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "ledger/ledger.h"
#include "tenant/private.h"

#define STATE_SIZE_MAX ((size_t)1 << 30)

static enum err clients_load(struct ledger *ledger, struct state *state, struct why *why);
static enum err sources_load(struct ledger *ledger, struct state *state, struct why *why);
static enum err client_load(struct statement *row, struct state *state, struct why *why);
static enum err source_load(struct statement *row, struct state *state, struct why *why);
static enum err generation_load(struct ledger *ledger, struct state *state);

enum err state_load(struct ledger *ledger, struct state **ret, struct why *why)
{
    struct state *state = calloc(1, sizeof *state);
    if (state == NULL) {
        return ERR_MEMORY;
    }
    state->mem = arena_new(STATE_SIZE_MAX);
    enum err err = state->mem == NULL ? ERR_MEMORY : clients_load(ledger, state, why);
    if (err == OK) {
        err = sources_load(ledger, state, why);
    }
    if (err == OK) {
        err = state_load_devices(ledger, state, why);
    }
    if (err == OK) {
        err = state_load_people(ledger, state, why);
    }
    if (err == OK) {
        err = generation_load(ledger, state);
    }
    if (err != OK) {
        state_free(state);
        return err;
    }
    *ret = state;
    return OK;
}

void state_free(struct state *state)
{
    if (state != NULL) {
        arena_free(state->mem);
        free(state);
    }
}

enum err bracket_open(struct tenant *tenant, struct bracket *ret)
{
    *ret = (struct bracket){tenant, !ledger_in_transaction(tenant->ledger)};
    assert(!ret->alone || !tenant->unsettled);
    return ret->alone ? ledger_begin(tenant->ledger) : OK;
}

enum err bracket_close(struct bracket *bracket, enum err err)
{
    if (bracket->alone) {
        err = err == OK ? ledger_commit(bracket->tenant->ledger) : err;
        ledger_rollback(bracket->tenant->ledger);
    }
    return err;
}

enum err bracket_close_state(struct bracket *bracket, enum err err, struct why *why)
{
    struct tenant *tenant = bracket->tenant;
    struct state *state = NULL;
    if (err == OK) {
        err = state_load(tenant->ledger, &state, why);
    }
    err = bracket_close(bracket, err);
    if (err != OK) {
        state_free(state);
        return err;
    }
    state_free(tenant->state);
    tenant->state = state;
    tenant->unsettled = tenant->unsettled || !bracket->alone;
    return OK;
}

enum err tenant_settle(struct tenant *tenant, struct why *why)
{
    struct state *state;
    assert(!ledger_in_transaction(tenant->ledger));
    if (!tenant->unsettled) {
        return OK;
    }
    enum err err = state_load(tenant->ledger, &state, why);
    if (err == OK) {
        state_free(tenant->state);
        tenant->state = state;
        tenant->unsettled = false;
    }
    return err;
}

const struct client_state *state_client(const struct state *state, struct str slug)
{
    for (size_t i = 0; i < state->clients_count; i++) {
        if (str_equal(state->clients[i].info.slug, slug)) {
            return &state->clients[i];
        }
    }
    return NULL;
}

const struct source_state *state_source(const struct state *state, struct client_id client,
                                        struct str slug)
{
    for (size_t i = 0; i < state->sources_count; i++) {
        if (client_equal(state->sources[i].info.client, client) &&
            str_equal(state->sources[i].info.slug, slug)) {
            return &state->sources[i];
        }
    }
    return NULL;
}

enum err count_load(struct ledger *ledger, const char *sql, size_t max, size_t *ret,
                    struct why *why)
{
    struct statement *statement;
    bool row;
    enum err err = ledger_prepare(ledger, sql, &statement);
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err != OK) {
        return err;
    }
    *ret = (size_t)statement_int(statement, 0);
    statement_reset(statement);
    return *ret <= max ? OK
                       : why_say(why, ERR_LIMIT, 0,
                                 "more than %zu clients, sources, devices, parties, people or "
                                 "engagements; one installation keeps no more",
                                 max);
}

enum err rows_load(struct statement *statement, row_load *load, struct state *state,
                   struct why *why)
{
    bool row = true;
    for (;;) {
        enum err err = statement_step(statement, &row);
        if (err != OK || !row) {
            return err;
        }
        err = load(statement, state, why);
        if (err != OK) {
            statement_reset(statement);
            return err;
        }
    }
}

static enum err clients_load(struct ledger *ledger, struct state *state, struct why *why)
{
    struct statement *statement;
    size_t count;
    enum err err = count_load(ledger, "SELECT count(*) FROM client", CLIENTS_MAX, &count, why);
    if (err != OK) {
        return err;
    }
    state->clients = ARENA_ARRAY(state->mem, struct client_state, count + 1);
    if (state->clients == NULL) {
        return ERR_MEMORY;
    }
    err = ledger_prepare(
        ledger,
        "SELECT c.id, p.slug, coalesce(v.hash, ''), coalesce(t.canonical, '')"
        " FROM client c JOIN party p ON p.id = c.party"
        " LEFT JOIN document_version v ON v.id = (SELECT max(w.id) FROM document_version w"
        " WHERE w.client = c.id AND w.kind = 'client' AND w.path = p.slug)"
        " LEFT JOIN document_text t ON t.hash = v.hash ORDER BY c.id",
        &statement);
    return err == OK ? rows_load(statement, client_load, state, why) : err;
}

static enum err sources_load(struct ledger *ledger, struct state *state, struct why *why)
{
    struct statement *statement;
    size_t count;
    enum err err = count_load(ledger, "SELECT count(*) FROM source", SOURCES_MAX, &count, why);
    if (err != OK) {
        return err;
    }
    state->sources = ARENA_ARRAY(state->mem, struct source_state, count + 1);
    if (state->sources == NULL) {
        return ERR_MEMORY;
    }
    err = ledger_prepare(
        ledger,
        "SELECT s.id, s.client, p.slug, s.slug, s.active, s.unknown_listener,"
        " coalesce(v.hash, ''), coalesce(t.canonical, ''), s.own"
        " FROM source s JOIN client c ON c.id = s.client JOIN party p ON p.id = c.party"
        " LEFT JOIN document_version v ON v.id = (SELECT max(w.id) FROM document_version w"
        " WHERE w.client = s.client AND w.kind = 'source' AND w.path = p.slug || '/' || s.slug)"
        " LEFT JOIN document_text t ON t.hash = v.hash ORDER BY s.id",
        &statement);
    return err == OK ? rows_load(statement, source_load, state, why) : err;
}

enum err element_parse(struct str canonical, struct arena *mem, struct yaml_node **ret)
{
    enum err err = yaml_parse(canonical, mem, ret, NULL);
    return err == ERR_SYNTAX || err == ERR_LIMIT || (err == OK && *ret == NULL) ? ERR_CORRUPT : err;
}

static enum err client_load(struct statement *row, struct state *state, struct why *why)
{
    struct client_state *client = &state->clients[state->clients_count++];
    struct yaml_node *node;
    client->info.id.value = (uint32_t)statement_int(row, 0);
    enum err err = arena_copy(state->mem, statement_text(row, 1), &client->info.slug);
    if (err == OK) {
        err = arena_copy(state->mem, statement_text(row, 2), &client->version);
    }
    if (err == OK && client->version.size > 0) {
        err = element_parse(statement_text(row, 3), state->mem, &node);
        if (err == OK && client_read(node, false, state->mem, &client->element, NULL) != OK) {
            err = ERR_CORRUPT;
        }
    }
    if (err == ERR_CORRUPT) {
        return why_say(why, err, 0, "the ledger's document of client %.*s is damaged",
                       STR_ARG(client->info.slug));
    }
    client->element.line = 0;
    client->info.name_ja = client->element.name.ja;
    client->info.name_en = client->element.name.en;
    return err;
}

static enum err source_load(struct statement *row, struct state *state, struct why *why)
{
    struct source_state *source = &state->sources[state->sources_count++];
    struct yaml_node *node;
    source->info.id.value = (uint32_t)statement_int(row, 0);
    source->info.client.value = (uint32_t)statement_int(row, 1);
    source->info.active = statement_int(row, 4) != 0;
    enum err err = arena_copy(state->mem, statement_text(row, 2), &source->client_slug);
    if (err == OK) {
        err = arena_copy(state->mem, statement_text(row, 3), &source->info.slug);
    }
    if (err == OK) {
        err = arena_copy(state->mem, statement_text(row, 5), &source->unknown_listener);
    }
    if (err == OK) {
        err = arena_copy(state->mem, statement_text(row, 6), &source->version);
    }
    source->info.unknown_senders = source->unknown_listener.size > 0;
    source->info.own = statement_int(row, 8) != 0;
    if (err == OK && source->info.active && !source->info.unknown_senders && !source->info.own) {
        err = element_parse(statement_text(row, 7), state->mem, &node);
        if (err == OK && source_read(node, state->mem, &source->element, NULL) != OK) {
            err = ERR_CORRUPT;
        }
    }
    if (err == ERR_CORRUPT) {
        return why_say(why, err, 0, "the ledger's document of source %.*s/%.*s is damaged",
                       STR_ARG(source->client_slug), STR_ARG(source->info.slug));
    }
    source->element.line = 0;
    source->info.parser = source->element.parser;
    source->info.zone = source->element.zone_name;
    source->info.name_ja = source->element.name.ja;
    source->info.name_en = source->element.name.en;
    return err;
}

/* Grows with each new version and each new source, and with nothing else. */
static enum err generation_load(struct ledger *ledger, struct state *state)
{
    struct statement *statement;
    bool row;
    enum err err = ledger_prepare(ledger,
                                  "SELECT coalesce((SELECT max(id) FROM document_version), 0),"
                                  " coalesce((SELECT max(id) FROM source), 0)",
                                  &statement);
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err == OK) {
        state->generation =
            1 + (uint64_t)statement_int(statement, 0) + (uint64_t)statement_int(statement, 1);
        statement_reset(statement);
    }
    return err;
}
