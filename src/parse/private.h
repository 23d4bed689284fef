#pragma once

/*
 * What the parsers share.  Each looks at one record, or at the message inside one, and tells what
 * it found:
 *
 *     found_init → found_span, found_derive … → found_done
 *
 * A parser that is asked whether a text is its own answers false before it told anything.
 */

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "event/batch.h"
#include "parse/codes.h"
#include "parse/parse.h"
#include "parse/table.h"

#define DERIVED_FEW 24 /* What all but winxml get by with. */
/* What one record's parser may make: its names and values, 16 times the record. */
#define FOUND_MEMORY_MAX ((size_t)16 << 20)

#define VALUES_FEW 48 /* What most records get by with, of what a table tells. */
#define INNER_MAX  3  /* Texts in texts in texts. */

/* What gave a value: of the values of a name that ECS has once, those of one origin are told. */
enum origin { ORIGIN_CAPTURE, ORIGIN_FIELDS, ORIGIN_STEPS = 0x4000, ORIGIN_COPIES = 0x8000 };

struct derived {
    const struct str *known; /* its name, if that is a constant; or: */
    struct str name, value;
    enum span_how how;
};

/* What a table's parser took out of a text; told when the text has proved to be its own. */
struct value {
    uint16_t name;   /* enum name; NAME_OTHER: `key` behind the parser's prefix */
    uint8_t how;     /* enum span_how */
    bool weak;       /* set, and told only if nothing else has that name */
    bool silent;     /* the record tells it itself */
    uint16_t origin; /* what gave it: a field, a step …; 0: a capture */
    struct str key, text;
};

/* A text inside another, and whose words it is, if something says so. */
struct inner {
    struct str text, program;
};

/* What a syslog header says. */
struct header {
    int priority; /* -1: none */
    struct str priority_text;
    struct str host, program, process, message_id;
    struct str message; /* behind the tag */
    struct str tagged;  /* from the tag on */
    struct str body;    /* all behind the time */
    struct str data;
    struct wall happened;
    bool has_time;
    bool modern; /* RFC 5424 */
    const char *fault;
};

/* The fields of the record begun.  Spans go to the builder at once; derived values wait until
 * found_done, since they may move the record's bytes.  Until then `record` stands still. */
struct found {
    struct builder *builder;
    const struct parse_context *context;
    struct str record;
    const struct header *header; /* of syslog, around the text; NULL: none */
    const struct parser *parser; /* that looks at the text now */
    struct str class;            /* of the text; data NULL: nothing said */
    struct str parser_name;      /* whose the record is, as far as is known */
    struct wall happened;        /* what a table's parser read */
    uint64_t told;               /* of enum name: what needs no telling any more */
    unsigned depth;              /* of texts in texts */
    struct derived derived[DERIVED_FEW];
    struct derived *more; /* the rest, once there is a `mem` */
    size_t derived_count;
    struct value values[VALUES_FEW];
    struct value *more_values;
    size_t value_count;
    uint16_t origin;   /* of the values that come now */
    bool looking;      /* nothing is told of what a pattern takes */
    char scratch[256]; /* for values made here */
    size_t scratch_size;
    struct arena *mem; /* for a parser that makes more; NULL until found_mem */
};

void found_init(struct found *found, const struct parse_context *context, struct builder *builder);
/* A part of the record; one that lies elsewhere is kept, as if it was derived. */
void found_span(struct found *found, struct str name, struct str part);
void found_span_how(struct found *found, struct str name, struct str part, enum span_how how);
void found_derive(struct found *found, struct str name, struct str value); /* keeps both */
/* The same by the names of the table, which cost less. */
void found_tell(struct found *found, uint16_t name, struct str part, enum span_how how);
void found_tell_derived(struct found *found, uint16_t name, struct str value);
void found_number(struct found *found, struct str name, unsigned value);
void found_charset(struct found *found, struct str charset);
/* What only we may tell. */
static inline bool name_is_ours(struct str name)
{
    return name.size == 14 && memcmp(name.data, "hinomi.charset", 14) == 0;
}
/* Memory until found_done; with it there is room for as many derived values as an event may have
 * fields.  NULL when out of memory. */
struct arena *found_mem(struct found *found);
void found_done(struct found *found);
/* An address or a host name: `ip` if it is an IP address, `domain` otherwise; `address` always. */
void found_peer(struct found *found, struct str peer, struct str address, struct str ip,
                struct str domain);

/* The record as UTF-8: itself, or a copy that is told of in hinomi.charset (text.c). */
struct str text_of(struct found *found);

/* Whose the record is, until another is found: a name of the table. */
void found_parser(struct found *found, struct str name);
/* For parsers that are code: the class, where their file's is not enough, and the program. */
void found_class(struct found *found, struct str class);
struct str found_program(const struct found *found);

/* ---- Values of tables. */

