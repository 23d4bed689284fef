/* Alerts of one cause become one incident. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "incident/fixture_test.h"
#include "testing/testing.h"

#define FLOOD       100000
#define FLOOD_BATCH 4000

static uint64_t group(struct town *town, struct alert *list, size_t count)
{
    uint64_t opened = UINT64_MAX;
    CHECK(town_group(town, list, count, &opened) == OK);
    return opened;
}

static size_t list_count(struct town *town, const struct scope *scope, struct client_id client,
                         bool open_only)
{
    struct incident_view *list;
    size_t count;
    const struct incident_filter filter = {
        .client = client, .open_only = open_only, .count_max = SIZE_MAX};
    CHECK(incident_list_view(scope, town->incidents, &filter, town->mem, &list, &count) == OK);
    for (size_t i = 1; i < count; i++) {
        CHECK(list[i].id < list[i - 1].id);
    }
    return count;
}

TEST(one_cause_is_a_type_and_an_asset_or_an_address_or_a_source)
{
    struct town *town = town_new();
    struct alert list[10];
    for (size_t i = 0; i < 10; i++) {
        list[i] = town_alert(town);
    }
    list[2].outcome.inside = STR("10.0.1.11"); /* the same asset by another address */
    list[3].outcome.type = STR("brute-force");
    list[4].outcome.asset = STR("mail");
    list[5].outcome.asset = list[6].outcome.asset = (struct str){0};
    list[6].outcome.inside = STR("10.0.1.12");
    list[7].outcome.asset = list[7].outcome.inside = (struct str){0};
    list[8].outcome.asset = list[8].outcome.inside = (struct str){0};
    list[8].source.value = 5;
    list[9].outcome.incident = false;
    CHECK(group(town, list, 10) == 7);
    struct incident_view view = town_view(town, 1);
    CHECK(view.alerts == 3 && view.number == 1 && view.severity == LEVEL_HIGH);
    CHECK(str_equal(view.asset, STR("shop")) && str_equal(view.owner, STR("head")));
    CHECK(str_equal(view.outside, STR("203.0.113.10")) && str_equal(view.zone, STR("dmz")));
    CHECK(str_equal(view.other, STR("198.51.100.7")) && str_equal(view.chain, STR("security")));
    CHECK(str_equal(view.documents, STR("assets:00ff criteria:ff00")));
    CHECK(str_equal(view.rules, STR("SQL injection in a query")));
    CHECK(town_number(town, "SELECT count(*) FROM alert WHERE incident IS NULL") == 1);
    CHECK(group(town, list, 10) == 0 && town_view(town, 1).alerts == 3);
    town_free(town);
}

TEST(detected_is_the_arrival_of_the_first_event_in_whatever_order_they_come)
{
    struct town *town = town_new();
    struct alert list[3] = {town_alert(town), town_alert(town), town_alert(town)};
    list[0].received.ns = NOW.ns - 2 * SECOND;
    list[1].received.ns = NOW.ns - 9 * SECOND;
    CHECK(group(town, list, 3) == 1);
    struct incident_view view = town_view(town, 1);
    CHECK(view.detected.ns == NOW.ns - 9 * SECOND && view.opened.ns == NOW.ns);
    CHECK(view.alert_last.ns == NOW.ns - SECOND);
    CHECK(strcmp(town_moments(town), "detected@-9 ") == 0);
    town_free(town);
}

static int64_t graver_notices(struct town *town)
{
    return town_number(town, "SELECT count(*) FROM notice WHERE purpose = 'incident-graver'");
}

static void one_more(struct town *town, enum level severity, const char *chain)
{
    struct alert alert = town_alert(town);
    alert.outcome.severity = severity;
    alert.outcome.chain = str_from(chain);
    CHECK(group(town, &alert, 1) <= 1);
}

TEST(an_incident_becomes_graver_and_says_so_again_only_when_it_matters)
{
    struct town *town = town_new();
    one_more(town, LEVEL_LOW, "slow");
    one_more(town, LEVEL_MEDIUM, "slow");
    CHECK(town_view(town, 1).severity == LEVEL_MEDIUM && graver_notices(town) == 0);
    one_more(town, LEVEL_LOW, "other");
    CHECK(str_equal(town_view(town, 1).chain, STR("slow")));
    one_more(town, LEVEL_HIGH, "security");
    CHECK(graver_notices(town) == 1 && str_equal(town_view(town, 1).chain, STR("security")));
    one_more(town, LEVEL_HIGH, "security");
    CHECK(graver_notices(town) == 1);
    one_more(town, LEVEL_CRITICAL, "security");
    CHECK(graver_notices(town) == 2 && town_view(town, 1).severity == LEVEL_CRITICAL);
    one_more(town, LEVEL_LOW, "slow");
    CHECK(town_view(town, 1).severity == LEVEL_CRITICAL && town_view(town, 1).alerts == 7);
    CHECK(town_number(town, "SELECT count(*) FROM incident_line WHERE what = 'graver'") == 3);
    town_free(town);
}

