/*
 * Pipes, read from left to right.
 *
 *     pipes   = { "|" command }
 *     command = part { "," part } [ "by" names ]     part = "count" | kind name, [ "as" name ]
 *             | ( "top" | "rare" ) [ number ] names
 *             | "timeline" [ step ] [ "by" name ]
 *             | "fields" names | "dedup" names
 *             | "sort" [ "-" ] name { "," [ "-" ] name }
 *             | ( "head" | "limit" | "tail" ) [ number ]
 *             | "where" name sign value
 *     names   = name { [ "," ] name }
 *     kind    = "sum" | "avg" | "min" | "max" | "distinct"
 *
 * Names are words up to a blank, comma, bar, sign or parenthesis, or quoted.  As long as no command
 * has made columns, a name is a field of events, whichever: it becomes a column of theirs, entered
 * in the search's matcher.  Behind such a command it must be one of its columns.
 *
 * Always true: `names` are the columns that the next command sees; every column of a plan is less
 * than the number of columns of its input.
 */

#include "match/pipes.h"

#include <string.h>

#include "base/limits.h"
#include "codec/yaml.h"
#include "match/pipe.h"

#define HEAD_ROWS 10 /* without a number */

struct scan {
    struct str text;
    size_t at;
    struct matcher *matcher;
    struct pipes *pipes;
    bool tabular;
    struct table_column names[PIPE_COLUMNS_MAX]; /* that the next command sees */
    size_t names_count;
    struct why *why;
};

static enum err complain(struct scan *scan, size_t at, const char *what)
{
    return why_say_at(scan->why, ERR_SYNTAX, 1, (uint32_t)at + 1, "%s", what);
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static char next(struct scan *scan)
{
    while (scan->at < scan->text.size && blank(scan->text.data[scan->at])) {
        scan->at++;
    }
    return scan->at < scan->text.size ? scan->text.data[scan->at] : '\0';
}

static bool command_ended(struct scan *scan)
{
    return next(scan) == '|' || scan->at >= scan->text.size;
}

static bool take(struct scan *scan, char c)
{
    bool there = next(scan) == c && scan->at < scan->text.size;
    scan->at += there;
    return there;
}

static struct str word_at(struct scan *scan)
{
    (void)next(scan);
    size_t end = scan->at;
    while (end < scan->text.size && !blank(scan->text.data[end]) &&
           strchr(",|()<>=!\"", scan->text.data[end]) == NULL) {
        end++;
    }
    return str_slice(scan->text, scan->at, end - scan->at);
}

static bool keyword(struct scan *scan, const char *word)
{
    struct str there = word_at(scan);
    bool same = str_equal_nocase(there, str_from(word));
    scan->at += same ? there.size : 0;
    return same;
}

/* sum(bytes) is a column's name as a whole, once there is such a column. */
static struct str part_name(struct scan *scan, struct str word)
{
    struct str rest = str_slice(scan->text, scan->at, SIZE_MAX);
    size_t size = word.size + str_find_byte(rest, ')') + 1;
    struct str whole = {word.data, size};
    for (size_t i = 0; str_starts(rest, STR("(")) && i < scan->names_count; i++) {
        if (str_find_byte(rest, ')') != STR_NONE && str_equal(scan->names[i].name, whole)) {
            scan->at += size - word.size;
            return whole;
        }
    }
    return word;
}

/* A name, or a value behind a sign: a word or a quoted text. */
static enum err text_read(struct scan *scan, const char *missing, struct str *ret)
{
    size_t from = (next(scan), scan->at);
    struct str text = word_at(scan);
    if (take(scan, '"')) {
        size_t size = str_find_byte(str_slice(scan->text, scan->at, SIZE_MAX), '"');
        if (size == STR_NONE) {
            return complain(scan, from, "this quote is not closed");
        }
        text = str_slice(scan->text, scan->at, size);
        scan->at += size + 1;
    } else {
        scan->at += text.size;
        text = part_name(scan, text);
    }
    if (text.size == 0 || text.size > NAME_SIZE_MAX) {
        return complain(scan, from, missing);
    }
    *ret = text;
    return OK;
}

static struct pipe *pipe_add(struct scan *scan, enum pipe_kind kind)
{
    struct pipes *pipes = scan->pipes;
    struct pipe *pipe = &pipes->list[pipes->count++];
    *pipe = (struct pipe){.kind = kind};
    return pipe;
}

/* ---- Columns. */

static enum err column_unknown(struct scan *scan, size_t at, struct str name)
{
    const char *known[PIPE_COLUMNS_MAX + 1];
    struct arena *mem = scan->matcher->mem;
    size_t count = 0;
    for (; count < scan->names_count; count++) {
        struct str text;
        if (arena_print(mem, &text, "%.*s", STR_ARG(scan->names[count].name)) != OK) {
            return ERR_MEMORY;
        }
        known[count] = text.data;
    }
    known[count] = NULL;
    const char *near = yaml_suggest(name, known);
    struct str shown = str_slice(name, 0, 60);
    return why_say_at(scan->why, ERR_SYNTAX, 1, (uint32_t)at + 1,
                      "the commands before give no column '%.*s'; %s%s%s", STR_ARG(shown),
                      near != NULL ? "did you mean '" : "the first of theirs is '",
                      near != NULL ? near : known[0], "'?");
}

static enum err event_column(struct scan *scan, struct str name, struct pipe_column *ret)
{
    static const struct {
        const char *name;
        enum pipe_source source;
    } others[] = {
        {"@timestamp", SOURCE_TIME},
        {"event.created", SOURCE_RECEIVED},
        {"hinomi.place.source", SOURCE_SLUG},
        {"hinomi.place.sequence", SOURCE_SEQUENCE},
    };
    struct pipe_column column = {.source = SOURCE_FIELD};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (str_equal(name, str_from(others[i].name))) {
            ret->source = others[i].source;
            return OK;
        }
    }
    enum err err = matcher_field(scan->matcher, &name, 1, &column.field);
    *ret = err == OK ? column : *ret;
    return err;
}

