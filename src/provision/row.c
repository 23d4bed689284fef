/*
 * A request's row, read back whole, and the line of history that goes with each change of it.
 *
 * Always true: a row is read with the same columns everywhere; words in it are of the tables below
 * or the row is damaged (ERR_CORRUPT); a change and its step are one transaction.
 */

#include "provision/private.h"

static const char *const states[PROVISION_STATE_COUNT] = {
    [PROVISION_WAITING] = "waiting-approval",
    [PROVISION_REFUSED] = "refused",
    [PROVISION_CANCELLED] = "cancelled",
    [PROVISION_PREPARING] = "preparing",
    [PROVISION_READY] = "ready",
    [PROVISION_DELIVERED] = "delivered",
    [PROVISION_EXPIRED] = "expired",
    [PROVISION_FAILED] = "failed",
};
static const char *const formats[PROVISION_FORMAT_COUNT] = {"raw", "ndjson", "csv"};

const char *provision_state_text(enum provision_state state)
{
    return states[state];
}

const char *provision_format_text(enum provision_format format)
{
    return formats[format];
}

static enum err word_parse(struct str text, const char *const *words, size_t count, size_t *ret)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(text, str_from(words[i]))) {
            *ret = i;
            return OK;
        }
    }
    return ERR_SYNTAX;
}

enum err provision_format_parse(struct str text, enum provision_format *ret)
{
    size_t at;
    enum err err = word_parse(text, formats, PROVISION_FORMAT_COUNT, &at);
    if (err == OK) {
        *ret = (enum provision_format)at;
    }
    return err;
}

static struct wall time_take(struct statement *row, int at)
{
    return statement_is_null(row, at) ? WALL_NONE : (struct wall){statement_int(row, at)};
}

enum err row_take(struct statement *row, struct arena *mem, struct provision *ret)
{
    size_t state = 0;
    struct provision taken = {
        .id = (uint64_t)statement_int(row, 0),
        .client = {(uint32_t)statement_int(row, 1)},
        .asked = {statement_int(row, 3)},
        .asked_side = (enum side)statement_int(row, 5),
        .person = (uint32_t)statement_int(row, 6),
        .from = {statement_int(row, 7)},
        .to = {statement_int(row, 8)},
        .proof = statement_int(row, 12) != 0,
        .approved = time_take(row, 15),
        .made = time_take(row, 17),
        .expires = time_take(row, 18),
        .size = (uint64_t)statement_int(row, 20),
        .events = (uint64_t)statement_int(row, 22),
        .downloads = (uint64_t)statement_int(row, 24),
        .offboarding = (uint64_t)statement_int(row, 25),
    };
    enum err err = word_parse(statement_text(row, 2), states, PROVISION_STATE_COUNT, &state);
    taken.state = (enum provision_state)state;
    err = err == OK ? provision_format_parse(statement_text(row, 11), &taken.format) : err;
    err = err == OK ? language_parse(statement_text(row, 13), &taken.language) : err;
    if (err != OK || taken.asked_side > SIDE_INSTALLATION) {
        return ERR_CORRUPT;
    }
    const struct {
        int at;
        struct str *to;
    } texts[] = {
        {4, &taken.asked_by},     {9, &taken.sources}, {10, &taken.query},  {14, &taken.purpose},
        {16, &taken.approved_by}, {19, &taken.file},   {21, &taken.sha256}, {23, &taken.failure},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts && err == OK; i++) {
        err = arena_copy(mem, statement_text(row, texts[i].at), texts[i].to);
    }
    if (err == OK) {
        *ret = taken;
    }
    return err;
}

enum err row_get(struct ledger *ledger, uint64_t id, struct arena *mem, struct provision *ret)
{
    struct statement *statement;
    bool there = false;
    enum err err = LEDGER_QUERY(ledger, "SELECT " PROVISION_COLUMNS " FROM provision WHERE id = ?",
                                &statement, BIND_INT(id));
    err = err == OK ? statement_step(statement, &there) : err;
    if (err == OK && there) {
        err = row_take(statement, mem, ret);
        statement_reset(statement);
    }
    return err == OK && !there ? ERR_NOT_FOUND : err;
}

enum err step_add(struct ledger *ledger, const struct provision *provision, struct str who,
                  const char *what, struct str note, bool hashed, struct wall now)
{
    struct statement *statement;
    struct buf object;
    struct buf action;
    enum err err =
        LEDGER_QUERY(ledger,
                     "INSERT INTO provision_step (provision, number, at, who, what, note)"
                     " SELECT ?1, 1 + coalesce(max(number), 0), ?2, ?3, ?4, ?5 FROM provision_step"
                     " WHERE provision = ?1",
                     &statement, BIND_INT(provision->id), BIND_INT(now.ns), BIND_TEXT(who),
                     BIND_TEXT(str_from(what)), BIND_TEXT(note));
    err = err == OK ? statement_run(statement) : err;
    buf_init(&object, 256);
    buf_init(&action, 256);
    err = err == OK ? buf_print(&object, "client/%u/provision/%llu", provision->client.value,
                                (unsigned long long)provision->id)
                    : err;
    err = err == OK ? buf_print(&action, "provision %s", what) : err;
    err = err == OK ? ledger_audit(ledger, now.ns, provision->client.value, who, buf_str(&action),
                                   buf_str(&object), hashed ? note : STR(""))
                    : err;
    buf_done(&object);
    buf_done(&action);
    return err;
}

enum err row_commit(struct ledger *ledger, enum err err)
{
    err = err == OK ? ledger_commit(ledger) : err;
    ledger_rollback(ledger);
    return err;
}
