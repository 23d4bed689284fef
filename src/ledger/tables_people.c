/* The tables of people: which ones there are, through which engagements they reach a client, and
 * what lets them in.  What is said of a person or engagement (name, roles, dates, assignments) is
 * in the versions of their elements, and nowhere else; here they have ids, which are never given
 * twice.  Tokens are kept as SHA-256 alone; what ended is
 * deleted, since the audit trail tells of it. */

#include "ledger/tables.h"

const char tables_people[] =
    "CREATE TABLE person (id " ID ", party INTEGER NOT NULL REFERENCES party (id),"
    " slug TEXT NOT NULL, active INTEGER NOT NULL CHECK (active IN (0, 1)),"
    " password TEXT NOT NULL, UNIQUE (party, slug)) STRICT;"
    "CREATE TABLE engagement (id " ID ", client INTEGER NOT NULL REFERENCES client (id),"
    " slug TEXT NOT NULL, active INTEGER NOT NULL CHECK (active IN (0, 1)),"
    " UNIQUE (client, slug)) STRICT;"
    "CREATE TABLE session (id INTEGER NOT NULL PRIMARY KEY,"
    " token BLOB NOT NULL UNIQUE CHECK (length(token) = 32),"
    " person INTEGER NOT NULL REFERENCES person (id), created INTEGER NOT NULL,"
    " seen INTEGER NOT NULL, peer TEXT NOT NULL, agent TEXT NOT NULL) STRICT;"
    "CREATE INDEX session_person ON session (person);"
    "CREATE TABLE api_token (id INTEGER NOT NULL PRIMARY KEY,"
    " token BLOB NOT NULL UNIQUE CHECK (length(token) = 32),"
    " person INTEGER NOT NULL REFERENCES person (id), name TEXT NOT NULL, rights INTEGER NOT NULL,"
    " created INTEGER NOT NULL, expires INTEGER NOT NULL, seen INTEGER) STRICT;"
    "CREATE INDEX api_token_person ON api_token (person);"
    /* Without a person: the first set-up. */
    "CREATE TABLE one_time (token BLOB NOT NULL PRIMARY KEY CHECK (length(token) = 32),"
    " person INTEGER REFERENCES person (id), expires INTEGER NOT NULL) STRICT;";
