/*
 * RFC 3164, and what calls itself so.
 *
 *     Nov 21 08:30:00 web1 sshd[991]: Invalid user …            as it is described
 *     123: router1: *Mar  1 00:00:11.123 JST: %SYS-5-CONFIG_I:  Cisco: sequence, origin, no clock
 *     Nov 21 08:30:00 fw1 : %ASA-4-106023: …                    Cisco ASA
 *     2026 Nov 21 08:30:00 sw1 %ETHPORT-5-IF_UP: …              Cisco Nexus: the year in front
 *     Nov 21 08:30:00 relay Nov 21 08:29:59 web1 sshd[991]: …   a relay's header: the inner counts
 *     Nov 21 08:30:00 Message forwarded from aix1: sshd[991]: … AIX
 *     Nov 21 08:30:00 sun1 sshd[991]: [ID 800047 auth.info] …   Solaris: an id of the message
 *     Nov 21 08:30:00 last message repeated 3 times             no host
 *     date=2026-11-21 time=08:30:00 devname=fw1 …               no header at all
 *
 * RFC 3164, section 5.4, has a blank behind the host and a tag of letters and digits that ends with
 * what is neither.  We take a word with a colon or "[pid]" for the tag, and what stands before it
 * for the host if a host may be called so.  What is left is the message; since a tag may be the
 * device's own beginning of it, `tagged` and `body` tell where it began.
 */

#include <string.h>

#include "parse/private.h"

static bool stamp_read(struct str *rest, const struct parse_context *context, struct wall *ret);
static void origin_read(struct str *rest, const struct parse_context *context,
                        struct header *header);
static void parts_read(struct str *rest, const struct parse_context *context, struct header *header,
                       bool relayed);
static bool tag_read(struct str *rest, struct header *header);
static bool spaced_tag_read(struct str *rest, struct header *header);
static void id_read(struct str *rest, struct header *header);

void syslog_old_read(struct str *rest, const struct parse_context *context, struct header *header)
{
    struct str at = *rest;
    cursor_blanks(&at);
    origin_read(&at, context, header);
    if (stamp_read(&at, context, &header->happened)) {
        header->has_time = true;
        struct str after = at;
        cursor_blanks(&after);
        if (cursor_byte(&after, ':') && (after.size == 0 || after.data[0] == ' ')) {
            /* The host is left out, or stood before the time. */
            cursor_blanks(&after);
            header->body = after;
            header->tagged = after;
            (void)tag_read(&after, header);
            *rest = after;
            return;
        }
        cursor_blanks(&at);
        parts_read(&at, context, header, false);
    } else {
        header->body = at;
        header->tagged = at;
        if (tag_read(&at, header) && header->process.size == 0 && at.size > 0 &&
            at.data[0] == '%') {
            header->host = header->program; /* "host: %FACILITY-4-NAME: …" */
            header->program = (struct str){0};
            header->tagged = at;
            (void)tag_read(&at, header);
        }
    }
    id_read(&at, header);
    *rest = at;
}

/* Cisco: '*' says that the clock is not set, '.' that it was. */
static bool stamp_read(struct str *rest, const struct parse_context *context, struct wall *ret)
{
    struct str at = *rest;
    if (!cursor_byte(&at, '*')) {
        (void)cursor_byte(&at, '.');
    }
    if (!stamp_bsd(&at, context, ret) && !stamp_iso(&at, context, ret)) {
        return false;
    }
    *rest = at;
    return true;
}

/* Cisco's "123: ", "123: 000456: " and "123: origin: " before the time. */
static void origin_read(struct str *rest, const struct parse_context *context,
                        struct header *header)
{
    struct str at = *rest;
    struct str word;
    int sequence;
    if (cursor_literal(&at, STR(": "))) {
        *rest = at; /* Nexus: nothing before its colon. */
    }
    at = *rest;
    for (int i = 0; i < 2 && cursor_number(&at, 9, &sequence) && cursor_literal(&at, STR(": "));
         i++) {
        *rest = at;
    }
    at = *rest;
    struct wall ignored;
    if (cursor_word(&at, &word) && word.size > 1 && word.data[word.size - 1] == ':') {
        cursor_blanks(&at);
        if (stamp_read(&(struct str){at.data, at.size}, context, &ignored)) {
            header->host = str_slice(word, 0, word.size - 1);
            *rest = at;
        }
    }
}

/* What no host is called is the beginning of a message. */
static bool host_fits(struct str word)
{
    for (size_t i = 0; i < word.size; i++) {
        if (memchr("=|,;\"'{}<>\t", word.data[i], 11) != NULL) {
            return false;
        }
    }
    return word.size <= 255;
}

