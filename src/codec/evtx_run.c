/*
 * Programs run: a record's slots become fields.
 *
 * Fields are written one behind the other into `out`, each as "name":"value", and noted in a list
 * of members.  A name that the record had already links its member to the one before: then, and
 * only then, the record is written once more with a list in the place of the first of them.
 *
 *     out       {"Provider_Name":"…","Data":"a","Computer":"…","Data":"b",
 *     members             1              2            3            4
 *     next                                2 → 4
 *     merged    {"Provider_Name":"…","Data":["a","b"],"Computer":"…"}
 *
 * A name with blanks has its value three times: rules write it without them, and with underscores.
 * Names are kept as long as the reader and looked up when a template is compiled, so that a field
 * costs a comparison and two copies.
 *
 * A value of the type BinXML is a fragment of its own: EventData mostly is one.  Its fields join
 * those of the record.
 *
 * Always true: every step and every byte is taken from the chunk's budget, fragments nest at most
 * EVTX_DEPTH_MAX deep, and a record's JSON has at most RECORD_SIZE_MAX bytes.
 */

#include <stdlib.h>

#include "base/limits.h"
#include "codec/evtx_private.h"

#define INSTANCE_HEADER_SIZE   9  /* one u8, id u32, definition u32 */
#define DEFINITION_HEADER_SIZE 24 /* next u32, GUID, size u32 */

/* What the steps of one program share. */
struct run {
    struct evtx *evtx;
    size_t slots_base, slots_count;
    unsigned depth;
    uint32_t nameless; /* the name that pieces made */
};

static bool fragment_run(struct evtx *evtx, size_t at, size_t end, enum winevent_at where,
                         unsigned depth);
static bool program_run(struct run *run, const struct evtx_program *program);
static bool instance_run(struct evtx *evtx, size_t *at, size_t end, enum winevent_at where,
                         unsigned depth);

/* ---- Names. */

static bool name_add(struct evtx *evtx, struct str name, uint32_t *ret)
{
    if (evtx->names_count == EVTX_NAMES_MAX) {
        return evtx_break(evtx, "there are too many names");
    }
    if (evtx->names_count == evtx->names_capacity) {
        size_t capacity = 2 * evtx->names_capacity;
        struct evtx_name *names = realloc(evtx->names, capacity * sizeof *names);
        if (names == NULL) {
            return evtx_no_memory(evtx);
        }
        evtx->names = names;
        evtx->names_capacity = capacity;
    }
    struct evtx_name made = {.at = (uint32_t)evtx->names_text.size,
                             .size = (uint32_t)name.size + 3};
    if (buf_append(&evtx->names_text, STR("\"")) != OK ||
        buf_append(&evtx->names_text, name) != OK ||
        buf_append(&evtx->names_text, STR("\":")) != OK ||
        map_put(&evtx->names_map, name, evtx->names_count) != OK) {
        return evtx_no_memory(evtx);
    }
    *ret = (uint32_t)evtx->names_count++;
    evtx->names[*ret] = made;
    return true;
}

uint32_t evtx_name_find(struct evtx *evtx, struct str name)
{
    uint64_t known;
    uint32_t made = 0;
    if (map_get(&evtx->names_map, name, &known)) {
        return (uint32_t)known;
    }
    if (!name_add(evtx, name, &made) || str_find_byte(name, ' ') == STR_NONE ||
        name.size > NAME_SIZE_MAX) {
        return made;
    }
    char joined[NAME_SIZE_MAX], scored[NAME_SIZE_MAX];
    size_t joined_size = 0;
    for (size_t i = 0; i < name.size; i++) {
        scored[i] = name.data[i] == ' ' ? '_' : name.data[i];
        if (name.data[i] != ' ') {
            joined[joined_size++] = name.data[i];
        }
    }
    uint32_t without = evtx_name_find(evtx, str_of(joined, joined_size));
    uint32_t with = evtx_name_find(evtx, str_of(scored, name.size));
    evtx->names[made].alias[0] = without;
    evtx->names[made].alias[1] = with;
    return made;
}

