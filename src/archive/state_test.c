#include "archive/archive.h"

#include <stdlib.h>
#include <string.h>

#include "archive/fixture_test.h"
#include "base/limits.h"
#include "testing/testing.h"

#define CLIENT ((struct client_id){7})

TEST(a_state_reads_back_after_a_new_start_and_only_the_last_one)
{
    struct fixture *fixture = fixture_new();
    struct arena *mem = arena_new((size_t)2 * MEMORY_KEPT_MAX);
    uint64_t sequence = 0;
    struct str state;
    fixture_open(fixture);
    CHECK(archive_state_store(fixture->scope, fixture->archive, CLIENT, 1, STR("x")) ==
          ERR_NOT_FOUND);
    CHECK(fixture_append(fixture, 7, 70, 3) == 1);
    CHECK(archive_commit(fixture->archive) == OK);
    CHECK(archive_state_load(fixture->scope, fixture->archive, CLIENT, mem, &sequence, &state) ==
          ERR_NOT_FOUND);
    CHECK(archive_state_store(fixture->scope, fixture->archive, CLIENT, 2, STR("before")) == OK);
    CHECK(archive_state_store(fixture->scope, fixture->archive, CLIENT, 4, STR("windows")) == OK);
    fixture_reopen(fixture);
    CHECK(archive_state_load(fixture->scope, fixture->archive, CLIENT, mem, &sequence, &state) ==
          OK);
    CHECK(sequence == 4 && str_equal(state, STR("windows")));
    CHECK(archive_state_store(fixture->scope, fixture->archive, CLIENT, 4, (struct str){0}) == OK);
    CHECK(archive_state_load(fixture->scope, fixture->archive, CLIENT, mem, &sequence, &state) ==
          OK);
    CHECK(state.size == 0);
    arena_free(mem);
    fixture_free(fixture);
}

TEST(no_byte_of_a_state_can_be_changed_or_read_without_the_key)
{
    struct fixture *fixture = fixture_new();
    struct arena *mem = arena_new((size_t)4 * MEMORY_KEPT_MAX);
    uint64_t sequence;
    struct str state;
    char *bytes;
    size_t size;
    fixture_open(fixture);
    CHECK(fixture_append(fixture, 7, 70, 3) == 1);
    CHECK(archive_commit(fixture->archive) == OK);
    CHECK(archive_state_store(fixture->scope, fixture->archive, CLIENT, 4,
                              STR("a user of example.org")) == OK);
    const char *path = fixture_path(fixture, "archive/states/7.state");
    CHECK(disk_read_whole(disk_real(), path, 4096, &bytes, &size, NULL) == OK);
    CHECK(memmem(bytes, size, "example", 7) == NULL);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)(bytes[i] ^ 1);
        CHECK(disk_replace(disk_real(), path, str_of(bytes, size)) == OK);
        CHECK(archive_state_load(fixture->scope, fixture->archive, CLIENT, mem, &sequence,
                                 &state) == ERR_CORRUPT);
        bytes[i] = (char)(bytes[i] ^ 1);
    }
    CHECK(disk_replace(disk_real(), path, str_of(bytes, size - 1)) == OK);
    CHECK(archive_state_load(fixture->scope, fixture->archive, CLIENT, mem, &sequence, &state) ==
          ERR_CORRUPT);
    free(bytes);
    arena_free(mem);
    fixture_free(fixture);
}
