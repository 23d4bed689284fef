#pragma once

/* Finding a zone by its name.  For calendar.c alone. */

#include "calendar/calendar.h"
#include "codec/zone.h"

/* Borrowed from zones.  ERR_NOT_FOUND, with a sentence, for a name without a zone. */
NODISCARD enum err zones_find(struct zones *zones, struct str name, const struct zone **ret,
                              struct why *why);
