/*
 * Tests answered: one question, the values of its field.
 *
 * A field goes by several names and may occur several times; a test fits if one of its values does,
 * except for "null", which asks for the absence of any.  JSON's null is a value that is there and
 * fits nothing.
 */

#include "match/private.h"

#include <string.h>

#include "codec/time.h"

#define SAME_MAX 64 /* values of a field that another is compared with */

static bool number_fits(const struct test *test, struct str text)
{
    struct number number;
    if (number_parse(text, &number) != OK) {
        return false;
    }
    int order = number_compare(&number, &test->number.than);
    switch (test->number.how) {
    case LESS:
        return order < 0;
    case LESS_OR_EQUAL:
        return order <= 0;
    case GREATER:
        return order > 0;
    default:
        return order >= 0;
    }
}

/* ISO 8601's week of the year: the week of that year's Thursday. */
static int week_of(const struct civil *civil, struct wall wall)
{
    const int64_t day_ns = 24 * 60 * 60 * NS_PER_SECOND;
    int64_t day = (wall.ns - (wall.ns % day_ns + day_ns) % day_ns) / day_ns;
    int64_t weekday = ((day + 3) % 7 + 7) % 7; /* 0 is Monday; 1970-01-01 was a Thursday */
    int64_t thursday = day - weekday + 3;
    struct civil then;
    time_to_civil((struct wall){thursday * day_ns}, &then);
    struct wall january;
    if (time_from_civil(then.year, 1, 1, 0, 0, 0, &january) != OK) {
        return civil->month;
    }
    return (int)((thursday - january.ns / day_ns) / 7 + 1);
}

static bool time_fits(const struct test *test, struct str text)
{
    struct wall wall;
    if (time_parse(text, &wall) != OK) {
        /* A time without a zone is taken for UTC. */
        char zoned[TIME_TEXT_SIZE];
        if (text.size == 0 || text.size >= sizeof zoned) {
            return false;
        }
        memcpy(zoned, text.data, text.size);
        zoned[text.size] = 'Z';
        if (time_parse(str_of(zoned, text.size + 1), &wall) != OK) {
            return false;
        }
    }
    struct civil civil;
    time_to_civil(wall, &civil);
    const int parts[] = {
        [PART_MINUTE] = civil.minute,        [PART_HOUR] = civil.hour,   [PART_DAY] = civil.day,
        [PART_WEEK] = week_of(&civil, wall), [PART_MONTH] = civil.month, [PART_YEAR] = civil.year,
    };
    return parts[test->time.part] == test->time.is;
}

static bool same_fits(const struct test *test, struct str value, struct str other)
{
    if (test->same.before && test->same.behind) {
        return str_equal(value, other);
    }
    if (test->same.before) {
        return str_starts(value, other);
    }
    return test->same.behind ? str_ends(value, other) : str_find(value, other) != STR_NONE;
}

/* Whether the value fits a value of the test's other field.  It asks as many of these as SAME_MAX:
 * an event of a thousand values in both would cost a million questions. */
static enum err value_same(struct reading *reading, const struct test *test, struct value *value,
                           bool *ret)
{
    const struct field *other = matcher_field_at(reading->matcher, test->same.field);
    const uint32_t *names = matcher_field_names(reading->matcher, other);
    enum err (*const read)(struct reading *, struct value *, struct str *) =
        test->same.cased ? value_read : value_fold;
    struct str a;
    enum err err = read(reading, value, &a);
    unsigned asked = 0;
    *ret = false;
    for (uint32_t k = 0; k < other->count; k++) {
        for (uint16_t i = reading_first(reading, names[k]);
             i != NO_VALUE && err == OK && !*ret && asked < SAME_MAX;
             i = reading->values[i].next, asked++) {
            struct str b;
            err = read(reading, &reading->values[i], &b);
            *ret = err == OK && reading->values[i].how != SPAN_JSON_NULL && same_fits(test, a, b);
        }
    }
    return err;
}

