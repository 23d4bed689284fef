/*
 * Tallies: how often each combination of values occurs, and what else is asked of its rows.
 *
 * A combination is spelled as one text (cells_key) and found in a map.  A column that has several
 * values in a row counts the row once for each of them, so `count by related.ip` tells how many
 * events each address stands in.  A row without a value counts under "none" unless the tally wants
 * rows whole.
 *
 *     count      a number                     least, most    the value, as value_compare orders
 * them sum        exact while all are whole    distinct       a set, of the tally's own average sum
 * divided by how many      (values that are no numbers are passed over)
 *
 * A combination that finds no place in memory is left out, and its rows are counted in `left`;
 * those that have one go on being counted, so a number that is shown is right.
 *
 * Always true: groups are in the order in which they were first seen; each of `seen` belongs to
 * one.
 */

#include "match/funnel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "codec/time.h"

#define LISTED_SIZE  24   /* of a group in the list of groups, while that doubles */
#define BEST_MAX     4096 /* of a least or greatest value; the rest is cut */
#define PLACES_AFTER 6    /* of a number that is not whole */

struct sum {
    uint64_t count; /* of values, or of rows */
    int64_t whole;
    double real;
    bool is_real;
    struct buf best;
    size_t best_paid; /* bytes of it that the purse knows of */
};

struct group {
    int64_t step;  /* of a timeline, from 1970 on */
    size_t number; /* in the order they were first seen */
    struct table_cell *cells;
    struct sum *sums;
};

struct tally {
    const struct pipe *pipe;
    int64_t step_ns;
    struct purse *purse;
    struct arena *mem;
    struct map known;  /* key to index */
    struct map seen;   /* of distinct values: group, part, value */
    struct buf groups; /* struct group * each */
    struct buf key;
    uint64_t left;
};

static size_t groups_count(const struct tally *tally)
{
    return tally->groups.size / sizeof(struct group *);
}

static struct group *group_at(const struct tally *tally, size_t index)
{
    return ((struct group **)(void *)tally->groups.data)[index];
}

enum err tally_new(const struct pipe *pipe, int64_t step_ns, struct purse *purse,
                   struct tally **ret)
{
    struct tally *tally = calloc(1, sizeof *tally);
    if (tally == NULL) {
        return ERR_MEMORY;
    }
    tally->pipe = pipe;
    tally->step_ns = step_ns;
    tally->purse = purse;
    tally->mem = arena_new(TABLE_SIZE_MAX);
    map_init(&tally->known, SIZE_MAX / 2, (uint64_t)(uintptr_t)tally);
    map_init(&tally->seen, SIZE_MAX / 2, (uint64_t)(uintptr_t)tally);
    buf_init(&tally->groups, TABLE_SIZE_MAX);
    buf_init(&tally->key, TABLE_SIZE_MAX);
    if (tally->mem == NULL) {
        tally_free(tally);
        return ERR_MEMORY;
    }
    *ret = tally;
    return OK;
}

void tally_free(struct tally *tally)
{
    if (tally == NULL) {
        return;
    }
    for (size_t i = 0; i < groups_count(tally); i++) {
        for (size_t k = 0; k < tally->pipe->parts_count; k++) {
            buf_done(&group_at(tally, i)->sums[k].best);
        }
    }
    map_done(&tally->known);
    map_done(&tally->seen);
    buf_done(&tally->groups);
    buf_done(&tally->key);
    arena_free(tally->mem);
    free(tally);
}

uint64_t tally_left(const struct tally *tally)
{
    return tally->left;
}

enum err cells_key(const struct table_cell *cells, const uint32_t *columns, size_t count,
                   struct buf *out)
{
    enum err err = OK;
    for (size_t i = 0; i < count && err == OK; i++) {
        const struct table_cell *cell = &cells[columns[i]];
        char head[4];
        put_u32(head, (uint32_t)cell->count);
        err = buf_append(out, str_of(head, sizeof head));
        for (size_t k = 0; k < cell->count && err == OK; k++) {
            put_u32(head, (uint32_t)cell->values[k].size);
            err = buf_append(out, str_of(head, sizeof head));
            err = err == OK ? buf_append(out, cell->values[k]) : err;
        }
    }
    return err;
}

/* ---- Counting. */

