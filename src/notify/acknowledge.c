/*
 * Somebody has read it: by the one-time code of a message, or by a person who is signed in.
 *
 *     code     43 characters of base64url (32 random bytes), kept as SHA-256; seven days, once
 *     notice   acknowledged once, by the first of its codes or persons
 *
 * Always true: looking at a code changes nothing, since mail filters and previews follow links; a
 * notice is acknowledged at most once, and with that its chain is climbed no further.
 */

#include "base/limits.h"
#include "codec/crypto.h"
#include "notify/private.h"

#define CODE_SIZE  43 /* characters */
#define STEPS_MAX  1000
#define WHO_FORMAT "%.*s (%.*s)"

struct coded {
    struct notice_row notice;
    uint64_t number;
    struct str contact, name;
    enum language language;
    struct wall at;
    bool used, acknowledged;
};

/* ---- Codes. */

static enum err coded_take(struct statement *row, struct arena *mem, struct coded *ret)
{
    struct str told;
    struct str language = statement_text(row, 6);
    int64_t severity = statement_int(row, 4);
    *ret = (struct coded){
        .notice = {.id = (uint64_t)statement_int(row, 0),
                   .client = {(uint32_t)statement_int(row, 2)},
                   .subject = (uint64_t)statement_int(row, 3),
                   .severity =
                       severity >= 0 && severity < LEVEL_COUNT ? (enum level)severity : LEVEL_HIGH},
        .number = (uint64_t)statement_int(row, 1),
        .at = {statement_int(row, 5)},
        .used = !statement_is_null(row, 7),
        .acknowledged = !statement_is_null(row, 8),
    };
    enum err err = language_parse(language, &ret->language) == OK ? OK : ERR_CORRUPT;
    struct str *const texts[] = {&ret->contact, &ret->name, &ret->notice.purpose,
                                 &ret->notice.subject_kind, &told};
    for (int i = 0; i < 5 && err == OK; i++) {
        err = arena_copy(mem, statement_text(row, 9 + i), texts[i]);
    }
    return err == OK ? told_read(told, mem, &ret->notice.told) : err;
}

static enum err code_find(struct notify *notify, struct str code, struct wall now,
                          struct arena *mem, struct coded *ret)
{
    struct statement *statement;
    bool row;
    if (code.size != CODE_SIZE) {
        return ERR_NOT_FOUND;
    }
    struct sha256 hash = sha256_of_bytes(code);
    enum err err = LEDGER_QUERY(
        notify->ledger,
        "SELECT s.notice, s.number, n.client, n.subject, n.severity, s.at, s.language, s.code_used,"
        " n.acknowledged, s.contact, s.name, n.purpose, n.subject_kind, n.told"
        " FROM notice_step s JOIN notice n ON n.id = s.notice WHERE s.code = ?",
        &statement, BIND_BYTES(str_of(hash.bytes, SHA256_SIZE)));
    err = err == OK ? statement_step(statement, &row) : err;
    if (err == OK && !row) {
        return ERR_NOT_FOUND;
    }
    if (err == OK) {
        err = coded_take(statement, mem, ret);
        statement_reset(statement);
    }
    bool over = err == OK && now.ns - ret->at.ns > CODE_SECONDS * NS_PER_SECOND;
    return err == OK && (ret->used || over) ? ERR_NOT_FOUND : err;
}

static void view_fill(const struct coded *coded, struct acknowledge_view *ret)
{
    uint64_t number = 0;
    if (str_to_u64(told_get(&coded->notice.told, "number"), UINT32_MAX, &number) != OK) {
        number = 0; /* a notice of something that has none */
    }
    *ret = (struct acknowledge_view){
        .client = coded->notice.client,
        .incident =
            str_equal(coded->notice.subject_kind, STR(INCIDENT_KIND)) ? coded->notice.subject : 0,
        .number = (uint32_t)number,
        .type = told_type(&coded->notice.told, coded->language),
        .who = coded->name,
        .severity = coded->notice.severity,
        .language = coded->language,
    };
}

