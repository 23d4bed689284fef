/* One client with a request each way: by its responsible person, by others, by strangers. */

#include "provision/provision.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "ledger/ledger.h"
#include "provision/leaving.h"
#include "sys/fake.h"
#include "testing/testing.h"

#define NOW        ((struct wall){1700000000000000000})
#define CLIENT_A   ((struct client_id){2})
#define CLIENT_B   ((struct client_id){3})
#define SECONDS(n) ((int64_t)(n)*NS_PER_SECOND)

struct desk_like {
    struct fake *fake;
    struct arena *mem;
    struct ledger *ledger;
    struct tenant *tenant;
    struct scope *roles[ROLE_COUNT], *stranger, *administrator, *job;
    struct wall now;
    unsigned removed; /* files that were taken away */
};

static struct desk_like *desk_new(void)
{
    struct desk_like *desk = calloc(1, sizeof *desk);
    struct apply_result result;
    CHECK(desk != NULL);
    *desk = (struct desk_like){.fake = fake_new(), .mem = arena_new(64 << 20), .now = NOW};
    CHECK(ledger_open(fake_disk(desk->fake), ".", &desk->ledger, NULL) == OK);
    CHECK(tenant_open(desk->ledger, NOW, &desk->tenant, NULL) == OK);
    CHECK(scope_for_administrator(desk->tenant, 0, STR("test"), NOW, &desk->administrator) == OK);
    CHECK(tenant_apply(desk->administrator, desk->tenant,
                       STR("clients: [{slug: a, sources: [{slug: web}]}, {slug: b, sources: "
                           "[{slug: mail}]}]"),
                       NOW, desk->mem, &result, NULL) == OK);
    for (int i = 0; i < ROLE_COUNT; i++) {
        CHECK(scope_for_test_role(CLIENT_A, (enum role)i, &desk->roles[i]) == OK);
    }
    CHECK(scope_for_test_role(CLIENT_B, ROLE_RESPONSIBLE, &desk->stranger) == OK);
    CHECK(scope_for_job(desk->tenant, STR("test"), &desk->job) == OK);
    return desk;
}

static void desk_free(struct desk_like *desk)
{
    struct why why = {0};
    CHECK(ledger_audit_verify(desk->ledger, &why) == OK);
    for (int i = 0; i < ROLE_COUNT; i++) {
        scope_free(desk->roles[i]);
    }
    scope_free(desk->stranger);
    scope_free(desk->administrator);
    scope_free(desk->job);
    tenant_close(desk->tenant);
    ledger_close(desk->ledger);
    arena_free(desk->mem);
    fake_free(desk->fake);
    free(desk);
}

static enum err ask(struct desk_like *desk, const struct scope *scope, uint64_t *ret)
{
    static const struct str sources[] = {{"web", 3}};
    const struct provision_wish wish = {.from = {NOW.ns - SECONDS(3600)},
                                        .to = NOW,
                                        .sources = sources,
                                        .sources_count = 1,
                                        .query = STR("user.name: root"),
                                        .format = PROVISION_NDJSON,
                                        .language = LANGUAGE_JA,
                                        .purpose = STR("年次監査")};
    return provision_ask(scope, desk->ledger, desk->tenant, CLIENT_A, &wish, desk->now, ret, NULL);
}

static struct provision get(struct desk_like *desk, uint64_t id)
{
    struct provision row;
    CHECK(provision_get(desk->roles[ROLE_RESPONSIBLE], desk->ledger, CLIENT_A, id, desk->mem,
                        &row) == OK);
    return row;
}

static void make_ready(struct desk_like *desk, uint64_t id)
{
    const struct provision_made made = {.file = STR("a-1.zip"), .sha256 = STR("00ff"), .size = 9};
    CHECK(provision_ready(desk->job, desk->ledger, id, &made, desk->now) == OK);
}

