/*
 * SQLite, and the only place that includes its header: the VFS that puts its files on a disk of
 * ours (sys/disk.h), the connection, statements and transactions.
 *
 * One process has the file, so SQLite runs in WAL mode with locking_mode=EXCLUSIVE: its index of
 * the log then lives in ordinary memory, and the VFS needs no shared memory.  The one lock is that
 * of ledger.db itself, taken with the first access and held until the file is closed.
 *
 * Always true:
 *
 *   (1) COMMIT returns OK only after the log was synced, and the folder too if a file in it is new
 *       (synchronous=FULL; `name_unsynced`).
 *   (2) after a failed sync nothing is written any more: nobody knows what is on disk, and a second
 *       sync must not be believed (sys/disk.h).  `broken` says so; whoever has the ledger closes it
 *       and opens it again, which reads what really is there.
 *   (3) no file but ledger.db, its log and its journal is ever made: temporary tables, sorters and
 *       statement journals stay in memory.
 *   (4) the log that SQLite reads is on disk.  One left by a process that died may live in the
 *       kernel's cache only, if its last sync failed; reading it, and writing behind it, would
 *       build on sand.  So it is first copied into a new, synced file (renew.c).
 *   (5) SQLite never learns the time: CURRENT_TIMESTAMP would say 1970.  Times are parameters.
 *   (6) a page of ledger.db that is not what was written is never believed (sums.h): what needs it
 *       gives ERR_CORRUPT and names it.
 */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "ledger/private.h"
#include "ledger/sums.h"
#include "sys/random.h"

#define PATH_SIZE_MAX      1024
#define SECTOR_SIZE        4096
#define STATEMENTS_MAX     512  /* Distinct SQL texts in the program; there are a few dozen. */
#define STATEMENT_SLOTS    1024 /* A power of two, at least twice as many. */
#define VALUE_SIZE_MAX     (64 * 1024 * 1024) /* One text or blob. */
#define WAL_SIZE_KEPT      "16777216"
#define PAGE_SIZE_MAX      65536
#define VACUUM_SIZE_MAX    ((uint64_t)1 << 30) /* it takes as much memory */
#define MS_FROM_JULIAN_DAY 210866760000000LL   /* Day 0 of SQLite's calendar to 1970, in ms. */

struct statement {
    struct ledger *ledger;
    const char *sql; /* the key, by its address */
    sqlite3_stmt *compiled;
};

struct ledger {
    sqlite3_vfs vfs;
    char vfs_name[40];
    bool vfs_registered;
    struct disk *disk;
    char folder[PATH_SIZE_MAX];
    sqlite3 *db;
    bool broken;
    uint64_t damaged_page; /* the last one that was refused; 0: none */
    char complaint[80];
    enum err lost; /* why SQLite rolled the transaction back by itself, OK if it did not */
    bool in_transaction;
    struct ledger_watch watch;
    bool watched; /* somebody watches */
    bool touched; /* rows, since the watch last heard of an end */
    struct statement *statements[STATEMENT_SLOTS];
    size_t statements_count;
};

struct vfs_file {
    sqlite3_file base;
    struct ledger *ledger;
    struct file *file;
    bool name_unsynced;
    bool main; /* ledger.db */
    bool sums; /* its pages have them */
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *ret_flags);
static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder);
static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret);
static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *ret);
static int vfs_randomness(sqlite3_vfs *vfs, int size, char *ret);
static int vfs_sleep(sqlite3_vfs *vfs, int microseconds);
static int vfs_time(sqlite3_vfs *vfs, sqlite3_int64 *ret);
static int vfs_last_error(sqlite3_vfs *vfs, int size, char *text);
static enum err db_open(struct ledger *ledger, struct why *why);
static enum err db_harden(struct ledger *ledger);
static enum err db_journal_mode(struct ledger *ledger);
static enum err err_from_sqlite(struct ledger *ledger, int code);
static void watch_end(struct ledger *ledger, bool on_disk);

/* ---- Connection. */

