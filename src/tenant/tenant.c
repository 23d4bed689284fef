/*
 * The tenants' state in desk: opening it, the scopes of those who are no people, and looking.
 *
 * Always true: outside of a transaction the state in memory is the one that is on disk.
 */

#include "tenant/tenant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/crypto.h"
#include "ledger/ledger.h"
#include "sys/random.h"
#include "tenant/private.h"
#include "tenant/store.h"

#define TOKEN_BYTES 32

enum err tenant_open(struct ledger *ledger, struct wall now, struct tenant **ret, struct why *why)
{
    struct tenant *tenant = calloc(1, sizeof *tenant);
    if (tenant == NULL) {
        return ERR_MEMORY;
    }
    tenant->ledger = ledger;
    tenant->tries = tries_new();
    enum err err = tenant->tries == NULL ? ERR_MEMORY : state_load(ledger, &tenant->state, why);
    if (err == OK && tenant->state->clients_count == 0) {
        struct store store = {ledger, STR("hinomi"), now};
        state_free(tenant->state);
        tenant->state = NULL;
        err = ledger_begin(ledger);
        if (err == OK) {
            err = store_installation(&store);
            err = err == OK ? ledger_commit(ledger) : err;
            ledger_rollback(ledger);
        }
        if (err == OK) {
            err = state_load(ledger, &tenant->state, why);
        }
    }
    if (err != OK) {
        tenant_close(tenant);
        return err;
    }
    *ret = tenant;
    return OK;
}

void tenant_close(struct tenant *tenant)
{
    if (tenant != NULL) {
        state_free(tenant->state);
        tries_free(tenant->tries);
        secret_forget(tenant->factor_key, sizeof tenant->factor_key);
        free(tenant);
    }
}

/* ---- Scopes. */

enum err scope_for_administrator(struct tenant *tenant, uint32_t user_id, struct str purpose,
                                 struct wall now, struct scope **ret)
{
    const struct scope_grant grant = {.rights = RIGHTS_ADMINISTRATOR};
    char principal[32];
    struct scope *scope;
    (void)snprintf(principal, sizeof principal, "uid:%u", user_id);
    enum err err = scope_new(
        &(struct scope_parts){
            .grants = &grant,
            .count = 1,
            .principal = str_from(principal),
            .purpose = purpose,
        },
        &scope);
    if (err != OK) {
        return err;
    }
    struct bracket bracket;
    err = bracket_open(tenant, &bracket);
    if (err == OK) {
        err = ledger_audit(tenant->ledger, now.ns, 0, str_from(principal), STR("scope"),
                           STR("every client"), purpose);
        err = bracket_close(&bracket, err);
    }
    if (err != OK) {
        scope_free(scope);
        return err;
    }
    *ret = scope;
    return OK;
}

enum err scope_for_spine(struct tenant *tenant, struct client_id client, struct scope **ret)
{
    for (size_t i = 0; i < tenant->state->clients_count; i++) {
        if (client_equal(tenant->state->clients[i].info.id, client)) {
            const struct scope_grant grant = {client.value, RIGHT_APPEND | RIGHT_ALERT, 0};
            return scope_new(
                &(struct scope_parts){
                    .grants = &grant,
                    .count = 1,
                    .principal = STR("spine"),
                    .purpose = STR("spine"),
                },
                ret);
        }
    }
    return ERR_NOT_FOUND;
}

enum err scope_for_job(struct tenant *tenant, struct str job, struct scope **ret)
{
    const struct scope_grant grant = {.rights = RIGHT_SERVE | RIGHT_ALERT | RIGHT_ALERTS |
                                                RIGHT_DOCUMENTS | RIGHT_INCIDENTS};
    char principal[64];
    (void)tenant;
    if (!str_is_slug(job) || job.size >= sizeof principal - sizeof "hinomi/") {
        return ERR_SYNTAX;
    }
    (void)snprintf(principal, sizeof principal, "hinomi/%.*s", STR_ARG(job));
    return scope_new(
        &(struct scope_parts){
            .grants = &grant,
            .count = 1,
            .principal = str_from(principal),
            .purpose = job,
        },
        ret);
}

/* ---- Looking. */

