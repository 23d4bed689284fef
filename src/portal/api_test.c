/* The way of one request through the table, and signing in. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/password.h"
#include "portal/private.h"
#include "portal/world_test.h"
#include "testing/testing.h"

static bool holds(const struct api_answer *answer, const char *text)
{
    return str_find(buf_str(&answer->body), str_from(text)) != STR_NONE;
}

static struct api_answer post(struct world *world, const char *method, const char *target,
                              const char *body, struct str session)
{
    struct api_request request = world_request(method, target);
    request.body = str_from(body);
    request.type = STR("application/json");
    request.session = session;
    return world_call(world, &request);
}

static struct api_answer get(struct world *world, const char *target, struct str session)
{
    struct api_request request = world_request("GET", target);
    request.session = session;
    return world_call(world, &request);
}

/* ---- The way through. */

TEST(what_nobody_can_ask_for_is_refused_before_anything_is_read)
{
    static const struct {
        const char *method, *target;
        unsigned status;
    } cases[] = {
        {"GET", "/nosuch", 404},
        {"GET", "", 404},
        {"GET", "/", 404},
        {"GET", "/clients/", 404},
        {"GET", "/clients//", 404},
        {"PATCH", "/clients", 405},
        {"GET", "/clients/%zz", 404},
        {"GET", "/clients/%00", 404},
        {"GET", "clients", 404},
        {"GET", "/clients/%", 404},
        {"GET", "/clients/%4", 404},
        {"GET", "/clients/a%2fb", 404},
        {"GET", "/clients", 200},
        {"GET", "/clients?x=1", 400},
        {"GET", "/clients?", 200},
        {"GET", "/incidents?limit=x", 400},
        {"GET", "/incidents?limit=501", 400},
        {"GET", "/incidents?limit=2&limit=3", 400},
        {"GET", "/incidents?open=maybe", 400},
        {"GET", "/incidents?open=tru%65&limit=0&before=99", 200},
        {"GET", "/clients/alpha/alerts?from=yesterday", 400},
        {"GET", "/clients/alpha/alerts?from=2026-01-01T00:00:00%2b09:00", 200},
        {"GET", "/clients/%61lpha", 200},
    };
    struct world *world = world_new();
    const struct str session = world_session(world, 0, ROLE_RESPONSIBLE);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct api_request request = world_request(cases[i].method, cases[i].target);
        request.session = session;
        struct api_answer answer = world_call(world, &request);
        if (answer.status != cases[i].status) {
            testing_fail(cases[i].target, __FILE__, __LINE__);
        }
        api_answer_done(&answer);
    }
    world_free(world);
}

TEST(a_proposal_has_as_many_options_as_the_description_says)
{
    static const char *const way[] = {
        "paths",   "/clients/{client}/incidents/{number}/proposals",
        "post",    "requestBody",
        "content", "application/json",
        "schema",  "properties",
        "options", "maxItems",
    };
    char path[4096];
    size_t size;
    struct why why = {0};
    struct yaml_node *root;
    int64_t most = 0;
    struct arena *mem = arena_new(64 << 20);
    (void)snprintf(path, sizeof path, "%s/docs/api.yaml", testing_root());
    char *text = testing_read(path, &size);
    CHECK(yaml_parse(str_of(text, size), mem, &root, &why) == OK);
    const struct yaml_node *node = root;
    for (size_t i = 0; i < sizeof way / sizeof *way && node != NULL; i++) {
        node = yaml_get(node, str_from(way[i]));
    }
    CHECK(node != NULL && yaml_int(node, &most) == OK && most == COUNTERMEASURES_MAX);
    arena_free(mem);
    free(text);
}

