/* The language, clause by clause.  Each row is a detection in YAML, one event, and whether it
 * fires. An event is lines of name=value; a line without = is JSON's null; one that begins with >
 * is the record.  The rows follow the specification's order; what it leaves open is docs/sigma.md.
 */

#include "detect/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "event/builder.h"
#include "testing/testing.h"

struct row {
    const char *detection;
    const char *event;
    bool fires;
};

static struct ruleset *loaded(struct str text, struct arena *mem, struct ruleset_report *ret)
{
    struct buf bundle;
    struct ruleset *ruleset = NULL;
    struct why why = {0};
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    CHECK(ruleset_pack(&bundle, STR("a.yml"), text) == OK);
    CHECK(ruleset_load(buf_str(&bundle), mem, &ruleset, ret, &why) == OK);
    buf_done(&bundle);
    return ruleset;
}

static size_t judged(const struct ruleset *ruleset, const char *event, struct arena *mem)
{
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){9});
    struct str rest = str_from(event);
    struct str record = {0};
    struct str bytes;
    struct batch batch;
    struct judge *judge;
    struct verdicts verdicts;
    if (rest.size > 0 && rest.data[0] == '>') {
        record = str_cut(&rest, '\n');
        record = str_slice(record, 1, record.size);
    }
    CHECK(builder_begin(builder, record, (struct wall){5}) == OK);
    while (rest.size > 0) {
        struct str line = str_cut(&rest, '\n');
        bool null = str_find_byte(line, '=') == STR_NONE;
        struct str name = str_cut(&line, '=');
        if (null) {
            builder_span(builder, name, 0, 0, SPAN_JSON_NULL);
        } else {
            builder_derive(builder, name, line);
        }
    }
    builder_class(builder, STR("c/x/s"));
    CHECK(builder_end(builder) == OK && builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
    CHECK(judge_new(ruleset, &judge) == OK);
    CHECK(judge_batch(judge, &batch, mem, &verdicts) == OK);
    judge_free(judge);
    builder_free(builder);
    return verdicts.alerts.count;
}

static void row_check(const struct row *row)
{
    char text[4096];
    struct arena *mem = arena_new(1 << 24);
    struct ruleset_report report;
    CHECK(snprintf(text, sizeof text, "title: t\nlogsource: {product: x}\ndetection:\n%s\n",
                   row->detection) < (int)sizeof text);
    if (strstr(row->detection, "condition:") == NULL) {
        strncat(text, "  condition: s\n", sizeof text - strlen(text) - 1);
    }
    struct ruleset *ruleset = loaded(str_from(text), mem, &report);
    if (report.loaded != 1) {
        printf("%s: refused: %.*s\n", row->detection, STR_ARG(report.refused.list[0].reason));
    }
    CHECK(report.loaded == 1 && report.refused.count == 0);
    bool fires = judged(ruleset, row->event, mem) == 1;
    if (fires != row->fires) {
        printf("%s\n on %s: fires %d\n", row->detection, row->event, fires);
    }
    CHECK(fires == row->fires);
    ruleset_free(ruleset);
    arena_free(mem);
}

static void rows_check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        row_check(&rows[i]);
    }
}
#define ROWS_CHECK(rows) rows_check(rows, sizeof(rows) / sizeof(rows)[0])

