#pragma once

/* What the files of tenant/ share. */

#include "tenant/tenant.h"

#define RIGHTS_ALL \
    (RIGHT_APPEND | RIGHT_READ | RIGHT_ALERTS | RIGHT_ALERT | RIGHT_BOOKS | RIGHT_MANAGE)

/* ---- scope.c */

struct scope_parts {
    bool every_client;
    uint32_t rights;
    const uint32_t *clients; /* ascending; none if for every client */
    size_t count;
    struct str principal, purpose;
};
/* ERR_SYNTAX if the parts make no scope. */
NODISCARD enum err scope_new(const struct scope_parts *parts, struct scope **ret);
