#pragma once

/*
 * What the parsers share.  Each looks at one record, or at the message inside one, and tells what
 * it found:
 *
 *     found_init → found_span, found_derive … → found_done
 *
 * A parser that is asked whether a text is its own answers false before it told anything.
 */

#include "base/clock.h"
#include "base/str.h"
#include "parse/parse.h"

#define DERIVED_FEW 24 /* What all but winxml get by with. */
/* What one record's parser may make: its names and values, 16 times the record. */
#define FOUND_MEMORY_MAX ((size_t)16 << 20)

struct derived {
    struct str name, value;
};

/* The fields of the record begun.  Spans go to the builder at once; derived values wait until
 * found_done, since they may move the record's bytes.  Until then `record` stands still. */
struct found {
    struct builder *builder;
    const struct parse_context *context;
    struct str record;
    struct derived derived[DERIVED_FEW];
    struct derived *more; /* the rest, once there is a `mem` */
    size_t derived_count;
    char scratch[256]; /* for values made here */
    size_t scratch_size;
    struct arena *mem; /* for a parser that makes more; NULL until found_mem */
};

void found_init(struct found *found, const struct parse_context *context, struct builder *builder);
void found_span(struct found *found, struct str name, struct str part);    /* part of the record */
void found_derive(struct found *found, struct str name, struct str value); /* keeps both */
void found_number(struct found *found, struct str name, unsigned value);
/* Memory until found_done; with it there is room for as many derived values as an event may have
 * fields.  NULL when out of memory. */
struct arena *found_mem(struct found *found);
void found_done(struct found *found);
/* An address or a host name: `ip` if it is an IP address, `domain` otherwise; `address` always. */
void found_peer(struct found *found, struct str peer, struct str address, struct str ip,
                struct str domain);

/* ---- A cursor: what is still to be read of a text.  Each returns false and moves nothing if the
 * text goes on differently. */

/* What stands from `from` (at most its size) on; unlike str_slice it points there even if that is
 * nothing. */
struct str text_from(struct str text, size_t from);
bool cursor_literal(struct str *rest, struct str literal);
bool cursor_byte(struct str *rest, char byte);
/* All up to the byte, which is passed over; `ret` may be empty. */
bool cursor_until(struct str *rest, char byte, struct str *ret);
/* One or more bytes that are no blank. */
bool cursor_word(struct str *rest, struct str *ret);
/* One to `digits_max` decimal digits. */
bool cursor_number(struct str *rest, unsigned digits_max, int *ret);
void cursor_blanks(struct str *rest);

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

/* ---- The parsers.  `text` is the record or a part of it; false: it is not of that format, and
 * nothing was told. */

/* The reason why a syslog header is none, or NULL; the message is told in either case. */
const char *syslog_parse(struct found *found);
/* Whether a record begins as syslog does: "<13>" or a time of RFC 3164. */
bool syslog_looks(struct str record);
/* NULL, or why not all of text is a JSON object; leaves before the fault have been told. */
const char *json_object_parse(struct found *found, struct str text);
/* NULL, or why text is not one Windows event in XML; then nothing was told. */
const char *winxml_parse(struct found *found, struct str text);
/* Whether a text begins as one does. */
bool winxml_looks(struct str text);
bool combined_parse(struct found *found, struct str text, struct str program);
bool sshd_parse(struct found *found, struct str text);
bool sshd_program(struct str program);
/* The packet filter's own lines; its program is "kernel", "ulogd", or not said. */
bool netfilter_parse(struct found *found, struct str text);
bool netfilter_program(struct str program);
/* What "inotifywait" and "aide" say of files; false for every other program. */
bool integrity_parse(struct found *found, struct str text, struct str program);
