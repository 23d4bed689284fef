#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "tenant/world_test.h"
#include "testing/testing.h"

#define ACME  ((struct client_id){5})
#define OTHER ((struct client_id){6})

static struct person_info person(const struct world *world, const char *name)
{
    struct person_info info = {0};
    CHECK(tenant_person_find(world->tenant, str_from(name), &info) == OK);
    return info;
}

/* Rights of a person for a client now; 0 where there is no scope at all. */
static uint32_t rights_of(struct world *world, const char *name, struct client_id client,
                          struct wall now, enum side *ret_side)
{
    struct scope *scope;
    uint32_t rights = 0;
    enum err err =
        scope_for_person(world->tenant, world_person(world, name), STR("test"), now, &scope);
    *ret_side = SIDE_NONE;
    if (err != OK) {
        CHECK(err == ERR_DENIED);
        return 0;
    }
    for (uint32_t bit = 1; bit <= RIGHTS_KNOWN; bit <<= 1) {
        rights |= scope_allows(scope, client, (enum right)bit) ? bit : 0;
    }
    *ret_side = scope_side(scope, client);
    CHECK(str_equal(scope_principal(scope), str_from(name)));
    CHECK(scope_person(scope) == world_person(world, name));
    CHECK(!scope_allows_all(scope, RIGHT_DOCUMENTS));
    for (int role = 0; role < ROLE_COUNT; role++) {
        CHECK(!scope_has_role(scope, client, (enum role)role) ||
              (rights & role_rights((enum role)role)) == role_rights((enum role)role));
    }
    scope_free(scope);
    return rights;
}

static uint32_t rights_now(struct world *world, const char *name, struct client_id client)
{
    enum side side;
    return rights_of(world, name, client, NOW, &side);
}

TEST(an_apply_makes_parties_people_and_engagements)
{
    struct world world = world_peopled();
    CHECK(world.result.count == 3 + 6 + 2 + 3 + 3 + 1);
    CHECK(world_changed(&world, "party watch", "new"));
    CHECK(world_changed(&world, "person watch/admin", "new"));
    CHECK(world_changed(&world, "person acme/head", "new"));
    CHECK(world_changed(&world, "engagement acme/main", "new"));
    world_reopen(&world);
    struct person_info admin = person(&world, "watch/admin");
    CHECK(admin.active && !admin.has_password && admin.language == LANGUAGE_EN);
    CHECK(str_equal(admin.mail, STR("admin@watch.example")) && admin.id == 1);
    CHECK(str_equal(person(&world, "watch/ann").name_ja, STR("分析")));
    CHECK(tenant_person_get(world.tenant, 1, &admin) == OK && str_equal(admin.slug, STR("admin")));
    CHECK(tenant_person_get(world.tenant, 99, &admin) == ERR_NOT_FOUND);
    CHECK(tenant_person_find(world.tenant, STR("acme/admin"), &admin) == ERR_NOT_FOUND);
    struct engagement_info engagement;
    CHECK(tenant_engagement_at(world.tenant, 0, &engagement));
    CHECK(client_equal(engagement.client, ACME) && str_equal(engagement.party, STR("watch")));
    CHECK(engagement.state == ENGAGEMENT_STEADY &&
          engagement.from.ns == 1672498800 * NS_PER_SECOND);
    CHECK(tenant_engagement_at(world.tenant, 2, &engagement) && !wall_known(engagement.to));
    CHECK(!tenant_engagement_at(world.tenant, 3, &engagement));
    CHECK(world_apply(&world, world_parties) == OK);
    for (size_t i = 0; i < world.result.count; i++) {
        CHECK(str_equal(world.result.changes[i].what, STR("unchanged")));
    }
    world_done(&world);
}

