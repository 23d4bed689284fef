#include "codec/xml.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "testing/testing.h"

/* What a walk told: "<a b=c>" and texts, those that lie in the document in brackets. */
struct told {
    struct str document;
    struct buf text;
};

static bool within(const struct told *told, struct str text)
{
    return text.data >= told->document.data &&
           text.data + text.size <= told->document.data + told->document.size;
}

static enum err open_note(void *context, struct str element, const struct xml_attribute *attributes,
                          size_t count)
{
    struct told *told = context;
    CHECK(buf_print(&told->text, "<%.*s", STR_ARG(element)) == OK);
    for (size_t i = 0; i < count; i++) {
        bool there = within(told, attributes[i].value);
        CHECK(buf_print(&told->text, " %.*s=%s%.*s%s", STR_ARG(attributes[i].name),
                        there ? "[" : "", STR_ARG(attributes[i].value), there ? "]" : "") == OK);
    }
    return buf_append_byte(&told->text, '>');
}

static enum err text_note(void *context, struct str text)
{
    struct told *told = context;
    bool there = within(told, text);
    return buf_print(&told->text, "%s%.*s%s", there ? "[" : "", STR_ARG(text), there ? "]" : "");
}

static enum err close_note(void *context, struct str element)
{
    struct told *told = context;
    return buf_print(&told->text, "</%.*s>", STR_ARG(element));
}

static const struct xml_calls calls = {open_note, text_note, close_note};

static enum err walk(const char *document, const char *expected)
{
    struct told told = {.document = str_from(document)};
    struct arena *mem = arena_new(1 << 20);
    struct why why = {0};
    buf_init(&told.text, 1 << 20);
    enum err err = xml_walk(told.document, mem, &calls, &told, &why);
    if (expected != NULL && !str_equal(buf_str(&told.text), str_from(expected))) {
        printf("%.*s\n", STR_ARG(buf_str(&told.text)));
        CHECK(false);
    }
    buf_done(&told.text);
    arena_free(mem);
    return err;
}

TEST(texts_lie_in_the_document_where_they_stand_there_as_they_are)
{
    CHECK(walk("<?xml version='1.0'?><a b = 'c' d=\"&lt;\" e=' f'>g<h/>&amp;</a>",
               "<a b=[c] d=< e=[ f]>[g]<h></h>&</a>") == OK);
    CHECK(walk("<x:a x:b='\t'><![CDATA[<]]>\xe7\x81\xab</x:a>", "<a b= >[<][\xe7\x81\xab]</a>") ==
          OK);
}

TEST(a_document_type_is_refused_before_it_declares_anything)
{
    CHECK(walk("<!DOCTYPE a [<!ENTITY b '<c/>'>]><a>&b;</a>", "") == ERR_SYNTAX);
    CHECK(walk("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "") == ERR_SYNTAX);
    CHECK(walk("<a>&b;</a>", NULL) == ERR_SYNTAX);
}

TEST(broken_and_deep_documents_are_refused)
{
    static const char *const broken[] = {"",
                                         "a",
                                         "<a>",
                                         "<a></b>",
                                         "<a/><b/>",
                                         "<a b=c/>",
                                         "<a b='' b=''/>",
                                         "<a>\x01</a>",
                                         "<a>\xff</a>"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        CHECK(walk(broken[i], NULL) == ERR_SYNTAX);
    }
    char deep[3 * (NESTING_MAX + 1) + 1];
    for (size_t i = 0; i < NESTING_MAX + 1; i++) {
        memcpy(deep + 3 * i, "<a>", 4);
    }
    CHECK(walk(deep, NULL) == ERR_LIMIT);
    char wide[16 * XML_ATTRIBUTES_MAX] = "<a";
    for (int i = 0; i <= XML_ATTRIBUTES_MAX; i++) {
        size_t used = strlen(wide);
        CHECK(snprintf(wide + used, sizeof wide - used, " a%d=''", i) > 0);
    }
    size_t used = strlen(wide);
    memcpy(wide + used, "/>", 3);
    CHECK(walk(wide, NULL) == ERR_LIMIT);
}
