/*
 * A rule's way through the pipelines: every transformation whose conditions hold, in order.
 *
 * SIGMA leaves pipelines to tools; the readings are the reference library's.  It applies modifiers
 * before pipelines, so a value that pipelines see has its stars already: `Image|endswith: \a.exe`
 * is the text *\a.exe.  We keep modifiers until the end; value_print shows what they would have
 * made, and where a transformation replaces that, the modifiers that made it are taken off.
 *
 * Always true: an item's values are replaced, never changed; what a filter brought in is the rule's
 * own copy.
 */

#include "detect/sigma_private.h"

#include <string.h>

#define FILL_SIZE_MAX  ((size_t)32 * 1024 * 1024) /* what placeholders may make of one rule */
#define ITEM_NAMES_MAX 1000                       /* what one item may be mapped to */

struct walk {
    struct passage *passage;
    const struct pipeline *pipeline;
    const struct transformation *step;
};

static enum err member_apply(struct walk *walk, struct search **slot);

/* ---- Values as texts. */

bool item_is_text(const struct search *item)
{
    return item->modifiers.comparing == COMPARING_TEXTS &&
           !modifiers_have(&item->modifiers, MODIFIER_WINDASH) &&
           !modifiers_have(&item->modifiers, MODIFIER_BASE64OFFSET);
}

bool value_is_number(const struct value *value)
{
    size_t digits = 0;
    for (size_t i = 0; i < value->text.size; i++) {
        char c = value->text.data[i];
        bool sign = i == 0 && (c == '-' || c == '+');
        if ((c < '0' || c > '9') && c != '.' && !sign) {
            return false;
        }
        digits += c >= '0' && c <= '9';
    }
    return value->plain && digits > 0;
}

static enum err text_append(struct buf *out, struct str text, bool slashes)
{
    enum err err = OK;
    for (size_t i = 0; i < text.size && err == OK; i++) {
        char c = text.data[i];
        if (c == '*' || c == '?' || (slashes && c == '\\')) {
            err = buf_append_byte(out, '\\');
        }
        err = err == OK ? buf_append_byte(out, c) : err;
    }
    return err;
}

static enum err pattern_print(const struct pattern *pattern, bool slashes, struct arena *mem,
                              struct str *ret)
{
    struct buf out;
    buf_init(&out, SIZE_MAX / 2);
    enum err err = OK;
    for (size_t i = 0; i < pattern->count && err == OK; i++) {
        const struct piece *piece = &pattern->pieces[i];
        err = piece->kind == PIECE_TEXT
                  ? text_append(&out, piece->text, slashes)
                  : buf_append_byte(&out, piece->kind == PIECE_MANY ? '*' : '?');
    }
    err = err == OK ? arena_copy(mem, buf_str(&out), ret) : err;
    buf_done(&out);
    return err;
}

enum err value_print(const struct search *item, const struct value *value, struct arena *mem,
                     struct str *ret)
{
    struct alternatives made;
    struct why why = {0};
    if (value->null) {
        *ret = (struct str){0};
        return OK;
    }
    enum err err = modifiers_apply(&item->modifiers, value->text, value->line, mem, &made, &why);
    if (err == ERR_SYNTAX || err == ERR_LIMIT) {
        *ret = value->text; /* The compiler refuses it later, with its line. */
        return OK;
    }
    return err == OK ? pattern_print(&made.list[0], false, mem, ret) : err;
}

/* The item without the modifiers that value_print has worked in. */
static void modifiers_settle(struct search *item)
{
    struct modifiers left = {.comparing = item->modifiers.comparing};
    for (size_t i = 0; i < item->modifiers.count; i++) {
        uint8_t modifier = item->modifiers.list[i];
        if (modifier == MODIFIER_ALL || modifier == MODIFIER_CASED || modifier == MODIFIER_NEQ ||
            modifier == MODIFIER_EXPAND) {
            left.list[left.count++] = modifier;
        }
    }
    item->modifiers = left;
}

/* ---- Fields. */

