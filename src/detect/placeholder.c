/*
 * Placeholders: %names% in the values of items with |expand (specification 2.1, "placeholders").
 *
 * A name begins with a letter, digit or underscore of any script; dashes and dots may follow, since
 * SigmaHQ has such names.  A backslash before a percent sign keeps it plain.  Values come from two
 * sides:
 *
 *   - from a pipeline's `vars`, put in when the rule is compiled.  OUR reading: they are put in
 *     before the item's other modifiers are applied, so `cidr|expand` and `base64offset|expand` do
 *     what they say; each value of the variable makes a value of the item.
 *   - from the lists of whoever judges (match.h), asked for each event.  That takes a value that is
 *     the placeholder and nothing else, under `contains`, `startswith`, `endswith`, `cidr`, `cased`
 *     or none.  Where it is anything more, the rule holds for nothing until a pipeline knows it.
 */

#include "detect/sigma_private.h"

#include <string.h>

#define EXPANSIONS_MAX 100000 /* values of one item */

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

bool placeholder_find(struct str text, size_t from, struct placeholder *ret)
{
    for (size_t i = from; i < text.size; i++) {
        if (text.data[i] != '%' || (i > 0 && text.data[i - 1] == '\\')) {
            continue;
        }
        size_t end = i + 1;
        while (end < text.size &&
               (is_name(text.data[end]) ||
                (end > i + 1 && (text.data[end] == '-' || text.data[end] == '.')))) {
            end++;
        }
        if (end > i + 1 && end < text.size && text.data[end] == '%') {
            *ret = (struct placeholder){str_slice(text, i + 1, end - i - 1), i, end + 1};
            return true;
        }
        i = end - 1; /* What ends here may begin the next, and nothing between does. */
    }
    return false;
}

enum err placeholder_plain(struct str text, struct arena *mem, struct str *ret)
{
    char *out = arena_take(mem, text.size + 1);
    if (out == NULL) {
        return ERR_MEMORY;
    }
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != '\\' || i + 1 == text.size || text.data[i + 1] != '%') {
            out[size++] = text.data[i];
        }
    }
    *ret = (struct str){out, size};
    return OK;
}

/* before + value + behind.  A backslash that ends the value stays one, whatever follows it. */
static enum err joined(struct str before, struct str value, struct str behind, struct arena *mem,
                       struct str *ret)
{
    size_t slashes = 0;
    while (slashes < value.size && value.data[value.size - 1 - slashes] == '\\') {
        slashes++;
    }
    const char *more = slashes % 2 == 1 && behind.size > 0 ? "\\" : "";
    size_t size = before.size + value.size + strlen(more) + behind.size;
    char *out = arena_take(mem, size + 1);
    if (out == NULL) {
        return ERR_MEMORY;
    }
    size_t at = 0;
    const struct str parts[] = {before, value, str_from(more), behind};
    for (size_t i = 0; i < 4; i++) {
        if (parts[i].size > 0) {
            memcpy(out + at, parts[i].data, parts[i].size);
        }
        at += parts[i].size;
    }
    *ret = (struct str){out, size};
    return OK;
}

static enum err expanded_add(const struct placeholder_values *values, struct buf *out,
                             const struct value *value, struct str text, struct why *why)
{
    struct value made = *value;
    made.text = text;
    made.plain = false;
    if (out->size / sizeof made >= EXPANSIONS_MAX || text.size + sizeof made > *values->budget) {
        return why_say(why, ERR_LIMIT, value->line, "placeholders make too many values of this");
    }
    *values->budget -= text.size + sizeof made;
    return buf_append(out, str_of(&made, sizeof made));
}

/* One value with all its placeholders, the leftmost first: those that are found are put in one
 * after another, every value of one with every value of the next. */
