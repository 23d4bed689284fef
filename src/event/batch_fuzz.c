/* Batches come from processes that read hostile input: no bytes may lead core outside them. */

#include <stdint.h>
#include <stdlib.h>

#include "event/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *mem = arena_new(64 << 20);
    struct batch batch;
    struct why why = {0};
    if (mem != NULL && batch_check(str_of(data, size), mem, &batch, &why) == OK) {
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
