/*
 * Events under a matcher's eyes.
 *
 * A batch names its fields by index, a matcher by id.  Indexes are resolved to ids when the batch's
 * table of names changes: the table's bytes are kept and compared, so that a batch at the same
 * address as an earlier one is never mistaken for it, and a table that has only grown costs its new
 * names.  Of an event, only values whose names somebody asks for are entered, chained by name; a
 * value is made readable, and folded, when the first test looks at it; a test's answer is kept
 * until the next event.
 *
 *     field ──► ids of names ──► first value ──► next value …
 *
 * Four values lie behind the spans: the record itself, parser, class and parse error.  "Of this
 * event" and an answer share a number with the event's stamp, so that nothing has to be wiped
 * between events.
 *
 * Always true: `chains[id]` belongs to the event at hand only if its stamp equals `stamp`;
 * answers[i] / 2 equals `stamp` if test i has been answered for it, and its lowest bit is the
 * answer; `names_count` names of the batch are resolved, and are what `names` holds.
 */

#include "match/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/* A record's values, unescaped and folded, twice over. */
#define READING_SIZE_MAX (64 * 1024 * 1024)

static const char *const own_names[VALUES_OWN] = {
    [VALUE_RECORD] = "event.original",
    [VALUE_PARSER] = "hinomi.parser",
    [VALUE_CLASS] = "hinomi.class",
    [VALUE_ERROR] = "hinomi.parse_error",
};

static enum err names_resolve(struct reading *reading, const struct batch *batch);

static enum err ids_make(struct reading *reading)
{
    const struct matcher *matcher = reading->matcher;
    map_init(&reading->ids, SIZE_MAX / 2, (uint64_t)(uintptr_t)reading);
    for (size_t i = 0; i < matcher_names(matcher); i++) {
        enum err err = map_put(&reading->ids, matcher_name(matcher, i), i);
        if (err != OK) {
            return err;
        }
    }
    for (size_t i = 0; i < VALUES_OWN; i++) {
        uint64_t id;
        reading->own[i] =
            map_get(&reading->ids, str_from(own_names[i]), &id) ? (uint32_t)id : NO_NAME;
    }
    return OK;
}

enum err reading_new(const struct matcher *matcher, struct reading **ret)
{
    struct reading *reading = calloc(1, sizeof *reading);
    if (reading == NULL) {
        return ERR_MEMORY;
    }
    reading->matcher = matcher;
    buf_init(&reading->names, BATCH_SIZE_MAX);
    reading->mem = arena_new(READING_SIZE_MAX);
    reading->resolved = calloc(NAMES_PER_BATCH_MAX + 1, sizeof *reading->resolved);
    reading->answers = calloc((size_t)matcher->tests + 1, sizeof *reading->answers);
    reading->chains = calloc(matcher_names(matcher) + 1, sizeof *reading->chains);
    reading->listings = calloc(matcher_lists(matcher) + 1, sizeof(const struct listing *));
    enum err err = reading->mem == NULL || reading->resolved == NULL || reading->answers == NULL ||
                           reading->chains == NULL || reading->listings == NULL
                       ? ERR_MEMORY
                       : ids_make(reading);
    err = err == OK ? workspace_new(matcher->patterns, &reading->workspace) : err;
    if (err != OK) {
        reading_free(reading);
        return err;
    }
    *ret = reading;
    return OK;
}

void reading_free(struct reading *reading)
{
    if (reading == NULL) {
        return;
    }
    sifting_free(reading->sifting);
    workspace_free(reading->workspace);
    arena_free(reading->mem);
    map_done(&reading->ids);
    buf_done(&reading->names);
    free(reading->resolved);
    free(reading->answers);
    free(reading->chains);
    free(reading->listings);
    free(reading);
}

void reading_lists(struct reading *reading, const struct lists *lists)
{
    if (reading->lists == lists) {
        return;
    }
    reading->lists = lists;
    const struct str *names = (const struct str *)(const void *)reading->matcher->lists.data;
    for (size_t i = 0; i < matcher_lists(reading->matcher); i++) {
        reading->listings[i] = lists_find(lists, names[i]);
    }
}

static struct value *value_enter(struct reading *reading, uint16_t index, uint32_t name,
                                 struct str bytes, uint8_t how)
{
    struct value *value = &reading->values[index];
    value->bytes = bytes;
    value->name = name;
    value->next = NO_VALUE;
    value->how = how;
    value->readable = false;
    value->folded = false;
    return value;
}

static void value_chain(struct reading *reading, uint16_t index, struct value *value)
{
    struct chain *chain = &reading->chains[value->name];
    value->next = chain->stamp == reading->stamp ? chain->first : NO_VALUE;
    *chain = (struct chain){reading->stamp, index};
    reading->known[reading->known_count++] = index;
}

