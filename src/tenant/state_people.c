/*
 * The second half of the state: parties, people and engagements, each with the last version of its
 * element.
 *
 * Versions of a party and its people stand under the installation's own client, those of a client's
 * people and engagements under that client.
 *
 * Always true: who left stands here as inactive, with the name they had, or with none once their
 * client's data was destroyed; an engagement that left is inactive and says nothing, so it can let
 * nobody in.
 */

#include "ledger/ledger.h"
#include "tenant/private.h"

static enum err party_load(struct statement *row, struct state *state, struct why *why);
static enum err person_load(struct statement *row, struct state *state, struct why *why);
static enum err engagement_load(struct statement *row, struct state *state, struct why *why);

static enum err parties_load(struct ledger *ledger, struct state *state, struct why *why)
{
    struct statement *statement;
    size_t count;
    enum err err = count_load(ledger,
                              "SELECT count(*) FROM party p"
                              " LEFT JOIN client c ON c.party = p.id WHERE c.id IS NULL",
                              PARTIES_MAX, &count, why);
    if (err != OK) {
        return err;
    }
    state->parties = ARENA_ARRAY(state->mem, struct party_state, count + 1);
    if (state->parties == NULL) {
        return ERR_MEMORY;
    }
    err = ledger_prepare(
        ledger,
        "SELECT p.id, p.slug, coalesce(v.hash, ''), coalesce(t.canonical, '')"
        " FROM party p LEFT JOIN client c ON c.party = p.id"
        " LEFT JOIN document_version v ON v.id = (SELECT max(w.id) FROM document_version w"
        " WHERE w.client = 1 AND w.kind = 'party' AND w.path = p.slug)"
        " LEFT JOIN document_text t ON t.hash = v.hash WHERE c.id IS NULL ORDER BY p.id",
        &statement);
    return err == OK ? rows_load(statement, party_load, state, why) : err;
}

static enum err people_load(struct ledger *ledger, struct state *state, struct why *why)
{
    struct statement *statement;
    size_t count;
    enum err err = count_load(ledger, "SELECT count(*) FROM person", PEOPLE_MAX, &count, why);
    if (err != OK) {
        return err;
    }
    state->people = ARENA_ARRAY(state->mem, struct person_state, count + 1);
    if (state->people == NULL) {
        return ERR_MEMORY;
    }
    /* The last version that says something; of who left, that is not the last one. */
    err = ledger_prepare(
        ledger,
        "SELECT s.id, s.party, p.slug, s.slug, s.active, s.password <> '', coalesce(c.id, 0),"
        " coalesce(v.hash, ''), coalesce(t.canonical, '')"
        " FROM person s JOIN party p ON p.id = s.party LEFT JOIN client c ON c.party = p.id"
        " LEFT JOIN document_version v ON v.id = (SELECT max(w.id) FROM document_version w"
        " JOIN document_text x ON x.hash = w.hash WHERE w.client = coalesce(c.id, 1)"
        " AND w.kind = 'person' AND w.path = p.slug || '/' || s.slug AND x.canonical <> 'null')"
        " LEFT JOIN document_text t ON t.hash = v.hash ORDER BY s.id",
        &statement);
    return err == OK ? rows_load(statement, person_load, state, why) : err;
}

static enum err engagements_load(struct ledger *ledger, struct state *state, struct why *why)
{
    struct statement *statement;
    size_t count;
    enum err err =
        count_load(ledger, "SELECT count(*) FROM engagement", ENGAGEMENTS_MAX, &count, why);
    if (err != OK) {
        return err;
    }
    state->engagements = ARENA_ARRAY(state->mem, struct engagement_record, count + 1);
    if (state->engagements == NULL) {
        return ERR_MEMORY;
    }
    err = ledger_prepare(
        ledger,
        "SELECT e.id, e.client, e.slug, e.active, coalesce(v.hash, ''), coalesce(t.canonical, '')"
        " FROM engagement e JOIN client c ON c.id = e.client JOIN party p ON p.id = c.party"
        " LEFT JOIN document_version v ON v.id = (SELECT max(w.id) FROM document_version w"
        " WHERE w.client = e.client AND w.kind = 'engagement' AND w.path = p.slug || '/' || e.slug)"
        " LEFT JOIN document_text t ON t.hash = v.hash ORDER BY e.client, e.id",
        &statement);
    return err == OK ? rows_load(statement, engagement_load, state, why) : err;
}

enum err state_load_people(struct ledger *ledger, struct state *state, struct why *why)
{
    enum err err = parties_load(ledger, state, why);
    if (err == OK) {
        err = people_load(ledger, state, why);
    }
    return err == OK ? engagements_load(ledger, state, why) : err;
}

