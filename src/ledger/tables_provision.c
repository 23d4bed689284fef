/*
 * Requests for logs, what was delivered, and clients that leave.
 *
 *     provision.state     a word of provision/request.c; file: its name below DATA/packages, empty
 *                         where there is none (any more)
 *     provision.sources   slugs, one a line; empty: all
 *     provision_step      the history of one: written once, never changed
 *     offboarding         at most one of a client that is not cancelled; the certificate is what
 *                         was signed, as JSON, and its signature beside it
 */

#include "ledger/tables.h"

const char tables_provision[] =
    "CREATE TABLE provision (id INTEGER NOT NULL PRIMARY KEY,"
    " client INTEGER NOT NULL REFERENCES client (id), state TEXT NOT NULL,"
    " asked INTEGER NOT NULL, asked_by TEXT NOT NULL, asked_side INTEGER NOT NULL,"
    " person INTEGER NOT NULL, from_ns INTEGER NOT NULL, to_ns INTEGER NOT NULL,"
    " sources TEXT NOT NULL, query TEXT NOT NULL, format TEXT NOT NULL, proof INTEGER NOT NULL,"
    " language TEXT NOT NULL, purpose TEXT NOT NULL, approved INTEGER, approved_by TEXT NOT NULL,"
    " made INTEGER, expires INTEGER, file TEXT NOT NULL, size INTEGER NOT NULL,"
    " sha256 TEXT NOT NULL, events INTEGER NOT NULL, failure TEXT NOT NULL,"
    " downloads INTEGER NOT NULL, offboarding INTEGER NOT NULL) STRICT;"
    "CREATE INDEX provision_client ON provision (client, id);"
    "CREATE INDEX provision_preparing ON provision (id) WHERE state = 'preparing';"
    "CREATE INDEX provision_expires ON provision (expires) WHERE expires IS NOT NULL;"
    "CREATE TABLE provision_step (provision INTEGER NOT NULL REFERENCES provision (id),"
    " number INTEGER NOT NULL, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,"
    " note TEXT NOT NULL, PRIMARY KEY (provision, number)) STRICT;"
    "CREATE TABLE offboarding (id INTEGER NOT NULL PRIMARY KEY,"
    " client INTEGER NOT NULL REFERENCES client (id), state TEXT NOT NULL,"
    " asked INTEGER NOT NULL, asked_by TEXT NOT NULL, reason TEXT NOT NULL,"
    " language TEXT NOT NULL, exported INTEGER, provision INTEGER NOT NULL,"
    " client_at INTEGER, client_by TEXT NOT NULL, provider_at INTEGER, provider_by TEXT NOT NULL,"
    " ended INTEGER, certificate TEXT NOT NULL, signature TEXT NOT NULL,"
    " failure TEXT NOT NULL) STRICT;"
    "CREATE INDEX offboarding_client ON offboarding (client, id);";
