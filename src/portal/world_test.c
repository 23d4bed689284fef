#include "portal/world_test.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "provision/provision.h"
#include "testing/testing.h"

/* %1$s: the client; %2$s: its provider. */
static const char party_form[] =
    "  # who works for %1$s\n"
    "  - slug: %2$s\n"
    "    name: {ja: %2$sの例, en: Example %2$s}\n"
    "    kinds: [provider]\n"
    "    people:\n"
    "      - {slug: admin, mail: admin@%2$s.example, language: en, roles: [provider-admin]}\n"
    "      - {slug: eve, mail: eve@%2$s.example, roles: [engineer]}\n"
    "      - {slug: ann, mail: ann@%2$s.example, language: ja, roles: [analyst]}\n"
    "      - {slug: con, mail: con@%2$s.example, roles: [consultant]}\n"
    "  - slug: %2$s-audit\n"
    "    kinds: [auditor]\n"
    "    people: [{slug: ada, mail: ada@%2$s.example, roles: [auditor]}]\n"
    "  - slug: %2$s-offer\n"
    "    kinds: [bidder]\n"
    "    people: [{slug: bob, mail: bob@%2$s.example, roles: [bidder]}]\n";

static const char client_form[] =
    "  - slug: %1$s\n"
    "    name: {ja: %1$s株式会社の例, en: Example %1$s}\n"
    "    people:\n"
    "      - {slug: head, mail: head@%1$s.example, language: ja, roles: [responsible]}\n"
    "      - {slug: clerk, mail: clerk@%1$s.example, language: en, roles: [contact]}\n"
    "      - {slug: view, mail: view@%1$s.example, language: en, roles: [viewer]}\n"
    "    engagements:\n"
    "      - slug: main\n"
    "        party: %2$s\n"
    "        state: steady\n"
    "        from: 2023-01-01T00:00:00+09:00\n"
    "        assignments:\n"
    "          - {person: eve, role: engineer}\n"
    "          - {person: ann, role: analyst}\n"
    "          - {person: con, role: consultant}\n"
    "      - {slug: audit, party: %2$s-audit, state: steady,"
    " assignments: [{person: ada, role: auditor}]}\n"
    "      - {slug: tender, party: %2$s-offer, state: selection,"
    " assignments: [{person: bob, role: bidder}]}\n"
    "    sources: [{slug: %1$s-web}]\n"
    "    documents:\n"
    "      contacts:\n"
    "        people:\n"
    "          - slug: head\n"
    "            name: {ja: %1$sの責任者, en: Head of %1$s}\n"
    "            side: client\n"
    "            mail: head@%1$s.example\n"
    "            language: ja\n"
    "        gateways:\n"
    "          - slug: chat\n"
    "            name: {ja: チャット, en: Chat}\n"
    "            url: https://chat.%1$s.example/hook\n"
    "            template: json\n"
    "            language: ja\n"
    "        chains:\n"
    "          - slug: security\n"
    "            name: {ja: 連絡網, en: Security}\n"
    "            default: yes\n"
    "            steps: [{slug: first, to: [head], gateways: [chat], wait: 15m}]\n"
    "      sla:\n"
    "        metrics:\n"
    "          - slug: notice\n"
    "            name: {ja: 初回通知, en: First notice}\n"
    "            start: detected\n"
    "            stop: notified\n"
    "            warn_at: 50\n"
    "            targets: {high: 15m}\n"
    "            pause_reasons: [{slug: asked, name: {ja: 依頼, en: Asked}}]\n";

static const char *const slugs[WORLD_CLIENTS] = {"alpha", "bravo"};
static const char *const providers[WORLD_CLIENTS] = {"watch", "bravo-watch"};

static void apply_all(struct world *world)
{
    struct buf text;
    struct apply_result result;
    struct why why = {0};
    buf_init(&text, 1 << 20);
    CHECK(buf_append(&text, STR("parties:\n")) == OK);
    for (size_t i = 0; i < WORLD_CLIENTS; i++) {
        CHECK(buf_print(&text, party_form, slugs[i], providers[i]) == OK);
    }
    CHECK(buf_append(&text, STR("clients:\n")) == OK);
    for (size_t i = 0; i < WORLD_CLIENTS; i++) {
        CHECK(buf_print(&text, client_form, slugs[i], providers[i]) == OK);
    }
    enum err err = service_apply(world->administrator, world->rooms.service, buf_str(&text),
                                 STR(""), world->now, world->mem, &result, &why);
    if (err != OK) {
        testing_fail(why_text(&why, err), __FILE__, __LINE__);
    }
    buf_done(&text);
    for (size_t i = 0; i < WORLD_CLIENTS; i++) {
        CHECK(tenant_client_find(world->rooms.tenant, str_from(slugs[i]), &world->clients[i]) ==
              OK);
    }
}

