/*
 * The audit trail's words apart from its chain (audit.c), so that they can go with their client.
 *
 *     form      2; lines from before this step have 1; 0: of these, whose words went
 *     client    whose words they are; 0: nobody's
 *     salt      NULL: the detail went with its client, or was hashed as it is (form 1)
 *     words     SHA-256 of salt and detail
 */

#include "ledger/tables.h"

const char tables_trail[] = "ALTER TABLE audit ADD COLUMN form INTEGER NOT NULL DEFAULT 1;"
                            "ALTER TABLE audit ADD COLUMN client INTEGER NOT NULL DEFAULT 0;"
                            "ALTER TABLE audit ADD COLUMN salt BLOB;"
                            "ALTER TABLE audit ADD COLUMN words BLOB;";
