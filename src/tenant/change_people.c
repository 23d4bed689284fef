/*
 * Applying the parties, people and engagements of a plan.
 *
 * Whoever may manage every client may change all of them.  A provider's administrator may, of what
 * decides who reaches a client, change only the people of their own party, and in an engagement of
 * it who is assigned and how far the work has come between build and end: a provider neither lets
 * itself in nor makes people of a client, who could then decide (R069).
 *
 * Who may not change a party or a client's engagement is told so before anything else is looked at,
 * so an apply is no way to ask who there is.
 *
 * Always true: an assignment names an active person of the engagement's party, in a role that the
 * person has.  Whoever leaves a party, or loses a role, is taken out of all engagements in the same
 * transaction, so that what is exported always applies.
 */

#include "tenant/store.h"

static const struct party_element *plan_party(const struct plan *plan, struct str slug);
static bool may_change_all(const struct apply *apply);
static bool administers(const struct apply *apply, struct str party);
static enum err refuse(const struct apply *apply, uint32_t line, uint32_t column, const char *what,
                       struct str path);
static enum err people_remove(struct apply *apply, struct client_id client, struct str party_slug,
                              const struct people *people);

/* ---- References. */

/* The roles that a person of a party has once the plan is applied; 0: no such person. */
static uint32_t roles_planned(const struct apply *apply, const struct plan *plan, struct str party,
                              struct str slug)
{
    const struct party_element *planned = plan_party(plan, party);
    for (size_t i = 0; planned != NULL && i < planned->people.count; i++) {
        if (str_equal(planned->people.list[i].slug, slug)) {
            return planned->people.list[i].roles;
        }
    }
    char path[PATH_SIZE_MAX];
    const struct person_state *known =
        planned == NULL ? state_person(apply->state, path_of(party, slug, path)) : NULL;
    return known != NULL && known->info.active ? known->element.roles : 0;
}

enum err engagement_refers(struct apply *apply, const struct plan *plan,
                           const struct engagement_element *engagement)
{
    struct str party = engagement->party;
    if (!may_change_all(apply) && !administers(apply, party)) {
        return OK; /* It may stand here as it is, and no other way; see engagement_store. */
    }
    if (plan_party(plan, party) == NULL && state_party(apply->state, party) == NULL) {
        return why_say_at(apply->why, ERR_SYNTAX, engagement->party_line, engagement->party_column,
                          "there is no party '%.*s'; describe it under 'parties:'", STR_ARG(party));
    }
    for (size_t i = 0; i < engagement->assignments_count; i++) {
        const struct assignment *assignment = &engagement->assignments[i];
        uint32_t roles = roles_planned(apply, plan, party, assignment->person);
        if (roles == 0) {
            return why_say_at(apply->why, ERR_SYNTAX, assignment->line, assignment->column,
                              "party '%.*s' has no person '%.*s'", STR_ARG(party),
                              STR_ARG(assignment->person));
        }
        if ((roles & 1u << assignment->role) == 0) {
            return why_say_at(apply->why, ERR_SYNTAX, assignment->line, assignment->column,
                              "'%.*s/%.*s' does not have the role '%s'; add it to the person",
                              STR_ARG(party), STR_ARG(assignment->person),
                              role_text(assignment->role));
        }
    }
    return OK;
}

enum err plan_refers(struct apply *apply, const struct plan *plan)
{
    enum err err = OK;
    for (size_t i = 0; i < plan->parties_count; i++) {
        const struct party_element *party = &plan->parties[i];
        if (!may_change_all(apply) && !administers(apply, party->slug)) {
            return refuse(apply, party->line, party->column, "party", party->slug);
        }
        if (state_client(apply->state, party->slug) != NULL) {
            return why_say_at(apply->why, ERR_CONFLICT, party->line, party->column,
                              "'%.*s' is a client; a party needs a slug of its own",
                              STR_ARG(party->slug));
        }
    }
    for (size_t i = 0; i < plan->count && err == OK; i++) {
        const struct client_element *client = &plan->clients[i];
        if (state_party(apply->state, client->slug) != NULL) {
            return why_say_at(apply->why, ERR_CONFLICT, client->line, client->column,
                              "'%.*s' is a party; a client needs a slug of its own",
                              STR_ARG(client->slug));
        }
        for (size_t j = 0; j < client->engagements_count && err == OK; j++) {
            err = engagement_refers(apply, plan, &client->engagements[j]);
        }
    }
    return err;
}

static const struct party_element *plan_party(const struct plan *plan, struct str slug)
{
    for (size_t i = 0; i < plan->parties_count; i++) {
        if (str_equal(plan->parties[i].slug, slug)) {
            return &plan->parties[i];
        }
    }
    return NULL;
}

/* ---- Who may. */

static bool may_change_all(const struct apply *apply)
{
    return apply->scope == NULL || scope_allows_all(apply->scope, RIGHT_MANAGE);
}

