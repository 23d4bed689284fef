/* Clocks in a small world: the client's SLA is effective, and time is what the tests say. */

#include "service/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/time.h"
#include "ledger/ledger.h"
#include "service/world_test.h"
#include "testing/testing.h"

#define MINUTE   (60 * NS_PER_SECOND)
#define HOUR     (60 * MINUTE)
#define SUBJECT  ((struct subject){"incident", 7})
#define ZONEINFO "/usr/share/zoneinfo"

static const char calendars[] =
    "calendars:\n"
    "  - slug: office\n"
    "    zone: Asia/Tokyo\n"
    "    hours: {monday: ['09:00-17:00'], tuesday: ['09:00-17:00'], wednesday: ['09:00-17:00']}\n";
static const char sla[] = "metrics:\n"
                          "  - slug: notice\n"
                          "    name: {ja: 初回通知, en: First notice}\n"
                          "    start: detected\n"
                          "    stop: notified\n"
                          "    warn_at: 50\n"
                          "    targets: {high: 1h, critical: 30m}\n"
                          "    pause_reasons: [{slug: client-asked}]\n"
                          "  - slug: repair\n"
                          "    name: {ja: 復旧, en: Repair}\n"
                          "    start: detected\n"
                          "    stop: returned\n"
                          "    calendar: office\n"
                          "    warn_at: 75\n"
                          "    targets: {high: 10h}\n";

struct scene {
    struct world world;
    struct clocks *clocks;
    struct scope *staff; /* the service's own work, and an analyst's */
    char told[2048];     /* "notice! 09:30, …" */
};

static struct wall at(const char *text)
{
    struct wall wall;
    CHECK(time_parse(str_from(text), &wall) == OK);
    return wall;
}

/* A time of Monday, 30 November 2026, in Tokyo. */
static struct wall monday(const char *time)
{
    char text[64];
    (void)snprintf(text, sizeof text, "2026-11-30T%s:00+09:00", time);
    return at(text);
}

static void agree(struct scene *scene, const char *kind, const char *text, int64_t seconds)
{
    struct world *world = &scene->world;
    struct version version = world_draft(world, kind, text, seconds, WALL_NONE);
    CHECK(world_sign(world, ROLE_RESPONSIBLE, &version, seconds, &version) == OK);
    if (version.waits[0] != 0) {
        CHECK(world_sign(world, ROLE_ENGINEER, &version, seconds, &version) == OK);
    }
}

static struct scene scene_new(void)
{
    struct scene scene = {.world = world_new()};
    CHECK(scope_for_test((struct client_id){0}, RIGHT_SERVE | RIGHT_WORK | RIGHT_INCIDENTS,
                         &scene.staff) == OK);
    agree(&scene, "calendars", calendars, 1);
    agree(&scene, "sla", sla, 2);
    CHECK(clocks_new(scene.world.ledger, scene.world.service, ZONEINFO, &scene.clocks) == OK);
    return scene;
}

static void scene_reopen(struct scene *scene)
{
    clocks_free(scene->clocks);
    world_reopen(&scene->world);
    CHECK(clocks_new(scene->world.ledger, scene->world.service, ZONEINFO, &scene->clocks) == OK);
}

static void scene_done(struct scene *scene)
{
    clocks_free(scene->clocks);
    scope_free(scene->staff);
    world_done(&scene->world);
}

static void moment(struct scene *scene, enum moment moment, struct wall when)
{
    CHECK(clock_moment(scene->staff, scene->clocks, ACME, SUBJECT, moment, LEVEL_HIGH, when) == OK);
}

static void undone(struct scene *scene, enum moment moment, struct wall when)
{
    CHECK(clock_moment_undone(scene->staff, scene->clocks, ACME, SUBJECT, moment, when) == OK);
}

