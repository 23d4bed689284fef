/*
 * Devices, what ails them, the books by the minute, and who asks to be enrolled.
 *
 *     source.own       1: the service's own source of a client, where heartbeats and the books go
 *     device           an element of an apply file; its versions are in document_version
 *     vigil            what was learned of a source (build/vigil_bytes.c)
 *     ailment          what ailed a device, from opened to closed; storm: the one it is told with
 *     books_minute     one stretch of a source's books: waiting_before + received =
 *                      stored + deduplicated + rejected… + in_flight, in every row; rejected as in
 *                      books_snapshot; seconds: how long the stretch is
 *     books_hour       the same by the hour, kept longer
 *     books_seen       the account at the end of the last stretch
 *     proposal         a sender that no document names; sample: the beginning of one record
 */

#include "ledger/tables.h"

#define STRETCH                                                                             \
    " source INTEGER NOT NULL REFERENCES source (id), at INTEGER NOT NULL,"                 \
    " client INTEGER NOT NULL REFERENCES client (id), seconds INTEGER NOT NULL,"            \
    " waiting_before INTEGER NOT NULL, received INTEGER NOT NULL, stored INTEGER NOT NULL," \
    " deduplicated INTEGER NOT NULL, rejected BLOB NOT NULL, in_flight INTEGER NOT NULL,"   \
    " failures INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (source, at)"

const char tables_devices[] =
    "ALTER TABLE source ADD COLUMN own INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE books_snapshot ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE books_snapshot ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE device (id " ID ", client INTEGER NOT NULL REFERENCES client (id),"
    " slug TEXT NOT NULL, active INTEGER NOT NULL CHECK (active IN (0, 1)),"
    " UNIQUE (client, slug)) STRICT;"
    "CREATE TABLE vigil (source INTEGER NOT NULL PRIMARY KEY REFERENCES source (id),"
    " state BLOB NOT NULL, at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE ailment (id INTEGER NOT NULL PRIMARY KEY,"
    " client INTEGER NOT NULL REFERENCES client (id), device TEXT NOT NULL,"
    " source INTEGER REFERENCES source (id), kind TEXT NOT NULL, detail TEXT NOT NULL,"
    " found INTEGER NOT NULL, usual INTEGER NOT NULL, opened INTEGER NOT NULL, closed INTEGER,"
    " storm INTEGER REFERENCES ailment (id), members INTEGER NOT NULL, planned TEXT NOT NULL,"
    " told INTEGER NOT NULL, provider INTEGER NOT NULL) STRICT;"
    "CREATE INDEX ailment_client ON ailment (client, id);"
    "CREATE INDEX ailment_open ON ailment (client, device, kind) WHERE closed IS NULL;"
    "CREATE TABLE books_minute (" STRETCH ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX books_minute_client ON books_minute (client, at);"
    "CREATE INDEX books_minute_at ON books_minute (at);"
    "CREATE TABLE books_hour (" STRETCH ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX books_hour_client ON books_hour (client, at);"
    "CREATE INDEX books_hour_at ON books_hour (at);"
    "CREATE TABLE books_seen (source INTEGER NOT NULL PRIMARY KEY REFERENCES source (id),"
    " at INTEGER NOT NULL, received INTEGER NOT NULL, stored INTEGER NOT NULL,"
    " deduplicated INTEGER NOT NULL, rejected BLOB NOT NULL, failures INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL) STRICT;"
    /* What was counted before there were minutes belongs to none. */
    "INSERT INTO books_seen (source, at, received, stored, deduplicated, rejected, failures, bytes)"
    " SELECT source, taken_at, received, stored, deduplicated, rejected, 0, 0 FROM books_snapshot;"
    "CREATE TABLE proposal (id INTEGER NOT NULL PRIMARY KEY,"
    " source INTEGER NOT NULL REFERENCES source (id), address TEXT NOT NULL,"
    " first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, count INTEGER NOT NULL,"
    " sample TEXT NOT NULL, parser TEXT NOT NULL, UNIQUE (source, address)) STRICT;";
