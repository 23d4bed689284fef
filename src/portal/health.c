/*
 * What wants attention.
 *
 *     trouble      something that the service is there for does not happen: a process is away, the
 *                  disk is at its reserve, nobody can reach the portal, no rule judges
 *     attention    it will come to that, or somebody should know
 *
 * Always true: the same health gives the same matters, so the page, the API and a monitor agree.
 */

#include "portal/health.h"

#define RESTARTS_MANY   3
#define RESTARTS_RECENT (3600 * NS_PER_SECOND)
#define DISK_LOW_PART   10 /* of the disk, as its tenth */
#define MAIL_LATE       (15 * 60 * NS_PER_SECOND)
#define DAY             (24 * 3600 * NS_PER_SECOND)
#define DAYS_WARNED     30
#define UNJUDGED_MANY   1000

struct matters {
    struct health_matter *list;
    size_t count;
};

static void matter_add(struct matters *matters, enum health_state state, enum word word,
                       struct str value, uint64_t number)
{
    matters->list[matters->count++] = (struct health_matter){state, word, value, number};
}

const char *health_state_text(enum health_state state)
{
    static const char *const texts[HEALTH_STATE_COUNT] = {
        [HEALTH_STEADY] = "steady", [HEALTH_ATTENTION] = "attention", [HEALTH_TROUBLE] = "trouble"};
    return texts[state];
}

static void processes_weigh(const struct health *health, struct matters *matters)
{
    for (size_t i = 0; i < health->processes_count; i++) {
        const struct health_process *process = &health->processes[i];
        if (!process->running) {
            matter_add(matters, HEALTH_TROUBLE, WORD_HEALTH_MATTER_PROCESS_AWAY, process->name, 0);
        } else if (process->restarts >= RESTARTS_MANY && wall_known(process->since) &&
                   health->now.ns - process->since.ns < RESTARTS_RECENT) {
            matter_add(matters, HEALTH_ATTENTION, WORD_HEALTH_MATTER_PROCESS_RESTARTS,
                       process->name, 0);
        }
    }
}

static void disk_weigh(const struct health *health, struct matters *matters)
{
    if (health->disk_size == 0) {
        return; /* it could not be asked */
    }
    uint64_t low = health->disk_size / DISK_LOW_PART;
    low = low > 2 * health->disk_reserve ? low : 2 * health->disk_reserve;
    if (health->disk_free < health->disk_reserve) {
        matter_add(matters, HEALTH_TROUBLE, WORD_HEALTH_MATTER_DISK_FULL, STR(""),
                   health->disk_free >> 20);
    } else if (health->disk_free < low) {
        matter_add(matters, HEALTH_ATTENTION, WORD_HEALTH_MATTER_DISK_LOW, STR(""),
                   health->disk_free >> 20);
    }
}

static void mail_weigh(const struct health *health, struct matters *matters)
{
    bool late =
        wall_known(health->mail_oldest) && health->now.ns - health->mail_oldest.ns > MAIL_LATE;
    if (!health->mail_relay && health->mail_waiting > 0) {
        matter_add(matters, HEALTH_ATTENTION, WORD_HEALTH_MATTER_MAIL_RELAY, STR(""),
                   health->mail_waiting);
    } else if (late) {
        matter_add(matters, HEALTH_ATTENTION, WORD_HEALTH_MATTER_MAIL_LATE, STR(""),
                   health->mail_waiting);
    }
    if (health->mail_failed > 0) {
        matter_add(matters, HEALTH_ATTENTION, WORD_HEALTH_MATTER_MAIL_FAILED, STR(""),
                   health->mail_failed);
    }
}

static void certificate_weigh(const struct health *health, struct matters *matters)
{
    if (!health->certificate_known) {
        return;
    }
    int64_t left = health->certificate_until.ns - health->now.ns;
    if (left <= 0) {
        matter_add(matters, HEALTH_TROUBLE, WORD_HEALTH_MATTER_CERTIFICATE_ENDED,
                   health->certificate_subject, 0);
    } else if (left / DAY < DAYS_WARNED) {
        matter_add(matters, HEALTH_ATTENTION, WORD_HEALTH_MATTER_CERTIFICATE_ENDS, STR(""),
                   (uint64_t)(left / DAY));
    }
    if (health->certificate_local) {
        matter_add(matters, HEALTH_ATTENTION, WORD_HEALTH_MATTER_CERTIFICATE_LOCAL,
                   health->certificate_subject, 0);
    }
}

static void rules_weigh(const struct health *health, struct matters *matters)
{
    if (health->rules_loaded == 0) {
        matter_add(matters, HEALTH_TROUBLE, WORD_HEALTH_MATTER_RULES_NONE, STR(""), 0);
    }
    if (health->rules_refused > 0) {
        matter_add(matters, HEALTH_ATTENTION, WORD_HEALTH_MATTER_RULES_REFUSED, STR(""),
                   health->rules_refused);
    }
    if (health->unjudged_grew && health->unjudged > UNJUDGED_MANY &&
        health->unjudged > health->unjudged_before) {
        matter_add(matters, HEALTH_ATTENTION, WORD_HEALTH_MATTER_UNJUDGED, STR(""),
                   health->unjudged);
    }
}

size_t health_matters(const struct health *health, struct health_matter list[HEALTH_MATTERS_MAX])
{
    struct health_matter found[HEALTH_MATTERS_MAX];
    struct matters matters = {found, 0};
    size_t count = 0;
    processes_weigh(health, &matters);
    disk_weigh(health, &matters);
    certificate_weigh(health, &matters);
    rules_weigh(health, &matters);
    mail_weigh(health, &matters);
    for (int state = HEALTH_TROUBLE; state > HEALTH_STEADY; state--) {
        for (size_t i = 0; i < matters.count; i++) {
            if (found[i].state == (enum health_state)state) {
                list[count++] = found[i];
            }
        }
    }
    return count;
}
