/*
 * Routes: which rules look at which events.
 *
 * An event's class is "category/product/service"; a rule is about it if each part that its log
 * source names is the same, without case.  Rules of the same log source share a sieve, which is
 * made once, when the set is loaded; each rule is in exactly one.  A route is the lookout over the
 * sieves of all log sources that fit a class.  Which classes events will have is not known before
 * (a parser or a sender says), so a judge makes a route when it first meets one: that only joins
 * tables and compiles nothing.
 *
 * What the class of the event before was is remembered beside the table, since neighbours are
 * alike.
 *
 * Classes that the same log sources fit share a route, so a sender who invents classes gains no
 * more than an entry in the table of classes; when that is full, all is forgotten and learned
 * again.
 *
 * Always true: routes of one judge belong to its own reading; sieves belong to the rule set.
 */

#include "detect/private.h"

#include <stdlib.h>
#include <string.h>

#define CLASSES_MAX 1024 /* what a hostile sender may make us keep */
#define LAST_MAX    64   /* bytes of a class; longer ones are looked for each time */

struct routes {
    const struct ruleset *ruleset;
    struct reading *reading;
    struct map classes;  /* to the place of a lookout */
    struct map fitting;  /* the log sources that fit, a byte each, to the place of a lookout */
    struct buf lookouts; /* struct lookout * each; NULL where nothing fits */
    char last[LAST_MAX]; /* the class before, whose place is known */
    size_t last_size;    /* 0: none */
    uint64_t last_place;
};

static const struct audience *audience_at(const struct ruleset *ruleset, size_t index)
{
    return (const struct audience *)(const void *)ruleset->audiences.data + index;
}

static enum err source_put(struct ruleset *ruleset, struct map *places, const struct rule *rule,
                           struct arena *scratch, uint64_t *ret)
{
    struct str key;
    struct audience audience = {.logsource = {rule->category, rule->product, rule->service}};
    enum err err = arena_print(scratch, &key, "%.*s/%.*s/%.*s", STR_ARG(rule->category),
                               STR_ARG(rule->product), STR_ARG(rule->service));
    if (err != OK || map_get(places, key, ret)) {
        return err;
    }
    *ret = ruleset_audiences(ruleset);
    err = map_put(places, key, *ret);
    return err == OK ? buf_append(&ruleset->audiences, str_of(&audience, sizeof audience)) : err;
}

/* Each rule's log source, and how many rules each has.  Correlations have none: no event is held
 * against them. */
static enum err sources_make(struct ruleset *ruleset, struct arena *scratch, uint32_t *ret_places,
                             uint32_t *ret_counts)
{
    struct map places;
    enum err err = OK;
    map_init(&places, SIZE_MAX / 2, (uint64_t)(uintptr_t)ruleset);
    for (size_t i = 0; i < ruleset_rules(ruleset) && err == OK; i++) {
        uint64_t place;
        if (rule_at(ruleset, i)->correlation != NULL) {
            continue;
        }
        err = source_put(ruleset, &places, rule_at(ruleset, i), scratch, &place);
        if (err == OK) {
            ret_places[i] = (uint32_t)place;
            ret_counts[place]++;
        }
    }
    map_done(&places);
    return err;
}

enum err routes_compile(struct ruleset *ruleset, struct arena *scratch, const char ***ret_reasons)
{
    size_t rules = ruleset_rules(ruleset);
    const char **reasons = ARENA_ARRAY(scratch, const char *, rules);
    const char **found = ARENA_ARRAY(scratch, const char *, rules);
    uint32_t *places = ARENA_ARRAY(scratch, uint32_t, rules);
    uint32_t *firsts = ARENA_ARRAY(scratch, uint32_t, rules + 1);
    struct sieve_member *members = ARENA_ARRAY(scratch, struct sieve_member, rules);
    if (reasons == NULL || found == NULL || places == NULL || firsts == NULL || members == NULL) {
        return ERR_MEMORY;
    }
    enum err err = sources_make(ruleset, scratch, places, firsts);
    uint32_t next = 0;
    for (size_t s = 0; s <= ruleset_audiences(ruleset) && s < rules + 1; s++) {
        uint32_t count = firsts[s];
        firsts[s] = next;
        next += count;
    }
    for (uint32_t i = 0; err == OK && i < rules; i++) {
        if (rule_at(ruleset, i)->correlation == NULL) {
            members[firsts[places[i]]++] = (struct sieve_member){rule_at(ruleset, i)->condition, i};
        }
    }
    uint32_t first = 0;
    for (size_t s = 0; err == OK && s < ruleset_audiences(ruleset); s++) {
        struct audience *audience = (struct audience *)(void *)ruleset->audiences.data + s;
        uint32_t count = firsts[s] - first; /* now where the next one begins */
        err = matcher_sieve(ruleset->matcher, members + first, count, &audience->sieve, found);
        for (uint32_t i = 0; err == OK && i < count; i++) {
            reasons[members[first + i].number] = found[i];
        }
        first = firsts[s];
    }
    *ret_reasons = reasons;
    return err;
}

