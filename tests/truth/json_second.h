#pragma once

/* Two readers of JSON that are not ours, for json_oracle.c: simdjson's DOM and yajl. */

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "base/buf.h"

enum json_second {
    JSON_SECOND_OK,
    JSON_SECOND_WRONG,
    JSON_SECOND_NUMBER, /* one that fits neither 64 bits nor a double, or is none */
    JSON_SECOND_STRING, /* an escape that is none, or half a surrogate */
};

struct json_seen {
    enum json_second verdict;
    bool utf8;
    bool object;    /* the outermost value */
    size_t members; /* of that */
    bool twice;     /* a name stands twice in an object */
    bool nul;       /* in a string or a name */
};

/* What simdjson says.  Of what it takes, each leaf goes into leaves as "PATH=KIND:VALUE;", paths as
 * in codec/json.h. */
void json_simdjson(struct str text, struct buf *leaves, struct json_seen *ret);
/* Whether yajl takes the text. */
bool json_yajl(struct str text);

#ifdef __cplusplus
}
#endif
