/*
 * One sender enrolled from the portal: a source with one address at one listener.  The rows, the
 * version and the line of the audit trail are those that an apply would write, and what keeps a
 * sender from belonging to two sources is what keeps it in an apply (overlap.c).
 *
 * Always true: a source that receives is never changed here, so an enrolment takes nothing from
 * anybody; what comes from outside was read back by the reader of apply files.
 */

#include "tenant/store.h"

/* The element printed, and the copies of what overlaps with it. */
#define CHANGE_MEMORY_MAX ((size_t)64 << 20)

static const struct client_state *client_of(const struct state *state, struct client_id client)
{
    for (size_t i = 0; i < state->clients_count; i++) {
        if (client_equal(state->clients[i].info.id, client)) {
            return &state->clients[i];
        }
    }
    return NULL;
}

/* The reader's opinion; line and column would be those of our own text. */
static enum err element_read_back(struct apply *apply, const struct source_wish *wish,
                                  struct source_element *ret)
{
    struct network network;
    struct yaml_node *node;
    struct str text;
    struct sender sender = {.listener = wish->listener, .networks = &network, .networks_count = 1};
    const struct source_element wished = {
        .slug = wish->slug,
        .name = {wish->name_ja, wish->name_en},
        .parser = STR("auto"),
        .charset = STR("auto"),
        .senders = &sender,
        .senders_count = 1,
    };
    if (network_parse(wish->address, &network) != OK) {
        return why_say(apply->why, ERR_SYNTAX, 0, "a sender is enrolled by one address");
    }
    enum err err = source_print(&wished, &apply->canonical);
    if (err == OK) {
        err = arena_copy(apply->mem, buf_str(&apply->canonical), &text);
    }
    if (err == OK) {
        err = yaml_parse(text, apply->mem, &node, apply->why);
    }
    if (err == OK) {
        err = element_marks_check(node, apply->why);
    }
    if (err == OK) {
        err = source_read(node, apply->mem, ret, apply->why);
    }
    if (err == OK) {
        ret->line = 0; /* nobody wrote a line of a file */
    } else if (apply->why != NULL) {
        apply->why->line = 0;
        apply->why->column = 0;
    }
    return err;
}

static enum err overlap_check(struct apply *apply, const struct client_state *client,
                              const struct source_element *element)
{
    struct overlap *overlap;
    enum err err = overlap_new(&overlap);
    if (err != OK) {
        return err;
    }
    err = overlap_add_active(overlap, apply, NULL);
    if (err == OK) {
        err = overlap_add(overlap, client->info.slug, element, apply->why);
    }
    overlap_free(overlap);
    return err;
}

static enum err enrol(struct apply *apply, struct tenant *tenant, const struct client_state *client,
                      const struct source_wish *wish)
{
    const struct source_state *known = state_source(apply->state, client->info.id, wish->slug);
    struct source_element element;
    struct bracket bracket;
    if (known != NULL && known->info.active) {
        return why_say(apply->why, ERR_EXISTS, 0, "there is a source '%.*s/%.*s' already",
                       STR_ARG(client->info.slug), STR_ARG(wish->slug));
    }
    enum err err = element_read_back(apply, wish, &element);
    if (err == OK) {
        err = overlap_check(apply, client, &element);
    }
    if (err == OK) {
        err = bracket_open(tenant, &bracket);
    }
    if (err == OK) {
        err = source_store(apply, client->info.id, client->info.slug, &element);
        err = bracket_close_state(&bracket, err, apply->why);
    }
    return err;
}

enum err tenant_source_enrol(const struct scope *scope, struct tenant *tenant,
                             struct client_id client, const struct source_wish *wish,
                             struct wall now, struct why *why)
{
    const struct client_state *known = client_of(tenant->state, client);
    struct apply apply = {
        .store = {tenant->ledger, scope_principal(scope), now},
        .scope = scope,
        .state = tenant->state,
        .why = why,
    };
    if (known == NULL || client_equal(client, CLIENT_INSTALLATION)) {
        return ERR_NOT_FOUND;
    }
    if (!scope_allows(scope, client, RIGHT_MANAGE)) {
        return ERR_DENIED;
    }
    apply.mem = arena_new(CHANGE_MEMORY_MAX);
    if (apply.mem == NULL) {
        return ERR_MEMORY;
    }
    buf_init(&apply.canonical, VERSION_SIZE_MAX);
    enum err err = enrol(&apply, tenant, known, wish);
    buf_done(&apply.canonical);
    arena_free(apply.mem);
    return err;
}
