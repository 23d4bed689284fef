#pragma once

/*
 * What the files of evtx share: evtx.c walks a chunk's records, evtx_compile.c turns BinXML into
 * programs, evtx_run.c runs these into fields, evtx_value.c writes values.
 */

#include "base/buf.h"
#include "base/bytes.h"
#include "base/map.h"
#include "codec/evtx.h"
#include "codec/winevent.h"

#define EVTX_DEPTH_MAX 8 /* Fragments within values within fragments; Windows makes two. */

/* Of one chunk, so that whatever a file says of itself costs linear time.  Real chunks take a
 * twentieth of either. */
#define EVTX_STEPS_MAX (1 << 18)         /* Tokens compiled and steps run. */
#define EVTX_TEXT_MAX  (4 * 1024 * 1024) /* Bytes of fields and of compiled text. */

/* Types of values: MS-EVEN6, 2.2.12; 0x80 is added for an array. */
enum evtx_type {
    EVTX_NULL = 0x00,
    EVTX_STRING = 0x01,
    EVTX_ANSI = 0x02,
    EVTX_INT8 = 0x03,
    EVTX_UINT8 = 0x04,
    EVTX_INT16 = 0x05,
    EVTX_UINT16 = 0x06,
    EVTX_INT32 = 0x07,
    EVTX_UINT32 = 0x08,
    EVTX_INT64 = 0x09,
    EVTX_UINT64 = 0x0a,
    EVTX_REAL32 = 0x0b,
    EVTX_REAL64 = 0x0c,
    EVTX_BOOL = 0x0d,
    EVTX_BINARY = 0x0e,
    EVTX_GUID = 0x0f,
    EVTX_SIZE = 0x10,
    EVTX_FILETIME = 0x11,
    EVTX_SYSTEMTIME = 0x12,
    EVTX_SID = 0x13,
    EVTX_HEX32 = 0x14,
    EVTX_HEX64 = 0x15,
    EVTX_HANDLE = 0x20,
    EVTX_BINXML = 0x21,
    EVTX_XML = 0x23,
    EVTX_ARRAY = 0x80,
};

struct evtx_value {
    uint32_t at; /* in the chunk */
    uint16_t size;
    uint8_t type;
};

/* A step of a program.  Text lies in evtx.texts, ready for JSON. */
enum evtx_step_kind {
    EVTX_FIELD_SLOT, /* a field whose value is a slot's; if that is BinXML, the fields in it */
    EVTX_FIELD_TEXT, /* a field whose value is the text */
    EVTX_NAME_BEGIN, /* pieces of the name follow */
    EVTX_BEGIN,      /* a field; the pieces of its value follow */
    EVTX_PIECE_TEXT,
    EVTX_PIECE_SLOT,
    EVTX_END,
    EVTX_NEST,     /* the fields in a slot, if it holds BinXML */
    EVTX_INSTANCE, /* of another template: `text` and `text_size` say where in the chunk */
};
struct evtx_step {
    uint8_t kind;   /* enum evtx_step_kind */
    uint8_t inside; /* enum winevent_at of what a slot's BinXML holds */
    bool omit;      /* no field where the slot is null */
    bool time;      /* the event's time */
    uint16_t slot;
    uint32_t name; /* EVTX_NAMELESS: what the pieces between NAME_BEGIN and BEGIN made */
    uint32_t text, text_size;
};
#define EVTX_NAMELESS UINT32_MAX

struct evtx_program {
    uint32_t key; /* where its definition stands, and what it was compiled for */
    uint32_t first, count;
    bool broken; /* the definition broke off */
};

/* A name of a field, kept as long as the reader. */
struct evtx_name {
    uint32_t at, size; /* in names_text: "Name": with quotes and colon */
    uint32_t record;   /* the last record that had it */
    uint32_t member;   /* its last member there */
    uint32_t alias[2]; /* the same without blanks, and with underscores; 0: none */
};

