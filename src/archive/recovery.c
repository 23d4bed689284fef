/*
 * Opening what another life left behind.
 *
 *     heads, last record each → journals and their ends → the tail of the last journal →
 *     every frame, learnt as if just committed → where to write on
 *
 * Only headers are read, but for the last group, whose payloads are hashed too: a power cut may
 * leave a header on disk and not its payload.
 *
 * Damage or torn tail?  A frame says where its group began, and all before that was on disk when
 * the group was written.  So bytes that are no frame are *damage* if a later group, a later journal
 * or a signed head stands behind them: they stay, are passed over, and their sequence numbers and
 * leaves stay theirs.  Otherwise they are the *torn tail* of a write that nobody was told about:
 * they are set aside in debris/ and cut off.  Whole frames of a torn group are kept: they were not
 * acknowledged, whoever sends them again is known by ring position or idempotency key, and without
 * either a second copy is what at-least-once means.
 *
 * A lost leaf stands in the tree as zeros, until a signed head tells the true subtrees.
 *
 * Always true: recovery ends on any bytes, and changes nothing before it knows where to cut.
 */

#include "archive/private.h"

#include <stdio.h>
#include <stdlib.h>

static enum err clients_recover(struct archive *archive, struct why *why);
static enum err tail_recover(struct archive *archive, struct journal_file *journal,
                             bool *ret_writable);
static enum err journal_recover(struct archive *archive, struct journal_file *journal,
                                struct wall now);
static void heads_adopt(struct archive *archive);
static enum err writing_begin(struct archive *archive, bool writable);

enum err archive_recover(struct archive *archive, struct wall now, struct why *why)
{
    bool writable = true;
    enum err err = clients_recover(archive, why);
    if (err == OK) {
        err = held_recover(archive, now, why);
    }
    if (err == OK) {
        err = journals_list(archive->disk, archive->folder, &archive->journals, why);
    }
    for (size_t i = 0; err == OK && i < archive->journals.count; i++) {
        struct journal_file *journal = &archive->journals.list[i];
        if (journal->end == UINT64_MAX) {
            err = tail_recover(archive, journal, &writable);
        }
        if (err == OK) {
            err = journal_recover(archive, journal, now);
        }
        if (err != OK) {
            return why_say(why, err, 0, "journal %llu cannot be recovered: %s",
                           (unsigned long long)journal->number, err_text(err));
        }
    }
    if (err == OK) {
        heads_adopt(archive);
        err = held_settle(archive);
    }
    if (err == OK) {
        err = writing_begin(archive, writable);
    }
    return err;
}

static enum err clients_recover(struct archive *archive, struct why *why)
{
    uint32_t *clients;
    size_t count;
    enum err err = heads_list(archive->disk, archive->folder, &clients, &count);
    if (err != OK) {
        return why_say(why, err, 0, "%s/heads: %s", archive->folder, err_text(err));
    }
    for (size_t i = 0; err == OK && i < count; i++) {
        struct client *client;
        err = client_get(archive, (struct client_id){clients[i]}, &client);
        if (err == OK) {
            err = client_heads(archive, client);
        }
        if (err != OK) {
            err = why_say(why, err, 0, "the heads of client %u: %s", clients[i], err_text(err));
        }
    }
    free(clients);
    return err;
}

/* How far heads say that the journal was on disk. */
static uint64_t heads_end(const struct archive *archive, uint64_t journal)
{
    uint64_t end = 0;
    for (size_t i = 0; i < archive->clients_count; i++) {
        const struct head *head = &archive->clients[i]->head;
        if (head->journal == journal && head->journal_end > end) {
            end = head->journal_end;
        }
        if (head->journal > journal) {
            end = UINT64_MAX;
        }
    }
    return end;
}

/* Where the journal ends by its headers: before the first bytes that are no frame and behind which
 * nothing proves that they once were one. */
static uint64_t headers_end(struct file *file, uint64_t number, uint64_t durable,
                            uint64_t *ret_group)
{
    struct walk walk;
    struct frame frame;
    struct sha256 before;
    bool before_known = false;
    uint64_t open = UINT64_MAX; /* where the first doubtful stretch begins */
    walk_init(&walk, file, number, 0, UINT64_MAX);
    *ret_group = 0;
    while (walk_next(&walk, &frame)) {
        uint64_t doubtful = frame.offset - walk.skipped;
        bool follows = walk.skipped == 0 && (!before_known || sha256_equal(&before, &frame.chain));
        if (open != UINT64_MAX && frame.group > open) {
            open = UINT64_MAX;
        }
        if (!follows && open == UINT64_MAX && frame.group <= doubtful) {
            open = doubtful;
        }
        if (open < durable) {
            open = UINT64_MAX;
        }
        if (open == UINT64_MAX) {
            *ret_group = frame.group;
        }
        before = frame.hash;
        before_known = true;
    }
    if (walk.skipped > 0 && open == UINT64_MAX && walk.end - walk.skipped >= durable) {
        open = walk.end - walk.skipped;
    }
    return open < walk.end ? open : walk.end;
}

