/* What searches require, written out as text; and that folding makes one of what people mean by
 * one. */

#include "match/required.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "testing/testing.h"

static void write_out(const struct required *required, struct buf *out)
{
    static const char *const hows[] = {"=", "^", "$", "~"};
    struct str field = required->field.size > 0 ? required->field : STR("any");
    char network[NETWORK_TEXT_SIZE];
    enum err err = OK;
    switch (required->kind) {
    case REQUIRED_NOTHING:
    case REQUIRED_NEVER:
        err = buf_print(out, required->kind == REQUIRED_NEVER ? "never" : "-");
        break;
    case REQUIRED_ALL:
    case REQUIRED_ANY:
        err = buf_print(out, required->kind == REQUIRED_ALL ? "all(" : "any(");
        CHECK(required->count > 1);
        for (size_t i = 0; i < required->count; i++) {
            write_out(required->children[i], out);
            CHECK(buf_append_byte(out, i + 1 < required->count ? ' ' : ')') == OK);
        }
        break;
    case REQUIRED_TEXT:
        err = buf_print(out, "%.*s%s%.*s", STR_ARG(field), hows[required->how],
                        STR_ARG(required->text));
        break;
    case REQUIRED_NUMBER:
        err = buf_print(out, "%.*s:%g..%g", STR_ARG(field), required->low, required->high);
        break;
    case REQUIRED_NETWORK:
        err = buf_print(out, "%.*s@%s", STR_ARG(field), network_print(&required->network, network));
        break;
    case REQUIRED_PRESENT:
        err = buf_print(out, "%.*s?", STR_ARG(field));
        break;
    }
    CHECK(err == OK);
}

static bool requires(const char *text, const char *expected)
{
    struct query *query;
    struct arena *mem = arena_new(1 << 22);
    const struct required *required;
    struct buf out;
    struct why why = {0};
    buf_init(&out, 1 << 20);
    CHECK(query_parse(str_from(text), &query, &why) == OK);
    CHECK(query_required(query, mem, &required) == OK);
    write_out(required, &out);
    bool same = str_equal(buf_str(&out), str_from(expected));
    if (!same) {
        (void)fprintf(stderr, "%s requires %.*s\n", text, STR_ARG(buf_str(&out)));
    }
    buf_done(&out);
    arena_free(mem);
    query_free(query);
    return same;
}

TEST(a_search_requires_its_texts_folded)
{
    CHECK(requires("Failed", "any~failed"));
    CHECK(requires("\"Failed Password\"", "any~failed password"));
    CHECK(requires("user.name: Root", "user.name=root"));
    CHECK(requires("user.name: Adm*", "user.name^adm"));
    CHECK(requires("user.name: *Adm", "user.name$adm"));
    CHECK(requires("user.name: *a*", "user.name~a"));
    CHECK(requires("user.name: a?c*d", "all(user.name^a user.name~c user.name$d)"));
    CHECK(requires("user.name: *", "user.name?"));
    CHECK(requires("user.name: ??", "user.name?"));
    CHECK(requires("event.original: x", "event.original=x"));
    CHECK(requires("ログイン", "any~ろぐいん"));
    CHECK(requires("ＳＳＨ", "any~ssh"));
}

TEST(numbers_networks_and_regular_expressions_require_what_is_certain)
{
    CHECK(requires("n: >= 400", "n:400..inf"));
    CHECK(requires("n: < 400", "n:-inf..400"));
    CHECK(requires("n: 400..499", "all(n:400..inf n:-inf..499)"));
    CHECK(requires("ip: 192.0.2.0/24", "ip@192.0.2.0/24"));
    CHECK(requires("a: /Fail(ed|ure)/", "a~fai"));
    CHECK(requires("/x.*[0-9]/", "-"));
    CHECK(requires("a: /x.*[0-9]/", "a?"));
}

TEST(groups_keep_what_is_known_and_denials_nothing)
{
    CHECK(requires("", "-"));
    CHECK(requires("not x", "-"));
    CHECK(requires("x not y", "any~x"));
    CHECK(requires("x or y", "any(any~x any~y)"));
    CHECK(requires("x or not y", "-"));
    CHECK(requires("a: (x or y) z", "all(any(a=x a=y) any~z)"));
}

