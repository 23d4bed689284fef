/*
 * Correlations among the bytes of a compiled set (ruleset_encode): what linking found out, so that
 * nothing is linked again.
 *
 *     for each rule of the set, in their order
 *         1  flags: 1 feeds, 2 raises, 4 a correlation follows
 *         4  fields that are asked of it, then each name: 4 size, and bytes
 *     a correlation
 *         1  type; 8 each: timespan, percentile, learn, bucket, at_most, at_least, factor,
 *            deviations, season
 *         4  bounds, then each: 1 how, 8 number
 *         4  rules, 4 group fields, 4 fields, 4 depth
 *         4  for each rule its index; names of the group fields
 *         2  each: slots, then lifts
 *        32  version
 *
 * Integers are little-endian.  The other names of a field come from fields.c again.
 *
 * Always true: what is decoded is proved as if it came from outside, since a damaged cache must not
 * become a damaged judge: indexes lead backwards, slots lie within what is asked.
 */

#include "detect/correlation.h"

#include <string.h>

#include "base/bytes.h"

#define FLAG_FEEDS       1u
#define FLAG_RAISES      2u
#define FLAG_CORRELATION 4u

struct writer {
    struct buf *out;
    enum err err;
};

static void number_write(struct writer *writer, uint64_t number, size_t size)
{
    char bytes[8];
    put_u64(bytes, number);
    if (writer->err == OK) {
        writer->err = buf_append(writer->out, str_of(bytes, size));
    }
}

static void text_write(struct writer *writer, struct str text)
{
    number_write(writer, text.size, 4);
    if (writer->err == OK) {
        writer->err = buf_append(writer->out, text);
    }
}

/* The numbers of a correlation that are all written alike. */
#define NUMBERS_COUNT 9
static void numbers_of(struct correlation *correlation, int64_t *ret[NUMBERS_COUNT])
{
    size_t i = 0;
    ret[i++] = &correlation->timespan;
    ret[i++] = &correlation->percentile;
    ret[i++] = &correlation->learn;
    ret[i++] = &correlation->bucket;
    ret[i++] = &correlation->at_most;
    ret[i++] = &correlation->at_least;
    ret[i++] = &correlation->factor;
    ret[i++] = &correlation->deviations;
    ret[i++] = &correlation->season;
}

static void correlation_write(struct writer *writer, const struct rule *rule)
{
    struct correlation *correlation = rule->correlation;
    int64_t *numbers[NUMBERS_COUNT];
    numbers_of(correlation, numbers);
    number_write(writer, correlation->type, 1);
    for (size_t i = 0; i < NUMBERS_COUNT; i++) {
        number_write(writer, (uint64_t)*numbers[i], 8);
    }
    number_write(writer, correlation->bounds_count, 4);
    for (size_t i = 0; i < correlation->bounds_count; i++) {
        number_write(writer, correlation->bounds[i].how, 1);
        number_write(writer, (uint64_t)correlation->bounds[i].number, 8);
    }
    number_write(writer, correlation->rules_count, 4);
    number_write(writer, correlation->groups_count, 4);
    number_write(writer, correlation->fields_count, 4);
    number_write(writer, correlation->depth, 4);
    for (size_t i = 0; i < correlation->rules_count; i++) {
        number_write(writer, correlation->rules[i], 4);
    }
    for (size_t i = 0; i < correlation->groups_count; i++) {
        text_write(writer, correlation->groups[i]);
    }
    size_t each = correlation->groups_count + correlation->fields_count;
    for (size_t i = 0; i < each * correlation->rules_count; i++) {
        number_write(writer, correlation->slots[i], 2);
    }
    for (size_t i = 0; i < (size_t)rule->asked_count * correlation->rules_count; i++) {
        number_write(writer, correlation->lifts[i], 2);
    }
    if (writer->err == OK) {
        writer->err = buf_append(writer->out, str_of(correlation->version, SHA256_SIZE));
    }
}

enum err correlations_encode(const struct ruleset *ruleset, struct buf *out)
{
    struct writer writer = {.out = out};
    for (size_t i = 0; i < ruleset_rules(ruleset); i++) {
        const struct rule *rule = rule_at(ruleset, i);
        number_write(&writer,
                     (rule->feeds ? FLAG_FEEDS : 0) | (rule->raises ? FLAG_RAISES : 0) |
                         (rule->correlation != NULL ? FLAG_CORRELATION : 0),
                     1);
        number_write(&writer, rule->asked_count, 4);
        for (uint32_t k = 0; k < rule->asked_count; k++) {
            text_write(&writer, rule->asked[k].names[0]);
        }
        if (rule->correlation != NULL) {
            correlation_write(&writer, rule);
        }
    }
    return writer.err;
}

struct reader {
    struct str rest;
    struct arena *mem;
    enum err err;
};

static uint64_t number_read(struct reader *reader, size_t size)
{
    char bytes[8] = {0};
    if (reader->err != OK || reader->rest.size < size) {
        reader->err = reader->err != OK ? reader->err : ERR_CORRUPT;
        return 0;
    }
    memcpy(bytes, reader->rest.data, size);
    reader->rest = str_slice(reader->rest, size, reader->rest.size);
    return get_u64(bytes);
}

/* A count whose entries take at least `each` bytes of what is left. */
static uint32_t count_read(struct reader *reader, uint32_t max)
{
    uint64_t count = number_read(reader, 4);
    if (reader->err == OK && (count > max || count > reader->rest.size)) {
        reader->err = ERR_CORRUPT;
    }
    return reader->err == OK ? (uint32_t)count : 0;
}

