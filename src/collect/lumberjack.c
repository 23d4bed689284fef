/*
 * Lumberjack, version 2: windows of JSON documents from Beats, answered by the number of the last
 * one that is on disk.
 *
 *     client  W 3, then J 1, J 2, J 3, or C with them in it          server  A 3, when kept
 *
 * A window may be kept in several steps; then each is answered, and while a sender waits it hears
 * every ALIVE_SECONDS how far we are, so that it does not send everything again.  A record is the
 * document's bytes.
 *
 * OUR implementation: what cannot be kept (a client whose key is destroyed) ends the connection
 * without an answer.  A record over RECORD_SIZE_MAX is counted as rejected and then answered like
 * the others, as its sender would send it for ever.
 *
 * Always true: what was unpacked and not yet used stands in `inner`, at most RECORD_SIZE_MAX and
 * one step; an unpacker exists only within a compressed frame.
 */

#include "collect/connection.h"

#include <stdlib.h>

#include "codec/inflate.h"
#include "sys/clocks.h"

#define STEP_SIZE     (64 * 1024)
#define LAST_MARK     ((uint64_t)1 << 32) /* of a mark: the last one of its window */
#define ANSWER_SIZE   6
#define UNPACKER_SIZE ((size_t)44 * 1024) /* zlib's window and tables */

struct lumberjack {
    struct lumberjack_reader outer, inner_reader;
    struct inflate *inflate;  /* NULL: not within a compressed frame */
    uint32_t compressed_left; /* bytes of that frame still to come */
    struct buf inner;
    uint32_t expected; /* records still to come in this window */
    uint32_t durable;  /* the last number answered within the window that waits */
    struct mono said;
};

static enum err lumberjack_begin(struct connection *connection)
{
    struct lumberjack *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return ERR_MEMORY;
    }
    made->inner_reader.inner = true;
    made->said = mono_now();
    buf_init(&made->inner, RECORD_SIZE_MAX + 2 * STEP_SIZE);
    connection->state = made;
    return OK;
}

static void unpacking_end(struct lumberjack *lumberjack)
{
    inflate_free(lumberjack->inflate);
    lumberjack->inflate = NULL;
    buf_done(&lumberjack->inner);
    buf_init(&lumberjack->inner, RECORD_SIZE_MAX + 2 * STEP_SIZE);
}

static void lumberjack_end(struct connection *connection)
{
    struct lumberjack *lumberjack = connection->state;
    if (lumberjack != NULL) {
        unpacking_end(lumberjack);
        buf_done(&lumberjack->inner);
        free(lumberjack);
    }
}

static enum err lie(struct connection *connection, const char *what)
{
    struct collect *collect = connection->listener->collect;
    reject_add(collect, connection_binding(connection), REJECT_FRAMING, 1);
    collect_say(collect, "listener %s: %s does not speak Lumberjack 2 (%s), closed",
                connection->listener->name, connection->peer.text, what);
    return ERR_SYNTAX;
}

/* A record, or the place of one that is too long. */
static enum err record_take(struct connection *connection, const struct lumberjack_frame *frame,
                            bool too_long)
{
    struct lumberjack *lumberjack = connection->state;
    struct collect *collect = connection->listener->collect;
    uint64_t mark = frame->number | (lumberjack->expected == 1 ? LAST_MARK : 0);
    if (lumberjack->expected == 0) {
        return lie(connection, "a record outside of a window");
    }
    enum err err = too_long || frame->data.size == 0 ? awaited_pass(connection, mark)
                                                     : awaited_add(connection, frame->data, mark);
    if (err == OK) {
        lumberjack->expected--;
    }
    if (err == OK && too_long) {
        reject_add(collect, connection_binding(connection), REJECT_TOO_LONG, 1);
    }
    return err;
}

/* Takes the records out of bytes; the first error ends it, after what was used. */
static enum err records_take(struct connection *connection, struct lumberjack_reader *reader,
                             struct str input, size_t *ret_used, struct lumberjack_frame *ret)
{
    size_t done = 0;
    enum err err = OK;
    ret->type = '\0';
    while (err == OK && !connection->paused && ret->type == '\0') {
        struct lumberjack_frame frame;
        size_t used;
        const struct lumberjack_reader before = *reader;
        enum frame_found found =
            lumberjack_next(reader, str_slice(input, done, input.size), &used, &frame);
        if (found == FOUND_LIE) {
            err = lie(connection, "no such frame");
        } else if (found != FOUND_MORE && frame.type != 'J') {
            *ret = frame;
        } else if (found != FOUND_MORE && awaited_is_full(connection)) {
            *reader = before;
            connection_pause(connection);
            break;
        } else if (found != FOUND_MORE) {
            err = record_take(connection, &frame, found == FOUND_TOO_LONG);
        }
        if (err == OK) {
            done += used;
        } else {
            *reader = before;
        }
        if (found == FOUND_MORE) {
            break;
        }
    }
    *ret_used = done;
    return err;
}

static enum err inner_take(struct connection *connection)
{
    struct lumberjack *lumberjack = connection->state;
    struct lumberjack_frame none;
    size_t used;
    enum err err = records_take(connection, &lumberjack->inner_reader, buf_str(&lumberjack->inner),
                                &used, &none);
    buf_consume(&lumberjack->inner, used);
    return err;
}

