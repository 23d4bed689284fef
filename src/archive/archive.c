/*
 * The open archive: batches become frames of one group, a commit puts the group on disk.
 *
 * Appending only builds bytes in memory; nothing that it notes counts before the commit.  A commit
 * is one write and one sync.  If either fails, the group is forgotten: its sequence numbers,
 * leaves and idempotency keys were never given.  After a failed sync the journal is given up
 * where it was last known good; the frames of the next journal say so (before_journal, before_end),
 * so that whatever the failed write left behind is never read as evidence.
 *
 * Always true:
 *
 *   (1) [0, end) of journal number `journal` is on disk, and `chain` is the hash of its last frame
 *       (or of the last frame of the journal before);
 *   (2) everything in memory that is counted (next, tree, index, stored, rings) was counted by
 *       archive_learn from a frame that is on disk;
 *   (3) a group lies in one journal.
 */

#include "archive/archive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/private.h"
#include "sys/random.h"

static enum err group_add(struct archive *archive, struct client *client, struct frame *frame,
                          const struct frame_content *content, const uint8_t salt[FRAME_SALT_SIZE]);
static void group_forget(struct archive *archive);
static enum err group_reserve(struct archive *archive, struct client *client,
                              const struct frame *frame);

static enum err archive_new(const struct archive_options *options, struct archive **ret)
{
    struct archive *archive = calloc(1, sizeof *archive);
    if (archive == NULL) {
        return ERR_MEMORY;
    }
    archive->disk = options->disk;
    archive->journal_size_max = options->journal_size_max;
    archive->read_only = options->read_only;
    map_init(&archive->by_client, CLIENTS_MAX, 0);
    map_init(&archive->stored, SOURCES_MAX, 0);
    buf_init(&archive->group, GROUP_SIZE_MAX + 2 * FRAME_PAYLOAD_MAX);
    archive->seen = seen_new(SEEN_KEYS_MAX, random_u64());
    archive->zstd = zstd_new_quick();
    archive->scratch = arena_new(5 * FRAME_PAYLOAD_MAX);
    archive->journal = 1;
    int folder = snprintf(archive->folder, PATH_SIZE, "%s", options->folder);
    int keys = snprintf(archive->keys, PATH_SIZE, "%s", options->keys);
    if (archive->seen == NULL || archive->zstd == NULL || archive->scratch == NULL || folder < 0 ||
        folder > PATH_SIZE - 100 || keys < 0 || keys > PATH_SIZE - 100) {
        archive_close(archive, (struct wall){0});
        return folder > PATH_SIZE - 100 || keys > PATH_SIZE - 100 ? ERR_LIMIT : ERR_MEMORY;
    }
    *ret = archive;
    return OK;
}

/* A folder is there for good once the folder around it is synced. */
static enum err folder_make(struct disk *disk, const char *path)
{
    char around[PATH_SIZE];
    enum err err = disk_make_folder(disk, path);
    if (err != OK) {
        return err;
    }
    (void)snprintf(around, sizeof around, "%s", path);
    char *slash = strrchr(around, '/');
    if (slash != NULL) {
        slash[slash == around] = '\0';
    }
    err = disk_sync_folder(disk, slash == NULL ? "." : around);
    /* A confined core cannot reach the folder around its own; the parent that made it synced it. */
    return err == ERR_DENIED ? OK : err;
}

static enum err folders_make(struct archive *archive)
{
    char path[PATH_SIZE + 16];
    enum err err = folder_make(archive->disk, archive->folder);
    if (err == OK) {
        err = folder_make(archive->disk, archive->keys);
    }
    if (err == OK) {
        (void)snprintf(path, sizeof path, "%s/heads", archive->folder);
        err = folder_make(archive->disk, path);
    }
    if (err == OK) {
        (void)snprintf(path, sizeof path, "%s/debris", archive->folder);
        err = folder_make(archive->disk, path);
    }
    if (err == OK) {
        (void)snprintf(path, sizeof path, "%s/segments", archive->folder);
        err = folder_make(archive->disk, path);
    }
    return err;
}

