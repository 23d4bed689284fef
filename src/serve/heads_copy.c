/*
 * Heads in a second place, by a process of its own, which parent starts and starts again: a folder
 * on a network that hangs holds up this process alone.  It may read the archive's heads and write
 * the copies, and nothing else.
 *
 * The archive's folder is core's, so what lies there is outside bytes here: a record is copied if
 * its head says that it is one, of this client and of a size that heads have.  Whether it is
 * signed, whoever compares finds out (hinomi verify).
 *
 *     source   record record record record
 *     copy     record record rec            compared as far as it goes, then written on
 *
 * The last record of the source stays behind until another follows it: only then is it sure that
 * it lies on disk for good, and no power loss will put another in its place.
 *
 * Always true: a record that was copied whole is never written over and never cut off; a client
 * whose heads are fewer or others than those copied is said, once, and its copy stands still.
 */

#include "serve/heads_copy.h"
#include "serve/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "sys/child.h"
#include "sys/confine.h"
#include "sys/disk.h"
#include "sys/loop.h"

#define WINDOW_SIZE     ((size_t)1 << 20) /* of one client in one look */
#define HEAD_RECORD_MIN 296               /* docs/formats/heads.md */
#define HEAD_RECORD_MAX 8192
#define PATH_SIZE       4200
#define SAID_SIZE       300
#define LOOK_NS         (200 * 1000 * 1000)

struct copied {
    uint32_t client;
    uint64_t at; /* compared or written up to here */
    bool wrong;  /* and it was said */
};

struct heads_copy {
    char from[PATH_SIZE], to[PATH_SIZE];
    char *source, *copy; /* windows */
    struct copied *clients;
    size_t count;
    bool failing;
};

enum err heads_copy_new(const char *data, const char *folder, struct heads_copy **ret)
{
    struct heads_copy *copy = calloc(1, sizeof *copy);
    if (copy == NULL) {
        return ERR_MEMORY;
    }
    int from = snprintf(copy->from, sizeof copy->from, "%s/archive/heads", data);
    int to = snprintf(copy->to, sizeof copy->to, "%s", folder);
    copy->source = malloc(WINDOW_SIZE);
    copy->copy = malloc(WINDOW_SIZE);
    copy->clients = calloc(CLIENTS_MAX, sizeof *copy->clients);
    bool room = copy->source != NULL && copy->copy != NULL && copy->clients != NULL;
    bool fits = from > 0 && to > 0 && (size_t)from < sizeof copy->from - 32 &&
                (size_t)to < sizeof copy->to - 32;
    if (!room || !fits) {
        heads_copy_free(copy);
        return room ? ERR_LIMIT : ERR_MEMORY;
    }
    *ret = copy;
    return OK;
}

void heads_copy_free(struct heads_copy *copy)
{
    if (copy != NULL) {
        free(copy->source);
        free(copy->copy);
        free(copy->clients);
        free(copy);
    }
}

static void heads_say(const char *line)
{
    (void)fprintf(stderr, "hinomi[heads]: %s\n", line);
}

/* The size of the record there; 0: none stands there, or only a part of it. */
static size_t record_size(struct str bytes, uint32_t client)
{
    static const char magic[8] = {'H', 'I', 'N', 'O', 'M', 'I', 'h', 'd'};
    if (bytes.size < HEAD_RECORD_MIN || memcmp(bytes.data, magic, sizeof magic) != 0 ||
        get_u32(bytes.data + 16) != client) {
        return 0;
    }
    size_t size = get_u32(bytes.data + 12);
    return size < HEAD_RECORD_MIN || size > HEAD_RECORD_MAX || size > bytes.size ? 0 : size;
}

static void client_wrong(struct copied *client)
{
    char said[SAID_SIZE];
    (void)snprintf(said, sizeof said,
                   "the heads of client %u are not those that were copied to heads_copy: compare "
                   "by hinomi verify --heads",
                   client->client);
    heads_say(said);
    client->wrong = true;
}

/* The whole records of the window but the one that no other follows. */
static size_t records_end(const struct heads_copy *copy, size_t got, uint32_t client)
{
    size_t at = 0;
    size_t size = record_size(str_of(copy->source, got), client);
    while (size > 0) {
        size_t next =
            record_size(str_slice(str_of(copy->source, got), at + size, SIZE_MAX), client);
        if (next == 0) {
            break;
        }
        at += size;
        size = next;
    }
    return at;
}

/* Compares what is copied of the first `end` bytes of the window, and writes the rest. */
static enum err window_copy(struct heads_copy *copy, struct copied *client, struct file *to,
                            size_t end)
{
    size_t got = 0;
    size_t whole = 0;
    enum err err = file_read(to, client->at, copy->copy, end, &got);
    if (err != OK) {
        return err;
    }
    for (size_t size = 1; size > 0 && whole < got; whole += size) {
        size = record_size(str_of(copy->source + whole, end - whole), client->client);
        size = whole + size > got ? 0 : size;
        if (memcmp(copy->source + whole, copy->copy + whole, size) != 0) {
            client_wrong(client);
            return OK;
        }
    }
    if (whole < end) {
        err = file_write(to, client->at + whole, copy->source + whole, end - whole);
        err = err == OK ? file_sync(to) : err;
    }
    client->at += err == OK ? end : 0;
    return err;
}

