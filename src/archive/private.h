#pragma once

/* What the archive's files share: the frame of a journal, the tree, the client's state. */

#include "archive/archive.h"
#include "archive/leaves.h"
#include "archive/seal.h"
#include "archive/segment.h"
#include "archive/tombstone.h"
#include "base/limits.h"
#include "base/map.h"
#include "codec/crypto.h"
#include "codec/zstd.h"

/* ---- frame.c: one frame of a journal (docs/formats/journal.md). */

#define FRAME_HEADER_SIZE   304
#define FRAME_BESIDE_SIZE   240 /* how much of the header the payload's seal covers */
#define FRAME_PAYLOAD_MAX   (BATCH_SIZE_MAX + BATCH_SIZE_MAX / 64)
#define FRAME_SALT_SIZE     LEAF_SALT_SIZE
#define FRAME_VERSION       4 /* that is written; 1 to 3 are read too */
#define GENERATION_SIZE_MAX 1024

enum frame_kind {
    FRAME_DATA = 1,
    FRAME_GENERATION = 2,
};

struct frame {
    uint16_t version; /* 1 to FRAME_VERSION; the leaf is of form 2 from 3 on */
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
/* What a frame is to hold: a batch, or bytes if there is none. */
struct frame_content {
    const struct batch *batch;
    struct str plain;
};
/* Packs, seals and appends the frame; fills in payload_size, plain_size, seed and the hashes. */
NODISCARD enum err frame_append(struct frame *frame, const struct sha256 *key,
                                const struct frame_content *content,
                                const uint8_t salt[FRAME_SALT_SIZE], struct zstd *zstd,
                                struct arena *scratch, struct buf *out);
/* True if these bytes are a frame's header written for that very place. */
bool frame_decode(const char *header, uint64_t journal, uint64_t offset, struct frame *ret);
void frame_encode(const struct frame *frame, char *header); /* without hash */
/* Reads the payload of a frame; ERR_CORRUPT if its hash is not the header's.  payload: made in
 * mem. */
NODISCARD enum err frame_payload(struct file *file, const struct frame *frame, struct arena *mem,
                                 struct str *ret, struct why *why);
/* Opens and unpacks a payload in mem. */
NODISCARD enum err frame_open(const struct frame *frame, struct str payload,
                              const struct sha256 *key, struct zstd *zstd, struct arena *mem,
                              uint8_t ret_salt[FRAME_SALT_SIZE], struct str *ret_plain,
                              struct why *why);
/* frame_open and batch_check, and that the batch is the frame's. */
NODISCARD enum err frame_unfold(const struct frame *frame, struct str payload,
                                const struct sha256 *key, struct zstd *zstd, struct arena *mem,
                                uint8_t ret_salt[FRAME_SALT_SIZE], struct batch *ret,
                                struct why *why);
/* The same with a payload that is read, and proved by its seal alone. */
NODISCARD enum err frame_batch(struct file *file, const struct frame *frame,
                               const struct sha256 *key, struct zstd *zstd, struct arena *mem,
                               uint8_t ret_salt[FRAME_SALT_SIZE], struct batch *ret,
                               struct why *why);

/* ---- leaf.c: what leaves.h tells, in pieces. */

#define LEAF_HEAD_SIZE (9 + 36 + SHA256_SIZE) /* as it is hashed */
#define LEAF_TOLD_SIZE (36 + SHA256_SIZE)     /* as leaf_head_encode writes it */

struct leaf_run {
    struct sha256_run *run;
    size_t size;
    char bytes[16384];
};
void leaf_run_begin(struct leaf_run *run, struct str start);
void leaf_run_add(struct leaf_run *run, struct str text);
void leaf_run_record(struct leaf_run *run, struct wall received, struct str record);
struct sha256 leaf_run_end(struct leaf_run *run);
void leaf_head_encode(const struct leaf_head *head, char *bytes);
/* What a leaf of form 1 begins with; returns its size. */
size_t leaf_start_1(struct client_id client, struct source_id source, uint64_t first,
                    uint32_t events, const uint8_t salt[LEAF_SALT_SIZE], char *bytes);
/* Whether a frame's leaf is that of these records, in the form of the frame's version. */
NODISCARD enum err frame_leaf_check(const struct frame *frame, const uint8_t salt[FRAME_SALT_SIZE],
                                    const struct batch *batch, bool *ret);

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
        uint64_t end;            /* UINT64_MAX: the file's own size; nothing says where it ends */
        uint64_t leaves, sealed; /* that were learnt; of these, in segments */
        struct wall oldest, newest; /* when its frames were made */
        struct wall retry;          /* sealing it failed: not before */
        bool damaged;               /* it has bytes that are no frame: it stays, to be looked at */
    } * list;
    size_t count, capacity;
};
NODISCARD enum err journals_list(struct disk *disk, const char *folder, struct journals *ret,
                                 struct why *why);