/* Whether the scope is that of an administrator of this party, and may manage its users. */
static bool administers(const struct apply *apply, struct str party)
{
    const struct state *state = apply->state;
    const struct person_state *person = state_person_id(state, scope_person(apply->scope));
    if (person == NULL || !person->info.active || !str_equal(person->info.party, party) ||
        !str_equal(person->name, scope_principal(apply->scope)) ||
        (person->element.roles & 1u << ROLE_PROVIDER_ADMIN) == 0) {
        return false;
    }
    for (size_t i = 0; i < state->clients_count; i++) {
        if (scope_allows(apply->scope, state->clients[i].info.id, RIGHT_USERS | RIGHT_MANAGE)) {
            return true;
        }
    }
    return false;
}

static enum err refuse(const struct apply *apply, uint32_t line, uint32_t column, const char *what,
                       struct str path)
{
    return why_say_at(apply->why, ERR_DENIED, line, column, "you may not change %s '%.*s'", what,
                      STR_ARG(path));
}

static bool may_change_engagement(const struct apply *apply, const struct engagement_record *known,
                                  const struct engagement_element *engagement)
{
    if (may_change_all(apply)) {
        return true;
    }
    return known != NULL && known->active && known->element.state >= ENGAGEMENT_BUILD &&
           known->element.state != ENGAGEMENT_ENDED && engagement->state >= ENGAGEMENT_BUILD &&
           str_equal(known->element.party, engagement->party) &&
           known->element.from.ns == engagement->from.ns &&
           known->element.to.ns == engagement->to.ns && administers(apply, engagement->party);
}

/* ---- Parties and people. */

enum err party_store(struct apply *apply, const struct party_element *party)
{
    uint32_t id;
    enum err err = party_store_alone(apply, party, &id);
    return err == OK ? people_store(apply, CLIENT_INSTALLATION, id, party->slug, &party->people)
                     : err;
}

enum err party_store_alone(struct apply *apply, const struct party_element *party, uint32_t *ret_id)
{
    const struct party_state *known = state_party(apply->state, party->slug);
    uint32_t id = known != NULL ? known->id : 0;
    buf_reset(&apply->canonical);
    enum err err = party_print(party, &apply->canonical);
    bool same = err == OK && known != NULL && canonical_is(apply, known->version);
    if (err == OK && !same && !may_change_all(apply) &&
        (known == NULL || known->element.kinds != party->kinds)) {
        err = refuse(apply, party->line, party->column, "party", party->slug);
    }
    if (err == OK && known == NULL) {
        err = store_party_new(&apply->store, party->slug, &party->name, &id);
    } else if (err == OK && !same) {
        err = store_party_rename(&apply->store, party->slug, &party->name);
    }
    if (err == OK) {
        err = change_store(apply, CLIENT_INSTALLATION, "party", party->slug,
                           known == NULL ? "new"
                           : same        ? "unchanged"
                                         : "changed");
    }
    *ret_id = id;
    return err;
}

enum err people_store(struct apply *apply, struct client_id client, uint32_t party,
                      struct str party_slug, const struct people *people)
{
    enum err err = OK;
    for (size_t i = 0; i < people->count && err == OK; i++) {
        err = person_store(apply, client, party, party_slug, &people->list[i]);
    }
    return err == OK ? people_remove(apply, client, party_slug, people) : err;
}

/* People of a client are changed by who may change everything. */
static bool may_change_person(const struct apply *apply, struct client_id client, struct str party)
{
    return may_change_all(apply) ||
           (client_equal(client, CLIENT_INSTALLATION) && administers(apply, party));
}

enum err person_store(struct apply *apply, struct client_id client, uint32_t party,
                      struct str party_slug, const struct person_element *person)
{
    char path[PATH_SIZE_MAX];
    struct str name = path_of(party_slug, person->slug, path);
    const struct person_state *known = state_person(apply->state, name);
    bool active = known != NULL && known->info.active;
    uint32_t id;
    buf_reset(&apply->canonical);
    enum err err = person_print(person, &apply->canonical);
    bool same = err == OK && active && canonical_is(apply, known->version);
    if (err == OK && !same && !may_change_person(apply, client, party_slug)) {
        err = refuse(apply, person->line, person->column, "person", name);
    }
    if (err == OK && known == NULL) {
        err = store_person_new(&apply->store, party, person->slug, &id);
    } else if (err == OK && !active) {
        err = store_person_active(&apply->store, known->info.id, true);
    }
    return err == OK ? change_store(apply, client, "person", name,
                                    !active ? "new"
                                    : same  ? "unchanged"
                                            : "changed")
                     : err;
}

static bool people_hold(const struct people *people, struct str slug)
{
    for (size_t i = 0; i < people->count; i++) {
        if (str_equal(people->list[i].slug, slug)) {
            return true;
        }
    }
    return false;
}