static enum err remove_file(void *context, struct str file)
{
    struct desk_like *desk = context;
    CHECK(str_equal(file, STR("a-1.zip")));
    desk->removed++;
    return OK;
}

static void steps_are(struct desk_like *desk, uint64_t id, const char *expected)
{
    struct provision_step *steps;
    size_t count;
    struct buf text;
    buf_init(&text, 4096);
    CHECK(provision_history(desk->roles[ROLE_AUDITOR], desk->ledger, CLIENT_A, id, desk->mem,
                            &steps, &count) == OK);
    for (size_t i = 0; i < count; i++) {
        CHECK(buf_print(&text, "%s%.*s", i > 0 ? " " : "", STR_ARG(steps[i].what)) == OK);
    }
    CHECK(str_equal(buf_str(&text), str_from(expected)));
    buf_done(&text);
}

TEST(what_the_responsible_person_asks_for_is_approved_with_that)
{
    struct desk_like *desk = desk_new();
    uint64_t id;
    CHECK(ask(desk, desk->roles[ROLE_RESPONSIBLE], &id) == OK);
    struct provision row = get(desk, id);
    CHECK(row.state == PROVISION_PREPARING && row.approved.ns == NOW.ns);
    CHECK(str_equal(row.approved_by, row.asked_by) && str_equal(row.sources, STR("web")));
    CHECK(row.format == PROVISION_NDJSON && row.language == LANGUAGE_JA);
    steps_are(desk, id, "asked approved");
    desk_free(desk);
}

TEST(what_anybody_else_asks_for_waits_for_the_responsible_person)
{
    static const enum role askers[] = {ROLE_PROVIDER_ADMIN, ROLE_ENGINEER, ROLE_ANALYST,
                                       ROLE_CONTACT, ROLE_AUDITOR};
    struct desk_like *desk = desk_new();
    for (size_t i = 0; i < sizeof askers / sizeof *askers; i++) {
        uint64_t id;
        CHECK(ask(desk, desk->roles[askers[i]], &id) == OK);
        CHECK(get(desk, id).state == PROVISION_WAITING);
        for (int role = 0; role < ROLE_COUNT; role++) {
            enum err err = provision_approve(desk->roles[role], desk->ledger, CLIENT_A, id,
                                             STR("note"), desk->now, NULL);
            bool blind = (role_rights((enum role)role) & (RIGHT_READ | RIGHT_AUDIT)) == 0;
            if (role == ROLE_RESPONSIBLE) {
                CHECK(err == OK);
                break;
            }
            CHECK(err == (blind ? ERR_NOT_FOUND : ERR_DENIED));
        }
        CHECK(get(desk, id).state == PROVISION_PREPARING);
        steps_are(desk, id, "asked approved");
    }
    uint64_t id;
    CHECK(ask(desk, desk->administrator, &id) == OK);
    CHECK(get(desk, id).state == PROVISION_WAITING);
    CHECK(provision_approve(desk->administrator, desk->ledger, CLIENT_A, id, STR(""), desk->now,
                            NULL) == ERR_DENIED);
    desk_free(desk);
}

TEST(who_may_not_read_logs_may_not_ask_and_strangers_find_nothing)
{
    struct desk_like *desk = desk_new();
    uint64_t id;
    struct provision row;
    CHECK(ask(desk, desk->roles[ROLE_VIEWER], &id) == ERR_DENIED);
    CHECK(ask(desk, desk->roles[ROLE_BIDDER], &id) == ERR_DENIED);
    CHECK(ask(desk, desk->stranger, &id) == ERR_NOT_FOUND);
    CHECK(ask(desk, desk->roles[ROLE_ANALYST], &id) == OK);
    CHECK(provision_get(desk->stranger, desk->ledger, CLIENT_A, id, desk->mem, &row) ==
          ERR_NOT_FOUND);
    CHECK(provision_get(desk->stranger, desk->ledger, CLIENT_B, id, desk->mem, &row) ==
          ERR_NOT_FOUND);
    CHECK(provision_approve(desk->stranger, desk->ledger, CLIENT_B, id, STR(""), desk->now, NULL) ==
          ERR_NOT_FOUND);
    CHECK(provision_get(desk->roles[ROLE_VIEWER], desk->ledger, CLIENT_A, id, desk->mem, &row) ==
          ERR_NOT_FOUND);
    desk_free(desk);
}

