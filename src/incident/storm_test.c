/*
 * Storms: how many alerts there were stays exact while few are kept, whatever happens on the way.
 * HINOMI_STORM=1000000 makes the first one as large as it may get.
 */

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "incident/fixture_test.h"
#include "testing/testing.h"

#define MESSAGE_SIZE ((size_t)2 << 20) /* as core sends them (serve/judge.c) */
#define DAY          (24LL * 3600 * SECOND)

static size_t storm_size(void)
{
    const char *text = getenv("HINOMI_STORM");
    return text != NULL ? strtoul(text, NULL, 10) : 20000;
}

/* One message, as desk takes it. */
static enum err message_take(struct town *town, struct str bytes, uint64_t bookmark,
                             uint64_t *ret_fresh)
{
    static struct alert list[8192];
    struct alerts alerts = {list, 0};
    uint64_t opened;
    while (bytes.size > 0) {
        CHECK(alerts.count < 8192 && alert_decode(&bytes, &list[alerts.count++]) == OK);
    }
    enum err err = ledger_begin(town->ledger);
    err = err == OK ? incident_store(town->serve, town->ledger, CLIENT_B, &alerts, bookmark,
                                     town->now, ret_fresh)
                    : err;
    err = err == OK ? incident_group(town->serve, town->incidents, CLIENT_B, town->now, &opened)
                    : err;
    err = err == OK ? ledger_commit(town->ledger) : err;
    ledger_rollback(town->ledger);
    return err;
}

/* Sends `count` alerts from town->sequence on; the alerts that were new. */
static uint64_t storm_send(struct town *town, size_t count, const struct alert *model)
{
    struct buf message;
    uint64_t sum = 0;
    buf_init(&message, MESSAGE_SIZE);
    for (size_t i = 0; i <= count; i++) {
        struct alert alert = *model;
        uint64_t fresh = 0;
        alert.place.sequence = town->sequence + 1;
        if (i == count || alert_encode(&alert, &message) == ERR_LIMIT) {
            CHECK(message_take(town, buf_str(&message), town->sequence + 1, &fresh) == OK);
            sum += fresh;
            town->now.ns += SECOND;
            buf_reset(&message);
            CHECK(i == count || alert_encode(&alert, &message) == OK);
        }
        town->sequence += i < count;
    }
    buf_done(&message);
    return sum;
}

static struct alert model_of(struct town *town)
{
    struct alert alert = town_alert(town);
    alert.rule_author = STR("A Rule Author");
    alert.rule_link = STR("https://rules.example/a-rule-about-this");
    alert.rule_tags = STR("attack.initial-access attack.t1190");
    town->sequence--;
    return alert;
}

static struct alert_count count_at(struct town *town, size_t at, size_t of)
{
    struct alert_count *list;
    size_t count;
    CHECK(incident_counts(town->serve, town->ledger, CLIENT_B, 0, 100, town->mem, &list, &count) ==
          OK);
    CHECK(count == of);
    return list[at];
}

TEST(a_storm_is_one_incident_with_an_exact_count_and_few_rows)
{
    struct town *town = town_new();
    size_t size = storm_size();
    struct alert model = model_of(town);
    double before = testing_cpu();
    CHECK(storm_send(town, size, &model) == size);
    double took = testing_cpu() - before;
    struct incident_view view = town_view(town, 1);
    CHECK(view.alerts == size && town_number(town, "SELECT count(*) FROM incident") == 1);
    int64_t rows = town_number(town, "SELECT count(*) FROM alert");
    struct alert_count count = count_at(town, 0, 1);
    (void)printf("%zu alerts of one cause: %.2f s of desk's time, %.2f us each, %lld rows\n", size,
                 took, took * 1e6 / (double)size, (long long)rows);
    CHECK(rows < ALERTS_KEPT_MAX + 8192 && (uint64_t)rows == count.kept);
    CHECK(count.incident == view.id && count.kept + count.counted == size);
    CHECK(count.last_sequence == size && count.first_sequence == count.kept + 1);
    CHECK(town_number(town, "SELECT count(*) FROM incident_line") < 32);
    CHECK(town_number(town, "SELECT count(*) FROM notice") == 1);
    town_free(town);
}

