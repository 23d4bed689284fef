/*
 * Syslog: RFC 5424 and, for everything else that calls itself so, RFC 3164 with its deviations.
 *
 *     <38>1 2026-11-21T08:30:00Z web1 sshd 991 - [meta sequenceId="7"] Invalid user …     RFC 5424
 *     <38>Nov 21 08:30:00 web1 sshd[991]: Invalid user …                                  RFC 3164
 *
 * RFC 5424, section 6: the header's parts are separated by one blank, "-" stands for a missing one.
 * We go on where a part is missing or its time is none; broken structured data is taken for the
 * beginning of the message, with a reason.  Values of structured data are spanned as they stand,
 * with the backslashes of section 6.3.3 in them.
 *
 * RFC 3164 describes what was seen, and more has been seen since: no PRI, no time, no host, a time
 * in RFC 3339, the year, fractions, a zone; Cisco's sequence numbers and its colon behind the host;
 * a tag without "[pid]", without a blank behind the colon, or none at all.  What follows the tag is
 * the message.  A record with neither PRI nor time has no header: it is all message, with a reason.
 *
 * The message is handed on: sshd's, the packet filter's and those of watchers of files by their
 * program, JSON (also behind "@cee:"), Windows events and access logs by their shape.  What they
 * tell comes after the header's own fields.
 */

#include <string.h>

#include "base/limits.h"
#include "codec/json.h"
#include "parse/private.h"

struct header {
    int priority; /* -1: none */
    struct str priority_text;
    struct str host, program, process, message_id, message;
    struct wall happened;
    bool has_time;
    bool modern; /* RFC 5424 */
    struct str data;
    const char *fault;
};

static bool priority_read(struct str *rest, struct header *header);
static bool modern_read(struct str *rest, const struct parse_context *context,
                        struct header *header);
static void old_read(struct str *rest, const struct parse_context *context, struct header *header);
static bool tag_read(struct str *rest, struct header *header);
static void header_tell(struct found *found, const struct header *header);
static void program_tell(struct found *found, const struct header *header);
static bool data_skip(struct str *rest);
static void data_tell(struct found *found, struct str data);
static void message_hand_on(struct found *found, const struct header *header);

