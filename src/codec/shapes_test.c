/* Texts that fuzz targets are given keep their shape: the readers of this room are the judges. */

#include "testing/shapes.h"

#include <stdio.h>
#include <string.h>

#include "codec/json.h"
#include "testing/testing.h"

#define ROOM  4096
#define SEEDS 2000

static const char text[] =
    "{\"a\": [1, \"x\\\"y\", {\"b\": null}], \"c.d\": true, \"e\": {\"f\": -0.5, \"g\": []}}";

static void leaf_ignore(void *context, struct str path, size_t offset, size_t size,
                        enum json_kind kind)
{
    (void)context, (void)path, (void)offset, (void)size, (void)kind;
}

static bool is_json(const uint8_t *data, size_t size)
{
    char object[ROOM + 16];
    int length = snprintf(object, sizeof object, "{\"x\":%.*s}", (int)size, (const char *)data);
    return json_walk(str_of(object, (size_t)length), leaf_ignore, NULL, NULL) == OK;
}

TEST(json_with_a_value_of_another_type_is_json)
{
    size_t changed = 0;
    for (uint32_t seed = 1; seed <= SEEDS; seed++) {
        uint8_t data[ROOM];
        memcpy(data, text, sizeof text - 1);
        size_t size = shapes_retype(data, sizeof text - 1, ROOM, seed);
        CHECK(is_json(data, size));
        changed += size != sizeof text - 1 || memcmp(data, text, size) != 0;
    }
    CHECK(changed > SEEDS * 9 / 10);
}

/* Not each of them: a bracket or a name can be what was taken away. */
TEST(much_of_what_is_changed_by_pieces_is_still_json)
{
    size_t whole = 0;
    size_t broken = 0;
    for (uint32_t seed = 1; seed <= SEEDS; seed++) {
        uint8_t data[ROOM];
        memcpy(data, text, sizeof text - 1);
        size_t size = shapes_change(data, sizeof text - 1, ROOM, seed);
        bool json = is_json(data, size);
        whole += json;
        broken += !json;
    }
    CHECK(whole > SEEDS / 4);
    CHECK(broken > SEEDS / 4);
}

TEST(a_seed_gives_one_result_within_the_room_on_any_bytes)
{
    static const char bytes[] = "([{<\"\\ax9,:\n\xff\0}";
    for (uint32_t seed = 1; seed <= SEEDS; seed++) {
        size_t room = 64 + seed % 64;
        uint8_t one[ROOM];
        uint8_t two[ROOM];
        for (size_t i = 0; i < room; i++) {
            one[i] = (uint8_t)bytes[(i * 7 + seed * 13 + i * seed) % sizeof bytes];
        }
        memset(one + room, 'z', ROOM - room);
        memcpy(two, one, ROOM);
        size_t size = shapes_change(one, 64, room, seed);
        CHECK(size <= room);
        CHECK(shapes_change(two, 64, room, seed) == size);
        CHECK(memcmp(one, two, ROOM) == 0);
        CHECK(one[room] == 'z' && one[ROOM - 1] == 'z');
        CHECK(shapes_retype(one, size, room, seed) <= room);
    }
}

TEST(what_has_no_pieces_stays_as_it_is)
{
    uint8_t data[16] = " ,;\n";
    CHECK(shapes_change(data, 4, sizeof data, 1) == 4);
    CHECK(shapes_retype(data, 0, sizeof data, 1) == 0);
    CHECK(memcmp(data, " ,;\n", 4) == 0);
}
