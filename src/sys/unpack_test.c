/* The door itself; every kind of archive is taken apart in replay/kinds_test.c and in the story
 * `scan`. */

#include "sys/unpack.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "testing/testing.h"

struct bytes {
    struct str rest;
    struct unpack_purse purse;
};

static enum err bytes_read(void *context, void *to, size_t size, size_t *ret_size, struct why *why)
{
    struct bytes *bytes = context;
    struct str part = str_slice(bytes->rest, 0, size);
    (void)why;
    if (part.size > 0) {
        memcpy(to, part.data, part.size);
    }
    bytes->rest = str_slice(bytes->rest, part.size, SIZE_MAX);
    bytes->purse.packed += part.size;
    *ret_size = part.size;
    return OK;
}

/* "hello" in a stored block of gzip. */
static const char gz[] =
    "\x1f\x8b\x08\0\0\0\0\0\0\xff\x01\x05\0\xfa\xffhello\x86\xa6\x10\x36\x05\0\0";

static enum err hello_read(struct bytes *bytes, struct why *why)
{
    struct unpack_from from = {.context = bytes, .read = bytes_read};
    struct unpack *unpack;
    struct unpack_member member;
    char data[100];
    size_t got;
    bytes->rest = str_of(gz, sizeof gz);
    CHECK(unpack_is(bytes->rest));
    CHECK(unpack_open(&from, &bytes->purse, &unpack, why) == OK);
    enum err err = unpack_next(unpack, &member, why);
    if (err == OK) {
        CHECK(member.file && !member.encrypted && member.path.size == 0);
        err = unpack_read(unpack, data, sizeof data, &got, why);
    }
    if (err == OK) {
        CHECK(got == 5 && memcmp(data, "hello", 5) == 0);
        CHECK(unpack_read(unpack, data, sizeof data, &got, why) == OK && got == 0);
        CHECK(unpack_next(unpack, &member, why) == ERR_CLOSED);
    }
    unpack_close(unpack);
    unpack_close(NULL);
    return err;
}

TEST(what_is_compressed_and_no_archive_has_one_member_without_a_name)
{
    struct bytes bytes = {0};
    CHECK(hello_read(&bytes, NULL) == OK);
    CHECK(bytes.purse.unpacked == 5 && bytes.purse.members == 1);
}

TEST(an_empty_purse_ends_it)
{
    struct bytes bytes = {.purse = {.unpacked = 2 * UNPACK_FREE_SIZE}};
    struct why why = {0};
    CHECK(hello_read(&bytes, &why) == ERR_LIMIT && strstr(why.text, "250 times") != NULL);
    bytes.purse = (struct unpack_purse){.members = UNPACK_MEMBERS_MAX};
    CHECK(hello_read(&bytes, &why) == ERR_LIMIT && strstr(why.text, "members") != NULL);
    bytes.purse = (struct unpack_purse){.packed = UINT64_MAX / 2, .unpacked = UNPACK_SIZE_MAX};
    CHECK(hello_read(&bytes, &why) == ERR_LIMIT);
}

TEST(other_bytes_are_no_archive)
{
    CHECK(!unpack_is(STR("")) && !unpack_is(STR("{}")) && !unpack_is(STR("BZhello world")));
    CHECK(!unpack_is(STR("PK")));
}
