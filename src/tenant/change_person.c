/*
 * One person or one engagement changed from the portal: the rows, versions and lines of the audit
 * trail are those that an apply would write (change_people.c), since the same functions write them.
 * So there is one way for a change to be, an export shows it, and the next apply of a file that
 * names the party decides about it.
 *
 * What comes from outside is printed as canonical JSON and read back by the reader of apply files,
 * so a name, a mail address, a role or an assignment is as good here as there.
 *
 * Who manages people: of a provider its administrators, of a client its responsible persons, each
 * of their own party alone.  So nobody makes people of a client from a provider's side (R069), and
 * no client's person has a role of a provider, since the reader knows what a party can give.
 *
 * Always true: nobody takes the managing role from themselves, nor themselves from the party, so
 * whoever may manage people today is there tomorrow to be asked; one transaction holds a change and
 * what follows from it.
 */

#include "codec/yaml.h"
#include "ledger/ledger.h"
#include "tenant/store.h"

/* Two copies of one party's people, and the changes' names. */
#define CHANGE_MEMORY_MAX ((size_t)64 << 20)

static enum role managing_role(const struct person_state *person)
{
    return person->client.value != 0 ? ROLE_RESPONSIBLE : ROLE_PROVIDER_ADMIN;
}

static bool token_may(const struct scope *scope, const struct state *state)
{
    for (size_t i = 0; i < state->clients_count; i++) {
        if (scope_allows(scope, state->clients[i].info.id, RIGHT_USERS)) {
            return true;
        }
    }
    return false;
}

/* Who asks, as a person of the state; NULL: none, or not the one that the scope names. */
static const struct person_state *person_asking(const struct scope *scope,
                                                const struct state *state, uint32_t by)
{
    const struct person_state *own =
        state_person_id(state, scope != NULL ? scope_person(scope) : by);
    bool same = own != NULL && (scope == NULL || str_equal(own->name, scope_principal(scope)));
    return same && own->info.active ? own : NULL;
}

static enum err managing_check(const struct scope *scope, const struct state *state,
                               const struct person_state *own, struct why *why)
{
    if ((own->element.roles & 1u << managing_role(own)) == 0 ||
        (scope != NULL && !token_may(scope, state))) {
        return why_say(why, ERR_DENIED, 0, "you may not manage the people of your party");
    }
    return OK;
}

enum err people_managed(const struct scope *scope, const struct state *state, uint32_t by,
                        const struct person_state *person, struct str *ret_principal,
                        struct why *why)
{
    const struct person_state *own = person_asking(scope, state, by);
    if (person != NULL && scope != NULL && scope_allows_all(scope, RIGHT_MANAGE)) {
        *ret_principal = scope_principal(scope);
        return OK;
    }
    if (person == NULL || own == NULL || own->party != person->party) {
        return ERR_NOT_FOUND;
    }
    *ret_principal = own->name;
    return managing_check(scope, state, own, why);
}

/* ---- The reader's opinion of what comes from outside. */

/* Line and column would be those of our own text. */
static enum err opinion(enum err err, struct why *why)
{
    if (err != OK && why != NULL) {
        why->line = 0;
        why->column = 0;
    }
    return err;
}

static enum err canonical_parse(struct apply *apply, struct yaml_node **ret)
{
    struct str text;
    enum err err = arena_copy(apply->mem, buf_str(&apply->canonical), &text);
    if (err == OK) {
        err = yaml_parse(text, apply->mem, ret, apply->why);
    }
    return err == OK ? element_marks_check(*ret, apply->why) : err;
}

static enum err person_read_back(struct apply *apply, uint32_t roles, struct str slug,
                                 const struct person_wish *wish, struct person_element *ret)
{
    const struct person_element wished = {
        .slug = slug,
        .name = {wish->name_ja, wish->name_en},
        .mail = wish->mail,
        .language = wish->language,
        .roles = wish->roles,
    };
    struct yaml_node *node;
    buf_reset(&apply->canonical);
    enum err err = person_print(&wished, &apply->canonical);
    if (err == OK) {
        err = canonical_parse(apply, &node);
    }
    if (err == OK) {
        err = person_read(node, roles, ret, apply->why);
    }
    return opinion(err, apply->why);
}

