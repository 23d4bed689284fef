/*
 * A client's accounts: what came from each source, what became of it, and when it was last heard.
 *
 * Always true: a source that nothing came from has an account of zeros, since silence is worth a
 * line; of another client's sources nothing is told, also where both hear the same address.
 */

#include <stdlib.h>

#include "collect/books.h"
#include "ledger/ledger.h"
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

/* Reasons are codes, since pages say them in the reader's language: words/ has "books.reason." and
 * the code. */
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
            json_text(out, "reason", str_from(books_reason_code((enum reject_reason)reason)));
            json_unsigned(out, "count", account->rejected[reason]);
            json_close(out);
        }
    }
    json_close(out);
    json_unsigned(out, "failures", account->failures);
    json_unsigned(out, "bytes", account->bytes);
    json_unsigned(out, "throttled", account->throttled);
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
        if (client_equal(source.client, call->client) && !source.own) {
            const struct account account = account_find(&accounts, source.id);
            err = source_print(call, out, &source, &account);
        }
    }
    json_close(out);
    return err == OK ? call_answered(call) : err;
}

/* ---- By the minute. */

#define ROWS_MAX 10000
#define DAY_NS   (24 * 3600 * NS_PER_SECOND)

static void row_print(struct json_out *out, const struct books_stretch *row, struct str source)
{
    json_object(out, NULL);
    json_text(out, "source", source);
    json_time(out, "at", (struct wall){row->at_ns});
    json_number(out, "seconds", row->seconds);
    json_number(out, "waiting_before", row->waiting_before);
    json_number(out, "received", row->received);
    json_number(out, "stored", row->stored);
    json_number(out, "deduplicated", row->deduplicated);
    json_number(out, "in_flight", row->in_flight);
    json_list(out, "rejected");
    for (int reason = 0; reason < REJECT_REASON_COUNT; reason++) {
        if (row->rejected[reason] != 0) {
            json_object(out, NULL);
            json_text(out, "reason", str_from(books_reason_code((enum reject_reason)reason)));
            json_number(out, "count", row->rejected[reason]);
            json_close(out);
        }
    }
    json_close(out);
    json_number(out, "failures", row->failures);
    json_number(out, "bytes", row->bytes);
    json_close(out);
}

/* The source by its slug; *ret_found false: the client has none of it. */
static uint32_t source_named(const struct call *call, struct str slug, bool *ret_found)
{
    struct source_info source;
    *ret_found = slug.size == 0;
    for (size_t i = 0; slug.size > 0 && tenant_source_at(call->api->rooms.tenant, i, &source);
         i++) {
        if (client_equal(source.client, call->client) && str_equal(source.slug, slug)) {
            *ret_found = true;
            return source.id.value;
        }
    }
    return 0;
}

static enum err question_read(struct call *call, struct books_question *ret)
{
    struct str source;
    struct str by;
    struct wall from = WALL_NONE;
    struct wall to = WALL_NONE;
    bool found = true;
    enum err err = call_query(call, "source", &source);
    err = err == OK ? call_query(call, "by", &by) : err;
    err = err == OK ? call_query_time(call, "from", &from) : err;
    err = err == OK && !call->refused ? call_query_time(call, "to", &to) : err;
    if (err != OK || call->refused) {
        return err;
    }
    *ret = (struct books_question){
        .client = call->client.value,
        .source = source_named(call, source, &found),
        .from_ns = wall_known(from) ? from.ns : call->now.ns - DAY_NS,
        .to_ns = wall_known(to) ? to.ns : INT64_MAX,
        .hours = str_equal(by, STR("hour")),
        .limit = ROWS_MAX + 1,
    };
    if (!found) {
        return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, STR("source"), NULL);
    }
    if (by.size > 0 && !ret->hours && !str_equal(by, STR("minute"))) {
        return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, STR("by"), NULL);
    }
    return OK;
}

static struct str slug_of(const struct call *call, uint32_t id)
{
    struct source_info source;
    for (size_t i = 0; tenant_source_at(call->api->rooms.tenant, i, &source); i++) {
        if (source.id.value == id) {
            return source.slug;
        }
    }
    return STR("?");
}

enum err api_books_minutes(struct call *call)
{
    struct books_question question;
    struct books_stretch *rows;
    size_t count;
    uint32_t last = 0;
    struct str slug = STR("");
    enum err err = question_read(call, &question);
    if (err != OK || call->refused) {
        return err;
    }
    err = books_minutes_list(call->api->rooms.ledger, &question, call->mem, &rows, &count);
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "rows");
    for (size_t i = 0; i < count && i < ROWS_MAX; i++) {
        if (rows[i].source != last) {
            last = rows[i].source;
            slug = slug_of(call, last);
        }
        row_print(out, &rows[i], slug);
    }
    json_close(out);
    json_yes_no(out, "more", count > ROWS_MAX);
    return call_answered(call);
}
