/*
 * The books as a monitoring system reads them: OpenMetrics 1.0, text.
 *
 * A caller sees the accounts of the clients whose books they may read; for a machine, that is an
 * API token with the right to books and nothing else.  Counters count since the installation began,
 * as the books do, so a restart does not set them back.
 *
 * Always true: names of clients, sources and reasons are slugs and codes of ours, so nothing in a
 * label needs an escape.
 */

#include "base/limits.h"
#include "collect/books.h"
#include "portal/private.h"

#define TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

struct family {
    const char *name, *help;
    uint64_t (*value)(const struct account *account);
};

static uint64_t received(const struct account *account)
{
    return account->received;
}

static uint64_t stored(const struct account *account)
{
    return account->stored;
}

static uint64_t deduplicated(const struct account *account)
{
    return account->deduplicated;
}

static uint64_t failures(const struct account *account)
{
    return account->failures;
}

static uint64_t bytes(const struct account *account)
{
    return account->bytes;
}

static const struct family counters[] = {
    {"hinomi_records_received", "Records that came.", received},
    {"hinomi_records_stored", "Records that are on disk, as evidence.", stored},
    {"hinomi_records_deduplicated", "Records that had been stored before.", deduplicated},
    {"hinomi_records_unparsed", "Stored records that no parser could read.", failures},
    {"hinomi_bytes_received", "Bytes of records that came.", bytes},
};

/* Calls `print` for each account of which the caller may know. */
typedef enum err account_print(const struct family *family, const struct account *account,
                               struct str client, struct str source, struct buf *out);

/* The source of that number; they ascend, so a search by halves: an answer asks for each account.
 */
static bool source_numbered(const struct call *call, uint32_t number, struct source_info *ret)
{
    size_t low = 0;
    size_t high = SOURCES_MAX;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool there = tenant_source_at(call->api->rooms.tenant, middle, ret);
        if (there && ret->id.value == number) {
            return true;
        }
        low = there && ret->id.value < number ? middle + 1 : low;
        high = there && ret->id.value < number ? high : middle;
    }
    return false;
}

static enum err accounts_each(struct call *call, const struct family *family, account_print *print)
{
    struct account account;
    enum err err = OK;
    for (size_t i = 0; err == OK && books_account_at(call->api->books, i, &account); i++) {
        struct source_info source;
        if (scope_allows(call->scope, account.client, RIGHT_BOOKS) &&
            source_numbered(call, account.source.value, &source) && !source.own) {
            err = print(family, &account, call_client_slug(call, account.client), source.slug,
                        &call->answer->body);
        }
    }
    return err;
}

static enum err counter_print(const struct family *family, const struct account *account,
                              struct str client, struct str source, struct buf *out)
{
    return buf_print(out, "%s_total{client=\"%.*s\",source=\"%.*s\"} %llu\n", family->name,
                     STR_ARG(client), STR_ARG(source), (unsigned long long)family->value(account));
}

static enum err rejected_print(const struct family *family, const struct account *account,
                               struct str client, struct str source, struct buf *out)
{
    enum err err = OK;
    for (int reason = 0; reason < REJECT_REASON_COUNT && err == OK; reason++) {
        err = buf_print(out, "%s_total{client=\"%.*s\",source=\"%.*s\",reason=\"%s\"} %llu\n",
                        family->name, STR_ARG(client), STR_ARG(source),
                        books_reason_code((enum reject_reason)reason),
                        (unsigned long long)account->rejected[reason]);
    }
    return err;
}

static enum err gauge_print(const struct family *family, const struct account *account,
                            struct str client, struct str source, struct buf *out)
{
    return buf_print(out, "%s{client=\"%.*s\",source=\"%.*s\"} %llu\n", family->name,
                     STR_ARG(client), STR_ARG(source), (unsigned long long)account->in_flight);
}

static enum err heard_print(const struct family *family, const struct account *account,
                            struct str client, struct str source, struct buf *out)
{
    return !wall_known(account->heard)
               ? OK
               : buf_print(out, "%s{client=\"%.*s\",source=\"%.*s\"} %lld\n", family->name,
                           STR_ARG(client), STR_ARG(source),
                           (long long)(account->heard.ns / NS_PER_SECOND));
}

static enum err family_print(struct call *call, const struct family *family, const char *type,
                             account_print *print)
{
    enum err err = buf_print(&call->answer->body, "# TYPE %s %s\n# HELP %s %s\n", family->name,
                             type, family->name, family->help);
    return err == OK ? accounts_each(call, family, print) : err;
}

enum err api_metrics_show(struct call *call)
{
    static const struct family rejected = {"hinomi_records_rejected", "Records that were refused.",
                                           NULL};
    static const struct family waiting = {"hinomi_records_in_flight",
                                          "Records that came and are not on disk yet.", NULL};
    static const struct family heard = {"hinomi_heard_timestamp_seconds",
                                        "When a record last came.", NULL};
    if (call->api->books == NULL) {
        return ERR_UNSUPPORTED;
    }
    call_answer_as(call, TYPE);
    enum err err = OK;
    for (size_t i = 0; i < sizeof counters / sizeof *counters && err == OK; i++) {
        err = family_print(call, &counters[i], "counter", counter_print);
    }
    if (err == OK) {
        err = family_print(call, &rejected, "counter", rejected_print);
    }
    if (err == OK) {
        err = family_print(call, &waiting, "gauge", gauge_print);
    }
    if (err == OK) {
        err = family_print(call, &heard, "gauge", heard_print);
    }
    return err == OK ? buf_append(&call->answer->body, STR("# EOF\n")) : err;
}
