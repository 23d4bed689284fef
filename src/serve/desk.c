/*
 * The desk process: the only writer of the ledger.  It opens the rooms that work on it (rooms.c),
 * makes every scope, stores alerts with their bookmarks and groups them into incidents, answers the
 * control socket (desk_control.c) and the portal (desk_api.c), and does the service's own work
 * (desk_service.c).
 *
 * Its life: SETUP, BOOKS, FACTORS, LINK to each of the others, GO (confine, open the ledger).  To
 * each new core it names the clients with their scopes, bookmarks and documents, to each new front
 * the bindings, to each new herald what is due.
 *
 * Always true: core hears STORED only after the transaction that holds its alerts is on disk; what
 * arrives in one turn of the loop shares one transaction.
 */

#include "serve/desk.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "codec/crypto.h"
#include "incident/incident.h"
#include "sys/clocks.h"
#include "sys/memory.h"

#define CERTIFICATE_TEXT_MAX 1024 /* of a subject or a fingerprint */
#define SNAPSHOT_MS          5000
#define BINDINGS_TOLD_NS     (3600 * NS_PER_SECOND)
#define ALERTS_MEMORY_MAX    ((size_t)256 << 20) /* one message of alerts, decoded */

static enum err desk_message(struct process *process, struct message *message, struct why *why);
static void desk_core_spoke(void *context, struct link *link, struct message *message,
                            enum err err);
static void desk_front_spoke(void *context, struct link *link, struct message *message,
                             enum err err);
static void desk_commit(void *context);
static void desk_snapshot(void *context);

int desk_run(struct process *process)
{
    struct desk *desk = calloc(1, sizeof *desk);
    if (desk == NULL || (desk->alerts = arena_new(ALERTS_MEMORY_MAX)) == NULL) {
        process_fail(process, "start", ERR_MEMORY, NULL);
    }
    desk->process = process;
    process->self = desk;
    process->message = desk_message;
    return process_loop(process);
}

/* ---- What the others need to know. */

static enum err client_grant(struct desk *desk, const struct client_info *client)
{
    struct scope *scope;
    struct buf encoded;
    uint64_t bookmark = 1;
    buf_init(&encoded, MESSAGE_SIZE_MAX / 2);
    enum err err = scope_for_spine(desk->rooms.tenant, client->id, &scope);
    if (err == OK) {
        err = incident_bookmark(scope, desk->rooms.ledger, client->id, &bookmark);
        if (err == OK) {
            err = scope_encode(scope, &encoded);
        }
        scope_free(scope);
    }
    if (err == OK) {
        const struct message grant = {.type = MESSAGE_GRANT,
                                      .grant = {.client = client->id.value,
                                                .bookmark = bookmark,
                                                .own = desk_own_source(desk, client->id).value,
                                                .scope = buf_str(&encoded)}};
        err = link_send(desk->core, &grant);
    }
    buf_done(&encoded);
    return err;
}

/* What was last known of a source's account, also if that is nothing. */
static enum err source_account(struct desk *desk, const struct source_info *source,
                               const struct books_snapshot *list, size_t count)
{
    char rejected[REJECT_REASON_COUNT * 8];
    struct books_snapshot snapshot = {0};
    for (size_t i = 0; i < count; i++) {
        if (list[i].source == source->id.value) {
            snapshot = list[i];
        }
    }
    for (size_t i = 0; i < REJECT_REASON_COUNT; i++) {
        put_u64(rejected + i * 8, snapshot.rejected[i]);
    }
    const struct message account = {.type = MESSAGE_ACCOUNT,
                                    .account = {.client = source->client.value,
                                                .source = source->id.value,
                                                .received = snapshot.received,
                                                .stored = snapshot.stored,
                                                .deduplicated = snapshot.deduplicated,
                                                .heard = (uint64_t)snapshot.heard_ns,
                                                .failures = snapshot.failures,
                                                .bytes = snapshot.bytes,
                                                .rejected = str_of(rejected, sizeof rejected)}};
    return link_send(desk->core, &account);
}

static enum err accounts_tell(struct desk *desk)
{
    struct books_snapshot *list;
    size_t count;
    struct source_info source;
    struct arena *mem = arena_new((size_t)64 << 20);
    enum err err =
        mem == NULL ? ERR_MEMORY : books_snapshot_load(desk->rooms.ledger, mem, &list, &count);
    for (size_t i = 0; err == OK && tenant_source_at(desk->rooms.tenant, i, &source); i++) {
        err = source_account(desk, &source, list, count);
    }
    arena_free(mem);
    return err;
}