/* The column of that name; of events it is made if there is none. */
static enum err column_find(struct scan *scan, struct str name, size_t at, uint32_t *ret)
{
    for (size_t i = 0; i < scan->names_count; i++) {
        if (str_equal(scan->names[i].name, name)) {
            *ret = (uint32_t)i;
            return OK;
        }
    }
    if (scan->tabular) {
        return column_unknown(scan, at, name);
    }
    if (scan->names_count == PIPE_COLUMNS_MAX) {
        return why_say_at(scan->why, ERR_LIMIT, 1, (uint32_t)at + 1, "more than %d fields",
                          PIPE_COLUMNS_MAX);
    }
    struct pipes *pipes = scan->pipes;
    struct str copy;
    enum err err = arena_copy(scan->matcher->mem, name, &copy);
    err = err == OK ? event_column(scan, copy, &pipes->columns[pipes->columns_count]) : err;
    if (err == OK) {
        pipes->names[pipes->columns_count++] = copy;
        *ret = (uint32_t)scan->names_count;
        scan->names[scan->names_count++] = (struct table_column){copy, false};
    }
    return err;
}

static enum err column_read(struct scan *scan, uint32_t *ret)
{
    size_t from = (next(scan), scan->at);
    struct str name;
    enum err err = text_read(scan, "the name of a field is missing here", &name);
    return err == OK ? column_find(scan, name, from, ret) : err;
}

static enum err column_add(struct scan *scan, struct pipe *pipe)
{
    if (pipe->count == PIPE_FIELDS_MAX) {
        return why_say_at(scan->why, ERR_LIMIT, 1, (uint32_t)scan->at + 1,
                          "more than %d fields in one command", PIPE_FIELDS_MAX);
    }
    return column_read(scan, &pipe->columns[pipe->count++]);
}

static enum err columns_read(struct scan *scan, struct pipe *pipe)
{
    enum err err = column_add(scan, pipe);
    while (err == OK && (take(scan, ',') || !command_ended(scan))) {
        err = column_add(scan, pipe);
    }
    return err;
}

/* The columns of the next command's input are these, by place in `names`. */
static void names_set(struct scan *scan, const struct table_column *names, size_t count)
{
    memcpy(scan->names, names, count * sizeof names[0]);
    scan->names_count = count;
    scan->tabular = true;
}

/* ---- Commands. */

static enum err fields_parse(struct scan *scan)
{
    struct pipe *pipe = pipe_add(scan, PIPE_FIELDS);
    struct table_column names[PIPE_FIELDS_MAX];
    enum err err = columns_read(scan, pipe);
    if (err != OK) {
        return err;
    }
    for (size_t i = 0; i < pipe->count; i++) {
        names[i] = scan->names[pipe->columns[i]];
    }
    names_set(scan, names, pipe->count);
    return OK;
}

