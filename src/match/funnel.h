#pragma once

/* What funnel.c, tally.c and sorting.c share: a plan at work, one stage for each of its pipes. */

#include "match/pipe.h"

/* What has been said of the memory that a stage may use.  Prices are what things really cost while
 * a list or a map doubles, so that the whole is no larger than what was allowed. */
#define PURSE_BLOCK 24                  /* a piece of memory of its own, beside its bytes */
#define PURSE_SLOT  (160 + PURSE_BLOCK) /* a key in a map, beside its bytes */

struct purse {
    size_t spent;
    size_t size_max;
};

static inline bool purse_take(struct purse *purse, size_t size)
{
    if (size > purse->size_max - purse->spent) {
        return false;
    }
    purse->spent += size;
    return true;
}

/* ---- sorting.c: the best rows. */

struct sorting;
typedef enum err row_call(void *context, const struct table_row *row);

/* by_order: the highest order first, whatever the pipe says; pipe may then be NULL. */
NODISCARD enum err sorting_new(const struct pipe *pipe, bool by_order, size_t cells,
                               size_t rows_max, struct purse *purse, struct sorting **ret);
void sorting_free(struct sorting *sorting);
NODISCARD enum err sorting_add(struct sorting *sorting, const struct table_row *row);
/* Gives the rows in order, and is empty then. */
NODISCARD enum err sorting_end(struct sorting *sorting, row_call *call, void *context);
uint64_t sorting_left(const struct sorting *sorting); /* rows beyond rows_max */
uint64_t sorting_cut(const struct sorting *sorting);  /* rows for which there was no memory */

/* ---- tally.c: a row for each combination. */

struct tally;
NODISCARD enum err tally_new(const struct pipe *pipe, int64_t step_ns, struct purse *purse,
                             struct tally **ret);
void tally_free(struct tally *tally);
/* time: of the event, for a timeline. */
NODISCARD enum err tally_add(struct tally *tally, const struct table_row *row, struct wall time);
NODISCARD enum err tally_end(struct tally *tally, row_call *call, void *context);
uint64_t tally_left(const struct tally *tally); /* rows whose combination had no place */

/* ---- cells. */

/* One text that stands for all values of the cells: what two rows share if these are the same. */
NODISCARD enum err cells_key(const struct table_cell *cells, const uint32_t *columns, size_t count,
                             struct buf *out);
