#pragma once

/*
 * What our processes say to each other: one table.  A message is one packet on a channel:
 *
 *     OFFSET SIZE MEANING
 *          0    2 version, 1
 *          2    2 type
 *          4    4 flags: 1: the last text is in the last descriptor, a sealed memory
 *          8    4 length of the body
 *         12    4 zeros
 *         16      body: the fields of the type in order; a number is 8 bytes, a text is its size
 *                 in 4 bytes and then its bytes
 *
 * The receiver treats a message as outside bytes: it comes from a process that may have read
 * something hostile.
 *
 *     message_send | message_receive → … → message_done
 */

#include "base/err.h"
#include "base/str.h"
#include "sys/channel.h"

/* ---- The table: for each type its fields, in order. */

/* Parent to a child, before and while it works. */
#define SETUP_FIELDS(NUMBER, TEXT)                                                           \
    NUMBER(user)             /* to become, 0: stay */                                        \
    NUMBER(gap)              /* 1: the parent before was killed; nobody counted meanwhile */ \
    NUMBER(fresh)            /* 1: parent has just started, the books are empty */           \
    NUMBER(controller)       /* the user who may give commands besides root */               \
    NUMBER(space_reserve)    /* bytes */                                                     \
    NUMBER(journal_size_max) /* bytes */                                                     \
    NUMBER(commit_delay_ms)                                                                  \
    NUMBER(head_seconds)                                                                     \
    NUMBER(journal_seconds)                                                                  \
    NUMBER(journal_keep_seconds)                                                             \
    NUMBER(cold_days)                                                                        \
    NUMBER(disk_warning_days) /* to desk */                                                  \
    NUMBER(quiet)             /* 1: a worker whose work may wait for everybody else's */     \
    NUMBER(started)           /* the service, ns since 1970 */                               \
    NUMBER(relay)             /* 1: mails are handed to one */                               \
    NUMBER(stamp_seconds)     /* to core: how often heads are stamped; 0: never */           \
    TEXT(data)                                                                               \
    TEXT(keys)                                                                               \
    TEXT(zoneinfo)                              /* the folder of time zones */               \
    TEXT(portal_url)                            /* what people reach the portal by */        \
    TEXT(mail_from)                             /* the mailbox that mails come from */       \
    TEXT(listeners)                             /* the names, one a line */
#define RING_FIELDS(NUMBER, TEXT)  NUMBER(size) /* descriptor: the memory */
#define BOOKS_FIELDS(NUMBER, TEXT) NUMBER(size) /* descriptor: the memory */
#define RULES_FIELDS(NUMBER, TEXT)                \
    TEXT(note)   /* the folders they come from */ \
    TEXT(bundle) /* of ruleset_pack: to desk */
#define LISTEN_FIELDS(NUMBER, TEXT)                               \
    NUMBER(kind) /* enum listener_kind; descriptor: the socket */ \
    TEXT(name)
#define IDENTITY_FIELDS(NUMBER, TEXT)                                             \
    NUMBER(rate)      /* requests a second that one address may make */           \
    TEXT(certificate) /* of the portal, PEM; both empty: it speaks without TLS */ \
    TEXT(key)                                                                     \
    TEXT(names) /* that the portal goes by, one a line */                         \
    TEXT(api)   /* docs/api.yaml */
/* To front, before and while it works: what a listener shows and whom it trusts, PEM. */
#define PAPERS_FIELDS(NUMBER, TEXT)                                 \
    NUMBER(authorities_size) /* bytes of trust; the rest revokes */ \
    TEXT(listener)                                                  \
    TEXT(certificate)                                               \
    TEXT(key)                                                       \
    TEXT(trust) /* the authorities, then their lists of what they revoked */
/* To front: a file that it follows, from where its positions were last kept. */
#define FILE_FIELDS(NUMBER, TEXT)                                                       \
    NUMBER(id)         /* descriptor: the file, for reading */                          \
    NUMBER(epoch)      /* of this content of it */                                      \
    NUMBER(print)      /* of its first bytes */                                         \
    NUMBER(print_size) /* how many; 0: not known */                                     \
    NUMBER(offset)     /* what is before it is on disk */                               \
    NUMBER(cut)        /* up to where the batch goes that was handed over, if beyond */ \
    TEXT(listener)                                                                      \
    TEXT(path)
