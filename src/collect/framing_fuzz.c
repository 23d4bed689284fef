/* However a stream is cut into reads, the records are the same. */

#include <stdint.h>
#include <stdlib.h>

#include "collect/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note(struct buf *out, enum frame frame, struct str record)
{
    if (buf_print(out, "%d %zu ", (int)frame, frame == FRAME_RECORD ? record.size : 0) != OK ||
        (frame == FRAME_RECORD && buf_append(out, record) != OK)) {
        abort();
    }
}

/* `cuts` gives the sizes of the reads; without one all is read at once. */
static void run(struct str stream, struct str cuts, struct buf *out)
{
    struct framing framing = {0};
    struct buf held;
    struct str record = {0};
    enum frame frame = FRAME_MORE;
    size_t at = 0;
    buf_init(&held, 4 * 1024 * 1024);
    for (size_t i = 0; at < stream.size && frame != FRAME_LIE; i++) {
        size_t step = cuts.size > 0 ? (size_t)(uint8_t)cuts.data[i % cuts.size] + 1 : stream.size;
        if (buf_append(&held, str_slice(stream, at, step)) != OK) {
            abort();
        }
        at += step;
        do {
            size_t used = 0;
            frame = framing_next(&framing, buf_str(&held), &used, &record);
            if (used > held.size) {
                abort();
            }
            if (frame != FRAME_MORE) {
                note(out, frame, record);
            }
            buf_consume(&held, used);
        } while (frame == FRAME_RECORD || frame == FRAME_TOO_LONG);
    }
    if (frame != FRAME_LIE) {
        frame = framing_end(&framing, buf_str(&held), &record);
        note(out, frame, record);
    }
    buf_done(&held);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole;
    struct buf cut;
    if (size < 1) {
        return 0;
    }
    size_t cuts = data[0] % 8u + 1u;
    if (size < 1 + cuts) {
        return 0;
    }
    struct str stream = str_of(data + 1 + cuts, size - 1 - cuts);
    buf_init(&whole, 64 * 1024 * 1024);
    buf_init(&cut, 64 * 1024 * 1024);
    run(stream, (struct str){0}, &whole);
    run(stream, str_of(data + 1, cuts), &cut);
    if (!str_equal(buf_str(&whole), buf_str(&cut))) {
        abort();
    }
    buf_done(&whole);
    buf_done(&cut);
    return 0;
}
