/* What the portal shows of an archive: counts, pages, tables, and the lines behind alerts.  The
 * archive is a real one, read as on a folder that nobody serves. */

#include "serve/survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/packed.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "event/builder.h"
#include "serve/evidence.h"
#include "testing/testing.h"

#define CLIENT ((struct client_id){7})
#define NOON   1795176000 /* 2026-11-20T12:00:00Z */
#define NOW    ((struct wall){(NOON + 2000) * NS_PER_SECOND})

struct world {
    char folder[512], keys[520];
    struct scope *scope;
    struct archive *archive;
    struct builder *builder;
    struct reader *reader;
    struct reading reading;
    struct arena *mem;
    struct buf out;
    uint64_t batches;
};

static enum err out_take(void *context, struct str piece)
{
    return buf_append(context, piece);
}

static struct world *world_new(void)
{
    struct world *world = calloc(1, sizeof *world);
    CHECK(world != NULL);
    (void)snprintf(world->folder, sizeof world->folder, "%s/archive", testing_folder());
    (void)snprintf(world->keys, sizeof world->keys, "%s.keys", world->folder);
    const struct archive_options options = {.disk = disk_real(),
                                            .folder = world->folder,
                                            .keys = world->keys,
                                            .journal_size_max = 1 << 20};
    CHECK(scope_for_test(CLIENT, RIGHT_APPEND | RIGHT_READ, &world->scope) == OK);
    CHECK(archive_open(&options, NOW, &world->archive, NULL) == OK);
    world->builder = builder_new(CLIENT, (struct source_id){3});
    world->mem = arena_new((size_t)256 << 20);
    buf_init(&world->out, (size_t)64 << 20);
    CHECK(world->builder != NULL && world->mem != NULL);
    return world;
}

static void record(struct world *world, struct str text, int64_t second)
{
    CHECK(builder_begin(world->builder, text, (struct wall){second * NS_PER_SECOND}) == OK);
}

static void batch_end(struct world *world)
{
    struct str bytes;
    struct batch batch;
    struct place first;
    CHECK(builder_finish(world->builder, &bytes) == OK);
    CHECK(batch_check(bytes, world->mem, &batch, NULL) == OK);
    CHECK(archive_append(world->scope, world->archive, &batch,
                         (struct ring_place){9, ++world->batches}, NOW, &first) == OK);
    CHECK(archive_commit(world->archive) == OK);
    builder_reset(world->builder);
}

/* Lines "line 0", "line 1", … one a second from noon on. */
static void lines(struct world *world, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "line %u", i);
        record(world, str_from(text), NOON + i);
        CHECK(builder_end(world->builder) == OK);
    }
    batch_end(world);
}

/* From now on it is read. */
static void world_read(struct world *world)
{
    archive_close(world->archive, NOW);
    world->archive = NULL;
    CHECK(reader_open(world->scope, disk_real(), world->folder, world->keys, CLIENT, &world->reader,
                      NULL) == OK);
    world->reading = (struct reading){.scope = world->scope,
                                      .reader = world->reader,
                                      .client = CLIENT,
                                      .slug = STR("acme"),
                                      .sources = STR("3 hosts\n"),
                                      .from = {NOON * NS_PER_SECOND},
                                      .to = {(NOON + 1000) * NS_PER_SECOND},
                                      .limit = 100,
                                      .output = out_take,
                                      .output_context = &world->out};
}

static void world_free(struct world *world)
{
    reader_close(world->reader);
    builder_free(world->builder);
    scope_free(world->scope);
    arena_free(world->mem);
    buf_done(&world->out);
    free(world);
}

static const struct yaml_node *survey(struct world *world, const char *query)
{
    struct yaml_node *root;
    buf_reset(&world->out);
    CHECK(survey_answer(&world->reading, str_from(query), NULL) == OK);
    CHECK(json_parse(buf_str(&world->out), world->mem, &root, NULL) == OK);
    return root;
}

/* How often; for texts that are larger than what we read back as a tree. */
static size_t count_of(struct str text, struct str needle)
{
    size_t count = 0;
    for (size_t at = str_find(text, needle); at != STR_NONE; at = str_find(text, needle)) {
        text = str_slice(text, at + needle.size, text.size);
        count++;
    }
    return count;
}

static uint64_t number(const struct yaml_node *node, const char *key)
{
    uint64_t value;
    const struct yaml_node *member = yaml_get(node, str_from(key));
    CHECK(member != NULL && str_to_u64(member->text, UINT64_MAX, &value) == OK);
    return value;
}

