#include "parse/fixture_test.h"

#include <stdio.h>

#include "testing/testing.h"

struct parsed parsed_with(const char *name, struct str record, const struct parse_context *context)
{
    struct parsed parsed = {.builder = builder_new((struct client_id){2}, (struct source_id){3}),
                            .mem = arena_new(32 << 20)};
    const struct parser *parser;
    struct str bytes;
    CHECK(parser_find(str_from(name), &parser) == OK);
    CHECK(builder_begin(parsed.builder, record, context->received) == OK);
    parse_record(parser, context, parsed.builder);
    CHECK(builder_end(parsed.builder) == OK);
    CHECK(builder_finish(parsed.builder, &bytes) == OK);
    CHECK(batch_check(bytes, parsed.mem, &parsed.batch, NULL) == OK);
    batch_event(&parsed.batch, 0, &parsed.event);
    CHECK(str_equal(parsed.event.record, record));
    return parsed;
}

void parsed_done(struct parsed *parsed)
{
    builder_free(parsed->builder);
    arena_free(parsed->mem);
}

struct str parsed_field(struct parsed *parsed, const char *name)
{
    struct span span;
    struct str value = STR("(none)");
    parsed->event.batch = &parsed->batch;
    if (event_find(&parsed->event, str_from(name), &span) == OK) {
        CHECK(event_value(&span, parsed->mem, &value) == OK);
    }
    return value;
}

void has(struct parsed *parsed, const char *name, const char *expected)
{
    struct str value = parsed_field(parsed, name);
    if (!str_equal(value, str_from(expected))) {
        printf("%s is '%.*s', not '%s', in: %.*s\n", name, STR_ARG(value), expected,
               STR_ARG(parsed->event.record));
        CHECK(false);
    }
}
