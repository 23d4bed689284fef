#pragma once

/* What desk's files share: its state, and each file's part of it. */

#include "build/build.h"
#include "collect/books.h"
#include "ledger/ledger.h"
#include "portal/health.h"
#include "portal/stock.h"
#include "serve/process.h"
#include "serve/rooms.h"
#include "serve/serve.h"
#include "service/outbox.h"
#include "tenant/tenant.h"

#define DESK_CONFIRMATIONS_MAX 256
#define DESK_ERRANDS_MAX       64
#define DESK_SENDING_MAX       32 /* messages at herald: some wait there for one of its threads */
#define DESK_MAILS_MAX         26 /* of these, so that neither kind keeps the other out */
#define DESK_HOOKS_MAX         6  /* fewer than herald has threads: a hook may take a minute */
#define DESK_SHARE_MAX         3  /* of one client and kind */
#define DESK_HASHING_MAX       2  /* passwords at once: 64 MiB each */
#define DESK_PASSWORDS_MAX     64 /* and in the queue */
#define DESK_LAG_NOTED         13 /* times, with every snapshot of the books: over a minute */

struct desk_confirmation {
    uint64_t client, bookmark;
};

/* A request that a worker answers: kept until parent brings the worker. */
struct desk_errand {
    uint64_t worker; /* 0: free */
    int connection;
    struct scope *scope;
    struct client_id client;
    struct control_request request; /* without texts */
    bool as_live;                   /* a scan by the rules of the time */
    struct buf slug, sources, text;
};

/* A message that herald has. */
struct desk_sending {
    uint64_t message;
    struct client_id client;
    enum outbox_kind kind;
};

struct desk {
    struct process *process;
    struct rooms rooms;
    struct books *books;
    struct link *core, *front, *portal, *herald;
    struct timer *commit, *snapshot, *work;
    struct arena *alerts; /* one message's, decoded */
    struct desk_confirmation confirmations[DESK_CONFIRMATIONS_MAX];
    size_t confirmations_count;
    struct desk_errand errands[DESK_ERRANDS_MAX];
    struct desk_password *passwords;               /* desk_api.c's */
    struct desk_sending sending[DESK_SENDING_MAX]; /* messages that herald has */
    size_t sending_count;
    struct wall trouble_said;      /* when the operator last heard of messages that nobody takes */
    uint64_t documents_told;       /* the generation that core knows */
    uint64_t tenants_told;         /* and that core and front know */
    uint64_t workers;              /* ever asked for */
    const char *folder;            /* the ledger's */
    struct zones *zones;           /* of sources that name theirs */
    struct wall bindings_told;     /* when front was last told who sends */
    struct buf configured, note;   /* the rules that the configuration names, and where they are */
    struct desk_job *jobs;         /* desk_archive.c's */
    struct desk_compile *compiles; /* desk_rules.c's */
    struct desk_package *packages; /* desk_provision.c's */
    const char *packages_folder;
    uint8_t factor_key[FACTOR_KEY_SIZE]; /* until the ledger is open */
    enum factor_policy factor_policy;
    struct desk_streams *streams;                        /* desk_change.c's */
    struct health_process processes[PROCESS_KIND_COUNT]; /* parent tells; desk_health.c's */
    struct {
        struct buf subject, sha256;
        struct wall until;
        bool known, local;
    } certificate;                     /* the portal's; parent tells */
    uint64_t unjudged[DESK_LAG_NOTED]; /* lately, the newest at lag_at */
    size_t lag_at, lag_count;
    struct vigils *vigils;        /* over all sources; desk_devices.c's */
    struct desk_keeping *keeping; /* desk_keeping.c's */
    struct timer *tick;
    struct wall began;
    int64_t minute; /* that runs, from 1970 */
    uint64_t ticks;
    struct desk_backup *backup; /* desk_backup.c's; NULL: there was none yet */
    bool spare_kept;            /* room for the ledger when the disk is full */
    bool core_waits;            /* for its rules; it was told nothing else yet */
    bool in_transaction;
    bool work_waits; /* for the end of the transaction */
};

