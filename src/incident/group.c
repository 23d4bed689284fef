/*
 * Alerts of one cause become one incident.
 *
 * The cause is the type of attack and what it hits: the asset; where no document names one the
 * inside address; where there is none the source of logs.  Alerts are taken a page at a time, in
 * the order in which they were stored, sorted into heaps of one cause, and each heap goes to the
 * open incident of its cause or opens one.  Alerts of a storm were only counted; they belong to the
 * incident that was open when they came (storm.c).
 *
 * Always true:
 *
 *   (1) every alert that is an incident by its outcome belongs to exactly one incident once its
 *       transaction is there, and an incident's count is the number of its alerts, kept or counted;
 *   (2) there is one open incident of a cause at most; the table refuses a second;
 *   (3) an incident's history grows by a line about alerts only when their number has doubled, or a
 *       step was taken, since the last such line, and a minute has passed: a flood makes no more
 *       lines than its number has digits in binary; the first one of a return check does not wait,
 *       and the client hears of it;
 *   (4) without an asset, inside addresses come out of the events and an attacker may invent them:
 *       past INCIDENTS_OPEN_TYPE_MAX open incidents of one type, all further addresses are one
 *       cause.
 *
 * An incident that becomes graver follows the criterion that says so: its severity, chain and first
 * action.  The versions it was opened under stay, and the line of the history holds the new ones.
 */

#include <string.h>

#include "base/limits.h"
#include "codec/json_text.h"
#include "incident/private.h"

#define PAGE          256
#define TOLD_APART    (60 * NS_PER_SECOND)
#define RULE_TOLD_MAX 512 /* bytes of a title; five fit into one text of STR_ARG */

struct candidate {
    uint64_t id;
    struct wall received;
    uint32_t source;
    enum level severity;
    bool authorised;
    struct str type, criterion, chain, action, asset, owner, zone, outside, inside, other;
    struct str documents, rule, rule_id, planned;
    size_t heap;
};

struct heap {
    struct str cause;
    const struct candidate *lead; /* the first of the gravest */
    uint64_t count;
    struct wall first, last;
    struct str rules[RULES_TOLD];
    size_t rules_count;
    uint64_t incident;
};

struct page {
    struct candidate *list;
    size_t count;
    struct heap *heaps;
    size_t heaps_count;
};

static enum err page_read(struct incidents *incidents, struct client_id client, struct page *page);
static enum err page_sort(struct incidents *incidents, struct page *page);
static enum err heap_place(struct operation *operation, struct heap *heap, uint64_t *opened);
static enum err page_mark(struct incidents *incidents, struct client_id client,
                          const struct page *page);
static enum err page_count(struct incidents *incidents, struct client_id client,
                           const struct page *page);

static enum err storms_run(const struct scope *scope, struct incidents *incidents,
                           struct client_id client, struct wall now);

static enum err pages_run(const struct scope *scope, struct incidents *incidents,
                          struct client_id client, struct wall now, uint64_t *opened)
{
    struct page page = {.count = PAGE};
    while (page.count == PAGE) {
        arena_reset(incidents->mem);
        page = (struct page){
            .list = ARENA_ARRAY(incidents->mem, struct candidate, PAGE),
            .heaps = ARENA_ARRAY(incidents->mem, struct heap, PAGE),
        };
        if (page.list == NULL || page.heaps == NULL) {
            return ERR_MEMORY;
        }
        enum err err = page_read(incidents, client, &page);
        if (err == OK) {
            err = page_sort(incidents, &page);
        }
        for (size_t i = 0; i < page.heaps_count && err == OK; i++) {
            struct operation operation = {
                .incidents = incidents,
                .scope = scope,
                .now = now,
                .row = {.client = client},
            };
            err = heap_place(&operation, &page.heaps[i], opened);
        }
        if (err == OK) {
            err = page_mark(incidents, client, &page);
        }
        if (err == OK) {
            err = page_count(incidents, client, &page);
        }
        if (err != OK) {
            return err;
        }
    }
    return OK;
}

