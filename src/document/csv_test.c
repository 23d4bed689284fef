/* Lists as tables, and back. */

#include <string.h>

#include "document/document.h"
#include "testing/testing.h"

static struct arena *mem;

static struct document document_of(const char *kind, const char *text)
{
    struct document document;
    struct why why = {0};
    CHECK(document_read(schema_find(str_from(kind)), str_from(text), mem, &document, &why) == OK);
    return document;
}

static struct str kept(enum err err, struct buf *out)
{
    struct str text;
    CHECK(err == OK);
    CHECK(arena_copy(mem, buf_str(out), &text) == OK);
    buf_done(out);
    return text;
}

static struct str json(const struct document *document)
{
    struct buf out;
    buf_init(&out, DOCUMENT_SIZE_MAX);
    return kept(document_print(document, &out), &out);
}

static struct str csv(const struct document *document, const char *path)
{
    struct buf out;
    buf_init(&out, DOCUMENT_SIZE_MAX);
    return kept(document_print_csv(document, str_from(path), &out), &out);
}

static const char calendars[] = "calendars:\n"
                                "  - slug: office\n"
                                "    name: {ja: '=営業\"時間\"', en: \"'quoted, with comma\"}\n"
                                "    zone: Asia/Tokyo\n"
                                "    hours: {monday: ['09:00-12:00', '13:00-17:30']}\n"
                                "    closed: [{slug: year-end, from: 2026-12-29, to: 2027-01-03}]\n"
                                "  - slug: night\n"
                                "events:\n"
                                "  - slug: sale\n"
                                "    from: 2026-12-01T00:00:00+09:00\n"
                                "    expected: {en: \"two\\nlines\"}\n";

TEST(a_list_is_printed_as_a_table_with_a_header)
{
    mem = arena_new(64 << 20);
    struct document document = document_of("calendars", calendars);
    CHECK(str_equal(csv(&document, "calendars"),
                    STR("slug,name.ja,name.en,zone,hours/monday,hours/tuesday,hours/wednesday,"
                        "hours/thursday,hours/friday,hours/saturday,hours/sunday,holidays\r\n"
                        "office,\"'=営業\"\"時間\"\"\",\"''quoted, with comma\",Asia/Tokyo,"
                        "09:00-12:00;13:00-17:30,,,,,,,\r\n"
                        "night,,,,,,,,,,,\r\n")));
    arena_free(mem);
}

TEST(what_was_printed_reads_back_equal_inner_lists_included)
{
    mem = arena_new(64 << 20);
    struct document document = document_of("calendars", calendars);
    static const char *const paths[] = {"calendars", "events"};
    for (size_t i = 0; i < 2; i++) {
        struct document back;
        struct why why = {0};
        CHECK(document_read_csv(&document, str_from(paths[i]), csv(&document, paths[i]), mem, &back,
                                &why) == OK);
        CHECK(str_equal(json(&back), json(&document)));
    }
    arena_free(mem);
}

TEST(texts_that_look_like_formulas_are_disarmed_and_come_back)
{
    mem = arena_new(64 << 20);
    static const char *const texts[] = {"=1+1", "+1",  "-1", "@a",  "'a", "'=1",
                                        "''",   "a=1", "'",  "＝1", "＠a"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct str text;
        struct document back;
        CHECK(arena_print(mem, &text, "{\"assets\":[{\"slug\":\"a\",\"cloud\":\"%s\"}]}",
                          texts[i]) == OK);
        struct document document = document_of("assets", text.data);
        struct str table = csv(&document, "assets");
        CHECK(str_find(table, STR(",=")) == STR_NONE && str_find(table, STR(",@")) == STR_NONE);
        CHECK(str_find(table, STR(",＝")) == STR_NONE && str_find(table, STR(",＠")) == STR_NONE);
        CHECK(str_find(table, STR(",+")) == STR_NONE && str_find(table, STR(",-")) == STR_NONE);
        CHECK(document_read_csv(&document, STR("assets"), table, mem, &back, NULL) == OK);
        CHECK(str_equal(json(&back), json(&document)));
    }
    arena_free(mem);
}

TEST(a_separator_inside_a_value_is_kept)
{
    mem = arena_new(64 << 20);
    struct document back;
    struct document document = document_of(
        "assets", "{\"assets\":[{\"slug\":\"a\",\"hosts\":[\"x;y\",\"\\\\;\",\"z\"]}]}");
    CHECK(document_read_csv(&document, STR("assets"), csv(&document, "assets"), mem, &back, NULL) ==
          OK);
    CHECK(str_equal(json(&back), json(&document)));
    arena_free(mem);
}

