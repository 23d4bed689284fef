/*
 * Judging segments: each by itself, and their leaves in the order of the client's tree, for
 * verify.c to put between those of the journals.
 *
 * From outside: the head, the hash of the whole, the table of leaves, the table of sources.  With
 * the client's key: that each piece opens, that each block has the leaves that the table names, and
 * that each leaf is the hash of its salt and records.
 *
 * A segment that a sound one replaces is debris of a crash and is not looked at.
 *
 * Always true: the leaves given by sealed_peek ascend in index, and the tables of no more segments
 * are in memory than lie over one another.
 */

#include "archive/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sealed_table {
    struct segment_leaf *list;
    size_t count, at;
    uint64_t generation;
    struct arena *mem;
};

struct sealed {
    struct segment_head *heads; /* ascending by their first leaf */
    size_t count, capacity, at;
    struct sealed_table *tables;
    size_t tables_count, tables_capacity;
};

struct gathering {
    struct judge *judge;
    struct judged *client;
};

static void name_print(struct client_id client, uint64_t generation, char name[SEALED_NAME_SIZE])
{
    (void)snprintf(name, SEALED_NAME_SIZE, "segments/%u/%010llu.segment", client.value,
                   (unsigned long long)generation);
}

static enum err segment_open_file(const struct judge *judge, struct client_id client,
                                  uint64_t generation, struct file **ret)
{
    char path[PATH_SIZE];
    enum err err = segment_path(judge->folder, client, generation, true, path, sizeof path);
    return err == OK ? disk_open(judge->disk, path, DISK_READ, ret, NULL) : err;
}

static enum err head_gather(void *context, uint64_t generation)
{
    struct gathering *gathering = context;
    struct judge *judge = gathering->judge;
    struct sealed *sealed = gathering->client->sealed;
    struct client_id client = gathering->client->client;
    struct segment_head head;
    struct why why = {0};
    struct file *file;
    enum err err = segment_open_file(judge, client, generation, &file);
    if (err != OK) {
        return err;
    }
    err = segment_head_read(file, &head, &why);
    file_close(file);
    if (err == OK && (!client_equal(head.client, client) || head.generation != generation)) {
        err = why_say(&why, ERR_CORRUPT, 0, "the segment is not the one that its name says");
    }
    if (err == ERR_CORRUPT) {
        char name[SEALED_NAME_SIZE];
        name_print(client, generation, name);
        judge_say(judge, name, 0, "%s", why.text);
        return OK;
    }
    if (err == OK && sealed->count == sealed->capacity) {
        size_t capacity = sealed->capacity == 0 ? 16 : sealed->capacity * 2;
        struct segment_head *larger = realloc(sealed->heads, capacity * sizeof *larger);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        sealed->heads = larger;
        sealed->capacity = capacity;
    }
    if (err == OK) {
        sealed->heads[sealed->count++] = head;
    }
    return err;
}

static int head_compare(const void *a, const void *b)
{
    uint64_t left = ((const struct segment_head *)a)->leaf_first;
    uint64_t right = ((const struct segment_head *)b)->leaf_first;
    return left < right ? -1 : left > right;
}

static bool is_replaced(const struct sealed *sealed, const struct segment_head *head)
{
    for (size_t i = 0; i < sealed->count; i++) {
        for (size_t r = 0; r < SEGMENT_REPLACES_MAX; r++) {
            if (sealed->heads[i].generation > head->generation &&
                sealed->heads[i].replaces[r] == head->generation) {
                return true;
            }
        }
    }
    return false;
}

/* Names the events of these leaves: numbers between them are other segments'. */
static void events_lost(struct judge *judge, const char *name, uint64_t offset,
                        const struct why *why, const struct segment_leaf *list, size_t count,
                        struct client_id client)
{
    for (size_t from = 0; from < count;) {
        size_t to = from + 1;
        while (to < count && list[to].first == list[to - 1].first + list[to - 1].events) {
            to++;
        }
        judge_say(judge, name, offset, "%s: events %llu to %llu of client %u are lost", why->text,
                  (unsigned long long)list[from].first,
                  (unsigned long long)(list[to - 1].first + list[to - 1].events - 1), client.value);
        from = to;
    }
}

struct inspection {
    struct judge *judge;
    const struct judged *client;
    const char *name;
    struct segment *segment;
    const struct segment_leaf *list;
    size_t count, at;
    const uint8_t *salts;
    struct arena *mem; /* of the block at hand */
};

static enum err leaf_inspect(struct inspection *inspection, struct block *block, size_t index,
                             struct why *why)
{
    const struct segment_leaf *row = &inspection->list[inspection->at];
    struct block_leaf leaf;
    struct batch batch;
    const uint32_t *rows;
    unsigned form = 0;
    block_leaf(block, index, &leaf);
    if (inspection->at == inspection->count || leaf.first != row->first ||
        leaf.events != row->events || leaf.source.value != row->source.value) {
        return why_say(why, ERR_CORRUPT, 0, "the block's leaves are not those of the table");
    }
    arena_reset(inspection->judge->mem);
    enum err err = block_batch(block, index, NULL, inspection->judge->mem, &batch, &rows, why);
    if (err == OK &&
        (batch.events != row->events || !client_equal(batch.client, inspection->client->client))) {
        err = why_say(why, ERR_CORRUPT, 0, "the batch is not the one that its leaf names");
    }
    if (err == OK) {
        err = leaf_form(inspection->salts + inspection->at * SEGMENT_SALT_SIZE, row->first, &batch,
                        &row->hash, &form);
    }
    if (err == ERR_LIMIT || (err == OK && form == 0)) {
        err = why_say(why, ERR_CORRUPT, 0, "the leaf is not that of its records");
    }
    return err;
}

