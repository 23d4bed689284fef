#pragma once

/*
 * What the files of the criteria share (detect/criteria.h).
 *
 *     criteria.c            a generation
 *     criteria_judge.c      an alert's way through it
 *     criteria_when.c       one criterion: its conditions and what follows
 *     criteria_state.c      thresholds: how often a criterion was met lately
 *     criteria_exceptions.c what is agreed not to be reported
 *     criteria_planned.c    planned work
 *     criteria_rules.c      which rules are on
 *     criteria_lists.c      values of placeholders
 *     criteria_assets.c     tables of assets, segments, NAT rows and sources
 *     criteria_hit.c        which of them an event is about
 *     criteria_ends.c       what a record says of the two ends of a connection
 *     criteria_prefixes.c   addresses to numbers by the longest prefix
 *     criteria_type.c       the type of a rule's alerts
 */

#include "base/map.h"
#include "codec/crypto.h"
#include "codec/network.h"
#include "detect/criteria.h"
#include "match/match.h"

#define NONE UINT32_MAX /* no asset, no segment */

/* While a generation is made: texts are copied into `mem`, the documents die with `scratch`. */
struct making {
    struct arena *mem;
    struct arena *scratch;
    struct zones *zones;
    uint64_t seed; /* of tables, out of the bundle's own hash */
    struct why *why;
    const struct element *assets, *table, *sources, *calendars, *contacts, *criteria,
        *detection; /* or NULL */
};

/* ---- Longest prefixes. */

struct prefixes {
    struct map map;       /* a length's byte and the masked address, to the value */
    uint8_t lengths[129]; /* those that occur, the longest first */
    size_t lengths_count;
};

void prefixes_init(struct prefixes *prefixes, uint64_t seed);
void prefixes_done(struct prefixes *prefixes);
/* What was put first for a network stays. */
NODISCARD enum err prefixes_put(struct prefixes *prefixes, const struct network *network,
                                uint32_t value);
bool prefixes_find(const struct prefixes *prefixes, const uint8_t address[ADDRESS_SIZE],
                   uint32_t *ret);

/* ---- Ends. */

enum end_field {
    END_NOTHING,
    END_DESTINATION_IP,
    END_DESTINATION_PORT,
    END_DESTINATION_NAT, /* where the record itself says what is behind NAT */
    END_DESTINATION_NAME,
    END_HOST_IP,
    END_HOST_NAME,
    END_SOURCE_IP,
    END_SOURCE_PORT,
    END_SOURCE_NAME,
    END_OBSERVER_IP,
    END_OBSERVER_NAME,
    END_TRANSPORT,
    END_DIRECTION,
    END_FIELD_COUNT
};

#define END_VALUES_MAX 8   /* of one field; a host has a few addresses */
#define END_TEXT_MAX   253 /* a DNS name; no address is as long */

/* Values as the record has them, none longer than END_TEXT_MAX. */
struct ends {
    struct str values[END_FIELD_COUNT][END_VALUES_MAX];
    uint8_t counts[END_FIELD_COUNT];
    bool client_first; /* such records are about who asks, not about who answers */
};

/* For each name of the batch its end_field. */
NODISCARD enum err ends_names(const struct batch *batch, struct arena *mem, uint8_t **ret);
NODISCARD enum err ends_read(const struct event *event, const uint8_t *names, struct arena *mem,
                             struct ends *ret);
/* The value is an address or a host's name, and so may be shown and looked for. */
bool end_is_plain(struct str value);
/* Lower case, without a last dot, port or brackets; into text. */
struct str end_host(struct str value, char text[END_TEXT_MAX]);

/* ---- Assets. */

enum importance { IMPORTANCE_UNKNOWN, IMPORTANCE_LOW, IMPORTANCE_MEDIUM, IMPORTANCE_HIGH };
enum importance importance_parse(struct str text);

struct asset {
    struct str slug, owner;
    struct str address; /* its first one that is no network, as the document has it */
    uint32_t segment;
    enum importance importance;
    uint32_t networks_first, networks_count;
};

struct segment {
    struct str slug, zone; /* zone: the kind, "dmz" */
};

struct nat {
    uint8_t outside[ADDRESS_SIZE], inside[ADDRESS_SIZE];
    struct str inside_text;
    uint32_t port_first, port_last; /* 0 to 65535: all */
    uint8_t protocol;               /* 0: all */
    uint32_t order;                 /* in the document */
};

