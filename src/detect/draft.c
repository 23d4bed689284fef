/*
 * A draft: a detection as searches and items, read from YAML, before anything is compiled.
 *
 *     name:                        name:                  name:
 *         field|modifier: value        - field: value         - keyword
 *         other: [a, b]                - other: value         - another
 *     all of the items             any of the maps        any of the keywords
 *
 * A list of values means any of them, with |all every one.  A list of nothing but texts and numbers
 * is one item without a field; in any other list each member is a search of its own.
 *
 * Whole numbers without quotes are what YAML 1.1 makes of them, in decimal, as the reference
 * library has it: 0x50 is 80, 010 is 8, 0b11 is 3, 1_000 is 1000.  OUR reading: nobody means 750 by
 * 12:30, true by yes, or 1.5 by 1.50; these stay the texts that they are.
 *
 * Always true: the draft borrows texts from the YAML tree; a search has at least one member, an
 * item's values are scalars, and its modifiers go together.
 */

#include "detect/sigma_private.h"

#include "codec/hex.h"

#define SEARCHES_MAX   1000 /* named, of one detection; SigmaHQ's longest rule has 34 */
#define CONDITIONS_MAX 20   /* in a list of them */

#define NUMBER_DIGITS_MAX 80 /* decimal; 256 bits have 78 */

/* The base that YAML 1.1 reads such a number in, and where its digits begin; 0 for anything else.
 */
static unsigned number_base(struct str text, size_t *ret_first)
{
    size_t first = text.size > 0 && (text.data[0] == '-' || text.data[0] == '+');
    struct str rest = str_slice(text, first, text.size);
    unsigned base = 10;
    if (str_starts(rest, STR("0x")) || str_starts(rest, STR("0b"))) {
        base = rest.data[1] == 'x' ? 16 : 2;
        first += 2;
    } else if (rest.size > 1 && rest.data[0] == '0') {
        base = 8;
        first += 1;
    } else if (rest.size == 0 || rest.data[0] == '_') {
        return 0;
    }
    size_t digits = base == 8; /* the zero before */
    for (size_t i = first; i < text.size; i++) {
        char c = text.data[i];
        int digit = hex_digit(c);
        if ((digit < 0 || (unsigned)digit >= base) && c != '_') {
            return 0;
        }
        digits += c != '_';
    }
    *ret_first = first;
    return digits > 0 ? base : 0;
}

/* A whole number in decimal; the text itself if it is none, or is longer than NUMBER_DIGITS_MAX. */
static enum err number_print(struct str text, struct arena *mem, struct str *ret)
{
    unsigned char digits[NUMBER_DIGITS_MAX] = {0}; /* the lowest first */
    char printed[NUMBER_DIGITS_MAX + 1];
    size_t count = 1, size = 0, first = 0;
    unsigned base = number_base(text, &first);
    *ret = text;
    for (size_t i = first; base > 0 && i < text.size; i++) {
        if (text.data[i] == '_') {
            continue;
        }
        char c = text.data[i];
        unsigned carry = (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        for (size_t k = 0; k < count || carry > 0; k++) {
            if (k == NUMBER_DIGITS_MAX) {
                return OK;
            }
            carry += digits[k] * base;
            digits[k] = (unsigned char)(carry % 10);
            carry /= 10;
            count = k >= count ? k + 1 : count;
        }
    }
    if (base == 0) {
        return OK;
    }
    if (text.data[0] == '-' && (count > 1 || digits[0] > 0)) {
        printed[size++] = '-';
    }
    while (count > 0) {
        printed[size++] = (char)('0' + digits[--count]);
    }
    return arena_copy(mem, str_of(printed, size), ret);
}

/* Whether an item takes a number for a number: expressions, networks and names are texts. */
static bool numbers_count(const struct modifiers *modifiers)
{
    return modifiers->comparing == COMPARING_TEXTS || modifiers->comparing == COMPARING_NUMBER ||
           modifiers->comparing == COMPARING_TIME;
}

static enum err value_read(const struct yaml_node *node, const struct modifiers *modifiers,
                           struct arena *mem, struct value *ret, struct why *why)
{
    if (node->kind != YAML_SCALAR) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "a value must be a text, a number, true, false or null");
    }
    *ret = (struct value){.text = node->text,
                          .line = node->line,
                          .column = node->column,
                          .null = yaml_is_null(node),
                          .plain = node->plain};
    return node->plain && numbers_count(modifiers) ? number_print(node->text, mem, &ret->text) : OK;
}

