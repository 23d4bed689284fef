#include "service/outbox.h"

#include <string.h>

#include "base/limits.h"
#include "ledger/ledger.h"
#include "sys/fake.h"
#include "testing/testing.h"

#define NOW      ((struct wall){1700000000000000000})
#define CLIENT_A ((struct client_id){1})
#define CLIENT_B ((struct client_id){2})

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
    struct apply_result result;
    CHECK(scope_for_test((struct client_id){0}, RIGHT_SERVE | RIGHT_INCIDENTS | RIGHT_MANAGE,
                         &world.scope) == OK);
    CHECK(ledger_open(fake_disk(world.fake), ".", &world.ledger, NULL) == OK);
    CHECK(tenant_open(world.ledger, NOW, &world.tenant, NULL) == OK);
    CHECK(tenant_apply(world.scope, world.tenant, STR("clients: [{slug: b}]"), NOW, world.mem,
                       &result, NULL) == OK);
    return world;
}

static void world_done(struct world *world)
{
    CHECK(ledger_check(world->ledger, NULL) == OK);
    tenant_close(world->tenant);
    ledger_close(world->ledger);
    scope_free(world->scope);
    arena_free(world->mem);
    fake_free(world->fake);
}

static struct wall after(int64_t seconds)
{
    return (struct wall){NOW.ns + seconds * NS_PER_SECOND};
}

static struct notice notice_of(const struct notice_value *values, size_t count)
{
    return (struct notice){
        .client = CLIENT_B,
        .purpose = STR("incident-opened"),
        .subject = {"incident", 7},
        .chain = STR("security"),
        .severity = LEVEL_HIGH,
        .acknowledge = true,
        .values = values,
        .values_count = count,
    };
}

static uint64_t put(struct world *world, const char *identity, struct wall now)
{
    const struct outbox_message message = {
        .client = CLIENT_B,
        .kind = OUTBOX_MAIL,
        .to = STR("head@acme.example"),
        .contact = STR("head"),
        .identity = str_from(identity),
        .body = STR("Subject: a\r\n\r\nb\r\n"),
    };
    uint64_t id = 0;
    CHECK(outbox_put(world->scope, world->ledger, &message, now, &id) == OK && id > 0);
    return id;
}

static size_t due(struct world *world, struct wall now, struct outbox_message **ret,
                  struct wall *ret_next)
{
    size_t count = 99;
    CHECK(outbox_due(world->scope, world->ledger, now, 10, 10, world->mem, ret, &count, ret_next) ==
          OK);
    return count;
}

TEST(a_notice_wanted_twice_is_one_notice)
{
    struct world world = world_new();
    const struct notice_value values[] = {{STR("type"), STR("sql\xff-\"injection\"")}};
    struct notice notice = notice_of(values, 1);
    uint64_t first = 0;
    uint64_t again = 0;
    uint64_t other = 0;
    CHECK(notice_want(world.scope, world.ledger, &notice, STR(""), NOW, &first) == OK && first > 0);
    CHECK(notice_want(world.scope, world.ledger, &notice, STR(""), after(9), &again) == OK);
    CHECK(again == first);
    CHECK(notice_want(world.scope, world.ledger, &notice, STR("2"), NOW, &other) == OK);
    CHECK(other != first);
    CHECK(notice_want(world.scope, world.ledger, &notice, STR("2"), NOW, NULL) == OK);
    notice.values_count = NOTICE_VALUES_MAX + 1;
    CHECK(notice_want(world.scope, world.ledger, &notice, STR("3"), NOW, NULL) == ERR_LIMIT);
    CHECK(notice_settle(world.scope, world.ledger, CLIENT_B, notice.subject, notice.purpose, NOW) ==
          OK);
    CHECK(ledger_changes(world.ledger) == 2);
    world_done(&world);
}

TEST(only_who_serves_or_acts_for_the_client_may_have_things_said)
{
    struct world world = world_new();
    struct scope *reader = NULL;
    struct scope *other = NULL;
    const struct notice notice = notice_of(NULL, 0);
    struct outbox_message message = {.client = CLIENT_B, .identity = STR("x")};
    struct outbox_message *list;
    struct outbox_view *views;
    size_t count;
    struct wall next;
    CHECK(scope_for_test(CLIENT_B, RIGHT_INCIDENTS, &reader) == OK);
    CHECK(scope_for_test(CLIENT_A, RIGHT_SERVE | RIGHT_INCIDENTS, &other) == OK);
    CHECK(notice_want(reader, world.ledger, &notice, STR(""), NOW, NULL) == ERR_DENIED);
    CHECK(notice_want(other, world.ledger, &notice, STR(""), NOW, NULL) == ERR_DENIED);
    CHECK(notice_settle(other, world.ledger, CLIENT_B, notice.subject, notice.purpose, NOW) ==
          ERR_DENIED);
    CHECK(outbox_put(reader, world.ledger, &message, NOW, NULL) == ERR_DENIED);
    CHECK(outbox_put(other, world.ledger, &message, NOW, NULL) == ERR_DENIED);
    uint64_t id = put(&world, "m1", NOW);
    CHECK(outbox_due(other, world.ledger, NOW, 1, 1, world.mem, &list, &count, &next) ==
          ERR_DENIED);
    CHECK(outbox_ended(other, world.ledger, id, OUTBOX_SENT, STR(""), NOW) == ERR_DENIED);
    CHECK(outbox_list(other, world.ledger, CLIENT_B, 0, world.mem, &views, &count) == ERR_DENIED);
    CHECK(outbox_list(reader, world.ledger, CLIENT_B, 0, world.mem, &views, &count) == OK);
    CHECK(count == 1);
    scope_free(reader);
    scope_free(other);
    world_done(&world);
}

