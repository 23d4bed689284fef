/*
 * A generation of one client's criteria, and an alert's way through it.
 *
 *     bundle ─► documents ─► tables (assets, criteria, calendars)      once a generation
 *
 *     alert ─► its event's ends ─► hit: asset, segment, other end      once an event
 *           ─► the first criterion that fits ─► outcome
 *
 * What a criterion does not say stays as the rule said it: severity is the rule's level, the type
 * comes of the rule's tags.  Whether it is an incident, and which chain is climbed, then follow
 * from `otherwise`, by the severity; the chain failing that is the default one of the contacts.
 * Without a criteria document nothing is an incident (R065): the alert stands, with the asset that
 * it concerns as far as the other documents tell.
 *
 * A flood of alerts comes of few rules and many events, or of many rules and few events.  So what
 * conditions ask of a rule is remembered for the last few rules, what they ask of an event for that
 * event, and most criteria cost two looks at an array.
 *
 * Always true:
 *
 *   (1) Nothing changes after criteria_new, and no clock is asked: one event under one generation
 *       has one outcome.
 *   (2) The first criterion in the document's order that fits decides, and no other has a say.
 *   (3) `documents` names every version of the bundle, whether or not it mattered.
 */

#include "detect/criteria.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "codec/crypto.h"
#include "detect/criteria_private.h"
#include "service/service.h"

#define VIEWS              8 /* rules that are remembered; a power of two */
#define DOCUMENTS_MAX      16
#define DOCUMENTS_TEXT_MAX 4096
#define EVENT_SCRATCH_MAX  (4 * 1024 * 1024) /* names and values of one event's ends */

struct criteria {
    struct arena *mem;
    char hash[2 * SHA256_SIZE + 1];
    struct str documents;
    struct assets assets;
    struct calendars calendars;
    struct criterion *list; /* NULL: there is no criteria document */
    size_t count;
    enum level incident_from; /* LEVEL_COUNT: never */
    struct str chain_otherwise, chain_default;
};

static enum err bundle_read(struct str bundle, struct making *making, struct criteria *criteria);
static enum err calendars_make(struct criteria *criteria, const struct making *making);
static enum err list_make(struct criteria *criteria, const struct making *making);
static enum err chains_make(struct criteria *criteria, const struct making *making);

enum err criteria_new(struct str bundle, struct str sources, struct zones *zones,
                      struct criteria **ret, struct why *why)
{
    struct criteria *criteria = calloc(1, sizeof *criteria);
    if (criteria == NULL) {
        return ERR_MEMORY;
    }
    const struct str hashed[] = {bundle, STR("\nsources\n"), sources};
    struct sha256 hash = sha256_of(hashed, 3);
    (void)hex_print(hash.bytes, sizeof hash.bytes, criteria->hash);
    struct making making = {.mem = arena_new(CRITERIA_MEMORY_MAX),
                            .scratch = arena_new(CRITERIA_MEMORY_MAX),
                            .zones = zones,
                            .seed = get_u64(hash.bytes),
                            .why = why};
    criteria->mem = making.mem;
    assets_init(&criteria->assets, making.seed);
    enum err err = making.mem == NULL || making.scratch == NULL ? ERR_MEMORY : OK;
    err = err == OK ? bundle_read(bundle, &making, criteria) : err;
    err = err == OK ? assets_make(&criteria->assets, &making, sources) : err;
    err = err == OK ? calendars_make(criteria, &making) : err;
    err = err == OK ? list_make(criteria, &making) : err;
    err = err == OK ? chains_make(criteria, &making) : err;
    arena_free(making.scratch);
    if (err != OK) {
        criteria_free(criteria);
        return err;
    }
    *ret = criteria;
    return OK;
}

void criteria_free(struct criteria *criteria)
{
    if (criteria == NULL) {
        return;
    }
    for (size_t i = 0; i < criteria->count; i++) {
        criterion_done(&criteria->list[i]);
    }
    for (size_t i = 0; i < criteria->calendars.count; i++) {
        calendar_free(criteria->calendars.list[i].calendar);
    }
    assets_done(&criteria->assets);
    arena_free(criteria->mem);
    free(criteria);
}

struct str criteria_hash(const struct criteria *criteria)
{
    return str_from(criteria->hash);
}

/* ---- Making a generation. */

