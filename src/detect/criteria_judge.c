/*
 * An alert's way through a generation of criteria.
 *
 *     alert ─► its event's ends ─► hit: asset, segment, other end      once an event
 *           ─► the first exception that fits ─► excepted: kept and counted, and no incident
 *           ─► the first criterion that fits ─► outcome
 *           ─► planned work that it falls into ─► no incident, as a rule
 *
 * What a criterion does not say stays as the rule said it: severity is the rule's level, the type
 * comes of the rule's tags.  Whether it is an incident, and which chain is climbed, then follow
 * from `otherwise`, by the severity; the chain failing that is the default one of the contacts.
 * Without a criteria document nothing is an incident (R065): the alert stands, with the asset that
 * it concerns as far as the other documents tell.
 *
 * Planned work holds an incident back unless it would be critical, or the criterion that decided
 * was written for planned events (it asks for some): an attack that takes down the shop is no part
 * of its maintenance, and whoever wrote a criterion for the maintenance meant it (R077).
 *
 * A flood of alerts comes of few rules and many events, or of many rules and few events.  So what
 * conditions ask of a rule is remembered for the last few rules, what they ask of an event for that
 * event, and most criteria cost two looks at an array.
 *
 * Always true:
 *
 *   (1) Nothing but working memory changes after criteria_new, and no clock is asked: the same
 *       events in the same order have the same outcomes under one generation.
 *   (2) The first criterion in the document's order that fits decides, and no other has a say.
 *   (3) An alert that is excepted is asked about by no criterion, and no threshold counts it.
 */

#include "detect/criteria.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "detect/criteria_private.h"

#define VIEWS             8                 /* rules that are remembered; a power of two */
#define EVENT_SCRATCH_MAX (4 * 1024 * 1024) /* names and values of one event's ends */

/* One call of criteria_judge.  What was asked once is remembered: of each criterion, and behind
 * them of each exception, an ASKED_…. */
struct judging {
    const struct criteria *criteria;
    struct criteria_state *state;
    size_t asked_count; /* criteria and exceptions */
    const struct batch *batch;
    struct arena *turn;
    struct arena *scratch; /* one event's */
    const uint8_t *names;  /* of the batch, as in criteria_ends.c */
    struct rule_view *views;
    uint8_t *asked; /* what they make of this event */
    struct event event;
    struct hit hit;
    struct str planned; /* the work that the event falls into */
    bool event_known;
};

struct verdict {
    struct str excepted;               /* slug; empty: it is not */
    const struct criterion *criterion; /* or NULL */
};

static enum err judging_init(struct judging *judging);
static enum err event_turn(struct judging *judging, uint32_t index);
static struct rule_view *view_of(struct judging *judging, const struct alert *alert);
static enum err exception_find(struct judging *judging, struct rule_view *view, struct str *ret);
static enum err criterion_find(struct judging *judging, struct rule_view *view,
                               const struct alert *alert, const struct criterion **ret);
static void outcome_fill(const struct judging *judging, const struct verdict *verdict,
                         const struct rule_view *view, struct outcome *ret);

/* Nothing but the rule has a say. */
static void rules_stand(struct alerts *alerts)
{
    for (size_t i = 0; i < alerts->count; i++) {
        struct alert *alert = &alerts->list[i];
        alert->outcome = (struct outcome){
            .type = criteria_type_of_rule(alert->rule_tags, alert->rule_title),
            .severity = alert->level,
        };
    }
}

static enum err alert_judge(struct judging *judging, struct alert *alert)
{
    struct verdict verdict = {0};
    struct rule_view *view = view_of(judging, alert);
    enum err err = exception_find(judging, view, &verdict.excepted);
    if (err == OK && verdict.excepted.size == 0) {
        err = criterion_find(judging, view, alert, &verdict.criterion);
    }
    if (err == OK) {
        outcome_fill(judging, &verdict, view, &alert->outcome);
    }
    return err;
}

enum err criteria_judge(const struct criteria *criteria, struct criteria_state *state,
                        const struct batch *batch, struct place first, struct arena *turn,
                        struct alerts *alerts)
{
    struct judging judging = {.criteria = criteria, .state = state, .batch = batch, .turn = turn};
    if (criteria == NULL || alerts->count == 0) {
        rules_stand(alerts);
        return OK;
    }
    enum err err = judging_init(&judging);
    for (size_t i = 0; i < alerts->count && err == OK; i++) {
        struct alert *alert = &alerts->list[i];
        assert(alert->place.sequence - first.sequence < batch->events);
        err = event_turn(&judging, (uint32_t)(alert->place.sequence - first.sequence));
        err = err == OK ? alert_judge(&judging, alert) : err;
    }
    arena_free(judging.scratch);
    return err;
}

static enum err sighting_excepted(struct judging *judging, const struct ruleset *ruleset,
                                  const struct sighting *sighting, bool *ret)
{
    struct rule_summary rule;
    struct str excepted = {0};
    ruleset_rule(ruleset, sighting->rule, &rule);
    const struct alert alert = {
        .rule_id = rule.id, .rule_tags = rule.tags, .rule_title = rule.title, .level = rule.level};
    enum err err = exception_find(judging, view_of(judging, &alert), &excepted);
    *ret = excepted.size > 0;
    return err;
}

