/*
 * Chains are climbed, and what came of each message is noted.
 *
 *     wanted ─► step 1 ─► wait ─► step 2 ─► … ─► last ─► wait ─► step 1 … at most ROUNDS_MAX rounds
 *                 │ acknowledged, settled: ends        │ then: unanswered: lines of the audit trail
 *                                                        and of the incident's history, and the
 *                                                        provider's people are told
 *
 *     a notice that nobody has to acknowledge ends with the first step that reached anybody
 *     a step that reaches nobody does not wait, nor does one whose messages all failed for good
 *     a chain that reaches nobody gives way to the client's responsible persons
 *
 * Always true:
 *
 *   (1) `climbed`, the rows of a step and its messages change in one transaction; whatever happens
 *       to the process, a step is taken once.
 *   (2) A notice that waits has a moment in `next`.  One without is acknowledged, settled,
 *       unanswered, or asked for no answer.
 *   (3) A notice that cannot be told (its own row makes no sense) becomes unanswered, with an audit
 *       line, and does not hold up the others.
 */

#include "notify/notify.h"

#include <stdlib.h>

#include "notify/private.h"

#define SETTING_SIZE_MAX 1024

static enum err notice_turn(const struct scope *scope, struct notify *notify,
                            const struct notice_row *notice, struct wall now);

/* ---- A life. */

static enum err settings_keep(struct notify *notify, const struct notify_settings *settings)
{
    struct str portal = settings->portal;
    if (!text_is_mailbox(settings->sender)) {
        return ERR_SYNTAX;
    }
    while (str_ends(portal, STR("/"))) {
        portal.size--;
    }
    enum err err = buf_append(&notify->portal, portal);
    return err == OK ? buf_append(&notify->sender, settings->sender) : err;
}

enum err notify_new(struct ledger *ledger, struct tenant *tenant, struct service *service,
                    struct incidents *incidents, const struct notify_settings *settings,
                    struct notify **ret)
{
    struct notify *notify = calloc(1, sizeof *notify);
    if (notify == NULL) {
        return ERR_MEMORY;
    }
    notify->ledger = ledger;
    notify->tenant = tenant;
    notify->service = service;
    notify->incidents = incidents;
    notify->mem = arena_new(NOTIFY_MEMORY_MAX);
    notify->scratch = arena_new(NOTIFY_MEMORY_MAX);
    buf_init(&notify->portal, SETTING_SIZE_MAX);
    buf_init(&notify->sender, SETTING_SIZE_MAX);
    enum err err = notify->mem != NULL && notify->scratch != NULL ? OK : ERR_MEMORY;
    err = err == OK ? settings_keep(notify, settings) : err;
    err = err == OK ? zones_new(settings->zoneinfo, &notify->zones) : err;
    if (err != OK) {
        notify_free(notify);
        return err;
    }
    *ret = notify;
    return OK;
}

void notify_free(struct notify *notify)
{
    if (notify == NULL) {
        return;
    }
    zones_free(notify->zones);
    buf_done(&notify->portal);
    buf_done(&notify->sender);
    arena_free(notify->mem);
    arena_free(notify->scratch);
    free(notify);
}

enum err bracket_begin(struct notify *notify, bool *ret_alone)
{
    bool alone = !ledger_in_transaction(notify->ledger);
    enum err err = alone ? ledger_begin(notify->ledger) : OK;
    if (err == OK) {
        *ret_alone = alone;
    }
    return err;
}

enum err bracket_end(struct notify *notify, bool alone, enum err err)
{
    if (alone) {
        err = err == OK ? ledger_commit(notify->ledger) : err;
        ledger_rollback(notify->ledger);
    }
    return err;
}

enum err notice_audit(const struct scope *scope, struct notify *notify,
                      const struct notice_row *notice, const char *action, struct str detail,
                      struct wall now)
{
    struct str object;
    enum err err = arena_print(notify->scratch, &object, "client/%u/notice/%llu",
                               (unsigned)notice->client.value, (unsigned long long)notice->id);
    return err == OK ? ledger_audit(notify->ledger, now.ns, notice->client.value,
                                    scope_principal(scope), str_from(action), object, detail)
                     : err;
}

/* ---- A turn. */

static enum err row_take(struct statement *row, struct arena *mem, struct notice_row *ret,
                         struct str *ret_told)
{
    int64_t severity = statement_int(row, 3);
    *ret = (struct notice_row){
        .id = (uint64_t)statement_int(row, 0),
        .client = {(uint32_t)statement_int(row, 1)},
        .subject = (uint64_t)statement_int(row, 2),
        .severity = severity >= 0 && severity < LEVEL_COUNT ? (enum level)severity : LEVEL_HIGH,
        .acknowledge = statement_int(row, 4) != 0,
        .climbed = (uint64_t)statement_int(row, 5),
    };
    struct str *const texts[] = {&ret->purpose, &ret->subject_kind, &ret->chain, ret_told};
    enum err err = OK;
    for (int i = 0; i < 4 && err == OK; i++) {
        err = arena_copy(mem, statement_text(row, 6 + i), texts[i]);
    }
    return err;
}

