/* The table of saved searches.
 *
 *     span    how far back it looks, as people type it: "24h"; empty: whoever asks says
 *     shared  0: the person's own; 1: for all who may read the client's events */

#include "ledger/tables.h"

const char tables_searches[] =
    "CREATE TABLE saved_search (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,"
    " client INTEGER NOT NULL REFERENCES client (id),"
    " person INTEGER NOT NULL REFERENCES person (id), name TEXT NOT NULL, query TEXT NOT NULL,"
    " span TEXT NOT NULL, shared INTEGER NOT NULL CHECK (shared IN (0, 1)),"
    " changed INTEGER NOT NULL) STRICT;"
    "CREATE INDEX saved_search_client ON saved_search (client, name);";
