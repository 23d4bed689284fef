/*
 * The law of layers, as far as includes can break it.  (That a call cannot go the wrong way is the
 * linker's part: see src/meson.build.)
 *
 * src/layers.txt has one floor a line, from the ground up.  A file of a room may include
 *
 *     its own room       every header
 *     a toolbox below    every header but private.h (its name ends with a slash in layers.txt)
 *     a room below       its door, "room/room.h", and what the room's own doors.txt names: one
 *                        header a line, then the reason, for a second thing that others pass around
 *     testing/           from _test.c and _fuzz.c only; testing/ itself includes no room
 *
 * and nothing of a neighbour or of a floor above.  What lies outside the rooms (main.c, tools/,
 * tests/) stands above all floors.  A header in angle brackets is the system's, or it belongs to a
 * library, and each library is included by one file of the project.
 */

#include "tools/tidy.h"

#include <stdio.h>
#include <string.h>

#define ROOMS_MAX     64
#define DOORS_MAX     8
#define LIBRARIES_MAX 64
#define NAME_SIZE     64

struct room {
    char name[NAME_SIZE];
    int floor;
    bool toolbox;
    char doors[DOORS_MAX][NAME_SIZE]; /* besides the one that bears its name */
    size_t doors_count;
};

/* A library and the one file that may include it. */
struct library {
    char name[NAME_SIZE];
    char file[256];
};

static struct room rooms[ROOMS_MAX];
static size_t rooms_count;
static struct library libraries[LIBRARIES_MAX];
static size_t libraries_count;

/* Of C, POSIX, glibc and the compiler.  A header without a dot is C++'s own. */
static const char *const system_headers[] = {
    "assert.h", "ctype.h",    "dirent.h",    "dlfcn.h",       "endian.h",   "errno.h",
    "fcntl.h",  "fenv.h",     "float.h",     "fnmatch.h",     "ftw.h",      "getopt.h",
    "glob.h",   "grp.h",      "ifaddrs.h",   "inttypes.h",    "libgen.h",   "limits.h",
    "locale.h", "malloc.h",   "math.h",      "netdb.h",       "poll.h",     "pthread.h",
    "pwd.h",    "regex.h",    "sched.h",     "semaphore.h",   "setjmp.h",   "signal.h",
    "spawn.h",  "stdalign.h", "stdarg.h",    "stdatomic.h",   "stdbool.h",  "stddef.h",
    "stdint.h", "stdio.h",    "stdlib.h",    "stdnoreturn.h", "string.h",   "strings.h",
    "syslog.h", "termios.h",  "threads.h",   "time.h",        "uchar.h",    "unistd.h",
    "wchar.h",  "wctype.h",   "immintrin.h", "ucontext.h",    "execinfo.h", "syscall.h",
};
static const char *const system_folders[] = {"sys",     "linux", "asm",      "arpa",
                                             "netinet", "net",   "sanitizer"};

static void doors_read(const char *root, struct room *room);
static const struct room *room_find(const char *name, size_t size);
static bool is_testing(const char *path);
static void quoted_check(const struct source *source, size_t line, const char *target);
static void angled_check(const struct source *source, size_t line, const char *target);
static void own_header_check(const char *root, const struct source *source, const char *first,
                             size_t line);