static void spans_enter(struct reading *reading)
{
    const struct event *event = reading->event;
    const struct batch *batch = event->batch;
    const char *at = batch->span_table + (size_t)event->span_first * BATCH_SPAN_SIZE;
    for (uint16_t i = 0; i < event->spans; i++, at += BATCH_SPAN_SIZE) {
        uint32_t name = reading->resolved[get_u16(at + 8)];
        if (name != NO_NAME) {
            struct str bytes = {batch->text.data + get_u32(at), get_u32(at + 4)};
            value_chain(reading, i, value_enter(reading, i, name, bytes, (uint8_t)at[10]));
        }
    }
}

static void own_enter(struct reading *reading)
{
    const struct event *event = reading->event;
    const struct str own[VALUES_OWN] = {
        [VALUE_RECORD] = event->record,
        [VALUE_PARSER] = event->parser,
        [VALUE_CLASS] = event->class,
        [VALUE_ERROR] = event->error,
    };
    for (uint16_t i = 0; i < VALUES_OWN; i++) {
        uint16_t index = (uint16_t)(event->spans + i);
        struct value *value = value_enter(reading, index, reading->own[i], own[i], SPAN_RAW);
        if (value->name != NO_NAME && (i == VALUE_RECORD || own[i].size > 0)) {
            value_chain(reading, index, value);
        }
    }
}

enum err reading_batch(struct reading *reading, const struct batch *batch)
{
    return names_resolve(reading, batch);
}

enum err reading_event(struct reading *reading, const struct event *event)
{
    enum err err = names_resolve(reading, event->batch);
    if (err == OK) {
        reading_next(reading, event);
    }
    return err;
}

void reading_next(struct reading *reading, const struct event *event)
{
    arena_reset(reading->mem);
    reading->event = event;
    if (++reading->stamp >= UINT32_MAX / 2) {
        reading->stamp = 1;
        memset(reading->answers, 0, reading->matcher->tests * sizeof *reading->answers);
        memset(reading->chains, 0, matcher_names(reading->matcher) * sizeof *reading->chains);
    }
    reading->whole = false;
    reading->known_count = 0;
    spans_enter(reading);
    own_enter(reading);
}

void reading_enter_all(struct reading *reading)
{
    const struct event *event = reading->event;
    const struct batch *batch = event->batch;
    const char *at = batch->span_table + (size_t)event->span_first * BATCH_SPAN_SIZE;
    for (uint16_t i = 0; i < event->spans && !reading->whole; i++, at += BATCH_SPAN_SIZE) {
        if (reading->resolved[get_u16(at + 8)] == NO_NAME) {
            struct str bytes = {batch->text.data + get_u32(at), get_u32(at + 4)};
            (void)value_enter(reading, i, NO_NAME, bytes, (uint8_t)at[10]);
        }
    }
    reading->whole = true;
}

bool reading_record_is_text(const struct reading *reading)
{
    struct str parser = reading->event->parser;
    return !str_equal(parser, STR("json")) && !str_equal(parser, STR("winxml")) &&
           !str_equal(parser, STR("evtx"));
}

/* How many of the resolved names the table begins with, and where in it they end. */
static uint32_t names_shared(const struct reading *reading, struct str table, size_t *ret_end)
{
    struct str before = buf_str(&reading->names);
    size_t end = 0;
    uint32_t count = 0;
    while (count < reading->names_count && table.size - end >= 2) {
        size_t size = 2u + get_u16(table.data + end);
        if (size > table.size - end || size > before.size - end ||
            memcmp(table.data + end, before.data + end, size) != 0) {
            break;
        }
        end += size;
        count++;
    }
    *ret_end = end;
    return count;
}

static enum err names_resolve(struct reading *reading, const struct batch *batch)
{
    const char *from = batch->span_table + (size_t)batch->spans * BATCH_SPAN_SIZE;
    struct str table = str_of(from, (size_t)(batch->text.data - from));
    if (batch->names == reading->names_count && str_equal(table, buf_str(&reading->names))) {
        return OK;
    }
    size_t end;
    uint32_t shared = names_shared(reading, table, &end);
    reading->names.size = end;
    reading->names_count = shared;
    enum err err = buf_append(&reading->names, str_slice(table, end, table.size));
    if (err != OK) {
        return err;
    }
    for (uint32_t i = shared; i < batch->names; i++) {
        uint64_t id;
        reading->resolved[i] =
            map_get(&reading->ids, batch->name_table[i], &id) ? (uint32_t)id : NO_NAME;
    }
    reading->names_count = batch->names;
    return OK;
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

enum err value_read(struct reading *reading, struct value *value, struct str *ret)
{
    if (!value->readable) {
        struct span span = {.bytes = value->bytes, .how = (enum span_how)value->how};
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

enum err value_fold(struct reading *reading, struct value *value, struct str *ret)
{
    if (!value->folded) {
        struct str text;
        enum err err = value_read(reading, value, &text);
        if (err == OK) {
            err = reading->matcher->folding(text, reading->mem, &value->fold);
        }
        if (err != OK) {
            return err;
        }
        value->folded = true;
    }
    *ret = value->fold;
    return OK;
}
