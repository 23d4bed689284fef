/* Stamps: which head is due, what is kept, and what packages show of it (R-D11). */

#include "archive/stamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/package_fixture_test.h"
#include "archive/private.h"
#include "codec/tsp.h"
#include "testing/authority.h"
#include "testing/testing.h"

#define TEN_MINUTES (600 * NS_PER_SECOND)

/* As herald would: asks the authority in the fixture's folder; the token is appended. */
static bool ask(struct fixture *fixture, const struct sha256 *hash, struct buf *token)
{
    struct buf request;
    struct wall time;
    size_t size;
    char command[1024];
    buf_init(&request, 4096);
    CHECK(tsp_request(hash, 7, &request) == OK);
    testing_write(fixture_path(fixture, "query.tsq"), request.data, request.size);
    buf_done(&request);
    (void)snprintf(command, sizeof command,
                   "cd '%s' && openssl ts -reply -config tsa.cnf -queryfile query.tsq "
                   "-out reply.tsr >/dev/null 2>&1",
                   fixture->root);
    if (system(command) != 0) {
        return false;
    }
    char *reply = testing_read(fixture_path(fixture, "reply.tsr"), &size);
    CHECK(tsp_answer(str_of(reply, size), hash, 7, token, &time, NULL) == OK);
    free(reply);
    return true;
}

TEST(a_dead_authority_stops_nothing_and_what_waits_is_shown)
{
    struct fixture *fixture = store_new(3);
    const struct client_id client = {7};
    struct evidence_told told;
    struct sha256 hash;
    uint64_t epoch;
    bool more;
    fixture_open(fixture);
    for (unsigned i = 0; i < 5; i++) {
        CHECK(archive_stamp_due(fixture->scope, fixture->archive, client, fixture->now, TEN_MINUTES,
                                &epoch, &hash) == OK);
        CHECK(archive_evidence(fixture->scope, fixture->archive, client, &told) == OK);
        CHECK(told.pending == told.epoch + 1 && !told.stamp_known && epoch == told.epoch);
        fixture->now.ns += 60 * NS_PER_SECOND;
        CHECK(archive_sign(fixture->archive, fixture->now, 60 * NS_PER_SECOND, 10, &more) == OK);
    }
    const struct stamp stamp = {client, epoch, fixture->now, hash, STR("not judged here")};
    CHECK(archive_stamp_keep(fixture->scope, fixture->archive, &stamp) == OK);
    CHECK(archive_stamp_due(fixture->scope, fixture->archive, client, fixture->now, TEN_MINUTES,
                            &epoch, &hash) == ERR_NOT_FOUND);
    CHECK(archive_evidence(fixture->scope, fixture->archive, client, &told) == OK);
    CHECK(told.stamp_known && told.pending == 1);
    fixture_reopen(fixture);
    CHECK(archive_evidence(fixture->scope, fixture->archive, client, &told) == OK);
    CHECK(told.stamp_known && told.stamp_epoch == stamp.epoch);
    fixture_close(fixture);
    fixture_free(fixture);
}

TEST(a_package_carries_the_stamps_over_its_heads_and_both_readers_look_at_them)
{
    struct fixture *fixture = store_new(26);
    const struct client_id client = {7};
    struct package_request request = store_request();
    struct package_told told;
    struct package_judged judged;
    struct store_said said;
    struct sha256 hash;
    struct buf token;
    uint64_t epoch;
    char options[700];
    if (!testing_authority(fixture->root)) {
        fixture_free(fixture);
        testing_skip("no openssl ts");
    }
    request.to.ns = request.from.ns + STORE_HOUR;
    buf_init(&token, TSP_ANSWER_MAX);
    fixture_open(fixture);
    CHECK(archive_stamp_due(fixture->scope, fixture->archive, client, fixture->now, TEN_MINUTES,
                            &epoch, &hash) == OK);
    CHECK(ask(fixture, &hash, &token));
    struct stamp stamp = {client, epoch, fixture->now, hash, buf_str(&token)};
    CHECK(archive_stamp_keep(fixture->scope, fixture->archive, &stamp) == OK);
    fixture_close(fixture);
    CHECK(store_package(fixture, &request, "a.zip", &told) == OK && told.stamps == 1);
    CHECK(store_verify(fixture, "a.zip", STR(""), &said, &judged) == OK && judged.stamps == 1);
    (void)snprintf(options, sizeof options, "--roots '%s'", fixture_path(fixture, "roots.pem"));
    CHECK(store_second(fixture, "a.zip", options) == 0);

    /* One that is over another hash than the head's. */
    fixture_open(fixture);
    stamp.hash.bytes[0] ^= 1;
    stamp.epoch--;
    CHECK(archive_stamp_keep(fixture->scope, fixture->archive, &stamp) == OK);
    fixture_close(fixture);
    CHECK(store_package(fixture, &request, "b.zip", &told) == OK && told.stamps == 2);
    CHECK(store_verify(fixture, "b.zip", STR(""), &said, &judged) == ERR_CORRUPT);
    CHECK(store_second(fixture, "b.zip", options) == 1);
    buf_done(&token);
    fixture_free(fixture);
}

