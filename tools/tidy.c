/*
 * The house rules as a test: tidy ROOT.
 *
 * Walks src/, tools/, tests/, docs/ and the texts at the root, prints "file:line: sentence" for
 * each broken rule, and ends with 1 if there was one.  The rules of one C file are in
 * tidy_source.c, the law of layers in tidy_layers.c; here are the walk, the rooms' READMEs and the
 * ratchet.
 *
 * Always true: what is under tests/corpus/, in node_modules/ and in a folder whose name starts with
 * a dot is input or somebody else's and is not looked at.  Files that are neither C nor prose are
 * passed over.
 *
 * The ratchet, tools/tidy-ratchet.txt, has one line "file function lines" for each function that is
 * longer than FUNCTION_LINES_MAX for the time being.  It may only get shorter: a function that grew
 * is refused, and so is a line that no longer says how long the function is.
 */

#include "tools/tidy.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FUNCTION_LINES_MAX 70
#define README_LINES_MAX   40
#define RATCHET_MAX        200
#define PATH_SIZE          4096

struct ratchet {
    char path[256];
    char function[128];
    size_t length;
    bool met;
};

static struct ratchet ratchets[RATCHET_MAX];
static size_t ratchets_count;
static size_t complaints;
static size_t files;

static void walk(const char *root, const char *path);
static void file_check(const char *root, const char *path);
static void rooms_check(const char *root);
static bool name_ends(const char *name, const char *ending);

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: tidy ROOT\n");
        return 2;
    }
    const char *root = argv[1];
    static const char *const folders[] = {"src", "tools", "tests", "docs"};
    static const char *const texts[] = {"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md",
                                        "meson.build"};

    if (!layers_read(root)) {
        return 1;
    }
    ratchet_read(root);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        walk(root, folders[i]);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char path[PATH_SIZE];
        struct stat status;
        if (snprintf(path, sizeof path, "%s/%s", root, texts[i]) < (int)sizeof path &&
            stat(path, &status) == 0) {
            file_check(root, texts[i]);
        }
    }
    rooms_check(root);
    ratchet_end();
    if (files == 0) {
        complain("src", 0, "there is nothing here to look at");
    }
    return complaints == 0 ? 0 : 1;
}

void complain(const char *path, size_t line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("%s:%zu: ", path, line);
    (void)vprintf(format, arguments);
    (void)putchar('\n');
    va_end(arguments);
    complaints++;
}

static void walk(const char *root, const char *path)
{
    char full[PATH_SIZE];
    struct dirent **entries;
    if (strcmp(path, "tests/corpus") == 0 ||
        snprintf(full, sizeof full, "%s/%s", root, path) >= (int)sizeof full) {
        return;
    }
    int count = scandir(full, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        char below[PATH_SIZE];
        struct stat status;
        if (name[0] != '.' && strcmp(name, "node_modules") != 0 &&
            snprintf(below, sizeof below, "%s/%s", path, name) < (int)sizeof below &&
            snprintf(full, sizeof full, "%s/%s", root, below) < (int)sizeof full &&
            lstat(full, &status) == 0) {
            if (S_ISDIR(status.st_mode)) {
                walk(root, below);
            } else if (S_ISREG(status.st_mode)) {
                file_check(root, below);
            }
        }
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
}

static void file_check(const char *root, const char *path)
{
    bool c = name_ends(path, ".c") || name_ends(path, ".h") || name_ends(path, ".cc");
    struct source source;
    if (!c && !name_ends(path, ".md") && !name_ends(path, "meson.build")) {
        return;
    }
    files++;
    if (!source_read(root, path, &source)) {
        return;
    }
    if (c) {
        source_check(&source);
        layers_check(root, &source);
    } else if (strncmp(path, "src/", 4) == 0 && name_ends(path, "/README.md") &&
               source.count > README_LINES_MAX) {
        complain(path, source.count, "a room's README has at most %d lines", README_LINES_MAX);
    }
    source_free(&source);
}

/* A room that is built says what it is for. */
static void rooms_check(const char *root)
{
    char path[PATH_SIZE];
    struct dirent **entries;
    if (snprintf(path, sizeof path, "%s/src", root) >= (int)sizeof path) {
        return;
    }
    int count = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        struct stat status;
        const char *name = entries[i]->d_name;
        if (name[0] != '.' &&
            snprintf(path, sizeof path, "%s/src/%s/meson.build", root, name) < (int)sizeof path &&
            stat(path, &status) == 0 &&
            snprintf(path, sizeof path, "%s/src/%s/README.md", root, name) < (int)sizeof path &&
            stat(path, &status) != 0) {
            complain(path + strlen(root) + 1, 0, "each room has a README");
        }
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
}

void ratchet_read(const char *root)
{
    char path[PATH_SIZE];
    char line[512];
    if (snprintf(path, sizeof path, "%s/tools/tidy-ratchet.txt", root) >= (int)sizeof path) {
        return;
    }
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL && ratchets_count < RATCHET_MAX) {
        struct ratchet *ratchet = &ratchets[ratchets_count];
        char *function = strchr(line, ' ');
        char *length = function != NULL ? strchr(function + 1, ' ') : NULL;
        if (line[0] == '#' || length == NULL) {
            continue;
        }
        *function++ = '\0';
        *length++ = '\0';
        (void)snprintf(ratchet->path, sizeof ratchet->path, "%.255s", line);
        (void)snprintf(ratchet->function, sizeof ratchet->function, "%.127s", function);
        ratchet->length = strtoul(length, NULL, 10);
        ratchets_count++;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

void ratchet_check(const char *path, size_t line, const char *function, size_t length)
{
    for (size_t i = 0; i < ratchets_count; i++) {
        struct ratchet *ratchet = &ratchets[i];
        if (strcmp(ratchet->path, path) == 0 && strcmp(ratchet->function, function) == 0) {
            ratchet->met = length > FUNCTION_LINES_MAX;
            if (ratchet->met && length > ratchet->length) {
                complain(path, line, "%s has grown from %zu to %zu lines", function,
                         ratchet->length, length);
            } else if (ratchet->met && length < ratchet->length) {
                complain(path, line, "%s has shrunk to %zu lines: say so in the ratchet", function,
                         length);
            }
            return;
        }
    }
    if (length > FUNCTION_LINES_MAX) {
        complain(path, line, "%s has %zu lines; %d is the most", function, length,
                 FUNCTION_LINES_MAX);
    }
}

void ratchet_end(void)
{
    for (size_t i = 0; i < ratchets_count; i++) {
        if (!ratchets[i].met) {
            complain("tools/tidy-ratchet.txt", 0, "%s in %s is short enough or gone: strike it",
                     ratchets[i].function, ratchets[i].path);
        }
    }
}

static bool name_ends(const char *name, const char *ending)
{
    size_t size = strlen(name);
    size_t tail = strlen(ending);
    return size >= tail && strcmp(name + size - tail, ending) == 0;
}
