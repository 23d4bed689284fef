/* Each type of value: what is legal, and its one form. */

#include <string.h>

#include "document/private.h"
#include "testing/testing.h"

/* The canonical form of `text`, or NULL where it is refused; lives until the next call. */
static const char *form(const struct schema_element *schema, const char *text, int64_t *ret_number)
{
    static char kept[600];
    struct arena *mem = arena_new(1 << 20);
    struct scalar scalar;
    struct scalar again;
    struct why why = {0};
    const char *result = NULL;
    if (scalar_read(schema, str_from(text), mem, &scalar, &why) == OK) {
        CHECK(scalar_read(schema, scalar.text, mem, &again, &why) == OK);
        CHECK(str_equal(scalar.text, again.text) && scalar.number == again.number);
        CHECK(scalar.text.size < sizeof kept);
        memcpy(kept, scalar.text.data, scalar.text.size);
        kept[scalar.text.size] = '\0';
        *ret_number = scalar.number;
        result = kept;
    } else {
        CHECK(why.text[0] != '\0');
    }
    arena_free(mem);
    return result;
}

struct row {
    enum element_type type;
    const char *text;
    const char *form; /* NULL: refused */
    int64_t number;
};

static void rows_check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct schema_element schema = {
            .type = rows[i].type, .key = "", .path = "", .min = -5, .max = 500};
        int64_t number = 0;
        if (rows[i].type == ELEMENT_DURATION) {
            schema.min = 0;
            schema.max = (int64_t)3660 * 86400000;
        }
        const char *made = form(&schema, rows[i].text, &number);
        CHECK((made != NULL) == (rows[i].form != NULL));
        CHECK(made == NULL || strcmp(made, rows[i].form) == 0);
        CHECK(made == NULL || number == rows[i].number);
    }
}
#define ROWS_CHECK(rows) rows_check((rows), sizeof(rows) / sizeof *(rows))

TEST(durations_take_the_largest_units_that_fit)
{
    static const struct row rows[] = {
        {ELEMENT_DURATION, "90s", "1m30s", 90000},
        {ELEMENT_DURATION, "15m", "15m", 900000},
        {ELEMENT_DURATION, "90m", "1h30m", 5400000},
        {ELEMENT_DURATION, "24h", "1d", 86400000},
        {ELEMENT_DURATION, "365d", "365d", 31536000000},
        {ELEMENT_DURATION, "0s", "0s", 0},
        {ELEMENT_DURATION, "1h30m", "1h30m", 5400000},
        {ELEMENT_DURATION, "30m1h", NULL, 0},
        {ELEMENT_DURATION, "1h1h", NULL, 0},
        {ELEMENT_DURATION, "1", NULL, 0},
        {ELEMENT_DURATION, "h", NULL, 0},
        {ELEMENT_DURATION, "-1h", NULL, 0},
        {ELEMENT_DURATION, "1.5h", NULL, 0},
        {ELEMENT_DURATION, "4000d", NULL, 0},
        {ELEMENT_DURATION, "99999999999999999999d", NULL, 0},
        {ELEMENT_DURATION, "1000000000d1000000000h", NULL, 0},
    };
    ROWS_CHECK(rows);
}

TEST(addresses_and_networks_are_written_in_one_way)
{
    static const struct row rows[] = {
        {ELEMENT_ADDRESS, "10.0.1.10", "10.0.1.10", 0},
        {ELEMENT_ADDRESS, "2001:DB8:0::1", "2001:db8::1", 0},
        {ELEMENT_ADDRESS, "::ffff:10.0.0.1", "10.0.0.1", 0},
        {ELEMENT_ADDRESS, "10.0.1", NULL, 0},
        {ELEMENT_ADDRESS, "10.0.1.0/24", NULL, 0},
        {ELEMENT_NETWORK, "10.0.1.0/24", "10.0.1.0/24", 0},
        {ELEMENT_NETWORK, "10.0.1.1/32", "10.0.1.1", 0},
        {ELEMENT_NETWORK, "10.0.1.1", "10.0.1.1", 0},
        {ELEMENT_NETWORK, "2001:db8::/32", "2001:db8::/32", 0},
        {ELEMENT_NETWORK, "10.0.1.1/24", NULL, 0},
        {ELEMENT_NETWORK, "10.0.1.0/33", NULL, 0},
        {ELEMENT_PORTS, "443", "443", 0},
        {ELEMENT_PORTS, "8000-8080", "8000-8080", 0},
        {ELEMENT_PORTS, "80-80", "80", 0},
        {ELEMENT_PORTS, "0", NULL, 0},
        {ELEMENT_PORTS, "65536", NULL, 0},
        {ELEMENT_PORTS, "90-80", NULL, 0},
        {ELEMENT_PORTS, "80-", NULL, 0},
        {ELEMENT_PORTS, "a", NULL, 0},
    };
    ROWS_CHECK(rows);
}

