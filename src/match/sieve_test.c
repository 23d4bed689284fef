/* Sieves: what regular expressions require, and that guards let everything through that holds. */

#include "match/private.h"

#include <stdlib.h>
#include <string.h>

#include "event/builder.h"
#include "testing/testing.h"

/* The required texts of an expression, joined by '|'; "-" without any. */
static const char *required(const char *regex)
{
    static char text[256];
    struct arena *mem = arena_new((size_t)1 << 20);
    struct str *list;
    size_t count;
    size_t at = 0;
    enum err err = regex_required(str_from(regex), mem, &list, &count);
    if (err != OK) {
        CHECK(err == ERR_NOT_FOUND);
        text[0] = '-';
        at = 1;
    }
    for (size_t i = 0; err == OK && i < count; i++) {
        if (i > 0) {
            text[at++] = '|';
        }
        memcpy(text + at, list[i].data, list[i].size);
        at += list[i].size;
    }
    text[at] = '\0';
    arena_free(mem);
    return text;
}

static bool requires(const char *regex, const char *texts)
{
    return strcmp(required(regex), texts) == 0;
}

TEST(a_regular_expression_requires_its_longest_certain_text)
{
    CHECK(requires("abc.*defgh", "defgh"));
    CHECK(requires("^C:\\\\Windows\\\\x", "c:\\windows\\x"));
    CHECK(requires("abcd?ef", "abc"));
    CHECK(requires("abcd{0,3}", "abc"));
    CHECK(requires("abcd{2}ef", "abcd"));
    CHECK(requires("(?:one|two)\\s+x", "one|two"));
    CHECK(requires("(one|two)?three", "three"));
    CHECK(requires("foo\\.exe$", "foo.exe"));
    CHECK(requires("[abc]+long[^]]tail", "long"));
}

TEST(where_nothing_is_certain_nothing_is_required)
{
    CHECK(requires("a|b.*", "-"));
    CHECK(requires("longtext|", "-"));
    CHECK(requires("(?i)longtext", "-"));
    CHECK(requires("(?=longtext)", "-"));
    CHECK(requires("\\Qlong\\Etext", "-"));
    CHECK(requires("long{,3}text", "-"));
    CHECK(requires("(long", "-"));
    CHECK(requires("long)text", "-"));
    CHECK(requires("[long", "-"));
    CHECK(requires("\\p{L}longtext", "-"));
    CHECK(requires(".*", "-"));
}

/* ---- Sieves at work: members over fields "a" and "b", and keywords. */

static struct arena *mem;
static struct matcher *matcher;
static uint32_t fields[2];
static struct sieve_member members[16];
static const char *reasons[16];
static size_t count;

static void begin(void)
{
    const struct str names[] = {STR("a"), STR("b")};
    mem = arena_new((size_t)1 << 24);
    matcher = matcher_new();
    count = 0;
    for (int i = 0; i < 2; i++) {
        CHECK(matcher_field(matcher, &names[i], 1, &fields[i]) == OK);
    }
}

static const struct expr *text(uint32_t field, const char *wanted, bool cased)
{
    struct pattern pattern;
    const struct expr *expr;
    CHECK(pattern_parse(str_from(wanted), mem, &pattern) == OK);
    CHECK(matcher_text(matcher, field, &pattern, cased, &expr) == OK);
    return expr;
}

static void member(const struct expr *expr)
{
    members[count] = (struct sieve_member){expr, (uint32_t)count};
    count++;
}

