#include "event/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "event/alert.h"
#include "event/builder.h"
#include "testing/testing.h"

static struct builder *one_event(void)
{
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){9});
    CHECK(builder_begin(builder, STR("{\"user\":\"a\\u0062c\",\"n\":12}"), (struct wall){100}) ==
          OK);
    builder_span(builder, STR("user"), 9, 8, SPAN_JSON_STRING);
    builder_span(builder, STR("n"), 23, 2, SPAN_JSON_SCALAR);
    builder_derive(builder, STR("event.category"), STR("test"));
    builder_happened(builder, (struct wall){50});
    builder_class(builder, STR("/linux/sshd"));
    builder_parser(builder, STR("json"));
    CHECK(builder_end(builder) == OK);
    return builder;
}

TEST(what_was_built_reads_back_equal)
{
    struct builder *builder = one_event();
    struct arena *mem = arena_new(1 << 20);
    struct str bytes;
    struct batch batch;
    CHECK(builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
    CHECK(batch.client.value == 7 && batch.source.value == 9 && batch.events == 1);
    struct event event;
    batch_event(&batch, 0, &event);
    CHECK(str_equal(event.record, STR("{\"user\":\"a\\u0062c\",\"n\":12}")));
    CHECK(event_time(&event).ns == 50 && event.received.ns == 100);
    CHECK(str_equal(event.class, STR("/linux/sshd")));
    CHECK(event.error.size == 0);
    struct span span;
    struct str value;
    CHECK(event_find(&event, STR("user"), &span) == OK);
    CHECK(event_value(&span, mem, &value) == OK);
    CHECK(str_equal(value, STR("abc")));
    CHECK(event_find(&event, STR("event.category"), &span) == OK);
    CHECK(str_equal(span.bytes, STR("test")));
    CHECK(event_find(&event, STR("nothing"), &span) == ERR_NOT_FOUND);
    arena_free(mem);
    builder_free(builder);
}

TEST(no_flipped_byte_of_the_tables_leads_outside)
{
    struct builder *builder = one_event();
    struct arena *mem = arena_new(1 << 20);
    struct str bytes;
    CHECK(builder_finish(builder, &bytes) == OK);
    char *copy = malloc(bytes.size);
    for (size_t at = 0; at < bytes.size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(copy, bytes.data, bytes.size);
            copy[at] = (char)(copy[at] ^ (char)(1u << bit));
            struct batch batch;
            arena_reset(mem);
            if (batch_check(str_of(copy, bytes.size), mem, &batch, NULL) == OK) {
                struct event event;
                struct span span;
                struct str value;
                batch_event(&batch, 0, &event);
                for (uint32_t i = 0; i < event.spans; i++) {
                    event_span(&event, i, &span);
                    CHECK(event_value(&span, mem, &value) != ERR_MEMORY);
                }
            }
        }
    }
    free(copy);
    arena_free(mem);
    builder_free(builder);
}

