/*
 * What changes, learned where nobody can forget to tell: from the ledger itself.
 *
 * The API, the control socket, alerts from core, clocks, notices and deliveries all write through
 * one connection to one database, so what SQLite reports of each written row (ledger_watch) is all
 * that there is: a new operation, or a new room, is heard of without a line of its own.  Calls in
 * the rooms would have to be remembered by each of them, and counters of the rooms do not say which
 * incident it was.  What a row means stands in one table here.
 *
 *     row written ─► range of a table's rows ─► transaction ends ─► read back ─► change
 *                    (inside it)                on disk: counts      (later)
 *                                               taken back: forgotten
 *
 * Always true:
 *
 *   (1) what is taken was on disk before; ranges of a transaction that is open, or was taken back,
 *       are not looked at.
 *   (2) nothing is passed over: what does not fit the lists makes `all` true instead.
 *   (3) the same thing is told at most once in CHANGES_APART_MS, and at the end of that time if it
 *       changed again; so a storm of alerts is ten changes a second and client.
 */

#include "serve/changes.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"

#define RANGES_MAX    1024
#define RANGES_LOOKED 8    /* of the last ones, whether a row joins one */
#define ALL_APART_MS  1000 /* everything shown anew: dearer than one thing */

/* What a table's rows are, read back by their ids: client, number, kind.  A row of a table that is
 * not here changes nothing that a page shows.  An incident's own row changes with each line of its
 * history, since it counts them. */
static const struct meaning {
    const char *table;
    enum change_what what;
    bool inserts_alone;
    const char *sql;
} meanings[] = {
    {"incident", CHANGE_INCIDENT, false,
     "SELECT client, number, '' FROM incident WHERE id BETWEEN ? AND ?"},
    {"clock", CHANGE_INCIDENT, false,
     "SELECT i.client, i.number, '' FROM clock c JOIN incident i ON i.id = c.subject"
     " WHERE c.id BETWEEN ? AND ? AND c.subject_kind = 'incident'"},
    {"notice", CHANGE_INCIDENT, false,
     "SELECT i.client, i.number, '' FROM notice n JOIN incident i ON i.id = n.subject"
     " WHERE n.id BETWEEN ? AND ? AND n.subject_kind = 'incident'"},
    {"outbox", CHANGE_INCIDENT, false,
     "SELECT i.client, i.number, '' FROM outbox o JOIN notice n ON n.id = o.notice"
     " JOIN incident i ON i.id = n.subject"
     " WHERE o.id BETWEEN ? AND ? AND n.subject_kind = 'incident'"},
    /* Which incident an alert belongs to changes the incident's row too. */
    {"alert", CHANGE_ALERTS, true,
     "SELECT DISTINCT client, 0, '' FROM alert"
     " WHERE id BETWEEN ? AND ?"},
    {"alert_count", CHANGE_ALERTS, false,
     "SELECT DISTINCT client, 0, '' FROM alert_count WHERE id BETWEEN ? AND ?"},
    {"document", CHANGE_DOCUMENT, false,
     "SELECT DISTINCT client, 0, kind FROM document WHERE id BETWEEN ? AND ?"},
    {"document_signature", CHANGE_DOCUMENT, false,
     "SELECT DISTINCT d.client, 0, d.kind FROM document_signature s"
     " JOIN document d ON d.id = s.document WHERE s.rowid BETWEEN ? AND ?"},
    {"document_acknowledgement", CHANGE_DOCUMENT, false,
     "SELECT DISTINCT d.client, 0, d.kind FROM document_acknowledgement a"
     " JOIN document d ON d.id = a.document WHERE a.rowid BETWEEN ? AND ?"},
    {"disclosure", CHANGE_DOCUMENT, false,
     "SELECT DISTINCT client, 0, kind FROM disclosure WHERE rowid BETWEEN ? AND ?"},
    {"document_version", CHANGE_CLIENT, false,
     "SELECT DISTINCT client, 0, '' FROM document_version WHERE id BETWEEN ? AND ?"
     " AND kind IN ('client', 'source', 'device', 'engagement')"},
    /* A person's path is "PARTY/PERSON", and a party's "PARTY". */
    {"document_version", CHANGE_PEOPLE, false,
     "SELECT DISTINCT coalesce(c.id, 0), 0, p.slug FROM document_version v"
     " JOIN party p ON p.slug = substr(v.path, 1, instr(v.path || '/', '/') - 1)"
     " LEFT JOIN client c ON c.party = p.id"
     " WHERE v.id BETWEEN ? AND ? AND v.kind IN ('person', 'party')"},
    {"person", CHANGE_PEOPLE, false,
     "SELECT DISTINCT coalesce(c.id, 0), 0, p.slug FROM person h JOIN party p ON p.id = h.party"
     " LEFT JOIN client c ON c.party = p.id WHERE h.id BETWEEN ? AND ?"},
    {"source", CHANGE_CLIENT, false,
     "SELECT DISTINCT client, 0, '' FROM source"
     " WHERE id BETWEEN ? AND ?"},
    {"ailment", CHANGE_CLIENT, false,
     "SELECT DISTINCT client, 0, '' FROM ailment WHERE id BETWEEN ? AND ?"},
    {"hold", CHANGE_CLIENT, false,
     "SELECT DISTINCT client, 0, '' FROM hold WHERE id BETWEEN ? AND ?"},
    {"dropped", CHANGE_CLIENT, false,
     "SELECT DISTINCT client, 0, '' FROM dropped WHERE id BETWEEN ? AND ?"},
    {"engagement", CHANGE_CLIENT, false,
     "SELECT DISTINCT client, 0, '' FROM engagement"
     " WHERE id BETWEEN ? AND ?"},
};

