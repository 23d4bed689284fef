/*
 * Keeping in desk: what was promised and is held goes to core, what lies there comes back, and once
 * an hour what is over is let go.
 *
 *     every 30 s    KEEP for each client ─► core ─► HOLDINGS: lots, as they are
 *     each hour     of each client, with its next HOLDINGS: promises, holds and open incidents are
 *                   read anew, KEEP, then a DROP for each segment that is due
 *     DROPPED       a row, a line of the audit trail
 *     every 30 s    the forecast over all clients, and whom it ails
 *
 * Always true:
 *
 *   (1) a DROP stands behind a KEEP on the same channel, made from the same look at the ledger: a
 *       hold or an incident that is on disk before the look is known to the archive before it lets
 *       anything go;
 *   (2) what cannot be read is a reason to let nothing go;
 *   (3) a clock that stepped lets nothing go until it ran evenly for a day (keeping.h);
 *   (4) whoever is told of a short disk is one provider once, by one of its clients.
 */

#include "serve/desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/time.h"
#include "serve/keeping.h"
#include "sys/clocks.h"
#include "sys/disk.h"

#define HOUR_NS     (3600 * NS_PER_SECOND)
#define STEP_NS     (60 * NS_PER_SECOND) /* the wall clock may differ so much from tick to tick */
#define TELL_TICKS  30
#define DROPS_MAX   64 /* of one client with one look; the rest follows with the next minute */
#define LOTS_MEMORY ((size_t)512 << 20)
#define LOOK_MEMORY ((size_t)512 << 20)
#define TOLD_SIZE   ((size_t)16 << 20)

struct client_stock {
    struct client_id client;
    struct arena *mem; /* of the lots */
    struct lot *lots;
    size_t count;
    struct wall told; /* WALL_NONE: not yet */
    struct proved proved;
    bool due; /* the schedule wants to look at it */
    struct arena *promises_mem;
    struct promises promises; /* as they were at this generation */
    uint64_t generation;
};

struct desk_keeping {
    struct client_stock **list;
    size_t count, capacity;
    struct wall ran;  /* the schedule, last; WALL_NONE: never */
    struct wall next; /* when it wants to again */
    struct wall wall; /* at the last tick, for steps of the clock */
    struct mono mono, even_since;
    bool doubted; /* and it was said */
    bool foretold;
    struct forecast forecast;
    uint64_t disk_free;
    uint64_t ticks;
};

enum err desk_keeping_open(struct desk *desk)
{
    struct desk_keeping *keeping = calloc(1, sizeof *keeping);
    if (keeping == NULL) {
        return ERR_MEMORY;
    }
    keeping->next = wall_now();
    keeping->wall = keeping->next;
    keeping->mono = mono_now();
    keeping->even_since = keeping->mono;
    desk->keeping = keeping;
    api_attach_stock(desk->rooms.api, desk_stock_tell, desk);
    return schedule_ran(desk->rooms.ledger, &keeping->ran);
}

static struct client_stock *stock_of(struct desk_keeping *keeping, struct client_id client)
{
    for (size_t i = 0; i < keeping->count; i++) {
        if (client_equal(keeping->list[i]->client, client)) {
            return keeping->list[i];
        }
    }
    if (keeping->count == keeping->capacity) {
        size_t capacity = keeping->capacity > 0 ? 2 * keeping->capacity : 16;
        struct client_stock **list = realloc(keeping->list, capacity * sizeof *list);
        if (list == NULL) {
            return NULL;
        }
        keeping->list = list;
        keeping->capacity = capacity;
    }
    struct client_stock *stock = calloc(1, sizeof *stock);
    if (stock != NULL) {
        *stock = (struct client_stock){
            .client = client, .told = WALL_NONE, .due = true, .proved.stamp_kept = WALL_NONE};
        keeping->list[keeping->count++] = stock;
    }
    return stock;
}