/* A new group for the key in `key`; NULL in *ret if there is no place for it. */
static enum err group_make(struct tally *tally, const struct table_cell *cells, int64_t step,
                           struct group **ret)
{
    const struct pipe *pipe = tally->pipe;
    size_t size = PURSE_SLOT + LISTED_SIZE + 2 * tally->key.size + sizeof(struct group) +
                  (pipe->parts_count + 1) * sizeof(struct sum) +
                  (pipe->count + 1) * (sizeof(struct table_cell) + sizeof(struct str));
    *ret = NULL;
    if (!purse_take(tally->purse, size)) {
        return OK;
    }
    struct group *group = ARENA_ONE(tally->mem, struct group);
    struct table_cell *kept = ARENA_ARRAY(tally->mem, struct table_cell, pipe->count + 1);
    struct str *values = ARENA_ARRAY(tally->mem, struct str, pipe->count + 1);
    struct sum *sums = ARENA_ARRAY(tally->mem, struct sum, pipe->parts_count + 1);
    if (group == NULL || kept == NULL || values == NULL || sums == NULL) {
        return OK;
    }
    size_t index = groups_count(tally);
    *group = (struct group){.step = step, .number = index, .cells = kept, .sums = sums};
    for (size_t i = 0; i < pipe->count; i++) {
        kept[i] = (struct table_cell){&values[i], cells[i].count};
        if (cells[i].count > 0 && arena_copy(tally->mem, cells[i].values[0], &values[i]) != OK) {
            return OK;
        }
    }
    for (size_t i = 0; i < pipe->parts_count; i++) {
        sums[i] = (struct sum){0};
        buf_init(&sums[i].best, BEST_MAX);
    }
    enum err err = buf_append(&tally->groups, str_of(&group, sizeof(struct group *)));
    if (err == OK) {
        err = map_put(&tally->known, buf_str(&tally->key), index);
        tally->groups.size -= err == OK ? 0 : sizeof(struct group *);
    }
    *ret = err == OK ? group : NULL;
    return err;
}

/* Whether the value is new to this part of the group.  One that finds no place is taken for known,
 * and the row counts as left out. */
static enum err distinct_add(struct tally *tally, uint64_t group, size_t part, struct str value,
                             bool *ret_new)
{
    char head[16];
    put_u64(head, group);
    put_u64(head + 8, part);
    buf_reset(&tally->key);
    enum err err = buf_append(&tally->key, str_of(head, sizeof head));
    err = err == OK ? buf_append(&tally->key, value) : err;
    uint64_t known;
    *ret_new = false;
    if (err != OK || map_get(&tally->seen, buf_str(&tally->key), &known)) {
        return err;
    }
    if (!purse_take(tally->purse, PURSE_SLOT + tally->key.size)) {
        tally->left++;
        return OK;
    }
    *ret_new = true;
    return map_put(&tally->seen, buf_str(&tally->key), 0);
}

static void number_add(struct sum *sum, struct str value)
{
    struct number number;
    if (number_parse(value, &number) != OK || !isfinite(number.value)) {
        return;
    }
    sum->count++;
    sum->real += number.value;
    if (!number.whole || __builtin_add_overflow(sum->whole, number.integer, &sum->whole)) {
        sum->is_real = true;
    }
}

/* Whether the value goes in front of the best so far. */
static bool best_is_worse(const struct sum *sum, bool most, struct str value)
{
    struct number number;
    bool is_number = number_parse(value, &number) == OK;
    bool best_is = number_parse(buf_str(&sum->best), &number) == OK;
    int order = value_compare(value, buf_str(&sum->best));
    return is_number == best_is ? (most ? order > 0 : order < 0) : is_number;
}

static enum err best_add(struct tally *tally, struct sum *sum, bool most, struct str value)
{
    value = str_slice(value, 0, BEST_MAX);
    if (sum->count > 0 && !best_is_worse(sum, most, value)) {
        sum->count++;
        return OK;
    }
    if (value.size > sum->best_paid) {
        size_t more = 2 * (value.size - sum->best_paid); /* a buffer grows by doubling */
        if (!purse_take(tally->purse, more)) {
            tally->left++;
            return OK;
        }
        sum->best_paid = value.size;
    }
    sum->count++;
    buf_reset(&sum->best);
    return buf_append(&sum->best, value);
}

