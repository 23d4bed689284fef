/*
 * Opening the ledger: whose file it is, and its tables brought up to date.
 *
 * Always true: the table `migration` holds the versions 1 to n that were applied, one after the
 * other; all that an opening applies is one transaction, so that a crash leaves the old tables or
 * the new ones.
 */

#include "ledger/ledger.h"

#include "ledger/private.h"

#define APPLICATION_ID "1213090125" /* "HNM\r" as a number: a ledger of ours */
#define WAL_PAGES      "1000"       /* after which SQLite by itself brings the log into the file */

static enum err version_read(struct ledger *ledger, int64_t *ret);
static enum err migrate(struct ledger *ledger, int64_t version);
static enum err first_int(struct ledger *ledger, const char *sql, int64_t *ret);

enum err ledger_open(struct disk *disk, const char *folder, struct ledger **ret, struct why *why)
{
    struct ledger *ledger;
    int64_t version = 0;
    enum err err = ledger_connect(disk, folder, &ledger, why);
    if (err != OK) {
        return err;
    }
    err = version_read(ledger, &version);
    if (err == ERR_CORRUPT && !ledger_is_damaged(ledger)) {
        (void)why_say(why, err, 0, "%s/ledger.db is not a ledger; put it elsewhere", folder);
    } else if (err == OK && version > (int64_t)migrations_count) {
        err = why_say(why, ERR_UNSUPPORTED, 0,
                      "%s/ledger.db was written by a newer hinomi (tables %lld, known here %zu); "
                      "start that one",
                      folder, (long long)version, migrations_count);
    } else if (err == OK) {
        err = migrate(ledger, version);
        err = err == OK ? ledger_sums_add(ledger) : err;
    }
    if (err != OK) {
        if (why != NULL && why->text[0] == '\0') {
            (void)why_say(why, err, 0, "%s/ledger.db: %s", folder, ledger_complaint(ledger));
        }
        ledger_close(ledger);
        return err;
    }
    *ret = ledger;
    return OK;
}

enum err ledger_check(struct ledger *ledger, struct why *why)
{
    static const char *const checks[] = {"PRAGMA integrity_check", "PRAGMA foreign_key_check"};
    for (size_t i = 0; i < 2; i++) {
        struct statement *statement;
        bool row = false;
        enum err err = ledger_prepare(ledger, checks[i], &statement);
        if (err == OK) {
            err = statement_step(statement, &row);
        }
        if (ledger_is_damaged(ledger)) {
            err = why_say(why, ERR_CORRUPT, 0, "ledger.db: %s", ledger_complaint(ledger));
        } else if (err == OK && row && !str_equal(statement_text(statement, 0), STR("ok"))) {
            struct str text = statement_text(statement, 0);
            err = why_say(why, ERR_CORRUPT, 0, "ledger.db: %.*s", STR_ARG(text));
        }
        if (row) {
            statement_reset(statement);
        }
        if (err != OK) {
            return err;
        }
    }
    return OK;
}

enum err ledger_freeze(struct ledger *ledger)
{
    struct statement *statement;
    bool row = false;
    int64_t busy = 1;
    if (ledger_in_transaction(ledger)) {
        return ERR_AGAIN;
    }
    enum err err = ledger_execute(ledger, "PRAGMA wal_autocheckpoint = 0");
    if (err == OK) {
        err = ledger_prepare(ledger, "PRAGMA wal_checkpoint(RESTART)", &statement);
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err == OK && row) {
        busy = statement_int(statement, 0);
        statement_reset(statement);
    }
    err = err == OK && busy != 0 ? ERR_AGAIN : err;
    if (err != OK) {
        UNHEEDED(ledger_thaw(ledger)); /* the first error is the one to tell */
    }
    return err;
}

enum err ledger_thaw(struct ledger *ledger)
{
    return ledger_execute(ledger, "PRAGMA wal_autocheckpoint = " WAL_PAGES);
}

/* 0: an empty file. */
static enum err version_read(struct ledger *ledger, int64_t *ret)
{
    int64_t application;
    int64_t tables;
    enum err err = first_int(ledger, "PRAGMA application_id", &application);
    if (err == OK) {
        err = first_int(ledger, "SELECT count(*) FROM sqlite_schema", &tables);
    }
    if (err != OK) {
        return err;
    }
    if (tables == 0) {
        *ret = 0;
        return OK;
    }
    if (application != 1213090125) {
        return ERR_CORRUPT;
    }
    return first_int(ledger, "SELECT coalesce(max(version), 0) FROM migration", ret);
}

static enum err migrate(struct ledger *ledger, int64_t version)
{
    if (version == (int64_t)migrations_count) {
        return OK;
    }
    enum err err = ledger_begin(ledger);
    if (err != OK) {
        return err;
    }
    if (version == 0) {
        err = ledger_execute(ledger, "PRAGMA application_id = " APPLICATION_ID ";"
                                     "CREATE TABLE migration (version INTEGER NOT NULL PRIMARY KEY,"
                                     " name TEXT NOT NULL) STRICT");
    }
    for (; err == OK && version < (int64_t)migrations_count; version++) {
        struct statement *statement;
        err = ledger_execute(ledger, migrations[version].sql);
        if (err == OK) {
            err = ledger_prepare(ledger, "INSERT INTO migration (version, name) VALUES (?, ?)",
                                 &statement);
        }
        if (err == OK) {
            err = statement_bind_int(statement, 1, version + 1);
        }
        if (err == OK) {
            err = statement_bind_text(statement, 2, str_from(migrations[version].name));
        }
        if (err == OK) {
            err = statement_run(statement);
        }
    }
    if (err == OK) {
        return ledger_commit(ledger);
    }
    ledger_rollback(ledger);
    return err;
}

static enum err first_int(struct ledger *ledger, const char *sql, int64_t *ret)
{
    struct statement *statement;
    bool row;
    enum err err = ledger_prepare(ledger, sql, &statement);
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err != OK) {
        return err;
    }
    *ret = row ? statement_int(statement, 0) : 0;
    statement_reset(statement);
    return OK;
}
