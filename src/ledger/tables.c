/*
 * The tables of the ledger, as steps from one version to the next.  A step that was once released
 * is never changed; a new table or column is a new step at the end.
 *
 * Identifiers of parties, clients and sources are given once: rows of these tables are never
 * deleted.  Times are nanoseconds since 1970.
 */

#include "ledger/tables.h"
#include "ledger/private.h"

static const char tables_1[] =
    /* What the installation says of itself. */
    "CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT;"

    /* Organisations; a client is one whose events and incidents are kept. */
    "CREATE TABLE party (id " ID ", slug TEXT NOT NULL UNIQUE, name_ja TEXT NOT NULL,"
    " name_en TEXT NOT NULL) STRICT;"
    "CREATE TABLE client (id " ID ", party INTEGER NOT NULL UNIQUE REFERENCES party (id)) STRICT;"

    /* Log sources.  One that left the documents stays, inactive.  unknown_listener: not empty for
     * the installation's own sources of unknown senders. */
    "CREATE TABLE source (id " ID ", client INTEGER NOT NULL REFERENCES client (id),"
    " slug TEXT NOT NULL, active INTEGER NOT NULL CHECK (active IN (0, 1)),"
    " unknown_listener TEXT NOT NULL, UNIQUE (client, slug)) STRICT;"

    /* Documents: each text once, and when it became effective.  The canonical JSON `null` is an
     * element that was removed. */
    "CREATE TABLE document_text (hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),"
    " canonical TEXT NOT NULL) STRICT;"
    "CREATE TABLE document_version (id INTEGER NOT NULL PRIMARY KEY,"
    " client INTEGER NOT NULL REFERENCES client (id), kind TEXT NOT NULL, path TEXT NOT NULL,"
    " hash TEXT NOT NULL REFERENCES document_text (hash), effective_from INTEGER NOT NULL) STRICT;"
    "CREATE INDEX document_version_path ON document_version (client, kind, path, id);"

    /* Who did what to what, chained by hash. */
    "CREATE TABLE audit (id INTEGER NOT NULL PRIMARY KEY, wall_ns INTEGER NOT NULL,"
    " principal TEXT NOT NULL, action TEXT NOT NULL, object TEXT NOT NULL, detail TEXT NOT NULL,"
    " hash BLOB NOT NULL CHECK (length(hash) = 32)) STRICT;"

    "CREATE TABLE alert (id INTEGER NOT NULL PRIMARY KEY,"
    " client INTEGER NOT NULL REFERENCES client (id), sequence INTEGER NOT NULL,"
    " rule_id TEXT NOT NULL, source INTEGER NOT NULL, received INTEGER NOT NULL,"
    " happened INTEGER, level INTEGER NOT NULL, rule_title TEXT NOT NULL,"
    " rule_author TEXT NOT NULL, rule_link TEXT NOT NULL, rule_tags TEXT NOT NULL,"
    " rule_version TEXT NOT NULL, stored INTEGER NOT NULL,"
    " UNIQUE (client, rule_id, sequence)) STRICT;"
    "CREATE INDEX alert_client ON alert (client, id);"
    "CREATE TABLE bookmark (client INTEGER NOT NULL PRIMARY KEY REFERENCES client (id),"
    " sequence INTEGER NOT NULL CHECK (sequence >= 1)) STRICT;"

    /* The last known accounts; rejected: 8-byte little-endian counts by reason. */
    "CREATE TABLE books_snapshot (source INTEGER NOT NULL PRIMARY KEY REFERENCES source (id),"
    " client INTEGER NOT NULL REFERENCES client (id), received INTEGER NOT NULL,"
    " stored INTEGER NOT NULL, deduplicated INTEGER NOT NULL, rejected BLOB NOT NULL,"
    " taken_at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE books_gap (id INTEGER NOT NULL PRIMARY KEY,"
    " source INTEGER NOT NULL REFERENCES source (id), gap_from INTEGER NOT NULL,"
    " gap_to INTEGER NOT NULL) STRICT;"
    "CREATE INDEX books_gap_source ON books_gap (source, id);";

const struct migration migrations[] = {
    {"the spine", tables_1},     {"people", tables_people},       {"documents", tables_documents},
    {"clocks", tables_clocks},   {"notices", tables_notices},     {"incidents", tables_incidents},
    {"rules", tables_rules},     {"counts", tables_counts},       {"groups", tables_groups},
    {"factors", tables_factors}, {"books", tables_books},         {"devices", tables_devices},
    {"keeping", tables_keeping}, {"provision", tables_provision}, {"searches", tables_searches},
    {"trail", tables_trail},
};
const size_t migrations_count = sizeof migrations / sizeof *migrations;
