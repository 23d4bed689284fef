/* Heads, damage and attacks: what archive_verify says of archives that somebody has been at. */

#include "archive/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/fixture_test.h"
#include "testing/testing.h"

struct said {
    uint64_t count;
    char file[64];
    uint64_t offset;
    char what[WHY_TEXT_SIZE];
};

static void said_call(void *context, const char *file, uint64_t offset, const char *what)
{
    struct said *said = context;
    if (said->count++ == 0) {
        (void)snprintf(said->file, sizeof said->file, "%s", file);
        (void)snprintf(said->what, sizeof said->what, "%s", what);
        said->offset = offset;
    }
}

static enum err judge(struct fixture *fixture, struct said *said, struct verify_report *report)
{
    *said = (struct said){0};
    return archive_verify(fixture->disk, fixture->folder, fixture->keys, said_call, said, report,
                          NULL);
}

/* Two clients, three journals, a head between any two groups. */
static struct fixture *closed_archive(void)
{
    struct fixture *fixture = fixture_new();
    fixture->journal_size_max = 5000;
    fixture_open(fixture);
    for (unsigned i = 0; i < 12; i++) {
        bool more;
        (void)fixture_append(fixture, 7, 70, 6);
        (void)fixture_append(fixture, 8, 80, 3);
        CHECK(archive_commit(fixture->archive) == OK);
        CHECK(archive_generation(fixture->scope, fixture->archive, (struct client_id){7},
                                 STR("rules"), STR("0123456789abcdef")) == OK);
        CHECK(archive_commit(fixture->archive) == OK);
        fixture->now.ns += 60 * NS_PER_SECOND;
        CHECK(archive_sign(fixture->archive, fixture->now, 60 * NS_PER_SECOND, 10, &more) == OK);
        CHECK(!more);
    }
    fixture_close(fixture);
    return fixture;
}

TEST(a_closed_archive_is_sound_and_all_of_it_is_signed)
{
    struct fixture *fixture = closed_archive();
    struct said said;
    struct verify_report report;
    CHECK(judge(fixture, &said, &report) == OK);
    CHECK(report.clients == 2 && report.leaves == 24 && report.events == 108);
    CHECK(report.frames == 36 && report.heads == 28 && report.journals >= 3);
    CHECK(report.unsigned_leaves == 0 && report.unfinished == 0 && !report.keys_missing);

    fixture_open(fixture);
    (void)fixture_append(fixture, 7, 70, 6);
    CHECK(archive_commit(fixture->archive) == OK);
    CHECK(judge(fixture, &said, &report) == OK);
    CHECK(report.unsigned_leaves == 1);
    fixture_crash(fixture);
    CHECK(judge(fixture, &said, &report) == OK);
    fixture_open(fixture);
    fixture_close(fixture);
    CHECK(judge(fixture, &said, &report) == OK);
    CHECK(report.unsigned_leaves == 0);
    fixture_free(fixture);
}

TEST(without_keys_all_is_checked_that_can_be_seen_from_outside)
{
    struct fixture *fixture = closed_archive();
    struct said said = {0};
    struct verify_report report;
    CHECK(archive_verify(fixture->disk, fixture->folder, NULL, said_call, &said, &report, NULL) ==
          OK);
    CHECK(report.keys_missing && report.leaves == 24);
    testing_flip(fixture_path(fixture, "archive/0000000001.journal"), 320, 1);
    CHECK(archive_verify(fixture->disk, fixture->folder, NULL, said_call, &said, &report, NULL) ==
          ERR_CORRUPT);
    fixture_free(fixture);
}

static unsigned flips_wanted(void)
{
    const char *text = getenv("HINOMI_FLIPS");
    uint64_t count = 200;
    if (text != NULL) {
        CHECK(str_to_u64(str_from(text), 1000000, &count) == OK);
    }
    return (unsigned)count;
}

