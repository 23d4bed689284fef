#pragma once

/*
 * What a block may hold, in a few kilobytes: filter.c makes it, plan.c asks it.
 *
 * Texts are cut into *runs*: letters, digits and bytes from 0x80 on, as folded.  A run that a query
 * asks for lies within one piece of a record (a value, a gap, a hole or what is between holes),
 * unless pieces meet at a *tight edge*, with such bytes on both sides.
 */

#include "base/arena.h"
#include "base/buf.h"

/* Bytes by kind, a bit each: a to z, 0 to 9, from 0x80 on, and < = >, which combine with marks. */
#define RUN_WIDE  36
#define RUN_MARK  37
#define RUN_OTHER 63
#define RUN_WORDS (((uint64_t)1 << (RUN_WIDE + 1)) - 1)

static inline unsigned run_kind(char c)
{
    unsigned char byte = (unsigned char)c;
    unsigned char low = byte | 0x20;
    if (low >= 'a' && low <= 'z') {
        return (unsigned)(low - 'a');
    }
    if (byte >= '0' && byte <= '9') {
        return 26u + byte - '0';
    }
    return byte >= 0x80 ? RUN_WIDE : byte >= '<' && byte <= '>' ? RUN_MARK : RUN_OTHER;
}

static inline bool run_byte(char c)
{
    return run_kind(c) <= RUN_WIDE;
}

#define GRAM_SIZE     4
#define ALPHABETS_MAX 16

/* What meets at the edges between pieces of a block's records. */
struct edges {
    uint64_t left, right; /* kinds of bytes at tight edges */
    bool wide;            /* folding may join what stands on both sides */
};
/* Whether the run may lie across a tight edge. */
bool edges_cross(const struct edges *edges, struct str run);

/* Kinds of the bytes of texts that consist of digits and fixed words, and their longest run. */
struct alphabet {
    uint64_t kinds;
    uint32_t run_max;
};

struct filter {
    uint64_t *grams, *values; /* FILTER_BITS bits each */
    struct alphabet alphabets[ALPHABETS_MAX];
    uint32_t alphabets_count;
    struct edges edges;
    bool whole; /* some records were never cut: they may hold anything */
    uint64_t salt[2];
    struct arena *scratch;
};

#define FILTER_BITS ((size_t)1 << 20)

/* Adds what a piece of a record holds, as it stands and as it reads if it is a JSON string. */
NODISCARD enum err filter_piece(struct filter *filter, struct str text);
/* Adds a whole value, likewise. */
NODISCARD enum err filter_value(struct filter *filter, struct str text);
void filter_alphabet(struct filter *filter, struct alphabet alphabet);

/* Takes the next run off the front of a folded text; false: there is none. */
bool run_next(struct str *rest, struct str *ret);

/* What of a run is in one piece: a hole of lines may have an escaped tab before it, whose t is a
 * letter (block_split.c). */
static inline struct str run_sure(struct str run)
{
    return run.size > 0 && run.data[0] == 't' ? str_slice(run, 1, run.size) : run;
}

/* ---- A summary, read again. */

struct summary {
    int64_t received[2], happened[2]; /* the least and the most */
    const char *sources;              /* ascending, 4 bytes each */
    const char *alphabets, *names, *grams, *values;
    uint32_t sources_count, alphabets_count, names_count;
    unsigned grams_log, values_log;
    struct edges edges;
    bool whole;
    uint64_t salt[2];
};
uint32_t filter_name(struct str name, const uint64_t salt[2]);
/* Whether a field's value may equal the text; only of names that summary_name does not know. */
bool summary_value(const struct summary *summary, struct str folded);
bool summary_name(const struct summary *summary, struct str name);
/* Whether the text may stand anywhere. */
bool summary_text(const struct summary *summary, struct str folded);
