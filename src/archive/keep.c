/*
 * How long is kept what: rules and holds as desk said them, classes made of them, and dropping.
 *
 * A class is a number of days.  Sources with the same promise share segments; of more than
 * SEGMENT_CLASSES_MAX different promises the two that are nearest to one another (as a ratio)
 * become one, the longer, until so many are left.
 *
 * Dropping asks what was promised to the source when it was sealed and what is promised now, and
 * takes the longer: a promise that was shortened holds for what came under it.  Where either said
 * nothing of a source, as before desk has told a new core anything, its records stay for ever.
 *
 * Always true: a segment is unlinked only behind a tombstone, a replacement or a name of debris.
 */

#include "archive/keep.h"

#include <stdlib.h>
#include <string.h>

#include "archive/private.h"
#include "archive/tombstone.h"

#define DAY_NS (86400 * NS_PER_SECOND)

static uint64_t days_rank(uint32_t days)
{
    return days == KEEP_FOR_EVER ? UINT32_MAX : days;
}

static int days_compare(const void *a, const void *b)
{
    uint64_t left = days_rank(*(const uint32_t *)a);
    uint64_t right = days_rank(*(const uint32_t *)b);
    return left < right ? -1 : left > right;
}

static int rule_compare(const void *a, const void *b)
{
    uint32_t left = ((const struct keep_rule *)a)->source.value;
    uint32_t right = ((const struct keep_rule *)b)->source.value;
    return left < right ? -1 : left > right;
}

/* Drops the shorter of the two neighbours that are nearest. */
static size_t classes_join(uint32_t *days, size_t count)
{
    size_t nearest = 0;
    double smallest = 1e30;
    for (size_t i = 0; i + 1 < count; i++) {
        double ratio = (double)days_rank(days[i + 1]) / (double)days_rank(days[i]);
        if (ratio < smallest) {
            smallest = ratio;
            nearest = i;
        }
    }
    memmove(days + nearest, days + nearest + 1, (count - nearest - 1) * sizeof *days);
    return count - 1;
}

static enum err classes_make(struct client *client)
{
    uint32_t *days = calloc(client->rules_count + 1, sizeof *days);
    size_t count = 0;
    if (days == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < client->rules_count; i++) {
        days[i] = client->rules[i].days;
    }
    if (client->rules_count > 1) {
        qsort(days, client->rules_count, sizeof *days, days_compare);
    }
    for (size_t i = 0; i < client->rules_count; i++) {
        if (count == 0 || days[count - 1] != days[i]) {
            days[count++] = days[i];
        }
    }
    if (count == 0 || days[count - 1] != KEEP_FOR_EVER) {
        days[count++] = KEEP_FOR_EVER; /* for sources that no rule names */
    }
    while (count > SEGMENT_CLASSES_MAX) {
        count = classes_join(days, count);
    }
    memcpy(client->classes, days, count * sizeof *days);
    client->classes_count = count;
    free(days);
    return OK;
}

enum err archive_keep(const struct scope *scope, struct archive *archive, struct client_id id,
                      const struct keep_rule *rules, size_t count)
{
    struct client *client;
    if (!scope_allows(scope, id, RIGHT_APPEND)) {
        return ERR_DENIED;
    }
    if (count > SOURCES_MAX) {
        return ERR_LIMIT;
    }
    enum err err = client_get(archive, id, &client);
    struct keep_rule *copy = calloc(count + 1, sizeof *copy);
    if (err != OK || copy == NULL) {
        free(copy);
        return err != OK ? err : ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        copy[i] = rules[i];
        copy[i].days = rules[i].days > KEEP_DAYS_MAX ? KEEP_FOR_EVER : rules[i].days;
    }
    if (count > 1) {
        qsort(copy, count, sizeof *copy, rule_compare);
    }
    struct keep_rule *before = client->rules;
    size_t before_count = client->rules_count;
    client->rules = copy;
    client->rules_count = count;
    err = classes_make(client);
    if (err != OK) {
        client->rules = before;
        client->rules_count = before_count;
        before = copy;
    }
    free(before);
    return err;
}

uint32_t keep_promise(const struct client *client, struct source_id source)
{
    const struct keep_rule like = {.source = source};
    const struct keep_rule *rule =
        client->rules_count == 0
            ? NULL
            : bsearch(&like, client->rules, client->rules_count, sizeof like, rule_compare);
    return rule == NULL ? KEEP_UNKNOWN : rule->days;
}

uint32_t keep_class(const struct client *client, struct source_id source)
{
    uint32_t days = keep_promise(client, source);
    for (size_t i = 0; days != KEEP_UNKNOWN && i < client->classes_count; i++) {
        if (days_rank(client->classes[i]) >= days_rank(days)) {
            return client->classes[i];
        }
    }
    return KEEP_FOR_EVER;
}

