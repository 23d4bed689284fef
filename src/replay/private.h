#pragma once

/*
 * What the files of replay/ share.  Read from the top, it is a record's way through a scan:
 *
 *     reel     a file, and the archives in it, as one stream of bytes after another
 *     records  a stream cut into records
 *     block    some records of one stream, judged by one scanner
 *     render   an alert as a line
 *     order    what the blocks of many scanners have to say, in the order of the files
 *     past     what is known only at the end: correlations, and the table
 */

#include <stdatomic.h>

#include "detect/correlator.h"
#include "event/builder.h"
#include "replay/replay.h"
#include "sys/input.h"
#include "sys/thread.h"
#include "sys/unpack.h"

#define BLOCK_SIZE ((size_t)1024 * 1024) /* what a scanner takes at once */
#define HEAD_SIZE  8192                  /* of a stream, to recognise it by */

/* ---- reel.c: a file, and the archives in it, as one stream of bytes after another. */

struct reel;

/* Opens a file; ended by reel_close. */
NODISCARD enum err reel_open(const char *path, struct reel **ret, struct why *why);
/* Turns to the next stream: the file itself, or the next member that can be read.  ERR_CLOSED after
 * the last.  Any other error (but ERR_MEMORY) is of one archive or member, reel_member says
 * which, and the next call goes on behind it. */
NODISCARD enum err reel_next(struct reel *reel, struct why *why);
/* The path within the archive (and the archives in it), empty for the file itself. */
struct str reel_member(const struct reel *reel);
/* What the stream begins with, up to HEAD_SIZE bytes; those are still to be read. */
struct str reel_head(const struct reel *reel);
/* Up to `size` bytes; none: the end of the stream.  UTF-16 with a byte order mark comes as UTF-8.
 */
NODISCARD enum err reel_read(struct reel *reel, void *to, size_t size, size_t *ret_size,
                             struct why *why);
/* Bytes read of the file itself. */
uint64_t reel_packed(const struct reel *reel);
void reel_close(struct reel *reel); /* NULL is fine. */

/* ---- utf16.c: UTF-16 on its way in. */

struct utf16 {
    bool big;           /* most significant byte first */
    bool odd;           /* a byte waits for its other half */
    unsigned char half; /* that byte */
    uint16_t high;      /* a high surrogate that waits for its low one, or 0 */
};
/* Appends bytes as UTF-8; what is no UTF-16 becomes U+FFFD. */
NODISCARD enum err utf16_append(struct utf16 *utf16, struct str bytes, struct buf *out);
/* Appends what still waited. */
NODISCARD enum err utf16_end(struct utf16 *utf16, struct buf *out);

/* ---- records.c: a stream cut into records. */

enum records_kind {
    RECORDS_TEXT,  /* a record a line */
    RECORDS_JSON,  /* objects, wherever they stand */
    RECORDS_LINES, /* objects, one a line */
    RECORDS_XML,   /* <Event> elements */
    RECORDS_CSV,   /* rows, the first names the columns */
    RECORDS_ZEEK,  /* Zeek's own tables */
    RECORDS_EVTX,  /* chunks of an event log; each holds many records */
};

/* Where a record lies in its block. */
struct stretch {
    uint32_t offset, size;
};

struct records {
    enum records_kind kind;
    char separator;    /* of cells */
    bool enveloped;    /* RECORDS_JSON: the array is a member of an object around all */
    bool skipping;     /* within a record that is too long */
    bool begun;        /* RECORDS_EVTX: the file's header is passed over */
    struct buf header; /* RECORDS_CSV, RECORDS_ZEEK: the lines that name the columns */
};

/* Recognises what a stream is by its beginning and the name it goes by; ERR_UNSUPPORTED says why it
 * cannot be read.  *ret_skip: bytes in front that are no record (a byte order mark). */
NODISCARD enum err records_begin(struct records *records, struct str head, struct str name,
                                 size_t *ret_skip, struct why *why);
/* Cuts the whole records at the beginning of `data`, which is the stream from where the last call
 * stopped; `ended`: nothing comes behind it.  Appends a struct stretch for each to *stretches, and
 * says how many bytes are done with.  ERR_LIMIT: then comes a record that is too long, which is
 * passed over from now on. */
