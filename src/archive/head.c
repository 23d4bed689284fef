/*
 * A client's signed heads: one record after the other in heads/<client>.heads, each signed with
 * the key of its own epoch, which the record before it announced.  Layout: docs/formats/heads.md.
 *
 * A record can be checked by itself: its signature against the key that it states, its root
 * against its peaks.  Whether that key is the right one, only the chain from the anchor says
 * (verify.c).
 */

#include "archive/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static const char magic[8] = {'H', 'I', 'N', 'O', 'M', 'I', 'h', 'd'};

size_t head_encode(struct head *head, const uint8_t key[ED25519_SIZE], char *bytes)
{
    unsigned peaks = tree_peaks(&head->tree);
    size_t signed_size = HEAD_FIXED_SIZE + (size_t)peaks * SHA256_SIZE;
    size_t size = signed_size + ED25519_SIGNATURE_SIZE;
    head->root = tree_root(&head->tree);
    memset(bytes, 0, size);
    memcpy(bytes, magic, sizeof magic);
    put_u16(bytes + 8, HEAD_VERSION);
    put_u32(bytes + 12, (uint32_t)size);
    put_u32(bytes + 16, head->client.value);
    put_u32(bytes + 20, peaks);
    put_u64(bytes + 24, head->epoch);
    put_u64(bytes + 32, (uint64_t)head->wall.ns);
    put_u64(bytes + 40, head->tree.size);
    put_u64(bytes + 48, head->events);
    put_u64(bytes + 56, head->journal);
    put_u64(bytes + 64, head->journal_end);
    memcpy(bytes + 72, head->chain.bytes, SHA256_SIZE);
    memcpy(bytes + 104, head->root.bytes, SHA256_SIZE);
    memcpy(bytes + 136, head->before.bytes, SHA256_SIZE);
    memcpy(bytes + 168, head->public_key, ED25519_SIZE);
    memcpy(bytes + 200, head->public_next, ED25519_SIZE);
    for (unsigned i = 0; i < peaks; i++) {
        memcpy(bytes + HEAD_FIXED_SIZE + (size_t)i * SHA256_SIZE, head->tree.peaks[i].bytes,
               SHA256_SIZE);
    }
    ed25519_sign(key, str_of(bytes, signed_size), (uint8_t *)bytes + signed_size);
    head->hash = sha256_of_bytes(str_of(bytes, size));
    return size;
}

bool head_decode(struct str bytes, struct client_id client, struct head *ret, size_t *ret_size)
{
    const char *at = bytes.data;
    if (bytes.size < HEAD_FIXED_SIZE + ED25519_SIGNATURE_SIZE ||
        memcmp(at, magic, sizeof magic) != 0 || get_u16(at + 8) != HEAD_VERSION ||
        get_u32(at + 16) != client.value) {
        return false;
    }
    size_t size = get_u32(at + 12);
    uint64_t leaves = get_u64(at + 40);
    unsigned peaks = (unsigned)__builtin_popcountll(leaves);
    size_t signed_size = HEAD_FIXED_SIZE + (size_t)peaks * SHA256_SIZE;
    if (get_u32(at + 20) != peaks || size != signed_size + ED25519_SIGNATURE_SIZE ||
        size > bytes.size || leaves > UINT64_MAX / 2 || get_u64(at + 48) > UINT64_MAX / 2) {
        return false;
    }
    struct head head = {
        .client = client,
        .epoch = get_u64(at + 24),
        .wall = {(int64_t)get_u64(at + 32)},
        .events = get_u64(at + 48),
        .journal = get_u64(at + 56),
        .journal_end = get_u64(at + 64),
        .tree = {.size = leaves},
    };
    memcpy(head.chain.bytes, at + 72, SHA256_SIZE);
    memcpy(head.root.bytes, at + 104, SHA256_SIZE);
    memcpy(head.before.bytes, at + 136, SHA256_SIZE);
    memcpy(head.public_key, at + 168, ED25519_SIZE);
    memcpy(head.public_next, at + 200, ED25519_SIZE);
    for (unsigned i = 0; i < peaks; i++) {
        memcpy(head.tree.peaks[i].bytes, at + HEAD_FIXED_SIZE + (size_t)i * SHA256_SIZE,
               SHA256_SIZE);
    }
    struct sha256 root = tree_root(&head.tree);
    if (!sha256_equal(&root, &head.root) ||
        !ed25519_verify(head.public_key, str_of(at, signed_size),
                        (const uint8_t *)at + signed_size)) {
        return false;
    }
    head.hash = sha256_of_bytes(str_of(at, size));
    *ret = head;
    *ret_size = size;
    return true;
}

enum err heads_path(const char *folder, struct client_id client, char *path, size_t size)
{
    int printed = snprintf(path, size, "%s/heads/%u.heads", folder, client.value);
    return printed < 0 || (size_t)printed >= size ? ERR_LIMIT : OK;
}

struct heads_listing {
    uint32_t *list;
    size_t count;
};

static enum err heads_visit(void *context, const char *name)
{
    struct heads_listing *listing = context;
    struct str text = str_from(name);
    uint64_t number;
    if (!str_ends(text, STR(".heads")) ||
        str_to_u64(str_slice(text, 0, text.size - 6), UINT32_MAX, &number) != OK || number == 0) {
        return OK;
    }
    if (listing->count == CLIENTS_MAX) {
        return ERR_LIMIT;
    }
    listing->list[listing->count++] = (uint32_t)number;
    return OK;
}

static int number_compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

enum err heads_list(struct disk *disk, const char *folder, uint32_t **ret, size_t *ret_count)
{
    char path[PATH_SIZE];
    int printed = snprintf(path, sizeof path, "%s/heads", folder);
    if (printed < 0 || (size_t)printed >= sizeof path) {
        return ERR_LIMIT;
    }
    struct heads_listing listing = {calloc(CLIENTS_MAX, sizeof *listing.list), 0};
    if (listing.list == NULL) {
        return ERR_MEMORY;
    }
    bool there = false;
    enum err err = disk_exists(disk, path, &there);
    if (err == OK && there) {
        err = disk_list(disk, path, heads_visit, &listing);
    }
    if (err != OK) {
        free(listing.list);
        return err;
    }
    qsort(listing.list, listing.count, sizeof *listing.list, number_compare);
    *ret = listing.list;
    *ret_count = listing.count;
    return OK;
}
