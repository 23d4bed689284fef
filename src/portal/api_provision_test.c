/* A request's way through the API: who asks, who approves, who fetches. */

#include <stdio.h>
#include <string.h>

#include "portal/world_test.h"
#include "provision/provision.h"
#include "testing/testing.h"

static const char wish[] =
    "{\"from\":\"2026-09-01\",\"to\":\"2026-09-02\",\"sources\":[\"alpha-web\"],"
    "\"format\":\"csv\",\"purpose\":\"yearly audit\"}";

static struct api_answer call(struct world *world, enum role role, const char *method,
                              const char *target, const char *body)
{
    struct api_request request = world_request(method, target);
    request.session = world_session(world, 0, role);
    request.type = STR("application/json");
    request.body = str_from(body);
    return world_call(world, &request);
}

static void expect(struct world *world, enum role role, const char *method, const char *target,
                   const char *body, unsigned status, const char *text)
{
    struct api_answer answer = call(world, role, method, target, body);
    if (answer.status != status || str_find(buf_str(&answer.body), str_from(text)) == STR_NONE) {
        printf("%s %s: %u %.*s\n", method, target, answer.status, STR_ARG(buf_str(&answer.body)));
        testing_fail(text, __FILE__, __LINE__);
    }
    api_answer_done(&answer);
}

static void make_ready(struct world *world, uint64_t id)
{
    const struct provision_made made = {
        .file = STR("alpha.zip"), .sha256 = STR("abc"), .size = 1234, .events = 7};
    struct scope *job;
    CHECK(scope_for_job(world->rooms.tenant, STR("test"), &job) == OK);
    CHECK(provision_ready(job, world->rooms.ledger, id, &made, world->now) == OK);
    scope_free(job);
}

#define OF(id) "/clients/alpha/provisions/" id

/* Requests 1 (alpha's), 2 and 3 (bravo's) were made with the world. */
TEST(an_auditor_asks_the_client_approves_and_both_may_fetch)
{
    struct world *world = world_new();
    expect(world, ROLE_AUDITOR, "POST", "/clients/alpha/provisions", wish, 201,
           "\"status\":\"waiting-approval\"");
    expect(world, ROLE_ANALYST, "POST", OF("4/approve"), "{}", 403, "not-allowed");
    expect(world, ROLE_AUDITOR, "POST", OF("4/approve"), "{}", 403, "not-allowed");
    expect(world, ROLE_AUDITOR, "GET", OF("4/package"), "", 409, "waiting-approval");
    expect(world, ROLE_RESPONSIBLE, "POST", OF("4/approve"), "{\"note\":\"承知しました\"}", 200,
           "\"status\":\"preparing\"");
    expect(world, ROLE_RESPONSIBLE, "POST", OF("4/refuse"), "{}", 409, "preparing");
    make_ready(world, 4);
    expect(world, ROLE_ANALYST, "GET", OF("4/package"), "", 403, "not-allowed");
    struct api_answer answer = call(world, ROLE_AUDITOR, "GET", OF("4/package"), "");
    CHECK(answer.status == 200 && str_equal(answer.file.name, STR("alpha.zip")));
    CHECK(answer.file.size == 1234 && answer.body.size == 0);
    CHECK(str_equal(answer.type, STR("application/zip")));
    api_answer_done(&answer);
    expect(world, ROLE_CONTACT, "GET", OF("4"), "", 200, "\"status\":\"delivered\"");
    expect(world, ROLE_CONTACT, "GET", OF("4"), "", 200, "\"note\":\"承知しました\"");
    expect(world, ROLE_AUDITOR, "GET", "/clients/alpha/audit", "", 200, "provision delivered");
    world_free(world);
}

TEST(what_the_client_asks_for_is_prepared_at_once_and_the_list_is_the_newest_first)
{
    struct world *world = world_new();
    expect(world, ROLE_RESPONSIBLE, "POST", "/clients/alpha/provisions", wish, 201,
           "\"status\":\"preparing\"");
    expect(world, ROLE_RESPONSIBLE, "GET", "/clients/alpha/provisions", "", 200,
           "{\"provisions\":[{\"id\":4,");
    expect(world, ROLE_RESPONSIBLE, "GET", "/clients/alpha/provisions?before=4", "", 200,
           "{\"provisions\":[{\"id\":1,");
    expect(world, ROLE_CONTACT, "POST", OF("4/cancel"), "{}", 403, "not-allowed");
    expect(world, ROLE_RESPONSIBLE, "POST", OF("4/cancel"), "{}", 200, "\"status\":\"cancelled\"");
    world_free(world);
}

TEST(a_wish_that_cannot_be_read_is_refused_with_its_place)
{
    static const struct {
        const char *body, *said;
    } wrong[] = {
        {"{\"from\":\"2026-09-02\",\"to\":\"2026-09-01\",\"format\":\"raw\",\"purpose\":\"p\"}",
         "period"},
        {"{\"from\":\"2026-09-01\",\"to\":\"2026-09-02\",\"format\":\"pdf\",\"purpose\":\"p\"}",
         "format"},
        {"{\"from\":\"2026-09-01\",\"to\":\"2026-09-02\",\"format\":\"raw\",\"purpose\":\"\"}",
         "purpose"},
        {"{\"from\":\"2026-09-01\",\"to\":\"2026-09-02\",\"format\":\"raw\",\"purpose\":\"p\","
         "\"sources\":[\"bravo-web\"]}",
         "source"},
        {"{\"from\":\"2026-09-01\",\"to\":\"2026-09-02\",\"format\":\"raw\",\"purpose\":\"p\","
         "\"sources\":{}}",
         "sources"},
        {"{\"from\":\"2026-09-01\",\"to\":\"2026-09-02\",\"format\":\"raw\",\"purpose\":\"p\","
         "\"query\":\"((\"}",
         "invalid"},
    };
    struct world *world = world_new();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        expect(world, ROLE_RESPONSIBLE, "POST", "/clients/alpha/provisions", wrong[i].body, 400,
               wrong[i].said);
    }
    expect(world, ROLE_VIEWER, "POST", "/clients/alpha/provisions", wish, 403, "not-allowed");
    world_free(world);
}
