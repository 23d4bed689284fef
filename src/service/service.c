/*
 * The service's state in desk: the ledger, the installation's key, and what runs, per client.
 *
 * The key is an Ed25519 seed, made with the first opening and kept in the ledger.  It vouches for
 * every signature that a person gives here, so that another installation can be told to believe
 * them (signatures.c).
 *
 * Always true: what is kept in memory of a running document names the row that it was read from and
 * counts only while the ledger names the same row; so a transaction that a caller takes back takes
 * back what runs, too.
 */

#include "service/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/utf8.h"
#include "ledger/ledger.h"
#include "service/versions.h"
#include "sys/random.h"

static enum err key_load(struct service *service, struct wall now, struct why *why);
static enum err key_store(struct service *service, struct wall now);

enum err service_open(struct ledger *ledger, struct tenant *tenant, struct wall now,
                      struct service **ret, struct why *why)
{
    struct service *service = calloc(1, sizeof *service);
    if (service == NULL) {
        return ERR_MEMORY;
    }
    service->ledger = ledger;
    service->tenant = tenant;
    enum err err = key_load(service, now, why);
    if (err != OK) {
        service_close(service);
        return err;
    }
    *ret = service;
    return OK;
}

void service_close(struct service *service)
{
    if (service == NULL) {
        return;
    }
    for (size_t i = 0; i < service->clients_count; i++) {
        struct client_running *client = service->clients[i];
        for (size_t j = 0; j < schema_count(); j++) {
            arena_free(client->kinds[j].mem);
        }
        free(client->kinds);
        free(client);
    }
    free(service->clients);
    secret_forget(service->seed, sizeof service->seed);
    free(service);
}

void service_vouch(const struct service *service, struct str text, uint8_t ret[64])
{
    ed25519_sign(service->seed, text, ret);
}

struct str service_key(const struct service *service)
{
    return str_from(service->key);
}

uint64_t service_generation(const struct service *service, struct client_id client)
{
    for (size_t i = 0; i < service->clients_count; i++) {
        if (client_equal(service->clients[i]->client, client)) {
            return service->clients[i]->generation;
        }
    }
    return 1;
}

static enum err key_load(struct service *service, struct wall now, struct why *why)
{
    struct statement *statement;
    uint8_t public_key[ED25519_SIZE];
    bool row;
    bool damaged = false;
    enum err err = ledger_prepare(service->ledger,
                                  "SELECT value FROM meta WHERE key = 'service-key'", &statement);
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err != OK) {
        return err;
    }
    if (row) {
        struct str seed = statement_bytes(statement, 0);
        damaged = seed.size != sizeof service->seed;
        if (!damaged) {
            memcpy(service->seed, seed.data, sizeof service->seed);
        }
        statement_reset(statement);
    } else {
        random_bytes(service->seed, sizeof service->seed);
    }
    if (damaged) {
        return why_say(why, ERR_CORRUPT, 0, "the ledger's key for signatures is damaged");
    }
    ed25519_public(service->seed, public_key);
    (void)hex_print(public_key, sizeof public_key, service->key);
    return row ? OK : key_store(service, now);
}

static enum err key_store(struct service *service, struct wall now)
{
    struct statement *statement;
    bool alone;
    enum err err = service_begin(service, &alone);
    if (err != OK) {
        return err;
    }
    err = ledger_prepare(service->ledger, "INSERT INTO meta (key, value) VALUES ('service-key', ?)",
                         &statement);
    if (err == OK) {
        err = statement_bind_bytes(statement, 1, str_of(service->seed, sizeof service->seed));
    }
    if (err == OK) {
        err = statement_run(statement);
    }
    if (err == OK) {
        err = ledger_audit(service->ledger, now.ns, 0, STR("hinomi"), STR("create"),
                           STR("key for signatures"), service_key(service));
    }
    return service_end(service, alone, err);
}

/* ---- What the files of this folder share. */

enum err service_begin(struct service *service, bool *ret_alone)
{
    *ret_alone = !ledger_in_transaction(service->ledger);
    return *ret_alone ? ledger_begin(service->ledger) : OK;
}

enum err service_end(struct service *service, bool alone, enum err err)
{
    if (alone) {
        err = err == OK ? ledger_commit(service->ledger) : err;
        ledger_rollback(service->ledger);
    }
    return err;
}

enum err service_end_settled(struct service *service, bool alone, enum err err, struct why *why)
{
    err = service_end(service, alone, err);
    if (!alone) {
        return err;
    }
    enum err settled = tenant_settle(service->tenant, err == OK ? why : NULL);
    return err == OK ? settled : err;
}

