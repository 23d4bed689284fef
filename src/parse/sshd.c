/*
 * What OpenSSH's sshd says about who comes and goes.
 *
 * Each kind of line is a row: a pattern and what it means in ECS.  In a pattern stand
 *
 *     %m  the method of authentication, a word      %a  an address or host name
 *     %u  a user name: anything, also nothing       %p  a port
 *     %w  any word                                  %*  whatever is left
 *
 * A user name is whatever the peer typed, blanks and " from 192.0.2.1 port 22" included.  sshd puts
 * it before its own words, so of several ways to read a line the one with the longest name is
 * right: %u is tried from the right.  There is at most one %u in a row, so a match is linear.
 */

#include <string.h>

#include "parse/private.h"

enum meaning {
    LOGIN_FAILED,
    LOGIN_ACCEPTED,
    SESSION_OPENED,
    SESSION_CLOSED,
    DISCONNECTED,
    CONNECTED,
    PROBED,
    OTHER
};

struct row {
    const char *pattern;
    enum meaning meaning;
};

/* The narrower of two rows comes first. */
static const struct row rows[] = {
    {"Failed %m for invalid user %u from %a port %p%*", LOGIN_FAILED},
    {"Failed %m for illegal user %u from %a port %p%*", LOGIN_FAILED},
    {"Failed %m for %u from %a port %p%*", LOGIN_FAILED},
    {"Accepted %m for %u from %a port %p%*", LOGIN_ACCEPTED},
    {"Postponed %m for invalid user %u from %a port %p%*", OTHER},
    {"Postponed %m for %u from %a port %p%*", OTHER},
    {"Invalid user %u from %a port %p", LOGIN_FAILED},
    {"Invalid user %u from %a", LOGIN_FAILED},
    {"Illegal user %u from %a", LOGIN_FAILED},
    {"error: maximum authentication attempts exceeded for invalid user %u from %a port %p%*",
     LOGIN_FAILED},
    {"error: maximum authentication attempts exceeded for %u from %a port %p%*", LOGIN_FAILED},
    {"error: PAM: Authentication failure for illegal user %u from %a", LOGIN_FAILED},
    {"error: PAM: Authentication failure for %u from %a", LOGIN_FAILED},
    {"error: PAM: User not known to the underlying authentication module for illegal user %u from "
     "%a",
     LOGIN_FAILED},
    {"ROOT LOGIN REFUSED FROM %a port %p", LOGIN_FAILED},
    {"User %u from %a not allowed because %*", LOGIN_FAILED},
    {"Disconnected from authenticating user %u %a port %p", DISCONNECTED},
    {"Disconnected from invalid user %u %a port %p", DISCONNECTED},
    {"Disconnected from user %u %a port %p", SESSION_CLOSED},
    {"Disconnected from %a port %p", DISCONNECTED},
    {"Disconnected from %a", DISCONNECTED},
    {"Received disconnect from %a port %p:%*", DISCONNECTED},
    {"Received disconnect from %a: %*", DISCONNECTED},
    {"Disconnecting authenticating user %u %a port %p: %*", DISCONNECTED},
    {"Disconnecting invalid user %u %a port %p: %*", DISCONNECTED},
    {"Disconnecting user %u %a port %p: %*", DISCONNECTED},
    {"Connection closed by authenticating user %u %a port %p", DISCONNECTED},
    {"Connection closed by invalid user %u %a port %p", DISCONNECTED},
    {"Connection closed by %a port %p", DISCONNECTED},
    {"Connection closed by %a", DISCONNECTED},
    {"Connection reset by authenticating user %u %a port %p", DISCONNECTED},
    {"Connection reset by invalid user %u %a port %p", DISCONNECTED},
    {"Connection reset by %a port %p", DISCONNECTED},
    {"Connection reset by %a", DISCONNECTED},
    {"Connection from %a port %p on %*", CONNECTED},
    {"Connection from %a port %p", CONNECTED},
    {"Timeout before authentication for %a port %p", PROBED},
    {"Timeout before authentication for %a", PROBED},
    {"Did not receive identification string from %a port %p", PROBED},
    {"Did not receive identification string from %a", PROBED},
    {"Bad protocol version identification %u from %a port %p", PROBED},
    {"Unable to negotiate with %a port %p: %*", PROBED},
    {"Unable to negotiate with %a: %*", PROBED},
    {"fatal: Unable to negotiate with %a port %p: %*", PROBED},
    {"banner exchange: Connection from %a port %p: %*", PROBED},
    {"error: kex_exchange_identification: %*", PROBED},
    {"pam_unix(sshd:session): session opened for user %u(uid=%w by %*", SESSION_OPENED},
    {"pam_unix(sshd:session): session opened for user %u by %*", SESSION_OPENED},
    {"pam_unix(sshd:session): session closed for user %u", SESSION_CLOSED},
    {"Starting session: %*", SESSION_OPENED},
    {"Close session: user %u from %a port %p id %*", SESSION_CLOSED},
    {"subsystem request for %m by user %u", OTHER},
};

static const struct {
    struct str action, category, type, outcome;
} meanings[] = {
#define S(text)                \
    {                          \
        text, sizeof(text) - 1 \
    }
    [LOGIN_FAILED] = {S("ssh_login"), S("authentication"), S("start"), S("failure")},
    [LOGIN_ACCEPTED] = {S("ssh_login"), S("authentication"), S("start"), S("success")},
    [SESSION_OPENED] = {S("session_opened"), S("session"), S("start"), S("success")},
    [SESSION_CLOSED] = {S("session_closed"), S("session"), S("end"), S("success")},
    [DISCONNECTED] = {S("ssh_disconnect"), S("network"), S("end"), S("")},
    [CONNECTED] = {S("ssh_connect"), S("network"), S("start"), S("")},
    [PROBED] = {S("ssh_handshake"), S("network"), S("denied"), S("failure")},
    [OTHER] = {S(""), S(""), S(""), S("")},
#undef S
};

