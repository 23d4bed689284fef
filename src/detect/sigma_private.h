#pragma once

/*
 * A rule's detection between YAML and expressions: a draft, which filters add to and pipelines
 * change before it is compiled.
 *
 *     draft_read → tuning_filters → tuning_pipelines → draft_compile
 */

#include "base/map.h"
#include "codec/rewrite.h"
#include "detect/private.h"

#define NEEDS_SIZE_MAX 4096 /* names of the placeholders of one rule */

/* ---- draft.c */

struct value {
    struct str text;
    uint32_t line, column;
    bool null;
    bool plain; /* written without quotes */
};

/* Which steps of pipelines have touched an item, the last first. */
struct touched {
    struct str id;
    const struct touched *next;
};

enum search_kind { SEARCH_ITEM, SEARCH_ALL, SEARCH_ANY };

/* An item, or a group of searches.  An item's values are never changed in place. */
struct search {
    enum search_kind kind;
    struct search *next;
    struct search *first; /* groups: the members */
    size_t members;
    struct str field; /* items; not of keywords */
    bool keyword;
    uint32_t line;
    struct modifiers modifiers;
    const struct value *values;
    size_t count;
    const struct touched *touched;
};

struct named {
    struct str name;
    struct search *search; /* NULL: pipelines have dropped all of it, so it holds */
};

struct condition_text {
    struct str text;
    uint32_t line;
};

/* Named searches and how they are joined: the rule's own, then those of its filters. */
struct part {
    struct part *next;
    struct named *searches;
    size_t count;
    struct condition_text *conditions; /* any of them */
    size_t conditions_count;
    bool negated;
};

struct draft {
    const struct yaml_node *document;
    struct str id, name, tags;
    struct str category, product, service;
    struct part *parts;
};

/* The searches of a detection or filter, and its conditions, which stand under the key `condition`;
 * in mem.  Reserved keys are no searches. */
NODISCARD enum err part_read(const struct yaml_node *node, const char *condition,
                             const char *const *reserved, struct arena *mem, struct part *ret,
                             struct why *why);
NODISCARD enum err search_read(const struct yaml_node *node, struct arena *mem, struct search **ret,
                               struct why *why);
/* A copy that a pipeline may change. */
NODISCARD enum err part_copy(const struct part *part, struct arena *mem, struct part **ret);
/* The expression of one part; NULL if nothing is left of it. */
NODISCARD enum err part_compile(struct compiler *compiler, const struct part *part,
                                const struct expr **ret);
NODISCARD enum err draft_compile(struct compiler *compiler, const struct draft *draft,
                                 const struct expr **ret);

/* ---- selection.c */

NODISCARD enum err search_compile(struct compiler *compiler, const struct search *search,
                                  const struct expr **ret);

/* ---- placeholder.c */

/* A name between percent signs, as |expand reads it, from `from` on. */
struct placeholder {
    struct str name;
    size_t begin, end; /* with the signs */
};
bool placeholder_find(struct str text, size_t from, struct placeholder *ret);
/* The text without the backslashes that keep percent signs plain. */
NODISCARD enum err placeholder_plain(struct str text, struct arena *mem, struct str *ret);

/* Puts values in: gives those of a name, or ERR_NOT_FOUND to leave it where it is. */
struct placeholder_values {
    enum err (*values)(const void *context, struct str name, const struct str **ret,
                       size_t *ret_count);
    const void *context;
    size_t *budget; /* bytes that the values may still take, of one rule */
};
/* The item with every value that names a placeholder replaced. */
NODISCARD enum err placeholder_fill(struct search *item, const struct placeholder_values *values,
                                    struct arena *mem, struct why *why);
/* An item's value that still names placeholders: left to the lists of whoever judges. */
NODISCARD enum err placeholder_compile(struct compiler *compiler, const struct search *item,
                                       uint32_t field, const struct value *value,
                                       const struct expr **ret);

/* ---- tuning.c: the filters and pipelines of a bundle. */

struct pipeline;
struct filter;

struct tuning {
    struct arena *mem;
    struct buf filters;   /* struct filter * each */
    struct buf pipelines; /* struct pipeline * each; sorted by tuning_ready */
    struct map named;     /* a rule's id or name to the first reference to it */
};

/* ---- filter.c */

NODISCARD enum err filter_read(struct tuning *tuning, const struct yaml_node *document,
                               struct str file, struct why *why);
/* Adds the filters of a rule to its draft. */
NODISCARD enum err filters_join(struct tuning *tuning, struct draft *draft, struct arena *scratch);

/* ---- pipeline.c, pipeline_when.c, pipeline_apply.c */

