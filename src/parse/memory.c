/*
 * What the lines that begin with '#' say of those after them: Zeek's logs and W3C's name their
 * columns so.
 *
 *     #separator \x09          forgets what stood before
 *     #path (a tab) conn
 *     #fields ts uid id.orig_h …          Zeek; the parser is chosen by the columns
 *     #types (a tab) time string addr …   of Zeek's columns: lists and truths are told as such
 *     #Fields: date time s-ip cs-method …     W3C
 *     account-id srcaddr dstaddr …        the first line of some files: names that `fields` knows
 *
 * Always true: a stream has room for STREAM_COLUMNS names in STREAM_TEXT bytes and never more; a
 * line with other columns than it knows is nobody's by it; where PARSE_STREAMS_MAX are known, a new
 * one takes the place of that which was silent longest.
 */

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "parse/private.h"

#define STREAM_COLUMNS 256
#define STREAM_TEXT    4096

struct stream {
    uint64_t id;
    uint64_t turn;               /* of the memory, when it was asked for last */
    const struct parser *parser; /* NULL: no columns are known */
    size_t count;
    size_t size; /* of the text in use */
    struct str path;
    struct str names[STREAM_COLUMNS];
    uint8_t types[STREAM_COLUMNS]; /* enum column_type */
    char set_separator;            /* of Zeek's lists */
    char text[STREAM_TEXT];
};

struct parse_memory {
    struct map streams; /* a struct stream by its number */
    uint64_t turn;      /* how often one was asked for */
};

static struct stream *stream_new(const struct parse_context *context);
static void stream_forget(struct stream *stream);
static void columns_learn(struct stream *stream, struct str names, enum header_kind kind);
static void types_learn(struct stream *stream, struct str types);
static bool first_learn(struct found *found, struct str text);

struct parse_memory *parse_memory_new(void)
{
    struct parse_memory *memory = calloc(1, sizeof *memory);
    if (memory != NULL) {
        map_init(&memory->streams, PARSE_STREAMS_MAX, 0);
    }
    return memory;
}

void parse_memory_forget(struct parse_memory *memory)
{
    size_t cursor = 0;
    struct str key;
    uint64_t value;
    while (map_next(&memory->streams, &cursor, &key, &value)) {
        free((void *)(uintptr_t)value);
    }
    map_done(&memory->streams);
    map_init(&memory->streams, PARSE_STREAMS_MAX, 0);
}

void parse_memory_free(struct parse_memory *memory)
{
    if (memory != NULL) {
        parse_memory_forget(memory);
        map_done(&memory->streams);
        free(memory);
    }
}

/* NULL where nothing was learned of it. */
static struct stream *stream_get(const struct parse_context *context)
{
    uint64_t value;
    struct parse_memory *memory = context->memory;
    if (memory == NULL || memory->streams.count == 0 ||
        !map_get(&memory->streams, str_of(&context->stream, sizeof context->stream), &value)) {
        return NULL;
    }
    struct stream *stream = (struct stream *)(uintptr_t)value;
    stream->turn = ++memory->turn;
    return stream;
}

/* Forgets the one that was silent longest: whoever sends from many addresses must not be able to
 * keep others from being known. */
static void room_make(struct parse_memory *memory)
{
    struct stream *oldest = NULL;
    size_t cursor = 0;
    struct str key;
    uint64_t value;
    while (map_next(&memory->streams, &cursor, &key, &value)) {
        struct stream *stream = (struct stream *)(uintptr_t)value;
        oldest = oldest == NULL || stream->turn < oldest->turn ? stream : oldest;
    }
    if (oldest != NULL && map_remove(&memory->streams, str_of(&oldest->id, sizeof oldest->id))) {
        free(oldest);
    }
}

