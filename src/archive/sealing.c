/*
 * Core's part of sealing: what is to be made, and whether what a worker made is that.
 *
 *     survey (survey.c) → group: one client, one class → order ─┐
 *     neighbours, cold ones (compact.c) ─────────────── → order ─┤→ worker → adopt: head and tables
 *                                                                  proved, sync, rename, sync of
 * the folder; what it replaces goes a journal all of whose leaves are in segments, under heads, and
 * old enough → removed
 *
 * Always true:
 *
 *   (1) a segment has its name only when its bytes are on disk, and only then its leaves count as
 *       sealed;
 *   (2) it lists leaves that the order named, each as the frame's header or the table of what it
 *       replaces told it, and if it replaces something, all of them; and it says of no source that
 *       its newest record is older than can be, so that none goes before its time;
 *   (3) the newest journal stays, so that no journal's number is given twice.
 */

#include "archive/seal.h"

#include <stdlib.h>
#include <string.h>

#include "archive/private.h"
#include "archive/seal_private.h"
#include "sys/random.h"

#define RETRY_NS (600 * NS_PER_SECOND)
#define LATE_NS  (7 * 86400 * NS_PER_SECOND) /* between a record's arrival and its frame */

static enum err group_order(struct archive *archive, struct seal **ret);

bool archive_turn_over(struct archive *archive, const struct seal_options *options, struct wall now)
{
    const struct journal_file *journal = journals_find(&archive->journals, archive->journal);
    if (archive->pending_count > 0 || archive->end == 0 || archive->read_only) {
        return archive->end == 0 && archive->pending_count == 0;
    }
    bool old = journal != NULL && options->journal_age_ns > 0 &&
               now.ns - journal->oldest.ns >= options->journal_age_ns;
    if (old || archive->end >= archive->journal_size_max) {
        archive_journal_leave(archive);
    }
    return archive->end == 0;
}

enum err archive_seal_next(struct archive *archive, const struct seal_options *options,
                           struct wall now, uint32_t frames_max, struct seal **ret, bool *ret_more)
{
    uint32_t left = frames_max;
    struct seal *seal = NULL;
    *ret_more = false;
    if (archive->read_only || archive->seal != NULL) {
        return ERR_AGAIN;
    }
    enum err err = survey_step(archive, now, &left);
    if (err == OK && archive->survey != NULL) {
        if (!archive->survey->walked) {
            *ret_more = true;
            *ret = NULL;
            return OK;
        }
        err = group_order(archive, &seal);
        *ret_more = err == OK && seal == NULL;
    } else if (err == OK) {
        err = merge_choose(archive, options, now, &seal);
    }
    if (err == OK) {
        archive->seal = seal;
        *ret = seal;
    }
    return err;
}

static enum err promises_make(const struct archive *archive, struct client *client,
                              struct seal *seal)
{
    (void)archive;
    size_t count = 0;
    struct keep_rule *promises = calloc(seal->leaves_count + 1, sizeof *promises);
    if (promises == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < seal->leaves_count; i++) {
        struct source_id source = seal->leaves[i].source;
        size_t at = count;
        while (at > 0 && promises[at - 1].source.value > source.value) {
            at--;
        }
        if (at > 0 && promises[at - 1].source.value == source.value) {
            continue;
        }
        uint32_t days = keep_promise(client, source);
        for (size_t r = 0; r < SEGMENT_REPLACES_MAX && seal->order.replaces[r] != 0; r++) {
            const struct held *held = held_find(client, seal->order.replaces[r]);
            for (size_t s = 0; held != NULL && s < held->sources_count; s++) {
                uint32_t then = held->sources[s].days;
                if (held->sources[s].source.value == source.value && then != KEEP_UNKNOWN &&
                    (days == KEEP_UNKNOWN || then == KEEP_FOR_EVER ||
                     (days != KEEP_FOR_EVER && then > days))) {
                    days = then;
                }
            }
        }
        memmove(promises + at + 1, promises + at, (count - at) * sizeof *promises);
        promises[at] = (struct keep_rule){source, days};
        count++;
    }
    seal->promises = promises;
    seal->order.promises = promises;
    seal->order.promises_count = count;
    return OK;
}

