/*
 * Detection's side of a turn.  What was just stored is judged from memory, if detection has kept
 * up; otherwise it is read back from the archive, a few batches a turn, until it has.
 *
 * Always true: between desk's confirmed bookmark and `judged` lies only what was sent and not yet
 * confirmed.  If desk dies, its successor names the bookmarks anew and the rest is judged again;
 * desk knows an alert by (client, rule, place, group), so nothing is doubled.
 */

#include "parse/joined.h"
#include "serve/spine.h"

#define OUTSTANDING_MAX    64 /* messages on their way to desk; beyond, detection waits */
#define CATCH_UP_BATCHES   8  /* a turn */
#define ALERTS_SIZE_MAX    ((size_t)2 << 20)   /* one message: what desk can store in one go */
#define COMPLETED_SIZE_MAX ((size_t)256 << 20) /* alerts of correlations, of one slice */
#define OWN_TOLD_MAX       8                   /* records of one batch */
#define OWN_RECORD_MAX     1024
#define VERDICTS_MAX       20000 /* of one slice */

static bool desk_listens(const struct spine *spine)
{
    return spine->desk != NULL && spine->outstanding < OUTSTANDING_MAX;
}

/* All alerts of events before `reached` are with desk, or are these.  The bookmark never moves
 * back: after a new start events are judged again that desk knows of. */
static enum err bookmark_send(struct spine *spine, struct spine_client *client, uint64_t reached,
                              struct str alerts)
{
    uint64_t bookmark = reached > client->told ? reached : client->told;
    const struct message message = {
        .type = MESSAGE_ALERTS,
        .alerts = {.client = client->id.value, .bookmark = bookmark, .alerts = alerts}};
    enum err err = link_send(spine->desk, &message);
    if (err == OK) {
        client->sent = bookmark;
        spine->outstanding++;
    }
    return err;
}

/* ---- One slice of a batch. */

/* Both lists are in the order of places; of one place the rules' come first. */
static enum err alerts_merge(const struct alerts *rules, const struct alerts *correlations,
                             struct arena *mem, struct alerts *ret)
{
    struct alerts all = {.count = rules->count + correlations->count};
    size_t rule = 0;
    size_t correlation = 0;
    if (correlations->count == 0) {
        *ret = *rules;
        return OK;
    }
    all.list = ARENA_ARRAY(mem, struct alert, all.count);
    if (all.list == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < all.count; i++) {
        bool from_rules =
            correlation == correlations->count ||
            (rule < rules->count &&
             rules->list[rule].place.sequence <= correlations->list[correlation].place.sequence);
        all.list[i] = from_rules ? rules->list[rule++] : correlations->list[correlation++];
    }
    *ret = all;
    return OK;
}

/* The records that a view is made of, as a correlation names its events. */
static enum err parts_cite(const struct joined_view *view, struct place first, struct arena *mem,
                           struct alert *alert)
{
    struct buf text;
    buf_init(&text, 32 * (size_t)view->count + 1);
    enum err err = OK;
    for (uint32_t i = 0; i < view->count && i < ALERT_RECORDS_MAX && err == OK; i++) {
        err = buf_print(&text, "%s%llu", i > 0 ? " " : "",
                        (unsigned long long)(first.sequence + view->parts[i]));
    }
    err = err == OK ? arena_copy(mem, buf_str(&text), &alert->records) : err;
    alert->count = view->count;
    buf_done(&text);
    return err;
}

/* Whether the same rule has an alert at this place.  Both lists ascend: *from goes along. */
static bool alert_known(const struct alerts *alerts, const struct alert *alert, size_t *from)
{
    uint64_t sequence = alert->place.sequence;
    while (*from < alerts->count && alerts->list[*from].place.sequence < sequence) {
        ++*from;
    }
    for (size_t i = *from; i < alerts->count && alerts->list[i].place.sequence == sequence; i++) {
        if (str_equal(alerts->list[i].rule_id, alert->rule_id)) {
            return true;
        }
    }
    return false;
}

