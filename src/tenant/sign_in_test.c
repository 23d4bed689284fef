#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "codec/password.h"
#include "tenant/world_test.h"
#include "testing/testing.h"

#define HASH_ONE \
    PASSWORD_HASH_HEAD "AAAAAAAAAAAAAAAAAAAAAA$1AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define HASH_TWO \
    PASSWORD_HASH_HEAD "AAAAAAAAAAAAAAAAAAAAAA$2AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define PEER STR("192.0.2.7")
#define HOUR (60 * MINUTE)

/* One try at the door. */
static enum err attempt(struct world *world, const char *name, const char *peer, bool matches,
                        struct wall now, uint32_t *ret_seconds)
{
    struct str hash;
    uint32_t person = 77;
    enum err err = tenant_password_get(world->tenant, str_from(name), str_from(peer), now,
                                       world->mem, &hash, &person, ret_seconds);
    if (err == OK) {
        CHECK(password_hash_valid(hash));
        CHECK(tenant_password_tried(world->tenant, str_from(name), str_from(peer), person, matches,
                                    now) == OK);
    }
    return err;
}

static void password_give(struct world *world, const char *name, const char *hash)
{
    CHECK(tenant_password_set(world->tenant, world_person(world, name), str_from(hash), STR(""),
                              NOW) == OK);
}

static struct str session(struct world *world, const char *name, struct wall now)
{
    struct str token = {0};
    CHECK(session_new(world->tenant, world_person(world, name), PEER, STR("Browser/1 \x1b[1m"), now,
                      world->mem, &token) == OK);
    return token;
}

static bool good(struct world *world, struct str token, struct wall now)
{
    uint32_t person = 0;
    enum err err = session_person(world->tenant, token, now, &person);
    CHECK(err == OK || (err == ERR_DENIED && person == 0));
    return err == OK;
}

static struct str api_token(struct world *world, const char *name, uint32_t rights, uint64_t *id)
{
    struct str token = {0};
    CHECK(api_token_new(world->tenant, world_person(world, name), STR("Example"), rights,
                        after(HOUR), NOW, world->mem, &token, id) == OK);
    return token;
}

static enum err token_scope(struct world *world, struct str token, struct wall now,
                            struct scope **ret)
{
    *ret = NULL;
    return api_token_scope(world->tenant, token, STR("test"), now, ret);
}

/* ---- Passwords. */

TEST(a_password_is_long_enough_and_not_ones_own_name)
{
    struct why why;
    char text[PASSWORD_SIZE_MAX + 2];
    memset(text, 'x', sizeof text);
    CHECK(password_fit(STR("12345678901"), STR("a/b"), &why) == ERR_SYNTAX);
    CHECK(strstr(why.text, "at least 12") != NULL);
    CHECK(password_fit(STR("123456789012"), STR("a/b"), NULL) == OK);
    CHECK(password_fit(str_of(text, PASSWORD_SIZE_MAX), STR("a/b"), NULL) == OK);
    CHECK(password_fit(str_of(text, PASSWORD_SIZE_MAX + 1), STR("a/b"), NULL) == ERR_SYNTAX);
    CHECK(password_fit(STR("Example-Acme/HEAD"), STR("example-acme/head"), NULL) == ERR_SYNTAX);
    CHECK(password_fit(STR("Example-Acme"), STR("example-acme/head"), &why) == ERR_SYNTAX);
    CHECK(password_fit(STR("responsible1"), STR("a/responsible1"), &why) == ERR_SYNTAX);
}

TEST(an_unknown_name_gets_a_hash_that_looks_like_any_other_and_fits_nothing)
{
    struct world world = world_peopled();
    struct str hash;
    uint32_t person = 7;
    uint32_t seconds;
    password_give(&world, "watch/admin", HASH_ONE);
    CHECK(tenant_password_get(world.tenant, STR("watch/admin"), PEER, NOW, world.mem, &hash,
                              &person, &seconds) == OK);
    CHECK(str_equal(hash, STR(HASH_ONE)) && person == world_person(&world, "watch/admin"));
    static const char *const names[] = {"watch/nobody", "watch/ann", "", "watch", "admin"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CHECK(tenant_password_get(world.tenant, str_from(names[i]), PEER, NOW, world.mem, &hash,
                                  &person, &seconds) == OK);
        CHECK(person == 0 && password_hash_valid(hash) && !str_equal(hash, STR(HASH_ONE)));
    }
    CHECK(!password_matches(STR(""), hash));
    world_done(&world);
}

