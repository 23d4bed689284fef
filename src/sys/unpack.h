#pragma once

/*
 * Archives and compressed streams, taken apart from front to back: zip, tar, gzip, bzip2, xz, zstd.
 * Nothing is ever written to a disk; the paths in an archive are names and nothing else.
 *
 *     unpack_is → unpack_open → (unpack_next → unpack_read …) … → unpack_close
 *
 * An archive may lie in another: its bytes then come from unpack_read of that one.  All that come
 * from one file share a purse, so that a bomb runs dry however it is folded.
 */

#include "base/str.h"
#include "base/why.h"

#define UNPACK_HEAD_SIZE 512 /* what unpack_is wants to see, if there is so much */

/* Whether what begins so is an archive or compressed. */
bool unpack_is(struct str head);

/* What one file may unfold into; zeroed for each file. */
struct unpack_purse {
    uint64_t packed;   /* bytes read of the file: whoever reads it counts them here */
    uint64_t unpacked; /* bytes that came out of it, on all levels */
    uint64_t members;
};

/* Where an archive's bytes come from. */
struct unpack_from {
    void *context;
    /* As input_read. */
    enum err (*read)(void *context, void *to, size_t size, size_t *ret_size, struct why *why);
    /* Goes on at `offset`; NULL if that cannot be. */
    enum err (*seek)(void *context, uint64_t offset);
    uint64_t size; /* of the whole, for seek */
    bool hashed;   /* whoever reads compares a hash: a zip's checksums need not be looked at */
};

struct unpack;

/* The purse must outlive it. */
NODISCARD enum err unpack_open(const struct unpack_from *from, struct unpack_purse *purse,
                               struct unpack **ret, struct why *why);

struct unpack_member {
    struct str path; /* empty: what was compressed has no name; valid until unpack_next */
    bool encrypted;  /* it cannot be read */
    bool file;       /* a regular file, and no folder or link */
};
/* The next member; ERR_CLOSED at the end, ERR_SYNTAX if the archive is damaged here, ERR_LIMIT if
 * it has too many.  After an error there is nothing more. */
NODISCARD enum err unpack_next(struct unpack *unpack, struct unpack_member *ret, struct why *why);
/* Up to `size` bytes of the member; none: its end.  ERR_LIMIT when the purse is empty. */
NODISCARD enum err unpack_read(struct unpack *unpack, void *to, size_t size, size_t *ret_size,
                               struct why *why);
void unpack_close(struct unpack *unpack); /* NULL is fine. */