static struct str text_read(struct reader *reader)
{
    struct str text = {0};
    uint32_t size = count_read(reader, UINT32_MAX);
    if (reader->err == OK) {
        reader->err = arena_copy(reader->mem, str_slice(reader->rest, 0, size), &text);
        reader->rest = str_slice(reader->rest, size, reader->rest.size);
    }
    return text;
}

static void *list_take(struct reader *reader, size_t count, size_t each)
{
    void *list = reader->err == OK ? arena_take_array(reader->mem, count + 1, each) : NULL;
    if (list == NULL && reader->err == OK) {
        reader->err = ERR_MEMORY;
    }
    return list;
}

/* The slots of one rule's values, for `each` things. */
static void slots_read(struct reader *reader, const struct ruleset *ruleset,
                       const struct correlation *correlation, uint16_t *slots, size_t count,
                       bool by_rule)
{
    size_t each = by_rule && reader->err == OK ? count / correlation->rules_count : 1;
    for (size_t i = 0; i < count && reader->err == OK; i++) {
        size_t rule = by_rule ? i / each : i % correlation->rules_count;
        slots[i] = (uint16_t)number_read(reader, 2);
        if (reader->err == OK &&
            slots[i] >= rule_at(ruleset, correlation->rules[rule])->asked_count) {
            reader->err = ERR_CORRUPT;
        }
    }
}

static void correlation_read(struct reader *reader, struct ruleset *ruleset, size_t index)
{
    struct rule *rule = rule_at(ruleset, index);
    struct correlation *correlation = list_take(reader, 1, sizeof *correlation);
    int64_t *numbers[NUMBERS_COUNT];
    if (correlation == NULL) {
        return;
    }
    correlation->type = (enum correlation_type)number_read(reader, 1);
    numbers_of(correlation, numbers);
    for (size_t i = 0; i < NUMBERS_COUNT; i++) {
        *numbers[i] = (int64_t)number_read(reader, 8);
    }
    correlation->bounds_count = count_read(reader, BOUNDS_MAX);
    for (size_t i = 0; i < correlation->bounds_count; i++) {
        correlation->bounds[i].how = (enum bound_how)number_read(reader, 1);
        correlation->bounds[i].number = (int64_t)number_read(reader, 8);
    }
    correlation->rules_count = count_read(reader, RULES_EACH_MAX);
    correlation->groups_count = count_read(reader, GROUP_BY_MAX);
    correlation->fields_count = count_read(reader, FIELDS_MAX);
    correlation->depth = count_read(reader, CHAIN_MAX);
    correlation->rules = list_take(reader, correlation->rules_count, sizeof(uint32_t));
    for (size_t i = 0; i < correlation->rules_count && reader->err == OK; i++) {
        correlation->rules[i] = (uint32_t)number_read(reader, 4);
        if (correlation->rules[i] >= index) {
            reader->err = ERR_CORRUPT;
        }
    }
    if (reader->err == OK &&
        ((unsigned)correlation->type >= CORRELATION_TYPE_COUNT || correlation->rules_count == 0 ||
         correlation->timespan <= 0 || correlation->bucket < 0)) {
        reader->err = ERR_CORRUPT;
    }
    correlation->groups = list_take(reader, correlation->groups_count, sizeof(struct str));
    for (size_t i = 0; i < correlation->groups_count && reader->err == OK; i++) {
        correlation->groups[i] = text_read(reader);
    }
    size_t slots =
        (size_t)(correlation->groups_count + correlation->fields_count) * correlation->rules_count;
    size_t lifts = (size_t)rule->asked_count * correlation->rules_count;
    correlation->slots = list_take(reader, slots, sizeof(uint16_t));
    slots_read(reader, ruleset, correlation, correlation->slots, slots, true);
    correlation->lifts = list_take(reader, lifts, sizeof(uint16_t));
    slots_read(reader, ruleset, correlation, correlation->lifts, lifts, false);
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        correlation->version[i] = (uint8_t)number_read(reader, 1);
    }
    rule->correlation = correlation;
}

enum err correlations_decode(struct str *bytes, struct ruleset *ruleset)
{
    struct reader reader = {.rest = *bytes, .mem = ruleset->mem};
    for (size_t i = 0; i < ruleset_rules(ruleset) && reader.err == OK; i++) {
        struct rule *rule = rule_at(ruleset, i);
        uint64_t flags = number_read(&reader, 1);
        rule->feeds = (flags & FLAG_FEEDS) != 0;
        rule->raises = (flags & FLAG_RAISES) != 0;
        rule->asked_count = count_read(&reader, ASKED_MAX);
        rule->asked = list_take(&reader, rule->asked_count, sizeof *rule->asked);
        struct logsource logsource = {rule->category, rule->product, rule->service};
        for (uint32_t k = 0; k < rule->asked_count && reader.err == OK; k++) {
            struct asked *asked = &rule->asked[k];
            struct str name = text_read(&reader);
            if (reader.err == OK) {
                reader.err =
                    field_names(logsource, name, ruleset->mem, asked->names, &asked->names_count);
            }
        }
        if (reader.err == OK && (flags & FLAG_CORRELATION) != 0) {
            correlation_read(&reader, ruleset, i);
        }
    }
    if (reader.err == OK) {
        *bytes = reader.rest;
    }
    return reader.err;
}
