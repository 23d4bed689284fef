/*
 * JSON objects: every leaf becomes a field under its own dotted name, so ECS documents keep ECS
 * names and others their vendor's.  The event's time is the first of a few well-known names, if it
 * is a time with a zone (or of the binding's zone), or a number of seconds or milliseconds.
 */

#include "codec/json.h"

#include "codec/json_text.h"

#include <string.h>

#include "parse/private.h"

/* Leaves that some parser minds; of more, e.g. of long lists, the first. */
#define HITS_MAX      256
#define MARKS_FEW     64   /* Rows of `recognise` that one object may ask for. */
#define PATHS_MAX     8192 /* Of parse_paths. */
#define JSON_PATH_MAX 200  /* of a name under a prefix */
#define PATH_SIZE_MAX 256  /* Longer ones are no names that a parser minds. */

#define TEXT_APART SIZE_MAX

/* A leaf that some parser minds. */
struct hit {
    uint16_t path;
    uint8_t kind;
    uint32_t exact; /* path_hash of the path as the record writes it */
    struct str text;
};

struct telling {
    struct found *found;
    struct str text;
    size_t begin;      /* of the text in the record; TEXT_APART: it is no part of it */
    struct str inside; /* what the names begin with that count; they go without it */
    size_t time_rank;
    struct str time;
    size_t hit_count;
    uint64_t present[PATHS_MAX / 64];        /* objects too */
    uint64_t words[PATHS_MAX / 64 / 64 + 1]; /* of `present`, those that are not 0 */
    struct hit hits[HITS_MAX];
};

/* The best comes first. */
static const struct str time_names[] = {
    STR("@timestamp"),  STR("timestamp"),        STR("time"),      STR("eventTime"),
    STR("TimeCreated"), STR("UtcTime"),          STR("EventTime"), STR("ts"),
    STR("event_time"),  STR("transaction.time"), STR("date"),
};
#define TIME_NAMES (sizeof time_names / sizeof time_names[0])

/* The sizes of those names by their first character: nearly every other name stops here. */
static const uint32_t time_sizes[256] = {
    ['@'] = 1u << 10,
    ['t'] = 1u << 9 | 1u << 4 | 1u << 2 | 1u << 16,
    ['e'] = 1u << 9 | 1u << 10,
    ['T'] = 1u << 11,
    ['U'] = 1u << 7,
    ['E'] = 1u << 9,
    ['d'] = 1u << 4,
};

static void leaf_tell(void *context, struct str path, size_t offset, size_t size,
                      enum json_kind kind);
static void time_note(struct telling *telling, struct str path, struct str value);
static struct wall time_read(const struct telling *telling);

static const char *parser_choose(struct telling *telling, const struct parser *fixed);
static void object_run(struct found *found, const struct parser *outer, struct str text);

static const char *object_walk(struct telling *telling, struct found *found, struct str text,
                               struct str inside)
{
    const struct str record = found->record;
    bool inside_record = text.data >= record.data && text.data < record.data + record.size;
    telling->found = found;
    telling->text = text;
    telling->begin = inside_record ? (size_t)(text.data - record.data) : TEXT_APART;
    telling->inside = inside;
    telling->time_rank = TIME_NAMES;
    telling->time = (struct str){0};
    telling->hit_count = 0;
    memset(telling->present, 0, (parse_paths.count / 64 + 1) * sizeof telling->present[0]);
    memset(telling->words, 0, sizeof telling->words);
    switch (json_walk(text, leaf_tell, telling, NULL)) {
    case OK:
        break;
    case ERR_LIMIT:
        return "JSON nested too deep";
    case ERR_MEMORY:
        return "no memory to parse JSON";
    default:
        return "not a JSON object";
    }
    struct wall happened = time_read(telling);
    if (wall_known(happened)) {
        builder_happened(found->builder, happened);
    }
    return NULL;
}

const char *json_object_parse(struct found *found, struct str text, const struct parser *fixed)
{
    struct telling telling;
    const char *reason = object_walk(&telling, found, text, STR(""));
    return reason != NULL ? reason : parser_choose(&telling, fixed);
}

/* The object inside another, whose leaves are told once more under the names that they have there;
 * the parser stays that of the outer one if nobody knows the inner. */
static void object_run(struct found *found, const struct parser *outer, struct str text)
{
    struct telling telling;
    struct str class = found->class;
    found->depth++;
    if (object_walk(&telling, found, text, outer->inner_object) == NULL) {
        (void)parser_choose(&telling, NULL);
    }
    found->depth--;
    if (found->parser == outer || found->class.data == NULL) {
        found->class = class;
    }
    if (found->parser == outer) {
        found_parser(found, outer->name);
    }
}