static enum err tell(void *context, const struct clock_fired *fired)
{
    struct scene *scene = context;
    size_t size = strlen(scene->told);
    struct civil civil;
    time_to_civil((struct wall){fired->at.ns + 9 * HOUR}, &civil);
    CHECK(client_equal(fired->client, ACME) && fired->subject.id == SUBJECT.id);
    CHECK(strcmp(fired->subject.kind, SUBJECT.kind) == 0);
    (void)snprintf(scene->told + size, sizeof scene->told - size, "%s%.*s%s %d-%02d:%02d",
                   size > 0 ? ", " : "", STR_ARG(fired->metric), fired->breach ? "!" : "?",
                   civil.day, civil.hour, civil.minute);
    return OK;
}

/* What a turn tells, and when it wants to come again. */
static const char *turn(struct scene *scene, struct wall now, struct wall *next)
{
    scene->told[0] = '\0';
    CHECK(clocks_turn(scene->staff, scene->clocks, now, tell, scene, next) == OK);
    return scene->told;
}

static struct clock_view view(struct scene *scene, const char *metric, struct wall now)
{
    struct clock_view *views;
    size_t count;
    CHECK(clock_list(scene->staff, scene->clocks, ACME, SUBJECT, now, scene->world.mem, &views,
                     &count) == OK);
    for (size_t i = 0; i < count; i++) {
        if (str_equal(views[i].metric, str_from(metric))) {
            return views[i];
        }
    }
    return (struct clock_view){0};
}

static enum err pause(struct scene *scene, const char *metric, const char *reason, struct wall now)
{
    struct why why = {0};
    uint64_t id = view(scene, metric, now).id;
    enum err err = clock_pause(scene->staff, scene->clocks, ACME, id, str_from(reason),
                               STR("a note"), now, &why);
    CHECK(err == OK || err == ERR_NOT_FOUND || why.text[0] != '\0');
    return err;
}

static enum err resume(struct scene *scene, const char *metric, struct wall now)
{
    return clock_resume(scene->staff, scene->clocks, ACME, view(scene, metric, now).id, now, NULL);
}

/* "start 09:00, pause 09:10": what happened to a clock. */
static const char *history(struct scene *scene, const char *metric)
{
    static char text[1024];
    struct clock_step *steps;
    size_t count;
    size_t size = 0;
    uint64_t id = view(scene, metric, WORLD_NOW).id;
    CHECK(clock_history(scene->staff, scene->clocks, ACME, id, scene->world.mem, &steps, &count) ==
          OK);
    for (size_t i = 0; i < count; i++) {
        struct civil civil;
        time_to_civil((struct wall){steps[i].at.ns + 9 * HOUR}, &civil);
        size +=
            (size_t)snprintf(text + size, sizeof text - size, "%s%.*s %02d:%02d", i > 0 ? ", " : "",
                             STR_ARG(steps[i].what), civil.hour, civil.minute);
    }
    return text;
}

TEST(moments_read_as_they_are_written)
{
    for (int i = 0; i < MOMENT_COUNT; i++) {
        enum moment read;
        CHECK(moment_parse(str_from(moment_text((enum moment)i)), &read) == OK);
        CHECK(read == (enum moment)i);
    }
    enum moment read;
    CHECK(moment_parse(STR("lunch"), &read) == ERR_SYNTAX);
}

TEST(a_moment_starts_the_metrics_that_have_a_target_for_the_severity)
{
    struct scene scene = scene_new();
    CHECK(clock_moment(scene.staff, scene.clocks, ACME, SUBJECT, MOMENT_DETECTED, LEVEL_CRITICAL,
                       monday("09:00")) == OK);
    struct clock_view notice = view(&scene, "notice", monday("09:10"));
    CHECK(notice.target_ns == 30 * MINUTE && notice.elapsed_ns == 10 * MINUTE);
    CHECK(notice.started.ns == monday("09:00").ns && !wall_known(notice.stopped));
    CHECK(notice.due.ns == monday("09:30").ns && notice.severity == LEVEL_CRITICAL);
    CHECK(str_equal(notice.name_ja, STR("初回通知")));
    CHECK(str_equal(notice.name_en, STR("First notice")) && notice.sla.size == 64);
    CHECK(view(&scene, "repair", monday("09:10")).id == 0);
    scene_done(&scene);
}

