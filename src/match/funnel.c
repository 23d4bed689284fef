/*
 * A plan of pipes at work.
 *
 *     event ──► row ──► stage 0 ──► stage 1 ──► … ──► the caller
 *
 * Each stage hands a row on at once, drops it, or keeps what it needs until the end (sort, tail,
 * tally), when the stages end one after another, the first one first.  All that is kept together
 * costs at most TABLE_SIZE_MAX, of which each stage that keeps has a share of its own: however much
 * one of them meets, those behind it find room for what it hands on.
 *
 * Where the newest events are wanted first, they come only roughly in that order.  A stage that no
 * command asked for then puts rows of single events right: before the first `head` or `tail`, or at
 * the end, if nothing before it counts or sorts anyway.
 *
 * Always true: a row handed to stage i has the columns that plan entry i was made for.
 */

#include "match/funnel.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/time.h"

#define VALUES_PER_CELL_MAX 256   /* of one field of one event */
#define TIMELINE_STEPS_GOOD 60    /* what a timeline without a step aims at */
#define ROWS_FEW            10000 /* of a sort that needs little room */

struct stage {
    const struct pipe *pipe; /* NULL: the order by sequence */
    struct sorting *sorting;
    struct tally *tally;
    struct map known; /* PIPE_DEDUP */
    struct purse purse;
    unsigned share; /* of the memory, in parts of all shares; 0: it keeps nothing */
    uint64_t rows;  /* PIPE_HEAD: handed on */
    size_t cells;   /* of its input */
};

struct funnel {
    const struct query *query;
    const struct pipes *pipes;
    struct funnel_use use;
    struct reading *reading;
    struct stage stages[PIPES_MAX + 4];
    size_t count;
    struct arena *mem;  /* of the event at hand */
    struct arena *fold; /* of the value that is compared: folded it may be eleven times as long */
    struct buf key;
    struct wall time; /* of the event at hand */
    int64_t step_ns;  /* of its timeline */
    uint64_t left_events, left_rows;
    bool full;
};

struct onward {
    struct funnel *funnel;
    size_t stage;
};

static enum err row_push(struct funnel *funnel, size_t stage, const struct table_row *row);

/* ---- Making. */

/* The steps of a timeline that names none: of a list that people think in. */
static int64_t step_choose(const struct funnel_use *use)
{
    static const int64_t seconds[] = {1,    5,    10,    30,    60,    300,    600,    1800,
                                      3600, 7200, 21600, 43200, 86400, 604800, 2592000};
    const size_t count = sizeof seconds / sizeof seconds[0];
    if (!wall_known(use->from) || !wall_known(use->to) || use->to.ns <= use->from.ns) {
        return 3600 * NS_PER_SECOND;
    }
    uint64_t span = ((uint64_t)use->to.ns - (uint64_t)use->from.ns) / (uint64_t)NS_PER_SECOND;
    size_t i = 0;
    while (i < count - 1 && span / (uint64_t)seconds[i] > TIMELINE_STEPS_GOOD) {
        i++;
    }
    return seconds[i] * NS_PER_SECOND;
}

/* How many columns a plan entry gives, of how many it gets. */
static size_t cells_after(const struct pipe *pipe, size_t cells)
{
    return pipe->kind == PIPE_FIELDS  ? pipe->count
           : pipe->kind == PIPE_TALLY ? (size_t)pipe->timed + pipe->count + pipe->parts_count
                                      : cells;
}

static bool streams(const struct pipe *pipe)
{
    return pipe->kind == PIPE_FIELDS || pipe->kind == PIPE_WHERE || pipe->kind == PIPE_DEDUP;
}

/* Where the stage stands that puts events in order; STR_NONE: nowhere. */
static size_t order_place(const struct funnel *funnel)
{
    const struct pipes *pipes = funnel->pipes;
    size_t i = 0;
    while (i < pipes->count && streams(&pipes->list[i])) {
        i++;
    }
    bool ordered =
        i < pipes->count && (pipes->list[i].kind == PIPE_SORT || pipes->list[i].kind == PIPE_TALLY);
    return funnel->use.newest_first && !ordered ? i : STR_NONE;
}

/* How many rows a sort has to keep: what the next command, or whoever looks at the answer, takes,
 * and one more by which it is known that there are more. */
static size_t rows_wanted(const struct funnel *funnel, size_t next)
{
    const struct pipes *pipes = funnel->pipes;
    if (next < pipes->count && pipes->list[next].kind == PIPE_HEAD) {
        return (size_t)pipes->list[next].rows;
    }
    return next >= pipes->count && funnel->use.rows_max > 0 ? funnel->use.rows_max + 1
                                                            : TABLE_ROWS_MAX;
}

