/* RELP and Lumberjack: however a stream is cut into reads, the frames are the same. */

#include <stdint.h>
#include <stdlib.h>

#include "collect/connection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    bool relp;
    struct relp_reader of_relp;
    struct lumberjack_reader of_lumberjack;
};

static enum frame_found next(struct reading *reading, struct str input, size_t *ret_used,
                             struct buf *out)
{
    struct relp_frame relp = {0};
    struct lumberjack_frame lumberjack = {0};
    enum frame_found found =
        reading->relp ? relp_next(&reading->of_relp, input, ret_used, &relp)
                      : lumberjack_next(&reading->of_lumberjack, input, ret_used, &lumberjack);
    struct str data = reading->relp ? relp.data : lumberjack.data;
    unsigned number = reading->relp ? relp.number : lumberjack.number;
    bool frame = found == FOUND_FRAME || found == FOUND_TOO_LONG;
    if (*ret_used > input.size || (frame && *ret_used == 0)) {
        abort();
    }
    if (found != FOUND_MORE && (buf_print(out, "%d %u %zu ", (int)found, frame ? number : 0,
                                          found == FOUND_FRAME ? data.size : 0) != OK ||
                                (found == FOUND_FRAME && buf_append(out, data) != OK))) {
        abort();
    }
    return found;
}

static void run(struct reading reading, struct str stream, struct str cuts, struct buf *out)
{
    struct buf held;
    enum frame_found found = FOUND_MORE;
    size_t at = 0;
    buf_init(&held, 4 * 1024 * 1024);
    for (size_t i = 0; at < stream.size && found != FOUND_LIE; i++) {
        size_t step = cuts.size > 0 ? (size_t)(uint8_t)cuts.data[i % cuts.size] + 1 : stream.size;
        if (buf_append(&held, str_slice(stream, at, step)) != OK) {
            abort();
        }
        at += step;
        do {
            size_t used = 0;
            found = next(&reading, buf_str(&held), &used, out);
            buf_consume(&held, used);
        } while (found == FOUND_FRAME || found == FOUND_TOO_LONG);
    }
    buf_done(&held);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole;
    struct buf cut;
    if (size < 4) {
        return 0;
    }
    struct reading reading = {.relp = data[0] % 3 == 0,
                              .of_lumberjack = {.inner = data[0] % 3 == 2}};
    struct str stream = str_of(data + 4, size - 4);
    buf_init(&whole, 64 * 1024 * 1024);
    buf_init(&cut, 64 * 1024 * 1024);
    run(reading, stream, (struct str){0}, &whole);
    run(reading, stream, str_of(data + 1, 3), &cut);
    if (!str_equal(buf_str(&whole), buf_str(&cut))) {
        abort();
    }
    buf_done(&whole);
    buf_done(&cut);
    return 0;
}