/* Events that came as several records are judged once more as a whole (parse/joined.h).  What a
 * rule says of the whole stands at the place of the record that the whole stands for. */
static enum err views_judge(struct spine *spine, struct spine_client *client,
                            const struct batch *slice, struct place first,
                            struct verdicts *verdicts)
{
    struct joined joined;
    struct verdicts seen;
    struct place none = {first.client, 0};
    enum err err = joined_make(slice, spine->scratch, &joined);
    if (err != OK || joined.batch.events == 0) {
        return err;
    }
    err = detect_batch(client->scope, spine->judge, &joined.batch, none, spine->scratch, &seen);
    size_t kept = 0;
    size_t from = 0;
    for (size_t i = 0; err == OK && i < seen.alerts.count; i++) {
        struct alert alert = seen.alerts.list[i];
        const struct joined_view *view = &joined.views[alert.place.sequence];
        alert.place.sequence = first.sequence + view->stands;
        if (!alert_known(&verdicts->alerts, &alert, &from)) {
            err = parts_cite(view, first, spine->scratch, &alert);
            seen.alerts.list[kept++] = alert;
        }
    }
    seen.alerts.count = kept;
    return err == OK
               ? alerts_merge(&verdicts->alerts, &seen.alerts, spine->scratch, &verdicts->alerts)
               : err;
}

/* What correlations make of the sightings, and the criteria of all alerts.  From here on the
 * client's memory changes. */
static enum err verdicts_weigh(struct spine *spine, struct spine_client *client,
                               const struct batch *slice, struct place first,
                               struct verdicts *verdicts)
{
    struct buf completed; /* struct alert each */
    size_t left_out;
    buf_init(&completed, COMPLETED_SIZE_MAX);
    enum err err = criteria_sightings(client->criteria, spine->ruleset, slice, first,
                                      spine->scratch, &verdicts->sightings, &left_out);
    if (client->correlator != NULL) {
        correlator_for(client->correlator, client->off);
    }
    for (size_t i = 0; i < verdicts->sightings.count && err == OK; i++) {
        err = correlator_feed(client->correlator, &verdicts->sightings.list[i], spine->scratch,
                              &completed);
    }
    const struct alerts correlations = {(struct alert *)(void *)completed.data,
                                        completed.size / sizeof(struct alert)};
    err = err == OK
              ? alerts_merge(&verdicts->alerts, &correlations, spine->scratch, &verdicts->alerts)
              : err;
    if (err == OK && verdicts->alerts.count > 0) {
        err = criteria_judge(client->criteria, client->thresholds, slice, first, spine->scratch,
                             &verdicts->alerts);
    }
    buf_done(&completed);
    return err;
}

/* Sends alerts in messages that desk can store in one go.  Each moves the bookmark behind the
 * events whose alerts are complete with it, so that what desk has counted is never sent again. What
 * desk confirmed before a new start is not said again. */
static enum err alerts_send(struct spine *spine, struct spine_client *client,
                            const struct alerts *alerts, uint64_t judged)
{
    struct buf encoded;
    buf_init(&encoded, 2 * ALERTS_SIZE_MAX);
    enum err err = OK;
    uint64_t last = 0;
    for (size_t i = 0; err == OK && i < alerts->count; i++) {
        uint64_t sequence = alerts->list[i].place.sequence;
        if (sequence < client->told) {
            continue;
        }
        bool full = encoded.size > ALERTS_SIZE_MAX && sequence != last;
        if (full || encoded.size > ALERTS_SIZE_MAX / 2 * 3) {
            err = bookmark_send(spine, client, sequence, buf_str(&encoded));
            buf_reset(&encoded);
        }
        err = err == OK ? alert_encode(&alerts->list[i], &encoded) : err;
        last = sequence;
    }
    client->judged = judged;
    if (err == OK && encoded.size > 0) {
        err = bookmark_send(spine, client, judged, buf_str(&encoded));
    }
    buf_done(&encoded);
    return err;
}

