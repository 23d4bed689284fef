#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testing/testing.h"

static struct config *parsed(const char *text)
{
    struct config *config = NULL;
    struct why why = {0};
    enum err err = config_parse(str_from(text), &config, &why);
    if (err != OK) {
        printf("%s\n", why_text(&why, err));
    }
    CHECK(err == OK);
    return config;
}

TEST(the_example_configuration_is_valid)
{
    char path[4096];
    struct config *config = NULL;
    struct why why = {0};
    (void)snprintf(path, sizeof path, "%s/examples/hinomi.yaml", testing_root());
    CHECK(config_load(path, &config, &why) == OK);
    CHECK(str_equal(config->data, STR("var")) && str_equal(config->keys, STR("var.keys")));
    CHECK(config->rules_count == 1 && str_equal(config->rules[0], STR("rules")));
    CHECK(config->listeners_count == 4);
    CHECK(config->listeners[0].kind == LISTENER_SYSLOG_UDP && config->listeners[0].port == 5514);
    CHECK(config->listeners[1].kind == LISTENER_SYSLOG_TCP && config->listeners[1].port == 5514);
    CHECK(config->listeners[2].kind == LISTENER_HTTP && config->listeners[2].port == 8080);
    CHECK(str_equal(config->listeners[2].address, STR("127.0.0.1")));
    config_free(config);
    CHECK(config_load("/nonexistent.yaml", &config, &why) == ERR_NOT_FOUND && why.text[0] != '\0');
    config_free(NULL);
}

TEST(an_empty_configuration_has_the_defaults)
{
    static const char *const texts[] = {"", "# nothing\n", "---\n", "{}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct config *config = parsed(texts[i]);
        CHECK(str_equal(config->data, STR("var")) && str_equal(config->keys, STR("var.keys")));
        CHECK(config->rules_count == 0 && config->listeners_count == 0);
        CHECK(config->user_base == 60700 && config->journal_size_max == 256u << 20);
        CHECK(config->commit_delay_ms == 2 && config->head_seconds == 60);
        config_free(config);
    }
}

TEST(every_key_is_read)
{
    struct config *config =
        parsed("data: /srv/hinomi\nkeys: /etc/hinomi/keys\nrules: [a, b/c]\nuser_base: 1000\n"
               "journal_size_max: 2G\ncommit_delay_ms: 0\nhead_seconds: 1\n"
               "listeners: [{name: s6, kind: syslog-tcp, address: '::1', port: 65535}]\n");
    CHECK(str_equal(config->data, STR("/srv/hinomi")) && config->rules_count == 2);
    CHECK(str_equal(config->keys, STR("/etc/hinomi/keys")) && config->user_base == 1000);
    CHECK(config->journal_size_max == (uint64_t)2 << 30 && config->commit_delay_ms == 0);
    CHECK(config->head_seconds == 1 && config->listeners[0].port == 65535);
    config_free(config);
}