TEST(a_mistake_in_a_body_names_its_place_in_the_callers_language)
{
    struct world *world = world_new();
    const struct str session = world_session(world, 0, ROLE_RESPONSIBLE);
    struct api_request request = world_request("POST", "/clients/alpha/incidents/1/notes");
    request.session = session;
    request.type = STR("application/json; charset=utf-8");
    request.body = STR("{\"text\": \"n\",\n  \"txet\": 1}");
    struct api_answer answer = world_call(world, &request);
    CHECK(answer.status == 400 && holds(&answer, "\"code\":\"unknown-key\""));
    CHECK(holds(&answer, "\"line\":2,\"column\":3") && holds(&answer, "no key 'txet'"));
    api_answer_done(&answer);
    request.language = STR("ja-JP,ja;q=0.9,en;q=0.5");
    answer = world_call(world, &request);
    CHECK(holds(&answer, "項目「txet」はありません。"));
    api_answer_done(&answer);
    request.body = STR("{\"text\": {}}");
    answer = world_call(world, &request);
    CHECK(answer.status == 400);
    api_answer_done(&answer);
    request.body = STR("{}");
    answer = world_call(world, &request);
    CHECK(answer.status == 400 && holds(&answer, "missing-key"));
    api_answer_done(&answer);
    request.type = STR("text/plain");
    answer = world_call(world, &request);
    CHECK(answer.status == 415);
    api_answer_done(&answer);
    world_free(world);
}

TEST(who_asks_for_no_language_is_answered_in_their_own)
{
    struct world *world = world_new();
    struct api_request request = world_request("GET", "/me?none=1");
    request.language = STR("");
    request.session = world_session(world, 0, ROLE_CONTACT);
    struct api_answer answer = world_call(world, &request);
    CHECK(holds(&answer, "no key 'none'"));
    api_answer_done(&answer);
    request.session = world_session(world, 0, ROLE_RESPONSIBLE);
    answer = world_call(world, &request);
    CHECK(holds(&answer, "項目「none」はありません。"));
    api_answer_done(&answer);
    world_free(world);
}

TEST(a_page_has_one_line_at_least)
{
    struct world *world = world_new();
    struct api_answer answer =
        get(world, "/clients/alpha/incidents?limit=0", world_session(world, 0, ROLE_RESPONSIBLE));
    CHECK(answer.status == 200 && holds(&answer, "\"number\":1"));
    api_answer_done(&answer);
    world_free(world);
}

TEST(a_change_with_a_session_has_to_come_from_our_own_pages)
{
    struct world *world = world_new();
    struct api_request request = world_request("POST", "/clients/alpha/incidents/1/notes");
    request.session = world_session(world, 0, ROLE_RESPONSIBLE);
    request.type = STR("application/json");
    request.body = STR("{\"text\": \"n\"}");
    request.same_origin = false;
    struct api_answer answer = world_call(world, &request);
    CHECK(answer.status == 403 && holds(&answer, "other-origin"));
    api_answer_done(&answer);
    request.same_origin = true;
    answer = world_call(world, &request);
    CHECK(answer.status == 201);
    api_answer_done(&answer);
    request.same_origin = false;
    request.session = STR("");
    request.bearer = world_token(world, 0, ROLE_RESPONSIBLE, RIGHT_ACT | RIGHT_INCIDENTS);
    answer = world_call(world, &request);
    CHECK(answer.status == 201);
    api_answer_done(&answer);
    request.method = STR("DELETE");
    request.path = STR("/me/tokens/1");
    answer = world_call(world, &request);
    CHECK(answer.status == 403 && holds(&answer, "needs-session"));
    api_answer_done(&answer);
    world_free(world);
}

/* ---- Signing in. */

static struct api_answer resume(struct world *world, uint64_t ticket, bool matches, struct str hash)
{
    struct api_answer answer;
    CHECK(api_resume(world->api, ticket, matches, hash, world->now, world->mem, &answer) == OK);
    return answer;
}

TEST(signing_in_waits_for_the_worker_and_ends_in_a_cookie)
{
    struct world *world = world_new();
    struct person_info person;
    char hash[PASSWORD_HASH_SIZE];
    const struct str password = STR("correct horse battery");
    CHECK(tenant_person_find(world->rooms.tenant, STR("alpha/head"), &person) == OK);
    CHECK(password_hash(password, hash) == OK);
    CHECK(tenant_password_set(world->rooms.tenant, person.id, str_from(hash), STR(""),
                              world->now) == OK);
    struct api_answer asked =
        post(world, "POST", "/session",
             "{\"name\":\"alpha/head\",\"password\":\"correct horse battery\"}", STR(""));
    CHECK(asked.wants_password && asked.ticket != 0 && str_equal(asked.password, password));
    CHECK(password_matches(asked.password, asked.hash));
    struct api_answer answer = resume(world, asked.ticket, true, STR(""));
    CHECK(answer.status == 200 && answer.cookie.size > 20 && holds(&answer, "\"alpha/head\""));
    CHECK(holds(&answer, "\"decide\"") && !holds(&answer, "battery"));
    struct api_answer me = get(world, "/me", answer.cookie);
    CHECK(me.status == 200 && str_equal(buf_str(&me.body), buf_str(&answer.body)));
    api_answer_done(&me);
    struct api_answer out = post(world, "DELETE", "/session", "", answer.cookie);
    CHECK(out.status == 204 && str_equal(out.cookie, STR("-")));
    me = get(world, "/me", answer.cookie);
    CHECK(me.status == 401);
    api_answer_done(&me);
    api_answer_done(&out);
    api_answer_done(&answer);
    struct api_answer again;
    CHECK(api_resume(world->api, asked.ticket, true, STR(""), world->now, world->mem, &again) ==
          ERR_NOT_FOUND);
    api_answer_done(&asked);
    world_free(world);
}

