/*
 * The provider proposes, the client decides (R145, R146, R069).
 *
 * Always true: the options of a proposal are rows that no later proposal touches; only the last
 * proposal can be decided on, by its number, so that nobody decides on something other than what
 * they have read; one option of a proposal is chosen at most.  A decision that is late is asked for
 * once more per proposal, by a notice of its own that climbs its chain: so deputies hear of it.
 */

#include "base/limits.h"
#include "codec/json_text.h"
#include "codec/time.h"
#include "codec/utf8.h"
#include "incident/private.h"
#include "words/words.h"

#define TURN_PAGE         64
#define OPTION_FRAME_SIZE 192 /* bytes around the texts of an option in a notice */

_Static_assert(NOTICE_VALUE_SIZE_MAX > 2 * COUNTERMEASURES_MAX * OPTION_FRAME_SIZE,
               "each option must have room for its first words");

static enum err options_check(const struct countermeasure *options, size_t count, struct why *why);
static enum err options_put(struct operation *operation, const struct countermeasure *options,
                            size_t count);
static enum err options_detail(const struct operation *operation,
                               const struct countermeasure *options, size_t count, struct str *ret);
static enum err decision_ask(struct operation *operation, const char *purpose,
                             const struct countermeasure *options, size_t count);
static enum err options_read(struct incidents *incidents, uint64_t incident, uint32_t proposal,
                             struct arena *mem, struct countermeasure **ret, size_t *ret_count);

/* How long the criterion that opened the incident leaves for the decision. */
static struct wall deadline(const struct operation *operation, struct wall asked)
{
    const struct element *criterion =
        running_item(operation, "criteria", "criteria", operation->row.criterion);
    const struct element *then = criterion != NULL ? element_get(criterion, "then") : NULL;
    int64_t within_ms = then != NULL ? element_number(then, "decide_within", 0) : 0;
    if (wall_known(asked) || within_ms <= 0 ||
        within_ms > (INT64_MAX - operation->now.ns) / NS_PER_MS) {
        return asked;
    }
    return (struct wall){operation->now.ns + within_ms * NS_PER_MS};
}

static enum err propose_check(const struct operation *operation,
                              const struct countermeasure *options, size_t count,
                              struct wall decide_by)
{
    const struct row *row = &operation->row;
    enum err err = options_check(options, count, operation->why);
    if (err == OK && wall_known(decide_by) && decide_by.ns <= operation->now.ns) {
        err = why_say(operation->why, ERR_SYNTAX, 0, "decide_by: the deadline has passed");
    }
    if (err == OK && row->state != INCIDENT_COUNTERMEASURE && row->state != INCIDENT_COORDINATION) {
        err = state_refuse(operation, "proposals are made in 'countermeasure'");
    }
    if (err == OK && (row->lines >= INCIDENT_LINES_MAX || row->proposal == UINT32_MAX)) {
        err = why_say(operation->why, ERR_LIMIT, 0, "incident %u has %u lines of history; no more",
                      row->number, row->lines);
    }
    return err;
}

enum err incident_propose(const struct scope *scope, struct incidents *incidents,
                          struct incident_at at, const struct countermeasure *options, size_t count,
                          struct wall decide_by, uint32_t *ret_proposal, struct why *why)
{
    struct operation operation;
    struct str detail;
    enum err err = operation_begin(scope, incidents, at, RIGHT_WORK, why, &operation);
    if (err != OK) {
        return err;
    }
    struct row *row = &operation.row;
    err = propose_check(&operation, options, count, decide_by);
    if (err == OK) {
        row->proposal++;
        row->decide_by = deadline(&operation, decide_by);
        row->decide_next = row->decide_by;
        err = options_put(&operation, options, count);
    }
    if (err == OK) {
        err = options_detail(&operation, options, count, &detail);
    }
    if (err == OK) {
        err = row_move(&operation, INCIDENT_COORDINATION, "proposal", (struct str){0}, detail);
    }
    if (err == OK) {
        err = decision_ask(&operation, "decision-wanted", options, count);
    }
    uint32_t proposal = row->proposal;
    err = operation_end(&operation, err);
    if (err == OK) {
        *ret_proposal = proposal;
    }
    return err;
}

/* ---- The decision. */

