/*
 * Tombstones and what they leave behind.  Layouts: docs/formats/tombstone.md.
 *
 *     remains appended and synced → the record signed into the heads and synced → the file unlinked
 *
 * A crash after the first step leaves a stretch of remains that no record names: it is passed over,
 * and the next one is written behind it.  A crash after the second leaves a file whose leaves are
 * gone: whoever drops it again hears ERR_EXISTS and unlinks.  A stretch says at which byte of the
 * heads file its record stands, so that whoever loads what is gone need not walk years of heads.
 *
 * Always true: a leaf is gone if a record in the heads says so and the remains have the SHA-256
 * that it names; nothing else makes a leaf gone.
 */

#include "archive/tombstone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/private.h"
#include "base/bytes.h"

#define BODY_FIXED_SIZE    152
#define REMAINS_FIXED_SIZE 40
#define RUN_SIZE           32

static const char magic[8] = {'H', 'I', 'N', 'O', 'M', 'I', 'r', 'm'};

enum err remains_path(const char *folder, struct client_id client, char *path, size_t size)
{
    int printed = snprintf(path, size, "%s/remains/%u.remains", folder, client.value);
    return printed < 0 || (size_t)printed >= size ? ERR_LIMIT : OK;
}

/* ---- Writing. */

/* The root of the 2^level leaves from `at` on. */
static struct sha256 subtree_root(const struct segment_leaf *at, unsigned level)
{
    struct tree tree = {0};
    for (uint64_t i = 0; i < (uint64_t)1 << level; i++) {
        tree_add(&tree, &at[i].hash);
    }
    return tree_root(&tree);
}

static enum err run_put(const struct segment_leaf *leaves, size_t count, struct buf *runs,
                        struct buf *hashes)
{
    char run[RUN_SIZE];
    uint64_t events = 0;
    for (size_t i = 0; i < count; i++) {
        events += leaves[i].events;
    }
    put_u64(run, leaves[0].index);
    put_u64(run + 8, count);
    put_u64(run + 16, leaves[0].first);
    put_u64(run + 24, events);
    enum err err = buf_append(runs, str_of(run, sizeof run));
    for (size_t at = 0; err == OK && at < count;) {
        unsigned level = tree_level_at(leaves[at].index, count - at);
        struct sha256 root = subtree_root(leaves + at, level);
        err = buf_append(hashes, str_of(root.bytes, SHA256_SIZE));
        at += (size_t)1 << level;
    }
    return err;
}

/* head_at: where the record will stand. */
static enum err remains_make(struct client_id client, uint64_t head_at,
                             const struct segment_leaf *leaves, size_t count, struct buf *out)
{
    struct buf runs;
    struct buf hashes;
    char fixed[REMAINS_FIXED_SIZE] = {0};
    enum err err = OK;
    buf_init(&runs, REMAINS_SIZE_MAX);
    buf_init(&hashes, REMAINS_SIZE_MAX);
    for (size_t from = 0; err == OK && from < count;) {
        size_t to = from + 1;
        while (to < count && leaves[to].index == leaves[to - 1].index + 1) {
            to++;
        }
        err = run_put(leaves + from, to - from, &runs, &hashes);
        from = to;
    }
    memcpy(fixed, magic, sizeof magic);
    put_u16(fixed + 8, 1);
    put_u32(fixed + 12, client.value);
    put_u32(fixed + 16, (uint32_t)(runs.size / RUN_SIZE));
    put_u32(fixed + 20, (uint32_t)(hashes.size / SHA256_SIZE));
    put_u64(fixed + 24, head_at);
    err = err == OK ? buf_append(out, str_of(fixed, sizeof fixed)) : err;
    err = err == OK ? buf_append(out, buf_str(&runs)) : err;
    err = err == OK ? buf_append(out, buf_str(&hashes)) : err;
    buf_done(&runs);
    buf_done(&hashes);
    return err;
}

