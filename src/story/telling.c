/*
 * A story on its way: each phase knows when it speaks next, and the earliest of all speaks.
 *
 * A phase with `every` speaks at equal distances.  One with `per_hour` draws each distance by lot,
 * between nothing and twice the mean of the hour in which it stands; in an hour without lines it
 * waits for the next one.  Each phase draws from lots of its own, so that what one of them says
 * does not depend on the others.
 *
 * Always true: `due` of a phase never goes back; a phase that is over has DUE_NEVER.
 */

#include <stdlib.h>

#include "story/private.h"

#define DUE_NEVER INT64_MAX
#define NS_HOUR   (3600 * NS_PER_SECOND)

struct teller {
    struct draw draw;
    uint64_t turn; /* how often it has spoken */
    int64_t due;   /* since the story's start */
};

struct telling {
    const struct story *story;
    struct wall start;
    struct teller tellers[PHASES_MAX];
    size_t same[LISTS_MAX];
};

static void teller_rest(struct telling *telling, size_t index, int64_t from);
static size_t teller_next(const struct telling *telling);

enum err telling_new(const struct story *story, uint64_t seed, struct wall start,
                     struct telling **ret)
{
    struct telling *telling = calloc(1, sizeof *telling);
    if (telling == NULL) {
        return ERR_MEMORY;
    }
    struct draw draw = {seed};
    telling->story = story;
    telling->start = start;
    for (size_t i = 0; i < story->lists.count; i++) {
        telling->same[i] = draw_below(&draw, story->lists.list[i].count);
    }
    for (size_t i = 0; i < story->phases_count; i++) {
        telling->tellers[i] = (struct teller){.draw = {draw_next(&draw)}};
        teller_rest(telling, i, story->phases[i].at_ns);
    }
    *ret = telling;
    return OK;
}

void telling_free(struct telling *telling)
{
    free(telling);
}

/* The story's clock at a moment: nanoseconds since local midnight. */
static int64_t local_time(const struct telling *telling, int64_t at)
{
    int64_t day = 24 * NS_HOUR;
    int64_t local = (telling->start.ns % day + at % day + telling->story->zone_ns) % day;
    return (local + day) % day;
}

/* The next moment of a phase that draws its distances, `from` being the last. */
static int64_t lot_next(const struct telling *telling, const struct phase *phase,
                        struct teller *teller, int64_t from)
{
    for (unsigned hours = 0; hours < 25; hours++) {
        int64_t local = local_time(telling, from);
        uint64_t rate = phase->per_hour[local / NS_HOUR];
        if (rate > 0) {
            uint64_t mean = (uint64_t)NS_HOUR / rate;
            return from + (int64_t)draw_below(&teller->draw, 2 * mean);
        }
        from += NS_HOUR - local % NS_HOUR;
    }
    return DUE_NEVER;
}

/* Sets when a phase speaks next: at `from` or, if it draws, some time after. */
static void teller_rest(struct telling *telling, size_t index, int64_t from)
{
    const struct phase *phase = &telling->story->phases[index];
    struct teller *teller = &telling->tellers[index];
    int64_t due = phase->every_ns > 0 ? from : lot_next(telling, phase, teller, from);
    bool said_all = phase->times > 0 && teller->turn >= phase->times;
    bool over = phase->lasts_ns > 0 && due >= phase->at_ns + phase->lasts_ns;
    teller->due = said_all || over ? DUE_NEVER : due;
}

static size_t teller_next(const struct telling *telling)
{
    size_t next = 0;
    for (size_t i = 1; i < telling->story->phases_count; i++) {
        if (telling->tellers[i].due < telling->tellers[next].due) {
            next = i;
        }
    }
    return next;
}

enum err telling_due(const struct telling *telling, int64_t *ret)
{
    int64_t due = telling->tellers[teller_next(telling)].due;
    if (due == DUE_NEVER) {
        return ERR_NOT_FOUND;
    }
    *ret = due;
    return OK;
}

/* Which line it is now: in order, or by their weights. */
static const struct line *line_choose(const struct phase *phase, struct teller *teller)
{
    if (phase->every_ns > 0) {
        return &phase->lines[teller->turn % phase->lines_count];
    }
    uint64_t lot = draw_below(&teller->draw, phase->weights);
    size_t i = 0;
    while (i + 1 < phase->lines_count && lot >= phase->lines[i].weight) {
        lot -= phase->lines[i++].weight;
    }
    return &phase->lines[i];
}

enum err telling_say(struct telling *telling, struct wall stamp, struct buf *out,
                     size_t *ret_device)
{
    size_t index = teller_next(telling);
    const struct phase *phase = &telling->story->phases[index];
    struct teller *teller = &telling->tellers[index];
    if (teller->due == DUE_NEVER) {
        return ERR_NOT_FOUND;
    }
    const struct line *line = line_choose(phase, teller);
    const struct said said = {
        .lists = &telling->story->lists,
        .same = telling->same,
        .draw = &teller->draw,
        .turn = teller->turn,
        .stamp = stamp,
    };
    enum err err = line_say(&telling->story->devices[line->device], line, &said, out);
    if (err == OK) {
        *ret_device = line->device;
        teller->turn++;
        teller_rest(telling, index, teller->due + phase->every_ns);
    }
    return err;
}
