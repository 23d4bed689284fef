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
    if (client->held_count > 0 && (err == ERR_NOT_FOUND || (err == OK && frame.first > sequence))) {
        uint64_t first;
        enum err held = held_read(archive, client, sequence, mem, ret, &first, why);
        if (held == OK && (err == ERR_NOT_FOUND || first < frame.first)) {
            *ret_first = (struct place){id, first};
            return OK;
        }
        if (held != OK && held != ERR_NOT_FOUND) {
            return held;
        }
    }
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

/* Lends a file that is open; the descriptor is the caller's. */
static enum err file_lend(struct file *file, int *ret_descriptor)
{
    *ret_descriptor = file_release(file);
    return *ret_descriptor < 0 ? ERR_UNSUPPORTED : OK;
}

static enum err journal_lend(struct archive *archive, struct client *client,
                             const struct client_journal *lent, const struct index_entry *begin,
                             int *ret_descriptor, struct buf *grant)
{
    char path[PATH_SIZE];
    struct file *file;
    const struct journal_file *journal = journals_find(&archive->journals, lent->number);
    enum err err = journal == NULL ? ERR_NOT_FOUND
                                   : journal_path(archive->folder, lent->number, path, sizeof path);
    err = err == OK ? disk_open(archive->disk, path, DISK_READ, &file, NULL) : err;
    if (err != OK) {
        return err;
    }
    bool first = lent->number == begin->journal && begin->offset > lent->first_offset;
    struct grant given = {client->id, lent->number, journal->end,
                          first ? begin->offset : lent->first_offset,
                          journal_key(client->key, client->id, lent->number)};
    err = grant_encode(&given, grant);
    secret_forget(&given, sizeof given);
    if (err != OK) {
        file_close(file);
        return err;
    }
    return file_lend(file, ret_descriptor);
}

static enum err segment_lend(struct archive *archive, struct client *client,
                             const struct held *held, int *ret_descriptor, struct buf *grant)
{
    struct file *file;
    enum err err = held_open(archive, client, &held->head, &file);
    if (err != OK) {
        return err;
    }
    struct segment_grant given = {client->id, held->head.generation,
                                  segment_key(client->key, client->id, held->head.seed)};
    err = segment_grant_encode(&given, grant);
    secret_forget(&given, sizeof given);
    if (err != OK) {
        file_close(file);
        return err;
    }
    return file_lend(file, ret_descriptor);
}

/* Whether it may hold an event of the span by either of its times. */
static bool span_overlaps(const struct lend_span *span, const struct segment_head *head)
{
    return head->last >= span->from &&
           ((head->oldest.ns < span->until.ns && head->newest.ns >= span->since.ns) ||
            (head->earliest.ns < span->until.ns && head->latest.ns >= span->since.ns));
}

enum err archive_lend(const struct scope *scope, struct archive *archive, struct client_id id,
                      const struct lend_span *span, struct lend_cursor *cursor, int *ret_descriptor,
                      struct buf *grant)
{
    struct index_entry begin = {0};
    if (!scope_allows(scope, id, RIGHT_READ)) {
        return ERR_DENIED;
    }
    struct client *client = client_find(archive, id);
    if (client == NULL || (client->journals_count == 0 && client->held_count == 0)) {
        return ERR_NOT_FOUND;
    }
    enum err err = client_key(archive, client, NULL);
    if (err == OK && span->from > 1) {
        (void)index_find(&client->index, span->from, &begin); /* without one: from the beginning */
    }
    for (size_t i = 0; err == OK && i < client->journals_count; i++) {
        const struct client_journal *journal = &client->journals[i];
        if (journal->number > cursor->journal && journal->number >= begin.journal) {
            cursor->journal = journal->number;
            if (journal->leaves == 0 || journal->sealed < journal->leaves) {
                return journal_lend(archive, client, journal, &begin, ret_descriptor, grant);
            }
        }
    }
    for (size_t i = 0; err == OK && i < client->held_count; i++) {
        const struct held *held = &client->held[i];
        if (held->head.generation > cursor->generation) {
            cursor->generation = held->head.generation;
            if (span_overlaps(span, &held->head)) {
                return segment_lend(archive, client, held, ret_descriptor, grant);
            }
        }
    }
    return err == OK ? ERR_NOT_FOUND : err;
}
