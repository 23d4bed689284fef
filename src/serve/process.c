/*
 * The common part of the children.  A child believes its parent, so setup messages are not guarded
 * against malice, only against mistakes.  When the parent is gone the child ends: another parent
 * may already be starting others in its place, and the death signal is only the second line.
 */

#include "serve/process.h"

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
    static const char *const names[PROCESS_KIND_COUNT] = {"front", "core", "desk", "worker"};
    return (unsigned)kind < PROCESS_KIND_COUNT ? names[kind] : "process";
}

int process_run(const char *kind)
{
    static int (*const runs[PROCESS_KIND_COUNT])(struct process *) = {front_run, core_run, desk_run,
                                                                      worker_run};
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

enum err process_confine(struct process *process, const char *const *folders, struct why *why)
{
    static const enum confine_kind kinds[PROCESS_KIND_COUNT] = {CONFINE_FRONT, CONFINE_CORE,
                                                                CONFINE_DESK, CONFINE_WORKER};
    struct confine_path paths[4];
    size_t count = 0;
    for (; folders != NULL && folders[count] != NULL; count++) {
        paths[count] = (struct confine_path){folders[count], true};
    }
    int landlock;
    enum err err = confine_enter(kinds[process->kind], paths, count, (uint32_t)process->setup.user,
                                 &landlock, why);
    if (err == OK && landlock == 0) {
        process_say(process, "this kernel has no Landlock; files are kept apart by user ids only");
    }
    return err;
}

void process_say(const struct process *process, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
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

static void setup_keep(struct process *process, const struct setup_message *setup)
{
    process->setup = *setup;
    process->data = strndup(setup->data.data, setup->data.size);
    process->keys = strndup(setup->keys.data, setup->keys.size);
    process->listeners = strndup(setup->listeners.data, setup->listeners.size);
    if (process->data == NULL || process->keys == NULL || process->listeners == NULL) {
        process_fail(process, "setup", ERR_MEMORY, NULL);
    }
    process->setup.data = str_from(process->data);
    process->setup.keys = str_from(process->keys);
    process->setup.listeners = str_from(process->listeners);
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
        setup_keep(process, &message->setup);
        return;
    }
    struct why why = {0};
    err = process->message(process, message, &why);
    if (err != OK) {
        process_fail(process, message_name(message->type), err, &why);
    }
}
