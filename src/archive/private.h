#pragma once

/* What the archive's files share: the frame of a journal, the tree, the client's state. */

#include "archive/archive.h"
#include "base/limits.h"
#include "base/map.h"
#include "codec/crypto.h"
#include "codec/zstd.h"

/* ---- frame.c: one frame of a journal (docs/formats/journal.md). */

#define FRAME_HEADER_SIZE   304
#define FRAME_BESIDE_SIZE   240 /* how much of the header the payload's seal covers */
#define FRAME_PAYLOAD_MAX   (BATCH_SIZE_MAX + BATCH_SIZE_MAX / 64)
#define FRAME_SALT_SIZE     32
#define FRAME_VERSION       2 /* that is written; 1 is read too */
#define GENERATION_SIZE_MAX 1024

enum frame_kind {
    FRAME_DATA = 1,
    FRAME_GENERATION = 2,
};

struct frame {
    uint16_t version; /* 1 or FRAME_VERSION */
    enum frame_kind kind;
    uint32_t payload_size;
    uint64_t journal, offset;
    uint64_t group;                      /* where its group begins: all before was on disk */
    uint64_t before_journal, before_end; /* the journal before and where its truth ends */
    struct client_id client;
    struct source_id source;
    uint64_t first;
    uint32_t events;
    uint32_t plain_size; /* of the payload once unpacked, without the salt */
    struct ring_place ring;
    struct wall wall;
    struct batch_key key;
    uint64_t leaf_index;
    uint8_t seed[SHA256_SIZE];
    struct sha256 leaf;
    struct sha256 chain; /* `hash` of the frame before */
    struct sha256 payload_hash;
    struct sha256 hash; /* over the header before it */
};

static inline uint64_t frame_end(const struct frame *frame)
{
    return frame->offset + FRAME_HEADER_SIZE + frame->payload_size;
}

/* The key of one client in one journal: all that a worker is ever given. */
struct sha256 journal_key(const uint8_t client_key[AES_KEY_SIZE], struct client_id client,
                          uint64_t journal);
/* The leaf over a batch's original records.  ERR_LIMIT if its records overlap so much that they
 * are larger than a batch. */
NODISCARD enum err frame_leaf(const uint8_t salt[FRAME_SALT_SIZE], uint64_t first,
                              const struct batch *batch, struct sha256 *ret);
/* Packs, seals and appends the frame; fills in payload_size, plain_size, seed and the hashes. */
NODISCARD enum err frame_append(struct frame *frame, const struct sha256 *key, struct str plain,
                                const uint8_t salt[FRAME_SALT_SIZE], struct zstd *zstd,
                                struct buf *out);
/* True if these bytes are a frame's header written for that very place. */
bool frame_decode(const char *header, uint64_t journal, uint64_t offset, struct frame *ret);
void frame_encode(const struct frame *frame, char *header); /* without hash */
/* Reads the payload of a frame; ERR_CORRUPT if its hash is not the header's.  payload: made in
 * mem. */
NODISCARD enum err frame_payload(struct file *file, const struct frame *frame, struct arena *mem,
                                 struct str *ret, struct why *why);
/* Opens and unpacks a payload in mem (the payload itself is overwritten). */
NODISCARD enum err frame_open(const struct frame *frame, struct str payload,
                              const struct sha256 *key, struct zstd *zstd, struct arena *mem,
                              uint8_t ret_salt[FRAME_SALT_SIZE], struct str *ret_plain,
                              struct why *why);
/* frame_payload, frame_open and batch_check, and that the batch is the frame's. */
NODISCARD enum err frame_batch(struct file *file, const struct frame *frame,
                               const struct sha256 *key, struct zstd *zstd, struct arena *mem,
                               uint8_t ret_salt[FRAME_SALT_SIZE], struct batch *ret,
                               struct why *why);

/* ---- walk.c: the frames of a journal, one after the other, over any damage. */

struct walk {
    struct file *file;
    uint64_t journal;
    uint64_t at;
    uint64_t end;
    uint64_t skipped; /* bytes before the frame just given, or before the end, that are none */
};

void walk_init(struct walk *walk, struct file *file, uint64_t journal, uint64_t from, uint64_t end);
/* The next whole frame; false at the end.  Looks at each byte a bounded number of times. */
bool walk_next(struct walk *walk, struct frame *ret);

/* The journals of a folder, ascending, and how far each is true. */
struct journals {
    struct journal_file {
        uint64_t number;
        uint64_t end; /* UINT64_MAX: the file's own size; nothing says where it ends */
    } * list;
    size_t count, capacity;
};
NODISCARD enum err journals_list(struct disk *disk, const char *folder, struct journals *ret,
                                 struct why *why);
NODISCARD enum err journals_add(struct journals *journals, uint64_t number, uint64_t end);
void journals_done(struct journals *journals);
NODISCARD enum err journal_path(const char *folder, uint64_t number, char *path, size_t size);
#define PATH_SIZE 4096

/* ---- tree.c: RFC 6962's tree, kept as the roots of its full subtrees. */

