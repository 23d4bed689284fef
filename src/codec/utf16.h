#pragma once

/* UTF-16, little-endian, as Windows keeps its texts. */

#include "base/str.h"

/* What the text of one unit may come to: "\u001f". */
#define UTF16_JSON_UNIT_MAX 6

/* Writes `units` units from `from` (which need not be aligned) as the inside of a JSON string:
 * UTF-8, with the escapes that RFC 8259 asks for.  A lone surrogate comes out as U+FFFD.  `to` has
 * room for UTF16_JSON_UNIT_MAX bytes a unit and 16 more.  Returns where the text ends. */
char *utf16_json(char *to, const void *from, size_t units);

/* One code point in the same form; one that is none as U+FFFD. */
char *utf16_json_point(char *to, uint32_t point);
