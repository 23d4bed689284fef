/*
 * Notices, the steps of their chains, and messages on their way out.
 *
 *     notice.told      what the template tells, a flat JSON object of texts
 *     notice.next      when the chain is climbed again; NULL: it is not climbed any more
 *     notice.climbed   how many steps of the chain were taken, over all its rounds
 *     notice_step      one row a person or gateway; `number` counts within the notice, `step` is
 *                      the step of the chain (climbed + 1 at that time); passed: why nothing was
 *                      sent to them, empty where something was
 *     outbox.next      when it is tried; NULL: it has ended
 */

#include "ledger/tables.h"

const char tables_notices[] =
    "CREATE TABLE notice (id INTEGER NOT NULL PRIMARY KEY,"
    " client INTEGER NOT NULL REFERENCES client (id), purpose TEXT NOT NULL,"
    " subject_kind TEXT NOT NULL, subject INTEGER NOT NULL, key TEXT NOT NULL, chain TEXT NOT NULL,"
    " severity INTEGER NOT NULL, acknowledge INTEGER NOT NULL CHECK (acknowledge IN (0, 1)),"
    " told TEXT NOT NULL, created INTEGER NOT NULL, next INTEGER, climbed INTEGER NOT NULL,"
    " settled INTEGER, acknowledged INTEGER, acknowledged_by TEXT, unanswered INTEGER,"
    " UNIQUE (client, subject_kind, subject, purpose, key)) STRICT;"
    "CREATE INDEX notice_next ON notice (next) WHERE next IS NOT NULL;"
    "CREATE TABLE outbox (id INTEGER NOT NULL PRIMARY KEY,"
    " client INTEGER NOT NULL REFERENCES client (id), notice INTEGER REFERENCES notice (id),"
    " kind TEXT NOT NULL CHECK (kind IN ('mail', 'webhook')), contact TEXT NOT NULL,"
    " recipient TEXT NOT NULL, identity TEXT NOT NULL UNIQUE, body TEXT NOT NULL,"
    " signing TEXT NOT NULL, tries INTEGER NOT NULL, next INTEGER, created INTEGER NOT NULL,"
    " ended INTEGER, state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),"
    " said TEXT NOT NULL) STRICT;"
    "CREATE INDEX outbox_next ON outbox (next) WHERE next IS NOT NULL;"
    "CREATE INDEX outbox_share ON outbox (client, kind, next) WHERE next IS NOT NULL;"
    "CREATE INDEX outbox_notice ON outbox (client, notice);"
    "CREATE TABLE notice_step (notice INTEGER NOT NULL REFERENCES notice (id),"
    " number INTEGER NOT NULL, step INTEGER NOT NULL, contact TEXT NOT NULL, name TEXT NOT NULL,"
    " means TEXT NOT NULL, recipient TEXT NOT NULL, language TEXT NOT NULL, at INTEGER NOT NULL,"
    " passed TEXT NOT NULL,"
    " code BLOB UNIQUE CHECK (length(code) = 32), code_used INTEGER,"
    " message INTEGER REFERENCES outbox (id), PRIMARY KEY (notice, number)) STRICT;";
