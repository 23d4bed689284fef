/* What a hash over the leaves, and none over the file, might let pass. */

#include "archive/package_forge_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/package_private.h"
#include "base/bytes.h"
#include "testing/testing.h"

/* Lines that hold line feeds: the same bytes in lines.raw, cut elsewhere. */
static void cuts_move(const char *name, struct buf *bytes)
{
    if (strcmp(name, "proof/leaves.bin") == 0) {
        char *record = bytes->data + package_whole_find(bytes) + PACKAGE_WHOLE_SIZE;
        CHECK(get_u32(record) == (3 | PACKAGE_SELECTED));
        CHECK(get_u32(record + 12) == (1 | PACKAGE_SELECTED));
        put_u32(record, 1 | PACKAGE_SELECTED);
        put_u32(record + 12, 3 | PACKAGE_SELECTED);
    }
}

/* The last record of a leaf becomes the first of the next. */
static void record_move(const char *name, struct buf *bytes)
{
    if (strcmp(name, "proof/leaves.bin") == 0) {
        size_t at = package_whole_find(bytes);
        size_t next = at + package_leaf_size(bytes, at);
        char record[12];
        CHECK(bytes->data[next] == PACKAGE_LEAF_WHOLE);
        memcpy(record, bytes->data + next - 12, 12);
        memmove(bytes->data + next - 12, bytes->data + next, PACKAGE_WHOLE_SIZE);
        memcpy(bytes->data + next - 12 + PACKAGE_WHOLE_SIZE, record, 12);
        put_u32(bytes->data + at + 4, get_u32(bytes->data + at + 4) - 1);
        put_u32(bytes->data + next - 12 + 4, get_u32(bytes->data + next - 12 + 4) + 1);
        put_u64(bytes->data + next - 12 + 12, get_u64(bytes->data + next - 12 + 12) - 1);
    }
}

static void feed_change(const char *name, struct buf *bytes)
{
    if (strcmp(name, "lines.raw") == 0) {
        bytes->data[str_find(buf_str(bytes), STR("\n"))] = '\r';
    }
}

static void lines_more(const char *name, struct buf *bytes)
{
    CHECK(strcmp(name, "lines.raw") != 0 || buf_append(bytes, STR("one more\n")) == OK);
}

static void leaves_more(const char *name, struct buf *bytes)
{
    static const char more[PACKAGE_MISSING_SIZE] = {PACKAGE_LEAF_MISSING, 1};
    CHECK(strcmp(name, "proof/leaves.bin") != 0 ||
          buf_append(bytes, str_of(more, sizeof more)) == OK);
}

TEST(attack_on_a_package_records_cut_elsewhere_moved_or_added_behind_the_end)
{
    package_attack(record_move, "a record of one leaf in the next");
    package_attack(feed_change, "another byte in the place of a line feed");
    package_attack(lines_more, "a line behind the last");
    package_attack(leaves_more, "an entry behind the last");
}

TEST(attack_on_a_package_the_same_bytes_cut_into_other_lines)
{
    static const struct str texts[] = {{"a\nb", 3}, {"c", 1}};
    struct fixture *fixture = store_new(1);
    struct package_told told;
    struct package_judged judged;
    struct store_said said;
    struct arena *mem = arena_new(1 << 24);
    bool more;
    fixture_open(fixture);
    package_lines_append(fixture, mem, texts, 2, 1, 1);
    fixture->now.ns += STORE_HOUR / 2;
    CHECK(archive_sign(fixture->archive, fixture->now, 60 * NS_PER_SECOND, 10, &more) == OK);
    fixture_close(fixture);
    struct package_request request = package_all_of(fixture);
    request.from.ns = fixture->now.ns - STORE_HOUR / 2;
    CHECK(store_package(fixture, &request, "a.zip", &told) == OK && told.lines >= 2);
    CHECK(store_verify(fixture, "a.zip", STR(""), &said, &judged) == OK);
    package_forge(fixture, "a.zip", "b.zip", cuts_move);
    CHECK(store_verify(fixture, "b.zip", STR(""), &said, &judged) == ERR_CORRUPT);
    CHECK(store_second(fixture, "b.zip", "") == 1);
    arena_free(mem);
    fixture_free(fixture);
}

