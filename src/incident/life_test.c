/* Lives of incidents, as provider and client live them. */

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "incident/fixture_test.h"
#include "testing/testing.h"

#define ANALYST(town)     ((town)->roles[ROLE_ANALYST])
#define RESPONSIBLE(town) ((town)->roles[ROLE_RESPONSIBLE])
#define CONTACT(town)     ((town)->roles[ROLE_CONTACT])

static void wait_seconds(struct town *town, int64_t seconds)
{
    town->now.ns += seconds * SECOND;
}

static void step(struct town *town, enum incident_state to, struct str reason)
{
    wait_seconds(town, 10);
    CHECK(incident_step(ANALYST(town), town->incidents, town_at(town, 1), to, reason, NULL) == OK);
}

static uint32_t propose(struct town *town)
{
    uint32_t proposal;
    wait_seconds(town, 10);
    CHECK(incident_propose(ANALYST(town), town->incidents, town_at(town, 1), town_options, 2,
                           WALL_NONE, &proposal, NULL) == OK);
    return proposal;
}

static void decide(struct town *town, uint32_t proposal, uint32_t option, struct str reason)
{
    wait_seconds(town, 10);
    CHECK(incident_decide(RESPONSIBLE(town), town->incidents, town_at(town, 1), proposal, option,
                          reason, NULL) == OK);
}

static void execute(struct town *town, bool done)
{
    wait_seconds(town, 10);
    CHECK(incident_execute(CONTACT(town), town->incidents, town_at(town, 1), done, STR("log"),
                           NULL) == OK);
}

static void give_back(struct town *town, bool agreed)
{
    wait_seconds(town, 10);
    CHECK(incident_return(RESPONSIBLE(town), town->incidents, town_at(town, 1), agreed, STR("seen"),
                          NULL) == OK);
}

/* "WHAT from>to " of every line. */
static const char *history_text(struct town *town)
{
    static char text[4096];
    struct incident_line *lines;
    size_t count;
    size_t size = 0;
    CHECK(incident_history(town->serve, town->incidents, CLIENT_B, 1, town->mem, &lines, &count) ==
          OK);
    for (size_t i = 0; i < count; i++) {
        CHECK(lines[i].number == i + 1);
        CHECK(size < sizeof text - 128);
        size += (size_t)snprintf(text + size, sizeof text - size, "%.*s %u>%u ",
                                 STR_ARG(lines[i].what), lines[i].from, lines[i].to);
    }
    return text;
}

static bool notice_there(struct town *town, const char *purpose, const char *key, bool *ret_settled)
{
    struct statement *statement;
    bool row;
    CHECK(ledger_prepare(town->ledger,
                         "SELECT settled FROM notice WHERE client = 2 AND subject_kind = 'incident'"
                         " AND purpose = ? AND key = ?",
                         &statement) == OK);
    CHECK(statement_bind_text(statement, 1, str_from(purpose)) == OK);
    CHECK(statement_bind_text(statement, 2, str_from(key)) == OK);
    CHECK(statement_step(statement, &row) == OK);
    *ret_settled = row && !statement_is_null(statement, 0);
    statement_reset(statement);
    return row;
}

static bool wanted(struct town *town, const char *purpose, const char *key)
{
    bool settled;
    return notice_there(town, purpose, key, &settled) && !settled;
}

static bool settled(struct town *town, const char *purpose, const char *key)
{
    bool done;
    return notice_there(town, purpose, key, &done) && done;
}

