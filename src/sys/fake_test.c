#include "sys/fake.h"

#include <stdlib.h>
#include <string.h>

#include "testing/testing.h"

static struct file *opened(struct fake *fake, const char *path, enum disk_open_mode mode)
{
    struct file *file = NULL;
    CHECK(disk_open(fake_disk(fake), path, mode, &file, NULL) == OK);
    return file;
}

/* A folder "d" with a file "d/f" that holds "old", all of it on disk. */
static struct fake *disk_with_a_file(void)
{
    struct fake *fake = fake_new();
    CHECK(fake != NULL && disk_make_folder(fake_disk(fake), "d") == OK);
    CHECK(disk_sync_folder(fake_disk(fake), ".") == OK);
    struct file *file = opened(fake, "d/f", DISK_WRITE_NEW);
    CHECK(file_write(file, 0, "old", 3) == OK && file_sync(file) == OK);
    CHECK(disk_sync_folder(fake_disk(fake), "d") == OK);
    file_close(file);
    return fake;
}

static bool holds(struct fake *fake, const char *path, const char *text)
{
    char *data = NULL;
    size_t size = 0;
    bool same = disk_read_whole(fake_disk(fake), path, 1 << 20, &data, &size, NULL) == OK &&
                size == strlen(text) && memcmp(data, text, size) == 0;
    free(data);
    return same;
}

static enum err name_count(void *context, const char *name)
{
    CHECK(strchr(name, '/') == NULL);
    ++*(int *)context;
    return OK;
}

TEST(a_copy_of_a_disk_has_all_of_it_on_disk_and_goes_its_own_way)
{
    struct fake *fake = disk_with_a_file();
    struct file *file = opened(fake, "d/late", DISK_WRITE_NEW);
    CHECK(file_write(file, 0, "unsynced", 8) == OK);
    file_close(file);
    struct fake *copy = fake_copy(fake);
    CHECK(copy != NULL && fake_count(copy, FAKE_ANY) == 0);
    fake_power_off(copy);
    CHECK(fake_power_on(copy, FAKE_SEED_NOTHING) == OK);
    CHECK(holds(copy, "d/f", "old") && holds(copy, "d/late", "unsynced"));
    file = opened(copy, "d/f", DISK_WRITE);
    CHECK(file_write(file, 0, "new", 3) == OK);
    file_close(file);
    CHECK(disk_remove(fake_disk(copy), "d/late") == OK);
    CHECK(holds(copy, "d/f", "new") && holds(fake, "d/f", "old"));
    CHECK(holds(fake, "d/late", "unsynced"));
    fake_free(fake);
    CHECK(holds(copy, "d/f", "new"));
    fake_free(copy);
}

TEST(a_simulated_disk_works_like_a_real_one)
{
    struct fake *fake = disk_with_a_file();
    struct disk *disk = fake_disk(fake);
    struct file *file = NULL;
    uint64_t size = 0;
    bool there = true;
    int names = 0;
    CHECK(disk_open(disk, "d/f", DISK_WRITE_NEW, &file, NULL) == ERR_EXISTS);
    CHECK(disk_open(disk, "d/g", DISK_READ, &file, NULL) == ERR_NOT_FOUND);
    CHECK(disk_open(disk, "e/g", DISK_WRITE_CREATE, &file, NULL) == ERR_NOT_FOUND);
    CHECK(disk_replace(disk, "d/f", STR("newer")) == OK && holds(fake, "d/f", "newer"));
    CHECK(disk_exists(disk, "d/f.new", &there) == OK && !there);
    CHECK(disk_list(disk, "d", name_count, &names) == OK && names == 1);
    file = opened(fake, "d/f", DISK_WRITE);
    struct file *second = opened(fake, "d/f", DISK_READ);
    CHECK(file_lock(file) == OK && file_lock(second) == ERR_AGAIN);
    CHECK(file_write(second, 0, "x", 1) == ERR_DENIED);
    CHECK(file_truncate(file, 2) == OK && file_write(file, 4, "z", 1) == OK);
    CHECK(file_size(second, &size) == OK && size == 5);
    file_close(file);
    CHECK(file_lock(second) == OK);
    file_close(second);
    CHECK(disk_remove(disk, "d/f") == OK && disk_remove(disk, "d/f") == ERR_NOT_FOUND);
    fake_free(fake);
}

TEST(what_was_synced_outlives_any_power_cut)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct fake *fake = disk_with_a_file();
        struct file *file = opened(fake, "d/f", DISK_WRITE);
        CHECK(file_write(file, 3, "er", 2) == OK);
        fake_power_off(fake);
        size_t got;
        char byte;
        CHECK(file_read(file, 0, &byte, 1, &got) == ERR_IO);
        CHECK(fake_power_on(fake, seed) == OK);
        CHECK(file_read(file, 0, &byte, 1, &got) == ERR_IO);
        file_close(file);
        char *data;
        CHECK(disk_read_whole(fake_disk(fake), "d/f", 100, &data, &got, NULL) == OK);
        CHECK(got >= 3 && memcmp(data, "old", 3) == 0);
        free(data);
        fake_free(fake);
    }
}