static enum err group_count(struct tally *tally, struct group *group, uint64_t index,
                            const struct table_row *row)
{
    enum err err = OK;
    for (size_t i = 0; i < tally->pipe->parts_count && err == OK; i++) {
        const struct tally_part *part = &tally->pipe->parts[i];
        struct sum *sum = &group->sums[i];
        if (part->kind == TALLY_COUNT) {
            sum->count++;
            continue;
        }
        const struct table_cell *cell = &row->cells[part->column];
        for (size_t k = 0; k < cell->count && err == OK; k++) {
            bool fresh = false;
            if (part->kind == TALLY_DISTINCT) {
                err = distinct_add(tally, index, i, cell->values[k], &fresh);
                sum->count += fresh;
            } else if (part->kind == TALLY_LEAST || part->kind == TALLY_MOST) {
                err = best_add(tally, sum, part->kind == TALLY_MOST, cell->values[k]);
            } else {
                number_add(sum, cell->values[k]);
            }
        }
    }
    return err;
}

/* One combination of the row's values. */
static enum err combination_add(struct tally *tally, const struct table_cell *cells, int64_t step,
                                const struct table_row *row)
{
    static const uint32_t columns[PIPE_FIELDS_MAX] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                      8, 9, 10, 11, 12, 13, 14, 15};
    char head[8];
    put_u64(head, (uint64_t)step);
    buf_reset(&tally->key);
    enum err err = buf_append(&tally->key, str_of(head, sizeof head));
    err = err == OK ? cells_key(cells, columns, tally->pipe->count, &tally->key) : err;
    uint64_t index = groups_count(tally);
    struct group *group = NULL;
    if (err == OK && map_get(&tally->known, buf_str(&tally->key), &index)) {
        group = group_at(tally, index);
    } else if (err == OK) {
        err = group_make(tally, cells, step, &group);
    }
    if (err == OK && group == NULL) {
        tally->left++;
        return OK;
    }
    return err == OK ? group_count(tally, group, index, row) : err;
}

static bool value_again(const struct table_cell *cell, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (str_equal(cell->values[i], cell->values[at])) {
            return true;
        }
    }
    return false;
}

/* Each value of each column with each of the others; at most TABLE_COMBINATIONS of them.  `at`
 * counts through the values as an odometer does. */
static enum err combinations_add(struct tally *tally, const struct table_row *row, int64_t step)
{
    const struct pipe *pipe = tally->pipe;
    size_t at[PIPE_FIELDS_MAX] = {0};
    enum err err = OK;
    for (unsigned turn = 0; turn < TABLE_COMBINATIONS && err == OK; turn++) {
        struct table_cell cells[PIPE_FIELDS_MAX];
        bool again = false;
        for (size_t i = 0; i < pipe->count; i++) {
            const struct table_cell *cell = &row->cells[pipe->columns[i]];
            cells[i] = cell->count == 0 ? *cell : (struct table_cell){&cell->values[at[i]], 1};
            again = again || value_again(cell, at[i]);
        }
        err = again ? OK : combination_add(tally, cells, step, row);
        size_t wheel = 0;
        while (wheel < pipe->count && ++at[wheel] >= row->cells[pipe->columns[wheel]].count) {
            at[wheel++] = 0;
        }
        if (wheel == pipe->count) {
            return err;
        }
    }
    tally->left += err == OK;
    return err;
}

enum err tally_add(struct tally *tally, const struct table_row *row, struct wall time)
{
    const struct pipe *pipe = tally->pipe;
    int64_t step = 0;
    for (size_t i = 0; pipe->whole && i < pipe->count; i++) {
        if (row->cells[pipe->columns[i]].count == 0) {
            return OK;
        }
    }
    if (pipe->timed) {
        step = time.ns / tally->step_ns - (time.ns % tally->step_ns < 0);
    }
    return combinations_add(tally, row, step);
}

/* ---- Rows. */

static enum err real_print(double value, struct arena *mem, struct str *ret)
{
    enum err err = arena_print(mem, ret, "%.*f", PLACES_AFTER, value);
    if (err == OK && str_find_byte(*ret, '.') != STR_NONE) {
        while (ret->data[ret->size - 1] == '0') {
            ret->size--;
        }
        ret->size -= ret->data[ret->size - 1] == '.';
    }
    return err;
}

