/*
 * Leaves of journals and segments in one order.
 *
 * Journals follow one another and are one stream; each segment is one.  A stream either is *ready*,
 * at a leaf, or has a *bound*: no leaf of its begins before that (from the back: behind it).  The
 * stream whose leaf or bound is first is looked at; if it is a bound, it goes one step nearer to
 * its leaf, if it is a leaf, that is the next.  So a segment is opened when its turn has come and
 * closed behind its last leaf, however many there are.
 *
 *     order  |----|   |------|          sorted by their bounds, entered one by one
 *     active    |--------|   |---|      as many as lie over one another: about one for each class
 *     journals               |------->
 *
 * Always true: leaves come in the order of their numbers, each once; all streams that are at the
 * same number are passed together (`ties`).
 */

#include "archive/merge.h"

#include <stdlib.h>
#include <string.h>

#include "archive/merge_segment.h"
#include "base/bytes.h"

#define OFFSETS_SIZE_MAX                                                    \
    ((size_t)1 << 30) /* of a journal's frames, whose headers are 304 bytes \
                       */
/* A frame is made after its events have come, unless the clock was set back between the two. */
#define CLOCK_SET_BACK_NS (3600 * NS_PER_SECOND)

bool merge_heeds(const struct merge *merge)
{
    return merge->wanted->note != NULL || merge->reader->generation != NULL;
}

static int forward_compare(const void *a, const void *b)
{
    const struct reader_segment *left = *(struct reader_segment *const *)a;
    const struct reader_segment *right = *(struct reader_segment *const *)b;
    return left->head.first < right->head.first ? -1 : left->head.first > right->head.first;
}

static int back_compare(const void *a, const void *b)
{
    const struct reader_segment *left = *(struct reader_segment *const *)a;
    const struct reader_segment *right = *(struct reader_segment *const *)b;
    return left->head.last > right->head.last ? -1 : left->head.last < right->head.last;
}

static bool overlaps(const struct wanted *wanted, const struct segment_head *head)
{
    if (wanted->whole || wanted->by_sequence) {
        return true;
    }
    return wanted->by_arrival
               ? head->oldest.ns < wanted->to.ns && head->newest.ns >= wanted->from.ns
               : head->earliest.ns < wanted->to.ns && head->latest.ns >= wanted->from.ns;
}

enum err merge_init(struct merge *merge, struct reader *reader, struct client_id client,
                    struct wanted *wanted, struct why *why)
{
    size_t count = 0;
    *merge = (struct merge){.reader = reader,
                            .client = client,
                            .wanted = wanted,
                            .span = {wanted->from, wanted->to, wanted->by_arrival, NULL, 0}};
    buf_init(&merge->journals.offsets, OFFSETS_SIZE_MAX);
    buf_init(&merge->journals.notes, OFFSETS_SIZE_MAX);
    merge->order = calloc(reader->segments_count + 1, sizeof(struct reader_segment *));
    enum err err = merge->order == NULL ? ERR_MEMORY : plan_new(wanted->query, &merge->plan);
    for (size_t i = 0; err == OK && i < reader->segments_count; i++) {
        if (!client_equal(reader->segments[i].grant.client, client)) {
            err = why_say(why, ERR_DENIED, 0, "these segments were lent for another client");
        } else if (overlaps(wanted, &reader->segments[i].head)) {
            merge->order[count++] = &reader->segments[i];
        }
    }
    for (size_t i = 0; err == OK && i < reader->count; i++) {
        if (!client_equal(reader->list[i].grant.client, client)) {
            err = why_say(why, ERR_DENIED, 0, "these journals were lent for another client");
        }
    }
    if (err != OK) {
        merge_done(merge);
        return err;
    }
    merge->order[count] = NULL;
    if (count > 1) {
        qsort(merge->order, count, sizeof(struct reader_segment *),
              wanted->by_arrival ? back_compare : forward_compare);
    }
    return OK;
}

