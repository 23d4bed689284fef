/*
 * Posts on their way: handed over part by part, answered when all parts have ended.
 *
 *     whole ─► queued ─► handed over, part by part, in turn with the others ─► all parts ended
 *                │ no room for too long: refused                                    │
 *                └────────────────────────► answered ◄──────────────────────────────┘
 *
 * The body is kept whole, since its key, digest and parts are known only at its end.  Each part is
 * a batch that the post waits for (pending.c).  A post that finds no room waits for it without
 * holding up anybody who sends otherwise; after HTTP_PATIENCE_MS its sender is told to come again,
 * unless some of its parts are on their way already: those may be stored, so the rest follows them
 * as long as there is hope.
 *
 * Always true: a post is freed when its peer has been answered or is gone, it is not in the queue
 * and none of its parts is pending: a peer that leaves does not undo what it sent.  A turn of the
 * queue ends after TURN_MS and the part that it was at.
 */

#include "collect/post.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "sys/clocks.h"

static void part_ended(struct waiter *waiter, uint32_t events, enum commit_result result);
static void part_forgotten(struct waiter *waiter);

#define TURN_MS          20    /* Then others get theirs. */
#define LONG_PATIENCE_MS 10000 /* For a post that is partly handed over. */

static const struct {
    unsigned status;
    bool passes;
    const char *sentence;
} refusals[REFUSAL_COUNT] = {
    [REFUSE_NO_TOKEN] = {401, false, "a known token is needed: Authorization: Bearer TOKEN"},
    [REFUSE_SCHEME] = {401, false, "this kind of Authorization is not known"},
    [REFUSE_TOKEN] = {401, false, "a known token is needed: Authorization: Bearer TOKEN"},
    [REFUSE_METHOD] = {405, false, "send this with POST"},
    [REFUSE_LENGTHS] = {400, false,
                        "Transfer-Encoding and Content-Length say two things: send one"},
    [REFUSE_CODING] = {415, false, "the Content-Encoding must be one of gzip, deflate and zstd"},
    [REFUSE_KEY] = {400, false, "the Idempotency-Key is over 255 bytes"},
    [REFUSE_LARGE] = {413, false, "the body is too large: split it"},
    [REFUSE_BOMB] = {413, false, "the body unfolds into too much: split it"},
    [REFUSE_DAMAGED] = {400, false, "the body is not what its Content-Encoding says"},
    [REFUSE_FORMAT] = {400, false, "the body is not what it should be"},
    [REFUSE_MEMORY] = {503, true, "no memory for another post: try again"},
    [REFUSE_BUSY] = {503, true, "no room at the moment: try again"},
    [REFUSE_QUOTA] = {429, true, "more was sent than was agreed: try again later"},
    [REFUSE_CONFLICT] = {422, false, "this Idempotency-Key was used for another body"},
    [REFUSE_LOST] = {500, false, "the archive cannot keep events of this client"},
};

unsigned refusal_status(enum refusal refusal)
{
    return refusals[refusal].status;
}

const char *refusal_sentence(enum refusal refusal)
{
    return refusals[refusal].sentence;
}

bool refusal_passes(enum refusal refusal)
{
    return refusals[refusal].passes;
}

void post_refuse(struct post *post, enum refusal refusal, const char *detail)
{
    if (post->request != NULL) {
        post->dialect->refuse(post->request, refusal, detail, refusals[refusal].passes ? 1 : 0);
    }
}

void post_reject(struct post *post, enum reject_reason reason, uint64_t count)
{
    post->received += count;
    post->rejected += count;
    reject_add(post->collect, post->binding, reason, count);
}

bool post_welcome(struct collect *collect, const struct binding *binding, enum refusal *ret,
                  unsigned *ret_seconds)
{
    struct mono now = mono_now();
    uint64_t wait_ms = binding != NULL ? quota_wait_ms(collect, binding, now) : 0;
    if (wait_ms > 0) {
        quota_throttled(collect, binding, now);
        *ret = REFUSE_QUOTA;
        *ret_seconds = (unsigned)(wait_ms / 1000) + 1;
        return false;
    }
    *ret = REFUSE_BUSY;
    *ret_seconds = 1;
    return !collect->posts_held || mono_ms_since(collect->posts_held_since, now) < HTTP_PATIENCE_MS;
}

/* ---- Records that lie in pieces of a text. */

