/* Certificates that are made, read back, and refused. */

#include "sys/tls.h"

#include <string.h>

#include "testing/testing.h"

#define NAMES STR("localhost\n127.0.0.1\n::1\nsoc.example")

static const struct wall now = {1700000000LL * NS_PER_SECOND};

static void pair_make(struct buf *certificate, struct buf *key)
{
    buf_init(certificate, 16 * 1024);
    buf_init(key, 16 * 1024);
    CHECK(tls_certificate_make(NAMES, now, 100, certificate, key) == OK);
}

TEST(a_certificate_of_our_own_says_what_it_was_made_for)
{
    struct buf certificate;
    struct buf key;
    struct tls_certificate says;
    struct why why = {0};
    pair_make(&certificate, &key);
    CHECK(str_starts(buf_str(&certificate), STR("-----BEGIN CERTIFICATE-----\n")));
    CHECK(str_starts(buf_str(&key), STR("-----BEGIN PRIVATE KEY-----\n")));
    CHECK(tls_certificate_read(buf_str(&certificate), &says, &why) == OK);
    CHECK(strcmp(says.subject, "CN=Hinomi") == 0 && strlen(says.sha256) == 64);
    CHECK(strcmp(says.names, "localhost\n127.0.0.1\n::1\nsoc.example") == 0);
    CHECK(says.from.ns < now.ns && says.until.ns - says.from.ns == 100 * 86400 * NS_PER_SECOND);
    buf_done(&certificate);
    buf_done(&key);
}

TEST(no_two_certificates_have_the_same_key_and_keys_of_others_do_not_fit)
{
    struct buf certificate[2];
    struct buf key[2];
    struct why why = {0};
    pair_make(&certificate[0], &key[0]);
    pair_make(&certificate[1], &key[1]);
    CHECK(!str_equal(buf_str(&key[0]), buf_str(&key[1])));
    CHECK(tls_check(buf_str(&certificate[0]), buf_str(&key[0]), &why) == OK);
    CHECK(tls_check(buf_str(&certificate[0]), buf_str(&key[1]), &why) == ERR_SYNTAX);
    CHECK(strstr(why.text, "belong together") != NULL);
    CHECK(tls_use(buf_str(&certificate[1]), buf_str(&key[1]), &why) == OK);
    for (size_t i = 0; i < 2; i++) {
        buf_done(&certificate[i]);
        buf_done(&key[i]);
    }
}

TEST(what_is_no_certificate_is_refused)
{
    struct tls_certificate says;
    struct why why = {0};
    CHECK(tls_certificate_read(STR(""), &says, &why) == ERR_SYNTAX);
    CHECK(tls_certificate_read(STR("-----BEGIN CERTIFICATE-----\nAAAA\n"), &says, &why) ==
          ERR_SYNTAX);
    CHECK(tls_check(STR(""), STR(""), &why) == ERR_SYNTAX);
}
