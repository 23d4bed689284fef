#include "notify/fixture_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/utf8.h"
#include "testing/testing.h"

#define MINUTE (60 * NS_PER_SECOND)

static struct house with_contacts(void)
{
    struct house house = house_new();
    house_document(&house, "calendars", house_calendars);
    house_document(&house, "contacts", house_contacts);
    return house;
}

static bool has(struct str text, const char *part)
{
    return str_find(text, str_from(part)) != STR_NONE;
}

/* The code in a message's link. */
static struct str code_in(struct house *house, const struct outbox_message *message)
{
    struct str text =
        message->kind == OUTBOX_MAIL ? house_text(house, message->body) : message->body;
    size_t at = str_find(text, STR("https://soc.example.jp/acknowledge/"));
    CHECK(at != STR_NONE);
    return str_slice(text, at + 35, 43);
}

static void all_sent(struct house *house)
{
    struct outbox_message *list;
    size_t count = house_due(house, &list);
    for (size_t i = 0; i < count; i++) {
        CHECK(notify_ended(house->serve, house->notify, list[i].id, OUTBOX_SENT, STR("250 ok"),
                           house->now) == OK);
    }
}

/* Every line of a mail is short printable ASCII, and its headers are those that we write. */
static void check_mail(struct str mail)
{
    static const char *const names[] = {
        "Date: ",
        "From:",
        "To: <",
        "Subject:",
        "Message-ID: <n",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Language: ",
        "Content-Type: text/plain; charset=UTF-8",
        "Content-Transfer-Encoding: ",
    };
    bool head = true;
    size_t headers = 0;
    while (mail.size > 0) {
        size_t end = str_find(mail, STR("\r\n"));
        CHECK(end != STR_NONE && end <= 76);
        struct str line = str_slice(mail, 0, end);
        for (size_t i = 0; i < line.size; i++) {
            CHECK(line.data[i] >= ' ' && line.data[i] <= '~');
        }
        if (head && line.size > 0 && line.data[0] != ' ') {
            CHECK(headers < 10 && str_starts(line, str_from(names[headers])));
            headers++;
        }
        head = head && line.size > 0;
        mail = str_slice(mail, end + 2, SIZE_MAX);
    }
    CHECK(headers == 10 && !head);
}

TEST(a_chain_is_climbed_step_by_step_and_three_times_over)
{
    struct house house = with_contacts();
    struct outbox_message *list = NULL;
    struct notice_step_view *steps = NULL;
    uint32_t number = house_incident(&house, LEVEL_HIGH, "198.51.100.7");
    CHECK(house_turn(&house).ns == NOW.ns + 15 * MINUTE);
    CHECK(house_due(&house, &list) == 4 && str_equal(list[0].to, STR("head@acme.example")));
    CHECK(list[1].kind == OUTBOX_WEBHOOK && str_equal(list[1].signing, STR("acme.chat")));
    CHECK(house_turn(&house).ns == NOW.ns + 15 * MINUTE && house_due(&house, &list) == 4);
    all_sent(&house);
    house_stop(&house); /* the wait is a row */
    house_start(&house);
    house.now.ns += 15 * MINUTE - 1;
    CHECK(house_turn(&house).ns == house.now.ns + 1 && house_due(&house, &list) == 0);
    house.now.ns += 1;
    CHECK(house_turn(&house).ns == house.now.ns + 30 * MINUTE);
    CHECK(house_due(&house, &list) == 1 && str_equal(list[0].to, STR("deputy@acme.example")));
    for (int i = 0; i < 4; i++) {
        all_sent(&house);
        house.now = house_turn(&house);
    }
    CHECK(house_steps(&house, number, &steps) == 3 * 5 - 1);
    CHECK(wall_known(house_turn(&house)) && house_steps(&house, number, &steps) == 3 * 5);
    all_sent(&house);
    house.now.ns += 30 * MINUTE;
    CHECK(wall_known(house_turn(&house))); /* at the end the provider's people are told */
    CHECK(!wall_known(house_turn(&house)));
    CHECK(house_due(&house, &list) == 1 && str_equal(list[0].to, STR("admin@watch.example")));
    CHECK(has(house_text(&house, list[0].body), "reach the client directly"));
    CHECK(house_steps(&house, number, &steps) == 16 && steps[14].step == 6);
    CHECK(house_number(&house, "SELECT COUNT(*) FROM incident_line WHERE what = 'unanswered'"
                               " AND text = 'incident-opened'") == 1);
    CHECK(house_number(&house, "SELECT COUNT(*) FROM notice WHERE unanswered IS NOT NULL") == 1);
    CHECK(house_number(&house, "SELECT COUNT(*) FROM audit WHERE action = 'notice.unanswered'") ==
          1);
    house_done(&house);
}