TEST(after_ten_failures_a_name_waits_and_after_fifteen_minutes_it_may_again)
{
    static const char here[] = "192.0.2.1";
    struct world world = world_peopled();
    uint32_t seconds;
    password_give(&world, "watch/admin", HASH_ONE);
    for (int i = 0; i < 10; i++) {
        CHECK(attempt(&world, "watch/admin", here, false, NOW, &seconds) == OK);
        CHECK(seconds == 0);
    }
    CHECK(world_audited(&world, "sign-in-failures") == 1);
    CHECK(attempt(&world, "watch/admin", here, true, after(MINUTE), &seconds) == ERR_AGAIN);
    CHECK(seconds == 14 * 60);
    CHECK(attempt(&world, "watch/ann", here, false, after(MINUTE), &seconds) == OK);
    CHECK(attempt(&world, "watch/admin", here, true, after(15 * MINUTE - 1), &seconds) ==
          ERR_AGAIN);
    CHECK(seconds == 1);
    CHECK(attempt(&world, "watch/admin", here, true, after(15 * MINUTE), &seconds) == OK);
    CHECK(world_audited(&world, "sign-in") == 1);
    world_done(&world);
}

TEST(a_stranger_elsewhere_locks_nobody_out_and_a_hundred_failures_from_anywhere_do)
{
    struct world world = world_peopled();
    uint32_t seconds;
    char peer[32];
    password_give(&world, "watch/admin", HASH_ONE);
    for (int i = 0; i < 99; i++) {
        (void)snprintf(peer, sizeof peer, "198.51.100.%d", i / 10);
        CHECK(attempt(&world, "watch/admin", peer, false, NOW, &seconds) == OK);
    }
    CHECK(attempt(&world, "watch/admin", "198.51.100.0", true, NOW, &seconds) == ERR_AGAIN);
    CHECK(attempt(&world, "watch/admin", "192.0.2.1", true, NOW, &seconds) == OK);
    CHECK(attempt(&world, "watch/admin", "192.0.2.2", false, NOW, &seconds) == OK);
    CHECK(attempt(&world, "watch/admin", "192.0.2.1", true, NOW, &seconds) == ERR_AGAIN);
    world_done(&world);
}

TEST(an_unknown_name_waits_like_a_known_one_and_leaves_no_line_for_each_try)
{
    struct world world = world_peopled();
    uint32_t seconds;
    int64_t failures = world_audited(&world, "sign-in-failures");
    for (int i = 0; i < 10; i++) {
        CHECK(attempt(&world, "no/body", "192.0.2.1", true, NOW, &seconds) == OK);
    }
    CHECK(attempt(&world, "no/body", "192.0.2.1", true, NOW, &seconds) == ERR_AGAIN);
    CHECK(world_audited(&world, "sign-in-failures") == failures);
    CHECK(world_audited(&world, "sign-in") == 0);
    world_done(&world);
}

TEST(an_address_waits_after_thirty_failures_and_a_network_of_ipv6_is_one_address)
{
    struct world world = world_peopled();
    uint32_t seconds;
    char name[32];
    char peer[64];
    for (int i = 0; i < 30; i++) {
        (void)snprintf(name, sizeof name, "no/body-%d", i);
        (void)snprintf(peer, sizeof peer, "2001:db8::%x", i + 1);
        CHECK(attempt(&world, name, peer, false, NOW, &seconds) == OK);
        CHECK(attempt(&world, name, "192.0.2.1", false, NOW, &seconds) == OK);
    }
    CHECK(attempt(&world, "x/y", "2001:db8::ffff", false, NOW, &seconds) == ERR_AGAIN);
    CHECK(attempt(&world, "x/y", "192.0.2.1", false, NOW, &seconds) == ERR_AGAIN);
    CHECK(attempt(&world, "x/y", "2001:db8:0:1::1", false, NOW, &seconds) == OK);
    CHECK(attempt(&world, "x/y", "192.0.2.2", false, NOW, &seconds) == OK);
    CHECK(world_audited(&world, "sign-in-failures") == 2);
    world_done(&world);
}

