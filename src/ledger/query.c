/* A statement with all its parameters, in one call. */

#include "ledger/private.h"

enum err ledger_query(struct ledger *ledger, const char *sql, const struct parameter *list,
                      size_t count, struct statement **ret)
{
    struct statement *statement;
    enum err err = ledger_prepare(ledger, sql, &statement);
    for (size_t i = 0; i < count && err == OK; i++) {
        int at = (int)i + 1;
        switch (list[i].kind) {
        case PARAMETER_INT:
            err = statement_bind_int(statement, at, list[i].number);
            break;
        case PARAMETER_TEXT:
            err = statement_bind_text(statement, at, list[i].text);
            break;
        case PARAMETER_BYTES:
            err = statement_bind_bytes(statement, at, list[i].text);
            break;
        case PARAMETER_NULL:
            err = statement_bind_null(statement, at);
            break;
        }
    }
    if (err == OK) {
        *ret = statement;
    }
    return err;
}
