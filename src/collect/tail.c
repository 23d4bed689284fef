/*
 * Files that are followed.  Others open them and keep how far they were read; here they are read.
 *
 *     IDLE ──it grew──► CUT ──told, and on disk──► READY ──handed over──► HANDED ──committed──►
 * IDLE [offset, cut) is named      those bytes are a batch    offset = cut
 *
 * So every line is stored exactly once, whoever dies when: before bytes are handed over, it is on
 * disk which they are; whoever comes after us reads the same bytes again, under the same key, and
 * the archive knows it (a batch key lives for IDEMPOTENCY_SECONDS).
 *
 * A file is known again by its first bytes.  When they are others, or it is shorter than we were,
 * it was cut off and is read from its beginning, as another epoch of itself.  What was written
 * between our last look and the cutting is gone; whoever renames instead loses nothing.
 *
 * Always true:
 *
 *   (1) a batch has whole lines alone, of one file; the last line waits for its LF, unless the file
 *       is gone and has been silent for FILE_REST_SECONDS;
 *   (2) of a file at most one batch is under way, and only then are its bytes in memory;
 *   (3) at most one message of positions waits to be kept.
 */

#include "collect/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "sys/clocks.h"

#define LOOK_MS    200
#define LOOKED_MS  50 /* Of it; then others get theirs, and the next look goes on from there. */
#define SCAN_SIZE  (64 * 1024)
#define SCANS_MAX  64 /* Of one look: 4 MiB of a line that does not end. */
#define CHUNK_SIZE (POST_PART_SIZE + SCAN_SIZE)

enum tail_state { TAIL_IDLE, TAIL_CUT, TAIL_READY, TAIL_HANDED };

struct tail {
    struct waiter waiter; /* the first, so that one is the other */
    struct tail *next;
    struct collect *collect;
    struct listener *listener;
    int descriptor;
    char *path;
    struct followed at; /* its path is ours */
    enum tail_state state;
    uint64_t scanned; /* up to here there is no LF behind the offset */
    struct mono grown;
    uint64_t size; /* when we last looked */
    bool gone, dirty, sent, ended;
};

static void look_all(void *context);
static void look(struct tail *tail);
static void ended(struct waiter *waiter, uint32_t events, enum commit_result result);
static void forgotten(struct waiter *waiter);

/* ---- Which files there are. */

static void tail_free(struct tail *tail)
{
    if (tail->descriptor >= 0) {
        (void)close(tail->descriptor);
    }
    free(tail->path);
    free(tail);
}

enum err collect_follow(struct collect *collect, struct str listener, const struct followed *file,
                        int descriptor)
{
    struct listener *found = NULL;
    for (size_t i = 0; i < collect->listeners_count; i++) {
        bool its = str_equal(str_from(collect->listeners[i]->name), listener);
        found = its && collect->listeners[i]->kind == COLLECT_FILES ? collect->listeners[i] : found;
    }
    struct tail *tail = found == NULL || descriptor < 0 ? NULL : calloc(1, sizeof *tail);
    char *path = tail == NULL ? NULL : strndup(file->path.data, file->path.size);
    enum err err = path == NULL ? ERR_MEMORY : OK;
    if (err == OK && collect->look == NULL) {
        err = timer_new(collect->loop, look_all, collect, &collect->look);
    }
    if (err != OK) {
        (void)close(descriptor);
        free(path);
        free(tail);
        return err;
    }
    *tail = (struct tail){.waiter = {.ended = ended, .forgotten = forgotten},
                          .next = collect->tails,
                          .collect = collect,
                          .listener = found,
                          .descriptor = descriptor,
                          .path = path,
                          .at = *file,
                          .grown = mono_now()};
    tail->at.path = str_from(path);
    /* What is on disk as named may have been handed over by whoever was before us. */
    tail->state = file->cut > file->offset ? TAIL_READY : TAIL_IDLE;
    tail->scanned = file->offset;
    collect->tails = tail;
    timer_set(collect->look, LOOK_MS, LOOK_MS);
    return OK;
}

void collect_followed_gone(struct collect *collect, uint64_t id, bool gone)
{
    for (struct tail *tail = collect->tails; tail != NULL; tail = tail->next) {
        if (tail->at.id == id) {
            tail->gone = gone;
            tail->grown = mono_now();
        }
    }
}

