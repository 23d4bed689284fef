/* Every kind of input and container, made here; and that threads change nothing. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/zstd.h"
#include "replay/fixture_test.h"
#include "testing/testing.h"

#define WANTED "{\"a\":\"wanted\"}\n"

static struct buf made(void)
{
    struct buf buf;
    buf_init(&buf, (size_t)64 * 1024 * 1024);
    return buf;
}

static struct replay_stats scan_buf(const char *name, struct buf *buf)
{
    struct replay_stats stats = scan_text(name, buf->data, buf->size);
    buf_done(buf);
    return stats;
}

static bool shown(const char *text)
{
    bool found = strstr(lines, text) != NULL;
    if (!found) {
        printf("no %s in:\n%s%s", text, lines, complaints);
    }
    return found;
}

TEST(a_csv_row_is_a_record_with_the_names_of_the_header)
{
    struct replay_stats stats =
        SCAN("a.csv", "\xEF\xBB\xBFTime,Host Name,\"The \"\"text\"\"\"\r\n"
                      "2026-11-21T08:30:00Z,srv,\"wanted, and\nmore \"\"here\"\"\"\r\n"
                      ",,\r\n\r\n"
                      "x,,wanted,extra\r\n");
    CHECK(stats.events == 3 && stats.alerts == 2 && stats.complaints == 0);
    CHECK(shown("\"event\":{\"Time\":\"2026-11-21T08:30:00Z\",\"Host Name\":\"srv\","
                "\"The \\\"text\\\"\":\"wanted, and\\nmore \\\"here\\\"\"}"));
    CHECK(shown("\"record\":0}") && shown("\"record\":2}"));
    CHECK(shown("\"event\":{\"Time\":\"x\",\"The \\\"text\\\"\":\"wanted\","
                "\"column_4\":\"extra\"}"));
    CHECK(SCAN("a.csv", "a;b;c,d\n1;wanted;3\n").alerts == 1 &&
          shown("{\"a\":\"1\",\"b\":\"wanted\""));
    CHECK(SCAN("a.tsv", "a\tb\n1\twanted\n").alerts == 1 &&
          shown("{\"a\":\"1\",\"b\":\"wanted\"}"));
    CHECK(SCAN("log", "time,host,message\n1,2,wanted\n").alerts == 1);
    CHECK(shown("\"message\":\"wanted\""));
}

TEST(a_quote_that_is_never_closed_takes_one_row_with_it)
{
    struct replay_stats stats = SCAN("a.csv", "a,b\n1,2\n\"3,4\n5,wanted\n");
    CHECK(stats.events == 3 && stats.alerts == 1);
    CHECK(shown("\"record\":2}"));
}

TEST(a_zeek_table_names_its_columns_and_its_log)
{
    struct replay_stats stats =
        SCAN("conn.log", "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#path\tconn\n"
                         "#fields\tts\tuid\tnote\tx\n#types\ttime\tstring\tstring\tstring\n"
                         "1763710200.500000\tC1\t-\t(empty)\n"
                         "1763710200.500000\tC2\twanted\\x09here\t-\n#close\t2026\n");
    CHECK(stats.events == 2 && stats.alerts == 1);
    CHECK(shown("\"_path\":\"conn\"") && shown("\"ts\":\"1763710200.500000\"") &&
          shown("\"uid\":\"C2\"") && shown("\"note\":\"wanted\\there\""));
    CHECK(shown("\"@timestamp\":\"2025-11-21T07:30:00.500000Z\"") && shown("\"record\":1}"));
}

#define EVENT(data)                                                                 \
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>" \
    "<Provider Name='P'/><EventID>1</EventID><Computer>srv</Computer></System>"     \
    "<EventData><Data Name='X'>" data "</Data></EventData></Event>"

TEST(event_xml_is_cut_into_events_with_and_without_a_root)
{
    struct replay_stats stats =
        SCAN("a.xml", "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<Events>\r\n" EVENT("no")
                          EVENT("wanted") "\r\n" EVENT("wanted too") "\r\n</Events>\r\n");
    CHECK(stats.events == 3 && stats.alerts == 2);
    CHECK(shown("\"record\":1}") && shown("\"record\":2}"));
    CHECK(SCAN("a.xml", EVENT("wanted")).alerts == 1);
    /* An event that breaks off does not take the next one along. */
    stats = SCAN("a.xml", "<Event><System><EventID>1</EventID>\n" EVENT("wanted"));
    CHECK(stats.events == 2 && shown("\"record\":1}"));
}

