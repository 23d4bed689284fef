/*
 * Tables for people, NDJSON for machines.  Columns are as wide as the longest slug in them; slugs
 * are ASCII.  Names in other scripts come last in their line, where no column depends on how wide
 * a terminal shows them.
 */

#include "serve/answer.h"

#include "calendar/calendar.h"
#include "codec/json_text.h"
#include "codec/time.h"
#include "parse/parse.h"
#include "provision/leaving.h"

#define ELEMENT_WIDTH 32
#define CLIENT_WIDTH  16
#define SOURCE_WIDTH  16
#define HEARD_WIDTH   24

static void widen(int *width, struct str text)
{
    *width = text.size > (size_t)*width ? (int)text.size : *width;
}

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

static enum err change_print(const struct apply_change *change, enum output_format format,
                             int width, struct buf *out)
{
    if (format == FORMAT_NDJSON) {
        return buf_print(
            out,
            "{\"element\":\"%.*s\",\"what\":\"%.*s\",\"version\":\"%.*s\",\"waits\":\"%.*s\"}\n",
            STR_ARG(change->element), STR_ARG(change->what), STR_ARG(change->version),
            STR_ARG(change->waits));
    }
    enum err err = buf_print(out, "%-*.*s  %-13.*s  %.*s", width, STR_ARG(change->element),
                             STR_ARG(change->what), STR_ARG(change->version));
    if (err == OK && change->waits.size > 0) {
        err = buf_print(out, "  %.*s", STR_ARG(change->waits));
    }
    return err == OK ? buf_append_byte(out, '\n') : err;
}

enum err answer_apply(const struct scope *scope, struct service *service,
                      const struct control_request *request, struct wall now, struct buf *out,
                      struct why *why)
{
    struct apply_result result = {0};
    struct arena *mem = arena_new((size_t)512 << 20);
    enum err err = mem == NULL ? ERR_MEMORY
                               : service_apply(scope, service, request->text, request->argument,
                                               now, mem, &result, why);
    int width = ELEMENT_WIDTH;
    for (size_t i = 0; i < result.count && err == OK; i++) {
        widen(&width, result.changes[i].element);
    }
    for (size_t i = 0; i < result.count && err == OK; i++) {
        err = change_print(&result.changes[i], request->format, width, out);
    }
    arena_free(mem);
    return err;
}

enum err answer_export(const struct scope *scope, struct tenant *tenant, struct service *service,
                       const struct control_request *request, struct buf *out, struct why *why)
{
    struct client_id client;
    enum err err = OK;
    if (request->tenant.size > 0) {
        err = answer_client(tenant, request->tenant, &client, why);
    }
    if (err == OK) {
        err = service_export(scope, service, request->tenant, out);
        if (err == ERR_NOT_FOUND) {
            err = why_say(why, err, 0, "'%.*s' comes from no apply file, so there is none to print",
                          STR_ARG(request->tenant));
        }
    }
    return err;
}

static bool is_listed(struct str name, struct str lines)
{
    while (lines.size > 0) {
        if (str_equal(str_cut(&lines, '\n'), name)) {
            return true;
        }
    }
    return false;
}

/* What a source names and is not there: a parser, or a place of the time zone database. */
static enum err names_note(struct str client, const struct source_info *source, struct zones *zones,
                           struct wall now, struct buf *out)
{
    const struct parser *parser;
    struct zone_moment moment;
    enum err err = OK;
    if (source->parser.size > 0 && parser_find(source->parser, &parser) != OK) {
        err = buf_print(out,
                        "note: %.*s/%.*s: there is no parser '%.*s', so its lines are recognised; "
                        "see docs/parsers.md\n",
                        STR_ARG(client), STR_ARG(source->slug), STR_ARG(source->parser));
    }
    if (err == OK && source->zone.size > 0 && zones != NULL &&
        zones_at(zones, source->zone, now, &moment, NULL) != OK) {
        err = buf_print(out,
                        "note: %.*s/%.*s: there is no time zone '%.*s', so its times are taken "
                        "for UTC; mend its zone\n",
                        STR_ARG(client), STR_ARG(source->slug), STR_ARG(source->zone));
    }
    return err;
}

static enum err sources_note(const struct tenant *tenant, struct zones *zones, struct wall now,
                             struct buf *out)
{
    struct source_info source;
    struct client_info client;
    enum err err = OK;
    for (size_t i = 0; err == OK && tenant_source_at(tenant, i, &source); i++) {
        size_t of = 0;
        while (tenant_client_at(tenant, of, &client) && !client_equal(client.id, source.client)) {
            of++;
        }
        if (source.active) {
            err = names_note(client.slug, &source, zones, now, out);
        }
    }
    return err;
}