/* ---- One look at the ledger. */

struct look {
    struct promises promises;
    struct hold_span *spans;
    struct keeping keeping;
};

static enum err promises_load(struct desk *desk, struct client_id client, struct arena *mem,
                              struct promises *ret)
{
    struct source_info source;
    size_t count = 0;
    for (size_t i = 0; tenant_source_at(desk->rooms.tenant, i, &source); i++) {
        count += client_equal(source.client, client);
    }
    struct promise_source *list = ARENA_ARRAY(mem, struct promise_source, count + 1);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    count = 0;
    for (size_t i = 0; tenant_source_at(desk->rooms.tenant, i, &source); i++) {
        if (client_equal(source.client, client)) {
            list[count++] = (struct promise_source){source.id, source.slug, source.own};
        }
    }
    return promises_read(desk->rooms.job, desk->rooms.service, client, list, count, mem, ret);
}

/* Every version that ever ran is read, so what came of it is kept until another one runs, or the
 * sources are others. */
static enum err promises_look(struct desk *desk, struct client_stock *stock, struct promises *ret)
{
    uint64_t generation = service_generation(desk->rooms.service, stock->client) +
                          (tenant_generation(desk->rooms.tenant) << 32) + 1;
    if (stock->generation != generation) {
        struct promises promises;
        struct arena *mem = arena_new(LOOK_MEMORY);
        enum err err =
            mem == NULL ? ERR_MEMORY : promises_load(desk, stock->client, mem, &promises);
        if (err != OK) {
            arena_free(mem);
            return err;
        }
        arena_free(stock->promises_mem);
        stock->promises_mem = mem;
        stock->promises = promises;
        stock->generation = generation;
    }
    *ret = stock->promises;
    return OK;
}

static struct hold_span reach_span(const struct incident_reach *reach)
{
    return (struct hold_span){.incident = reach->number,
                              .sources = reach->sources,
                              .sources_count = reach->sources_count,
                              /* One of which nothing but numbers is known begins nowhere. */
                              .from =
                                  wall_known(reach->from) ? reach->from : (struct wall){INT64_MAX},
                              .to = reach->to,
                              .first = reach->first,
                              .last = reach->last};
}

static enum err spans_look(struct desk *desk, struct client_id client, struct wall now,
                           struct arena *mem, struct look *look)
{
    struct hold *holds;
    struct incident_reach *reaches;
    size_t holds_count = 0;
    size_t reaches_count = 0;
    enum err err = hold_list(desk->rooms.job, desk->rooms.ledger, client, true, now, mem, &holds,
                             &holds_count);
    if (err == OK) {
        err = incident_reaches(desk->rooms.job, desk->rooms.ledger, client, mem, &reaches,
                               &reaches_count);
    }
    if (err != OK) {
        return err;
    }
    look->spans = ARENA_ARRAY(mem, struct hold_span, holds_count + reaches_count + 1);
    if (look->spans == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < holds_count; i++) {
        look->spans[look->keeping.holds_count++] = hold_span(&holds[i]);
    }
    for (size_t i = 0; i < reaches_count; i++) {
        look->spans[look->keeping.holds_count++] = reach_span(&reaches[i]);
    }
    look->keeping.holds = look->spans;
    return OK;
}

/* Borrowed from mem; `look` stays where it is. */
static enum err look_make(struct desk *desk, struct client_stock *stock, struct wall now,
                          struct arena *mem, struct look *look)
{
    struct client_id client = stock->client;
    *look = (struct look){0};
    look->keeping.promises = &look->promises;
    enum err err = promises_look(desk, stock, &look->promises);
    err = err == OK ? spans_look(desk, client, now, mem, look) : err;
    return err == OK ? incident_bookmark(desk->rooms.job, desk->rooms.ledger, client,
                                         &look->keeping.judged)
                     : err;
}

/* ---- To core. */

