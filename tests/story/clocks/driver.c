/*
 * A program around the SLA's clocks that may be killed at any time: the story's hand on a real
 * ledger.
 *
 *     clock_driver FOLDER
 *
 * Commands come as lines "NUMBER WORD ...", numbers going up, and are answered in order:
 *
 *     1 document KIND JSON                   a version is drafted, signed, effective
 *     2 moment SUBJECT MOMENT SEVERITY AT    AT in nanoseconds since 1970
 *     3 undone SUBJECT MOMENT AT
 *     4 pause SUBJECT METRIC REASON AT
 *     5 resume SUBJECT METRIC AT
 *     6 turn AT
 *     list SUBJECT AT                        changes nothing and has no number
 *
 * "ok NUMBER ANSWER" says that a command is on disk.  A number that the ledger knows already is
 * answered "ok NUMBER again" and changes nothing.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"
#include "service/clock.h"

#define CLIENT     ((struct client_id){2})
#define LINE_SIZE  (1 << 20)
#define MEMORY_MAX (256 << 20)
#define ZONEINFO   "/usr/share/zoneinfo"
#define EPOCH      ((struct wall){0})
#define MUST(call) must((call), #call)

struct driver {
    struct ledger *ledger;
    struct tenant *tenant;
    struct service *service;
    struct clocks *clocks;
    struct scope *scope, *responsible, *engineer;
    struct arena *mem;
};

static void must(enum err err, const char *what)
{
    if (err != OK) {
        (void)fprintf(stderr, "clock_driver: %s: %s\n", what, err_text(err));
        exit(1);
    }
}

/* A number of ours under a key, in the table of what the installation says of itself. */
static int64_t note_get(struct driver *driver, struct str key)
{
    struct statement *statement;
    bool there;
    int64_t value = 0;
    MUST(ledger_prepare(driver->ledger, "SELECT value FROM meta WHERE key = ?", &statement));
    MUST(statement_bind_text(statement, 1, key));
    MUST(statement_step(statement, &there));
    if (there) {
        memcpy(&value, statement_bytes(statement, 0).data, sizeof value);
        statement_reset(statement);
    }
    return value;
}