static bool yes(const struct yaml_node *node, const char *key)
{
    return str_equal(yaml_get(node, str_from(key))->text, STR("true"));
}

static struct str text_of(const struct yaml_node *node, const char *key)
{
    return yaml_get(node, str_from(key))->text;
}

TEST(a_survey_counts_all_and_shows_the_newest_first)
{
    struct world *world = world_new();
    lines(world, 300);
    lines(world, 300);
    world_read(world);
    const struct yaml_node *found = survey(world, "line");
    const struct yaml_node *event = yaml_get(found, STR("events"))->first;
    CHECK(number(found, "total") == 600 && yes(found, "more") && yes(found, "complete"));
    CHECK(number(found, "step_seconds") == 5);
    CHECK(yaml_get(found, STR("counts"))->count == 200);
    CHECK(str_equal(yaml_get(found, STR("counts"))->first->text, STR("10")));
    CHECK(yaml_get(found, STR("events"))->count == 100 && number(event, "place") == 600);
    CHECK(str_equal(text_of(event, "original"), STR("line 299")));
    CHECK(str_equal(text_of(event, "source"), STR("hosts")));
    found = survey(world, "\"line 7\"");
    CHECK(yaml_get(found, STR("events"))->count == number(found, "total"));
    CHECK(!yes(found, "more"));
    world_free(world);
}

TEST(pages_give_each_event_once)
{
    struct world *world = world_new();
    lines(world, 250);
    world_read(world);
    uint64_t next = 250;
    bool more = true;
    while (more) {
        const struct yaml_node *found = survey(world, "");
        for (const struct yaml_node *event = yaml_get(found, STR("events"))->first; event != NULL;
             event = event->next) {
            CHECK(number(event, "place") == next--);
        }
        CHECK(number(found, "total") == 250);
        world->reading.before = next + 1;
        more = yes(found, "more");
    }
    CHECK(next == 0);
    world_free(world);
}

TEST(the_span_is_of_the_arrival_whatever_the_events_say)
{
    struct world *world = world_new();
    for (unsigned i = 0; i < 3; i++) {
        record(world, STR("late"), NOON + i);
        builder_happened(world->builder, (struct wall){5});
        CHECK(builder_end(world->builder) == OK);
    }
    batch_end(world);
    world_read(world);
    world->reading.to = (struct wall){(NOON + 2) * NS_PER_SECOND};
    CHECK(number(survey(world, ""), "total") == 2);
    world_free(world);
}

TEST(when_the_time_is_over_what_was_found_is_told_as_such)
{
    struct world *world = world_new();
    lines(world, 10);
    world_read(world);
    world->reading.until = (struct mono){1};
    CHECK(!yes(survey(world, ""), "complete"));
    CHECK(survey_table(&world->reading, STR(""), NULL) == ERR_LIMIT);
    world_free(world);
}

static enum err third_frame_ends(void *context)
{
    return ++*(unsigned *)context == 3 ? ERR_AGAIN : OK;
}

TEST(of_a_survey_that_is_ended_early_the_newest_are_known)
{
    struct world *world = world_new();
    unsigned frames = 0;
    for (unsigned i = 0; i < 5; i++) {
        lines(world, 200);
    }
    world_read(world);
    world->reading.pause = third_frame_ends;
    world->reading.pause_context = &frames;
    world->reading.limit = 150;
    const struct yaml_node *found = survey(world, "");
    const struct yaml_node *event = yaml_get(found, STR("events"))->first;
    CHECK(!yes(found, "complete") && number(found, "total") == 400 && yes(found, "more"));
    for (uint64_t place = 1000; place > 850; place--) {
        CHECK(event != NULL && number(event, "place") == place);
        event = event->next;
    }
    world_free(world);
}

static void leaf_pass(void *context, struct str path, size_t offset, size_t size,
                      enum json_kind kind)
{
    CHECK(context == NULL && path.size > 0 && offset + size > 0 && kind <= JSON_NULL);
}

