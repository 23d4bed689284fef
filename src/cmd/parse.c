/*
 * hinomi parse: what the parsers see in a file, a JSON object for each record.
 *
 * A record is a line that is not empty; each gives one line of output, as event/print.h makes it.
 * The record's own bytes that are no UTF-8 come out as U+FFFD.
 *
 * A line over RECORD_SIZE_MAX is one record that cannot be parsed: its object says so, and its
 * event.original is empty.
 */

#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cmd/options.h"
#include "cmd/shown.h"
#include "codec/charset.h"
#include "codec/json_list.h"
#include "codec/yaml.h"
#include "event/builder.h"
#include "event/print.h"
#include "parse/parse.h"
#include "sys/clocks.h"

#define CHUNK_SIZE       (256 * 1024)
#define EVENT_MEMORY_MAX (64 * 1024 * 1024)
#define LINE_MEMORY_MAX  (64 * 1024 * 1024)

enum exit_code { EXIT_FINE = 0, EXIT_UNREADABLE = 1, EXIT_USAGE = 64 };

static const char help[] =
    "usage: hinomi parse [--as FORMAT] [--charset NAME] [--zone UTC|+HH:MM] FILE...\n"
    "\n"
    "Prints one JSON object a line for each record (line) of the files, nested by ECS names, with\n"
    "event.original, @timestamp, event.created and hinomi.parser or hinomi.parse_error.\n"
    "A FILE of '-' is the standard input.\n"
    "\n"
    "  --as FORMAT    auto (recognises, the default), or a parser's name, which is asked first:\n"
    "                 docs/parsers.md lists them\n"
    "  --charset NAME auto (recognises each record, the default), utf-8, shift_jis, euc-jp,\n"
    "                 iso-2022-jp, utf-16le, utf-16be, iso-8859-1\n"
    "  --zone ZONE    for times that do not say theirs: UTC (the default) or +09:00\n"
    "\n"
    "Exit codes: 0 all was read, 1 a file could not be read, 64 a wrong command line.\n";

struct session {
    const struct parser *parser;
    struct str charset;
    int32_t zone_seconds;
    struct parse_memory *memory; /* of the header lines of one file */
    struct builder *builder;
    struct arena *mem;
    struct buf out;
};

static int line_read(int argc, char **argv, struct session *session, int *ret_files);
static enum err zone_read(const char *text, int32_t *ret);
static int file_parse(struct session *session, const char *path);
static enum err line_print(struct session *session, struct str line, bool whole);

int cmd_parse(int argc, char **argv)
{
    struct session session = {0};
    int files = 0;
    int code = line_read(argc, argv, &session, &files);
    if (files == 0) {
        return code;
    }
    session.builder = builder_new(CLIENT_INSTALLATION, (struct source_id){0});
    session.mem = arena_new(EVENT_MEMORY_MAX);
    session.memory = parse_memory_new();
    buf_init(&session.out, LINE_MEMORY_MAX);
    if (session.builder == NULL || session.mem == NULL || session.memory == NULL) {
        fprintf(stderr, "hinomi parse: out of memory\n");
        code = EXIT_UNREADABLE;
    }
    for (int i = 1;
         i <= files && session.builder != NULL && session.mem != NULL && session.memory != NULL;
         i++) {
        parse_memory_forget(session.memory);
        int result = file_parse(&session, argv[i]);
        code = result != EXIT_FINE ? result : code;
    }
    if (fflush(stdout) != 0 && errno != EPIPE) {
        fprintf(stderr, "hinomi parse: standard output: %s\n", strerror(errno));
        code = EXIT_UNREADABLE;
    }
    builder_free(session.builder);
    arena_free(session.mem);
    parse_memory_free(session.memory);
    buf_done(&session.out);
    return code;
}

static int usage_say(const char *what, const char *word)
{
    (void)fprintf(stderr, "hinomi parse: %s '%s'; see 'hinomi parse --help'\n", what, word);
    return EXIT_USAGE;
}

/* *ret_files: how many files stand in argv from 1 on; 0 if there is nothing more to do. */
static int line_read(int argc, char **argv, struct session *session, int *ret_files)
{
    const char *format = "auto";
    const char *charset = "auto";
    const char *zone = "UTC";
    const struct option options[] = {{"as", OPTION_TEXT, &format},
                                     {"charset", OPTION_TEXT, &charset},
                                     {"zone", OPTION_TEXT, &zone},
                                     {0}};
    int words;
    enum options_result result = options_read(argc, argv, options, help, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? EXIT_FINE : EXIT_USAGE;
    }
    enum charset ignored;
    if (!str_equal(str_from(charset), STR("auto")) && !charset_find(str_from(charset), &ignored)) {
        return usage_say("there is no character set", charset);
    }
    session->charset = str_from(charset);
    if (zone_read(zone, &session->zone_seconds) != OK) {
        return usage_say("a zone is UTC or +HH:MM so far, not", zone);
    }
    if (parser_find(str_from(format), &session->parser) != OK) {
        const char *near = yaml_suggest(str_from(format), parser_names());
        (void)fprintf(stderr, "hinomi parse: there is no format '%s'; %s%s%s\n", format,
                      near != NULL ? "did you mean '" : "see 'hinomi parse --help",
                      near != NULL ? near : "", near != NULL ? "'?" : "'");
        return EXIT_USAGE;
    }
    if (words == 0) {
        (void)fputs("hinomi parse: which FILE? see 'hinomi parse --help'\n", stderr);
        return EXIT_USAGE;
    }
    *ret_files = words;
    return EXIT_FINE;
}

