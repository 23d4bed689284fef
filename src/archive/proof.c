/*
 * A delivery: lines with what proves them.
 *
 *     the heads, first to last → every leaf of the client in the journals → for each leaf asked
 *     for, its salt, its records, and RFC 6962's audit path to the last head's root
 *
 * The leaves of one client are held in memory while the paths are made, 32 bytes each.
 */

#include "archive/private.h"

#include <stdlib.h>
#include <string.h>

#define HEADS_SIZE_MAX ((size_t)1 << 30)

struct proof {
    struct disk *disk;
    const char *folder;
    struct client_id client;
    uint8_t key[AES_KEY_SIZE];
    const uint64_t *sequences;
    size_t count, at;
    struct head head; /* the last */
    struct sha256 *leaves;
    uint64_t leaves_count;
    struct frame *frames; /* those asked for */
    size_t frames_count;
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
        if (at == 0) {
            err = buf_print(proof->out,
                            "{\"version\":1,\"client\":%u,\"anchor\":", proof->client.value);
            err = err == OK ? hex_append(proof->out, proof->head.public_key) : err;
            err = err == OK ? buf_append(proof->out, STR(",\"heads\":[\"")) : err;
        } else {
            err = buf_append(proof->out, STR("\",\""));
        }
        base64_print(proof->out, str_of(bytes + at, head_size), &err);
        at += head_size;
    }
    free(bytes);
    return err == OK ? buf_append(proof->out, STR("\"],\"leaves\":[")) : err;
}

/* Whether a number asked for lies in the frame; numbers before it are in none. */
static bool frame_asked(struct proof *proof, const struct frame *frame, bool *ret_missed)
{
    bool asked = false;
    while (proof->at < proof->count && proof->sequences[proof->at] < frame->first + frame->events) {
        if (proof->sequences[proof->at] < frame->first) {
            *ret_missed = true;
        }
        asked = true;
        proof->at++;
    }
    return asked;
}

static enum err leaf_note(struct proof *proof, const struct frame *frame, struct why *why)
{
    bool missed = false;
    if (frame->leaf_index != proof->leaves_count) {
        return why_say(why, ERR_CORRUPT, 0, "leaf %llu of client %u is lost: no proof can be made",
                       (unsigned long long)proof->leaves_count, proof->client.value);
    }
    proof->leaves[proof->leaves_count++] = frame->leaf;
    if (frame_asked(proof, frame, &missed)) {
        struct frame *larger = realloc(proof->frames, (proof->frames_count + 1) * sizeof *larger);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        proof->frames = larger;
        proof->frames[proof->frames_count++] = *frame;
    }
    return missed ? ERR_NOT_FOUND : OK;
}

static enum err journal_open(struct proof *proof, uint64_t number, struct file **ret,
                             struct why *why)
{
    char path[PATH_SIZE];
    enum err err = journal_path(proof->folder, number, path, sizeof path);
    return err == OK ? disk_open(proof->disk, path, DISK_READ, ret, why) : err;
}

static enum err leaves_gather(struct proof *proof, struct why *why)
{
    struct journals journals;
    enum err err = journals_list(proof->disk, proof->folder, &journals, why);
    if (err != OK) {
        return err;
    }
    for (size_t i = 0; err == OK && i < journals.count; i++) {
        struct file *file;
        struct walk walk;
        struct frame frame;
        err = journal_open(proof, journals.list[i].number, &file, why);
        if (err != OK) {
            break;
        }
        walk_init(&walk, file, journals.list[i].number, 0, journals.list[i].end);
        while (err == OK && proof->leaves_count < proof->head.tree.size &&
               walk_next(&walk, &frame)) {
            if (frame.kind == FRAME_DATA && client_equal(frame.client, proof->client)) {
                err = leaf_note(proof, &frame, why);
            }
        }
        file_close(file);
    }
    journals_done(&journals);
    if (err == OK && proof->leaves_count < proof->head.tree.size) {
        err = why_say(why, ERR_CORRUPT, 0, "signed leaves of client %u are in no journal",
                      proof->client.value);
    }
    return err == OK && proof->at < proof->count ? ERR_NOT_FOUND : err;
}