TEST(an_injection_is_led_back_to_the_steady_state_with_steps_back_on_the_way)
{
    struct town *town = town_new();
    town_open_one(town);
    CHECK(strcmp(town_moments(town), "detected@-1 ") == 0);
    CHECK(wanted(town, "incident-opened", ""));
    wait_seconds(town, 5);
    CHECK(incident_notified(town->serve, town->incidents, CLIENT_B, 1, town->now) == OK);
    wait_seconds(town, 5);
    CHECK(incident_acknowledged(town->serve, town->incidents, CLIENT_B, 1, STR("b/head"),
                                town->now) == OK);
    CHECK(strcmp(town_moments(town), "notified@5 acknowledged@10 ") == 0);
    step(town, INCIDENT_CAUSE, STR(""));                          /* 20 */
    step(town, INCIDENT_COUNTERMEASURE, STR("The search field")); /* 30 */
    CHECK(propose(town) == 1);                                    /* 40 */
    CHECK(wanted(town, "decision-wanted", "1"));
    step(town, INCIDENT_CAUSE, STR("There is a second field")); /* 50 */
    CHECK(settled(town, "decision-wanted", "1"));
    CHECK(strcmp(town_moments(town), "cause-found@30 proposed@40 -proposed@50 -cause-found@50 ") ==
          0);
    step(town, INCIDENT_COUNTERMEASURE, STR("Both fields")); /* 60 */
    CHECK(propose(town) == 2);                               /* 70 */
    decide(town, 2, 0, STR("Too long a stop"));              /* 80 */
    CHECK(propose(town) == 3);                               /* 90 */
    CHECK(propose(town) == 4);                               /* 100 */
    CHECK(settled(town, "decision-wanted", "3") && wanted(town, "decision-wanted", "4"));
    decide(town, 4, 2, STR("")); /* 110 */
    CHECK(settled(town, "decision-wanted", "4"));
    CHECK(strcmp(town_moments(town),
                 "cause-found@60 proposed@70 -proposed@80 proposed@90 decided@110 ") == 0);
    execute(town, false); /* 120 */
    CHECK(strcmp(town_moments(town), "-decided@120 -proposed@120 ") == 0);
    CHECK(propose(town) == 5);                               /* 130 */
    decide(town, 5, 2, STR(""));                             /* 140 */
    execute(town, true);                                     /* 150 */
    step(town, INCIDENT_RETURN_CHECK, STR("No recurrence")); /* 160 */
    CHECK(wanted(town, "return-wanted", "18"));
    give_back(town, false); /* 170 */
    CHECK(settled(town, "return-wanted", "18"));
    CHECK(strcmp(town_moments(town),
                 "proposed@130 decided@140 executed@160 "
                 "-executed@170 -decided@170 -proposed@170 -cause-found@170 ") == 0);
    step(town, INCIDENT_COUNTERMEASURE, STR("A third field")); /* 180 */
    CHECK(propose(town) == 6);                                 /* 190 */
    decide(town, 6, 2, STR(""));                               /* 200 */
    execute(town, true);                                       /* 210 */
    step(town, INCIDENT_RETURN_CHECK, STR("No recurrence"));   /* 220 */
    give_back(town, true);                                     /* 230 */
    CHECK(strcmp(town_moments(town), "cause-found@180 proposed@190 decided@200 "
                                     "executed@220 returned@230 ") == 0);
    struct incident_view view = town_view(town, 1);
    CHECK(view.state == INCIDENT_STEADY && view.ended.ns == town->now.ns);
    CHECK(view.turn == SIDE_NONE && view.detected.ns == NOW.ns - SECOND);
    CHECK(settled(town, "incident-opened", "") && wanted(town, "incident-returned", ""));
    CHECK(strcmp(history_text(town),
                 "opened 0>0 notified 0>0 acknowledged 0>0 step 0>1 step 1>2 proposal 2>3 back 3>1 "
                 "step 1>2 proposal 2>3 decision 3>2 proposal 2>3 proposal 3>3 decision 3>4 "
                 "failed 4>2 proposal 2>3 decision 3>4 executed 4>4 step 4>5 return 5>1 step 1>2 "
                 "proposal 2>3 decision 3>4 executed 4>4 step 4>5 return 5>6 ") == 0);
    town_free(town);
}