static void present_set(struct telling *telling, uint16_t path)
{
    telling->present[path / 64] |= (uint64_t)1 << path % 64;
    telling->words[path / 64 / 64] |= (uint64_t)1 << path / 64 % 64;
}

/* Shippers and lakes change the case of names, so nobody minds it, as Sigma does not. */
static struct str path_small(struct str path, char *to)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    size_t i = 0;
    for (; i + 8 <= path.size; i += 8) {
        uint64_t eight;
        memcpy(&eight, path.data + i, sizeof eight);
        /* A capital's high bit comes out where 'A' is reached and what follows 'Z' is not. */
        uint64_t low = eight & ones * 0x7f;
        uint64_t capital = (low + ones * (0x80 - 'A')) & ~(low + ones * (0x7f - 'Z')) & ~eight;
        eight |= (capital & ones * 0x80) >> 2;
        memcpy(to + i, &eight, sizeof eight);
    }
    for (; i < path.size; i++) {
        char c = path.data[i];
        to[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    return str_of(to, path.size);
}

/* The objects that a leaf lies in, as far as some parser asks for them. */
APART static void objects_note(struct telling *telling, struct str path)
{
    char small[PATH_SIZE_MAX];
    path = path_small(path, small);
    for (size_t at = str_find_byte(path, '.'); at < path.size; at++) {
        if (path.data[at] == '.') {
            uint16_t index = dictionary_find(&parse_paths, str_slice(path, 0, at));
            if (index == UINT16_MAX || parse_path_objects[index] == 0) {
                return;
            }
            present_set(telling, index);
        }
    }
}

/* As parsers_table.py has it; never 0. */
static uint32_t path_hash(struct str path)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < path.size; i++) {
        hash = (hash ^ (unsigned char)path.data[i]) * 16777619u;
    }
    return hash | 1;
}

/* What is known of a name, as builder_span keeps it: the index of its path in small letters in the
 * lowest 16 bits, path_hash in the upper 32, and these. */
#define NOTE_MADE    (UINT64_C(1) << 16)
#define NOTE_HEEDED  (UINT64_C(1) << 20) /* any of the following, or the path is known */
#define NOTE_TIME    (UINT64_C(1) << 17) /* perhaps one of time_names */
#define NOTE_MESSAGE (UINT64_C(1) << 18)
#define NOTE_OBJECTS (UINT64_C(1) << 19) /* has a dot: it lies in objects */

APART static uint64_t note_make(struct str path)
{
    char small[PATH_SIZE_MAX];
    uint64_t note = 0;
    uint16_t index = UINT16_MAX;
    if (path.size - 1 < 31 && (time_sizes[(unsigned char)path.data[0]] >> path.size & 1) != 0) {
        note |= NOTE_TIME;
    }
    if (str_equal(path, STR("message"))) {
        note |= NOTE_MESSAGE;
    }
    if (path.size <= sizeof small) {
        note |= str_find_byte(path, '.') != STR_NONE ? NOTE_OBJECTS : 0;
        index = dictionary_find(&parse_paths, path_small(path, small));
    }
    note |= note != 0 || index != UINT16_MAX ? NOTE_HEEDED : 0;
    return note | NOTE_MADE | (uint64_t)path_hash(path) << 32 | index;
}

/* What the name of a leaf means, whatever its value is. */
static void note_heed(struct telling *telling, uint64_t note, struct str path, struct str text,
                      enum json_kind kind)
{
    if ((note & NOTE_TIME) != 0 && kind != JSON_NULL) {
        time_note(telling, path, text);
    }
    if ((note & NOTE_MESSAGE) != 0) {
        telling->found->told |= (uint64_t)1 << NAME_MESSAGE;
    }
    const uint16_t index = (uint16_t)note;
    if (index != UINT16_MAX) {
        present_set(telling, index);
        if (telling->hit_count < HITS_MAX && kind != JSON_NULL) {
            telling->hits[telling->hit_count++] =
                (struct hit){index, (uint8_t)kind, (uint32_t)(note >> 32), text};
        }
    }
    if ((note & NOTE_OBJECTS) != 0) {
        objects_note(telling, path);
    }
}

/* A leaf of a text that is no part of the record. */
static void apart_tell(struct found *found, struct str path, struct str text, enum span_how how)
{
    struct str copy;
    if (found_mem(found) != NULL && arena_copy(found->mem, path, &copy) == OK) {
        found_span_how(found, copy, text, how);
    }
}

