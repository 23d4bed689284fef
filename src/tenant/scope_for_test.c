/* A scope out of nothing.  In a file of its own, so that a program in which no test asks for it
 * does not hold it. */

#include "tenant/private.h"
#include "tenant/tenant.h"

enum err scope_for_test(struct client_id client, uint32_t rights, struct scope **ret)
{
    return scope_new(
        &(struct scope_parts){
            .every_client = client.value == 0,
            .rights = rights,
            .clients = &client.value,
            .count = client.value == 0 ? 0 : 1,
            .principal = STR("test"),
            .purpose = STR("test"),
        },
        ret);
}
