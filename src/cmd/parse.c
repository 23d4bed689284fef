/*
 * hinomi parse: what the parsers see in a file, a JSON object for each record.
 *
 * A record is a line that is not empty; each gives one line of output.  Names with dots become
 * nested objects; a name that has a value and names below it keeps the value, and those below it
 * stand beside it under their dotted names.  A name that occurs again becomes a list.  The record's
 * own bytes that are no UTF-8 come out as U+FFFD.
 *
 * A line over RECORD_SIZE_MAX is one record that cannot be parsed: its object says so and holds no
 * event.original.
 */

#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "cmd/options.h"
#include "codec/json_text.h"
#include "codec/time.h"
#include "codec/yaml.h"
#include "event/builder.h"
#include "parse/parse.h"
#include "sys/clocks.h"

#define CHUNK_SIZE      (256 * 1024)
#define TREE_MEMORY_MAX (64 * 1024 * 1024)
#define LINE_MEMORY_MAX (64 * 1024 * 1024)

enum exit_code { EXIT_FINE = 0, EXIT_UNREADABLE = 1, EXIT_USAGE = 64 };

static const char help[] =
    "usage: hinomi parse [--as FORMAT] [--charset utf-8] [--zone UTC|+HH:MM] FILE...\n"
    "\n"
    "Prints one JSON object a line for each record (line) of the files, nested by ECS names, with\n"
    "event.original, @timestamp, event.created and hinomi.parser or hinomi.parse_error.\n"
    "A FILE of '-' is the standard input.\n"
    "\n"
    "  --as FORMAT    one of: auto (recognises, the default), syslog, json, combined, sshd\n"
    "  --charset NAME the files' character set; only utf-8 so far\n"
    "  --zone ZONE    for times that do not say theirs: UTC (the default) or +09:00\n"
    "\n"
    "Exit codes: 0 all was read, 1 a file could not be read, 64 a wrong command line.\n";

/* One value of a name. */
struct value {
    struct value *next;
    struct span span;
};

struct node {
    struct str name; /* the last part of the path */
    struct node *next;
    struct node *first, *last;
    struct value *value_first, *value_last;
};

struct session {
    const struct parser *parser;
    int32_t zone_seconds;
    struct builder *builder;
    struct arena *mem;
    struct buf out;
};

static int line_read(int argc, char **argv, struct session *session, int *ret_files);
static enum err zone_read(const char *text, int32_t *ret);
static int file_parse(struct session *session, const char *path);
static enum err record_print(struct session *session, struct str record, bool whole);
static enum err event_print(struct session *session, const struct event *event);
static enum err node_find(struct session *session, struct map *nodes, struct node *root,
                          struct str path, struct node **ret);
static enum err members_print(struct buf *out, const struct node *node, struct buf *prefix,
                              bool *first);

int cmd_parse(int argc, char **argv)
{
    struct session session = {0};
    int files = 0;
    int code = line_read(argc, argv, &session, &files);
    if (files == 0) {
        return code;
    }
    session.builder = builder_new(CLIENT_INSTALLATION, (struct source_id){0});
    session.mem = arena_new(TREE_MEMORY_MAX);
    buf_init(&session.out, LINE_MEMORY_MAX);
    if (session.builder == NULL || session.mem == NULL) {
        fprintf(stderr, "hinomi parse: out of memory\n");
        code = EXIT_UNREADABLE;
    }
    for (int i = 1; i <= files && session.builder != NULL && session.mem != NULL; i++) {
        int result = file_parse(&session, argv[i]);
        code = result != EXIT_FINE ? result : code;
    }
    if (fflush(stdout) != 0) {
        fprintf(stderr, "hinomi parse: standard output: %s\n", strerror(errno));
        code = EXIT_UNREADABLE;
    }
    builder_free(session.builder);
    arena_free(session.mem);
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
    const char *charset = "utf-8";
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
    if (!str_equal_nocase(str_from(charset), STR("utf-8"))) {
        return usage_say("only utf-8 is supported so far, not the character set", charset);
    }
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
    return line.size == 0 && whole ? OK : record_print(session, line, whole);
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
    if (unreadable || err != OK) {
        fprintf(stderr, "hinomi parse: %s: %s\n", path,
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
                                          .zone_seconds = session->zone_seconds};
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
        err = event_print(session, &event);
    }
    if (err == OK && fwrite(session->out.data, 1, session->out.size, stdout) != session->out.size) {
        err = ERR_IO;
    }
    return err;
}

