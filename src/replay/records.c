/*
 * Streams into records.
 *
 * The first bytes tell what a stream is: an event log by its mark, a table by its first lines, XML
 * and JSON by their first character that means something; anything else without NUL bytes is a text
 * log, a record a line.  Blank lines are no records.
 *
 * JSON objects may stand one a line, one after another, or as the members of an array.  Where the
 * first line is one object, lines are cut at their ends as long as one ends with a brace and the
 * next begins with one: between such two no object can be open.  Otherwise an object is cut out by
 * counting brackets (json_cut.c).  Broken ones must not swallow their neighbours.  Clouds deliver
 * files that are one object around the array: {"Records":[…]} is CloudTrail's way, "records" that
 * of Azure.
 *
 * An event in XML begins with <Event and ends with </Event>, or before the next that begins.
 *
 * Always true: records_cut gives the same records however the stream is cut into calls.
 */

#include <string.h>

#include "base/limits.h"
#include "codec/evtx.h"
#include "replay/private.h"

/* What one call of records_cut works with. */
struct cutting {
    struct records *records;
    struct str data;
    size_t at;    /* done with */
    size_t apart; /* up to here objects are known to stand several on a line */
    bool ended;
    struct buf *out;
};

/* ---- What it is. */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_object_line(struct str line)
{
    return line.size > 1 && line.data[0] == '{' && line.data[line.size - 1] == '}';
}

static enum records_kind json_kind(struct str text)
{
    struct str line = str_trim(str_cut(&text, '\n'));
    return is_object_line(line) && object_size(line) == line.size ? RECORDS_LINES : RECORDS_JSON;
}

/* How far it is into the array of {"Records":[{ …; 0 if the text is nothing of the kind. */
static size_t envelope_size(struct str text)
{
    static const char *const steps[] = {"{", "\"records\"", ":", "["};
    struct str rest = text;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct str step = str_from(steps[i]);
        while (rest.size > 0 && is_blank(rest.data[0])) {
            rest = str_slice(rest, 1, rest.size);
        }
        if (!str_equal_nocase(str_slice(rest, 0, step.size), step)) {
            return 0;
        }
        rest = str_slice(rest, step.size, rest.size);
    }
    size_t size = text.size - rest.size;
    rest = str_trim(rest);
    return rest.size > 0 && (rest.data[0] == '{' || rest.data[0] == ']') ? size : 0;
}

/* The byte that parts the cells of a header: what occurs most often outside of quotes. */
static char separator_find(struct str line, size_t *ret_count)
{
    static const char separators[] = {',', ';', '\t'};
    size_t counts[sizeof separators] = {0};
    size_t best = 0;
    bool quoted = false;
    for (size_t i = 0; i < line.size; i++) {
        quoted = quoted != (line.data[i] == '"');
        for (size_t k = 0; k < sizeof separators && !quoted; k++) {
            counts[k] += line.data[i] == separators[k];
        }
    }
    for (size_t k = 1; k < sizeof separators; k++) {
        best = counts[k] > counts[best] ? k : best;
    }
    *ret_count = counts[best];
    return separators[best];
}

static bool is_column_name(struct str cell)
{
    if (cell.size > 1 && cell.data[0] == '"' && cell.data[cell.size - 1] == '"') {
        cell = str_slice(cell, 1, cell.size - 2);
    }
    for (size_t i = 0; i < cell.size; i++) {
        char c = cell.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
        bool inside = (c >= '0' && c <= '9') || (c != '\0' && strchr(" ._-#/()[]", c) != NULL);
        if (!letter && c != '_' && c != '@' && (i == 0 || !inside)) {
            return false;
        }
    }
    return cell.size > 0;
}

static bool name_is_table(struct str name)
{
    static const char *const endings[] = {".gz", ".bz2", ".xz", ".zst"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (str_ends(name, str_from(endings[i]))) {
            name.size -= strlen(endings[i]);
            break;
        }
    }
    name = str_slice(name, name.size > 4 ? name.size - 4 : 0, 4);
    return str_equal_nocase(name, STR(".csv")) || str_equal_nocase(name, STR(".tsv"));
}