static enum err dedup_parse(struct scan *scan)
{
    return columns_read(scan, pipe_add(scan, PIPE_DEDUP));
}

static enum err sort_parse(struct scan *scan)
{
    struct pipe *pipe = pipe_add(scan, PIPE_SORT);
    enum err err = OK;
    do {
        bool down = false;
        (void)next(scan);
        while (scan->at < scan->text.size &&
               (scan->text.data[scan->at] == '-' || scan->text.data[scan->at] == '+')) {
            down = scan->text.data[scan->at++] == '-';
        }
        if (pipe->count < PIPE_FIELDS_MAX) {
            pipe->down[pipe->count] = down;
        }
        err = column_add(scan, pipe);
    } while (err == OK && (take(scan, ',') || !command_ended(scan)));
    return err;
}

/* A number from 1 on, if one is there; else *ret stays. */
static enum err rows_read(struct scan *scan, uint64_t *ret)
{
    struct str word = word_at(scan);
    if (word.size == 0 || word.data[0] < '0' || word.data[0] > '9') {
        return OK;
    }
    uint64_t rows;
    if (str_to_u64(word, TABLE_ROWS_MAX, &rows) != OK || rows == 0) {
        return why_say_at(scan->why, ERR_SYNTAX, 1, (uint32_t)scan->at + 1,
                          "a number from 1 to %d is wanted here", TABLE_ROWS_MAX);
    }
    scan->at += word.size;
    *ret = rows;
    return OK;
}

static enum err rows_parse(struct scan *scan, enum pipe_kind kind)
{
    struct pipe *pipe = pipe_add(scan, kind);
    pipe->rows = HEAD_ROWS;
    return rows_read(scan, &pipe->rows);
}

static enum err head_parse(struct scan *scan)
{
    return rows_parse(scan, PIPE_HEAD);
}

static enum err tail_parse(struct scan *scan)
{
    return rows_parse(scan, PIPE_TAIL);
}

static enum err where_parse(struct scan *scan)
{
    static const struct {
        const char *sign;
        enum where_how how;
    } signs[] = {
        {"!=", WHERE_DIFFERENT}, {"<=", WHERE_UP_TO}, {">=", WHERE_FROM}, {"==", WHERE_EQUAL},
        {"=", WHERE_EQUAL},      {"<", WHERE_LESS},   {">", WHERE_MORE},
    };
    struct pipe *pipe = pipe_add(scan, PIPE_WHERE);
    enum err err = column_add(scan, pipe);
    if (err != OK) {
        return err;
    }
    (void)next(scan);
    struct str rest = str_slice(scan->text, scan->at, SIZE_MAX);
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (str_starts(rest, str_from(signs[i].sign))) {
            struct str value;
            pipe->how = signs[i].how;
            scan->at += strlen(signs[i].sign);
            err = text_read(scan, "a value is missing behind the sign", &value);
            return err == OK ? search_fold(value, scan->matcher->mem, &pipe->value) : err;
        }
    }
    return complain(scan, scan->at, "one of = != < <= > >= is wanted here");
}

/* ---- Tallies. */

/* What the tally's rows are called: time, what it goes by, its parts. */
static enum err tally_names(struct scan *scan, const struct pipe *pipe, const struct str *parts)
{
    struct table_column names[2 * PIPE_FIELDS_MAX + 1];
    size_t count = 0;
    if (pipe->timed) {
        names[count++] = (struct table_column){STR("time"), false};
    }
    for (size_t i = 0; i < pipe->count; i++) {
        names[count++] = scan->names[pipe->columns[i]];
    }
    for (size_t i = 0; i < pipe->parts_count; i++) {
        enum tally_kind kind = pipe->parts[i].kind;
        bool number = kind != TALLY_LEAST && kind != TALLY_MOST;
        names[count++] = (struct table_column){parts[i], number};
    }
    names_set(scan, names, count);
    return OK;
}