TEST(an_unknown_name_is_asked_and_told_the_same_as_a_wrong_password)
{
    struct world *world = world_new();
    struct api_answer known = post(world, "POST", "/session",
                                   "{\"name\":\"alpha/head\",\"password\":\"wrong\"}", STR(""));
    struct api_answer unknown = post(world, "POST", "/session",
                                     "{\"name\":\"alpha/none\",\"password\":\"wrong\"}", STR(""));
    CHECK(known.wants_password && unknown.wants_password);
    CHECK(unknown.hash.size > 0 && known.hash.size > 0);
    struct api_answer first = resume(world, known.ticket, false, STR(""));
    /* Even if a worker said that it matched. */
    struct api_answer second = resume(world, unknown.ticket, true, STR(""));
    CHECK(first.status == 401 && second.status == 401 && first.cookie.size == 0);
    CHECK(str_equal(buf_str(&first.body), buf_str(&second.body)) && second.cookie.size == 0);
    api_answer_done(&known);
    api_answer_done(&unknown);
    api_answer_done(&first);
    api_answer_done(&second);
    world_free(world);
}

/* A try at a name that nobody has, from an address of the documentation's network. */
static struct api_answer sign_in_from(struct world *world, size_t peer, size_t name)
{
    char address[32];
    char body[128];
    (void)snprintf(address, sizeof address, "192.0.2.%zu", peer);
    (void)snprintf(body, sizeof body, "{\"name\":\"alpha/n%zu\",\"password\":\"wrong\"}", name);
    struct api_request request = world_request("POST", "/session");
    request.body = str_from(body);
    request.type = STR("application/json");
    request.peer = str_from(address);
    return world_call(world, &request);
}

TEST(only_so_many_passwords_wait_at_a_time)
{
    struct world *world = world_new();
    for (size_t i = 0; i < PORTAL_PENDING_MAX; i++) {
        struct api_answer answer = sign_in_from(world, i / 4, i);
        CHECK(answer.wants_password && answer.hash.size > 0);
        api_answer_done(&answer);
    }
    struct api_answer answer = sign_in_from(world, 200, 200);
    CHECK(answer.status == 429 && answer.retry_seconds > 0 && !answer.wants_password);
    api_answer_done(&answer);
    world->now.ns += (PORTAL_PENDING_SECONDS + 1) * NS_PER_SECOND;
    answer = sign_in_from(world, 200, 201);
    CHECK(answer.wants_password);
    api_answer_done(&answer);
    world_free(world);
}

TEST(a_first_set_up_with_a_wrong_token_costs_no_hash)
{
    struct world *world = world_new();
    struct api_answer answer = post(world, "POST", "/setup",
                                    "{\"token\":\"t\",\"party\":\"p\",\"person\":\"q\","
                                    "\"password\":\"a long new password\"}",
                                    STR(""));
    CHECK(answer.status == 404 && !answer.wants_password);
    api_answer_done(&answer);
    world_free(world);
}

TEST(one_address_does_not_take_all_the_hashing)
{
    struct world *world = world_new();
    for (size_t i = 0; i < PORTAL_PENDING_PEER; i++) {
        struct api_answer answer = sign_in_from(world, 1, i);
        CHECK(answer.wants_password);
        api_answer_done(&answer);
    }
    struct api_answer answer = sign_in_from(world, 1, 100);
    CHECK(answer.status == 429);
    api_answer_done(&answer);
    answer = sign_in_from(world, 2, 100);
    CHECK(answer.wants_password);
    api_answer_done(&answer);
    world_free(world);
}

