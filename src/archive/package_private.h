#pragma once

/* What the files of a package share. */

#include "archive/package.h"
#include "archive/private.h"
#include "archive/stamp.h"
#include "archive/tombstone.h"
#include "sys/unpack.h"

/* Kinds of entries in proof/leaves.bin. */
enum package_leaf {
    PACKAGE_LEAF_WHOLE = 1,   /* salt and every record */
    PACKAGE_LEAF_TOLD = 2,    /* its head and the hash of the rest */
    PACKAGE_LEAF_HASH = 3,    /* its hash; whose it is, only the package says */
    PACKAGE_LEAF_GONE = 4,    /* a run under a tombstone: what the tree needs of it */
    PACKAGE_LEAF_MISSING = 5, /* lost: nothing is known of it */
};

#define PACKAGE_LEAVES_SIZE  40 /* what leaves.bin begins with, before the peaks */
#define PACKAGE_WHOLE_SIZE   52 /* of a whole leaf, before its records */
#define PACKAGE_HASH_SIZE    49
#define PACKAGE_GONE_SIZE    17
#define PACKAGE_MISSING_SIZE 9
#define PACKAGE_SELECTED     0x80000000u /* in a record's size: its bytes are in lines.raw */

/* ---- package_heads.c: heads one after the other, and which of them a package needs. */

struct heads_walk {
    struct file *file;
    struct client_id client;
    uint64_t at, end; /* of the next record */
    char *window;
    size_t got, used;
};
NODISCARD enum err heads_walk_open(struct heads_walk *walk, struct file *file, uint64_t end,
                                   struct client_id client);
void heads_walk_done(struct heads_walk *walk);
/* The next head and its bytes, which are good until the call after; ERR_CLOSED at the end,
 * ERR_CORRUPT where no head stands.  Signatures are not looked at. */
NODISCARD enum err heads_walk_next(struct heads_walk *walk, struct head *ret,
                                   struct str *ret_bytes);

struct package_range {
    uint64_t start_epoch, end_epoch; /* of the heads between whose trees the leaves lie */
    struct wall start_wall, end_wall;
    struct tree start;
    uint64_t start_events;
    uint64_t leaves_end, events_end;
    uint64_t last_epoch;
};
/* How long a line may be under way between its arrival and the head over it, and a clock be wrong.
 */
#define PACKAGE_LATE_NS (3600 * NS_PER_SECOND)
NODISCARD enum err package_range_find(const struct package_proof *proof, struct client_id client,
                                      const struct gone *gone, struct wall from, struct wall to,
                                      struct package_range *ret, struct why *why);

struct package_heads {
    uint64_t start_epoch, end_epoch;
    const uint64_t *epochs; /* further ones that must be in a whole day, ascending */
    size_t count;
    enum err (*call)(void *context, const struct head *head, struct str bytes);
    void *context;
};
/* Calls for each record that the package must have, in order. */
NODISCARD enum err package_heads_pick(const struct package_proof *proof, struct client_id client,
                                      const struct package_heads *heads, struct why *why);

/* ---- package_part.c: one part of the zip after the other, hashed on the way. */

struct package_out {
    struct file *to;
    uint64_t at, room;
    struct pack *pack;
    struct wall now;
    struct sha256_run *run;
    struct package_told *told;
    uint64_t size; /* of the part */
    size_t held;
    char *buffer;
    struct why *why;
};
NODISCARD enum err package_out_open(struct package_out *out, struct file *to,
                                    const struct package_request *request,
                                    struct package_told *told, struct why *why);
/* ERR_FULL: `size` is more than the room that was given. */
NODISCARD enum err room_check(uint64_t size, uint64_t room, struct why *why);
NODISCARD enum err part_begin(struct package_out *out, const char *name);
NODISCARD enum err part_put(struct package_out *out, struct str bytes);
NODISCARD enum err part_end(struct package_out *out);
/* A whole part at once. */
NODISCARD enum err part_whole(struct package_out *out, const char *name, struct str bytes);
/* manifest.json, the zip's directory, sync. */
NODISCARD enum err package_out_end(struct package_out *out, struct str manifest);
void package_out_done(struct package_out *out);

