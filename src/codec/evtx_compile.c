/*
 * BinXML compiled into programs.
 *
 * An event is a template and the values of its slots (MS-EVEN6, 2.2.12).  The template says in
 * elements and attributes what a record could say in a list of names, and a chunk uses each of its
 * templates again and again.  So a template is read once for each chunk and becomes a list of
 * steps, most of which are "field NAME from slot N"; the record only runs these.
 *
 *     token                         what follows                          here
 *     00  end of fragment                                                 ends the program
 *     01  open start element        dependency u16 (templates), size      an element stands open
 *      41 …with attributes          u32, name u32; attributes' size u32
 *     02  close start element                                             its content begins
 *     03  close empty element                                             it ends
 *     04  end element                                                     it ends
 *     05  value                     type u8 (a string), units u16, text   a piece of text
 *     06  attribute                 name u32                              its value begins
 *     07  CDATA section             units u16, text                       a piece of text
 *     08  character reference       u16                                   a piece of text
 *     09  entity reference          name u32                              a piece of text
 *     0a  PI target, 0b PI data     name u32; units u16, text             passed over
 *     0c  template instance         u8, id u32, definition u32            a step of its own
 *     0d  normal substitution       slot u16, type u8                     a piece from a slot
 *     0e  optional substitution     slot u16, type u8                     a piece from a slot
 *     0f  fragment header           major, minor, flags                   passed over
 *
 * 0x40 added to 01, 05, 06, 07, 08 and 09 says that more of the kind follows, which we see anyway.
 * A name is an offset in the chunk: next u32, hash u16, units u16, text, NUL; where it stands for
 * the first time it lies right behind the token and is passed over.  Sizes of elements and of
 * attribute lists are not used: the tokens say by themselves where they end.
 *
 * Always true: a step refers to texts and names by index, never by pointer, since both grow; every
 * token costs a step of the chunk's budget, so overlapping definitions end in an error.
 */

#include <stdlib.h>

#include "base/limits.h"
#include "codec/evtx_private.h"
#include "codec/utf16.h"

#define DEFINITION_HEADER_SIZE 24 /* next u32, GUID, size u32 */
#define TOKEN_MORE             0x40
#define NO_STEP                SIZE_MAX

/* An element that stands open. */
struct open {
    enum winevent_at at;     /* where it stands */
    enum winevent_at inside; /* where its children stand */
    bool leaf;               /* a field so far */
    bool omit;               /* no field if it has no value */
    bool attributed;         /* attributes of its own were told */
    struct str name;         /* in `names` below */
    size_t names_size;       /* of `names` before it */
    uint32_t field;          /* the name that an attribute gave it; 0: its own */
    size_t begin;            /* the EVTX_BEGIN of its value, or NO_STEP */
};

struct compile {
    struct evtx *evtx;
    size_t at, end;
    bool dependency;
    struct open open[NESTING_MAX];
    size_t depth;
    enum winevent_at where;
    enum winevent_attribute attribute; /* of the attribute begun */
    bool in_attribute;
    size_t attribute_begin; /* its first step */
    char names[16 * 1024];  /* names of what stands open */
    size_t names_size;
};

static bool token_compile(struct compile *compile, unsigned token);
static bool bytes_need(struct compile *compile, size_t size);

const struct evtx_program *evtx_template(struct evtx *evtx, size_t at, enum winevent_at where)
{
    uint32_t key = (uint32_t)(at * WINEVENT_AT_COUNT + where);
    size_t slot = key * 2654435761U >> 20;
    while (evtx->program_slots[slot] != 0) {
        const struct evtx_program *program = &evtx->programs[evtx->program_slots[slot] - 1];
        if (program->key == key) {
            return program;
        }
        slot = (slot + 1) % (2 * EVTX_PROGRAMS_MAX);
    }
    if (at < 512 || at > evtx->size || evtx->size - at < DEFINITION_HEADER_SIZE) {
        UNHEEDED(evtx_break(evtx, "a template lies outside of its chunk"));
        return NULL;
    }
    if (evtx->programs_count == EVTX_PROGRAMS_MAX) {
        UNHEEDED(evtx_break(evtx, "a chunk has too many templates"));
        return NULL;
    }
    size_t size = get_u32(evtx->chunk + at + 20);
    size_t begin = at + DEFINITION_HEADER_SIZE;
    size_t left = evtx->size - begin;
    struct evtx_program program =
        evtx_compile(evtx, &begin, begin + (size < left ? size : left), where, true);
    program.key = key;
    evtx->programs[evtx->programs_count++] = program;
    evtx->program_slots[slot] = (uint16_t)evtx->programs_count;
    return &evtx->programs[evtx->programs_count - 1];
}