static enum err remains_store(struct archive *archive, struct client_id client, struct str remains,
                              uint64_t *ret_offset)
{
    char folder[PATH_SIZE + 16];
    char path[PATH_SIZE];
    struct file *file;
    uint64_t size = 0;
    (void)snprintf(folder, sizeof folder, "%s/remains", archive->folder);
    enum err err = disk_make_folder(archive->disk, folder);
    err = err == OK ? disk_sync_folder(archive->disk, archive->folder) : err;
    err = err == OK ? remains_path(archive->folder, client, path, sizeof path) : err;
    if (err == OK) {
        err = disk_open(archive->disk, path, DISK_WRITE_CREATE, &file, NULL);
    }
    if (err != OK) {
        return err;
    }
    err = file_size(file, &size);
    if (err == OK && size + remains.size > REMAINS_SIZE_ALL_MAX) {
        err = ERR_LIMIT;
    }
    err = err == OK ? file_write(file, size, remains.data, remains.size) : err;
    err = err == OK ? file_sync(file) : err;
    file_close(file);
    err = err == OK ? disk_sync_folder(archive->disk, folder) : err;
    if (err == OK) {
        *ret_offset = size;
    }
    return err;
}

static size_t text_put(char *body, size_t at, size_t size_at, struct str text)
{
    put_u16(body + size_at, (uint16_t)text.size);
    memcpy(body + at, text.data, text.size);
    return at + text.size;
}

static size_t body_encode(const struct tombstone *tombstone, const struct segment_leaf *leaves,
                          size_t count, const struct remains_place *remains, char *body)
{
    uint64_t events = 0;
    const struct segment_leaf *last = &leaves[count - 1];
    for (size_t i = 0; i < count; i++) {
        events += leaves[i].events;
    }
    memset(body, 0, BODY_FIXED_SIZE);
    put_u64(body, tombstone->generation);
    put_u64(body + 8, (uint64_t)tombstone->oldest.ns);
    put_u64(body + 16, (uint64_t)tombstone->newest.ns);
    put_u64(body + 24, tombstone->original);
    put_u32(body + 32, tombstone->days);
    put_u64(body + 40, (uint64_t)tombstone->promised.ns);
    put_u64(body + 48, leaves[0].index);
    put_u64(body + 56, last->index);
    put_u64(body + 64, count);
    put_u64(body + 72, leaves[0].first);
    put_u64(body + 80, last->first + last->events - 1);
    put_u64(body + 88, events);
    put_u64(body + 96, remains->offset);
    put_u64(body + 104, remains->size);
    memcpy(body + 112, remains->hash.bytes, SHA256_SIZE);
    size_t at = text_put(body, BODY_FIXED_SIZE, 144, tombstone->reason);
    at = text_put(body, at, 146, tombstone->promise);
    return text_put(body, at, 148, tombstone->by);
}

static enum err tombstone_check(const struct tombstone *tombstone,
                                const struct segment_leaf *leaves, size_t count)
{
    if (count == 0 || tombstone->reason.size > TOMBSTONE_TEXT_SIZE ||
        tombstone->promise.size > TOMBSTONE_TEXT_SIZE || tombstone->by.size > TOMBSTONE_TEXT_SIZE) {
        return ERR_LIMIT;
    }
    for (size_t i = 1; i < count; i++) {
        if (leaves[i].index <= leaves[i - 1].index || leaves[i].first <= leaves[i - 1].first) {
            return ERR_CORRUPT;
        }
    }
    return OK;
}

/* Under a head, and not gone already. */
static enum err leaves_ready(struct archive *archive, struct client *client,
                             const struct segment_leaf *leaves, size_t count, struct wall now,
                             struct why *why)
{
    struct gone gone;
    enum err err = gone_load(archive->disk, archive->folder, client->id, &gone, why);
    if (err != OK) {
        return err;
    }
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        known += gone_find(&gone, leaves[i].index) != NULL;
    }
    gone_done(&gone);
    if (known > 0) {
        return known == count
                   ? ERR_EXISTS
                   : why_say(why, ERR_CORRUPT, 0, "some of these leaves are gone already");
    }
    if (leaves[count - 1].index >= client->tree.size) {
        return why_say(why, ERR_NOT_FOUND, 0, "client %u has no such leaves", client->id.value);
    }
    bool under = client->head_known && leaves[count - 1].index < client->head.tree.size;
    return under ? OK : client_sign(archive, client, now);
}

