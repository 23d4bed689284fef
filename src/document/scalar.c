/*
 * One value: what is legal for each type, and the one form in which it is kept.
 *
 * Two texts that mean the same have the same canonical form, so that the hash of a version changes
 * only when its meaning does.  docs/documents.md has the table of forms.
 *
 * Always true: what scalar_read accepted it accepts again, and gives back as it is.
 */

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "codec/time.h"
#include "codec/utf8.h"
#include "document/private.h"
#include "match/match.h"

#define SECOND_MS       1000
#define LINE_SIZE_MAX   500 /* words up to this size are one line */
#define PHONE_SIZE_MAX  40
#define PHONE_DIGIT_MIN 3
#define ZONE_NAME_MAX   64

static enum err text_check(const struct schema_element *schema, struct str text, struct arena *mem,
                           struct str *ret, struct why *why);
static scalar_call choice_read;
static scalar_call number_read;
static scalar_call yes_no_read;
static scalar_call duration_read;
static scalar_call ports_read;
static scalar_call phone_read;
static scalar_call date_read;
static scalar_call moment_read;
static scalar_call hours_read;
static scalar_call zone_read;
static scalar_call query_read;
static scalar_call slug_read;

/* Types that are not here are text, and have no form of their own. */
static scalar_call *const readers[] = {
    [ELEMENT_CHOICE] = choice_read,   [ELEMENT_NUMBER] = number_read,
    [ELEMENT_YES_NO] = yes_no_read,   [ELEMENT_DURATION] = duration_read,
    [ELEMENT_ADDRESS] = address_read, [ELEMENT_NETWORK] = network_read,
    [ELEMENT_PORTS] = ports_read,     [ELEMENT_MAIL] = mail_read,
    [ELEMENT_URL] = url_read,         [ELEMENT_PHONE] = phone_read,
    [ELEMENT_DATE] = date_read,       [ELEMENT_TIME] = moment_read,
    [ELEMENT_HOURS] = hours_read,     [ELEMENT_ZONE] = zone_read,
    [ELEMENT_QUERY] = query_read,     [ELEMENT_REFERENCE] = slug_read,
};

enum err scalar_read(const struct schema_element *schema, struct str text, struct arena *mem,
                     struct scalar *ret, struct why *why)
{
    struct scalar made = {0};
    enum err err = text_check(schema, text, mem, &made.text, why);
    if (err == OK && readers[schema->type] != NULL) {
        err = readers[schema->type](schema, made.text, mem, &made, why);
    }
    if (err == OK) {
        *ret = made;
    }
    return err;
}

bool scalar_is_long(const struct schema_element *schema)
{
    return schema->type == ELEMENT_LONG_TEXT ||
           (schema->type == ELEMENT_WORDS && schema->max > LINE_SIZE_MAX);
}

/* Characters that no text needs, and that would let it look like another one: controls, and those
 * that turn the direction of writing (Unicode TR36, section 2.6). */
static bool character_refused(struct str sequence, bool is_long)
{
    const unsigned char *c = (const unsigned char *)sequence.data;
    if (sequence.size == 1) {
        return (c[0] < 0x20 && !(is_long && (c[0] == '\n' || c[0] == '\t'))) || c[0] == 0x7f;
    }
    if (sequence.size == 2) {
        return c[0] == 0xc2 && c[1] < 0xa0; /* U+0080 to U+009F */
    }
    if (sequence.size == 3 && c[0] == 0xe2) {
        return (c[1] == 0x80 && c[2] >= 0xa8 && c[2] <= 0xae) || /* U+2028 to U+202E */
               (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9);   /* U+2066 to U+2069 */
    }
    return sequence.size == 3 && c[0] == 0xef && c[1] == 0xbb && c[2] == 0xbf; /* U+FEFF */
}

/* CR LF becomes LF, where lines may break at all. */
static enum err breaks_unify(struct str text, struct arena *mem, struct str *ret)
{
    if (str_find(text, STR("\r\n")) == STR_NONE) {
        *ret = text;
        return OK;
    }
    char *bytes = arena_take(mem, text.size);
    if (bytes == NULL) {
        return ERR_MEMORY;
    }
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != '\r' || i + 1 == text.size || text.data[i + 1] != '\n') {
            bytes[size++] = text.data[i];
        }
    }
    *ret = str_of(bytes, size);
    return OK;
}