static void journal_leave(struct journal_stream *journals)
{
    if (journals->opened) {
        file_close(journals->journal->file);
        journals->journal->file = NULL;
    }
    journals->opened = journals->open = false;
    buf_reset(&journals->offsets);
}

void merge_done(struct merge *merge)
{
    for (size_t i = 0; i < merge->active_count; i++) {
        segment_stream_free(merge->active[i]);
    }
    free(merge->active);
    free(merge->order);
    plan_free(merge->plan);
    journal_leave(&merge->journals);
    buf_done(&merge->journals.offsets);
    buf_done(&merge->journals.notes);
    *merge = (struct merge){0};
}

/* ---- Journals. */

bool wanted_within(const struct wanted *wanted, uint64_t first, uint64_t last)
{
    size_t low = wanted->at;
    size_t high = wanted->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (wanted->sequences[middle] < first) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < wanted->count && wanted->sequences[low] <= last;
}

static bool frame_wanted(const struct wanted *wanted, const struct frame *frame)
{
    if (wanted->by_sequence) {
        return wanted_within(wanted, frame->first, frame->first + frame->events - 1);
    }
    return !wanted->by_arrival || wanted->from.ns < CLOCK_SET_BACK_NS ||
           frame->wall.ns >= wanted->from.ns - CLOCK_SET_BACK_NS;
}

/* Where the frames lie that are wanted, ascending, 8 bytes each: frames can only be found from the
 * front, and are read from the back. */
static enum err frames_find(struct merge *merge, struct journal_stream *journals)
{
    struct frame frame;
    enum err err = OK;
    while (err == OK && walk_next(&journals->walk, &frame)) {
        if (client_equal(frame.client, merge->client) && frame.kind == FRAME_DATA &&
            frame_wanted(merge->wanted, &frame)) {
            char offset[8];
            put_u64(offset, frame.offset);
            err = buf_append(&journals->offsets, str_of(offset, sizeof offset));
        }
    }
    return err;
}

static enum err journal_enter(struct merge *merge, struct journal_stream *journals)
{
    struct reader *reader = merge->reader;
    char path[PATH_SIZE];
    enum err err = OK;
    if (journals->entered == reader->count) {
        journals->done = true;
        return OK;
    }
    size_t at =
        merge->wanted->by_arrival ? reader->count - 1 - journals->entered : journals->entered;
    struct reader_journal *journal = &reader->list[at];
    journals->entered++;
    journals->journal = journal;
    if (journal->file == NULL) {
        err = journal_path(reader->folder, journal->grant.journal, path, sizeof path);
        err = err == OK ? disk_open(reader->disk, path, DISK_READ, &journal->file, NULL) : err;
        if (err != OK) {
            journal->file = NULL;
            return err == ERR_NOT_FOUND ? OK : err; /* removed since: its segments are there */
        }
        journals->opened = true;
    }
    journals->open = true;
    walk_init(&journals->walk, journal->file, journal->grant.journal, journal->grant.first_offset,
              journal->grant.end);
    return merge->wanted->by_arrival ? frames_find(merge, journals) : OK;
}

/* True, and told at most once, unless something newer of its kind was told. */
static bool note_news(struct merge *merge, struct str kind, uint64_t sequence)
{
    char name[sizeof merge->notes[0].kind] = {0};
    memcpy(name, kind.data, kind.size < sizeof name - 1 ? kind.size : sizeof name - 1);
    for (size_t i = 0; i < merge->notes_count; i++) {
        if (memcmp(merge->notes[i].kind, name, sizeof name) == 0) {
            bool news = sequence >= merge->notes[i].sequence;
            merge->notes[i].sequence = news ? sequence : merge->notes[i].sequence;
            return news;
        }
    }
    if (merge->notes_count < sizeof merge->notes / sizeof merge->notes[0]) {
        memcpy(merge->notes[merge->notes_count].kind, name, sizeof name);
        merge->notes[merge->notes_count++].sequence = sequence;
    }
    return true;
}