/* HINOMI_FLIPS trials, over journals, heads and keys alike. */
TEST(any_single_flipped_byte_is_found_and_its_file_named)
{
    static const char *const names[] = {
        "archive/0000000001.journal", "archive/0000000002.journal", "archive/0000000003.journal",
        "archive/heads/7.heads",      "archive/heads/8.heads",      "archive.keys/7.key",
        "archive.keys/7.sign",        "archive.keys/8.anchor",
    };
    struct fixture *fixture = closed_archive();
    uint64_t state = 20260822;
    for (unsigned trial = 0; trial < flips_wanted(); trial++) {
        struct said said;
        struct verify_report report;
        state = state * 6364136223846793005u + 1442695040888963407u;
        /* Keys are small; most trials go to journals and heads. */
        size_t which = (state >> 33) % 10 == 0 ? 5 + (state >> 40) % 3 : (state >> 40) % 5;
        const char *path = fixture_path(fixture, names[which]);
        size_t at = (size_t)((state >> 20) % fixture_size(fixture, names[which]));
        unsigned char mask = (unsigned char)(1 + (state >> 13) % 255);
        testing_flip(path, at, mask);
        enum err err = judge(fixture, &said, &report);
        if (err != ERR_CORRUPT ||
            strcmp(said.file + (which >= 5 ? 5 : 0), names[which] + (which >= 5 ? 13 : 8)) != 0 ||
            said.offset > at) {
            printf("trial %u: %s at %zu ^ %u: %s, named %s at %llu: %s\n", trial, names[which], at,
                   mask, err_text(err), said.file, (unsigned long long)said.offset, said.what);
        }
        CHECK(err == ERR_CORRUPT);
        CHECK(strcmp(said.file + (which >= 5 ? 5 : 0), names[which] + (which >= 5 ? 13 : 8)) == 0);
        CHECK(said.offset <= at);
        testing_flip(path, at, mask);
    }
    struct said said;
    struct verify_report report;
    CHECK(judge(fixture, &said, &report) == OK);
    fixture_free(fixture);
}

TEST(every_lost_range_is_named)
{
    struct fixture *fixture = closed_archive();
    struct said said;
    struct verify_report report;
    testing_flip(fixture_path(fixture, "archive/0000000001.journal"), 9, 1);
    CHECK(judge(fixture, &said, &report) == ERR_CORRUPT);
    CHECK(said.count == 2 && said.offset == 0);
    fixture_free(fixture);

    fixture = closed_archive();
    testing_flip(fixture_path(fixture, "archive/0000000001.journal"), 330, 1);
    CHECK(judge(fixture, &said, &report) == ERR_CORRUPT);
    CHECK(said.count == 1 && strstr(said.what, "events 1 to 6 of client 7 are lost") != NULL);
    fixture_free(fixture);
}

static void copy_file(struct fixture *fixture, const char *from, const char *to)
{
    size_t size;
    char *data = testing_read(fixture_path(fixture, from), &size);
    testing_write(fixture_path(fixture, to), data, size);
    free(data);
}

/* CVE-2023-31439 of systemd: strip the seals, seal again with the key of today. */
TEST(attack_strip_the_heads_and_sign_again_with_the_key_of_today)
{
    struct fixture *fixture = closed_archive();
    struct signer signer;
    struct said said;
    struct verify_report report;
    CHECK(signer_load(fixture->disk, fixture->keys, (struct client_id){7}, &signer, NULL) == OK);
    size_t size;
    char *bytes = testing_read(fixture_path(fixture, "archive/heads/7.heads"), &size);
    char *forged = malloc(size + HEAD_SIZE_MAX);
    size_t put = 0;
    struct sha256 before = {0};
    for (size_t at = 0; at < size;) {
        struct head head;
        size_t head_size;
        CHECK(head_decode(str_of(bytes + at, size - at), (struct client_id){7}, &head, &head_size));
        head.before = before;
        ed25519_public(signer.current, head.public_key);
        ed25519_public(signer.current, head.public_next);
        memcpy(head.day.public_key, head.public_key, ED25519_SIZE);
        put += head_encode(&head, signer.current, signer.current, forged + put);
        before = head.hash;
        at += head_size;
    }
    testing_write(fixture_path(fixture, "archive/heads/7.heads"), forged, put);
    CHECK(judge(fixture, &said, &report) == ERR_CORRUPT);
    CHECK(strcmp(said.file, "heads/7.heads") == 0);
    CHECK(strstr(said.what, "anchor") != NULL);
    free(bytes);
    free(forged);
    fixture_free(fixture);
}