TEST(tries_at_the_same_time_do_not_slip_past_the_limit_and_success_clears_a_name)
{
    struct world world = world_peopled();
    struct str hash;
    uint32_t person;
    uint32_t seconds;
    password_give(&world, "watch/admin", HASH_ONE);
    for (int i = 0; i < 10; i++) {
        CHECK(tenant_password_get(world.tenant, STR("watch/admin"), PEER, NOW, world.mem, &hash,
                                  &person, &seconds) == OK);
    }
    CHECK(tenant_password_get(world.tenant, STR("watch/admin"), PEER, NOW, world.mem, &hash,
                              &person, &seconds) == ERR_AGAIN);
    CHECK(tenant_password_tried(world.tenant, STR("watch/admin"), PEER, person, true, NOW) == OK);
    for (int i = 0; i < 9; i++) {
        CHECK(attempt(&world, "watch/admin", "192.0.2.9", false, NOW, &seconds) == OK);
        CHECK(attempt(&world, "watch/admin", "192.0.2.8", true, NOW, &seconds) == OK);
    }
    world_done(&world);
}

TEST(a_flood_of_names_from_many_addresses_does_not_open_a_name_that_waits)
{
    struct world world = world_peopled();
    uint32_t seconds;
    char name[32];
    char peer[32];
    for (int i = 0; i < 10; i++) {
        CHECK(attempt(&world, "watch/admin", "192.0.2.1", false, NOW, &seconds) == OK);
    }
    for (unsigned i = 0; i < 20000; i++) {
        (void)snprintf(name, sizeof name, "no/body-%u", i);
        (void)snprintf(peer, sizeof peer, "10.%u.%u.1", i >> 8, i & 255);
        tries_add(world.tenant->tries, TRIES_NAME, str_from(name), NOW);
        tries_add(world.tenant->tries, TRIES_PEER, str_from(peer), NOW);
    }
    CHECK(attempt(&world, "watch/admin", "192.0.2.1", true, NOW, &seconds) == ERR_AGAIN);
    world_done(&world);
}

TEST(a_new_password_ends_everything_else_that_lets_the_person_in)
{
    struct world world = world_peopled();
    struct str kept = session(&world, "watch/admin", NOW);
    struct str other = session(&world, "watch/admin", NOW);
    struct str foreign = session(&world, "acme/head", NOW);
    struct str invitation;
    struct scope *scope;
    struct person_info info;
    uint64_t id;
    struct str token = api_token(&world, "watch/admin", RIGHT_ALERTS, &id);
    uint32_t admin = world_person(&world, "watch/admin");
    CHECK(tenant_invite(world.scope, world.tenant, 0, STR("watch/admin"), NOW, world.mem,
                        &invitation, NULL) == OK);
    CHECK(tenant_password_set(world.tenant, admin, STR("plain text"), kept, NOW) == ERR_SYNTAX);
    CHECK(tenant_password_set(world.tenant, 99, STR(HASH_ONE), kept, NOW) == ERR_DENIED);
    CHECK(good(&world, other, NOW));
    CHECK(tenant_password_set(world.tenant, admin, STR(HASH_ONE), kept, NOW) == OK);
    CHECK(good(&world, kept, NOW) && !good(&world, other, NOW) && good(&world, foreign, NOW));
    CHECK(token_scope(&world, token, NOW, &scope) == ERR_DENIED);
    CHECK(tenant_invited(world.tenant, invitation, NOW, &info) == ERR_NOT_FOUND);
    CHECK(tenant_person_get(world.tenant, admin, &info) == OK && info.has_password);
    CHECK(world_audited(&world, "password") == 1);
    world_done(&world);
}