/* The same by the payloads of the last group. */
static uint64_t payloads_end(struct archive *archive, struct file *file, uint64_t number,
                             uint64_t group, uint64_t end, uint64_t durable)
{
    struct walk walk;
    struct frame frame;
    struct str payload;
    walk_init(&walk, file, number, group, end);
    while (walk_next(&walk, &frame)) {
        arena_reset(archive->scratch);
        if (frame.offset >= durable &&
            frame_payload(file, &frame, archive->scratch, &payload, NULL) == ERR_CORRUPT) {
            return frame.offset;
        }
    }
    return end;
}

static enum err debris_copy(struct archive *archive, struct file *file, uint64_t number,
                            uint64_t from, uint64_t size)
{
    char path[PATH_SIZE + 64];
    struct file *debris;
    uint64_t at = 0;
    arena_reset(archive->scratch);
    char *piece = arena_take(archive->scratch, 1 << 20);
    if (piece == NULL) {
        return ERR_MEMORY;
    }
    (void)snprintf(path, sizeof path, "%s/debris/%010llu-%llu.debris", archive->folder,
                   (unsigned long long)number, (unsigned long long)from);
    enum err err = disk_open(archive->disk, path, DISK_WRITE_CREATE, &debris, NULL);
    if (err != OK) {
        return err;
    }
    while (err == OK && from + at < size && at < DEBRIS_SIZE_MAX) {
        size_t got = 0;
        err = file_read(file, from + at, piece, 1 << 20, &got);
        if (err == OK && got == 0) {
            break;
        }
        if (err == OK) {
            err = file_write(debris, at, piece, got);
        }
        at += got;
    }
    if (err == OK) {
        err = file_sync(debris);
    }
    file_close(debris);
    return err;
}

/* A tail that cannot be set aside stays where it is, and writing goes on in a new journal, whose
 * frames say where this one ended. */
static enum err tail_recover(struct archive *archive, struct journal_file *journal,
                             bool *ret_writable)
{
    char path[PATH_SIZE];
    struct file *file;
    uint64_t size = 0;
    uint64_t group = 0;
    enum err err = journal_path(archive->folder, journal->number, path, sizeof path);
    if (err == OK) {
        err = disk_open(archive->disk, path, archive->read_only ? DISK_READ : DISK_WRITE, &file,
                        NULL);
    }
    if (err != OK) {
        return err;
    }
    err = file_size(file, &size);
    if (err == OK) {
        uint64_t durable = heads_end(archive, journal->number);
        uint64_t end = headers_end(file, journal->number, durable, &group);
        end = payloads_end(archive, file, journal->number, group, end, durable);
        journal->end = end;
        *ret_writable = true;
        if (end < size && !archive->read_only) {
            *ret_writable = debris_copy(archive, file, journal->number, end, size) == OK &&
                            file_truncate(file, end) == OK;
        }
        if (!archive->read_only) {
            err = file_sync(file);
        }
    }
    file_close(file);
    return err;
}

/* Leaves between those known and this frame's are lost.  Returns false if that cannot be. */
static bool leaves_fill(struct client *client, const struct frame *frame)
{
    const struct tree *signed_tree = &client->head.tree;
    if (frame->leaf_index < client->tree.size) {
        return false;
    }
    if (frame->leaf_index > client->tree.size && signed_tree->size > client->tree.size &&
        signed_tree->size <= frame->leaf_index) {
        client->tree = *signed_tree;
        client->leaves_lost = false;
    }
    if (frame->leaf_index > client->tree.size) {
        tree_add_lost(&client->tree, frame->leaf_index - client->tree.size);
        client->leaves_lost = true;
    }
    return true;
}