/* CVE-2023-31438 of systemd: truncate, then let the sealing continue. */
TEST(attack_truncate_and_continue)
{
    struct fixture *fixture = fixture_new();
    struct said said;
    struct verify_report report;
    fixture_open(fixture);
    (void)fixture_append(fixture, 7, 70, 6);
    CHECK(archive_commit(fixture->archive) == OK);
    fixture_close(fixture);
    copy_file(fixture, "archive/heads/7.heads", "saved.heads");
    copy_file(fixture, "archive/0000000001.journal", "saved.journal");
    fixture_open(fixture);
    (void)fixture_append(fixture, 7, 70, 6);
    CHECK(archive_commit(fixture->archive) == OK);
    fixture_close(fixture);

    copy_file(fixture, "saved.heads", "archive/heads/7.heads");
    copy_file(fixture, "saved.journal", "archive/0000000001.journal");
    CHECK(judge(fixture, &said, &report) == ERR_CORRUPT);
    CHECK(strstr(said.what, "the signing key is past them") != NULL);
    fixture_open(fixture);
    (void)fixture_append(fixture, 7, 70, 6);
    CHECK(archive_commit(fixture->archive) == OK);
    fixture_close(fixture);
    CHECK(judge(fixture, &said, &report) == ERR_CORRUPT);
    CHECK(strstr(said.what, "heads between them are missing") != NULL);
    fixture_free(fixture);
}

/* The same with the key file set back: the key of that epoch is gone. */
TEST(attack_truncate_and_put_a_key_of_the_right_epoch_in_place)
{
    struct fixture *fixture = closed_archive();
    struct signer signer;
    struct said said;
    struct verify_report report;
    size_t size;
    char *bytes = testing_read(fixture_path(fixture, "archive/heads/7.heads"), &size);
    struct head head;
    size_t head_size;
    CHECK(head_decode(str_of(bytes, size), (struct client_id){7}, &head, &head_size));
    testing_write(fixture_path(fixture, "archive/heads/7.heads"), bytes, head_size);
    CHECK(signer_load(fixture->disk, fixture->keys, (struct client_id){7}, &signer, NULL) == OK);
    signer.epoch = head.epoch + 1;
    CHECK(signer_store(fixture->disk, fixture->keys, (struct client_id){7}, &signer) == OK);
    CHECK(judge(fixture, &said, &report) == ERR_CORRUPT);
    CHECK(strstr(said.what, "not the one that the last head announced") != NULL);
    free(bytes);
    fixture_free(fixture);
}

/* CVE-2023-31437 of systemd: hide entries.  The frames of client 8 are cut out and the rest is
 * moved up and sealed into a perfect chain again. */
TEST(attack_hide_entries)
{
    struct fixture *fixture = fixture_new();
    struct said said = {0};
    struct verify_report report;
    fixture_open(fixture);
    for (unsigned i = 0; i < 5; i++) {
        (void)fixture_append(fixture, 7, 70, 6);
        (void)fixture_append(fixture, 8, 70, 6);
        CHECK(archive_commit(fixture->archive) == OK);
    }
    fixture_close(fixture);
    size_t size;
    char *bytes = testing_read(fixture_path(fixture, "archive/0000000001.journal"), &size);
    char *forged = malloc(size);
    size_t put = 0;
    struct sha256 chain = {0};
    for (size_t at = 0; at < size;) {
        struct frame frame;
        CHECK(frame_decode(bytes + at, 1, at, &frame));
        size_t end = (size_t)frame_end(&frame);
        if (frame.client.value == 7) {
            frame.group = frame.offset = put;
            frame.chain = chain;
            memcpy(forged + put, bytes + at, end - at);
            frame_encode(&frame, forged + put);
            chain = sha256_of_bytes(str_of(forged + put, 272));
            memcpy(forged + put + 272, chain.bytes, SHA256_SIZE);
            put += end - at;
        }
        at = end;
    }
    testing_write(fixture_path(fixture, "archive/0000000001.journal"), forged, put);
    CHECK(archive_verify(fixture->disk, fixture->folder, NULL, said_call, &said, &report, NULL) ==
          ERR_CORRUPT);
    CHECK(judge(fixture, &said, &report) == ERR_CORRUPT);
    CHECK(report.damaged > 1);
    free(bytes);
    free(forged);
    fixture_free(fixture);
}