static enum err values_read(const struct yaml_node *node, struct arena *mem, struct search *item,
                            struct why *why)
{
    bool list = node->kind == YAML_SEQUENCE;
    item->count = list ? node->count : 1;
    struct value *values = ARENA_ARRAY(mem, struct value, item->count);
    enum err err = values == NULL ? ERR_MEMORY : OK;
    const struct yaml_node *child = list ? node->first : node;
    for (size_t i = 0; i < item->count && err == OK; i++, child = child->next) {
        err = value_read(child, &item->modifiers, mem, &values[i], why);
    }
    item->values = values;
    return err;
}

/* The left side: "field|modifier|…", where the field may be missing (keywords). */
static enum err item_read(const struct yaml_node *node, struct arena *mem, struct search **ret,
                          struct why *why)
{
    struct search *item = ARENA_ONE(mem, struct search);
    if (item == NULL) {
        return ERR_MEMORY;
    }
    struct str modifiers = node->key->text;
    item->kind = SEARCH_ITEM;
    item->line = node->key->line;
    item->field = str_cut(&modifiers, '|');
    item->keyword = item->field.size == 0;
    enum err err = modifiers_parse(modifiers, item->line, &item->modifiers, why);
    if (err == OK) {
        err = values_read(node, mem, item, why);
    }
    if (err == OK && item->keyword && item->count == 0) {
        return why_say(why, ERR_SYNTAX, item->line, "no keyword is given");
    }
    if (err == OK) {
        *ret = item;
    }
    return err;
}

static bool all_scalars(const struct yaml_node *node)
{
    const struct yaml_node *child = node->first;
    while (child != NULL && child->kind == YAML_SCALAR) {
        child = child->next;
    }
    return child == NULL;
}

static enum err keywords_read(const struct yaml_node *node, struct arena *mem, struct search **ret,
                              struct why *why)
{
    struct search *item = ARENA_ONE(mem, struct search);
    if (item == NULL) {
        return ERR_MEMORY;
    }
    *item = (struct search){.kind = SEARCH_ITEM, .keyword = true, .line = node->line};
    *ret = item;
    return values_read(node, mem, item, why);
}

enum err search_read(const struct yaml_node *node, struct arena *mem, struct search **ret,
                     struct why *why)
{
    if (node->kind != YAML_SCALAR && node->count == 0) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "a search without any content");
    }
    if (node->kind == YAML_SCALAR || (node->kind == YAML_SEQUENCE && all_scalars(node))) {
        return keywords_read(node, mem, ret, why);
    }
    struct search *group = ARENA_ONE(mem, struct search);
    if (group == NULL) {
        return ERR_MEMORY;
    }
    bool map = node->kind == YAML_MAPPING;
    group->kind = map ? SEARCH_ALL : SEARCH_ANY;
    group->line = node->line;
    group->members = node->count;
    struct search **last = &group->first;
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        enum err err = map ? item_read(child, mem, last, why) : search_read(child, mem, last, why);
        if (err != OK) {
            return err;
        }
        last = &(*last)->next;
    }
    *ret = group;
    return OK;
}

static enum err conditions_read(const struct yaml_node *node, const char *key, struct arena *mem,
                                struct part *part, struct why *why)
{
    const struct yaml_node *condition = yaml_get(node, str_from(key));
    if (condition == NULL) {
        return why_say(why, ERR_SYNTAX, node->line, "the detection has no condition");
    }
    bool list = condition->kind == YAML_SEQUENCE;
    part->conditions_count = list ? condition->count : 1;
    if (part->conditions_count > CONDITIONS_MAX) {
        return why_say(why, ERR_LIMIT, condition->line, "more than %d conditions", CONDITIONS_MAX);
    }
    part->conditions = ARENA_ARRAY(mem, struct condition_text, part->conditions_count);
    if (part->conditions == NULL) {
        return ERR_MEMORY;
    }
    const struct yaml_node *text = list ? condition->first : condition;
    size_t count = 0;
    for (; count < part->conditions_count && text->kind == YAML_SCALAR; text = text->next) {
        part->conditions[count++] = (struct condition_text){text->text, text->line};
    }
    if (count == 0 || count < part->conditions_count) {
        return why_say_at(why, ERR_SYNTAX, condition->line, condition->column,
                          "a condition is a text or a list of texts");
    }
    return OK;
}

static bool is_reserved(struct str name, const char *const *reserved)
{
    while (*reserved != NULL && !str_equal(name, str_from(*reserved))) {
        reserved++;
    }
    return *reserved != NULL;
}