#define FILE_GONE_FIELDS(NUMBER, TEXT) \
    NUMBER(id)                         \
    NUMBER(gone) /* 1: it is at none of the paths any more; 0: it is again */
/* Front to parent, and that these are on disk. */
#define POSITIONS_FIELDS(NUMBER, TEXT) \
    NUMBER(number)                     \
    TEXT(positions) /* of positions_encode */
#define POSITIONS_KEPT_FIELDS(NUMBER, TEXT) NUMBER(number)
#define CERTIFICATE_FIELDS(NUMBER, TEXT)                                \
    NUMBER(until) /* ns since 1970; 0: the portal speaks without TLS */ \
    NUMBER(local) /* 1: it was made here and certifies itself */        \
    TEXT(subject)                                                       \
    TEXT(sha256) /* the fingerprint in hexadecimal */
#define RELAY_FIELDS(NUMBER, TEXT)                                                    \
    NUMBER(tls_required)                                                              \
    TEXT(url)                                                                         \
    TEXT(user)                                                                        \
    TEXT(password)                                                                    \
    TEXT(roots)     /* a file of authorities; empty: the system's */                  \
    TEXT(stamp_url) /* of the authority for stamps */                                 \
    TEXT(networks)  /* that webhooks may reach although they are local, one a line */ \
    TEXT(secrets)   /* of webhooks: "name hexadecimal" a line */
#define FACTORS_FIELDS(NUMBER, TEXT)        \
    NUMBER(policy) /* enum factor_policy */ \
    TEXT(key)      /* that the second factors' secrets are sealed under */
#define LINK_FIELDS(NUMBER, TEXT)                                                                  \
    NUMBER(peer)   /* enum process_kind; descriptor: the channel, none: there is no such worker */ \
    NUMBER(worker) /* which one, if the peer is a worker */
#define GO_FIELDS(NUMBER, TEXT)                                                                   \
    NUMBER(packs) /* all has been given: confine yourself (1: as one who makes packages) and work \
                   */
#define STOP_FIELDS(NUMBER, TEXT) NUMBER(unused) /* finish what is begun and end */
#define CONTROL_FIELDS(NUMBER, TEXT) \
    NUMBER(unused) /* descriptor: a connection to the control socket */

/* Parent to desk: what became of a process, as often as it changes; a new desk hears of all. */
#define PROCESS_FIELDS(NUMBER, TEXT)                        \
    NUMBER(kind) /* enum process_kind */                    \
    NUMBER(running)                                         \
    NUMBER(since)    /* ns since 1970; 0: it never began */ \
    NUMBER(restarts) /* since the service began */

/* A child to parent. */
#define READY_FIELDS(NUMBER, TEXT) NUMBER(unused) /* confined and at work */
#define WANT_WORKER_FIELDS(NUMBER, TEXT)                                                  \
    NUMBER(worker) /* by desk or core: start one; LINK comes back with the same number */ \
    NUMBER(packs)  /* 1: it makes a package, which needs fonts, files and hours */

/* Front and core. */
#define BELL_FIELDS(NUMBER, TEXT) NUMBER(unused) /* there is something in the ring */
#define COMMITTED_FIELDS(NUMBER, TEXT)                      \
    NUMBER(position) /* every entry up to here has ended */ \
    TEXT(exceptions) /* 16 bytes each: position, enum commit_result */

/* Desk and core. */
#define GRANT_FIELDS(NUMBER, TEXT)                                    \
    NUMBER(client)                                                    \
    NUMBER(bookmark)                                                  \
    NUMBER(own) /* the service's own source of the client; 0: none */ \
    TEXT(scope)
