/*
 * An incident's history: numbered lines that are added and never changed.
 *
 * Always true: every line has one line of the audit trail beside it, written in the same
 * transaction, which holds the SHA-256 over the line; the trail is chained, so a line that somebody
 * changed in the file does not go unnoticed.  The tables refuse a change of a line besides.
 *
 * The hash is over the moment (nanoseconds, in decimal), principal, what, both states, text and
 * detail, each ended by a zero byte.
 */

#include <stdio.h>
#include <string.h>

#include "codec/crypto.h"
#include "incident/private.h"

#define LINES_FIRST 16

static enum err line_put(struct operation *operation, const struct str texts[6]);
static enum err line_audit(struct operation *operation, const struct str texts[6]);
static enum err line_take(struct statement *row, struct arena *mem, struct incident_line *ret);

enum err history_add(struct operation *operation, const char *what, enum incident_state from,
                     struct str text, struct str detail)
{
    const struct str texts[6] = {
        scope_principal(operation->scope),
        str_from(what),
        str_from(incident_state_text(from)),
        str_from(incident_state_text(operation->row.state)),
        text,
        detail,
    };
    operation->row.lines++;
    enum err err = line_put(operation, texts);
    return err == OK ? line_audit(operation, texts) : err;
}

static enum err line_put(struct operation *operation, const struct str texts[6])
{
    struct statement *statement;
    enum err err = LEDGER_QUERY(
        operation->incidents->ledger,
        "INSERT INTO incident_line (incident, number, at, who, what, from_state, to_state, text,"
        " detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &statement, BIND_INT(operation->row.id), BIND_INT(operation->row.lines),
        BIND_INT(operation->now.ns), BIND_TEXT(texts[0]), BIND_TEXT(texts[1]), BIND_TEXT(texts[2]),
        BIND_TEXT(texts[3]), BIND_TEXT(texts[4]), BIND_TEXT(texts[5]));
    return err == OK ? statement_run(statement) : err;
}

static struct sha256 line_hash(struct wall at, const struct str texts[6])
{
    struct str parts[13];
    char time[24];
    (void)snprintf(time, sizeof time, "%lld", (long long)at.ns);
    parts[0] = str_of(time, strlen(time) + 1);
    for (size_t i = 0; i < 6; i++) {
        parts[2 * i + 1] = texts[i];
        parts[2 * i + 2] = str_of("\0", 1);
    }
    return sha256_of(parts, 13);
}

static enum err line_audit(struct operation *operation, const struct str texts[6])
{
    struct arena *mem = operation->incidents->mem;
    struct str action;
    struct str object;
    struct str detail;
    char hash[2 * SHA256_SIZE + 1];
    struct sha256 sum = line_hash(operation->now, texts);
    enum err err = arena_print(mem, &action, "incident %.*s", STR_ARG(texts[1]));
    if (err == OK) {
        err = arena_print(mem, &object, "incident %u/%u", operation->row.client.value,
                          operation->row.number);
    }
    if (err == OK) {
        err = arena_print(mem, &detail, "line %u, %.*s to %.*s, sha256 %s", operation->row.lines,
                          STR_ARG(texts[2]), STR_ARG(texts[3]),
                          hex_print(sum.bytes, sizeof sum.bytes, hash));
    }
    return err == OK ? ledger_audit(operation->incidents->ledger, operation->now.ns,
                                    operation->row.client.value, texts[0], action, object, detail)
                     : err;
}

/* ---- Reading. */

static enum err lines_room(struct arena *mem, struct incident_line **lines, size_t count,
                           size_t *capacity)
{
    if (count < *capacity) {
        return OK;
    }
    size_t larger = *capacity == 0 ? LINES_FIRST : *capacity * 2;
    struct incident_line *copy = ARENA_ARRAY(mem, struct incident_line, larger);
    if (copy == NULL) {
        return ERR_MEMORY;
    }
    if (count > 0) {
        memcpy(copy, *lines, count * sizeof *copy);
    }
    *lines = copy;
    *capacity = larger;
    return OK;
}

enum err incident_history(const struct scope *scope, struct incidents *incidents,
                          struct client_id client, uint32_t number, struct arena *mem,
                          struct incident_line **ret, size_t *ret_count)
{
    struct statement *statement;
    struct incident_line *lines = NULL;
    size_t count = 0;
    size_t capacity = 0;
    bool row = true;
    if (!scope_allows(scope, client, RIGHT_INCIDENTS)) {
        return ERR_NOT_FOUND;
    }
    enum err err = LEDGER_QUERY(
        incidents->ledger,
        "SELECT l.number, l.at, l.who, l.what, l.from_state, l.to_state, l.text, l.detail"
        " FROM incident_line l JOIN incident i ON i.id = l.incident"
        " WHERE i.client = ? AND i.number = ? ORDER BY l.number",
        &statement, BIND_INT(client.value), BIND_INT(number));
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        err = lines_room(mem, &lines, count, &capacity);
        if (err == OK) {
            err = line_take(statement, mem, &lines[count++]);
        }
        if (err != OK) {
            statement_reset(statement);
        }
    }
    if (err != OK) {
        return err;
    }
    if (count == 0) {
        return ERR_NOT_FOUND; /* every incident has the line of its opening */
    }
    *ret = lines;
    *ret_count = count;
    return OK;
}

