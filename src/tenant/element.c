/*
 * The elements of an apply file that tell whose a log is: a client and its log sources.  Parties,
 * people and engagements are in party.c, which shares the small readers and printers here.
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
#include "tenant/private.h"

/* What parse/ knows; it stands above, so it cannot be asked. */
static const char *const parsers[] = {"auto", "syslog", "json",      "combined",
                                      "sshd", "winxml", "netfilter", NULL};
#define PARSERS_TEXT "auto, syslog, json, combined, sshd, winxml or netfilter"

#define ZONE_SECONDS_MAX (14 * 3600)

static enum err parser_read(const struct yaml_node *node, struct str *ret, struct why *why);
static enum err zone_read(const struct yaml_node *node, int32_t *ret, struct why *why);
static enum err senders_read(const struct yaml_node *node, struct arena *mem,
                             struct source_element *source, struct why *why);
static enum err sources_read(const struct yaml_node *node, struct arena *mem,
                             struct client_element *client, struct why *why);

/* ---- Reading. */

enum err source_read(const struct yaml_node *node, struct arena *mem, struct source_element *ret,
                     struct why *why)
{
    static const char *const known[] = {"slug", "name", "parser", "zone", "senders", NULL};
    struct source_element source = {.line = node->line, .column = node->column};
    enum err err = element_keys(node, known, "a source", why);
    if (err == OK) {
        err = element_slug(node, "source", &source.slug, why);
    }
    if (err == OK) {
        err = element_name(yaml_get(node, STR("name")), &source.name, why);
    }
    if (err == OK) {
        err = parser_read(yaml_get(node, STR("parser")), &source.parser, why);
    }
    if (err == OK) {
        err = zone_read(yaml_get(node, STR("zone")), &source.zone_seconds, why);
    }
    if (err == OK) {
        err = senders_read(yaml_get(node, STR("senders")), mem, &source, why);
    }
    if (err == OK) {
        *ret = source;
    }
    return err;
}

enum err client_read(const struct yaml_node *node, bool with_sources, struct arena *mem,
                     struct client_element *ret, struct why *why)
{
    static const char *const known[] = {"slug",        "name",       "people",
                                        "engagements", "sources",    "documents",
                                        "disclosures", "signatures", NULL};
    struct client_element client = {.line = node->line, .column = node->column};
    enum err err = element_keys(node, known, "a client", why);
    if (err == OK) {
        err = element_slug(node, "client", &client.slug, why);
    }
    if (err == OK) {
        err = element_name(yaml_get(node, STR("name")), &client.name, why);
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
bool element_name_valid(struct str text)
{
    for (size_t at = 0; at < text.size;) {
        const unsigned char *b = (const unsigned char *)text.data + at;
        size_t length = utf8_sequence(str_slice(text, at, 4));
        if (length == 0 || b[0] < 0x20 || b[0] == 0x7f || (b[0] == 0xc2 && b[1] < 0xa0)) {
            return false;
        }
        if (length == 3) {
            unsigned code = (b[0] & 0x0fu) << 12 | (b[1] & 0x3fu) << 6 | (b[2] & 0x3fu);
            if ((code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
                code == 0xfeff || code >= 0xfffe) {
                return false;
            }
        }
        at += length;
    }
    return text.size <= NAME_TEXT_MAX;
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
        if (half->kind != YAML_SCALAR || !element_name_valid(half->text)) {
            return why_say_at(why, ERR_SYNTAX, half->line, half->column,
                              "a name is one line of at most %d bytes without control characters",
                              NAME_TEXT_MAX);
        }
        *(str_equal(half->key->text, STR("ja")) ? &ret->ja : &ret->en) = half->text;
    }
    return err;
}

static enum err parser_read(const struct yaml_node *node, struct str *ret, struct why *why)
{
    *ret = STR("auto");
    if (node == NULL) {
        return OK;
    }
    for (size_t i = 0; parsers[i] != NULL && node->kind == YAML_SCALAR; i++) {
        if (str_equal(node->text, str_from(parsers[i]))) {
            *ret = str_from(parsers[i]);
            return OK;
        }
    }
    return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                      "there is no such parser; write " PARSERS_TEXT);
}

static int two_digits(struct str text, size_t at)
{
    char a = text.data[at];
    char b = text.data[at + 1];
    return a < '0' || a > '9' || b < '0' || b > '9' ? 1000 : (a - '0') * 10 + (b - '0');
}

static enum err zone_read(const struct yaml_node *node, int32_t *ret, struct why *why)
{
    *ret = 0;
    if (node == NULL) {
        return OK;
    }
    struct str text = node->text;
    if (node->kind == YAML_SCALAR && (str_equal(text, STR("Z")) || str_equal(text, STR("UTC")))) {
        return OK;
    }
    if (node->kind == YAML_SCALAR && text.size == 6 && text.data[3] == ':' &&
        (text.data[0] == '+' || text.data[0] == '-')) {
        int hours = two_digits(text, 1);
        int minutes = two_digits(text, 4);
        int seconds = hours * 3600 + minutes * 60;
        if (minutes < 60 && seconds <= ZONE_SECONDS_MAX) {
            *ret = text.data[0] == '-' ? -seconds : seconds;
            return OK;
        }
    }
    return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                      "a zone is written as its distance from UTC, such as \"+09:00\"");
}

