/*
 * Judging the leaves of a package: each folded into the tree, its lines taken from lines.raw.
 *
 * A leaf is whole, tells its head, is only a hash, or is gone under a tombstone.  Whatever it is,
 * it has its place in the tree, and its numbers follow those before it: the roots of the heads on
 * the way show the one, and heads of form 2 the other.
 *
 * A leaf that is only a hash may be of anything, whatever it says; so it is damage where leaves
 * are of form 2, since whoever wants to hide one could leave its head out.
 *
 * Always true: no byte counts as a line that did not go into a leaf's hash.
 */

#include <string.h>

#include "archive/package_private.h"
#include "base/bytes.h"

/* Bytes of leaves.bin that no leaf's hash holds: the hash over the leaves does. */
static enum err told_read(struct judging *judging, void *to, size_t size, size_t *ret_size)
{
    enum err err = zip_part_read(&judging->leaves, to, size, ret_size, NULL);
    if (err == OK && judging->told_leaves.run != NULL) {
        leaf_run_add(&judging->told_leaves, str_of(to, *ret_size));
    }
    return err;
}

enum err package_leaves_begin(struct judging *judging)
{
    char fixed[PACKAGE_LEAVES_SIZE];
    size_t got = 0;
    if (judging->manifest.leaves_hashed) {
        leaf_run_begin(&judging->told_leaves, STR(""));
    }
    enum err err = told_read(judging, fixed, sizeof fixed, &got);
    if (err != OK) {
        return err;
    }
    uint64_t first = got == sizeof fixed ? get_u64(fixed + 16) : 0;
    uint64_t end = got == sizeof fixed ? get_u64(fixed + 24) : 0;
    unsigned peaks = (unsigned)__builtin_popcountll(first);
    if (got != sizeof fixed || memcmp(fixed, "HINOMIpl", 8) != 0 || get_u16(fixed + 8) != 1 ||
        get_u32(fixed + 12) != judging->manifest.client.value || get_u32(fixed + 32) != peaks ||
        first > end || end > UINT64_MAX / 4) {
        return ERR_SYNTAX;
    }
    judging->leaf_first = judging->leaf_next = first;
    judging->leaf_end = end;
    judging->tree.size = first;
    err = told_read(judging, judging->tree.peaks, peaks * SHA256_SIZE, &got);
    return err == OK && got != peaks * SHA256_SIZE ? ERR_SYNTAX : err;
}

static enum err exactly(struct judging *judging, void *to, size_t size)
{
    size_t got = 0;
    enum err err = told_read(judging, to, size, &got);
    return err == OK && got != size ? ERR_SYNTAX : err;
}

static void number_pass(struct judging *judging, uint64_t first, uint64_t events)
{
    if (judging->next != 0 && first != judging->next) {
        package_say(judging, "proof/leaves.bin", judging->leaves.size,
                    "leaf %llu begins with number %llu and not %llu",
                    (unsigned long long)judging->leaf_next, (unsigned long long)first,
                    (unsigned long long)judging->next);
    }
    judging->next = first + events;
}

static void leaf_pass(struct judging *judging, const struct sha256 *leaf)
{
    if (judging->whole) {
        tree_add(&judging->tree, leaf);
    }
    judging->leaf_next++;
    judging->told.leaves++;
}

/* The bytes of one record into the hash, from where they stand. */
static enum err record_hash(struct zip_part *part, uint32_t size, struct leaf_run *run)
{
    while (size > 0) {
        struct str piece;
        enum err err = zip_part_take(part, size, &piece, NULL);
        if (err != OK || piece.size == 0) {
            return err != OK ? err : ERR_SYNTAX;
        }
        leaf_run_add(run, piece);
        size -= (uint32_t)piece.size;
    }
    return OK;
}

