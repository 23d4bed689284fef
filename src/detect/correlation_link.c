/*
 * Correlations and what they lean on: names become indexes, and rules learn what is asked of them.
 *
 * All rules of all documents are loaded first; then correlations join the set in rounds, each as
 * soon as all that it names is there.  A round that adds none is the last; what is left names what
 * is not there, or leans on itself in a circle, and is refused with that reason.  A chain has at
 * most CHAIN_MAX correlations, so there are no more rounds than that.
 *
 * A name means an id, else the `name` of a rule in the same file, else that of a rule anywhere.
 *
 * What a correlation groups by and counts is asked of its rules, under each rule's alias if it has
 * one; what is asked of a correlation is asked of its own rules in turn.  So the values that an
 * outer correlation needs travel with the sighting that completes the inner one.
 *
 * OUR reading of "only the outermost correlation may define meta information such as level": a
 * correlation that has a level of its own is meant to be heard, and raises even if others lean on
 * it; rules, and correlations without a level, raise then only if one of these says `generate`.
 *
 * Always true: a correlation stands behind everything that it leans on, so walking the set in its
 * order meets no unknown.  A refused correlation leaves no trace but a field too many asked.
 */

#include "detect/correlation.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

#define NAMES_SEED 0x6e616d6573ull
#define AMBIGUOUS  UINT64_MAX

struct linking {
    struct ruleset *ruleset;
    struct correlation_draft *drafts;
    size_t count;
    struct map names;   /* name, and path NUL name, to the index of a rule */
    struct map drafted; /* names and ids of drafts to their number */
    uint32_t *stamps;   /* by rule: the last draft that named it, from 1 */
    bool *generates;    /* by rule: a correlation over it says `generate` */
    size_t rules_max;
};

static enum err linking_begin(struct linking *linking);
static enum err draft_link(struct linking *linking, size_t number, struct why *why);
static enum err leftover_say(struct linking *linking, size_t number, bool circles, struct why *why);

/* Adds what can be added; *ret_more: this round added some. */
static enum err round_run(struct linking *linking, correlation_refused *refused, void *context,
                          size_t *loaded, bool *ret_more)
{
    *ret_more = false;
    for (size_t i = 0; i < linking->count; i++) {
        struct correlation_draft *draft = &linking->drafts[i];
        struct why why = {0};
        if (draft->linked || draft->refused) {
            continue;
        }
        enum err err = draft_link(linking, i, &why);
        if (err == ERR_AGAIN) {
            continue;
        }
        if (err == ERR_MEMORY) {
            return err;
        }
        *ret_more = true;
        draft->linked = err == OK;
        draft->refused = err != OK;
        *loaded += err == OK;
        err = err == OK ? OK : refused(context, draft->path, draft->line, &why);
        if (err != OK) {
            return err;
        }
    }
    return OK;
}

static enum err leftovers_refuse(struct linking *linking, correlation_refused *refused,
                                 void *context)
{
    for (size_t round = 0; round <= CHAIN_MAX + 1; round++) {
        for (size_t i = 0; i < linking->count; i++) {
            struct correlation_draft *draft = &linking->drafts[i];
            struct why why = {0};
            if (draft->linked || draft->refused) {
                continue;
            }
            enum err err = leftover_say(linking, i, round == CHAIN_MAX + 1, &why);
            if (err == ERR_AGAIN) {
                continue;
            }
            draft->refused = true;
            err = err == ERR_MEMORY ? err : refused(context, draft->path, draft->line, &why);
            if (err != OK) {
                return err;
            }
        }
    }
    return OK;
}

enum err correlations_link(struct correlations *drafts, struct ruleset *ruleset,
                           correlation_refused *refused, void *context, size_t *ret_loaded)
{
    struct linking linking = {
        .ruleset = ruleset,
        .drafts = (struct correlation_draft *)(void *)drafts->list.data,
        .count = drafts->list.size / sizeof(struct correlation_draft),
    };
    size_t loaded = 0;
    bool more = linking.count > 0;
    if (linking.count == 0) {
        *ret_loaded = 0;
        return OK;
    }
    enum err err = linking_begin(&linking);
    for (size_t round = 0; round < CHAIN_MAX && more && err == OK; round++) {
        err = round_run(&linking, refused, context, &loaded, &more);
    }
    err = err == OK ? leftovers_refuse(&linking, refused, context) : err;
    for (size_t i = 0; err == OK && i < ruleset_rules(ruleset); i++) {
        struct rule *rule = rule_at(ruleset, i);
        rule->raises = !rule->feeds || linking.generates[i];
    }
    map_done(&linking.names);
    map_done(&linking.drafted);
    free(linking.stamps);
    free(linking.generates);
    if (err == OK) {
        *ret_loaded = loaded;
    }
    return err;
}