enum transformation_kind {
    FIELD_NAME_MAPPING,
    FIELD_NAME_PREFIX_MAPPING,
    FIELD_NAME_PREFIX,
    FIELD_NAME_SUFFIX,
    DROP_DETECTION_ITEM,
    ADD_CONDITION,
    CHANGE_LOGSOURCE,
    REPLACE_STRING,
    MAP_STRING,
    SET_VALUE,
    VALUE_PLACEHOLDERS,
    WILDCARD_PLACEHOLDERS,
    SET_STATE,
    SET_ATTRIBUTE,
    RULE_FAILURE,
    DETECTION_ITEM_FAILURE,
    NOTHING, /* only tells a converter about its output */
};

enum when_kind {
    WHEN_LOGSOURCE,
    WHEN_CONTAINS_FIELD,
    WHEN_CONTAINS_DETECTION_ITEM,
    WHEN_IS_SIGMA_RULE,
    WHEN_IS_CORRELATION,
    WHEN_RULE_ATTRIBUTE,
    WHEN_TAG,
    WHEN_APPLIED,
    WHEN_STATE,
    WHEN_INCLUDE_FIELDS,
    WHEN_EXCLUDE_FIELDS,
    WHEN_MATCH_STRING,
    WHEN_CONTAINS_WILDCARD,
    WHEN_IS_NULL,
};

/* One condition of a transformation: of the rule, of an item, or of a field's name. */
struct when {
    enum when_kind kind;
    struct str category, product, service; /* logsource */
    struct str name, value, how;           /* what the kind compares */
    const struct str *names;               /* fields */
    struct rewrite **regexes;              /* of names or of the pattern; NULL: plain */
    size_t count;
    bool all;     /* every value of an item, not any */
    bool negated; /* match_string */
};
struct whens {
    struct when *list;
    size_t count;
    bool any;
    bool negated;
};

/* From one name to others. */
struct rename {
    struct str from;
    bool keyword; /* the null key: searches without a field */
    const struct str *to;
    size_t count;
};

struct transformation {
    enum transformation_kind kind;
    uint32_t line;
    struct str id;
    struct whens rule, item, field;
    struct rename *renames;
    size_t renames_count;
    struct str text; /* prefix, suffix, message, key, replacement, value */
    struct value value;
    struct str category, product, service;
    const struct str *include, *exclude;
    size_t include_count, exclude_count;
    struct rewrite *regex;
    struct search *search; /* add_condition */
    bool negated, template, skip_special, interpret_special;
};

struct variable {
    struct str name;
    const struct str *values;
    size_t count;
};

struct pipeline {
    struct str file;
    int64_t priority;
    size_t order;
    struct transformation *list;
    size_t count;
    struct variable *variables;
    size_t variables_count;
};

/* Texts of a YAML list, or of a single one. */
NODISCARD enum err texts_read(const struct yaml_node *node, struct arena *mem,
                              const struct str **ret, size_t *ret_count, struct why *why);
/* The text of a key; empty if it is missing or null. */
NODISCARD enum err text_get(const struct yaml_node *node, const char *key, struct str *ret,
                            struct why *why);
NODISCARD enum err truth_get(const struct yaml_node *node, const char *key, bool *ret,
                             struct why *why);
/* Refuses a key that is none of these, comma-separated. */
NODISCARD enum err keys_known(const struct yaml_node *node, const char *const *lists, size_t count,
                              struct why *why);
NODISCARD enum err pipeline_read(struct tuning *tuning, const struct yaml_node *document,
                                 struct str file, struct why *why);
void pipeline_done(struct pipeline *pipeline);
/* A transformation's conditions of one scope ("rule", "detection_item", "field_name"). */
NODISCARD enum err whens_read(const struct yaml_node *transformation, const char *scope,
                              struct arena *mem, struct whens *ret, struct why *why);
void whens_done(struct whens *whens);

struct setting {
    struct str key, value;
    const struct setting *next;
};

/* What a rule's way through the pipelines remembers. */
struct passage {
    const struct tuning *tuning;
    struct draft *draft;
    struct arena *mem;
    struct why *why;
    const struct touched *applied; /* transformations, by id */
    const struct setting *state, *attributes;
    size_t budget; /* of placeholder_fill */
};
NODISCARD enum err whens_hold_rule(const struct passage *passage, const struct whens *whens,
                                   bool *ret);
NODISCARD enum err whens_hold_item(const struct passage *passage, const struct whens *whens,
                                   const struct search *item, bool *ret);
NODISCARD enum err whens_hold_field(const struct passage *passage, const struct whens *whens,
                                    const struct search *item, struct str field, bool keyword,
                                    bool *ret);
/* ERR_SYNTAX says why a pipeline refuses the rule. */
NODISCARD enum err pipelines_apply(const struct tuning *tuning, struct draft *draft,
                                   struct arena *mem, struct why *why);

/* An item's value as pipelines see it: Sigma's text after contains, startswith and endswith; none
 * if it is a number, an expression, or becomes several texts. */
bool item_is_text(const struct search *item);
bool value_is_number(const struct value *value);
NODISCARD enum err value_print(const struct search *item, const struct value *value,
                               struct arena *mem, struct str *ret);
