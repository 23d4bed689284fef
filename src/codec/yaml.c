/*
 * YAML texts into trees of nodes: the one place that includes libyaml's header.
 *
 * libyaml's events are taken one by one, and a stack of the open collections, at most NESTING_MAX
 * deep, turns them into nodes in the caller's arena.  So nothing here recurses, and a text is
 * refused at the first event that passes a limit.
 *
 * Always true:
 *
 *   (1) a mapping's keys are scalars and all different.  They are compared when the mapping ends,
 * by sorting, so that many keys cost n log n whatever they are; (2) a scalar's text is in the
 * arena, without a NUL inside and with one behind it; (3) `key` of a value points at a node of its
 * own, which is no child of the mapping.
 *
 * What libyaml would do in quadratic time (every %TAG line is compared with all before it) is
 * counted before libyaml sees it.
 */

#include "codec/yaml.h"

#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/limits.h"

#define TAG_LINES_MAX    16 /* %TAG lines in one text; no text of ours needs one */
#define SUGGEST_SIZE_MAX 64 /* longer keys get no suggestion */
#define EDITS_MAX        2

struct level {
    struct yaml_node *node; /* the open collection */
    struct yaml_node *last; /* its last child, or NULL */
    struct yaml_node *key;  /* of a mapping: the key that waits for its value */
};

struct reader {
    struct arena *mem;
    struct why *why;
    struct yaml_node *first, *last; /* the documents */
    struct level levels[NESTING_MAX];
    size_t depth;
    size_t nodes;
    bool ended;
};

static enum err text_check(struct str text, struct why *why);
static enum err parser_failed(const yaml_parser_t *parser, struct str text, struct why *why);
static enum err event_take(struct reader *reader, const yaml_event_t *event);
static enum err node_add(struct reader *reader, const yaml_event_t *event, enum yaml_kind kind);
static size_t edits(struct str a, struct str b);

enum err yaml_parse(struct str text, struct arena *mem, struct yaml_node **ret, struct why *why)
{
    struct reader reader = {.mem = mem, .why = why};
    yaml_parser_t parser;
    enum err err = text_check(text, why);
    if (err != OK) {
        return err;
    }
    if (yaml_parser_initialize(&parser) == 0) {
        return ERR_MEMORY;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.size > 0 ? text.data : ""),
                                 text.size);
    while (err == OK && !reader.ended) {
        yaml_event_t event;
        if (yaml_parser_parse(&parser, &event) == 0) {
            err = parser_failed(&parser, text, why);
            break;
        }
        err = event_take(&reader, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (err == OK) {
        *ret = reader.first;
    }
    return err;
}

const struct yaml_node *yaml_get(const struct yaml_node *node, struct str key)
{
    if (node == NULL || node->kind != YAML_MAPPING) {
        return NULL;
    }
    for (const struct yaml_node *value = node->first; value != NULL; value = value->next) {
        if (str_equal(value->key->text, key)) {
            return value;
        }
    }
    return NULL;
}

bool yaml_is_null(const struct yaml_node *node)
{
    if (node->kind != YAML_SCALAR || !node->plain) {
        return false;
    }
    return node->text.size == 0 || str_equal(node->text, STR("~")) ||
           str_equal(node->text, STR("null")) || str_equal(node->text, STR("Null")) ||
           str_equal(node->text, STR("NULL"));
}

enum err yaml_bool(const struct yaml_node *node, bool *ret)
{
    static const char *const words[] = {"false", "no", "off", "true", "yes", "on"};
    if (node->kind != YAML_SCALAR || !node->plain) {
        return ERR_SYNTAX;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_equal_nocase(node->text, str_from(words[i]))) {
            *ret = i >= 3;
            return OK;
        }
    }
    return ERR_SYNTAX;
}

/* Decimal, without leading zeros: YAML 1.1 would read those as octal, YAML 1.2 as decimal, and a
 * person may have meant either. */
