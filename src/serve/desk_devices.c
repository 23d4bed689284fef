/*
 * Devices in desk: the vigils over all sources, heartbeats through the whole chain, the books by
 * the minute, and who asks to be enrolled.
 *
 *     each second    is a minute over?  then its books are written down, told to the archive, and
 *                    a heartbeat leaves for each client
 *     each 5 s       a turn of the vigils (build/vigils.c)
 *     core says      what it counted; that a record of our own has come through
 *
 * What goes into the archive goes by front, as everybody's records do: core's archive has one way
 * in.  It is signed, so nobody else can have said it.
 *
 * Always true: what ails a device, the minutes' rows and the proposals are written in transactions
 * of their own; the service's own sources are in none of them.
 */

#include "serve/desk.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "build/proposals.h"
#include "codec/crypto.h"
#include "codec/json_out.h"
#include "codec/time.h"
#include "collect/collect.h"
#include "serve/answer.h"
#include "serve/vitals.h"
#include "sys/clocks.h"

#define TICK_MS       1000
#define VIGIL_TICKS   5
#define MINUTE_NS     (60 * NS_PER_SECOND)
#define OWN_SOURCES   1000 /* of which one record of the books tells */
#define RECORD_MAX    (512 * 1024)
#define MINUTE_MEMORY ((size_t)64 << 20)

static void desk_tick(void *context);

enum err desk_devices_open(struct desk *desk)
{
    const struct ailments_settings settings = {desk->rooms.ledger, desk->rooms.tenant,
                                               desk->rooms.service};
    enum err err = vigils_new(&settings, wall_now(), &desk->vigils);
    if (err == OK) {
        api_attach_vigils(desk->rooms.api, desk->vigils);
        err = timer_new(desk->process->loop, desk_tick, desk, &desk->tick);
    }
    if (err == OK) {
        desk->began = wall_now();
        desk->minute = desk->began.ns / MINUTE_NS;
        timer_set(desk->tick, TICK_MS, TICK_MS);
    }
    return err;
}

void desk_devices_close(struct desk *desk)
{
    enum err err = ledger_begin(desk->rooms.ledger);
    if (err == OK) {
        err = vigils_keep(desk->vigils, wall_now());
        err = err == OK ? ledger_commit(desk->rooms.ledger) : err;
        ledger_rollback(desk->rooms.ledger);
    }
    if (err != OK) {
        process_say(desk->process, "what was learned of devices is not kept: %s", err_text(err));
    }
    vigils_free(desk->vigils);
    desk->vigils = NULL;
}

/* ---- The vigils. */

static void vigils_go(struct desk *desk, struct wall now)
{
    bool changed = false;
    desk_transaction_end(desk);
    enum err err = ledger_begin(desk->rooms.ledger);
    if (err == OK) {
        err = vigils_turn(desk->rooms.job, desk->vigils, desk->books,
                          desk->processes[PROCESS_FRONT].since, now, &changed);
        err = err == OK ? ledger_commit(desk->rooms.ledger) : err;
        ledger_rollback(desk->rooms.ledger);
    }
    if (err != OK) {
        process_say(desk->process, "devices are not watched at the moment: %s", err_text(err));
    } else if (changed) {
        desk_work_soon(desk); /* somebody may have to be told */
    }
}

/* ---- Records of our own. */

static struct source_id own_source(const struct desk *desk, struct client_id client)
{
    struct source_info source;
    for (size_t i = 0; tenant_source_at(desk->rooms.tenant, i, &source); i++) {
        if (source.own && client_equal(source.client, client)) {
            return source.id;
        }
    }
    return (struct source_id){0};
}

struct source_id desk_own_source(const struct desk *desk, struct client_id client)
{
    return own_source(desk, client);
}

static void own_send(struct desk *desk, struct client_id client, struct str record)
{
    const struct message own = {.type = MESSAGE_OWN,
                                .own = {.client = client.value,
                                        .source = own_source(desk, client).value,
                                        .record = record}};
    if (desk->front != NULL && own.own.source != 0) {
        UNHEEDED(link_send(desk->front, &own)); /* what is lost on its way is what we look for */
    }
}

static void heartbeats_send(struct desk *desk, struct wall now, struct arena *mem)
{
    struct client_info client;
    struct str record;
    for (size_t i = 0; tenant_client_at(desk->rooms.tenant, i, &client); i++) {
        if (!client_equal(client.id, CLIENT_INSTALLATION) &&
            heartbeat_make(vigils_heartbeats(desk->vigils), desk->rooms.service, &client, now, mem,
                           &record) == OK) {
            own_send(desk, client.id, record);
        }
    }
}

