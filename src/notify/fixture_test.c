#include "notify/fixture_test.h"

#include <stdio.h>
#include <string.h>

#include "codec/crypto.h"
#include "testing/testing.h"

const char house_contacts[] =
    "people:\n"
    "  - {slug: head, name: {ja: 田中 責任者, en: Tanaka}, mail: head@acme.example,\n"
    "     phone: '+81 3 0000 0000', language: ja, hours: office, deputy: deputy}\n"
    "  - {slug: deputy, name: {ja: 代理, en: Deputy}, mail: deputy@acme.example, language: en}\n"
    "gateways:\n"
    "  - {slug: chat, name: {ja: チャット, en: Chat}, url: 'https://chat.acme.example/hook',\n"
    "     template: chat, secret: chat, language: ja}\n"
    "  - {slug: desk, name: {ja: チケット, en: Tickets}, url: 'https://t.acme.example/',\n"
    "     template: json}\n"
    "  - {slug: call, name: {ja: 電話, en: Telephone}, url: 'https://call.acme.example/',\n"
    "     template: phone}\n"
    "chains:\n"
    "  - slug: other\n"
    "    name: {ja: 別, en: Other}\n"
    "    steps: [{slug: only, to: [deputy], wait: 1h}]\n"
    "  - slug: security\n"
    "    name: {ja: 連絡網, en: Security}\n"
    "    default: yes\n"
    "    steps:\n"
    "      - {slug: first, to: [head], gateways: [chat, desk, call], wait: 15m}\n"
    "      - {slug: second, to: [deputy], wait: 30m}\n";

const char house_calendars[] =
    "calendars:\n"
    "  - slug: office\n"
    "    name: {ja: 営業時間, en: Office hours}\n"
    "    zone: Asia/Tokyo\n"
    "    hours: {monday: ['09:00-17:30'], tuesday: ['09:00-17:30'], wednesday: ['09:00-17:30'],\n"
    "            thursday: ['09:00-17:30'], friday: ['09:00-17:30']}\n"
    "    holidays: japan\n";

static const char parties[] =
    "parties:\n"
    "  - slug: watch\n"
    "    name: {ja: 監視, en: Watch}\n"
    "    kinds: [provider]\n"
    "    people:\n"
    "      - {slug: admin, name: {ja: 管理者, en: Admin}, mail: admin@watch.example,\n"
    "         language: en, roles: [provider-admin]}\n"
    "clients:\n"
    "  - slug: acme\n"
    "    name: {ja: アクメ株式会社の例, en: Example Acme}\n"
    "    people:\n"
    "      - {slug: chief, name: {ja: 責任者, en: Chief}, mail: chief@acme.example,\n"
    "         language: ja, roles: [responsible]}\n"
    "      - {slug: reader, name: {ja: 閲覧者, en: Reader}, mail: reader@acme.example,\n"
    "         language: ja, roles: [viewer]}\n"
    "    engagements: [{slug: main, party: watch, state: steady}]\n"
    "  - slug: empty\n"
    "    name: {ja: 無人, en: Nobody}\n";

void house_start(struct house *house)
{
    const struct notify_settings settings = {STR("https://soc.example.jp/"),
                                             STR("watch@soc.example.jp"), "/usr/share/zoneinfo"};
    CHECK(ledger_open(fake_disk(house->fake), ".", &house->ledger, NULL) == OK);
    CHECK(tenant_open(house->ledger, NOW, &house->tenant, NULL) == OK);
    CHECK(service_open(house->ledger, house->tenant, NOW, &house->service, NULL) == OK);
    CHECK(clocks_new(house->ledger, house->service, "/usr/share/zoneinfo", &house->clocks) == OK);
    CHECK(incidents_new(house->ledger, house->service, house->clocks, &house->incidents) == OK);
    CHECK(notify_new(house->ledger, house->tenant, house->service, house->incidents, &settings,
                     &house->notify) == OK);
}

void house_stop(struct house *house)
{
    notify_free(house->notify);
    incidents_free(house->incidents);
    clocks_free(house->clocks);
    service_close(house->service);
    tenant_close(house->tenant);
    ledger_close(house->ledger);
}

static struct house house_on(struct fake *fake)
{
    struct house house = {.fake = fake, .mem = arena_new((size_t)512 << 20), .now = NOW};
    CHECK(scope_for_test((struct client_id){0},
                         RIGHT_SERVE | RIGHT_INCIDENTS | RIGHT_ALERT | RIGHT_MANAGE,
                         &house.serve) == OK);
    CHECK(scope_for_test_role(ACME, ROLE_ENGINEER, &house.engineer) == OK);
    CHECK(scope_for_test_role(ACME, ROLE_RESPONSIBLE, &house.responsible) == OK);
    CHECK(scope_for_test_role(ACME, ROLE_VIEWER, &house.viewer) == OK);
    house_start(&house);
    return house;
}

/* All but the disk. */
static void house_leave(struct house *house)
{
    CHECK(ledger_check(house->ledger, NULL) == OK);
    CHECK(ledger_audit_verify(house->ledger, NULL) == OK);
    house_stop(house);
    scope_free(house->serve);
    scope_free(house->engineer);
    scope_free(house->responsible);
    scope_free(house->viewer);
    arena_free(house->mem);
}

/* A ledger with the parties, made once: every house begins with it. */
static struct fake *house_disk(void)
{
    static struct fake *disk;
    if (disk == NULL) {
        struct house house = house_on(fake_new());
        struct apply_result result;
        struct why why = {0};
        enum err err = tenant_apply(house.serve, house.tenant, str_from(parties), NOW, house.mem,
                                    &result, &why);
        if (err != OK) {
            (void)fprintf(stderr, "%s\n", why_text(&why, err));
        }
        CHECK(err == OK);
        house_leave(&house);
        disk = house.fake;
    }
    return fake_copy(disk);
}

