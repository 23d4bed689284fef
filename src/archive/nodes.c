/*
 * The nodes of a client's tree, out of what is kept anyhow, without going over all leaves.
 *
 * Each head keeps its peaks, and there is one each minute.  A full subtree that is a left child is
 * a peak of the next head behind its end; of any other the peaks of the last head before its end
 * are the larger part, and the leaves since then, a minute's, are added to them:
 *
 *     ├──── peaks of a head ────┼─ peaks ─┼ leaves ┤
 *     from                                        to
 *
 * So a node costs a search in the heads (which halves) and at most the leaves between two heads,
 * whatever the size of the tree.  Leaves lie in journals between the places that the two heads
 * name, or in segments whose heads say which indexes they span; what is gone stands in remains.
 *
 * Nothing here is believed: whoever asks for nodes folds them and compares the signed root.
 *
 * Always true: of leaves at most NODES_TABLES_MAX are held from tables, and NODES_STEP of a node.
 */

#include "archive/nodes.h"

#include <stdlib.h>
#include <string.h>

#define NODES_TABLES     8
#define NODES_TABLES_MAX SEGMENT_LEAVES_MAX /* leaves in the tables that are held */
#define NODES_STEP       65536

struct nodes_table {
    uint64_t generation;
    struct segment_leaf *list;
    size_t count;
    struct arena *mem;
    uint64_t used;
};

struct nodes {
    struct disk *disk;
    const char *folder;
    struct client_id client;
    struct heads_find heads;
    struct head last;
    uint64_t last_at;
    struct gone gone;
    struct journals journals;
    struct segment_head *segments;
    size_t segments_count, segments_capacity;
    bool segments_known;
    struct nodes_table tables[NODES_TABLES];
    size_t tables_count;
    uint64_t clock;
};

/* ---- Leaves between two places. */

static bool is_replaced(const struct nodes *nodes, uint64_t generation)
{
    for (size_t i = 0; i < nodes->segments_count; i++) {
        for (size_t r = 0; r < SEGMENT_REPLACES_MAX; r++) {
            if (nodes->segments[i].replaces[r] == generation) {
                return true;
            }
        }
    }
    return false;
}

static enum err segment_gather(void *context, uint64_t generation)
{
    struct nodes *nodes = context;
    struct segment_head head;
    struct file *file;
    enum err err = nodes_segment(nodes, generation, &file);
    if (err != OK) {
        return err;
    }
    err = segment_head_read(file, &head, NULL);
    file_close(file);
    if (err == ERR_CORRUPT || (err == OK && !client_equal(head.client, nodes->client))) {
        return OK; /* verify names it; if a leaf is nowhere else, it is lost */
    }
    if (err == OK && nodes->segments_count == nodes->segments_capacity) {
        size_t capacity = nodes->segments_capacity == 0 ? 64 : 2 * nodes->segments_capacity;
        struct segment_head *larger = realloc(nodes->segments, capacity * sizeof *larger);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        nodes->segments = larger;
        nodes->segments_capacity = capacity;
    }
    if (err == OK) {
        nodes->segments[nodes->segments_count++] = head;
    }
    return err;
}

enum err nodes_segment(struct nodes *nodes, uint64_t generation, struct file **ret)
{
    char path[PATH_SIZE];
    enum err err = segment_path(nodes->folder, nodes->client, generation, true, path, sizeof path);
    return err == OK ? disk_open(nodes->disk, path, DISK_READ, ret, NULL) : err;
}

static void table_drop(struct nodes *nodes)
{
    size_t oldest = 0;
    for (size_t i = 1; i < nodes->tables_count; i++) {
        oldest = nodes->tables[i].used < nodes->tables[oldest].used ? i : oldest;
    }
    arena_free(nodes->tables[oldest].mem);
    nodes->tables[oldest] = nodes->tables[--nodes->tables_count];
}