TEST(utf_16_is_read_as_what_it_says)
{
    char wide[512];
    static const char text[] = EVENT("wanted \xE7\x81\xAB");
    for (int big = 0; big < 2; big++) {
        size_t size = 0;
        wide[size++] = big ? '\xFE' : '\xFF';
        wide[size++] = big ? '\xFF' : '\xFE';
        for (const char *c = "{\"a\":\"wanted ?\"}\n"; *c != '\0'; c++) {
            unsigned unit = *c == '?' ? 0x706B : (unsigned char)*c;
            wide[size + (big ? 1 : 0)] = (char)(unit & 0xFF);
            wide[size + (big ? 0 : 1)] = (char)(unit >> 8);
            size += 2;
        }
        struct replay_stats stats = scan_text("a.json", wide, size);
        CHECK(stats.events == 1 && stats.alerts == 1 && stats.complaints == 0);
        CHECK(shown("\"event\":{\"a\":\"wanted \xE7\x81\xAB\"}"));
    }
    CHECK(SCAN("a.xml", text).alerts == 1);
}

TEST(an_archive_is_scanned_member_by_member)
{
    struct buf tar = made();
    tar_add(&tar, "logs/a.json", STR(WANTED WANTED));
    tar_add(&tar, "../../b.log", STR("x\nwanted\n"));
    struct replay_stats stats = scan_buf("a.tar", &tar);
    CHECK(stats.events == 4 && stats.alerts == 3 && stats.complaints == 0 && stats.files == 1);
    CHECK(shown("a.tar\",\"member\":\"logs/a.json\",\"record\":1}"));
    CHECK(shown("a.tar\",\"member\":\"../../b.log\",\"record\":1}"));

    struct buf zip = made();
    struct buf directory = made();
    zip_add(&zip, &directory, "a.csv", STR("a,b\n1,wanted\n"), false);
    zip_add(&zip, &directory, "secret.json", STR(WANTED), true);
    zip_add(&zip, &directory, "__MACOSX/._a.csv", STR("\x00\x05\x16\x07 wanted"), false);
    zip_add(&zip, &directory, "z.json", STR(WANTED), false);
    zip_end(&zip, &directory);
    buf_done(&directory);
    stats = scan_buf("a.zip", &zip);
    CHECK(stats.events == 2 && stats.alerts == 2 && stats.complaints == 1);
    CHECK(strstr(complaints, "a.zip:secret.json: it is encrypted\n") != NULL);
    CHECK(shown("\"member\":\"a.csv\"") && shown("\"member\":\"z.json\""));
}

TEST(what_is_compressed_alone_has_no_member)
{
    struct buf gz = made();
    struct buf twice = made();
    struct buf zstd = made();
    gz_add(&gz, STR(WANTED));
    gz_add(&twice, buf_str(&gz));
    CHECK(scan_buf("a.json.gz", &gz).alerts == 1 && shown("gz\",\"member\":null,\"record\":0}"));
    CHECK(scan_buf("a.gz.gz", &twice).alerts == 1 && shown("\"member\":null"));
    struct zstd *packer = zstd_new(3);
    char *room;
    CHECK(buf_extend(&zstd, 1000, &room) == OK);
    CHECK(zstd_pack(packer, STR(WANTED), room, 1000, &zstd.size) == OK);
    zstd_free(packer);
    CHECK(scan_buf("a.zst", &zstd).alerts == 1 && shown("\"member\":null"));
}

TEST(archives_lie_in_archives_up_to_a_depth)
{
    struct buf inner = made();
    struct buf gz = made();
    gz_add(&gz, STR(WANTED));
    tar_add(&inner, "x/a.json.gz", buf_str(&gz));
    tar_add(&inner, "x/b.json", STR(WANTED));
    buf_done(&gz);
    for (int depth = 0; depth < 8; depth++) {
        struct buf outer = made();
        char name[32];
        CHECK(snprintf(name, sizeof name, "%d.tar", depth) > 0);
        tar_add(&outer, name, buf_str(&inner));
        tar_add(&outer, "beside.json", STR(WANTED));
        buf_done(&inner);
        inner = outer;
        if (depth == 1) {
            struct replay_stats stats = scan_text("a.tar", outer.data, outer.size);
            CHECK(stats.alerts == 4 && stats.complaints == 0);
            CHECK(shown("\"member\":\"1.tar/0.tar/x/a.json.gz\""));
            CHECK(shown("\"member\":\"beside.json\"") && shown("\"member\":\"1.tar/beside"));
        }
    }
    struct replay_stats stats = scan_buf("deep.tar", &inner);
    CHECK(stats.complaints == 1 && strstr(complaints, "more than 5 deep") != NULL);
    CHECK(stats.alerts == 5);
}

TEST(a_damaged_archive_is_named_and_what_was_read_of_it_counts)
{
    struct buf tar = made();
    tar_add(&tar, "a.json", STR(WANTED));
    tar_add(&tar, "b.json", STR(WANTED WANTED WANTED));
    tar.size -= 500;
    struct replay_stats stats = scan_buf("a.tar", &tar);
    CHECK(stats.alerts >= 1 && stats.complaints == 1);
    CHECK(strstr(complaints, "a.tar:b.json: a damaged archive") != NULL);
}

