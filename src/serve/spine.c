/*
 * One turn of the tower.
 *
 *     ring → (private copy, checked) → journal → fdatasync → books, answer to front → rules → desk
 *
 * Always true:
 *
 *   (1) Front is told that an entry has ended, and the ring's room is released, only after the
 *       commit.  A core that dies before finds the entry again; the archive knows by its number
 *       whether it is on disk already.
 *   (2) An alert is sent only for what is on disk.
 *   (3) Detection may lag behind the archive (desk away, a crash) but never skips: `judged` moves
 *       over what was judged and nothing else.
 */

#include "serve/spine.h"

#include <stdlib.h>

#include "base/limits.h"
#include "serve/notice.h"

#define SWAP_TURNS_MAX 10000 /* that new rules wait for detection to catch up */

static enum err spine_append(struct spine *spine, struct wall now);
static enum err rules_swap_due(struct spine *spine, bool *ret_swapped);

enum err spine_turn(struct spine *spine, struct wall now, bool *ret_more, struct why *why)
{
    arena_reset(spine->turn);
    enum err err = spine_take(spine, now); /* what front handed over, copied and checked */
    if (err == OK && spine->taken_count > 0) {
        err = spine_append(spine, now); /* events become evidence, */
        if (err == OK) {
            err = archive_commit(spine->archive); /* once they are on disk */
        }
        if (err == OK) {
            err = spine_account(spine); /* the books, and front's answer to the sender */
        }
        if (err == OK) {
            err = spine_judge(spine); /* evidence raises alerts; alerts become desk's work */
        }
    }
    bool behind = false;
    if (err == OK) {
        err = spine_catch_up(spine, &behind, why);
    }
    bool swapped = false;
    if (err == OK && spine->ruleset_next != NULL) {
        err = rules_swap_due(spine, &swapped);
    }
    *ret_more = behind || swapped || spine->taken_count > 0;
    return err;
}

/* ---- Rules. */

static enum err rules_swap(struct spine *spine, struct ruleset *ruleset)
{
    struct judge *judge;
    enum err err = judge_new(ruleset, &judge);
    if (err != OK) {
        ruleset_free(ruleset);
        return err;
    }
    struct ruleset *before = spine->ruleset;
    judge_free(spine->judge);
    spine->ruleset = ruleset;
    spine->judge = judge;
    for (size_t i = 0; i < spine->clients_count && err == OK; i++) {
        err = memory_move(spine, &spine->clients[i]);
        err = err == OK ? memory_off(spine, &spine->clients[i]) : err;
    }
    ruleset_free(before); /* correlators looked into it until now */
    return err;
}

/* From here on the archive names the next set for what is stored, and judging stops short of it. */
static enum err rules_announce(struct spine *spine, struct ruleset *ruleset)
{
    bool swapped;
    spine->ruleset_next = ruleset;
    spine->turns_waited = 0;
    for (size_t i = 0; i < spine->clients_count; i++) {
        struct spine_client *client = &spine->clients[i];
        client->swap_at = archive_next_sequence(spine->archive, client->id);
        client->rules_noted = false;
    }
    return rules_swap_due(spine, &swapped);
}

enum err spine_rules(struct spine *spine, struct ruleset *ruleset)
{
    const struct ruleset *now = spine->ruleset_next != NULL ? spine->ruleset_next : spine->ruleset;
    ruleset_free(spine->ruleset_last);
    spine->ruleset_last = NULL;
    if (now == NULL) {
        return rules_swap(spine, ruleset);
    }
    if (str_equal(ruleset_hash(now), ruleset_hash(ruleset))) {
        ruleset_free(ruleset);
        return OK;
    }
    if (spine->ruleset_next == NULL) {
        return rules_announce(spine, ruleset);
    }
    spine->ruleset_last = ruleset;
    return OK;
}

