/* The timeline as a person sees it. */

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "replay/fixture_test.h"
#include "replay/private.h"
#include "testing/testing.h"

static void row_add(struct table *table, int64_t second, enum level level, const char *rule,
                    const char *host)
{
    struct row row = {
        .happened = {second * NS_PER_SECOND},
        .level = level,
        .record = 7,
        .rule = str_from(rule),
        .author = STR("Somebody"),
        .host = str_from(host),
        .file = STR("a.json"),
    };
    struct row back;
    struct buf bytes;
    buf_init(&bytes, 4096);
    CHECK(row_encode(&row, &bytes) == OK);
    struct str rest = buf_str(&bytes);
    row_decode(&rest, &back);
    CHECK(rest.size == 0 && str_equal(back.rule, row.rule) && back.level == level);
    back.file = row.file;
    CHECK(table_add(table, &back) == OK);
    buf_done(&bytes);
}

static void table_show(struct table *table)
{
    lines[0] = '\0';
    struct ruleset *ruleset = wanted_rules();
    (void)scan_threads(ruleset, testing_folder(), REPLAY_NDJSON, 1); /* empties the lines */
    ruleset_free(ruleset);
    CHECK(table_print(table, line_keep, NULL) == OK);
    table_free(table);
}

TEST(rows_are_sorted_by_time_and_aligned_in_columns_of_the_terminal)
{
    struct table *table;
    CHECK(table_new(80, false, &table) == OK);
    row_add(table, 200, LEVEL_HIGH, "Second", "srv");
    row_add(table, 100, LEVEL_CRITICAL, "\xE7\x81\xAB\xE3\x81\xAE\xE8\xA6\x8B",
            "\x1b[31mred\x1b[0m");
    row_add(table, 100, LEVEL_INFORMATIONAL,
            "A rule whose name is far too long for any narrow terminal",
            "srv-with-a-long-name.example");
    table_show(table);
    CHECK(strchr(lines, '\x1b') == NULL && strstr(lines, "?[31mred") != NULL);
    char *first = strstr(lines, "1970-01-01 00:01:40.000");
    char *last = strstr(lines, "1970-01-01 00:03:20.000");
    CHECK(first != NULL && last != NULL && first < last);
    CHECK(strstr(lines, "\xE2\x80\xA6") != NULL);
    struct str rest = str_from(lines);
    size_t where = 0;
    for (int i = 0; i < 4; i++) {
        struct str line = str_cut(&rest, '\n');
        size_t at = i == 0 ? str_find(line, STR("WHERE")) : str_find(line, STR("a.json:7"));
        CHECK(at != STR_NONE && text_width(line) <= 80);
        size_t column = text_width(str_slice(line, 0, at));
        where = i == 0 ? column : where;
        CHECK(column == where);
    }
    CHECK(strstr(lines, "3 alerts, 1 critical, 1 high, 1 info\n") != NULL);
    CHECK(strstr(lines, "         1  critical  \xE7\x81\xAB") != NULL);
}

TEST(a_table_that_is_full_says_so_and_counts_on)
{
    struct table *table;
    char rule[301];
    memset(rule, 'r', 300);
    rule[300] = '\0';
    CHECK(table_new(120, true, &table) == OK);
    for (int i = 0; i < 200000; i++) {
        row_add(table, i, LEVEL_LOW, rule, "srv");
    }
    table_show(table);
    CHECK(strstr(lines, "\x1b[36mlow\x1b[0m") != NULL);
    table = NULL;
}

TEST(characters_have_the_width_that_a_terminal_gives_them)
{
    struct buf out;
    size_t width;
    buf_init(&out, 100);
    CHECK(text_width(STR("abc")) == 3 && text_width(STR("\xE7\x81\xAB")) == 2);
    CHECK(text_width(STR("e\xCC\x81")) == 1 && text_width(STR("\xEF\xBD\xB1")) == 1);
    CHECK(text_width(STR("\xFF\x01")) == 2);
    CHECK(text_fit(STR("\xE7\x81\xAB\xE7\x81\xAB\xE7\x81\xAB"), 4, &out, &width) == OK);
    CHECK(width == 3 && str_equal(buf_str(&out), STR("\xE7\x81\xAB\xE2\x80\xA6")));
    buf_reset(&out);
    CHECK(text_fit(STR("a\nb\xE2\x80\xAE"), 10, &out, &width) == OK);
    CHECK(width == 4 && str_equal(buf_str(&out), STR("a?b?")));
    buf_reset(&out);
    CHECK(text_fit_end(STR("/\xE7\x81\xAB/long/log.evtx:12"), 12, &out) == OK);
    CHECK(str_equal(buf_str(&out), STR("\xE2\x80\xA6log.evtx:12")));
    buf_reset(&out);
    CHECK(text_fit_end(STR("/\xE7\x81\xAB\xE7\x81\xAB"), 4, &out) == OK);
    CHECK(str_equal(buf_str(&out), STR("\xE2\x80\xA6\xE7\x81\xAB")));
    buf_reset(&out);
    CHECK(text_fit_end(STR("a.json:7"), 8, &out) == OK);
    CHECK(str_equal(buf_str(&out), STR("a.json:7")));
    buf_done(&out);
}