/* Every role signs whatever waits for it. */
static void sign_all(struct world *world, size_t client)
{
    static const char *const kinds[] = {"contacts", "sla"};
    struct version *list;
    struct version signed_one;
    size_t count;
    for (size_t kind = 0; kind < 2; kind++) {
        CHECK(service_versions(world->administrator, world->rooms.service, world->clients[client],
                               str_from(kinds[kind]), world->mem, &list, &count) == OK);
        CHECK(count == 1);
        for (int role = 0; role < ROLE_COUNT; role++) {
            struct scope *scope;
            CHECK(scope_for_test_role(world->clients[client], (enum role)role, &scope) == OK);
            UNHEEDED(service_sign(scope, world->rooms.service, world->clients[client],
                                  str_from(kinds[kind]), list[0].hash, world->now, world->mem,
                                  &signed_one, NULL));
            scope_free(scope);
        }
        if (kind == 0) {
            world->hashes[client] = list[0].hash;
        }
    }
}

/* Bravo has more of everything, so that numbers exist there that alpha has not. */
static void incidents_make(struct world *world, size_t client)
{
    static const char *const causes[] = {"sql-injection", "brute-force", "malware"};
    struct scope *serve;
    struct alert list[3];
    uint64_t fresh;
    CHECK(
        scope_for_test((struct client_id){0},
                       RIGHT_ALERT | RIGHT_ALERTS | RIGHT_INCIDENTS | RIGHT_DOCUMENTS | RIGHT_SERVE,
                       &serve) == OK);
    size_t count = client == 0 ? 1 : 3;
    for (size_t i = 0; i < count; i++) {
        list[i] = (struct alert){
            .place = {world->clients[client], i + 1},
            .received = world->now,
            .happened = WALL_NONE,
            .level = LEVEL_HIGH,
            .rule_id = STR("r1"),
            .rule_title = client == 0 ? STR("Seen at alpha") : STR("Seen at bravo"),
            .rule_version = STR("00ff"),
            .outcome = {.type = str_from(causes[i]),
                        .severity = LEVEL_HIGH,
                        .incident = true,
                        .chain = STR("security"),
                        .asset = str_from(slugs[client]),
                        .authorised = true,
                        .action = STR("block")},
        };
    }
    const struct alerts alerts = {list, count};
    CHECK(ledger_begin(world->rooms.ledger) == OK);
    CHECK(incident_store(serve, world->rooms.ledger, world->clients[client], &alerts, count + 1,
                         world->now, &fresh) == OK);
    CHECK(incident_group(serve, world->rooms.incidents, world->clients[client], world->now,
                         &fresh) == OK &&
          fresh == count);
    CHECK(ledger_commit(world->rooms.ledger) == OK);
    scope_free(serve);
}

static void clock_pick(struct world *world, size_t client)
{
    struct incident_view view;
    struct clock_view *list;
    size_t count;
    uint32_t number = client == 0 ? 1 : 3;
    CHECK(incident_get(world->administrator, world->rooms.incidents, world->clients[client], number,
                       world->mem, &view) == OK);
    CHECK(clock_list(world->administrator, world->rooms.clocks, world->clients[client],
                     (struct subject){"incident", view.id}, world->now, world->mem, &list,
                     &count) == OK);
    CHECK(count == 1);
    world->clocks[client] = list[0].id;
}

/* Bravo's auditor has asked once more, so that there is a number that alpha has not. */
static void provision_make(struct world *world, size_t client)
{
    const struct provision_wish wish = {.from = {world->now.ns - NS_PER_SECOND},
                                        .to = world->now,
                                        .purpose = str_from(client == 0 ? "alpha" : "bravo")};
    struct scope *auditor;
    CHECK(scope_for_test_role(world->clients[client], ROLE_AUDITOR, &auditor) == OK);
    for (size_t i = 0; i <= client; i++) {
        CHECK(provision_ask(auditor, world->rooms.ledger, world->rooms.tenant,
                            world->clients[client], &wish, world->now, &world->provisions[client],
                            NULL) == OK);
    }
    scope_free(auditor);
}