TEST(too_many_fields_cost_fields_and_never_the_record)
{
    struct builder *builder = builder_new((struct client_id){1}, (struct source_id){1});
    struct arena *mem = arena_new(8 << 20);
    CHECK(builder_begin(builder, STR("record"), (struct wall){1}) == OK);
    for (unsigned i = 0; i < SPANS_PER_EVENT_MAX + 5; i++) {
        builder_span(builder, STR("f"), 0, 1, SPAN_RAW);
    }
    CHECK(builder_end(builder) == OK);
    struct str bytes;
    struct batch batch;
    struct event event;
    CHECK(builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
    batch_event(&batch, 0, &event);
    CHECK(event.spans == SPANS_PER_EVENT_MAX);
    CHECK(event.flags == EVENT_FIELDS_CUT);
    CHECK(str_equal(event.record, STR("record")));
    arena_free(mem);
    builder_free(builder);
}

TEST(an_abandoned_event_leaves_no_trace)
{
    struct builder *builder = one_event();
    struct str bytes;
    CHECK(builder_finish(builder, &bytes) == OK);
    size_t size = bytes.size;
    CHECK(builder_begin(builder, STR("other"), (struct wall){1}) == OK);
    builder_span(builder, STR("user"), 0, 5, SPAN_RAW);
    builder_derive(builder, STR("n"), STR("x"));
    builder_abandon(builder);
    CHECK(builder_finish(builder, &bytes) == OK);
    CHECK(bytes.size == size);
    builder_free(builder);
}

/* Two names of one slot would drive each other out, and each event bring its own copies. */
TEST(what_is_derived_again_stands_once_and_is_read_alike)
{
    struct builder *builder = builder_new((struct client_id){1}, (struct source_id){1});
    struct arena *mem = arena_new(1 << 20);
    struct str bytes;
    struct batch batch;
    const struct {
        struct str name, value;
        enum span_how how;
    } derived[] = {
        {STR("log.source.address"), STR("192.0.2.7"), SPAN_RAW},
        {STR("log.syslog.facility.code"), STR("16"), SPAN_JSON_SCALAR},
        {STR("log.syslog.severity.code"), STR("6"), SPAN_JSON_SCALAR},
        {STR("log.syslog.version"), STR("1"), SPAN_RAW},
    };
    size_t count = sizeof derived / sizeof derived[0];
    size_t size = 0;
    for (size_t i = 0; i < 10; i++) {
        CHECK(builder_begin(builder, STR("line"), (struct wall){1}) == OK);
        for (size_t j = 0; j < count; j++) {
            builder_derive_as(builder, derived[j].name, derived[j].value, derived[j].how);
            size += i == 0 ? derived[j].value.size : 0;
        }
        CHECK(builder_end(builder) == OK);
    }
    CHECK(builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
    CHECK(batch.text.size == 10 * STR("line").size + size);
    for (uint32_t i = 0; i < batch.events; i++) {
        struct event event;
        struct span span;
        batch_event(&batch, i, &event);
        CHECK(event.spans == count);
        for (uint32_t j = 0; j < event.spans; j++) {
            event_span(&event, j, &span);
            CHECK(str_equal(span.name, derived[j].name) && span.how == derived[j].how &&
                  str_equal(span.bytes, derived[j].value));
        }
    }
    arena_free(mem);
    builder_free(builder);
}

TEST(an_empty_record_is_an_event_too)
{
    struct builder *builder = builder_new((struct client_id){1}, (struct source_id){1});
    struct arena *mem = arena_new(1 << 20);
    struct str bytes;
    struct batch batch;
    CHECK(builder_begin(builder, (struct str){0}, (struct wall){1}) == OK);
    CHECK(builder_record(builder).size == 0);
    builder_span(builder, STR("message"), 0, 0, SPAN_RAW);
    CHECK(builder_end(builder) == OK);
    CHECK(builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK && batch.events == 1 && batch.spans == 1);
    arena_free(mem);
    builder_free(builder);
}

/* Names of every size that differ in one byte each, wherever it stands, over batches that keep the
 * names and such that forget them. */
TEST(no_name_is_taken_for_another)
{
    struct builder *builder = builder_new((struct client_id){1}, (struct source_id){1});
    struct arena *mem = arena_new(8 << 20);
    for (size_t size = 0; size < 70; size++) {
        char name[70];
        struct str bytes;
        struct batch batch;
        struct event event;
        struct span span;
        memset(name, 'n', sizeof name);
        CHECK(builder_begin(builder, STR("record"), (struct wall){1}) == OK);
        for (size_t twice = 0; twice < 2; twice++) {
            builder_span(builder, str_of(name, size), 0, 1, SPAN_RAW);
            for (size_t at = 0; at < size; at++) {
                name[at] = 'm';
                builder_span(builder, str_of(name, size), 0, 1, SPAN_RAW);
                name[at] = 'n';
            }
        }
        CHECK(builder_end(builder) == OK && builder_finish(builder, &bytes) == OK);
        arena_reset(mem);
        CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
        batch_event(&batch, 0, &event);
        CHECK(event.spans == 2 * (size + 1));
        for (uint32_t i = 0; i < event.spans; i++) {
            size_t at = i % (size + 1);
            event_span(&event, i, &span);
            CHECK(span.name.size == size && (at == 0 || span.name.data[at - 1] == 'm'));
            CHECK(size == 0 || at != 0 || memchr(span.name.data, 'm', size) == NULL);
        }
        builder_reset(builder);
    }
    arena_free(mem);
    builder_free(builder);
}

TEST(an_alert_reads_back_equal_and_a_cut_one_is_refused)
{
    struct alert alert = {.place = {{3}, 44},
                          .received = {5},
                          .happened = WALL_NONE,
                          .level = LEVEL_HIGH,
                          .rule_id = STR("id"),
                          .rule_title = STR("title"),
                          .rule_tags = STR("a b"),
                          .outcome = {.type = STR("sql-injection"),
                                      .severity = LEVEL_CRITICAL,
                                      .incident = true,
                                      .criterion = STR("sqli"),
                                      .asset = STR("shop"),
                                      .inside = STR("10.0.1.10"),
                                      .documents = STR("assets:00 criteria:ff")}};
    struct buf out;
    buf_init(&out, 10000);
    CHECK(alert_encode(&alert, &out) == OK);
    struct str bytes = buf_str(&out);
    struct alert back;
    CHECK(alert_decode(&bytes, &back) == OK);
    CHECK(bytes.size == 0 && back.place.sequence == 44 && back.level == LEVEL_HIGH);
    CHECK(str_equal(back.rule_tags, STR("a b")) && !wall_known(back.happened));
    CHECK(back.outcome.severity == LEVEL_CRITICAL && back.outcome.incident);
    CHECK(!back.outcome.authorised && back.outcome.action.size == 0);
    CHECK(str_equal(back.outcome.type, STR("sql-injection")));
    CHECK(str_equal(back.outcome.asset, STR("shop")));
    CHECK(str_equal(back.outcome.documents, STR("assets:00 criteria:ff")));
    for (size_t size = 0; size < out.size; size++) {
        bytes = str_of(out.data, size);
        CHECK(alert_decode(&bytes, &back) == ERR_CORRUPT);
    }
    buf_done(&out);
}
