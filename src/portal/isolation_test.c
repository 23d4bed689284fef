/*
 * Nobody sees, touches or can guess at another client's things.  The checks are made from the table
 * of operations: every operation, by every role of alpha, against bravo's objects, and the same by
 * nobody, by an old session and by tokens of fewer rights.  The answer has to be, byte for byte,
 * the one for an object that does not exist.
 */

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "portal/private.h"
#include "portal/world_test.h"
#include "testing/testing.h"

#define TARGET_SIZE 1024
#define PERSON_BODY                                                                \
    "{\"name\":{\"ja\":\"n\"},\"mail\":\"\",\"language\":\"ja\",\"active\":false," \
    "\"roles\":[\"viewer\"]}"

/* Values for the parameters of a path. */
struct objects {
    const char *client, *party;
    struct str hash;
    unsigned number;
    uint64_t clock;
    uint64_t provision;
};

static const char hash_none[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

static void target_print(const struct operation *operation, const struct objects *objects,
                         char text[TARGET_SIZE])
{
    struct str rest = str_from(operation->path + 1);
    char *to = text;
    char *end = text + TARGET_SIZE;
    while (rest.size > 0) {
        struct str part = str_cut(&rest, '/');
        char value[128];
        (void)snprintf(value, sizeof value, "%.*s", STR_ARG(part));
        if (str_equal(part, STR("{client}"))) {
            (void)snprintf(value, sizeof value, "%s", objects->client);
        } else if (str_equal(part, STR("{party}"))) {
            (void)snprintf(value, sizeof value, "%s", objects->party);
        } else if (str_equal(part, STR("{person}"))) {
            (void)snprintf(value, sizeof value, "head");
        } else if (str_equal(part, STR("{kind}"))) {
            (void)snprintf(value, sizeof value, "contacts");
        } else if (str_equal(part, STR("{hash}"))) {
            (void)snprintf(value, sizeof value, "%.*s", STR_ARG(objects->hash));
        } else if (str_equal(part, STR("{number}"))) {
            (void)snprintf(value, sizeof value, "%u", objects->number);
        } else if (str_equal(part, STR("{id}")) &&
                   strstr(operation->path, "/provisions/") != NULL) {
            (void)snprintf(value, sizeof value, "%llu", (unsigned long long)objects->provision);
        } else if (str_equal(part, STR("{clock}")) || str_equal(part, STR("{id}")) ||
                   str_equal(part, STR("{proposal}"))) {
            (void)snprintf(value, sizeof value, "%llu", (unsigned long long)objects->clock);
        } else if (str_equal(part, STR("{engagement}"))) {
            (void)snprintf(value, sizeof value, "main");
        } else if (str_equal(part, STR("{code}"))) {
            (void)snprintf(value, sizeof value, "nothing");
        }
        to += snprintf(to, (size_t)(end - to), "/%s", value);
    }
    if (strstr(operation->query, "list!") != NULL) {
        (void)snprintf(to, (size_t)(end - to), "?list=people");
    }
}

/* A body that the operation can read, for as far as its handler has to get. */
static struct str body_of(const struct operation *operation)
{
    static const struct {
        const char *name, *body;
    } bodies[] = {
        {"document.disclose", "{\"path\":\"people/head\",\"disclosure\":\"hidden\"}"},
        {"version.draft", "{\"document\":{\"people\":[{\"slug\":\"z\"}]},\"note\":\"n\"}"},
        {"version.csv-draft", "slug\nz\n"},
        {"version.csv-difference", "slug\nz\n"},
        {"source.enrol", "{\"listener\":\"n\",\"address\":\"192.0.2.1\",\"slug\":\"n\"}"},
        {"hold.make", "{\"reason\":\"n\",\"sources\":[]}"},
        {"hold.release", "{\"reason\":\"n\"}"},
        {"version.acknowledge", "{\"note\":\"n\"}"},
        {"provision.ask", "{\"from\":\"2026-01-01\",\"to\":\"2026-02-01\",\"format\":\"raw\","
                          "\"purpose\":\"n\"}"},
        {"offboarding.ask", "{\"reason\":\"n\"}"},
        {"incident.report", "{\"text\":\"n\",\"severity\":\"high\"}"},
        {"incident.note", "{\"text\":\"n\"}"},
        {"search.save", "{\"name\":\"n\",\"query\":\"a | count\"}"},
        {"search.change", "{\"name\":\"n\",\"query\":\"a\"}"},
        {"incident.step", "{\"to\":\"cause\",\"reason\":\"n\"}"},
        {"incident.propose", "{\"options\":[{\"text\":\"n\",\"executes\":\"client\"}]}"},
        {"incident.decide", "{\"proposal\":1,\"option\":1}"},
        {"incident.act", "{\"text\":\"n\"}"},
        {"incident.execute", "{\"done\":true,\"evidence\":\"n\"}"},
        {"incident.return", "{\"agreed\":true}"},
        {"clock.pause", "{\"reason\":\"asked\"}"},
        {"token.make", "{\"name\":\"n\",\"rights\":[\"read\"],\"expires\":\"2027-01-01\"}"},
        {"session.begin", "{\"name\":\"bravo/head\",\"password\":\"not the password\"}"},
        {"password.change", "{\"old\":\"not the password\",\"new\":\"a long new password\"}"},
        {"setup.use", "{\"token\":\"n\",\"party\":\"n\",\"person\":\"n\","
                      "\"password\":\"a long new password\"}"},
        {"invitation.show", "{\"token\":\"n\"}"},
        {"invitation.use", "{\"token\":\"n\",\"password\":\"a long new password\"}"},
        {"service.apply", "clients: []"},
        {"language.change", "{\"language\":\"ja\"}"},
        {"factor.confirm", "{\"code\":\"123456\"}"},
        {"factor.codes", "{\"code\":\"123456\"}"},
        {"factor.end", "{\"code\":\"123456\"}"},
        {"person.make",
         "{\"person\":\"n\",\"name\":{\"ja\":\"n\"},\"mail\":\"\",\"language\":\"ja\","
         "\"roles\":[\"bidder\"]}"},
        {"person.change", PERSON_BODY},
        {"engagement.assign", "{\"assignments\":[{\"person\":\"ann\",\"role\":\"analyst\"}]}"},
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        if (strcmp(bodies[i].name, operation->name) == 0) {
            return str_from(bodies[i].body);
        }
    }
    return operation->body != NULL ? STR("{}") : STR("");
}

static struct str type_of(const struct operation *operation)
{
    return strncmp(operation->name, "version.csv-", 12) == 0 ? STR("text/csv")
           : strcmp(operation->name, "service.apply") == 0   ? STR("application/yaml")
                                                             : STR("application/json");
}

static bool names(const struct operation *operation, const char *parameter)
{
    return strstr(operation->path, parameter) != NULL;
}

static bool answers_equal(const struct api_answer *a, const struct api_answer *b)
{
    return a->status == b->status && str_equal(a->type, b->type) &&
           str_equal(buf_str(&a->body), buf_str(&b->body)) && a->cookie.size == b->cookie.size &&
           a->retry_seconds == b->retry_seconds;
}

/* Runs the operation on these objects as a role of alpha, or by a session or token in *request. */
static struct api_answer ask(struct world *world, const struct scope *scope,
                             const struct operation *operation, const struct objects *objects,
                             struct str body, const struct api_request *who)
{
    char target[TARGET_SIZE];
    target_print(operation, objects, target);
    struct api_request request = world_request(operation->method, target);
    request.body = body;
    request.type = type_of(operation);
    if (who != NULL) {
        request.session = who->session;
        request.bearer = who->bearer;
        return world_call(world, &request);
    }
    return world_call_as(world, scope, &request);
}

static struct objects objects_of(const struct world *world, size_t client)
{
    return (struct objects){
        .client = client == 0 ? "alpha" : "bravo",
        .party = client == 0 ? "alpha" : "bravo",
        .hash = world->hashes[client],
        .number = client == 0 ? 1 : 3,
        .clock = world->clocks[client],
        .provision = world->provisions[client],
    };
}

static const struct objects nothing = {
    .client = "nothing",
    .party = "nothing",
    .hash = {hash_none, sizeof hash_none - 1},
    .number = 4000000,
    .clock = 4000000000,
    .provision = 4000000000,
};

/* Everything is "the same as nothing": for each operation, with three bodies. */
static size_t other_client(struct world *world, const struct scope *scope,
                           const struct operation *operation, const struct api_request *who)
{
    const struct str bodies[] = {STR(""), STR("{\"nosuch\": 1"), body_of(operation)};
    const struct objects others = objects_of(world, 1);
    struct objects half = nothing;
    size_t checks = 0;
    half.client = others.client;
    for (size_t i = 0; i < 3; i++) {
        struct api_answer none = ask(world, scope, operation, &nothing, bodies[i], who);
        struct api_answer other = ask(world, scope, operation, &others, bodies[i], who);
        struct api_answer neither = ask(world, scope, operation, &half, bodies[i], who);
        if (none.status != 404 || !answers_equal(&none, &other) ||
            !answers_equal(&none, &neither)) {
            testing_fail(operation->name, __FILE__, __LINE__);
        }
        checks += 3;
        api_answer_done(&none);
        api_answer_done(&other);
        api_answer_done(&neither);
    }
    return checks;
}

/* The client's own path with an object of another client's behind it. */
static size_t other_object(struct world *world, const struct scope *scope,
                           const struct operation *operation, const struct api_request *who)
{
    static const char *const parameters[] = {"{hash}", "{number}", "{clock}", "{id}"};
    size_t checks = 0;
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        struct objects with = objects_of(world, 0);
        struct objects without = objects_of(world, 0);
        if (!names(operation, parameters[i])) {
            continue;
        }
        with.hash = world->hashes[1];
        with.number = 3;
        with.clock = world->clocks[1];
        with.provision = world->provisions[1];
        without.hash = nothing.hash;
        without.number = nothing.number;
        without.clock = nothing.clock;
        without.provision = nothing.provision;
        struct api_answer other = ask(world, scope, operation, &with, body_of(operation), who);
        struct api_answer none = ask(world, scope, operation, &without, body_of(operation), who);
        if ((none.status != 404 && none.status != 403) || !answers_equal(&none, &other)) {
            printf("%u %u %.*s %.*s\n", none.status, other.status, STR_ARG(buf_str(&none.body)),
                   STR_ARG(buf_str(&other.body)));
            testing_fail(operation->name, __FILE__, __LINE__);
        }
        checks += 2;
        api_answer_done(&none);
        api_answer_done(&other);
    }
    return checks;
}