NODISCARD enum err journals_add(struct journals *journals, uint64_t number, uint64_t end);
void journals_done(struct journals *journals);
/* Calls for each segment of a client that has its name, in no order; none if there is no folder. */
typedef enum err segments_call(void *context, uint64_t generation);
NODISCARD enum err segments_list(struct disk *disk, const char *folder, struct client_id client,
                                 segments_call *call, void *context);
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

/* ---- path.c: proofs in it. */

#define PATH_NODES_MAX 66
/* The root of the leaves [from, to). */
typedef struct sha256 path_node(void *context, uint64_t from, uint64_t to);
/* The audit path of a leaf, from the bottom; returns how many nodes it has. */
unsigned path_inclusion(uint64_t size, uint64_t index, path_node *node, void *context,
                        struct sha256 ret[PATH_NODES_MAX]);
bool path_inclusion_holds(const struct sha256 *leaf, uint64_t index, uint64_t size,
                          const struct sha256 *path, unsigned count, const struct sha256 *root);
/* That the tree of `old` leaves is the beginning of that of `size`. */
unsigned path_consistency(uint64_t old, uint64_t size, path_node *node, void *context,
                          struct sha256 ret[PATH_NODES_MAX]);
bool path_consistency_holds(uint64_t old, const struct sha256 *old_root, uint64_t size,
                            const struct sha256 *path, unsigned count, const struct sha256 *root);

/* ---- key.c: the files beside the data. */

