/*
 * Judging a package, with nothing but the package and what somebody kept elsewhere: the anchor, and
 * heads if there are any.
 *
 *     names → manifest → remains and stamps → heads, one after the other; at each, the leaves up to
 *     it are folded into the tree, their lines taken from lines.raw → what is left → hashes of
 * parts
 *
 * Heads: one chain from the anchor.  What is left out lies between two day heads that follow one
 * another, and not between the heads at the two ends of the leaves.  Leaves: with the peaks that
 * leaves.bin begins with they give each head's root on the way; none is skipped, numbers follow one
 * another, and each is whole, or tells that it is of another source or time, or is gone under a
 * tombstone.  So a line that was asked for and is not there is named.
 *
 * Always true: at most one head and a window of each part are in memory; what the manifest says is
 * a claim, and what is not shown is said.
 */

#include "archive/package.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/package_private.h"
#include "archive/stamp.h"
#include "base/bytes.h"

#define STAMPS_MAX    1000000
#define KEPT_MAX      1000000               /* heads that somebody kept */
#define WHAT_MAX      1000                  /* places that are named; the rest is counted */
#define MADE_EARLY_NS (600 * NS_PER_SECOND) /* a head may be a little older than the package */

void package_say(struct judging *judging, const char *part, uint64_t at, const char *format, ...)
{
    char text[WHY_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (judging->told.damaged++ < WHAT_MAX && judging->call != NULL) {
        judging->call(judging->context, part, at, text);
    }
}

static const struct package_part *part_named(const struct judging *judging, const char *name)
{
    for (size_t i = 0; i < judging->manifest.parts_count; i++) {
        if (strcmp(judging->manifest.parts[i].name, name) == 0) {
            return &judging->manifest.parts[i];
        }
    }
    return NULL;
}

/* ---- The zip and its manifest. */

static void name_call(void *context, struct str name, bool odd)
{
    struct judging *judging = context;
    char text[64];
    (void)snprintf(text, sizeof text, "%.*s", (int)(name.size < 60 ? name.size : 60), name.data);
    for (char *at = text; *at != '\0'; at++) {
        *at = *at < 0x20 || *at > 0x7e ? '?' : *at; /* it must not look like our own word */
    }
    if (odd) {
        package_say(judging, text, 0, "this name stands twice in the zip, or is no file");
    } else if (strcmp(text, "manifest.json") != 0 && part_named(judging, text) == NULL) {
        package_say(judging, text, 0, "the manifest does not name this part");
    }
}

/* A whole part in memory that the caller frees. */
static enum err part_whole_read(struct judging *judging, const char *name, size_t size_max,
                                char **ret, size_t *ret_size)
{
    struct zip_part part;
    enum err err = zip_part_open(&part, judging->file, name, false, judging->why);
    if (err != OK) {
        return err;
    }
    struct buf bytes;
    buf_init(&bytes, size_max + 1);
    for (struct str piece = {0}; err == OK;) {
        err = zip_part_take(&part, 65536, &piece, judging->why);
        if (err != OK || piece.size == 0) {
            break;
        }
        err = buf_append(&bytes, piece);
    }
    zip_part_close(&part);
    if (err != OK) {
        buf_done(&bytes);
        return err;
    }
    if (bytes.data == NULL && buf_append_byte(&bytes, 0) == OK) {
        bytes.size = 0;
    }
    *ret = bytes.data;
    *ret_size = bytes.size;
    return OK;
}

static enum err manifest_read(struct judging *judging)
{
    char *text = NULL;
    size_t size = 0;
    enum err err = part_whole_read(judging, "manifest.json", MANIFEST_SIZE_MAX, &text, &size);
    if (err == ERR_NOT_FOUND) {
        return why_say(judging->why, ERR_SYNTAX, 0, "it is a zip and no package");
    }
    if (err == OK) {
        err = manifest_parse(str_of(text, size), judging->mem, &judging->manifest, judging->why);
        free(text);
    }
    judging->told.client = judging->manifest.client;
    judging->told.proof = judging->manifest.proof;
    judging->told.filtered = judging->manifest.filtered;
    judging->told.from = judging->manifest.from;
    judging->told.until = judging->manifest.made.ns < judging->manifest.to.ns
                              ? judging->manifest.made
                              : judging->manifest.to;
    return err;
}

/* Parts that need no more than to be what the manifest says. */
static enum err parts_check(struct judging *judging)
{
    for (size_t i = 0; i < judging->manifest.parts_count; i++) {
        const struct package_part *named = &judging->manifest.parts[i];
        bool later = judging->manifest.proof && (strcmp(named->name, "lines.raw") == 0 ||
                                                 strcmp(named->name, "proof/leaves.bin") == 0 ||
                                                 strcmp(named->name, "proof/heads.bin") == 0);
        struct zip_part part = {0};
        bool same = false;
        uint64_t left;
        enum err err = later ? OK : zip_part_open(&part, judging->file, named->name, true, NULL);
        if (err == OK && !later) {
            err = zip_part_end(&part, named, &same, &left, NULL);
        }
        zip_part_close(&part);
        if (err == ERR_MEMORY || err == ERR_IO) {
            return err;
        }
        if (!later && (err != OK || !same)) {
            package_say(judging, named->name, 0, "this part is %s",
                        err == ERR_NOT_FOUND ? "missing" : "not what the manifest says");
        }
    }
    return OK;
}

static int known_compare(const void *a, const void *b)
{
    const struct known *left = a;
    const struct known *right = b;
    return left->epoch < right->epoch ? -1 : left->epoch > right->epoch;
}

static enum err known_add(struct known **list, size_t *count, size_t count_max, uint64_t epoch,
                          const struct sha256 *hash)
{
    if (*count == count_max) {
        return ERR_LIMIT;
    }
    if ((*count & (*count - 1)) == 0) {
        struct known *larger = realloc(*list, (*count == 0 ? 1 : 2 * *count) * sizeof *larger);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        *list = larger;
    }
    (*list)[(*count)++] = (struct known){epoch, *hash};
    return OK;
}

static enum err stamps_read(struct judging *judging)
{
    struct zip_part part;
    char *bytes = malloc(STAMP_SIZE_MAX);
    enum err err = bytes == NULL
                       ? ERR_MEMORY
                       : zip_part_open(&part, judging->file, "proof/stamps.bin", false, NULL);
    if (err != OK) {
        free(bytes);
        return err == ERR_MEMORY ? err : OK; /* parts_check names it */
    }
    size_t held = 0;
    for (size_t got = 1; err == OK && (held > 0 || got > 0);) {
        struct stamp stamp;
        size_t size;
        err = zip_part_read(&part, bytes + held, STAMP_SIZE_MAX - held, &got, NULL);
        held += err == OK ? got : 0;
        if (err != OK || held == 0) {
            break;
        }
        if (!stamp_decode(str_of(bytes, held), judging->manifest.client, &stamp, &size)) {
            package_say(judging, "proof/stamps.bin", part.size - held, "this is no stamp");
            break;
        }
        err = known_add(&judging->stamps, &judging->stamps_count, STAMPS_MAX, stamp.epoch,
                        &stamp.hash);
        memmove(bytes, bytes + size, held - size);
        held -= size;
    }
    zip_part_close(&part);
    free(bytes);
    if (judging->stamps_count > 1) {
        qsort(judging->stamps, judging->stamps_count, sizeof *judging->stamps, known_compare);
    }
    return err == ERR_SYNTAX ? OK : err;
}

static enum err kept_read(struct judging *judging, struct str heads)
{
    enum err err = OK;
    size_t size;
    struct head_said said;
    struct str text = heads_are_said(heads) ? heads : (struct str){0};
    bool any = heads.size == 0;
    while (err == OK && text.size > 0 && head_said_next(&text, &said)) {
        if (client_equal(said.client, judging->manifest.client)) {
            any = true;
            err = known_add(&judging->kept, &judging->kept_count, KEPT_MAX, said.epoch, &said.hash);
        }
    }
    if (heads_are_said(heads)) {
        if (!any) {
            package_say(judging, "kept heads", 0, "there is no head of client %u in it",
                        judging->manifest.client.value);
        }
        heads = (struct str){0};
    }
    for (size_t at = 0; err == OK && at < heads.size; at += size) {
        if (!head_read_fast(str_slice(heads, at, SIZE_MAX), judging->manifest.client, judging->head,
                            &size)) {
            package_say(judging, "kept heads", at, "this is no head of client %u",
                        judging->manifest.client.value);
            break;
        }
        err = known_add(&judging->kept, &judging->kept_count, KEPT_MAX, judging->head->epoch,
                        &judging->head->hash);
    }
    if (judging->kept_count > 1) {
        qsort(judging->kept, judging->kept_count, sizeof *judging->kept, known_compare);
    }
    return err;
}

/* Of what is known of an epoch, whether the head is it; false: something else is known. */
static bool known_fits(const struct known *list, size_t count, const struct head *head,
                       bool *ret_any)
{
    const struct known like = {.epoch = head->epoch};
    const struct known *found =
        count == 0 ? NULL : bsearch(&like, list, count, sizeof *list, known_compare);
    *ret_any = found != NULL;
    return found == NULL || sha256_equal(&found->hash, &head->hash);
}

/* ---- Heads. */

/* The next head of the part; ERR_CLOSED at its end.  Its signatures have been looked at. */
static enum err head_next(struct judging *judging, bool fast)
{
    char bytes[HEAD_SIZE_MAX];
    size_t got = 0;
    struct zip_part *part = &judging->heads;
    enum err err = zip_part_read(part, bytes, 16, &got, NULL);
    if (err != OK || got == 0) {
        return err != OK ? err : ERR_CLOSED;
    }
    size_t size = got == 16 ? get_u32(bytes + 12) : 0;
    if (size < 16 || size > HEAD_SIZE_MAX) {
        return ERR_SYNTAX;
    }
    err = zip_part_read(part, bytes + 16, size - 16, &got, NULL);
    if (err == OK && !(fast ? head_read_fast : head_decode)(
                         str_of(bytes, 16 + got), judging->manifest.client, judging->head, &size)) {
        err = ERR_SYNTAX;
    }
    return err;
}

/* A stretch of remains, found by its hash. */
struct stretch {
    struct sha256 hash;
    size_t at, size;
    bool taken; /* once, however many heads name it */
};

static int stretch_compare(const void *a, const void *b)
{
    const struct stretch *left = a;
    const struct stretch *right = b;
    return memcmp(left->hash.bytes, right->hash.bytes, SHA256_SIZE);
}

/* Each is hashed once: there may be as many tombstones as there are stretches. */
static enum err stretches_find(const struct judging *judging, struct str remains,
                               struct stretch **ret, size_t *ret_count)
{
    struct stretch *list = NULL;
    size_t count = 0;
    size_t size;
    for (size_t at = 0; at < remains.size; at += size) {
        size = remains_size(str_slice(remains, at, SIZE_MAX), judging->manifest.client);
        if (size == 0) {
            break;
        }
        if ((count & (count - 1)) == 0) {
            struct stretch *larger = realloc(list, (count == 0 ? 1 : 2 * count) * sizeof *larger);
            if (larger == NULL) {
                free(list);
                return ERR_MEMORY;
            }
            list = larger;
        }
        list[count++] =
            (struct stretch){sha256_of_bytes(str_slice(remains, at, size)), at, size, false};
    }
    if (count > 1) {
        qsort(list, count, sizeof *list, stretch_compare);
    }
    *ret = list;
    *ret_count = count;
    return OK;
}

/* Takes what the tombstones of all heads name. */
static enum err gone_take(struct judging *judging, struct str remains, struct stretch *list,
                          size_t count)
{
    enum err err = OK;
    while (err == OK && (err = head_next(judging, true)) == OK) {
        struct tombstone_told told;
        struct remains_place place;
        struct stretch like;
        if (!tombstone_decode(judging->head, &told, &place)) {
            continue;
        }
        like.hash = place.hash;
        struct stretch *found =
            count == 0 ? NULL : bsearch(&like, list, count, sizeof *list, stretch_compare);
        if (found != NULL && !found->taken) {
            found->taken = true;
            err = gone_add(&judging->gone, str_slice(remains, found->at, found->size),
                           judging->manifest.client, told.epoch);
        }
    }
    return err;
}

/* Before anything is judged: what the tombstones say is gone. */
static enum err gone_gather(struct judging *judging)
{
    char *remains = NULL;
    size_t size = 0;
    struct stretch *list = NULL;
    size_t count = 0;
    enum err err =
        part_whole_read(judging, "proof/remains.bin", REMAINS_SIZE_ALL_MAX, &remains, &size);
    if (err != OK || size == 0) {
        free(remains);
        return err == ERR_MEMORY ? err : OK;
    }
    err = stretches_find(judging, str_of(remains, size), &list, &count);
    err = err == OK ? zip_part_open(&judging->heads, judging->file, "proof/heads.bin", false, NULL)
                    : err;
    err = err == OK ? gone_take(judging, str_of(remains, size), list, count) : err;
    zip_part_close(&judging->heads);
    free(list);
    free(remains);
    gone_settle(&judging->gone);
    return err == ERR_MEMORY ? err : OK;
}

static void head_place(struct judging *judging)
{
    const struct head *head = judging->head;
    const struct head *last = judging->last;
    static const struct sha256 zeros;
    uint64_t epoch = head->epoch;
    bool follows = judging->last_known && epoch == last->epoch + 1;
    bool day = judging->last_known && !follows && head->kind == HEAD_DAY &&
               last->kind == HEAD_DAY && head->day.number == last->day.number + 1 &&
               epoch > last->epoch;
    if (!judging->last_known) {
        if (epoch != 0 || !sha256_equal(&head->before, &zeros) ||
            memcmp(head->public_key, judging->anchor, ED25519_SIZE) != 0) {
            package_say(judging, "proof/heads.bin", 0, "the first head is not that of the anchor");
        }
    } else if (!follows && !day) {
        package_say(judging, "proof/heads.bin", judging->heads.size,
                    "epoch %llu follows epoch %llu: heads between them are missing",
                    (unsigned long long)epoch, (unsigned long long)last->epoch);
    } else if (follows && (memcmp(head->public_key, last->public_next, ED25519_SIZE) != 0 ||
                           !sha256_equal(&head->before, &last->hash))) {
        package_say(judging, "proof/heads.bin", judging->heads.size,
                    "epoch %llu does not follow the head before it", (unsigned long long)epoch);
    } else if (day && judging->anchored && !judging->closed) {
        package_say(judging, "proof/heads.bin", judging->heads.size,
                    "heads are left out among those that the leaves lie between");
    }
    if (judging->last_known && (head->tree.size < last->tree.size || head->events < last->events)) {
        package_say(judging, "proof/heads.bin", judging->heads.size, "the tree became smaller");
    }
    judging->days.whole = judging->days.whole && !day;
    const char *wrong = days_pass(&judging->days, head);
    if (wrong != NULL) {
        package_say(judging, "proof/heads.bin", judging->heads.size, "epoch %llu: %s",
                    (unsigned long long)epoch, wrong);
    }
    bool any;
    if (!known_fits(judging->stamps, judging->stamps_count, head, &any)) {
        package_say(judging, "proof/stamps.bin", 0, "the stamp of epoch %llu is over another head",
                    (unsigned long long)epoch);
    }
    judging->told.stamps += any;
    if (!known_fits(judging->kept, judging->kept_count, head, &any)) {
        package_say(judging, "kept heads", 0, "epoch %llu was another head when it was kept",
                    (unsigned long long)epoch);
    }
}

/* ---- The whole. */

static void ends_check(struct judging *judging)
{
    const struct manifest *manifest = &judging->manifest;
    int64_t until = manifest->to.ns;
    if (manifest->made.ns - MADE_EARLY_NS < until) {
        until = manifest->made.ns - MADE_EARLY_NS;
    }
    if (!judging->anchored || !judging->closed) {
        package_say(judging, "proof/heads.bin", 0, "there is no head at %s of the leaves",
                    judging->anchored ? "the end" : "the beginning");
        return;
    }
    if (judging->closed_wall.ns < until) {
        package_say(judging, "proof/leaves.bin", 0,
                    "the leaves end before the time that was asked for");
    }
    if (judging->started_wall.ns > manifest->from.ns && judging->leaf_first > 0) {
        package_say(judging, "proof/leaves.bin", 0,
                    "the leaves begin after the time that was asked for");
    }
    if (judging->told.lines != manifest->lines) {
        package_say(judging, "manifest.json", 0,
                    "%llu lines are proved, and the manifest says %llu",
                    (unsigned long long)judging->told.lines, (unsigned long long)manifest->lines);
    }
}

/* What the hash over the leaves stands for has none of its own. */
static enum err stream_open(struct judging *judging, struct zip_part *part, const char *name)
{
    const struct package_part *named = part_named(judging, name);
    return zip_part_open(part, judging->file, name, named == NULL || !named->by_leaves, NULL);
}

/* Of leaves that were all read; those that were not have been named. */
static void leaves_hash_check(struct judging *judging)
{
    if (judging->told_leaves.run != NULL) {
        struct sha256 hash = leaf_run_end(&judging->told_leaves);
        judging->told_leaves.run = NULL;
        if (!sha256_equal(&hash, &judging->manifest.leaves)) {
            package_say(judging, "proof/leaves.bin", 0,
                        "these are not the leaves that the manifest names");
        }
    }
}

static enum err stream_end(struct judging *judging, struct zip_part *part, const char *name,
                           bool rest)
{
    bool same = false;
    uint64_t left = 0;
    enum err err = zip_part_end(part, part_named(judging, name), &same, &left, NULL);
    if (err == ERR_MEMORY || err == ERR_IO) {
        return err;
    }
    if (err != OK || !same) {
        package_say(judging, name, 0, "this part is not what the manifest says");
    } else if (left > 0 && rest) {
        package_say(judging, name, part->size - left, "%llu bytes more than the proof is about",
                    (unsigned long long)left);
    }
    return OK;
}

static enum err heads_judge(struct judging *judging)
{
    enum err err = OK;
    bool leaves_sound = true;
    while ((err = head_next(judging, false)) == OK) {
        if (!judging->last_known) {
            judging->told.first_head = judging->head->wall;
        }
        head_place(judging);
        judging->told.last_head = judging->head->wall;
        judging->told.heads++;
        enum err passed = leaves_sound ? package_leaves_pass(judging) : OK;
        if (passed == ERR_MEMORY || passed == ERR_IO) {
            return passed;
        }
        if (passed != OK) {
            package_say(judging, "proof/leaves.bin", judging->leaves.size, "this is no leaf: %s",
                        err_text(passed));
            leaves_sound = false;
        }
        struct head *other = judging->last;
        judging->last = judging->head;
        judging->head = other;
        judging->last_known = true;
    }
    if (err != ERR_CLOSED && err != ERR_MEMORY && err != ERR_IO) {
        package_say(judging, "proof/heads.bin", judging->heads.size, "a head is damaged");
        err = ERR_CLOSED;
    }
    return err == ERR_CLOSED ? OK : err;
}

static enum err proof_judge(struct judging *judging, struct str kept)
{
    enum err err = kept_read(judging, kept);
    err = err == OK ? stamps_read(judging) : err;
    err = err == OK ? gone_gather(judging) : err;
    if (err != OK) {
        return err;
    }
    enum err heads = stream_open(judging, &judging->heads, "proof/heads.bin");
    enum err leaves = stream_open(judging, &judging->leaves, "proof/leaves.bin");
    enum err lines = stream_open(judging, &judging->lines, "lines.raw");
    if (heads == OK && leaves == OK && lines == OK) {
        err = package_leaves_begin(judging);
    }
    if (heads != OK || leaves != OK || lines != OK || err == ERR_SYNTAX) {
        package_say(judging, "proof", 0, "parts of the proof are missing or damaged");
        err = OK;
    } else if (err == OK) {
        err = heads_judge(judging);
        leaves_hash_check(judging);
        err = err == OK ? stream_end(judging, &judging->heads, "proof/heads.bin", true) : err;
        err = err == OK ? stream_end(judging, &judging->leaves, "proof/leaves.bin", true) : err;
        err = err == OK ? stream_end(judging, &judging->lines, "lines.raw", true) : err;
        ends_check(judging);
    }
    zip_part_close(&judging->heads);
    zip_part_close(&judging->leaves);
    zip_part_close(&judging->lines);
    return err;
}

static enum err anchor_read(struct judging *judging)
{
    char *text = NULL;
    size_t size = 0;
    enum err err = part_whole_read(judging, "proof/anchor.txt", 4096, &text, &size);
    bool sound = err == OK && size == 2 * ED25519_SIZE + 1 &&
                 hex_parse(str_of(text, size - 1), judging->anchor_inside, ED25519_SIZE) == OK;
    free(text);
    if (err == ERR_MEMORY || err == ERR_IO) {
        return err;
    }
    if (!sound) {
        package_say(judging, "proof/anchor.txt", 0, "this is no anchor");
    } else if (judging->anchor != NULL &&
               memcmp(judging->anchor, judging->anchor_inside, ED25519_SIZE) != 0) {
        package_say(judging, "proof/anchor.txt", 0, "this is not the anchor that was given");
    }
    if (judging->anchor == NULL) {
        judging->anchor = judging->anchor_inside;
    }
    return OK;
}

static enum err all_judge(struct judging *judging, struct str kept)
{
    enum err err = manifest_read(judging);
    if (err != OK) {
        return err;
    }
    err = zip_names(judging->file, name_call, judging, judging->why);
    err = err == OK ? parts_check(judging) : err;
    if (err != OK || !judging->manifest.proof) {
        return err;
    }
    err = anchor_read(judging);
    return err == OK ? proof_judge(judging, kept) : err;
}

bool package_is(struct str head)
{
    return str_starts(head, str_of("PK\x03\x04", 4));
}

enum err package_verify(struct file *file, const uint8_t *anchor, struct str heads,
                        verify_call *call, void *context, struct package_judged *ret,
                        struct why *why)
{
    struct judging *judging = calloc(1, sizeof *judging);
    struct head *two = calloc(2, sizeof *two);
    enum err err = judging == NULL || two == NULL ? ERR_MEMORY : OK;
    if (err == OK) {
        judging->file = file;
        judging->anchor = anchor;
        judging->call = call;
        judging->context = context;
        judging->head = two;
        judging->last = two + 1;
        judging->whole = true;
        judging->days.whole = true;
        judging->why = why;
        judging->mem = arena_new(8 * MANIFEST_SIZE_MAX);
        err = judging->mem == NULL ? ERR_MEMORY : all_judge(judging, heads);
    }
    if (err == OK) {
        judging->told.anchor_known = anchor != NULL;
        *ret = judging->told;
        err = judging->told.damaged > 0 ? ERR_CORRUPT : OK;
    }
    if (judging != NULL) {
        if (judging->told_leaves.run != NULL) {
            (void)leaf_run_end(&judging->told_leaves);
        }
        gone_done(&judging->gone);
        free(judging->stamps);
        free(judging->kept);
        arena_free(judging->mem);
    }
    free(two);
    free(judging);
    return err;
}