TEST(what_core_sends_again_is_not_counted_again)
{
    struct town *town = town_new();
    struct alert model = model_of(town);
    CHECK(storm_send(town, 5000, &model) == 5000);
    CHECK(storm_send(town, 1, &model) == 1);
    town->sequence = 3000;
    CHECK(storm_send(town, 2100, &model) == 99); /* of which 2,001 were there */
    CHECK(town_view(town, 1).alerts == 5100);
    town_stop(town);
    town_start(town);
    town->sequence = 0;
    CHECK(storm_send(town, 5200, &model) == 100);
    CHECK(town_view(town, 1).alerts == 5200);
    struct alert_count count = count_at(town, 0, 1);
    CHECK(count.kept + count.counted == 5200 && count.last_sequence == 5200);
    town_free(town);
}

TEST(after_any_cut_of_the_power_a_storm_is_counted_exactly)
{
    for (uint64_t nth = 1;; nth++) {
        struct town *town = town_new();
        struct alert model = model_of(town);
        struct alert list[50];
        uint64_t opened;
        uint64_t bookmark;
        CHECK(storm_send(town, ALERTS_KEPT_MAX, &model) == ALERTS_KEPT_MAX);
        fake_power_off_at(town->fake, nth);
        for (size_t sent = 0; sent < 4; sent++) {
            for (size_t i = 0; i < 50; i++) {
                list[i] = model;
                list[i].place.sequence = ALERTS_KEPT_MAX + 1 + 50 * sent + i;
            }
            if (town_group(town, list, 50, &opened) != OK) {
                break;
            }
        }
        bool off = fake_is_off(town->fake);
        fake_power_off(town->fake);
        town_stop(town);
        CHECK(fake_power_on(town->fake, nth * 31) == OK);
        town_start(town);
        CHECK(incident_bookmark(town->serve, town->ledger, CLIENT_B, &bookmark) == OK);
        CHECK(town_view(town, 1).alerts == bookmark - 1);
        town->sequence = bookmark - 1 - (bookmark > 30 ? 30 : 0);
        CHECK(storm_send(town, ALERTS_KEPT_MAX + 500 - town->sequence, &model) ==
              ALERTS_KEPT_MAX + 500 - (bookmark - 1));
        struct alert_count count = count_at(town, 0, 1);
        CHECK(town_view(town, 1).alerts == ALERTS_KEPT_MAX + 500);
        CHECK(count.kept + count.counted == ALERTS_KEPT_MAX + 500);
        town_free(town);
        if (!off) {
            CHECK(nth > 4);
            return;
        }
    }
}

TEST(what_makes_an_incident_graver_is_kept_in_the_midst_of_a_storm)
{
    struct town *town = town_new();
    struct alert model = model_of(town);
    CHECK(storm_send(town, 2500, &model) == 2500);
    CHECK(storm_send(town, 10, &model) == 10);
    int64_t rows = town_number(town, "SELECT count(*) FROM alert");
    model.outcome.severity = LEVEL_CRITICAL;
    CHECK(storm_send(town, 1, &model) == 1);
    CHECK(town_view(town, 1).severity == LEVEL_CRITICAL && town_view(town, 1).alerts == 2511);
    CHECK(town_number(town, "SELECT count(*) FROM alert") == rows + 1);
    CHECK(storm_send(town, 5, &model) == 5);
    CHECK(town_number(town, "SELECT count(*) FROM alert") == rows + 1);
    /* Another rule has its own first alerts. */
    model.rule_id = STR("r2");
    CHECK(storm_send(town, 5, &model) == 5);
    CHECK(town_number(town, "SELECT count(*) FROM alert") == rows + 6);
    CHECK(town_view(town, 1).alerts == 2521);
    town_free(town);
}

TEST(a_storm_goes_on_in_a_new_incident_once_the_first_has_ended)
{
    struct town *town = town_new();
    struct alert model = model_of(town);
    CHECK(storm_send(town, 3000, &model) == 3000);
    town_lead(town, INCIDENT_STEADY);
    CHECK(storm_send(town, 3000, &model) == 3000);
    CHECK(town_view(town, 1).alerts == 3000 && town_view(town, 2).alerts == 3000);
    town_free(town);
}

