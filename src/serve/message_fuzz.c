/* A message comes from a process that may have been taken over. */

#include <stdint.h>
#include <stdlib.h>

#include "serve/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct message message;
    if (message_decode(str_of(data, size), &message) == OK && message.type >= MESSAGE_TYPE_COUNT) {
        abort();
    }
    return 0;
}