static size_t tables_leaves(const struct nodes *nodes)
{
    size_t leaves = 0;
    for (size_t i = 0; i < nodes->tables_count; i++) {
        leaves += nodes->tables[i].count;
    }
    return leaves;
}

static enum err table_get(struct nodes *nodes, const struct segment_head *head,
                          struct nodes_table **ret)
{
    for (size_t i = 0; i < nodes->tables_count; i++) {
        if (nodes->tables[i].generation == head->generation) {
            nodes->tables[i].used = ++nodes->clock;
            *ret = &nodes->tables[i];
            return OK;
        }
    }
    while (nodes->tables_count > 0 && (nodes->tables_count == NODES_TABLES ||
                                       tables_leaves(nodes) + head->leaves > NODES_TABLES_MAX)) {
        table_drop(nodes);
    }
    struct nodes_table table = {.generation = head->generation,
                                .count = (size_t)head->leaves,
                                .mem = arena_new((size_t)head->leaves * 400 + ((size_t)4 << 20)),
                                .used = ++nodes->clock};
    struct file *file = NULL;
    enum err err = table.mem == NULL ? ERR_MEMORY : nodes_segment(nodes, head->generation, &file);
    if (err == OK) {
        err = segment_leaves(file, head, table.mem, &table.list, NULL);
        file_close(file);
    }
    if (err != OK) {
        arena_free(table.mem);
        return err;
    }
    nodes->tables[nodes->tables_count] = table;
    *ret = &nodes->tables[nodes->tables_count++];
    return OK;
}

/* Calls for each leaf of [from, to) that segments list. */
static enum err sealed_visit(struct nodes *nodes, uint64_t from, uint64_t to, nodes_call *call,
                             void *context)
{
    enum err err = OK;
    if (!nodes->segments_known) {
        err = segments_list(nodes->disk, nodes->folder, nodes->client, segment_gather, nodes);
        nodes->segments_known = err == OK;
    }
    for (size_t i = 0; err == OK && i < nodes->segments_count; i++) {
        const struct segment_head *head = &nodes->segments[i];
        struct nodes_table *table;
        if (head->leaf_first >= to || head->leaf_last < from ||
            is_replaced(nodes, head->generation)) {
            continue;
        }
        enum err got = table_get(nodes, head, &table);
        if (got != OK) {
            err = got == ERR_CORRUPT ? OK : got;
            continue;
        }
        size_t low = 0;
        size_t high = table->count;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            *(table->list[middle].index < from ? &low : &high) =
                table->list[middle].index < from ? middle + 1 : middle;
        }
        for (; low < table->count && table->list[low].index < to; low++) {
            const struct segment_leaf *leaf = &table->list[low];
            call(context, &(struct nodes_leaf){.index = leaf->index,
                                               .source = leaf->source,
                                               .first = leaf->first,
                                               .events = leaf->events,
                                               .hash = leaf->hash,
                                               .place = low,
                                               .segment = *head});
        }
    }
    return err;
}

/* The same of journals: from where the last head of at most `from` leaves says that they were, to
 * where the first of at least `to` does. */
static enum err journal_visit(struct nodes *nodes, const struct journal_file *journal,
                              uint64_t begin, uint64_t end, uint64_t from, uint64_t to,
                              nodes_call *call, void *context)
{
    char path[PATH_SIZE];
    struct file *file;
    struct walk walk;
    struct frame frame;
    enum err err = journal_path(nodes->folder, journal->number, path, sizeof path);
    err = err == OK ? disk_open(nodes->disk, path, DISK_READ, &file, NULL) : err;
    if (err != OK) {
        return err == ERR_NOT_FOUND ? OK : err;
    }
    walk_init(&walk, file, journal->number, begin, end < journal->end ? end : journal->end);
    while (walk_next(&walk, &frame)) {
        if (frame.kind == FRAME_DATA && client_equal(frame.client, nodes->client) &&
            frame.leaf_index >= from && frame.leaf_index < to) {
            call(context, &(struct nodes_leaf){.index = frame.leaf_index,
                                               .source = frame.source,
                                               .first = frame.first,
                                               .events = frame.events,
                                               .hash = frame.leaf,
                                               .in_journal = true,
                                               .frame = frame});
        }
    }
    file_close(file);
    return OK;
}

