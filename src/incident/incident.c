/*
 * Incidents as others see them: what the room works with, one incident, and lists.
 *
 * Always true: a list is made client by client, each asked for by its own scope check and its own
 * query, so that no row of a client that the scope may not see is ever read.
 */

#include "incident/incident.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "incident/private.h"

#define OPERATION_MEMORY_MAX \
    ((size_t)256 * 1024 * 1024) /* a page of the largest alerts, and theirs */

struct found {
    struct client_id client;
    uint64_t id;
};

static enum err client_next(struct incidents *incidents, struct client_id *client);
static enum err client_find(struct incidents *incidents, struct client_id client,
                            const struct incident_filter *filter, struct found *found,
                            size_t *count);

enum err incidents_new(struct ledger *ledger, struct service *service, struct clocks *clocks,
                       struct incidents **ret)
{
    struct incidents *incidents = calloc(1, sizeof *incidents);
    if (incidents == NULL) {
        return ERR_MEMORY;
    }
    *incidents = (struct incidents){
        .ledger = ledger,
        .service = service,
        .clocks = clocks,
        .mem = arena_new(OPERATION_MEMORY_MAX),
    };
    if (incidents->mem == NULL) {
        incidents_free(incidents);
        return ERR_MEMORY;
    }
    *ret = incidents;
    return OK;
}

void incidents_free(struct incidents *incidents)
{
    if (incidents == NULL) {
        return;
    }
    arena_free(incidents->mem);
    free(incidents);
}

static struct incident_view view_of(const struct row *row)
{
    return (struct incident_view){
        .id = row->id,
        .client = row->client,
        .number = row->number,
        .state = row->state,
        .severity = row->severity,
        .type = row->type,
        .asset = row->asset,
        .owner = row->owner,
        .zone = row->zone,
        .other = row->other,
        .inside = row->inside,
        .outside = row->outside,
        .criterion = row->criterion,
        .chain = row->chain,
        .action = row->action,
        .rules = row->rules,
        .authorised = row->authorised,
        .documents = row->documents,
        .detected = row->detected,
        .opened = row->opened,
        .ended = row->ended,
        .notified = row->notified,
        .acknowledged = row->acknowledged,
        .alerts = row->alerts,
        .alert_last = row->alert_last,
        .turn = row_turn(row),
        .waits_for = str_from(row_waits(row)),
        .decide_by = row->decide_by,
        .proposal = row->proposal,
        .executes = row->executes,
        .executed = row->executed,
    };
}

enum err incident_get(const struct scope *scope, struct incidents *incidents,
                      struct client_id client, uint32_t number, struct arena *mem,
                      struct incident_view *ret)
{
    struct row row;
    if (!scope_allows(scope, client, RIGHT_INCIDENTS)) {
        return ERR_NOT_FOUND;
    }
    enum err err = row_by_number(incidents->ledger, client, number, mem, &row);
    if (err == OK) {
        *ret = view_of(&row);
    }
    return err;
}

/* ---- Lists. */

static int newest_first(const void *a, const void *b)
{
    const struct found *left = a;
    const struct found *right = b;
    return left->id < right->id ? 1 : left->id > right->id ? -1 : 0;
}

/* The newest of all clients that the scope may see, up to `wanted`. */
static enum err ids_find(const struct scope *scope, struct incidents *incidents,
                         const struct incident_filter *filter, size_t wanted, struct found *found,
                         size_t *count)
{
    struct client_id client = filter->client;
    enum err err = client.value == 0 ? client_next(incidents, &client) : OK;
    while (err == OK && client.value != 0) {
        if (scope_allows(scope, client, RIGHT_INCIDENTS)) {
            err = client_find(incidents, client, filter, found, count);
            qsort(found, *count, sizeof *found, newest_first);
            *count = *count < wanted ? *count : wanted;
        }
        if (filter->client.value != 0) {
            break;
        }
        if (err == OK) {
            err = client_next(incidents, &client);
        }
    }
    return err;
}

enum err incident_list_view(const struct scope *scope, struct incidents *incidents,
                            const struct incident_filter *filter, struct arena *mem,
                            struct incident_view **ret, size_t *ret_count)
{
    struct incident_filter bounded = *filter;
    size_t count = 0;
    bounded.count_max =
        filter->count_max < INCIDENT_PAGE_MAX ? filter->count_max : INCIDENT_PAGE_MAX;
    struct found *found = ARENA_ARRAY(mem, struct found, 2 * bounded.count_max + 1);
    struct incident_view *list = ARENA_ARRAY(mem, struct incident_view, bounded.count_max + 1);
    if (found == NULL || list == NULL) {
        return ERR_MEMORY;
    }
    enum err err = ids_find(scope, incidents, &bounded, bounded.count_max, found, &count);
    for (size_t i = 0; i < count && err == OK; i++) {
        struct row row;
        err = row_by_id(incidents->ledger, found[i].client, found[i].id, mem, &row);
        if (err == OK) {
            list[i] = view_of(&row);
        }
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}

/* The next client that has incidents; 0 at the end. */
static enum err client_next(struct incidents *incidents, struct client_id *client)
{
    struct statement *statement;
    bool row;
    enum err err = LEDGER_QUERY(
        incidents->ledger, "SELECT client FROM incident WHERE client > ? ORDER BY client LIMIT 1",
        &statement, BIND_INT(client->value));
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err == OK) {
        client->value = row ? (uint32_t)statement_int(statement, 0) : 0;
        statement_reset(statement);
    }
    return err;
}

/* Adds up to count_max of one client behind what is found. */
static enum err client_find(struct incidents *incidents, struct client_id client,
                            const struct incident_filter *filter, struct found *found,
                            size_t *count)
{
    struct statement *statement;
    bool row = true;
    uint64_t before =
        filter->before_id == 0 || filter->before_id > INT64_MAX ? INT64_MAX : filter->before_id;
    enum err err = LEDGER_QUERY(incidents->ledger,
                                "SELECT id FROM incident WHERE client = ? AND id < ?"
                                " AND (ended IS NULL OR ? = 0) ORDER BY id DESC LIMIT ?",
                                &statement, BIND_INT(client.value), BIND_INT(before),
                                BIND_INT(filter->open_only), BIND_INT(filter->count_max));
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            return err;
        }
        found[(*count)++] = (struct found){client, (uint64_t)statement_int(statement, 0)};
    }
    return err;
}
