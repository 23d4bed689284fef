/*
 * Lines into an archive as core and its workers make it, and searches over it, for benchmarks
 * (tests/load/archive):
 *
 *     segments seal LINES FOLDER    journals, then segments, then segments packed for good; says
 * what all of it takes on disk, heads and tables and proofs included, and the CPU time of each
 *     segments hot LINES FOLDER     the same without the last step
 *     segments find FOLDER QUERY    all answers of a search, as in a worker that runs: the best
 *                                   elapsed time of five, and how many were found
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/archive.h"
#include "archive/seal.h"
#include "base/limits.h"
#include "tests/load/lines.h"

#define CLIENT       ((struct client_id){7})
#define JOURNAL_SIZE ((uint64_t)256 << 20)
#define BEGIN        1767225600
#define YEAR         (366LL * 86400 * NS_PER_SECOND)

struct sealing {
    struct archive *archive;
    struct scope *scope;
    struct arena *mem;
    char folder[512], keys[512];
    struct wall now;
    uint64_t events, position, made;
    double journal, worker, core;
};

static void sealing_open(struct sealing *sealing, const char *root)
{
    (void)snprintf(sealing->folder, sizeof sealing->folder, "%s/archive", root);
    (void)snprintf(sealing->keys, sizeof sealing->keys, "%s/archive.keys", root);
    sealing->now = (struct wall){BEGIN * NS_PER_SECOND};
    must(scope_for_test((struct client_id){0}, RIGHT_APPEND | RIGHT_READ, &sealing->scope),
         "scope");
}

static void leaf_store(void *context, struct builder *builder)
{
    struct sealing *sealing = context;
    struct str bytes;
    struct batch batch;
    struct place first;
    arena_reset(sealing->mem);
    must(builder_finish(builder, &bytes), "builder_finish");
    must(batch_check(bytes, sealing->mem, &batch, NULL), "batch_check");
    struct ring_place from = {99, ++sealing->position};
    double begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
    sealing->now.ns += 100 * 1000 * 1000;
    enum err err =
        archive_append(sealing->scope, sealing->archive, &batch, from, sealing->now, &first);
    must(err, "archive_append");
    must(archive_commit(sealing->archive), "archive_commit");
    sealing->journal += seconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
    sealing->events += batch.events;
    builder_reset(builder);
}

/* The worker's part, then core's again. */
static void seal_one(struct sealing *sealing, struct seal *seal)
{
    struct reader *reader;
    struct why why = {0};
    double begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
    must(reader_open(sealing->scope, disk_real(), sealing->folder, sealing->keys, seal_client(seal),
                     &reader, &why),
         "reader_open");
    must(seal_make(sealing->scope, reader, seal_order(seal), seal_output(seal), &why), "seal_make");
    reader_close(reader);
    sealing->worker += seconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
    must(archive_seal_adopt(sealing->archive, seal, sealing->now, &why), "archive_seal_adopt");
    sealing->made++;
}

/* Until nothing is due. */
static void seal_all(struct sealing *sealing, const struct seal_options *options)
{
    bool more = true;
    double begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
    sealing->made = 0;
    sealing->worker = 0;
    must(archive_sign(sealing->archive, sealing->now, 0, 16, &more), "archive_sign");
    more = true;
    while (more) {
        struct seal *seal = NULL;
        must(archive_seal_next(sealing->archive, options, sealing->now, 100, &seal, &more),
             "archive_seal_next");
        if (seal != NULL) {
            seal_one(sealing, seal);
            more = true;
        }
    }
    must(archive_sign(sealing->archive, sealing->now, 0, 16, &more), "archive_sign");
    must(archive_journals_remove(sealing->archive, options, sealing->now), "journals_remove");
    sealing->core = seconds(CLOCK_PROCESS_CPUTIME_ID) - begin - sealing->worker;
}

/* One event more, in a journal of its own, so that the others are closed. */
static void last_store(struct sealing *sealing, const struct seal_options *options)
{
    struct builder *builder = builder_new(CLIENT, (struct source_id){3});
    if (builder == NULL) {
        give_up("builder", ERR_MEMORY);
    }
    (void)archive_turn_over(sealing->archive, options, sealing->now);
    must(builder_begin(builder, STR("the last"), sealing->now), "builder_begin");
    must(builder_end(builder), "builder_end");
    leaf_store(sealing, builder);
    builder_free(builder);
}

