/*
 * Reading what is committed while writing goes on: for detection that catches up, and for workers
 * to whom journals are lent.
 *
 * Each client has a cursor, the place behind the batch that was read last.  Who reads on from there
 * pays one header a frame; who begins anywhere else starts at the index's nearest entry before it.
 *
 * Always true: nothing past a journal's committed end is read or lent.
 */

#include "archive/private.h"

/* The journal for reading; borrowed. */
static enum err journal_borrow(struct archive *archive, uint64_t number, struct file **ret)
{
    char path[PATH_SIZE];
    if (archive->file != NULL && number == archive->journal) {
        *ret = archive->file;
        return OK;
    }
    if (archive->read_file == NULL || archive->read_journal != number) {
        file_close(archive->read_file);
        archive->read_file = NULL;
        enum err err = journal_path(archive->folder, number, path, sizeof path);
        if (err == OK) {
            err = disk_open(archive->disk, path, DISK_READ, &archive->read_file, NULL);
        }
        if (err != OK) {
            archive->read_file = NULL;
            return err;
        }
        archive->read_journal = number;
    }
    *ret = archive->read_file;
    return OK;
}

/* The client's frame with the sequence, or the first one after it. */
static enum err frame_find(struct archive *archive, struct client *client, uint64_t sequence,
                           struct file **ret_file, struct frame *ret)
{
    struct index_entry from;
    if (!index_find(&client->index, sequence, &from)) {
        return ERR_NOT_FOUND;
    }
    if (client->cursor.first != 0 && client->cursor.first <= sequence &&
        client->cursor.first > from.first) {
        from = client->cursor;
    }
    for (size_t i = 0; i < archive->journals.count; i++) {
        const struct journal_file *journal = &archive->journals.list[i];
        struct walk walk;
        if (journal->number < from.journal ||
            journal_borrow(archive, journal->number, ret_file) != OK) {
            continue;
        }
        walk_init(&walk, *ret_file, journal->number,
                  journal->number == from.journal ? from.offset : 0, journal->end);
        while (walk_next(&walk, ret)) {
            if (client_equal(ret->client, client->id) && ret->kind == FRAME_DATA &&
                ret->first + ret->events > sequence) {
                return OK;
            }
        }
    }
    return ERR_NOT_FOUND;
}

enum err archive_read(const struct scope *scope, struct archive *archive, struct client_id id,
                      uint64_t sequence, struct arena *mem, struct batch *ret,
                      struct place *ret_first, struct why *why)
{
    if (!scope_allows(scope, id, RIGHT_READ) && !scope_allows(scope, id, RIGHT_APPEND)) {
        return ERR_DENIED;
    }
    struct client *client = client_find(archive, id);
    struct file *file;
    struct frame frame;
    uint8_t salt[FRAME_SALT_SIZE];
    if (client == NULL || sequence >= client->next) {
        return ERR_NOT_FOUND;
    }
    enum err err = frame_find(archive, client, sequence, &file, &frame);
    if (err == OK) {
        err = client_key(archive, client, why);
    }
    if (err != OK) {
        return err;
    }
    struct sha256 key = journal_key(client->key, id, frame.journal);
    err = frame_batch(file, &frame, &key, archive->zstd, mem, salt, ret, why);
    secret_forget(&key, sizeof key);
    if (err == OK || err == ERR_CORRUPT) {
        uint64_t after = frame.first + frame.events;
        *ret_first = (struct place){id, err == OK ? frame.first : after};
        client->cursor = (struct index_entry){after, frame.journal, frame_end(&frame)};
    }
    return err;
}

/* Passes over the journals that end before `begin`. */
static const struct client_journal *journal_at(const struct client *client,
                                               const struct index_entry *begin, size_t index)
{
    for (size_t i = 0; i < client->journals_count; i++) {
        if (client->journals[i].number >= begin->journal && index-- == 0) {
            return &client->journals[i];
        }
    }
    return NULL;
}

enum err archive_lend(const struct scope *scope, struct archive *archive, struct client_id id,
                      uint64_t from, size_t index, int *ret_descriptor, struct buf *grant)
{
    struct index_entry begin = {0};
    if (!scope_allows(scope, id, RIGHT_READ)) {
        return ERR_DENIED;
    }
    struct client *client = client_find(archive, id);
    if (client != NULL && from > 1) {
        (void)index_find(&client->index, from, &begin); /* without one: from the beginning */
    }
    const struct client_journal *lent = client != NULL ? journal_at(client, &begin, index) : NULL;
    if (lent == NULL) {
        return ERR_NOT_FOUND;
    }
    uint64_t end = 0;
    for (size_t i = 0; i < archive->journals.count; i++) {
        if (archive->journals.list[i].number == lent->number) {
            end = archive->journals.list[i].end;
        }
    }
    char path[PATH_SIZE];
    struct file *file;
    enum err err = client_key(archive, client, NULL);
    if (err == OK) {
        err = journal_path(archive->folder, lent->number, path, sizeof path);
    }
    if (err == OK) {
        err = disk_open(archive->disk, path, DISK_READ, &file, NULL);
    }
    if (err != OK) {
        return err;
    }
    bool first = lent->number == begin.journal && begin.offset > lent->first_offset;
    struct grant given = {id, lent->number, end, first ? begin.offset : lent->first_offset,
                          journal_key(client->key, id, lent->number)};
    err = grant_encode(&given, grant);
    secret_forget(&given, sizeof given);
    int descriptor = file_release(file);
    if (err == OK && descriptor < 0) {
        err = ERR_UNSUPPORTED;
    }
    if (err == OK) {
        *ret_descriptor = descriptor;
    } else if (descriptor >= 0 && file_adopt(descriptor, &file) == OK) {
        file_close(file);
    }
    return err;
}