/* What the archive has to hold, in its own terms: numbers become the times of their lots. */
static size_t rules_of_span(const struct hold_span *span, const struct client_stock *stock,
                            struct arena *mem, struct hold_rule *list)
{
    size_t count = 0;
    uint32_t *sources = ARENA_ARRAY(mem, uint32_t, span->sources_count + 1);
    bool all = span->sources_count == 0 || sources == NULL;
    for (size_t i = 0; !all && i < span->sources_count; i++) {
        sources[i] = span->sources[i].value;
    }
    list[count++] = (struct hold_rule){
        .sources = all ? NULL : sources,
        .sources_count = all ? 0 : span->sources_count,
        .from = wall_known(span->from) ? span->from : (struct wall){0},
        .to = {wall_known(span->to) && span->to.ns < INT64_MAX ? span->to.ns + 1 : INT64_MAX},
    };
    struct hold_rule numbers = {.from = {INT64_MAX}, .to = {0}};
    for (size_t i = 0; span->first != 0 && i < stock->count; i++) {
        const struct lot *lot = &stock->lots[i];
        if (lot->first <= span->last && lot->last >= span->first) {
            numbers.from.ns = lot->oldest.ns < numbers.from.ns ? lot->oldest.ns : numbers.from.ns;
            numbers.to.ns = lot->newest.ns >= numbers.to.ns ? lot->newest.ns + 1 : numbers.to.ns;
        }
    }
    if (numbers.from.ns < numbers.to.ns) {
        list[count++] = numbers;
    }
    return count;
}

static enum err keep_send(struct desk *desk, const struct client_stock *stock,
                          const struct look *look, struct arena *mem)
{
    const struct promises *promises = &look->promises;
    size_t spans = look->keeping.holds_count;
    struct keep_rule *rules = ARENA_ARRAY(mem, struct keep_rule, promises->count + 1);
    struct hold_rule *holds = ARENA_ARRAY(mem, struct hold_rule, 2 * spans + 1);
    size_t rules_count = 0;
    size_t holds_count = 0;
    struct buf told;
    if (rules == NULL || holds == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < promises->count; i++) {
        uint32_t days = promise_days_now(&promises->list[i]);
        if (days > 0) {
            rules[rules_count++] = (struct keep_rule){promises->list[i].source, days};
        }
    }
    for (size_t i = 0; i < spans; i++) {
        holds_count += rules_of_span(&look->spans[i], stock, mem, &holds[holds_count]);
    }
    buf_init(&told, TOLD_SIZE);
    enum err err = keeping_pack(rules, rules_count, holds, holds_count, &told);
    if (err == OK) {
        const struct message keep = {.type = MESSAGE_KEEP,
                                     .keep = {stock->client.value, buf_str(&told)}};
        err = link_send(desk->core, &keep);
    }
    buf_done(&told);
    return err;
}

static enum err client_tell(struct desk *desk, struct client_stock *stock, struct wall now)
{
    struct look look;
    struct arena *mem = arena_new(LOOK_MEMORY);
    enum err err = mem == NULL ? ERR_MEMORY : look_make(desk, stock, now, mem, &look);
    err = err == OK ? keep_send(desk, stock, &look, mem) : err;
    arena_free(mem);
    return err;
}

enum err desk_tell_keeping(struct desk *desk)
{
    struct client_info client;
    enum err err = OK;
    if (desk->core == NULL || desk->core_waits) {
        return OK;
    }
    for (size_t i = 0; err == OK && tenant_client_at(desk->rooms.tenant, i, &client); i++) {
        struct client_stock *stock = stock_of(desk->keeping, client.id);
        err = stock == NULL ? ERR_MEMORY : client_tell(desk, stock, wall_now());
        if (err != OK && err != ERR_MEMORY && err != ERR_CLOSED) {
            process_say(desk->process,
                        "what was promised to %.*s is not known, so nothing goes: %s",
                        STR_ARG(client.slug), err_text(err));
            err = OK;
        }
    }
    return err;
}

