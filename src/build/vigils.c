/*
 * The vigils over all sources, as desk keeps them: what the books and core say goes in, what ails
 * devices comes out and becomes rows.
 *
 *     books ─┐
 *     core ──┴─► seen ─► vigil_see, vigil_judge ─► ailing ─► ailments_turn
 *
 * Sources of the installation (unknown senders) and the service's own are not watched, nor are
 * those that left the documents.  What was learned is kept in the ledger now and then.
 *
 * Always true: a source whose account shrank (a count was taken back) is looked at from there on;
 * nothing is judged before the vigils have listened for SETTLE_NS.
 */

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "build/private.h"
#include "collect/books.h"
#include "ledger/ledger.h"

#define SETTLE_NS   (10 * NS_PER_SECOND)
#define KEEP_NS     (10 * 60 * NS_PER_SECOND)
#define STATES_SIZE ((size_t)256 << 20)
#define TURN_MEMORY ((size_t)64 << 20)

/* What has come of one source since its vigil last looked. */
struct gathered {
    char names[VIGIL_KINDS_MAX][KIND_TEXT_MAX + 1];
    uint64_t counts[VIGIL_KINDS_MAX];
    size_t count;
    bool lag_known;
    int64_t lag_ns;
};

struct watched {
    struct source_id source;
    struct vigil *vigil;
    struct gathered gathered;
    uint64_t received, failures, slowed; /* of the account, when it was last looked at */
    struct wall heard;
    struct wall since; /* watched */
    bool known;        /* the account was seen once */
    bool changed;      /* something to keep */
    struct finding findings[FINDINGS_MAX];
    size_t findings_count;
};

struct vigils {
    struct ailments_settings at;
    struct map by_source;
    struct watched **list;
    size_t count, capacity;
    struct heartbeats *heartbeats;
    struct shortages *shortages;
    struct wall since, kept;
};

static enum err states_load(struct vigils *vigils, struct wall now);

enum err vigils_new(const struct ailments_settings *settings, struct wall now, struct vigils **ret)
{
    struct vigils *vigils = calloc(1, sizeof *vigils);
    if (vigils == NULL) {
        return ERR_MEMORY;
    }
    vigils->at = *settings;
    vigils->since = now;
    vigils->kept = now;
    map_init(&vigils->by_source, SOURCES_MAX, 0);
    vigils->heartbeats = heartbeats_new();
    vigils->shortages = shortages_new();
    enum err err = vigils->heartbeats == NULL || vigils->shortages == NULL
                       ? ERR_MEMORY
                       : states_load(vigils, now);
    err = err == OK ? shortages_load(vigils->shortages, vigils->at.ledger) : err;
    if (err != OK) {
        vigils_free(vigils);
        return err;
    }
    *ret = vigils;
    return OK;
}

void vigils_free(struct vigils *vigils)
{
    if (vigils != NULL) {
        for (size_t i = 0; i < vigils->count; i++) {
            vigil_free(vigils->list[i]->vigil);
            free(vigils->list[i]);
        }
        heartbeats_free(vigils->heartbeats);
        shortages_free(vigils->shortages);
        map_done(&vigils->by_source);
        free(vigils->list);
        free(vigils);
    }
}

void vigils_shortage(struct vigils *vigils, struct client_id client,
                     const struct shortage *shortage)
{
    shortages_set(vigils->shortages, client, shortage);
}

struct heartbeats *vigils_heartbeats(struct vigils *vigils)
{
    return vigils->heartbeats;
}

static struct watched *watched_find(const struct vigils *vigils, struct source_id source)
{
    uint64_t index;
    return map_get(&vigils->by_source, str_of(&source.value, sizeof source.value), &index)
               ? vigils->list[index]
               : NULL;
}

static enum err watched_make(struct vigils *vigils, struct source_id source, struct wall now,
                             struct watched **ret)
{
    struct watched *watched = watched_find(vigils, source);
    if (watched != NULL) {
        *ret = watched;
        return OK;
    }
    if (vigils->count == vigils->capacity) {
        size_t capacity = vigils->capacity > 0 ? 2 * vigils->capacity : 64;
        struct watched **list = realloc(vigils->list, capacity * sizeof *list);
        if (list == NULL) {
            return ERR_MEMORY;
        }
        vigils->list = list;
        vigils->capacity = capacity;
    }
    watched = calloc(1, sizeof *watched);
    if (watched == NULL) {
        return ERR_MEMORY;
    }
    *watched = (struct watched){.source = source, .heard = WALL_NONE, .since = now};
    watched->vigil = vigil_new();
    enum err err = watched->vigil == NULL
                       ? ERR_MEMORY
                       : map_put(&vigils->by_source, str_of(&source.value, sizeof source.value),
                                 vigils->count);
    if (err != OK) {
        vigil_free(watched->vigil);
        free(watched);
        return err;
    }
    vigils->list[vigils->count++] = watched;
    *ret = watched;
    return OK;
}

