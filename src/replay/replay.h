#pragma once

/*
 * Detection over what is past: rules run over files, and rules tried on their own proofs.
 *
 *     rules_gather → ruleset_load → replay_new → replay_path … → replay_run → replay_free
 *     replay_prove
 *
 * Scan raises what the live service would raise for the same records under the same rules.
 */

#include "base/buf.h"
#include "base/clock.h"
#include "base/why.h"
#include "detect/detect.h"

/* Tells a file that could not be read whole, and why; the rest goes on. */
typedef void replay_complain(void *context, const char *path, const char *reason);

/* Packs every .yml and .yaml file at or below a path.  *complaints counts what was complained of.
 */
NODISCARD enum err rules_gather(struct buf *bundle, const char *path, replay_complain *complain,
                                void *context, size_t *complaints);

/* The same for one file, whatever it is called: a pipeline. */
NODISCARD enum err rules_gather_file(struct buf *bundle, const char *path,
                                     replay_complain *complain, void *context, size_t *complaints);

enum replay_format { REPLAY_NDJSON, REPLAY_TABLE, REPLAY_CSV };

struct replay_stats {
    uint64_t files, events, alerts, correlations, complaints;
    uint64_t bytes;  /* that were judged: unpacked, and as UTF-8 */
    uint64_t packed; /* of the files themselves */
    uint64_t total;  /* of all files that are to be scanned, as far as that is known */
    int64_t read_ns, parse_ns, match_ns; /* by `clock`, of all threads together */
};

struct replay_options {
    const struct ruleset *ruleset; /* referenced until replay_free */
    enum replay_format format;
    unsigned threads;           /* 0: one */
    unsigned width;             /* of a table, in columns */
    bool colour;                /* in a table */
    struct wall now;            /* gives RFC 3164 its year, and events without a time theirs */
    struct mono (*clock)(void); /* of the calling thread; a few times a block */
    /* A line of output, without its end. */
    enum err (*line)(void *context, struct str line);
    /* Not NULL: nothing is judged; each event is given here instead, with its number in its stream.
     * ERR_CLOSED: enough. */
    enum err (*event)(void *context, uint64_t record, const struct event *event);
    replay_complain *complain;
    /* Now and then, while replay_run runs; NULL: nobody wants to know. */
    void (*progress)(void *context, const struct replay_stats *stats);
    void *context; /* of all these; they are called by one thread at a time, whichever it is */
};

struct replay;

NODISCARD enum err replay_new(const struct replay_options *options, struct replay **ret);
/* A file, a folder, or "-" is to be scanned too: EVTX, JSON, event XML, CSV, Zeek's tables, the
 * text logs that parse/ knows, in archives too.  What cannot be listed is complained of. */
NODISCARD enum err replay_path(struct replay *replay, const char *path);
/* Scans all of them.  Lines come in the order of paths, members and records, whatever the number of
 * threads; correlations come after the last file.  What cannot be read is complained of.  Errors
 * are those of `line`, or of memory. */
NODISCARD enum err replay_run(struct replay *replay);
void replay_stats(const struct replay *replay, struct replay_stats *ret);
void replay_free(struct replay *replay);

/*
 * Each rule beside its proof: NAME.yml, NAME.match (lines that must raise its alert) and
 * NAME.silent (lines that must not), a record a line.  Where NAME.yml has correlations, lines up to
 * an empty one belong together.
 */
struct proof_result {
    const char *path; /* the proof, or the rule if it has none */
    size_t line;      /* 0: the whole file */
    const char *what; /* one sentence, NULL if it held */
};
struct proof_counts {
    size_t rules, lines, failed;
};
NODISCARD enum err replay_prove(const char *path, struct wall now,
                                void (*tell)(void *context, const struct proof_result *result),
                                void *context, struct proof_counts *ret, struct why *why);