static enum err engagement_read_back(struct apply *apply, const struct engagement_element *known,
                                     const struct assignment *list, size_t count,
                                     struct engagement_element *ret)
{
    struct engagement_element wished = *known;
    struct yaml_node *node;
    wished.assignments_count = 0;
    wished.assignments = ARENA_ARRAY(apply->mem, struct assignment, count + 1);
    if (wished.assignments == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        wished.assignments[wished.assignments_count++] = list[i];
    }
    buf_reset(&apply->canonical);
    enum err err = engagement_print(&wished, &apply->canonical);
    if (err == OK) {
        err = canonical_parse(apply, &node);
    }
    if (err == OK) {
        err = engagement_read(node, apply->mem, ret, apply->why);
    }
    return opinion(err, apply->why);
}

/* ---- One change, from its beginning to its end. */

static enum err change_begin(struct apply *apply, struct tenant *tenant, struct str principal,
                             struct wall now, struct why *why)
{
    *apply = (struct apply){
        .store = {tenant->ledger, principal, now},
        .state = tenant->state,
        .mem = arena_new(CHANGE_MEMORY_MAX),
        .why = why,
    };
    buf_init(&apply->canonical, VERSION_SIZE_MAX);
    return apply->mem != NULL ? OK : ERR_MEMORY;
}

static enum err change_end(struct apply *apply, enum err err)
{
    buf_done(&apply->canonical);
    arena_free(apply->mem);
    return err;
}

/* Takes who has lost a role, or has left, out of the engagements of a party that is no client's:
 * `element` as it will be, NULL: gone. */
static enum err assignments_follow(struct apply *apply, const struct person_state *person,
                                   const struct person_element *element)
{
    const struct state *state = apply->state;
    const struct party_state *party = state_party(state, person->info.party);
    struct person_element *people =
        ARENA_ARRAY(apply->mem, struct person_element, state->people_count + 1);
    if (party == NULL || people == NULL) {
        return party == NULL ? OK : ERR_MEMORY;
    }
    struct party_element planned = party->element;
    planned.people = (struct people){.list = people};
    for (size_t i = 0; i < state->people_count; i++) {
        const struct person_state *other = &state->people[i];
        if (other->party == person->party && other->info.active && other != person) {
            people[planned.people.count++] = other->element;
        }
    }
    if (element != NULL) {
        people[planned.people.count++] = *element;
    }
    const struct plan plan = {.parties = &planned, .parties_count = 1};
    return engagements_prune(apply, &plan);
}

static uint32_t roles_of_party(const struct state *state, const struct person_state *person)
{
    const struct party_state *party = state_party(state, person->info.party);
    return party != NULL ? party_roles(party->element.kinds) : CLIENT_ROLES;
}

/* Versions of a party's people stand under the installation's own client. */
static struct client_id client_of(const struct person_state *person)
{
    return person->client.value != 0 ? person->client : CLIENT_INSTALLATION;
}

/* ---- People. */

static enum err make_check(const struct state *state, struct str party, struct str slug,
                           struct why *why)
{
    char text[PATH_SIZE_MAX];
    if (!str_is_slug(slug)) {
        return why_say(why, ERR_SYNTAX, 0,
                       "a person's name has 1 to %d of a-z, 0-9 and '-', and does not begin with "
                       "'-'",
                       SLUG_SIZE_MAX);
    }
    struct str path = path_of(party, slug, text);
    const struct person_state *known = state_person(state, path);
    if (known != NULL && known->info.active) {
        return why_say(why, ERR_EXISTS, 0, "there is a person '%.*s' already", STR_ARG(path));
    }
    if (known != NULL) {
        return why_say(why, ERR_EXISTS, 0, "'%.*s' has left; make them active again instead",
                       STR_ARG(path));
    }
    return OK;
}

enum err tenant_person_make(const struct scope *scope, struct tenant *tenant, uint32_t by,
                            struct str slug, const struct person_wish *wish, struct wall now,
                            struct why *why)
{
    const struct person_state *own = person_asking(scope, tenant->state, by);
    struct person_element element;
    struct bracket bracket;
    struct apply apply;
    if (own == NULL) {
        return why_say(why, ERR_DENIED, 0, "only who belongs to a party adds people to it");
    }
    enum err err = managing_check(scope, tenant->state, own, why);
    if (err == OK) {
        err = make_check(tenant->state, own->info.party, slug, why);
    }
    if (err != OK) {
        return err;
    }
    err = change_begin(&apply, tenant, own->name, now, why);
    if (err == OK) {
        err = person_read_back(&apply, roles_of_party(tenant->state, own), slug, wish, &element);
    }
    if (err == OK) {
        err = bracket_open(tenant, &bracket);
    }
    if (err == OK) {
        err = person_store(&apply, client_of(own), own->party, own->info.party, &element);
        err = bracket_close_state(&bracket, err, why);
    }
    return change_end(&apply, err);
}

