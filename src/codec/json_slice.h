#pragma once

/*
 * JSON cut where its values stand, without a tree: for texts that are envelopes around what is
 * wanted.
 *
 *     json_value_size;   json_slices → json_slice_next …
 *
 * Only brackets and strings are looked at: what was cut out may be no JSON; json_walk says.
 */

#include "base/str.h"

/* Where the object or list at the start of text ends; STR_NONE if there is none, or its end is not
 * there. */
size_t json_value_size(struct str text);

struct json_slices {
    struct str rest;
    bool object, any;
};
/* ERR_SYNTAX: value is no object and no list. */
NODISCARD enum err json_slices(struct str value, struct json_slices *ret);
/* The next member: its name as it stands without quotes (in a list empty), and its value.
 * ERR_CLOSED at the end; ERR_SYNTAX. */
NODISCARD enum err json_slice_next(struct json_slices *slices, struct str *ret_name,
                                   struct str *ret_value);