enum err post_stretch(struct post *post, size_t offset, size_t size)
{
    const struct stretch stretch = {(uint32_t)offset, (uint32_t)size};
    if (post->stretches.size + sizeof stretch > post->stretches.capacity) {
        uint64_t more = post->stretches.capacity > 0 ? post->stretches.capacity : 1024;
        if (!post_memory_take(post, more)) {
            return ERR_AGAIN;
        }
    }
    return buf_append(&post->stretches, str_of(&stretch, sizeof stretch));
}

bool stretch_next(const struct body *body, struct cursor *cursor, struct str *ret)
{
    const struct post *post = (const void *)body;
    struct stretch stretch;
    if (cursor->item >= post->stretches.size / sizeof stretch) {
        return false;
    }
    memcpy(&stretch, post->stretches.data + cursor->item * sizeof stretch, sizeof stretch);
    *ret = str_slice(body->text, stretch.offset, stretch.size);
    cursor->item++;
    cursor->at = stretch.offset + stretch.size;
    return true;
}

/* ---- Handing over. */

/* A record whose fields do not fit beside the others' is kept without them: parts must not depend
 * on what parsing finds. */
static enum err record_add_anyhow(struct post *post, struct str record)
{
    struct builder *builder = post->builder;
    enum err err = builder_begin(builder, record, post->received_at);
    if (err == OK) {
        post->collect->calls.parse(post->collect->calls.context, post->binding,
                                   str_from(post->peer.text), post->received_at, builder);
        if (post->dialect->mark != NULL) {
            post->dialect->mark(post);
        }
        err = builder_end(builder);
    }
    if (err == ERR_LIMIT) {
        err = builder_begin(post->builder, record, post->received_at);
        if (err == OK) {
            builder_error(post->builder, STR("its fields do not fit the batch"));
            err = builder_end(post->builder);
        }
    }
    return err;
}

/* Fills the builder with the next part; *ret_end: there was none. */
static enum err part_build(struct post *post, bool *ret_end)
{
    struct cursor next = post->cursor;
    struct cursor at = post->cursor;
    uint32_t records = body_part(&post->body, &next);
    *ret_end = records == 0;
    for (uint32_t i = 0; i < records; i++) {
        struct str record;
        if (!post->body.next(&post->body, &at, &record) || record_add_anyhow(post, record) != OK) {
            builder_reset(post->builder);
            return ERR_AGAIN;
        }
    }
    post->received += records;
    post->part_from = post->cursor;
    post->cursor = next;
    return OK;
}

/* Hands over the next part; *ret_end: that was all. */
static enum err part_hand(struct post *post, bool *ret_end)
{
    enum err err = OK;
    *ret_end = false;
    if (post->builder == NULL) {
        post->builder = builder_new(post->binding->client, post->binding->source);
        if (post->builder == NULL) {
            return ERR_AGAIN;
        }
    }
    if (builder_events(post->builder) == 0) {
        err = part_build(post, ret_end);
    }
    if (err != OK || *ret_end) {
        return err;
    }
    struct batch_key key = batch_key_given(&post->key) ? post->key : (struct batch_key){0};
    builder_key(post->builder, &key);
    err = pending_hand(post->collect, post->builder, post->binding, &post->waiter);
    if (err == OK) {
        post->waiting++;
        post->key.part++;
    }
    return err;
}

static void post_end(struct post *post)
{
    if (post->request == NULL) {
        post_release(post);
    } else if (post->conflicts > 0) {
        post_refuse(post, REFUSE_CONFLICT, NULL);
    } else if (post->lost > 0 && post->dialect->ended == NULL) {
        post_refuse(post, REFUSE_LOST, NULL);
    } else {
        post->dialect->answer(post);
    }
}

/* Nothing more of it will be handed over. */
static void post_handed(struct post *post)
{
    post->handed = true;
    builder_free(post->builder);
    post->builder = NULL;
    if (!post->dialect->keeps_body) {
        buf_done(&post->bytes);
        buf_done(&post->text);
        buf_done(&post->stretches);
        post_memory_give_back(post);
    }
    if (post->waiting == 0) {
        post_end(post);
    }
}

static struct post *queue_take(struct collect *collect)
{
    struct post *post = collect->posts_first;
    collect->posts_first = post->next;
    if (collect->posts_first == NULL) {
        collect->posts_last = NULL;
    }
    post->next = NULL;
    post->queued = false;
    return post;
}

static void queue_put(struct post *post)
{
    struct collect *collect = post->collect;
    if (collect->posts_last != NULL) {
        collect->posts_last->next = post;
    } else {
        collect->posts_first = post;
    }
    collect->posts_last = post;
    post->queued = true;
}