/* A table by its name, or by a first line of nothing but names and a second with as many cells. */
static bool csv_recognise(struct str text, struct str name, char *ret)
{
    size_t count;
    struct str rest = text;
    struct str header = str_trim(str_cut(&rest, '\n'));
    char separator = separator_find(header, &count);
    bool table = name_is_table(name);
    if (!table && count >= 2) {
        size_t second;
        struct str row = str_cut(&rest, '\n');
        table = row.size > 0 && separator_find(row, &second) == separator && second >= count;
        while (table && header.size > 0) {
            table = is_column_name(str_cut(&header, separator));
        }
    }
    *ret = separator;
    return table;
}

enum err records_begin(struct records *records, struct str head, struct str name, size_t *ret_skip,
                       struct why *why)
{
    size_t skip = str_starts(head, STR("\xEF\xBB\xBF")) ? 3 : 0;
    struct str text = str_slice(head, skip, HEAD_SIZE);
    struct str trimmed = str_trim(text);
    *records = (struct records){.separator = '\t'};
    buf_init(&records->header, RECORD_SIZE_MAX);
    if (evtx_is(head)) {
        records->kind = RECORDS_EVTX;
    } else if (str_find_byte(head, '\0') != STR_NONE) {
        return why_say(why, ERR_UNSUPPORTED, 0, "neither text nor JSON (it holds NUL bytes)");
    } else if (str_starts(text, STR("#separator "))) {
        records->kind = RECORDS_ZEEK;
    } else if (str_starts(trimmed, STR("<?xml")) || str_starts(trimmed, STR("<Event"))) {
        records->kind = RECORDS_XML;
    } else if (envelope_size(trimmed) > 0) {
        records->kind = RECORDS_JSON;
        records->enveloped = true;
        skip += (size_t)(trimmed.data - text.data) + envelope_size(trimmed);
    } else if (str_starts(trimmed, STR("{"))) {
        records->kind = json_kind(trimmed);
    } else if (str_starts(trimmed, STR("["))) {
        struct str first = str_trim(str_slice(trimmed, 1, trimmed.size));
        bool array = first.size > 0 && (first.data[0] == '{' || first.data[0] == ']');
        records->kind = array ? RECORDS_JSON : RECORDS_TEXT;
        skip += array ? str_find_byte(text, '[') + 1 : 0;
    } else if (csv_recognise(text, name, &records->separator)) {
        records->kind = RECORDS_CSV;
    }
    *ret_skip = skip;
    return OK;
}

void records_done(struct records *records)
{
    buf_done(&records->header);
}

/* ---- The cuts. */

static struct str rest_of(const struct cutting *cutting)
{
    return str_slice(cutting->data, cutting->at, SIZE_MAX);
}

/* Keeps the first `size` bytes of the rest as a record, and is done with `done` of them. */
static enum err record_keep(struct cutting *cutting, size_t from, size_t size, size_t done)
{
    struct stretch stretch = {(uint32_t)(cutting->at + from), (uint32_t)size};
    if (size > RECORD_SIZE_MAX) {
        cutting->at += done;
        return ERR_LIMIT;
    }
    enum err err = buf_append(cutting->out, str_of(&stretch, sizeof stretch));
    cutting->at += err == OK ? done : 0;
    return err;
}

/* The first line of the rest without its end; *ret_done: with it.  False if it is not all there. */
static bool line_find(const struct cutting *cutting, struct str *ret, size_t *ret_done)
{
    struct str rest = rest_of(cutting);
    size_t size = str_find_byte(rest, '\n');
    if (size == STR_NONE && (!cutting->ended || rest.size == 0)) {
        return false;
    }
    *ret_done = size == STR_NONE ? rest.size : size + 1;
    size = size == STR_NONE ? rest.size : size;
    *ret = str_slice(rest, 0, size > 0 && rest.data[size - 1] == '\r' ? size - 1 : size);
    return true;
}

/* Each cuts one record off the rest; ERR_CLOSED if none is all there. */
static enum err line_cut(struct cutting *cutting)
{
    struct str line;
    size_t done;
    while (line_find(cutting, &line, &done)) {
        if (str_trim(line).size > 0) {
            return record_keep(cutting, 0, line.size, done);
        }
        cutting->at += done;
    }
    return ERR_CLOSED;
}

