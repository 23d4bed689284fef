#include "base/arena.h"

#include <string.h>

#include "testing/testing.h"

TEST(an_arena_refuses_what_passes_its_ceiling)
{
    struct arena *arena = arena_new(10000);
    CHECK(arena_take(arena, 4000) != NULL);
    CHECK(arena_take(arena, 7000) == NULL);
    CHECK(arena_take(arena, 3000) != NULL);
    CHECK(arena_take_array(arena, SIZE_MAX, 2) == NULL);
    arena_reset(arena);
    CHECK(arena_take(arena, 100) != NULL);
    arena_free(arena);
}

TEST(memory_comes_zeroed_even_after_a_reset)
{
    struct arena *arena = arena_new(100000);
    char *first = arena_take(arena, 100);
    memset(first, 'x', 100);
    arena_reset(arena);
    char *second = arena_take(arena, 100);
    for (int i = 0; i < 100; i++) {
        CHECK(second[i] == 0);
    }
    struct str text;
    CHECK(arena_print(arena, &text, "%d-%s", 7, "seven") == OK);
    CHECK(str_equal(text, STR("7-seven")));
    arena_free(arena);
}

TEST(plain_memory_has_the_same_ceiling_and_clears_nothing)
{
    struct arena *arena = arena_new(10000);
    char *first = arena_take_plain(arena, 5000);
    CHECK(first != NULL && (uintptr_t)first % 16 == 0);
    memset(first, 'x', 5000);
    char *second = arena_take(arena, 100);
    CHECK(second != NULL && second[0] == 0 && first[4999] == 'x');
    CHECK(arena_take_plain(arena, 6000) == NULL);
    CHECK(arena_take_plain(arena, SIZE_MAX) == NULL);
    arena_free(arena);
}
