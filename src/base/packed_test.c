#include "base/packed.h"

#include "testing/testing.h"

TEST(what_was_packed_is_taken_off_in_order_and_no_cut_goes_unseen)
{
    struct buf out;
    uint32_t number = 0;
    struct str text;
    buf_init(&out, 64);
    CHECK(packed_put_number(&out, 0x01020304) == OK && packed_put_text(&out, STR("abc")) == OK);
    CHECK(packed_put_text(&out, (struct str){0}) == OK);
    CHECK(packed_put_number(&out, (size_t)UINT32_MAX + 1) == ERR_LIMIT);
    CHECK(str_equal(buf_str(&out), str_of("\4\3\2\1\3\0\0\0abc\0\0\0\0", 15)));
    struct str rest = buf_str(&out);
    CHECK(packed_take_number(&rest, &number) == OK && number == 0x01020304);
    for (size_t size = 0; size < 7; size++) {
        struct str cut = str_slice(rest, 0, size);
        CHECK(packed_take_text(&cut, &text) == ERR_CORRUPT && cut.size == size);
    }
    CHECK(packed_take_text(&rest, &text) == OK && str_equal(text, STR("abc")));
    CHECK(packed_take_text(&rest, &text) == OK && text.size == 0 && rest.size == 0);
    CHECK(packed_take_number(&rest, &number) == ERR_CORRUPT);
    buf_done(&out);
}
