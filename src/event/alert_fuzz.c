/* Desk takes alerts as outside bytes: what decodes encodes to the same bytes again. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "event/alert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_of(data, size);
    struct buf again;
    buf_init(&again, size + 64);
    while (rest.size > 0) {
        struct alert alert;
        struct str before = rest;
        if (alert_decode(&rest, &alert) != OK) {
            break;
        }
        buf_reset(&again);
        if (rest.size >= before.size || alert_encode(&alert, &again) != OK ||
            again.size != before.size - rest.size || alert.place.client.value == 0 ||
            (unsigned)alert.level >= LEVEL_COUNT ||
            (unsigned)alert.outcome.severity >= LEVEL_COUNT ||
            memcmp(again.data, before.data, again.size) != 0) {
            abort();
        }
    }
    buf_done(&again);
    return 0;
}
