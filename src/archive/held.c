/*
 * The segments of an open archive: their heads and sources in memory, everything else on disk until
 * it is asked for.
 *
 * At opening, two small reads for each segment.  Which leaves they list is read only of those that
 * lie over journals that are still there; the rest of the tables is nobody's business here.
 *
 *     segments/CLIENT/N.segment   read; debris if a sound one says that it replaces it
 *     segments/CLIENT/N.new       what a worker was writing when somebody died: debris
 *
 * Always true: `held` ascends by generation, and a generation is given once, also after the segment
 * with the highest went: numbers begin again at the time of day.  A segment whose head is damaged
 * is not in it, stays where it is, and is named by verify.
 */

#include "archive/private.h"

#include "archive/tombstone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAFSET_SIZE_MAX \
    ((size_t)64 << 20) /* leaves / 8 of one client's journals: a day and more */
#define SOURCES_MEMORY ((size_t)2 << 20)

/* ---- Sets of leaves. */

void leafset_done(struct leafset *set)
{
    free(set->bits);
    *set = (struct leafset){0};
}

bool leafset_has(const struct leafset *set, uint64_t index)
{
    return index >= set->base && (index - set->base) / 8 < set->size &&
           (set->bits[(index - set->base) / 8] >> ((index - set->base) % 8) & 1) != 0;
}

enum err leafset_put(struct leafset *set, uint64_t index)
{
    if (index < set->base) {
        return OK;
    }
    uint64_t at = (index - set->base) / 8;
    if (at >= LEAFSET_SIZE_MAX) {
        return ERR_LIMIT;
    }
    if (at >= set->size) {
        size_t size = set->size == 0 ? 64 : set->size;
        while (size <= at) {
            size *= 2;
        }
        uint8_t *larger = realloc(set->bits, size);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        memset(larger + set->size, 0, size - set->size);
        set->bits = larger;
        set->size = size;
    }
    set->bits[at] |= (uint8_t)(1u << ((index - set->base) % 8));
    return OK;
}

void leafset_move(struct leafset *set, uint64_t base)
{
    if (base <= set->base) {
        return;
    }
    uint64_t bytes = (base - set->base) / 8;
    if (bytes >= set->size) {
        leafset_done(set);
        set->base = base;
        return;
    }
    memmove(set->bits, set->bits + bytes, set->size - (size_t)bytes);
    memset(set->bits + set->size - bytes, 0, (size_t)bytes);
    set->base += bytes * 8;
}

/* ---- Names. */

enum err segments_folder(const struct archive *archive, struct client_id client, char *path,
                         size_t size)
{
    int printed = snprintf(path, size, "%s/segments/%u", archive->folder, client.value);
    return printed < 0 || (size_t)printed >= size ? ERR_LIMIT : OK;
}

enum err segments_folder_make(const struct archive *archive, struct client_id client)
{
    char path[PATH_SIZE];
    char around[PATH_SIZE + 16];
    bool there = false;
    (void)snprintf(around, sizeof around, "%s/segments", archive->folder);
    enum err err = segments_folder(archive, client, path, sizeof path);
    err = err == OK ? disk_exists(archive->disk, path, &there) : err;
    if (err != OK || there) {
        return err;
    }
    err = disk_make_folder(archive->disk, path);
    return err == OK ? disk_sync_folder(archive->disk, around) : err;
}

enum err held_open(struct archive *archive, struct client *client, const struct segment_head *head,
                   struct file **ret)
{
    char path[PATH_SIZE];
    enum err err =
        segment_path(archive->folder, client->id, head->generation, true, path, sizeof path);
    return err == OK ? disk_open(archive->disk, path, DISK_READ, ret, NULL) : err;
}

/* ---- The list. */

struct held *held_find(struct client *client, uint64_t generation)
{
    for (size_t i = client->held_count; i > 0; i--) {
        if (client->held[i - 1].head.generation == generation) {
            return &client->held[i - 1];
        }
    }
    return NULL;
}

void held_remove(struct client *client, struct held *held)
{
    size_t at = (size_t)(held - client->held);
    free(held->sources);
    memmove(held, held + 1, (client->held_count - at - 1) * sizeof *held);
    client->held_count--;
}

void held_done(struct client *client)
{
    for (size_t i = 0; i < client->held_count; i++) {
        free(client->held[i].sources);
    }
    free(client->held);
    client->held = NULL;
    client->held_count = client->held_capacity = 0;
    leafset_done(&client->sealed);
}