/* A field of the record at hand. */
struct evtx_member {
    uint32_t name;
    uint32_t value, value_size; /* in `out`, with its quotes */
    uint32_t next;              /* of the same name; 0: none */
    bool again;                 /* not the first of its name */
};

#define EVTX_PROGRAMS_MAX 2048 /* Of one chunk; real ones have some thirty. */
#define EVTX_NAMES_MAX    65536
#define EVTX_MEMBERS_MAX  16384 /* Of one record. */
#define EVTX_SLOTS_MAX    (EVTX_DEPTH_MAX * (EVTX_CHUNK_SIZE / 4))

struct evtx {
    const unsigned char *chunk;
    size_t size;
    size_t steps_left, text_left;

    struct evtx_step *steps; /* of this chunk's programs */
    size_t steps_count, steps_capacity;
    struct buf texts;
    struct evtx_program programs[EVTX_PROGRAMS_MAX];
    size_t programs_count;
    uint16_t program_slots[2 * EVTX_PROGRAMS_MAX]; /* a table by key; 0: empty */

    struct map names_map;    /* "Name": → its index */
    struct evtx_name *names; /* the first is none */
    size_t names_count, names_capacity;
    struct buf names_text;

    struct evtx_value *slots; /* of the instances that are being run, the outermost first */
    size_t slots_count, slots_capacity;
    struct evtx_member *members; /* of this record; the first is none */
    size_t members_count;
    bool repeated; /* some name stands twice in this record */
    uint32_t record;
    struct buf out;
    size_t whole;      /* of `out`, up to the end of its last field */
    struct buf merged; /* `out` again, with lists */

    enum err err;     /* ERR_MEMORY: ends the chunk */
    const char *what; /* why the record at hand broke off; NULL if it did not */
};

/* Says why the record breaks off, unless that was said already; returns false. */
bool evtx_break(struct evtx *evtx, const char *what);
bool evtx_no_memory(struct evtx *evtx); /* the same, and ends the chunk */
/* Takes from what the chunk may cost. */
bool evtx_spend(struct evtx *evtx, size_t steps, size_t text);

/* ---- evtx_compile.c */

/* The program of the template definition at an offset, for a place in the event. */
const struct evtx_program *evtx_template(struct evtx *evtx, size_t at, enum winevent_at where);
/* Compiles what stands between two offsets as one element; *at moves behind it.  `dependency`:
 * elements begin with a dependency identifier. */
struct evtx_program evtx_compile(struct evtx *evtx, size_t *at, size_t end, enum winevent_at where,
                                 bool dependency);

/* ---- evtx_run.c */

/* An instance of a template: where its definition and its slots' values are described. */
struct evtx_instance {
    size_t definition;
    size_t slots, count; /* `count` times size u16, type u8, nothing u8; then the values */
    size_t end;
};
/* Reads one that stands behind its token. */
bool evtx_instance_read(struct evtx *evtx, size_t at, size_t end, struct evtx_instance *ret);
/* The index of the name whose JSON text this is (without quotes); 0 after evtx_break. */
uint32_t evtx_name_find(struct evtx *evtx, struct str name);
/* Runs a record's BinXML and leaves its JSON in *ret, also if it broke off. */
void evtx_record_run(struct evtx *evtx, size_t at, size_t end, struct str *ret);

/* ---- evtx_value.c */

/* Bytes that evtx_value_write may need. */
size_t evtx_value_room(size_t size);
/* Writes a value that is no array as the inside of a JSON string; NULL if its size does not fit its
 * type. */
char *evtx_value_write(char *to, unsigned type, const unsigned char *data, size_t size);
/* The next item of an array; false if there is none. */
bool evtx_item_next(unsigned type, const unsigned char *data, size_t size, size_t *at,
                    struct str *ret);
/* FILETIME, 100 ns since 1601; WALL_NONE for what we cannot tell. */
struct wall evtx_filetime(uint64_t ticks);
/* RFC 3339, `digits` (7 or 9) of a second; `to` has 40 bytes. */
char *evtx_filetime_print(char *to, uint64_t ticks, unsigned digits);