struct source {
    uint32_t id, asset;
    struct str slug;
};

struct assets {
    struct asset *assets;
    size_t assets_count;
    struct network *networks; /* of the assets, one behind another */
    size_t networks_count;
    struct segment *segments;
    size_t segments_count;
    struct nat *nat; /* by outside address, then as in the document */
    size_t nat_count;
    struct source *sources; /* by id */
    size_t sources_count;
    struct map slugs;  /* of assets */
    struct map hosts;  /* names, in lower case */
    struct map labels; /* first labels of names; NONE where two assets share one */
    struct prefixes by_network;
    struct prefixes segment_by_network;
};

void assets_init(struct assets *assets, uint64_t seed);
void assets_done(struct assets *assets);
/* enrolled: lines "id slug". */
NODISCARD enum err assets_make(struct assets *assets, const struct making *making,
                               struct str enrolled);

/* 0 for "any" and for nothing at all; PROTOCOL_OTHER for one that NAT rows cannot name. */
#define PROTOCOL_OTHER 255
uint8_t protocol_parse(struct str text);

/* What an event is about. */
struct hit {
    uint32_t asset, segment; /* or NONE */
    struct str source;       /* slug of its log source */
    struct str outside, inside, other;
    uint8_t other_address[ADDRESS_SIZE];
    bool other_known; /* other_address is set */
};

/* Texts are borrowed from the ends and the assets. */
void hit_find(const struct assets *assets, const struct ends *ends, struct source_id source,
              struct hit *ret);

/* ---- One criterion. */

/* Texts to look for: folded to lower case, in order. */
struct texts {
    struct str *list;
    size_t count;
};
#define FOLDED_MAX 255 /* bytes of a text that is looked for; tags, ids and slugs are shorter */
/* The text in lower case (ASCII), in `text`; empty if it is longer than is looked for. */
struct str text_fold(struct str text, char folded[FOLDED_MAX]);

/* What conditions ask of a rule, prepared once for many alerts. */
#define RULE_TAGS_MAX      64   /* of one rule that criteria look at; most have six */
#define RULE_TAGS_SIZE_MAX 2048 /* bytes of them */
struct rule_view {
    const char *id, *tags, *title; /* whose view this is */
    struct str type;
    enum level level;
    struct str folded_id, folded_tags[RULE_TAGS_MAX];
    size_t tags_count;
    uint8_t *asked; /* of each criterion: ASKED_… */
    char id_text[FOLDED_MAX], tags_text[RULE_TAGS_SIZE_MAX];
};
enum asking { ASKED_NOT_YET, ASKED_FITS, ASKED_DOES_NOT };

struct numbers {
    uint32_t *list; /* in order */
    size_t count;
};

struct period {
    struct wall from, to;
};

/* What a threshold counts apart. */
enum counted_by { BY_RULE, BY_ASSET, BY_OTHER };

struct criterion {
    struct str slug;
    /* Of the rule.  A condition that is not given has no list; one that leads nowhere is empty. */
    unsigned levels; /* a bit each; 0: any */
    struct texts rules, tags, types;
    /* Of the event. */
    struct numbers assets, segments;
    bool asks_assets, asks_segments, asks_networks, asks_events;
    struct texts zones, sources; /* slugs and kinds, as they stand */
    unsigned importance;         /* a bit each; 0: any */
    struct prefixes networks;
    struct calendar *calendar; /* borrowed from the generation */
    bool asks_calendar, inside_hours;
    uint32_t at_least; /* 0: no threshold */
    int64_t within_ns;
    enum counted_by by;
    struct period *events;
    size_t events_count;
    struct query *query;
    /* What follows. */
    int incident;        /* 1, 0; -1: not said */
    enum level severity; /* LEVEL_COUNT: not said */
    struct str type, chain, action;
    bool authorised;
};

/* A calendar of the client, made for the criteria that ask for it. */
struct criteria_calendar {
    struct str slug;
    struct calendar *calendar;
};
struct calendars {
    struct criteria_calendar *list;
    size_t count;
};

/* `criterion` is zeroed; call criterion_done whatever is returned. */
NODISCARD enum err criterion_make(struct criterion *criterion, const struct element *item,
                                  const struct assets *assets, const struct calendars *calendars,
                                  const struct making *making);
