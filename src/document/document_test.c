/* Texts to trees and back, mistakes with their places, and asking a tree. */

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "document/document.h"
#include "testing/testing.h"

static struct arena *mem;

static enum err read_as(const char *kind, struct str text, struct document *ret, struct why *why)
{
    return document_read(schema_find(str_from(kind)), text, mem, ret, why);
}

static struct str printed(const struct document *document)
{
    struct buf out;
    struct str kept;
    buf_init(&out, DOCUMENT_SIZE_MAX);
    CHECK(document_print(document, &out) == OK);
    CHECK(arena_copy(mem, buf_str(&out), &kept) == OK);
    buf_done(&out);
    return kept;
}

static void begin(void)
{
    mem = arena_new(256 << 20);
}

static void end(void)
{
    arena_free(mem);
}

TEST(the_canonical_text_has_its_keys_sorted_and_says_nothing_that_was_not_said)
{
    struct document document;
    struct why why = {0};
    begin();
    CHECK(read_as("assets",
                  STR("assets:\n"
                      "  - slug: shop\n"
                      "    users: 12000\n"
                      "    name: {en: Web shop, ja: 通販サイト}\n"
                      "    hosts: [shop.acme.example]\n"
                      "    urls: []\n"
                      "    cloud: ''\n"
                      "    description:\n"
                      "    confirmation: {}\n"
                      "    downtime: 90m\n"
                      "  - slug: a\n"
                      "information: []\n"),
                  &document, &why) == OK);
    CHECK(str_equal(printed(&document),
                    STR("{\"assets\":[{\"downtime\":\"1h30m\",\"hosts\":[\"shop.acme.example\"],"
                        "\"name\":{\"en\":\"Web shop\",\"ja\":\"通販サイト\"},\"slug\":\"shop\","
                        "\"users\":12000},{\"slug\":\"a\"}]}")));
    end();
}

TEST(a_text_that_says_nothing_is_an_empty_document)
{
    static const char *const texts[] = {"", "# nothing\n", "{}", "assets:\n", "~"};
    begin();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct document document;
        CHECK(read_as("assets", str_from(texts[i]), &document, NULL) == OK);
        CHECK(str_equal(printed(&document), STR("{}")));
    }
    end();
}

/* A text that is refused, and where and why. */
static const struct {
    const char *kind, *text;
    uint32_t line, column;
    const char *sentence;
} refused[] = {
    {"assets", "asets: []", 1, 1, "did you mean 'assets'?"},
    {"assets", "assets:\n  - slug: a\n    onwer: b\n", 3, 5, "did you mean 'owner'?"},
    {"assets", "assets:\n  - name: {ja: a}\n", 2, 5, "an item needs a slug"},
    {"assets", "assets:\n  - slug: A\n", 2, 11, "a slug has a-z"},
    {"assets", "assets:\n  - slug: a\n  - slug: b\n  - slug: a\n", 4, 5,
     "the slug 'a' stands in line 2, column 5 already"},
    {"assets", "assets: {slug: a}", 1, 9, "a list of items is expected here"},
    {"assets", "- a", 1, 1, "a mapping with keys is expected here"},
    {"assets", "a: 1\n---\nb: 1\n", 3, 1, "a second document begins here"},
    {"assets", "assets: [{slug: a, hosts: b}]", 1, 27, "a list is expected here"},
    {"assets", "assets: [{slug: a, users: '1'}]", 1, 27, "a number without quotes"},
    {"assets", "assets: [{slug: a, name: b}]", 1, 26, "{ja: …, en: …} is expected"},
    {"assets", "assets: [{slug: a, name: {fr: b}}]", 1, 27, "the keys here are ja and en"},
    {"assets", "assets: [{slug: a, cloud: [b]}]", 1, 27, "one value is expected here"},
    {"assets", "assets: [{slug: a, addresses: [10.0.0.1, 10.0.0.300]}]", 1, 42, "is no network"},
    {"assets", "information: [{slug: i, kept_in: [shop]}]", 1, 35,
     "there is no 'shop' in assets:assets"},
    {"table-1", "segments: [{slug: a, monitored: \"yes\"}]", 1, 33, "yes or no is expected here"},
    {"contacts", "people: [{slug: a, mail: b}]", 1, 26, "is no mail address"},
    {"contacts", "chains: [{slug: a, steps: [{slug: b, wait: 15}]}]", 1, 44, "is no duration"},
    {"criteria", "criteria: [{slug: a, when: {query: '(a'}}]", 1, 36, "query"},
    {"assets", "{\"assets\":[{\"slug\":\"a\",\"onwer\":1}]}", 1, 24, "did you mean 'owner'?"},
    {"assets", "{\"assets\":1,\"assets\":2}", 1, 13, "already"},
};

TEST(a_mistake_is_named_with_its_place)
{
    begin();
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct document document = {0};
        struct why why = {0};
        CHECK(read_as(refused[i].kind, str_from(refused[i].text), &document, &why) == ERR_SYNTAX);
        CHECK(why.line == refused[i].line && why.column == refused[i].column);
        CHECK(strstr(why.text, refused[i].sentence) != NULL);
        CHECK(document.root == NULL);
    }
    end();
}

static struct str many_items(size_t count)
{
    struct buf out;
    struct str kept;
    buf_init(&out, YAML_SIZE_MAX);
    CHECK(buf_append(&out, STR("{\"assets\":[")) == OK);
    for (size_t i = 0; i < count; i++) {
        CHECK(buf_print(&out, "%s{\"slug\":\"%zu\"}", i > 0 ? "," : "", i) == OK);
    }
    CHECK(buf_append(&out, STR("]}")) == OK);
    CHECK(arena_copy(mem, buf_str(&out), &kept) == OK);
    buf_done(&out);
    return kept;
}

