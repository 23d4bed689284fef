/* Texts as Japanese devices write them, in each set: twenty-odd texts times six sets and ends that
 * were cut, over two hundred lines in all. */

#include "codec/charset.h"

#include <iconv.h>
#include <stdio.h>
#include <string.h>

#include "testing/testing.h"

static const char *const texts[] = {
    "ユーザー「田中」がログインに失敗しました",
    "接続を拒否しました: 送信元 192.0.2.1",
    "ファイアウォールのポリシー違反を検知",
    "管理者権限でコマンドを実行しました",
    "ウイルスを検出しました。ファイル名: 請求書.exe",
    "パスワードの有効期限が切れています",
    "システムを再起動します",
    "ディスクの空き容量が不足しています (残り 5%)",
    "東京本社 大阪支社間のVPN接続が切断されました",
    "認証サーバーへの接続がタイムアウトしました",
    "証明書の検証に失敗: 発行者が不明です",
    "アクセス禁止サイトへの通信を遮断",
    "設定ファイルを保存しました",
    "不正なパケットを破棄しました",
    "時刻同期に失敗しました NTPサーバー応答なし",
    "表示 能力 構成 十分 予算 ソフト",
    "株式会社の社内システムから送信",
    "メールの添付ファイルを隔離しました",
    "ログオン成功 ユーザー名=suzuki",
    "新しい端末が検出されました",
    "操作ログ: 削除 /共有/経理/決算.xlsx",
    "サービスを停止しています",
    "電源ユニットの故障を検知しました",
    "無線LANのアクセスポイントに接続",
    "プリンターの用紙がありません",
    "警告",
    "<134>Nov 21 10:00:00 rtx810 [IKE] 接続が確立しました",
    "date=2026-11-21 msg=\"許可\" action=\"拒否\"",
};

static const struct {
    enum charset charset;
    const char *name; /* that the C library has for it */
} sets[] = {
    {CHARSET_UTF8, "UTF-8"},       {CHARSET_SHIFT_JIS, "CP932"},
    {CHARSET_EUC_JP, "EUC-JP"},    {CHARSET_ISO_2022_JP, "ISO-2022-JP"},
    {CHARSET_UTF16LE, "UTF-16LE"}, {CHARSET_UTF16BE, "UTF-16BE"},
};

#define TEXTS (sizeof texts / sizeof texts[0])
#define SETS  (sizeof sets / sizeof sets[0])

static struct str encoded(struct arena *mem, const char *name, struct str text)
{
    size_t room = text.size * 4 + 16;
    char *to = arena_take(mem, room);
    char *copy = arena_take(mem, text.size + 1);
    CHECK(to != NULL && copy != NULL);
    memcpy(copy, text.data, text.size);
    char *out = to;
    size_t left = text.size;
    iconv_t converter = iconv_open(name, "UTF-8");
    CHECK(converter != (iconv_t)-1);
    CHECK(iconv(converter, &copy, &left, &out, &room) == 0 && left == 0);
    CHECK(iconv(converter, NULL, NULL, &out, &room) == 0);
    CHECK(iconv_close(converter) == 0);
    return str_of(to, (size_t)(out - to));
}

TEST(two_hundred_japanese_lines_are_recognised_and_come_back_whole)
{
    size_t lines = 0;
    size_t wrong = 0;
    struct arena *mem = arena_new(8 << 20);
    for (size_t t = 0; t < TEXTS; t++) {
        for (size_t s = 0; s < SETS; s++) {
            struct str text = str_from(texts[t]);
            bool wide = sets[s].charset == CHARSET_UTF16LE || sets[s].charset == CHARSET_UTF16BE;
            struct str bytes = encoded(mem, sets[s].name, text);
            struct str back = {0};
            /* UTF-16 without a mark and with hardly any ASCII cannot be told: it has to be named.
             */
            enum charset guess = wide ? sets[s].charset : charset_guess(bytes);
            lines++;
            if (guess != sets[s].charset || charset_decode(guess, bytes, mem, &back) != OK ||
                !str_equal(back, text)) {
                printf("# %s taken for %s: %s\n", charset_name(sets[s].charset),
                       charset_name(guess), texts[t]);
                wrong++;
            }
        }
    }
    arena_free(mem);
    CHECK(lines >= 160);
    CHECK(wrong == 0);
}

TEST(a_line_that_was_cut_is_recognised_up_to_the_cut)
{
    size_t lines = 0;
    size_t wrong = 0;
    struct arena *mem = arena_new(8 << 20);
    for (size_t t = 0; t < TEXTS; t++) {
        for (size_t s = 1; s < 3; s++) {
            struct str bytes = encoded(mem, sets[s].name, str_from(texts[t]));
            bytes.size -= 1;
            lines++;
            if (bytes.size > 8 && charset_guess(bytes) != sets[s].charset) {
                printf("# %s taken for %s: %s\n", charset_name(sets[s].charset),
                       charset_name(charset_guess(bytes)), texts[t]);
                wrong++;
            }
        }
    }
    arena_free(mem);
    CHECK(lines >= 50);
    CHECK(wrong == 0);
}

TEST(utf_16_is_known_by_its_mark_and_by_its_zeros)
{
    CHECK(charset_guess(STR("\xff\xfe<\0a\0")) == CHARSET_UTF16LE);
    CHECK(charset_guess(STR("\xfe\xff\0<\0a")) == CHARSET_UTF16BE);
    CHECK(charset_guess(STR("<\0001\0003\0>\0x\0")) == CHARSET_UTF16LE);
    CHECK(charset_guess(STR("a\0b")) == CHARSET_UTF8);
    CHECK(charset_guess(STR("")) == CHARSET_UTF8);
}

TEST(other_bytes_are_left_alone_or_latin)
{
    CHECK(charset_guess(STR("user=M\xfcller from K\xf6ln")) == CHARSET_ISO_8859_1);
    CHECK(charset_guess(STR("\xff\xff\x01\x80\x00\xa0\xff")) == CHARSET_UNKNOWN);
    CHECK(charset_guess(STR("plain \x1b[31mred\x1b[0m")) == CHARSET_UTF8);
    CHECK(charset_guess(STR("emoji \xf0\x9f\x94\xa5")) == CHARSET_UTF8);
}

TEST(half_width_katakana_is_shift_jis)
{
    CHECK(charset_guess(STR("\xca\xdf\xbd\xdc\xb0\xc4\xde \xb4\xd7\xb0 user")) ==
          CHARSET_SHIFT_JIS);
}

TEST(bytes_that_are_none_become_replacement_characters)
{
    struct arena *mem = arena_new(1 << 20);
    struct str text;
    CHECK(charset_decode(CHARSET_SHIFT_JIS, STR("a\x82\xa0\x82!"), mem, &text) == OK);
    CHECK(str_starts(text, STR("a\xe3\x81\x82\xef\xbf\xbd")));
    CHECK(charset_decode(CHARSET_UNKNOWN, STR("a"), mem, &text) == ERR_UNSUPPORTED);
    arena_free(mem);
}

TEST(names_and_their_relatives_are_known)
{
    enum charset charset;
    CHECK(charset_find(STR("Shift_JIS"), &charset) && charset == CHARSET_SHIFT_JIS);
    CHECK(charset_find(STR("CP932"), &charset) && charset == CHARSET_SHIFT_JIS);
    CHECK(!charset_find(STR("auto"), &charset));
    CHECK(!charset_find(STR("big5"), &charset));
}