void criterion_done(struct criterion *criterion);
/* Only what an item says of rules and places: its keys rules, tags, levels, assets, segments.  The
 * criterion is zeroed. */
NODISCARD enum err criterion_concern(struct criterion *criterion, const struct element *item,
                                     const struct assets *assets, const struct making *making);
bool criterion_fits_place(const struct criterion *criterion, const struct assets *assets,
                          const struct hit *hit);
bool criterion_fits_rule(const struct criterion *criterion, const struct rule_view *rule);
NODISCARD enum err criterion_fits_event(const struct criterion *criterion,
                                        const struct assets *assets, const struct hit *hit,
                                        const struct event *event, struct arena *scratch,
                                        bool *ret);

/* Folded copies of the values of a key, in order; no list where nothing is said. */
NODISCARD enum err criterion_texts(const struct element *group, const char *key,
                                   const struct making *making, struct texts *ret);
bool texts_have(const struct texts *texts, struct str folded);
bool numbers_have(const struct numbers *numbers, uint32_t number); /* NONE is in none */
/* A rule as conditions see it, all but `asked`. */
void rule_view_make(struct str id, struct str tags, struct str title, enum level level,
                    struct rule_view *ret);

/* ---- Thresholds. */

/* Counts an alert that fits all else of a criterion; *ret: the threshold is met. */
NODISCARD enum err criteria_state_count(struct criteria_state *state,
                                        const struct criterion *criterion, struct str by,
                                        struct wall at, bool *ret);

/* ---- Exceptions. */

/* One whose text has been read. */
struct exemption {
    const struct expr *expr; /* what is excepted */
    struct str category, product, service;
    bool says_rules, any_rule; /* `rules` of a Sigma filter, and whether it says any */
    struct texts rules;
};

struct exception {
    struct criterion concern;              /* rules and places */
    struct str category, product, service; /* of the log source; empty: any */
    struct wall from, until;
    const struct expr *expr; /* what is excepted; NULL: nothing */
};
struct logsources;
struct exceptions {
    struct exception *list;
    size_t count;
    struct matcher *matcher;
    struct reading *reading; /* working memory: one thread judges with a generation */
    struct logsources *logsources;
};

NODISCARD enum err exceptions_make(struct exceptions *exceptions, const struct assets *assets,
                                   const struct lists *lists, const struct making *making);
void exceptions_done(struct exceptions *exceptions);
NODISCARD enum err exception_fits_event(const struct exceptions *exceptions, size_t index,
                                        const struct assets *assets, const struct hit *hit,
                                        const struct event *event, bool *ret);

/* ---- Planned work. */

struct work {
    struct str slug;
    struct criterion concern; /* places; either will do */
    struct period period;
};
struct works {
    struct work *list;
    size_t count;
};

NODISCARD enum err works_make(struct works *works, const struct assets *assets,
                              const struct making *making);
void works_done(struct works *works);
/* The slug of the first that an event falls into; empty: none. */
struct str works_find(const struct works *works, const struct hit *hit, struct wall at);

/* ---- Rules on and off. */

struct enablement {
    struct criterion concern; /* rules */
    struct texts statuses;
    struct str category, product, service; /* folded; empty: any */
    bool named;                            /* it names rules by id */
    bool on;
};
struct enablements {
    struct enablement *list;
    size_t count;
};

NODISCARD enum err enablements_make(struct enablements *enablements, const struct assets *assets,
                                    const struct making *making);
void enablements_done(struct enablements *enablements);
bool enablements_allow(const struct enablements *enablements, const struct rule_summary *rule);

/* ---- Lists. */

/* NULL where the document has none. */
NODISCARD enum err criteria_lists_make(const struct assets *assets, const struct making *making,
                                       struct lists **ret);

/* ---- A generation. */

struct criteria {
    struct arena *mem;
    char hash[2 * SHA256_SIZE + 1];
    struct str documents;
    struct assets assets;
    struct calendars calendars;
    struct criterion *list; /* NULL: there is no criteria document */
    size_t count;
    struct exceptions exceptions;
    struct works works;
    struct enablements enablements;
    struct lists *lists;      /* or NULL */
    enum level incident_from; /* LEVEL_COUNT: never */
    struct str chain_otherwise, chain_default;
};
