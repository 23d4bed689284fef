/* Small files of every kind are scanned under a rule that looks for one word; the project's own
 * rules are tried on their proofs and on the replayed attacks of the test data. */

#include "replay/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "codec/json.h"
#include "replay/fixture_test.h"
#include "sys/clocks.h"
#include "testing/testing.h"

/* SigmaHQ's active rules; some of them lack values. */
static struct ruleset *active_rules(const char *sigma)
{
    static const char *const folders[] = {"rules", "rules-compliance", "rules-emerging-threats",
                                          "rules-threat-hunting"};
    struct arena *mem = arena_new((size_t)1 << 28);
    struct buf bundle;
    struct ruleset *ruleset;
    struct ruleset_report report;
    size_t wrong = 0;
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[4096];
        CHECK(snprintf(path, sizeof path, "%s/%s", sigma, folders[i]) > 0);
        CHECK(rules_gather(&bundle, path, complaint_keep, NULL, &wrong) == OK && wrong == 0);
    }
    CHECK(ruleset_load(buf_str(&bundle), mem, &ruleset, &report, NULL) == OK);
    buf_done(&bundle);
    arena_free(mem);
    return ruleset;
}

TEST(json_is_read_as_lines_as_an_array_and_as_objects_one_after_another)
{
    struct replay_stats stats = SCAN("a.json", "{\"a\":1}\n\n{\"a\":\"wanted\"}\n");
    CHECK(stats.events == 2 && stats.alerts == 1 && strstr(lines, "\"record\":1}") != NULL);
    stats = SCAN("a.json", " [ {\"a\":[1,{\"b\":\"}\"}]} , {\"a\":\"wanted\"} ]\n");
    CHECK(stats.events == 2 && stats.alerts == 1 && strstr(lines, "\"record\":1}") != NULL);
    stats = SCAN("a.json", "{\n \"a\" : 1\n}\n{ \"x y\" : \"wan\\\"ted wanted\" }{\"c\":2}");
    CHECK(stats.events == 3 && stats.alerts == 1);
    CHECK(strstr(lines, "\"event\":{\"x y\":\"wan\\\"ted wanted\"}}") != NULL);
    CHECK(stats.complaints == 0);
}

TEST(an_object_around_all_records_is_no_record)
{
    struct replay_stats stats = SCAN("a.json", "{\"Records\":[{\"a\":1},{\"a\":\"wanted\"}]}");
    CHECK(stats.events == 2 && stats.alerts == 1 && strstr(lines, "\"record\":1}") != NULL);
    stats = SCAN("a.json", "{ \"records\" : [\n {\"a\":\"wanted\"}\n]\n}\n");
    CHECK(stats.events == 1 && stats.alerts == 1);
    stats = SCAN("a.json", "{\"Records\":[1,2]}\n{\"recorded\":[{\"a\":\"x\"}]}\n");
    CHECK(stats.events == 2 && stats.alerts == 0);
}

TEST(a_broken_json_record_does_not_swallow_its_neighbours)
{
    struct replay_stats stats =
        SCAN("a.json", "{\"a\":\"wanted\n{\"a\":\"wanted\"}\n{\"a\":{\n{\"b\":1}\n!\n{\"c\":2}\n");
    CHECK(stats.alerts == 2);
    CHECK(strstr(lines, "\"record\":0}") != NULL && strstr(lines, "\"record\":1}") != NULL);
    stats = SCAN("a.json", "{\"a\":1\n{\"a\":\"wanted\"}\n");
    CHECK(stats.events == 2 && strstr(lines, "\"record\":1}") != NULL);
}

