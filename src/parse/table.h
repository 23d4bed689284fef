#pragma once

/*
 * What tools/parsers.py makes of the files in parsers/: constant data that engine.c, recognise.c
 * and their helpers read.  A field's name is a number, an index of parse_names; the same name has
 * the same number in every parser.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct found;

/* Names that the engine itself minds; the others follow. */
enum name {
    NAME_MESSAGE,
    NAME_TIMESTAMP,
    NAME_HOSTNAME,
    NAME_PROCESS_NAME,
    NAME_PROCESS_PID,
    NAME_SYSLOG_HOSTNAME,
    NAME_SYSLOG_APPNAME,
    NAME_SYSLOG_PROCID,
    NAME_SYSLOG_MSGID,
    NAME_SYSLOG_PRIORITY,
    NAME_SYSLOG_FACILITY,
    NAME_SYSLOG_SEVERITY,
    NAME_PROGRAM, /* "_program" and those that follow are of the syslog header, and never told */
    NAME_PID,
    NAME_HOST,
    NAME_MSGID,
    NAME_PATH, /* of Zeek's header */
    NAME_URL_PATH,
    NAME_URL_QUERY,
    NAME_URL_FRAGMENT,
    NAME_URL_SCHEME,
    NAME_URL_DOMAIN,
    NAME_URL_PORT,
    NAME_URL_EXTENSION,
    NAME_METHOD,
    NAME_URL_ORIGINAL,
    NAME_HTTP_VERSION,
    NAME_USER_NAME,
    NAME_USER_DOMAIN,
    NAME_SOURCE_ADDRESS,
    NAME_SYSLOG_VERSION,
    NAME_OWN_COUNT,
    NAME_OTHER = UINT16_MAX, /* the value's key says how it is called */
};

/* What a capture takes, or a field's text becomes. */
enum take {
    TAKE_REST,
    TAKE_ANY,
    TAKE_LAST,
    TAKE_ESCAPED,
    TAKE_WORD,
    TAKE_INT,
    TAKE_NUM,
    TAKE_HEX,
    TAKE_IP,
    TAKE_PORT,
    TAKE_MAC,
    TAKE_PEER,
    TAKE_QUOTED,
    TAKE_ONEOF,
    TAKE_BLANKS,
    TAKE_LOWER,
    TAKE_UPPER,
    TAKE_BSD,
    TAKE_ISO,
    TAKE_CLF,
    TAKE_ASCTIME,
    TAKE_EPOCH,
    TAKE_EPOCH_MS,
    TAKE_AT,
    TAKE_TIME,
    TAKE_S,
    TAKE_MS,
    TAKE_US,
    TAKE_NS,
    TAKE_CLOCK,
    TAKE_ENDPOINT,
};

/* Of a `peer` and an `endpoint`, `name` is an index of parse_peers. */
struct target {
    uint16_t name;
    uint8_t take; /* enum take */
    bool silent;  /* it stands under this name already */
    struct str argument;
};

struct peer {
    uint16_t address, ip, domain;
    uint16_t port; /* of an endpoint */
};

enum piece_kind { PIECE_END, PIECE_TEXT, PIECE_TAKE, PIECE_OPEN, PIECE_CLOSE };

struct piece {
    uint8_t kind; /* enum piece_kind */
    uint8_t skip; /* of PIECE_OPEN: how many pieces to its PIECE_CLOSE */
    struct str text;
    struct target target;
};

struct setting {
    uint16_t name;
    bool scalar; /* a number */
    struct str value;
};

/* A value that is asked for: this one, or one that begins so, ends so, or has it anywhere. */
struct wanted {
    bool starts, ends; /* "x*", "*x"; both: "*x*" */
    struct str text;
};

struct test {
    uint16_t name;
    bool later; /* the row's own match tells it */
    const struct wanted *wanted;
    size_t count;
};

/* A value that has other names too. */
struct copy {
    uint16_t from;
    const struct target *targets;
    size_t count;
};

