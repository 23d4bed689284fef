#include "tenant/world_test.h"

#include "testing/testing.h"

const char world_parties[] =
    "parties:\n"
    "  - slug: watch\n"
    "    name: {ja: 監視の例, en: Example Watch}\n"
    "    kinds: [provider]\n"
    "    people:\n"
    "      - {slug: admin, mail: admin@watch.example, language: en, roles: [provider-admin]}\n"
    "      - {slug: eve, roles: [engineer, analyst]}\n"
    "      - {slug: ann, name: {ja: 分析}, roles: [analyst]}\n"
    "      - {slug: con, roles: [consultant]}\n"
    "  - slug: audit\n"
    "    kinds: [auditor]\n"
    "    people: [{slug: ada, roles: [auditor]}]\n"
    "  - slug: offer\n"
    "    kinds: [bidder]\n"
    "    people: [{slug: bob, roles: [bidder]}]\n"
    "clients:\n"
    "  - slug: acme\n"
    "    name: {ja: アクメ}\n"
    "    people:\n"
    "      - {slug: head, mail: head@acme.example, roles: [responsible]}\n"
    "      - {slug: clerk, roles: [contact, viewer]}\n"
    "    engagements:\n"
    "      - slug: main\n"
    "        party: watch\n"
    "        state: steady\n"
    "        from: 2023-01-01T00:00:00+09:00\n"
    "        to: 2030-01-01\n"
    "        assignments:\n"
    "          - {person: ann, role: analyst}\n"
    "          - {person: eve, role: engineer}\n"
    "      - {slug: audit, party: audit, state: steady}\n"
    "      - {slug: tender, party: offer, state: selection}\n"
    "    sources: [{slug: web-1}]\n"
    "  - slug: other\n"
    "    people: [{slug: head, roles: [responsible]}]\n";

static void world_open(struct world *world)
{
    CHECK(ledger_open(fake_disk(world->fake), ".", &world->ledger, &world->why) == OK);
    CHECK(tenant_open(world->ledger, NOW, &world->tenant, &world->why) == OK);
}

struct world world_new(void)
{
    struct world world = {.fake = fake_new(), .mem = arena_new(512 << 20)};
    world_open(&world);
    CHECK(scope_for_administrator(world.tenant, 1000, STR("tenant apply"), NOW, &world.scope) ==
          OK);
    return world;
}

struct world world_peopled(void)
{
    struct world world = world_new();
    CHECK(world_apply(&world, world_parties) == OK);
    return world;
}

void world_reopen(struct world *world)
{
    tenant_close(world->tenant);
    ledger_close(world->ledger);
    world_open(world);
}

void world_done(struct world *world)
{
    scope_free(world->scope);
    CHECK(ledger_check(world->ledger, NULL) == OK);
    CHECK(ledger_audit_verify(world->ledger, NULL) == OK);
    tenant_close(world->tenant);
    ledger_close(world->ledger);
    fake_free(world->fake);
    arena_free(world->mem);
}

enum err world_apply(struct world *world, const char *text)
{
    world->why = (struct why){0};
    world->result = (struct apply_result){0};
    return tenant_apply(world->scope, world->tenant, str_from(text), NOW, world->mem,
                        &world->result, &world->why);
}

bool world_changed(const struct world *world, const char *element, const char *what)
{
    for (size_t i = 0; i < world->result.count; i++) {
        if (str_equal(world->result.changes[i].element, str_from(element))) {
            return str_equal(world->result.changes[i].what, str_from(what)) &&
                   world->result.changes[i].version.size == 64;
        }
    }
    return false;
}

uint32_t world_person(const struct world *world, const char *name)
{
    struct person_info info;
    return tenant_person_find(world->tenant, str_from(name), &info) == OK ? info.id : 0;
}

struct wall after(int64_t ns)
{
    return (struct wall){NOW.ns + ns};
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