TEST(where_the_deputy_is_away_too_the_deputys_deputy_is_told_and_a_circle_ends)
{
    struct house house = with_contacts();
    struct notice_step_view *steps = NULL;
    house_document(&house, "contacts",
                   "people:\n"
                   "  - {slug: a, mail: a@acme.example, hours: office, deputy: b}\n"
                   "  - {slug: b, mail: b@acme.example, hours: office, deputy: c}\n"
                   "  - {slug: c, mail: c@acme.example, deputy: a}\n"
                   "  - {slug: d, mail: d@acme.example, hours: office, deputy: e}\n"
                   "  - {slug: e, mail: e@acme.example, hours: office, deputy: d}\n"
                   "chains:\n"
                   "  - {slug: one, default: yes, steps: [{slug: s, to: [a, d], wait: 15m}]}\n");
    house.now = NIGHT;
    uint32_t number = house_incident(&house, LEVEL_HIGH, "198.51.100.7");
    (void)house_turn(&house);
    CHECK(house_steps(&house, number, &steps) == 3);
    CHECK(str_equal(steps[0].contact, STR("a")) && str_equal(steps[0].state, STR("passed")));
    CHECK(str_equal(steps[1].contact, STR("c")) && str_equal(steps[1].state, STR("waiting")));
    /* Nobody stands in for d: rather a mail out of hours than none. */
    CHECK(str_equal(steps[2].contact, STR("d")) && str_equal(steps[2].state, STR("waiting")));
    house_done(&house);
}

TEST(no_document_names_the_secret_of_another_client)
{
    static const char theirs[] =
        "people: [{slug: head, name: {ja: 責任者, en: Head}, mail: head@acme.example}]\n"
        "gateways:\n"
        "  - {slug: chat, name: {ja: 罠, en: Trap}, url: 'https://chat.acme.example/hook',\n"
        "     secret: %s}\n"
        "chains:\n"
        "  - slug: security\n"
        "    name: {ja: 連絡網, en: Security}\n"
        "    steps: [{slug: first, gateways: [chat], wait: 15m}]\n";
    static const char *const names[][2] = {{"empty.chat", "acme.empty.chat"},
                                           {"'../empty.chat'", "acme.../empty.chat"}};
    for (size_t i = 0; i < 2; i++) {
        struct house house = house_new();
        struct outbox_message *list = NULL;
        char text[2 * sizeof theirs];
        (void)snprintf(text, sizeof text, theirs, names[i][0]);
        house_document(&house, "contacts", text);
        (void)house_incident(&house, LEVEL_HIGH, "198.51.100.7");
        (void)house_turn(&house);
        CHECK(house_due(&house, &list) == 1);
        CHECK(str_equal(list[0].signing, str_from(names[i][1])));
        house_done(&house);
    }
}

TEST(a_chain_of_many_steps_that_reach_nobody_is_climbed_in_several_turns)
{
    struct house house = house_new();
    struct outbox_message *list = NULL;
    struct buf text;
    unsigned turns = 0;
    buf_init(&text, 64 * 1024);
    CHECK(buf_append(&text, STR("people: [{slug: head, name: {ja: 責任者, en: Head},"
                                " mail: head@acme.example}]\n"
                                "chains:\n  - slug: security\n    name: {ja: 網, en: Net}\n"
                                "    steps:\n")) == OK);
    for (unsigned i = 0; i < 100; i++) {
        CHECK(buf_print(&text, "      - {slug: s%u, wait: 7d}\n", i) == OK);
    }
    CHECK(buf_append(&text, STR("      - {slug: last, to: [head], wait: 7d}\n")) == OK);
    CHECK(buf_append_byte(&text, '\0') == OK);
    house_document(&house, "contacts", text.data);
    (void)house_incident(&house, LEVEL_HIGH, "198.51.100.7");
    for (; house_due(&house, &list) == 0 && turns < 100; turns++) {
        struct wall next = house_turn(&house);
        CHECK(next.ns == house.now.ns || house_due(&house, &list) == 1);
    }
    CHECK(turns == (100 + STEPS_PER_TURN) / STEPS_PER_TURN);
    buf_done(&text);
    house_done(&house);
}

