#pragma once

/*
 * Lists of JSON objects that are records each, as services hand them over: "[{…}, {…}]" of an
 * export,
 * {"Records": [{…}, …]} of CloudTrail's files, {"records": [{…}, …]} of Azure Monitor.
 *
 *     json_list_begin → json_list_next …
 */

#include "base/str.h"

/* Whether a list begins at the start of a text (blanks are passed over); *ret is the offset of its
 * first object. */
bool json_list_begin(struct str text, size_t *ret);
/* The object at *at, which moves to the next one; false where none stands, with *at behind the
 * list, or where it stopped being one. */
bool json_list_next(struct str text, size_t *at, struct str *ret);