/* ---- package_manifest.c */

NODISCARD enum err manifest_print(const struct package_request *request,
                                  const struct package_told *told,
                                  const struct package_range *range, struct buf *out);

/* What verify needs of a manifest. */
struct manifest {
    struct client_id client;
    struct wall from, to, made;
    bool proof, filtered, all_sources;
    bool leaves_hashed;   /* version 2: parts may be proved by this alone */
    struct sha256 leaves; /* over leaves.bin, each leaf's hash in the place of its records */
    uint32_t *sources;    /* in mem */
    size_t sources_count;
    uint64_t lines;
    struct package_part parts[PACKAGE_PARTS_MAX];
    size_t parts_count;
};
/* Whether the hash over the leaves stands for this part's own. */
bool manifest_by_leaves(const char *name);
NODISCARD enum err manifest_parse(struct str text, struct arena *mem, struct manifest *ret,
                                  struct why *why);
/* Whether a leaf of this source whose records came between oldest and newest may hold a line that
 * was asked for. */
bool manifest_wants(const struct manifest *manifest, uint32_t source, struct wall oldest,
                    struct wall newest);

/* ---- package_zip.c: parts as they are read. */

#define ZIP_MEMBERS_MAX 64

struct zip_part {
    struct file *file;
    uint64_t at; /* in the file */
    struct unpack_purse purse;
    struct unpack *unpack;
    char *window;
    size_t got, used;
    bool ended;
    uint64_t size;          /* read so far */
    struct sha256_run *run; /* NULL: it is not hashed */
};
/* odd: the name stood before, or it is no plain file. */
typedef void zip_name_call(void *context, struct str name, bool odd);
NODISCARD enum err zip_names(struct file *file, zip_name_call *call, void *context,
                             struct why *why);
/* ERR_NOT_FOUND without such a part.  What is open must stay where it is. */
NODISCARD enum err zip_part_open(struct zip_part *part, struct file *file, const char *name,
                                 bool hashed, struct why *why);
void zip_part_close(struct zip_part *part); /* a zeroed one is fine */
NODISCARD enum err zip_part_take(struct zip_part *part, size_t size, struct str *ret,
                                 struct why *why);
NODISCARD enum err zip_part_read(struct zip_part *part, void *to, size_t size, size_t *ret_size,
                                 struct why *why);
NODISCARD enum err zip_part_end(struct zip_part *part, const struct package_part *named,
                                bool *ret_same, uint64_t *ret_left, struct why *why);

/* ---- package_verify.c, package_leaves.c: judging. */

struct known { /* a stamp, or a head that was kept elsewhere */
    uint64_t epoch;
    struct sha256 hash;
};

struct judging {
    struct file *file;
    const uint8_t *anchor;
    uint8_t anchor_inside[ED25519_SIZE];
    verify_call *call;
    void *context;
    struct package_judged told;
    struct manifest manifest;
    struct arena *mem;
    struct known *stamps, *kept;
    size_t stamps_count, kept_count;
    struct gone gone;
    struct zip_part heads, leaves, lines;
    struct leaf_run told_leaves; /* what manifest.leaves is over; without a run if there is none */
    uint64_t leaf_first, leaf_next, leaf_end; /* indexes */
    uint64_t next;                            /* sequence number; 0: not known */
    struct tree tree;
    bool whole;      /* the tree holds all up to here */
    bool anchored;   /* the head at the beginning was met */
    bool closed;     /* the one at the end */
    bool could_tell; /* the leaves at hand are of form 2 */
    struct wall closed_wall, started_wall;
    struct head *head, *last;
    bool last_known;
    struct days days;
    struct why *why;
};

void package_say(struct judging *judging, const char *part, uint64_t at, const char *format, ...)
    PRINTF(4, 5);
/* What leaves.bin begins with. */
NODISCARD enum err package_leaves_begin(struct judging *judging);
/* The leaves up to judging->head, and whether they give its root. */
NODISCARD enum err package_leaves_pass(struct judging *judging);