static enum err note_tell(struct merge *merge, uint64_t sequence, struct str kind, struct str hash)
{
    const struct reader *reader = merge->reader;
    const struct wanted *wanted = merge->wanted;
    if (!note_news(merge, kind, sequence)) {
        return OK;
    }
    return wanted->note != NULL ? wanted->note(wanted->note_context, sequence, kind, hash)
                                : reader->generation(reader->generation_context, kind, hash);
}

/* Kept until its number has come: segments may still have leaves before it.  One that is damaged is
 * passed over, like any frame. */
static enum err generation_keep(struct merge *merge, const struct frame *frame)
{
    struct reader *reader = merge->reader;
    const struct reader_journal *journal = merge->journals.journal;
    uint8_t salt[FRAME_SALT_SIZE];
    char numbers[12];
    struct str plain = {0};
    struct str payload;
    arena_reset(reader->mem);
    enum err err = frame_payload(journal->file, frame, reader->mem, &payload, NULL);
    if (err == OK) {
        err = frame_open(frame, payload, &journal->grant.key, reader->zstd, reader->mem, salt,
                         &plain, NULL);
    }
    size_t kind = plain.size > 0 ? (unsigned char)plain.data[0] : 0;
    if (err == ERR_CORRUPT || (err == OK && kind >= plain.size)) {
        return OK;
    }
    put_u64(numbers, frame->first);
    put_u32(numbers + 8, (uint32_t)plain.size);
    err = err == OK ? buf_append(&merge->journals.notes, str_of(numbers, sizeof numbers)) : err;
    return err == OK ? buf_append(&merge->journals.notes, plain) : err;
}

/* The first of them, if its number is not behind `number`; false without one. */
static bool journal_note(const struct journal_stream *journals, uint64_t number, uint64_t *ret)
{
    *ret = journals->notes.size > 0 ? get_u64(journals->notes.data) : UINT64_MAX;
    return *ret <= number;
}

static enum err journal_note_tell(struct merge *merge)
{
    struct buf *notes = &merge->journals.notes;
    struct str plain = str_of(notes->data + 12, get_u32(notes->data + 8));
    size_t kind = (unsigned char)plain.data[0];
    enum err err = note_tell(merge, get_u64(notes->data), str_slice(plain, 1, kind),
                             str_slice(plain, 1 + kind, plain.size));
    buf_consume(notes, 12 + plain.size);
    return err;
}

static enum err journals_step(struct merge *merge)
{
    struct journal_stream *journals = &merge->journals;
    struct frame *frame = &journals->frame;
    enum err err = OK;
    if (!journals->open) {
        return journal_enter(merge, journals);
    }
    if (merge->wanted->by_arrival) {
        struct buf *offsets = &journals->offsets;
        if (offsets->size == 0) {
            journal_leave(journals);
            return OK;
        }
        offsets->size -= 8;
        walk_init(&journals->walk, journals->journal->file, journals->journal->grant.journal,
                  get_u64(offsets->data + offsets->size), journals->journal->grant.end);
        journals->ready = walk_next(&journals->walk, frame);
        return OK;
    }
    while (err == OK && walk_next(&journals->walk, frame)) {
        if (!client_equal(frame->client, merge->client)) {
            continue;
        }
        if (frame->kind == FRAME_GENERATION) {
            err = merge_heeds(merge) ? generation_keep(merge, frame) : OK;
        } else if (frame->kind == FRAME_DATA && frame_wanted(merge->wanted, frame)) {
            journals->ready = true;
            return OK;
        }
    }
    journal_leave(journals);
    return err;
}