TEST(a_history_is_vouched_for_and_cannot_be_changed)
{
    struct town *town = town_new();
    struct statement *statement;
    static const char *const changes[] = {
        "UPDATE incident_line SET text = 'nothing' WHERE number = 2",
        "DELETE FROM incident_line",
        "REPLACE INTO incident_line VALUES (1, 2, 0, '', 'note', 'cause', 'cause', '', '')",
    };
    town_open_one(town);
    town_lead(town, INCIDENT_STEADY);
    int64_t before = town_number(town, "SELECT count(*) FROM incident_line");
    for (size_t i = 0; i < 3; i++) {
        CHECK(ledger_prepare(town->ledger, changes[i], &statement) == OK);
        CHECK(statement_run(statement) == ERR_CONFLICT);
    }
    CHECK(town_number(town, "SELECT count(*) FROM incident_line WHERE text <> 'nothing'") ==
          before);
    CHECK(town_number(town, "SELECT count(*) FROM audit WHERE object = 'incident 2/1'") == before);
    CHECK(ledger_audit_verify(town->ledger, NULL) == OK);
    CHECK(ledger_check(town->ledger, NULL) == OK);
    town_free(town);
}

static enum err verify_after(const char *change, struct why *why)
{
    struct town *town = town_new();
    struct statement *statement;
    town_open_one(town);
    town_lead(town, INCIDENT_STEADY);
    CHECK(incidents_verify(town->ledger, why) == OK);
    CHECK(ledger_prepare(town->ledger, "DROP TRIGGER incident_line_kept", &statement) == OK);
    CHECK(statement_run(statement) == OK);
    CHECK(ledger_prepare(town->ledger, "DROP TRIGGER incident_line_there", &statement) == OK);
    CHECK(statement_run(statement) == OK);
    CHECK(ledger_prepare(town->ledger, change, &statement) == OK);
    CHECK(statement_run(statement) == OK);
    enum err err = incidents_verify(town->ledger, why);
    town_free(town);
    return err;
}

TEST(a_history_that_was_changed_in_spite_of_all_is_found)
{
    struct why why = {0};
    CHECK(verify_after("UPDATE incident_line SET text = 'x' WHERE number = 3", &why) ==
          ERR_CORRUPT);
    CHECK(strcmp(why.text, "line 3 of incident 1 of client 2 is not what the trail vouches for") ==
          0);
    CHECK(verify_after("UPDATE incident_line SET at = at + 1 WHERE number = 2", &why) ==
          ERR_CORRUPT);
    CHECK(verify_after("DELETE FROM incident_line WHERE number = 5", &why) == ERR_CORRUPT);
    CHECK(verify_after("INSERT INTO incident_line VALUES (1, 99, 0, 'a', 'note', 'cause', 'cause',"
                       " 'x', '')",
                       &why) == ERR_CORRUPT);
    CHECK(strcmp(why.text, "of 9 lines of incidents the trail vouches for 8") == 0);
}

TEST(every_line_of_a_history_has_its_word)
{
    static const char *const whats[] = {
        "opened",   "alerts",   "graver",   "step",     "back",
        "note",     "proposal", "decision", "overdue",  "authorised",
        "executed", "failed",   "return",   "notified", "acknowledged",
    };
    enum word word;
    for (size_t i = 0; i < sizeof whats / sizeof *whats; i++) {
        char key[64];
        (void)snprintf(key, sizeof key, "incident.what.%s", whats[i]);
        CHECK(words_find(str_from(key), &word));
    }
    for (int i = 0; i < LEVEL_COUNT; i++) {
        char key[64];
        (void)snprintf(key, sizeof key, "level.%s", level_text((enum level)i));
        CHECK(words_find(str_from(key), &word));
    }
}

