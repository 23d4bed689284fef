#pragma once

/* What the files of replay/ share. */

#include "event/builder.h"
#include "replay/replay.h"
#include "sys/input.h"

/* ---- records.c: an input cut into records. */

enum records_kind { RECORDS_TEXT, RECORDS_JSON };

struct records {
    struct input *input;
    enum records_kind kind;
    struct buf window; /* what was read and not yet given out, from `at` on */
    size_t at;
    bool ended;    /* the input has no more */
    bool skipping; /* within a line that was too long */
    uint64_t bytes;
};

/* Reads the beginning and recognises what it is; ERR_UNSUPPORTED says why it cannot be read.  Ended
 * by records_done, also after an error. */
NODISCARD enum err records_begin(struct records *records, struct input *input, const char *path,
                                 struct why *why);
/* The next record, valid until the next call.  ERR_CLOSED at the end; ERR_LIMIT for one that was
 * too long and has been passed over; other errors end the file. */
NODISCARD enum err records_next(struct records *records, struct str *ret, struct why *why);
void records_done(struct records *records);

/* ---- render.c: an alert as a line. */

struct origin {
    struct str file;
    uint64_t record;
};
NODISCARD enum err render_alert(enum replay_format format, const struct alert *alert,
                                const struct event *event, const struct origin *origin,
                                struct arena *scratch, struct buf *out);
/* The line above the others; false if the format has none. */
bool render_head(enum replay_format format, struct str *ret);
