/*
 * A correlator's state as bytes: what a checkpoint keeps, and what a new rule set takes over.
 *
 *     OFFSET  SIZE  MEANING
 *          0     4  "HCR1"
 *          4     8  seed of the values' hashes
 *         12    16  clock: the newest arrival, ns; and when past groups were last looked for
 *         28    24  sightings fed, late, groups forgotten
 *         52     4  correlations n, then n * 32: their versions
 *          …        groups, the one touched longest ago first:
 *                4  its correlation, from 0 in the list above
 *                4  size of its key, then the key
 *               24  touched, since, newest
 *                4  sights, then each: 8 time, 8 sequence, 8 value, 4 weight, 2 rule, 2 flags
 *                4  firings, then 8 each
 *
 * Integers are little-endian.  What stands in windows is made anew from the sights.
 *
 * A correlation's version covers its document and all that it leans on, so a group is taken over
 * by the correlation that means the same and by no other; groups of unknown ones are passed over.
 *
 * Always true: decoding proves what it reads, so that a damaged checkpoint is refused and the
 * correlator is as it was.
 */

#include "detect/correlator_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"

#define MAGIC      "HCR1"
#define SIGHT_SIZE 32
#define SEED_NONE  UINT32_MAX

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

static void group_write(struct writer *writer, const struct group *group)
{
    number_write(writer, group->correlation, 4);
    number_write(writer, group->key_size, 4);
    if (writer->err == OK) {
        writer->err = buf_append(writer->out, str_of(group->key, group->key_size));
    }
    number_write(writer, (uint64_t)group->touched, 8);
    number_write(writer, (uint64_t)group->since, 8);
    number_write(writer, (uint64_t)group->newest, 8);
    number_write(writer, group->count, 4);
    for (uint32_t i = 0; i < group->count && writer->err == OK; i++) {
        const struct sight *sight = group_sight(group, i);
        char bytes[SIGHT_SIZE];
        put_u64(bytes, (uint64_t)sight->at);
        put_u64(bytes + 8, sight->sequence);
        put_u64(bytes + 16, (uint64_t)sight->value);
        put_u32(bytes + 24, sight->weight);
        put_u16(bytes + 28, sight->number);
        put_u16(bytes + 30, sight->flags);
        writer->err = buf_append(writer->out, str_of(bytes, sizeof bytes));
    }
    number_write(writer, group->fired_count, 4);
    for (uint32_t i = 0; i < group->fired_count; i++) {
        number_write(writer, (uint64_t)group->fired[i], 8);
    }
}

enum err correlator_encode(const struct correlator *correlator, struct buf *out)
{
    struct writer writer = {.out = out};
    size_t before = out->size;
    writer.err = buf_append(out, STR(MAGIC));
    number_write(&writer, correlator->seed, 8);
    number_write(&writer, (uint64_t)correlator->clock, 8);
    number_write(&writer, (uint64_t)correlator->swept, 8);
    number_write(&writer, correlator->stats.fed, 8);
    number_write(&writer, correlator->stats.late, 8);
    number_write(&writer, correlator->stats.forgotten, 8);
    number_write(&writer, correlator->own_count, 4);
    for (size_t i = 0; i < correlator->own_count && writer.err == OK; i++) {
        writer.err = buf_append(out, str_of(correlator->own[i].correlation->version, SHA256_SIZE));
    }
    for (const struct group *group = correlator->oldest; group != NULL && writer.err == OK;
         group = group->newer) {
        if (group->count > 0) {
            group_write(&writer, group);
        }
    }
    if (writer.err != OK) {
        out->size = before;
    }
    return writer.err;
}

/* ---- Back. */

struct reader {
    struct str rest;
    bool broken;
};

static uint64_t number_read(struct reader *reader, size_t size)
{
    char bytes[8] = {0};
    if (reader->broken || reader->rest.size < size) {
        reader->broken = true;
        return 0;
    }
    memcpy(bytes, reader->rest.data, size);
    reader->rest = str_slice(reader->rest, size, reader->rest.size);
    return get_u64(bytes);
}

static int64_t time_read(struct reader *reader)
{
    int64_t at = (int64_t)number_read(reader, 8);
    if (at > INT64_MAX / 2 || (at < -(INT64_MAX / 2) && at != INT64_MIN)) {
        reader->broken = true;
    }
    return at;
}

