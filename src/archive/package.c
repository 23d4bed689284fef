/*
 * Making a package.  Format: docs/formats/package.md.
 *
 *     heads → the range of leaves → each leaf of it, once: its lines into lines.raw, what proves it
 *     into the scratch file → lines.ndjson or lines.csv (a second time over the leaves) →
 *     scratch into proof/leaves.bin → heads, stamps, verifier, what the caller adds → manifest
 *
 * A leaf that holds a line asked for goes in whole, and so its other lines stand in the proof.  One
 * that cannot hold any (another source, another time) is told by its head, which shows just that.
 *
 * Always true: at most one leaf is in memory; a line stands in the package once, in lines.raw if it
 * was asked for, else in the proof; what no signed head covers is not delivered as proved.
 */

#include "archive/package.h"

#include <stdlib.h>
#include <string.h>

#include "archive/package_private.h"
#include "archive/package_texts.h"
#include "base/bytes.h"
#include "codec/time.h"
#include "event/print.h"

struct making {
    const struct scope *scope;
    struct reader *reader;
    const struct package_request *request;
    const struct package_proof *proof;
    struct package_range range;
    struct gone gone;
    struct package_out out;
    struct package_told told;
    struct file *scratch;
    uint64_t scratch_at;
    struct leaf_run leaves; /* leaves.bin, with the hash of each leaf in the place of its records */
    struct buf entry;       /* of leaves.bin, on its way into the scratch file */
    struct buf rendered;    /* one line in NDJSON or CSV */
    uint64_t next;          /* leaf index that comes next */
    bool again;             /* the second time: lines are rendered, nothing is counted */
    struct map by_source;
    struct package_source *sources;
    size_t sources_capacity;
    uint64_t *epochs; /* of tombstones that are needed, ascending */
    size_t epochs_count;
    struct arena *mem;
    struct why *why;
};

#define ENTRY_HELD_MAX (1024 * 1024)

static enum err entries_flush(struct making *making)
{
    enum err err =
        room_check(making->scratch_at + making->entry.size, making->request->room, making->why);
    err = err == OK ? file_write(making->scratch, making->scratch_at, making->entry.data,
                                 making->entry.size)
                    : err;
    making->scratch_at += making->entry.size;
    buf_reset(&making->entry);
    return err;
}

static enum err entry_put(struct making *making, const void *bytes, size_t size)
{
    if (!making->request->proof || making->again) {
        return OK;
    }
    enum err err = making->entry.size > ENTRY_HELD_MAX ? entries_flush(making) : OK;
    return err == OK ? buf_append(&making->entry, str_of(bytes, size)) : err;
}

/* The same, of what a leaf's hash does not hold. */
static enum err told_entry_put(struct making *making, const void *bytes, size_t size)
{
    if (making->leaves.run != NULL && !making->again) {
        leaf_run_add(&making->leaves, str_of(bytes, size));
    }
    return entry_put(making, bytes, size);
}

/* ---- Which lines. */

static bool source_wanted(const struct package_request *request, uint32_t source)
{
    size_t from = 0;
    size_t to = request->sources == NULL ? 0 : request->sources_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (request->sources[middle] == source) {
            return true;
        }
        if (request->sources[middle] < source) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return request->sources == NULL;
}

static enum err event_wanted(struct making *making, const struct event *event, bool *ret)
{
    const struct package_request *request = making->request;
    *ret = event->received.ns >= request->from.ns && event->received.ns < request->to.ns &&
           source_wanted(request, event->batch->source.value);
    if (!*ret || request->query == NULL) {
        return OK;
    }
    arena_reset(making->mem);
    return query_matches(request->query, event, making->mem, ret);
}

static enum err line_count(struct making *making, const struct event *event, uint64_t sequence)
{
    uint32_t number = event->batch->source.value;
    struct str name = str_of(&number, sizeof number);
    struct package_told *told = &making->told;
    uint64_t at;
    if (!map_get(&making->by_source, name, &at)) {
        at = told->sources_count;
        if (at == making->sources_capacity) {
            size_t capacity = at == 0 ? 64 : 2 * at;
            struct package_source *larger =
                realloc(making->sources, capacity * sizeof *making->sources);
            if (larger == NULL) {
                return ERR_MEMORY;
            }
            making->sources = larger;
            making->sources_capacity = capacity;
        }
        enum err err = map_put(&making->by_source, name, at);
        if (err != OK) {
            return err;
        }
        making->sources[at] = (struct package_source){.source = event->batch->source,
                                                      .first = sequence,
                                                      .oldest = event->received,
                                                      .newest = event->received};
        told->sources_count++;
    }
    struct package_source *source = &making->sources[at];
    source->lines++;
    source->bytes += event->record.size;
    source->last = sequence;
    source->oldest.ns =
        event->received.ns < source->oldest.ns ? event->received.ns : source->oldest.ns;
    source->newest.ns =
        event->received.ns > source->newest.ns ? event->received.ns : source->newest.ns;
    told->lines++;
    told->bytes += event->record.size;
    return OK;
}