static enum err people_remove(struct apply *apply, struct client_id client, struct str party_slug,
                              const struct people *people)
{
    enum err err = OK;
    for (size_t i = 0; i < apply->state->people_count && err == OK; i++) {
        const struct person_state *person = &apply->state->people[i];
        if (!person->info.active || !str_equal(person->info.party, party_slug) ||
            people_hold(people, person->info.slug)) {
            continue;
        }
        if (!may_change_person(apply, client, party_slug)) {
            return refuse(apply, 0, 0, "person", person->name);
        }
        err = person_remove(apply, client, person);
    }
    return err;
}

enum err person_remove(struct apply *apply, struct client_id client,
                       const struct person_state *person)
{
    buf_reset(&apply->canonical);
    enum err err = buf_append(&apply->canonical, STR("null"));
    if (err == OK) {
        err = store_person_active(&apply->store, person->info.id, false);
    }
    return err == OK ? change_store(apply, client, "person", person->name, "removed") : err;
}

/* ---- Engagements. */

enum err engagement_store(struct apply *apply, struct client_id client, struct str client_slug,
                          const struct engagement_element *engagement)
{
    char path[PATH_SIZE_MAX];
    struct str name = path_of(client_slug, engagement->slug, path);
    const struct engagement_record *known =
        state_engagement(apply->state, client, engagement->slug);
    bool active = known != NULL && known->active;
    buf_reset(&apply->canonical);
    enum err err = engagement_print(engagement, &apply->canonical);
    bool same = err == OK && active && canonical_is(apply, known->version);
    if (err == OK && !same && !may_change_engagement(apply, known, engagement)) {
        err = refuse(apply, engagement->line, engagement->column, "engagement", name);
    }
    if (err == OK && known == NULL) {
        err = store_engagement_new(&apply->store, client, engagement->slug);
    } else if (err == OK && !active) {
        err = store_engagement_active(&apply->store, known->id, true);
    }
    return err == OK ? change_store(apply, client, "engagement", name,
                                    !active ? "new"
                                    : same  ? "unchanged"
                                            : "changed")
                     : err;
}

static bool client_holds(const struct client_element *client, struct str slug)
{
    for (size_t i = 0; i < client->engagements_count; i++) {
        if (str_equal(client->engagements[i].slug, slug)) {
            return true;
        }
    }
    return false;
}

enum err engagements_remove(struct apply *apply, struct client_id client,
                            const struct client_element *element)
{
    enum err err = OK;
    for (size_t i = 0; i < apply->state->engagements_count && err == OK; i++) {
        const struct engagement_record *known = &apply->state->engagements[i];
        char path[PATH_SIZE_MAX];
        struct str name = path_of(element->slug, known->info.slug, path);
        if (!known->active || !client_equal(known->info.client, client) ||
            client_holds(element, known->info.slug)) {
            continue;
        }
        if (!may_change_all(apply)) {
            return refuse(apply, element->line, element->column, "engagement", name);
        }
        buf_reset(&apply->canonical);
        err = buf_append(&apply->canonical, STR("null"));
        if (err == OK) {
            err = store_engagement_active(&apply->store, known->id, false);
        }
        if (err == OK) {
            err = change_store(apply, client, "engagement", name, "removed");
        }
    }
    return err;
}

static enum err engagement_prune(struct apply *apply, const struct plan *plan,
                                 const struct client_state *client,
                                 const struct engagement_record *known)
{
    struct engagement_element element = known->element;
    char path[PATH_SIZE_MAX];
    element.assignments_count = 0;
    element.assignments =
        ARENA_ARRAY(apply->mem, struct assignment, known->element.assignments_count);
    if (element.assignments == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < known->element.assignments_count; i++) {
        const struct assignment *assignment = &known->element.assignments[i];
        uint32_t roles = roles_planned(apply, plan, element.party, assignment->person);
        if ((roles & 1u << assignment->role) != 0) {
            element.assignments[element.assignments_count++] = *assignment;
        }
    }
    if (element.assignments_count == known->element.assignments_count) {
        return OK;
    }
    buf_reset(&apply->canonical);
    enum err err = engagement_print(&element, &apply->canonical);
    return err == OK ? change_store(apply, known->info.client, "engagement",
                                    path_of(client->info.slug, element.slug, path), "changed")
                     : err;
}

enum err engagements_prune(struct apply *apply, const struct plan *plan)
{
    const struct state *state = apply->state;
    size_t at = 0; /* both lists ascend by client */
    enum err err = OK;
    for (size_t i = 0; i < state->engagements_count && err == OK; i++) {
        const struct engagement_record *known = &state->engagements[i];
        while (state->clients[at].info.id.value < known->info.client.value) {
            at++;
        }
        if (known->active && plan_party(plan, known->element.party) != NULL &&
            plan_client(plan, state->clients[at].info.slug) == NULL) {
            err = engagement_prune(apply, plan, &state->clients[at], known);
        }
    }
    return err;
}
