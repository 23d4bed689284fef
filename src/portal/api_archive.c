/*
 * A client's archive as people see it: what lies there and how long it stays, what went, how long
 * the disk will last; holds; and who read logs.
 *
 * Always true: of the disk, which all clients share, a client's side hears how many days it will
 * last and nothing of anybody's volume but its own; who read logs is told to who may read the audit
 * trail, and asking is noted there.
 */

#include "codec/time.h"
#include "ledger/ledger.h"
#include "portal/private.h"
#include "portal/stock.h"

#define DROPS_SHOWN 100

/* ---- What lies there. */

struct source_sum {
    struct source_info source;
    struct wall oldest, newest;
    uint64_t events, original, stored;
};
struct sums {
    struct source_sum *list;
    size_t count;
};

static enum err sums_begin(struct call *call, struct sums *sums)
{
    struct source_info source;
    size_t count = 0;
    for (size_t i = 0; tenant_source_at(call->api->rooms.tenant, i, &source); i++) {
        count += client_equal(source.client, call->client);
    }
    sums->list = ARENA_ARRAY(call->mem, struct source_sum, count + 1);
    if (sums->list == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; tenant_source_at(call->api->rooms.tenant, i, &source); i++) {
        if (client_equal(source.client, call->client)) {
            sums->list[sums->count++] =
                (struct source_sum){.source = source, .oldest = WALL_NONE, .newest = WALL_NONE};
        }
    }
    return OK;
}

/* Of a lot's bytes on disk, a source has the share of its original ones. */
static void lot_add(struct sums *sums, const struct lot *lot)
{
    for (size_t i = 0; i < lot->sources_count; i++) {
        const struct lot_source *of = &lot->sources[i];
        for (size_t s = 0; s < sums->count; s++) {
            struct source_sum *sum = &sums->list[s];
            if (sum->source.id.value != of->source.value) {
                continue;
            }
            double share = lot->original > 0 ? (double)of->original / (double)lot->original : 0;
            sum->events += of->events;
            sum->original += of->original;
            sum->stored += (uint64_t)(share * (double)lot->stored);
            if (!wall_known(sum->oldest) || of->oldest.ns < sum->oldest.ns) {
                sum->oldest = of->oldest;
            }
            if (!wall_known(sum->newest) || of->newest.ns > sum->newest.ns) {
                sum->newest = of->newest;
            }
        }
    }
}

static enum err sources_print(struct call *call, struct json_out *out, const struct stock *stock)
{
    struct sums sums = {0};
    enum err err = sums_begin(call, &sums);
    for (size_t i = 0; i < stock->lots_count && err == OK; i++) {
        lot_add(&sums, &stock->lots[i]);
    }
    json_list(out, "sources");
    for (size_t i = 0; i < sums.count && err == OK; i++) {
        const struct source_sum *sum = &sums.list[i];
        const struct promise *promise = stock->keeping.promises != NULL
                                            ? promise_find(stock->keeping.promises, sum->source.id)
                                            : NULL;
        json_object(out, NULL);
        json_text(out, "source", sum->source.slug);
        json_names(out, "name", sum->source.name_ja, sum->source.name_en);
        json_unsigned(out, "promised_days", promise_days_now(promise));
        json_time(out, "oldest", sum->oldest);
        json_time(out, "newest", sum->newest);
        json_unsigned(out, "events", sum->events);
        json_unsigned(out, "original_bytes", sum->original);
        json_unsigned(out, "stored_bytes", sum->stored);
        json_close(out);
    }
    json_close(out);
    return err;
}

struct class_sum {
    uint32_t days;
    uint64_t lots, events, original, stored;
};

static void classes_print(struct json_out *out, const struct stock *stock)
{
    struct class_sum list[64];
    size_t count = 0;
    for (size_t i = 0; i < stock->lots_count; i++) {
        const struct lot *lot = &stock->lots[i];
        size_t at = 0;
        while (at < count && (lot->kind != LOT_SEGMENT || list[at].days != lot->days)) {
            at++;
        }
        if (lot->kind != LOT_SEGMENT || at == sizeof list / sizeof *list) {
            continue;
        }
        if (at == count) {
            list[count++] = (struct class_sum){.days = lot->days};
        }
        list[at].lots++;
        list[at].events += lot->events;
        list[at].original += lot->original;
        list[at].stored += lot->stored;
    }
    json_list(out, "classes");
    for (size_t i = 0; i < count; i++) {
        json_object(out, NULL);
        json_unsigned(out, "days", list[i].days);
        json_unsigned(out, "segments", list[i].lots);
        json_unsigned(out, "events", list[i].events);
        json_unsigned(out, "original_bytes", list[i].original);
        json_unsigned(out, "stored_bytes", list[i].stored);
        json_close(out);
    }
    json_close(out);
}