static enum err stage_add(struct funnel *funnel, const struct pipe *pipe, size_t next, size_t cells)
{
    struct stage *stage = &funnel->stages[funnel->count++];
    stage->pipe = pipe;
    stage->cells = cells;
    map_init(&stage->known, SIZE_MAX / 2, (uint64_t)(uintptr_t)funnel);
    if (pipe == NULL || pipe->kind == PIPE_SORT) {
        size_t rows = rows_wanted(funnel, next);
        stage->share = rows <= ROWS_FEW ? 1 : 2;
        return sorting_new(pipe, pipe == NULL, cells, rows, &stage->purse, &stage->sorting);
    }
    if (pipe->kind == PIPE_TALLY) {
        int64_t step = pipe->step_ns != 0 ? pipe->step_ns : step_choose(&funnel->use);
        funnel->step_ns = pipe->timed ? step : funnel->step_ns;
        stage->share = 4; /* a combination takes about twice the room of its sorted row */
        return tally_new(pipe, step, &stage->purse, &stage->tally);
    }
    if (pipe->kind == PIPE_TAIL) {
        /* The last rows are the best by their order of coming, from the end. */
        stage->share = 2;
        return sorting_new(NULL, true, cells, (size_t)pipe->rows, &stage->purse, &stage->sorting);
    }
    stage->share = pipe->kind == PIPE_DEDUP ? 2 : 0;
    return OK;
}

static void shares_give(struct funnel *funnel)
{
    size_t all = 0;
    for (size_t i = 0; i < funnel->count; i++) {
        all += funnel->stages[i].share;
    }
    for (size_t i = 0; i < funnel->count && all > 0; i++) {
        funnel->stages[i].purse.size_max = TABLE_SIZE_MAX / all * funnel->stages[i].share;
    }
}

static enum err stages_make(struct funnel *funnel)
{
    const struct pipes *pipes = funnel->pipes;
    size_t cells = pipes->columns_count;
    size_t order = order_place(funnel);
    enum err err = OK;
    for (size_t i = 0; i < pipes->count && err == OK; i++) {
        err = i == order ? stage_add(funnel, NULL, i, cells) : OK;
        err = err == OK ? stage_add(funnel, &pipes->list[i], i + 1, cells) : err;
        cells = cells_after(&pipes->list[i], cells);
    }
    err = err == OK && order == pipes->count ? stage_add(funnel, NULL, order, cells) : err;
    shares_give(funnel);
    return err;
}

enum err funnel_new(const struct query *query, const struct funnel_use *use, struct funnel **ret)
{
    struct funnel *funnel = calloc(1, sizeof *funnel);
    if (funnel == NULL) {
        return ERR_MEMORY;
    }
    funnel->query = query;
    funnel->pipes = query_pipes(query);
    funnel->use = *use;
    funnel->mem = arena_new((size_t)4 * RECORD_SIZE_MAX);
    funnel->fold = arena_new((size_t)16 * RECORD_SIZE_MAX);
    buf_init(&funnel->key, (size_t)4 * RECORD_SIZE_MAX);
    enum err err = funnel->mem == NULL || funnel->fold == NULL
                       ? ERR_MEMORY
                       : reading_new(query_matcher(query), &funnel->reading);
    err = err == OK ? stages_make(funnel) : err;
    if (err != OK) {
        funnel_free(funnel);
        return err;
    }
    *ret = funnel;
    return OK;
}

void funnel_free(struct funnel *funnel)
{
    if (funnel == NULL) {
        return;
    }
    for (size_t i = 0; i < funnel->count; i++) {
        sorting_free(funnel->stages[i].sorting);
        tally_free(funnel->stages[i].tally);
        map_done(&funnel->stages[i].known);
    }
    reading_free(funnel->reading);
    arena_free(funnel->mem);
    arena_free(funnel->fold);
    buf_done(&funnel->key);
    free(funnel);
}

int64_t funnel_step(const struct funnel *funnel)
{
    return funnel->step_ns;
}

void funnel_left(const struct funnel *funnel, struct funnel_left *ret)
{
    ret->events = funnel->left_events;
    ret->rows = funnel->left_rows;
    for (size_t i = 0; i < funnel->count; i++) {
        const struct stage *stage = &funnel->stages[i];
        bool cut = stage->pipe != NULL && stage->pipe->kind == PIPE_TAIL;
        bool headed = i + 1 < funnel->count && funnel->stages[i + 1].pipe != NULL &&
                      funnel->stages[i + 1].pipe->kind == PIPE_HEAD;
        headed = headed || (i + 1 == funnel->count && funnel->use.rows_max > 0);
        ret->events += stage->tally != NULL ? tally_left(stage->tally) : 0;
        ret->rows += stage->sorting != NULL && !cut && !headed ? sorting_left(stage->sorting) : 0;
        ret->rows += stage->sorting != NULL ? sorting_cut(stage->sorting) : 0;
    }
}

