/*
 * Roles and what each may do.  A role of a provider counts only where an engagement in force (and
 * for all but its administrators an assignment) carries it; that is decided where scopes are made.
 *
 * Always true: no role of a provider may decide (R069), and no role of a client may do the
 * provider's work.
 */

#include "tenant/tenant.h"

#define READS (RIGHT_ALERTS | RIGHT_BOOKS | RIGHT_DOCUMENTS | RIGHT_INCIDENTS)

static const struct {
    const char *name;
    uint32_t rights;
} roles[ROLE_COUNT] = {
    [ROLE_PROVIDER_ADMIN] = {"provider-admin", READS | RIGHT_READ | RIGHT_DRAFT | RIGHT_WORK |
                                                   RIGHT_MANAGE | RIGHT_USERS | RIGHT_AUDIT},
    [ROLE_ENGINEER] = {"engineer", READS | RIGHT_READ | RIGHT_DRAFT},
    [ROLE_ANALYST] = {"analyst", READS | RIGHT_READ | RIGHT_WORK},
    [ROLE_CONSULTANT] = {"consultant", RIGHT_DOCUMENTS | RIGHT_INCIDENTS | RIGHT_DRAFT},
    [ROLE_RESPONSIBLE] = {"responsible", READS | RIGHT_READ | RIGHT_DRAFT | RIGHT_ACT |
                                             RIGHT_DECIDE | RIGHT_USERS | RIGHT_AUDIT},
    [ROLE_CONTACT] = {"contact", READS | RIGHT_READ | RIGHT_DRAFT | RIGHT_ACT},
    [ROLE_VIEWER] = {"viewer", READS},
    [ROLE_AUDITOR] = {"auditor", READS | RIGHT_READ | RIGHT_AUDIT},
    [ROLE_BIDDER] = {"bidder", RIGHT_DOCUMENTS},
};

const char *role_text(enum role role)
{
    return roles[role].name;
}

enum err role_parse(struct str text, enum role *ret)
{
    for (int i = 0; i < ROLE_COUNT; i++) {
        if (str_equal(text, str_from(roles[i].name))) {
            *ret = (enum role)i;
            return OK;
        }
    }
    return ERR_SYNTAX;
}

uint32_t role_rights(enum role role)
{
    return roles[role].rights;
}
