/* Times as the APIs of services write them. */

#include <string.h>

#include "codec/time.h"
#include "parse/private.h"
#include "testing/testing.h"

/* Whether the whole of a text is that moment. */
static bool reads(const char *text, const char *moment)
{
    struct str rest = str_from(text);
    struct wall got;
    struct wall wanted;
    return stamp_any(&rest, &got) && rest.size == 0 &&
           time_parse(str_from(moment), &wanted) == OK && got.ns == wanted.ns;
}

TEST(services_write_one_moment_in_many_ways)
{
    static const char moment[] = "2026-11-21T10:00:00Z";
    static const char *const texts[] = {
        "2026-11-21T10:00:00Z",
        "2026-11-21 10:00:00",
        "2026-11-21T19:00:00+0900",
        "2026-11-21 10:00:00 (UTC)",
        "2026-11-21T10:00:00.000000000",
        "2026-11-21 10:00:00 UTC",
        "1795255200",
        "1795255200.000000",
        "1795255200000",
        "1795255200000000",
        "1795255200000000000",
        "Sat Nov 21 10:00:00 2026",
        "Sat Nov 21 10:00:00 2026 UTC",
        "Sat, 21 Nov 2026 10:00:00 GMT",
        "20261121100000.000",
        "21/Nov/2026:19:00:00 +0900",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        CHECK(reads(texts[i], moment));
    }
}

TEST(what_is_no_moment_is_not_read_as_one)
{
    static const char *const texts[] = {"", "-", "17", "yesterday", "1.000000", "2026-11", "Z"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct str rest = str_from(texts[i]);
        struct wall got;
        CHECK(!stamp_any(&rest, &got));
    }
}

TEST(a_number_of_seconds_beyond_what_a_moment_can_be_is_none)
{
    static const char *const texts[] = {"17952555255200", "99999999999999999",
                                        "9999999999999999999"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct str rest = str_from(texts[i]);
        struct wall got;
        CHECK(!stamp_epoch(&rest, &got) && rest.size == strlen(texts[i]));
    }
}