struct value *value_at(struct found *found, size_t index);
/* The first of that name, or NULL; of the header's names, what the header says. */
bool value_find(struct found *found, uint16_t name, struct str *ret);
/* False if there is no room any more. */
bool value_add(struct found *found, struct value value);
void values_tell(struct found *found);

/* ---- Takes: what a type takes from the front of a text, and what it becomes. */

/* Passes over what fits at the front of *rest; `next` is the text that follows in the pattern. */
bool take_front(struct found *found, const struct target *target, struct str next, struct str *rest,
                struct str *ret);
/* Adds a taken text as the target's value. */
void take_tell(struct found *found, const struct target *target, struct str text,
               enum span_how how);
/* How many decimal digits stand there. */
size_t digits_count(struct str text);
/* The size of the number at the front, as TAKE_INT, TAKE_NUM, TAKE_HEX or TAKE_PORT take it. */
size_t number_size(struct str text, uint8_t take);
/* The whole of a field's text; false if it does not fit the type, and nothing was added. */
bool take_whole(struct found *found, const struct target *target, struct str text,
                enum span_how how);
bool wanted_fits(const struct wanted *wanted, size_t count, struct str text);

/* Passes over what the pattern fits, adding its values; false: nothing was added. */
bool pattern_run(struct found *found, const struct piece *pattern, struct str *rest);
/* Whether a text begins so; tells nothing. */
bool pattern_looks(struct found *found, const struct piece *pattern, struct str text);

/* ---- The engine. */

/* How a text came to a parser. */
enum asked { ASKED_NAMED, ASKED_ANY };
/* Parses a text by its table and tells what it found; false: the text is not the parser's, and
 * nothing was told. */
bool engine_text(struct found *found, const struct parser *parser, struct str text,
                 enum asked asked);
struct inner engine_inner(struct found *found);
/* How a header says that a column is to be read. */
enum column_type { COLUMN_TEXT, COLUMN_NUMBER, COLUMN_TRUTH, COLUMN_LIST };
uint8_t memory_type(const struct found *found, size_t column, char *ret_separator);
/* As RFC 8259 has numbers, without an exponent. */
bool is_number(struct str text);
void pairs_run(struct found *found, const struct pairs_form *form, struct str text);
bool columns_run(struct found *found, const struct parser *parser, struct str text);
size_t columns_count(struct str text, char separator, size_t enough);
/* Whether a text is a header line, which was learned; whose columns a text has, or NULL; and how
 * they are called. */
bool memory_header(struct found *found, struct str text);
const struct parser *memory_parser(struct found *found, struct str text);
size_t memory_columns(struct found *found, const struct parser *parser, const struct str **ret);
void steps_run(struct found *found);
/* One key of a device and its text: by the file's fields, or under its own name. */
void key_tell(struct found *found, struct str key, struct str text, enum span_how how);
/* The rows that decide, what they set, and the maps; false: a row is required and none fits. */
bool rows_run(struct found *found, struct str text);
void maps_run(struct found *found);
/* All that comes after the shape's own part; `text` is what rows match. */
bool engine_finish(struct found *found, struct str text);

/* ---- Recognition. */

/* A text: that of a record, or one inside another.  NULL, or why nothing fits it. */
const char *recognise_text(struct found *found, struct str text);
/* The same where the parser is known. */
const char *recognise_as(struct found *found, const struct parser *parser, struct str text);
/* A text inside one that a parser took: by the parser that it names for it. */
void recognise_inner(struct found *found, const struct parser *parser, struct inner inner);
const struct parser *parser_named(struct str name);
/* The marks whose beginning a text may have, in no order; returns how many. */
size_t fronts_find(const struct parse_context *context, struct str text, uint16_t *ret,
                   size_t room);
/* Whether a text has all of these. */
bool contains_fit(const struct contained *contains, size_t count, struct str text);
/* Which of parse_need_bytes a text has, as far as somebody asked. */
struct needs {
    struct str text;
    uint32_t known, missing;
};
bool needs_look(struct needs *needs, uint32_t mask);
static inline bool needs_fit(struct needs *needs, uint32_t mask)
{
    return (mask & needs->missing) == 0 && ((mask & ~needs->known) == 0 || needs_look(needs, mask));
}
/* The literal marks that a text contains, each once; returns how many. */
size_t sift_text(struct str text, uint16_t *ret, size_t room);
/* The index of a text, or UINT16_MAX. */
uint16_t dictionary_find(const struct dictionary *dictionary, struct str text);

/* ---- A cursor: what is still to be read of a text.  Each returns false and moves nothing if the
 * text goes on differently. */

/* What stands from `from` (at most its size) on; unlike str_slice it points there even if that is
 * nothing. */