TEST(a_text_log_is_a_record_a_line)
{
    struct replay_stats stats =
        SCAN("a.log", "one\r\n\r\n192.0.2.1 - - [21/Nov/2026:08:30:00 +0000] "
                      "\"GET /wanted HTTP/1.1\" 200 5 \"-\" \"x\"\r\nlast wanted");
    CHECK(stats.events == 3 && stats.alerts == 2);
    CHECK(strstr(lines, "\"@timestamp\":\"2026-11-21T08:30:00") != NULL);
    CHECK(strstr(lines, "\"url.original\":\"/wanted\"") != NULL);
    CHECK(strstr(lines, "\"event.original\":\"last wanted\"}") != NULL);
    CHECK(strstr(lines,
                 "\"kind\":\"rule\",\"rule\":{\"id\":\"1\",\"title\":\"A \\\"title\\\"\","
                 "\"level\":\"medium\",\"author\":\"Somebody\",\"tags\":[\"a.b\",\"c.d\"]}") !=
          NULL);
}

TEST(what_cannot_be_read_is_named_and_the_rest_goes_on)
{
    CHECK(SCAN("a.gz", "\x1f\x8b\x08").complaints == 1 && strstr(complaints, "a.gz: ") != NULL);
    CHECK(SCAN("a.bin", "a\0b").complaints == 1 && strstr(complaints, "NUL") != NULL);
    CHECK(SCAN("a.log", "").events == 0 && complaints[0] == '\0');
    struct ruleset *ruleset = rules_at(testing_folder());
    CHECK(scan_threads(ruleset, "/nowhere/at/all", REPLAY_NDJSON, 1).complaints == 1);
    ruleset_free(ruleset);
}

TEST(a_line_without_end_is_passed_over_and_counted)
{
    size_t size = 3 * (size_t)RECORD_SIZE_MAX;
    char *data = malloc(size + 32);
    memset(data, 'x', size);
    memcpy(data, "wanted\n", 7);
    memcpy(data + size, "\nwanted\n", 8);
    struct replay_stats stats = scan_text("a.log", data, size + 8);
    CHECK(stats.complaints == 1 && stats.alerts == 2 && stats.events == 2);
    CHECK(strstr(lines, "\"record\":2}") != NULL);
    CHECK(stats.bytes == size + 8);
    data[0] = '{';
    stats = scan_text("a.json", data, size);
    CHECK(stats.complaints == 1 && stats.events == 0);
    free(data);
}

TEST(a_batch_boundary_does_not_move_a_record_number)
{
    size_t size = 0;
    char *data = malloc(200000);
    for (int i = 0; i < 9000; i++) {
        size +=
            (size_t)snprintf(data + size, 200000 - size, i == 8500 ? "wanted %d\n" : "n %d\n", i);
    }
    struct replay_stats stats = scan_text("a.log", data, size);
    CHECK(stats.events == 9000 && stats.alerts == 1);
    CHECK(strstr(lines, "\"record\":8500}") != NULL);
    free(data);
}

static size_t told_failures;

static void proof_tell(void *context, const struct proof_result *result)
{
    (void)context;
    if (result->what != NULL) {
        told_failures++;
        printf("%s:%zu: %s\n", result->path, result->line, result->what);
    }
}

TEST(every_rule_of_ours_keeps_its_proofs)
{
    char path[4096];
    struct proof_counts counts;
    told_failures = 0;
    CHECK(snprintf(path, sizeof path, "%s/rules", testing_root()) > 0);
    CHECK(replay_prove(path, wall_now(), proof_tell, NULL, &counts, NULL) == OK);
    CHECK(counts.rules == 15 && counts.failed == 0 && told_failures == 0);
    CHECK(counts.lines > 40);
}

TEST(a_rule_without_proofs_or_with_a_false_one_fails)
{
    char path[4096];
    struct proof_counts counts;
    const char *folder = testing_folder();
    static const char rule[] = "title: t\nlogsource: {}\ndetection: {s: [a], condition: s}\n";
    CHECK(snprintf(path, sizeof path, "%s/r.yml", folder) > 0);
    testing_write(path, rule, sizeof rule - 1);
    CHECK(replay_prove(folder, wall_now(), proof_tell, NULL, &counts, NULL) == OK);
    CHECK(counts.failed == 2);
    CHECK(snprintf(path, sizeof path, "%s/r.match", folder) > 0);
    testing_write(path, "a\nb\n", 4);
    CHECK(snprintf(path, sizeof path, "%s/r.silent", folder) > 0);
    testing_write(path, "b\na\n", 4);
    CHECK(replay_prove(folder, wall_now(), proof_tell, NULL, &counts, NULL) == OK);
    CHECK(counts.failed == 2 && counts.lines == 4);
    struct why why = {0};
    CHECK(replay_prove(testing_folder(), wall_now(), proof_tell, NULL, &counts, &why) ==
          ERR_NOT_FOUND);
}

