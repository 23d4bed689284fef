#include "incident/fixture_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "testing/testing.h"

const struct countermeasure town_options[2] = {
    {
        .text = STR("送信元 198.51.100.7 を遮断する"),
        .effect = STR("なし"),
        .risk = STR("低い"),
        .executes = STR("provider"),
        .recommended = true,
    },
    {.text = STR("入力検査を修正する"), .effect = STR("停止 10 分"), .executes = STR("client")},
};

static void town_sla(struct town *town);

void town_start(struct town *town)
{
    CHECK(ledger_open(fake_disk(town->fake), ".", &town->ledger, NULL) == OK);
    CHECK(tenant_open(town->ledger, NOW, &town->tenant, NULL) == OK);
    CHECK(service_open(town->ledger, town->tenant, NOW, &town->service, NULL) == OK);
    CHECK(clocks_new(town->ledger, town->service, "/usr/share/zoneinfo", &town->clocks) == OK);
    CHECK(incidents_new(town->ledger, town->service, town->clocks, &town->incidents) == OK);
}

void town_stop(struct town *town)
{
    incidents_free(town->incidents);
    clocks_free(town->clocks);
    service_close(town->service);
    tenant_close(town->tenant);
    ledger_close(town->ledger);
}

static void scopes_make(struct town *town)
{
    CHECK(scope_for_test((struct client_id){0},
                         RIGHT_ALERT | RIGHT_ALERTS | RIGHT_INCIDENTS | RIGHT_SERVE | RIGHT_MANAGE,
                         &town->serve) == OK);
    for (int i = 0; i < ROLE_COUNT; i++) {
        CHECK(scope_for_test_role(CLIENT_B, (enum role)i, &town->roles[i]) == OK);
    }
    CHECK(scope_for_test_role(CLIENT_A, ROLE_RESPONSIBLE, &town->stranger) == OK);
    CHECK(scope_for_administrator(town->tenant, 0, STR("test"), NOW, &town->administrator) == OK);
}

/* All but the disk. */
static void town_done(struct town *town)
{
    town_stop(town);
    for (int i = 0; i < ROLE_COUNT; i++) {
        scope_free(town->roles[i]);
    }
    scope_free(town->serve);
    scope_free(town->stranger);
    scope_free(town->administrator);
    arena_free(town->mem);
}

static struct town town_on(struct fake *fake)
{
    struct town town = {.fake = fake, .mem = arena_new((size_t)256 << 20), .now = NOW};
    town_start(&town);
    scopes_make(&town);
    return town;
}

/* A ledger with client b and its SLA, made once: every town begins with it. */
static struct fake *town_disk(void)
{
    static struct fake *disk;
    if (disk == NULL) {
        struct town town = town_on(fake_new());
        struct apply_result result;
        CHECK(tenant_apply(town.serve, town.tenant, STR("clients: [{slug: b}]"), NOW, town.mem,
                           &result, NULL) == OK);
        town_sla(&town);
        town_done(&town);
        disk = town.fake;
    }
    return fake_copy(disk);
}

struct town *town_new(void)
{
    struct town *town = calloc(1, sizeof *town);
    CHECK(town != NULL);
    *town = town_on(town_disk());
    return town;
}

void town_free(struct town *town)
{
    town_done(town);
    fake_free(town->fake);
    free(town);
}

void town_run(struct town *town, const char *kind, struct str text)
{
    static const enum role signers[] = {ROLE_RESPONSIBLE, ROLE_ENGINEER};
    struct document document;
    struct version version;
    struct wall next;
    bool changed;
    CHECK(document_read(schema_find(str_from(kind)), text, town->mem, &document, NULL) == OK);
    CHECK(service_draft(town->roles[ROLE_ENGINEER], town->service, CLIENT_B, &document, STR(""),
                        WALL_NONE, town->now, town->mem, &version, NULL) == OK);
    for (size_t i = 0; i < 2 && version.waits[0] != 0; i++) {
        CHECK(service_sign(town->roles[signers[i]], town->service, CLIENT_B, str_from(kind),
                           version.hash, town->now, town->mem, &version, NULL) == OK);
    }
    CHECK(service_turn(town->serve, town->service, town->now, &next, &changed) == OK);
    CHECK(service_running(town->serve, town->service, CLIENT_B, str_from(kind), NULL) != NULL);
}

void town_criteria(struct town *town, bool authorised, const char *decide)
{
    struct str text;
    CHECK(arena_print(town->mem, &text,
                      "actions: [{slug: block, name: {ja: 送信元の遮断, en: Block the source},"
                      " text: {ja: 遮断します。, en: Blocked at the edge.}, authorised: %s}]\n"
                      "criteria: [{slug: sqli, when: {}, then: {incident: yes,"
                      " explanation: {ja: 公開中です。, en: It is public.}, %s}}]\n",
                      authorised ? "yes" : "no", decide) == OK);
    town_run(town, "criteria", text);
}

/* One clock for every moment, all started by the detection. */
static void town_sla(struct town *town)
{
    struct buf text;
    buf_init(&text, 65536);
    CHECK(buf_append(&text, STR("metrics:\n")) == OK);
    for (int i = MOMENT_NOTIFIED; i < MOMENT_COUNT; i++) {
        const char *name = moment_text((enum moment)i);
        CHECK(buf_print(&text,
                        "- {slug: %s, name: {ja: a, en: a}, start: detected, stop: %s, targets:"
                        " {low: 9h, medium: 9h, high: 9h, critical: 9h}}\n",
                        name, name) == OK);
    }
    town_run(town, "sla", buf_str(&text));
    buf_done(&text);
}

