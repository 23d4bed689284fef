#pragma once

/*
 * People hear (R064, R066, R143): notices become mails and webhooks for the persons that the
 * client's contacts name, in their language, one step of the chain after the other until somebody
 * acknowledges.
 *
 *     notify_new → notify_turn … → notify_free           (desk: choosing, writing, escalating)
 *     deliver                                            (herald: handing over)
 *
 * A mail holds the four blocks of the guideline (攻撃概要, 検知情報, 分析例, 推奨される対応例) in
 * plain words for the type of incident, and a link with a one-time code.  Following the link does
 * not acknowledge yet, the button behind it does: mail filters follow links too.
 *
 * Always true: a step of a chain is a row before it is a message; a message keeps its identity over
 * all tries, so that a receiver can tell a repetition.
 */

#include "incident/incident.h"

struct notify;

struct notify_settings {
    struct str portal;    /* "https://soc.example.jp": in front of /acknowledge/… */
    struct str sender;    /* the mailbox that mails come from */
    const char *zoneinfo; /* the folder of time zones, as for clocks_new */
};

/* Works in desk.  Copies the settings.  ERR_SYNTAX: the sender is no mailbox. */
NODISCARD enum err notify_new(struct ledger *ledger, struct tenant *tenant, struct service *service,
                              struct incidents *incidents, const struct notify_settings *settings,
                              struct notify **ret);
void notify_free(struct notify *notify);

/* Turns wanted notices into steps and messages and climbs chains whose time has come.  RIGHT_SERVE;
 * in the caller's transaction if there is one.  *ret_next: when to come again. */
NODISCARD enum err notify_turn(const struct scope *scope, struct notify *notify, struct wall now,
                               struct wall *ret_next);
/* Herald has handed a message over, or not: outbox_ended, and MOMENT_NOTIFIED for the first one of
 * an incident's opening. */
NODISCARD enum err notify_ended(const struct scope *scope, struct notify *notify, uint64_t message,
                                enum outbox_end end, struct str said, struct wall now);

/* What a code stands for, for the page behind the link; changes nothing.  ERR_NOT_FOUND: unknown,
 * expired (seven days) or used. */
struct acknowledge_view {
    struct client_id client;
    uint64_t incident;
    uint32_t number;
    struct str type, who;
    enum level severity;
    enum language language;
};
NODISCARD enum err notify_code(struct notify *notify, struct str code, struct wall now,
                               struct arena *mem, struct acknowledge_view *ret);
/* Acknowledges: the chain is climbed no further.  Once a code; other codes of the same notice then
 * say that it was acknowledged already (ERR_EXISTS). */
NODISCARD enum err notify_acknowledge(const struct scope *scope, struct notify *notify,
                                      struct str code, struct wall now, struct arena *mem,
                                      struct acknowledge_view *ret);
/* The same by a signed-in person of the client, or a spoken one that the provider records. */
NODISCARD enum err notify_acknowledge_incident(const struct scope *scope, struct notify *notify,
                                               struct client_id client, uint32_t number,
                                               struct str note, struct wall now, struct why *why);

/* What happened to a person's own account, told to their mailbox in their language; nothing for who
 * has none.  In the caller's transaction if one is open: that of what happened. */
enum account_news {
    ACCOUNT_FACTOR_SET,   /* a second factor was confirmed */
    ACCOUNT_FACTOR_ENDED, /* its owner ended it */
    ACCOUNT_FACTOR_TAKEN, /* somebody who manages the party took it away */
    ACCOUNT_NEWS_COUNT
};
NODISCARD enum err notify_account(struct notify *notify, uint32_t person, enum account_news news,
                                  struct wall now);

/* What becomes of a request (for logs; for the end of a service), told to who must answer it or to
 * who asked; nothing for who has no mailbox.  In the caller's transaction if one is open. */
enum request_news {
    REQUEST_LOGS_WAIT,  /* for approval */
    REQUEST_LOGS_READY, /* the package can be fetched */
    REQUEST_LOGS_REFUSED,
    REQUEST_LOGS_FAILED,
    REQUEST_END_ASKED, /* one side asked for the end of the service */
    REQUEST_NEWS_COUNT
};
struct request_told {
    enum request_news what;
    uint64_t number; /* of a request for logs; else 0 */
    struct str who;  /* that asked or decided: PARTY/PERSON */
    uint32_t person; /* who hears; 0: all who have the role, but for `who` */
    enum role role;
};
NODISCARD enum err notify_request(struct notify *notify, struct client_id client,
                                  const struct request_told *told, struct wall now);

struct notice_step_view {
    uint64_t notice;
    struct str purpose;
    uint32_t step;        /* from 1, as the chain is climbed */
    struct str contact;   /* slug */
    struct str means, to; /* "mail", "webhook"; the address */
    struct str state; /* "waiting", "sent", "failed", "acknowledged"; "passed": nothing was sent */
    struct str said;  /* the last answer of the peer; why they were passed over */
    struct wall at, ended;
};
/* In the order in which they were taken, at most 1,000.  RIGHT_INCIDENTS. */
NODISCARD enum err notify_steps(const struct scope *scope, struct notify *notify,
                                struct client_id client, struct subject subject, struct arena *mem,
                                struct notice_step_view **ret, size_t *ret_count);

/* ---- deliver.c, in herald: hands one message over and waits for the answer; may block, so herald
 * runs it in a thread of its own. */

struct delivery {
    enum outbox_kind kind;
    struct str from; /* mail: the envelope's sender */
    struct str to, body, identity;
    struct str relay;          /* mail: "smtp://127.0.0.1:25", "smtps://…" */
    struct str user, password; /* of the relay; may be empty */
    struct str secret; /* webhook: HMAC-SHA-256 over "time.body", in the header Hinomi-Signature */
    struct str roots;  /* file of authorities that are trusted; empty: the system's */
    bool tls_required; /* mail: STARTTLS or nothing */
    uint32_t seconds_max;
    const struct network *denied; /* webhook: no connection into these (loopback, link-local, …) */
    size_t denied_count;
    const struct network *allowed; /* of those, the ones that the operator named all the same */
    size_t allowed_count;
};
/* *ret_said: the peer's answer or what went wrong, made in mem. */
enum outbox_end deliver(const struct delivery *delivery, struct wall now, struct arena *mem,
                        struct str *ret_said);
