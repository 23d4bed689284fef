/*
 * A package from a folder that nobody serves: the same request, the same making, in one process.
 * The file stays below DATA/packages until it is over, as any other; the next service sees to that.
 */

#include "serve/offline_provision.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "serve/answer.h"
#include "serve/packing.h"
#include "sys/clocks.h"
#include "sys/disk.h"

#define PATH_SIZE        4300
#define ROW_MEMORY       ((size_t)4 << 20)
#define SOURCES_MAX_HERE 256
#define PIECE_SIZE       65536

struct bench {
    const struct offline_provision *asked;
    struct packing packing;
    struct package_proof proof;
    struct reader *reader;
    char part[PATH_SIZE], scratch[PATH_SIZE], whole[PATH_SIZE + 64], name[SLUG_SIZE_MAX + 32];
};

static enum err bench_open(struct bench *bench, uint64_t id, struct why *why)
{
    const struct offline_provision *asked = bench->asked;
    char folder[PATH_SIZE - 64];
    unsigned long long number = id;
    (void)snprintf(folder, sizeof folder, "%s/packages", asked->data);
    (void)snprintf(bench->name, sizeof bench->name, "%.*s-%llu.zip",
                   STR_ARG(str_slice(asked->request->tenant, 0, SLUG_SIZE_MAX)), number);
    (void)snprintf(bench->part, PATH_SIZE, "%s/%llu.part", folder, number);
    (void)snprintf(bench->scratch, PATH_SIZE, "%s/%llu.scratch", folder, number);
    (void)snprintf(bench->whole, sizeof bench->whole, "%s/%s", folder, bench->name);
    enum err err = disk_make_folder(disk_real(), folder);
    err = err == OK
              ? disk_open(disk_real(), bench->part, DISK_WRITE_CREATE, &bench->packing.to, why)
              : err;
    err = err == OK ? disk_open(disk_real(), bench->scratch, DISK_WRITE_CREATE,
                                &bench->packing.scratch, why)
                    : err;
    (void)snprintf(folder, sizeof folder, "%s/archive", asked->data);
    err = err == OK ? reader_open(asked->scope, disk_real(), folder, asked->keys,
                                  bench->packing.client, &bench->reader, why)
                    : err;
    err = err == OK ? package_proof_open(asked->scope, disk_real(), folder, asked->keys,
                                         bench->packing.client, &bench->proof, why)
                    : err;
    bench->packing.reader = bench->reader;
    bench->packing.proof = &bench->proof;
    return err;
}

static void bench_close(struct bench *bench)
{
    package_proof_done(&bench->proof);
    reader_close(bench->reader);
    file_close(bench->packing.to);
    file_close(bench->packing.scratch);
    UNHEEDED(disk_remove(disk_real(), bench->part));
    UNHEEDED(disk_remove(disk_real(), bench->scratch));
}

static enum err whole_print(const char *path, control_output *output, void *context)
{
    struct file *file;
    char *piece = malloc(PIECE_SIZE);
    uint64_t at = 0;
    size_t got = PIECE_SIZE;
    enum err err =
        piece == NULL ? ERR_MEMORY : disk_open(disk_real(), path, DISK_READ, &file, NULL);
    if (err != OK) {
        free(piece);
        return err;
    }
    while (err == OK && got > 0) {
        err = file_read(file, at, piece, PIECE_SIZE, &got);
        if (err == OK && got > 0) {
            err = output(context, str_of(piece, got));
            at += got;
        }
    }
    file_close(file);
    free(piece);
    return err;
}

static enum err package_keep(struct bench *bench, uint64_t id, const struct packing_made *made)
{
    const struct offline_provision *asked = bench->asked;
    char folder[PATH_SIZE];
    const struct provision_made kept = {.file = str_from(bench->name),
                                        .sha256 = str_from(made->sha256),
                                        .size = made->size,
                                        .events = made->events};
    (void)snprintf(folder, sizeof folder, "%s/packages", asked->data);
    enum err err = disk_rename(disk_real(), bench->part, bench->whole);
    err = err == OK ? disk_sync_folder(disk_real(), folder) : err;
    return err == OK
               ? provision_ready(asked->rooms->job, asked->rooms->ledger, id, &kept, wall_now())
               : err;
}

static enum err package_run(struct bench *bench, const struct provision *row, struct why *why)
{
    const struct offline_provision *asked = bench->asked;
    struct packing_made made;
    struct buf job;
    buf_init(&job, PACKING_JOB_MAX);
    enum err err = packing_pack(asked->rooms->ledger, asked->rooms->tenant, row, &job);
    err = err == OK ? bench_open(bench, row->id, why) : err;
    err = err == OK ? packing_make(&bench->packing, buf_str(&job), &made, why) : err;
    err = err == OK ? package_keep(bench, row->id, &made) : err;
    bench_close(bench);
    buf_done(&job);
    return err;
}

enum err offline_provide(const struct offline_provision *asked, control_output *output,
                         void *context, struct why *why)
{
    struct str sources[SOURCES_MAX_HERE];
    struct provision_wish wish;
    struct provision row;
    struct client_id client;
    uint64_t id;
    const struct rooms *rooms = asked->rooms;
    struct arena *mem = arena_new(ROW_MEMORY);
    enum err err = mem == NULL
                       ? ERR_MEMORY
                       : packing_wish(asked->request, sources, SOURCES_MAX_HERE, &wish, why);
    err = err == OK ? answer_client(rooms->tenant, asked->request->tenant, &client, why) : err;
    err = err == OK ? provision_take(asked->scope, rooms->ledger, rooms->tenant, client, &wish,
                                     wall_now(), &id, why)
                    : err;
    err = err == OK ? provision_get(asked->scope, rooms->ledger, client, id, mem, &row) : err;
    if (err == OK) {
        struct bench bench = {
            .asked = asked,
            .packing = {.scope = asked->scope, .client = client, .now = wall_now()}};
        err = package_run(&bench, &row, why);
        if (err != OK) {
            UNHEEDED(provision_fail(rooms->job, rooms->ledger, id, str_from(why_text(why, err)),
                                    wall_now()));
        }
        err = err == OK ? provision_deliver(asked->scope, rooms->ledger, client, id, wall_now(),
                                            mem, &row, why)
                        : err;
        err = err == OK ? whole_print(bench.whole, output, context) : err;
    }
    arena_free(mem);
    return err;
}