static void holds_free(struct hold *holds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(holds[i].sources);
    }
    free(holds);
}

void keep_done(struct client *client)
{
    free(client->rules);
    client->rules = NULL;
    holds_free(client->holds, client->holds_count);
    client->holds = NULL;
}

static int number_compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

enum err archive_hold(const struct scope *scope, struct archive *archive, struct client_id id,
                      const struct hold_rule *rules, size_t count)
{
    struct client *client;
    if (!scope_allows(scope, id, RIGHT_APPEND)) {
        return ERR_DENIED;
    }
    enum err err = client_get(archive, id, &client);
    struct hold *holds = calloc(count + 1, sizeof *holds);
    if (err != OK || holds == NULL) {
        free(holds);
        return err != OK ? err : ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        holds[i] = (struct hold){.from = rules[i].from, .to = rules[i].to};
        if (rules[i].sources == NULL) {
            continue;
        }
        holds[i].sources = calloc(rules[i].sources_count + 1, sizeof(uint32_t));
        if (holds[i].sources == NULL) {
            holds_free(holds, count);
            return ERR_MEMORY;
        }
        memcpy(holds[i].sources, rules[i].sources, rules[i].sources_count * sizeof(uint32_t));
        holds[i].sources_count = rules[i].sources_count;
        if (holds[i].sources_count > 1) {
            qsort(holds[i].sources, holds[i].sources_count, sizeof(uint32_t), number_compare);
        }
    }
    holds_free(client->holds, client->holds_count);
    client->holds = holds;
    client->holds_count = count;
    return OK;
}

/* ---- What there is. */

static enum err journals_tell(struct client *client, holding_call *call, void *context)
{
    enum err err = OK;
    for (size_t i = 0; err == OK && i < client->journals_count; i++) {
        const struct client_journal *journal = &client->journals[i];
        if (journal->leaves == 0) {
            continue;
        }
        bool sealed = journal->sealed >= journal->leaves;
        const struct holding holding = {
            .kind = HOLDING_JOURNAL,
            .number = journal->number,
            .days = KEEP_FOR_EVER,
            .first = journal->first,
            .last = journal->last,
            .oldest = journal->oldest,
            .newest = journal->newest,
            .events =
                sealed ? 0 : journal->events - journal->events / journal->leaves * journal->sealed,
            .original = sealed ? 0 : journal->packed,
            .stored = journal->stored,
        };
        err = call(context, &holding);
    }
    return err;
}

static enum err segment_tell(const struct held *held, holding_call *call, void *context)
{
    struct holding_source *sources = calloc(held->sources_count + 1, sizeof *sources);
    if (sources == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < held->sources_count; i++) {
        const struct segment_source *source = &held->sources[i];
        /* What nobody promised anything of is kept for ever. */
        uint32_t days = source->days == KEEP_UNKNOWN ? KEEP_FOR_EVER : source->days;
        sources[i] = (struct holding_source){source->source, days, source->events, source->newest};
    }
    const struct holding holding = {
        .kind = HOLDING_SEGMENT,
        .number = held->head.generation,
        .days = held->head.days,
        .first = held->head.first,
        .last = held->head.last,
        .oldest = held->head.oldest,
        .newest = held->head.newest,
        .events = held->head.events,
        .original = held->head.original,
        .stored = held->head.size,
        .sources = sources,
        .sources_count = held->sources_count,
    };
    enum err err = call(context, &holding);
    free(sources);
    return err;
}

enum err archive_holdings(const struct scope *scope, struct archive *archive, struct client_id id,
                          holding_call *call, void *context)
{
    struct client *client = client_find(archive, id);
    if (!scope_allows(scope, id, RIGHT_READ) && !scope_allows(scope, id, RIGHT_APPEND)) {
        return ERR_DENIED;
    }
    enum err err = client == NULL ? OK : journals_tell(client, call, context);
    for (size_t i = 0; client != NULL && err == OK && i < client->held_count; i++) {
        err = segment_tell(&client->held[i], call, context);
    }
    return err;
}

/* ---- Dropping. */

static bool held_back(const struct client *client, const struct held *held)
{
    for (size_t i = 0; i < client->holds_count; i++) {
        const struct hold *hold = &client->holds[i];
        if (hold->to.ns <= held->head.oldest.ns || hold->from.ns > held->head.newest.ns) {
            continue;
        }
        if (hold->sources == NULL) {
            return true;
        }
        for (size_t s = 0; s < held->sources_count; s++) {
            if (bsearch(&held->sources[s].source.value, hold->sources, hold->sources_count,
                        sizeof(uint32_t), number_compare) != NULL) {
                return true;
            }
        }
    }
    return false;
}

