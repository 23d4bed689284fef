/* Second factors and people by the API: who is let in by what, and who may change whom. */

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "codec/crypto.h"
#include "codec/password.h"
#include "portal/private.h"
#include "portal/world_test.h"
#include "testing/testing.h"

#define STEP_NS  (30 * NS_PER_SECOND)
#define BODY_MAX 1024

static const uint8_t key[FACTOR_KEY_SIZE] = {7};

static bool holds(const struct api_answer *answer, const char *text)
{
    return str_find(buf_str(&answer->body), str_from(text)) != STR_NONE;
}

static struct api_answer ask(struct world *world, const char *method, const char *target,
                             const char *body, struct str session)
{
    struct api_request request = world_request(method, target);
    request.body = str_from(body);
    request.type = STR("application/json");
    request.session = session;
    return world_call(world, &request);
}

/* The status alone. */
static unsigned status(struct world *world, const char *method, const char *target,
                       const char *body, struct str session)
{
    struct api_answer answer = ask(world, method, target, body, session);
    unsigned got = answer.status;
    api_answer_done(&answer);
    return got;
}

/* The text behind "KEY":" in an answer, in the world's memory. */
static struct str member(struct world *world, const struct api_answer *answer, const char *name)
{
    struct str text = buf_str(&answer->body);
    struct str copy;
    char head[64];
    (void)snprintf(head, sizeof head, "\"%s\":\"", name);
    size_t at = str_find(text, str_from(head));
    CHECK(at != STR_NONE);
    struct str rest = str_slice(text, at + strlen(head), text.size);
    CHECK(arena_copy(world->mem, str_cut(&rest, '"'), &copy) == OK);
    return copy;
}

/* RFC 6238, written once more: this one is the app's. */
static struct str app(struct world *world, struct str secret, struct wall now)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint8_t bytes[64];
    uint8_t counter[8];
    uint8_t hash[SHA1_SIZE];
    struct str shown;
    uint32_t held = 0;
    size_t bits = 0;
    size_t size = 0;
    for (size_t i = 0; i < secret.size; i++) {
        held = held << 5 | (uint32_t)(strchr(digits, secret.data[i]) - digits);
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            bytes[size++] = (uint8_t)(held >> bits);
        }
    }
    for (int i = 0; i < 8; i++) {
        counter[i] = (uint8_t)((uint64_t)(now.ns / STEP_NS) >> (56 - 8 * i));
    }
    hmac_sha1_of(str_of(bytes, size), str_of(counter, sizeof counter), hash);
    const uint8_t *at = hash + (hash[SHA1_SIZE - 1] & 15);
    uint32_t code =
        ((uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]) %
        1000000;
    CHECK(arena_print(world->mem, &shown, "%06u", code) == OK);
    return shown;
}

/* A person of alpha gets a factor; the recovery code that comes first, and the secret. */
static struct str arm(struct world *world, struct str session, struct str *ret_secret)
{
    char body[BODY_MAX];
    struct api_answer begun = ask(world, "POST", "/me/second-factor", "{}", session);
    CHECK(begun.status == 201 && holds(&begun, "otpauth://totp/Hinomi:"));
    *ret_secret = member(world, &begun, "secret");
    api_answer_done(&begun);
    (void)snprintf(body, sizeof body, "{\"code\":\"%.*s\"}",
                   STR_ARG(app(world, *ret_secret, world->now)));
    struct api_answer confirmed = ask(world, "PUT", "/me/second-factor", body, session);
    CHECK(confirmed.status == 200);
    struct str text = buf_str(&confirmed.body);
    struct str code;
    size_t at = str_find(text, STR("[\"")) + 2;
    CHECK(arena_copy(world->mem, str_slice(text, at, 19), &code) == OK);
    api_answer_done(&confirmed);
    return code;
}

/* The door, with a password that is right or wrong; the worker says which. */
static struct api_answer sign_in(struct world *world, const char *code, bool matches)
{
    char body[BODY_MAX];
    char hash[PASSWORD_HASH_SIZE];
    struct person_info person;
    struct api_answer answer;
    CHECK(tenant_person_find(world->rooms.tenant, STR("alpha/head"), &person) == OK);
    if (!person.has_password) {
        CHECK(password_hash(STR("a password of tests"), hash) == OK);
        CHECK(tenant_password_set(world->rooms.tenant, person.id, str_from(hash), STR(""),
                                  world->now) == OK);
    }
    (void)snprintf(
        body, sizeof body, "{\"name\":\"alpha/head\",\"password\":\"a password of tests\"%s%s%s}",
        code != NULL ? ",\"code\":\"" : "", code != NULL ? code : "", code != NULL ? "\"" : "");
    struct api_answer asked = ask(world, "POST", "/session", body, STR(""));
    if (!asked.wants_password) {
        return asked;
    }
    CHECK(api_resume(world->api, asked.ticket, matches, STR(""), world->now, world->mem, &answer) ==
          OK);
    api_answer_done(&asked);
    return answer;
}