enum err tombstone_write(const struct scope *scope, struct archive *archive, struct client_id id,
                         const struct tombstone *tombstone, const struct segment_leaf *leaves,
                         size_t count, struct wall now, struct why *why)
{
    char body[HEAD_BODY_MAX];
    struct buf remains;
    struct client *client = client_find(archive, id);
    if (archive->read_only || !scope_allows(scope, id, RIGHT_APPEND)) {
        return why_say(why, ERR_DENIED, 0, "nothing of client %u may be removed", id.value);
    }
    if (client == NULL || !client->signer_known) {
        return why_say(why, ERR_NOT_FOUND, 0, "client %u has no signing key", id.value);
    }
    enum err err = tombstone_check(tombstone, leaves, count);
    err = err == OK ? leaves_ready(archive, client, leaves, count, now, why) : err;
    if (err != OK) {
        return err;
    }
    struct remains_place place = {0};
    buf_init(&remains, REMAINS_SIZE_MAX);
    err = remains_make(id, client->heads_end, leaves, count, &remains);
    if (err == OK) {
        err = remains_store(archive, id, buf_str(&remains), &place.offset);
        place.size = remains.size;
        place.hash = sha256_of_bytes(buf_str(&remains));
    }
    buf_done(&remains);
    if (err == OK) {
        size_t size = body_encode(tombstone, leaves, count, &place, body);
        err = client_sign_body(archive, client, now, str_of(body, size));
    }
    return err == OK ? OK
                     : why_say(why, err, 0, "the tombstone cannot be written: %s", err_text(err));
}

/* ---- Reading. */

bool tombstone_decode(const struct head *head, struct tombstone_told *ret,
                      struct remains_place *ret_remains)
{
    const char *body = head->body;
    if (head->kind != HEAD_TOMBSTONE || head->body_size < BODY_FIXED_SIZE) {
        return false;
    }
    size_t reason = get_u16(body + 144);
    size_t promise = get_u16(body + 146);
    size_t by = get_u16(body + 148);
    if (BODY_FIXED_SIZE + reason + promise + by != head->body_size) {
        return false;
    }
    *ret = (struct tombstone_told){
        .epoch = head->epoch,
        .wall = head->wall,
        .what = {.generation = get_u64(body),
                 .oldest = {(int64_t)get_u64(body + 8)},
                 .newest = {(int64_t)get_u64(body + 16)},
                 .original = get_u64(body + 24),
                 .days = get_u32(body + 32),
                 .promised = {(int64_t)get_u64(body + 40)},
                 .reason = {body + BODY_FIXED_SIZE, reason},
                 .promise = {body + BODY_FIXED_SIZE + reason, promise},
                 .by = {body + BODY_FIXED_SIZE + reason + promise, by}},
        .first_index = get_u64(body + 48),
        .last_index = get_u64(body + 56),
        .leaves = get_u64(body + 64),
        .first = get_u64(body + 72),
        .last = get_u64(body + 80),
        .events = get_u64(body + 88),
    };
    *ret_remains = (struct remains_place){get_u64(body + 96), get_u64(body + 104), {{0}}};
    memcpy(ret_remains->hash.bytes, body + 112, SHA256_SIZE);
    return true;
}

/* The size of the stretch that begins here; 0 if none does. */
size_t remains_size(struct str at, struct client_id client)
{
    if (at.size < REMAINS_FIXED_SIZE || memcmp(at.data, magic, sizeof magic) != 0 ||
        get_u16(at.data + 8) != 1 || get_u32(at.data + 12) != client.value) {
        return 0;
    }
    uint64_t size = REMAINS_FIXED_SIZE + (uint64_t)get_u32(at.data + 16) * RUN_SIZE +
                    (uint64_t)get_u32(at.data + 20) * SHA256_SIZE;
    return size <= at.size ? (size_t)size : 0;
}

static uint64_t subtrees(uint64_t index, uint64_t leaves)
{
    uint64_t count = 0;
    while (leaves > 0) {
        uint64_t size = (uint64_t)1 << tree_level_at(index, leaves);
        index += size;
        leaves -= size;
        count++;
    }
    return count;
}

static enum err gone_reserve(struct gone *gone, size_t runs, size_t hashes)
{
    if (gone->count + runs > gone->capacity) {
        size_t capacity = 2 * (gone->count + runs);
        struct gone_run *larger = realloc(gone->runs, capacity * sizeof *larger);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        gone->runs = larger;
        gone->capacity = capacity;
    }
    if (gone->hashes_count + hashes > gone->hashes_capacity) {
        size_t capacity = 2 * (gone->hashes_count + hashes);
        struct sha256 *larger = realloc(gone->hashes, capacity * sizeof *larger);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        gone->hashes = larger;
        gone->hashes_capacity = capacity;
    }
    return OK;
}