/* The members that may hold, as letters from 'A'; those that do hold must be among them. */
static const char *sifted(const char *a, const char *b, enum span_how how)
{
    static char letters[32];
    const struct sieve *sieve;
    struct reading *reading;
    struct lookout *lookout;
    struct builder *builder = builder_new((struct client_id){1}, (struct source_id){1});
    struct batch batch;
    struct event event;
    struct str bytes;
    struct str record;
    struct why why;
    const uint32_t *numbers;
    size_t found;
    CHECK(arena_print(mem, &record, "%s %s", a, b) == OK);
    CHECK(builder_begin(builder, record, (struct wall){0}) == OK);
    builder_span(builder, STR("a"), 0, strlen(a), how);
    builder_span(builder, STR("b"), strlen(a) + 1, strlen(b), how);
    builder_parser(builder, how == SPAN_RAW ? STR("syslog") : STR("json"));
    CHECK(builder_end(builder) == OK && builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, &batch, &why) == OK);
    batch_event(&batch, 0, &event);
    CHECK(matcher_sieve(matcher, members, count, &sieve, reasons) == OK);
    CHECK(reading_new(matcher, &reading) == OK);
    CHECK(lookout_new(reading, &sieve, 1, &lookout) == OK);
    size_t at = 0;
    for (int pass = 0; pass < 2; pass++) { /* The second time the memo answers. */
        CHECK(reading_event(reading, &event) == OK);
        CHECK(reading_sift(reading, lookout, &numbers, &found) == OK);
        at = 0;
        for (size_t i = 0; i < found; i++) {
            letters[at++] = (char)('A' + numbers[i]);
        }
        letters[at] = '\0';
        for (size_t i = 0; i < count; i++) {
            bool holds;
            CHECK(reading_holds(reading, members[i].expr, &holds) == OK);
            CHECK(!holds || strchr(letters, (int)('A' + i)) != NULL);
        }
    }
    lookout_free(lookout);
    reading_free(reading);
    builder_free(builder);
    return letters;
}

static void end(void)
{
    matcher_free(matcher);
    arena_free(mem);
}

TEST(a_text_fires_only_in_its_field_and_at_its_anchor)
{
    begin();
    member(text(fields[0], "start*", false));
    member(text(fields[0], "*end", false));
    member(text(fields[0], "*inside*", false));
    member(text(fields[0], "whole", false));
    member(text(fields[1], "*inside*", false));
    CHECK(strcmp(sifted("STARTed", "x", SPAN_RAW), "A") == 0);
    CHECK(strcmp(sifted("the END", "x", SPAN_RAW), "B") == 0);
    CHECK(strcmp(sifted("an inside job", "x", SPAN_RAW), "C") == 0);
    CHECK(strcmp(sifted("Whole", "x", SPAN_RAW), "D") == 0);
    CHECK(strcmp(sifted("wholer", "the inside", SPAN_RAW), "E") == 0);
    CHECK(strcmp(sifted("restart", "ending", SPAN_RAW), "") == 0);
    end();
}

TEST(what_a_text_alone_does_not_say_is_asked_before_a_guard_fires)
{
    const struct expr *expr;
    struct why why;
    begin();
    member(text(fields[0], "Abcdef*", true));
    member(text(fields[0], "a?c*xyz", false));
    CHECK(matcher_regex(matcher, fields[0], STR("num[0-9]+ber"), 0, &expr, &why) == OK);
    member(expr);
    CHECK(strcmp(sifted("abcdefg", "", SPAN_RAW), "") == 0);
    CHECK(strcmp(sifted("Abcdefg", "", SPAN_RAW), "A") == 0);
    CHECK(strcmp(sifted("abc xyz", "", SPAN_RAW), "B") == 0);
    CHECK(strcmp(sifted("num1ber", "", SPAN_RAW), "C") == 0);
    CHECK(strcmp(sifted("number", "", SPAN_RAW), "") == 0);
    end();
}

