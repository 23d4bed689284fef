#include "portal/health.h"

#include <stdio.h>
#include <string.h>

#include "testing/testing.h"

#define NOW ((struct wall){1790000000000000000})
#define DAY (24 * 3600 * NS_PER_SECOND)

static struct health steady(void)
{
    return (struct health){
        .now = NOW,
        .started = {NOW.ns - DAY},
        .processes = {{STR("core"), true, {NOW.ns - DAY}, 0},
                      {STR("desk"), true, {NOW.ns - DAY}, 0}},
        .processes_count = 2,
        .disk_free = (uint64_t)60 << 30,
        .disk_size = (uint64_t)100 << 30,
        .disk_reserve = (uint64_t)1 << 30,
        .mail_relay = true,
        .mail_oldest = WALL_NONE,
        .certificate_known = true,
        .certificate_subject = STR("soc.example"),
        .certificate_until = {NOW.ns + 90 * DAY},
        .rules_edition = STR("00ff"),
        .rules_loaded = 12,
    };
}

/* "process-away core; disk-low 2048" in the order told. */
static const char *said(const struct health *health)
{
    static char text[1024];
    struct health_matter list[HEALTH_MATTERS_MAX];
    size_t count = health_matters(health, list);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        char one[200];
        struct str key = words_key(list[i].word);
        key = str_slice(key, strlen("health.matter."), key.size);
        (void)snprintf(one, sizeof one, "%s%.*s %.*s", i > 0 ? "; " : "", STR_ARG(key),
                       STR_ARG(list[i].value));
        (void)strncat(text, one, sizeof text - strlen(text) - 1);
        if (list[i].value.size == 0) {
            (void)snprintf(one, sizeof one, "%llu", (unsigned long long)list[i].number);
            (void)strncat(text, one, sizeof text - strlen(text) - 1);
        }
    }
    return text;
}

TEST(a_service_that_is_well_has_no_matters)
{
    struct health health = steady();
    CHECK(strcmp(said(&health), "") == 0);
    health.certificate_known = false;
    CHECK(strcmp(said(&health), "") == 0);
}

TEST(the_gravest_matter_comes_first)
{
    struct health health = steady();
    struct health_matter list[HEALTH_MATTERS_MAX];
    health.rules_refused = 3;
    health.processes[0].running = false;
    CHECK(strcmp(said(&health), "process-away core; rules-refused 3") == 0);
    CHECK(health_matters(&health, list) == 2 && list[0].state == HEALTH_TROUBLE);
    CHECK(list[1].state == HEALTH_ATTENTION);
}

TEST(a_process_that_was_often_started_again_is_told_of_for_an_hour)
{
    struct health health = steady();
    health.processes[1].restarts = 3;
    CHECK(strcmp(said(&health), "") == 0);
    health.processes[1].since.ns = NOW.ns - 60 * NS_PER_SECOND;
    CHECK(strcmp(said(&health), "process-restarts desk") == 0);
    health.processes[1].restarts = 2;
    CHECK(strcmp(said(&health), "") == 0);
}

TEST(a_disk_is_low_below_a_tenth_or_twice_its_reserve_and_full_at_the_reserve)
{
    struct health health = steady();
    health.disk_free = (uint64_t)9 << 30;
    CHECK(strcmp(said(&health), "disk-low 9216") == 0);
    health.disk_reserve = (uint64_t)40 << 30;
    health.disk_free = (uint64_t)79 << 30;
    CHECK(strcmp(said(&health), "disk-low 80896") == 0);
    health.disk_free = (uint64_t)39 << 30;
    CHECK(strcmp(said(&health), "disk-full 39936") == 0);
    health.disk_size = 0;
    CHECK(strcmp(said(&health), "") == 0);
}

TEST(mail_that_does_not_leave_is_told_of_with_its_cause)
{
    struct health health = steady();
    health.mail_waiting = 2;
    health.mail_oldest.ns = NOW.ns - 60 * NS_PER_SECOND;
    CHECK(strcmp(said(&health), "") == 0);
    health.mail_oldest.ns = NOW.ns - 16 * 60 * NS_PER_SECOND;
    CHECK(strcmp(said(&health), "mail-late 2") == 0);
    health.mail_relay = false;
    CHECK(strcmp(said(&health), "mail-relay 2") == 0);
    health.mail_waiting = 0;
    health.mail_oldest = WALL_NONE;
    health.mail_failed = 1;
    CHECK(strcmp(said(&health), "mail-failed 1") == 0);
}

TEST(a_certificate_is_told_of_before_it_ends_and_when_nobody_knows_its_maker)
{
    struct health health = steady();
    health.certificate_local = true;
    CHECK(strcmp(said(&health), "certificate-local soc.example") == 0);
    health.certificate_local = false;
    health.certificate_until.ns = NOW.ns + 29 * DAY + 1;
    CHECK(strcmp(said(&health), "certificate-ends 29") == 0);
    health.certificate_until.ns = NOW.ns - 1;
    CHECK(strcmp(said(&health), "certificate-ended soc.example") == 0);
}

TEST(detection_that_stands_still_or_falls_behind_is_told_of)
{
    struct health health = steady();
    health.unjudged = 5000;
    health.unjudged_before = 1000;
    CHECK(strcmp(said(&health), "") == 0);
    health.unjudged_grew = true;
    CHECK(strcmp(said(&health), "unjudged 5000") == 0);
    health = steady();
    health.rules_loaded = 0;
    CHECK(strcmp(said(&health), "rules-none 0") == 0);
}
