/* How far each ring is stored.  The ring heard of last stands first, so that a live ring is found
 * at once and the one that falls out at the ceiling is the one silent for longest. */

#include "archive/private.h"

#include <string.h>

void rings_learn(struct rings *rings, struct ring_place place)
{
    if (place.ring == 0) {
        return;
    }
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
