#pragma once

/*
 * Detection over what is past: rules run over files, and rules tried on their own proofs.
 *
 *     rules_gather → ruleset_load → replay_new → replay_path … → replay_stats → replay_free
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

enum replay_format { REPLAY_NDJSON, REPLAY_TABLE, REPLAY_CSV };

struct replay_options {
    const struct ruleset *ruleset; /* referenced until replay_free */
    enum replay_format format;
    struct wall now;            /* gives RFC 3164 its year, nothing else */
    struct mono (*clock)(void); /* for the statistics */
    /* A line of output, without its end. */
    enum err (*line)(void *context, struct str line);
    replay_complain *complain;
    void *context; /* of both */
};

struct replay_stats {
    uint64_t files, events, bytes, alerts, complaints;
    int64_t read_ns, parse_ns, match_ns;
};

struct replay;

NODISCARD enum err replay_new(const struct replay_options *options, struct replay **ret);
/* A file, a folder, or "-".  JSON (lines, an array, objects one after another) and the text logs
 * that parse/ knows; anything else is complained of.  Errors are those of `line`, or of memory. */
NODISCARD enum err replay_path(struct replay *replay, const char *path);
void replay_stats(const struct replay *replay, struct replay_stats *ret);
void replay_free(struct replay *replay);

/*
 * Each rule beside its proof: NAME.yml, NAME.match (lines that must raise its alert) and
 * NAME.silent (lines that must not), a record a line.
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
