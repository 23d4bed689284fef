/*
 * An apply file as a plan: parties, clients and what stands under them, each checked by itself and
 * against the others of the file.  What is already in the ledger is not looked at here, so a file
 * can be checked anywhere.
 */

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/map.h"
#include "sys/random.h"
#include "tenant/private.h"

static enum err parties_read(const struct yaml_node *list, struct arena *mem, struct plan *plan,
                             struct why *why);
static enum err clients_read(const struct yaml_node *list, struct arena *mem, struct plan *plan,
                             struct why *why);
static enum err plan_check(const struct plan *plan, struct why *why);
static enum err once(struct map *seen, const char *kind, struct str first, struct str second,
                     uint32_t line, uint32_t column, struct why *why);

enum err plan_read(struct str text, struct arena *mem, struct plan *ret, struct why *why)
{
    static const char *const known[] = {"clients", "parties", NULL};
    struct plan plan = {0};
    struct yaml_node *root = NULL;
    enum err err = yaml_parse(text, mem, &root, why);
    if (err != OK) {
        return err;
    }
    if (root != NULL && root->next != NULL) {
        return why_say_at(why, ERR_SYNTAX, root->next->line, root->next->column,
                          "one file holds one document; remove the '---' and what follows");
    }
    if (root == NULL || root->kind != YAML_MAPPING || root->count == 0) {
        return why_say_at(why, ERR_SYNTAX, root == NULL ? 1 : root->line,
                          root == NULL ? 1 : root->column,
                          "the file begins with 'clients:' and a list of clients, or with "
                          "'parties:'");
    }
    err = element_keys(root, known, "an apply file", why);
    if (err == OK) {
        err = parties_read(yaml_get(root, STR("parties")), mem, &plan, why);
    }
    if (err == OK) {
        err = clients_read(yaml_get(root, STR("clients")), mem, &plan, why);
    }
    if (err == OK) {
        err = plan_check(&plan, why);
    }
    if (err == OK) {
        *ret = plan;
    }
    return err;
}

enum err tenant_apply_check(struct str text, struct arena *mem, struct why *why)
{
    struct plan plan;
    return plan_read(text, mem, &plan, why);
}

/* A list of at most `max` items; a missing one is empty. */
static enum err list_check(const struct yaml_node *list, const char *what, size_t max,
                           struct why *why)
{
    if (list != NULL && list->kind != YAML_SEQUENCE) {
        return why_say_at(why, ERR_SYNTAX, list->line, list->column,
                          "what stands here is a list of %s", what);
    }
    if (list != NULL && list->count > max) {
        return why_say_at(why, ERR_LIMIT, list->line, list->column,
                          "more than %zu %s; one installation keeps no more", max, what);
    }
    return OK;
}

/* Names that the program itself goes by. */
static enum err slug_free(struct str slug, uint32_t line, uint32_t column, struct why *why)
{
    if (str_equal(slug, STR("installation")) || str_equal(slug, STR("hinomi"))) {
        return why_say_at(why, ERR_DENIED, line, column,
                          "'%.*s' is the installation itself; choose another slug", STR_ARG(slug));
    }
    return OK;
}

static enum err parties_read(const struct yaml_node *list, struct arena *mem, struct plan *plan,
                             struct why *why)
{
    enum err err = list_check(list, "parties", PARTIES_MAX, why);
    if (err != OK || list == NULL) {
        return err;
    }
    plan->parties = ARENA_ARRAY(mem, struct party_element, list->count);
    err = plan->parties == NULL ? ERR_MEMORY : OK;
    for (const struct yaml_node *item = list->first; item != NULL && err == OK; item = item->next) {
        struct party_element *party = &plan->parties[plan->parties_count++];
        err = element_marks_check(item, why);
        if (err == OK) {
            err = party_read(item, true, mem, party, why);
        }
        if (err == OK) {
            err = slug_free(party->slug, party->line, party->column, why);
        }
    }
    return err;
}

static enum err clients_read(const struct yaml_node *list, struct arena *mem, struct plan *plan,
                             struct why *why)
{
    enum err err = list_check(list, "clients", CLIENTS_MAX, why);
    if (err != OK || list == NULL) {
        return err;
    }
    plan->clients = ARENA_ARRAY(mem, struct client_element, list->count);
    err = plan->clients == NULL ? ERR_MEMORY : OK;
    for (const struct yaml_node *item = list->first; item != NULL && err == OK; item = item->next) {
        struct client_element *client = &plan->clients[plan->count++];
        err = element_marks_check(item, why);
        if (err == OK) {
            err = client_read(item, true, mem, client, why);
        }
        if (err == OK) {
            err = slug_free(client->slug, client->line, client->column, why);
        }
    }
    return err;
}

