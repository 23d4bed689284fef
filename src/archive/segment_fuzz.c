/* A segment's head, tables, directory and pieces, under a key that fits; and an order to a worker.
 */

#include <stdint.h>
#include <string.h>

#include "archive/seal_private.h"
#include "archive/segment_private.h"
#include "sys/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void segment_try(struct file *file, struct arena *mem)
{
    struct segment_head head;
    struct segment_source *sources;
    struct segment_leaf *leaves;
    struct segment *segment;
    size_t count;
    const struct sha256 key = {{0}};
    if (segment_head_read(file, &head, NULL) != OK) {
        return;
    }
    (void)!segment_sources(file, &head, mem, &sources, &count, NULL);
    (void)!segment_leaves(file, &head, mem, &leaves, NULL);
    (void)!segment_body_check(file, &head, NULL);
    if (segment_open(file, &key, &segment, NULL) == OK) {
        for (size_t i = 0; i < head.blocks; i++) {
            struct str data;
            (void)!segment_read(segment, i, mem, &data, NULL);
        }
        segment_close(segment);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fake *fake = fake_new();
    struct arena *mem = arena_new((size_t)256 << 20);
    struct file *file;
    char head[SEGMENT_HEAD_SIZE];
    struct seal_work work;
    struct segment_head decoded;
    if (fake == NULL || mem == NULL) {
        fake_free(fake);
        arena_free(mem);
        return 0;
    }
    (void)!seal_order_decode(str_of(data, size), mem, &work);
    if (disk_open(fake_disk(fake), "./segment", DISK_WRITE_NEW, &file, NULL) == OK) {
        if (size > SEGMENT_HEAD_SIZE && file_write(file, 0, data, size) == OK) {
            segment_try(file, mem);
            /* The same as if its hash had been made for it: what is behind the hash is hostile too.
             */
            memcpy(head, data, sizeof head);
            struct sha256 hash = sha256_of_bytes(str_of(head, SEGMENT_HEAD_SIZE - SHA256_SIZE));
            memcpy(head + SEGMENT_HEAD_SIZE - SHA256_SIZE, hash.bytes, SHA256_SIZE);
            if (segment_head_decode(head, &decoded) &&
                file_write(file, 0, head, sizeof head) == OK) {
                segment_try(file, mem);
            }
        }
        file_close(file);
    }
    fake_free(fake);
    arena_free(mem);
    return 0;
}