/* Rules specification, "general", "string wildcard", "escape character". */
TEST(wildcards_and_escapes_are_read_as_the_specification_says)
{
    static const struct row rows[] = {
        {"  s: {f: 'prog?.exe'}", "f=progA.exe", true},
        {"  s: {f: 'prog?.exe'}", "f=prog.exe", false},
        {"  s: {f: 'prog?.exe'}", "f=prog\xC3\xA4.exe", true},
        {"  s: {f: 'a_V*.exe'}", "f=A_v21.2.1.EXE", true},
        {"  s: {f: 'a*'}", "f=a", true},
        {"  s: {f: '*'}", "f=", true},
        {"  s: {f: '*'}", "g=1", false},
        {"  s: {f: 'a\\b'}", "f=a\\b", true},
        {"  s: {f: 'a\\\\b'}", "f=a\\b", true},
        {"  s: {f: 'a\\*b'}", "f=a*b", true},
        {"  s: {f: 'a\\*b'}", "f=axb", false},
        {"  s: {f: 'a\\?b'}", "f=a?b", true},
        {"  s: {f: 'a\\?b'}", "f=axb", false},
        {"  s: {f: 'a\\\\*b'}", "f=a\\xyzb", true},
        {"  s: {f: 'a\\\\*b'}", "f=a*b", false},
        {"  s: {f: 'a\\\\\\*b'}", "f=a\\*b", true},
        {"  s: {f: 'a\\\\\\*b'}", "f=a\\xb", false},
        {"  s: {f: 'a\\\\\\b'}", "f=a\\\\b", true},
        {"  s: {f: 'a\\\\\\\\b'}", "f=a\\\\b", true},
        {"  s: {f: 'C:\\'}", "f=C:\\", true},
        {"  s: {f|contains: '\\temp\\'}", "f=c:\\TEMP\\x", true},
        {"  s: {f: ' a '}", "f= a ", true},
        {"  s: {f: ' a '}", "f=a", false},
        {"  s: {f|contains: ' -enc '}", "f=x -enc", false},
        {"  s: {f: 'stra\xC3\x9F"
         "e'}",
         "f=STRA\xC3\x9F"
         "E",
         true},
        {"  s: {f: '\xCE\xA3"
         "OFIA'}",
         "f=\xCF\x82ofia", true},
        {"  s: {f: '%name%'}", "f=%name%", true},
    };
    ROWS_CHECK(rows);
}

/* The specification calls them integers and leaves their spelling to YAML; the reference library's
 * is 1.1. */
TEST(whole_numbers_without_quotes_are_compared_in_decimal)
{
    static const struct row rows[] = {
        {"  s: {f: 0x50800000}", "f=1350565888", true},
        {"  s: {f: 0x50800000}", "f=0x50800000", false},
        {"  s: {f: '0x50800000'}", "f=0x50800000", true},
        {"  s: {f: \"0x17\"}", "f=0X17", true},
        {"  s: {f: 0x17}", "f=23", true},
        {"  s: {f: 0X17}", "f=0x17", true},
        {"  s: {f: 0x}", "f=0x", true},
        {"  s: {f: 0xg}", "f=0xG", true},
        {"  s: {f: 0xFFFFFFFFFFFFFFFF}", "f=18446744073709551615", true},
        {"  s: {f: 0x100000000000000000000}", "f=1208925819614629174706176", true},
        {"  s: {f: -0x10}", "f=-16", true},
        {"  s: {f: +5}", "f=5", true},
        {"  s: {f: -0}", "f=0", true},
        {"  s: {f: '+5'}", "f=5", false},
        {"  s: {f: 010}", "f=8", true},
        {"  s: {f: '010'}", "f=010", true},
        {"  s: {f: 08}", "f=08", true},
        {"  s: {f: 00}", "f=0", true},
        {"  s: {f: 0b101}", "f=5", true},
        {"  s: {f: 1_000}", "f=1000", true},
        {"  s: {f: _1}", "f=_1", true},
        {"  s: {f: 0_}", "f=0", true},
        {"  s: {f: 0_8}", "f=0_8", true},
        {"  s: {f: 0x_f}", "f=15", true},
        {"  s: {f: 12:30}", "f=12:30", true},
        {"  s: {f: 1.50}", "f=1.50", true},
        {"  s: {f: 1e3}", "f=1e3", true},
        {"  s: {f: [0x1, '0x2']}", "f=0x2", true},
        {"  s: {f: [0x1, '0x2']}", "f=1", true},
        {"  s: {f|contains: 0x10}", "f=a16b", true},
        {"  s: {f|gte: 0x10}", "f=16", true},
        {"  s: {f|gte: 0x10}", "f=15", false},
        {"  s: {f|re: 0x1}", "f=a0x1", true},
        {"  s: {f|fieldref: 010}", "f=a\n010=a", true},
        {"  s: [0x10]", ">a 16 b\n", true},
        {"  s: {f: true}", "f=True", true},
        {"  s: {f: yes}", "f=Yes", true},
        {"  s: {f: yes}", "f=true", false},
        {"  s: {f: 2020-01-02}", "f=2020-01-02", true},
    };
    ROWS_CHECK(rows);
}

