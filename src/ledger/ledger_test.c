#include "ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "codec/crypto.h"
#include "ledger/private.h"
#include "testing/testing.h"

static struct ledger *opened(const char *folder)
{
    struct ledger *ledger = NULL;
    struct why why = {0};
    enum err err = ledger_open(disk_real(), folder, &ledger, &why);
    if (err != OK) {
        printf("%s\n", why_text(&why, err));
    }
    CHECK(err == OK);
    return ledger;
}

static enum err meta_put(struct ledger *ledger, struct str key, struct str value)
{
    struct statement *statement;
    enum err err =
        ledger_prepare(ledger, "INSERT INTO meta (key, value) VALUES (?, ?)", &statement);
    CHECK(err == OK && statement_bind_text(statement, 1, key) == OK);
    CHECK(statement_bind_bytes(statement, 2, value) == OK);
    return statement_run(statement);
}

static bool meta_there(struct ledger *ledger, struct str key)
{
    struct statement *statement;
    bool row = false;
    CHECK(ledger_prepare(ledger, "SELECT value FROM meta WHERE key = ?", &statement) == OK);
    CHECK(statement_bind_text(statement, 1, key) == OK && statement_step(statement, &row) == OK);
    statement_reset(statement);
    return row;
}

static void party_add(struct ledger *ledger)
{
    CHECK(ledger_execute(ledger,
                         "INSERT INTO party (id, slug, name_ja, name_en) VALUES (1, 'a', '', '');"
                         "INSERT INTO client VALUES (1, 1);"
                         "INSERT INTO source (id, client, slug, active, unknown_listener) VALUES "
                         "(7, 1, 's', 1, '')") == OK);
}

TEST(what_was_committed_is_there_after_reopening)
{
    const char *folder = testing_folder();
    struct ledger *ledger = opened(folder);
    CHECK(ledger_begin(ledger) == OK && ledger_in_transaction(ledger));
    CHECK(meta_put(ledger, STR("one"), STR("\0x")) == OK && ledger_changes(ledger) == 1);
    CHECK(ledger_commit(ledger) == OK && !ledger_in_transaction(ledger));
    CHECK(ledger_begin(ledger) == OK && meta_put(ledger, STR("two"), STR("")) == OK);
    ledger_rollback(ledger);
    CHECK(ledger_begin(ledger) == OK && meta_put(ledger, STR("three"), STR("")) == OK);
    ledger_close(ledger);
    ledger = opened(folder);
    CHECK(meta_there(ledger, STR("one")) && !meta_there(ledger, STR("two")));
    CHECK(!meta_there(ledger, STR("three")) && ledger_check(ledger, NULL) == OK);
    ledger_close(ledger);
    ledger_close(NULL);
}

/* What a watch heard: "+meta ." for a row that was made, then "!" on disk or "?" taken back. */
static void heard_touched(void *context, enum touch touch, const char *table, int64_t row)
{
    char *heard = context;
    static const char signs[] = {'+', '=', '-'};
    CHECK(row > 0);
    (void)snprintf(heard + strlen(heard), 64, "%c%s ", signs[touch], table);
}

static void heard_ended(void *context, bool on_disk)
{
    char *heard = context;
    (void)snprintf(heard + strlen(heard), 64, on_disk ? "!" : "?");
}

TEST(a_watch_hears_of_every_row_and_of_the_end_that_it_came_to)
{
    char heard[512] = "";
    struct ledger *ledger = opened(testing_folder());
    const struct ledger_watch watch = {heard, heard_touched, heard_ended};
    ledger_watch(ledger, &watch);
    CHECK(ledger_begin(ledger) == OK && meta_put(ledger, STR("one"), STR("")) == OK);
    CHECK(strcmp(heard, "+meta ") == 0);
    CHECK(ledger_commit(ledger) == OK);
    CHECK(strcmp(heard, "+meta !") == 0);

    heard[0] = '\0';
    CHECK(ledger_begin(ledger) == OK && meta_put(ledger, STR("two"), STR("")) == OK);
    ledger_rollback(ledger);
    CHECK(strcmp(heard, "+meta ?") == 0);

    heard[0] = '\0';
    CHECK(ledger_begin(ledger) == OK && meta_there(ledger, STR("one")));
    CHECK(ledger_commit(ledger) == OK && heard[0] == '\0');
    CHECK(meta_put(ledger, STR("three"), STR("")) == OK);
    CHECK(strcmp(heard, "+meta !") == 0);

    heard[0] = '\0';
    CHECK(ledger_execute(ledger, "UPDATE meta SET value = x'00' WHERE key = 'one'") == OK);
    CHECK(ledger_execute(ledger, "DELETE FROM meta WHERE key = 'one'") == OK);
    CHECK(strcmp(heard, "=meta -meta ") == 0);
    ledger_watch(ledger, NULL);
    CHECK(ledger_execute(ledger, "DELETE FROM meta") == OK);
    CHECK(strcmp(heard, "=meta -meta ") == 0);
    ledger_close(ledger);
}

