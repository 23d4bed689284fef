/*
 * The kinds of documents: a table made by tools/schema.py, and the ways into it.
 *
 * Always true, by the generator: kinds are all different and ascending; a group and a list have
 * children, a choice has choices, a reference has a list that exists; every label has both
 * languages; a list stands in a list at most once.
 */

#include "document/document.h"

#include "document/private.h"

size_t schema_count(void)
{
    return schema_table_count;
}

const struct schema *schema_at(size_t index)
{
    return index < schema_table_count ? &schema_table[index] : NULL;
}

const struct schema *schema_find(struct str kind)
{
    for (size_t i = 0; i < schema_table_count; i++) {
        if (str_equal(kind, str_from(schema_table[i].kind))) {
            return &schema_table[i];
        }
    }
    return NULL;
}

const char *schema_kind(const struct schema *schema)
{
    return schema->kind;
}

const char *schema_name(const struct schema *schema, enum language language)
{
    return schema->name[language];
}

const struct schema_element *schema_root(const struct schema *schema)
{
    return &schema->root;
}

uint32_t schema_signature(const struct schema *schema, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (schema->signatures[i] == 0) {
            return 0;
        }
    }
    return schema->signatures[index];
}

const struct schema_element *schema_element_find(const struct schema *schema, struct str path)
{
    const struct schema_element *at = &schema->root;
    while (path.size > 0) {
        struct str key = str_cut(&path, '/');
        const struct schema_element *child = at->children;
        while (child != NULL && child->key != NULL && !str_equal(key, str_from(child->key))) {
            child++;
        }
        if (child == NULL || child->key == NULL) {
            return NULL;
        }
        at = child;
    }
    return at;
}