static enum err journal_batch(struct merge *merge, uint8_t *ret_salt, struct batch *ret,
                              struct why *why)
{
    struct reader *reader = merge->reader;
    const struct reader_journal *journal = merge->journals.journal;
    uint8_t salt[FRAME_SALT_SIZE];
    arena_reset(reader->mem);
    enum err err = frame_batch(journal->file, &merge->journals.frame, &journal->grant.key,
                               reader->zstd, reader->mem, salt, ret, why);
    if (err == OK && ret_salt != NULL) {
        memcpy(ret_salt, salt, sizeof salt);
    }
    return err;
}

/* ---- Segments. */

static enum err segment_enter(struct merge *merge)
{
    struct segment_stream *stream;
    if (merge->active_count == merge->active_capacity) {
        size_t capacity = merge->active_capacity == 0 ? 16 : merge->active_capacity * 2;
        struct segment_stream **larger =
            realloc(merge->active, capacity * sizeof(struct segment_stream *));
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        merge->active = larger;
        merge->active_capacity = capacity;
    }
    enum err err = segment_stream_new(merge, merge->order[merge->order_at], &stream);
    if (err == OK) {
        merge->order_at++;
        merge->active[merge->active_count++] = stream;
    }
    return err;
}

static void segments_tidy(struct merge *merge)
{
    size_t kept = 0;
    for (size_t i = 0; i < merge->active_count; i++) {
        struct segment_stream *stream = merge->active[i];
        if (stream->done) {
            segment_stream_free(stream);
        } else {
            merge->active[kept++] = stream;
        }
    }
    merge->active_count = kept;
}

/* Generations that hold for the leaf, in the order of their numbers over all that is open. */
static enum err notes_tell(struct merge *merge, uint64_t first)
{
    enum err err = OK;
    while (err == OK && merge_heeds(merge)) {
        struct segment_stream *next = NULL;
        uint64_t number;
        bool journal = journal_note(&merge->journals, first, &number);
        for (size_t i = 0; i < merge->active_count; i++) {
            struct segment_stream *stream = merge->active[i];
            if (stream->notes_at < stream->notes_count &&
                stream->notes[stream->notes_at].sequence <= first &&
                stream->notes[stream->notes_at].sequence < number) {
                next = stream;
                number = stream->notes[stream->notes_at].sequence;
            }
        }
        if (next == NULL && !journal) {
            break;
        }
        const struct segment_note *note = next == NULL ? NULL : &next->notes[next->notes_at++];
        err = note == NULL ? journal_note_tell(merge)
                           : note_tell(merge, note->sequence, note->kind, note->hash);
    }
    return err;
}

/* ---- The choice. */

static bool before(const struct merge *merge, uint64_t left, uint64_t right)
{
    return merge->wanted->by_arrival ? left > right : left < right;
}

static uint64_t stream_key(const struct segment_stream *stream)
{
    return stream->ready ? stream->next.first : stream->bound;
}

/* The first leaf or bound of all segments that are open; a bound before a leaf at the same number.
 */
static struct segment_stream *stream_first(const struct merge *merge)
{
    struct segment_stream *first = NULL;
    for (size_t i = 0; i < merge->active_count; i++) {
        struct segment_stream *stream = merge->active[i];
        if (first == NULL || before(merge, stream_key(stream), stream_key(first)) ||
            (stream_key(stream) == stream_key(first) && !stream->ready)) {
            first = stream;
        }
    }
    return first;
}

/* Where a segment may begin that was not entered yet. */
static bool order_due(const struct merge *merge, uint64_t number, bool any)
{
    const struct reader_segment *next = merge->order[merge->order_at];
    if (next == NULL) {
        return false;
    }
    uint64_t bound = merge->wanted->by_arrival ? next->head.last : next->head.first;
    return !any || !before(merge, number, bound);
}