/* ---- How a line is written. */

/* What a spreadsheet would take as a formula; those of East Asia read wide signs as narrow ones. */
static bool begins_formula(struct str text)
{
    static const char *const begins[] = {"=",  "+",  "-",  "@",  "\t", "\r",
                                         "\n", "＝", "＋", "－", "＠"};
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        if (str_starts(text, str_from(begins[i]))) {
            return true;
        }
    }
    return false;
}

static enum err csv_cell(struct buf *out, struct str text)
{
    bool formula = begins_formula(text);
    enum err err = buf_append(out, formula ? STR("\"'") : STR("\""));
    while (err == OK && text.size > 0) {
        size_t quote = str_find(text, STR("\""));
        size_t size = quote == STR_NONE ? text.size : quote + 1;
        err = buf_append(out, str_slice(text, 0, size));
        if (err == OK && quote != STR_NONE) {
            err = buf_append_byte(out, '"');
        }
        text = str_slice(text, size, SIZE_MAX);
    }
    return err == OK ? buf_append_byte(out, '"') : err;
}

static enum err line_render(struct making *making, const struct event *event, uint64_t sequence)
{
    struct buf *out = &making->rendered;
    struct str number;
    struct buf json;
    char time[TIME_TEXT_SIZE];
    buf_reset(out);
    arena_reset(making->mem);
    enum err err = arena_print(making->mem, &number, "%llu", (unsigned long long)sequence);
    if (err == OK && making->request->format == PACKAGE_NDJSON) {
        err = event_print_json(event, STR("hinomi.place"), number, making->mem, out);
        return err == OK ? buf_append_byte(out, '\n') : err;
    }
    buf_init(&json, RENDERED_SIZE_MAX);
    err = err == OK ? event_print_json(event, STR(""), STR(""), making->mem, &json) : err;
    err = err == OK ? buf_print(out, "%llu,%u,%s,", (unsigned long long)sequence,
                                event->batch->source.value, time_print(event->received, time))
                    : err;
    err = err == OK ? csv_cell(out, event->record) : err;
    err = err == OK ? buf_append_byte(out, ',') : err;
    err = err == OK ? csv_cell(out, buf_str(&json)) : err;
    err = err == OK ? buf_append(out, STR("\r\n")) : err;
    buf_done(&json);
    return err;
}

static enum err line_put(struct making *making, const struct event *event, uint64_t sequence)
{
    enum err err = OK;
    if (making->again) {
        err = line_render(making, event, sequence);
        return err == OK ? part_put(&making->out, buf_str(&making->rendered)) : err;
    }
    err = line_count(making, event, sequence);
    err = err == OK ? part_put(&making->out, event->record) : err;
    return err == OK ? part_put(&making->out, STR("\n")) : err;
}

/* ---- Leaves. */

static enum err whole_put(struct making *making, const struct leaf_entry *leaf, unsigned form,
                          const uint8_t salt[LEAF_SALT_SIZE], const struct batch *batch,
                          const uint8_t *selected)
{
    char fixed[PACKAGE_WHOLE_SIZE] = {PACKAGE_LEAF_WHOLE, (char)form};
    put_u32(fixed + 4, leaf->events);
    put_u32(fixed + 8, leaf->source.value);
    put_u64(fixed + 12, leaf->first);
    memcpy(fixed + 20, salt, LEAF_SALT_SIZE);
    enum err err = told_entry_put(making, fixed, sizeof fixed);
    for (uint32_t i = 0; err == OK && i < batch->events; i++) {
        struct event event;
        char before[12];
        bool there = (selected[i / 8] >> i % 8 & 1) != 0;
        batch_event(batch, i, &event);
        put_u32(before, (uint32_t)event.record.size | (there ? PACKAGE_SELECTED : 0));
        put_u64(before + 4, (uint64_t)event.received.ns);
        err = told_entry_put(making, before, sizeof before);
        if (err == OK && !there) {
            making->told.others += making->request->proof && !making->again;
            err = entry_put(making, event.record.data, event.record.size);
        }
    }
    if (making->leaves.run != NULL && !making->again) {
        leaf_run_add(&making->leaves, str_of(leaf->hash.bytes, SHA256_SIZE));
    }
    making->told.whole++;
    return err;
}

