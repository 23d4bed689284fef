/*
 * The types of captures and fields: what each takes, and what it becomes.
 *
 * A time under the name "@timestamp" is the event's own; under another it is told in RFC 3339.
 * Durations become nanoseconds, hardware addresses RFC 7042's form with dashes as ECS has it.
 */

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "codec/time.h"
#include "parse/private.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* A JSON number as RFC 8259 has it, without an exponent. */
bool is_number(struct str text)
{
    size_t i = text.size > 0 && text.data[0] == '-' ? 1 : 0;
    size_t first = i;
    while (i < text.size && is_digit(text.data[i])) {
        i++;
    }
    if (i == first || i - first > 18 || (i - first > 1 && text.data[first] == '0')) {
        return false;
    }
    if (i < text.size && text.data[i] == '.') {
        size_t point = i++;
        while (i < text.size && is_digit(text.data[i])) {
            i++;
        }
        return i == text.size && i > point + 1;
    }
    return i == text.size;
}

size_t digits_count(struct str text)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    size_t i = 0;
    for (uint64_t eight; i + sizeof eight <= text.size; i += sizeof eight) {
        memcpy(&eight, text.data + i, sizeof eight);
        /* Of a digit the difference from '0' is below ten: adding 0x76 leaves its high bit alone.
         */
        uint64_t from_zero = le64toh(eight) ^ each * '0';
        uint64_t others = (((from_zero & each * 0x7f) + each * 0x76) | from_zero) & each * 0x80;
        if (others != 0) {
            return i + (size_t)__builtin_ctzll(others) / 8;
        }
    }
    while (i < text.size && is_digit(text.data[i])) {
        i++;
    }
    return i;
}

size_t number_size(struct str text, uint8_t take)
{
    size_t i = 0;
    if (take != TAKE_PORT && take != TAKE_HEX && text.size > 0 &&
        (text.data[0] == '-' || text.data[0] == '+')) {
        i++;
    }
    if (take == TAKE_HEX && (str_starts(text, STR("0x")) || str_starts(text, STR("0X")))) {
        i = 2;
    }
    const size_t from = i;
    if (take == TAKE_HEX) {
        while (i < text.size && is_hex(text.data[i])) {
            i++;
        }
    } else {
        i += digits_count(text_from(text, i));
    }
    bool digits = i > from;
    if (take == TAKE_NUM && digits && i + 1 < text.size && text.data[i] == '.' &&
        is_digit(text.data[i + 1])) {
        for (i++; i < text.size && is_digit(text.data[i]); i++) {
        }
    }
    return digits ? i : 0;
}

static size_t address4_size(struct str text)
{
    size_t i = 0;
    for (int part = 0; part < 4; part++) {
        size_t digits = 0;
        if (part > 0) {
            if (i >= text.size || text.data[i] != '.') {
                return 0;
            }
            i++;
        }
        while (i < text.size && is_digit(text.data[i]) && digits < 4) {
            i++;
            digits++;
        }
        if (digits == 0 || digits > 3) {
            return 0;
        }
    }
    return i;
}

static size_t address_size(struct str text)
{
    size_t i = address4_size(text);
    if (i > 0 && text_is_address(str_slice(text, 0, i))) {
        return i;
    }
    for (i = 0;
         i < text.size && (is_hex(text.data[i]) || text.data[i] == ':' || text.data[i] == '.');
         i++) {
    }
    size_t end = i;
    if (i < text.size && text.data[i] == '%') {
        for (i++; i < text.size &&
                  (is_hex(text.data[i]) || (text.data[i] >= 'a' && text.data[i] <= 'z'));
             i++) {
        }
        end = i;
    }
    while (end > 0 && (text.data[end - 1] == '.' ||
                       (text.data[end - 1] == ':' && !text_is_address(str_slice(text, 0, end))))) {
        end--;
    }
    return text_is_address(str_slice(text, 0, end)) ? end : 0;
}

static size_t run_size(struct str text, const char *stops)
{
    size_t i = 0;
    while (i < text.size && (unsigned char)text.data[i] > ' ' && text.data[i] != 0x7f &&
           strchr(stops, text.data[i]) == NULL) {
        i++;
    }
    return i;
}