/* ---- The books by the minute. */

static const struct source_info *source_of(const struct source_info *list, size_t count,
                                           uint32_t id)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list[middle].id.value < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && list[low].id.value == id ? &list[low] : NULL;
}

static void stretch_print(struct json_out *json, const struct books_stretch *stretch,
                          struct str slug)
{
    json_object(json, NULL);
    json_text(json, "source", slug);
    json_number(json, "seconds", stretch->seconds);
    json_number(json, "waiting_before", stretch->waiting_before);
    json_number(json, "received", stretch->received);
    json_number(json, "stored", stretch->stored);
    json_number(json, "deduplicated", stretch->deduplicated);
    json_number(json, "in_flight", stretch->in_flight);
    json_number(json, "failures", stretch->failures);
    json_number(json, "bytes", stretch->bytes);
    json_object(json, "rejected");
    for (int i = 0; i < REJECT_REASON_COUNT; i++) {
        if (stretch->rejected[i] != 0) {
            json_number(json, books_reason_code((enum reject_reason)i), stretch->rejected[i]);
        }
    }
    json_close(json);
    json_close(json);
}

struct minute_books {
    const struct books_stretch *list;
    size_t count;
    const struct source_info *sources;
    size_t sources_count;
};

/* The list of one client's sources as JSON, from *at on; *at moves behind what was told. */
static enum err sources_print(const struct minute_books *books, struct client_id client, size_t *at,
                              struct buf *out, size_t *ret_told)
{
    struct json_out json;
    size_t told = 0;
    json_out_begin(&json, out);
    json_list(&json, NULL);
    for (; *at < books->count && told < OWN_SOURCES; ++*at) {
        const struct books_stretch *stretch = &books->list[*at];
        const struct source_info *source =
            source_of(books->sources, books->sources_count, stretch->source);
        if (stretch->client == client.value && source != NULL) {
            stretch_print(&json, stretch, source->slug);
            told++;
        }
    }
    json_close(&json);
    *ret_told = told;
    return json_out_end(&json);
}

/* Signed: "hinomi books", the client, the moment, and the list as it stands, a line each. */
static enum err books_record(struct desk *desk, struct str client, struct str list, struct wall now,
                             struct arena *mem, struct buf *out)
{
    char at[TIME_TEXT_SIZE];
    char hex[2 * ED25519_SIGNATURE_SIZE + 1];
    uint8_t signature[ED25519_SIGNATURE_SIZE];
    struct json_out json;
    struct str text;
    enum err err = arena_print(mem, &text, "hinomi books\n%.*s\n%s\n%.*s\n", STR_ARG(client),
                               time_print(now, at), STR_ARG(list));
    if (err != OK) {
        return err;
    }
    service_vouch(desk->rooms.service, text, signature);
    json_out_begin(&json, out);
    json_object(&json, NULL);
    json_text(&json, "@timestamp", str_from(at));
    json_object(&json, "event");
    json_text(&json, "kind", STR("metric"));
    json_text(&json, "action", STR("books"));
    json_close(&json);
    json_object(&json, "hinomi");
    json_object(&json, "books");
    json_text(&json, "client", client);
    json_raw(&json, "sources", list);
    json_text(&json, "signature", str_from(hex_print(signature, sizeof signature, hex)));
    json_close(&json);
    json_close(&json);
    json_close(&json);
    return json_out_end(&json);
}

static enum err client_books(struct desk *desk, const struct client_info *client,
                             const struct minute_books *books, struct wall now, struct arena *mem)
{
    struct buf list;
    struct buf record;
    size_t at = 0;
    enum err err = OK;
    buf_init(&list, RECORD_MAX);
    buf_init(&record, 2 * RECORD_MAX);
    while (err == OK && at < books->count) {
        size_t told = 0;
        buf_reset(&list);
        buf_reset(&record);
        err = sources_print(books, client->id, &at, &list, &told);
        if (err == OK && told > 0) {
            err = books_record(desk, client->slug, buf_str(&list), now, mem, &record);
        }
        if (err == OK && told > 0) {
            own_send(desk, client->id, buf_str(&record));
        }
    }
    buf_done(&list);
    buf_done(&record);
    return err;
}

