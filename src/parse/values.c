/*
 * The values that a table's parser took, on their way to be told.
 *
 * Always true: nothing of them reaches the builder before values_tell, so a parser that finds in
 * the middle of a text that it is not its own has told nothing.
 */

#include <string.h>

#include "base/limits.h"
#include "parse/private.h"

#define SAME_BACK 256 /* Values that are looked through for one that was told already. */

struct value *value_at(struct found *found, size_t index)
{
    return index < VALUES_FEW ? &found->values[index] : &found->more_values[index - VALUES_FEW];
}

bool value_find(struct found *found, uint16_t name, struct str *ret)
{
    for (size_t i = 0; i < found->value_count; i++) {
        struct value *value = value_at(found, i);
        if (value->name == name) {
            *ret = value->text;
            return true;
        }
    }
    if (found->header == NULL) {
        return false;
    }
    *ret = name == NAME_PROGRAM ? found->header->program
           : name == NAME_PID   ? found->header->process
           : name == NAME_HOST  ? found->header->host
           : name == NAME_MSGID ? found->header->message_id
                                : (struct str){0};
    return ret->size > 0;
}

bool value_add(struct found *found, struct value value)
{
    if (found->value_count == VALUES_FEW && found->more_values == NULL &&
        found_mem(found) != NULL) {
        found->more_values = ARENA_ARRAY(found->mem, struct value, SPANS_PER_EVENT_MAX);
    }
    size_t room = found->more_values != NULL ? VALUES_FEW + SPANS_PER_EVENT_MAX : VALUES_FEW;
    if (found->value_count == room) {
        return false;
    }
    value.origin = found->origin;
    *value_at(found, found->value_count++) = value;
    return true;
}

/* Whether something else tells that name. */
static bool value_beaten(struct found *found, uint16_t name)
{
    for (size_t i = 0; i < found->value_count; i++) {
        struct value *other = value_at(found, i);
        if (other->name == name && !other->weak) {
            return true;
        }
    }
    return false;
}

static void other_tell(struct found *found, const struct value *value)
{
    char name[NAME_SIZE_MAX + 1];
    struct str before = found->parser->others;
    size_t size = before.size + value->key.size;
    if (size > NAME_SIZE_MAX || value->key.size == 0) {
        return;
    }
    if (before.size > 0) {
        memcpy(name, before.data, before.size);
    }
    for (size_t i = 0; i < value->key.size; i++) {
        char c = value->key.data[i];
        name[before.size + i] = c == ' ' ? '_' : c;
    }
    struct str full = str_of(name, size);
    bool inside = value->text.data >= found->record.data &&
                  value->text.data + value->text.size <= found->record.data + found->record.size;
    if (!inside && (found_mem(found) == NULL || arena_copy(found->mem, full, &full) != OK)) {
        return;
    }
    found_span_how(found, full, value->text, (enum span_how)value->how);
}

/* Whether an earlier value says it: the same, or, of a name that ECS gives one value, one of
 * another origin. */
static bool value_late(struct found *found, size_t index)
{
    const struct value *value = value_at(found, index);
    bool single = parse_name_single[value->name] != 0;
    for (size_t i = index > SAME_BACK ? index - SAME_BACK : 0; i < index; i++) {
        const struct value *other = value_at(found, i);
        if (other->name == value->name && !other->silent && other->weak == value->weak &&
            ((single && other->origin != value->origin) || str_equal(other->text, value->text))) {
            return true;
        }
    }
    return false;
}

static uint64_t name_bit(uint16_t name)
{
    return (uint64_t)1 << name % 64;
}

void values_tell(struct found *found)
{
    uint64_t strong = 0; /* the bits of names: nearly all values have one of their own */
    uint64_t earlier = 0;
    for (size_t i = 0; i < found->value_count; i++) {
        const struct value *value = value_at(found, i);
        strong |= value->weak ? 0 : name_bit(value->name);
    }
    for (size_t i = 0; i < found->value_count; i++) {
        const struct value *value = value_at(found, i);
        uint64_t bit = name_bit(value->name);
        bool late = (earlier & bit) != 0;
        earlier |= bit;
        if (value->silent ||
            (value->weak && (strong & bit) != 0 && value_beaten(found, value->name))) {
            continue;
        }
        if (value->name == NAME_OTHER) {
            other_tell(found, value);
            continue;
        }
        struct str name = parse_names[value->name];
        if (name.data[0] == '_' || (late && value_late(found, i)) ||
            value->name == NAME_TIMESTAMP) {
            continue;
        }
        if (value->name < NAME_OWN_COUNT) {
            found->told |= (uint64_t)1 << value->name;
        }
        found_tell(found, value->name, value->text, (enum span_how)value->how);
    }
    if (wall_known(found->happened)) {
        builder_happened(found->builder, found->happened);
    }
    found->value_count = 0;
}