TEST(who_is_turned_away_because_many_wait_has_not_failed)
{
    struct world *world = world_new();
    struct api_answer answer;
    for (size_t i = 0; i < PORTAL_PENDING_MAX; i++) {
        answer = sign_in_from(world, i / 4, i);
        api_answer_done(&answer);
    }
    for (int i = 0; i < 20; i++) {
        answer = sign_in_from(world, 200, 200);
        CHECK(answer.status == 429);
        api_answer_done(&answer);
    }
    world->now.ns += (PORTAL_PENDING_SECONDS + 1) * NS_PER_SECOND;
    answer = sign_in_from(world, 200, 200);
    CHECK(answer.wants_password);
    api_answer_done(&answer);
    world_free(world);
}

TEST(a_token_and_a_person_have_one_hash_at_a_time)
{
    struct world *world = world_new();
    char body[512];
    const struct str session = world_session(world, 0, ROLE_RESPONSIBLE);
    struct api_answer answer = post(world, "POST", "/people/alpha/clerk/invitation", "{}", session);
    struct str text = buf_str(&answer.body);
    size_t at = str_find(text, STR(":\"")) + 2;
    (void)snprintf(body, sizeof body, "{\"token\":\"%.*s\",\"password\":\"a long new password\"}",
                   STR_ARG(str_slice(text, at, text.size - at - 2)));
    static const char change[] = "{\"old\":\"the old password\",\"new\":\"quite another one\"}";
    for (int i = 0; i < 2; i++) {
        struct api_answer used = post(world, "POST", "/invitation/use", body, STR(""));
        CHECK(used.wants_password == (i == 0) && (i == 0 || used.status == 429));
        api_answer_done(&used);
        struct api_answer changed = post(world, "PUT", "/me/password", change, session);
        CHECK(changed.wants_password == (i == 0) && (i == 0 || changed.status == 429));
        api_answer_done(&changed);
    }
    api_answer_done(&answer);
    world_free(world);
}

TEST(of_nobody_known_a_long_body_is_not_read)
{
    struct world *world = world_new();
    char *body = malloc(PORTAL_OPEN_BODY_MAX + 2);
    CHECK(body != NULL);
    memset(body, '[', PORTAL_OPEN_BODY_MAX + 1);
    body[PORTAL_OPEN_BODY_MAX + 1] = '\0';
    static const char *const paths[] = {"/session", "/setup", "/invitation", "/invitation/use",
                                        "/acknowledge/x"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct api_answer answer = post(world, "POST", paths[i], body, STR(""));
        CHECK(answer.status == 413);
        api_answer_done(&answer);
    }
    struct api_answer answer = post(world, "POST", "/apply", body, STR(""));
    CHECK(answer.status == 401);
    api_answer_done(&answer);
    free(body);
    world_free(world);
}

TEST(a_person_changes_the_password_with_the_old_one_in_hand)
{
    struct world *world = world_new();
    struct person_info person;
    char hash[PASSWORD_HASH_SIZE];
    CHECK(tenant_person_find(world->rooms.tenant, STR("alpha/head"), &person) == OK);
    CHECK(password_hash(STR("the old password"), hash) == OK);
    CHECK(tenant_password_set(world->rooms.tenant, person.id, str_from(hash), STR(""),
                              world->now) == OK);
    const struct str session = world_session(world, 0, ROLE_RESPONSIBLE);
    const char body[] = "{\"old\":\"the old password\",\"new\":\"quite another one\"}";
    struct api_answer first = post(world, "PUT", "/me/password", body, session);
    CHECK(first.wants_password && password_matches(first.password, first.hash));
    struct api_answer second = resume(world, first.ticket, true, STR(""));
    CHECK(second.wants_password && second.hash.size == 0 && second.ticket != first.ticket);
    CHECK(str_equal(second.password, STR("quite another one")));
    CHECK(password_hash(second.password, hash) == OK);
    struct api_answer third = resume(world, second.ticket, false, str_from(hash));
    CHECK(third.status == 204);
    struct api_answer me = get(world, "/me", session);
    CHECK(me.status == 200);
    api_answer_done(&me);
    api_answer_done(&first);
    api_answer_done(&second);
    api_answer_done(&third);
    first = post(world, "PUT", "/me/password", "{\"old\":\"a\",\"new\":\"short\"}", session);
    CHECK(first.status == 400 && holds(&first, "\"line\":1") && holds(&first, "detail"));
    api_answer_done(&first);
    world_free(world);
}