TEST(a_request_is_refused_or_cancelled_once_and_only_while_it_may_be)
{
    struct desk_like *desk = desk_new();
    struct scope *head = desk->roles[ROLE_RESPONSIBLE];
    struct scope *auditor = desk->roles[ROLE_AUDITOR];
    struct why why = {0};
    uint64_t id;
    CHECK(ask(desk, auditor, &id) == OK);
    CHECK(provision_refuse(head, desk->ledger, CLIENT_A, id, STR("too much"), desk->now, NULL) ==
          OK);
    CHECK(provision_refuse(head, desk->ledger, CLIENT_A, id, STR(""), desk->now, &why) ==
          ERR_CONFLICT);
    CHECK(str_find(str_from(why.text), STR("refused")) != STR_NONE);
    steps_are(desk, id, "asked refused");
    CHECK(ask(desk, auditor, &id) == OK);
    CHECK(provision_cancel(desk->roles[ROLE_ANALYST], desk->ledger, CLIENT_A, id, STR(""),
                           desk->now, NULL) == ERR_DENIED);
    CHECK(provision_cancel(auditor, desk->ledger, CLIENT_A, id, STR(""), desk->now, NULL) == OK);
    CHECK(provision_approve(head, desk->ledger, CLIENT_A, id, STR(""), desk->now, NULL) ==
          ERR_CONFLICT);
    CHECK(ask(desk, head, &id) == OK);
    CHECK(provision_cancel(head, desk->ledger, CLIENT_A, id, STR(""), desk->now, NULL) == OK);
    const struct provision_made made = {.file = STR("a-1.zip")};
    CHECK(provision_ready(desk->job, desk->ledger, id, &made, desk->now) == ERR_CONFLICT);
    CHECK(get(desk, id).file.size == 0);
    desk_free(desk);
}

TEST(a_package_goes_to_the_client_and_to_whoever_asked_and_each_time_is_noted)
{
    struct desk_like *desk = desk_new();
    struct provision row;
    uint64_t id;
    CHECK(ask(desk, desk->roles[ROLE_AUDITOR], &id) == OK);
    CHECK(provision_deliver(desk->roles[ROLE_AUDITOR], desk->ledger, CLIENT_A, id, desk->now,
                            desk->mem, &row, NULL) == ERR_CONFLICT);
    CHECK(provision_approve(desk->roles[ROLE_RESPONSIBLE], desk->ledger, CLIENT_A, id, STR(""),
                            desk->now, NULL) == OK);
    CHECK(provision_next(desk->job, desk->ledger, 0, desk->mem, &row) == OK && row.id == id);
    CHECK(provision_next(desk->job, desk->ledger, id, desk->mem, &row) == ERR_NOT_FOUND);
    make_ready(desk, id);
    CHECK(provision_deliver(desk->roles[ROLE_ANALYST], desk->ledger, CLIENT_A, id, desk->now,
                            desk->mem, &row, NULL) == ERR_DENIED);
    CHECK(provision_deliver(desk->roles[ROLE_VIEWER], desk->ledger, CLIENT_A, id, desk->now,
                            desk->mem, &row, NULL) == ERR_NOT_FOUND);
    CHECK(provision_deliver(desk->roles[ROLE_AUDITOR], desk->ledger, CLIENT_A, id, desk->now,
                            desk->mem, &row, NULL) == OK);
    CHECK(str_equal(row.file, STR("a-1.zip")));
    CHECK(provision_deliver(desk->roles[ROLE_CONTACT], desk->ledger, CLIENT_A, id, desk->now,
                            desk->mem, &row, NULL) == OK);
    row = get(desk, id);
    CHECK(row.state == PROVISION_DELIVERED && row.downloads == 2);
    steps_are(desk, id, "asked approved ready delivered delivered");
    desk_free(desk);
}

