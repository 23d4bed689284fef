/*
 * What ails devices, as rows of the ledger.
 *
 *     finding ─► open ─► (told | planned work: not told | one of a storm: told with it) ─► closed
 *
 * Findings of a turn are compared with the rows that are open: what has no row gets one, a row
 * without a finding is closed, and nobody is told of an end: the page shows it.
 *
 * A storm: from the third device of a client on that the same thing befalls within ten minutes, one
 * row stands for all of them and is told once; the others name it.  It ends with the last of them.
 *
 * Who is told (docs/devices.md says the same to people):
 *
 *     records that cannot be read; the chain             the provider's people
 *     a device that the provider provided (rental)        the provider's people
 *     anything else                                       the client's chain of contacts, and the
 *                                                         provider's people
 *
 * Always true: a row changes twice at most, when it is told and when it closes; rows are never
 * deleted.  One device has one open row of a kind and detail.
 */

#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "build/private.h"
#include "codec/time.h"
#include "ledger/ledger.h"
#include "service/outbox.h"

#define OPEN_MAX       (2 * DEVICES_MAX)
#define NEW_MAX        1000 /* in one turn; the rest comes with the next */
#define STORM_DEVICES  3
#define STORM_NS       (10 * 60 * NS_PER_SECOND)
#define STORM_LASTS_NS (60 * 60 * NS_PER_SECOND) /* after which who comes new is told anew */
#define KEY_SIZE       (2 * SLUG_SIZE_MAX + KIND_TEXT_MAX + 64)
#define SUBJECT        "ailment"

struct row {
    uint64_t id;
    struct client_id client;
    enum ailment kind;
    struct wall opened;
    uint64_t storm;
    uint64_t members; /* of a storm */
    uint64_t alive;   /* of its members, in this turn */
    bool seen, planned, fresh;
};

struct turn {
    const struct scope *scope;
    const struct ailments_settings *at;
    struct wall now;
    struct map by_key; /* to the index in rows */
    struct row *rows;
    size_t count, fresh;
    bool changed;
};

struct patient {
    const struct ailing *ailing;
    const struct finding *finding;
    enum ailment kind;
    char detail[KIND_TEXT_MAX + 1];
};

static enum err rows_load(struct turn *turn, struct arena *mem);
static enum err patient_open(struct turn *turn, const struct patient *patient, struct str key);
static enum err rows_close(struct turn *turn);

/* ---- What has a row. */

static struct str key_of(struct client_id client, struct str device, enum ailment kind,
                         struct str detail, char text[KEY_SIZE])
{
    int size = snprintf(text, KEY_SIZE, "%u %d %.*s %.*s", client.value, (int)kind, STR_ARG(device),
                        STR_ARG(detail));
    return (struct str){text, size > 0 && size < KEY_SIZE ? (size_t)size : 0};
}

/* A source that is silent while the device's others are heard is half a silence of the device. */
static void patient_make(const struct ailing *ailing, const struct finding *finding,
                         struct patient *ret)
{
    *ret = (struct patient){ailing, finding, finding->ailment, ""};
    memcpy(ret->detail, finding->detail, sizeof ret->detail);
    if (finding->ailment == AILMENT_SILENT && ailing->others_heard) {
        struct str slug = str_slice(ailing->source_slug, 0, KIND_TEXT_MAX);
        ret->kind = AILMENT_HALF_SILENT;
        memcpy(ret->detail, slug.data, slug.size);
    }
}

static enum err findings_look(struct turn *turn, const struct ailing *ailing)
{
    enum err err = OK;
    for (size_t i = 0; i < ailing->count && err == OK; i++) {
        struct patient patient;
        char text[KEY_SIZE];
        uint64_t index;
        patient_make(ailing, &ailing->findings[i], &patient);
        struct str key =
            key_of(ailing->client, ailing->device, patient.kind, str_from(patient.detail), text);
        if (map_get(&turn->by_key, key, &index)) {
            turn->rows[index].seen = true;
        } else if (turn->count < OPEN_MAX && turn->fresh < NEW_MAX) {
            err = patient_open(turn, &patient, key);
        }
    }
    return err;
}

static enum err row_take(struct turn *turn, struct statement *statement)
{
    char text[KEY_SIZE];
    struct row row = {
        .id = (uint64_t)statement_int(statement, 0),
        .client = {(uint32_t)statement_int(statement, 1)},
        .opened = {statement_int(statement, 5)},
        .storm = (uint64_t)statement_int(statement, 6),
        .members = (uint64_t)statement_int(statement, 7),
        .planned = statement_text(statement, 8).size > 0,
    };
    if (ailment_parse(statement_text(statement, 3), &row.kind) != OK) {
        return ERR_CORRUPT;
    }
    struct str key = key_of(row.client, statement_text(statement, 2), row.kind,
                            statement_text(statement, 4), text);
    turn->rows[turn->count] = row;
    enum err err = row.members > 0 ? OK : map_put(&turn->by_key, key, turn->count);
    turn->count++;
    return err;
}