static enum err note_set(struct driver *driver, struct str key, int64_t value)
{
    struct statement *statement;
    enum err err = ledger_prepare(driver->ledger,
                                  "INSERT INTO meta (key, value) VALUES (?, ?)"
                                  " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                                  &statement);
    if (err == OK) {
        err = statement_bind_text(statement, 1, key);
    }
    if (err == OK) {
        err = statement_bind_bytes(statement, 2, str_of(&value, sizeof value));
    }
    return err == OK ? statement_run(statement) : err;
}

static struct str told_key(struct driver *driver, uint64_t clock, bool breach)
{
    struct str key;
    MUST(arena_print(driver->mem, &key, "story:%llu:%d", (unsigned long long)clock, breach));
    return key;
}

static enum err told(void *context, const struct clock_fired *fired)
{
    struct driver *driver = context;
    struct str key = told_key(driver, fired->clock, fired->breach);
    return note_set(driver, key, note_get(driver, key) + 1);
}

/* ---- Commands. */

/* Drafted by the provider and signed by everybody who has to. */
static enum err document_put(struct driver *driver, struct str kind, struct str text,
                             struct wall now)
{
    struct document document;
    struct version version;
    struct wall next;
    bool changed;
    struct why why = {0};
    struct arena *mem = driver->mem;
    enum err err = document_read(schema_find(kind), text, mem, &document, &why);
    if (err == OK) {
        err = service_draft(driver->engineer, driver->service, CLIENT, &document, STR("story"),
                            WALL_NONE, now, mem, &version, &why);
    }
    if (err == OK) {
        err = service_sign(driver->responsible, driver->service, CLIENT, kind, version.hash, now,
                           mem, &version, &why);
    }
    if (err == OK && version.waits[0] != 0) {
        err = service_sign(driver->engineer, driver->service, CLIENT, kind, version.hash, now, mem,
                           &version, &why);
    }
    if (err == OK) {
        err = service_turn(driver->scope, driver->service, now, &next, &changed);
    }
    if (err != OK) {
        (void)fprintf(stderr, "clock_driver: %s\n", why_text(&why, err));
    }
    return err;
}

static struct str word(struct str *rest)
{
    return str_cut(rest, ' ');
}

static int64_t number(struct str *rest)
{
    uint64_t value;
    MUST(str_to_u64(word(rest), INT64_MAX, &value));
    return (int64_t)value;
}

static enum err moment_command(struct driver *driver, struct str rest)
{
    enum moment moment;
    enum level severity;
    struct subject subject = {"incident", (uint64_t)number(&rest)};
    MUST(moment_parse(word(&rest), &moment));
    MUST(level_parse(word(&rest), &severity));
    return clock_moment(driver->scope, driver->clocks, CLIENT, subject, moment, severity,
                        (struct wall){number(&rest)});
}

static enum err undone_command(struct driver *driver, struct str rest)
{
    enum moment moment;
    struct subject subject = {"incident", (uint64_t)number(&rest)};
    MUST(moment_parse(word(&rest), &moment));
    return clock_moment_undone(driver->scope, driver->clocks, CLIENT, subject, moment,
                               (struct wall){number(&rest)});
}

static enum err pause_command(struct driver *driver, struct str rest, bool pauses)
{
    struct clock_view *views;
    size_t count;
    struct subject subject = {"incident", (uint64_t)number(&rest)};
    struct str metric = word(&rest);
    struct str reason = pauses ? word(&rest) : STR("");
    struct wall at = {number(&rest)};
    MUST(clock_list(driver->scope, driver->clocks, CLIENT, subject, at, driver->mem, &views,
                    &count));
    for (size_t i = 0; i < count; i++) {
        if (str_equal(views[i].metric, metric)) {
            return pauses
                       ? clock_pause(driver->scope, driver->clocks, CLIENT, views[i].id, reason,
                                     STR("of the story"), at, NULL)
                       : clock_resume(driver->scope, driver->clocks, CLIENT, views[i].id, at, NULL);
        }
    }
    return ERR_NOT_FOUND;
}

static enum err command_run(struct driver *driver, struct str what, struct str rest,
                            struct wall number_time)
{
    struct wall next;
    if (str_equal(what, STR("document"))) {
        struct str kind = word(&rest);
        return document_put(driver, kind, rest, number_time);
    }
    if (str_equal(what, STR("moment"))) {
        return moment_command(driver, rest);
    }
    if (str_equal(what, STR("undone"))) {
        return undone_command(driver, rest);
    }
    if (str_equal(what, STR("pause")) || str_equal(what, STR("resume"))) {
        return pause_command(driver, rest, str_equal(what, STR("pause")));
    }
    if (str_equal(what, STR("turn"))) {
        struct wall now = {number(&rest)};
        return clocks_turn(driver->scope, driver->clocks, now, told, driver, &next);
    }
    return ERR_UNSUPPORTED;
}

static void time_show(struct wall wall)
{
    if (wall_known(wall)) {
        (void)printf(" %lld", (long long)wall.ns);
    } else {
        (void)printf(" -");
    }
}

static void clock_show(struct driver *driver, const struct clock_view *view)
{
    struct clock_step *steps;
    size_t count;
    const struct wall times[] = {view->due, view->warned, view->breached, view->started,
                                 view->stopped};
    (void)printf("clock %.*s %s %lld %.*s", STR_ARG(view->metric),
                 wall_known(view->stopped) ? "stopped"
                 : view->paused            ? "paused"
                                           : "running",
                 (long long)view->elapsed_ns, STR_ARG(view->sla));
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        time_show(times[i]);
    }
    (void)printf(" %lld %lld\n", (long long)note_get(driver, told_key(driver, view->id, false)),
                 (long long)note_get(driver, told_key(driver, view->id, true)));
    MUST(clock_history(driver->scope, driver->clocks, CLIENT, view->id, driver->mem, &steps,
                       &count));
    for (size_t i = 0; i < count; i++) {
        (void)printf("step %.*s %lld %lld\n", STR_ARG(steps[i].what), (long long)steps[i].at.ns,
                     (long long)steps[i].recorded.ns);
    }
}

