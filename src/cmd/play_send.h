#pragma once

/* The sockets of a story's devices, opened when they first have something to say.  A device that
 * cannot be heard is told of once, and tried again with its next line. */

#include "story/story.h"

/* Where the listeners are. */
struct play_target {
    const char *to[STORY_HOW_COUNT]; /* numeric addresses */
    uint16_t ports[STORY_HOW_COUNT];
    struct str token; /* of devices that have none of their own */
};

struct play_devices;

NODISCARD enum err play_devices_new(const struct story *story, const struct play_target *target,
                                    struct play_devices **ret);
void play_devices_free(struct play_devices *devices); /* NULL is fine. */
/* Hands one line over as its device does.  False: it was not taken; the first time for each device
 * a sentence says why on standard error. */
bool play_devices_send(struct play_devices *devices, size_t index, struct str line);
