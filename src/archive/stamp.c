/*
 * The file of a client's stamps, and which head is to be stamped next.
 *
 *     OFFSET SIZE MEANING
 *          0    8 "HINOMIst"
 *          8    2 version, 1
 *         10    2 zero
 *         12    4 size of the token t
 *         16    4 client
 *         20    4 zero
 *         24    8 epoch of the head
 *         32    8 time when it was kept (i64)
 *         40   32 hash of the head's record
 *         72    t the token: a TimeStampToken of RFC 3161, DER
 *          …   32 SHA-256 of all before
 *
 * Bytes between two stamps that are no stamp are damage: they stay, and are passed over.  Behind
 * the last one they are either that, or a write that was cut short (tail_unfinished), which the
 * next stamp takes the place of.
 *
 * Always true: a stamp adds to what the heads say and takes nothing from it; a file of stamps that
 * is damaged or gone leaves the chain of heads as it was; no stamp is written over another one.
 */

#include "archive/stamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/private.h"
#include "base/bytes.h"

#define FIXED_SIZE 72

static const char magic[8] = {'H', 'I', 'N', 'O', 'M', 'I', 's', 't'};

enum err stamp_encode(const struct stamp *stamp, struct buf *out)
{
    char fixed[FIXED_SIZE] = {0};
    size_t before = out->size;
    if (stamp->token.size == 0 || stamp->token.size > STAMP_SIZE_MAX - FIXED_SIZE - SHA256_SIZE) {
        return ERR_LIMIT;
    }
    memcpy(fixed, magic, sizeof magic);
    put_u16(fixed + 8, 1);
    put_u32(fixed + 12, (uint32_t)stamp->token.size);
    put_u32(fixed + 16, stamp->client.value);
    put_u64(fixed + 24, stamp->epoch);
    put_u64(fixed + 32, (uint64_t)stamp->kept.ns);
    memcpy(fixed + 40, stamp->hash.bytes, SHA256_SIZE);
    enum err err = buf_append(out, str_of(fixed, sizeof fixed));
    err = err == OK ? buf_append(out, stamp->token) : err;
    if (err == OK) {
        struct sha256 hash = sha256_of_bytes(str_of(out->data + before, out->size - before));
        err = buf_append(out, str_of(hash.bytes, SHA256_SIZE));
    }
    return err;
}

bool stamp_decode(struct str bytes, struct client_id client, struct stamp *ret, size_t *ret_size)
{
    const char *at = bytes.data;
    if (bytes.size < FIXED_SIZE + SHA256_SIZE || memcmp(at, magic, sizeof magic) != 0 ||
        get_u16(at + 8) != 1 || get_u32(at + 16) != client.value) {
        return false;
    }
    size_t token = get_u32(at + 12);
    size_t size = FIXED_SIZE + token + SHA256_SIZE;
    if (token == 0 || size > STAMP_SIZE_MAX || size > bytes.size) {
        return false;
    }
    struct sha256 hash = sha256_of_bytes(str_of(at, FIXED_SIZE + token));
    if (memcmp(hash.bytes, at + FIXED_SIZE + token, SHA256_SIZE) != 0) {
        return false;
    }
    *ret = (struct stamp){.client = client,
                          .epoch = get_u64(at + 24),
                          .kept = {(int64_t)get_u64(at + 32)},
                          .token = {at + FIXED_SIZE, token}};
    memcpy(ret->hash.bytes, at + 40, SHA256_SIZE);
    *ret_size = size;
    return true;
}

enum err stamps_path(const char *folder, struct client_id client, char *path, size_t size)
{
    int printed = snprintf(path, size, "%s/stamps/%u.stamps", folder, client.value);
    return printed < 0 || (size_t)printed >= size ? ERR_LIMIT : OK;
}

/* The next stamp from *at on, and the bytes before it that are none; ERR_NOT_FOUND: *ret_skipped
 * bytes are left, and no stamp. */
static enum err stamps_next(struct file *file, struct client_id client, char *bytes, uint64_t *at,
                            struct stamp *ret, size_t *ret_size, uint64_t *ret_skipped)
{
    uint64_t from = *at;
    size_t got = 0;
    *ret_skipped = 0;
    for (;;) {
        enum err err = file_read(file, from, bytes, STAMP_SIZE_MAX, &got);
        if (err != OK || got == 0) {
            return err == OK ? ERR_NOT_FOUND : err;
        }
        if (stamp_decode(str_of(bytes, got), client, ret, ret_size)) {
            *at = from + *ret_size;
            return OK;
        }
        size_t next = str_find(str_of(bytes + 1, got - 1), str_of(magic, sizeof magic));
        size_t step = next != STR_NONE ? next + 1 : got < STAMP_SIZE_MAX ? got : got - sizeof magic;
        from += step;
        *ret_skipped += step;
    }
}