/* Host and tag. */
static void parts_read(struct str *rest, const struct parse_context *context, struct header *header,
                       bool relayed)
{
    struct str at = *rest;
    struct str word;
    header->body = at;
    header->tagged = at;
    if (cursor_literal(&at, STR("Message forwarded from "))) {
        (void)cursor_until(&at, ':', &header->host);
        cursor_blanks(&at);
        header->tagged = at;
        (void)tag_read(&at, header);
    } else if (str_starts(at, STR("last message repeated "))) {
        /* All of it is the message. */
    } else if (tag_read(&at, header)) {
        bool host = header->process.size == 0 && at.size > 0 && at.data[0] == '%';
        struct header behind = {.priority = -1};
        struct str tag = at;
        host = host || (str_find_byte(header->program, ',') != STR_NONE && tag_read(&tag, &behind));
        if (host) { /* "host: %FACILITY-4-NAME: …", "MODEL,MAC,VERSION: program[1]: …" */
            header->host = header->program;
            header->program = (struct str){0};
            header->tagged = at;
            (void)tag_read(&at, header);
        }
    } else if (cursor_word(&at, &word) && host_fits(word)) {
        struct wall happened;
        cursor_blanks(&at);
        struct str inner = at;
        if (!relayed && stamp_bsd(&inner, context, &happened) && cursor_byte(&inner, ' ')) {
            header->happened = happened;
            cursor_blanks(&inner);
            parts_read(&inner, context, header, true);
            *rest = inner;
            return;
        }
        bool bracketed = word.size > 2 && word.data[0] == '[' && word.data[word.size - 1] == ']';
        header->host = bracketed ? str_slice(word, 1, word.size - 2) : word;
        if (cursor_literal(&at, STR(": "))) {
            cursor_blanks(&at);
        }
        header->tagged = at;
        (void)(tag_read(&at, header) || spaced_tag_read(&at, header));
    } else {
        at = *rest;
    }
    *rest = at;
}

static bool program_fits(struct str text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool other = (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '/';
        if (!letter && (i == 0 || !other)) {
            return false;
        }
    }
    return text.size > 0;
}

/* "sshd[991]: ", "kernel: ", "%ASA-6-302013: ", "su:message". */
static bool tag_read(struct str *rest, struct header *header)
{
    struct str at = *rest;
    struct str word;
    if (!cursor_word(&at, &word)) {
        return false;
    }
    size_t open = str_find_byte(word, '[');
    size_t close = str_find_byte(word, ']');
    size_t colon = str_find_byte(word, ':');
    size_t end;
    if (open != STR_NONE && open > 0 && close != STR_NONE && close > open &&
        (close + 1 == word.size || word.data[close + 1] == ':')) {
        header->program = str_slice(word, 0, open);
        header->process = str_slice(word, open + 1, close - open - 1);
        end = close + 1 == word.size ? close + 1 : close + 2;
    } else if (word.size > 1 && word.data[word.size - 1] == ':') {
        header->program = str_slice(word, 0, word.size - 1);
        end = word.size;
    } else if (colon != STR_NONE && colon + 1 < word.size && word.data[colon + 1] != '/' &&
               word.data[colon + 1] != ':' && !text_is_address(word) &&
               program_fits(str_slice(word, 0, colon))) {
        header->program = str_slice(word, 0, colon);
        end = colon + 1;
    } else {
        return false;
    }
    *rest = text_from(*rest, end);
    cursor_blanks(rest);
    return true;
}

/* Behind a host: "tool : text", "tool -: text". */
static bool spaced_tag_read(struct str *rest, struct header *header)
{
    struct str at = *rest;
    struct str word;
    if (!cursor_word(&at, &word) || !program_fits(word) ||
        !(cursor_literal(&at, STR(" : ")) || cursor_literal(&at, STR(" -: ")))) {
        return false;
    }
    header->program = word;
    cursor_blanks(&at);
    *rest = at;
    return true;
}

/* Solaris: "[ID 800047 auth.info] ". */
static void id_read(struct str *rest, struct header *header)
{
    struct str at = *rest;
    struct str id;
    struct str level;
    if (cursor_literal(&at, STR("[ID ")) && cursor_word(&at, &id) && text_is_number(id) &&
        cursor_byte(&at, ' ') && cursor_until(&at, ']', &level) && level.size < 32) {
        header->message_id = id;
        cursor_blanks(&at);
        *rest = at;
    }
}