/* Rules specification, "lists", "maps", "keywords search". */
TEST(maps_lists_and_keywords_join_as_they_should)
{
    static const struct row rows[] = {
        {"  s: {f: 517}", "f=517", true},
        {"  s: {f: '517'}", "f=517", true},
        {"  s: {f: [517, 1102]}", "f=1102", true},
        {"  s: {f: a, g: [b, c]}", "f=a\ng=c", true},
        {"  s: {f: a, g: [b, c]}", "f=a", false},
        {"  s: [{f: a, g: b}, {h: c}]", "h=c", true},
        {"  s: [{f: a, g: b}, {h: c}]", "f=a", false},
        {"  s: [[{f: a}, {f: b}], {h: c}]", "f=b", true},
        {"  s: [word, {h: c}]", ">a word here\n", true},
        {"  s: [word, {h: c}]", "h=c", true},
        {"  s: word", "f=in a WORD", true},
        {"  s: [one, 2]", ">x 2 y\n", true},
        {"  s: {'|all': [one, two]}", "f=one\ng=two", true},
        {"  s: {'|all': [one, two]}", "f=one", false},
        {"  s: [{'|all': [one, two]}, {f: x}]", ">two one\n", true},
        {"  s: {'': one}", ">a one\n", true},
        {"  s: {'': one, f: x}", ">a one\nf=x", true},
        {"  s: {'': one, f: x}", ">a one\nf=y", false},
        {"  s: {'|cased': One}", ">a one\n", false},
        {"  s: {'|re': 'o.e$'}", ">a one\n", true},
        {"  s: {f|all: [a*, '*b']}", "f=a-b", true},
        {"  s: {f|all: [a*, '*b']}", "f=a-c", false},
        {"  s: {f|contains|all: [a, b]}", "f=a\nf=b", true},
        {"  s: {f: a}", "F=a", false},
        {"  s: {a b: x}", "a b=x", true},
        {"  s: {a.b-c: x}", "a.b-c=x", true},
        {"  s: {f: x}\n  condition: "
         "((((((((((((((((((((((((((((((((s))))))))))))))))))))))))))))))))",
         "f=x", true},
        {"  s: {f: x}\n  timeframe: 5m", "f=x", true},
    };
    ROWS_CHECK(rows);
}

/* Rules specification, "special field values", "field existence"; appendix, "generic modifiers". */
TEST(null_empty_and_missing_are_three_things)
{
    static const struct row rows[] = {
        {"  s: {f: null}", "g=1", true},
        {"  s: {f: null}", "f", true},
        {"  s: {f: null}", "f=", false},
        {"  s: {f: ~}", "f", true},
        {"  s: {f: }", "f=x", false},
        {"  s: {f: 'null'}", "f=null", true},
        {"  s: {f: []}", "g=1", true},
        {"  s: {f: ''}", "f=", true},
        {"  s: {f: ''}", "g=1", false},
        {"  s: {f: ''}", "f", false},
        {"  s: {f: ['', null]}", "f=", true},
        {"  s: {f: ['', null]}", "g=1", true},
        {"  s: {f: [a, null]}", "f=b", false},
        {"  s: {f|exists: true}", "f=", true},
        {"  s: {f|exists: true}", "g=1", false},
        {"  s: {f|exists: yes}", "f", true},
        {"  s: {f|exists: 'false'}", "g=1", true},
        {"  s: {f|exists: false}", "f=x", false},
        {"  s: {g: 1}\n  n: {f: x}\n  condition: s and not n", "g=1", true},
        {"  s: {g: 1}\n  n: {f: x}\n  condition: s and not n", "g=1\nf=x", false},
        {"  s: {f|neq: x}", "f=y", true},
        {"  s: {f|neq: x}", "f=X", false},
        {"  s: {f|neq: x}", "g=1", true},
        {"  s: {f|neq: 5}", "f=6", true},
        {"  s: {f|neq: [x, y]}", "f=y", false},
        {"  s: {f|contains|neq: x}", "f=axb", false},
        {"  s: {f|neq|all: [x*, '*y']}", "f=xz", true},
        {"  s: {f|neq|all: [x*, '*y']}", "f=xy", false},
        {"  s: {f|cidr|neq: 10.0.0.0/8}", "f=192.0.2.1", true},
        {"  s: {f|fieldref|neq: g}", "f=a\ng=b", true},
        {"  s: {f|fieldref|neq: g}", "f=a\ng=A", false},
    };
    ROWS_CHECK(rows);
}