enum err answer_notes(const struct tenant *tenant, struct str listeners, struct zones *zones,
                      struct wall now, struct buf *out)
{
    struct source_info source;
    struct client_info client;
    struct str listener;
    enum err err = OK;
    for (size_t i = 0; err == OK && tenant_sender_at(tenant, i, &source, &listener); i++) {
        size_t of = 0;
        while (tenant_client_at(tenant, of, &client) && !client_equal(client.id, source.client)) {
            of++;
        }
        if (!is_listed(listener, listeners)) {
            err = buf_print(out,
                            "note: %.*s/%.*s receives nothing by '%.*s': the configuration has no "
                            "listener of that name\n",
                            STR_ARG(client.slug), STR_ARG(source.slug), STR_ARG(listener));
        }
    }
    return err == OK ? sources_note(tenant, zones, now, out) : err;
}

static enum err print_names(struct str ja, struct str en, enum output_format format,
                            struct buf *out)
{
    if (format != FORMAT_NDJSON) {
        ja = ja.size > 0 ? ja : STR("(no Japanese name)");
        en = en.size > 0 ? en : STR("(no English name)");
        return buf_print(out, "%.*s / %.*s", STR_ARG(ja), STR_ARG(en));
    }
    enum err err = buf_append(out, STR(",\"name\":{\"ja\":"));
    if (err == OK) {
        err = json_print(out, ja);
    }
    if (err == OK) {
        err = buf_append(out, STR(",\"en\":"));
    }
    if (err == OK) {
        err = json_print(out, en);
    }
    return err == OK ? buf_append_byte(out, '}') : err;
}

static enum err print_source(const struct source_info *source, bool first,
                             enum output_format format, int width, struct buf *out)
{
    enum err err;
    if (format == FORMAT_NDJSON) {
        err = buf_print(out, "%s{\"source\":\"%.*s\"", first ? "" : ",", STR_ARG(source->slug));
        if (err == OK) {
            err = print_names(source->name_ja, source->name_en, format, out);
        }
        return err == OK ? buf_print(out, ",\"active\":%s,\"unknown_senders\":%s}",
                                     source->active ? "true" : "false",
                                     source->unknown_senders ? "true" : "false")
                         : err;
    }
    err = buf_print(out, "  %-*.*s  ", width - 2, STR_ARG(source->slug));
    if (err == OK) {
        err = source->unknown_senders ? buf_append(out, STR("(senders that no document names)"))
                                      : print_names(source->name_ja, source->name_en, format, out);
    }
    if (err == OK && !source->active) {
        err = buf_append(out, STR("  (removed: receives nothing any more)"));
    }
    return err == OK ? buf_append_byte(out, '\n') : err;
}

/* Of a client that left: its slug is all that is still known of it. */
static enum err print_ended(struct ledger *ledger, struct client_id client,
                            enum output_format format, struct buf *out)
{
    char time[TIME_TEXT_SIZE];
    struct wall ended;
    enum err err = leaving_ended(ledger, client, &ended);
    if (err != OK) {
        return err == ERR_NOT_FOUND ? OK : err;
    }
    return format == FORMAT_NDJSON
               ? buf_print(out, ",\"destroyed\":\"%s\"", time_print(ended, time))
               : buf_print(out, "(ended: its data were destroyed on %s)", time_print(ended, time));
}

static enum err print_client(struct tenant *tenant, struct ledger *ledger,
                             const struct client_info *client, enum output_format format, int width,
                             struct buf *out)
{
    enum err err = format == FORMAT_NDJSON
                       ? buf_print(out, "{\"client\":\"%.*s\"", STR_ARG(client->slug))
                       : buf_print(out, "%-*.*s  ", width, STR_ARG(client->slug));
    if (err == OK) {
        err = print_names(client->name_ja, client->name_en, format, out);
    }
    if (err == OK) {
        err = print_ended(ledger, client->id, format, out);
    }
    if (err == OK) {
        err = buf_append(out, format == FORMAT_NDJSON ? STR(",\"sources\":[") : STR("\n"));
    }
    bool first = true;
    struct source_info source;
    for (size_t i = 0; err == OK && tenant_source_at(tenant, i, &source); i++) {
        if (client_equal(source.client, client->id) && !source.own) {
            err = print_source(&source, first, format, width, out);
            first = false;
        }
    }
    return err == OK && format == FORMAT_NDJSON ? buf_append(out, STR("]}\n")) : err;
}

