/*
 * The worker's part of sealing: leaves out of journals or older segments, in order, into one file,
 * which is then read again.
 *
 * What an order names and cannot be read is left out if it comes from a journal, whose frame stays
 * where it is; among segments that are to be replaced it is an error, and they stay.
 *
 * Each leaf is proved once, over the records that are packed; of these, and of all that stands
 * beside them, a *mark* is kept, which what is read back must have too.  A mark is 128 bits that
 * are no seal: what is looked for here is a fault of ours or of the disk, and nobody who sends
 * records can know the seed.  It costs a tenth of the leaf's hash.
 *
 * Always true: a file for which OK was returned has each of its leaves with records that hash to
 * the leaf, as a reader will find them.
 *
 * The order:
 *
 *     OFFSET SIZE MEANING                       OFFSET SIZE MEANING
 *          0    8 "HINOMIso"                       100   96 generations that are replaced
 *          8    4 client                           196    4 promises n
 *         12    8 generation                       200    4 runs of leaves m
 *         20    4 days                             204   8n source, days
 *         24    4 level                                 16m first index, count; ascending
 *         28    4 1: all of it, or nothing
 *         36   32 seed, 32 key
 */

#include "archive/seal.h"

#include <stdlib.h>
#include <string.h>

#include "archive/leaves.h"
#include "archive/merge.h"
#include "archive/seal_private.h"
#include "base/bytes.h"
#include "base/hash.h"

#define ORDER_FIXED 204

struct sealing {
    struct seal_work work;
    struct segment_writer *writer;
    struct buf marks; /* of the leaves that were written, in order */
};

enum err seal_order_encode(const struct seal_work *work, struct buf *out)
{
    char fixed[ORDER_FIXED] = "HINOMIso";
    const struct segment_order *order = &work->order;
    put_u32(fixed + 8, order->client.value);
    put_u64(fixed + 12, order->generation);
    put_u32(fixed + 20, order->days);
    put_u32(fixed + 24, order->level);
    put_u32(fixed + 28, work->all ? 1 : 0);
    memcpy(fixed + 36, order->seed, 32);
    memcpy(fixed + 68, order->key.bytes, 32);
    for (size_t i = 0; i < SEGMENT_REPLACES_MAX; i++) {
        put_u64(fixed + 100 + 8 * i, order->replaces[i]);
    }
    put_u32(fixed + 196, (uint32_t)order->promises_count);
    put_u32(fixed + 200, (uint32_t)work->runs_count);
    enum err err = buf_append(out, str_of(fixed, sizeof fixed));
    secret_forget(fixed, sizeof fixed);
    for (size_t i = 0; err == OK && i < order->promises_count; i++) {
        char row[8];
        put_u32(row, order->promises[i].source.value);
        put_u32(row + 4, order->promises[i].days);
        err = buf_append(out, str_of(row, sizeof row));
    }
    for (size_t i = 0; err == OK && i < work->runs_count; i++) {
        char row[16];
        put_u64(row, work->runs[i].first);
        put_u64(row + 8, work->runs[i].count);
        err = buf_append(out, str_of(row, sizeof row));
    }
    return err;
}

static bool runs_decode(struct seal_work *work, struct str bytes, struct seal_run *runs)
{
    uint64_t next = 0;
    for (size_t i = 0; i < work->runs_count; i++) {
        runs[i] = (struct seal_run){get_u64(bytes.data + 16 * i), get_u64(bytes.data + 16 * i + 8)};
        if (runs[i].first < next || runs[i].count == 0 ||
            runs[i].first > UINT64_MAX / 2 - runs[i].count) {
            return false;
        }
        next = runs[i].first + runs[i].count;
    }
    work->runs = runs;
    return true;
}

