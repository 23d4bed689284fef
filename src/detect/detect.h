#pragma once

/*
 * Sigma rules over events.  A rule set is immutable and shared by count; a new generation replaces
 * it whole.
 *
 *     ruleset_pack … → ruleset_load → detect_batch … → ruleset_free
 *
 * No rule is ever silently off: what cannot run stands in the report, with file, line and reason.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/why.h"
#include "event/alert.h"
#include "event/batch.h"
#include "tenant/tenant.h"

struct ruleset;

/* Rule texts travel between processes as one bundle. */
NODISCARD enum err ruleset_pack(struct buf *bundle, struct str path, struct str text);

struct rule_problem {
    struct str file;
    uint32_t line;
    struct str reason;
};
struct ruleset_report {
    size_t files, rules, correlations, filters, loaded;
    struct rule_problem *refused; /* in mem */
    size_t refused_count;
    struct rule_problem *needs_values; /* reason: the placeholder's name */
    size_t needs_values_count;
};

/* A loaded rule, by index < ruleset_rules: what an alert of it would say.  Borrowed. */
struct rule_summary {
    struct str id, title, author, link, tags, version;
    struct str category, product, service;
    enum level level;
};

/* Compiles every rule of a bundle that can run; the others are in the report (made in mem).  Fails
 * only when the bundle itself is broken or memory is short. */
NODISCARD enum err ruleset_load(struct str bundle, struct arena *mem, struct ruleset **ret,
                                struct ruleset_report *ret_report, struct why *why);
void ruleset_free(struct ruleset *ruleset);
size_t ruleset_rules(const struct ruleset *ruleset);
void ruleset_rule(const struct ruleset *ruleset, size_t index, struct rule_summary *ret);
struct str ruleset_hash(const struct ruleset *ruleset); /* SHA-256 in hexadecimal; its name */

/* Judges a batch whose first event lies at `first`.  ERR_DENIED unless the scope may append for its
 * client.  Alerts come in the order of events, then of rules; their texts are borrowed from the
 * rule set. */
NODISCARD enum err detect_batch(const struct scope *scope, const struct ruleset *ruleset,
                                const struct batch *batch, struct place first, struct arena *turn,
                                struct alerts *ret);
/* The same without a scope, for events that belong to no client of the installation: files that
 * `hinomi scan` reads, and proofs of rules.  The place's client is 0. */
NODISCARD enum err ruleset_judge(const struct ruleset *ruleset, const struct batch *batch,
                                 struct arena *turn, struct alerts *ret);
