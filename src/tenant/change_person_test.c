/* People and assignments changed one at a time. */

#include <string.h>

#include "ledger/ledger.h"
#include "tenant/world_test.h"
#include "testing/testing.h"

#define ROLE(name) (1u << ROLE_##name)

static enum err make(struct world *world, const char *by, const char *slug, uint32_t roles)
{
    const struct person_wish wish = {.name_ja = STR("新人"),
                                     .mail = STR("new@watch.example"),
                                     .language = LANGUAGE_EN,
                                     .roles = roles};
    return tenant_person_make(NULL, world->tenant, world_person(world, by), str_from(slug), &wish,
                              NOW, &world->why);
}

static enum err change(struct world *world, const char *by, const char *name, uint32_t roles,
                       bool active)
{
    const struct person_wish wish = {.name_en = STR("Changed"), .roles = roles};
    return tenant_person_change(NULL, world->tenant, world_person(world, by), str_from(name), &wish,
                                active, NOW, &world->why);
}

static struct person_info info(struct world *world, const char *name)
{
    struct person_info info = {0};
    CHECK(tenant_person_find(world->tenant, str_from(name), &info) == OK);
    return info;
}

static struct scope *scope_of(struct world *world, const char *name)
{
    struct scope *scope = NULL;
    CHECK(scope_for_person(world->tenant, world_person(world, name), STR("test"), NOW, &scope) ==
          OK);
    return scope;
}

static bool reaches(struct world *world, const char *name, const char *client, enum role role)
{
    struct scope *scope;
    struct client_id id;
    CHECK(tenant_client_find(world->tenant, str_from(client), &id) == OK);
    enum err err =
        scope_for_person(world->tenant, world_person(world, name), STR("test"), NOW, &scope);
    CHECK(err == OK || err == ERR_DENIED);
    bool has = err == OK && scope_has_role(scope, id, role);
    if (err == OK) {
        scope_free(scope);
    }
    return has;
}

static enum err assign(struct world *world, const char *by, const char *slug,
                       const struct assignment *list, size_t count)
{
    struct client_id id;
    struct scope *scope = scope_of(world, by);
    CHECK(tenant_client_find(world->tenant, STR("acme"), &id) == OK);
    enum err err =
        tenant_assign(scope, world->tenant, id, str_from(slug), list, count, NOW, &world->why);
    scope_free(scope);
    return err;
}

static struct str exported(struct world *world, struct buf *out)
{
    buf_init(out, 1 << 20);
    CHECK(tenant_export(world->scope, world->tenant, STR(""), NULL, NULL, out) == OK);
    return buf_str(out);
}

TEST(who_manages_a_party_adds_people_to_it_in_the_roles_that_it_can_give)
{
    static const struct {
        const char *by, *slug;
        uint32_t roles;
        enum err err;
    } cases[] = {
        {"watch/admin", "new", ROLE(ANALYST) | ROLE(ENGINEER), OK},
        {"watch/admin", "new", ROLE(ANALYST), ERR_EXISTS},
        {"watch/admin", "second", ROLE(PROVIDER_ADMIN), OK},
        {"watch/admin", "third", ROLE(RESPONSIBLE), ERR_SYNTAX}, /* R069 */
        {"watch/admin", "third", ROLE(AUDITOR), ERR_SYNTAX},
        {"watch/admin", "third", 0, ERR_SYNTAX},
        {"watch/admin", "Third", ROLE(ANALYST), ERR_SYNTAX},
        {"watch/ann", "third", ROLE(ANALYST), ERR_DENIED},
        {"acme/head", "new", ROLE(CONTACT), OK},
        {"acme/head", "third", ROLE(ANALYST), ERR_SYNTAX},
        {"acme/head", "third", ROLE(PROVIDER_ADMIN), ERR_SYNTAX},
        {"acme/clerk", "third", ROLE(VIEWER), ERR_DENIED},
        {"audit/ada", "third", ROLE(AUDITOR), ERR_DENIED},
        {"nobody/here", "third", ROLE(VIEWER), ERR_DENIED},
    };
    struct world world = world_peopled();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(make(&world, cases[i].by, cases[i].slug, cases[i].roles) == cases[i].err);
    }
    struct person_info made = info(&world, "watch/new");
    CHECK(made.active && !made.has_password && made.language == LANGUAGE_EN);
    CHECK(made.roles == (ROLE(ANALYST) | ROLE(ENGINEER)));
    CHECK(str_equal(made.name_ja, STR("新人")) && str_equal(made.mail, STR("new@watch.example")));
    world_reopen(&world);
    CHECK(info(&world, "acme/new").roles == ROLE(CONTACT));
    world_done(&world);
}