static enum err order_make(struct seal *seal, bool all)
{
    struct seal_run *runs = calloc(seal->leaves_count + 1, sizeof *runs);
    struct seal_work work = {.order = seal->order, .all = all, .runs = runs};
    if (runs == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < seal->leaves_count; i++) {
        uint64_t index = seal->leaves[i].index;
        struct seal_run *last = work.runs_count > 0 ? &runs[work.runs_count - 1] : NULL;
        if (last != NULL && last->first + last->count == index) {
            last->count++;
        } else {
            runs[work.runs_count++] = (struct seal_run){index, 1};
        }
    }
    enum err err = seal_order_encode(&work, &seal->bytes);
    free(runs);
    secret_forget(&work, sizeof work);
    return err;
}

static void seal_free(struct seal *seal)
{
    if (seal != NULL) {
        file_close(seal->output);
        free(seal->leaves);
        free(seal->promises);
        if (seal->bytes.data != NULL) {
            secret_forget(seal->bytes.data, seal->bytes.size);
        }
        buf_done(&seal->bytes);
        secret_forget(seal, sizeof *seal);
        free(seal);
    }
}

static enum err output_make(struct archive *archive, struct client *client, struct seal *seal)
{
    char path[PATH_SIZE];
    enum err err = segments_folder_make(archive, client->id);
    err = err == OK ? segment_path(archive->folder, client->id, seal->order.generation, false, path,
                                   sizeof path)
                    : err;
    if (err != OK) {
        return err;
    }
    err = disk_open(archive->disk, path, DISK_WRITE_NEW, &seal->output, NULL);
    if (err != OK) {
        seal->output = NULL;
    }
    return err;
}

enum err seal_new(struct archive *archive, struct client *client, uint32_t days, uint32_t level,
                  bool all, uint64_t journal, const uint64_t replaces[SEGMENT_REPLACES_MAX],
                  struct segment_leaf *leaves, size_t count, struct seal **ret)
{
    struct seal *seal = calloc(1, sizeof *seal);
    if (seal == NULL) {
        free(leaves);
        return ERR_MEMORY;
    }
    seal->client = client->id;
    seal->journal = journal;
    seal->leaves = leaves;
    seal->leaves_count = count;
    buf_init(&seal->bytes, SEAL_ORDER_MAX);
    struct segment_order *order = &seal->order;
    *order = (struct segment_order){
        .client = client->id, .generation = client->generation_next, .days = days, .level = level};
    memcpy(order->replaces, replaces, sizeof order->replaces);
    random_bytes(order->seed, sizeof order->seed);
    enum err err = client_key(archive, client, NULL);
    if (err == OK) {
        order->key = segment_key(client->key, client->id, order->seed);
        err = promises_make(archive, client, seal);
    }
    err = err == OK ? order_make(seal, all) : err;
    if (err == OK) {
        client->generation_next++;
        err = output_make(archive, client, seal);
    }
    if (err != OK) {
        seal_free(seal);
        return err;
    }
    *ret = seal;
    return OK;
}

/* The next client and class of the survey; behind the last it ends. */
static enum err group_order(struct archive *archive, struct seal **ret)
{
    static const uint64_t nothing[SEGMENT_REPLACES_MAX];
    struct survey *survey = archive->survey;
    if (survey->at == survey->count) {
        struct journal_file *journal = journals_find(&archive->journals, survey->journal);
        if (journal != NULL && survey->count == 0) {
            journal->retry.ns = INT64_MAX; /* what is missing is damaged: verify names it */
        }
        survey_free(survey);
        archive->survey = NULL;
        return OK;
    }
    const struct survey_leaf *first = &survey->leaves[survey->at];
    size_t count = 0;
    while (survey->at + count < survey->count && count < SEGMENT_LEAVES_MAX &&
           first[count].client == first->client && first[count].days == first->days) {
        count++;
    }
    struct segment_leaf *leaves = calloc(count + 1, sizeof *leaves);
    if (leaves == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        leaves[i] = first[i].leaf;
    }
    survey->at += count;
    return seal_new(archive, first->client, first->days, SEAL_LEVEL_HOT, false, survey->journal,
                    nothing, leaves, count, ret);
}

/* ---- For the worker. */

struct client_id seal_client(const struct seal *seal)
{
    return seal->client;
}

struct str seal_order(const struct seal *seal)
{
    return buf_str(&seal->bytes);
}

struct file *seal_output(const struct seal *seal)
{
    return seal->output;
}