TEST(documents_over_their_limits_are_refused)
{
    struct document document;
    struct why why = {0};
    begin();
    CHECK(read_as("assets", many_items(40000), &document, &why) == OK);
    CHECK(document.root->first->count == 40000);
    CHECK(read_as("assets", printed(&document), &document, &why) == OK);
    CHECK(read_as("assets", many_items(50001), &document, &why) == ERR_LIMIT);

    char *text = malloc(DOCUMENT_SIZE_MAX + 100);
    CHECK(text != NULL);
    struct buf out;
    buf_init(&out, YAML_SIZE_MAX);
    CHECK(buf_append(&out, STR("assets:\n")) == OK);
    memset(text, 'x', 19000);
    for (int i = 0; i < 60; i++) {
        CHECK(buf_print(&out, "  - slug: a%d\n    description: %.19000s\n", i, text) == OK);
    }
    CHECK(read_as("assets", buf_str(&out), &document, &why) == ERR_LIMIT);
    CHECK(strstr(why.text, "split it") != NULL);
    buf_done(&out);
    free(text);
    end();
}

TEST(a_document_is_asked_by_key_and_slug)
{
    struct document document;
    begin();
    CHECK(read_as("calendars",
                  STR("calendars:\n"
                      "  - slug: office\n"
                      "    name: {ja: 営業時間}\n"
                      "    hours: {monday: ['9:00-12:00', '13:00-17:30']}\n"),
                  &document, NULL) == OK);
    const struct element *list = element_get(document.root, "calendars");
    const struct element *office = element_item(list, STR("office"));
    CHECK(office != NULL && office->line == 2 && element_item(list, STR("other")) == NULL);
    CHECK(str_equal(element_text(office, "zone"), STR("Asia/Tokyo")));
    CHECK(str_equal(element_text(office, "holidays"), STR("none")));
    const struct element *monday = element_get(element_get(office, "hours"), "monday");
    CHECK(monday->count == 2 && str_equal(monday->first->text, STR("09:00-12:00")));
    bool missing = false;
    CHECK(str_equal(element_words(element_get(office, "name"), LANGUAGE_EN, &missing),
                    STR("営業時間")));
    CHECK(missing);
    CHECK(str_equal(element_words(element_get(office, "name"), LANGUAGE_JA, &missing),
                    STR("営業時間")));
    CHECK(!missing);
    CHECK(element_words(NULL, LANGUAGE_JA, NULL).size == 0);
    CHECK(element_get(NULL, "name") == NULL && element_text(NULL, "zone").size == 0);
    CHECK(element_item(NULL, STR("office")) == NULL);
    end();
}

TEST(numbers_fall_back_to_the_schema_and_then_to_the_caller)
{
    struct document document;
    begin();
    CHECK(read_as("sla", STR("metrics: [{slug: a, targets: {high: 15m}}, {slug: b, warn_at: 50}]"),
                  &document, NULL) == OK);
    const struct element *a = element_get(document.root, "metrics")->first;
    CHECK(element_number(a, "warn_at", 1) == 75);
    CHECK(element_number(a->next, "warn_at", 1) == 50);
    CHECK(element_number(element_get(a, "targets"), "high", -1) == 900000);
    CHECK(element_number(element_get(a, "targets"), "low", -1) == -1);
    CHECK(element_number(NULL, "warn_at", 7) == 7);
    end();
}

/* ---- examples/service.yaml */

static const struct yaml_node *example(void)
{
    size_t size;
    struct str path;
    struct yaml_node *root;
    CHECK(arena_print(mem, &path, "%s/examples/service.yaml", testing_root()) == OK);
    char *text = testing_read(path.data, &size);
    CHECK(yaml_parse(str_of(text, size), mem, &root, NULL) == OK);
    free(text);
    return yaml_get(yaml_get(root, STR("clients"))->first, STR("documents"));
}

static const struct document *other_find(void *context, struct str kind)
{
    const struct document *documents = context;
    for (size_t i = 0; i < schema_count(); i++) {
        if (documents[i].schema != NULL && str_equal(kind, str_from(schema_kind(schema_at(i))))) {
            return &documents[i];
        }
    }
    return NULL;
}

TEST(the_example_service_is_read_whole_and_its_references_lead_somewhere)
{
    struct document documents[16] = {0};
    struct why why = {0};
    begin();
    const struct yaml_node *node = example();
    CHECK(node->count == schema_count());
    for (size_t i = 0; i < schema_count(); i++) {
        const struct yaml_node *text = yaml_get(node, str_from(schema_kind(schema_at(i))));
        CHECK(text != NULL);
        CHECK(document_read_node(schema_at(i), text, mem, &documents[i], &why) == OK);
    }
    for (size_t i = 0; i < schema_count(); i++) {
        struct document back;
        CHECK(document_check_references(&documents[i], other_find, documents, &why) == OK);
        struct str text = printed(&documents[i]);
        CHECK(document_read(schema_at(i), text, mem, &back, &why) == OK);
        CHECK(str_equal(printed(&back), text));
    }
    end();
}

TEST(a_reference_into_a_document_that_is_not_there_is_named)
{
    struct document document;
    struct document none[16] = {0};
    struct why why = {0};
    begin();
    CHECK(read_as("assets", STR("assets:\n  - slug: a\n    owner: head\n"), &document, &why) == OK);
    CHECK(document_check_references(&document, other_find, none, &why) == ERR_SYNTAX);
    CHECK(why.line == 3 && why.column == 12);
    CHECK(strstr(why.text, "there is no 'head' in contacts:people") != NULL);
    end();
}
