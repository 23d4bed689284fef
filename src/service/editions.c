/*
 * Editions of the rules: rows of `edition` and `edition_force`.
 *
 * Always true: a bundle is kept before anything says that it is in force, and is never changed or
 * deleted; the last row of edition_force is the edition in force.
 */

#include "service/editions.h"

#include "base/limits.h"
#include "codec/zstd.h"

#define PACK_LEVEL   9 /* rules are kept for years and packed once */
#define PREFIX_MIN   8
#define EDITIONS_MAX 100000
#define COLUMNS                                                                                    \
    "e.id, e.hash, e.origin, e.note, e.who, e.at, e.loaded, e.refused, e.needs_values, e.report, " \
    "(SELECT f.at FROM edition_force f WHERE f.id = (SELECT max(id) FROM edition_force)"           \
    " AND f.edition = e.id)"

static bool may_change(const struct scope *scope)
{
    return scope_allows_all(scope, RIGHT_MANAGE) || scope_allows_all(scope, RIGHT_SERVE);
}

/* Begins a transaction unless the caller has; ends it either way it went. */
static enum err begin(struct ledger *ledger, bool *ret_alone)
{
    *ret_alone = !ledger_in_transaction(ledger);
    return *ret_alone ? ledger_begin(ledger) : OK;
}

static enum err end(struct ledger *ledger, bool alone, enum err err)
{
    if (!alone) {
        return err;
    }
    if (err == OK) {
        return ledger_commit(ledger);
    }
    ledger_rollback(ledger);
    return err;
}

static enum err bundle_pack(struct str bundle, struct arena *mem, struct str *ret)
{
    struct zstd *zstd = zstd_new(PACK_LEVEL);
    size_t room = zstd_bound(bundle.size);
    char *packed = zstd == NULL ? NULL : arena_take(mem, room);
    size_t size = 0;
    enum err err = packed == NULL ? ERR_MEMORY : zstd_pack(zstd, bundle, packed, room, &size);
    zstd_free(zstd);
    if (err == OK) {
        *ret = str_of(packed, size);
    }
    return err;
}

static enum err row_insert(const struct scope *scope, struct ledger *ledger,
                           const struct edition *edition, struct str bundle, struct wall now)
{
    struct statement *statement;
    struct str packed = {0};
    struct arena *mem = arena_new((size_t)2 * RULES_SIZE_MAX);
    enum err err = mem == NULL ? ERR_MEMORY : bundle_pack(bundle, mem, &packed);
    if (err == OK) {
        err = LEDGER_QUERY(
            ledger,
            "INSERT INTO edition (hash, origin, note, who, at, seen, bundle, size, loaded, refused,"
            " needs_values, report) VALUES (?, ?, ?, ?, ?,"
            " (SELECT coalesce(max(seen), 0) + 1 FROM edition), ?, ?, ?, ?, ?, ?)",
            &statement, BIND_TEXT(edition->hash), BIND_TEXT(edition->origin),
            BIND_TEXT(edition->note), BIND_TEXT(scope_principal(scope)), BIND_INT(now.ns),
            BIND_BYTES(packed), BIND_INT(bundle.size), BIND_INT(edition->loaded),
            BIND_INT(edition->refused), BIND_INT(edition->needs_values),
            BIND_TEXT(edition->report));
    }
    err = err == OK ? statement_run(statement) : err;
    err = err == OK ? ledger_audit(ledger, now.ns, 0, scope_principal(scope), STR("import"),
                                   STR("rules"), edition->hash)
                    : err;
    arena_free(mem);
    return err;
}

enum err edition_put(const struct scope *scope, struct ledger *ledger,
                     const struct edition *edition, struct str bundle, struct wall now)
{
    struct statement *statement;
    bool alone;
    if (!may_change(scope)) {
        return ERR_DENIED;
    }
    enum err err = begin(ledger, &alone);
    if (err != OK) {
        return err;
    }
    err = LEDGER_QUERY(ledger,
                       "UPDATE edition SET origin = ?, note = ?,"
                       " seen = (SELECT max(seen) + 1 FROM edition) WHERE hash = ?",
                       &statement, BIND_TEXT(edition->origin), BIND_TEXT(edition->note),
                       BIND_TEXT(edition->hash));
    err = err == OK ? statement_run(statement) : err;
    if (err == OK && ledger_changes(ledger) == 0) {
        err = row_insert(scope, ledger, edition, bundle, now);
    }
    return end(ledger, alone, err);
}

enum err edition_enforce(const struct scope *scope, struct ledger *ledger, struct str hash,
                         struct wall now)
{
    struct statement *statement;
    bool alone;
    if (!may_change(scope)) {
        return ERR_DENIED;
    }
    enum err err = begin(ledger, &alone);
    if (err != OK) {
        return err;
    }
    err = LEDGER_QUERY(ledger,
                       "INSERT INTO edition_force (edition, who, at)"
                       " SELECT id, ?, ? FROM edition WHERE hash = ?",
                       &statement, BIND_TEXT(scope_principal(scope)), BIND_INT(now.ns),
                       BIND_TEXT(hash));
    err = err == OK ? statement_run(statement) : err;
    if (err == OK && ledger_changes(ledger) == 0) {
        err = ERR_NOT_FOUND;
    }
    err = err == OK ? ledger_audit(ledger, now.ns, 0, scope_principal(scope), STR("enforce"),
                                   STR("rules"), hash)
                    : err;
    return end(ledger, alone, err);
}

/* ---- Reading. */

