/*
 * Events under a matcher's eyes.
 *
 * A batch names its fields by index.  The matcher's names are resolved to those indexes when the
 * batch's table of names changes, which with one source it hardly ever does: the table's bytes are
 * kept and compared, so that a batch at the same address as an earlier one is never mistaken for
 * it.  For each event the spans are chained by name; a value is made readable, and folded, when the
 * first test looks at it; a test's answer is kept until the next event.
 *
 *     field ──► names (slots) ──► name index in the batch ──► first value ──► next value …
 *
 * Four values lie behind the spans: the record itself, parser, class and parse error.  The first
 * two facts about an event, "seen in this event" and the answer, share a number with the event's
 * stamp, so that nothing has to be wiped between events.
 *
 * Always true: `first[i]` belongs to the event at hand only if `first_stamp[i]` equals `stamp`;
 * answers[i] / 2 equals `stamp` if test i has been answered for it, and its lowest bit is the
 * answer.
 */

#include "match/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/time.h"

/* Values of an event that are no spans, behind them. */
enum { VALUE_RECORD, VALUE_PARSER, VALUE_CLASS, VALUE_ERROR, VALUES_OWN };

#define VALUES_MAX (SPANS_PER_EVENT_MAX + VALUES_OWN)
#define NAMES_MAX  (NAMES_PER_BATCH_MAX + VALUES_OWN)
#define NO_VALUE   UINT16_MAX
#define READING_SIZE_MAX                                                     \
    (64 * 1024 * 1024) /* a batch's values, unescaped and folded, twice over \
                        */

struct value {
    enum span_how how;
    bool readable, folded;
    struct str bytes; /* as they stand; then, once `readable`, the value */
    struct str fold;
};

struct reading {
    const struct matcher *matcher;
    struct arena *mem; /* the event's values */
    struct buf names;  /* the batch's table of names that `slots` are resolved for */
    uint16_t *slots;   /* for each name of the matcher: its index in the batch, or NAME_NONE */
    const struct event *event;
    uint32_t stamp;
    uint32_t *answers; /* for each test */
    uint16_t values_count;
    uint32_t first_stamp[NAMES_MAX];
    uint16_t first[NAMES_MAX];
    uint16_t next[VALUES_MAX];
    struct value values[VALUES_MAX];
};

static enum err names_resolve(struct reading *reading, const struct batch *batch);
static void value_enter(struct reading *reading, uint16_t index, uint16_t name, struct str bytes,
                        enum span_how how);
static enum err test_answer(struct reading *reading, const struct test *test, bool *ret);

enum err reading_new(const struct matcher *matcher, struct reading **ret)
{
    struct reading *reading = calloc(1, sizeof *reading);
    if (reading == NULL) {
        return ERR_MEMORY;
    }
    reading->matcher = matcher;
    buf_init(&reading->names, BATCH_SIZE_MAX);
    reading->mem = arena_new(READING_SIZE_MAX);
    reading->slots = calloc(matcher_names(matcher) + 1, sizeof *reading->slots);
    reading->answers = calloc((size_t)matcher->tests + 1, sizeof *reading->answers);
    if (reading->mem == NULL || reading->slots == NULL || reading->answers == NULL) {
        reading_free(reading);
        return ERR_MEMORY;
    }
    *ret = reading;
    return OK;
}

void reading_free(struct reading *reading)
{
    if (reading == NULL) {
        return;
    }
    arena_free(reading->mem);
    buf_done(&reading->names);
    free(reading->slots);
    free(reading->answers);
    free(reading);
}