TEST(packages_go_after_two_weeks_and_requests_that_nobody_answers_after_thirty_days)
{
    struct desk_like *desk = desk_new();
    struct wall next;
    uint64_t kept;
    uint64_t waiting;
    bool known;
    CHECK(ask(desk, desk->roles[ROLE_RESPONSIBLE], &kept) == OK);
    make_ready(desk, kept);
    CHECK(ask(desk, desk->roles[ROLE_AUDITOR], &waiting) == OK);
    CHECK(provision_knows(desk->job, desk->ledger, STR("a-1.zip"), &known) == OK && known);
    CHECK(provision_expire(desk->job, desk->ledger, desk->now, remove_file, desk, &next) == OK);
    CHECK(desk->removed == 0 && next.ns == NOW.ns + SECONDS(PROVISION_KEPT_SECONDS));
    desk->now.ns += SECONDS(PROVISION_KEPT_SECONDS);
    CHECK(provision_expire(desk->job, desk->ledger, desk->now, remove_file, desk, &next) == OK);
    CHECK(desk->removed == 1 && next.ns == NOW.ns + SECONDS(PROVISION_WAITING_SECONDS));
    CHECK(get(desk, kept).state == PROVISION_EXPIRED && get(desk, kept).file.size == 0);
    CHECK(provision_knows(desk->job, desk->ledger, STR("a-1.zip"), &known) == OK && !known);
    CHECK(get(desk, waiting).state == PROVISION_WAITING);
    desk->now.ns = NOW.ns + SECONDS(PROVISION_WAITING_SECONDS);
    CHECK(provision_expire(desk->job, desk->ledger, desk->now, remove_file, desk, &next) == OK);
    CHECK(get(desk, waiting).state == PROVISION_EXPIRED && !wall_known(next));
    CHECK(desk->removed == 1);
    steps_are(desk, kept, "asked approved ready expired");
    desk_free(desk);
}

TEST(a_wish_that_cannot_be_met_is_refused_with_a_sentence)
{
    struct desk_like *desk = desk_new();
    const struct scope *head = desk->roles[ROLE_RESPONSIBLE];
    static const struct str mail[] = {{"mail", 4}};
    const struct provision_wish good = {
        .from = {NOW.ns - 1}, .to = NOW, .purpose = STR("why"), .query = STR("")};
    struct provision_wish wishes[] = {good, good, good, good};
    wishes[0].to = good.from;
    wishes[1].purpose = STR("  ");
    wishes[2].query = STR("(((");
    wishes[3].sources = mail; /* another client's */
    wishes[3].sources_count = 1;
    for (size_t i = 0; i < 4; i++) {
        struct why why = {0};
        uint64_t id;
        CHECK(provision_ask(head, desk->ledger, desk->tenant, CLIENT_A, &wishes[i], NOW, &id,
                            &why) == ERR_SYNTAX);
        CHECK(why.text[0] != '\0');
    }
    uint64_t id;
    for (int i = 0; i < PROVISION_OPEN_MAX; i++) {
        CHECK(provision_ask(head, desk->ledger, desk->tenant, CLIENT_A, &good, NOW, &id, NULL) ==
              OK);
    }
    CHECK(provision_ask(head, desk->ledger, desk->tenant, CLIENT_A, &good, NOW, &id, NULL) ==
          ERR_LIMIT);
    struct provision *list;
    size_t count;
    CHECK(provision_list(head, desk->ledger, CLIENT_A, 0, 10, desk->mem, &list, &count) == OK);
    CHECK(count == 10 && list[0].id == id);
    CHECK(provision_list(head, desk->ledger, CLIENT_A, list[9].id, 100, desk->mem, &list, &count) ==
          OK);
    CHECK(count == PROVISION_OPEN_MAX - 10);
    desk_free(desk);
}

