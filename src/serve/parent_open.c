/*
 * What the parent opens, and what must outlive its children: the folders with their owners, the
 * lock that says "served", the control socket, the listeners, the ring's and the books' memory, the
 * rules.
 */

#include "serve/parent.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "codec/crypto.h"
#include "collect/books.h"
#include "serve/rules_bundle.h"
#include "sys/clocks.h"
#include "sys/memory.h"
#include "sys/random.h"
#include "sys/ring.h"
#include "sys/socket.h"

#define HEADS_AGAIN_MS 5000 /* after the process that copies heads ended */
#define BIND_TRIES     50   /* a front of a killed parent may hold a port for a moment */
#define BIND_PAUSE_US  100000

#define FILE_SIZE_MAX                                                          \
    (1 << 20) /* a certificate with its chain, a password, our own description \
               */
#define SECRET_SIZE_MAX 512

uint32_t parent_user(const struct parent *parent, enum process_kind kind)
{
    return geteuid() == 0 && parent->config->user_base != 0
               ? parent->config->user_base + (uint32_t)kind
               : 0;
}

/* A folder that one kind of child owns. */
static enum err folder_make(const struct parent *parent, const char *path, enum process_kind owner,
                            struct why *why)
{
    enum err err = disk_make_folder(disk_real(), path);
    uint32_t user = parent_user(parent, owner);
    if (err == OK && user != 0) {
        err = owner_give_tree(path, user);
    }
    return err == OK ? OK : why_say(why, err, 0, "%s: %s", path, err_text(err));
}

/* The clients' keys are core's to make; the key of second factors and the portal's own lie beside
 * them and are ours.  So core may make and replace what is its own there, and by the sticky bit
 * nothing else: it cannot put another portal's key, or a way out of the folder, in its place. */
static enum err keys_make(const struct parent *parent, const char *path, struct why *why)
{
    enum err err = disk_make_folder(disk_real(), path);
    uint32_t user = parent_user(parent, PROCESS_CORE);
    if (err == OK && user != 0 && (chown(path, geteuid(), user) != 0 || chmod(path, 01770) != 0)) {
        err = err_from_errno(errno);
    }
    if (err == OK && user != 0) {
        err = owner_give_keys(path, user);
    }
    return err == OK ? OK : why_say(why, err, 0, "%s: %s", path, err_text(err));
}

/* The lock file says "served" from here to the orderly end; found so at the start, it tells that
 * the parent before was killed. */
static enum err lock_mark(struct parent *parent)
{
    uint64_t size;
    enum err err = file_size(parent->lock, &size);
    parent->gap = err == OK && size > 0;
    if (err == OK) {
        err = file_write(parent->lock, 0, "served\n", 7);
    }
    return err == OK ? file_sync(parent->lock) : err;
}

static enum err folders_make(struct parent *parent, struct why *why)
{
    char data[4096];
    char keys[4096];
    char path[4200];
    (void)snprintf(data, sizeof data, "%.*s", STR_ARG(parent->config->data));
    (void)snprintf(keys, sizeof keys, "%.*s", STR_ARG(parent->config->keys));
    enum err err = disk_make_folder(disk_real(), data);
    if (err != OK) {
        return why_say(why, err, 0, "%s: %s", data, err_text(err));
    }
    /* Children of other users must be able to pass through; what lies in it is guarded by itself.
     */
    (void)chmod(data, 0711);
    (void)snprintf(path, sizeof path, "%s/lock", data);
    err = disk_open(disk_real(), path, DISK_WRITE_CREATE, &parent->lock, why);
    if (err == OK && file_lock(parent->lock) != OK) {
        err = why_say(why, ERR_AGAIN, 0, "%s is being served already", data);
    }
    if (err == OK) {
        err = lock_mark(parent);
    }
    if (err == OK) {
        (void)snprintf(path, sizeof path, "%s/archive", data);
        err = folder_make(parent, path, PROCESS_CORE, why);
    }
    if (err == OK) {
        err = keys_make(parent, keys, why);
    }
    if (err == OK) {
        err = people_key_get(disk_real(), keys, parent->people_key, why);
    }
    if (err == OK) {
        (void)snprintf(path, sizeof path, "%s/ledger", data);
        err = folder_make(parent, path, PROCESS_DESK, why);
    }
    if (err == OK) {
        (void)snprintf(path, sizeof path, "%s/packages", data);
        err = folder_make(parent, path, PROCESS_DESK, why);
    }
    /* The children cannot reach the folder around theirs, so that it is there for good is our care.
     */
    if (err == OK) {
        err = disk_sync_folder(disk_real(), data);
    }
    return err == OK ? channel_listen(data, "control.sock", &parent->control, why) : err;
}