/* The swap waits until desk has all alerts of what was stored before it: should desk end now, these
 * events are judged again, by the rules that the archive names for them.  But it does not wait for
 * ever, or rules that are too slow could not be replaced. */
static enum err rules_swap_due(struct spine *spine, bool *ret_swapped)
{
    bool waits = false;
    *ret_swapped = false;
    for (size_t i = 0; i < spine->clients_count; i++) {
        const struct spine_client *client = &spine->clients[i];
        waits |= client->judged < client->swap_at || client->told < client->swap_at;
    }
    if (waits && ++spine->turns_waited < SWAP_TURNS_MAX) {
        spine_bookmarks_send(spine);
        return OK;
    }
    if (waits) {
        spine->say(spine->say_context, "new rules judge events that were stored before them:"
                                       " detection does not catch up");
    }
    struct ruleset *next = spine->ruleset_next;
    struct ruleset *last = spine->ruleset_last;
    spine->ruleset_next = NULL;
    spine->ruleset_last = NULL;
    enum err err = rules_swap(spine, next);
    *ret_swapped = err == OK;
    if (last != NULL && err == OK) {
        err = spine_rules(spine, last);
    } else {
        ruleset_free(last);
    }
    return err;
}

enum err spine_new(struct spine **ret)
{
    struct spine *spine = calloc(1, sizeof *spine);
    char *room;
    if (spine == NULL) {
        return ERR_MEMORY;
    }
    spine->vitals = vitals_new();
    spine->turn = arena_new((size_t)4 * BATCH_SIZE_MAX + ((size_t)128 << 20));
    spine->scratch = arena_new((size_t)4 * BATCH_SIZE_MAX + ((size_t)128 << 20));
    /* The copies must not move while batches point into them, so all of the room is made now. */
    buf_init(&spine->copies, TURN_SIZE_MAX + BATCH_SIZE_MAX + ENTRY_HEAD_SIZE);
    if (spine->vitals == NULL || spine->turn == NULL || spine->scratch == NULL ||
        buf_extend(&spine->copies, spine->copies.size_max, &room) != OK) {
        return ERR_MEMORY;
    }
    *ret = spine;
    return OK;
}

static enum err append_one(struct spine *spine, struct taken *taken, struct wall now)
{
    struct spine_client *client = spine_client_find(spine, taken->entry.client);
    if (!client->rules_noted) {
        const struct ruleset *rules =
            spine->ruleset_next != NULL ? spine->ruleset_next : spine->ruleset;
        enum err err = archive_generation(client->scope, spine->archive, client->id, STR("rules"),
                                          ruleset_hash(rules));
        if (err != OK) {
            return err;
        }
        client->rules_noted = true;
    }
    if (!client->documents_noted && client->criteria != NULL) {
        enum err err = archive_generation(client->scope, spine->archive, client->id,
                                          STR("documents"), criteria_hash(client->criteria));
        if (err != OK) {
            return err;
        }
        client->documents_noted = true;
    }
    const struct ring_place from = {ring_id(spine->ring), taken->number};
    taken->offered_again = archive_holds(spine->archive, from, &taken->first);
    if (taken->offered_again) {
        taken->end = TAKEN_STORED;
        return OK;
    }
    enum err err =
        archive_append(client->scope, spine->archive, &taken->batch, from, now, &taken->first);
    switch (err) {
    case OK:
        taken->end = TAKEN_STORED;
        return OK;
    case ERR_EXISTS:
        taken->end = TAKEN_DUPLICATE;
        return OK;
    case ERR_CONFLICT:
        taken->end = TAKEN_CONFLICT;
        return OK;
    case ERR_LIMIT:
    case ERR_NOT_FOUND:
    case ERR_DENIED:
        /* These would be refused for ever: a batch that lies about its records, a client whose key
         * was destroyed. */
        spine->say(spine->say_context, "a batch cannot be archived and is counted as rejected");
        taken->end = TAKEN_DROPPED;
        return OK;
    default:
        return err;
    }
}