static enum err named(struct arena *mem, struct str before, struct str behind,
                      const struct str **ret)
{
    struct str *name = ARENA_ONE(mem, struct str);
    if (name == NULL) {
        return ERR_MEMORY;
    }
    char *out = arena_take(mem, before.size + behind.size + 1);
    if (out == NULL) {
        return ERR_MEMORY;
    }
    if (before.size > 0) {
        memcpy(out, before.data, before.size);
    }
    if (behind.size > 0) {
        memcpy(out + before.size, behind.data, behind.size);
    }
    *name = (struct str){out, before.size + behind.size};
    *ret = name;
    return OK;
}

/* The names that a field is mapped to; none: it stays. */
static enum err field_map(const struct walk *walk, struct str field, bool keyword,
                          const struct str **ret, size_t *ret_count)
{
    const struct transformation *step = walk->step;
    struct arena *mem = walk->passage->mem;
    *ret_count = 0;
    if (step->kind == FIELD_NAME_PREFIX || step->kind == FIELD_NAME_SUFFIX) {
        *ret_count = !keyword;
        bool before = step->kind == FIELD_NAME_PREFIX;
        return keyword ? OK
                       : named(mem, before ? step->text : field, before ? field : step->text, ret);
    }
    for (size_t i = 0; i < step->renames_count; i++) {
        const struct rename *rename = &step->renames[i];
        bool whole = step->kind == FIELD_NAME_MAPPING;
        if (rename->keyword != keyword || (!whole && keyword) ||
            (whole && !keyword && !str_equal(rename->from, field)) ||
            (!whole && !str_starts(field, rename->from))) {
            continue;
        }
        if (whole) {
            *ret = rename->to;
            *ret_count = rename->count;
            return OK;
        }
        struct str *names = ARENA_ARRAY(mem, struct str, rename->count);
        const struct str *name = NULL;
        enum err err = names == NULL ? ERR_MEMORY : OK;
        for (size_t k = 0; k < rename->count && err == OK; k++) {
            err = named(mem, rename->to[k], str_slice(field, rename->from.size, field.size), &name);
            names[k] = err == OK ? *name : names[k];
        }
        *ret = names;
        *ret_count = rename->count;
        return err;
    }
    return OK;
}

/* The fields that an item's values refer to, mapped likewise. */
static enum err references_map(const struct walk *walk, struct search *item, bool *ret)
{
    struct buf out;
    enum err err = OK;
    buf_init(&out, SIZE_MAX / 2);
    for (size_t i = 0; i < item->count && err == OK; i++) {
        struct value value = item->values[i];
        const struct str *names = &value.text;
        size_t count = 0;
        bool wanted = false;
        err = whens_hold_field(walk->passage, &walk->step->field, item, value.text, false, &wanted);
        err = err == OK && wanted ? field_map(walk, item->values[i].text, false, &names, &count)
                                  : err;
        *ret = *ret || count > 0;
        for (size_t k = 0; k < (count > 0 ? count : 1) && err == OK; k++) {
            value.text = count > 0 ? names[k] : item->values[i].text;
            err = buf_append(&out, str_of(&value, sizeof value));
        }
    }
    size_t count = out.size / sizeof(struct value);
    struct value *values = err == OK ? ARENA_ARRAY(walk->passage->mem, struct value, count) : NULL;
    if (err == OK && values == NULL) {
        err = ERR_MEMORY;
    }
    if (err == OK && count > 0) {
        memcpy(values, out.data, out.size);
        item->values = values;
        item->count = count;
    }
    buf_done(&out);
    return err;
}

static enum err touch(struct walk *walk, struct search *item)
{
    struct touched *touched = ARENA_ONE(walk->passage->mem, struct touched);
    if (touched == NULL) {
        return ERR_MEMORY;
    }
    *touched = (struct touched){walk->step->id, item->touched};
    item->touched = touched;
    return OK;
}

/* A search for keywords becomes one in a field, anywhere in its text. */
static void field_bind(struct search *item, struct str field)
{
    bool room = item->modifiers.count < MODIFIERS_MAX;
    if (item->keyword && item->modifiers.comparing == COMPARING_TEXTS && room) {
        item->modifiers.list[item->modifiers.count++] = MODIFIER_CONTAINS;
    }
    item->keyword = false;
    item->field = field;
}