static enum err rows_load(struct turn *turn, struct arena *mem)
{
    struct statement *statement;
    bool row = true;
    turn->rows = ARENA_ARRAY(mem, struct row, OPEN_MAX + NEW_MAX);
    if (turn->rows == NULL) {
        return ERR_MEMORY;
    }
    enum err err = LEDGER_QUERY(turn->at->ledger,
                                "SELECT id, client, device, kind, detail, opened,"
                                " coalesce(storm, 0), members, planned FROM ailment"
                                " WHERE closed IS NULL ORDER BY id LIMIT ?",
                                &statement, BIND_INT(OPEN_MAX));
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        err = row_take(turn, statement);
        if (err != OK) {
            statement_reset(statement);
        }
    }
    return err;
}

/* ---- Opening. */

struct opening {
    struct client_id client;
    struct str device;
    struct source_id source; /* 0: none */
    enum ailment kind;
    struct str detail;
    int64_t is, usual;
    uint64_t members;
    struct str planned;
    bool provider;
};

static enum err row_insert(struct turn *turn, const struct opening *opening, uint64_t *ret)
{
    struct statement *statement;
    bool row;
    enum err err = LEDGER_QUERY(
        turn->at->ledger,
        "INSERT INTO ailment (client, device, source, kind, detail, found, usual, opened, members,"
        " planned, told, provider) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?) RETURNING id",
        &statement, BIND_INT(opening->client.value), BIND_TEXT(opening->device),
        opening->source.value != 0 ? BIND_INT(opening->source.value) : BIND_NULL,
        BIND_TEXT(str_from(ailment_text(opening->kind))), BIND_TEXT(opening->detail),
        BIND_INT(opening->is), BIND_INT(opening->usual), BIND_INT(turn->now.ns),
        BIND_INT(opening->members), BIND_TEXT(opening->planned),
        BIND_INT(opening->provider ? 1 : 0));
    err = err == OK ? statement_step(statement, &row) : err;
    if (err == OK) {
        *ret = (uint64_t)statement_int(statement, 0);
        statement_reset(statement);
        turn->changed = true;
    }
    return err;
}

bool ailment_is_own(enum ailment kind)
{
    return kind == AILMENT_CHAIN || kind == AILMENT_DISK_SHORT || kind == AILMENT_DISK_SOON;
}

static bool providers_own(const struct ailing *ailing, enum ailment kind)
{
    return ailing->provided || kind == AILMENT_PARSE || ailment_is_own(kind);
}

static enum err patient_open(struct turn *turn, const struct patient *patient, struct str key)
{
    const struct ailing *ailing = patient->ailing;
    const struct opening opening = {
        .client = ailing->client,
        .device = ailing->device,
        .source = ailing->source,
        .kind = patient->kind,
        .detail = str_from(patient->detail),
        .is = patient->finding->is,
        .usual = patient->finding->usual,
        .planned = ailment_is_own(patient->kind)
                       ? (struct str){0}
                       : work_planned(turn->scope, turn->at->service, ailing->client,
                                      ailing->source_slug, turn->now),
        .provider = providers_own(ailing, patient->kind),
    };
    struct row *row = &turn->rows[turn->count];
    *row = (struct row){.client = ailing->client,
                        .kind = patient->kind,
                        .opened = turn->now,
                        .seen = true,
                        .fresh = true,
                        .planned = opening.planned.size > 0};
    enum err err = row_insert(turn, &opening, &row->id);
    if (err == OK) {
        err = map_put(&turn->by_key, key, turn->count);
    }
    turn->count++;
    turn->fresh++;
    return err;
}

/* ---- Telling. */

static enum level gravity(enum ailment kind)
{
    switch (kind) {
    case AILMENT_CHAIN:
    case AILMENT_DISK_SOON:
        return LEVEL_HIGH;
    case AILMENT_DISK_SHORT:
    case AILMENT_SILENT:
    case AILMENT_FLOOD:
        return LEVEL_MEDIUM;
    default:
        return LEVEL_LOW;
    }
}

struct telling {
    uint64_t id;
    struct client_id client;
    enum ailment kind;
    struct str device, detail, name_ja, name_en;
    uint64_t members;
    bool provider;
    int64_t is, usual;
};

static struct str purpose_of(const struct telling *telling)
{
    if (telling->members > 0) {
        return telling->provider ? STR("device-storm-provider") : STR("device-storm");
    }
    switch (telling->kind) {
    case AILMENT_CHAIN:
        return STR("chain-broken-provider");
    case AILMENT_DISK_SHORT:
        return STR("disk-short-provider");
    case AILMENT_DISK_SOON:
        return STR("disk-soon-provider");
    default:
        return telling->provider ? STR("device-trouble-provider") : STR("device-trouble");
    }
}