struct row {
    const struct piece *match; /* NULL: none */
    uint16_t in;               /* NAME_OTHER: the text itself */
    const struct test *tests;
    size_t test_count;
    const struct setting *settings;
    size_t setting_count;
    struct str class; /* empty: the parser's */
    const struct copy *copies;
    size_t copy_count;
};

struct field {
    struct str key;
    uint16_t path;  /* of JSON: an index of parse_paths */
    uint32_t exact; /* where two keys differ in letter case alone: path_hash of this one, else 0 */
    uint16_t rank;  /* its place in the file: of two that tell one name, the first has it */
    const struct target *targets;
    size_t count;
};

struct pairs_form {
    struct str assign, between;
    struct str quote; /* one byte, or empty */
    bool until_key, escape;
    uint16_t between_of; /* NAME_OTHER: none */
};

struct column_test {
    uint16_t column; /* from 1 */
    const struct wanted *wanted;
    size_t count;
};

struct column_list {
    const struct column_test *tests;
    size_t test_count;
    const struct target *targets;
    size_t count;
};

struct map_case {
    struct wanted from;
    const struct setting *settings;
    size_t count;
};

struct map_rule {
    uint16_t from, to;
    const struct map_case *cases;
    size_t count;
    const struct setting *otherwise;
    size_t otherwise_count;
};

enum step_kind {
    STEP_URL,
    STEP_REQUEST,
    STEP_USER,
    STEP_MAIL,
    STEP_SUM,
    STEP_JOIN,
    STEP_TIME,
    STEP_COPY,
    STEP_SPLIT,
    STEP_IN,
    STEP_PLUS,
    STEP_LABELS,
    STEP_NAMED,
};

/* Of a list of names and values, the value of this name. */
struct pick {
    struct str text;
    const struct target *targets;
    size_t count;
};

struct step {
    uint8_t kind; /* enum step_kind */
    uint16_t from[4];
    size_t from_count;
    const struct target *to;
    size_t to_count;
    struct str text;           /* what stands between */
    const struct piece *match; /* of STEP_IN, or: */
    const struct pairs_form *pairs;
    const struct pick *picks; /* of STEP_NAMED */
    size_t pick_count;
};

enum shape { SHAPE_ROWS, SHAPE_PAIRS, SHAPE_COLUMNS, SHAPE_JSON, SHAPE_CODE, SHAPE_SYSLOG };
enum header_kind { HEADER_NONE, HEADER_ZEEK, HEADER_W3C, HEADER_FIRST };

/* One file of parsers/. */
struct parser {
    struct str name, class, about;
    uint8_t shape;  /* enum shape */
    uint8_t header; /* enum header_kind */
    bool rows_required;
    bool (*code)(struct found *found, struct str text);
    const struct piece *prefix; /* NULL: none */
    const struct row *rows;
    size_t row_count;
    const struct setting *settings; /* where no row decides */
    size_t setting_count;
    const struct pairs_form *pairs;
    char separator, quote; /* of columns */
    bool escape;
    const struct column_list *lists;
    size_t list_count;
    const struct str *columns; /* of a header, where none was seen */
    size_t column_count;
    const struct field *fields; /* by key, of JSON by path */
    size_t field_count;
    struct str others; /* before the names of all other keys; empty: they are not told */
    bool own_names;    /* all keys, under their own names, and `fields` besides */
    const struct str *empty;
    size_t empty_count;
    const struct step *steps;
    size_t step_count;
    const struct map_rule *maps;
    size_t map_count;
    const uint16_t *inner;
    size_t inner_count;
    struct str inner_parser;
    uint16_t inner_program;  /* says whose words they are; NAME_OTHER: nothing does */
    struct str inner_object; /* of JSON: what the names of the object inside begin with */
};

/* A key of a JSON object that must be there, perhaps with a value. */
struct key_mark {
    uint16_t path;
    struct str name;             /* of a header's column */
    bool absent;                 /* it must not be there */
    const struct wanted *wanted; /* one of these, if there are any */
    size_t count;
};

/* A literal that a text has to have, and where its rarest byte is. */
struct contained {
    struct str text;
    uint8_t rare;
};