enum err answer_list(const struct scope *scope, struct tenant *tenant, struct ledger *ledger,
                     const struct control_request *request, struct buf *out)
{
    enum err err = OK;
    struct client_info client;
    struct source_info source;
    int width = CLIENT_WIDTH;
    for (size_t i = 0; tenant_client_at(tenant, i, &client); i++) {
        widen(&width, client.slug);
    }
    for (size_t i = 0; tenant_source_at(tenant, i, &source); i++) {
        width = (int)source.slug.size + 2 > width ? (int)source.slug.size + 2 : width;
    }
    for (size_t i = 0; err == OK && tenant_client_at(tenant, i, &client); i++) {
        if (scope_allows(scope, client.id, RIGHT_BOOKS)) {
            err = print_client(tenant, ledger, &client, request->format, width, out);
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

struct books_widths {
    int client, source;
};

static enum err print_account(struct tenant *tenant, const struct account *account,
                              enum output_format format, struct books_widths widths,
                              struct buf *out)
{
    const struct account_names names = names_of(tenant, account);
    uint64_t rejected = 0;
    char heard[TIME_TEXT_SIZE] = "never";
    enum err err = OK;
    if (wall_known(account->heard)) {
        (void)time_print(account->heard, heard);
    }
    for (int reason = 0; reason < REJECT_REASON_COUNT; reason++) {
        rejected += account->rejected[reason];
    }
    err = format == FORMAT_NDJSON
              ? buf_print(out, "{\"client\":\"%.*s\",\"source\":\"%.*s\"", STR_ARG(names.client),
                          STR_ARG(names.source))
              : buf_print(out, "%-*.*s  %-*.*s", widths.client, STR_ARG(names.client),
                          widths.source, STR_ARG(names.source));
    if (err == OK) {
        err = buf_print(out,
                        format == FORMAT_NDJSON
                            ? ",\"received\":%llu,\"stored\":%llu,\"deduplicated\":%llu,"
                              "\"in_flight\":%llu,\"rejected\":%llu,"
                            : "  %12llu  %12llu  %12llu  %9llu  %10llu",
                        (unsigned long long)account->received, (unsigned long long)account->stored,
                        (unsigned long long)account->deduplicated,
                        (unsigned long long)account->in_flight, (unsigned long long)rejected);
    }
    if (err == OK && format == FORMAT_NDJSON) {
        err = wall_known(account->heard) ? buf_print(out, "\"heard\":\"%s\",\"reasons\":{", heard)
                                         : buf_append(out, STR("\"heard\":null,\"reasons\":{"));
    } else if (err == OK) {
        err = buf_print(out, "  %-*s", HEARD_WIDTH, heard);
    }
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

/* Sources that nothing came from yet have no account; silence is worth a line, too. */
static bool has_account(const struct books_view *view, struct source_id source)
{
    for (size_t i = 0; i < view->count; i++) {
        if (view->accounts[i].source.value == source.value) {
            return true;
        }
    }
    return false;
}

static bool is_asked(const struct scope *scope, struct client_id client, struct client_id only)
{
    return (only.value == 0 || client_equal(client, only)) &&
           scope_allows(scope, client, RIGHT_BOOKS);
}

/* The service's own records are no client's logs, and are left out of what is said of these. */
static bool is_own(const struct tenant *tenant, struct source_id id)
{
    struct source_info source;
    for (size_t i = 0; tenant_source_at(tenant, i, &source); i++) {
        if (source.id.value == id.value) {
            return source.own;
        }
    }
    return false;
}

static enum err print_accounts(const struct scope *scope, struct tenant *tenant,
                               enum output_format format, struct client_id only,
                               const struct books_view *view, struct buf *out)
{
    struct books_widths widths = {CLIENT_WIDTH, SOURCE_WIDTH};
    struct client_info client;
    struct source_info source;
    enum err err = OK;
    for (size_t i = 0; tenant_client_at(tenant, i, &client); i++) {
        if (is_asked(scope, client.id, only)) {
            widen(&widths.client, client.slug);
        }
    }
    for (size_t i = 0; tenant_source_at(tenant, i, &source); i++) {
        if (is_asked(scope, source.client, only)) {
            widen(&widths.source, source.slug);
        }
    }
    if (format != FORMAT_NDJSON) {
        err = buf_print(out, "%-*s  %-*s  %12s  %12s  %12s  %9s  %10s  %s\n", widths.client,
                        "client", widths.source, "source", "received", "stored", "deduplicated",
                        "in flight", "rejected", "last heard");
    }
    for (size_t i = 0; i < view->count && err == OK; i++) {
        if (is_asked(scope, view->accounts[i].client, only) &&
            !is_own(tenant, view->accounts[i].source)) {
            err = print_account(tenant, &view->accounts[i], format, widths, out);
        }
    }
    for (size_t i = 0; err == OK && tenant_source_at(tenant, i, &source); i++) {
        bool silent = source.active && !source.unknown_senders && !source.own &&
                      !has_account(view, source.id);
        if (silent && is_asked(scope, source.client, only)) {
            const struct account none = {
                .client = source.client, .source = source.id, .heard = WALL_NONE};
            err = print_account(tenant, &none, format, widths, out);
        }
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
    if (err == OK) {
        err = print_accounts(scope, tenant, request->format, only, view, out);
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
                              .deduplicated = snapshot->deduplicated,
                              .failures = snapshot->failures,
                              .bytes = snapshot->bytes,
                              .heard = snapshot->heard_ns != 0 ? (struct wall){snapshot->heard_ns}
                                                               : WALL_NONE};
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