static bool address_fits(const struct test *test, struct str text)
{
    uint8_t address[ADDRESS_SIZE];
    return address_parse(text, address) == OK && network_holds(&test->network, address);
}

static bool list_fits(const struct reading *reading, const struct test *test, struct str text)
{
    const struct listing *listing = reading->listings[test->listed.list];
    if (listing == NULL) {
        return false;
    }
    if (test->listed.how == LISTED_NETWORK) {
        uint8_t address[ADDRESS_SIZE];
        return address_parse(text, address) == OK && networks_hold(&listing->networks, address);
    }
    return listing_fits(listing, test->listed.how, test->listed.cased, text);
}

/* Whether the test looks at folded values. */
static bool test_folds(const struct test *test)
{
    return (test->kind == TEST_TEXT && !test->text.cased) ||
           (test->kind == TEST_LISTED && !test->listed.cased && test->listed.how != LISTED_NETWORK);
}

enum err value_fits(struct reading *reading, const struct test *test, struct value *value,
                    bool *ret)
{
    struct str text;
    *ret = false;
    if (value->how == SPAN_JSON_NULL) {
        *ret = test->kind == TEST_EXISTS;
        return OK;
    }
    if (test->kind == TEST_SAME) {
        return value_same(reading, test, value, ret);
    }
    enum err err =
        test_folds(test) ? value_fold(reading, value, &text) : value_read(reading, value, &text);
    if (err != OK) {
        return err;
    }
    switch (test->kind) {
    case TEST_TEXT:
        *ret = text_test_fits(&test->text, text);
        break;
    case TEST_REGEX:
        return patterns_find(reading->matcher->patterns, reading->workspace, test->regex.index,
                             text, ret);
    case TEST_NETWORK:
        *ret = address_fits(test, text);
        break;
    case TEST_LISTED:
        *ret = list_fits(reading, test, text);
        break;
    case TEST_NUMBER:
        *ret = number_fits(test, text);
        break;
    case TEST_TIME_PART:
        *ret = time_fits(test, text);
        break;
    default:
        *ret = true;
        break;
    }
    return OK;
}

/* The record first, if it counts: what stands in it is found without looking at a single field. */
static enum err anywhere_answer(struct reading *reading, const struct test *test, bool *ret)
{
    uint16_t spans = (uint16_t)reading->event->spans;
    enum err err = OK;
    *ret = false;
    if (test->field == FIELD_EVERYTHING || reading_record_is_text(reading)) {
        err = value_fits(reading, test, &reading->values[spans + VALUE_RECORD], ret);
    }
    if (err == OK && !*ret) {
        reading_enter_all(reading);
    }
    for (uint16_t i = 0; i < spans && err == OK && !*ret; i++) {
        err = value_fits(reading, test, &reading->values[i], ret);
    }
    return err;
}

/* The field is missing, or all its values are JSON's null. */
static bool null_answer(const struct reading *reading, const uint32_t *names, uint32_t count)
{
    for (uint32_t k = 0; k < count; k++) {
        for (uint16_t i = reading_first(reading, names[k]); i != NO_VALUE;
             i = reading->values[i].next) {
            if (reading->values[i].how != SPAN_JSON_NULL) {
                return false;
            }
        }
    }
    return true;
}

enum err test_answer(struct reading *reading, const struct test *test, bool *ret)
{
    if (test->field == FIELD_ANYWHERE || test->field == FIELD_EVERYTHING) {
        return anywhere_answer(reading, test, ret);
    }
    const struct field *field = matcher_field_at(reading->matcher, test->field);
    const uint32_t *names = matcher_field_names(reading->matcher, field);
    if (test->kind == TEST_NULL) {
        *ret = null_answer(reading, names, field->count);
        return OK;
    }
    enum err err = OK;
    bool fits = false;
    for (uint32_t k = 0; k < field->count; k++) {
        for (uint16_t i = reading_first(reading, names[k]); i != NO_VALUE && err == OK && !fits;
             i = reading->values[i].next) {
            err = value_fits(reading, test, &reading->values[i], &fits);
        }
    }
    *ret = fits;
    return err;
}