enum err desk_tell_core(struct desk *desk, bool accounts)
{
    struct client_info client;
    enum err err = OK;
    if (desk->core == NULL || desk->rooms.tenant == NULL) {
        return OK;
    }
    if (accounts) { /* a new core, which has no rules */
        bool told;
        err = desk_tell_rules(desk, &told);
        desk->core_waits = err == OK && !told;
    }
    if (err != OK || desk->core_waits) {
        return err;
    }
    for (size_t i = 0; err == OK && tenant_client_at(desk->rooms.tenant, i, &client); i++) {
        err = client_grant(desk, &client);
    }
    if (accounts && err == OK) {
        err = accounts_tell(desk);
    }
    if (err == OK) {
        err = desk_tell_documents(desk);
    }
    if (err == OK) {
        err = desk_tell_keeping(desk);
    }
    if (err == OK) {
        const struct message granted = {.type = MESSAGE_GRANTED};
        err = link_send(desk->core, &granted);
    }
    return err;
}

/* A source's zone at this moment, and after its next change. */
static bool desk_zone(void *context, struct str name, struct binding *ret)
{
    const struct desk *desk = context;
    struct zone_moment moment;
    if (zones_at(desk->zones, name, wall_now(), &moment, NULL) != OK) {
        return false;
    }
    ret->zone_seconds = moment.seconds;
    ret->zone_next_seconds = moment.next_seconds;
    ret->zone_until = moment.until;
    return true;
}

enum err desk_tell_front(struct desk *desk)
{
    struct str listeners[64];
    size_t count = 0;
    struct buf bindings;
    if (desk->front == NULL || desk->rooms.tenant == NULL) {
        return OK;
    }
    struct str rest = desk->process->setup.listeners;
    while (rest.size > 0 && count < sizeof listeners / sizeof listeners[0]) {
        listeners[count++] = str_cut(&rest, '\n');
    }
    buf_init(&bindings, (size_t)256 << 20);
    desk->bindings_told = wall_now();
    enum err err = tenant_own_sources(desk->rooms.tenant, wall_now());
    if (err == OK) {
        err = tenant_bindings(desk->rooms.tenant, listeners, count, desk_zone, desk, &bindings);
    }
    if (err == OK) {
        const struct message message = {.type = MESSAGE_BINDINGS,
                                        .bindings = {.bindings = buf_str(&bindings)}};
        err = link_send(desk->front, &message);
    }
    buf_done(&bindings);
    return err;
}

enum err desk_tell_tenants(struct desk *desk)
{
    if (tenant_generation(desk->rooms.tenant) == desk->tenants_told) {
        return OK;
    }
    enum err err = tenant_own_sources(desk->rooms.tenant, wall_now());
    desk->tenants_told = tenant_generation(desk->rooms.tenant);
    if (err == OK) {
        err = desk_tell_core(desk, false);
    }
    return err == OK ? desk_tell_front(desk) : err;
}

/* ---- From parent. */

/* Also on a full disk: what is there can then be read, and that there is no room be said. */
static enum err rooms_enter(struct desk *desk, const struct rooms_settings *settings,
                            struct why *why)
{
    enum err err = rooms_open(settings, wall_now(), &desk->rooms, why);
    if ((err == ERR_FULL || err == ERR_IO) && ledger_spare_give(settings->disk, settings->folder)) {
        process_say(desk->process, "the ledger cannot be opened: %s; its spare room is used now",
                    why_text(why, err));
        rooms_close(&desk->rooms);
        err = rooms_open(settings, wall_now(), &desk->rooms, why);
    }
    return err;
}

