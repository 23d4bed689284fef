/*
 * Long texts into skeletons and holes.
 *
 * What a program writes is a few sentences with something put in: "Accepted password for root from
 * 192.0.2.7 port 4711", or lines of names and values, as Windows' Message.  In a text of lines what
 * follows the first colon or = of a line is a hole, to the line's end; in any other each word
 * that holds a digit is one.  Texts with equal skeletons are taken together, and each of their
 * holes is a column: often the same as another field of the record, or a number.
 *
 *     head        skeletons, their holes, which one each entry has (0: none, its text stands as it
 *                 is), the column of those that have none, the columns of the holes
 *     stream      the skeletons' texts: before each hole, and behind the last
 *
 * Taking a text apart byte by byte is slow, and most texts are like one before: of the same shape
 * of event, beginning with the same bytes.  So the skeleton of that one is tried first: its pieces
 * are compared where they would stand, and only what is in holes is looked at.  Where it fits, it
 * is the very one that taking the text apart would have found.
 *
 * Always true: a hole is not empty, and at its edges stands no letter or digit of the skeleton, but
 * for the t of an escaped tab before it (plan_rows.c leans on that).
 */

#include "archive/block_making.h"

#include <string.h>

#include "base/bytes.h"

#define SKELETONS_MAX 2048
#define SKELETON_ROWS 4 /* fewer texts do not pay for the columns */
#define SAMPLE        128u
#define NO_SKELETON   UINT32_MAX
#define GUESSES       1024u

struct skeleton {
    uint64_t hash;
    uint32_t entry;        /* whose it is */
    uint32_t first, count; /* holes of that entry */
    uint32_t rows;
    uint32_t number; /* in the block, from 1; 0: too few rows */
};

struct splitting {
    const struct texts_view *view;
    const struct maker_row *rows;
    bool lines;
    struct buf *holes; /* struct hole each: of all entries */
    uint32_t *firsts;  /* of each entry: its first hole */
    uint32_t *which;   /* its skeleton */
    struct skeleton *skeletons;
    uint32_t count;
    uint32_t *slots;   /* SKELETONS_MAX * 2 */
    uint32_t *guesses; /* two of each kind of text: the skeletons of the last */
};

static inline struct hole *holes_from(const struct splitting *splitting, uint32_t first)
{
    return (struct hole *)(void *)splitting->holes->data + first;
}

/* ---- Skeletons. */

/* The text before hole i, or behind the last. */
static struct str piece_at(struct str text, const struct hole *holes, uint32_t count, uint32_t i)
{
    size_t from = i == 0 ? 0 : holes[i - 1].from + holes[i - 1].size;
    size_t to = i == count ? text.size : holes[i].from;
    return str_slice(text, from, to - from);
}

static uint64_t skeleton_hash(struct str text, const struct hole *holes, uint32_t count)
{
    uint64_t hash = count;
    for (uint32_t i = 0; i <= count; i++) {
        struct str piece = piece_at(text, holes, count, i);
        if (piece.size >= 8) {
            uint64_t first;
            uint64_t last;
            memcpy(&first, piece.data, 8);
            memcpy(&last, piece.data + piece.size - 8, 8);
            hash = (hash ^ first) * 0x9e3779b97f4a7c15ULL;
            hash = (hash ^ last ^ piece.size ^ hash >> 31) * 0xc2b2ae3d27d4eb4fULL;
        } else {
            for (size_t k = 0; k < piece.size; k++) {
                hash = (hash ^ (unsigned char)piece.data[k]) * 0x100000001b3ULL;
            }
            hash = (hash ^ hash >> 31) * 0x9e3779b97f4a7c15ULL;
        }
    }
    return hash ^ hash >> 32;
}

static bool skeleton_is(const struct splitting *splitting, const struct skeleton *skeleton,
                        struct str text, const struct hole *holes, uint32_t count)
{
    if (skeleton->count != count) {
        return false;
    }
    struct str other = view_at(splitting->view, skeleton->entry);
    for (uint32_t i = 0; i <= count; i++) {
        if (!str_equal(piece_at(text, holes, count, i),
                       piece_at(other, holes_from(splitting, skeleton->first), count, i))) {
            return false;
        }
    }
    return true;
}

