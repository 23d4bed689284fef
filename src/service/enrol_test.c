/* A sender that was heard becomes a source and a draft, together or not at all. */

#include "ledger/ledger.h"
#include "service/world_test.h"
#include "testing/testing.h"

static const struct source_wish sender = {.slug = STR("sender-192-0-2-7"),
                                          .name_ja = STR("支社"),
                                          .format = STR("syslog"),
                                          .listener = STR("udp"),
                                          .address = STR("192.0.2.7")};

static enum err enrol(struct world *world, enum role role, const struct source_wish *wish,
                      struct enrolled *ret)
{
    return service_enrol(world->roles[role], world->service, world->client, wish, STR("heard"),
                         world_at(50), world->mem, ret, &world->why);
}

static size_t sources_count(const struct world *world)
{
    struct source_info source;
    size_t count = 0;
    for (size_t i = 0; tenant_source_at(world->tenant, i, &source); i++) {
        count += client_equal(source.client, world->client) && source.active;
    }
    return count;
}

TEST(an_enrolled_sender_is_a_source_at_once_and_a_draft_behind_what_waits)
{
    struct world world = world_new();
    struct enrolled enrolled;
    struct version version;
    struct document document;
    size_t before = sources_count(&world);
    (void)world_draft(&world, "log-sources", "sources: [{slug: web, retention: 90d}]", 10,
                      WALL_NONE);
    CHECK(enrol(&world, ROLE_PROVIDER_ADMIN, &sender, &enrolled) == OK);
    CHECK(!enrolled.defined && enrolled.draft.state == VERSION_DRAFT);
    CHECK(sources_count(&world) == before + 1);
    CHECK(service_version(world.roles[ROLE_RESPONSIBLE], world.service, world.client,
                          STR("log-sources"), enrolled.draft.hash, world.mem, &version,
                          &document) == OK);
    CHECK(str_equal(version.note, STR("heard")));
    const struct element *list = element_get(document.root, "sources");
    const struct element *item = element_item(list, sender.slug);
    CHECK(list != NULL && list->count == 2 && element_item(list, STR("web")) == list->first);
    CHECK(item != NULL && str_equal(element_text(item, "format"), STR("syslog")));
    CHECK(item != NULL && element_get(item, "retention") == NULL);
    CHECK(world_sign(&world, ROLE_RESPONSIBLE, &version, 60, &version) == OK);
    CHECK(version.state == VERSION_EFFECTIVE);
    world_done(&world);
}

TEST(the_first_enrolment_makes_the_first_definition_and_a_defined_slug_needs_none)
{
    struct world world = world_new();
    struct enrolled enrolled;
    struct source_wish wish = sender;
    CHECK(enrol(&world, ROLE_PROVIDER_ADMIN, &sender, &enrolled) == OK);
    CHECK(!enrolled.defined && enrolled.draft.number == 1);
    (void)world_draft(&world, "log-sources", "sources: [{slug: expected}]", 70, WALL_NONE);
    wish.slug = STR("expected");
    wish.address = STR("192.0.2.8");
    CHECK(enrol(&world, ROLE_PROVIDER_ADMIN, &wish, &enrolled) == OK);
    CHECK(enrolled.defined && enrolled.draft.hash.size == 0);
    world_done(&world);
}

TEST(who_may_not_enrol_leaves_neither_a_source_nor_a_draft)
{
    struct world world = world_new();
    struct enrolled enrolled;
    struct source_wish wish = sender;
    struct version *list;
    size_t count;
    size_t before = sources_count(&world);
    CHECK(enrol(&world, ROLE_ENGINEER, &sender, &enrolled) == ERR_DENIED);
    CHECK(enrol(&world, ROLE_RESPONSIBLE, &sender, &enrolled) == ERR_DENIED);
    wish.name_ja = STR("a\nb");
    CHECK(enrol(&world, ROLE_PROVIDER_ADMIN, &wish, &enrolled) == ERR_SYNTAX);
    CHECK(sources_count(&world) == before);
    CHECK(service_versions(world.administrator, world.service, world.client, STR("log-sources"),
                           world.mem, &list, &count) == OK);
    CHECK(count == 0);
    world_done(&world);
}
