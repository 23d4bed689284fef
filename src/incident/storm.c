/*
 * Storms: a million alerts of one cause are one incident with an exact count, not a million rows.
 *
 * Of one rule in one incident the first ALERTS_KEPT_MAX alerts are kept one by one; further ones
 * are added to a row of alert_count, in the transaction that moves the bookmark.  Where each lies
 * is not lost: the row has the first and last place, and the rule finds them again there.  Alerts
 * that are no incident (excepted, planned, or below what the criteria ask for) are counted
 * likewise, apart by rule, asset, exception and planned work, and anew each day (UTC) of arrival.
 *
 *     storm_begin → (storm_count → storm_kept) … → storm_end     one call of incident_store
 *         → storm_next …                                           incident_group, for the incident
 *
 * Within a call what belongs together is summed up in memory, so that an alert that is only counted
 * costs no statement.
 *
 * Always true:
 *
 *   (1) An alert is counted or kept, never both: those before the bookmark do not come here.
 *   (2) An alert that would make its incident graver is kept, whatever their number.
 *   (3) kept + counted of all rows is the number of alerts since this table began.
 */

#include <stdlib.h>

#include "base/limits.h"
#include "base/map.h"
#include "incident/private.h"

#define MEMORY_MAX  ((size_t)256 << 20) /* keys of one message of alerts */
#define TALLIES_MAX ((size_t)1 << 20)   /* a message has fewer alerts */
#define DAY_NS      (24LL * 3600 * NS_PER_SECOND)

/* What one call found of one key. */
struct tally {
    struct tally *next;
    uint64_t incident; /* 0: none that is open */
    int64_t day;
    struct str rule_id, rule_title, asset, excepted, planned;
    bool opens;             /* it is an incident, and none is open: kept, and counted by group.c */
    enum level severity;    /* of the open incident */
    uint64_t there;         /* kept so far, in this call too */
    uint64_t kept, counted; /* by this call; what is kept of an incident, group.c counts */
    uint64_t first_sequence, last_sequence; /* of those that were counted */
    struct wall first, last;
};

struct storm {
    struct ledger *ledger;
    struct client_id client;
    struct arena *mem;
    struct buf key;
    struct map tallies; /* key to struct tally *, as uintptr_t */
    struct tally *list;
    struct tally *at; /* that of the last storm_count */
    struct wall received;
};

enum err storm_begin(struct ledger *ledger, struct client_id client, struct storm **ret)
{
    struct storm *storm = calloc(1, sizeof *storm);
    if (storm == NULL) {
        return ERR_MEMORY;
    }
    storm->ledger = ledger;
    storm->client = client;
    storm->mem = arena_new(MEMORY_MAX);
    buf_init(&storm->key, MEMORY_MAX);
    map_init(&storm->tallies, TALLIES_MAX, (uint64_t)(uintptr_t)storm);
    if (storm->mem == NULL) {
        storm_free(storm);
        return ERR_MEMORY;
    }
    *ret = storm;
    return OK;
}

void storm_free(struct storm *storm)
{
    if (storm != NULL) {
        arena_free(storm->mem);
        buf_done(&storm->key);
        map_done(&storm->tallies);
        free(storm);
    }
}

/* ---- One alert. */

static int64_t day_of(struct wall received)
{
    return received.ns / DAY_NS - (received.ns % DAY_NS < 0);
}

static enum err key_text(struct buf *key, struct str text)
{
    enum err err = buf_append(key, text);
    return err == OK ? buf_append_byte(key, '\0') : err;
}

/* What alerts have in common that are counted together. */
static enum err key_make(struct storm *storm, const struct alert *alert)
{
    const struct outcome *outcome = &alert->outcome;
    const struct str incident[] = {alert->rule_id, outcome->planned, outcome->asset, outcome->type,
                                   outcome->inside};
    const struct str other[] = {alert->rule_id, outcome->planned, outcome->asset, outcome->excepted,
                                STR("")};
    enum err err = OK;
    buf_reset(&storm->key);
    for (size_t i = 0; i < 5 && err == OK; i++) {
        err = key_text(&storm->key, outcome->incident ? incident[i] : other[i]);
    }
    return err == OK ? buf_print(&storm->key, "%d %lld", outcome->incident,
                                 outcome->incident ? (long long)alert->source.value
                                                   : (long long)day_of(alert->received))
                     : err;
}