static enum err text_check(const struct schema_element *schema, struct str text, struct arena *mem,
                           struct str *ret, struct why *why)
{
    bool is_long = scalar_is_long(schema);
    enum err err = is_long ? breaks_unify(text, mem, &text) : OK;
    if (err != OK) {
        return err;
    }
    if (schema->max > 0 && schema->type != ELEMENT_NUMBER && schema->type != ELEMENT_DURATION &&
        text.size > (size_t)schema->max) {
        return why_say(why, ERR_LIMIT, 0, "%zu bytes; at most %lld are kept", text.size,
                       (long long)schema->max);
    }
    struct str rest = text;
    while (rest.size > 0) {
        size_t size = utf8_sequence(rest);
        if (size == 0) {
            return why_say(why, ERR_SYNTAX, 0, "the text is not UTF-8");
        }
        if (character_refused(str_slice(rest, 0, size), is_long)) {
            return why_say(why, ERR_SYNTAX, 0, "%s",
                           rest.data[0] == '\n' || rest.data[0] == '\t'
                               ? "one line without tabs is expected here"
                               : "the text holds a control character; remove it");
        }
        rest = str_slice(rest, size, rest.size);
    }
    *ret = text;
    return OK;
}

static enum err choice_read(const struct schema_element *schema, struct str text, struct arena *mem,
                            struct scalar *ret, struct why *why)
{
    (void)mem;
    (void)ret;
    const char *values[CHILDREN_MAX + 1] = {NULL};
    size_t count = 0;
    for (const struct schema_choice *choice = schema->choices; choice->value != NULL; choice++) {
        if (str_equal(text, str_from(choice->value))) {
            return OK;
        }
        if (count < CHILDREN_MAX) {
            values[count++] = choice->value;
        }
    }
    const char *near = yaml_suggest(text, values);
    if (near != NULL) {
        return why_say(why, ERR_SYNTAX, 0, "unknown value '%.*s'; did you mean '%s'?",
                       STR_ARG(text), near);
    }
    char list[200] = "";
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size_t more = strlen(values[i]);
        if (size + more + 3 > sizeof list) {
            break;
        }
        memcpy(list + size, i > 0 ? ", " : "", i > 0 ? 2 : 0);
        size += i > 0 ? 2 : 0;
        memcpy(list + size, values[i], more + 1);
        size += more;
    }
    return why_say(why, ERR_SYNTAX, 0, "unknown value '%.*s'; one of %s is expected",
                   (int)(text.size < 60 ? text.size : 60), text.data, list);
}

static enum err number_read(const struct schema_element *schema, struct str text, struct arena *mem,
                            struct scalar *ret, struct why *why)
{
    struct yaml_node node = {.kind = YAML_SCALAR, .text = text, .plain = true};
    int64_t number;
    if (yaml_int(&node, &number) != OK) {
        return why_say(why, ERR_SYNTAX, 0, "'%.*s' is no whole number", STR_ARG(text));
    }
    if (number < schema->min || number > schema->max) {
        return why_say(why, ERR_LIMIT, 0, "%lld is not between %lld and %lld", (long long)number,
                       (long long)schema->min, (long long)schema->max);
    }
    ret->number = number;
    return arena_print(mem, &ret->text, "%lld", (long long)number);
}

static const struct unit {
    char letter;
    int64_t ms;
} units[] = {
    {'d', 86400 * SECOND_MS}, {'h', 3600 * SECOND_MS}, {'m', 60 * SECOND_MS}, {'s', SECOND_MS}};
#define UNIT_COUNT (sizeof units / sizeof *units)

static enum err duration_print(int64_t ms, struct arena *mem, struct str *ret)
{
    char text[80];
    int size = 0;
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (ms >= units[i].ms) {
            size += snprintf(text + size, sizeof text - (size_t)size, "%lld%c",
                             (long long)(ms / units[i].ms), units[i].letter);
            ms %= units[i].ms;
        }
    }
    return arena_copy(mem, size > 0 ? str_of(text, (size_t)size) : STR("0s"), ret);
}