static enum err field_add(struct session *session, struct map *nodes, struct node *root,
                          struct span span)
{
    struct node *node;
    enum err err = node_find(session, nodes, root, span.name, &node);
    if (err != OK) {
        return err;
    }
    struct value *value = ARENA_ONE(session->mem, struct value);
    if (value == NULL) {
        return ERR_MEMORY;
    }
    value->span = span;
    if (node->value_last != NULL) {
        node->value_last->next = value;
    } else {
        node->value_first = value;
    }
    node->value_last = value;
    return OK;
}

static enum err text_add(struct session *session, struct map *nodes, struct node *root,
                         struct str name, struct str text)
{
    return text.size == 0 ? OK
                          : field_add(session, nodes, root,
                                      (struct span){.name = name, .bytes = text, .how = SPAN_RAW});
}

/* What we say of every event stands first; the same names in the record give way. */
static bool is_ours(struct str name, const struct event *event)
{
    return str_equal(name, STR("event.original")) || str_equal(name, STR("event.created")) ||
           str_starts(name, STR("hinomi.")) ||
           (str_equal(name, STR("@timestamp")) && wall_known(event->happened));
}

static enum err tree_fill(struct session *session, const struct event *event, struct map *nodes,
                          struct node *root)
{
    char happened[TIME_TEXT_SIZE];
    char received[TIME_TEXT_SIZE];
    struct str happened_text = str_from(time_print(event_time(event), happened));
    struct str received_text = str_from(time_print(event->received, received));
    enum err err = arena_copy(session->mem, happened_text, &happened_text);
    if (err == OK) {
        err = arena_copy(session->mem, received_text, &received_text);
    }
    const struct {
        struct str name, text;
    } ours[] = {
        {STR("@timestamp"), happened_text},    {STR("event.original"), event->record},
        {STR("event.created"), received_text}, {STR("observer.product"), STR("Hinomi")},
        {STR("hinomi.parser"), event->parser}, {STR("hinomi.parse_error"), event->error},
        {STR("hinomi.class"), event->class},
    };
    for (size_t i = 0; i < sizeof ours / sizeof ours[0] && err == OK; i++) {
        err = text_add(session, nodes, root, ours[i].name, ours[i].text);
    }
    for (uint32_t i = 0; i < event->spans && err == OK; i++) {
        struct span span;
        event_span(event, i, &span);
        if (!is_ours(span.name, event)) {
            err = field_add(session, nodes, root, span);
        }
    }
    return err;
}

static enum err event_print(struct session *session, const struct event *event)
{
    struct node root = {0};
    struct map nodes;
    struct buf prefix;
    bool first = true;
    map_init(&nodes, SPANS_PER_EVENT_MAX * (NESTING_MAX + 1), 0);
    buf_init(&prefix, 64 * 1024);
    enum err err = tree_fill(session, event, &nodes, &root);
    if (err == OK) {
        err = buf_append_byte(&session->out, '{');
    }
    if (err == OK) {
        err = members_print(&session->out, &root, &prefix, &first);
    }
    if (err == OK) {
        err = buf_append(&session->out, STR("}\n"));
    }
    map_done(&nodes);
    buf_done(&prefix);
    return err;
}

/* ---- The tree. */

static enum err node_find(struct session *session, struct map *nodes, struct node *root,
                          struct str path, struct node **ret)
{
    struct node *node = root;
    size_t from = 0;
    for (unsigned depth = 1; from <= path.size; depth++) {
        struct str rest = str_slice(path, from, path.size);
        size_t dot = depth < NESTING_MAX ? str_find_byte(rest, '.') : STR_NONE;
        /* An empty part would be an empty name: leave such paths as they are. */
        size_t size = dot == STR_NONE || dot == 0 || dot + 1 == rest.size ? rest.size : dot;
        struct str so_far = str_slice(path, 0, from + size);
        uint64_t known;
        if (map_get(nodes, so_far, &known)) {
            node = (struct node *)(uintptr_t)known;
        } else {
            struct node *made = ARENA_ONE(session->mem, struct node);
            if (made == NULL) {
                return ERR_MEMORY;
            }
            made->name = str_slice(rest, 0, size);
            enum err err = map_put(nodes, so_far, (uintptr_t)made);
            if (err != OK) {
                return err;
            }
            if (node->last != NULL) {
                node->last->next = made;
            } else {
                node->first = made;
            }
            node->last = made;
            node = made;
        }
        from += size + 1;
    }
    *ret = node;
    return OK;
}