TEST(no_role_of_a_client_can_tell_another_clients_things_from_nothing)
{
    struct world *world = world_new();
    size_t checks = 0;
    for (int role = 0; role < ROLE_COUNT; role++) {
        struct scope *scope;
        CHECK(scope_for_test_role(world->clients[0], (enum role)role, &scope) == OK);
        for (size_t i = 0; i < operations_count; i++) {
            if (names(&operations[i], "{client}")) {
                checks += other_client(world, scope, &operations[i], NULL);
                checks += other_object(world, scope, &operations[i], NULL);
            }
        }
        scope_free(scope);
    }
    printf("%zu checks\n", checks);
    CHECK(checks >= 2000);
    world_free(world);
}

TEST(the_same_holds_for_people_who_signed_in_and_for_their_tokens)
{
    struct world *world = world_new();
    size_t checks = 0;
    for (int role = 0; role < ROLE_COUNT; role++) {
        const struct api_request whos[] = {
            {.session = world_session(world, 0, (enum role)role)},
            {.bearer = world_token(world, 0, (enum role)role, UINT32_C(0xfff))},
        };
        for (size_t i = 0; i < operations_count; i++) {
            for (size_t who = 0; who < 2 && names(&operations[i], "{client}"); who++) {
                checks += other_client(world, NULL, &operations[i], &whos[who]);
                checks += other_object(world, NULL, &operations[i], &whos[who]);
            }
        }
    }
    printf("%zu checks\n", checks);
    world_free(world);
}