/* ---- Fields. */

static bool room_need(struct evtx *evtx, size_t size)
{
    if (evtx->out.capacity - evtx->out.size >= size) {
        return true;
    }
    char *room;
    enum err err = buf_extend(&evtx->out, size, &room);
    if (err != OK) {
        return err == ERR_LIMIT ? evtx_break(evtx, "the record's text is too long")
                                : evtx_no_memory(evtx);
    }
    evtx->out.size -= size;
    return true;
}

/* Writes the name; *ret is where the value begins. */
static bool member_begin(struct evtx *evtx, uint32_t name, size_t *ret)
{
    const struct evtx_name *known = &evtx->names[name];
    if (!room_need(evtx, known->size + 4U)) {
        return false;
    }
    memcpy(evtx->out.data + evtx->out.size, evtx->names_text.data + known->at, known->size);
    evtx->out.size += known->size;
    *ret = evtx->out.size;
    evtx->out.data[evtx->out.size++] = '"';
    return true;
}

static bool member_note(struct evtx *evtx, uint32_t name, size_t value, size_t value_size)
{
    struct evtx_name *known = &evtx->names[name];
    if (evtx->members_count == EVTX_MEMBERS_MAX) {
        return evtx_break(evtx, "the record has too many fields");
    }
    uint32_t index = (uint32_t)evtx->members_count++;
    struct evtx_member *member = &evtx->members[index];
    *member = (struct evtx_member){
        .name = name, .value = (uint32_t)value, .value_size = (uint32_t)value_size};
    if (known->record == evtx->record) {
        evtx->members[known->member].next = index;
        member->again = true;
        evtx->repeated = true;
    }
    known->record = evtx->record;
    known->member = index;
    evtx->whole = evtx->out.size;
    return true;
}

/* The value is written up to its last quote, for which there is room. */
static bool member_end(struct evtx *evtx, uint32_t name, size_t value)
{
    evtx->out.data[evtx->out.size++] = '"';
    size_t value_size = evtx->out.size - value;
    evtx->out.data[evtx->out.size++] = ',';
    if (!evtx_spend(evtx, 1, value_size) || !member_note(evtx, name, value, value_size)) {
        return false;
    }
    for (size_t i = 0; i < 2; i++) {
        uint32_t alias = evtx->names[name].alias[i];
        size_t copy;
        if (alias == 0) {
            continue;
        }
        if (!evtx_spend(evtx, 1, value_size) || !member_begin(evtx, alias, &copy) ||
            !room_need(evtx, value_size + 2)) {
            return false;
        }
        memcpy(evtx->out.data + copy, evtx->out.data + value, value_size);
        evtx->out.size = copy + value_size;
        evtx->out.data[evtx->out.size++] = ',';
        if (!member_note(evtx, alias, copy, value_size)) {
            return false;
        }
    }
    return true;
}

static bool value_write(struct evtx *evtx, unsigned type, const unsigned char *data, size_t size)
{
    if (!room_need(evtx, evtx_value_room(size))) {
        return false;
    }
    char *end = evtx_value_write(evtx->out.data + evtx->out.size, type, data, size);
    if (end == NULL) {
        return evtx_break(evtx, "a value does not have the size of its type");
    }
    evtx->out.size = (size_t)(end - evtx->out.data);
    return true;
}

static bool field_write(struct evtx *evtx, uint32_t name, unsigned type, const unsigned char *data,
                        size_t size)
{
    size_t value, before = evtx->out.size;
    if (!member_begin(evtx, name, &value)) {
        return false;
    }
    if (!value_write(evtx, type, data, size)) {
        evtx->out.size = before;
        return false;
    }
    return member_end(evtx, name, value);
}