static void leaf_tell(void *context, struct str path, size_t offset, size_t size,
                      enum json_kind kind)
{
    static const enum span_how how[] = {
        [JSON_STRING] = SPAN_JSON_STRING,
        [JSON_SCALAR] = SPAN_JSON_SCALAR,
        [JSON_NULL] = SPAN_JSON_NULL,
    };
    struct telling *telling = context;
    struct str text = str_of(telling->text.data + offset, size);
    uint64_t *kept = NULL;
    if (!cursor_literal(&path, telling->inside) || path.size == 0 || name_is_ours(path)) {
        return;
    }
    if (telling->begin != TEXT_APART) {
        kept =
            builder_span(telling->found->builder, path, telling->begin + offset, size, how[kind]);
    } else {
        apart_tell(telling->found, path, text, how[kind]);
    }
    uint64_t note = kept != NULL && *kept != 0 ? *kept : note_make(path);
    if (kept != NULL) {
        *kept = note;
    }
    if ((note & NOTE_HEEDED) != 0) {
        note_heed(telling, note, path, text, kind);
    }
}

static bool key_fits(const struct telling *telling, const struct key_mark *key)
{
    if ((telling->present[key->path / 64] >> key->path % 64 & 1) == 0) {
        return key->absent;
    }
    for (size_t i = 0; i < telling->hit_count && key->count > 0; i++) {
        const struct hit *hit = &telling->hits[i];
        if (hit->path == key->path && wanted_fits(key->wanted, key->count, hit->text)) {
            return !key->absent;
        }
    }
    return key->absent == (key->count > 0);
}

static void hit_tell(struct found *found, const struct field *field, const struct hit *hit)
{
    struct str text = hit->text;
    enum span_how how = hit->kind == JSON_STRING ? SPAN_JSON_STRING : SPAN_JSON_SCALAR;
    if (how == SPAN_JSON_STRING) {
        /* Without a backslash it stands there as it is. */
        how = SPAN_RAW;
        if (str_find_byte(text, '\\') != STR_NONE &&
            (found_mem(found) == NULL || json_unescape(text, found->mem, &text) != OK)) {
            return;
        }
    }
    found->origin = (uint16_t)(field->rank + ORIGIN_FIELDS);
    for (size_t i = 0; i < field->count; i++) {
        (void)take_whole(found, &field->targets[i], text, how);
    }
    found->origin = 0;
}

struct others {
    struct found *found;
    struct str text, prefix;
};

static void other_tell(void *context, struct str path, size_t offset, size_t size,
                       enum json_kind kind)
{
    struct others *others = context;
    struct found *found = others->found;
    struct str name;
    if (kind == JSON_NULL || path.size > JSON_PATH_MAX || found_mem(found) == NULL ||
        arena_print(found->mem, &name, "%.*s%.*s", STR_ARG(others->prefix), STR_ARG(path)) != OK) {
        return;
    }
    found_span_how(found, name, str_slice(others->text, offset, size),
                   kind == JSON_STRING ? SPAN_JSON_STRING : SPAN_JSON_SCALAR);
}

/* All leaves once more, under the parser's own prefix, where it has one. */
static void others_tell(struct telling *telling, const struct parser *parser)
{
    struct others others = {telling->found, telling->text, parser->others};
    if (parser->others.size > 0 && json_walk(telling->text, other_tell, &others, NULL) != OK) {
        return; /* It has been walked whole before. */
    }
}

/* A hit and what the parser makes of it. */
struct sorted {
    const struct hit *hit;
    const struct field *field;
};

static const struct field *field_find(const struct parser *parser, const struct hit *hit)
{
    uint16_t path = hit->path;
    size_t low = 0;
    size_t high = parser->field_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        low = parser->fields[middle].path < path ? middle + 1 : low;
        high = parser->fields[middle].path < path ? high : middle;
    }
    while (low < parser->field_count && parser->fields[low].path == path) {
        if (parser->fields[low].exact == 0 || parser->fields[low].exact == hit->exact) {
            return &parser->fields[low];
        }
        low++;
    }
    return NULL;
}

/* The hits that the parser minds, in the order of its file; those of one field as they stood. */
static size_t hits_sort(const struct telling *telling, const struct parser *parser,
                        struct sorted *ret)
{
    size_t count = 0;
    for (size_t i = 0; i < telling->hit_count; i++) {
        const struct hit *hit = &telling->hits[i];
        const struct field *field = field_find(parser, hit);
        if (field == NULL) {
            continue;
        }
        size_t at = count++;
        while (at > 0 && ret[at - 1].field->rank > field->rank) {
            ret[at] = ret[at - 1];
            at--;
        }
        ret[at] = (struct sorted){hit, field};
    }
    return count;
}