static enum leaving_state leaving_state(struct desk_like *desk)
{
    struct leaving last;
    CHECK(leaving_get(desk->roles[ROLE_AUDITOR], desk->ledger, CLIENT_A, desk->mem, &last) == OK);
    return last.state;
}

static void export_make(struct desk_like *desk)
{
    struct provision row;
    CHECK(provision_next(desk->job, desk->ledger, 0, desk->mem, &row) == OK);
    CHECK(row.offboarding != 0 && row.sources.size == 0 && row.from.ns == 0);
    CHECK(provision_cancel(desk->roles[ROLE_RESPONSIBLE], desk->ledger, CLIENT_A, row.id, STR(""),
                           desk->now, NULL) == ERR_CONFLICT);
    make_ready(desk, row.id);
}

TEST(a_client_leaves_only_when_the_export_is_there_and_both_sides_say_so)
{
    struct desk_like *desk = desk_new();
    const struct scope *head = desk->roles[ROLE_RESPONSIBLE];
    const struct scope *admin = desk->roles[ROLE_PROVIDER_ADMIN];
    static const enum role others[] = {ROLE_ENGINEER, ROLE_ANALYST, ROLE_CONTACT, ROLE_AUDITOR};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        CHECK(leaving_ask(desk->roles[others[i]], desk->ledger, CLIENT_A, STR("r"), LANGUAGE_JA,
                          desk->now, NULL) == ERR_DENIED);
    }
    CHECK(leaving_ask(desk->stranger, desk->ledger, CLIENT_A, STR("r"), LANGUAGE_JA, desk->now,
                      NULL) == ERR_NOT_FOUND);
    CHECK(leaving_ask(head, desk->ledger, CLIENT_A, STR("契約満了"), LANGUAGE_JA, desk->now,
                      NULL) == OK);
    CHECK(leaving_ask(admin, desk->ledger, CLIENT_A, STR("r"), LANGUAGE_JA, desk->now, NULL) ==
          ERR_CONFLICT);
    CHECK(leaving_confirm(head, desk->ledger, CLIENT_A, desk->now, NULL) == ERR_CONFLICT);
    export_make(desk);
    CHECK(leaving_state(desk) == LEAVING_EXPORTED);
    CHECK(leaving_confirm(desk->roles[ROLE_AUDITOR], desk->ledger, CLIENT_A, desk->now, NULL) ==
          ERR_DENIED);
    CHECK(leaving_confirm(head, desk->ledger, CLIENT_A, desk->now, NULL) == OK);
    CHECK(leaving_confirm(head, desk->ledger, CLIENT_A, desk->now, NULL) == ERR_CONFLICT);
    CHECK(leaving_state(desk) == LEAVING_EXPORTED);
    CHECK(leaving_destroyed(desk->job, desk->ledger, 1, STR("{}"), STR("00"), desk->now) ==
          ERR_CONFLICT);
    CHECK(leaving_confirm(admin, desk->ledger, CLIENT_A, desk->now, NULL) == OK);
    CHECK(leaving_state(desk) == LEAVING_CONFIRMED);
    CHECK(leaving_destroyed(desk->job, desk->ledger, 1, STR("{}"), STR("00"), desk->now) == OK);
    CHECK(leaving_state(desk) == LEAVING_DESTROYED);
    CHECK(leaving_cancel(head, desk->ledger, CLIENT_A, STR(""), desk->now, NULL) == ERR_CONFLICT);
    desk_free(desk);
}