static enum err held_reserve(struct client *client)
{
    if (client->held_count < client->held_capacity) {
        return OK;
    }
    if (client->held_count == SEGMENTS_MAX) {
        return ERR_LIMIT;
    }
    size_t capacity = client->held_capacity == 0 ? 8 : client->held_capacity * 2;
    struct held *larger = realloc(client->held, capacity * sizeof *larger);
    if (larger == NULL) {
        return ERR_MEMORY;
    }
    client->held = larger;
    client->held_capacity = capacity;
    return OK;
}

enum err held_add(struct archive *archive, struct client *client, struct file *file,
                  const struct segment_head *head)
{
    struct segment_source *sources;
    struct held held = {.head = *head};
    (void)archive;
    struct arena *mem = arena_new(SOURCES_MEMORY);
    enum err err = mem == NULL
                       ? ERR_MEMORY
                       : segment_sources(file, head, mem, &sources, &held.sources_count, NULL);
    err = err == OK ? held_reserve(client) : err;
    if (err == OK) {
        held.sources = calloc(held.sources_count + 1, sizeof *held.sources);
        err = held.sources == NULL ? ERR_MEMORY : OK;
    }
    if (err == OK) {
        memcpy(held.sources, sources, held.sources_count * sizeof *sources);
        size_t at = client->held_count;
        while (at > 0 && client->held[at - 1].head.generation > head->generation) {
            at--;
        }
        memmove(client->held + at + 1, client->held + at,
                (client->held_count - at) * sizeof *client->held);
        client->held[at] = held;
        client->held_count++;
        if (client->generation_next <= head->generation) {
            client->generation_next = head->generation + 1;
        }
    }
    arena_free(mem);
    return err;
}

/* ---- Opening. */

struct folder_visit {
    struct archive *archive;
    struct client *client;
    struct buf generations; /* of its segments, in whatever order the folder has them */
    struct buf debris;      /* names, each closed by NUL */
};

static enum err held_recover_one(struct archive *archive, struct client *client,
                                 uint64_t generation)
{
    struct segment_head head;
    struct file *file;
    const struct segment_head name = {.generation = generation};
    if (client->generation_next <= generation) {
        client->generation_next = generation + 1;
    }
    enum err err = held_open(archive, client, &name, &file);
    if (err != OK) {
        return err;
    }
    err = segment_head_read(file, &head, NULL);
    if (err == OK && (!client_equal(head.client, client->id) || head.generation != generation)) {
        err = ERR_CORRUPT;
    }
    err = err == OK ? held_add(archive, client, file, &head) : err;
    file_close(file);
    return err == ERR_CORRUPT ? OK : err;
}

static enum err file_visit(void *context, const char *name)
{
    struct folder_visit *visit = context;
    struct str text = str_from(name);
    bool whole = str_ends(text, STR(".segment"));
    size_t ending = whole ? 8 : 4;
    uint64_t generation;
    if ((!whole && !str_ends(text, STR(".new"))) || text.size < 10 + ending ||
        str_to_u64(str_slice(text, 0, text.size - ending), UINT64_MAX / 2, &generation) != OK ||
        generation == 0) {
        return OK;
    }
    return whole ? buf_append(&visit->generations, str_of(&generation, sizeof generation))
                 : buf_append(&visit->debris, str_of(name, text.size + 1));
}

static int generation_compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* In ascending order, so that each goes to the end of the list. */
static enum err held_recover_all(struct folder_visit *visit)
{
    enum err err = OK;
    size_t count = visit->generations.size / sizeof(uint64_t);
    if (count > 1) {
        qsort(visit->generations.data, count, sizeof(uint64_t), generation_compare);
    }
    for (size_t i = 0; err == OK && i < count; i++) {
        uint64_t generation;
        memcpy(&generation, visit->generations.data + i * sizeof generation, sizeof generation);
        err = held_recover_one(visit->archive, visit->client, generation);
    }
    return err;
}

static enum err file_remove(struct archive *archive, struct client *client, uint64_t generation,
                            bool whole)
{
    char path[PATH_SIZE];
    enum err err = segment_path(archive->folder, client->id, generation, whole, path, sizeof path);
    return err == OK ? disk_remove(archive->disk, path) : err;
}