static void ties_collect(struct merge *merge, uint64_t number)
{
    merge->ties_count = 0;
    for (size_t i = 0; i < merge->active_count && merge->ties_count < MERGE_TIES_MAX; i++) {
        struct segment_stream *stream = merge->active[i];
        if (stream->ready && stream->next.first == number) {
            size_t at = merge->ties_count++;
            while (at > 0 &&
                   merge->ties[at - 1]->from->grant.generation < stream->from->grant.generation) {
                merge->ties[at] = merge->ties[at - 1];
                at--;
            }
            merge->ties[at] = stream;
        }
    }
    merge->journal_tied = merge->journals.ready && merge->journals.frame.first == number;
}

static void ties_pass(struct merge *merge)
{
    for (size_t i = 0; i < merge->ties_count; i++) {
        segment_stream_pass(merge, merge->ties[i]);
    }
    merge->ties_count = 0;
    if (merge->journal_tied) {
        merge->journals.ready = false;
        merge->journal_tied = false;
    }
}

static enum err leaf_tell(struct merge *merge, uint64_t number)
{
    const struct frame *frame = &merge->journals.frame;
    struct wanted *wanted = merge->wanted;
    while (wanted->by_sequence && wanted->at < wanted->count &&
           wanted->sequences[wanted->at] < number) {
        wanted->at++; /* all leaves before have been told */
    }
    ties_collect(merge, number);
    if (merge->ties_count > 0) {
        const struct block_leaf *leaf = &merge->ties[0]->next;
        merge->leaf = (struct merge_leaf){
            .source = leaf->source, .first = leaf->first, .events = leaf->events};
        const struct segment_leaf *row = segment_stream_leaf(merge->ties[0]);
        if (row != NULL) {
            merge->leaf.index = row->index;
            merge->leaf.hash = row->hash;
        }
    } else {
        merge->leaf = (struct merge_leaf){frame->source, frame->first, frame->events,
                                          frame->leaf_index, frame->leaf};
    }
    return notes_tell(merge, number);
}

enum err merge_next(struct merge *merge, struct merge_leaf *ret, struct why *why)
{
    struct reader *reader = merge->reader;
    ties_pass(merge);
    for (;;) {
        enum err err = OK;
        segments_tidy(merge);
        if (!merge->journals.ready && !merge->journals.done) {
            err = journals_step(merge);
            if (err != OK) {
                return err;
            }
            continue;
        }
        struct segment_stream *stream = stream_first(merge);
        bool any = stream != NULL || merge->journals.ready;
        uint64_t number = stream != NULL ? stream_key(stream) : 0;
        if (merge->journals.ready &&
            (stream == NULL || before(merge, merge->journals.frame.first, number))) {
            number = merge->journals.frame.first;
            stream = NULL;
        }
        if (order_due(merge, number, any)) {
            err = segment_enter(merge);
        } else if (!any) {
            return ERR_NOT_FOUND;
        } else if (stream != NULL && !stream->ready) {
            err = reader->pause == NULL ? OK : reader->pause(reader->pause_context);
            err = err == OK ? segment_stream_step(merge, stream) : err;
        } else {
            err = reader->pause == NULL ? OK : reader->pause(reader->pause_context);
            err = err == OK ? leaf_tell(merge, number) : err;
            if (err == OK) {
                *ret = merge->leaf;
            }
            return err;
        }
        if (err != OK) {
            return err == ERR_CORRUPT ? why_say(why, err, 0, "a segment cannot be read") : err;
        }
    }
}

enum err merge_batch(struct merge *merge, uint8_t *ret_salt, struct batch *ret,
                     const uint32_t **ret_rows, struct why *why)
{
    enum err err = ERR_CORRUPT;
    for (size_t i = 0; err == ERR_CORRUPT && i < merge->ties_count; i++) {
        err = segment_stream_batch(merge, merge->ties[i], ret_salt, ret, ret_rows, why);
    }
    if (err == ERR_CORRUPT && merge->journal_tied) {
        err = journal_batch(merge, ret_salt, ret, why);
        *ret_rows = NULL;
    }
    return err;
}