#define ACCOUNT_FIELDS(NUMBER, TEXT)            \
    NUMBER(client)                              \
    NUMBER(source)                              \
    NUMBER(received)                            \
    NUMBER(stored)                              \
    NUMBER(deduplicated)                        \
    NUMBER(heard) /* ns since 1970; 0: never */ \
    NUMBER(failures)                            \
    NUMBER(bytes)                               \
    TEXT(rejected)                                  /* 8 bytes a reason */
#define GRANTED_FIELDS(NUMBER, TEXT) NUMBER(unused) /* every client and account has been named */
#define LEND_FIELDS(NUMBER, TEXT)                                \
    NUMBER(worker) /* give this worker this client's journals */ \
    NUMBER(client)                                               \
    NUMBER(from)  /* no event before this place is wanted, */    \
    NUMBER(since) /* none with both its times before this */     \
    NUMBER(until) /* or both not before this */                  \
    NUMBER(proof) /* 1: heads, stamps and remains too */         \
    TEXT(scope)
#define ALERTS_FIELDS(NUMBER, TEXT) \
    NUMBER(client)                  \
    NUMBER(bookmark)                \
    TEXT(alerts) /* of alert_encode, one behind another */
#define STORED_FIELDS(NUMBER, TEXT) \
    NUMBER(client)                  \
    NUMBER(bookmark)

/* Desk to core, for a backup: how far is each journal committed at this moment?  And the answer. */
#define HOW_FAR_FIELDS(NUMBER, TEXT) NUMBER(ticket)
#define THUS_FAR_FIELDS(NUMBER, TEXT) \
    NUMBER(ticket)                    \
    TEXT(ends) /* of archive_ends */

/* Core to desk: what it counted of sources and of senders that no document names (serve/vitals.h).
 */
#define VITALS_FIELDS(NUMBER, TEXT) \
    TEXT(sources)                   \
    TEXT(strangers)
/* Core to desk: a record of the service's own source has been stored and judged. */
#define HEARD_FIELDS(NUMBER, TEXT) \
    NUMBER(client)                 \
    TEXT(record)
#define DOCUMENTS_FIELDS(NUMBER, TEXT)                   \
    NUMBER(client)                                       \
    TEXT(sources) /* "id slug" a line, of that client */ \
    TEXT(bundle)  /* of service_bundle: the effective versions that detection reads */

/* Desk to core: what was promised and what is held of a client (serve/keeping.h); and a segment
 * that is to go. */
#define KEEP_FIELDS(NUMBER, TEXT) \
    NUMBER(client)                \
    TEXT(told)
#define DROP_FIELDS(NUMBER, TEXT)        \
    NUMBER(client)                       \
    NUMBER(segment) /* its generation */ \
    TEXT(promise)   /* for its tombstone */
/* Core to desk: what lies in a client's archive, of lot_encode, and what proves it so far; and what
 * became of a DROP. */
#define HOLDINGS_FIELDS(NUMBER, TEXT)                                       \
    NUMBER(client)                                                          \
    NUMBER(head_wall) /* of the last signed head */                         \
    NUMBER(head_epoch)                                                      \
    NUMBER(leaves)     /* below it */                                       \
    NUMBER(stamp_kept) /* when the last time-stamp came; WALL_NONE: none */ \
    NUMBER(unstamped)  /* heads since then */                               \
    NUMBER(unsealed)   /* records in journals alone */                      \
    TEXT(head_hash)    /* empty: there is no head */                        \
    TEXT(anchor)       /* where checking the client's heads begins */       \
    TEXT(lots)
#define DROPPED_FIELDS(NUMBER, TEXT) \
    NUMBER(client)                   \
    NUMBER(segment)                  \
    NUMBER(err) /* enum err */       \
    TEXT(said)

/* Core to herald, by way of desk: a head that an authority is to stamp; and what came of it, back
 * the same way. */
#define STAMP_FIELDS(NUMBER, TEXT) \
    NUMBER(client)                 \
    NUMBER(nonce)                  \
    TEXT(hash) /* SHA-256 of the head's record */
#define STAMPED_FIELDS(NUMBER, TEXT)        \
    NUMBER(client)                          \
    NUMBER(nonce)                           \
    TEXT(said)  /* why there is no token */ \
    TEXT(token) /* DER, over the hash and with the nonce; empty: there is none */