static enum err networks_read(const struct yaml_node *node, struct arena *mem,
                              struct sender *sender, struct why *why)
{
    if (node == NULL) {
        return OK;
    }
    if (node->kind != YAML_SEQUENCE || node->count == 0 || node->count > ADDRESSES_MAX) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "addresses is a list of 1 to %d addresses or networks", ADDRESSES_MAX);
    }
    sender->networks = ARENA_ARRAY(mem, struct network, node->count);
    if (sender->networks == NULL) {
        return ERR_MEMORY;
    }
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        struct network *network = &sender->networks[sender->networks_count++];
        if (item->kind != YAML_SCALAR || network_parse(item->text, network) != OK ||
            !network_canonical(network)) {
            return why_say_at(why, ERR_SYNTAX, item->line, item->column,
                              "write an address (192.0.2.1), or a network with no bits behind its "
                              "prefix (192.0.2.0/24, 2001:db8::/32)");
        }
    }
    return OK;
}

static enum err sender_read(const struct yaml_node *node, struct arena *mem, struct sender *ret,
                            struct why *why)
{
    static const char *const known[] = {"listener", "addresses", "token_sha256", NULL};
    struct sender sender = {.line = node->line, .column = node->column};
    enum err err = element_keys(node, known, "a sender", why);
    const struct yaml_node *listener = yaml_get(node, STR("listener"));
    const struct yaml_node *token = yaml_get(node, STR("token_sha256"));
    if (err != OK) {
        return err;
    }
    if (listener == NULL || listener->kind != YAML_SCALAR || !str_is_slug(listener->text)) {
        const struct yaml_node *at = listener != NULL ? listener : node;
        return why_say_at(why, ERR_SYNTAX, at->line, at->column,
                          "a sender needs 'listener:' with a listener's name in the configuration");
    }
    sender.listener = listener->text;
    if (token != NULL) {
        if (token->kind != YAML_SCALAR ||
            hex_parse(token->text, sender.token_hash, sizeof sender.token_hash) != OK) {
            return why_say_at(why, ERR_SYNTAX, token->line, token->column,
                              "token_sha256 has 64 hexadecimal digits; 'hinomi tenant token' makes "
                              "a token and prints them");
        }
        sender.has_token = true;
    }
    err = networks_read(yaml_get(node, STR("addresses")), mem, &sender, why);
    if (err == OK && !sender.has_token && sender.networks_count == 0) {
        err = why_say_at(why, ERR_SYNTAX, node->line, node->column,
                         "a sender is known by 'addresses:', by 'token_sha256:', or both; add one");
    }
    if (err == OK) {
        *ret = sender;
    }
    return err;
}

