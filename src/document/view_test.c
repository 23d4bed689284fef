/* What is made of a document: differences, what is open, what the other side sees, YAML, schemas.
 */

#include <stdio.h>
#include <stdlib.h>
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

static struct str json(const struct document *document)
{
    struct buf out;
    struct str text;
    buf_init(&out, DOCUMENT_SIZE_MAX);
    CHECK(document_print(document, &out) == OK);
    CHECK(arena_copy(mem, buf_str(&out), &text) == OK);
    buf_done(&out);
    return text;
}

/* ---- Differences. */

static void change_check(const struct document_change *change, const char *path, const char *before,
                         const char *after)
{
    CHECK(str_equal(change->path, str_from(path)));
    CHECK(str_equal(change->before, str_from(before)));
    CHECK(str_equal(change->after, str_from(after)));
}

TEST(a_difference_names_each_element_with_its_slugs)
{
    struct document_change *changes;
    size_t count;
    mem = arena_new(64 << 20);
    struct document before = document_of("assets", "assets:\n"
                                                   "  - {slug: a, users: 1, hosts: [x]}\n"
                                                   "  - {slug: b, cloud: c, name: {ja: 甲}}\n"
                                                   "  - {slug: gone, cloud: d}\n");
    struct document after = document_of("assets", "assets:\n"
                                                  "  - {slug: b, cloud: c, name: {ja: 甲, en: A}}\n"
                                                  "  - {slug: a, downtime: 60m, hosts: [x, y]}\n"
                                                  "  - {slug: new, cloud: e}\n");
    CHECK(document_difference(&before, &after, mem, &changes, &count) == OK);
    CHECK(count == 9);
    change_check(&changes[0], "assets", "a b", "b a");
    change_check(&changes[1], "assets/b/name.en", "", "A");
    change_check(&changes[2], "assets/a/hosts", "x", "x, y");
    change_check(&changes[3], "assets/a/downtime", "", "1h");
    change_check(&changes[4], "assets/a/users", "1", "");
    change_check(&changes[5], "assets/new", "", "new");
    change_check(&changes[6], "assets/new/cloud", "", "e");
    change_check(&changes[7], "assets/gone", "gone", "");
    change_check(&changes[8], "assets/gone/cloud", "d", "");
    arena_free(mem);
}

TEST(a_document_does_not_differ_from_itself_and_a_first_one_is_all_new)
{
    struct document_change *changes;
    size_t count;
    mem = arena_new(64 << 20);
    struct document one = document_of("sla", "metrics: [{slug: a, targets: {high: 15m}}]");
    struct document same = document_of("sla", "metrics: [{slug: a, targets: {high: 900s}}]");
    CHECK(document_difference(&one, &same, mem, &changes, &count) == OK && count == 0);
    CHECK(document_difference(NULL, &one, mem, &changes, &count) == OK && count == 2);
    change_check(&changes[0], "metrics/a", "", "a");
    change_check(&changes[1], "metrics/a/targets/high", "", "15m");
    arena_free(mem);
}

TEST(values_that_look_the_same_when_joined_still_differ)
{
    struct document_change *changes;
    size_t count;
    mem = arena_new(64 << 20);
    struct document one = document_of("assets", "assets: [{slug: a, hosts: ['x, y', z]}]");
    struct document two = document_of("assets", "assets: [{slug: a, hosts: [x, 'y, z']}]");
    CHECK(document_difference(&one, &two, mem, &changes, &count) == OK && count == 1);
    arena_free(mem);
}

/* ---- Completeness. */

TEST(completeness_counts_required_elements_of_what_is_there)
{
    struct document_completeness open;
    mem = arena_new(64 << 20);
    struct document document = document_of("calendars", "calendars:\n"
                                                        "  - slug: office\n"
                                                        "    name: {ja: 営業時間}\n"
                                                        "    zone: Asia/Tokyo\n"
                                                        "    open: [{slug: x, date: 2026-12-12}]\n"
                                                        "events:\n"
                                                        "  - {slug: sale, expected: {en: more}}\n");
    CHECK(document_complete(&document, mem, &open) == OK);
    static const char *const paths[] = {
        "calendars/office/name.en", "calendars/office/hours", "calendars/office/open/x/hours",
        "events/sale/name.ja",      "events/sale/name.en",    "events/sale/from",
        "events/sale/to",           "events/sale/expected.ja"};
    CHECK(open.open_count == sizeof paths / sizeof *paths);
    for (size_t i = 0; i < open.open_count; i++) {
        CHECK(str_equal(open.open[i], str_from(paths[i])));
    }
    CHECK(open.wanted == 12 && open.there == 4);

    struct document empty = document_of("contacts", "");
    CHECK(document_complete(&empty, mem, &open) == OK);
    CHECK(open.wanted == 2 && open.there == 0 && str_equal(open.open[0], STR("people")));
    arena_free(mem);
}