TEST(mail_addresses_and_urls_are_checked_and_their_hosts_lowered)
{
    static const struct row rows[] = {
        {ELEMENT_MAIL, "Head@ACME.example", "Head@acme.example", 0},
        {ELEMENT_MAIL, "a.b+c@x-y.example", "a.b+c@x-y.example", 0},
        {ELEMENT_MAIL, "a@b@acme.example", NULL, 0},
        {ELEMENT_MAIL, "a..b@acme.example", NULL, 0},
        {ELEMENT_MAIL, ".a@acme.example", NULL, 0},
        {ELEMENT_MAIL, "\"a b\"@acme.example", NULL, 0},
        {ELEMENT_MAIL, "a@[127.0.0.1]", NULL, 0},
        {ELEMENT_MAIL, "a@-acme.example", NULL, 0},
        {ELEMENT_MAIL, "a@localhost", NULL, 0},
        {ELEMENT_MAIL, "a\r\nBcc: x@acme.example", NULL, 0},
        {ELEMENT_MAIL, "Head <head@acme.example>", NULL, 0},
        {ELEMENT_URL, "HTTPS://Shop.ACME.example/A?b=C", "https://shop.acme.example/A?b=C", 0},
        {ELEMENT_URL, "http://[2001:db8::1]:8080/", "http://[2001:db8::1]:8080/", 0},
        {ELEMENT_URL, "https://shop.acme.example:443", "https://shop.acme.example:443", 0},
        {ELEMENT_URL, "https://shop.acme.example:0/", NULL, 0},
        {ELEMENT_URL, "https://a:b@shop.acme.example/", NULL, 0},
        {ELEMENT_URL, "javascript:alert(1)", NULL, 0},
        {ELEMENT_URL, "ftp://shop.acme.example/", NULL, 0},
        {ELEMENT_URL, "https://", NULL, 0},
        {ELEMENT_URL, "https:///x", NULL, 0},
        {ELEMENT_URL, "https://shop.acme.example/a b", NULL, 0},
        {ELEMENT_URL, "https://shop.acme.example/\"", NULL, 0},
    };
    ROWS_CHECK(rows);
}

TEST(days_moments_hours_and_zones_are_checked)
{
    static const struct row rows[] = {
        {ELEMENT_DATE, "2026-11-21", "2026-11-21", 0},
        {ELEMENT_DATE, "2028-02-29", "2028-02-29", 0},
        {ELEMENT_DATE, "2026-02-29", NULL, 0},
        {ELEMENT_DATE, "2026-1-1", NULL, 0},
        {ELEMENT_DATE, "2026/11/21", NULL, 0},
        {ELEMENT_TIME, "1970-01-01T09:00:01+09:00", "1970-01-01T00:00:01.000000Z", 1000000000},
        {ELEMENT_TIME, "1970-01-01T00:00:00.000001999Z", "1970-01-01T00:00:00.000001Z", 1000},
        {ELEMENT_TIME, "1970-01-01", NULL, 0},
        {ELEMENT_TIME, "1970-01-01T00:00:00", NULL, 0},
        {ELEMENT_HOURS, "9:00-17:30", "09:00-17:30", 0},
        {ELEMENT_HOURS, "00:00-24:00", "00:00-24:00", 0},
        {ELEMENT_HOURS, "22:00-06:00", "22:00-06:00", 0},
        {ELEMENT_HOURS, "09:00-09:00", NULL, 0},
        {ELEMENT_HOURS, "24:00-06:00", NULL, 0},
        {ELEMENT_HOURS, "09:00-24:01", NULL, 0},
        {ELEMENT_HOURS, "09:00-00:00", NULL, 0},
        {ELEMENT_HOURS, "09:60-17:00", NULL, 0},
        {ELEMENT_HOURS, "09:00", NULL, 0},
        {ELEMENT_ZONE, "Asia/Tokyo", "Asia/Tokyo", 0},
        {ELEMENT_ZONE, "Etc/GMT+9", "Etc/GMT+9", 0},
        {ELEMENT_ZONE, "America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires", 0},
        {ELEMENT_ZONE, "../etc/passwd", NULL, 0},
        {ELEMENT_ZONE, "/Asia/Tokyo", NULL, 0},
        {ELEMENT_ZONE, "Asia//Tokyo", NULL, 0},
        {ELEMENT_ZONE, "Asia/", NULL, 0},
        {ELEMENT_ZONE, "Asia/.", NULL, 0},
    };
    ROWS_CHECK(rows);
}