TEST(an_invitation_leads_in_once)
{
    struct world *world = world_new();
    char body[512];
    char hash[PASSWORD_HASH_SIZE];
    const struct str session = world_session(world, 0, ROLE_RESPONSIBLE);
    struct api_answer answer = post(world, "POST", "/people/alpha/clerk/invitation", "{}", session);
    CHECK(answer.status == 201);
    struct str text = buf_str(&answer.body);
    size_t at = str_find(text, STR(":\"")) + 2;
    struct str token = str_slice(text, at, text.size - at - 2);
    (void)snprintf(body, sizeof body, "{\"token\":\"%.*s\"}", STR_ARG(token));
    struct api_answer shown = post(world, "POST", "/invitation", body, STR(""));
    CHECK(shown.status == 200 && holds(&shown, "alpha/clerk"));
    api_answer_done(&shown);
    (void)snprintf(body, sizeof body, "{\"token\":\"%.*s\",\"password\":\"a long new password\"}",
                   STR_ARG(token));
    struct api_answer asked = post(world, "POST", "/invitation/use", body, STR(""));
    CHECK(asked.wants_password && asked.hash.size == 0);
    CHECK(password_hash(asked.password, hash) == OK);
    struct api_answer in = resume(world, asked.ticket, false, str_from(hash));
    CHECK(in.status == 200 && in.cookie.size > 0 && holds(&in, "alpha/clerk"));
    api_answer_done(&in);
    api_answer_done(&asked);
    asked = post(world, "POST", "/invitation/use", body, STR(""));
    CHECK(asked.status == 404 && !asked.wants_password);
    api_answer_done(&asked);
    api_answer_done(&answer);
    world_free(world);
}

/* ---- Work. */

TEST(an_incident_goes_from_a_note_to_a_decision_by_the_api_alone)
{
    static const struct {
        enum role role;
        const char *path, *body;
        unsigned status;
    } steps[] = {
        {ROLE_ANALYST, "notes", "{\"text\":\"Seen.\"}", 201},
        {ROLE_VIEWER, "notes", "{\"text\":\"I only read.\"}", 403},
        {ROLE_ANALYST, "step", "{\"to\":\"nowhere\"}", 400},
        {ROLE_ANALYST, "step", "{\"to\":\"cause\"}", 200},
        {ROLE_ANALYST, "step", "{\"to\":\"steady\"}", 409},
        {ROLE_ANALYST, "step", "{\"to\":\"countermeasure\",\"reason\":\"Found.\"}", 200},
        {ROLE_ANALYST, "proposals", "{\"options\":[]}", 400},
        {ROLE_ANALYST, "proposals", "{\"options\":[{\"text\":\"Block.\"}]}", 400},
        {ROLE_ANALYST, "proposals",
         "{\"options\":[{\"text\":\"Block.\",\"executes\":\"provider\",\"recommended\":true}]}",
         201},
        {ROLE_ANALYST, "decision", "{\"proposal\":1,\"option\":1}", 403},
        {ROLE_PROVIDER_ADMIN, "decision", "{\"proposal\":1,\"option\":1}", 403},
        {ROLE_RESPONSIBLE, "decision", "{\"proposal\":1,\"option\":1,\"reason\":\"Yes.\"}", 200},
        {ROLE_ANALYST, "execution", "{\"done\":true,\"evidence\":\"Blocked.\"}", 200},
        {ROLE_ANALYST, "step", "{\"to\":\"return-check\",\"reason\":\"Quiet.\"}", 200},
        {ROLE_RESPONSIBLE, "return", "{\"agreed\":true}", 200},
        {ROLE_RESPONSIBLE, "return", "{\"agreed\":true}", 409},
    };
    struct world *world = world_new();
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        char target[256];
        (void)snprintf(target, sizeof target, "/clients/alpha/incidents/1/%s", steps[i].path);
        struct api_answer answer =
            post(world, "POST", target, steps[i].body, world_session(world, 0, steps[i].role));
        if (answer.status != steps[i].status) {
            printf("%zu %u %.*s\n", i, answer.status, STR_ARG(buf_str(&answer.body)));
            testing_fail(steps[i].path, __FILE__, __LINE__);
        }
        api_answer_done(&answer);
    }
    struct api_answer answer =
        get(world, "/clients/alpha/incidents/1/history", world_session(world, 0, ROLE_AUDITOR));
    CHECK(answer.status == 200 && holds(&answer, "alpha/head") && holds(&answer, "Blocked."));
    api_answer_done(&answer);
    answer = get(world, "/clients/alpha/audit?limit=500", world_session(world, 0, ROLE_AUDITOR));
    CHECK(answer.status == 200 && holds(&answer, "audit trail") && holds(&answer, "alpha/head"));
    api_answer_done(&answer);
    world_free(world);
}