enum err incident_group(const struct scope *scope, struct incidents *incidents,
                        struct client_id client, struct wall now, uint64_t *ret_opened)
{
    uint64_t opened = 0;
    if (!scope_allows(scope, client, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    bool alone = !ledger_in_transaction(incidents->ledger);
    enum err err = alone ? ledger_begin(incidents->ledger) : OK;
    if (err != OK) {
        return err;
    }
    err = storms_run(scope, incidents, client, now);
    err = err == OK ? pages_run(scope, incidents, client, now, &opened) : err;
    if (alone) {
        err = err == OK ? ledger_commit(incidents->ledger) : err;
        ledger_rollback(incidents->ledger);
    }
    arena_reset(incidents->mem);
    if (err == OK) {
        *ret_opened = opened;
    }
    return err;
}

/* ---- A page of alerts, and its heaps. */

static enum err candidate_take(struct statement *row, struct arena *mem, struct candidate *ret)
{
    int64_t severity = statement_int(row, 3);
    if (severity < 0 || severity >= LEVEL_COUNT) {
        return ERR_CORRUPT;
    }
    *ret = (struct candidate){
        .id = (uint64_t)statement_int(row, 0),
        .received = {statement_int(row, 1)},
        .source = (uint32_t)statement_int(row, 2),
        .severity = (enum level)severity,
        .authorised = statement_int(row, 4) != 0,
    };
    struct str *const texts[] = {&ret->type,    &ret->criterion, &ret->chain,     &ret->action,
                                 &ret->asset,   &ret->owner,     &ret->zone,      &ret->outside,
                                 &ret->inside,  &ret->other,     &ret->documents, &ret->rule,
                                 &ret->rule_id, &ret->planned};
    enum err err = OK;
    for (size_t i = 0; i < sizeof texts / sizeof *texts && err == OK; i++) {
        err = arena_copy(mem, statement_text(row, 5 + (int)i), texts[i]);
    }
    return err;
}

static enum err page_read(struct incidents *incidents, struct client_id client, struct page *page)
{
    struct statement *statement;
    bool row = true;
    enum err err = LEDGER_QUERY(
        incidents->ledger,
        "SELECT id, received, source, severity, authorised, type, criterion, chain, action, asset,"
        " owner, zone, outside, inside, other, documents, rule_title, rule_id, planned FROM alert"
        " WHERE client = ? AND is_incident = 1 AND incident IS NULL ORDER BY id LIMIT 256",
        &statement, BIND_INT(client.value));
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            return err;
        }
        err = page->count == PAGE
                  ? ERR_CORRUPT
                  : candidate_take(statement, incidents->mem, &page->list[page->count++]);
    }
    statement_reset(statement);
    return err;
}

enum err cause_print(struct arena *mem, struct str type, struct str asset, struct str inside,
                     uint32_t source, struct str *ret)
{
    if (asset.size > 0) {
        return arena_print(mem, ret, "%.*s asset %.*s", STR_ARG(type), STR_ARG(asset));
    }
    if (inside.size > 0) {
        return arena_print(mem, ret, "%.*s inside %.*s", STR_ARG(type), STR_ARG(inside));
    }
    return arena_print(mem, ret, "%.*s source %u", STR_ARG(type), source);
}

static void heap_add(struct heap *heap, const struct candidate *alert)
{
    heap->count++;
    if (heap->lead == NULL || alert->severity > heap->lead->severity) {
        heap->lead = alert;
    }
    if (heap->count == 1 || alert->received.ns < heap->first.ns) {
        heap->first = alert->received;
    }
    if (heap->count == 1 || alert->received.ns > heap->last.ns) {
        heap->last = alert->received;
    }
    for (size_t i = 0; i < heap->rules_count; i++) {
        if (str_equal(heap->rules[i], alert->rule)) {
            return;
        }
    }
    if (heap->rules_count < RULES_TOLD && alert->rule.size > 0) {
        heap->rules[heap->rules_count++] = alert->rule;
    }
}

