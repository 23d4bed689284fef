/*
 * Sorted rows: the best `rows_max` of all that come, as a heap with the worst of them on top.
 *
 * A row is copied into one piece of memory, cells first, then the texts.  One that is worse than
 * the worst is never copied.  Where memory ends before the number of rows does, the worst goes too.
 *
 * Values are compared as numbers where both are, numbers stand before texts, rows without a value
 * behind all others in either direction; what is equal stays in the order of the events.
 *
 * Always true: heap[0] is worse than any other row kept; what was given to it and is not kept is
 * counted in `left` or `cut`.
 */

#include "match/funnel.h"

#include <stdlib.h>
#include <string.h>

#define HEAP_SIZE 24 /* of a row in the heap, while that doubles */

struct kept {
    size_t size;
    uint64_t number; /* in the order they came */
    struct table_row row;
};

struct sorting {
    const struct pipe *pipe;
    bool by_order;
    size_t cells;
    size_t rows_max;
    struct purse *purse;
    struct kept **heap;
    size_t count, room;
    uint64_t came, left; /* left: more than rows_max */
    uint64_t cut;        /* for which there was no memory */
};

int value_compare(struct str a, struct str b)
{
    struct number x;
    struct number y;
    bool is_x = number_parse(a, &x) == OK;
    bool is_y = number_parse(b, &y) == OK;
    if (is_x && is_y) {
        return number_compare(&x, &y);
    }
    return is_x ? -1 : is_y ? 1 : str_compare(a, b);
}

enum err sorting_new(const struct pipe *pipe, bool by_order, size_t cells, size_t rows_max,
                     struct purse *purse, struct sorting **ret)
{
    struct sorting *sorting = calloc(1, sizeof *sorting);
    if (sorting == NULL) {
        return ERR_MEMORY;
    }
    *sorting = (struct sorting){
        .pipe = pipe, .by_order = by_order, .cells = cells, .rows_max = rows_max, .purse = purse};
    *ret = sorting;
    return OK;
}

void sorting_free(struct sorting *sorting)
{
    if (sorting == NULL) {
        return;
    }
    for (size_t i = 0; i < sorting->count; i++) {
        free(sorting->heap[i]);
    }
    free(sorting->heap);
    free(sorting);
}

uint64_t sorting_left(const struct sorting *sorting)
{
    return sorting->left;
}

uint64_t sorting_cut(const struct sorting *sorting)
{
    return sorting->cut;
}

/* <0: a stands before b. */
static int rows_compare(const struct sorting *sorting, const struct table_row *a, uint64_t a_number,
                        const struct table_row *b, uint64_t b_number)
{
    int order = 0;
    if (sorting->by_order) {
        order = (a->order < b->order) - (a->order > b->order);
    }
    for (size_t i = 0; !sorting->by_order && order == 0 && i < sorting->pipe->count; i++) {
        const struct table_cell *x = &a->cells[sorting->pipe->columns[i]];
        const struct table_cell *y = &b->cells[sorting->pipe->columns[i]];
        if (x->count == 0 || y->count == 0) {
            order = (x->count == 0) - (y->count == 0);
        } else {
            order = value_compare(x->values[0], y->values[0]);
            order = sorting->pipe->down[i] ? -order : order;
        }
    }
    return order != 0 ? order : (a_number > b_number) - (a_number < b_number);
}

static bool worse(const struct sorting *sorting, size_t a, size_t b)
{
    const struct kept *x = sorting->heap[a];
    const struct kept *y = sorting->heap[b];
    return rows_compare(sorting, &x->row, x->number, &y->row, y->number) > 0;
}

static void swap(struct sorting *sorting, size_t a, size_t b)
{
    struct kept *kept = sorting->heap[a];
    sorting->heap[a] = sorting->heap[b];
    sorting->heap[b] = kept;
}

static void sink(struct sorting *sorting, size_t at)
{
    for (size_t child = 2 * at + 1; child < sorting->count; child = 2 * at + 1) {
        child += child + 1 < sorting->count && worse(sorting, child + 1, child);
        if (!worse(sorting, child, at)) {
            return;
        }
        swap(sorting, at, child);
        at = child;
    }
}