static enum err journals_visit(struct nodes *nodes, uint64_t from, uint64_t to, nodes_call *call,
                               void *context)
{
    struct head *head = calloc(2, sizeof *head);
    struct head *behind = head + 1;
    uint64_t next;
    if (head == NULL) {
        return ERR_MEMORY;
    }
    enum err err = heads_before(&nodes->heads, HEADS_BY_LEAVES, from + 1, head, &next);
    if (err == OK || err == ERR_NOT_FOUND) {
        err = heads_before(&nodes->heads, HEADS_BY_LEAVES, to, behind, &next);
    }
    if (err == OK || err == ERR_NOT_FOUND) {
        err = heads_at(&nodes->heads, next, behind);
    }
    for (size_t i = 0; err == OK && i < nodes->journals.count; i++) {
        const struct journal_file *journal = &nodes->journals.list[i];
        if (journal->number >= head->journal && journal->number <= behind->journal) {
            uint64_t begin = journal->number == head->journal ? head->journal_end : 0;
            uint64_t end = journal->number == behind->journal ? behind->journal_end : UINT64_MAX;
            err = journal_visit(nodes, journal, begin, end, from, to, call, context);
        }
    }
    free(head);
    return err;
}

/* ---- The leaf that holds a number. */

struct wanted_leaf {
    uint64_t sequence;
    bool found;
    struct nodes_leaf *leaf;
};

static void wanted_call(void *context, const struct nodes_leaf *leaf)
{
    struct wanted_leaf *wanted = context;
    if (leaf->first <= wanted->sequence && wanted->sequence - leaf->first < leaf->events) {
        wanted->found = true;
        *wanted->leaf = *leaf;
    }
}

enum err nodes_leaf(struct nodes *nodes, uint64_t sequence, struct nodes_leaf *ret)
{
    struct head head = {0};
    struct wanted_leaf wanted = {.sequence = sequence, .leaf = ret};
    uint64_t next;
    bool gone = sequence == 0 || sequence > nodes->last.events;
    for (size_t i = 0; !gone && i < nodes->gone.count; i++) {
        const struct gone_run *run = &nodes->gone.runs[i];
        gone = run->first <= sequence && sequence - run->first < run->events;
    }
    if (gone) {
        return ERR_NOT_FOUND;
    }
    enum err err = heads_before(&nodes->heads, HEADS_BY_EVENTS, sequence, &head, &next);
    uint64_t from = err == OK ? head.tree.size : 0;
    if (err == OK || err == ERR_NOT_FOUND) {
        err = heads_at(&nodes->heads, next, &head);
    }
    if (err == OK) {
        err = journals_visit(nodes, from, head.tree.size, wanted_call, &wanted);
    }
    if (err == OK && !wanted.found) {
        err = sealed_visit(nodes, from, head.tree.size, wanted_call, &wanted);
    }
    return err == OK && !wanted.found ? ERR_CORRUPT : err;
}

/* ---- The root of a subtree. */

struct hashes {
    uint64_t from;
    size_t count, there;
    struct sha256 *list;
    bool *known;
};

static void hash_call(void *context, const struct nodes_leaf *leaf)
{
    struct hashes *hashes = context;
    size_t at = (size_t)(leaf->index - hashes->from);
    hashes->there += !hashes->known[at];
    hashes->known[at] = true;
    hashes->list[at] = leaf->hash;
}