/* The open incident of the alert's cause, and how many of the rule are kept in it. */
static enum err incident_look(struct storm *storm, const struct alert *alert, struct tally *tally)
{
    const struct outcome *outcome = &alert->outcome;
    struct statement *statement;
    struct str cause;
    bool row = false;
    enum err err = cause_print(storm->mem, outcome->type, outcome->asset, outcome->inside,
                               alert->source.value, &cause);
    if (err == OK) {
        err = LEDGER_QUERY(storm->ledger,
                           "SELECT i.id, i.severity, coalesce(c.kept, 0) FROM incident i"
                           " LEFT JOIN alert_count c ON c.client = i.client AND c.incident = i.id"
                           " AND c.day = 0 AND c.rule_id = ?3 AND c.asset = '' AND c.excepted = ''"
                           " AND c.planned = ?4"
                           " WHERE i.client = ?1 AND i.cause = ?2 AND i.ended IS NULL",
                           &statement, BIND_INT(storm->client.value), BIND_TEXT(cause),
                           BIND_TEXT(alert->rule_id), BIND_TEXT(outcome->planned));
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    tally->planned = outcome->planned;
    tally->opens = !row;
    if (err == OK && row) {
        tally->incident = (uint64_t)statement_int(statement, 0);
        tally->severity = (enum level)statement_int(statement, 1);
        tally->there = (uint64_t)statement_int(statement, 2);
        statement_reset(statement);
    }
    return err;
}

static enum err day_look(struct storm *storm, const struct alert *alert, struct tally *tally)
{
    const struct outcome *outcome = &alert->outcome;
    struct statement *statement;
    bool row = false;
    tally->day = day_of(alert->received);
    enum err err = LEDGER_QUERY(
        storm->ledger,
        "SELECT kept FROM alert_count WHERE client = ? AND incident = 0 AND day = ? AND rule_id = ?"
        " AND asset = ? AND excepted = ? AND planned = ?",
        &statement, BIND_INT(storm->client.value), BIND_INT(tally->day), BIND_TEXT(alert->rule_id),
        BIND_TEXT(outcome->asset), BIND_TEXT(outcome->excepted), BIND_TEXT(outcome->planned));
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err == OK && row) {
        tally->there = (uint64_t)statement_int(statement, 0);
        statement_reset(statement);
    }
    tally->asset = outcome->asset;
    tally->excepted = outcome->excepted;
    tally->planned = outcome->planned;
    return err;
}

/* Texts of alerts outlive the call. */
static enum err tally_find(struct storm *storm, const struct alert *alert, struct tally **ret)
{
    uint64_t found;
    enum err err = key_make(storm, alert);
    if (err != OK) {
        return err;
    }
    if (map_get(&storm->tallies, buf_str(&storm->key), &found)) {
        *ret = (struct tally *)(uintptr_t)found;
        return OK;
    }
    struct tally *tally = ARENA_ONE(storm->mem, struct tally);
    if (tally == NULL) {
        return ERR_MEMORY;
    }
    *tally = (struct tally){.next = storm->list,
                            .rule_id = alert->rule_id,
                            .rule_title = alert->rule_title,
                            .first = WALL_NONE,
                            .last = WALL_NONE};
    err = alert->outcome.incident ? incident_look(storm, alert, tally)
                                  : day_look(storm, alert, tally);
    if (err == OK) {
        err = map_put(&storm->tallies, buf_str(&storm->key), (uint64_t)(uintptr_t)tally);
    }
    if (err == OK) {
        storm->list = tally;
        *ret = tally;
    }
    return err;
}

static void tally_see(struct tally *tally, struct wall received)
{
    if (!wall_known(tally->first) || received.ns < tally->first.ns) {
        tally->first = received;
    }
    if (!wall_known(tally->last) || received.ns > tally->last.ns) {
        tally->last = received;
    }
}

enum err storm_count(struct storm *storm, const struct alert *alert, bool *ret_counted)
{
    struct tally *tally;
    enum err err = tally_find(storm, alert, &tally);
    if (err != OK) {
        return err;
    }
    bool graver = tally->incident != 0 && alert->outcome.severity > tally->severity;
    storm->at = tally;
    storm->received = alert->received;
    *ret_counted = !tally->opens && !graver && tally->there >= ALERTS_KEPT_MAX;
    if (*ret_counted) {
        uint64_t sequence = alert->place.sequence;
        if (tally->counted == 0 || sequence < tally->first_sequence) {
            tally->first_sequence = sequence;
        }
        if (tally->counted == 0 || sequence > tally->last_sequence) {
            tally->last_sequence = sequence;
        }
        tally->counted++;
        tally_see(tally, alert->received);
    }
    return OK;
}

