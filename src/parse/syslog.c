/*
 * Syslog: RFC 5424 and, for everything else that calls itself so, RFC 3164 (syslog_old.c).
 *
 *     <38>1 2026-11-21T08:30:00Z web1 sshd 991 - [meta sequenceId="7"] Invalid user …     RFC 5424
 *     <38>Nov 21 08:30:00 web1 sshd[991]: Invalid user …                                  RFC 3164
 *
 * RFC 5424, section 6: the header's parts are separated by one blank, "-" stands for a missing one.
 * We go on where a part is missing or its time is none; broken structured data is taken for the
 * beginning of the message, with a reason.  Values of structured data are spanned as they stand,
 * with the backslashes of section 6.3.3 in them.
 *
 * Who looks at the message is decided in recognise.c; the header's fields are told after it, where
 * the message's parser did not know better.
 */

#include <string.h>

#include "base/limits.h"
#include "parse/private.h"

static bool priority_read(struct str *rest, struct header *header);
static bool modern_read(struct str *rest, const struct parse_context *context,
                        struct header *header);
static bool loose_read(struct str *rest, const struct parse_context *context,
                       struct header *header);
static void program_tell(struct found *found, const struct header *header);
static bool data_walk(struct str *rest, struct found *found);

void syslog_read(struct str record, const struct parse_context *context, struct header *ret)
{
    struct header header = {.priority = -1, .happened = WALL_NONE};
    struct str rest = record;
    /* A framing newline or NUL behind the record is no part of the message. */
    while (rest.size > 0 && memchr("\r\n", rest.data[rest.size - 1], 2) != NULL) {
        rest.size--;
    }
    rest.size -= rest.size > 0 && rest.data[rest.size - 1] == '\0' ? 1 : 0;

    bool has_priority = priority_read(&rest, &header);
    if (modern_read(&rest, context, &header) || loose_read(&rest, context, &header)) {
        header.tagged = rest;
        header.body = rest;
    } else {
        syslog_old_read(&rest, context, &header);
    }
    header.message = rest;
    if (!has_priority && !header.has_time) {
        header.program = (struct str){0};
        header.process = (struct str){0};
        header.message = record;
        header.tagged = record;
        header.body = record;
        header.fault = "no syslog header: neither a priority nor a time";
    }
    *ret = header;
}

bool syslog_looks(struct str record)
{
    struct header header = {.priority = -1};
    const struct parse_context context = {.received = {0}};
    struct wall ignored;
    struct str rest = record;
    return priority_read(&rest, &header) || stamp_bsd(&rest, &context, &ignored) ||
           (stamp_iso(&rest, &context, &ignored) && cursor_byte(&rest, ' '));
}

static bool priority_read(struct str *rest, struct header *header)
{
    struct str at = *rest;
    int value;
    if (!cursor_byte(&at, '<')) {
        return false;
    }
    const char *digits = at.data;
    if (!cursor_number(&at, 3, &value) || value > 191 || !cursor_byte(&at, '>')) {
        return false;
    }
    header->priority = value;
    header->priority_text = str_of(digits, (size_t)(at.data - digits) - 1);
    *rest = at;
    return true;
}

static bool part_read(struct str *rest, struct str *ret)
{
    struct str part;
    if (!cursor_word(rest, &part)) {
        return false;
    }
    *ret = part.size == 1 && part.data[0] == '-' ? (struct str){0} : part;
    (void)cursor_byte(rest, ' ');
    return true;
}

/* What RFC 5424 has behind the time, without its version in front: "host app procid msgid SD"; and
 * Meraki's "1 1795255200.123456789 host ", whose time is an epoch. */
static bool loose_read(struct str *rest, const struct parse_context *context, struct header *header)
{
    struct str at = *rest;
    struct header read = *header;
    cursor_blanks(&at);
    read.has_time = true;
    if (cursor_literal(&at, STR("1 "))) {
        if (!stamp_epoch(&at, &read.happened) || !cursor_byte(&at, ' ') ||
            !part_read(&at, &read.host)) {
            return false;
        }
        *header = read;
        *rest = at;
        return true;
    }
    if (!stamp_iso(&at, context, &read.happened) || !cursor_byte(&at, ' ') ||
        !part_read(&at, &read.host) || !part_read(&at, &read.program) ||
        (read.program.size > 0 && memchr(":]", read.program.data[read.program.size - 1], 2)) ||
        !part_read(&at, &read.process) || !part_read(&at, &read.message_id)) {
        return false;
    }
    read.data = at;
    if (cursor_literal(&at, STR("- ")) || str_equal(at, STR("-"))) {
        read.data.size = 0;
        at = str_equal(at, STR("-")) ? text_from(at, 1) : at;
    } else if (data_walk(&at, NULL)) {
        read.data.size = (size_t)(at.data - read.data.data);
    } else {
        return false;
    }
    cursor_blanks(&at);
    *header = read;
    *rest = at;
    return true;
}