/* What a sound segment replaces was to be removed. */
static void replaced_remove(struct archive *archive, struct client *client)
{
    for (size_t i = client->held_count; i > 0; i--) {
        const struct segment_head head = client->held[i - 1].head;
        for (size_t r = 0; r < SEGMENT_REPLACES_MAX && head.replaces[r] != 0; r++) {
            struct held *old = held_find(client, head.replaces[r]);
            if (old != NULL && old->head.generation < head.generation) {
                if (!archive->read_only) {
                    (void)!file_remove(archive, client, old->head.generation, true);
                }
                held_remove(client, old);
                i--;
            }
        }
    }
}

/* A tombstone was signed, and a crash came before the file went. */
static enum err gone_remove(struct archive *archive, struct client *client)
{
    struct gone gone;
    char path[PATH_SIZE];
    bool there = false;
    enum err err = remains_path(archive->folder, client->id, path, sizeof path);
    err = err == OK ? disk_exists(archive->disk, path, &there) : err;
    if (err != OK || !there) {
        return err;
    }
    err = gone_load(archive->disk, archive->folder, client->id, &gone, NULL);
    if (err != OK) {
        return err;
    }
    for (size_t i = client->held_count; i > 0; i--) {
        struct held *held = &client->held[i - 1];
        if (gone_find(&gone, held->head.leaf_first) != NULL &&
            gone_find(&gone, held->head.leaf_last) != NULL) {
            if (!archive->read_only) {
                (void)!file_remove(archive, client, held->head.generation, true);
            }
            held_remove(client, held);
        }
    }
    gone_done(&gone);
    return OK;
}

static enum err client_visit(void *context, const char *name)
{
    struct folder_visit *visit = context;
    struct archive *archive = visit->archive;
    char path[PATH_SIZE];
    uint64_t number;
    if (str_to_u64(str_from(name), UINT32_MAX, &number) != OK || number == 0) {
        return OK;
    }
    struct client_id id = {(uint32_t)number};
    enum err err = client_get(archive, id, &visit->client);
    err = err == OK ? segments_folder(archive, id, path, sizeof path) : err;
    buf_reset(&visit->generations);
    buf_reset(&visit->debris);
    err = err == OK ? disk_list(archive->disk, path, file_visit, visit) : err;
    err = err == OK ? held_recover_all(visit) : err;
    if (err != OK) {
        return err;
    }
    replaced_remove(archive, visit->client);
    err = gone_remove(archive, visit->client);
    if (err != OK) {
        return err;
    }
    for (size_t at = 0; at < visit->debris.size;) {
        struct str debris = str_from(visit->debris.data + at);
        uint64_t generation = 0;
        at += debris.size + 1;
        if (str_to_u64(str_slice(debris, 0, debris.size - 4), UINT64_MAX / 2, &generation) == OK &&
            !archive->read_only) {
            (void)!file_remove(archive, visit->client, generation, false);
        }
    }
    return OK;
}

enum err held_recover(struct archive *archive, struct wall now, struct why *why)
{
    char path[PATH_SIZE + 16];
    bool there = false;
    struct folder_visit visit = {.archive = archive};
    buf_init(&visit.generations, SEGMENTS_MAX * sizeof(uint64_t));
    buf_init(&visit.debris, (size_t)64 << 20);
    (void)snprintf(path, sizeof path, "%s/segments", archive->folder);
    enum err err = disk_exists(archive->disk, path, &there);
    if (err == OK && there) {
        err = disk_list(archive->disk, path, client_visit, &visit);
    }
    buf_done(&visit.generations);
    buf_done(&visit.debris);
    for (size_t i = 0; i < archive->clients_count; i++) {
        uint64_t seconds = now.ns > 0 ? (uint64_t)(now.ns / NS_PER_SECOND) : 1;
        if (archive->clients[i]->generation_next < seconds) {
            archive->clients[i]->generation_next = seconds;
        }
    }
    return err == OK ? OK : why_say(why, err, 0, "%s: %s", path, err_text(err));
}

