/*
 * All rows of one client: printed, and taken away.
 *
 * Rows of party, client, source, person, device and engagement stay, since their identifiers are
 * given once and the audit trail names them by slug; names, documents, passwords and everything
 * that was said about them goes.  Their versions become `null`, as of an element that left the
 * documents. Numbers without words (books, bookmark) stay.
 *
 * Always true: of the audit trail the client's details go and nothing else, its chain stays whole
 * (audit.c); what is deleted is overwritten with zeros (secure_delete), and after ledger_scrub the
 * log of changes is empty too.
 */

#include "ledger/private.h"

#include "codec/crypto.h"
#include "codec/json_out.h"

#define OF_CLIENT "client = ?1"
#define OF_SOURCE "source IN (SELECT id FROM source WHERE client = ?1)"
#define OF_PERSON \
    "person IN (SELECT id FROM person WHERE party = (SELECT party FROM client WHERE id = ?1))"
#define OF(child, parent) child " IN (SELECT id FROM " parent " WHERE client = ?1)"
#define TABLE(name, where)                                                               \
    {                                                                                    \
        name, "SELECT * FROM " name " WHERE " where, "DELETE FROM " name " WHERE " where \
    }

/* Children before those they point at. */
static const struct {
    const char *name, *select, *drop;
} gone[] = {
    TABLE("clock_event", OF("clock", "clock")),
    TABLE("clock", OF_CLIENT),
    TABLE("notice_step", OF("notice", "notice")),
    TABLE("outbox", OF_CLIENT),
    TABLE("notice", OF_CLIENT),
    TABLE("incident_line", OF("incident", "incident")),
    TABLE("countermeasure", OF("incident", "incident")),
    TABLE("alert_count", OF_CLIENT),
    TABLE("alert", OF_CLIENT),
    TABLE("incident", OF_CLIENT),
    TABLE("document_signature", OF("document", "document")),
    TABLE("document_acknowledgement", OF("document", "document")),
    TABLE("disclosure", OF_CLIENT),
    TABLE("document", OF_CLIENT),
    TABLE("ailment", OF_CLIENT),
    TABLE("vigil", OF_SOURCE),
    TABLE("proposal", OF_SOURCE),
    TABLE("provision_step", OF("provision", "provision")),
    TABLE("provision", OF_CLIENT),
    TABLE("saved_search", OF_CLIENT),
    TABLE("hold", OF_CLIENT),
};

/* Printed and not deleted; or the other way round. */
static const struct {
    const char *name, *select;
} kept[] = {
    {"party", "SELECT * FROM party WHERE id = (SELECT party FROM client WHERE id = ?1)"},
    {"source", "SELECT * FROM source WHERE client = ?1"},
    {"person", "SELECT id, party, slug, active, signed_in FROM person WHERE party ="
               " (SELECT party FROM client WHERE id = ?1)"},
    {"device", "SELECT * FROM device WHERE client = ?1"},
    {"engagement", "SELECT * FROM engagement WHERE client = ?1"},
    {"document_version", "SELECT * FROM document_version WHERE client = ?1"},
    {"document_text", "SELECT * FROM document_text WHERE hash IN (SELECT hash FROM"
                      " document_version WHERE client = ?1 UNION SELECT hash FROM document WHERE"
                      " client = ?1)"},
    {"books_gap", "SELECT * FROM books_gap WHERE " OF_SOURCE},
    {"books_minute", "SELECT * FROM books_minute WHERE " OF_SOURCE},
    {"books_hour", "SELECT * FROM books_hour WHERE " OF_SOURCE},
};
static const char *const secrets[] = {
    "DELETE FROM session WHERE " OF_PERSON,       "DELETE FROM api_token WHERE " OF_PERSON,
    "DELETE FROM one_time WHERE " OF_PERSON,      "DELETE FROM factor WHERE " OF_PERSON,
    "DELETE FROM recovery_code WHERE " OF_PERSON,
};
static const char *const blanks[] = {
    "UPDATE person SET active = 0, password = '' WHERE party ="
    " (SELECT party FROM client WHERE id = ?1)",
    "UPDATE party SET name_ja = '', name_en = '' WHERE id ="
    " (SELECT party FROM client WHERE id = ?1)",
    "UPDATE source SET active = 0 WHERE client = ?1 AND unknown_listener = ''",
    /* Of the client itself and of people there is no `null`: they are not removed so. */
    "DELETE FROM document_version WHERE client = ?1",
    "UPDATE device SET active = 0 WHERE client = ?1",
    "UPDATE engagement SET active = 0 WHERE client = ?1",
};

/* ---- Printing. */

/* Bytes in hexadecimal: hashes, and counts by reason. */
static enum err bytes_print(struct json_out *out, const char *name, struct str bytes)
{
    struct buf hex;
    enum err err = OK;
    buf_init(&hex, 2 * bytes.size + 8);
    for (size_t i = 0; i < bytes.size && err == OK; i++) {
        err = buf_print(&hex, "%02x", (unsigned)(unsigned char)bytes.data[i]);
    }
    json_text(out, name, buf_str(&hex));
    buf_done(&hex);
    return err;
}

static enum err row_print(struct statement *row, struct json_out *out)
{
    enum err err = OK;
    const char *name;
    for (int at = 0; (name = statement_name(row, at)) != NULL && err == OK; at++) {
        switch (statement_kind(row, at)) {
        case PARAMETER_NULL:
            json_null(out, name);
            break;
        case PARAMETER_INT:
            json_number(out, name, statement_int(row, at));
            break;
        case PARAMETER_BYTES:
            err = bytes_print(out, name, statement_bytes(row, at));
            break;
        default:
            json_text(out, name, statement_text(row, at));
        }
    }
    return err;
}

