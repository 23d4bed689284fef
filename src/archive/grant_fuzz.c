/* A grant with any bytes: refused, or written back equal. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "archive/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct grant grant;
    struct buf out;
    buf_init(&out, 4096);
    if (grant_decode(str_of(data, size), &grant) == OK &&
        (grant_encode(&grant, &out) != OK || out.size != size ||
         memcmp(out.data, data, size) != 0)) {
        abort();
    }
    buf_done(&out);
    return 0;
}
