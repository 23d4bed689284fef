/* What operations ask of the archive: the job is all that a worker gets to know. */

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/packed.h"
#include "portal/private.h"
#include "portal/world_test.h"
#include "testing/testing.h"

#define SPAN "from=2026-09-20T00:00:00Z&to=2026-09-21T00:00:00Z"

static bool holds(const struct api_answer *answer, const char *text)
{
    return str_find(buf_str(&answer->body), str_from(text)) != STR_NONE;
}

static struct api_answer get(struct world *world, const char *target, size_t client, enum role role)
{
    struct api_request request = world_request("GET", target);
    request.session = world_session(world, client, role);
    return world_call(world, &request);
}

TEST(a_search_is_a_job_under_the_scope_of_whoever_asks_and_noted_before)
{
    struct world *world = world_new();
    struct scope *scope;
    struct api_answer answer =
        get(world, "/clients/alpha/events?query=apple+or+pear&before=77&" SPAN, 0, ROLE_ANALYST);
    const struct api_job *job = &answer.job;
    CHECK(job->kind == API_JOB_SEARCH && client_equal(job->client, world->clients[0]));
    CHECK(job->before == 77 && job->limit == PORTAL_PAGE_DEFAULT && job->person != 0);
    CHECK(str_equal(buf_str(&job->text), STR("apple or pear")));
    CHECK(job->to.ns - job->from.ns == 86400 * NS_PER_SECOND);
    CHECK(scope_decode(buf_str(&job->scope), &scope) == OK);
    CHECK(scope_allows(scope, world->clients[0], RIGHT_READ));
    CHECK(!scope_allows(scope, world->clients[1], RIGHT_READ));
    scope_free(scope);
    api_answer_done(&answer);
    answer = get(world, "/clients/alpha/audit", 0, ROLE_AUDITOR);
    CHECK(holds(&answer, "events 2026-09-20T00:00:00.000000Z to 2026-09-21T00:00:00.000000Z: "
                         "apple or pear"));
    api_answer_done(&answer);
    world_free(world);
}