TEST(a_correlation_is_proved_by_cases)
{
    char path[4096];
    struct proof_counts counts;
    const char *folder = testing_folder();
    static const char leant_on[] =
        "title: a\nname: a\nid: a\nlogsource: {}\ndetection: {s: [aa], condition: s}\n";
    static const char rule[] = "title: t\nid: t\ncorrelation: {type: event_count, rules: [a],\n"
                               "  timespan: 1h, condition: {gte: 2}}\n";
    told_failures = 0;
    CHECK(snprintf(path, sizeof path, "%s/other.yml", folder) > 0);
    testing_write(path, leant_on, sizeof leant_on - 1);
    CHECK(snprintf(path, sizeof path, "%s/t.yml", folder) > 0);
    testing_write(path, rule, sizeof rule - 1);
    CHECK(snprintf(path, sizeof path, "%s/t.match", folder) > 0);
    testing_write(path, "aa\naa\n\naa\nb\naa\n", 15);
    CHECK(snprintf(path, sizeof path, "%s/t.silent", folder) > 0);
    testing_write(path, "\naa\n\n\naa\n", 9);
    CHECK(snprintf(path, sizeof path, "%s/t.yml", folder) > 0);
    CHECK(replay_prove(path, wall_now(), proof_tell, NULL, &counts, NULL) == OK);
    CHECK(counts.rules == 1 && counts.failed == 0 && counts.lines == 7);
    CHECK(snprintf(path, sizeof path, "%s/t.silent", folder) > 0);
    testing_write(path, "aa\n\naa\naa\n", 10);
    CHECK(snprintf(path, sizeof path, "%s/t.yml", folder) > 0);
    CHECK(replay_prove(path, wall_now(), proof_tell, NULL, &counts, NULL) == OK);
    CHECK(counts.failed == 1);
}

/* The lines of labels.jsonl: one for each request. */
struct label {
    struct str line;
    bool attack; /* ModSecurity scored it over its threshold */
    bool raised; /* any of its rules fired, or was expected to */
    char expected[400];
};

static void label_take(void *context, struct str path, size_t offset, size_t size,
                       enum json_kind kind)
{
    struct label *label = context;
    struct str value = str_slice(label->line, offset, size);
    if (str_equal(path, STR("modsecurity_rule_ids")) && kind == JSON_SCALAR) {
        label->attack = label->attack || str_equal(value, STR("949110"));
    }
    if ((str_equal(path, STR("modsecurity_rule_ids")) ||
         str_equal(path, STR("upstream_test.expect_ids"))) &&
        kind == JSON_SCALAR) {
        label->raised = true;
    }
    if (str_equal(path, STR("sigma_expected")) && kind == JSON_STRING) {
        size_t used = strlen(label->expected);
        (void)snprintf(label->expected + used, sizeof label->expected - used, "%.*s ",
                       STR_ARG(value));
    }
}

static char *data_read(const char *name, size_t *ret_size)
{
    char path[4096];
    if (testing_data() == NULL) {
        testing_skip("the replayed web attacks are not here");
    }
    CHECK(snprintf(path, sizeof path, "%s/web/crs-replay/%s", testing_data(), name) > 0);
    return testing_read(path, ret_size);
}

#define REQUESTS 2548

static char fired[REQUESTS][400]; /* ids of the rules that fired on each request */

/* Takes id and record out of an alert's line, as any reader of it would. */
struct alert_line {
    struct str line, id, record;
};