TEST(what_comes_during_the_return_check_is_told_at_once_and_once)
{
    struct town *town = town_new();
    town_open_one(town);
    town_lead(town, INCIDENT_RETURN_CHECK);
    for (int i = 0; i < 3; i++) {
        struct alert alert = town_alert(town);
        CHECK(group(town, &alert, 1) == 0);
    }
    CHECK(town_view(town, 1).alerts == 4);
    CHECK(town_number(town, "SELECT count(*) FROM incident_line WHERE what = 'alerts'") == 1);
    CHECK(town_number(town, "SELECT count(*) FROM notice WHERE purpose = 'incident-recurred'") ==
          1);
    town_free(town);
}

TEST(what_comes_after_the_return_is_a_new_incident)
{
    struct town *town = town_new();
    town_open_one(town);
    town_lead(town, INCIDENT_STEADY);
    struct alert alert = town_alert(town);
    CHECK(group(town, &alert, 1) == 1);
    CHECK(town_view(town, 1).alerts == 1 && town_view(town, 2).alerts == 1);
    CHECK(town_view(town, 2).state == INCIDENT_DETECTED);
    CHECK(list_count(town, town->serve, CLIENT_B, false) == 2);
    CHECK(list_count(town, town->serve, CLIENT_B, true) == 1);
    town_free(town);
}

TEST(a_list_holds_the_clients_of_its_scope_and_no_others)
{
    struct town *town = town_new();
    uint64_t number;
    struct alert alert = town_alert(town);
    const struct alerts alerts = {&alert, 1};
    town_open_one(town);
    alert.place.client = CLIENT_A;
    CHECK(incident_store(town->serve, town->ledger, CLIENT_A, &alerts, 9, NOW, &number) == OK);
    CHECK(incident_group(town->serve, town->incidents, CLIENT_A, NOW, &number) == OK);
    CHECK(number == 1);
    CHECK(incident_group(town->roles[ROLE_ANALYST], town->incidents, CLIENT_B, NOW, &number) ==
          ERR_DENIED);
    const struct client_id all = {0};
    CHECK(list_count(town, town->serve, all, false) == 2);
    CHECK(list_count(town, town->stranger, all, false) == 1);
    CHECK(list_count(town, town->stranger, CLIENT_B, false) == 0);
    CHECK(list_count(town, town->roles[ROLE_VIEWER], all, false) == 1);
    CHECK(list_count(town, town->roles[ROLE_BIDDER], all, false) == 0);
    struct incident_view view;
    struct incident_line *lines;
    size_t count;
    CHECK(incident_get(town->stranger, town->incidents, CLIENT_B, 1, town->mem, &view) ==
          ERR_NOT_FOUND);
    CHECK(incident_get(town->serve, town->incidents, CLIENT_B, 2, town->mem, &view) ==
          ERR_NOT_FOUND);
    CHECK(incident_history(town->stranger, town->incidents, CLIENT_B, 1, town->mem, &lines,
                           &count) == ERR_NOT_FOUND);
    CHECK(incident_acknowledged(town->stranger, town->incidents, CLIENT_B, 1, STR(""), NOW) ==
          ERR_NOT_FOUND);
    CHECK(incident_acknowledged(town->roles[ROLE_VIEWER], town->incidents, CLIENT_B, 1, STR(""),
                                NOW) == ERR_DENIED);
    CHECK(incident_notified(town->roles[ROLE_ANALYST], town->incidents, CLIENT_B, 1, NOW) ==
          ERR_DENIED);
    /* The id of another client's incident is no way around. */
    CHECK(incident_acknowledged(town->stranger, town->incidents, CLIENT_A, 1, STR(""), NOW) ==
          ERR_NOT_FOUND);
    town_free(town);
}

