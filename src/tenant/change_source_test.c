/* A sender enrolled as a source of its own. */

#include "ledger/ledger.h"
#include "tenant/world_test.h"
#include "testing/testing.h"

static const struct source_wish sender = {.slug = STR("sender-192-0-2-7"),
                                          .name_ja = STR("支社"),
                                          .format = STR("syslog"),
                                          .listener = STR("udp"),
                                          .address = STR("192.0.2.7")};

static enum err enrol(struct world *world, const char *by, const char *client,
                      const struct source_wish *wish)
{
    struct scope *scope = NULL;
    struct client_id id;
    CHECK(tenant_client_find(world->tenant, str_from(client), &id) == OK);
    enum err err =
        scope_for_person(world->tenant, world_person(world, by), STR("test"), NOW, &scope);
    CHECK(err == OK);
    err = tenant_source_enrol(scope, world->tenant, id, wish, NOW, &world->why);
    scope_free(scope);
    return err;
}

TEST(who_manages_a_client_enrols_a_sender_and_an_export_shows_it)
{
    struct world world = world_peopled();
    struct buf out;
    CHECK(enrol(&world, "watch/admin", "acme", &sender) == OK);
    CHECK(world_audited(&world, "new") > 0);
    world_reopen(&world);
    buf_init(&out, 1 << 20);
    CHECK(tenant_export(world.scope, world.tenant, STR("acme"), NULL, NULL, &out) == OK);
    CHECK(str_find(buf_str(&out), STR("sender-192-0-2-7")) != STR_NONE);
    CHECK(str_find(buf_str(&out), STR("192.0.2.7")) != STR_NONE);
    struct str rest = buf_str(&out);
    rest = str_slice(rest, str_find(rest, STR("sender-192-0-2-7")), 100);
    CHECK(str_find(rest, STR("parser: \"auto\"")) != STR_NONE);
    CHECK(str_find(buf_str(&out), STR("web-1")) != STR_NONE);
    buf_done(&out);
    world_done(&world);
}

TEST(a_name_from_before_marks_were_refused_is_read_again)
{
    struct world world = world_peopled();
    struct statement *statement;
    struct source_wish wish = sender;
    wish.name_en = STR("Branch office");
    CHECK(enrol(&world, "watch/admin", "acme", &wish) == OK);
    CHECK(ledger_prepare(world.ledger,
                         "UPDATE document_text SET canonical ="
                         " replace(canonical, 'Branch office', 'Branch' || char(8206) || 'office')"
                         " WHERE canonical LIKE '%Branch office%'",
                         &statement) == OK);
    CHECK(statement_run(statement) == OK && ledger_changes(world.ledger) == 1);
    world_reopen(&world);
    world_done(&world);
}

TEST(nobody_else_enrols_and_nothing_of_another_is_taken)
{
    struct world world = world_peopled();
    struct source_wish wish = sender;
    CHECK(enrol(&world, "watch/ann", "acme", &sender) == ERR_DENIED);
    CHECK(enrol(&world, "watch/eve", "acme", &sender) == ERR_DENIED);
    CHECK(enrol(&world, "acme/head", "acme", &sender) == ERR_DENIED);
    CHECK(enrol(&world, "watch/admin", "other", &sender) == ERR_DENIED);
    wish.slug = STR("web-1");
    CHECK(enrol(&world, "watch/admin", "acme", &wish) == ERR_EXISTS);
    wish.slug = STR("Not a slug");
    CHECK(enrol(&world, "watch/admin", "acme", &wish) == ERR_SYNTAX);
    wish.slug = STR(OWN_SOURCE_SLUG);
    CHECK(enrol(&world, "watch/admin", "acme", &wish) != OK);
    wish = sender;
    wish.name_en = STR("turned\u200f");
    CHECK(enrol(&world, "watch/admin", "acme", &wish) == ERR_SYNTAX);
    wish = sender;
    wish.address = STR("everywhere");
    CHECK(enrol(&world, "watch/admin", "acme", &wish) == ERR_SYNTAX);
    CHECK(enrol(&world, "watch/admin", "acme", &sender) == OK);
    wish = sender;
    wish.slug = STR("again");
    CHECK(enrol(&world, "watch/admin", "acme", &wish) == ERR_CONFLICT);
    world_done(&world);
}
