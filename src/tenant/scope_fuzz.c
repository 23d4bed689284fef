/* A process that was taken over may send any bytes as a scope: what decodes is whole, and encodes
 * to the very same bytes. */

#include <stdint.h>
#include <stdlib.h>

#include "tenant/tenant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scope *scope = NULL;
    struct buf again;
    buf_init(&again, size + 1);
    if (scope_decode(str_of(data, size), &scope) == OK) {
        if (scope_encode(scope, &again) != OK || !str_equal(buf_str(&again), str_of(data, size)) ||
            scope_allows(scope, (struct client_id){0}, RIGHT_READ) ||
            scope_principal(scope).size == 0 || scope_purpose(scope).size == 0) {
            abort();
        }
    }
    buf_done(&again);
    scope_free(scope);
    return 0;
}
