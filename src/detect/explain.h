#pragma once

/*
 * Why a rule held for an event, or why it did not: its condition, its selections and every
 * predicate with what the event had there.
 *
 *     explain_rule → explanation_json, explanation_text
 *
 * The rule is compiled alone from its text, with filters and pipelines of its bundle; what it
 * answers is what the rule set answers.
 */

#include "detect/detect.h"

/* A node of the answer.  A condition has selections and their joins below it, a selection its
 * items, an item its values. */
struct explanation {
    struct str
        what; /* as the rule spells it: "Image|endswith: \\\\cmd.exe", "selection and not filter" */
    bool holds;
    struct str found; /* of an item: what the event has there, cut to 1,000 bytes; empty without */
    bool missing;     /* of an item: the event does not have the field */
    struct str note; /* why it cannot hold at all, e.g. a placeholder without values; empty: none */
    struct explanation *children;
    size_t count;
};

struct explained {
    struct rule_summary rule; /* in mem */
    struct str class;         /* of the event */
    bool routed;              /* the rule's log source fits the event's class */
    bool held;                /* routed, and the condition holds */
    struct explanation condition;
    struct explanation *filters; /* those that are applied to the rule */
    size_t filters_count;
};

/* `rule`: id or name of a rule in the bundle.  ERR_NOT_FOUND; ERR_UNSUPPORTED with the reason why
 * the rule cannot run, or for a correlation. */
NODISCARD enum err explain_rule(struct str bundle, struct str rule, const struct event *event,
                                const struct lists *lists, struct arena *mem, struct explained *ret,
                                struct why *why);
NODISCARD enum err explanation_json(const struct explained *explained, struct buf *out);
/* For a terminal: indented, a line a node, control characters escaped. */
NODISCARD enum err explanation_text(const struct explained *explained, struct buf *out);