/* Appendix, "generic", "string", "encoding" modifiers. */
TEST(modifiers_of_texts_do_what_they_say)
{
    static const struct row rows[] = {
        {"  s: {f|startswith: ab}", "f=ABc", true},
        {"  s: {f|startswith: ab}", "f=xab", false},
        {"  s: {f|startswith: 'a*c'}", "f=abcd", true},
        {"  s: {f|endswith: '\\cmd.exe'}", "f=C:\\x\\CMD.exe", true},
        {"  s: {f|endswith: '\\cmd.exe'}", "f=cmd.exe", false},
        {"  s: {f|contains: 'b?d'}", "f=abcde", true},
        {"  s: {f|contains: ''}", "f=anything", true},
        {"  s: {f|startswith|endswith: b}", "f=abc", true},
        {"  s: {f|cased: Ab}", "f=Ab", true},
        {"  s: {f|cased: Ab}", "f=ab", false},
        {"  s: {f|contains|cased: Ab}", "f=xAbx", true},
        {"  s: {f|cased|contains: Ab}", "f=xabx", false},
        {"  s: {f|windash|contains: ' -f '}", "f=x /f y", true},
        {"  s: {f|windash|contains: ' -f '}",
         "f=x \xE2\x80\x94"
         "f y",
         true},
        {"  s: {f|contains|windash: ' /f '}", "f=x -f y", true},
        {"  s: {f|windash: '-a-b'}", "f=/a-b", true},
        {"  s: {f|windash: '-a-b'}", "f=/a/b", false},
        {"  s: {f|base64: foobar}", "f=Zm9vYmFy", true},
        {"  s: {f|base64|cased: foobar}", "f=zm9vymfy", false},
        {"  s: {f|base64|contains: foobar}", "f=x Zm9vYmFy y", true},
        {"  s: {f|base64: 'a\\*b'}", "f=YSpi", true},
        {"  s: {f|base64offset|contains: foobar}", "f=eGZvb2Jhcg==", true},
        {"  s: {f|base64offset|contains: foobar}", "f=eHhmb29iYXI=", true},
        {"  s: {f|base64offset|contains: foobar}", "f=Zm9vYmF6", false},
        {"  s: {f|wide|base64: hi}", "f=aABpAA==", true},
        {"  s: {f|utf16le|base64: hi}", "f=aABpAA==", true},
        {"  s: {f|utf16be|base64: hi}", "f=AGgAaQ==", true},
        {"  s: {f|utf16|base64: hi}", "f=//5oAGkA", true},
        {"  s: {f|wide|base64offset|contains: ping}", "f=cABpAG4AZwA=", true},
        {"  s: {f|wide|base64: \xC3\xA9}", "f=6QA=", true},
        {"  s: {f|windash|base64: '-x'}", "f=L3g=", true},
        {"  s: {f|windash|base64: '-x'}", "f=LXg=", true},
        {"  s: {f|windash|base64: '-x'}", "f=K3g=", false},
        {"  s: {f|windash|wide|base64offset|contains: ' -x'}", "f=IAAvAHgA", true},
        {"  s: {f|base64|contains|all: [foo, bar]}", "f=Zm9v YmFy", true},
        {"  s: {f|base64|contains|all: [foo, bar]}", "f=Zm9v", false},
    };
    ROWS_CHECK(rows);
}

