/*
 * A client's accounts: what came from each source, what became of it, and when it was last heard.
 *
 * Always true: a source that nothing came from has an account of zeros, since silence is worth a
 * line; of another client's sources nothing is told, also where both hear the same address.
 */

#include <stdlib.h>

#include "collect/books.h"
#include "portal/private.h"

struct accounts {
    struct account *list;
    size_t count;
};

static int account_compare(const void *a, const void *b)
{
    uint32_t first = ((const struct account *)a)->source.value;
    uint32_t second = ((const struct account *)b)->source.value;
    return (first > second) - (first < second);
}

static enum err accounts_read(struct call *call, struct accounts *ret)
{
    struct account account;
    struct accounts accounts = {ARENA_ARRAY(call->mem, struct account, SOURCES_MAX), 0};
    if (accounts.list == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; books_account_at(call->api->books, i, &account); i++) {
        if (client_equal(account.client, call->client)) {
            accounts.list[accounts.count++] = account;
        }
    }
    qsort(accounts.list, accounts.count, sizeof *accounts.list, account_compare);
    *ret = accounts;
    return OK;
}

static struct account account_find(const struct accounts *accounts, struct source_id source)
{
    const struct account none = {.source = source, .heard = WALL_NONE};
    const struct account *found =
        bsearch(&none, accounts->list, accounts->count, sizeof none, account_compare);
    return found != NULL ? *found : none;
}

/* Codes, since pages say it in the reader's language: words/ has "books.reason." and the code. */
static const char *const reasons[REJECT_REASON_COUNT] = {
    [REJECT_TOO_LONG] = "too-long",         [REJECT_FRAMING] = "framing",
    [REJECT_KERNEL_DROP] = "kernel-drop",   [REJECT_CONFLICT] = "conflict",
    [REJECT_UNAUTHORISED] = "unauthorised", [REJECT_REFUSED] = "refused",
};

static void numbers_print(struct json_out *out, const struct account *account)
{
    json_unsigned(out, "received", account->received);
    json_unsigned(out, "stored", account->stored);
    json_unsigned(out, "deduplicated", account->deduplicated);
    json_unsigned(out, "in_flight", account->in_flight);
    json_list(out, "rejected");
    for (int reason = 0; reason < REJECT_REASON_COUNT; reason++) {
        if (account->rejected[reason] > 0) {
            json_object(out, NULL);
            json_text(out, "reason", str_from(reasons[reason]));
            json_unsigned(out, "count", account->rejected[reason]);
            json_close(out);
        }
    }
    json_close(out);
    json_time(out, "heard", account->heard);
}

static enum err source_print(struct call *call, struct json_out *out,
                             const struct source_info *source, const struct account *account)
{
    struct str *senders;
    size_t count;
    enum err err = tenant_senders(call->api->rooms.tenant, source->id, call->mem, &senders, &count);
    if (err != OK) {
        return err;
    }
    json_object(out, NULL);
    json_text(out, "source", source->slug);
    json_names(out, "name", source->name_ja, source->name_en);
    json_yes_no(out, "active", source->active);
    json_yes_no(out, "unknown", source->unknown_senders);
    json_list(out, "senders");
    for (size_t i = 0; i < count; i++) {
        json_text(out, NULL, senders[i]);
    }
    json_close(out);
    numbers_print(out, account);
    json_close(out);
    return OK;
}

enum err api_books_show(struct call *call)
{
    struct accounts accounts;
    struct source_info source;
    if (call->api->books == NULL) {
        return ERR_UNSUPPORTED;
    }
    enum err err = accounts_read(call, &accounts);
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "sources");
    for (size_t i = 0; err == OK && tenant_source_at(call->api->rooms.tenant, i, &source); i++) {
        if (client_equal(source.client, call->client)) {
            const struct account account = account_find(&accounts, source.id);
            err = source_print(call, out, &source, &account);
        }
    }
    json_close(out);
    return err == OK ? call_answered(call) : err;
}
