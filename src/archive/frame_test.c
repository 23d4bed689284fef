/* What a journal was given is read for ever: the folder `golden` has two frames of versions 3
 * and 4, whose payloads differ, a batch and a generation. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/private.h"
#include "event/builder.h"
#include "testing/testing.h"

#define LINES 40

static const uint8_t zeros[AES_KEY_SIZE];

static struct str golden_batch(struct builder *builder)
{
    struct str bytes = {0};
    for (unsigned i = 0; i < LINES; i++) {
        char record[80];
        int size =
            snprintf(record, sizeof record, "golden %u user=%s", i, i % 7 == 1 ? "sato" : "suzuki");
        CHECK(builder_begin(builder, str_of(record, (size_t)size),
                            (struct wall){(1700000000 + i / 3) * NS_PER_SECOND}) == OK);
        builder_span(builder, STR("user.name"), (uint32_t)(strstr(record, "user=") - record) + 5,
                     i % 7 == 1 ? 4 : 6, SPAN_RAW);
        if (i % 5 != 0) {
            builder_derive(builder, STR("log.source.address"), STR("192.0.2.1"));
        }
        builder_class(builder, STR("/golden/"));
        CHECK(builder_end(builder) == OK);
    }
    CHECK(builder_finish(builder, &bytes) == OK);
    return bytes;
}

/* The newest version's file anew, before it is released. */
static void golden_write(const char *path)
{
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){9});
    struct arena *mem = arena_new((size_t)64 << 20);
    struct zstd *zstd = zstd_new_quick();
    struct batch batch;
    struct leaf_head leaf;
    struct buf out;
    struct sha256 key = journal_key(zeros, (struct client_id){7}, 1);
    CHECK(builder != NULL && mem != NULL && zstd != NULL);
    buf_init(&out, 1 << 20);
    CHECK(batch_check(golden_batch(builder), mem, &batch, NULL) == OK);
    CHECK(leaf_told(zeros, 101, &batch, &leaf) == OK);
    struct frame frame = {.kind = FRAME_DATA,
                          .journal = 1,
                          .client = {7},
                          .source = {9},
                          .first = 101,
                          .events = LINES,
                          .leaf = leaf_hash(&leaf)};
    const struct frame_content content = {.batch = &batch};
    CHECK(frame_append(&frame, &key, &content, zeros, zstd, mem, &out) == OK);
    struct frame generation = {.kind = FRAME_GENERATION,
                               .journal = 1,
                               .offset = out.size,
                               .client = {7},
                               .first = 101 + LINES,
                               .chain = frame.hash};
    const struct frame_content note = {.plain = STR("\5rules00ff")};
    CHECK(frame_append(&generation, &key, &note, zeros, zstd, mem, &out) == OK);
    testing_write(path, out.data, out.size);
    buf_done(&out);
    zstd_free(zstd);
    arena_free(mem);
    builder_free(builder);
}

static void golden_check(unsigned version)
{
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){9});
    struct arena *mem = arena_new((size_t)64 << 20);
    struct zstd *zstd = zstd_new_quick();
    struct sha256 key = journal_key(zeros, (struct client_id){7}, 1);
    uint8_t salt[FRAME_SALT_SIZE];
    size_t size;
    char path[512];
    struct frame frame;
    struct batch batch;
    struct str plain = {0};
    bool same = false;
    (void)snprintf(path, sizeof path, "%s/src/archive/golden/journal-%u", testing_root(), version);
    if (version == FRAME_VERSION && getenv("HINOMI_GOLDEN") != NULL) {
        golden_write(path);
    }
    char *bytes = testing_read(path, &size);
    const struct str read = str_of(bytes, size);
    CHECK(builder != NULL && mem != NULL && zstd != NULL);
    CHECK(read.size > FRAME_HEADER_SIZE && frame_decode(read.data, 1, 0, &frame));
    CHECK(frame.version == version && frame.events == LINES && frame_end(&frame) < read.size);
    struct str payload = str_slice(read, FRAME_HEADER_SIZE, frame.payload_size);
    CHECK(frame_unfold(&frame, payload, &key, zstd, mem, salt, &batch, NULL) == OK);
    CHECK(str_equal(batch.bytes, golden_batch(builder)));
    CHECK(frame_leaf_check(&frame, salt, &batch, &same) == OK && same);
    const uint64_t next = frame_end(&frame);
    CHECK(frame_decode(read.data + next, 1, next, &frame) && frame_end(&frame) == read.size);
    CHECK(frame.version == version && frame.kind == FRAME_GENERATION);
    payload = str_slice(read, next + FRAME_HEADER_SIZE, frame.payload_size);
    CHECK(frame_open(&frame, payload, &key, zstd, mem, salt, &plain, NULL) == OK);
    CHECK(str_equal(plain, STR("\5rules00ff")));
    free(bytes);
    zstd_free(zstd);
    arena_free(mem);
    builder_free(builder);
}

TEST(frames_of_every_version_are_read)
{
    golden_check(3);
    golden_check(4);
}