TEST(an_export_with_people_is_stable_and_applies_anywhere_as_the_same)
{
    struct world world = world_peopled();
    struct world empty = world_new();
    struct buf first, second;
    buf_init(&first, 1 << 20);
    buf_init(&second, 1 << 20);
    CHECK(tenant_export(world.scope, world.tenant, STR(""), NULL, NULL, &first) == OK);
    CHECK(str_starts(buf_str(&first), STR("parties:\n  - slug: \"watch\"\n")));
    CHECK(buf_append_byte(&first, '\0') == OK && world_apply(&world, first.data) == OK);
    for (size_t i = 0; i < world.result.count; i++) {
        CHECK(str_equal(world.result.changes[i].what, STR("unchanged")));
    }
    CHECK(world_apply(&empty, first.data) == OK);
    CHECK(tenant_export(empty.scope, empty.tenant, STR(""), NULL, NULL, &second) == OK);
    CHECK(str_equal(str_slice(buf_str(&first), 0, first.size - 1), buf_str(&second)));
    buf_reset(&second);
    CHECK(tenant_export(world.scope, world.tenant, STR("other"), NULL, NULL, &second) == OK);
    CHECK(str_starts(buf_str(&second), STR("clients:\n")));
    CHECK(str_find(buf_str(&second), STR("acme")) == STR_NONE);
    buf_done(&first);
    buf_done(&second);
    world_done(&empty);
    world_done(&world);
}

TEST(the_example_of_a_whole_service_applies)
{
    char path[4096];
    struct world world = world_new();
    (void)snprintf(path, sizeof path, "%s/examples/service.yaml", testing_root());
    char *text = testing_read(path, NULL);
    CHECK(world_apply(&world, text) == OK && world.result.count == 8);
    free(text);
    world_done(&world);
}

TEST(who_left_the_file_is_inactive_keeps_name_and_id_and_leaves_every_engagement)
{
    struct world world = world_peopled();
    uint32_t ann = world_person(&world, "watch/ann");
    CHECK(world_apply(&world, "parties:\n"
                              "- slug: watch\n"
                              "  kinds: [provider]\n"
                              "  people:\n"
                              "  - {slug: admin, roles: [provider-admin]}\n"
                              "  - {slug: eve, roles: [analyst]}\n") == OK);
    CHECK(world_changed(&world, "person watch/ann", "removed"));
    CHECK(world_changed(&world, "person watch/eve", "changed"));
    CHECK(world_changed(&world, "engagement acme/main", "changed"));
    struct person_info info = person(&world, "watch/ann");
    CHECK(!info.active && info.id == ann && str_equal(info.name_ja, STR("分析")));
    CHECK(person(&world, "audit/ada").active && person(&world, "acme/head").active);
    CHECK(rights_now(&world, "watch/ann", ACME) == 0 && rights_now(&world, "watch/eve", ACME) == 0);
    struct buf out;
    buf_init(&out, 1 << 20);
    CHECK(tenant_export(world.scope, world.tenant, STR(""), NULL, NULL, &out) == OK);
    CHECK(str_find(buf_str(&out), STR("assignments")) == STR_NONE);
    CHECK(buf_append_byte(&out, '\0') == OK && world_apply(&world, out.data) == OK);
    CHECK(!world_changed(&world, "engagement acme/main", "changed"));
    buf_done(&out);
    CHECK(world_apply(&world, world_parties) == OK);
    CHECK(world_person(&world, "watch/ann") == ann && person(&world, "watch/ann").active);
    CHECK(rights_now(&world, "watch/ann", ACME) == role_rights(ROLE_ANALYST));
    CHECK(world_apply(&world, "clients: [{slug: acme}]") == OK);
    CHECK(world_changed(&world, "engagement acme/main", "removed"));
    CHECK(!person(&world, "acme/head").active && person(&world, "other/head").active);
    CHECK(rights_now(&world, "watch/admin", ACME) == 0);
    world_done(&world);
}

