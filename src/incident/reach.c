/*
 * What an open incident needs of the archive: the time and the sources of the events behind its
 * alerts.  While it lasts these stay, whatever was promised (desk's schedule asks here).
 *
 *     alerts that are kept     their arrivals, their sources
 *     of a correlation         every event from the first one that it counts; all sources
 *     that were only counted   from the first to the last of them; all sources
 *     around all of it         a day before and a day after: an inquiry asks what came before
 *
 * Always true: an incident whose rows cannot be read is an error of the whole answer, so nothing is
 * let go in doubt; an incident without alerts needs nothing.
 */

#include "incident/private.h"

#define AROUND_NS     (24LL * 3600 * NS_PER_SECOND)
#define REACHES_MAX   10000 /* open incidents of one client; more are an error, and nothing goes */
#define SOURCES_REACH 1000  /* of one incident; more are all */

static enum err sources_load(struct ledger *ledger, uint64_t incident, struct arena *mem,
                             struct incident_reach *reach)
{
    struct statement *statement;
    struct source_id *list = ARENA_ARRAY(mem, struct source_id, SOURCES_REACH + 1);
    size_t count = 0;
    bool row = true;
    enum err err = list == NULL
                       ? ERR_MEMORY
                       : LEDGER_QUERY(ledger,
                                      "SELECT DISTINCT source FROM alert"
                                      " WHERE incident = ? ORDER BY source LIMIT ?",
                                      &statement, BIND_INT(incident), BIND_INT(SOURCES_REACH + 1));
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        list[count++] = (struct source_id){(uint32_t)statement_int(statement, 0)};
    }
    reach->sources = list;
    reach->sources_count = count > SOURCES_REACH ? 0 : count;
    return err;
}

/* The lowest number that a correlation of the incident names. */
static enum err records_look(struct ledger *ledger, uint64_t incident, struct incident_reach *reach)
{
    struct statement *statement;
    bool row = true;
    enum err err = LEDGER_QUERY(
        ledger, "SELECT sequence, event_records FROM alert WHERE incident = ? AND kind <> 0",
        &statement, BIND_INT(incident));
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        uint64_t last = (uint64_t)statement_int(statement, 0);
        struct str records = statement_text(statement, 1);
        uint64_t first = last;
        while (records.size > 0) {
            uint64_t number;
            struct str word = str_cut(&records, ' ');
            if (str_to_u64(word, INT64_MAX, &number) == OK && number > 0 && number < first) {
                first = number;
            }
        }
        reach->first = reach->first == 0 || first < reach->first ? first : reach->first;
        reach->last = last > reach->last ? last : reach->last;
        reach->whole = true;
    }
    return err;
}

static void span_widen(struct incident_reach *reach, int64_t from, int64_t to)
{
    reach->from.ns = !wall_known(reach->from) || from < reach->from.ns ? from : reach->from.ns;
    reach->to.ns = !wall_known(reach->to) || to > reach->to.ns ? to : reach->to.ns;
}

static enum err counted_look(struct ledger *ledger, uint64_t incident, struct incident_reach *reach)
{
    struct statement *statement;
    bool row = true;
    enum err err = LEDGER_QUERY(ledger,
                                "SELECT seen_first, seen_last FROM alert_count"
                                " WHERE incident = ? AND counted > 0",
                                &statement, BIND_INT(incident));
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        span_widen(reach, statement_int(statement, 0), statement_int(statement, 1));
        reach->whole = true;
    }
    return err;
}

static enum err kept_look(struct ledger *ledger, uint64_t incident, struct incident_reach *reach)
{
    struct statement *statement;
    bool row;
    enum err err =
        LEDGER_QUERY(ledger, "SELECT min(received), max(received) FROM alert WHERE incident = ?",
                     &statement, BIND_INT(incident));
    err = err == OK ? statement_step(statement, &row) : err;
    if (err == OK) {
        if (row && !statement_is_null(statement, 0)) {
            span_widen(reach, statement_int(statement, 0), statement_int(statement, 1));
        }
        statement_reset(statement);
    }
    return err;
}

static enum err reach_find(struct ledger *ledger, uint64_t incident, struct arena *mem,
                           struct incident_reach *reach)
{
    enum err err = kept_look(ledger, incident, reach);
    err = err == OK ? counted_look(ledger, incident, reach) : err;
    err = err == OK ? records_look(ledger, incident, reach) : err;
    err = err == OK ? sources_load(ledger, incident, mem, reach) : err;
    if (err == OK && reach->whole) {
        reach->sources_count = 0;
    }
    if (err == OK && wall_known(reach->from)) {
        reach->from.ns -= AROUND_NS;
        reach->to.ns += AROUND_NS;
    }
    return err;
}

static enum err open_load(struct ledger *ledger, struct client_id client, uint64_t *ids,
                          struct incident_reach *list, size_t *ret_count)
{
    struct statement *statement;
    size_t count = 0;
    bool row = true;
    enum err err =
        LEDGER_QUERY(ledger, "SELECT id, number FROM incident WHERE client = ? AND ended IS NULL",
                     &statement, BIND_INT(client.value));
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        if (count == REACHES_MAX) {
            statement_reset(statement);
            return ERR_LIMIT;
        }
        ids[count] = (uint64_t)statement_int(statement, 0);
        list[count++] = (struct incident_reach){
            .number = (uint32_t)statement_int(statement, 1), .from = WALL_NONE, .to = WALL_NONE};
    }
    *ret_count = count;
    return err;
}

enum err incident_reaches(const struct scope *scope, struct ledger *ledger, struct client_id client,
                          struct arena *mem, struct incident_reach **ret, size_t *ret_count)
{
    size_t opened = 0;
    size_t count = 0;
    if (!scope_allows(scope, client, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    uint64_t *ids = ARENA_ARRAY(mem, uint64_t, REACHES_MAX);
    struct incident_reach *list = ARENA_ARRAY(mem, struct incident_reach, REACHES_MAX);
    enum err err =
        ids == NULL || list == NULL ? ERR_MEMORY : open_load(ledger, client, ids, list, &opened);
    for (size_t i = 0; i < opened && err == OK; i++) {
        struct incident_reach reach = list[i];
        err = reach_find(ledger, ids[i], mem, &reach);
        if (err == OK && (wall_known(reach.from) || reach.first > 0)) {
            list[count++] = reach;
        }
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}

enum err incident_reach_of(const struct scope *scope, struct ledger *ledger,
                           struct client_id client, uint32_t number, struct arena *mem,
                           struct incident_reach *ret)
{
    struct statement *statement;
    bool row;
    if (!scope_allows(scope, client, RIGHT_INCIDENTS)) {
        return ERR_DENIED;
    }
    struct incident_reach reach = {.number = number, .from = WALL_NONE, .to = WALL_NONE};
    enum err err = LEDGER_QUERY(
        ledger, "SELECT id, ended IS NOT NULL FROM incident WHERE client = ? AND number = ?",
        &statement, BIND_INT(client.value), BIND_INT(number));
    err = err == OK ? statement_step(statement, &row) : err;
    if (err != OK || !row) {
        return err != OK ? err : ERR_NOT_FOUND;
    }
    uint64_t id = (uint64_t)statement_int(statement, 0);
    reach.ended = statement_int(statement, 1) != 0;
    statement_reset(statement);
    err = reach_find(ledger, id, mem, &reach);
    if (err == OK) {
        *ret = reach;
    }
    return err;
}