static struct stream *stream_new(const struct parse_context *context)
{
    struct stream *stream = stream_get(context);
    if (stream == NULL) {
        if (context->memory->streams.count >= PARSE_STREAMS_MAX) {
            room_make(context->memory);
        }
        stream = calloc(1, sizeof *stream);
        if (stream != NULL) {
            stream_forget(stream);
            stream->id = context->stream;
            stream->turn = ++context->memory->turn;
        }
        if (stream != NULL &&
            map_put(&context->memory->streams, str_of(&context->stream, sizeof context->stream),
                    (uintptr_t)stream) != OK) {
            free(stream);
            stream = NULL;
        }
    }
    return stream;
}

static void stream_forget(struct stream *stream)
{
    stream->parser = NULL;
    stream->count = 0;
    stream->size = 0;
    stream->path = (struct str){0};
    stream->set_separator = ',';
}

/* Whether it is one of the other lines of a header. */
static bool is_header(struct str rest)
{
    static const struct str others[] = {
        STR("types\t"),    STR("set_separator\t"), STR("open\t"),        STR("close\t"),
        STR("Version:"),   STR("empty_field\t"),   STR("unset_field\t"), STR("Date:"),
        STR("Start-Date"), STR("End-Date"),        STR("Remark"),
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (str_starts(rest, others[i])) {
            return true;
        }
    }
    return false;
}

static bool text_keep(struct stream *stream, struct str text, struct str *ret)
{
    if (text.size > sizeof stream->text - stream->size) {
        return false;
    }
    if (text.size > 0) {
        memcpy(stream->text + stream->size, text.data, text.size);
    }
    *ret = str_of(stream->text + stream->size, text.size);
    stream->size += text.size;
    return true;
}

bool memory_header(struct found *found, struct str text)
{
    struct str rest = text;
    if (found->context->memory == NULL) {
        return false;
    }
    if (!cursor_byte(&rest, '#')) {
        unsigned char first = text.size > 0 ? (unsigned char)text.data[0] : 0;
        return (parse_naming_first[first / 64] >> first % 64 & 1) != 0 && first_learn(found, text);
    }
    bool names = str_starts(rest, STR("fields\t")) || str_starts(rest, STR("Fields:"));
    bool begins = str_starts(rest, STR("path\t")) || str_starts(rest, STR("separator ")) ||
                  str_starts(rest, STR("Software:"));
    if (!names && !begins && !is_header(rest)) {
        return false;
    }
    struct stream *stream =
        names || begins ? stream_new(found->context) : stream_get(found->context);
    if (stream == NULL) {
        return true;
    }
    if (begins) {
        char separator = stream->set_separator;
        stream_forget(stream);
        stream->set_separator = separator;
    }
    if (cursor_literal(&rest, STR("path\t"))) {
        (void)text_keep(stream, rest, &stream->path);
    } else if (cursor_literal(&rest, STR("fields\t"))) {
        columns_learn(stream, rest, HEADER_ZEEK);
    } else if (cursor_literal(&rest, STR("Fields:"))) {
        columns_learn(stream, str_trim(rest), HEADER_W3C);
    } else if (cursor_literal(&rest, STR("types\t"))) {
        types_learn(stream, rest);
    } else if (cursor_literal(&rest, STR("set_separator\t"))) {
        stream->set_separator = rest.size == 1 ? rest.data[0] : ',';
    }
    if (stream->parser != NULL) {
        found_parser(found, stream->parser->name);
    }
    return true;
}

static bool column_there(const struct stream *stream, const struct key_mark *key)
{
    if (key->count > 0) {
        return str_equal(key->name, parse_names[NAME_PATH]) &&
               wanted_fits(key->wanted, key->count, stream->path) != key->absent;
    }
    for (size_t i = 0; i < stream->count; i++) {
        if (str_equal(stream->names[i], key->name)) {
            return !key->absent;
        }
    }
    return key->absent;
}