TEST(an_apply_joins_the_callers_transaction_and_is_undone_with_it)
{
    struct world world = world_new();
    struct client_id id;
    CHECK(ledger_begin(world.ledger) == OK);
    CHECK(world_apply(&world, world_parties) == OK);
    CHECK(tenant_client_find(world.tenant, STR("acme"), &id) == OK && client_equal(id, ACME));
    ledger_rollback(world.ledger);
    CHECK(tenant_settle(world.tenant, &world.why) == OK);
    CHECK(tenant_client_find(world.tenant, STR("acme"), &id) == ERR_NOT_FOUND);
    CHECK(world_person(&world, "watch/admin") == 0);
    CHECK(ledger_begin(world.ledger) == OK);
    CHECK(world_apply(&world, "clients: [{slug: installation}]") == ERR_DENIED);
    CHECK(ledger_in_transaction(world.ledger));
    CHECK(world_apply(&world, world_parties) == OK);
    CHECK(ledger_commit(world.ledger) == OK);
    CHECK(tenant_settle(world.tenant, &world.why) == OK);
    CHECK(tenant_settle(world.tenant, &world.why) == OK);
    CHECK(tenant_client_find(world.tenant, STR("acme"), &id) == OK);
    CHECK(world_person(&world, "watch/admin") == 1);
    world_done(&world);
}

static const struct {
    const char *text;
    enum err err;
    uint32_t line, column;
    const char *says;
} mistakes[] = {
    {"parties: {}", ERR_SYNTAX, 1, 10, "a list of parties"},
    {"partie: []", ERR_SYNTAX, 1, 1, "did you mean 'parties'?"},
    {"parties:\n- slug: a", ERR_SYNTAX, 2, 3, "kinds: [provider]"},
    {"parties:\n- slug: a\n  kinds: [seller]", ERR_SYNTAX, 3, 11, "auditor and bidder"},
    {"parties:\n- slug: a\n  kinds: [bidder, bidder]", ERR_SYNTAX, 3, 19, "says once"},
    {"parties:\n- slug: hinomi\n  kinds: [provider]", ERR_DENIED, 2, 3, "another slug"},
    {"parties:\n- slug: a\n  kind: [provider]", ERR_SYNTAX, 3, 3, "did you mean 'kinds'?"},
    {"parties:\n- {slug: a, kinds: [bidder]}\n- {slug: a, kinds: [bidder]}", ERR_SYNTAX, 3, 3,
     "party 'a' stands in line 2 already"},
    {"parties:\n- {slug: a, kinds: [bidder]}\nclients:\n- slug: a", ERR_SYNTAX, 4, 3,
     "'a' is a party in line 2"},
    {"parties:\n- slug: a\n  kinds: [bidder]\n  people:\n  - {slug: b, roles: [engineer]}",
     ERR_SYNTAX, 5, 23, "no such role; write bidder"},
    {"parties:\n- slug: a\n  kinds: [provider]\n  people:\n  - {slug: b, roles: []}", ERR_SYNTAX, 5,
     22, "provider-admin, engineer, analyst, consultant"},
    {"clients:\n- slug: a\n  people:\n  - {slug: b, roles: [analyst]}", ERR_SYNTAX, 4, 23,
     "write responsible, contact, viewer"},
    {"clients:\n- slug: a\n  people:\n  - {slug: b, roles: [viewer, viewer]}", ERR_SYNTAX, 4, 31,
     "twice"},
    {"clients:\n- slug: a\n  people:\n  - {slug: b, roles: [viewer], mail: \"a@b@c\"}", ERR_SYNTAX,
     4, 38, "one mail address"},
    {"clients:\n- slug: a\n  people:\n  - {slug: b, roles: [viewer], language: fr}", ERR_SYNTAX, 4,
     42, "ja or en"},
    {"clients:\n- slug: a\n  people:\n  - {slug: b, roles: [viewer]}\n  - {slug: b, roles: "
     "[viewer]}",
     ERR_SYNTAX, 5, 5, "person 'a/b' stands in line 4 already"},
    {"clients:\n- slug: a\n  engagements:\n  - {slug: m, state: steady}", ERR_SYNTAX, 4, 5,
     "needs 'party:'"},
    {"clients:\n- slug: a\n  engagements:\n  - {slug: m, party: watch, state: open}", ERR_SYNTAX, 4,
     36, "needs 'state:'"},
    {"clients:\n- slug: a\n  engagements:\n  - {slug: m, party: watch, state: test, from: "
     "2026}",
     ERR_SYNTAX, 4, 48, "with its zone"},
    {"clients:\n- slug: a\n  engagements:\n  - {slug: m, party: watch, state: test, from: "
     "2026-01-02, to: 2026-01-02}",
     ERR_SYNTAX, 4, 64, "not after 'from'"},
    {"clients:\n- slug: a\n  engagements:\n  - {slug: m, party: nobody, state: test}", ERR_SYNTAX,
     4, 22, "no party 'nobody'"},
    {"clients:\n- slug: a\n  engagements:\n  - slug: m\n    party: watch\n    state: test\n"
     "    assignments: [{person: zed, role: analyst}]",
     ERR_SYNTAX, 7, 19, "party 'watch' has no person 'zed'"},
    {"clients:\n- slug: a\n  engagements:\n  - slug: m\n    party: watch\n    state: test\n"
     "    assignments: [{person: ann, role: engineer}]",
     ERR_SYNTAX, 7, 19, "'watch/ann' does not have the role 'engineer'"},
    {"clients:\n- slug: a\n  engagements:\n  - slug: m\n    party: watch\n    state: test\n"
     "    assignments: [{person: ann, role: viewer}]",
     ERR_SYNTAX, 7, 39, "provider-admin, engineer, analyst, consultant, auditor, bidder"},
    {"clients:\n- slug: a\n  engagements:\n  - slug: m\n    party: watch\n    state: test\n"
     "    assignments: [{person: ann, role: analyst}, {person: ann, role: analyst}]",
     ERR_SYNTAX, 7, 49, "already; remove one"},
    {"clients: [{slug: watch}]", ERR_CONFLICT, 1, 11, "'watch' is a party"},
    {"parties: [{slug: acme, kinds: [bidder]}]", ERR_CONFLICT, 1, 11, "'acme' is a client"},
};

