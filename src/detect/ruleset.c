/*
 * The rule set: what a bundle of rules has become (loading.c), and what it says of itself.
 *
 * All rules share one matcher, so that a question that many rules ask of an event is answered once.
 * The set's name is the SHA-256 of its bundle: whoever packs the same files in the same order gets
 * the same name.
 *
 * Always true: nothing of a set changes once it is loaded, so that judges of several threads may
 * share it.
 */

#include "detect/private.h"

#include <assert.h>
#include <stdlib.h>

#include "base/limits.h"

#define RULES_SEED 0x72756c6573ull

enum err ruleset_new(struct str bundle, struct ruleset **ret)
{
    struct ruleset *ruleset = calloc(1, sizeof *ruleset);
    if (ruleset == NULL) {
        return ERR_MEMORY;
    }
    buf_init(&ruleset->rules, RULESET_SIZE_MAX);
    buf_init(&ruleset->audiences, RULESET_SIZE_MAX);
    map_init(&ruleset->ids, 2 * RULES_MAX, RULES_SEED);
    ruleset->mem = arena_new(RULESET_SIZE_MAX);
    ruleset->matcher = matcher_new();
    struct sha256 hash = sha256_of_bytes(bundle);
    (void)hex_print(hash.bytes, sizeof hash.bytes, ruleset->hash);
    *ret = ruleset;
    return ruleset->mem == NULL || ruleset->matcher == NULL ? ERR_MEMORY : OK;
}

void ruleset_free(struct ruleset *ruleset)
{
    if (ruleset == NULL) {
        return;
    }
    matcher_free(ruleset->matcher);
    arena_free(ruleset->mem);
    buf_done(&ruleset->rules);
    buf_done(&ruleset->audiences);
    map_done(&ruleset->ids);
    free(ruleset);
}

struct str ruleset_hash(const struct ruleset *ruleset)
{
    return str_from(ruleset->hash);
}

size_t ruleset_rules(const struct ruleset *ruleset)
{
    return ruleset->rules.size / sizeof(struct rule);
}

void ruleset_rule(const struct ruleset *ruleset, size_t index, struct rule_summary *ret)
{
    const struct rule *rule = rule_at(ruleset, index);
    *ret = (struct rule_summary){
        .kind = rule->correlation != NULL ? ALERT_CORRELATION : ALERT_RULE,
        .name = rule->name,
        .file = rule->file,
        .type = rule->type,
        .feeds = rule->feeds,
        .raises = rule->raises,
        .id = rule->id,
        .title = rule->title,
        .author = rule->author,
        .link = rule->link,
        .tags = rule->tags,
        .version = rule->version,
        .category = rule->category,
        .product = rule->product,
        .service = rule->service,
        .status = rule->status,
        .level = rule->level,
    };
}

enum err ruleset_find(const struct ruleset *ruleset, struct str id, size_t *ret)
{
    uint64_t index;
    if (map_get(&ruleset->ids, id, &index)) {
        *ret = (size_t)index;
        return OK;
    }
    for (size_t i = 0; id.size > 0 && i < ruleset_rules(ruleset); i++) {
        if (str_equal(rule_at(ruleset, i)->name, id)) {
            *ret = i;
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

struct rule *rule_at(const struct ruleset *ruleset, size_t index)
{
    assert(index < ruleset_rules(ruleset));
    return (struct rule *)(void *)(ruleset->rules.data + index * sizeof(struct rule));
}