enum err reading_event(struct reading *reading, const struct event *event)
{
    enum err err = names_resolve(reading, event->batch);
    if (err != OK) {
        return err;
    }
    arena_reset(reading->mem);
    reading->event = event;
    if (++reading->stamp >= UINT32_MAX / 2) {
        reading->stamp = 1;
        memset(reading->first_stamp, 0, sizeof reading->first_stamp);
        memset(reading->answers, 0, reading->matcher->tests * sizeof *reading->answers);
    }
    uint16_t spans = (uint16_t)event->spans;
    for (uint16_t i = 0; i < spans; i++) {
        struct span span;
        event_span(event, i, &span);
        value_enter(reading, i, (uint16_t)(span.name_index + VALUES_OWN), span.bytes, span.how);
    }
    const struct str own[VALUES_OWN] = {
        [VALUE_RECORD] = event->record,
        [VALUE_PARSER] = event->parser,
        [VALUE_CLASS] = event->class,
        [VALUE_ERROR] = event->error,
    };
    reading->values_count = spans;
    for (uint16_t i = 0; i < VALUES_OWN; i++) {
        if (i == VALUE_RECORD || own[i].size > 0) {
            value_enter(reading, reading->values_count++, i, own[i], SPAN_RAW);
        }
    }
    return OK;
}

static void value_enter(struct reading *reading, uint16_t index, uint16_t name, struct str bytes,
                        enum span_how how)
{
    reading->values[index] = (struct value){.how = how, .bytes = bytes};
    reading->next[index] =
        reading->first_stamp[name] == reading->stamp ? reading->first[name] : NO_VALUE;
    reading->first[name] = index;
    reading->first_stamp[name] = reading->stamp;
}

static enum err names_resolve(struct reading *reading, const struct batch *batch)
{
    static const char *const own[VALUES_OWN] = {
        [VALUE_RECORD] = "event.original",
        [VALUE_PARSER] = "hinomi.parser",
        [VALUE_CLASS] = "hinomi.class",
        [VALUE_ERROR] = "hinomi.parse_error",
    };
    const char *from = batch->span_table + (size_t)batch->spans * BATCH_SPAN_SIZE;
    struct str table = str_of(from, (size_t)(batch->text.data - from));
    if (reading->event != NULL && str_equal(table, buf_str(&reading->names))) {
        return OK;
    }
    reading->event = NULL;
    struct map names;
    map_init(&names, NAMES_MAX, (uint64_t)(uintptr_t)reading);
    enum err err = OK;
    for (uint16_t i = 0; i < VALUES_OWN && err == OK; i++) {
        err = map_put(&names, str_from(own[i]), i);
    }
    for (uint32_t i = 0; i < batch->names && err == OK; i++) {
        err = map_put(&names, batch->name_table[i], i + VALUES_OWN);
    }
    for (size_t i = 0; i < matcher_names(reading->matcher) && err == OK; i++) {
        struct str name;
        memcpy(&name, reading->matcher->names.data + i * sizeof name, sizeof name);
        uint64_t index;
        reading->slots[i] = map_get(&names, name, &index) ? (uint16_t)index : NAME_NONE;
    }
    map_done(&names);
    buf_reset(&reading->names);
    return err == OK ? buf_append(&reading->names, table) : err;
}

enum err reading_holds(struct reading *reading, const struct expr *expr, bool *ret)
{
    bool holds = expr->kind != EXPR_OR;
    enum err err = OK;
    switch (expr->kind) {
    case EXPR_TEST:
        if (reading->answers[expr->test->index] / 2 == reading->stamp) {
            *ret = reading->answers[expr->test->index] % 2 != 0;
            return OK;
        }
        err = test_answer(reading, expr->test, &holds);
        reading->answers[expr->test->index] = err == OK ? reading->stamp * 2 + holds : 0;
        break;
    case EXPR_AND:
        for (size_t i = 0; i < expr->count && holds && err == OK; i++) {
            err = reading_holds(reading, expr->children[i], &holds);
        }
        break;
    case EXPR_OR:
        for (size_t i = 0; i < expr->count && !holds && err == OK; i++) {
            err = reading_holds(reading, expr->children[i], &holds);
        }
        break;
    case EXPR_NOT:
        err = reading_holds(reading, expr->children[0], &holds);
        holds = !holds;
        break;
    }
    if (err == OK) {
        *ret = holds;
    }
    return err;
}