/* ---- The ledger. */

static enum err states_load(struct vigils *vigils, struct wall now)
{
    struct statement *statement;
    bool row = true;
    enum err err = ledger_prepare(vigils->at.ledger, "SELECT source, state FROM vigil", &statement);
    while (err == OK) {
        struct watched *watched;
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            return err;
        }
        struct source_id source = {(uint32_t)statement_int(statement, 0)};
        err = watched_make(vigils, source, now, &watched);
        /* What another version wrote is learned anew. */
        if (err == OK && vigil_decode(statement_bytes(statement, 1), watched->vigil) == OK) {
            vigil_resume(watched->vigil, now);
        }
    }
    statement_reset(statement);
    return err;
}

static enum err state_keep(struct vigils *vigils, struct watched *watched, struct wall now)
{
    struct statement *statement;
    struct buf state;
    buf_init(&state, VIGIL_BYTES_MAX);
    enum err err = vigil_encode(watched->vigil, &state);
    if (err == OK) {
        err = LEDGER_QUERY(vigils->at.ledger,
                           "INSERT INTO vigil (source, state, at) VALUES (?, ?, ?)"
                           " ON CONFLICT (source) DO UPDATE SET state = excluded.state,"
                           " at = excluded.at",
                           &statement, BIND_INT(watched->source.value), BIND_BYTES(buf_str(&state)),
                           BIND_INT(now.ns));
    }
    err = err == OK ? statement_run(statement) : err;
    watched->changed = watched->changed && err != OK;
    buf_done(&state);
    return err;
}

enum err vigils_keep(struct vigils *vigils, struct wall now)
{
    enum err err = OK;
    for (size_t i = 0; i < vigils->count && err == OK; i++) {
        if (vigils->list[i]->changed) {
            err = state_keep(vigils, vigils->list[i], now);
        }
    }
    vigils->kept = err == OK ? now : vigils->kept;
    return err;
}

/* ---- Taking in. */

enum err vigils_gather(struct vigils *vigils, struct source_id source, const struct seen *seen,
                       struct wall now)
{
    struct watched *watched;
    enum err err = watched_make(vigils, source, now, &watched);
    if (err != OK) {
        return err;
    }
    struct gathered *gathered = &watched->gathered;
    if (seen->lag_known) {
        gathered->lag_known = true;
        gathered->lag_ns = seen->lag_ns;
    }
    for (size_t i = 0; i < seen->kinds_count; i++) {
        struct str name = str_slice(seen->kinds[i].name, 0, KIND_TEXT_MAX);
        size_t at = 0;
        while (at < gathered->count && !str_equal(str_from(gathered->names[at]), name)) {
            at++;
        }
        if (at == VIGIL_KINDS_MAX) {
            continue;
        }
        if (at == gathered->count) {
            memset(gathered->names[at], 0, sizeof gathered->names[at]);
            memcpy(gathered->names[at], name.data, name.size);
            gathered->counts[at] = 0;
            gathered->count++;
        }
        gathered->counts[at] += seen->kinds[i].count;
    }
    return OK;
}

