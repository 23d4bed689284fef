/*
 * Requests for logs in desk: who makes their packages, and where these lie.
 *
 *     row `preparing` ──► (waits) ──► worker wanted ──► worker came: core lends journals and proof,
 *        the worker gets the job and two new files ──► PACKED ──► rename, sync, row `ready`
 *
 *     DATA/packages/CLIENT-N.zip      a package; its row names it
 *     DATA/packages/N.part, N.scratch of a worker at work; they mean nothing to the next desk
 *
 * Always true:
 *
 *   (1) a worker reads under the scope of whoever asked, as it is when the work begins: who may not
 *       read the client's logs any more gets no package;
 *   (2) a row says `ready` only after the file is whole, synced and has its name; the file goes
 *       before the row says that it is gone; what no row knows is removed when desk opens;
 *   (3) what a worker says of its file is looked at again here: its size must be that of the file;
 *   (4) a package is handed over only after its delivery is written down.
 *
 * Packages are clear text: they are what somebody asked to be given.  They are kept for
 * PROVISION_KEPT_SECONDS, and go with a client that leaves.
 */

#include "serve/desk.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "provision/provision.h"
#include "serve/answer.h"
#include "serve/packing.h"
#include "sys/clocks.h"
#include "sys/disk.h"

#define PATH_SIZE   512
#define WAITING_MAX 64
#define ROW_MEMORY  ((size_t)4 << 20)

struct desk_package {
    struct desk_package *next;
    uint64_t worker; /* 0: waits for its turn */
    uint64_t id;     /* the row */
    uint32_t person; /* that asked; 0: nobody with a mailbox */
    struct client_id client;
    struct link *link;
    int connection;      /* of a command that waits for it; -1: none */
    struct scope *taker; /* and its scope */
    struct buf job, scope;
    char file[SLUG_SIZE_MAX + 32];
};

static void packages_begin(struct desk *desk);

static void path_print(const struct desk *desk, char path[PATH_SIZE], uint64_t id,
                       const char *ending)
{
    (void)snprintf(path, PATH_SIZE, "%s/%llu.%s", desk->packages_folder, (unsigned long long)id,
                   ending);
}

static void connection_done(int connection, enum err err, struct str sentence)
{
    const struct message done = {
        .type = MESSAGE_DONE,
        .done = {.code = (uint64_t)control_code(err), .error = err == OK ? STR("") : sentence}};
    UNHEEDED(message_send(connection, &done)); /* who does not listen finds it closed */
}

static void package_free(struct desk *desk, struct desk_package *package)
{
    struct desk_package **at = &desk->packages;
    char path[PATH_SIZE];
    while (*at != package) {
        at = &(*at)->next;
    }
    *at = package->next;
    path_print(desk, path, package->id, "part");
    UNHEEDED(disk_remove(disk_real(), path)); /* gone by its new name, or not wanted */
    path_print(desk, path, package->id, "scratch");
    UNHEEDED(disk_remove(disk_real(), path));
    link_free(package->link);
    scope_free(package->taker);
    buf_done(&package->job);
    buf_done(&package->scope);
    if (package->connection >= 0) {
        (void)close(package->connection);
    }
    free(package);
}

/* ---- The queue. */

static struct desk_package *package_of(struct desk *desk, uint64_t id)
{
    struct desk_package *package = desk->packages;
    while (package != NULL && package->id != id) {
        package = package->next;
    }
    return package;
}

/* Whoever asked, as they are now; what nobody in particular asked for is the machine's. */
static enum err asker_scope(struct desk *desk, const struct provision *row, struct scope **ret)
{
    struct tenant *tenant = desk->rooms.tenant;
    enum err err =
        row->person == 0
            ? scope_for_administrator(tenant, 0, STR("provision.package"), wall_now(), ret)
            : scope_for_person(tenant, row->person, STR("provision.package"), wall_now(), ret);
    if (err == OK && !scope_allows(*ret, row->client, RIGHT_READ)) {
        scope_free(*ret);
        err = ERR_DENIED;
    }
    return err;
}

