#include "codec/json_list.h"

#include <string.h>

#include "testing/testing.h"

/* The objects of a list, one behind the other with a bar between; what stands behind it last. */
static struct str walked(const char *given)
{
    static char text[256];
    struct str list = str_from(given);
    struct str object;
    size_t size = 0;
    size_t at;
    if (!json_list_begin(list, &at)) {
        return STR("no list");
    }
    while (json_list_next(list, &at, &object)) {
        memcpy(text + size, object.data, object.size);
        size += object.size;
        text[size++] = '|';
    }
    struct str rest = str_slice(list, at, list.size);
    if (rest.size > 0) {
        memcpy(text + size, rest.data, rest.size);
    }
    return str_of(text, size + rest.size);
}

TEST(lists_of_records_are_cut_into_their_objects)
{
    CHECK(str_equal(walked("[{\"a\":1},{\"b\":[2,{}]}]"), STR("{\"a\":1}|{\"b\":[2,{}]}|")));
    CHECK(str_equal(walked("{\"Records\":[{\"a\":\"}]\\\"{\"}]}"), STR("{\"a\":\"}]\\\"{\"}|")));
    CHECK(str_equal(walked("{ \"records\" : [\n {\"a\":1} ,\n {}\n ]\n}\nnext"),
                    STR("{\"a\":1}|{}|\nnext")));
}

TEST(what_is_no_list_of_records_is_left_alone)
{
    static const char *const texts[] = {
        "",
        "[",
        "[]",
        "[1,2]",
        "{\"Records\":{}}",
        "{\"events\":[{}]}",
        "{",
        "{\"a\":1}",
        "[\"x\",{}]",
        "{\"Records\":[]}",
        "Records [{",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        CHECK(str_equal(walked(texts[i]), STR("no list")));
    }
}

TEST(what_stops_being_a_list_is_left_for_whoever_reads_on)
{
    CHECK(str_equal(walked("[{\"a\":1},{\"b\":"), STR("{\"a\":1}|{\"b\":")));
    CHECK(str_equal(walked("[{\"a\":1},7]"), STR("{\"a\":1}|7]")));
    CHECK(str_equal(walked("[{\"a\":\"never closed}]"), STR("{\"a\":\"never closed}]")));
}