TEST(reading_alerts_is_noted_with_who_and_why)
{
    struct world *world = world_new();
    struct api_answer answer =
        get(world, "/clients/alpha/alerts", world_session(world, 0, ROLE_VIEWER));
    CHECK(answer.status == 200 && holds(&answer, "Seen at alpha"));
    api_answer_done(&answer);
    answer = get(world, "/clients/alpha/audit", world_session(world, 0, ROLE_AUDITOR));
    CHECK(holds(&answer, "\"who\":\"alpha/view\",\"action\":\"read\",\"object\":\"client alpha\","
                         "\"detail\":\"alerts\""));
    api_answer_done(&answer);
    world_free(world);
}

TEST(a_draft_is_read_compared_and_signed_by_the_api_alone)
{
    struct world *world = world_new();
    const struct str head = world_session(world, 0, ROLE_RESPONSIBLE);
    struct api_answer answer = get(world, "/clients/alpha/documents/contacts", head);
    CHECK(answer.status == 200 && holds(&answer, "\"whole\":true") && holds(&answer, "head"));
    api_answer_done(&answer);
    answer = post(world, "POST", "/clients/alpha/documents/contacts/versions",
                  "{\"note\":\"New.\",\"document\":{\n\"poeple\":[]}}", head);
    CHECK(answer.status == 400 && holds(&answer, "\"line\":2") && holds(&answer, "people"));
    api_answer_done(&answer);
    answer = post(world, "POST", "/clients/alpha/documents/contacts/versions",
                  "{\"note\":\"New.\",\"document\":{\"people\":[{\"slug\":\"zoe\"}]}}", head);
    CHECK(answer.status == 201 && holds(&answer, "\"state\":\"draft\""));
    struct str text = buf_str(&answer.body);
    struct str hash = str_slice(text, str_find(text, STR("\"hash\":\"")) + 8, 64);
    char target[512];
    static const struct {
        const char *behind, *has;
    } reads[] = {{"", "\"whole\":true"},
                 {"/difference", "people/zoe"},
                 {"/completeness", "\"open\":["},
                 {"/csv?list=people", "slug"},
                 {"/acknowledgements", "[]"}};
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        (void)snprintf(target, sizeof target, "/clients/alpha/documents/contacts/versions/%.*s%s",
                       STR_ARG(hash), reads[i].behind);
        struct api_answer got = get(world, target, head);
        if (got.status != 200 || !holds(&got, reads[i].has)) {
            testing_fail(reads[i].behind, __FILE__, __LINE__);
        }
        api_answer_done(&got);
    }
    (void)snprintf(target, sizeof target,
                   "/clients/alpha/documents/contacts/versions/%.*s/signature", STR_ARG(hash));
    struct api_answer put = post(world, "POST", target, "", head);
    CHECK(put.status == 200 && holds(&put, "\"who\":\"alpha/head\""));
    api_answer_done(&put);
    api_answer_done(&answer);
    struct api_request csv = world_request(
        "POST", "/clients/alpha/documents/contacts/versions/x/csv?list=people&note=Table");
    CHECK(arena_print(world->mem, &csv.path, "/clients/alpha/documents/contacts/versions/%.*s/csv",
                      STR_ARG(world->hashes[0])) == OK);
    csv.session = head;
    csv.type = STR("text/csv");
    csv.body = STR("slug\nhead\nyan\n");
    const struct str csv_path = csv.path;
    CHECK(arena_print(world->mem, &csv.path, "%.*s-difference", STR_ARG(csv_path)) == OK);
    csv.query = STR("list=people");
    answer = world_call(world, &csv);
    CHECK(answer.status == 200 && holds(&answer, "people/yan"));
    api_answer_done(&answer);
    csv.path = csv_path;
    csv.query = STR("list=people&note=Table");
    answer = world_call(world, &csv);
    CHECK(answer.status == 201 && holds(&answer, "\"note\":\"Table\""));
    api_answer_done(&answer);
    world_free(world);
}

