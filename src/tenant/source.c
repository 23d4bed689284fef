/*
 * A log source in an apply file: whose logs they are, how they are read, and who sends them.  A
 * sender is known by what it shows: an address, a token, a certificate, or the path of its file.
 *
 * Always true: as of every element, print(read(print(x))) equals print(x).  What was not there when
 * a version was made is printed only where it differs from its default, so that a version keeps its
 * name.
 */

#include <string.h>

#include "base/limits.h"
#include "codec/crypto.h"
#include "tenant/private.h"

/* What codec/charset.h knows; the parser asks it, not we. */
static const char *const charsets[] = {"auto",     "utf-8",       "shift_jis",
                                       "euc-jp",   "iso-2022-jp", "utf-16le",
                                       "utf-16be", "iso-8859-1",  NULL};
#define CHARSETS_TEXT \
    "auto, utf-8, shift_jis, euc-jp, iso-2022-jp, utf-16le, utf-16be or iso-8859-1"
#define ZONE_SECONDS_MAX (14 * 3600)

static enum err parser_read(const struct yaml_node *node, struct str *ret, struct why *why);
static enum err charset_read(const struct yaml_node *node, struct str *ret, struct why *why);
static enum err zone_read(const struct yaml_node *node, struct source_element *source,
                          struct why *why);
static enum err senders_read(const struct yaml_node *node, struct arena *mem,
                             struct source_element *source, struct why *why);

/* ---- Reading. */

enum err source_read(const struct yaml_node *node, struct arena *mem, struct source_element *ret,
                     struct why *why)
{
    static const char *const known[] = {"slug", "name",    "parser", "charset",
                                        "zone", "senders", NULL};
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
        err = charset_read(yaml_get(node, STR("charset")), &source.charset, why);
    }
    if (err == OK) {
        err = zone_read(yaml_get(node, STR("zone")), &source, why);
    }
    if (err == OK) {
        err = senders_read(yaml_get(node, STR("senders")), mem, &source, why);
    }
    if (err == OK) {
        *ret = source;
    }
    return err;
}

/* Which parsers there are is parse's to say, which stands above; `apply` notes a name it has not.
 */
static enum err parser_read(const struct yaml_node *node, struct str *ret, struct why *why)
{
    *ret = STR("auto");
    if (node == NULL) {
        return OK;
    }
    if (node->kind != YAML_SCALAR || !str_is_slug(node->text)) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "a parser is named as docs/parsers.md names it, or 'auto'");
    }
    *ret = node->text;
    return OK;
}

static enum err charset_read(const struct yaml_node *node, struct str *ret, struct why *why)
{
    *ret = STR("auto");
    if (node == NULL) {
        return OK;
    }
    for (size_t i = 0; charsets[i] != NULL && node->kind == YAML_SCALAR; i++) {
        if (str_equal(node->text, str_from(charsets[i]))) {
            *ret = str_from(charsets[i]);
            return OK;
        }
    }
    return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                      "there is no such character set; write " CHARSETS_TEXT);
}

static int two_digits(struct str text, size_t at)
{
    char a = text.data[at];
    char b = text.data[at + 1];
    return a < '0' || a > '9' || b < '0' || b > '9' ? 1000 : (a - '0') * 10 + (b - '0');
}

/* "Area/Place", "Area/Country/Place": as the time zone database names places. */
static bool zone_is_name(struct str text)
{
    bool slash = false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool inner = i > 0 && ((c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+');
        slash = slash || c == '/';
        if (!letter && !inner && !(c == '/' && i > 0 && text.data[i - 1] != '/')) {
            return false;
        }
    }
    return slash && text.size <= SLUG_SIZE_MAX && text.data[text.size - 1] != '/';
}

static enum err zone_read(const struct yaml_node *node, struct source_element *source,
                          struct why *why)
{
    if (node == NULL) {
        return OK;
    }
    struct str text = node->kind == YAML_SCALAR ? node->text : STR("");
    if (str_equal(text, STR("Z")) || str_equal(text, STR("UTC"))) {
        return OK;
    }
    if (text.size == 6 && text.data[3] == ':' && (text.data[0] == '+' || text.data[0] == '-')) {
        int hours = two_digits(text, 1);
        int minutes = two_digits(text, 4);
        int seconds = hours * 3600 + minutes * 60;
        if (minutes < 60 && seconds <= ZONE_SECONDS_MAX) {
            source->zone_seconds = text.data[0] == '-' ? -seconds : seconds;
            return OK;
        }
    }
    if (zone_is_name(text)) {
        source->zone_name = text;
        return OK;
    }
    return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                      "a zone is its distance from UTC, such as \"+09:00\", or a place of the time "
                      "zone database, such as Asia/Tokyo");
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

static enum err token_read(const struct yaml_node *node, struct sender *sender, struct why *why)
{
    if (node == NULL) {
        return OK;
    }
    if (node->kind != YAML_SCALAR ||
        hex_parse(node->text, sender->token_hash, sizeof sender->token_hash) != OK) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "token_sha256 has 64 hexadecimal digits; 'hinomi tenant token' makes a "
                          "token and prints them");
    }
    sender->has_token = true;
    return OK;
}

/* Small letters, digits, '.', '-': names of hosts, compared as they are. */
static bool is_host_name(struct str text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              (i > 0 && (c == '.' || c == '-')))) {
            return false;
        }
    }
    return text.size > 0 && text.size <= CERTIFICATE_NAME_MAX;
}

