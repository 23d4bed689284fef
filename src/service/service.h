#pragma once

/*
 * Engagements' documents: which versions there are, who has signed, what is effective now.  The
 * effective versions are the running configuration; nothing else steers a client's service.
 *
 *     service_open → service_draft, service_sign … service_turn … → service_close
 *
 * A version is draft → signed by every role that its kind asks for → effective, from its
 * effective-from or the last signature, whichever is later → superseded by the next.  It is named
 * by the SHA-256 of its canonical JSON; the same text is the same version.  A draft that a later
 * draft of its kind replaced, or that was withdrawn, can no longer be signed.
 */

#include "base/clock.h"
#include "document/document.h"

struct ledger;
struct service;

/* Works in desk, on the ledger.  Every call that writes joins the open transaction if there is one
 * (which the caller takes back if the call fails), else brackets its own. */
NODISCARD enum err service_open(struct ledger *ledger, struct tenant *tenant, struct wall now,
                                struct service **ret, struct why *why);
void service_close(struct service *service);

enum version_state {
    VERSION_DRAFT,      /* waits for signatures */
    VERSION_SIGNED,     /* waits for its effective-from */
    VERSION_EFFECTIVE,  /* runs now */
    VERSION_SUPERSEDED, /* ran until the next one did */
    VERSION_WITHDRAWN,  /* or replaced by a later draft before it ran */
    VERSION_STATE_COUNT
};
const char *version_state_text(enum version_state state); /* "draft", … */

struct signature {
    uint32_t roles;  /* the set of schema_signature that it fills */
    struct str role; /* of who signed: "responsible" */
    struct str who;  /* "acme/kato": party and person */
    struct wall at;
    struct str key; /* of the installation that vouches for it, hexadecimal Ed25519 */
    struct str signature;
};
struct version {
    struct client_id client;
    struct str kind;
    uint32_t number; /* 1, 2, … of this client and kind */
    struct str hash;
    enum version_state state;
    struct str author, note;
    struct wall created;
    struct wall wanted;    /* effective-from as asked, WALL_NONE: as soon as it is signed */
    struct wall effective; /* since when it runs or ran; WALL_NONE */
    struct wall ended;     /* WALL_NONE while it runs */
    struct signature *signatures;
    size_t signatures_count;
    uint32_t waits[4]; /* sets of roles that have not signed yet, up to a 0 */
};

/* Makes a draft.  RIGHT_DRAFT or RIGHT_MANAGE.  ERR_EXISTS, with *ret set, if the same text is the
 * latest version already.  References into other kinds are checked against their latest versions;
 * ERR_CONFLICT if one of these refers to what this draft leaves out.  What is hidden from the
 * drafter stays in it as it was. */
NODISCARD enum err service_draft(const struct scope *scope, struct service *service,
                                 struct client_id client, const struct document *document,
                                 struct str note, struct wall wanted, struct wall now,
                                 struct arena *mem, struct version *ret, struct why *why);
/* Signs the version named by its hash as one of the scope's roles that is still wanted: a role of
 * the client is never taken for one of the provider, or the other way (R069, R062).  ERR_DENIED
 * without such a role; ERR_CONFLICT if the version can no longer be signed. */
NODISCARD enum err service_sign(const struct scope *scope, struct service *service,
                                struct client_id client, struct str kind, struct str hash,
                                struct wall now, struct arena *mem, struct version *ret,
                                struct why *why);
/* RIGHT_DRAFT or RIGHT_MANAGE; of a version that all have signed, only somebody with a role that
 * its kind asks for.  ERR_CONFLICT once it ran or was replaced. */
NODISCARD enum err service_withdraw(const struct scope *scope, struct service *service,
                                    struct client_id client, struct str kind, struct str hash,
                                    struct wall now, struct why *why);

/* Drafts of a kind are also looked at by the room that runs them (ERR_SYNTAX with line and column
 * refuses one): what could not run is never signed. */
typedef enum err service_check_call(const struct document *document, struct why *why);
void service_check(struct service *service, const char *kind, service_check_call *call);

/* Newest first.  RIGHT_DOCUMENTS or RIGHT_MANAGE. */
NODISCARD enum err service_versions(const struct scope *scope, struct service *service,
                                    struct client_id client, struct str kind, struct arena *mem,
                                    struct version **ret, size_t *ret_count);
/* The text of a version, as far as it is disclosed to the scope's side.  ERR_NOT_FOUND. */
NODISCARD enum err service_version(const struct scope *scope, struct service *service,
                                   struct client_id client, struct str kind, struct str hash,
                                   struct arena *mem, struct version *ret,
                                   struct document *ret_document);
/* A sender that was heard becomes a source of the client at once, and the log sources get an item
 * of its slug with what is known of it, as a draft behind what stands or waits there (decision
 * 034): RIGHT_MANAGE, and as for tenant_source_enrol.  All of it or nothing. */
