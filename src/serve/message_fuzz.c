/* A message comes from a process that may have been taken over. */

#include <stdint.h>
#include <stdlib.h>

#include "serve/message.h"
#include "serve/vitals.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct message message;
    if (message_decode(str_of(data, size), &message) == OK && message.type >= MESSAGE_TYPE_COUNT) {
        abort();
    }
    /* What core counted travels in a message, and desk reads it in pieces. */
    struct str rest = str_of(data, size);
    struct vital vital;
    while (rest.size > 0 && vitals_read(&rest, &vital) == OK) {
        if (vital.kinds_count > VIGIL_KINDS_MAX) {
            abort();
        }
    }
    struct stranger stranger;
    for (rest = str_of(data, size); rest.size > 0 && strangers_read(&rest, &stranger) == OK;) {
    }
    return 0;
}