/* ECS fields of the type long that our parsers span as text. */
static bool is_number(const struct span *span)
{
    static const char *const names[] = {
        "process.pid",
        "source.port",
        "url.port",
        "http.response.status_code",
        "http.response.body.bytes",
        "log.syslog.priority",
        "log.syslog.facility.code",
        "log.syslog.severity.code",
    };
    uint64_t value;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_equal(span->name, str_from(names[i]))) {
            return (span->bytes.size == 1 || span->bytes.data[0] != '0') &&
                   str_to_u64(span->bytes, INT64_MAX, &value) == OK;
        }
    }
    return false;
}

static enum err value_print(struct buf *out, const struct span *span)
{
    if (span->how == SPAN_JSON_STRING) {
        enum err err = buf_append_byte(out, '"');
        if (err == OK) {
            err = buf_append(out, span->bytes);
        }
        return err == OK ? buf_append_byte(out, '"') : err;
    }
    if (span->how == SPAN_JSON_NULL) {
        char kind = span->bytes.size > 0 ? span->bytes.data[0] : 'n';
        return buf_append(out, kind == '{' ? STR("{}") : kind == '[' ? STR("[]") : STR("null"));
    }
    if (span->how == SPAN_JSON_SCALAR || is_number(span)) {
        return buf_append(out, span->bytes);
    }
    return json_print(out, span->bytes);
}

static enum err values_print(struct buf *out, const struct node *node)
{
    const struct span *span = &node->value_first->span;
    bool list = node->value_first->next != NULL || str_equal(span->name, STR("event.category")) ||
                str_equal(span->name, STR("event.type"));
    enum err err = list ? buf_append_byte(out, '[') : OK;
    for (const struct value *at = node->value_first; at != NULL && err == OK; at = at->next) {
        err = at == node->value_first ? OK : buf_append_byte(out, ',');
        if (err == OK) {
            err = value_print(out, &at->span);
        }
    }
    return err == OK && list ? buf_append_byte(out, ']') : err;
}

static enum err key_print(struct buf *out, const struct buf *prefix, struct str name, bool *first)
{
    struct buf key;
    buf_init(&key, 64 * 1024);
    enum err err = *first ? OK : buf_append_byte(out, ',');
    if (err == OK) {
        err = buf_append(&key, buf_str(prefix));
    }
    if (err == OK) {
        err = buf_append(&key, name);
    }
    if (err == OK) {
        err = json_print(out, buf_str(&key));
    }
    buf_done(&key);
    *first = false;
    return err == OK ? buf_append_byte(out, ':') : err;
}

/* The members of one object; prefix: what their names begin with. */
static enum err members_print(struct buf *out, const struct node *node, struct buf *prefix,
                              bool *first)
{
    enum err err = OK;
    for (const struct node *child = node->first; child != NULL && err == OK; child = child->next) {
        if (child->value_first != NULL || child->first == NULL) {
            err = key_print(out, prefix, child->name, first);
            if (err == OK) {
                err = values_print(out, child);
            }
        }
        if (child->first == NULL || err != OK) {
            continue;
        }
        size_t prefix_size = prefix->size;
        if (child->value_first != NULL) {
            err = buf_print(prefix, "%.*s.", STR_ARG(child->name));
            if (err == OK) {
                err = members_print(out, child, prefix, first);
            }
            prefix->size = prefix_size;
            continue;
        }
        struct buf none;
        bool inner_first = true;
        buf_init(&none, 64 * 1024);
        err = key_print(out, prefix, child->name, first);
        if (err == OK) {
            err = buf_append_byte(out, '{');
        }
        if (err == OK) {
            err = members_print(out, child, &none, &inner_first);
        }
        if (err == OK) {
            err = buf_append_byte(out, '}');
        }
        buf_done(&none);
    }
    return err;
}
