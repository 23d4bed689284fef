#include "codec/json.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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
        "{\"a\":[\"b\":1]}",
        "{\"a\":\"b\":[1]}",
        "{\"a\":{\"b\"}}",
        "{\"a\":[1}",
        "{\"a\":1]",
        "{\"a\":1,,\"b\":2}",
        "{,\"a\":1}",
        "{\"a\":\f1}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (walk_text(wrong[i], NULL) != ERR_SYNTAX) {
            printf("accepted: %s\n", wrong[i]);
            CHECK(false);
        }
    }
    CHECK(walk("{\"a\":\0}", 7, NULL) == ERR_SYNTAX);
    CHECK(walk("{\"a\":1\0}", 8, NULL) == ERR_SYNTAX);
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

/* The text ends where the memory ends, at every size of its last block. */
TEST(the_walk_reads_no_byte_behind_the_text)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED && mprotect(pages + page, page, PROT_NONE) == 0);
    static const char *const ends[] = {"1}",    "\"}", "\\u00e9\"}", "tru", "\"\\",
                                       "\\u00", "{",   "{}]",        "["};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t end = strlen(ends[i]);
        bool string = ends[i][0] == '"' || ends[i][0] == '\\';
        for (size_t size = end + 6; size < 400; size++) {
            char *text = pages + page - size;
            memset(text, string ? 'x' : ' ', size);
            memcpy(text, string ? "{\"a\":\"" : "{\"a\":", string ? 6 : 5);
            memcpy(text + size - end, ends[i], end);
            size_t path_size = 0;
            enum err err = json_walk(str_of(text, size), path_measure, &path_size, NULL);
            CHECK((err == OK) == (i < 3));
        }
    }
    CHECK(munmap(pages, 2 * page) == 0);
}

TEST(paths_join_over_lists_objects_and_escapes)
{
    CHECK(walk_text("{\"a\\u0062\":[{\"c\\n\":1,\"d\":[[2],{\"e\":3}]},4,{}],\"f\":{\"\":{\"g\":5}}"
                    ",\"h\":6}",
                    "ab.c\n=V:1;ab.d=V:2;ab.d.e=V:3;ab=V:4;ab=N:{;f..g=V:5;h=V:6;") == OK);
}

TEST(every_escape_is_looked_at_wherever_it_stands)
{
    char text[300];
    static const char *const wrong[] = {"\\x", "\\u12G4", "\\\\\\q", "\\u\\u00", "\\ "};
    static const char *const right[] = {"\\n", "\\u12f4", "\\\\\\\"", "\\\\x", "\\/\\\\"};
    for (size_t at = 6; at < 200; at++) {
        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
            int size = snprintf(text, sizeof text, "{\"a\":\"%*s%s\"}", (int)at, "", wrong[i]);
            CHECK(walk(text, (size_t)size, NULL) == ERR_SYNTAX);
            memset(text + 6, '\\', at / 2 * 2);
            CHECK(walk(text, (size_t)size, NULL) == ERR_SYNTAX);
            size = snprintf(text, sizeof text, "{\"a\":\"%*s%s\"}", (int)at, "", right[i]);
            CHECK(walk(text, (size_t)size, NULL) == OK);
            memset(text + 6, '\\', at / 2 * 2);
            CHECK(walk(text, (size_t)size, NULL) == OK);
        }
    }
}