const char *syslog_parse(struct found *found)
{
    struct header header = {.priority = -1, .happened = WALL_NONE};
    struct str rest = found->record;
    /* A framing newline or NUL behind the record is no part of the message. */
    while (rest.size > 0 && memchr("\r\n", rest.data[rest.size - 1], 2) != NULL) {
        rest.size--;
    }
    rest.size -= rest.size > 0 && rest.data[rest.size - 1] == '\0' ? 1 : 0;

    bool has_priority = priority_read(&rest, &header);
    if (!modern_read(&rest, found->context, &header)) {
        old_read(&rest, found->context, &header);
    }
    header.message = rest;
    if (!has_priority && !header.has_time) {
        header.program = (struct str){0};
        header.process = (struct str){0};
        header.message = found->record;
        header.fault = "no syslog header: neither a priority nor a time";
    }
    builder_happened(found->builder, header.happened);
    header_tell(found, &header);
    message_hand_on(found, &header);
    return header.fault;
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
    *ret = str_equal(part, STR("-")) ? (struct str){0} : part;
    (void)cursor_byte(rest, ' ');
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
        if (data_skip(&at)) {
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

static void old_read(struct str *rest, const struct parse_context *context, struct header *header)
{
    struct str at = *rest;
    struct str word;
    int sequence;
    if (cursor_number(&at, 9, &sequence) && cursor_literal(&at, STR(": "))) {
        *rest = at; /* Cisco's sequence number. */
    }
    at = *rest;
    cursor_blanks(&at);
    if (!cursor_byte(&at, '*')) { /* Cisco: the clock is not set. */
        (void)cursor_byte(&at, '.');
    }
    header->has_time =
        stamp_bsd(&at, context, &header->happened) || stamp_iso(&at, context, &header->happened);
    if (!header->has_time) {
        (void)tag_read(rest, header);
        return;
    }
    bool host_left_out = cursor_byte(&at, ':');
    cursor_blanks(&at);
    struct str before = at;
    if (!host_left_out && !tag_read(&at, header) && cursor_word(&at, &word)) {
        header->host = word;
        cursor_blanks(&at);
        (void)tag_read(&at, header);
    } else if (!host_left_out && header->program.size > 0 && header->process.size == 0 &&
               at.size > 0 && at.data[0] == '%') {
        header->host = header->program; /* Cisco: "host: %FACILITY-4-NAME: …" */
        header->program = (struct str){0};
        (void)tag_read(&at, header);
    } else if (host_left_out) {
        at = before;
        (void)tag_read(&at, header);
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
    size_t close = str_find(word, STR("]"));
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

static void header_tell(struct found *found, const struct header *header)
{
    if (header->priority >= 0) {
        found_span(found, STR("log.syslog.priority"), header->priority_text);
        found_number(found, STR("log.syslog.facility.code"), (unsigned)header->priority / 8);
        found_number(found, STR("log.syslog.severity.code"), (unsigned)header->priority % 8);
    }
    if (header->modern) {
        found_derive(found, STR("log.syslog.version"), STR("1"));
    }
    if (header->host.size > 0) {
        found_span(found, STR("log.syslog.hostname"), header->host);
        found_span(found, STR("host.hostname"), header->host);
    }
    program_tell(found, header);
    if (header->message_id.size > 0) {
        found_span(found, STR("log.syslog.msgid"), header->message_id);
    }
    if (header->data.size > 0) {
        data_tell(found, header->data);
    }
    if (header->message.size > 0) {
        found_span(found, STR("message"), header->message);
    }
}

static void program_tell(struct found *found, const struct header *header)
{
    struct str program = header->program;
    if (program.size > 0) {
        found_span(found, STR("log.syslog.appname"), program);
        for (size_t i = program.data[0] == '/' ? program.size : 0; i > 0; i--) {
            if (program.data[i - 1] == '/' && i < program.size) {
                program = text_from(program, i);
                break;
            }
        }
        found_span(found, STR("process.name"), program);
        builder_class(found->builder, STR("/linux/syslog"));
    }
    if (header->process.size > 0) {
        found_span(found, STR("log.syslog.procid"), header->process);
        if (text_is_number(header->process)) {
            found_span(found, STR("process.pid"), header->process);
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

static bool data_skip(struct str *rest)
{
    return data_walk(rest, NULL);
}

static void data_tell(struct found *found, struct str data)
{
    (void)data_walk(&data, found);
}

static void leaf_ignore(void *context, struct str path, size_t offset, size_t size,
                        enum json_kind kind)
{
    (void)context, (void)path, (void)offset, (void)size, (void)kind;
}

static void message_hand_on(struct found *found, const struct header *header)
{
    struct str message = header->message;
    if (sshd_program(header->program)) {
        builder_class(found->builder, STR("/linux/sshd"));
        (void)sshd_parse(found, message);
        return;
    }
    if ((netfilter_program(header->program) && netfilter_parse(found, message)) ||
        integrity_parse(found, message, header->program)) {
        return;
    }
    if (cursor_literal(&message, STR("@cee:"))) {
        cursor_blanks(&message);
    }
    if (message.size > 0 && message.data[0] == '{') {
        /* Many a message begins with a brace; only a whole object is told. */
        if (json_walk(message, leaf_ignore, NULL, NULL) == OK) {
            (void)json_object_parse(found, message);
        }
        return;
    }
    if (winxml_looks(message)) {
        if (winxml_parse(found, str_trim(message)) == NULL) {
            builder_class(found->builder, (struct str){0});
        }
        return;
    }
    (void)combined_parse(found, message, header->program);
}
