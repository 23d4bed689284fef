#pragma once

/*
 * How the records of each source are read: the parser that its binding names, and what header lines
 * have said.
 *
 *     readers_new → readers_parse …     (it ends with the process)
 */

#include "event/builder.h"
#include "tenant/tenant.h"

struct readers;

/* NULL when out of memory. */
struct readers *readers_new(void);
/* The fields of the record begun in `builder`. */
void readers_parse(struct readers *readers, const struct binding *binding, struct str sender,
                   struct wall received, struct builder *builder);
