/* Lots cross from core to desk.  Whatever comes is taken or refused; what is taken can be written
 * as the same bytes, and looking at it asks for nothing impossible. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/keeping.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct promise_stretch stretch = {{0}, {INT64_MIN}, 30};
    const struct promise promise = {{1}, &stretch, 1};
    const struct promises promises = {&promise, 1};
    const struct hold_span span = {.from = WALL_NONE, .to = {1000}};
    const struct keeping keeping = {&promises, &span, 1, 100};
    struct str bytes = str_of(data, size);
    struct lot lot;
    struct keep_view view;
    struct buf out;
    struct arena *mem = arena_new((size_t)4 << 20);
    if (mem == NULL) {
        return 0;
    }
    buf_init(&out, (size_t)4 << 20);
    while (lot_decode(&bytes, mem, &lot) == OK) {
        keeping_look(&keeping, &lot, (struct wall){1790000000000000000}, &view);
        if (lot_encode(&lot, &out) != OK) {
            abort();
        }
    }
    if (out.size > size || (out.size > 0 && memcmp(out.data, data, out.size) != 0)) {
        abort();
    }
    buf_done(&out);
    arena_free(mem);
    return 0;
}
