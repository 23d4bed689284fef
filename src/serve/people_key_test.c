#include "serve/people_key.h"

#include <stdio.h>
#include <string.h>

#include "testing/testing.h"

TEST(the_key_of_people_is_made_once_and_read_ever_after)
{
    uint8_t first[PEOPLE_KEY_SIZE] = {0};
    uint8_t second[PEOPLE_KEY_SIZE] = {0};
    static const uint8_t zeros[PEOPLE_KEY_SIZE];
    const char *folder = testing_folder();
    CHECK(people_key_get(disk_real(), folder, first, NULL) == OK);
    CHECK(memcmp(first, zeros, sizeof zeros) != 0);
    CHECK(people_key_get(disk_real(), folder, second, NULL) == OK);
    CHECK(memcmp(first, second, sizeof first) == 0);
}

TEST(a_damaged_key_of_people_is_refused_and_never_replaced)
{
    char path[4096];
    uint8_t key[PEOPLE_KEY_SIZE];
    struct why why = {0};
    const char *folder = testing_folder();
    (void)snprintf(path, sizeof path, "%s/people.key", folder);
    CHECK(disk_replace(disk_real(), path, STR("HINOMIpk and then nothing")) == OK);
    CHECK(people_key_get(disk_real(), folder, key, &why) == ERR_CORRUPT);
    CHECK(strstr(why.text, "people.key") != NULL);
    CHECK(people_key_get(disk_real(), folder, key, &why) == ERR_CORRUPT);
}
