/*
 * What keeps logs, and what went.
 *
 *     hold            stops the schedule; sources: ids joined by blanks, empty: all of the
 * client's; span_from, span_to: arrivals, NULL: open; ends: by itself; incident: number, 0: by
 * request; side: enum side, of who made it dropped         a segment that went; the archive's
 * tombstone proves it drop_schedule   when the schedule last ran, in its only row
 */

#include "ledger/tables.h"

const char tables_keeping[] =
    "CREATE TABLE hold (id INTEGER NOT NULL PRIMARY KEY,"
    " client INTEGER NOT NULL REFERENCES client (id), sources TEXT NOT NULL, span_from INTEGER,"
    " span_to INTEGER, ends INTEGER, incident INTEGER NOT NULL, why TEXT NOT NULL,"
    " who TEXT NOT NULL, side INTEGER NOT NULL, made INTEGER NOT NULL, released INTEGER,"
    " released_by TEXT NOT NULL DEFAULT '', released_why TEXT NOT NULL DEFAULT '') STRICT;"
    "CREATE INDEX hold_client ON hold (client, id);"
    "CREATE INDEX hold_in_force ON hold (client, id) WHERE released IS NULL;"
    "CREATE TABLE dropped (id INTEGER NOT NULL PRIMARY KEY,"
    " client INTEGER NOT NULL REFERENCES client (id), segment INTEGER NOT NULL,"
    " first INTEGER NOT NULL, last INTEGER NOT NULL, events INTEGER NOT NULL,"
    " original INTEGER NOT NULL, stored INTEGER NOT NULL, oldest INTEGER NOT NULL,"
    " newest INTEGER NOT NULL, days INTEGER NOT NULL, due INTEGER NOT NULL, at INTEGER NOT NULL,"
    " UNIQUE (client, segment)) STRICT;"
    "CREATE INDEX dropped_client ON dropped (client, id);"
    "CREATE TABLE drop_schedule (id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),"
    " at INTEGER NOT NULL) STRICT;"
    /* Who read logs is asked for by client; the audit trail is long. */
    "CREATE INDEX audit_read ON audit (object, id) WHERE action = 'read';";