enum err seal_order_decode(struct str bytes, struct arena *mem, struct seal_work *ret)
{
    if (bytes.size < ORDER_FIXED || memcmp(bytes.data, "HINOMIso", 8) != 0) {
        return ERR_CORRUPT;
    }
    struct seal_work work = {.order = {.client = {get_u32(bytes.data + 8)},
                                       .generation = get_u64(bytes.data + 12),
                                       .days = get_u32(bytes.data + 20),
                                       .level = get_u32(bytes.data + 24),
                                       .promises_count = get_u32(bytes.data + 196)},
                             .all = get_u32(bytes.data + 28) != 0,
                             .runs_count = get_u32(bytes.data + 200)};
    uint64_t size =
        ORDER_FIXED + (uint64_t)work.order.promises_count * 8 + (uint64_t)work.runs_count * 16;
    if (work.order.client.value == 0 || work.order.generation == 0 || work.order.level == 0 ||
        work.order.level > 19 || work.order.promises_count > SOURCES_MAX || bytes.size != size) {
        return ERR_CORRUPT;
    }
    memcpy(work.order.seed, bytes.data + 36, 32);
    memcpy(work.order.key.bytes, bytes.data + 68, 32);
    for (size_t i = 0; i < SEGMENT_REPLACES_MAX; i++) {
        work.order.replaces[i] = get_u64(bytes.data + 100 + 8 * i);
    }
    struct keep_rule *promises = ARENA_ARRAY(mem, struct keep_rule, work.order.promises_count + 1);
    struct seal_run *runs = ARENA_ARRAY(mem, struct seal_run, work.runs_count + 1);
    if (promises == NULL || runs == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < work.order.promises_count; i++) {
        const char *row = bytes.data + ORDER_FIXED + 8 * i;
        promises[i] = (struct keep_rule){{get_u32(row)}, get_u32(row + 4)};
    }
    work.order.promises = promises;
    size_t at = ORDER_FIXED + work.order.promises_count * 8;
    if (!runs_decode(&work, str_slice(bytes, at, bytes.size), runs)) {
        return ERR_CORRUPT;
    }
    *ret = work;
    return OK;
}

/* Whether the leaf is one of those asked for; indexes ascend from call to call. */
static bool run_holds(const struct seal_work *work, size_t *at, uint64_t index)
{
    while (*at < work->runs_count && work->runs[*at].first + work->runs[*at].count <= index) {
        (*at)++;
    }
    return *at < work->runs_count && work->runs[*at].first <= index;
}

static enum err note_write(void *context, uint64_t sequence, struct str kind, struct str hash)
{
    return segment_note(context, sequence, kind, hash);
}

static enum err leaf_prove(const uint8_t salt[FRAME_SALT_SIZE], const struct merge_leaf *leaf,
                           const struct batch *batch, struct why *why)
{
    unsigned form = 0;
    enum err err = batch->events == leaf->events
                       ? leaf_form(salt, leaf->first, batch, &leaf->hash, &form)
                       : OK;
    if (err == ERR_LIMIT || (err == OK && form == 0)) {
        err = why_say(why, ERR_CORRUPT, 0, "leaf %llu is not that of its records",
                      (unsigned long long)leaf->index);
    }
    return err;
}

static enum err leaf_mark(const struct segment_order *order, const struct merge_leaf *leaf,
                          const uint8_t salt[FRAME_SALT_SIZE], const struct batch *batch,
                          struct hash_wide *ret)
{
    char beside[24 + SHA256_SIZE];
    struct hash_run *run = hash_begin(get_u64(order->seed));
    if (run == NULL) {
        return ERR_MEMORY;
    }
    put_u64(beside, leaf->index);
    put_u64(beside + 8, leaf->first);
    put_u32(beside + 16, leaf->source.value);
    put_u32(beside + 20, batch->events);
    memcpy(beside + 24, leaf->hash.bytes, SHA256_SIZE);
    hash_add(run, str_of(beside, sizeof beside));
    hash_add(run, str_of(salt, FRAME_SALT_SIZE));
    for (uint32_t i = 0; i < batch->events; i++) {
        struct event event;
        char before[12];
        batch_event(batch, i, &event);
        put_u32(before, (uint32_t)event.record.size);
        put_u64(before + 4, (uint64_t)event.received.ns);
        hash_add(run, str_of(before, sizeof before));
        hash_add(run, event.record);
    }
    *ret = hash_end(run);
    return OK;
}

static enum err leaf_write(struct sealing *sealing, struct merge *merge,
                           const struct merge_leaf *leaf, struct why *why)
{
    struct hash_wide mark;
    struct segment_leaf row = {.index = leaf->index,
                               .source = leaf->source,
                               .first = leaf->first,
                               .events = leaf->events,
                               .hash = leaf->hash};
    struct batch batch;
    const uint32_t *rows;
    enum err err = merge_batch(merge, row.salt, &batch, &rows, why);
    err = err == OK ? leaf_prove(row.salt, leaf, &batch, why) : err;
    err = err == OK ? leaf_mark(&sealing->work.order, leaf, row.salt, &batch, &mark) : err;
    err = err == OK ? segment_add(sealing->writer, &row, &batch) : err;
    return err == OK ? buf_append(&sealing->marks, str_of(&mark, sizeof mark)) : err;
}