static enum err people_check(struct str party, const struct people *people, struct map *seen,
                             struct why *why)
{
    enum err err = OK;
    for (size_t i = 0; i < people->count && err == OK; i++) {
        const struct person_element *person = &people->list[i];
        err = once(seen, "person", party, person->slug, person->line, person->column, why);
    }
    return err;
}

static enum err client_check(const struct client_element *client, struct map *seen,
                             struct overlap *overlap, struct why *why)
{
    uint64_t line;
    if (map_get(seen, client->slug, &line)) {
        return why_say_at(why, ERR_SYNTAX, client->line, client->column,
                          "'%.*s' is a party in line %u; a client needs a slug of its own",
                          STR_ARG(client->slug), (unsigned)line);
    }
    enum err err = once(seen, "client", client->slug, STR(""), client->line, client->column, why);
    if (err == OK) {
        err = people_check(client->slug, &client->people, seen, why);
    }
    for (size_t i = 0; i < client->engagements_count && err == OK; i++) {
        const struct engagement_element *engagement = &client->engagements[i];
        err = once(seen, "engagement", client->slug, engagement->slug, engagement->line,
                   engagement->column, why);
    }
    for (size_t i = 0; i < client->devices_count && err == OK; i++) {
        const struct device_element *device = &client->devices[i];
        err = once(seen, "device", client->slug, device->slug, device->line, device->column, why);
    }
    if (err == OK) {
        err = devices_check(client, why);
    }
    for (size_t i = 0; i < client->sources_count && err == OK; i++) {
        const struct source_element *source = &client->sources[i];
        err = once(seen, "source", client->slug, source->slug, source->line, source->column, why);
        if (err == OK) {
            err = overlap_add(overlap, client->slug, source, why);
        }
    }
    return err;
}

/* Parties enter the map by their bare slugs too, for the clients that come after them. */
static enum err party_check(const struct party_element *party, struct map *seen, struct why *why)
{
    enum err err = once(seen, "party", party->slug, STR(""), party->line, party->column, why);
    if (err == OK) {
        err = map_put(seen, party->slug, party->line);
    }
    return err == OK ? people_check(party->slug, &party->people, seen, why) : err;
}

static enum err plan_check(const struct plan *plan, struct why *why)
{
    struct map seen;
    struct overlap *overlap;
    enum err err = overlap_new(&overlap);
    if (err != OK) {
        return err;
    }
    map_init(&seen,
             2 * PARTIES_MAX + CLIENTS_MAX + PEOPLE_MAX + ENGAGEMENTS_MAX + SOURCES_MAX +
                 DEVICES_MAX,
             random_u64());
    for (size_t i = 0; i < plan->parties_count && err == OK; i++) {
        err = party_check(&plan->parties[i], &seen, why);
    }
    for (size_t i = 0; i < plan->count && err == OK; i++) {
        err = client_check(&plan->clients[i], &seen, overlap, why);
    }
    map_done(&seen);
    overlap_free(overlap);
    return err;
}

/* An element of that kind and path stands once in a file. */
static enum err once(struct map *seen, const char *kind, struct str first, struct str second,
                     uint32_t line, uint32_t column, struct why *why)
{
    char key[PATH_SIZE_MAX + 16];
    uint64_t line_before;
    int size = snprintf(key, sizeof key, "%s %.*s%s%.*s", kind, STR_ARG(first),
                        second.size > 0 ? "/" : "", STR_ARG(second));
    struct str path = {key, (size_t)size};
    if (map_get(seen, path, &line_before)) {
        struct str name = str_slice(path, str_from(kind).size + 1, path.size);
        return why_say_at(why, ERR_SYNTAX, line, column,
                          "%s '%.*s' stands in line %u already; join the two", kind, STR_ARG(name),
                          (unsigned)line_before);
    }
    enum err err = map_put(seen, path, line);
    return err == ERR_LIMIT
               ? why_say_at(why, err, line, column, "more elements than one installation keeps")
               : err;
}