TEST(who_leaves_is_out_at_once_and_comes_back_without_a_password)
{
    struct world world = world_peopled();
    struct str token = session(&world, "watch/ann", NOW);
    struct str invitation;
    struct person_info info;
    struct scope *scope;
    uint64_t id;
    uint32_t ann = world_person(&world, "watch/ann");
    struct str program = api_token(&world, "watch/ann", RIGHT_ALERTS, &id);
    CHECK(token_scope(&world, program, NOW, &scope) == OK);
    scope_free(scope);
    password_give(&world, "watch/eve", HASH_ONE);
    CHECK(tenant_invite(world.scope, world.tenant, 0, STR("watch/ann"), NOW, world.mem, &invitation,
                        NULL) == OK);
    CHECK(world_apply(&world, "parties: [{slug: watch, kinds: [provider]}]") == OK);
    for (int back = 0; back < 2; back++) {
        CHECK(!good(&world, token, NOW));
        CHECK(token_scope(&world, program, NOW, &scope) == ERR_DENIED);
        CHECK(tenant_invited(world.tenant, invitation, NOW, &info) == ERR_NOT_FOUND);
        CHECK(tenant_person_find(world.tenant, STR("watch/eve"), &info) == OK);
        CHECK(info.active == (back == 1) && !info.has_password);
        if (back == 0) {
            CHECK(session_new(world.tenant, ann, PEER, STR(""), NOW, world.mem, &token) ==
                  ERR_DENIED);
            CHECK(tenant_password_set(world.tenant, ann, STR(HASH_ONE), STR(""), NOW) ==
                  ERR_DENIED);
            CHECK(world_apply(&world, world_parties) == OK);
        }
    }
    world_done(&world);
}

/* ---- Sessions. */

TEST(a_session_ends_unused_after_thirty_minutes_and_used_after_twelve_hours)
{
    struct world world = world_peopled();
    struct str used = session(&world, "acme/head", NOW);
    struct str unused = session(&world, "acme/head", NOW);
    CHECK(str_starts(used, STR("hinomi_s_")) && used.size == 9 + 64 && !str_equal(used, unused));
    CHECK(good(&world, unused, after(30 * MINUTE - 1)));
    CHECK(!good(&world, unused, after(61 * MINUTE)));
    for (int64_t at = 0; at < 12 * HOUR; at += 29 * MINUTE) {
        CHECK(good(&world, used, after(at)));
    }
    CHECK(good(&world, used, after(12 * HOUR - 1)) && !good(&world, used, after(12 * HOUR)));
    world_done(&world);
}

TEST(no_other_text_is_a_session)
{
    struct world world = world_peopled();
    struct str token = session(&world, "acme/head", NOW);
    uint64_t id;
    struct str program = api_token(&world, "acme/head", RIGHT_ALERTS, &id);
    char text[128];
    CHECK(!good(&world, STR(""), NOW) && !good(&world, STR("hinomi_s_"), NOW));
    CHECK(!good(&world, program, NOW));
    for (size_t i = 0; i < token.size; i++) {
        memcpy(text, token.data, token.size);
        text[i] = text[i] == '0' ? '1' : '0';
        CHECK(!good(&world, str_of(text, token.size), NOW));
        CHECK(!good(&world, str_of(token.data, i), NOW));
    }
    struct statement *statement;
    bool row;
    CHECK(ledger_prepare(world.ledger, "SELECT token FROM session", &statement) == OK);
    CHECK(statement_step(statement, &row) == OK && row);
    CHECK(str_find(statement_bytes(statement, 0), str_slice(token, 9, 32)) == STR_NONE);
    statement_reset(statement);
    world_done(&world);
}

TEST(the_use_of_a_session_is_noted_once_a_minute)
{
    struct world world = world_peopled();
    struct str token = session(&world, "acme/head", NOW);
    uint64_t syncs = fake_count(world.fake, FAKE_SYNC);
    for (int i = 0; i < 60; i++) {
        CHECK(good(&world, token, after(i * NS_PER_SECOND)));
    }
    CHECK(fake_count(world.fake, FAKE_SYNC) == syncs);
    CHECK(good(&world, token, after(MINUTE)) && fake_count(world.fake, FAKE_SYNC) > syncs);
    world_done(&world);
}

