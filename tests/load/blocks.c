/*
 * Lines into blocks, and searches over them, for benchmarks of the archive (tests/load/archive):
 *
 *     blocks pack LEVEL LINES FILE    JSON lines as front parses them; says sizes, CPU, and how
 *                                     fast all of it comes back and is the same
 *     blocks speed LEVEL LINES TIMES  packs the same lines so often, and nothing else: the median
 *                                     and the best CPU time of a round
 *     blocks find FILE QUERY          blocks and summaries in memory, as in a worker that runs;
 *                                     says the best elapsed time of five, and how many were found
 *
 * What a segment adds (sealing, its directory, the file) is not measured here.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "archive/block.h"
#include "base/bytes.h"
#include "event/builder.h"
#include "tests/load/lines.h"

#define LEAVES_MAX 16384
#define ROUNDS_MAX 99

static const uint8_t key[BLOCK_FILTER_KEY_SIZE] = {4, 8, 15, 16, 23, 42};

struct packing {
    struct block_maker *maker;
    struct arena *mem, *back; /* of the block's batches, before and after */
    struct batch batches[LEAVES_MAX];
    size_t leaves;
    struct buf data, summary;
    FILE *out;
    uint64_t next, original, packed, blocks;
    double write, read;
};

static uint64_t records_differ(const struct batch *a, const struct batch *b)
{
    uint64_t wrong = a->events != b->events;
    for (uint32_t i = 0; wrong == 0 && i < a->events; i++) {
        struct event one;
        struct event other;
        batch_event(a, i, &one);
        batch_event(b, i, &other);
        wrong += !str_equal(one.record, other.record) || one.spans != other.spans;
    }
    return wrong;
}

static void block_end(struct packing *packing)
{
    struct block *block;
    char sizes[16];
    double begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
    buf_reset(&packing->data);
    buf_reset(&packing->summary);
    must(block_finish(packing->maker, &packing->data, &packing->summary), "block_finish");
    packing->write += seconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
    put_u64(sizes, packing->summary.size);
    put_u64(sizes + 8, packing->data.size);
    packing->packed += packing->data.size + packing->summary.size;
    packing->blocks++;
    if (fwrite(sizes, 1, 16, packing->out) != 16 ||
        fwrite(packing->summary.data, 1, packing->summary.size, packing->out) !=
            packing->summary.size ||
        fwrite(packing->data.data, 1, packing->data.size, packing->out) != packing->data.size) {
        give_up("writing", ERR_IO);
    }
    begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
    must(block_open(buf_str(&packing->data), packing->back, &block, NULL), "block_open");
    packing->read += seconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
    for (size_t i = 0; i < packing->leaves; i++) {
        struct batch batch;
        const uint32_t *row_of;
        begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
        must(block_batch(block, i, NULL, packing->back, &batch, &row_of, NULL), "block_batch");
        packing->read += seconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
        if (records_differ(&batch, &packing->batches[i]) != 0) {
            give_up("a record came back otherwise", ERR_CORRUPT);
        }
    }
    arena_reset(packing->back);
    packing->leaves = 0;
}

static void leaf_pack(void *context, struct builder *builder)
{
    struct packing *packing = context;
    struct str bytes;
    struct batch batch;
    for (int round = 0; round < 2; round++) {
        must(builder_finish(builder, &bytes), "builder_finish");
        must(arena_copy(packing->mem, bytes, &bytes), "memory");
        must(batch_check(bytes, packing->mem, &batch, NULL), "batch_check");
        double begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
        enum err err = block_add(packing->maker, &batch, packing->next);
        packing->write += seconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
        if (err == OK) {
            break;
        }
        if (err != ERR_AGAIN) {
            give_up("block_add", err);
        }
        block_end(packing);
        arena_reset(packing->mem);
    }
    packing->batches[packing->leaves++] = batch;
    packing->next += batch.events;
    builder_reset(builder);
    if (packing->leaves == LEAVES_MAX) {
        block_end(packing);
        arena_reset(packing->mem);
    }
}