static enum err desk_go(struct desk *desk, struct why *why)
{
    struct process *process = desk->process;
    struct rooms_settings settings = {.disk = disk_real(),
                                      .portal_url = process->setup.portal_url,
                                      .mail_from = process->setup.mail_from};
    enum err err = timer_new(process->loop, desk_commit, desk, &desk->commit);
    if (err == OK) {
        err = timer_new(process->loop, desk_snapshot, desk, &desk->snapshot);
    }
    if (err == OK) {
        err = desk_service_open(desk);
    }
    if (err == OK) {
        err = process_folder(process, process_path(process, process->setup.data), "ledger",
                             &settings.folder, why);
    }
    if (err == OK) {
        err = process_folder(process, process_path(process, process->setup.data), "packages",
                             &desk->packages_folder, why);
    }
    if (err == OK) {
        err = process_folder_read(process, process_path(process, process->setup.zoneinfo),
                                  &settings.zoneinfo, why);
    }
    if (err == OK) {
        err = zones_new(settings.zoneinfo, &desk->zones);
    }
    if (err == OK) {
        err = process_confine(process, why);
    }
    if (err == OK) {
        desk->folder = settings.folder;
        err = rooms_enter(desk, &settings, why);
    }
    if (err == OK) {
        tenant_factors_set(desk->rooms.tenant, desk->factor_key, desk->factor_policy);
        secret_forget(desk->factor_key, sizeof desk->factor_key);
        api_attach(desk->rooms.api, desk->books, desk_health_tell, desk);
        err = desk_change_open(desk);
    }
    if (err == OK) {
        err = desk_rules_open(desk);
    }
    if (err == OK) {
        err = desk_devices_open(desk);
    }
    if (err == OK) {
        err = desk_keeping_open(desk);
    }
    if (err == OK) {
        err = desk_provision_open(desk);
    }
    if (err == OK && process->setup.gap) {
        err = books_snapshot_gap(desk->rooms.ledger, wall_now().ns);
    }
    if (err != OK) {
        return err;
    }
    timer_set(desk->snapshot, SNAPSHOT_MS, SNAPSHOT_MS);
    desk_work_soon(desk);
    const struct message ready = {.type = MESSAGE_READY};
    err = link_send(process->parent, &ready);
    /* Bindings first: they make the listeners' own sources, which have accounts too. */
    if (err == OK) {
        err = desk_tell_front(desk);
    }
    return err == OK ? desk_tell_core(desk, true) : err;
}

/* As long as nobody can sign in, whoever runs the machine is told how the first one can. */
static enum err desk_setup_say(struct desk *desk)
{
    struct str token;
    struct arena *mem = arena_new(65536);
    desk_commit(desk);
    enum err err =
        mem == NULL ? ERR_MEMORY : tenant_setup_token(desk->rooms.tenant, wall_now(), mem, &token);
    if (err == OK) {
        process_say(desk->process, "nobody can sign in yet; the token for the first set-up: %.*s",
                    STR_ARG(token));
    }
    arena_free(mem);
    return err == ERR_EXISTS ? OK : err;
}

static enum err desk_link(struct desk *desk, struct message *message)
{
    int descriptor = message_take_descriptor(message);
    enum err err;
    switch (message->link.peer) {
    case PROCESS_CORE:
        link_free(desk->core);
        desk->core = NULL;
        err = link_new(desk->process->loop, descriptor, desk_core_spoke, desk, &desk->core);
        err = err == OK ? desk_tell_core(desk, true) : err;
        return err == OK ? desk_backup_ask(desk) : err;
    case PROCESS_FRONT:
        link_free(desk->front);
        desk->front = NULL;
        err = link_new(desk->process->loop, descriptor, desk_front_spoke, desk, &desk->front);
        return err == OK ? desk_tell_front(desk) : err;
    case PROCESS_PORTAL:
        desk_portal_lost(desk);
        err = link_new(desk->process->loop, descriptor, desk_portal_spoke, desk, &desk->portal);
        return err == OK ? desk_setup_say(desk) : err;
    case PROCESS_HERALD:
        link_free(desk->herald);
        desk->herald = NULL;
        desk->sending_count = 0;
        desk_work_soon(desk);
        return link_new(desk->process->loop, descriptor, desk_herald_spoke, desk, &desk->herald);
    default:
        return desk_password_came(desk, message->link.worker, descriptor) ||
                       desk_compiler_came(desk, message->link.worker, descriptor) ||
                       desk_packer_came(desk, message->link.worker, descriptor) ||
                       desk_reader_came(desk, message->link.worker, descriptor)
                   ? OK
                   : desk_worker_came(desk, message->link.worker, descriptor);
    }
}

static enum err desk_certificate_came(struct desk *desk, const struct certificate_message *message)
{
    desk->certificate.known = message->sha256.size > 0;
    desk->certificate.local = message->local != 0;
    desk->certificate.until = (struct wall){(int64_t)message->until};
    buf_done(&desk->certificate.subject);
    buf_done(&desk->certificate.sha256);
    buf_init(&desk->certificate.subject, CERTIFICATE_TEXT_MAX);
    buf_init(&desk->certificate.sha256, CERTIFICATE_TEXT_MAX);
    enum err err = buf_append(&desk->certificate.subject, message->subject);
    return err == OK ? buf_append(&desk->certificate.sha256, message->sha256) : err;
}

