/* Tables for people, NDJSON for machines; names come from apply files and are slugs or UTF-8. */

#include "serve/answer.h"

#include "codec/json_text.h"
#include "codec/time.h"

enum err answer_client(struct tenant *tenant, struct str slug, struct client_id *ret,
                       struct why *why)
{
    enum err err = tenant_client_find(tenant, slug, ret);
    if (err == ERR_NOT_FOUND) {
        return why_say(why, err, 0,
                       "there is no client '%.*s'; 'hinomi tenant list' shows those there are",
                       STR_ARG(slug));
    }
    return err;
}

enum err answer_apply(const struct scope *scope, struct tenant *tenant,
                      const struct control_request *request, struct wall now, struct buf *out,
                      struct why *why)
{
    struct apply_result result = {0};
    struct arena *mem = arena_new((size_t)64 << 20);
    enum err err = mem == NULL ? ERR_MEMORY
                               : tenant_apply(scope, tenant, request->text, now, mem, &result, why);
    for (size_t i = 0; i < result.count && err == OK; i++) {
        const struct apply_change *change = &result.changes[i];
        err = buf_print(out,
                        request->format == FORMAT_NDJSON
                            ? "{\"element\":\"%.*s\",\"what\":\"%.*s\",\"version\":\"%.*s\"}\n"
                            : "%-32.*s  %-10.*s  %.*s\n",
                        STR_ARG(change->element), STR_ARG(change->what), STR_ARG(change->version));
    }
    arena_free(mem);
    return err;
}

enum err answer_export(const struct scope *scope, struct tenant *tenant,
                       const struct control_request *request, struct buf *out, struct why *why)
{
    struct client_id client;
    enum err err = answer_client(tenant, request->tenant, &client, why);
    return err == OK ? tenant_export(scope, tenant, request->tenant, out) : err;
}

static enum err print_client(const struct client_info *client, enum output_format format,
                             struct buf *out)
{
    if (format != FORMAT_NDJSON) {
        struct str ja = client->name_ja.size > 0 ? client->name_ja : STR("(no Japanese name)");
        struct str en = client->name_en.size > 0 ? client->name_en : STR("(no English name)");
        return buf_print(out, "%-24.*s  %.*s / %.*s\n", STR_ARG(client->slug), STR_ARG(ja),
                         STR_ARG(en));
    }
    enum err err = buf_print(out, "{\"client\":\"%.*s\",\"name\":{\"ja\":", STR_ARG(client->slug));
    if (err == OK) {
        err = json_print(out, client->name_ja);
    }
    if (err == OK) {
        err = buf_append(out, STR(",\"en\":"));
    }
    if (err == OK) {
        err = json_print(out, client->name_en);
    }
    return err == OK ? buf_append(out, STR("}}\n")) : err;
}

enum err answer_list(const struct scope *scope, struct tenant *tenant,
                     const struct control_request *request, struct buf *out)
{
    enum err err = OK;
    struct client_info client;
    for (size_t i = 0; err == OK && tenant_client_at(tenant, i, &client); i++) {
        if (!scope_allows(scope, client.id, RIGHT_BOOKS)) {
            continue;
        }
        err = print_client(&client, request->format, out);
        struct source_info source;
        for (size_t j = 0;
             err == OK && request->format != FORMAT_NDJSON && tenant_source_at(tenant, j, &source);
             j++) {
            if (client_equal(source.client, client.id)) {
                err = buf_print(out, "  %.*s%s\n", STR_ARG(source.slug),
                                source.unknown_senders ? "  (senders that no document names)" : "");
            }
        }
    }
    return err;
}

/* ---- The books. */

struct account_names {
    struct str client, source;
};

static struct account_names names_of(struct tenant *tenant, const struct account *account)
{
    struct account_names names = {STR("?"), STR("?")};
    struct client_info client;
    struct source_info source;
    for (size_t i = 0; tenant_client_at(tenant, i, &client); i++) {
        if (client_equal(client.id, account->client)) {
            names.client = client.slug;
        }
    }
    for (size_t i = 0; tenant_source_at(tenant, i, &source); i++) {
        if (source.id.value == account->source.value) {
            names.source = source.slug;
        }
    }
    return names;
}