/* Of what no leaf's hash holds: which record stands in lines.raw. */
static void line_show(const char *name, struct buf *bytes)
{
    package_line_move(name, bytes);
    if (strcmp(name, "manifest.json") == 0) {
        size_t at = str_find(buf_str(bytes), STR("\"lines\":")) + 8;
        CHECK(bytes->data[at] > '0' && bytes->data[at + 1] == ',');
        bytes->data[at]--;
    }
}

/* Of a filtered package any line may be among the others: the service alone says which fit, so the
 * manifest must be held to what it said. */
TEST(a_line_that_goes_among_the_others_leaves_the_manifest_behind)
{
    struct trial trial = trial_begin(30, 1);
    struct query *query;
    CHECK(query_parse(STR("\"number 1 of\""), &query, NULL) == OK);
    trial.request.query = query;
    trial.request.query_text = STR("\"number 1 of\"");
    CHECK(trial_package(&trial, "q.zip") == OK && trial.told.lines < 10);
    package_forge_as(trial.fixture, "q.zip", "b.zip", line_show, false);
    CHECK(trial_verify(&trial, "b.zip") == ERR_CORRUPT);
    CHECK(strcmp(trial.said.what, "these are not the leaves that the manifest names") == 0);
    CHECK(store_second(trial.fixture, "b.zip", "") == 1);
    query_free(query);
    trial_end(&trial);
}

static const char *unhashed;

/* A part that the leaves say nothing of, without a hash. */
static void hash_strip(const char *name, struct buf *bytes)
{
    char mark[100];
    if (strcmp(name, "manifest.json") == 0) {
        (void)snprintf(mark, sizeof mark, "\"name\":\"%s\"", unhashed);
        size_t at = str_find(buf_str(bytes), str_from(mark));
        CHECK(at != STR_NONE);
        at += str_find(str_slice(buf_str(bytes), at, SIZE_MAX), STR("\"sha256\":")) + 9;
        package_cut(bytes, at, 2 * SHA256_SIZE + 2 - 4);
        memcpy(bytes->data + at, "null", 4);
    }
}

static void version_lower(const char *name, struct buf *bytes)
{
    CHECK(strcmp(name, "manifest.json") != 0 ||
          package_put_instead(bytes, "\"version\":1", "\"version\":2"));
}

static void leaves_unnamed(const char *name, struct buf *bytes)
{
    CHECK(strcmp(name, "manifest.json") != 0 ||
          package_put_instead(bytes, "\"leaves_other\"", "\"leaves_sha256\""));
}

TEST(no_part_goes_without_a_hash_but_what_the_leaves_prove)
{
    static const char *const names[] = {"proof/heads.bin", "proof/anchor.txt", "verify.py",
                                        "SHA256SUMS"};
    struct trial trial = trial_begin(30, 3);
    CHECK(trial_package(&trial, "a.zip") == OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unhashed = names[i];
        package_forge_as(trial.fixture, "a.zip", "b.zip", hash_strip, false);
        CHECK(trial_verify(&trial, "b.zip") == ERR_SYNTAX);
        CHECK(store_second(trial.fixture, "b.zip", "") == 1);
    }
    package_forge_as(trial.fixture, "a.zip", "b.zip", version_lower, false);
    CHECK(trial_verify(&trial, "b.zip") == ERR_SYNTAX);
    CHECK(store_second(trial.fixture, "b.zip", "") == 1);
    package_forge_as(trial.fixture, "a.zip", "b.zip", leaves_unnamed, false);
    CHECK(trial_verify(&trial, "b.zip") == ERR_SYNTAX);
    CHECK(store_second(trial.fixture, "b.zip", "") == 1);
    trial.request.proof = false;
    CHECK(trial_package(&trial, "c.zip") == OK);
    unhashed = "lines.raw";
    package_forge_as(trial.fixture, "c.zip", "b.zip", hash_strip, false);
    CHECK(trial_verify(&trial, "b.zip") == ERR_SYNTAX);
    CHECK(store_second(trial.fixture, "b.zip", "") == 1);
    trial_end(&trial);
}

