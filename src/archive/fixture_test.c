#include "archive/fixture_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "event/builder.h"
#include "testing/testing.h"

struct fixture *fixture_new(void)
{
    return fixture_on(disk_real(), testing_folder());
}

struct fixture *fixture_on(struct disk *disk, const char *root)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->disk = disk;
    fixture->root = root;
    (void)snprintf(fixture->folder, sizeof fixture->folder, "%s/archive", root);
    (void)snprintf(fixture->keys, sizeof fixture->keys, "%s/archive.keys", root);
    fixture->journal_size_max = 64 << 20;
    fixture->now = (struct wall){1700000000 * NS_PER_SECOND};
    fixture->mem = arena_new(64 << 20);
    CHECK(scope_for_test((struct client_id){0}, RIGHT_APPEND | RIGHT_READ, &fixture->scope) == OK);
    return fixture;
}

void fixture_free(struct fixture *fixture)
{
    fixture_close(fixture);
    arena_free(fixture->mem);
    scope_free(fixture->scope);
    free(fixture);
}

void fixture_open(struct fixture *fixture)
{
    struct archive_options options = {.disk = fixture->disk,
                                      .folder = fixture->folder,
                                      .keys = fixture->keys,
                                      .journal_size_max = fixture->journal_size_max};
    struct why why = {0};
    enum err err = archive_open(&options, fixture->now, &fixture->archive, &why);
    if (err != OK) {
        printf("archive_open: %s\n", why_text(&why, err));
    }
    CHECK(err == OK);
}

void fixture_close(struct fixture *fixture)
{
    archive_close(fixture->archive, fixture->now);
    fixture->archive = NULL;
}

/* A group that is still open keeps archive_close from signing, as it does for a process that is
 * killed. */
void fixture_crash(struct fixture *fixture)
{
    struct place first;
    CHECK(fixture_offer(fixture, 7, 70, 1, NULL, 0, &first) != ERR_MEMORY);
    fixture_close(fixture);
}

void fixture_reopen(struct fixture *fixture)
{
    fixture_close(fixture);
    fixture_open(fixture);
}

enum err fixture_offer(struct fixture *fixture, uint32_t client, uint32_t source, unsigned events,
                       const struct batch_key *key, uint64_t position, struct place *ret_first)
{
    struct builder *builder = builder_new((struct client_id){client}, (struct source_id){source});
    struct arena *mem = arena_new(1 << 22);
    for (unsigned i = 0; i < events; i++) {
        char record[100];
        int size = snprintf(record, sizeof record, "client %u source %u number %u of %u", client,
                            source, i, events);
        CHECK(builder_begin(builder, str_of(record, (size_t)size), fixture->now) == OK);
        builder_span(builder, STR("client.id"), 7, 1, SPAN_RAW);
        CHECK(builder_end(builder) == OK);
    }
    if (key != NULL) {
        builder_key(builder, key);
    }
    struct str bytes;
    struct batch batch;
    CHECK(builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
    enum err err = archive_append(fixture->scope, fixture->archive, &batch,
                                  (struct ring_place){99, position}, fixture->now, ret_first);
    arena_free(mem);
    builder_free(builder);
    return err;
}

uint64_t fixture_append(struct fixture *fixture, uint32_t client, uint32_t source, unsigned events)
{
    struct place first = {{0}, 0};
    CHECK(fixture_offer(fixture, client, source, events, NULL, 0, &first) == OK);
    CHECK(first.client.value == client);
    return first.sequence;
}

static void event_check(const struct event *event, uint32_t client)
{
    char start[40];
    int size = snprintf(start, sizeof start, "client %u source ", client);
    CHECK(str_starts(event->record, str_of(start, (size_t)size)));
}

uint64_t fixture_read(struct fixture *fixture, uint32_t client)
{
    uint64_t sequence = 1;
    uint64_t count = 0;
    for (;;) {
        struct batch batch;
        struct place first;
        arena_reset(fixture->mem);
        enum err err = archive_read(fixture->scope, fixture->archive, (struct client_id){client},
                                    sequence, fixture->mem, &batch, &first, NULL);
        if (err != OK) {
            CHECK(err == ERR_NOT_FOUND);
            return count;
        }
        for (uint32_t i = 0; i < batch.events; i++) {
            struct event event;
            batch_event(&batch, i, &event);
            event_check(&event, client);
            count += first.sequence + i >= sequence;
        }
        sequence = first.sequence + batch.events;
    }
}

struct found {
    uint32_t client;
    uint64_t last, count;
};

static enum err found_call(void *context, struct place place, const struct event *event)
{
    struct found *found = context;
    CHECK(place.sequence > found->last && place.client.value == found->client);
    event_check(event, found->client);
    found->last = place.sequence;
    found->count++;
    return OK;
}

uint64_t fixture_search(struct fixture *fixture, uint32_t client)
{
    struct reader *reader;
    struct found found = {.client = client};
    CHECK(reader_open(fixture->scope, fixture->disk, fixture->folder, fixture->keys,
                      (struct client_id){client}, &reader, NULL) == OK);
    CHECK(reader_search(fixture->scope, reader, (struct client_id){client}, NULL,
                        (struct wall){INT64_MIN}, (struct wall){INT64_MAX}, found_call, &found,
                        NULL) == OK);
    reader_close(reader);
    return found.count;
}

const char *fixture_path(const struct fixture *fixture, const char *name)
{
    static char paths[4][512];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", fixture->root, name);
    return path;
}

size_t fixture_size(const struct fixture *fixture, const char *name)
{
    struct stat status;
    return stat(fixture_path(fixture, name), &status) == 0 ? (size_t)status.st_size : 0;
}

bool fixture_file_exists(const struct fixture *fixture, const char *name)
{
    struct stat status;
    return stat(fixture_path(fixture, name), &status) == 0;
}

struct seal_options fixture_sealing = {
    .journal_age_ns = 1, .cold_after_ns = 0, .journal_keep_ns = 86400 * NS_PER_SECOND};

static enum err seal_one(struct fixture *fixture, struct seal *seal)
{
    struct reader *reader;
    struct why why = {0};
    enum err err = reader_open(fixture->scope, fixture->disk, fixture->folder, fixture->keys,
                               seal_client(seal), &reader, &why);
    if (err == OK) {
        err = seal_make(fixture->scope, reader, seal_order(seal), seal_output(seal), &why);
        reader_close(reader);
    }
    if (err != OK) {
        archive_seal_abandon(fixture->archive, seal, fixture->now);
        return err;
    }
    return archive_seal_adopt(fixture->archive, seal, fixture->now, &why);
}

unsigned fixture_seal(struct fixture *fixture, enum err *ret_err)
{
    unsigned made = 0;
    bool more = true;
    enum err err = OK;
    (void)archive_turn_over(fixture->archive, &fixture_sealing, fixture->now);
    for (unsigned turns = 0; err == OK && more && turns < 10000; turns++) {
        struct seal *seal = NULL;
        err =
            archive_seal_next(fixture->archive, &fixture_sealing, fixture->now, 100, &seal, &more);
        if (err == OK && seal != NULL) {
            err = seal_one(fixture, seal);
            made += err == OK;
            more = true;
        }
    }
    err =
        err == OK ? archive_journals_remove(fixture->archive, &fixture_sealing, fixture->now) : err;
    if (ret_err != NULL) {
        *ret_err = err;
    } else {
        CHECK(err == OK);
    }
    return made;
}