struct range {
    const struct meaning *meaning;
    int64_t first, last;
};

struct told {
    struct change change;
    struct mono at;
};

struct changes {
    struct ledger *ledger;
    changes_call *call;
    void *context;
    struct range ranges[RANGES_MAX];
    size_t count, on_disk;            /* ranges; those before on_disk count already */
    bool sessions, sessions_on_disk;  /* touched */
    bool overflow;                    /* there were more ranges */
    bool all;                         /* waits to be told */
    struct mono all_at;               /* when it was told last; 0: never */
    struct change waits[CHANGES_MAX]; /* not told yet */
    size_t waits_count;
    struct told told[CHANGES_MAX]; /* lately */
    size_t told_count;
};

static void row_touched(void *context, enum touch touch, const char *table, int64_t row);
static void transaction_ended(void *context, bool on_disk);

const char *change_text(enum change_what what)
{
    static const char *const texts[CHANGE_WHAT_COUNT] = {
        [CHANGE_INCIDENT] = "incident", [CHANGE_ALERTS] = "alerts", [CHANGE_DOCUMENT] = "document",
        [CHANGE_CLIENT] = "client",     [CHANGE_PEOPLE] = "people",
    };
    return texts[what];
}

enum err changes_new(struct ledger *ledger, changes_call *call, void *context, struct changes **ret)
{
    struct changes *changes = calloc(1, sizeof *changes);
    if (changes == NULL) {
        return ERR_MEMORY;
    }
    changes->ledger = ledger;
    changes->call = call;
    changes->context = context;
    const struct ledger_watch watch = {changes, row_touched, transaction_ended};
    ledger_watch(ledger, &watch);
    *ret = changes;
    return OK;
}

void changes_free(struct changes *changes)
{
    if (changes != NULL) {
        ledger_watch(changes->ledger, NULL);
        free(changes);
    }
}

/* ---- While rooms write. */

/* A range that is on disk grows no more: what joins it might be taken back. */
static void range_note(struct changes *changes, const struct meaning *meaning, int64_t row)
{
    size_t looked = 0;
    for (size_t i = changes->count; i > changes->on_disk && looked < RANGES_LOOKED; i--, looked++) {
        struct range *range = &changes->ranges[i - 1];
        if (range->meaning == meaning && row >= range->first && row <= range->last + 1) {
            range->last = row > range->last ? row : range->last;
            return;
        }
    }
    if (changes->count == RANGES_MAX) {
        changes->overflow = true;
        return;
    }
    changes->ranges[changes->count++] = (struct range){meaning, row, row};
}

static void row_touched(void *context, enum touch touch, const char *table, int64_t row)
{
    struct changes *changes = context;
    if (strcmp(table, "session") == 0) {
        changes->sessions = changes->sessions || touch != TOUCH_INSERT;
        return;
    }
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (strcmp(meanings[i].table, table) == 0 &&
            (touch == TOUCH_INSERT || !meanings[i].inserts_alone)) {
            range_note(changes, &meanings[i], row);
        }
    }
}

static void transaction_ended(void *context, bool on_disk)
{
    struct changes *changes = context;
    size_t before = changes->on_disk;
    if (!on_disk) {
        changes->count = changes->on_disk;
        changes->sessions = false;
        return;
    }
    bool sessions = changes->sessions;
    changes->on_disk = changes->count;
    changes->sessions_on_disk = changes->sessions_on_disk || sessions;
    changes->sessions = false;
    if (changes->on_disk > before || sessions || changes->overflow) {
        changes->call(changes->context);
    }
}