static enum err package_fill(struct desk *desk, struct desk_package *package,
                             const struct provision *row)
{
    struct client_info client = {0};
    struct scope *scope;
    for (size_t i = 0; tenant_client_at(desk->rooms.tenant, i, &client); i++) {
        if (client_equal(client.id, row->client)) {
            break;
        }
    }
    (void)snprintf(package->file, sizeof package->file, "%.*s-%llu.zip", STR_ARG(client.slug),
                   (unsigned long long)row->id);
    buf_init(&package->job, PACKING_JOB_MAX);
    buf_init(&package->scope, MESSAGE_SIZE_MAX / 2);
    enum err err = asker_scope(desk, row, &scope);
    if (err == OK) {
        err = scope_encode(scope, &package->scope);
        scope_free(scope);
    }
    return err == OK ? packing_pack(desk->rooms.ledger, desk->rooms.tenant, row, &package->job)
                     : err;
}

/* Takes connection and scope, of a command that waits, also on an error; -1 and NULL without. */
static enum err package_queue(struct desk *desk, const struct provision *row, int connection,
                              struct scope *taker)
{
    struct desk_package *package = calloc(1, sizeof *package);
    if (package == NULL) {
        if (connection >= 0) {
            (void)close(connection);
        }
        scope_free(taker);
        return ERR_MEMORY;
    }
    *package = (struct desk_package){.id = row->id,
                                     .person = row->person,
                                     .client = row->client,
                                     .connection = connection,
                                     .taker = taker};
    struct desk_package **last = &desk->packages;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = package;
    enum err err = package_fill(desk, package, row);
    if (err != OK) {
        struct str sentence = err == ERR_DENIED
                                  ? STR("whoever asked may not read the client's logs any more")
                                  : str_from(err_text(err));
        UNHEEDED(
            provision_fail(desk->rooms.job, desk->rooms.ledger, row->id, sentence, wall_now()));
        if (connection >= 0) {
            connection_done(connection, err, sentence);
        }
        package_free(desk, package);
    }
    return err;
}

static void packages_begin(struct desk *desk)
{
    size_t running = 0;
    for (struct desk_package *package = desk->packages; package != NULL; package = package->next) {
        if (package->worker == 0 && running < PROVISION_PACKAGES_MAX) {
            const struct message want = {.type = MESSAGE_WANT_WORKER,
                                         .want_worker = {++desk->workers, 1}};
            package->worker = desk->workers;
            if (link_send(desk->process->parent, &want) != OK) {
                process_fail(desk->process, "parent", ERR_CLOSED, NULL);
            }
        }
        running += package->worker != 0;
    }
}

/* ---- The end of one. */

/* A waiting command gets the file itself, once its delivery is written down. */
static enum err package_hand(struct desk *desk, const struct desk_package *package)
{
    struct provision row;
    int descriptor;
    struct arena *mem = arena_new(ROW_MEMORY);
    enum err err = mem == NULL
                       ? ERR_MEMORY
                       : provision_deliver(package->taker, desk->rooms.ledger, package->client,
                                           package->id, wall_now(), mem, &row, NULL);
    err = err == OK ? desk_package_open(desk, row.file, &descriptor) : err;
    if (err == OK) {
        const struct message output = {
            .type = MESSAGE_OUTPUT, .descriptors = {descriptor}, .descriptors_count = 1};
        err = message_send(package->connection, &output);
        (void)close(descriptor);
    }
    arena_free(mem);
    return err;
}

/* Whoever asked hears what became of it, soon; the page shows it in any case. */
static void asker_tell(struct desk *desk, const struct desk_package *package,
                       enum request_news news)
{
    const struct request_told told = {
        .what = news, .number = package->id, .person = package->person};
    if (package->person != 0) {
        UNHEEDED(notify_request(desk->rooms.notify, package->client, &told, wall_now()));
        desk_work_soon(desk);
    }
}

static enum err package_keep(struct desk *desk, const struct desk_package *package,
                             const struct packed_message *packed)
{
    char from[PATH_SIZE];
    char to[PATH_SIZE];
    struct file *file = NULL;
    uint64_t size = 0;
    const struct provision_made made = {.file = str_from(package->file),
                                        .sha256 = packed->sha256,
                                        .size = packed->size,
                                        .events = packed->events};
    path_print(desk, from, package->id, "part");
    (void)snprintf(to, sizeof to, "%s/%s", desk->packages_folder, package->file);
    enum err err = disk_open(disk_real(), from, DISK_WRITE, &file, NULL);
    err = err == OK ? file_size(file, &size) : err;
    if (err == OK && (size != packed->size || packed->sha256.size != 2 * SHA256_SIZE)) {
        err = ERR_CORRUPT;
    }
    err = err == OK ? file_sync(file) : err;
    file_close(file);
    err = err == OK ? disk_rename(disk_real(), from, to) : err;
    err = err == OK ? disk_sync_folder(disk_real(), desk->packages_folder) : err;
    if (err != OK) {
        return err;
    }
    err = provision_ready(desk->rooms.job, desk->rooms.ledger, package->id, &made, wall_now());
    if (err != OK) {
        UNHEEDED(disk_remove(disk_real(), to)); /* cancelled meanwhile; or the next desk does it */
        return err;
    }
    asker_tell(desk, package, REQUEST_LOGS_READY);
    return OK;
}