TEST(a_flood_of_incidents_is_told_a_few_messages_a_turn)
{
    struct house house = with_contacts();
    struct outbox_message *list = NULL;
    size_t told = 0;
    for (int i = 0; i < 40; i++) {
        (void)house_incident(&house, LEVEL_HIGH, "198.51.100.7");
    }
    for (size_t turns = 0; turns < 5; turns++) {
        struct wall next = house_turn(&house);
        size_t due = house_due(&house, &list);
        CHECK(due > told && due - told < MESSAGES_PER_TURN + HEARERS_MAX);
        CHECK((next.ns <= house.now.ns) == (due < 160));
        told = due;
    }
    CHECK(told == 160);
    house_done(&house);
}

TEST(outside_their_hours_the_deputy_is_told_and_at_the_gravest_both)
{
    struct house house = with_contacts();
    struct notice_step_view *steps = NULL;
    struct outbox_message *list = NULL;
    house.now = NIGHT;
    uint32_t first = house_incident(&house, LEVEL_HIGH, "198.51.100.7");
    (void)house_turn(&house);
    CHECK(house_steps(&house, first, &steps) == 5);
    CHECK(str_equal(steps[0].contact, STR("head")) && str_equal(steps[0].state, STR("passed")));
    CHECK(str_equal(steps[1].contact, STR("deputy")) && str_equal(steps[1].state, STR("waiting")));
    CHECK(house_due(&house, &list) == 4);
    CHECK(has(house_text(&house, list[0].body), "the deputy of Tanaka"));
    uint32_t second = house_incident(&house, LEVEL_CRITICAL, "198.51.100.8");
    (void)house_turn(&house);
    CHECK(house_steps(&house, second, &steps) == 5);
    CHECK(str_equal(steps[0].state, STR("waiting")) && str_equal(steps[1].state, STR("waiting")));
    house_done(&house);
}

TEST(without_contacts_the_responsible_persons_are_told_directly)
{
    struct house house = house_new();
    struct outbox_message *list = NULL;
    struct notice_step_view *steps = NULL;
    uint32_t number = house_incident(&house, LEVEL_HIGH, "198.51.100.7");
    (void)house_turn(&house);
    CHECK(house_due(&house, &list) == 1 && str_equal(list[0].to, STR("chief@acme.example")));
    CHECK(str_equal(list[0].contact, STR("acme/chief")));
    CHECK(has(house_text(&house, list[0].body), "有効な連絡網が登録されていない"));
    CHECK(house_steps(&house, number, &steps) == 1);
    CHECK(house_number(&house, "SELECT COUNT(*) FROM audit WHERE action = 'notice.no-chain'") == 1);
    house_done(&house);
}

TEST(where_there_is_nobody_to_be_told_that_is_said)
{
    struct house house = house_new();
    const struct notice notice = {.client = NOBODYS,
                                  .purpose = STR("incident-opened"),
                                  .subject = {"incident", 1},
                                  .acknowledge = true};
    CHECK(notice_want(house.serve, house.ledger, &notice, STR(""), NOW, NULL) == OK);
    CHECK(!wall_known(house_turn(&house)));
    CHECK(house_number(&house, "SELECT COUNT(*) FROM audit WHERE action = 'notice.unanswered'"
                               " AND detail = 'there is nobody to be told'") == 1);
    house_done(&house);
}

TEST(a_mail_says_the_four_blocks_in_the_language_of_its_reader)
{
    static const char *const ja[] = {
        "■ 攻撃概要",         "■ 検知情報", "■ 分析例",
        "■ 推奨される対応例", "SQL",        "198.51.100.7",
        "田中 責任者 様",     "15分以内",   "2023年11月15日 10:13（日本時間）"};
    static const char *const en[] = {"## Overview of the attack",
                                     "## What was detected",
                                     "198.51.100.7",
                                     "Dear Deputy,",
                                     "within 30 min",
                                     "2023-11-15 10:13 Japan time (UTC+9)"};
    struct house house = with_contacts();
    struct outbox_message *list = NULL;
    (void)house_incident(&house, LEVEL_HIGH, "198.51.100.7");
    (void)house_turn(&house);
    CHECK(house_due(&house, &list) == 4);
    check_mail(list[0].body);
    CHECK(has(list[0].body, str_from("\r\nMessage-ID: ").data) &&
          has(list[0].body, list[0].identity.data));
    CHECK(has(list[0].body, "Content-Language: ja") && has(list[0].body, "base64"));
    CHECK(has(list[0].body, "Date: Wed, 15 Nov 2023 01:13:20 +0000"));
    struct str text = house_text(&house, list[0].body);
    for (size_t i = 0; i < sizeof ja / sizeof *ja; i++) {
        CHECK(has(text, ja[i]));
    }
    all_sent(&house);
    house.now.ns += 15 * MINUTE;
    (void)house_turn(&house);
    CHECK(house_due(&house, &list) == 1);
    check_mail(list[0].body);
    CHECK(has(list[0].body, "Content-Language: en") && has(list[0].body, "quoted-printable"));
    text = house_text(&house, list[0].body);
    for (size_t i = 0; i < sizeof en / sizeof *en; i++) {
        CHECK(has(text, en[i]));
    }
    house_done(&house);
}