TEST(a_metric_of_a_subject_starts_once_and_stops_once)
{
    struct scene scene = scene_new();
    moment(&scene, MOMENT_DETECTED, monday("09:00"));
    moment(&scene, MOMENT_DETECTED, monday("09:05"));
    moment(&scene, MOMENT_NOTIFIED, monday("09:20"));
    moment(&scene, MOMENT_NOTIFIED, monday("09:40"));
    CHECK(strcmp(history(&scene, "notice"), "start 09:00, stop 09:20") == 0);
    struct clock_view notice = view(&scene, "notice", monday("12:00"));
    CHECK(notice.stopped.ns == monday("09:20").ns && notice.elapsed_ns == 20 * MINUTE);
    CHECK(!wall_known(notice.due) && !wall_known(notice.warned));
    scene_done(&scene);
}

TEST(working_time_goes_through_the_calendar)
{
    struct scene scene = scene_new();
    moment(&scene, MOMENT_DETECTED, monday("16:00"));
    struct clock_view repair = view(&scene, "repair", at("2026-12-01T10:00:00+09:00"));
    CHECK(repair.elapsed_ns == 2 * HOUR);
    CHECK(repair.due.ns == at("2026-12-02T10:00:00+09:00").ns);
    scene_done(&scene);
}

TEST(warnings_and_breaches_are_told_once_in_the_order_of_their_moments)
{
    struct scene scene = scene_new();
    struct wall next;
    CHECK(strcmp(turn(&scene, monday("08:00"), &next), "") == 0 && !wall_known(next));
    moment(&scene, MOMENT_DETECTED, monday("09:00"));
    CHECK(strcmp(turn(&scene, monday("09:29"), &next), "") == 0);
    CHECK(next.ns == monday("09:30").ns);
    CHECK(strcmp(turn(&scene, monday("09:30"), &next), "notice? 30-09:30") == 0);
    CHECK(strcmp(turn(&scene, monday("09:30"), &next), "") == 0);
    scene_reopen(&scene);
    CHECK(strcmp(turn(&scene, at("2026-12-05T00:00:00Z"), &next),
                 "notice! 30-10:00, repair? 30-16:30, repair! 1-11:00") == 0);
    CHECK(!wall_known(next));
    CHECK(strcmp(turn(&scene, at("2026-12-06T00:00:00Z"), &next), "") == 0);
    CHECK(view(&scene, "repair", at("2026-12-06T00:00:00Z")).breached.ns ==
          at("2026-12-01T11:00:00+09:00").ns);
    scene_done(&scene);
}

TEST(a_breach_before_the_stop_is_told_even_if_the_stop_was_known_first)
{
    struct scene scene = scene_new();
    struct wall next;
    moment(&scene, MOMENT_DETECTED, monday("09:00"));
    moment(&scene, MOMENT_NOTIFIED, monday("10:00")); /* just then is too late */
    CHECK(strcmp(turn(&scene, monday("11:00"), &next), "notice? 30-09:30, notice! 30-10:00") == 0);
    scene_done(&scene);
    scene = scene_new();
    moment(&scene, MOMENT_DETECTED, monday("09:00"));
    moment(&scene, MOMENT_NOTIFIED, (struct wall){monday("10:00").ns - 1});
    CHECK(strcmp(turn(&scene, monday("11:00"), &next), "notice? 30-09:30") == 0);
    scene_done(&scene);
}

TEST(a_turn_whose_caller_fails_has_told_nothing)
{
    struct scene scene = scene_new();
    struct wall next;
    moment(&scene, MOMENT_DETECTED, monday("09:00"));
    CHECK(ledger_begin(scene.world.ledger) == OK);
    CHECK(strcmp(turn(&scene, monday("09:45"), &next), "notice? 30-09:30") == 0);
    ledger_rollback(scene.world.ledger);
    CHECK(strcmp(turn(&scene, monday("09:45"), &next), "notice? 30-09:30") == 0);
    scene_done(&scene);
}