/* The event's time, under two names. */
static bool time_write(struct evtx *evtx, uint32_t name, const struct evtx_value *slot)
{
    size_t value;
    uint32_t stamp_name = evtx_name_find(evtx, STR("@timestamp"));
    if (slot->type == EVTX_FILETIME && slot->size == 8) {
        if (stamp_name == 0 || !member_begin(evtx, stamp_name, &value) || !room_need(evtx, 64)) {
            return false;
        }
        char *to = evtx->out.data + evtx->out.size;
        char *end = evtx_filetime_print(to, get_u64(evtx->chunk + slot->at), 7);
        evtx->out.size += (size_t)(end - to);
        if (!member_end(evtx, stamp_name, value)) {
            return false;
        }
    } else if (stamp_name == 0 ||
               !field_write(evtx, stamp_name, slot->type, evtx->chunk + slot->at, slot->size)) {
        return false;
    }
    return field_write(evtx, name, slot->type, evtx->chunk + slot->at, slot->size);
}

/* A field for each item. */
static bool array_write(struct evtx *evtx, uint32_t name, const struct evtx_value *slot)
{
    size_t at = 0;
    struct str item;
    unsigned type = slot->type & ~(unsigned)EVTX_ARRAY;
    if (slot->size == 0) {
        return field_write(evtx, name, EVTX_NULL, NULL, 0);
    }
    while (evtx_item_next(type, evtx->chunk + slot->at, slot->size, &at, &item)) {
        if (!field_write(evtx, name, type, (const unsigned char *)item.data, item.size)) {
            return false;
        }
    }
    return true;
}

/* ---- Steps. */

static struct evtx_value slot_get(const struct run *run, unsigned slot)
{
    return slot < run->slots_count ? run->evtx->slots[run->slots_base + slot]
                                   : (struct evtx_value){0};
}

static bool nest_run(const struct run *run, const struct evtx_value *slot, enum winevent_at where)
{
    return fragment_run(run->evtx, slot->at, slot->at + slot->size, where, run->depth + 1);
}

static bool field_slot_run(const struct run *run, const struct evtx_step *step, uint32_t name)
{
    struct evtx *evtx = run->evtx;
    struct evtx_value slot = slot_get(run, step->slot);
    if (slot.type == EVTX_BINXML) {
        return nest_run(run, &slot, step->inside);
    }
    if (step->omit && slot.type == EVTX_NULL) {
        return true;
    }
    if (step->time) {
        return time_write(evtx, name, &slot);
    }
    if ((slot.type & EVTX_ARRAY) != 0) {
        return array_write(evtx, name, &slot);
    }
    return field_write(evtx, name, slot.type, evtx->chunk + slot.at, slot.size);
}

static bool text_write(struct evtx *evtx, const struct evtx_step *step)
{
    if (!room_need(evtx, step->text_size + 4U) || !evtx_spend(evtx, 1, step->text_size)) {
        return false;
    }
    if (step->text_size > 0) {
        memcpy(evtx->out.data + evtx->out.size, evtx->texts.data + step->text, step->text_size);
    }
    evtx->out.size += step->text_size;
    return true;
}

static bool field_text_run(struct evtx *evtx, const struct evtx_step *step, uint32_t name)
{
    size_t value;
    return name != 0 && member_begin(evtx, name, &value) && text_write(evtx, step) &&
           member_end(evtx, name, value);
}

/* Writes the pieces from `at` on and returns behind the last; STR_NONE if one broke. */
static size_t pieces_write(const struct run *run, size_t at, size_t end)
{
    struct evtx *evtx = run->evtx;
    for (; at < end; at++) {
        const struct evtx_step *step = &evtx->steps[at];
        bool good;
        if (step->kind == EVTX_PIECE_TEXT) {
            good = text_write(evtx, step);
        } else if (step->kind == EVTX_PIECE_SLOT) {
            struct evtx_value slot = slot_get(run, step->slot);
            unsigned type = slot.type & ~(unsigned)EVTX_ARRAY;
            good =
                type == EVTX_BINXML ||
                (evtx_spend(evtx, 1, slot.size) &&
                 value_write(evtx, type, evtx->chunk + slot.at, slot.size) && room_need(evtx, 4));
        } else {
            return at;
        }
        if (!good) {
            return STR_NONE;
        }
    }
    return at;
}