/* ---- Rows. */

/* The readable values of a field, in the order of the event. */
static enum err field_read(struct funnel *funnel, uint32_t field, struct table_cell *ret)
{
    struct reading *reading = funnel->reading;
    const struct field *at = matcher_field_at(reading->matcher, field);
    uint32_t name = matcher_field_names(reading->matcher, at)[0];
    size_t count = 0;
    for (uint16_t i = reading_first(reading, name); i != NO_VALUE && count < VALUES_PER_CELL_MAX;
         i = reading->values[i].next) {
        count += reading->values[i].how != SPAN_JSON_NULL;
    }
    struct str *values = ARENA_ARRAY(funnel->mem, struct str, count + 1);
    enum err err = values == NULL ? ERR_MEMORY : OK;
    size_t left = count;
    for (uint16_t i = reading_first(reading, name); i != NO_VALUE && left > 0 && err == OK;
         i = reading->values[i].next) {
        if (reading->values[i].how != SPAN_JSON_NULL) {
            err = value_read(reading, &reading->values[i], &values[--left]);
        }
    }
    *ret = (struct table_cell){values, count};
    return err;
}

static enum err other_read(struct funnel *funnel, enum pipe_source source,
                           const struct event *event, uint64_t sequence, struct str slug,
                           struct table_cell *ret)
{
    struct str *value = ARENA_ONE(funnel->mem, struct str);
    char time[TIME_TEXT_SIZE];
    *ret = (struct table_cell){value, 1};
    if (value == NULL) {
        return ERR_MEMORY;
    }
    switch (source) {
    case SOURCE_TIME:
        return arena_print(funnel->mem, value, "%s", time_print(event_time(event), time));
    case SOURCE_RECEIVED:
        return arena_print(funnel->mem, value, "%s", time_print(event->received, time));
    case SOURCE_SEQUENCE:
        return arena_print(funnel->mem, value, "%llu", (unsigned long long)sequence);
    default:
        *value = slug;
        return OK;
    }
}

enum err funnel_event(struct funnel *funnel, const struct event *event, uint64_t sequence,
                      struct str source, struct str printed, bool *ret_full)
{
    struct table_cell cells[PIPE_COLUMNS_MAX];
    const struct pipes *pipes = funnel->pipes;
    arena_reset(funnel->mem);
    enum err err = reading_event(funnel->reading, event);
    for (size_t i = 0; i < pipes->columns_count && err == OK; i++) {
        const struct pipe_column *column = &pipes->columns[i];
        err = column->source == SOURCE_FIELD
                  ? field_read(funnel, column->field, &cells[i])
                  : other_read(funnel, column->source, event, sequence, source, &cells[i]);
    }
    funnel->time = funnel->use.by_arrival ? event->received : event_time(event);
    const struct table_row row = {.order = sequence, .cells = cells, .event = printed};
    err = err == OK ? row_push(funnel, 0, &row) : err;
    if (err == OK) {
        *ret_full = funnel->full;
    }
    return err;
}

static bool where_fits(const struct pipe *pipe, struct str value)
{
    struct number number;
    bool numeric = number_parse(value, &number) == OK;
    int order = value_compare(value, pipe->value);
    if (numeric != (number_parse(pipe->value, &number) == OK)) {
        return pipe->how == WHERE_DIFFERENT;
    }
    switch (pipe->how) {
    case WHERE_EQUAL:
        return order == 0;
    case WHERE_DIFFERENT:
        return order != 0;
    case WHERE_LESS:
        return order < 0;
    case WHERE_UP_TO:
        return order <= 0;
    case WHERE_MORE:
        return order > 0;
    default:
        return order >= 0;
    }
}

/* Any value of the cell; for !=, all of them. */
static enum err where_push(struct funnel *funnel, size_t at, const struct table_row *row)
{
    const struct pipe *pipe = funnel->stages[at].pipe;
    const struct table_cell *cell = &row->cells[pipe->columns[0]];
    bool all = pipe->how == WHERE_DIFFERENT;
    bool fits = all;
    enum err err = OK;
    for (size_t i = 0; i < cell->count && fits == all && err == OK; i++) {
        struct str folded;
        arena_reset(funnel->fold);
        err = search_fold(cell->values[i], funnel->fold, &folded);
        fits = err == OK && where_fits(pipe, folded);
    }
    return err == OK && fits ? row_push(funnel, at + 1, row) : err;
}

