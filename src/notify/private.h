#pragma once

/* What the files of notify/ share.  Everything made is made in `mem`, the arena of one call. */

#include "notify/notify.h"

#include "calendar/calendar.h"
#include "ledger/ledger.h"

#define NOTIFY_MEMORY_MAX                                                        \
    (64 * 1024 * 1024)       /* Of one call: a hundred notices with their texts. \
                              */
#define NOTICES_PER_TURN 100 /* The rest comes in the next turn, at once. */
#define MESSAGES_PER_TURN                                                            \
    32 /* Written in one turn, and those of one step more: a flood of incidents must \
        * not keep desk from what else there is. */
#define STEPS_PER_TURN 8  /* Of a chain, that reach nobody; it goes on in the next turn. */
#define HEARERS_MAX    32 /* Persons and gateways of one step. */
#define ROUNDS_MAX     3  /* Times that a chain is climbed. */
#define CODE_BYTES     32
#define CODE_SECONDS   (7 * 24 * 60 * 60)
#define INCIDENT_KIND  "incident" /* What a notice is about, in its column. */
#define AILMENT_KIND   "ailment"

struct notify {
    struct ledger *ledger;
    struct tenant *tenant;
    struct service *service;
    struct incidents *incidents;
    struct zones *zones;
    struct buf portal, sender;
    size_t written;        /* messages, in the turn that runs */
    struct arena *mem;     /* of the call that runs */
    struct arena *scratch; /* of the notice that it is at */
};

/* ---- told.c: what a notice says. */

struct told {
    struct notice_value *list;
    size_t count;
};
/* From the row's JSON. */
NODISCARD enum err told_read(struct str json, struct arena *mem, struct told *ret);
struct str told_get(const struct told *told, const char *name); /* empty: not there */

struct notice_row {
    uint64_t id;
    struct client_id client;
    struct str purpose, subject_kind, chain;
    uint64_t subject;
    enum level severity;
    bool acknowledge;
    uint64_t climbed;
    struct told told;
};

/* Who hears in one step. */
struct hearer {
    enum outbox_kind kind;
    struct str contact;              /* slug, or PARTY/PERSON without a chain */
    struct str name[LANGUAGE_COUNT]; /* as the documents have it */
    struct str to, phone;
    struct str template, secret; /* of a gateway */
    enum language language;
    struct str deputy_of[LANGUAGE_COUNT]; /* names of whom they stand in for; empty: nobody */
    struct str passed;                    /* why nothing is sent to them; empty: something is */
};
struct hearers {
    struct hearer list[HEARERS_MAX];
    size_t count;
    size_t steps; /* of the chain */
    int64_t wait_ms;
    bool fallback; /* there is no chain */
};

/* One message to one hearer, before it is bytes. */
struct letter {
    const struct notify *notify;
    const struct notice_row *notice;
    const struct hearers *hearers;
    const struct hearer *hearer;
    struct str client[LANGUAGE_COUNT]; /* its name */
    struct str identity, link;         /* link: empty without a code */
    struct str page;                   /* of the incident, in the portal; or empty */
    struct wall now;
};
enum letter_text { LETTER_SUBJECT, LETTER_HAPPENED, LETTER_SPOKEN };
/* One sentence of the notice's purpose, in one line. */
NODISCARD enum err letter_sentence(const struct letter *letter, enum language language,
                                   enum letter_text text, struct arena *mem, struct buf *out);
/* The whole text, lines ended by LF. */
NODISCARD enum err letter_body(const struct letter *letter, enum language language,
                               struct arena *mem, struct buf *out);
NODISCARD enum err told_time(struct wall wall, enum language language, struct arena *mem,
                             struct str *ret);
/* The type's name, as people say it. */
struct str told_type(const struct told *told, enum language language);

/* ---- text.c: bytes for people and for mail. */

/* Shows text of unknown origin: controls and invisible characters as escapes, no link that could be
 * followed, cut after characters_max.  paragraphs: our own side's text, with its lines and links.
 */
NODISCARD enum err text_shown(struct str text, bool paragraphs, size_t characters_max,
                              struct buf *out);
NODISCARD enum err base64_print(struct str bytes, bool url, struct buf *out);
/* A header with a text: RFC 2047 where it is needed, folded at 76; CR, LF and controls become
 * blanks. */
NODISCARD enum err header_print(struct buf *out, const char *name, struct str text);
/* The body as MIME: the header Content-Transfer-Encoding, the blank line, the encoded text. */
NODISCARD enum err mime_print(struct buf *out, struct str text);

bool text_is_mailbox(struct str text);

/* ---- mail.c, hook.c: the message's bytes. */
struct mail_head {
    const struct notify *notify;
    struct str to; /* a checked mailbox */
    struct str subject, identity;
    enum language language;
    struct wall now;
};
NODISCARD enum err mail_whole(const struct mail_head *head, struct str text, struct arena *mem,
                              struct str *ret);
NODISCARD enum err mail_print(const struct letter *letter, struct arena *mem, struct str *ret);
NODISCARD enum err hook_print(const struct letter *letter, struct arena *mem, struct str *ret);

/* ---- chain.c: who hears in the step that comes now; nobody, if nobody is known at all. */
NODISCARD enum err chain_hearers(const struct scope *scope, struct notify *notify,
                                 const struct notice_row *notice, struct wall now,
                                 struct hearers *ret);

/* The same where no step reaches anybody: the client's responsible persons, else its contacts, else
 * the provider's administrators. */
NODISCARD enum err chain_fallback(struct notify *notify, const struct notice_row *notice,
                                  struct wall now, struct hearers *ret);

/* Adds those of the portal's people who have the role for the client, and a mailbox. */
NODISCARD enum err chain_role(struct notify *notify, struct client_id client, enum role role,
                              struct wall now, struct hearers *ret);
/* The same for one of them; nobody, if they left or have no mailbox. */
NODISCARD enum err chain_person(struct notify *notify, uint32_t id, struct hearers *ret);

/* ---- step.c: the rows of one step, with their messages. */
NODISCARD enum err step_take(const struct scope *scope, struct notify *notify,
                             const struct notice_row *notice, const struct hearers *hearers,
                             struct wall now, size_t *ret_sent);

NODISCARD enum err notice_messages(struct notify *notify, const struct notice_row *notice,
                                   uint64_t *ret);

/* ---- personal.c: a mail to one person, put into the outbox. */
struct personal {
    struct client_id client; /* whose row it is */
    struct str to;           /* a checked mailbox */
    struct str account;      /* PARTY/PERSON */
    struct str name;
    enum language language;
    enum word subject, text;
    const struct words_value *values; /* of the text */
    size_t count;
};
NODISCARD enum err personal_put(const struct scope *scope, struct notify *notify,
                                const struct personal *personal, struct wall now);

/* ---- notify.c */

/* Brackets a transaction unless one is open: begin tells, end commits or takes back. */
NODISCARD enum err bracket_begin(struct notify *notify, bool *ret_alone);
NODISCARD enum err bracket_end(struct notify *notify, bool alone, enum err err);
/* "client/SLUG/notice/ID", for the audit trail. */
NODISCARD enum err notice_audit(const struct scope *scope, struct notify *notify,
                                const struct notice_row *notice, const char *action,
                                struct str detail, struct wall now);
