/*
 * What detection remembers of each client between events, and how that outlives us.
 *
 *          stored_at                told (desk's bookmark)          judged
 *     ─────────┼───────────────────────┼───────────────────────────────┼────────►  sequence
 *       on disk│ judged again, silently│ judged again, alerts sent     │
 *
 * Every now and then the memory is written down as it is at `judged`, and stored once desk has
 * confirmed every alert of the events before that.  After a crash of any of us, detection reads it
 * and judges the events since then again: those before desk's bookmark only to remember them.
 * So a window that spans a crash counts what it would have counted.
 *
 * Always true: the memory on disk is of a place that desk's bookmark has passed; memory that may
 * have been fed an event which will be fed again is MEMORY_STALE.
 */

#include "serve/spine.h"

#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"

#define EVENTS_BACK  100000 /* judged again where nothing was kept: a second */
#define SECTION_HEAD 12
#define OFF_SIZE_MAX ((size_t)1 << 20) /* a byte a rule */

static bool rules_correlate(const struct ruleset *ruleset)
{
    for (size_t i = 0; i < ruleset_rules(ruleset); i++) {
        struct rule_summary rule;
        ruleset_rule(ruleset, i, &rule);
        if (rule.kind == ALERT_CORRELATION) {
            return true;
        }
    }
    return false;
}

static enum err section_put(struct buf *out, const char name[4], const struct str bytes)
{
    char head[SECTION_HEAD];
    memcpy(head, name, 4);
    put_u64(head + 4, bytes.size);
    enum err err = buf_append(out, str_of(head, sizeof head));
    return err == OK ? buf_append(out, bytes) : err;
}

static bool section_next(struct str *rest, struct str *ret_name, struct str *ret_bytes)
{
    if (rest->size < SECTION_HEAD || get_u64(rest->data + 4) > rest->size - SECTION_HEAD) {
        return false;
    }
    size_t size = (size_t)get_u64(rest->data + 4);
    *ret_name = str_slice(*rest, 0, 4);
    *ret_bytes = str_slice(*rest, SECTION_HEAD, size);
    *rest = str_slice(*rest, SECTION_HEAD + size, rest->size);
    return true;
}

enum err memory_off(struct spine *spine, struct spine_client *client)
{
    struct arena *mem = arena_new(OFF_SIZE_MAX);
    const uint8_t *off = NULL;
    enum err err = mem == NULL ? ERR_MEMORY
                   : spine->ruleset == NULL
                       ? OK
                       : criteria_off(client->criteria, spine->ruleset, mem, &off);
    if (err != OK) {
        arena_free(mem);
        return err;
    }
    arena_free(client->off_mem);
    client->off_mem = mem;
    client->off = off;
    return OK;
}

static enum err memory_decode(struct spine_client *client, struct str state, struct why *why)
{
    struct str name;
    struct str bytes;
    enum err err = OK;
    while (err == OK && state.size > 0) {
        if (!section_next(&state, &name, &bytes)) {
            return ERR_CORRUPT;
        }
        if (str_equal(name, STR("corr")) && client->correlator != NULL) {
            err = correlator_decode(bytes, client->correlator, why);
        } else if (str_equal(name, STR("thre"))) {
            err = criteria_state_decode(bytes, client->thresholds);
        }
    }
    return err;
}

static enum err correlator_begin(struct spine *spine, struct spine_client *client)
{
    correlator_free(client->correlator);
    client->correlator = NULL;
    return rules_correlate(spine->ruleset)
               ? correlator_new(spine->ruleset, WINDOWS_SIZE_MAX, &client->correlator)
               : OK;
}

/* A memory of nothing. */
static enum err memory_begin(struct spine *spine, struct spine_client *client)
{
    criteria_state_free(client->thresholds);
    client->thresholds = NULL;
    enum err err = criteria_state_new(&client->thresholds);
    return err == OK ? correlator_begin(spine, client) : err;
}

/* Reads the memory on disk; *ret_at: what it is of, or 0 if there is none that fits. */
static enum err memory_load(struct spine *spine, struct spine_client *client, uint64_t *ret_at)
{
    struct str state;
    struct why why = {0};
    uint64_t at = 0;
    struct arena *mem = arena_new((size_t)2 * MEMORY_KEPT_MAX);
    enum err err = mem == NULL ? ERR_MEMORY
                               : archive_state_load(client->scope, spine->archive, client->id, mem,
                                                    &at, &state);
    if (err == OK && at > client->told) {
        err = ERR_NOT_FOUND; /* of a time that desk has never heard of: its ledger is older */
    }
    if (err == OK) {
        err = memory_decode(client, state, &why);
    }
    if (err == ERR_CORRUPT || err == ERR_UNSUPPORTED) {
        spine->say(spine->say_context,
                   "what was remembered of a client cannot be read: windows begin anew");
        err = memory_begin(spine, client);
        at = 0;
    } else if (err == ERR_NOT_FOUND) {
        err = OK;
        at = 0;
    }
    arena_free(mem);
    *ret_at = at;
    return err;
}