TEST(a_keyword_is_found_however_json_spells_it)
{
    begin();
    member(text(FIELD_ANYWHERE, "*mimikatz*", false));
    member(text(FIELD_ANYWHERE, "*\\\\perfc.dat*", false));
    CHECK(strcmp(sifted("x MimiKatz", "y", SPAN_JSON_STRING), "A") == 0);
    CHECK(strcmp(sifted("x \\u006dimikatz", "y", SPAN_JSON_STRING), "A") == 0);
    CHECK(strcmp(sifted("x mimi\xE2\x84\xAA"
                        "atz",
                        "y", SPAN_JSON_STRING),
                 "A") == 0);
    CHECK(strcmp(sifted("x mimi\\u212Aatz", "y", SPAN_JSON_STRING), "A") == 0);
    CHECK(strcmp(sifted("c:\\\\perfc.dat", "y", SPAN_JSON_STRING), "B") == 0);
    CHECK(strcmp(sifted("perfc.dat", "y", SPAN_JSON_STRING), "") == 0);
    CHECK(strcmp(sifted("x mimikatz", "y", SPAN_RAW), "A") == 0);
    end();
}

TEST(a_keyword_with_an_address_in_it_is_found_and_the_address_alone_is_not)
{
    begin();
    member(text(FIELD_ANYWHERE, "*cat > /dev/tcp/127.0.0.1/80 <<END*", false));
    CHECK(strcmp(sifted("cat > /dev/tcp/127.0.0.1/80 <<end", "y", SPAN_RAW), "A") == 0);
    CHECK(strcmp(sifted("127.0.0.1", "80", SPAN_RAW), "") == 0);
    end();
}

