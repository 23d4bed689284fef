#include "sys/ailment.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "testing/testing.h"

TEST(a_folder_that_can_be_written_ails_of_nothing_and_keeps_nothing)
{
    const char *folder = testing_folder();
    char path[600];
    CHECK(folder_ailment(folder) == NULL);
    (void)snprintf(path, sizeof path, "%s/.trial", folder);
    CHECK(access(path, F_OK) != 0);
}

TEST(what_is_wrong_with_a_folder_is_said_in_the_systems_words)
{
    struct rlimit before;
    const char *folder = testing_folder();
    const char *ailment = folder_ailment("/nowhere/at/all");
    CHECK(ailment != NULL && strcmp(ailment, "No such file or directory") == 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    const struct rlimit none = {3, before.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    ailment = folder_ailment(folder);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(ailment != NULL && strcmp(ailment, "Too many open files") == 0);
}