TEST(mistakes_about_people_say_where_and_what_to_do)
{
    struct world world = world_peopled();
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        enum err err = world_apply(&world, mistakes[i].text);
        if (err != mistakes[i].err || world.why.line != mistakes[i].line ||
            world.why.column != mistakes[i].column ||
            strstr(world.why.text, mistakes[i].says) == NULL) {
            printf("case %zu: %s\n", i, why_text(&world.why, err));
            CHECK(false);
        }
    }
    world_done(&world);
}

TEST(documents_in_an_apply_file_are_passed_over)
{
    struct world world = world_new();
    CHECK(world_apply(&world, "clients:\n- slug: a\n  documents: {assets: {x: [1]}}\n"
                              "  disclosures: []\n  signatures: [{kind: assets}]\n") == OK);
    CHECK(world.result.count == 1 && world_changed(&world, "client a", "new"));
    world_done(&world);
}

TEST(a_provider_changes_its_own_people_and_neither_lets_itself_in_nor_makes_clients_people)
{
    static const struct {
        const char *text;
        enum err err;
    } cases[] = {
        {"parties: [{slug: watch, name: {ja: 監視の例, en: Example Watch}, kinds: [provider], "
         "people: [{slug: admin, mail: admin@watch.example, language: en, roles: "
         "[provider-admin]}, {slug: new, roles: [analyst]}]}]",
         OK},
        {"parties: [{slug: watch, kinds: [provider, auditor]}]", ERR_DENIED},
        {"parties: [{slug: audit, kinds: [auditor]}]", ERR_DENIED},
        {"parties: [{slug: fresh, kinds: [provider]}]", ERR_DENIED},
        {"clients: [{slug: other}]", ERR_DENIED},
        {"clients: [{slug: acme, name: {ja: アクメ}, people: [{slug: me, roles: [responsible]}]}]",
         ERR_DENIED},
        {"clients: [{slug: acme}]", ERR_DENIED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world = world_peopled();
        scope_free(world.scope);
        CHECK(scope_for_person(world.tenant, world_person(&world, "watch/admin"), STR("apply"), NOW,
                               &world.scope) == OK);
        CHECK(world_apply(&world, cases[i].text) == cases[i].err);
        CHECK((person(&world, "watch/ann").active) == (cases[i].err != OK));
        CHECK(person(&world, "acme/head").active);
        world_done(&world);
    }
}

/* An export by a provider's administrator, with one piece of text put in another's place. */
static enum err edited(struct world *world, const char *from, const char *to)
{
    struct buf out, text;
    buf_init(&out, 1 << 20);
    buf_init(&text, 1 << 20);
    CHECK(tenant_export(world->scope, world->tenant, STR("acme"), NULL, NULL, &out) == OK);
    CHECK(str_find(buf_str(&out), STR("slug: \"offer\"")) == STR_NONE);
    size_t at = str_find(buf_str(&out), str_from(from));
    CHECK(at != STR_NONE);
    CHECK(buf_append(&text, str_slice(buf_str(&out), 0, at)) == OK);
    CHECK(buf_append(&text, str_from(to)) == OK);
    CHECK(buf_append(&text, str_slice(buf_str(&out), at + strlen(from), out.size)) == OK);
    CHECK(buf_append_byte(&text, '\0') == OK);
    enum err err = world_apply(world, text.data);
    buf_done(&out);
    buf_done(&text);
    return err;
}

TEST(an_apply_is_no_way_to_ask_who_there_is)
{
    static const char *const texts[] = {
        "parties: [{slug: %s, kinds: [auditor]}]",
        "parties: [{slug: %s, kinds: [auditor], people: [{slug: ada, roles: [auditor]}]}]",
        "clients: [{slug: %s}]",
        "clients: [{slug: acme, name: {ja: アクメ}, people: [{slug: head, mail: head@acme.example, "
        "roles: [responsible]}, {slug: clerk, roles: [contact, viewer]}], engagements: [{slug: x, "
        "party: %s, state: steady, assignments: [{person: ada, role: auditor}]}]}]",
    };
    static const char *const slugs[] = {"audit", "other", "fresh"};
    struct world world = world_peopled();
    scope_free(world.scope);
    CHECK(scope_for_person(world.tenant, world_person(&world, "watch/admin"), STR("apply"), NOW,
                           &world.scope) == OK);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char said[3][WHY_TEXT_SIZE];
        for (size_t j = 0; j < 3; j++) {
            char text[1024];
            struct str shown;
            struct arena *mem = world.mem;
            CHECK(arena_print(mem, &shown, "%.*s%s%s", (int)(strstr(texts[i], "%s") - texts[i]),
                              texts[i], slugs[j], strstr(texts[i], "%s") + 2) == OK);
            memcpy(text, shown.data, shown.size + 1);
            CHECK(world_apply(&world, text) == ERR_DENIED);
            char *name = strstr(world.why.text, slugs[j]);
            if (name != NULL) {
                memset(name, '*', 5);
            }
            memcpy(said[j], world.why.text, WHY_TEXT_SIZE);
        }
        CHECK(strcmp(said[0], said[1]) == 0 && strcmp(said[0], said[2]) == 0);
    }
    world_done(&world);
}

