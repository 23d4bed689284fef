#pragma once

/* Percent-encoding (RFC 3986, section 2.1), as paths and queries carry it. */

#include "base/arena.h"

/* plus_is_blank: as forms have it.  ERR_SYNTAX for a broken escape, and for a control character,
 * which nobody types. */
NODISCARD enum err percent_decode(struct str s, bool plus_is_blank, struct arena *mem,
                                  struct str *ret);