struct house house_new(void)
{
    struct house house = house_on(house_disk());
    struct client_id client;
    CHECK(tenant_client_find(house.tenant, STR("acme"), &client) == OK);
    CHECK(client_equal(client, ACME));
    CHECK(tenant_client_find(house.tenant, STR("empty"), &client) == OK);
    CHECK(client_equal(client, NOBODYS));
    return house;
}

void house_done(struct house *house)
{
    house_leave(house);
    fake_free(house->fake);
}

void house_document(struct house *house, const char *kind, const char *text)
{
    struct document document;
    struct version version;
    struct why why = {0};
    struct wall next;
    bool changed;
    enum err err =
        document_read(schema_find(str_from(kind)), str_from(text), house->mem, &document, &why);
    if (err != OK) {
        (void)fprintf(stderr, "%s\n", why_text(&why, err));
    }
    CHECK(err == OK);
    err = service_draft(house->engineer, house->service, ACME, &document, STR(""), WALL_NONE,
                        house->now, house->mem, &version, &why);
    if (err != OK) {
        (void)fprintf(stderr, "%s\n", why_text(&why, err));
    }
    CHECK(err == OK);
    err = service_sign(house->responsible, house->service, ACME, str_from(kind), version.hash,
                       house->now, house->mem, &version, NULL);
    CHECK(err == OK || err == ERR_CONFLICT); /* some kinds need none */
    CHECK(service_turn(house->serve, house->service, house->now, &next, &changed) == OK);
    CHECK(service_running(house->serve, house->service, ACME, str_from(kind), NULL) != NULL);
}

uint32_t house_incident(struct house *house, enum level severity, const char *other)
{
    uint64_t opened = 0;
    uint64_t fresh;
    struct str inside;
    house->sequence++;
    CHECK(arena_print(house->mem, &inside, "10.0.%u.%u", (unsigned)house->sequence >> 8,
                      (unsigned)house->sequence & 255) == OK);
    struct alert alert = {
        .place = {ACME, house->sequence},
        .source = {4},
        .received = house->now,
        .happened = WALL_NONE,
        .level = severity,
        .rule_id = STR("r1"),
        .rule_title = STR("SQL injection in a query"),
        .rule_version = STR("00ff"),
        .outcome = {.type = STR("sql-injection"),
                    .severity = severity,
                    .incident = true,
                    .chain = STR("security"),
                    .outside = STR("203.0.113.10"),
                    .inside = inside,
                    .other = str_from(other)},
    };
    const struct alerts alerts = {&alert, 1};
    CHECK(ledger_begin(house->ledger) == OK);
    CHECK(incident_store(house->serve, house->ledger, ACME, &alerts, house->sequence + 1,
                         house->now, &fresh) == OK);
    CHECK(incident_group(house->serve, house->incidents, ACME, house->now, &opened) == OK);
    CHECK(ledger_commit(house->ledger) == OK && opened == 1);
    return (uint32_t)house->sequence;
}

struct wall house_turn(struct house *house)
{
    struct wall next = WALL_NONE;
    CHECK(notify_turn(house->serve, house->notify, house->now, &next) == OK);
    return next;
}

size_t house_due(struct house *house, struct outbox_message **ret)
{
    size_t count;
    struct wall next;
    CHECK(outbox_due(house->serve, house->ledger, house->now, 1000, 1000, house->mem, ret, &count,
                     &next) == OK);
    return count;
}

size_t house_steps(struct house *house, uint32_t number, struct notice_step_view **ret)
{
    size_t count;
    struct incident_view view;
    CHECK(incident_get(house->serve, house->incidents, ACME, number, house->mem, &view) == OK);
    CHECK(notify_steps(house->serve, house->notify, ACME, (struct subject){"incident", view.id},
                       house->mem, ret, &count) == OK);
    return count;
}

static int digit(char byte)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = byte != '\0' ? strchr(digits, byte) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

struct str house_text(struct house *house, struct str mail)
{
    size_t head = str_find(mail, STR("\r\n\r\n"));
    CHECK(head != STR_NONE);
    bool base64 = str_find(str_slice(mail, 0, head), STR("base64")) != STR_NONE;
    struct str body = str_slice(mail, head + 4, SIZE_MAX);
    char *text = arena_take(house->mem, body.size + 1);
    size_t size = 0;
    uint32_t bits = 0;
    int have = 0;
    for (size_t i = 0; i < body.size; i++) {
        unsigned value = 0;
        if (!base64 && str_starts(str_slice(body, i, 3), STR("=\r\n"))) {
            i += 2;
        } else if (!base64 && body.data[i] == '=') {
            CHECK(hex_parse(str_slice(body, i + 1, 2), &value, 1) == OK);
            text[size++] = (char)value;
            i += 2;
        } else if (!base64) {
            text[size++] = body.data[i];
        } else if (digit(body.data[i]) >= 0) {
            bits = bits << 6 | (uint32_t)digit(body.data[i]);
            have += 6;
            if (have >= 8) {
                have -= 8;
                text[size++] = (char)(bits >> have & 0xff);
            }
        }
    }
    return str_of(text, size);
}

int64_t house_number(struct house *house, const char *sql)
{
    struct statement *statement;
    bool row;
    CHECK(ledger_prepare(house->ledger, sql, &statement) == OK);
    CHECK(statement_step(statement, &row) == OK && row);
    int64_t number = statement_int(statement, 0);
    statement_reset(statement);
    return number;
}
