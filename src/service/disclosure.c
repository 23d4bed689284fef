/*
 * Who may see what (R039), and who has read it.
 *
 *     the client's own roles, the installation     everything
 *     provider, auditor                            what is disclosed to them (document_disclose)
 *     bidder                                       the same, of kinds whose root was shown to them
 *
 * Always true: only somebody of the client changes what is disclosed; whoever runs the machine may
 * take it along in an apply file, since they see everything anyway.
 */

#include "service/versions.h"

#include "ledger/ledger.h"

enum err service_disclose(const struct scope *scope, struct service *service,
                          struct client_id client, struct str kind, struct str path,
                          enum disclosure disclosure, struct wall now, struct why *why)
{
    const struct schema *schema = schema_find(kind);
    bool differs;
    bool alone;
    if (scope_side(scope, client) != SIDE_CLIENT || !scope_allows(scope, client, RIGHT_DRAFT)) {
        return why_say(why, ERR_DENIED, 0, "only the client's own people say what is disclosed");
    }
    if (schema == NULL || !disclosure_path_valid(schema, path)) {
        return why_say(why, ERR_NOT_FOUND, 0, "there is no such element");
    }
    enum err err = disclosure_differs(service, client, kind, path, disclosure, &differs);
    if (err != OK || !differs) {
        return err;
    }
    err = service_begin(service, &alone);
    if (err != OK) {
        return err;
    }
    err = disclosure_store(scope, service, client, kind, path, disclosure, now);
    return service_end(service, alone, err);
}

/* The child with this key, or NULL. */
static const struct schema_element *child(const struct schema_element *element, struct str key)
{
    const struct schema_element *at = element->children;
    while (at != NULL && at->key != NULL && !str_equal(key, str_from(at->key))) {
        at++;
    }
    return at == NULL || at->key == NULL ? NULL : at;
}

bool disclosure_path_valid(const struct schema *schema, struct str path)
{
    const struct schema_element *element = schema_root(schema);
    bool in_list = false; /* a slug comes next */
    if (path.size > ELEMENT_PATH_SIZE_MAX || str_ends(path, STR("/"))) {
        return false;
    }
    while (path.size > 0) {
        struct str part = str_cut(&path, '/');
        if (in_list) {
            if (!str_is_slug(part)) {
                return false;
            }
            in_list = false;
        } else {
            element = child(element, part);
            if (element == NULL) {
                return false;
            }
            in_list = element->type == ELEMENT_LIST;
        }
    }
    return true;
}

static enum err bind(struct statement *statement, struct client_id client, struct str kind,
                     struct str path)
{
    enum err err = statement_bind_int(statement, 1, client.value);
    if (err == OK) {
        err = statement_bind_text(statement, 2, kind);
    }
    return err == OK ? statement_bind_text(statement, 3, path) : err;
}

enum err disclosure_differs(struct service *service, struct client_id client, struct str kind,
                            struct str path, enum disclosure disclosure, bool *ret)
{
    struct statement *statement;
    bool row = false;
    enum err err = ledger_prepare(
        service->ledger,
        "SELECT disclosure FROM disclosure WHERE client = ? AND kind = ? AND path = ?", &statement);
    if (err == OK) {
        err = bind(statement, client, kind, path);
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err == OK) {
        *ret =
            !row || !str_equal(statement_text(statement, 0), str_from(disclosure_text(disclosure)));
        statement_reset(statement);
    }
    return err;
}