static bool modern_read(struct str *rest, const struct parse_context *context,
                        struct header *header)
{
    struct str at = *rest;
    if (!cursor_literal(&at, STR("1 "))) {
        return false;
    }
    struct header read = *header;
    if (stamp_iso(&at, context, &read.happened)) {
        read.has_time = true;
        if (!cursor_byte(&at, ' ')) {
            return false;
        }
    } else if (!cursor_literal(&at, STR("- "))) {
        return false;
    }
    if (!part_read(&at, &read.host) || !part_read(&at, &read.program) ||
        !part_read(&at, &read.process) || !part_read(&at, &read.message_id)) {
        return false;
    }
    read.modern = true;
    read.data = at;
    if (!cursor_literal(&at, STR("- ")) && !(at.size == 1 && cursor_byte(&at, '-'))) {
        if (data_walk(&at, NULL)) {
            read.data.size = (size_t)(at.data - read.data.data);
            (void)cursor_byte(&at, ' ');
        } else {
            read.data.size = 0;
            read.fault = "structured data is broken";
        }
    } else {
        read.data.size = 0;
    }
    (void)cursor_literal(&at, STR("\xef\xbb\xbf"));
    cursor_blanks(&at);
    *header = read;
    *rest = at;
    return true;
}

static bool is_told(const struct found *found, enum name name)
{
    return (found->told >> name & 1) != 0;
}

static void tell_once(struct found *found, enum name name, struct str part)
{
    if (part.size > 0 && !is_told(found, name)) {
        found_span(found, parse_names[name], part);
    }
}

void syslog_tell(struct found *found, const struct header *header)
{
    if (header->priority >= 0) {
        tell_once(found, NAME_SYSLOG_PRIORITY, header->priority_text);
        if (!is_told(found, NAME_SYSLOG_FACILITY)) {
            found_number(found, STR("log.syslog.facility.code"), (unsigned)header->priority / 8);
        }
        if (!is_told(found, NAME_SYSLOG_SEVERITY)) {
            found_number(found, STR("log.syslog.severity.code"), (unsigned)header->priority % 8);
        }
    }
    if (header->modern) {
        found_derive(found, STR("log.syslog.version"), STR("1"));
    }
    tell_once(found, NAME_SYSLOG_HOSTNAME, header->host);
    tell_once(found, NAME_HOSTNAME, header->host);
    program_tell(found, header);
    tell_once(found, NAME_SYSLOG_MSGID, header->message_id);
    if (header->data.size > 0) {
        struct str data = header->data;
        (void)data_walk(&data, found);
    }
}

static void program_tell(struct found *found, const struct header *header)
{
    struct str program = header->program;
    if (program.size > 0) {
        tell_once(found, NAME_SYSLOG_APPNAME, program);
        for (size_t i = program.data[0] == '/' ? program.size : 0; i > 0; i--) {
            if (program.data[i - 1] == '/' && i < program.size) {
                program = text_from(program, i);
                break;
            }
        }
        if (program.data[0] != '%') { /* Of Cisco: what the message is about. */
            tell_once(found, NAME_PROCESS_NAME, program);
        }
    }
    if (header->process.size > 0) {
        tell_once(found, NAME_SYSLOG_PROCID, header->process);
        if (text_is_number(header->process)) {
            tell_once(found, NAME_PROCESS_PID, header->process);
        }
    }
}

/* One value in quotes, whose backslashes protect a quote, a bracket or a backslash. */
static bool data_value(struct str *at, struct str *ret)
{
    if (!cursor_byte(at, '"')) {
        return false;
    }
    size_t size = 0;
    while (size < at->size && at->data[size] != '"') {
        size += at->data[size] == '\\' ? 2 : 1;
    }
    if (size >= at->size) {
        return false;
    }
    *ret = str_slice(*at, 0, size);
    *at = text_from(*at, size + 1);
    return true;
}

static bool data_name(struct str *at, struct str *ret)
{
    size_t size = 0;
    while (size < at->size && size < NAME_SIZE_MAX && at->data[size] > ' ' &&
           at->data[size] < 0x7f && memchr("=]\"", at->data[size], 3) == NULL) {
        size++;
    }
    *ret = str_slice(*at, 0, size);
    *at = text_from(*at, size);
    return size > 0;
}

/* Walks "[id name="value" …]…" and tells of each value if there is somebody to tell. */
static bool data_walk(struct str *rest, struct found *found)
{
    char name[NAME_SIZE_MAX + 32];
    static const char prefix[] = "log.syslog.structured_data.";
    struct str at = *rest;
    struct str id;
    struct str key;
    struct str value;
    while (cursor_byte(&at, '[')) {
        if (!data_name(&at, &id)) {
            return false;
        }
        while (cursor_byte(&at, ' ')) {
            cursor_blanks(&at);
            if (at.size > 0 && at.data[0] == ']') {
                break;
            }
            if (!data_name(&at, &key) || !cursor_byte(&at, '=') || !data_value(&at, &value)) {
                return false;
            }
            size_t size = sizeof prefix - 1;
            if (found != NULL && size + id.size + 1 + key.size <= NAME_SIZE_MAX) {
                memcpy(name, prefix, size);
                memcpy(name + size, id.data, id.size);
                name[size + id.size] = '.';
                memcpy(name + size + id.size + 1, key.data, key.size);
                found_span(found, str_of(name, size + id.size + 1 + key.size), value);
            }
        }
        if (!cursor_byte(&at, ']')) {
            return false;
        }
    }
    if (at.data == rest->data) {
        return false;
    }
    *rest = at;
    return true;
}
