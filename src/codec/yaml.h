#pragma once

/*
 * YAML texts that people write: rules, configurations, apply files.  The door to libyaml.
 *
 *     yaml_parse → yaml_get, children … (everything dies with mem)
 *
 * YAML 1.1 as libyaml reads it.  Aliases are refused (no text of ours needs them, and they make
 * bombs); so are duplicate keys, more than YAML_NODES_MAX nodes and more than NESTING_MAX levels.
 */

#include "base/arena.h"
#include "base/why.h"

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
    enum yaml_kind kind;
    uint32_t line, column;   /* from 1 */
    struct str text;         /* scalars: the value, a NUL behind it; may hold any byte but NUL */
    bool plain;              /* scalars: written without quotes (so `null`, `1`, `true` may be more
                                than text) */
    struct yaml_node *first; /* the first child; of a mapping, its first value */
    struct yaml_node *next;  /* the next sibling */
    struct yaml_node *key;   /* the key of this value, in a mapping; NULL elsewhere */
    size_t count;            /* children */
};

/* All documents of a text, linked by `next`; NULL for a text without any.  ERR_SYNTAX and ERR_LIMIT
 * say where. */
NODISCARD enum err yaml_parse(struct str text, struct arena *mem, struct yaml_node **ret,
                              struct why *why);

/* The value of a key, or NULL (also where node is not a mapping). */
const struct yaml_node *yaml_get(const struct yaml_node *node, struct str key);
/* A plain `null`, `~` or nothing at all. */
bool yaml_is_null(const struct yaml_node *node);
/* A plain true or false (also yes, no, on, off); ERR_SYNTAX for anything else. */
NODISCARD enum err yaml_bool(const struct yaml_node *node, bool *ret);
NODISCARD enum err yaml_int(const struct yaml_node *node, int64_t *ret);

/* For readers that make such trees of other texts: ERR_SYNTAX if a key of the mapping stands twice.
 */
NODISCARD enum err yaml_keys_check(const struct yaml_node *mapping, struct why *why);

/* For errors about keys: of the NULL-terminated `known`, the one that is nearest to `key` (at most
 * two edits away), or NULL. */
const char *yaml_suggest(struct str key, const char *const *known);