TEST(nobody_and_old_sessions_get_nothing_but_the_advice_to_sign_in)
{
    struct world *world = world_new();
    struct api_request whos[] = {
        {0},
        {.session = STR("nosuch")},
        {.bearer = STR("nosuch")},
        {.session = world_session(world, 0, ROLE_RESPONSIBLE)},
    };
    const struct objects all[] = {objects_of(world, 0), objects_of(world, 1), nothing};
    size_t checks = 0;
    world->now.ns += 13 * 3600 * NS_PER_SECOND;
    for (size_t i = 0; i < operations_count; i++) {
        if ((operations[i].flags & OPERATION_OPEN) != 0) {
            continue;
        }
        for (size_t who = 0; who < sizeof whos / sizeof *whos; who++) {
            for (size_t at = 0; at < sizeof all / sizeof *all; at++) {
                struct api_answer answer =
                    ask(world, NULL, &operations[i], &all[at], body_of(&operations[i]), &whos[who]);
                CHECK(answer.status == 401);
                checks++;
                api_answer_done(&answer);
            }
        }
    }
    printf("%zu checks\n", checks);
    world_free(world);
}

TEST(a_token_may_no_more_than_it_says)
{
    struct world *world = world_new();
    const struct objects own = objects_of(world, 0);
    size_t checks = 0;
    for (uint32_t right = 1; right <= RIGHT_AUDIT; right <<= 1) {
        if ((role_rights(ROLE_RESPONSIBLE) & right) == 0) {
            continue;
        }
        const struct api_request who = {.bearer = world_token(world, 0, ROLE_RESPONSIBLE, right)};
        for (size_t i = 0; i < operations_count; i++) {
            if (!names(&operations[i], "{client}") || operations[i].rights == 0) {
                continue;
            }
            struct api_answer answer =
                ask(world, NULL, &operations[i], &own, body_of(&operations[i]), &who);
            CHECK((operations[i].rights & right) != 0 ? answer.status != 401
                                                      : answer.status == 403);
            checks++;
            api_answer_done(&answer);
        }
    }
    printf("%zu checks\n", checks);
    world_free(world);
}