/* Portal and desk. */
#define API_CALL_FIELDS(NUMBER, TEXT)                                 \
    NUMBER(ticket)      /* portal's, comes back with the answer */    \
    NUMBER(same_origin) /* 1: the request comes from our own pages */ \
    TEXT(method)                                                      \
    TEXT(path)                                                        \
    TEXT(query)                                                       \
    TEXT(type)                                                        \
    TEXT(session)                                                     \
    TEXT(bearer)                                                      \
    TEXT(language)                                                    \
    TEXT(peer)                                                        \
    TEXT(agent)                                                       \
    TEXT(body)
#define API_ANSWER_FIELDS(NUMBER, TEXT)                                                 \
    NUMBER(ticket)                                                                      \
    NUMBER(status)                                                                      \
    NUMBER(retry_seconds)                                                               \
    NUMBER(file_size)                                                                   \
    TEXT(type)                                                                          \
    TEXT(cookie)                                                                        \
    TEXT(file) /* its name; not empty: the descriptor is the file, instead of a body */ \
    TEXT(body)

/* An answer of the type text/event-stream stays open: desk goes on with more of it, until it says
 * `end` or portal says that nobody listens any more. */
#define API_STREAM_FIELDS(NUMBER, TEXT)         \
    NUMBER(ticket)                              \
    NUMBER(end) /* 1: this is the last of it */ \
    TEXT(text)
#define API_GONE_FIELDS(NUMBER, TEXT) NUMBER(ticket)

/* Desk and herald. */
#define DELIVER_FIELDS(NUMBER, TEXT)            \
    NUMBER(message) /* its row in the outbox */ \
    NUMBER(kind)    /* enum outbox_kind */      \
    TEXT(to)                                    \
    TEXT(identity)                              \
    TEXT(signing) /* a webhook's secret */      \
    TEXT(body)
#define DELIVERED_FIELDS(NUMBER, TEXT) \
    NUMBER(message)                    \
    NUMBER(end) /* enum outbox_end */  \
    TEXT(said)

/* Desk and a worker: a password to check or, without a hash, to make one of. */
#define PASSWORD_FIELDS(NUMBER, TEXT) \
    TEXT(hash)                        \
    TEXT(password)
#define PASSWORD_DONE_FIELDS(NUMBER, TEXT) \
    NUMBER(matches)                        \
    TEXT(hash)

/* Desk and a worker: rules to compile. */
#define COMPILE_FIELDS(NUMBER, TEXT) TEXT(bundle)
#define COMPILED_FIELDS(NUMBER, TEXT)                                            \
    NUMBER(loaded)                                                               \
    NUMBER(refused)                                                              \
    NUMBER(needs_values)                                                         \
    TEXT(error)  /* why the bundle as a whole is none; then the rest is empty */ \
    TEXT(report) /* JSON */                                                      \
    TEXT(set)    /* of ruleset_encode */
/* A worker to desk: what an operation of the API asked of the archive. */
#define ANSWERED_FIELDS(NUMBER, TEXT) \
    NUMBER(err) /* enum err */        \
    TEXT(text)  /* the body of the answer, or why there is none */
/* Desk to core: the compiled rules that are in force from now on. */
#define RULESET_FIELDS(NUMBER, TEXT) TEXT(set)

/* Desk to front. */
#define BINDINGS_FIELDS(NUMBER, TEXT) TEXT(bindings) /* of tenant_bindings */
/* Desk to front: a record of the service's own about a client; it goes the way of all records. */
#define OWN_FIELDS(NUMBER, TEXT) \
    NUMBER(client)               \
    NUMBER(source)               \
    TEXT(record)