TEST(a_message_is_due_with_the_same_identity_until_it_has_ended)
{
    struct world world = world_new();
    struct outbox_message *list = NULL;
    struct outbox_view *views = NULL;
    size_t count;
    struct wall next;
    uint64_t id = put(&world, "m1", NOW);
    CHECK(due(&world, NOW, &list, &next) == 1 && list[0].id == id && !wall_known(next));
    CHECK(due(&world, NOW, &list, &next) == 1 && str_equal(list[0].identity, STR("m1")));
    CHECK(str_equal(list[0].body, STR("Subject: a\r\n\r\nb\r\n")) && list[0].tries == 0);
    CHECK(outbox_ended(world.scope, world.ledger, id, OUTBOX_LATER, STR("451 later\n"), NOW) == OK);
    CHECK(due(&world, NOW, &list, &next) == 0 && next.ns == after(15).ns);
    CHECK(due(&world, after(15), &list, &next) == 1 && list[0].tries == 1);
    CHECK(str_equal(list[0].identity, STR("m1")));
    CHECK(outbox_ended(world.scope, world.ledger, id, OUTBOX_SENT, STR("250 ok"), after(16)) == OK);
    CHECK(outbox_ended(world.scope, world.ledger, id, OUTBOX_FAILED, STR("550"), after(17)) == OK);
    CHECK(due(&world, after(1000000), &list, &next) == 0 && !wall_known(next));
    CHECK(outbox_list(world.scope, world.ledger, CLIENT_B, 0, world.mem, &views, &count) == OK);
    CHECK(count == 1 && str_equal(views[0].state, STR("sent")) && views[0].tries == 2);
    CHECK(views[0].ended.ns == after(16).ns && str_equal(views[0].said, STR("250 ok")));
    CHECK(outbox_ended(world.scope, world.ledger, 99, OUTBOX_SENT, STR(""), NOW) == ERR_NOT_FOUND);
    world_done(&world);
}

TEST(tries_lie_ever_further_apart_and_end_after_two_days_with_a_reason)
{
    struct world world = world_new();
    struct outbox_message *list = NULL;
    struct outbox_view *views = NULL;
    size_t count;
    struct wall now = NOW;
    struct wall next;
    const int64_t waits[] = {15, 30, 60, 120, 240, 480, 900, 900};
    uint64_t id = put(&world, "m1", NOW);
    for (size_t i = 0; i < 8; i++) {
        CHECK(outbox_ended(world.scope, world.ledger, id, OUTBOX_LATER, STR("no\x01\xff"), now) ==
              OK);
        CHECK(due(&world, now, &list, &next) == 0);
        CHECK(next.ns == now.ns + waits[i] * NS_PER_SECOND);
        now = next;
    }
    while (due(&world, now, &list, &next) == 1) {
        CHECK(outbox_ended(world.scope, world.ledger, id, OUTBOX_LATER, STR("no\x01\xff"), now) ==
              OK);
        now.ns += 900 * NS_PER_SECOND;
    }
    CHECK(now.ns > after(OUTBOX_SECONDS_MAX - 1000).ns);
    CHECK(now.ns <= after(OUTBOX_SECONDS_MAX + 900).ns);
    CHECK(outbox_list(world.scope, world.ledger, CLIENT_B, 0, world.mem, &views, &count) == OK);
    CHECK(str_equal(views[0].state, STR("failed")) && str_equal(views[0].said, STR("no??")));
    world_done(&world);
}

TEST(what_does_not_fit_into_the_list_is_due_at_once_again)
{
    struct world world = world_new();
    struct outbox_message *list;
    size_t count;
    struct wall next;
    put(&world, "m1", NOW);
    put(&world, "m2", after(-5));
    put(&world, "m3", after(5));
    CHECK(outbox_due(world.scope, world.ledger, NOW, 1, 9, world.mem, &list, &count, &next) == OK);
    CHECK(count == 1 && str_equal(list[0].identity, STR("m2")) && next.ns == NOW.ns);
    CHECK(due(&world, NOW, &list, &next) == 2 && next.ns == after(5).ns);
    const struct outbox_message twin = {.client = CLIENT_B, .identity = STR("m1")};
    CHECK(outbox_put(world.scope, world.ledger, &twin, NOW, NULL) == ERR_EXISTS);
    world_done(&world);
}

TEST(a_client_with_many_messages_does_not_stand_in_the_way_of_others)
{
    struct world world = world_new();
    struct outbox_message *list;
    size_t count;
    struct wall next;
    struct outbox_message message = {
        .client = CLIENT_B, .kind = OUTBOX_WEBHOOK, .to = STR("https://slow.b.example/")};
    for (int i = 0; i < 500; i++) {
        struct str identity;
        CHECK(arena_print(world.mem, &identity, "flood %d", i) == OK);
        message.identity = identity;
        CHECK(outbox_put(world.scope, world.ledger, &message, after(-500 + i), NULL) == OK);
    }
    put(&world, "a mail of the same client", NOW);
    message = (struct outbox_message){
        .client = CLIENT_A, .kind = OUTBOX_WEBHOOK, .identity = STR("another's hook")};
    CHECK(outbox_put(world.scope, world.ledger, &message, NOW, NULL) == OK);
    CHECK(outbox_due(world.scope, world.ledger, NOW, 10, 3, world.mem, &list, &count, &next) == OK);
    CHECK(count == 5 && !wall_known(next));
    CHECK(str_equal(list[0].identity, STR("flood 0")));
    CHECK(str_equal(list[2].identity, STR("flood 2")));
    CHECK(str_equal(list[3].identity, STR("a mail of the same client")));
    CHECK(str_equal(list[4].identity, STR("another's hook")));
    world_done(&world);
}
