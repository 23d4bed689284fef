/*
 * KEEP as bytes, and what core does with it.
 *
 *     SIZE MEANING
 *        4 how many rules; for each: source 4, days 4
 *        4 how many holds; for each: from 8, to 8, how many sources 4, each 4
 *
 * A hold without sources is of all of them.  Times of holds are [from, to), as the archive has
 * them.
 *
 * Always true: HOLDINGS follows every KEEP, so desk knows that what it said counts; a DROP is
 * answered once, with what the archive said.
 */

#include "serve/keeping.h"

#include "archive/stamp.h"
#include "base/bytes.h"
#include "base/limits.h"

#define RULE_SIZE     8
#define HOLD_SIZE     20
#define LOTS_SIZE     ((size_t)256 << 20)
#define KEEP_MEMORY   ((size_t)64 << 20)
#define HOLDS_PACKED  (2 * HOLDS_MAX + 10000) /* rows, and open incidents */
#define SOURCES_NAMED 1000000                 /* in all holds together */

/* ---- Bytes. */

static enum err number_put(struct buf *out, uint64_t number, size_t size)
{
    uint8_t bytes[8];
    put_u64(bytes, number);
    return buf_append(out, str_of(bytes, size));
}

static enum err hold_put(const struct hold_rule *hold, struct buf *out)
{
    enum err err = number_put(out, (uint64_t)hold->from.ns, 8);
    err = err == OK ? number_put(out, (uint64_t)hold->to.ns, 8) : err;
    err = err == OK ? number_put(out, hold->sources_count, 4) : err;
    for (size_t i = 0; i < hold->sources_count && err == OK; i++) {
        err = number_put(out, hold->sources[i], 4);
    }
    return err;
}

enum err keeping_pack(const struct keep_rule *rules, size_t rules_count,
                      const struct hold_rule *holds, size_t holds_count, struct buf *out)
{
    enum err err = number_put(out, rules_count, 4);
    for (size_t i = 0; i < rules_count && err == OK; i++) {
        err = number_put(out, rules[i].source.value, 4);
        err = err == OK ? number_put(out, rules[i].days, 4) : err;
    }
    err = err == OK ? number_put(out, holds_count, 4) : err;
    for (size_t i = 0; i < holds_count && err == OK; i++) {
        err = hold_put(&holds[i], out);
    }
    return err;
}

static enum err count_take(struct str *bytes, size_t each, size_t max, size_t *ret)
{
    if (bytes->size < 4) {
        return ERR_CORRUPT;
    }
    size_t count = get_u32(bytes->data);
    *bytes = str_slice(*bytes, 4, bytes->size);
    if (count > max || count > bytes->size / each) {
        return ERR_CORRUPT;
    }
    *ret = count;
    return OK;
}

static enum err rules_take(struct str *bytes, struct arena *mem, struct keeping_told *ret)
{
    size_t count = 0;
    enum err err = count_take(bytes, RULE_SIZE, SOURCES_MAX, &count);
    struct keep_rule *list = err == OK ? ARENA_ARRAY(mem, struct keep_rule, count + 1) : NULL;
    if (list == NULL) {
        return err != OK ? err : ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = (struct keep_rule){{get_u32(bytes->data + i * RULE_SIZE)},
                                     get_u32(bytes->data + i * RULE_SIZE + 4)};
    }
    *bytes = str_slice(*bytes, count * RULE_SIZE, bytes->size);
    ret->rules = list;
    ret->rules_count = count;
    return OK;
}

static enum err hold_take(struct str *bytes, struct arena *mem, struct hold_rule *ret)
{
    size_t count;
    if (bytes->size < HOLD_SIZE) {
        return ERR_CORRUPT;
    }
    struct wall from = {(int64_t)get_u64(bytes->data)};
    struct wall to = {(int64_t)get_u64(bytes->data + 8)};
    *bytes = str_slice(*bytes, 16, bytes->size);
    enum err err = count_take(bytes, 4, SOURCES_NAMED, &count);
    uint32_t *sources = err == OK ? ARENA_ARRAY(mem, uint32_t, count + 1) : NULL;
    if (sources == NULL) {
        return err != OK ? err : ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        sources[i] = get_u32(bytes->data + i * 4);
    }
    *bytes = str_slice(*bytes, count * 4, bytes->size);
    *ret = (struct hold_rule){count > 0 ? sources : NULL, count, from, to};
    return OK;
}

enum err keeping_unpack(struct str bytes, struct arena *mem, struct keeping_told *ret)
{
    struct keeping_told told;
    size_t count = 0;
    enum err err = rules_take(&bytes, mem, &told);
    err = err == OK ? count_take(&bytes, HOLD_SIZE, HOLDS_PACKED, &count) : err;
    struct hold_rule *list = err == OK ? ARENA_ARRAY(mem, struct hold_rule, count + 1) : NULL;
    if (list == NULL) {
        return err != OK ? err : ERR_MEMORY;
    }
    for (size_t i = 0; i < count && err == OK; i++) {
        err = hold_take(&bytes, mem, &list[i]);
    }
    if (err == OK && bytes.size > 0) {
        err = ERR_CORRUPT;
    }
    if (err == OK) {
        told.holds = list;
        told.holds_count = count;
        *ret = told;
    }
    return err;
}