static void package_end(struct desk *desk, struct desk_package *package, enum err err,
                        struct str sentence)
{
    desk_transaction_end(desk);
    if (err != OK && err != ERR_CONFLICT) {
        UNHEEDED(
            provision_fail(desk->rooms.job, desk->rooms.ledger, package->id, sentence, wall_now()));
        asker_tell(desk, package, REQUEST_LOGS_FAILED);
        process_say(desk->process, "package %llu could not be made: %.*s",
                    (unsigned long long)package->id, STR_ARG(sentence));
    }
    if (package->connection >= 0) {
        err = err == OK ? package_hand(desk, package) : err;
        connection_done(package->connection, err,
                        sentence.size > 0 ? sentence : str_from(err_text(err)));
    }
    package_free(desk, package);
    packages_begin(desk);
}

static void packer_spoke(void *context, struct link *link, struct message *message, enum err err)
{
    struct desk *desk = context;
    struct desk_package *package = desk->packages;
    (void)err;
    while (package != NULL && package->link != link) {
        package = package->next;
    }
    if (package == NULL) {
        return;
    }
    if (message == NULL || message->type != MESSAGE_PACKED || message->packed.err >= ERR_COUNT) {
        package_end(desk, package, ERR_CLOSED,
                    STR("the worker ended before the package was whole"));
        return;
    }
    err = (enum err)message->packed.err;
    struct str sentence = message->packed.error;
    if (err == OK) {
        desk_transaction_end(desk);
        err = package_keep(desk, package, &message->packed);
        sentence = err == OK ? STR("") : str_from(err_text(err));
    }
    package_end(desk, package, err, sentence);
}

/* ---- The worker. */

static enum err new_file(const struct desk *desk, uint64_t id, const char *ending, int *ret)
{
    char path[PATH_SIZE];
    struct file *file;
    path_print(desk, path, id, ending);
    enum err err = disk_remove(disk_real(), path);
    err = err == ERR_NOT_FOUND || err == OK
              ? disk_open(disk_real(), path, DISK_WRITE_NEW, &file, NULL)
              : err;
    if (err == OK) {
        *ret = file_release(file);
    }
    return err;
}

/* However many packages wait to be fetched, no client's fill the disk that all clients' logs are
 * kept on: each of the two files of a package may take a quarter of what is left. */
static enum err room_find(const struct desk *desk, uint64_t *ret)
{
    struct disk_space space;
    uint64_t reserve = desk->process->setup.space_reserve;
    enum err err = disk_space(disk_real(), desk->folder, &space);
    if (err == OK) {
        *ret = (space.free > reserve ? space.free - reserve : 0) / 4 + 1;
    }
    return err;
}

static enum err package_give(struct desk *desk, struct desk_package *package)
{
    struct message pack = {.type = MESSAGE_PACK,
                           .pack = {.client = package->client.value,
                                    .scope = buf_str(&package->scope),
                                    .job = buf_str(&package->job)}};
    const struct message lend = {.type = MESSAGE_LEND,
                                 .lend = {.worker = package->worker,
                                          .client = package->client.value,
                                          .since = (uint64_t)INT64_MIN,
                                          .until = (uint64_t)INT64_MAX,
                                          .proof = 1,
                                          .scope = buf_str(&package->scope)}};
    enum err err = room_find(desk, &pack.pack.room);
    err = err == OK ? new_file(desk, package->id, "part", &pack.descriptors[0]) : err;
    if (err == OK) {
        pack.descriptors_count = 1;
        err = new_file(desk, package->id, "scratch", &pack.descriptors[1]);
        pack.descriptors_count += err == OK;
    }
    err = err == OK ? link_send(desk->core, &lend) : err;
    err = err == OK ? link_send(package->link, &pack) : err;
    for (size_t i = 0; i < pack.descriptors_count; i++) {
        (void)close(pack.descriptors[i]);
    }
    return err;
}