/* Names every client (and account) to core; gives front the bindings.  Nothing without a link. */
NODISCARD enum err desk_tell_core(struct desk *desk, bool accounts);
NODISCARD enum err desk_tell_front(struct desk *desk);
/* Tells both what has changed since they were told, if anything has. */
NODISCARD enum err desk_tell_tenants(struct desk *desk);
/* Ends the transaction that is open, if one is. */
void desk_transaction_end(struct desk *desk);

/* ---- desk_control.c */

/* Parent accepted a connection at the control socket; the descriptor is ours. */
NODISCARD enum err desk_control_came(struct desk *desk, int connection);
/* Parent started the worker that was asked for; no channel (-1): it could not. */
NODISCARD enum err desk_worker_came(struct desk *desk, uint64_t worker, int channel);

/* ---- desk_rules.c */

/* The rules that the configuration names; before the ledger is open they only wait. */
NODISCARD enum err desk_rules_came(struct desk *desk, const struct rules_message *message);
/* Once the ledger is open: what is in force, and what has to be compiled. */
NODISCARD enum err desk_rules_open(struct desk *desk);
/* Gives core the compiled set in force; *ret_told false: there is none yet. */
NODISCARD enum err desk_tell_rules(struct desk *desk, bool *ret_told);
/* Parent started a worker (channel -1: it could not); false if no rules wait for it. */
bool desk_compiler_came(struct desk *desk, uint64_t worker, int channel);
/* Commands; answered on the connection when a worker is done.  The scope is taken when they begin.
 */
NODISCARD enum err desk_rules_import(struct desk *desk, struct scope *scope, int connection,
                                     const struct control_request *request, struct why *why);
NODISCARD enum err desk_rules_use(struct desk *desk, struct scope *scope, int connection,
                                  const struct control_request *request, struct why *why);

/* ---- desk_archive.c */

/* An operation of the API that a worker answers, with desk_api_answer at its end. */
void desk_archive_begin(struct desk *desk, uint64_t call, const struct api_job *asked);
/* Nobody listens to this call any more; nor, when portal is gone, to any. */
void desk_archive_gone(struct desk *desk, uint64_t call);
void desk_archive_forget(struct desk *desk);
/* Parent started a worker (channel -1: it could not); false if no job waits for it. */
bool desk_reader_came(struct desk *desk, uint64_t worker, int channel);

/* ---- desk_provision.c */

/* Once the ledger is open: what a crash left below the folder of packages goes. */
NODISCARD enum err desk_provision_open(struct desk *desk);
/* Begins what was approved, ends what is over; outside a transaction. */
NODISCARD enum err desk_provision_turn(struct desk *desk, struct wall now, struct wall *ret_next);
/* Parent started a worker (channel -1: it could not); false if no package waits for it. */
bool desk_packer_came(struct desk *desk, uint64_t worker, int channel);
/* A file of the folder of packages, for reading; the descriptor is the caller's. */
NODISCARD enum err desk_package_open(const struct desk *desk, struct str file, int *ret_descriptor);
/* A command: answered on the connection when the package is there.  The scope is taken on OK. */
NODISCARD enum err desk_provision_take(struct desk *desk, struct scope *scope, int connection,
                                       const struct control_request *request, struct why *why);

/* ---- desk_change.c */

/* Once the ledger is open. */
NODISCARD enum err desk_change_open(struct desk *desk);
void desk_change_close(struct desk *desk);
/* An answer of portal's stays open for what changes; ERR_AGAIN: too many do. */
NODISCARD enum err desk_change_begin(struct desk *desk, uint64_t ticket, struct str session,
                                     uint32_t person);
/* Nobody listens any more: to this one, or to any. */
void desk_change_gone(struct desk *desk, uint64_t ticket);
void desk_change_drop(struct desk *desk);