static enum err row_read(struct statement *row, struct arena *mem, struct edition *ret)
{
    struct edition edition = {
        .number = (uint64_t)statement_int(row, 0),
        .at = {statement_int(row, 5)},
        .loaded = (uint64_t)statement_int(row, 6),
        .refused = (uint64_t)statement_int(row, 7),
        .needs_values = (uint64_t)statement_int(row, 8),
        .in_force = statement_is_null(row, 10) ? WALL_NONE : (struct wall){statement_int(row, 10)},
    };
    const struct {
        int column;
        struct str *to;
    } texts[] = {{1, &edition.hash},
                 {2, &edition.origin},
                 {3, &edition.note},
                 {4, &edition.who},
                 {9, &edition.report}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        enum err err = arena_copy(mem, statement_text(row, texts[i].column), texts[i].to);
        if (err != OK) {
            return err;
        }
    }
    *ret = edition;
    return OK;
}

/* The one row of a query, read; ERR_NOT_FOUND without one. */
static enum err row_take(struct statement *statement, struct arena *mem, struct edition *ret)
{
    bool row;
    enum err err = statement_step(statement, &row);
    if (err == OK && !row) {
        return ERR_NOT_FOUND;
    }
    err = err == OK ? row_read(statement, mem, ret) : err;
    statement_reset(statement);
    return err;
}

enum err edition_in_force(struct ledger *ledger, struct arena *mem, struct edition *ret)
{
    struct statement *statement;
    enum err err = LEDGER_QUERY(ledger,
                                "SELECT " COLUMNS " FROM edition e WHERE e.id ="
                                " (SELECT edition FROM edition_force ORDER BY id DESC LIMIT ?)",
                                &statement, BIND_INT(1));
    return err == OK ? row_take(statement, mem, ret) : err;
}

enum err edition_configured(struct ledger *ledger, struct arena *mem, struct edition *ret)
{
    struct statement *statement;
    enum err err = LEDGER_QUERY(ledger,
                                "SELECT " COLUMNS " FROM edition e WHERE e.origin = ?"
                                " ORDER BY e.seen DESC LIMIT 1",
                                &statement, BIND_TEXT(STR("configuration")));
    return err == OK ? row_take(statement, mem, ret) : err;
}

enum err edition_find(struct ledger *ledger, struct str hash, struct arena *mem,
                      struct edition *ret)
{
    struct statement *statement;
    if (hash.size < PREFIX_MIN) {
        return ERR_NOT_FOUND;
    }
    enum err err = LEDGER_QUERY(ledger,
                                "SELECT " COLUMNS ", count(*) OVER () FROM edition e"
                                " WHERE substr(e.hash, 1, ?) = ? ORDER BY e.id LIMIT 1",
                                &statement, BIND_INT(hash.size), BIND_TEXT(hash));
    bool row = false;
    err = err == OK ? statement_step(statement, &row) : err;
    if (err == OK && !row) {
        return ERR_NOT_FOUND;
    }
    if (err == OK) {
        err = statement_int(statement, 11) > 1 ? ERR_CONFLICT : row_read(statement, mem, ret);
        statement_reset(statement);
    }
    return err;
}

enum err edition_list(struct ledger *ledger, uint64_t before, size_t limit, struct arena *mem,
                      struct edition **ret, size_t *ret_count)
{
    struct statement *statement;
    size_t room = limit < EDITIONS_MAX ? limit : EDITIONS_MAX;
    struct edition *list = ARENA_ARRAY(mem, struct edition, room);
    size_t count = 0;
    bool row = true;
    if (list == NULL) {
        return ERR_MEMORY;
    }
    enum err err = LEDGER_QUERY(ledger,
                                "SELECT " COLUMNS " FROM edition e WHERE e.id < ?"
                                " ORDER BY e.id DESC LIMIT ?",
                                &statement, BIND_INT(before == 0 ? INT64_MAX : (int64_t)before),
                                BIND_INT(room));
    while (err == OK && row && count < room) {
        err = statement_step(statement, &row);
        if (err == OK && row) {
            err = row_read(statement, mem, &list[count]);
            count += err == OK;
        }
    }
    if (err == OK) {
        if (row) {
            statement_reset(statement);
        }
        *ret = list;
        *ret_count = count;
    }
    return err;
}

static enum err bundle_unpack(struct str packed, size_t size, struct arena *mem, struct str *ret)
{
    struct zstd *zstd = zstd_new(PACK_LEVEL);
    char *room = zstd == NULL ? NULL : arena_take(mem, size);
    enum err err = room == NULL ? ERR_MEMORY : zstd_unpack(zstd, packed, room, size);
    zstd_free(zstd);
    if (err == OK) {
        *ret = str_of(room, size);
    }
    return err;
}

enum err edition_bundle(struct ledger *ledger, struct str hash, struct arena *mem, struct str *ret)
{
    struct statement *statement;
    bool row = false;
    enum err err = LEDGER_QUERY(ledger, "SELECT bundle, size FROM edition WHERE hash = ?",
                                &statement, BIND_TEXT(hash));
    err = err == OK ? statement_step(statement, &row) : err;
    if (err == OK && !row) {
        return ERR_NOT_FOUND;
    }
    if (err == OK) {
        int64_t size = statement_int(statement, 1);
        err = size < 0 || size > RULES_SIZE_MAX
                  ? ERR_CORRUPT
                  : bundle_unpack(statement_bytes(statement, 0), (size_t)size, mem, ret);
        statement_reset(statement);
    }
    return err;
}
