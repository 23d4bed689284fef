/*
 * A delivery: lines with what proves them.
 *
 *     the heads, all or the last → for each number the leaf that holds it → its salt, its records,
 *     and RFC 6962's audit path to the last head's root
 *
 * Leaves and the nodes of paths are found by nodes.c, whose cost does not grow with the archive; a
 * path is folded and compared with the signed root before it is given out.
 *
 * Always true: at most one leaf's records are in memory.
 */

#include "archive/leaves.h"
#include "archive/nodes.h"

#include <stdlib.h>
#include <string.h>

#define HEADS_SIZE_MAX ((size_t)1 << 30)

struct proof {
    struct disk *disk;
    const char *folder;
    struct client_id client;
    uint8_t key[AES_KEY_SIZE];
    struct nodes *nodes;
    struct head head;       /* the last */
    struct nodes_leaf leaf; /* that is being printed */
    enum err failed;        /* to find a node */
    struct zstd *zstd;
    struct arena *mem;
    struct buf *out;
};

static void base64_print(struct buf *out, struct str bytes, enum err *err)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; *err == OK && i < bytes.size; i += 3) {
        uint32_t group = 0;
        char text[4];
        for (size_t j = 0; j < 3; j++) {
            group = group << 8 | (i + j < bytes.size ? (unsigned char)bytes.data[i + j] : 0);
        }
        for (size_t j = 0; j < 4; j++) {
            bool there = i + j <= bytes.size;
            text[j] = there ? digits[group >> (18 - 6 * j) & 63] : '=';
        }
        *err = buf_append(out, str_of(text, 4));
    }
}

static enum err hex_append(struct buf *out, const void *bytes)
{
    char text[2 * SHA256_SIZE + 1];
    return buf_print(out, "\"%s\"", hex_print(bytes, SHA256_SIZE, text));
}

static enum err heads_print(struct proof *proof, struct why *why)
{
    char path[PATH_SIZE];
    char *bytes = NULL;
    size_t size = 0;
    size_t at = 0;
    enum err err = heads_path(proof->folder, proof->client, path, sizeof path);
    if (err == OK) {
        err = disk_read_whole(proof->disk, path, HEADS_SIZE_MAX, &bytes, &size, why);
    }
    if (err != OK) {
        return err;
    }
    while (err == OK && at < size) {
        size_t head_size;
        if (!head_decode(str_of(bytes + at, size - at), proof->client, &proof->head, &head_size)) {
            err = why_say(why, ERR_CORRUPT, 0, "%s: damaged at byte %zu", path, at);
            break;
        }
        if (at > 0) {
            err = buf_append(proof->out, STR("\",\""));
        }
        base64_print(proof->out, str_of(bytes + at, head_size), &err);
        at += head_size;
    }
    free(bytes);
    return err;
}

static enum err last_print(struct proof *proof, struct why *why)
{
    char bytes[HEAD_SIZE_MAX];
    size_t got = 0;
    size_t size;
    enum err err = nodes_last_read(proof->nodes, bytes, &got);
    if (err == OK && !head_decode(str_of(bytes, got), proof->client, &proof->head, &size)) {
        return why_say(why, ERR_CORRUPT, 0, "the last head of client %u is damaged",
                       proof->client.value);
    }
    if (err == OK) {
        base64_print(proof->out, str_of(bytes, size), &err);
    }
    return err;
}

static struct sha256 node_get(void *context, uint64_t from, uint64_t to)
{
    struct proof *proof = context;
    struct sha256 node = {0};
    if (proof->failed == OK) {
        proof->failed = nodes_root(proof->nodes, from, to, &node);
    }
    return node;
}