/* ---- The schedule. */

static enum err drop_ask(struct desk *desk, struct client_id client, const struct lot *lot,
                         const struct keep_view *view, struct arena *mem)
{
    struct str hash = STR("");
    struct str promise;
    char due[TIME_TEXT_SIZE];
    (void)service_running(desk->rooms.job, desk->rooms.service, client, STR("log-sources"), &hash);
    enum err err = arena_print(mem, &promise, "log-sources %.*s: until %s", STR_ARG(hash),
                               time_print(view->due, due));
    if (err == OK) {
        const struct message drop = {.type = MESSAGE_DROP,
                                     .drop = {client.value, lot->number, promise}};
        err = link_send(desk->core, &drop);
    }
    return err;
}

static enum err stock_drop(struct desk *desk, struct client_stock *stock, struct wall now)
{
    struct look look;
    size_t asked = 0;
    struct arena *mem = arena_new(LOOK_MEMORY);
    enum err err = mem == NULL ? ERR_MEMORY : look_make(desk, stock, now, mem, &look);
    for (size_t i = 0; err == OK && i < stock->count && asked < DROPS_MAX; i++) {
        struct keep_view view;
        keeping_look(&look.keeping, &stock->lots[i], now, &view);
        if (view.state == KEEP_DUE) {
            err = asked == 0 ? keep_send(desk, stock, &look, mem) : OK;
            err = err == OK ? drop_ask(desk, stock->client, &stock->lots[i], &view, mem) : err;
            asked++;
        }
    }
    stock->due = err == OK && asked == DROPS_MAX;
    arena_free(mem);
    return err;
}

static bool clock_is_sound(struct desk *desk, struct wall now)
{
    struct desk_keeping *keeping = desk->keeping;
    bool sound = keeping_clock_sound(keeping->ran, now, mono_now().ns - keeping->even_since.ns);
    if (!sound && !keeping->doubted) {
        process_say(desk->process, "the clock stepped: nothing is dropped until it has run evenly "
                                   "for a day");
    }
    keeping->doubted = !sound;
    return sound;
}

/* A step of the wall clock beside the clock that never steps. */
static void clock_watch(struct desk_keeping *keeping, struct wall now)
{
    struct mono mono = mono_now();
    int64_t differs = (now.ns - keeping->wall.ns) - (mono.ns - keeping->mono.ns);
    if (differs > STEP_NS || differs < -STEP_NS) {
        keeping->even_since = mono;
    }
    keeping->wall = now;
    keeping->mono = mono;
}

static void schedule_go(struct desk *desk, struct wall now)
{
    struct desk_keeping *keeping = desk->keeping;
    bool stepped = keeping->next.ns - now.ns > HOUR_NS;
    if ((now.ns < keeping->next.ns && !stepped) || !clock_is_sound(desk, now)) {
        return;
    }
    desk_transaction_end(desk);
    enum err err = ledger_begin(desk->rooms.ledger);
    if (err == OK) {
        err = schedule_run(desk->rooms.job, desk->rooms.ledger, now);
        err = err == OK ? ledger_commit(desk->rooms.ledger) : err;
        ledger_rollback(desk->rooms.ledger);
    }
    if (err != OK) {
        process_say(desk->process, "the schedule does not run: %s", err_text(err));
        return;
    }
    keeping->ran = now;
    keeping->next = (struct wall){now.ns + HOUR_NS};
    for (size_t i = 0; i < keeping->count; i++) {
        keeping->list[i]->due = true;
    }
}

/* ---- From core. */

