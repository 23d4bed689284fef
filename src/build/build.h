#pragma once

/*
 * The health of what sends us logs (R052, R133): a *vigil* is kept over each source, learns what is
 * usual for it, and says what ails it.  What ails a device is kept, told to whoever has to see to
 * it, and ends by itself (ailments.c).
 *
 *     vigil_new → vigil_see … vigil_judge … → vigil_free
 *     ailments_turn …, ailment_list
 *
 * Judging is arithmetic: it is told the time, asks nobody, and gives the same for the same.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "tenant/tenant.h"

struct ledger;
struct service;

/* What can ail a source. */
enum ailment {
    AILMENT_SILENT,      /* nothing comes */
    AILMENT_HALF_SILENT, /* one type of its records, or one source of a device, does not come */
    AILMENT_SLOW,        /* records come later and later after they happened */
    AILMENT_CLOCK,       /* its clock is wrong */
    AILMENT_PARSE,       /* many records cannot be read */
    AILMENT_FEW,         /* far fewer records than usual */
    AILMENT_MANY,        /* far more records than usual */
    AILMENT_FLOOD,       /* a sudden flood */
    AILMENT_QUOTA,       /* it sends more than it may, and is slowed down */
    AILMENT_CHAIN,       /* the service's own: a heartbeat did not come through */
    AILMENT_DISK_SHORT,  /* and: its disk does not hold what was promised to be kept */
    AILMENT_DISK_SOON,   /* it will be full within the days in which somebody has to act */
    AILMENT_COUNT
};
const char *ailment_text(enum ailment ailment); /* "device-silent", …: a type in words/types.yaml */
NODISCARD enum err ailment_parse(struct str text, enum ailment *ret);

#define VIGIL_KINDS_MAX 8 /* types of records of one source that are watched one by one */
#define KIND_TEXT_MAX   63
#define VIGIL_BYTES_MAX 8192
#define VIGIL_EVERY_NS  (5 * NS_PER_SECOND) /* how often a vigil should be seen and judged */

/* What was seen of a source since the last time. */
struct seen_kind {
    struct str name; /* "parser" or "parser class" */
    uint64_t count;
};
struct seen {
    struct wall heard; /* when a record last came; WALL_NONE: never */
    uint64_t records;  /* that came */
    uint64_t failures; /* of them could not be parsed */
    uint64_t slowed;   /* were refused or held back for the quota */
    bool lag_known;
    int64_t lag_ns; /* the median of: received − happened */
    const struct seen_kind *kinds;
    size_t kinds_count;
};

/* What the signed definition of the source says, if it says anything. */
struct vigil_rule {
    int64_t silence_ns;      /* a fixed limit; 0: the learned rhythm */
    const struct str *types; /* of records that are expected: begins of a kind's name */
    size_t types_count;
    struct wall listening; /* since when we could have heard it; WALL_NONE: all the time */
    bool stopped;          /* nothing is expected any more */
    struct wall since;     /* from when on something is expected; WALL_NONE: once it was heard */
};

/* Out of the client's documents that are effective.  watched_since counts for a source whose status
 * is `arriving`: it is expected. */
NODISCARD enum err vigil_rule_read(const struct scope *scope, struct service *service,
                                   struct client_id client, struct str source,
                                   struct wall watched_since, struct arena *mem,
                                   struct vigil_rule *ret);

/* What ails it now. */
struct finding {
    enum ailment ailment;
    char detail[KIND_TEXT_MAX + 1]; /* a type of records; else empty */
    int64_t is, usual;              /* in the ailment's unit: ns, records, or per mille */
};
#define FINDINGS_MAX (AILMENT_COUNT + VIGIL_KINDS_MAX)

struct vigil;
struct vigil *vigil_new(void); /* NULL when out of memory. */
void vigil_free(struct vigil *vigil);
/* Its state as bytes that a later start goes on from; ERR_CORRUPT for others. */
NODISCARD enum err vigil_encode(const struct vigil *vigil, struct buf *out);
NODISCARD enum err vigil_decode(struct str bytes, struct vigil *vigil);

/* Nobody watched until now: what was missed teaches nothing.  After vigil_decode. */
void vigil_resume(struct vigil *vigil, struct wall now);

/* Takes in what came since the last call. */
void vigil_see(struct vigil *vigil, const struct seen *seen, struct wall now);
/* What ails it; with hysteresis, so call it regularly.  Returns how many there are. */
size_t vigil_judge(struct vigil *vigil, const struct vigil_rule *rule, struct wall now,
                   struct finding list[FINDINGS_MAX]);

/* For people. */
struct vigil_kind_view {
    const char *name;
    uint64_t count; /* since the vigil began */
    struct wall heard;
};
struct vigil_view {
    struct wall heard;
    bool learned;        /* its rhythm is known */
    int64_t expected_ns; /* the longest silence that is no ailment, counted from `heard`; 0: not
                            known */
    bool lag_known;
    int64_t lag_ns;               /* of the last ten minutes, the median */
    uint64_t failures, records;   /* of the last ten minutes */
    double usual_low, usual_high; /* records of this hour */
    struct vigil_kind_view kinds[VIGIL_KINDS_MAX];
    size_t kinds_count;
};
void vigil_look(const struct vigil *vigil, const struct vigil_rule *rule, struct wall now,
                struct vigil_view *ret);

