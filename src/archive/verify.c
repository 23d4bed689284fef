/*
 * Judging a whole archive:
 *
 *     keys, heads (chain.c) and segments (verify_segment.c), client by client → every frame of
 * every journal, in order, and between them the leaves that only segments hold → what heads promise
 * and nothing holds
 *
 * From outside, of each frame: its header against its hash, its chain against the frame before,
 * its payload against the header's hash.  With the client's key: that it opens, that the batch is
 * well-formed and the one named, and that the leaf is the hash of its salt and records.  Of each
 * head: that the leaves up to it give its root, and that the journals had, where it says, the chain
 * that it says.
 *
 * After damage, the tree goes on from the subtrees of the next head that covers the gap: one lost
 * leaf is named once, not again at each later head.
 */

#include "archive/forget.h"
#include "archive/private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err clients_judge(struct judge *judge, struct why *why);
static enum err journal_judge(struct judge *judge, const struct journal_file *journal, bool last);
static enum err frame_judge(struct judge *judge, struct file *file, const char *name,
                            const struct frame *frame);
static enum err frame_pass(struct judge *judge, struct judged *client, const char *name,
                           const struct frame *frame);
static enum err sealed_until(struct judge *judge, struct judged *client, uint64_t index);
static void marks_pass(struct judge *judge, const char *name, const struct frame *frame,
                       uint64_t skipped);
static enum err ends_judge(struct judge *judge);