static const char *put_instead[2];

static void manifest_bend(const char *name, struct buf *bytes)
{
    CHECK(strcmp(name, "manifest.json") != 0 ||
          package_put_instead(bytes, put_instead[1], put_instead[0]));
}

static void hash_in_capitals(const char *name, struct buf *bytes)
{
    if (strcmp(name, "manifest.json") == 0) {
        size_t at = str_find(buf_str(bytes), STR("\"sha256\":\"")) + 10;
        for (size_t i = at; i < at + 2 * SHA256_SIZE; i++) {
            char c = bytes->data[i];
            bytes->data[i] = (char)(c >= 'a' ? c - ('a' - 'A') : c);
        }
    }
}

/* What one reader takes for this and another for that, neither may call sound. */
TEST(a_manifest_that_can_be_read_in_two_ways_is_sound_to_no_reader)
{
    static const char *const bends[][2] = {
        {"\"parts\":[", "\"parts\":[{\"name\":\"lines.raw\",\"size\":0,\"sha256\":null},"},
        {"\"version\":2", "\"version\":2.0"},
        {"\"proof\":true", "\"proof\":\"no\""},
        {"\"proof\":true", "\"proof\":1"},
        {"\"client\":7", "\"client\":\"7\""},
        {"{\"hinomi\"", "{\"client\":9,\"hinomi\""},
        {"\"leaves_sha256\"", "\"leaves_sha256\":\"\",\"leaves_sha256\""},
    };
    struct fixture *fixture = store_new(30);
    struct package_request request = store_request();
    struct package_told told;
    struct package_judged judged;
    struct store_said said;
    request.to.ns = request.from.ns + 3 * STORE_HOUR;
    CHECK(store_package(fixture, &request, "a.zip", &told) == OK);
    for (size_t i = 0; i < sizeof bends / sizeof bends[0]; i++) {
        put_instead[0] = bends[i][0];
        put_instead[1] = bends[i][1];
        package_forge_as(fixture, "a.zip", "b.zip", manifest_bend, false);
        CHECK(store_verify(fixture, "b.zip", STR(""), &said, &judged) != OK);
        CHECK(store_second(fixture, "b.zip", "") != 0);
    }
    package_forge_as(fixture, "a.zip", "b.zip", hash_in_capitals, false);
    CHECK(store_verify(fixture, "b.zip", STR(""), &said, &judged) == ERR_SYNTAX);
    CHECK(store_second(fixture, "b.zip", "") != 0);
    fixture_free(fixture);
}

TEST(sha256sum_agrees_with_the_sums_in_a_package)
{
    struct trial trial = trial_begin(30, 3);
    char command[2048];
    char out[512];
    trial.request.format = PACKAGE_NDJSON;
    CHECK(trial_package(&trial, "a.zip") == OK);
    (void)snprintf(out, sizeof out, "%s", fixture_path(trial.fixture, "out"));
    (void)snprintf(command, sizeof command,
                   "python3 -c 'import sys, zipfile; "
                   "zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])' '%s' '%s' && cd '%s' && "
                   "test $(wc -l < SHA256SUMS) = %zu && sha256sum -c --quiet SHA256SUMS",
                   fixture_path(trial.fixture, "a.zip"), out, out, trial.told.parts_count - 1);
    CHECK(system(command) == 0);
    trial_end(&trial);
}

TEST(packages_of_every_version_are_judged)
{
    static const char *const names[] = {"package-1.zip", "package-2.zip"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[600];
        char command[2048];
        struct file *file;
        struct package_judged judged;
        (void)snprintf(path, sizeof path, "%s/src/archive/golden/%s", testing_root(), names[i]);
        CHECK(disk_open(disk_real(), path, DISK_READ, &file, NULL) == OK);
        CHECK(package_verify(file, NULL, STR(""), NULL, NULL, &judged, NULL) == OK);
        CHECK(judged.lines == 30 && judged.leaves == 30);
        file_close(file);
        (void)snprintf(command, sizeof command, "python3 '%s/tools/verify.py' '%s' > /dev/null",
                       testing_root(), path);
        CHECK(system(command) == 0);
    }
}