TEST(a_provider_moves_its_engagement_between_build_and_end_and_nothing_else_of_it)
{
    struct world world = world_peopled();
    scope_free(world.scope);
    CHECK(scope_for_person(world.tenant, world_person(&world, "watch/admin"), STR("apply"), NOW,
                           &world.scope) == OK);
    CHECK(edited(&world, "parties:", "parties:") == OK);
    for (size_t i = 0; i < world.result.count; i++) {
        CHECK(str_equal(world.result.changes[i].what, STR("unchanged")));
    }
    CHECK(edited(&world, "role: engineer}", "role: analyst}") == OK);
    CHECK(edited(&world, "state: steady", "state: test") == OK);
    CHECK(edited(&world, "state: test", "state: contract") == ERR_DENIED);
    CHECK(edited(&world, "to: \"2030", "to: \"2031") == ERR_DENIED);
    CHECK(edited(&world, "state: selection", "state: build") == ERR_DENIED);
    CHECK(edited(&world, "roles: [contact, viewer]", "roles: [responsible]") == ERR_DENIED);
    CHECK(edited(&world, "state: test", "state: ended") == OK);
    CHECK(rights_now(&world, "watch/admin", ACME) == 0);
    world_done(&world);
}

/* ---- Who may what. */

struct when {
    const char *text;
    bool in_force;
};