/* The leaf is in a segment too, which is what counts its events. */
static void sealed_note(struct archive *archive, struct client *client, const struct frame *frame)
{
    struct str source = str_of(&frame->source.value, sizeof frame->source.value);
    struct client_journal *of_client = client_journal_find(client, frame->journal);
    struct journal_file *journal = journals_find(&archive->journals, frame->journal);
    uint64_t stored = 0;
    if (!leafset_has(&client->sealed, frame->leaf_index) || of_client == NULL || journal == NULL) {
        return;
    }
    of_client->sealed++;
    journal->sealed++;
    if (map_get(&archive->stored, source, &stored) && stored >= frame->events) {
        (void)!map_put(&archive->stored, source, stored - frame->events);
    }
}

static enum err frame_recover(struct archive *archive, const struct frame *frame, struct wall now)
{
    struct client *client;
    enum err err = client_get(archive, frame->client, &client);
    if (err != OK) {
        return err;
    }
    if (frame->kind == FRAME_DATA && (frame->first < client->next || !leaves_fill(client, frame))) {
        return OK;
    }
    if (frame->kind == FRAME_DATA && !client->sealed_known) {
        err = held_leaves(archive, client, frame->leaf_index);
        client->sealed_known = err == OK;
    }
    err = err == OK ? archive_learn(archive, frame) : err;
    if (err == OK && frame->kind == FRAME_DATA) {
        sealed_note(archive, client, frame);
    }
    if (client->leaves_lost && client->tree.size == client->head.tree.size) {
        client->tree = client->head.tree;
        client->leaves_lost = false;
    }
    if (err == OK && batch_key_given(&frame->key) &&
        frame->wall.ns >= now.ns - IDEMPOTENCY_SECONDS * NS_PER_SECOND) {
        struct seen_entry entry = {frame->client.value, frame->source.value, frame->key,
                                   frame->first, frame->wall};
        err = seen_add(archive->seen, &entry);
    }
    return err;
}

static enum err journal_recover(struct archive *archive, struct journal_file *journal,
                                struct wall now)
{
    char path[PATH_SIZE];
    struct file *file;
    struct walk walk;
    struct frame frame;
    if (journal->end == 0) {
        return OK;
    }
    enum err err = journal_path(archive->folder, journal->number, path, sizeof path);
    if (err == OK) {
        err = disk_open(archive->disk, path, DISK_READ, &file, NULL);
    }
    if (err != OK) {
        return err;
    }
    walk_init(&walk, file, journal->number, 0, journal->end);
    while (err == OK && walk_next(&walk, &frame)) {
        archive->chain = frame.hash;
        journal->damaged = journal->damaged || walk.skipped > 0;
        err = frame_recover(archive, &frame, now);
    }
    journal->damaged = journal->damaged || walk.skipped > 0;
    file_close(file);
    return err;
}

/* What heads know of and no journal holds any more is lost, but its numbers stay given. */
static void heads_adopt(struct archive *archive)
{
    for (size_t i = 0; i < archive->clients_count; i++) {
        struct client *client = archive->clients[i];
        if (client->head_known && client->head.tree.size > client->tree.size) {
            client->tree = client->head.tree;
        }
        if (client->head_known && client->head.events >= client->next) {
            client->next = client->head.events + 1;
        }
    }
}

static enum err writing_begin(struct archive *archive, bool writable)
{
    uint64_t last = 0;
    size_t kept = 0;
    for (size_t i = 0; i < archive->journals.count; i++) {
        const struct journal_file journal = archive->journals.list[i];
        last = journal.number;
        if (journal.end > 0) {
            archive->journals.list[kept++] = journal;
        }
    }
    archive->journals.count = kept;
    archive->journal = last + 1;
    archive->end = 0;
    if (kept == 0) {
        return OK;
    }
    const struct journal_file *journal = &archive->journals.list[kept - 1];
    struct frame frame;
    struct walk walk;
    char path[PATH_SIZE];
    enum err err = journal_path(archive->folder, journal->number, path, sizeof path);
    if (err == OK) {
        err = disk_open(archive->disk, path, archive->read_only ? DISK_READ : DISK_WRITE,
                        &archive->file, NULL);
    }
    if (err != OK) {
        return err;
    }
    walk_init(&walk, archive->file, journal->number, 0, journal->end);
    if (!writable || journal->number != last || !walk_next(&walk, &frame)) {
        archive->before_journal = journal->number;
        archive->before_end = journal->end;
        file_close(archive->file);
        archive->file = NULL;
        return OK;
    }
    archive->journal = journal->number;
    archive->end = journal->end;
    archive->before_journal = frame.before_journal;
    archive->before_end = frame.before_end;
    return OK;
}
