#pragma once

/* What the files share that keep versions of documents.  For service/'s own files. */

#include "codec/crypto.h"
#include "document/writer.h"
#include "service/service.h"

#define HASH_TEXT_SIZE (2 * SHA256_SIZE + 1) /* a version's name, with a NUL */
#define KEY_TEXT_SIZE  (2 * ED25519_SIZE + 1)
#define NOTE_SIZE_MAX  2000 /* what somebody says of a version, bytes */
#define SETS_MAX       4    /* sets of roles that sign one kind, as struct version has room for */

struct statement;

/* What is kept in memory of one client: the running documents by index of their schema. */
struct running {
    struct arena *mem; /* NULL: nothing was read yet */
    struct document document;
    struct str hash;
};
struct client_running {
    struct client_id client;
    uint64_t generation;
    struct running *kinds;
};

struct service {
    struct ledger *ledger;
    struct tenant *tenant;
    uint8_t seed[ED25519_SIZE];
    char key[KEY_TEXT_SIZE];
    service_check_call *check; /* of one kind: NULL: none */
    const char *check_kind;
    struct client_running **clients; /* by id */
    size_t clients_count;
};

/* A row of the table `document`. */
struct stored {
    int64_t id;
    struct wall due;
    enum side author_side;
    struct version version;
};

/* ---- service.c */

/* Joins the open transaction, or opens one; service_end ends it then, as `err` says. */
NODISCARD enum err service_begin(struct service *service, bool *ret_alone);
NODISCARD enum err service_end(struct service *service, bool alone, enum err err);
/* The same where tenant wrote too: its state follows what has become of the transaction.  What
 * hinders that stands in *why, unless `err` has told of something already. */
NODISCARD enum err service_end_settled(struct service *service, bool alone, enum err err,
                                       struct why *why);
/* What is kept of a client, made if need be; NULL when out of memory. */
struct client_running *service_client(struct service *service, struct client_id client);
/* ERR_NOT_FOUND if there is no such client. */
NODISCARD enum err client_slug(struct service *service, struct client_id client, struct arena *mem,
                               struct str *ret);
/* Index of a kind among the schemas, or SIZE_MAX. */
size_t kind_index(struct str kind);
bool roles_held(const struct scope *scope, struct client_id client, uint32_t roles);
/* "provider-admin or engineer"; the texts of several sets are joined by "; ". */
NODISCARD enum err roles_print(struct buf *out, const uint32_t *sets, size_t count);
/* A line about a document in the audit trail. */
NODISCARD enum err document_audit(struct service *service, struct str principal, const char *action,
                                  struct client_id client, struct str kind, struct str detail,
                                  struct wall now);
/* One or several lines without control characters, up to size_max bytes of UTF-8. */
bool text_fits(struct str text, size_t size_max);
bool may_draft(const struct scope *scope, struct client_id client);
bool may_read(const struct scope *scope, struct client_id client);
NODISCARD enum err statement_bind_wall(struct statement *statement, int at, struct wall wall);
struct wall statement_wall(struct statement *statement, int at);
/* Binds texts from the second parameter on; the first is the client. */
NODISCARD enum err client_bind(struct statement *statement, struct client_id client,
                               const struct str *texts, int count);

/* ---- versions.c */

enum which {
    WHICH_LATEST,    /* the last one that was not withdrawn */
    WHICH_EFFECTIVE, /* the one that runs */
    WHICH_HASH,      /* the last one with this text */
};
/* ERR_NOT_FOUND.  `hash` counts for WHICH_HASH alone. */
NODISCARD enum err stored_find(struct service *service, struct client_id client, struct str kind,
                               enum which which, struct str hash, struct arena *mem,
                               struct stored *ret);
/* The same row, read again. */
NODISCARD enum err stored_again(struct service *service, struct arena *mem, struct stored *stored);
/* Its whole text, canonical, and read. */
NODISCARD enum err stored_canonical(struct service *service, const struct stored *stored,
                                    struct arena *mem, struct str *ret);
NODISCARD enum err stored_document(struct service *service, const struct stored *stored,
                                   struct arena *mem, struct document *ret);
/* SHA-256 of the canonical text. */
NODISCARD enum err document_hash(const struct document *document, struct arena *mem,
                                 struct str *ret_canonical, struct str *ret_hash);

/* ---- drafts.c */

struct draft {
    struct client_id client;
    const struct document *document;
    struct str note;
    struct wall wanted, now;
};
/* Writes a draft whose references were looked at; inside a transaction. */
NODISCARD enum err draft_store(const struct scope *scope, struct service *service,
                               const struct draft *draft, struct arena *mem, struct stored *ret,
                               struct why *why);