enum err archive_open(const struct archive_options *options, struct wall now, struct archive **ret,
                      struct why *why)
{
    struct archive *archive;
    char path[PATH_SIZE + 8];
    enum err err = archive_new(options, &archive);
    if (err != OK) {
        return why_say(why, err, 0, "%s: %s", options->folder, err_text(err));
    }
    archive->now = now;
    if (!archive->read_only) {
        err = folders_make(archive);
        if (err == OK) {
            (void)snprintf(path, sizeof path, "%s/lock", archive->folder);
            err = disk_open(archive->disk, path, DISK_WRITE_CREATE, &archive->lock, NULL);
        }
        if (err == OK) {
            err = file_lock(archive->lock);
        }
        if (err != OK) {
            err = why_say(why, err, 0, "%s: %s", archive->folder,
                          err == ERR_AGAIN ? "another process has it" : err_text(err));
        }
    }
    if (err == OK) {
        err = archive_recover(archive, now, why);
    }
    if (err != OK) {
        archive->read_only = true;
        archive_close(archive, now);
        return err;
    }
    *ret = archive;
    return OK;
}

void archive_close(struct archive *archive, struct wall now)
{
    if (archive == NULL) {
        return;
    }
    survey_free(archive->survey);
    archive->survey = NULL;
    if (archive->seal != NULL) {
        archive_seal_abandon(archive, archive->seal, now);
    }
    for (size_t i = 0; i < archive->clients_count; i++) {
        struct client *client = archive->clients[i];
        if (!archive->read_only && archive->pending_count == 0 && client->head_known &&
            client->signer_known) {
            (void)!client_sign(archive, client, now);
        }
        client_free(client);
    }
    file_close(archive->file);
    file_close(archive->read_file);
    file_close(archive->lock);
    journals_done(&archive->journals);
    free(archive->clients);
    map_done(&archive->by_client);
    map_done(&archive->stored);
    seen_free(archive->seen);
    zstd_free(archive->zstd);
    arena_free(archive->scratch);
    buf_done(&archive->group);
    free(archive->pending);
    secret_forget(archive, sizeof *archive);
    free(archive);
}

bool archive_holds(const struct archive *archive, struct ring_place from, struct place *ret_first)
{
    return ring_holds(&archive->ring, from, ret_first);
}

uint64_t archive_stored(const struct archive *archive, struct source_id source)
{
    uint64_t stored = 0;
    return map_get(&archive->stored, str_of(&source.value, sizeof source.value), &stored) ? stored
                                                                                          : 0;
}

uint64_t archive_next_sequence(const struct archive *archive, struct client_id id)
{
    const struct client *client = client_find(archive, id);
    return client == NULL ? 1 : client->next;
}

/* Looks whether the batch is a resend.  One that lies in the group is not yet on disk: its answer
 * has to wait for the commit. */
static enum err resend_check(const struct archive *archive, const struct seen_entry *entry,
                             struct wall now, struct place *ret_first)
{
    struct seen_entry known;
    uint64_t ordinal;
    if (!batch_key_given(&entry->key) || !seen_find(archive->seen, entry, now, &known, &ordinal)) {
        return OK;
    }
    if (known.key.digest != entry->key.digest || known.key.parts != entry->key.parts) {
        return ERR_CONFLICT;
    }
    if (ordinal + archive->pending_seen >= seen_ordinal(archive->seen)) {
        return ERR_AGAIN;
    }
    *ret_first = (struct place){{known.client}, known.first};
    return ERR_EXISTS;
}

enum err archive_append(const struct scope *scope, struct archive *archive,
                        const struct batch *batch, struct ring_place from, struct wall now,
                        struct place *ret_first)
{
    if (archive->read_only || !scope_allows(scope, batch->client, RIGHT_APPEND)) {
        return ERR_DENIED;
    }
    archive->now = now;
    struct seen_entry entry = {.client = batch->client.value,
                               .source = batch->source.value,
                               .key = batch->key,
                               .wall = now};
    enum err err = resend_check(archive, &entry, now, ret_first);
    if (err != OK) {
        return err;
    }
    struct client *client;
    uint8_t salt[FRAME_SALT_SIZE];
    err = client_get(archive, batch->client, &client);
    if (err == OK) {
        err = client_ready(archive, client, now);
    }
    if (err != OK) {
        return err;
    }
    struct frame frame = {
        .kind = FRAME_DATA,
        .client = batch->client,
        .source = batch->source,
        .first = client->next + client->pending_events,
        .events = batch->events,
        .ring = from,
        .wall = now,
        .key = batch->key,
        .leaf_index = client->tree.size + client->pending_leaves,
    };
    random_bytes(salt, sizeof salt);
    struct leaf_head leaf;
    err = leaf_told(salt, frame.first, batch, &leaf);
    if (err == OK) {
        frame.leaf = leaf_hash(&leaf);
    }
    if (err == OK && batch_key_given(&batch->key)) {
        entry.first = frame.first;
        err = seen_add(archive->seen, &entry);
        archive->pending_seen += err == OK;
    }
    if (err == OK) {
        err = group_add(archive, client, &frame, &(struct frame_content){.batch = batch}, salt);
        if (err != OK && batch_key_given(&batch->key)) {
            seen_take_back(archive->seen, 1);
            archive->pending_seen--;
        }
    }
    if (err == OK) {
        client->pending_events += batch->events;
        client->pending_leaves++;
        *ret_first = (struct place){batch->client, frame.first};
    }
    return err;
}