enum err part_read(const struct yaml_node *node, const char *condition, const char *const *reserved,
                   struct arena *mem, struct part *ret, struct why *why)
{
    struct part part = {.searches = ARENA_ARRAY(mem, struct named, node->count)};
    enum err err =
        part.searches == NULL ? ERR_MEMORY : conditions_read(node, condition, mem, &part, why);
    if (err == OK && node->count > SEARCHES_MAX) {
        err = why_say(why, ERR_LIMIT, node->line, "more than %d searches", SEARCHES_MAX);
    }
    for (const struct yaml_node *child = node->first; child != NULL && err == OK;
         child = child->next) {
        if (!is_reserved(child->key->text, reserved)) {
            struct named *named = &part.searches[part.count++];
            named->name = child->key->text;
            err = search_read(child, mem, &named->search, why);
        }
    }
    if (err == OK) {
        *ret = part;
    }
    return err;
}

static enum err search_copy(const struct search *search, struct arena *mem, struct search **ret)
{
    struct search *copy = ARENA_ONE(mem, struct search);
    if (copy == NULL) {
        return ERR_MEMORY;
    }
    *copy = *search;
    copy->next = NULL;
    struct search **last = &copy->first;
    enum err err = OK;
    for (const struct search *member = search->first; member != NULL && err == OK;
         member = member->next) {
        err = search_copy(member, mem, last); /* As deep as YAML: at most NESTING_MAX. */
        if (err == OK) {
            last = &(*last)->next;
        }
    }
    *ret = copy;
    return err;
}

enum err part_copy(const struct part *part, struct arena *mem, struct part **ret)
{
    struct part *copy = ARENA_ONE(mem, struct part);
    struct named *searches = ARENA_ARRAY(mem, struct named, part->count);
    if (copy == NULL || searches == NULL) {
        return ERR_MEMORY;
    }
    *copy = *part;
    copy->searches = searches;
    copy->next = NULL;
    enum err err = OK;
    for (size_t i = 0; i < part->count && err == OK; i++) {
        searches[i].name = part->searches[i].name;
        err = search_copy(part->searches[i].search, mem, &searches[i].search);
    }
    if (err == OK) {
        *ret = copy;
    }
    return err;
}

enum err part_compile(struct compiler *compiler, const struct part *part, const struct expr **ret)
{
    struct selection *selections = ARENA_ARRAY(compiler->scratch, struct selection, part->count);
    const struct expr **list =
        ARENA_ARRAY(compiler->scratch, const struct expr *, part->conditions_count);
    enum err err = selections == NULL || list == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < part->count && err == OK; i++) {
        selections[i].name = part->searches[i].name;
        if (part->searches[i].search != NULL) {
            err = search_compile(compiler, part->searches[i].search, &selections[i].expr);
        }
    }
    size_t count = 0;
    for (size_t i = 0; i < part->conditions_count && err == OK; i++) {
        err = condition_compile(compiler, part->conditions[i].text, part->conditions[i].line,
                                selections, part->count, &list[count]);
        count += err == OK && list[count] != NULL;
    }
    const struct expr *expr = NULL;
    if (err == OK && count > 0) {
        err = matcher_group(compiler->matcher, GROUP_OR, list, count, &expr);
    }
    if (err == OK && expr != NULL && part->negated) {
        err = matcher_not(compiler->matcher, expr, &expr);
    }
    if (err == OK) {
        *ret = expr;
    }
    return err;
}

enum err draft_compile(struct compiler *compiler, const struct draft *draft,
                       const struct expr **ret)
{
    size_t parts = 0;
    for (const struct part *part = draft->parts; part != NULL; part = part->next) {
        parts++;
    }
    const struct expr **list = ARENA_ARRAY(compiler->scratch, const struct expr *, parts);
    enum err err = list == NULL ? ERR_MEMORY : OK;
    size_t count = 0;
    for (const struct part *part = draft->parts; part != NULL && err == OK; part = part->next) {
        err = part_compile(compiler, part, &list[count]);
        count += err == OK && list[count] != NULL;
    }
    if (err == OK && count == 0) {
        return why_say(compiler->why, ERR_SYNTAX, draft->document->line,
                       "pipelines leave nothing of the rule's detection");
    }
    if (err == OK && compiler->waits) {
        count = 0; /* An `or` of nothing: it holds for no event until somebody gives the values. */
    }
    return err == OK ? matcher_group(compiler->matcher, compiler->waits ? GROUP_OR : GROUP_AND,
                                     list, count, ret)
                     : err;
}
