#include "sys/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testing/testing.h"

static char folder[4096];

static void cache_begin(void)
{
    const char *home = testing_folder();
    CHECK(setenv("XDG_CACHE_HOME", home, 1) == 0);
    CHECK(snprintf(folder, sizeof folder, "%s/hinomi", home) > 0);
}

static enum err read_back(size_t size_max)
{
    char *bytes = NULL;
    size_t size = 0;
    enum err err = cache_read("a.rules", size_max, &bytes, &size);
    CHECK(err != OK || str_equal(str_of(bytes, size), STR("worked out")));
    free(bytes);
    return err;
}

TEST(what_was_kept_is_found_again_by_its_owner_alone)
{
    struct stat status;
    char path[4200];
    cache_begin();
    CHECK(read_back(100) == ERR_NOT_FOUND);
    CHECK(cache_write("a.rules", STR("worked")) == OK);
    CHECK(cache_write("a.rules", STR("worked out")) == OK);
    CHECK(read_back(100) == OK);
    CHECK(read_back(5) == ERR_LIMIT);
    CHECK(stat(folder, &status) == 0 && (status.st_mode & 0777) == 0700);
    CHECK(snprintf(path, sizeof path, "%s/a.rules", folder) > 0);
    CHECK(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600);
}

TEST(what_others_may_write_is_not_believed)
{
    char path[4200];
    char other[4200];
    cache_begin();
    CHECK(cache_write("a.rules", STR("worked out")) == OK);
    CHECK(snprintf(path, sizeof path, "%s/a.rules", folder) > 0);
    CHECK(chmod(path, 0622) == 0);
    CHECK(read_back(100) == ERR_DENIED);
    CHECK(chmod(path, 0600) == 0 && chmod(folder, 0777) == 0);
    CHECK(read_back(100) == ERR_DENIED);
    CHECK(cache_write("a.rules", STR("worked out")) == ERR_DENIED);
    CHECK(chmod(folder, 0700) == 0);
    CHECK(snprintf(other, sizeof other, "%s/other", folder) > 0);
    CHECK(rename(path, other) == 0 && symlink(other, path) == 0);
    CHECK(read_back(100) == ERR_DENIED);
    if (geteuid() == 0) {
        CHECK(unlink(path) == 0 && rename(other, path) == 0 && chown(path, 1, 1) == 0);
        CHECK(read_back(100) == ERR_DENIED);
    }
}

TEST(only_so_many_are_kept)
{
    struct stat status;
    unsigned there = 0;
    cache_begin();
    for (int i = 0; i < 40; i++) {
        char name[32];
        CHECK(snprintf(name, sizeof name, "%d.rules", i) > 0);
        CHECK(cache_write(name, STR("x")) == OK);
    }
    for (int i = 0; i < 40; i++) {
        char path[4200];
        CHECK(snprintf(path, sizeof path, "%s/%d.rules", folder, i) > 0);
        there += stat(path, &status) == 0;
    }
    CHECK(there == 16);
}