enum err archive_generation(const struct scope *scope, struct archive *archive, struct client_id id,
                            struct str kind, struct str hash)
{
    if (archive->read_only || !scope_allows(scope, id, RIGHT_APPEND)) {
        return ERR_DENIED;
    }
    char plain[1 + GENERATION_SIZE_MAX];
    if (kind.size > 255 || 1 + kind.size + hash.size > sizeof plain) {
        return ERR_LIMIT;
    }
    struct client *client;
    uint8_t salt[FRAME_SALT_SIZE];
    enum err err = client_get(archive, id, &client);
    if (err == OK) {
        err = client_ready(archive, client, archive->now);
    }
    if (err != OK) {
        return err;
    }
    plain[0] = (char)kind.size;
    memcpy(plain + 1, kind.data, kind.size);
    memcpy(plain + 1 + kind.size, hash.data, hash.size);
    struct frame frame = {
        .kind = FRAME_GENERATION,
        .client = id,
        .first = client->next + client->pending_events,
        .wall = archive->now,
        .leaf_index = client->tree.size + client->pending_leaves,
    };
    random_bytes(salt, sizeof salt);
    const struct frame_content content = {.plain = str_of(plain, 1 + kind.size + hash.size)};
    return group_add(archive, client, &frame, &content, salt);
}

static enum err group_add(struct archive *archive, struct client *client, struct frame *frame,
                          const struct frame_content *content, const uint8_t salt[FRAME_SALT_SIZE])
{
    if (archive->group.size >= GROUP_SIZE_MAX) {
        return ERR_AGAIN;
    }
    if (archive->pending_count == 0) {
        if (archive->end > 0 && archive->end >= archive->journal_size_max) {
            archive_journal_leave(archive);
        }
        archive->group_chain = archive->chain;
    }
    enum err err = group_reserve(archive, client, frame);
    if (err != OK) {
        return err;
    }
    if (archive->pending_count == archive->pending_capacity) {
        size_t capacity = archive->pending_capacity == 0 ? 64 : archive->pending_capacity * 2;
        struct frame *larger = realloc(archive->pending, capacity * sizeof *larger);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        archive->pending = larger;
        archive->pending_capacity = capacity;
    }
    frame->journal = archive->journal;
    frame->offset = archive->end + archive->group.size;
    frame->group = archive->end;
    frame->before_journal = archive->before_journal;
    frame->before_end = archive->before_end;
    frame->chain = archive->group_chain;
    arena_reset(archive->scratch);
    err = frame_append(frame, client_journal_key(client, archive->journal), content, salt,
                       archive->zstd, archive->scratch, &archive->group);
    if (err == OK) {
        archive->group_chain = frame->hash;
        archive->pending[archive->pending_count++] = *frame;
    }
    return err;
}

/* Closes the journal where it is known to be good; the next group begins the next one. */
void archive_journal_leave(struct archive *archive)
{
    char path[PATH_SIZE];
    if (archive->end > 0) {
        archive->before_journal = archive->journal;
        archive->before_end = archive->end;
    } else if (archive->file != NULL &&
               journal_path(archive->folder, archive->journal, path, sizeof path) == OK) {
        /* Ours, and empty of anything that counts; if it stays, the next journal's frames say so.
         */
        archive->journals.count--;
        (void)!disk_remove(archive->disk, path);
    }
    file_close(archive->file);
    archive->file = NULL;
    archive->journal++;
    archive->end = 0;
}

static enum err journal_create(struct archive *archive)
{
    char path[PATH_SIZE];
    enum err err = journals_add(&archive->journals, archive->journal, 0);
    if (err == OK) {
        err = journal_path(archive->folder, archive->journal, path, sizeof path);
    }
    if (err == OK) {
        err = disk_open(archive->disk, path, DISK_WRITE_NEW, &archive->file, NULL);
        archive->journals.count -= err != OK;
    }
    if (err == OK) {
        return disk_sync_folder(archive->disk, archive->folder);
    }
    if (err == ERR_EXISTS) {
        archive->journal++;
    }
    return err;
}

