/*
 * Whatever a request holds, there is an answer, and it is neither an error of ours nor a 5xx.  Of
 * the input the first byte says who asks, then come three lines: method and target, the type of the
 * body, and the body, which is the rest.
 */

#include <assert.h>
#include <stdlib.h>

#include "ledger/ledger.h"
#include "portal/api.h"
#include "sys/fake.h"

#define NOW           ((struct wall){1790000000000000000})
#define INPUTS_A_LIFE 500 /* The ledger grows with what succeeds. */

static struct fake *fake;
static struct arena *mem, *turn;
static struct api_rooms rooms;
static struct api *api;
static struct scope *scopes[ROLE_COUNT + 1]; /* the last: whoever runs the machine */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] =
    "parties:\n"
    "  - {slug: watch, kinds: [provider], people: [{slug: ann, roles: [analyst]}]}\n"
    "clients:\n"
    "  - slug: alpha\n"
    "    people: [{slug: head, roles: [responsible]}]\n"
    "    engagements:\n"
    "      - {slug: main, party: watch, state: steady,"
    " assignments: [{person: ann, role: analyst}]}\n"
    "    documents:\n"
    "      contacts: {people: [{slug: head, name: {ja: 責, en: Head}}]}\n"
    "  - {slug: bravo}\n";

static void must(enum err err)
{
    if (err != OK) {
        abort();
    }
}

static void incident_make(struct client_id client)
{
    struct alert alert = {
        .place = {client, 1},
        .received = NOW,
        .happened = WALL_NONE,
        .level = LEVEL_HIGH,
        .rule_id = STR("r"),
        .rule_version = STR("00ff"),
        .outcome = {.type = STR("malware"), .severity = LEVEL_HIGH, .incident = true},
    };
    const struct alerts alerts = {&alert, 1};
    struct scope *serve;
    uint64_t fresh;
    must(scope_for_test(
        (struct client_id){0},
        RIGHT_ALERT | RIGHT_ALERTS | RIGHT_INCIDENTS | RIGHT_DOCUMENTS | RIGHT_SERVE, &serve));
    must(ledger_begin(rooms.ledger));
    must(incident_store(serve, rooms.ledger, client, &alerts, 2, NOW, &fresh));
    must(incident_group(serve, rooms.incidents, client, NOW, &fresh));
    must(ledger_commit(rooms.ledger));
    scope_free(serve);
}

static void world_make(void)
{
    static const struct notify_settings settings = {.portal = STR("https://soc.example"),
                                                    .sender = STR("soc@watch.example"),
                                                    .zoneinfo = "/usr/share/zoneinfo"};
    struct apply_result result;
    struct client_id client;
    fake = fake_new();
    mem = arena_new((size_t)256 << 20);
    turn = arena_new((size_t)256 << 20);
    must(fake != NULL && mem != NULL && turn != NULL ? OK : ERR_MEMORY);
    must(ledger_open(fake_disk(fake), ".", &rooms.ledger, NULL));
    must(tenant_open(rooms.ledger, NOW, &rooms.tenant, NULL));
    must(service_open(rooms.ledger, rooms.tenant, NOW, &rooms.service, NULL));
    must(clocks_new(rooms.ledger, rooms.service, settings.zoneinfo, &rooms.clocks));
    must(incidents_new(rooms.ledger, rooms.service, rooms.clocks, &rooms.incidents));
    must(notify_new(rooms.ledger, rooms.tenant, rooms.service, rooms.incidents, &settings,
                    &rooms.notify));
    must(scope_for_administrator(rooms.tenant, 1000, STR("fuzz"), NOW, &scopes[ROLE_COUNT]));
    must(service_apply(scopes[ROLE_COUNT], rooms.service, str_of(text, sizeof text - 1), STR(""),
                       NOW, mem, &result, NULL));
    must(tenant_client_find(rooms.tenant, STR("alpha"), &client));
    for (int role = 0; role < ROLE_COUNT; role++) {
        must(scope_for_test_role(client, (enum role)role, &scopes[role]));
    }
    incident_make(client);
    must(api_new(&rooms, &api));
}

static void world_end(void)
{
    api_free(api);
    notify_free(rooms.notify);
    incidents_free(rooms.incidents);
    clocks_free(rooms.clocks);
    service_close(rooms.service);
    tenant_close(rooms.tenant);
    ledger_close(rooms.ledger);
    for (size_t i = 0; i <= ROLE_COUNT; i++) {
        scope_free(scopes[i]);
    }
    arena_free(turn);
    arena_free(mem);
    fake_free(fake);
    fake = NULL;
}

static void answer_check(const struct api_answer *answer)
{
    assert(answer->wants_password || (answer->status >= 200 && answer->status < 500));
    assert(!ledger_in_transaction(rooms.ledger));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned inputs;
    struct str rest = str_of(data, size);
    struct api_answer answer;
    if (size == 0 || size > 65536) {
        return 0;
    }
    if (fake == NULL) {
        world_make();
    }
    unsigned who = data[0] % (ROLE_COUNT + 4);
    rest = str_slice(rest, 1, SIZE_MAX);
    struct str target = str_cut(&rest, '\n');
    struct api_request request = {.type = str_cut(&rest, '\n'),
                                  .body = rest,
                                  .same_origin = true,
                                  .peer = STR("192.0.2.1"),
                                  .agent = STR("fuzz")};
    request.method = str_cut(&target, ' ');
    request.path = str_cut(&target, '?');
    request.query = target;
    if (who <= ROLE_COUNT) {
        must(api_call_as(api, scopes[who], &request, NOW, turn, &answer));
    } else {
        request.session = who == ROLE_COUNT + 1 ? request.body : STR("");
        request.bearer = who == ROLE_COUNT + 2 ? request.body : STR("");
        must(api_call(api, &request, NOW, turn, &answer));
    }
    answer_check(&answer);
    if (answer.wants_password) {
        uint64_t ticket = answer.ticket;
        api_answer_done(&answer);
        must(api_resume(api, ticket, false, STR("$argon2id$nothing"), NOW, turn, &answer));
        answer_check(&answer);
    }
    api_answer_done(&answer);
    arena_reset(turn);
    if (++inputs % INPUTS_A_LIFE == 0) {
        world_end();
    }
    return 0;
}