TEST(a_late_decision_is_asked_for_once_more_per_proposal)
{
    struct town *town = town_new();
    struct wall next;
    uint32_t proposal;
    town_open_one(town);
    town_lead(town, INCIDENT_COUNTERMEASURE);
    town_criteria(town, false, "decide_within: 60s");
    CHECK(propose(town) == 1);
    struct wall by = {town->now.ns + 60 * SECOND};
    CHECK(town_view(town, 1).decide_by.ns == by.ns);
    CHECK(incidents_turn(town->serve, town->incidents, town->now, &next) == OK);
    CHECK(next.ns == by.ns && !wanted(town, "decision-overdue", "1"));
    CHECK(incidents_turn(ANALYST(town), town->incidents, by, &next) == ERR_DENIED);
    town_stop(town);
    town_start(town);
    CHECK(incidents_turn(town->serve, town->incidents, by, &next) == OK);
    CHECK(!wall_known(next) && wanted(town, "decision-overdue", "1"));
    CHECK(town_view(town, 1).decide_by.ns == by.ns);
    int64_t lines = town_number(town, "SELECT lines FROM incident");
    CHECK(incidents_turn(town->serve, town->incidents, (struct wall){by.ns + SECOND}, &next) == OK);
    CHECK(town_number(town, "SELECT lines FROM incident") == lines);
    struct wall later = {by.ns + 3600 * SECOND};
    CHECK(incident_propose(ANALYST(town), town->incidents, town_at(town, 1), town_options, 2, later,
                           &proposal, NULL) == OK);
    CHECK(proposal == 2 && settled(town, "decision-overdue", "1"));
    CHECK(town_view(town, 1).decide_by.ns == later.ns);
    decide(town, 2, 1, STR(""));
    CHECK(!wall_known(town_view(town, 1).decide_by));
    CHECK(incidents_turn(town->serve, town->incidents, later, &next) == OK && !wall_known(next));
    CHECK(!wanted(town, "decision-overdue", "2"));
    town_free(town);
}

TEST(only_the_last_proposal_can_be_decided_on_and_only_its_options)
{
    struct town *town = town_new();
    struct why why = {0};
    struct countermeasure *options;
    size_t count;
    town_open_one(town);
    town_lead(town, INCIDENT_COUNTERMEASURE);
    CHECK(propose(town) == 1 && propose(town) == 2);
    struct incidents *incidents = town->incidents;
    CHECK(incident_decide(RESPONSIBLE(town), incidents, town_at(town, 1), 1, 1, STR(""), &why) ==
          ERR_CONFLICT);
    CHECK(strstr(why.text, "'coordination'") != NULL);
    CHECK(incident_decide(RESPONSIBLE(town), incidents, town_at(town, 1), 2, 3, STR(""), &why) ==
          ERR_SYNTAX);
    CHECK(incident_decide(RESPONSIBLE(town), incidents, town_at(town, 1), 2, 0, STR(" "), &why) ==
          ERR_SYNTAX);
    CHECK(incident_options(RESPONSIBLE(town), incidents, CLIENT_B, 1, 2, town->mem, &options,
                           &count) == OK);
    CHECK(count == 2 && options[0].recommended && !options[1].recommended);
    CHECK(str_equal(options[1].text, town_options[1].text));
    CHECK(str_equal(options[1].executes, STR("client")));
    CHECK(incident_options(town->stranger, incidents, CLIENT_B, 1, 2, town->mem, &options,
                           &count) == ERR_NOT_FOUND);
    CHECK(incident_options(RESPONSIBLE(town), incidents, CLIENT_B, 1, 3, town->mem, &options,
                           &count) == ERR_NOT_FOUND);
    decide(town, 2, 1, STR(""));
    CHECK(town_view(town, 1).executes == SIDE_PROVIDER);
    CHECK(town_number(town, "SELECT count(*) FROM countermeasure WHERE chosen = 1 AND proposal = 2"
                            " AND number = 1") == 1);
    CHECK(town_number(town, "SELECT count(*) FROM countermeasure WHERE chosen = 1") == 1);
    town_free(town);
}