TEST(no_answer_holds_a_word_of_another_client)
{
    struct world *world = world_new();
    const struct objects own = objects_of(world, 0);
    size_t answered = 0;
    for (int role = 0; role < ROLE_COUNT; role++) {
        const struct api_request who = {.session = world_session(world, 0, (enum role)role)};
        for (size_t i = 0; i < operations_count; i++) {
            if (strcmp(operations[i].method, "GET") != 0) {
                continue;
            }
            struct api_answer answer = ask(world, NULL, &operations[i], &own, STR(""), &who);
            CHECK(str_find(buf_str(&answer.body), STR("bravo")) == STR_NONE);
            answered += answer.status == 200;
            api_answer_done(&answer);
        }
    }
    printf("%zu answers\n", answered);
    CHECK(answered > 150);
    world_free(world);
}

/* Whatever may be asked about a person, of one of another party and of nobody. */
static void people_of_others(struct world *world, struct str session)
{
    static const struct {
        const char *method, *form, *body;
    } asked[] = {
        {"POST", "/people/bravo/%s/invitation", ""},
        {"PUT", "/people/bravo/%s", PERSON_BODY},
        {"DELETE", "/people/bravo/%s/second-factor", ""},
    };
    for (size_t at = 0; at < sizeof asked / sizeof *asked; at++) {
        struct api_answer answers[2];
        for (size_t i = 0; i < 2; i++) {
            char target[TARGET_SIZE];
            (void)snprintf(target, sizeof target, asked[at].form, i == 0 ? "head" : "no");
            struct api_request request = world_request(asked[at].method, target);
            request.session = session;
            request.type = STR("application/json");
            request.body = str_from(asked[at].body);
            answers[i] = world_call(world, &request);
        }
        CHECK(answers_equal(&answers[0], &answers[1]) && answers[0].status == 404);
        api_answer_done(&answers[0]);
        api_answer_done(&answers[1]);
    }
}

TEST(objects_of_others_in_a_query_or_behind_a_person_are_unknown_too)
{
    struct world *world = world_new();
    for (int role = 0; role < ROLE_COUNT; role++) {
        const struct str session = world_session(world, 0, (enum role)role);
        struct str targets[2];
        struct api_answer answers[2];
        for (size_t i = 0; i < 2; i++) {
            CHECK(
                arena_print(world->mem, &targets[i],
                            "/clients/alpha/documents/contacts/versions/%.*s/difference?from=%.*s",
                            STR_ARG(world->hashes[0]),
                            STR_ARG(i == 0 ? world->hashes[1] : nothing.hash)) == OK);
            struct api_request request = world_request("GET", targets[i].data);
            request.session = session;
            answers[i] = world_call(world, &request);
        }
        CHECK(answers_equal(&answers[0], &answers[1]) && answers[0].status >= 403);
        api_answer_done(&answers[0]);
        api_answer_done(&answers[1]);
        people_of_others(world, session);
    }
    world_free(world);
}