struct captures {
    struct str method, user, address, port;
};

static bool pattern_match(const char *pattern, struct str text, struct captures *captures);
static bool pam_parse(struct found *found, struct str text);
static void meaning_tell(struct found *found, enum meaning meaning);

bool sshd_program(struct str program)
{
    return str_equal(program, STR("sshd")) || str_equal(program, STR("sshd-session")) ||
           str_equal(program, STR("sshd-auth")) || str_ends(program, STR("/sshd"));
}

bool sshd_parse(struct found *found, struct str text)
{
    text = str_trim(text);
    struct str inner = text;
    int times;
    if (cursor_literal(&inner, STR("message repeated ")) && cursor_number(&inner, 9, &times) &&
        cursor_literal(&inner, STR(" times: [")) && str_ends(inner, STR("]"))) {
        text = str_trim(str_slice(inner, 0, inner.size - 1));
    }
    if (str_ends(text, STR(" [preauth]"))) {
        text = str_trim(str_slice(text, 0, text.size - strlen(" [preauth]")));
    }
    if (pam_parse(found, text)) {
        return true;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct captures captures = {0};
        if (!pattern_match(rows[i].pattern, text, &captures)) {
            continue;
        }
        if (captures.user.size > 0) {
            found_span(found, STR("user.name"), captures.user);
        }
        if (captures.address.size > 0) {
            found_peer(found, captures.address, STR("source.address"), STR("source.ip"),
                       STR("source.domain"));
        }
        if (captures.port.size > 0) {
            found_span(found, STR("source.port"), captures.port);
        }
        if (captures.method.size > 0) {
            found_span(found, STR("sshd.method"), captures.method);
        }
        meaning_tell(found, rows[i].meaning);
        return true;
    }
    return false;
}

static void meaning_tell(struct found *found, enum meaning meaning)
{
    if (meaning != OTHER) {
        found_derive(found, STR("event.kind"), STR("event"));
        found_derive(found, STR("event.category"), meanings[meaning].category);
        found_derive(found, STR("event.type"), meanings[meaning].type);
        found_derive(found, STR("event.action"), meanings[meaning].action);
        found_derive(found, STR("event.outcome"), meanings[meaning].outcome);
    }
    builder_class(found->builder, STR("/linux/sshd"));
}

/* "pam_unix(sshd:auth): authentication failure; logname= … rhost=192.0.2.1  user=root" */
static bool pam_parse(struct found *found, struct str text)
{
    struct str word;
    if (!cursor_literal(&text, STR("pam_unix(sshd:auth): authentication failure; ")) &&
        !cursor_literal(&text, STR("pam_sss(sshd:auth): authentication failure; "))) {
        return false;
    }
    cursor_blanks(&text);
    while (cursor_word(&text, &word)) {
        if (cursor_literal(&word, STR("rhost=")) && word.size > 0) {
            found_peer(found, word, STR("source.address"), STR("source.ip"), STR("source.domain"));
        } else if (cursor_literal(&word, STR("user=")) && word.size > 0) {
            found_span(found, STR("user.name"), word);
        }
        cursor_blanks(&text);
    }
    meaning_tell(found, LOGIN_FAILED);
    return true;
}

static bool address_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr(".:-_%", c) != NULL);
}

/* The longest run of an address's bytes; a colon at its end belongs to what follows. */
static bool address_take(struct str *rest, struct str *ret)
{
    size_t size = 0;
    while (size < rest->size && address_byte(rest->data[size])) {
        size++;
    }
    size -= size > 0 && rest->data[size - 1] == ':' ? 1 : 0;
    *ret = str_slice(*rest, 0, size);
    *rest = text_from(*rest, size);
    return size > 0;
}

static bool digits_take(struct str *rest, struct str *ret)
{
    size_t size = 0;
    while (size < rest->size && size < 6 && rest->data[size] >= '0' && rest->data[size] <= '9') {
        size++;
    }
    *ret = str_slice(*rest, 0, size);
    *rest = text_from(*rest, size);
    return size > 0 && size < 6;
}

static bool user_match(const char *pattern, struct str text, struct captures *captures)
{
    for (size_t size = text.size + 1; size-- > 0;) {
        if (pattern_match(pattern, text_from(text, size), captures)) {
            captures->user = str_slice(text, 0, size);
            return true;
        }
    }
    return false;
}

static bool pattern_match(const char *pattern, struct str text, struct captures *captures)
{
    while (*pattern != '\0') {
        if (*pattern != '%') {
            if (text.size == 0 || text.data[0] != *pattern) {
                return false;
            }
            pattern++;
            text = text_from(text, 1);
            continue;
        }
        char kind = pattern[1];
        pattern += 2;
        if (kind == '*') {
            return true;
        }
        if (kind == 'u') {
            return user_match(pattern, text, captures);
        }
        struct str ignored;
        bool taken = kind == 'a'   ? address_take(&text, &captures->address)
                     : kind == 'p' ? digits_take(&text, &captures->port)
                                   : cursor_word(&text, kind == 'm' ? &captures->method : &ignored);
        if (!taken) {
            return false;
        }
    }
    return text.size == 0;
}