static enum err due_list(struct notify *notify, struct wall now, struct notice_row *list,
                         struct str *told, size_t *ret_count)
{
    struct statement *statement;
    bool row = false;
    size_t count = 0;
    enum err err =
        LEDGER_QUERY(notify->ledger,
                     "SELECT id, client, subject, severity, acknowledge, climbed, purpose,"
                     " subject_kind, chain, told FROM notice WHERE next <= ?"
                     " ORDER BY next, id LIMIT ?",
                     &statement, BIND_INT(now.ns), BIND_INT(NOTICES_PER_TURN));
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        err = row_take(statement, notify->mem, &list[count], &told[count]);
        count++;
    }
    if (err != OK && row) {
        statement_reset(statement);
    }
    if (err == OK) {
        *ret_count = count;
    }
    return err;
}

static enum err next_of(struct notify *notify, struct wall *ret)
{
    struct statement *statement;
    bool row;
    enum err err = ledger_prepare(
        notify->ledger, "SELECT next FROM notice WHERE next IS NOT NULL ORDER BY next LIMIT 1",
        &statement);
    err = err == OK ? statement_step(statement, &row) : err;
    if (err == OK) {
        *ret = row ? (struct wall){statement_int(statement, 0)} : WALL_NONE;
        statement_reset(statement);
    }
    return err;
}