TEST(a_pause_does_not_count_and_moves_what_is_due)
{
    struct scene scene = scene_new();
    struct wall next;
    moment(&scene, MOMENT_DETECTED, monday("09:00"));
    CHECK(pause(&scene, "notice", "client-asked", monday("09:10")) == OK);
    struct clock_view notice = view(&scene, "notice", monday("11:00"));
    CHECK(notice.paused && notice.elapsed_ns == 10 * MINUTE && !wall_known(notice.due));
    CHECK(str_equal(notice.pause_reason, STR("client-asked")));
    CHECK(strcmp(turn(&scene, monday("11:00"), &next), "") == 0);
    CHECK(resume(&scene, "notice", monday("11:00")) == OK);
    notice = view(&scene, "notice", monday("11:05"));
    CHECK(!notice.paused && notice.elapsed_ns == 15 * MINUTE && notice.pause_reason.size == 0);
    CHECK(notice.due.ns == monday("11:50").ns);
    CHECK(strcmp(turn(&scene, monday("12:00"), &next), "notice? 30-11:20, notice! 30-11:50") == 0);
    CHECK(strcmp(history(&scene, "notice"), "start 09:00, pause 09:10, resume 11:00,"
                                            " warning 11:20, breach 11:50") == 0);
    CHECK(world_audited(&scene.world, "clock-pause") == 1);
    CHECK(world_audited(&scene.world, "clock-resume") == 1);
    scene_done(&scene);
}

TEST(a_pause_needs_an_allowed_reason_and_a_clock_that_runs)
{
    struct scene scene = scene_new();
    moment(&scene, MOMENT_DETECTED, monday("09:00"));
    CHECK(pause(&scene, "notice", "lunch", monday("09:10")) == ERR_DENIED);
    CHECK(pause(&scene, "repair", "client-asked", monday("09:10")) == ERR_DENIED);
    CHECK(resume(&scene, "notice", monday("09:10")) == ERR_CONFLICT);
    CHECK(pause(&scene, "none", "client-asked", monday("09:10")) == ERR_NOT_FOUND);
    CHECK(pause(&scene, "notice", "client-asked", monday("09:10")) == OK);
    CHECK(pause(&scene, "notice", "client-asked", monday("09:20")) == ERR_CONFLICT);
    moment(&scene, MOMENT_NOTIFIED, monday("09:30"));
    CHECK(resume(&scene, "notice", monday("09:40")) == ERR_CONFLICT);
    CHECK(view(&scene, "notice", monday("09:50")).elapsed_ns == 10 * MINUTE);
    scene_done(&scene);
}

TEST(a_moment_undone_lets_its_clocks_run_on_and_the_time_between_counts)
{
    struct scene scene = scene_new();
    struct wall next;
    moment(&scene, MOMENT_DETECTED, monday("09:00"));
    moment(&scene, MOMENT_NOTIFIED, monday("09:10"));
    CHECK(strcmp(turn(&scene, monday("09:50"), &next), "") == 0);
    undone(&scene, MOMENT_RETURNED, monday("09:55"));
    CHECK(view(&scene, "notice", monday("09:55")).elapsed_ns == 10 * MINUTE);
    undone(&scene, MOMENT_NOTIFIED, monday("09:55"));
    struct clock_view notice = view(&scene, "notice", monday("09:55"));
    CHECK(notice.elapsed_ns == 55 * MINUTE && !wall_known(notice.stopped));
    CHECK(strcmp(turn(&scene, monday("10:00"), &next), "notice? 30-09:30, notice! 30-10:00") == 0);
    moment(&scene, MOMENT_NOTIFIED, monday("10:05"));
    CHECK(view(&scene, "notice", monday("12:00")).elapsed_ns == 65 * MINUTE);
    scene_done(&scene);
}