/* The skeleton of an entry, old or new; NO_SKELETON if there are too many. */
static uint32_t skeleton_of(struct splitting *splitting, uint32_t entry, const struct hole *holes,
                            uint32_t first, uint32_t count)
{
    struct str text = view_at(splitting->view, entry);
    uint64_t hash = skeleton_hash(text, holes, count);
    uint32_t mask = SKELETONS_MAX * 2 - 1;
    uint32_t slot = (uint32_t)hash & mask;
    for (;; slot = (slot + 1) & mask) {
        uint32_t at = splitting->slots[slot];
        if (at == NO_SKELETON) {
            break;
        }
        struct skeleton *skeleton = &splitting->skeletons[at];
        if (skeleton->hash == hash && skeleton_is(splitting, skeleton, text, holes, count)) {
            skeleton->rows++;
            return at;
        }
    }
    if (splitting->count == SKELETONS_MAX) {
        return NO_SKELETON;
    }
    splitting->slots[slot] = splitting->count;
    splitting->skeletons[splitting->count] =
        (struct skeleton){.hash = hash, .entry = entry, .first = first, .count = count, .rows = 1};
    return splitting->count++;
}

/* ---- The skeleton of a text before, tried. */

/* Whether the text has that skeleton; then its holes. */
static bool skeleton_fits(const struct splitting *splitting, const struct skeleton *skeleton,
                          struct str text, struct hole holes[HOLES_MAX])
{
    struct str other = view_at(splitting->view, skeleton->entry);
    const struct hole *there = holes_from(splitting, skeleton->first);
    size_t at = 0;
    size_t from = 0; /* the same in `other` */
    for (uint32_t i = 0; i < skeleton->count; i++) {
        size_t size = there[i].from - from;
        if (text.size - at <= size || !text_equal(text.data + at, other.data + from, size)) {
            return false;
        }
        at += size;
        size_t end = hole_end(splitting->lines, text, at);
        if (end == at) {
            return false;
        }
        holes[i] = (struct hole){(uint32_t)at, (uint32_t)(end - at)};
        at = end;
        from = there[i].from + there[i].size;
    }
    return text.size - at == other.size - from &&
           text_equal(text.data + at, other.data + from, other.size - from);
}

/* Which two guesses are asked: by the shape of the event, and how the text begins. */
static uint32_t *guess_of(const struct splitting *splitting, uint32_t entry, struct str text)
{
    uint32_t shape = splitting->rows[splitting->view->list[entry].row].shape;
    uint64_t hash = shape * 0x9e3779b97f4a7c15ULL;
    hash ^= text.size >= 8 ? get_u64(text.data) : 0;
    hash *= 0xc2b2ae3d27d4eb4fULL;
    return &splitting->guesses[2 * (hash >> 54)];
}

static void skeletons_forget(struct splitting *splitting)
{
    splitting->count = 0;
    buf_reset(splitting->holes);
    memset(splitting->slots, 0xff, SKELETONS_MAX * 2 * sizeof *splitting->slots);
    memset(splitting->guesses, 0xff, 2 * (size_t)GUESSES * sizeof *splitting->guesses);
}

static enum err splitting_new(struct coder *coder, const struct texts_view *view,
                              struct splitting *ret)
{
    struct splitting made = {
        .view = view,
        .rows = maker_rows(coder->maker),
        .holes = &coder->holes,
        .firsts = ARENA_ARRAY(coder->mem, uint32_t, (size_t)view->count + 1),
        .which = ARENA_ARRAY(coder->mem, uint32_t, view->count),
        .skeletons = ARENA_ARRAY(coder->mem, struct skeleton, SKELETONS_MAX),
        .slots = ARENA_ARRAY(coder->mem, uint32_t, SKELETONS_MAX * 2),
        .guesses = ARENA_ARRAY(coder->mem, uint32_t, 2 * (size_t)GUESSES),
    };
    if (made.firsts == NULL || made.which == NULL || made.skeletons == NULL || made.slots == NULL ||
        made.guesses == NULL) {
        return ERR_MEMORY;
    }
    skeletons_forget(&made);
    *ret = made;
    return OK;
}

