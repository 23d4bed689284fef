/*
 * Forward security (R-D3): somebody has every file and every key at a time T, and tries twelve
 * forgeries of what was signed more than a minute before.  Each is found by archive_verify with the
 * anchor, and none needs the stamps or the heads that were sent away.
 */

#include "archive/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/package_fixture_test.h"
#include "testing/testing.h"

#define HEADS_MAX 200

struct stolen {
    struct fixture *fixture;
    struct signer signer;
    struct head *heads; /* one more than there are may be made */
    size_t count;
};

static struct stolen steal(void)
{
    struct stolen stolen = {.fixture = store_new(60)};
    size_t size;
    size_t head_size;
    CHECK(signer_load(disk_real(), stolen.fixture->keys, (struct client_id){7}, &stolen.signer,
                      NULL) == OK);
    char *bytes = testing_read(fixture_path(stolen.fixture, "archive/heads/7.heads"), &size);
    stolen.heads = calloc(HEADS_MAX + 1, sizeof *stolen.heads);
    CHECK(stolen.heads != NULL);
    for (size_t at = 0; at < size; at += head_size) {
        CHECK(stolen.count < HEADS_MAX);
        CHECK(head_decode(str_of(bytes + at, size - at), (struct client_id){7},
                          &stolen.heads[stolen.count++], &head_size));
    }
    free(bytes);
    return stolen;
}

/* Writes the heads; those from `from` on are signed anew, each with `key`, and linked; those before
 * stay as they were. */
static void put(struct stolen *stolen, size_t from, const uint8_t key[ED25519_SIZE])
{
    size_t size;
    size_t head_size;
    struct head was;
    char *old = testing_read(fixture_path(stolen->fixture, "archive/heads/7.heads"), &size);
    char *bytes = malloc(size + 4 * HEAD_SIZE_MAX);
    size_t at = 0;
    for (size_t i = 0; i < from; i++) {
        CHECK(head_decode(str_of(old + at, size - at), (struct client_id){7}, &was, &head_size));
        at += head_size;
    }
    memcpy(bytes, old, at);
    for (size_t i = from; i < stolen->count; i++) {
        struct head *head = &stolen->heads[i];
        ed25519_public(key, head->public_key);
        ed25519_public(i + 1 < stolen->count ? key : stolen->signer.current, head->public_next);
        if (i > 0) {
            head->before = stolen->heads[i - 1].hash;
        }
        if (head->kind == HEAD_DAY) {
            ed25519_public(stolen->signer.day_current, head->day.public_key);
        }
        at += head_encode(head, key, stolen->signer.day_current, bytes + at);
    }
    testing_write(fixture_path(stolen->fixture, "archive/heads/7.heads"), bytes, at);
    free(old);
    free(bytes);
}

static void found(struct stolen *stolen, const char *what)
{
    struct verify_report report;
    enum err err = archive_verify(disk_real(), stolen->fixture->folder, stolen->fixture->keys, NULL,
                                  NULL, &report, NULL);
    if (err != ERR_CORRUPT) {
        printf("not found: %s\n", what);
    }
    CHECK(err == ERR_CORRUPT);
    fixture_free(stolen->fixture);
    free(stolen->heads);
}

TEST(stolen_keys_1_to_4_cannot_change_what_an_old_head_says)
{
    struct stolen stolen = steal();
    stolen.heads[40].tree.peaks[0].bytes[0] ^= 1;
    put(&stolen, 40, stolen.signer.current);
    found(&stolen, "1: another root, signed with the key of T");
    stolen = steal();
    stolen.heads[40].tree.peaks[0].bytes[0] ^= 1;
    put(&stolen, 40, stolen.signer.next);
    found(&stolen, "2: another root, signed with the key announced at T");
    stolen = steal();
    stolen.heads[40].wall.ns -= STORE_DAY;
    put(&stolen, 40, stolen.signer.current);
    found(&stolen, "3: back-dated");
    stolen = steal();
    stolen.heads[40].events -= 1;
    put(&stolen, 40, stolen.signer.current);
    found(&stolen, "4: one event fewer");
}

TEST(stolen_keys_5_to_8_cannot_take_out_or_put_in_a_head)
{
    struct stolen stolen = steal();
    memmove(&stolen.heads[40], &stolen.heads[41], (stolen.count - 41) * sizeof *stolen.heads);
    stolen.count--;
    for (size_t i = 40; i < stolen.count; i++) {
        stolen.heads[i].epoch--;
    }
    put(&stolen, 40, stolen.signer.current);
    found(&stolen, "5: one taken out, the epochs moved up");
    stolen = steal();
    memmove(&stolen.heads[41], &stolen.heads[40], (stolen.count - 40) * sizeof *stolen.heads);
    stolen.count++;
    for (size_t i = 41; i < stolen.count; i++) {
        stolen.heads[i].epoch++;
    }
    put(&stolen, 41, stolen.signer.current);
    found(&stolen, "6: one put in");
    stolen = steal();
    stolen.heads[40].kind = HEAD_TOMBSTONE;
    stolen.heads[40].body_size = 200;
    put(&stolen, 40, stolen.signer.current);
    found(&stolen, "7: a tombstone in the past");
    stolen = steal();
    stolen.signer.epoch = stolen.heads[60].epoch + 1;
    stolen.count = 61;
    put(&stolen, 61, stolen.signer.current);
    CHECK(signer_store(disk_real(), stolen.fixture->keys, (struct client_id){7}, &stolen.signer) ==
          OK);
    found(&stolen, "8: the end cut off, the signing key set back");
}

TEST(stolen_keys_9_to_12_cannot_make_another_history)
{
    struct stolen stolen = steal();
    put(&stolen, 0, stolen.signer.current);
    found(&stolen, "9: everything signed anew");
    stolen = steal();
    size_t day = 0;
    for (size_t i = 1; i < stolen.count && day == 0; i++) {
        day = stolen.heads[i].kind == HEAD_DAY ? i : 0;
    }
    CHECK(day > 0);
    stolen.heads[day].day.covered.bytes[0] ^= 1;
    put(&stolen, day, stolen.signer.current);
    found(&stolen, "10: a day head over other heads");
    stolen = steal();
    stolen.count = 30;
    put(&stolen, 30, stolen.signer.current);
    found(&stolen, "11: only the first heads");
    stolen = steal();
    char sign[512];
    (void)snprintf(sign, sizeof sign, "%s/7.sign", stolen.fixture->keys);
    stolen.count = 30;
    put(&stolen, 30, stolen.signer.current);
    CHECK(remove(sign) == 0);
    fixture_open(stolen.fixture);
    (void)fixture_append(stolen.fixture, 7, 70, 3);
    CHECK(archive_commit(stolen.fixture->archive) == OK);
    fixture_close(stolen.fixture);
    found(&stolen, "12: cut off, and gone on with keys of one's own");
}