static enum err listener_open(const struct listener_config *config, int *ret, struct why *why)
{
    char address[64];
    enum err err = ERR_IO;
    (void)snprintf(address, sizeof address, "%.*s", STR_ARG(config->address));
    for (int i = 0; i < BIND_TRIES && err != OK; i++) {
        if (i > 0) {
            (void)usleep(BIND_PAUSE_US);
        }
        err = config->kind == LISTENER_SYSLOG_UDP
                  ? socket_listen_udp(address, config->port, ret, why)
                  : socket_listen_tcp(address, config->port, ret, why);
        if (err == ERR_SYNTAX || err == ERR_DENIED) {
            break;
        }
    }
    return err;
}

static enum err memories_make(struct parent *parent)
{
    void *memory;
    size_t size;
    enum err err = memory_new("hinomi-ring", ring_memory_size(RING_SIZE), &parent->ring);
    if (err == OK) {
        err = memory_map(parent->ring, 0, true, &memory, &size);
    }
    if (err == OK) {
        ring_format(memory, RING_SIZE, random_u64());
        memory_unmap(memory, size);
        err = memory_new("hinomi-books", books_memory_size(), &parent->books);
    }
    if (err == OK) {
        err = memory_map(parent->books, 0, true, &memory, &size);
    }
    if (err == OK) {
        books_format(memory);
        memory_unmap(memory, size);
    }
    return err;
}

/* A small file that the configuration names; nothing if it names none. */
static enum err small_file_read(struct str path, struct buf *ret, struct why *why)
{
    char name[4096];
    char *text;
    size_t size;
    buf_init(ret, FILE_SIZE_MAX);
    if (path.size == 0) {
        return OK;
    }
    (void)snprintf(name, sizeof name, "%.*s", STR_ARG(path));
    enum err err = disk_read_whole(disk_real(), name, FILE_SIZE_MAX, &text, &size, why);
    if (err == OK) {
        err = buf_append(ret, str_of(text, size));
        secret_forget(text, size);
        free(text);
    }
    return err;
}

static enum err secret_read(struct parent *parent, const char *folder, const char *name,
                            struct why *why)
{
    char path[4400];
    char hex[2 * SECRET_SIZE_MAX + 1];
    struct buf secret;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    enum err err = small_file_read(str_from(path), &secret, why);
    if (err == OK) {
        struct str text = str_trim(buf_str(&secret));
        err = text.size == 0 || text.size > SECRET_SIZE_MAX
                  ? why_say(why, ERR_LIMIT, 0, "%s: a secret has 1 to %d bytes", path,
                            SECRET_SIZE_MAX)
                  : buf_print(&parent->secrets, "%s %s\n", name,
                              hex_print(text.data, text.size, hex));
    }
    buf_done(&secret);
    return err;
}

/* CLIENT.NAME: documents say NAME alone, so each client has only its own. */
static bool secret_named(struct str name)
{
    struct str client = str_cut(&name, '.');
    return str_is_slug(client) && str_is_slug(name);
}

/* Files of the secrets' folder whose names documents can say. */
static enum err secrets_read(struct parent *parent, struct why *why)
{
    char folder[4096];
    enum err err = OK;
    buf_init(&parent->secrets, MESSAGE_SIZE_MAX / 2);
    if (parent->config->secrets.size == 0) {
        return OK;
    }
    (void)snprintf(folder, sizeof folder, "%.*s", STR_ARG(parent->config->secrets));
    DIR *list = opendir(folder);
    if (list == NULL) {
        return why_say(why, err_from_errno(errno), 0, "%s: %s", folder, strerror(errno));
    }
    for (const struct dirent *entry = readdir(list); entry != NULL && err == OK;
         entry = readdir(list)) {
        if (secret_named(str_from(entry->d_name))) {
            err = secret_read(parent, folder, entry->d_name, why);
        }
    }
    (void)closedir(list);
    return err;
}

