#pragma once

/*
 * What the machine can do with the same bytes: the measures that the benchmark divides by.
 *
 *     yardstick_memcpy, yardstick_tokens
 *
 * They are fixed.  Whoever changes one changes every figure that was ever told.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "base/str.h"

/* Behind the last line there must be as many bytes that may be read. */
#define YARDSTICK_PADDING 64

/* Copies every line, one behind the other, into a window of window_size bytes that begins anew when
 * it is full; a line is never larger.  Returns the bytes copied. */
size_t yardstick_memcpy(const struct str *lines, size_t count, char *window, size_t window_size);

/* One pass of simdjson On-Demand over each line: the raw key and the raw token of every field, also
 * of those in objects and lists.  Returns the sum of the tokens' sizes, 0 if a line is no object.
 */
size_t yardstick_tokens(const struct str *lines, size_t count);

#ifdef __cplusplus
}
#endif