enum err held_leaves(struct archive *archive, struct client *client, uint64_t from)
{
    client->sealed.base = from;
    for (size_t i = 0; i < client->held_count; i++) {
        const struct segment_head *head = &client->held[i].head;
        struct segment_leaf *leaves;
        struct file *file;
        if (head->leaf_last < from) {
            continue;
        }
        struct arena *mem = arena_new((size_t)head->leaves * 400 + ((size_t)4 << 20));
        enum err err = mem == NULL ? ERR_MEMORY : held_open(archive, client, head, &file);
        if (err == OK) {
            err = segment_leaves(file, head, mem, &leaves, NULL);
            file_close(file);
        }
        for (size_t at = 0; err == OK && at < head->leaves; at++) {
            err = leafset_put(&client->sealed, leaves[at].index);
        }
        arena_free(mem);
        /* What a damaged table lists is sealed again, as long as a journal has it. */
        if (err != OK && err != ERR_CORRUPT && err != ERR_LIMIT && err != ERR_NOT_FOUND) {
            return err;
        }
    }
    return OK;
}

enum err held_settle(struct archive *archive)
{
    for (size_t i = 0; i < archive->clients_count; i++) {
        struct client *client = archive->clients[i];
        for (size_t h = 0; h < client->held_count; h++) {
            const struct held *held = &client->held[h];
            if (held->head.last >= client->next) {
                client->next = held->head.last + 1;
            }
            if (held->head.leaf_last >= client->tree.size) {
                tree_add_lost(&client->tree, held->head.leaf_last + 1 - client->tree.size);
                client->leaves_lost = true;
            }
            for (size_t s = 0; s < held->sources_count; s++) {
                struct str source =
                    str_of(&held->sources[s].source.value, sizeof held->sources[s].source.value);
                uint64_t stored = 0;
                (void)map_get(&archive->stored, source, &stored);
                enum err err = map_put(&archive->stored, source, stored + held->sources[s].events);
                if (err != OK) {
                    return err;
                }
            }
        }
    }
    return OK;
}

/* ---- Reading one leaf. */

struct leaf_search {
    struct archive *archive;
    struct client *client;
    uint64_t sequence;
    uint64_t best; /* first number of the best leaf yet */
    bool found;
};

/* The leaf of this segment with the number or behind it, if it begins before the best. */
static enum err held_search(struct leaf_search *search, const struct held *held, struct arena *mem,
                            struct batch *ret, struct why *why)
{
    struct file *file;
    struct segment *segment = NULL;
    struct str data;
    struct block *block;
    struct sha256 key = segment_key(search->client->key, search->client->id, held->head.seed);
    enum err err = held_open(search->archive, search->client, &held->head, &file);
    if (err != OK) {
        return err;
    }
    err = segment_open(file, &key, &segment, why);
    size_t at = 0;
    while (err == OK && at < held->head.blocks &&
           segment_block(segment, at)->last < search->sequence) {
        at++;
    }
    if (err == OK && at < held->head.blocks &&
        (!search->found || segment_block(segment, at)->first < search->best)) {
        err = segment_read(segment, at, mem, &data, why);
        err = err == OK ? block_open(data, mem, &block, why) : err;
        for (size_t i = 0; err == OK && i < block_leaves(block); i++) {
            struct block_leaf leaf;
            const uint32_t *rows;
            block_leaf(block, i, &leaf);
            if (leaf.first + leaf.events > search->sequence) {
                if (!search->found || leaf.first < search->best) {
                    err = block_batch(block, i, NULL, mem, ret, &rows, why);
                    search->best = leaf.first;
                    search->found = err == OK;
                }
                break;
            }
        }
    }
    segment_close(segment);
    file_close(file);
    secret_forget(&key, sizeof key);
    return err;
}

enum err held_read(struct archive *archive, struct client *client, uint64_t sequence,
                   struct arena *mem, struct batch *ret, uint64_t *ret_first, struct why *why)
{
    struct leaf_search search = {.archive = archive, .client = client, .sequence = sequence};
    struct batch batch;
    enum err err = client_key(archive, client, why);
    for (size_t i = 0; err == OK && i < client->held_count; i++) {
        const struct held *held = &client->held[i];
        if (held->head.last < sequence || (search.found && held->head.first > search.best)) {
            continue;
        }
        err = held_search(&search, held, mem, &batch, why);
        err = err == ERR_CORRUPT || err == ERR_NOT_FOUND ? OK : err;
    }
    if (err == OK && search.found) {
        *ret = batch;
        *ret_first = search.best;
    }
    return err == OK && !search.found ? ERR_NOT_FOUND : err;
}