/* What a folder takes, with all that is below. */
static uint64_t folder_size(const char *path)
{
    uint64_t size = 0;
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        char name[1024];
        struct stat status;
        if (entry->d_name[0] == '.') {
            continue;
        }
        (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (stat(name, &status) == 0) {
            size += S_ISDIR(status.st_mode) ? folder_size(name) : (uint64_t)status.st_size;
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return size;
}

static void sealed_tell(const struct sealing *sealing, const char *what, uint64_t original)
{
    double all = sealing->worker + sealing->core;
    (void)printf("%s: %llu bytes on disk; %llu segments made at %.3f us CPU an event (core %.3f), "
                 "%.0f MB/s\n",
                 what, (unsigned long long)folder_size(sealing->folder),
                 (unsigned long long)sealing->made, all / (double)sealing->events * 1e6,
                 sealing->core / (double)sealing->events * 1e6, (double)original / all / 1e6);
}

static int seal(const char *lines, const char *root, bool cold)
{
    struct sealing *sealing = calloc(1, sizeof *sealing);
    struct why why = {0};
    if (sealing == NULL || (sealing->mem = arena_new((size_t)1 << 30)) == NULL) {
        give_up(root, ERR_MEMORY);
    }
    sealing_open(sealing, root);
    const struct archive_options options = {.disk = disk_real(),
                                            .folder = sealing->folder,
                                            .keys = sealing->keys,
                                            .journal_size_max = JOURNAL_SIZE};
    must(archive_open(&options, sealing->now, &sealing->archive, &why), "archive_open");
    uint64_t original = lines_read(lines, leaf_store, sealing);
    (void)printf("journals: %llu events, %llu bytes; %llu bytes on disk; %.3f us CPU an event\n",
                 (unsigned long long)sealing->events, (unsigned long long)original,
                 (unsigned long long)folder_size(sealing->folder),
                 sealing->journal / (double)sealing->events * 1e6);
    struct seal_options wanted = {.journal_age_ns = 1, .journal_keep_ns = 0};
    sealing->now.ns += NS_PER_SECOND;
    last_store(sealing, &wanted);
    seal_all(sealing, &wanted);
    sealed_tell(sealing, "hot", original);
    if (cold) {
        wanted.cold_after_ns = 1;
        sealing->now.ns += YEAR;
        seal_all(sealing, &wanted);
        sealed_tell(sealing, "cold", original);
    }
    archive_close(sealing->archive, sealing->now);
    scope_free(sealing->scope);
    arena_free(sealing->mem);
    free(sealing);
    return 0;
}

static enum err found_call(void *context, struct place place, const struct event *event)
{
    (void)place;
    (void)event;
    ++*(uint64_t *)context;
    return OK;
}

static int find(const char *root, const char *text)
{
    struct sealing sealing = {0};
    struct reader *reader;
    struct query *query;
    struct why why = {0};
    double best = 1e9;
    uint64_t found = 0;
    sealing_open(&sealing, root);
    must(query_parse(str_from(text), &query, &why), "query_parse");
    must(reader_open(sealing.scope, disk_real(), sealing.folder, sealing.keys, CLIENT, &reader,
                     &why),
         "reader_open");
    for (int round = 0; round < 5; round++) {
        double begin = seconds(CLOCK_MONOTONIC);
        found = 0;
        must(reader_search(sealing.scope, reader, CLIENT, query, (struct wall){INT64_MIN},
                           (struct wall){INT64_MAX}, found_call, &found, &why),
             "reader_search");
        double took = seconds(CLOCK_MONOTONIC) - begin;
        best = took < best ? took : best;
    }
    (void)printf("Hinomi %.4f s, %llu found\n", best, (unsigned long long)found);
    reader_close(reader);
    query_free(query);
    scope_free(sealing.scope);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && (strcmp(argv[1], "seal") == 0 || strcmp(argv[1], "hot") == 0)) {
        return seal(argv[2], argv[3], strcmp(argv[1], "seal") == 0);
    }
    if (argc == 4 && strcmp(argv[1], "find") == 0) {
        return find(argv[2], argv[3]);
    }
    (void)fprintf(stderr, "usage: segments seal|hot LINES FOLDER | segments find FOLDER QUERY\n");
    return 2;
}