static int pack(int level, const char *from, const char *to)
{
    struct packing *packing = calloc(1, sizeof *packing);
    if (packing == NULL) {
        give_up("packing", ERR_MEMORY);
    }
    packing->next = 1;
    packing->out = fopen(to, "wb");
    packing->mem = arena_new((size_t)1 << 31);
    packing->back = arena_new((size_t)1 << 31);
    if (packing->out == NULL || packing->mem == NULL || packing->back == NULL) {
        give_up(to, ERR_IO);
    }
    buf_init(&packing->data, (size_t)1 << 30);
    buf_init(&packing->summary, (size_t)1 << 30);
    must(block_maker_new(level, key, &packing->maker), "block_maker_new");
    packing->original = lines_read(from, leaf_pack, packing);
    if (packing->leaves > 0) {
        block_end(packing);
    }
    double events = (double)(packing->next - 1);
    (void)printf("level %d: %.0f events, %llu bytes in %llu blocks, %llu with summaries (%.2f an "
                 "event); written at %.3f us CPU an event, %.0f MB/s; read again at %.0f MB/s\n",
                 level, events, (unsigned long long)packing->original,
                 (unsigned long long)packing->blocks, (unsigned long long)packing->packed,
                 (double)packing->packed / events, packing->write / events * 1e6,
                 (double)packing->original / packing->write / 1e6,
                 (double)packing->original / packing->read / 1e6);
    bool whole = fclose(packing->out) == 0;
    block_maker_free(packing->maker);
    buf_done(&packing->data);
    buf_done(&packing->summary);
    arena_free(packing->mem);
    arena_free(packing->back);
    free(packing);
    return whole ? 0 : 1;
}

/* ---- Packing again and again. */

static void leaf_keep(void *context, struct builder *builder)
{
    struct packing *packing = context;
    struct str bytes;
    if (packing->leaves == LEAVES_MAX) {
        give_up("so many lines", ERR_LIMIT);
    }
    struct batch *batch = &packing->batches[packing->leaves++];
    must(builder_finish(builder, &bytes), "builder_finish");
    must(arena_copy(packing->mem, bytes, &bytes), "memory");
    must(batch_check(bytes, packing->mem, batch, NULL), "batch_check");
    packing->next += batch->events;
    builder_reset(builder);
}

static void leaves_pack(struct packing *packing)
{
    uint64_t next = 1;
    packing->packed = 0;
    for (size_t i = 0; i <= packing->leaves; i++) {
        enum err err = i == packing->leaves ? ERR_AGAIN
                                            : block_add(packing->maker, &packing->batches[i], next);
        if (err == ERR_AGAIN) {
            buf_reset(&packing->data);
            buf_reset(&packing->summary);
            must(block_finish(packing->maker, &packing->data, &packing->summary), "block_finish");
            packing->packed += packing->data.size + packing->summary.size;
            err = i == packing->leaves ? OK : block_add(packing->maker, &packing->batches[i], next);
        }
        must(err, "block_add");
        next += i == packing->leaves ? 0 : packing->batches[i].events;
    }
}

static int double_order(const void *one, const void *other)
{
    double a;
    double b;
    memcpy(&a, one, sizeof a);
    memcpy(&b, other, sizeof b);
    return a < b ? -1 : a > b;
}

static int speed(int level, const char *from, uint64_t times)
{
    double took[ROUNDS_MAX];
    struct packing *packing = calloc(1, sizeof *packing);
    if (packing == NULL) {
        give_up("packing", ERR_MEMORY);
    }
    packing->next = 1;
    packing->mem = arena_new((size_t)1 << 34);
    if (packing->mem == NULL) {
        give_up(from, ERR_MEMORY);
    }
    buf_init(&packing->data, (size_t)1 << 30);
    buf_init(&packing->summary, (size_t)1 << 30);
    must(block_maker_new(level, key, &packing->maker), "block_maker_new");
    packing->original = lines_read(from, leaf_keep, packing);
    for (uint64_t i = 0; i < times; i++) {
        double begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
        leaves_pack(packing);
        took[i] = seconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
    }
    qsort(took, times, sizeof *took, double_order);
    double events = (double)(packing->next - 1);
    (void)printf("level %d: %.0f events, %llu bytes into %llu; median %.3f us CPU an event, %.0f "
                 "MB/s; best %.3f us, %.0f MB/s\n",
                 level, events, (unsigned long long)packing->original,
                 (unsigned long long)packing->packed, took[times / 2] / events * 1e6,
                 (double)packing->original / took[times / 2] / 1e6, took[0] / events * 1e6,
                 (double)packing->original / took[0] / 1e6);
    block_maker_free(packing->maker);
    buf_done(&packing->data);
    buf_done(&packing->summary);
    arena_free(packing->mem);
    free(packing);
    return 0;
}

