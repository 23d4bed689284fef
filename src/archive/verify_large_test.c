/* How fast an archive of segments is judged, and in how much memory. */

#include "archive/private.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive/fixture_test.h"
#include "event/builder.h"
#include "testing/testing.h"

#define DAY (86400 * NS_PER_SECOND)

static uint64_t leaf_offer(struct fixture *fixture, unsigned number, struct arena *mem)
{
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){70});
    uint64_t state = number * 2654435761u + 1;
    uint64_t original = 0;
    struct batch batch;
    struct place first;
    struct str bytes;
    CHECK(builder != NULL);
    for (unsigned i = 0; i < 4000; i++) {
        char record[400];
        state = state * 6364136223846793005u + 1442695040888963407u;
        int size = snprintf(
            record, sizeof record,
            "{\"host\":\"gate-%03u.site%u.example\",\"service\":\"web\",\"level\":\"info\","
            "\"user\":\"sato-%04u\",\"source\":\"10.%u.%u.%u\",\"method\":\"GET\","
            "\"path\":\"/shop/basket/item-%u\",\"status\":200,\"bytes\":%u,"
            "\"session\":\"%016llx\",\"message\":\"request %u of sato-%04u answered\"}",
            (unsigned)(state >> 20) % 500, (unsigned)(state >> 30) % 9,
            (unsigned)(state >> 33) % 5000, (unsigned)(state >> 8) % 256,
            (unsigned)(state >> 16) % 256, (unsigned)(state >> 24) % 256,
            (unsigned)(state >> 40) % 2000, (unsigned)(state >> 35) % 100000,
            (unsigned long long)state, number * 4000 + i, (unsigned)(state >> 33) % 5000);
        CHECK(builder_begin(builder, str_of(record, (size_t)size), fixture->now) == OK);
        CHECK(builder_end(builder) == OK);
        original += (uint64_t)size;
    }
    arena_reset(mem);
    CHECK(builder_finish(builder, &bytes) == OK && batch_check(bytes, mem, &batch, NULL) == OK);
    CHECK(archive_append(fixture->scope, fixture->archive, &batch,
                         (struct ring_place){1, number + 1}, fixture->now, &first) == OK);
    CHECK(archive_commit(fixture->archive) == OK);
    builder_free(builder);
    return original;
}

/* So many leaves, in segments alone. */
static uint64_t leaves_seal(struct fixture *fixture, unsigned from, unsigned to)
{
    struct arena *mem = arena_new(1 << 26);
    uint64_t original = 0;
    fixture_open(fixture);
    for (unsigned i = from; i < to; i++) {
        bool more;
        original += leaf_offer(fixture, i, mem);
        fixture->now.ns += 60 * NS_PER_SECOND;
        CHECK(archive_sign(fixture->archive, fixture->now, 60 * NS_PER_SECOND, 10, &more) == OK);
        if (i % 10 == 9) {
            (void)fixture_seal(fixture, NULL);
        }
    }
    (void)fixture_seal(fixture, NULL);
    fixture->now.ns += 2 * DAY;
    (void)fixture_append(fixture, 7, 70, 1);
    CHECK(archive_commit(fixture->archive) == OK);
    (void)fixture_seal(fixture, NULL);
    CHECK(!fixture_file_exists(fixture, "archive/0000000001.journal"));
    fixture_close(fixture);
    arena_free(mem);
    return original;
}

static uint64_t peak_kib(void)
{
    char line[256];
    unsigned long long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            kib = strtoull(line + 6, NULL, 10);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return kib;
}

struct measured {
    uint64_t kib;
    double seconds;
};

/* In a process of its own, whose peak is forgotten first. */
static struct measured verify_measure(struct fixture *fixture)
{
    int ends[2];
    struct measured told = {0};
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct verify_report report;
        (void)malloc_trim(0); /* what was freed before the fork is not at hand either */
        FILE *forget = fopen("/proc/self/clear_refs", "w");
        bool forgot = forget != NULL && fputs("5", forget) >= 0 && fclose(forget) == 0;
        uint64_t before = peak_kib();
        double begin = testing_cpu();
        enum err err = archive_verify(fixture->disk, fixture->folder, fixture->keys, NULL, NULL,
                                      &report, NULL);
        told.seconds = testing_cpu() - begin;
        told.kib = peak_kib() - before;
        bool written = write(ends[1], &told, sizeof told) == (ssize_t)sizeof told;
        _exit(err == OK && forgot && written ? 0 : 1);
    }
    int status = 1;
    CHECK(read(ends[0], &told, sizeof told) == (ssize_t)sizeof told);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return told;
}

/* HINOMI_LEAVES: the larger of the two, each of 4,000 events (60). */
TEST(judging_segments_takes_no_more_memory_the_more_there_are)
{
    const char *wanted = getenv("HINOMI_LEAVES");
    unsigned many = wanted != NULL ? (unsigned)strtoul(wanted, NULL, 10) : 60;
    struct fixture *fixture = fixture_new();
    uint64_t original = leaves_seal(fixture, 0, many / 4);
    struct measured few = verify_measure(fixture);
    original += leaves_seal(fixture, many / 4, many);
    struct measured all = verify_measure(fixture);
    printf("%.0f MB judged at %.0f MB/s of CPU in %llu MiB; of a quarter of it in %llu MiB\n",
           (double)original / 1e6, (double)original / 1e6 / all.seconds,
           (unsigned long long)all.kib / 1024, (unsigned long long)few.kib / 1024);
    CHECK(all.kib < few.kib * 5 / 4 + 8192);
    CHECK(all.kib < 200 * 1024);
    fixture_free(fixture);
}
