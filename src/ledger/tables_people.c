/* The tables of people: who they are, through which engagement they reach a client, and what
 * lets them in.  Tokens are kept as SHA-256 alone. */

#include "ledger/tables.h"

const char tables_people[] =
    "ALTER TABLE party ADD COLUMN kinds TEXT NOT NULL DEFAULT '';"
    "CREATE TABLE person (id " ID ", party INTEGER NOT NULL REFERENCES party (id),"
    " slug TEXT NOT NULL, name_ja TEXT NOT NULL, name_en TEXT NOT NULL, mail TEXT NOT NULL,"
    " language TEXT NOT NULL CHECK (language IN ('ja', 'en')),"
    " active INTEGER NOT NULL CHECK (active IN (0, 1)), password TEXT NOT NULL,"
    " UNIQUE (party, slug)) STRICT;"
    "CREATE TABLE person_role (person INTEGER NOT NULL REFERENCES person (id), role TEXT NOT NULL,"
    " PRIMARY KEY (person, role)) STRICT;"
    "CREATE TABLE engagement (id " ID ", client INTEGER NOT NULL REFERENCES client (id),"
    " slug TEXT NOT NULL, party INTEGER NOT NULL REFERENCES party (id), state TEXT NOT NULL,"
    " starts INTEGER, ends INTEGER, active INTEGER NOT NULL CHECK (active IN (0, 1)),"
    " UNIQUE (client, slug)) STRICT;"
    "CREATE TABLE assignment (engagement INTEGER NOT NULL REFERENCES engagement (id),"
    " person INTEGER NOT NULL REFERENCES person (id), role TEXT NOT NULL,"
    " PRIMARY KEY (engagement, person, role)) STRICT;"
    "CREATE TABLE session (id INTEGER NOT NULL PRIMARY KEY,"
    " token BLOB NOT NULL UNIQUE CHECK (length(token) = 32),"
    " person INTEGER NOT NULL REFERENCES person (id), created INTEGER NOT NULL,"
    " seen INTEGER NOT NULL, ended INTEGER, peer TEXT NOT NULL, agent TEXT NOT NULL) STRICT;"
    "CREATE INDEX session_person ON session (person, ended);"
    "CREATE TABLE api_token (id INTEGER NOT NULL PRIMARY KEY,"
    " token BLOB NOT NULL UNIQUE CHECK (length(token) = 32),"
    " person INTEGER NOT NULL REFERENCES person (id), name TEXT NOT NULL, rights INTEGER NOT NULL,"
    " created INTEGER NOT NULL, expires INTEGER NOT NULL, seen INTEGER, ended INTEGER) STRICT;"
    "CREATE INDEX api_token_person ON api_token (person, ended);"
    "CREATE TABLE one_time (token BLOB NOT NULL PRIMARY KEY CHECK (length(token) = 32),"
    " purpose TEXT NOT NULL, person INTEGER REFERENCES person (id), created INTEGER NOT NULL,"
    " expires INTEGER NOT NULL, used INTEGER) STRICT;";