TEST(lists_are_taken_page_by_page)
{
    struct town *town = town_new();
    struct alert list[30];
    static char assets[30][8];
    for (size_t i = 0; i < 30; i++) {
        list[i] = town_alert(town);
        (void)snprintf(assets[i], sizeof assets[i], "a%zu", i);
        list[i].outcome.asset = str_from(assets[i]);
    }
    CHECK(group(town, list, 30) == 30);
    struct incident_view *page;
    size_t count;
    struct incident_filter filter = {.count_max = 20};
    CHECK(incident_list_view(town->serve, town->incidents, &filter, town->mem, &page, &count) ==
          OK);
    CHECK(count == 20 && page[0].number == 30 && page[19].number == 11);
    filter.before_id = page[19].id;
    CHECK(incident_list_view(town->serve, town->incidents, &filter, town->mem, &page, &count) ==
          OK);
    CHECK(count == 10 && page[0].number == 10 && page[9].number == 1);
    town_free(town);
}

TEST(addresses_that_an_attacker_invents_do_not_make_incidents_without_end)
{
    struct town *town = town_new();
    struct alert *list = calloc(1000, sizeof *list);
    static char addresses[1000][16];
    CHECK(list != NULL);
    for (size_t i = 0; i < 1000; i++) {
        list[i] = town_alert(town);
        (void)snprintf(addresses[i], sizeof addresses[i], "10.9.%zu.%zu", i / 200, i % 200);
        list[i].outcome.asset = (struct str){0};
        list[i].outcome.inside = str_from(addresses[i]);
    }
    CHECK(group(town, list, 1000) == INCIDENTS_OPEN_TYPE_MAX + 1);
    CHECK(town_view(town, INCIDENTS_OPEN_TYPE_MAX + 1).alerts == 1000 - INCIDENTS_OPEN_TYPE_MAX);
    CHECK(town_number(town, "SELECT count(*) FROM alert WHERE incident IS NULL") == 0);
    /* What the documents know is never lost among them. */
    town_open_one(town);
    CHECK(str_equal(town_view(town, INCIDENTS_OPEN_TYPE_MAX + 2).asset, STR("shop")));
    free(list);
    town_free(town);
}

TEST(a_flood_is_one_incident_with_exact_numbers_and_a_short_history)
{
    struct town *town = town_new();
    struct alert *list = calloc(FLOOD_BATCH, sizeof *list);
    uint64_t opened = 0;
    CHECK(list != NULL);
    double before = testing_cpu();
    for (size_t done = 0; done < FLOOD; done += FLOOD_BATCH) {
        town->now.ns += 30 * SECOND;
        for (size_t i = 0; i < FLOOD_BATCH; i++) {
            list[i] = town_alert(town);
        }
        opened += group(town, list, FLOOD_BATCH);
    }
    double each_us = (testing_cpu() - before) * 1e6 / FLOOD;
    struct incident_view view = town_view(town, 1);
    (void)printf("%.1f us for an alert to be stored and grouped\n", each_us);
    CHECK(opened == 1 && view.alerts == FLOOD);
    CHECK(view.alert_last.ns == town->now.ns - SECOND);
    CHECK(town_number(town, "SELECT sum(kept + counted) FROM alert_count") == FLOOD);
    CHECK(town_number(town, "SELECT count(*) FROM alert WHERE incident = 1") ==
          town_number(town, "SELECT kept FROM alert_count"));
    CHECK(town_number(town, "SELECT count(*) FROM incident_line") <= 8);
    CHECK(town_number(town, "SELECT count(*) FROM notice") == 1);
    free(list);
    town_free(town);
}

static int64_t alerts_lines(struct town *town)
{
    return town_number(town, "SELECT count(*) FROM incident_line WHERE what = 'alerts'");
}

TEST(the_history_says_so_when_alerts_have_doubled_but_not_within_a_minute)
{
    struct town *town = town_new();
    one_more(town, LEVEL_HIGH, "security");
    one_more(town, LEVEL_HIGH, "security");
    CHECK(town_view(town, 1).alerts == 2 && alerts_lines(town) == 0); /* twice, but too soon */
    town->now.ns += 60 * SECOND;
    one_more(town, LEVEL_HIGH, "security");
    CHECK(alerts_lines(town) == 1); /* of three */
    town->now.ns += 60 * SECOND;
    one_more(town, LEVEL_HIGH, "security");
    one_more(town, LEVEL_HIGH, "security");
    CHECK(town_view(town, 1).alerts == 5 && alerts_lines(town) == 1);
    one_more(town, LEVEL_HIGH, "security");
    CHECK(town_view(town, 1).alerts == 6 && alerts_lines(town) == 2); /* at twice, not later */
    town_free(town);
}
