/* What others packed comes out again, however it is cut; bombs do not. */

#include "codec/inflate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/crypto.h"
#include "codec/zstd.h"
#include "testing/testing.h"

/* The text of lines_make, packed by gzip, by Python's zlib, and by zstd, in hexadecimal.  The
 * deflate stream alone is zlib's without its first two and last four bytes. */
static const char gzip_text[] =
    "1f8b08000000000002034dd22b6e04300c8461de630417c4afd8defb9416b45ab4eaddab05190ffd81a54fe3d7fa"
    "5e8ffdb99ebf5f3febb19e7bfd7dbcde4da6b5f4ad3ab5ac6eb5a91979ab4f3d796e8da9d171eba12a7e6b4e75b3"
    "5b6baa85deda5335050aa2490f8e74b2a113e2297442bc76f0847c75e0130266012824cc0da110f1288842c67018"
    "85907e8054425a01a984d49e091929502a29c5a0545206904ac84e209590d5402a214b805442a601a9843c01a411"
    "32124823a417904648dff3a8843405d208a90ea591520e94c64a208d90201a115b41b4e60b6fe23f7a9618118703"
    "0000";
static const char zlib_text[] =
    "78da4dd22b6e04300c8461de630417c4afd8defb9416b45ab4eaddab05190ffd81a54fe3d7fa5e8ffdb99ebf5f3f"
    "ebb19e7bfd7dbcde4da6b5f4ad3ab5ac6eb5a91979ab4f3d796e8da9d171eba12a7e6b4e75b35b6baa85deda5335"
    "050aa2490f8e74b2a113e2297442bc76f0847c75e0130266012824cc0da110f1288842c6701885907e8054425a01"
    "a984d49e091929502a29c5a0545206904ac84e209590d5402a214b805442a601a9843c01a41132124823a4179046"
    "48dff3a8843405d208a90ea591520e94c64a208d90201a115b41b4e60b6fe23fbfb2efd6";
static const char zstd_text[] =
    "28b52ffd04686d0500c24c1d13b0a70d4417e40a4365afecee9dd2d3770a070240524a98b713ff3ba1bdac7523d3"
    "cfff71c84fa47eaee62d4bfb877ef14c89e6ba2c5b91efbdb1b6335d0f7e5ca3aca9b0b75d69ce5a785533a41ee5"
    "8b7673da4e76da73ba8e3f1db5acb2cacee8ea8e4767b34052e628422906e328c1088528484ea811906cbeff06c0"
    "5b031012a1187c38b60887cbd967aeb9a6a3a6855d671dd75eb36e6cb1e65451300485a0400c19bc050764153649"
    "4dae";

/* Freed by the caller. */
static struct str bytes_of(const char *hex)
{
    size_t size = strlen(hex) / 2;
    char *bytes = malloc(size);
    CHECK(bytes != NULL && hex_parse(str_from(hex), bytes, size) == OK);
    return str_of(bytes, size);
}

static void lines_make(struct buf *buf)
{
    buf_init(buf, 1 << 20);
    for (int i = 0; i < 40; i++) {
        CHECK(buf_print(buf, "{\"n\":%d,\"user\":\"u%d\"}\n", i, i * 7919 % 1000) == OK);
    }
}

static struct str zstd_packed(struct str plain)
{
    struct zstd *zstd = zstd_new(3);
    size_t size = zstd_bound(plain.size);
    char *to = malloc(size);
    CHECK(zstd_pack(zstd, plain, to, size, &size) == OK);
    zstd_free(zstd);
    return str_of(to, size);
}

/* A gzip member that unfolds into zeros, a thousand times its size: zlib's own beginning of such a
 * text, which gives lengths of 258 a code of one bit, and then those codes alone. */
static struct str bomb_make(size_t size)
{
    static const char head[] = "1f8b0800000000000003"
                               "edc1010d000000c2a0f74f6d0f07140000000000";
    char *bytes = calloc(1, size);
    CHECK(hex_parse(STR(head), bytes, (sizeof head - 1) / 2) == OK);
    return str_of(bytes, size);
}

/* The whole, given in pieces of `piece` bytes, with `room` bytes of room at a time. */
static enum err inflated(enum inflate_kind kind, struct str packed, size_t piece, size_t room,
                         struct buf *out)
{
    struct inflate *inflate;
    CHECK(inflate_new(kind, &inflate) == OK);
    enum err err = OK;
    while (packed.size > 0 && err == OK) {
        struct str part = str_slice(packed, 0, piece);
        packed = str_slice(packed, piece, packed.size);
        size_t before;
        do {
            before = out->size;
            err = inflate_add(inflate, &part, out, room);
        } while (err == OK && (part.size > 0 || out->size == before + room));
    }
    if (err == OK) {
        err = inflate_end(inflate);
    }
    inflate_free(inflate);
    return err;
}