NODISCARD enum err records_cut(struct records *records, struct str data, bool ended,
                               struct buf *stretches, size_t *ret_done);
void records_done(struct records *records);

/* json_cut.c: where the JSON object at the start of text ends; STR_NONE if that is not there. */
size_t object_size(struct str text);

/* csv.c, zeek.c: a row as a JSON object.  ERR_SYNTAX: it is none. */
struct row_maker {
    struct arena *mem; /* the names of the columns; emptied for each header */
    struct str *names;
    size_t names_count;
    struct str path; /* Zeek: what kind of log it is */
    char separator;
};
size_t csv_row_size(struct str text, char separator); /* with its end; STR_NONE: not all there */
NODISCARD enum err csv_header(struct row_maker *maker, struct str header, char separator);
NODISCARD enum err csv_row(const struct row_maker *maker, struct str row, struct buf *out);
NODISCARD enum err zeek_header(struct row_maker *maker, struct str header);
NODISCARD enum err zeek_row(const struct row_maker *maker, struct str row, struct buf *out);

/* ---- render.c: an alert as a line. */

struct origin {
    struct str file;
    struct str member; /* empty: the file itself */
    uint64_t record;
};
/* What is known of an alert's event: as a line shows it. */
struct shown {
    struct wall happened;
    struct str host;  /* empty: not known */
    struct str event; /* a JSON object */
};
/* The event as an object, made in `out`, which must be empty; all in *ret stays as long as that and
 * `scratch`. */
NODISCARD enum err render_event(const struct event *event, struct arena *scratch, struct buf *out,
                                struct shown *ret);
/* The records that a correlation counts. */
struct origins {
    const struct origin *list;
    size_t count;
};
/* As ndjson or csv; `records` is NULL for the alert of a rule. */
NODISCARD enum err render_alert(enum replay_format format, const struct alert *alert,
                                const struct shown *shown, const struct origin *origin,
                                const struct origins *records, struct arena *scratch,
                                struct buf *out);
/* The line above the others; false if the format has none. */
bool render_head(enum replay_format format, struct str *ret);

/* ---- lane.c: one file on its way, read a block at a time. */

/* What the scanners that have blocks of one event log agree about: how many records the blocks
 * before one's own hold is known only when those have been read. */
struct numbering {
    atomic_uint users; /* the lane, and blocks that were read and not judged */
    uint64_t blocks;   /* that were read */
    uint64_t next;     /* the first block whose records are not counted yet */
    uint64_t number;   /* of its first record */
};

/* Some records of one stream. */
struct block {
    enum records_kind kind;
    struct buf data;
    struct buf stretches; /* struct stretch each */
    struct buf header;    /* as struct records has it */
    struct buf member;
    struct buf complaints;       /* "member NUL reason NUL" each */
    uint64_t first;              /* the number of the first record in its stream */
    struct numbering *numbering; /* RECORDS_EVTX: gives `first` */
    uint64_t numbered;           /* which block of those it is */
    uint64_t sequence;           /* which block of its lane it is */
    uint64_t bytes;              /* that were read for it, unpacked */
    int64_t read_ns;
};

struct told; /* what a block had to say, until it is its turn; order.c */

struct lane {
    struct lane *next;
    const char *path;
    /* Of whoever reads it. */
    struct reel *reel;
    struct records records;
    struct numbering *numbering;
    struct buf rest; /* was read, and not given to a block yet */
    uint64_t number; /* of the next record */
    uint64_t packed; /* bytes of the file that were counted */
    bool opened;
    bool streaming; /* within a stream */
    bool dry;       /* nothing more comes of that stream */
    /* Under the gate. */
    bool reading, ended;
    uint64_t blocks;     /* that were read */
    uint64_t blocks_out; /* of them, all that they say was put out */
    struct told *waiting;
};

NODISCARD enum err lane_new(const char *path, struct lane **ret);
/* Reads the next block, which may hold nothing but complaints; *ret_ended: it is the last.  Fails
 * with ERR_MEMORY only. */
NODISCARD enum err lane_read(struct lane *lane, struct block *block, bool *ret_ended);
uint64_t lane_packed(struct lane *lane); /* bytes of the file that were read since the last call */
void lane_free(struct lane *lane);       /* NULL is fine. */
void block_init(struct block *block);
void numbering_release(struct numbering **numbering); /* NULL in it is fine. */
void block_done(struct block *block);
NODISCARD enum err complaint_add(struct buf *complaints, struct str member, const char *reason);