static unsigned sign_in_status(struct world *world, const char *code, bool matches)
{
    struct api_answer answer = sign_in(world, code, matches);
    unsigned got = answer.status;
    CHECK((got == 200) == (answer.cookie.size > 0));
    api_answer_done(&answer);
    return got;
}

TEST(a_right_password_asks_for_the_code_and_a_wrong_code_is_told_as_a_wrong_password)
{
    struct world *world = world_new();
    struct str secret;
    char code[16];
    tenant_factors_set(world->rooms.tenant, key, FACTOR_OPTIONAL);
    CHECK(sign_in_status(world, NULL, true) == 200);
    CHECK(sign_in_status(world, "123456", true) == 200); /* nobody asked for it */
    const struct str session = world_session(world, 0, ROLE_RESPONSIBLE);
    struct str recovery = arm(world, session, &secret);
    struct api_answer asked = sign_in(world, NULL, true);
    CHECK(asked.status == 401 && holds(&asked, "\"code\":\"second-factor\""));
    struct api_answer wrong_password = sign_in(world, "000000", false);
    struct api_answer wrong_code = sign_in(world, "zzzz", true);
    CHECK(wrong_password.status == 401 && wrong_code.status == 401);
    CHECK(str_equal(buf_str(&wrong_password.body), buf_str(&wrong_code.body)));
    CHECK(wrong_code.cookie.size == 0 && asked.cookie.size == 0);
    api_answer_done(&asked);
    api_answer_done(&wrong_password);
    api_answer_done(&wrong_code);
    world->now.ns += 2 * STEP_NS;
    (void)snprintf(code, sizeof code, "%.*s", STR_ARG(app(world, secret, world->now)));
    CHECK(sign_in_status(world, code, true) == 200);
    CHECK(sign_in_status(world, code, true) == 401);
    CHECK(sign_in_status(world, recovery.data, true) == 200);
    CHECK(sign_in_status(world, recovery.data, true) == 401);
    world_free(world);
}

TEST(wrong_codes_count_as_wrong_passwords_and_asking_for_the_code_resets_nothing)
{
    struct world *world = world_new();
    struct str secret;
    tenant_factors_set(world->rooms.tenant, key, FACTOR_OPTIONAL);
    CHECK(sign_in_status(world, NULL, true) == 200);
    (void)arm(world, world_session(world, 0, ROLE_RESPONSIBLE), &secret);
    for (int i = 0; i < 10; i++) {
        CHECK(sign_in_status(world, NULL, true) == 401);
        CHECK(sign_in_status(world, "zzzz", true) == 401);
    }
    CHECK(sign_in_status(world, NULL, true) == 429);
    world_free(world);
}

TEST(codes_within_a_session_have_the_same_limits)
{
    struct world *world = world_new();
    struct str secret;
    tenant_factors_set(world->rooms.tenant, key, FACTOR_OPTIONAL);
    const struct str session = world_session(world, 0, ROLE_RESPONSIBLE);
    (void)arm(world, session, &secret);
    for (int i = 0; i < 10; i++) {
        struct api_answer answer =
            ask(world, "POST", "/me/second-factor/removal", "{\"code\":\"zzzz\"}", session);
        CHECK(answer.status == 403 && holds(&answer, "\"code\":\"wrong-code\""));
        api_answer_done(&answer);
    }
    CHECK(status(world, "POST", "/me/second-factor/removal", "{\"code\":\"zzzz\"}", session) ==
          429);
    CHECK(status(world, "POST", "/me/second-factor/recovery-codes", "{\"code\":\"1\"}", session) ==
          429);
    CHECK(status(world, "GET", "/me", "", session) == 200);
    world_free(world);
}

TEST(an_invitation_sets_a_password_but_does_not_lead_around_a_factor)
{
    struct world *world = world_new();
    char body[BODY_MAX];
    char hash[PASSWORD_HASH_SIZE];
    struct str secret;
    tenant_factors_set(world->rooms.tenant, key, FACTOR_OPTIONAL);
    (void)arm(world, world_session(world, 0, ROLE_CONTACT), &secret);
    struct api_answer invited = ask(world, "POST", "/people/alpha/clerk/invitation", "{}",
                                    world_session(world, 0, ROLE_RESPONSIBLE));
    CHECK(invited.status == 201);
    (void)snprintf(body, sizeof body, "{\"token\":\"%.*s\",\"password\":\"a long new password\"}",
                   STR_ARG(member(world, &invited, "token")));
    struct api_answer asked = ask(world, "POST", "/invitation/use", body, STR(""));
    struct api_answer answer;
    CHECK(asked.wants_password && password_hash(asked.password, hash) == OK);
    CHECK(api_resume(world->api, asked.ticket, false, str_from(hash), world->now, world->mem,
                     &answer) == OK);
    CHECK(answer.status == 401 && answer.cookie.size == 0 && holds(&answer, "second-factor"));
    api_answer_done(&answer);
    api_answer_done(&asked);
    api_answer_done(&invited);
    world_free(world);
}