static enum err page_sort(struct incidents *incidents, struct page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        struct candidate *alert = &page->list[i];
        struct str cause;
        size_t at = 0;
        enum err err = cause_print(incidents->mem, alert->type, alert->asset, alert->inside,
                                   alert->source, &cause);
        if (err != OK) {
            return err;
        }
        while (at < page->heaps_count && !str_equal(page->heaps[at].cause, cause)) {
            at++;
        }
        if (at == page->heaps_count) {
            page->heaps[page->heaps_count++] = (struct heap){.cause = cause};
        }
        alert->heap = at;
        heap_add(&page->heaps[at], alert);
    }
    return OK;
}

static enum err page_mark(struct incidents *incidents, struct client_id client,
                          const struct page *page)
{
    enum err err = OK;
    for (size_t i = 0; i < page->count && err == OK; i++) {
        const struct candidate *alert = &page->list[i];
        struct statement *statement;
        err = LEDGER_QUERY(incidents->ledger,
                           "UPDATE alert SET incident = ? WHERE client = ? AND id = ?", &statement,
                           BIND_INT(page->heaps[alert->heap].incident), BIND_INT(client.value),
                           BIND_INT(alert->id));
        if (err == OK) {
            err = statement_run(statement);
        }
    }
    return err;
}

/* How many alerts of each rule each incident keeps: a page has few rules, mostly one. */
static enum err page_count(struct incidents *incidents, struct client_id client,
                           const struct page *page)
{
    struct storm_rows *rows = ARENA_ARRAY(incidents->mem, struct storm_rows, PAGE);
    size_t count = 0;
    enum err err = rows == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < page->count && err == OK; i++) {
        const struct candidate *alert = &page->list[i];
        uint64_t incident = page->heaps[alert->heap].incident;
        size_t at = 0;
        while (at < count &&
               (rows[at].incident != incident || !str_equal(rows[at].rule_id, alert->rule_id) ||
                !str_equal(rows[at].planned, alert->planned))) {
            at++;
        }
        if (at == count) {
            rows[count++] = (struct storm_rows){.incident = incident,
                                                .rule_id = alert->rule_id,
                                                .rule_title = alert->rule,
                                                .planned = alert->planned,
                                                .first = alert->received,
                                                .last = alert->received};
        }
        rows[at].count++;
        rows[at].first.ns =
            alert->received.ns < rows[at].first.ns ? alert->received.ns : rows[at].first.ns;
        rows[at].last.ns =
            alert->received.ns > rows[at].last.ns ? alert->received.ns : rows[at].last.ns;
    }
    for (size_t i = 0; i < count && err == OK; i++) {
        err = storm_rows_add(incidents->ledger, client, &rows[i]);
    }
    return err;
}

/* ---- A heap finds its incident. */

static enum err open_of_type(struct incidents *incidents, struct client_id client, struct str type,
                             int64_t *ret)
{
    struct statement *statement;
    bool row;
    enum err err = LEDGER_QUERY(
        incidents->ledger,
        "SELECT count(*) FROM incident WHERE client = ? AND type = ? AND ended IS NULL", &statement,
        BIND_INT(client.value), BIND_TEXT(type));
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err == OK) {
        *ret = row ? statement_int(statement, 0) : 0;
        statement_reset(statement);
    }
    return err;
}

/* The open incident of the heap's cause, or that of all causes past the limit.  ERR_NOT_FOUND: a
 * new one is to be opened, of heap->cause. */
static enum err heap_find(struct operation *operation, struct heap *heap)
{
    struct incidents *incidents = operation->incidents;
    struct client_id client = operation->row.client;
    const struct candidate *lead = heap->lead;
    struct str more;
    int64_t open = 0;
    enum err err =
        row_by_cause(incidents->ledger, client, heap->cause, incidents->mem, &operation->row);
    if (err != ERR_NOT_FOUND || lead->asset.size > 0 || lead->inside.size == 0) {
        return err;
    }
    err = open_of_type(incidents, client, lead->type, &open);
    if (err != OK || open < INCIDENTS_OPEN_TYPE_MAX) {
        return err == OK ? ERR_NOT_FOUND : err;
    }
    err = arena_print(incidents->mem, &more, "%.*s more", STR_ARG(lead->type));
    if (err == OK) {
        heap->cause = more;
        err = row_by_cause(incidents->ledger, client, more, incidents->mem, &operation->row);
    }
    return err;
}

