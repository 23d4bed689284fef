/*
 * A client in an apply file, and the small readers and printers that source.c (log sources) and
 * party.c (parties, people, engagements) share.
 *
 * An element is read out of a mapping, and printed as canonical JSON; the SHA-256 of that text is
 * the version's name.  Since JSON of ours is YAML too, an element is read back from the ledger by
 * the same function that reads it from an apply file.
 *
 * Always true: print(read(print(x))) equals print(x).  Names therefore hold nothing that YAML would
 * read otherwise, and nothing that a terminal or page would show otherwise.
 */

#include <string.h>

#include "base/limits.h"
#include "codec/crypto.h"
#include "codec/json_text.h"
#include "codec/utf8.h"
#include "tenant/private.h"

static enum err sources_read(const struct yaml_node *node, struct arena *mem,
                             struct client_element *client, struct why *why);

/* ---- Reading. */

static enum err quota_read(const struct yaml_node *node, uint32_t *ret, struct why *why)
{
    uint64_t value;
    if (node == NULL) {
        return OK;
    }
    if (node->kind != YAML_SCALAR || str_to_u64(node->text, QUOTA_MAX, &value) != OK ||
        value == 0) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "a quota is a number of events a second, from 1 to %d", QUOTA_MAX);
    }
    *ret = (uint32_t)value;
    return OK;
}

enum err client_read(const struct yaml_node *node, bool with_sources, struct arena *mem,
                     struct client_element *ret, struct why *why)
{
    static const char *const known[] = {"slug",        "name",       "people",  "engagements",
                                        "quota",       "sources",    "devices", "documents",
                                        "disclosures", "signatures", NULL};
    struct client_element client = {.line = node->line, .column = node->column};
    enum err err = element_keys(node, known, "a client", why);
    if (err == OK) {
        err = element_slug(node, "client", &client.slug, why);
    }
    if (err == OK) {
        err = element_name(yaml_get(node, STR("name")), &client.name, why);
    }
    if (err == OK) {
        err = quota_read(yaml_get(node, STR("quota")), &client.quota, why);
    }
    if (err == OK && with_sources) {
        err = people_read(yaml_get(node, STR("people")), CLIENT_ROLES, mem, &client.people, why);
    }
    if (err == OK && with_sources) {
        err = engagements_read(yaml_get(node, STR("engagements")), mem, &client, why);
    }
    if (err == OK && with_sources) {
        err = sources_read(yaml_get(node, STR("sources")), mem, &client, why);
    }
    if (err == OK && with_sources) {
        err = devices_read(yaml_get(node, STR("devices")), mem, &client, why);
    }
    if (err == OK) {
        *ret = client;
    }
    return err;
}

enum err element_keys(const struct yaml_node *node, const char *const *known, const char *what,
                      struct why *why)
{
    if (node->kind != YAML_MAPPING) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "%s is written as keys with values, the first being '%s:'", what,
                          known[0]);
    }
    for (const struct yaml_node *value = node->first; value != NULL; value = value->next) {
        struct str key = value->key->text;
        bool found = false;
        for (size_t i = 0; known[i] != NULL; i++) {
            found = found || str_equal(key, str_from(known[i]));
        }
        if (!found) {
            const char *near = yaml_suggest(key, known);
            struct str shown = str_slice(key, 0, 60);
            return why_say_at(why, ERR_SYNTAX, value->key->line, value->key->column,
                              "%s has no key '%.*s'; %s%s%s", what, STR_ARG(shown),
                              near != NULL ? "did you mean '" : "remove it",
                              near != NULL ? near : "", near != NULL ? "'?" : "");
        }
    }
    return OK;
}

enum err element_slug(const struct yaml_node *node, const char *what, struct str *ret,
                      struct why *why)
{
    const struct yaml_node *slug = yaml_get(node, STR("slug"));
    if (slug == NULL) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "this %s has no slug; add 'slug: some-short-name'", what);
    }
    if (slug->kind != YAML_SCALAR || !str_is_slug(slug->text)) {
        return why_say_at(why, ERR_SYNTAX, slug->line, slug->column,
                          "a slug has 1 to %d of a-z, 0-9 and '-', and does not begin with '-'",
                          SLUG_SIZE_MAX);
    }
    *ret = slug->text;
    return OK;
}

/* Refuses control characters, line separators, byte order marks and marks that turn the direction
 * of writing. */
