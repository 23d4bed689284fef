/*
 * Reading again: one client's frames, journal by journal, opened with keys that fit this client
 * and these journals only.  Headers of other clients' frames are passed over.
 *
 * A frame that is damaged is passed over too: a search answers with all that is still there, and
 * verify says what is not.
 */

#include "archive/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define GRANT_SIZE 72
#define OFFSETS_SIZE_MAX                                                    \
    ((size_t)1 << 30) /* of a journal's frames, whose headers are 304 bytes \
                       */
/* A frame is made after its events have come, unless the clock was set back between the two. */
#define CLOCK_SET_BACK_NS (3600 * NS_PER_SECOND)

struct reader_journal {
    struct grant grant;
    struct file *file; /* NULL: opened when needed, from `folder` */
};

struct reader {
    struct reader_journal *list;
    size_t count, capacity;
    struct disk *disk;
    char *folder;
    struct zstd *zstd;
    struct arena *mem;
    reader_pause *pause;
    void *pause_context;
    reader_generation *generation;
    void *generation_context;
};

/* Asks whether a frame is wanted at all, and then for each of its events. */
struct wanted {
    const struct query *query;
    struct wall from, to;
    const uint64_t *sequences;
    size_t count, at;
    bool by_sequence;
    bool by_arrival; /* from and to are of the arrival, not of the event's own time */
};

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