TEST(a_mail_that_asks_for_something_says_where_it_is_done)
{
    static const char *const purposes[] = {"decision-wanted", "decision-overdue", "return-wanted",
                                           "clock-breach"};
    struct house house = with_contacts();
    struct outbox_message *list = NULL;
    for (size_t i = 0; i < 4; i++) {
        const struct notice notice = {.client = ACME,
                                      .purpose = str_from(purposes[i]),
                                      .subject = {"incident", 1},
                                      .chain = STR("other"),
                                      .acknowledge = i < 2};
        CHECK(notice_want(house.serve, house.ledger, &notice, STR(""), house.now, NULL) == OK);
        (void)house_turn(&house);
        CHECK(house_due(&house, &list) == (i < 3 ? 1 : 2)); /* the SLA is the provider's too */
        CHECK(i < 3 || str_equal(list[1].to, STR("admin@watch.example")));
        struct str text = house_text(&house, list[0].body);
        CHECK(has(text, "sign in to the portal (https://soc.example.jp)") == (i < 3));
        CHECK(has(text, "is not a decision") == (i < 2));
        CHECK(has(text, "No acknowledgement of this notice is needed") == (i == 3));
        all_sent(&house);
    }
    house_done(&house);
}

TEST(a_hook_has_the_body_of_its_template)
{
    struct house house = with_contacts();
    struct outbox_message *list = NULL;
    (void)house_incident(&house, LEVEL_HIGH, "198.51.100.7");
    (void)house_turn(&house);
    CHECK(house_due(&house, &list) == 4);
    CHECK(str_starts(list[1].body, STR("{\"text\":\"【インシデント1】重大度 高")));
    CHECK(has(list[1].body, "https://soc.example.jp/acknowledge/"));
    CHECK(str_starts(list[2].body, STR("{\"version\":1,\"identity\":\"n1.3.")));
    CHECK(has(list[2].body, "\"page\":\"https://soc.example.jp/incidents/acme/1\""));
    CHECK(has(house_text(&house, list[0].body), "\nhttps://soc.example.jp/incidents/acme/1\r\n"));
    CHECK(has(list[2].body, "\"other\":\"198.51.100.7\"") && has(list[2].body, "\"en\":{"));
    CHECK(str_starts(list[3].body, STR("{\"to\":\"+81 3 0000 0000\",\"say\":\"火の見です。")));
    CHECK(!has(list[3].body, "https://"));
    house_done(&house);
}

TEST(texts_of_an_attacker_stay_texts)
{
    static const char *const hostile[] = {
        "1.2.3.4\r\nBcc: x@evil.example\r\n\r\n<script>",
        "\n.\nMAIL FROM:<x@evil.example>",
        "http://evil.example/click HTTPS://evil.example",
        "\xe2\x80\xae\xe2\x80\x8b\xff\xfe\x1b[2J\x7f",
        "=?UTF-8?B?Qmw=?= {number} %s %n",
        "<!channel> <@U024BE7LH> @everyone <https://evil.example|sign in>",
    };
    struct house house = with_contacts();
    struct outbox_message *list = NULL;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        const struct notice_value values[] = {
            {STR("type"), str_from(hostile[i])},   {STR("inside"), str_from(hostile[i])},
            {STR("other"), str_from(hostile[i])},  {STR("detected"), str_from(hostile[i])},
            {STR("number"), str_from(hostile[i])}, {STR("rules"), str_from(hostile[i])},
        };
        const struct notice notice = {.client = ACME,
                                      .purpose = STR("incident-opened"),
                                      .subject = {"test", i},
                                      .acknowledge = true,
                                      .values = values,
                                      .values_count = 6};
        CHECK(notice_want(house.serve, house.ledger, &notice, STR(""), NOW, NULL) == OK);
    }
    (void)house_turn(&house);
    size_t count = house_due(&house, &list);
    CHECK(count == 4 * sizeof hostile / sizeof *hostile);
    for (size_t i = 0; i < count; i++) {
        struct str text = list[i].body;
        if (list[i].kind == OUTBOX_MAIL) {
            check_mail(list[i].body);
            text = house_text(&house, list[i].body);
            CHECK(!has(text, "\nBcc") && !has(text, "\n.\n") &&
                  !has(text, "://evil.example/c") == !has(text, "hxxp://evil.example/click"));
            CHECK(!has(text, "http://evil") && !has(text, "\x1b") && !has(text, "\xe2\x80\xae"));
        }
        if (list[i].kind == OUTBOX_WEBHOOK && str_equal(list[i].signing, STR("acme.chat"))) {
            CHECK(!has(text, "<") && !has(text, "@"));
        }
        for (struct str rest = text; rest.size > 0;) {
            size_t size = utf8_sequence(rest);
            CHECK(size > 0);
            rest = str_slice(rest, size, SIZE_MAX);
        }
    }
    house_done(&house);
}

