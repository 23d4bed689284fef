/*
 * A block and a summary of any bytes: refused, or read to the end.
 *
 * The hashes are set right first, so that what lies behind them is reached.
 */

#include <stdlib.h>
#include <string.h>

#include "archive/block_private.h"
#include "base/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[BLOCK_FILTER_KEY_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};

static void records_read(struct str bytes)
{
    struct arena *mem = arena_new((size_t)256 * 1024 * 1024);
    struct block *block;
    if (mem != NULL && block_open(bytes, mem, &block, NULL) == OK) {
        block_records_only(block);
        for (size_t i = 0; i < block_leaves(block) && i < 64; i++) {
            struct batch batch;
            const uint32_t *row_of;
            UNHEEDED(block_batch(block, i, NULL, mem, &batch, &row_of, NULL));
        }
        UNHEEDED(block_prove(block, NULL));
    }
    arena_free(mem);
}

static void block_read(struct str bytes, const struct plan *plan, const struct plan_span *span)
{
    struct arena *mem = arena_new((size_t)256 * 1024 * 1024);
    struct block *block;
    if (mem != NULL && block_open(bytes, mem, &block, NULL) == OK) {
        uint8_t *rows;
        size_t count;
        UNHEEDED(plan_rows(plan, span, block, &rows, &count, NULL));
        for (size_t i = 0; i < block_leaves(block) && i < 64; i++) {
            struct batch batch;
            const uint32_t *row_of;
            UNHEEDED(block_batch(block, i, NULL, mem, &batch, &row_of, NULL));
        }
    }
    arena_free(mem);
}

/* The first byte says what it is: a summary, or a block. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = size < 1 ? NULL : malloc(size);
    struct plan *plan = NULL;
    struct query *query = NULL;
    struct plan_span span = {.from = {INT64_MIN}, .to = {INT64_MAX}};
    if (copy != NULL && query_parse(STR("root user.name: anna"), &query, NULL) == OK &&
        plan_new(query, &plan) == OK) {
        memcpy(copy, data + 1, size - 1);
        struct str bytes = str_of(copy, size - 1);
        bool may;
        if (data[0] % 2 == 0) {
            if (bytes.size >= 8) {
                struct str body = str_slice(bytes, 0, bytes.size - 8);
                put_u64(copy + body.size, summary_hash(body, key));
            }
            UNHEEDED(plan_may(plan, &span, key, bytes, &may));
        } else {
            if (bytes.size >= BLOCK_HEADER_SIZE) {
                put_u64(copy + 32, block_hash(bytes));
            }
            block_read(bytes, plan, &span);
            records_read(bytes);
        }
    }
    plan_free(plan);
    query_free(query);
    free(copy);
    return 0;
}
