/*
 * Writes records into a data folder that nobody serves, as if they had arrived long ago: the hand
 * of the story `keeping` on the clock, since a service takes its own.
 *
 *     older ARCHIVE KEYS CLIENT SOURCE PARSER SECONDS_AGO COUNT RECORD
 *
 * COUNT times the same RECORD, of the client and source with these numbers, arrived so many seconds
 * ago.  It is never installed.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/archive.h"
#include "parse/parse.h"
#include "sys/clocks.h"

#define WORDS 9

static void must(enum err err, const char *what)
{
    if (err != OK) {
        (void)fprintf(stderr, "older: %s: %s\n", what, err_text(err));
        exit(1);
    }
}

static void records_add(struct builder *builder, char **words, struct wall when)
{
    const struct parser *parser;
    const struct parse_context context = {.received = when};
    long count = strtol(words[7], NULL, 10);
    must(parser_find(str_from(words[5]), &parser), "parser");
    for (long i = 0; i < count; i++) {
        must(builder_begin(builder, str_from(words[8]), when), "begin");
        parse_record(parser, &context, builder);
        must(builder_end(builder), "end");
    }
}

int main(int argc, char **argv)
{
    struct archive *archive;
    struct why why = {0};
    struct scope *scope;
    struct str bytes;
    struct batch batch;
    struct place first;
    if (argc != WORDS) {
        return 64;
    }
    struct wall when = {wall_now().ns - strtol(argv[6], NULL, 10) * NS_PER_SECOND};
    struct client_id client = {(uint32_t)strtoul(argv[3], NULL, 10)};
    struct source_id source = {(uint32_t)strtoul(argv[4], NULL, 10)};
    const struct archive_options options = {.disk = disk_real(),
                                            .folder = argv[1],
                                            .keys = argv[2],
                                            .journal_size_max = (uint64_t)256 << 20};
    struct builder *builder = builder_new(client, source);
    struct arena *mem = arena_new((size_t)64 << 20);
    must(builder == NULL || mem == NULL ? ERR_MEMORY : OK, "start");
    must(scope_for_test((struct client_id){0}, RIGHT_APPEND, &scope), "scope");
    must(archive_open(&options, when, &archive, &why), why.text);
    records_add(builder, argv, when);
    must(builder_finish(builder, &bytes), "finish");
    must(batch_check(bytes, mem, &batch, NULL), "check");
    must(archive_append(scope, archive, &batch, (struct ring_place){(uint64_t)when.ns, 1}, when,
                        &first),
         "append");
    must(archive_commit(archive), "commit");
    archive_close(archive, when);
    (void)printf("%llu\n", (unsigned long long)first.sequence);
    scope_free(scope);
    builder_free(builder);
    arena_free(mem);
    return 0;
}