static size_t moment_say(struct statement *row, char *to, size_t size)
{
    struct str metric = statement_text(row, 0);
    struct str what = statement_text(row, 1);
    long long at = (statement_int(row, 2) - NOW.ns) / SECOND;
    bool start = str_equal(what, STR("start"));
    if (start && !str_equal(metric, STR("notified"))) {
        return 0;
    }
    return (size_t)snprintf(to, size, "%s%.*s@%lld ", str_equal(what, STR("reopen")) ? "-" : "",
                            start ? 8 : (int)metric.size, start ? "detected" : metric.data, at);
}

const char *town_moments(struct town *town)
{
    static char text[4096];
    struct statement *statement;
    size_t size = 0;
    bool row = true;
    text[0] = '\0';
    CHECK(ledger_prepare(town->ledger,
                         "SELECT c.metric, e.what, e.at, e.rowid FROM clock_event e"
                         " JOIN clock c ON c.id = e.clock WHERE e.rowid > ? ORDER BY e.rowid",
                         &statement) == OK);
    CHECK(statement_bind_int(statement, 1, town->moments) == OK);
    while (statement_step(statement, &row) == OK && row) {
        town->moments = statement_int(statement, 3);
        CHECK(size < sizeof text - 128);
        size += moment_say(statement, text + size, sizeof text - size);
    }
    return text;
}

struct alert town_alert(struct town *town)
{
    town->sequence++;
    return (struct alert){
        .place = {CLIENT_B, town->sequence},
        .source = {4},
        .received = {town->now.ns - SECOND},
        .happened = WALL_NONE,
        .level = LEVEL_HIGH,
        .rule_id = STR("r1"),
        .rule_title = STR("SQL injection in a query"),
        .rule_version = STR("00ff"),
        .outcome =
            {
                .type = STR("sql-injection"),
                .severity = LEVEL_HIGH,
                .incident = true,
                .criterion = STR("sqli"),
                .chain = STR("security"),
                .action = STR("block"),
                .authorised = true,
                .asset = STR("shop"),
                .owner = STR("head"),
                .zone = STR("dmz"),
                .outside = STR("203.0.113.10"),
                .inside = STR("10.0.1.10"),
                .other = STR("198.51.100.7"),
                .documents = STR("assets:00ff criteria:ff00"),
            },
    };
}

enum err town_store(struct town *town, struct alert *list, size_t count)
{
    const struct alerts alerts = {list, count};
    uint64_t fresh;
    return incident_store(town->serve, town->ledger, CLIENT_B, &alerts,
                          count > 0 ? list[count - 1].place.sequence + 1 : 0, town->now, &fresh);
}

enum err town_group(struct town *town, struct alert *list, size_t count, uint64_t *ret_opened)
{
    enum err err = ledger_begin(town->ledger);
    if (err == OK) {
        err = town_store(town, list, count);
        if (err == OK) {
            err = incident_group(town->serve, town->incidents, CLIENT_B, town->now, ret_opened);
        }
        err = err == OK ? ledger_commit(town->ledger) : err;
        ledger_rollback(town->ledger);
    }
    return err;
}

void town_open_one(struct town *town)
{
    struct alert alert = town_alert(town);
    uint64_t opened;
    CHECK(town_group(town, &alert, 1, &opened) == OK && opened == 1);
}

struct incident_at town_at(const struct town *town, uint32_t number)
{
    return (struct incident_at){CLIENT_B, number, town->now};
}

struct incident_view town_view(struct town *town, uint32_t number)
{
    struct incident_view view;
    CHECK(incident_get(town->serve, town->incidents, CLIENT_B, number, town->mem, &view) == OK);
    return view;
}

void town_lead(struct town *town, enum incident_state to)
{
    const struct incident_at at = town_at(town, 1);
    struct scope *analyst = town->roles[ROLE_ANALYST];
    struct scope *head = town->roles[ROLE_RESPONSIBLE];
    uint32_t proposal;
    if (to >= INCIDENT_CAUSE) {
        CHECK(incident_step(analyst, town->incidents, at, INCIDENT_CAUSE, STR(""), NULL) == OK);
    }
    if (to >= INCIDENT_COUNTERMEASURE) {
        CHECK(incident_step(analyst, town->incidents, at, INCIDENT_COUNTERMEASURE, STR("c"),
                            NULL) == OK);
    }
    if (to >= INCIDENT_COORDINATION) {
        CHECK(incident_propose(analyst, town->incidents, at, town_options, 2, WALL_NONE, &proposal,
                               NULL) == OK);
    }
    if (to >= INCIDENT_EXECUTING) {
        CHECK(incident_decide(head, town->incidents, at, proposal, 2, STR(""), NULL) == OK);
    }
    if (to >= INCIDENT_RETURN_CHECK) {
        CHECK(incident_execute(town->roles[ROLE_CONTACT], town->incidents, at, true, STR("e"),
                               NULL) == OK);
        CHECK(incident_step(analyst, town->incidents, at, INCIDENT_RETURN_CHECK, STR("ok"), NULL) ==
              OK);
    }
    if (to >= INCIDENT_STEADY) {
        CHECK(incident_return(head, town->incidents, at, true, STR(""), NULL) == OK);
    }
    CHECK(town_view(town, 1).state == to);
}

int64_t town_number(struct town *town, const char *sql)
{
    struct statement *statement;
    bool row;
    CHECK(ledger_prepare(town->ledger, sql, &statement) == OK);
    CHECK(statement_step(statement, &row) == OK && row);
    int64_t number = statement_int(statement, 0);
    statement_reset(statement);
    return number;
}
