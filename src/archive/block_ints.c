/*
 * Rows of integers as streams.
 *
 * All are taken less the smallest and divided by what divides them all.  Then they, or the
 * differences of neighbours, whichever are shorter, are written byte by byte: a stream of all
 * lowest bytes, one of all next ones, and so on, as many as the largest needs.  Bytes of one rank
 * resemble each other, and a rank that is always zero is not there.
 *
 *     head        mode, lowest value, divisor, first quotient (differences only), ranks
 *     streams     one a rank
 *
 * Sums are modulo 2^64, so any integers come back.
 */

#include "archive/block_making.h"

#include <stdlib.h>
#include <string.h>

#define STRETCH 128u

enum ints_mode { INTS_PLAIN, INTS_DELTA, INTS_MODE_COUNT };

static uint64_t divisor_of(const uint64_t *values, uint32_t count)
{
    uint64_t divisor = 0;
    for (uint32_t i = 0; i < count && divisor != 1; i++) {
        uint64_t a = values[i];
        while (a != 0) {
            uint64_t rest = divisor % a;
            divisor = a;
            a = rest;
        }
    }
    return divisor == 0 ? 1 : divisor;
}

static unsigned bits_of(uint64_t value)
{
    return value == 0 ? 0 : 64u - (unsigned)__builtin_clzll(value);
}

/* Quotients become differences if that is shorter. */
static enum ints_mode mode_choose(uint64_t *values, uint32_t count)
{
    uint64_t plain = 0;
    uint64_t delta = 0;
    uint64_t largest = 0;
    uint64_t before = values[0];
    for (uint32_t i = 0; i < count; i++) {
        largest |= values[i];
    }
    /* Many are told by stretches of them. */
    uint32_t step = count >= 16 * STRETCH ? count / 8 : STRETCH;
    uint32_t looked = 0;
    for (uint32_t from = 0; from < count; from += step) {
        uint32_t to = count - from < STRETCH ? count : from + STRETCH;
        before = values[from == 0 ? 0 : from - 1];
        looked += to - from;
        for (uint32_t i = from; i < to; i++) {
            plain += bits_of(values[i]);
            delta += bits_of(zigzag((int64_t)(values[i] - before)));
            before = values[i];
        }
    }
    /* What jumps about is as long as the longest: no neighbour helps it. */
    uint64_t bytes = (uint64_t)looked * bits_of(largest);
    plain = plain > bytes * 3 / 4 ? bytes : plain;
    if (delta + delta / 8 >= plain) {
        return INTS_PLAIN;
    }
    before = values[0];
    for (uint32_t i = 0; i < count; i++) {
        uint64_t value = values[i];
        values[i] = zigzag((int64_t)(value - before));
        before = value;
    }
    return INTS_DELTA;
}

static enum err ranks_put(struct sink *sink, const uint64_t *values, uint32_t count)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < count; i++) {
        all |= values[i];
    }
    unsigned ranks = (bits_of(all) + 7) / 8;
    enum err err = varint_put(&sink->head, ranks);
    for (unsigned rank = 0; err == OK && rank < ranks; rank++) {
        size_t from = sink->plain.size;
        char *to;
        err = buf_extend(&sink->plain, count, &to);
        for (uint32_t i = 0; err == OK && i < count; i++) {
            to[i] = (char)(values[i] >> (8 * rank));
        }
        err = err == OK ? sink_stream(sink, from) : err;
    }
    return err;
}

enum err ints_encode(struct sink *sink, const int64_t *values, uint32_t count)
{
    if (count == 0) {
        return OK;
    }
    uint64_t *left = malloc(count * sizeof *left);
    if (left == NULL) {
        return ERR_MEMORY;
    }
    int64_t least = values[0];
    for (uint32_t i = 0; i < count; i++) {
        least = values[i] < least ? values[i] : least;
    }
    for (uint32_t i = 0; i < count; i++) {
        left[i] = (uint64_t)values[i] - (uint64_t)least;
    }
    uint64_t divisor = divisor_of(left, count);
    for (uint32_t i = 0; divisor > 1 && i < count; i++) {
        left[i] /= divisor;
    }
    uint64_t first = left[0];
    enum ints_mode mode = mode_choose(left, count);
    enum err err = varint_put(&sink->head, mode);
    err = err == OK ? varint_put(&sink->head, zigzag(least)) : err;
    err = err == OK ? varint_put(&sink->head, divisor) : err;
    if (err == OK && mode == INTS_DELTA) {
        err = varint_put(&sink->head, first);
    }
    err = err == OK ? ranks_put(sink, left, count) : err;
    free(left);
    return err;
}

enum err ints_take(struct str *head, uint32_t *stream, uint32_t count, struct ints *ret)
{
    struct ints ints = {.count = count, .stream = *stream};
    uint64_t least = 0;
    uint32_t mode = INTS_PLAIN;
    if (count > 0) {
        enum err err = count_take(head, INTS_MODE_COUNT - 1, &mode);
        err = err == OK ? varint_take(head, &least) : err;
        err = err == OK ? varint_take(head, &ints.divisor) : err;
        if (err == OK && mode == INTS_DELTA) {
            err = varint_take(head, &ints.first);
        }
        err = err == OK ? count_take(head, 8, &ints.ranks) : err;
        if (err != OK) {
            return err;
        }
    }
    ints.least = unzigzag(least);
    ints.delta = mode == INTS_DELTA;
    *stream += ints.ranks;
    *ret = ints;
    return OK;
}

/* What the ranks hold, without anything that was taken off. */
static enum err ranks_read(struct packs *packs, const struct ints *ints, int64_t *values)
{
    if (ints->ranks == 0) {
        memset(values, 0, ints->count * sizeof *values);
    }
    for (uint32_t rank = 0; rank < ints->ranks; rank++) {
        struct str plain;
        enum err err = packs_stream(packs, ints->stream + rank, &plain);
        if (err != OK || plain.size != ints->count) {
            return err == OK ? ERR_CORRUPT : err;
        }
        const unsigned char *bytes = (const unsigned char *)plain.data;
        for (uint32_t i = 0; rank == 0 && i < ints->count; i++) {
            values[i] = bytes[i];
        }
        for (uint32_t i = 0; rank > 0 && i < ints->count; i++) {
            values[i] = (int64_t)((uint64_t)values[i] | (uint64_t)bytes[i] << (8 * rank));
        }
    }
    return OK;
}

enum err ints_read(struct packs *packs, struct ints *ints, const int64_t **ret)
{
    if (ints->values != NULL || ints->count == 0) {
        *ret = ints->values;
        return OK;
    }
    int64_t *values = arena_take_plain(packs->mem, ints->count * sizeof *values);
    enum err err = values == NULL ? ERR_MEMORY : ranks_read(packs, ints, values);
    if (err != OK) {
        return err;
    }
    uint64_t sum = ints->first;
    for (uint32_t i = 0; ints->delta && i < ints->count; i++) {
        sum += (uint64_t)unzigzag((uint64_t)values[i]);
        values[i] = (int64_t)sum;
    }
    if (ints->divisor != 1 || ints->least != 0) {
        for (uint32_t i = 0; i < ints->count; i++) {
            values[i] = (int64_t)((uint64_t)values[i] * ints->divisor + (uint64_t)ints->least);
        }
    }
    ints->values = values;
    *ret = values;
    return OK;
}