static enum err senders_read(const struct yaml_node *node, struct arena *mem,
                             struct source_element *source, struct why *why)
{
    if (node == NULL || yaml_is_null(node)) {
        return OK;
    }
    if (node->kind != YAML_SEQUENCE || node->count > SENDERS_MAX) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "senders is a list of at most %d senders", SENDERS_MAX);
    }
    source->senders = ARENA_ARRAY(mem, struct sender, node->count);
    if (source->senders == NULL) {
        return ERR_MEMORY;
    }
    enum err err = OK;
    for (const struct yaml_node *item = node->first; item != NULL && err == OK; item = item->next) {
        err = sender_read(item, mem, &source->senders[source->senders_count++], why);
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

static void put_zone(struct printer *printer, int32_t seconds)
{
    int32_t distance = seconds < 0 ? -seconds : seconds;
    if (printer->err == OK) {
        printer->err = buf_print(printer->out, "\"%c%02d:%02d\"", seconds < 0 ? '-' : '+',
                                 distance / 3600, distance / 60 % 60);
    }
}

static void put_networks(struct printer *printer, const struct sender *sender)
{
    char text[NETWORK_TEXT_SIZE];
    print_text(printer, "[");
    for (size_t i = 0; i < sender->networks_count; i++) {
        print_text(printer, i > 0 ? ",\"" : "\"");
        print_text(printer, network_print(&sender->networks[i], text));
        print_text(printer, "\"");
    }
    print_text(printer, "]");
}

enum err source_print(const struct source_element *source, struct buf *out)
{
    struct printer printer = {out, OK};
    print_text(&printer, "{\"name\":");
    print_name(&printer, &source->name);
    print_text(&printer, ",\"parser\":");
    print_json(&printer, source->parser);
    print_text(&printer, ",\"senders\":[");
    for (size_t i = 0; i < source->senders_count; i++) {
        const struct sender *sender = &source->senders[i];
        print_text(&printer, i > 0 ? ",{" : "{");
        if (sender->networks_count > 0) {
            print_text(&printer, "\"addresses\":");
            put_networks(&printer, sender);
            print_text(&printer, ",");
        }
        print_text(&printer, "\"listener\":");
        print_json(&printer, sender->listener);
        if (sender->has_token) {
            char hex[VERSION_TEXT_SIZE];
            print_text(&printer, ",\"token_sha256\":\"");
            print_text(&printer, hex_print(sender->token_hash, sizeof sender->token_hash, hex));
            print_text(&printer, "\"");
        }
        print_text(&printer, "}");
    }
    print_text(&printer, "],\"slug\":");
    print_json(&printer, source->slug);
    print_text(&printer, ",\"zone\":");
    put_zone(&printer, source->zone_seconds);
    print_text(&printer, "}");
    return printer.err;
}

enum err client_print(const struct client_element *client, struct buf *out)
{
    struct printer printer = {out, OK};
    print_text(&printer, "{\"name\":");
    print_name(&printer, &client->name);
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

static void put_source_lines(struct printer *printer, const struct source_element *source)
{
    print_text(printer, "      - slug: ");
    print_json(printer, source->slug);
    print_text(printer, "\n");
    print_name_lines(printer, "        ", &source->name);
    print_text(printer, "        parser: ");
    print_json(printer, source->parser);
    print_text(printer, "\n        zone: ");
    put_zone(printer, source->zone_seconds);
    print_text(printer,
               source->senders_count > 0 ? "\n        senders:\n" : "\n        senders: []\n");
    for (size_t i = 0; i < source->senders_count; i++) {
        const struct sender *sender = &source->senders[i];
        print_text(printer, "          - listener: ");
        print_json(printer, sender->listener);
        if (sender->networks_count > 0) {
            print_text(printer, "\n            addresses: ");
            put_networks(printer, sender);
        }
        if (sender->has_token) {
            char hex[VERSION_TEXT_SIZE];
            print_text(printer, "\n            token_sha256: \"");
            print_text(printer, hex_print(sender->token_hash, sizeof sender->token_hash, hex));
            print_text(printer, "\"");
        }
        print_text(printer, "\n");
    }
}

enum err client_export(const struct client_parts *parts, struct buf *out)
{
    struct printer printer = {out, OK};
    print_text(&printer, "  - slug: ");
    print_json(&printer, parts->client->slug);
    print_text(&printer, "\n");
    print_name_lines(&printer, "    ", &parts->client->name);
    people_lines(&printer, parts->people, parts->people_count);
    engagements_lines(&printer, parts->engagements, parts->engagements_count);
    print_text(&printer, parts->sources_count > 0 ? "    sources:\n" : "    sources: []\n");
    for (size_t i = 0; i < parts->sources_count; i++) {
        put_source_lines(&printer, parts->sources[i]);
    }
    return printer.err;
}
