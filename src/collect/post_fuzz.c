/* Bodies of every dialect: whatever they hold, each record lies within what was made of the body,
 * is JSON where it must be, and each item of a bulk ends.  The first byte says which dialect. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"
#include "collect/post.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void leaf_ignore(void *context, struct str path, size_t offset, size_t size,
                        enum json_kind kind)
{
    (void)context, (void)path, (void)offset, (void)size, (void)kind;
}

static uint32_t records_check(struct post *post, bool json)
{
    struct cursor cursor = {0};
    struct str record;
    uint32_t count = 0;
    while (post->body.next(&post->body, &cursor, &record)) {
        const char *end = post->body.text.data + post->body.text.size;
        if (record.size == 0 || record.size > RECORD_SIZE_MAX ||
            record.data < post->body.text.data || record.data + record.size > end ||
            (json && json_walk(record, leaf_ignore, NULL, NULL) != OK)) {
            abort();
        }
        count++;
    }
    return count;
}

/* All that was taken ends, some at a time. */
static void bulk_end(struct post *post, uint32_t count)
{
    uint32_t first = count / 2;
    post->dialect->ended(post, first, COMMIT_STORED);
    post->dialect->ended(post, count - first, COMMIT_DUPLICATE);
    for (size_t i = 0; i < post->stretches.size; i++) {
        if (post->stretches.data[i] == 0) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct dialect *const dialects[] = {
        &dialect_lines, &dialect_bulk, &dialect_hec_event, &dialect_hec_raw,
        &dialect_otlp,  &dialect_otlp, &dialect_hec_ack};
    static struct collect *collect;
    static const struct binding binding = {.client = {2}, .source = {3}};
    if (size == 0) {
        return 0;
    }
    if (collect == NULL) {
        collect = calloc(1, sizeof *collect);
        collect->ticking = true; /* There is no timer. */
        map_init(&collect->http_by_client, 16, 0);
        map_init(&collect->quotas, 16, 0);
    }
    size_t choice = data[0] % (sizeof dialects / sizeof *dialects);
    struct post post = {
        .collect = collect, .binding = &binding, .dialect = dialects[choice], .json = choice == 4};
    buf_init(&post.bytes, HTTP_BODY_SIZE_MAX);
    buf_init(&post.text, HTTP_INFLATED_SIZE_MAX);
    buf_init(&post.stretches, HTTP_INFLATED_SIZE_MAX);
    buf_init(&post.reasons, 65536);
    if (buf_append(&post.bytes, str_of(data + 1, size - 1)) == OK) {
        post.body.text = buf_str(&post.bytes);
        if (post.dialect->open(&post)) {
            uint32_t count = records_check(&post, post.dialect != &dialect_lines &&
                                                      post.dialect != &dialect_hec_raw);
            if (count > 0 && body_parts(&post.body) == 0) {
                abort();
            }
            if (post.dialect == &dialect_bulk) {
                bulk_end(&post, count);
            }
        }
    }
    post_memory_give_back(&post);
    collect->rejects_count = 0;
    buf_done(&post.bytes);
    buf_done(&post.text);
    buf_done(&post.stretches);
    buf_done(&post.reasons);
    return 0;
}
