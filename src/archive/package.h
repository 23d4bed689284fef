#pragma once

/*
 * A package: what is handed out when somebody asks for logs, one zip that proves itself.
 * Format: docs/formats/package.md; why it is so: decision 029.
 *
 *     package_make            (a worker, over what it was lent)
 *     package_verify          (anybody; needs nothing but the file and the client's anchor)
 *
 *     lines.raw               every line asked for, byte for byte, each followed by a line feed
 *     lines.ndjson|lines.csv  the same lines with their fields, if asked for
 *     proof/leaves.bin        every leaf of the client between two heads: whole, or told so far as
 *                             shows that it is of another source or time
 *     proof/heads.bin         the chain of signed heads from the client's anchor
 *     proof/stamps.bin        time-stamps over some of them
 *     verify.py, README.txt, README.ja.txt, and what the caller adds (covering.pdf)
 *     manifest.json           the last: what was asked, counts, the hash of every part, gaps
 */

#include "archive/archive.h"
#include "base/buf.h"
#include "codec/crypto.h"

enum package_format {
    PACKAGE_RAW, /* lines.raw alone */
    PACKAGE_NDJSON,
    PACKAGE_CSV,
};

/* What was asked.  Everything is borrowed. */
struct package_request {
    struct client_id client;
    struct wall from, to;    /* [from, to) of arrival */
    const uint32_t *sources; /* ascending; NULL: all */
    size_t sources_count;
    const struct query *query; /* NULL: every line */
    struct str query_text;     /* what `query` was parsed from, for the manifest */
    enum package_format format;
    bool proof;    /* else lines and manifest alone */
    int level;     /* of deflate; 0: stored */
    uint64_t room; /* bytes that the package, and the scratch file, may take each; 0: any */
    struct wall now;
    struct str request; /* a JSON object for the manifest: who asked, who approved, what for; "" */
    struct str gaps;    /* a JSON list for the manifest: what the books miss; "" */
    struct str version; /* of the program */
};

/* What a worker is lent beside journals and segments: archive_lend_proof's descriptors. */
struct package_proof {
    struct file *heads, *remains, *stamps; /* NULL: there is none */
    uint64_t heads_end;                    /* up to where the heads were whole when it was lent */
    uint8_t anchor[ED25519_SIZE];
};
/* Closes the files. */
void package_proof_done(struct package_proof *proof);
/* Core lends, before it lends the journals: read-only descriptors (-1: there is none) and a grant
 * for package_proof_add. */
NODISCARD enum err archive_lend_proof(const struct scope *scope, struct archive *archive,
                                      struct client_id client, int ret_descriptors[3],
                                      struct buf *grant);
NODISCARD enum err package_proof_add(const int descriptors[3], struct str grant,
                                     struct package_proof *ret, struct why *why);
/* The same from a folder that nobody serves. */
NODISCARD enum err package_proof_open(const struct scope *scope, struct disk *disk,
                                      const char *folder, const char *keys, struct client_id client,
                                      struct package_proof *ret, struct why *why);

/* What is in the package, for the covering page and for whoever keeps the books of deliveries. */
#define PACKAGE_PARTS_MAX 16
struct package_part {
    char name[64];
    uint64_t size;
    struct sha256 hash;
    bool by_leaves; /* read from a manifest: proved by the leaves, and has no hash of its own */
};
struct package_source {
    struct source_id source;
    uint64_t lines, bytes;
    uint64_t first, last;       /* sequence numbers delivered */
    struct wall oldest, newest; /* of arrival */
};
struct package_told {
    uint64_t lines, bytes;       /* of the original records */
    uint64_t others;             /* lines of the same leaves that were not asked for */
    uint64_t leaves, leaves_end; /* the range of leaves that the proof covers */
    uint64_t whole, stubs, unknown, gone, missing; /* leaves, by how much of them is told */
    uint64_t heads, stamps;
    uint64_t unsigned_lines; /* newer than the last head: they are delivered without proof */
    const struct package_source *sources;
    size_t sources_count;
    struct sha256 leaves_hash; /* what the manifest says of leaves.bin and lines.raw */
    struct package_part parts[PACKAGE_PARTS_MAX];
    size_t parts_count;
};
/* Called once all but the manifest is written: puts further parts (a covering page) with `add`.
 * NULL: none. */
typedef enum err package_add(void *package, const char *name, struct str bytes);
typedef enum err package_cover(void *context, const struct package_told *told, package_add *add,
                               void *package);

/* Writes the package to `to`, from its beginning, and syncs it.  scratch: an empty file that is
 * used meanwhile and means nothing afterwards.  Memory is bounded whatever the size.  *ret borrows
 * from *ret_mem, which the caller frees.
 * ERR_NOT_FOUND  the client has no head: nothing can be proved
 * ERR_LIMIT      over PACKAGE_SIZE_MAX or more than SOURCES_MAX sources
 * ERR_FULL       over the request's room */
NODISCARD enum err package_make(const struct scope *scope, struct reader *reader,
                                const struct package_request *request,
                                const struct package_proof *proof, struct file *to,
                                struct file *scratch, package_cover *cover, void *context,
                                struct arena *mem, struct package_told *ret, struct why *why);

/* ---- Checking. */

struct package_judged {
    uint64_t damaged; /* things found wrong */
    uint64_t lines, leaves, heads, stamps, stubs, unknown, gone;
    uint64_t not_shown; /* leaves of which the package does not show what source they are of */
    struct client_id client;
    struct wall first_head, last_head;
    struct wall from, until; /* what it is about, as its manifest claims: whoever asked compares */
    bool anchor_known;       /* given, else only the package's own word */
    bool proof;              /* it has one */
    bool filtered;           /* by a query: which lines fit, verify does not judge anew */
};
/* Whether these bytes begin as a package does: a zip. */
bool package_is(struct str head);
/* The whole package.  anchor: the client's, from elsewhere; NULL: the one inside is believed.
 * heads: bytes of heads that somebody kept elsewhere, each must be in the chain or above it; may be
 * empty.  As archive_verify otherwise. */
NODISCARD enum err package_verify(struct file *file, const uint8_t *anchor, struct str heads,
                                  verify_call *call, void *context, struct package_judged *ret,
                                  struct why *why);
