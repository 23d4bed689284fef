/* The two documents, in both languages.  HINOMI_REPORTS names a folder to keep them in, for eyes.
 */

#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testing/testing.h"

#define NOW  ((struct wall){1790000000000000000}) /* 2026-09-21 */
#define HASH "2f1c5d0a9be84411d3a0c7e6f5b48392aa10bb20cc30dd40ee50ff6071829304"

static const struct report_part parts[] = {
    {{"lines.raw", 9}, 123456789, {HASH, 64}},
    {{"lines.ndjson", 12}, 223456789, {HASH, 64}},
    {{"proof/leaves.bin", 16}, 133456789, {HASH, 64}},
    {{"verify.py", 9}, 11234, {HASH, 64}},
};

static void cover_make(enum language language, size_t sources, struct str query, struct buf *out)
{
    static const struct report_source one = {
        {"本社ファイアウォール fw-1", 34}, 1234567, 987654321, {1789900000000000000}, NOW};
    const struct report_gap gap = {
        STR("fw-1"), {1789900000000000000}, NOW, STR("受信停止 / nothing was heard")};
    struct report_source *list = calloc(sources + 1, sizeof *list);
    struct why why = {0};
    CHECK(list != NULL);
    for (size_t i = 0; i < sources; i++) {
        list[i] = one;
    }
    const struct report_cover cover = {
        .language = language,
        .now = NOW,
        .client = STR("株式会社サンプル"),
        .number = STR("42"),
        .asked_by = STR("audit/ada"),
        .approved_by = STR("sample/head"),
        .purpose = STR("2026 年度の情報セキュリティ監査（第 3 四半期）に伴う確認のため"),
        .asked = {NOW.ns - 7200 * NS_PER_SECOND},
        .approved = {NOW.ns - 3600 * NS_PER_SECOND},
        .from = {NOW.ns - 86400 * NS_PER_SECOND},
        .to = NOW,
        .wanted = STR("fw-1, web-1"),
        .query = query,
        .format = STR("ndjson"),
        .proof = true,
        .lines = 1234567,
        .bytes = 987654321,
        .leaves = 1440,
        .heads = 1441,
        .stamps = 25,
        .unsigned_lines = 12,
        .gone = 3,
        .sources = list,
        .sources_count = sources,
        .parts = parts,
        .parts_count = sizeof parts / sizeof *parts,
        .gaps = &gap,
        .gaps_count = language == LANGUAGE_JA ? 1 : 0,
        .anchor = STR(HASH),
        .version = STR("0.0"),
    };
    enum err err = report_cover(&cover, out, &why);
    if (err != OK) {
        testing_fail(why_text(&why, err), __FILE__, __LINE__);
    }
    free(list);
}

static void keep(const char *name, const struct buf *pdf)
{
    const char *folder = getenv("HINOMI_REPORTS");
    char path[4096];
    if (folder != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s.pdf", folder, name);
        FILE *file = fopen(path, "wb");
        CHECK(file != NULL && fwrite(pdf->data, 1, pdf->size, file) == pdf->size);
        CHECK(fclose(file) == 0);
    }
}

TEST(a_covering_page_is_a_pdf_and_the_same_bytes_for_the_same_content)
{
    for (int language = 0; language < LANGUAGE_COUNT; language++) {
        struct buf once;
        struct buf again;
        buf_init(&once, 64 << 20);
        buf_init(&again, 64 << 20);
        cover_make((enum language)language, 3, STR("user.name: root AND source.ip: 192.0.2.0/24"),
                   &once);
        cover_make((enum language)language, 3, STR("user.name: root AND source.ip: 192.0.2.0/24"),
                   &again);
        CHECK(once.size > 10000 && memcmp(once.data, "%PDF-1.", 7) == 0);
        CHECK(str_equal(buf_str(&once), buf_str(&again)));
        keep(language == LANGUAGE_JA ? "cover-ja" : "cover-en", &once);
        buf_done(&once);
        buf_done(&again);
    }
}

TEST(a_text_breaks_no_line_and_turns_no_direction_around)
{
    struct buf plain;
    struct buf hostile;
    buf_init(&plain, 64 << 20);
    buf_init(&hostile, 64 << 20);
    cover_make(LANGUAGE_EN, 0, STR("audit   approved   by   x  y"), &plain);
    cover_make(LANGUAGE_EN, 0,
               STR("audit\xe2\x80\xa9"
                   "approved\xe2\x80\xa8"
                   "by\xe2\x80\xae"
                   "x\xc2\x85"
                   "y"),
               &hostile);
    CHECK(str_equal(buf_str(&plain), buf_str(&hostile)));
    buf_done(&plain);
    buf_done(&hostile);
}

TEST(long_lists_and_hostile_texts_do_no_harm)
{
    char *hostile = malloc(300000);
    struct buf few;
    struct buf many;
    CHECK(hostile != NULL);
    for (size_t i = 0; i < 300000; i++) {
        hostile[i] = (char)(i * 7 % 256);
    }
    buf_init(&few, 64 << 20);
    buf_init(&many, 64 << 20);
    cover_make(LANGUAGE_EN, 0, str_of(hostile, 300000), &few);
    cover_make(LANGUAGE_JA, 500, STR("<b>&amp; \xff\xfe \x1b[31m"), &many);
    CHECK(few.size > 10000 && many.size > 10000);
    CHECK(memcmp(few.data, "%PDF-1.", 7) == 0 && memcmp(many.data, "%PDF-1.", 7) == 0);
    keep("cover-many", &many);
    keep("cover-hostile", &few);
    buf_done(&few);
    buf_done(&many);
    free(hostile);
}

TEST(a_certificate_says_what_was_destroyed_and_who_signed)
{
    const struct report_part keys[] = {{STR("client-3.key"), 32, STR(HASH)}};
    for (int language = 0; language < LANGUAGE_COUNT; language++) {
        struct buf pdf;
        struct why why = {0};
        buf_init(&pdf, 64 << 20);
        const struct report_certificate certificate = {
            .language = (enum language)language,
            .now = NOW,
            .client = STR("株式会社サンプル"),
            .number = STR("7"),
            .asked_by = STR("sample/head"),
            .client_by = STR("sample/head"),
            .provider_by = STR("watch/admin"),
            .reason = STR("契約満了"),
            .asked = NOW,
            .client_at = NOW,
            .provider_at = NOW,
            .destroyed = NOW,
            .export_sha256 = STR(HASH),
            .export_size = 123456789,
            .events = 1234567,
            .rows = 4321,
            .files = 17,
            .keys = keys,
            .keys_count = 1,
            .digest = STR(HASH),
            .signature = STR(HASH HASH),
            .public_key = STR(HASH),
            .version = STR("0.0"),
        };
        enum err err = report_certificate(&certificate, &pdf, &why);
        if (err != OK) {
            testing_fail(why_text(&why, err), __FILE__, __LINE__);
        }
        CHECK(memcmp(pdf.data, "%PDF-1.", 7) == 0);
        keep(language == LANGUAGE_JA ? "certificate-ja" : "certificate-en", &pdf);
        buf_done(&pdf);
    }
}
