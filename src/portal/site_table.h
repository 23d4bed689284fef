#pragma once

/* What tools/site.py makes: files in the order of their paths' bytes. */

#include "portal/site.h"

extern const struct site_file site_table[];
extern const size_t site_table_count;