static enum err self_check(const struct person_state *person, const struct person_wish *wish,
                           bool active, struct why *why)
{
    if (!active) {
        return why_say(why, ERR_CONFLICT, 0,
                       "nobody takes themselves out of their party; ask another who manages it");
    }
    if ((wish->roles & 1u << managing_role(person)) == 0) {
        return why_say(why, ERR_CONFLICT, 0,
                       "nobody takes the role '%s' from themselves; ask another who has it",
                       role_text(managing_role(person)));
    }
    return OK;
}

static enum err change_write(struct apply *apply, const struct person_state *person,
                             const struct person_element *element)
{
    enum err err = OK;
    if (element != NULL) {
        err = person_store(apply, client_of(person), person->party, person->info.party, element);
    } else if (person->info.active) {
        err = person_remove(apply, client_of(person), person);
    }
    return err == OK ? assignments_follow(apply, person, element) : err;
}

enum err tenant_person_change(const struct scope *scope, struct tenant *tenant, uint32_t by,
                              struct str name, const struct person_wish *wish, bool active,
                              struct wall now, struct why *why)
{
    const struct person_state *person = state_person(tenant->state, name);
    struct person_element element;
    struct str principal;
    struct bracket bracket;
    struct apply apply;
    enum err err = people_managed(scope, tenant->state, by, person, &principal, why);
    if (err == OK && person == person_asking(scope, tenant->state, by)) {
        err = self_check(person, wish, active, why);
    }
    if (err != OK) {
        return err;
    }
    err = change_begin(&apply, tenant, principal, now, why);
    if (err == OK && active) {
        err = person_read_back(&apply, roles_of_party(tenant->state, person), person->info.slug,
                               wish, &element);
    }
    if (err == OK) {
        err = bracket_open(tenant, &bracket);
    }
    if (err == OK) {
        err = change_write(&apply, person, active ? &element : NULL);
        err = bracket_close_state(&bracket, err, why);
    }
    return change_end(&apply, err);
}

enum err tenant_language_set(struct tenant *tenant, uint32_t person, enum language language,
                             struct wall now)
{
    const struct person_state *state = state_person_id(tenant->state, person);
    struct bracket bracket;
    struct apply apply;
    if (state == NULL || !state->info.active) {
        return ERR_DENIED;
    }
    struct person_element element = state->element;
    element.language = language;
    enum err err = change_begin(&apply, tenant, state->name, now, NULL);
    if (err == OK) {
        err = bracket_open(tenant, &bracket);
    }
    if (err == OK) {
        err = person_store(&apply, client_of(state), state->party, state->info.party, &element);
        err = bracket_close_state(&bracket, err, NULL);
    }
    return change_end(&apply, err);
}

/* ---- Assignments. */

enum err tenant_assign(const struct scope *scope, struct tenant *tenant, struct client_id client,
                       struct str slug, const struct assignment *list, size_t count,
                       struct wall now, struct why *why)
{
    static const struct plan nothing;
    const struct engagement_record *known = state_engagement(tenant->state, client, slug);
    struct engagement_element element;
    struct str client_slug = {0};
    struct bracket bracket;
    struct apply apply;
    for (size_t i = 0; i < tenant->state->clients_count; i++) {
        const struct client_info *info = &tenant->state->clients[i].info;
        client_slug = client_equal(info->id, client) ? info->slug : client_slug;
    }
    if (known == NULL || !known->active || !scope_allows(scope, client, RIGHT_MANAGE)) {
        return ERR_NOT_FOUND;
    }
    enum err err = change_begin(&apply, tenant, scope_principal(scope), now, why);
    apply.scope = scope;
    if (err == OK) {
        err = engagement_read_back(&apply, &known->element, list, count, &element);
    }
    if (err == OK) {
        err = opinion(engagement_refers(&apply, &nothing, &element), why);
    }
    if (err == OK) {
        err = bracket_open(tenant, &bracket);
    }
    if (err == OK) {
        err = engagement_store(&apply, client, client_slug, &element);
        err = bracket_close_state(&bracket, opinion(err, why), why);
    }
    return change_end(&apply, err);
}