TEST(a_clock_that_was_paused_when_it_stopped_is_paused_again)
{
    struct scene scene = scene_new();
    moment(&scene, MOMENT_DETECTED, monday("09:00"));
    CHECK(pause(&scene, "notice", "client-asked", monday("09:10")) == OK);
    moment(&scene, MOMENT_NOTIFIED, monday("09:20"));
    undone(&scene, MOMENT_NOTIFIED, monday("09:30"));
    struct clock_view notice = view(&scene, "notice", monday("09:40"));
    CHECK(notice.paused && notice.elapsed_ns == 10 * MINUTE);
    CHECK(resume(&scene, "notice", monday("09:40")) == OK);
    CHECK(view(&scene, "notice", monday("09:50")).elapsed_ns == 20 * MINUTE);
    scene_done(&scene);
}

TEST(what_is_reported_for_before_the_last_step_counts_from_there)
{
    struct scene scene = scene_new();
    moment(&scene, MOMENT_DETECTED, monday("09:00"));
    CHECK(pause(&scene, "notice", "client-asked", monday("09:10")) == OK);
    CHECK(resume(&scene, "notice", monday("09:20")) == OK);
    moment(&scene, MOMENT_NOTIFIED, monday("09:15"));
    CHECK(strcmp(history(&scene, "notice"), "start 09:00, pause 09:10, resume 09:20, stop 09:20") ==
          0);
    CHECK(view(&scene, "notice", monday("12:00")).elapsed_ns == 10 * MINUTE);
    scene_done(&scene);
}

TEST(a_clock_keeps_the_versions_that_it_started_under)
{
    struct scene scene = scene_new();
    moment(&scene, MOMENT_DETECTED, monday("09:00"));
    struct str before = view(&scene, "repair", monday("09:00")).sla;
    agree(&scene, "calendars", "calendars: [{slug: office, zone: UTC}]", 10);
    agree(&scene, "sla",
          "metrics: [{slug: notice, start: detected, stop: decided, warn_at: 10,"
          " targets: {high: 2h}, pause_reasons: [{slug: other}]}]",
          11);
    scene_reopen(&scene);
    struct clock_view repair = view(&scene, "repair", at("2026-12-01T10:00:00+09:00"));
    CHECK(repair.elapsed_ns == 9 * HOUR && str_equal(repair.sla, before));
    CHECK(pause(&scene, "notice", "other", monday("09:10")) == ERR_DENIED);
    CHECK(pause(&scene, "notice", "client-asked", monday("09:10")) == OK);
    moment(&scene, MOMENT_DECIDED, monday("09:20"));
    CHECK(view(&scene, "notice", monday("09:30")).paused);
    CHECK(clock_moment(scene.staff, scene.clocks, ACME, (struct subject){"incident", 8},
                       MOMENT_DETECTED, LEVEL_HIGH, monday("09:00")) == OK);
    struct clock_view *views;
    size_t count;
    CHECK(clock_list(scene.staff, scene.clocks, ACME, (struct subject){"incident", 8},
                     monday("09:30"), scene.world.mem, &views, &count) == OK);
    CHECK(count == 1 && views[0].target_ns == 2 * HOUR && !str_equal(views[0].sla, before));
    scene_done(&scene);
}

TEST(without_an_effective_sla_nothing_starts)
{
    struct scene scene = {.world = world_new()};
    CHECK(scope_for_test((struct client_id){0}, RIGHT_SERVE, &scene.staff) == OK);
    CHECK(clocks_new(scene.world.ledger, scene.world.service, ZONEINFO, &scene.clocks) == OK);
    moment(&scene, MOMENT_DETECTED, monday("09:00"));
    CHECK(view(&scene, "notice", monday("09:10")).id == 0);
    scene_done(&scene);
}

