/* Correlations over files that do not follow time. */

#include <stdio.h>
#include <string.h>

#include "replay/fixture_test.h"
#include "testing/testing.h"

static const char rules[] =
    "title: Failed\nid: '11111111-1111-4111-8111-111111111111'\nname: failed\nlogsource: {}\n"
    "detection: {s: {result: failed}, condition: s}\n---\n"
    "title: Many failed\nid: '22222222-2222-4222-8222-222222222222'\nauthor: Somebody\nlevel: "
    "high\n"
    "correlation:\n  type: event_count\n  rules: [failed]\n  group-by: [user]\n  timespan: 10m\n"
    "  condition: {gte: 3}\n";

/* Three failures of ann within the time, in two files whose order is not that of time; three of bob
 * far apart. */
static void folder_fill(const char *folder)
{
    char path[4096];
    static const char first[] =
        "{\"@timestamp\":\"2026-11-21T08:05:00Z\",\"user\":\"ann\",\"result\":\"failed\"}\n"
        "{\"@timestamp\":\"2026-11-21T08:06:00Z\",\"user\":\"ann\",\"result\":\"good\"}\n"
        "{\"@timestamp\":\"2026-11-21T08:30:00Z\",\"user\":\"bob\",\"result\":\"failed\"}\n"
        "{\"@timestamp\":\"2026-11-21T10:30:00Z\",\"user\":\"bob\",\"result\":\"failed\"}\n";
    static const char second[] =
        "{\"@timestamp\":\"2026-11-21T08:04:00Z\",\"user\":\"ann\",\"result\":\"failed\"}\n"
        "{\"@timestamp\":\"2026-11-21T07:30:00Z\",\"user\":\"bob\",\"result\":\"failed\"}\n"
        "{\"@timestamp\":\"2026-11-21T08:01:00Z\",\"user\":\"ann\",\"result\":\"failed\"}\n";
    CHECK(snprintf(path, sizeof path, "%s/a.json", folder) > 0);
    testing_write(path, first, sizeof first - 1);
    struct buf tar;
    buf_init(&tar, 1 << 20);
    tar_add(&tar, "b.json", str_of(second, sizeof second - 1));
    CHECK(snprintf(path, sizeof path, "%s/b.tar", folder) > 0);
    testing_write(path, tar.data, tar.size);
    buf_done(&tar);
}

static struct ruleset *correlations(void)
{
    char path[4096];
    CHECK(snprintf(path, sizeof path, "%s/rules.yml", testing_folder()) > 0);
    testing_write(path, rules, sizeof rules - 1);
    return rules_at(path);
}

TEST(a_correlation_sees_events_in_the_order_of_time_and_leads_back_to_their_files)
{
    const char *folder = testing_folder();
    struct ruleset *ruleset = correlations();
    folder_fill(folder);
    for (unsigned threads = 1; threads < 4; threads++) {
        char expected[4096];
        struct replay_stats stats = scan_threads(ruleset, folder, REPLAY_NDJSON, threads);
        CHECK(stats.correlations == 1 && stats.alerts == 0 && stats.complaints == 0);
        CHECK(snprintf(expected, sizeof expected,
                       "\"group\":{\"user\":\"ann\"},\"count\":3,\"records\":["
                       "{\"file\":\"%s/b.tar\",\"member\":\"b.json\",\"record\":2},"
                       "{\"file\":\"%s/b.tar\",\"member\":\"b.json\",\"record\":0},"
                       "{\"file\":\"%s/a.json\",\"member\":null,\"record\":0}],"
                       "\"source\":{\"file\":\"%s/a.json\",\"member\":null,\"record\":0},"
                       "\"@timestamp\":\"2026-11-21T08:05:00.000000Z\"",
                       folder, folder, folder, folder) > 0);
        if (strstr(lines, expected) == NULL) {
            printf("%s%s\n", lines, expected);
        }
        CHECK(strstr(lines, expected) != NULL);
        CHECK(strncmp(lines, "{\"kind\":\"correlation\",\"rule\":{\"id\":\"2222", 39) == 0);
        CHECK(strstr(lines, "\"event\":{\"@timestamp\":\"2026-11-21T08:05:00Z\"") != NULL);
    }
    ruleset_free(ruleset);
}

TEST(a_correlation_has_a_row_of_its_own_in_tables_and_csv)
{
    const char *folder = testing_folder();
    struct ruleset *ruleset = correlations();
    folder_fill(folder);
    (void)scan_threads(ruleset, folder, REPLAY_TABLE, 1);
    CHECK(strstr(lines, "2026-11-21 08:05:00.000  high      Many failed (Somebody)") != NULL);
    CHECK(strstr(lines, "1 alerts, 1 high") != NULL);
    (void)scan_threads(ruleset, folder, REPLAY_CSV, 1);
    CHECK(strstr(lines, "\"high\",\"Many failed\",\"Somebody\"") != NULL);
    ruleset_free(ruleset);
}