TEST(only_one_process_has_the_ledger)
{
    const char *folder = testing_folder();
    struct ledger *ledger = opened(folder);
    struct ledger *second = NULL;
    struct why why = {0};
    CHECK(ledger_open(disk_real(), folder, &second, &why) == ERR_AGAIN && second == NULL);
    CHECK(strstr(why.text, "another process has it open") != NULL);
    ledger_close(ledger);
    ledger_close(opened(folder));
}

TEST(a_file_that_is_no_ledger_is_left_alone)
{
    char path[4096];
    const char *folder = testing_folder();
    struct ledger *ledger = NULL;
    struct why why = {0};
    (void)snprintf(path, sizeof path, "%s/ledger.db", folder);
    char junk[8192];
    memset(junk, 'x', sizeof junk);
    testing_write(path, junk, sizeof junk);
    CHECK(ledger_open(disk_real(), folder, &ledger, &why) == ERR_CORRUPT && why.text[0] != '\0');
    size_t size;
    char *after = testing_read(path, &size);
    CHECK(size == sizeof junk && memcmp(after, junk, size) == 0);
    free(after);
    CHECK(ledger_open(disk_real(), "/nonexistent/folder", &ledger, &why) == ERR_IO);
    CHECK(ledger_open(disk_real(), folder, &ledger, NULL) == ERR_CORRUPT);
}

TEST(a_ledger_of_a_newer_program_is_refused)
{
    const char *folder = testing_folder();
    struct ledger *ledger = opened(folder);
    CHECK(ledger_execute(ledger, "INSERT INTO migration VALUES (99, 'future')") == OK);
    ledger_close(ledger);
    struct why why = {0};
    CHECK(ledger_open(disk_real(), folder, &ledger, &why) == ERR_UNSUPPORTED);
    CHECK(strstr(why.text, "newer hinomi") != NULL);
}

static int64_t number_of(struct ledger *ledger, const char *sql)
{
    struct statement *statement;
    bool row = false;
    CHECK(ledger_prepare(ledger, sql, &statement) == OK && statement_step(statement, &row) == OK);
    CHECK(row);
    int64_t number = statement_int(statement, 0);
    statement_reset(statement);
    return number;
}

TEST(alerts_outlive_the_step_that_makes_their_table_anew)
{
    const char *folder = testing_folder();
    struct ledger *ledger = opened(folder);
    int64_t indexes = number_of(ledger, "SELECT count(*) FROM sqlite_schema"
                                        " WHERE type = 'index' AND tbl_name = 'alert'");
    CHECK(indexes >= 6);
    CHECK(ledger_execute(ledger,
                         "INSERT INTO party (id, slug, name_ja, name_en)"
                         " VALUES (3, 'a', '', ''); INSERT INTO client VALUES (5, 3)") == OK);
    CHECK(ledger_execute(ledger,
                         "INSERT INTO alert (id, client, sequence, rule_id, source, received,"
                         " level, rule_title, rule_author, rule_link, rule_tags, rule_version,"
                         " stored, type, severity, is_incident, criterion, chain, action,"
                         " authorised, asset, owner, zone, outside, inside, other, documents, kind,"
                         " events, event_group, event_records, excepted, planned)"
                         " VALUES (41, 5, 7, 'r', 1, 2, 3, 't', '', '', '', 'v', 9, 'x', 4, 1, '',"
                         " '', '', 0, 'web', '', '', '', '', '', '', 0, 0, '', '', '', '')") == OK);
    CHECK(ledger_execute(ledger, "DELETE FROM migration WHERE name = 'groups'") == OK);
    ledger_close(ledger);
    ledger = opened(folder); /* the step runs again, over a table that has rows */
    CHECK(number_of(ledger, "SELECT id + sequence + severity FROM alert WHERE asset = 'web'"
                            " AND type = 'x' AND rule_version = 'v' AND happened IS NULL") == 52);
    CHECK(number_of(ledger, "SELECT count(*) FROM sqlite_schema"
                            " WHERE type = 'index' AND tbl_name = 'alert'") == indexes);
    CHECK(ledger_check(ledger, NULL) == OK);
    ledger_close(ledger);
}