void tails_done(struct collect *collect)
{
    while (collect->tails != NULL) {
        struct tail *tail = collect->tails;
        collect->tails = tail->next;
        tail_free(tail);
    }
    timer_free(collect->look);
}

/* ---- What is told. */

static void position_encode(const struct followed *at, char *to)
{
    put_u64(to, at->id);
    put_u64(to + 8, at->epoch);
    put_u64(to + 16, at->print);
    put_u32(to + 24, at->print_size);
    put_u32(to + 28, at->done);
    put_u64(to + 32, at->offset);
    put_u64(to + 40, at->cut);
    put_u64(to + 48, 0);
}

bool position_decode(struct str positions, size_t index, struct followed *ret)
{
    if (positions.size / POSITION_SIZE <= index) {
        return false;
    }
    const char *from = positions.data + index * POSITION_SIZE;
    *ret = (struct followed){.id = get_u64(from),
                             .epoch = get_u64(from + 8),
                             .print = get_u64(from + 16),
                             .print_size = get_u32(from + 24),
                             .done = get_u32(from + 28) != 0,
                             .offset = get_u64(from + 32),
                             .cut = get_u64(from + 40)};
    return ret->print_size <= FILE_PRINT_SIZE && (ret->cut == 0 || ret->cut >= ret->offset);
}

static void positions_tell(struct collect *collect)
{
    struct buf text;
    char position[POSITION_SIZE];
    if (collect->positions_waiting || collect->calls.positions == NULL) {
        return;
    }
    buf_init(&text, FILES_MAX * POSITION_SIZE);
    for (struct tail *tail = collect->tails; tail != NULL; tail = tail->next) {
        position_encode(&tail->at, position);
        tail->sent = tail->dirty && buf_append(&text, str_of(position, sizeof position)) == OK;
    }
    if (text.size > 0 && collect->calls.positions(collect->calls.context, collect->positions + 1,
                                                  buf_str(&text)) == OK) {
        collect->positions++;
        collect->positions_waiting = true;
        for (struct tail *tail = collect->tails; tail != NULL; tail = tail->next) {
            tail->dirty = tail->dirty && !tail->sent;
        }
    }
    buf_done(&text);
}

static enum err batch_hand(struct tail *tail);

void collect_positions_kept(struct collect *collect, uint64_t number)
{
    if (!collect->positions_waiting || number != collect->positions) {
        return;
    }
    collect->positions_waiting = false;
    for (struct tail **at = &collect->tails; *at != NULL;) {
        struct tail *tail = *at;
        if (tail->sent && tail->at.done) {
            *at = tail->next;
            tail_free(tail);
            continue;
        }
        /* What changed meanwhile is dirty again and has to be told first. */
        if (tail->sent && !tail->dirty && tail->state == TAIL_CUT) {
            tail->state = TAIL_READY;
        }
        at = &tail->next;
    }
    if (!collect->held && tails_resume(collect) != OK) {
        collect_hold(collect);
    }
    positions_tell(collect);
}

enum err tails_resume(struct collect *collect)
{
    enum err err = OK;
    for (struct tail *tail = collect->tails; tail != NULL && err == OK; tail = tail->next) {
        err = tail->state == TAIL_READY && collect->generation != NULL ? batch_hand(tail) : OK;
    }
    return err;
}

/* ---- Looking. */

