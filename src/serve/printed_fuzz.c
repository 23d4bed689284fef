/* Records are whatever somebody sent: as JSON they are read back, as a row of a table they are one
 * row, and both keep their sizes. */

#include "serve/printed.h"

#include <stdlib.h>

#include "base/limits.h"
#include "codec/json.h"
#include "codec/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Quotes come in pairs, and outside of them nothing ends the row but its end. */
static void row_check(struct str row)
{
    bool inside = false;
    for (size_t i = 0; i < row.size;) {
        size_t length = utf8_sequence(str_slice(row, i, 4));
        must(length > 0);
        inside = row.data[i] == '"' ? !inside : inside;
        must(inside || row.data[i] != '\n' || i + 1 == row.size);
        i += length;
    }
    must(!inside && str_ends(row, STR("\r\n")));
}

static void leaf_pass(void *context, struct str path, size_t offset, size_t size,
                      enum json_kind kind)
{
    (void)context;
    (void)path;
    (void)offset;
    (void)size;
    (void)kind;
}

static void event_check(const struct event *event, struct arena *mem)
{
    const struct place place = {event->batch->client, 1};
    struct json_out json;
    struct buf out;
    buf_init(&out, (size_t)2 * SHOWN_EVENT_MAX);
    json_out_begin(&json, &out);
    printed_event(&json, place, STR("hosts"), event, mem);
    must(json_out_end(&json) == OK && out.size <= SHOWN_EVENT_MAX);
    must(json_walk(buf_str(&out), leaf_pass, NULL, NULL) == OK);
    buf_reset(&out);
    must(printed_row(place, STR("hosts"), event, mem, &out) == OK);
    row_check(buf_str(&out));
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *mem = arena_new((size_t)256 << 20);
    struct batch batch;
    must(mem != NULL);
    if (batch_check(str_of(data, size), mem, &batch, NULL) == OK) {
        for (uint32_t i = 0; i < batch.events && i < 16; i++) {
            struct event event;
            batch_event(&batch, i, &event);
            event_check(&event, mem);
        }
    }
    arena_free(mem);
    return 0;
}