/* ---- In core. */

struct telling {
    struct arena *mem;
    struct buf *out;
    uint64_t unsealed; /* records in journals, which tell of no source */
};

/* A source's share of the original bytes is that of its events: the archive counts these alone. */
static enum err holding_tell(void *context, const struct holding *holding)
{
    struct telling *telling = context;
    if (holding->kind == HOLDING_JOURNAL) {
        telling->unsealed += holding->events;
    }
    struct lot lot = {
        .kind = holding->kind == HOLDING_SEGMENT ? LOT_SEGMENT : LOT_JOURNAL,
        .number = holding->number,
        .days = holding->days,
        .first = holding->first,
        .last = holding->last,
        .oldest = holding->oldest,
        .newest = holding->newest,
        .events = holding->events,
        .original = holding->original,
        .stored = holding->stored,
        .sources_count = holding->sources_count,
    };
    struct lot_source *list =
        ARENA_ARRAY(telling->mem, struct lot_source, holding->sources_count + 1);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < holding->sources_count; i++) {
        const struct holding_source *source = &holding->sources[i];
        double share = holding->events > 0 ? (double)source->events / (double)holding->events : 0;
        list[i] = (struct lot_source){
            .source = source->source,
            .days = source->days,
            .oldest = holding->oldest.ns < source->newest.ns ? holding->oldest : source->newest,
            .newest = source->newest,
            .events = source->events,
            .original = (uint64_t)((double)holding->original * share),
        };
    }
    lot.sources = list;
    /* A journal all of which was sealed is room alone, and will come free by itself. */
    return holding->events == 0 || holding->sources_count == 0 ? OK
                                                               : lot_encode(&lot, telling->out);
}

/* What proves the client's archive; a client without one has no head. */
static enum err evidence_tell(const struct scope *scope, struct archive *archive,
                              struct client_id client, struct evidence_told *told,
                              struct holdings_message *message)
{
    enum err err = archive_evidence(scope, archive, client, told);
    if (err != OK) {
        return err == ERR_NOT_FOUND ? OK : err;
    }
    if (told->head_known) {
        message->head_wall = (uint64_t)told->head_wall.ns;
        message->head_epoch = told->epoch;
        message->leaves = told->leaves;
        message->unstamped = told->pending;
        message->head_hash = (struct str){(const char *)told->head_hash.bytes, SHA256_SIZE};
        message->anchor = (struct str){(const char *)told->anchor, ED25519_SIZE};
    }
    if (told->stamp_known) {
        message->stamp_kept = (uint64_t)told->stamp_kept.ns;
    }
    return OK;
}

static enum err holdings_send(const struct scope *scope, struct archive *archive, struct link *desk,
                              struct client_id client, struct arena *mem)
{
    struct buf lots;
    struct telling telling = {.mem = mem, .out = &lots};
    struct evidence_told told;
    struct message message = {
        .type = MESSAGE_HOLDINGS,
        .holdings = {.client = client.value, .stamp_kept = (uint64_t)WALL_NONE.ns}};
    buf_init(&lots, LOTS_SIZE);
    enum err err = archive_holdings(scope, archive, client, holding_tell, &telling);
    if (err == OK) {
        err = evidence_tell(scope, archive, client, &told, &message.holdings);
    }
    if (err == OK && desk != NULL) {
        message.holdings.lots = buf_str(&lots);
        message.holdings.unsealed = telling.unsealed;
        err = link_send(desk, &message);
    }
    buf_done(&lots);
    return err;
}

enum err core_keep(const struct scope *scope, struct archive *archive, struct link *desk,
                   const struct keep_message *message)
{
    struct client_id client = {(uint32_t)message->client};
    struct keeping_told told;
    struct arena *mem = arena_new(KEEP_MEMORY);
    enum err err = mem == NULL ? ERR_MEMORY : keeping_unpack(message->told, mem, &told);
    if (err == OK) {
        err = archive_hold(scope, archive, client, told.holds, told.holds_count);
    }
    if (err == OK) {
        err = archive_keep(scope, archive, client, told.rules, told.rules_count);
    }
    if (err == OK) {
        err = holdings_send(scope, archive, desk, client, mem);
    }
    arena_free(mem);
    return err;
}

enum err core_drop(const struct scope *scope, struct archive *archive, struct link *desk,
                   const struct drop_message *message, struct wall now)
{
    struct why why = {0};
    const struct archive_drop_reason reason = {
        .text = STR("retention"), .promise = message->promise, .by = STR("schedule")};
    enum err err = archive_drop(scope, archive, (struct client_id){(uint32_t)message->client},
                                message->segment, &reason, now, &why);
    const struct message dropped = {
        .type = MESSAGE_DROPPED,
        .dropped = {.client = message->client,
                    .segment = message->segment,
                    .err = (uint64_t)err,
                    .said = err == OK ? STR("") : str_from(why_text(&why, err))}};
    return desk != NULL ? link_send(desk, &dropped) : OK;
}
