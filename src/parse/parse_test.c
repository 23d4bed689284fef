#include "parse/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/time.h"
#include "parse/fixture_test.h"
#include "testing/testing.h"

#define RECEIVED "2026-01-01T00:00:30Z"
#define NONE     "(none)" /* there is no such field */

static struct parsed parsed_of(const char *name, struct str record, int32_t zone_seconds)
{
    struct parse_context context = {.zone_seconds = zone_seconds, .sender = STR("192.0.2.9")};
    CHECK(time_parse(STR(RECEIVED), &context.received) == OK);
    return parsed_with(name, record, &context);
}

static void happened_is(struct parsed *parsed, const char *expected)
{
    char text[TIME_TEXT_SIZE] = "none";
    if (wall_known(parsed->event.happened)) {
        (void)time_print(parsed->event.happened, text);
    }
    if (strcmp(text, expected) != 0) {
        printf("happened %s, not %s\n", text, expected);
    }
    CHECK(strcmp(text, expected) == 0);
}

#define PARSE(parser, literal) struct parsed parsed = parsed_of((parser), STR(literal), 0)
#define HAS(name, value)       has(&parsed, (name), (value))
#define DONE()                 parsed_done(&parsed)

TEST(an_rfc_3164_line_of_sshd_comes_out_with_all_its_fields)
{
    PARSE("syslog", "<38>Dec 31 23:59:58 web1 sshd[991]: Failed password for invalid user admin "
                    "from 198.51.100.7 port 4022 ssh2");
    HAS("log.syslog.priority", "38");
    HAS("log.syslog.facility.code", "4");
    HAS("log.syslog.severity.code", "6");
    HAS("log.syslog.hostname", "web1");
    HAS("host.hostname", "web1");
    HAS("process.name", "sshd");
    HAS("process.pid", "991");
    HAS("log.source.address", "192.0.2.9");
    HAS("message", "Failed password for invalid user admin from 198.51.100.7 port 4022 ssh2");
    HAS("user.name", "admin");
    HAS("source.ip", "198.51.100.7");
    HAS("source.port", "4022");
    HAS("event.action", "ssh_login");
    HAS("event.outcome", "failure");
    HAS("event.category", "authentication");
    HAS("system.auth.ssh.method", "password");
    CHECK(str_equal(parsed.event.class, STR("/linux/sshd")));
    CHECK(parsed.event.error.size == 0);
    happened_is(&parsed, "2025-12-31T23:59:58.000000Z");
    DONE();
}

TEST(an_rfc_5424_line_keeps_its_structured_data)
{
    PARSE("syslog", "<165>1 2026-10-11T22:14:15.003+09:00 host.example.com app 71 ID47 "
                    "[ex@32473 iut=\"3\" note=\"a \\\"b\\] c\"][x] \xef\xbb\xbfplain text");
    HAS("log.syslog.version", "1");
    HAS("log.syslog.hostname", "host.example.com");
    HAS("log.syslog.appname", "app");
    HAS("log.syslog.procid", "71");
    HAS("log.syslog.msgid", "ID47");
    HAS("log.syslog.structured_data.ex@32473.iut", "3");
    HAS("log.syslog.structured_data.ex@32473.note", "a \\\"b\\] c");
    HAS("message", "plain text");
    happened_is(&parsed, "2026-10-11T13:14:15.003000Z");
    CHECK(parsed.event.error.size == 0);
    DONE();
}

TEST(missing_parts_of_rfc_5424_are_missing_fields)
{
    PARSE("syslog", "<0>1 - - - - - -");
    HAS("log.syslog.hostname", NONE);
    HAS("message", NONE);
    HAS("log.syslog.severity.code", "0");
    happened_is(&parsed, "none");
    CHECK(parsed.event.error.size == 0);
    DONE();
    struct parsed broken = parsed_of("syslog", STR("<1>1 - h a - - [x y=\"1] tail"), 0);
    CHECK(broken.event.error.size > 0);
    has(&broken, "message", "[x y=\"1] tail");
    has(&broken, "host.hostname", "h");
    parsed_done(&broken);
}

