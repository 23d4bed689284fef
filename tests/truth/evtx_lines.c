/* evtx_lines < PATHS: each record of the event logs named, a line each: the path's number, the
 * record's offset in the file, and the record as we read it; beside tests/truth/evtx_oracle.py. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/evtx.h"

struct place {
    unsigned long file;
    size_t chunk;
};

static void must(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "evtx_lines: %s\n", what);
        exit(2);
    }
}

static enum err record_say(void *context, const struct evtx_record *record)
{
    const struct place *place = context;
    (void)printf("%lu %zu ", place->file, place->chunk + record->offset);
    (void)fwrite(record->json.data, 1, record->json.size, stdout);
    (void)putchar('\n');
    return OK;
}

static void file_say(struct evtx *evtx, const char *path, unsigned long number)
{
    static char chunk[EVTX_CHUNK_SIZE];
    struct place place = {number, EVTX_HEADER_SIZE};
    FILE *file = fopen(path, "rb");
    must(file != NULL && fseek(file, EVTX_HEADER_SIZE, SEEK_SET) == 0, "a file cannot be read");
    for (size_t size; (size = fread(chunk, 1, sizeof chunk, file)) > 0; place.chunk += size) {
        struct evtx_damage damage;
        if (evtx_find(str_of(chunk, size)) == 0) {
            must(evtx_chunk(evtx, str_of(chunk, size), record_say, &place, &damage) == OK,
                 "memory");
        }
    }
    (void)fclose(file);
}

int main(void)
{
    struct evtx *evtx = evtx_new();
    char *path = NULL;
    size_t capacity = 0;
    unsigned long number = 0;
    must(evtx != NULL, "memory");
    for (ssize_t size; (size = getline(&path, &capacity, stdin)) > 1; number++) {
        path[size - 1] = '\0';
        file_say(evtx, path, number);
    }
    free(path);
    evtx_free(evtx);
    return 0;
}
