/*
 * Reading again: one client's leaves, out of journals and segments that are opened with keys that
 * fit this client and these files only.  merge.c brings them in order; here each event is asked
 * for.
 *
 * What is damaged is passed over: a search answers with all that is still there, and verify says
 * what is not.
 */

#include "archive/private.h"

#include <stdlib.h>
#include <string.h>

#include "archive/leaves.h"
#include "archive/merge.h"
#include "archive/segment.h"
#include "base/bytes.h"

#define GRANT_SIZE         72
#define SEGMENT_GRANT_SIZE 56

enum err grant_encode(const struct grant *grant, struct buf *out)
{
    char bytes[GRANT_SIZE];
    memcpy(bytes, "HINOMIgr", 8);
    put_u32(bytes + 8, 1);
    put_u32(bytes + 12, grant->client.value);
    put_u64(bytes + 16, grant->journal);
    put_u64(bytes + 24, grant->end);
    put_u64(bytes + 32, grant->first_offset);
    memcpy(bytes + 40, grant->key.bytes, SHA256_SIZE);
    enum err err = buf_append(out, str_of(bytes, sizeof bytes));
    secret_forget(bytes, sizeof bytes);
    return err;
}

enum err grant_decode(struct str bytes, struct grant *ret)
{
    if (bytes.size != GRANT_SIZE || memcmp(bytes.data, "HINOMIgr", 8) != 0 ||
        get_u32(bytes.data + 8) != 1 || get_u32(bytes.data + 12) == 0 ||
        get_u64(bytes.data + 16) == 0 || get_u64(bytes.data + 32) > get_u64(bytes.data + 24)) {
        return ERR_CORRUPT;
    }
    *ret = (struct grant){
        .client = {get_u32(bytes.data + 12)},
        .journal = get_u64(bytes.data + 16),
        .end = get_u64(bytes.data + 24),
        .first_offset = get_u64(bytes.data + 32),
    };
    memcpy(ret->key.bytes, bytes.data + 40, SHA256_SIZE);
    return OK;
}

enum err segment_grant_encode(const struct segment_grant *grant, struct buf *out)
{
    char bytes[SEGMENT_GRANT_SIZE];
    memcpy(bytes, "HINOMIgs", 8);
    put_u32(bytes + 8, 1);
    put_u32(bytes + 12, grant->client.value);
    put_u64(bytes + 16, grant->generation);
    memcpy(bytes + 24, grant->key.bytes, SHA256_SIZE);
    enum err err = buf_append(out, str_of(bytes, sizeof bytes));
    secret_forget(bytes, sizeof bytes);
    return err;
}

enum err segment_grant_decode(struct str bytes, struct segment_grant *ret)
{
    if (bytes.size != SEGMENT_GRANT_SIZE || memcmp(bytes.data, "HINOMIgs", 8) != 0 ||
        get_u32(bytes.data + 8) != 1 || get_u32(bytes.data + 12) == 0 ||
        get_u64(bytes.data + 16) == 0) {
        return ERR_CORRUPT;
    }
    *ret = (struct segment_grant){.client = {get_u32(bytes.data + 12)},
                                  .generation = get_u64(bytes.data + 16)};
    memcpy(ret->key.bytes, bytes.data + 24, SHA256_SIZE);
    return OK;
}

enum err reader_new(struct reader **ret)
{
    struct reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return ERR_MEMORY;
    }
    reader->zstd = zstd_new(1);
    reader->mem = arena_new(8 * (size_t)BATCH_SIZE_MAX);
    if (reader->zstd == NULL || reader->mem == NULL) {
        reader_close(reader);
        return ERR_MEMORY;
    }
    *ret = reader;
    return OK;
}

void reader_heed(struct reader *reader, reader_pause *pause, void *context)
{
    reader->pause = pause;
    reader->pause_context = context;
}

void reader_heed_generations(struct reader *reader, reader_generation *call, void *context)
{
    reader->generation = call;
    reader->generation_context = context;
}

