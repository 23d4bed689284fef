/* What correlations and exceptions say of alerts, and how many alerts there were beyond those that
 * are kept one by one (incident/storm.c). */

#include "ledger/tables.h"

const char tables_counts[] =
    "ALTER TABLE alert ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE alert ADD COLUMN events INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE alert ADD COLUMN event_group TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE alert ADD COLUMN event_records TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE alert ADD COLUMN excepted TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE alert ADD COLUMN planned TEXT NOT NULL DEFAULT '';"
    "CREATE INDEX alert_excepted ON alert (client, excepted, id) WHERE excepted <> '';"
    "CREATE INDEX alert_planned ON alert (client, planned, id) WHERE planned <> '';"
    /* incident: 0 for none, then day is that of the arrival, counted from 1970, and asset, excepted
     * and planned are part of the key.  kept: rows in alert; counted: alerts without one, from
     * first_sequence to last_sequence; fresh: those of them that the incident does not know yet. */
    "CREATE TABLE alert_count (id INTEGER NOT NULL PRIMARY KEY,"
    " client INTEGER NOT NULL REFERENCES client (id), incident INTEGER NOT NULL,"
    " day INTEGER NOT NULL, rule_id TEXT NOT NULL, asset TEXT NOT NULL, excepted TEXT NOT NULL,"
    " planned TEXT NOT NULL, rule_title TEXT NOT NULL, kept INTEGER NOT NULL,"
    " counted INTEGER NOT NULL, fresh INTEGER NOT NULL, first_sequence INTEGER NOT NULL,"
    " last_sequence INTEGER NOT NULL, seen_first INTEGER NOT NULL, seen_last INTEGER NOT NULL,"
    " UNIQUE (client, incident, day, rule_id, asset, excepted, planned)) STRICT;"
    "CREATE INDEX alert_count_client ON alert_count (client, id);"
    "CREATE INDEX alert_count_fresh ON alert_count (client, id) WHERE fresh > 0;"
    "CREATE INDEX alert_count_excepted ON alert_count (client, excepted) WHERE excepted <> '';"
    "CREATE INDEX alert_count_planned ON alert_count (client, planned) WHERE planned <> '';";