TEST(a_draft_made_from_an_old_version_is_refused)
{
    static const char versions[] = "/clients/alpha/documents/contacts/versions";
    struct world *world = world_new();
    const struct str head = world_session(world, 0, ROLE_RESPONSIBLE);
    char body[200];
    (void)snprintf(body, sizeof body,
                   "{\"document\":{\"people\":[{\"slug\":\"a\"}]},\"after\":\"%.*s\"}",
                   STR_ARG(world->hashes[0]));
    struct api_answer answer = post(world, "POST", versions, body, head);
    CHECK(answer.status == 201);
    api_answer_done(&answer);
    body[32] = 'b'; /* another text after the same version */
    answer = post(world, "POST", versions, body, head);
    CHECK(answer.status == 409 && holds(&answer, "newer-version"));
    api_answer_done(&answer);
    world_free(world);
}

TEST(the_clients_side_alone_hears_what_is_disclosed)
{
    static const char path[] = "/clients/alpha/documents/contacts/disclosure";
    struct world *world = world_new();
    const struct str head = world_session(world, 0, ROLE_RESPONSIBLE);
    struct api_answer answer =
        post(world, "PUT", path, "{\"path\":\"people\",\"disclosure\":\"hidden\"}", head);
    CHECK(answer.status == 204);
    api_answer_done(&answer);
    answer = get(world, path, head);
    CHECK(answer.status == 200 && holds(&answer, "\"path\":\"people\"") &&
          holds(&answer, "\"hidden\""));
    api_answer_done(&answer);
    answer = get(world, path, world_session(world, 0, ROLE_ENGINEER));
    CHECK(answer.status == 403);
    api_answer_done(&answer);
    world_free(world);
}

TEST(kinds_are_described_to_whoever_has_signed_in)
{
    struct world *world = world_new();
    const struct str session = world_session(world, 0, ROLE_VIEWER);
    struct api_answer answer = get(world, "/schemas", session);
    CHECK(answer.status == 200 && holds(&answer, "\"contacts\""));
    api_answer_done(&answer);
    answer = get(world, "/schemas/contacts", session);
    CHECK(answer.status == 200 && str_equal(answer.type, STR("application/schema+json")));
    api_answer_done(&answer);
    answer = get(world, "/schemas/contacts/form", session);
    CHECK(answer.status == 200 && holds(&answer, "{"));
    api_answer_done(&answer);
    answer = get(world, "/schemas/nosuch", session);
    CHECK(answer.status == 404);
    api_answer_done(&answer);
    world_free(world);
}

TEST(clocks_are_shown_and_paused_for_a_reason)
{
    struct world *world = world_new();
    char target[128];
    const struct str ann = world_session(world, 0, ROLE_ANALYST);
    struct api_answer answer = get(world, "/clients/alpha/incidents/1/clocks", ann);
    CHECK(answer.status == 200 && holds(&answer, "\"target_ms\":900000"));
    api_answer_done(&answer);
    (void)snprintf(target, sizeof target, "/clients/alpha/clocks/%llu/pause",
                   (unsigned long long)world->clocks[0]);
    answer = post(world, "POST", target, "{\"reason\":\"bored\"}", ann);
    CHECK(answer.status == 403);
    api_answer_done(&answer);
    answer = post(world, "POST", target, "{\"reason\":\"asked\",\"note\":\"By phone.\"}", ann);
    CHECK(answer.status == 200 && holds(&answer, "\"pause\"") && holds(&answer, "By phone."));
    api_answer_done(&answer);
    answer = post(world, "POST", target, "{\"reason\":\"asked\"}", ann);
    CHECK(answer.status == 409);
    api_answer_done(&answer);
    (void)snprintf(target, sizeof target, "/clients/alpha/clocks/%llu/resume",
                   (unsigned long long)world->clocks[0]);
    answer = post(world, "POST", target, "", ann);
    CHECK(answer.status == 200 && holds(&answer, "\"resume\""));
    api_answer_done(&answer);
    world_free(world);
}