TEST(a_leaving_can_be_taken_back_until_it_is_done_and_fails_with_its_export)
{
    struct desk_like *desk = desk_new();
    const struct scope *head = desk->roles[ROLE_RESPONSIBLE];
    const struct scope *admin = desk->roles[ROLE_PROVIDER_ADMIN];
    struct provision row;
    CHECK(leaving_ask(admin, desk->ledger, CLIENT_A, STR("r"), LANGUAGE_EN, desk->now, NULL) == OK);
    export_make(desk);
    CHECK(leaving_confirm(head, desk->ledger, CLIENT_A, desk->now, NULL) == OK);
    CHECK(leaving_confirm(desk->administrator, desk->ledger, CLIENT_A, desk->now, NULL) == OK);
    CHECK(leaving_cancel(desk->roles[ROLE_AUDITOR], desk->ledger, CLIENT_A, STR(""), desk->now,
                         NULL) == ERR_DENIED);
    CHECK(leaving_cancel(head, desk->ledger, CLIENT_A, STR("no"), desk->now, NULL) == OK);
    CHECK(leaving_state(desk) == LEAVING_CANCELLED);
    CHECK(leaving_ask(head, desk->ledger, CLIENT_A, STR("r"), LANGUAGE_EN, desk->now, NULL) == OK);
    CHECK(provision_next(desk->job, desk->ledger, 0, desk->mem, &row) == OK);
    CHECK(provision_fail(desk->job, desk->ledger, row.id, STR("no space"), desk->now) == OK);
    CHECK(leaving_state(desk) == LEAVING_FAILED);
    CHECK(leaving_ask(head, desk->ledger, CLIENT_A, STR("r"), LANGUAGE_EN, desk->now, NULL) == OK);
    desk_free(desk);
}

static enum err fetch(struct desk_like *desk, const struct scope *scope, uint64_t id)
{
    struct provision row;
    return provision_deliver(scope, desk->ledger, CLIENT_A, id, desk->now, desk->mem, &row, NULL);
}

TEST(a_provider_does_not_get_everything_unapproved_by_asking_for_the_clients_leaving)
{
    struct desk_like *desk = desk_new();
    const struct scope *admin = desk->roles[ROLE_PROVIDER_ADMIN];
    CHECK(leaving_ask(admin, desk->ledger, CLIENT_A, STR("r"), LANGUAGE_EN, desk->now, NULL) == OK);
    export_make(desk);
    CHECK(fetch(desk, admin, 1) == ERR_DENIED);
    CHECK(fetch(desk, desk->roles[ROLE_RESPONSIBLE], 1) == OK);
    CHECK(fetch(desk, desk->administrator, 1) == OK);
    desk_free(desk);
}

TEST(what_was_made_for_a_leaving_goes_when_it_is_taken_back)
{
    struct desk_like *desk = desk_new();
    const struct scope *head = desk->roles[ROLE_RESPONSIBLE];
    struct wall next;
    struct provision row;
    for (int i = 0; i < 3; i++) {
        CHECK(leaving_ask(head, desk->ledger, CLIENT_A, STR("r"), LANGUAGE_EN, desk->now, NULL) ==
              OK);
        CHECK(leaving_cancel(head, desk->ledger, CLIENT_A, STR(""), desk->now, NULL) == OK);
        CHECK(provision_next(desk->job, desk->ledger, 0, desk->mem, &row) == ERR_NOT_FOUND);
    }
    steps_are(desk, 3, "asked cancelled");
    CHECK(leaving_ask(head, desk->ledger, CLIENT_A, STR("r"), LANGUAGE_EN, desk->now, NULL) == OK);
    export_make(desk);
    CHECK(leaving_cancel(head, desk->ledger, CLIENT_A, STR(""), desk->now, NULL) == OK);
    CHECK(provision_expire(desk->job, desk->ledger, desk->now, remove_file, desk, &next) == OK);
    CHECK(desk->removed == 1);
    CHECK(get(desk, 4).state == PROVISION_EXPIRED);
    desk_free(desk);
}