static int names_compare(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* "assets:HASH calendars:HASH …" */
static enum err documents_name(struct str *names, size_t count, struct criteria *criteria)
{
    struct buf joined;
    enum err err = OK;
    qsort(names, count, sizeof *names, names_compare);
    buf_init(&joined, DOCUMENTS_TEXT_MAX);
    for (size_t i = 0; i < count && err == OK; i++) {
        err = buf_print(&joined, "%s%.*s", i > 0 ? " " : "", STR_ARG(names[i]));
    }
    err = err == OK ? arena_copy(criteria->mem, buf_str(&joined), &criteria->documents) : err;
    buf_done(&joined);
    return err;
}

static enum err bundle_read(struct str bundle, struct making *making, struct criteria *criteria)
{
    const struct {
        const char *kind;
        const struct element **root;
    } kinds[] = {
        {"assets", &making->assets},       {"table-1", &making->table},
        {"log-sources", &making->sources}, {"calendars", &making->calendars},
        {"contacts", &making->contacts},   {"criteria", &making->criteria},
    };
    struct str names[DOCUMENTS_MAX];
    size_t count = 0;
    enum err err = OK;
    while (err == OK) {
        struct document document;
        struct str hash;
        err = service_bundle_next(&bundle, making->scratch, &document, &hash);
        if (err != OK) {
            break;
        }
        const char *kind = schema_kind(document.schema);
        if (count == DOCUMENTS_MAX) {
            return why_say(making->why, ERR_CORRUPT, 0, "the bundle has too many documents");
        }
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            if (strcmp(kinds[i].kind, kind) == 0) {
                *kinds[i].root = document.root;
            }
        }
        err = arena_print(making->scratch, &names[count++], "%s:%.*s", kind, STR_ARG(hash));
    }
    return err == ERR_NOT_FOUND ? documents_name(names, count, criteria) : err;
}

static enum err calendars_make(struct criteria *criteria, const struct making *making)
{
    const struct element *list = element_get(making->calendars, "calendars");
    struct calendars *calendars = &criteria->calendars;
    calendars->list =
        ARENA_ARRAY(making->mem, struct criteria_calendar, list != NULL ? list->count + 1 : 1);
    enum err err = calendars->list == NULL ? ERR_MEMORY : OK;
    for (const struct element *item = list != NULL ? list->first : NULL; item != NULL && err == OK;
         item = item->next) {
        struct criteria_calendar *calendar = &calendars->list[calendars->count];
        err = arena_copy(making->mem, item->slug, &calendar->slug);
        err = err == OK ? calendar_new(making->zones, item, &calendar->calendar, making->why) : err;
        calendars->count += err == OK;
    }
    return err;
}

static enum err list_make(struct criteria *criteria, const struct making *making)
{
    const struct element *list = element_get(making->criteria, "criteria");
    if (making->criteria == NULL) {
        return OK;
    }
    criteria->list = ARENA_ARRAY(making->mem, struct criterion, list != NULL ? list->count + 1 : 1);
    enum err err = criteria->list == NULL ? ERR_MEMORY : OK;
    for (const struct element *item = list != NULL ? list->first : NULL; item != NULL && err == OK;
         item = item->next) {
        err = criterion_make(&criteria->list[criteria->count++], item, &criteria->assets,
                             &criteria->calendars, making);
    }
    return err;
}

/* What holds where nothing is said about `otherwise` at all. */
static struct str incident_from_initial(void)
{
    const struct schema_element *element =
        schema_element_find(schema_find(STR("criteria")), STR("otherwise/incident_from"));
    return str_from(element != NULL ? element->initial : NULL);
}

static enum err chains_make(struct criteria *criteria, const struct making *making)
{
    const struct element *otherwise = element_get(making->criteria, "otherwise");
    const struct element *chains = element_get(making->contacts, "chains");
    struct str from =
        otherwise != NULL ? element_text(otherwise, "incident_from") : incident_from_initial();
    struct str usual = {0};
    criteria->incident_from = LEVEL_COUNT; /* also for "never" */
    if (making->criteria != NULL) {
        UNHEEDED(level_parse(from, &criteria->incident_from));
    }
    for (const struct element *chain = chains != NULL ? chains->first : NULL; chain != NULL;
         chain = chain->next) {
        if (usual.size == 0 && element_number(chain, "default", 0) != 0) {
            usual = chain->slug;
        }
    }
    enum err err = arena_copy(making->mem, usual, &criteria->chain_default);
    return err == OK ? arena_copy(making->mem, element_text(otherwise, "chain"),
                                  &criteria->chain_otherwise)
                     : err;
}

/* ---- Judging. */

