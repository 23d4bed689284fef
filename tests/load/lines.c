/* Lines are of one source and arrive ten thousand a second from 2026 on. */

#include "tests/load/lines.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "parse/parse.h"

#define LINES_SIZE 1500000 /* of one leaf: what a busy source sends within a commit */

_Noreturn void give_up(const char *what, enum err err)
{
    (void)fprintf(stderr, "%s: %s\n", what, err_text(err));
    exit(1);
}

void must(enum err err, const char *what)
{
    if (err != OK) {
        give_up(what, err);
    }
}

double seconds(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

uint64_t lines_read(const char *path, lines_call *call, void *context)
{
    const struct parser *parser;
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){3});
    FILE *in = fopen(path, "rb");
    char *line = NULL;
    size_t room = 0;
    size_t size = 0;
    uint64_t number = 1;
    uint64_t original = 0;
    if (builder == NULL || in == NULL) {
        give_up(path, ERR_NOT_FOUND);
    }
    must(parser_find(STR("json"), &parser), "parser");
    for (;;) {
        ssize_t read = getline(&line, &room, in);
        if (read < 0) {
            break;
        }
        struct str record = str_trim(str_of(line, (size_t)read));
        if (size + record.size > LINES_SIZE || builder_events(builder) == EVENTS_PER_BATCH_MAX) {
            call(context, builder);
            size = 0;
        }
        struct parse_context parsing = {
            .received = {1767225600000000000LL + (int64_t)number++ * 100000}};
        must(builder_begin(builder, record, parsing.received), "builder_begin");
        parse_record(parser, &parsing, builder);
        must(builder_end(builder), "builder_end");
        size += record.size;
        original += record.size;
    }
    if (builder_events(builder) > 0) {
        call(context, builder);
    }
    builder_free(builder);
    free(line);
    (void)fclose(in);
    return original;
}