static enum err path_print(struct proof *proof, struct why *why)
{
    struct sha256 nodes[PATH_NODES_MAX];
    const struct nodes_leaf *leaf = &proof->leaf;
    uint64_t size = proof->head.tree.size;
    proof->failed = OK;
    unsigned count = path_inclusion(size, leaf->index, node_get, proof, nodes);
    if (proof->failed == OK &&
        !path_inclusion_holds(&leaf->hash, leaf->index, size, nodes, count, &proof->head.root)) {
        proof->failed = ERR_CORRUPT;
    }
    if (proof->failed != OK) {
        return why_say(why, proof->failed, 0,
                       "leaf %llu of client %u: leaves that its proof needs are lost",
                       (unsigned long long)leaf->index, proof->client.value);
    }
    enum err err = buf_append(proof->out, STR("],\"path\":["));
    for (unsigned i = 0; err == OK && i < count; i++) {
        err = hex_append(proof->out, nodes[i].bytes);
        if (err == OK && i + 1 < count) {
            err = buf_append_byte(proof->out, ',');
        }
    }
    return err == OK ? buf_append(proof->out, STR("]}")) : err;
}

static enum err journal_batch(struct proof *proof, uint8_t salt[FRAME_SALT_SIZE], struct batch *ret,
                              struct why *why)
{
    char path[PATH_SIZE];
    struct file *file;
    const struct frame *frame = &proof->leaf.frame;
    enum err err = journal_path(proof->folder, frame->journal, path, sizeof path);
    err = err == OK ? disk_open(proof->disk, path, DISK_READ, &file, why) : err;
    if (err != OK) {
        return err;
    }
    struct sha256 key = journal_key(proof->key, proof->client, frame->journal);
    err = frame_batch(file, frame, &key, proof->zstd, proof->mem, salt, ret, why);
    secret_forget(&key, sizeof key);
    file_close(file);
    return err;
}

static enum err block_find(struct segment *segment, uint64_t first, struct arena *mem,
                           struct batch *ret, struct why *why)
{
    size_t blocks = (size_t)segment_head(segment)->blocks;
    size_t index = 0;
    struct str data;
    struct block *block;
    while (index < blocks && segment_block(segment, index)->last < first) {
        index++;
    }
    enum err err = index == blocks ? ERR_CORRUPT : segment_read(segment, index, mem, &data, why);
    err = err == OK ? block_open(data, mem, &block, why) : err;
    for (size_t i = 0; err == OK && i < block_leaves(block); i++) {
        struct block_leaf leaf;
        const uint32_t *rows;
        block_leaf(block, i, &leaf);
        if (leaf.first == first) {
            return block_batch(block, i, NULL, mem, ret, &rows, why);
        }
    }
    return err == OK ? ERR_CORRUPT : err;
}

static enum err segment_batch(struct proof *proof, uint8_t salt[FRAME_SALT_SIZE], struct batch *ret,
                              struct why *why)
{
    const struct segment_head *head = &proof->leaf.segment;
    struct segment *segment = NULL;
    const uint8_t *salts;
    struct file *file;
    enum err err = nodes_segment(proof->nodes, head->generation, &file);
    if (err != OK) {
        return err;
    }
    struct sha256 key = segment_key(proof->key, proof->client, head->seed);
    err = segment_open(file, &key, &segment, why);
    secret_forget(&key, sizeof key);
    err = err == OK ? segment_salts(segment, proof->mem, &salts, why) : err;
    if (err == OK) {
        memcpy(salt, salts + proof->leaf.place * SEGMENT_SALT_SIZE, FRAME_SALT_SIZE);
        err = block_find(segment, proof->leaf.first, proof->mem, ret, why);
    }
    segment_close(segment);
    file_close(file);
    return err;
}

