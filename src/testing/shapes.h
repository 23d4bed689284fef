#pragma once

/*
 * Text that keeps its shape while it is made worse: for fuzz targets, so that what they are given
 * gets past the first look of a reader (R-E2 of docs/requirements.md).
 *
 *     shapes_change(data, size, room, seed) → the new size
 *     shapes_retype(data, size, room, seed) → the new size, JSON stays JSON
 *
 * Both work in place, on any bytes; the result is at most room bytes, and the same for the same
 * seed.  Pieces are what most languages agree about: words, numbers, quoted strings, and what
 * stands between brackets.
 */

#include <stddef.h>
#include <stdint.h>

/* One piece is doubled, taken away, exchanged for another one, wrapped, repeated, or its number is
 * moved to where numbers go wrong.  size unchanged if nothing can be done. */
size_t shapes_change(uint8_t *data, size_t size, size_t room, uint32_t seed);

/* One value, no name of a member, becomes a value of another type: a string a list, a number a
 * string, an object null. */
size_t shapes_retype(uint8_t *data, size_t size, size_t room, uint32_t seed);