void reader_records_only(struct reader *reader, bool only)
{
    reader->records_only = only;
}

void reader_close(struct reader *reader)
{
    if (reader == NULL) {
        return;
    }
    for (size_t i = 0; i < reader->count; i++) {
        file_close(reader->list[i].file);
        secret_forget(&reader->list[i], sizeof reader->list[i]);
    }
    for (size_t i = 0; i < reader->segments_count; i++) {
        file_close(reader->segments[i].file);
        secret_forget(&reader->segments[i], sizeof reader->segments[i]);
    }
    free(reader->list);
    free(reader->segments);
    free(reader->folder);
    zstd_free(reader->zstd);
    arena_free(reader->spare);
    arena_free(reader->mem);
    free(reader);
}

/* Keeps the list in the order of journals, which is the order of sequence. */
static enum err journal_insert(struct reader *reader, const struct grant *grant, struct file *file)
{
    if (reader->count == JOURNALS_MAX) {
        return ERR_LIMIT;
    }
    if (reader->count == reader->capacity) {
        size_t capacity = reader->capacity == 0 ? 16 : reader->capacity * 2;
        struct reader_journal *larger = realloc(reader->list, capacity * sizeof *larger);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        reader->list = larger;
        reader->capacity = capacity;
    }
    size_t at = reader->count;
    while (at > 0 && reader->list[at - 1].grant.journal > grant->journal) {
        at--;
    }
    memmove(reader->list + at + 1, reader->list + at, (reader->count - at) * sizeof *reader->list);
    reader->list[at] = (struct reader_journal){*grant, file};
    reader->count++;
    return OK;
}

/* One whose head is damaged is passed over, like a frame. */
static enum err segment_insert(struct reader *reader, const struct segment_grant *grant,
                               struct file *file, bool keep)
{
    struct reader_segment segment = {.grant = *grant, .file = keep ? file : NULL};
    enum err err = segment_head_read(file, &segment.head, NULL);
    if (err == OK && (!client_equal(segment.head.client, grant->client) ||
                      segment.head.generation != grant->generation)) {
        err = ERR_CORRUPT;
    }
    if (err == OK && reader->segments_count == SEGMENTS_MAX) {
        err = ERR_LIMIT;
    }
    if (err == OK && reader->segments_count == reader->segments_capacity) {
        size_t capacity = reader->segments_capacity == 0 ? 16 : reader->segments_capacity * 2;
        struct reader_segment *larger = realloc(reader->segments, capacity * sizeof *larger);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        reader->segments = larger;
        reader->segments_capacity = capacity;
    }
    if (err == OK) {
        reader->segments[reader->segments_count++] = segment;
    } else if (err == ERR_CORRUPT && keep) {
        file_close(file);
    }
    return err == ERR_CORRUPT ? OK : err;
}

enum err reader_add(struct reader *reader, int descriptor, struct str bytes, struct why *why)
{
    struct grant grant;
    struct segment_grant segment;
    struct file *file;
    enum err err = file_adopt(descriptor, &file);
    if (err != OK) {
        return err;
    }
    if (segment_grant_decode(bytes, &segment) == OK) {
        err = segment_insert(reader, &segment, file, true);
    } else {
        err = grant_decode(bytes, &grant);
        err = err == OK ? journal_insert(reader, &grant, file) : err;
    }
    if (err != OK) {
        file_close(file);
        return why_say(why, err, 0, "what was lent cannot be added: %s", err_text(err));
    }
    return OK;
}

/* A client has heads from the moment its key is made: without either, nothing was ever stored. */
static enum err client_stored(struct disk *disk, const char *folder, struct client_id client,
                              bool *ret)
{
    char path[PATH_SIZE];
    enum err err = heads_path(folder, client, path, sizeof path);
    return err == OK ? disk_exists(disk, path, ret) : err;
}

struct segments_visit {
    struct reader *reader;
    struct client_id client;
    const uint8_t *key;
};

