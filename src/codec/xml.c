/*
 * The door to libexpat.
 *
 * Expat tells texts with their escapes undone, and where the event began in the document.  A text
 * that has none is told as it lies in the document, so that whoever wants a stretch of the original
 * has one: for character data that is a comparison, for attributes the tag is read once more (expat
 * has proved by then that it is well-formed).  Others are told as expat has them.
 *
 * A document type is refused as soon as it begins, before anything in it could be declared; so
 * neither entities nor default attributes exist, and a text never grows.
 *
 * Always true: expat reads the document where it lies, in one call, so offsets are those of the
 * document; the salt of its tables is never 0, for then it would ask the kernel for one.
 */

#include "codec/xml.h"

#include <expat.h>
#include <string.h>

#include "base/limits.h"

struct walk {
    XML_Parser parser;
    struct str document;
    struct arena *mem;
    const struct xml_calls *calls;
    void *context;
    size_t depth;
    enum err err;
    const char *what; /* why we stopped it ourselves; NULL: it was a call */
};

static void walk_stop(struct walk *walk, enum err err, const char *what)
{
    if (walk->err == OK) {
        walk->err = err;
        walk->what = what;
        (void)XML_StopParser(walk->parser, XML_FALSE);
    }
}

/* The bytes of the document that the event at hand stands for. */
static struct str event_bytes(const struct walk *walk)
{
    XML_Index at = XML_GetCurrentByteIndex(walk->parser);
    int size = XML_GetCurrentByteCount(walk->parser);
    return at < 0 || size < 0 ? (struct str){0}
                              : str_slice(walk->document, (size_t)at, (size_t)size);
}

static struct str local_name(const XML_Char *name)
{
    struct str text = str_from(name);
    size_t colon = str_find_byte(text, ':');
    bool space = str_starts(text, STR("xmlns:"));
    return colon == STR_NONE || space ? text : str_slice(text, colon + 1, SIZE_MAX);
}

/* The next value in a start tag, between its quotes; what follows is left in *rest. */
static struct str value_cut(struct str *rest)
{
    size_t at = 0;
    while (at < rest->size && rest->data[at] != '"' && rest->data[at] != '\'') {
        at++;
    }
    struct str inside = str_slice(*rest, at + 1, SIZE_MAX);
    size_t size = at < rest->size ? str_find_byte(inside, rest->data[at]) : STR_NONE;
    if (size == STR_NONE) {
        *rest = (struct str){0};
        return (struct str){0};
    }
    *rest = str_slice(inside, size + 1, SIZE_MAX);
    return str_slice(inside, 0, size);
}

static void XMLCALL element_start(void *context, const XML_Char *name, const XML_Char **list)
{
    struct walk *walk = context;
    struct xml_attribute attributes[XML_ATTRIBUTES_MAX];
    struct str rest = event_bytes(walk);
    size_t count = 0;
    enum err err = OK;
    if (walk->err != OK) {
        return;
    }
    if (walk->depth++ >= NESTING_MAX) {
        walk_stop(walk, ERR_LIMIT, "elements are nested too deep");
        return;
    }
    for (; err == OK && list[2 * count] != NULL; count++) {
        if (count == XML_ATTRIBUTES_MAX) {
            walk_stop(walk, ERR_LIMIT, "an element has too many attributes");
            return;
        }
        struct str value = str_from(list[2 * count + 1]);
        struct str bytes = value_cut(&rest);
        attributes[count] = (struct xml_attribute){local_name(list[2 * count]), bytes};
        if (!str_equal(value, bytes)) {
            err = arena_copy(walk->mem, value, &attributes[count].value);
        }
    }
    if (err == OK) {
        err = walk->calls->open(walk->context, local_name(name), attributes, count);
    }
    if (err != OK) {
        walk_stop(walk, err, NULL);
    }
}

static void XMLCALL element_end(void *context, const XML_Char *name)
{
    struct walk *walk = context;
    if (walk->err != OK) {
        return;
    }
    walk->depth--;
    enum err err = walk->calls->close(walk->context, local_name(name));
    if (err != OK) {
        walk_stop(walk, err, NULL);
    }
}

static void XMLCALL text_tell(void *context, const XML_Char *data, int size)
{
    struct walk *walk = context;
    struct str text = str_of(data, (size_t)size), bytes = event_bytes(walk);
    if (walk->err != OK) {
        return;
    }
    enum err err = walk->calls->text(walk->context, str_equal(text, bytes) ? bytes : text);
    if (err != OK) {
        walk_stop(walk, err, NULL);
    }
}

static void XMLCALL doctype_refuse(void *context, const XML_Char *name, const XML_Char *system,
                                   const XML_Char *public, int internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    walk_stop(context, ERR_SYNTAX, "a document type is not allowed");
}

enum err xml_walk(struct str document, struct arena *mem, const struct xml_calls *calls,
                  void *context, struct why *why)
{
    struct walk walk = {.document = document, .mem = mem, .calls = calls, .context = context};
    if (document.size > INT32_MAX) {
        return why_say(why, ERR_LIMIT, 0, "the document is too long");
    }
    walk.parser = XML_ParserCreate("UTF-8");
    if (walk.parser == NULL) {
        return ERR_MEMORY;
    }
    /* An address is as secret as a salt can be that nobody gives us. */
    (void)XML_SetHashSalt(walk.parser, (unsigned long)(uintptr_t)walk.parser | 1);
    XML_SetUserData(walk.parser, &walk);
    XML_SetElementHandler(walk.parser, element_start, element_end);
    XML_SetCharacterDataHandler(walk.parser, text_tell);
    XML_SetStartDoctypeDeclHandler(walk.parser, doctype_refuse);
    enum XML_Status status =
        XML_Parse(walk.parser, document.size > 0 ? document.data : "", (int)document.size, 1);
    enum err err = walk.err;
    if (err != OK && walk.what != NULL) {
        err = why_say(why, err, (uint32_t)XML_GetCurrentLineNumber(walk.parser), "%s", walk.what);
    } else if (err == OK && status != XML_STATUS_OK) {
        enum XML_Error code = XML_GetErrorCode(walk.parser);
        err = code == XML_ERROR_NO_MEMORY
                  ? ERR_MEMORY
                  : why_say(why, ERR_SYNTAX, (uint32_t)XML_GetCurrentLineNumber(walk.parser),
                            "not well-formed XML: %s", XML_ErrorString(code));
    }
    XML_ParserFree(walk.parser);
    return err;
}