/* Amounts with their units, from the largest to the smallest, none twice. */
static enum err duration_read(const struct schema_element *schema, struct str text,
                              struct arena *mem, struct scalar *ret, struct why *why)
{
    int64_t total = 0;
    size_t next_unit = 0;
    for (struct str rest = text; rest.size > 0;) {
        size_t digits = 0;
        while (digits < rest.size && rest.data[digits] >= '0' && rest.data[digits] <= '9') {
            digits++;
        }
        size_t unit = next_unit;
        while (unit < UNIT_COUNT && digits < rest.size && units[unit].letter != rest.data[digits]) {
            unit++;
        }
        uint64_t amount;
        if (digits == rest.size || unit == UNIT_COUNT ||
            str_to_u64(str_slice(rest, 0, digits), 1000000000, &amount) != OK) {
            return why_say(why, ERR_SYNTAX, 0,
                           "'%.*s' is no duration; write 90s, 15m, 4h, 30d or 1h30m",
                           STR_ARG(text));
        }
        total += (int64_t)amount * units[unit].ms;
        next_unit = unit + 1;
        rest = str_slice(rest, digits + 1, rest.size);
    }
    if (total < schema->min || total > schema->max) {
        struct str least;
        struct str most;
        enum err err = duration_print(schema->min, mem, &least);
        err = err == OK ? duration_print(schema->max, mem, &most) : err;
        return err != OK ? err
                         : why_say(why, ERR_LIMIT, 0, "%.*s is not between %.*s and %.*s",
                                   STR_ARG(text), STR_ARG(least), STR_ARG(most));
    }
    ret->number = total;
    return duration_print(total, mem, &ret->text);
}

static enum err ports_read(const struct schema_element *schema, struct str text, struct arena *mem,
                           struct scalar *ret, struct why *why)
{
    (void)schema;
    struct str rest = text;
    uint64_t first;
    uint64_t last;
    bool range = str_find_byte(text, '-') != STR_NONE;
    enum err err = str_to_u64(str_cut(&rest, '-'), 65535, &first);
    last = first;
    if (err == OK && range) {
        err = str_to_u64(rest, 65535, &last);
    }
    if (err != OK || first == 0 || last < first) {
        return why_say(why, ERR_SYNTAX, 0, "'%.*s' is no port; write 443 or 8000-8080",
                       STR_ARG(text));
    }
    return first == last ? arena_print(mem, &ret->text, "%llu", (unsigned long long)first)
                         : arena_print(mem, &ret->text, "%llu-%llu", (unsigned long long)first,
                                       (unsigned long long)last);
}

static enum err phone_read(const struct schema_element *schema, struct str text, struct arena *mem,
                           struct scalar *ret, struct why *why)
{
    (void)schema;
    (void)mem;
    (void)ret;
    size_t digits = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        digits += c >= '0' && c <= '9';
        if (!(c >= '0' && c <= '9') && memchr(" +-()", c, 5) == NULL) {
            return why_say(why, ERR_SYNTAX, 0,
                           "a telephone number has digits, blanks and + - ( ) alone");
        }
    }
    return digits >= PHONE_DIGIT_MIN && text.size <= PHONE_SIZE_MAX
               ? OK
               : why_say(why, ERR_SYNTAX, 0, "'%.*s' is no telephone number", STR_ARG(text));
}

/* Two to four digits at `at`, or -1. */
static int digits_at(struct str text, size_t at, size_t count)
{
    uint64_t value;
    return str_to_u64(str_slice(text, at, count), 9999, &value) == OK ? (int)value : -1;
}

static enum err date_read(const struct schema_element *schema, struct str text, struct arena *mem,
                          struct scalar *ret, struct why *why)
{
    (void)schema;
    (void)mem;
    (void)ret;
    struct wall wall;
    int year = digits_at(text, 0, 4);
    int month = digits_at(text, 5, 2);
    int day = digits_at(text, 8, 2);
    if (text.size != 10 || text.data[4] != '-' || text.data[7] != '-' || year < 0 || month < 0 ||
        day < 0 || time_from_civil(year, month, day, 0, 0, 0, &wall) != OK) {
        return why_say(why, ERR_SYNTAX, 0, "'%.*s' is no day; write 2026-11-21", STR_ARG(text));
    }
    return OK;
}