/* Judges the events [from, from + count) of a batch and moves `judged` behind them.  *ret_too_much:
 * they raise more alerts than are judged in one go, so fewer events have to be tried. */
static enum err slice_judge(struct spine *spine, struct spine_client *client,
                            const struct batch *batch, struct place first, uint32_t from,
                            uint32_t count, bool *ret_too_much)
{
    struct batch slice = *batch;
    struct verdicts verdicts;
    slice.event_table += (size_t)from * BATCH_EVENT_SIZE;
    slice.events = count;
    first.sequence += from;
    arena_reset(spine->scratch);
    judge_for(spine->judge, criteria_lists(client->criteria), client->off);
    enum err err =
        detect_batch(client->scope, spine->judge, &slice, first, spine->scratch, &verdicts);
    err = err == OK ? views_judge(spine, client, &slice, first, &verdicts) : err;
    *ret_too_much = err == ERR_LIMIT || err == ERR_MEMORY ||
                    (err == OK && verdicts.alerts.count + verdicts.sightings.count > VERDICTS_MAX);
    if (err != OK || (*ret_too_much && count > 1)) {
        return err == OK ? ERR_LIMIT : err;
    }
    *ret_too_much = false;
    err = verdicts_weigh(spine, client, &slice, first, &verdicts);
    err = err == OK ? alerts_send(spine, client, &verdicts.alerts, first.sequence + count) : err;
    if (err != OK) {
        /* What was fed cannot be taken back: go on from the memory on disk. */
        client->memory = MEMORY_STALE;
    }
    if ((err == ERR_LIMIT || err == ERR_MEMORY) && count > 1) {
        client->narrow = count / 2; /* and in smaller pieces */
        client->narrow_until = first.sequence + count;
        err = ERR_AGAIN;
    }
    return err;
}

/* Desk waits for what it sent itself to come out at this end. */
static void own_tell(struct spine *spine, const struct spine_client *client,
                     const struct batch *batch)
{
    for (uint32_t i = 0; i < batch->events && i < OWN_TOLD_MAX && spine->desk != NULL; i++) {
        struct event event;
        batch_event(batch, i, &event);
        const struct message heard = {
            .type = MESSAGE_HEARD,
            .heard = {.client = client->id.value,
                      .record = str_slice(event.record, 0, OWN_RECORD_MAX)}};
        UNHEEDED(link_send(spine->desk, &heard));
    }
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
        if (first.sequence + from < client->narrow_until && count > client->narrow) {
            count = client->narrow;
        }
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
    if (batch->source.value == client->own.value && client->own.value != 0) {
        own_tell(spine, client, batch);
    }
    return OK;
}

/* Where the rules in force end: what lies behind is the next set's. */
static uint64_t judging_end(const struct spine *spine, const struct spine_client *client)
{
    uint64_t end = archive_next_sequence(spine->archive, client->id);
    return spine->ruleset_next != NULL && client->swap_at < end ? client->swap_at : end;
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
        memory_ready(spine, client);
        if (desk_listens(spine) && client->judged == taken->first.sequence &&
            client->judged < judging_end(spine, client)) {
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
        memory_ready(spine, client);
        while (desk_listens(spine) && client->memory == MEMORY_READY &&
               client->judged < judging_end(spine, client)) {
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
                client->judged = judging_end(spine, client);
                break;
            }
            if (err == OK) {
                err = batch_judge(spine, client, &batch, first);
            }
            if (err == ERR_AGAIN) { /* desk has enough, or the memory has to be read again */
                *ret_more = client->memory == MEMORY_STALE && desk_listens(spine);
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
        if (client->judged > client->sent && client->judged > client->told &&
            client->memory == MEMORY_READY &&
            bookmark_send(spine, client, client->judged, (struct str){0}) != OK) {
            return;
        }
    }
}

void spine_desk_lost(struct spine *spine)
{
    link_free(spine->desk);
    spine->desk = NULL;
    spine->outstanding = 0;
    for (size_t i = 0; i < spine->clients_count; i++) {
        spine->clients[i].desk_is_new = true;
    }
}
