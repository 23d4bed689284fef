/*
 * Promises out of a client's versions of `log-sources`: for each of its sources the stretches of
 * time in which an effective version named it, with the days that it promised.
 *
 * Always true: a version's stretch is the one in which it ran, as effective.c keeps it; a source of
 * the ledger that no version names gets no promise, and is kept for ever.
 */

#include <string.h>

#include "ledger/ledger.h"
#include "service/keeping.h"
#include "service/versions.h"

#define KIND         STR("log-sources")
#define VERSIONS_MAX 10000
#define DAY_MS       (24LL * 3600 * 1000)

struct ran {
    int64_t id;
    struct wall from, to;
};

/* The versions that ran, oldest first. */
static enum err ran_load(struct service *service, struct client_id client, struct arena *mem,
                         struct ran **ret, size_t *ret_count)
{
    struct statement *statement;
    struct ran *list = ARENA_ARRAY(mem, struct ran, VERSIONS_MAX);
    size_t count = 0;
    bool row = true;
    enum err err = list == NULL
                       ? ERR_MEMORY
                       : LEDGER_QUERY(service->ledger,
                                      "SELECT id, effective, ended FROM document WHERE client = ?"
                                      " AND kind = ? AND effective IS NOT NULL"
                                      " AND (ended IS NULL OR ended > effective)"
                                      " ORDER BY effective, id",
                                      &statement, BIND_INT(client.value), BIND_TEXT(KIND));
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        if (count == VERSIONS_MAX) {
            statement_reset(statement);
            return ERR_LIMIT;
        }
        list[count++] = (struct ran){.id = statement_int(statement, 0),
                                     .from = statement_wall(statement, 1),
                                     .to = statement_wall(statement, 2)};
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}

static uint32_t whole_days(int64_t ms)
{
    int64_t days = (ms + DAY_MS - 1) / DAY_MS;
    return days < 1 ? 1 : days > PROMISE_DAYS_MAX ? PROMISE_DAYS_MAX : (uint32_t)days;
}

struct stretches {
    struct promise_stretch *list;
    size_t count;
};

static void stretch_add(struct stretches *to, const struct ran *ran, uint32_t days)
{
    to->list[to->count++] = (struct promise_stretch){ran->from, ran->to, days};
}

/* What one version says of each source, and to our own the longest of it. */
static void version_read(const struct document *document, const struct ran *ran,
                         const struct promise_source *sources, size_t count, struct stretches *to)
{
    const struct element *list = element_get(document->root, "sources");
    uint32_t longest = 0;
    for (size_t i = 0; list != NULL && i < count; i++) {
        const struct element *item = sources[i].own ? NULL : element_item(list, sources[i].slug);
        int64_t ms = item != NULL ? element_number(item, "retention", 0) : 0;
        if (ms > 0) {
            stretch_add(&to[i], ran, whole_days(ms));
            longest = whole_days(ms) > longest ? whole_days(ms) : longest;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (sources[i].own && longest > 0) {
            stretch_add(&to[i], ran, longest);
        }
    }
}

static enum err stretches_read(struct service *service, struct client_id client,
                               const struct promise_source *sources, size_t count,
                               struct stretches *to, struct arena *mem)
{
    struct ran *ran;
    size_t versions = 0;
    struct arena *scratch = arena_new((size_t)512 << 20);
    enum err err = scratch == NULL ? ERR_MEMORY : ran_load(service, client, mem, &ran, &versions);
    for (size_t i = 0; i < count && err == OK; i++) {
        to[i].list = ARENA_ARRAY(mem, struct promise_stretch, versions + 1);
        err = to[i].list == NULL ? ERR_MEMORY : OK;
    }
    for (size_t i = 0; i < versions && err == OK; i++) {
        struct document document;
        const struct stored stored = {.id = ran[i].id, .version = {.client = client, .kind = KIND}};
        arena_reset(scratch);
        err = stored_document(service, &stored, scratch, &document);
        if (err == OK) {
            version_read(&document, &ran[i], sources, count, to);
        }
    }
    arena_free(scratch);
    return err;
}

static void promises_sort(struct promise *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct promise moved = list[i];
        size_t at = i;
        while (at > 0 && list[at - 1].source.value > moved.source.value) {
            list[at] = list[at - 1];
            at--;
        }
        list[at] = moved;
    }
}

enum err promises_read(const struct scope *scope, struct service *service, struct client_id client,
                       const struct promise_source *sources, size_t count, struct arena *mem,
                       struct promises *ret)
{
    if (!scope_allows(scope, client, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    struct promise *list = ARENA_ARRAY(mem, struct promise, count + 1);
    struct stretches *to = ARENA_ARRAY(mem, struct stretches, count + 1);
    enum err err = list == NULL || to == NULL ? ERR_MEMORY : OK;
    if (err == OK) {
        memset(to, 0, (count + 1) * sizeof *to);
        err = stretches_read(service, client, sources, count, to, mem);
    }
    if (err != OK) {
        return err;
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = (struct promise){sources[i].id, to[i].list, to[i].count};
    }
    promises_sort(list, count);
    *ret = (struct promises){list, count};
    return OK;
}
