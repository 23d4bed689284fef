/*
 * Ailments, for people.
 *
 * Always true: a row is shown to who may read that client's books; the service's own chain is the
 * provider's business, and a client's people do not hear of it.
 */

#include "build/private.h"
#include "ledger/ledger.h"

static enum err view_take(struct statement *statement, struct arena *mem, struct ailment_view *ret)
{
    *ret = (struct ailment_view){
        .id = (uint64_t)statement_int(statement, 0),
        .client = {(uint32_t)statement_int(statement, 1)},
        .is = statement_int(statement, 6),
        .usual = statement_int(statement, 7),
        .opened = {statement_int(statement, 8)},
        .closed = statement_is_null(statement, 9) ? WALL_NONE
                                                  : (struct wall){statement_int(statement, 9)},
        .storm = (uint64_t)statement_int(statement, 10),
        .members = (uint64_t)statement_int(statement, 11),
        .told = statement_int(statement, 13) != 0,
        .provider = statement_int(statement, 14) != 0,
    };
    enum err err = ailment_parse(statement_text(statement, 4), &ret->ailment);
    struct str *const texts[] = {&ret->device, &ret->source, &ret->detail, &ret->planned};
    static const int columns[] = {2, 3, 5, 12};
    for (int i = 0; i < 4 && err == OK; i++) {
        err = arena_copy(mem, statement_text(statement, columns[i]), texts[i]);
    }
    return err;
}

static bool may_see(const struct scope *scope, const struct ailment_view *view)
{
    return scope_allows(scope, view->client, RIGHT_BOOKS) &&
           (!ailment_is_own(view->ailment) || scope_side(scope, view->client) != SIDE_CLIENT);
}

enum err ailment_list(const struct scope *scope, struct ledger *ledger, struct client_id client,
                      bool open_only, size_t limit, struct arena *mem, struct ailment_view **ret,
                      size_t *ret_count)
{
    struct statement *statement;
    struct ailment_view *list = ARENA_ARRAY(mem, struct ailment_view, limit + 1);
    size_t count = 0;
    bool row = true;
    if (list == NULL) {
        return ERR_MEMORY;
    }
    enum err err = LEDGER_QUERY(
        ledger,
        "SELECT a.id, a.client, a.device, coalesce(s.slug, ''), a.kind, a.detail, a.found, a.usual,"
        " a.opened, a.closed, coalesce(a.storm, 0), a.members, a.planned, a.told, a.provider"
        " FROM ailment a LEFT JOIN source s ON s.id = a.source"
        " WHERE (? = 0 OR a.client = ?) AND (? = 0 OR a.closed IS NULL)"
        " ORDER BY a.closed IS NOT NULL, a.id DESC",
        &statement, BIND_INT(client.value), BIND_INT(client.value), BIND_INT(open_only ? 1 : 0));
    while (err == OK && count < limit) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        err = view_take(statement, mem, &list[count]);
        count += err == OK && may_see(scope, &list[count]);
    }
    if (row) {
        statement_reset(statement);
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}