static bool rules_hold(struct str rules, struct str rule)
{
    while (rules.size > 0) {
        if (str_equal(str_cut(&rules, '\n'), rule)) {
            return true;
        }
    }
    return false;
}

/* The row's rules and the heap's, up to RULES_TOLD, a line each; of a title its first line. */
static enum err rules_merge(struct operation *operation, const struct heap *heap)
{
    struct row *row = &operation->row;
    size_t count = 0;
    for (struct str rest = row->rules; rest.size > 0; count++) {
        (void)str_cut(&rest, '\n');
    }
    for (size_t i = 0; i < heap->rules_count && count < RULES_TOLD; i++) {
        struct str title = heap->rules[i];
        struct str rule = str_cut(&title, '\n');
        if (rule.size == 0 || rules_hold(row->rules, rule)) {
            continue;
        }
        enum err err =
            arena_print(operation->incidents->mem, &row->rules, "%.*s%s%.*s", STR_ARG(row->rules),
                        count > 0 ? "\n" : "", STR_ARG(str_slice(rule, 0, RULE_TOLD_MAX)));
        if (err != OK) {
            return err;
        }
        count++;
    }
    return OK;
}

static void follow_lead(struct row *row, const struct candidate *lead)
{
    row->severity = lead->severity;
    row->criterion = lead->criterion;
    row->chain = lead->chain;
    row->action = lead->action;
    row->authorised = lead->authorised;
}

/* {"severity":…,"criterion":…,"documents":…,"alerts":…}, the versions only with a lead. */
static enum err detail_make(const struct operation *operation, const struct candidate *lead,
                            struct str *ret)
{
    struct buf out;
    buf_init(&out, DETAIL_SIZE_MAX);
    enum err err =
        buf_print(&out, "{\"alerts\":%llu,\"severity\":\"%s\"",
                  (unsigned long long)operation->row.alerts, level_text(operation->row.severity));
    if (lead != NULL) {
        static const char *const names[] = {"criterion", "action", "documents"};
        const struct str texts[] = {lead->criterion, lead->action, lead->documents};
        for (size_t i = 0; i < 3 && err == OK; i++) {
            err = buf_print(&out, ",\"%s\":", names[i]);
            if (err == OK) {
                err = json_print(&out, texts[i]);
            }
        }
    }
    if (err == OK) {
        err = buf_append_byte(&out, '}');
    }
    if (err == OK) {
        err = arena_copy(operation->incidents->mem, buf_str(&out), ret);
    }
    buf_done(&out);
    return err;
}

static enum err heap_open(struct operation *operation, const struct heap *heap)
{
    const struct candidate *lead = heap->lead;
    struct row *row = &operation->row;
    struct str detail;
    *row = (struct row){
        .client = row->client,
        .cause = heap->cause,
        .type = lead->type,
        .asset = lead->asset,
        .owner = lead->owner,
        .zone = lead->zone,
        .other = lead->other,
        .inside = lead->inside,
        .outside = lead->outside,
        .documents = lead->documents,
        .detected = heap->first,
        .opened = operation->now,
        .ended = WALL_NONE,
        .alerts = heap->count,
        .alert_last = heap->last,
        .told = heap->count,
        .told_at = operation->now,
        .decide_by = WALL_NONE,
        .decide_next = WALL_NONE,
        .notified = WALL_NONE,
        .acknowledged = WALL_NONE,
    };
    follow_lead(row, lead);
    enum err err = rules_merge(operation, heap);
    if (err == OK) {
        err = row_insert(operation->incidents->ledger, row);
    }
    if (err == OK) {
        err = detail_make(operation, lead, &detail);
    }
    if (err == OK) {
        err = history_add(operation, "opened", INCIDENT_DETECTED, (struct str){0}, detail);
    }
    if (err == OK) {
        err = row_moment(operation, MOMENT_DETECTED, row->detected);
    }
    return err == OK ? row_notice(operation, "incident-opened", (struct str){0}, true,
                                  (struct notice_extra){0})
                     : err;
}