enum err gone_add(struct gone *gone, struct str remains, struct client_id client, uint64_t epoch)
{
    size_t size = remains_size(remains, client);
    if (size == 0 || size != remains.size) {
        return ERR_CORRUPT;
    }
    size_t runs = get_u32(remains.data + 16);
    size_t hashes = get_u32(remains.data + 20);
    size_t used = 0;
    enum err err = gone_reserve(gone, runs, hashes);
    if (err != OK) {
        return err;
    }
    for (size_t i = 0; i < runs; i++) {
        const char *at = remains.data + REMAINS_FIXED_SIZE + i * RUN_SIZE;
        struct gone_run run = {get_u64(at),      get_u64(at + 8), get_u64(at + 16),
                               get_u64(at + 24), epoch,           gone->hashes_count + used};
        if (run.leaves == 0 || run.leaves > UINT64_MAX / 4 || run.index > UINT64_MAX / 4) {
            return ERR_CORRUPT;
        }
        used += (size_t)subtrees(run.index, run.leaves);
        if (used > hashes) {
            return ERR_CORRUPT;
        }
        gone->runs[gone->count + i] = run;
    }
    if (used != hashes) {
        return ERR_CORRUPT;
    }
    memcpy(gone->hashes + gone->hashes_count, remains.data + REMAINS_FIXED_SIZE + runs * RUN_SIZE,
           hashes * SHA256_SIZE);
    gone->hashes_count += hashes;
    gone->count += runs;
    return OK;
}

static int run_compare(const void *a, const void *b)
{
    const struct gone_run *left = a;
    const struct gone_run *right = b;
    return left->index < right->index ? -1 : left->index > right->index;
}

/* Ascending; of two that overlap the later told is left out. */
void gone_settle(struct gone *gone)
{
    size_t kept = 0;
    if (gone->count > 1) {
        qsort(gone->runs, gone->count, sizeof *gone->runs, run_compare);
    }
    for (size_t i = 0; i < gone->count; i++) {
        const struct gone_run *before = kept > 0 ? &gone->runs[kept - 1] : NULL;
        if (before == NULL || gone->runs[i].index >= before->index + before->leaves) {
            gone->runs[kept++] = gone->runs[i];
        } else {
            gone->damaged++;
        }
    }
    gone->count = kept;
}

/* Each stretch that a record in the heads names. */
static enum err remains_walk(struct file *heads, struct str all, struct client_id client,
                             remains_call *call, void *context)
{
    struct head *head = malloc(sizeof *head);
    char *bytes = malloc(HEAD_SIZE_MAX);
    enum err err = head == NULL || bytes == NULL ? ERR_MEMORY : OK;
    for (size_t at = 0; err == OK && at < all.size;) {
        size_t size = remains_size(str_slice(all, at, all.size), client);
        if (size == 0) {
            size_t next = str_find(str_slice(all, at + 1, all.size), str_of(magic, sizeof magic));
            at = next == STR_NONE ? all.size : at + 1 + next;
            continue; /* debris of a write that was cut short, or damage: verify tells them apart */
        }
        struct str stretch = str_slice(all, at, size);
        struct tombstone_told told;
        struct remains_place place;
        struct sha256 hash = sha256_of_bytes(stretch);
        size_t got = 0;
        size_t head_size;
        err = file_read(heads, get_u64(stretch.data + 24), bytes, HEAD_SIZE_MAX, &got);
        if (err == OK && head_read_fast(str_of(bytes, got), client, head, &head_size) &&
            tombstone_decode(head, &told, &place) && place.offset == at && place.size == size &&
            sha256_equal(&place.hash, &hash)) {
            err = call(context, head, stretch);
        }
        at += size;
    }
    free(head);
    free(bytes);
    return err;
}

static enum err gone_call(void *context, const struct head *head, struct str remains)
{
    struct gone *gone = context;
    enum err err = gone_add(gone, remains, head->client, head->epoch);
    gone->damaged += err == ERR_CORRUPT;
    return err == ERR_CORRUPT ? OK : err;
}