TEST(a_clock_whose_calendar_cannot_be_had_always_runs_and_says_so)
{
    struct scene scene = {.world = world_new()};
    struct clock_step *steps;
    size_t count;
    CHECK(scope_for_test((struct client_id){0}, RIGHT_SERVE, &scene.staff) == OK);
    CHECK(clocks_new(scene.world.ledger, scene.world.service, ZONEINFO, &scene.clocks) == OK);
    agree(&scene, "calendars", "calendars: [{slug: office, zone: Asia/Nowhere}]", 1);
    agree(&scene, "sla", sla, 2);
    moment(&scene, MOMENT_DETECTED, monday("09:00"));
    struct clock_view repair = view(&scene, "repair", monday("20:00"));
    CHECK(repair.elapsed_ns == 11 * HOUR);
    CHECK(clock_history(scene.staff, scene.clocks, ACME, repair.id, scene.world.mem, &steps,
                        &count) == OK);
    CHECK(count == 1 && str_equal(steps[0].reason, STR("calendar-unusable")));
    CHECK(str_find(steps[0].note, STR("Asia/Nowhere")) != STR_NONE);
    scene_done(&scene);
}

TEST(each_call_asks_the_scope_first)
{
    struct scene scene = scene_new();
    struct scope *other;
    struct wall next;
    struct clock_view *views;
    struct clock_step *steps;
    size_t count;
    moment(&scene, MOMENT_DETECTED, monday("09:00"));
    uint64_t id = view(&scene, "notice", monday("09:10")).id;
    CHECK(scope_for_test((struct client_id){1}, RIGHT_SERVE | RIGHT_WORK | RIGHT_INCIDENTS,
                         &other) == OK);
    CHECK(clock_moment(other, scene.clocks, ACME, SUBJECT, MOMENT_NOTIFIED, LEVEL_HIGH,
                       monday("09:10")) == ERR_DENIED);
    CHECK(clock_moment_undone(other, scene.clocks, ACME, SUBJECT, MOMENT_NOTIFIED,
                              monday("09:10")) == ERR_DENIED);
    CHECK(clock_pause(other, scene.clocks, ACME, id, STR("client-asked"), STR(""), monday("09:10"),
                      NULL) == ERR_DENIED);
    CHECK(clock_resume(other, scene.clocks, ACME, id, monday("09:10"), NULL) == ERR_DENIED);
    CHECK(clocks_turn(other, scene.clocks, monday("09:40"), NULL, NULL, &next) == ERR_DENIED);
    CHECK(clock_list(other, scene.clocks, ACME, SUBJECT, monday("09:40"), scene.world.mem, &views,
                     &count) == ERR_DENIED);
    CHECK(clock_history(other, scene.clocks, ACME, id, scene.world.mem, &steps, &count) ==
          ERR_DENIED);
    /* The clock of one client is not there for another. */
    CHECK(clock_history(other, scene.clocks, (struct client_id){1}, id, scene.world.mem, &steps,
                        &count) == ERR_NOT_FOUND);
    CHECK(clock_pause(other, scene.clocks, (struct client_id){1}, id, STR("client-asked"), STR(""),
                      monday("09:10"), NULL) == ERR_NOT_FOUND);
    scope_free(other);
    scene_done(&scene);
}

TEST(a_failing_disk_leaves_a_step_whole_or_not_at_all)
{
    for (uint64_t nth = 1; nth < 40; nth++) {
        struct scene scene = scene_new();
        struct wall next;
        moment(&scene, MOMENT_DETECTED, monday("09:00"));
        fake_fail(scene.world.fake, FAKE_WRITE, nth, false, ERR_FULL);
        enum err err = clock_moment(scene.staff, scene.clocks, ACME, SUBJECT, MOMENT_NOTIFIED,
                                    LEVEL_HIGH, monday("09:40"));
        bool failed = fake_failed(scene.world.fake);
        fake_fail(scene.world.fake, FAKE_ANY, 1, false, OK);
        scene_reopen(&scene);
        CHECK(err == OK || failed);
        if (wall_known(view(&scene, "notice", monday("10:00")).stopped)) {
            CHECK(strcmp(turn(&scene, monday("10:30"), &next), "notice? 30-09:30") == 0);
        } else {
            CHECK(err != OK);
            CHECK(strcmp(turn(&scene, monday("10:30"), &next),
                         "notice? 30-09:30, notice! 30-10:00") == 0);
        }
        scene_done(&scene);
        if (!failed) {
            break;
        }
    }
}
