#pragma once

/*
 * The rooms that work on the ledger, opened together in the order in which they stand on each
 * other: in desk, and by commands on a folder that nobody serves.
 *
 *     rooms_open → … → rooms_close
 */

#include "portal/api.h"

struct rooms {
    struct ledger *ledger;
    struct tenant *tenant;
    struct service *service;
    struct clocks *clocks;
    struct incidents *incidents;
    struct notify *notify;
    struct api *api;
    struct scope *job; /* for the service's own work */
};

struct rooms_settings {
    struct disk *disk;
    const char *folder;   /* the ledger's */
    const char *zoneinfo; /* the time zones' */
    struct str portal_url, mail_from;
};

/* Texts of the settings are kept.  On an error what was opened can be closed. */
NODISCARD enum err rooms_open(const struct rooms_settings *settings, struct wall now,
                              struct rooms *rooms, struct why *why);
void rooms_close(struct rooms *rooms); /* Zero is fine. */