static enum err notice_tell(struct turn *turn, const struct telling *telling)
{
    char count[32];
    char opened[TIME_TEXT_SIZE];
    char days_left[32];
    char days_promised[32];
    struct statement *statement;
    bool disk = telling->kind == AILMENT_DISK_SHORT || telling->kind == AILMENT_DISK_SOON;
    struct str type = str_from(ailment_text(telling->kind));
    (void)snprintf(count, sizeof count, "%llu", (unsigned long long)telling->members);
    (void)snprintf(days_left, sizeof days_left, "%lld", (long long)telling->is);
    (void)snprintf(days_promised, sizeof days_promised, "%lld", (long long)telling->usual);
    const struct notice_value values[] = {
        {STR("days_left"), disk ? str_from(days_left) : STR("")},
        {STR("days_promised"), disk ? str_from(days_promised) : STR("")},
        {STR("type"), type},
        {STR("asset"), telling->device},
        {STR("asset_ja"), telling->name_ja},
        {STR("asset_en"), telling->name_en},
        {STR("detail"), telling->detail},
        {STR("alerts"), telling->members > 0 ? str_from(count) : STR("")},
        {STR("detected"), str_from(time_print(turn->now, opened))},
    };
    const struct notice notice = {
        .client = telling->client,
        .purpose = purpose_of(telling),
        .subject = {SUBJECT, telling->id},
        .severity = gravity(telling->kind),
        .values = values,
        .values_count = sizeof values / sizeof *values,
    };
    enum err err = notice_want(turn->scope, turn->at->ledger, &notice, STR(""), turn->now, NULL);
    if (err == OK) {
        err = LEDGER_QUERY(turn->at->ledger, "UPDATE ailment SET told = 1 WHERE id = ?", &statement,
                           BIND_INT(telling->id));
    }
    return err == OK ? statement_run(statement) : err;
}

static enum err row_tell(struct turn *turn, const struct row *row)
{
    struct statement *statement;
    struct device_info device;
    bool there;
    struct arena *mem = arena_new(64 * 1024);
    struct telling telling = {.id = row->id, .client = row->client, .kind = row->kind};
    enum err err = mem == NULL ? ERR_MEMORY
                               : LEDGER_QUERY(turn->at->ledger,
                                              "SELECT device, detail, provider, found, usual"
                                              " FROM ailment"
                                              " WHERE id = ?",
                                              &statement, BIND_INT(row->id));
    err = err == OK ? statement_step(statement, &there) : err;
    if (err == OK && there) {
        telling.provider = statement_int(statement, 2) != 0;
        telling.is = statement_int(statement, 3);
        telling.usual = statement_int(statement, 4);
        err = arena_copy(mem, statement_text(statement, 0), &telling.device);
        err = err == OK ? arena_copy(mem, statement_text(statement, 1), &telling.detail) : err;
        statement_reset(statement);
    }
    for (size_t i = 0; err == OK && tenant_device_at(turn->at->tenant, i, &device); i++) {
        if (client_equal(device.client, row->client) && str_equal(device.slug, telling.device)) {
            telling.name_ja = device.name_ja;
            telling.name_en = device.name_en;
        }
    }
    err = err == OK && there ? notice_tell(turn, &telling) : err;
    arena_free(mem);
    return err;
}

static bool same_trouble(const struct row *a, const struct row *b)
{
    return client_equal(a->client, b->client) && a->kind == b->kind;
}

/* The storm of this client and kind that is still young, or NULL. */
static struct row *storm_find(struct turn *turn, const struct row *row)
{
    for (size_t i = 0; i < turn->count; i++) {
        struct row *at = &turn->rows[i];
        if (at->members > 0 && same_trouble(at, row) &&
            turn->now.ns - at->opened.ns < STORM_LASTS_NS) {
            return at;
        }
    }
    return NULL;
}

static size_t lately(const struct turn *turn, const struct row *row)
{
    size_t count = 0;
    for (size_t i = 0; i < turn->count; i++) {
        const struct row *at = &turn->rows[i];
        count += at->members == 0 && !at->planned && same_trouble(at, row) &&
                 turn->now.ns - at->opened.ns < STORM_NS;
    }
    return count;
}

static enum err storm_join(struct turn *turn, struct row *row, struct row *storm)
{
    struct statement *statement;
    row->storm = storm->id;
    row->fresh = false;
    enum err err = LEDGER_QUERY(turn->at->ledger, "UPDATE ailment SET storm = ? WHERE id = ?",
                                &statement, BIND_INT(storm->id), BIND_INT(row->id));
    err = err == OK ? statement_run(statement) : err;
    if (err == OK) {
        err = LEDGER_QUERY(turn->at->ledger, "UPDATE ailment SET members = ? WHERE id = ?",
                           &statement, BIND_INT(storm->members), BIND_INT(storm->id));
    }
    return err == OK ? statement_run(statement) : err;
}