static uint64_t grown(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

static void account_see(struct watched *watched, const struct account *account, struct wall now)
{
    struct seen_kind kinds[VIGIL_KINDS_MAX];
    struct gathered *gathered = &watched->gathered;
    struct seen seen = {.heard = account->heard,
                        .kinds = kinds,
                        .kinds_count = gathered->count,
                        .lag_known = gathered->lag_known,
                        .lag_ns = gathered->lag_ns};
    for (size_t i = 0; i < gathered->count; i++) {
        kinds[i] = (struct seen_kind){str_from(gathered->names[i]), gathered->counts[i]};
    }
    if (watched->known) {
        seen.records = grown(account->received, watched->received);
        seen.failures = grown(account->failures, watched->failures);
        seen.slowed = grown(account->throttled + account->rejected[REJECT_QUOTA], watched->slowed);
    } else if (wall_known(account->heard)) {
        seen.records = 1; /* so that it is known as heard */
    }
    vigil_see(watched->vigil, &seen, now);
    watched->changed |= seen.records > 0;
    watched->known = true;
    watched->received = account->received;
    watched->failures = account->failures;
    watched->slowed = account->throttled + account->rejected[REJECT_QUOTA];
    watched->heard = account->heard;
    gathered->count = 0;
    gathered->lag_known = false;
}

/* ---- A turn. */

struct turn {
    const struct scope *scope;
    struct vigils *vigils;
    struct wall listening, now;
    struct arena *mem;
    struct ailing *ailing;
    size_t count;
};

static enum err source_turn(struct turn *turn, const struct source_info *source)
{
    struct watched *watched;
    struct vigil_rule rule;
    struct device_info device;
    const struct ailments_settings *at = &turn->vigils->at;
    enum err err = watched_make(turn->vigils, source->id, turn->now, &watched);
    if (err == OK) {
        err = vigil_rule_read(turn->scope, at->service, source->client, source->slug,
                              watched->since, turn->mem, &rule);
    }
    if (err != OK) {
        return err;
    }
    rule.listening = turn->listening;
    watched->findings_count = vigil_judge(watched->vigil, &rule, turn->now, watched->findings);
    bool found = tenant_device_of(at->tenant, source->client, source->slug, &device);
    turn->ailing[turn->count++] = (struct ailing){
        .client = source->client,
        .source = source->id,
        .source_slug = source->slug,
        .device = found ? device.slug : source->slug,
        .provided = found && str_equal(device.provision, STR("rental")),
        .findings = watched->findings,
        .count = watched->findings_count,
    };
    return OK;
}

static bool is_silent(const struct ailing *ailing)
{
    for (size_t i = 0; i < ailing->count; i++) {
        if (ailing->findings[i].ailment == AILMENT_SILENT) {
            return true;
        }
    }
    return false;
}

/* A device whose other sources are heard is half-silent.  Most have one source. */
static void others_look(struct turn *turn)
{
    for (size_t i = 0; i < turn->count; i++) {
        struct ailing *ailing = &turn->ailing[i];
        for (size_t j = 0; is_silent(ailing) && j < turn->count; j++) {
            const struct ailing *other = &turn->ailing[j];
            ailing->others_heard |= i != j && client_equal(other->client, ailing->client) &&
                                    str_equal(other->device, ailing->device) && !is_silent(other);
        }
    }
}

static void accounts_see(struct vigils *vigils, const struct books *books, struct wall now)
{
    struct account account;
    for (size_t i = 0; books_account_at(books, i, &account); i++) {
        struct watched *watched = watched_find(vigils, account.source);
        if (watched != NULL) {
            account_see(watched, &account, now);
        }
    }
}

bool vigils_watch(const struct source_info *source)
{
    return source->active && !source->own && !source->unknown_senders &&
           !client_equal(source->client, CLIENT_INSTALLATION);
}

static enum err sources_turn(struct turn *turn)
{
    struct source_info source;
    enum err err = OK;
    for (size_t i = 0; err == OK && tenant_source_at(turn->vigils->at.tenant, i, &source); i++) {
        if (vigils_watch(&source)) {
            err = source_turn(turn, &source);
        }
    }
    return err;
}

enum err vigils_turn(const struct scope *scope, struct vigils *vigils, const struct books *books,
                     struct wall listening, struct wall now, bool *ret_changed)
{
    struct turn turn = {.scope = scope, .vigils = vigils, .listening = listening, .now = now};
    if (!wall_known(listening) || listening.ns < vigils->since.ns) {
        turn.listening = vigils->since;
    }
    turn.mem = arena_new(TURN_MEMORY);
    if (turn.mem == NULL) {
        return ERR_MEMORY;
    }
    accounts_see(vigils, books, now);
    turn.ailing = ARENA_ARRAY(turn.mem, struct ailing, SOURCES_MAX + 2 * CLIENTS_MAX);
    enum err err = turn.ailing == NULL ? ERR_MEMORY : sources_turn(&turn);
    if (err == OK) {
        others_look(&turn);
        heartbeats_ailing(vigils->heartbeats, now, turn.ailing, &turn.count);
        shortages_ailing(vigils->shortages, turn.ailing, &turn.count);
    }
    *ret_changed = false;
    if (err == OK && now.ns - vigils->since.ns >= SETTLE_NS) {
        err = ailments_turn(scope, &vigils->at, turn.ailing, turn.count, now, ret_changed);
    }
    if (err == OK && (*ret_changed || now.ns - vigils->kept.ns >= KEEP_NS)) {
        err = vigils_keep(vigils, now);
    }
    arena_free(turn.mem);
    return err;
}

/* ---- For people. */

enum err vigils_look(const struct scope *scope, const struct vigils *vigils,
                     const struct source_info *source, struct wall now, struct arena *mem,
                     struct vigil_view *ret)
{
    struct vigil_rule rule;
    const struct watched *watched = watched_find(vigils, source->id);
    *ret = (struct vigil_view){.heard = WALL_NONE};
    if (!scope_allows(scope, source->client, RIGHT_BOOKS)) {
        return ERR_NOT_FOUND;
    }
    if (watched == NULL) {
        return OK;
    }
    enum err err = vigil_rule_read(scope, vigils->at.service, source->client, source->slug,
                                   watched->since, mem, &rule);
    if (err == OK) {
        vigil_look(watched->vigil, &rule, now, ret);
        ret->heard = watched->heard;
    }
    return err;
}
