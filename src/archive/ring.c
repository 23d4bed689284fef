/*
 * Which positions of the ring are stored.  Of the ring heard of last, the last RING_RECENT stored
 * positions are known one by one: what core had not released when it died is offered again, and a
 * batch that was stored must be told from one that was a resend and left no trace.  More than that
 * is never unreleased.  Another ring begins anew: its predecessor's parent is gone, and so is the
 * memory that the ring lay in.
 */

#include "archive/private.h"

void ring_learn(struct ring_memory *memory, struct ring_place place, struct place first)
{
    if (place.ring == 0) {
        return;
    }
    if (memory->ring != place.ring) {
        memory->ring = place.ring;
        memory->count = 0;
    }
    memory->stored[memory->count++ % RING_RECENT] = (struct ring_stored){place.position, first};
}

bool ring_holds(const struct ring_memory *memory, struct ring_place place, struct place *ret_first)
{
    uint64_t known = memory->count < RING_RECENT ? memory->count : RING_RECENT;
    for (uint64_t i = 1; i <= known && memory->ring == place.ring; i++) {
        const struct ring_stored *stored = &memory->stored[(memory->count - i) % RING_RECENT];
        if (stored->position == place.position) {
            *ret_first = stored->first;
            return true;
        }
        if (stored->position < place.position) {
            break; /* positions grow */
        }
    }
    return false;
}
