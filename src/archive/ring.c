/*
 * How far each ring is stored.  The ring heard of last stands first, so that a live ring is found
 * at once and the one that falls out at the ceiling is the one silent for longest.
 *
 * Of the live ring the last RING_RECENT positions are known one by one: what core had not released
 * when it died is offered again, and a batch that was stored must be told from one that was a
 * resend and left no trace.  More than that is never unreleased.
 */

#include "archive/private.h"

#include <string.h>

void rings_learn(struct rings *rings, struct ring_place place, struct place first)
{
    if (place.ring == 0) {
        return;
    }
    if (rings->count == 0 || rings->list[0].ring != place.ring) {
        rings->recent_count = 0;
    }
    rings->recent[rings->recent_count++ % RING_RECENT] =
        (struct ring_stored){place.position, first};
    size_t at = 0;
    while (at < rings->count && rings->list[at].ring != place.ring) {
        at++;
    }
    if (at < rings->count && rings->list[at].position > place.position) {
        place.position = rings->list[at].position;
    }
    if (at == rings->count) {
        if (rings->count < RINGS_MAX) {
            rings->count++;
        } else {
            at--;
        }
    }
    memmove(rings->list + 1, rings->list, at * sizeof *rings->list);
    rings->list[0] = place;
}

uint64_t rings_position(const struct rings *rings, uint64_t ring)
{
    for (size_t i = 0; i < rings->count; i++) {
        if (rings->list[i].ring == ring) {
            return rings->list[i].position;
        }
    }
    return 0;
}

bool rings_hold(const struct rings *rings, struct ring_place place, struct place *ret_first)
{
    if (rings->count == 0 || rings->list[0].ring != place.ring ||
        place.position > rings->list[0].position) {
        return false;
    }
    uint64_t known = rings->recent_count < RING_RECENT ? rings->recent_count : RING_RECENT;
    for (uint64_t i = 1; i <= known; i++) {
        const struct ring_stored *stored = &rings->recent[(rings->recent_count - i) % RING_RECENT];
        if (stored->position == place.position) {
            *ret_first = stored->first;
            return true;
        }
        if (stored->position < place.position) {
            break;
        }
    }
    return false;
}