static enum err client_copy(struct heads_copy *copy, struct copied *client)
{
    char path[PATH_SIZE + 32];
    struct file *from = NULL;
    struct file *to = NULL;
    uint64_t size = 0;
    uint64_t copied = 0;
    size_t got = 0;
    (void)snprintf(path, sizeof path, "%s/%u.heads", copy->from, client->client);
    enum err err = disk_open(disk_real(), path, DISK_READ, &from, NULL);
    (void)snprintf(path, sizeof path, "%s/%u.heads", copy->to, client->client);
    err = err == OK ? disk_open(disk_real(), path, DISK_WRITE_CREATE, &to, NULL) : err;
    err = err == OK ? file_size(from, &size) : err;
    err = err == OK ? file_size(to, &copied) : err;
    err = err == OK ? file_read(from, client->at, copy->source, WINDOW_SIZE, &got) : err;
    if (err == OK && (copied > size || client->at > size)) {
        client_wrong(client);
    } else if (err == OK) {
        size_t end = records_end(copy, got, client->client);
        err = end > 0 ? window_copy(copy, client, to, end) : OK;
    }
    file_close(from);
    file_close(to);
    return err;
}

static struct copied *client_find(struct heads_copy *copy, uint32_t number)
{
    size_t at = 0;
    while (at < copy->count && copy->clients[at].client != number) {
        at++;
    }
    if (at == CLIENTS_MAX) {
        return NULL;
    }
    if (at == copy->count) {
        copy->clients[copy->count++] = (struct copied){.client = number};
    }
    return &copy->clients[at];
}

static enum err name_visit(void *context, const char *name)
{
    struct heads_copy *copy = context;
    struct str text = str_from(name);
    uint64_t number;
    if (!str_ends(text, STR(".heads")) ||
        str_to_u64(str_slice(text, 0, text.size - 6), UINT32_MAX, &number) != OK || number == 0) {
        return OK;
    }
    struct copied *client = client_find(copy, (uint32_t)number);
    return client == NULL || client->wrong ? OK : client_copy(copy, client);
}

void heads_copy_look(struct heads_copy *copy)
{
    bool there = false;
    enum err err = disk_exists(disk_real(), copy->from, &there);
    if (err == OK && !there) {
        return; /* no client has a head yet */
    }
    err = err == OK ? disk_make_folder(disk_real(), copy->to) : err;
    err = err == OK ? disk_list(disk_real(), copy->from, name_visit, copy) : err;
    err = err == OK ? disk_sync_folder(disk_real(), copy->to) : err;
    if (err != OK && !copy->failing) {
        char said[SAID_SIZE];
        (void)snprintf(said, sizeof said, "heads are not copied to heads_copy at the moment: %s",
                       err_text(err));
        heads_say(said);
    } else if (err == OK && copy->failing) {
        heads_say("heads are copied to heads_copy again");
    }
    copy->failing = err != OK;
}

size_t heads_copy_wrong(const struct heads_copy *copy)
{
    size_t count = 0;
    for (size_t i = 0; i < copy->count; i++) {
        count += copy->clients[i].wrong;
    }
    return count;
}

/* ---- The process. */

static void look_due(void *context)
{
    heads_copy_look(context);
}

/* What there is to read and to write, once core has made it; then nothing else any more. */
static enum err heads_copy_confine(const struct heads_copy *copy, struct why *why)
{
    const struct confine_path paths[] = {{copy->from, false}, {copy->to, true}};
    const struct timespec pause = {.tv_nsec = LOOK_NS};
    int landlock = 0;
    bool there = false;
    enum err err = disk_make_folder(disk_real(), copy->to);
    while (err == OK && !there) {
        err = disk_exists(disk_real(), copy->from, &there);
        if (err == OK && !there) {
            (void)nanosleep(&pause, NULL);
        }
    }
    return err == OK ? confine_enter(CONFINE_CORE, paths, 2, 0, NULL, &landlock, why) : err;
}

int heads_copy_run(const char *data, const char *folder, uint64_t every_ms)
{
    struct heads_copy *copy = NULL;
    struct loop *loop = NULL;
    struct timer *look = NULL;
    struct why why = {0};
    child_settle();
    enum err err = heads_copy_new(data, folder, &copy);
    err = err == OK ? loop_new(&loop) : err;
    err = err == OK ? timer_new(loop, look_due, copy, &look) : err;
    err = err == OK ? heads_copy_confine(copy, &why) : err;
    if (err == OK) {
        timer_set(look, every_ms, every_ms);
        loop_run(loop);
    }
    if (err != OK) {
        heads_say(why_text(&why, err));
    }
    timer_free(look);
    loop_free(loop);
    heads_copy_free(copy);
    return err == OK ? 0 : 1;
}

enum err heads_copy_start(const char *data, const char *folder, uint64_t every_ms, pid_t *ret,
                          struct why *why)
{
    char every[24];
    (void)snprintf(every, sizeof every, "%llu", (unsigned long long)every_ms);
    const char *const arguments[] = {"hinomi", "process", "heads", data, folder, every, NULL};
    return child_start(arguments, STDERR_FILENO, ret, why); /* it needs no channel */
}
