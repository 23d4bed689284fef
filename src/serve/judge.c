/*
 * Detection's side of a turn.  What was just stored is judged from memory, if detection has kept
 * up; otherwise it is read back from the archive, a few batches a turn, until it has.
 *
 * Always true: between desk's confirmed bookmark and `judged` lies only what was sent and not yet
 * confirmed.  If desk dies, its successor names the bookmarks anew and the rest is judged again;
 * desk knows an alert by (client, rule, place), so nothing is doubled.
 */

#include "serve/spine.h"

#define OUTSTANDING_MAX  64 /* messages on their way to desk; beyond, detection waits */
#define CATCH_UP_BATCHES 8  /* a turn */
#define ALERTS_SIZE_MAX  ((size_t)2 << 20) /* one message: what desk can store in one go */

static bool desk_listens(const struct spine *spine)
{
    return spine->desk != NULL && spine->outstanding < OUTSTANDING_MAX;
}

static enum err bookmark_send(struct spine *spine, struct spine_client *client, struct str alerts)
{
    const struct message message = {
        .type = MESSAGE_ALERTS,
        .alerts = {.client = client->id.value, .bookmark = client->judged, .alerts = alerts}};
    enum err err = link_send(spine->desk, &message);
    if (err == OK) {
        client->sent = client->judged;
        spine->outstanding++;
    }
    return err;
}

/* Judges the events [from, from + count) of a batch and moves `judged` behind them.  *ret_too_much:
 * they raise more alerts than one message may hold, so fewer events have to be tried. */
static enum err slice_judge(struct spine *spine, struct spine_client *client,
                            const struct batch *batch, struct place first, uint32_t from,
                            uint32_t count, bool *ret_too_much)
{
    struct batch slice = *batch;
    struct alerts alerts;
    struct buf encoded;
    slice.event_table += (size_t)from * BATCH_EVENT_SIZE;
    slice.events = count;
    first.sequence += from;
    arena_reset(spine->scratch);
    enum err err =
        detect_batch(client->scope, spine->ruleset, &slice, first, spine->scratch, &alerts);
    if (err == OK && alerts.count > 0) {
        err = criteria_judge(client->criteria, &slice, first, spine->scratch, &alerts);
    }
    buf_init(&encoded, ALERTS_SIZE_MAX);
    for (size_t i = 0; err == OK && i < alerts.count; i++) {
        err = alert_encode(&alerts.list[i], &encoded);
    }
    *ret_too_much = err == ERR_LIMIT || err == ERR_MEMORY;
    const uint64_t judged_before = client->judged;
    if (err == OK) {
        client->judged = first.sequence + count;
        if (encoded.size > 0) {
            err = bookmark_send(spine, client, buf_str(&encoded));
        }
    }
    if (err != OK) {
        client->judged = judged_before;
    }
    buf_done(&encoded);
    return err;
}

/* Judges what is not judged yet of one batch.  Senders decide how many alerts it raises, so it is
 * judged in as many pieces as it takes: a flood must neither stop detection nor choke desk.
 * ERR_AGAIN: desk has enough for now. */
static enum err batch_judge(struct spine *spine, struct spine_client *client,
                            const struct batch *batch, struct place first)
{
    uint64_t done = client->judged > first.sequence ? client->judged - first.sequence : 0;
    uint32_t from = done < batch->events ? (uint32_t)done : batch->events;
    uint32_t count = batch->events - from;
    while (from < batch->events) {
        bool too_much = false;
        enum err err = desk_listens(spine)
                           ? slice_judge(spine, client, batch, first, from, count, &too_much)
                           : ERR_AGAIN;
        if (too_much && count > 1) {
            count /= 2;
            continue;
        }
        if (too_much) {
            spine->say(spine->say_context, "an event raises more alerts than can be sent; none is");
            client->judged = first.sequence + from + 1;
        } else if (err != OK) {
            return err == ERR_LIMIT || err == ERR_CLOSED ? ERR_AGAIN : err;
        }
        from += count;
        count = count < batch->events - from ? count : batch->events - from;
    }
    return OK;
}

enum err spine_judge(struct spine *spine)
{
    for (size_t i = 0; i < spine->taken_count; i++) {
        const struct taken *taken = &spine->taken[i];
        bool stored = taken->end == TAKEN_STORED || taken->noticed;
        if (!stored || taken->offered_again) {
            continue;
        }
        struct spine_client *client = spine_client_find(spine, taken->entry.client);
        if (desk_listens(spine) && client->judged == taken->first.sequence) {
            enum err err = batch_judge(spine, client, &taken->batch, taken->first);
            if (err != OK && err != ERR_AGAIN) {
                return err;
            }
        }
    }
    return OK;
}

enum err spine_catch_up(struct spine *spine, bool *ret_more, struct why *why)
{
    unsigned budget = CATCH_UP_BATCHES;
    *ret_more = false;
    for (size_t i = 0; i < spine->clients_count; i++) {
        struct spine_client *client = &spine->clients[i];
        while (desk_listens(spine) &&
               client->judged < archive_next_sequence(spine->archive, client->id)) {
            if (budget-- == 0) {
                *ret_more = true;
                return OK;
            }
            struct batch batch;
            struct place first;
            arena_reset(spine->turn);
            enum err err = archive_read(client->scope, spine->archive, client->id, client->judged,
                                        spine->turn, &batch, &first, why);
            if (err == ERR_CORRUPT) {
                spine->say(spine->say_context, why->text);
                client->judged = first.sequence;
                continue;
            }
            if (err == ERR_NOT_FOUND) {
                client->judged = archive_next_sequence(spine->archive, client->id);
                break;
            }
            if (err == OK) {
                err = batch_judge(spine, client, &batch, first);
            }
            if (err == ERR_AGAIN) {
                return OK;
            }
            if (err != OK) {
                return err;
            }
        }
    }
    return OK;
}

void spine_bookmarks_send(struct spine *spine)
{
    for (size_t i = 0; i < spine->clients_count && desk_listens(spine); i++) {
        struct spine_client *client = &spine->clients[i];
        if (client->judged > client->sent && bookmark_send(spine, client, (struct str){0}) != OK) {
            return;
        }
    }
}

void spine_desk_lost(struct spine *spine)
{
    link_free(spine->desk);
    spine->desk = NULL;
    spine->outstanding = 0;
}