static enum err table_print(struct ledger *ledger, const char *name, const char *select,
                            uint32_t client, struct buf *out)
{
    struct statement *statement;
    bool there = false;
    enum err err = LEDGER_QUERY(ledger, select, &statement, BIND_INT(client));
    err = err == OK ? statement_step(statement, &there) : err;
    while (err == OK && there) {
        struct json_out json;
        json_out_begin(&json, out);
        json_object(&json, NULL);
        json_text(&json, "table", str_from(name));
        json_object(&json, "row");
        err = row_print(statement, &json);
        json_close(&json);
        json_close(&json);
        err = err == OK ? json_out_end(&json) : err;
        err = err == OK ? buf_append_byte(out, '\n') : err;
        err = err == OK ? statement_step(statement, &there) : err;
    }
    if (there) {
        statement_reset(statement);
    }
    return err;
}

enum err ledger_client_print(struct ledger *ledger, uint32_t client, struct buf *out)
{
    enum err err = OK;
    for (size_t i = 0; i < sizeof kept / sizeof *kept && err == OK; i++) {
        err = table_print(ledger, kept[i].name, kept[i].select, client, out);
    }
    for (size_t i = 0; i < sizeof gone / sizeof *gone && err == OK; i++) {
        err = table_print(ledger, gone[i].name, gone[i].select, client, out);
    }
    return err;
}

/* ---- Taking away. */

static enum err change(struct ledger *ledger, const char *sql, uint32_t client, uint64_t *rows)
{
    struct statement *statement;
    enum err err = LEDGER_QUERY(ledger, sql, &statement, BIND_INT(client));
    err = err == OK ? statement_run(statement) : err;
    if (err == OK) {
        *rows += (uint64_t)ledger_changes(ledger);
    }
    return err;
}

/* Every version of the client's elements becomes `null`; texts that nobody names any more go. */
static enum err versions_blank(struct ledger *ledger, uint32_t client, uint64_t *rows)
{
    struct statement *statement;
    struct sha256 hash = sha256_of_bytes(STR("null"));
    char text[2 * SHA256_SIZE + 1];
    struct str hex = str_from(hex_print(hash.bytes, SHA256_SIZE, text));
    enum err err = LEDGER_QUERY(ledger,
                                "INSERT INTO document_text (hash, canonical) VALUES (?, 'null')"
                                " ON CONFLICT (hash) DO NOTHING",
                                &statement, BIND_TEXT(hex));
    err = err == OK ? statement_run(statement) : err;
    err = err == OK ? LEDGER_QUERY(ledger, "UPDATE document_version SET hash = ? WHERE client = ?",
                                   &statement, BIND_TEXT(hex), BIND_INT(client))
                    : err;
    err = err == OK ? statement_run(statement) : err;
    *rows += err == OK ? (uint64_t)ledger_changes(ledger) : 0;
    err = err == OK ? ledger_prepare(ledger,
                                     "DELETE FROM document_text WHERE hash NOT IN (SELECT hash FROM"
                                     " document_version UNION SELECT hash FROM document)",
                                     &statement)
                    : err;
    err = err == OK ? statement_run(statement) : err;
    *rows += err == OK ? (uint64_t)ledger_changes(ledger) : 0;
    return err;
}

/* Lines of form 1 do not say whose they are: their objects do. */
static const char trail_old[] =
    "UPDATE audit SET form = 0, client = ?1, detail = '' WHERE form = 1 AND ("
    " object LIKE 'incident ' || ?1 || '/%' OR object LIKE 'clock % of client ' || ?1"
    " OR object LIKE 'client/' || ?1 || '/%'"
    " OR EXISTS (SELECT 1 FROM client c JOIN party p ON p.id = c.party WHERE c.id = ?1 AND"
    "  (object LIKE '% ' || p.slug OR object LIKE '% ' || p.slug || '/%')))";
static const char trail_words[] =
    "UPDATE audit SET detail = '', salt = NULL WHERE form = 2 AND client = ?1";

/* An incident's history cannot be deleted, but with the client; within the transaction the guard is
 * put down and taken up again, as tables_incidents.c made it. */
static const char guard_down[] = "DROP TRIGGER incident_line_there";
static const char guard_up[] = "CREATE TRIGGER incident_line_there BEFORE DELETE ON incident_line"
                               " BEGIN SELECT RAISE(ABORT, 'history is never changed'); END";

enum err ledger_client_forget(struct ledger *ledger, uint32_t client, uint64_t *ret_rows)
{
    uint64_t rows = 0;
    enum err err = ledger_execute(ledger, "PRAGMA secure_delete = ON");
    err = err == OK ? ledger_execute(ledger, guard_down) : err;
    for (size_t i = 0; i < sizeof gone / sizeof *gone && err == OK; i++) {
        err = change(ledger, gone[i].drop, client, &rows);
    }
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets && err == OK; i++) {
        err = change(ledger, secrets[i], client, &rows);
    }
    for (size_t i = 0; i < sizeof blanks / sizeof *blanks && err == OK; i++) {
        err = change(ledger, blanks[i], client, &rows);
    }
    err = err == OK ? change(ledger, trail_old, client, &rows) : err;
    err = err == OK ? change(ledger, trail_words, client, &rows) : err;
    err = err == OK ? versions_blank(ledger, client, &rows) : err;
    err = err == OK ? ledger_execute(ledger, guard_up) : err;
    if (err == OK) {
        *ret_rows = rows;
    }
    return err;
}

enum err ledger_scrub(struct ledger *ledger)
{
    return ledger_execute(ledger, "PRAGMA wal_checkpoint(TRUNCATE)");
}
