#include "base/map.h"

#include <stdio.h>

#include "testing/testing.h"

TEST(a_map_finds_what_was_put_and_nothing_else)
{
    struct map map;
    map_init(&map, 5000, 42);
    char key[32];
    for (unsigned i = 0; i < 5000; i++) {
        (void)snprintf(key, sizeof key, "key-%u", i);
        CHECK(map_put(&map, str_from(key), i) == OK);
    }
    CHECK(map_put(&map, STR("one more"), 1) == ERR_LIMIT);
    uint64_t value;
    for (unsigned i = 0; i < 5000; i++) {
        (void)snprintf(key, sizeof key, "key-%u", i);
        CHECK(map_get(&map, str_from(key), &value) && value == i);
    }
    CHECK(!map_get(&map, STR("key-5000"), &value));
    map_done(&map);
}

TEST(what_was_removed_can_come_back_for_ever)
{
    struct map map;
    map_init(&map, 10, 1);
    for (int round = 0; round < 1000; round++) {
        CHECK(map_put(&map, STR("a"), (uint64_t)round) == OK);
        CHECK(map_put(&map, STR("b"), 1) == OK);
        CHECK(map_remove(&map, STR("a")));
        CHECK(!map_remove(&map, STR("a")));
    }
    size_t cursor = 0;
    size_t seen = 0;
    struct str key;
    uint64_t value;
    while (map_next(&map, &cursor, &key, &value)) {
        CHECK(str_equal(key, STR("b")));
        seen++;
    }
    CHECK(seen == 1);
    map_done(&map);
}