void judge_say(struct judge *judge, const char *file, uint64_t offset, const char *format, ...)
{
    char text[WHY_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    judge->report.damaged++;
    if (judge->call != NULL) {
        judge->call(judge->context, file, offset, text);
    }
}

static int mark_compare(const void *a, const void *b)
{
    const struct mark *left = a;
    const struct mark *right = b;
    if (left->journal != right->journal) {
        return left->journal < right->journal ? -1 : 1;
    }
    return left->journal_end < right->journal_end ? -1 : left->journal_end > right->journal_end;
}

static enum err archive_judge(struct judge *judge, struct why *why)
{
    struct journals journals = {0};
    enum err err = clients_judge(judge, why);
    if (err == OK) {
        err = journals_list(judge->disk, judge->folder, &journals, why);
    }
    if (err == OK && judge->marks.count > 0) {
        qsort(judge->marks.list, judge->marks.count, sizeof *judge->marks.list, mark_compare);
    }
    for (size_t i = 0; err == OK && i < journals.count; i++) {
        err = journal_judge(judge, &journals.list[i], i + 1 == journals.count);
        if (err != OK) {
            err = why_say(why, err, 0, "journal %llu cannot be read: %s",
                          (unsigned long long)journals.list[i].number, err_text(err));
        }
    }
    if (err == OK) {
        err = ends_judge(judge);
    }
    journals_done(&journals);
    return err;
}

enum err archive_verify(struct disk *disk, const char *folder, const char *keys, verify_call *call,
                        void *context, struct verify_report *ret, struct why *why)
{
    struct judge judge = {
        .disk = disk, .folder = folder, .keys = keys, .call = call, .context = context};
    bool there = false;
    map_init(&judge.by_client, CLIENTS_MAX, 0);
    enum err err = keys == NULL ? OK : disk_exists(disk, keys, &there);
    if (!there) {
        judge.keys = NULL;
        judge.report.keys_missing = true;
    }
    judge.zstd = zstd_new(1);
    judge.mem = arena_new(8 * (size_t)BATCH_SIZE_MAX);
    judge.clients = calloc(CLIENTS_MAX, sizeof(struct judged *));
    if (judge.zstd == NULL || judge.mem == NULL || judge.clients == NULL) {
        err = ERR_MEMORY;
    }
    if (err == OK) {
        err = archive_judge(&judge, why);
    }
    for (size_t i = 0; judge.clients != NULL && i < judge.clients_count; i++) {
        free(judge.clients[i]->marks.list);
        sealed_free(judge.clients[i]->sealed);
        gone_done(&judge.clients[i]->gone);
        secret_forget(judge.clients[i], sizeof *judge.clients[i]);
        free(judge.clients[i]);
    }
    judge.report.clients = judge.clients_count;
    free(judge.clients);
    free(judge.marks.list);
    map_done(&judge.by_client);
    zstd_free(judge.zstd);
    arena_free(judge.mem);
    *ret = judge.report;
    return err == OK && judge.report.damaged > 0 ? ERR_CORRUPT : err;
}

/* Whether its archive was destroyed, as a signed certificate says; then nothing of it is missed.  A
 * client of whom there are heads was not. */
static bool client_gone(const struct judge *judge, const struct judged *client)
{
    char path[PATH_SIZE];
    struct destroyed destroyed;
    bool heads = true;
    return !client->key_known &&
           heads_path(judge->folder, client->client, path, sizeof path) == OK &&
           disk_exists(judge->disk, path, &heads) == OK && !heads &&
           archive_destroyed(judge->disk, judge->folder, client->client, &destroyed) == OK;
}

/* The client, judged by its heads when it is first met. */
enum err judge_client(struct judge *judge, struct client_id id, struct judged **ret)
{
    struct str name = str_of(&id.value, sizeof id.value);
    uint64_t index;
    if (map_get(&judge->by_client, name, &index)) {
        *ret = judge->clients[index];
        return OK;
    }
    enum err err = map_put(&judge->by_client, name, judge->clients_count);
    struct judged *client = calloc(1, sizeof *client);
    if (err != OK || client == NULL) {
        free(client);
        return err != OK ? err : ERR_MEMORY;
    }
    client->client = id;
    client->next = 1;
    client->whole = true;
    judge->clients[judge->clients_count++] = client;
    if (judge->keys != NULL) {
        enum err key = key_load(judge->disk, judge->keys, id, client->key, NULL);
        client->key_known = key == OK;
        if (key == ERR_CORRUPT) {
            char file[64];
            (void)snprintf(file, sizeof file, "keys/%u.key", id.value);
            judge_say(judge, file, 0, "the key of client %u is damaged", id.value);
        }
    }
    client->destroyed = client_gone(judge, client);
    judge->report.destroyed += client->destroyed;
    judge->report.keys_missing =
        judge->report.keys_missing || (!client->key_known && !client->destroyed);
    *ret = client;
    if (client->destroyed) {
        return OK;
    }
    err = chain_judge(judge, client);
    err = err == OK ? stamps_judge(judge, id) : err;
    if (err == OK) {
        err = gone_load(judge->disk, judge->folder, id, &client->gone, NULL);
    }
    return err == OK ? sealed_judge(judge, client) : err;
}

/* A client whose heads file is gone altogether is still known by its signing key. */
static enum err signer_visit(void *context, const char *name)
{
    struct str text = str_from(name);
    struct judged *client;
    uint64_t number;
    if (!str_ends(text, STR(".sign")) ||
        str_to_u64(str_slice(text, 0, text.size - 5), UINT32_MAX, &number) != OK || number == 0) {
        return OK;
    }
    return judge_client(context, (struct client_id){(uint32_t)number}, &client);
}

static enum err clients_judge(struct judge *judge, struct why *why)
{
    uint32_t *clients;
    size_t count;
    enum err err = heads_list(judge->disk, judge->folder, &clients, &count);
    if (err != OK) {
        return why_say(why, err, 0, "%s/heads: %s", judge->folder, err_text(err));
    }
    for (size_t i = 0; err == OK && i < count; i++) {
        struct judged *client;
        err = judge_client(judge, (struct client_id){clients[i]}, &client);
    }
    free(clients);
    if (err == OK && judge->keys != NULL) {
        err = disk_list(judge->disk, judge->keys, signer_visit, judge);
    }
    return err == OK ? OK : why_say(why, err, 0, "the heads cannot be read: %s", err_text(err));
}

/* Whether the rest of a file may be the beginning of a write: part of a header, a header whose
 * payload is cut, or the zeros of a file whose size grew before its bytes came. */
static bool tail_unfinished(struct file *file, uint64_t journal, uint64_t at, uint64_t end)
{
    static const char start[] = "HINOMIjf";
    char window[4096];
    struct frame frame;
    size_t got = 0;
    if (file_read(file, at, window, sizeof window, &got) != OK || got == 0) {
        return false;
    }
    if (got < FRAME_HEADER_SIZE && memcmp(window, start, got < 8 ? got : 8) == 0) {
        return true;
    }
    if (got >= FRAME_HEADER_SIZE && frame_decode(window, journal, at, &frame)) {
        return frame_end(&frame) > end;
    }
    for (uint64_t from = at; from < end; from += got) {
        if (file_read(file, from, window, sizeof window, &got) != OK || got == 0) {
            return false;
        }
        for (size_t i = 0; i < got; i++) {
            if (window[i] != 0) {
                return false;
            }
        }
    }
    return true;
}

static bool signed_past(const struct judge *judge, uint64_t journal, uint64_t at)
{
    for (size_t i = judge->marks.count; i > 0; i--) {
        const struct mark *mark = &judge->marks.list[i - 1];
        if (mark->journal < journal) {
            break;
        }
        if (mark->journal > journal || mark->journal_end > at) {
            return true;
        }
    }
    return false;
}

/* Journals are removed once segments hold all their leaves: then the tree tells what is missing. */
static bool anything_sealed(const struct judge *judge)
{
    for (size_t i = 0; i < judge->clients_count; i++) {
        if (sealed_any(judge->clients[i])) {
            return true;
        }
    }
    return false;
}

static void chain_check(struct judge *judge, const char *name, const struct frame *frame,
                        uint64_t skipped)
{
    uint64_t before = judge->last_journal;
    uint64_t before_end = judge->last_end;
    bool first = frame->journal != before;
    bool removed = first && frame->before_journal > before && anything_sealed(judge);
    if (removed) {
        judge->chain_known = false;
    } else if (first && judge->chain_known &&
               (frame->before_journal != before || frame->before_end != before_end)) {
        judge_say(judge, name, frame->offset,
                  "journal %llu should end at %llu before this frame, and does not",
                  (unsigned long long)frame->before_journal, (unsigned long long)frame->before_end);
    } else if (first && !judge->chain_known && frame->before_journal != 0 && before == 0) {
        judge_say(judge, name, frame->offset, "journal %llu is missing",
                  (unsigned long long)frame->before_journal);
    } else if (judge->chain_known && skipped == 0 && !sha256_equal(&frame->chain, &judge->chain)) {
        judge_say(judge, name, frame->offset, "the frame does not follow the one before it");
    }
    judge->chain = frame->hash;
    judge->chain_known = true;
    judge->last_journal = frame->journal;
    judge->last_end = frame_end(frame);
}

static enum err journal_judge(struct judge *judge, const struct journal_file *journal, bool last)
{
    char path[PATH_SIZE];
    char name[64];
    struct file *file;
    struct walk walk;
    struct frame frame;
    (void)snprintf(name, sizeof name, "%010llu.journal", (unsigned long long)journal->number);
    judge->report.journals++;
    enum err err = journal_path(judge->folder, journal->number, path, sizeof path);
    if (err == OK) {
        err = disk_open(judge->disk, path, DISK_READ, &file, NULL);
    }
    if (err != OK) {
        return err;
    }
    walk_init(&walk, file, journal->number, 0, journal->end);
    if (journal->end != UINT64_MAX && walk.end < journal->end) {
        judge_say(judge, name, walk.end, "the journal ends here and should go on to %llu",
                  (unsigned long long)journal->end);
    }
    while (err == OK && walk_next(&walk, &frame)) {
        if (walk.skipped > 0) {
            judge_say(judge, name, frame.offset - walk.skipped,
                      "%llu bytes are damaged: no frame can be read from them",
                      (unsigned long long)walk.skipped);
        }
        marks_pass(judge, name, &frame, walk.skipped);
        chain_check(judge, name, &frame, walk.skipped);
        err = frame_judge(judge, file, name, &frame);
    }
    if (err == OK && walk.skipped > 0) {
        uint64_t at = walk.end - walk.skipped;
        if (last && !signed_past(judge, journal->number, at) &&
            tail_unfinished(file, journal->number, at, walk.end)) {
            judge->report.unfinished += walk.skipped;
        } else {
            judge_say(judge, name, at, "%llu bytes are damaged: no frame can be read from them",
                      (unsigned long long)walk.skipped);
        }
        if (journal->end != UINT64_MAX) {
            judge->chain_known = false;
        }
    }
    file_close(file);
    return err;
}

/* Heads say what the chain was where they were signed. */
static void marks_pass(struct judge *judge, const char *name, const struct frame *frame,
                       uint64_t skipped)
{
    uint64_t end = frame_end(frame);
    while (judge->marks_at < judge->marks.count) {
        const struct mark *mark = &judge->marks.list[judge->marks_at];
        if (mark->journal > frame->journal ||
            (mark->journal == frame->journal && mark->journal_end > end)) {
            break;
        }
        bool here = mark->journal == frame->journal && mark->journal_end == end;
        bool known = here || (mark->journal == frame->journal &&
                              mark->journal_end > frame->offset - skipped);
        if (here && !sha256_equal(&mark->chain, &frame->hash)) {
            judge_say(judge, name, frame->offset,
                      "client %u's head at %llu was signed over another frame than this",
                      mark->client, (unsigned long long)mark->offset);
        } else if (!here && known && skipped == 0) {
            judge_say(judge, name, frame->offset,
                      "client %u's head at %llu was signed over a frame that ended inside this",
                      mark->client, (unsigned long long)mark->offset);
        }
        judge->marks_at++;
    }
}

static enum err frame_judge(struct judge *judge, struct file *file, const char *name,
                            const struct frame *frame)
{
    struct judged *client;
    struct why why = {0};
    struct str payload;
    enum err err = judge_client(judge, frame->client, &client);
    if (err != OK) {
        return err;
    }
    arena_reset(judge->mem);
    judge->report.frames++;
    err = frame_payload(file, frame, judge->mem, &payload, &why);
    if (err == OK && client->key_known) {
        uint8_t salt[FRAME_SALT_SIZE];
        struct batch batch;
        bool same = true;
        struct sha256 key = journal_key(client->key, frame->client, frame->journal);
        if (frame->kind == FRAME_DATA) {
            err = frame_unfold(frame, payload, &key, judge->zstd, judge->mem, salt, &batch, &why);
            if (err == OK && frame_leaf_check(frame, salt, &batch, &same) == OK && !same) {
                err = why_say(&why, ERR_CORRUPT, 0, "the leaf is not that of its records");
            }
        } else {
            err = frame_open(frame, payload, &key, judge->zstd, judge->mem, salt, &payload, &why);
        }
        secret_forget(&key, sizeof key);
    }
    if (err == ERR_CORRUPT && frame->kind == FRAME_DATA) {
        judge_say(judge, name, frame->offset, "%s: events %llu to %llu of client %u are lost",
                  why.text, (unsigned long long)frame->first,
                  (unsigned long long)(frame->first + frame->events - 1), frame->client.value);
    } else if (err == ERR_CORRUPT) {
        judge_say(judge, name, frame->offset, "%s: a generation of client %u is lost", why.text,
                  frame->client.value);
    } else if (err != OK) {
        return err;
    }
    return frame->kind == FRAME_DATA && !client->destroyed ? frame_pass(judge, client, name, frame)
                                                           : OK;
}

/* Heads of `leaves` leaves: their root, or, where leaves are lost, their subtrees. */
static void heads_pass(struct judge *judge, struct judged *client)
{
    struct head head;
    for (; client->marks_at < client->marks.count; client->marks_at++) {
        const struct mark *mark = &client->marks.list[client->marks_at];
        if (mark->leaves > client->leaves) {
            break;
        }
        if (mark->leaves < client->leaves) {
            continue;
        }
        if (!client->whole && chain_head(judge, mark, &head)) {
            client->tree = head.tree;
            client->whole = true;
        }
        struct sha256 root = tree_root(&client->tree);
        if (client->whole &&
            (!sha256_equal(&root, &mark->root) || mark->events + 1 != client->next)) {
            char name[64];
            (void)snprintf(name, sizeof name, "heads/%u.heads", client->client.value);
            judge_say(judge, name, mark->offset,
                      "the first %llu leaves (events up to %llu) do not give the root that was "
                      "signed",
                      (unsigned long long)mark->leaves, (unsigned long long)mark->events);
            client->whole = false;
        }
    }
}

/* Over the leaves before this index that tombstones say are gone. */
static void gone_until(struct judge *judge, struct judged *client, uint64_t index)
{
    heads_pass(judge, client);
    const struct gone_run *run = gone_find(&client->gone, client->leaves);
    while (run != NULL && run->index == client->leaves && run->index + run->leaves <= index) {
        if (client->whole) {
            gone_pass(&client->gone, run, &client->tree);
        }
        client->leaves += run->leaves;
        client->next = run->first + run->events;
        heads_pass(judge, client);
        run = gone_find(&client->gone, client->leaves);
    }
}

static void leaf_judge(struct judge *judge, struct judged *client, const char *name,
                       uint64_t offset, const struct segment_leaf *leaf)
{
    gone_until(judge, client, leaf->index);
    if (leaf->first < client->next || leaf->index < client->leaves) {
        judge_say(judge, name, offset, "events from %llu of client %u are there twice",
                  (unsigned long long)leaf->first, client->client.value);
        return;
    }
    if (leaf->first > client->next) {
        judge_say(judge, name, offset,
                  "before this frame, events %llu to %llu of client %u are lost",
                  (unsigned long long)client->next, (unsigned long long)leaf->first - 1,
                  client->client.value);
    } else if (leaf->index > client->leaves) {
        judge_say(judge, name, offset, "before this frame, leaves of client %u are missing",
                  client->client.value);
    }
    if (leaf->index > client->leaves) {
        client->whole = false;
        client->leaves = leaf->index;
        client->next = leaf->first;
        heads_pass(judge, client);
    }
    if (client->whole) {
        tree_add(&client->tree, &leaf->hash);
    }
    client->leaves++;
    client->next = leaf->first + leaf->events;
    judge->report.leaves++;
    judge->report.events += leaf->events;
    heads_pass(judge, client);
}

/* The leaves before this index that segments hold and no journal any more. */
static enum err sealed_until(struct judge *judge, struct judged *client, uint64_t index)
{
    const struct segment_leaf *leaf;
    char name[SEALED_NAME_SIZE];
    enum err err = sealed_peek(judge, client, &leaf, name);
    while (err == OK && leaf != NULL && leaf->index < index) {
        uint64_t passed = leaf->index;
        if (gone_find(&client->gone, passed) == NULL) { /* else a crash came before the unlink */
            leaf_judge(judge, client, name, 0, leaf);
        }
        sealed_pass(client, passed);
        err = sealed_peek(judge, client, &leaf, name);
    }
    return err;
}

/* A leaf that is in a journal and in a segment is one leaf. */
static enum err frame_pass(struct judge *judge, struct judged *client, const char *name,
                           const struct frame *frame)
{
    const struct segment_leaf *sealed;
    char sealed_name[SEALED_NAME_SIZE];
    const struct segment_leaf leaf = {.index = frame->leaf_index,
                                      .source = frame->source,
                                      .first = frame->first,
                                      .events = frame->events,
                                      .hash = frame->leaf};
    enum err err = sealed_until(judge, client, frame->leaf_index);
    err = err == OK ? sealed_peek(judge, client, &sealed, sealed_name) : err;
    if (err != OK) {
        return err;
    }
    if (sealed != NULL && sealed->index == leaf.index) {
        if (!sha256_equal(&sealed->hash, &leaf.hash) || sealed->first != leaf.first ||
            sealed->events != leaf.events || sealed->source.value != leaf.source.value) {
            judge_say(judge, sealed_name, 0, "leaf %llu is another than in journal %llu",
                      (unsigned long long)leaf.index, (unsigned long long)frame->journal);
        }
        sealed_pass(client, leaf.index);
    }
    leaf_judge(judge, client, name, frame->offset, &leaf);
    return OK;
}

static enum err ends_judge(struct judge *judge)
{
    for (size_t i = 0; i < judge->clients_count; i++) {
        struct judged *client = judge->clients[i];
        char name[64];
        if (client->destroyed) {
            continue;
        }
        enum err err = sealed_until(judge, client, UINT64_MAX);
        if (err != OK) {
            return err;
        }
        (void)snprintf(name, sizeof name, "heads/%u.heads", client->client.value);
        gone_until(judge, client, UINT64_MAX);
        const struct mark *last =
            client->marks.count > 0 ? &client->marks.list[client->marks.count - 1] : NULL;
        if (last != NULL && last->leaves > client->leaves) {
            judge_say(judge, name, last->offset,
                      "events %llu to %llu of client %u were signed and are nowhere: lost",
                      (unsigned long long)client->next, (unsigned long long)last->events,
                      client->client.value);
        } else {
            judge->report.unsigned_leaves += client->leaves - (last != NULL ? last->leaves : 0);
        }
    }
    for (; judge->marks_at < judge->marks.count; judge->marks_at++) {
        const struct mark *mark = &judge->marks.list[judge->marks_at];
        if (mark->journal_end > 0 &&
            (mark->journal > judge->last_journal || mark->journal_end > judge->last_end)) {
            char name[64];
            (void)snprintf(name, sizeof name, "%010llu.journal", (unsigned long long)mark->journal);
            judge_say(judge, name, judge->last_journal == mark->journal ? judge->last_end : 0,
                      "frames up to %llu were signed over and are not there",
                      (unsigned long long)mark->journal_end);
            break;
        }
    }
    return OK;
}