TEST(broken_rules_of_the_tables_are_told_apart)
{
    struct ledger *ledger = opened(testing_folder());
    struct statement *statement = NULL;
    CHECK(meta_put(ledger, STR("k"), STR("1")) == OK);
    CHECK(meta_put(ledger, STR("k"), STR("2")) == ERR_EXISTS);
    CHECK(ledger_execute(ledger, "INSERT INTO client VALUES (5, 99)") == ERR_CONFLICT);
    CHECK(ledger_execute(
              ledger, "INSERT INTO party (id, slug, name_ja, name_en) VALUES (0, 'a', '', '')") ==
          ERR_CONFLICT);
    CHECK(ledger_execute(ledger, "INSERT INTO meta VALUES ('k2', 7)") == ERR_CONFLICT);
    CHECK(ledger_prepare(ledger, "SELECT nothing FROM nowhere", &statement) == ERR_UNSUPPORTED);
    CHECK(ledger_prepare(ledger, "ATTACH 'other.db' AS other", &statement) == OK);
    CHECK(statement_run(statement) == ERR_UNSUPPORTED);
    CHECK(ledger_prepare(ledger, "SELECT load_extension('x')", &statement) != OK ||
          statement_run(statement) != OK);
    ledger_close(ledger);
}

TEST(the_audit_trail_notices_every_change)
{
    static const char *const damages[] = {
        "UPDATE audit SET detail = 'other' WHERE id = 2",
        "UPDATE audit SET wall_ns = wall_ns + 1 WHERE id = 1",
        "DELETE FROM audit WHERE id = 2",
        "DELETE FROM audit WHERE id = 4",
        "UPDATE audit SET principal = principal || action, action = '' WHERE id = 3",
        "UPDATE audit SET hash = zeroblob(32) WHERE id = 4",
        "DELETE FROM meta",
        "DELETE FROM audit",
    };
    struct ledger *ledger = opened(testing_folder());
    CHECK(ledger_audit_verify(ledger, NULL) == OK);
    for (int i = 0; i < 4; i++) {
        CHECK(ledger_audit(ledger, 1000 + i, 0, STR("uid:0"), STR("apply"), STR("client acme"),
                           STR("あ")) == OK);
    }
    CHECK(ledger_audit_verify(ledger, NULL) == OK);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct why why = {0};
        CHECK(ledger_begin(ledger) == OK && ledger_execute(ledger, damages[i]) == OK);
        CHECK(ledger_audit_verify(ledger, &why) == ERR_CORRUPT);
        CHECK(i != 0 || strstr(why.text, "line 2") != NULL);
        CHECK(i != 2 || strstr(why.text, "line 2") != NULL);
        ledger_rollback(ledger);
    }
    CHECK(ledger_audit_verify(ledger, NULL) == OK);
    ledger_close(ledger);
}

/* Client 1 of party 1, "acme". */
static void leaver_add(struct ledger *ledger)
{
    CHECK(ledger_execute(ledger, "INSERT INTO party (id, slug, name_ja, name_en)"
                                 " VALUES (1, 'acme', 'a', 'a'), (2, 'bolt', 'b', 'b');"
                                 "INSERT INTO client (id, party) VALUES (1, 1), (2, 2)") == OK);
}

static void leaver_destroyed(struct ledger *ledger)
{
    CHECK(ledger_execute(
              ledger, "INSERT INTO offboarding (client, state, asked, asked_by, reason, language,"
                      " provision, client_by, provider_by, certificate, signature, failure)"
                      " VALUES (1, 'destroyed', 1, '', '', 'ja', 1, '', '', '', '', '')") == OK);
}

