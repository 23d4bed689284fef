/*
 * The records of one audit event as one event: what a view has of its parts, and what is none.
 */

#include "parse/joined.h"

#include <stdio.h>
#include <string.h>

#include "event/builder.h"
#include "parse/parse.h"
#include "testing/testing.h"

struct setting {
    struct arena *mem;
    struct builder *builder;
    struct batch batch;
    struct joined joined;
};

static void setting_open(struct setting *setting, const char *const *records)
{
    const struct parser *parser;
    struct why why;
    struct str bytes;
    setting->mem = arena_new((size_t)64 << 20);
    setting->builder = builder_new((struct client_id){7}, (struct source_id){9});
    CHECK(setting->mem != NULL && setting->builder != NULL);
    builder_reset(setting->builder);
    CHECK(parser_find(STR("auto"), &parser) == OK);
    const struct parse_context context = {.received = {1763719300000000000}};
    for (size_t i = 0; records[i] != NULL; i++) {
        CHECK(builder_begin(setting->builder, str_from(records[i]), context.received) == OK);
        parse_record(parser, &context, setting->builder);
        CHECK(builder_end(setting->builder) == OK);
    }
    CHECK(builder_finish(setting->builder, &bytes) == OK);
    CHECK(batch_check(bytes, setting->mem, &setting->batch, &why) == OK);
    CHECK(joined_make(&setting->batch, setting->mem, &setting->joined) == OK);
}

static void setting_close(struct setting *setting)
{
    builder_free(setting->builder);
    arena_free(setting->mem);
}

static void has(const struct setting *setting, uint32_t view, const char *name, const char *wanted)
{
    struct event event;
    batch_event(&setting->joined.batch, view, &event);
    for (uint32_t i = 0; i < event.spans; i++) {
        struct span span;
        struct str value;
        event_span(&event, i, &span);
        if (str_equal(span.name, str_from(name)) &&
            event_value(&span, setting->mem, &value) == OK && str_equal(value, str_from(wanted))) {
            return;
        }
    }
    fprintf(stderr, "no %s = %s\n", name, wanted);
    CHECK(false);
}

#define HEAD(type, serial) "type=" type " msg=audit(1763719200.120:" serial "): "
#define CALL(number)                                                                           \
    "arch=c000003e syscall=" number " success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=2 ppid=10 " \
    "pid=11 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 " \
    "comm=\"sh\" exe=\"/bin/dash\" key=\"shells\""

TEST(an_execution_is_one_event_with_its_command_line_and_place)
{
    static const char *const records[] = {
        HEAD("SYSCALL", "1") CALL("59"),
        HEAD("EXECVE", "1") "argc=3 a0=\"sh\" a1=\"-c\" a2=6563686F206869",
        HEAD("CWD", "1") " cwd=\"/home/alice\"",
        HEAD("PATH", "1") "item=0 name=\"/bin/sh\" inode=5 dev=08:01 mode=0100755 ouid=0 ogid=0 "
                          "rdev=00:00 nametype=NORMAL",
        HEAD("PATH", "1") "item=1 name=\"/lib64/ld.so\" inode=6 dev=08:01 mode=0100755 ouid=0 "
                          "ogid=0 rdev=00:00 nametype=NORMAL",
        HEAD("PROCTITLE", "1") "proctitle=7368002D63006563686F206869",
        HEAD("EOE", "1"),
        NULL};
    struct setting setting;
    setting_open(&setting, records);
    CHECK(setting.joined.batch.events == 1);
    CHECK(setting.joined.views[0].stands == 0 && setting.joined.views[0].count == 7);
    has(&setting, 0, "process.executable", "/bin/dash");
    has(&setting, 0, "process.command_line", "sh -c echo hi");
    has(&setting, 0, "process.args", "echo hi");
    has(&setting, 0, "process.working_directory", "/home/alice");
    has(&setting, 0, "process.title", "sh -c echo hi");
    has(&setting, 0, "file.path", "/bin/sh");
    has(&setting, 0, "file.mode", "0755");
    has(&setting, 0, "event.action", "executed");
    has(&setting, 0, "event.category", "process");
    has(&setting, 0, "tags", "shells");
    struct event event;
    batch_event(&setting.joined.batch, 0, &event);
    CHECK(str_equal(event.class, STR("process_creation/linux/auditd")));
    CHECK(event.happened.ns == 1763719200120000000);
    setting_close(&setting);
}

TEST(records_of_mixed_events_find_their_own)
{
    static const char *const records[] = {
        HEAD("SYSCALL", "1") CALL("42"),
        HEAD("SYSCALL", "2") CALL("87"),
        HEAD("SOCKADDR", "1") "saddr=020001BBC63364070000000000000000",
        HEAD("PATH", "2") "item=0 name=\"/etc/\" inode=5 mode=040755 nametype=PARENT",
        HEAD("PATH", "2") "item=1 name=\"/etc/passwd.bak\" inode=6 mode=0100600 nametype=DELETE",
        NULL};
    struct setting setting;
    setting_open(&setting, records);
    CHECK(setting.joined.batch.events == 2);
    has(&setting, 0, "destination.ip", "198.51.100.7");
    has(&setting, 0, "destination.port", "443");
    has(&setting, 0, "event.action", "connected-to");
    has(&setting, 1, "file.path", "/etc/passwd.bak");
    has(&setting, 1, "event.type", "deletion");
    CHECK(setting.joined.views[1].stands == 1 && setting.joined.views[1].count == 3);
    setting_close(&setting);
}

TEST(a_record_alone_other_nodes_and_other_logs_are_no_view)
{
    static const char *const records[] = {
        HEAD("SYSCALL", "1") CALL("59"), "node=a " HEAD("SYSCALL", "2") CALL("59"),
        "node=b " HEAD("EXECVE", "2") "argc=1 a0=\"sh\"",
        "<38>Nov 21 10:00:00 web-1 sshd[9]: Invalid user bob from 192.0.2.7 port 4", NULL};
    struct setting setting;
    setting_open(&setting, records);
    CHECK(setting.joined.batch.events == 0);
    setting_close(&setting);
}