TEST(whatever_a_record_holds_it_comes_out_as_text_of_a_bounded_size)
{
    struct world *world = world_new();
    char *hostile = malloc(RECORD_SIZE_MAX);
    CHECK(hostile != NULL);
    for (size_t i = 0; i < RECORD_SIZE_MAX; i++) {
        hostile[i] = (char)(i * 7919 >> 3);
    }
    record(world, str_of(hostile, 100000), NOON);
    for (unsigned i = 0; i < 400; i++) {
        builder_span(world->builder, STR("x"), i, 50000, SPAN_RAW);
    }
    CHECK(builder_end(world->builder) == OK);
    record(world, STR("\xff\x00\x1b[2J\"\\ 火"), NOON);
    CHECK(builder_end(world->builder) == OK);
    batch_end(world);
    world_read(world);
    CHECK(survey_answer(&world->reading, STR(""), NULL) == OK);
    struct str text = buf_str(&world->out);
    CHECK(json_walk(text, leaf_pass, NULL, NULL) == OK && text.size < (size_t)2 * SHOWN_EVENT_MAX);
    size_t small = str_find(text, STR("\"original\":\"\xef\xbf\xbd\\u0000\\u001b[2J\\\"\\\\ 火\""));
    CHECK(small != STR_NONE && small < 1000);
    CHECK(count_of(text, STR("\"cut\":false")) == 1 && count_of(text, STR("\"cut\":true")) == 1);
    size_t fields = count_of(text, STR("{\"name\":\"x\""));
    CHECK(fields > 10 && fields <= SHOWN_FIELDS_MAX);
    free(hostile);
    world_free(world);
}

TEST(an_answer_that_would_be_too_large_is_a_shorter_page)
{
    struct world *world = world_new();
    char *large = malloc(SHOWN_ORIGINAL_MAX);
    CHECK(large != NULL);
    memset(large, 1, SHOWN_ORIGINAL_MAX); /* six bytes each as JSON */
    for (unsigned i = 0; i < 300; i++) {
        record(world, str_of(large, SHOWN_ORIGINAL_MAX), NOON);
        CHECK(builder_end(world->builder) == OK);
    }
    batch_end(world);
    world_read(world);
    world->reading.limit = 300;
    CHECK(survey_answer(&world->reading, STR(""), NULL) == OK);
    struct str text = buf_str(&world->out);
    size_t shown = count_of(text, STR("{\"place\":"));
    CHECK(text.size > SHOWN_ANSWER_MAX / 2 && text.size <= SHOWN_ANSWER_MAX + 65536);
    CHECK(shown > 100 && shown < 300 && count_of(text, STR("\"more\":true")) == 1);
    CHECK(str_find(text, STR("{\"place\":300,")) < str_find(text, STR("{\"place\":299,")));
    free(large);
    world_free(world);
}

TEST(no_cell_of_a_table_is_a_formula_or_ends_its_line)
{
    struct world *world = world_new();
    static const char *const records[] = {
        "=cmd|' /C calc'!A0", "+1",           "-1",     "@SUM(1)", "\tx", "\rx", "＝1",
        "a \"quoted\" cell",  "two\r\nlines", "\x1b[2J"};
    static const char *const cells[] = {"\"'=cmd|' /C calc'!A0\"",
                                        "\"'+1\"",
                                        "\"'-1\"",
                                        "\"'@SUM(1)\"",
                                        "\"'\tx\"",
                                        "\"'\rx\"",
                                        "\"'＝1\"",
                                        "\"a \"\"quoted\"\" cell\"",
                                        "\"two\r\nlines\"",
                                        "\"\xef\xbf\xbd[2J\""};
    for (size_t i = 0; i < 10; i++) {
        record(world, str_from(records[i]), NOON);
        builder_span(world->builder, STR("user.name"), 0, 1, SPAN_RAW);
        CHECK(builder_end(world->builder) == OK);
    }
    batch_end(world);
    world_read(world);
    world->reading.limit = CSV_EVENTS_MAX;
    CHECK(survey_table(&world->reading, STR(""), NULL) == OK);
    struct str rest = buf_str(&world->out);
    CHECK(str_starts(rest, STR("\xef\xbb\xbfplace,received,happened,source,")));
    for (size_t i = 0; i < 10; i++) {
        char end[64];
        (void)snprintf(end, sizeof end, ",,%s\r\n", cells[i]);
        CHECK(str_find(rest, str_from(end)) != STR_NONE);
    }
    CHECK(str_find(rest, STR("\r\n10,2026-11-20T12:00:00.000000Z,,hosts,")) <
          str_find(rest, STR("\r\n9,")));
    world_free(world);
}

/* ---- Evidence. */