static enum err damaged(enum err err, const char *what, struct str path, struct why *why)
{
    return err == OK || err == ERR_MEMORY
               ? err
               : why_say(why, ERR_CORRUPT, 0, "the ledger's document of %s %.*s is damaged", what,
                         STR_ARG(path));
}

static enum err party_load(struct statement *row, struct state *state, struct why *why)
{
    struct party_state *party = &state->parties[state->parties_count++];
    struct str slug = statement_text(row, 1);
    struct yaml_node *node;
    party->id = (uint32_t)statement_int(row, 0);
    enum err err = arena_copy(state->mem, statement_text(row, 2), &party->version);
    if (err == OK) {
        err = element_parse(statement_text(row, 3), state->mem, &node);
    }
    if (err == OK) {
        err = party_read(node, false, state->mem, &party->element, NULL);
    }
    if (err == OK && !str_equal(party->element.slug, slug)) {
        err = ERR_CORRUPT;
    }
    return damaged(err, "party", slug, why);
}

static enum err person_load(struct statement *row, struct state *state, struct why *why)
{
    struct person_state *person = &state->people[state->people_count++];
    struct person_info *info = &person->info;
    struct yaml_node *node;
    info->id = (uint32_t)statement_int(row, 0);
    info->active = statement_int(row, 4) != 0;
    info->has_password = statement_int(row, 5) != 0;
    person->party = (uint32_t)statement_int(row, 1);
    person->client.value = (uint32_t)statement_int(row, 6);
    enum err err = arena_copy(state->mem, statement_text(row, 2), &info->party);
    if (err == OK) {
        err = arena_copy(state->mem, statement_text(row, 3), &info->slug);
    }
    if (err == OK) {
        err = arena_print(state->mem, &person->name, "%.*s/%.*s", STR_ARG(info->party),
                          STR_ARG(info->slug));
    }
    if (err == OK) {
        err = arena_copy(state->mem, statement_text(row, 7), &person->version);
    }
    if (err == OK && (info->active || person->version.size > 0)) {
        err = element_parse(statement_text(row, 8), state->mem, &node);
        if (err == OK) {
            err = person_read(node, ROLES_KNOWN, &person->element, NULL);
        }
        if (err == OK && !str_equal(person->element.slug, info->slug)) {
            err = ERR_CORRUPT;
        }
    }
    info->name_ja = person->element.name.ja;
    info->name_en = person->element.name.en;
    info->mail = person->element.mail;
    info->language = person->element.language;
    info->roles = person->element.roles;
    return damaged(err, "person", person->name, why);
}

static enum err engagement_load(struct statement *row, struct state *state, struct why *why)
{
    struct engagement_record *record = &state->engagements[state->engagements_count++];
    struct engagement_info *info = &record->info;
    struct yaml_node *node;
    record->id = (uint32_t)statement_int(row, 0);
    record->active = statement_int(row, 3) != 0;
    info->client.value = (uint32_t)statement_int(row, 1);
    enum err err = arena_copy(state->mem, statement_text(row, 2), &info->slug);
    if (err == OK) {
        err = arena_copy(state->mem, statement_text(row, 4), &record->version);
    }
    if (err == OK && record->active) {
        err = element_parse(statement_text(row, 5), state->mem, &node);
        if (err == OK) {
            err = engagement_read(node, state->mem, &record->element, NULL);
        }
        if (err == OK && !str_equal(record->element.slug, info->slug)) {
            err = ERR_CORRUPT;
        }
    }
    info->party = record->element.party;
    info->state = record->element.state;
    info->from = record->element.from;
    info->to = record->element.to;
    info->assignments = record->element.assignments;
    info->assignments_count = record->element.assignments_count;
    return damaged(err, "engagement", info->slug, why);
}

const struct party_state *state_party(const struct state *state, struct str slug)
{
    for (size_t i = 0; i < state->parties_count; i++) {
        if (str_equal(state->parties[i].element.slug, slug)) {
            return &state->parties[i];
        }
    }
    return NULL;
}

const struct person_state *state_person(const struct state *state, struct str name)
{
    for (size_t i = 0; i < state->people_count; i++) {
        if (str_equal(state->people[i].name, name)) {
            return &state->people[i];
        }
    }
    return NULL;
}

const struct person_state *state_person_id(const struct state *state, uint32_t id)
{
    size_t low = 0;
    size_t high = state->people_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (state->people[middle].info.id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool there = low < state->people_count && state->people[low].info.id == id;
    return there ? &state->people[low] : NULL;
}

const struct engagement_record *state_engagement(const struct state *state, struct client_id client,
                                                 struct str slug)
{
    for (size_t i = 0; i < state->engagements_count; i++) {
        if (client_equal(state->engagements[i].info.client, client) &&
            str_equal(state->engagements[i].info.slug, slug)) {
            return &state->engagements[i];
        }
    }
    return NULL;
}