/* What a name in a file is known by: path, NUL, name. */
static enum err local_name(struct ruleset *ruleset, struct str path, struct str name,
                           struct str *ret)
{
    char *text = arena_take(ruleset->mem, path.size + 1 + name.size);
    if (text == NULL) {
        return ERR_MEMORY;
    }
    memcpy(text, path.data, path.size);
    memcpy(text + path.size + 1, name.data, name.size);
    *ret = str_of(text, path.size + 1 + name.size);
    return OK;
}

static enum err name_put(struct map *map, struct str name, uint64_t value)
{
    uint64_t other;
    return map_put(map, name, map_get(map, name, &other) && other != value ? AMBIGUOUS : value);
}

static enum err rule_named(struct linking *linking, const struct rule *rule, size_t index)
{
    struct str local = {0};
    if (rule->name.size == 0) {
        return OK;
    }
    enum err err = local_name(linking->ruleset, rule->file, rule->name, &local);
    err = err == OK ? name_put(&linking->names, local, index) : err;
    return err == OK ? name_put(&linking->names, rule->name, index) : err;
}

static enum err linking_begin(struct linking *linking)
{
    size_t rules = ruleset_rules(linking->ruleset);
    linking->rules_max = rules + linking->count;
    map_init(&linking->names, 4 * linking->rules_max, NAMES_SEED);
    map_init(&linking->drafted, 2 * linking->count, NAMES_SEED);
    linking->stamps = calloc(linking->rules_max, sizeof *linking->stamps);
    linking->generates = calloc(linking->rules_max, sizeof *linking->generates);
    enum err err = linking->stamps == NULL || linking->generates == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < rules && err == OK; i++) {
        err = rule_named(linking, rule_at(linking->ruleset, i), i);
    }
    for (size_t i = 0; i < linking->count && err == OK; i++) {
        const struct rule *rule = &linking->drafts[i].rule;
        linking->drafts[i].correlation->draft = (uint32_t)i;
        err = map_put(&linking->drafted, rule->id, i);
        if (err == OK && rule->name.size > 0) {
            err = map_put(&linking->drafted, rule->name, i);
        }
    }
    return err;
}

/* ERR_NOT_FOUND, ERR_CONFLICT for a name of several. */
static enum err name_find(struct linking *linking, const struct correlation_draft *draft,
                          struct str name, uint64_t *ret)
{
    char text[1024];
    if (map_get(&linking->ruleset->ids, name, ret)) {
        return OK;
    }
    size_t size = draft->path.size + 1 + name.size;
    if (size <= sizeof text) {
        memcpy(text, draft->path.data, draft->path.size);
        text[draft->path.size] = '\0';
        memcpy(text + draft->path.size + 1, name.data, name.size);
        if (map_get(&linking->names, str_of(text, size), ret) && *ret != AMBIGUOUS) {
            return OK;
        }
    }
    if (!map_get(&linking->names, name, ret)) {
        return ERR_NOT_FOUND;
    }
    return *ret == AMBIGUOUS ? ERR_CONFLICT : OK;
}

/* The field that a name means in the events of one of the rules. */
static struct str alias_resolve(const struct correlation *correlation, size_t number,
                                const struct rule *rule, struct str name)
{
    for (size_t i = 0; i < correlation->aliases_count; i++) {
        const struct correlation_alias *alias = &correlation->aliases[i];
        if (str_equal(alias->alias, name) &&
            (str_equal(alias->rule, correlation->names[number]) ||
             str_equal(alias->rule, rule->id) || str_equal(alias->rule, rule->name))) {
            return alias->field;
        }
    }
    return name;
}

static enum err lifts_grow(struct ruleset *ruleset, struct correlation *correlation)
{
    uint32_t capacity = correlation->lifts_capacity * 2 + 4;
    uint16_t *lifts = ARENA_ARRAY(ruleset->mem, uint16_t, capacity * correlation->rules_count);
    if (lifts == NULL) {
        return ERR_MEMORY;
    }
    if (correlation->lifts_capacity > 0) {
        memcpy(lifts, correlation->lifts,
               sizeof *lifts * correlation->lifts_capacity * correlation->rules_count);
    }
    correlation->lifts = lifts;
    correlation->lifts_capacity = capacity;
    return OK;
}

