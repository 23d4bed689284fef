#include "codec/json.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "testing/testing.h"

/* Leaves are noted as "path=kind:bytes;". */
struct note {
    struct buf out;
    struct str text;
};

static void leaf_note(void *context, struct str path, size_t offset, size_t size,
                      enum json_kind kind)
{
    struct note *note = context;
    struct str bytes = str_slice(note->text, offset, size);
    CHECK(bytes.size == size);
    CHECK(buf_print(&note->out, "%.*s=%c:%.*s;", STR_ARG(path), "SVN"[kind], STR_ARG(bytes)) == OK);
}

static enum err walk(const char *text, size_t size, const char *expected)
{
    struct note note = {.text = str_of(text, size)};
    struct why why = {0};
    buf_init(&note.out, 1 << 20);
    enum err err = json_walk(note.text, leaf_note, &note, &why);
    if (expected != NULL) {
        if (!str_equal(buf_str(&note.out), str_from(expected))) {
            printf("%.*s\n", STR_ARG(buf_str(&note.out)));
        }
        CHECK(str_equal(buf_str(&note.out), str_from(expected)));
    }
    CHECK((err == OK) == (why.text[0] == '\0'));
    buf_done(&note.out);
    return err;
}

static enum err walk_text(const char *text, const char *expected)
{
    return walk(text, strlen(text), expected);
}

TEST(leaves_come_with_dotted_names_and_their_places)
{
    CHECK(walk_text("{\"a\":\"x\\n\\u00e9\" , \"b\" : {\"c\":[1,-2.5e3 ,{\"d\":null}],\"e\":true}}",
                    "a=S:x\\n\\u00e9;b.c=V:1;b.c=V:-2.5e3;b.c.d=N:null;b.e=V:true;") == OK);
    CHECK(walk_text(" {} \r\n", "") == OK);
    CHECK(walk_text("{\"a\":{},\"b\":[],\"\":1,\"c\\\"\\u0041\":false}",
                    "a=N:{;b=N:[;=V:1;c\"A=V:false;") == OK);
}

TEST(what_is_no_json_object_is_refused_with_a_reason)
{
    const char *wrong[] = {
        "",
        "x",
        "[]",
        "1",
        "\"a\"",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1",
        "{\"a\":1}}",
        "{\"a\":1} x",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":tru}",
        "{\"a\":nul}",
        "{\"a\":-}",
        "{\"a\":+1}",
        "{\"a\":\"\\x\"}",
        "{a:1}",
        "{\"a\":1,}",
        "{\"a\":[1,]}",
        "{\"a\":\"b}",
        "{\"a\":1 2}",
        "{\"a\":\"\\u12\"}",
        "{\"\\q\":1}",
        "{\"a\":\"b\"c}",
        "{\"a\" 1}",
        "{\"a\":1e}",
        "{\"a\":\"\x80\"}",
        "{\"a\":\"\n\"}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (walk_text(wrong[i], NULL) != ERR_SYNTAX) {
            printf("accepted: %s\n", wrong[i]);
            CHECK(false);
        }
    }
    CHECK(walk("{\"a\":\0}", 7, NULL) == ERR_SYNTAX);
}

TEST(nesting_has_a_limit_that_is_said)
{
    char text[4096];
    for (int depth = NESTING_MAX - 1; depth <= NESTING_MAX + 1; depth++) {
        size_t size = 0;
        for (int i = 0; i < depth; i++) {
            size += (size_t)snprintf(text + size, sizeof text - size, "{\"a\":");
        }
        text[size++] = '1';
        for (int i = 0; i < depth; i++) {
            text[size++] = '}';
        }
        CHECK(walk(text, size, NULL) == (depth <= NESTING_MAX ? OK : ERR_LIMIT));
    }
}

static void path_measure(void *context, struct str path, size_t offset, size_t size,
                         enum json_kind kind)
{
    (void)offset, (void)size, (void)kind;
    *(size_t *)context = path.size;
}

TEST(a_name_over_the_limit_comes_cut_to_one_byte_more)
{
    char text[2048];
    memset(text, 'k', sizeof text);
    memcpy(text, "{\"", 2);
    memcpy(text + sizeof text - 4, "\":1}", 4);
    size_t path_size = 0;
    CHECK(json_walk(str_of(text, sizeof text), path_measure, &path_size, NULL) == OK);
    CHECK(path_size == NAME_SIZE_MAX + 1);
}