/* ---- Finding. */

struct found {
    uint64_t blocks, rows, answers;
};

static void block_search(struct str data, const struct plan *plan, const struct plan_span *span,
                         const struct query *query, struct arena *mem, struct found *found)
{
    struct block *block;
    uint8_t *rows;
    size_t count;
    must(block_open(data, mem, &block, NULL), "block_open");
    must(plan_rows(plan, span, block, &rows, &count, NULL), "plan_rows");
    found->blocks++;
    for (size_t i = 0; count > 0 && i < block_leaves(block); i++) {
        struct batch batch;
        const uint32_t *row_of;
        enum err err = block_batch(block, i, rows, mem, &batch, &row_of, NULL);
        if (err == ERR_NOT_FOUND) {
            continue;
        }
        must(err, "block_batch");
        for (uint32_t k = 0; k < batch.events; k++) {
            struct event event;
            bool fits;
            batch_event(&batch, k, &event);
            must(query_matches(query, &event, mem, &fits), "query_matches");
            found->rows++;
            found->answers += fits;
        }
    }
    arena_reset(mem);
}

static struct found search(struct str file, struct str text, struct arena *mem)
{
    const struct plan_span span = {.from = {INT64_MIN}, .to = {INT64_MAX}};
    struct query *query;
    struct plan *plan;
    struct found found = {0};
    must(query_parse(text, &query, NULL), "query_parse");
    must(plan_new(query, &plan), "plan_new");
    while (file.size >= 16) {
        uint64_t summary = get_u64(file.data);
        uint64_t data = get_u64(file.data + 8);
        bool may;
        must(plan_may(plan, &span, key, str_slice(file, 16, summary), &may), "plan_may");
        if (may) {
            block_search(str_slice(file, 16 + summary, data), plan, &span, query, mem, &found);
        }
        file = str_slice(file, 16 + summary + data, file.size);
    }
    plan_free(plan);
    query_free(query);
    return found;
}

static int find(const char *path, const char *text)
{
    FILE *in = fopen(path, "rb");
    if (in == NULL || fseek(in, 0, SEEK_END) != 0) {
        give_up(path, ERR_NOT_FOUND);
    }
    size_t size = (size_t)ftell(in);
    char *bytes = malloc(size + 1);
    struct arena *mem = arena_new((size_t)1 << 30);
    rewind(in);
    if (bytes == NULL || mem == NULL || fread(bytes, 1, size, in) != size || fclose(in) != 0) {
        give_up(path, ERR_IO);
    }
    double best = 1e9;
    struct found found = {0};
    for (int round = 0; round < 5; round++) {
        double begin = seconds(CLOCK_MONOTONIC);
        found = search(str_of(bytes, size), str_from(text), mem);
        double took = seconds(CLOCK_MONOTONIC) - begin;
        best = took < best ? took : best;
    }
    (void)printf("Hinomi %.4f s, %llu found, %llu rows of %llu blocks looked at\n", best,
                 (unsigned long long)found.answers, (unsigned long long)found.rows,
                 (unsigned long long)found.blocks);
    arena_free(mem);
    free(bytes);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "pack") == 0) {
        uint64_t level;
        must(str_to_u64(str_from(argv[2]), 19, &level), "level");
        return pack(level < 1 ? 1 : (int)level, argv[3], argv[4]);
    }
    if (argc == 5 && strcmp(argv[1], "speed") == 0) {
        uint64_t level;
        uint64_t times;
        must(str_to_u64(str_from(argv[2]), 19, &level), "level");
        must(str_to_u64(str_from(argv[4]), ROUNDS_MAX, &times), "times");
        return speed(level < 1 ? 1 : (int)level, argv[3], times < 1 ? 1 : times);
    }
    if (argc == 4 && strcmp(argv[1], "find") == 0) {
        return find(argv[2], argv[3]);
    }
    (void)fprintf(stderr, "usage: blocks pack LEVEL LINES FILE | blocks speed LEVEL LINES TIMES | "
                          "blocks find FILE QUERY\n");
    return 2;
}
