#pragma once

/*
 * Sigma over events: rules, filters, correlations.  A rule set is compiled once and never changes;
 * a new generation replaces it whole.  Whoever judges has a judge of its own (working memory: one
 * for each thread), and for correlations a correlator (detect/correlator.h) for each client.
 *
 *     ruleset_pack … → ruleset_load, or ruleset_decode
 *         → judge_new → (detect_batch → correlator_feed …) … → judge_free → ruleset_free
 *
 * No rule is ever silently off: what cannot run stands in the report, with file, line and reason.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/why.h"
#include "event/alert.h"
#include "event/batch.h"
#include "match/match.h"
#include "tenant/tenant.h"

struct ruleset;

/* ---- Loading. */

/* Rule texts travel between processes as one bundle.  A pipeline (docs/sigma.md) is packed like a
 * rule; those of a bundle are applied to all its rules, in order of their priority, then of their
 * place in the bundle. */
NODISCARD enum err ruleset_pack(struct buf *bundle, struct str path, struct str text);

/* Takes the next file off the front of a bundle; ERR_CORRUPT. */
NODISCARD enum err ruleset_unpack(struct str *bundle, struct str *ret_path, struct str *ret_text);

struct rule_problem {
    struct str file;
    uint32_t line;
    struct str reason;
};
struct problems {
    struct rule_problem *list;
    size_t count;
};
struct ruleset_report {
    size_t files, rules, correlations, filters, pipelines;
    size_t loaded; /* rules and correlations that run, filters that are applied */
    struct problems refused;
    /* Rules that wait for the values of a placeholder, which neither a pipeline nor the reader's
     * lists give; reason: the placeholder's name.  They are loaded, and hold for nothing until the
     * lists of whoever judges have the name. */
    struct problems needs_values;
    /* Loaded rules that have no guard, so that every event of their class is held against them;
     * reason: why not. */
    struct problems unguarded;
};

/* Compiles every rule of a bundle that can run; the others are in the report (made in mem).  Fails
 * only when the bundle itself is broken or memory is short. */
NODISCARD enum err ruleset_load(struct str bundle, struct arena *mem, struct ruleset **ret,
                                struct ruleset_report *ret_report, struct why *why);
/* The report as `hinomi rules check --json` shows it (interfaces: check), without a line end. */
NODISCARD enum err ruleset_report_print(const struct ruleset_report *report, struct buf *out);
/* The compiled set as bytes, which this program on this processor reads in a hundredth of the time
 * that it takes to compile.  They are trusted: only what ruleset_encode wrote may be decoded, so a
 * cache of them belongs into a folder that nobody else writes.  ERR_UNSUPPORTED: another version
 * of the program wrote them, or for another processor; compile anew.  The report is in mem. */
NODISCARD enum err ruleset_encode(const struct ruleset *ruleset, struct buf *out);
NODISCARD enum err ruleset_decode(struct str bytes, struct arena *mem, struct ruleset **ret,
                                  struct ruleset_report *ret_report, struct why *why);
void ruleset_free(struct ruleset *ruleset);

/* ---- What a set says of itself. */

/* A loaded rule or correlation, by index < ruleset_rules: what an alert of it would say.  Borrowed.
 */
struct rule_summary {
    enum alert_kind kind;
    struct str id, name, title, author, link, tags, version, file;
    struct str category, product, service, status; /* of rules */
    enum level level;
    struct str type; /* of incident */
    bool feeds;      /* a correlation leans on it */
    bool raises;     /* it raises alerts of its own: nothing leans on it, or `generate` says so, or
                        it is a correlation with a level of its own */
};
size_t ruleset_rules(const struct ruleset *ruleset);
void ruleset_rule(const struct ruleset *ruleset, size_t index, struct rule_summary *ret);
/* By id or name; ERR_NOT_FOUND. */
NODISCARD enum err ruleset_find(const struct ruleset *ruleset, struct str id, size_t *ret);
struct str
ruleset_hash(const struct ruleset *ruleset); /* SHA-256 of the bundle in hexadecimal; its name */

/* ---- Judging. */

struct judge;

NODISCARD enum err judge_new(const struct ruleset *ruleset, struct judge **ret);
void judge_free(struct judge *judge);
/* From the next batch on: the values of placeholders, and which rules are off (a byte each by
 * index, not 0: off), both of the client that is judged for.  NULL: none.  Borrowed until the next
 * call; calling it with what stands already costs nothing. */
void judge_for(struct judge *judge, const struct lists *lists, const uint8_t *off);

/* From the next batch on, every rule of an event's class is held against it, not only those whose
 * guard has fired: slow, and for the proof that both give the same. */
void judge_exhaustively(struct judge *judge);

/* A rule that a correlation leans on has held for an event.  `values`: those of the fields that
 * correlations ask for, packed by correlation_values (private to the room). */
struct sighting {
    uint32_t rule; /* index in the rule set */
    struct place place;
    struct source_id source;
    struct wall received;
    struct wall at; /* the event's own time, else that of its arrival */
    struct str values;
};
struct sightings {
    struct sighting *list;
    size_t count;
};

/* Alerts come in the order of events, then of rules; their texts are borrowed from the rule set.
 * Sightings come in the order of events, then of rules; values are made in `turn`. */
struct verdicts {
    struct alerts alerts;
    struct sightings sightings;
};

/* Judges a batch whose first event lies at `first`.  ERR_DENIED unless the scope may append for its
 * client. */
NODISCARD enum err detect_batch(const struct scope *scope, struct judge *judge,
                                const struct batch *batch, struct place first, struct arena *turn,
                                struct verdicts *ret);
/* The same without a scope, for events that belong to no client of the installation: files that
 * `hinomi scan` reads, and proofs of rules.  The place's client is 0. */
NODISCARD enum err judge_batch(struct judge *judge, const struct batch *batch, struct arena *turn,
                               struct verdicts *ret);
