/* The parts of a body hold each of its records once, in order, within the limits. */

#include <stdint.h>
#include <stdlib.h>

#include "collect/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct body body = {.text = str_of(data, size), .next = plain_next};
    struct cursor parts = {0};
    struct cursor at = {0};
    struct cursor lines = {0};
    struct str line;
    struct str expected = {0};
    const bool lists = str_find_byte(str_of(data, size), '[') != STR_NONE ||
                       str_find_byte(str_of(data, size), '{') != STR_NONE;
    uint32_t records;
    uint32_t count = 0;
    while ((records = body_part(&body, &parts)) > 0) {
        size_t bytes = 0;
        if (records > EVENTS_PER_BATCH_MAX) {
            abort();
        }
        for (uint32_t i = 0; i < records; i++) {
            if (!plain_next(&body, &at, &line)) {
                abort();
            }
            /* Where no list can be, the records are the lines. */
            do {
                if (!lists && !body_line(body.text, &lines, &expected)) {
                    abort();
                }
            } while (!lists && expected.size > RECORD_SIZE_MAX);
            if (!lists && (expected.data != line.data || expected.size != line.size ||
                           at.item != lines.item)) {
                abort();
            }
            bytes += line.size;
        }
        if (at.at != parts.at || (records > 1 && bytes > POST_PART_SIZE)) {
            abort();
        }
        count++;
    }
    if (plain_next(&body, &at, &line) || count != body_parts(&body)) {
        abort();
    }
    return 0;
}
