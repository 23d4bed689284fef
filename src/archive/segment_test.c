/* The file by itself: what was written in version 1 is read for ever.  HINOMI_GOLDEN=FILE writes
 * such a file there, for a version that is new. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/leaves.h"
#include "archive/segment_private.h"
#include "base/limits.h"
#include "event/builder.h"
#include "testing/testing.h"

#define LEAVES 6

/* One leaf of the golden segment: the key and the seed are zeros, the salts the leaf's index. */
static void golden_leaf(unsigned index, struct builder *builder, struct arena *mem,
                        struct segment_leaf *ret, struct batch *ret_batch)
{
    struct str bytes;
    unsigned form;
    *ret = (struct segment_leaf){
        .index = 10 + index, .source = {70 + index % 2}, .first = 101 + 3 * index, .events = 3};
    memset(ret->salt, (int)index, sizeof ret->salt);
    for (unsigned i = 0; i < ret->events; i++) {
        char record[80];
        int size = snprintf(record, sizeof record, "golden %u user=%s", index * 3 + i,
                            i == 1 ? "sato" : "suzuki");
        CHECK(builder_begin(builder, str_of(record, (size_t)size),
                            (struct wall){(1700000000 + index) * NS_PER_SECOND}) == OK);
        builder_span(builder, STR("user.name"), (uint32_t)(strstr(record, "user=") - record) + 5,
                     i == 1 ? 4 : 6, SPAN_RAW);
        CHECK(builder_end(builder) == OK);
    }
    CHECK(builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, ret_batch, NULL) == OK);
    struct leaf_head head;
    CHECK(leaf_told(ret->salt, ret->first, ret_batch, &head) == OK);
    ret->hash = leaf_hash(&head);
    CHECK(leaf_form(ret->salt, ret->first, ret_batch, &ret->hash, &form) == OK && form == 2);
}

static void golden_write(struct file *file, struct segment_head *ret)
{
    const struct keep_rule promises[] = {{{70}, 30}};
    const struct segment_order order = {.client = {7},
                                        .generation = 5,
                                        .days = 30,
                                        .level = 3,
                                        .replaces = {2, 3},
                                        .promises = promises,
                                        .promises_count = 1};
    struct segment_writer *writer;
    struct arena *mem = arena_new(64 << 20);
    CHECK(segment_writer_new(file, &order, &writer) == OK);
    CHECK(segment_note(writer, 101, STR("rules"), STR("00ff")) == OK);
    for (unsigned i = 0; i < LEAVES; i++) {
        struct segment_leaf leaf;
        struct batch batch;
        struct builder *builder =
            builder_new((struct client_id){7}, (struct source_id){70 + i % 2});
        golden_leaf(i, builder, mem, &leaf, &batch);
        CHECK(segment_add(writer, &leaf, &batch) == OK);
        builder_free(builder);
    }
    CHECK(segment_end(writer, ret) == OK);
    segment_writer_free(writer);
    arena_free(mem);
}

static enum err note_check(void *context, uint64_t sequence, struct str kind, struct str hash)
{
    CHECK(sequence == 101 && str_equal(kind, STR("rules")) && str_equal(hash, STR("00ff")));
    ++*(unsigned *)context;
    return OK;
}

static void blocks_check(struct segment *segment, struct arena *mem)
{
    unsigned index = 0;
    const uint8_t *salts;
    CHECK(segment_salts(segment, mem, &salts, NULL) == OK);
    for (size_t b = 0; b < segment_head(segment)->blocks; b++) {
        struct str data;
        struct block *block;
        CHECK(segment_read(segment, b, mem, &data, NULL) == OK);
        CHECK(block_open(data, mem, &block, NULL) == OK);
        for (size_t i = 0; i < block_leaves(block); i++, index++) {
            struct block_leaf leaf;
            struct batch batch, was;
            struct segment_leaf row;
            const uint32_t *rows;
            unsigned form = 0;
            struct builder *builder =
                builder_new((struct client_id){7}, (struct source_id){70 + index % 2});
            golden_leaf(index, builder, mem, &row, &was);
            block_leaf(block, i, &leaf);
            CHECK(leaf.first == row.first && leaf.events == 3);
            CHECK(block_batch(block, i, NULL, mem, &batch, &rows, NULL) == OK);
            CHECK(leaf_form(salts + index * SEGMENT_SALT_SIZE, leaf.first, &batch, &row.hash,
                            &form) == OK);
            CHECK(form == 2);
            builder_free(builder);
        }
    }
    CHECK(index == LEAVES);
}

static void golden_check(struct file *file)
{
    const struct sha256 key = {{0}};
    struct segment_head head;
    struct segment_source *sources;
    struct segment_leaf *leaves;
    struct segment *segment;
    size_t count;
    unsigned notes = 0;
    struct arena *mem = arena_new((size_t)256 << 20);
    CHECK(segment_head_read(file, &head, NULL) == OK);
    CHECK(head.client.value == 7 && head.generation == 5 && head.days == 30);
    CHECK(head.first == 101 && head.last == 118 && head.leaf_first == 10 && head.leaf_last == 15);
    CHECK(head.events == 18 && head.replaces[0] == 2 && head.replaces[1] == 3);
    CHECK(segment_body_check(file, &head, NULL) == OK);
    CHECK(segment_sources(file, &head, mem, &sources, &count, NULL) == OK);
    CHECK(count == 2 && sources[0].days == 30 && sources[1].days == KEEP_UNKNOWN);
    CHECK(sources[0].events == 9 && sources[1].source.value == 71);
    CHECK(segment_leaves(file, &head, mem, &leaves, NULL) == OK);
    CHECK(leaves[5].index == 15 && leaves[5].first == 116);
    CHECK(segment_open(file, &key, &segment, NULL) == OK);
    CHECK(segment_notes(segment, note_check, &notes, NULL) == OK && notes == 1);
    blocks_check(segment, mem);
    segment_close(segment);
    arena_free(mem);
}

TEST(a_segment_reads_as_it_was_written)
{
    char path[512];
    struct file *file;
    struct segment_head head;
    const char *golden = getenv("HINOMI_GOLDEN");
    (void)snprintf(path, sizeof path, "%s/golden.segment", testing_folder());
    if (golden != NULL) {
        (void)snprintf(path, sizeof path, "%s", golden);
    }
    CHECK(disk_open(disk_real(), path, DISK_WRITE_NEW, &file, NULL) == OK);
    golden_write(file, &head);
    CHECK(file_sync(file) == OK);
    golden_check(file);
    file_close(file);
}

TEST(a_segment_of_version_1_is_read_for_ever)
{
    char path[512];
    struct file *file;
    const char *root = getenv("HINOMI_ROOT");
    (void)snprintf(path, sizeof path, "%s/tests/corpus/segment_fuzz/golden-1.segment",
                   root == NULL ? "." : root);
    if (disk_open(disk_real(), path, DISK_READ, &file, NULL) != OK) {
        testing_skip("HINOMI_ROOT does not lead to the golden file");
        return;
    }
    golden_check(file);
    file_close(file);
}