static enum err block_inspect(struct inspection *inspection, size_t index)
{
    const struct segment_block *entry = segment_block(inspection->segment, index);
    struct why why = {0};
    struct block *block = NULL;
    struct str data;
    struct arena *mem = inspection->mem;
    arena_reset(mem);
    enum err err = segment_read(inspection->segment, index, mem, &data, &why);
    err = err == OK ? block_open(data, mem, &block, &why) : err;
    if (err == OK) {
        block_records_only(block); /* a leaf is the hash of no more; block_prove reads the others */
    }
    for (size_t i = 0; err == OK && i < block_leaves(block); i++) {
        enum err leaf = leaf_inspect(inspection, block, i, &why);
        if (leaf == ERR_CORRUPT && inspection->at < inspection->count) {
            events_lost(inspection->judge, inspection->name, entry->offset, &why,
                        &inspection->list[inspection->at], 1, inspection->client->client);
        } else {
            err = leaf;
        }
        inspection->at += inspection->at < inspection->count;
    }
    if (err == OK && (err = block_prove(block, &why)) == ERR_CORRUPT) {
        judge_say(inspection->judge, inspection->name, entry->offset,
                  "%s: what parsers found in events %llu to %llu of client %u is lost", why.text,
                  (unsigned long long)entry->first, (unsigned long long)entry->last,
                  inspection->client->client.value);
        err = OK;
    }
    size_t from = inspection->at;
    while (inspection->at < inspection->count &&
           inspection->list[inspection->at].first <= entry->last) {
        inspection->at++;
    }
    if (err == ERR_CORRUPT) {
        events_lost(inspection->judge, inspection->name, entry->offset, &why,
                    inspection->list + from, inspection->at - from, inspection->client->client);
        err = OK;
    }
    return err;
}

static enum err note_pass(void *context, uint64_t sequence, struct str kind, struct str hash)
{
    (void)context;
    (void)sequence;
    (void)kind;
    (void)hash;
    return OK;
}

static enum err keyed_judge(struct judge *judge, const struct judged *client, const char *name,
                            const struct segment_head *head, struct file *file,
                            const struct segment_leaf *list, struct arena *mem)
{
    struct why why = {0};
    struct sha256 key = segment_key(client->key, client->client, head->seed);
    struct inspection inspection = {.judge = judge,
                                    .client = client,
                                    .name = name,
                                    .list = list,
                                    .count = (size_t)head->leaves,
                                    .mem = arena_new(BLOCK_MEMORY_MAX)};
    enum err err =
        inspection.mem == NULL ? ERR_MEMORY : segment_open(file, &key, &inspection.segment, &why);
    if (err == ERR_CORRUPT) {
        events_lost(judge, name, 0, &why, list, inspection.count, client->client);
        arena_free(inspection.mem);
        secret_forget(&key, sizeof key);
        return OK;
    }
    err = err == OK ? segment_salts(inspection.segment, mem, &inspection.salts, &why) : err;
    if (err == ERR_CORRUPT) {
        judge_say(judge, name, head->pieces[PIECE_SALTS].offset,
                  "%s: events of this segment can be read, but not proved", why.text);
    }
    if (err == OK) {
        err = segment_notes(inspection.segment, note_pass, NULL, &why);
        if (err == ERR_CORRUPT) {
            judge_say(judge, name, head->pieces[PIECE_GENERATIONS].offset, "%s", why.text);
            err = OK;
        }
    }
    for (size_t i = 0; err == OK && i < head->blocks; i++) {
        err = block_inspect(&inspection, i);
    }
    err = err == ERR_CORRUPT ? OK : err;
    segment_close(inspection.segment);
    arena_free(inspection.mem);
    secret_forget(&key, sizeof key);
    return err;
}