static enum err leaves_write(struct sealing *sealing, struct reader *reader, struct why *why)
{
    const struct seal_work *work = &sealing->work;
    struct wanted wanted = {.whole = true, .note = note_write, .note_context = sealing->writer};
    struct merge merge;
    struct merge_leaf leaf;
    size_t at = 0;
    uint64_t missing = 0;
    enum err err = merge_init(&merge, reader, work->order.client, &wanted, why);
    if (err != OK) {
        return err;
    }
    for (size_t i = 0; i < work->runs_count; i++) {
        missing += work->runs[i].count;
    }
    while (err == OK && missing > 0) {
        err = merge_next(&merge, &leaf, why);
        if (err == OK && run_holds(work, &at, leaf.index)) {
            err = leaf_write(sealing, &merge, &leaf, why);
            missing -= err == OK;
            err = err == ERR_CORRUPT && !work->all ? OK : err;
        }
    }
    merge_done(&merge);
    if (!work->all) {
        return err == ERR_NOT_FOUND || err == ERR_LIMIT ? OK : err;
    }
    return err == ERR_NOT_FOUND ? why_say(why, ERR_CORRUPT, 0, "a leaf cannot be read") : err;
}

/* The next leaf of what was made, against its mark. */
static enum err leaf_read(struct sealing *sealing, struct merge *merge, size_t at, struct why *why)
{
    uint8_t salt[FRAME_SALT_SIZE];
    struct merge_leaf leaf;
    struct batch batch;
    struct hash_wide mark;
    const uint32_t *rows;
    enum err err = merge_next(merge, &leaf, why);
    err = err == OK ? merge_batch(merge, salt, &batch, &rows, why) : err;
    err = err == OK ? leaf_mark(&sealing->work.order, &leaf, salt, &batch, &mark) : err;
    if (err == OK && (at >= sealing->marks.size / sizeof mark ||
                      memcmp(sealing->marks.data + at * sizeof mark, &mark, sizeof mark) != 0)) {
        err = why_say(why, ERR_CORRUPT, 0, "leaf %llu is not read back as it was written",
                      (unsigned long long)leaf.index);
    }
    return err;
}

static enum err made_prove(struct sealing *sealing, struct file *file,
                           const struct segment_head *head, struct why *why)
{
    const struct segment_order *order = &sealing->work.order;
    struct reader_segment made = {
        .grant = {order->client, order->generation, order->key}, .head = *head, .file = file};
    struct wanted wanted = {.whole = true, .prove = true};
    struct reader *reader;
    struct merge merge;
    uint64_t proved = 0;
    enum err err = reader_new(&reader);
    if (err != OK) {
        return err;
    }
    reader_records_only(reader, true); /* marks are of no more; the other columns are proved */
    reader->segments = &made;
    reader->segments_count = 1;
    err = merge_init(&merge, reader, order->client, &wanted, why);
    bool begun = err == OK;
    while (err == OK) {
        err = leaf_read(sealing, &merge, (size_t)proved, why);
        proved += err == OK;
    }
    if (begun) {
        merge_done(&merge);
    }
    reader->segments = NULL;
    reader->segments_count = 0;
    reader_close(reader);
    secret_forget(&made, sizeof made);
    if (err == ERR_NOT_FOUND && proved == head->leaves) {
        return OK;
    }
    return err == ERR_NOT_FOUND
               ? why_say(why, ERR_CORRUPT, 0, "what was written cannot be read back")
               : err;
}

enum err seal_make(const struct scope *scope, struct reader *reader, struct str order,
                   struct file *output, struct why *why)
{
    struct sealing sealing = {0};
    struct segment_head head;
    struct arena *mem = arena_new(SEAL_ORDER_MAX * 4);
    buf_init(&sealing.marks, SEGMENT_LEAVES_MAX * sizeof(struct hash_wide));
    enum err err = mem == NULL ? ERR_MEMORY : seal_order_decode(order, mem, &sealing.work);
    if (err == OK && !scope_allows(scope, sealing.work.order.client, RIGHT_APPEND)) {
        err = ERR_DENIED;
    }
    err = err == OK ? segment_writer_new(output, &sealing.work.order, &sealing.writer) : err;
    err = err == OK ? leaves_write(&sealing, reader, why) : err;
    err = err == OK ? segment_end(sealing.writer, &head) : err;
    segment_writer_free(sealing.writer);
    err = err == OK ? made_prove(&sealing, output, &head, why) : err;
    buf_done(&sealing.marks);
    secret_forget(&sealing, sizeof sealing);
    arena_free(mem);
    return err;
}