TEST(a_keyword_is_found_outside_of_the_record_whatever_stood_there_before)
{
    static const char *const derived[] = {"calm", "calm", "mimikatz", "calm", "xMIMIKATZ", "cal"};
    enum { EVENTS = sizeof derived / sizeof derived[0] };
    struct builder *builder = builder_new((struct client_id){1}, (struct source_id){1});
    const struct sieve *sieve;
    struct reading *reading;
    struct lookout *lookout;
    struct batch batch;
    struct str bytes;
    begin();
    member(text(FIELD_ANYWHERE, "*mimikatz*", false));
    for (size_t i = 0; i < EVENTS; i++) {
        CHECK(builder_begin(builder, STR("a record"), (struct wall){0}) == OK);
        builder_derive(builder, STR("a"), str_from(derived[i]));
        CHECK(builder_end(builder) == OK);
    }
    CHECK(builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
    CHECK(matcher_sieve(matcher, members, count, &sieve, reasons) == OK);
    CHECK(reading_new(matcher, &reading) == OK);
    CHECK(lookout_new(reading, &sieve, 1, &lookout) == OK);
    for (uint32_t i = 0; i < EVENTS; i++) {
        struct event event;
        const uint32_t *numbers;
        size_t found;
        batch_event(&batch, i, &event);
        CHECK(reading_event(reading, &event) == OK);
        CHECK(reading_sift(reading, lookout, &numbers, &found) == OK);
        CHECK(found == (i == 2 || i == 4));
    }
    lookout_free(lookout);
    reading_free(reading);
    builder_free(builder);
    end();
}

TEST(what_may_hold_by_absence_has_no_guard_and_says_so)
{
    const struct expr *expr;
    begin();
    CHECK(matcher_not(matcher, text(fields[0], "*good*", false), &expr) == OK);
    member(expr);
    CHECK(matcher_null(matcher, fields[0], &expr) == OK);
    member(expr);
    CHECK(strcmp(sifted("x", "y", SPAN_RAW), "AB") == 0);
    CHECK(reasons[0] != NULL && reasons[1] != NULL);
    end();
}

TEST(values_with_separators_and_nul_hide_nothing)
{
    begin();
    member(text(fields[0], "*a\x01z", false));
    member(text(fields[0], "\x01start*", false));
    CHECK(strcmp(sifted("xa\x01z", "y", SPAN_RAW), "A") == 0);
    CHECK(strcmp(sifted("\x01start", "y", SPAN_RAW), "B") == 0);
    end();
}

TEST(a_text_that_is_no_utf_8_costs_no_memory_for_each_expression_that_looks_at_it)
{
    /* Repaired it is three times as long: 26 of them are more than a reading may hold. */
    enum { EXPRESSIONS = 26 };
    const size_t size = 900 * 1000;
    const struct expr *list[EXPRESSIONS];
    const struct expr *expr;
    struct why why;
    char *value = malloc(size + 1);
    CHECK(value != NULL);
    memset(value, 0xff, size);
    value[size] = '\0';
    begin();
    for (int i = 0; i < EXPRESSIONS; i++) {
        struct str regex;
        CHECK(arena_print(mem, &regex, "[\xE3\x81\x82-\xE3\x81\x84][0-9]{%d}$", i + 1) == OK);
        CHECK(matcher_regex(matcher, fields[0], regex, 0, &list[i], &why) == OK);
    }
    CHECK(matcher_group(matcher, GROUP_OR, list, EXPRESSIONS, &expr) == OK);
    member(expr);
    UNHEEDED(sifted(value, "y", SPAN_RAW) == NULL); /* reading it again and again succeeds */
    end();
    free(value);
}

static const struct expr *both(const struct expr *one, const struct expr *other)
{
    const struct expr *const children[] = {one, other};
    const struct expr *expr;
    CHECK(matcher_group(matcher, GROUP_AND, children, 2, &expr) == OK);
    return expr;
}

static const struct expr *either(const struct expr *one, const struct expr *other)
{
    const struct expr *const children[] = {one, other};
    const struct expr *expr;
    CHECK(matcher_group(matcher, GROUP_OR, children, 2, &expr) == OK);
    return expr;
}

static const struct expr *but_not(const struct expr *child)
{
    const struct expr *expr;
    CHECK(matcher_not(matcher, child, &expr) == OK);
    return expr;
}

TEST(where_two_things_are_required_one_makes_no_candidate)
{
    begin();
    member(both(text(fields[0], "*first*", false), text(fields[1], "*second", false)));
    member(either(both(text(fields[0], "*third*", false), text(fields[1], "fourth", false)),
                  text(fields[0], "fifth", false)));
    CHECK(strcmp(sifted("the first", "x", SPAN_RAW), "") == 0);
    CHECK(strcmp(sifted("x", "the second", SPAN_RAW), "") == 0);
    CHECK(strcmp(sifted("the first", "the second", SPAN_RAW), "A") == 0);
    CHECK(strcmp(sifted("the third", "x", SPAN_RAW), "") == 0);
    CHECK(strcmp(sifted("the third", "fourth", SPAN_RAW), "B") == 0);
    CHECK(strcmp(sifted("fifth", "x", SPAN_RAW), "B") == 0);
    end();
}

TEST(an_exception_that_holds_leaves_no_candidate)
{
    begin();
    member(but_not(either(text(fields[0], "*good*", false), text(fields[1], "known", false))));
    member(but_not(both(text(fields[0], "*good*", false), text(fields[1], "known", false))));
    CHECK(strcmp(sifted("a good one", "x", SPAN_RAW), "B") == 0);
    CHECK(strcmp(sifted("x", "KNOWN", SPAN_RAW), "B") == 0);
    CHECK(strcmp(sifted("x", "known to few", SPAN_RAW), "AB") == 0);
    end();
}

TEST(an_exception_that_only_seems_to_hold_hides_nothing)
{
    begin();
    member(but_not(text(fields[0], "*end", false)));
    member(but_not(text(fields[0], "start*", false)));
    member(but_not(text(fields[0], "*Good*", true)));
    CHECK(strcmp(sifted("the end\x01x", "y", SPAN_RAW), "ABC") == 0);
    CHECK(strcmp(sifted("x\x01start", "y", SPAN_RAW), "ABC") == 0);
    CHECK(strcmp(sifted("the end", "y", SPAN_RAW), "BC") == 0);
    CHECK(strcmp(sifted("good", "end", SPAN_RAW), "ABC") == 0);
    end();
}
