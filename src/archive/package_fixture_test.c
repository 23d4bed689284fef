/* Three days of two clients, and packages of them. */

#include "archive/package_fixture_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/private.h"
#include "testing/testing.h"

struct wall store_begin(void)
{
    return (struct wall){20412 * STORE_DAY}; /* 2025-11-20 */
}

struct fixture *store_new(unsigned hours)
{
    static char roots[64][512];
    static unsigned number;
    char *root = roots[number++ % 64];
    (void)snprintf(root, sizeof roots[0], "%s/store%u", testing_folder(), number);
    CHECK(disk_make_folder(disk_real(), root) == OK);
    struct fixture *fixture = fixture_on(disk_real(), root);
    (void)snprintf(fixture->keys, sizeof fixture->keys, "%s.keys", fixture->root);
    fixture->journal_size_max = 40000;
    fixture->now = store_begin();
    fixture_open(fixture);
    for (unsigned i = 0; i < 2 * hours; i++) {
        bool more;
        (void)fixture_append(fixture, 7, 70, 3);
        (void)fixture_append(fixture, 7, 71, 2);
        (void)fixture_append(fixture, 8, 80, 3);
        CHECK(archive_commit(fixture->archive) == OK);
        (void)fixture_append(fixture, 7, 72, 4);
        CHECK(archive_commit(fixture->archive) == OK);
        fixture->now.ns += STORE_HOUR / 2;
        CHECK(archive_sign(fixture->archive, fixture->now, 60 * NS_PER_SECOND, 10, &more) == OK);
    }
    fixture_close(fixture);
    return fixture;
}

struct package_request store_request(void)
{
    static const uint32_t sources[] = {70, 71};
    return (struct package_request){.client = {7},
                                    .from = {store_begin().ns + STORE_DAY},
                                    .to = {store_begin().ns + 2 * STORE_DAY},
                                    .sources = sources,
                                    .sources_count = 2,
                                    .proof = true,
                                    .now = {store_begin().ns + 4 * STORE_DAY},
                                    .version = STR("test")};
}

enum err store_package(struct fixture *fixture, const struct package_request *request,
                       const char *name, struct package_told *ret)
{
    struct reader *reader;
    struct package_proof proof;
    struct file *to;
    struct file *scratch;
    struct why why = {0};
    struct arena *mem = arena_new(1 << 24);
    CHECK(package_proof_open(fixture->scope, fixture->disk, fixture->folder, fixture->keys,
                             request->client, &proof, NULL) == OK);
    CHECK(reader_open(fixture->scope, fixture->disk, fixture->folder, fixture->keys,
                      request->client, &reader, NULL) == OK);
    CHECK(disk_open(fixture->disk, fixture_path(fixture, name), DISK_WRITE_CREATE, &to, NULL) ==
          OK);
    CHECK(disk_open(fixture->disk, fixture_path(fixture, "scratch"), DISK_WRITE_CREATE, &scratch,
                    NULL) == OK);
    enum err err = package_make(fixture->scope, reader, request, &proof, to, scratch, NULL, NULL,
                                mem, ret, &why);
    if (err != OK) {
        printf("package: %s\n", why_text(&why, err));
    }
    ret->sources = NULL; /* goes with mem */
    file_close(to);
    file_close(scratch);
    reader_close(reader);
    package_proof_done(&proof);
    arena_free(mem);
    return err;
}

static void said_call(void *context, const char *part, uint64_t offset, const char *what)
{
    struct store_said *said = context;
    (void)offset;
    if (said->count++ == 0) {
        (void)snprintf(said->part, sizeof said->part, "%s", part);
        (void)snprintf(said->what, sizeof said->what, "%s", what);
    }
}

enum err store_verify(struct fixture *fixture, const char *name, struct str heads,
                      struct store_said *said, struct package_judged *ret)
{
    struct file *file;
    struct why why = {0};
    uint8_t anchor[ED25519_SIZE];
    *said = (struct store_said){0};
    CHECK(anchor_load(fixture->disk, fixture->keys, (struct client_id){7}, anchor, NULL) == OK);
    CHECK(disk_open(fixture->disk, fixture_path(fixture, name), DISK_READ, &file, NULL) == OK);
    enum err err = package_verify(file, anchor, heads, said_call, said, ret, &why);
    if (err != OK && err != ERR_CORRUPT) {
        (void)snprintf(said->what, sizeof said->what, "%s", why_text(&why, err));
    }
    file_close(file);
    return err;
}

int store_second(const struct fixture *fixture, const char *name, const char *options)
{
    char command[2048];
    char line[4096];
    char anchor[2 * ED25519_SIZE + 1];
    uint8_t key[ED25519_SIZE];
    CHECK(anchor_load(fixture->disk, fixture->keys, (struct client_id){7}, key, NULL) == OK);
    (void)snprintf(command, sizeof command, "python3 '%s/tools/verify.py' --anchor %s %s '%s' 2>&1",
                   testing_root(), hex_print(key, sizeof key, anchor), options,
                   fixture_path(fixture, name));
    FILE *output = popen(command, "r");
    CHECK(output != NULL);
    while (fgets(line, sizeof line, output) != NULL) {
        if (getenv("HINOMI_SHOW") != NULL) {
            printf("    %s", line);
        }
    }
    return pclose(output) >> 8;
}

struct trial trial_begin(unsigned hours, unsigned asked)
{
    struct trial trial = {.fixture = store_new(hours), .request = store_request()};
    if (asked > 0) {
        trial.request.to.ns = trial.request.from.ns + asked * STORE_HOUR;
    }
    return trial;
}

enum err trial_package(struct trial *trial, const char *name)
{
    return store_package(trial->fixture, &trial->request, name, &trial->told);
}

enum err trial_verify(struct trial *trial, const char *name)
{
    return store_verify(trial->fixture, name, STR(""), &trial->said, &trial->judged);
}

void trial_end(struct trial *trial)
{
    fixture_free(trial->fixture);
}