TEST(documents_ask_exactly_and_without_commands)
{
    struct query *query = NULL;
    struct why why = {0};
    CHECK(query_parse_exact(STR("a: b | count"), &query, &why) == ERR_SYNTAX && why.column == 6);
    CHECK(query_parse_exact(STR("ログイン"), &query, NULL) == OK);
    struct arena *mem = arena_new(1 << 20);
    const struct required *required;
    CHECK(query_required(query, mem, &required) == OK && required->kind == REQUIRED_NOTHING);
    arena_free(mem);
    query_free(query);
}

static bool folds_to(const char *text, const char *expected)
{
    struct arena *mem = arena_new(1 << 22);
    struct str folded;
    CHECK(search_fold(str_from(text), mem, &folded) == OK);
    bool same = str_equal(folded, str_from(expected));
    if (!same) {
        (void)fprintf(stderr, "%s folds to %.*s\n", text, STR_ARG(folded));
    }
    arena_free(mem);
    return same;
}

TEST(what_people_mean_by_one_text_is_one_text)
{
    CHECK(folds_to("Failed Password 12", "failed password 12"));
    CHECK(folds_to("ＡＢＣ１２３（テスト）", "abc123(てすと)"));
    CHECK(folds_to("ﾛｸﾞｲﾝに失敗", "ろぐいんに失敗"));
    CHECK(folds_to("ﾊﾟｽﾜｰﾄﾞ", "ぱすわーど"));
    CHECK(folds_to("か\xe3\x82\x99", "が"));
    CHECK(folds_to("サーバー　Ａ", "さーばー a"));
    CHECK(folds_to("㈱例", "(株)例"));
    CHECK(folds_to("ヴ", "ゔ"));
    CHECK(folds_to("BÖRJE Straße", "börje strasse"));
    CHECK(folds_to("\xff火\xe7の", "\xff火\xe7の"));
    CHECK(folds_to("\xffÉ\xff", "\xffé\xff"));
    CHECK(folds_to("cafe\xcc\x81", "café"));
}

/* The short way and ICU's give the same for each character of the basic plane: behind a blank an
 * accented letter sends the whole text the long way. */
TEST(the_short_way_of_folding_is_right_for_each_character)
{
    struct arena *mem = arena_new(1 << 22);
    for (unsigned c = 0x800; c < 0x10000; c++) {
        if (c >= 0xd800 && c < 0xe000) {
            continue;
        }
        char text[] = {'x',
                       (char)(0xe0 | c >> 12),
                       (char)(0x80 | (c >> 6 & 0x3f)),
                       (char)(0x80 | (c & 0x3f)),
                       'y',
                       ' ',
                       '\xc3',
                       '\xa9'};
        struct str one;
        struct str both;
        arena_reset(mem);
        CHECK(search_fold(str_of(text, 5), mem, &one) == OK);
        CHECK(search_fold(str_of(text, sizeof text), mem, &both) == OK);
        CHECK(both.size == one.size + 3 && str_starts(both, one));
    }
    arena_free(mem);
}

TEST(long_texts_fold_in_runs_without_a_seam)
{
    struct arena *mem = arena_new((size_t)64 << 20);
    struct buf text;
    struct buf expected;
    struct str folded;
    buf_init(&text, 1 << 20);
    buf_init(&expected, 1 << 20);
    for (int i = 0; i < 30000; i++) {
        CHECK(buf_append(&text, i % 3 == 0 ? STR("e\xcc\x81") : STR("ｶﾞx ")) == OK);
        CHECK(buf_append(&expected, i % 3 == 0 ? STR("é") : STR("がx ")) == OK);
    }
    CHECK(search_fold(buf_str(&text), mem, &folded) == OK);
    CHECK(str_equal(folded, buf_str(&expected)));
    buf_done(&text);
    buf_done(&expected);
    arena_free(mem);
}