struct tree {
    uint64_t size;
    struct sha256 peaks[64]; /* one for each bit set in size, the largest first */
};
unsigned tree_peaks(const struct tree *tree);
void tree_add(struct tree *tree, const struct sha256 *leaf);
/* `count` leaves of zeros, in few steps however many they are. */
void tree_add_lost(struct tree *tree, uint64_t count);
struct sha256 tree_root(const struct tree *tree);

/* ---- key.c: the files beside the data. */

struct signer {
    uint64_t epoch;
    uint8_t current[ED25519_SIZE], next[ED25519_SIZE];
};
/* ERR_NOT_FOUND without one; ERR_CORRUPT if it is not what was written. */
NODISCARD enum err key_load(struct disk *disk, const char *keys, struct client_id client,
                            uint8_t ret[AES_KEY_SIZE], struct why *why);
NODISCARD enum err key_make(struct disk *disk, const char *keys, struct client_id client,
                            uint8_t ret[AES_KEY_SIZE]);
NODISCARD enum err signer_load(struct disk *disk, const char *keys, struct client_id client,
                               struct signer *ret, struct why *why);
NODISCARD enum err signer_store(struct disk *disk, const char *keys, struct client_id client,
                                const struct signer *signer);
NODISCARD enum err anchor_load(struct disk *disk, const char *keys, struct client_id client,
                               uint8_t ret[ED25519_SIZE], struct why *why);
NODISCARD enum err anchor_store(struct disk *disk, const char *keys, struct client_id client,
                                const uint8_t public_key[ED25519_SIZE]);

/* ---- head.c: a client's signed heads (docs/formats/heads.md). */

#define HEAD_FIXED_SIZE 232
#define HEAD_SIZE_MAX   (HEAD_FIXED_SIZE + 64 * SHA256_SIZE + ED25519_SIGNATURE_SIZE)
#define HEAD_VERSION    1

struct head {
    struct client_id client;
    uint64_t epoch;
    struct wall wall;
    uint64_t events;
    uint64_t journal, journal_end; /* how far the journals were true */
    struct sha256 chain;           /* the last frame's hash there */
    struct sha256 before;          /* SHA-256 of the head before; zeros in the first */
    uint8_t public_key[ED25519_SIZE], public_next[ED25519_SIZE];
    struct tree tree;
    struct sha256 root;
    struct sha256 hash; /* SHA-256 of the whole record */
};
/* Signs with `key`; bytes: HEAD_SIZE_MAX.  Fills in root and hash. */
size_t head_encode(struct head *head, const uint8_t key[ED25519_SIZE], char *bytes);
/* True if bytes begin with a head of this client whose own signature and root hold. */
bool head_decode(struct str bytes, struct client_id client, struct head *ret, size_t *ret_size);
NODISCARD enum err heads_path(const char *folder, struct client_id client, char *path, size_t size);
/* The clients that have a heads file, ascending; the caller frees. */
NODISCARD enum err heads_list(struct disk *disk, const char *folder, uint32_t **ret,
                              size_t *ret_count);

/* ---- index.c: where a client's frames lie. */

struct index_entry {
    uint64_t first;
    uint64_t journal;
    uint64_t offset;
};
struct index {
    struct index_entry *list;
    size_t count, capacity;
    uint64_t stride, passed; /* every stride-th frame is kept */
};
void index_done(struct index *index);
NODISCARD enum err index_add(struct index *index, struct index_entry entry);
/* The last entry at or before the sequence; false without one. */
bool index_find(const struct index *index, uint64_t sequence, struct index_entry *ret);

/* ---- seen.c: idempotency keys. */

struct seen;
struct seen_entry {
    uint32_t client, source;
    struct batch_key key;
    uint64_t first;
    struct wall wall;
};
struct seen *seen_new(size_t count_max, uint64_t seed);
void seen_free(struct seen *seen);
/* Adds the newest; forgets those older than a day before it, and the oldest if there are too many.
 */
NODISCARD enum err seen_add(struct seen *seen, const struct seen_entry *entry);
void seen_take_back(struct seen *seen, size_t count); /* the newest `count` */
bool seen_find(const struct seen *seen, const struct seen_entry *like, struct wall now,
               struct seen_entry *ret, uint64_t *ret_ordinal);
uint64_t seen_ordinal(const struct seen *seen); /* of the next to be added */

/* ---- ring.c: which positions of the ring are stored. */

#define RING_RECENT 8192 /* stored positions of a ring that are known one by one */

struct ring_memory {
    uint64_t ring;  /* heard of last; 0: none yet */
    uint64_t count; /* stored of it, ever */
    struct ring_stored {
        uint64_t position;
        struct place first;
    } stored[RING_RECENT]; /* the oldest overwritten first */
};
void ring_learn(struct ring_memory *memory, struct ring_place place, struct place first);
bool ring_holds(const struct ring_memory *memory, struct ring_place place, struct place *ret_first);

/* ---- client.c, archive.c, recovery.c: the open archive. */

