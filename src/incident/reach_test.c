/* What an open incident holds of the archive. */

#include "base/limits.h"
#include "incident/fixture_test.h"
#include "ledger/ledger.h"
#include "testing/testing.h"

#define DAY (24LL * 3600 * NS_PER_SECOND)

static struct incident_reach *reaches(struct town *town, size_t *ret_count)
{
    struct incident_reach *list;
    CHECK(incident_reaches(town->serve, town->ledger, CLIENT_B, town->mem, &list, ret_count) == OK);
    return list;
}

TEST(an_open_incident_reaches_a_day_around_its_alerts_and_their_sources)
{
    struct town *town = town_new();
    uint64_t opened;
    size_t count;
    struct alert list[2] = {town_alert(town), town_alert(town)};
    list[1].place.sequence = list[0].place.sequence + 7;
    list[1].received.ns = list[0].received.ns + DAY / 2;
    CHECK(town_group(town, list, 2, &opened) == OK && opened == 1);
    struct incident_reach *reach = reaches(town, &count);
    CHECK(count == 1 && reach->number == 1 && reach->first == 0);
    CHECK(reach->from.ns == list[0].received.ns - DAY && reach->to.ns == list[1].received.ns + DAY);
    CHECK(reach->sources_count == 1 && reach->sources[0].value == list[0].source.value);
    town_lead(town, INCIDENT_RETURN_CHECK);
    reaches(town, &count);
    CHECK(count == 1);
    town_free(town);
}

TEST(a_correlation_reaches_back_to_the_first_event_that_it_counts_in_all_sources)
{
    struct town *town = town_new();
    uint64_t opened;
    size_t count;
    struct alert alert = town_alert(town);
    alert.kind = ALERT_CORRELATION;
    alert.place.sequence = 50;
    alert.records = STR("12 30 50");
    alert.group = STR("{}");
    alert.count = 3;
    CHECK(town_group(town, &alert, 1, &opened) == OK && opened == 1);
    struct incident_reach *reach = reaches(town, &count);
    CHECK(count == 1 && reach->first == 12 && reach->last == 50 && reach->sources_count == 0);
    town_free(town);
}

TEST(a_steady_incident_holds_nothing_by_itself_and_can_still_be_asked_for)
{
    struct town *town = town_new();
    struct incident_reach reach;
    size_t count;
    town_open_one(town);
    town_lead(town, INCIDENT_RETURN_CHECK);
    CHECK(incident_return(town->roles[ROLE_RESPONSIBLE], town->incidents, town_at(town, 1), true,
                          STR(""), NULL) == OK);
    reaches(town, &count);
    CHECK(count == 0);
    CHECK(incident_reach_of(town->roles[ROLE_RESPONSIBLE], town->ledger, CLIENT_B, 1, town->mem,
                            &reach) == OK);
    CHECK(wall_known(reach.from) && reach.sources_count == 1);
    CHECK(incident_reach_of(town->roles[ROLE_RESPONSIBLE], town->ledger, CLIENT_B, 9, town->mem,
                            &reach) == ERR_NOT_FOUND);
    town_free(town);
}
