#include "codec/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "testing/testing.h"

static struct arena *mem;
static struct why why;

static struct yaml_node *parsed(struct str text)
{
    arena_free(mem);
    mem = arena_new(256 << 20);
    struct yaml_node *root = NULL;
    why = (struct why){0};
    CHECK(yaml_parse(text, mem, &root, &why) == OK);
    return root;
}

static enum err refused(struct str text)
{
    arena_free(mem);
    mem = arena_new(256 << 20);
    struct yaml_node *root = NULL;
    why = (struct why){0};
    enum err err = yaml_parse(text, mem, &root, &why);
    CHECK(err != OK && root == NULL);
    return err;
}

TEST(a_yaml_text_becomes_a_tree_with_positions)
{
    struct yaml_node *root =
        parsed(STR("name: web\nports: [80, '443']\nmore:\n  - a: 1\n    b: \n"));
    CHECK(root->kind == YAML_MAPPING && root->count == 3 && root->next == NULL);
    const struct yaml_node *ports = yaml_get(root, STR("ports"));
    CHECK(ports->kind == YAML_SEQUENCE && ports->count == 2 && ports->line == 2);
    CHECK(ports->key->line == 2 && ports->key->column == 1 && ports->column == 8);
    CHECK(ports->first->plain && !ports->first->next->plain);
    CHECK(str_equal(ports->first->next->text, STR("443")));
    const struct yaml_node *inner = yaml_get(root, STR("more"))->first;
    int64_t value = 0;
    CHECK(yaml_int(yaml_get(inner, STR("a")), &value) == OK && value == 1);
    CHECK(yaml_is_null(yaml_get(inner, STR("b"))));
    CHECK(yaml_get(root, STR("absent")) == NULL && yaml_get(ports, STR("name")) == NULL);
    CHECK(strcmp(yaml_get(root, STR("name"))->text.data, "web") == 0);
}

TEST(yaml_documents_are_linked_and_none_is_null)
{
    struct yaml_node *root = parsed(STR("---\na: 1\n---\n- b\n"));
    CHECK(root->kind == YAML_MAPPING && root->next->kind == YAML_SEQUENCE);
    CHECK(root->next->next == NULL && root->next->line == 4);
    CHECK(parsed(STR("")) == NULL && parsed(STR("# nothing\n")) == NULL);
    CHECK(parsed(STR("\xEF\xBB\xBF"
                     "a: 1\n"))
              ->count == 1);
}

TEST(yaml_numbers_and_truth_are_plain_only)
{
    static const struct {
        const char *text;
        bool is_int;
        int64_t value;
    } ints[] = {
        {"0", true, 0},    {"-17", true, -17}, {"+5", true, 5},
        {"010", false, 0}, {"'1'", false, 0},  {"9223372036854775807", true, INT64_MAX},
        {"1x", false, 0},  {"-", false, 0},    {"9223372036854775808", false, 0},
    };
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        int64_t value = 0;
        enum err err = yaml_int(parsed(str_from(ints[i].text)), &value);
        CHECK((err == OK) == ints[i].is_int && value == ints[i].value);
    }
    bool truth = false;
    CHECK(yaml_bool(parsed(STR("Yes")), &truth) == OK && truth);
    CHECK(yaml_bool(parsed(STR("off")), &truth) == OK && !truth);
    CHECK(yaml_bool(parsed(STR("'true'")), &truth) == ERR_SYNTAX);
    CHECK(yaml_bool(parsed(STR("!!str true")), &truth) == ERR_SYNTAX);
    CHECK(yaml_bool(parsed(STR("[true]")), &truth) == ERR_SYNTAX);
    CHECK(yaml_is_null(parsed(STR("~"))) && !yaml_is_null(parsed(STR("''"))));
}

TEST(mistakes_in_yaml_name_their_place)
{
    CHECK(refused(STR("a: 1\nb: [2\nc: 3\n")) == ERR_SYNTAX && why.line >= 2);
    CHECK(refused(STR("a: 1\nb: 2\na: 3\n")) == ERR_SYNTAX && why.line == 3 && why.column == 1);
    CHECK(strstr(why.text, "'a' stands in line 1 already") != NULL);
    CHECK(refused(STR("x:\n  - &n 1\n  - *n\n")) == ERR_SYNTAX && why.line == 3);
    CHECK(strstr(why.text, "aliases") != NULL);
    CHECK(refused(STR("[a, b]: 1\n")) == ERR_SYNTAX);
    CHECK(refused(STR("a: 1\nb: \xff\n")) == ERR_SYNTAX && why.line == 2);
    CHECK(refused(STR("a: \"x\\0y\"\n")) == ERR_SYNTAX && why.line == 1 && why.column == 4);
    CHECK(refused(STR("a: b: c\n")) == ERR_SYNTAX && why.line == 1);
}

TEST(yaml_has_a_limit_of_levels_values_and_bytes)
{
    char deep[2 * NESTING_MAX + 3];
    memset(deep, '[', NESTING_MAX + 1);
    memset(deep + NESTING_MAX + 1, ']', NESTING_MAX + 1);
    CHECK(refused(str_of(deep, 2 * NESTING_MAX + 2)) == ERR_LIMIT);
    CHECK(parsed(str_of(deep + 1, 2 * NESTING_MAX)) != NULL);

    struct buf text;
    buf_init(&text, YAML_SIZE_MAX + 10);
    for (int i = 0; i < YAML_NODES_MAX - 1; i++) {
        CHECK(buf_append(&text, STR("- a\n")) == OK);
    }
    CHECK(parsed(buf_str(&text))->count == YAML_NODES_MAX - 1);
    CHECK(buf_append(&text, STR("- a\n")) == OK);
    CHECK(refused(buf_str(&text)) == ERR_LIMIT && why.line == YAML_NODES_MAX);
    buf_reset(&text);
    char *at;
    CHECK(buf_extend(&text, YAML_SIZE_MAX + 1, &at) == OK);
    memset(at, ' ', YAML_SIZE_MAX + 1);
    CHECK(refused(buf_str(&text)) == ERR_LIMIT);
    buf_reset(&text);
    for (int i = 0; i < 17; i++) {
        CHECK(buf_print(&text, "%%TAG !a%d! b\n", i) == OK);
    }
    CHECK(refused(buf_str(&text)) == ERR_LIMIT && why.line == 17);
    buf_done(&text);
}

TEST(a_bomb_of_aliases_is_refused_at_once)
{
    CHECK(refused(STR("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n")) == ERR_SYNTAX);
}

TEST(the_nearest_known_key_is_suggested)
{
    static const char *const known[] = {"listeners", "data", "rules", NULL};
    CHECK(strcmp(yaml_suggest(STR("listener"), known), "listeners") == 0);
    CHECK(strcmp(yaml_suggest(STR("rulse"), known), "rules") == 0);
    CHECK(yaml_suggest(STR("zz"), known) == NULL);
    CHECK(yaml_suggest(STR("portal"), known) == NULL);
    CHECK(yaml_suggest(STR(""), known) == NULL);
}