/* The value in readable form.  A JSON string with a broken escape reads as it stands. */
static enum err value_read(struct reading *reading, struct value *value, struct str *ret)
{
    if (!value->readable) {
        struct span span = {.bytes = value->bytes, .how = value->how};
        struct str text;
        enum err err = event_value(&span, reading->mem, &text);
        if (err == ERR_MEMORY || err == ERR_LIMIT) {
            return ERR_MEMORY;
        }
        value->bytes = err == OK ? text : value->bytes;
        value->readable = true;
    }
    *ret = value->bytes;
    return OK;
}

static enum err value_fold(struct reading *reading, struct value *value, struct str *ret)
{
    if (!value->folded) {
        struct str text;
        enum err err = value_read(reading, value, &text);
        if (err == OK) {
            err = fold_text(text, reading->mem, &value->fold);
        }
        if (err != OK) {
            return err;
        }
        value->folded = true;
    }
    *ret = value->fold;
    return OK;
}

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

static uint16_t slot_first(const struct reading *reading, uint32_t slot)
{
    uint16_t name = reading->slots[slot];
    if (name == NAME_NONE || reading->first_stamp[name] != reading->stamp) {
        return NO_VALUE;
    }
    return reading->first[name];
}

static struct field field_at(const struct reading *reading, uint32_t index)
{
    struct field field;
    memcpy(&field, reading->matcher->fields.data + index * sizeof field, sizeof field);
    return field;
}

/* Whether the value fits a value of the test's other field. */
static enum err value_same(struct reading *reading, const struct test *test, struct value *value,
                           bool *ret)
{
    struct field other = field_at(reading, test->same.field);
    enum err (*const read)(struct reading *, struct value *, struct str *) =
        test->same.cased ? value_read : value_fold;
    struct str a;
    enum err err = read(reading, value, &a);
    *ret = false;
    for (uint32_t slot = other.first; slot < other.first + other.count; slot++) {
        for (uint16_t i = slot_first(reading, slot); i != NO_VALUE && err == OK && !*ret;
             i = reading->next[i]) {
            struct str b;
            err = read(reading, &reading->values[i], &b);
            *ret = err == OK && reading->values[i].how != SPAN_JSON_NULL && same_fits(test, a, b);
        }
    }
    return err;
}

static enum err value_fits(struct reading *reading, const struct test *test, struct value *value,
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
    bool folded = test->kind == TEST_TEXT && !test->text.cased;
    enum err err = folded ? value_fold(reading, value, &text) : value_read(reading, value, &text);
    if (err != OK) {
        return err;
    }
    switch (test->kind) {
    case TEST_TEXT:
        *ret = text_test_fits(&test->text, text);
        break;
    case TEST_REGEX:
        return patterns_find(reading->matcher->patterns, test->regex, text, reading->mem, ret);
    case TEST_NETWORK: {
        uint8_t address[ADDRESS_SIZE];
        *ret = address_parse(text, address) == OK && network_holds(&test->network, address);
        break;
    }
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

/* The record first: what stands in it is found without looking at a single field. */
static enum err anywhere_answer(struct reading *reading, const struct test *test, bool *ret)
{
    uint16_t spans = (uint16_t)reading->event->spans;
    enum err err = value_fits(reading, test, &reading->values[spans], ret);
    for (uint16_t i = 0; i < spans && err == OK && !*ret; i++) {
        err = value_fits(reading, test, &reading->values[i], ret);
    }
    return err;
}

static enum err test_answer(struct reading *reading, const struct test *test, bool *ret)
{
    *ret = false;
    if (test->field == FIELD_ANYWHERE) {
        return anywhere_answer(reading, test, ret);
    }
    struct field field = field_at(reading, test->field);
    bool fits = test->kind == TEST_NULL;
    for (uint32_t slot = field.first; slot < field.first + field.count; slot++) {
        for (uint16_t i = slot_first(reading, slot); i != NO_VALUE; i = reading->next[i]) {
            if (test->kind == TEST_NULL) {
                fits = fits && reading->values[i].how == SPAN_JSON_NULL;
                continue;
            }
            enum err err = value_fits(reading, test, &reading->values[i], &fits);
            if (err != OK || fits) {
                *ret = fits;
                return err;
            }
        }
    }
    *ret = fits;
    return OK;
}
