/* Versions of documents.  A version is a row of its own even where its text was there before; the
 * texts lie in document_text, once each.
 *
 * wanted: from when it is to run, if somebody said so.  due: from when it may, known with the last
 * signature.  effective, ended: since and until when it ran.  author_side: enum side. */

#include "ledger/tables.h"

const char tables_documents[] =
    "CREATE TABLE document (id INTEGER NOT NULL PRIMARY KEY,"
    " client INTEGER NOT NULL REFERENCES client (id), kind TEXT NOT NULL, number INTEGER NOT NULL,"
    " hash TEXT NOT NULL REFERENCES document_text (hash), author TEXT NOT NULL,"
    " author_side INTEGER NOT NULL, note TEXT NOT NULL, created INTEGER NOT NULL, wanted INTEGER,"
    " due INTEGER, effective INTEGER, ended INTEGER, withdrawn INTEGER,"
    " UNIQUE (client, kind, number)) STRICT;"
    "CREATE INDEX document_hash ON document (client, kind, hash);"
    "CREATE INDEX document_due ON document (due) WHERE effective IS NULL AND withdrawn IS NULL;"
    "CREATE TABLE document_signature (document INTEGER NOT NULL REFERENCES document (id),"
    " roles INTEGER NOT NULL, role TEXT NOT NULL, who TEXT NOT NULL, at INTEGER NOT NULL,"
    " key TEXT NOT NULL, signature TEXT NOT NULL, PRIMARY KEY (document, roles),"
    " UNIQUE (document, who)) STRICT;"
    "CREATE TABLE document_acknowledgement (document INTEGER NOT NULL REFERENCES document (id),"
    " who TEXT NOT NULL, at INTEGER NOT NULL, note TEXT NOT NULL,"
    " PRIMARY KEY (document, who)) STRICT;"
    "CREATE TABLE disclosure (client INTEGER NOT NULL REFERENCES client (id), kind TEXT NOT NULL,"
    " path TEXT NOT NULL, disclosure TEXT NOT NULL, who TEXT NOT NULL, at INTEGER NOT NULL,"
    " PRIMARY KEY (client, kind, path)) STRICT;";