TEST(a_wrong_search_starts_no_worker_and_names_its_place)
{
    struct world *world = world_new();
    const struct {
        const char *target, *says;
    } wrong[] = {
        {"/clients/alpha/events?query=a+and+(b&" SPAN, "\"column\":"},
        {"/clients/alpha/events?query=ok&from=2026-09-20T00:00:00Z", "'to'"},
        {"/clients/alpha/events?from=2026-09-20T00:00:00Z&to=2026-09-20T00:00:00Z", "'to'"},
        {"/clients/alpha/events?limit=501&" SPAN, "'limit'"},
        {"/clients/alpha/events?before=-1&" SPAN, "'before'"},
        {"/clients/alpha/events/csv?limit=5&" SPAN, "'limit'"},
        {"/clients/alpha/incidents/1/evidence?limit=101", "'limit'"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct api_answer answer = get(world, wrong[i].target, 0, ROLE_ANALYST);
        if (answer.status != 400 || answer.job.kind != API_JOB_NONE ||
            !holds(&answer, wrong[i].says)) {
            printf("%s: %u %.*s\n", wrong[i].target, answer.status, STR_ARG(buf_str(&answer.body)));
        }
        CHECK(answer.status == 400 && answer.job.kind == API_JOB_NONE);
        CHECK(holds(&answer, wrong[i].says));
        api_answer_done(&answer);
    }
    world_free(world);
}

TEST(who_may_not_read_lines_gets_neither_events_nor_evidence)
{
    struct world *world = world_new();
    static const char *const targets[] = {"/clients/alpha/events?" SPAN,
                                          "/clients/alpha/events/csv?" SPAN,
                                          "/clients/alpha/incidents/1/evidence"};
    for (size_t i = 0; i < 3; i++) {
        struct api_answer answer = get(world, targets[i], 0, ROLE_VIEWER);
        CHECK(answer.status == 403 && answer.job.kind == API_JOB_NONE);
        api_answer_done(&answer);
    }
    world_free(world);
}

/* ---- Evidence. */

/* A correlation over `records` events, in the incident that alpha has. */
static void correlation_add(struct world *world, unsigned records)
{
    struct buf list;
    struct scope *serve;
    uint64_t fresh;
    buf_init(&list, 4096);
    for (unsigned i = 0; i < records; i++) {
        CHECK(buf_print(&list, i == 0 ? "%u" : " %u", 500 - i) == OK);
    }
    struct alert alert = {
        .kind = ALERT_CORRELATION,
        .place = {world->clients[0], 600},
        .received = world->now,
        .happened = WALL_NONE,
        .level = LEVEL_HIGH,
        .rule_id = STR("c1"),
        .rule_version = STR("00ff"),
        .records = buf_str(&list),
        .count = records,
        .outcome = {.type = STR("sql-injection"),
                    .severity = LEVEL_HIGH,
                    .incident = true,
                    .asset = STR("alpha")},
    };
    const struct alerts alerts = {&alert, 1};
    CHECK(
        scope_for_test((struct client_id){0},
                       RIGHT_ALERT | RIGHT_ALERTS | RIGHT_INCIDENTS | RIGHT_DOCUMENTS | RIGHT_SERVE,
                       &serve) == OK);
    CHECK(ledger_begin(world->rooms.ledger) == OK);
    CHECK(incident_store(serve, world->rooms.ledger, world->clients[0], &alerts, 601, world->now,
                         &fresh) == OK);
    CHECK(incident_group(serve, world->rooms.incidents, world->clients[0], world->now, &fresh) ==
              OK &&
          fresh == 0);
    CHECK(ledger_commit(world->rooms.ledger) == OK);
    scope_free(serve);
    buf_done(&list);
}

TEST(evidence_is_an_incidents_alerts_and_the_places_of_their_lines)
{
    struct world *world = world_new();
    struct str rest, json, places;
    uint32_t more;
    correlation_add(world, 30);
    struct api_answer answer = get(world, "/clients/alpha/incidents/1/evidence", 0, ROLE_ANALYST);
    CHECK(answer.job.kind == API_JOB_EVIDENCE && answer.job.from_place == 1);
    rest = buf_str(&answer.job.text);
    CHECK(packed_take_number(&rest, &more) == OK && more == 0);
    CHECK(packed_take_text(&rest, &json) == OK && packed_take_text(&rest, &places) == OK);
    CHECK(str_find(json, STR("Seen at alpha")) != STR_NONE);
    CHECK(places.size == 8 && get_u64(places.data) == 1);
    CHECK(packed_take_text(&rest, &json) == OK && packed_take_text(&rest, &places) == OK);
    CHECK(str_find(json, STR("\"kind\":\"correlation\"")) != STR_NONE);
    CHECK(places.size == 8 * EVIDENCE_LINES_MAX && get_u64(places.data) == 500);
    CHECK(rest.size == 0);
    api_answer_done(&answer);
    answer = get(world, "/clients/alpha/incidents/1/evidence?limit=1", 0, ROLE_ANALYST);
    rest = buf_str(&answer.job.text);
    CHECK(packed_take_number(&rest, &more) == OK && more == 1);
    api_answer_done(&answer);
    world_free(world);
}

TEST(evidence_holds_the_alerts_of_its_own_incident_alone)
{
    struct world *world = world_new();
    struct api_answer answer = get(world, "/clients/bravo/incidents/2/evidence", 1, ROLE_ANALYST);
    CHECK(answer.job.kind == API_JOB_EVIDENCE && answer.job.from_place == 2);
    CHECK(str_find(buf_str(&answer.job.text), STR("brute-force")) != STR_NONE);
    CHECK(str_find(buf_str(&answer.job.text), STR("malware")) == STR_NONE);
    api_answer_done(&answer);
    world_free(world);
}