/* The name that the pieces behind `at` make. */
static size_t name_run(struct run *run, size_t at, size_t end)
{
    struct evtx *evtx = run->evtx;
    size_t before = evtx->out.size;
    size_t next = pieces_write(run, at + 1, end);
    struct str name = str_of(evtx->out.data + before, evtx->out.size - before);
    evtx->out.size = before;
    if (next == STR_NONE) {
        return STR_NONE;
    }
    if (name.size > NAME_SIZE_MAX) {
        UNHEEDED(evtx_break(evtx, "a name is too long"));
        return STR_NONE;
    }
    run->nameless = evtx_name_find(evtx, name.size > 0 ? name : STR("Data"));
    return run->nameless != 0 ? next : STR_NONE;
}

/* A field of several pieces; returns behind its EVTX_END. */
static size_t field_run(const struct run *run, size_t at, size_t end, uint32_t name)
{
    struct evtx *evtx = run->evtx;
    size_t value, before = evtx->out.size;
    if (!member_begin(evtx, name, &value)) {
        return STR_NONE;
    }
    size_t next = pieces_write(run, at + 1, end);
    if (next == STR_NONE) {
        evtx->out.size = before;
        return STR_NONE;
    }
    if (!member_end(evtx, name, value)) {
        return STR_NONE;
    }
    return next < end && evtx->steps[next].kind == EVTX_END ? next + 1 : next;
}

/* Runs the step at `at` and returns the next; STR_NONE if it broke. */
static size_t step_run(struct run *run, size_t at, size_t end)
{
    struct evtx *evtx = run->evtx;
    const struct evtx_step step = evtx->steps[at];
    uint32_t name = step.name == EVTX_NAMELESS ? run->nameless : step.name;
    struct evtx_value slot;
    size_t place = step.text;
    bool good = true;
    switch ((enum evtx_step_kind)step.kind) {
    case EVTX_FIELD_SLOT:
        good = field_slot_run(run, &step, name);
        break;
    case EVTX_FIELD_TEXT:
        good =
            (!step.time || field_text_run(evtx, &step, evtx_name_find(evtx, STR("@timestamp")))) &&
            field_text_run(evtx, &step, name);
        break;
    case EVTX_NAME_BEGIN:
        return name_run(run, at, end);
    case EVTX_BEGIN:
        return field_run(run, at, end, name);
    case EVTX_NEST:
        slot = slot_get(run, step.slot);
        good = slot.type != EVTX_BINXML || nest_run(run, &slot, step.inside);
        break;
    case EVTX_INSTANCE:
        good = instance_run(evtx, &place, place + step.text_size, step.inside, run->depth + 1);
        break;
    case EVTX_PIECE_TEXT:
    case EVTX_PIECE_SLOT:
    case EVTX_END:
        break;
    }
    return good ? at + 1 : STR_NONE;
}

static bool program_run(struct run *run, const struct evtx_program *program)
{
    struct evtx *evtx = run->evtx;
    size_t at = program->first, end = at + program->count;
    /* A definition may be half of one, and the text of a later one may be too. */
    if (!evtx_spend(evtx, program->count, 0)) {
        return false;
    }
    while (at < end) {
        at = step_run(run, at, end);
        if (at == STR_NONE) {
            return false;
        }
    }
    return !program->broken || evtx_break(evtx, "a template is damaged");
}

/* ---- Instances and fragments. */