/* ---- Disclosure. */

static const char shop[] =
    "assets:\n"
    "  - {slug: shop, cloud: c, users: 3, hosts: [x], notes: secret,\n"
    "     confirmation: {every: 1d}}\n"
    "information:\n"
    "  - {slug: customers, importance: high, notes: secret, kept_in: [shop]}\n";

static struct str seen(const struct disclosed *list, size_t count)
{
    struct document document = document_of("assets", shop);
    struct document shown;
    CHECK(document_disclose(&document, list, count, mem, &shown) == OK);
    return json(&shown);
}

TEST(what_a_schema_hides_is_not_seen_until_it_is_listed)
{
    mem = arena_new(64 << 20);
    CHECK(str_equal(seen(NULL, 0),
                    STR("{\"assets\":[{\"cloud\":\"c\",\"confirmation\":{\"every\":\"1d\"},"
                        "\"hosts\":[\"x\"],\"slug\":\"shop\",\"users\":3}]}")));
    const struct disclosed list[] = {{STR("information"), DISCLOSURE_SHOWN},
                                     {STR("assets"), DISCLOSURE_HIDDEN}};
    CHECK(str_equal(seen(list, 2),
                    STR("{\"information\":[{\"importance\":\"high\",\"kept_in\":[\"shop\"],"
                        "\"slug\":\"customers\"}]}")));
    const struct disclosed notes[] = {{STR("assets/shop/notes"), DISCLOSURE_SHOWN},
                                      {STR("assets/shop"), DISCLOSURE_HIDDEN}};
    CHECK(
        str_equal(seen(notes, 2), STR("{\"assets\":[{\"notes\":\"secret\",\"slug\":\"shop\"}]}")));
    arena_free(mem);
}

TEST(of_what_is_summarised_keys_and_slugs_are_seen)
{
    mem = arena_new(64 << 20);
    const struct disclosed list[] = {{STR("assets/shop"), DISCLOSURE_SUMMARISED},
                                     {STR("assets/shop/cloud"), DISCLOSURE_SHOWN}};
    CHECK(str_equal(seen(list, 2),
                    STR("{\"assets\":[{\"cloud\":\"c\",\"confirmation\":{\"every\":null},"
                        "\"hosts\":null,\"slug\":\"shop\",\"users\":null}]}")));
    arena_free(mem);
}

TEST(a_path_that_is_listed_twice_shows_less)
{
    mem = arena_new(64 << 20);
    const struct disclosed list[] = {{STR(""), DISCLOSURE_HIDDEN}, {STR(""), DISCLOSURE_SHOWN}};
    CHECK(str_equal(seen(list, 2), STR("{}")));
    enum disclosure disclosure;
    for (int i = 0; i < DISCLOSURE_COUNT; i++) {
        CHECK(disclosure_parse(str_from(disclosure_text((enum disclosure)i)), &disclosure) == OK);
        CHECK((int)disclosure == i);
    }
    CHECK(disclosure_parse(STR("open"), &disclosure) == ERR_SYNTAX);
    arena_free(mem);
}

/* ---- The example service: YAML, completeness, JSON Schema. */

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

static struct document example_of(size_t kind)
{
    struct document document;
    const struct yaml_node *node = yaml_get(example(), str_from(schema_kind(schema_at(kind))));
    CHECK(document_read_node(schema_at(kind), node, mem, &document, NULL) == OK);
    return document;
}

TEST(yaml_reads_back_equal)
{
    mem = arena_new(64 << 20);
    for (size_t i = 0; i < schema_count(); i++) {
        struct document document = example_of(i);
        struct document back;
        struct buf out;
        buf_init(&out, DOCUMENT_SIZE_MAX);
        CHECK(buf_append(&out, STR("document:\n")) == OK);
        CHECK(document_print_yaml(&document, 4, &out) == OK);
        struct yaml_node *root;
        struct why why = {0};
        CHECK(yaml_parse(buf_str(&out), mem, &root, &why) == OK);
        CHECK(document_read_node(schema_at(i), root->first, mem, &back, &why) == OK);
        CHECK(str_equal(json(&back), json(&document)));
        buf_done(&out);
    }
    arena_free(mem);
}