static enum err segment_visit(void *context, uint64_t generation)
{
    const struct segments_visit *visit = context;
    struct reader *reader = visit->reader;
    struct segment_grant grant = {.client = visit->client, .generation = generation};
    struct segment_head head;
    struct file *file;
    char path[PATH_SIZE];
    enum err err = segment_path(reader->folder, visit->client, generation, true, path, sizeof path);
    err = err == OK ? disk_open(reader->disk, path, DISK_READ, &file, NULL) : err;
    if (err != OK) {
        return err == ERR_NOT_FOUND ? OK : err;
    }
    err = segment_head_read(file, &head, NULL);
    if (err == OK) {
        grant.key = segment_key(visit->key, visit->client, head.seed);
        err = segment_insert(reader, &grant, file, false);
        secret_forget(&grant, sizeof grant);
    }
    file_close(file);
    return err == ERR_CORRUPT ? OK : err;
}

enum err reader_open(const struct scope *scope, struct disk *disk, const char *folder,
                     const char *keys, struct client_id client, struct reader **ret,
                     struct why *why)
{
    struct reader *reader;
    struct journals journals = {0};
    uint8_t key[AES_KEY_SIZE] = {0};
    bool stored = false;
    if (!scope_allows(scope, client, RIGHT_READ)) {
        return why_say(why, ERR_DENIED, 0, "client %u may not be read", client.value);
    }
    enum err err = reader_new(&reader);
    if (err != OK) {
        return err;
    }
    reader->disk = disk;
    reader->folder = strdup(folder);
    err = reader->folder == NULL ? ERR_MEMORY : client_stored(disk, folder, client, &stored);
    if (err == OK) {
        err = key_load(disk, keys, client, key, stored ? why : NULL);
    }
    bool never = err == ERR_NOT_FOUND && !stored;
    err = never ? OK : err;
    if (err == OK && !never) {
        err = journals_list(disk, folder, &journals, why);
    }
    for (size_t i = 0; err == OK && i < journals.count; i++) {
        struct grant grant = {client, journals.list[i].number, journals.list[i].end, 0,
                              journal_key(key, client, journals.list[i].number)};
        err = journal_insert(reader, &grant, NULL);
    }
    if (err == OK && !never) {
        struct segments_visit visit = {reader, client, key};
        err = segments_list(disk, folder, client, segment_visit, &visit);
    }
    secret_forget(key, sizeof key);
    journals_done(&journals);
    if (err != OK) {
        reader_close(reader);
        return err;
    }
    *ret = reader;
    return OK;
}

/* For one event: whether it is asked for. */
static enum err event_wanted(struct wanted *wanted, const struct event *event, uint64_t sequence,
                             struct arena *scratch, bool *ret)
{
    if (wanted->by_sequence) {
        while (wanted->at < wanted->count && wanted->sequences[wanted->at] < sequence) {
            wanted->at++;
        }
        *ret = wanted->at < wanted->count && wanted->sequences[wanted->at] == sequence;
        return OK;
    }
    int64_t time = wanted->by_arrival ? event->received.ns : event_time(event).ns;
    *ret = time >= wanted->from.ns && time < wanted->to.ns;
    return *ret && wanted->query != NULL ? query_matches(wanted->query, event, scratch, ret) : OK;
}

/* Sequence numbers ascend from leaf to leaf, so nothing more of it will come. */
static bool all_found(const struct wanted *wanted)
{
    return wanted->by_sequence && wanted->at == wanted->count;
}

static enum err leaf_search(struct merge *merge, const struct merge_leaf *leaf,
                            struct arena *scratch, reader_call *call, void *context)
{
    struct batch batch;
    const uint32_t *rows = NULL;
    enum err err = merge_batch(merge, NULL, &batch, &rows, NULL);
    if (err == ERR_CORRUPT) {
        return OK;
    }
    for (uint32_t i = 0; err == OK && i < batch.events; i++) {
        struct event event;
        bool fits = false;
        uint64_t number = leaf->first + (rows == NULL ? i : rows[i]);
        batch_event(&batch, i, &event);
        arena_reset(scratch);
        err = event_wanted(merge->wanted, &event, number, scratch, &fits);
        if (err == OK && fits) {
            err = call(context, (struct place){merge->client, number}, &event);
        }
    }
    return err;
}