TEST(looking_whether_a_session_is_alive_does_not_keep_it_alive)
{
    struct world world = world_peopled();
    struct str token = session(&world, "watch/admin", NOW);
    CHECK(session_alive(world.tenant, token, after(29 * MINUTE)) == OK);
    CHECK(session_alive(world.tenant, token, after(31 * MINUTE)) == ERR_DENIED);
    CHECK(session_alive(world.tenant, token, after(29 * MINUTE)) == OK);
    CHECK(session_end(world.tenant, token, after(MINUTE)) == OK);
    CHECK(session_alive(world.tenant, token, after(MINUTE)) == ERR_DENIED);
    CHECK(session_alive(world.tenant, STR("nobody's"), NOW) == ERR_DENIED);
    world_done(&world);
}

TEST(sessions_are_listed_ended_one_by_one_and_bounded)
{
    struct world world = world_peopled();
    struct session_view *list;
    size_t count;
    uint32_t head = world_person(&world, "acme/head");
    struct str first = session(&world, "acme/head", NOW);
    struct str foreign = session(&world, "other/head", NOW);
    struct str last = session(&world, "acme/head", after(1));
    CHECK(session_list(world.tenant, head, last, after(2), world.mem, &list, &count) == OK);
    CHECK(count == 2 && list[0].current && !list[1].current && list[1].created.ns == NOW.ns);
    CHECK(str_equal(list[0].peer, PEER) && str_equal(list[0].agent, STR("Browser/1 ?[1m")));
    uint32_t other = world_person(&world, "other/head");
    CHECK(session_end_id(world.tenant, other, list[1].id, NOW) == ERR_NOT_FOUND);
    CHECK(session_end_id(world.tenant, head, list[1].id, NOW) == OK);
    CHECK(!good(&world, first, NOW) && good(&world, last, after(2)));
    CHECK(session_end(world.tenant, last, NOW) == OK && !good(&world, last, NOW));
    CHECK(session_end(world.tenant, last, NOW) == ERR_DENIED && good(&world, foreign, NOW));
    first = session(&world, "acme/head", NOW);
    for (int i = 1; i <= SESSIONS_MAX; i++) {
        last = session(&world, "acme/head", after(i));
    }
    CHECK(session_list(world.tenant, head, STR(""), after(99), world.mem, &list, &count) == OK);
    CHECK(count == SESSIONS_MAX && !list[0].current);
    CHECK(!good(&world, first, after(99)) && good(&world, last, after(99)));
    CHECK(session_list(world.tenant, head, last, after(HOUR), world.mem, &list, &count) == OK);
    CHECK(count == 0 && world_audited(&world, "sign-out") == 1);
    world_done(&world);
}

/* ---- API tokens. */

TEST(an_api_token_may_what_it_was_made_for_of_what_its_person_may_now)
{
    struct world world = world_peopled();
    struct client_id acme;
    struct scope *scope;
    uint64_t id;
    CHECK(tenant_client_find(world.tenant, STR("acme"), &acme) == OK);
    struct str token = api_token(&world, "watch/ann", RIGHT_ALERTS | RIGHT_MANAGE, &id);
    CHECK(str_starts(token, STR("hinomi_t_")));
    CHECK(token_scope(&world, token, NOW, &scope) == OK);
    CHECK(scope_allows(scope, acme, RIGHT_ALERTS) && !scope_allows(scope, acme, RIGHT_READ));
    CHECK(!scope_allows(scope, acme, RIGHT_MANAGE) && scope_side(scope, acme) == SIDE_PROVIDER);
    CHECK(str_equal(scope_principal(scope), STR("watch/ann")));
    scope_free(scope);
    CHECK(token_scope(&world, token, after(HOUR), &scope) == ERR_DENIED);
    CHECK(token_scope(&world, session(&world, "watch/ann", NOW), NOW, &scope) == ERR_DENIED);
    CHECK(world_apply(&world, "clients: [{slug: acme}]") == OK);
    CHECK(token_scope(&world, token, NOW, &scope) == ERR_DENIED);
    CHECK(world_apply(&world, world_parties) == OK);
    CHECK(token_scope(&world, token, NOW, &scope) == OK);
    scope_free(scope);
    CHECK(token_scope(&world, token, NOW, &scope) == OK);
    CHECK(!scope_has_role(scope, acme, ROLE_ANALYST) && scope_side(scope, acme) == SIDE_PROVIDER);
    scope_free(scope);
    struct str whole = api_token(&world, "watch/ann", RIGHTS_KNOWN, &id);
    CHECK(token_scope(&world, whole, NOW, &scope) == OK);
    CHECK(scope_has_role(scope, acme, ROLE_ANALYST) && !scope_has_role(scope, acme, ROLE_ENGINEER));
    scope_free(scope);
    struct str decide = api_token(&world, "watch/ann", RIGHT_DECIDE, &id);
    CHECK(token_scope(&world, decide, NOW, &scope) == ERR_DENIED);
    world_done(&world);
}

