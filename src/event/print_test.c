#include "event/print.h"

#include "event/builder.h"
#include "testing/testing.h"

static bool prints(struct builder *builder, struct str wanted)
{
    struct arena *mem = arena_new(1 << 20);
    struct str bytes;
    struct batch batch;
    struct event event;
    struct buf out;
    buf_init(&out, 100000);
    CHECK(builder_end(builder) == OK);
    CHECK(builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
    batch_event(&batch, 0, &event);
    CHECK(event_print_json(&event, STR("hinomi.place"), STR("7"), mem, &out) == OK);
    bool equal = str_equal(buf_str(&out), wanted);
    buf_done(&out);
    arena_free(mem);
    builder_free(builder);
    return equal;
}

TEST(names_nest_lists_gather_and_clashes_stay_dotted)
{
    struct builder *builder = builder_new((struct client_id){1}, (struct source_id){1});
    CHECK(builder_begin(builder, STR("{\"a\":1,\"a.b\":\"x\\n\"}"), (struct wall){0}) == OK);
    builder_span(builder, STR("a"), 5, 1, SPAN_JSON_SCALAR);
    builder_span(builder, STR("a.b"), 14, 3, SPAN_JSON_STRING);
    builder_derive(builder, STR("tag"), STR("one"));
    builder_derive(builder, STR("tag"), STR("two"));
    builder_derive(builder, STR("source.ip"), STR("192.0.2.1"));
    builder_derive(builder, STR("source.port"), STR("22"));
    CHECK(prints(builder,
                 STR("{\"@timestamp\":\"1970-01-01T00:00:00.000000Z\",\"a\":1,\"a.b\":\"x\\n\","
                     "\"event\":{\"created\":\"1970-01-01T00:00:00.000000Z\","
                     "\"original\":\"{\\\"a\\\":1,\\\"a.b\\\":\\\"x\\\\n\\\"}\"},"
                     "\"hinomi\":{\"place\":7},"
                     "\"source\":{\"ip\":\"192.0.2.1\",\"port\":\"22\"},"
                     "\"tag\":[\"one\",\"two\"]}")));
}

TEST(a_record_cannot_speak_in_our_name)
{
    static const char *const names[] = {"@timestamp",   "event.created", "event.original",
                                        "hinomi",       "hinomi.place",  "hinomi.place.client",
                                        "hinomi.parser"};
    struct builder *builder = builder_new((struct client_id){1}, (struct source_id){1});
    CHECK(builder_begin(builder, STR("r"), (struct wall){0}) == OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        builder_derive(builder, str_from(names[i]), STR("lie"));
    }
    builder_derive(builder, STR("hinomis"), STR("kept"));
    CHECK(prints(builder, STR("{\"@timestamp\":\"1970-01-01T00:00:00.000000Z\","
                              "\"event\":{\"created\":\"1970-01-01T00:00:00.000000Z\","
                              "\"original\":\"r\"},\"hinomi\":{\"place\":7},"
                              "\"hinomis\":\"kept\"}")));
}