TEST(what_is_excepted_or_planned_is_kept_counted_and_listed)
{
    struct town *town = town_new();
    struct alert model = model_of(town);
    struct alert_hits *hits;
    struct stored_alert *list;
    size_t count;
    model.outcome.incident = false;
    model.outcome.excepted = STR("probe");
    CHECK(storm_send(town, 1500, &model) == 1500);
    model.received.ns += DAY;
    CHECK(storm_send(town, 1500, &model) == 1500);
    model.outcome.excepted = STR("other");
    model.outcome.planned = STR("move");
    CHECK(storm_send(town, 7, &model) == 7);
    CHECK(incident_hits(town->serve, town->ledger, CLIENT_B, HIT_EXCEPTED, town->mem, &hits,
                        &count) == OK);
    CHECK(count == 2 && str_equal(hits[0].slug, STR("other")) && hits[0].alerts == 7);
    CHECK(str_equal(hits[1].slug, STR("probe")) && hits[1].alerts == 3000);
    CHECK(hits[1].last.ns == model.received.ns);
    CHECK(incident_hits(town->serve, town->ledger, CLIENT_B, HIT_PLANNED, town->mem, &hits,
                        &count) == OK);
    CHECK(count == 1 && str_equal(hits[0].slug, STR("move")) && hits[0].alerts == 7);
    CHECK(town_number(town, "SELECT count(*) FROM alert") == 2 * ALERTS_KEPT_MAX + 7);
    CHECK(town_number(town, "SELECT count(*) FROM incident") == 0);
    struct alert_filter filter = {.client = CLIENT_B,
                                  .from = WALL_NONE,
                                  .to = WALL_NONE,
                                  .excepted = STR("probe"),
                                  .count_max = 5000};
    CHECK(incident_list(town->serve, town->ledger, &filter, town->mem, &list, &count) == OK);
    CHECK(count == 2 * ALERTS_KEPT_MAX && str_equal(list[0].alert.outcome.excepted, STR("probe")));
    filter.excepted = STR("other");
    filter.planned = STR("move");
    CHECK(incident_list(town->serve, town->ledger, &filter, town->mem, &list, &count) == OK);
    CHECK(count == 7 && str_equal(list[0].alert.outcome.planned, STR("move")));
    filter.excepted = (struct str){0};
    CHECK(incident_list(town->serve, town->ledger, &filter, town->mem, &list, &count) == OK);
    CHECK(count == 7);
    filter.planned = STR("nothing");
    CHECK(incident_list(town->serve, town->ledger, &filter, town->mem, &list, &count) == OK);
    CHECK(count == 0);
    CHECK(incident_counts(town->roles[ROLE_BIDDER], town->ledger, CLIENT_B, 0, 10, town->mem,
                          &(struct alert_count *){NULL}, &count) == ERR_DENIED);
    CHECK(incident_hits(town->stranger, town->ledger, CLIENT_B, HIT_PLANNED, town->mem, &hits,
                        &count) == ERR_DENIED);
    town_free(town);
}

TEST(what_a_correlation_says_is_kept_with_its_alert)
{
    struct town *town = town_new();
    struct alert model = model_of(town);
    struct stored_alert *list;
    size_t count;
    model.kind = ALERT_CORRELATION;
    model.group = STR("{\"user.name\":\"kato\"}");
    model.records = STR("4 5 6");
    model.count = 3;
    CHECK(storm_send(town, 1, &model) == 1);
    const struct alert_filter filter = {
        .client = CLIENT_B, .from = WALL_NONE, .to = WALL_NONE, .count_max = 10};
    CHECK(incident_list(town->serve, town->ledger, &filter, town->mem, &list, &count) == OK);
    CHECK(count == 1 && list[0].alert.kind == ALERT_CORRELATION && list[0].alert.count == 3);
    CHECK(str_equal(list[0].alert.group, model.group));
    CHECK(str_equal(list[0].alert.records, model.records));
    town_free(town);
}