TEST(yaml_is_written_for_people)
{
    mem = arena_new(64 << 20);
    struct buf out;
    struct document document = document_of(
        "calendars", "calendars:\n  - {slug: no, name: {en: 'null', ja: 営業}, zone: Asia/Tokyo,\n"
                     "     hours: {monday: [9:00-17:30]}}\n");
    buf_init(&out, 1000);
    CHECK(document_print_yaml(&document, 2, &out) == OK);
    CHECK(str_equal(buf_str(&out), STR("  calendars:\n"
                                       "    - slug: \"no\"\n"
                                       "      name: {ja: \"営業\", en: \"null\"}\n"
                                       "      zone: Asia/Tokyo\n"
                                       "      hours:\n"
                                       "        monday: [\"09:00-17:30\"]\n")));
    buf_done(&out);
    arena_free(mem);
}

TEST(the_example_service_is_complete)
{
    size_t wanted = 0;
    size_t there = 0;
    mem = arena_new(64 << 20);
    for (size_t i = 0; i < schema_count(); i++) {
        struct document document = example_of(i);
        struct document_completeness open;
        CHECK(document_complete(&document, mem, &open) == OK);
        CHECK(open.wanted == open.there + open.open_count);
        wanted += open.wanted;
        there += open.there;
    }
    CHECK(wanted > 80 && there == wanted);
    arena_free(mem);
}

static bool is_there(const char *module)
{
    char command[200];
    (void)snprintf(command, sizeof command, "python3 -c 'import %s' 2>/dev/null", module);
    return system(command) == 0;
}

/* Somebody else's validator: accepted documents are valid; each mutation of one that the reader
 * refuses, and that a schema can tell, is not. */
static const char judge[] =
    "import json, sys, jsonschema\n"
    "lines = open(sys.argv[1], encoding='utf-8').read().split('\\n')\n"
    "for at in range(0, len(lines) - 2, 3):\n"
    "    schema, text, valid = json.loads(lines[at]), json.loads(lines[at + 1]), lines[at + 2] == "
    "'valid'\n"
    "    jsonschema.Draft202012Validator.check_schema(schema)\n"
    "    if jsonschema.Draft202012Validator(schema).is_valid(text) != valid:\n"
    "        sys.exit(f'should be {valid}: {lines[at + 1]}')\n";

static void case_add(struct buf *out, const struct schema *schema, struct str text)
{
    struct document document;
    bool valid = document_read(schema, text, mem, &document, NULL) == OK;
    CHECK(schema_print_json(schema, out) == OK);
    CHECK(buf_print(out, "\n%.*s\n%s\n", (int)text.size, text.data, valid ? "valid" : "not") == OK);
}

static const struct {
    const char *kind, *text;
} mutations[] = {
    {"assets", "{\"asets\":[]}"},
    {"assets", "{\"assets\":{}}"},
    {"assets", "{\"assets\":[{}]}"},
    {"assets", "{\"assets\":[{\"slug\":\"A\"}]}"},
    {"assets", "{\"assets\":[{\"slug\":\"a\",\"users\":-1}]}"},
    {"assets", "{\"assets\":[{\"slug\":\"a\",\"users\":\"1\"}]}"},
    {"assets", "{\"assets\":[{\"slug\":\"a\",\"users\":1.5}]}"},
    {"assets", "{\"assets\":[{\"slug\":\"a\",\"type\":\"sever\"}]}"},
    {"assets", "{\"assets\":[{\"slug\":\"a\",\"name\":\"b\"}]}"},
    {"assets", "{\"assets\":[{\"slug\":\"a\",\"name\":{\"fr\":\"b\"}}]}"},
    {"assets", "{\"assets\":[{\"slug\":\"a\",\"cloud\":\"b\\nc\"}]}"},
    {"assets", "{\"assets\":[{\"slug\":\"a\",\"hosts\":\"b\"}]}"},
    {"assets", "{\"assets\":[{\"slug\":\"a\",\"downtime\":\"1 h\"}]}"},
    {"assets", "{\"assets\":[{\"slug\":\"a\",\"urls\":[\"ftp://a.example\"]}]}"},
    {"assets", "{\"assets\":[{\"slug\":\"a\",\"as_of\":\"21.11.2026\"}]}"},
    {"assets", "{\"assets\":[{\"slug\":\"a\",\"addresses\":[\"shop\"]}]}"},
    {"contacts", "{\"people\":[{\"slug\":\"a\",\"mail\":\"b\"}]}"},
    {"contacts", "{\"people\":[{\"slug\":\"a\",\"phone\":\"call me\"}]}"},
    {"calendars", "{\"calendars\":[{\"slug\":\"a\",\"zone\":\"/etc\"}]}"},
    {"calendars", "{\"calendars\":[{\"slug\":\"a\",\"hours\":{\"monday\":[\"all day\"]}}]}"},
    {"calendars", "{\"events\":[{\"slug\":\"a\",\"from\":\"tomorrow\"}]}"},
    {"table-1", "{\"segments\":[{\"slug\":\"a\",\"monitored\":\"yes\"}]}"},
    {"table-1", "{\"nat\":[{\"slug\":\"a\",\"outside_ports\":\"http\"}]}"},
    {"sla", "{\"metrics\":[{\"slug\":\"a\",\"warn_at\":100}]}"},
};

