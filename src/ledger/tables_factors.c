/* The tables of second factors, and when somebody last signed in.
 *
 *     factor.secret      sealed: nonce, cipher text, tag (tenant/factor.c)
 *     factor.confirmed   NULL until the first code has come; only then it counts
 *     factor.step        of the last code that was used; none at or before it is taken again
 *     factor.failed      wrong codes in a row
 *     recovery_code.code SHA-256; used ones are deleted, the audit trail tells of them */

#include "ledger/tables.h"

const char tables_factors[] =
    "CREATE TABLE factor (person INTEGER NOT NULL PRIMARY KEY REFERENCES person (id),"
    " secret BLOB NOT NULL, confirmed INTEGER, step INTEGER NOT NULL,"
    " failed INTEGER NOT NULL) STRICT;"
    "CREATE TABLE recovery_code (code BLOB NOT NULL PRIMARY KEY CHECK (length(code) = 32),"
    " person INTEGER NOT NULL REFERENCES person (id)) STRICT;"
    "CREATE INDEX recovery_code_person ON recovery_code (person);"
    "ALTER TABLE person ADD COLUMN signed_in INTEGER;";