/* Before the ledger is open it can only wait. */
static enum err desk_factors_came(struct desk *desk, const struct factors_message *message)
{
    if (message->key.size != FACTOR_KEY_SIZE || message->policy >= FACTOR_POLICY_COUNT) {
        return ERR_CORRUPT;
    }
    memcpy(desk->factor_key, message->key.data, FACTOR_KEY_SIZE);
    desk->factor_policy = (enum factor_policy)message->policy;
    return OK;
}

static enum err desk_message(struct process *process, struct message *message, struct why *why)
{
    struct desk *desk = process->self;
    void *memory;
    size_t size;
    switch (message->type) {
    case MESSAGE_BOOKS: {
        int descriptor = message_take_descriptor(message);
        enum err err = memory_map(descriptor, 0, false, &memory, &size);
        (void)close(descriptor);
        return err != OK ? err : books_attach(memory, size, &desk->books);
    }
    case MESSAGE_CERTIFICATE:
        return desk_certificate_came(desk, &message->certificate);
    case MESSAGE_RULES:
        return desk_rules_came(desk, &message->rules);
    case MESSAGE_FACTORS:
        return desk_factors_came(desk, &message->factors);
    case MESSAGE_LINK:
        return desk_link(desk, message);
    case MESSAGE_PROCESS:
        desk_process_came(desk, &message->process);
        return OK;
    case MESSAGE_GO:
        return desk_go(desk, why);
    case MESSAGE_CONTROL:
        return desk_control_came(desk, message_take_descriptor(message));
    case MESSAGE_STOP:
        desk_commit(desk);
        desk_snapshot(desk);
        desk_devices_close(desk);
        rooms_close(&desk->rooms);
        _exit(0);
    default:
        return ERR_CORRUPT;
    }
}

/* ---- Alerts. */

static enum err alerts_decode(struct desk *desk, struct str bytes, struct alerts *ret)
{
    size_t count_max = bytes.size / 40 + 1; /* the smallest alert is larger */
    struct alert *list = ARENA_ARRAY(desk->alerts, struct alert, count_max);
    size_t count = 0;
    if (list == NULL) {
        return ERR_MEMORY;
    }
    while (bytes.size > 0) {
        if (count == count_max || alert_decode(&bytes, &list[count++]) != OK) {
            return ERR_CORRUPT;
        }
    }
    *ret = (struct alerts){list, count};
    return OK;
}

static enum err desk_alerts(struct desk *desk, const struct alerts_message *message)
{
    struct alerts alerts;
    struct scope *scope;
    uint64_t fresh;
    uint64_t opened = 0;
    struct client_id client = {(uint32_t)message->client};
    if (desk->confirmations_count == DESK_CONFIRMATIONS_MAX) {
        desk_commit(desk);
    }
    arena_reset(desk->alerts);
    enum err err = alerts_decode(desk, message->alerts, &alerts);
    if (err == OK) {
        err = scope_for_spine(desk->rooms.tenant, client, &scope);
    }
    if (err != OK) {
        return err;
    }
    if (!desk->in_transaction) {
        err = ledger_begin(desk->rooms.ledger);
        desk->in_transaction = err == OK;
        timer_set(desk->commit, 0, 0);
    }
    if (err == OK) {
        err = incident_store(scope, desk->rooms.ledger, client, &alerts, message->bookmark,
                             wall_now(), &fresh);
    }
    scope_free(scope);
    if (err == OK && fresh > 0) {
        err = incident_group(desk->rooms.job, desk->rooms.incidents, client, wall_now(), &opened);
        desk->work_waits |= err == OK && opened > 0;
    }
    if (err == OK) {
        desk->confirmations[desk->confirmations_count++] =
            (struct desk_confirmation){message->client, message->bookmark};
    }
    return err;
}