/* One segment by itself. */
static enum err segment_judge(struct judge *judge, const struct judged *client,
                              const struct segment_head *head)
{
    char name[SEALED_NAME_SIZE];
    struct segment_leaf *list = NULL;
    struct segment_source *sources;
    size_t sources_count;
    struct why why = {0};
    struct file *file;
    uint64_t damaged = judge->report.damaged;
    name_print(client->client, head->generation, name);
    struct arena *mem = arena_new((size_t)head->leaves * 500 + ((size_t)8 << 20));
    enum err err = mem == NULL ? ERR_MEMORY
                               : segment_open_file(judge, client->client, head->generation, &file);
    if (err != OK) {
        arena_free(mem);
        return err;
    }
    judge->report.segments++;
    err = segment_leaves(file, head, mem, &list, &why);
    if (err == ERR_CORRUPT) {
        judge_say(judge, name, head->pieces[PIECE_LEAVES].offset, "%s", why.text);
        err = OK;
    }
    enum err table =
        err == OK ? segment_sources(file, head, mem, &sources, &sources_count, &why) : OK;
    if (table == ERR_CORRUPT) {
        judge_say(judge, name, head->pieces[PIECE_SOURCES].offset, "%s", why.text);
    }
    if (err == OK && list != NULL && client->key_known) {
        err = keyed_judge(judge, client, name, head, file, list, mem);
    }
    if (err == OK && judge->report.damaged == damaged) {
        err = segment_body_check(file, head, &why);
        if (err == ERR_CORRUPT) {
            judge_say(judge, name, SEGMENT_HEAD_SIZE, "%s", why.text);
            err = OK;
        }
    }
    file_close(file);
    arena_free(mem);
    return err;
}

enum err sealed_judge(struct judge *judge, struct judged *client)
{
    struct gathering gathering = {judge, client};
    struct sealed *sealed = calloc(1, sizeof *sealed);
    client->sealed = sealed;
    if (sealed == NULL) {
        return ERR_MEMORY;
    }
    enum err err =
        segments_list(judge->disk, judge->folder, client->client, head_gather, &gathering);
    size_t kept = 0;
    for (size_t i = 0; err == OK && i < sealed->count; i++) {
        if (!is_replaced(sealed, &sealed->heads[i])) {
            struct segment_head head = sealed->heads[i];
            sealed->heads[i] = sealed->heads[kept];
            sealed->heads[kept++] = head;
        }
    }
    sealed->count = kept;
    if (err == OK && kept > 1) {
        qsort(sealed->heads, kept, sizeof *sealed->heads, head_compare);
    }
    for (size_t i = 0; err == OK && i < kept; i++) {
        err = segment_judge(judge, client, &sealed->heads[i]);
    }
    return err;
}

void sealed_free(struct sealed *sealed)
{
    if (sealed != NULL) {
        for (size_t i = 0; i < sealed->tables_count; i++) {
            arena_free(sealed->tables[i].mem);
        }
        free(sealed->tables);
        free(sealed->heads);
        free(sealed);
    }
}

bool sealed_any(const struct judged *client)
{
    return client->sealed != NULL && client->sealed->count > 0;
}

/* A table that is damaged was named already: its leaves are then missing. */
static enum err table_enter(struct judge *judge, struct judged *client)
{
    struct sealed *sealed = client->sealed;
    const struct segment_head *head = &sealed->heads[sealed->at];
    struct sealed_table table = {.count = (size_t)head->leaves, .generation = head->generation};
    struct file *file;
    if (sealed->tables_count == sealed->tables_capacity) {
        size_t capacity = sealed->tables_capacity == 0 ? 8 : sealed->tables_capacity * 2;
        struct sealed_table *larger = realloc(sealed->tables, capacity * sizeof *larger);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        sealed->tables = larger;
        sealed->tables_capacity = capacity;
    }
    table.mem = arena_new((size_t)head->leaves * 400 + ((size_t)4 << 20));
    enum err err = table.mem == NULL
                       ? ERR_MEMORY
                       : segment_open_file(judge, client->client, head->generation, &file);
    if (err == OK) {
        err = segment_leaves(file, head, table.mem, &table.list, NULL);
        file_close(file);
    }
    if (err == OK) {
        sealed->tables[sealed->tables_count++] = table;
    } else {
        arena_free(table.mem);
    }
    return err == ERR_CORRUPT ? OK : err;
}

enum err sealed_peek(struct judge *judge, struct judged *client, const struct segment_leaf **ret,
                     char name[SEALED_NAME_SIZE])
{
    struct sealed *sealed = client->sealed;
    struct sealed_table *first = NULL;
    *ret = NULL;
    for (size_t i = 0; sealed != NULL && i < sealed->tables_count; i++) {
        struct sealed_table *table = &sealed->tables[i];
        if (table->at < table->count &&
            (first == NULL || table->list[table->at].index < first->list[first->at].index)) {
            first = table;
        }
    }
    if (sealed != NULL && sealed->at < sealed->count &&
        (first == NULL || sealed->heads[sealed->at].leaf_first <= first->list[first->at].index)) {
        enum err err = table_enter(judge, client);
        sealed->at++;
        return err == OK ? sealed_peek(judge, client, ret, name) : err;
    }
    if (first != NULL) {
        *ret = &first->list[first->at];
        name_print(client->client, first->generation, name);
    }
    return OK;
}

void sealed_pass(struct judged *client, uint64_t index)
{
    struct sealed *sealed = client->sealed;
    size_t kept = 0;
    for (size_t i = 0; i < sealed->tables_count; i++) {
        struct sealed_table *table = &sealed->tables[i];
        while (table->at < table->count && table->list[table->at].index <= index) {
            table->at++;
        }
        if (table->at == table->count) {
            arena_free(table->mem);
        } else {
            sealed->tables[kept++] = *table;
        }
    }
    sealed->tables_count = kept;
}