enum err ledger_connect(struct disk *disk, const char *folder, struct ledger **ret, struct why *why)
{
    static bool configured;
    if (!configured) {
        /* Statement journals stay in memory whatever their size.  Fails only if SQLite runs. */
        (void)sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1);
        configured = true;
    }
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (ledger == NULL) {
        return ERR_MEMORY;
    }
    ledger->disk = disk;
    enum err err = OK;
    if (snprintf(ledger->folder, sizeof ledger->folder, "%s", folder) >= PATH_SIZE_MAX - 32) {
        err = why_say(why, ERR_LIMIT, 0, "the name of the data folder is too long");
    } else {
        err = db_open(ledger, why);
    }
    if (err != OK) {
        ledger_close(ledger);
        return err;
    }
    *ret = ledger;
    return OK;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    ledger_rollback(ledger);
    for (size_t i = 0; i < STATEMENT_SLOTS; i++) {
        if (ledger->statements[i] != NULL) {
            (void)sqlite3_finalize(ledger->statements[i]->compiled);
            free(ledger->statements[i]);
        }
    }
    int code = sqlite3_close(ledger->db);
    assert(code == SQLITE_OK);
    (void)code;
    if (ledger->vfs_registered) {
        (void)sqlite3_vfs_unregister(&ledger->vfs);
    }
    free(ledger);
}

static enum err db_open(struct ledger *ledger, struct why *why)
{
    char path[PATH_SIZE_MAX + 16];
    (void)snprintf(path, sizeof path, "%s/ledger.db", ledger->folder);
    (void)snprintf(ledger->vfs_name, sizeof ledger->vfs_name, "hinomi-%p", (void *)ledger);
    ledger->vfs = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = sizeof(struct vfs_file),
        .mxPathname = PATH_SIZE_MAX,
        .zName = ledger->vfs_name,
        .pAppData = ledger,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTimeInt64 = vfs_time,
        .xGetLastError = vfs_last_error,
    };
    if (sqlite3_vfs_register(&ledger->vfs, 0) != SQLITE_OK) {
        return ERR_MEMORY;
    }
    ledger->vfs_registered = true;
    int code = sqlite3_open_v2(path, &ledger->db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                                   SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE,
                               ledger->vfs_name);
    int reserved = PAGE_SUM_SIZE;
    enum err err = err_from_sqlite(ledger, code);
    if (err == OK) { /* of a file that is new, or made anew by VACUUM */
        err = err_from_sqlite(ledger, sqlite3_file_control(ledger->db, "main",
                                                           SQLITE_FCNTL_RESERVE_BYTES, &reserved));
    }
    if (err == OK) {
        err = db_harden(ledger);
    }
    if (err == OK) {
        err = db_journal_mode(ledger);
    }
    if (err == ERR_AGAIN) {
        return why_say(why, err, 0, "%s: another process has it open; stop that one first", path);
    }
    return err == OK ? OK : why_say(why, err, 0, "%s: %s", path, ledger_complaint(ledger));
}

/* Triggers are on for those of the tables that refuse changes of a history; they call nothing. */
static enum err db_harden(struct ledger *ledger)
{
    static const int options[][2] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},      {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_FKEY, 1},    {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 1}, {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0},        {SQLITE_DBCONFIG_DQS_DDL, 0},
    };
    static const int limits[][2] = {
        {SQLITE_LIMIT_LENGTH, VALUE_SIZE_MAX},
        {SQLITE_LIMIT_SQL_LENGTH, 100000},
        {SQLITE_LIMIT_COLUMN, 100},
        {SQLITE_LIMIT_EXPR_DEPTH, 100},
        {SQLITE_LIMIT_COMPOUND_SELECT, 10},
        {SQLITE_LIMIT_VDBE_OP, 50000},
        {SQLITE_LIMIT_FUNCTION_ARG, 16},
        {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 100},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 100},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        int code = sqlite3_db_config(ledger->db, options[i][0], options[i][1], NULL);
        if (code != SQLITE_OK) {
            return err_from_sqlite(ledger, code);
        }
    }
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        (void)sqlite3_limit(ledger->db, limits[i][0], limits[i][1]);
    }
    return ledger_execute(ledger, "PRAGMA locking_mode = EXCLUSIVE;"
                                  "PRAGMA temp_store = MEMORY;"
                                  "PRAGMA cell_size_check = ON;"
                                  "PRAGMA mmap_size = 0;"
                                  "PRAGMA journal_size_limit = " WAL_SIZE_KEPT);
}

static enum err db_journal_mode(struct ledger *ledger)
{
    struct statement *statement;
    bool row;
    enum err err = ledger_prepare(ledger, "PRAGMA journal_mode = WAL", &statement);
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err == OK && (!row || !str_equal(statement_text(statement, 0), STR("wal")))) {
        err = ERR_UNSUPPORTED;
    }
    if (err == OK) {
        statement_reset(statement);
        err = ledger_execute(ledger, "PRAGMA synchronous = FULL");
    }
    return err;
}