/* Accounts of all sources but our own. */
static enum err accounts_take(struct desk *desk, struct arena *mem, struct minute_books *books,
                              struct books_snapshot **ret, size_t *ret_count)
{
    struct source_info *sources = ARENA_ARRAY(mem, struct source_info, SOURCES_MAX);
    struct books_snapshot *list = ARENA_ARRAY(mem, struct books_snapshot, SOURCES_MAX);
    struct account account;
    size_t count = 0;
    if (sources == NULL || list == NULL) {
        return ERR_MEMORY;
    }
    books->sources = sources;
    while (books->sources_count < SOURCES_MAX &&
           tenant_source_at(desk->rooms.tenant, books->sources_count,
                            &sources[books->sources_count])) {
        books->sources_count++;
    }
    for (size_t i = 0; i < SOURCES_MAX && books_account_at(desk->books, i, &account); i++) {
        const struct source_info *source =
            source_of(sources, books->sources_count, account.source.value);
        if (source != NULL && !source->own) {
            desk_snapshot_of(&account, &list[count++]);
        }
    }
    *ret = list;
    *ret_count = count;
    return OK;
}

static enum err minute_write(struct desk *desk, struct wall now, struct arena *mem)
{
    struct minute_books books = {0};
    struct books_snapshot *accounts;
    size_t count = 0;
    struct client_info client;
    enum err err = accounts_take(desk, mem, &books, &accounts, &count);
    struct books_stretch *list = ARENA_ARRAY(mem, struct books_stretch, count + 1);
    err = err == OK && list == NULL ? ERR_MEMORY : err;
    if (err == OK) {
        err = books_minutes_put(desk->rooms.ledger, accounts, count, list, &books.count);
    }
    if (err == OK && desk->minute % 60 == 0) {
        err = books_minutes_forget(desk->rooms.ledger, now.ns);
    }
    books.list = list;
    for (size_t i = 0; err == OK && tenant_client_at(desk->rooms.tenant, i, &client); i++) {
        if (!client_equal(client.id, CLIENT_INSTALLATION)) {
            err = client_books(desk, &client, &books, now, mem);
        }
    }
    return err;
}

static void minute_over(struct desk *desk, struct wall now)
{
    struct arena *mem = arena_new(MINUTE_MEMORY);
    desk_transaction_end(desk);
    enum err err = mem == NULL ? ERR_MEMORY : minute_write(desk, now, mem);
    if (err != OK) {
        process_say(desk->process, "the books of a minute are not written: %s", err_text(err));
    }
    if (mem != NULL && now.ns - desk->began.ns >= MINUTE_NS) {
        arena_reset(mem);
        heartbeats_send(desk, now, mem);
    }
    arena_free(mem);
}

static void desk_tick(void *context)
{
    struct desk *desk = context;
    const struct wall now = wall_now();
    if (now.ns / MINUTE_NS != desk->minute) {
        desk->minute = now.ns / MINUTE_NS;
        minute_over(desk, now);
    }
    if (++desk->ticks % VIGIL_TICKS == 0) {
        vigils_go(desk, now);
    }
    desk_keeping_tick(desk, now);
}

/* ---- From core. */

static enum err strangers_came(struct desk *desk, struct str bytes)
{
    enum err err = OK;
    struct stranger stranger;
    desk_transaction_end(desk);
    err = ledger_begin(desk->rooms.ledger);
    while (err == OK && bytes.size > 0) {
        err = strangers_read(&bytes, &stranger);
        if (err == OK) {
            const struct proposal_seen seen = {.source = stranger.source,
                                               .address = stranger.address,
                                               .parser = stranger.parser,
                                               .sample = stranger.sample,
                                               .count = stranger.count,
                                               .first = stranger.first,
                                               .last = stranger.last};
            err = proposal_see(desk->rooms.job, desk->rooms.ledger, &seen);
        }
    }
    err = err == OK ? ledger_commit(desk->rooms.ledger) : err;
    ledger_rollback(desk->rooms.ledger);
    return err;
}

void desk_vitals_came(struct desk *desk, const struct vitals_message *message)
{
    struct str sources = message->sources;
    struct vital vital;
    enum err err = OK;
    while (err == OK && sources.size > 0) {
        err = vitals_read(&sources, &vital);
        if (err == OK) {
            const struct seen seen = {.lag_known = vital.lag_known,
                                      .lag_ns = vital.lag_ns,
                                      .kinds = vital.kinds,
                                      .kinds_count = vital.kinds_count};
            err = vigils_gather(desk->vigils, vital.source, &seen, wall_now());
        }
    }
    if (err == OK && message->strangers.size > 0) {
        err = strangers_came(desk, message->strangers);
    }
    if (err != OK) {
        process_say(desk->process, "what core counted of senders is lost: %s", err_text(err));
    }
}

void desk_heard_came(struct desk *desk, const struct heard_message *message)
{
    heartbeat_came(vigils_heartbeats(desk->vigils), (struct client_id){(uint32_t)message->client},
                   message->record, wall_now());
}
