/*
 * What a form is drawn from: the whole tree of a kind as JSON, everything in both languages, so
 * that a page needs to know no kind.
 *
 *     {kind, name: {ja, en}, signatures: [[role, …], …], elements: [element, …]}
 *     element: {key, path, type, label, help, required, many, hidden, …, elements: [element, …]}
 *
 * Keys that have nothing to say are left out, label and type never.
 */

#include "document/private.h"

static const char *const type_names[] = {
    [ELEMENT_GROUP] = "group",         [ELEMENT_LIST] = "list",
    [ELEMENT_TEXT] = "text",           [ELEMENT_LONG_TEXT] = "long-text",
    [ELEMENT_WORDS] = "words",         [ELEMENT_CHOICE] = "choice",
    [ELEMENT_NUMBER] = "number",       [ELEMENT_YES_NO] = "yes-no",
    [ELEMENT_DURATION] = "duration",   [ELEMENT_ADDRESS] = "address",
    [ELEMENT_NETWORK] = "network",     [ELEMENT_PORTS] = "ports",
    [ELEMENT_MAIL] = "mail",           [ELEMENT_URL] = "url",
    [ELEMENT_PHONE] = "phone",         [ELEMENT_DATE] = "date",
    [ELEMENT_TIME] = "time",           [ELEMENT_HOURS] = "hours",
    [ELEMENT_ZONE] = "zone",           [ELEMENT_QUERY] = "query",
    [ELEMENT_REFERENCE] = "reference",
};

static void signatures_write(struct writer *writer, const struct schema *schema);
static void elements_write(struct writer *writer, const struct schema_element *elements);

static void both_write(struct writer *writer, const char *key,
                       const char *const texts[LANGUAGE_COUNT])
{
    if (texts[LANGUAGE_JA][0] == '\0') {
        return;
    }
    writer_add(writer, ",\"");
    writer_add(writer, key);
    writer_add(writer, "\":{\"ja\":");
    writer_quote(writer, str_from(texts[LANGUAGE_JA]));
    writer_add(writer, ",\"en\":");
    writer_quote(writer, str_from(texts[LANGUAGE_EN]));
    writer_add(writer, "}");
}

static void text_write(struct writer *writer, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        writer_add(writer, ",\"");
        writer_add(writer, key);
        writer_add(writer, "\":");
        writer_quote(writer, str_from(text));
    }
}

enum err schema_print_form(const struct schema *schema, struct buf *out)
{
    size_t before = out->size;
    struct writer writer = {.out = out};
    writer_add(&writer, "{\"kind\":");
    writer_quote(&writer, str_from(schema->kind));
    both_write(&writer, "name", schema->name);
    text_write(&writer, "guideline", schema->root.guideline);
    signatures_write(&writer, schema);
    elements_write(&writer, schema->root.children);
    writer_add(&writer, "}");
    if (writer.err != OK) {
        out->size = before;
    }
    return writer.err;
}

static void signatures_write(struct writer *writer, const struct schema *schema)
{
    writer_add(writer, ",\"signatures\":[");
    for (size_t i = 0; schema->signatures[i] != 0; i++) {
        bool first = true;
        writer_add(writer, i > 0 ? ",[" : "[");
        for (int role = 0; role < ROLE_COUNT; role++) {
            if ((schema->signatures[i] & 1U << role) != 0) {
                writer_add(writer, first ? "" : ",");
                writer_quote(writer, str_from(role_text((enum role)role)));
                first = false;
            }
        }
        writer_add(writer, "]");
    }
    writer_add(writer, "]");
}

static void range_write(struct writer *writer, const struct schema_element *element)
{
    if (element->min != 0 || element->max != 0) {
        writer_add(writer, ",\"min\":");
        writer_number(writer, element->min);
        writer_add(writer, ",\"max\":");
        writer_number(writer, element->max);
    }
}

static void choices_write(struct writer *writer, const struct schema_choice *choices)
{
    writer_add(writer, ",\"choices\":[");
    for (const struct schema_choice *choice = choices; choice->value != NULL; choice++) {
        writer_add(writer, choice != choices ? ",{\"value\":" : "{\"value\":");
        writer_quote(writer, str_from(choice->value));
        both_write(writer, "label", choice->label);
        writer_add(writer, "}");
    }
    writer_add(writer, "]");
}

static void element_write(struct writer *writer, const struct schema_element *element)
{
    writer_add(writer, "{\"key\":");
    writer_quote(writer, str_from(element->key));
    text_write(writer, "path", element->path);
    text_write(writer, "type", type_names[element->type]);
    both_write(writer, "label", element->label);
    both_write(writer, "help", element->help);
    writer_add(writer, element->required ? ",\"required\":true" : "");
    writer_add(writer, element->many ? ",\"many\":true" : "");
    writer_add(writer, element->hidden ? ",\"hidden\":true" : "");
    writer_add(writer, scalar_is_long(element) ? ",\"lines\":true" : "");
    text_write(writer, "guideline", element->guideline);
    text_write(writer, "requirements", element->requirements);
    text_write(writer, "to", element->reference);
    text_write(writer, "initial", element->initial);
    range_write(writer, element);
    if (element->choices != NULL) {
        choices_write(writer, element->choices);
    }
    if (element->children != NULL) {
        elements_write(writer, element->children);
    }
    writer_add(writer, "}");
}

static void elements_write(struct writer *writer, const struct schema_element *elements)
{
    writer_add(writer, ",\"elements\":[");
    for (const struct schema_element *element = elements; element->key != NULL; element++) {
        writer_add(writer, element != elements ? "," : "");
        element_write(writer, element);
    }
    writer_add(writer, "]");
}