/* Makes room for what the commit will have to note, so that noting cannot fail then. */
static enum err group_reserve(struct archive *archive, struct client *client,
                              const struct frame *frame)
{
    struct str source = str_of(&frame->source.value, sizeof frame->source.value);
    uint64_t stored;
    if (frame->kind == FRAME_DATA && !map_get(&archive->stored, source, &stored)) {
        enum err err = map_put(&archive->stored, source, 0);
        if (err != OK) {
            return err;
        }
    }
    return client_journals_reserve(client);
}

enum err archive_commit(struct archive *archive)
{
    if (archive->pending_count == 0) {
        return OK;
    }
    bool written = false;
    enum err err = archive->file == NULL ? journal_create(archive) : OK;
    if (err == OK) {
        err = file_write(archive->file, archive->end, archive->group.data, archive->group.size);
        written = err == OK;
    }
    if (written) {
        err = file_sync(archive->file);
    }
    if (err != OK) {
        /* A write that failed can be taken back and the file be used again; a sync cannot. */
        bool taken_back = archive->file != NULL && file_truncate(archive->file, archive->end) == OK;
        if (archive->file != NULL && (written || !taken_back || archive->end == 0)) {
            archive_journal_leave(archive);
        }
        group_forget(archive);
        return err;
    }
    archive->end += archive->group.size;
    archive->journals.list[archive->journals.count - 1].end = archive->end;
    archive->chain = archive->group_chain;
    for (size_t i = 0; i < archive->pending_count; i++) {
        /* The group is on disk, whatever memory says; group_reserve saw to what may not fail. */
        (void)!archive_learn(archive, &archive->pending[i]);
    }
    archive->pending_seen = 0;
    group_forget(archive);
    return OK;
}

/* Frames in memory that are not on disk, or are now counted. */
static void group_forget(struct archive *archive)
{
    for (size_t i = 0; i < archive->clients_count; i++) {
        archive->clients[i]->pending_events = 0;
        archive->clients[i]->pending_leaves = 0;
    }
    seen_take_back(archive->seen, archive->pending_seen);
    archive->pending_seen = 0;
    archive->pending_count = 0;
    buf_reset(&archive->group);
}

/* Frames already counted are passed over: a journal that repeats itself was not written by us. */
enum err archive_learn(struct archive *archive, const struct frame *frame)
{
    struct client *client;
    enum err err = client_get(archive, frame->client, &client);
    if (err != OK || frame->first < client->next) {
        return err;
    }
    err = client_journals_learn(client, frame);
    struct journal_file *journal = journals_find(&archive->journals, frame->journal);
    if (journal != NULL) {
        bool first = journal->oldest.ns == 0 || frame->wall.ns < journal->oldest.ns;
        journal->oldest = first ? frame->wall : journal->oldest;
        journal->newest.ns =
            frame->wall.ns > journal->newest.ns ? frame->wall.ns : journal->newest.ns;
        journal->leaves += frame->kind == FRAME_DATA;
    }
    if (frame->kind != FRAME_DATA) {
        return err;
    }
    if (!client->sealed_known) {
        client->sealed.base = frame->leaf_index;
        client->sealed_known = true;
    }
    struct str source = str_of(&frame->source.value, sizeof frame->source.value);
    uint64_t stored = 0;
    (void)map_get(&archive->stored, source, &stored);
    enum err put = map_put(&archive->stored, source, stored + frame->events);
    client->next = frame->first + frame->events;
    tree_add(&client->tree, &frame->leaf);
    ring_learn(&archive->ring, frame->ring, (struct place){frame->client, frame->first});
    enum err indexed = index_add(&client->index,
                                 (struct index_entry){frame->first, frame->journal, frame->offset});
    return err != OK ? err : put != OK ? put : indexed;
}

enum err archive_sign(struct archive *archive, struct wall now, int64_t interval_ns,
                      unsigned clients_max, bool *ret_more)
{
    enum err err = OK;
    *ret_more = false;
    if (archive->read_only) {
        return ERR_DENIED;
    }
    archive->now = now;
    for (size_t i = 0; i < archive->clients_count; i++) {
        struct client *client = archive->clients[archive->sign_next % archive->clients_count];
        int64_t age = now.ns - client->head.wall.ns;
        if (client->head_known && client->signer_known &&
            (age >= interval_ns || age <= -interval_ns)) {
            if (clients_max == 0) {
                *ret_more = true;
                break;
            }
            clients_max--;
            enum err signed_err = client_sign(archive, client, now);
            err = err == OK ? signed_err : err;
        }
        archive->sign_next = (archive->sign_next + 1) % archive->clients_count;
    }
    return err;
}