TEST(mistakes_in_a_configuration_say_where_and_what_to_do)
{
    static const struct {
        const char *text;
        uint32_t line, column;
        const char *says;
    } cases[] = {
        {"dta: var", 1, 1, "did you mean 'data'?"},
        {"data: var\nportal: 1", 2, 1, "unknown key 'portal'; remove it"},
        {"data: var\ndata: x", 2, 1, "stands in line 1 already"},
        {"data: []", 1, 7, "data is a path"},
        {"data:", 1, 6, "data is a path"},
        {"data: v\nkeys: v/k", 2, 7, "outside data"},
        {"data: v/\nkeys: v", 2, 7, "outside data"},
        {"rules: rules", 1, 8, "such as [rules]"},
        {"head_seconds: 0", 1, 15, "from 1 to 3600"},
        {"head_seconds: 1.5", 1, 15, "from 1 to 3600"},
        {"journal_size_max: 3T", 1, 19, "such as 256M"},
        {"journal_size_max: 99999999999999999999G", 1, 19, "such as 256M"},
        {"commit_delay_ms: -1", 1, 18, "from 0 to 1000"},
        {"listeners:\n  - {name: a, kind: udp, address: 127.0.0.1, port: 1}", 2, 21, "syslog-udp"},
        {"listeners:\n  - {name: a, kind: http, address: localhost, port: 1}", 2, 36, "numeric"},
        {"listeners:\n  - {name: a, kind: http, address: 127.0.0.1}", 2, 5, "no 'port:'"},
        {"listeners:\n  - {name: a, kind: files}", 2, 5, "no 'paths:'"},
        {"listeners:\n  - {name: a, kind: files, paths: [/a], port: 1}", 2, 41, "has no 'port:'"},
        {"listeners:\n  - {name: a, kind: files, paths: [/a*/b]}", 2, 36, "last part"},
        {"listeners:\n  - {name: a, kind: syslog-tcp, address: '::1', port: 1, tls: on}", 2, 58,
         "has no 'tls:'"},
        {"listeners:\n  - {name: a, kind: relp, address: '::1', port: 1, authorities: x}", 2, 52,
         "has no 'authorities:'"},
        {"listeners:\n  - {name: a, kind: http, address: 127.0.0.1, prt: 1}", 2, 47, "'port'?"},
        {"listeners:\n  - {name: a, kind: http, address: 127.0.0.1, port: 65536}", 2, 53, "65535"},
        {"listeners:\n  - {name: a, kind: http, address: 127.0.0.1, port: 1}\n"
         "  - {name: a, kind: http, address: 127.0.0.1, port: 2}",
         3, 5, "another name"},
        {"listeners:\n  - {name: a, kind: http, address: 127.0.0.1, port: 1}\n"
         "  - {name: b, kind: syslog-tcp, address: 127.0.0.1, port: 1}",
         3, 5, "belongs to listener 'a'"},
        {"portal_tls: no", 1, 13, "is one of: on, off"},
        {"portal_url: http://soc.example", 1, 13, "begins with https://"},
        {"portal_tls: off\ncertificate: c\ncertificate_key: k", 2, 14, "remove one of the two"},
        {"mail_tls: never", 1, 11, "required, optional"},
        {"- data", 1, 1, "keys with values"},
        {"data: v\n---\ndata: w", 3, 1, "one document"},
        {"second_factor: required", 1, 16, "optional, provider, everybody"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config *config = NULL;
        struct why why = {0};
        enum err err = config_parse(str_from(cases[i].text), &config, &why);
        if (err != ERR_SYNTAX || config != NULL || why.line != cases[i].line ||
            why.column != cases[i].column || strstr(why.text, cases[i].says) == NULL) {
            printf("case %zu: %s\n", i, why_text(&why, err));
            CHECK(false);
        }
    }
}

TEST(a_second_factor_is_optional_unless_the_file_says_of_whom_it_is_wanted)
{
    static const char *const texts[] = {"data: v", "second_factor: provider",
                                        "second_factor: everybody"};
    static const char *const wanted[] = {"optional", "provider", "everybody"};
    for (size_t i = 0; i < 3; i++) {
        struct config *config = NULL;
        CHECK(config_parse(str_from(texts[i]), &config, NULL) == OK);
        CHECK(str_equal(config->second_factor, str_from(wanted[i])));
        config_free(config);
    }
}

TEST(a_listener_has_what_its_kind_needs_and_nothing_else)
{
    static const char text[] =
        "listeners:\n"
        "  - {name: tls, kind: syslog-tls, address: 0.0.0.0, port: 6514, authorities: ca.pem,\n"
        "     revoked: crl.pem}\n"
        "  - {name: relp, kind: relp, address: 0.0.0.0, port: 2514}\n"
        "  - {name: beats, kind: lumberjack, address: 0.0.0.0, port: 5044, tls: on}\n"
        "  - {name: files, kind: files, paths: [/var/log/nginx/*.log, /var/log/syslog]}\n"
        "  - {name: more, kind: files, paths: [/var/log/auth.log]}\n";
    struct config *config = parsed(text);
    CHECK(config->listeners_count == 5 && config->listeners[0].tls && !config->listeners[1].tls);
    CHECK(str_equal(config->listeners[0].authorities, STR("ca.pem")));
    CHECK(str_equal(config->listeners[0].revoked, STR("crl.pem")));
    CHECK(config->listeners[2].kind == LISTENER_LUMBERJACK && config->listeners[2].tls);
    CHECK(config->listeners[3].paths_count == 2 && config->listeners[3].port == 0);
    CHECK(str_equal(config->listeners[3].paths[1], STR("/var/log/syslog")));
    config_free(config);
}

TEST(help_has_one_line_for_every_key)
{
    struct buf out;
    buf_init(&out, 10000);
    CHECK(config_help(&out) == OK && str_starts(buf_str(&out), STR("data ")));
    size_t lines = 0;
    for (size_t i = 0; i < out.size; i++) {
        lines += out.data[i] == '\n';
    }
    CHECK(lines == 34 && str_find(buf_str(&out), STR("\nhead_seconds ")) != STR_NONE);
    buf_done(&out);
}

TEST(a_later_file_takes_the_place_of_what_an_earlier_one_said)
{
    char first[4096];
    char second[4096];
    struct config *config = NULL;
    struct why why = {0};
    size_t at = 9;
    static const char one[] = "data: /srv/a\nrules: [a, b]\nsearch_seconds_max: 7\n"
                              "listeners: [{name: s, kind: syslog-tcp, address: '::1', port: 7}]\n";
    static const char two[] = "mail_relay: smtp://127.0.0.1:5525\nmail_from: soc@watch.example\n"
                              "rules: [c]\n"
                              "listeners: [{name: s, kind: syslog-udp, address: '::1', port: 8}]\n";
    (void)snprintf(first, sizeof first, "%s/one.yaml", testing_folder());
    (void)snprintf(second, sizeof second, "%s/two.yaml", testing_folder());
    testing_write(first, one, sizeof one - 1);
    testing_write(second, two, sizeof two - 1);
    CHECK(config_load_all((const char *const[]){first, second}, 2, &config, &at, &why) == OK);
    CHECK(at == 1 && str_equal(config->data, STR("/srv/a")) && config->search_seconds_max == 7);
    CHECK(str_equal(config->keys, STR("/srv/a.keys")) && config->mail_relay.size > 0);
    CHECK(config->rules_count == 1 && str_equal(config->rules[0], STR("c")));
    CHECK(config->listeners_count == 1 && config->listeners[0].port == 8);
    config_free(config);
    CHECK(config_load_all((const char *const[]){second, "/nonexistent.yaml"}, 2, &config, &at,
                          &why) == ERR_NOT_FOUND);
    CHECK(at == 1);
}
