/* Clocks and what happened to each, in order.  `calendar` is the slug in the version `calendars`,
 * empty for a clock that always runs; `stop` the moment that stops it; `due` when it has to be
 * looked at next. */

#include "ledger/tables.h"

const char tables_clocks[] =
    "CREATE TABLE clock (id INTEGER NOT NULL PRIMARY KEY,"
    " client INTEGER NOT NULL REFERENCES client (id), subject_kind TEXT NOT NULL,"
    " subject INTEGER NOT NULL, metric TEXT NOT NULL, sla TEXT NOT NULL, calendars TEXT NOT NULL,"
    " calendar TEXT NOT NULL, stop TEXT NOT NULL,"
    " severity INTEGER NOT NULL, target_ns INTEGER NOT NULL, warn_ns INTEGER NOT NULL,"
    " started INTEGER NOT NULL, state TEXT NOT NULL"
    " CHECK (state IN ('running', 'paused', 'stopped')),"
    " due INTEGER, UNIQUE (client, subject_kind, subject, metric)) STRICT;"
    "CREATE INDEX clock_due ON clock (due) WHERE due IS NOT NULL;"
    "CREATE TABLE clock_event (clock INTEGER NOT NULL REFERENCES clock (id),"
    " number INTEGER NOT NULL, what TEXT NOT NULL, at INTEGER NOT NULL, recorded INTEGER NOT NULL,"
    " who TEXT NOT NULL, reason TEXT NOT NULL, note TEXT NOT NULL,"
    " PRIMARY KEY (clock, number)) STRICT;"
    "CREATE UNIQUE INDEX clock_event_once ON clock_event (clock, what)"
    " WHERE what IN ('start', 'warning', 'breach');";
