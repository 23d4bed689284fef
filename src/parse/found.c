/*
 * What a parser found, on its way into the builder.
 *
 * Always true: between found_init and found_done nothing is derived in the builder, so the record's
 * bytes stay where `record` says; a span is the difference of two pointers into them.
 */

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "parse/private.h"

static void derive(struct found *found, const struct str *known, struct str name, struct str value,
                   enum span_how how);

void found_init(struct found *found, const struct parse_context *context, struct builder *builder)
{
    /* Member by member: the arrays are large, and empty. */
    found->builder = builder;
    found->context = context;
    found->record = builder_record(builder);
    found->header = NULL;
    found->parser = NULL;
    found->class = (struct str){0};
    found->parser_name = (struct str){0};
    found->happened = WALL_NONE;
    found->told = 0;
    found->depth = 0;
    found->derived_count = 0;
    found->value_count = 0;
    found->origin = 0;
    found->looking = false;
    found->scratch_size = 0;
    found->more = NULL;
    found->more_values = NULL;
    found->mem = NULL;
    found_tell_derived(found, NAME_SOURCE_ADDRESS, context->sender);
}

void found_span(struct found *found, struct str name, struct str part)
{
    found_span_how(found, name, part, SPAN_RAW);
}

/* Whether a part stands in the record, and where; nothing stands anywhere. */
static inline bool record_has(const struct found *found, struct str part, size_t *ret_offset)
{
    const char *begin = found->record.data;
    bool has = begin != NULL && part.data >= begin && part.data < begin + found->record.size;
    *ret_offset = has && part.size > 0 ? (size_t)(part.data - begin) : 0;
    return has || part.size == 0;
}

void found_span_how(struct found *found, struct str name, struct str part, enum span_how how)
{
    size_t offset;
    if (name_is_ours(name)) {
        return;
    }
    if (record_has(found, part, &offset)) {
        builder_span(found->builder, name, offset, part.size, how);
    } else {
        derive(found, NULL, name, part, how);
    }
}

void found_tell(struct found *found, uint16_t name, struct str part, enum span_how how)
{
    size_t offset;
    if (record_has(found, part, &offset)) {
        builder_span_known(found->builder, &parse_names[name], offset, part.size, how);
    } else {
        derive(found, &parse_names[name], (struct str){0}, part, how);
    }
}

static struct derived *derived_at(struct found *found, size_t index)
{
    return index < DERIVED_FEW ? &found->derived[index] : &found->more[index - DERIVED_FEW];
}

/* Where the next derived value is to be written down; NULL if there is no room for it. */
static struct derived *derived_new(struct found *found)
{
    if (found->derived_count == DERIVED_FEW && found->more == NULL && found_mem(found) != NULL) {
        found->more = ARENA_ARRAY(found->mem, struct derived, SPANS_PER_EVENT_MAX);
    }
    size_t room = found->more != NULL ? DERIVED_FEW + SPANS_PER_EVENT_MAX : DERIVED_FEW;
    return found->derived_count < room ? derived_at(found, found->derived_count++) : NULL;
}

static void derive(struct found *found, const struct str *known, struct str name, struct str value,
                   enum span_how how)
{
    struct derived *derived = derived_new(found);
    if (derived != NULL) {
        derived->known = known;
        derived->name = name;
        derived->value = value;
        derived->how = how;
    }
}

void found_derive(struct found *found, struct str name, struct str value)
{
    if (value.size > 0 && !name_is_ours(name)) {
        derive(found, NULL, name, value, SPAN_RAW);
    }
}

void found_tell_derived(struct found *found, uint16_t name, struct str value)
{
    if (value.size > 0) {
        derive(found, &parse_names[name], (struct str){0}, value, SPAN_RAW);
    }
}

void found_charset(struct found *found, struct str charset)
{
    derive(found, NULL, STR("hinomi.charset"), charset, SPAN_RAW);
}

void found_parser(struct found *found, struct str name)
{
    found->parser_name = name;
}

void found_class(struct found *found, struct str class)
{
    found->class = class;
}

struct str found_program(const struct found *found)
{
    return found->header != NULL ? found->header->program : (struct str){0};
}

struct arena *found_mem(struct found *found)
{
    if (found->mem == NULL) {
        found->mem = arena_new(FOUND_MEMORY_MAX);
    }
    return found->mem;
}

void found_number(struct found *found, struct str name, unsigned value)
{
    char digits[10];
    size_t from = sizeof digits;
    do {
        digits[--from] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    size_t size = sizeof digits - from;
    if (size <= sizeof found->scratch - found->scratch_size) {
        char *at = found->scratch + found->scratch_size;
        memcpy(at, digits + from, size);
        found->scratch_size += size;
        found_derive(found, name, str_of(at, size));
    }
}

void found_done(struct found *found)
{
    if (found->parser_name.data != NULL) {
        builder_parser(found->builder, found->parser_name);
    }
    for (size_t i = 0; i < found->derived_count; i++) {
        const struct derived *derived = derived_at(found, i);
        if (derived->known != NULL) {
            builder_derive_known(found->builder, derived->known, derived->value, derived->how);
        } else {
            builder_derive_as(found->builder, derived->name, derived->value, derived->how);
        }
    }
    arena_free(found->mem);
    found->mem = NULL;
}

void found_peer(struct found *found, struct str peer, struct str address, struct str ip,
                struct str domain)
{
    found_span(found, address, peer);
    found_span(found, text_is_address(peer) ? ip : domain, peer);
}

bool text_is_address(struct str text)
{
    char copy[INET6_ADDRSTRLEN + 1];
    unsigned char to[16];
    size_t zone = str_find_byte(text, '%');
    text.size = zone == STR_NONE ? text.size : zone;
    if (text.size == 0 || text.size >= sizeof copy || memchr(text.data, '\0', text.size) != NULL) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return inet_pton(AF_INET, copy, to) == 1 || inet_pton(AF_INET6, copy, to) == 1;
}

bool text_is_number(struct str text)
{
    int value;
    return cursor_number(&text, 9, &value) && text.size == 0;
}