TEST(api_tokens_are_listed_ended_and_bounded)
{
    struct world world = world_peopled();
    struct api_token_view *list;
    struct scope *scope;
    struct str token;
    size_t count;
    uint64_t id;
    uint32_t head = world_person(&world, "acme/head");
    uint32_t other = world_person(&world, "other/head");
    struct str first = api_token(&world, "acme/head", RIGHT_ALERTS, &id);
    CHECK(api_token_list(world.tenant, head, world.mem, &list, &count) == OK && count == 1);
    CHECK(list[0].id == id && list[0].rights == RIGHT_ALERTS && !wall_known(list[0].seen));
    CHECK(str_equal(list[0].name, STR("Example")) && list[0].expires.ns == after(HOUR).ns);
    CHECK(token_scope(&world, first, after(1), &scope) == OK);
    scope_free(scope);
    CHECK(api_token_list(world.tenant, head, world.mem, &list, &count) == OK);
    CHECK(list[0].seen.ns == after(1).ns);
    CHECK(api_token_list(world.tenant, other, world.mem, &list, &count) == OK && count == 0);
    CHECK(api_token_end(world.tenant, other, id, NOW) == ERR_NOT_FOUND);
    CHECK(api_token_end(world.tenant, head, id, NOW) == OK);
    CHECK(token_scope(&world, first, NOW, &scope) == ERR_DENIED);
    CHECK(api_token_new(world.tenant, head, STR("x"), 0, after(1), NOW, world.mem, &token, &id) ==
          ERR_SYNTAX);
    CHECK(api_token_new(world.tenant, head, STR("x"), 1, NOW, NOW, world.mem, &token, &id) ==
          ERR_SYNTAX);
    CHECK(api_token_new(world.tenant, head, STR("x\n"), 1, after(1), NOW, world.mem, &token, &id) ==
          ERR_SYNTAX);
    CHECK(api_token_new(world.tenant, head, STR("x\u200e"), 1, after(1), NOW, world.mem, &token,
                        &id) == ERR_SYNTAX);
    for (int i = 0; i < API_TOKENS_MAX; i++) {
        (void)api_token(&world, "acme/head", RIGHT_ALERTS, &id);
    }
    CHECK(api_token_new(world.tenant, head, STR("x"), 1, after(1), NOW, world.mem, &token, &id) ==
          ERR_LIMIT);
    CHECK(api_token_new(world.tenant, head, STR("x"), 1, after(2 * HOUR), after(HOUR), world.mem,
                        &token, &id) == OK);
    world_done(&world);
}

/* ---- One-time tokens. */