TEST(the_largest_notice_still_fits_into_a_message)
{
    static const char *const names[] = {
        "type",           "number",         "asset_ja",   "asset_en",   "zone_ja",   "zone_en",
        "owner_ja",       "owner_en",       "inside",     "outside",    "other",     "detected",
        "alerts",         "rules",          "decide_by",  "ended",      "action_ja", "action_en",
        "explanation_ja", "explanation_en", "options_ja", "options_en", "checks",    "reason",
    };
    struct house house = with_contacts();
    struct notice_value values[24];
    struct outbox_message *list = NULL;
    char *large = arena_take(house.mem, NOTICE_VALUE_SIZE_MAX + 1);
    for (int kind = 0; kind < 4; kind++) {
        for (size_t i = 0; i < NOTICE_VALUE_SIZE_MAX; i += 4) {
            memcpy(large + i,
                   kind == 0   ? "\xf0\x9f\x94\xa5"
                   : kind == 1 ? "\n\n\n\n"
                   : kind == 2 ? "<@<@"
                               : "\x01\xff=\"",
                   4);
        }
        for (size_t i = 0; i < 24; i++) {
            values[i] =
                (struct notice_value){str_from(names[i]), str_of(large, NOTICE_VALUE_SIZE_MAX)};
        }
        const struct notice notice = {.client = ACME,
                                      .purpose = STR("decision-wanted"),
                                      .subject = {"test", (uint64_t)kind},
                                      .acknowledge = true,
                                      .values = values,
                                      .values_count = 24};
        CHECK(notice_want(house.serve, house.ledger, &notice, STR(""), NOW, NULL) == OK);
    }
    (void)house_turn(&house);
    CHECK(house_due(&house, &list) == 16);
    CHECK(house_number(&house, "SELECT COUNT(*) FROM notice WHERE unanswered IS NOT NULL") == 0);
    house_done(&house);
}

TEST(a_code_acknowledges_once_and_looking_at_it_changes_nothing)
{
    struct house house = with_contacts();
    struct outbox_message *list = NULL;
    struct acknowledge_view view;
    struct notice_step_view *steps = NULL;
    uint32_t number = house_incident(&house, LEVEL_HIGH, "198.51.100.7");
    (void)house_turn(&house);
    CHECK(house_due(&house, &list) == 4);
    struct str code = code_in(&house, &list[0]);
    struct str other = code_in(&house, &list[1]);
    CHECK(!str_equal(code, other));
    all_sent(&house);
    for (int i = 0; i < 3; i++) {
        CHECK(notify_code(house.notify, code, house.now, house.mem, &view) == OK);
    }
    CHECK(client_equal(view.client, ACME) && view.number == number && view.severity == LEVEL_HIGH);
    CHECK(str_equal(view.who, STR("田中 責任者")) && view.language == LANGUAGE_JA);
    CHECK(notify_code(house.notify, STR("x"), house.now, house.mem, &view) == ERR_NOT_FOUND);
    CHECK(notify_acknowledge(house.viewer, house.notify, code, house.now, house.mem, &view) ==
          ERR_DENIED);
    CHECK(wall_known(house_turn(&house)));
    CHECK(notify_acknowledge(house.serve, house.notify, code, house.now, house.mem, &view) == OK);
    CHECK(!wall_known(house_turn(&house)));
    CHECK(notify_acknowledge(house.serve, house.notify, code, house.now, house.mem, &view) ==
          ERR_NOT_FOUND);
    CHECK(notify_code(house.notify, code, house.now, house.mem, &view) == ERR_NOT_FOUND);
    CHECK(notify_acknowledge(house.serve, house.notify, other, house.now, house.mem, &view) ==
          ERR_EXISTS);
    CHECK(house_number(&house, "SELECT COUNT(*) FROM incident_line WHERE what = 'acknowledged'") ==
          1);
    CHECK(house_number(&house, "SELECT COUNT(*) FROM incident_line WHERE what = 'notified'") == 1);
    CHECK(house_steps(&house, number, &steps) == 4);
    CHECK(str_equal(steps[0].state, STR("acknowledged")) && str_equal(steps[1].state, STR("sent")));
    CHECK(house_number(&house, "SELECT COUNT(*) FROM notice_step WHERE length(code) = 32") == 3);
    house_done(&house);
}