static struct str bytes_read(struct reader *reader, size_t size)
{
    if (reader->broken || reader->rest.size < size) {
        reader->broken = true;
        return (struct str){0};
    }
    struct str bytes = str_slice(reader->rest, 0, size);
    reader->rest = str_slice(reader->rest, size, reader->rest.size);
    return bytes;
}

static void sight_read(struct reader *reader, const struct correlation *correlation,
                       const struct sight *before, struct sight *ret)
{
    *ret = (struct sight){
        .at = time_read(reader),
        .sequence = number_read(reader, 8),
        .value = (int64_t)number_read(reader, 8),
        .weight = (uint32_t)number_read(reader, 4),
        .number = (uint16_t)number_read(reader, 2),
        .flags = (uint16_t)number_read(reader, 2),
    };
    bool ordered = before == NULL || before->at < ret->at ||
                   (before->at == ret->at && before->sequence <= ret->sequence);
    if (!ordered || ret->at == INT64_MIN || ret->weight == 0 ||
        (correlation != NULL && ret->number >= correlation->rules_count)) {
        reader->broken = true;
    }
}

static enum err sights_read(struct reader *reader, const struct correlation *correlation,
                            struct group *group)
{
    uint64_t count = number_read(reader, 4);
    if (count == 0 || count > CORRELATION_ENTRIES_MAX || count * SIGHT_SIZE > reader->rest.size) {
        return ERR_CORRUPT;
    }
    group->sights = calloc(count + 1, sizeof *group->sights);
    if (group->sights == NULL) {
        return ERR_MEMORY;
    }
    group->capacity = (uint32_t)count + 1;
    group->count = (uint32_t)count;
    for (size_t i = 0; i < count && !reader->broken; i++) {
        sight_read(reader, correlation, i > 0 ? &group->sights[i - 1] : NULL, &group->sights[i]);
    }
    if (count > 0 && group->sights[count - 1].at > group->newest) {
        return ERR_CORRUPT;
    }
    count = number_read(reader, 4);
    if (count * 8 > reader->rest.size) {
        return ERR_CORRUPT;
    }
    int64_t before = INT64_MIN;
    for (size_t i = 0; i < count && !reader->broken; i++) {
        int64_t at = time_read(reader);
        if (at < before || at == INT64_MIN) {
            return ERR_CORRUPT;
        }
        before = at;
        enum err err = group_fired(group, at);
        if (err != OK) {
            return err;
        }
    }
    return reader->broken ? ERR_CORRUPT : OK;
}

/* Passes over a group of a correlation that is no longer there. */
static enum err group_skip(struct reader *reader)
{
    (void)bytes_read(reader, number_read(reader, 4));
    (void)bytes_read(reader, 24);
    (void)bytes_read(reader, number_read(reader, 4) * SIGHT_SIZE);
    (void)bytes_read(reader, number_read(reader, 4) * 8);
    return reader->broken ? ERR_CORRUPT : OK;
}

static enum err group_read(struct reader *reader, struct correlator *correlator, uint32_t own)
{
    const struct correlation *correlation = correlator->own[own].correlation;
    struct str values[GROUP_BY_MAX];
    struct str key = bytes_read(reader, number_read(reader, 4));
    struct group *group;
    size_t groups = correlator->stats.groups;
    if (reader->broken || values_split(key, correlation->groups_count, values) != OK ||
        key.size > correlator->packed.size_max) {
        return ERR_CORRUPT;
    }
    int64_t clock = correlator->clock;
    correlator->clock = INT64_MIN / 2; /* nothing is past while all are read */
    enum err err = group_find(correlator, own, key, &group);
    correlator->clock = clock;
    if (err != OK) {
        return err;
    }
    if (correlator->stats.groups == groups) {
        return ERR_CORRUPT; /* the same group twice */
    }
    group->touched = time_read(reader);
    group->since = time_read(reader);
    group->newest = time_read(reader);
    if (reader->broken || group->touched > clock || group->touched == INT64_MIN ||
        group->since == INT64_MIN || group->newest == INT64_MIN) {
        return ERR_CORRUPT;
    }
    err = sights_read(reader, correlation, group);
    group_weigh(correlator, group);
    return err;
}