enum err disclosure_store(const struct scope *scope, struct service *service,
                          struct client_id client, struct str kind, struct str path,
                          enum disclosure disclosure, struct wall now)
{
    struct statement *statement;
    struct buf detail;
    enum err err = ledger_prepare(
        service->ledger,
        "INSERT INTO disclosure (client, kind, path, disclosure, who, at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (client, kind, path) DO UPDATE"
        " SET disclosure = excluded.disclosure, who = excluded.who, at = excluded.at",
        &statement);
    if (err == OK) {
        err = bind(statement, client, kind, path);
    }
    if (err == OK) {
        err = statement_bind_text(statement, 4, str_from(disclosure_text(disclosure)));
    }
    if (err == OK) {
        err = statement_bind_text(statement, 5, scope_principal(scope));
    }
    if (err == OK) {
        err = statement_bind_int(statement, 6, now.ns);
    }
    if (err == OK) {
        err = statement_run(statement);
    }
    buf_init(&detail, 2 * ELEMENT_PATH_SIZE_MAX);
    if (err == OK) {
        err = buf_print(&detail, "%s: %.*s", disclosure_text(disclosure), STR_ARG(path));
    }
    if (err == OK) {
        err = document_audit(service, scope_principal(scope), "disclose", client, kind,
                             buf_str(&detail), now);
    }
    buf_done(&detail);
    return err;
}

/* ---- Looking. */

static enum err count_load(struct service *service, struct client_id client, struct str kind,
                           size_t *ret)
{
    struct statement *statement;
    bool row;
    enum err err =
        ledger_prepare(service->ledger,
                       "SELECT count(*) FROM disclosure WHERE client = ? AND kind = ?", &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, client.value);
    }
    if (err == OK) {
        err = statement_bind_text(statement, 2, kind);
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err == OK) {
        *ret = (size_t)statement_int(statement, 0);
        statement_reset(statement);
    }
    return err;
}

enum err disclosures_load(struct service *service, struct client_id client, struct str kind,
                          struct arena *mem, struct disclosed **ret, size_t *ret_count)
{
    struct statement *statement;
    size_t count_max = 0;
    size_t count = 0;
    bool row = true;
    enum err err = count_load(service, client, kind, &count_max);
    struct disclosed *list = ARENA_ARRAY(mem, struct disclosed, count_max + 1);
    if (err == OK && list == NULL) {
        err = ERR_MEMORY;
    }
    if (err == OK) {
        err = ledger_prepare(service->ledger,
                             "SELECT path, disclosure FROM disclosure WHERE client = ?"
                             " AND kind = ? ORDER BY path",
                             &statement);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 1, client.value);
    }
    if (err == OK) {
        err = statement_bind_text(statement, 2, kind);
    }
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        struct disclosed *item = &list[count++];
        err = arena_copy(mem, statement_text(statement, 0), &item->path);
        if (err == OK && disclosure_parse(statement_text(statement, 1), &item->disclosure) != OK) {
            err = ERR_CORRUPT;
        }
        if (err != OK) {
            statement_reset(statement);
        }
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}

enum err service_disclosures(const struct scope *scope, struct service *service,
                             struct client_id client, struct str kind, struct arena *mem,
                             struct disclosed **ret, size_t *ret_count)
{
    enum side side = scope_side(scope, client);
    if ((side != SIDE_CLIENT && side != SIDE_INSTALLATION) || !may_read(scope, client)) {
        return ERR_DENIED;
    }
    return disclosures_load(service, client, kind, mem, ret, ret_count);
}

enum err kind_released(const struct scope *scope, struct service *service, struct client_id client,
                       struct str kind, bool *ret)
{
    bool differs = false;
    enum side side = scope_side(scope, client);
    enum err err = OK;
    if (side == SIDE_BIDDER) {
        err = disclosure_differs(service, client, kind, STR(""), DISCLOSURE_SHOWN, &differs);
    }
    if (err == OK) {
        *ret = side != SIDE_NONE && !differs;
    }
    return err;
}

enum err document_view(const struct scope *scope, struct service *service, struct client_id client,
                       const struct document *whole, struct arena *mem, struct document *ret)
{
    enum side side = scope_side(scope, client);
    struct str kind = str_from(schema_kind(whole->schema));
    struct disclosed *list = NULL;
    size_t count = 0;
    bool released = false;
    if (side == SIDE_CLIENT || side == SIDE_INSTALLATION) {
        *ret = *whole;
        return OK;
    }
    enum err err = kind_released(scope, service, client, kind, &released);
    if (err == OK && !released) {
        return ERR_NOT_FOUND;
    }
    if (err == OK) {
        err = disclosures_load(service, client, kind, mem, &list, &count);
    }
    return err == OK ? document_disclose(whole, list, count, mem, ret) : err;
}

