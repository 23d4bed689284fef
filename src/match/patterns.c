/*
 * Regular expressions over values: the door to Vectorscan, which runs in linear time whatever the
 * text.  No backtracking engine ever sees a log.
 *
 * Each expression has a database of its own; all share one scratch space, so a set serves one
 * evaluation at a time (processes have one thread).  An expression is found anywhere in the text
 * unless it anchors itself.
 *
 * Expressions in ASCII are run over bytes, whatever they are.  One that spells other characters is
 * compiled as UTF-8, and is then only ever shown valid UTF-8: bytes that are none are replaced by
 * U+FFFD before, since the engine's behaviour is undefined otherwise.
 */

#include "match/private.h"

#include <stdlib.h>
#include <string.h>

#include <hs/hs.h>

#include "codec/json_text.h"

#define REGEX_SIZE_MAX 16384

struct entry {
    hs_database_t *database;
    bool wide; /* compiled as UTF-8 */
};

struct patterns {
    struct buf entries;
    hs_scratch_t *scratch;
};

static enum err text_repair(struct str text, struct arena *mem, struct str *ret);

struct patterns *patterns_new(void)
{
    struct patterns *patterns = calloc(1, sizeof *patterns);
    if (patterns != NULL) {
        buf_init(&patterns->entries, SIZE_MAX / 2);
    }
    return patterns;
}

void patterns_free(struct patterns *patterns)
{
    if (patterns == NULL) {
        return;
    }
    for (size_t at = 0; at < patterns->entries.size; at += sizeof(struct entry)) {
        struct entry entry;
        memcpy(&entry, patterns->entries.data + at, sizeof entry);
        (void)hs_free_database(entry.database);
    }
    (void)hs_free_scratch(patterns->scratch);
    buf_done(&patterns->entries);
    free(patterns);
}

static bool is_wide(struct str text)
{
    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)text.data[i] >= 0x80) {
            return true;
        }
    }
    return false;
}

static enum err compile(const char *text, unsigned flags, hs_database_t **ret, struct why *why)
{
    hs_compile_error_t *error = NULL;
    if (hs_compile(text, flags, HS_MODE_BLOCK, NULL, ret, &error) == HS_SUCCESS) {
        return OK;
    }
    enum err err = why_say(why, ERR_UNSUPPORTED, 0, "regular expression '%.80s': %s", text,
                           error != NULL ? error->message : "cannot be compiled");
    (void)hs_free_compile_error(error);
    return err;
}

enum err patterns_add(struct patterns *patterns, struct str regex, unsigned flags, size_t *ret,
                      struct why *why)
{
    if (regex.size > REGEX_SIZE_MAX) {
        return why_say(why, ERR_LIMIT, 0, "a regular expression has more than %d bytes",
                       REGEX_SIZE_MAX);
    }
    if (str_find_byte(regex, '\0') != STR_NONE) {
        return why_say(why, ERR_SYNTAX, 0, "a regular expression holds a NUL byte");
    }
    struct entry entry = {.wide = is_wide(regex)};
    if (entry.wide) {
        for (size_t i = 0; i < regex.size;) {
            size_t size = utf8_sequence(str_slice(regex, i, 4));
            if (size == 0) {
                return why_say(why, ERR_SYNTAX, 0, "a regular expression is not valid UTF-8");
            }
            i += size;
        }
    }
    unsigned mode = HS_FLAG_SINGLEMATCH | HS_FLAG_ALLOWEMPTY;
    mode |= flags & REGEX_NOCASE ? HS_FLAG_CASELESS : 0;
    mode |= flags & REGEX_MULTILINE ? HS_FLAG_MULTILINE : 0;
    mode |= flags & REGEX_DOTALL ? HS_FLAG_DOTALL : 0;
    mode |= entry.wide ? HS_FLAG_UTF8 : 0;
    char *text = strndup(regex.data != NULL ? regex.data : "", regex.size);
    if (text == NULL) {
        return ERR_MEMORY;
    }
    enum err err = compile(text, mode, &entry.database, why);
    free(text);
    if (err != OK) {
        return err;
    }
    if (hs_alloc_scratch(entry.database, &patterns->scratch) != HS_SUCCESS ||
        buf_append(&patterns->entries, str_of(&entry, sizeof entry)) != OK) {
        (void)hs_free_database(entry.database);
        return ERR_MEMORY;
    }
    *ret = patterns->entries.size / sizeof entry - 1;
    return OK;
}

static int found(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                 void *context)
{
    (void)id;
    (void)from;
    (void)to;
    (void)flags;
    *(bool *)context = true;
    return 1;
}

enum err patterns_find(struct patterns *patterns, size_t index, struct str text, struct arena *mem,
                       bool *ret)
{
    struct entry entry;
    memcpy(&entry, patterns->entries.data + index * sizeof entry, sizeof entry);
    if (entry.wide) {
        enum err err = text_repair(text, mem, &text);
        if (err != OK) {
            return err;
        }
    }
    bool fits = false;
    hs_error_t status = hs_scan(entry.database, text.data != NULL ? text.data : "",
                                (unsigned)text.size, 0, patterns->scratch, found, &fits);
    if (status != HS_SUCCESS && status != HS_SCAN_TERMINATED) {
        return ERR_MEMORY;
    }
    *ret = fits;
    return OK;
}

static enum err text_repair(struct str text, struct arena *mem, struct str *ret)
{
    size_t wrong = 0;
    for (size_t i = 0; i < text.size;) {
        size_t size = utf8_sequence(str_slice(text, i, 4));
        wrong += size == 0;
        i += size == 0 ? 1 : size;
    }
    *ret = text;
    if (wrong == 0) {
        return OK;
    }
    char *out = arena_take(mem, text.size + 2 * wrong);
    if (out == NULL) {
        return ERR_MEMORY;
    }
    size_t at = 0;
    for (size_t i = 0; i < text.size;) {
        size_t size = utf8_sequence(str_slice(text, i, 4));
        memcpy(out + at, size == 0 ? "\xEF\xBF\xBD" : text.data + i, size == 0 ? 3 : size);
        at += size == 0 ? 3 : size;
        i += size == 0 ? 1 : size;
    }
    *ret = (struct str){out, at};
    return OK;
}
