/*
 * An apply file as a plan: clients and their sources, each checked by itself and against the others
 * of the file.  What is already in the ledger is not looked at here, so a file can be checked
 * anywhere.
 */

#include <stdlib.h>

#include "base/limits.h"
#include "base/map.h"
#include "sys/random.h"
#include "tenant/private.h"

static enum err clients_read(const struct yaml_node *list, struct arena *mem, struct plan *plan,
                             struct why *why);
static enum err plan_check(const struct plan *plan, struct why *why);
static enum err twice(struct map *seen, struct str key, const char *what, uint32_t line,
                      uint32_t column, struct why *why);

enum err plan_read(struct str text, struct arena *mem, struct plan *ret, struct why *why)
{
    struct plan plan = {0};
    struct yaml_node *root = NULL;
    enum err err = yaml_parse(text, mem, &root, why);
    if (err != OK) {
        return err;
    }
    const struct yaml_node *list = yaml_get(root, STR("clients"));
    if (root != NULL && root->next != NULL) {
        return why_say_at(why, ERR_SYNTAX, root->next->line, root->next->column,
                          "one file holds one document; remove the '---' and what follows");
    }
    if (root != NULL && root->kind == YAML_MAPPING) {
        for (const struct yaml_node *value = root->first; value != NULL; value = value->next) {
            if (value != list) {
                struct str key = str_slice(value->key->text, 0, 60);
                return why_say_at(why, ERR_SYNTAX, value->key->line, value->key->column,
                                  "unknown key '%.*s'; the only one here is 'clients'",
                                  STR_ARG(key));
            }
        }
    }
    if (list == NULL || list->kind != YAML_SEQUENCE) {
        const struct yaml_node *at = list != NULL ? list : root;
        return why_say_at(why, ERR_SYNTAX, at == NULL ? 1 : at->line, at == NULL ? 1 : at->column,
                          "the file begins with 'clients:' and a list of clients");
    }
    err = clients_read(list, mem, &plan, why);
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

static enum err clients_read(const struct yaml_node *list, struct arena *mem, struct plan *plan,
                             struct why *why)
{
    if (list->count > CLIENTS_MAX) {
        return why_say_at(why, ERR_LIMIT, list->line, list->column,
                          "more than %d clients; one installation keeps no more", CLIENTS_MAX);
    }
    plan->clients = ARENA_ARRAY(mem, struct client_element, list->count);
    if (plan->clients == NULL) {
        return ERR_MEMORY;
    }
    enum err err = OK;
    for (const struct yaml_node *item = list->first; item != NULL && err == OK; item = item->next) {
        struct client_element *client = &plan->clients[plan->count++];
        err = client_read(item, true, mem, client, why);
        if (err == OK && str_equal(client->slug, STR("installation"))) {
            err = why_say_at(why, ERR_DENIED, client->line, client->column,
                             "'installation' is the installation itself; choose another slug");
        }
    }
    return err;
}

static enum err client_check(const struct client_element *client, struct map *seen,
                             struct overlap *overlap, struct why *why)
{
    enum err err = twice(seen, client->slug, "client", client->line, client->column, why);
    for (size_t i = 0; i < client->sources_count && err == OK; i++) {
        const struct source_element *source = &client->sources[i];
        char path[2 * SLUG_SIZE_MAX + 1];
        size_t size = 0;
        for (; size < client->slug.size; size++) {
            path[size] = client->slug.data[size];
        }
        path[size++] = '/';
        for (size_t j = 0; j < source->slug.size; j++) {
            path[size++] = source->slug.data[j];
        }
        err = twice(seen, str_of(path, size), "source", source->line, source->column, why);
        if (err == OK) {
            err = overlap_add(overlap, client->slug, source, why);
        }
    }
    return err;
}

static enum err plan_check(const struct plan *plan, struct why *why)
{
    struct map seen;
    struct overlap *overlap;
    enum err err = overlap_new(&overlap);
    if (err != OK) {
        return err;
    }
    map_init(&seen, CLIENTS_MAX + SOURCES_MAX, random_u64());
    for (size_t i = 0; i < plan->count && err == OK; i++) {
        err = client_check(&plan->clients[i], &seen, overlap, why);
    }
    map_done(&seen);
    overlap_free(overlap);
    return err;
}

static enum err twice(struct map *seen, struct str key, const char *what, uint32_t line,
                      uint32_t column, struct why *why)
{
    uint64_t first;
    if (map_get(seen, key, &first)) {
        return why_say_at(why, ERR_SYNTAX, line, column,
                          "%s '%.*s' stands in line %u already; join the two", what, STR_ARG(key),
                          (unsigned)first);
    }
    enum err err = map_put(seen, key, line);
    return err == ERR_LIMIT
               ? why_say_at(why, err, line, column,
                            "more than %d sources; one installation keeps no more", SOURCES_MAX)
               : err;
}