/* Whether what stands behind the last stamp is the beginning of one that nobody was told of: it is
 * cut, or bytes of it never came.  A changed bit in the size of a whole one looks as if it were
 * cut; its hash tells, if the size is what is left. */
static bool tail_unfinished(const char *bytes, size_t size)
{
    size_t zeros = 0;
    if (size < FIXED_SIZE + SHA256_SIZE) {
        return true;
    }
    for (size_t i = 0; i < size; i++) {
        zeros = bytes[i] == 0 ? zeros + 1 : 0;
        if (zeros == 16) {
            return true;
        }
    }
    if (memcmp(bytes, magic, sizeof magic) != 0 ||
        FIXED_SIZE + (uint64_t)get_u32(bytes + 12) + SHA256_SIZE <= size) {
        return false;
    }
    char token_size[4];
    put_u32(token_size, (uint32_t)(size - FIXED_SIZE - SHA256_SIZE));
    const struct str parts[] = {
        {bytes, 12}, {token_size, sizeof token_size}, {bytes + 16, size - 16 - SHA256_SIZE}};
    struct sha256 hash = sha256_of(parts, 3);
    return memcmp(hash.bytes, bytes + size - SHA256_SIZE, SHA256_SIZE) != 0;
}

enum err stamps_walk(struct file *file, struct client_id client, stamps_call *call, void *context,
                     uint64_t *ret_end)
{
    char *bytes = malloc(STAMP_SIZE_MAX);
    enum err err = bytes == NULL ? ERR_MEMORY : OK;
    uint64_t at = 0;
    while (err == OK) {
        struct stamp stamp;
        size_t size = 0;
        uint64_t skipped;
        uint64_t from = at;
        err = stamps_next(file, client, bytes, &at, &stamp, &size, &skipped);
        if (err == OK) {
            const struct stamps_told told = {from, skipped, false, &stamp, str_of(bytes, size)};
            err = call(context, &told);
        } else if (err == ERR_NOT_FOUND && skipped > 0) {
            size_t got = 0;
            err = file_read(file, at, bytes, STAMP_SIZE_MAX, &got);
            const struct stamps_told told = {at, skipped, tail_unfinished(bytes, got), NULL, {0}};
            at += told.unfinished ? 0 : skipped;
            err = err == OK ? call(context, &told) : err;
            err = err == OK ? ERR_NOT_FOUND : err;
        }
    }
    free(bytes);
    if (err == ERR_NOT_FOUND) {
        *ret_end = at;
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err stamp_learn(void *context, const struct stamps_told *told)
{
    struct client *client = context;
    if (told->stamp != NULL) {
        client->stamp_any = true;
        client->stamp_epoch = told->stamp->epoch;
        client->stamp_kept = told->stamp->kept;
    }
    return OK;
}

/* Learns the last stamp from the file, once, and where the next one is written. */
static enum err stamps_learn(struct archive *archive, struct client *client)
{
    char path[PATH_SIZE];
    struct file *file = NULL;
    bool there = false;
    if (client->stamps_known) {
        return OK;
    }
    enum err err = stamps_path(archive->folder, client->id, path, sizeof path);
    err = err == OK ? disk_exists(archive->disk, path, &there) : err;
    if (err == OK && there) {
        err = disk_open(archive->disk, path, DISK_READ, &file, NULL);
    }
    client->stamps_end = 0;
    if (err == OK && there) {
        err = stamps_walk(file, client->id, stamp_learn, client, &client->stamps_end);
    }
    client->stamps_known = err == OK;
    file_close(file);
    return err;
}

struct stamps_judging {
    struct judge *judge;
    char name[64];
};

static enum err stamp_judge(void *context, const struct stamps_told *told)
{
    struct stamps_judging *judging = context;
    if (told->unfinished) {
        judging->judge->report.unfinished += told->skipped;
    } else if (told->skipped > 0) {
        judge_say(judging->judge, judging->name, told->at,
                  "%llu bytes are damaged: no time-stamp can be read from them",
                  (unsigned long long)told->skipped);
    }
    return OK;
}

enum err stamps_judge(struct judge *judge, struct client_id client)
{
    struct stamps_judging judging = {.judge = judge};
    char path[PATH_SIZE];
    struct file *file = NULL;
    bool there = false;
    uint64_t end;
    (void)snprintf(judging.name, sizeof judging.name, "stamps/%u.stamps", client.value);
    enum err err = stamps_path(judge->folder, client, path, sizeof path);
    err = err == OK ? disk_exists(judge->disk, path, &there) : err;
    if (err == OK && there) {
        err = disk_open(judge->disk, path, DISK_READ, &file, NULL);
        err = err == OK ? stamps_walk(file, client, stamp_judge, &judging, &end) : err;
    }
    file_close(file);
    return err;
}

static bool day_between(struct wall a, struct wall b)
{
    const int64_t day = (int64_t)24 * 3600 * NS_PER_SECOND;
    return a.ns / day != b.ns / day;
}

enum err archive_stamp_due(const struct scope *scope, struct archive *archive, struct client_id id,
                           struct wall now, int64_t every_ns, uint64_t *ret_epoch,
                           struct sha256 *ret_hash)
{
    struct client *client = client_find(archive, id);
    if (!scope_allows(scope, id, RIGHT_READ) && !scope_allows(scope, id, RIGHT_APPEND)) {
        return ERR_DENIED;
    }
    if (client == NULL || !client->head_known) {
        return ERR_NOT_FOUND;
    }
    enum err err = stamps_learn(archive, client);
    if (err != OK) {
        return err;
    }
    int64_t age = now.ns - client->stamp_kept.ns;
    bool due =
        !client->stamp_any || age >= every_ns || age < 0 || day_between(now, client->stamp_kept);
    if (!due || (client->stamp_any && client->head.epoch <= client->stamp_epoch)) {
        return ERR_NOT_FOUND;
    }
    *ret_epoch = client->head.epoch;
    *ret_hash = client->head.hash;
    return OK;
}

enum err archive_stamp_keep(const struct scope *scope, struct archive *archive,
                            const struct stamp *stamp)
{
    char folder[PATH_SIZE + 16];
    char path[PATH_SIZE];
    struct file *file;
    struct buf bytes;
    struct client *client = client_find(archive, stamp->client);
    if (archive->read_only || !scope_allows(scope, stamp->client, RIGHT_APPEND)) {
        return ERR_DENIED;
    }
    if (client == NULL) {
        return ERR_NOT_FOUND;
    }
    buf_init(&bytes, STAMP_SIZE_MAX);
    enum err err = stamps_learn(archive, client);
    err = err == OK ? stamp_encode(stamp, &bytes) : err;
    (void)snprintf(folder, sizeof folder, "%s/stamps", archive->folder);
    err = err == OK ? disk_make_folder(archive->disk, folder) : err;
    err = err == OK ? disk_sync_folder(archive->disk, archive->folder) : err;
    err = err == OK ? stamps_path(archive->folder, stamp->client, path, sizeof path) : err;
    if (err == OK && (err = disk_open(archive->disk, path, DISK_WRITE_CREATE, &file, NULL)) == OK) {
        err = file_truncate(file, client->stamps_end); /* of what was cut short */
        err = err == OK ? file_write(file, client->stamps_end, bytes.data, bytes.size) : err;
        err = err == OK ? file_sync(file) : err;
        file_close(file);
        err = err == OK ? disk_sync_folder(archive->disk, folder) : err;
    }
    if (err == OK) {
        client->stamps_end += bytes.size;
        client->stamp_any = true;
        client->stamp_epoch = stamp->epoch;
        client->stamp_kept = stamp->kept;
    }
    buf_done(&bytes);
    return err;
}

enum err archive_evidence(const struct scope *scope, struct archive *archive, struct client_id id,
                          struct evidence_told *ret)
{
    struct client *client = client_find(archive, id);
    if (!scope_allows(scope, id, RIGHT_READ) && !scope_allows(scope, id, RIGHT_APPEND)) {
        return ERR_DENIED;
    }
    if (client == NULL) {
        return ERR_NOT_FOUND;
    }
    struct evidence_told told = {.head_known = client->head_known};
    enum err err = stamps_learn(archive, client);
    if (err == OK) {
        err = anchor_load(archive->disk, archive->keys, id, told.anchor, NULL);
    }
    if (err == OK && client->head_known) {
        told.epoch = client->head.epoch;
        told.leaves = client->head.tree.size;
        told.events = client->head.events;
        told.head_wall = client->head.wall;
        told.head_hash = client->head.hash;
        told.root = client->head.root;
        told.pending = client->stamp_any ? told.epoch - client->stamp_epoch : told.epoch + 1;
    }
    told.stamp_known = client->stamp_any;
    told.stamp_epoch = client->stamp_epoch;
    told.stamp_kept = client->stamp_kept;
    if (err == OK) {
        *ret = told;
    }
    return err;
}