static enum err part_read(struct scan *scan, struct pipe *pipe, struct str *ret_name)
{
    static const char *const kinds[] = {"count", "sum", "avg", "min", "max", "distinct", NULL};
    struct arena *mem = scan->matcher->mem;
    struct str word = word_at(scan);
    struct tally_part *part = &pipe->parts[pipe->parts_count];
    size_t kind = 0;
    while (kinds[kind] != NULL && !str_equal_nocase(word, str_from(kinds[kind]))) {
        kind++;
    }
    if (kinds[kind] == NULL || pipe->parts_count == PIPE_FIELDS_MAX) {
        return complain(scan, scan->at,
                        kinds[kind] != NULL
                            ? "too many parts in one command"
                            : "count, sum, avg, min, max or distinct is wanted here");
    }
    scan->at += word.size;
    pipe->parts_count++;
    part->kind = (enum tally_kind)kind;
    *ret_name = STR("count");
    enum err err = OK;
    if (part->kind != TALLY_COUNT) {
        bool open = take(scan, '(');
        err = column_read(scan, &part->column);
        if (err == OK && open && !take(scan, ')')) {
            err = complain(scan, scan->at, "a closing parenthesis is missing here");
        }
        err = err == OK ? arena_print(mem, ret_name, "%s(%.*s)", kinds[kind],
                                      STR_ARG(scan->names[part->column].name))
                        : err;
    }
    if (err == OK && keyword(scan, "as")) {
        struct str name;
        err = text_read(scan, "a name is missing behind 'as'", &name);
        err = err == OK ? arena_copy(mem, name, ret_name) : err;
    }
    return err;
}

/* The rows with the most first, else by what they go by. */
static void tally_sort(struct scan *scan, const struct pipe *tally, bool most_first)
{
    struct pipe *sort = pipe_add(scan, PIPE_SORT);
    sort->columns[0] = (uint32_t)tally->count;
    sort->down[0] = most_first;
    sort->count = 1;
    for (size_t i = 0; i < tally->count && sort->count < PIPE_FIELDS_MAX; i++) {
        sort->columns[sort->count++] = (uint32_t)i;
    }
}

static enum err tally_parse(struct scan *scan)
{
    struct pipe *pipe = pipe_add(scan, PIPE_TALLY);
    struct str parts[PIPE_FIELDS_MAX];
    enum err err = OK;
    do {
        err = part_read(
            scan, pipe,
            &parts[pipe->parts_count < PIPE_FIELDS_MAX ? pipe->parts_count : PIPE_FIELDS_MAX - 1]);
    } while (err == OK && take(scan, ','));
    if (err == OK && keyword(scan, "by")) {
        err = columns_read(scan, pipe);
    }
    err = err == OK ? tally_names(scan, pipe, parts) : err;
    if (err == OK && pipe->count > 0) {
        tally_sort(scan, pipe, true);
    }
    return err;
}

static enum err top_of(struct scan *scan, bool most_first)
{
    struct pipe *pipe = pipe_add(scan, PIPE_TALLY);
    const struct str name = STR("count");
    uint64_t rows = HEAD_ROWS;
    pipe->parts_count = 1;
    pipe->whole = true;
    enum err err = rows_read(scan, &rows);
    err = err == OK ? columns_read(scan, pipe) : err;
    err = err == OK ? tally_names(scan, pipe, &name) : err;
    if (err == OK) {
        tally_sort(scan, pipe, most_first);
        pipe_add(scan, PIPE_HEAD)->rows = rows;
    }
    return err;
}

static enum err top_parse(struct scan *scan)
{
    return top_of(scan, true);
}

static enum err rare_parse(struct scan *scan)
{
    return top_of(scan, false);
}

/* 30s, 5m, 1h, 7d, 1w; 0 if the word is none. */
static int64_t step_of(struct str word)
{
    static const char units[] = "smhdw";
    static const int64_t seconds[] = {1, 60, 3600, 86400, 604800};
    uint64_t number;
    const char *unit = word.size > 1 ? strchr(units, word.data[word.size - 1]) : NULL;
    if (unit == NULL || *unit == '\0' ||
        str_to_u64(str_slice(word, 0, word.size - 1), 100000, &number) != OK) {
        return 0;
    }
    return (int64_t)number * seconds[unit - units] * NS_PER_SECOND;
}

static enum err timeline_parse(struct scan *scan)
{
    struct pipe *pipe = pipe_add(scan, PIPE_TALLY);
    const struct str name = STR("count");
    size_t from = (next(scan), scan->at);
    if (scan->tabular) {
        return complain(scan, from, "a timeline is made of events, not of another command's rows");
    }
    pipe->timed = true;
    pipe->parts_count = 1;
    struct str word = word_at(scan);
    if (!command_ended(scan) && !str_equal_nocase(word, STR("by"))) {
        pipe->step_ns = step_of(word);
        if (pipe->step_ns == 0) {
            return complain(scan, from, "a step like 30s, 5m, 1h or 1d is wanted here");
        }
        scan->at += word.size;
    }
    enum err err = keyword(scan, "by") ? columns_read(scan, pipe) : OK;
    scan->pipes->timeline = err == OK;
    return err == OK ? tally_names(scan, pipe, &name) : err;
}