/* VACUUM writes every page anew, in one transaction; it wants to attach its own, in memory. */
enum err ledger_sums_add(struct ledger *ledger)
{
    sqlite3_file *base = NULL;
    uint64_t size = 0;
    enum err err = err_from_sqlite(
        ledger, sqlite3_file_control(ledger->db, "main", SQLITE_FCNTL_FILE_POINTER, &base));
    struct vfs_file *file = (struct vfs_file *)(void *)base;
    err = err == OK ? file_size(file->file, &size) : err;
    if (err != OK || file->sums || size == 0 || size > VACUUM_SIZE_MAX) {
        return err;
    }
    (void)sqlite3_limit(ledger->db, SQLITE_LIMIT_ATTACHED, 1);
    err = ledger_execute(ledger, "VACUUM");
    (void)sqlite3_limit(ledger->db, SQLITE_LIMIT_ATTACHED, 0);
    err = err == OK ? ledger_execute(ledger, "PRAGMA wal_checkpoint(RESTART)") : err;
    return err;
}

enum err ledger_execute(struct ledger *ledger, const char *sql)
{
    return err_from_sqlite(ledger, sqlite3_exec(ledger->db, sql, NULL, NULL, NULL));
}

bool ledger_is_damaged(const struct ledger *ledger)
{
    return ledger->damaged_page > 0;
}

const char *ledger_complaint(struct ledger *ledger)
{
    if (ledger->damaged_page > 0) {
        (void)snprintf(ledger->complaint, sizeof ledger->complaint,
                       "page %llu is not what was written",
                       (unsigned long long)ledger->damaged_page);
        return ledger->complaint;
    }
    return ledger->db == NULL ? "out of memory" : sqlite3_errmsg(ledger->db);
}

/* ---- Transactions. */

static enum err run_literal(struct ledger *ledger, const char *sql)
{
    struct statement *statement;
    enum err err = ledger_prepare(ledger, sql, &statement);
    return err == OK ? statement_run(statement) : err;
}

enum err ledger_begin(struct ledger *ledger)
{
    assert(!ledger->in_transaction);
    if (ledger->broken) {
        return ERR_IO;
    }
    enum err err = run_literal(ledger, "BEGIN IMMEDIATE");
    if (err == OK) {
        ledger->in_transaction = true;
        ledger->lost = OK;
    }
    return err;
}

enum err ledger_commit(struct ledger *ledger)
{
    assert(ledger->in_transaction);
    enum err err = ledger->lost != OK ? ledger->lost : run_literal(ledger, "COMMIT");
    if (err != OK) {
        ledger_rollback(ledger);
    }
    ledger->in_transaction = false;
    watch_end(ledger, err == OK);
    return err;
}

void ledger_rollback(struct ledger *ledger)
{
    if (ledger->in_transaction && sqlite3_get_autocommit(ledger->db) == 0) {
        /* Without the log's pages there is nothing that SQLite could fail to take back. */
        (void)!run_literal(ledger, "ROLLBACK");
    }
    ledger->in_transaction = false;
    watch_end(ledger, false);
}

bool ledger_in_transaction(const struct ledger *ledger)
{
    return ledger->in_transaction;
}

/* ---- Who watches what is written. */

static void row_written(void *context, int code, const char *database, const char *table,
                        sqlite3_int64 row)
{
    struct ledger *ledger = context;
    enum touch touch = code == SQLITE_INSERT   ? TOUCH_INSERT
                       : code == SQLITE_UPDATE ? TOUCH_UPDATE
                                               : TOUCH_DELETE;
    (void)database;
    ledger->touched = true;
    ledger->watch.touched(ledger->watch.context, touch, table, row);
}

void ledger_watch(struct ledger *ledger, const struct ledger_watch *watch)
{
    ledger->watched = watch != NULL;
    ledger->watch = watch != NULL ? *watch : (struct ledger_watch){0};
    ledger->touched = false;
    (void)sqlite3_update_hook(ledger->db, watch != NULL ? row_written : NULL, ledger);
}

/* Told once a transaction, and not of one that wrote nothing. */
static void watch_end(struct ledger *ledger, bool on_disk)
{
    if (ledger->watched && ledger->touched) {
        ledger->touched = false;
        ledger->watch.ended(ledger->watch.context, on_disk);
    }
}