/* The hashes of [from, from + count), as far as there are any. */
static enum err hashes_get(struct nodes *nodes, struct hashes *hashes)
{
    size_t wanted = 0;
    memset(hashes->known, 0, hashes->count * sizeof *hashes->known);
    hashes->there = 0;
    for (size_t i = 0; i < hashes->count; i++) {
        wanted += gone_find(&nodes->gone, hashes->from + i) == NULL;
    }
    uint64_t to = hashes->from + hashes->count;
    enum err err = wanted == 0 ? OK : journals_visit(nodes, hashes->from, to, hash_call, hashes);
    if (err == OK && hashes->there < wanted) {
        err = sealed_visit(nodes, hashes->from, to, hash_call, hashes);
    }
    return err;
}

/* The subtree of what is gone that holds this leaf: its hash and level; false: it is not gone. */
static bool gone_subtree(const struct nodes *nodes, uint64_t index, uint64_t *ret_from,
                         unsigned *ret_level, const struct sha256 **ret)
{
    const struct gone_run *run = gone_find(&nodes->gone, index);
    uint64_t at = run == NULL ? 0 : run->index;
    for (size_t i = run == NULL ? 0 : run->hashes; run != NULL && at <= index; i++) {
        unsigned level = tree_level_at(at, run->index + run->leaves - at);
        *ret_from = at;
        *ret_level = level;
        *ret = &nodes->gone.hashes[i];
        at += (uint64_t)1 << level;
    }
    return run != NULL;
}

/* Adds the leaves up to `to` to a tree whose first is `from`. */
static enum err leaves_add(struct nodes *nodes, uint64_t from, uint64_t to, struct tree *tree)
{
    if (from + tree->size == to) {
        return OK;
    }
    struct hashes hashes = {.list = calloc(NODES_STEP, sizeof *hashes.list),
                            .known = calloc(NODES_STEP, sizeof *hashes.known)};
    enum err err = hashes.list == NULL || hashes.known == NULL ? ERR_MEMORY : OK;
    while (err == OK && from + tree->size < to) {
        uint64_t at = from + tree->size;
        uint64_t gone_from = 0;
        unsigned level;
        const struct sha256 *hash;
        if (gone_subtree(nodes, at, &gone_from, &level, &hash)) {
            if (gone_from != at || (uint64_t)1 << level > to - at) {
                err = ERR_CORRUPT;
                break;
            }
            tree_add_subtree(tree, hash, level);
            continue;
        }
        if (at >= hashes.from + hashes.count) {
            hashes.from = at;
            hashes.count = to - at < NODES_STEP ? (size_t)(to - at) : NODES_STEP;
            err = hashes_get(nodes, &hashes);
        }
        if (err == OK && !hashes.known[at - hashes.from]) {
            err = ERR_CORRUPT;
        }
        if (err == OK) {
            tree_add(tree, &hashes.list[at - hashes.from]);
        }
    }
    free(hashes.list);
    free(hashes.known);
    return err;
}

/* Of a head's peaks those that begin at `from` or behind it, as a tree of their own. */
static void peaks_take(const struct head *head, uint64_t from, struct tree *ret)
{
    uint64_t at = 0;
    unsigned peaks = tree_peaks(&head->tree);
    *ret = (struct tree){0};
    for (unsigned i = 0; i < peaks; i++) {
        uint64_t left = head->tree.size - at;
        unsigned level = 63 - (unsigned)__builtin_clzll(left);
        if (at >= from) {
            tree_add_subtree(ret, &head->tree.peaks[i], level);
        }
        at += (uint64_t)1 << level;
    }
}

/* Whether one of the peaks of a tree of `size` leaves begins at `from`. */
static bool at_right_edge(uint64_t from, uint64_t size)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(size - from);
    return bits == 64 ? from == 0 : size >> bits << bits == from;
}