TEST(a_code_is_good_for_seven_days)
{
    struct house house = with_contacts();
    struct outbox_message *list = NULL;
    struct acknowledge_view view;
    (void)house_incident(&house, LEVEL_HIGH, "198.51.100.7");
    (void)house_turn(&house);
    CHECK(house_due(&house, &list) == 4);
    struct str code = code_in(&house, &list[0]);
    house.now.ns += (int64_t)CODE_SECONDS * NS_PER_SECOND;
    CHECK(notify_code(house.notify, code, house.now, house.mem, &view) == OK);
    house.now.ns += 1;
    CHECK(notify_code(house.notify, code, house.now, house.mem, &view) == ERR_NOT_FOUND);
    CHECK(notify_acknowledge(house.serve, house.notify, code, house.now, house.mem, &view) ==
          ERR_NOT_FOUND);
    house_done(&house);
}

TEST(a_person_of_the_client_acknowledges_without_a_code)
{
    struct house house = with_contacts();
    uint32_t number = house_incident(&house, LEVEL_HIGH, "198.51.100.7");
    (void)house_turn(&house);
    CHECK(notify_acknowledge_incident(house.viewer, house.notify, ACME, number, STR(""), house.now,
                                      NULL) == ERR_DENIED);
    CHECK(notify_acknowledge_incident(house.responsible, house.notify, ACME, number,
                                      STR("電話で確認しました"), house.now, NULL) == OK);
    CHECK(notify_acknowledge_incident(house.responsible, house.notify, ACME, number, STR(""),
                                      house.now, NULL) == ERR_EXISTS);
    CHECK(notify_acknowledge_incident(house.responsible, house.notify, ACME, 99, STR(""), house.now,
                                      NULL) == ERR_NOT_FOUND);
    CHECK(!wall_known(house_turn(&house)));
    house_done(&house);
}

TEST(when_nobody_of_a_step_can_be_reached_the_next_one_does_not_wait)
{
    struct house house = with_contacts();
    struct outbox_message *list = NULL;
    (void)house_incident(&house, LEVEL_HIGH, "198.51.100.7");
    (void)house_turn(&house);
    size_t count = house_due(&house, &list);
    for (size_t i = 0; i < count; i++) {
        CHECK(wall_known(house_turn(&house)) && house_due(&house, &list) == count - i);
        CHECK(notify_ended(house.serve, house.notify, list[0].id, OUTBOX_FAILED, STR("550 no"),
                           house.now) == OK);
    }
    (void)house_turn(&house);
    CHECK(house_due(&house, &list) == 1 && str_equal(list[0].to, STR("deputy@acme.example")));
    house_done(&house);
}

/* ---- R-M3: faults of every sort, and nothing is lost. */