static enum err certificate_read(const struct yaml_node *node, struct sender *sender,
                                 struct why *why)
{
    uint8_t digest[32];
    if (node == NULL) {
        return OK;
    }
    struct str text = node->kind == YAML_SCALAR ? node->text : STR("");
    struct str hex = text;
    bool print = str_starts(text, STR("sha256:"));
    hex = print ? str_slice(text, 7, text.size) : hex;
    if (!(print && hex_parse(hex, digest, sizeof digest) == OK) && !is_host_name(text)) {
        return why_say_at(
            why, ERR_SYNTAX, node->line, node->column,
            "a certificate is known by 'sha256:' and the 64 hexadecimal digits of its "
            "fingerprint, or by a name in it, such as fw-1.acme.example");
    }
    sender->certificate = text;
    return OK;
}

static enum err file_read(const struct yaml_node *node, struct sender *sender, struct why *why)
{
    if (node == NULL) {
        return OK;
    }
    if (node->kind != YAML_SCALAR || node->text.size == 0 || node->text.size > FILE_PATTERN_MAX ||
        (node->text.data[0] != '/' && node->text.data[0] != '*') ||
        !element_line_valid(node->text)) {
        return why_say_at(
            why, ERR_SYNTAX, node->line, node->column,
            "a path is absolute and may hold '*', such as /var/log/nginx/*.log; it has "
            "at most %d bytes",
            FILE_PATTERN_MAX);
    }
    sender->path = node->text;
    return OK;
}

static enum err sender_read(const struct yaml_node *node, struct arena *mem, struct sender *ret,
                            struct why *why)
{
    static const char *const known[] = {"listener",    "addresses", "token_sha256",
                                        "certificate", "path",      NULL};
    struct sender sender = {.line = node->line, .column = node->column};
    enum err err = element_keys(node, known, "a sender", why);
    const struct yaml_node *listener = yaml_get(node, STR("listener"));
    if (err != OK) {
        return err;
    }
    if (listener == NULL || listener->kind != YAML_SCALAR || !str_is_slug(listener->text)) {
        const struct yaml_node *at = listener != NULL ? listener : node;
        return why_say_at(why, ERR_SYNTAX, at->line, at->column,
                          "a sender needs 'listener:' with a listener's name in the configuration");
    }
    sender.listener = listener->text;
    err = token_read(yaml_get(node, STR("token_sha256")), &sender, why);
    if (err == OK) {
        err = certificate_read(yaml_get(node, STR("certificate")), &sender, why);
    }
    if (err == OK) {
        err = file_read(yaml_get(node, STR("path")), &sender, why);
    }
    if (err == OK) {
        err = networks_read(yaml_get(node, STR("addresses")), mem, &sender, why);
    }
    int marks = sender.has_token + (sender.certificate.size > 0) + (sender.path.size > 0);
    if (err == OK && marks == 0 && sender.networks_count == 0) {
        err = why_say_at(why, ERR_SYNTAX, node->line, node->column,
                         "a sender is known by 'addresses:', 'token_sha256:' or 'certificate:', a "
                         "file by its 'path:'; add one");
    }
    if (err == OK && (marks > 1 || (sender.path.size > 0 && sender.networks_count > 0))) {
        err = why_say_at(why, ERR_SYNTAX, node->line, node->column,
                         "a sender has one of 'token_sha256:', 'certificate:' and 'path:'; write "
                         "two senders");
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

/* ---- Printing. */

static void put_zone(struct printer *printer, const struct source_element *source)
{
    int32_t seconds = source->zone_seconds;
    int32_t distance = seconds < 0 ? -seconds : seconds;
    if (source->zone_name.size > 0) {
        print_json(printer, source->zone_name);
    } else if (printer->err == OK) {
        printer->err = buf_print(printer->out, "\"%c%02d:%02d\"", seconds < 0 ? '-' : '+',
                                 distance / 3600, distance / 60 % 60);
    }
}

/* KEY and the text, if there is one. */
static void put_text(struct printer *printer, const char *key, struct str text)
{
    if (text.size > 0) {
        print_text(printer, key);
        print_json(printer, text);
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
    print_text(&printer, "{");
    if (!str_equal(source->charset, STR("auto"))) {
        put_text(&printer, "\"charset\":", source->charset);
        print_text(&printer, ",");
    }
    print_text(&printer, "\"name\":");
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
        if (sender->certificate.size > 0) {
            put_text(&printer, "\"certificate\":", sender->certificate);
            print_text(&printer, ",");
        }
        print_text(&printer, "\"listener\":");
        print_json(&printer, sender->listener);
        put_text(&printer, ",\"path\":", sender->path);
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
    put_zone(&printer, source);
    print_text(&printer, "}");
    return printer.err;
}

void source_lines(struct printer *printer, const struct source_element *source)
{
    print_text(printer, "      - slug: ");
    print_json(printer, source->slug);
    print_text(printer, "\n");
    print_name_lines(printer, "        ", &source->name);
    print_text(printer, "        parser: ");
    print_json(printer, source->parser);
    if (!str_equal(source->charset, STR("auto"))) {
        put_text(printer, "\n        charset: ", source->charset);
    }
    print_text(printer, "\n        zone: ");
    put_zone(printer, source);
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
        put_text(printer, "\n            certificate: ", sender->certificate);
        put_text(printer, "\n            path: ", sender->path);
        print_text(printer, "\n");
    }
}