TEST(each_coding_comes_out_as_it_went_in_however_it_is_cut)
{
    struct buf plain;
    lines_make(&plain);
    struct str zlib = bytes_of(zlib_text);
    struct str gzip = bytes_of(gzip_text);
    struct str zstd = bytes_of(zstd_text);
    const struct {
        enum inflate_kind kind;
        struct str packed;
    } cases[] = {
        {INFLATE_GZIP, gzip},
        {INFLATE_DEFLATE, zlib},
        {INFLATE_DEFLATE, str_slice(zlib, 2, zlib.size - 6)},
        {INFLATE_ZSTD, zstd},
    };
    const size_t pieces[] = {1, 7, 100, SIZE_MAX};
    struct buf out;
    buf_init(&out, 16 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t j = 0; j < sizeof pieces / sizeof *pieces; j++) {
            buf_reset(&out);
            CHECK(inflated(cases[i].kind, cases[i].packed, pieces[j], j % 2 == 0 ? 1 << 20 : 77,
                           &out) == OK);
            CHECK(str_equal(buf_str(&out), buf_str(&plain)));
        }
        buf_reset(&out);
        struct str cut = str_slice(cases[i].packed, 0, cases[i].packed.size - 6);
        CHECK(inflated(cases[i].kind, cut, SIZE_MAX, 1 << 20, &out) == ERR_SYNTAX);
        buf_reset(&out);
        CHECK(inflated(cases[i].kind, STR("\x07no such text"), SIZE_MAX, 1 << 20, &out) != OK);
    }
    buf_done(&out);
    buf_done(&plain);
    free((void *)(uintptr_t)zlib.data);
    free((void *)(uintptr_t)gzip.data);
    free((void *)(uintptr_t)zstd.data);
}

TEST(what_forerunners_of_zstd_wrote_is_refused_however_it_is_cut)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    for (char version = 0x25; version <= 0x27; version++) {
        char old[] = {version, '\xb5', '\x2f', '\xfd', 9, 0, 0, 0};
        struct str text = str_of(old, sizeof old);
        struct zstd *zstd = zstd_new(3);
        CHECK(inflated(INFLATE_ZSTD, text, SIZE_MAX, 4096, &out) == ERR_SYNTAX);
        CHECK(inflated(INFLATE_ZSTD, text, 1, 4096, &out) == ERR_SYNTAX);
        CHECK(zstd_unpack(zstd, text, old, 0) == ERR_CORRUPT);
        CHECK(out.size == 0);
        zstd_free(zstd);
    }
    buf_done(&out);
}

TEST(a_frame_of_zstd_that_holds_less_than_it_told_is_refused_however_it_is_cut)
{
    static const char short_frame[] = "\x28\xb5\x2f\xfd\x60\x05\x00\x01\x00\x00"; /* 261 bytes */
    struct str text = str_of(short_frame, sizeof short_frame - 1);
    struct buf out;
    buf_init(&out, 1 << 20);
    CHECK(inflated(INFLATE_ZSTD, text, SIZE_MAX, 4096, &out) == ERR_SYNTAX);
    CHECK(inflated(INFLATE_ZSTD, text, 1, 4096, &out) == ERR_SYNTAX);
    buf_done(&out);
}

TEST(what_zstd_skips_holds_nothing)
{
    static const char skipped[] = "\x5f\x2a\x4d\x18\x02\x00\x00\x00xy";
    struct str parts[] = {str_of(skipped, sizeof skipped - 1), bytes_of(zstd_text)};
    struct buf packed;
    struct buf out;
    struct buf plain;
    buf_init(&packed, 1 << 20);
    buf_init(&out, 1 << 20);
    lines_make(&plain);
    CHECK(buf_append(&packed, parts[0]) == OK && buf_append(&packed, parts[1]) == OK);
    CHECK(inflated(INFLATE_ZSTD, buf_str(&packed), 1, 4096, &out) == OK);
    CHECK(str_equal(buf_str(&out), buf_str(&plain)));
    free((char *)(uintptr_t)parts[1].data);
    buf_done(&plain);
    buf_done(&out);
    buf_done(&packed);
}

TEST(members_one_behind_the_other_are_one_text_but_for_deflate)
{
    struct buf plain;
    lines_make(&plain);
    const struct {
        enum inflate_kind kind;
        const char *text;
        enum err expected;
    } cases[] = {{INFLATE_GZIP, gzip_text, OK},
                 {INFLATE_ZSTD, zstd_text, OK},
                 {INFLATE_DEFLATE, zlib_text, ERR_SYNTAX}};
    for (size_t i = 0; i < 3; i++) {
        struct buf both;
        struct buf out;
        struct str one = bytes_of(cases[i].text);
        buf_init(&both, 1 << 20);
        buf_init(&out, 1 << 20);
        CHECK(buf_append(&both, one) == OK && buf_append(&both, one) == OK);
        CHECK(inflated(cases[i].kind, buf_str(&both), SIZE_MAX, 65536, &out) == cases[i].expected);
        CHECK(cases[i].expected != OK || out.size == 2 * plain.size);
        buf_done(&both);
        buf_done(&out);
        free((void *)(uintptr_t)one.data);
    }
    buf_done(&plain);
}

TEST(a_bomb_is_stopped_by_its_ratio)
{
    size_t size = (size_t)64 << 20;
    char *zeros = calloc(1, size);
    struct str packed[2] = {bomb_make(65536), zstd_packed(str_of(zeros, size))};
    const enum inflate_kind kinds[2] = {INFLATE_GZIP, INFLATE_ZSTD};
    for (size_t i = 0; i < 2; i++) {
        struct buf out;
        buf_init(&out, size);
        CHECK(inflated(kinds[i], packed[i], 16384, 65536, &out) == ERR_LIMIT);
        CHECK(out.size < 8u << 20);
        buf_done(&out);
        free((void *)(uintptr_t)packed[i].data);
    }
    free(zeros);
}

TEST(a_window_over_eight_mebibytes_is_refused)
{
    /* RFC 8878, section 3.1.1: the mark, a descriptor without a single segment, the window. */
    const char frame[] = "\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00";
    struct buf out;
    buf_init(&out, 1 << 20);
    CHECK(inflated(INFLATE_ZSTD, STR(frame), SIZE_MAX, 65536, &out) == ERR_LIMIT);
    buf_done(&out);
}
