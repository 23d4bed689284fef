/*
 * A client's signed heads: one record after the other in heads/<client>.heads, each signed with
 * the key of its own epoch, which the record before it announced.  The first of each day rolls up
 * the day before and is signed with a key of days too, so that the days alone are a chain.  Layout:
 * docs/formats/heads.md.
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

/* Writes the body behind the peaks and says where it ends. */
static size_t body_encode(const struct head *head, const uint8_t day_key[ED25519_SIZE], char *bytes,
                          size_t at)
{
    if (head->kind == HEAD_TOMBSTONE) {
        memcpy(bytes + at, head->body, head->body_size);
        return at + head->body_size;
    }
    if (head->kind != HEAD_DAY) {
        return at;
    }
    char *body = bytes + at;
    put_u64(body, head->day.number);
    put_u64(body + 8, head->day.first_epoch);
    memcpy(body + 16, head->day.covered.bytes, SHA256_SIZE);
    memcpy(body + 48, head->day.before.bytes, SHA256_SIZE);
    memcpy(body + 80, head->day.public_key, ED25519_SIZE);
    memcpy(body + 112, head->day.public_next, ED25519_SIZE);
    ed25519_sign(day_key, str_of(bytes, at + 144), (uint8_t *)body + 144);
    return at + HEAD_DAY_SIZE;
}

static size_t body_size(const struct head *head)
{
    return head->kind == HEAD_DAY         ? HEAD_DAY_SIZE
           : head->kind == HEAD_TOMBSTONE ? head->body_size
                                          : 0;
}

size_t head_encode(struct head *head, const uint8_t key[ED25519_SIZE],
                   const uint8_t day_key[ED25519_SIZE], char *bytes)
{
    unsigned peaks = tree_peaks(&head->tree);
    size_t peaks_end = HEAD_FIXED_SIZE + (size_t)peaks * SHA256_SIZE;
    size_t signed_size = peaks_end + body_size(head);
    size_t size = signed_size + ED25519_SIGNATURE_SIZE;
    head->root = tree_root(&head->tree);
    head->version = HEAD_VERSION;
    memset(bytes, 0, size);
    memcpy(bytes, magic, sizeof magic);
    put_u16(bytes + 8, HEAD_VERSION);
    put_u16(bytes + 10, (uint16_t)(head->kind + 1));
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
    (void)body_encode(head, day_key, bytes, peaks_end);
    ed25519_sign(key, str_of(bytes, signed_size), (uint8_t *)bytes + signed_size);
    head->hash = sha256_of_bytes(str_of(bytes, size));
    return size;
}

/* What may stand at 8, 10 and 12, and where the body lies. */
static bool sizes_read(const char *at, size_t bytes_size, struct head *head, size_t *ret_peaks_end,
                       size_t *ret_size)
{
    uint64_t leaves = get_u64(at + 40);
    size_t size = get_u32(at + 12);
    unsigned peaks = (unsigned)__builtin_popcountll(leaves);
    size_t peaks_end = HEAD_FIXED_SIZE + (size_t)peaks * SHA256_SIZE;
    uint16_t kind = get_u16(at + 10);
    head->version = get_u16(at + 8);
    if (get_u32(at + 20) != peaks || size < peaks_end + ED25519_SIGNATURE_SIZE ||
        size > bytes_size || size > HEAD_SIZE_MAX || leaves > UINT64_MAX / 2 ||
        get_u64(at + 48) > UINT64_MAX / 2) {
        return false;
    }
    size_t body = size - peaks_end - ED25519_SIGNATURE_SIZE;
    head->kind = head->version == 1 ? HEAD_MINUTE : (enum head_kind)(kind - 1);
    bool version = (head->version == 1 && kind == 0) ||
                   (head->version == HEAD_VERSION && kind >= 1 && kind <= HEAD_KIND_COUNT);
    bool fits = head->kind == HEAD_MINUTE ? body == 0
                : head->kind == HEAD_DAY  ? body == HEAD_DAY_SIZE
                                          : body > 0 && body <= HEAD_BODY_MAX;
    *ret_peaks_end = peaks_end;
    *ret_size = size;
    return version && fits;
}

static void body_decode(struct head *head, const char *body, size_t size)
{
    if (head->kind == HEAD_DAY) {
        head->day.number = get_u64(body);
        head->day.first_epoch = get_u64(body + 8);
        memcpy(head->day.covered.bytes, body + 16, SHA256_SIZE);
        memcpy(head->day.before.bytes, body + 48, SHA256_SIZE);
        memcpy(head->day.public_key, body + 80, ED25519_SIZE);
        memcpy(head->day.public_next, body + 112, ED25519_SIZE);
    } else if (head->kind == HEAD_TOMBSTONE) {
        memcpy(head->body, body, size);
        head->body_size = (uint32_t)size;
    }
}

bool head_read_fast(struct str bytes, struct client_id client, struct head *ret, size_t *ret_size)
{
    const char *at = bytes.data;
    size_t peaks_end;
    size_t size;
    struct head *head = ret;
    if (bytes.size < HEAD_FIXED_SIZE + ED25519_SIGNATURE_SIZE ||
        memcmp(at, magic, sizeof magic) != 0 || get_u32(at + 16) != client.value ||
        !sizes_read(at, bytes.size, head, &peaks_end, &size)) {
        return false;
    }
    head->client = client;
    head->epoch = get_u64(at + 24);
    head->wall = (struct wall){(int64_t)get_u64(at + 32)};
    head->tree.size = get_u64(at + 40);
    head->events = get_u64(at + 48);
    head->journal = get_u64(at + 56);
    head->journal_end = get_u64(at + 64);
    head->body_size = 0;
    memcpy(head->chain.bytes, at + 72, SHA256_SIZE);
    memcpy(head->root.bytes, at + 104, SHA256_SIZE);
    memcpy(head->before.bytes, at + 136, SHA256_SIZE);
    memcpy(head->public_key, at + 168, ED25519_SIZE);
    memcpy(head->public_next, at + 200, ED25519_SIZE);
    for (size_t i = 0; HEAD_FIXED_SIZE + i * SHA256_SIZE < peaks_end; i++) {
        memcpy(head->tree.peaks[i].bytes, at + HEAD_FIXED_SIZE + i * SHA256_SIZE, SHA256_SIZE);
    }
    body_decode(head, at + peaks_end, size - peaks_end - ED25519_SIGNATURE_SIZE);
    head->hash = sha256_of_bytes(str_of(at, size));
    *ret_size = size;
    return true;
}

bool head_decode(struct str bytes, struct client_id client, struct head *ret, size_t *ret_size)
{
    struct head head;
    size_t size;
    if (!head_read_fast(bytes, client, &head, &size)) {
        return false;
    }
    struct sha256 root = tree_root(&head.tree);
    size_t signed_size = size - ED25519_SIGNATURE_SIZE;
    size_t day_end = signed_size - ED25519_SIGNATURE_SIZE;
    if (!sha256_equal(&root, &head.root) ||
        !ed25519_verify(head.public_key, str_of(bytes.data, signed_size),
                        (const uint8_t *)bytes.data + signed_size) ||
        (head.kind == HEAD_DAY && !ed25519_verify(head.day.public_key, str_of(bytes.data, day_end),
                                                  (const uint8_t *)bytes.data + day_end))) {
        return false;
    }
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