uint64_t tenant_generation(const struct tenant *tenant)
{
    return tenant->state->generation;
}

enum err tenant_client_find(const struct tenant *tenant, struct str slug, struct client_id *ret)
{
    const struct client_state *client = state_client(tenant->state, slug);
    if (client == NULL) {
        return ERR_NOT_FOUND;
    }
    *ret = client->info.id;
    return OK;
}

bool tenant_client_at(const struct tenant *tenant, size_t index, struct client_info *ret)
{
    if (index >= tenant->state->clients_count) {
        return false;
    }
    *ret = tenant->state->clients[index].info;
    return true;
}

bool tenant_source_at(const struct tenant *tenant, size_t index, struct source_info *ret)
{
    if (index >= tenant->state->sources_count) {
        return false;
    }
    *ret = tenant->state->sources[index].info;
    return true;
}

bool tenant_sender_at(const struct tenant *tenant, size_t index, struct source_info *ret_source,
                      struct str *ret_listener)
{
    for (size_t i = 0; i < tenant->state->sources_count; i++) {
        const struct source_state *source = &tenant->state->sources[i];
        size_t count = source->info.active ? source->element.senders_count : 0;
        if (index < count) {
            *ret_source = source->info;
            *ret_listener = source->element.senders[index].listener;
            return true;
        }
        index -= count;
    }
    return false;
}

static const struct source_state *source_by_id(const struct state *state, struct source_id id)
{
    size_t low = 0;
    size_t high = state->sources_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (state->sources[middle].info.id.value < id.value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool there = low < state->sources_count && state->sources[low].info.id.value == id.value;
    return there ? &state->sources[low] : NULL;
}

static enum err sender_lines(const struct sender *sender, struct arena *mem, struct str *lines,
                             size_t *count)
{
    char text[NETWORK_TEXT_SIZE];
    enum err err = OK;
    if (sender->has_token) {
        err = arena_print(mem, &lines[(*count)++], "%.*s token", STR_ARG(sender->listener));
    }
    if (sender->certificate.size > 0 || sender->path.size > 0) {
        err =
            arena_print(mem, &lines[(*count)++], "%.*s %.*s", STR_ARG(sender->listener),
                        STR_ARG(sender->certificate.size > 0 ? sender->certificate : sender->path));
    }
    for (size_t i = 0; i < sender->networks_count && err == OK; i++) {
        err = arena_print(mem, &lines[(*count)++], "%.*s %s", STR_ARG(sender->listener),
                          network_print(&sender->networks[i], text));
    }
    return err;
}

enum err tenant_senders(const struct tenant *tenant, struct source_id source, struct arena *mem,
                        struct str **ret, size_t *ret_count)
{
    const struct source_state *state = source_by_id(tenant->state, source);
    size_t count_max = 1;
    size_t count = 0;
    if (state == NULL) {
        return ERR_NOT_FOUND;
    }
    size_t senders = state->info.active ? state->element.senders_count : 0;
    for (size_t i = 0; i < senders; i++) {
        count_max += 1 + state->element.senders[i].networks_count;
    }
    struct str *lines = ARENA_ARRAY(mem, struct str, count_max);
    enum err err = lines == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < senders && err == OK; i++) {
        err = sender_lines(&state->element.senders[i], mem, lines, &count);
    }
    if (err == OK && state->info.unknown_senders) {
        lines[count++] = state->unknown_listener;
    }
    if (err == OK) {
        *ret = lines;
        *ret_count = count;
    }
    return err;
}

enum err tenant_token_new(struct arena *mem, struct str *ret_token, struct str *ret_hash)
{
    uint8_t secret[TOKEN_BYTES];
    char hex[2 * TOKEN_BYTES + 1];
    struct str token;
    random_bytes(secret, sizeof secret);
    enum err err = arena_print(mem, &token, "hinomi_%s", hex_print(secret, sizeof secret, hex));
    if (err != OK) {
        return err;
    }
    struct sha256 hash = sha256_of_bytes(token);
    err = arena_copy(mem, str_from(hex_print(hash.bytes, sizeof hash.bytes, hex)), ret_hash);
    if (err == OK) {
        *ret_token = token;
    }
    return err;
}