TEST(the_deviations_of_rfc_3164_are_read)
{
    static const struct {
        const char *record, *host, *program, *process, *message, *happened;
    } cases[] = {
        {"<13>Jan  1 00:00:01 h prog: m", "h", "prog", NONE, "m", "2026-01-01T00:00:01.000000Z"},
        {"Jan 1 00:00:01 h prog[x y]: m", "h", NONE, NONE, "prog[x y]: m",
         "2026-01-01T00:00:01.000000Z"},
        {"<13>Jan  2 2024 03:04:05 fw1 : %ASA-4-1: m", "fw1", NONE, NONE, "%ASA-4-1: m",
         "2024-01-02T03:04:05.000000Z"},
        {"<13>Jan  2 03:04:05.678 2024 h p: m", "h", "p", NONE, "m", "2024-01-02T03:04:05.678000Z"},
        {"<189>77: *Jan  1 00:00:02.5: %SYS-5-CONFIG: m", NONE, NONE, NONE, "%SYS-5-CONFIG: m",
         "2026-01-01T00:00:02.500000Z"},
        {"<13>2025-12-31T23:00:00.25-01:00 h /usr/sbin/cron[7]: m", "h", "cron", "7", "m",
         "2026-01-01T00:00:00.250000Z"},
        {"<13>Aug  1 14:01:20 asa1: %ASA-6-302013: m", "asa1", NONE, NONE, "%ASA-6-302013: m",
         "2025-08-01T14:01:20.000000Z"},
        {"<13>Jan  1 00:00:01 su: m", NONE, "su", NONE, "m", "2026-01-01T00:00:01.000000Z"},
        {"<13>Jan  1 00:00:01 h su:m", "h", "su", NONE, "m", "2026-01-01T00:00:01.000000Z"},
        {"<13>Jan  1 00:00:01 2001:db8::1 su: m", "2001:db8::1", "su", NONE, "m",
         "2026-01-01T00:00:01.000000Z"},
        {"<13>prog[4]: m", NONE, "prog", "4", "m", "none"},
        {"<189>date=2026 x=y", NONE, NONE, NONE, "date=2026 x=y", "none"},
        {"<13>Feb 30 00:00:01 h p: m", "h", "p", NONE, "m", "none"},
        {"<13>Jan  1 00:00:01 h p: m\n", "h", "p", NONE, "m", "2026-01-01T00:00:01.000000Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct parsed parsed = parsed_of("syslog", str_from(cases[i].record), 0);
        HAS("host.hostname", cases[i].host);
        HAS("process.name", cases[i].program);
        HAS("log.syslog.procid", cases[i].process);
        HAS("message", cases[i].message);
        happened_is(&parsed, cases[i].happened);
        CHECK(parsed.event.error.size == 0);
        DONE();
    }
}

TEST(a_year_is_the_nearest_and_a_zone_the_bindings)
{
    struct parsed parsed = parsed_of("syslog", STR("<13>Jan  1 09:00:40 h p: m"), 9 * 3600);
    happened_is(&parsed, "2026-01-01T00:00:40.000000Z");
    DONE();
    parsed = parsed_of("syslog", STR("<13>Feb 29 00:00:00 h p: m"), 0);
    happened_is(&parsed, "none");
    DONE();
    parsed = parsed_of("syslog", STR("<13>Jul  4 00:00:00 h p: m"), 0);
    happened_is(&parsed, "2025-07-04T00:00:00.000000Z");
    DONE();
    parsed = parsed_of("syslog", STR("<13>May  4 00:00:00 h p: m"), 0);
    happened_is(&parsed, "2026-05-04T00:00:00.000000Z");
    DONE();
}

TEST(what_has_no_header_keeps_its_bytes_and_a_reason)
{
    static const char odd[] = "\0\xff\xfe <999>x \x01\n\0";
    for (const char *const *name = parser_names(); *name != NULL; name++) {
        struct parsed parsed = parsed_of(*name, str_of(odd, sizeof odd - 1), 0);
        CHECK(parsed.event.error.size > 0 || strcmp(*name, "auto") != 0);
        CHECK(str_equal(parsed.event.parser, str_from(*name)));
        DONE();
        parsed = parsed_of(*name, (struct str){0}, 0);
        DONE();
    }
}

TEST(a_user_name_cannot_pretend_an_address)
{
    PARSE("sshd", "Failed password for invalid user x from 192.0.2.1 port 1 ssh2 from "
                  "198.51.100.9 port 2200 ssh2");
    HAS("source.ip", "198.51.100.9");
    HAS("source.port", "2200");
    HAS("user.name", "x from 192.0.2.1 port 1 ssh2");
    DONE();
}

TEST(sshds_other_lines_are_known)
{
    static const struct {
        const char *record, *action, *outcome, *user, *address, *port;
    } cases[] = {
        {"Accepted publickey for ann from 192.0.2.3 port 55 ssh2: ED25519 SHA256:abc", "ssh_login",
         "success", "ann", "192.0.2.3", "55"},
        {"Invalid user  from 192.0.2.3 port 55", "ssh_login", "failure", NONE, "192.0.2.3", "55"},
        {"Invalid user bob from 192.0.2.3", "ssh_login", "failure", "bob", "192.0.2.3", NONE},
        {"Connection closed by authenticating user ann 2001:db8::5 port 55 [preauth]",
         "ssh_disconnect", NONE, "ann", "2001:db8::5", "55"},
        {"Connection closed by 192.0.2.3 port 55", "ssh_disconnect", NONE, NONE, "192.0.2.3", "55"},
        {"Disconnected from invalid user a b 192.0.2.3 port 55 [preauth]", "ssh_disconnect", NONE,
         "a b", "192.0.2.3", "55"},
        {"Received disconnect from 192.0.2.3 port 55:11: Bye Bye [preauth]", "ssh_disconnect", NONE,
         NONE, "192.0.2.3", "55"},
        {"Received disconnect from 192.0.2.3: 11: Bye Bye", "ssh_disconnect", NONE, NONE,
         "192.0.2.3", NONE},
        {"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= "
         "rhost=192.0.2.3  user=root",
         "ssh_login", "failure", "root", "192.0.2.3", NONE},
        {"pam_unix(sshd:session): session opened for user root(uid=0) by (uid=0)", "session_opened",
         "success", "root", NONE, NONE},
        {"pam_unix(sshd:session): session closed for user ann", "session_closed", "success", "ann",
         NONE, NONE},
        {"message repeated 3 times: [ Failed password for root from 192.0.2.3 port 9 ssh2]",
         "ssh_login", "failure", "root", "192.0.2.3", "9"},
        {"Server listening on 0.0.0.0 port 22.", "sshd_started", NONE, NONE, NONE, NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct parsed parsed = parsed_of("sshd", str_from(cases[i].record), 0);
        HAS("event.action", cases[i].action);
        HAS("event.outcome", cases[i].outcome);
        HAS("user.name", cases[i].user);
        HAS("source.ip", cases[i].address);
        HAS("source.port", cases[i].port);
        CHECK(parsed.event.error.size == 0);
        DONE();
    }
}

TEST(sshds_lines_are_read_behind_a_syslog_header)
{
    PARSE("sshd", "<86>Nov 21 09:00:00 h1 sshd[1]: Failed password for root from 192.0.2.1 port 22 "
                  "ssh2");
    CHECK(str_equal(parsed.event.parser, STR("sshd")));
    CHECK(str_equal(parsed.event.class, STR("/linux/sshd")));
    HAS("user.name", "root");
    HAS("host.hostname", "h1");
    DONE();
}

TEST(access_logs_are_read_behind_a_syslog_header)
{
    PARSE("combined", "<190>Nov 21 09:00:00 web1 nginx: 192.0.2.4 - - [21/Nov/2026:21:27:30 +0900] "
                      "\"GET /a HTTP/1.1\" 200 5 \"-\" \"x\"");
    CHECK(str_equal(parsed.event.class, STR("webserver/nginx/")));
    HAS("source.ip", "192.0.2.4");
    HAS("user.name", NONE);
    DONE();
}

TEST(a_combined_line_comes_out_with_all_its_fields)
{
    PARSE("combined", "192.0.2.4 - ann [21/Nov/2026:21:27:30 +0900] \"GET /a/b?x=%20y&z HTTP/1.1\" "
                      "404 275 \"https://example.com/\" \"A \\\"quoted\\\" agent\"");
    HAS("source.ip", "192.0.2.4");
    HAS("user.name", "ann");
    HAS("http.request.method", "GET");
    HAS("url.original", "/a/b?x=%20y&z");
    HAS("url.path", "/a/b");
    HAS("url.query", "x=%20y&z");
    HAS("http.version", "1.1");
    HAS("http.response.status_code", "404");
    HAS("http.response.body.bytes", "275");
    HAS("http.request.referrer", "https://example.com/");
    HAS("user_agent.original", "A \\\"quoted\\\" agent");
    HAS("event.outcome", "failure");
    HAS("event.category", "web");
    CHECK(str_equal(parsed.event.class, STR("webserver//")));
    happened_is(&parsed, "2026-11-21T12:27:30.000000Z");
    DONE();
}

TEST(odd_access_lines_are_read_as_far_as_they_go)
{
    PARSE("auto", "example.com:80 2001:db8::1, 192.0.2.1 - - [21/Nov/2026:21:27:30 +0000] "
                  "\"\\x16\\x03\\x01\" 400 - \"-\" \"-\"");
    HAS("url.domain", "example.com");
    HAS("url.port", "80");
    HAS("source.ip", "2001:db8::1");
    HAS("url.original", "\\x16\\x03\\x01");
    HAS("http.request.method", NONE);
    HAS("http.response.body.bytes", NONE);
    HAS("user_agent.original", NONE);
    CHECK(str_equal(parsed.event.parser, STR("combined")));
    DONE();
    parsed =
        parsed_of("auto", STR("h.example - a [b] c [21/Nov/2026:21:27:30 +0000] \"-\" 408 0"), 0);
    HAS("source.domain", "h.example");
    HAS("user.name", "a [b] c");
    HAS("url.original", NONE);
    DONE();
}

TEST(syslog_hands_an_access_log_and_json_on)
{
    PARSE("syslog", "<13>Nov 21 00:00:00 h nginx: 192.0.2.4 - - [21/Nov/2026:21:27:30 +0000] "
                    "\"GET http://x.example/a HTTP/1.0\" 200 5 \"-\" \"-\"");
    CHECK(str_equal(parsed.event.class, STR("webserver/nginx/")));
    HAS("url.path", "/a");
    HAS("url.scheme", "http");
    happened_is(&parsed, "2026-11-21T21:27:30.000000Z");
    DONE();
    parsed = parsed_of(
        "syslog", STR("<13>Nov 21 00:00:00 h app[1]: @cee: {\"user\":{\"name\":\"a\\u0062\"}}"), 0);
    HAS("user.name", "ab");
    DONE();
    parsed = parsed_of("syslog", STR("<13>Nov 21 00:00:00 h app[1]: {\"a\":1} tail"), 0);
    HAS("a", NONE);
    CHECK(parsed.event.error.size == 0);
    DONE();
}

TEST(json_leaves_are_fields_under_their_own_names)
{
    PARSE("auto", "{\"@timestamp\":\"2026-11-21T08:30:00.5Z\",\"user\":{\"name\":\"\\u706b\"},"
                  "\"tags\":[\"a\",\"b\"],\"n\":12,\"z\":null}");
    HAS("user.name", "\xe7\x81\xab");
    HAS("n", "12");
    HAS("tags", "a");
    happened_is(&parsed, "2026-11-21T08:30:00.500000Z");
    CHECK(str_equal(parsed.event.parser, STR("json")));
    DONE();
    parsed = parsed_of("json", STR("{\"ts\":1767225600.25}"), 0);
    happened_is(&parsed, "2026-01-01T00:00:00.250000Z");
    DONE();
    parsed = parsed_of("json", STR("{\"a\":1,\"b\":}"), 0);
    CHECK(parsed.event.error.size > 0);
    HAS("a", NONE);
    HAS("log.source.address", "192.0.2.9");
    DONE();
}
