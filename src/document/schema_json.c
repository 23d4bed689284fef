/*
 * JSON Schema, draft 2020-12, of what document_print writes.
 *
 * It says what JSON Schema can say in its own words.  What it cannot (slugs that are all different,
 * references, real days and addresses, sizes in bytes, search expressions) only document_read
 * knows: whatever document_read accepts and prints is valid, the reverse need not hold.
 */

#include <string.h>

#include "document/private.h"

#define SLUG_PATTERN "^[a-z0-9][a-z0-9-]{0,62}$"

static void element_write(struct writer *writer, const struct schema_element *element);

/* What a type says beyond being a string; NULL: the sizes of a text. */
static const char *const formats[] = {
    [ELEMENT_DURATION] = "\"pattern\":\"^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$\","
                         "\"minLength\":2",
    [ELEMENT_ADDRESS] = "\"anyOf\":[{\"format\":\"ipv4\"},{\"format\":\"ipv6\"}],"
                        "\"pattern\":\"^[0-9a-f:.]+$\"",
    [ELEMENT_NETWORK] = "\"pattern\":\"^[0-9a-f:.]+(/[0-9]{1,3})?$\"",
    [ELEMENT_PORTS] = "\"pattern\":\"^[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?$\"",
    [ELEMENT_MAIL] = "\"format\":\"email\",\"maxLength\":254,"
                     "\"pattern\":\"^[^@ ]+@[^@ ]+[.][^@ ]+$\"",
    [ELEMENT_URL] = "\"format\":\"uri\",\"maxLength\":2000,\"pattern\":\"^https?://[^ ]+$\"",
    [ELEMENT_PHONE] = "\"pattern\":\"^[0-9 +()-]{3,40}$\"",
    [ELEMENT_DATE] = "\"format\":\"date\",\"pattern\":\"^[0-9]{4}-[0-9]{2}-[0-9]{2}$\"",
    [ELEMENT_TIME] = "\"format\":\"date-time\","
                     "\"pattern\":\"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,}Z$\"",
    [ELEMENT_HOURS] = "\"pattern\":\"^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$\"",
    [ELEMENT_ZONE] = "\"pattern\":\"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z][A-Za-z0-9_+-]*)*$\"",
    [ELEMENT_REFERENCE] = "\"pattern\":\"" SLUG_PATTERN "\"",
};

enum err schema_print_json(const struct schema *schema, struct buf *out)
{
    size_t before = out->size;
    struct writer writer = {.out = out};
    writer_add(&writer, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
                        "\"$id\":\"urn:hinomi:document:");
    writer_add(&writer, schema->kind);
    writer_add(&writer, "\",");
    element_write(&writer, &schema->root);
    writer_add(&writer, "}");
    if (writer.err != OK) {
        out->size = before;
    }
    return writer.err;
}

/* One half of words, and every other text. */
static void text_write(struct writer *writer, const struct schema_element *element)
{
    writer_add(writer, "\"type\":\"string\",\"minLength\":1");
    if (element->max > 0) {
        writer_add(writer, ",\"maxLength\":");
        writer_number(writer, element->max);
    }
    writer_add(writer, scalar_is_long(element) ? ",\"pattern\":\"^[^\\\\u0000-\\\\u0008\\\\u000b-"
                                                 "\\\\u001f\\\\u007f-\\\\u009f]*$\""
                                               : ",\"pattern\":\"^[^\\\\u0000-\\\\u001f"
                                                 "\\\\u007f-\\\\u009f]*$\"");
}

static void choices_write(struct writer *writer, const struct schema_choice *choices)
{
    writer_add(writer, "\"enum\":[");
    for (const struct schema_choice *choice = choices; choice->value != NULL; choice++) {
        writer_add(writer, choice != choices ? "," : "");
        writer_quote(writer, str_from(choice->value));
    }
    writer_add(writer, "]");
}

static void scalar_write(struct writer *writer, const struct schema_element *element)
{
    switch (element->type) {
    case ELEMENT_CHOICE:
        choices_write(writer, element->choices);
        break;
    case ELEMENT_NUMBER:
        writer_add(writer, "\"type\":\"integer\",\"minimum\":");
        writer_number(writer, element->min);
        writer_add(writer, ",\"maximum\":");
        writer_number(writer, element->max);
        break;
    case ELEMENT_YES_NO:
        writer_add(writer, "\"type\":\"boolean\"");
        break;
    case ELEMENT_TEXT:
    case ELEMENT_LONG_TEXT:
    case ELEMENT_QUERY:
        text_write(writer, element);
        break;
    case ELEMENT_WORDS:
        writer_add(writer, "\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":false,"
                           "\"properties\":{\"ja\":{");
        text_write(writer, element);
        writer_add(writer, "},\"en\":{");
        text_write(writer, element);
        writer_add(writer, "}}");
        break;
    default:
        writer_add(writer, "\"type\":\"string\",");
        writer_add(writer, formats[element->type]);
        break;
    }
}

/* The keys of a group or, with the slug, of an item. */
static void object_write(struct writer *writer, const struct schema_element *element)
{
    bool item = element->type == ELEMENT_LIST;
    writer_add(writer, "\"type\":\"object\",\"additionalProperties\":false,");
    writer_add(writer, item ? "\"required\":[\"slug\"]," : "");
    writer_add(writer, !item && element->key[0] != '\0' ? "\"minProperties\":1," : "");
    writer_add(writer, "\"properties\":{");
    writer_add(writer,
               item ? "\"slug\":{\"type\":\"string\",\"pattern\":\"" SLUG_PATTERN "\"}" : "");
    for (const struct schema_element *child = element->children; child->key != NULL; child++) {
        writer_add(writer, child != element->children || item ? "," : "");
        writer_quote(writer, str_from(child->key));
        writer_add(writer, ":{");
        element_write(writer, child);
        writer_add(writer, "}");
    }
    writer_add(writer, "}");
}

static void element_write(struct writer *writer, const struct schema_element *element)
{
    writer_add(writer, "\"title\":");
    writer_quote(writer, str_from(element->label[LANGUAGE_EN]));
    if (element->help[LANGUAGE_EN][0] != '\0') {
        writer_add(writer, ",\"description\":");
        writer_quote(writer, str_from(element->help[LANGUAGE_EN]));
    }
    writer_add(writer, ",");
    if (element->type == ELEMENT_GROUP) {
        object_write(writer, element);
        return;
    }
    if (element->type != ELEMENT_LIST && !element->many) {
        scalar_write(writer, element);
        return;
    }
    writer_add(writer, "\"type\":\"array\",\"minItems\":1,\"items\":{");
    if (element->type == ELEMENT_LIST) {
        object_write(writer, element);
    } else {
        scalar_write(writer, element);
    }
    writer_add(writer, "}");
}