static const struct when whens[] = {
    {"", true},
    {", from: 2023-01-01", true},
    {", from: 2023-11-14T22:13:20Z", true},
    {", from: 2023-11-14T22:13:20.000001Z", false},
    {", to: 2023-11-14T22:13:20Z", false},
    {", to: 2023-11-14T22:13:20.000001Z", true},
    {", from: 2023-01-01, to: 2023-06-01", false},
    {", from: 2023-01-01, to: 2024-01-01", true},
};

/* What the essay of person.c says, told again. */
static uint32_t expected(enum role role, int state, bool in_force, bool assigned)
{
    if (!in_force || state == ENGAGEMENT_ENDED) {
        return 0;
    }
    switch (role) {
    case ROLE_AUDITOR:
    case ROLE_BIDDER:
        return role_rights(role);
    case ROLE_PROVIDER_ADMIN:
        assigned = true;
        break;
    default:
        break;
    }
    bool early = state == ENGAGEMENT_PLANNING || state == ENGAGEMENT_SELECTION ||
                 state == ENGAGEMENT_CONTRACT;
    return !assigned ? 0 : early ? (uint32_t)RIGHT_DOCUMENTS : role_rights(role);
}

TEST(every_role_in_every_state_at_every_date_may_what_the_matrix_says)
{
    static const char *const states[] = {"planning", "selection", "contract", "build",
                                         "test",     "steady",    "ended"};
    static const char *const kinds[] = {"provider", "provider", "provider", "provider", "",
                                        "",         "",         "auditor",  "bidder"};
    struct world world = world_new();
    size_t checks = 0;
    for (int role = 0; role < ROLE_COUNT; role++) {
        for (int state = 0; state < ENGAGEMENT_STATE_COUNT && kinds[role][0] != '\0'; state++) {
            for (size_t when = 0; when < sizeof whens / sizeof *whens; when++) {
                for (int assigned = 0; assigned < 2; assigned++) {
                    char text[1024];
                    char assignment[100] = "";
                    if (assigned != 0) {
                        (void)snprintf(assignment, sizeof assignment,
                                       ", assignments: [{person: p, role: %s}]",
                                       role_text((enum role)role));
                    }
                    (void)snprintf(text, sizeof text,
                                   "parties: [{slug: party, kinds: [%s], people: [{slug: p, roles: "
                                   "[%s]}, {slug: q, roles: [%s]}]}]\n"
                                   "clients: [{slug: c, engagements: [{slug: e, party: party, "
                                   "state: %s%s%s}]}, {slug: d}]",
                                   kinds[role], role_text((enum role)role),
                                   role_text((enum role)role), states[state], whens[when].text,
                                   assignment);
                    CHECK(world_apply(&world, text) == OK);
                    struct client_id c, d;
                    enum side side;
                    CHECK(tenant_client_find(world.tenant, STR("c"), &c) == OK);
                    CHECK(tenant_client_find(world.tenant, STR("d"), &d) == OK);
                    uint32_t rights =
                        expected((enum role)role, state, whens[when].in_force, assigned != 0);
                    CHECK(rights_of(&world, "party/p", c, NOW, &side) == rights);
                    CHECK((side == SIDE_NONE) == (rights == 0) && side != SIDE_INSTALLATION);
                    CHECK(side != SIDE_PROVIDER || state >= ENGAGEMENT_BUILD);
                    CHECK(rights_of(&world, "party/p", d, NOW, &side) == 0);
                    rights = expected((enum role)role, state, whens[when].in_force, false);
                    CHECK(rights_of(&world, "party/q", c, NOW, &side) == rights);
                    CHECK(rights_of(&world, "party/q", CLIENT_INSTALLATION, NOW, &side) == 0);
                    checks += 4;
                }
            }
        }
    }
    printf("%zu checks\n", checks);
    world_done(&world);
}

