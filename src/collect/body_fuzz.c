/* The parts of a body hold each of its records once, in order, within the limits. */

#include <stdint.h>
#include <stdlib.h>

#include "collect/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct body_cursor parts = {.rest = str_of(data, size)};
    struct body_cursor lines = parts;
    struct body_part part;
    struct str line;
    struct str expected;
    uint32_t count = 0;
    while (body_part(&parts, &part)) {
        struct body_cursor at = part.from;
        uint32_t records = 0;
        at.rest.size = (size_t)(part.end - at.rest.data);
        while (body_line(&at, &line)) {
            if (!body_line(&lines, &expected) || expected.data != line.data ||
                expected.size != line.size || at.line != lines.line) {
                abort();
            }
            records += line.size <= RECORD_SIZE_MAX ? 1 : 0;
        }
        if (records != part.records || records > EVENTS_PER_BATCH_MAX) {
            abort();
        }
        count += records > 0 ? 1 : 0;
    }
    if (body_line(&lines, &expected) || count != body_parts(str_of(data, size))) {
        abort();
    }
    return 0;
}