static enum err zone_read(const char *text, int32_t *ret)
{
    uint64_t hours;
    uint64_t minutes;
    struct str rest = str_from(text);
    if (str_equal(rest, STR("UTC")) || str_equal(rest, STR("Z"))) {
        *ret = 0;
        return OK;
    }
    if (rest.size != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':' ||
        str_to_u64(str_slice(rest, 1, 2), 14, &hours) != OK ||
        str_to_u64(str_slice(rest, 4, 2), 59, &minutes) != OK) {
        return ERR_SYNTAX;
    }
    *ret = (int32_t)(hours * 3600 + minutes * 60) * (text[0] == '-' ? -1 : 1);
    return OK;
}

/* ---- Lines. */

static enum err line_take(struct session *session, struct str line, bool whole)
{
    if (line.size > 0 && line.data[line.size - 1] == '\r') {
        line.size--;
    }
    return line.size == 0 && whole ? OK : line_print(session, line, whole);
}

/* A line over the limit is kept up to it; the rest is passed over. */
static enum err file_read_lines(struct session *session, FILE *file, char *chunk)
{
    struct buf line;
    bool whole = true;
    size_t got;
    enum err err = OK;
    buf_init(&line, RECORD_SIZE_MAX + 1);
    while (err == OK && (got = fread(chunk, 1, CHUNK_SIZE, file)) > 0) {
        struct str rest = str_of(chunk, got);
        while (rest.size > 0 && err == OK) {
            size_t end = str_find_byte(rest, '\n');
            struct str piece = str_slice(rest, 0, end);
            if (!whole || buf_append(&line, piece) != OK) {
                whole = false;
            }
            if (end != STR_NONE) {
                err = line_take(session, buf_str(&line), whole);
                buf_reset(&line);
                whole = true;
            }
            rest = end == STR_NONE ? (struct str){0} : str_slice(rest, end + 1, rest.size);
        }
    }
    if (err == OK && (line.size > 0 || !whole)) {
        err = line_take(session, buf_str(&line), whole);
    }
    buf_done(&line);
    return err;
}

static int file_parse(struct session *session, const char *path)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "rb");
    char *chunk = malloc(CHUNK_SIZE);
    enum err err = ERR_MEMORY;
    int number = errno;
    if (file != NULL && chunk != NULL) {
        errno = 0;
        err = file_read_lines(session, file, chunk);
        number = errno;
    }
    bool unreadable = file == NULL || ferror(file) != 0;
    err = err == ERR_CLOSED ? OK : err;
    if (unreadable || err != OK) {
        shown_print(stderr, "hinomi parse: %s: %s\n", path,
                    unreadable ? strerror(number) : err_text(err));
    }
    if (file != NULL && !standard) {
        (void)fclose(file);
    }
    free(chunk);
    return unreadable || err != OK ? EXIT_UNREADABLE : EXIT_FINE;
}

/* ---- Records. */

static enum err record_print(struct session *session, struct str record, bool whole)
{
    const struct parse_context context = {.received = wall_now(),
                                          .zone_seconds = session->zone_seconds,
                                          .charset = session->charset,
                                          .memory = session->memory};
    struct str bytes;
    struct batch batch;
    struct event event;
    whole = whole && record.size <= RECORD_SIZE_MAX;
    builder_reset(session->builder);
    arena_reset(session->mem);
    enum err err =
        builder_begin(session->builder, whole ? record : (struct str){0}, context.received);
    if (err == OK) {
        if (whole) {
            parse_record(session->parser, &context, session->builder);
        } else {
            builder_error(session->builder, STR("the record is too long"));
        }
        err = builder_end(session->builder);
    }
    if (err == OK) {
        err = builder_finish(session->builder, &bytes);
    }
    if (err == OK) {
        err = batch_check(bytes, session->mem, &batch, NULL);
    }
    if (err == OK) {
        batch_event(&batch, 0, &event);
        buf_reset(&session->out);
        err =
            event_print_json(&event, (struct str){0}, (struct str){0}, session->mem, &session->out);
    }
    if (err == OK) {
        err = buf_append_byte(&session->out, '\n');
    }
    if (err == OK && fwrite(session->out.data, 1, session->out.size, stdout) != session->out.size) {
        err = errno == EPIPE ? ERR_CLOSED : ERR_IO; /* the first: nobody reads any more */
    }
    return err;
}

/* A line that is a JSON list of records is so many, as when a service hands it over. */
static enum err line_print(struct session *session, struct str line, bool whole)
{
    size_t at;
    struct str record;
    if (!whole || !json_list_begin(line, &at)) {
        return record_print(session, line, whole);
    }
    enum err err = OK;
    while (err == OK && json_list_next(line, &at, &record)) {
        err = record_print(session, record, true);
    }
    record = str_trim(str_slice(line, at, line.size));
    return err == OK && record.size > 0 ? record_print(session, record, true) : err;
}