enum err yaml_int(const struct yaml_node *node, int64_t *ret)
{
    if (node->kind != YAML_SCALAR || !node->plain) {
        return ERR_SYNTAX;
    }
    struct str digits = node->text;
    bool negative = digits.size > 0 && digits.data[0] == '-';
    if (digits.size > 0 && (negative || digits.data[0] == '+')) {
        digits = str_slice(digits, 1, digits.size);
    }
    uint64_t value;
    if (digits.size > 1 && digits.data[0] == '0') {
        return ERR_SYNTAX;
    }
    enum err err = str_to_u64(digits, (uint64_t)INT64_MAX, &value);
    if (err == OK) {
        *ret = negative ? -(int64_t)value : (int64_t)value;
    }
    return err;
}

static int value_compare(const void *a, const void *b)
{
    const struct yaml_node *x = *(const struct yaml_node *const *)a;
    const struct yaml_node *y = *(const struct yaml_node *const *)b;
    int order = str_compare(x->key->text, y->key->text);
    if (order == 0) {
        order = x->key->line != y->key->line ? (x->key->line < y->key->line ? -1 : 1)
                                             : (x->key->column < y->key->column ? -1 : 1);
    }
    return order;
}

enum err yaml_keys_check(const struct yaml_node *mapping, struct why *why)
{
    if (mapping->count < 2) {
        return OK;
    }
    struct yaml_node **values = calloc(mapping->count, sizeof *values);
    if (values == NULL) {
        return ERR_MEMORY;
    }
    size_t count = 0;
    for (struct yaml_node *value = mapping->first; value != NULL; value = value->next) {
        values[count++] = value;
    }
    qsort(values, count, sizeof *values, value_compare);
    enum err err = OK;
    for (size_t i = 1; i < count && err == OK; i++) {
        const struct yaml_node *key = values[i]->key;
        if (str_equal(values[i - 1]->key->text, key->text)) {
            err = why_say_at(why, ERR_SYNTAX, key->line, key->column,
                             "the key '%.*s' stands in line %u already; keep one of the two",
                             (int)(key->text.size < 100 ? key->text.size : 100), key->text.data,
                             values[i - 1]->key->line);
        }
    }
    free(values);
    return err;
}

const char *yaml_suggest(struct str key, const char *const *known)
{
    const char *nearest = NULL;
    size_t nearest_edits = EDITS_MAX + 1;
    for (; *known != NULL; known++) {
        size_t distance = edits(key, str_from(*known));
        if (distance < nearest_edits && distance < key.size) {
            nearest = *known;
            nearest_edits = distance;
        }
    }
    return nearest;
}

static enum err text_check(struct str text, struct why *why)
{
    if (text.size > YAML_SIZE_MAX) {
        return why_say(why, ERR_LIMIT, 0, "the text has %zu bytes; at most %d can be read",
                       text.size, YAML_SIZE_MAX);
    }
    struct str rest = text;
    size_t tags = 0;
    for (uint32_t line = 1; rest.size > 0; line++) {
        if (str_starts(str_cut(&rest, '\n'), STR("%TAG")) && ++tags > TAG_LINES_MAX) {
            return why_say(why, ERR_LIMIT, line, "more than %d %%TAG lines; remove them",
                           TAG_LINES_MAX);
        }
    }
    return OK;
}

static enum err parser_failed(const yaml_parser_t *parser, struct str text, struct why *why)
{
    const char *problem = parser->problem != NULL ? parser->problem : "not YAML";
    if (parser->error == YAML_MEMORY_ERROR) {
        return ERR_MEMORY;
    }
    if (parser->error == YAML_READER_ERROR) {
        uint32_t line = 1;
        struct str before = str_slice(text, 0, parser->problem_offset);
        for (size_t i = 0; i < before.size; i++) {
            line += before.data[i] == '\n';
        }
        return why_say(why, ERR_SYNTAX, line, "%s; the text must be UTF-8", problem);
    }
    return why_say_at(why, ERR_SYNTAX, (uint32_t)parser->problem_mark.line + 1,
                      (uint32_t)parser->problem_mark.column + 1, "%s%s%s", problem,
                      parser->context != NULL ? " " : "",
                      parser->context != NULL ? parser->context : "");
}