enum err notify_code(struct notify *notify, struct str code, struct wall now, struct arena *mem,
                     struct acknowledge_view *ret)
{
    struct coded coded;
    enum err err = code_find(notify, code, now, mem, &coded);
    if (err == OK) {
        view_fill(&coded, ret);
    }
    return err;
}

/* ---- Acknowledging. */

static enum err notice_acknowledged(const struct scope *scope, struct notify *notify,
                                    const struct notice_row *notice, struct str who,
                                    struct wall now)
{
    struct statement *statement;
    enum err err = LEDGER_QUERY(
        notify->ledger,
        "UPDATE notice SET acknowledged = ?, acknowledged_by = ?, next = NULL WHERE id = ?"
        " AND acknowledged IS NULL",
        &statement, BIND_INT(now.ns), BIND_TEXT(who), BIND_INT(notice->id));
    err = err == OK ? statement_run(statement) : err;
    if (err == OK) {
        err = notice_audit(scope, notify, notice, "notice.acknowledged", who, now);
    }
    return err;
}

static enum err code_use(const struct scope *scope, struct notify *notify,
                         const struct coded *coded, struct wall now)
{
    struct statement *statement;
    struct str who;
    enum err err = arena_print(notify->scratch, &who, WHO_FORMAT, STR_ARG(coded->contact),
                               STR_ARG(coded->name));
    if (err == OK) {
        err = LEDGER_QUERY(
            notify->ledger, "UPDATE notice_step SET code_used = ? WHERE notice = ? AND number = ?",
            &statement, BIND_INT(now.ns), BIND_INT(coded->notice.id), BIND_INT(coded->number));
    }
    err = err == OK ? statement_run(statement) : err;
    if (err == OK) {
        err = notice_acknowledged(scope, notify, &coded->notice, who, now);
    }
    if (err == OK && str_equal(coded->notice.subject_kind, STR(INCIDENT_KIND))) {
        err = incident_acknowledged(scope, notify->incidents, coded->notice.client,
                                    coded->notice.subject, who, now);
    }
    return err;
}