/* ---- The whole. */

static const struct {
    const char *name;
    enum err (*parse)(struct scan *scan);
    bool word; /* the word belongs to what follows */
} commands[] = {
    {"count", tally_parse, true},        {"sum", tally_parse, true},
    {"avg", tally_parse, true},          {"min", tally_parse, true},
    {"max", tally_parse, true},          {"distinct", tally_parse, true},
    {"top", top_parse, false},           {"rare", rare_parse, false},
    {"timeline", timeline_parse, false}, {"fields", fields_parse, false},
    {"sort", sort_parse, false},         {"dedup", dedup_parse, false},
    {"head", head_parse, false},         {"limit", head_parse, false},
    {"tail", tail_parse, false},         {"where", where_parse, false},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static enum err command_unknown(struct scan *scan, size_t at, struct str word)
{
    const char *known[COMMANDS + 1] = {NULL};
    for (size_t i = 0; i < COMMANDS; i++) {
        known[i] = commands[i].name;
    }
    const char *near = yaml_suggest(word, known);
    struct str shown = str_slice(word, 0, 60);
    if (near != NULL) {
        return why_say_at(scan->why, ERR_SYNTAX, 1, (uint32_t)at + 1,
                          "unknown command '%.*s'; did you mean '%s'?", STR_ARG(shown), near);
    }
    return why_say_at(scan->why, ERR_SYNTAX, 1, (uint32_t)at + 1,
                      "%s'%.*s'; behind | stands one of count, sum, avg, min, max, distinct, top, "
                      "rare, timeline, fields, sort, dedup, head, tail, where; quote a word that "
                      "holds |",
                      word.size > 0 ? "unknown command " : "no command: ", STR_ARG(shown));
}

static enum err command_parse(struct scan *scan)
{
    struct str word = word_at(scan);
    size_t from = scan->at;
    for (size_t i = 0; i < COMMANDS; i++) {
        if (!str_equal_nocase(word, str_from(commands[i].name))) {
            continue;
        }
        scan->at += commands[i].word ? 0 : word.size;
        enum err err = commands[i].parse(scan);
        if (err == OK && !command_ended(scan)) {
            err = complain(scan, scan->at, "the command ends before this; | begins the next one");
        }
        return err;
    }
    return command_unknown(scan, from, word);
}

enum err pipes_parse(struct str text, size_t at, struct matcher *matcher, const struct pipes **ret,
                     struct why *why)
{
    struct arena *mem = matcher->mem;
    struct pipes *pipes = ARENA_ONE(mem, struct pipes);
    struct scan *scan = ARENA_ONE(mem, struct scan);
    if (pipes == NULL || scan == NULL) {
        return ERR_MEMORY;
    }
    *scan = (struct scan){.text = text, .at = at, .matcher = matcher, .pipes = pipes, .why = why};
    *pipes = (struct pipes){0};
    pipes->list = ARENA_ARRAY(mem, struct pipe, PIPES_MAX + 3);
    pipes->names = ARENA_ARRAY(mem, struct str, PIPE_COLUMNS_MAX);
    pipes->columns = ARENA_ARRAY(mem, struct pipe_column, PIPE_COLUMNS_MAX);
    enum err err =
        pipes->list == NULL || pipes->names == NULL || pipes->columns == NULL ? ERR_MEMORY : OK;
    while (err == OK && take(scan, '|')) {
        err = pipes->count >= PIPES_MAX
                  ? why_say_at(why, ERR_LIMIT, 1, (uint32_t)scan->at, "too many commands")
                  : command_parse(scan);
    }
    if (err != OK) {
        return err;
    }
    pipes->tabular = scan->tabular;
    pipes->out = scan->names;
    pipes->out_count = scan->tabular ? scan->names_count : 0;
    *ret = pipes;
    return OK;
}

size_t pipes_columns(const struct pipes *pipes, const struct table_column **ret)
{
    *ret = pipes->out;
    return pipes->out_count;
}

bool pipes_are_timeline(const struct pipes *pipes)
{
    return pipes->timeline;
}