struct client_running *service_client(struct service *service, struct client_id client)
{
    for (size_t i = 0; i < service->clients_count; i++) {
        if (client_equal(service->clients[i]->client, client)) {
            return service->clients[i];
        }
    }
    struct client_running **more =
        realloc(service->clients, (service->clients_count + 1) * sizeof(struct client_running *));
    if (more == NULL) {
        return NULL;
    }
    service->clients = more;
    struct client_running *made = calloc(1, sizeof *made);
    struct running *kinds = calloc(schema_count() + 1, sizeof *kinds);
    if (made == NULL || kinds == NULL) {
        free(made);
        free(kinds);
        return NULL;
    }
    *made = (struct client_running){.client = client, .generation = 1, .kinds = kinds};
    service->clients[service->clients_count++] = made;
    return made;
}

enum err client_slug(struct service *service, struct client_id client, struct arena *mem,
                     struct str *ret)
{
    struct statement *statement;
    bool row = false;
    enum err err = ledger_prepare(
        service->ledger,
        "SELECT p.slug FROM client c JOIN party p ON p.id = c.party WHERE c.id = ?", &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, client.value);
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err != OK || !row) {
        return err != OK ? err : ERR_NOT_FOUND;
    }
    err = arena_copy(mem, statement_text(statement, 0), ret);
    statement_reset(statement);
    return err;
}

size_t kind_index(struct str kind)
{
    for (size_t i = 0; i < schema_count(); i++) {
        if (str_equal(kind, str_from(schema_kind(schema_at(i))))) {
            return i;
        }
    }
    return SIZE_MAX;
}

bool roles_held(const struct scope *scope, struct client_id client, uint32_t roles)
{
    for (int role = 0; role < ROLE_COUNT; role++) {
        if ((roles & 1u << role) != 0 && scope_has_role(scope, client, (enum role)role)) {
            return true;
        }
    }
    return false;
}

enum err roles_print(struct buf *out, const uint32_t *sets, size_t count)
{
    enum err err = OK;
    for (size_t i = 0; i < count && sets[i] != 0; i++) {
        bool first = true;
        for (int role = 0; role < ROLE_COUNT && err == OK; role++) {
            if ((sets[i] & 1u << role) != 0) {
                err = buf_print(out, "%s%s",
                                !first  ? " or "
                                : i > 0 ? "; "
                                        : "",
                                role_text((enum role)role));
                first = false;
            }
        }
    }
    return err;
}

enum err document_audit(struct service *service, struct str principal, const char *action,
                        struct client_id client, struct str kind, struct str detail,
                        struct wall now)
{
    char object[2 * SLUG_SIZE_MAX + 32];
    struct str slug;
    struct arena *scratch = arena_new(4096);
    enum err err = scratch == NULL ? ERR_MEMORY : client_slug(service, client, scratch, &slug);
    if (err == OK) {
        (void)snprintf(object, sizeof object, "document %.*s/%.*s", STR_ARG(slug), STR_ARG(kind));
        err = ledger_audit(service->ledger, now.ns, client.value, principal, str_from(action),
                           str_from(object), detail);
    }
    arena_free(scratch);
    return err;
}

bool text_fits(struct str text, size_t size_max)
{
    for (size_t at = 0; at < text.size;) {
        size_t length = utf8_sequence(str_slice(text, at, 4));
        unsigned char c = (unsigned char)text.data[at];
        /* C2 80 to C2 9F are the C1 controls. */
        if (length == 0 || (c < 0x20 && c != '\n') || c == 0x7f ||
            (c == 0xc2 && (unsigned char)text.data[at + 1] < 0xa0)) {
            return false;
        }
        at += length;
    }
    return text.size <= size_max;
}

bool may_draft(const struct scope *scope, struct client_id client)
{
    return scope_allows(scope, client, RIGHT_DRAFT) || scope_allows(scope, client, RIGHT_MANAGE);
}

bool may_read(const struct scope *scope, struct client_id client)
{
    return scope_allows(scope, client, RIGHT_DOCUMENTS) ||
           scope_allows(scope, client, RIGHT_MANAGE);
}

enum err statement_bind_wall(struct statement *statement, int at, struct wall wall)
{
    return wall_known(wall) ? statement_bind_int(statement, at, wall.ns)
                            : statement_bind_null(statement, at);
}

struct wall statement_wall(struct statement *statement, int at)
{
    return statement_is_null(statement, at) ? WALL_NONE
                                            : (struct wall){statement_int(statement, at)};
}

enum err client_bind(struct statement *statement, struct client_id client, const struct str *texts,
                     int count)
{
    enum err err = statement_bind_int(statement, 1, client.value);
    for (int i = 0; i < count && err == OK; i++) {
        err = statement_bind_text(statement, i + 2, texts[i]);
    }
    return err;
}

void service_check(struct service *service, const char *kind, service_check_call *call)
{
    service->check = call;
    service->check_kind = kind;
}
