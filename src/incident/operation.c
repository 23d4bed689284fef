/*
 * What every step on an incident has in common: the order of the checks, the transaction around
 * all that it changes, and the texts that people write.
 *
 * Always true: the checks come in one order, for every step and every role: whether the scope may
 * see the client's incidents at all and whether there is this one (ERR_NOT_FOUND for both, so that
 * nobody learns of what is not theirs), then the role (ERR_DENIED), then what was written
 * (ERR_SYNTAX, ERR_LIMIT), then the state (ERR_CONFLICT).
 *
 * Where the caller has a transaction open, a step joins it, and after an error the caller takes
 * back the whole of it.
 */

#include <string.h>

#include "codec/utf8.h"
#include "incident/private.h"

bool rights_any(const struct scope *scope, struct client_id client, uint32_t rights)
{
    for (uint32_t right = 1; right != 0 && right <= rights; right <<= 1) {
        if ((rights & right) != 0 && scope_allows(scope, client, (enum right)right)) {
            return true;
        }
    }
    return false;
}

static enum err operation_open(struct operation *operation)
{
    struct ledger *ledger = operation->incidents->ledger;
    operation->alone = !ledger_in_transaction(ledger);
    return operation->alone ? ledger_begin(ledger) : OK;
}

static void operation_abandon(struct operation *operation)
{
    if (operation->alone) {
        ledger_rollback(operation->incidents->ledger);
    }
    arena_reset(operation->incidents->mem);
}

enum err operation_begin(const struct scope *scope, struct incidents *incidents,
                         struct incident_at at, uint32_t rights, struct why *why,
                         struct operation *ret)
{
    struct operation operation = {
        .incidents = incidents, .scope = scope, .now = at.now, .why = why};
    if (!scope_allows(scope, at.client, RIGHT_INCIDENTS)) {
        return why_say(why, ERR_NOT_FOUND, 0, "there is no such incident");
    }
    enum err err = operation_open(&operation);
    if (err != OK) {
        return err;
    }
    err = row_by_number(incidents->ledger, at.client, at.number, incidents->mem, &operation.row);
    if (err == ERR_NOT_FOUND) {
        err = why_say(why, err, 0, "there is no such incident");
    }
    if (err == OK) {
        err = rights_check(&operation, rights);
    }
    if (err != OK) {
        operation_abandon(&operation);
        return err;
    }
    *ret = operation;
    return OK;
}

enum err operation_begin_id(const struct scope *scope, struct incidents *incidents,
                            struct client_id client, uint64_t id, struct wall now,
                            struct operation *ret)
{
    struct operation operation = {.incidents = incidents, .scope = scope, .now = now};
    enum err err = operation_open(&operation);
    if (err != OK) {
        return err;
    }
    err = row_by_id(incidents->ledger, client, id, incidents->mem, &operation.row);
    if (err != OK) {
        operation_abandon(&operation);
        return err;
    }
    *ret = operation;
    return OK;
}

enum err operation_end(struct operation *operation, enum err err)
{
    if (err == OK) {
        err = row_save(operation->incidents->ledger, &operation->row);
    }
    if (err == OK && operation->alone) {
        err = ledger_commit(operation->incidents->ledger);
    }
    operation_abandon(operation);
    return err;
}

enum err rights_check(const struct operation *operation, uint32_t rights)
{
    if (rights_any(operation->scope, operation->row.client, rights)) {
        return OK;
    }
    return why_say(operation->why, ERR_DENIED, 0, "%s",
                   rights == RIGHT_DECIDE ? "only the client's responsible person may decide this"
                   : rights == RIGHT_WORK ? "only the provider's people on this incident may do so"
                   : rights == RIGHT_ACT  ? "only the client's people on this incident may do so"
                                          : "your role does not work on incidents");
}

enum err state_refuse(const struct operation *operation, const char *reason)
{
    return why_say(operation->why, ERR_CONFLICT, 0, "incident %u is in the state '%s': %s",
                   operation->row.number, incident_state_text(operation->row.state), reason);
}

/* C0 and C1 controls, and DEL. */
static bool is_control(struct str text, size_t at)
{
    unsigned char c = (unsigned char)text.data[at];
    if (c == '\n' || c == '\t') {
        return false;
    }
    return c < 0x20 || c == 0x7f ||
           (c == 0xc2 && at + 1 < text.size && (unsigned char)text.data[at + 1] < 0xa0);
}

enum err text_check(struct str text, const char *name, size_t size_max, bool needed,
                    struct why *why)
{
    if (text.size > size_max) {
        return why_say(why, ERR_LIMIT, 0, "%s: %zu bytes are more than %zu", name, text.size,
                       size_max);
    }
    for (size_t at = 0; at < text.size;) {
        size_t length = utf8_sequence(str_slice(text, at, 4));
        if (length == 0) {
            return why_say(why, ERR_SYNTAX, 0, "%s: byte %zu is not UTF-8", name, at + 1);
        }
        if (is_control(text, at)) {
            return why_say(why, ERR_SYNTAX, 0, "%s: byte %zu is a control character", name, at + 1);
        }
        at += length;
    }
    if (needed && str_trim(text).size == 0) {
        return why_say(why, ERR_SYNTAX, 0, "%s: a text is needed here", name);
    }
    return OK;
}

enum err number_text(const struct operation *operation, uint64_t number, struct str *ret)
{
    return arena_print(operation->incidents->mem, ret, "%llu", (unsigned long long)number);
}
