#pragma once

/* What the engine's files and the generated table share. */

#include "document/document.h"
#include "document/writer.h"

#define CHILDREN_MAX 62 /* keys of one group; tools/schema.py keeps to less */

struct schema {
    const char *kind;
    const char *name[LANGUAGE_COUNT];
    struct schema_element root;
    const uint32_t *signatures; /* up to one that is 0 */
};

extern const struct schema schema_table[]; /* ascending by kind */
extern const size_t schema_table_count;

/* ---- scalar.c */

/* What a scalar says, once it was understood. */
struct scalar {
    struct str text; /* canonical; borrowed from what was read, or made in mem */
    int64_t number;
};
typedef enum err scalar_call(const struct schema_element *schema, struct str text,
                             struct arena *mem, struct scalar *ret, struct why *why);
/* One scalar of the type of `schema` (WORDS: one half of it), from text that is not empty; yes-no
 * from "yes" and "no" alone.  *why gets a sentence and no place. */
NODISCARD scalar_call scalar_read;
/* Several lines are allowed. */
bool scalar_is_long(const struct schema_element *schema);

/* ---- scalar_address.c: what leads to a machine or a mailbox; ret->text stands already. */
scalar_call address_read;
scalar_call network_read;
scalar_call mail_read;
scalar_call url_read;

/* ---- document.c */

/* What is below a group or item by its keys, joined by '/'; NULL where nothing is said. */
const struct element *element_at(const struct element *element, struct str path);

/* ---- reference.c */

enum references {
    REFERENCES_INSIDE, /* those into the document itself */
    REFERENCES_ALL,
};
/* `other` may be NULL if it is not needed. */
NODISCARD enum err references_check(const struct document *document, enum references references,
                                    document_other *other, void *context, struct why *why);

/* ---- writer.c */

/* Adds a key or slug to a path with slugs, and takes it off again. */
NODISCARD enum err path_add(struct buf *path, struct str key, size_t *ret_before);
void path_cut(struct buf *path, size_t before);

/* ---- csv.c */

#define COLUMNS_MAX 256 /* of one list; far more than any schema has */

/* What one column of a list's table holds. */
struct column {
    const struct schema_element *schema;
    enum language half; /* of WORDS; else LANGUAGE_COUNT */
    char name[128];     /* "name.ja", "when/rules" */
};
/* The columns behind `slug`; the list of a path, or ERR_NOT_FOUND. */
NODISCARD enum err columns_of(const struct schema *schema, struct str path, struct column *ret,
                              size_t *ret_count, const struct schema_element **ret_list);

/* ---- csv_record.c */

struct table {
    struct str rest;
    uint32_t line; /* of the record at hand */
    uint32_t lines;
    struct arena *mem;
    struct why *why;
};
/* What a spreadsheet might take for a formula, and what begins with the sign against that. */
bool formula_begins(struct str text);
void table_init(struct table *table, struct str csv, struct arena *mem, struct why *why);
/* One line that is not empty, borrowed or in mem; *ret_count 0 at the end. */
NODISCARD enum err table_take(struct table *table, struct str cells[COLUMNS_MAX + 1],
                              size_t *ret_count);
/* ERR_SYNTAX at the record at hand and a cell, which counts from 0. */
NODISCARD enum err table_refuse(const struct table *table, size_t cell, const char *text);
