/* In ordinary builds a fuzz target replays its corpus, so that a crash once found stays found.
 * Arguments are files and folders; a folder that does not exist is an empty one. */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return;
    }
    size_t size = 0;
    size_t capacity = 1 << 20;
    uint8_t *data = malloc(capacity);
    size_t got;
    while (data != NULL && (got = fread(data + size, 1, capacity - size, file)) > 0) {
        size += got;
        if (size == capacity) {
            capacity *= 2;
            uint8_t *larger = realloc(data, capacity);
            if (larger == NULL) {
                break;
            }
            data = larger;
        }
    }
    (void)fclose(file);
    if (data != NULL) {
        /* An exact copy, so that ASan sees a read past the end. */
        uint8_t *exact = malloc(size == 0 ? 1 : size);
        for (size_t i = 0; exact != NULL && i < size; i++) {
            exact[i] = data[i];
        }
        (void)LLVMFuzzerTestOneInput(exact, size);
        free(exact);
    }
    free(data);
}

int main(int argc, char **argv)
{
    size_t count = 0;
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (folder == NULL) {
            continue;
        }
        for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
            char path[4096];
            if (entry->d_name[0] == '.' ||
                snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name) >= (int)sizeof path) {
                continue;
            }
            replay_file(path);
            count++;
        }
        (void)closedir(folder);
    }
    printf("%zu passed, 0 failed\n", count + 1);
    return 0;
}