TEST(what_is_no_name_or_mail_in_an_apply_file_is_none_here)
{
    struct world world = world_peopled();
    uint32_t admin = world_person(&world, "watch/admin");
    char slug[200];
    struct person_wish wish = {.mail = STR("two@a.example, b@b.example"), .roles = ROLE(ANALYST)};
    CHECK(tenant_person_make(NULL, world.tenant, admin, STR("x"), &wish, NOW, &world.why) ==
          ERR_SYNTAX);
    CHECK(world.why.line == 0 && strstr(world.why.text, "mail") != NULL);
    wish = (struct person_wish){.name_en = STR("two\nlines"), .roles = ROLE(ANALYST)};
    CHECK(tenant_person_make(NULL, world.tenant, admin, STR("x"), &wish, NOW, NULL) == ERR_SYNTAX);
    wish.name_en = STR("turned\u061c");
    CHECK(tenant_person_make(NULL, world.tenant, admin, STR("x"), &wish, NOW, NULL) == ERR_SYNTAX);
    wish.name_en = STR("");
    memset(slug, 'a', sizeof slug);
    CHECK(tenant_person_make(NULL, world.tenant, admin, str_of(slug, sizeof slug), &wish, NOW,
                             NULL) == ERR_SYNTAX);
    CHECK(world_person(&world, "watch/x") == 0);
    world_done(&world);
}

TEST(a_change_is_a_version_that_an_export_shows_and_an_apply_finds_unchanged)
{
    struct world world = world_peopled();
    struct buf text;
    char copy[16384];
    CHECK(make(&world, "watch/admin", "new", ROLE(ANALYST)) == OK);
    CHECK(change(&world, "watch/admin", "watch/ann", ROLE(ANALYST) | ROLE(ENGINEER), true) == OK);
    struct str all = exported(&world, &text);
    CHECK(memmem(all.data, all.size, "new@watch.example", 17) != NULL);
    CHECK(memmem(all.data, all.size, "Changed", 7) != NULL);
    CHECK(all.size < sizeof copy);
    memcpy(copy, all.data, all.size);
    copy[all.size] = '\0';
    buf_done(&text);
    CHECK(world_apply(&world, copy) == OK);
    CHECK(world_changed(&world, "person watch/new", "unchanged"));
    CHECK(world_changed(&world, "person watch/ann", "unchanged"));
    CHECK(world_audited(&world, "changed") == 1);
    world_done(&world);
}

TEST(who_becomes_inactive_is_out_at_once_and_out_of_every_engagement)
{
    struct world world = world_peopled();
    struct str token;
    uint32_t ann = world_person(&world, "watch/ann");
    CHECK(session_new(world.tenant, ann, STR("192.0.2.1"), STR("x"), NOW, world.mem, &token) == OK);
    CHECK(reaches(&world, "watch/ann", "acme", ROLE_ANALYST));
    CHECK(change(&world, "watch/admin", "watch/ann", ROLE(ANALYST), false) == OK);
    CHECK(session_alive(world.tenant, token, NOW) == ERR_DENIED);
    CHECK(!reaches(&world, "watch/ann", "acme", ROLE_ANALYST));
    CHECK(!info(&world, "watch/ann").active);
    /* Back in the party, but in no engagement. */
    CHECK(change(&world, "watch/admin", "watch/ann", ROLE(ANALYST), true) == OK);
    CHECK(info(&world, "watch/ann").active);
    CHECK(info(&world, "watch/ann").id == ann);
    CHECK(!reaches(&world, "watch/ann", "acme", ROLE_ANALYST));
    CHECK(make(&world, "watch/admin", "ann", ROLE(ANALYST)) == ERR_EXISTS);
    world_done(&world);
}

TEST(a_role_that_is_lost_ends_its_assignments_and_no_others)
{
    struct world world = world_peopled();
    CHECK(reaches(&world, "watch/eve", "acme", ROLE_ENGINEER));
    CHECK(change(&world, "watch/admin", "watch/eve", ROLE(ANALYST), true) == OK);
    CHECK(!reaches(&world, "watch/eve", "acme", ROLE_ENGINEER));
    CHECK(reaches(&world, "watch/ann", "acme", ROLE_ANALYST));
    world_done(&world);
}

TEST(nobody_locks_themselves_out_or_changes_people_of_others)
{
    struct world world = world_peopled();
    CHECK(change(&world, "watch/admin", "watch/admin", ROLE(ANALYST), true) == ERR_CONFLICT);
    CHECK(change(&world, "watch/admin", "watch/admin", ROLE(PROVIDER_ADMIN), false) ==
          ERR_CONFLICT);
    CHECK(change(&world, "watch/admin", "watch/admin", ROLE(PROVIDER_ADMIN) | ROLE(ANALYST),
                 true) == OK);
    CHECK(change(&world, "acme/head", "acme/head", ROLE(VIEWER), true) == ERR_CONFLICT);
    CHECK(change(&world, "acme/head", "acme/head", ROLE(RESPONSIBLE), false) == ERR_CONFLICT);
    CHECK(change(&world, "acme/head", "acme/clerk", ROLE(ENGINEER), true) == ERR_SYNTAX);
    CHECK(change(&world, "acme/head", "acme/clerk", ROLE(RESPONSIBLE), true) == OK);
    CHECK(change(&world, "acme/clerk", "acme/head", ROLE(VIEWER), true) == OK);
    CHECK(change(&world, "acme/head", "acme/clerk", ROLE(VIEWER), true) == ERR_DENIED);
    CHECK(change(&world, "watch/admin", "acme/clerk", ROLE(VIEWER), true) == ERR_NOT_FOUND);
    CHECK(change(&world, "other/head", "acme/clerk", ROLE(VIEWER), true) == ERR_NOT_FOUND);
    CHECK(change(&world, "acme/clerk", "watch/ann", ROLE(ANALYST), false) == ERR_NOT_FOUND);
    CHECK(change(&world, "acme/clerk", "acme/nobody", ROLE(VIEWER), true) == ERR_NOT_FOUND);
    world_done(&world);
}