bool evtx_instance_read(struct evtx *evtx, size_t at, size_t end, struct evtx_instance *ret)
{
    if (end - at < INSTANCE_HEADER_SIZE) {
        return evtx_break(evtx, "BinXML is cut short");
    }
    size_t definition = get_u32(evtx->chunk + at + 5);
    at += INSTANCE_HEADER_SIZE;
    if (definition == at) {
        if (end - at < DEFINITION_HEADER_SIZE ||
            end - at - DEFINITION_HEADER_SIZE < get_u32(evtx->chunk + at + 20)) {
            return evtx_break(evtx, "a template is longer than its record");
        }
        at += DEFINITION_HEADER_SIZE + get_u32(evtx->chunk + at + 20);
    }
    if (end - at < 4 || (end - at - 4) / 4 < get_u32(evtx->chunk + at)) {
        return evtx_break(evtx, "a record has more slots than bytes");
    }
    *ret = (struct evtx_instance){
        .definition = definition, .slots = at + 4, .count = get_u32(evtx->chunk + at)};
    if (!evtx_spend(evtx, ret->count, 0)) {
        return false;
    }
    size_t values = ret->slots + 4 * ret->count;
    for (size_t i = 0; i < ret->count; i++) {
        size_t size = get_u16(evtx->chunk + ret->slots + 4 * i);
        if (end - values < size) {
            return evtx_break(evtx, "a value is longer than its record");
        }
        values += size;
    }
    ret->end = values;
    return true;
}

static bool slots_fill(struct evtx *evtx, const struct evtx_instance *instance)
{
    size_t need = evtx->slots_count + instance->count;
    if (instance->count == 0) {
        return true;
    }
    if (need > evtx->slots_capacity) {
        size_t capacity = need < 1024 ? 1024 : 2 * need;
        struct evtx_value *slots = realloc(evtx->slots, capacity * sizeof *slots);
        if (slots == NULL) {
            return evtx_no_memory(evtx);
        }
        evtx->slots = slots;
        evtx->slots_capacity = capacity;
    }
    const unsigned char *from = evtx->chunk + instance->slots;
    struct evtx_value *to = evtx->slots + evtx->slots_count;
    uint32_t at = (uint32_t)(instance->slots + 4 * instance->count);
    for (size_t i = 0; i < instance->count; i++) {
        to[i] =
            (struct evtx_value){.at = at, .size = get_u16(from + 4 * i), .type = from[4 * i + 2]};
        at += to[i].size;
    }
    evtx->slots_count = need;
    return true;
}

static bool instance_run(struct evtx *evtx, size_t *at, size_t end, enum winevent_at where,
                         unsigned depth)
{
    struct evtx_instance instance;
    if (depth > EVTX_DEPTH_MAX) {
        return evtx_break(evtx, "templates are nested too deep");
    }
    if (!evtx_instance_read(evtx, *at, end, &instance)) {
        return false;
    }
    *at = instance.end;
    const struct evtx_program *template = evtx_template(evtx, instance.definition, where);
    struct run run = {.evtx = evtx,
                      .slots_base = evtx->slots_count,
                      .slots_count = instance.count,
                      .depth = depth};
    if (template == NULL || !slots_fill(evtx, &instance)) {
        return false;
    }
    struct evtx_program program = *template;
    bool good = program_run(&run, &program);
    evtx->slots_count = run.slots_base;
    return good;
}

static bool fragment_run(struct evtx *evtx, size_t at, size_t end, enum winevent_at where,
                         unsigned depth)
{
    if (depth > EVTX_DEPTH_MAX) {
        return evtx_break(evtx, "fragments are nested too deep");
    }
    while (at < end) {
        unsigned token = evtx->chunk[at];
        if (!evtx_spend(evtx, 1, 0)) {
            return false;
        }
        if (token == 0x00) {
            return true;
        }
        if (token == 0x0f && end - at >= 4) {
            at += 4;
        } else if (token == 0x0c) {
            at++;
            if (!instance_run(evtx, &at, end, where, depth)) {
                return false;
            }
        } else {
            struct evtx_program program = evtx_compile(evtx, &at, end, where, false);
            struct run run = {.evtx = evtx, .depth = depth};
            if (!program_run(&run, &program)) {
                return false;
            }
        }
    }
    return true;
}