static void between_skip(struct cutting *cutting)
{
    struct str rest = rest_of(cutting);
    bool enveloped = cutting->records->enveloped;
    size_t from = 0;
    while (from < rest.size && (is_blank(rest.data[from]) || rest.data[from] == ',' ||
                                rest.data[from] == ']' || (enveloped && rest.data[from] == '}'))) {
        from++;
    }
    cutting->at += from;
}

static enum err object_cut(struct cutting *cutting)
{
    between_skip(cutting);
    struct str rest = rest_of(cutting);
    if (rest.size == 0) {
        return ERR_CLOSED;
    }
    if (rest.data[0] != '{') {
        return line_cut(cutting);
    }
    size_t size = object_size(rest);
    if (size == STR_NONE && !cutting->ended) {
        return ERR_CLOSED;
    }
    size = str_trim(str_slice(rest, 0, size)).size;
    return record_keep(cutting, 0, size, size);
}

/* A line that is no record as a whole is looked at once: who looked for its end at each of the
 * objects in it would take the square of its size. */
static enum err object_line_cut(struct cutting *cutting)
{
    struct str line;
    size_t done;
    between_skip(cutting);
    if (cutting->at < cutting->apart) {
        return object_cut(cutting);
    }
    if (!line_find(cutting, &line, &done)) {
        return ERR_CLOSED;
    }
    struct str rest = rest_of(cutting);
    line = str_trim(line);
    if (!is_object_line(line)) {
        cutting->apart = cutting->at + done;
        return object_cut(cutting);
    }
    if (done == rest.size && !cutting->ended) {
        return ERR_CLOSED; /* what the next line begins with is not known yet */
    }
    if (done < rest.size && rest.data[done] != '{' && rest.data[done] != '\n') {
        cutting->apart = cutting->at + done;
        return object_cut(cutting);
    }
    return record_keep(cutting, 0, line.size, done);
}

/* Where an <Event> element begins from `from` on; STR_NONE if none does. */
static size_t event_find_start(struct str text, size_t from)
{
    for (;;) {
        size_t at = str_find(str_slice(text, from, SIZE_MAX), STR("<Event"));
        if (at == STR_NONE) {
            return STR_NONE;
        }
        at += from;
        char c = at + 6 < text.size ? text.data[at + 6] : 'x'; /* not known yet */
        if (is_blank(c) || c == '>') {
            return at;
        }
        from = at + 6;
    }
}

static enum err event_cut(struct cutting *cutting)
{
    static const struct str close = {"</Event>", 8};
    struct str rest = rest_of(cutting);
    size_t from = event_find_start(rest, 0);
    if (from == STR_NONE) {
        /* The beginning of an element's name may lie at the very end. */
        cutting->at += cutting->ended ? rest.size : rest.size > 6 ? rest.size - 6 : 0;
        return ERR_CLOSED;
    }
    cutting->at += from;
    rest = rest_of(cutting);
    /* The next start first: who looked for an end that never comes would do so at every start. */
    size_t next = event_find_start(rest, 6);
    size_t size = str_find(str_slice(rest, 0, next), close);
    size = size == STR_NONE ? next : size + close.size;
    if (size == STR_NONE && !cutting->ended) {
        return ERR_CLOSED;
    }
    size = size == STR_NONE ? rest.size : size;
    return record_keep(cutting, 0, str_trim(str_slice(rest, 0, size)).size, size);
}