/* ---- Statements. */

enum err ledger_prepare(struct ledger *ledger, const char *sql, struct statement **ret)
{
    size_t slot = ((uintptr_t)sql >> 3) % STATEMENT_SLOTS;
    for (; ledger->statements[slot] != NULL; slot = (slot + 1) % STATEMENT_SLOTS) {
        if (ledger->statements[slot]->sql == sql) {
            struct statement *known = ledger->statements[slot];
            (void)sqlite3_reset(known->compiled);
            (void)sqlite3_clear_bindings(known->compiled);
            *ret = known;
            return OK;
        }
    }
    if (ledger->statements_count == STATEMENTS_MAX) {
        return ERR_LIMIT;
    }
    struct statement *statement = calloc(1, sizeof *statement);
    if (statement == NULL) {
        return ERR_MEMORY;
    }
    *statement = (struct statement){.ledger = ledger, .sql = sql};
    int code = sqlite3_prepare_v3(ledger->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                  &statement->compiled, NULL);
    if (code != SQLITE_OK) {
        free(statement);
        return err_from_sqlite(ledger, code);
    }
    ledger->statements[slot] = statement;
    ledger->statements_count++;
    *ret = statement;
    return OK;
}

enum err statement_bind_int(struct statement *statement, int at, int64_t value)
{
    return err_from_sqlite(statement->ledger, sqlite3_bind_int64(statement->compiled, at, value));
}

/* SQLite takes a NULL pointer for an SQL NULL; the empty text of ours has one. */
enum err statement_bind_text(struct statement *statement, int at, struct str value)
{
    return err_from_sqlite(statement->ledger,
                           sqlite3_bind_text64(statement->compiled, at,
                                               value.data != NULL ? value.data : "", value.size,
                                               SQLITE_TRANSIENT, SQLITE_UTF8));
}

enum err statement_bind_bytes(struct statement *statement, int at, struct str value)
{
    return err_from_sqlite(statement->ledger,
                           sqlite3_bind_blob64(statement->compiled, at,
                                               value.data != NULL ? value.data : "", value.size,
                                               SQLITE_TRANSIENT));
}

enum err statement_bind_null(struct statement *statement, int at)
{
    return err_from_sqlite(statement->ledger, sqlite3_bind_null(statement->compiled, at));
}

enum err statement_step(struct statement *statement, bool *ret_row)
{
    struct ledger *ledger = statement->ledger;
    int code = sqlite3_step(statement->compiled);
    if (code == SQLITE_ROW) {
        *ret_row = true;
        return OK;
    }
    enum err err = code == SQLITE_DONE ? OK : err_from_sqlite(ledger, code);
    if (err == OK) {
        *ret_row = false;
    } else if (ledger->in_transaction && sqlite3_get_autocommit(ledger->db) != 0) {
        ledger->lost = err;
    }
    (void)sqlite3_reset(statement->compiled);
    if (!ledger->in_transaction && ledger->touched) {
        watch_end(ledger, err == OK); /* a statement of its own is its own transaction */
    }
    return err;
}

enum err statement_run(struct statement *statement)
{
    bool row = true;
    enum err err = OK;
    while (err == OK && row) {
        err = statement_step(statement, &row);
    }
    return err;
}

void statement_reset(struct statement *statement)
{
    (void)sqlite3_reset(statement->compiled);
}

int64_t statement_int(struct statement *statement, int at)
{
    return sqlite3_column_int64(statement->compiled, at);
}

struct str statement_text(struct statement *statement, int at)
{
    const unsigned char *text = sqlite3_column_text(statement->compiled, at);
    return str_of(text, (size_t)sqlite3_column_bytes(statement->compiled, at));
}

struct str statement_bytes(struct statement *statement, int at)
{
    const void *bytes = sqlite3_column_blob(statement->compiled, at);
    return str_of(bytes, (size_t)sqlite3_column_bytes(statement->compiled, at));
}

bool statement_is_null(struct statement *statement, int at)
{
    return sqlite3_column_type(statement->compiled, at) == SQLITE_NULL;
}

const char *statement_name(struct statement *statement, int at)
{
    return sqlite3_column_name(statement->compiled, at); /* NULL beyond the last */
}

