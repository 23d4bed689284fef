/*
 * Matching and replacing by regular expressions that people write into pipelines: the one place
 * that includes PCRE2's header.
 *
 * PCRE2 goes back and tries again, so an expression may take a time that is exponential in its
 * text.  Its counters stop it: after STEPS_MAX steps a match is given up.
 *
 * Always true: a text is shown to PCRE2 only if it is UTF-8, and a replacement is written in
 * PCRE2's notation only here; callers know that of Python's re, in which pipelines are written.
 */

#include "codec/rewrite.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/buf.h"

#define STEPS_MAX      100000u
#define HEAP_MAX       1024u /* KiB of one match */
#define REGEX_SIZE_MAX 4096
#define TEXT_SIZE_MAX  ((size_t)65536) /* before and after */

struct rewrite {
    pcre2_code *code;
    pcre2_match_context *context;
    pcre2_match_data *found;
};

enum err rewrite_new(struct str regex, struct rewrite **ret, struct why *why)
{
    int error = 0;
    PCRE2_SIZE offset = 0;
    if (regex.size > REGEX_SIZE_MAX) {
        return why_say(why, ERR_LIMIT, 0, "a regular expression has more than %d bytes",
                       REGEX_SIZE_MAX);
    }
    struct rewrite *rewrite = calloc(1, sizeof *rewrite);
    if (rewrite == NULL) {
        return ERR_MEMORY;
    }
    rewrite->code =
        pcre2_compile((PCRE2_SPTR)(regex.data != NULL ? regex.data : ""), regex.size,
                      PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset, NULL);
    if (rewrite->code == NULL) {
        PCRE2_UCHAR text[160] = "";
        (void)pcre2_get_error_message(error, text, sizeof text);
        rewrite_free(rewrite);
        return why_say(why, ERR_SYNTAX, 0, "regular expression '%.*s': %s",
                       (int)(regex.size < 80 ? regex.size : 80), regex.data, (const char *)text);
    }
    rewrite->context = pcre2_match_context_create(NULL);
    rewrite->found = pcre2_match_data_create_from_pattern(rewrite->code, NULL);
    if (rewrite->context == NULL || rewrite->found == NULL) {
        rewrite_free(rewrite);
        return ERR_MEMORY;
    }
    (void)pcre2_set_match_limit(rewrite->context, STEPS_MAX);
    (void)pcre2_set_depth_limit(rewrite->context, STEPS_MAX);
    (void)pcre2_set_heap_limit(rewrite->context, HEAP_MAX);
    *ret = rewrite;
    return OK;
}

void rewrite_free(struct rewrite *rewrite)
{
    if (rewrite == NULL) {
        return;
    }
    pcre2_match_data_free(rewrite->found);
    pcre2_match_context_free(rewrite->context);
    pcre2_code_free(rewrite->code);
    free(rewrite);
}

static enum err outcome(int result)
{
    return result == PCRE2_ERROR_NOMEMORY ? ERR_MEMORY : ERR_LIMIT;
}

enum err rewrite_begins(const struct rewrite *rewrite, struct str text, bool *ret)
{
    if (text.size > TEXT_SIZE_MAX) {
        return ERR_LIMIT;
    }
    int result = pcre2_match(rewrite->code, (PCRE2_SPTR)(text.data != NULL ? text.data : ""),
                             text.size, 0, PCRE2_ANCHORED, rewrite->found, rewrite->context);
    if (result < 0 && result != PCRE2_ERROR_NOMATCH) {
        return outcome(result);
    }
    *ret = result >= 0;
    return OK;
}

/* Python's notation of a replacement in PCRE2's: $ is $$, \1 is ${1}, \g<name> is ${name}. */
static enum err replacement_print(struct str from, struct buf *out)
{
    enum err err = OK;
    for (size_t i = 0; i < from.size && err == OK; i++) {
        char c = from.data[i];
        char next = i + 1 < from.size ? from.data[i + 1] : '\0';
        struct str rest = str_slice(from, i + 3, from.size);
        size_t close = str_find_byte(rest, '>');
        if (c == '$') {
            err = buf_append(out, STR("$$"));
        } else if (c == '\\' && next >= '0' && next <= '9') {
            err = buf_print(out, "${%c}", next);
            i++;
        } else if (c == '\\' && next == 'g' && i + 2 < from.size && from.data[i + 2] == '<' &&
                   close != STR_NONE) {
            err = buf_print(out, "${%.*s}", (int)close, rest.data);
            i += 3 + close;
        } else if (c == '\\' && next == '\\') {
            err = buf_append_byte(out, '\\');
            i++;
        } else {
            err = buf_append_byte(out, c);
        }
    }
    return err;
}

enum err rewrite_apply(const struct rewrite *rewrite, struct str text, struct str replacement,
                       struct arena *mem, struct str *ret)
{
    struct buf with;
    PCRE2_SIZE size = TEXT_SIZE_MAX;
    if (text.size > TEXT_SIZE_MAX) {
        return ERR_LIMIT;
    }
    char *out = malloc(TEXT_SIZE_MAX);
    buf_init(&with, TEXT_SIZE_MAX);
    enum err err = out == NULL ? ERR_MEMORY : replacement_print(replacement, &with);
    if (err == OK) {
        int result = pcre2_substitute(
            rewrite->code, (PCRE2_SPTR)(text.data != NULL ? text.data : ""), text.size, 0,
            PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_UNSET_EMPTY, rewrite->found,
            rewrite->context, (PCRE2_SPTR)(with.data != NULL ? with.data : ""), with.size,
            (PCRE2_UCHAR *)out, &size);
        err = result < 0 ? ERR_LIMIT : arena_copy(mem, str_of(out, size), ret);
    }
    buf_done(&with);
    free(out);
    return err;
}