enum err notify_turn(const struct scope *scope, struct notify *notify, struct wall now,
                     struct wall *ret_next)
{
    struct wall next = WALL_NONE;
    bool alone = false;
    size_t count = 0;
    if (!scope_allows_all(scope, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    arena_reset(notify->mem);
    notify->written = 0;
    struct notice_row *list = ARENA_ARRAY(notify->mem, struct notice_row, NOTICES_PER_TURN);
    struct str *told = ARENA_ARRAY(notify->mem, struct str, NOTICES_PER_TURN);
    if (list == NULL || told == NULL) {
        return ERR_MEMORY;
    }
    enum err err = bracket_begin(notify, &alone);
    if (err != OK) {
        return err;
    }
    err = due_list(notify, now, list, told, &count);
    for (size_t i = 0; i < count && err == OK && notify->written < MESSAGES_PER_TURN; i++) {
        arena_reset(notify->scratch);
        err = told_read(told[i], notify->scratch, &list[i].told);
        if (err == ERR_CORRUPT) { /* told in general words: somebody hears all the same */
            list[i].told = (struct told){0};
            err = OK;
        }
        err = err == OK ? notice_turn(scope, notify, &list[i], now) : err;
    }
    err = err == OK ? next_of(notify, &next) : err;
    err = bracket_end(notify, alone, err);
    if (err == OK) {
        *ret_next = next;
    }
    return err;
}

static enum err notice_climb(struct notify *notify, const struct notice_row *notice,
                             struct wall next)
{
    struct statement *statement;
    enum err err = LEDGER_QUERY(
        notify->ledger, "UPDATE notice SET climbed = ?, next = ? WHERE id = ?", &statement,
        BIND_INT(notice->climbed + 1), BIND_WALL(next), BIND_INT(notice->id));
    return err == OK ? statement_run(statement) : err;
}

static enum err notice_give_up(const struct scope *scope, struct notify *notify,
                               const struct notice_row *notice, struct str detail, struct wall now)
{
    struct statement *statement;
    enum err err =
        LEDGER_QUERY(notify->ledger, "UPDATE notice SET unanswered = ?, next = NULL WHERE id = ?",
                     &statement, BIND_INT(now.ns), BIND_INT(notice->id));
    err = err == OK ? statement_run(statement) : err;
    err = err == OK ? notice_audit(scope, notify, notice, "notice.unanswered", detail, now) : err;
    bool again = str_equal(notice->purpose, STR("notice-unanswered"));
    if (err != OK || again || !str_equal(notice->subject_kind, STR("incident"))) {
        return err;
    }
    err = incident_unanswered(scope, notify->incidents, notice->client, notice->subject,
                              notice->purpose, now);
    return err == ERR_NOT_FOUND ? OK : err; /* a notice of an incident that is not there */
}

/* One step.  *ret_done: the notice needs no other one now. */
static enum err notice_step(const struct scope *scope, struct notify *notify,
                            const struct notice_row *notice, struct wall now, bool *ret_done)
{
    struct hearers hearers;
    uint64_t messages = 0;
    size_t sent = 0;
    *ret_done = true;
    enum err err = notice_messages(notify, notice, &messages);
    err = err == OK ? chain_hearers(scope, notify, notice, now, &hearers) : err;
    if (err == OK && messages == 0 && notice->climbed >= hearers.steps) {
        err = chain_fallback(notify, notice, now, &hearers);
    } else if (err == OK && notice->climbed >= hearers.steps * ROUNDS_MAX) {
        return notice_give_up(scope, notify, notice, STR("nobody has acknowledged"), now);
    }
    if (err == OK && hearers.fallback && hearers.count == 0) {
        return notice_give_up(scope, notify, notice, STR("there is nobody to be told"), now);
    }
    err = err == OK ? step_take(scope, notify, notice, &hearers, now, &sent) : err;
    if (err == OK && hearers.fallback && sent > 0) {
        err = notice_audit(scope, notify, notice, "notice.no-chain",
                           STR("told to the responsible persons directly"), now);
    }
    if (err != OK) {
        return err;
    }
    bool ends = !notice->acknowledge && sent > 0;
    *ret_done = sent > 0;
    return notice_climb(notify, notice,
                        ends ? WALL_NONE : (struct wall){now.ns + hearers.wait_ms * NS_PER_MS});
}

static enum err notice_next(struct notify *notify, uint64_t notice, struct wall next)
{
    struct statement *statement;
    enum err err = LEDGER_QUERY(notify->ledger, "UPDATE notice SET next = ? WHERE id = ?",
                                &statement, BIND_INT(next.ns), BIND_INT(notice));
    return err == OK ? statement_run(statement) : err;
}

static enum err notice_turn(const struct scope *scope, struct notify *notify,
                            const struct notice_row *notice, struct wall now)
{
    struct notice_row at = *notice;
    bool done = false;
    enum err err = OK;
    for (int i = 0; i < STEPS_PER_TURN && !done && err == OK; i++) {
        err = notice_step(scope, notify, &at, now, &done);
        at.climbed++;
    }
    if (err == OK && !done) { /* a step that reaches nobody does not wait */
        err = notice_next(notify, notice->id, now);
    }
    if (err == ERR_LIMIT || err == ERR_NOT_FOUND || err == ERR_SYNTAX) {
        err = notice_give_up(scope, notify, notice, str_from(err_text(err)), now);
    }
    return err;
}

/* ---- What came of a message. */

struct ended {
    struct notice_row notice;
    bool sent, failed, climbs;
    uint64_t sent_count; /* of the notice's messages */
    uint64_t open_count; /* of the same step: not failed */
};

static enum err ended_get(struct notify *notify, uint64_t message, bool *ret_row, struct ended *ret)
{
    struct statement *statement;
    bool row;
    enum err err =
        LEDGER_QUERY(notify->ledger,
                     "SELECT n.id, n.client, n.subject, n.purpose, n.subject_kind, m.state, n.next,"
                     " (SELECT COUNT(*) FROM outbox o WHERE o.client = n.client AND o.notice = n.id"
                     "  AND o.state = 'sent'),"
                     " (SELECT COUNT(*) FROM notice_step s JOIN outbox o ON o.id = s.message"
                     "  WHERE s.notice = n.id AND s.step = n.climbed AND o.state <> 'failed')"
                     " FROM outbox m JOIN notice n ON n.id = m.notice WHERE m.id = ?",
                     &statement, BIND_INT(message));
    err = err == OK ? statement_step(statement, &row) : err;
    if (err != OK || !row) {
        *ret_row = false;
        return err;
    }
    *ret = (struct ended){
        .notice = {.id = (uint64_t)statement_int(statement, 0),
                   .client = {(uint32_t)statement_int(statement, 1)},
                   .subject = (uint64_t)statement_int(statement, 2)},
        .sent = str_equal(statement_text(statement, 5), STR("sent")),
        .failed = str_equal(statement_text(statement, 5), STR("failed")),
        .climbs = !statement_is_null(statement, 6),
        .sent_count = (uint64_t)statement_int(statement, 7),
        .open_count = (uint64_t)statement_int(statement, 8),
    };
    err = arena_copy(notify->scratch, statement_text(statement, 3), &ret->notice.purpose);
    if (err == OK) {
        err = arena_copy(notify->scratch, statement_text(statement, 4), &ret->notice.subject_kind);
    }
    statement_reset(statement);
    *ret_row = true;
    return err;
}

static enum err ended_follow(const struct scope *scope, struct notify *notify, uint64_t message,
                             struct wall now)
{
    struct ended ended;
    bool row = false;
    enum err err = ended_get(notify, message, &row, &ended);
    if (err != OK || !row) {
        return err;
    }
    if (ended.sent && ended.sent_count == 1 &&
        (str_equal(ended.notice.purpose, STR("incident-opened")) ||
         str_equal(ended.notice.purpose, STR("incident-reported"))) &&
        str_equal(ended.notice.subject_kind, STR("incident"))) {
        return incident_notified(scope, notify->incidents, ended.notice.client,
                                 ended.notice.subject, now);
    }
    if (ended.failed && ended.climbs && ended.open_count == 0) {
        return notice_next(notify, ended.notice.id, now);
    }
    return OK;
}

enum err notify_ended(const struct scope *scope, struct notify *notify, uint64_t message,
                      enum outbox_end end, struct str said, struct wall now)
{
    bool alone = false;
    enum err err = bracket_begin(notify, &alone);
    if (err != OK) {
        return err;
    }
    arena_reset(notify->scratch);
    err = outbox_ended(scope, notify->ledger, message, end, said, now);
    err = err == OK ? ended_follow(scope, notify, message, now) : err;
    return bracket_end(notify, alone, err);
}
