#include "service/world_test.h"
#include "testing/testing.h"

#include "ledger/ledger.h"

static const char acme[] = "clients: [{slug: acme}]";

static void world_open(struct world *world)
{
    CHECK(ledger_open(fake_disk(world->fake), ".", &world->ledger, &world->why) == OK);
    CHECK(tenant_open(world->ledger, WORLD_NOW, &world->tenant, &world->why) == OK);
    CHECK(service_open(world->ledger, world->tenant, WORLD_NOW, &world->service, &world->why) ==
          OK);
}

struct world world_empty(void)
{
    const uint32_t every = RIGHT_MANAGE | RIGHT_DOCUMENTS | RIGHT_DRAFT | RIGHT_AUDIT;
    struct world world = {.fake = fake_new(), .mem = arena_new(512 << 20)};
    world_open(&world);
    CHECK(scope_for_test((struct client_id){0}, every, &world.administrator) == OK);
    CHECK(scope_for_test((struct client_id){0}, RIGHT_SERVE, &world.job) == OK);
    return world;
}

struct world world_new(void)
{
    struct world world = world_empty();
    CHECK(tenant_apply(world.administrator, world.tenant, str_from(acme), WORLD_NOW, world.mem,
                       &world.result, &world.why) == OK);
    world_roles(&world);
    CHECK(client_equal(world.client, ACME));
    return world;
}

void world_roles(struct world *world)
{
    CHECK(tenant_client_find(world->tenant, STR("acme"), &world->client) == OK);
    for (int role = 0; role < ROLE_COUNT; role++) {
        scope_free(world->roles[role]);
        CHECK(scope_for_test_role(world->client, (enum role)role, &world->roles[role]) == OK);
    }
}

static void world_close(struct world *world)
{
    service_close(world->service);
    tenant_close(world->tenant);
    ledger_close(world->ledger);
}

void world_reopen(struct world *world)
{
    world_close(world);
    world_open(world);
}

void world_done(struct world *world)
{
    CHECK(ledger_check(world->ledger, NULL) == OK);
    CHECK(ledger_audit_verify(world->ledger, NULL) == OK);
    world_close(world);
    for (int role = 0; role < ROLE_COUNT; role++) {
        scope_free(world->roles[role]);
    }
    scope_free(world->administrator);
    scope_free(world->job);
    fake_free(world->fake);
    arena_free(world->mem);
}

struct wall world_at(int64_t seconds)
{
    return (struct wall){WORLD_NOW.ns + seconds * NS_PER_SECOND};
}

struct document world_document(struct world *world, const char *kind, const char *text)
{
    struct document document = {0};
    CHECK(document_read(schema_find(str_from(kind)), str_from(text), world->mem, &document,
                        &world->why) == OK);
    return document;
}

struct version world_draft(struct world *world, const char *kind, const char *text, int64_t seconds,
                           struct wall wanted)
{
    struct document document = world_document(world, kind, text);
    struct version version = {0};
    CHECK(service_draft(world->roles[ROLE_ENGINEER], world->service, ACME, &document, STR("a note"),
                        wanted, world_at(seconds), world->mem, &version, &world->why) == OK);
    return version;
}

enum err world_sign(struct world *world, enum role role, const struct version *version,
                    int64_t seconds, struct version *ret)
{
    world->why = (struct why){0};
    return service_sign(world->roles[role], world->service, world->client, version->kind,
                        version->hash, world_at(seconds), world->mem, ret, &world->why);
}

int64_t world_audited(struct world *world, const char *action)
{
    struct statement *statement;
    bool row;
    CHECK(ledger_prepare(world->ledger, "SELECT count(*) FROM audit WHERE action = ?",
                         &statement) == OK);
    CHECK(statement_bind_text(statement, 1, str_from(action)) == OK);
    CHECK(statement_step(statement, &row) == OK && row);
    int64_t count = statement_int(statement, 0);
    statement_reset(statement);
    return count;
}
