/* Lists of values, and what keywords see of an event. */

#include "match/match.h"

#include <string.h>

#include "event/builder.h"
#include "testing/testing.h"

static struct arena *mem;
static struct matcher *matcher;
static struct lists *lists;
static uint32_t user;

/* A list "names" of three texts and "nets" of two networks; the rule's field is "user". */
static void begin(void)
{
    static const struct str names[] = {
        {"Administrator", 13}, {"svc-*", 5}, {"\xC3\x84gypten", 8}, {"x\\*y", 4}};
    static const struct str nets[] = {{"192.0.2.0/24", 12}, {"2001:db8::/32", 13}, {"none", 4}};
    const struct value_list values[] = {{STR("Names"), names, 4}, {STR("nets"), nets, 3}};
    struct str field = STR("user");
    mem = arena_new((size_t)1 << 24);
    matcher = matcher_new();
    CHECK(lists_new(values, 2, &lists) == OK);
    CHECK(matcher_field(matcher, &field, 1, &user) == OK);
}

static void end(void)
{
    matcher_free(matcher);
    lists_free(lists);
    arena_free(mem);
}

static bool holds(const struct expr *expr, struct str record, struct str parser, struct str value,
                  enum span_how how)
{
    struct builder *builder = builder_new((struct client_id){1}, (struct source_id){1});
    struct reading *reading;
    struct batch batch;
    struct event event;
    struct str bytes;
    struct why why;
    bool fits;
    CHECK(builder_begin(builder, record, (struct wall){0}) == OK);
    builder_parser(builder, parser);
    if (how == SPAN_RAW) {
        builder_derive(builder, STR("user"), value);
    } else {
        size_t at = str_find(record, value);
        builder_span(builder, STR("other"), at, value.size, how);
    }
    CHECK(builder_end(builder) == OK);
    CHECK(builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, &batch, &why) == OK);
    batch_event(&batch, 0, &event);
    CHECK(reading_new(matcher, &reading) == OK);
    reading_lists(reading, lists);
    CHECK(reading_event(reading, &event) == OK);
    CHECK(reading_holds(reading, expr, &fits) == OK);
    reading_free(reading);
    builder_free(builder);
    return fits;
}

static bool listed(const char *list, enum listed how, bool cased, const char *value)
{
    const struct expr *expr;
    CHECK(matcher_listed(matcher, user, str_from(list), how, cased, &expr) == OK);
    return holds(expr, STR(""), STR("syslog"), str_from(value), SPAN_RAW);
}

TEST(a_value_may_equal_begin_or_end_with_or_hold_a_value_of_a_list)
{
    begin();
    CHECK(listed("names", LISTED_EQUAL, false, "ADMINISTRATOR"));
    CHECK(!listed("names", LISTED_EQUAL, false, "administrators"));
    CHECK(listed("names", LISTED_STARTS, false, "administrators"));
    CHECK(!listed("names", LISTED_STARTS, false, "the administrator"));
    CHECK(listed("names", LISTED_ENDS, false, "the administrator"));
    CHECK(!listed("names", LISTED_ENDS, false, "administrators"));
    CHECK(listed("names", LISTED_HOLDS, false, "the administrators"));
    CHECK(!listed("names", LISTED_HOLDS, false, "the administrato"));
    CHECK(listed("names", LISTED_EQUAL, false, "\xC3\xA4GYPTEN"));
    end();
}

TEST(a_list_may_be_asked_with_case_and_its_wildcards_are_sigmas)
{
    begin();
    CHECK(listed("names", LISTED_EQUAL, true, "Administrator"));
    CHECK(!listed("names", LISTED_EQUAL, true, "administrator"));
    CHECK(listed("names", LISTED_EQUAL, false, "SVC-backup"));
    CHECK(!listed("names", LISTED_EQUAL, true, "SVC-backup"));
    CHECK(!listed("names", LISTED_EQUAL, false, "a svc-backup"));
    CHECK(listed("names", LISTED_HOLDS, false, "a svc-backup"));
    CHECK(listed("names", LISTED_EQUAL, false, "X*Y"));
    CHECK(!listed("names", LISTED_EQUAL, false, "X\\*Y"));
    end();
}

TEST(a_list_of_networks_holds_their_addresses)
{
    begin();
    CHECK(listed("nets", LISTED_NETWORK, false, "192.0.2.77"));
    CHECK(listed("nets", LISTED_NETWORK, false, "::ffff:192.0.2.77"));
    CHECK(listed("nets", LISTED_NETWORK, false, "2001:DB8:1::1"));
    CHECK(!listed("nets", LISTED_NETWORK, false, "192.0.3.77"));
    CHECK(!listed("nets", LISTED_NETWORK, false, "none"));
    end();
}

TEST(without_a_list_of_the_name_nothing_fits)
{
    begin();
    CHECK(!listed("absent", LISTED_HOLDS, false, "Administrator"));
    CHECK(lists_have(lists, STR("NAMES")));
    CHECK(!lists_have(lists, STR("absent")));
    end();
}

TEST(keywords_are_looked_for_in_values_and_in_records_that_are_texts)
{
    struct pattern pattern;
    const struct expr *expr;
    const struct expr *search;
    const struct str record = STR("{\"path\":\"C:\\\\Temp\"}");
    const struct str inside = STR("C:\\\\Temp");
    begin();
    CHECK(pattern_parse(STR("*path*"), mem, &pattern) == OK);
    CHECK(matcher_text(matcher, FIELD_ANYWHERE, &pattern, false, &expr) == OK);
    CHECK(matcher_text(matcher, FIELD_EVERYTHING, &pattern, false, &search) == OK);
    CHECK(!holds(expr, record, STR("json"), inside, SPAN_JSON_STRING));
    CHECK(holds(search, record, STR("json"), inside, SPAN_JSON_STRING));
    CHECK(holds(expr, record, STR("syslog"), inside, SPAN_JSON_STRING));
    CHECK(pattern_parse(STR("*:\\temp*"), mem, &pattern) == OK);
    CHECK(matcher_text(matcher, FIELD_ANYWHERE, &pattern, false, &expr) == OK);
    CHECK(holds(expr, record, STR("json"), inside, SPAN_JSON_STRING));
    end();
}
