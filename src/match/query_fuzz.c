/* A search text, a NUL, and a record whose words are its fields: whatever they hold, reading and
 * asking end in an answer or an error. */

#include "match/match.h"

#include <stdlib.h>

#include "event/builder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"a", "b", "user.name", "source.ip"};
    struct str record = str_of(data, size);
    struct str text = str_cut(&record, '\0');
    struct query *query;
    struct why why = {0};
    if (query_parse(text, &query, &why) != OK) {
        return 0;
    }
    struct builder *builder = builder_new((struct client_id){2}, (struct source_id){3});
    struct arena *mem = arena_new(1 << 24);
    struct str bytes;
    struct batch batch;
    if (builder != NULL && mem != NULL &&
        builder_begin(builder, str_slice(record, 0, 65536), (struct wall){0}) == OK) {
        struct str whole = builder_record(builder);
        struct str rest = whole;
        for (size_t i = 0; i < 64 && rest.size > 0; i++) {
            struct str word = str_cut(&rest, ' ');
            builder_span(builder, str_from(names[i % 4]), (size_t)(word.data - whole.data),
                         word.size, (enum span_how)(i % SPAN_HOW_COUNT));
        }
        if (builder_end(builder) == OK && builder_finish(builder, &bytes) == OK &&
            batch_check(bytes, mem, &batch, &why) == OK) {
            struct event event;
            bool fits;
            batch_event(&batch, 0, &event);
            if (query_matches(query, &event, mem, &fits) != OK) {
                abort();
            }
        }
    }
    arena_free(mem);
    builder_free(builder);
    query_free(query);
    return 0;
}
