/* Heads in a second place: what is copied, what stays behind, and what stands still. */

#include "serve/heads_copy.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "testing/testing.h"

#define RECORD_SIZE 300
#define ROOM        ((size_t)2 << 20)

/* A data folder with heads of client 7, and where they are copied. */
struct places {
    char data[400], folder[400], source[500], copied[500];
    char *bytes; /* of the source, as they are to be written */
    size_t size;
    struct heads_copy *copy;
};

static struct places places_new(void)
{
    static unsigned number;
    struct places places = {.bytes = malloc(ROOM)};
    char path[450];
    (void)snprintf(places.data, sizeof places.data, "%.300s/heads-%u", testing_folder(), ++number);
    (void)snprintf(places.folder, sizeof places.folder, "%.300s/copy-%u", testing_folder(), number);
    (void)snprintf(places.source, sizeof places.source, "%s/archive/heads/7.heads", places.data);
    (void)snprintf(places.copied, sizeof places.copied, "%s/7.heads", places.folder);
    CHECK(places.bytes != NULL && mkdir(places.data, 0700) == 0);
    (void)snprintf(path, sizeof path, "%s/archive", places.data);
    CHECK(mkdir(path, 0700) == 0);
    (void)snprintf(path, sizeof path, "%s/archive/heads", places.data);
    CHECK(mkdir(path, 0700) == 0);
    CHECK(heads_copy_new(places.data, places.folder, &places.copy) == OK);
    return places;
}

static void places_done(struct places *places)
{
    heads_copy_free(places->copy);
    free(places->bytes);
}

/* Records that differ, of a client. */
static void records_add(struct places *places, size_t count, uint32_t client)
{
    for (size_t i = 0; i < count; i++) {
        char *at = places->bytes + places->size;
        CHECK(places->size + RECORD_SIZE <= ROOM);
        memset(at, (int)(places->size / RECORD_SIZE % 251), RECORD_SIZE);
        memcpy(at, "HINOMIhd", 8);
        put_u32(at + 12, RECORD_SIZE);
        put_u32(at + 16, client);
        places->size += RECORD_SIZE;
    }
}

static void look(struct places *places)
{
    testing_write(places->source, places->bytes, places->size);
    heads_copy_look(places->copy);
}

/* Whether so many bytes of the source, and no more, lie in the copy. */
static bool copied(const struct places *places, size_t size)
{
    size_t got;
    char *bytes = testing_read(places->copied, &got);
    bool same = got == size && memcmp(bytes, places->bytes, size) == 0;
    free(bytes);
    return same;
}

TEST(a_head_is_copied_once_another_follows_it)
{
    struct places places = places_new();
    heads_copy_look(places.copy); /* nobody has a head yet */
    records_add(&places, 3, 7);
    look(&places);
    CHECK(copied(&places, (size_t)2 * RECORD_SIZE));
    look(&places);
    CHECK(copied(&places, (size_t)2 * RECORD_SIZE));
    records_add(&places, 1, 7);
    places.size -= 1; /* its last byte is still to come */
    look(&places);
    CHECK(copied(&places, (size_t)2 * RECORD_SIZE));
    places.size += 1;
    look(&places);
    CHECK(copied(&places, (size_t)3 * RECORD_SIZE));
    CHECK(heads_copy_wrong(places.copy) == 0);
    places_done(&places);
}

TEST(a_record_that_was_copied_in_part_is_completed_after_a_new_start)
{
    struct places places = places_new();
    records_add(&places, 4, 7);
    look(&places);
    testing_write(places.copied, places.bytes, RECORD_SIZE + 17);
    heads_copy_free(places.copy);
    CHECK(heads_copy_new(places.data, places.folder, &places.copy) == OK);
    heads_copy_look(places.copy);
    CHECK(copied(&places, (size_t)3 * RECORD_SIZE));
    CHECK(heads_copy_wrong(places.copy) == 0);
    places_done(&places);
}

TEST(other_heads_or_fewer_leave_the_copy_as_it_is)
{
    for (int fewer = 0; fewer < 2; fewer++) {
        struct places places = places_new();
        records_add(&places, 4, 7);
        look(&places);
        heads_copy_free(places.copy);
        CHECK(heads_copy_new(places.data, places.folder, &places.copy) == OK);
        size_t size = places.size;
        if (fewer) {
            places.size = (size_t)2 * RECORD_SIZE;
        } else {
            places.bytes[RECORD_SIZE + 100] ^= 1;
        }
        look(&places);
        CHECK(heads_copy_wrong(places.copy) == 1);
        places.size = size;
        places.bytes[RECORD_SIZE + 100] ^= fewer ? 0 : 1;
        records_add(&places, 3, 7);
        look(&places); /* which of the two was right, a person finds out */
        CHECK(heads_copy_wrong(places.copy) == 1 && copied(&places, (size_t)3 * RECORD_SIZE));
        places_done(&places);
    }
}

TEST(nothing_is_copied_that_does_not_say_it_is_a_head_of_this_client)
{
    static const uint32_t sizes[] = {0, 295, 8193, UINT32_MAX};
    char path[600];
    size_t got;
    struct places places = places_new();
    records_add(&places, 2, 7);
    records_add(&places, 3, 8);
    look(&places);
    CHECK(copied(&places, RECORD_SIZE));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        put_u32(places.bytes + (size_t)2 * RECORD_SIZE + 12, sizes[i]);
        put_u32(places.bytes + (size_t)2 * RECORD_SIZE + 16, 7);
        look(&places);
        CHECK(copied(&places, RECORD_SIZE));
    }
    (void)snprintf(path, sizeof path, "%s/archive/heads/seven.heads", places.data);
    testing_write(path, places.bytes, places.size);
    heads_copy_look(places.copy);
    (void)snprintf(path, sizeof path, "%s/seven.heads", places.folder);
    struct stat told;
    CHECK(stat(path, &told) != 0);
    free(testing_read(places.copied, &got));
    CHECK(got == RECORD_SIZE && heads_copy_wrong(places.copy) == 0);
    places_done(&places);
}

TEST(more_than_a_mebibyte_is_copied_in_several_looks)
{
    struct places places = places_new();
    size_t got;
    records_add(&places, 5000, 7);
    look(&places);
    free(testing_read(places.copied, &got));
    CHECK(got > 0 && got < places.size - RECORD_SIZE && got % RECORD_SIZE == 0);
    heads_copy_look(places.copy);
    CHECK(copied(&places, places.size - RECORD_SIZE));
    places_done(&places);
}