/* One row for all that this befell lately. */
static enum err storm_begin(struct turn *turn, const struct row *first, bool provider)
{
    const struct opening opening = {.client = first->client,
                                    .kind = first->kind,
                                    .members = lately(turn, first),
                                    .provider = provider};
    struct row *storm = &turn->rows[turn->count];
    *storm = (struct row){.client = first->client,
                          .kind = first->kind,
                          .opened = turn->now,
                          .members = opening.members,
                          .seen = true};
    enum err err = row_insert(turn, &opening, &storm->id);
    turn->count++;
    for (size_t i = 0; i + 1 < turn->count && err == OK; i++) {
        struct row *row = &turn->rows[i];
        if (row->members == 0 && !row->planned && same_trouble(row, first) &&
            turn->now.ns - row->opened.ns < STORM_NS && row->storm == 0) {
            err = storm_join(turn, row, storm);
        }
    }
    const struct telling telling = {.id = storm->id,
                                    .client = storm->client,
                                    .kind = storm->kind,
                                    .members = storm->members,
                                    .provider = provider};
    return err == OK ? notice_tell(turn, &telling) : err;
}

static enum err fresh_tell(struct turn *turn)
{
    enum err err = OK;
    size_t count = turn->count;
    for (size_t i = 0; i < count && err == OK; i++) {
        struct row *row = &turn->rows[i];
        if (!row->fresh || row->planned) {
            continue;
        }
        struct row *storm = storm_find(turn, row);
        if (storm != NULL) {
            storm->members++;
            err = storm_join(turn, row, storm);
        } else if (lately(turn, row) >= STORM_DEVICES && turn->count < OPEN_MAX + NEW_MAX) {
            err = storm_begin(turn, row, row->kind == AILMENT_PARSE || ailment_is_own(row->kind));
        } else {
            err = row_tell(turn, row);
        }
    }
    return err;
}

/* ---- Closing. */

static enum err row_close(struct turn *turn, const struct row *row)
{
    static const char *const purposes[] = {"device-trouble",        "device-trouble-provider",
                                           "device-storm",          "device-storm-provider",
                                           "chain-broken-provider", "disk-short-provider",
                                           "disk-soon-provider"};
    struct statement *statement;
    turn->changed = true;
    enum err err = LEDGER_QUERY(turn->at->ledger, "UPDATE ailment SET closed = ? WHERE id = ?",
                                &statement, BIND_INT(turn->now.ns), BIND_INT(row->id));
    err = err == OK ? statement_run(statement) : err;
    for (size_t i = 0; i < sizeof purposes / sizeof *purposes && err == OK; i++) {
        err = notice_settle(turn->scope, turn->at->ledger, row->client,
                            (struct subject){SUBJECT, row->id}, str_from(purposes[i]), turn->now);
    }
    return err;
}

static void storms_count(struct turn *turn)
{
    for (size_t i = 0; i < turn->count; i++) {
        for (size_t j = 0; turn->rows[i].seen && turn->rows[i].storm != 0 && j < turn->count; j++) {
            if (turn->rows[j].id == turn->rows[i].storm) {
                turn->rows[j].alive++;
            }
        }
    }
}

static enum err rows_close(struct turn *turn)
{
    enum err err = OK;
    storms_count(turn);
    for (size_t i = 0; i < turn->count && err == OK; i++) {
        const struct row *row = &turn->rows[i];
        bool over = row->members > 0 ? row->alive == 0 : !row->seen;
        if (over) {
            err = row_close(turn, row);
        }
    }
    return err;
}

enum err ailments_turn(const struct scope *scope, const struct ailments_settings *at,
                       const struct ailing *list, size_t count, struct wall now, bool *ret_changed)
{
    struct turn turn = {.scope = scope, .at = at, .now = now};
    if (!scope_allows_all(scope, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    struct arena *mem = arena_new(sizeof(struct row) * 2 * (OPEN_MAX + NEW_MAX));
    map_init(&turn.by_key, OPEN_MAX + NEW_MAX, 0);
    enum err err = mem == NULL ? ERR_MEMORY : rows_load(&turn, mem);
    for (size_t i = 0; i < count && err == OK; i++) {
        err = findings_look(&turn, &list[i]);
    }
    if (err == OK) {
        err = fresh_tell(&turn);
    }
    if (err == OK) {
        err = rows_close(&turn);
    }
    map_done(&turn.by_key);
    arena_free(mem);
    if (err == OK) {
        *ret_changed = turn.changed;
    }
    return err;
}