/* ---- order.c: what the blocks have to say, in the order of the files. */

struct out {
    struct buf lines; /* of alerts, each with its '\n'; rows of a table as row_encode has them */
    struct buf sightings;  /* as sighting_encode has them */
    struct buf complaints; /* "member NUL reason NUL" each */
    struct replay_stats stats;
};
void out_init(struct out *out);
void out_reset(struct out *out);
void out_done(struct out *out);

struct order;

/* Called under the gate with what is next in order; an error ends the scan. */
typedef enum err order_tell(void *context, const char *path, struct str member, struct out *out);
NODISCARD enum err order_new(order_tell *tell, void *context, unsigned threads, struct order **ret);
void order_free(struct order *order);
/* A path to be scanned.  Before any thread begins.  Keeps it. */
NODISCARD enum err order_add(struct order *order, const char *path);
/* The lane to read next, which is the caller's until order_give; waits for one.  NULL: there is
 * nothing more to be read, or the scan has failed. */
struct lane *order_take(struct order *order);
/* The block has been read. */
void order_give(struct order *order, struct lane *lane, struct block *block, bool ended);
/* What the block has to say; `last`: that is all.  Keeps nothing of `out` and resets it.  Waits
 * where too much waits already. */
void order_put(struct order *order, struct lane *lane, const struct block *block, struct out *out,
               bool last);
/* The number of a block's first record; waits for those who have earlier blocks of the same log. */
uint64_t order_number(struct order *order, const struct block *block);
/* It has `count` records. */
void order_count(struct order *order, const struct block *block, uint64_t count);
void order_fail(struct order *order, enum err err);
enum err order_failed(const struct order *order); /* after all threads have ended */

/* ---- scanner.c: a block under the rules. */

struct scanner;

NODISCARD enum err scanner_new(const struct replay_options *options, struct order *order,
                               struct scanner **ret);
/* Takes, reads and judges until there is nothing more. */
void scanner_run(struct scanner *scanner);
void scanner_free(struct scanner *scanner);

/* ---- past.c: what rules saw for correlations, until the end of the scan. */

/* In out.sightings: this, then values, host and event. */
struct seen {
    uint32_t rule;
    uint32_t values_size, host_size, event_size; /* no event: that of the sighting before */
    uint64_t record;
    struct wall at, received, happened;
};

struct past;

NODISCARD enum err past_new(const struct ruleset *ruleset, struct past **ret);
void past_free(struct past *past);
/* Keeps what out.sightings holds, as far as there is room; keeps path. */
NODISCARD enum err past_add(struct past *past, const char *path, struct str member,
                            struct str sightings);
enum err past_refused(const struct past *past); /* why something was not kept; OK: all was */
/* Correlates all of it, and tells each alert. */
typedef enum err past_tell(void *context, const struct alert *alert, const struct shown *shown,
                           const struct origin *origin, const struct origins *records,
                           struct arena *scratch);
NODISCARD enum err past_end(struct past *past, past_tell *tell, void *context);

/* ---- table.c: the timeline, which is sorted before it is shown. */

struct row {
    struct wall happened;
    enum level level;
    uint64_t record;
    struct str rule, author, host, file, member;
};
NODISCARD enum err row_encode(const struct row *row, struct buf *out);
/* Takes a row off the front; all but the file. */
void row_decode(struct str *bytes, struct row *ret);

struct table;
NODISCARD enum err table_new(unsigned width, bool colour, struct table **ret);
void table_free(struct table *table);
/* Copies; when SCAN_TABLE_MAX is full the row is only counted. */
NODISCARD enum err table_add(struct table *table, const struct row *row);
/* The whole of it, a line at a time. */
NODISCARD enum err table_print(struct table *table,
                               enum err (*line)(void *context, struct str line), void *context);

/* width.c: how many columns of a terminal a text takes; the prefix that fits, with control
 * characters and broken bytes made visible. */
size_t text_width(struct str text);
NODISCARD enum err text_fit(struct str text, size_t width, struct buf *out, size_t *ret_width);
/* The same of what is told by its end: of a path that is too long the end stays. */
NODISCARD enum err text_fit_end(struct str text, size_t width, struct buf *out);
