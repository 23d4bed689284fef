/*
 * Where the measured events come from: the files of one folder, a JSON object a line, which
 * `tests/load/run` has unpacked.
 *
 * A selection is copied line by line into a text of its own, so that every corpus is read from
 * front to back as a file would be; what the shuffle changes is which kinds follow one another.
 * The shuffle is that of Fisher and Yates over xorshift64 from one seed: the same on any machine.
 */

#include "tests/load/corpus.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "codec/json.h"
#include "tests/load/yardstick.h"

#define SEED      0x9e3779b97f4a7c15ULL
#define KINDS_MAX 10000

struct kind {
    struct str line, channel, number;
};

static int file_wanted(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

void give_up(const char *what, const char *name)
{
    (void)fprintf(stderr, "speed: %s: %s\n", name, what);
    exit(1);
}

static void *must(void *memory)
{
    if (memory == NULL) {
        give_up("out of memory", "corpus");
    }
    return memory;
}

static void corpus_begin(struct corpus *corpus, const char *name, size_t size, size_t count)
{
    *corpus = (struct corpus){.name = name};
    corpus->text = must(calloc(1, size + YARDSTICK_PADDING));
    corpus->lines = must(calloc(count + 1, sizeof *corpus->lines));
}

void corpus_done(struct corpus *corpus)
{
    free(corpus->text);
    free(corpus->lines);
    *corpus = (struct corpus){0};
}

/* All files of the folder, joined. */
static char *folder_read(const char *folder, size_t *ret_size)
{
    struct dirent **entries;
    char *text = NULL;
    size_t size = 0;
    int count = scandir(folder, &entries, file_wanted, alphasort);
    if (count <= 0) {
        give_up("no files there", folder);
    }
    for (int i = 0; i < count; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        FILE *file = fopen(path, "rb");
        if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
            give_up("cannot be read", path);
        }
        size_t more = (size_t)ftell(file);
        rewind(file);
        text = must(realloc(text, size + more + 1));
        if (fread(text + size, 1, more, file) != more) {
            give_up("cannot be read", path);
        }
        size += more;
        text[size++] = '\n';
        (void)fclose(file);
        free(entries[i]);
    }
    free(entries);
    *ret_size = size;
    return text;
}

void corpus_read(const char *folder, struct corpus *ret)
{
    size_t size;
    size_t count = 0;
    char *text = folder_read(folder, &size);
    for (size_t i = 0; i < size; i++) {
        count += text[i] == '\n';
    }
    *ret = (struct corpus){.name = "W"};
    ret->text = must(realloc(text, size + YARDSTICK_PADDING));
    memset(ret->text + size, 0, YARDSTICK_PADDING);
    ret->lines = must(calloc(count + 1, sizeof *ret->lines));
    struct str rest = str_of(ret->text, size);
    while (rest.size > 0) {
        struct str line = str_trim(str_cut(&rest, '\n'));
        if (line.size > 0) {
            ret->lines[ret->count++] = line;
            ret->bytes += line.size;
        }
    }
}

static void kind_take(void *context, struct str path, size_t offset, size_t size,
                      enum json_kind json_kind)
{
    struct kind *kind = context;
    if (json_kind != JSON_NULL && str_equal(path, STR("Channel"))) {
        kind->channel = str_slice(kind->line, offset, size);
    }
    if (json_kind != JSON_NULL && str_equal(path, STR("EventID"))) {
        kind->number = str_slice(kind->line, offset, size);
    }
}

static struct kind kind_of(struct str line)
{
    struct kind kind = {.line = line};
    if (json_walk(line, kind_take, &kind, NULL) != OK) {
        give_up("a line is not a JSON object", "corpus");
    }
    return kind;
}

static void corpus_add(struct corpus *corpus, struct str line)
{
    char *at = corpus->text + corpus->bytes + corpus->count;
    memcpy(at, line.data, line.size);
    at[line.size] = '\n';
    corpus->lines[corpus->count++] = str_of(at, line.size);
    corpus->bytes += line.size;
}

void corpus_shuffled(const struct corpus *all, size_t per_kind, struct corpus *ret)
{
    struct str *picked = must(calloc(all->count + 1, sizeof *picked));
    size_t count = 0;
    struct map seen;
    map_init(&seen, KINDS_MAX, 0);
    for (size_t i = 0; i < all->count; i++) {
        struct kind kind = kind_of(all->lines[i]);
        char key[512];
        uint64_t before = 0;
        int size = snprintf(key, sizeof key, "%.*s\n%.*s", STR_ARG(str_slice(kind.channel, 0, 200)),
                            STR_ARG(str_slice(kind.number, 0, 200)));
        (void)map_get(&seen, str_of(key, (size_t)size), &before);
        if (before < per_kind && map_put(&seen, str_of(key, (size_t)size), before + 1) == OK) {
            picked[count++] = all->lines[i];
        }
    }
    map_done(&seen);
    uint64_t random = SEED;
    for (size_t i = count; i > 1; i--) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        size_t other = random % i;
        struct str line = picked[i - 1];
        picked[i - 1] = picked[other];
        picked[other] = line;
    }
    corpus_begin(ret, "H", all->bytes + all->count, count);
    for (size_t i = 0; i < count; i++) {
        corpus_add(ret, picked[i]);
    }
    free(picked);
}

void corpus_creations(const struct corpus *all, struct corpus *ret)
{
    corpus_begin(ret, "PC", all->bytes + all->count, all->count);
    for (size_t i = 0; i < all->count; i++) {
        struct kind kind = kind_of(all->lines[i]);
        bool sysmon = str_equal(kind.channel, STR("Microsoft-Windows-Sysmon/Operational"));
        bool security = str_equal_nocase(kind.channel, STR("Security"));
        if ((sysmon && str_equal(kind.number, STR("1"))) ||
            (security && str_equal(kind.number, STR("4688")))) {
            corpus_add(ret, all->lines[i]);
        }
    }
}