/* Finds the text's holes behind those that are there. */
static uint32_t entry_skeleton(struct splitting *splitting, uint32_t entry, uint32_t first,
                               uint32_t *ret_count)
{
    struct str text = view_at(splitting->view, entry);
    uint32_t *guess = guess_of(splitting, entry, text);
    struct hole *holes = holes_from(splitting, first);
    for (unsigned i = 0; i < 2 && guess[i] != NO_SKELETON; i++) {
        struct skeleton *skeleton = &splitting->skeletons[guess[i]];
        if (skeleton_fits(splitting, skeleton, text, holes)) {
            uint32_t which = guess[i];
            guess[i] = guess[0];
            guess[0] = which;
            skeleton->rows++;
            *ret_count = skeleton->count;
            return which;
        }
    }
    *ret_count = holes_find(splitting->lines, text, holes);
    uint32_t which = skeleton_of(splitting, entry, holes, first, *ret_count);
    guess[1] = guess[0];
    guess[0] = which;
    return which;
}

static enum err entry_split(struct splitting *splitting, uint32_t entry)
{
    uint32_t first = (uint32_t)(splitting->holes->size / sizeof(struct hole));
    uint32_t count;
    char *room;
    enum err err = buf_extend(splitting->holes, HOLES_MAX * sizeof(struct hole), &room);
    if (err != OK) {
        return err;
    }
    splitting->firsts[entry] = first;
    splitting->which[entry] = entry_skeleton(splitting, entry, first, &count);
    splitting->holes->size = ((size_t)first + count) * sizeof(struct hole);
    return OK;
}

/* Whether a sample of the entries has few skeletons. */
static enum err sample_repeats(struct splitting *splitting, bool *ret)
{
    const struct texts_view *view = splitting->view;
    uint32_t step = view->count / SAMPLE + 1;
    uint32_t seen = 0;
    uint32_t lines = 0;
    for (uint32_t i = 0; i < view->count; i += step) {
        struct str text = view_at(view, i);
        lines += text_has_lines(text);
        seen++;
    }
    splitting->lines = lines > seen / 2;
    enum err err = OK;
    for (uint32_t i = 0; err == OK && i < view->count; i += step) {
        err = entry_split(splitting, i);
    }
    *ret = splitting->count <= seen / 2 && splitting->holes->size > 0;
    skeletons_forget(splitting);
    return err;
}

/* ---- As bytes. */

static enum err skeletons_put(struct coder *coder, struct splitting *splitting)
{
    struct sink *sink = &coder->sink;
    uint32_t used = 0;
    uint32_t left = splitting->view->count;
    for (uint32_t i = 0; i < splitting->count; i++) {
        struct skeleton *skeleton = &splitting->skeletons[i];
        skeleton->number = skeleton->rows >= SKELETON_ROWS ? ++used : 0;
        left -= skeleton->number != 0 ? skeleton->rows : 0;
    }
    enum err err = varint_put(&sink->head, COLUMN_SPLIT);
    err = err == OK ? varint_put(&sink->head, used) : err;
    err = err == OK ? varint_put(&sink->head, left) : err;
    size_t from = sink->plain.size;
    for (uint32_t i = 0; err == OK && i < splitting->count; i++) {
        const struct skeleton *skeleton = &splitting->skeletons[i];
        if (skeleton->number == 0) {
            continue;
        }
        struct str text = view_at(splitting->view, skeleton->entry);
        err = varint_put(&sink->head, skeleton->rows);
        err = err == OK ? varint_put(&sink->head, skeleton->count) : err;
        for (uint32_t k = 0; err == OK && k <= skeleton->count; k++) {
            struct str piece =
                piece_at(text, holes_from(splitting, skeleton->first), skeleton->count, k);
            err = varint_put(&sink->head, piece.size);
            err = err == OK ? buf_append(&sink->plain, piece) : err;
            err = err == OK ? filter_piece(&coder->filter, piece) : err;
        }
    }
    return err == OK ? sink_stream(sink, from) : err;
}