static enum err heap_graver(struct operation *operation, const struct heap *heap)
{
    struct row *row = &operation->row;
    struct str detail;
    follow_lead(row, heap->lead);
    enum err err = detail_make(operation, heap->lead, &detail);
    if (err == OK) {
        err = history_add(operation, "graver", row->state, (struct str){0}, detail);
    }
    if (err != OK || row->severity < LEVEL_HIGH) {
        return err;
    }
    return row_notice(operation, "incident-graver", str_from(level_text(row->severity)), true,
                      (struct notice_extra){0});
}

/* The same attack while the client is asked to agree to the return: they have to know. */
static enum err heap_recurs(struct operation *operation)
{
    struct str key;
    enum err err = number_text(operation, operation->row.lines, &key);
    return err == OK
               ? row_notice(operation, "incident-recurred", key, true, (struct notice_extra){0})
               : err;
}

static enum err heap_join(struct operation *operation, const struct heap *heap)
{
    struct row *row = &operation->row;
    struct str detail;
    row->alerts += heap->count;
    if (heap->last.ns > row->alert_last.ns) {
        row->alert_last = heap->last;
    }
    enum err err = rules_merge(operation, heap);
    if (err == OK && heap->lead->severity > row->severity) {
        err = heap_graver(operation, heap);
    }
    bool recurs = row->state == INCIDENT_RETURN_CHECK && row->told == 0;
    if (err == OK && row->alerts >= 2 * row->told &&
        (recurs || operation->now.ns - row->told_at.ns >= TOLD_APART)) {
        row->told = row->alerts;
        row->told_at = operation->now;
        err = detail_make(operation, NULL, &detail);
        if (err == OK) {
            err = history_add(operation, "alerts", row->state, (struct str){0}, detail);
        }
        if (err == OK && recurs) {
            err = heap_recurs(operation);
        }
    }
    return err;
}

static enum err heap_place(struct operation *operation, struct heap *heap, uint64_t *opened)
{
    enum err err = heap_find(operation, heap);
    if (err == ERR_NOT_FOUND) {
        err = heap_open(operation, heap);
        *opened += err == OK;
    } else if (err == OK) {
        err = heap_join(operation, heap);
    }
    if (err == OK) {
        err = row_save(operation->incidents->ledger, &operation->row);
    }
    heap->incident = operation->row.id;
    return err;
}

/* ---- Storms. */

/* They are no graver than the incident, or they would have been kept. */
static enum err storm_join(const struct scope *scope, struct incidents *incidents,
                           struct client_id client, struct wall now, const struct storm_rows *rows)
{
    const struct candidate lead = {.severity = LEVEL_INFORMATIONAL};
    const struct heap heap = {.lead = &lead,
                              .count = rows->count,
                              .first = rows->first,
                              .last = rows->last,
                              .rules = {rows->rule_title},
                              .rules_count = 1};
    struct operation operation = {.incidents = incidents, .scope = scope, .now = now};
    enum err err =
        row_by_id(incidents->ledger, client, rows->incident, incidents->mem, &operation.row);
    err = err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    err = err == OK ? heap_join(&operation, &heap) : err;
    return err == OK ? row_save(incidents->ledger, &operation.row) : err;
}

static enum err storms_run(const struct scope *scope, struct incidents *incidents,
                           struct client_id client, struct wall now)
{
    enum err err = OK;
    while (err == OK) {
        struct storm_rows rows;
        arena_reset(incidents->mem);
        err = storm_next(incidents->ledger, client, incidents->mem, &rows);
        err = err == OK ? storm_join(scope, incidents, client, now, &rows) : err;
    }
    return err == ERR_NOT_FOUND ? OK : err;
}