enum err criteria_sightings(const struct criteria *criteria, const struct ruleset *ruleset,
                            const struct batch *batch, struct place first, struct arena *turn,
                            struct sightings *sightings, size_t *ret_left_out)
{
    struct judging judging = {.criteria = criteria, .batch = batch, .turn = turn};
    size_t kept = 0;
    *ret_left_out = 0;
    if (criteria == NULL || criteria->exceptions.count == 0 || sightings->count == 0) {
        return OK;
    }
    enum err err = judging_init(&judging);
    for (size_t i = 0; i < sightings->count && err == OK; i++) {
        const struct sighting *sighting = &sightings->list[i];
        bool excepted = false;
        assert(sighting->place.sequence - first.sequence < batch->events);
        err = event_turn(&judging, (uint32_t)(sighting->place.sequence - first.sequence));
        err = err == OK ? sighting_excepted(&judging, ruleset, sighting, &excepted) : err;
        if (err == OK && !excepted) {
            sightings->list[kept++] = *sighting;
        }
    }
    arena_free(judging.scratch);
    if (err == OK) {
        *ret_left_out = sightings->count - kept;
        sightings->count = kept;
    }
    return err;
}

static enum err judging_init(struct judging *judging)
{
    size_t count = judging->criteria->count + judging->criteria->exceptions.count;
    uint8_t *names;
    judging->asked_count = count;
    enum err err = ends_names(judging->batch, judging->turn, &names);
    judging->views = ARENA_ARRAY(judging->turn, struct rule_view, VIEWS);
    judging->asked = ARENA_ARRAY(judging->turn, uint8_t, (VIEWS + 1) * count + 1);
    if (err != OK || judging->views == NULL || judging->asked == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < VIEWS; i++) {
        judging->views[i].asked = judging->asked + (i + 1) * count;
    }
    judging->names = names;
    judging->scratch = arena_new(EVENT_SCRATCH_MAX);
    return judging->scratch != NULL ? OK : ERR_MEMORY;
}

/* An address in the one way of writing it, so that what happens to one is found together.  IPv4
 * has no other way. */
static enum err text_keep(struct arena *turn, struct str *text)
{
    struct network network = {.prefix = 128};
    char canonical[NETWORK_TEXT_SIZE];
    if (str_find_byte(*text, ':') == STR_NONE || address_parse(*text, network.address) != OK) {
        return arena_copy(turn, *text, text);
    }
    struct str whole = str_from(network_print(&network, canonical));
    return arena_copy(turn, str_cut(&whole, '/'), text);
}

/* Texts of the hit outlive its scratch.  The outside address stays as the record has it. */
static enum err hit_keep(struct arena *turn, struct hit *hit)
{
    enum err err = arena_copy(turn, hit->outside, &hit->outside);
    err = err == OK ? text_keep(turn, &hit->inside) : err;
    return err == OK ? text_keep(turn, &hit->other) : err;
}

static enum err event_turn(struct judging *judging, uint32_t index)
{
    struct ends ends;
    if (judging->event_known && judging->event.index == index) {
        return OK;
    }
    arena_reset(judging->scratch);
    batch_event(judging->batch, index, &judging->event);
    memset(judging->asked, ASKED_NOT_YET, judging->asked_count);
    const struct criteria *criteria = judging->criteria;
    enum err err = ends_read(&judging->event, judging->names, judging->scratch, &ends);
    if (err == OK) {
        hit_find(&criteria->assets, &ends, judging->batch->source, &judging->hit);
        err = hit_keep(judging->turn, &judging->hit);
    }
    if (err == OK) {
        judging->planned = works_find(&criteria->works, &judging->hit, event_time(&judging->event));
    }
    if (err == OK && criteria->exceptions.count > 0) {
        err = reading_event(criteria->exceptions.reading, &judging->event);
    }
    judging->event_known = err == OK;
    return err;
}

/* What criteria ask of the alert's rule.  Texts of alerts are borrowed from the rule set, so one
 * rule is known by where its texts lie. */
static struct rule_view *view_of(struct judging *judging, const struct alert *alert)
{
    uintptr_t where = (uintptr_t)alert->rule_tags.data ^ (uintptr_t)alert->rule_id.data;
    struct rule_view *view = &judging->views[(where >> 4) % VIEWS];
    if (view->type.size > 0 && view->id == alert->rule_id.data &&
        view->tags == alert->rule_tags.data && view->title == alert->rule_title.data &&
        view->level == alert->level) {
        return view;
    }
    uint8_t *asked = view->asked;
    rule_view_make(alert->rule_id, alert->rule_tags, alert->rule_title, alert->level, view);
    view->asked = asked;
    memset(view->asked, ASKED_NOT_YET, judging->asked_count);
    return view;
}