struct signer {
    uint64_t epoch;
    uint8_t current[ED25519_SIZE], next[ED25519_SIZE];
    bool days; /* it has keys of days; files of before have none */
    uint64_t day;
    uint8_t day_current[ED25519_SIZE], day_next[ED25519_SIZE];
    uint64_t day_at, day_epoch; /* of the last day head, in the heads file */
    struct sha256 day_hash;     /* its own; zeros before the first */
    struct wall day_wall;
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
#define HEAD_BODY_MAX   2048
#define HEAD_DAY_SIZE   (16 + 4 * SHA256_SIZE + ED25519_SIGNATURE_SIZE)
#define HEAD_PEAKS_MAX  (64 * SHA256_SIZE)
#define HEAD_SIZE_MAX   (HEAD_FIXED_SIZE + HEAD_PEAKS_MAX + HEAD_BODY_MAX + ED25519_SIGNATURE_SIZE)
#define HEAD_VERSION    2 /* that is written; 1, which has no kind and no body, is read too */

enum head_kind {
    HEAD_MINUTE, /* its number in the file is one more; version 1 has 0 */
    HEAD_DAY,
    HEAD_TOMBSTONE,
    HEAD_KIND_COUNT
};

/* What a day head says of the heads since the one before it. */
struct head_day {
    uint64_t number;       /* from 0 */
    uint64_t first_epoch;  /* covered are the heads from this epoch to the one before this */
    struct sha256 covered; /* root of RFC 6962's tree over their hashes */
    struct sha256 before;  /* hash of the day head before; zeros in the first */
    uint8_t public_key[ED25519_SIZE], public_next[ED25519_SIZE];
};

struct head {
    enum head_kind kind;
    uint16_t version;
    struct head_day day; /* of HEAD_DAY */
    uint32_t body_size;  /* of HEAD_TOMBSTONE */
    char body[HEAD_BODY_MAX];
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
/* Signs with `key`, a day head with `day_key` too; bytes: HEAD_SIZE_MAX.  Fills in root and hash.
 */
size_t head_encode(struct head *head, const uint8_t key[ED25519_SIZE],
                   const uint8_t day_key[ED25519_SIZE], char *bytes);
/* True if bytes begin with a head of this client whose own signatures and root hold. */
bool head_decode(struct str bytes, struct client_id client, struct head *ret, size_t *ret_size);
/* The same without looking at signatures and root: for what was judged before. */
bool head_read_fast(struct str bytes, struct client_id client, struct head *ret, size_t *ret_size);
NODISCARD enum err heads_path(const char *folder, struct client_id client, char *path, size_t size);
/* The clients that have a heads file, ascending; the caller frees. */
NODISCARD enum err heads_list(struct disk *disk, const char *folder, uint32_t **ret,
                              size_t *ret_count);

/* ---- tombstone.c */

/* What a tombstone's record says; false if it is none.  Texts point into the head. */
struct remains_place {
    uint64_t offset, size;
    struct sha256 hash;
};
bool tombstone_decode(const struct head *head, struct tombstone_told *ret,
                      struct remains_place *ret_remains);
/* Takes the runs of one stretch of remains; ERR_CORRUPT if it is none or overlaps. */
NODISCARD enum err gone_add(struct gone *gone, struct str remains, struct client_id client,
                            uint64_t epoch);
/* Each stretch of remains that a record in the heads names; either file may be NULL. */
typedef enum err remains_call(void *context, const struct head *head, struct str remains);
NODISCARD enum err remains_each(struct file *heads, struct file *remains, struct client_id client,
                                remains_call *call, void *context);
/* The size of the stretch that a text begins with; 0 if with none. */
size_t remains_size(struct str at, struct client_id client);
/* Once all were added: in order; what overlaps is left out and counted as damaged. */
void gone_settle(struct gone *gone);
/* gone_load over files that are open; either may be NULL: none. */
NODISCARD enum err gone_read(struct file *heads, struct file *remains, struct client_id client,
                             struct gone *ret);
NODISCARD enum err remains_path(const char *folder, struct client_id client, char *path,
                                size_t size);
/* A full subtree of 2^level leaves at the right end, where the size is a multiple of that. */
void tree_add_subtree(struct tree *tree, const struct sha256 *node, unsigned level);
/* How large the largest full subtree is that begins at index and has no more than count leaves. */
unsigned tree_level_at(uint64_t index, uint64_t count);

/* ---- stamp.c */

struct stamp;
NODISCARD enum err stamps_path(const char *folder, struct client_id client, char *path,
                               size_t size);
/* What a file of stamps holds, one after the other. */
struct stamps_told {
    uint64_t at, skipped;      /* bytes from `at` on that are no stamp */
    bool unfinished;           /* they are a write that was cut short, and the last */
    const struct stamp *stamp; /* behind them; NULL: none */
    struct str bytes;          /* of the stamp */
};
typedef enum err stamps_call(void *context, const struct stamps_told *told);
/* *ret_end: where the next one is written. */
NODISCARD enum err stamps_walk(struct file *file, struct client_id client, stamps_call *call,
                               void *context, uint64_t *ret_end);
struct judge;
NODISCARD enum err stamps_judge(struct judge *judge, struct client_id client);

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

/* ---- held.c: segments as an open archive knows them. */

struct held {
    struct segment_head head;
    struct segment_source *sources; /* ascending */
    size_t sources_count;
    bool busy;         /* it is being packed anew */
    struct wall retry; /* that failed: not before */
};

/* A set of leaf indexes from `base` on. */
struct leafset {
    uint64_t base;
    uint8_t *bits;
    size_t size;
};
void leafset_done(struct leafset *set);
bool leafset_has(const struct leafset *set, uint64_t index);
NODISCARD enum err leafset_put(struct leafset *set, uint64_t index);
/* Forgets what is before `base`. */
void leafset_move(struct leafset *set, uint64_t base);

/* One period of a hold; sources_count 0: of all sources. */
struct hold {
    uint32_t *sources; /* ascending */
    size_t sources_count;
    struct wall from, to;
};

struct archive;
struct client;
/* Finds the segments of all clients; what was left half made, or is replaced, is removed. */
NODISCARD enum err held_recover(struct archive *archive, struct wall now, struct why *why);
/* Learns which of the client's leaves from this index on are in segments. */
NODISCARD enum err held_leaves(struct archive *archive, struct client *client, uint64_t from);
/* What only segments know: numbers that must not be given again, and what is stored of a source. */
NODISCARD enum err held_settle(struct archive *archive);
struct held *held_find(struct client *client, uint64_t generation);
NODISCARD enum err held_add(struct archive *archive, struct client *client, struct file *file,
                            const struct segment_head *head);
void held_remove(struct client *client, struct held *held);
void held_done(struct client *client);
NODISCARD enum err held_open(struct archive *archive, struct client *client,
                             const struct segment_head *head, struct file **ret);
/* The leaf of a segment that holds the number or, without one, begins first behind it. */
NODISCARD enum err held_read(struct archive *archive, struct client *client, uint64_t sequence,
                             struct arena *mem, struct batch *ret, uint64_t *ret_first,
                             struct why *why);
/* Where that would begin; ERR_NOT_FOUND: nowhere. */
NODISCARD enum err segments_folder(const struct archive *archive, struct client_id client,
                                   char *path, size_t size);
NODISCARD enum err segments_folder_make(const struct archive *archive, struct client_id client);
struct client_journal *client_journal_find(struct client *client, uint64_t number);
struct journal_file *journals_find(struct journals *journals, uint64_t number);

/* ---- keep.c */

/* The class of a source: the days of it, and what was promised exactly (KEEP_UNKNOWN: nothing). */
uint32_t keep_class(const struct client *client, struct source_id source);
uint32_t keep_promise(const struct client *client, struct source_id source);
void keep_done(struct client *client);

/* ---- sealing.c, survey.c */

/* What of a closed journal is in no segment yet. */
struct survey_leaf {
    struct client *client;
    uint32_t days; /* its class */
    struct segment_leaf leaf;
};
struct survey {
    uint64_t journal;
    struct file *file;
    struct walk walk;
    struct survey_leaf *leaves; /* when walked: by client, class, index */
    size_t count, capacity, at; /* at: of the next group */
    bool walked;
};
void survey_free(struct survey *survey);
/* Goes on with the survey, beginning one if some journal is due; *ret_left: frames that may still
 * be looked at.  archive->survey is walked when it is ready, NULL if there is nothing to do. */
NODISCARD enum err survey_step(struct archive *archive, struct wall now, uint32_t *left);

/* One segment that is being made. */
/* Columns are small by themselves: hot, level 3 would gain one or two in a hundred. */
#define SEAL_LEVEL_HOT  1
#define SEAL_LEVEL_COLD 12
struct seal {
    struct client_id client;
    uint64_t journal; /* 0: made of segments, order.replaces */
    struct segment_order order;
    struct segment_leaf *leaves; /* what it is to hold, ascending */
    size_t leaves_count;
    struct keep_rule *promises;
    struct file *output;
    struct buf bytes; /* the order */
};
/* Of one client's segments some that are better made one, or one that is cold; NULL: none. */
NODISCARD enum err merge_choose(struct archive *archive, const struct seal_options *options,
                                struct wall now, struct seal **ret);
/* An empty one with its file, key and generation; leaves and promises become its own, also if it
 * cannot be made. */
NODISCARD enum err seal_new(struct archive *archive, struct client *client, uint32_t days,
                            uint32_t level, bool all, uint64_t journal,
                            const uint64_t replaces[SEGMENT_REPLACES_MAX],
                            struct segment_leaf *leaves, size_t count, struct seal **ret);

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
        uint64_t leaf_first, leaves, sealed; /* of this client; of these, in segments */
        uint64_t first, last, events, packed, stored;
        struct wall oldest, newest;
    } * journals;
    size_t journals_count, journals_capacity;
    bool key_known;
    uint8_t key[AES_KEY_SIZE];
    uint64_t key_journal; /* journal_key is of this journal; UINT64_MAX: of none */
    struct sha256 journal_key;
    bool head_known, signer_known;
    struct head head; /* the last */
    uint64_t head_at, heads_end;
    struct signer signer;
    bool stamps_known, stamp_any; /* stamp.c learns them when it is asked first */
    uint64_t stamps_end, stamp_epoch;
    struct wall stamp_kept;
    struct index_entry cursor; /* where the last read ended; first 0: nowhere */
    struct held *held;         /* its segments, ascending by generation */
    size_t held_count, held_capacity;
    uint64_t generation_next;
    struct leafset sealed; /* leaves that are in segments, of those that journals hold */
    bool sealed_known;
    struct keep_rule *rules; /* ascending by source */
    size_t rules_count;
    uint32_t classes[SEGMENT_CLASSES_MAX]; /* days, ascending; KEEP_FOR_EVER last */
    size_t classes_count;
    struct hold *holds;
    size_t holds_count;
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
    struct survey *survey; /* of a journal that is to be sealed */
    struct seal *seal;     /* the one that is under way */
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
/* The same with a body: a tombstone. */
NODISCARD enum err client_sign_body(struct archive *archive, struct client *client, struct wall now,
                                    struct str body);
/* Reads the last head of the client's file and its signing keys; cuts a torn head off. */
NODISCARD enum err client_heads(struct archive *archive, struct client *client);
void client_free(struct client *client);
NODISCARD enum err client_journals_reserve(struct client *client);
NODISCARD enum err client_journals_learn(struct client *client, const struct frame *frame);

/* Counts a frame that is on disk: the one way in which the state grows, live and at recovery. */
NODISCARD enum err archive_learn(struct archive *archive, const struct frame *frame);
void archive_journal_leave(struct archive *archive);
NODISCARD enum err archive_recover(struct archive *archive, struct wall now, struct why *why);

/* ---- copy.c */

/* Asked before a journal or segment is removed: OK, and nobody begins a backup until *ret is
 * closed; ERR_AGAIN: one runs, remove it later. */
NODISCARD enum err archive_may_remove(const struct archive *archive, struct file **ret);

/* ---- reader.c: what a worker is given for one journal. */

struct grant {
    struct client_id client;
    uint64_t journal, end, first_offset;
    struct sha256 key; /* journal_key */
};
NODISCARD enum err grant_encode(const struct grant *grant, struct buf *out);
NODISCARD enum err grant_decode(struct str bytes, struct grant *ret);
/* The same for one segment. */
struct segment_grant {
    struct client_id client;
    uint64_t generation;
    struct sha256 key; /* segment_key */
};
NODISCARD enum err segment_grant_encode(const struct segment_grant *grant, struct buf *out);
NODISCARD enum err segment_grant_decode(struct str bytes, struct segment_grant *ret);

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

struct sealed;
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
    struct sealed *sealed; /* its segments */
    struct gone gone;      /* what its tombstones say */
    bool destroyed;        /* with a certificate: only its frames' outsides are looked at */
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
/* The chain of days within a chain of heads.  Begins with whole = true. */
struct days {
    bool known; /* there was one */
    bool whole; /* no head is missing since */
    struct head_day last;
    uint64_t epoch; /* of the last day head */
    struct sha256 hash;
    struct tree tree; /* the heads since, itself included */
};
/* What is wrong with the days at this head, the next one; NULL: nothing. */
const char *days_pass(struct days *days, const struct head *head);
/* Reads a head again, for its peaks. */
bool chain_head(struct judge *judge, const struct mark *mark, struct head *ret);

/* ---- verify_segment.c */

#define SEALED_NAME_SIZE 64
/* Judges each of the client's segments by itself, and remembers them for sealed_peek. */
NODISCARD enum err sealed_judge(struct judge *judge, struct judged *client);
void sealed_free(struct sealed *sealed);
bool sealed_any(const struct judged *client);
/* The next leaf that a segment lists, NULL behind the last; sealed_pass goes past that index. */
NODISCARD enum err sealed_peek(struct judge *judge, struct judged *client,
                               const struct segment_leaf **ret, char name[SEALED_NAME_SIZE]);
void sealed_pass(struct judged *client, uint64_t index);