/* ---- others.c */

/* A client's documents, for references: those that are to be drafted, and of the other kinds the
 * latest ones. */
struct others {
    struct service *service;
    struct client_id client;
    struct arena *mem;
    const struct document **known; /* by index of schema; NULL: not asked for yet */
    bool *drafted;                 /* by index of schema: one that is to be drafted */
    enum err err;                  /* what went wrong while asking */
};
NODISCARD enum err others_init(struct others *others, struct service *service,
                               struct client_id client, struct arena *mem);
void others_draft(struct others *others, const struct document *document); /* borrowed */
/* Whether what is to be drafted refers to what is there (ERR_SYNTAX), and whether documents of
 * other kinds would refer to what is there no longer (ERR_CONFLICT). */
NODISCARD enum err others_check(struct others *others, struct why *why);

/* ---- whole.c */

/* The draft, with what is hidden from the scope's side as it is in the latest version. */
NODISCARD enum err draft_whole(const struct scope *scope, struct service *service,
                               struct client_id client, const struct document *draft,
                               struct arena *mem, struct document *ret);

/* ---- signatures.c */

/* The set of roles of the kind's signatures that holds these; false if there is none. */
bool signature_set_is(const struct schema *schema, uint32_t roles);
/* Up to SETS_MAX sets that have not signed. */
void version_waits(const struct schema *schema, struct version *version);
/* What is signed: canonical JSON. */
NODISCARD enum err signature_statement(struct str client, const struct version *version,
                                       const struct signature *signature, struct buf *out);
bool signature_valid(const struct signature *signature, struct str statement);
/* Keeps a signature that was proved, and makes the version due if it was the last one.  ERR_EXISTS:
 * this person signed already.  *stored is read again. */
NODISCARD enum err signature_store(struct service *service, struct stored *stored,
                                   const struct signature *signature, struct str principal,
                                   struct wall now, struct arena *mem);
/* Due now if nobody has to sign (any more), and effective if that is not in the future. */
NODISCARD enum err version_complete(struct service *service, struct stored *stored,
                                    struct str principal, struct wall now, struct arena *mem);

/* ---- effective.c */

/* Makes effective what is due of one client and kind. */
NODISCARD enum err kind_promote(struct service *service, struct client_id client, struct str kind,
                                struct str principal, struct wall now, bool *ret_changed);

/* ---- disclosure.c */

NODISCARD enum err disclosures_load(struct service *service, struct client_id client,
                                    struct str kind, struct arena *mem, struct disclosed **ret,
                                    size_t *ret_count);
/* What the scope's side may see; ERR_NOT_FOUND: nothing at all. */
NODISCARD enum err document_view(const struct scope *scope, struct service *service,
                                 struct client_id client, const struct document *whole,
                                 struct arena *mem, struct document *ret);
/* False for a bidder to whom the kind was not released. */
NODISCARD enum err kind_released(const struct scope *scope, struct service *service,
                                 struct client_id client, struct str kind, bool *ret);
bool disclosure_path_valid(const struct schema *schema, struct str path);
/* True if it says something else, or nothing. */
NODISCARD enum err disclosure_differs(struct service *service, struct client_id client,
                                      struct str kind, struct str path, enum disclosure disclosure,
                                      bool *ret);
NODISCARD enum err disclosure_store(const struct scope *scope, struct service *service,
                                    struct client_id client, struct str kind, struct str path,
                                    enum disclosure disclosure, struct wall now);

/* ---- plan.c: the service's part of an apply file, without a ledger */

struct plan_document {
    const struct yaml_node *node; /* NULL: the file does not name this kind */
    struct document document;
};
struct plan_disclosure {
    uint32_t line, column;
    struct str kind, path;
    enum disclosure disclosure;
};
struct plan_signature {
    uint32_t line, column;
    size_t kind; /* index of schema */
    struct str hash;
    struct wall wanted;
    struct signature signature;
};
struct plan_client {
    uint32_t line, column;
    struct str slug;
    struct plan_document *documents; /* by index of schema */
    struct plan_disclosure *disclosures;
    size_t disclosures_count;
    struct plan_signature *signatures;
    size_t signatures_count;
};
struct plan {
    struct plan_client *clients;
    size_t count;
};
NODISCARD enum err service_plan_read(struct str text, struct arena *mem, struct plan *ret,
                                     struct why *why);
