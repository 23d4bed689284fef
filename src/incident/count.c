/*
 * Counts of alerts, as people ask for them: what storm.c summed up, and how often an exception or
 * planned work was hit.
 *
 * Always true: the counts hold every alert since their table began, whether it was kept or not.
 */

#include <string.h>

#include "incident/private.h"

static enum err count_take(struct statement *row, struct arena *mem, struct alert_count *ret)
{
    *ret = (struct alert_count){
        .id = (uint64_t)statement_int(row, 0),
        .incident = (uint64_t)statement_int(row, 1),
        .day = statement_int(row, 2),
        .kept = (uint64_t)statement_int(row, 3),
        .counted = (uint64_t)statement_int(row, 4),
        .first_sequence = (uint64_t)statement_int(row, 5),
        .last_sequence = (uint64_t)statement_int(row, 6),
        .first = {statement_int(row, 7)},
        .last = {statement_int(row, 8)},
    };
    struct str *const texts[] = {&ret->rule_id, &ret->rule_title, &ret->asset, &ret->excepted,
                                 &ret->planned};
    enum err err = OK;
    for (size_t i = 0; i < sizeof texts / sizeof *texts && err == OK; i++) {
        err = arena_copy(mem, statement_text(row, 9 + (int)i), texts[i]);
    }
    return err;
}

enum err incident_counts(const struct scope *scope, struct ledger *ledger, struct client_id client,
                         uint64_t after_id, size_t count_max, struct arena *mem,
                         struct alert_count **ret, size_t *ret_count)
{
    struct statement *statement;
    size_t count = 0;
    bool row = true;
    if (!scope_allows(scope, client, RIGHT_ALERTS)) {
        return ERR_DENIED;
    }
    struct alert_count *list = ARENA_ARRAY(mem, struct alert_count, count_max + 1);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    enum err err = LEDGER_QUERY(
        ledger,
        "SELECT id, incident, day, kept, counted, first_sequence, last_sequence, seen_first,"
        " seen_last, rule_id, rule_title, asset, excepted, planned FROM alert_count"
        " WHERE client = ? AND id > ? ORDER BY id LIMIT ?",
        &statement, BIND_INT(client.value), BIND_INT(after_id), BIND_INT(count_max));
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        err = count_take(statement, mem, &list[count++]);
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

enum err incident_hits(const struct scope *scope, struct ledger *ledger, struct client_id client,
                       enum hit_kind kind, struct arena *mem, struct alert_hits **ret,
                       size_t *ret_count)
{
    static const char *const queries[] = {
        [HIT_EXCEPTED] = "SELECT excepted, sum(kept + counted), max(seen_last) FROM alert_count"
                         " WHERE client = ? AND excepted <> '' GROUP BY excepted LIMIT 10000",
        [HIT_PLANNED] = "SELECT planned, sum(kept + counted), max(seen_last) FROM alert_count"
                        " WHERE client = ? AND planned <> '' GROUP BY planned LIMIT 10000"};
    struct statement *statement;
    struct buf found;
    bool row = true;
    if (!scope_allows(scope, client, RIGHT_ALERTS)) {
        return ERR_DENIED;
    }
    buf_init(&found, 10000 * sizeof(struct alert_hits));
    enum err err = LEDGER_QUERY(ledger, queries[kind], &statement, BIND_INT(client.value));
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        struct alert_hits hits = {.alerts = (uint64_t)statement_int(statement, 1),
                                  .last = {statement_int(statement, 2)}};
        err = arena_copy(mem, statement_text(statement, 0), &hits.slug);
        err = err == OK ? buf_append(&found, str_of(&hits, sizeof hits)) : err;
        if (err != OK) {
            statement_reset(statement);
        }
    }
    struct alert_hits *list = ARENA_ARRAY(mem, struct alert_hits, found.size / sizeof *list + 1);
    err = err == OK && list == NULL ? ERR_MEMORY : err;
    if (err == OK) {
        if (found.size > 0) {
            memcpy(list, found.data, found.size);
        }
        *ret = list;
        *ret_count = found.size / sizeof *list;
    }
    buf_done(&found);
    return err;
}
