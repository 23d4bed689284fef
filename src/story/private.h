#pragma once

/* What the files of story/ share. */

#include "codec/yaml.h"
#include "story/story.h"

#define PHASES_MAX     64
#define DEVICES_MAX    64
#define LISTS_MAX      64
#define LIST_ITEMS_MAX 4096
#define LINES_MAX      256 /* of one phase */
#define FIELDS_MAX     32  /* of a line of JSON */
#define LINE_SIZE_MAX  ((size_t)64 * 1024)

/* ---- draw.c: lots. */

struct draw {
    uint64_t state;
};
uint64_t draw_next(struct draw *draw);
/* 0 … below - 1; 0 if below is 0. */
uint64_t draw_below(struct draw *draw, uint64_t below);

/* ---- text.c: a line with its placeholders. */

struct list {
    struct str name;
    struct str *items;
    size_t count;
};
struct lists {
    struct list *list;
    size_t count;
};

enum piece_kind {
    PIECE_LITERAL,
    PIECE_TIME_CLF,
    PIECE_TIME_RFC3164,
    PIECE_TIME_RFC3339,
    PIECE_TIME_EPOCH,
    PIECE_PICK,
    PIECE_EACH,
    PIECE_SAME,
    PIECE_NUMBER,
    PIECE_SERIAL
};
struct piece {
    enum piece_kind kind;
    struct str literal;
    size_t list;
    uint64_t from, to;
};
struct text {
    struct piece *pieces;
    size_t count;
};

/* What a text is said with. */
struct said {
    const struct lists *lists;
    const size_t *same; /* of each list, the item that was chosen for the telling */
    struct draw *draw;
    uint64_t turn; /* how often this phase has spoken before */
    struct wall stamp;
};

NODISCARD enum err text_parse(const struct yaml_node *node, const struct lists *lists,
                              struct arena *mem, struct text *ret, struct why *why);
NODISCARD enum err text_say(const struct text *text, const struct said *said, struct buf *out);
/* "Nov 22 08:30:00". */
NODISCARD enum err stamp_rfc3164(struct wall wall, struct buf *out);

/* ---- line.c: what a device writes. */

struct field {
    struct str name;
    struct text text;
    bool number; /* written as a number */
};
struct line {
    size_t device;
    struct text text;
    struct field *fields; /* of STORY_JSON */
    size_t fields_count;
    uint64_t weight;
};
NODISCARD enum err line_say(const struct story_device *device, const struct line *line,
                            const struct said *said, struct buf *out);

/* ---- read.c: the whole. */

struct phase {
    int64_t at_ns;
    int64_t lasts_ns; /* 0: for as long as `times` takes */
    int64_t every_ns; /* 0: per_hour */
    uint64_t times;   /* 0: as long as it lasts */
    uint64_t per_hour[24];
    struct line *lines;
    size_t lines_count;
    uint64_t weights;
};
struct story {
    struct str name_ja, name_en;
    uint64_t seed;
    int64_t zone_ns;
    struct lists lists;
    struct story_device *devices;
    size_t devices_count;
    struct phase *phases;
    size_t phases_count;
};