struct evtx_program evtx_compile(struct evtx *evtx, size_t *at, size_t end, enum winevent_at where,
                                 bool dependency)
{
    struct compile compile;
    compile.evtx = evtx;
    compile.at = *at;
    compile.end = end;
    compile.dependency = dependency;
    compile.where = where;
    compile.depth = 0;
    compile.in_attribute = false;
    compile.names_size = 0;
    struct evtx_program program = {.first = (uint32_t)evtx->steps_count};
    bool good = true, begun = false;
    while (good && !(begun && compile.depth == 0)) {
        unsigned token = 0;
        good = bytes_need(&compile, 1) && evtx_spend(evtx, 1, 0);
        if (good) {
            token = evtx->chunk[compile.at++];
            good = token_compile(&compile, token);
        }
        if (token == 0 && good) {
            break;
        }
        begun = begun || compile.depth > 0;
    }
    program.broken = !good;
    program.count = (uint32_t)evtx->steps_count - program.first;
    *at = compile.at;
    return program;
}

/* ---- Reading. */

static bool bytes_need(struct compile *compile, size_t size)
{
    return compile->end - compile->at >= size || evtx_break(compile->evtx, "BinXML is cut short");
}

/* The name at an offset, as the inside of a JSON string, in `names`. */
static bool name_read(struct compile *compile, struct str *ret)
{
    struct evtx *evtx = compile->evtx;
    if (!bytes_need(compile, 4)) {
        return false;
    }
    size_t at = get_u32(evtx->chunk + compile->at);
    compile->at += 4;
    if (at > evtx->size || evtx->size - at < 10) {
        return evtx_break(evtx, "a name lies outside of its chunk");
    }
    size_t units = get_u16(evtx->chunk + at + 6);
    if (units > NAME_SIZE_MAX || evtx->size - at - 10 < 2 * units) {
        return evtx_break(evtx, "a name is too long");
    }
    if (at == compile->at) {
        if (!bytes_need(compile, 10 + 2 * units)) {
            return false;
        }
        compile->at += 10 + 2 * units;
    }
    char *text = compile->names + compile->names_size;
    if (sizeof compile->names - compile->names_size < UTF16_JSON_UNIT_MAX * units + 16) {
        return evtx_break(evtx, "names of nested elements are too long");
    }
    if (!evtx_spend(evtx, 0, units)) {
        return false;
    }
    char *end = utf16_json(text, evtx->chunk + at + 8, units);
    *ret = str_of(text, (size_t)(end - text));
    compile->names_size += ret->size;
    return true;
}

/* ---- Steps. */

static bool step_add(struct evtx *evtx, const struct evtx_step *step)
{
    if (evtx->steps_count == evtx->steps_capacity) {
        size_t capacity = evtx->steps_capacity == 0 ? 4096 : 2 * evtx->steps_capacity;
        struct evtx_step *steps = realloc(evtx->steps, capacity * sizeof *steps);
        if (steps == NULL) {
            return evtx_no_memory(evtx);
        }
        evtx->steps = steps;
        evtx->steps_capacity = capacity;
    }
    evtx->steps[evtx->steps_count++] = *step;
    return true;
}

/* Text of UTF-16 as a piece. */
static bool text_add(struct compile *compile, const unsigned char *text, size_t units)
{
    struct evtx *evtx = compile->evtx;
    size_t room = UTF16_JSON_UNIT_MAX * units + 16;
    size_t at = evtx->texts.size;
    char *to;
    if (compile->depth == 0 ||
        (compile->in_attribute ? compile->attribute == WINEVENT_IGNORED
                               : compile->open[compile->depth - 1].begin == NO_STEP)) {
        return true;
    }
    if (!evtx_spend(evtx, 1, room)) {
        return false;
    }
    if (buf_extend(&evtx->texts, room, &to) != OK) {
        return evtx_no_memory(evtx);
    }
    evtx->texts.size = at + (size_t)(utf16_json(to, text, units) - to);
    return step_add(evtx, &(struct evtx_step){.kind = EVTX_PIECE_TEXT,
                                              .text = (uint32_t)at,
                                              .text_size = (uint32_t)(evtx->texts.size - at)});
}