/* A worker's job: from desk what to do, from core what to read. */
#define JOB_FIELDS(NUMBER, TEXT)                                                   \
    NUMBER(command) /* enum control_command or reading_command; descriptor: the    \
                       connection that waits, none: desk does */                   \
    NUMBER(client)                                                                 \
    NUMBER(from)                                                                   \
    NUMBER(to)                                                                     \
    NUMBER(format)                                                                 \
    NUMBER(count)                                                                  \
    NUMBER(before) /* a survey's events: those before this place, 0: the newest */ \
    NUMBER(limit)  /* and at most so many */                                       \
    TEXT(scope)                                                                    \
    TEXT(slug)    /* the client's */                                               \
    TEXT(sources) /* "id slug" a line, of that client */                           \
    TEXT(text)    /* the query, or the alerts whose lines are wanted */
#define JOURNAL_FIELDS(NUMBER, TEXT) TEXT(grant) /* of archive_lend; descriptor: the journal */
/* What a package's proof needs; descriptors: heads, remains, stamps, as far as they are there. */
#define PROOF_FIELDS(NUMBER, TEXT)                             \
    NUMBER(there) /* 1: heads, 2: remains, 4: stamps, added */ \
    TEXT(grant)   /* of archive_lend_proof */
/* Desk and a worker: a package to make; descriptors: the file, a file that means nothing after. */
#define PACK_FIELDS(NUMBER, TEXT)                            \
    NUMBER(client)                                           \
    NUMBER(room) /* bytes that each of the files may take */ \
    TEXT(scope)                                              \
    TEXT(job) /* of packing_pack */
#define PACKED_FIELDS(NUMBER, TEXT) \
    NUMBER(err)                     \
    NUMBER(size)                    \
    NUMBER(events)                  \
    TEXT(sha256)                    \
    TEXT(error) /* a sentence, if err is not 0 */
#define JOURNALS_END_FIELDS(NUMBER, TEXT) NUMBER(unused)
/* A worker to core: what was lent up to here has come, go on. */
#define JOURNALS_MORE_FIELDS(NUMBER, TEXT) NUMBER(unused)
/* Core to a worker: what was lent is to become a segment; and how that ended. */
#define SEAL_FIELDS(NUMBER, TEXT) \
    TEXT(scope)                   \
    TEXT(order) /* of seal_order; descriptor: the file */
#define SEALED_FIELDS(NUMBER, TEXT) \
    NUMBER(err) /* enum err */      \
    TEXT(text)  /* why, if it is not OK */

/* The control socket: one request, then output and one end. */
#define REQUEST_FIELDS(NUMBER, TEXT)                                 \
    NUMBER(command) /* enum control_command */                       \
    NUMBER(from)    /* ns since 1970 */                              \
    NUMBER(to)                                                       \
    NUMBER(format)                                                   \
    NUMBER(count) /* 1: only count */                                \
    NUMBER(after) /* alerts: those with a larger id */               \
    NUMBER(limit) /* alerts: at most so many */                      \
    TEXT(tenant)                                                     \
    TEXT(argument) /* apply: a key to trust; api: method and path */ \
    TEXT(note)     /* import: where the rules come from */           \
    TEXT(text)
#define OUTPUT_FIELDS(NUMBER, TEXT) TEXT(text)
#define DONE_FIELDS(NUMBER, TEXT)              \
    NUMBER(code) /* the command's exit code */ \
    TEXT(error)  /* a sentence, if it is not 0 */

