/*
 * One text by one parser's table.
 *
 *     prefix → the shape's own part → steps → the row that decides → what it sets → maps → told
 *
 * Everything that is taken waits as a value until the text has proved to be the parser's own.  Code
 * parsers tell by themselves, after they have made sure.
 *
 * Always true: engine_text answers false before anything was told, and for a text of n bytes it
 * takes the table's size times n at most.
 */

#include <string.h>

#include "parse/private.h"

static bool tests_fit(struct found *found, const struct row *row, bool later);
static void settings_add(struct found *found, const struct setting *settings, size_t count,
                         bool weak);

/* Forgets what a parser took that was not the right one. */
static void values_forget(struct found *found)
{
    found->value_count = 0;
    found->happened = WALL_NONE;
    found->class = (struct str){0};
}

bool engine_text(struct found *found, const struct parser *parser, struct str text,
                 enum asked asked)
{
    struct str rest = text;
    found->parser = parser;
    values_forget(found);
    if (parser->shape == SHAPE_CODE) {
        if (!parser->code(found, text)) {
            found->class = parser->class;
            return asked != ASKED_ANY && !parser->rows_required;
        }
        if (found->class.data == NULL) {
            found->class = parser->class;
        }
        return true;
    }
    if (parser->prefix != NULL && !pattern_run(found, parser->prefix, &rest)) {
        return false;
    }
    if (parser->shape == SHAPE_PAIRS) {
        pairs_run(found, parser->pairs, rest);
    } else if (parser->shape == SHAPE_COLUMNS && !columns_run(found, parser, rest)) {
        values_forget(found);
        return false;
    }
    if (!engine_finish(found, rest)) {
        values_forget(found);
        return false;
    }
    struct inner inner = engine_inner(found);
    values_tell(found);
    recognise_inner(found, parser, inner);
    return true;
}

/* The text inside that is a record of its own; empty without one. */
struct inner engine_inner(struct found *found)
{
    struct inner inner = {{0}, {0}};
    struct str text;
    for (size_t i = 0; i < found->parser->inner_count; i++) {
        if (value_find(found, found->parser->inner[i], &text) && text.size > 0) {
            inner.text = text;
            (void)value_find(found, found->parser->inner_program, &inner.program);
            break;
        }
    }
    return inner;
}

bool engine_finish(struct found *found, struct str text)
{
    found->class = found->parser->class;
    bool rows_first = found->parser->shape == SHAPE_ROWS;
    if (rows_first && !rows_run(found, text)) {
        return false;
    }
    steps_run(found);
    if (!rows_first && !rows_run(found, text)) {
        return false;
    }
    maps_run(found);
    return true;
}

/* What the row calls by other names. */
static void copies_add(struct found *found, const struct row *row)
{
    size_t count = found->value_count;
    for (size_t i = 0; i < row->copy_count; i++) {
        found->origin = (uint16_t)(ORIGIN_COPIES + i);
        for (size_t at = 0; at < count; at++) {
            const struct value *value = value_at(found, at);
            if (value->name != row->copies[i].from) {
                continue;
            }
            struct str text = value->text;
            enum span_how how = (enum span_how)value->how;
            for (size_t to = 0; to < row->copies[i].count; to++) {
                (void)take_whole(found, &row->copies[i].targets[to], text, how);
            }
        }
    }
    found->origin = 0;
}

bool rows_run(struct found *found, struct str text)
{
    const struct parser *parser = found->parser;
    for (size_t i = 0; i < parser->row_count; i++) {
        const struct row *row = &parser->rows[i];
        size_t mark = found->value_count;
        struct str rest = text;
        if (!tests_fit(found, row, false) ||
            (row->in != NAME_OTHER && !value_find(found, row->in, &rest)) ||
            (row->match != NULL && !pattern_run(found, row->match, &rest))) {
            continue;
        }
        if (!tests_fit(found, row, true)) {
            found->value_count = mark;
            continue;
        }
        settings_add(found, row->settings, row->setting_count, true);
        copies_add(found, row);
        if (row->class.size > 0) {
            found->class = row->class;
        }
        return true;
    }
    settings_add(found, parser->settings, parser->setting_count, true);
    return !parser->rows_required;
}

static bool tests_fit(struct found *found, const struct row *row, bool later)
{
    for (size_t i = 0; i < row->test_count; i++) {
        const struct test *test = &row->tests[i];
        bool fits = test->later != later;
        for (size_t at = 0; at < found->value_count && !fits; at++) {
            const struct value *value = value_at(found, at);
            fits = value->name == test->name && wanted_fits(test->wanted, test->count, value->text);
        }
        struct str text;
        if (!fits && (!value_find(found, test->name, &text) ||
                      !wanted_fits(test->wanted, test->count, text))) {
            return false;
        }
    }
    return true;
}

static void settings_add(struct found *found, const struct setting *settings, size_t count,
                         bool weak)
{
    for (size_t i = 0; i < count; i++) {
        if (settings[i].value.size == 0) {
            continue;
        }
        (void)value_add(found, (struct value){
                                   .name = settings[i].name,
                                   .how = settings[i].scalar ? SPAN_JSON_SCALAR : SPAN_RAW,
                                   .weak = weak,
                                   .text = settings[i].value,
                               });
    }
}

static const struct map_case *case_find(const struct map_rule *map, struct str text)
{
    for (size_t i = 0; i < map->count; i++) {
        if (wanted_fits(&map->cases[i].from, 1, text)) {
            return &map->cases[i];
        }
    }
    return NULL;
}

void maps_run(struct found *found)
{
    for (size_t i = 0; i < found->parser->map_count; i++) {
        const struct map_rule *map = &found->parser->maps[i];
        size_t count = found->value_count;
        for (size_t at = 0; at < count; at++) {
            struct value *value = value_at(found, at);
            if (value->name != map->from) {
                continue;
            }
            const struct map_case *found_case = case_find(map, value->text);
            if (found_case == NULL && map->otherwise_count == 0) {
                continue;
            }
            if (map->from == map->to) {
                value->silent = true;
            }
            settings_add(found, found_case != NULL ? found_case->settings : map->otherwise,
                         found_case != NULL ? found_case->count : map->otherwise_count, false);
        }
    }
}

void key_tell(struct found *found, struct str key, struct str text, enum span_how how)
{
    const struct parser *parser = found->parser;
    size_t low = 0;
    size_t high = parser->field_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = str_compare(parser->fields[middle].key, key);
        if (order == 0) {
            bool told = false;
            found->origin = (uint16_t)(parser->fields[middle].rank + ORIGIN_FIELDS);
            for (size_t i = 0; i < parser->fields[middle].count; i++) {
                told = take_whole(found, &parser->fields[middle].targets[i], text, how) || told;
            }
            found->origin = 0;
            if (told && !parser->own_names) {
                return;
            }
            break;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    if ((parser->others.size == 0 && !parser->own_names) || text.size == 0) {
        return;
    }
    for (size_t i = 0; i < parser->empty_count; i++) {
        if (str_equal(parser->empty[i], text)) {
            return;
        }
    }
    (void)value_add(
        found, (struct value){.name = NAME_OTHER, .how = (uint8_t)how, .key = key, .text = text});
}