static enum err event_take(struct reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return why_say_at(reader->why, ERR_SYNTAX, (uint32_t)event->start_mark.line + 1,
                          (uint32_t)event->start_mark.column + 1,
                          "aliases (*%.64s) are not read; write the value out",
                          (const char *)event->data.alias.anchor);
    case YAML_SCALAR_EVENT:
        return node_add(reader, event, YAML_SCALAR);
    case YAML_SEQUENCE_START_EVENT:
        return node_add(reader, event, YAML_SEQUENCE);
    case YAML_MAPPING_START_EVENT:
        return node_add(reader, event, YAML_MAPPING);
    case YAML_SEQUENCE_END_EVENT:
        reader->depth--;
        return OK;
    case YAML_MAPPING_END_EVENT:
        reader->depth--;
        return yaml_keys_check(reader->levels[reader->depth].node, reader->why);
    case YAML_STREAM_END_EVENT:
        reader->ended = true;
        return OK;
    default:
        return OK;
    }
}

static enum err scalar_set(struct reader *reader, const yaml_event_t *event, struct yaml_node *node)
{
    struct str text = str_of(event->data.scalar.value, event->data.scalar.length);
    if (str_find_byte(text, '\0') != STR_NONE) {
        return why_say_at(reader->why, ERR_SYNTAX, node->line, node->column,
                          "a text must not hold the character NUL");
    }
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                  event->data.scalar.plain_implicit != 0;
    return arena_copy(reader->mem, text, &node->text);
}

/* Hangs a node where it belongs: a document, a sequence's child, a mapping's key or its value. */
static enum err node_place(struct reader *reader, struct yaml_node *node)
{
    if (reader->depth == 0) {
        *(reader->last == NULL ? &reader->first : &reader->last->next) = node;
        reader->last = node;
        return OK;
    }
    struct level *level = &reader->levels[reader->depth - 1];
    if (level->node->kind == YAML_MAPPING && level->key == NULL) {
        if (node->kind != YAML_SCALAR) {
            return why_say_at(reader->why, ERR_SYNTAX, node->line, node->column,
                              "a key must be a text, not a list or a mapping");
        }
        level->key = node;
        return OK;
    }
    node->key = level->key;
    level->key = NULL;
    *(level->last == NULL ? &level->node->first : &level->last->next) = node;
    level->last = node;
    level->node->count++;
    return OK;
}

static enum err node_add(struct reader *reader, const yaml_event_t *event, enum yaml_kind kind)
{
    uint32_t line = (uint32_t)event->start_mark.line + 1;
    uint32_t column = (uint32_t)event->start_mark.column + 1;
    if (++reader->nodes > YAML_NODES_MAX) {
        return why_say_at(reader->why, ERR_LIMIT, line, column,
                          "more than %d values; split the text", YAML_NODES_MAX);
    }
    struct yaml_node *node = ARENA_ONE(reader->mem, struct yaml_node);
    if (node == NULL) {
        return ERR_MEMORY;
    }
    *node = (struct yaml_node){.kind = kind, .line = line, .column = column};
    enum err err = kind == YAML_SCALAR ? scalar_set(reader, event, node) : OK;
    if (err == OK) {
        err = node_place(reader, node);
    }
    if (err != OK || kind == YAML_SCALAR) {
        return err;
    }
    if (reader->depth == NESTING_MAX) {
        return why_say_at(reader->why, ERR_LIMIT, line, column,
                          "more than %d levels inside each other", NESTING_MAX);
    }
    reader->levels[reader->depth++] = (struct level){.node = node};
    return OK;
}

/* Insertions, deletions and replacements between a and b; more than EDITS_MAX where they are too
 * long to compare. */
static size_t edits(struct str a, struct str b)
{
    size_t row[SUGGEST_SIZE_MAX + 1];
    if (a.size > SUGGEST_SIZE_MAX || b.size > SUGGEST_SIZE_MAX) {
        return EDITS_MAX + 1;
    }
    for (size_t j = 0; j <= b.size; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            size_t best = diagonal + (a.data[i - 1] != b.data[j - 1]);
            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[b.size];
}
