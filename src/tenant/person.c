/*
 * People, and what each may do at a moment.
 *
 *     a client's own people    their roles, for that client alone
 *     a provider's people      through an engagement of their party that is in force:
 * administrators without more, all others in the roles that they are assigned in it auditors and
 * bidders     through an engagement of their party that is in force; where the party is of another
 * kind too, only if they are assigned
 *
 * An engagement is in force while its state is not "ended" and the moment is in [from, to).  Until
 * the contract is made (planning, selection, contract) a provider is one among others: its people
 * read documents as bidders do, and no more.
 *
 * Always true: nothing is kept from one call to the next, so a change counts at once; a role counts
 * only as far as the person has it now; a grant has a role, since one without any stands on the
 * installation's own side.
 */

#include <assert.h>
#include <stdlib.h>

#include "ledger/ledger.h"
#include "tenant/private.h"

static uint32_t engagement_roles(const struct person_state *person, uint32_t kinds,
                                 const struct engagement_element *engagement);

bool tenant_person_at(const struct tenant *tenant, size_t index, struct person_info *ret)
{
    if (index >= tenant->state->people_count) {
        return false;
    }
    *ret = tenant->state->people[index].info;
    return true;
}

enum err tenant_person_find(const struct tenant *tenant, struct str name, struct person_info *ret)
{
    const struct person_state *person = state_person(tenant->state, name);
    if (person == NULL) {
        return ERR_NOT_FOUND;
    }
    *ret = person->info;
    return OK;
}

enum err tenant_person_get(const struct tenant *tenant, uint32_t id, struct person_info *ret)
{
    const struct person_state *person = state_person_id(tenant->state, id);
    if (person == NULL) {
        return ERR_NOT_FOUND;
    }
    *ret = person->info;
    return OK;
}

enum err tenant_person_door(struct tenant *tenant, uint32_t person, struct person_door *ret)
{
    struct statement *statement;
    bool row;
    enum err err = ledger_prepare(
        tenant->ledger,
        "SELECT coalesce((SELECT confirmed IS NOT NULL FROM factor f WHERE f.person = p.id), 0),"
        " (SELECT count(*) FROM recovery_code r WHERE r.person = p.id),"
        " coalesce(p.signed_in, 0), p.signed_in IS NULL FROM person p WHERE p.id = ?",
        &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, person);
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err != OK || !row) {
        return err != OK ? err : ERR_NOT_FOUND;
    }
    bool never = statement_int(statement, 3) != 0;
    *ret = (struct person_door){
        .second_factor = statement_int(statement, 0) != 0,
        .recovery_codes = (uint32_t)statement_int(statement, 1),
        .seen = never ? WALL_NONE : (struct wall){statement_int(statement, 2)},
    };
    statement_reset(statement);
    return OK;
}

bool tenant_engagement_at(const struct tenant *tenant, size_t index, struct engagement_info *ret)
{
    const struct state *state = tenant->state;
    for (size_t i = 0; i < state->engagements_count; i++) {
        if (state->engagements[i].active && index-- == 0) {
            const struct party_state *party = state_party(state, state->engagements[i].info.party);
            *ret = state->engagements[i].info;
            if (party != NULL) {
                ret->party_ja = party->element.name.ja;
                ret->party_en = party->element.name.en;
            }
            return true;
        }
    }
    return false;
}

/* ---- Scopes. */

static bool in_force(const struct engagement_record *engagement, struct wall now)
{
    const struct engagement_element *element = &engagement->element;
    return engagement->active && element->state != ENGAGEMENT_ENDED &&
           (!wall_known(element->from) || now.ns >= element->from.ns) &&
           (!wall_known(element->to) || now.ns < element->to.ns);
}

static uint32_t mask_rights(uint32_t roles)
{
    uint32_t rights = 0;
    for (int i = 0; i < ROLE_COUNT; i++) {
        rights |= (roles & 1u << i) != 0 ? role_rights((enum role)i) : 0;
    }
    return rights;
}