static uint64_t dice(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

struct fault_run {
    struct house house;
    uint64_t state;
    size_t faults, again, kills;
    size_t handed[4000]; /* by the message's id: how often the peer has taken it */
    uint64_t identities[4000];
};

static uint64_t mark_of(const struct outbox_message *message)
{
    uint64_t mark = 14695981039346656037u;
    const struct str parts[] = {message->identity, message->body};
    for (size_t j = 0; j < 2; j++) {
        for (size_t i = 0; i < parts[j].size; i++) {
            mark = (mark ^ (unsigned char)parts[j].data[i]) * 1099511628211u;
        }
    }
    return mark;
}

/* One message goes out, and something happens. */
static void hand_over(struct fault_run *run, const struct outbox_message *message)
{
    uint64_t roll = dice(&run->state) % 300;
    bool taken = roll < 50; /* of these, some are never recorded: the power goes */
    bool kill = roll == 49 || roll == 50;
    enum outbox_end end = taken ? OUTBOX_SENT : roll < 66 ? OUTBOX_FAILED : OUTBOX_LATER;
    enum err err = OK;
    CHECK(message->id < 4000);
    if (run->identities[message->id] == 0) {
        run->identities[message->id] = mark_of(message);
    }
    CHECK(run->identities[message->id] == mark_of(message));
    run->again += taken && run->handed[message->id] > 0;
    run->handed[message->id] += taken;
    run->faults += !taken || kill;
    if (kill && ledger_in_transaction(run->house.ledger)) {
        CHECK(ledger_commit(run->house.ledger) == OK);
    } else if (!kill && !ledger_in_transaction(run->house.ledger)) {
        CHECK(ledger_begin(run->house.ledger) == OK);
    }
    if (kill) {
        run->kills++;
        fake_power_off_at(run->house.fake, 1 + dice(&run->state) % 6);
    }
    if (taken || !kill) {
        err = notify_ended(run->house.serve, run->house.notify, message->id, end,
                           STR("what it said"), run->house.now);
    }
    CHECK(kill || err == OK);
    if (kill) {
        fake_power_off(run->house.fake);
        house_stop(&run->house);
        CHECK(fake_power_on(run->house.fake, dice(&run->state)) == OK);
        house_start(&run->house);
    }
}

/* The world mends; all that waits is taken. */
static void mended(struct fault_run *run)
{
    while (house_number(&run->house, "SELECT COUNT(*) FROM notice WHERE next IS NOT NULL") +
               house_number(&run->house, "SELECT COUNT(*) FROM outbox WHERE next IS NOT NULL") >
           0) {
        (void)house_turn(&run->house);
        struct outbox_message *list = NULL;
        size_t count = house_due(&run->house, &list);
        for (size_t i = 0; i < count; i++) {
            CHECK(list[i].id < 4000);
            run->handed[list[i].id]++;
        }
        all_sent(&run->house);
        run->house.now.ns += 15 * MINUTE;
        arena_reset(run->house.mem);
    }
}

TEST(of_ten_thousand_faults_none_loses_a_message_or_changes_its_identity)
{
    struct fault_run *run = calloc(1, sizeof *run);
    CHECK(run != NULL);
    run->house = with_contacts();
    run->state = 88172645463325252u;
    uint64_t wanted = 0;
    while (run->faults < 10000) {
        struct outbox_message *list = NULL;
        if (house_number(&run->house, "SELECT COUNT(*) FROM outbox WHERE next IS NOT NULL") < 200) {
            const struct notice notice = {.client = ACME,
                                          .purpose = STR("incident-opened"),
                                          .subject = {"test", ++wanted},
                                          .chain = STR("other"),
                                          .acknowledge = true};
            CHECK(notice_want(run->house.serve, run->house.ledger, &notice, STR(""), run->house.now,
                              NULL) == OK);
        }
        (void)house_turn(&run->house);
        size_t count = house_due(&run->house, &list);
        for (size_t i = 0; i < count; i++) {
            uint64_t kills = run->kills;
            hand_over(run, &list[i]);
            if (run->kills != kills) {
                break; /* what was on its way is asked for again */
            }
        }
        if (ledger_in_transaction(run->house.ledger)) {
            CHECK(ledger_commit(run->house.ledger) == OK);
        }
        run->house.now.ns += 60 * NS_PER_SECOND;
        arena_reset(run->house.mem);
    }
    mended(run);
    int64_t messages = house_number(&run->house, "SELECT COUNT(*) FROM outbox");
    struct statement *statement;
    bool row = true;
    size_t sent = 0;
    size_t failed = 0;
    CHECK(ledger_prepare(run->house.ledger, "SELECT id, state, said FROM outbox", &statement) ==
          OK);
    for (;;) {
        CHECK(statement_step(statement, &row) == OK);
        if (!row) {
            break;
        }
        struct str state = statement_text(statement, 1);
        size_t handed = run->handed[statement_int(statement, 0)];
        CHECK(!str_equal(state, STR("sent")) || handed > 0);
        CHECK(!str_equal(state, STR("failed")) || statement_text(statement, 2).size > 0);
        sent += str_equal(state, STR("sent"));
        failed += str_equal(state, STR("failed"));
    }
    CHECK(sent + failed == (size_t)messages);
    (void)printf("%zu faults, %zu of them kills; %lld messages: %zu sent, %zu refused for good, "
                 "%zu told again, 0 lost\n",
                 run->faults, run->kills, (long long)messages, sent, failed, run->again);
    house_done(&run->house);
    free(run);
}

/* ---- One's own account. */

TEST(a_person_is_told_of_their_second_factor_in_their_language_without_any_link)
{
    struct house house = house_new();
    struct person_info person;
    struct outbox_message *list;
    CHECK(tenant_person_find(house.tenant, STR("acme/reader"), &person) == OK);
    for (int news = 0; news < ACCOUNT_NEWS_COUNT; news++) {
        CHECK(notify_account(house.notify, person.id, (enum account_news)news, NOW) == OK);
    }
    CHECK(house_due(&house, &list) == ACCOUNT_NEWS_COUNT);
    for (int i = 0; i < ACCOUNT_NEWS_COUNT; i++) {
        struct str text = house_text(&house, list[i].body);
        CHECK(client_equal(list[i].client, CLIENT_INSTALLATION) && list[i].notice == 0);
        CHECK(str_equal(list[i].to, STR("reader@acme.example")));
        CHECK(has(text, "閲覧者 様") && has(text, "acme/reader") && has(text, "二要素認証"));
        CHECK(!has(text, "http"));
        CHECK(notify_ended(house.serve, house.notify, list[i].id, OUTBOX_SENT, STR("250"), NOW) ==
              OK);
    }
    CHECK(house_due(&house, &list) == 0);
    CHECK(notify_account(house.notify, 9999, ACCOUNT_FACTOR_SET, NOW) == ERR_NOT_FOUND);
    house_done(&house);
}

/* ---- Requests. */

TEST(whoever_must_answer_a_request_hears_of_it_with_a_link_and_whoever_asked_hears_how_it_ended)
{
    struct house house = house_new();
    struct person_info person;
    struct outbox_message *list;
    struct client_id acme;
    CHECK(tenant_client_find(house.tenant, STR("acme"), &acme) == OK);
    CHECK(tenant_person_find(house.tenant, STR("acme/reader"), &person) == OK);
    const struct request_told waits = {.what = REQUEST_LOGS_WAIT,
                                       .number = 7,
                                       .who = STR("acme/reader"),
                                       .role = ROLE_RESPONSIBLE};
    CHECK(notify_request(house.notify, acme, &waits, NOW) == OK);
    CHECK(house_due(&house, &list) == 1);
    struct str text = house_text(&house, list[0].body);
    CHECK(client_equal(list[0].client, acme) && list[0].notice == 0);
    CHECK(str_equal(list[0].to, STR("chief@acme.example")));
    CHECK(has(text, "責任者 様") && has(text, "アクメ株式会社の例") && has(text, "acme/reader"));
    CHECK(has(text, "https://soc.example.jp/provision/acme/7\r\n"));
    CHECK(notify_ended(house.serve, house.notify, list[0].id, OUTBOX_SENT, STR("250"), NOW) == OK);

    const struct request_told ready = {
        .what = REQUEST_LOGS_READY, .number = 7, .person = person.id};
    CHECK(notify_request(house.notify, acme, &ready, NOW) == OK);
    CHECK(house_due(&house, &list) == 1 && str_equal(list[0].to, STR("reader@acme.example")));
    CHECK(notify_ended(house.serve, house.notify, list[0].id, OUTBOX_SENT, STR("250"), NOW) == OK);

    const struct request_told end = {
        .what = REQUEST_END_ASKED, .who = STR("acme/chief"), .role = ROLE_PROVIDER_ADMIN};
    CHECK(notify_request(house.notify, acme, &end, NOW) == OK);
    CHECK(house_due(&house, &list) == 1 && str_equal(list[0].to, STR("admin@watch.example")));
    CHECK(has(house_text(&house, list[0].body), "https://soc.example.jp/offboarding/acme\r\n"));
    CHECK(notify_ended(house.serve, house.notify, list[0].id, OUTBOX_SENT, STR("250"), NOW) == OK);

    const struct request_told own = {
        .what = REQUEST_END_ASKED, .who = STR("acme/chief"), .role = ROLE_RESPONSIBLE};
    CHECK(notify_request(house.notify, acme, &own, NOW) == OK);
    CHECK(house_due(&house, &list) == 0);
    CHECK(notify_request(house.notify, (struct client_id){99}, &end, NOW) == ERR_NOT_FOUND);
    house_done(&house);
}
