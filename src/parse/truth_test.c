/* Against the test data: lines of real servers and what others found in them. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/json.h"
#include "event/batch.h"
#include "parse/parse.h"
#include "testing/testing.h"

static char *data_read(const char *name, size_t *ret_size)
{
    char path[1024];
    const char *data = testing_data();
    if (data == NULL) {
        testing_skip("HINOMI_TEST_DATA is not set");
    }
    CHECK(snprintf(path, sizeof path, "%s/%s", data, name) < (int)sizeof path);
    return testing_read(path, ret_size);
}

/* The fields that one line gives, until the next. */
struct reader {
    const struct parser *parser;
    struct builder *builder;
    struct arena *mem;
    struct batch batch;
    struct event event;
};

static void reader_open(struct reader *reader, const char *parser)
{
    *reader = (struct reader){.builder = builder_new((struct client_id){1}, (struct source_id){1}),
                              .mem = arena_new(32 << 20)};
    CHECK(parser_find(str_from(parser), &reader->parser) == OK);
}

static void reader_close(struct reader *reader)
{
    builder_free(reader->builder);
    arena_free(reader->mem);
}

static void reader_take(struct reader *reader, struct str line)
{
    const struct parse_context context = {.received = {1795000000 * NS_PER_SECOND}};
    struct str bytes;
    builder_reset(reader->builder);
    arena_reset(reader->mem);
    CHECK(builder_begin(reader->builder, line, context.received) == OK);
    parse_record(reader->parser, &context, reader->builder);
    CHECK(builder_end(reader->builder) == OK);
    CHECK(builder_finish(reader->builder, &bytes) == OK);
    CHECK(batch_check(bytes, reader->mem, &reader->batch, NULL) == OK);
    batch_event(&reader->batch, 0, &reader->event);
}

static struct str reader_field(struct reader *reader, const char *name)
{
    struct span span;
    struct str value = {0};
    if (event_find(&reader->event, str_from(name), &span) == OK) {
        CHECK(event_value(&span, reader->mem, &value) == OK);
    }
    return value;
}

static void access_log_check(const char *name)
{
    size_t size;
    char *text = data_read(name, &size);
    struct str rest = str_of(text, size);
    struct reader reader;
    unsigned lines = 0;
    reader_open(&reader, "combined");
    while (rest.size > 0) {
        struct str line = str_cut(&rest, '\n');
        reader_take(&reader, line);
        CHECK(reader.event.error.size == 0);
        /* The log's own words, found another way: the request begins behind the first quote, the
         * status behind the last quote that is followed by a blank and three digits. */
        size_t quote = str_find(line, STR("] \""));
        struct str request = str_slice(line, quote + 3, line.size);
        struct str method = reader_field(&reader, "http.request.method");
        CHECK(method.size == 0 || str_starts(request, method));
        struct str status = reader_field(&reader, "http.response.status_code");
        CHECK(status.size == 3);
        char around[8];
        CHECK(snprintf(around, sizeof around, "\" %.3s ", status.data) == 6);
        CHECK(str_find(line, str_from(around)) != STR_NONE);
        CHECK(str_equal(reader_field(&reader, "source.ip"), STR("127.0.0.1")));
        CHECK(wall_known(reader.event.happened));
        lines++;
    }
    CHECK(lines == 2548);
    reader_close(&reader);
    free(text);
}

TEST(each_line_of_the_attack_replay_parses_for_both_servers)
{
    access_log_check("web/crs-replay/apache-access.log");
    access_log_check("web/crs-replay/nginx-access.log");
}

TEST(json_of_real_sensors_parses_without_an_error)
{
    static const struct {
        const char *name;
        unsigned lines;
    } files[] = {
        {"windows-json/vast-sysmon/sysmon.json", 2500},
        {"network/suricata-eve/vast/eve.json", 7},
        {"web/crs-replay/modsecurity-audit.json.log", 400},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        size_t size;
        char *text = data_read(files[i].name, &size);
        struct str rest = str_of(text, size);
        struct reader reader;
        unsigned lines = 0;
        reader_open(&reader, "auto");
        while (rest.size > 0) {
            struct str line = str_cut(&rest, '\n');
            if (str_trim(line).size > 0) {
                reader_take(&reader, line);
                CHECK(reader.event.error.size == 0 && reader.event.spans > 0);
                lines++;
            }
        }
        CHECK(lines == files[i].lines);
        reader_close(&reader);
        free(text);
    }
}

/* One line of CrowdSec's expectations, as far as we compare it. */
struct expectation {
    struct str text;
    struct arena *mem;
    struct str parser, index, success, machine, program, pid, source_ip, user, status, verb;
};