/* A tally that is worth a record gets one; the tally itself ends as it would without. */
static enum err notice_append(struct spine *spine, struct taken *taken, struct wall now)
{
    enum err err = notice_make(&taken->entry, now, spine->turn, &taken->batch);
    if (err == OK) {
        err = append_one(spine, taken, now);
    }
    taken->noticed = err == OK && taken->end == TAKEN_STORED;
    taken->end = TAKEN_TALLY;
    return err;
}

/* Each journal names anew what judges the events in it, so that it can be sealed and go. */
void spine_turn_over(struct spine *spine, struct wall now)
{
    if (archive_turn_over(spine->archive, &spine->sealing, now)) {
        for (size_t i = 0; i < spine->clients_count; i++) {
            spine->clients[i].rules_noted = false;
            spine->clients[i].documents_noted = false;
        }
    }
}

/* Adds what was taken to the group, as far as it has room; the rest is for the next turn. */
static enum err spine_append(struct spine *spine, struct wall now)
{
    spine_turn_over(spine, now);
    for (size_t i = 0; i < spine->taken_count; i++) {
        struct taken *taken = &spine->taken[i];
        bool tally = taken->end == TAKEN_TALLY;
        if (taken->end == TAKEN_DROPPED || (tally && !notice_wanted(&taken->entry))) {
            continue;
        }
        enum err err = tally ? notice_append(spine, taken, now) : append_one(spine, taken, now);
        if (err == ERR_AGAIN && i > 0) {
            spine->taken_count = i;
            spine->cursor = taken->before;
            return OK;
        }
        if (err != OK) {
            return err;
        }
    }
    return OK;
}

enum err spine_grant(struct spine *spine, struct client_id client, uint64_t bookmark,
                     struct source_id own, struct str scope)
{
    struct scope *decoded;
    enum err err = scope_decode(scope, &decoded);
    if (err != OK || !scope_allows(decoded, client, RIGHT_APPEND)) {
        if (err == OK) {
            scope_free(decoded);
        }
        return ERR_CORRUPT;
    }
    struct spine_client *known = spine_client_find(spine, client);
    if (known != NULL) {
        scope_free(known->scope);
        known->scope = decoded;
        known->own = own;
        if (!known->desk_is_new) {
            return OK; /* it will hear of what is on its way */
        }
        known->desk_is_new = false;
        if (bookmark < known->judged) {
            known->judged = bookmark;
            known->memory = MEMORY_STALE;
        }
        known->told = bookmark;
        known->sent = bookmark;
        return OK;
    }
    struct spine_client *clients =
        spine->clients_count == CLIENTS_MAX
            ? NULL
            : realloc(spine->clients, (spine->clients_count + 1) * sizeof *clients);
    if (clients == NULL) {
        scope_free(decoded);
        return ERR_LIMIT;
    }
    spine->clients = clients;
    clients[spine->clients_count++] = (struct spine_client){.id = client,
                                                            .scope = decoded,
                                                            .own = own,
                                                            .judged = bookmark,
                                                            .sent = bookmark,
                                                            .told = bookmark};
    if (spine->ruleset_next != NULL) {
        clients[spine->clients_count - 1].swap_at = archive_next_sequence(spine->archive, client);
    }
    return OK;
}

enum err spine_documents(struct spine *spine, struct client_id client, struct criteria *criteria)
{
    struct spine_client *known = spine_client_find(spine, client);
    if (known == NULL) {
        return ERR_NOT_FOUND;
    }
    criteria_free(known->criteria);
    known->criteria = criteria;
    known->documents_noted = false;
    return memory_off(spine, known);
}

struct spine_client *spine_client_find(struct spine *spine, struct client_id client)
{
    for (size_t i = 0; i < spine->clients_count; i++) {
        if (client_equal(spine->clients[i].id, client)) {
            return &spine->clients[i];
        }
    }
    return NULL;
}
