/* Batches come from processes that read hostile input: no bytes may lead core outside them.  Their
 * tables come back from outlines, and no bytes taken for outlines lead outside either. */

#include <stdint.h>
#include <stdlib.h>

#include <string.h>

#include "event/outlines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void outlines_try(const struct batch *batch, struct arena *mem)
{
    char *packed = malloc(outlines_bound(batch));
    char *back = malloc(batch->bytes.size);
    size_t size = 0;
    size_t text = 0;
    if (packed == NULL || back == NULL || outlines_pack(batch, mem, packed, &size) != OK ||
        outlines_unpack(str_of(packed, size), mem, back, batch->bytes.size, &text) != OK ||
        text != (size_t)(batch->text.data - batch->bytes.data) ||
        memcmp(back, batch->bytes.data, text) != 0) {
        abort();
    }
    free(back);
    free(packed);
}

static void outlines_hostile(struct str bytes, struct arena *mem)
{
    size_t size = bytes.size < BATCH_HEADER_SIZE ? 0 : get_u32(bytes.data + 4);
    size_t text = 0;
    char *to = size > (1 << 20) ? NULL : malloc(size);
    if (to != NULL && outlines_unpack(bytes, mem, to, size, &text) == OK && text > size) {
        abort();
    }
    free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *mem = arena_new(64 << 20);
    struct batch batch;
    struct why why = {0};
    if (mem != NULL) {
        outlines_hostile(str_of(data, size), mem);
        arena_reset(mem);
    }
    if (mem != NULL && batch_check(str_of(data, size), mem, &batch, &why) == OK) {
        outlines_try(&batch, mem);
        for (uint32_t i = 0; i < batch.events; i++) {
            struct event event;
            batch_event(&batch, i, &event);
            for (uint32_t j = 0; j < event.spans; j++) {
                struct span span;
                struct str value;
                event_span(&event, j, &span);
                if (event_value(&span, mem, &value) == OK && value.size > size) {
                    abort();
                }
            }
        }
    }
    arena_free(mem);
    return 0;
}