/* Appendix, "regular expression", "numeric", "time", "IP", "specific" modifiers. */
TEST(modifiers_of_other_kinds_do_what_they_say)
{
    static const struct row rows[] = {
        {"  s: {f|re: 'a.c'}", "f=xabcx", true},
        {"  s: {f|re: 'a.c'}", "f=xABCx", false},
        {"  s: {f|re: '^a[^b]{2,3}(c|d)+$'}", "f=axxcd", true},
        {"  s: {f|re|i: 'a.c'}", "f=ABC", true},
        {"  s: {f|re: 'a.c'}", "f=a\rc", true},
        {"  s: {f|re|i|s: 'a.c'}", "f=A\rC", true},
        {"  s: {f|re|contains: 'a'}", "f=xax", true},
        {"  s: {f|re|ignorecase: 'A'}", "f=a", true},
        {"  s: {f|re: ['^x', 'y$']}", "f=ay", true},
        {"  s: {f|re|all: ['^x', 'y$']}", "f=ay", false},
        {"  s: {f|re: 1}", "f=1", true},
        {"  s: {f|re: '\\d\\\\x'}", "f=1\\x", true},
        {"  s: {f|lt: 5}", "f=4.9", true},
        {"  s: {f|lt: 5}", "f=5", false},
        {"  s: {f|lte: 5}", "f=5", true},
        {"  s: {f|gt: -1}", "f=0", true},
        {"  s: {f|gte: '10'}", "f=9", false},
        {"  s: {f|gte: 10}", "f=many", false},
        {"  s: {f|gt: 9007199254740992}", "f=9007199254740993", true},
        {"  s: {f|gt: 1, f|lt: 5}", "f=3", true},
        {"  s: {f|gt: 1, f|lt: 5}", "f=7", false},
        {"  s: {f|minute: 30}", "f=2026-11-21T08:30:00Z", true},
        {"  s: {f|hour: [7, 8]}", "f=2026-11-21 08:30:00", true},
        {"  s: {f|hour: 8}", "f=2026-11-21T09:30:00Z", false},
        {"  s: {f|day: 21}", "f=2026-11-21T08:30:00Z", true},
        {"  s: {f|week: 47}", "f=2026-11-21T08:30:00Z", true},
        {"  s: {f|month: 11}", "f=2026-11-21T08:30:00Z", true},
        {"  s: {f|year|neq: 2026}", "f=2026-11-21T08:30:00Z", false},
        {"  s: {f|day: 21}", "f=yesterday", false},
        {"  s: {f|cidr: 10.0.0.0/8}", "f=10.9.8.7", true},
        {"  s: {f|cidr: 10.0.0.0/8}", "f=110.9.8.7", false},
        {"  s: {f|cidr: ['192.0.2.0/24', '2001:db8::/32']}", "f=2001:DB8:0::1", true},
        {"  s: {f|cidr: 192.0.2.7}", "f=192.0.2.7", true},
        {"  s: {f|cidr: 10.0.0.0/8}", "f=host", false},
        {"  s: {f|fieldref: g}", "f=A\ng=a", true},
        {"  s: {f|fieldref|cased: g}", "f=A\ng=a", false},
        {"  s: {f|fieldref|contains: g}", "f=xay\ng=A", true},
        {"  s: {f|fieldref|endswith: g}", "f=xay\ng=a", false},
        {"  s: {f|contains|fieldref: g}", "f=xay\ng=a", true},
        {"  s: {f|fieldref: g}", "f=a", false},
        {"  s: {f|fieldref: [g, h]}", "f=a\ng=b\nh=a", true},
        {"  s: {f|expand: '\\%a\\%'}", "f=%a%", true},
        {"  s: {f|expand: '100% of 5 %'}", "f=100% of 5 %", true},
    };
    ROWS_CHECK(rows);
}