TEST(a_token_manages_people_only_if_it_was_made_for_that)
{
    struct world world = world_peopled();
    struct str texts[2];
    uint64_t id;
    const uint32_t rights[] = {RIGHT_READ | RIGHT_MANAGE, RIGHT_USERS};
    uint32_t admin = world_person(&world, "watch/admin");
    const struct person_wish wish = {.roles = ROLE(ANALYST)};
    for (size_t i = 0; i < 2; i++) {
        struct scope *scope;
        CHECK(api_token_new(world.tenant, admin, STR("x"), rights[i], after(MINUTE), NOW, world.mem,
                            &texts[i], &id) == OK);
        CHECK(api_token_scope(world.tenant, texts[i], STR("test"), NOW, &scope) == OK);
        CHECK(tenant_person_make(scope, world.tenant, 0, STR("made"), &wish, NOW, NULL) ==
              (i == 0 ? ERR_DENIED : OK));
        scope_free(scope);
    }
    world_done(&world);
}

TEST(ones_language_is_ones_own_to_change)
{
    struct world world = world_peopled();
    uint32_t ann = world_person(&world, "watch/ann");
    CHECK(tenant_language_set(world.tenant, ann, LANGUAGE_EN, NOW) == OK);
    CHECK(info(&world, "watch/ann").language == LANGUAGE_EN);
    CHECK(str_equal(info(&world, "watch/ann").name_ja, STR("分析")));
    CHECK(reaches(&world, "watch/ann", "acme", ROLE_ANALYST));
    CHECK(tenant_language_set(world.tenant, 9999, LANGUAGE_EN, NOW) == ERR_DENIED);
    world_reopen(&world);
    CHECK(info(&world, "watch/ann").language == LANGUAGE_EN);
    world_done(&world);
}

TEST(assignments_count_for_the_next_call_and_only_the_providers_administrator_gives_them)
{
    const struct assignment eve[] = {{.person = STR("eve"), .role = ROLE_ANALYST}};
    const struct assignment bad_role[] = {{.person = STR("ann"), .role = ROLE_ENGINEER}};
    const struct assignment nobody[] = {{.person = STR("ghost"), .role = ROLE_ANALYST}};
    const struct assignment twice[] = {eve[0], eve[0]};
    const struct assignment client_role[] = {{.person = STR("ann"), .role = ROLE_RESPONSIBLE}};
    struct world world = world_peopled();
    CHECK(assign(&world, "watch/admin", "main", eve, 1) == OK);
    CHECK(!reaches(&world, "watch/ann", "acme", ROLE_ANALYST));
    CHECK(reaches(&world, "watch/eve", "acme", ROLE_ANALYST));
    CHECK(!reaches(&world, "watch/eve", "acme", ROLE_ENGINEER));
    CHECK(assign(&world, "watch/admin", "main", bad_role, 1) == ERR_SYNTAX);
    CHECK(assign(&world, "watch/admin", "main", nobody, 1) == ERR_SYNTAX);
    CHECK(assign(&world, "watch/admin", "main", twice, 2) == ERR_SYNTAX);
    CHECK(assign(&world, "watch/admin", "main", client_role, 1) == ERR_SYNTAX);
    CHECK(assign(&world, "watch/admin", "nothing", eve, 1) == ERR_NOT_FOUND);
    CHECK(assign(&world, "watch/admin", "audit", NULL, 0) == OK); /* as it was: no change */
    CHECK(assign(&world, "watch/eve", "main", NULL, 0) == ERR_NOT_FOUND);
    CHECK(assign(&world, "acme/head", "main", NULL, 0) == ERR_NOT_FOUND);
    CHECK(assign(&world, "audit/ada", "audit", NULL, 0) == ERR_NOT_FOUND);
    CHECK(reaches(&world, "watch/eve", "acme", ROLE_ANALYST));
    CHECK(assign(&world, "watch/admin", "main", NULL, 0) == OK);
    CHECK(!reaches(&world, "watch/eve", "acme", ROLE_ANALYST));
    world_done(&world);
}