static enum err hash_put(struct making *making, const struct leaf_entry *leaf)
{
    char bytes[PACKAGE_HASH_SIZE] = {PACKAGE_LEAF_HASH};
    put_u64(bytes + 1, leaf->first);
    put_u32(bytes + 9, leaf->events);
    put_u32(bytes + 13, leaf->source.value);
    memcpy(bytes + 17, leaf->hash.bytes, SHA256_SIZE);
    making->told.unknown++;
    return told_entry_put(making, bytes, sizeof bytes);
}

static enum err told_put(struct making *making, const struct leaf_entry *leaf,
                         const uint8_t salt[LEAF_SALT_SIZE], const struct batch *batch)
{
    char bytes[1 + LEAF_TOLD_SIZE] = {PACKAGE_LEAF_TOLD};
    struct leaf_head head;
    enum err err = leaf_told(salt, leaf->first, batch, &head);
    if (err != OK) {
        return err;
    }
    struct sha256 hash = leaf_hash(&head);
    if (!sha256_equal(&hash, &leaf->hash)) {
        return hash_put(making, leaf); /* of form 1: it cannot be told */
    }
    leaf_head_encode(&head, bytes + 1);
    making->told.stubs++;
    return told_entry_put(making, bytes, sizeof bytes);
}

static enum err missing_put(struct making *making, uint64_t to)
{
    while (making->next < to) {
        const struct gone_run *run = gone_find(&making->gone, making->next);
        char bytes[PACKAGE_GONE_SIZE] = {0};
        enum err err = OK;
        if (run == NULL) {
            uint64_t end = making->next + 1;
            while (end < to && gone_find(&making->gone, end) == NULL) {
                end++;
            }
            bytes[0] = PACKAGE_LEAF_MISSING;
            put_u64(bytes + 1, end - making->next);
            making->told.missing += end - making->next;
            making->next = end;
            err = told_entry_put(making, bytes, PACKAGE_MISSING_SIZE);
        } else if (run->index != making->next || run->index + run->leaves > to) {
            return why_say(making->why, ERR_CORRUPT, 0,
                           "leaf %llu of client %u is gone and is there",
                           (unsigned long long)making->next, making->request->client.value);
        } else {
            bytes[0] = PACKAGE_LEAF_GONE;
            put_u64(bytes + 1, run->leaves);
            put_u64(bytes + 9, run->epoch);
            making->told.gone += run->leaves;
            making->next += run->leaves;
            err = told_entry_put(making, bytes, sizeof bytes);
        }
        if (err != OK) {
            return err;
        }
    }
    return OK;
}

/* Puts the lines that are asked for, and marks them. */
static enum err lines_put(struct making *making, const struct leaf_entry *leaf,
                          const struct batch *batch, uint8_t *selected, bool *ret_any)
{
    *ret_any = false;
    memset(selected, 0, batch->events / 8 + 1);
    for (uint32_t i = 0; i < batch->events; i++) {
        struct event event;
        bool wanted = false;
        batch_event(batch, i, &event);
        enum err err = event_wanted(making, &event, &wanted);
        if (err == OK && wanted) {
            selected[i / 8] |= (uint8_t)(1u << i % 8);
            *ret_any = true;
            err = line_put(making, &event, leaf->first + i);
        }
        if (err != OK) {
            return err;
        }
    }
    return OK;
}

/* Whether its head alone would not show that it holds nothing that was asked for. */
static bool may_hold(const struct making *making, const struct batch *batch)
{
    const struct package_request *request = making->request;
    int64_t oldest = INT64_MAX;
    int64_t newest = INT64_MIN;
    for (uint32_t i = 0; i < batch->events; i++) {
        struct event event;
        batch_event(batch, i, &event);
        oldest = event.received.ns < oldest ? event.received.ns : oldest;
        newest = event.received.ns > newest ? event.received.ns : newest;
    }
    return request->query == NULL && source_wanted(request, batch->source.value) &&
           oldest < request->to.ns && newest >= request->from.ns;
}