/* The steps from `begin` on are one field; makes one step of them where they are simple.  A field
 * of a value that holds BinXML has the fields in it behind its own. */
static bool field_end(struct compile *compile, size_t begin)
{
    struct evtx *evtx = compile->evtx;
    struct evtx_step *first = &evtx->steps[begin];
    size_t pieces = evtx->steps_count - begin - 1;
    struct evtx_step *piece = first + 1;
    if (pieces == 0 || (pieces == 1 && piece->kind == EVTX_PIECE_TEXT)) {
        first->kind = EVTX_FIELD_TEXT;
        first->text = pieces == 0 ? 0 : piece->text;
        first->text_size = pieces == 0 ? 0 : piece->text_size;
        evtx->steps_count = begin + 1;
        return true;
    }
    if (pieces == 1 && piece->kind == EVTX_PIECE_SLOT) {
        first->kind = EVTX_FIELD_SLOT;
        first->slot = piece->slot;
        evtx->steps_count = begin + 1;
        return true;
    }
    uint8_t inside = first->inside;
    bool good = step_add(evtx, &(struct evtx_step){.kind = EVTX_END});
    for (size_t i = begin + 1; good && i <= begin + pieces; i++) {
        if (evtx->steps[i].kind == EVTX_PIECE_SLOT) {
            good = step_add(evtx, &(struct evtx_step){.kind = EVTX_NEST,
                                                      .inside = inside,
                                                      .slot = evtx->steps[i].slot});
        }
    }
    return good;
}

/* The index of the name that two or three parts make. */
static bool name_make(struct evtx *evtx, struct str prefix, struct str name, struct str attribute,
                      uint32_t *ret)
{
    char text[3 * UTF16_JSON_UNIT_MAX * NAME_SIZE_MAX];
    size_t size = prefix.size + name.size + attribute.size + 1;
    if (size > sizeof text) {
        return evtx_break(evtx, "a name is too long");
    }
    memcpy(text, prefix.size > 0 ? prefix.data : "", prefix.size);
    memcpy(text + prefix.size, name.data, name.size);
    size = prefix.size + name.size;
    if (attribute.size > 0) {
        text[size++] = '_';
        memcpy(text + size, attribute.data, attribute.size);
        size += attribute.size;
    }
    *ret = evtx_name_find(evtx, str_of(text, size));
    return *ret != 0;
}

/* ---- Elements. */

static bool attribute_end(struct compile *compile)
{
    struct evtx *evtx = compile->evtx;
    if (!compile->in_attribute) {
        return true;
    }
    compile->in_attribute = false;
    struct open *open = &compile->open[compile->depth - 1];
    size_t begin = compile->attribute_begin;
    size_t pieces = evtx->steps_count - begin - 1;
    switch (compile->attribute) {
    case WINEVENT_IGNORED:
        return true;
    case WINEVENT_NAME:
        open->field = EVTX_NAMELESS;
        if (pieces == 0 || (pieces == 1 && evtx->steps[begin + 1].kind == EVTX_PIECE_TEXT)) {
            const struct evtx_step *text = &evtx->steps[begin + 1];
            evtx->steps_count = begin;
            open->field = 0;
            return pieces == 0 || text->text_size == 0 ||
                   name_make(evtx, (struct str){0},
                             str_of(evtx->texts.data + text->text, text->text_size),
                             (struct str){0}, &open->field);
        }
        return true;
    default:
        open->attributed = true;
        return field_end(compile, begin);
    }
}

static bool attribute_begin(struct compile *compile)
{
    struct evtx *evtx = compile->evtx;
    struct str name;
    size_t names_size = compile->names_size;
    if (compile->depth == 0 || compile->open[compile->depth - 1].begin != NO_STEP) {
        return evtx_break(evtx, "an attribute stands outside of an element");
    }
    if (!attribute_end(compile) || !name_read(compile, &name)) {
        return false;
    }
    const struct open *open = &compile->open[compile->depth - 1];
    compile->names_size = names_size;
    compile->in_attribute = true;
    compile->attribute = winevent_attribute(open->at, open->name, open->leaf, name);
    compile->attribute_begin = evtx->steps_count;
    struct evtx_step step = {.kind = EVTX_BEGIN, .omit = true, .inside = WINEVENT_USER};
    switch (compile->attribute) {
    case WINEVENT_IGNORED:
        return true;
    case WINEVENT_NAME:
        step.kind = EVTX_NAME_BEGIN;
        break;
    case WINEVENT_TIME:
        step.time = true;
        return name_make(evtx, (struct str){0}, open->name, (struct str){0}, &step.name) &&
               step_add(evtx, &step);
    default:
        if (!name_make(evtx, winevent_prefix(open->at, open->name), open->name, name, &step.name)) {
            return false;
        }
        break;
    }
    return step_add(evtx, &step);
}

