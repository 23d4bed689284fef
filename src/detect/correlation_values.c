/*
 * The values that travel with a sighting, and the numbers in them.
 *
 *     packed values, for each field that is asked of the rule
 *     OFFSET  SIZE  MEANING
 *          0     4  size n of the value, plus 1; 0: the event has none
 *          4     n  the value in readable form
 *
 * The value is the first that is not null, under the field's own name, else under the next of its
 * names.  A value of more than CORRELATION_VALUE_SIZE_MAX bytes is told by its beginning and its
 * SHA-256, so that what an attacker makes long does not fill the memory, and stays itself.
 *
 * Numbers are decimal, in millionths: sums of whole numbers do not depend on the order, so replays
 * and shuffled arrivals agree to the last digit.  Digits behind the sixth are left off; what is
 * beyond ±9.2e12 counts as that.
 *
 * Always true: packed values have as many entries as were asked when the set was loaded.
 */

#include "detect/correlation.h"

#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "codec/utf8.h"

#define NUMBER_MAX ((wide)INT64_MAX)

enum err values_add(struct buf *out, bool missing, struct str value)
{
    char head[4];
    char hex[2 * SHA256_SIZE + 1];
    struct str begin = value;
    struct str tail = {0};
    if (value.size > CORRELATION_VALUE_SIZE_MAX) {
        struct sha256 hash = sha256_of_bytes(value);
        tail = str_from(hex_print(hash.bytes, sizeof hash.bytes, hex));
        begin.size = 0;
        while (begin.size < CORRELATION_VALUE_SIZE_MAX - tail.size - 4) {
            size_t size = utf8_sequence(str_slice(value, begin.size, 4));
            begin.size += size > 0 ? size : 1;
        }
    }
    put_u32(head, missing ? 0 : (uint32_t)(begin.size + tail.size + 1));
    enum err err = buf_append(out, str_of(head, sizeof head));
    if (err == OK && !missing) {
        err = buf_append(out, begin);
        err = err == OK ? buf_append(out, tail) : err;
    }
    return err;
}

enum err values_split(struct str values, size_t count, struct str *ret)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (values.size - at < 4) {
            return ERR_CORRUPT;
        }
        uint32_t size = get_u32(values.data + at);
        at += 4;
        if (size > 0 && size - 1 > values.size - at) {
            return ERR_CORRUPT;
        }
        ret[i] = size > 0 ? str_of(values.data + at, size - 1) : (struct str){0};
        at += size > 0 ? size - 1 : 0;
    }
    return at == values.size ? OK : ERR_CORRUPT;
}

/* The first value under one of the names that is not null; *ret_found. */
static enum err value_find(const struct event *event, const struct asked *asked, struct arena *mem,
                           struct str *ret, bool *ret_found)
{
    *ret_found = false;
    for (size_t k = 0; k < asked->names_count; k++) {
        for (uint32_t i = 0; i < event->spans; i++) {
            struct span span;
            event_span(event, i, &span);
            if (span.how != SPAN_JSON_NULL && str_equal(span.name, asked->names[k])) {
                *ret_found = true;
                return event_value(&span, mem, ret);
            }
        }
    }
    return OK;
}

enum err correlation_values(const struct ruleset *ruleset, size_t rule, const struct event *event,
                            struct arena *mem, struct str *ret)
{
    const struct rule *one = rule_at(ruleset, rule);
    struct buf out;
    enum err err = OK;
    buf_init(&out, (size_t)ASKED_MAX * (CORRELATION_VALUE_SIZE_MAX + 4));
    for (uint32_t i = 0; i < one->asked_count && err == OK; i++) {
        struct str value = {0};
        bool found;
        err = value_find(event, &one->asked[i], mem, &value, &found);
        err = err == OK ? values_add(&out, !found, value) : err;
    }
    err = err == OK ? arena_copy(mem, buf_str(&out), ret) : err;
    buf_done(&out);
    return err;
}

/* ---- Numbers. */

static wide wide_limited(wide number)
{
    return number > NUMBER_MAX ? NUMBER_MAX : number < -NUMBER_MAX ? -NUMBER_MAX : number;
}

/* Reads digits; behind the point down to millionths, more are passed over. */
static size_t digits_read(struct str text, size_t at, wide *number, int *scale, bool point)
{
    size_t from = at;
    for (; at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
        if (*number <= NUMBER_MAX * MILLIONTHS) {
            *number = *number * 10 + (text.data[at] - '0');
            *scale -= point;
        } else {
            *scale += !point;
        }
    }
    return at - from;
}

static bool exponent_read(struct str text, int *scale)
{
    bool minus = text.size > 0 && text.data[0] == '-';
    uint64_t number;
    if (text.size > 0 && (minus || text.data[0] == '+')) {
        text = str_slice(text, 1, text.size);
    }
    if (text.size > 4 || str_to_u64(text, 9999, &number) != OK) {
        return false;
    }
    *scale += minus ? -(int)number : (int)number;
    return true;
}

bool millionths_parse(struct str text, int64_t *ret)
{
    wide number = 0;
    int scale = 6;
    bool minus = text.size > 0 && text.data[0] == '-';
    size_t at = text.size > 0 && (minus || text.data[0] == '+');
    if (text.size > CORRELATION_VALUE_SIZE_MAX) {
        return false;
    }
    size_t digits = digits_read(text, at, &number, &scale, false);
    at += digits;
    if (at < text.size && text.data[at] == '.') {
        size_t behind = digits_read(text, at + 1, &number, &scale, true);
        at += 1 + behind;
        digits += behind;
    }
    if (digits == 0) {
        return false;
    }
    if (at < text.size && (text.data[at] == 'e' || text.data[at] == 'E')) {
        if (!exponent_read(str_slice(text, at + 1, text.size), &scale)) {
            return false;
        }
        at = text.size;
    }
    if (at < text.size) {
        return false;
    }
    for (; scale > 0 && number != 0 && number <= NUMBER_MAX; scale--) {
        number *= 10;
    }
    for (; scale < 0 && number != 0; scale++) {
        number /= 10;
    }
    *ret = (int64_t)wide_limited(minus ? -number : number);
    return true;
}

bool bounds_hold(const struct correlation *correlation, wide above, int64_t below)
{
    for (size_t i = 0; i < correlation->bounds_count; i++) {
        wide number = (wide)correlation->bounds[i].number * below;
        bool holds = false;
        switch (correlation->bounds[i].how) {
        case BOUND_GT:
            holds = above > number;
            break;
        case BOUND_GTE:
            holds = above >= number;
            break;
        case BOUND_LT:
            holds = above < number;
            break;
        case BOUND_LTE:
            holds = above <= number;
            break;
        case BOUND_EQ:
            holds = above == number;
            break;
        case BOUND_NEQ:
            holds = above != number;
            break;
        case BOUND_HOW_COUNT:
            break;
        }
        if (!holds) {
            return false;
        }
    }
    return true;
}