static enum err journal_lend(struct archive *archive, struct client *client,
                             const struct seal *seal, struct file **ret, struct buf *grant)
{
    char path[PATH_SIZE];
    const struct journal_file *journal = journals_find(&archive->journals, seal->journal);
    const struct client_journal *of_client = client_journal_find(client, seal->journal);
    if (journal == NULL || of_client == NULL) {
        return ERR_NOT_FOUND;
    }
    enum err err = journal_path(archive->folder, seal->journal, path, sizeof path);
    err = err == OK ? disk_open(archive->disk, path, DISK_READ, ret, NULL) : err;
    if (err == OK) {
        struct grant given = {client->id, seal->journal, journal->end, of_client->first_offset,
                              journal_key(client->key, client->id, seal->journal)};
        err = grant_encode(&given, grant);
        secret_forget(&given, sizeof given);
    }
    return err;
}

enum err archive_seal_lend(struct archive *archive, const struct seal *seal, size_t index,
                           int *ret_descriptor, struct buf *grant)
{
    struct client *client = client_find(archive, seal->client);
    struct file *file = NULL;
    enum err err = client == NULL ? ERR_NOT_FOUND : client_key(archive, client, NULL);
    if (err == OK && seal->journal != 0) {
        err = index == 0 ? journal_lend(archive, client, seal, &file, grant) : ERR_NOT_FOUND;
    } else if (err == OK) {
        uint64_t generation = index < SEGMENT_REPLACES_MAX ? seal->order.replaces[index] : 0;
        const struct held *held = generation == 0 ? NULL : held_find(client, generation);
        err = held == NULL ? ERR_NOT_FOUND : held_open(archive, client, &held->head, &file);
        if (err == OK) {
            struct segment_grant given = {client->id, generation,
                                          segment_key(client->key, client->id, held->head.seed)};
            err = segment_grant_encode(&given, grant);
            secret_forget(&given, sizeof given);
        }
    }
    if (err != OK) {
        file_close(file);
        return err;
    }
    *ret_descriptor = file_release(file);
    return *ret_descriptor < 0 ? ERR_UNSUPPORTED : OK;
}

/* ---- Adopting. */

static bool head_ordered(const struct seal *seal, const struct segment_head *head)
{
    const struct segment_order *order = &seal->order;
    return client_equal(head->client, order->client) && head->generation == order->generation &&
           head->days == order->days && head->level == order->level &&
           memcmp(head->seed, order->seed, sizeof head->seed) == 0 &&
           memcmp(head->replaces, order->replaces, sizeof head->replaces) == 0;
}

/* Each leaf as it was ordered, and all of them if something is replaced. */
static bool leaves_ordered(const struct seal *seal, const struct segment_leaf *list, size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        while (at < seal->leaves_count && seal->leaves[at].index < list[i].index) {
            at++;
        }
        const struct segment_leaf *ordered = &seal->leaves[at];
        if (at == seal->leaves_count || ordered->index != list[i].index ||
            ordered->source.value != list[i].source.value || ordered->first != list[i].first ||
            ordered->events != list[i].events || !sha256_equal(&ordered->hash, &list[i].hash)) {
            return false;
        }
    }
    return seal->journal != 0 || count == seal->leaves_count;
}

/* The earliest moment that the source's newest record may say of itself: what is made of segments
 * says what they said; what is made of a journal arrived about when its frames were written.  A
 * worker that lied here would let what is promised go. */
static struct wall newest_least(struct client *client, const struct seal *seal,
                                struct source_id source)
{
    struct wall least = {INT64_MIN};
    const struct client_journal *journal =
        seal->journal == 0 ? NULL : client_journal_find(client, seal->journal);
    if (journal != NULL && journal->oldest.ns > INT64_MIN + LATE_NS) {
        least.ns = journal->oldest.ns - LATE_NS;
    }
    for (size_t i = 0; i < SEGMENT_REPLACES_MAX && seal->order.replaces[i] != 0; i++) {
        const struct held *held = held_find(client, seal->order.replaces[i]);
        for (size_t s = 0; held != NULL && s < held->sources_count; s++) {
            if (held->sources[s].source.value == source.value &&
                held->sources[s].newest.ns > least.ns) {
                least = held->sources[s].newest;
            }
        }
    }
    return least;
}

