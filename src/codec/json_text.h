#pragma once

/* The texts inside JSON: escapes undone and made (RFC 8259, section 7). */

#include "base/arena.h"
#include "base/buf.h"

/* The inside of a JSON string without its escapes: borrowed if it has none, else made in mem.
 * Lone surrogates become U+FFFD.  ERR_SYNTAX for a broken escape. */
NODISCARD enum err json_unescape(struct str raw, struct arena *mem, struct str *ret);

/* The offset of the first escape of a JSON text that RFC 8259 does not know, or STR_NONE: once over
 * all its strings. */
size_t json_escapes_check(struct str text);

/* Appends text as a JSON string, quotes included.  Bytes that are not UTF-8 come out as U+FFFD, one
 * for each; control characters, C1 and those of direction too, as escapes. */
NODISCARD enum err json_print(struct buf *out, struct str text);
