/*
 * YAML for people, in the schema's order: lists and groups as blocks, words and short lists in one
 * line.  A value stands without quotes only if no reader of YAML, 1.1 or 1.2, could take it for
 * anything else or for two things.
 *
 * Always true: document_read of what was printed gives the same canonical text.
 */

#include <string.h>

#include "document/private.h"

static void children_print(struct writer *writer, const struct element *element, unsigned indent);

enum err document_print_yaml(const struct document *document, unsigned indent, struct buf *out)
{
    struct writer writer = {.out = out};
    size_t before = out->size;
    children_print(&writer, document->root, indent);
    if (writer.err != OK) {
        out->size = before;
    }
    return writer.err;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A word that begins with a letter, and is none that YAML gives a meaning to. */
static bool is_plain(struct str text)
{
    static const char *const meant[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n"};
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (!is_letter(c) && (i == 0 || !((c >= '0' && c <= '9') || strchr("_-./@", c) != NULL))) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof meant / sizeof *meant; i++) {
        if (str_equal_nocase(text, str_from(meant[i]))) {
            return false;
        }
    }
    return text.size > 0;
}

/* Digits with a unit, a slash or dots behind them: no number, date or time of YAML's. */
static bool is_plain_type(enum element_type type)
{
    return type == ELEMENT_NUMBER || type == ELEMENT_YES_NO || type == ELEMENT_DURATION;
}

static void text_print(struct writer *writer, enum element_type type, struct str text)
{
    if (text.size == 0) {
        writer_add(writer, "null");
    } else if (is_plain_type(type) || is_plain(text)) {
        writer_add_str(writer, text);
    } else {
        writer_quote(writer, text);
    }
}

static void words_print_yaml(struct writer *writer, const struct element *element)
{
    writer_add(writer, "{");
    if (element->text.size > 0) {
        writer_add(writer, "ja: ");
        text_print(writer, ELEMENT_WORDS, element->text);
    }
    if (element->text_en.size > 0) {
        writer_add(writer, element->text.size > 0 ? ", en: " : "en: ");
        text_print(writer, ELEMENT_WORDS, element->text_en);
    }
    writer_add(writer, "}");
}

static void scalar_print_yaml(struct writer *writer, const struct element *element)
{
    if (element->schema->type == ELEMENT_WORDS) {
        words_print_yaml(writer, element);
        return;
    }
    if (element->first == NULL) {
        text_print(writer, element->schema->type, element->text);
        return;
    }
    writer_add(writer, "[");
    for (const struct element *at = element->first; at != NULL; at = at->next) {
        writer_add(writer, at != element->first ? ", " : "");
        text_print(writer, at->schema->type, at->text);
    }
    writer_add(writer, "]");
}

static void items_print(struct writer *writer, const struct element *list, unsigned indent)
{
    for (const struct element *item = list->first; item != NULL; item = item->next) {
        writer_blanks(writer, indent);
        writer_add(writer, "- slug: ");
        text_print(writer, ELEMENT_REFERENCE, item->slug);
        writer_add(writer, "\n");
        children_print(writer, item, indent + 2);
    }
}

static void children_print(struct writer *writer, const struct element *element, unsigned indent)
{
    for (const struct element *child = element->first; child != NULL; child = child->next) {
        enum element_type type = child->schema->type;
        bool block = (type == ELEMENT_LIST || type == ELEMENT_GROUP) && child->first != NULL;
        writer_blanks(writer, indent);
        writer_add(writer, child->schema->key);
        writer_add(writer, block ? ":\n" : ": ");
        if (!block) {
            scalar_print_yaml(writer, child);
            writer_add(writer, "\n");
        } else if (type == ELEMENT_LIST) {
            items_print(writer, child, indent + 2);
        } else {
            children_print(writer, child, indent + 2);
        }
    }
}
