/*
 * Files into records.
 *
 * The first bytes tell what a file is: a container or a binary log by its mark, JSON by its first
 * brace, anything else without NUL bytes is a text log, a record a line.  Blank lines are no
 * records.
 *
 * JSON objects may stand one a line, one after another, or as the members of an array.  An object
 * is cut out by counting brackets outside of strings; whether it is JSON at all is for the parser
 * to say.  Broken ones must not swallow their neighbours: a line end inside a string, or an object
 * that begins where no value may stand, ends the record there.  What stands between objects and is
 * neither blank nor a comma is a record as far as its line goes.
 *
 * Always true: the window never holds more than RECORD_SIZE_MAX and one chunk; bytes before `at`
 * have been given out.
 */

#include "replay/private.h"

#include <string.h>

#include "base/limits.h"

#define CHUNK_SIZE (256 * 1024)

static enum err kind_recognise(struct records *records, const char *path, struct why *why);
static enum err window_fill(struct records *records, struct why *why);
static bool text_cut(struct records *records, struct str *ret);
static bool json_cut(struct records *records, struct str *ret);

enum err records_begin(struct records *records, struct input *input, const char *path,
                       struct why *why)
{
    *records = (struct records){.input = input};
    buf_init(&records->window, RECORD_SIZE_MAX + 2 * CHUNK_SIZE);
    enum err err = OK;
    while (err == OK && !records->ended && records->window.size < 4096) {
        err = window_fill(records, why);
    }
    return err == OK ? kind_recognise(records, path, why) : err;
}

void records_done(struct records *records)
{
    buf_done(&records->window);
}

static struct str rest_of(const struct records *records)
{
    return str_slice(buf_str(&records->window), records->at, SIZE_MAX);
}

enum err records_next(struct records *records, struct str *ret, struct why *why)
{
    for (;;) {
        struct str record;
        bool cut =
            records->kind == RECORDS_JSON ? json_cut(records, &record) : text_cut(records, &record);
        if (cut && records->skipping) {
            records->skipping = false;
            return why_say(why, ERR_LIMIT, 0, "a record has more than %d bytes", RECORD_SIZE_MAX);
        }
        if (cut && record.size <= RECORD_SIZE_MAX) {
            *ret = record;
            return OK;
        }
        if (cut) {
            return why_say(why, ERR_LIMIT, 0, "a record has more than %d bytes", RECORD_SIZE_MAX);
        }
        if (records->ended) {
            return ERR_CLOSED;
        }
        if (rest_of(records).size > RECORD_SIZE_MAX) {
            if (records->kind == RECORDS_JSON) {
                return why_say(why, ERR_SYNTAX, 0,
                               "a JSON object has more than %d bytes or is never closed",
                               RECORD_SIZE_MAX);
            }
            records->skipping = true;
            records->at = records->window.size;
        }
        enum err err = window_fill(records, why);
        if (err != OK) {
            return err;
        }
    }
}

static enum err window_fill(struct records *records, struct why *why)
{
    char *room;
    size_t got;
    buf_consume(&records->window, records->at);
    records->at = 0;
    enum err err = buf_extend(&records->window, CHUNK_SIZE, &room);
    if (err != OK) {
        return err;
    }
    err = input_read(records->input, room, CHUNK_SIZE, &got, why);
    if (err != OK) {
        got = 0;
    }
    records->window.size -= CHUNK_SIZE - got;
    records->bytes += got;
    records->ended = err == OK && got == 0;
    return err;
}

static enum err kind_recognise(struct records *records, const char *path, struct why *why)
{
    static const struct {
        struct str mark;
        const char *name;
    } marks[] = {
        {{"ElfFile\0", 8}, "EVTX files"},
        {{"PK\x03\x04", 4}, "zip archives"},
        {{"\x1f\x8b", 2}, "gzip files"},
        {{"\x28\xb5\x2f\xfd", 4}, "zstd files"},
        {{"\xfd"
          "7zXZ",
          5},
         "xz files"},
        {{"BZh", 3}, "bzip2 files"},
        {{"<?xml", 5}, "XML files"},
        {{"<Event", 6}, "XML files"},
    };
    struct str head = rest_of(records);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (str_starts(head, marks[i].mark)) {
            return why_say(why, ERR_UNSUPPORTED, 0, "%s are not read yet", marks[i].name);
        }
    }
    if (str_equal(str_slice(head, 257, 5), STR("ustar"))) {
        return why_say(why, ERR_UNSUPPORTED, 0, "tar archives are not read yet");
    }
    if (str_ends(str_from(path), STR(".csv"))) {
        return why_say(why, ERR_UNSUPPORTED, 0, "CSV files are not read yet");
    }
    if (str_find_byte(str_slice(head, 0, 4096), '\0') != STR_NONE) {
        return why_say(why, ERR_UNSUPPORTED, 0, "neither text nor JSON (it holds NUL bytes)");
    }
    records->at = str_starts(head, STR("\xEF\xBB\xBF")) ? 3 : 0;
    struct str text = str_trim(rest_of(records));
    if (str_starts(text, STR("["))) {
        text = str_trim(str_slice(text, 1, text.size));
        bool array = text.size > 0 && (text.data[0] == '{' || text.data[0] == ']');
        if (array) {
            records->kind = RECORDS_JSON;
            records->at += str_find_byte(rest_of(records), '[') + 1;
        }
    } else if (str_starts(text, STR("{"))) {
        records->kind = RECORDS_JSON;
    }
    return OK;
}

/* A line; false if its end has not been read yet. */
static bool line_cut(struct records *records, struct str *ret)
{
    struct str rest = rest_of(records);
    size_t size = str_find_byte(rest, '\n');
    if (size == STR_NONE && (!records->ended || rest.size == 0)) {
        return false;
    }
    struct str line = str_slice(rest, 0, size);
    records->at += size == STR_NONE ? rest.size : size + 1;
    *ret = str_ends(line, STR("\r")) ? str_slice(line, 0, line.size - 1) : line;
    return true;
}

static bool text_cut(struct records *records, struct str *ret)
{
    while (line_cut(records, ret)) {
        if (records->skipping || str_trim(*ret).size > 0) {
            return true;
        }
    }
    /* The too long line may have been the last. */
    bool skipped = records->ended && records->skipping;
    *ret = (struct str){0};
    return skipped;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Where the object at the start of text ends; STR_NONE if that has not been read yet. */
static size_t object_size(struct str text)
{
    size_t depth = 0;
    bool quoted = false;
    char before = ':'; /* the last character that means something */
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (quoted) {
            if (c == '\n') {
                return i;
            }
            i += c == '\\';
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (before != ':' && before != ',' && before != '[' && before != '{') {
                return i;
            }
            depth++;
        } else if (c == '}' || c == ']') {
            if (--depth == 0) {
                return i + 1;
            }
        }
        before = is_blank(c) ? before : c;
    }
    return STR_NONE;
}

static bool json_cut(struct records *records, struct str *ret)
{
    struct str rest = rest_of(records);
    size_t from = 0;
    while (from < rest.size &&
           (is_blank(rest.data[from]) || rest.data[from] == ',' || rest.data[from] == ']')) {
        from++;
    }
    records->at += from;
    rest = rest_of(records);
    if (rest.size == 0) {
        return false;
    }
    if (rest.data[0] != '{') {
        return line_cut(records, ret);
    }
    size_t size = object_size(rest);
    if (size == STR_NONE && !records->ended) {
        return false;
    }
    *ret = str_trim(str_slice(rest, 0, size));
    records->at += ret->size;
    return true;
}