static enum err leaf_call(void *context, const struct leaf_entry *leaf)
{
    struct making *making = context;
    uint8_t selected[EVENTS_PER_BATCH_MAX / 8 + 1];
    uint8_t salt[LEAF_SALT_SIZE];
    struct batch batch;
    bool any;
    unsigned form = 0;
    bool proof = making->request->proof && !making->again;
    bool gone = gone_find(&making->gone, leaf->index) != NULL; /* and its file not unlinked yet */
    if (gone || (!proof && !source_wanted(making->request, leaf->source.value))) {
        return OK;
    }
    enum err err = proof ? missing_put(making, leaf->index) : OK;
    if (err != OK) {
        return err;
    }
    making->next = leaf->index + 1;
    err = reader_leaf_open(making->reader, leaf, salt, &batch, NULL);
    if (err == OK && (batch.events != leaf->events || batch.events > EVENTS_PER_BATCH_MAX)) {
        err = ERR_CORRUPT;
    }
    err = err == OK && proof ? leaf_form(salt, leaf->first, &batch, &leaf->hash, &form) : err;
    if (err == ERR_CORRUPT || (err == OK && proof && form == 0)) {
        making->told.missing += source_wanted(making->request, leaf->source.value);
        return hash_put(making, leaf);
    }
    err = err == OK ? lines_put(making, leaf, &batch, selected, &any) : err;
    if (err != OK || !proof) {
        return err;
    }
    return any || may_hold(making, &batch) ? whole_put(making, leaf, form, salt, &batch, selected)
                                           : told_put(making, leaf, salt, &batch);
}

/* What leaves.bin begins with. */
static enum err leaves_begin(struct making *making)
{
    char fixed[PACKAGE_LEAVES_SIZE] = {0};
    leaf_run_begin(&making->leaves, STR(""));
    const struct tree *tree = &making->range.start;
    memcpy(fixed, "HINOMIpl", 8);
    put_u16(fixed + 8, 1);
    put_u32(fixed + 12, making->request->client.value);
    put_u64(fixed + 16, tree->size);
    put_u64(fixed + 24, making->range.leaves_end);
    put_u32(fixed + 32, tree_peaks(tree));
    enum err err = told_entry_put(making, fixed, sizeof fixed);
    return err == OK ? told_entry_put(making, tree->peaks, tree_peaks(tree) * SHA256_SIZE) : err;
}

static enum err leaves_walk(struct making *making, const char *name)
{
    const struct package_range *range = &making->range;
    enum err err = part_begin(&making->out, name);
    if (err == OK && making->again && making->request->format == PACKAGE_CSV) {
        err = part_put(&making->out, STR("place,source,received,original,fields\r\n"));
    }
    making->next = range->start.size;
    err = err == OK
              ? reader_leaves(making->scope, making->reader, making->request->client,
                              range->start.size, range->leaves_end, leaf_call, making, making->why)
              : err;
    if (err == OK && making->request->proof && !making->again) {
        err = missing_put(making, range->leaves_end);
        err = err == OK ? entries_flush(making) : err;
    }
    return err == OK ? part_end(&making->out) : err;
}

/* ---- The proof's other parts. */

static enum err leaves_copy(struct making *making)
{
    enum err err = part_begin(&making->out, "proof/leaves.bin");
    char *piece = malloc(ENTRY_HELD_MAX);
    err = piece == NULL ? ERR_MEMORY : err;
    for (uint64_t at = 0; err == OK && at < making->scratch_at;) {
        size_t got = 0;
        uint64_t left = making->scratch_at - at;
        err = file_read(making->scratch, at, piece,
                        left < ENTRY_HELD_MAX ? (size_t)left : ENTRY_HELD_MAX, &got);
        err = err == OK && got == 0 ? ERR_IO : err;
        err = err == OK ? part_put(&making->out, str_of(piece, got)) : err;
        at += got;
    }
    free(piece);
    return err == OK ? part_end(&making->out) : err;
}

static enum err head_call(void *context, const struct head *head, struct str bytes)
{
    struct making *making = context;
    char epoch[8];
    put_u64(epoch, head->epoch);
    making->told.heads++;
    /* Kept for the stamps: those over heads that are in the package. */
    enum err err = buf_append(&making->entry, str_of(epoch, sizeof epoch));
    return err == OK ? part_put(&making->out, bytes) : err;
}

