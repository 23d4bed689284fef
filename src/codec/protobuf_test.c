/* The examples of protobuf.dev, "Encoding", and what no message is. */

#include "codec/protobuf.h"

#include <string.h>

#include "testing/testing.h"

static const struct protobuf_message inner;
static const struct protobuf_row inner_rows[] = {
    {1, PROTOBUF_INT64, "a", NULL, false},
    {2, PROTOBUF_MESSAGE, "deeper", &inner, false},
};
static const struct protobuf_message inner = {inner_rows, 2, false};
static const struct protobuf_row rows[] = {
    {1, PROTOBUF_INT64, "a", NULL, false},     {2, PROTOBUF_TEXT, "b", NULL, false},
    {3, PROTOBUF_MESSAGE, "c", &inner, false}, {4, PROTOBUF_TEXT, "d", NULL, true},
    {5, PROTOBUF_DOUBLE, "e", NULL, false},    {6, PROTOBUF_BYTES, "f", NULL, false},
    {7, PROTOBUF_HEX, "g", NULL, false},       {8, PROTOBUF_BOOL, "h", NULL, false},
    {9, PROTOBUF_FIXED64, "i", NULL, false},   {10, PROTOBUF_FIXED32, "j", NULL, false},
};
static const struct protobuf_message whole = {rows, sizeof rows / sizeof *rows, false};
static const struct protobuf_message one = {rows, sizeof rows / sizeof *rows, true};

static enum err printed_as(const struct protobuf_message *message, struct str bytes,
                           const char *expected)
{
    struct buf out;
    buf_init(&out, 1 << 16);
    enum err err = protobuf_print(message, bytes, &out);
    CHECK(err != OK || str_equal(buf_str(&out), str_from(expected)));
    buf_done(&out);
    return err;
}

TEST(the_examples_of_the_standard_print_as_its_json)
{
    CHECK(printed_as(&whole, STR("\x08\x96\x01"), "{\"a\":\"150\"}") == OK);
    CHECK(printed_as(&whole, STR("\x12\x07testing"), "{\"b\":\"testing\"}") == OK);
    CHECK(printed_as(&whole, STR("\x1a\x03\x08\x96\x01"), "{\"c\":{\"a\":\"150\"}}") == OK);
    CHECK(printed_as(&whole, STR("\x22\x01x\x08\x01\x22\x01y"),
                     "{\"a\":\"1\",\"d\":[\"x\",\"y\"]}") == OK);
    CHECK(printed_as(&whole, STR("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
                     "{\"a\":\"-1\"}") == OK);
    CHECK(printed_as(&whole, STR("\x29\0\0\0\0\0\0\xf0\x3f\x32\x01\xff\x3a\x02\x0a\xff\x40\x01"),
                     "{\"e\":1,\"f\":\"/w==\",\"g\":\"0aff\",\"h\":true}") == OK);
    CHECK(printed_as(&whole, STR("\x49\x01\0\0\0\0\0\0\x80\x55\x02\0\0\0"),
                     "{\"i\":\"9223372036854775809\",\"j\":2}") == OK);
    CHECK(printed_as(&whole, STR(""), "{}") == OK);
    CHECK(printed_as(&whole, STR("\xf8\x01\x05\x08\x01\x08\x02"), "{\"a\":\"2\"}") == OK);
    CHECK(printed_as(&one, STR("\x08\x01\x12\x01x"), "{\"b\":\"x\"}") == OK);
}

TEST(what_is_no_message_is_refused)
{
    static const struct str bad[] = {
        {"\x08", 1},                                          /* no value */
        {"\x12\x05x", 3},                                     /* shorter than it says */
        {"\x0b\x0c", 2},                                      /* a group */
        {"\x00\x01", 2},                                      /* field 0 */
        {"\x0a\x01x", 3},                                     /* a text where a number belongs */
        {"\x29\0\0\0", 4},                                    /* half a number */
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11}, /* over 64 bits */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(printed_as(&whole, bad[i], "") == ERR_SYNTAX);
    }
}

TEST(nesting_is_bounded)
{
    char bytes[512];
    size_t size = 0;
    for (int depth = 0; depth < 100; depth++) {
        memmove(bytes + 2, bytes, size);
        bytes[0] = depth < 99 ? 0x12 : 0x1a;
        bytes[1] = (char)size;
        size += 2;
        if (size > 120) {
            break;
        }
    }
    bytes[0] = 0x1a;
    CHECK(printed_as(&whole, str_of(bytes, size), "") == ERR_LIMIT);
}
