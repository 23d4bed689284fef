/*
 * The common part of the children.  A child believes its parent, so setup messages are not guarded
 * against malice, only against mistakes.  When the parent is gone the child ends: another parent
 * may already be starting others in its place, and the death signal is only the second line.
 */

#include "serve/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "serve/serve.h"
#include "sys/child.h"
#include "sys/confine.h"

static void parent_spoke(void *context, struct link *link, struct message *message, enum err err);

const char *process_name(enum process_kind kind)
{
    static const char *const names[PROCESS_KIND_COUNT] = {"front",  "core",   "desk",
                                                          "portal", "herald", "worker"};
    return (unsigned)kind < PROCESS_KIND_COUNT ? names[kind] : "process";
}

int process_run(const char *kind)
{
    static int (*const runs[PROCESS_KIND_COUNT])(struct process *) = {
        front_run, core_run, desk_run, portal_run, herald_run, worker_run};
    for (int i = 0; i < PROCESS_KIND_COUNT; i++) {
        if (strcmp(kind, process_name((enum process_kind)i)) == 0) {
            struct process process = {.kind = (enum process_kind)i};
            child_settle();
            tzset();
            return runs[i](&process);
        }
    }
    (void)fprintf(stderr, "hinomi: process is for the service's own use; see 'hinomi serve'\n");
    return 64;
}

int process_loop(struct process *process)
{
    if (loop_new(&process->loop) != OK ||
        link_new(process->loop, CHILD_CHANNEL, parent_spoke, process, &process->parent) != OK) {
        process_fail(process, "no event loop", ERR_MEMORY, NULL);
    }
    loop_run(process->loop);
    return 0;
}

static enum err folder_add(struct process *process, const char *base, const char *below,
                           bool writable, const char **ret, struct why *why)
{
    char name[4200];
    struct process_folder *folder = &process->folders[process->folders_count];
    if (process->folders_count == PROCESS_FOLDERS_MAX) {
        return ERR_LIMIT;
    }
    (void)snprintf(name, sizeof name, below == NULL ? "%s" : "%s/%s", base, below);
    int descriptor = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    folder->name = strdup(name);
    if (descriptor < 0 || folder->name == NULL) {
        int number = errno;
        return why_say(why, err_from_errno(number), 0, "%s: %s", name, strerror(number));
    }
    (void)snprintf(folder->path, sizeof folder->path, "/proc/self/fd/%d", descriptor);
    folder->writable = writable;
    process->folders_count++;
    *ret = folder->path;
    return OK;
}

enum err process_folder(struct process *process, const char *base, const char *below,
                        const char **ret, struct why *why)
{
    return folder_add(process, base, below, true, ret, why);
}

enum err process_folder_read(struct process *process, const char *base, const char **ret,
                             struct why *why)
{
    return folder_add(process, base, NULL, false, ret, why);
}

enum err process_confine(struct process *process, struct why *why)
{
    static const enum confine_kind kinds[PROCESS_KIND_COUNT] = {
        CONFINE_FRONT, CONFINE_CORE, CONFINE_DESK, CONFINE_FRONT, CONFINE_HERALD, CONFINE_WORKER};
    struct confine_path paths[PROCESS_FOLDERS_MAX];
    for (size_t i = 0; i < process->folders_count; i++) {
        paths[i] = (struct confine_path){process->folders[i].path, process->folders[i].writable};
    }
    int landlock;
    enum confine_kind kind = process->packs ? CONFINE_PACKER : kinds[process->kind];
    const struct confine_threads threads = {process->threads, process->self};
    enum err err = confine_enter(kind, paths, process->folders_count, (uint32_t)process->setup.user,
                                 process->threads == NULL ? NULL : &threads, &landlock, why);
    if (err == OK && landlock == 0) {
        process_say(process, "this kernel has no Landlock; files are kept apart by user ids only");
    }
    return err;
}

/* A folder's own name in the place of the path that only we can use. */
static void folders_name(const struct process *process, char *text, size_t size)
{
    for (size_t i = 0; i < process->folders_count; i++) {
        const struct process_folder *folder = &process->folders[i];
        char *at = strstr(text, folder->path);
        char behind = at == NULL ? '0' : at[strlen(folder->path)];
        if (behind < '0' || behind > '9') { /* not a longer number's beginning */
            char rest[1024];
            (void)snprintf(rest, sizeof rest, "%s", at + strlen(folder->path));
            (void)snprintf(at, size - (size_t)(at - text), "%s%s", folder->name, rest);
        }
    }
}

void process_say(const struct process *process, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    folders_name(process, text, sizeof text);
    for (char *c = text; *c != '\0'; c++) {
        bool c1_control = (unsigned char)c[0] == 0xc2 && (unsigned char)c[1] < 0xa0;
        if ((unsigned char)*c < 0x20 || *c == 0x7f || c1_control) {
            *c = '?';
        }
    }
    (void)fprintf(stderr, "hinomi[%s]: %s\n", process_name(process->kind), text);
}

void process_fail(const struct process *process, const char *what, enum err err,
                  const struct why *why)
{
    process_say(process, "%s: %s", what, why_text(why, err));
    _exit(1);
}

static void setup_keep(struct process *process, const struct message *message)
{
    struct message kept = *message;
    size_t size = message_texts_size(message);
    process->mem = arena_new(size + 4096);
    char *texts = process->mem == NULL ? NULL : arena_take(process->mem, size + 1);
    if (texts == NULL) {
        process_fail(process, "setup", ERR_MEMORY, NULL);
    }
    message_texts_copy(&kept, texts);
    process->setup = kept.setup;
}

/* A text of the setup as a path. */
const char *process_path(struct process *process, struct str text)
{
    struct str copy;
    if (arena_copy(process->mem, text, &copy) != OK) {
        process_fail(process, "setup", ERR_MEMORY, NULL);
    }
    return copy.data;
}

static void parent_spoke(void *context, struct link *link, struct message *message, enum err err)
{
    struct process *process = context;
    (void)link;
    if (message == NULL) {
        if (err != ERR_CLOSED) {
            process_say(process, "the parent spoke nonsense: %s", err_text(err));
        }
        _exit(0);
    }
    if (message->type == MESSAGE_SETUP) {
        setup_keep(process, message);
        return;
    }
    struct why why = {0};
    err = process->message(process, message, &why);
    if (err != OK) {
        process_fail(process, message_name(message->type), err, &why);
    }
}