/* One row of `recognise`; they stand in the order of asking. */
struct mark {
    uint16_t parser;
    const struct wanted *programs;
    size_t program_count;
    const struct str *begins;
    size_t begin_count;
    const struct contained *contains;
    size_t contain_count;
    const struct key_mark *keys;
    size_t key_count;
    uint16_t columns;
    const struct piece *looks; /* NULL: none */
    bool any;
    bool bare; /* asked of texts without a program alone */
};

/* A list of marks, by index. */
struct marks {
    const uint16_t *list;
    size_t count;
};

/* What eight bytes of a text have to be: these in these bits; and digits where 0x80 stands. */
struct window {
    uint64_t mask, bytes, digits;
};

/* What stands at the front in a number of bytes that nobody knows: a word, a number, a time. */
enum run {
    RUN_NONE,
    RUN_WORD,
    RUN_INT,
    RUN_NUM,
    RUN_HEX,
    RUN_ISO,
    RUN_ASCTIME,
    RUN_EPOCH,
    RUN_COUNT,
};

/* A way in which texts begin, or go on behind a run, and the mark that takes such: see front.c. */
struct front {
    struct window at;
    uint16_t mark;
};

#define PASSAGE_PLACES 3

/* A run that texts begin with, perhaps none, and the ways, 64 at most, in which they may go on
 * behind it. */
struct passage {
    uint8_t run;                          /* enum run */
    bool blanks;                          /* they go on behind the blanks that follow it */
    struct window at;                     /* the run's own beginning */
    uint64_t firsts[4];                   /* the bytes that such texts begin with */
    uint64_t behind[PASSAGE_PLACES][256]; /* the ways, a bit for each, that a byte there leaves */
    const struct front *ways;
};

/* Texts by a hash of their ends (dictionary.c); a slot is an index, or UINT16_MAX. */
struct dictionary {
    const struct str *texts;
    size_t count;
    const uint16_t *slots;
    uint8_t bits; /* of the number of slots */
};

/* A literal that is searched for, and four bytes of it: see sift.c. */
struct literal {
    struct str text;
    uint16_t mark;
};

struct gram {
    uint16_t hash;
    uint16_t literal;
    uint8_t offset; /* of the four bytes in the literal */
};

#define SIFT_BITS   15
#define SIFT_FROM   5 /* lower bits that parse_gram_from leaves away */
#define SIFT_STRIDE 4 /* Each literal has three bytes more at least. */

extern const struct str parse_names[];
extern const size_t parse_name_count;
extern const uint8_t parse_name_single[]; /* by name: 1: of ECS, and an event has one of it */
extern const struct peer parse_peers[];
extern const struct parser parse_table[];
extern const size_t parse_table_count;
extern const char *const parse_table_names[]; /* NULL at the end */
extern const struct mark parse_marks[];
extern const size_t parse_mark_count;
extern const struct dictionary parse_paths;   /* of JSON: keys that tell and fields that are told */
extern const uint8_t parse_path_objects[];    /* by path: 1: longer ones begin so */
extern const struct marks parse_path_marks[]; /* those that ask for it, the rarest of their keys */
extern const struct marks parse_header_marks;
extern const struct marks parse_naming_marks; /* of these, whose first line names the columns */
extern const uint64_t parse_naming_first[4];  /* the bytes that such names begin with */
extern const struct dictionary parse_programs;
extern const struct marks parse_program_marks[];    /* by the dictionary's index */
extern const struct marks parse_program_stars[256]; /* whose program ends with '*', by its first */
extern const struct passage parse_passages[];       /* those of one run stand together */
extern const size_t parse_passage_count;
extern const char parse_need_bytes[32];   /* that some mark cannot do without */
extern const uint32_t parse_mark_needs[]; /* which of them, by mark */
extern const struct marks parse_any_marks;
extern const struct marks parse_short_marks; /* whose literals are too short to be searched for */
extern const struct literal parse_literals[];
extern const struct gram parse_grams[]; /* by hash */
extern const size_t parse_gram_count;
extern const uint16_t parse_gram_from[]; /* by a hash's upper bits: the first gram */
extern const uint64_t parse_gram_bits[(1 << SIFT_BITS) / 64]; /* hashes that there are */