/* ---- "Read and understood". */

enum err service_acknowledge(const struct scope *scope, struct service *service,
                             struct client_id client, struct str kind, struct str hash,
                             struct str note, struct wall now, struct why *why)
{
    struct statement *statement;
    struct stored stored;
    bool released = false;
    bool alone;
    enum side side = scope_side(scope, client);
    if (!scope_allows(scope, client, RIGHT_DOCUMENTS) || scope_person(scope) == 0) {
        return why_say(why, ERR_DENIED, 0, "only a person who may read it can acknowledge it");
    }
    if (!text_fits(note, NOTE_SIZE_MAX)) {
        return why_say(why, ERR_SYNTAX, 0, "a note is text of at most %d bytes", NOTE_SIZE_MAX);
    }
    struct arena *scratch = arena_new(1 << 20);
    enum err err =
        scratch == NULL ? ERR_MEMORY : kind_released(scope, service, client, kind, &released);
    if (err == OK) {
        err = !released ? ERR_NOT_FOUND
                        : stored_find(service, client, kind, WHICH_HASH, hash, scratch, &stored);
    }
    if (err == OK && stored.version.state != VERSION_EFFECTIVE) {
        err = why_say(why, ERR_CONFLICT, 0, "this version is %s; only what runs is acknowledged",
                      version_state_text(stored.version.state));
    } else if (err == OK && stored.author_side == side) {
        err = why_say(why, ERR_DENIED, 0, "your own side wrote this version");
    }
    if (err == OK) {
        err = service_begin(service, &alone);
    }
    arena_free(scratch);
    if (err != OK) {
        return err;
    }
    err = ledger_prepare(service->ledger,
                         "INSERT INTO document_acknowledgement (document, at, who, note)"
                         " VALUES (?, ?, ?, ?)",
                         &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, stored.id);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 2, now.ns);
    }
    if (err == OK) {
        err = statement_bind_text(statement, 3, scope_principal(scope));
    }
    if (err == OK) {
        err = statement_bind_text(statement, 4, note);
    }
    if (err == OK) {
        err = statement_run(statement);
    }
    if (err == OK) {
        err =
            document_audit(service, scope_principal(scope), "acknowledge", client, kind, hash, now);
    }
    return service_end(service, alone, err);
}

enum err service_acknowledgements(const struct scope *scope, struct service *service,
                                  struct client_id client, struct str kind, struct str hash,
                                  struct arena *mem, struct acknowledgement **ret,
                                  size_t *ret_count)
{
    struct statement *statement;
    struct acknowledgement *list = NULL;
    size_t count = 0;
    bool released = false;
    bool row = true;
    if (!may_read(scope, client)) {
        return ERR_DENIED;
    }
    enum err err = kind_released(scope, service, client, kind, &released);
    if (err == OK && !released) {
        return ERR_NOT_FOUND;
    }
    if (err == OK) {
        err = ledger_prepare(service->ledger,
                             "SELECT a.who, a.at, a.note FROM document_acknowledgement a"
                             " JOIN document d ON d.id = a.document WHERE d.client = ?"
                             " AND d.kind = ? AND d.hash = ? ORDER BY a.at, a.who",
                             &statement);
    }
    if (err == OK) {
        err = bind(statement, client, kind, hash);
    }
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        if ((count & (count - 1)) == 0) {
            struct acknowledgement *more =
                ARENA_ARRAY(mem, struct acknowledgement, count == 0 ? 1 : 2 * count);
            for (size_t i = 0; i < count && more != NULL; i++) {
                more[i] = list[i];
            }
            list = more;
            err = more == NULL ? ERR_MEMORY : OK;
        }
        if (err == OK) {
            list[count].at = (struct wall){statement_int(statement, 1)};
            err = arena_copy(mem, statement_text(statement, 0), &list[count].who);
        }
        if (err == OK) {
            err = arena_copy(mem, statement_text(statement, 2), &list[count++].note);
        }
        if (err != OK) {
            statement_reset(statement);
        }
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}