/* ---- To disk. */

/* What waits for desk is no longer of use. */
static void kept_drop(struct spine_client *client)
{
    client->kept_at = 0;
    buf_done(&client->kept);
}

static void memory_store(struct spine *spine, struct spine_client *client)
{
    enum err err = archive_state_store(client->scope, spine->archive, client->id, client->kept_at,
                                       buf_str(&client->kept));
    if (err == OK) {
        client->stored_at = client->kept_at;
    } else if (err != ERR_NOT_FOUND) {
        spine->say(spine->say_context, "what is remembered of a client could not be stored");
    }
    kept_drop(client);
}

void memory_confirmed(struct spine *spine, struct client_id id, uint64_t bookmark)
{
    struct spine_client *client = spine_client_find(spine, id);
    if (client == NULL) {
        return;
    }
    client->told = bookmark > client->told ? bookmark : client->told;
    if (client->kept_at != 0 && bookmark >= client->kept_at) {
        memory_store(spine, client);
    }
}

/* Whether anything would be missed if it were lost. */
static bool remembers(const struct spine_client *client)
{
    return client->correlator != NULL || client->criteria != NULL;
}

static enum err memory_encode(struct spine_client *client)
{
    struct buf state;
    enum err err = OK;
    buf_init(&state, MEMORY_KEPT_MAX);
    buf_init(&client->kept, MEMORY_KEPT_MAX);
    if (client->correlator != NULL) {
        err = correlator_encode(client->correlator, &state);
        err = err == OK ? section_put(&client->kept, "corr", buf_str(&state)) : err;
        buf_reset(&state);
    }
    err = err == OK ? criteria_state_encode(client->thresholds, &state) : err;
    err = err == OK ? section_put(&client->kept, "thre", buf_str(&state)) : err;
    buf_done(&state);
    return err;
}

static void memory_keep_one(struct spine *spine, struct spine_client *client)
{
    if (client->memory != MEMORY_READY || client->kept_at != 0 || !remembers(client) ||
        client->judged <= client->stored_at) {
        return;
    }
    if (memory_encode(client) != OK) {
        buf_done(&client->kept);
        spine->say(spine->say_context, "what is remembered of a client is too large to keep");
        return;
    }
    client->kept_at = client->judged;
    if (client->told >= client->judged) {
        memory_store(spine, client);
    }
}

void memory_keep(struct spine *spine)
{
    memory_keep_some(spine, 0, 1);
}

void memory_keep_some(struct spine *spine, size_t first, size_t step)
{
    for (size_t i = first % step; i < spine->clients_count; i += step) {
        memory_keep_one(spine, &spine->clients[i]);
    }
}

/* ---- When it has to fit. */

void memory_ready(struct spine *spine, struct spine_client *client)
{
    uint64_t at = 0;
    if (client->memory == MEMORY_READY || spine->ruleset == NULL) {
        return;
    }
    kept_drop(client);
    enum err err = memory_begin(spine, client);
    err = err == OK ? memory_load(spine, client, &at) : err;
    if (err != OK) {
        spine->say(spine->say_context, "what is remembered of a client cannot be read now");
        return;
    }
    /* Without a memory on disk the last events are judged again for what they leave in windows. */
    uint64_t back = client->told > EVENTS_BACK ? client->told - EVENTS_BACK : 1;
    client->judged = at != 0 ? at : remembers(client) ? back : client->told;
    client->stored_at = at;
    client->memory = MEMORY_READY;
    memory_keep_one(spine, client);
}

enum err memory_move(struct spine *spine, struct spine_client *client)
{
    if (client->memory != MEMORY_READY) {
        return OK;
    }
    kept_drop(client); /* it is of the old rules */
    enum err err = client->correlator != NULL && rules_correlate(spine->ruleset)
                       ? correlator_move(client->correlator, spine->ruleset)
                       : correlator_begin(spine, client);
    if (err == OK) {
        memory_keep_one(spine, client);
    }
    return err;
}