/* ---- ailments.c: the ledger's rows. */

/* What ails one device at this moment, by source. */
struct ailing {
    struct client_id client;
    struct source_id source;
    struct str source_slug;
    struct str device; /* its slug */
    bool provided;     /* the device is the provider's: its client need not see to it */
    bool others_heard; /* another source of the device is well heard */
    const struct finding *findings;
    size_t count;
};
struct ailments_settings {
    struct ledger *ledger;
    struct tenant *tenant;
    struct service *service;
};
/* Opens what is new, ends what is over, tells people, all in the caller's transaction.  Planned
 * work of the client's calendar holds the telling back.  RIGHT_SERVE.  *ret_changed: a row is
 * another. */
NODISCARD enum err ailments_turn(const struct scope *scope, const struct ailments_settings *at,
                                 const struct ailing *list, size_t count, struct wall now,
                                 bool *ret_changed);

struct ailment_view {
    uint64_t id;
    struct client_id client;
    struct str device; /* empty: of a storm, or of the service's own chain */
    struct str source; /* slug */
    enum ailment ailment;
    struct str detail;
    int64_t is, usual;
    struct wall opened, closed; /* closed: WALL_NONE while it lasts */
    uint64_t storm;             /* told with this one; 0: on its own */
    uint64_t members;           /* of a storm */
    struct str planned;         /* slug of the planned work that it belongs to */
    bool told;                  /* somebody was told */
    bool provider;              /* the provider's people alone were */
};
/* Newest first, those that last before the others, at most limit.  RIGHT_BOOKS; a client's own
 * people do not hear of the provider's chain.  client 0: every client for which the scope has the
 * right. */
NODISCARD enum err ailment_list(const struct scope *scope, struct ledger *ledger,
                                struct client_id client, bool open_only, size_t limit,
                                struct arena *mem, struct ailment_view **ret, size_t *ret_count);

/* ---- heartbeats.c: one a minute and client, through the whole chain. */

struct heartbeats;
struct heartbeats *heartbeats_new(void); /* NULL when out of memory. */
void heartbeats_free(struct heartbeats *heartbeats);
/* The next record, signed, made in mem; from now on it is waited for. */
NODISCARD enum err heartbeat_make(struct heartbeats *heartbeats, struct service *service,
                                  const struct client_info *client, struct wall now,
                                  struct arena *mem, struct str *ret);
/* A record came out at the end of the chain; one that is none, or not of these, changes nothing. */
void heartbeat_came(struct heartbeats *heartbeats, struct client_id client, struct str record,
                    struct wall now);
struct heartbeat_view {
    struct wall came; /* the last; WALL_NONE: none yet */
    int64_t latency_ns;
    uint64_t missed; /* in a row */
    bool broken;
};
/* False: none was sent for this client yet. */
bool heartbeat_look(const struct heartbeats *heartbeats, struct client_id client,
                    struct heartbeat_view *ret);

/* ---- vigils.c: the vigils over all sources, in desk. */

struct books;
struct vigils;
/* Goes on from what the ledger has; the settings are kept. */
NODISCARD enum err vigils_new(const struct ailments_settings *settings, struct wall now,
                              struct vigils **ret);
void vigils_free(struct vigils *vigils);
struct heartbeats *vigils_heartbeats(struct vigils *vigils);
/* What core counted of a source since the last time: kinds and lag. */
NODISCARD enum err vigils_gather(struct vigils *vigils, struct source_id source,
                                 const struct seen *seen, struct wall now);
/* Every VIGIL_EVERY_NS, in the caller's transaction.  listening: since when front listens. */
NODISCARD enum err vigils_turn(const struct scope *scope, struct vigils *vigils,
                               const struct books *books, struct wall listening, struct wall now,
                               bool *ret_changed);
/* Before an orderly end: keeps what was learned. */
NODISCARD enum err vigils_keep(struct vigils *vigils, struct wall now);
/* What the forecast says of the disk, to the providers of this client; it lasts until it is said
 * otherwise, and over a restart. */
struct shortage {
    bool is_short; /* the disk does not hold what was promised */
    bool is_soon;  /* it is full soon */
    uint32_t days_left, days_promised;
};
void vigils_shortage(struct vigils *vigils, struct client_id client,
                     const struct shortage *shortage);
/* Whether a source of this sort is watched at all. */
bool vigils_watch(const struct source_info *source);
/* RIGHT_BOOKS; ERR_NOT_FOUND for who may not.  Names of kinds are borrowed until the next turn. */
NODISCARD enum err vigils_look(const struct scope *scope, const struct vigils *vigils,
                               const struct source_info *source, struct wall now, struct arena *mem,
                               struct vigil_view *ret);