/* The frame is whole and its last record taken. */
static enum err unpacked(struct connection *connection)
{
    struct lumberjack *lumberjack = connection->state;
    if (inflate_end(lumberjack->inflate) != OK || lumberjack->inner.size > 0 ||
        lumberjack->inner_reader.discard_left > 0) {
        return lie(connection, "what is compressed breaks off");
    }
    unpacking_end(lumberjack);
    return OK;
}

/* One step within a compressed frame: unpacks some, takes records out.  *ret_used of the input are
 * done with; *ret_moved: something was, so that there may be more. */
static enum err unpack_step(struct connection *connection, struct str input, size_t *ret_used,
                            bool *ret_moved)
{
    struct lumberjack *lumberjack = connection->state;
    size_t kept = lumberjack->inner.size;
    *ret_used = 0;
    *ret_moved = false;
    enum err err = inner_take(connection);
    if (err != OK || connection->paused) {
        return err;
    }
    struct str rest = str_slice(input, 0, lumberjack->compressed_left);
    size_t given = rest.size;
    size_t before = lumberjack->inner.size;
    err = inflate_add(lumberjack->inflate, &rest, &lumberjack->inner, STEP_SIZE);
    if (err != OK) {
        return err == ERR_MEMORY ? err : lie(connection, "what is compressed cannot be unpacked");
    }
    size_t made = lumberjack->inner.size - before;
    *ret_used = given - rest.size;
    *ret_moved = *ret_used > 0 || made > 0 || before < kept;
    lumberjack->compressed_left -= (uint32_t)*ret_used;
    err = inner_take(connection);
    return err == OK && made < STEP_SIZE && !connection->paused && lumberjack->compressed_left == 0
               ? unpacked(connection)
               : err;
}

static enum err head_take(struct connection *connection, const struct lumberjack_frame *frame)
{
    struct lumberjack *lumberjack = connection->state;
    if (frame->type == 'W') {
        lumberjack->expected = frame->number;
        return OK;
    }
    lumberjack->compressed_left = frame->number;
    return frame->number == 0 ? OK : inflate_new(INFLATE_DEFLATE, &lumberjack->inflate);
}

static enum err lumberjack_take(struct connection *connection, struct str input, size_t *ret_used)
{
    struct lumberjack *lumberjack = connection->state;
    size_t done = 0;
    enum err err = connection_binding(connection) == NULL ? ERR_DENIED : OK;
    while (err == OK && !connection->paused && !connection->closing) {
        struct str rest = str_slice(input, done, input.size);
        size_t used;
        if (lumberjack->inflate != NULL) {
            bool moved;
            err = unpack_step(connection, rest, &used, &moved);
            done += used;
            if (moved || lumberjack->inflate == NULL) {
                continue;
            }
            break;
        }
        struct lumberjack_frame head;
        err = records_take(connection, &lumberjack->outer, rest, &used, &head);
        done += used;
        if (err == OK && head.type != '\0') {
            err = head_take(connection, &head);
        } else {
            break;
        }
    }
    *ret_used = done;
    /* Between windows a Beats sender may be silent for as long as it likes. */
    connection->waiting = lumberjack->inflate != NULL || lumberjack->expected > 0;
    return err;
}

static enum err answer_to(struct buf *text, uint32_t number)
{
    const unsigned char bytes[ANSWER_SIZE] = {'2',
                                              'A',
                                              (unsigned char)(number >> 24),
                                              (unsigned char)(number >> 16),
                                              (unsigned char)(number >> 8),
                                              (unsigned char)number};
    return buf_append(text, str_of(bytes, sizeof bytes));
}

static void lumberjack_kept(struct connection *connection, const uint64_t *marks, size_t count,
                            bool stored)
{
    struct lumberjack *lumberjack = connection->state;
    struct buf text;
    enum err err = stored ? OK : ERR_DENIED;
    buf_init(&text, (count + 1) * ANSWER_SIZE);
    for (size_t i = 0; i < count && err == OK; i++) {
        bool last = (marks[i] & LAST_MARK) != 0;
        lumberjack->durable = last ? 0 : (uint32_t)marks[i];
        if (last || i + 1 == count) {
            err = answer_to(&text, (uint32_t)marks[i]);
        }
    }
    if (err == OK) {
        err = connection_answer(connection, buf_str(&text));
    }
    if (err != OK) {
        connection_finish(connection);
    }
    lumberjack->said = mono_now();
    buf_done(&text);
}

static void lumberjack_sweep(struct connection *connection, struct mono now)
{
    struct lumberjack *lumberjack = connection->state;
    struct buf text;
    if (awaited_waits(connection) == 0 ||
        mono_ms_since(lumberjack->said, now) < ALIVE_SECONDS * 1000) {
        return;
    }
    buf_init(&text, ANSWER_SIZE);
    lumberjack->said = now;
    if (answer_to(&text, lumberjack->durable) != OK ||
        connection_answer(connection, buf_str(&text)) != OK) {
        connection_finish(connection);
    }
    buf_done(&text);
}

static size_t lumberjack_memory(const struct connection *connection)
{
    const struct lumberjack *lumberjack = connection->state;
    return lumberjack == NULL || lumberjack->inflate == NULL
               ? 0
               : lumberjack->inner.capacity + UNPACKER_SIZE;
}

const struct protocol lumberjack_protocol = {.begin = lumberjack_begin,
                                             .take = lumberjack_take,
                                             .kept = lumberjack_kept,
                                             .memory = lumberjack_memory,
                                             .sweep = lumberjack_sweep,
                                             .end = lumberjack_end};
