/* An authority's answer with any bytes. */

#include <stdint.h>
#include <stdlib.h>

#include "codec/tsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sha256 hash = {{0}};
    struct wall time;
    struct buf token;
    buf_init(&token, TSP_ANSWER_MAX);
    if (tsp_answer(str_of(data, size), &hash, 1, &token, &time, NULL) == OK && token.size == 0) {
        abort();
    }
    buf_done(&token);
    return 0;
}