#define MESSAGE_LIST(M)               \
    M(SETUP, setup)                   \
    M(RING, ring)                     \
    M(BOOKS, books)                   \
    M(RULES, rules)                   \
    M(LISTEN, listen)                 \
    M(IDENTITY, identity)             \
    M(PAPERS, papers)                 \
    M(FILE, file)                     \
    M(FILE_GONE, file_gone)           \
    M(POSITIONS, positions)           \
    M(POSITIONS_KEPT, positions_kept) \
    M(CERTIFICATE, certificate)       \
    M(RELAY, relay)                   \
    M(FACTORS, factors)               \
    M(LINK, link)                     \
    M(GO, go)                         \
    M(STOP, stop)                     \
    M(CONTROL, control)               \
    M(PROCESS, process)               \
    M(READY, ready)                   \
    M(WANT_WORKER, want_worker)       \
    M(BELL, bell)                     \
    M(COMMITTED, committed)           \
    M(GRANT, grant)                   \
    M(ACCOUNT, account)               \
    M(GRANTED, granted)               \
    M(LEND, lend)                     \
    M(ALERTS, alerts)                 \
    M(STORED, stored)                 \
    M(VITALS, vitals)                 \
    M(HEARD, heard)                   \
    M(DOCUMENTS, documents)           \
    M(KEEP, keep)                     \
    M(HOLDINGS, holdings)             \
    M(DROP, drop)                     \
    M(DROPPED, dropped)               \
    M(STAMP, stamp)                   \
    M(STAMPED, stamped)               \
    M(HOW_FAR, how_far)               \
    M(THUS_FAR, thus_far)             \
    M(API_CALL, api_call)             \
    M(API_ANSWER, api_answer)         \
    M(API_STREAM, api_stream)         \
    M(API_GONE, api_gone)             \
    M(DELIVER, deliver)               \
    M(DELIVERED, delivered)           \
    M(PASSWORD, password)             \
    M(PASSWORD_DONE, password_done)   \
    M(COMPILE, compile)               \
    M(COMPILED, compiled)             \
    M(ANSWERED, answered)             \
    M(RULESET, ruleset)               \
    M(BINDINGS, bindings)             \
    M(OWN, own)                       \
    M(JOB, job)                       \
    M(JOURNAL, journal)               \
    M(PROOF, proof)                   \
    M(PACK, pack)                     \
    M(PACKED, packed)                 \
    M(JOURNALS_END, journals_end)     \
    M(JOURNALS_MORE, journals_more)   \
    M(SEAL, seal)                     \
    M(SEALED, sealed)                 \
    M(REQUEST, request)               \
    M(OUTPUT, output)                 \
    M(DONE, done)

/* ---- What the table makes. */

enum message_type {
#define MESSAGE_TYPE(upper, lower) MESSAGE_##upper,
    MESSAGE_LIST(MESSAGE_TYPE)
#undef MESSAGE_TYPE
        MESSAGE_TYPE_COUNT
};

#define MESSAGE_NUMBER(name) uint64_t name;
#define MESSAGE_TEXT(name)   struct str name;
#define MESSAGE_BODY(upper, lower)                   \
    struct lower##_message {                         \
        upper##_FIELDS(MESSAGE_NUMBER, MESSAGE_TEXT) \
    };
MESSAGE_LIST(MESSAGE_BODY)
#undef MESSAGE_BODY
#undef MESSAGE_NUMBER
#undef MESSAGE_TEXT

struct message {
    enum message_type type;
    union {
#define MESSAGE_MEMBER(upper, lower) struct lower##_message lower;
        MESSAGE_LIST(MESSAGE_MEMBER)
#undef MESSAGE_MEMBER
    };
    int descriptors[CHANNEL_DESCRIPTORS_MAX]; /* sent: borrowed; received: the receiver's */
    size_t descriptors_count;
    void *memory; /* received: where a large text is mapped */
    size_t memory_size;
};

/* The name in the table, for messages to people. */
const char *message_name(enum message_type type);

/* Sends one message.  A last text that does not fit a packet goes in a memory of its own.
 * ERR_AGAIN: the queue is full, or that memory cannot be sealed at the moment; nothing was sent. */
NODISCARD enum err message_send(int channel, const struct message *message);

/* Takes one message into `packet` (MESSAGE_SIZE_MAX bytes), which its texts borrow from. ERR_AGAIN:
 * none is there; ERR_CLOSED: the peer is gone; ERR_CORRUPT: it was none of the table's. */
NODISCARD enum err message_receive(int channel, char *packet, struct message *ret);
/* Closes the descriptors that nobody took and unmaps.  Zero is fine. */
void message_done(struct message *message);
/* The first descriptor becomes the caller's; -1 if there is none. */
int message_take_descriptor(struct message *message);

/* For queues: the bytes of all its texts, and the same message with its texts moved to `to`. */
size_t message_texts_size(const struct message *message);
void message_texts_copy(struct message *message, char *to);

/* The packet's bytes alone, for message_receive and its fuzz target. */
NODISCARD enum err message_decode(struct str packet, struct message *ret);
