/*
 * One bit of any file of a stopped archive is changed (R-A7): journals, segments, heads, remains of
 * what was dropped, time-stamps, states, keys.  Verify names that file, and as lost exactly the
 * events that nobody can read any more.  Then a service starts on it: starting ends, soon, and
 * either says which file is not what was written or loses only the events of the frame or the
 * segment that the bit lies in; nothing that is given afterwards has a number that was given
 * before.
 *
 *     HINOMI_FLIPS   how many bits, at random (200); from as many as there are on, each of them
 */

#include "archive/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/fixture_test.h"
#include "archive/keep.h"
#include "archive/segment_private.h"
#include "archive/stamp.h"
#include "sys/fake.h"
#include "testing/testing.h"

#define KEPT_MAX    32
#define FRAMES_MAX  256
#define EVENTS_MAX  256
#define SECONDS_MAX 2
#define DAY         (86400 * NS_PER_SECOND)

struct kept {
    char path[64];
    char *data;
    size_t size;
    bool alone[2][EVENTS_MAX]; /* events that lie nowhere else, if it is a segment */
};

struct store {
    struct kept files[KEPT_MAX];
    size_t files_count;
    struct frame frames[FRAMES_MAX];
    size_t frames_count;
    uint64_t events[2];           /* highest numbers of clients 7 and 8 */
    bool readable[2][EVENTS_MAX]; /* before any bit is changed */
    struct wall now;
    uint64_t bits;
};

static const char *const folders[] = {
    "archive",          "archive/heads",      "archive/states",     "archive/remains",
    "archive/stamps",   "archive/segments/7", "archive/segments/8", "archive.keys",
    "archive/segments",
};

struct gathering {
    struct store *store;
    struct disk *disk;
    const char *folder;
};

static enum err file_gather(void *context, const char *name)
{
    struct gathering *gathering = context;
    struct store *store = gathering->store;
    struct kept *kept = &store->files[store->files_count];
    if (strchr(name, '.') == NULL) {
        return OK; /* a folder, or the lock */
    }
    CHECK(store->files_count < KEPT_MAX);
    (void)snprintf(kept->path, sizeof kept->path, "./%s/%s", gathering->folder, name);
    CHECK(disk_read_whole(gathering->disk, kept->path, 1 << 20, &kept->data, &kept->size, NULL) ==
          OK);
    store->files_count++;
    store->bits += kept->size * 8;
    return OK;
}

static void frames_gather(struct store *store, struct disk *disk)
{
    for (uint64_t journal = 1; journal < KEPT_MAX; journal++) {
        char path[64];
        struct file *file;
        uint64_t size = 0;
        struct walk walk;
        (void)snprintf(path, sizeof path, "./archive/%010llu.journal", (unsigned long long)journal);
        if (disk_open(disk, path, DISK_READ, &file, NULL) != OK) {
            continue;
        }
        CHECK(file_size(file, &size) == OK);
        walk_init(&walk, file, journal, 0, size);
        while (walk_next(&walk, &store->frames[store->frames_count])) {
            CHECK(store->frames_count++ < FRAMES_MAX - 1);
        }
        file_close(file);
    }
}

static void store_put(const struct store *store, struct disk *disk, uint64_t bit);

static void turns(struct store *store, struct fixture *fixture, unsigned count)
{
    bool more;
    for (unsigned turn = 0; turn < count; turn++) {
        for (uint32_t i = 0; i < 2; i++) {
            unsigned events = 2 + (turn + i) % 3;
            (void)fixture_append(fixture, 7 + i, i == 0 ? 70 + turn % 2 : 80, events);
            store->events[i] += events;
        }
        CHECK(archive_commit(fixture->archive) == OK);
        fixture->now.ns += 60 * NS_PER_SECOND;
        CHECK(archive_sign(fixture->archive, fixture->now, 60 * NS_PER_SECOND, 10, &more) == OK);
    }
}

static enum err month_find(void *context, const struct holding *holding)
{
    uint64_t *generation = context;
    if (holding->kind == HOLDING_SEGMENT && holding->days == 30 && *generation == 0) {
        *generation = holding->number;
    }
    return OK;
}

