/* Front takes bindings as outside bytes: none may lead it astray. */

#include <stdint.h>
#include <stdlib.h>

#include "tenant/tenant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *mem = arena_new(64 << 20);
    struct bindings bindings;
    if (mem != NULL && bindings_decode(str_of(data, size), mem, &bindings) == OK) {
        for (size_t i = 0; i < bindings.count; i++) {
            const struct binding *binding = &bindings.list[i];
            if (binding->client.value == 0 || binding->source.value == 0 ||
                binding->listener.size == 0 || binding->parser.size == 0 ||
                (binding->networks_count > 0 &&
                 binding->networks[binding->networks_count - 1].prefix > 128)) {
                abort();
            }
        }
    }
    arena_free(mem);
    return 0;
}