bool desk_packer_came(struct desk *desk, uint64_t worker, int channel)
{
    struct desk_package *package = desk->packages;
    while (package != NULL && package->worker != worker) {
        package = package->next;
    }
    if (package == NULL || worker == 0) {
        return false;
    }
    if (channel < 0 || desk->core == NULL) {
        if (channel >= 0) {
            (void)close(channel);
        }
        package->worker = 0; /* the next turn tries again */
        return true;
    }
    enum err err = link_new(desk->process->loop, channel, packer_spoke, desk, &package->link);
    err = err == OK ? package_give(desk, package) : err;
    if (err != OK) {
        package_end(desk, package, err, str_from(err_text(err)));
    }
    return true;
}

/* ---- Turns. */

static enum err file_forget(void *context, struct str file)
{
    const struct desk *desk = context;
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/%.*s", desk->packages_folder, STR_ARG(file));
    enum err err = disk_remove(disk_real(), path);
    err = err == ERR_NOT_FOUND ? OK : err;
    return err == OK ? disk_sync_folder(disk_real(), desk->packages_folder) : err;
}

enum err desk_provision_turn(struct desk *desk, struct wall now, struct wall *ret_next)
{
    uint64_t after = 0;
    enum err err =
        provision_expire(desk->rooms.job, desk->rooms.ledger, now, file_forget, desk, ret_next);
    while (err == OK) {
        struct provision row;
        struct arena *mem = arena_new(ROW_MEMORY);
        err = mem == NULL ? ERR_MEMORY
                          : provision_next(desk->rooms.job, desk->rooms.ledger, after, mem, &row);
        if (err == OK) {
            after = row.id;
            if (package_of(desk, row.id) == NULL) {
                UNHEEDED(package_queue(desk, &row, -1, NULL)); /* the row says what came of it */
            }
        }
        arena_free(mem);
    }
    packages_begin(desk);
    return err == ERR_NOT_FOUND ? OK : err;
}

/* What no row knows: cut off by a crash, or of a worker that is no more. */
static enum err stray_visit(void *context, const char *name)
{
    struct desk *desk = context;
    bool known;
    enum err err = provision_knows(desk->rooms.job, desk->rooms.ledger, str_from(name), &known);
    return err == OK && !known ? file_forget(desk, str_from(name)) : err;
}

enum err desk_provision_open(struct desk *desk)
{
    return disk_list(disk_real(), desk->packages_folder, stray_visit, desk);
}

enum err desk_package_open(const struct desk *desk, struct str file, int *ret_descriptor)
{
    char path[PATH_SIZE];
    struct file *opened;
    if (file.size == 0 || file.size >= SLUG_SIZE_MAX + 32) {
        return ERR_NOT_FOUND;
    }
    (void)snprintf(path, sizeof path, "%s/%.*s", desk->packages_folder, STR_ARG(file));
    enum err err = disk_open(disk_real(), path, DISK_READ, &opened, NULL);
    if (err == OK) {
        *ret_descriptor = file_release(opened);
    }
    return err;
}

/* ---- A command that takes logs out and waits for them. */

#define COMMAND_SOURCES_MAX 256

enum err desk_provision_take(struct desk *desk, struct scope *scope, int connection,
                             const struct control_request *request, struct why *why)
{
    struct str sources[COMMAND_SOURCES_MAX];
    struct provision_wish wish;
    struct provision row;
    struct client_id client;
    uint64_t id;
    size_t waiting = 0;
    struct arena *mem = arena_new(ROW_MEMORY);
    for (struct desk_package *other = desk->packages; other != NULL; other = other->next) {
        waiting += other->connection >= 0;
    }
    enum err err = mem == NULL ? ERR_MEMORY
                   : waiting >= WAITING_MAX
                       ? ERR_AGAIN
                       : packing_wish(request, sources, COMMAND_SOURCES_MAX, &wish, why);
    err = err == OK ? answer_client(desk->rooms.tenant, request->tenant, &client, why) : err;
    err = err == OK ? provision_take(scope, desk->rooms.ledger, desk->rooms.tenant, client, &wish,
                                     wall_now(), &id, why)
                    : err;
    err = err == OK ? provision_get(scope, desk->rooms.ledger, client, id, mem, &row) : err;
    if (err == OK) {
        int kept = fcntl(connection, F_DUPFD_CLOEXEC, 0);
        err = kept < 0 ? ERR_IO : OK;
        if (err == OK) {
            UNHEEDED(
                package_queue(desk, &row, kept, scope)); /* the command is told what came of it */
            packages_begin(desk);
        }
    }
    arena_free(mem);
    return err;
}