TEST(a_backslash_at_the_end_of_a_cell_is_one)
{
    mem = arena_new(64 << 20);
    struct document back;
    struct document document = document_of("assets", "{\"assets\":[]}");
    CHECK(document_read_csv(&document, STR("assets"), STR("slug,hosts\na,x;y\\\n"), mem, &back,
                            NULL) == OK);
    CHECK(
        str_equal(json(&back), STR("{\"assets\":[{\"hosts\":[\"x\",\"y\\\\\"],\"slug\":\"a\"}]}")));
    arena_free(mem);
}

TEST(rows_replace_the_list_and_columns_that_are_not_there_stay)
{
    mem = arena_new(64 << 20);
    struct document back;
    struct document document = document_of("calendars", calendars);
    CHECK(document_read_csv(&document, STR("calendars"),
                            STR("\xef\xbb\xbfholidays,slug\n\njapan,office\n,new\n"), mem, &back,
                            NULL) == OK);
    const struct element *list = element_get(back.root, "calendars");
    const struct element *office = element_item(list, STR("office"));
    CHECK(list->count == 2 && element_item(list, STR("new")) != NULL);
    CHECK(str_equal(element_text(office, "holidays"), STR("japan")));
    CHECK(element_get(office, "closed")->count == 1 && element_get(office, "name") != NULL);
    CHECK(element_get(back.root, "events")->count == 1);
    arena_free(mem);
}

static const struct {
    const char *csv;
    uint32_t line, cell;
    const char *sentence;
} refused[] = {
    {"", 1, 1, "a header with a column 'slug'"},
    {"name.ja\n", 1, 1, "a header with a column 'slug'"},
    {"slug,ownr\n", 1, 2, "did you mean 'owner'?"},
    {"slug,slug\n", 1, 2, "stands twice"},
    {"slug,owner\na\n", 2, 1, "1 cells; the header has 2"},
    {"slug,users\na,1\nb,many\n", 3, 2, "is no whole number"},
    {"slug,type\r\na,server\r\nb,sever\r\n", 3, 2, "did you mean 'server'?"},
    {"slug\na\nb\na\n", 4, 1, "the slug 'a' stands in line 2, column 1 already"},
    {"slug\nA\n", 2, 1, "a slug has a-z"},
    {"slug,cloud\na,\"b\n", 2, 2, "does not end"},
    {"slug,cloud\na,\"b\"c\n", 2, 2, "follows the closing quote"},
    {"slug,cloud\na,b\"c\n", 2, 2, "a quote in a cell"},
    {"slug,description,users\na,\"x\ny\",1\nb,,z\n", 4, 3, "is no whole number"},
    {"slug,name.ja\na,\x8a\x94\n", 2, 1, "choose 'CSV UTF-8'"},
    {"slug,addresses\na,10.0.0.1;10.0.0.300\n", 2, 2, "is no network"},
};

TEST(a_mistake_in_a_table_is_named_with_its_line_and_cell)
{
    mem = arena_new(64 << 20);
    struct document document = document_of("assets", "");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct document back = {0};
        struct why why = {0};
        CHECK(document_read_csv(&document, STR("assets"), str_from(refused[i].csv), mem, &back,
                                &why) == ERR_SYNTAX);
        CHECK(why.line == refused[i].line && why.column == refused[i].cell);
        CHECK(strstr(why.text, refused[i].sentence) != NULL && back.root == NULL);
    }
    arena_free(mem);
}

TEST(only_a_list_that_stands_in_no_other_list_has_a_table)
{
    static const char *const paths[] = {"", "calendars/closed", "calendars/name", "none"};
    mem = arena_new(64 << 20);
    struct document document = document_of("calendars", calendars);
    struct buf out;
    buf_init(&out, 1000);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        CHECK(document_print_csv(&document, str_from(paths[i]), &out) == ERR_NOT_FOUND);
    }
    CHECK(out.size == 0);
    buf_done(&out);
    arena_free(mem);
}

TEST(a_register_of_five_thousand_assets_fits_into_modest_memory)
{
    mem = arena_new(64 << 20);
    struct buf table;
    struct document back;
    struct why why = {0};
    struct document document = document_of("assets", "");
    buf_init(&table, 4 << 20);
    CHECK(buf_append(&table, STR("slug,name.ja,name.en,type,addresses,cloud\r\n")) == OK);
    for (int i = 0; i < 5000; i++) {
        CHECK(buf_print(&table, "a%d,\"資産%d\",\"Asset, %d\",server,10.0.0.1,\"a \"\"b\"\"\"\r\n",
                        i, i, i) == OK);
    }
    CHECK(document_read_csv(&document, STR("assets"), buf_str(&table), mem, &back, &why) == OK);
    CHECK(element_get(back.root, "assets")->count == 5000);
    CHECK(
        str_equal(element_text(element_get(back.root, "assets")->first, "cloud"), STR("a \"b\"")));
    buf_done(&table);
    arena_free(mem);
}