TEST(who_lacks_a_factor_that_is_wanted_reaches_their_account_and_nothing_else)
{
    struct world *world = world_new();
    const struct str session = world_session(world, 0, ROLE_PROVIDER_ADMIN);
    const struct str token = world_token(world, 0, ROLE_PROVIDER_ADMIN, RIGHT_ALERTS);
    struct str secret;
    size_t reached = 0;
    tenant_factors_set(world->rooms.tenant, key, FACTOR_PROVIDER);
    for (size_t i = 0; i < operations_count; i++) {
        const struct operation *operation = &operations[i];
        if ((operation->flags & OPERATION_OPEN) != 0 ||
            strcmp(operation->name, "session.end") == 0) {
            continue;
        }
        struct api_answer answer = ask(world, operation->method, operation->path, "", session);
        bool wanted = answer.status == 403 && holds(&answer, "second-factor-wanted");
        if (wanted != ((operation->flags & OPERATION_UNPROVED) == 0)) {
            testing_fail(operation->name, __FILE__, __LINE__);
        }
        CHECK(wanted || strncmp(operation->path, "/me", 3) == 0);
        reached += !wanted;
        api_answer_done(&answer);
    }
    CHECK(reached == 11);
    struct api_request request = world_request("GET", "/clients");
    request.bearer = token;
    struct api_answer answer = world_call(world, &request);
    CHECK(answer.status == 403);
    api_answer_done(&answer);
    CHECK(status(world, "GET", "/clients", "", world_session(world, 0, ROLE_RESPONSIBLE)) == 200);
    struct str recovery = arm(world, session, &secret);
    char body[BODY_MAX];
    CHECK(status(world, "GET", "/clients", "", session) == 200);
    (void)snprintf(body, sizeof body, "{\"code\":\"%.*s\"}", STR_ARG(recovery));
    CHECK(status(world, "POST", "/me/second-factor/removal", body, session) == 409);
    world_free(world);
}

/* ---- People. */

#define PERSON(roles, active)                                                                    \
    "{\"name\":{\"ja\":\"例\",\"en\":\"\"},\"mail\":\"\",\"language\":\"en\",\"active\":" active \
    ",\"roles\":[" roles "]}"
#define NEWCOMER(slug, roles)                                                          \
    "{\"person\":\"" slug "\",\"name\":{\"ja\":\"例\"},\"mail\":\"n@watch.example\"," \
    "\"language\":\"ja\",\"roles\":[" roles "]}"

TEST(people_of_ones_own_party_are_made_and_changed_by_who_manages_it)
{
    struct world *world = world_new();
    const struct str admin = world_session(world, 0, ROLE_PROVIDER_ADMIN);
    const struct str analyst = world_session(world, 0, ROLE_ANALYST);
    const struct str head = world_session(world, 0, ROLE_RESPONSIBLE);
    struct api_answer made = ask(world, "POST", "/people", NEWCOMER("nora", "\"analyst\""), admin);
    CHECK(made.status == 201 && holds(&made, "\"person\":\"watch/nora\""));
    CHECK(holds(&made, "\"roles\":[\"analyst\"]") && holds(&made, "\"seen\":null"));
    api_answer_done(&made);
    CHECK(status(world, "POST", "/people", NEWCOMER("nora", "\"analyst\""), admin) == 409);
    CHECK(status(world, "POST", "/people", NEWCOMER("x", "\"contact\""), admin) == 400);
    CHECK(status(world, "POST", "/people", NEWCOMER("x", ""), admin) == 400);
    CHECK(status(world, "POST", "/people", NEWCOMER("x", "\"king\""), admin) == 400);
    CHECK(status(world, "POST", "/people", NEWCOMER("X", "\"analyst\""), admin) == 400);
    CHECK(status(world, "POST", "/people", NEWCOMER("x", "\"analyst\""), analyst) == 403);
    CHECK(status(world, "POST", "/people", NEWCOMER("x", "\"analyst\""), head) == 400);
    CHECK(status(world, "PUT", "/people/watch/admin", PERSON("\"analyst\"", "true"), admin) == 409);
    CHECK(status(world, "PUT", "/people/watch/ann", PERSON("\"analyst\"", "false"), analyst) ==
          403);
    CHECK(status(world, "GET", "/me", "", analyst) == 200);
    CHECK(status(world, "PUT", "/people/watch/ann", PERSON("\"analyst\"", "false"), admin) == 200);
    CHECK(status(world, "GET", "/me", "", analyst) == 401);
    CHECK(status(world, "PUT", "/people/alpha/head", PERSON("\"viewer\"", "true"), head) == 409);
    CHECK(status(world, "PUT", "/people/alpha/clerk", PERSON("\"viewer\"", "true"), head) == 200);
    world_free(world);
}