/* One part of the first post, which then stands behind the others. */
static enum err queue_turn(struct collect *collect)
{
    struct post *post = collect->posts_first;
    bool end;
    enum err err = part_hand(post, &end);
    if (err != OK) {
        return err;
    }
    (void)queue_take(collect);
    if (end && (post->dialect->more == NULL || post->dialect->more(post) == MORE_NONE)) {
        post_handed(post);
    } else {
        queue_put(post);
    }
    return OK;
}

void posts_resume(struct collect *collect)
{
    struct mono began = mono_now();
    enum err err = OK;
    while (collect->posts_first != NULL && err == OK &&
           mono_ms_since(began, mono_now()) < TURN_MS) {
        err = queue_turn(collect);
    }
    if (err != OK && !collect->posts_held) {
        collect->posts_held_since = began;
    }
    collect->posts_held = err != OK;
    if (err == OK && collect->posts_first != NULL) {
        timer_set(collect->posts_timer, 0, 0);
    }
}

enum err posts_flush(struct collect *collect)
{
    enum err err = OK;
    while (collect->posts_first != NULL && err == OK) {
        err = queue_turn(collect);
    }
    return err;
}

void post_queue(struct post *post)
{
    struct collect *collect = post->collect;
    post->queued_at = mono_now();
    post->received_at = collect_now(collect);
    post->waiter = (struct waiter){.ended = part_ended, .forgotten = part_forgotten};
    queue_put(post);
    if (!collect->held && !collect->posts_held) {
        timer_set(collect->posts_timer, 0, 0);
    }
}

/* The first post has waited too long: it is refused, or cut short. */
static void queue_give_up(struct collect *collect)
{
    struct post *post = queue_take(collect);
    bool begun = post->waiting > 0 || post->key.part > 0;
    if (begun && post->dialect->cut_short != NULL) {
        if (builder_events(post->builder) > 0) {
            post->received -= builder_events(post->builder);
            post->cursor = post->part_from;
        }
        post->dialect->cut_short(post);
        post_handed(post);
        return;
    }
    post_refuse(post, REFUSE_BUSY, NULL);
    post_release(post);
}

void posts_sweep(struct collect *collect, struct mono now)
{
    struct post *last = collect->posts_last;
    if (!collect->posts_held && !collect->held) {
        return;
    }
    for (bool more = last != NULL; more;) {
        struct post *post = collect->posts_first;
        bool begun = post->waiting > 0 || post->key.part > 0;
        more = post != last;
        if (mono_ms_since(post->queued_at, now) > (begun ? LONG_PATIENCE_MS : HTTP_PATIENCE_MS)) {
            queue_give_up(collect);
        } else {
            queue_put(queue_take(collect));
        }
    }
}

/* ---- The end. */

static struct post *post_of(struct waiter *waiter)
{
    return (struct post *)(void *)((char *)waiter - offsetof(struct post, waiter));
}

static void part_ended(struct waiter *waiter, uint32_t events, enum commit_result result)
{
    struct post *post = post_of(waiter);
    post->stored += result == COMMIT_STORED ? events : 0;
    post->deduplicated += result == COMMIT_DUPLICATE ? events : 0;
    post->conflicts += result == COMMIT_CONFLICT ? events : 0;
    post->lost += result == COMMIT_REFUSED ? events : 0;
    post->waiting--;
    if (post->dialect->ended != NULL) {
        post->dialect->ended(post, events, result);
    }
    if (post->waiting == 0 && post->handed) {
        post_end(post);
    } else {
        post_release(post);
    }
}

static void part_forgotten(struct waiter *waiter)
{
    struct post *post = post_of(waiter);
    post->waiting--;
    post_release(post);
}

void post_release(struct post *post)
{
    if (post->request != NULL || post->queued || post->waiting > 0) {
        return;
    }
    post_memory_give_back(post);
    generation_unref(post->generation);
    builder_free(post->builder);
    inflate_free(post->inflate);
    upload_free(post->upload);
    buf_done(&post->bytes);
    buf_done(&post->text);
    buf_done(&post->stretches);
    buf_done(&post->reasons);
    free(post);
}

void posts_done(struct collect *collect)
{
    /* Peers are gone by now; what is left is what waited for room or for its commit. */
    while (collect->posts_first != NULL) {
        post_release(queue_take(collect));
    }
}