static struct sha256 range_root(const struct proof *proof, uint64_t from, uint64_t to)
{
    struct tree tree = {0};
    for (uint64_t i = from; i < to; i++) {
        tree_add(&tree, &proof->leaves[i]);
    }
    return tree_root(&tree);
}

/* RFC 6962, 2.1.1: from the top down the range halves; its other half is the next node of the path,
 * which is read from the bottom up. */
static enum err path_print(struct proof *proof, uint64_t index)
{
    struct sha256 nodes[64];
    unsigned count = 0;
    uint64_t from = 0;
    uint64_t to = proof->leaves_count;
    while (to - from > 1) {
        uint64_t half = 1;
        while (half * 2 < to - from) {
            half *= 2;
        }
        if (index < from + half) {
            nodes[count++] = range_root(proof, from + half, to);
            to = from + half;
        } else {
            nodes[count++] = range_root(proof, from, from + half);
            from += half;
        }
    }
    enum err err = buf_append(proof->out, STR("],\"path\":["));
    for (unsigned i = count; err == OK && i > 0; i--) {
        err = hex_append(proof->out, nodes[i - 1].bytes);
        if (err == OK && i > 1) {
            err = buf_append_byte(proof->out, ',');
        }
    }
    return err == OK ? buf_append(proof->out, STR("]}")) : err;
}

static enum err leaf_print(struct proof *proof, const struct frame *frame, struct why *why)
{
    uint8_t salt[FRAME_SALT_SIZE];
    struct batch batch;
    struct file *file;
    enum err err = journal_open(proof, frame->journal, &file, why);
    if (err != OK) {
        return err;
    }
    struct sha256 key = journal_key(proof->key, proof->client, frame->journal);
    arena_reset(proof->mem);
    err = frame_batch(file, frame, &key, proof->zstd, proof->mem, salt, &batch, why);
    secret_forget(&key, sizeof key);
    file_close(file);
    if (err == OK) {
        err =
            buf_print(proof->out,
                      "{\"source\":%u,\"first\":%llu,\"index\":%llu,\"salt\":", frame->source.value,
                      (unsigned long long)frame->first, (unsigned long long)frame->leaf_index);
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
    return err == OK ? path_print(proof, frame->leaf_index) : err;
}

static enum err proof_make(struct proof *proof, struct why *why)
{
    enum err err = heads_print(proof, why);
    if (err == OK) {
        if (proof->head.tree.size > SIZE_MAX / SHA256_SIZE / 2) {
            return ERR_LIMIT;
        }
        proof->leaves = calloc((size_t)proof->head.tree.size + 1, sizeof *proof->leaves);
        err = proof->leaves == NULL ? ERR_MEMORY : leaves_gather(proof, why);
    }
    for (size_t i = 0; err == OK && i < proof->frames_count; i++) {
        err = i > 0 ? buf_append_byte(proof->out, ',') : OK;
        err = err == OK ? leaf_print(proof, &proof->frames[i], why) : err;
    }
    return err == OK ? buf_append(proof->out, STR("]}\n")) : err;
}

enum err archive_prove(const struct scope *scope, struct disk *disk, const char *folder,
                       const char *keys, struct client_id client, const uint64_t *sequences,
                       size_t count, struct buf *out, struct why *why)
{
    if (!scope_allows(scope, client, RIGHT_READ)) {
        return why_say(why, ERR_DENIED, 0, "client %u may not be read", client.value);
    }
    struct proof proof = {.disk = disk,
                          .folder = folder,
                          .client = client,
                          .sequences = sequences,
                          .count = count,
                          .zstd = zstd_new(1),
                          .mem = arena_new(8 * (size_t)BATCH_SIZE_MAX),
                          .out = out};
    enum err err = proof.zstd == NULL || proof.mem == NULL ? ERR_MEMORY : OK;
    if (err == OK) {
        err = key_load(disk, keys, client, proof.key, why);
    }
    if (err == OK) {
        err = proof_make(&proof, why);
    }
    secret_forget(proof.key, sizeof proof.key);
    free(proof.leaves);
    free(proof.frames);
    zstd_free(proof.zstd);
    arena_free(proof.mem);
    return err;
}
