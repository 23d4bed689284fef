/*
 * Notices and messages, as rows.
 *
 *     notice   wanted → climbed by notify/ … → acknowledged | settled | unanswered
 *     message  waiting → sent | failed, with a wait between tries: 15 s, 30 s, 1 min … 15 min
 *
 * Always true:
 *
 *   (1) A message that was put stays `waiting`, with a moment at which it is tried again, until the
 *       world outside has taken it or refused it for good, or two days are over.  Reading what is
 *       due changes nothing: if the process ends between handing over and outbox_ended, the message
 *       is handed over again, with the same identity and the same bytes.
 *   (2) What has ended never changes again.  An answer to a try that was made twice comes late and
 *       is passed over.
 *   (3) Texts in these rows are UTF-8 without NUL: what came from outside is mended on the way in.
 *
 * Whose turn it is to hear, and what they are told, is chosen above, in notify/.
 */

#include "service/outbox.h"

#include <string.h>

#include "base/limits.h"
#include "codec/json_text.h"
#include "codec/utf8.h"
#include "ledger/ledger.h"

#define LIST_COUNT_MAX 1000 /* Messages of one notice or client that are shown. */
#define DUE_COUNT_MAX  1000

static enum err one_number(struct statement *statement, bool *ret_row, int64_t *ret);
static enum err values_print(const struct notice *notice, struct buf *out);
static enum err text_mend(struct str text, size_t size_max, struct buf *out);

static const char *const kinds[OUTBOX_KIND_COUNT] = {"mail", "webhook"};

/* ---- Notices. */

static bool may_want(const struct scope *scope, struct client_id client)
{
    return scope_allows(scope, client, RIGHT_SERVE) || scope_allows(scope, client, RIGHT_WORK) ||
           scope_allows(scope, client, RIGHT_ACT) || scope_allows(scope, client, RIGHT_DECIDE);
}

static enum err notice_find(struct ledger *ledger, const struct notice *notice, struct str key,
                            bool *ret_row, int64_t *ret)
{
    struct statement *statement;
    enum err err = LEDGER_QUERY(
        ledger,
        "SELECT id FROM notice WHERE client = ? AND subject_kind = ?"
        " AND subject = ? AND purpose = ? AND key = ?",
        &statement, BIND_INT(notice->client.value), BIND_TEXT(str_from(notice->subject.kind)),
        BIND_INT(notice->subject.id), BIND_TEXT(notice->purpose), BIND_TEXT(key));
    return err == OK ? one_number(statement, ret_row, ret) : err;
}

static enum err notice_insert(struct ledger *ledger, const struct notice *notice, struct str key,
                              struct str told, struct wall now)
{
    struct statement *statement;
    enum err err = LEDGER_QUERY(
        ledger,
        "INSERT INTO notice (client, subject_kind, subject, purpose, key, chain, severity,"
        " acknowledge, told, created, next, climbed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
        &statement, BIND_INT(notice->client.value), BIND_TEXT(str_from(notice->subject.kind)),
        BIND_INT(notice->subject.id), BIND_TEXT(notice->purpose), BIND_TEXT(key),
        BIND_TEXT(notice->chain), BIND_INT(notice->severity), BIND_INT(notice->acknowledge ? 1 : 0),
        BIND_TEXT(told), BIND_INT(now.ns), BIND_INT(now.ns));
    return err == OK ? statement_run(statement) : err;
}

enum err notice_want(const struct scope *scope, struct ledger *ledger, const struct notice *notice,
                     struct str key, struct wall now, uint64_t *ret_id)
{
    bool there = false;
    int64_t id = 0;
    struct buf told;
    if (!may_want(scope, notice->client)) {
        return ERR_DENIED;
    }
    if (notice->values_count > NOTICE_VALUES_MAX || notice->subject.id > INT64_MAX) {
        return ERR_LIMIT;
    }
    enum err err = notice_find(ledger, notice, key, &there, &id);
    if (err == OK && !there) {
        buf_init(&told, (size_t)NOTICE_VALUES_MAX * 8 * NOTICE_VALUE_SIZE_MAX);
        err = values_print(notice, &told);
        if (err == OK) {
            err = notice_insert(ledger, notice, key, buf_str(&told), now);
        }
        if (err == OK) {
            err = notice_find(ledger, notice, key, &there, &id);
        }
        buf_done(&told);
    }
    if (err == OK && ret_id != NULL) {
        *ret_id = (uint64_t)id;
    }
    return err;
}