static enum err line_take(struct statement *row, struct arena *mem, struct incident_line *ret)
{
    *ret = (struct incident_line){
        .number = (uint32_t)statement_int(row, 0),
        .at = {statement_int(row, 1)},
    };
    if (incident_state_parse(statement_text(row, 4), &ret->from) != OK ||
        incident_state_parse(statement_text(row, 5), &ret->to) != OK) {
        return ERR_CORRUPT;
    }
    struct str *const texts[] = {&ret->who, &ret->what, &ret->text, &ret->detail};
    static const int columns[] = {2, 3, 6, 7};
    enum err err = OK;
    for (int i = 0; i < 4 && err == OK; i++) {
        err = arena_copy(mem, statement_text(row, columns[i]), texts[i]);
    }
    return err;
}

/* ---- Comparing with the trail. */

/* The trail's word on one line: "incident CLIENT/NUMBER", "line LINE, … sha256 HASH"; empty of a
 * client that was destroyed, whose lines went too. */
static enum err trail_read(struct statement *trail, uint64_t ret_numbers[3], struct str *ret_hash)
{
    struct str object = statement_text(trail, 0);
    struct str detail = statement_text(trail, 1);
    (void)str_cut(&object, ' ');
    (void)str_cut(&detail, ' ');
    struct str client = str_cut(&object, '/');
    struct str line = str_cut(&detail, ',');
    size_t hash = str_find(detail, STR("sha256 "));
    enum err err = hash == STR_NONE ? ERR_CORRUPT : OK;
    if (err == OK) {
        *ret_hash = str_slice(detail, hash + 7, SIZE_MAX);
        err = str_to_u64(client, UINT32_MAX, &ret_numbers[0]);
    }
    if (err == OK) {
        err = str_to_u64(object, UINT32_MAX, &ret_numbers[1]);
    }
    if (err == OK) {
        err = str_to_u64(line, UINT32_MAX, &ret_numbers[2]);
    }
    return err == OK ? OK : ERR_CORRUPT;
}

static enum err line_compare(struct ledger *ledger, const uint64_t numbers[3], struct str wanted,
                             bool *ret_same)
{
    struct statement *line;
    bool there = false;
    char hash[2 * SHA256_SIZE + 1];
    struct str texts[6];
    enum err err =
        LEDGER_QUERY(ledger,
                     "SELECT l.at, l.who, l.what, l.from_state, l.to_state, l.text, l.detail"
                     " FROM incident_line l JOIN incident i ON i.id = l.incident"
                     " WHERE i.client = ? AND i.number = ? AND l.number = ?",
                     &line, BIND_INT(numbers[0]), BIND_INT(numbers[1]), BIND_INT(numbers[2]));
    if (err == OK) {
        err = statement_step(line, &there);
    }
    if (err != OK || !there) {
        *ret_same = false;
        return err;
    }
    for (int i = 0; i < 6; i++) {
        texts[i] = statement_text(line, i + 1);
    }
    struct sha256 sum = line_hash((struct wall){statement_int(line, 0)}, texts);
    *ret_same = str_equal(str_from(hex_print(sum.bytes, sizeof sum.bytes, hash)), wanted);
    statement_reset(line);
    return OK;
}

static enum err lines_count(struct ledger *ledger, int64_t *ret)
{
    struct statement *statement;
    bool row;
    enum err err = ledger_prepare(ledger, "SELECT count(*) FROM incident_line", &statement);
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err == OK) {
        *ret = row ? statement_int(statement, 0) : 0;
        statement_reset(statement);
    }
    return err;
}

enum err incidents_verify(struct ledger *ledger, struct why *why)
{
    struct statement *trail;
    bool row = true;
    int64_t vouched = 0;
    int64_t there = 0;
    enum err err = ledger_prepare(ledger,
                                  "SELECT object, detail FROM audit WHERE object >= 'incident '"
                                  " AND object < 'incident!' AND detail <> '' ORDER BY id",
                                  &trail);
    while (err == OK) {
        uint64_t numbers[3] = {0};
        struct str hash = {0};
        bool same = false;
        err = statement_step(trail, &row);
        if (err != OK || !row) {
            break;
        }
        err = trail_read(trail, numbers, &hash);
        if (err == OK) {
            err = line_compare(ledger, numbers, hash, &same);
        }
        if (err == OK && !same) {
            err = why_say(why, ERR_CORRUPT, 0,
                          "line %u of incident %u of client %u is not what the trail vouches for",
                          (unsigned)numbers[2], (unsigned)numbers[1], (unsigned)numbers[0]);
        }
        vouched++;
        if (err != OK) {
            statement_reset(trail);
        }
    }
    if (err == OK) {
        err = lines_count(ledger, &there);
    }
    if (err == OK && there != vouched) {
        err = why_say(why, ERR_CORRUPT, 0, "of %lld lines of incidents the trail vouches for %lld",
                      (long long)there, (long long)vouched);
    }
    return err;
}