static size_t peer_size(struct str text, struct str next)
{
    size_t size = address4_size(text);
    if (size > 0 &&
        (size == text.size || run_size(text_from(text, size), ",;()[]<>\"'/|=:%#") == 0)) {
        return size;
    }
    size = run_size(text, ",;()[]<>\"'/|=");
    struct str run = str_slice(text, 0, size);
    if (next.size > 0 && run.size > 0) {
        for (size_t i = run.size; i-- > 1;) {
            if (run.data[i] == next.data[0] && str_starts(text_from(text, i), next)) {
                return i;
            }
        }
    }
    while (size > 0 && !text_is_address(str_slice(text, 0, size)) &&
           strchr(":.", text.data[size - 1]) != NULL) {
        size--;
    }
    return size;
}

static size_t word_size(struct str text, struct str next)
{
    size_t size = 0;
    while (size < text.size && !is_blank(text.data[size])) {
        size++;
    }
    if (next.size > 0 && !is_blank(next.data[0])) {
        return str_find(str_slice(text, 0, size + next.size), next);
    }
    return size;
}

static size_t mac_size(struct str text)
{
    size_t i = 0;
    size_t digits = 0;
    while (i < text.size && digits < 12 &&
           (is_hex(text.data[i]) || (i > 0 && strchr(":-.", text.data[i]) != NULL))) {
        digits += is_hex(text.data[i]) ? 1 : 0;
        i++;
    }
    return digits == 12 ? i : 0;
}

/* The longest that stands there. */
static size_t oneof_size(struct str text, struct str options)
{
    size_t best = 0;
    while (options.size > 0) {
        struct str option = str_cut(&options, '|');
        if (option.size > best && str_starts(text, option)) {
            best = option.size;
        }
    }
    return best;
}

static size_t clock_size(struct str text)
{
    size_t i = 0;
    bool colon = false;
    for (;
         i < text.size && (is_digit(text.data[i]) || (i > 0 && strchr(":.", text.data[i]) != NULL));
         i++) {
        colon = colon || text.data[i] == ':';
    }
    return colon ? i : 0;
}

static bool stamp_take(const struct target *target, const struct parse_context *context,
                       struct str *rest, struct wall *ret)
{
    switch ((enum take)target->take) {
    case TAKE_BSD:
        return stamp_bsd(rest, context, ret);
    case TAKE_ISO:
        return stamp_iso(rest, context, ret);
    case TAKE_CLF:
        return stamp_clf(rest, ret);
    case TAKE_ASCTIME:
        return stamp_asctime(rest, context, ret);
    case TAKE_EPOCH:
    case TAKE_EPOCH_MS:
        return stamp_epoch(rest, ret);
    case TAKE_TIME:
        return stamp_any(rest, ret);
    default:
        return stamp_at(rest, target->argument, context, ret);
    }
}

static bool is_stamp(uint8_t take)
{
    return take >= TAKE_BSD && take <= TAKE_TIME;
}

/* With its quotes; 0 where there are none. */
static size_t quoted_size(struct str text)
{
    size_t i = 1;
    if (text.size < 2 || text.data[0] != '"') {
        return 0;
    }
    while (i < text.size && text.data[i] != '"') {
        i += text.data[i] == '\\' ? 2 : 1;
    }
    return i < text.size ? i + 1 : 0;
}

