#include "codec/zstd.h"

#include <stdlib.h>
#include <string.h>

#include "testing/testing.h"

static void packs_and_unpacks(struct zstd *zstd)
{
    static char plain[100000];
    static char back[100000];
    for (size_t i = 0; i < sizeof plain; i++) {
        plain[i] = (char)("login failed for user "[i % 22] + (i % 5000 == 0));
    }
    CHECK(zstd != NULL);
    size_t capacity = zstd_bound(sizeof plain);
    char *packed = malloc(capacity);
    size_t size = 0;
    CHECK(zstd_pack(zstd, str_of(plain, sizeof plain), packed, capacity, &size) == OK);
    CHECK(size < sizeof plain / 10);
    CHECK(zstd_unpack(zstd, str_of(packed, size), back, sizeof back) == OK);
    CHECK(memcmp(plain, back, sizeof back) == 0);
    CHECK(zstd_unpack(zstd, str_of(packed, size), back, sizeof back - 1) == ERR_CORRUPT);
    CHECK(zstd_unpack(zstd, str_of(packed, size - 1), back, sizeof back) == ERR_CORRUPT);
    CHECK(zstd_unpack(zstd, STR("not zstd at all"), back, sizeof back) == ERR_CORRUPT);
    CHECK(zstd_pack(zstd, str_of(plain, sizeof plain), packed, 3, &size) == ERR_LIMIT);
    free(packed);
    zstd_free(zstd);
}

TEST(what_was_packed_unpacks_equal_and_to_no_other_size)
{
    packs_and_unpacks(zstd_new(1));
    packs_and_unpacks(zstd_new_quick());
}