/* What stands in an element so far is blank. */
static bool is_blank(const struct evtx *evtx, size_t begin)
{
    for (size_t i = begin + 1; i < evtx->steps_count; i++) {
        const struct evtx_step *step = &evtx->steps[i];
        struct str text = str_of(evtx->texts.data + step->text, step->text_size);
        bool line = str_equal(text, STR("\\n")) || str_equal(text, STR("\\r\\n"));
        if (step->kind != EVTX_PIECE_TEXT || (str_trim(text).size > 0 && !line)) {
            return false;
        }
    }
    return true;
}

/* The element around the one that begins has children, so it is no field; unless it says more. */
static bool parent_enter(struct compile *compile)
{
    struct open *open = &compile->open[compile->depth - 1];
    size_t begin = open->begin;
    if (!open->leaf) {
        return true;
    }
    open->leaf = false;
    open->begin = NO_STEP;
    if (begin == NO_STEP || is_blank(compile->evtx, begin)) {
        compile->evtx->steps_count = begin == NO_STEP ? compile->evtx->steps_count : begin;
        return true;
    }
    return field_end(compile, begin);
}

static bool element_open(struct compile *compile, bool attributes)
{
    struct evtx *evtx = compile->evtx;
    struct open open = {.at = compile->where, .names_size = compile->names_size, .begin = NO_STEP};
    size_t head = compile->dependency ? 6 : 4;
    if (!bytes_need(compile, head)) {
        return false;
    }
    if (compile->depth > 0) {
        if (compile->in_attribute || !parent_enter(compile)) {
            return evtx_break(evtx, "an element stands in an attribute");
        }
        open.at = compile->open[compile->depth - 1].inside;
    }
    if (compile->depth == NESTING_MAX) {
        return evtx_break(evtx, "elements are nested too deep");
    }
    compile->at += head;
    if (!name_read(compile, &open.name) || !bytes_need(compile, attributes ? 4 : 0)) {
        return false;
    }
    compile->at += attributes ? 4 : 0;
    open.inside = winevent_enter(open.at, open.name, &open.leaf);
    open.omit = winevent_omit(open.at, open.name);
    compile->open[compile->depth++] = open;
    return true;
}

/* The end of the start tag: what follows is the element's value. */
static bool element_enter(struct compile *compile)
{
    struct evtx *evtx = compile->evtx;
    if (compile->depth == 0 || !attribute_end(compile)) {
        return evtx_break(evtx, "an element ends that was not begun");
    }
    struct open *open = &compile->open[compile->depth - 1];
    if (!open->leaf || open->begin != NO_STEP) {
        return true;
    }
    if (open->field == 0 && !name_make(evtx, winevent_prefix(open->at, open->name), open->name,
                                       (struct str){0}, &open->field)) {
        return false;
    }
    open->begin = evtx->steps_count;
    return step_add(evtx, &(struct evtx_step){.kind = EVTX_BEGIN,
                                              .name = open->field,
                                              .omit = open->omit,
                                              .inside = (uint8_t)open->inside});
}

static bool element_end(struct compile *compile)
{
    struct evtx *evtx = compile->evtx;
    if (compile->depth == 0 || compile->in_attribute) {
        return evtx_break(evtx, "an element ends that was not begun");
    }
    const struct open *open = &compile->open[--compile->depth];
    compile->names_size = open->names_size;
    if (open->begin == NO_STEP) {
        return true;
    }
    bool empty = evtx->steps_count == open->begin + 1;
    if (empty && (open->attributed || open->omit)) {
        evtx->steps_count = open->begin;
        return true;
    }
    return field_end(compile, open->begin);
}

/* ---- Tokens. */

/* A slot: a piece of the field begun, or what a container holds. */
static bool slot_compile(struct compile *compile)
{
    struct evtx *evtx = compile->evtx;
    if (!bytes_need(compile, 3)) {
        return false;
    }
    struct evtx_step step = {.kind = EVTX_PIECE_SLOT, .slot = get_u16(evtx->chunk + compile->at)};
    compile->at += 3;
    if (compile->depth == 0 || (compile->in_attribute && compile->attribute == WINEVENT_IGNORED)) {
        return true;
    }
    const struct open *open = &compile->open[compile->depth - 1];
    if (!compile->in_attribute && open->begin == NO_STEP) {
        step.kind = EVTX_FIELD_SLOT;
        step.inside = (uint8_t)open->inside;
        step.omit = true;
        if (!name_make(evtx, (struct str){0}, open->name, (struct str){0}, &step.name)) {
            return false;
        }
    }
    return step_add(evtx, &step);
}

