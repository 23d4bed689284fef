/* No bytes break it, whatever they are said to be; cut otherwise they give the same text; the ratio
 * holds.  The first byte says the kind and where to cut. */

#include <stdint.h>
#include <stdlib.h>

#include "base/limits.h"
#include "codec/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err run(enum inflate_kind kind, struct str packed, size_t piece, struct buf *out)
{
    struct inflate *inflate;
    enum err err = inflate_new(kind, &inflate);
    if (err != OK) {
        return err;
    }
    size_t in = packed.size;
    while (packed.size > 0 && err == OK) {
        struct str part = str_slice(packed, 0, piece);
        packed = str_slice(packed, piece, packed.size);
        size_t before;
        do {
            before = out->size;
            err = inflate_add(inflate, &part, out, 8192);
        } while (err == OK && (part.size > 0 || out->size == before + 8192));
    }
    if (out->size > INFLATE_FREE_SIZE + (in + 1) * INFLATE_RATIO_MAX + 65536) {
        abort();
    }
    err = err == OK ? inflate_end(inflate) : err;
    inflate_free(inflate);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole;
    struct buf cut;
    if (size == 0) {
        return 0;
    }
    enum inflate_kind kind = (enum inflate_kind)(data[0] % 3);
    struct str packed = str_of(data + 1, size - 1);
    buf_init(&whole, 16 << 20);
    buf_init(&cut, 16 << 20);
    enum err first = run(kind, packed, SIZE_MAX, &whole);
    enum err second = run(kind, packed, 1 + data[0] / 3, &cut);
    if ((first == OK) != (second == OK) ||
        (first == OK && !str_equal(buf_str(&whole), buf_str(&cut)))) {
        abort();
    }
    buf_done(&whole);
    buf_done(&cut);
    return 0;
}