TEST(a_clients_own_people_have_their_roles_there_and_nowhere_else)
{
    struct world world = world_peopled();
    enum side side;
    CHECK(rights_of(&world, "acme/head", ACME, NOW, &side) == role_rights(ROLE_RESPONSIBLE));
    CHECK(side == SIDE_CLIENT);
    CHECK(rights_now(&world, "acme/clerk", ACME) ==
          (role_rights(ROLE_CONTACT) | role_rights(ROLE_VIEWER)));
    CHECK(rights_now(&world, "acme/head", OTHER) == 0);
    CHECK(rights_now(&world, "acme/head", CLIENT_INSTALLATION) == 0);
    CHECK(rights_now(&world, "other/head", OTHER) == role_rights(ROLE_RESPONSIBLE));
    CHECK(rights_now(&world, "other/head", ACME) == 0);
    CHECK(rights_now(&world, "watch/con", ACME) == 0);
    CHECK(rights_now(&world, "watch/eve", ACME) == role_rights(ROLE_ENGINEER));
    struct scope *scope;
    CHECK(scope_for_person(world.tenant, 0, STR("test"), NOW, &scope) == ERR_DENIED);
    CHECK(scope_for_person(world.tenant, 999, STR("test"), NOW, &scope) == ERR_DENIED);
    CHECK(scope_for_person(world.tenant, world_person(&world, "watch/con"), STR("test"), NOW,
                           &scope) == ERR_DENIED);
    world_done(&world);
}

TEST(in_a_party_of_several_kinds_auditors_need_an_assignment)
{
    struct world world = world_new();
    static const char text[] = "parties: [{slug: both, kinds: [provider, auditor], people: "
                               "[{slug: a, roles: [auditor]}, {slug: b, roles: [auditor]}]}]\n"
                               "clients: [{slug: c, engagements: [{slug: e, party: both, state: "
                               "steady, assignments: [{person: b, role: auditor}]}]}]";
    CHECK(world_apply(&world, text) == OK);
    struct client_id client;
    CHECK(tenant_client_find(world.tenant, STR("c"), &client) == OK);
    CHECK(rights_now(&world, "both/a", client) == 0);
    CHECK(rights_now(&world, "both/b", client) == role_rights(ROLE_AUDITOR));
    world_done(&world);
}

TEST(the_services_own_work_reads_every_client_and_decides_nothing)
{
    struct world world = world_peopled();
    struct scope *scope;
    CHECK(scope_for_job(world.tenant, STR("clocks"), &scope) == OK);
    CHECK(str_equal(scope_principal(scope), STR("hinomi/clocks")) && scope_person(scope) == 0);
    CHECK(scope_allows_all(scope, RIGHT_SERVE | RIGHT_ALERT | RIGHT_ALERTS | RIGHT_DOCUMENTS |
                                      RIGHT_INCIDENTS));
    CHECK(!scope_allows_all(scope, RIGHT_DECIDE) && !scope_allows_all(scope, RIGHT_MANAGE));
    CHECK(!scope_allows_all(scope, RIGHT_READ) && scope_side(scope, ACME) == SIDE_INSTALLATION);
    scope_free(scope);
    CHECK(scope_for_job(world.tenant, STR("a/b"), &scope) == ERR_SYNTAX);
    world_done(&world);
}