/* Segments without their journals, two of which were dropped; then journals alone. */
static void life(struct store *store, struct fixture *fixture)
{
    const struct client_id seven = {7};
    const struct keep_rule rules[] = {{{70}, 30}, {{71}, 400}};
    const struct archive_drop_reason reason = {STR("retention"), STR("log-sources 1"),
                                               STR("schedule")};
    CHECK(archive_keep(fixture->scope, fixture->archive, seven, rules, 2) == OK);
    for (unsigned i = 0; i < 3; i++) {
        turns(store, fixture, 3 + i);
        (void)fixture_seal(fixture, NULL);
        fixture->now.ns += 2 * DAY;
    }
    fixture->now.ns += 40 * DAY;
    turns(store, fixture, 1);
    (void)fixture_seal(fixture, NULL);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t generation = 0;
        struct sha256 hash = sha256_of_bytes(STR("a head"));
        CHECK(archive_holdings(fixture->scope, fixture->archive, seven, month_find, &generation) ==
              OK);
        CHECK(archive_drop(fixture->scope, fixture->archive, seven, generation, &reason,
                           fixture->now, NULL) == OK);
        const struct stamp stamp = {seven, i, fixture->now, hash, STR("not judged here")};
        CHECK(archive_stamp_keep(fixture->scope, fixture->archive, &stamp) == OK);
    }
    turns(store, fixture, 8);
    CHECK(archive_state_store(fixture->scope, fixture->archive, seven, 9,
                              STR("what detection remembers")) == OK);
}

static void readable_find(struct fixture *fixture, uint64_t events, uint32_t index,
                          bool there[EVENTS_MAX]);

/* Which events each segment is the only one to hold. */
static void alone_find(struct store *store)
{
    for (size_t i = 0; i < store->files_count; i++) {
        struct kept *kept = &store->files[i];
        struct fake *fake = fake_new();
        struct fixture *fixture = fixture_on(fake_disk(fake), ".");
        store_put(store, fixture->disk, UINT64_MAX);
        CHECK(disk_remove(fixture->disk, kept->path) == OK);
        for (uint32_t c = 0; c < 2 && strstr(kept->path, ".segment") != NULL; c++) {
            bool there[EVENTS_MAX] = {false};
            readable_find(fixture, store->events[c], c, there);
            for (size_t e = 0; e < EVENTS_MAX; e++) {
                kept->alone[c][e] = store->readable[c][e] && !there[e];
            }
        }
        fixture_free(fixture);
        fake_free(fake);
    }
}

static struct store *store_make(void)
{
    struct store *store = calloc(1, sizeof *store);
    struct fake *fake = fake_new();
    struct fixture *fixture = fixture_on(fake_disk(fake), ".");
    fixture->journal_size_max = 4000;
    fixture_open(fixture);
    life(store, fixture);
    store->now = fixture->now;
    fixture_close(fixture);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        struct gathering gathering = {store, fixture->disk, folders[i]};
        char path[64];
        (void)snprintf(path, sizeof path, "./%s", folders[i]);
        CHECK(disk_list(fixture->disk, path, file_gather, &gathering) == OK);
    }
    frames_gather(store, fixture->disk);
    for (uint32_t i = 0; i < 2; i++) {
        readable_find(fixture, store->events[i], i, store->readable[i]);
    }
    fixture_free(fixture);
    fake_free(fake);
    alone_find(store);
    return store;
}

static void store_free(struct store *store)
{
    for (size_t i = 0; i < store->files_count; i++) {
        free(store->files[i].data);
    }
    free(store);
}

static void store_put(const struct store *store, struct disk *disk, uint64_t bit)
{
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "./%s", folders[i]);
        CHECK(i > 0 || disk_make_folder(disk, "./archive") == OK);
        CHECK(i > 0 || disk_make_folder(disk, "./archive/segments") == OK);
        CHECK(disk_make_folder(disk, path) == OK);
    }
    for (size_t i = 0; i < store->files_count; i++) {
        const struct kept *kept = &store->files[i];
        struct file *file;
        CHECK(disk_open(disk, kept->path, DISK_WRITE_NEW, &file, NULL) == OK);
        CHECK(file_write(file, 0, kept->data, kept->size) == OK);
        if (bit < kept->size * 8) {
            char byte = (char)(kept->data[bit / 8] ^ (1 << (bit % 8)));
            CHECK(file_write(file, bit / 8, &byte, 1) == OK);
        }
        bit = bit < kept->size * 8 ? UINT64_MAX : bit - kept->size * 8; /* one file has it */
        CHECK(file_sync(file) == OK);
        file_close(file);
    }
}

/* Which file the bit lies in, and where. */
static const struct kept *bit_file(const struct store *store, uint64_t *bit)
{
    size_t i = 0;
    while (*bit >= store->files[i].size * 8) {
        *bit -= store->files[i++].size * 8;
    }
    return &store->files[i];
}

struct finding {
    uint32_t client;
    uint64_t events;
    bool there[EVENTS_MAX];
};

static enum err event_found(void *context, struct place place, const struct event *event)
{
    struct finding *finding = context;
    char start[40];
    int size = snprintf(start, sizeof start, "client %u source ", finding->client);
    CHECK(str_starts(event->record, str_of(start, (size_t)size)));
    CHECK(place.sequence >= 1 && place.sequence <= finding->events &&
          !finding->there[place.sequence]);
    finding->there[place.sequence] = true;
    return OK;
}