/* The part's value in the row; none of no values. */
static enum err sum_print(const struct sum *sum, enum tally_kind kind, struct arena *mem,
                          struct str *value, struct table_cell *ret)
{
    enum err err = OK;
    *ret = (struct table_cell){value, 1};
    bool real = kind == TALLY_AVERAGE || (kind == TALLY_SUM && sum->is_real);
    if (kind == TALLY_COUNT || kind == TALLY_DISTINCT) {
        return arena_print(mem, value, "%llu", (unsigned long long)sum->count);
    }
    if (sum->count == 0 || (real && !isfinite(sum->real))) {
        ret->count = 0; /* also of what is beyond all numbers: JSON has no word for it */
    } else if (kind == TALLY_LEAST || kind == TALLY_MOST) {
        *value = buf_str(&sum->best);
    } else if (kind == TALLY_AVERAGE) {
        err = real_print(sum->real / (double)sum->count, mem, value);
    } else if (sum->is_real) {
        err = real_print(sum->real, mem, value);
    } else {
        err = arena_print(mem, value, "%lld", (long long)sum->whole);
    }
    return err;
}

static enum err group_row(const struct tally *tally, const struct group *group, uint64_t order,
                          struct arena *mem, row_call *call, void *context)
{
    const struct pipe *pipe = tally->pipe;
    struct table_cell cells[2 * PIPE_FIELDS_MAX + 1];
    struct str values[PIPE_FIELDS_MAX + 1];
    char time[TIME_TEXT_SIZE];
    size_t count = 0;
    enum err err = OK;
    if (pipe->timed) {
        struct str text = str_from(time_print((struct wall){group->step * tally->step_ns}, time));
        if (str_ends(text, STR(".000000Z"))) { /* Steps are whole seconds. */
            time[text.size - 8] = 'Z';
            text.size -= 7;
        }
        values[PIPE_FIELDS_MAX] = text;
        cells[count++] = (struct table_cell){&values[PIPE_FIELDS_MAX], 1};
    }
    for (size_t i = 0; i < pipe->count; i++) {
        cells[count++] = group->cells[i];
    }
    for (size_t i = 0; i < pipe->parts_count && err == OK; i++) {
        err = sum_print(&group->sums[i], pipe->parts[i].kind, mem, &values[i], &cells[count++]);
    }
    const struct table_row row = {.order = order, .cells = cells};
    return err == OK ? call(context, &row) : err;
}

static int step_order(const void *a, const void *b)
{
    const struct group *const *x = a;
    const struct group *const *y = b;
    int order = ((*x)->step > (*y)->step) - ((*x)->step < (*y)->step);
    return order != 0 ? order : ((*x)->number > (*y)->number) - ((*x)->number < (*y)->number);
}

/* The steps between two of a timeline in which nothing happened, if the whole is no longer than
 * what is filled. */
static enum err gap_fill(const struct tally *tally, size_t at, struct arena *mem, row_call *call,
                         void *context)
{
    size_t count = groups_count(tally);
    int64_t first = group_at(tally, 0)->step;
    int64_t last = group_at(tally, count - 1)->step;
    enum err err = OK;
    if (at == 0 || tally->pipe->count > 0 ||
        (uint64_t)last - (uint64_t)first >= TIMELINE_STEPS_MAX) {
        return OK;
    }
    struct sum none = {0};
    struct group empty = {.sums = &none};
    for (int64_t step = group_at(tally, at - 1)->step + 1;
         step < group_at(tally, at)->step && err == OK; step++) {
        empty.step = step;
        arena_reset(mem);
        err = group_row(tally, &empty, (uint64_t)step, mem, call, context);
    }
    return err;
}

enum err tally_end(struct tally *tally, row_call *call, void *context)
{
    struct arena *mem = arena_new(1 << 20);
    enum err err = mem == NULL ? ERR_MEMORY : OK;
    struct group *none = NULL;
    if (err == OK && groups_count(tally) == 0 && tally->pipe->count == 0 && !tally->pipe->timed) {
        buf_reset(&tally->key);
        err = group_make(tally, NULL, 0, &none);
    }
    size_t count = groups_count(tally);
    if (tally->pipe->timed && count > 0) {
        qsort(tally->groups.data, count, sizeof(struct group *), step_order);
    }
    for (size_t i = 0; i < count && err == OK; i++) {
        err = tally->pipe->timed ? gap_fill(tally, i, mem, call, context) : OK;
        arena_reset(mem);
        err = err == OK ? group_row(tally, group_at(tally, i), i, mem, call, context) : err;
    }
    arena_free(mem);
    return err;
}