/* How many segments are in which state, and when the next goes. */
static void states_print(const struct call *call, struct json_out *out, const struct stock *stock)
{
    static const char *const names[KEEP_STATE_COUNT] = {
        [KEEP_OPEN] = "open",         [KEEP_FOREVER] = "for_ever", [KEEP_PROMISED] = "promised",
        [KEEP_UNJUDGED] = "unjudged", [KEEP_HELD] = "held",        [KEEP_DUE] = "due",
    };
    uint64_t counts[KEEP_STATE_COUNT] = {0};
    struct wall next = WALL_NONE;
    for (size_t i = 0; i < stock->lots_count; i++) {
        struct keep_view view;
        keeping_look(&stock->keeping, &stock->lots[i], call->now, &view);
        counts[view.state]++;
        if (view.state == KEEP_PROMISED && view.hold == NULL &&
            (!wall_known(next) || view.due.ns < next.ns)) {
            next = view.due;
        }
    }
    json_object(out, "states");
    for (int i = 0; i < KEEP_STATE_COUNT; i++) {
        json_unsigned(out, names[i], counts[i]);
    }
    json_close(out);
    json_time(out, "next_drop", next);
}

static bool sees_disk(const struct call *call)
{
    enum side side = scope_side(call->scope, call->client);
    return side == SIDE_PROVIDER || side == SIDE_INSTALLATION;
}

static void forecast_print(const struct call *call, struct json_out *out, const struct stock *stock)
{
    const struct forecast *forecast = &stock->forecast;
    uint32_t promised =
        stock->keeping.promises != NULL ? promises_longest(stock->keeping.promises) : 0;
    enum forecast_state state = stock->foretold ? forecast->state : FORECAST_UNKNOWN;
    bool in_sight = stock->foretold && forecast->days_left < FORECAST_DAYS_MAX;
    if (state == FORECAST_SHORT && forecast->days_left >= promised) {
        state = FORECAST_ENOUGH; /* another client was promised longer */
    }
    json_object(out, "forecast");
    json_unsigned(out, "rate_bytes_day", stock->day_rate);
    if (sees_disk(call) && stock->foretold) {
        json_unsigned(out, "disk_free", stock->disk_free);
    } else {
        json_null(out, "disk_free");
    }
    json_unsigned(out, "days_promised", promised);
    if (in_sight) {
        json_unsigned(out, "days_left", forecast->days_left);
    } else {
        json_null(out, "days_left");
    }
    json_unsigned(out, "warning_days", stock->warning_days);
    json_text(out, "warning", str_from(forecast_state_text(state)));
    json_close(out);
}

static enum err tombstones_print(struct call *call, struct json_out *out)
{
    struct drop *list;
    size_t count = 0;
    enum err err = drop_list(call->scope, call->api->rooms.ledger, call->client, 0, DROPS_SHOWN,
                             call->mem, &list, &count);
    json_list(out, "tombstones");
    for (size_t i = 0; i < count && err == OK; i++) {
        json_object(out, NULL);
        json_unsigned(out, "segment", list[i].segment);
        json_unsigned(out, "first", list[i].first);
        json_unsigned(out, "last", list[i].last);
        json_unsigned(out, "events", list[i].events);
        json_unsigned(out, "original_bytes", list[i].original);
        json_unsigned(out, "stored_bytes", list[i].stored);
        json_time(out, "oldest", list[i].oldest);
        json_time(out, "newest", list[i].newest);
        json_unsigned(out, "promised_days", list[i].days);
        json_time(out, "due", list[i].due);
        json_time(out, "dropped", list[i].at);
        json_close(out);
    }
    json_close(out);
    return err;
}

static void proved_print(struct json_out *out, const struct proved *proved)
{
    char hash[2 * SHA256_SIZE + 1];
    if (proved->head_known) {
        json_object(out, "last_head");
        json_time(out, "at", proved->head_wall);
        json_unsigned(out, "leaves", proved->leaves);
        json_text(out, "hash", str_from(hex_print(proved->head_hash.bytes, SHA256_SIZE, hash)));
        json_close(out);
    } else {
        json_null(out, "last_head");
    }
    if (proved->anchor_known) {
        json_text(out, "anchor", str_from(hex_print(proved->anchor, ED25519_SIZE, hash)));
    } else {
        json_null(out, "anchor");
    }
    json_unsigned(out, "unsealed_events", proved->unsealed);
    json_object(out, "stamps");
    json_time(out, "last", proved->stamp_kept);
    json_unsigned(out, "pending", proved->unstamped);
    json_close(out);
}