struct client {
    struct client_id id;
    uint64_t next; /* sequence, committed */
    struct tree tree;
    uint64_t pending_events, pending_leaves;
    bool leaves_lost; /* at recovery: zeros stand in the tree for leaves that are lost */
    struct index index;
    struct client_journal {
        uint64_t number, first_offset;
    } * journals;
    size_t journals_count, journals_capacity;
    bool key_known;
    uint8_t key[AES_KEY_SIZE];
    uint64_t key_journal; /* journal_key is of this journal; UINT64_MAX: of none */
    struct sha256 journal_key;
    bool head_known, signer_known;
    struct head head; /* the last */
    uint64_t heads_end;
    struct signer signer;
    struct index_entry cursor; /* where the last read ended; first 0: nowhere */
};

struct archive {
    struct disk *disk;
    char folder[PATH_SIZE], keys[PATH_SIZE];
    uint64_t journal_size_max;
    bool read_only;
    struct wall now; /* as we were last told */
    struct file *lock;
    struct file *file; /* the journal being written; NULL: none yet */
    uint64_t journal, end;
    uint64_t before_journal, before_end;
    struct sha256 chain, group_chain;
    struct file *read_file; /* a journal being read again */
    uint64_t read_journal;
    struct journals journals; /* all that hold frames, ascending; the last may be open in `file` */
    struct client **clients;
    size_t clients_count, clients_capacity, sign_next;
    struct map by_client, stored;
    struct seen *seen;
    struct ring_memory ring;
    struct zstd *zstd;
    struct arena *scratch;
    struct buf group;
    struct frame *pending;
    size_t pending_count, pending_capacity, pending_seen;
};

struct client *client_find(const struct archive *archive, struct client_id id);
/* Found or added, without keys. */
NODISCARD enum err client_get(struct archive *archive, struct client_id id, struct client **ret);
/* Makes sure that the client can be written for: its keys and its first head. */
NODISCARD enum err client_ready(struct archive *archive, struct client *client, struct wall now);
const struct sha256 *client_journal_key(struct client *client, uint64_t journal);
/* The client's key, from its file if it is not known yet. */
NODISCARD enum err client_key(struct archive *archive, struct client *client, struct why *why);
NODISCARD enum err client_sign(struct archive *archive, struct client *client, struct wall now);
/* Reads the last head of the client's file and its signing keys; cuts a torn head off. */
NODISCARD enum err client_heads(struct archive *archive, struct client *client);
void client_free(struct client *client);
NODISCARD enum err client_journals_reserve(struct client *client);
NODISCARD enum err client_journals_learn(struct client *client, const struct frame *frame);

/* Counts a frame that is on disk: the one way in which the state grows, live and at recovery. */
NODISCARD enum err archive_learn(struct archive *archive, const struct frame *frame);
NODISCARD enum err archive_recover(struct archive *archive, struct wall now, struct why *why);

/* ---- reader.c: what a worker is given for one journal. */

struct grant {
    struct client_id client;
    uint64_t journal, end, first_offset;
    struct sha256 key; /* journal_key */
};
NODISCARD enum err grant_encode(const struct grant *grant, struct buf *out);
NODISCARD enum err grant_decode(struct str bytes, struct grant *ret);

/* ---- chain.c, verify.c: judging an archive. */

/* What a head said, kept until the journals have been walked that far. */
struct mark {
    uint32_t client;
    uint64_t offset; /* in the heads file */
    uint64_t leaves, events, journal, journal_end;
    struct sha256 root, chain;
};
struct marks {
    struct mark *list;
    size_t count, capacity;
};

struct judged {
    struct client_id client;
    bool key_known;
    uint8_t key[AES_KEY_SIZE];
    struct marks marks; /* of this client, in the order of its heads file */
    size_t marks_at;
    uint64_t next; /* sequence */
    uint64_t leaves;
    bool whole; /* `tree` holds all of `leaves` */
    struct tree tree;
};

struct judge {
    struct disk *disk;
    const char *folder, *keys;
    verify_call *call;
    void *context;
    struct verify_report report;
    struct map by_client;
    struct judged **clients;
    size_t clients_count;
    struct marks marks; /* of all clients, by place in the journals */
    size_t marks_at;
    struct zstd *zstd;
    struct arena *mem;
    struct sha256 chain; /* of the frame before */
    bool chain_known;
    uint64_t last_journal, last_end; /* the last journal that held a frame */
};

void judge_say(struct judge *judge, const char *file, uint64_t offset, const char *format, ...)
    PRINTF(4, 5);
NODISCARD enum err judge_client(struct judge *judge, struct client_id id, struct judged **ret);
NODISCARD enum err marks_add(struct marks *marks, const struct mark *mark);
/* Follows a client's heads from its anchor to its signing key and keeps their marks. */
NODISCARD enum err chain_judge(struct judge *judge, struct judged *client);
/* Reads a head again, for its peaks. */
bool chain_head(struct judge *judge, const struct mark *mark, struct head *ret);
