/*
 * What leads to a machine or a mailbox: addresses, networks, mail addresses, URLs.
 *
 *     RFC 5321, section 4.1.2   local parts may be quoted, domains may be address literals.
 *     OUR reading               neither: nobody types them, and mail servers are attacked with
 * them. RFC 3986                  any scheme, user names and passwords, international names. OUR
 * reading               http and https, no user name: a password would be shown to others; names in
 * ASCII (xn--), so that no letter looks like another one.
 *
 * Always true: schemes and domains come out in lower case, addresses in the form of RFC 5952.
 */

#include <string.h>

#include "base/limits.h"
#include "codec/network.h"
#include "document/private.h"

#define LOCAL_SIZE_MAX  64  /* RFC 5321, section 4.5.3.1.1 */
#define DOMAIN_SIZE_MAX 253 /* RFC 1035, section 2.3.4, as text */
#define PREFIX_MAX      128

enum err address_read(const struct schema_element *schema, struct str text, struct arena *mem,
                      struct scalar *ret, struct why *why)
{
    (void)schema;
    struct network network = {.prefix = PREFIX_MAX};
    char printed[NETWORK_TEXT_SIZE];
    if (address_parse(text, network.address) != OK) {
        return why_say(why, ERR_SYNTAX, 0, "'%.*s' is no IPv4 or IPv6 address", STR_ARG(text));
    }
    return arena_copy(mem, str_from(network_print(&network, printed)), &ret->text);
}

enum err network_read(const struct schema_element *schema, struct str text, struct arena *mem,
                      struct scalar *ret, struct why *why)
{
    (void)schema;
    struct network network;
    char printed[NETWORK_TEXT_SIZE];
    if (network_parse(text, &network) != OK) {
        return why_say(why, ERR_SYNTAX, 0, "'%.*s' is no network; write 10.0.1.0/24 or an address",
                       STR_ARG(text));
    }
    if (!network_canonical(&network)) {
        return why_say(why, ERR_SYNTAX, 0, "'%.*s' has bits behind its prefix", STR_ARG(text));
    }
    return arena_copy(mem, str_from(network_print(&network, printed)), &ret->text);
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Labels of letters, digits and inner '-', joined by dots. */
static bool is_domain(struct str text)
{
    bool fine = text.size > 0 && text.size <= DOMAIN_SIZE_MAX && !str_ends(text, STR("."));
    while (fine && text.size > 0) {
        struct str label = str_cut(&text, '.');
        fine = label.size > 0 && label.size <= SLUG_SIZE_MAX && label.data[0] != '-' &&
               label.data[label.size - 1] != '-';
        for (size_t i = 0; i < label.size && fine; i++) {
            fine = is_alnum(label.data[i]) || label.data[i] == '-';
        }
    }
    return fine;
}

/* Atoms joined by dots (RFC 5321, Dot-string). */
static bool is_local(struct str text)
{
    bool fine = text.size > 0 && text.size <= LOCAL_SIZE_MAX;
    char before = '.';
    for (size_t i = 0; i < text.size && fine; i++) {
        char c = text.data[i];
        fine =
            c == '.' ? before != '.' : is_alnum(c) || memchr("!#$%&'*+-/=?^_`{|}~", c, 19) != NULL;
        before = c;
    }
    return fine && before != '.';
}

/* The bytes in [from, to) in lower case. */
static enum err lowered(struct str text, size_t from, size_t to, struct arena *mem, struct str *ret)
{
    char *bytes = arena_take(mem, text.size + 1);
    if (bytes == NULL) {
        return ERR_MEMORY;
    }
    memcpy(bytes, text.data, text.size);
    for (size_t i = from; i < to; i++) {
        if (bytes[i] >= 'A' && bytes[i] <= 'Z') {
            bytes[i] = (char)(bytes[i] - 'A' + 'a');
        }
    }
    *ret = str_of(bytes, text.size);
    return OK;
}

enum err mail_read(const struct schema_element *schema, struct str text, struct arena *mem,
                   struct scalar *ret, struct why *why)
{
    (void)schema;
    size_t at = str_find_byte(text, '@');
    struct str domain = at == STR_NONE ? (struct str){0} : str_slice(text, at + 1, text.size);
    if (at == STR_NONE || !is_local(str_slice(text, 0, at)) || !is_domain(domain) ||
        str_find_byte(domain, '.') == STR_NONE) {
        return why_say(why, ERR_SYNTAX, 0, "'%.*s' is no mail address; write name@domain.example",
                       STR_ARG(text));
    }
    return lowered(text, at + 1, text.size, mem, &ret->text);
}

/* HOST, HOST:PORT or [IPV6]:PORT. */
static bool is_authority(struct str text)
{
    uint8_t address[ADDRESS_SIZE];
    struct str host = text;
    struct str port = {0};
    if (str_starts(text, STR("["))) {
        size_t end = str_find_byte(text, ']');
        if (end == STR_NONE || address_parse(str_slice(text, 1, end - 1), address) != OK) {
            return false;
        }
        port = str_slice(text, end + 1, text.size);
    } else {
        size_t colon = str_find_byte(text, ':');
        host = str_slice(text, 0, colon == STR_NONE ? text.size : colon);
        port = str_slice(text, host.size, text.size);
        if (!is_domain(host)) {
            return false;
        }
    }
    uint64_t number;
    return port.size == 0 ||
           (port.data[0] == ':' &&
            str_to_u64(str_slice(port, 1, port.size), 65535, &number) == OK && number > 0);
}

enum err url_read(const struct schema_element *schema, struct str text, struct arena *mem,
                  struct scalar *ret, struct why *why)
{
    (void)schema;
    bool fine = true;
    for (size_t i = 0; i < text.size && fine; i++) {
        fine = text.data[i] > 0x20 && text.data[i] < 0x7f &&
               memchr("\"<>\\^`{|}", text.data[i], 9) == NULL;
    }
    size_t scheme = 0;
    if (text.size > 8 && str_equal_nocase(str_slice(text, 0, 8), STR("https://"))) {
        scheme = 8;
    } else if (text.size > 7 && str_equal_nocase(str_slice(text, 0, 7), STR("http://"))) {
        scheme = 7;
    }
    size_t end = scheme;
    while (end < text.size && memchr("/?#", text.data[end], 3) == NULL) {
        end++;
    }
    struct str authority = str_slice(text, scheme, end - scheme);
    if (str_find_byte(authority, '@') != STR_NONE) {
        return why_say(why, ERR_SYNTAX, 0, "a URL with a user name is not kept; remove it");
    }
    if (!fine || scheme == 0 || !is_authority(authority)) {
        return why_say(why, ERR_SYNTAX, 0, "'%.*s' is no URL; write https://host.example/path",
                       STR_ARG(text));
    }
    return lowered(text, 0, end, mem, &ret->text);
}
