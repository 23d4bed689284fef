/* The text of a condition over fixed searches: it is read or refused, and what was read means the
 * same in parentheses. */

#include "detect/private.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err condition_read(struct matcher *matcher, struct arena *mem, struct str text)
{
    static const char *const names[] = {"s1", "s2", "filter_a", "_x", "not_x", "a b", "all", "1"};
    struct selection selections[sizeof names / sizeof names[0]];
    struct arena *moment = arena_new((size_t)1 << 26);
    struct why why = {0};
    struct compiler compiler = {
        .matcher = matcher, .mem = mem, .scratch = mem, .moment = moment, .why = &why};
    const struct expr *expr = NULL;
    enum err err = moment == NULL ? ERR_MEMORY : OK;
    size_t count = 0;
    for (; count < sizeof names / sizeof names[0] && err == OK; count++) {
        struct str name = str_from(names[count]);
        uint32_t field;
        selections[count] = (struct selection){.name = name};
        err = matcher_field(matcher, &name, 1, &field);
        if (err == OK && count != 4) {
            err = matcher_exists(matcher, field, &selections[count].expr);
        }
    }
    if (err == OK) {
        err = condition_compile(&compiler, text, 1, selections, count, &expr);
        if (err != OK && err != ERR_MEMORY && why.text[0] == '\0' && err != ERR_LIMIT) {
            abort();
        }
    }
    arena_free(moment);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct matcher *matcher = matcher_new();
    struct arena *mem = arena_new((size_t)1 << 28);
    struct str text = str_of(data, size);
    struct str wrapped;
    if (matcher != NULL && mem != NULL && size < 30000 &&
        condition_read(matcher, mem, text) == OK && arena_take(mem, 1) != NULL &&
        arena_print(mem, &wrapped, "( %.*s )", (int)size, (const char *)data) == OK &&
        str_find_byte(text, '\0') == STR_NONE) {
        enum err err = condition_read(matcher, mem, wrapped);
        if (err != OK && err != ERR_LIMIT && err != ERR_MEMORY && size < 900) {
            struct str rest = text; /* One level more may be one too many. */
            size_t deep = 0;
            while (rest.size > 0) {
                deep += rest.data[0] == '(';
                rest = str_slice(rest, 1, rest.size);
            }
            if (deep < 30) {
                abort();
            }
        }
    }
    arena_free(mem);
    matcher_free(matcher);
    return 0;
}
