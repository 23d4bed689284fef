#pragma once

/*
 * A story: which devices of which clients write which lines when.
 *
 *     story_parse → story_device …
 *     telling_new → (telling_due → telling_say) … → telling_free
 *
 * Time and randomness are arguments: the same story, seed and moments give the same bytes.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/why.h"

enum story_how { STORY_SYSLOG_UDP, STORY_SYSLOG_TCP, STORY_HTTP, STORY_HOW_COUNT };
enum story_format { STORY_RFC3164, STORY_RFC5424, STORY_RAW, STORY_JSON, STORY_FORMAT_COUNT };

struct story_device {
    struct str slug;
    enum story_how how;
    enum story_format format;
    struct str address; /* to send from; empty: whatever the system chooses */
    struct str token;   /* to show; empty: none */
    struct str host, program;
    uint32_t priority;
};

struct story;

/* Reads a story into mem, which must outlive it.  Mistakes name line, column and what to do. */
NODISCARD enum err story_parse(struct str text, struct arena *mem, const struct story **ret,
                               struct why *why);
/* Its name in "ja" or "en"; empty where it has none. */
struct str story_name(const struct story *story, struct str language);
uint64_t story_seed(const struct story *story);
size_t story_devices(const struct story *story);
const struct story_device *story_device(const struct story *story, size_t index);

/* A story on its way. */
struct telling;

/* `start` is the moment that the story's clock begins with: it says which hour of the day it is.
 * The story must outlive the telling. */
NODISCARD enum err telling_new(const struct story *story, uint64_t seed, struct wall start,
                               struct telling **ret);
void telling_free(struct telling *telling); /* NULL is fine. */
/* When the next line is due, in nanoseconds of the story's clock since its start, never less than
 * the one before.  ERR_NOT_FOUND: the story is over. */
NODISCARD enum err telling_due(const struct telling *telling, int64_t *ret);
/* Says that line, stamped with `stamp`: appends its bytes, without framing, to `out`.  *ret_device:
 * the index of the device that writes it.  ERR_NOT_FOUND: the story is over. */
NODISCARD enum err telling_say(struct telling *telling, struct wall stamp, struct buf *out,
                               size_t *ret_device);
