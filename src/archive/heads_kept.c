/*
 * An archive held against heads that somebody kept elsewhere.  A folder that was set back as a
 * whole, its keys with it, is sound in itself: only what lies elsewhere tells.
 *
 * Always true: each head that was kept is either one of the archive's, byte for byte, or named.
 */

#include "archive/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/package_private.h"
#include "archive/stamp.h"
#include "base/bytes.h"
#include "codec/time.h"

#define KEPT_MAX ((size_t)4000000)

struct kept_head {
    uint32_t client;
    bool met;
    uint64_t epoch;
    uint64_t offset; /* in the file of kept heads */
    struct sha256 hash;
};

struct kept {
    struct kept_head *list;
    size_t count;
    verify_call *call;
    void *context;
    uint64_t damaged;
};

/* ---- Heads as text. */

static const struct str said_mark = {"hinomi-head 1 ", 14};

enum err head_said_print(const struct head_said *head, struct buf *out)
{
    char time[TIME_TEXT_SIZE];
    char hash[2 * SHA256_SIZE + 1];
    return buf_print(out, "%.*sclient %u epoch %llu leaves %llu time %s sha256 %s",
                     STR_ARG(said_mark), head->client.value, (unsigned long long)head->epoch,
                     (unsigned long long)head->leaves, time_print(head->wall, time),
                     hex_print(head->hash.bytes, SHA256_SIZE, hash));
}

static bool word_next(struct str *text, struct str word)
{
    struct str found = str_cut(text, ' ');
    return str_equal(found, word);
}

bool head_said_next(struct str *text, struct head_said *ret)
{
    size_t at;
    while ((at = str_find(*text, said_mark)) != STR_NONE) {
        struct head_said said = {0};
        uint64_t client = 0;
        *text = str_slice(*text, at + said_mark.size, SIZE_MAX);
        struct str rest = *text;
        if (word_next(&rest, STR("client")) &&
            str_to_u64(str_cut(&rest, ' '), UINT32_MAX, &client) == OK && client > 0 &&
            word_next(&rest, STR("epoch")) &&
            str_to_u64(str_cut(&rest, ' '), UINT64_MAX, &said.epoch) == OK &&
            word_next(&rest, STR("leaves")) &&
            str_to_u64(str_cut(&rest, ' '), UINT64_MAX, &said.leaves) == OK &&
            word_next(&rest, STR("time")) && str_cut(&rest, ' ').size > 0 &&
            word_next(&rest, STR("sha256")) &&
            hex_parse(str_slice(rest, 0, 2 * SHA256_SIZE), said.hash.bytes, SHA256_SIZE) == OK) {
            said.client.value = (uint32_t)client;
            *ret = said;
            *text = rest;
            return true;
        }
    }
    return false;
}

bool heads_are_said(struct str kept)
{
    return !str_starts(kept, STR("HINOMIhd"));
}

/* ---- What was kept. */

static void kept_say(struct kept *kept, uint64_t offset, const char *what)
{
    kept->damaged++;
    kept->call(kept->context, "kept heads", offset, what);
}

static int kept_compare(const void *a, const void *b)
{
    const struct kept_head *left = a;
    const struct kept_head *right = b;
    if (left->client != right->client) {
        return left->client < right->client ? -1 : 1;
    }
    return left->epoch < right->epoch ? -1 : left->epoch > right->epoch;
}

static enum err kept_add(struct kept *kept, const struct kept_head *head)
{
    if (kept->count == KEPT_MAX) {
        return ERR_LIMIT;
    }
    if ((kept->count & (kept->count - 1)) == 0) {
        size_t room = kept->count == 0 ? 1 : 2 * kept->count;
        struct kept_head *larger = realloc(kept->list, room * sizeof *larger);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        kept->list = larger;
    }
    kept->list[kept->count++] = *head;
    return OK;
}

static enum err kept_read_said(struct kept *kept, struct str text)
{
    struct str rest = text;
    struct head_said said;
    enum err err = OK;
    while (err == OK && head_said_next(&rest, &said)) {
        err = kept_add(kept, &(struct kept_head){.client = said.client.value,
                                                 .epoch = said.epoch,
                                                 .offset = (uint64_t)(rest.data - text.data),
                                                 .hash = said.hash});
    }
    if (err == OK && kept->count == 0) {
        kept_say(kept, 0, "there is no head in it");
    }
    return err;
}

