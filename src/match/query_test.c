/* Every test asks its questions of one small batch: a web request, a log-in as JSON, and a line
 * that nothing could parse. */

#include "match/match.h"

#include <stdlib.h>
#include <string.h>

#include "event/builder.h"
#include "testing/testing.h"

static const char web[] = "192.0.2.7 - \"GET /Index.html?q=1\" 404 1532";
static const char login[] = "{\"user\":\"B\\u00f6rje\",\"ip\":[\"198.51.100.9\",\"2001:db8::9\"],"
                            "\"path\":\"C:\\\\Temp\\\\x.exe\",\"gone\":null}";
static const char junk[] = "three blind \xff mice";

static void span(struct builder *builder, const char *name, const char *value, enum span_how how)
{
    struct str record = builder_record(builder);
    size_t at = str_find(record, str_from(value));
    CHECK(at != STR_NONE);
    builder_span(builder, str_from(name), at, strlen(value), how);
}

static struct builder *three_events(void)
{
    struct builder *builder = builder_new((struct client_id){2}, (struct source_id){3});
    CHECK(builder_begin(builder, STR(web), (struct wall){0}) == OK);
    span(builder, "source.ip", "192.0.2.7", SPAN_RAW);
    span(builder, "url.original", "/Index.html?q=1", SPAN_RAW);
    span(builder, "http.response.status_code", "404", SPAN_RAW);
    builder_class(builder, STR("webserver//"));
    CHECK(builder_end(builder) == OK);
    CHECK(builder_begin(builder, STR(login), (struct wall){0}) == OK);
    span(builder, "user", "B\\u00f6rje", SPAN_JSON_STRING);
    span(builder, "ip", "198.51.100.9", SPAN_JSON_STRING);
    span(builder, "ip", "2001:db8::9", SPAN_JSON_STRING);
    span(builder, "path", "C:\\\\Temp\\\\x.exe", SPAN_JSON_STRING);
    span(builder, "gone", "null", SPAN_JSON_NULL);
    CHECK(builder_end(builder) == OK);
    CHECK(builder_begin(builder, STR(junk), (struct wall){0}) == OK);
    builder_error(builder, STR("no parser knows it"));
    CHECK(builder_end(builder) == OK);
    return builder;
}