void reader_close(struct reader *reader)
{
    if (reader == NULL) {
        return;
    }
    for (size_t i = 0; i < reader->count; i++) {
        file_close(reader->list[i].file);
        secret_forget(&reader->list[i], sizeof reader->list[i]);
    }
    free(reader->list);
    free(reader->folder);
    zstd_free(reader->zstd);
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

enum err reader_add(struct reader *reader, int descriptor, struct str bytes, struct why *why)
{
    struct grant grant;
    struct file *file;
    enum err err = file_adopt(descriptor, &file);
    if (err != OK) {
        return err;
    }
    err = grant_decode(bytes, &grant);
    if (err == OK) {
        err = journal_insert(reader, &grant, file);
    }
    if (err != OK) {
        file_close(file);
        return why_say(why, err, 0, "a journal cannot be added: %s", err_text(err));
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

static bool frame_wanted(struct wanted *wanted, const struct frame *frame)
{
    if (!wanted->by_sequence) {
        return !wanted->by_arrival || wanted->from.ns < CLOCK_SET_BACK_NS ||
               frame->wall.ns >= wanted->from.ns - CLOCK_SET_BACK_NS;
    }
    while (wanted->at < wanted->count && wanted->sequences[wanted->at] < frame->first) {
        wanted->at++;
    }
    return wanted->at < wanted->count &&
           wanted->sequences[wanted->at] - frame->first < frame->events;
}

/* Sequence numbers ascend from frame to frame, so nothing more of it will come. */
static bool all_found(const struct wanted *wanted)
{
    return wanted->by_sequence && wanted->at == wanted->count;
}

static enum err frame_search(struct reader *reader, const struct reader_journal *journal,
                             const struct frame *frame, struct wanted *wanted,
                             struct arena *scratch, reader_call *call, void *context)
{
    uint8_t salt[FRAME_SALT_SIZE];
    struct batch batch;
    arena_reset(reader->mem);
    enum err err = frame_batch(journal->file, frame, &journal->grant.key, reader->zstd, reader->mem,
                               salt, &batch, NULL);
    if (err == ERR_CORRUPT) {
        return OK;
    }
    for (uint32_t i = 0; err == OK && i < batch.events; i++) {
        struct event event;
        bool fits = false;
        batch_event(&batch, i, &event);
        arena_reset(scratch);
        err = event_wanted(wanted, &event, frame->first + i, scratch, &fits);
        if (err == OK && fits) {
            err = call(context, (struct place){frame->client, frame->first + i}, &event);
        }
    }
    return err;
}

/* One that is damaged is passed over, like any frame. */
static enum err generation_tell(struct reader *reader, const struct reader_journal *journal,
                                const struct frame *frame)
{
    uint8_t salt[FRAME_SALT_SIZE];
    struct str plain = {0};
    struct str payload;
    arena_reset(reader->mem);
    enum err err = frame_payload(journal->file, frame, reader->mem, &payload, NULL);
    if (err == OK) {
        err = frame_open(frame, payload, &journal->grant.key, reader->zstd, reader->mem, salt,
                         &plain, NULL);
    }
    size_t kind = plain.size > 0 ? (unsigned char)plain.data[0] : 0;
    if (err == ERR_CORRUPT || (err == OK && kind >= plain.size)) {
        return OK;
    }
    return err == OK ? reader->generation(reader->generation_context, str_slice(plain, 1, kind),
                                          str_slice(plain, 1 + kind, plain.size))
                     : err;
}

/* Opened here where it was not lent: *ret_opened, then journal_leave. */
static enum err journal_enter(struct reader *reader, struct reader_journal *journal,
                              struct client_id client, bool *ret_opened, struct why *why)
{
    char path[PATH_SIZE];
    if (!client_equal(journal->grant.client, client)) {
        return why_say(why, ERR_DENIED, 0, "these journals were lent for another client");
    }
    *ret_opened = journal->file == NULL;
    if (!*ret_opened) {
        return OK;
    }
    enum err err = journal_path(reader->folder, journal->grant.journal, path, sizeof path);
    if (err == OK) {
        err = disk_open(reader->disk, path, DISK_READ, &journal->file, why);
    }
    if (err != OK) {
        journal->file = NULL;
    }
    return err;
}

static void journal_leave(struct reader_journal *journal, bool opened)
{
    if (opened) {
        file_close(journal->file);
        journal->file = NULL;
    }
}

static enum err journal_search(struct reader *reader, struct reader_journal *journal,
                               struct client_id client, struct wanted *wanted,
                               struct arena *scratch, reader_call *call, void *context,
                               struct why *why)
{
    struct walk walk;
    struct frame frame;
    bool opened;
    enum err err = journal_enter(reader, journal, client, &opened, why);
    if (err != OK) {
        return err;
    }
    walk_init(&walk, journal->file, journal->grant.journal, journal->grant.first_offset,
              journal->grant.end);
    while (err == OK && !all_found(wanted) && walk_next(&walk, &frame)) {
        if (client_equal(frame.client, client) && frame.kind == FRAME_GENERATION &&
            reader->generation != NULL) {
            err = generation_tell(reader, journal, &frame);
        }
        if (err == OK && client_equal(frame.client, client) && frame.kind == FRAME_DATA &&
            frame_wanted(wanted, &frame)) {
            err = reader->pause == NULL ? OK : reader->pause(reader->pause_context);
            if (err == OK) {
                err = frame_search(reader, journal, &frame, wanted, scratch, call, context);
            }
        }
    }
    journal_leave(journal, opened);
    return err;
}

/* Where the frames lie that are wanted, ascending, 8 bytes each: frames can only be found from the
 * front, and are read from the back. */
static enum err frames_find(const struct reader_journal *journal, struct client_id client,
                            struct wanted *wanted, struct buf *offsets)
{
    struct walk walk;
    struct frame frame;
    enum err err = OK;
    walk_init(&walk, journal->file, journal->grant.journal, journal->grant.first_offset,
              journal->grant.end);
    while (err == OK && walk_next(&walk, &frame)) {
        if (client_equal(frame.client, client) && frame.kind == FRAME_DATA &&
            frame_wanted(wanted, &frame)) {
            char offset[8];
            put_u64(offset, frame.offset);
            err = buf_append(offsets, str_of(offset, sizeof offset));
        }
    }
    return err;
}

static enum err journal_search_back(struct reader *reader, struct reader_journal *journal,
                                    struct client_id client, struct wanted *wanted,
                                    struct arena *scratch, reader_call *call, void *context,
                                    struct why *why)
{
    struct buf offsets;
    bool opened;
    enum err err = journal_enter(reader, journal, client, &opened, why);
    if (err != OK) {
        return err;
    }
    buf_init(&offsets, OFFSETS_SIZE_MAX);
    err = frames_find(journal, client, wanted, &offsets);
    for (size_t at = offsets.size; at > 0 && err == OK; at -= 8) {
        struct walk walk;
        struct frame frame;
        walk_init(&walk, journal->file, journal->grant.journal, get_u64(offsets.data + at - 8),
                  journal->grant.end);
        err = reader->pause == NULL ? OK : reader->pause(reader->pause_context);
        if (err == OK && walk_next(&walk, &frame)) {
            err = frame_search(reader, journal, &frame, wanted, scratch, call, context);
        }
    }
    buf_done(&offsets);
    journal_leave(journal, opened);
    return err;
}

static enum err reader_run(const struct scope *scope, struct reader *reader,
                           struct client_id client, struct wanted *wanted, reader_call *call,
                           void *context, struct why *why)
{
    if (!scope_allows(scope, client, RIGHT_READ)) {
        return why_say(why, ERR_DENIED, 0, "client %u may not be read", client.value);
    }
    struct arena *scratch = arena_new(8 * (size_t)RECORD_SIZE_MAX);
    if (scratch == NULL) {
        return ERR_MEMORY;
    }
    enum err err = OK;
    for (size_t i = 0; err == OK && i < reader->count && !all_found(wanted); i++) {
        size_t at = wanted->by_arrival ? reader->count - 1 - i : i;
        err = (wanted->by_arrival ? journal_search_back : journal_search)(
            reader, &reader->list[at], client, wanted, scratch, call, context, why);
    }
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