/* Rules specification, "condition". */
TEST(conditions_take_every_name_and_form)
{
#define THREE "  s1: {f: 1}\n  s2: {f: 2}\n  _x: {f: 3}\n  condition: "
    static const struct row rows[] = {
        {THREE "1 of them", "f=3", false},
        {THREE "all of them", "f=1\nf=2", true},
        {THREE "1 of *", "f=3", false},
        {THREE "1 of _*", "f=3", true},
        {THREE "any of s*", "f=2", true},
        {THREE "1 of s1", "f=1", true},
        {THREE "not 1 of s* or _x", "f=3", true},
        {THREE "not not s1", "f=1", true},
        {THREE "NOT s1 AND (s2 OR _x)", "f=3", true},
        {THREE "s1 or s2 and _x", "f=1", true},
        {THREE "(s1 or s2) and _x", "f=1", false},
        {THREE "not s1 and s2", "f=2", true},
        {THREE "((s1)and(s2))", "f=1\nf=2", true},
        {THREE "[s1 and s2, _x]", "f=3", true},
        {THREE "[s1 and s2, _x]", "f=1", false},
        {"  not_x: {f: 1}\n  condition: not not_x", "f=2", true},
        {"  all: {f: 1}\n  condition: all", "f=1", true},
        {"  1: {f: 1}\n  condition: 1", "f=1", true},
        {"  1: {f: 1}\n  condition: 1 of 1*", "f=1", true},
        {"  them: {f: 1}\n  condition: them", "f=1", true},
        {"  a.b-c: {f: 1}\n  condition: a.b-c", "f=1", true},
        {"  a b: {f: 1}\n  x: {f: 2}\n  condition: not a b and x", "f=2", true},
        {"  a(1): {f: 1}\n  condition: (a(1))", "f=1", true},
        {"  \xE9\x81\xB8\xE6\x8A\x9E: {f: 1}\n  condition: \xE9\x81\xB8\xE6\x8A\x9E", "f=1", true},
        {"  \xE9\x81\xB8: {f: 1}\n  condition: 1 of \xE9\x81\xB8*", "f=1", true},
    };
    ROWS_CHECK(rows);
}

static void refused(const char *text, uint32_t line, const char *reason)
{
    struct arena *mem = arena_new(1 << 26);
    struct ruleset_report report;
    struct ruleset *ruleset = loaded(str_from(text), mem, &report);
    CHECK(report.loaded == 0 && report.refused.count == 1);
    const struct rule_problem *problem = &report.refused.list[0];
    if (problem->line != line || str_find(problem->reason, str_from(reason)) == STR_NONE) {
        printf("%s\nline %u: %.*s\n", text, problem->line, STR_ARG(problem->reason));
    }
    CHECK(problem->line == line && str_find(problem->reason, str_from(reason)) != STR_NONE);
    ruleset_free(ruleset);
    arena_free(mem);
}

#define HEAD "title: t\nlogsource: {product: x}\ndetection:\n"