static size_t bytes_at(const struct tail *tail, uint64_t offset, void *to, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got =
            pread(tail->descriptor, (char *)to + done, size - done, (off_t)(offset + done));
        if (got == 0 || (got < 0 && errno != EINTR)) {
            break;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return done;
}

static uint64_t print_of(struct str bytes)
{
    struct sha256 hash = sha256_of_bytes(bytes);
    return get_u64(hash.bytes);
}

/* From the beginning, as what it has become. */
static void begin_anew(struct tail *tail)
{
    uint64_t now = (uint64_t)wall_now().ns;
    tail->at.epoch = now > tail->at.epoch ? now : tail->at.epoch + 1;
    tail->at.offset = tail->at.cut = tail->scanned = 0;
    tail->at.print = tail->at.print_size = 0;
    tail->state = TAIL_IDLE;
    tail->dirty = true;
}

/* Whether it is still what we were reading. */
static void know_again(struct tail *tail, uint64_t size)
{
    char first[FILE_PRINT_SIZE];
    size_t got = bytes_at(tail, 0, first, sizeof first);
    uint64_t least = tail->at.cut > tail->at.offset ? tail->at.cut : tail->at.offset;
    if (size < least || got < tail->at.print_size ||
        (tail->at.print_size > 0 &&
         print_of(str_of(first, tail->at.print_size)) != tail->at.print)) {
        begin_anew(tail);
    }
    if (tail->at.print_size < sizeof first && got > tail->at.print_size) {
        tail->at.print = print_of(str_of(first, got));
        tail->at.print_size = (uint32_t)got;
    }
}

/* How far whole lines go from the offset; the offset itself if none is whole. */
static uint64_t cut_find(struct tail *tail, uint64_t size)
{
    static char chunk[CHUNK_SIZE];
    uint64_t from = tail->at.offset;
    if (tail->scanned > from + POST_PART_SIZE) { /* a line that did not end within a part */
        for (unsigned i = 0; i < SCANS_MAX && tail->scanned < size; i++) {
            struct str bytes = str_of(chunk, bytes_at(tail, tail->scanned, chunk, SCAN_SIZE));
            size_t found = str_find_byte(bytes, '\n');
            if (found != STR_NONE) {
                return tail->scanned + found + 1;
            }
            tail->scanned += bytes.size;
            if (bytes.size == 0) {
                break;
            }
        }
        return from;
    }
    struct str bytes = str_of(chunk, bytes_at(tail, from, chunk, sizeof chunk));
    size_t whole = 0;
    unsigned lines = 0;
    while (lines < EVENTS_PER_BATCH_MAX) {
        size_t found = str_find_byte(str_slice(bytes, whole, bytes.size), '\n');
        if (found == STR_NONE || (lines > 0 && whole + found + 1 > POST_PART_SIZE)) {
            break;
        }
        whole += found + 1;
        lines++;
    }
    tail->scanned = from + (whole > 0 ? 0 : bytes.size);
    return from + whole;
}

static void look(struct tail *tail)
{
    struct stat is;
    struct mono now = mono_now();
    if (tail->state != TAIL_IDLE || tail->at.done || fstat(tail->descriptor, &is) != 0) {
        return;
    }
    uint64_t size = is.st_size > 0 ? (uint64_t)is.st_size : 0;
    if (size != tail->size) {
        tail->grown = now;
        tail->size = size;
    }
    know_again(tail, size);
    bool silent = tail->gone && mono_ms_since(tail->grown, now) > FILE_REST_SECONDS * 1000;
    uint64_t cut = size > tail->at.offset ? cut_find(tail, size) : tail->at.offset;
    if (cut == tail->at.offset && silent) {
        cut = size; /* a last line without its LF */
    }
    if (cut > tail->at.offset) {
        tail->at.cut = cut;
        tail->state = TAIL_CUT;
        tail->dirty = true;
    } else if (silent) {
        tail->at.done = true;
        tail->dirty = true;
    }
}

/* All, or as many as there is time for: whoever writes a folder may fill it with files that are
 * nothing but one line without an end. */
static void looks(struct collect *collect)
{
    const struct mono began = mono_now();
    const size_t from = collect->look_from;
    size_t count = 0;
    size_t done = 0;
    for (int round = 0; round < 2; round++) {
        count = 0;
        for (struct tail *tail = collect->tails; tail != NULL; tail = tail->next, count++) {
            bool its = round == 0 ? count >= from : count < from;
            if (its && (done == 0 || mono_ms_since(began, mono_now()) < LOOKED_MS)) {
                look(tail);
                done++;
            }
        }
    }
    collect->look_from = count > 0 ? (from + done) % count : 0;
}

static void look_all(void *context)
{
    struct collect *collect = context;
    if (collect->generation == NULL || collect->held) {
        return;
    }
    looks(collect);
    if (tails_resume(collect) != OK) {
        collect_hold(collect);
    }
    positions_tell(collect);
}

/* ---- Handing over. */

static enum err line_add(struct tail *tail, const struct binding *binding, struct str line,
                         struct wall now, struct builder *builder)
{
    struct collect *collect = tail->collect;
    enum err err = builder_begin(builder, line, now);
    if (err != OK) {
        return err;
    }
    collect->calls.parse(collect->calls.context, binding, STR(""), now, builder);
    builder_derive(builder, STR("log.file.path"), tail->at.path);
    err = builder_end(builder);
    if (err ==
        ERR_LIMIT) { /* its fields do not fit: which lines are a batch must not depend on them */
        err = builder_begin(builder, line, now);
        if (err == OK) {
            builder_error(builder, STR("its fields do not fit the batch"));
            err = builder_end(builder);
        }
    }
    return err;
}

static void key_make(const struct tail *tail, struct str bytes, struct batch_key *ret)
{
    char text[32] = "followed";
    put_u64(text + 8, tail->at.epoch);
    put_u64(text + 16, tail->at.offset);
    put_u64(text + 24, tail->at.cut);
    struct sha256 hash = sha256_of_bytes(str_of(text, sizeof text));
    struct sha256 digest = sha256_of_bytes(bytes);
    *ret = (struct batch_key){.digest = get_u64(digest.bytes), .parts = 1};
    memcpy(ret->hash, hash.bytes, sizeof ret->hash);
}

static void past(struct tail *tail)
{
    tail->at.offset = tail->at.cut;
    tail->scanned = tail->at.offset;
    tail->state = TAIL_IDLE;
    tail->dirty = true;
}

/* The lines of [offset, cut) into the builder. */
static enum err batch_build(struct tail *tail, const struct binding *binding, struct str bytes,
                            struct builder *builder)
{
    struct wall now = collect_now(tail->collect);
    enum err err = OK;
    while (err == OK && bytes.size > 0) {
        struct str line = str_cut(&bytes, '\n');
        line.size -= line.size > 0 && line.data[line.size - 1] == '\r';
        err = line.size == 0 || line.size > RECORD_SIZE_MAX
                  ? OK
                  : line_add(tail, binding, line, now, builder);
    }
    return err;
}

/* OK: it is under way, or past.  ERR_AGAIN: not now. */
static enum err batch_hand(struct tail *tail)
{
    struct collect *collect = tail->collect;
    const struct binding *binding =
        sender_find_path(collect->generation, str_from(tail->listener->name), tail->at.path);
    uint64_t size = tail->at.cut - tail->at.offset;
    struct stat is;
    if (fstat(tail->descriptor, &is) != 0 || (uint64_t)is.st_size < tail->at.cut) {
        begin_anew(tail); /* what was to be read again is gone */
        return OK;
    }
    know_again(tail, (uint64_t)is.st_size);
    if (tail->state != TAIL_READY || binding == NULL) {
        return OK;
    }
    if (quota_wait_ms(collect, binding, mono_now()) > 0) {
        quota_throttled(collect, binding, mono_now());
        return OK; /* the next look tries again */
    }
    if (size > RECORD_SIZE_MAX + 2) {
        reject_add(collect, binding, REJECT_TOO_LONG, 1);
        collect_say(collect, "listener %s: a line of %s is over %d bytes", tail->listener->name,
                    tail->path, RECORD_SIZE_MAX);
        past(tail);
        return OK;
    }
    char *bytes = malloc((size_t)size);
    struct builder *builder = builder_new(binding->client, binding->source);
    enum err err = bytes == NULL || builder == NULL ? ERR_AGAIN : OK;
    if (err == OK && bytes_at(tail, tail->at.offset, bytes, (size_t)size) != size) {
        err = ERR_IO;
    }
    if (err == OK) {
        err = batch_build(tail, binding, str_of(bytes, (size_t)size), builder);
    }
    uint32_t events = err == OK ? builder_events(builder) : 0;
    if (err == OK && events == 0) {
        past(tail);
    } else if (err == OK) {
        struct batch_key key;
        key_make(tail, str_of(bytes, (size_t)size), &key);
        builder_key(builder, &key);
        err = pending_hand(collect, builder, binding, &tail->waiter);
        tail->state = err == OK ? TAIL_HANDED : TAIL_READY;
        quota_charge(collect, binding, err == OK ? events : 0, mono_now());
    }
    builder_free(builder);
    free(bytes);
    return err == OK ? OK : ERR_AGAIN;
}

static void ended(struct waiter *waiter, uint32_t events, enum commit_result result)
{
    struct tail *tail = (struct tail *)waiter;
    if (result == COMMIT_CONFLICT) {
        collect_say(tail->collect, "listener %s: %u lines of %s were stored before as others",
                    tail->listener->name, events, tail->path);
    }
    past(tail);
    look(tail);
    positions_tell(tail->collect);
}

static void forgotten(struct waiter *waiter)
{
    (void)waiter; /* whoever comes after us reads it again */
}