static enum err option_choose(struct operation *operation, uint32_t option)
{
    struct row *row = &operation->row;
    struct statement *statement;
    bool there;
    enum err err =
        LEDGER_QUERY(operation->incidents->ledger,
                     "UPDATE countermeasure SET chosen = 1"
                     " WHERE incident = ? AND proposal = ? AND number = ? RETURNING executes",
                     &statement, BIND_INT(row->id), BIND_INT(row->proposal), BIND_INT(option));
    if (err == OK) {
        err = statement_step(statement, &there);
    }
    if (err != OK) {
        return err;
    }
    if (!there) {
        return why_say(operation->why, ERR_SYNTAX, 0, "proposal %u has no option %u", row->proposal,
                       option);
    }
    row->executes =
        str_equal(statement_text(statement, 0), STR("client")) ? SIDE_CLIENT : SIDE_PROVIDER;
    return statement_run(statement);
}

enum err incident_decide(const struct scope *scope, struct incidents *incidents,
                         struct incident_at at, uint32_t proposal, uint32_t option,
                         struct str reason, struct why *why)
{
    struct operation operation;
    struct str detail;
    enum err err = operation_begin(scope, incidents, at, RIGHT_DECIDE, why, &operation);
    if (err != OK) {
        return err;
    }
    const struct row *row = &operation.row;
    err = text_check(reason, "reason", INCIDENT_TEXT_SIZE_MAX, option == 0, why);
    if (err == OK && row->state != INCIDENT_COORDINATION) {
        err = state_refuse(&operation, "no decision is asked for");
    }
    if (err == OK && row->proposal != proposal) {
        err = why_say(why, ERR_CONFLICT, 0,
                      "incident %u is in the state 'coordination': proposal %u is before you, "
                      "not %u",
                      row->number, row->proposal, proposal);
    }
    if (err == OK && option > 0) {
        err = option_choose(&operation, option);
    }
    if (err == OK) {
        err = arena_print(incidents->mem, &detail, "{\"proposal\":%u,\"option\":%u}", proposal,
                          option);
    }
    if (err == OK) {
        err = row_move(&operation, option > 0 ? INCIDENT_EXECUTING : INCIDENT_COUNTERMEASURE,
                       "decision", reason, detail);
    }
    return operation_end(&operation, err);
}

/* ---- Deadlines. */

static enum err overdue_ask(const struct scope *scope, struct incidents *incidents,
                            struct client_id client, uint64_t id, struct wall now)
{
    struct operation operation;
    struct countermeasure *options = NULL;
    size_t count = 0;
    enum err err = operation_begin_id(scope, incidents, client, id, now, &operation);
    if (err != OK) {
        return err;
    }
    operation.row.decide_next = WALL_NONE;
    err = options_read(incidents, id, operation.row.proposal, incidents->mem, &options, &count);
    if (err == OK) {
        err = history_add(&operation, "overdue", operation.row.state, (struct str){0},
                          (struct str){0});
    }
    if (err == OK) {
        err = decision_ask(&operation, "decision-overdue", options, count);
    }
    return operation_end(&operation, err);
}

/* The incident whose deadline is the earliest; *ret_id 0: none. */
static enum err deadline_first(struct ledger *ledger, struct client_id *ret_client,
                               uint64_t *ret_id, struct wall *ret_at)
{
    struct statement *statement;
    bool row;
    enum err err = ledger_prepare(ledger,
                                  "SELECT client, id, decide_next FROM incident"
                                  " WHERE decide_next IS NOT NULL ORDER BY decide_next, id LIMIT 1",
                                  &statement);
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err != OK) {
        return err;
    }
    *ret_client = (struct client_id){row ? (uint32_t)statement_int(statement, 0) : 0};
    *ret_id = row ? (uint64_t)statement_int(statement, 1) : 0;
    *ret_at = row ? (struct wall){statement_int(statement, 2)} : WALL_NONE;
    statement_reset(statement);
    return OK;
}