TEST(two_steps_forward_and_every_step_back_say_why)
{
    static const struct {
        enum incident_state from, to;
        bool reason;
    } steps[] = {
        {INCIDENT_DETECTED, INCIDENT_CAUSE, false},
        {INCIDENT_CAUSE, INCIDENT_COUNTERMEASURE, true},
        {INCIDENT_COUNTERMEASURE, INCIDENT_CAUSE, true},
        {INCIDENT_EXECUTING, INCIDENT_COUNTERMEASURE, true},
        {INCIDENT_RETURN_CHECK, INCIDENT_COUNTERMEASURE, true},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct town *town = town_new();
        town_open_one(town);
        town_lead(town, steps[i].from);
        enum err err = incident_step(ANALYST(town), town->incidents, town_at(town, 1), steps[i].to,
                                     STR(""), NULL);
        CHECK(err == (steps[i].reason ? ERR_SYNTAX : OK));
        CHECK(town_view(town, 1).state == (steps[i].reason ? steps[i].from : steps[i].to));
        town_free(town);
    }
}

TEST(an_action_that_the_client_took_back_is_authorised_no_more)
{
    struct town *town = town_new();
    struct why why = {0};
    town_open_one(town);
    const struct incident_at at = town_at(town, 1);
    CHECK(incident_act_authorised(ANALYST(town), town->incidents, at, STR(""), &why) == ERR_DENIED);
    town_criteria(town, false, "");
    CHECK(incident_act_authorised(ANALYST(town), town->incidents, at, STR(""), &why) == ERR_DENIED);
    CHECK(town_view(town, 1).state == INCIDENT_DETECTED);
    town_criteria(town, true, "");
    (void)town_moments(town);
    CHECK(incident_act_authorised(ANALYST(town), town->incidents, at, STR(""), &why) == OK);
    CHECK(strcmp(town_moments(town), "proposed@0 decided@0 ") == 0);
    CHECK(town_view(town, 1).executes == SIDE_PROVIDER);
    town_free(town);
}

static enum err note(struct town *town, struct str text, struct why *why)
{
    return incident_note(ANALYST(town), town->incidents, town_at(town, 1), text, why);
}

TEST(what_people_write_is_bounded_utf_8_without_controls)
{
    static char large[INCIDENT_TEXT_SIZE_MAX + 1];
    struct town *town = town_new();
    struct why why = {0};
    uint32_t proposal;
    town_open_one(town);
    memset(large, 'a', sizeof large);
    CHECK(note(town, str_of(large, sizeof large), &why) == ERR_LIMIT);
    CHECK(note(town, str_of(large, sizeof large - 1), &why) == OK);
    CHECK(note(town, STR("two\nlines\tand a 表"), &why) == OK);
    CHECK(note(town, STR("\x1b[2J"), &why) == ERR_SYNTAX && why.text[0] != '\0');
    CHECK(note(town, STR("a\0b"), &why) == ERR_SYNTAX);
    CHECK(note(town, STR("a\rb"), &why) == ERR_SYNTAX);
    CHECK(note(town, STR("\xc2\x85"), &why) == ERR_SYNTAX);
    CHECK(note(town, STR("\xff"), &why) == ERR_SYNTAX);
    CHECK(note(town, STR(" \n "), &why) == ERR_SYNTAX);
    town_lead(town, INCIDENT_COUNTERMEASURE);
    struct countermeasure options[COUNTERMEASURES_MAX + 1];
    for (size_t i = 0; i < COUNTERMEASURES_MAX + 1; i++) {
        options[i] = town_options[1];
    }
    const struct incident_at at = town_at(town, 1);
    struct scope *analyst = ANALYST(town);
    CHECK(incident_propose(analyst, town->incidents, at, options, 0, WALL_NONE, &proposal, &why) ==
          ERR_SYNTAX);
    CHECK(incident_propose(analyst, town->incidents, at, options, COUNTERMEASURES_MAX + 1,
                           WALL_NONE, &proposal, &why) == ERR_SYNTAX);
    CHECK(incident_propose(analyst, town->incidents, at, options, 1, at.now, &proposal, &why) ==
          ERR_SYNTAX);
    options[0].executes = STR("nobody");
    CHECK(incident_propose(analyst, town->incidents, at, options, 1, WALL_NONE, &proposal, &why) ==
          ERR_SYNTAX);
    options[0] = options[1] = town_options[0];
    CHECK(incident_propose(analyst, town->incidents, at, options, 2, WALL_NONE, &proposal, &why) ==
          ERR_SYNTAX);
    CHECK(town_view(town, 1).state == INCIDENT_COUNTERMEASURE);
    /* The largest that is allowed fits a notice, cut, and the history, whole. */
    for (size_t i = 0; i < COUNTERMEASURES_MAX; i++) {
        options[i] = town_options[1];
        options[i].text = options[i].effect = options[i].risk =
            str_of(large, COUNTERMEASURE_TEXT_SIZE_MAX);
    }
    CHECK(incident_propose(analyst, town->incidents, at, options, COUNTERMEASURES_MAX, WALL_NONE,
                           &proposal, &why) == OK);
    CHECK(town_number(town, "SELECT count(*) FROM notice WHERE purpose = 'decision-wanted'"
                            " AND told LIKE '%10. aaaa%'") == 1);
    town_free(town);
}

