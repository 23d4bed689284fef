/* Scopes out of nothing.  In a file of their own, so that a program in which no test asks for one
 * does not hold them. */

#include <stdio.h>

#include "tenant/private.h"
#include "tenant/tenant.h"

enum err scope_for_test(struct client_id client, uint32_t rights, struct scope **ret)
{
    const struct scope_grant grant = {.client = client.value, .rights = rights};
    return scope_new(
        &(struct scope_parts){
            .grants = &grant,
            .count = 1,
            .principal = STR("test"),
            .purpose = STR("test"),
        },
        ret);
}

enum err scope_for_test_role(struct client_id client, enum role role, struct scope **ret)
{
    const struct scope_grant grant = {client.value, role_rights(role), 1u << role};
    char principal[64];
    (void)snprintf(principal, sizeof principal, "test/%s", role_text(role));
    return scope_new(
        &(struct scope_parts){
            .grants = &grant,
            .count = 1,
            .person = (uint32_t)role + 1,
            .principal = str_from(principal),
            .purpose = STR("test"),
        },
        ret);
}