struct stamps_seen {
    unsigned stamps;
    uint64_t damaged, unfinished;
};

static enum err stamp_seen(void *context, const struct stamps_told *told)
{
    struct stamps_seen *seen = context;
    seen->stamps += told->stamp != NULL;
    seen->damaged += told->unfinished ? 0 : told->skipped;
    seen->unfinished += told->unfinished ? told->skipped : 0;
    return OK;
}

static struct stamps_seen stamps_look(struct fixture *fixture)
{
    struct stamps_seen seen = {0};
    struct file *file;
    uint64_t end;
    CHECK(disk_open(fixture->disk, fixture_path(fixture, "archive/stamps/7.stamps"), DISK_READ,
                    &file, NULL) == OK);
    CHECK(stamps_walk(file, (struct client_id){7}, stamp_seen, &seen, &end) == OK);
    file_close(file);
    return seen;
}

TEST(a_damaged_stamp_costs_no_other_one_and_verify_names_it)
{
    struct fixture *fixture = store_new(2);
    const struct client_id client = {7};
    struct stamp stamp = {client, 0, fixture->now, sha256_of_bytes(STR("h")), STR("not judged")};
    struct verify_report report;
    struct evidence_told told;
    fixture_open(fixture);
    for (unsigned i = 0; i < 3; i++) {
        stamp.epoch = i;
        CHECK(archive_stamp_keep(fixture->scope, fixture->archive, &stamp) == OK);
    }
    fixture_close(fixture);
    const char *path = fixture_path(fixture, "archive/stamps/7.stamps");
    size_t size = fixture_size(fixture, "archive/stamps/7.stamps");
    for (size_t at = 0; at < size; at++) {
        testing_flip(path, at, (unsigned char)(1u << at % 8));
        struct stamps_seen seen = stamps_look(fixture);
        CHECK(seen.stamps == 2 && seen.damaged == size / 3 && seen.unfinished == 0);
        CHECK(at % 20 != 0 || archive_verify(fixture->disk, fixture->folder, fixture->keys, NULL,
                                             NULL, &report, NULL) == ERR_CORRUPT);
        testing_flip(path, at, (unsigned char)(1u << at % 8));
    }
    /* What is kept then is written behind, also behind a write that was cut short. */
    testing_flip(path, 3, 1);
    fixture_open(fixture);
    CHECK(archive_evidence(fixture->scope, fixture->archive, client, &told) == OK);
    CHECK(told.stamp_epoch == 2);
    stamp.epoch = 3;
    CHECK(archive_stamp_keep(fixture->scope, fixture->archive, &stamp) == OK);
    fixture_close(fixture);
    CHECK(stamps_look(fixture).stamps == 3);
    CHECK(truncate(path, (off_t)(4 * (size / 3) - 9)) == 0);
    CHECK(stamps_look(fixture).unfinished == size / 3 - 9);
    fixture_open(fixture);
    CHECK(archive_stamp_keep(fixture->scope, fixture->archive, &stamp) == OK);
    fixture_close(fixture);
    struct stamps_seen seen = stamps_look(fixture);
    CHECK(seen.stamps == 3 && seen.damaged == size / 3 && seen.unfinished == 0);
    fixture_free(fixture);
}

TEST(a_head_as_text_is_found_in_whatever_it_was_kept)
{
    struct head_said head = {
        .client = {7}, .epoch = 1234, .leaves = 99, .wall = {1790000000000000000}};
    struct head_said found = {0};
    struct buf line;
    struct buf text;
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        head.hash.bytes[i] = (uint8_t)(i * 7);
    }
    buf_init(&line, 1024);
    buf_init(&text, 4096);
    CHECK(head_said_print(&head, &line) == OK);
    CHECK(buf_print(&text, "> hinomi-head 1 client x\n{\"head\":\"%.*s\"}\nhinomi-head 1 %.*s",
                    STR_ARG(buf_str(&line)), STR_ARG(str_slice(buf_str(&line), 14, 40))) == OK);
    CHECK(heads_are_said(buf_str(&text)) && !heads_are_said(STR("HINOMIhd\1")));
    struct str rest = buf_str(&text);
    CHECK(head_said_next(&rest, &found));
    CHECK(found.client.value == 7 && found.epoch == 1234 && found.leaves == 99 &&
          sha256_equal(&found.hash, &head.hash));
    CHECK(!head_said_next(&rest, &found));
    buf_done(&text);
    buf_done(&line);
}