static enum err print_account(struct tenant *tenant, const struct account *account,
                              enum output_format format, struct buf *out)
{
    const struct account_names names = names_of(tenant, account);
    uint64_t rejected = 0;
    enum err err = OK;
    for (int reason = 0; reason < REJECT_REASON_COUNT; reason++) {
        rejected += account->rejected[reason];
    }
    err = buf_print(
        out,
        format == FORMAT_NDJSON ? "{\"client\":\"%.*s\",\"source\":\"%.*s\",\"received\":%llu,"
                                  "\"stored\":%llu,\"deduplicated\":%llu,\"in_flight\":%llu,"
                                  "\"rejected\":%llu,\"reasons\":{"
                                : "%-20.*s  %-24.*s  %12llu  %12llu  %12llu  %9llu  %10llu",
        STR_ARG(names.client), STR_ARG(names.source), (unsigned long long)account->received,
        (unsigned long long)account->stored, (unsigned long long)account->deduplicated,
        (unsigned long long)account->in_flight, (unsigned long long)rejected);
    bool first = true;
    for (int reason = 0; reason < REJECT_REASON_COUNT && err == OK; reason++) {
        const char *text = reject_reason_text((enum reject_reason)reason);
        unsigned long long count = account->rejected[reason];
        if (format == FORMAT_NDJSON) {
            err = buf_print(out, "%s\"%s\":%llu", first ? "" : ",", text, count);
            first = false;
        } else if (count > 0) {
            err = buf_print(out, "%s%s: %llu", first ? "  " : ", ", text, count);
            first = false;
        }
    }
    if (err == OK) {
        err = buf_append(out, format == FORMAT_NDJSON ? STR("}}\n") : STR("\n"));
    }
    return err;
}

enum err answer_books(const struct scope *scope, struct tenant *tenant,
                      const struct control_request *request, const struct books_view *view,
                      struct buf *out, struct why *why)
{
    struct client_id only = {0};
    enum err err = OK;
    if (request->tenant.size > 0) {
        err = answer_client(tenant, request->tenant, &only, why);
    }
    if (err == OK && request->format != FORMAT_NDJSON) {
        err = buf_print(out, "%-20s  %-24s  %12s  %12s  %12s  %9s  %10s\n", "client", "source",
                        "received", "stored", "deduplicated", "in flight", "rejected");
    }
    for (size_t i = 0; i < view->count && err == OK; i++) {
        const struct account *account = &view->accounts[i];
        bool wanted = (only.value == 0 || client_equal(account->client, only)) &&
                      scope_allows(scope, account->client, RIGHT_BOOKS);
        if (wanted) {
            err = print_account(tenant, account, request->format, out);
        }
    }
    if (err == OK && wall_known(view->gap_from)) {
        char from[TIME_TEXT_SIZE];
        char to[TIME_TEXT_SIZE];
        err = buf_print(out,
                        request->format == FORMAT_NDJSON
                            ? "{\"gap\":{\"from\":\"%s\",\"to\":\"%s\"}}\n"
                            : "From %s to %s the service was not ended in order: what was stored "
                              "is counted, what was rejected or deduplicated is not.\n",
                        time_print(view->gap_from, from), time_print(view->gap_to, to));
    }
    return err;
}

struct account account_of_snapshot(const struct books_snapshot *snapshot)
{
    struct account account = {.client = {snapshot->client},
                              .source = {snapshot->source},
                              .received = snapshot->received,
                              .stored = snapshot->stored,
                              .deduplicated = snapshot->deduplicated};
    account.in_flight = snapshot->received - snapshot->stored - snapshot->deduplicated;
    for (size_t reason = 0; reason < REJECT_REASON_COUNT; reason++) {
        account.rejected[reason] = snapshot->rejected[reason];
        account.in_flight -= snapshot->rejected[reason];
    }
    return account;
}

void books_view_gap(struct books_view *view, const struct books_snapshot *list, size_t count)
{
    view->gap_from = view->gap_to = WALL_NONE;
    for (size_t i = 0; i < count; i++) {
        if (list[i].gap_to_ns != 0 && list[i].gap_to_ns > view->gap_to.ns) {
            view->gap_from.ns = list[i].gap_from_ns;
            view->gap_to.ns = list[i].gap_to_ns;
        }
    }
}

enum err answer_sources(struct tenant *tenant, struct client_id client, struct buf *out)
{
    struct source_info source;
    enum err err = OK;
    for (size_t i = 0; err == OK && tenant_source_at(tenant, i, &source); i++) {
        if (client_equal(source.client, client)) {
            err = buf_print(out, "%u %.*s\n", source.id.value, STR_ARG(source.slug));
        }
    }
    return err;
}