static enum err dedup_push(struct funnel *funnel, size_t at, const struct table_row *row)
{
    struct stage *stage = &funnel->stages[at];
    uint64_t known;
    buf_reset(&funnel->key);
    enum err err = cells_key(row->cells, stage->pipe->columns, stage->pipe->count, &funnel->key);
    if (err != OK || map_get(&stage->known, buf_str(&funnel->key), &known)) {
        return err;
    }
    if (!purse_take(&stage->purse, PURSE_SLOT + funnel->key.size)) {
        funnel->left_events++;
        return OK;
    }
    err = map_put(&stage->known, buf_str(&funnel->key), 0);
    return err == OK ? row_push(funnel, at + 1, row) : err;
}

/* All before it hand rows on at once, so that it can be known early that no more are wanted. */
static bool nothing_waits_before(const struct funnel *funnel, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (funnel->stages[i].sorting != NULL || funnel->stages[i].tally != NULL) {
            return false;
        }
    }
    return true;
}

static enum err head_push(struct funnel *funnel, size_t at, const struct table_row *row)
{
    struct stage *stage = &funnel->stages[at];
    if (stage->rows == stage->pipe->rows) {
        return OK;
    }
    stage->rows++;
    if (stage->rows == stage->pipe->rows && nothing_waits_before(funnel, at)) {
        funnel->full = true;
    }
    return row_push(funnel, at + 1, row);
}

static enum err fields_push(struct funnel *funnel, size_t at, const struct table_row *row)
{
    const struct pipe *pipe = funnel->stages[at].pipe;
    struct table_cell cells[PIPE_FIELDS_MAX];
    for (size_t i = 0; i < pipe->count; i++) {
        cells[i] = row->cells[pipe->columns[i]];
    }
    const struct table_row fewer = {.order = row->order, .cells = cells, .event = row->event};
    return row_push(funnel, at + 1, &fewer);
}

static enum err tail_push(struct funnel *funnel, size_t at, const struct table_row *row)
{
    struct stage *stage = &funnel->stages[at];
    struct table_row numbered = *row;
    numbered.order = stage->rows++;
    return sorting_add(stage->sorting, &numbered);
}

/* Recursion is as deep as the plan is long. */
static enum err row_push(struct funnel *funnel, size_t at, const struct table_row *row)
{
    if (at == funnel->count) {
        return funnel->use.call(funnel->use.context, row);
    }
    struct stage *stage = &funnel->stages[at];
    if (stage->pipe == NULL) {
        return sorting_add(stage->sorting, row);
    }
    switch (stage->pipe->kind) {
    case PIPE_FIELDS:
        return fields_push(funnel, at, row);
    case PIPE_WHERE:
        return where_push(funnel, at, row);
    case PIPE_DEDUP:
        return dedup_push(funnel, at, row);
    case PIPE_HEAD:
        return head_push(funnel, at, row);
    case PIPE_TAIL:
        return tail_push(funnel, at, row);
    case PIPE_SORT:
        return sorting_add(stage->sorting, row);
    default:
        return tally_add(stage->tally, row, funnel->time);
    }
}

static enum err row_onward(void *context, const struct table_row *row)
{
    const struct onward *onward = context;
    arena_reset(onward->funnel->mem);
    return row_push(onward->funnel, onward->stage + 1, row);
}

struct rows_turned {
    struct sorting *sorting;
    uint64_t count;
};

/* A tail's rows were kept from the end: now the other way round. */
static enum err row_turn(void *context, const struct table_row *row)
{
    struct rows_turned *turned = context;
    struct table_row numbered = *row;
    numbered.order = ++turned->count;
    return sorting_add(turned->sorting, &numbered);
}

static enum err tail_end(struct funnel *funnel, struct stage *stage, struct onward *onward)
{
    struct rows_turned turned = {0};
    struct purse purse = {.size_max = (size_t)2 * TABLE_SIZE_MAX};
    (void)funnel;
    enum err err =
        sorting_new(NULL, true, stage->cells, (size_t)stage->pipe->rows, &purse, &turned.sorting);
    err = err == OK ? sorting_end(stage->sorting, row_turn, &turned) : err;
    err = err == OK ? sorting_end(turned.sorting, row_onward, onward) : err;
    sorting_free(turned.sorting);
    return err;
}

enum err funnel_end(struct funnel *funnel)
{
    enum err err = OK;
    for (size_t i = 0; i < funnel->count && err == OK; i++) {
        struct stage *stage = &funnel->stages[i];
        struct onward onward = {funnel, i};
        if (stage->tally != NULL) {
            err = tally_end(stage->tally, row_onward, &onward);
        } else if (stage->pipe != NULL && stage->pipe->kind == PIPE_TAIL) {
            err = tail_end(funnel, stage, &onward);
        } else if (stage->sorting != NULL) {
            err = sorting_end(stage->sorting, row_onward, &onward);
        }
    }
    return err;
}
