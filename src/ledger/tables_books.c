/* When a record last came from each source (0: never yet), kept with its account; and an index for
 * the question how many messages were given up lately. */

#include "ledger/tables.h"

const char tables_books[] =
    "ALTER TABLE books_snapshot ADD COLUMN heard INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX outbox_failed ON outbox (ended) WHERE state = 'failed';";