TEST(what_makes_no_sense_is_refused_with_a_sentence)
{
    static const char *const pairs[][2] = {
        {"f|contains|cidr: 10.0.0.0/8", "'cidr' and 'contains' do not go together"},
        {"f|re|cidr: x", "'re' and 'cidr' do not go together"},
        {"f|gt|lt: 1", "'gt' and 'lt' do not go together"},
        {"f|hour|gte: 1", "'hour' and 'gte' do not go together"},
        {"f|re|startswith: x", "'re' and 'startswith' do not go together"},
        {"f|base64|exists: true", "'exists' and 'base64' do not go together"},
        {"f|i: x", "only behind 're'"},
        {"f|i|re: x", "only behind 're'"},
        {"f|contains|base64: x", "wildcards cannot be encoded"},
        {"f|base64offset|contains: a", "too short to be found in base64"},
        {"f|base64|base64|base64|base64: a", "more than 3 encodings"},
        {"f|gt: many", "not a decimal number"},
        {"f|gt: null", "null goes with no modifier"},
        {"f|exists: maybe", "true or false"},
        {"f|month: 1.5", "whole number"},
        {"f|fieldref: ''", "a field's name"},
        {"'|cidr': 10.0.0.0/8", "needs a field"},
        {"'|exists': true", "needs a field"},
        {"'': null", "needs a field"},
        {"'': []", "no keyword"},
        {"f: {g: 1}", "a value must be"},
        {"f: [[1]]", "a value must be"},
        {"f|conatins: x", "is 'contains' meant?"},
        {"f|re: '(?<=a)b'", "regular expression"},
        {"f|re: '('", "regular expression"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char text[400];
        CHECK(snprintf(text, sizeof text, HEAD "  s:\n    %s\n  condition: s\n", pairs[i][0]) > 0);
        refused(text, 5, pairs[i][1]);
    }
    refused(HEAD "  s1: {f: x}\n  condition: 2 of s*\n", 5, "only '1 of' is Sigma");
    refused(HEAD "  s: {f: x}\n  condition: 1 of t*\n", 5, "no search of the rule has such a name");
    refused(HEAD "  s: {f: x}\n  condition: s | count() by g > 5\n", 5, "write a correlation");
    refused(HEAD "  s: {f: x}\n  condition: {a: b}\n", 5, "a text or a list of texts");
    refused(HEAD "  s: {f: x}\n  condition: []\n", 5, "a text or a list of texts");
    refused(HEAD "  s: []\n  condition: s\n", 4, "without any content");
    refused(HEAD "  s: {f: &a [x], g: *a}\n  condition: s\n", 4, "aliases");
    refused(HEAD "  s: &a {f: x}\n  t: {<<: *a}\n  condition: s\n", 5, "aliases");
    refused(HEAD "  s: {f: x, f: y}\n  condition: s\n", 4, "stands in line 4 already");
    refused("title: t\naction: global\nlogsource: {}\n", 1, "no longer Sigma");
    refused("a: b\n", 1, "neither a rule");
}

TEST(keys_and_tags_that_nobody_knows_are_kept_out_of_the_way)
{
    struct arena *mem = arena_new(1 << 24);
    struct ruleset_report report;
    struct rule_summary summary;
    size_t index;
    struct ruleset *ruleset = loaded(
        STR("title: t\nid: one\nname: a_name\ntaxonomy: ecs\nstatus: new\nscope: [server]\n"
            "related: [{id: two, type: similar}]\nfields: [a]\nfalsepositives: [b]\nlicense: MIT\n"
            "x-own: {deep: [1, {2: 3}]}\nfilter: own\ntags: [attack.t1685, odd.Tag, 7]\n"
            "logsource: {product: x, definition: d, other: [1]}\n"
            "detection: {s: {f: 1}, condition: s}\n---\n"
            "title: u\nid: two\nlogsource: {}\ndetection: {s: {f: 1}, condition: s}\n"),
        mem, &report);
    CHECK(report.loaded == 2 && report.refused.count == 0 && report.filters == 0);
    CHECK(ruleset_find(ruleset, STR("a_name"), &index) == OK && index == 0);
    ruleset_rule(ruleset, index, &summary);
    CHECK(str_equal(summary.name, STR("a_name")) && str_equal(summary.id, STR("one")));
    CHECK(str_equal(summary.tags, STR("attack.t1685 odd.Tag 7")));
    CHECK(judged(ruleset, "f=1", mem) == 2);
    ruleset_free(ruleset);
    arena_free(mem);
}

static struct buf big;

static void big_print(const char *format, int from)
{
    CHECK(buf_print(&big, format, from, from, from) == OK);
}

/* Loads the text in `big`; it is refused in that line, or else loaded. */
static void big_check(uint32_t line, const char *reason)
{
    struct arena *mem = arena_new(1 << 28);
    struct ruleset_report report;
    struct ruleset *ruleset = loaded(buf_str(&big), mem, &report);
    bool right = line == 0
                     ? report.loaded == 1
                     : report.refused.count == 1 && report.refused.list[0].line == line &&
                           str_find(report.refused.list[0].reason, str_from(reason)) != STR_NONE;
    if (!right && report.refused.count > 0) {
        printf("line %u: %.*s\n", report.refused.list[0].line,
               STR_ARG(report.refused.list[0].reason));
    }
    CHECK(right);
    ruleset_free(ruleset);
    arena_free(mem);
    buf_done(&big);
}

static void big_begin(const char *head)
{
    buf_init(&big, 64 << 20);
    CHECK(buf_append(&big, str_from(head)) == OK);
}

static void big_repeat(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        CHECK(buf_append(&big, str_from(text)) == OK);
    }
}