/* Which of the three events fit, as digits: "13" for the first and the last. */
static const char *hits(const char *text)
{
    static char result[4];
    struct builder *builder = three_events();
    struct arena *mem = arena_new(1 << 22);
    struct str bytes;
    struct batch batch;
    struct query *query;
    struct why why = {0};
    CHECK(builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
    CHECK(query_parse(str_from(text), &query, &why) == OK);
    size_t count = 0;
    for (uint32_t i = 0; i < batch.events; i++) {
        struct event event;
        bool fits;
        batch_event(&batch, i, &event);
        CHECK(query_matches(query, &event, mem, &fits) == OK);
        if (fits) {
            result[count++] = (char)('1' + i);
        }
    }
    result[count] = '\0';
    query_free(query);
    arena_free(mem);
    builder_free(builder);
    return result;
}

#define HITS(text, expected) CHECK(strcmp(hits(text), expected) == 0)

static uint32_t refused_at(const char *text)
{
    struct query *query = NULL;
    struct why why = {0};
    enum err err = query_parse(str_from(text), &query, &why);
    CHECK(err == ERR_SYNTAX || err == ERR_UNSUPPORTED);
    CHECK(why.text[0] != '\0');
    return why.column;
}

TEST(a_path_with_wildcards_begins_with_a_backslash)
{
    CHECK(strcmp(hits("url.original: \\/index*"), "1") == 0);
    CHECK(strcmp(hits("url.original: \\/index* -source.ip: 192.0.2.0/24"), "") == 0);
    CHECK(strcmp(hits("\\/index*q"), "1") == 0);
    CHECK(strcmp(hits("url.original: /^.index/i"), "1") == 0);
}

TEST(an_empty_search_fits_everything)
{
    HITS("", "123");
    HITS("  ", "123");
}

TEST(words_are_found_in_the_record_and_in_readable_values)
{
    HITS("get", "1");
    HITS("BÖRJE", "2");
    HITS("C:\\Temp\\x", "");
    HITS("\"C:\\Temp\\x\"", "2");
    HITS("mice", "3");
    HITS("thr*mice", "3");
    HITS("\"blind mice\"", "");
    HITS("blind mice", "3");
    HITS("i", "123");
}

TEST(and_or_not_and_parentheses_bind_as_usual)
{
    HITS("get or mice", "13");
    HITS("get and mice", "");
    HITS("not get", "23");
    HITS("-get", "23");
    HITS("not not get", "1");
    HITS("get or mice blind", "13");
    HITS("(get or mice) and blind", "3");
    HITS("(get OR mice) NOT blind", "1");
    HITS("\"or\"", "");
}

TEST(a_field_is_compared_whole_and_any_of_its_values_may_fit)
{
    HITS("http.response.status_code: 404", "1");
    HITS("http.response.status_code: 40", "");
    HITS("http.response.status_code: 4*", "1");
    HITS("ip: 198.51.100.9", "2");
    HITS("ip: 2001:db8::9", "2");
    HITS("ip: \"2001:db8::9\"", "2");
    HITS("path: c:\\temp\\*", "");
    HITS("path: c:\\\\temp\\\\*", "2");
    HITS("path: \"c:\\temp\\x.exe\"", "2");
    HITS("user: (anna or börje)", "2");
    HITS("user: (not börje)", "13");
    HITS("missing: x", "");
    HITS("not missing: x", "123");
}

TEST(a_field_exists_with_or_without_a_value)
{
    HITS("user: *", "2");
    HITS("gone: *", "2");
    HITS("gone: null", "");
    HITS("not source.ip: *", "23");
}

TEST(ranges_networks_and_regular_expressions_are_values_too)
{
    HITS("http.response.status_code: >= 404", "1");
    HITS("http.response.status_code: >404", "");
    HITS("http.response.status_code: 400..499", "1");
    HITS("http.response.status_code: (<400 or >403)", "1");
    HITS("source.ip: 192.0.2.0/24", "1");
    HITS("ip: 2001:db8::/32", "2");
    HITS("url.original: /^\\/index/", "");
    HITS("url.original: /^\\/index/i", "1");
    HITS("/b[a-z]ind/", "3");
    HITS("user: /B\xc3\xb6rje$/", "2");
}

TEST(what_the_record_does_not_say_is_a_field_as_well)
{
    HITS("hinomi.parse_error: *", "3");
    HITS("hinomi.class: webserver*", "1");
    HITS("event.original: three*", "3");
}

TEST(a_mistake_is_named_with_its_column)
{
    CHECK(refused_at("(get") == 1);
    CHECK(refused_at("get )") == 5);
    CHECK(refused_at("a \"b") == 3);
    CHECK(refused_at("a or") == 5);
    CHECK(refused_at("not") == 1);
    CHECK(refused_at("x:") == 3);
    CHECK(refused_at("x: /a(/") == 4);
    CHECK(refused_at("x: /(?=a)b/") == 4);
    CHECK(refused_at("x: > y") == 4);
    CHECK(refused_at("/etc/passwd") == 6);
    CHECK(refused_at("and") != 99);
}

TEST(nesting_without_end_is_refused)
{
    char *text = malloc(10001);
    memset(text, '(', 10000);
    text[10000] = '\0';
    (void)refused_at(text);
    free(text);
}

TEST(another_batch_at_the_same_address_is_read_afresh)
{
    struct builder *builder = builder_new((struct client_id){2}, (struct source_id){3});
    struct query *query;
    struct arena *mem = arena_new(1 << 22);
    CHECK(query_parse(STR("bb: 1"), &query, NULL) == OK);
    const char *const names[] = {"aa", "bb", "cc", "bb"};
    for (int i = 0; i < 4; i++) {
        /* Many names make the builder forget them, so that the index means another name. */
        struct str bytes;
        struct batch batch;
        struct event event;
        bool fits;
        builder_free(builder);
        builder = builder_new((struct client_id){2}, (struct source_id){3});
        CHECK(builder_begin(builder, STR("1"), (struct wall){0}) == OK);
        builder_span(builder, str_from(names[i]), 0, 1, SPAN_RAW);
        CHECK(builder_end(builder) == OK);
        CHECK(builder_finish(builder, &bytes) == OK);
        CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
        batch_event(&batch, 0, &event);
        CHECK(query_matches(query, &event, mem, &fits) == OK);
        CHECK(fits == (i % 2 == 1));
    }
    query_free(query);
    arena_free(mem);
    builder_free(builder);
}