TEST(a_bomb_runs_dry)
{
    const size_t size = (size_t)100 * 1024 * 1024;
    char *same = malloc(size);
    struct buf zstd = made();
    struct zstd *packer = zstd_new(1);
    char *room;
    memset(same, 'a', size);
    for (size_t i = 1000000; i < size; i += 1000000) {
        same[i] = '\n';
    }
    CHECK(buf_extend(&zstd, 1 << 20, &room) == OK);
    CHECK(zstd_pack(packer, str_of(same, size), room, 1 << 20, &zstd.size) == OK);
    zstd_free(packer);
    free(same);
    struct replay_stats stats = scan_buf("a.zst", &zstd);
    CHECK(stats.complaints == 1 && strstr(complaints, "a.zst: it unfolds into more than 250"));
    CHECK(stats.bytes > UNPACK_FREE_SIZE && stats.bytes < 80 * 1024 * 1024);
}

TEST(an_event_log_that_is_none_is_no_reason_to_stop)
{
    char chunk[70000] = "ElfFile";
    memcpy(chunk + 4096, "ElfChnk", 8);
    struct replay_stats stats = scan_text("a.evtx", chunk, sizeof chunk);
    CHECK(stats.events == 0 && stats.files == 1);
}

TEST(a_chunk_without_its_mark_is_still_one_if_there_are_records_in_it)
{
    static char file[4096 + 3 * 65536] = "ElfFile";
    memcpy(file + 4096, "ElfChnk", 8);
    struct replay_stats stats = scan_text("a.evtx", file, sizeof file);
    CHECK(stats.files == 1 && stats.complaints == 1); /* the chunk is empty, and says otherwise */
    memset(file + 4096, 'x', 65536);
    memcpy(file + 4096 + 600, "**\0\0", 4);
    stats = scan_text("b.evtx", file, sizeof file);
    CHECK(stats.complaints == 1 &&
          strstr(complaints, "b.evtx: damaged in 1 place of a chunk") != NULL);
    memset(file + 4096, 'x',
           65536 + 65536); /* and a mark that lies across the end of a chunk's room */
    memcpy(file + 4096 + 65536 - 3, "ElfChnk", 8);
    stats = scan_text("d.evtx", file, sizeof file);
    CHECK(stats.complaints == 1);
    memset(file + 4096, 'x', 2 * 65536);
    stats = scan_text("c.evtx", file, sizeof file);
    CHECK(stats.complaints == 0);
}

/* Files of many kinds and sizes, archives among them, some broken: what a scan says of them. */
static void folder_fill(const char *folder)
{
    char path[4096];
    struct buf text = made();
    struct buf tar = made();
    for (int file = 0; file < 12; file++) {
        buf_reset(&text);
        for (int line = 0; line < (file % 4 == 0 ? 60000 : 40); line++) {
            CHECK(buf_print(&text, "{\"n\":%d,\"text\":\"%s\",\"more\":\"%0*d\"}\n", line,
                            line % 997 == 13 ? "wanted" : "no", line % 60, line) == OK);
        }
        CHECK(snprintf(path, sizeof path, "%s/%02d.json", folder, file) > 0);
        testing_write(path, text.data, text.size);
        CHECK(snprintf(path, sizeof path, "%02d.json", file) > 0);
        tar_add(&tar, path, buf_str(&text));
    }
    CHECK(snprintf(path, sizeof path, "%s/05.tar", folder) > 0);
    testing_write(path, tar.data, tar.size - 3000);
    CHECK(snprintf(path, sizeof path, "%s/03.bin", folder) > 0);
    testing_write(path, "\0\0wanted", 8);
    buf_done(&text);
    buf_done(&tar);
}

TEST(any_number_of_threads_says_the_same_in_the_same_order)
{
    static char first[sizeof lines];
    static char first_complaints[sizeof complaints];
    const char *folder = testing_folder();
    struct ruleset *ruleset = wanted_rules();
    folder_fill(folder);
    static const unsigned threads[] = {1, 2, 5, 2, 5};
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        struct replay_stats stats = scan_threads(ruleset, folder, REPLAY_NDJSON, threads[i]);
        CHECK(stats.files == 14 && stats.complaints == 2 && lines_count == stats.alerts);
        CHECK(stats.packed <= stats.total && stats.alerts > 300);
        if (i == 0) {
            memcpy(first, lines, sizeof first);
            memcpy(first_complaints, complaints, sizeof first_complaints);
        }
        CHECK(strcmp(first, lines) == 0 && strcmp(first_complaints, complaints) == 0);
    }
    ruleset_free(ruleset);
}
