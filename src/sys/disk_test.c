#include "sys/disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testing/testing.h"

TEST(what_was_written_reads_back)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/file", testing_folder());
    struct file *file;
    char got[16];
    size_t size;
    CHECK(disk_open(disk_real(), path, DISK_READ, &file, NULL) == ERR_NOT_FOUND);
    CHECK(disk_open(disk_real(), path, DISK_WRITE_NEW, &file, NULL) == OK);
    CHECK(file_write(file, 3, "abc", 3) == OK && file_sync(file) == OK);
    CHECK(file_read(file, 0, got, sizeof got, &size) == OK);
    CHECK(size == 6 && memcmp(got, "\0\0\0abc", 6) == 0);
    CHECK(file_truncate(file, 4) == OK);
    struct file *second;
    CHECK(file_lock(file) == OK);
    CHECK(disk_open(disk_real(), path, DISK_WRITE, &second, NULL) == OK);
    CHECK(file_lock(second) == ERR_AGAIN);
    file_close(second);
    file_close(file);
    CHECK(disk_open(disk_real(), path, DISK_WRITE_NEW, &file, NULL) == ERR_EXISTS);
}

TEST(links_are_followed_where_packages_put_them)
{
    char path[512];
    char linked[512];
    char got[4];
    size_t size;
    struct file *file;
    const char *folder = testing_folder();
    (void)snprintf(path, sizeof path, "%s/target", folder);
    (void)snprintf(linked, sizeof linked, "%s/linked", folder);
    testing_write(path, "abc", 3);
    CHECK(symlink("target", linked) == 0);
    CHECK(disk_open(disk_real(), linked, DISK_READ, &file, NULL) != OK);
    CHECK(disk_open(disk_real(), linked, DISK_READ_LINKED, &file, NULL) == OK);
    CHECK(file_read(file, 0, got, sizeof got, &size) == OK && size == 3);
    CHECK(file_write(file, 0, "d", 1) != OK);
    file_close(file);
}

TEST(a_pipe_or_a_link_in_a_files_place_is_refused_at_once)
{
    char path[512];
    struct file *file;
    (void)snprintf(path, sizeof path, "%s/pipe", testing_folder());
    CHECK(mkfifo(path, 0600) == 0);
    CHECK(disk_open(disk_real(), path, DISK_READ, &file, NULL) == ERR_IO);
    CHECK(unlink(path) == 0 && symlink("/dev/zero", path) == 0);
    CHECK(disk_open(disk_real(), path, DISK_READ_LINKED, &file, NULL) == ERR_IO);
    CHECK(disk_open(disk_real(), path, DISK_READ, &file, NULL) != OK);
    CHECK(disk_open(disk_real(), "/dev/zero", DISK_READ, &file, NULL) == ERR_IO);
}

TEST(a_replaced_file_is_new_and_whole)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/file", testing_folder());
    CHECK(disk_replace(disk_real(), path, STR("first, longer")) == OK);
    CHECK(disk_replace(disk_real(), path, STR("second")) == OK);
    char *data;
    size_t size;
    CHECK(disk_read_whole(disk_real(), path, 100, &data, &size, NULL) == OK);
    CHECK(size == 6 && strcmp(data, "second") == 0);
    free(data);
    struct why why = {0};
    CHECK(disk_read_whole(disk_real(), path, 5, &data, &size, &why) == ERR_LIMIT);
    CHECK(strstr(why.text, "larger than 5 bytes") != NULL);
}