enum err notice_settle(const struct scope *scope, struct ledger *ledger, struct client_id client,
                       struct subject subject, struct str purpose, struct wall now)
{
    struct statement *statement;
    if (!may_want(scope, client)) {
        return ERR_DENIED;
    }
    enum err err = LEDGER_QUERY(
        ledger,
        "UPDATE notice SET settled = ?, next = NULL WHERE client = ? AND subject_kind = ?"
        " AND subject = ? AND purpose = ? AND settled IS NULL",
        &statement, BIND_INT(now.ns), BIND_INT(client.value), BIND_TEXT(str_from(subject.kind)),
        BIND_INT(subject.id), BIND_TEXT(purpose));
    return err == OK ? statement_run(statement) : err;
}

/* ---- Messages. */

enum err outbox_put(const struct scope *scope, struct ledger *ledger,
                    const struct outbox_message *message, struct wall now, uint64_t *ret_id)
{
    struct statement *statement;
    bool row = false;
    int64_t id = 0;
    if (!scope_allows(scope, message->client, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    if (message->body.size > OUTBOX_BODY_SIZE_MAX || message->notice > INT64_MAX) {
        return ERR_LIMIT;
    }
    enum err err = LEDGER_QUERY(
        ledger,
        "INSERT INTO outbox (client, notice, kind, contact, recipient, identity, body, signing,"
        " tries, next, created, state, said) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, 'waiting',"
        " '')",
        &statement, BIND_INT(message->client.value),
        message->notice == 0 ? BIND_NULL : BIND_INT(message->notice),
        BIND_TEXT(str_from(kinds[message->kind])), BIND_TEXT(message->contact),
        BIND_TEXT(message->to), BIND_TEXT(message->identity), BIND_TEXT(message->body),
        BIND_TEXT(message->signing), BIND_INT(now.ns), BIND_INT(now.ns));
    err = err == OK ? statement_run(statement) : err;
    if (err == OK) {
        err = LEDGER_QUERY(ledger, "SELECT id FROM outbox WHERE identity = ?", &statement,
                           BIND_TEXT(message->identity));
    }
    err = err == OK ? one_number(statement, &row, &id) : err;
    if (err == OK && ret_id != NULL) {
        *ret_id = (uint64_t)id;
    }
    return err;
}

static enum err kind_parse(struct str text, enum outbox_kind *ret)
{
    for (int i = 0; i < OUTBOX_KIND_COUNT; i++) {
        if (str_equal(text, str_from(kinds[i]))) {
            *ret = (enum outbox_kind)i;
            return OK;
        }
    }
    return ERR_CORRUPT;
}

static enum err message_take(struct statement *row, struct arena *mem, struct outbox_message *ret)
{
    *ret = (struct outbox_message){
        .id = (uint64_t)statement_int(row, 0),
        .client = {(uint32_t)statement_int(row, 1)},
        .notice = (uint64_t)statement_int(row, 2),
        .tries = (uint32_t)statement_int(row, 3),
        .next = {statement_int(row, 4)},
    };
    struct str *const texts[] = {&ret->contact, &ret->to, &ret->identity, &ret->body,
                                 &ret->signing};
    enum err err = kind_parse(statement_text(row, 5), &ret->kind);
    for (int i = 0; i < 5 && err == OK; i++) {
        err = arena_copy(mem, statement_text(row, 6 + i), texts[i]);
    }
    return err;
}

/* When to come again; more: some that are due did not fit into the list. */
static enum err due_next(struct ledger *ledger, struct wall now, bool more, struct wall *ret)
{
    struct statement *statement;
    bool row = false;
    int64_t next = 0;
    if (more) {
        *ret = now;
        return OK;
    }
    enum err err =
        LEDGER_QUERY(ledger, "SELECT next FROM outbox WHERE next > ? ORDER BY next LIMIT 1",
                     &statement, BIND_INT(now.ns));
    err = err == OK ? one_number(statement, &row, &next) : err;
    if (err == OK) {
        *ret = row ? (struct wall){next} : WALL_NONE;
    }
    return err;
}

#define DUE_COLUMNS                                                                            \
    "o.id AS id, o.client, COALESCE(o.notice, 0), o.tries, o.next AS next, o.kind, o.contact," \
    " o.recipient, o.identity, o.body, o.signing"
/* Each client's oldest of one kind, by an index of their own. */
#define DUE_OF_KIND(kind)                                                                      \
    "SELECT " DUE_COLUMNS " FROM client c JOIN outbox o ON o.id IN (SELECT i.id FROM outbox i" \
    " WHERE i.client = c.id AND i.kind = '" kind "' AND i.next <= ?"                           \
    " ORDER BY i.next, i.id LIMIT ?)"

enum err outbox_due(const struct scope *scope, struct ledger *ledger, struct wall now,
                    size_t count_max, size_t share_max, struct arena *mem,
                    struct outbox_message **ret, size_t *ret_count, struct wall *ret_next)
{
    struct statement *statement;
    bool row = false;
    size_t count = 0;
    if (!scope_allows_all(scope, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    size_t room = count_max < DUE_COUNT_MAX ? count_max : DUE_COUNT_MAX;
    struct outbox_message *list = ARENA_ARRAY(mem, struct outbox_message, room);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    size_t share = share_max < DUE_COUNT_MAX ? share_max : DUE_COUNT_MAX;
    enum err err = LEDGER_QUERY(
        ledger,
        DUE_OF_KIND("mail") " UNION ALL " DUE_OF_KIND("webhook") " ORDER BY next, id LIMIT ?",
        &statement, BIND_INT(now.ns), BIND_INT(share), BIND_INT(now.ns), BIND_INT(share),
        BIND_INT(room + 1));
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row || count == room) {
            break;
        }
        err = message_take(statement, mem, &list[count++]);
    }
    if (row) {
        statement_reset(statement);
    }
    if (err == OK) {
        err = due_next(ledger, now, row, ret_next);
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}

/* 15 s after the first failure, twice that after each further one. */
static int64_t retry_ns(int64_t tries)
{
    int64_t seconds = OUTBOX_RETRY_SECONDS;
    for (int64_t i = 1; i < tries && seconds < OUTBOX_RETRY_SECONDS_MAX; i++) {
        seconds *= 2;
    }
    return (seconds < OUTBOX_RETRY_SECONDS_MAX ? seconds : OUTBOX_RETRY_SECONDS_MAX) *
           NS_PER_SECOND;
}

struct waiting {
    struct client_id client;
    int64_t tries, created;
    bool ended;
};

static enum err waiting_get(struct ledger *ledger, uint64_t id, struct waiting *ret)
{
    struct statement *statement;
    bool row;
    enum err err = LEDGER_QUERY(ledger,
                                "SELECT client, tries, created, state <> 'waiting' FROM outbox"
                                " WHERE id = ?",
                                &statement, BIND_INT(id));
    err = err == OK ? statement_step(statement, &row) : err;
    if (err == OK && !row) {
        return ERR_NOT_FOUND;
    }
    if (err == OK) {
        *ret = (struct waiting){
            .client = {(uint32_t)statement_int(statement, 0)},
            .tries = statement_int(statement, 1) + 1,
            .created = statement_int(statement, 2),
            .ended = statement_int(statement, 3) != 0,
        };
        statement_reset(statement);
    }
    return err;
}

static enum err waiting_put(struct ledger *ledger, uint64_t id, const struct waiting *waiting,
                            enum outbox_end end, struct str said, struct wall now)
{
    struct statement *statement;
    int64_t next = now.ns + retry_ns(waiting->tries);
    if (end == OUTBOX_LATER && next > waiting->created + OUTBOX_SECONDS_MAX * NS_PER_SECOND) {
        end = OUTBOX_FAILED;
    }
    bool later = end == OUTBOX_LATER;
    struct str state = later ? STR("waiting") : end == OUTBOX_SENT ? STR("sent") : STR("failed");
    enum err err = LEDGER_QUERY(
        ledger,
        "UPDATE outbox SET tries = ?, state = ?, next = ?, ended = ?, said = ? WHERE id = ?",
        &statement, BIND_INT(waiting->tries), BIND_TEXT(state), later ? BIND_INT(next) : BIND_NULL,
        later ? BIND_NULL : BIND_INT(now.ns), BIND_TEXT(said), BIND_INT(id));
    return err == OK ? statement_run(statement) : err;
}

enum err outbox_state(const struct scope *scope, struct ledger *ledger, struct wall now,
                      struct outbox_state *ret)
{
    struct statement *statement;
    bool row = false;
    if (!scope_allows_all(scope, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    enum err err =
        LEDGER_QUERY(ledger,
                     "SELECT (SELECT count(*) FROM outbox WHERE next IS NOT NULL),"
                     " (SELECT min(created) FROM outbox WHERE next IS NOT NULL),"
                     " (SELECT count(*) FROM outbox WHERE state = 'failed' AND ended > ?)",
                     &statement, BIND_INT(now.ns - 24 * 3600 * NS_PER_SECOND));
    err = err == OK ? statement_step(statement, &row) : err;
    if (err != OK) {
        return err;
    }
    *ret = (struct outbox_state){
        .waiting = (uint64_t)statement_int(statement, 0),
        .oldest = statement_is_null(statement, 1) ? WALL_NONE
                                                  : (struct wall){statement_int(statement, 1)},
        .failed = (uint64_t)statement_int(statement, 2),
    };
    statement_reset(statement);
    return OK;
}

enum err outbox_ended(const struct scope *scope, struct ledger *ledger, uint64_t id,
                      enum outbox_end end, struct str said, struct wall now)
{
    struct waiting waiting;
    struct buf mended;
    if (id > INT64_MAX) {
        return ERR_NOT_FOUND;
    }
    enum err err = waiting_get(ledger, id, &waiting);
    if (err == OK && !scope_allows(scope, waiting.client, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    if (err != OK || waiting.ended) {
        return err;
    }
    buf_init(&mended, 4 * (size_t)OUTBOX_SAID_SIZE_MAX);
    err = text_mend(said, OUTBOX_SAID_SIZE_MAX, &mended);
    if (err == OK) {
        err = waiting_put(ledger, id, &waiting, end, buf_str(&mended), now);
    }
    buf_done(&mended);
    return err;
}

static enum err view_take(struct statement *row, struct arena *mem, struct outbox_view *ret)
{
    *ret = (struct outbox_view){
        .id = (uint64_t)statement_int(row, 0),
        .notice = (uint64_t)statement_int(row, 1),
        .tries = (uint32_t)statement_int(row, 2),
        .created = {statement_int(row, 3)},
        .ended = statement_is_null(row, 4) ? WALL_NONE : (struct wall){statement_int(row, 4)},
    };
    struct str *const texts[] = {&ret->contact, &ret->to, &ret->state, &ret->said};
    enum err err = kind_parse(statement_text(row, 5), &ret->kind);
    for (int i = 0; i < 4 && err == OK; i++) {
        err = arena_copy(mem, statement_text(row, 6 + i), texts[i]);
    }
    return err;
}

enum err outbox_list(const struct scope *scope, struct ledger *ledger, struct client_id client,
                     uint64_t notice, struct arena *mem, struct outbox_view **ret,
                     size_t *ret_count)
{
    struct statement *statement;
    bool row = false;
    size_t count = 0;
    if (!scope_allows(scope, client, RIGHT_INCIDENTS) &&
        !scope_allows(scope, client, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    struct outbox_view *list = ARENA_ARRAY(mem, struct outbox_view, LIST_COUNT_MAX);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    enum err err = LEDGER_QUERY(ledger,
                                "SELECT id, COALESCE(notice, 0), tries, created, ended, kind,"
                                " contact, recipient, state, said FROM outbox WHERE client = ?"
                                " AND (? = 0 OR notice = ?) ORDER BY id DESC LIMIT ?",
                                &statement, BIND_INT(client.value), BIND_INT(notice),
                                BIND_INT(notice), BIND_INT(LIST_COUNT_MAX));
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        err = view_take(statement, mem, &list[count++]);
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

/* ---- Rows and texts. */

static enum err one_number(struct statement *statement, bool *ret_row, int64_t *ret)
{
    bool row;
    enum err err = statement_step(statement, &row);
    if (err == OK && row) {
        *ret = statement_int(statement, 0);
        statement_reset(statement);
    }
    if (err == OK) {
        *ret_row = row;
    }
    return err;
}

/* A flat JSON object; json_print mends what is not UTF-8. */
static enum err values_print(const struct notice *notice, struct buf *out)
{
    enum err err = buf_append_byte(out, '{');
    for (size_t i = 0; i < notice->values_count && err == OK; i++) {
        const struct notice_value *value = &notice->values[i];
        err = i > 0 ? buf_append_byte(out, ',') : OK;
        if (err == OK) {
            err = json_print(out, value->name);
        }
        if (err == OK) {
            err = buf_append_byte(out, ':');
        }
        if (err == OK) {
            err = json_print(out, str_slice(value->text, 0, NOTICE_VALUE_SIZE_MAX));
        }
    }
    return err == OK ? buf_append_byte(out, '}') : err;
}

/* UTF-8 in one line; anything else becomes '?'. */
static enum err text_mend(struct str text, size_t size_max, struct buf *out)
{
    enum err err = OK;
    while (text.size > 0 && err == OK) {
        size_t size = utf8_sequence(text);
        bool good =
            size > 1 || (size == 1 && (unsigned char)text.data[0] >= ' ' && text.data[0] != 0x7f);
        if (out->size + (good ? size : 1) > size_max) {
            break;
        }
        err = good ? buf_append(out, str_slice(text, 0, size)) : buf_append_byte(out, '?');
        text = str_slice(text, size > 0 ? size : 1, SIZE_MAX);
    }
    return err;
}
