/*
 * Editions of the installation's rules.
 *
 *     edition.bundle    the rule texts, compressed (zstd); `size` is what they unpack to
 *     edition.seen      the order in which the configuration or an import last named it
 *     edition_force     which edition was in force from when on; the last row is
 */

#include "ledger/tables.h"

const char tables_rules[] =
    "CREATE TABLE edition (id INTEGER NOT NULL PRIMARY KEY,"
    " hash TEXT NOT NULL UNIQUE CHECK (length(hash) = 64),"
    " origin TEXT NOT NULL CHECK (origin IN ('configuration', 'import')), note TEXT NOT NULL,"
    " who TEXT NOT NULL, at INTEGER NOT NULL, seen INTEGER NOT NULL, bundle BLOB NOT NULL,"
    " size INTEGER NOT NULL, loaded INTEGER NOT NULL, refused INTEGER NOT NULL,"
    " needs_values INTEGER NOT NULL, report TEXT NOT NULL) STRICT;"
    "CREATE TABLE edition_force (id INTEGER NOT NULL PRIMARY KEY,"
    " edition INTEGER NOT NULL REFERENCES edition (id), who TEXT NOT NULL,"
    " at INTEGER NOT NULL) STRICT;";