static bool sources_ordered(struct client *client, const struct seal *seal,
                            const struct segment_leaf *list, size_t count,
                            const struct segment_source *sources, size_t sources_count)
{
    for (size_t s = 0; s < sources_count; s++) {
        uint64_t events = 0;
        uint32_t days = KEEP_UNKNOWN;
        for (size_t i = 0; i < count; i++) {
            events += list[i].source.value == sources[s].source.value ? list[i].events : 0;
        }
        for (size_t i = 0; i < seal->order.promises_count; i++) {
            if (seal->promises[i].source.value == sources[s].source.value) {
                days = seal->promises[i].days;
            }
        }
        if (events != sources[s].events || days != sources[s].days ||
            sources[s].newest.ns < newest_least(client, seal, sources[s].source).ns) {
            return false;
        }
    }
    return true;
}

static enum err made_check(struct client *client, const struct seal *seal,
                           struct segment_head *head, struct segment_leaf **ret, struct arena *mem,
                           struct why *why)
{
    struct segment_source *sources;
    size_t sources_count;
    enum err err = segment_head_read(seal->output, head, why);
    if (err == OK && (!head_ordered(seal, head) || head->leaves > seal->leaves_count)) {
        err = why_say(why, ERR_CORRUPT, 0, "the segment is not the one that was ordered");
    }
    err = err == OK ? segment_leaves(seal->output, head, mem, ret, why) : err;
    err = err == OK ? segment_sources(seal->output, head, mem, &sources, &sources_count, why) : err;
    if (err == OK &&
        (!leaves_ordered(seal, *ret, (size_t)head->leaves) ||
         !sources_ordered(client, seal, *ret, (size_t)head->leaves, sources, sources_count))) {
        err = why_say(why, ERR_CORRUPT, 0, "the segment's leaves are not those that were ordered");
    }
    return err;
}

static enum err name_give(struct archive *archive, const struct seal *seal)
{
    char from[PATH_SIZE];
    char to[PATH_SIZE];
    char folder[PATH_SIZE];
    uint64_t generation = seal->order.generation;
    enum err err = file_sync(seal->output);
    err = err == OK
              ? segment_path(archive->folder, seal->client, generation, false, from, sizeof from)
              : err;
    err = err == OK ? segment_path(archive->folder, seal->client, generation, true, to, sizeof to)
                    : err;
    err = err == OK ? segments_folder(archive, seal->client, folder, sizeof folder) : err;
    err = err == OK ? disk_rename(archive->disk, from, to) : err;
    if (err != OK) {
        return err;
    }
    err = disk_sync_folder(archive->disk, folder);
    if (err != OK) {
        /* The name may or may not last: as long as it does not count, it should not be there. */
        (void)!disk_remove(archive->disk, to);
    }
    return err;
}

/* A sound segment replaces them, and says so itself. */
static void replaced_remove(struct archive *archive, struct client *client, const struct seal *seal)
{
    char path[PATH_SIZE];
    struct file *backups = NULL;
    bool free = archive_may_remove(archive, &backups) == OK; /* no backup reads them */
    for (size_t i = 0; i < SEGMENT_REPLACES_MAX && seal->order.replaces[i] != 0; i++) {
        struct held *held = held_find(client, seal->order.replaces[i]);
        if (held != NULL && segment_path(archive->folder, client->id, held->head.generation, true,
                                         path, sizeof path) == OK) {
            if (free) {
                (void)!disk_remove(archive->disk, path);
            }
            held_remove(client, held); /* what stays is removed at the next opening */
        }
    }
    file_close(backups);
}

static void leaves_learn(struct archive *archive, struct client *client, const struct seal *seal,
                         const struct segment_leaf *list, size_t count)
{
    struct journal_file *journal = journals_find(&archive->journals, seal->journal);
    struct client_journal *of_client = client_journal_find(client, seal->journal);
    for (size_t i = 0; seal->journal != 0 && i < count; i++) {
        /* Not counting one for want of memory costs that it is sealed twice. */
        if (!leafset_has(&client->sealed, list[i].index) &&
            leafset_put(&client->sealed, list[i].index) == OK && journal != NULL &&
            of_client != NULL) {
            journal->sealed++;
            of_client->sealed++;
        }
    }
}