TEST(rules_of_any_size_are_loaded_or_refused_in_their_line)
{
    big_begin(HEAD "  s: {f: x}\n  condition: ");
    big_repeat("(", 1000000);
    big_check(5, "more than 65536 bytes");
    big_begin(HEAD "  s: {f: x}\n  condition: ");
    big_repeat("(", 60000);
    big_check(5, "too many levels");
    big_begin(HEAD "  s: {f: x}\n  condition: ");
    big_repeat("not ", 16000);
    big_repeat("s\n", 1);
    big_check(0, "");
    big_begin(HEAD "  s: {f: x}\n  condition: s");
    big_repeat(" or s", 10000);
    big_check(5, "too many words");
    big_begin(HEAD "  condition: 1 of *\n");
    for (int i = 0; i < 40000; i++) {
        big_print("  s%d: {f: a%d}\n", i);
    }
    big_check(3 + 1, "more than 1000 searches");
    big_begin(HEAD "  condition: 1 of *\n");
    for (int i = 0; i < 900; i++) {
        big_print("  s%d: {f: a%d}\n", i);
    }
    big_check(0, "");
    big_begin(HEAD "  condition: s\n  s:\n    f|base64offset|contains:\n");
    for (int i = 0; i < 100000; i++) {
        big_print("    - value-%d\n", i);
    }
    big_check(0, "");
    big_begin(HEAD "  condition: s\n  s:\n    f|wide|base64offset|contains: ");
    big_repeat("0123456789abcdef", 5000);
    big_check(6, "more than 65536 bytes");
    big_begin(HEAD "  condition: s\n  s:\n    f|windash|wide|base64: ");
    big_repeat(" -a", 4);
    big_check(6, "too many dashes");
    big_begin(HEAD "  condition: s\n  s:\n    f: '");
    big_repeat("*?", 30000);
    big_repeat("'\n", 1);
    big_check(0, "");
    big_begin(HEAD "  condition: s\n  s:\n    f|re: '");
    big_repeat("(a+)+", 10);
    big_repeat("'\n", 1);
    big_check(0, "");
}

/* The specification's own samples, if they are here. */
TEST(the_samples_of_the_specification_load)
{
    static const char *const names[] = {"rules/rule_1.yml", "rules/rule_ecs.yml",
                                        "filter/filter_1.yml", "filter/filter_ecs.yml"};
    if (testing_data() == NULL) {
        testing_skip("the specification is not here");
    }
    struct buf bundle;
    struct arena *mem = arena_new(1 << 24);
    struct ruleset_report report;
    struct ruleset *ruleset;
    struct why why = {0};
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    for (size_t i = 0; i < 4; i++) {
        char path[4096];
        size_t size;
        CHECK(snprintf(path, sizeof path, "%s/sigma-specification/tests/schema/%s", testing_data(),
                       names[i]) > 0);
        char *text = testing_read(path, &size);
        CHECK(ruleset_pack(&bundle, str_from(names[i]), str_of(text, size)) == OK);
        free(text);
    }
    /* Both sample rules bear one id, and the filters name rules that are not among the samples. */
    CHECK(ruleset_pack(&bundle, STR("named.yml"),
                       STR("title: a\nid: 6f3e2987-db24-4c78-a860-b4f4095a7095\n"
                           "logsource: {category: process_creation, product: windows}\n"
                           "detection: {s: {f: 1}, condition: s}\n---\n"
                           "title: b\nid: df0841c0-9846-4e9f-ad8a-7df91571771b\n"
                           "logsource: {category: network, service: dns}\n"
                           "detection: {s: {f: 1}, condition: s}\n")) == OK);
    CHECK(ruleset_load(buf_str(&bundle), mem, &ruleset, &report, &why) == OK);
    for (size_t i = 0; i < report.refused.count; i++) {
        printf("%.*s:%u: %.*s\n", STR_ARG(report.refused.list[i].file), report.refused.list[i].line,
               STR_ARG(report.refused.list[i].reason));
    }
    CHECK(report.rules == 4 && report.filters == 2 && report.loaded == 5);
    CHECK(report.refused.count == 3);
    ruleset_free(ruleset);
    arena_free(mem);
    buf_done(&bundle);
}
