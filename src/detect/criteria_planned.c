/*
 * Planned work: maintenance, tests and exercises of the client's calendar (R077).  What is seen at
 * the assets and segments that an event names, while it lasts, belongs to the work: the alert says
 * so, and is no incident unless somebody has said more (criteria.c).
 *
 * Sales and campaigns change how much is usual, not what an attack is: they steer criteria that ask
 * for them and nothing else.
 *
 * Always true: an event that names neither asset nor segment holds nothing back, since it would
 * hold back everything.  It is asked at the event's own time, or its arrival where it has none.
 */

#include "detect/criteria_private.h"

static bool is_work(const struct element *event)
{
    struct str type = element_text(event, "type");
    return (str_equal(type, STR("maintenance")) || str_equal(type, STR("test"))) &&
           element_get(event, "from") != NULL && element_get(event, "to") != NULL;
}

enum err works_make(struct works *works, const struct assets *assets, const struct making *making)
{
    const struct element *list = element_get(making->calendars, "events");
    works->list = ARENA_ARRAY(making->mem, struct work, list != NULL ? list->count + 1 : 1);
    enum err err = works->list == NULL ? ERR_MEMORY : OK;
    for (const struct element *item = list != NULL ? list->first : NULL; item != NULL && err == OK;
         item = item->next) {
        if (!is_work(item)) {
            continue;
        }
        struct work *work = &works->list[works->count++];
        work->period =
            (struct period){{element_get(item, "from")->number}, {element_get(item, "to")->number}};
        err = criterion_concern(&work->concern, item, assets, making);
        err = err == OK ? arena_copy(making->mem, item->slug, &work->slug) : err;
    }
    return err;
}

void works_done(struct works *works)
{
    for (size_t i = 0; i < works->count; i++) {
        criterion_done(&works->list[i].concern);
    }
}

struct str works_find(const struct works *works, const struct hit *hit, struct wall at)
{
    for (size_t i = 0; i < works->count; i++) {
        const struct work *work = &works->list[i];
        if (at.ns >= work->period.from.ns && at.ns < work->period.to.ns &&
            (numbers_have(&work->concern.assets, hit->asset) ||
             numbers_have(&work->concern.segments, hit->segment))) {
            return work->slug;
        }
    }
    return (struct str){0};
}