TEST(texts_numbers_and_the_rest_are_checked)
{
    static const struct row rows[] = {
        {ELEMENT_TEXT, "通販サイト", "通販サイト", 0},
        {ELEMENT_TEXT, "two\nlines", NULL, 0},
        {ELEMENT_TEXT, "a\x1b[2J", NULL, 0},
        {ELEMENT_TEXT, "a\xe2\x80\xaegpj.exe", NULL, 0},
        {ELEMENT_TEXT, "a\xff", NULL, 0},
        {ELEMENT_TEXT, "a\xc2\x85", NULL, 0},
        {ELEMENT_LONG_TEXT, "two\r\nlines\tx", "two\nlines\tx", 0},
        {ELEMENT_LONG_TEXT, "a\rb", NULL, 0},
        {ELEMENT_NUMBER, "12", "12", 12},
        {ELEMENT_NUMBER, "+12", "12", 12},
        {ELEMENT_NUMBER, "-5", "-5", -5},
        {ELEMENT_NUMBER, "-6", NULL, 0},
        {ELEMENT_NUMBER, "501", NULL, 0},
        {ELEMENT_NUMBER, "1.0", NULL, 0},
        {ELEMENT_NUMBER, "012", NULL, 0},
        {ELEMENT_YES_NO, "yes", "yes", 1},
        {ELEMENT_YES_NO, "no", "no", 0},
        {ELEMENT_YES_NO, "maybe", NULL, 0},
        {ELEMENT_PHONE, "+81 3 (0000) 0000", "+81 3 (0000) 0000", 0},
        {ELEMENT_PHONE, "03-0000-0000 ext", NULL, 0},
        {ELEMENT_PHONE, "--", NULL, 0},
        {ELEMENT_REFERENCE, "head", "head", 0},
        {ELEMENT_REFERENCE, "Head", NULL, 0},
        {ELEMENT_QUERY, "http.response.status_code: 200", "http.response.status_code: 200", 0},
        {ELEMENT_QUERY, "(a and", NULL, 0},
    };
    ROWS_CHECK(rows);
}

TEST(a_choice_that_is_nearly_right_brings_a_suggestion)
{
    static const struct schema_choice choices[] = {
        {"low", {"", ""}}, {"high", {"", ""}}, {NULL, {NULL, NULL}}};
    struct schema_element schema = {.type = ELEMENT_CHOICE, .choices = choices};
    struct arena *mem = arena_new(1 << 16);
    struct scalar scalar;
    struct why why = {0};
    CHECK(scalar_read(&schema, STR("high"), mem, &scalar, &why) == OK);
    CHECK(scalar_read(&schema, STR("hihg"), mem, &scalar, &why) == ERR_SYNTAX);
    CHECK(strstr(why.text, "did you mean 'high'?") != NULL);
    CHECK(scalar_read(&schema, STR("nothing"), mem, &scalar, &why) == ERR_SYNTAX);
    CHECK(strstr(why.text, "one of low, high is expected") != NULL);
    arena_free(mem);
}

TEST(texts_over_their_size_are_refused)
{
    struct schema_element schema = {.type = ELEMENT_WORDS, .max = 6};
    struct arena *mem = arena_new(1 << 16);
    struct scalar scalar;
    struct why why = {0};
    CHECK(scalar_read(&schema, STR("資産"), mem, &scalar, &why) == OK);
    CHECK(scalar_read(&schema, STR("資産+"), mem, &scalar, &why) == ERR_LIMIT);
    arena_free(mem);
}