/* Whether the rule's side of something that is asked fits, remembered. */
static bool rule_fits(const struct criterion *criterion, struct rule_view *view, size_t at)
{
    if (view->asked[at] == ASKED_NOT_YET) {
        view->asked[at] = criterion_fits_rule(criterion, view) ? ASKED_FITS : ASKED_DOES_NOT;
    }
    return view->asked[at] == ASKED_FITS;
}

static enum err exception_find(struct judging *judging, struct rule_view *view, struct str *ret)
{
    const struct criteria *criteria = judging->criteria;
    for (size_t i = 0; i < criteria->exceptions.count; i++) {
        const struct exception *exception = &criteria->exceptions.list[i];
        size_t at = criteria->count + i;
        bool fits;
        if (!rule_fits(&exception->concern, view, at)) {
            continue;
        }
        if (judging->asked[at] == ASKED_NOT_YET) {
            enum err err = exception_fits_event(&criteria->exceptions, i, &criteria->assets,
                                                &judging->hit, &judging->event, &fits);
            if (err != OK) {
                return err;
            }
            judging->asked[at] = fits ? ASKED_FITS : ASKED_DOES_NOT;
        }
        if (judging->asked[at] == ASKED_FITS) {
            *ret = exception->concern.slug;
            return OK;
        }
    }
    return OK;
}

/* What a threshold counts apart. */
static enum err threshold_met(const struct judging *judging, const struct criterion *criterion,
                              const struct rule_view *view, const struct alert *alert, bool *ret)
{
    const struct hit *hit = &judging->hit;
    const struct assets *assets = &judging->criteria->assets;
    struct str by = criterion->by == BY_RULE ? view->folded_id : hit->other;
    if (criterion->by == BY_ASSET) {
        by = hit->asset != NONE ? assets->assets[hit->asset].slug : hit->inside;
    }
    if (criterion->at_least == 0) {
        *ret = true;
        return OK;
    }
    *ret = false;
    return judging->state == NULL
               ? OK
               : criteria_state_count(judging->state, criterion, by, alert->received, ret);
}

static enum err criterion_find(struct judging *judging, struct rule_view *view,
                               const struct alert *alert, const struct criterion **ret)
{
    const struct criteria *criteria = judging->criteria;
    for (size_t i = 0; i < criteria->count; i++) {
        const struct criterion *criterion = &criteria->list[i];
        bool fits = false;
        if (!rule_fits(criterion, view, i)) {
            continue;
        }
        if (judging->asked[i] == ASKED_NOT_YET) {
            enum err err = criterion_fits_event(criterion, &criteria->assets, &judging->hit,
                                                &judging->event, judging->scratch, &fits);
            if (err != OK) {
                return err;
            }
            judging->asked[i] = fits ? ASKED_FITS : ASKED_DOES_NOT;
        }
        if (judging->asked[i] == ASKED_DOES_NOT) {
            continue;
        }
        enum err err = threshold_met(judging, criterion, view, alert, &fits);
        if (err != OK || fits) {
            *ret = err == OK ? criterion : NULL;
            return err;
        }
    }
    return OK;
}

static struct str either(struct str first, struct str second)
{
    return first.size > 0 ? first : second;
}

/* Whether planned work holds back what would be an incident. */
static bool work_holds(const struct judging *judging, const struct criterion *criterion,
                       enum level severity)
{
    return judging->planned.size > 0 && severity < LEVEL_CRITICAL &&
           (criterion == NULL || !criterion->asks_events);
}

static void outcome_fill(const struct judging *judging, const struct verdict *verdict,
                         const struct rule_view *view, struct outcome *ret)
{
    const struct criteria *criteria = judging->criteria;
    const struct hit *hit = &judging->hit;
    const struct criterion *criterion = verdict->criterion;
    struct outcome outcome = {
        .type = view->type,
        .severity = view->level,
        .outside = hit->outside,
        .inside = hit->inside,
        .other = hit->other,
        .excepted = verdict->excepted,
        .planned = judging->planned,
        .documents = criteria->documents,
    };
    if (hit->asset != NONE) {
        outcome.asset = criteria->assets.assets[hit->asset].slug;
        outcome.owner = criteria->assets.assets[hit->asset].owner;
    }
    if (hit->segment != NONE) {
        outcome.zone = criteria->assets.segments[hit->segment].slug;
    }
    if (criterion != NULL) {
        outcome.criterion = criterion->slug;
        outcome.type = either(criterion->type, outcome.type);
        outcome.severity =
            criterion->severity != LEVEL_COUNT ? criterion->severity : outcome.severity;
        outcome.action = criterion->action;
        outcome.authorised = criterion->authorised;
    }
    outcome.incident = criterion != NULL && criterion->incident >= 0
                           ? criterion->incident == 1
                           : outcome.severity >= criteria->incident_from;
    outcome.incident = outcome.incident && verdict->excepted.size == 0 &&
                       !work_holds(judging, criterion, outcome.severity);
    if (outcome.incident) {
        struct str chain = either(criteria->chain_otherwise, criteria->chain_default);
        outcome.chain = criterion != NULL ? either(criterion->chain, chain) : chain;
    }
    *ret = outcome;
}