static enum err field_apply(struct walk *walk, struct search **slot)
{
    struct search *item = *slot;
    const struct str *names = NULL;
    size_t count = 0;
    bool wanted = false;
    bool changed = false;
    enum err err = OK;
    if (item->modifiers.comparing == COMPARING_FIELDS) {
        err = references_map(walk, item, &changed);
    }
    err = err == OK ? whens_hold_field(walk->passage, &walk->step->field, item, item->field,
                                       item->keyword, &wanted)
                    : err;
    if (err == OK && wanted) {
        err = field_map(walk, item->field, item->keyword, &names, &count);
    }
    if (err == OK && (count > 0 || changed)) {
        err = touch(walk, item);
    }
    if (err != OK || count == 0) {
        return err;
    }
    if (count == 1) {
        field_bind(item, names[0]);
        return OK;
    }
    if (count > ITEM_NAMES_MAX) {
        return why_say(walk->passage->why, ERR_LIMIT, item->line,
                       "pipelines map a field to more than %d", ITEM_NAMES_MAX);
    }
    struct search *group = ARENA_ONE(walk->passage->mem, struct search);
    struct search *copies = ARENA_ARRAY(walk->passage->mem, struct search, count);
    if (group == NULL || copies == NULL) {
        return ERR_MEMORY;
    }
    *group = (struct search){.kind = SEARCH_ANY,
                             .line = item->line,
                             .next = item->next,
                             .first = copies,
                             .members = count};
    for (size_t i = 0; i < count; i++) {
        copies[i] = *item;
        copies[i].next = i + 1 < count ? &copies[i + 1] : NULL;
        field_bind(&copies[i], names[i]);
    }
    *slot = group;
    return OK;
}

/* ---- Values. */

static bool is_listed(struct str name, const struct str *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(name, list[i])) {
            return true;
        }
    }
    return false;
}

/* What a placeholder stands for under the step; the variables of later pipelines win. */
static enum err placeholder_values(const void *context, struct str name, const struct str **ret,
                                   size_t *ret_count)
{
    static const struct str star = {"*", 1};
    const struct walk *walk = context;
    const struct transformation *step = walk->step;
    if ((step->include != NULL && !is_listed(name, step->include, step->include_count)) ||
        (step->exclude != NULL && is_listed(name, step->exclude, step->exclude_count))) {
        return ERR_NOT_FOUND;
    }
    if (step->kind == WILDCARD_PLACEHOLDERS) {
        *ret = &star;
        *ret_count = 1;
        return OK;
    }
    const struct buf *pipelines = &walk->passage->tuning->pipelines;
    for (size_t at = pipelines->size; at > 0; at -= sizeof(struct pipeline *)) {
        const struct pipeline *pipeline;
        memcpy(&pipeline, pipelines->data + at - sizeof pipeline, sizeof pipeline);
        for (size_t i = 0; i < pipeline->variables_count; i++) {
            if (str_equal(pipeline->variables[i].name, name)) {
                *ret = pipeline->variables[i].values;
                *ret_count = pipeline->variables[i].count;
                return OK;
            }
        }
    }
    return ERR_NOT_FOUND;
}

static enum err placeholders_apply(struct walk *walk, struct search *item)
{
    struct placeholder_values values = {
        .values = placeholder_values, .context = walk, .budget = &walk->passage->budget};
    const struct value *before = item->values;
    if (!modifiers_have(&item->modifiers, MODIFIER_EXPAND)) {
        return OK;
    }
    enum err err = placeholder_fill(item, &values, walk->passage->mem, walk->passage->why);
    return err == OK && item->values != before ? touch(walk, item) : err;
}

/* Each backslash doubled that stands before neither * nor ?, as the reference library does. */
static enum err slashes_double(struct str text, struct arena *mem, struct str *ret)
{
    char *out = arena_take(mem, 2 * text.size + 1);
    if (out == NULL) {
        return ERR_MEMORY;
    }
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        char next = i + 1 < text.size ? text.data[i + 1] : '\0';
        if (text.data[i] == '\\' && next != '*' && next != '?') {
            out[size++] = '\\';
        }
        out[size++] = text.data[i];
    }
    *ret = (struct str){out, size};
    return OK;
}