static enum err leaf_print(struct proof *proof, struct why *why)
{
    uint8_t salt[FRAME_SALT_SIZE];
    struct batch batch;
    unsigned form = 0;
    const struct nodes_leaf *leaf = &proof->leaf;
    arena_reset(proof->mem);
    enum err err = leaf->in_journal ? journal_batch(proof, salt, &batch, why)
                                    : segment_batch(proof, salt, &batch, why);
    err = err == OK ? leaf_form(salt, leaf->first, &batch, &leaf->hash, &form) : err;
    if (err == OK && form == 0) {
        err = why_say(why, ERR_CORRUPT, 0, "leaf %llu of client %u is not that of its records",
                      (unsigned long long)leaf->index, proof->client.value);
    }
    if (err == OK) {
        err =
            buf_print(proof->out,
                      "{\"source\":%u,\"first\":%llu,\"index\":%llu,\"salt\":", leaf->source.value,
                      (unsigned long long)leaf->first, (unsigned long long)leaf->index);
    }
    err = err == OK ? hex_append(proof->out, salt) : err;
    err = err == OK ? buf_append(proof->out, STR(",\"records\":[")) : err;
    for (uint32_t i = 0; err == OK && i < batch.events; i++) {
        struct event event;
        batch_event(&batch, i, &event);
        err = buf_print(proof->out, "%s{\"received\":%lld,\"bytes\":\"", i > 0 ? "," : "",
                        (long long)event.received.ns);
        base64_print(proof->out, event.record, &err);
        err = err == OK ? buf_append(proof->out, STR("\"}")) : err;
    }
    return err == OK ? path_print(proof, why) : err;
}

static enum err begin_print(struct proof *proof, const char *keys, bool all_heads, struct why *why)
{
    uint8_t anchor[ED25519_SIZE];
    enum err err = anchor_load(proof->disk, keys, proof->client, anchor, why);
    err = err == OK ? buf_print(proof->out,
                                "{\"version\":%u,\"client\":%u,\"anchor\":", all_heads ? 1u : 2u,
                                proof->client.value)
                    : err;
    err = err == OK ? hex_append(proof->out, anchor) : err;
    err = err == OK ? buf_append(proof->out, STR(",\"heads\":[\"")) : err;
    err = err == OK ? (all_heads ? heads_print : last_print)(proof, why) : err;
    return err == OK ? buf_append(proof->out, STR("\"],\"leaves\":[")) : err;
}

static enum err leaves_print(struct proof *proof, const uint64_t *sequences, size_t count,
                             struct why *why)
{
    uint64_t next = 0; /* behind the leaf before */
    enum err err = OK;
    for (size_t i = 0; err == OK && i < count; i++) {
        if (sequences[i] < next) {
            continue;
        }
        err = nodes_leaf(proof->nodes, sequences[i], &proof->leaf);
        if (err == ERR_CORRUPT) {
            return why_say(why, err, 0, "the leaf of number %llu of client %u is lost",
                           (unsigned long long)sequences[i], proof->client.value);
        }
        err = err == OK && next > 0 ? buf_append_byte(proof->out, ',') : err;
        err = err == OK ? leaf_print(proof, why) : err;
        next = proof->leaf.first + proof->leaf.events;
    }
    return err == OK ? buf_append(proof->out, STR("]}\n")) : err;
}

enum err archive_prove(const struct scope *scope, struct disk *disk, const char *folder,
                       const char *keys, struct client_id client, const uint64_t *sequences,
                       size_t count, enum prove_heads heads, struct buf *out, struct why *why)
{
    if (!scope_allows(scope, client, RIGHT_READ)) {
        return why_say(why, ERR_DENIED, 0, "client %u may not be read", client.value);
    }
    struct proof *proof = calloc(1, sizeof *proof);
    if (proof == NULL) {
        return ERR_MEMORY;
    }
    proof->disk = disk;
    proof->folder = folder;
    proof->client = client;
    proof->zstd = zstd_new(1);
    proof->mem = arena_new(BLOCK_MEMORY_MAX + 8 * (size_t)BATCH_SIZE_MAX +
                           (size_t)SEGMENT_LEAVES_MAX * 2 * SEGMENT_SALT_SIZE);
    proof->out = out;
    enum err err = proof->zstd == NULL || proof->mem == NULL ? ERR_MEMORY : OK;
    err = err == OK ? key_load(disk, keys, client, proof->key, why) : err;
    err = err == OK ? nodes_open(disk, folder, client, &proof->nodes, why) : err;
    err = err == OK ? begin_print(proof, keys, heads == PROVE_ALL_HEADS, why) : err;
    err = err == OK ? leaves_print(proof, sequences, count, why) : err;
    secret_forget(proof->key, sizeof proof->key);
    nodes_close(proof->nodes);
    zstd_free(proof->zstd);
    arena_free(proof->mem);
    free(proof);
    return err;
}