/* Kept to the microsecond, the grain of time_print. */
static enum err moment_read(const struct schema_element *schema, struct str text, struct arena *mem,
                            struct scalar *ret, struct why *why)
{
    (void)schema;
    char printed[TIME_TEXT_SIZE];
    struct wall wall;
    if (text.size <= 10 || time_parse(text, &wall) != OK ||
        time_parse(str_from(time_print(wall, printed)), &wall) != OK) {
        return why_say(why, ERR_SYNTAX, 0, "'%.*s' is no moment; write 2026-11-21T09:00:00+09:00",
                       STR_ARG(text));
    }
    ret->number = wall.ns;
    return arena_copy(mem, str_from(printed), &ret->text);
}

/* "9:00" or "09:00": minutes since midnight, at most 24:00; or -1. */
static int clock_minutes(struct str text)
{
    size_t colon = str_find_byte(text, ':');
    if (colon == STR_NONE || colon < 1 || colon > 2 || text.size != colon + 3) {
        return -1;
    }
    int hour = digits_at(text, 0, colon);
    int minute = digits_at(text, colon + 1, 2);
    if (hour < 0 || minute < 0 || hour > 24 || minute > 59 || (hour == 24 && minute > 0)) {
        return -1;
    }
    return hour * 60 + minute;
}

static enum err hours_read(const struct schema_element *schema, struct str text, struct arena *mem,
                           struct scalar *ret, struct why *why)
{
    (void)schema;
    struct str rest = text;
    int from = clock_minutes(str_cut(&rest, '-'));
    int to = clock_minutes(rest);
    if (from < 0 || to <= 0 || from == 24 * 60 || from == to) {
        return why_say(why, ERR_SYNTAX, 0,
                       "'%.*s' are no hours; write 09:00-17:30, at most 00:00-24:00",
                       STR_ARG(text));
    }
    return arena_print(mem, &ret->text, "%02d:%02d-%02d:%02d", from / 60, from % 60, to / 60,
                       to % 60);
}

/* The form alone; whether there is such a zone the calendar finds out. */
static enum err zone_read(const struct schema_element *schema, struct str text, struct arena *mem,
                          struct scalar *ret, struct why *why)
{
    (void)schema;
    (void)mem;
    (void)ret;
    bool fine = text.size > 0 && text.size <= ZONE_NAME_MAX;
    char before = '/';
    for (size_t i = 0; i < text.size && fine; i++) {
        char c = text.data[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool inside = (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-';
        fine = letter || (before != '/' && (inside || c == '/'));
        before = c;
    }
    return fine && before != '/'
               ? OK
               : why_say(why, ERR_SYNTAX, 0, "'%.*s' is no time zone; write Asia/Tokyo",
                         STR_ARG(text));
}

static enum err query_read(const struct schema_element *schema, struct str text, struct arena *mem,
                           struct scalar *ret, struct why *why)
{
    (void)schema;
    (void)mem;
    (void)ret;
    struct query *query;
    struct why found = {0};
    enum err err = query_parse_exact(text, &query, &found);
    if (err == OK) {
        query_free(query);
        return OK;
    }
    return err == ERR_MEMORY ? err : why_say(why, err, 0, "%s", why_text(&found, err));
}

static enum err yes_no_read(const struct schema_element *schema, struct str text, struct arena *mem,
                            struct scalar *ret, struct why *why)
{
    (void)schema;
    (void)mem;
    ret->number = str_equal(text, STR("yes"));
    return ret->number == 1 || str_equal(text, STR("no"))
               ? OK
               : why_say(why, ERR_SYNTAX, 0, "'%.*s' is neither yes nor no", STR_ARG(text));
}

static enum err slug_read(const struct schema_element *schema, struct str text, struct arena *mem,
                          struct scalar *ret, struct why *why)
{
    (void)schema;
    (void)mem;
    (void)ret;
    return str_is_slug(text) ? OK
                             : why_say(why, ERR_SYNTAX, 0,
                                       "'%.*s' is no slug: a-z, 0-9 and '-', at most %d of them",
                                       STR_ARG(text), SLUG_SIZE_MAX);
}
