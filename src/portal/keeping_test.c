/* The archive, holds and accesses, as the API tells them. */

#include <stdio.h>
#include <string.h>

#include "portal/private.h"
#include "portal/stock.h"
#include "portal/world_test.h"
#include "testing/testing.h"

#define DAYS(count) ((count)*DAY_NS)

static bool holds(const struct api_answer *answer, const char *text)
{
    return str_find(buf_str(&answer->body), str_from(text)) != STR_NONE;
}

/* Sends as a role of alpha and expects a status; the caller frees the answer. */
static struct api_answer ask(struct world *world, enum role role, const char *method,
                             const char *target, const char *body, unsigned status)
{
    struct scope *scope;
    struct api_request request = world_request(method, target);
    CHECK(scope_for_test_role(world->clients[0], role, &scope) == OK);
    request.body = str_from(body);
    request.type = STR("application/json");
    struct api_answer answer = world_call_as(world, scope, &request);
    if (answer.status != status) {
        printf("%u %.*s\n", answer.status, STR_ARG(buf_str(&answer.body)));
    }
    CHECK(answer.status == status);
    scope_free(scope);
    return answer;
}

static void send(struct world *world, enum role role, const char *method, const char *target,
                 const char *body, unsigned status)
{
    struct api_answer answer = ask(world, role, method, target, body, status);
    api_answer_done(&answer);
}

/* One segment of the first source of alpha, promised 30 days, and a disk for 20. */
static struct lot_source lot_source;
static struct lot lot;
static struct promise_stretch stretch;
static struct promise promise;
static struct promises promises;

static enum err stock_tell(void *context, struct client_id client, struct arena *mem,
                           struct stock *ret)
{
    struct world *world = context;
    struct source_info source;
    (void)mem;
    for (size_t i = 0; tenant_source_at(world->rooms.tenant, i, &source); i++) {
        if (client_equal(source.client, client) && !source.own) {
            lot_source.source = source.id;
            promise.source = source.id;
        }
    }
    lot_source.days = 30;
    lot_source.oldest = (struct wall){world->now.ns - DAYS(40)};
    lot_source.newest = (struct wall){world->now.ns - DAYS(39)};
    lot_source.events = 7;
    lot_source.original = 700;
    lot = (struct lot){.kind = LOT_SEGMENT,
                       .number = 3,
                       .days = 30,
                       .first = 1,
                       .last = 7,
                       .oldest = lot_source.oldest,
                       .newest = lot_source.newest,
                       .events = 7,
                       .original = 700,
                       .stored = 70,
                       .sources = &lot_source,
                       .sources_count = 1};
    stretch = (struct promise_stretch){{0}, WALL_NONE, 30};
    promise.list = &stretch;
    promise.count = 1;
    promises = (struct promises){&promise, 1};
    *ret = (struct stock){
        .known = true,
        .told = world->now,
        .lots = &lot,
        .lots_count = 1,
        .keeping = {&promises, NULL, 0, 100},
        .foretold = true,
        .forecast = {FORECAST_SOON, 1000, 20, 365},
        .day_rate = 1,
        .disk_free = 20000,
        .warning_days = 30,
    };
    return OK;
}

TEST(the_archive_tells_what_lies_there_and_a_client_nothing_of_the_others_disk)
{
    struct world *world = world_new();
    api_attach_stock(world->api, stock_tell, world);
    struct api_answer answer = ask(world, ROLE_VIEWER, "GET", "/clients/alpha/archive", "", 200);
    CHECK(holds(&answer, "\"promised_days\":30"));
    CHECK(holds(&answer, "\"events\":7,\"original_bytes\":700,\"stored_bytes\":70"));
    CHECK(holds(&answer, "\"due\":1"));
    CHECK(holds(&answer, "\"disk_free\":null"));
    CHECK(holds(&answer, "\"days_promised\":30,\"days_left\":20,\"warning_days\":30,"
                         "\"warning\":\"soon\""));
    CHECK(!holds(&answer, "20000") && !holds(&answer, "1000,"));
    api_answer_done(&answer);
    answer = ask(world, ROLE_ANALYST, "GET", "/clients/alpha/archive", "", 200);
    CHECK(holds(&answer, "\"disk_free\":20000"));
    api_answer_done(&answer);
    send(world, ROLE_BIDDER, "GET", "/clients/alpha/archive", "", 403);
    world_free(world);
}

