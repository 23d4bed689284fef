/*
 * A judge: the working memory of one thread over a rule set.
 *
 *     event ─► class ─► route (route.c) ─► candidates ─► those whose condition holds
 *                                                             ├─► alert, if the rule raises
 *                                                             └─► sighting, if the rule feeds
 *
 * Candidates are the rules of the class whose guard has fired (match.h, sieves), and those that
 * have no guard; no other can hold.
 *
 * Always true: candidates come in the order of rules, so alerts and sightings lie in the order of
 * events, then of rules, whatever fired first.
 */

#include "detect/private.h"

#include <stdlib.h>
#include <string.h>

#define ALERTS_SIZE_MAX ((size_t)1024 * 1024 * 1024) /* every rule on every event of a batch */

struct judge {
    const struct ruleset *ruleset;
    struct reading *reading;
    struct logsources *logsources;
    struct routes *routes;
    const uint8_t *off; /* by rule; NULL: all are on */
    const struct lists *lists;
    bool exhaustive;
};

/* What one batch has given so far. */
struct findings {
    struct place first;
    struct arena *turn;
    struct buf alerts;    /* struct alert each */
    struct buf sightings; /* struct sighting each */
};

enum err judge_new(const struct ruleset *ruleset, struct judge **ret)
{
    struct judge *judge = calloc(1, sizeof *judge);
    if (judge == NULL) {
        return ERR_MEMORY;
    }
    judge->ruleset = ruleset;
    enum err err = reading_new(ruleset->matcher, &judge->reading);
    err = err == OK ? logsources_new(&judge->logsources) : err;
    err = err == OK ? routes_new(ruleset, judge->reading, &judge->routes) : err;
    if (err != OK) {
        judge_free(judge);
        return err;
    }
    *ret = judge;
    return OK;
}

void judge_free(struct judge *judge)
{
    if (judge != NULL) {
        routes_free(judge->routes);
        logsources_free(judge->logsources);
        reading_free(judge->reading);
        free(judge);
    }
}

void judge_for(struct judge *judge, const struct lists *lists, const uint8_t *off)
{
    reading_lists(judge->reading, lists);
    judge->off = off;
    judge->lists = lists;
}

void judge_exhaustively(struct judge *judge)
{
    judge->exhaustive = true;
}

static enum err alert_add(struct findings *findings, const struct event *event,
                          const struct rule *rule)
{
    struct alert alert = {
        .place = {findings->first.client, findings->first.sequence + event->index},
        .source = event->batch->source,
        .received = event->received,
        .happened = event->happened,
        .level = rule->level,
        .rule_id = rule->id,
        .rule_title = rule->title,
        .rule_author = rule->author,
        .rule_link = rule->link,
        .rule_tags = rule->tags,
        .rule_version = rule->version,
        .outcome = {.type = rule->type, .severity = rule->level},
    };
    return buf_append(&findings->alerts, str_of(&alert, sizeof alert));
}

/* The rule has held for the event, and a correlation leans on it. */
static enum err sighting_add(const struct judge *judge, struct findings *findings,
                             const struct event *event, uint32_t rule)
{
    struct sighting sighting = {
        .rule = rule,
        .place = {findings->first.client, findings->first.sequence + event->index},
        .source = event->batch->source,
        .received = event->received,
        .at = event_time(event),
    };
    enum err err =
        correlation_values(judge->ruleset, rule, event, findings->turn, &sighting.values);
    return err == OK ? buf_append(&findings->sightings, str_of(&sighting, sizeof sighting)) : err;
}

static enum err rule_judge(struct judge *judge, const struct event *event, uint32_t index,
                           struct findings *findings)
{
    const struct rule *rule = rule_at(judge->ruleset, index);
    bool holds = false;
    if ((judge->off != NULL && judge->off[index] != 0) || !rule_ready(rule, judge->lists)) {
        return OK;
    }
    enum err err = reading_holds(judge->reading, rule->condition, &holds);
    if (err == OK && holds && rule->raises) {
        err = alert_add(findings, event, rule);
    }
    if (err == OK && holds && rule->feeds) {
        err = sighting_add(judge, findings, event, index);
    }
    return err;
}

static enum err event_judge(struct judge *judge, const struct event *event,
                            struct findings *findings)
{
    struct lookout *lookout;
    struct str class = logsource_decide(judge->logsources, event);
    enum err err = routes_find(judge->routes, class, &lookout);
    if (err != OK || lookout == NULL) {
        return err;
    }
    const uint32_t *candidates;
    size_t count;
    reading_next(judge->reading, event);
    if (judge->exhaustive) {
        lookout_members(lookout, &candidates, &count);
    } else {
        err = reading_sift(judge->reading, lookout, &candidates, &count);
    }
    for (size_t i = 0; i < count && err == OK; i++) {
        err = rule_judge(judge, event, candidates[i], findings);
    }
    return err;
}

/* A list for the turn. */
static enum err list_keep(struct arena *turn, const struct buf *list, void *ret)
{
    void *kept = arena_take(turn, list->size);
    if (kept == NULL) {
        return ERR_MEMORY;
    }
    if (list->size > 0) {
        memcpy(kept, list->data, list->size);
    }
    memcpy(ret, &kept, sizeof kept);
    return OK;
}

static enum err verdicts_make(struct judge *judge, const struct batch *batch, struct place first,
                              struct arena *turn, struct verdicts *ret)
{
    struct findings findings = {.first = first, .turn = turn};
    buf_init(&findings.alerts, ALERTS_SIZE_MAX);
    buf_init(&findings.sightings, ALERTS_SIZE_MAX);
    enum err err = reading_batch(judge->reading, batch);
    err = err == OK ? logsources_batch(judge->logsources, batch) : err;
    for (uint32_t i = 0; i < batch->events && err == OK; i++) {
        struct event event;
        batch_event(batch, i, &event);
        err = event_judge(judge, &event, &findings);
    }
    struct verdicts verdicts = {
        .alerts.count = findings.alerts.size / sizeof(struct alert),
        .sightings.count = findings.sightings.size / sizeof(struct sighting),
    };
    err = err == OK ? list_keep(turn, &findings.alerts, &verdicts.alerts.list) : err;
    err = err == OK ? list_keep(turn, &findings.sightings, &verdicts.sightings.list) : err;
    if (err == OK) {
        *ret = verdicts;
    }
    buf_done(&findings.alerts);
    buf_done(&findings.sightings);
    return err;
}

enum err detect_batch(const struct scope *scope, struct judge *judge, const struct batch *batch,
                      struct place first, struct arena *turn, struct verdicts *ret)
{
    if (!client_equal(first.client, batch->client) ||
        !scope_allows(scope, batch->client, RIGHT_APPEND)) {
        return ERR_DENIED;
    }
    return verdicts_make(judge, batch, first, turn, ret);
}

enum err judge_batch(struct judge *judge, const struct batch *batch, struct arena *turn,
                     struct verdicts *ret)
{
    return verdicts_make(judge, batch, (struct place){0}, turn, ret);
}