static enum err record_judge(struct judging *judging, struct leaf_head *head, uint64_t sequence,
                             struct leaf_run *run)
{
    char before[12];
    enum err err = exactly(judging, before, sizeof before);
    if (err != OK) {
        return err;
    }
    uint32_t size = get_u32(before) & ~PACKAGE_SELECTED;
    bool selected = (get_u32(before) & PACKAGE_SELECTED) != 0;
    struct wall received = {(int64_t)get_u64(before + 4)};
    if (size > BATCH_SIZE_MAX) {
        return ERR_SYNTAX;
    }
    put_u32(before, size);
    leaf_run_add(run, str_of(before, sizeof before));
    err = record_hash(selected ? &judging->lines : &judging->leaves, size, run);
    if (err == OK && selected) {
        char end = 0;
        size_t got = 0;
        err = zip_part_read(&judging->lines, &end, 1, &got, NULL);
        err = err == OK && end != '\n' ? ERR_SYNTAX : err;
        judging->told.lines++;
    }
    head->oldest.ns = received.ns < head->oldest.ns ? received.ns : head->oldest.ns;
    head->newest.ns = received.ns > head->newest.ns ? received.ns : head->newest.ns;
    bool wanted = manifest_wants(&judging->manifest, head->source.value, received, received);
    if (wanted && !selected && !judging->manifest.filtered) {
        package_say(judging, "lines.raw", 0, "line %llu was asked for and left out",
                    (unsigned long long)sequence);
    } else if (selected && !wanted) {
        package_say(judging, "lines.raw", 0, "line %llu was not asked for",
                    (unsigned long long)sequence);
    }
    return err;
}

static enum err whole_judge(struct judging *judging)
{
    char fixed[PACKAGE_WHOLE_SIZE];
    char start[21 + LEAF_SALT_SIZE];
    uint8_t salt[LEAF_SALT_SIZE];
    struct leaf_run run;
    enum err err = exactly(judging, fixed + 1, sizeof fixed - 1);
    if (err != OK) {
        return err;
    }
    unsigned form = (unsigned char)fixed[1];
    struct leaf_head head = {.client = judging->manifest.client,
                             .events = get_u32(fixed + 4),
                             .source = {get_u32(fixed + 8)},
                             .first = get_u64(fixed + 12),
                             .oldest = {INT64_MAX},
                             .newest = {INT64_MIN}};
    memcpy(salt, fixed + 20, sizeof salt);
    if (head.events == 0 || head.events > EVENTS_PER_BATCH_MAX || form < 1 || form > 2 ||
        head.first == 0 || head.first > UINT64_MAX / 4) {
        return ERR_SYNTAX;
    }
    number_pass(judging, head.first, head.events);
    size_t size = leaf_start_1(head.client, head.source, head.first, head.events, salt, start);
    leaf_run_begin(&run, form == 1 ? str_of(start, size) : str_of(salt, sizeof salt));
    for (uint32_t i = 0; err == OK && i < head.events; i++) {
        err = record_judge(judging, &head, head.first + i, &run);
    }
    struct sha256 hash = leaf_run_end(&run);
    if (form == 2) {
        head.body = hash;
        hash = leaf_hash(&head);
    }
    if (judging->told_leaves.run != NULL) {
        leaf_run_add(&judging->told_leaves, str_of(hash.bytes, SHA256_SIZE));
    }
    leaf_pass(judging, &hash);
    return err;
}

static enum err told_judge(struct judging *judging)
{
    char bytes[LEAF_TOLD_SIZE];
    enum err err = exactly(judging, bytes, sizeof bytes);
    if (err != OK) {
        return err;
    }
    struct leaf_head head = {.client = {get_u32(bytes)},
                             .source = {get_u32(bytes + 4)},
                             .first = get_u64(bytes + 8),
                             .events = get_u32(bytes + 16),
                             .oldest = {(int64_t)get_u64(bytes + 20)},
                             .newest = {(int64_t)get_u64(bytes + 28)}};
    memcpy(head.body.bytes, bytes + 36, SHA256_SIZE);
    bool wanted = manifest_wants(&judging->manifest, head.source.value, head.oldest, head.newest);
    if (!client_equal(head.client, judging->manifest.client) || head.first > UINT64_MAX / 4) {
        return ERR_SYNTAX;
    }
    number_pass(judging, head.first, head.events);
    if (wanted && !judging->manifest.filtered) {
        package_say(judging, "lines.raw", 0, "lines among %llu to %llu of source %u were left out",
                    (unsigned long long)head.first,
                    (unsigned long long)head.first + head.events - 1, head.source.value);
    }
    struct sha256 hash = leaf_hash(&head);
    leaf_pass(judging, &hash);
    judging->told.stubs++;
    return OK;
}