TEST(an_independent_validator_agrees_with_the_json_schema)
{
    char path[512];
    char script[512];
    char command[1200];
    struct buf out;
    if (!is_there("jsonschema")) {
        testing_skip("python3-jsonschema is not installed");
    }
    mem = arena_new(64 << 20);
    buf_init(&out, 16 << 20);
    for (size_t i = 0; i < schema_count(); i++) {
        struct document document = example_of(i);
        case_add(&out, schema_at(i), json(&document));
        case_add(&out, schema_at(i), STR("{}"));
    }
    for (size_t i = 0; i < sizeof mutations / sizeof *mutations; i++) {
        struct document document;
        const struct schema *schema = schema_find(str_from(mutations[i].kind));
        CHECK(document_read(schema, str_from(mutations[i].text), mem, &document, NULL) != OK);
        case_add(&out, schema, str_from(mutations[i].text));
    }
    (void)snprintf(path, sizeof path, "%s/cases", testing_folder());
    testing_write(path, out.data, out.size);
    (void)snprintf(script, sizeof script, "%s/judge.py", testing_folder());
    testing_write(script, judge, strlen(judge));
    (void)snprintf(command, sizeof command, "python3 %s %s", script, path);
    CHECK(system(command) == 0);
    buf_done(&out);
    arena_free(mem);
}

TEST(a_form_has_every_element_with_both_languages)
{
    mem = arena_new(64 << 20);
    for (size_t i = 0; i < schema_count(); i++) {
        struct buf out;
        struct document none;
        buf_init(&out, 1 << 20);
        CHECK(schema_print_form(schema_at(i), &out) == OK);
        struct str text = buf_str(&out);
        CHECK(document_read(schema_at(i), text, mem, &none, NULL) == ERR_SYNTAX);
        CHECK(str_find(text, STR("\"label\":{\"ja\":\"")) != STR_NONE);
        CHECK(str_find(text, STR("\"signatures\":[[\"responsible\"]")) != STR_NONE);
        buf_done(&out);
    }
    arena_free(mem);
}

TEST(output_over_its_ceiling_leaves_the_buffer_as_it_was)
{
    mem = arena_new(64 << 20);
    struct document document = document_of("assets", shop);
    struct buf out;
    buf_init(&out, 40);
    CHECK(document_print(&document, &out) == ERR_LIMIT && out.size == 0);
    CHECK(document_print_yaml(&document, 0, &out) == ERR_LIMIT && out.size == 0);
    CHECK(document_print_csv(&document, STR("assets"), &out) == ERR_LIMIT && out.size == 0);
    CHECK(schema_print_json(document.schema, &out) == ERR_LIMIT && out.size == 0);
    CHECK(schema_print_form(document.schema, &out) == ERR_LIMIT && out.size == 0);
    buf_done(&out);
    arena_free(mem);
}

/* ---- Out of memory is an ordinary error. */

static enum err all_made(struct str text, struct str table, struct arena *small)
{
    struct document document;
    struct document other;
    struct document_change *changes;
    struct document_completeness open;
    size_t count;
    enum err err = document_read(schema_find(STR("assets")), text, small, &document, NULL);
    if (err == OK) {
        err = document_read_csv(&document, STR("assets"), table, small, &other, NULL);
    }
    if (err == OK) {
        err = document_difference(&document, &other, small, &changes, &count);
    }
    if (err == OK) {
        err = document_complete(&other, small, &open);
    }
    return err == OK ? document_disclose(&other, NULL, 0, small, &document) : err;
}

TEST(too_little_memory_is_told_whatever_is_being_made)
{
    enum err err = ERR_MEMORY;
    size_t told = 0;
    for (size_t size = 64; err != OK; size += 256) {
        mem = arena_new(size);
        err = mem != NULL
                  ? all_made(str_from(shop), STR("slug,name.ja,hosts\nnew,あ,x;y\nshop,い,\n"), mem)
                  : ERR_MEMORY;
        CHECK(err == OK || err == ERR_MEMORY);
        CHECK(size < 1 << 20);
        told += err == ERR_MEMORY;
        arena_free(mem);
    }
    CHECK(told > 3);
}
