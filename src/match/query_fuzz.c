/* A search text, a NUL, and a record whose words are its fields: whatever they hold, reading,
 * asking and piping end in an answer or an error; and an event that fits has what the search
 * requires. */

#include "match/required.h"

#include <stdlib.h>

#include "event/builder.h"
#include "match/pipes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err row_seen(void *context, const struct table_row *row)
{
    const struct table_column *columns;
    size_t count = pipes_columns(query_pipes(context), &columns);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < row->cells[i].count; k++) {
            if (row->cells[i].values[k].size > (size_t)1 << 24) {
                abort();
            }
        }
    }
    return OK;
}

/* Three times, and an answer. */
static void pipe_through(struct query *query, const struct event *event)
{
    const struct funnel_use use = {.newest_first = event->record.size % 2 == 0,
                                   .from = WALL_NONE,
                                   .to = WALL_NONE,
                                   .call = row_seen,
                                   .context = query};
    struct funnel *funnel;
    bool full = false;
    if (query_pipes(query) == NULL || funnel_new(query, &use, &funnel) != OK) {
        return;
    }
    for (uint64_t i = 0; i < 3 && !full; i++) {
        if (funnel_event(funnel, event, i, STR("source"), event->record, &full) != OK) {
            abort();
        }
    }
    if (funnel_end(funnel) != OK) {
        abort();
    }
    funnel_free(funnel);
}

static bool fits_text(const struct required *required, struct str value, struct arena *mem)
{
    struct str folded;
    if (search_fold(value, mem, &folded) != OK) {
        return true;
    }
    switch (required->how) {
    case REQUIRED_EQUALS:
        return str_equal(folded, required->text);
    case REQUIRED_BEGINS:
        return str_starts(folded, required->text);
    case REQUIRED_ENDS:
        return str_ends(folded, required->text);
    default:
        return str_find(folded, required->text) != STR_NONE;
    }
}

/* Texts and groups; the other kinds are taken for granted. */
static bool has(const struct required *required, const struct event *event, struct arena *mem)
{
    bool all = required->kind == REQUIRED_ALL;
    if (all || required->kind == REQUIRED_ANY) {
        for (size_t i = 0; i < required->count; i++) {
            if (has(required->children[i], event, mem) != all) {
                return !all;
            }
        }
        return all;
    }
    if (required->kind != REQUIRED_TEXT) {
        return required->kind != REQUIRED_NEVER;
    }
    struct str name = required->field;
    bool ours = str_starts(name, STR("hinomi.")) || str_equal(name, STR("event.original"));
    if (ours || (name.size == 0 && fits_text(required, event->record, mem))) {
        return true;
    }
    for (uint32_t i = 0; i < event->spans; i++) {
        struct span span;
        struct str value;
        event_span(event, i, &span);
        value = span.bytes;
        if ((name.size == 0 || str_equal(name, span.name)) &&
            (event_value(&span, mem, &value) != OK || fits_text(required, value, mem))) {
            return true;
        }
    }
    return false;
}

static void requires(const struct query *query, const struct event *event, bool fits,
                     struct arena *mem)
{
    const struct required *required;
    if (query_required(query, mem, &required) == OK && fits && !has(required, event, mem)) {
        abort();
    }
}

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
            requires(query, &event, fits, mem);
            pipe_through(query, &event);
        }
    }
    arena_free(mem);
    builder_free(builder);
    query_free(query);
    return 0;
}
