/* The accounts and the service's health, by whom they may be seen. */

#include <stdlib.h>
#include <string.h>

#include "collect/books.h"
#include "portal/health.h"
#include "portal/world_test.h"
#include "testing/testing.h"

static enum err health_told(void *context, struct arena *mem, struct health *ret)
{
    (void)context;
    (void)mem;
    *ret = (struct health){.now = WORLD_NOW,
                           .started = WORLD_NOW,
                           .processes = {{STR("core"), true, WORLD_NOW, 2}},
                           .processes_count = 1,
                           .mail_oldest = WALL_NONE,
                           .rules_edition = STR("00ff"),
                           .rules_loaded = 7,
                           .rules_refused = 2};
    return OK;
}

struct scene {
    struct world *world;
    void *memory;
    struct books *books;
};

static struct scene scene_new(void)
{
    struct scene scene = {world_new(), calloc(1, books_memory_size()), NULL};
    CHECK(scene.memory != NULL);
    books_format(scene.memory);
    CHECK(books_attach(scene.memory, books_memory_size(), &scene.books) == OK);
    api_attach(scene.world->api, scene.books, health_told, NULL);
    return scene;
}

static void scene_free(struct scene *scene)
{
    books_detach(scene->books);
    free(scene->memory);
    world_free(scene->world);
}

static unsigned status_of(struct world *world, const char *target, size_t client, enum role role,
                          const char *held)
{
    struct api_request request = world_request("GET", target);
    request.session = world_session(world, client, role);
    struct api_answer answer = world_call(world, &request);
    unsigned status = answer.status;
    bool holds = held == NULL || str_find(buf_str(&answer.body), str_from(held)) != STR_NONE;
    api_answer_done(&answer);
    return holds ? status : 0;
}

TEST(the_books_say_what_came_from_a_source_and_when_it_was_last_heard)
{
    struct scene scene = scene_new();
    struct world *world = scene.world;
    struct source_info source;
    const struct books_entry entry = {.stored = 4, .rejected = {1}};
    for (size_t i = 0; tenant_source_at(world->rooms.tenant, i, &source); i++) {
        if (client_equal(source.client, world->clients[0])) {
            CHECK(books_received(scene.books, source.client, source.id, 6, WORLD_NOW) == OK);
            CHECK(books_apply(scene.books, source.client, source.id, 1, &entry) == OK);
        }
    }
    static const char *const account =
        "{\"source\":\"alpha-web\",\"name\":{\"ja\":\"\",\"en\":\"\"},\"active\":true,"
        "\"unknown\":false,\"senders\":[],\"received\":6,\"stored\":4,\"deduplicated\":0,"
        "\"in_flight\":1,\"rejected\":[{\"reason\":\"too-long\",\"count\":1}],"
        "\"failures\":0,\"bytes\":0,\"throttled\":0,\"heard\":\"2026-09-21T";
    CHECK(status_of(world, "/clients/alpha/books", 0, ROLE_RESPONSIBLE, account) == 200);
    CHECK(status_of(world, "/clients/alpha/books", 0, ROLE_ANALYST, account) == 200);
    CHECK(status_of(world, "/clients/alpha/books", 0, ROLE_CONSULTANT, NULL) == 403);
    CHECK(status_of(world, "/clients/alpha/books", 1, ROLE_RESPONSIBLE, NULL) == 404);
    CHECK(status_of(world, "/clients/installation/books", 0, ROLE_PROVIDER_ADMIN, NULL) == 404);
    CHECK(status_of(world, "/clients/bravo/books", 1, ROLE_ANALYST, "\"heard\":null") == 200);
    struct api_request request = world_request("GET", "/clients/installation/books");
    struct api_answer answer = world_call_as(world, world->administrator, &request);
    CHECK(answer.status == 200);
    api_answer_done(&answer);
    scene_free(&scene);
}

TEST(health_is_for_those_who_work_for_some_client)
{
    static const bool may[ROLE_COUNT] = {
        [ROLE_PROVIDER_ADMIN] = true, [ROLE_ENGINEER] = true, [ROLE_ANALYST] = true};
    struct scene scene = scene_new();
    for (int role = 0; role < ROLE_COUNT; role++) {
        CHECK(status_of(scene.world, "/health", 0, (enum role)role,
                        may[role] ? "\"state\":\"attention\"" : NULL) == (may[role] ? 200 : 403));
    }
    CHECK(status_of(scene.world, "/health", 1, ROLE_ANALYST,
                    "\"matters\":[{\"word\":\"health.matter.rules-refused\",\"value\":\"2\"}]") ==
          200);
    struct api_request request = world_request("GET", "/health");
    struct api_answer answer = world_call(scene.world, &request);
    CHECK(answer.status == 401);
    api_answer_done(&answer);
    scene_free(&scene);
}

TEST(a_stream_of_changes_begins_with_hello_for_a_person_with_a_session)
{
    struct world *world = world_new();
    struct api_request request = world_request("GET", "/changes");
    request.session = world_session(world, 0, ROLE_BIDDER);
    struct api_answer answer = world_call(world, &request);
    CHECK(answer.status == 200 && answer.wants_changes && answer.person != 0);
    CHECK(str_equal(answer.type, STR("text/event-stream")));
    CHECK(str_starts(buf_str(&answer.body), STR("event: hello\ndata: {\"now\":\"2026-09-21T")));
    CHECK(str_ends(buf_str(&answer.body), STR("\"}\n\n")));
    api_answer_done(&answer);
    request.session = STR("");
    request.bearer = world_token(world, 0, ROLE_ANALYST, RIGHT_INCIDENTS);
    answer = world_call(world, &request);
    CHECK(answer.status == 403 && !answer.wants_changes);
    api_answer_done(&answer);
    answer = world_call_as(world, world->administrator, &request);
    CHECK(answer.status == 403);
    api_answer_done(&answer);
    world_free(world);
}