struct world *world_new(void)
{
    static const struct notify_settings settings = {.portal = STR("https://soc.example"),
                                                    .sender = STR("soc@watch.example"),
                                                    .zoneinfo = "/usr/share/zoneinfo"};
    struct world *world = calloc(1, sizeof *world);
    struct why why = {0};
    bool changed;
    struct wall next;
    CHECK(world != NULL);
    *world =
        (struct world){.fake = fake_new(), .mem = arena_new((size_t)1 << 30), .now = WORLD_NOW};
    struct api_rooms *rooms = &world->rooms;
    CHECK(ledger_open(fake_disk(world->fake), ".", &rooms->ledger, &why) == OK);
    CHECK(tenant_open(rooms->ledger, world->now, &rooms->tenant, &why) == OK);
    CHECK(service_open(rooms->ledger, rooms->tenant, world->now, &rooms->service, &why) == OK);
    CHECK(clocks_new(rooms->ledger, rooms->service, "/usr/share/zoneinfo", &rooms->clocks) == OK);
    CHECK(incidents_new(rooms->ledger, rooms->service, rooms->clocks, &rooms->incidents) == OK);
    CHECK(notify_new(rooms->ledger, rooms->tenant, rooms->service, rooms->incidents, &settings,
                     &rooms->notify) == OK);
    CHECK(scope_for_administrator(rooms->tenant, 1000, STR("test"), world->now,
                                  &world->administrator) == OK);
    apply_all(world);
    struct scope *job;
    for (size_t i = 0; i < WORLD_CLIENTS; i++) {
        sign_all(world, i);
    }
    CHECK(scope_for_job(rooms->tenant, STR("test"), &job) == OK);
    CHECK(service_turn(job, rooms->service, world->now, &next, &changed) == OK);
    scope_free(job);
    for (size_t i = 0; i < WORLD_CLIENTS; i++) {
        incidents_make(world, i);
        clock_pick(world, i);
        provision_make(world, i);
    }
    CHECK(api_new(rooms, &world->api) == OK);
    return world;
}

void world_free(struct world *world)
{
    api_free(world->api);
    notify_free(world->rooms.notify);
    incidents_free(world->rooms.incidents);
    clocks_free(world->rooms.clocks);
    service_close(world->rooms.service);
    tenant_close(world->rooms.tenant);
    ledger_close(world->rooms.ledger);
    scope_free(world->administrator);
    arena_free(world->mem);
    fake_free(world->fake);
    free(world);
}

struct str world_person(struct world *world, size_t client, enum role role)
{
    static const char *const people[ROLE_COUNT] = {"admin", "eve",  "ann", "con", "head",
                                                   "clerk", "view", "ada", "bob"};
    static const char *const behind[ROLE_COUNT] = {"", "", "", "", "", "", "", "-audit", "-offer"};
    bool own = role == ROLE_RESPONSIBLE || role == ROLE_CONTACT || role == ROLE_VIEWER;
    struct str name;
    CHECK(arena_print(world->mem, &name, "%s%s/%s", own ? slugs[client] : providers[client],
                      behind[role], people[role]) == OK);
    return name;
}

static uint32_t person_id(struct world *world, size_t client, enum role role)
{
    struct person_info person;
    CHECK(tenant_person_find(world->rooms.tenant, world_person(world, client, role), &person) ==
          OK);
    return person.id;
}

struct str world_session(struct world *world, size_t client, enum role role)
{
    struct str token;
    CHECK(session_new(world->rooms.tenant, person_id(world, client, role), STR("192.0.2.1"),
                      STR("test"), world->now, world->mem, &token) == OK);
    return token;
}

struct str world_token(struct world *world, size_t client, enum role role, uint32_t rights)
{
    struct str token;
    uint64_t id;
    const struct wall expires = {world->now.ns + 3600 * NS_PER_SECOND};
    CHECK(api_token_new(world->rooms.tenant, person_id(world, client, role), STR("test"), rights,
                        expires, world->now, world->mem, &token, &id) == OK);
    return token;
}

struct api_request world_request(const char *method, const char *target)
{
    struct str query = str_from(target);
    struct str path = str_cut(&query, '?');
    return (struct api_request){
        .method = str_from(method),
        .path = path,
        .query = query,
        .same_origin = true,
        .peer = STR("192.0.2.1"),
        .agent = STR("test"),
        .language = STR("en"),
    };
}

struct api_answer world_call(struct world *world, const struct api_request *request)
{
    struct api_answer answer;
    CHECK(api_call(world->api, request, world->now, world->mem, &answer) == OK);
    CHECK(!ledger_in_transaction(world->rooms.ledger));
    return answer;
}

struct api_answer world_call_as(struct world *world, const struct scope *scope,
                                const struct api_request *request)
{
    struct api_answer answer;
    CHECK(api_call_as(world->api, scope, request, world->now, world->mem, &answer) == OK);
    CHECK(!ledger_in_transaction(world->rooms.ledger));
    return answer;
}