/* Ends the transaction that alerts share, and tells core. */
static void desk_commit(void *context)
{
    struct desk *desk = context;
    if (!desk->in_transaction) {
        return;
    }
    desk->in_transaction = false;
    enum err err = ledger_commit(desk->rooms.ledger);
    if (err != OK) {
        /* Core still holds what was not confirmed; a new desk will hear it again. */
        process_fail(desk->process, "the ledger cannot be written", err, NULL);
    }
    for (size_t i = 0; i < desk->confirmations_count && desk->core != NULL; i++) {
        const struct message stored = {
            .type = MESSAGE_STORED,
            .stored = {desk->confirmations[i].client, desk->confirmations[i].bookmark}};
        if (link_send(desk->core, &stored) != OK) {
            break;
        }
    }
    desk->confirmations_count = 0;
    if (desk->work_waits) {
        desk->work_waits = false;
        desk_work_soon(desk);
    }
}

void desk_transaction_end(struct desk *desk)
{
    desk_commit(desk);
}

static void desk_core_spoke(void *context, struct link *link, struct message *message, enum err err)
{
    struct desk *desk = context;
    (void)err;
    if (message == NULL) {
        link_free(link);
        desk->core = NULL; /* parent brings another */
        return;
    }
    if (message->type == MESSAGE_VITALS) {
        desk_vitals_came(desk, &message->vitals);
        return;
    }
    if (message->type == MESSAGE_HEARD) {
        desk_heard_came(desk, &message->heard);
        return;
    }
    if (message->type == MESSAGE_THUS_FAR) {
        desk_thus_far_came(desk, &message->thus_far);
        return;
    }
    err = message->type == MESSAGE_ALERTS     ? desk_alerts(desk, &message->alerts)
          : message->type == MESSAGE_HOLDINGS ? desk_holdings_came(desk, &message->holdings)
          : message->type == MESSAGE_DROPPED  ? desk_dropped_came(desk, &message->dropped)
          : message->type == MESSAGE_STAMP    ? desk_stamp_wanted(desk, message)
                                              : ERR_CORRUPT;
    if (err != OK) {
        process_fail(desk->process, "what core tells", err, NULL);
    }
}

static void desk_front_spoke(void *context, struct link *link, struct message *message,
                             enum err err)
{
    struct desk *desk = context;
    (void)err;
    if (message == NULL) {
        link_free(link);
        desk->front = NULL;
    }
}

/* ---- The books on disk. */

void desk_snapshot_of(const struct account *account, struct books_snapshot *ret)
{
    *ret = (struct books_snapshot){
        .client = account->client.value,
        .source = account->source.value,
        .received = account->received,
        .stored = account->stored,
        .deduplicated = account->deduplicated,
        .failures = account->failures,
        .bytes = account->bytes,
        .heard_ns = wall_known(account->heard) ? account->heard.ns : 0,
        .taken_at_ns = wall_now().ns,
    };
    for (size_t reason = 0; reason < REJECT_REASON_COUNT; reason++) {
        ret->rejected[reason] = account->rejected[reason];
    }
}

static enum err snapshot_take(struct desk *desk, struct arena *mem)
{
    struct books_snapshot *list = ARENA_ARRAY(mem, struct books_snapshot, SOURCES_MAX);
    struct account account;
    size_t count = 0;
    if (list == NULL) {
        return ERR_MEMORY;
    }
    for (; count < SOURCES_MAX && books_account_at(desk->books, count, &account); count++) {
        desk_snapshot_of(&account, &list[count]);
    }
    return books_snapshot_save(desk->rooms.ledger, list, count);
}

void desk_spare_give(struct desk *desk)
{
    if (ledger_spare_give(disk_real(), desk->folder)) {
        process_say(desk->process, "no space left: the ledger's spare room is used now");
    }
    desk->spare_kept = false;
}

static void desk_snapshot(void *context)
{
    struct desk *desk = context;
    struct arena *mem = arena_new((size_t)64 << 20);
    desk_commit(desk);
    enum err err = mem == NULL ? ERR_MEMORY : snapshot_take(desk, mem);
    if (err != OK) {
        process_say(desk->process, "the books could not be saved: %s", err_text(err));
    }
    if (err == ERR_FULL) {
        desk_spare_give(desk);
    } else if (!desk->spare_kept) {
        desk->spare_kept = ledger_spare_keep(disk_real(), desk->folder) == OK;
    }
    desk_health_note(desk);
    /* Zones change on their own. */
    if (wall_now().ns - desk->bindings_told.ns > BINDINGS_TOLD_NS && desk_tell_front(desk) != OK) {
        process_say(desk->process, "front could not be told who sends");
    }
    arena_free(mem);
}