enum parameter_kind statement_kind(struct statement *statement, int at)
{
    static const enum parameter_kind kinds[SQLITE_NULL + 1] = {
        PARAMETER_NULL, PARAMETER_INT, PARAMETER_TEXT, PARAMETER_TEXT, PARAMETER_BYTES};
    return kinds[sqlite3_column_type(statement->compiled, at)];
}

int64_t ledger_changes(struct ledger *ledger)
{
    return sqlite3_changes64(ledger->db);
}

static enum err err_from_sqlite(struct ledger *ledger, int code)
{
    switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return ERR_EXISTS;
    case SQLITE_IOERR_NOMEM:
        return ERR_MEMORY;
    case SQLITE_IOERR_DATA:
        return ERR_CORRUPT;
    default:
        break;
    }
    switch (code & 0xff) {
    case SQLITE_OK:
        return OK;
    case SQLITE_NOMEM:
        return ERR_MEMORY;
    case SQLITE_CONSTRAINT:
        return ERR_CONFLICT;
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_AGAIN;
    case SQLITE_TOOBIG:
        return ERR_LIMIT;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
        return ERR_DENIED;
    case SQLITE_ERROR:
        /* A text of ours that is no SQL, or does not fit the tables. */
        return ledger->broken ? ERR_IO : ERR_UNSUPPORTED;
    default:
        return ERR_IO;
    }
}

/* ---- The VFS: files. */

static struct vfs_file *vfs_file_of(sqlite3_file *file)
{
    return (struct vfs_file *)(void *)file;
}

static int file_close_call(sqlite3_file *base)
{
    struct vfs_file *file = vfs_file_of(base);
    file_close(file->file);
    file->file = NULL;
    return SQLITE_OK;
}

static int file_read_call(sqlite3_file *base, void *to, int size, sqlite3_int64 offset)
{
    size_t got = 0;
    struct vfs_file *file = vfs_file_of(base);
    if (file_read(file->file, (uint64_t)offset, to, (size_t)size, &got) != OK) {
        return SQLITE_IOERR_READ;
    }
    if (file->main && offset == 0) {
        file->sums = page_header_sums(to, got);
    }
    if (got == (size_t)size) {
        bool page = file->main && file->sums && page_is_whole((uint64_t)offset, got);
        if (page && !page_sum_holds(to, got, (uint64_t)offset)) {
            file->ledger->damaged_page = (uint64_t)offset / got + 1;
            return SQLITE_IOERR_DATA;
        }
        return SQLITE_OK;
    }
    memset((char *)to + got, 0, (size_t)size - got);
    return SQLITE_IOERR_SHORT_READ;
}

