/* Buckets, in a time of the test's own. */

#include "portal/limit.h"

#include <stdio.h>

#include "testing/testing.h"

static const struct limit_rate rate = {.second = 10, .burst = 5};

static struct mono at_ms(int64_t ms)
{
    return (struct mono){ms * NS_PER_MS};
}

static unsigned taken(struct limit *limit, const char *key, struct mono now, unsigned tries)
{
    unsigned count = 0;
    for (unsigned i = 0; i < tries; i++) {
        count += limit_take(limit, str_from(key), rate, now);
    }
    return count;
}

TEST(a_burst_is_had_at_once_and_then_only_what_comes_back)
{
    struct limit *limit;
    CHECK(limit_new(64, 7, &limit) == OK);
    CHECK(taken(limit, "a", at_ms(0), 100) == 5);
    CHECK(taken(limit, "b", at_ms(0), 100) == 5);
    CHECK(taken(limit, "a", at_ms(99), 100) == 0);
    CHECK(taken(limit, "a", at_ms(100), 100) == 1);
    CHECK(taken(limit, "a", at_ms(1100), 100) == 5);
    CHECK(taken(limit, "a", at_ms(INT32_MAX), 100) == 5);
    limit_free(limit);
}

TEST(whoever_asks_without_pause_gets_the_rate_and_not_less)
{
    struct limit *limit;
    unsigned count = 0;
    CHECK(limit_new(64, 7, &limit) == OK);
    for (int64_t us = 0; us < 10 * 1000 * 1000; us += 300) {
        count += limit_take(limit, STR("a"), rate, (struct mono){us * 1000});
    }
    CHECK(count >= 5 + 99 && count <= 5 + 100);
    limit_free(limit);
}

TEST(the_table_forgets_whoever_was_silent_longest)
{
    struct limit *limit;
    char key[16];
    CHECK(limit_new(8, 7, &limit) == OK); /* one set */
    CHECK(taken(limit, "old", at_ms(0), 5) == 5);
    for (int i = 0; i < 7; i++) {
        (void)snprintf(key, sizeof key, "%d", i);
        CHECK(taken(limit, key, at_ms(1 + i), 5) == 5);
    }
    CHECK(taken(limit, "old", at_ms(9), 1) == 0); /* still there */
    CHECK(taken(limit, "new", at_ms(10), 1) == 1);
    CHECK(taken(limit, "old", at_ms(10), 1) == 0);
    CHECK(taken(limit, "0", at_ms(11), 1) == 1); /* forgotten, so it begins anew */
    limit_free(limit);
}