/* Text with its number of units before it. */
static bool text_compile(struct compile *compile, bool told)
{
    struct evtx *evtx = compile->evtx;
    if (!bytes_need(compile, 2)) {
        return false;
    }
    size_t units = get_u16(evtx->chunk + compile->at);
    compile->at += 2;
    if (!bytes_need(compile, 2 * units)) {
        return false;
    }
    const unsigned char *text = evtx->chunk + compile->at;
    compile->at += 2 * units;
    return !told || text_add(compile, text, units);
}

static bool value_compile(struct compile *compile)
{
    if (!bytes_need(compile, 1)) {
        return false;
    }
    unsigned type = compile->evtx->chunk[compile->at++];
    return type == EVTX_STRING ? text_compile(compile, true)
                               : evtx_break(compile->evtx, "a value in BinXML is no string");
}

static bool character_compile(struct compile *compile)
{
    if (!bytes_need(compile, 2)) {
        return false;
    }
    compile->at += 2;
    return text_add(compile, compile->evtx->chunk + compile->at - 2, 1);
}

static bool entity_compile(struct compile *compile)
{
    static const struct {
        struct str name;
        char unit[2];
    } entities[] = {
        {{"lt", 2}, {'<', 0}},   {{"gt", 2}, {'>', 0}},    {{"amp", 3}, {'&', 0}},
        {{"quot", 4}, {'"', 0}}, {{"apos", 4}, {'\'', 0}},
    };
    struct str name;
    size_t names_size = compile->names_size;
    if (!name_read(compile, &name)) {
        return false;
    }
    compile->names_size = names_size;
    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++) {
        if (str_equal(name, entities[i].name)) {
            return text_add(compile, (const unsigned char *)entities[i].unit, 1);
        }
    }
    return evtx_break(compile->evtx, "BinXML refers to an entity that there is not");
}

static bool instance_compile(struct compile *compile)
{
    struct evtx *evtx = compile->evtx;
    struct evtx_instance instance;
    struct evtx_step step = {
        .kind = EVTX_INSTANCE, .inside = (uint8_t)compile->where, .text = (uint32_t)compile->at};
    if (compile->depth > 0) {
        if (compile->in_attribute || !parent_enter(compile)) {
            return evtx_break(evtx, "a template stands in an attribute");
        }
        step.inside = (uint8_t)compile->open[compile->depth - 1].inside;
    }
    if (!evtx_instance_read(evtx, compile->at, compile->end, &instance)) {
        return false;
    }
    step.text_size = (uint32_t)(instance.end - compile->at);
    compile->at = instance.end;
    return step_add(evtx, &step);
}

static bool instruction_compile(struct compile *compile)
{
    struct str name;
    size_t names_size = compile->names_size;
    bool good = name_read(compile, &name);
    compile->names_size = names_size;
    return good;
}

static bool token_compile(struct compile *compile, unsigned token)
{
    switch (token & ~(unsigned)TOKEN_MORE) {
    case 0x00:
        return compile->depth == 0 || evtx_break(compile->evtx, "an element is not closed");
    case 0x01:
        return element_open(compile, (token & TOKEN_MORE) != 0);
    case 0x02:
        return element_enter(compile);
    case 0x03:
        return element_enter(compile) && element_end(compile);
    case 0x04:
        return element_end(compile);
    case 0x05:
        return value_compile(compile);
    case 0x06:
        return attribute_begin(compile);
    case 0x07:
        return text_compile(compile, true);
    case 0x08:
        return character_compile(compile);
    case 0x09:
        return entity_compile(compile);
    case 0x0a:
        return instruction_compile(compile);
    case 0x0b:
        return text_compile(compile, false);
    case 0x0c:
        return instance_compile(compile);
    case 0x0d:
    case 0x0e:
        return slot_compile(compile);
    case 0x0f:
        if (!bytes_need(compile, 3)) {
            return false;
        }
        compile->at += 3;
        return true;
    default:
        return evtx_break(compile->evtx, "BinXML has a token that there is not");
    }
}
