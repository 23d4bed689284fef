/*
 * From the names of a rule's fields to those that parsers and shippers give.
 *
 * Sigma's taxonomy (specification, appendix "taxonomy") says what a rule calls a thing; mapping/
 * says what it is called elsewhere: by ECS, by the device itself, inside a shipper's envelope.
 * Names depend on the rule's log source, so that Image is NewProcessName where a process begins and
 * nowhere else.  A rule's field is looked for under its own name and under each of the others; a
 * value under one of them is a value of the field.
 *
 *     field ──► itself ──► without an envelope (strip) ──► its rows' names
 *                      ──► each prefix before itself and before the names of `nested` rows
 *
 * OUR reading: many rules for web servers put the path into cs-uri-query, so it is judged against
 * path and whole request target as well as against the query.
 *
 * Always true: the field itself is the first name, and no name stands twice.  tools/mapping.py has
 * refused a mapping by which any field goes by more than FIELD_NAMES_MAX names.
 */

#include "detect/mapping.h"

#include <stdio.h>

#include "base/limits.h"

struct names {
    struct str *list;
    size_t count;
};

static void name_add(struct names *names, struct str name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (str_equal(names->list[i], name)) {
            return;
        }
    }
    if (names->count < FIELD_NAMES_MAX) {
        names->list[names->count++] = name;
    }
}

static bool part_wanted(struct str wanted, struct str part)
{
    while (wanted.size > 0) {
        if (str_equal_nocase(str_cut(&wanted, '|'), part)) {
            return true;
        }
        if (wanted.size == 0) {
            return false;
        }
    }
    return true;
}

static bool row_wanted(const struct logsource *wanted, const struct logsource *rule)
{
    return part_wanted(wanted->category, rule->category) &&
           part_wanted(wanted->product, rule->product) &&
           part_wanted(wanted->service, rule->service);
}

/* The first row of that field, or of what would stand behind it. */
static size_t rows_find(struct str field)
{
    size_t from = 0;
    size_t to = mapping_fields_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (str_compare(mapping_fields[middle].field, field) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

static enum err prefixes_add(struct names *names, const struct logsource *rule, struct str name,
                             struct arena *mem)
{
    for (size_t i = 0; i < mapping_prefixes_count; i++) {
        const struct mapping_prefix *row = &mapping_prefixes[i];
        struct str joined;
        if (!row_wanted(&row->wanted, rule) || row->prefix.size + name.size > NAME_SIZE_MAX) {
            continue;
        }
        enum err err = arena_print(mem, &joined, "%.*s%.*s", STR_ARG(row->prefix), STR_ARG(name));
        if (err != OK) {
            return err;
        }
        name_add(names, joined);
    }
    return OK;
}

enum err field_names(struct logsource logsource, struct str field, struct arena *mem,
                     struct str ret[FIELD_NAMES_MAX], size_t *ret_count)
{
    struct names names = {.list = ret};
    name_add(&names, field);
    for (size_t i = 0; i < mapping_strips_count; i++) {
        const struct mapping_prefix *row = &mapping_strips[i];
        if (row_wanted(&row->wanted, &logsource) && str_starts(field, row->prefix)) {
            name_add(&names, str_slice(field, row->prefix.size, field.size));
        }
    }
    size_t first = rows_find(field);
    size_t end = first;
    for (; end < mapping_fields_count && str_equal(mapping_fields[end].field, field); end++) {
        const struct mapping_field *row = &mapping_fields[end];
        for (size_t k = 0;
             k < MAPPING_NAMES_MAX && row->names[k] != NULL && row_wanted(&row->wanted, &logsource);
             k++) {
            name_add(&names, str_from(row->names[k]));
        }
    }
    enum err err = prefixes_add(&names, &logsource, field, mem);
    for (size_t i = first; i < end && err == OK; i++) {
        const struct mapping_field *row = &mapping_fields[i];
        bool wanted = row->nested && row_wanted(&row->wanted, &logsource);
        for (size_t k = 0; k < MAPPING_NAMES_MAX && row->names[k] != NULL && wanted && err == OK;
             k++) {
            err = prefixes_add(&names, &logsource, str_from(row->names[k]), mem);
        }
    }
    if (err == OK) {
        *ret_count = names.count;
    }
    return err;
}