void storm_kept(struct storm *storm)
{
    struct tally *tally = storm->at;
    tally->there++;
    if (!tally->opens && tally->incident == 0) {
        tally->kept++;
        tally_see(tally, storm->received);
    }
}

/* ---- Rows of alert_count. */

static enum err tally_put(struct ledger *ledger, struct client_id client, const struct tally *tally)
{
    struct statement *statement;
    enum err err = LEDGER_QUERY(
        ledger,
        "INSERT INTO alert_count (client, incident, day, rule_id, asset, excepted, planned,"
        " rule_title, kept, counted, fresh, first_sequence, last_sequence, seen_first, seen_last)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)"
        " ON CONFLICT (client, incident, day, rule_id, asset, excepted, planned) DO UPDATE SET"
        " rule_title = ?8, kept = kept + ?9, counted = counted + ?10, fresh = fresh + ?11,"
        " first_sequence = CASE WHEN ?10 = 0 THEN first_sequence WHEN counted = 0 THEN ?12"
        " ELSE min(first_sequence, ?12) END, last_sequence = max(last_sequence, ?13),"
        " seen_first = min(seen_first, ?14), seen_last = max(seen_last, ?15)",
        &statement, BIND_INT(client.value), BIND_INT(tally->incident), BIND_INT(tally->day),
        BIND_TEXT(tally->rule_id), BIND_TEXT(tally->asset), BIND_TEXT(tally->excepted),
        BIND_TEXT(tally->planned), BIND_TEXT(tally->rule_title), BIND_INT(tally->kept),
        BIND_INT(tally->counted), BIND_INT(tally->incident != 0 ? tally->counted : 0),
        BIND_INT(tally->first_sequence), BIND_INT(tally->last_sequence), BIND_INT(tally->first.ns),
        BIND_INT(tally->last.ns));
    return err == OK ? statement_run(statement) : err;
}

enum err storm_end(struct storm *storm)
{
    enum err err = OK;
    for (const struct tally *tally = storm->list; tally != NULL && err == OK; tally = tally->next) {
        if (tally->kept + tally->counted > 0) {
            err = tally_put(storm->ledger, storm->client, tally);
        }
    }
    return err;
}

enum err storm_rows_add(struct ledger *ledger, struct client_id client,
                        const struct storm_rows *rows)
{
    const struct tally tally = {.incident = rows->incident,
                                .rule_id = rows->rule_id,
                                .planned = rows->planned,
                                .rule_title = rows->rule_title,
                                .kept = rows->count,
                                .first = rows->first,
                                .last = rows->last};
    return tally_put(ledger, client, &tally);
}

enum err storm_next(struct ledger *ledger, struct client_id client, struct arena *mem,
                    struct storm_rows *ret)
{
    struct statement *statement;
    bool row = false;
    enum err err = LEDGER_QUERY(ledger,
                                "SELECT id, incident, fresh, seen_first, seen_last, rule_id,"
                                " rule_title FROM alert_count WHERE client = ? AND fresh > 0"
                                " ORDER BY id LIMIT 1",
                                &statement, BIND_INT(client.value));
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err != OK || !row) {
        return err == OK ? ERR_NOT_FOUND : err;
    }
    int64_t id = statement_int(statement, 0);
    *ret = (struct storm_rows){.incident = (uint64_t)statement_int(statement, 1),
                               .count = (uint64_t)statement_int(statement, 2),
                               .first = {statement_int(statement, 3)},
                               .last = {statement_int(statement, 4)}};
    err = arena_copy(mem, statement_text(statement, 5), &ret->rule_id);
    err = err == OK ? arena_copy(mem, statement_text(statement, 6), &ret->rule_title) : err;
    statement_reset(statement);
    if (err == OK) {
        err = LEDGER_QUERY(ledger, "UPDATE alert_count SET fresh = 0 WHERE id = ?", &statement,
                           BIND_INT(id));
    }
    return err == OK ? statement_run(statement) : err;
}
