/* Slices are what stands there, byte for byte; what has no end is none. */

#include "codec/json_slice.h"

#include "testing/testing.h"

TEST(a_value_ends_where_its_brackets_do_and_not_in_a_text)
{
    CHECK(json_value_size(STR("{}{}")) == 2);
    CHECK(json_value_size(STR("{\"a\":\"}\\\"}\",\"b\":[{}]} x")) == 21);
    CHECK(json_value_size(STR("[1,[2]],3")) == 7);
    CHECK(json_value_size(STR("{\"a\":[")) == STR_NONE);
    CHECK(json_value_size(STR("{\"a\":\"}")) == STR_NONE);
    CHECK(json_value_size(STR(" {}")) == STR_NONE && json_value_size(STR("")) == STR_NONE);
}

TEST(members_are_cut_out_as_they_stand)
{
    struct json_slices slices;
    struct str name;
    struct str value;
    CHECK(json_slices(STR(" {\"a\" : 1.5 , \"b\":{\"c\":[ ]} ,\"d\":\"x,}\", \"e\":null}"),
                      &slices) == OK);
    CHECK(json_slice_next(&slices, &name, &value) == OK && str_equal(name, STR("a")));
    CHECK(str_equal(value, STR("1.5")));
    CHECK(json_slice_next(&slices, &name, &value) == OK && str_equal(value, STR("{\"c\":[ ]}")));
    CHECK(json_slice_next(&slices, &name, &value) == OK && str_equal(value, STR("\"x,}\"")));
    CHECK(json_slice_next(&slices, &name, &value) == OK && str_equal(value, STR("null")));
    CHECK(json_slice_next(&slices, &name, &value) == ERR_CLOSED);
    CHECK(json_slice_next(&slices, &name, &value) == ERR_CLOSED);
}

TEST(what_is_no_object_or_list_is_refused)
{
    static const struct str bad[] = {{"{\"a\":}", 6}, {"{\"a\" 1}", 7}, {"{a:1}", 5}, {"[1 2", 4},
                                     {"[1,", 3},      {"{\"a", 3},      {"[,1]", 4}};
    struct json_slices slices;
    struct str name;
    struct str value;
    CHECK(json_slices(STR("1"), &slices) == ERR_SYNTAX);
    CHECK(json_slices(STR(""), &slices) == ERR_SYNTAX);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(json_slices(bad[i], &slices) == OK);
        enum err err = OK;
        for (int j = 0; j < 4 && err == OK; j++) {
            err = json_slice_next(&slices, &name, &value);
        }
        CHECK(err == ERR_SYNTAX);
    }
}
