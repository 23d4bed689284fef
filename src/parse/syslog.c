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

static bool priority_read(struct str *rest, int *ret, struct str *ret_digits);
static bool modern_read(struct str *rest, const struct parse_context *context,
                        struct header *header);
static bool loose_read(struct str *rest, const struct parse_context *context,
                       struct header *header);
static void program_tell(struct found *found, const struct header *header);
static bool data_walk(struct str *rest, struct found *found);

void syslog_read(struct str record, const struct parse_context *context, struct header *ret)
{
    struct str rest = record;
    *ret = (struct header){.priority = -1, .happened = WALL_NONE};
    /* A framing newline or NUL behind the record is no part of the message. */
    while (rest.size > 0 &&
           (rest.data[rest.size - 1] == '\n' || rest.data[rest.size - 1] == '\r')) {
        rest.size--;
    }
    rest.size -= rest.size > 0 && rest.data[rest.size - 1] == '\0' ? 1 : 0;

    bool has_priority = priority_read(&rest, &ret->priority, &ret->priority_text);
    if (modern_read(&rest, context, ret) || loose_read(&rest, context, ret)) {
        ret->tagged = rest;
        ret->body = rest;
    } else {
        syslog_old_read(&rest, context, ret);
    }
    ret->message = rest;
    if (!has_priority && !ret->has_time) {
        ret->program = (struct str){0};
        ret->process = (struct str){0};
        ret->message = record;
        ret->tagged = record;
        ret->body = record;
        ret->fault = "no syslog header: neither a priority nor a time";
    }
}

bool syslog_looks(struct str record)
{
    const struct parse_context context = {.received = {0}};
    struct wall ignored;
    struct str rest = record;
    int priority;
    struct str digits;
    return priority_read(&rest, &priority, &digits) || stamp_bsd(&rest, &context, &ignored) ||
           (stamp_iso(&rest, &context, &ignored) && cursor_byte(&rest, ' '));
}

static bool priority_read(struct str *rest, int *ret, struct str *ret_digits)
{
    const struct str at = *rest;
    size_t size = 1;
    int value = 0;
    if (at.size < 3 || at.data[0] != '<') {
        return false;
    }
    for (; size < 4 && size < at.size && (unsigned char)(at.data[size] - '0') <= 9; size++) {
        value = value * 10 + (at.data[size] - '0');
    }
    if (size == 1 || size == at.size || value > 191 || at.data[size] != '>') {
        return false;
    }
    *ret = value;
    *ret_digits = str_of(at.data + 1, size - 1);
    *rest = text_from(at, size + 1);
    return true;
}

enum part { PART_HOST, PART_PROGRAM, PART_PROCESS, PART_MESSAGE_ID, PART_COUNT };

/* "host app procid msgid ", or the first of them. */
static bool parts_read(struct str *rest, size_t count, struct str ret[PART_COUNT])
{
    struct str at = *rest;
    for (size_t i = 0; i < count; i++) {
        if (!cursor_word(&at, &ret[i])) {
            return false;
        }
        if (ret[i].size == 1 && ret[i].data[0] == '-') {
            ret[i] = (struct str){0};
        }
        (void)cursor_byte(&at, ' ');
    }
    *rest = at;
    return true;
}

static void parts_set(struct header *header, const struct str parts[PART_COUNT])
{
    header->host = parts[PART_HOST];
    header->program = parts[PART_PROGRAM];
    header->process = parts[PART_PROCESS];
    header->message_id = parts[PART_MESSAGE_ID];
}

/* What RFC 5424 has behind the time, without its version in front: "host app procid msgid SD"; and
 * Meraki's "1 1795255200.123456789 host ", whose time is an epoch. */
static bool loose_read(struct str *rest, const struct parse_context *context, struct header *header)
{
    struct str at = *rest;
    struct str parts[PART_COUNT] = {{0}};
    struct wall happened;
    cursor_blanks(&at);
    if (cursor_literal(&at, STR("1 "))) {
        if (!stamp_epoch(&at, &happened) || !cursor_byte(&at, ' ') || !parts_read(&at, 1, parts)) {
            return false;
        }
    } else {
        if (!stamp_iso(&at, context, &happened) || !cursor_byte(&at, ' ') ||
            !parts_read(&at, PART_COUNT, parts) || str_ends(parts[PART_PROGRAM], STR(":")) ||
            str_ends(parts[PART_PROGRAM], STR("]"))) {
            return false;
        }
        struct str data = at;
        if (cursor_literal(&at, STR("- ")) || str_equal(at, STR("-"))) {
            at = str_equal(at, STR("-")) ? text_from(at, 1) : at;
        } else if (data_walk(&at, NULL)) {
            header->data = str_of(data.data, (size_t)(at.data - data.data));
        } else {
            return false;
        }
        cursor_blanks(&at);
    }
    header->happened = happened;
    header->has_time = true;
    parts_set(header, parts);
    *rest = at;
    return true;
}

static bool modern_read(struct str *rest, const struct parse_context *context,
                        struct header *header)
{
    struct str at = *rest;
    struct str parts[PART_COUNT];
    struct wall happened = WALL_NONE;
    if (!cursor_literal(&at, STR("1 "))) {
        return false;
    }
    bool has_time = stamp_iso(&at, context, &happened);
    if (has_time ? !cursor_byte(&at, ' ') : !cursor_literal(&at, STR("- "))) {
        return false;
    }
    if (!parts_read(&at, PART_COUNT, parts)) {
        return false;
    }
    header->happened = happened;
    header->has_time = has_time;
    header->modern = true;
    parts_set(header, parts);
    const char *data = at.data;
    if (!cursor_literal(&at, STR("- ")) && !(at.size == 1 && cursor_byte(&at, '-'))) {
        if (data_walk(&at, NULL)) {
            header->data = str_of(data, (size_t)(at.data - data));
            (void)cursor_byte(&at, ' ');
        } else {
            header->fault = "structured data is broken";
        }
    }
    (void)cursor_literal(&at, STR("\xef\xbb\xbf"));
    cursor_blanks(&at);
    *rest = at;
    return true;
}

static bool is_told(const struct found *found, enum name name)
{
    return (found->told >> name & 1) != 0;
}

static void tell_once(struct found *found, uint16_t name, struct str part)
{
    if (part.size > 0 && !is_told(found, name)) {
        found_tell(found, name, part, SPAN_RAW);
    }
}

void syslog_tell(struct found *found, const struct header *header)
{
    static const struct str codes[] = {
        STR("0"),  STR("1"),  STR("2"),  STR("3"),  STR("4"),  STR("5"),  STR("6"),  STR("7"),
        STR("8"),  STR("9"),  STR("10"), STR("11"), STR("12"), STR("13"), STR("14"), STR("15"),
        STR("16"), STR("17"), STR("18"), STR("19"), STR("20"), STR("21"), STR("22"), STR("23"),
    };
    if (header->priority >= 0) {
        tell_once(found, NAME_SYSLOG_PRIORITY, header->priority_text);
        if (!is_told(found, NAME_SYSLOG_FACILITY)) {
            found_tell_derived(found, NAME_SYSLOG_FACILITY, codes[header->priority / 8]);
        }
        if (!is_told(found, NAME_SYSLOG_SEVERITY)) {
            found_tell_derived(found, NAME_SYSLOG_SEVERITY, codes[header->priority % 8]);
        }
    }
    if (header->modern) {
        found_tell_derived(found, NAME_SYSLOG_VERSION, STR("1"));
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