static int epoch_compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* The tombstones over leaves of the range. */
static enum err epochs_gather(struct making *making)
{
    const struct gone *gone = &making->gone;
    making->epochs = calloc(gone->count + 1, sizeof *making->epochs);
    if (making->epochs == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < gone->count; i++) {
        if (gone->runs[i].index < making->range.leaves_end &&
            gone->runs[i].index + gone->runs[i].leaves > making->range.start.size) {
            making->epochs[making->epochs_count++] = gone->runs[i].epoch;
        }
    }
    qsort(making->epochs, making->epochs_count, sizeof *making->epochs, epoch_compare);
    return OK;
}

static enum err heads_copy(struct making *making)
{
    const struct package_heads heads = {.start_epoch = making->range.start_epoch,
                                        .end_epoch = making->range.end_epoch,
                                        .epochs = making->epochs,
                                        .count = making->epochs_count,
                                        .call = head_call,
                                        .context = making};
    enum err err = part_begin(&making->out, "proof/heads.bin");
    buf_reset(&making->entry);
    err = err == OK
              ? package_heads_pick(making->proof, making->request->client, &heads, making->why)
              : err;
    return err == OK ? part_end(&making->out) : err;
}

/* The remains of the tombstones that are needed, as they were signed. */
static enum err remains_call_put(void *context, const struct head *head, struct str remains)
{
    struct making *making = context;
    return bsearch(&head->epoch, making->epochs, making->epochs_count, sizeof *making->epochs,
                   epoch_compare) != NULL
               ? part_put(&making->out, remains)
               : OK;
}

static enum err remains_copy(struct making *making)
{
    enum err err = part_begin(&making->out, "proof/remains.bin");
    err = err == OK ? remains_each(making->proof->heads, making->proof->remains,
                                   making->request->client, remains_call_put, making)
                    : err;
    return err == OK ? part_end(&making->out) : err;
}

static bool epoch_there(const struct making *making, uint64_t epoch)
{
    size_t from = 0;
    size_t to = making->entry.size / 8;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        uint64_t there = get_u64(making->entry.data + 8 * middle);
        if (there == epoch) {
            return true;
        }
        if (there < epoch) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return false;
}

static enum err stamp_copy(void *context, const struct stamps_told *told)
{
    struct making *making = context;
    if (told->stamp == NULL || !epoch_there(making, told->stamp->epoch)) {
        return OK;
    }
    making->told.stamps++;
    return part_put(&making->out, told->bytes);
}

static enum err stamps_copy(struct making *making)
{
    uint64_t end;
    enum err err = part_begin(&making->out, "proof/stamps.bin");
    if (err == OK && making->proof->stamps != NULL) {
        err = stamps_walk(making->proof->stamps, making->request->client, stamp_copy, making, &end);
    }
    return err == OK ? part_end(&making->out) : err;
}

static enum err texts_put(struct making *making)
{
    char anchor[2 * ED25519_SIZE + 2];
    enum err err = OK;
    (void)hex_print(making->proof->anchor, ED25519_SIZE, anchor);
    anchor[2 * ED25519_SIZE] = '\n';
    if (making->request->proof) {
        err = part_whole(&making->out, "proof/anchor.txt", str_of(anchor, sizeof anchor - 1));
    }
    for (size_t i = 0; err == OK && i < PACKAGE_TEXTS_COUNT; i++) {
        err = part_whole(&making->out, package_texts[i].name,
                         str_of(package_texts[i].bytes, package_texts[i].size));
    }
    return err;
}

static enum err cover_add(void *package, const char *name, struct str bytes)
{
    struct making *making = package;
    return part_whole(&making->out, name, bytes);
}

/* What sha256sum reads: the sums of all parts that are there by now. */
static enum err sums_put(struct making *making)
{
    const struct package_told *told = &making->told;
    char hash[2 * SHA256_SIZE + 1];
    struct buf text;
    enum err err = OK;
    buf_init(&text, PACKAGE_PARTS_MAX * 256);
    for (size_t i = 0; err == OK && i < told->parts_count; i++) {
        err = buf_print(&text, "%s  %s\n", hex_print(told->parts[i].hash.bytes, SHA256_SIZE, hash),
                        told->parts[i].name);
    }
    err = err == OK ? part_whole(&making->out, "SHA256SUMS", buf_str(&text)) : err;
    buf_done(&text);
    return err;
}

/* ---- The whole. */