static int file_write_call(sqlite3_file *base, const void *from, int size, sqlite3_int64 offset)
{
    struct vfs_file *file = vfs_file_of(base);
    char page[PAGE_SIZE_MAX];
    if (file->ledger->broken) {
        return SQLITE_IOERR_WRITE;
    }
    if (file->main && offset == 0) {
        file->sums = page_header_sums(from, (size_t)size);
    }
    if (file->main && file->sums && page_is_whole((uint64_t)offset, (size_t)size)) {
        memcpy(page, from, (size_t)size);
        page_sum_put(page, (size_t)size, (uint64_t)offset);
        from = page;
    }
    enum err err = file_write(file->file, (uint64_t)offset, from, (size_t)size);
    return err == OK ? SQLITE_OK : err == ERR_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int file_truncate_call(sqlite3_file *base, sqlite3_int64 size)
{
    struct vfs_file *file = vfs_file_of(base);
    return !file->ledger->broken && file_truncate(file->file, (uint64_t)size) == OK
               ? SQLITE_OK
               : SQLITE_IOERR_TRUNCATE;
}

static int file_sync_call(sqlite3_file *base, int flags)
{
    (void)flags;
    struct vfs_file *file = vfs_file_of(base);
    struct ledger *ledger = file->ledger;
    if (ledger->broken) {
        return SQLITE_IOERR_FSYNC;
    }
    enum err err = file_sync(file->file);
    if (err == OK && file->name_unsynced) {
        err = disk_sync_folder(ledger->disk, ledger->folder);
        file->name_unsynced = err != OK;
    }
    ledger->broken = err != OK;
    return err == OK ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int file_size_call(sqlite3_file *base, sqlite3_int64 *ret)
{
    uint64_t size;
    if (file_size(vfs_file_of(base)->file, &size) != OK) {
        return SQLITE_IOERR_FSTAT;
    }
    *ret = (sqlite3_int64)size;
    return SQLITE_OK;
}

static int file_lock_call(sqlite3_file *base, int level)
{
    (void)level;
    enum err err = file_lock(vfs_file_of(base)->file);
    return err == OK ? SQLITE_OK : err == ERR_AGAIN ? SQLITE_BUSY : SQLITE_IOERR_LOCK;
}

/* The lock stays until the file is closed. */
static int file_unlock_call(sqlite3_file *base, int level)
{
    (void)base;
    (void)level;
    return SQLITE_OK;
}

static int file_reserved_call(sqlite3_file *base, int *ret)
{
    (void)base;
    *ret = 0;
    return SQLITE_OK;
}

static int file_control_call(sqlite3_file *base, int operation, void *argument)
{
    (void)base;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int file_sector_call(sqlite3_file *base)
{
    (void)base;
    return SECTOR_SIZE;
}

/* None: SQLite then assumes the least of the disk. */
static int file_abilities_call(sqlite3_file *base)
{
    (void)base;
    return 0;
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 1,
    .xClose = file_close_call,
    .xRead = file_read_call,
    .xWrite = file_write_call,
    .xTruncate = file_truncate_call,
    .xSync = file_sync_call,
    .xFileSize = file_size_call,
    .xLock = file_lock_call,
    .xUnlock = file_unlock_call,
    .xCheckReservedLock = file_reserved_call,
    .xFileControl = file_control_call,
    .xSectorSize = file_sector_call,
    .xDeviceCharacteristics = file_abilities_call,
};

/* ---- The VFS: names. */

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
                    int *ret_flags)
{
    struct ledger *ledger = vfs->pAppData;
    struct vfs_file *file = vfs_file_of(base);
    *file = (struct vfs_file){.ledger = ledger};
    bool there = true;
    /* A temporary file has no name; see (3). */
    if (name == NULL || disk_exists(ledger->disk, name, &there) != OK) {
        return SQLITE_CANTOPEN;
    }
    enum err err = there && (flags & SQLITE_OPEN_WAL) != 0 ? wal_renew(ledger->disk, name) : OK;
    if (err != OK) {
        return err == ERR_FULL ? SQLITE_FULL : SQLITE_CANTOPEN;
    }
    enum disk_open_mode mode = (flags & SQLITE_OPEN_READWRITE) == 0 ? DISK_READ
                               : (flags & SQLITE_OPEN_CREATE) == 0  ? DISK_WRITE
                                                                    : DISK_WRITE_CREATE;
    if (disk_open(ledger->disk, name, mode, &file->file, NULL) != OK) {
        return SQLITE_CANTOPEN;
    }
    if (there && (flags & SQLITE_OPEN_MAIN_DB) != 0) {
        err = first_page_renew(ledger->disk, ledger->folder, file->file);
        if (err != OK) {
            file_close(file->file);
            return err == ERR_AGAIN ? SQLITE_BUSY : SQLITE_CANTOPEN;
        }
    }
    file->name_unsynced = !there;
    file->main = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    file->base.pMethods = &file_methods;
    if (ret_flags != NULL) {
        *ret_flags = flags;
    }
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    (void)sync_folder;
    struct ledger *ledger = vfs->pAppData;
    enum err err = ledger->broken ? ERR_IO : disk_remove(ledger->disk, name);
    if (err == ERR_NOT_FOUND) {
        return SQLITE_IOERR_DELETE_NOENT;
    }
    if (err == OK) {
        err = disk_sync_folder(ledger->disk, ledger->folder);
        ledger->broken = err != OK;
    }
    return err == OK ? SQLITE_OK : SQLITE_IOERR_DELETE;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
    (void)flags;
    struct ledger *ledger = vfs->pAppData;
    bool there;
    if (disk_exists(ledger->disk, name, &there) != OK) {
        return SQLITE_IOERR_ACCESS;
    }
    *ret = there;
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *ret)
{
    (void)vfs;
    return snprintf(ret, (size_t)size, "%s", name) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *ret)
{
    (void)vfs;
    random_bytes(ret, (size_t)size);
    return size;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return microseconds;
}

static int vfs_time(sqlite3_vfs *vfs, sqlite3_int64 *ret)
{
    (void)vfs;
    *ret = MS_FROM_JULIAN_DAY;
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *text)
{
    (void)vfs;
    (void)size;
    (void)text;
    return 0;
}
