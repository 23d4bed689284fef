/*
 * A generation of one client's criteria: tables that are made once of its documents.
 *
 *     bundle ─► documents ─► assets, criteria, calendars, exceptions, planned work, lists
 *
 * What an alert's way through them is, criteria_judge.c says.
 *
 * Always true:
 *
 *   (1) Nothing but working memory changes after criteria_new.
 *   (2) `documents` names every version of the bundle, whether or not it mattered.
 */

#include "detect/criteria.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "detect/criteria_private.h"
#include "service/service.h"

#define DOCUMENTS_MAX      16
#define DOCUMENTS_TEXT_MAX 4096

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
    err = err == OK ? criteria_lists_make(&criteria->assets, &making, &criteria->lists) : err;
    err = err == OK
              ? exceptions_make(&criteria->exceptions, &criteria->assets, criteria->lists, &making)
              : err;
    err = err == OK ? works_make(&criteria->works, &criteria->assets, &making) : err;
    err = err == OK ? enablements_make(&criteria->enablements, &criteria->assets, &making) : err;
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
    exceptions_done(&criteria->exceptions);
    works_done(&criteria->works);
    enablements_done(&criteria->enablements);
    lists_free(criteria->lists);
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
        {"detection", &making->detection},
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

/* ---- Before events are judged. */

const struct lists *criteria_lists(const struct criteria *criteria)
{
    return criteria != NULL ? criteria->lists : NULL;
}

enum err criteria_off(const struct criteria *criteria, const struct ruleset *ruleset,
                      struct arena *mem, const uint8_t **ret)
{
    size_t count = ruleset_rules(ruleset);
    if (criteria == NULL || criteria->enablements.count == 0) {
        *ret = NULL;
        return OK;
    }
    uint8_t *off = ARENA_ARRAY(mem, uint8_t, count + 1);
    if (off == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        struct rule_summary rule;
        ruleset_rule(ruleset, i, &rule);
        off[i] = !enablements_allow(&criteria->enablements, &rule);
    }
    *ret = off;
    return OK;
}