static enum err hash_judge(struct judging *judging)
{
    char bytes[PACKAGE_HASH_SIZE];
    struct sha256 hash;
    enum err err = exactly(judging, bytes + 1, sizeof bytes - 1);
    if (err != OK) {
        return err;
    }
    uint64_t first = get_u64(bytes + 1);
    uint32_t events = get_u32(bytes + 9);
    uint32_t source = get_u32(bytes + 13);
    if (first > UINT64_MAX / 4) {
        return ERR_SYNTAX;
    }
    memcpy(hash.bytes, bytes + 17, SHA256_SIZE);
    number_pass(judging, first, events);
    if (judging->could_tell) {
        package_say(judging, "proof/leaves.bin", judging->leaves.size,
                    "leaf %llu is only a hash, and could tell its source and time",
                    (unsigned long long)judging->leaf_next);
    }
    if (manifest_wants(&judging->manifest, source, judging->manifest.from,
                       judging->manifest.from) &&
        !judging->manifest.filtered) {
        package_say(judging, "lines.raw", 0, "lines %llu to %llu of source %u could not be read",
                    (unsigned long long)first, (unsigned long long)first + events - 1, source);
    }
    leaf_pass(judging, &hash);
    judging->told.not_shown++;
    return OK;
}

static enum err gone_judge(struct judging *judging)
{
    char bytes[PACKAGE_GONE_SIZE];
    enum err err = exactly(judging, bytes + 1, sizeof bytes - 1);
    if (err != OK) {
        return err;
    }
    const struct gone_run *run = gone_find(&judging->gone, judging->leaf_next);
    uint64_t leaves = get_u64(bytes + 1);
    if (run == NULL || run->index != judging->leaf_next || run->leaves != leaves ||
        run->epoch != get_u64(bytes + 9) || leaves > judging->leaf_end - judging->leaf_next) {
        return ERR_SYNTAX;
    }
    number_pass(judging, run->first, run->events);
    if (judging->whole) {
        gone_pass(&judging->gone, run, &judging->tree);
    }
    judging->leaf_next += leaves;
    judging->told.gone += leaves;
    return OK;
}

static enum err missing_judge(struct judging *judging)
{
    char bytes[PACKAGE_MISSING_SIZE];
    enum err err = exactly(judging, bytes + 1, sizeof bytes - 1);
    if (err != OK) {
        return err;
    }
    uint64_t leaves = get_u64(bytes + 1);
    if (leaves == 0 || leaves > judging->leaf_end - judging->leaf_next) {
        return ERR_SYNTAX;
    }
    package_say(judging, "proof/leaves.bin", judging->leaves.size, "leaves %llu to %llu are lost",
                (unsigned long long)judging->leaf_next,
                (unsigned long long)(judging->leaf_next + leaves - 1));
    judging->leaf_next += leaves;
    judging->whole = false;
    judging->next = 0;
    return OK;
}

static enum err leaf_judge(struct judging *judging)
{
    char kind;
    enum err err = exactly(judging, &kind, 1);
    if (err != OK) {
        return err;
    }
    switch ((enum package_leaf)kind) {
    case PACKAGE_LEAF_WHOLE:
        return whole_judge(judging);
    case PACKAGE_LEAF_TOLD:
        return told_judge(judging);
    case PACKAGE_LEAF_HASH:
        return hash_judge(judging);
    case PACKAGE_LEAF_GONE:
        return gone_judge(judging);
    case PACKAGE_LEAF_MISSING:
        return missing_judge(judging);
    }
    return ERR_SYNTAX;
}

/* The leaves up to this head, and whether they give its root. */
enum err package_leaves_pass(struct judging *judging)
{
    const struct head *head = judging->head;
    enum err err = OK;
    if (head->tree.size < judging->leaf_next || head->tree.size > judging->leaf_end) {
        return OK;
    }
    if (!judging->anchored && head->tree.size > judging->leaf_next) {
        return OK; /* no head of the beginning: said at the end */
    }
    /* Who signed a head of version 2 makes leaves of form 2 from then on. */
    judging->could_tell = (judging->last_known ? judging->last : head)->version >= 2;
    while (err == OK && judging->leaf_next < head->tree.size) {
        err = leaf_judge(judging);
    }
    if (err != OK || judging->leaf_next > head->tree.size) {
        return err;
    }
    if (!judging->whole) {
        judging->tree = head->tree;
        judging->whole = true;
    }
    struct sha256 root = tree_root(&judging->tree);
    if (!sha256_equal(&root, &head->root) ||
        (judging->next != 0 && judging->next != head->events + 1)) {
        package_say(judging, "proof/leaves.bin", judging->leaves.size,
                    "the first %llu leaves do not give the root that epoch %llu was signed over",
                    (unsigned long long)head->tree.size, (unsigned long long)head->epoch);
        judging->tree = head->tree;
    }
    if (!judging->anchored) {
        judging->started_wall = head->wall;
    }
    judging->next = head->events + 1;
    judging->anchored = true;
    if (head->tree.size == judging->leaf_end) {
        judging->closed = true;
        judging->closed_wall = head->wall;
    }
    return OK;
}