static enum err which_put(struct coder *coder, const struct splitting *splitting)
{
    uint32_t count = splitting->view->count;
    int64_t *numbers = ARENA_ARRAY_PLAIN(coder->mem, int64_t, count);
    if (numbers == NULL) {
        return ERR_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t which = splitting->which[i];
        numbers[i] = which == NO_SKELETON ? 0 : splitting->skeletons[which].number;
    }
    return ints_encode(&coder->sink, numbers, count);
}

/* The column of the entries that have no skeleton, or of one hole of those that have it. */
static enum err hole_put(struct coder *coder, const struct splitting *splitting,
                         const uint32_t *entries, uint32_t count, uint32_t hole, bool whole)
{
    struct entry *list = ARENA_ARRAY_PLAIN(coder->mem, struct entry, (size_t)count + 1);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        list[i] = splitting->view->list[entries[i]];
        if (!whole) {
            const struct hole *at = holes_from(splitting, splitting->firsts[entries[i]]) + hole;
            list[i].offset += at->from;
            list[i].size = at->size;
        }
    }
    const struct texts_view view = {splitting->view->text, list, count};
    return column_encode(coder, &view, true);
}

static enum err holes_put(struct coder *coder, const struct splitting *splitting)
{
    uint32_t count = splitting->view->count;
    uint32_t *order = ARENA_ARRAY_PLAIN(coder->mem, uint32_t, count);
    uint32_t *starts = ARENA_ARRAY(coder->mem, uint32_t, (size_t)splitting->count + 2);
    if (order == NULL || starts == NULL) {
        return ERR_MEMORY;
    }
    /* Entries by skeleton, those without one first. */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t which = splitting->which[i];
        bool none = which == NO_SKELETON || splitting->skeletons[which].number == 0;
        starts[none ? 1 : splitting->skeletons[which].number + 1]++;
    }
    uint32_t used = 0;
    for (uint32_t i = 0; i < splitting->count; i++) {
        used += splitting->skeletons[i].number != 0;
    }
    for (uint32_t i = 0; i < used; i++) {
        starts[i + 1] += starts[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t which = splitting->which[i];
        bool none = which == NO_SKELETON || splitting->skeletons[which].number == 0;
        order[starts[none ? 0 : splitting->skeletons[which].number]++] = i;
    }
    enum err err = hole_put(coder, splitting, order, starts[0], 0, true);
    for (uint32_t i = 0; err == OK && i < splitting->count; i++) {
        const struct skeleton *skeleton = &splitting->skeletons[i];
        uint32_t from = skeleton->number == 0 ? 0 : starts[skeleton->number - 1];
        for (uint32_t k = 0; err == OK && skeleton->number != 0 && k < skeleton->count; k++) {
            err =
                hole_put(coder, splitting, order + from, starts[skeleton->number] - from, k, false);
        }
    }
    return err;
}

enum err split_encode(struct coder *coder, const struct texts_view *view, bool *ret)
{
    struct splitting splitting;
    *ret = false;
    if (view->count < 2 * SKELETON_ROWS) {
        return OK;
    }
    enum err err = splitting_new(coder, view, &splitting);
    err = err == OK ? sample_repeats(&splitting, ret) : err;
    if (err != OK || !*ret) {
        return err;
    }
    for (uint32_t i = 0; err == OK && i < view->count; i++) {
        err = entry_split(&splitting, i);
    }
    err = err == OK ? skeletons_put(coder, &splitting) : err;
    err = err == OK ? which_put(coder, &splitting) : err;
    err = err == OK ? holes_put(coder, &splitting) : err;
    coder->told = false;
    coder->ended = false;
    return err;
}