/* Takes the worst row out; the caller owns it. */
static struct kept *worst_take(struct sorting *sorting)
{
    struct kept *worst = sorting->heap[0];
    sorting->heap[0] = sorting->heap[--sorting->count];
    sink(sorting, 0);
    sorting->purse->spent -= HEAP_SIZE + PURSE_BLOCK + worst->size;
    return worst;
}

static void worst_drop(struct sorting *sorting)
{
    free(worst_take(sorting));
}

static size_t row_size(const struct sorting *sorting, const struct table_row *row)
{
    size_t size =
        sizeof(struct kept) + sorting->cells * sizeof(struct table_cell) + row->event.size;
    for (size_t i = 0; i < sorting->cells; i++) {
        for (size_t k = 0; k < row->cells[i].count; k++) {
            size += sizeof(struct str) + row->cells[i].values[k].size;
        }
    }
    return size;
}

static struct kept *row_copy(const struct sorting *sorting, const struct table_row *row,
                             size_t size)
{
    struct kept *kept = malloc(size);
    if (kept == NULL) {
        return NULL;
    }
    struct table_cell *cells = (struct table_cell *)(void *)(kept + 1);
    struct str *values = (struct str *)(void *)(cells + sorting->cells);
    size_t all = 0;
    for (size_t i = 0; i < sorting->cells; i++) {
        all += row->cells[i].count;
    }
    char *bytes = (char *)(values + all);
    for (size_t i = 0; i < sorting->cells; i++) {
        cells[i] = (struct table_cell){values, row->cells[i].count};
        for (size_t k = 0; k < row->cells[i].count; k++) {
            struct str value = row->cells[i].values[k];
            memcpy(bytes, value.size > 0 ? value.data : "", value.size);
            *values++ = str_of(bytes, value.size);
            bytes += value.size;
        }
    }
    memcpy(bytes, row->event.size > 0 ? row->event.data : "", row->event.size);
    kept->size = size;
    kept->row = (struct table_row){
        .order = row->order, .cells = cells, .event = str_of(bytes, row->event.size)};
    return kept;
}

static enum err heap_grow(struct sorting *sorting)
{
    size_t room = sorting->room == 0 ? 64 : sorting->room * 2;
    struct kept **heap = reallocarray(sorting->heap, room, sizeof *heap);
    if (heap == NULL) {
        return ERR_MEMORY;
    }
    sorting->heap = heap;
    sorting->room = room;
    return OK;
}

enum err sorting_add(struct sorting *sorting, const struct table_row *row)
{
    uint64_t number = sorting->came++;
    if (sorting->count == sorting->rows_max) {
        const struct kept *worst = sorting->heap[0];
        if (rows_compare(sorting, row, number, &worst->row, worst->number) > 0) {
            sorting->left++;
            return OK;
        }
        worst_drop(sorting);
        sorting->left++;
    }
    size_t size = row_size(sorting, row);
    while (!purse_take(sorting->purse, HEAP_SIZE + PURSE_BLOCK + size)) {
        const struct kept *worst = sorting->count > 0 ? sorting->heap[0] : NULL;
        if (worst == NULL || rows_compare(sorting, row, number, &worst->row, worst->number) > 0) {
            sorting->cut++;
            return OK;
        }
        worst_drop(sorting);
        sorting->cut++;
    }
    struct kept *kept = row_copy(sorting, row, size);
    if (kept == NULL || (sorting->count == sorting->room && heap_grow(sorting) != OK)) {
        free(kept);
        sorting->purse->spent -= HEAP_SIZE + PURSE_BLOCK + size;
        return ERR_MEMORY;
    }
    kept->number = number;
    size_t at = sorting->count++;
    sorting->heap[at] = kept;
    while (at > 0 && worse(sorting, at, (at - 1) / 2)) {
        swap(sorting, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
    return OK;
}

enum err sorting_end(struct sorting *sorting, row_call *call, void *context)
{
    size_t count = sorting->count;
    while (sorting->count > 0) {
        struct kept *worst = worst_take(sorting);
        sorting->heap[sorting->count] = worst;
    }
    enum err err = OK;
    for (size_t i = 0; i < count; i++) {
        err = err == OK ? call(context, &sorting->heap[i]->row) : err;
        free(sorting->heap[i]);
    }
    return err;
}