TEST(a_list_of_incidents_says_which_running_clock_is_due_first)
{
    struct world *world = world_new();
    char target[128];
    const struct str ann = world_session(world, 0, ROLE_ANALYST);
    struct api_answer answer = get(world, "/incidents", ann);
    CHECK(answer.status == 200 && holds(&answer, "\"next_due\":{\"metric\":\"notice\",\"name\":{"));
    CHECK(!holds(&answer, "\"next_due\":null"));
    api_answer_done(&answer);
    (void)snprintf(target, sizeof target, "/clients/alpha/clocks/%llu/pause",
                   (unsigned long long)world->clocks[0]);
    answer = post(world, "POST", target, "{\"reason\":\"asked\"}", ann);
    CHECK(answer.status == 200);
    api_answer_done(&answer);
    answer = get(world, "/clients/alpha/incidents/1", ann);
    CHECK(answer.status == 200 && holds(&answer, "\"next_due\":null"));
    api_answer_done(&answer);
    world_free(world);
}

/* ---- The page behind the link. */

/* A code out of a webhook to alpha's chat; mails hold theirs encoded. */
static struct str code_sent(struct world *world)
{
    struct outbox_message *list;
    struct scope *job;
    struct wall next;
    struct str code = STR("");
    size_t count;
    CHECK(scope_for_job(world->rooms.tenant, STR("test"), &job) == OK);
    CHECK(notify_turn(job, world->rooms.notify, world->now, &next) == OK);
    CHECK(outbox_due(job, world->rooms.ledger, world->now, 100, 100, world->mem, &list, &count,
                     &next) == OK);
    for (size_t i = 0; i < count; i++) {
        size_t at = str_find(list[i].body, STR("/acknowledge/"));
        if (list[i].kind == OUTBOX_WEBHOOK && client_equal(list[i].client, world->clients[0]) &&
            at != STR_NONE) {
            code = str_slice(list[i].body, at + 13, 43);
        }
    }
    scope_free(job);
    CHECK(code.size == 43);
    return code;
}

TEST(the_link_shows_a_page_and_its_button_acknowledges_once)
{
    struct world *world = world_new();
    struct str path;
    const struct str code = code_sent(world);
    CHECK(arena_print(world->mem, &path, "/acknowledge/%.*s", STR_ARG(code)) == OK);
    struct api_request request = world_request("GET", path.data);
    for (int i = 0; i < 2; i++) {
        struct api_answer answer = world_call(world, &request);
        CHECK(answer.status == 200 && str_starts(answer.type, STR("text/html")));
        CHECK(holds(&answer, "<html lang=\"ja\">") && holds(&answer, "<form method=\"post\">"));
        CHECK(holds(&answer, "alpha株式会社の例") && holds(&answer, "確認しました"));
        api_answer_done(&answer);
    }
    struct api_request press = world_request("POST", path.data);
    press.type = STR("application/x-www-form-urlencoded");
    press.same_origin = false;
    struct api_answer answer = world_call(world, &press);
    CHECK(answer.status == 200 && holds(&answer, "確認を記録しました") && !holds(&answer, "<form"));
    api_answer_done(&answer);
    answer = world_call(world, &press);
    CHECK(!holds(&answer, "確認を記録しました") && !holds(&answer, "<form"));
    api_answer_done(&answer);
    answer = get(world, "/clients/alpha/incidents/1/history", world_session(world, 0, ROLE_VIEWER));
    CHECK(holds(&answer, "\"what\":\"acknowledged\""));
    api_answer_done(&answer);
    answer = get(world, "/clients/alpha/incidents/1/notices", world_session(world, 0, ROLE_VIEWER));
    CHECK(answer.status == 200 && holds(&answer, "\"purpose\":\"incident-opened\""));
    api_answer_done(&answer);
    request.path = STR("/acknowledge/nosuchcode");
    request.language = STR("ja");
    answer = world_call(world, &request);
    CHECK(answer.status == 404 && holds(&answer, "リンクは無効です"));
    api_answer_done(&answer);
    world_free(world);
}