static enum err value_fill(const struct value *value, const struct placeholder_values *values,
                           struct arena *mem, struct buf *out, struct why *why)
{
    struct buf now;
    struct buf next;
    struct placeholder found;
    struct str rest = value->text;
    buf_init(&now, SIZE_MAX / 2);
    buf_init(&next, SIZE_MAX / 2);
    enum err err = expanded_add(values, &now, value, (struct str){0}, why);
    while (err == OK && placeholder_find(rest, 0, &found)) {
        const struct str *list = NULL;
        size_t count = 0;
        struct str before = str_slice(rest, 0, found.begin);
        struct str itself = str_slice(rest, found.begin, found.end - found.begin);
        enum err known = values->values(values->context, found.name, &list, &count);
        rest = str_slice(rest, found.end, rest.size);
        if (known == ERR_NOT_FOUND) {
            list = &itself;
            count = 1;
        }
        buf_reset(&next);
        for (size_t at = 0; at < now.size && err == OK; at += sizeof *value) {
            struct value made;
            memcpy(&made, now.data + at, sizeof made);
            for (size_t i = 0; i < count && err == OK; i++) {
                struct str text;
                err = joined(made.text, before, STR(""), mem, &text);
                err = err == OK ? joined(text, list[i], rest, mem, &text) : err;
                text.size -= err == OK ? rest.size : 0;
                err = err == OK ? expanded_add(values, &next, value, text, why) : err;
            }
        }
        struct buf swap = now;
        now = next;
        next = swap;
    }
    for (size_t at = 0; at < now.size && err == OK; at += sizeof *value) {
        struct value made;
        struct str text;
        memcpy(&made, now.data + at, sizeof made);
        err = joined(made.text, rest, STR(""), mem, &text);
        err = err == OK ? expanded_add(values, out, value, text, why) : err;
    }
    buf_done(&now);
    buf_done(&next);
    return err;
}

enum err placeholder_fill(struct search *item, const struct placeholder_values *values,
                          struct arena *mem, struct why *why)
{
    struct placeholder found;
    struct buf out;
    bool any = false;
    for (size_t i = 0; i < item->count; i++) {
        any = any || placeholder_find(item->values[i].text, 0, &found);
    }
    if (!any) {
        return OK;
    }
    buf_init(&out, SIZE_MAX / 2);
    enum err err = OK;
    for (size_t i = 0; i < item->count && err == OK; i++) {
        err = value_fill(&item->values[i], values, mem, &out, why);
    }
    size_t count = out.size / sizeof(struct value);
    struct value *list = err == OK ? ARENA_ARRAY(mem, struct value, count) : NULL;
    if (err == OK && list == NULL) {
        err = ERR_MEMORY;
    }
    if (err == OK && out.size > 0) {
        memcpy(list, out.data, out.size);
    }
    if (err == OK) {
        item->values = list;
        item->count = count;
    }
    buf_done(&out);
    return err;
}

/* Adds a name to those that the rule needs, once. */
static enum err need_add(struct compiler *compiler, struct str name)
{
    struct str rest = buf_str(compiler->needs);
    while (rest.size > 0) {
        if (str_equal_nocase(str_trim(str_cut(&rest, ',')), name)) {
            return OK;
        }
    }
    enum err err = compiler->needs->size > 0 ? buf_append(compiler->needs, STR(", ")) : OK;
    return err == OK ? buf_append(compiler->needs, name) : err;
}

/* How a list is asked, if it can be: only modifiers that lists know, and nothing beside the name.
 */
static bool listed_how(const struct search *item, enum listed *ret)
{
    bool before = false;
    bool behind = false;
    for (size_t i = 0; i < item->modifiers.count; i++) {
        switch (item->modifiers.list[i]) {
        case MODIFIER_CONTAINS:
            before = behind = true;
            break;
        case MODIFIER_STARTSWITH:
            behind = true;
            break;
        case MODIFIER_ENDSWITH:
            before = true;
            break;
        case MODIFIER_CIDR:
        case MODIFIER_CASED:
        case MODIFIER_NEQ:
        case MODIFIER_EXPAND:
            break;
        default:
            return false;
        }
    }
    *ret = item->modifiers.comparing == COMPARING_NETWORK ? LISTED_NETWORK
           : before && behind                             ? LISTED_HOLDS
           : before                                       ? LISTED_ENDS
           : behind                                       ? LISTED_STARTS
                                                          : LISTED_EQUAL;
    return true;
}

enum err placeholder_compile(struct compiler *compiler, const struct search *item, uint32_t field,
                             const struct value *value, const struct expr **ret)
{
    struct placeholder found;
    enum listed how = LISTED_EQUAL;
    bool alone = placeholder_find(value->text, 0, &found) && found.begin == 0 &&
                 found.end == value->text.size;
    for (size_t at = 0; placeholder_find(value->text, at, &found); at = found.end) {
        enum err err = need_add(compiler, found.name);
        if (err != OK) {
            return err == ERR_LIMIT ? why_say(compiler->why, ERR_LIMIT, value->line,
                                              "the rule names too many placeholders")
                                    : err;
        }
    }
    if (!alone || item->keyword || !listed_how(item, &how)) {
        compiler->waits = true;
        return matcher_group(compiler->matcher, GROUP_OR, NULL, 0, ret);
    }
    struct str name = str_slice(value->text, 1, value->text.size - 2);
    return matcher_listed(compiler->matcher, field, name, how,
                          modifiers_have(&item->modifiers, MODIFIER_CASED), ret);
}
