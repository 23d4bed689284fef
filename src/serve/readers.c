/*
 * A small cache of parsers by source, since a binding names its parser by text; and the memory of
 * header lines (Zeek, W3C).  A stream is a source and the sender of its records: two servers of one
 * source may have other columns each.
 *
 * Always true: what is cached is what parser_find would say; strangers, who can have as many
 * addresses as they like, are remembered apart, so that they take no room of those who are known.
 */

#include "serve/readers.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "parse/parse.h"

#define PARSERS_CACHED 256 /* a power of two */

struct reader {
    struct source_id source;
    char name[SLUG_SIZE_MAX];
    size_t name_size;
    const struct parser *parser;
};

struct readers {
    struct reader parsers[PARSERS_CACHED];
    const struct parser *recognise;
    struct parse_memory *memory, *strangers;
};

struct readers *readers_new(void)
{
    struct readers *readers = calloc(1, sizeof *readers);
    if (readers == NULL) {
        return NULL;
    }
    readers->memory = parse_memory_new();
    readers->strangers = parse_memory_new();
    if (readers->memory == NULL || readers->strangers == NULL ||
        parser_find(STR("auto"), &readers->recognise) != OK) {
        parse_memory_free(readers->memory);
        parse_memory_free(readers->strangers);
        free(readers);
        return NULL;
    }
    return readers;
}

static const struct parser *parser_of(struct readers *readers, const struct binding *binding)
{
    struct reader *reader = &readers->parsers[binding->source.value % PARSERS_CACHED];
    if (reader->source.value != binding->source.value ||
        !str_equal(str_of(reader->name, reader->name_size), binding->parser)) {
        reader->source = binding->source;
        reader->name_size =
            binding->parser.size < sizeof reader->name ? binding->parser.size : sizeof reader->name;
        memcpy(reader->name, binding->parser.data, reader->name_size);
        if (parser_find(binding->parser, &reader->parser) != OK) {
            reader->parser = readers->recognise;
        }
    }
    return reader->parser;
}

void readers_parse(struct readers *readers, const struct binding *binding, struct str sender,
                   struct wall received, struct builder *builder)
{
    const struct parse_context context = {
        .received = received,
        .zone_seconds = binding->zone_seconds,
        .zone_until = binding->zone_until,
        .zone_next_seconds = binding->zone_next_seconds,
        .sender = sender,
        .charset = binding->charset,
        .memory = binding->unknown_senders ? readers->strangers : readers->memory,
        .stream = hash_bytes(sender, binding->source.value),
    };
    parse_record(parser_of(readers, binding), &context, builder);
}
