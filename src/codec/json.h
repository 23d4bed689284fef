#pragma once

/*
 * JSON texts from outside: leaf by leaf (the door to simdjson), or as a tree.
 *
 *     json_walk → call, call, …
 *     json_parse → yaml_get, children … (everything dies with mem)
 *
 * Of the walk: names are dotted ("a.b"), members of lists repeat the list's name, escapes in names
 * are undone. Values are told by where they stand in the text; nothing of them is copied or
 * unescaped.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "base/limits.h"
#include "base/str.h"
#include "base/why.h"

enum json_kind {
    JSON_STRING, /* offset and size are those of the inside, without the quotes */
    JSON_SCALAR, /* a number, true or false */
    JSON_NULL,   /* null, or an empty object or list */
};

/* path lives until the call returns; one longer than NAME_SIZE_MAX comes cut to one byte more than
 * that, so that whoever minds the limit sees it. */
typedef void json_leaf_call(void *context, struct str path, size_t offset, size_t size,
                            enum json_kind kind);

/* Walks one object, the whole of text but for blanks around it, in its order.  ERR_SYNTAX if it is
 * no object or no valid JSON (RFC 8259, UTF-8); ERR_LIMIT if it nests deeper than NESTING_MAX.
 * After an error some leaves may have been told already. */
NODISCARD enum err json_walk(struct str text, json_leaf_call *call, void *context, struct why *why);

struct arena;
struct yaml_node;

/* One value, the whole of text but for blanks around it, as a tree in mem (codec/yaml.h): numbers,
 * true, false and null are plain scalars, strings are scalars without their escapes.  ERR_SYNTAX
 * (also for a name that stands twice in an object) and ERR_LIMIT say where. */
NODISCARD enum err json_parse(struct str text, struct arena *mem, struct yaml_node **ret,
                              struct why *why);

#ifdef __cplusplus
}
#endif