TEST(a_hold_of_an_incident_takes_its_span_and_is_released_by_who_may)
{
    struct world *world = world_new();
    send(world, ROLE_ANALYST, "POST", "/clients/alpha/holds",
         "{\"reason\":\"inquiry\",\"incident\":1}", 201);
    struct api_answer answer =
        ask(world, ROLE_VIEWER, "GET", "/clients/alpha/holds?open=yes", "", 200);
    CHECK(holds(&answer, "\"id\":1,") && holds(&answer, "\"incident\":1"));
    CHECK(!holds(&answer, "\"from\":null,\"to\":null"));
    CHECK(holds(&answer, "\"side\":\"provider\"") && holds(&answer, "\"in_force\":true"));
    api_answer_done(&answer);
    answer = ask(world, ROLE_ANALYST, "POST", "/clients/alpha/holds",
                 "{\"reason\":\"r\",\"sources\":[\"web-9\"]}", 400);
    CHECK(holds(&answer, "no source 'web-9'") && holds(&answer, "there are: alpha-web"));
    CHECK(!holds(&answer, "bravo"));
    api_answer_done(&answer);
    send(world, ROLE_VIEWER, "POST", "/clients/alpha/holds/1/release", "{\"reason\":\"r\"}", 403);
    send(world, ROLE_AUDITOR, "POST", "/clients/alpha/holds/1/release", "{\"reason\":\"r\"}", 403);
    send(world, ROLE_RESPONSIBLE, "POST", "/clients/alpha/holds/1/release", "{\"reason\":\" \"}",
         400);
    send(world, ROLE_RESPONSIBLE, "POST", "/clients/alpha/holds/1/release", "{\"reason\":\"r\"}",
         204);
    send(world, ROLE_RESPONSIBLE, "POST", "/clients/alpha/holds/1/release", "{\"reason\":\"r\"}",
         409);
    answer = ask(world, ROLE_VIEWER, "GET", "/clients/alpha/holds?open=yes", "", 200);
    CHECK(holds(&answer, "\"holds\":[]"));
    api_answer_done(&answer);
    /* Both are in the audit trail. */
    answer = ask(world, ROLE_AUDITOR, "GET", "/clients/alpha/audit", "", 200);
    CHECK(holds(&answer, "\"action\":\"hold\"") && holds(&answer, "\"action\":\"hold-release\""));
    api_answer_done(&answer);
    world_free(world);
}

TEST(a_hold_that_cannot_be_is_refused_with_its_place)
{
    struct world *world = world_new();
    static const char *const bodies[] = {
        "{}",
        "{\"reason\":\"\"}",
        "{\"reason\":\"n\",\"incident\":77}",
        "{\"reason\":\"n\",\"sources\":[\"nosuch\"]}",
        "{\"reason\":\"n\",\"sources\":\"x\"}",
        "{\"reason\":\"n\",\"from\":\"2026-02-01T00:00:00Z\",\"to\":\"2026-01-01T00:00:00Z\"}",
        "{\"reason\":\"n\",\"until\":\"2020-01-01T00:00:00Z\"}",
        "{\"reason\":\"n\",\"more\":1}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        send(world, ROLE_ANALYST, "POST", "/clients/alpha/holds", bodies[i], 400);
    }
    send(world, ROLE_ENGINEER, "POST", "/clients/alpha/holds", "{\"reason\":\"n\"}", 403);
    send(world, ROLE_ANALYST, "POST", "/clients/alpha/holds/9/release", "{\"reason\":\"n\"}", 404);
    world_free(world);
}

TEST(who_read_logs_is_told_with_the_query_and_to_who_may_read_the_audit_trail)
{
    struct world *world = world_new();
    const char *search = "/clients/alpha/events?query=user.name%3Ato%3A%20b&from=2026-01-01T00:00:"
                         "00Z&to=2026-02-01T00:00:00Z";
    struct api_answer answer = ask(world, ROLE_ANALYST, "GET", search, "", 200);
    api_answer_done(&answer);
    answer =
        ask(world, ROLE_CONTACT, "GET",
            "/clients/alpha/events/csv?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z", "", 200);
    api_answer_done(&answer);
    answer = ask(world, ROLE_RESPONSIBLE, "GET", "/clients/alpha/incidents/1/evidence", "", 200);
    api_answer_done(&answer);
    answer = ask(world, ROLE_AUDITOR, "GET", "/clients/alpha/accesses", "", 200);
    CHECK(holds(&answer, "\"kind\":\"search\",\"from\":\"2026-01-01T00:00:00"));
    CHECK(holds(&answer, "\"query\":\"user.name:to: b\""));
    CHECK(holds(&answer, "\"kind\":\"table\",\"from\":\"2026-01-01T00:00:00"));
    CHECK(holds(&answer, "\"kind\":\"lines\"") && holds(&answer, "lines behind incident 1"));
    api_answer_done(&answer);
    answer = ask(world, ROLE_AUDITOR, "GET", "/clients/alpha/accesses?limit=1", "", 200);
    CHECK(holds(&answer, "\"kind\":\"lines\"") && !holds(&answer, "\"kind\":\"table\""));
    api_answer_done(&answer);
    send(world, ROLE_ANALYST, "GET", "/clients/alpha/accesses", "", 403);
    send(world, ROLE_AUDITOR, "GET", "/clients/bravo/accesses", "", 404);
    world_free(world);
}