/* The first row that is not blank names the columns. */
static enum err row_cut(struct cutting *cutting)
{
    for (;;) {
        struct str rest = rest_of(cutting);
        size_t done = csv_row_size(rest, cutting->records->separator);
        if (done == STR_NONE && rest.size <= RECORD_SIZE_MAX &&
            (!cutting->ended || rest.size == 0)) {
            return ERR_CLOSED;
        }
        if (done == STR_NONE) {
            /* A quote that is never closed must not take all rows that follow. */
            size_t line = str_find_byte(rest, '\n');
            if (line == STR_NONE && !cutting->ended) {
                return ERR_CLOSED;
            }
            done = line == STR_NONE ? rest.size : line + 1;
        }
        struct str row = str_slice(rest, 0, done);
        while (row.size > 0 && (row.data[row.size - 1] == '\n' || row.data[row.size - 1] == '\r')) {
            row.size--;
        }
        if (cutting->records->header.size == 0 && str_trim(row).size > 0) {
            enum err err = buf_append(&cutting->records->header, row);
            if (err != OK) {
                return err;
            }
        } else if (str_trim(row).size > 0) {
            return record_keep(cutting, 0, row.size, done);
        }
        cutting->at += done;
    }
}

static enum err zeek_cut(struct cutting *cutting)
{
    struct str line;
    size_t done;
    struct buf *header = &cutting->records->header;
    while (line_find(cutting, &line, &done)) {
        if (!str_starts(line, STR("#"))) {
            if (line.size > 0) {
                return record_keep(cutting, 0, line.size, done);
            }
        } else if (header->size + line.size < RECORD_SIZE_MAX / 2) {
            enum err err = buf_append(header, line);
            err = err == OK ? buf_append_byte(header, '\n') : err;
            if (err != OK) {
                return err;
            }
        }
        cutting->at += done;
    }
    return ERR_CLOSED;
}

/* What lies where a chunk should, without its mark but with a record's, is taken for one: what can
 * be read of it is read, and the rest complained of.  Else it is room that was never used. */
static enum err chunk_cut(struct cutting *cutting)
{
    struct records *records = cutting->records;
    for (;;) {
        struct str rest = rest_of(cutting);
        size_t wanted = records->begun ? EVTX_CHUNK_SIZE : EVTX_HEADER_SIZE;
        /* Behind garbage of any length a mark may begin in what is wanted and end behind it. */
        if (rest.size == 0 || (rest.size < wanted + EVTX_MARK_SIZE && !cutting->ended)) {
            return ERR_CLOSED;
        }
        size_t mark = evtx_find(str_slice(rest, 0, wanted + EVTX_MARK_SIZE - 1));
        bool header = !records->begun;
        rest = str_slice(rest, 0, mark != STR_NONE && (mark > 0 || header) ? mark : wanted);
        records->begun = true;
        if (!header && (mark == 0 || evtx_has_record(rest))) {
            return record_keep(cutting, 0, rest.size, rest.size);
        }
        cutting->at += rest.size;
    }
}

static enum err record_cut(struct cutting *cutting)
{
    switch (cutting->records->kind) {
    case RECORDS_TEXT:
        return line_cut(cutting);
    case RECORDS_JSON:
        return object_cut(cutting);
    case RECORDS_LINES:
        return object_line_cut(cutting);
    case RECORDS_XML:
        return event_cut(cutting);
    case RECORDS_CSV:
        return row_cut(cutting);
    case RECORDS_ZEEK:
        return zeek_cut(cutting);
    case RECORDS_EVTX:
        return chunk_cut(cutting);
    }
    return ERR_UNSUPPORTED;
}

/* Passes over the rest of a line that was too long. */
static bool skipped(struct cutting *cutting)
{
    struct str rest = rest_of(cutting);
    size_t end = str_find_byte(rest, '\n');
    cutting->at += end == STR_NONE ? rest.size : end + 1;
    cutting->records->skipping = end == STR_NONE && !cutting->ended;
    return !cutting->records->skipping;
}

enum err records_cut(struct records *records, struct str data, bool ended, struct buf *stretches,
                     size_t *ret_done)
{
    struct cutting cutting = {records, data, 0, 0, ended, stretches};
    enum err err = OK;
    if (!records->skipping || skipped(&cutting)) {
        do {
            err = record_cut(&cutting);
        } while (err == OK);
    }
    if (err == ERR_CLOSED && rest_of(&cutting).size > RECORD_SIZE_MAX) {
        /* Whatever it is, behind a line end something may begin anew. */
        cutting.at = data.size;
        records->skipping = !ended;
        err = ERR_LIMIT;
    }
    *ret_done = cutting.at;
    return err == ERR_CLOSED ? OK : err;
}
