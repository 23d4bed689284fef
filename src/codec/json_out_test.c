#include "codec/json_out.h"

#include "testing/testing.h"

TEST(what_is_written_is_json_whatever_the_texts_hold)
{
    struct buf buf;
    struct json_out out;
    buf_init(&buf, 4096);
    json_out_begin(&out, &buf);
    json_object(&out, NULL);
    json_text(&out, "a\"b", STR("</script>\"\\\n\x01\xff火"));
    json_list(&out, "list");
    json_number(&out, NULL, INT64_MIN);
    json_unsigned(&out, NULL, UINT64_MAX);
    json_yes_no(&out, NULL, true);
    json_null(&out, NULL);
    json_object(&out, NULL);
    json_close(&out);
    json_close(&out);
    json_time(&out, "none", WALL_NONE);
    json_time(&out, "time", (struct wall){0});
    json_raw(&out, "raw", STR("[1]"));
    json_raw(&out, "empty", STR(""));
    json_close(&out);
    CHECK(json_out_end(&out) == OK);
    CHECK(str_equal(buf_str(&buf),
                    STR("{\"a\\\"b\":\"</script>\\\"\\\\\\n\\u0001\xef\xbf\xbd火\","
                        "\"list\":[-9223372036854775808,18446744073709551615,true,null,{}],"
                        "\"none\":null,\"time\":\"1970-01-01T00:00:00.000000Z\",\"raw\":[1],"
                        "\"empty\":null}")));
    buf_done(&buf);
}

TEST(the_first_error_stays)
{
    struct buf buf;
    struct json_out out;
    buf_init(&buf, 8);
    json_out_begin(&out, &buf);
    json_object(&out, NULL);
    json_text(&out, "key", STR("a text that does not fit"));
    json_close(&out);
    CHECK(json_out_end(&out) == ERR_LIMIT);
    json_out_begin(&out, &buf);
    json_out_fail(&out, OK);
    json_out_fail(&out, ERR_MEMORY);
    json_out_fail(&out, ERR_IO);
    CHECK(json_out_end(&out) == ERR_MEMORY);
    buf_done(&buf);
}
