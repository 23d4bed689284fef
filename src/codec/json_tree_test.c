/* JSON as trees. */

#include <string.h>

#include "base/arena.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "testing/testing.h"

static enum err parse(const char *text, struct arena *mem, struct yaml_node **ret, struct why *why)
{
    return json_parse(str_from(text), mem, ret, why);
}

TEST(a_text_becomes_a_tree_with_places)
{
    struct arena *mem = arena_new(1 << 20);
    struct yaml_node *node;
    struct why why = {0};
    CHECK(parse("{\n  \"あ\": \"い\", \"b\": [1, true, null, \"1\"]\n}", mem, &node, &why) == OK);
    CHECK(node->kind == YAML_MAPPING && node->count == 2);
    const struct yaml_node *text = yaml_get(node, STR("あ"));
    CHECK(str_equal(text->text, STR("い")) && !text->plain);
    CHECK(text->line == 2 && text->column == 8 && text->key->column == 3);
    const struct yaml_node *list = yaml_get(node, STR("b"));
    CHECK(list->kind == YAML_SEQUENCE && list->count == 4 && list->column == 18);
    CHECK(list->first->plain && yaml_is_null(list->first->next->next));
    CHECK(!list->first->next->next->next->plain);
    arena_free(mem);
}

TEST(escapes_are_undone_surrogate_pairs_too)
{
    struct arena *mem = arena_new(1 << 20);
    struct yaml_node *node;
    CHECK(parse("\"\\\"\\\\\\/\\n\\u3042\\ud83d\\ude00\"", mem, &node, NULL) == OK);
    CHECK(str_equal(node->text, STR("\"\\/\n\xe3\x81\x82\xf0\x9f\x98\x80")));
    CHECK(node->text.data[node->text.size] == '\0');
    arena_free(mem);
}

TEST(what_is_no_json_is_refused_with_its_place)
{
    static const struct {
        const char *text;
        uint32_t line, column;
    } wrong[] = {
        {"", 1, 1},
        {"{", 1, 2},
        {"[1,]", 1, 4},
        {"{\"a\":1,}", 1, 8},
        {"{\"a\" 1}", 1, 6},
        {"[1 2]", 1, 4},
        {"[1}", 1, 3},
        {"tru", 1, 1},
        {"01", 1, 1},
        {"1.", 1, 1},
        {"+1", 1, 1},
        {".5", 1, 1},
        {"1e", 1, 1},
        {"NaN", 1, 1},
        {"\"a", 1, 1},
        {"\"\\x\"", 1, 1},
        {"\"\n\"", 1, 2},
        {"\"\xff\"", 1, 2},
        {"\"\\u0000\"", 1, 1},
        {"1 2", 1, 3},
        {"{\n\"a\":1,\n\"a\":2}", 3, 1},
        {"[,1]", 1, 2},
        {"{,}", 1, 2},
        {"'a'", 1, 1},
    };
    struct arena *mem = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct yaml_node *node = NULL;
        struct why why = {0};
        CHECK(parse(wrong[i].text, mem, &node, &why) == ERR_SYNTAX);
        CHECK(why.line == wrong[i].line && why.column == wrong[i].column);
        CHECK(node == NULL);
    }
    arena_free(mem);
}

TEST(a_tree_is_not_deeper_than_the_limit)
{
    struct arena *mem = arena_new(1 << 20);
    struct yaml_node *node;
    struct why why = {0};
    char text[2 * (NESTING_MAX + 1) + 1];
    memset(text, '[', NESTING_MAX + 1);
    memset(text + NESTING_MAX + 1, ']', NESTING_MAX + 1);
    CHECK(json_parse(str_of(text, sizeof text - 1), mem, &node, &why) == ERR_LIMIT);
    CHECK(json_parse(str_of(text + 1, sizeof text - 3), mem, &node, &why) == OK);
    arena_free(mem);
}