enum err nodes_root(struct nodes *nodes, uint64_t from, uint64_t to, struct sha256 *ret)
{
    struct head *head = calloc(1, sizeof *head);
    struct tree tree = {0};
    uint64_t next;
    uint64_t size = to - from;
    uint64_t below = (from / size & 1) == 0 ? to + size : to;
    if (to == nodes->last.tree.size && at_right_edge(from, to)) {
        below = to + 1;
    }
    enum err err = head == NULL ? ERR_MEMORY : OK;
    while (err == OK) {
        uint64_t gone_from = 0;
        unsigned level;
        const struct sha256 *hash;
        err = heads_before(&nodes->heads, HEADS_BY_LEAVES, below, head, &next);
        if (err == ERR_NOT_FOUND || (err == OK && head->tree.size <= from)) {
            err = OK; /* all of it is younger than that head */
            break;
        }
        if (err == OK && head->tree.size < to &&
            gone_subtree(nodes, head->tree.size, &gone_from, &level, &hash) &&
            gone_from < head->tree.size) {
            below = gone_from + 1; /* a subtree of what is gone goes over it */
            continue;
        }
        if (err == OK) {
            peaks_take(head, from, &tree);
        }
        break;
    }
    if (err == OK && tree.size > size) { /* the node is the first of several peaks */
        tree.size = size;
    }
    err = err == OK ? leaves_add(nodes, from, to, &tree) : err;
    free(head);
    if (err == OK) {
        *ret = tree_root(&tree);
    }
    return err;
}

/* ---- Opening. */

static enum err remains_load(struct nodes *nodes)
{
    char path[PATH_SIZE];
    char *bytes = NULL;
    size_t size = 0;
    bool there = false;
    enum err err = remains_path(nodes->folder, nodes->client, path, sizeof path);
    err = err == OK ? disk_exists(nodes->disk, path, &there) : err;
    if (err == OK && there) {
        err = disk_read_whole(nodes->disk, path, REMAINS_SIZE_ALL_MAX, &bytes, &size, NULL);
    }
    for (size_t at = 0; err == OK && at < size;) {
        size_t stretch = remains_size(str_of(bytes + at, size - at), nodes->client);
        if (stretch == 0) {
            break;
        }
        err = gone_add(&nodes->gone, str_of(bytes + at, stretch), nodes->client, 0);
        err = err == ERR_CORRUPT ? OK : err;
        at += stretch;
    }
    free(bytes);
    gone_settle(&nodes->gone);
    return err;
}

enum err nodes_open(struct disk *disk, const char *folder, struct client_id client,
                    struct nodes **ret, struct why *why)
{
    struct nodes *nodes = calloc(1, sizeof *nodes);
    char path[PATH_SIZE];
    uint64_t next;
    if (nodes == NULL) {
        return ERR_MEMORY;
    }
    nodes->disk = disk;
    nodes->folder = folder;
    nodes->client = nodes->heads.client = client;
    enum err err = heads_path(folder, client, path, sizeof path);
    err = err == OK ? disk_open(disk, path, DISK_READ, &nodes->heads.file, why) : err;
    err = err == OK ? file_size(nodes->heads.file, &nodes->heads.size) : err;
    err = err == OK ? journals_list(disk, folder, &nodes->journals, why) : err;
    err = err == OK ? remains_load(nodes) : err;
    if (err == OK) {
        err = heads_before(&nodes->heads, HEADS_BY_LEAVES, UINT64_MAX, &nodes->last, &next);
        nodes->last_at = nodes->heads.at;
    }
    if (err != OK) {
        nodes_close(nodes);
        return err;
    }
    *ret = nodes;
    return OK;
}

void nodes_close(struct nodes *nodes)
{
    if (nodes == NULL) {
        return;
    }
    while (nodes->tables_count > 0) {
        table_drop(nodes);
    }
    file_close(nodes->heads.file);
    journals_done(&nodes->journals);
    gone_done(&nodes->gone);
    free(nodes->segments);
    free(nodes);
}

const struct head *nodes_last(const struct nodes *nodes)
{
    return &nodes->last;
}

enum err nodes_last_read(const struct nodes *nodes, char bytes[HEAD_SIZE_MAX], size_t *ret_size)
{
    return file_read(nodes->heads.file, nodes->last_at, bytes, HEAD_SIZE_MAX, ret_size);
}