static enum err reader_run(const struct scope *scope, struct reader *reader,
                           struct client_id client, struct wanted *wanted, reader_call *call,
                           void *context, struct why *why)
{
    struct merge merge;
    struct merge_leaf leaf;
    if (!scope_allows(scope, client, RIGHT_READ)) {
        return why_say(why, ERR_DENIED, 0, "client %u may not be read", client.value);
    }
    struct arena *scratch = arena_new(8 * (size_t)RECORD_SIZE_MAX);
    if (scratch == NULL) {
        return ERR_MEMORY;
    }
    enum err err = merge_init(&merge, reader, client, wanted, why);
    if (err != OK) {
        arena_free(scratch);
        return err;
    }
    bool more = true;
    while (err == OK && more && !all_found(wanted)) {
        err = merge_next(&merge, &leaf, why);
        more = err == OK;
        err = err == OK ? leaf_search(&merge, &leaf, scratch, call, context)
                        : (err == ERR_NOT_FOUND ? OK : err);
    }
    merge_done(&merge);
    arena_free(scratch);
    return err;
}

enum err reader_search(const struct scope *scope, struct reader *reader, struct client_id client,
                       const struct query *query, struct wall from, struct wall to,
                       reader_call *call, void *context, struct why *why)
{
    struct wanted wanted = {.query = query, .from = from, .to = to};
    return reader_run(scope, reader, client, &wanted, call, context, why);
}

enum err reader_search_arrival(const struct scope *scope, struct reader *reader,
                               struct client_id client, const struct query *query, struct wall from,
                               struct wall to, reader_call *call, void *context, struct why *why)
{
    struct wanted wanted = {.query = query, .from = from, .to = to, .by_arrival = true};
    return reader_run(scope, reader, client, &wanted, call, context, why);
}

enum err reader_fetch(const struct scope *scope, struct reader *reader, struct client_id client,
                      const uint64_t *sequences, size_t count, reader_call *call, void *context,
                      struct why *why)
{
    struct wanted wanted = {.sequences = sequences, .count = count, .by_sequence = true};
    return reader_run(scope, reader, client, &wanted, call, context, why);
}

enum err reader_leaves(const struct scope *scope, struct reader *reader, struct client_id client,
                       uint64_t from, uint64_t to, reader_leaf_call *call, void *context,
                       struct why *why)
{
    struct merge merge;
    struct merge_leaf leaf;
    struct wanted wanted = {.whole = true};
    if (!scope_allows(scope, client, RIGHT_READ)) {
        return why_say(why, ERR_DENIED, 0, "client %u may not be read", client.value);
    }
    enum err err = merge_init(&merge, reader, client, &wanted, why);
    if (err != OK) {
        return err;
    }
    reader->leaves = &merge;
    bool more = true;
    while (err == OK && more) {
        err = merge_next(&merge, &leaf, why);
        more = err == OK && leaf.index < to;
        if (more && leaf.index >= from) {
            const struct leaf_entry entry = {.index = leaf.index,
                                             .source = leaf.source,
                                             .first = leaf.first,
                                             .events = leaf.events,
                                             .hash = leaf.hash};
            err = call(context, &entry);
        } else if (err == ERR_NOT_FOUND) {
            err = OK;
        }
    }
    reader->leaves = NULL;
    merge_done(&merge);
    return err;
}

enum err reader_leaf_open(struct reader *reader, const struct leaf_entry *leaf,
                          uint8_t ret_salt[LEAF_SALT_SIZE], struct batch *ret, struct why *why)
{
    const uint32_t *rows;
    if (reader->leaves == NULL || reader->leaves->leaf.first != leaf->first) {
        return why_say(why, ERR_NOT_FOUND, 0, "the leaf is not the one that was told last");
    }
    return merge_batch(reader->leaves, ret_salt, ret, &rows, why);
}
