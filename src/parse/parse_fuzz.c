/* Whatever a record holds, each parser leaves a batch that core accepts and the record as it was.
 * The first line names the parser and the character set; behind it stands the record, and before it
 * those that came earlier, each with a byte 0x1e behind it.  What of them belongs together is
 * joined (parse/joined.h). */

#include <stdint.h>
#include <stdlib.h>

#include "event/batch.h"
#include "parse/joined.h"
#include "parse/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool record_try(const struct parser *parser, const struct parse_context *context,
                       struct builder *builder, struct str record)
{
    if (builder_begin(builder, record, context->received) != OK) {
        return false;
    }
    parse_record(parser, context, builder);
    return true;
}

static void batch_prove(struct builder *builder, struct str record)
{
    struct arena *mem = arena_new(64 << 20);
    struct str bytes;
    struct batch batch;
    struct event event;
    struct joined joined;
    if (mem == NULL) {
        return;
    }
    enum err err = builder_end(builder);
    if (err == ERR_LIMIT && builder_events(builder) > 0) {
        arena_free(mem); /* The batch is full of those before. */
        return;
    }
    if (err != OK || builder_finish(builder, &bytes) != OK ||
        batch_check(bytes, mem, &batch, NULL) != OK) {
        abort();
    }
    batch_event(&batch, batch.events - 1, &event);
    if (!str_equal(event.record, record)) {
        abort();
    }
    err = joined_make(&batch, mem, &joined);
    if (err != OK && err != ERR_MEMORY) {
        abort();
    }
    arena_free(mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct parser *parser;
    struct str rest = str_of(data, size);
    struct str charset = str_cut(&rest, '\n');
    struct str name = str_cut(&charset, ' ');
    if (parser_find(name, &parser) != OK && parser_find(STR("auto"), &parser) != OK) {
        abort();
    }
    struct parse_context context = {
        .received = {1767225630 * NS_PER_SECOND},
        .zone_seconds = 32400,
        .zone_until = {1770000000 * NS_PER_SECOND},
        .zone_next_seconds = 28800,
        .sender = STR("::1"),
        .charset = charset,
        .memory = parse_memory_new(),
    };
    struct builder *builder = builder_new((struct client_id){2}, (struct source_id){3});
    bool last = builder == NULL || context.memory == NULL;
    while (!last) {
        last = str_find_byte(rest, 0x1e) == STR_NONE;
        struct str record = str_cut(&rest, 0x1e);
        if (!record_try(parser, &context, builder, record)) {
            break;
        }
        if (last) {
            batch_prove(builder, record);
        } else if (builder_end(builder) != OK) {
            builder_abandon(builder);
        }
    }
    parse_memory_free(context.memory);
    builder_free(builder);
    return 0;
}