/* Each plain part of a pattern replaced by itself, its wildcards left alone. */
static enum err parts_replace(const struct walk *walk, const struct search *item,
                              const struct value *value, struct str *ret)
{
    struct arena *mem = walk->passage->mem;
    struct alternatives made;
    struct buf out;
    buf_init(&out, SIZE_MAX / 2);
    enum err err =
        modifiers_apply(&item->modifiers, value->text, value->line, mem, &made, walk->passage->why);
    for (size_t i = 0; err == OK && i < made.list[0].count; i++) {
        const struct piece *piece = &made.list[0].pieces[i];
        struct str text = {0};
        if (piece->kind != PIECE_TEXT) {
            err = buf_append_byte(&out, piece->kind == PIECE_MANY ? '*' : '?');
            continue;
        }
        err = rewrite_apply(walk->step->regex, piece->text, walk->step->text, mem, &text);
        if (err == OK) {
            err = walk->step->interpret_special ? buf_append(&out, text)
                                                : text_append(&out, text, true);
        }
    }
    err = err == OK ? arena_copy(mem, buf_str(&out), ret) : err;
    buf_done(&out);
    return err;
}

static enum err text_replace(const struct walk *walk, const struct search *item,
                             const struct value *value, struct str *ret)
{
    struct arena *mem = walk->passage->mem;
    if (walk->step->skip_special) {
        return parts_replace(walk, item, value, ret);
    }
    enum err err = value_print(item, value, mem, ret);
    err = err == OK ? rewrite_apply(walk->step->regex, *ret, walk->step->text, mem, ret) : err;
    return err == OK ? slashes_double(*ret, mem, ret) : err;
}

static enum err value_set(const struct walk *walk, const struct search *item,
                          const struct value *value, struct buf *out, bool *changed)
{
    const struct transformation *step = walk->step;
    struct value made = *value;
    if (step->kind == SET_VALUE) {
        made = step->value;
        *changed = true;
        return buf_append(out, str_of(&made, sizeof made));
    }
    if (value->null) {
        return buf_append(out, str_of(&made, sizeof made));
    }
    enum err err = step->kind == REPLACE_STRING
                       ? text_replace(walk, item, value, &made.text)
                       : value_print(item, value, walk->passage->mem, &made.text);
    made.plain = false;
    *changed = *changed || step->kind == REPLACE_STRING;
    for (size_t i = 0; step->kind == MAP_STRING && err == OK && i < step->renames_count; i++) {
        const struct rename *rename = &step->renames[i];
        if (!str_equal(rename->from, made.text) || value_is_number(value)) {
            continue;
        }
        for (size_t k = 0; k < rename->count && err == OK; k++) {
            made.text = rename->to[k];
            err = buf_append(out, str_of(&made, sizeof made));
        }
        *changed = true;
        return err;
    }
    if (err == OK && step->kind == MAP_STRING) {
        err = slashes_double(made.text, walk->passage->mem, &made.text);
    }
    return err == OK ? buf_append(out, str_of(&made, sizeof made)) : err;
}

static enum err values_apply(struct walk *walk, struct search *item)
{
    struct passage *passage = walk->passage;
    struct buf out;
    bool changed = false;
    if (!item_is_text(item) && walk->step->kind != SET_VALUE) {
        return OK;
    }
    buf_init(&out, SIZE_MAX / 2);
    enum err err = OK;
    for (size_t i = 0; i < item->count && err == OK; i++) {
        err = value_set(walk, item, &item->values[i], &out, &changed);
    }
    if (err == ERR_LIMIT && passage->why != NULL && passage->why->text[0] == '\0') {
        err = why_say(passage->why, ERR_LIMIT, item->line,
                      "%.*s: its expression takes too long over this value, or makes it too long",
                      STR_ARG(walk->pipeline->file));
    }
    size_t count = out.size / sizeof(struct value);
    struct value *values =
        err == OK && changed ? ARENA_ARRAY(passage->mem, struct value, count) : NULL;
    if (err == OK && changed && values == NULL) {
        err = ERR_MEMORY;
    }
    if (err == OK && changed && count > 0) {
        memcpy(values, out.data, out.size);
        item->values = values;
        item->count = count;
        modifiers_settle(item);
        item->modifiers.comparing = COMPARING_TEXTS;
        err = touch(walk, item);
    }
    buf_done(&out);
    return err;
}

/* ---- Items and rules. */