static void expectation_leaf(void *context, struct str path, size_t offset, size_t size,
                             enum json_kind kind)
{
    struct expectation *e = context;
    const struct {
        const char *path;
        struct str *to;
    } wanted[] = {
        {"parser", &e->parser},
        {"index", &e->index},
        {"success", &e->success},
        {"meta.machine", &e->machine},
        {"parsed.program", &e->program},
        {"parsed.pid", &e->pid},
        {"meta.source_ip", &e->source_ip},
        {"meta.target_user", &e->user},
        {"meta.http_status", &e->status},
        {"meta.http_verb", &e->verb},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        if (kind != JSON_NULL && str_equal(path, str_from(wanted[i].path))) {
            CHECK(arena_copy(e->mem, str_slice(e->text, offset, size), wanted[i].to) == OK);
        }
    }
}

static void field_agrees(struct reader *reader, const char *name, struct str expected)
{
    if (expected.size > 0 && !str_equal(expected, STR("-"))) {
        struct str value = reader_field(reader, name);
        if (!str_equal(value, expected)) {
            printf("%s: '%.*s' is not '%.*s' in %.*s\n", name, STR_ARG(value), STR_ARG(expected),
                   STR_ARG(reader->event.record));
        }
        CHECK(str_equal(value, expected));
    }
}

static struct str line_at(struct str text, uint64_t index)
{
    while (text.size > 0) {
        struct str line = str_cut(&text, '\n');
        if (str_trim(line).size > 0 && index-- == 0) {
            return line;
        }
    }
    return (struct str){0};
}

static void crowdsec_check(const char *folder, const char *log, const char *stage,
                           const char *parser, unsigned compared_min)
{
    char name[512];
    size_t logs_size;
    size_t size;
    CHECK(snprintf(name, sizeof name, "parsers/crowdsecurity-hub/tests/%s/%s", folder, log) > 0);
    char *logs = data_read(name, &logs_size);
    CHECK(snprintf(name, sizeof name, "parsers/crowdsecurity-hub/tests/%s/expected-fields.jsonl",
                   folder) > 0);
    char *text = data_read(name, &size);
    struct str rest = str_of(text, size);
    struct arena *mem = arena_new(8 << 20);
    struct reader reader;
    unsigned compared = 0;
    reader_open(&reader, parser);
    while (rest.size > 0) {
        struct expectation e = {.text = str_cut(&rest, '\n'), .mem = mem};
        uint64_t index;
        arena_reset(mem);
        CHECK(json_walk(e.text, expectation_leaf, &e, NULL) == OK);
        if (!str_equal(e.parser, str_from(stage)) || !str_equal(e.success, STR("true"))) {
            continue;
        }
        CHECK(str_to_u64(e.index, 100000, &index) == OK);
        struct str line = line_at(str_of(logs, logs_size), index);
        reader_take(&reader, line);
        /* Error logs are not of these formats. */
        if (str_equal(reader.event.parser, STR("auto"))) {
            continue;
        }
        field_agrees(&reader, "host.hostname", e.machine);
        if (str_equal(reader.event.parser, STR("syslog"))) {
            field_agrees(&reader, "process.name", e.program);
            field_agrees(&reader, "process.pid", e.pid);
        }
        field_agrees(&reader, "source.ip", e.source_ip);
        field_agrees(&reader, "user.name", e.user);
        field_agrees(&reader, "http.response.status_code", e.status);
        field_agrees(&reader, "http.request.method", e.verb);
        compared++;
    }
    CHECK(compared >= compared_min);
    reader_close(&reader);
    arena_free(mem);
    free(text);
    free(logs);
}

TEST(what_crowdsec_finds_in_sshd_and_access_lines_we_find_too)
{
    crowdsec_check("opnsense-sshd", "opnsense-sshd.log", "crowdsecurity/syslog-logs", "syslog", 5);
    crowdsec_check("opnsense-sshd", "opnsense-sshd.log", "crowdsecurity/sshd-logs", "syslog", 5);
    crowdsec_check("sshd-logs-fp", "sshd-logs.log", "crowdsecurity/syslog-logs", "syslog", 5);
    crowdsec_check("apache2-logs", "apache2-logs.log", "crowdsecurity/apache2-logs", "auto", 5);
    crowdsec_check("apache2-malformed", "apache2-logs.log", "crowdsecurity/apache2-logs", "auto",
                   5);
    crowdsec_check("nginx-http-malformed", "nginx_http-logs.log", "crowdsecurity/nginx-logs",
                   "auto", 5);
}