static enum err lots_read(struct str bytes, struct arena *mem, struct lot **ret, size_t *ret_count)
{
    size_t max = bytes.size / 88 + 1; /* the smallest lot */
    struct lot *list = ARENA_ARRAY(mem, struct lot, max);
    size_t count = 0;
    enum err err = list == NULL ? ERR_MEMORY : OK;
    while (err == OK && bytes.size > 0) {
        err = count == max ? ERR_CORRUPT : lot_decode(&bytes, mem, &list[count++]);
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}

static struct proved proved_of(const struct holdings_message *message)
{
    struct proved proved = {
        .head_known = message->head_hash.size == SHA256_SIZE,
        .head_wall = {(int64_t)message->head_wall},
        .head_epoch = message->head_epoch,
        .leaves = message->leaves,
        .unsealed = message->unsealed,
        .stamp_kept = {(int64_t)message->stamp_kept},
        .unstamped = message->unstamped,
    };
    if (proved.head_known) {
        memcpy(proved.head_hash.bytes, message->head_hash.data, SHA256_SIZE);
    }
    proved.anchor_known = message->anchor.size == ED25519_SIZE;
    if (proved.anchor_known) {
        memcpy(proved.anchor, message->anchor.data, ED25519_SIZE);
    }
    return proved;
}

enum err desk_holdings_came(struct desk *desk, const struct holdings_message *message)
{
    struct client_stock *stock =
        stock_of(desk->keeping, (struct client_id){(uint32_t)message->client});
    struct arena *mem = arena_new(LOTS_MEMORY);
    struct lot *lots;
    size_t count;
    enum err err =
        stock == NULL || mem == NULL ? ERR_MEMORY : lots_read(message->lots, mem, &lots, &count);
    if (err != OK) {
        arena_free(mem);
        return err;
    }
    arena_free(stock->mem);
    stock->mem = mem;
    stock->lots = lots;
    stock->count = count;
    stock->told = wall_now();
    stock->proved = proved_of(message);
    desk_heads_tell(desk, stock->client, &stock->proved);
    if (stock->due && wall_known(desk->keeping->ran) && !desk->keeping->doubted &&
        desk->core != NULL) {
        err = stock_drop(desk, stock, stock->told);
        if (err != OK) {
            process_say(desk->process, "nothing of a client is dropped: %s", err_text(err));
        }
    }
    return OK;
}

static const struct lot *lot_of(const struct client_stock *stock, uint64_t number)
{
    for (size_t i = 0; i < stock->count; i++) {
        if (stock->lots[i].kind == LOT_SEGMENT && stock->lots[i].number == number) {
            return &stock->lots[i];
        }
    }
    return NULL;
}

static enum err dropped_audit(struct desk *desk, struct client_id client, const struct drop *drop)
{
    char object[64];
    char detail[256];
    char oldest[TIME_TEXT_SIZE];
    char newest[TIME_TEXT_SIZE];
    (void)snprintf(object, sizeof object, "client/%u/segment/%llu", client.value,
                   (unsigned long long)drop->segment);
    (void)snprintf(detail, sizeof detail, "%llu events, %llu to %llu, that arrived %s to %s",
                   (unsigned long long)drop->events, (unsigned long long)drop->first,
                   (unsigned long long)drop->last, time_print(drop->oldest, oldest),
                   time_print(drop->newest, newest));
    return ledger_audit(desk->rooms.ledger, drop->at.ns, client.value, STR("hinomi/schedule"),
                        STR("drop"), str_from(object), str_from(detail));
}

static enum err dropped_note(struct desk *desk, struct client_stock *stock, const struct lot *lot,
                             struct wall now)
{
    struct look look;
    struct keep_view view = {.due = now};
    struct arena *mem = arena_new(LOOK_MEMORY);
    enum err err = mem == NULL ? ERR_MEMORY : look_make(desk, stock, now, mem, &look);
    if (err == OK) {
        keeping_look(&look.keeping, lot, now, &view);
    }
    const struct drop drop = {
        .segment = lot->number,
        .first = lot->first,
        .last = lot->last,
        .events = lot->events,
        .original = lot->original,
        .stored = lot->stored,
        .oldest = lot->oldest,
        .newest = lot->newest,
        .days = lot->days,
        .due = wall_known(view.due) ? view.due : now,
        .at = now,
    };
    arena_free(mem);
    desk_transaction_end(desk);
    err = ledger_begin(desk->rooms.ledger);
    if (err == OK) {
        err = drop_note(desk->rooms.job, desk->rooms.ledger, stock->client, &drop);
        err = err == OK ? dropped_audit(desk, stock->client, &drop) : err;
        err = err == OK ? ledger_commit(desk->rooms.ledger) : err;
        ledger_rollback(desk->rooms.ledger);
    }
    return err;
}

enum err desk_dropped_came(struct desk *desk, const struct dropped_message *message)
{
    struct client_stock *stock =
        stock_of(desk->keeping, (struct client_id){(uint32_t)message->client});
    const struct lot *lot = stock != NULL ? lot_of(stock, message->segment) : NULL;
    if (message->err >= ERR_COUNT) {
        return ERR_CORRUPT;
    }
    if (message->err == OK && lot != NULL) {
        enum err err = dropped_note(desk, stock, lot, wall_now());
        if (err != OK) {
            process_say(desk->process, "what was dropped is not listed: %s", err_text(err));
        }
    } else if (message->err == ERR_AGAIN && stock != NULL) {
        stock->due = true; /* with the next look */
    } else if (message->err != OK && message->err != ERR_NOT_FOUND) {
        process_say(desk->process, "segment %llu of client %llu is not dropped: %.*s",
                    (unsigned long long)message->segment, (unsigned long long)message->client,
                    STR_ARG(message->said));
    }
    return OK;
}

/* ---- The forecast. */

static enum err stock_measure(struct desk *desk, struct client_stock *stock, struct wall now,
                              struct arena *mem, struct load *ret)
{
    struct look *look = ARENA_ONE(mem, struct look);
    enum err err = look == NULL ? ERR_MEMORY : look_make(desk, stock, now, mem, look);
    return err == OK ? load_measure(&look->keeping, stock->lots, stock->count, now, mem, ret) : err;
}

static bool works_there(const struct engagement_info *engagement, struct wall now)
{
    return engagement->state >= ENGAGEMENT_BUILD && engagement->state < ENGAGEMENT_ENDED &&
           (!wall_known(engagement->from) || engagement->from.ns <= now.ns) &&
           (!wall_known(engagement->to) || now.ns < engagement->to.ns);
}

/* Whether every party that works for the client works for an earlier one that is concerned, too. */
static bool is_told_elsewhere(struct desk *desk, const bool *concerned, size_t index,
                              struct wall now)
{
    struct engagement_info own;
    struct engagement_info other;
    const struct tenant *tenant = desk->rooms.tenant;
    struct client_id client = desk->keeping->list[index]->client;
    bool any = false;
    for (size_t i = 0; tenant_engagement_at(tenant, i, &own); i++) {
        if (!client_equal(own.client, client) || !works_there(&own, now)) {
            continue;
        }
        bool found = false;
        for (size_t j = 0; !found && tenant_engagement_at(tenant, j, &other); j++) {
            for (size_t k = 0; k < index && !found; k++) {
                found = concerned[k] && works_there(&other, now) &&
                        client_equal(other.client, desk->keeping->list[k]->client) &&
                        str_equal(other.party, own.party);
            }
        }
        if (!found) {
            return false;
        }
        any = true;
    }
    return any;
}

static void shortage_tell(struct desk *desk, const struct load *loads, bool *concerned,
                          struct wall now)
{
    struct desk_keeping *keeping = desk->keeping;
    const struct forecast *forecast = &keeping->forecast;
    bool is_short = forecast->state == FORECAST_SHORT || forecast->state == FORECAST_SOON;
    for (size_t i = 0; i < keeping->count; i++) {
        struct shortage shortage = {.days_left = forecast->days_left,
                                    .days_promised = forecast->days_promised};
        concerned[i] = is_short && loads[i].stored > 0 &&
                       !client_equal(keeping->list[i]->client, CLIENT_INSTALLATION);
        if (concerned[i] && !is_told_elsewhere(desk, concerned, i, now)) {
            shortage.is_short = true;
            shortage.is_soon = forecast->state == FORECAST_SOON;
        }
        vigils_shortage(desk->vigils, keeping->list[i]->client, &shortage);
    }
}

static enum err forecast_go(struct desk *desk, struct wall now)
{
    struct desk_keeping *keeping = desk->keeping;
    struct disk_space space;
    for (size_t i = 0; i < keeping->count; i++) {
        if (!wall_known(keeping->list[i]->told)) {
            return OK; /* core has not told of all */
        }
    }
    enum err err = disk_space(disk_real(), desk->folder, &space);
    struct arena *mem = arena_new(LOOK_MEMORY);
    struct load *loads = mem != NULL ? ARENA_ARRAY(mem, struct load, keeping->count + 1) : NULL;
    bool *concerned = loads != NULL ? ARENA_ARRAY(mem, bool, keeping->count + 1) : NULL;
    err = err == OK && concerned == NULL ? ERR_MEMORY : err;
    for (size_t i = 0; i < keeping->count && err == OK; i++) {
        err = stock_measure(desk, keeping->list[i], now, mem, &loads[i]);
    }
    if (err == OK) {
        uint64_t reserve = desk->process->setup.space_reserve;
        keeping->disk_free = space.free > reserve ? space.free - reserve : 0;
        forecast_make(loads, keeping->count, keeping->disk_free,
                      (uint32_t)desk->process->setup.disk_warning_days, keeping->forecast.state,
                      now, &keeping->forecast);
        keeping->foretold = true;
        shortage_tell(desk, loads, concerned, now);
    }
    arena_free(mem);
    return err;
}

/* ---- Each second. */

void desk_keeping_tick(struct desk *desk, struct wall now)
{
    struct desk_keeping *keeping = desk->keeping;
    clock_watch(keeping, now);
    schedule_go(desk, now);
    keeping->ticks++;
    if (keeping->ticks % TELL_TICKS == 2) {
        enum err err = desk_tell_keeping(desk);
        if (err != OK) {
            process_say(desk->process, "core is not told what was promised: %s", err_text(err));
        }
    }
    if (keeping->ticks % TELL_TICKS == 5) {
        enum err err = forecast_go(desk, now);
        if (err != OK) {
            process_say(desk->process, "how long the disk lasts is not known: %s", err_text(err));
        }
    }
}

/* ---- For the API. */

enum err desk_stock_tell(void *context, struct client_id client, struct arena *mem,
                         struct stock *ret)
{
    struct desk *desk = context;
    struct desk_keeping *keeping = desk->keeping;
    struct client_stock *stock = stock_of(keeping, client);
    struct look *look = ARENA_ONE(mem, struct look);
    struct load load = {0};
    struct wall now = wall_now();
    enum err err =
        stock == NULL || look == NULL ? ERR_MEMORY : look_make(desk, stock, now, mem, look);
    if (err == OK) {
        err = load_measure(&look->keeping, stock->lots, stock->count, now, mem, &load);
    }
    if (err != OK) {
        return err;
    }
    *ret = (struct stock){
        .known = wall_known(stock->told),
        .told = stock->told,
        .lots = stock->lots,
        .lots_count = stock->count,
        .proved = stock->proved,
        .keeping = look->keeping,
        .foretold = keeping->foretold,
        .forecast = keeping->forecast,
        .day_rate = load.day_rate,
        .disk_free = keeping->disk_free,
        .warning_days = (uint32_t)desk->process->setup.disk_warning_days,
        .clock_doubted = keeping->doubted,
    };
    return OK;
}