static enum err item_wanted(const struct walk *walk, const struct search *item, bool *ret)
{
    bool field = false;
    enum err err = whens_hold_item(walk->passage, &walk->step->item, item, ret);
    if (err == OK && *ret) {
        err = whens_hold_field(walk->passage, &walk->step->field, item, item->field, item->keyword,
                               &field);
        for (size_t i = 0; err == OK && !field && i < item->count &&
                           item->modifiers.comparing == COMPARING_FIELDS;
             i++) {
            err = whens_hold_field(walk->passage, &walk->step->field, item, item->values[i].text,
                                   false, &field);
        }
        *ret = field;
    }
    return err;
}

static enum err item_apply(struct walk *walk, struct search **slot)
{
    bool wanted = false;
    enum err err = item_wanted(walk, *slot, &wanted);
    if (err != OK || !wanted) {
        return err;
    }
    switch (walk->step->kind) {
    case FIELD_NAME_MAPPING:
    case FIELD_NAME_PREFIX_MAPPING:
    case FIELD_NAME_PREFIX:
    case FIELD_NAME_SUFFIX:
        return field_apply(walk, slot);
    case VALUE_PLACEHOLDERS:
    case WILDCARD_PLACEHOLDERS:
        return placeholders_apply(walk, *slot);
    case REPLACE_STRING:
    case MAP_STRING:
    case SET_VALUE:
        return values_apply(walk, *slot);
    case DROP_DETECTION_ITEM:
        *slot = NULL;
        return OK;
    case DETECTION_ITEM_FAILURE:
        return why_say(walk->passage->why, ERR_UNSUPPORTED, (*slot)->line, "%.*s: %.*s",
                       STR_ARG(walk->pipeline->file), STR_ARG(walk->step->text));
    default:
        return OK;
    }
}

/* Members that are gone are taken out; a group without any is gone itself. */
static enum err group_apply(struct walk *walk, struct search **slot)
{
    struct search *group = *slot;
    struct search **at = &group->first;
    while (*at != NULL) {
        struct search *next = (*at)->next;
        enum err err = member_apply(walk, at);
        if (err != OK) {
            return err;
        }
        if (*at == NULL) {
            *at = next;
            group->members--;
        } else {
            at = &(*at)->next;
        }
    }
    if (group->first == NULL) {
        *slot = NULL;
    }
    return OK;
}

/* As deep as YAML allows, and once more for each mapping to several names: NESTING_MAX and
 * TRANSFORMATIONS_MAX bound it. */
static enum err member_apply(struct walk *walk, struct search **slot)
{
    return (*slot)->kind == SEARCH_ITEM ? item_apply(walk, slot) : group_apply(walk, slot);
}

static enum err detection_apply(struct walk *walk)
{
    enum err err = OK;
    for (struct part *part = walk->passage->draft->parts; part != NULL; part = part->next) {
        for (size_t i = 0; i < part->count && err == OK; i++) {
            if (part->searches[i].search != NULL) {
                err = member_apply(walk, &part->searches[i].search);
            }
        }
    }
    return err;
}

/* $category, $product and $service in a value. */
static enum err template_fill(const struct draft *draft, struct str text, struct arena *mem,
                              struct str *ret)
{
    const struct {
        struct str name;
        struct str value;
    } parts[] = {{STR("category"), draft->category},
                 {STR("product"), draft->product},
                 {STR("service"), draft->service}};
    struct buf out;
    enum err err = OK;
    buf_init(&out, SIZE_MAX / 2);
    for (size_t i = 0; i < text.size && err == OK; i++) {
        struct str rest = str_slice(text, i + 1, text.size);
        bool braced = rest.size > 0 && rest.data[0] == '{';
        size_t part = 0;
        rest = braced ? str_slice(rest, 1, rest.size) : rest;
        while (part < 3 && !str_starts(rest, parts[part].name)) {
            part++;
        }
        if (text.data[i] != '$' || part == 3) {
            err = buf_append_byte(&out, text.data[i]);
            i += text.data[i] == '$' && i + 1 < text.size && text.data[i + 1] == '$';
            continue;
        }
        err = buf_append(&out, parts[part].value);
        i += parts[part].name.size + (braced ? 2 : 0);
    }
    err = err == OK ? arena_copy(mem, buf_str(&out), ret) : err;
    buf_done(&out);
    return err;
}

