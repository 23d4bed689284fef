/*
 * How the service is, as far as desk knows it: processes from what parent tells, the lag from the
 * books and the bookmarks, the disk, the outbox, the portal's certificate, the rules in force.
 *
 * Always true: what cannot be found out is an error of the whole answer, but for the disk, which
 * then has the size 0.  Numbers of clients are added up before anybody sees them.
 */

#include "serve/desk.h"

#include "incident/incident.h"
#include "service/editions.h"
#include "sys/clocks.h"
#include "sys/disk.h"

void desk_process_came(struct desk *desk, const struct process_message *message)
{
    if (message->kind < PROCESS_KIND_COUNT) {
        desk->processes[message->kind] = (struct health_process){
            .name = str_from(process_name((enum process_kind)message->kind)),
            .running = message->running != 0,
            .since = {(int64_t)message->since},
            .restarts = message->restarts,
        };
    }
}

/* ---- The lag. */

/* The archive gives each stored record of a client one number, from 1, and the bookmark is the next
 * one to be judged; so the difference of the sums is what waits. */
static enum err lag_find(struct desk *desk, uint64_t *ret_in_flight, uint64_t *ret_unjudged)
{
    struct account account;
    uint64_t in_flight = 0;
    uint64_t stored = 0;
    uint64_t judged;
    for (size_t i = 0; books_account_at(desk->books, i, &account); i++) {
        in_flight += account.in_flight;
        stored += account.stored;
    }
    enum err err = incident_judged(desk->rooms.job, desk->rooms.ledger, &judged);
    if (err == OK) {
        *ret_in_flight = in_flight;
        *ret_unjudged = stored > judged ? stored - judged : 0;
    }
    return err;
}

void desk_health_note(struct desk *desk)
{
    uint64_t in_flight;
    uint64_t unjudged;
    if (lag_find(desk, &in_flight, &unjudged) == OK) {
        desk->lag_at = (desk->lag_at + 1) % DESK_LAG_NOTED;
        desk->unjudged[desk->lag_at] = unjudged;
        desk->lag_count += desk->lag_count < DESK_LAG_NOTED;
    }
}

/* Whether it grew with every note of the last minute; false while there is no minute yet. */
static bool lag_grew(const struct desk *desk, uint64_t *ret_before)
{
    bool grew = desk->lag_count == DESK_LAG_NOTED;
    *ret_before = desk->unjudged[(desk->lag_at + 1) % DESK_LAG_NOTED];
    for (size_t i = 1; i < DESK_LAG_NOTED && grew; i++) {
        size_t at = (desk->lag_at + 1 + i) % DESK_LAG_NOTED;
        size_t before = (desk->lag_at + i) % DESK_LAG_NOTED;
        grew = desk->unjudged[at] > desk->unjudged[before];
    }
    return grew;
}

/* ---- The whole. */

static void processes_tell(const struct desk *desk, struct health *health)
{
    for (int kind = 0; kind < PROCESS_KIND_COUNT; kind++) {
        if (desk->processes[kind].name.size > 0 && kind != PROCESS_WORKER) {
            health->processes[health->processes_count++] = desk->processes[kind];
        }
    }
}

static void disk_tell(const struct desk *desk, struct health *health)
{
    struct disk_space space;
    health->disk_reserve = desk->process->setup.space_reserve;
    if (disk_space(disk_real(), desk->folder, &space) == OK) {
        health->disk_free = space.free;
        health->disk_size = space.size;
    }
}

static void certificate_tell(const struct desk *desk, struct health *health)
{
    health->certificate_known = desk->certificate.known;
    health->certificate_local = desk->certificate.local;
    health->certificate_subject = buf_str(&desk->certificate.subject);
    health->certificate_sha256 = buf_str(&desk->certificate.sha256);
    health->certificate_until = desk->certificate.until;
}

static enum err mail_tell(struct desk *desk, struct health *health)
{
    struct outbox_state state;
    enum err err = outbox_state(desk->rooms.job, desk->rooms.ledger, wall_now(), &state);
    if (err == OK) {
        health->mail_relay = desk->process->setup.relay != 0;
        health->mail_waiting = state.waiting;
        health->mail_failed = state.failed;
        health->mail_oldest = state.oldest;
    }
    return err;
}

static enum err rules_tell(struct desk *desk, struct arena *mem, struct health *health)
{
    struct edition edition;
    enum err err = edition_in_force(desk->rooms.ledger, mem, &edition);
    if (err == OK) {
        health->rules_edition = edition.hash;
        health->rules_loaded = edition.loaded;
        health->rules_refused = edition.refused;
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err desk_health_tell(void *context, struct arena *mem, struct health *ret)
{
    struct desk *desk = context;
    struct health health = {.now = wall_now(), .started = {(int64_t)desk->process->setup.started}};
    processes_tell(desk, &health);
    disk_tell(desk, &health);
    certificate_tell(desk, &health);
    enum err err = lag_find(desk, &health.in_flight, &health.unjudged);
    health.unjudged_grew = lag_grew(desk, &health.unjudged_before);
    err = err == OK ? mail_tell(desk, &health) : err;
    err = err == OK ? rules_tell(desk, mem, &health) : err;
    if (err == OK) {
        *ret = health;
    }
    return err;
}