/* What an engagement adds to what the person is for its client. */
static void engagement_grant(const struct person_state *person, uint32_t kinds,
                             const struct engagement_element *engagement, struct scope_grant *grant)
{
    uint32_t roles = engagement_roles(person, kinds, engagement);
    uint32_t provider = roles & PROVIDER_ROLES;
    if (provider != 0 && engagement->state < ENGAGEMENT_BUILD) {
        roles = (roles & ~provider) | 1u << ROLE_BIDDER;
    }
    grant->roles |= roles;
    grant->rights |= mask_rights(roles);
}

static uint32_t engagement_roles(const struct person_state *person, uint32_t kinds,
                                 const struct engagement_element *engagement)
{
    uint32_t own = person->element.roles & party_roles(kinds);
    uint32_t unassigned = 1u << ROLE_PROVIDER_ADMIN;
    uint32_t assigned = 0;
    if (kinds == 1u << PARTY_AUDITOR || kinds == 1u << PARTY_BIDDER) {
        unassigned |= 1u << ROLE_AUDITOR | 1u << ROLE_BIDDER;
    }
    for (size_t i = 0; i < engagement->assignments_count; i++) {
        if (str_equal(engagement->assignments[i].person, person->info.slug)) {
            assigned |= 1u << engagement->assignments[i].role;
        }
    }
    return own & (assigned | unassigned);
}

/* Everything that the person reaches now, ascending by client. */
static size_t person_grants(const struct state *state, const struct person_state *person,
                            struct wall now, struct scope_grant *grants)
{
    const struct party_state *party = state_party(state, person->info.party);
    size_t count = 0;
    size_t at = 0;
    for (size_t i = 0; i < state->clients_count; i++) {
        struct client_id client = state->clients[i].info.id;
        struct scope_grant grant = {.client = client.value};
        if (client_equal(client, person->client)) {
            grant.roles = person->element.roles & CLIENT_ROLES;
            grant.rights = mask_rights(grant.roles);
        }
        for (; at < state->engagements_count &&
               state->engagements[at].info.client.value <= client.value;
             at++) {
            const struct engagement_record *engagement = &state->engagements[at];
            if (party != NULL && client_equal(engagement->info.client, client) &&
                str_equal(engagement->element.party, person->info.party) &&
                in_force(engagement, now)) {
                engagement_grant(person, party->element.kinds, &engagement->element, &grant);
            }
        }
        if (grant.rights != 0) {
            grants[count++] = grant;
        }
    }
    return count;
}

enum err person_scope(const struct tenant *tenant, uint32_t id, uint32_t rights, struct str purpose,
                      struct wall now, struct scope **ret)
{
    const struct state *state = tenant->state;
    const struct person_state *person = state_person_id(state, id);
    assert(!tenant->unsettled || ledger_in_transaction(tenant->ledger));
    if (person == NULL || !person->info.active) {
        return ERR_DENIED;
    }
    struct scope_grant *grants = calloc(state->clients_count + 1, sizeof *grants);
    if (grants == NULL) {
        return ERR_MEMORY;
    }
    size_t count = 0;
    size_t all = person_grants(state, person, now, grants);
    for (size_t i = 0; i < all; i++) {
        struct scope_grant grant = grants[i];
        grant.rights &= rights;
        if (grant.rights != 0) {
            grants[count++] = grant;
        }
    }
    enum err err = ERR_DENIED;
    if (count > 0) {
        err = scope_new(
            &(struct scope_parts){
                .grants = grants,
                .count = count,
                .person = id,
                .principal = person->name,
                .purpose = purpose,
            },
            ret);
    }
    free(grants);
    return err;
}

enum err scope_for_person(struct tenant *tenant, uint32_t person, struct str purpose,
                          struct wall now, struct scope **ret)
{
    return person_scope(tenant, person, RIGHTS_KNOWN, purpose, now, ret);
}