static enum err asked_grow(struct ruleset *ruleset, struct rule *rule)
{
    uint32_t capacity = rule->asked_capacity * 2 + 4;
    struct asked *asked = ARENA_ARRAY(ruleset->mem, struct asked, capacity);
    if (asked == NULL) {
        return ERR_MEMORY;
    }
    if (rule->asked_count > 0) {
        memcpy(asked, rule->asked, sizeof *asked * rule->asked_count);
    }
    rule->asked = asked;
    rule->asked_capacity = capacity;
    return OK;
}

/* Where a rule's values have the field; it is asked for from now on.  Recursive at most CHAIN_MAX
 * deep. */
static enum err rule_ask(struct ruleset *ruleset, size_t index, struct str name, uint16_t *ret)
{
    struct rule *rule = rule_at(ruleset, index);
    struct correlation *correlation = rule->correlation;
    for (uint32_t i = 0; i < rule->asked_count; i++) {
        if (str_equal(rule->asked[i].names[0], name)) {
            *ret = (uint16_t)i;
            return OK;
        }
    }
    if (rule->asked_count == ASKED_MAX) {
        return ERR_LIMIT;
    }
    enum err err = rule->asked_count == rule->asked_capacity ? asked_grow(ruleset, rule) : OK;
    if (err == OK && correlation != NULL && rule->asked_count == correlation->lifts_capacity) {
        err = lifts_grow(ruleset, correlation);
    }
    for (size_t i = 0; err == OK && correlation != NULL && i < correlation->rules_count; i++) {
        const struct rule *inner = rule_at(ruleset, correlation->rules[i]);
        err = rule_ask(ruleset, correlation->rules[i], alias_resolve(correlation, i, inner, name),
                       &correlation->lifts[rule->asked_count * correlation->rules_count + i]);
    }
    if (err == OK) {
        struct asked *asked = &rule->asked[rule->asked_count];
        const struct logsource logsource = {rule->category, rule->product, rule->service};
        err = field_names(logsource, name, ruleset->mem, asked->names, &asked->names_count);
        *ret = (uint16_t)rule->asked_count;
        rule->asked_count += err == OK;
    }
    return err;
}

/* The slots of everything that the correlation wants of its rules. */
static enum err fields_ask(struct linking *linking, const struct correlation_draft *draft,
                           struct why *why)
{
    struct correlation *correlation = draft->correlation;
    size_t each = correlation->groups_count + correlation->fields_count;
    correlation->slots =
        ARENA_ARRAY(linking->ruleset->mem, uint16_t, each * correlation->rules_count + 1);
    if (correlation->slots == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < correlation->rules_count; i++) {
        const struct rule *rule = rule_at(linking->ruleset, correlation->rules[i]);
        for (size_t k = 0; k < each; k++) {
            struct str name = k < correlation->groups_count
                                  ? correlation->groups[k]
                                  : draft->fields[k - correlation->groups_count];
            enum err err = rule_ask(linking->ruleset, correlation->rules[i],
                                    alias_resolve(correlation, i, rule, name),
                                    &correlation->slots[i * each + k]);
            if (err == ERR_LIMIT) {
                return why_say(why, err, draft->line,
                               "correlations ask more than %d fields of the rule '%.*s'", ASKED_MAX,
                               STR_ARG(rule->title));
            }
            if (err != OK) {
                return err;
            }
        }
    }
    return OK;
}

static enum err version_make(struct linking *linking, const struct correlation_draft *draft)
{
    struct correlation *correlation = draft->correlation;
    struct buf texts;
    buf_init(&texts, RULESET_SIZE_MAX);
    enum err err = buf_append(&texts, draft->rule.id);
    err = err == OK ? buf_append(&texts, draft->rule.version) : err;
    for (size_t i = 0; i < correlation->rules_count && err == OK; i++) {
        const struct rule *rule = rule_at(linking->ruleset, correlation->rules[i]);
        err = buf_append_byte(&texts, '\0');
        err = err == OK ? buf_append(&texts, rule->id) : err;
        err = err == OK ? buf_append(&texts, rule->version) : err;
        if (err == OK && rule->correlation != NULL) {
            err = buf_append(&texts, str_of(rule->correlation->version, SHA256_SIZE));
        }
    }
    if (err == OK) {
        struct sha256 hash = sha256_of_bytes(buf_str(&texts));
        memcpy(correlation->version, hash.bytes, SHA256_SIZE);
    }
    buf_done(&texts);
    return err;
}