/* The clients of the file stand in the records. */
static enum err kept_read(struct kept *kept, struct str bytes)
{
    struct head *head = malloc(sizeof *head);
    enum err err = OK;
    if (head == NULL) {
        return ERR_MEMORY;
    }
    for (size_t at = 0; err == OK && at < bytes.size;) {
        struct str rest = str_slice(bytes, at, SIZE_MAX);
        struct client_id client = {rest.size >= 24 ? get_u32(rest.data + 16) : 0};
        size_t size;
        if (!head_decode(rest, client, head, &size)) {
            kept_say(kept, at, "what was kept is no sound head from here on");
            break;
        }
        err = kept_add(kept, &(struct kept_head){.client = client.value,
                                                 .epoch = head->epoch,
                                                 .offset = at,
                                                 .hash = head->hash});
        at += size;
    }
    free(head);
    return err;
}

/* Marks those of list[from..to), all of one client, that the archive has. */
static enum err client_compare(struct kept *kept, struct disk *disk, const char *folder,
                               size_t from, size_t to)
{
    char path[PATH_SIZE];
    struct file *file = NULL;
    struct heads_walk walk = {0};
    struct client_id client = {kept->list[from].client};
    struct str bytes;
    uint64_t size = 0;
    size_t at = from;
    struct head *head = malloc(sizeof *head);
    enum err err = head == NULL ? ERR_MEMORY : heads_path(folder, client, path, sizeof path);
    err = err == OK ? disk_open(disk, path, DISK_READ, &file, NULL) : err;
    err = err == OK ? file_size(file, &size) : err;
    err = err == OK ? heads_walk_open(&walk, file, size, client) : err;
    while (err == OK && (err = heads_walk_next(&walk, head, &bytes)) == OK) {
        while (at < to && kept->list[at].epoch < head->epoch) {
            at++;
        }
        for (; at < to && kept->list[at].epoch == head->epoch; at++) {
            kept->list[at].met = sha256_equal(&kept->list[at].hash, &head->hash);
            if (!kept->list[at].met) {
                char what[120];
                (void)snprintf(what, sizeof what,
                               "epoch %llu of client %u was another head when it was kept",
                               (unsigned long long)head->epoch, client.value);
                kept_say(kept, kept->list[at].offset, what);
                kept->list[at].met = true; /* named */
            }
        }
    }
    heads_walk_done(&walk);
    file_close(file);
    free(head);
    return err == ERR_MEMORY || err == ERR_IO || err == ERR_DENIED ? err : OK;
}

/* One sentence for all heads of a client that the archive has not. */
static void missing_say(struct kept *kept, size_t from, size_t to)
{
    size_t missing = 0;
    size_t first = to;
    for (size_t i = from; i < to; i++) {
        if (!kept->list[i].met) {
            first = missing == 0 ? i : first;
            missing++;
        }
    }
    if (missing > 0) {
        char what[200];
        (void)snprintf(what, sizeof what,
                       "%zu heads of client %u that were kept are not here, from epoch %llu to "
                       "%llu: set back, or cut off",
                       missing, kept->list[first].client,
                       (unsigned long long)kept->list[first].epoch,
                       (unsigned long long)kept->list[to - 1].epoch);
        kept_say(kept, kept->list[first].offset, what);
    }
}

enum err archive_heads_kept(struct disk *disk, const char *folder, struct str heads,
                            verify_call *call, void *context, struct verify_report *report)
{
    struct kept kept = {.call = call, .context = context};
    enum err err = heads_are_said(heads) ? kept_read_said(&kept, heads) : kept_read(&kept, heads);
    if (kept.count > 1) {
        qsort(kept.list, kept.count, sizeof *kept.list, kept_compare);
    }
    for (size_t from = 0; err == OK && from < kept.count;) {
        size_t to = from;
        while (to < kept.count && kept.list[to].client == kept.list[from].client) {
            to++;
        }
        err = client_compare(&kept, disk, folder, from, to);
        if (err == OK) {
            missing_say(&kept, from, to);
        }
        from = to;
    }
    free(kept.list);
    report->damaged += kept.damaged;
    return err != OK ? err : kept.damaged > 0 ? ERR_CORRUPT : OK;
}