TEST(attack_remove_a_journal_or_all_of_a_client)
{
    struct fixture *fixture = closed_archive();
    struct said said;
    struct verify_report report;
    CHECK(unlink(fixture_path(fixture, "archive/0000000002.journal")) == 0);
    CHECK(judge(fixture, &said, &report) == ERR_CORRUPT);
    fixture_free(fixture);

    fixture = closed_archive();
    CHECK(unlink(fixture_path(fixture, "archive/heads/8.heads")) == 0);
    CHECK(judge(fixture, &said, &report) == ERR_CORRUPT);
    CHECK(strcmp(said.file, "heads/8.heads") == 0);
    fixture_free(fixture);

    fixture = closed_archive();
    CHECK(unlink(fixture_path(fixture, "archive/0000000001.journal")) == 0);
    CHECK(judge(fixture, &said, &report) == ERR_CORRUPT);
    fixture_free(fixture);
}

TEST(a_tree_after_damage_goes_on_under_the_same_roots)
{
    struct fixture *fixture = closed_archive();
    struct said said;
    struct verify_report report;
    testing_flip(fixture_path(fixture, "archive/0000000002.journal"), 20, 1);
    CHECK(judge(fixture, &said, &report) == ERR_CORRUPT);
    uint64_t named = said.count;
    fixture_open(fixture);
    (void)fixture_append(fixture, 7, 70, 6);
    CHECK(archive_commit(fixture->archive) == OK);
    fixture_close(fixture);
    CHECK(judge(fixture, &said, &report) == ERR_CORRUPT);
    CHECK(said.count == named);
    fixture_free(fixture);
}

/* RFC 6962's shape, computed here the slow way. */
static struct sha256 slow_root(const struct sha256 *leaves, size_t count)
{
    if (count == 1) {
        return leaves[0];
    }
    size_t left = 1;
    while (left * 2 < count) {
        left *= 2;
    }
    struct sha256 a = slow_root(leaves, left);
    struct sha256 b = slow_root(leaves + left, count - left);
    const struct str parts[] = {STR("\x01"), str_of(a.bytes, SHA256_SIZE),
                                str_of(b.bytes, SHA256_SIZE)};
    return sha256_of(parts, 3);
}

TEST(the_tree_has_the_shape_of_rfc_6962)
{
    struct sha256 leaves[70];
    struct tree tree = {0};
    for (size_t i = 0; i < 70; i++) {
        leaves[i] = sha256_of_bytes(str_of(&i, sizeof i));
        tree_add(&tree, &leaves[i]);
        struct sha256 fast = tree_root(&tree);
        struct sha256 slow = slow_root(leaves, i + 1);
        CHECK(sha256_equal(&fast, &slow));
    }
}

TEST(lost_leaves_stand_as_zeros_however_many_they_are)
{
    const struct sha256 zeros = {0};
    for (uint64_t before = 0; before < 20; before++) {
        for (uint64_t lost = 0; lost < 40; lost++) {
            struct tree one_by_one = {0};
            struct tree at_once = {0};
            struct sha256 leaf = sha256_of_bytes(STR("a leaf"));
            for (uint64_t i = 0; i < before; i++) {
                tree_add(&one_by_one, &leaf);
                tree_add(&at_once, &leaf);
            }
            for (uint64_t i = 0; i < lost; i++) {
                tree_add(&one_by_one, &zeros);
            }
            tree_add_lost(&at_once, lost);
            struct sha256 a = tree_root(&one_by_one);
            struct sha256 b = tree_root(&at_once);
            CHECK(at_once.size == before + lost && sha256_equal(&a, &b));
        }
    }
}

TEST(seen_keys_are_forgotten_the_oldest_first_and_found_until_then)
{
    struct seen *seen = seen_new(1500, 42);
    struct seen_entry known;
    uint64_t ordinal;
    for (uint32_t i = 0; i < 5000; i++) {
        struct seen_entry entry = {.client = 7, .source = i % 13, .key = {.part = i}, .first = i};
        entry.key.hash[0] = (uint8_t)i;
        CHECK(seen_add(seen, &entry) == OK);
        if (i % 100 == 99) {
            seen_take_back(seen, 2);
            CHECK(!seen_find(seen, &entry, (struct wall){0}, &known, &ordinal));
        }
    }
    unsigned found = 0;
    for (uint32_t i = 0; i < 5000; i++) {
        struct seen_entry entry = {.client = 7, .source = i % 13, .key = {.part = i}};
        entry.key.hash[0] = (uint8_t)i;
        if (seen_find(seen, &entry, (struct wall){0}, &known, &ordinal)) {
            CHECK(known.first == i && i > 3300);
            found++;
        }
    }
    CHECK(found > 1490 && found <= 1500);
    seen_free(seen);
}
