/*
 * What detection remembers of a client between events (windows of correlations, counts of
 * thresholds), beside the journals and under the client's own key, since it holds names and
 * addresses (docs/formats/state.md).
 *
 *     OFFSET SIZE MEANING
 *          0    8 "HINOMIst"
 *          8    4 version, 1
 *         12    4 client
 *         16    8 sequence: the state holds after all events before it were judged
 *         24    8 size of the state once unpacked
 *         32   12 nonce
 *         44      the state, packed (zstd), then sealed (AES-256-GCM) with the 44 bytes before
 *
 * The key is that of a journal which there never is, so that no nonce meets another use of it.
 *
 * Always true: the file is replaced whole; it is a memory of what the journals hold and may be
 * missing.
 */

#include "archive/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "sys/random.h"

#define HEAD_SIZE     44
#define SIZED_AT      24
#define NONCE_AT      32
#define STATE_JOURNAL (UINT64_MAX - 1)

static enum err state_path(const struct archive *archive, struct client_id client, char *path,
                           size_t size)
{
    int printed = snprintf(path, size, "%s/states/%u.state", archive->folder, client.value);
    return printed < 0 || (size_t)printed >= size ? ERR_LIMIT : OK;
}

static enum err folder_make(const struct archive *archive)
{
    char path[PATH_SIZE];
    int printed = snprintf(path, sizeof path, "%s/states", archive->folder);
    return printed < 0 || (size_t)printed >= sizeof path ? ERR_LIMIT
                                                         : disk_make_folder(archive->disk, path);
}

static enum err state_seal(struct archive *archive, const struct sha256 *key, struct str state,
                           char *head, struct buf *out)
{
    char *room;
    size_t packed = 0;
    buf_init(out, zstd_bound(MEMORY_KEPT_MAX) + HEAD_SIZE + AES_TAG_SIZE);
    enum err err = buf_extend(out, HEAD_SIZE + zstd_bound(state.size) + AES_TAG_SIZE, &room);
    err = err == OK
              ? zstd_pack(archive->zstd, state, room + HEAD_SIZE, zstd_bound(state.size), &packed)
              : err;
    if (err == OK) {
        random_bytes(head + NONCE_AT, AES_NONCE_SIZE);
        memcpy(room, head, HEAD_SIZE);
        aes_seal(key->bytes, (const uint8_t *)head + NONCE_AT, str_of(head, HEAD_SIZE),
                 str_of(room + HEAD_SIZE, packed), room + HEAD_SIZE);
        out->size = HEAD_SIZE + packed + AES_TAG_SIZE;
    }
    return err;
}

enum err archive_state_store(const struct scope *scope, struct archive *archive,
                             struct client_id id, uint64_t sequence, struct str state)
{
    char path[PATH_SIZE];
    char head[HEAD_SIZE] = "HINOMIst";
    struct client *client = client_find(archive, id);
    struct buf out;
    if (archive->read_only || !scope_allows(scope, id, RIGHT_APPEND)) {
        return ERR_DENIED;
    }
    if (state.size > MEMORY_KEPT_MAX) {
        return ERR_LIMIT;
    }
    enum err err = client == NULL ? ERR_NOT_FOUND : client_key(archive, client, NULL);
    if (err != OK) {
        return err;
    }
    put_u32(head + 8, 1);
    put_u32(head + 12, id.value);
    put_u64(head + 16, sequence);
    put_u64(head + SIZED_AT, state.size);
    struct sha256 key = journal_key(client->key, id, STATE_JOURNAL);
    err = state_seal(archive, &key, state, head, &out);
    err = err == OK ? folder_make(archive) : err;
    err = err == OK ? state_path(archive, id, path, sizeof path) : err;
    err = err == OK ? disk_replace(archive->disk, path, buf_str(&out)) : err;
    buf_done(&out);
    secret_forget(&key, sizeof key);
    return err;
}

/* Opens the bytes of the file in place. */
static enum err state_open(struct archive *archive, struct client *client, char *bytes, size_t size,
                           struct arena *mem, uint64_t *ret_sequence, struct str *ret_state)
{
    if (size < HEAD_SIZE + AES_TAG_SIZE || memcmp(bytes, "HINOMIst", 8) != 0 ||
        get_u32(bytes + 8) != 1 || get_u32(bytes + 12) != client->id.value ||
        get_u64(bytes + SIZED_AT) > MEMORY_KEPT_MAX) {
        return ERR_CORRUPT;
    }
    size_t plain = (size_t)get_u64(bytes + SIZED_AT);
    char *state = arena_take(mem, plain);
    if (state == NULL) {
        return ERR_MEMORY;
    }
    struct sha256 key = journal_key(client->key, client->id, STATE_JOURNAL);
    enum err err = aes_open(key.bytes, (const uint8_t *)bytes + NONCE_AT, str_of(bytes, HEAD_SIZE),
                            str_of(bytes + HEAD_SIZE, size - HEAD_SIZE), bytes + HEAD_SIZE);
    secret_forget(&key, sizeof key);
    if (err == OK) {
        err = zstd_unpack(archive->zstd, str_of(bytes + HEAD_SIZE, size - HEAD_SIZE - AES_TAG_SIZE),
                          state, plain);
    }
    if (err == OK) {
        *ret_sequence = get_u64(bytes + 16);
        *ret_state = str_of(state, plain);
    }
    return err;
}

enum err archive_state_load(const struct scope *scope, struct archive *archive, struct client_id id,
                            struct arena *mem, uint64_t *ret_sequence, struct str *ret_state)
{
    char path[PATH_SIZE];
    char *bytes = NULL;
    size_t size = 0;
    bool there = false;
    struct client *client = client_find(archive, id);
    if (!scope_allows(scope, id, RIGHT_APPEND)) {
        return ERR_DENIED;
    }
    enum err err = client == NULL ? ERR_NOT_FOUND : client_key(archive, client, NULL);
    err = err == OK ? state_path(archive, id, path, sizeof path) : err;
    err = err == OK ? disk_exists(archive->disk, path, &there) : err;
    if (err != OK || !there) {
        return err == OK ? ERR_NOT_FOUND : err;
    }
    err =
        disk_read_whole(archive->disk, path, zstd_bound(MEMORY_KEPT_MAX) + HEAD_SIZE + AES_TAG_SIZE,
                        &bytes, &size, NULL);
    if (err == OK) {
        err = state_open(archive, client, bytes, size, mem, ret_sequence, ret_state);
        secret_forget(bytes, size);
        free(bytes);
    }
    return err == ERR_LIMIT ? ERR_CORRUPT : err;
}