struct enrolled {
    bool defined; /* the log sources name the slug already: there is no draft */
    struct version draft;
};
NODISCARD enum err service_enrol(const struct scope *scope, struct service *service,
                                 struct client_id client, const struct source_wish *wish,
                                 struct str note, struct wall now, struct arena *mem,
                                 struct enrolled *ret, struct why *why);
/* What runs now, as far as disclosed.  ERR_NOT_FOUND: nothing of this kind is effective. */
NODISCARD enum err service_effective(const struct scope *scope, struct service *service,
                                     struct client_id client, struct str kind, struct arena *mem,
                                     struct version *ret, struct document *ret_document);
/* For the service's own rooms (clocks, incidents, notices): the whole effective document, read once
 * and kept until another version becomes effective: borrowed until the next call that may make one
 * so.  NULL: nothing is.  *ret_hash may be NULL. */
const struct document *service_running(const struct scope *scope, struct service *service,
                                       struct client_id client, struct str kind,
                                       struct str *ret_hash);

/* Who may see what (R039).  Only a role of the client that may draft changes it; each change is
 * audited.  `path` with slugs; it need not exist yet, but the schema must know it (ERR_NOT_FOUND).
 * The empty path is the whole kind: bidders see nothing of one whose root was not shown. */
NODISCARD enum err service_disclose(const struct scope *scope, struct service *service,
                                    struct client_id client, struct str kind, struct str path,
                                    enum disclosure disclosure, struct wall now, struct why *why);
/* What was said of a kind, ascending by path; nothing where the schema alone decides.  Only the
 * client's side and the installation hear it: the paths name what is hidden. */
NODISCARD enum err service_disclosures(const struct scope *scope, struct service *service,
                                       struct client_id client, struct str kind, struct arena *mem,
                                       struct disclosed **ret, size_t *ret_count);
/* "Read and understood" of an effective version, once, by a person of another side than its
 * author's. */
NODISCARD enum err service_acknowledge(const struct scope *scope, struct service *service,
                                       struct client_id client, struct str kind, struct str hash,
                                       struct str note, struct wall now, struct why *why);
struct acknowledgement {
    struct str who;
    struct wall at;
    struct str note;
};
NODISCARD enum err service_acknowledgements(const struct scope *scope, struct service *service,
                                            struct client_id client, struct str kind,
                                            struct str hash, struct arena *mem,
                                            struct acknowledgement **ret, size_t *ret_count);

/* Makes effective what has become due.  *ret_next: when the next version will (WALL_NONE: none
 * waits).  *ret_changed: the running configuration of some client is another one now. */
NODISCARD enum err service_turn(const struct scope *scope, struct service *service, struct wall now,
                                struct wall *ret_next, bool *ret_changed);

/* Counts up whenever what is effective changes for the client. */
uint64_t service_generation(const struct service *service, struct client_id client);
/* What core needs of the client's effective documents (assets, calendars, contacts, criteria,
 * detection, log-sources, table-1), as one bundle: for each a line "kind hash size\n" and the
 * canonical JSON.  Read by service_bundle_next. */
NODISCARD enum err service_bundle(const struct scope *scope, struct service *service,
                                  struct client_id client, struct buf *out);
/* Takes the next document off *bundle; ERR_NOT_FOUND at the end, ERR_CORRUPT. */
NODISCARD enum err service_bundle_next(struct str *bundle, struct arena *mem, struct document *ret,
                                       struct str *ret_hash);

/* ---- Apply files (docs/apply.md): parties, clients, sources, engagements, people (tenant/) and
 * documents, whole or not at all. */

/* trust: the hexadecimal public key whose signatures in the file count here, or empty; only
 * SIDE_INSTALLATION may name one.  Disclosures that change need the client's side or
 * SIDE_INSTALLATION.  A caller whose transaction it joined calls tenant_settle after its end. */
NODISCARD enum err service_apply(const struct scope *scope, struct service *service,
                                 struct str text, struct str trust, struct wall now,
                                 struct arena *mem, struct apply_result *ret, struct why *why);
NODISCARD enum err service_apply_check(struct str text, struct arena *mem, struct why *why);
/* Prints what service_apply reads, signatures included; an empty slug: everything that the scope
 * may manage.  A provider gets what is disclosed to it, and no signatures where that is a part. */
NODISCARD enum err service_export(const struct scope *scope, struct service *service,
                                  struct str slug, struct buf *out);
/* This installation's key, hexadecimal: what another one is told to trust. */
/* The installation's signature over a text, Ed25519: that it says so itself. */
void service_vouch(const struct service *service, struct str text, uint8_t ret[64]);
struct str service_key(const struct service *service);