static enum err groups_read(struct reader *reader, struct correlator *correlator,
                            const uint32_t *matches, size_t matches_count)
{
    enum err err = OK;
    while (reader->rest.size > 0 && err == OK) {
        uint64_t which = number_read(reader, 4);
        if (reader->broken || which >= matches_count) {
            return ERR_CORRUPT;
        }
        err = matches[which] == SEED_NONE ? group_skip(reader)
                                          : group_read(reader, correlator, matches[which]);
    }
    return err;
}

/* Which of our correlations each of the state's is. */
static enum err matches_make(struct reader *reader, const struct correlator *correlator,
                             uint32_t **ret, size_t *ret_count)
{
    struct map versions;
    uint64_t count = number_read(reader, 4);
    enum err err = OK;
    if (reader->broken || count * SHA256_SIZE > reader->rest.size) {
        return ERR_CORRUPT;
    }
    uint32_t *matches = calloc(count + 1, sizeof *matches);
    if (matches == NULL) {
        return ERR_MEMORY;
    }
    map_init(&versions, correlator->own_count + 1, correlator->seed);
    for (size_t i = 0; i < correlator->own_count && err == OK; i++) {
        err = map_put(&versions, str_of(correlator->own[i].correlation->version, SHA256_SIZE), i);
    }
    for (size_t i = 0; i < count && err == OK; i++) {
        uint64_t own;
        matches[i] =
            map_get(&versions, bytes_read(reader, SHA256_SIZE), &own) ? (uint32_t)own : SEED_NONE;
    }
    map_done(&versions);
    if (err != OK) {
        free(matches);
        return err;
    }
    *ret = matches;
    *ret_count = count;
    return OK;
}

/* Lets two correlators change what is in them. */
static void correlators_swap(struct correlator *a, struct correlator *b)
{
    struct correlator between = *a;
    *a = *b;
    *b = between;
}

static enum err state_read(struct str bytes, struct correlator *fresh)
{
    struct reader reader = {.rest = bytes};
    uint32_t *matches = NULL;
    size_t count = 0;
    if (!str_equal(bytes_read(&reader, sizeof MAGIC - 1), STR(MAGIC))) {
        return ERR_CORRUPT;
    }
    fresh->seed = number_read(&reader, 8);
    fresh->clock = (int64_t)number_read(&reader, 8);
    fresh->swept = (int64_t)number_read(&reader, 8);
    fresh->stats.fed = number_read(&reader, 8);
    fresh->stats.late = number_read(&reader, 8);
    fresh->stats.forgotten = number_read(&reader, 8);
    if (reader.broken || fresh->clock > INT64_MAX / 2 || fresh->clock < INT64_MIN / 2 ||
        fresh->swept > fresh->clock || fresh->swept < INT64_MIN / 2) {
        return ERR_CORRUPT;
    }
    enum err err = matches_make(&reader, fresh, &matches, &count);
    err = err == OK ? groups_read(&reader, fresh, matches, count) : err;
    free(matches);
    return err;
}

enum err correlator_decode(struct str bytes, struct correlator *correlator, struct why *why)
{
    struct correlator *fresh;
    enum err err = correlator_new(correlator->ruleset, correlator->size_max, &fresh);
    if (err != OK) {
        return err;
    }
    err = state_read(bytes, fresh);
    if (err == OK) {
        groups_fit(fresh, NULL);
        correlators_swap(correlator, fresh);
    } else if (err == ERR_CORRUPT) {
        err = why_say(why, err, 0, "the state of correlations is damaged");
    }
    correlator_free(fresh);
    return err;
}

enum err correlator_move(struct correlator *correlator, const struct ruleset *ruleset)
{
    struct correlator *fresh;
    struct buf bytes;
    enum err err = correlator_new(ruleset, correlator->size_max, &fresh);
    if (err != OK) {
        return err;
    }
    buf_init(&bytes, SIZE_MAX / 2);
    err = correlator_encode(correlator, &bytes);
    err = err == OK ? state_read(buf_str(&bytes), fresh) : err;
    buf_done(&bytes);
    if (err == OK) {
        correlators_swap(correlator, fresh);
    }
    correlator_free(fresh);
    return err;
}