/* Whether an event may be missing after this byte of this file has changed. */
static bool may_be_lost(const struct store *store, const char *path, uint64_t at, uint32_t client,
                        uint64_t sequence)
{
    for (size_t i = 0; i < store->frames_count; i++) {
        const struct frame *frame = &store->frames[i];
        char name[64];
        (void)snprintf(name, sizeof name, "./archive/%010llu.journal",
                       (unsigned long long)frame->journal);
        if (strcmp(name, path) == 0 && at >= frame->offset && at < frame_end(frame) &&
            frame->client.value == client && sequence >= frame->first &&
            sequence < frame->first + frame->events) {
            return true;
        }
    }
    for (size_t i = 0; i < store->files_count; i++) {
        if (strcmp(store->files[i].path, path) == 0) {
            return store->files[i].alone[client - 7][sequence];
        }
    }
    return false;
}

static void readable_find(struct fixture *fixture, uint64_t events, uint32_t index,
                          bool there[EVENTS_MAX])
{
    struct finding finding = {.client = 7 + index, .events = events};
    struct client_id client = {finding.client};
    struct reader *reader;
    CHECK(reader_open(fixture->scope, fixture->disk, fixture->folder, fixture->keys, client,
                      &reader, NULL) == OK);
    CHECK(reader_search(fixture->scope, reader, client, NULL, (struct wall){INT64_MIN},
                        (struct wall){INT64_MAX}, event_found, &finding, NULL) == OK);
    reader_close(reader);
    memcpy(there, finding.there, sizeof finding.there);
}

static unsigned wrong; /* flips that are not named exactly */

struct naming {
    const char *file; /* that has the bit, as verify calls it */
    bool named;
    bool lost[2][EVENTS_MAX];
};

/* The number behind `before`, if it is there. */
static bool number_find(struct str what, struct str before, uint64_t *ret)
{
    size_t at = str_find(what, before);
    struct str rest = str_slice(what, at == STR_NONE ? what.size : at + before.size, what.size);
    size_t digits = 0;
    while (digits < rest.size && rest.data[digits] >= '0' && rest.data[digits] <= '9') {
        digits++;
    }
    return str_to_u64(str_slice(rest, 0, digits), UINT64_MAX, ret) == OK;
}

static void damage_named(void *context, const char *file, uint64_t offset, const char *what)
{
    struct naming *naming = context;
    struct str text = str_from(what);
    uint64_t first;
    uint64_t last;
    uint64_t client;
    (void)offset;
    naming->named = naming->named || strcmp(file, naming->file) == 0;
    if (strstr(what, "lost") != NULL && number_find(text, STR("events "), &first) &&
        number_find(text, STR(" to "), &last) && number_find(text, STR(" of client "), &client)) {
        CHECK(client == 7 || client == 8);
        CHECK(first >= 1 && first <= last && last < EVENTS_MAX);
        for (; first <= last; first++) {
            naming->lost[client - 7][first] = true;
        }
    }
}

/* What verify may name as lost though it is there: what lies in two places, a journal and a
 * segment, of which one is damaged; and what a table of leaves told of a segment: its events can be
 * read, and not proved any more. */
static bool may_be_named(const struct store *store, const char *path, uint64_t at, uint32_t index,
                         size_t sequence)
{
    if (strstr(path, ".journal") != NULL) {
        return may_be_lost(store, path, at, 7 + index, sequence);
    }
    for (size_t i = 0; i < store->files_count; i++) {
        struct segment_head head;
        const struct kept *kept = &store->files[i];
        if (strcmp(kept->path, path) == 0 && segment_head_decode(kept->data, &head)) {
            return sequence >= head.first && sequence <= head.last &&
                   (!kept->alone[index][sequence] || at >= head.pieces[PIECE_LEAVES].offset);
        }
    }
    return false;
}

/* Verify names the file, and as lost what cannot be read. */
static void names_check(const struct store *store, struct fixture *fixture, const char *path,
                        uint64_t at)
{
    struct naming naming = {.file = path + sizeof "./archive/" - 1};
    struct verify_report report;
    bool key = strstr(path, ".keys/") != NULL;
    if (key) {
        naming.file = path + sizeof "./archive." - 1;
    }
    enum err err = archive_verify(fixture->disk, fixture->folder, fixture->keys, damage_named,
                                  &naming, &report, NULL);
    if (strstr(path, ".state") != NULL) {
        CHECK(err == OK); /* it is no evidence: made anew from the events, if it is damaged */
        return;
    }
    if (err != ERR_CORRUPT || !naming.named) {
        printf("%s, byte %llu: %s, the file is %s\n", path, (unsigned long long)at, err_text(err),
               naming.named ? "named" : "not named");
    }
    wrong += err != ERR_CORRUPT || !naming.named;
    for (uint32_t c = 0; c < 2 && !key; c++) {
        bool there[EVENTS_MAX] = {false};
        readable_find(fixture, store->events[c], c, there);
        for (size_t e = 0; e < EVENTS_MAX; e++) {
            bool missing = store->readable[c][e] && !there[e];
            bool lost = naming.lost[c][e] && store->readable[c][e];
            if (missing != lost && (missing || !may_be_named(store, path, at, c, e))) {
                printf("%s, byte %llu: event %zu of client %u is %s\n", path,
                       (unsigned long long)at, e, 7 + c,
                       missing ? "missing and not named" : "named as lost and there");
                wrong++;
            }
        }
    }
}