TEST(a_token_for_something_else_does_not_read_who_ones_colleagues_are)
{
    static const struct {
        uint32_t rights;
        unsigned status;
    } cases[] = {{RIGHT_READ | RIGHT_BOOKS, 403}, {RIGHT_INCIDENTS, 200}, {RIGHT_USERS, 200}};
    struct world *world = world_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct api_answer answer;
        const struct api_request request = {
            .method = STR("GET"),
            .path = STR("/people"),
            .bearer = world_token(world, 0, ROLE_RESPONSIBLE, cases[i].rights)};
        CHECK(api_call(world->api, &request, world->now, world->mem, &answer) == OK);
        CHECK(answer.status == cases[i].status);
        api_answer_done(&answer);
    }
    world_free(world);
}

TEST(an_administrator_without_any_client_manages_the_people_of_the_party)
{
    struct world *world = world_new();
    struct apply_result result;
    const struct str session = world_session(world, 0, ROLE_PROVIDER_ADMIN);
    CHECK(service_apply(world->administrator, world->rooms.service,
                        STR("clients: [{slug: alpha}]\n"), STR(""), world->now, world->mem, &result,
                        NULL) == OK);
    CHECK(status(world, "GET", "/clients/alpha", "", session) == 404);
    CHECK(status(world, "POST", "/people", NEWCOMER("nora", "\"analyst\""), session) == 201);
    CHECK(status(world, "POST", "/people/watch/nora/invitation", "{}", session) == 201);
    world_free(world);
}

TEST(assignments_are_replaced_as_a_whole_by_the_providers_administrator)
{
    static const char path[] = "/clients/alpha/engagements/main/assignments";
    static const char one[] = "{\"assignments\":[{\"person\":\"ann\",\"role\":\"analyst\"}]}";
    struct world *world = world_new();
    const struct str admin = world_session(world, 0, ROLE_PROVIDER_ADMIN);
    const struct str eve = world_session(world, 0, ROLE_ENGINEER);
    CHECK(status(world, "GET", "/clients/alpha", "", eve) == 200);
    CHECK(status(world, "PUT", path, one, eve) == 403);
    struct api_answer answer = ask(world, "PUT", path, one, admin);
    CHECK(answer.status == 200);
    CHECK(holds(&answer, "\"assignments\":[{\"person\":\"ann\",\"role\":\"analyst\"}]"));
    api_answer_done(&answer);
    CHECK(status(world, "GET", "/clients/alpha", "", eve) == 404);
    CHECK(status(world, "PUT", path, "{\"assignments\":[{\"person\":\"ann\"}]}", admin) == 400);
    CHECK(status(world, "PUT", path, "{\"assignments\":[1]}", admin) == 400);
    CHECK(status(world, "PUT", path, "{\"assignments\":{}}", admin) == 400);
    CHECK(status(world, "PUT", path,
                 "{\"assignments\":[{\"person\":\"ghost\",\"role\":\"analyst\"}]}", admin) == 400);
    CHECK(status(world, "PUT", "/clients/alpha/engagements/audit/assignments", one, admin) == 403);
    CHECK(status(world, "PUT", "/clients/alpha/engagements/none/assignments", one, admin) == 404);
    answer = ask(world, "GET", "/clients/alpha/engagements", "", admin);
    CHECK(answer.status == 200 && holds(&answer, "\"party_name\":{\"ja\":"));
    CHECK(holds(&answer, "{\"person\":\"ann\",\"name\":{\"ja\":"));
    CHECK(!holds(&answer, "{\"person\":\"eve\",\"name\""));
    api_answer_done(&answer);
    world_free(world);
}

TEST(ones_language_is_ja_or_en)
{
    struct world *world = world_new();
    const struct str session = world_session(world, 0, ROLE_VIEWER);
    CHECK(status(world, "PUT", "/me/language", "{\"language\":\"ja\"}", session) == 204);
    CHECK(status(world, "PUT", "/me/language", "{\"language\":\"fr\"}", session) == 400);
    struct api_answer me = ask(world, "GET", "/me", "", session);
    CHECK(holds(&me, "\"language\":\"ja\""));
    api_answer_done(&me);
    world_free(world);
}