static inline struct str text_from(struct str text, size_t from)
{
    assert(from <= text.size);
    return (struct str){text.data == NULL ? NULL : text.data + from, text.size - from};
}
static inline bool cursor_literal(struct str *rest, struct str literal)
{
    if (!str_starts(*rest, literal)) {
        return false;
    }
    *rest = text_from(*rest, literal.size);
    return true;
}
static inline bool cursor_byte(struct str *rest, char byte)
{
    if (rest->size == 0 || rest->data[0] != byte) {
        return false;
    }
    *rest = text_from(*rest, 1);
    return true;
}
/* All up to the byte, which is passed over; `ret` may be empty. */
bool cursor_until(struct str *rest, char byte, struct str *ret);
/* Where the first blank or tab stands; the text's size without one. */
static inline size_t blank_find(struct str text)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    size_t size = 0;
    for (uint64_t eight; size + sizeof eight <= text.size; size += sizeof eight) {
        memcpy(&eight, text.data + size, sizeof eight);
        eight = le64toh(eight);
        uint64_t blank = eight ^ each * ' ';
        uint64_t tab = eight ^ each * '\t';
        /* The high bit of the first zero byte, and of none before it. */
        uint64_t found = (((blank - each) & ~blank) | ((tab - each) & ~tab)) & each * 0x80;
        if (found != 0) {
            return size + (size_t)__builtin_ctzll(found) / 8;
        }
    }
    while (size < text.size && text.data[size] != ' ' && text.data[size] != '\t') {
        size++;
    }
    return size;
}
/* One or more bytes that are no blank. */
static inline bool cursor_word(struct str *rest, struct str *ret)
{
    const struct str text = *rest;
    const size_t size = blank_find(text);
    if (size == 0) {
        return false;
    }
    *ret = str_of(text.data, size);
    *rest = text_from(text, size);
    return true;
}
/* One to `digits_max` decimal digits. */
bool cursor_number(struct str *rest, unsigned digits_max, int *ret);
static inline void cursor_blanks(struct str *rest)
{
    while (rest->size > 0 && (rest->data[0] == ' ' || rest->data[0] == '\t')) {
        *rest = text_from(*rest, 1);
    }
}

bool text_is_address(struct str text); /* IPv4 or IPv6, a zone after '%' allowed */
bool text_is_number(struct str text);  /* decimal digits, at most nine */

/* ---- Times as logs write them. */

/* "Nov  2 10:00:00", RFC 3164; also with a fraction, with the year before or after the time, with
 * "UTC" or a zone behind.  Where it has no year: the one that brings it nearest to `received`.
 * *ret is WALL_NONE for a day or time that there is not. */
bool stamp_bsd(struct str *rest, const struct parse_context *context, struct wall *ret);
/* RFC 3339, also with a blank for the T, a comma before the fraction, a zone without a colon or no
 * zone. */
bool stamp_iso(struct str *rest, const struct parse_context *context, struct wall *ret);
/* "21/Nov/2026:21:27:30 +0000", as web servers write it. */
bool stamp_clf(struct str *rest, struct wall *ret);

/* "Sat Nov 21 21:27:30 2026", also with a fraction. */
bool stamp_asctime(struct str *rest, const struct parse_context *context, struct wall *ret);
/* Seconds since 1970 with a fraction, or milli-, micro- or nanoseconds by their digits. */
bool stamp_epoch(struct str *rest, struct wall *ret);
/* As the APIs of services write it: RFC 3339 or alike, seconds since 1970 or parts of them, "Sat
 * Nov 21 21:27:30 2026", RFC 2822; UTC, unless the text says a zone, wherever the device may be. */
bool stamp_any(struct str *rest, struct wall *ret);
/* As strptime's letters say: %a %A %b %B %d %e %f %H %I %j %m %M %p %S %T %y %Y %z %%. */
bool stamp_at(struct str *rest, struct str format, const struct parse_context *context,
              struct wall *ret);

/* ---- The parsers.  `text` is the record or a part of it; false: it is not of that format, and
 * nothing was told. */

/* Reads the header of a record that begins as syslog does. */
void syslog_read(struct str record, const struct parse_context *context, struct header *ret);
/* The same behind the priority, as RFC 3164 has it; what is left is the message. */
void syslog_old_read(struct str *rest, const struct parse_context *context, struct header *header);
void syslog_tell(struct found *found, const struct header *header);
/* Whether a record begins as syslog does: "<13>" or a time of RFC 3164. */
bool syslog_looks(struct str record);
/* NULL, or why not all of text is a JSON object; leaves before the fault have been told.  The
 * parser is `fixed`, or the one whose keys are there. */
const char *json_object_parse(struct found *found, struct str text, const struct parser *fixed);
/* NULL, or why text is not one Windows event in XML; then nothing was told. */
const char *winxml_event(struct found *found, struct str text);
/* Whether a text begins as one does. */
bool winxml_looks(struct str text);
