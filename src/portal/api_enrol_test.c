/* Proposals, and enrolling one by a press. */

#include "build/proposals.h"
#include "portal/world_test.h"
#include "testing/testing.h"

#define PRESS                                                              \
    "{\"listener\":\"udp\",\"address\":\"192.0.2.7\",\"slug\":\"branch\"," \
    "\"name\":{\"ja\":\"支社\"},\"note\":\"heard\"}"

static bool holds(const struct api_answer *answer, const char *text)
{
    return str_find(buf_str(&answer->body), str_from(text)) != STR_NONE;
}

/* A stranger speaks to the listener `udp`. */
static struct world *world_with_stranger(void)
{
    struct world *world = world_new();
    const struct str listeners[] = {STR("udp")};
    struct proposal_seen seen = {.address = STR("192.0.2.7"),
                                 .parser = STR("syslog"),
                                 .sample = STR("x"),
                                 .count = 1,
                                 .first = WORLD_NOW,
                                 .last = WORLD_NOW};
    struct source_info source;
    struct scope *serve;
    struct buf bindings;
    buf_init(&bindings, 1 << 20);
    CHECK(tenant_bindings(world->rooms.tenant, listeners, 1, NULL, NULL, &bindings) == OK);
    buf_done(&bindings);
    for (size_t i = 0; tenant_source_at(world->rooms.tenant, i, &source); i++) {
        if (str_equal(source.slug, STR("unknown-udp"))) {
            seen.source = source.id;
        }
    }
    CHECK(scope_for_test((struct client_id){0}, RIGHT_SERVE, &serve) == OK);
    CHECK(proposal_see(serve, world->rooms.ledger, &seen) == OK);
    scope_free(serve);
    return world;
}

static void press(struct world *world, size_t client, enum role role, const char *target,
                  const char *body, unsigned status, const char *said)
{
    struct api_request request = world_request("POST", target);
    request.body = str_from(body);
    request.type = STR("application/json");
    request.session = world_session(world, client, role);
    struct api_answer answer = world_call(world, &request);
    if (answer.status != status || !holds(&answer, said)) {
        testing_fail(body, __FILE__, __LINE__);
    }
    api_answer_done(&answer);
}

static void look(struct world *world, enum role role, const char *target, unsigned status,
                 const char *said, bool holds_it)
{
    struct api_request request = world_request("GET", target);
    request.session = world_session(world, 0, role);
    struct api_answer answer = world_call(world, &request);
    CHECK(answer.status == status && holds(&answer, said) == holds_it);
    api_answer_done(&answer);
}

TEST(a_press_enrols_a_proposal_and_drafts_its_definition)
{
    struct world *world = world_with_stranger();
    look(world, ROLE_PROVIDER_ADMIN, "/proposals", 200, "\"slug\":\"sender-192-0-2-7\"", true);
    press(world, 0, ROLE_PROVIDER_ADMIN, "/clients/alpha/sources", PRESS, 201,
          "\"source\":\"branch\",\"defined\":false");
    look(world, ROLE_PROVIDER_ADMIN, "/proposals", 200, "192.0.2.7", false);
    look(world, ROLE_PROVIDER_ADMIN, "/clients/alpha/sources", 200, "branch", true);
    look(world, ROLE_RESPONSIBLE, "/clients/alpha/documents/log-sources/versions", 200,
         "\"state\":\"draft\"", true);
    look(world, ROLE_AUDITOR, "/clients/alpha/audit?limit=500", 200, "source alpha/branch", true);
    /* It stands among the proposals no more. */
    press(world, 0, ROLE_PROVIDER_ADMIN, "/clients/alpha/sources", PRESS, 404, "");
    world_free(world);
}

TEST(a_press_enrols_nothing_but_what_was_heard_and_only_for_who_manages)
{
    struct world *world = world_with_stranger();
    const char *const alpha = "/clients/alpha/sources";
    press(world, 0, ROLE_ENGINEER, alpha, PRESS, 403, "");
    press(world, 0, ROLE_RESPONSIBLE, alpha, PRESS, 403, "");
    press(world, 1, ROLE_PROVIDER_ADMIN, alpha, PRESS, 404, "");
    press(world, 0, ROLE_PROVIDER_ADMIN, alpha,
          "{\"listener\":\"udp\",\"address\":\"192.0.2.0/24\",\"slug\":\"branch\"}", 404, "");
    press(world, 0, ROLE_PROVIDER_ADMIN, alpha,
          "{\"listener\":\"tcp\",\"address\":\"192.0.2.7\",\"slug\":\"branch\"}", 404, "");
    press(world, 0, ROLE_PROVIDER_ADMIN, alpha,
          "{\"listener\":\"udp\",\"address\":\"192.0.2.7\",\"slug\":\"alpha-web\"}", 409, "");
    press(world, 0, ROLE_PROVIDER_ADMIN, alpha,
          "{\"listener\":\"udp\",\"address\":\"192.0.2.7\",\"slug\":\"-no\"}", 400, "");
    press(world, 0, ROLE_PROVIDER_ADMIN, alpha,
          "{\"listener\":\"udp\",\"address\":\"192.0.2.7\",\"slug\":\"no\",\"name\":3}", 400, "");
    look(world, ROLE_PROVIDER_ADMIN, "/proposals", 200, "192.0.2.7", true);
    look(world, ROLE_RESPONSIBLE, "/clients/alpha/documents/log-sources/versions", 200,
         "\"versions\":[]", true);
    world_free(world);
}