static void columns_learn(struct stream *stream, struct str names, enum header_kind kind)
{
    struct str path = stream->path;
    stream->parser = NULL;
    stream->count = 0;
    stream->size = path.size; /* It stands first. */
    while (names.size > 0) {
        struct str name = str_trim(str_cut(&names, kind == HEADER_ZEEK ? '\t' : ' '));
        if (name.size == 0) {
            continue;
        }
        if (stream->count == STREAM_COLUMNS ||
            !text_keep(stream, name, &stream->names[stream->count])) {
            stream_forget(stream);
            return;
        }
        stream->types[stream->count++] = COLUMN_TEXT;
    }
    for (size_t i = 0; i < parse_header_marks.count; i++) {
        const struct mark *mark = &parse_marks[parse_header_marks.list[i]];
        size_t fits = 0;
        while (fits < mark->key_count && column_there(stream, &mark->keys[fits])) {
            fits++;
        }
        if (fits == mark->key_count && parse_table[mark->parser].header == kind) {
            stream->parser = &parse_table[mark->parser];
            return;
        }
    }
}

/* Of Zeek's names of types, those that do not stand for themselves. */
static uint8_t type_of(struct str name)
{
    static const struct str numbers[] = {STR("count"),  STR("int"),      STR("port"),
                                         STR("double"), STR("interval"), STR("time")};
    if (str_starts(name, STR("set[")) || str_starts(name, STR("vector[")) ||
        str_starts(name, STR("table["))) {
        return COLUMN_LIST;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (str_equal(name, numbers[i])) {
            return COLUMN_NUMBER;
        }
    }
    return str_equal(name, STR("bool")) ? COLUMN_TRUTH : COLUMN_TEXT;
}

static void types_learn(struct stream *stream, struct str types)
{
    for (size_t i = 0; i < stream->count && types.size > 0; i++) {
        stream->types[i] = type_of(str_cut(&types, '\t'));
    }
}

static bool column_known(const struct parser *parser, struct str name)
{
    size_t low = 0;
    size_t high = parser->field_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = str_compare(parser->fields[middle].key, name);
        if (order == 0) {
            return true;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return false;
}

/* A line of nothing but names that such a parser knows. */
static bool first_learn(struct found *found, struct str text)
{
    for (size_t i = 0; i < parse_naming_marks.count; i++) {
        const struct parser *parser = &parse_table[parse_marks[parse_naming_marks.list[i]].parser];
        struct str rest = text;
        size_t count = 0;
        bool known = true;
        while (rest.size > 0 && known) {
            known = column_known(parser, str_cut(&rest, parser->separator));
            count++;
        }
        struct stream *stream = known && count > 1 ? stream_new(found->context) : NULL;
        if (stream != NULL) {
            stream_forget(stream);
            columns_learn(stream, text, HEADER_FIRST);
            if (stream->parser != NULL) {
                found_parser(found, stream->parser->name);
            }
            return stream->parser != NULL;
        }
    }
    return false;
}

const struct parser *memory_parser(struct found *found, struct str text)
{
    const struct stream *stream = stream_get(found->context);
    if (stream == NULL || stream->parser == NULL ||
        columns_count(text, stream->parser->separator, stream->count + 1) != stream->count) {
        return NULL;
    }
    return stream->parser;
}

uint8_t memory_type(const struct found *found, size_t column, char *ret_separator)
{
    const struct stream *stream = stream_get(found->context);
    if (stream == NULL || stream->parser != found->parser || column >= stream->count) {
        return COLUMN_TEXT;
    }
    *ret_separator = stream->set_separator;
    return stream->types[column];
}

size_t memory_columns(struct found *found, const struct parser *parser, const struct str **ret)
{
    const struct stream *stream = stream_get(found->context);
    if (stream == NULL || stream->parser != parser) {
        *ret = parser->columns;
        return parser->column_count;
    }
    if (stream->path.size > 0) {
        (void)value_add(found, (struct value){.name = NAME_PATH, .text = stream->path});
        if (parser->own_names) {
            (void)value_add(found, (struct value){.name = NAME_OTHER,
                                                  .key = parse_names[NAME_PATH],
                                                  .text = stream->path});
        }
    }
    *ret = stream->names;
    return stream->count;
}
