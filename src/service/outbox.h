#pragma once

/*
 * What has to be said to somebody outside.  A *notice* is wanted by a room below notify/ (an
 * incident was opened, a clock warns, a decision is asked for); notify/ chooses persons by the
 * client's contacts and writes *messages*, rows that stay until the world outside has taken them.
 *
 *     notice_want … (notify/) outbox_put → outbox_due → outbox_ended
 *
 * A notice stands in the same transaction as what it is about, so none is lost and none is said of
 * something that did not happen.
 */

#include "service/clock.h"

struct notice_value {
    struct str name, text;
};
struct notice {
    struct client_id client;
    struct str
        purpose; /* which template: "incident-opened", "decision-wanted", "clock-breach", … */
    struct subject subject;
    struct str chain; /* slug of the escalation chain in `contacts`; empty: the client's default */
    enum level severity; /* chooses how fast the chain is climbed */
    bool acknowledge;    /* escalates until somebody acknowledges */
    const struct notice_value
        *values; /* what the template tells; texts of outside bytes as they are */
    size_t values_count;
};
/* Once per (subject, purpose, key): wanting it again changes nothing.  key tells repeated notices
 * of one purpose apart (a proposal's number); may be empty.  RIGHT_SERVE, or a right to act on the
 * client's incidents.  In the caller's transaction: the one of what it is about.  ret_id may be
 * NULL. */
NODISCARD enum err notice_want(const struct scope *scope, struct ledger *ledger,
                               const struct notice *notice, struct str key, struct wall now,
                               uint64_t *ret_id);
/* Nobody has to be told any more: the chain is climbed no further. */
NODISCARD enum err notice_settle(const struct scope *scope, struct ledger *ledger,
                                 struct client_id client, struct subject subject,
                                 struct str purpose, struct wall now);

enum outbox_kind { OUTBOX_MAIL, OUTBOX_WEBHOOK, OUTBOX_KIND_COUNT };

struct outbox_message {
    uint64_t id;
    struct client_id client;
    uint64_t notice; /* 0: none */
    enum outbox_kind kind;
    struct str to;       /* a mailbox, or the URL */
    struct str contact;  /* slug of the person or gateway */
    struct str identity; /* stays the same over all tries: Message-ID, or the webhook's id */
    struct str body;     /* the whole mail (RFC 5322), or the webhook's body */
    struct str signing;  /* webhook: CLIENT.NAME, a file of the secrets' folder; may be empty */
    uint32_t tries;
    struct wall next; /* try */
};
NODISCARD enum err outbox_put(const struct scope *scope, struct ledger *ledger,
                              const struct outbox_message *message, struct wall now,
                              uint64_t *ret_id);
/* RIGHT_SERVE, as all that follows but outbox_list; reading what is due changes nothing, so what
 * has been handed over is there again until outbox_ended. Up to count_max messages whose time has
 * come, oldest first; made in mem.  Of one client and kind at most share_max, the oldest: so who
 * has many that nobody takes does not stand in the way of others.  *ret_next: when the next will be
 * due, besides those that a share keeps back, whose time comes with the end of one before them. */
NODISCARD enum err outbox_due(const struct scope *scope, struct ledger *ledger, struct wall now,
                              size_t count_max, size_t share_max, struct arena *mem,
                              struct outbox_message **ret, size_t *ret_count,
                              struct wall *ret_next);

enum outbox_end {
    OUTBOX_SENT,   /* handed over: the relay took it (250), the hook answered 2xx */
    OUTBOX_LATER,  /* try again: 4xx of SMTP, 429 and 5xx of HTTP, no connection */
    OUTBOX_FAILED, /* will never be taken: 5xx of SMTP, other 4xx of HTTP */
};
/* Nothing happens to a message that has ended already.
 * Later: after 15 s, 30 s, 1 min, … at most 15 min apart; given up after two days, which is FAILED.
 * `said`: the peer's answer, cut to 500 bytes. */
NODISCARD enum err outbox_ended(const struct scope *scope, struct ledger *ledger, uint64_t id,
                                enum outbox_end end, struct str said, struct wall now);

/* How messages leave, of all clients together: those that wait and since when the oldest does
 * (WALL_NONE: none waits), and those given up in the 24 hours before now. */
struct outbox_state {
    uint64_t waiting, failed;
    struct wall oldest;
};
NODISCARD enum err outbox_state(const struct scope *scope, struct ledger *ledger, struct wall now,
                                struct outbox_state *ret);

struct outbox_view {
    uint64_t id, notice;
    enum outbox_kind kind;
    struct str contact, to, state, said; /* state: "waiting", "sent", "failed" */
    uint32_t tries;
    struct wall created, ended;
};
/* Newest first, at most 1,000; notice 0: all of the client's.  RIGHT_INCIDENTS. */
NODISCARD enum err outbox_list(const struct scope *scope, struct ledger *ledger,
                               struct client_id client, uint64_t notice, struct arena *mem,
                               struct outbox_view **ret, size_t *ret_count);