bool element_line_valid(struct str text)
{
    for (size_t at = 0; at < text.size;) {
        const unsigned char *b = (const unsigned char *)text.data + at;
        size_t length = utf8_sequence(str_slice(text, at, 4));
        if (length == 0 || b[0] < 0x20 || b[0] == 0x7f || (b[0] == 0xc2 && b[1] < 0xa0)) {
            return false;
        }
        if (length == 3) {
            uint32_t code = utf8_code(str_slice(text, at, length));
            if ((code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
                code == 0xfeff || code >= 0xfffe) {
                return false;
            }
        }
        at += length;
    }
    return text.size <= NAME_TEXT_MAX;
}

/* U+061C, U+200E and U+200F: each turns the direction of what stands beside it. */
static bool holds_mark(struct str text)
{
    return str_find(text, STR("\xd8\x9c")) != STR_NONE ||
           str_find(text, STR("\xe2\x80\x8e")) != STR_NONE ||
           str_find(text, STR("\xe2\x80\x8f")) != STR_NONE;
}

bool element_name_valid(struct str text)
{
    return element_line_valid(text) && !holds_mark(text);
}

enum err element_marks_check(const struct yaml_node *node, struct why *why)
{
    if (node->kind == YAML_SCALAR && holds_mark(node->text)) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "the text holds a mark that turns the direction of writing; remove it");
    }
    enum err err = OK;
    for (const struct yaml_node *child = node->first; child != NULL && err == OK;
         child = child->next) {
        bool document = child->key != NULL && str_equal(child->key->text, STR("documents"));
        err = document ? OK : element_marks_check(child, why);
    }
    return err;
}

enum err element_name(const struct yaml_node *node, struct name_text *ret, struct why *why)
{
    static const char *const known[] = {"ja", "en", NULL};
    if (node == NULL || yaml_is_null(node)) {
        return OK;
    }
    enum err err = element_keys(node, known, "a name", why);
    for (const struct yaml_node *half = err == OK ? node->first : NULL; half != NULL;
         half = half->next) {
        if (yaml_is_null(half)) {
            continue;
        }
        if (half->kind != YAML_SCALAR || !element_line_valid(half->text)) {
            return why_say_at(why, ERR_SYNTAX, half->line, half->column,
                              "a name is one line of at most %d bytes without control characters",
                              NAME_TEXT_MAX);
        }
        *(str_equal(half->key->text, STR("ja")) ? &ret->ja : &ret->en) = half->text;
    }
    return err;
}

static enum err sources_read(const struct yaml_node *node, struct arena *mem,
                             struct client_element *client, struct why *why)
{
    if (node == NULL || yaml_is_null(node)) {
        return OK;
    }
    if (node->kind != YAML_SEQUENCE || node->count > SOURCES_MAX) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "sources is a list of at most %d sources", SOURCES_MAX);
    }
    client->sources = ARENA_ARRAY(mem, struct source_element, node->count);
    if (client->sources == NULL) {
        return ERR_MEMORY;
    }
    enum err err = OK;
    for (const struct yaml_node *item = node->first; item != NULL && err == OK; item = item->next) {
        err = source_read(item, mem, &client->sources[client->sources_count++], why);
    }
    return err;
}

/* ---- Printing. */

void print_text(struct printer *printer, const char *text)
{
    if (printer->err == OK) {
        printer->err = buf_append(printer->out, str_from(text));
    }
}

void print_json(struct printer *printer, struct str text)
{
    if (printer->err == OK) {
        printer->err = json_print(printer->out, text);
    }
}

void print_name(struct printer *printer, const struct name_text *name)
{
    print_text(printer, "{");
    if (name->en.size > 0) {
        print_text(printer, "\"en\":");
        print_json(printer, name->en);
    }
    if (name->ja.size > 0) {
        print_text(printer, name->en.size > 0 ? ",\"ja\":" : "\"ja\":");
        print_json(printer, name->ja);
    }
    print_text(printer, "}");
}

enum err client_print(const struct client_element *client, struct buf *out)
{
    struct printer printer = {out, OK};
    print_text(&printer, "{\"name\":");
    print_name(&printer, &client->name);
    if (client->quota > 0 && printer.err == OK) {
        printer.err = buf_print(out, ",\"quota\":%u", client->quota);
    }
    print_text(&printer, ",\"slug\":");
    print_json(&printer, client->slug);
    print_text(&printer, "}");
    return printer.err;
}

void print_name_lines(struct printer *printer, const char *indent, const struct name_text *name)
{
    print_text(printer, indent);
    print_text(printer, "name: {ja: ");
    if (name->ja.size > 0) {
        print_json(printer, name->ja);
    } else {
        print_text(printer, "~");
    }
    print_text(printer, ", en: ");
    if (name->en.size > 0) {
        print_json(printer, name->en);
    } else {
        print_text(printer, "~");
    }
    print_text(printer, "}\n");
}

enum err client_export(const struct client_parts *parts, struct buf *out)
{
    struct printer printer = {out, OK};
    print_text(&printer, "  - slug: ");
    print_json(&printer, parts->client->slug);
    print_text(&printer, "\n");
    print_name_lines(&printer, "    ", &parts->client->name);
    if (parts->client->quota > 0 && printer.err == OK) {
        printer.err = buf_print(out, "    quota: %u\n", parts->client->quota);
    }
    people_lines(&printer, parts->people, parts->people_count);
    engagements_lines(&printer, parts->engagements, parts->engagements_count);
    print_text(&printer, parts->sources_count > 0 ? "    sources:\n" : "    sources: []\n");
    for (size_t i = 0; i < parts->sources_count; i++) {
        source_lines(&printer, parts->sources[i]);
    }
    print_text(&printer, parts->devices_count > 0 ? "    devices:\n" : "");
    for (size_t i = 0; i < parts->devices_count; i++) {
        device_lines(&printer, parts->devices[i]);
    }
    return printer.err;
}
