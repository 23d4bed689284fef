/*
 * What whoever makes a package is lent beside the journals and segments: the client's heads,
 * remains and stamps, read-only, and in a grant how far the heads go and which anchor they have.
 *
 * Lend the proof first and the journals after it: then every leaf under the last head is in what
 * was lent.  If leaves are not under a head yet, one is signed for the purpose.
 */

#include <string.h>

#include "archive/package_private.h"
#include "base/bytes.h"

#define GRANT_SIZE (24 + ED25519_SIZE)

void package_proof_done(struct package_proof *proof)
{
    file_close(proof->heads);
    file_close(proof->remains);
    file_close(proof->stamps);
    *proof = (struct package_proof){0};
}

static enum err one_open(struct disk *disk, const char *path, struct file **ret)
{
    bool there = false;
    *ret = NULL;
    enum err err = disk_exists(disk, path, &there);
    return err == OK && there ? disk_open(disk, path, DISK_READ, ret, NULL) : err;
}

static enum err files_open(struct disk *disk, const char *folder, struct client_id client,
                           struct package_proof *ret)
{
    char path[PATH_SIZE];
    enum err err = heads_path(folder, client, path, sizeof path);
    err = err == OK ? one_open(disk, path, &ret->heads) : err;
    err = err == OK ? remains_path(folder, client, path, sizeof path) : err;
    err = err == OK ? one_open(disk, path, &ret->remains) : err;
    err = err == OK ? stamps_path(folder, client, path, sizeof path) : err;
    err = err == OK ? one_open(disk, path, &ret->stamps) : err;
    if (err != OK) {
        package_proof_done(ret);
    }
    return err;
}

enum err archive_lend_proof(const struct scope *scope, struct archive *archive, struct client_id id,
                            int ret_descriptors[3], struct buf *grant)
{
    struct package_proof proof = {0};
    char bytes[GRANT_SIZE] = {0};
    struct client *client = client_find(archive, id);
    if (!scope_allows(scope, id, RIGHT_READ)) {
        return ERR_DENIED;
    }
    if (client == NULL || !client->head_known) {
        return ERR_NOT_FOUND;
    }
    enum err err = OK;
    if (client->tree.size > client->head.tree.size && client->signer_known && !archive->read_only) {
        err = client_sign(archive, client, archive->now);
    }
    err = err == OK ? anchor_load(archive->disk, archive->keys, id, proof.anchor, NULL) : err;
    memcpy(bytes, "HINOMIpp", 8);
    put_u32(bytes + 8, 1);
    put_u32(bytes + 12, id.value);
    put_u64(bytes + 16, client->heads_end);
    memcpy(bytes + 24, proof.anchor, ED25519_SIZE);
    err = err == OK ? buf_append(grant, str_of(bytes, sizeof bytes)) : err;
    err = err == OK ? files_open(archive->disk, archive->folder, id, &proof) : err;
    if (err != OK) {
        return err;
    }
    ret_descriptors[0] = proof.heads != NULL ? file_release(proof.heads) : -1;
    ret_descriptors[1] = proof.remains != NULL ? file_release(proof.remains) : -1;
    ret_descriptors[2] = proof.stamps != NULL ? file_release(proof.stamps) : -1;
    return OK;
}

enum err package_proof_add(const int descriptors[3], struct str grant, struct package_proof *ret,
                           struct why *why)
{
    struct package_proof proof = {0};
    struct file **files[] = {&proof.heads, &proof.remains, &proof.stamps};
    enum err err = OK;
    for (size_t i = 0; i < 3; i++) {
        if (descriptors[i] >= 0) {
            enum err adopted = file_adopt(descriptors[i], files[i]);
            err = err == OK ? adopted : err;
        }
    }
    if (err == OK && (grant.size != GRANT_SIZE || memcmp(grant.data, "HINOMIpp", 8) != 0 ||
                      get_u32(grant.data + 8) != 1)) {
        err = ERR_CORRUPT;
    }
    if (err != OK) {
        package_proof_done(&proof);
        return why_say(why, err, 0, "the proof cannot be added: %s", err_text(err));
    }
    proof.heads_end = get_u64(grant.data + 16);
    memcpy(proof.anchor, grant.data + 24, ED25519_SIZE);
    *ret = proof;
    return OK;
}

enum err package_proof_open(const struct scope *scope, struct disk *disk, const char *folder,
                            const char *keys, struct client_id client, struct package_proof *ret,
                            struct why *why)
{
    struct package_proof proof = {0};
    if (!scope_allows(scope, client, RIGHT_READ)) {
        return why_say(why, ERR_DENIED, 0, "client %u may not be read", client.value);
    }
    enum err err = anchor_load(disk, keys, client, proof.anchor, why);
    err = err == OK ? files_open(disk, folder, client, &proof) : err;
    err = err == OK && proof.heads != NULL ? file_size(proof.heads, &proof.heads_end) : err;
    if (err != OK) {
        package_proof_done(&proof);
        return err;
    }
    *ret = proof;
    return OK;
}