static void list_command(struct driver *driver, struct str rest)
{
    struct clock_view *views;
    size_t count;
    struct subject subject = {"incident", (uint64_t)number(&rest)};
    struct wall now = {number(&rest)};
    MUST(clock_list(driver->scope, driver->clocks, CLIENT, subject, now, driver->mem, &views,
                    &count));
    for (size_t i = 0; i < count; i++) {
        clock_show(driver, &views[i]);
    }
    (void)printf("end\n");
}

/* A command and its number, in one transaction; one that is refused leaves its number alone. */
static void line_run(struct driver *driver, struct str line)
{
    struct str rest = line;
    struct str first = word(&rest);
    uint64_t count;
    if (str_equal(first, STR("list"))) {
        list_command(driver, rest);
        return;
    }
    MUST(str_to_u64(first, INT64_MAX, &count));
    if ((int64_t)count <= note_get(driver, STR("story"))) {
        (void)printf("ok %llu again\n", (unsigned long long)count);
        return;
    }
    struct str what = word(&rest);
    MUST(ledger_begin(driver->ledger));
    struct wall numbered = {(int64_t)count * NS_PER_SECOND};
    enum err err = command_run(driver, what, rest, numbered);
    if (err != OK) {
        ledger_rollback(driver->ledger);
        MUST(ledger_begin(driver->ledger));
    }
    MUST(note_set(driver, STR("story"), (int64_t)count));
    MUST(ledger_commit(driver->ledger));
    (void)printf("ok %llu %s\n", (unsigned long long)count,
                 err == OK              ? "done"
                 : err == ERR_DENIED    ? "denied"
                 : err == ERR_CONFLICT  ? "conflict"
                 : err == ERR_NOT_FOUND ? "missing"
                                        : err_text(err));
}

static void driver_open(struct driver *driver, const char *folder)
{
    struct apply_result result;
    struct why why = {0};
    enum err err = ledger_open(disk_real(), folder, &driver->ledger, &why);
    if (err != OK) {
        (void)fprintf(stderr, "clock_driver: %s\n", why_text(&why, err));
        exit(1);
    }
    driver->mem = arena_new(MEMORY_MAX);
    must(driver->mem == NULL ? ERR_MEMORY : OK, "arena_new");
    MUST(scope_for_test((struct client_id){0},
                        RIGHT_MANAGE | RIGHT_SERVE | RIGHT_WORK | RIGHT_INCIDENTS, &driver->scope));
    MUST(tenant_open(driver->ledger, EPOCH, &driver->tenant, NULL));
    struct client_id client;
    if (tenant_client_find(driver->tenant, STR("acme"), &client) != OK) {
        MUST(tenant_apply(driver->scope, driver->tenant, STR("clients: [{slug: acme}]"), EPOCH,
                          driver->mem, &result, NULL));
    }
    MUST(scope_for_test_role(CLIENT, ROLE_RESPONSIBLE, &driver->responsible));
    MUST(scope_for_test_role(CLIENT, ROLE_ENGINEER, &driver->engineer));
    MUST(service_open(driver->ledger, driver->tenant, EPOCH, &driver->service, NULL));
    MUST(clocks_new(driver->ledger, driver->service, ZONEINFO, &driver->clocks));
}

int main(int count, char **arguments)
{
    struct driver driver = {0};
    char *line = malloc(LINE_SIZE);
    if (count != 2 || line == NULL) {
        return 2;
    }
    driver_open(&driver, arguments[1]);
    while (fgets(line, LINE_SIZE, stdin) != NULL) {
        arena_reset(driver.mem);
        line_run(&driver, str_trim(str_from(line)));
        (void)fflush(stdout);
    }
    clocks_free(driver.clocks);
    service_close(driver.service);
    tenant_close(driver.tenant);
    ledger_close(driver.ledger);
    scope_free(driver.scope);
    scope_free(driver.responsible);
    scope_free(driver.engineer);
    arena_free(driver.mem);
    free(line);
    return 0;
}