static enum err range_find(struct making *making)
{
    const struct package_request *request = making->request;
    if (making->proof->heads != NULL) {
        enum err err = package_range_find(making->proof, request->client, &making->gone,
                                          request->from, request->to, &making->range, making->why);
        if (err != OK || request->proof) {
            return err;
        }
    } else if (request->proof) {
        return why_say(making->why, ERR_NOT_FOUND, 0, "client %u has no head",
                       request->client.value);
    }
    /* Without proof what no head covers yet is handed out as well. */
    making->range.leaves_end = UINT64_MAX;
    return OK;
}

static enum err lines_make(struct making *making)
{
    static const char *const names[] = {"", "lines.ndjson", "lines.csv"};
    enum err err = making->request->proof ? leaves_begin(making) : OK;
    err = err == OK ? leaves_walk(making, "lines.raw") : err;
    if (err == OK && making->leaves.run != NULL) {
        making->told.leaves_hash = leaf_run_end(&making->leaves);
        making->leaves.run = NULL;
    }
    if (err == OK && making->request->format != PACKAGE_RAW) {
        making->again = true;
        err = leaves_walk(making, names[making->request->format]);
    }
    return err;
}

static enum err proof_make(struct making *making)
{
    enum err err = leaves_copy(making);
    err = err == OK ? epochs_gather(making) : err;
    err = err == OK ? remains_copy(making) : err;
    err = err == OK ? heads_copy(making) : err;
    return err == OK ? stamps_copy(making) : err;
}

static enum err all_make(struct making *making, package_cover *cover, void *context,
                         struct arena *mem)
{
    struct buf manifest;
    struct package_told *told = &making->told;
    enum err err = gone_read(making->proof->heads, making->proof->remains, making->request->client,
                             &making->gone);
    err = err == OK ? range_find(making) : err;
    err = err == OK ? lines_make(making) : err;
    err = err == OK && making->request->proof ? proof_make(making) : err;
    err = err == OK ? texts_put(making) : err;
    if (err != OK) {
        return err;
    }
    struct package_source *sources =
        ARENA_ARRAY(mem, struct package_source, told->sources_count + 1);
    if (sources == NULL) {
        return ERR_MEMORY;
    }
    if (told->sources_count > 0) {
        memcpy(sources, making->sources, told->sources_count * sizeof *sources);
    }
    told->sources = sources;
    told->leaves = making->range.start.size;
    told->leaves_end = making->request->proof ? making->range.leaves_end : 0;
    err = cover != NULL ? cover(context, told, cover_add, making) : OK;
    err = err == OK ? sums_put(making) : err;
    buf_init(&manifest, MANIFEST_SIZE_MAX);
    err = err == OK ? manifest_print(making->request, told, &making->range, &manifest) : err;
    err = err == OK ? package_out_end(&making->out, buf_str(&manifest)) : err;
    buf_done(&manifest);
    return err;
}

enum err package_make(const struct scope *scope, struct reader *reader,
                      const struct package_request *request, const struct package_proof *proof,
                      struct file *to, struct file *scratch, package_cover *cover, void *context,
                      struct arena *mem, struct package_told *ret, struct why *why)
{
    if (!scope_allows(scope, request->client, RIGHT_READ)) {
        return why_say(why, ERR_DENIED, 0, "client %u may not be read", request->client.value);
    }
    struct making *making = calloc(1, sizeof *making);
    if (making == NULL) {
        return ERR_MEMORY;
    }
    making->scope = scope;
    making->reader = reader;
    making->request = request;
    making->proof = proof;
    making->scratch = scratch;
    making->why = why;
    buf_init(&making->entry, ENTRY_HELD_MAX + 2 * (size_t)BATCH_SIZE_MAX);
    buf_init(&making->rendered, RENDERED_SIZE_MAX);
    map_init(&making->by_source, SOURCES_MAX, 0);
    making->mem = arena_new(4 * RENDERED_SIZE_MAX);
    enum err err = making->mem == NULL
                       ? ERR_MEMORY
                       : package_out_open(&making->out, to, request, &making->told, why);
    err = err == OK ? all_make(making, cover, context, mem) : err;
    if (err == OK) {
        *ret = making->told;
    }
    if (making->leaves.run != NULL) {
        (void)leaf_run_end(&making->leaves);
    }
    package_out_done(&making->out);
    gone_done(&making->gone);
    map_done(&making->by_source);
    buf_done(&making->entry);
    buf_done(&making->rendered);
    arena_free(making->mem);
    free(making->sources);
    free(making->epochs);
    free(making);
    return err;
}
