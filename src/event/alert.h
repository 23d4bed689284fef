#pragma once

/*
 * An alert: a rule's opinion of one event that is on disk.  Unique by (client, rule, place,
 * group): the same rule says the same of one stored record at most once, however often it is asked;
 * a correlation may say it of several groups, which the record completes.
 *
 * After the rule the client's criteria have their say (the outcome): what type of thing it is, how
 * grave, whether it is an incident, whom it concerns, what to do first, and under which versions of
 * the client's documents all this was decided.
 *
 * Encoded alerts travel from core to desk; desk decodes them as outside bytes.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/why.h"
#include "event/place.h"

#define ALERT_RECORDS_MAX 100

enum level {
    LEVEL_INFORMATIONAL,
    LEVEL_LOW,
    LEVEL_MEDIUM,
    LEVEL_HIGH,
    LEVEL_CRITICAL,
    LEVEL_COUNT
};

/* What the client's documents make of an alert.  Texts may be empty: nothing is said. */
struct outcome {
    struct str type; /* slug of a type of incident: "sql-injection"; has words under type.… */
    enum level severity;
    bool incident;        /* else it stays an alert */
    struct str criterion; /* slug of the criterion that decided; empty: none did, the rule's level
                             and tags stand */
    struct str chain;     /* slug of the escalation chain in `contacts` */
    struct str action;    /* slug of the first action in `criteria` */
    bool authorised;      /* the provider may take that action without asking (R064) */
    struct str asset;     /* slug in `assets`; the one that was hit, NAT undone */
    struct str owner;     /* slug of a person in `contacts` */
    struct str zone;      /* slug of a segment in `table-1` */
    struct str outside;   /* the address as the record has it, where NAT was undone */
    struct str inside;    /* the address of the asset, in canonical form */
    struct str other;     /* the other end: whom the attack comes from, as far as known; an address
                             in canonical form or a host's name */
    struct str excepted;  /* slug of the exception in `detection` that it falls under; it is no
                             incident, and no criterion was asked */
    struct str planned;   /* slug of the planned work in `calendars` that it falls into; `incident`
                             says whether it is one all the same */
    struct str documents; /* "assets:HASH calendars:HASH …": the versions, sorted */
};

enum alert_kind {
    ALERT_RULE,        /* one event fits a rule */
    ALERT_CORRELATION, /* events together fit a correlation; the place is that of the last one */
    ALERT_KIND_COUNT
};

struct alert {
    enum alert_kind kind;
    struct place place;
    struct source_id source;
    struct wall received; /* the event's arrival */
    struct wall happened; /* the event's own time, WALL_NONE if it has none */
    enum level level;
    struct str rule_id; /* Sigma's id, or the file's path where a rule has none */
    struct str rule_title;
    struct str rule_author;  /* the rules' licence asks that it be shown */
    struct str rule_link;    /* where the rule comes from, may be empty */
    struct str rule_tags;    /* joined by one blank */
    struct str rule_version; /* SHA-256 of the rule's text, in hexadecimal */
    /* Of a correlation: its group as a JSON object of texts, and how many events it counts, with
     * the sequence numbers of the first of them (ALERT_RECORDS_MAX, separated by blanks). */
    struct str group;
    struct str records;
    uint64_t count;
    struct outcome outcome;
};

struct alerts {
    struct alert *list;
    size_t count;
};

const char *level_text(enum level level);
NODISCARD enum err level_parse(struct str text, enum level *ret);

/* Appends one alert's encoding. */
NODISCARD enum err alert_encode(const struct alert *alert, struct buf *out);
/* Takes one alert off the front of *bytes; texts are borrowed from it.  ERR_CORRUPT if it is none.
 */
NODISCARD enum err alert_decode(struct str *bytes, struct alert *ret);