enum err incidents_turn(const struct scope *scope, struct incidents *incidents, struct wall now,
                        struct wall *ret_next)
{
    struct client_id client;
    uint64_t id;
    struct wall next = WALL_NONE;
    if (!scope_allows_all(scope, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    bool alone = !ledger_in_transaction(incidents->ledger);
    enum err err = alone ? ledger_begin(incidents->ledger) : OK;
    if (err != OK) {
        return err;
    }
    /* A few at a time: a long outage may have left many, and the caller has other work too. */
    for (int i = 0; i < TURN_PAGE && err == OK; i++) {
        err = deadline_first(incidents->ledger, &client, &id, &next);
        if (err != OK || id == 0 || next.ns > now.ns) {
            break;
        }
        err = overdue_ask(scope, incidents, client, id, now);
    }
    if (alone) {
        err = err == OK ? ledger_commit(incidents->ledger) : err;
        ledger_rollback(incidents->ledger);
    }
    if (err == OK) {
        *ret_next = next;
    }
    return err;
}

/* ---- Options. */

static enum err options_check(const struct countermeasure *options, size_t count, struct why *why)
{
    size_t recommended = 0;
    if (count == 0 || count > COUNTERMEASURES_MAX) {
        return why_say(why, ERR_SYNTAX, 0, "a proposal has 1 to %d options", COUNTERMEASURES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        const struct countermeasure *option = &options[i];
        enum err err = text_check(option->text, "option", COUNTERMEASURE_TEXT_SIZE_MAX, true, why);
        if (err == OK) {
            err = text_check(option->effect, "effect", COUNTERMEASURE_TEXT_SIZE_MAX, false, why);
        }
        if (err == OK) {
            err = text_check(option->risk, "risk", COUNTERMEASURE_TEXT_SIZE_MAX, false, why);
        }
        if (err != OK) {
            return err;
        }
        if (!str_equal(option->executes, STR("provider")) &&
            !str_equal(option->executes, STR("client"))) {
            return why_say(why, ERR_SYNTAX, 0, "option %zu: executes is 'provider' or 'client'",
                           i + 1);
        }
        recommended += option->recommended;
    }
    return recommended <= 1 ? OK : why_say(why, ERR_SYNTAX, 0, "one option is recommended at most");
}

static enum err options_put(struct operation *operation, const struct countermeasure *options,
                            size_t count)
{
    enum err err = OK;
    for (size_t i = 0; i < count && err == OK; i++) {
        const struct countermeasure *option = &options[i];
        struct statement *statement;
        err = LEDGER_QUERY(
            operation->incidents->ledger,
            "INSERT INTO countermeasure (incident, proposal, number, recommended,"
            " text, effect, risk, executes, chosen)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
            &statement, BIND_INT(operation->row.id), BIND_INT(operation->row.proposal),
            BIND_INT(i + 1), BIND_INT(option->recommended), BIND_TEXT(option->text),
            BIND_TEXT(option->effect), BIND_TEXT(option->risk), BIND_TEXT(option->executes));
        if (err == OK) {
            err = statement_run(statement);
        }
    }
    return err;
}

static enum err option_take(struct statement *row, struct arena *mem, struct countermeasure *ret)
{
    struct str *const texts[] = {&ret->text, &ret->effect, &ret->risk, &ret->executes};
    enum err err = OK;
    ret->recommended = statement_int(row, 4) != 0;
    for (int i = 0; i < 4 && err == OK; i++) {
        err = arena_copy(mem, statement_text(row, i), texts[i]);
    }
    return err;
}

static enum err options_read(struct incidents *incidents, uint64_t incident, uint32_t proposal,
                             struct arena *mem, struct countermeasure **ret, size_t *ret_count)
{
    struct statement *statement;
    struct countermeasure *list = ARENA_ARRAY(mem, struct countermeasure, COUNTERMEASURES_MAX);
    size_t count = 0;
    bool row = true;
    enum err err = list == NULL ? ERR_MEMORY : OK;
    if (err == OK) {
        err = LEDGER_QUERY(incidents->ledger,
                           "SELECT text, effect, risk, executes, recommended FROM countermeasure"
                           " WHERE incident = ? AND proposal = ? ORDER BY number",
                           &statement, BIND_INT(incident), BIND_INT(proposal));
    }
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        err = count == COUNTERMEASURES_MAX ? ERR_CORRUPT
                                           : option_take(statement, mem, &list[count++]);
        if (err != OK) {
            statement_reset(statement);
        }
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}

static enum err option_print(struct buf *out, const struct countermeasure *option)
{
    const char *const names[] = {"text", "effect", "risk", "executes"};
    const struct str texts[] = {option->text, option->effect, option->risk, option->executes};
    enum err err = buf_append_byte(out, '{');
    for (size_t i = 0; i < 4 && err == OK; i++) {
        err = buf_print(out, "\"%s\":", names[i]);
        if (err == OK) {
            err = json_print(out, texts[i]);
        }
        if (err == OK) {
            err = buf_append_byte(out, ',');
        }
    }
    return err == OK ? buf_print(out, "\"recommended\":%s}", option->recommended ? "true" : "false")
                     : err;
}

/* {"proposal":1,"decide_by":…,"options":[{"text":…,"effect":…,"risk":…,"executes":…,
 * "recommended":…}]} */
static enum err options_detail(const struct operation *operation,
                               const struct countermeasure *options, size_t count, struct str *ret)
{
    struct buf out;
    char time[TIME_TEXT_SIZE];
    const struct row *row = &operation->row;
    bool by = wall_known(row->decide_by);
    buf_init(&out, DETAIL_SIZE_MAX);
    enum err err =
        buf_print(&out, "{\"proposal\":%u,\"decide_by\":%s%s%s,\"options\":[", row->proposal,
                  by ? "\"" : "", by ? time_print(row->decide_by, time) : "null", by ? "\"" : "");
    for (size_t i = 0; i < count && err == OK; i++) {
        err = i > 0 ? buf_append_byte(&out, ',') : OK;
        if (err == OK) {
            err = option_print(&out, &options[i]);
        }
    }
    if (err == OK) {
        err = buf_append(&out, STR("]}"));
    }
    if (err == OK) {
        err = arena_copy(operation->incidents->mem, buf_str(&out), ret);
    }
    buf_done(&out);
    return err;
}

/* ---- Asking. */

/* A text for a notice, which has little room: every option is told, if need be in its first words;
 * the whole of it stands in the history. */
static enum err text_shorten(const struct operation *operation, struct str text, size_t count,
                             struct str *ret)
{
    size_t room = (NOTICE_VALUE_SIZE_MAX - count * OPTION_FRAME_SIZE) / (count * 3);
    size_t size = 0;
    if (text.size <= room) {
        *ret = text;
        return OK;
    }
    while (size < room) {
        size_t length = utf8_sequence(str_slice(text, size, 4));
        if (length == 0 || size + length + 3 > room) {
            break;
        }
        size += length;
    }
    return arena_print(operation->incidents->mem, ret, "%.*s…", (int)size, text.data);
}

static enum err options_words(const struct operation *operation, enum language language,
                              const struct countermeasure *options, size_t count, struct str *ret)
{
    struct buf out;
    buf_init(&out, DETAIL_SIZE_MAX);
    enum err err = OK;
    for (size_t i = 0; i < count && err == OK; i++) {
        bool client = str_equal(options[i].executes, STR("client"));
        struct str none = words_text(WORD_INCIDENT_OPTION_NONE, language);
        struct str number;
        struct str texts[3] = {options[i].text, options[i].effect, options[i].risk};
        err = number_text(operation, i + 1, &number);
        for (size_t at = 0; at < 3 && err == OK; at++) {
            err = text_shorten(operation, texts[at].size > 0 ? texts[at] : none, count, &texts[at]);
        }
        const struct words_value values[] = {
            {"number", number},
            {"text", texts[0]},
            {"recommended", options[i].recommended
                                ? words_text(WORD_INCIDENT_OPTION_RECOMMENDED, language)
                                : (struct str){0}},
            {"effect", texts[1]},
            {"risk", texts[2]},
            {"executes", words_text(client ? WORD_SIDE_CLIENT : WORD_SIDE_PROVIDER, language)},
        };
        if (err == OK && i > 0) {
            err = buf_append_byte(&out, '\n');
        }
        if (err == OK) {
            err = words_print(&out, language, WORD_INCIDENT_OPTION_LINE, values,
                              sizeof values / sizeof *values);
        }
    }
    if (err == OK) {
        err = arena_copy(operation->incidents->mem, buf_str(&out), ret);
    }
    buf_done(&out);
    return err;
}

static enum err decision_ask(struct operation *operation, const char *purpose,
                             const struct countermeasure *options, size_t count)
{
    struct str key;
    struct notice_value values[] = {{.name = STR("options_ja")}, {.name = STR("options_en")}};
    enum err err = number_text(operation, operation->row.proposal, &key);
    if (err == OK) {
        err = options_words(operation, LANGUAGE_JA, options, count, &values[0].text);
    }
    if (err == OK) {
        err = options_words(operation, LANGUAGE_EN, options, count, &values[1].text);
    }
    return err == OK ? row_notice(operation, purpose, key, true, (struct notice_extra){values, 2})
                     : err;
}

/* ---- For the page on which the decision is made. */

enum err incident_options(const struct scope *scope, struct incidents *incidents,
                          struct client_id client, uint32_t number, uint32_t proposal,
                          struct arena *mem, struct countermeasure **ret, size_t *ret_count)
{
    struct row row;
    if (!scope_allows(scope, client, RIGHT_INCIDENTS)) {
        return ERR_NOT_FOUND;
    }
    enum err err = row_by_number(incidents->ledger, client, number, mem, &row);
    if (err == OK && (proposal == 0 || proposal > row.proposal)) {
        err = ERR_NOT_FOUND;
    }
    return err == OK ? options_read(incidents, row.id, proposal, mem, ret, ret_count) : err;
}