static void alert_take(void *context, struct str path, size_t offset, size_t size,
                       enum json_kind kind)
{
    struct alert_line *alert = context;
    (void)kind;
    if (str_equal(path, STR("rule.id"))) {
        alert->id = str_slice(alert->line, offset, size);
    } else if (str_equal(path, STR("source.record"))) {
        alert->record = str_slice(alert->line, offset, size);
    }
}

static enum err alert_keep(void *context, struct str line)
{
    struct alert_line alert = {.line = line};
    uint64_t record;
    (void)context;
    CHECK(json_walk(line, alert_take, &alert, NULL) == OK);
    CHECK(str_to_u64(alert.record, REQUESTS - 1, &record) == OK);
    size_t used = strlen(fired[record]);
    (void)snprintf(fired[record] + used, sizeof fired[record] - used, "%.*s ", STR_ARG(alert.id));
    return OK;
}

static void web_scan(struct ruleset *ruleset, const char *log)
{
    char path[4096];
    struct replay_options options = {
        .ruleset = ruleset,
        .clock = mono_now,
        .line = alert_keep,
        .complain = complaint_keep,
    };
    struct replay *replay;
    struct replay_stats stats;
    memset(fired, 0, sizeof fired);
    CHECK(snprintf(path, sizeof path, "%s/web/crs-replay/%s", testing_data(), log) > 0);
    CHECK(replay_new(&options, &replay) == OK && replay_path(replay, path) == OK);
    CHECK(replay_run(replay) == OK);
    replay_stats(replay, &stats);
    CHECK(stats.events == REQUESTS);
    replay_free(replay);
    ruleset_free(ruleset);
}

TEST(sigmahq_web_rules_fire_on_the_replayed_requests_as_expected)
{
    char path[4096];
    size_t size;
    char *labels = data_read("labels.jsonl", &size);
    struct str rest = str_of(labels, size);
    size_t differ = 0;
    size_t hits = 0;
    CHECK(snprintf(path, sizeof path, "%s/sigma", testing_data()) > 0);
    web_scan(active_rules(path), "apache-access.log");
    for (size_t i = 0; i < REQUESTS; i++) {
        struct label label = {.line = str_cut(&rest, '\n')};
        CHECK(json_walk(label.line, label_take, &label, NULL) == OK);
        hits += label.expected[0] != '\0';
        if (strcmp(label.expected, fired[i]) != 0) {
            differ++;
            printf("line %zu: expected %s, fired %s\n", i + 1, label.expected, fired[i]);
        }
    }
    printf("%zu requests with hits, %zu differ\n", hits, differ);
    CHECK(hits == 18);
    CHECK(differ == 0);
    free(labels);
}

TEST(our_web_rules_see_attacks_and_leave_harmless_requests_alone)
{
    char path[4096];
    size_t size;
    char *labels = data_read("labels.jsonl", &size);
    static const char *const logs[] = {"apache-access.log", "nginx-access.log"};
    CHECK(snprintf(path, sizeof path, "%s/rules", testing_root()) > 0);
    for (int k = 0; k < 2; k++) {
        struct str rest = str_of(labels, size);
        size_t attacks = 0;
        size_t caught = 0;
        size_t harmless = 0;
        size_t alarms = 0;
        web_scan(rules_at(path), logs[k]);
        for (size_t i = 0; i < REQUESTS; i++) {
            struct label label = {.line = str_cut(&rest, '\n')};
            CHECK(json_walk(label.line, label_take, &label, NULL) == OK);
            attacks += label.attack;
            harmless += !label.raised;
            caught += label.attack && fired[i][0] != '\0';
            if (!label.raised && fired[i][0] != '\0') {
                alarms++;
                printf("%s:%zu: %s\n", logs[k], i + 1, fired[i]);
            }
        }
        printf("%s: %zu of %zu attacks, %zu of %zu others\n", logs[k], caught, attacks, alarms,
               harmless);
        /* Most of these attacks stand in bodies, which no access log shows. */
        CHECK(caught >= 110);
        CHECK(alarms == 0);
    }
    free(labels);
}