/* Ends the seal; its segments may be packed anew again, its journal be surveyed. */
static void seal_end(struct archive *archive, struct seal *seal, struct wall retry)
{
    struct client *client = client_find(archive, seal->client);
    struct journal_file *journal = journals_find(&archive->journals, seal->journal);
    for (size_t i = 0; client != NULL && i < SEGMENT_REPLACES_MAX; i++) {
        struct held *held =
            seal->order.replaces[i] == 0 ? NULL : held_find(client, seal->order.replaces[i]);
        if (held != NULL) {
            held->busy = false;
            held->retry = retry;
        }
    }
    if (journal != NULL && retry.ns > journal->retry.ns) {
        journal->retry = retry;
    }
    if (archive->seal == seal) {
        archive->seal = NULL;
    }
    seal_free(seal);
}

enum err archive_seal_adopt(struct archive *archive, struct seal *seal, struct wall now,
                            struct why *why)
{
    struct segment_head head;
    struct segment_leaf *list = NULL;
    struct client *client = client_find(archive, seal->client);
    struct arena *mem = arena_new(seal->leaves_count * 400 + ((size_t)8 << 20));
    enum err err = mem == NULL ? ERR_MEMORY : made_check(client, seal, &head, &list, mem, why);
    err = err == OK ? name_give(archive, seal) : err;
    if (err == OK) {
        err = held_add(archive, client, seal->output, &head);
    }
    if (err == OK) {
        leaves_learn(archive, client, seal, list, (size_t)head.leaves);
        replaced_remove(archive, client, seal);
        seal_end(archive, seal, (struct wall){0});
    } else {
        archive_seal_abandon(archive, seal, now);
    }
    arena_free(mem);
    return err;
}

void archive_seal_abandon(struct archive *archive, struct seal *seal, struct wall now)
{
    char path[PATH_SIZE];
    if (segment_path(archive->folder, seal->client, seal->order.generation, false, path,
                     sizeof path) == OK) {
        (void)!disk_remove(archive->disk, path);
    }
    seal_end(archive, seal, (struct wall){now.ns + RETRY_NS});
}

/* ---- Journals that are done with. */

static bool under_heads(const struct archive *archive, uint64_t number)
{
    for (size_t i = 0; i < archive->clients_count; i++) {
        struct client *client = archive->clients[i];
        const struct client_journal *journal = client_journal_find(client, number);
        if (journal != NULL && journal->leaves > 0 &&
            (!client->head_known || client->head.events < journal->last)) {
            return false;
        }
    }
    return true;
}

static void clients_forget(struct archive *archive, uint64_t number)
{
    for (size_t i = 0; i < archive->clients_count; i++) {
        struct client *client = archive->clients[i];
        struct client_journal *journal = client_journal_find(client, number);
        if (journal != NULL) {
            size_t at = (size_t)(journal - client->journals);
            memmove(journal, journal + 1, (client->journals_count - at - 1) * sizeof *journal);
            client->journals_count--;
            if (client->journals_count > 0) {
                leafset_move(&client->sealed, client->journals[0].leaf_first);
            }
        }
    }
}

enum err archive_journals_remove(struct archive *archive, const struct seal_options *options,
                                 struct wall now)
{
    char path[PATH_SIZE];
    bool removed = false;
    enum err err = OK;
    if (archive->read_only || archive->survey != NULL || archive->seal != NULL) {
        return OK;
    }
    for (size_t i = 0; err == OK && i + 1 < archive->journals.count;) {
        const struct journal_file journal = archive->journals.list[i];
        if (journal.sealed < journal.leaves || journal.end == 0 || journal.damaged ||
            now.ns - journal.newest.ns < options->journal_keep_ns ||
            !under_heads(archive, journal.number)) {
            i++;
            continue;
        }
        struct file *backups = NULL;
        err = archive_may_remove(archive, &backups);
        if (err == ERR_AGAIN) {
            err = OK; /* a backup reads them; they go later */
            break;
        }
        err = err == OK ? journal_path(archive->folder, journal.number, path, sizeof path) : err;
        err = err == OK ? disk_remove(archive->disk, path) : err;
        file_close(backups);
        if (err == OK || err == ERR_NOT_FOUND) {
            err = OK;
            removed = true;
            memmove(&archive->journals.list[i], &archive->journals.list[i + 1],
                    (archive->journals.count - i - 1) * sizeof *archive->journals.list);
            archive->journals.count--;
            clients_forget(archive, journal.number);
            if (archive->read_journal == journal.number) {
                file_close(archive->read_file);
                archive->read_file = NULL;
            }
        }
    }
    return err == OK && removed ? disk_sync_folder(archive->disk, archive->folder) : err;
}