/* ---- Reading back. */

static bool change_equal(const struct change *a, const struct change *b)
{
    return a->what == b->what && client_equal(a->client, b->client) && a->number == b->number &&
           strcmp(a->kind, b->kind) == 0;
}

static void change_note(struct changes *changes, const struct change *change)
{
    for (size_t i = 0; i < changes->waits_count; i++) {
        if (change_equal(&changes->waits[i], change)) {
            return;
        }
    }
    if (changes->waits_count == CHANGES_MAX) {
        changes->all = true;
        return;
    }
    changes->waits[changes->waits_count++] = *change;
}

static enum err range_read(struct changes *changes, const struct range *range)
{
    struct statement *statement;
    bool row = true;
    enum err err = LEDGER_QUERY(changes->ledger, range->meaning->sql, &statement,
                                BIND_INT(range->first), BIND_INT(range->last));
    while (err == OK && !changes->all) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            return err;
        }
        struct change change = {.what = range->meaning->what,
                                .client = {(uint32_t)statement_int(statement, 0)},
                                .number = (uint64_t)statement_int(statement, 1)};
        struct str kind = str_slice(statement_text(statement, 2), 0, SLUG_SIZE_MAX);
        if (kind.size > 0) {
            memcpy(change.kind, kind.data, kind.size);
        }
        change_note(changes, &change);
    }
    if (err == OK) {
        statement_reset(statement);
    }
    return err;
}

/* Those of the open transaction stay. */
static void ranges_drop(struct changes *changes)
{
    size_t open = changes->count - changes->on_disk;
    memmove(changes->ranges, changes->ranges + changes->on_disk, open * sizeof *changes->ranges);
    changes->count = open;
    changes->on_disk = 0;
    changes->overflow = false;
}

static void ranges_read(struct changes *changes)
{
    for (size_t i = 0; i < changes->on_disk && !changes->all; i++) {
        if (range_read(changes, &changes->ranges[i]) != OK) {
            changes->all = true; /* whoever is shown everything misses nothing */
        }
    }
    changes->all = changes->all || changes->overflow;
    ranges_drop(changes);
}

/* What was told so long ago that it may be told again is forgotten. */
static void told_prune(struct changes *changes, struct mono now)
{
    size_t kept = 0;
    for (size_t i = 0; i < changes->told_count; i++) {
        if (mono_ms_since(changes->told[i].at, now) < CHANGES_APART_MS) {
            changes->told[kept++] = changes->told[i];
        }
    }
    changes->told_count = kept;
}

/* How long the change has to wait; 0: it is told now. */
static int64_t wait_ms(const struct changes *changes, const struct change *change, struct mono now)
{
    for (size_t i = 0; i < changes->told_count; i++) {
        if (change_equal(&changes->told[i].change, change)) {
            return CHANGES_APART_MS - mono_ms_since(changes->told[i].at, now);
        }
    }
    return 0;
}

static void again_note(struct changes_taken *taken, int64_t ms)
{
    taken->again_ms = taken->again_ms < 0 || ms < taken->again_ms ? ms : taken->again_ms;
}

static void waits_tell(struct changes *changes, struct mono now, struct changes_taken *ret)
{
    size_t kept = 0;
    for (size_t i = 0; i < changes->waits_count; i++) {
        int64_t ms = wait_ms(changes, &changes->waits[i], now);
        if (ms > 0) {
            again_note(ret, ms);
            changes->waits[kept++] = changes->waits[i];
            continue;
        }
        ret->list[ret->count++] = changes->waits[i];
        if (changes->told_count < CHANGES_MAX) {
            changes->told[changes->told_count++] = (struct told){changes->waits[i], now};
        }
    }
    changes->waits_count = kept;
}

void changes_empty(struct changes *changes)
{
    ranges_drop(changes);
    changes->all = changes->sessions_on_disk = false;
    changes->waits_count = 0;
}

void changes_take(struct changes *changes, struct mono now, struct changes_taken *ret)
{
    ret->count = 0;
    ret->again_ms = -1;
    ret->all = false;
    ret->sessions = changes->sessions_on_disk;
    changes->sessions_on_disk = false;
    ranges_read(changes);
    told_prune(changes, now);
    if (changes->all) {
        int64_t ms =
            changes->all_at.ns == 0 ? 0 : ALL_APART_MS - mono_ms_since(changes->all_at, now);
        if (ms > 0) {
            again_note(ret, ms);
            return;
        }
        changes->all = false;
        changes->all_at = now;
        changes->waits_count = 0;
        ret->all = true;
        return;
    }
    waits_tell(changes, now, ret);
}