enum err api_archive_show(struct call *call)
{
    static const struct promises none;
    struct stock stock = {
        .told = WALL_NONE, .keeping = {.promises = &none}, .proved = {.stamp_kept = WALL_NONE}};
    struct api *api = call->api;
    enum err err =
        api->stock == NULL ? OK : api->stock(api->stock_context, call->client, call->mem, &stock);
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_time(out, "told", stock.told);
    classes_print(out, &stock);
    err = sources_print(call, out, &stock);
    states_print(call, out, &stock);
    json_yes_no(out, "clock_doubted", stock.clock_doubted);
    forecast_print(call, out, &stock);
    proved_print(out, &stock.proved);
    err = err == OK ? tombstones_print(call, out) : err;
    return err == OK ? call_answered(call) : call_refuse_err(call, err);
}

/* ---- Who read logs.  The audit trail has a line for each reading, before anything is read:
 * "events FROM to TO: QUERY" of a search, and what else was read in words. */

#define READ_EVENTS "events "
#define READ_TABLE  "table of events "

/* "2026-…Z to 2026-…Z: QUERY"; what cannot be taken apart is told as it stands. */
static void span_print(struct json_out *out, struct str detail)
{
    struct wall from = WALL_NONE;
    struct wall to = WALL_NONE;
    struct str query = detail;
    size_t at = str_find(query, STR(" to "));
    if (at != STR_NONE && time_parse(str_slice(query, 0, at), &from) == OK) {
        query = str_slice(query, at + 4, query.size);
        at = str_find(query, STR(": "));
        if (at != STR_NONE && time_parse(str_slice(query, 0, at), &to) == OK) {
            query = str_slice(query, at + 2, query.size);
        } else if (time_parse(str_trim(str_slice(query, 0, query.size - (query.size > 0))), &to) ==
                   OK) {
            query = STR("");
        }
    }
    json_time(out, "from", from);
    json_time(out, "to", to);
    json_text(out, "query", wall_known(to) ? query : STR(""));
}

static void access_print(struct json_out *out, struct statement *statement)
{
    struct str detail = statement_text(statement, 3);
    bool search = str_starts(detail, STR(READ_EVENTS));
    bool table = str_starts(detail, STR(READ_TABLE));
    struct str rest = search  ? str_slice(detail, sizeof READ_EVENTS - 1, detail.size)
                      : table ? str_slice(detail, sizeof READ_TABLE - 1, detail.size)
                              : STR("");
    json_object(out, NULL);
    json_number(out, "id", statement_int(statement, 0));
    json_time(out, "at", (struct wall){statement_int(statement, 1)});
    json_text(out, "who", statement_text(statement, 2));
    json_text(out, "kind",
              search                                  ? STR("search")
              : table                                 ? STR("table")
              : str_starts(detail, STR("the lines"))  ? STR("lines")
              : str_starts(detail, STR("an alert's")) ? STR("explanation")
              : str_starts(detail, STR("alerts"))     ? STR("alerts")
                                                      : STR("other"));
    span_print(out, rest);
    json_text(out, "detail", detail);
    json_close(out);
}

static enum err accesses_print(struct call *call, uint64_t before, size_t limit)
{
    struct statement *statement;
    struct str object;
    bool row = true;
    struct json_out *out = call_answer(call, 200);
    enum err err = arena_print(call->mem, &object, "client %.*s", STR_ARG(call->client_slug));
    if (err == OK) {
        err = LEDGER_QUERY(call->api->rooms.ledger,
                           "SELECT id, wall_ns, principal, detail FROM audit"
                           " WHERE action = 'read' AND object = ? AND id < ?"
                           " AND detail NOT IN ('audit trail', 'accesses to logs')"
                           " ORDER BY id DESC LIMIT ?",
                           &statement, BIND_TEXT(object),
                           BIND_INT(before > 0 ? (int64_t)before : INT64_MAX), BIND_INT(limit));
    }
    json_list(out, "accesses");
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        access_print(out, statement);
    }
    json_close(out);
    return err == OK ? call_answered(call) : err;
}

enum err api_access_list(struct call *call)
{
    uint64_t before;
    size_t limit = 0;
    enum err err = call_query_number(call, "before", 0, INT64_MAX, &before);
    if (err == OK && !call->refused) {
        err = call_query_limit(call, &limit);
    }
    if (err != OK || call->refused) {
        return err;
    }
    err = call_audit_read(call, "accesses to logs");
    return err == OK ? accesses_print(call, before, limit) : err;
}
