/* Any text against every kind: what is accepted prints and reads back equal, as JSON, as YAML and
 * its lists as CSV; it differs from itself in nothing; what is disclosed is no more than it.  What
 * is no document is also tried as a table. */

#include <stdlib.h>

#include "document/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMORY_MAX ((size_t)512 << 20)

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void equal_check(const struct document *a, const struct document *b)
{
    struct buf x;
    struct buf y;
    buf_init(&x, DOCUMENT_SIZE_MAX);
    buf_init(&y, DOCUMENT_SIZE_MAX);
    must(document_print(a, &x) == OK && document_print(b, &y) == OK);
    must(str_equal(buf_str(&x), buf_str(&y)));
    buf_done(&x);
    buf_done(&y);
}

static void texts_check(const struct document *document, struct arena *mem)
{
    struct document back;
    struct buf out;
    buf_init(&out, (size_t)DOCUMENT_SIZE_MAX);
    must(document_print(document, &out) == OK);
    must(document_read(document->schema, buf_str(&out), mem, &back, NULL) == OK);
    equal_check(document, &back);
    buf_done(&out);

    buf_init(&out, 4 * (size_t)DOCUMENT_SIZE_MAX);
    if (document_print_yaml(document, 0, &out) == OK) {
        must(document_read(document->schema, buf_str(&out), mem, &back, NULL) == OK);
        equal_check(document, &back);
    }
    buf_done(&out);
}

static void tables_check(const struct document *document, struct arena *mem)
{
    const struct schema_element *child = schema_root(document->schema)->children;
    for (; child->key != NULL; child++) {
        struct document back;
        struct buf out;
        buf_init(&out, 4 * (size_t)DOCUMENT_SIZE_MAX);
        if (child->type == ELEMENT_LIST &&
            document_print_csv(document, str_from(child->path), &out) == OK) {
            must(document_read_csv(document, str_from(child->path), buf_str(&out), mem, &back,
                                   NULL) == OK);
            equal_check(document, &back);
        }
        buf_done(&out);
    }
}

static void views_check(const struct document *document, struct arena *mem)
{
    struct document_change *changes;
    size_t count;
    struct document_completeness open;
    struct document shown;
    struct document again;
    const struct disclosed list[] = {{STR("assets"), DISCLOSURE_SUMMARISED},
                                     {STR("people"), DISCLOSURE_HIDDEN}};
    must(document_difference(document, document, mem, &changes, &count) == OK && count == 0);
    must(document_difference(NULL, document, mem, &changes, &count) == OK);
    must(document_complete(document, mem, &open) == OK);
    must(open.wanted == open.there + open.open_count);
    must(document_disclose(document, NULL, 0, mem, &shown) == OK);
    must(document_disclose(&shown, NULL, 0, mem, &again) == OK);
    equal_check(&shown, &again);
    must(document_disclose(document, list, 2, mem, &shown) == OK);
    struct buf out;
    buf_init(&out, 2 * (size_t)DOCUMENT_SIZE_MAX);
    must(document_print(&shown, &out) == OK);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of(data, size);
    for (size_t i = 0; i < schema_count(); i++) {
        struct arena *mem = arena_new(MEMORY_MAX);
        struct document document;
        struct document other;
        const struct schema_element *first = schema_root(schema_at(i))->children;
        if (document_read(schema_at(i), text, mem, &document, NULL) == OK) {
            texts_check(&document, mem);
            tables_check(&document, mem);
            views_check(&document, mem);
        } else if (document_read(schema_at(i), STR(""), mem, &document, NULL) == OK) {
            while (first->type != ELEMENT_LIST) {
                first++;
            }
            if (document_read_csv(&document, str_from(first->path), text, mem, &other, NULL) ==
                OK) {
                texts_check(&other, mem);
                tables_check(&other, mem);
            }
        }
        arena_free(mem);
    }
    return 0;
}