static enum err file_whole(struct file *file, size_t size_max, char **ret, size_t *ret_size)
{
    uint64_t size = 0;
    enum err err = file_size(file, &size);
    char *data = err == OK && size <= size_max ? malloc((size_t)size + 1) : NULL;
    if (err == OK && data == NULL) {
        return size > size_max ? ERR_LIMIT : ERR_MEMORY;
    }
    err = err == OK ? file_read(file, 0, data, (size_t)size, ret_size) : err;
    if (err != OK) {
        free(data);
        return err;
    }
    *ret = data;
    return OK;
}

enum err remains_each(struct file *heads, struct file *remains, struct client_id client,
                      remains_call *call, void *context)
{
    char *all = NULL;
    size_t size = 0;
    if (heads == NULL || remains == NULL) {
        return OK;
    }
    enum err err = file_whole(remains, REMAINS_SIZE_ALL_MAX, &all, &size);
    if (err == OK) {
        err = remains_walk(heads, str_of(all, size), client, call, context);
    }
    free(all);
    return err;
}

enum err gone_read(struct file *heads, struct file *remains, struct client_id client,
                   struct gone *ret)
{
    *ret = (struct gone){0};
    enum err err = remains_each(heads, remains, client, gone_call, ret);
    if (err != OK) {
        gone_done(ret);
        return err;
    }
    gone_settle(ret);
    return OK;
}

/* *ret_heads, *ret_remains: NULL where the client has none. */
static enum err files_open(struct disk *disk, const char *folder, struct client_id client,
                           struct file **ret_heads, struct file **ret_remains, struct why *why)
{
    char path[PATH_SIZE];
    bool there = false;
    *ret_heads = *ret_remains = NULL;
    enum err err = remains_path(folder, client, path, sizeof path);
    err = err == OK ? disk_exists(disk, path, &there) : err;
    if (err == OK && there) {
        err = disk_open(disk, path, DISK_READ, ret_remains, why);
    }
    if (err == OK && there) {
        err = heads_path(folder, client, path, sizeof path);
    }
    if (err == OK && there) {
        err = disk_open(disk, path, DISK_READ, ret_heads, why);
    }
    if (err != OK) {
        file_close(*ret_remains);
    }
    return err;
}

enum err gone_load(struct disk *disk, const char *folder, struct client_id client, struct gone *ret,
                   struct why *why)
{
    struct file *heads;
    struct file *remains;
    enum err err = files_open(disk, folder, client, &heads, &remains, why);
    if (err == OK) {
        err = gone_read(heads, remains, client, ret);
        file_close(heads);
        file_close(remains);
    }
    return err;
}

void gone_done(struct gone *gone)
{
    free(gone->runs);
    free(gone->hashes);
    *gone = (struct gone){0};
}

const struct gone_run *gone_find(const struct gone *gone, uint64_t index)
{
    size_t from = 0;
    size_t to = gone->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const struct gone_run *run = &gone->runs[middle];
        if (index < run->index) {
            to = middle;
        } else if (index - run->index < run->leaves) {
            return run;
        } else {
            from = middle + 1;
        }
    }
    return NULL;
}

void gone_pass(const struct gone *gone, const struct gone_run *run, struct tree *tree)
{
    size_t at = run->hashes;
    for (uint64_t done = 0; done < run->leaves;) {
        unsigned level = tree_level_at(run->index + done, run->leaves - done);
        tree_add_subtree(tree, &gone->hashes[at++], level);
        done += (uint64_t)1 << level;
    }
}

struct listing {
    tombstone_call *call;
    void *context;
};

static enum err listing_call(void *context, const struct head *head, struct str remains)
{
    const struct listing *listing = context;
    struct tombstone_told told;
    struct remains_place place;
    (void)remains;
    return tombstone_decode(head, &told, &place) ? listing->call(listing->context, &told) : OK;
}

enum err tombstones_list(const struct scope *scope, struct disk *disk, const char *folder,
                         struct client_id client, tombstone_call *call, void *context,
                         struct why *why)
{
    struct listing listing = {call, context};
    struct file *heads;
    struct file *remains;
    if (!scope_allows(scope, client, RIGHT_READ)) {
        return why_say(why, ERR_DENIED, 0, "client %u may not be read", client.value);
    }
    enum err err = files_open(disk, folder, client, &heads, &remains, why);
    if (err != OK || remains == NULL) {
        return err;
    }
    err = remains_each(heads, remains, client, listing_call, &listing);
    file_close(heads);
    file_close(remains);
    return err;
}
