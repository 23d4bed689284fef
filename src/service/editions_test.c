#include "service/editions.h"

#include <string.h>

#include "sys/fake.h"
#include "testing/testing.h"

#define NOW    ((struct wall){1700000000000000000})
#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "aaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

struct world {
    struct fake *fake;
    struct ledger *ledger;
    struct tenant *tenant;
    struct scope *scope;
    struct arena *mem;
};

static struct world world_new(void)
{
    struct world world = {.fake = fake_new(), .mem = arena_new(64 << 20)};
    CHECK(scope_for_test((struct client_id){0}, RIGHT_MANAGE, &world.scope) == OK);
    CHECK(ledger_open(fake_disk(world.fake), ".", &world.ledger, NULL) == OK);
    CHECK(tenant_open(world.ledger, NOW, &world.tenant, NULL) == OK);
    return world;
}

static void world_done(struct world *world)
{
    CHECK(ledger_check(world->ledger, NULL) == OK);
    CHECK(ledger_audit_verify(world->ledger, NULL) == OK);
    tenant_close(world->tenant);
    ledger_close(world->ledger);
    scope_free(world->scope);
    arena_free(world->mem);
    fake_free(world->fake);
}

static enum err put(struct world *world, const char *hash, const char *origin, const char *bundle)
{
    const struct edition edition = {.hash = str_from(hash),
                                    .origin = str_from(origin),
                                    .note = STR("rules"),
                                    .loaded = 3,
                                    .report = STR("{}")};
    return edition_put(world->scope, world->ledger, &edition, str_from(bundle), NOW);
}

TEST(a_bundle_reads_back_as_it_was_kept_and_is_kept_once)
{
    struct world world = world_new();
    struct str bundle;
    struct edition *list;
    size_t count;
    CHECK(put(&world, HASH_A, "configuration", "title: a title: a title: a") == OK);
    CHECK(put(&world, HASH_A, "import", "title: a title: a title: a") == OK);
    CHECK(edition_bundle(world.ledger, STR(HASH_A), world.mem, &bundle) == OK);
    CHECK(str_equal(bundle, STR("title: a title: a title: a")));
    CHECK(edition_list(world.ledger, 0, 10, world.mem, &list, &count) == OK && count == 1);
    CHECK(str_equal(list[0].origin, STR("import")) && list[0].loaded == 3);
    CHECK(!wall_known(list[0].in_force));
    CHECK(edition_bundle(world.ledger, STR(HASH_B), world.mem, &bundle) == ERR_NOT_FOUND);
    world_done(&world);
}

TEST(the_edition_enforced_last_is_in_force_and_no_other)
{
    struct world world = world_new();
    struct edition edition;
    CHECK(edition_in_force(world.ledger, world.mem, &edition) == ERR_NOT_FOUND);
    CHECK(put(&world, HASH_A, "configuration", "a") == OK &&
          put(&world, HASH_B, "import", "b") == OK);
    CHECK(edition_enforce(world.scope, world.ledger, STR(HASH_B), NOW) == OK);
    CHECK(edition_enforce(world.scope, world.ledger, STR(HASH_A), NOW) == OK);
    CHECK(edition_in_force(world.ledger, world.mem, &edition) == OK);
    CHECK(str_equal(edition.hash, STR(HASH_A)) && edition.in_force.ns == NOW.ns);
    CHECK(edition_find(world.ledger, STR(HASH_B), world.mem, &edition) == OK);
    CHECK(!wall_known(edition.in_force));
    CHECK(edition_enforce(world.scope, world.ledger, STR("none"), NOW) == ERR_NOT_FOUND);
    CHECK(edition_configured(world.ledger, world.mem, &edition) == OK);
    CHECK(str_equal(edition.hash, STR(HASH_A)));
    world_done(&world);
}

TEST(a_hash_may_be_cut_as_long_as_it_names_one)
{
    struct world world = world_new();
    struct edition edition;
    CHECK(put(&world, HASH_A, "import", "a") == OK && put(&world, HASH_B, "import", "b") == OK);
    CHECK(edition_find(world.ledger, STR("aaaaaaaa"), world.mem, &edition) == ERR_CONFLICT);
    CHECK(edition_find(world.ledger, STR("aaaaaaaab"), world.mem, &edition) == OK);
    CHECK(edition.number == 2);
    CHECK(edition_find(world.ledger, STR("aaaaaaa"), world.mem, &edition) == ERR_NOT_FOUND);
    CHECK(edition_find(world.ledger, STR("bbbbbbbb"), world.mem, &edition) == ERR_NOT_FOUND);
    world_done(&world);
}

TEST(only_who_manages_the_installation_changes_its_rules)
{
    struct world world = world_new();
    scope_free(world.scope);
    CHECK(scope_for_test((struct client_id){0}, RIGHT_DOCUMENTS | RIGHT_DRAFT, &world.scope) == OK);
    CHECK(put(&world, HASH_A, "import", "a") == ERR_DENIED);
    CHECK(edition_enforce(world.scope, world.ledger, STR(HASH_A), NOW) == ERR_DENIED);
    world_done(&world);
}
