/*
 * The frames of a journal in order, over any damage: where a header does not hold, the walk looks
 * for the next one that does.  A header names its own journal and offset, so that nothing that
 * merely looks like one, or was moved, is taken for a frame.  Only headers are read.
 *
 * A search for the next header looks at each byte once (a candidate costs one hash), and the walk
 * never goes back: it ends on any bytes.  What a failing disk does not give us is skipped in steps
 * of a block.
 */

#include "archive/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_SIZE 65536
#define BLOCK_SIZE  4096

static bool header_at(const struct walk *walk, uint64_t at, struct frame *ret);
static uint64_t header_search(const struct walk *walk, uint64_t from);

void walk_init(struct walk *walk, struct file *file, uint64_t journal, uint64_t from, uint64_t end)
{
    uint64_t size = 0;
    if (file_size(file, &size) != OK) {
        size = 0;
    }
    *walk =
        (struct walk){.file = file, .journal = journal, .at = from, .end = end < size ? end : size};
}

bool walk_next(struct walk *walk, struct frame *ret)
{
    uint64_t from = walk->at;
    uint64_t at = from;
    while (at < walk->end) {
        if (header_at(walk, at, ret)) {
            walk->skipped = at - from;
            walk->at = frame_end(ret);
            return true;
        }
        at = header_search(walk, at + 1);
    }
    walk->skipped = walk->end > from ? walk->end - from : 0;
    walk->at = walk->end;
    return false;
}

static bool header_at(const struct walk *walk, uint64_t at, struct frame *ret)
{
    char header[FRAME_HEADER_SIZE];
    size_t got = 0;
    return walk->end - at >= FRAME_HEADER_SIZE &&
           file_read(walk->file, at, header, sizeof header, &got) == OK && got == sizeof header &&
           frame_decode(header, walk->journal, at, ret) && frame_end(ret) <= walk->end;
}

/* The next place from `from` on where a magic stands, or the end. */
static uint64_t header_search(const struct walk *walk, uint64_t from)
{
    char window[WINDOW_SIZE];
    while (from < walk->end) {
        size_t got = 0;
        size_t want = walk->end - from < WINDOW_SIZE ? (size_t)(walk->end - from) : WINDOW_SIZE;
        if (file_read(walk->file, from, window, want, &got) != OK) {
            if (file_read(walk->file, from, window, BLOCK_SIZE < want ? BLOCK_SIZE : want, &got) !=
                OK) {
                from += BLOCK_SIZE;
                continue;
            }
        }
        const char *found = got < 8 ? NULL : memmem(window, got, "HINOMIjf", 8);
        if (found != NULL) {
            return from + (uint64_t)(found - window);
        }
        if (got < 8 || from + got >= walk->end) {
            break;
        }
        from += got - 7;
    }
    return walk->end;
}

enum err journal_path(const char *folder, uint64_t number, char *path, size_t size)
{
    int printed = snprintf(path, size, "%s/%010llu.journal", folder, (unsigned long long)number);
    return printed < 0 || (size_t)printed >= size ? ERR_LIMIT : OK;
}

static enum err journal_visit(void *context, const char *name)
{
    struct journals *journals = context;
    struct str text = str_from(name);
    uint64_t number;
    if (!str_ends(text, STR(".journal")) ||
        str_to_u64(str_slice(text, 0, text.size - 8), UINT64_MAX / 2, &number) != OK ||
        number == 0 || text.size < 18) {
        return OK;
    }
    return journals_add(journals, number, UINT64_MAX);
}

enum err journals_add(struct journals *journals, uint64_t number, uint64_t end)
{
    if (journals->count == JOURNALS_MAX) {
        return ERR_LIMIT;
    }
    if (journals->count == journals->capacity) {
        size_t capacity = journals->capacity == 0 ? 16 : journals->capacity * 2;
        struct journal_file *larger = realloc(journals->list, capacity * sizeof *journals->list);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        journals->list = larger;
        journals->capacity = capacity;
    }
    journals->list[journals->count++] = (struct journal_file){.number = number, .end = end};
    return OK;
}

struct journal_file *journals_find(struct journals *journals, uint64_t number)
{
    size_t low = 0;
    size_t high = journals->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (journals->list[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < journals->count && journals->list[low].number == number ? &journals->list[low]
                                                                         : NULL;
}

static int journal_compare(const void *a, const void *b)
{
    uint64_t left = ((const struct journal_file *)a)->number;
    uint64_t right = ((const struct journal_file *)b)->number;
    return left < right ? -1 : left > right;
}

/* A later journal's frames say where the one before it ended; what lies between was given up. */
static void ends_learn(struct journals *journals, size_t count, const struct frame *frame)
{
    for (size_t i = count; i > 0; i--) {
        struct journal_file *journal = &journals->list[i - 1];
        if (journal->number == frame->before_journal) {
            journal->end = frame->before_end;
            break;
        }
        if (journal->number < frame->before_journal) {
            break;
        }
        journal->end = 0;
    }
}

enum err journals_list(struct disk *disk, const char *folder, struct journals *ret, struct why *why)
{
    struct journals journals = {0};
    enum err err = disk_list(disk, folder, journal_visit, &journals);
    if (err != OK) {
        free(journals.list);
        return why_say(why, err, 0, "%s: %s", folder, err_text(err));
    }
    if (journals.count > 0) {
        qsort(journals.list, journals.count, sizeof *journals.list, journal_compare);
    }
    for (size_t i = 1; err == OK && i < journals.count; i++) {
        char path[PATH_SIZE];
        struct file *file;
        struct walk walk;
        struct frame frame;
        err = journal_path(folder, journals.list[i].number, path, sizeof path);
        if (err == OK && disk_open(disk, path, DISK_READ, &file, NULL) == OK) {
            walk_init(&walk, file, journals.list[i].number, 0, UINT64_MAX);
            if (walk_next(&walk, &frame)) {
                ends_learn(&journals, i, &frame);
            }
            file_close(file);
        }
    }
    if (err != OK) {
        free(journals.list);
        return err;
    }
    *ret = journals;
    return OK;
}

void journals_done(struct journals *journals)
{
    free(journals->list);
    *journals = (struct journals){0};
}

struct segments_list {
    segments_call *call;
    void *context;
};

static enum err segments_visit(void *context, const char *name)
{
    const struct segments_list *list = context;
    struct str text = str_from(name);
    uint64_t generation;
    if (!str_ends(text, STR(".segment")) ||
        str_to_u64(str_slice(text, 0, text.size - 8), UINT64_MAX / 2, &generation) != OK ||
        generation == 0 || text.size < 18) {
        return OK;
    }
    return list->call(list->context, generation);
}

enum err segments_list(struct disk *disk, const char *folder, struct client_id client,
                       segments_call *call, void *context)
{
    char path[PATH_SIZE];
    bool there = false;
    struct segments_list list = {call, context};
    int printed = snprintf(path, sizeof path, "%s/segments/%u", folder, client.value);
    enum err err = printed < 0 || (size_t)printed >= sizeof path ? ERR_LIMIT : OK;
    err = err == OK ? disk_exists(disk, path, &there) : err;
    return err == OK && there ? disk_list(disk, path, segments_visit, &list) : err;
}