/* The values of the last notice of a purpose hold this. */
static bool told(struct town *town, const char *purpose, const char *part)
{
    struct statement *statement;
    bool row;
    CHECK(ledger_prepare(town->ledger,
                         "SELECT told FROM notice WHERE purpose = ? ORDER BY id DESC LIMIT 1",
                         &statement) == OK);
    CHECK(statement_bind_text(statement, 1, str_from(purpose)) == OK);
    CHECK(statement_step(statement, &row) == OK && row);
    bool there = str_find(statement_text(statement, 0), str_from(part)) != STR_NONE;
    statement_reset(statement);
    return there;
}

TEST(a_notice_names_things_as_the_documents_do_in_both_languages)
{
    struct town *town = town_new();
    town_run(town, "contacts",
             STR("people: [{slug: head, name: {ja: 責任者, en: Head}, mail: head@b.example}]\n"));
    town_run(town, "table-1",
             STR("segments: [{slug: dmz, name: {ja: 公開セグメント, en: DMZ}}]\n"));
    town_run(town, "assets",
             STR("assets: [{slug: shop, name: {ja: 通販サイト, en: Web shop}, type: service}]\n"));
    town_criteria(town, false, "decide_within: 4h");
    town_open_one(town);
    static const char *const opened[] = {
        "\"number\":\"1\"",
        "\"type\":\"sql-injection\"",
        "\"severity\":\"high\"",
        "\"asset\":\"shop\"",
        "\"asset_ja\":\"通販サイト\"",
        "\"asset_en\":\"Web shop\"",
        "\"owner_ja\":\"責任者\"",
        "\"owner_en\":\"Head\"",
        "\"zone_ja\":\"公開セグメント\"",
        "\"zone_en\":\"DMZ\"",
        "\"action_name_ja\":\"送信元の遮断\"",
        "\"action_en\":\"Blocked at the edge.\"",
        "\"explanation_ja\":\"公開中です。\"",
        "\"inside\":\"10.0.1.10\"",
        "\"outside\":\"203.0.113.10\"",
        "\"other\":\"198.51.100.7\"",
        "\"rules\":\"SQL injection in a query\"",
        "\"detected\":\"2023-11-14T22:13:19.000000Z\"",
        "\"alerts\":\"1\"",
    };
    for (size_t i = 0; i < sizeof opened / sizeof *opened; i++) {
        CHECK(told(town, "incident-opened", opened[i]));
    }
    town_lead(town, INCIDENT_STEADY);
    CHECK(told(town, "decision-wanted", "\"decide_by\":\"2023-11-15T02:13:20.000000Z\""));
    CHECK(told(town, "decision-wanted", "1. 送信元 198.51.100.7 を遮断する（推奨）\\n"));
    CHECK(told(town, "decision-wanted", "Carried out by: Client"));
    CHECK(told(town, "return-wanted", "\"checks\":\"ok\""));
    CHECK(told(town, "incident-returned", "\"ended\":\"2023-11-14T22:13:20.000000Z\""));
    town_free(town);
}