enum err notify_acknowledge(const struct scope *scope, struct notify *notify, struct str code,
                            struct wall now, struct arena *mem, struct acknowledge_view *ret)
{
    struct coded coded;
    bool alone = false;
    enum err err = code_find(notify, code, now, mem, &coded);
    if (err == OK && !scope_allows(scope, coded.notice.client, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    if (err == OK && coded.acknowledged) {
        return ERR_EXISTS;
    }
    err = err == OK ? bracket_begin(notify, &alone) : err;
    if (err != OK) {
        return err;
    }
    arena_reset(notify->scratch);
    err = bracket_end(notify, alone, code_use(scope, notify, &coded, now));
    if (err == OK) {
        view_fill(&coded, ret);
    }
    return err;
}

/* ---- By a person. */

static enum err open_notices(struct notify *notify, struct client_id client, uint64_t incident,
                             struct notice_row *list, size_t *ret_count)
{
    struct statement *statement;
    bool row = false;
    size_t count = 0;
    enum err err = LEDGER_QUERY(notify->ledger,
                                "SELECT id FROM notice WHERE client = ? AND subject_kind = ?"
                                " AND subject = ? AND acknowledge = 1 AND acknowledged IS NULL"
                                " ORDER BY id LIMIT ?",
                                &statement, BIND_INT(client.value), BIND_TEXT(STR(INCIDENT_KIND)),
                                BIND_INT(incident), BIND_INT(NOTICES_PER_TURN));
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        list[count++] = (struct notice_row){
            .id = (uint64_t)statement_int(statement, 0), .client = client, .subject = incident};
    }
    if (err == OK) {
        *ret_count = count;
    }
    return err;
}

static enum err incident_use(const struct scope *scope, struct notify *notify,
                             const struct incident_view *incident, struct str note, struct wall now,
                             struct why *why)
{
    struct notice_row list[NOTICES_PER_TURN];
    size_t count = 0;
    struct str who = scope_principal(scope);
    enum err err = open_notices(notify, incident->client, incident->id, list, &count);
    if (err == OK && count == 0) {
        return why_say(why, ERR_EXISTS, 0, "there is nothing left to acknowledge");
    }
    for (size_t i = 0; i < count && err == OK; i++) {
        err = notice_acknowledged(scope, notify, &list[i], who, now);
    }
    if (err == OK) {
        err = incident_acknowledged(scope, notify->incidents, incident->client, incident->id, who,
                                    now);
    }
    if (err == OK && note.size > 0) {
        err =
            incident_note(scope, notify->incidents,
                          (struct incident_at){incident->client, incident->number, now}, note, why);
    }
    return err;
}

enum err notify_acknowledge_incident(const struct scope *scope, struct notify *notify,
                                     struct client_id client, uint32_t number, struct str note,
                                     struct wall now, struct why *why)
{
    struct incident_view incident;
    bool alone = false;
    if (!scope_allows(scope, client, RIGHT_ACT) && !scope_allows(scope, client, RIGHT_DECIDE) &&
        !scope_allows(scope, client, RIGHT_WORK)) {
        return why_say(why, ERR_DENIED, 0, "this role acknowledges nothing");
    }
    arena_reset(notify->mem);
    arena_reset(notify->scratch);
    enum err err = incident_get(scope, notify->incidents, client, number, notify->mem, &incident);
    if (err != OK) {
        return why_say(why, err, 0, "there is no such incident");
    }
    err = bracket_begin(notify, &alone);
    if (err != OK) {
        return err;
    }
    return bracket_end(notify, alone, incident_use(scope, notify, &incident, note, now, why));
}

/* ---- What was done so far. */

static enum err step_view_take(struct statement *row, struct arena *mem,
                               struct notice_step_view *ret)
{
    bool message = !statement_is_null(row, 5);
    struct str state = statement_text(row, 10);
    struct str said = statement_text(row, message ? 11 : 9);
    if (!statement_is_null(row, 3)) {
        state = STR("acknowledged");
    } else if (!message) {
        state = STR("passed");
    }
    *ret = (struct notice_step_view){
        .notice = (uint64_t)statement_int(row, 0),
        .step = (uint32_t)statement_int(row, 1),
        .at = {statement_int(row, 2)},
        .ended = statement_is_null(row, 4) ? WALL_NONE : (struct wall){statement_int(row, 4)},
    };
    const struct str from[] = {statement_text(row, 12),
                               statement_text(row, 6),
                               statement_text(row, 7),
                               statement_text(row, 8),
                               state,
                               said};
    struct str *const to[] = {&ret->purpose, &ret->contact, &ret->means,
                              &ret->to,      &ret->state,   &ret->said};
    enum err err = OK;
    for (int i = 0; i < 6 && err == OK; i++) {
        err = arena_copy(mem, from[i], to[i]);
    }
    return err;
}

enum err notify_steps(const struct scope *scope, struct notify *notify, struct client_id client,
                      struct subject subject, struct arena *mem, struct notice_step_view **ret,
                      size_t *ret_count)
{
    struct statement *statement;
    bool row = false;
    size_t count = 0;
    if (!scope_allows(scope, client, RIGHT_INCIDENTS)) {
        return ERR_DENIED;
    }
    struct notice_step_view *list = ARENA_ARRAY(mem, struct notice_step_view, STEPS_MAX);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    enum err err = LEDGER_QUERY(
        notify->ledger,
        "SELECT s.notice, s.step, s.at, s.code_used, o.ended, s.message, s.contact, s.means,"
        " s.recipient, s.passed, o.state, o.said, n.purpose FROM notice n"
        " JOIN notice_step s ON s.notice = n.id LEFT JOIN outbox o ON o.id = s.message"
        " WHERE n.client = ? AND n.subject_kind = ? AND n.subject = ?"
        " ORDER BY s.at, s.notice, s.number LIMIT ?",
        &statement, BIND_INT(client.value), BIND_TEXT(str_from(subject.kind)), BIND_INT(subject.id),
        BIND_INT(STEPS_MAX));
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        err = step_view_take(statement, mem, &list[count++]);
    }
    if (err != OK && row) {
        statement_reset(statement);
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}
