#pragma once

/*
 * A piece of text that somebody else owns: a pointer and a size, no terminator.  Whoever keeps a
 * str past the call says *keeps* in the header.  The zero value is the empty text.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct str {
    const char *data;
    size_t size; /* bytes */
};

/* A literal as a str. */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})

/* The two arguments that "%.*s" takes; texts over 4,096 bytes are cut. */
#define STR_ARG(s) ((s).size < 4096 ? (int)(s).size : 4096), ((s).data != NULL ? (s).data : "")

struct str str_from(const char *text); /* NULL gives the empty text. */
static inline struct str str_of(const void *data, size_t size)
{
    struct str text;
    text.data = (const char *)data;
    text.size = size;
    return text;
}

static inline bool str_equal(struct str a, struct str b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}
static inline bool str_starts(struct str s, struct str prefix)
{
    return s.size >= prefix.size &&
           (prefix.size == 0 || memcmp(s.data, prefix.data, prefix.size) == 0);
}
bool str_equal_nocase(struct str a, struct str b); /* ASCII letters only. */
int str_compare(struct str a, struct str b);       /* By bytes, as memcmp; the shorter first. */
bool str_ends(struct str s, struct str suffix);
/* A short name that people type: 1 to SLUG_SIZE_MAX of a-z, 0-9 and '-', which does not begin it.
 */
bool str_is_slug(struct str s);

#define STR_NONE SIZE_MAX
size_t str_find(struct str s, struct str needle); /* The first offset, or STR_NONE. */
static inline size_t str_find_byte(struct str s, char byte)
{
    const char *at = s.size == 0 ? NULL : (const char *)memchr(s.data, byte, s.size);
    return at == NULL ? STR_NONE : (size_t)(at - s.data);
}

/* The part from `from`, at most `size` bytes; both are cut to what is there. */
static inline struct str str_slice(struct str s, size_t from, size_t size)
{
    if (from >= s.size) {
        return str_of(NULL, 0);
    }
    size_t rest = s.size - from;
    return str_of(s.data + from, size < rest ? size : rest);
}
/* Without ASCII blanks (space, tab, CR, LF) at either end. */
struct str str_trim(struct str s);
/* Cuts *rest at the first `byte`: returns what stands before it and leaves what follows in *rest.
 * Without one, returns all and leaves nothing. */
struct str str_cut(struct str *rest, char byte);

/* The whole of s as a decimal number; ERR_SYNTAX for anything else, ERR_LIMIT over max. */
NODISCARD enum err str_to_u64(struct str s, uint64_t max, uint64_t *ret);