TEST(the_set_up_makes_the_first_administrator_once_as_an_apply_would)
{
    struct world world = world_new();
    struct str old, token;
    struct person_info info;
    struct buf out;
    uint32_t person = 0;
    CHECK(tenant_setup_token(world.tenant, NOW, world.mem, &old) == OK);
    CHECK(tenant_setup_token(world.tenant, NOW, world.mem, &token) == OK);
    CHECK(str_starts(token, STR("hinomi_i_")));
    CHECK(tenant_setup(world.tenant, old, STR("watch"), STR("admin"), STR(HASH_ONE), NOW, &person,
                       &world.why) == ERR_NOT_FOUND);
    CHECK(tenant_setup_look(world.tenant, old, NOW) == ERR_NOT_FOUND);
    CHECK(tenant_setup_look(world.tenant, token, after(24 * HOUR)) == ERR_NOT_FOUND);
    CHECK(tenant_setup(world.tenant, token, STR("watch"), STR("Admin"), STR(HASH_ONE), NOW, &person,
                       &world.why) == ERR_SYNTAX);
    CHECK(tenant_setup(world.tenant, token, STR("installation"), STR("admin"), STR(HASH_ONE), NOW,
                       &person, &world.why) == ERR_CONFLICT);
    CHECK(tenant_setup(world.tenant, token, STR("watch"), STR("admin"), STR("x"), NOW, &person,
                       &world.why) == ERR_SYNTAX);
    CHECK(tenant_invited(world.tenant, token, NOW, &info) == ERR_NOT_FOUND);
    CHECK(tenant_setup_look(world.tenant, token, NOW) == OK && person == 0);
    CHECK(tenant_setup(world.tenant, token, STR("watch"), STR("admin"), STR(HASH_ONE), NOW, &person,
                       &world.why) == OK);
    world_reopen(&world);
    CHECK(person == 1 && tenant_person_find(world.tenant, STR("watch/admin"), &info) == OK);
    CHECK(info.active && info.has_password);
    CHECK(tenant_setup(world.tenant, token, STR("watch"), STR("other"), STR(HASH_ONE), NOW, &person,
                       &world.why) == ERR_NOT_FOUND);
    CHECK(tenant_setup_token(world.tenant, NOW, world.mem, &token) == ERR_EXISTS);
    buf_init(&out, 1 << 16);
    CHECK(tenant_export(world.scope, world.tenant, STR(""), NULL, NULL, &out) == OK);
    CHECK(str_find(buf_str(&out), STR("roles: [provider-admin]")) != STR_NONE);
    CHECK(str_find(buf_str(&out), STR("argon2")) == STR_NONE);
    CHECK(buf_append_byte(&out, '\0') == OK && world_apply(&world, out.data) == OK);
    CHECK(world_changed(&world, "person watch/admin", "unchanged"));
    buf_done(&out);
    world_done(&world);
}

TEST(the_set_up_joins_a_party_that_is_there_and_leaves_its_people)
{
    struct world world = world_peopled();
    struct str token;
    struct person_info info;
    uint32_t person;
    CHECK(tenant_setup_token(world.tenant, NOW, world.mem, &token) == OK);
    CHECK(tenant_setup(world.tenant, token, STR("audit"), STR("ada"), STR(HASH_ONE), NOW, &person,
                       &world.why) == ERR_CONFLICT);
    CHECK(tenant_setup(world.tenant, token, STR("acme"), STR("head"), STR(HASH_ONE), NOW, &person,
                       &world.why) == ERR_CONFLICT);
    CHECK(tenant_setup(world.tenant, token, STR("watch"), STR("ann"), STR(HASH_ONE), NOW, &person,
                       &world.why) == OK);
    CHECK(person == world_person(&world, "watch/ann"));
    CHECK(tenant_person_find(world.tenant, STR("watch/eve"), &info) == OK && info.active);
    CHECK(tenant_person_find(world.tenant, STR("watch/ann"), &info) == OK);
    CHECK(str_equal(info.name_ja, STR("分析")) && info.has_password);
    world_done(&world);
}

