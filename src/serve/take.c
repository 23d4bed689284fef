/*
 * The ring's side of a turn: entries are copied before anybody looks into them, since front could
 * change them under our eyes, and accounted for when they have ended.
 *
 * Always true: spine->cursor stands behind the last entry of spine->taken once a turn is through;
 * a turn that failed is begun again where the ring was last released.
 */

#include "serve/spine.h"

#include <string.h>

#include "base/bytes.h"
#include "serve/notice.h"

#define HOLD_NS_MAX (5 * NS_PER_SECOND) /* how long an entry may wait for its client's grant */

static bool entry_check(struct spine *spine, struct taken *taken, struct str bytes);

enum err spine_take(struct spine *spine, struct wall now)
{
    buf_reset(&spine->copies);
    spine->taken_count = 0;
    uint64_t events = 0;
    while (!spine->front_away && spine->taken_count < TURN_ENTRIES_MAX &&
           events < TURN_EVENTS_MAX && spine->copies.size < TURN_SIZE_MAX) {
        struct taken *taken = &spine->taken[spine->taken_count];
        const struct ring_cursor before = spine->cursor;
        struct str bytes;
        enum err err = ring_next(spine->ring, &spine->cursor, &spine->copies, &bytes);
        if (err == ERR_AGAIN) {
            break;
        }
        if (err != OK) {
            spine->say(spine->say_context, "front left nonsense in the ring; it is given up");
            ring_restart(spine->ring, &spine->cursor);
            break;
        }
        *taken = (struct taken){.number = spine->cursor.number, .before = before};
        if (!entry_check(spine, taken, bytes)) {
            taken->end = TAKEN_DROPPED;
        } else if (spine_client_find(spine, taken->entry.client) == NULL) {
            if (spine->held_since_ns == 0) {
                spine->held_since_ns = now.ns;
            }
            if (now.ns - spine->held_since_ns < HOLD_NS_MAX) {
                spine->cursor = before;
                return OK;
            }
            spine->say(spine->say_context, "front sent events of a client that desk never named");
            taken->end = TAKEN_DROPPED;
        }
        spine->held_since_ns = 0;
        spine->taken_count++;
        events += taken->entry.count;
    }
    return OK;
}

/* Fills in the entry and its batch; false if front wrote nonsense. */
static bool entry_check(struct spine *spine, struct taken *taken, struct str bytes)
{
    struct why why = {0};
    if (entry_decode(bytes, &taken->entry) != OK) {
        spine->say(spine->say_context, "front left an entry in the ring that is none");
        return false;
    }
    if (taken->entry.kind == ENTRY_TALLY) {
        taken->end = TAKEN_TALLY;
        return true;
    }
    if (batch_check(taken->entry.batch, spine->turn, &taken->batch, &why) != OK ||
        !client_equal(taken->batch.client, taken->entry.client) ||
        taken->batch.source.value != taken->entry.source.value ||
        taken->batch.events != taken->entry.count) {
        spine->say(spine->say_context,
                   why.text[0] != '\0' ? why.text : "a batch is not what its entry says");
        return false;
    }
    return true;
}

static void entry_account(struct spine *spine, struct taken *taken, struct books_entry *ret)
{
    uint64_t count = taken->entry.count;
    *ret = (struct books_entry){0};
    switch (taken->end) {
    case TAKEN_STORED:
        ret->stored = count;
        arena_reset(spine->scratch);
        vitals_batch(spine->vitals, &taken->batch, spine->scratch, &ret->failures, &ret->bytes);
        break;
    case TAKEN_DUPLICATE:
        ret->deduplicated = count;
        break;
    case TAKEN_CONFLICT:
        ret->rejected[REJECT_CONFLICT] = count;
        break;
    case TAKEN_TALLY:
        if (taken->entry.reason == REJECT_KNOWN) {
            ret->deduplicated = count;
        } else {
            ret->rejected[taken->entry.reason] = count;
        }
        ret->stored = taken->noticed ? 1 : 0;
        ret->rejected[REJECT_REFUSED] += notice_wanted(&taken->entry) && !taken->noticed ? 1 : 0;
        break;
    case TAKEN_DROPPED:
        ret->rejected[REJECT_REFUSED] = count;
        break;
    }
}

static enum commit_result end_told(enum taken_end end)
{
    switch (end) {
    case TAKEN_DUPLICATE:
        return COMMIT_DUPLICATE;
    case TAKEN_CONFLICT:
        return COMMIT_CONFLICT;
    case TAKEN_DROPPED:
        return COMMIT_REFUSED;
    default:
        return COMMIT_STORED;
    }
}

static enum err front_tell(struct spine *spine)
{
    struct str exceptions = {0};
    char *list = arena_take_array(spine->turn, spine->taken_count, 16);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    exceptions.data = list;
    for (size_t i = 0; i < spine->taken_count; i++) {
        const struct taken *taken = &spine->taken[i];
        enum commit_result result = end_told(taken->end);
        if (result != COMMIT_STORED) {
            put_u64(list + exceptions.size, taken->number);
            put_u64(list + exceptions.size + 8, (uint64_t)result);
            exceptions.size += 16;
        }
    }
    const struct message committed = {
        .type = MESSAGE_COMMITTED,
        .committed = {.position = spine->cursor.number, .exceptions = exceptions}};
    /* A front that does not listen any more is restarted, and its senders send again. */
    UNHEEDED(link_send(spine->front, &committed));
    return OK;
}

enum err spine_account(struct spine *spine)
{
    for (size_t i = 0; i < spine->taken_count; i++) {
        struct taken *taken = &spine->taken[i];
        struct books_entry entry;
        entry_account(spine, taken, &entry);
        if (spine_client_find(spine, taken->entry.client) != NULL) {
            enum err err = books_apply(spine->books, taken->entry.client, taken->entry.source,
                                       taken->number, &entry);
            /* Front can write to the books too.  Accounts that it used up cost figures; to give up
             * here would cost every sender the answers, for as long as the books live. */
            if (err == ERR_LIMIT) {
                spine->say(spine->say_context, "the books have no account left for a source");
            } else if (err != OK) {
                return err;
            }
        }
    }
    enum err err = spine->front == NULL ? OK : front_tell(spine);
    spine->release_waits = true;
    spine_release(spine);
    return err;
}

void spine_release(struct spine *spine)
{
    if (spine->release_waits && (spine->front == NULL || link_is_idle(spine->front))) {
        ring_release(spine->ring, &spine->cursor);
        spine->release_waits = false;
    }
}

#define VITALS_SIZE_MAX ((size_t)32 << 20)

void spine_vitals_send(struct spine *spine)
{
    struct buf sources;
    struct buf strangers;
    buf_init(&sources, VITALS_SIZE_MAX);
    buf_init(&strangers, VITALS_SIZE_MAX);
    enum err err =
        spine->desk == NULL ? ERR_CLOSED : vitals_take(spine->vitals, &sources, &strangers);
    if (err == OK && (sources.size > 0 || strangers.size > 0)) {
        const struct message vitals = {
            .type = MESSAGE_VITALS,
            .vitals = {.sources = buf_str(&sources), .strangers = buf_str(&strangers)}};
        UNHEEDED(link_send(spine->desk, &vitals)); /* a lost count of five seconds */
    }
    buf_done(&sources);
    buf_done(&strangers);
}