/* The rules' indexes.  ERR_AGAIN while one is not there. */
static enum err rules_find(struct linking *linking, size_t number, struct why *why)
{
    struct correlation_draft *draft = &linking->drafts[number];
    struct correlation *correlation = draft->correlation;
    correlation->depth = 1;
    if (correlation->rules == NULL) {
        correlation->rules = ARENA_ARRAY(linking->ruleset->mem, uint32_t, correlation->rules_count);
        if (correlation->rules == NULL) {
            return ERR_MEMORY;
        }
    }
    for (size_t i = 0; i < correlation->rules_count; i++) {
        uint64_t index;
        struct str name = correlation->names[i];
        enum err err = name_find(linking, draft, name, &index);
        if (err == ERR_NOT_FOUND) {
            return ERR_AGAIN;
        }
        if (err != OK) {
            return why_say(why, err, draft->line, "several rules have the name '%.*s'; use an id",
                           STR_ARG(name));
        }
        const struct rule *rule = rule_at(linking->ruleset, index);
        if (rule->correlation != NULL && rule->correlation->depth >= correlation->depth) {
            correlation->depth = rule->correlation->depth + 1;
        }
        correlation->rules[i] = (uint32_t)index;
    }
    if (correlation->depth > CHAIN_MAX) {
        return why_say(why, ERR_LIMIT, draft->line,
                       "a chain of more than %d correlations over correlations", CHAIN_MAX);
    }
    for (size_t i = 0; i < correlation->rules_count; i++) {
        uint32_t *stamp = &linking->stamps[correlation->rules[i]];
        if (*stamp == number + 1) {
            return why_say(why, ERR_SYNTAX, draft->line, "the rule '%.*s' is named twice",
                           STR_ARG(correlation->names[i]));
        }
        *stamp = (uint32_t)number + 1;
    }
    return OK;
}

static enum err draft_link(struct linking *linking, size_t number, struct why *why)
{
    struct correlation_draft *draft = &linking->drafts[number];
    struct ruleset *ruleset = linking->ruleset;
    size_t index = ruleset_rules(ruleset);
    uint64_t other;
    enum err err = rules_find(linking, number, why);
    if (err == OK && map_get(&ruleset->ids, draft->rule.id, &other)) {
        err = why_say(why, ERR_CONFLICT, draft->line, "the id %.*s belongs to '%.*s' already",
                      STR_ARG(draft->rule.id), STR_ARG(rule_at(ruleset, other)->title));
    }
    if (err == OK && index == RULES_MAX) {
        err = why_say(why, ERR_LIMIT, draft->line, "more than %d rules", RULES_MAX);
    }
    err = err == OK ? fields_ask(linking, draft, why) : err;
    err = err == OK ? version_make(linking, draft) : err;
    err = err == OK ? map_put(&ruleset->ids, draft->rule.id, index) : err;
    err = err == OK ? buf_append(&ruleset->rules, str_of(&draft->rule, sizeof draft->rule)) : err;
    err = err == OK ? rule_named(linking, &draft->rule, index) : err;
    if (err == OK) {
        linking->generates[index] = draft->graded;
    }
    for (size_t i = 0; err == OK && i < draft->correlation->rules_count; i++) {
        rule_at(ruleset, draft->correlation->rules[i])->feeds = true;
        linking->generates[draft->correlation->rules[i]] |= draft->generate;
    }
    return err;
}

/* Why a draft could not be joined; ERR_AGAIN if that hangs on another one that is still open. */
static enum err leftover_say(struct linking *linking, size_t number, bool circles, struct why *why)
{
    const struct correlation_draft *draft = &linking->drafts[number];
    const struct correlation *correlation = draft->correlation;
    struct str open = {0};
    for (size_t i = 0; i < correlation->rules_count; i++) {
        struct str name = correlation->names[i];
        uint64_t index;
        if (name_find(linking, draft, name, &index) == OK) {
            continue;
        }
        if (!map_get(&linking->drafted, name, &index)) {
            return why_say(why, ERR_NOT_FOUND, draft->line,
                           "there is no rule '%.*s', or it was refused", STR_ARG(name));
        }
        if (linking->drafts[index].refused) {
            return why_say(why, ERR_NOT_FOUND, draft->line, "it leans on '%.*s', which was refused",
                           STR_ARG(name));
        }
        open = name;
    }
    if (!circles) {
        return ERR_AGAIN;
    }
    return why_say(why, ERR_SYNTAX, draft->line,
                   "it leans on '%.*s' in a circle, or through more than %d correlations",
                   STR_ARG(open), CHAIN_MAX);
}