bool layers_read(const char *root)
{
    char path[4096];
    char line[512];
    FILE *file = NULL;
    if (snprintf(path, sizeof path, "%s/src/layers.txt", root) < (int)sizeof path) {
        file = fopen(path, "r");
    }
    for (int floor = 0; file != NULL && fgets(line, sizeof line, file) != NULL; floor++) {
        char *rest = line;
        while (line[0] != '#' && rooms_count < ROOMS_MAX && *(rest += strspn(rest, " \n")) != 0) {
            size_t size = strcspn(rest, " \n");
            struct room *room = &rooms[rooms_count++];
            room->floor = floor;
            room->toolbox = rest[size - 1] == '/';
            (void)snprintf(room->name, sizeof room->name, "%.*s", (int)(size - room->toolbox),
                           rest);
            doors_read(root, room);
            rest += size;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    if (rooms_count == 0) {
        complain("src/layers.txt", 0, "names no room");
    }
    return rooms_count > 0;
}

void layers_check(const char *root, const struct source *source)
{
    bool first = true;
    for (size_t i = 0; i < source->count; i++) {
        char target[256] = "";
        char bracket = 0;
        if (source->code[i][0] != '#' || strncmp(source->lines[i], "#include ", 9) != 0) {
            continue;
        }
        const char *at = source->lines[i] + 9;
        bracket = *at;
        at += bracket == '"' || bracket == '<';
        (void)snprintf(target, sizeof target, "%.*s", (int)strcspn(at, "\">"), at);
        if (first) {
            own_header_check(root, source, target, i + 1);
            first = false;
        }
        if (bracket == '"') {
            quoted_check(source, i + 1, target);
        } else if (bracket == '<') {
            angled_check(source, i + 1, target);
        } else {
            complain(source->path, i + 1, "an include names its file");
        }
    }
}

static void doors_read(const char *root, struct room *room)
{
    char path[4096];
    char line[512];
    FILE *file = NULL;
    if (snprintf(path, sizeof path, "%s/src/%s/doors.txt", root, room->name) < (int)sizeof path) {
        file = fopen(path, "r");
    }
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        size_t size = strcspn(line, " \n");
        if (line[0] == '#' || size == 0) {
            continue;
        }
        if (line[size + strspn(line + size, " \n")] == '\0') {
            complain("src/layers.txt", 0, "doors.txt of %s gives no reason for %.*s", room->name,
                     (int)size, line);
        }
        if (room->doors_count < DOORS_MAX) {
            (void)snprintf(room->doors[room->doors_count++], NAME_SIZE, "%.*s", (int)size, line);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static const struct room *room_find(const char *name, size_t size)
{
    for (size_t i = 0; i < rooms_count; i++) {
        if (strlen(rooms[i].name) == size && strncmp(rooms[i].name, name, size) == 0) {
            return &rooms[i];
        }
    }
    return NULL;
}

static bool is_testing(const char *path)
{
    size_t size = strlen(path);
    return (size > 7 && strcmp(path + size - 7, "_test.c") == 0) ||
           (size > 7 && strcmp(path + size - 7, "_fuzz.c") == 0) ||
           strncmp(path, "src/testing/", 12) == 0 || strncmp(path, "tests/", 6) == 0;
}

static void quoted_check(const struct source *source, size_t line, const char *target)
{
    size_t size = strcspn(target, "/");
    const char *header = target + size + 1;
    bool in_src = strncmp(source->path, "src/", 4) == 0;
    const char *own_name = in_src ? source->path + 4 : "";
    size_t own_size = strcspn(own_name, "/");
    own_size = own_name[own_size] == '/' ? own_size : 0; /* main.c lies in no room */

    if (target[size] != '/') {
        complain(source->path, line, "\"%s\": write the folder too", target);
        return;
    }
    if (own_size == size && strncmp(own_name, target, size) == 0) {
        return;
    }
    if (!in_src && strncmp(source->path, target, size + 1) == 0) {
        return;
    }
    if (strncmp(target, "testing/", 8) == 0) {
        if (!is_testing(source->path)) {
            complain(source->path, line, "testing/ is for tests alone");
        }
        return;
    }
    const struct room *room = room_find(target, size);
    const struct room *own = own_size > 0 ? room_find(own_name, own_size) : NULL;
    if (room == NULL) {
        complain(source->path, line, "\"%s\": no such room in layers.txt", target);
        return;
    }
    if (own_size > 0 && own == NULL) {
        complain(source->path, line, "%.*s is not in layers.txt and may include no room",
                 (int)own_size, own_name);
        return;
    }
    if (own != NULL && room->floor >= own->floor) {
        complain(source->path, line,
                 room->floor == own->floor ? "%s and %s are neighbours and do not know each other"
                                           : "the include climbs from %s to %s",
                 own->name, room->name);
        return;
    }
    bool open = room->toolbox && strcmp(header, "private.h") != 0;
    open = open || (strncmp(header, room->name, size) == 0 && strcmp(header + size, ".h") == 0);
    for (size_t i = 0; i < room->doors_count; i++) {
        open = open || strcmp(room->doors[i], header) == 0;
    }
    if (!open) {
        complain(source->path, line, "\"%s\" is a window; the door is \"%s/%s.h\"", target,
                 room->name, room->name);
    }
}

static void angled_check(const struct source *source, size_t line, const char *target)
{
    size_t size = strcspn(target, "/");
    bool ours = target[size] == '\0' && strchr(target, '.') == NULL;
    for (size_t i = 0; i < sizeof system_headers / sizeof *system_headers; i++) {
        ours = ours || strcmp(target, system_headers[i]) == 0;
    }
    for (size_t i = 0; i < sizeof system_folders / sizeof *system_folders; i++) {
        ours = ours || (target[size] == '/' && strlen(system_folders[i]) == size &&
                        strncmp(target, system_folders[i], size) == 0);
    }
    /* What measures the program beside a library, under tests/, uses the library itself. */
    if (ours || strncmp(source->path, "tests/", 6) == 0) {
        return;
    }
    for (size_t i = 0; i < libraries_count; i++) {
        const struct library *library = &libraries[i];
        if (strlen(library->name) == size && strncmp(library->name, target, size) == 0) {
            if (strcmp(library->file, source->path) != 0) {
                complain(source->path, line, "<%s>: the one door to this library is %s", target,
                         library->file);
            }
            return;
        }
    }
    if (libraries_count < LIBRARIES_MAX) {
        struct library *library = &libraries[libraries_count++];
        (void)snprintf(library->name, sizeof library->name, "%.*s", (int)size, target);
        (void)snprintf(library->file, sizeof library->file, "%s", source->path);
    }
}

/* foo.c includes foo.h before anything else: that proves that foo.h stands alone. */
static void own_header_check(const char *root, const struct source *source, const char *first,
                             size_t line)
{
    char own[4096];
    char path[8192];
    const char *inside = source->path + (strncmp(source->path, "src/", 4) == 0 ? 4 : 0);
    const char *dot = strrchr(inside, '.');
    if (dot == NULL || strcmp(dot, ".h") == 0) {
        return;
    }
    (void)snprintf(own, sizeof own, "%.*s.h", (int)(dot - inside), inside);
    (void)snprintf(path, sizeof path, "%s/%.*s%s", root, (int)(inside - source->path), source->path,
                   own);
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        (void)fclose(file);
        if (strcmp(first, own) != 0) {
            complain(source->path, line, "the first include is its own header, \"%s\"", own);
        }
    }
}