enum err routes_new(const struct ruleset *ruleset, struct reading *reading, struct routes **ret)
{
    struct routes *routes = calloc(1, sizeof *routes);
    if (routes == NULL) {
        return ERR_MEMORY;
    }
    routes->ruleset = ruleset;
    routes->reading = reading;
    map_init(&routes->classes, CLASSES_MAX, (uint64_t)(uintptr_t)routes);
    map_init(&routes->fitting, CLASSES_MAX, (uint64_t)(uintptr_t)routes);
    buf_init(&routes->lookouts, RULESET_SIZE_MAX);
    *ret = routes;
    return OK;
}

static void routes_forget(struct routes *routes)
{
    struct lookout **lookouts = (struct lookout **)(void *)routes->lookouts.data;
    for (size_t i = 0; i < routes->lookouts.size / sizeof(struct lookout *); i++) {
        lookout_free(lookouts[i]);
    }
    buf_reset(&routes->lookouts);
    routes->last_size = 0;
    map_done(&routes->classes);
    map_done(&routes->fitting);
    map_init(&routes->classes, CLASSES_MAX, (uint64_t)(uintptr_t)routes);
    map_init(&routes->fitting, CLASSES_MAX, (uint64_t)(uintptr_t)routes);
}

void routes_free(struct routes *routes)
{
    if (routes != NULL) {
        routes_forget(routes);
        map_done(&routes->classes);
        map_done(&routes->fitting);
        buf_done(&routes->lookouts);
        free(routes);
    }
}

/* A byte for each log source, not 0 where it fits. */
static size_t sources_fit(const struct ruleset *ruleset, struct str class, struct buf *fits)
{
    size_t count = 0;
    for (size_t i = 0; i < fits->size; i++) {
        fits->data[i] = class_fits(audience_at(ruleset, i)->logsource, class);
        count += fits->data[i] != 0;
    }
    return count;
}

static enum err lookout_make(struct routes *routes, const struct buf *fits, size_t count,
                             struct lookout **ret)
{
    if (count == 0) {
        *ret = NULL;
        return OK;
    }
    const struct sieve **sieves = calloc(count, sizeof(const struct sieve *));
    if (sieves == NULL) {
        return ERR_MEMORY;
    }
    size_t at = 0;
    for (size_t i = 0; i < fits->size; i++) {
        if (fits->data[i] != 0) {
            sieves[at++] = audience_at(routes->ruleset, i)->sieve;
        }
    }
    enum err err = lookout_new(routes->reading, sieves, count, ret);
    free(sieves);
    return err;
}

/* The place of the lookout over those log sources, new or known. */
static enum err lookout_put(struct routes *routes, const struct buf *fits, size_t count,
                            uint64_t *ret)
{
    struct lookout *lookout;
    if (map_get(&routes->fitting, buf_str(fits), ret)) {
        return OK;
    }
    uint64_t place = routes->lookouts.size / sizeof(struct lookout *);
    enum err err = lookout_make(routes, fits, count, &lookout);
    if (err != OK) {
        return err;
    }
    err = buf_append(&routes->lookouts, str_of(&lookout, sizeof(struct lookout *)));
    if (err != OK) {
        lookout_free(lookout);
        return err;
    }
    *ret = place;
    return map_put(&routes->fitting, buf_str(fits), place);
}

/* Makes what a judge did not know of the class. */
static enum err class_meet(struct routes *routes, struct str class, uint64_t *ret)
{
    if (routes->classes.count == CLASSES_MAX) {
        routes_forget(routes);
    }
    struct buf fits;
    char *bytes = NULL;
    buf_init(&fits, RULESET_SIZE_MAX);
    enum err err = buf_extend(&fits, ruleset_audiences(routes->ruleset), &bytes);
    if (err == OK) {
        size_t count = sources_fit(routes->ruleset, class, &fits);
        err = lookout_put(routes, &fits, count, ret);
    }
    buf_done(&fits);
    return err == OK ? map_put(&routes->classes, class, *ret) : err;
}

enum err routes_find(struct routes *routes, struct str class, struct lookout **ret)
{
    const bool like_last = class.size > 0 && class.size == routes->last_size &&
                           memcmp(class.data, routes->last, class.size) == 0;
    uint64_t place = routes->last_place;
    if (!like_last && !map_get(&routes->classes, class, &place)) {
        enum err err = class_meet(routes, class, &place);
        if (err != OK) {
            return err;
        }
    }
    if (!like_last && class.size > 0 && class.size <= LAST_MAX) {
        memcpy(routes->last, class.data, class.size);
        routes->last_size = class.size;
        routes->last_place = place;
    }
    memcpy(ret, routes->lookouts.data + place * sizeof(struct lookout *), sizeof(struct lookout *));
    return OK;
}
