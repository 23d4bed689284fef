#pragma once

/* Base64 (RFC 4648, section 4), as HTTP and JSON carry it. */

#include "base/buf.h"

/* The bytes in `to`; ERR_SYNTAX unless text is that and nothing else (padding may be missing, but
 * not be wrong); ERR_LIMIT if they do not fit. */
NODISCARD enum err base64_decode(struct str text, char *to, size_t size, struct str *ret);
/* Appends the text. */
NODISCARD enum err base64_append(struct buf *out, struct str bytes);