/* A line as it was written before words lay apart. */
static void old_line_add(struct ledger *ledger, int64_t id, struct sha256 *chain,
                         const char *object, const char *detail)
{
    const struct str texts[] = {STR("uid:0"), STR("read"), str_from(object), str_from(detail)};
    struct statement *statement;
    char numbers[16];
    char sizes[4][8];
    char head[8 + SHA256_SIZE];
    struct str parts[10] = {str_of(chain->bytes, SHA256_SIZE), str_of(numbers, 16)};
    put_u64(numbers, (uint64_t)id);
    put_u64(numbers + 8, 5);
    for (size_t i = 0; i < 4; i++) {
        put_u64(sizes[i], texts[i].size);
        parts[2 + 2 * i] = str_of(sizes[i], 8);
        parts[3 + 2 * i] = texts[i];
    }
    *chain = sha256_of(parts, 10);
    put_u64(head, (uint64_t)id);
    memcpy(head + 8, chain->bytes, SHA256_SIZE);
    CHECK(LEDGER_QUERY(ledger,
                       "INSERT INTO audit (id, wall_ns, principal, action, object, detail, hash)"
                       " VALUES (?, 5, ?, ?, ?, ?, ?)",
                       &statement, BIND_INT(id), BIND_TEXT(texts[0]), BIND_TEXT(texts[1]),
                       BIND_TEXT(texts[2]), BIND_TEXT(texts[3]),
                       BIND_BYTES(str_of(chain->bytes, SHA256_SIZE))) == OK);
    CHECK(statement_run(statement) == OK);
    CHECK(LEDGER_QUERY(ledger,
                       "INSERT INTO meta (key, value) VALUES ('audit_head', ?)"
                       " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                       &statement, BIND_BYTES(str_of(head, sizeof head))) == OK);
    CHECK(statement_run(statement) == OK);
}

static int64_t count_of(struct ledger *ledger, const char *sql)
{
    struct statement *statement;
    bool row = false;
    CHECK(ledger_prepare(ledger, sql, &statement) == OK);
    CHECK(statement_step(statement, &row) == OK && row);
    int64_t count = statement_int(statement, 0);
    statement_reset(statement);
    return count;
}

TEST(words_of_a_client_that_left_go_and_the_trail_holds)
{
    static const char *const damages[] = {
        "UPDATE audit SET principal = 'other' WHERE id = 5", /* whose words are gone */
        "UPDATE audit SET client = 2 WHERE id = 5",
        "UPDATE audit SET words = zeroblob(32) WHERE id = 5",
        "UPDATE audit SET detail = 'put in' WHERE id = 5",
        "UPDATE audit SET form = 0 WHERE id = 7", /* of a client that is there */
        "UPDATE audit SET detail = '', salt = NULL WHERE id = 7",
        "UPDATE audit SET detail = '', salt = NULL, client = 1 WHERE id = 7",
        "UPDATE audit SET hash = zeroblob(32) WHERE id = 2", /* of the old form */
        "UPDATE offboarding SET state = 'confirmed'",
    };
    struct ledger *ledger = opened(testing_folder());
    struct sha256 chain = {0};
    uint64_t rows = 0;
    leaver_add(ledger);
    old_line_add(ledger, 1, &chain, "client acme", "events: canary one");
    old_line_add(ledger, 2, &chain, "client/1/hold/3", "canary two");
    old_line_add(ledger, 3, &chain, "client bolt", "events: bolt's");
    old_line_add(ledger, 4, &chain, "document acme/sla", "canary three");
    for (uint32_t client = 1; client <= 2; client++) {
        CHECK(ledger_audit(ledger, 9, client, STR("uid:0"), STR("read"), STR("client x"),
                           client == 1 ? STR("canary four") : STR("bolt's too")) == OK);
        CHECK(ledger_audit(ledger, 9, 0, STR("uid:0"), STR("scope"), STR("every client"),
                           STR("backup")) == OK);
    }
    CHECK(ledger_audit_verify(ledger, NULL) == OK);
    CHECK(ledger_begin(ledger) == OK && ledger_client_forget(ledger, 1, &rows) == OK);
    CHECK(ledger_audit_verify(ledger, NULL) == ERR_CORRUPT); /* nobody said that it was destroyed */
    leaver_destroyed(ledger);
    CHECK(ledger_commit(ledger) == OK && ledger_scrub(ledger) == OK);
    CHECK(ledger_audit_verify(ledger, NULL) == OK);
    CHECK(count_of(ledger, "SELECT count(*) FROM audit WHERE detail LIKE '%canary%'") == 0);
    CHECK(count_of(ledger, "SELECT count(*) FROM audit WHERE detail LIKE '%bolt%'") == 2);
    CHECK(count_of(ledger, "SELECT count(*) FROM audit WHERE detail = 'backup'") == 2);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        CHECK(ledger_begin(ledger) == OK && ledger_execute(ledger, damages[i]) == OK);
        CHECK(ledger_audit_verify(ledger, NULL) == ERR_CORRUPT);
        ledger_rollback(ledger);
    }
    CHECK(ledger_audit(ledger, 10, 2, STR("uid:0"), STR("read"), STR("client x"), STR("on")) == OK);
    CHECK(ledger_audit_verify(ledger, NULL) == OK);
    ledger_close(ledger);
}

struct damages {
    uint64_t count, offset;
};

static void damage_note(void *context, uint64_t offset, const char *what)
{
    struct damages *damages = context;
    CHECK(strstr(what, "page") != NULL);
    damages->count++;
    damages->offset = offset;
}

static void bit_flip(const char *path, uint64_t at, unsigned bit)
{
    struct file *file;
    char byte;
    size_t got;
    CHECK(disk_open(disk_real(), path, DISK_WRITE, &file, NULL) == OK);
    CHECK(file_read(file, at, &byte, 1, &got) == OK && got == 1);
    byte = (char)((unsigned char)byte ^ 1U << bit);
    CHECK(file_write(file, at, &byte, 1) == OK);
    file_close(file);
}

TEST(a_bit_that_turned_in_any_page_of_the_ledger_is_named_and_never_believed)
{
    const char *folder = testing_folder();
    struct ledger *ledger = opened(folder);
    char path[4200];
    char *bytes;
    size_t size;
    struct damages damages = {0};
    uint64_t damaged = 9;
    CHECK(ledger_begin(ledger) == OK);
    for (int i = 0; i < 300; i++) {
        CHECK(ledger_audit(ledger, i, 0, STR("uid:0"), STR("read"), STR("client acme"),
                           STR("words of some length, so that there are a few pages of them")) ==
              OK);
    }
    CHECK(ledger_commit(ledger) == OK && ledger_scrub(ledger) == OK);
    ledger_close(ledger);
    (void)snprintf(path, sizeof path, "%s/ledger.db", folder);
    CHECK(disk_read_whole(disk_real(), path, (size_t)1 << 30, &bytes, &size, NULL) == OK);
    CHECK(ledger_pages_check(disk_real(), folder, damage_note, &damages, &damaged) == OK);
    CHECK(damaged == 0 && damages.count == 0 && size > (size_t)50 * 4096 && size % 4096 == 0);
    for (uint64_t page = 0; page < size / 4096; page++) {
        uint64_t at = page * 4096 + (page == 0 ? 40 : page * 997 % 4096);
        struct why why = {0};
        damages = (struct damages){0};
        bit_flip(path, at, (unsigned)(page % 8));
        CHECK(ledger_pages_check(disk_real(), folder, damage_note, &damages, &damaged) ==
              ERR_CORRUPT);
        CHECK(damaged == 1 && damages.count == 1 && damages.offset == page * 4096);
        enum err err = ledger_open(disk_real(), folder, &ledger, &why);
        if (err == OK) {
            err = ledger_check(ledger, &why);
            ledger_close(ledger);
        }
        CHECK(err == ERR_CORRUPT && strstr(why.text, "not what was written") != NULL);
        CHECK(disk_replace(disk_real(), path, str_of(bytes, size)) == OK);
    }
    ledger = opened(folder);
    CHECK(ledger_check(ledger, NULL) == OK && ledger_audit_verify(ledger, NULL) == OK);
    ledger_close(ledger);
    free(bytes);
}

TEST(the_books_go_on_from_their_snapshot_with_the_gap_marked)
{
    const char *folder = testing_folder();
    struct ledger *ledger = opened(folder);
    struct arena *mem = arena_new(64 << 20);
    struct books_snapshot *list = NULL;
    size_t count = 9;
    party_add(ledger);
    CHECK(books_snapshot_load(ledger, mem, &list, &count) == OK && count == 0);
    struct books_snapshot one = {.client = 1,
                                 .source = 7,
                                 .received = 10,
                                 .stored = 6,
                                 .deduplicated = 1,
                                 .rejected = {2, [15] = 1},
                                 .taken_at_ns = 500};
    CHECK(books_snapshot_save(ledger, &one, 1) == OK);
    one.received = 11;
    CHECK(books_snapshot_save(ledger, &one, 1) == OK);
    CHECK(books_snapshot_gap(ledger, 800) == OK);
    ledger_close(ledger);
    ledger = opened(folder);
    CHECK(books_snapshot_load(ledger, mem, &list, &count) == OK && count == 1);
    CHECK(list[0].client == 1 && list[0].source == 7 && list[0].received == 11);
    CHECK(list[0].stored == 6 && list[0].deduplicated == 1 && list[0].rejected[0] == 2);
    CHECK(list[0].rejected[15] == 1 && list[0].taken_at_ns == 500);
    CHECK(list[0].gap_from_ns == 500 && list[0].gap_to_ns == 800 && list[0].gaps == 1);
    one.source = 8;
    CHECK(books_snapshot_save(ledger, &one, 1) == ERR_CONFLICT);
    CHECK(!ledger_in_transaction(ledger));
    ledger_close(ledger);
    arena_free(mem);
}

static struct books_snapshot minute_of(uint64_t received, uint64_t stored, uint64_t lost,
                                       int64_t at)
{
    return (struct books_snapshot){.client = 1,
                                   .source = 7,
                                   .received = received,
                                   .stored = stored,
                                   .rejected = {lost},
                                   .taken_at_ns = at * 60 * NS_PER_SECOND};
}

TEST(minutes_of_the_books_add_up_to_the_account_and_each_of_them_is_even)
{
    struct ledger *ledger = opened(testing_folder());
    struct books_stretch made[1];
    struct books_stretch *list;
    size_t count;
    struct arena *mem = arena_new((size_t)1 << 20);
    CHECK(ledger_execute(ledger, "INSERT INTO party (id, slug, name_ja, name_en)"
                                 " VALUES (1, 'a', '', '');"
                                 "INSERT INTO client VALUES (1, 1);"
                                 "INSERT INTO source (id, client, slug, active, unknown_listener)"
                                 " VALUES (7, 1, 's', 1, '')") == OK);
    const struct books_snapshot looks[] = {
        minute_of(100, 90, 4, 61),  minute_of(100, 96, 4, 62),  minute_of(100, 96, 4, 63),
        minute_of(250, 240, 4, 70), minute_of(249, 245, 4, 71), /* a count taken back */
    };
    for (size_t i = 0; i < 5; i++) {
        CHECK(books_minutes_put(ledger, &looks[i], 1, made, &count) == OK);
        CHECK(count == (i == 2 ? 0 : 1)); /* nothing happened, nothing is written */
    }
    struct books_question question = {.client = 1, .to_ns = INT64_MAX, .limit = 100};
    CHECK(books_minutes_list(ledger, &question, mem, &list, &count) == OK && count == 4);
    int64_t received = 0;
    for (size_t i = 0; i < count; i++) {
        received += list[i].received;
        CHECK(list[i].waiting_before + list[i].received ==
              list[i].stored + list[i].deduplicated + list[i].rejected[0] + list[i].in_flight);
    }
    CHECK(received == 249 && list[0].in_flight == 6 && list[2].seconds == 7 * 60);
    question.hours = true;
    CHECK(books_minutes_list(ledger, &question, mem, &list, &count) == OK && count == 1);
    CHECK(list[0].received == 249 && list[0].stored == 245 && list[0].in_flight == 0);
    CHECK(books_minutes_forget(ledger, 30LL * 24 * 3600 * NS_PER_SECOND) == OK);
    CHECK(books_minutes_list(ledger, &question, mem, &list, &count) == OK && count == 1);
    question.hours = false;
    CHECK(books_minutes_list(ledger, &question, mem, &list, &count) == OK && count == 0);
    arena_free(mem);
    ledger_close(ledger);
}