/* ---- desk_health.c */

void desk_process_came(struct desk *desk, const struct process_message *message);
/* Now and then, so that it can be said whether events wait longer and longer. */
void desk_health_note(struct desk *desk);
NODISCARD enum err desk_health_tell(void *context, struct arena *mem, struct health *ret);

/* ---- desk_devices.c */

/* Once the ledger is open; and before an orderly end. */
NODISCARD enum err desk_devices_open(struct desk *desk);
void desk_devices_close(struct desk *desk);
/* The service's own source of a client; 0: none yet. */
struct source_id desk_own_source(const struct desk *desk, struct client_id client);
void desk_vitals_came(struct desk *desk, const struct vitals_message *message);
void desk_heard_came(struct desk *desk, const struct heard_message *message);

/* ---- desk_heads.c: whoever is to be sent a client's head gets it, once a day. */
void desk_heads_tell(struct desk *desk, struct client_id client, const struct proved *proved);

/* ---- desk_keeping.c */

/* Once the ledger is open. */
NODISCARD enum err desk_keeping_open(struct desk *desk);
/* Tells core what was promised to every client and what is held of it. */
NODISCARD enum err desk_tell_keeping(struct desk *desk);
void desk_keeping_tick(struct desk *desk, struct wall now);
NODISCARD enum err desk_holdings_came(struct desk *desk, const struct holdings_message *message);
NODISCARD enum err desk_dropped_came(struct desk *desk, const struct dropped_message *message);
NODISCARD enum err desk_stock_tell(void *context, struct client_id client, struct arena *mem,
                                   struct stock *ret);

/* ---- desk_backup.c */

/* A backup begins: the file of the ledger stands still until it asks for the ends, with the number
 * that is printed here, or for ten minutes. */
NODISCARD enum err desk_backup_begin(struct desk *desk, struct buf *out, struct why *why);
/* Answered on the connection, which stays the caller's, once core has said how far it is. */
NODISCARD enum err desk_backup_ends(struct desk *desk, int connection, uint64_t token,
                                    struct why *why);
void desk_thus_far_came(struct desk *desk, const struct thus_far_message *message);
/* Core is another: what the last one was asked it is asked again. */
NODISCARD enum err desk_backup_ask(struct desk *desk);

/* ---- desk.c */
/* The disk is full: the ledger gets the room that was kept for it. */
void desk_spare_give(struct desk *desk);
void desk_snapshot_of(const struct account *account, struct books_snapshot *ret);

/* ---- desk_service.c */

/* The timer of the service's own work; it first goes off by desk_work_soon. */
NODISCARD enum err desk_service_open(struct desk *desk);
/* Something was written from which work may follow. */
void desk_work_soon(struct desk *desk);
/* Gives core every client's effective documents. */
NODISCARD enum err desk_tell_documents(struct desk *desk);
/* A head that core wants stamped, on to herald; without one core asks again later. */
NODISCARD enum err desk_stamp_wanted(struct desk *desk, const struct message *message);
void desk_herald_spoke(void *context, struct link *link, struct message *message, enum err err);

/* ---- desk_api.c */

void desk_portal_spoke(void *context, struct link *link, struct message *message, enum err err);
/* Parent started a worker (channel -1: it could not); false if no password waits for it. */
bool desk_password_came(struct desk *desk, uint64_t worker, int channel);
/* Portal is gone: what was to be told it is told nobody, least of all the portal after it. */
void desk_portal_lost(struct desk *desk);
/* What came of a job: with OK the body of the answer, else a sentence. */
void desk_api_answer(struct desk *desk, uint64_t call, const struct api_job *job, enum err err,
                     struct str text);
/* An operation of the API for a command at the control socket. */
NODISCARD enum err desk_api_command(struct desk *desk, const struct scope *scope,
                                    const struct control_request *request, struct buf *out,
                                    struct why *why);