static enum err templates_fill(const struct passage *passage, struct search *search)
{
    enum err err = OK;
    for (struct search *item = search->first; item != NULL && err == OK; item = item->next) {
        struct value *values = ARENA_ARRAY(passage->mem, struct value, item->count);
        err = values == NULL ? ERR_MEMORY : OK;
        for (size_t i = 0; i < item->count && err == OK; i++) {
            values[i] = item->values[i];
            err = template_fill(passage->draft, values[i].text, passage->mem, &values[i].text);
        }
        item->values = values;
    }
    return err;
}

static enum err condition_add(const struct walk *walk)
{
    static struct condition_text all = {{"_added", 6}, 0};
    struct passage *passage = walk->passage;
    struct named named = {{"_added", 6}, walk->step->search};
    struct part part = {.searches = &named,
                        .count = 1,
                        .conditions = &all,
                        .conditions_count = 1,
                        .negated = walk->step->negated};
    struct part *copy = NULL;
    enum err err = part_copy(&part, passage->mem, &copy);
    if (err == OK && walk->step->template) {
        err = templates_fill(passage, copy->searches[0].search);
    }
    if (err == OK) {
        copy->next = passage->draft->parts->next;
        passage->draft->parts->next = copy;
    }
    return err;
}

static enum err setting_add(const struct walk *walk, const struct setting **settings)
{
    struct setting *setting = ARENA_ONE(walk->passage->mem, struct setting);
    if (setting == NULL) {
        return ERR_MEMORY;
    }
    *setting = (struct setting){walk->step->text, walk->step->value.text, *settings};
    *settings = setting;
    return OK;
}

static enum err step_apply(struct walk *walk)
{
    const struct transformation *step = walk->step;
    struct draft *draft = walk->passage->draft;
    switch (step->kind) {
    case ADD_CONDITION:
        return condition_add(walk);
    case CHANGE_LOGSOURCE:
        draft->category = step->category;
        draft->product = step->product;
        draft->service = step->service;
        return OK;
    case SET_STATE:
        return setting_add(walk, &walk->passage->state);
    case SET_ATTRIBUTE:
        return setting_add(walk, &walk->passage->attributes);
    case RULE_FAILURE:
        return why_say(walk->passage->why, ERR_UNSUPPORTED, draft->document->line, "%.*s: %.*s",
                       STR_ARG(walk->pipeline->file), STR_ARG(step->text));
    case NOTHING:
        return OK;
    default:
        return detection_apply(walk);
    }
}

static enum err pipeline_apply(struct passage *passage, const struct pipeline *pipeline)
{
    enum err err = OK;
    for (size_t i = 0; i < pipeline->count && err == OK; i++) {
        struct walk walk = {passage, pipeline, &pipeline->list[i]};
        bool holds = false;
        err = whens_hold_rule(passage, &walk.step->rule, &holds);
        if (err != OK || !holds) {
            continue;
        }
        err = step_apply(&walk);
        struct touched *applied = err == OK ? ARENA_ONE(passage->mem, struct touched) : NULL;
        if (err == OK && applied == NULL) {
            err = ERR_MEMORY;
        }
        if (err == OK) {
            *applied = (struct touched){walk.step->id, passage->applied};
            passage->applied = applied;
        }
    }
    return err;
}

enum err pipelines_apply(const struct tuning *tuning, struct draft *draft, struct arena *mem,
                         struct why *why)
{
    struct passage passage = {
        .tuning = tuning, .draft = draft, .mem = mem, .why = why, .budget = FILL_SIZE_MAX};
    enum err err = OK;
    for (size_t at = 0; at < tuning->pipelines.size && err == OK; at += sizeof(struct pipeline *)) {
        const struct pipeline *pipeline;
        memcpy(&pipeline, tuning->pipelines.data + at, sizeof pipeline);
        err = pipeline_apply(&passage, pipeline);
    }
    if (err == ERR_LIMIT && why != NULL && why->text[0] == '\0') {
        err = why_say(why, ERR_LIMIT, draft->document->line,
                      "a pipeline's expression takes too long over this rule");
    }
    return err;
}