TEST(an_invitation_works_once_for_three_days_and_a_newer_one_ends_it)
{
    struct world world = world_peopled();
    struct str old, token;
    struct person_info info;
    uint32_t person = 0;
    struct str invited = STR("acme/head");
    CHECK(tenant_invite(world.scope, world.tenant, 0, invited, NOW, world.mem, &old, NULL) == OK);
    CHECK(tenant_invite(world.scope, world.tenant, 0, invited, NOW, world.mem, &token, NULL) == OK);
    CHECK(tenant_invited(world.tenant, old, NOW, &info) == ERR_NOT_FOUND);
    CHECK(tenant_invited(world.tenant, token, after(72 * HOUR), &info) == ERR_NOT_FOUND);
    CHECK(tenant_invited(world.tenant, token, after(72 * HOUR - 1), &info) == OK);
    CHECK(str_equal(info.party, STR("acme")) && str_equal(info.slug, STR("head")));
    CHECK(tenant_setup(world.tenant, token, STR("a"), STR("b"), STR(HASH_ONE), NOW, &person,
                       &world.why) == ERR_NOT_FOUND);
    CHECK(tenant_invitation_use(world.tenant, token, STR("x"), NOW, &person) == ERR_SYNTAX);
    CHECK(tenant_invitation_use(world.tenant, token, STR(HASH_TWO), NOW, &person) == OK);
    CHECK(person == world_person(&world, "acme/head"));
    CHECK(tenant_invitation_use(world.tenant, token, STR(HASH_ONE), NOW, &person) == ERR_NOT_FOUND);
    CHECK(tenant_person_get(world.tenant, person, &info) == OK && info.has_password);
    CHECK(tenant_invite(world.scope, world.tenant, 0, STR("acme/nobody"), NOW, world.mem, &token,
                        &world.why) == ERR_NOT_FOUND);
    world_done(&world);
}

TEST(people_invite_into_their_own_party_if_they_may_and_into_no_other)
{
    static const struct {
        const char *who, *whom;
        enum err err;
    } cases[] = {
        {"watch/admin", "watch/ann", OK},
        {"watch/admin", "acme/head", ERR_NOT_FOUND},
        {"watch/admin", "audit/ada", ERR_NOT_FOUND},
        {"watch/ann", "watch/eve", ERR_DENIED},
        {"watch/ann", "acme/head", ERR_NOT_FOUND},
        {"acme/head", "acme/clerk", OK},
        {"acme/head", "other/head", ERR_NOT_FOUND},
        {"acme/head", "acme/nobody", ERR_NOT_FOUND},
        {"acme/clerk", "acme/head", ERR_DENIED},
        {"audit/ada", "acme/head", ERR_NOT_FOUND},
    };
    struct world world = world_peopled();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scope *scope;
        struct str token;
        CHECK(scope_for_person(world.tenant, world_person(&world, cases[i].who), STR("test"), NOW,
                               &scope) == OK);
        CHECK(tenant_invite(scope, world.tenant, 0, str_from(cases[i].whom), NOW, world.mem, &token,
                            &world.why) == cases[i].err);
        scope_free(scope);
    }
    world_done(&world);
}

TEST(a_set_up_or_invitation_that_fails_on_the_disk_has_not_happened)
{
    for (uint64_t nth = 1;; nth++) {
        struct world world = world_new();
        struct str token, invitation;
        struct person_info info;
        uint32_t person = 0;
        CHECK(tenant_setup_token(world.tenant, NOW, world.mem, &token) == OK);
        fake_fail(world.fake, FAKE_ANY, nth, false, nth % 2 ? ERR_FULL : ERR_IO);
        enum err err = tenant_setup(world.tenant, token, STR("watch"), STR("admin"), STR(HASH_ONE),
                                    NOW, &person, &world.why);
        if (err == OK) {
            err = tenant_invite(world.scope, world.tenant, 0, STR("watch/admin"), NOW, world.mem,
                                &invitation, NULL);
        }
        if (err == OK) {
            err = tenant_invitation_use(world.tenant, invitation, STR(HASH_TWO), NOW, &person);
        }
        bool failed = fake_failed(world.fake);
        CHECK(failed || err == OK);
        world_reopen(&world);
        /* Either there is no administrator and the token works, or it is used up for one. */
        bool there = tenant_person_find(world.tenant, STR("watch/admin"), &info) == OK;
        CHECK(!there || info.has_password);
        CHECK(tenant_setup_look(world.tenant, token, NOW) == (there ? ERR_NOT_FOUND : OK));
        CHECK(err == OK || person == 0 || there);
        world_done(&world);
        if (!failed) {
            CHECK(nth > 4);
            break;
        }
    }
}
