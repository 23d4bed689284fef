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

void found_init(struct found *found, const struct parse_context *context, struct builder *builder)
{
    /* Member by member: the arrays are large, and empty. */
    found->builder = builder;
    found->context = context;
    found->record = builder_record(builder);
    found->derived_count = 0;
    found->scratch_size = 0;
    found->more = NULL;
    found->mem = NULL;
    found_derive(found, STR("log.source.address"), context->sender);
}

void found_span(struct found *found, struct str name, struct str part)
{
    size_t offset = part.size > 0 ? (size_t)(part.data - found->record.data) : 0;
    builder_span(found->builder, name, offset, part.size, SPAN_RAW);
}

static struct derived *derived_at(struct found *found, size_t index)
{
    return index < DERIVED_FEW ? &found->derived[index] : &found->more[index - DERIVED_FEW];
}

void found_derive(struct found *found, struct str name, struct str value)
{
    if (value.size == 0) {
        return;
    }
    if (found->derived_count == DERIVED_FEW && found->more == NULL && found->mem != NULL) {
        found->more = ARENA_ARRAY(found->mem, struct derived, SPANS_PER_EVENT_MAX);
    }
    size_t room = found->more != NULL ? DERIVED_FEW + SPANS_PER_EVENT_MAX : DERIVED_FEW;
    if (found->derived_count < room) {
        *derived_at(found, found->derived_count++) = (struct derived){name, value};
    }
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
    char *at = found->scratch + found->scratch_size;
    size_t room = sizeof found->scratch - found->scratch_size;
    int size = snprintf(at, room, "%u", value);
    if (size > 0 && (size_t)size < room) {
        found->scratch_size += (size_t)size;
        found_derive(found, name, str_of(at, (size_t)size));
    }
}

void found_done(struct found *found)
{
    for (size_t i = 0; i < found->derived_count; i++) {
        const struct derived *derived = derived_at(found, i);
        builder_derive(found->builder, derived->name, derived->value);
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
