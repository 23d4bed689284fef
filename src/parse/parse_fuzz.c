/* Whatever a record holds, each parser leaves a batch that core accepts and the record as it was.
 * The first byte chooses the parser. */

#include <stdint.h>
#include <stdlib.h>

#include "event/batch.h"
#include "parse/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *const *names = parser_names();
    size_t count = 0;
    while (names[count] != NULL) {
        count++;
    }
    const struct parser *parser;
    if (size == 0 || parser_find(str_from(names[data[0] % count]), &parser) != OK) {
        return 0;
    }
    struct str record = str_of(data + 1, size - 1);
    const struct parse_context context = {
        .received = {1767225630 * NS_PER_SECOND}, .zone_seconds = 32400, .sender = STR("::1")};
    struct builder *builder = builder_new((struct client_id){2}, (struct source_id){3});
    struct arena *mem = arena_new(64 << 20);
    struct str bytes;
    struct batch batch;
    struct event event;
    if (builder != NULL && mem != NULL && builder_begin(builder, record, context.received) == OK) {
        parse_record(parser, &context, builder);
        if (builder_end(builder) != OK || builder_finish(builder, &bytes) != OK ||
            batch_check(bytes, mem, &batch, NULL) != OK) {
            abort();
        }
        batch_event(&batch, 0, &event);
        if (!str_equal(event.record, record)) {
            abort();
        }
    }
    arena_free(mem);
    builder_free(builder);
    return 0;
}