TEST(what_was_not_synced_is_kept_dropped_or_torn)
{
    char sector[512];
    memset(sector, 'n', sizeof sector);
    bool kept = false, dropped = false, torn = false, name_lost = false;
    for (uint64_t seed = 1; seed < 200; seed++) {
        struct fake *fake = disk_with_a_file();
        struct file *file = opened(fake, "d/f", DISK_WRITE);
        CHECK(file_write(file, 512, sector, sizeof sector) == OK);
        file_close(file);
        file_close(opened(fake, "d/new", DISK_WRITE_NEW));
        fake_power_off(fake);
        CHECK(fake_power_on(fake, seed) == OK);
        char *data;
        size_t size;
        bool there;
        CHECK(disk_read_whole(fake_disk(fake), "d/f", 2000, &data, &size, NULL) == OK);
        bool full = size == 1024 && memcmp(data + 512, sector, 512) == 0;
        kept = kept || full;
        dropped = dropped || size == 3;
        torn = torn || (size == 1024 && !full && data[512] == 'n');
        free(data);
        CHECK(disk_exists(fake_disk(fake), "d/new", &there) == OK);
        name_lost = name_lost || !there;
        fake_free(fake);
    }
    CHECK(kept && dropped && torn && name_lost);
}

TEST(the_two_extreme_seeds_keep_nothing_and_all)
{
    for (int all = 0; all < 2; all++) {
        struct fake *fake = disk_with_a_file();
        struct file *file = opened(fake, "d/f", DISK_WRITE);
        CHECK(file_write(file, 0, "new", 3) == OK);
        file_close(file);
        CHECK(disk_rename(fake_disk(fake), "d/f", "d/g") == OK);
        fake_power_off(fake);
        CHECK(fake_power_on(fake, all ? FAKE_SEED_ALL : FAKE_SEED_NOTHING) == OK);
        CHECK(all ? holds(fake, "d/g", "new") : holds(fake, "d/f", "old"));
        fake_free(fake);
    }
}

TEST(the_chosen_operation_fails_and_no_other)
{
    struct fake *fake = disk_with_a_file();
    struct file *file = opened(fake, "d/f", DISK_WRITE);
    fake_fail(fake, FAKE_WRITE, 2, false, ERR_FULL);
    CHECK(file_write(file, 0, "aa", 2) == OK && !fake_failed(fake));
    CHECK(file_write(file, 0, "bb", 2) == ERR_FULL && fake_failed(fake));
    CHECK(holds(fake, "d/f", "bad"));
    CHECK(file_write(file, 0, "cc", 2) == OK);
    fake_fail(fake, FAKE_ANY, 2, true, ERR_IO);
    CHECK(file_sync(file) == OK && file_sync(file) == ERR_IO && file_sync(file) == ERR_IO);
    fake_fail(fake, FAKE_ANY, 1, true, OK);
    CHECK(file_sync(file) == OK);
    file_close(file);
    fake_free(fake);
}

TEST(after_a_failed_sync_a_good_one_proves_nothing)
{
    int lost = 0;
    struct fake *fake = disk_with_a_file();
    for (int round = 0; round < 40; round++) {
        char byte = (char)('A' + round);
        char got;
        size_t size;
        struct file *file = opened(fake, "d/f", DISK_WRITE);
        CHECK(file_write(file, 0, &byte, 1) == OK);
        fake_fail(fake, FAKE_SYNC, 1, false, ERR_IO);
        CHECK(file_sync(file) == ERR_IO && file_sync(file) == OK);
        CHECK(file_read(file, 0, &got, 1, &size) == OK && got == byte);
        file_close(file);
        CHECK(fake_power_on(fake, FAKE_SEED_ALL) == OK);
        file = opened(fake, "d/f", DISK_READ);
        CHECK(file_read(file, 0, &got, 1, &size) == OK && size == 1);
        lost += got != byte;
        file_close(file);
    }
    CHECK(lost > 0 && lost < 40);
    fake_free(fake);
}

TEST(power_goes_in_the_middle_of_the_chosen_change)
{
    struct fake *fake = disk_with_a_file();
    fake_power_off_at(fake, 2);
    CHECK(disk_replace(fake_disk(fake), "d/f", STR("longer")) == ERR_IO && fake_is_off(fake));
    CHECK(fake_power_on(fake, FAKE_SEED_NOTHING) == OK && holds(fake, "d/f", "old"));
    fake_free(fake);
    for (uint64_t cut = 1;; cut++) {
        fake = disk_with_a_file();
        fake_power_off_at(fake, cut);
        enum err err = disk_replace(fake_disk(fake), "d/f", STR("longer"));
        bool off = fake_is_off(fake);
        CHECK((err == OK) == !off);
        CHECK(fake_power_on(fake, cut * 977) == OK);
        CHECK(holds(fake, "d/f", "longer") || (off && holds(fake, "d/f", "old")));
        fake_free(fake);
        if (!off) {
            CHECK(cut > 5);
            break;
        }
    }
}

TEST(a_full_disk_takes_no_more_and_gives_room_back)
{
    struct fake *fake = disk_with_a_file();
    fake_budget(fake, 10);
    struct file *file = opened(fake, "d/g", DISK_WRITE_NEW);
    CHECK(file_write(file, 0, "1234567", 7) == OK);
    CHECK(file_write(file, 7, "8", 1) == ERR_FULL);
    CHECK(file_write(file, 0, "7654321", 7) == OK);
    CHECK(disk_remove(fake_disk(fake), "d/f") == OK && file_write(file, 7, "8", 1) == OK);
    file_close(file);
    fake_free(fake);
}
