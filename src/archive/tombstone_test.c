/* Tombstones: what is gone is told, the tree goes on, and nothing else passes for gone. */

#include "archive/tombstone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/package_fixture_test.h"
#include "archive/private.h"
#include "testing/testing.h"

struct picking {
    uint32_t source;
    uint64_t below; /* leaf index */
    struct segment_leaf list[1000];
    size_t count;
};

static enum err pick_call(void *context, const struct leaf_entry *leaf)
{
    struct picking *picking = context;
    if (leaf->source.value == picking->source && leaf->index < picking->below) {
        CHECK(picking->count < 1000);
        picking->list[picking->count++] = (struct segment_leaf){.index = leaf->index,
                                                                .source = leaf->source,
                                                                .first = leaf->first,
                                                                .events = leaf->events,
                                                                .hash = leaf->hash};
    }
    return OK;
}

/* Says that the leaves of a source below an index are gone; their bytes stay in the journal. */
static enum err drop(struct fixture *fixture, uint32_t source, uint64_t below,
                     const struct scope *scope)
{
    struct reader *reader;
    struct picking *picking = calloc(1, sizeof *picking);
    const struct client_id client = {7};
    const struct tombstone tombstone = {.generation = 3,
                                        .oldest = store_begin(),
                                        .newest = store_begin(),
                                        .original = 1234,
                                        .days = 1,
                                        .promised = store_begin(),
                                        .reason = STR("retention"),
                                        .promise = STR("log-sources 1"),
                                        .by = STR("schedule")};
    picking->source = source;
    picking->below = below;
    CHECK(reader_open(fixture->scope, fixture->disk, fixture->folder, fixture->keys, client,
                      &reader, NULL) == OK);
    CHECK(reader_leaves(fixture->scope, reader, client, 0, UINT64_MAX, pick_call, picking, NULL) ==
          OK);
    reader_close(reader);
    enum err err = tombstone_write(scope, fixture->archive, client, &tombstone, picking->list,
                                   picking->count, fixture->now, NULL);
    free(picking);
    return err;
}

struct heard {
    unsigned count;
    struct tombstone_told last;
    char reason[64];
};

static enum err list_call(void *context, const struct tombstone_told *told)
{
    struct heard *listed = context;
    listed->count++;
    listed->last = *told;
    (void)snprintf(listed->reason, sizeof listed->reason, "%.*s", (int)told->what.reason.size,
                   told->what.reason.data);
    return OK;
}

TEST(what_is_gone_is_told_once_and_leaves_the_roots_as_they_were)
{
    struct fixture *fixture = store_new(10);
    struct heard listed = {0};
    struct gone gone;
    struct tree tree = {0};
    fixture_open(fixture);
    CHECK(drop(fixture, 72, 30, fixture->scope) == OK);
    CHECK(drop(fixture, 72, 30, fixture->scope) == ERR_EXISTS);
    CHECK(drop(fixture, 71, 30, fixture->scope) == OK);
    struct client *client = client_find(fixture->archive, (struct client_id){7});
    struct sha256 root = tree_root(&client->tree);
    CHECK(gone_load(fixture->disk, fixture->folder, client->id, &gone, NULL) == OK);
    CHECK(gone.count == 20 && gone.damaged == 0);
    CHECK(gone_find(&gone, 0) == NULL && gone_find(&gone, 1) != NULL &&
          gone_find(&gone, 2) != NULL && gone_find(&gone, 3) == NULL &&
          gone_find(&gone, 60) == NULL);
    CHECK(tombstones_list(fixture->scope, fixture->disk, fixture->folder, client->id, list_call,
                          &listed, NULL) == OK);
    CHECK(listed.count == 2 && strcmp(listed.reason, "retention") == 0);
    CHECK(listed.last.leaves == 10 && listed.last.events == 20 && listed.last.first_index == 1);

    /* The tree from the remains and the leaves that are there. */
    struct reader *reader;
    struct picking *all = calloc(3, sizeof *all);
    for (uint32_t i = 0; i < 3; i++) {
        all[i] = (struct picking){.source = 70 + i, .below = UINT64_MAX};
        CHECK(reader_open(fixture->scope, fixture->disk, fixture->folder, fixture->keys, client->id,
                          &reader, NULL) == OK);
        CHECK(reader_leaves(fixture->scope, reader, client->id, 0, UINT64_MAX, pick_call, &all[i],
                            NULL) == OK);
        reader_close(reader);
    }
    while (tree.size < client->tree.size) {
        const struct gone_run *run = gone_find(&gone, tree.size);
        if (run != NULL) {
            gone_pass(&gone, run, &tree);
        } else {
            tree_add(&tree, &all[tree.size % 3].list[tree.size / 3].hash);
        }
    }
    struct sha256 again = tree_root(&tree);
    CHECK(sha256_equal(&root, &again));
    free(all);
    gone_done(&gone);
    fixture_close(fixture);
    fixture_free(fixture);
}

TEST(a_package_over_what_is_gone_shows_the_tombstone_and_is_sound)
{
    struct fixture *fixture = store_new(72);
    struct package_request request = store_request();
    struct package_told told;
    struct package_judged judged;
    struct store_said said;
    fixture_open(fixture);
    CHECK(drop(fixture, 71, 200, fixture->scope) == OK);
    fixture_close(fixture);
    /* As if the file that held them had been unlinked. */
    CHECK(store_package(fixture, &request, "gone.zip", &told) == OK);
    if (told.gone == 0) {
        testing_skip("the journal still holds what is gone");
    }
    CHECK(store_verify(fixture, "gone.zip", STR(""), &said, &judged) == OK);
    CHECK(store_second(fixture, "gone.zip", "") == 0);
    fixture_free(fixture);
}

TEST(remains_that_are_changed_or_missing_leave_nothing_gone)
{
    struct fixture *fixture = store_new(10);
    struct gone gone;
    struct verify_report report;
    fixture_open(fixture);
    CHECK(drop(fixture, 72, 30, fixture->scope) == OK);
    fixture_close(fixture);
    const char *path = fixture_path(fixture, "archive/remains/7.remains");
    size_t size = fixture_size(fixture, "archive/remains/7.remains");
    for (size_t at = 0; at < size; at += 7) {
        testing_flip(path, at, 1);
        CHECK(gone_load(fixture->disk, fixture->folder, (struct client_id){7}, &gone, NULL) == OK);
        CHECK(gone.count == 0);
        gone_done(&gone);
        CHECK(archive_verify(fixture->disk, fixture->folder, fixture->keys, NULL, NULL, &report,
                             NULL) == ERR_CORRUPT);
        testing_flip(path, at, 1);
    }
    CHECK(remove(path) == 0);
    CHECK(archive_verify(fixture->disk, fixture->folder, fixture->keys, NULL, NULL, &report,
                         NULL) == ERR_CORRUPT);
    fixture_free(fixture);
}