static bool parser_try(struct telling *telling, const struct parser *parser)
{
    struct found *found = telling->found;
    found->parser = parser;
    found->value_count = 0;
    found->happened = WALL_NONE;
    struct sorted sorted[HITS_MAX];
    size_t count = hits_sort(telling, parser, sorted);
    for (size_t i = 0; i < count; i++) {
        hit_tell(found, sorted[i].field, sorted[i].hit);
    }
    if (!engine_finish(found, telling->text)) {
        return false;
    }
    found_parser(found, parser->name);
    others_tell(telling, parser);
    struct inner inner = engine_inner(found);
    values_tell(found);
    recognise_inner(found, parser, inner);
    if (parser->inner_object.size > 0 && found->depth + 1 < INNER_MAX) {
        object_run(found, parser, telling->text);
    }
    return true;
}

static bool mark_try(struct telling *telling, const struct mark *mark)
{
    for (size_t i = 0; i < mark->key_count; i++) {
        if (!key_fits(telling, &mark->keys[i])) {
            return false;
        }
    }
    return parser_try(telling, &parse_table[mark->parser]);
}

/* Those that ask for one path, in the order of asking. */
static size_t marks_add(const struct marks *marks, size_t count, uint16_t ret[MARKS_FEW])
{
    for (size_t i = 0; i < marks->count && count < MARKS_FEW; i++) {
        size_t at = count++;
        while (at > 0 && ret[at - 1] > marks->list[i]) {
            ret[at] = ret[at - 1];
            at--;
        }
        ret[at] = marks->list[i];
    }
    return count;
}

/* The marks whose rarest key is there, in the order of asking. */
static size_t marks_gather(const struct telling *telling, uint16_t ret[MARKS_FEW])
{
    size_t count = 0;
    for (size_t upper = 0; upper < sizeof telling->words / sizeof telling->words[0]; upper++) {
        for (uint64_t words = telling->words[upper]; words != 0; words &= words - 1) {
            size_t word = upper * 64 + (size_t)__builtin_ctzll(words);
            for (uint64_t bits = telling->present[word]; bits != 0; bits &= bits - 1) {
                size_t path = word * 64 + (size_t)__builtin_ctzll(bits);
                count = marks_add(&parse_path_marks[path], count, ret);
            }
        }
    }
    return count;
}

/* Those whose program the syslog header names. */
static bool program_try(struct telling *telling)
{
    struct str program = found_program(telling->found);
    uint16_t index = program.size > 0 ? dictionary_find(&parse_programs, program) : UINT16_MAX;
    if (index == UINT16_MAX) {
        return false;
    }
    for (size_t i = 0; i < parse_program_marks[index].count; i++) {
        const struct mark *mark = &parse_marks[parse_program_marks[index].list[i]];
        if (parse_table[mark->parser].shape == SHAPE_JSON && mark_try(telling, mark)) {
            return true;
        }
    }
    return false;
}

static const char *parser_choose(struct telling *telling, const struct parser *fixed)
{
    uint16_t marks[MARKS_FEW];
    const struct parser *before = telling->found->parser;
    if (fixed != NULL && fixed->shape == SHAPE_JSON && parser_try(telling, fixed)) {
        return NULL;
    }
    if (program_try(telling)) {
        return NULL;
    }
    size_t count = marks_gather(telling, marks);
    for (size_t i = 0; i < count; i++) {
        if (mark_try(telling, &parse_marks[marks[i]])) {
            return NULL;
        }
    }
    found_parser(telling->found, STR("json"));
    telling->found->parser = before;
    telling->found->class = (struct str){0};
    return NULL;
}

static void time_note(struct telling *telling, struct str path, struct str value)
{
    for (size_t rank = 0; rank < telling->time_rank; rank++) {
        if (str_equal(path, time_names[rank])) {
            telling->time_rank = rank;
            telling->time = value;
        }
    }
}

static struct wall time_read(const struct telling *telling)
{
    struct str rest = telling->time;
    struct wall wall = WALL_NONE;
    uint64_t number;
    if (rest.size == 0) {
        return WALL_NONE;
    }
    struct str stamp = rest;
    if ((stamp_iso(&stamp, telling->found->context, &wall) || stamp_clf(&stamp, &wall)) &&
        stamp.size == 0) {
        return wall;
    }
    struct str whole = str_cut(&rest, '.');
    if (str_to_u64(whole, 9000000000000ULL, &number) != OK || number < 100000000ULL) {
        return WALL_NONE;
    }
    if (number >= 100000000000ULL) {
        return (struct wall){(int64_t)number * NS_PER_MS};
    }
    wall.ns = (int64_t)number;
    if (wall.ns > 9000000000LL) {
        return WALL_NONE;
    }
    wall.ns *= NS_PER_SECOND;
    int64_t unit = NS_PER_SECOND / 10;
    for (size_t i = 0; i < rest.size && i < 9 && rest.data[i] >= '0' && rest.data[i] <= '9'; i++) {
        wall.ns += (rest.data[i] - '0') * unit;
        unit /= 10;
    }
    return wall;
}