bool take_front(struct found *found, const struct target *target, struct str next, struct str *rest,
                struct str *ret)
{
    size_t size = 0;
    struct str text = *rest;
    switch ((enum take)target->take) {
    case TAKE_WORD:
        size = word_size(text, next);
        size = size == STR_NONE ? 0 : size;
        break;
    case TAKE_INT:
    case TAKE_NUM:
    case TAKE_HEX:
    case TAKE_PORT:
    case TAKE_S:
    case TAKE_MS:
    case TAKE_US:
    case TAKE_NS:
        size = number_size(text, target->take >= TAKE_S ? TAKE_NUM : target->take);
        break;
    case TAKE_IP:
        size = address_size(text);
        break;
    case TAKE_MAC:
        size = mac_size(text);
        break;
    case TAKE_PEER:
        size = peer_size(text, next);
        break;
    case TAKE_ENDPOINT:
        size = run_size(text, ",;()<>\"'/|=");
        break;
    case TAKE_QUOTED:
        size = quoted_size(text);
        if (size > 0) {
            *ret = str_slice(text, 1, size - 2);
            *rest = text_from(text, size);
            return true;
        }
        break;
    case TAKE_ONEOF:
        size = oneof_size(text, target->argument);
        break;
    case TAKE_BLANKS:
        cursor_blanks(rest);
        *ret = (struct str){rest->data, 0};
        return true;
    case TAKE_CLOCK:
        size = clock_size(text);
        break;
    default: {
        struct wall ignored;
        if (!is_stamp(target->take) || !stamp_take(target, found->context, rest, &ignored)) {
            return false;
        }
        *ret = str_slice(text, 0, (size_t)(rest->data - text.data));
        return true;
    }
    }
    *ret = (struct str){text.data, size};
    *rest = text_from(text, size);
    return size > 0;
}

/* ---- What it becomes. */

static bool made(struct found *found, struct value value, const char *text)
{
    if (found_mem(found) == NULL || arena_copy(found->mem, str_from(text), &value.text) != OK) {
        return false;
    }
    return value_add(found, value);
}

static void stamp_tell(struct found *found, const struct target *target, struct value value)
{
    char text[TIME_TEXT_SIZE];
    struct wall wall;
    struct str rest = value.text;
    if (!stamp_take(target, found->context, &rest, &wall) || !wall_known(wall)) {
        return;
    }
    value.how = SPAN_RAW;
    (void)made(found, value, time_print(wall, text));
    if (target->name == NAME_TIMESTAMP) {
        found->happened = wall;
    }
}

static void mac_tell(struct found *found, struct value value)
{
    char text[18];
    size_t size = 0;
    for (size_t i = 0; i < value.text.size && size < 17; i++) {
        char c = value.text.data[i];
        if (is_hex(c)) {
            text[size++] = (char)(c >= 'a' && c <= 'f' ? c - 32 : c);
            if (size % 3 == 2 && size < 17) {
                text[size++] = '-';
            }
        }
    }
    text[size] = '\0';
    (void)made(found, value, text);
}

static void letters_tell(struct found *found, struct value value, bool lower)
{
    struct str copy;
    if (found_mem(found) == NULL) {
        return;
    }
    char *text = arena_take(found->mem, value.text.size + 1);
    if (text == NULL) {
        return;
    }
    for (size_t i = 0; i < value.text.size; i++) {
        char c = value.text.data[i];
        text[i] = (char)(lower ? (c >= 'A' && c <= 'Z' ? c + 32 : c)
                               : (c >= 'a' && c <= 'z' ? c - 32 : c));
    }
    copy = str_of(text, value.text.size);
    value.text = copy;
    (void)value_add(found, value);
}

/* "12.5" of a unit, or "1:02:03.4", as nanoseconds. */
static void duration_tell(struct found *found, uint8_t take, struct value value)
{
    static const int64_t units[] = {NS_PER_SECOND, NS_PER_MS, 1000, 1, NS_PER_SECOND};
    int64_t unit = units[take - TAKE_S];
    int64_t sum = 0;
    int64_t digits = 0;
    size_t i = 0;
    char text[32];
    for (; i < value.text.size && value.text.data[i] != '.'; i++) {
        char c = value.text.data[i];
        if (c == ':') {
            if (sum > 1000000000LL) {
                return;
            }
            sum = (sum + digits) * 60;
            digits = 0;
        } else if (is_digit(c) && digits < 10000000000LL) {
            digits = digits * 10 + (c - '0');
        } else {
            return;
        }
    }
    if (sum > 1000000000LL || digits > (unit == 1 ? 10000000000000LL : INT64_MAX / 4 / unit)) {
        return;
    }
    int64_t ns = (sum + digits) * unit;
    for (i++; i < value.text.size && is_digit(value.text.data[i]) && unit >= 10; i++) {
        unit /= 10;
        ns += (value.text.data[i] - '0') * unit;
    }
    (void)snprintf(text, sizeof text, "%lld", (long long)ns);
    value.how = SPAN_JSON_SCALAR;
    (void)made(found, value, text);
}