/* What portal and herald are given, since they open nothing of it themselves. */
static enum err papers_read(struct parent *parent, struct why *why)
{
    const struct config *config = parent->config;
    enum err err = small_file_read(config->mail_password_file, &parent->password, why);
    if (err == OK) {
        while (parent->password.size > 0 &&
               parent->password.data[parent->password.size - 1] == '\n') {
            parent->password.size--;
        }
    }
    for (size_t i = 0; i < config->listeners_count; i++) {
        parent->portal |= config->listeners[i].kind == LISTENER_PORTAL;
    }
    if (err == OK && parent->portal) {
        err = small_file_read(str_from(HINOMI_API), &parent->api, why);
    }
    return err == OK ? secrets_read(parent, why) : err;
}

enum err parent_open(struct parent *parent, struct why *why)
{
    const struct config *config = parent->config;
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        parent->listeners[i] = -1;
    }
    if (config->listeners_count > LISTENERS_MAX) {
        return why_say(why, ERR_LIMIT, 0, "more than %d listeners", LISTENERS_MAX);
    }
    enum err err = rules_bundle_read(config, &parent->rules, why);
    if (err == OK) {
        err = papers_read(parent, why);
    }
    if (err == OK) {
        err = folders_make(parent, why);
    }
    if (err == OK && parent->portal) { /* in the keys' folder, so after it */
        err = identity_open(config, wall_now(), &parent->identity, why);
    }
    if (err == OK) {
        err = papers_open(config, wall_now(), &parent->papers, why);
    }
    for (size_t i = 0; i < config->listeners_count && err == OK; i++) {
        if (config->listeners[i].kind == LISTENER_FILES) {
            continue;
        }
        err = listener_open(&config->listeners[i], &parent->listeners[i], why);
    }
    return err == OK ? memories_make(parent) : err;
}

static void heads_start(void *context)
{
    char data[4200];
    char folder[4200];
    struct why why = {0};
    struct parent *parent = context;
    const struct config *config = parent->config;
    (void)snprintf(data, sizeof data, "%.*s", STR_ARG(config->data));
    (void)snprintf(folder, sizeof folder, "%.*s", STR_ARG(config->heads_copy));
    enum err err = parent->stopping
                       ? OK
                       : heads_copy_start(data, folder, (uint64_t)config->head_seconds * 1000,
                                          &parent->heads, &why);
    if (err != OK) {
        (void)fprintf(stderr, "hinomi: heads are not copied at the moment: %s\n",
                      why_text(&why, err));
        timer_set(parent->heads_timer, HEADS_AGAIN_MS, 0);
    }
}

enum err parent_heads(struct parent *parent)
{
    if (parent->config->heads_copy.size == 0) {
        return OK;
    }
    enum err err = timer_new(parent->loop, heads_start, parent, &parent->heads_timer);
    if (err == OK) {
        heads_start(parent);
    }
    return err;
}

void parent_heads_ended(struct parent *parent, pid_t process)
{
    if (process == parent->heads) {
        parent->heads = 0;
        timer_set(parent->heads_timer, HEADS_AGAIN_MS, 0);
    }
}

void parent_close(struct parent *parent)
{
    char path[4200];
    (void)snprintf(path, sizeof path, "%.*s/control.sock", STR_ARG(parent->config->data));
    if (parent->control >= 0) {
        (void)unlink(path);
        (void)close(parent->control);
    }
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        socket_close(parent->listeners[i]);
    }
    for (int kind = 0; kind < CHILDREN; kind++) {
        link_free(parent->children[kind].link);
        timer_free(parent->children[kind].restart);
    }
    for (size_t i = 0; i < WORKERS_MAX; i++) {
        link_free(parent->workers[i].link);
    }
    watch_free(parent->control_watch);
    interrupt_free(parent->child_ended);
    interrupt_free(parent->terminate);
    interrupt_free(parent->interrupted);
    interrupt_free(parent->reload);
    timer_free(parent->stop_timer);
    timer_free(parent->overdue_timer);
    timer_free(parent->identity_timer);
    timer_free(parent->heads_timer);
    files_close(parent->files);
    loop_free(parent->loop);
    socket_close(parent->ring);
    socket_close(parent->books);
    buf_done(&parent->rules);
    secret_forget(parent->secrets.data, parent->secrets.size);
    secret_forget(parent->password.data, parent->password.size);
    secret_forget(parent->people_key, sizeof parent->people_key);
    buf_done(&parent->secrets);
    buf_done(&parent->password);
    identity_done(&parent->identity);
    papers_done(&parent->papers);
    buf_done(&parent->api);
    file_close(parent->lock);
    free(parent);
}