/* The day until which all of it is promised; WALL_NONE: for ever. */
static struct wall promised_until(const struct client *client, const struct held *held)
{
    struct wall until = {INT64_MIN + 1};
    for (size_t i = 0; i < held->sources_count; i++) {
        const struct segment_source *source = &held->sources[i];
        uint32_t now = keep_promise(client, source->source);
        uint32_t then = source->days;
        uint32_t days = days_rank(now) > days_rank(then) ? now : then;
        if (now == KEEP_UNKNOWN || then == KEEP_UNKNOWN || days == KEEP_FOR_EVER ||
            source->newest.ns > INT64_MAX - (int64_t)days * DAY_NS) {
            return WALL_NONE;
        }
        int64_t end = source->newest.ns + (int64_t)days * DAY_NS;
        until.ns = end > until.ns ? end : until.ns;
    }
    return until;
}

static bool in_journal(const struct client *client, const struct held *held)
{
    for (size_t i = 0; i < client->journals_count; i++) {
        const struct client_journal *journal = &client->journals[i];
        if (journal->leaves > 0 && journal->leaf_first <= held->head.leaf_last &&
            held->head.first <= journal->last) {
            return true;
        }
    }
    return false;
}

enum err archive_droppable(const struct scope *scope, struct archive *archive, struct client_id id,
                           uint64_t generation, struct wall now, bool *ret, struct wall *ret_from)
{
    struct client *client = client_find(archive, id);
    if (!scope_allows(scope, id, RIGHT_READ) && !scope_allows(scope, id, RIGHT_APPEND)) {
        return ERR_DENIED;
    }
    struct held *held = client == NULL ? NULL : held_find(client, generation);
    if (held == NULL) {
        return ERR_NOT_FOUND;
    }
    struct wall until = held_back(client, held) ? WALL_NONE : promised_until(client, held);
    *ret_from = until;
    *ret =
        until.ns != WALL_NONE.ns && until.ns <= now.ns && !in_journal(client, held) && !held->busy;
    return OK;
}

static enum err drop_write(const struct scope *scope, struct archive *archive,
                           struct client *client, const struct held *held,
                           const struct archive_drop_reason *reason, struct wall until,
                           struct wall now, struct why *why)
{
    struct file *file;
    struct segment_leaf *leaves = NULL;
    const struct tombstone tombstone = {.generation = held->head.generation,
                                        .oldest = held->head.oldest,
                                        .newest = held->head.newest,
                                        .original = held->head.original,
                                        .days = held->head.days,
                                        .promised = until,
                                        .reason = reason->text,
                                        .promise = reason->promise,
                                        .by = reason->by};
    struct arena *mem = arena_new((size_t)held->head.leaves * 400 + ((size_t)4 << 20));
    enum err err = mem == NULL ? ERR_MEMORY : held_open(archive, client, &held->head, &file);
    if (err == OK) {
        err = segment_leaves(file, &held->head, mem, &leaves, why);
        file_close(file);
    }
    if (err == OK) {
        err = tombstone_write(scope, archive, client->id, &tombstone, leaves,
                              (size_t)held->head.leaves, now, why);
    }
    arena_free(mem);
    return err == ERR_EXISTS ? OK : err;
}

enum err archive_drop(const struct scope *scope, struct archive *archive, struct client_id id,
                      uint64_t generation, const struct archive_drop_reason *reason,
                      struct wall now, struct why *why)
{
    char path[PATH_SIZE];
    bool due = false;
    struct wall until = WALL_NONE;
    if (archive->read_only || !scope_allows(scope, id, RIGHT_APPEND)) {
        return why_say(why, ERR_DENIED, 0, "nothing of client %u may be removed", id.value);
    }
    enum err err = archive_droppable(scope, archive, id, generation, now, &due, &until);
    if (err != OK) {
        return why_say(why, err, 0, "there is no segment %llu", (unsigned long long)generation);
    }
    struct client *client = client_find(archive, id);
    struct held *held = held_find(client, generation);
    if (held->busy || in_journal(client, held)) {
        return why_say(why, ERR_AGAIN, 0, "segment %llu cannot go yet",
                       (unsigned long long)generation);
    }
    if (!due) {
        return why_say(why, ERR_DENIED, 0, "segment %llu is promised or held",
                       (unsigned long long)generation);
    }
    struct file *backups; /* none runs while it is open */
    err = archive_may_remove(archive, &backups);
    if (err != OK) {
        return why_say(why, err, 0, "segment %llu cannot go while a backup runs",
                       (unsigned long long)generation);
    }
    err = drop_write(scope, archive, client, held, reason, until, now, why);
    err = err == OK ? segment_path(archive->folder, id, generation, true, path, sizeof path) : err;
    err = err == OK ? disk_remove(archive->disk, path) : err;
    file_close(backups);
    if (err == OK) {
        held_remove(client, held);
        err = segments_folder(archive, id, path, sizeof path);
        err = err == OK ? disk_sync_folder(archive->disk, path) : err;
    }
    return err;
}