/* ---- Records. */

static bool bytes_add(struct evtx *evtx, const char *data, size_t size)
{
    enum err err = buf_append(&evtx->merged, str_of(data, size));
    return err == OK || (err == ERR_LIMIT ? evtx_break(evtx, "the record's text is too long")
                                          : evtx_no_memory(evtx));
}

/* A name of the event's System part that its data use too: what System says of it, which comes
 * first, goes by System.NAME, since rules mean the data's (of the log that was cleared, not of the
 * one that says so). */
static bool system_part(struct evtx *evtx, const struct evtx_member **member)
{
    static const char *const names[] = {
        "\"Channel\":", "\"Computer\":", "\"EventID\":", "\"Level\":", "\"Task\":", "\"Version\":"};
    const struct evtx_name *name = &evtx->names[(*member)->name];
    struct str text = str_of(evtx->names_text.data + name->at, name->size);
    bool system = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        system = system || str_equal(text, str_from(names[i]));
    }
    if (!system || (*member)->next == 0) {
        return true;
    }
    const char *value = evtx->out.data + (*member)->value;
    bool good = bytes_add(evtx, "\"System.", 8) && bytes_add(evtx, text.data + 1, text.size - 1) &&
                bytes_add(evtx, value, (*member)->value_size) && bytes_add(evtx, ",", 1);
    *member = &evtx->members[(*member)->next];
    return good;
}

/* Writes `out` once more, with lists of what stands there more than once. */
static bool members_merge(struct evtx *evtx)
{
    const char *out = evtx->out.data;
    buf_reset(&evtx->merged);
    bool good = bytes_add(evtx, "{", 1);
    for (size_t i = 1; good && i < evtx->members_count; i++) {
        const struct evtx_member *member = &evtx->members[i];
        const struct evtx_name *name = &evtx->names[member->name];
        if (member->again) {
            continue;
        }
        good = system_part(evtx, &member) &&
               bytes_add(evtx, evtx->names_text.data + name->at, name->size) &&
               (member->next == 0 || bytes_add(evtx, "[", 1)) &&
               bytes_add(evtx, out + member->value, member->value_size);
        for (uint32_t next = member->next; good && next != 0; next = evtx->members[next].next) {
            good = bytes_add(evtx, ",", 1) &&
                   bytes_add(evtx, out + evtx->members[next].value, evtx->members[next].value_size);
        }
        good = good && bytes_add(evtx, "],", member->next == 0 ? 0 : 1) && bytes_add(evtx, ",", 1);
    }
    return good;
}

static struct str object_close(struct buf *buf)
{
    if (buf->data[buf->size - 1] == ',') {
        buf->data[buf->size - 1] = '}';
    } else {
        buf->data[buf->size++] = '}';
    }
    return buf_str(buf);
}

void evtx_record_run(struct evtx *evtx, size_t at, size_t end, struct str *ret)
{
    *ret = STR("{}");
    buf_reset(&evtx->out);
    evtx->members_count = 1;
    evtx->slots_count = 0;
    evtx->repeated = false;
    evtx->record++;
    if (!room_need(evtx, 4)) {
        return;
    }
    evtx->out.data[evtx->out.size++] = '{';
    evtx->whole = evtx->out.size;
    UNHEEDED(fragment_run(evtx, at, end, WINEVENT_DOCUMENT, 0));
    evtx->out.size = evtx->whole;
    if (!evtx->repeated) {
        *ret = object_close(&evtx->out);
    } else if (members_merge(evtx)) {
        *ret = object_close(&evtx->merged);
    }
}