/* One call of criteria_judge. */
struct judging {
    const struct criteria *criteria;
    const struct batch *batch;
    struct arena *turn;
    struct arena *scratch; /* one event's */
    const uint8_t *names;  /* of the batch, as in criteria_ends.c */
    struct rule_view *views;
    uint8_t *asked; /* of each criterion: what it makes of this event */
    struct event event;
    struct hit hit;
    bool event_known;
};

static enum err judging_init(struct judging *judging);
static enum err event_turn(struct judging *judging, uint32_t index);
static struct rule_view *view_of(struct judging *judging, const struct alert *alert);
static enum err criterion_find(struct judging *judging, struct rule_view *view,
                               const struct criterion **ret);
static void outcome_fill(const struct criteria *criteria, const struct hit *hit,
                         const struct criterion *criterion, const struct rule_view *view,
                         struct outcome *ret);

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

enum err criteria_judge(const struct criteria *criteria, const struct batch *batch,
                        struct place first, struct arena *turn, struct alerts *alerts)
{
    struct judging judging = {.criteria = criteria, .batch = batch, .turn = turn};
    if (criteria == NULL || alerts->count == 0) {
        rules_stand(alerts);
        return OK;
    }
    enum err err = judging_init(&judging);
    for (size_t i = 0; i < alerts->count && err == OK; i++) {
        struct alert *alert = &alerts->list[i];
        const struct criterion *criterion = NULL;
        assert(alert->place.sequence - first.sequence < batch->events);
        err = event_turn(&judging, (uint32_t)(alert->place.sequence - first.sequence));
        struct rule_view *view = view_of(&judging, alert);
        err = err == OK ? criterion_find(&judging, view, &criterion) : err;
        if (err == OK) {
            outcome_fill(criteria, &judging.hit, criterion, view, &alert->outcome);
        }
    }
    arena_free(judging.scratch);
    return err;
}

static enum err judging_init(struct judging *judging)
{
    size_t count = judging->criteria->count;
    uint8_t *names;
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
    memset(judging->asked, ASKED_NOT_YET, judging->criteria->count);
    enum err err = ends_read(&judging->event, judging->names, judging->scratch, &ends);
    if (err == OK) {
        hit_find(&judging->criteria->assets, &ends, judging->batch->source, &judging->hit);
        err = hit_keep(judging->turn, &judging->hit);
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
    view->id = alert->rule_id.data;
    view->tags = alert->rule_tags.data;
    view->title = alert->rule_title.data;
    view->level = alert->level;
    view->type = criteria_type_of_rule(alert->rule_tags, alert->rule_title);
    view->folded_id = text_fold(alert->rule_id, view->id_text);
    view->tags_count = 0;
    size_t used = 0;
    for (struct str rest = alert->rule_tags; rest.size > 0 && view->tags_count < RULE_TAGS_MAX;) {
        struct str tag = str_cut(&rest, ' ');
        if (tag.size > 0 && tag.size <= FOLDED_MAX && used + FOLDED_MAX <= RULE_TAGS_SIZE_MAX) {
            view->folded_tags[view->tags_count++] = text_fold(tag, view->tags_text + used);
            used += tag.size;
        }
    }
    memset(view->asked, ASKED_NOT_YET, judging->criteria->count);
    return view;
}

static enum err criterion_find(struct judging *judging, struct rule_view *view,
                               const struct criterion **ret)
{
    const struct criteria *criteria = judging->criteria;
    for (size_t i = 0; i < criteria->count; i++) {
        const struct criterion *criterion = &criteria->list[i];
        bool fits;
        if (view->asked[i] == ASKED_NOT_YET) {
            view->asked[i] = criterion_fits_rule(criterion, view) ? ASKED_FITS : ASKED_DOES_NOT;
        }
        if (view->asked[i] == ASKED_DOES_NOT) {
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
        if (judging->asked[i] == ASKED_FITS) {
            *ret = criterion;
            return OK;
        }
    }
    return OK;
}

static struct str either(struct str first, struct str second)
{
    return first.size > 0 ? first : second;
}

static void outcome_fill(const struct criteria *criteria, const struct hit *hit,
                         const struct criterion *criterion, const struct rule_view *view,
                         struct outcome *ret)
{
    struct outcome outcome = {
        .type = view->type,
        .severity = view->level,
        .outside = hit->outside,
        .inside = hit->inside,
        .other = hit->other,
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
    if (outcome.incident) {
        struct str chain = either(criteria->chain_otherwise, criteria->chain_default);
        outcome.chain = criterion != NULL ? either(criterion->chain, chain) : chain;
    }
    *ret = outcome;
}