static bool is_empty(const struct parser *parser, struct str text)
{
    for (size_t i = 0; parser != NULL && i < parser->empty_count; i++) {
        if (str_equal(parser->empty[i], text)) {
            return true;
        }
    }
    return text.size == 0;
}

static void peer_tell(struct found *found, const struct peer *peer, struct value value)
{
    value.name = peer->address;
    (void)value_add(found, value);
    value.name = text_is_address(value.text) ? peer->ip : peer->domain;
    (void)value_add(found, value);
}

/* "192.0.2.1:443", "[2001:db8::1]:443", "host.example:443", or without a port. */
static void endpoint_tell(struct found *found, const struct peer *peer, struct value value)
{
    struct str text = value.text;
    struct str port = {0};
    if (!text_is_address(text)) {
        size_t at = text.size;
        while (at > 0 && is_digit(text.data[at - 1])) {
            at--;
        }
        if (at > 1 && at < text.size && text.size - at <= 5 && text.data[at - 1] == ':') {
            port = text_from(text, at);
            text = str_slice(text, 0, at - 1);
        }
        if (text.size > 2 && text.data[0] == '[' && text.data[text.size - 1] == ']') {
            text = str_slice(text, 1, text.size - 2);
        }
    }
    value.text = text;
    peer_tell(found, peer, value);
    if (port.size > 0 && is_number(port)) {
        (void)value_add(found,
                        (struct value){.name = peer->port, .how = SPAN_JSON_SCALAR, .text = port});
    }
}

void take_tell(struct found *found, const struct target *target, struct str text, enum span_how how)
{
    struct value value = {
        .name = target->name, .how = (uint8_t)how, .silent = target->silent, .text = text};
    if (is_empty(found->parser, text)) {
        return;
    }
    switch ((enum take)target->take) {
    case TAKE_PEER:
        peer_tell(found, &parse_peers[target->name], value);
        return;
    case TAKE_ENDPOINT:
        endpoint_tell(found, &parse_peers[target->name], value);
        return;
    case TAKE_INT:
    case TAKE_NUM:
    case TAKE_PORT:
        value.how = is_number(text) ? SPAN_JSON_SCALAR : SPAN_RAW;
        break;
    case TAKE_MAC:
        mac_tell(found, value);
        return;
    case TAKE_LOWER:
    case TAKE_UPPER:
        letters_tell(found, value, target->take == TAKE_LOWER);
        return;
    case TAKE_S:
    case TAKE_MS:
    case TAKE_US:
    case TAKE_NS:
    case TAKE_CLOCK:
        duration_tell(found, target->take, value);
        return;
    default:
        if (is_stamp(target->take)) {
            stamp_tell(found, target, value);
            return;
        }
        break;
    }
    (void)value_add(found, value);
}

bool take_whole(struct found *found, const struct target *target, struct str text,
                enum span_how how)
{
    struct str rest = text;
    struct str taken = text;
    bool open =
        target->take <= TAKE_ESCAPED || target->take == TAKE_LOWER || target->take == TAKE_UPPER;
    if (!open && (!take_front(found, target, (struct str){0}, &rest, &taken) || rest.size > 0)) {
        return false;
    }
    if (target->take == TAKE_PORT &&
        (taken.size > 5 || (taken.size == 5 && memcmp(taken.data, "65535", 5) > 0))) {
        return false;
    }
    take_tell(found, target, taken, how);
    return true;
}

bool wanted_fits(const struct wanted *wanted, size_t count, struct str text)
{
    for (size_t i = 0; i < count; i++) {
        const struct wanted *one = &wanted[i];
        if (one->starts && one->ends ? str_find(text, one->text) != STR_NONE
            : one->starts            ? str_starts(text, one->text)
            : one->ends              ? str_ends(text, one->text)
                                     : str_equal(text, one->text)) {
            return true;
        }
    }
    return false;
}
