/* Whatever a chunk holds, each of its records is a JSON object and lies in the chunk.  The first
 * byte chooses: 0, the rest are the chunk's bytes behind its header; otherwise they change a
 * well-formed chunk, four bytes a change: where (u16), how (0: set, 1: add, 2: as u16, 3: as u32),
 * value. */

#include <stdint.h>
#include <stdlib.h>

#include "codec/evtx_fixture_test.h"
#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void leaf_ignore(void *context, struct str path, size_t offset, size_t size,
                        enum json_kind kind)
{
    (void)context, (void)path, (void)offset, (void)size, (void)kind;
}

static enum err record_check(void *context, const struct evtx_record *record)
{
    (void)context;
    if (record->offset >= EVTX_CHUNK_SIZE ||
        json_walk(record->json, leaf_ignore, NULL, NULL) == ERR_SYNTAX) {
        abort();
    }
    return OK;
}

/* A nested fragment, a list and two templates; each record stands twice, since the second uses what
 * the first defined. */
static void chunk_build(struct fixture *fixture)
{
    fixture_begin(fixture);
    for (int i = 0; i < 2; i++) {
        fixture_event(fixture, "C:\\Windows\\a.exe", 0x81, "a\0\0\0b\0\0\0", 8);
        record_begin(fixture);
        element_open(fixture, "Event", 0, 0);
        start_close(fixture);
        element_open(fixture, "UserData", 0, 0);
        start_close(fixture);
        instance_begin(fixture, fixture->definition);
        fixture_u32(fixture, 4);
        slot_type(fixture, 4, 0x14);
        slot_type(fixture, 16, 0x13);
        slot_type(fixture, 13, 0x21);
        slot_type(fixture, 8, 0x0c);
        fixture_u32(fixture, 0x1410);
        memcpy(fixture->bytes + fixture->at, "\1\2\0\0\0\0\0\5\40\0\0\0\40\2\0\0", 16);
        fixture->at += 16;
        instance_begin(fixture, fixture->definition);
        fixture->at += 3; /* with too few bytes for its slots */
        fixture_u64(fixture, 0x3fb999999999999aULL);
        element_close(fixture);
        element_close(fixture);
        record_end(fixture);
    }
}

static void chunk_change(struct fixture *fixture, const uint8_t *data, size_t size)
{
    for (; size >= 4; data += 4, size -= 4) {
        size_t at = 512 + get_u16(data) % (fixture->at - 512);
        unsigned char *to = fixture->bytes + at;
        switch (data[2] % 4) {
        case 0:
            *to = data[3];
            break;
        case 1:
            *to = (unsigned char)(*to + data[3]);
            break;
        case 2:
            put_u16(to, (uint16_t)(data[3] * 257U));
            break;
        default:
            put_u32(to, 512U + data[3] * 4U);
            break;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fixture fixture;
    static struct evtx *evtx;
    struct evtx_damage damage;
    if (evtx == NULL) {
        evtx = evtx_new();
    }
    if (size == 0 || evtx == NULL) {
        return 0;
    }
    chunk_build(&fixture);
    if (data[0] == 0) {
        size_t room = sizeof fixture.bytes - 512;
        memset(fixture.bytes + 512, 0, room);
        memcpy(fixture.bytes + 512, data + 1, size - 1 < room ? size - 1 : room);
    } else {
        chunk_change(&fixture, data + 1, size - 1);
    }
    /* A copy of just that size, so that the sanitizer sees a byte read behind it. */
    size_t length = data[0] == 0 && size + 511 < EVTX_CHUNK_SIZE ? size + 511 : EVTX_CHUNK_SIZE;
    char *copy = malloc(length);
    if (copy != NULL) {
        memcpy(copy, fixture.bytes, length);
        if (evtx_chunk(evtx, str_of(copy, length), record_check, NULL, &damage) != OK) {
            abort();
        }
    }
    free(copy);
    return 0;
}