static void alert_pack(struct buf *packed, unsigned id, const uint64_t *places, size_t count)
{
    char json[32];
    char bytes[EVIDENCE_LINES_MAX * 8];
    (void)snprintf(json, sizeof json, "{\"id\":%u}", id);
    for (size_t i = 0; i < count; i++) {
        put_u64(bytes + 8 * i, places[i]);
    }
    CHECK(packed_put_text(packed, str_from(json)) == OK);
    CHECK(packed_put_text(packed, str_of(bytes, 8 * count)) == OK);
}

static const struct yaml_node *evidence(struct world *world, const struct buf *packed)
{
    struct yaml_node *root;
    buf_reset(&world->out);
    CHECK(evidence_answer(&world->reading, buf_str(packed), NULL) == OK);
    CHECK(json_parse(buf_str(&world->out), world->mem, &root, NULL) == OK);
    return root;
}

TEST(each_alert_comes_with_its_lines_and_those_that_are_not_there_are_left_out)
{
    struct world *world = world_new();
    struct buf packed;
    lines(world, 50);
    world_read(world);
    buf_init(&packed, 65536);
    CHECK(packed_put_number(&packed, 0) == OK);
    alert_pack(&packed, 1, (const uint64_t[]){40}, 1);
    alert_pack(&packed, 2, (const uint64_t[]){3, 40, 1}, 3);
    alert_pack(&packed, 3, (const uint64_t[]){4000}, 1);
    const struct yaml_node *root = evidence(world, &packed);
    const struct yaml_node *one = yaml_get(root, STR("alerts"))->first;
    const struct yaml_node *two = one->next;
    CHECK(!yes(root, "more") && yaml_get(root, STR("alerts"))->count == 3);
    CHECK(number(yaml_get(one, STR("alert")), "id") == 1);
    CHECK(str_equal(text_of(yaml_get(one, STR("lines"))->first, "original"), STR("line 39")));
    CHECK(yaml_get(two, STR("lines"))->count == 3);
    CHECK(number(yaml_get(two, STR("lines"))->first, "place") == 3);
    CHECK(yaml_get(two->next, STR("lines"))->count == 0);
    buf_done(&packed);
    world_free(world);
}

TEST(alerts_whose_lines_are_too_large_come_with_the_next_page)
{
    struct world *world = world_new();
    struct buf packed;
    char *large = malloc(SHOWN_ORIGINAL_MAX);
    uint64_t places[EVIDENCE_LINES_MAX];
    CHECK(large != NULL);
    memset(large, 1, SHOWN_ORIGINAL_MAX);
    for (unsigned i = 0; i < 200; i++) {
        record(world, str_of(large, SHOWN_ORIGINAL_MAX), NOON);
        CHECK(builder_end(world->builder) == OK);
    }
    batch_end(world);
    world_read(world);
    buf_init(&packed, 1 << 20);
    CHECK(packed_put_number(&packed, 0) == OK);
    for (unsigned i = 0; i < 10; i++) {
        for (unsigned j = 0; j < EVIDENCE_LINES_MAX; j++) {
            places[j] = 1 + (uint64_t)i * EVIDENCE_LINES_MAX + j;
        }
        alert_pack(&packed, i + 1, places, EVIDENCE_LINES_MAX);
    }
    CHECK(evidence_answer(&world->reading, buf_str(&packed), NULL) == OK);
    struct str text = buf_str(&world->out);
    size_t alerts = count_of(text, STR("\"lines\":["));
    CHECK(count_of(text, STR("\"more\":true")) == 1 && alerts > 0 && alerts < 10);
    CHECK(count_of(text, STR("{\"place\":")) == alerts * EVIDENCE_LINES_MAX);
    free(large);
    buf_done(&packed);
    world_free(world);
}

TEST(a_job_that_is_cut_anywhere_is_refused)
{
    struct world *world = world_new();
    struct buf packed;
    lines(world, 5);
    world_read(world);
    buf_init(&packed, 65536);
    CHECK(packed_put_number(&packed, 0) == OK);
    alert_pack(&packed, 1, (const uint64_t[]){1, 2}, 2);
    for (size_t size = 0; size < packed.size; size++) {
        enum err err = evidence_answer(&world->reading, str_slice(buf_str(&packed), 0, size), NULL);
        CHECK(size == 4 ? err == OK : err == ERR_CORRUPT);
    }
    buf_done(&packed);
    world_free(world);
}
