#pragma once

/*
 * Time-stamps over heads: an outside authority (RFC 3161) says that a head's hash existed at a
 * time. They lie in archive/stamps/<client>.stamps, one record after the other
 * (docs/formats/heads.md).
 *
 *     archive_stamp_due → tsp_request → (herald posts it) → tsp_answer → archive_stamp_keep
 *
 * An authority that is dead stops nothing: heads go on, and what waits is shown.
 */

#include "archive/archive.h"
#include "codec/crypto.h"

struct stamp {
    struct client_id client;
    uint64_t epoch;
    struct wall kept;   /* when we had it */
    struct sha256 hash; /* of the head's record: what the token is over */
    struct str token;   /* DER; points into what was decoded */
};
#define STAMP_SIZE_MAX (72 + 65536 + SHA256_SIZE)
NODISCARD enum err stamp_encode(const struct stamp *stamp, struct buf *out);
/* True if bytes begin with a stamp of this client. */
bool stamp_decode(struct str bytes, struct client_id client, struct stamp *ret, size_t *ret_size);

/* The next head that should be stamped: the last one, if the last stamp is older than `every`, or a
 * day has begun since.  ERR_NOT_FOUND: none is due.  The epoch says which it was, for _keep. */
NODISCARD enum err archive_stamp_due(const struct scope *scope, struct archive *archive,
                                     struct client_id client, struct wall now, int64_t every_ns,
                                     uint64_t *ret_epoch, struct sha256 *ret_hash);
/* Adds the token, synced.  Whether it is one over that hash, whoever took it has judged. */
NODISCARD enum err archive_stamp_keep(const struct scope *scope, struct archive *archive,
                                      const struct stamp *stamp);

/* A head as people keep it: one line of text, which stands in mails and webhooks, and which
 * `hinomi verify --heads` finds in whatever text it is kept in. */
struct head_said {
    struct client_id client;
    uint64_t epoch, leaves;
    struct wall wall;
    struct sha256 hash;
};
NODISCARD enum err head_said_print(const struct head_said *head, struct buf *out);
/* The next one in *text, of which what was read is cut off; false: there is none. */
bool head_said_next(struct str *text, struct head_said *ret);
/* Whether kept heads are such a text, and not the bytes of heads. */
bool heads_are_said(struct str kept);

/* What is known of a client's evidence, for people. */
struct evidence_told {
    bool head_known;
    uint64_t epoch, leaves, events; /* of the last head */
    struct wall head_wall;
    struct sha256 head_hash, root;
    bool stamp_known;
    uint64_t stamp_epoch;
    struct wall stamp_kept;
    uint64_t pending; /* heads since the last stamp */
    uint8_t anchor[ED25519_SIZE];
};
NODISCARD enum err archive_evidence(const struct scope *scope, struct archive *archive,
                                    struct client_id client, struct evidence_told *ret);