/* Reads all of a client; what is missing must be what the bit costs. */
static void client_check(const struct store *store, struct fixture *fixture, uint32_t index,
                         const char *path, uint64_t at)
{
    struct finding finding = {.client = 7 + index, .events = store->events[index]};
    struct reader *reader;
    struct why why = {0};
    struct client_id client = {finding.client};
    char key[64];
    (void)snprintf(key, sizeof key, "./archive.keys/%u.key", finding.client);
    enum err err = reader_open(fixture->scope, fixture->disk, fixture->folder, fixture->keys,
                               client, &reader, &why);
    if (err != OK) {
        CHECK(err == ERR_CORRUPT && strcmp(path, key) == 0);
        CHECK(strstr(why.text, ".key") != NULL);
        return;
    }
    err = reader_search(fixture->scope, reader, client, NULL, (struct wall){INT64_MIN},
                        (struct wall){INT64_MAX}, event_found, &finding, &why);
    CHECK(err == OK);
    for (uint64_t i = 1; i <= finding.events; i++) {
        if (store->readable[index][i] && !finding.there[i] &&
            !may_be_lost(store, path, at, finding.client, i)) {
            printf("%s, byte %llu: event %llu of client %u is lost\n", path, (unsigned long long)at,
                   (unsigned long long)i, finding.client);
            CHECK(false);
        }
    }
    reader_close(reader);
}

/* New events get new numbers, whatever is damaged. */
static void numbers_check(const struct store *store, struct fixture *fixture, const char *path,
                          uint64_t at)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct place first;
        enum err err = fixture_offer(fixture, 7 + i, 70, 1, NULL, 0, &first);
        err = err == OK ? archive_commit(fixture->archive) : err;
        if (err == OK && first.sequence <= store->events[i]) {
            printf("%s, byte %llu: number %llu is given twice\n", path, (unsigned long long)at,
                   (unsigned long long)first.sequence);
        }
        CHECK(err != OK || first.sequence > store->events[i]);
        CHECK(err == OK || strstr(path, "/archive.keys/") != NULL);
    }
}

static void trial(const struct store *store, uint64_t bit)
{
    struct fake *fake = fake_new();
    struct fixture *fixture = fixture_on(fake_disk(fake), ".");
    struct archive_options options = {.disk = fixture->disk,
                                      .folder = fixture->folder,
                                      .keys = fixture->keys,
                                      .journal_size_max = 4000};
    struct why why = {0};
    store_put(store, fixture->disk, bit);
    const struct kept *kept = bit_file(store, &bit);
    fixture->now = store->now;
    names_check(store, fixture, kept->path, bit / 8);
    double begin = testing_cpu();
    enum err err = archive_open(&options, fixture->now, &fixture->archive, &why);
    CHECK(testing_cpu() - begin < testing_cpu_allowed(SECONDS_MAX));
    if (err != OK) {
        const char *name = strrchr(kept->path, '/') + 1;
        if (strstr(why.text, name) == NULL) {
            printf("%s, bit %llu: %s\n", kept->path, (unsigned long long)bit, why_text(&why, err));
        }
        CHECK(strstr(why.text, name) != NULL);
    } else {
        client_check(store, fixture, 0, kept->path, bit / 8);
        client_check(store, fixture, 1, kept->path, bit / 8);
        numbers_check(store, fixture, kept->path, bit / 8);
    }
    fixture_free(fixture);
    fake_free(fake);
}

TEST(a_service_starts_on_any_flipped_bit_and_loses_only_what_the_bit_lies_in)
{
    struct store *store = store_make();
    const char *text = getenv("HINOMI_FLIPS");
    uint64_t count = 200;
    uint64_t state = 20261122;
    CHECK(text == NULL || str_to_u64(str_from(text), UINT32_MAX, &count) == OK);
    bool each = count >= store->bits;
    for (uint64_t i = 0; i < (each ? store->bits : count); i++) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        trial(store, each ? i : (state >> 20) % store->bits);
    }
    printf("%llu of %llu bits in %zu files\n", (unsigned long long)(each ? store->bits : count),
           (unsigned long long)store->bits, store->files_count);
    store_free(store);
    CHECK(wrong == 0);
}
