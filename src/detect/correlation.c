/*
 * One correlation out of its YAML document (Sigma specification 2.1, correlation rules), or one of
 * our own baselines, which are written alike (docs/correlations.md).
 *
 * Needed are title, type, rules and timespan; a type that counts or calculates needs a condition,
 * one over values a field.  Timespans: a number and s, m, h or d; w, M and y too, which pySigma
 * has (a month is 2,629,746 s, a year 31,556,952 s: the means of the Gregorian calendar).
 *
 * OUR readings: group-by may be missing, then all is one group; temporal without a condition asks
 * for all of its rules; `percentile` in a condition names the percentile, as pySigma has it, and
 * without it value_percentile is about the share that a value has (the specification's example).
 *
 * Always true: a draft's texts are in compiler->mem; nothing about rules is known yet, since they
 * may stand behind it.
 */

#include "detect/correlation.h"

#include "base/limits.h"

static enum err draft_read(struct compiler *compiler, const struct yaml_node *node,
                           struct correlation_draft *draft);
static enum err condition_read(struct compiler *compiler, const struct yaml_node *node,
                               struct correlation_draft *draft);
static enum err baseline_read(struct compiler *compiler, const struct yaml_node *node,
                              struct correlation *correlation);
static enum err sense_check(struct compiler *compiler, const struct yaml_node *node,
                            const struct correlation_draft *draft);

static const char *const types[CORRELATION_TYPE_COUNT] = {
    "event_count", "value_count",      "temporal",          "temporal_ordered", "value_sum",
    "value_avg",   "value_percentile", "hinomi_first_seen", "hinomi_rare",      "hinomi_rate",
};

void correlations_init(struct correlations *drafts)
{
    buf_init(&drafts->list, RULESET_SIZE_MAX);
}

void correlations_done(struct correlations *drafts)
{
    buf_done(&drafts->list);
}

/* Without an id: the path, and what tells it from other documents of the file. */
static enum err id_make(struct compiler *compiler, const struct yaml_node *document,
                        struct correlation_draft *draft)
{
    const struct yaml_node *id = yaml_get(document, STR("id"));
    if ((id != NULL && id->text.size > 0) || (draft->rule.name.size == 0 && draft->line == 1)) {
        return OK;
    }
    return draft->rule.name.size > 0 ? arena_print(compiler->mem, &draft->rule.id, "%.*s#%.*s",
                                                   STR_ARG(draft->path), STR_ARG(draft->rule.name))
                                     : arena_print(compiler->mem, &draft->rule.id, "%.*s#%u",
                                                   STR_ARG(draft->path), draft->line);
}

enum err correlation_compile(struct compiler *compiler, const struct yaml_node *document,
                             struct str path, struct str version, struct correlations *drafts)
{
    const struct yaml_node *node = yaml_get(document, STR("correlation"));
    const struct yaml_node *generate = yaml_get(document, STR("generate"));
    struct correlation_draft draft = {
        .line = document->line,
        .graded = yaml_get(document, STR("level")) != NULL,
    };
    if (node == NULL || node->kind != YAML_MAPPING) {
        return why_say(compiler->why, ERR_SYNTAX, document->line,
                       "a correlation is a map with type, rules and timespan");
    }
    if (generate == NULL) { /* pySigma reads it inside too */
        generate = yaml_get(node, STR("generate"));
    }
    if (generate != NULL && yaml_bool(generate, &draft.generate) != OK) {
        return why_say_at(compiler->why, ERR_SYNTAX, generate->line, generate->column,
                          "generate is true or false");
    }
    draft.correlation = ARENA_ONE(compiler->mem, struct correlation);
    enum err err = draft.correlation == NULL ? ERR_MEMORY : OK;
    err = err == OK ? rule_head_compile(compiler, document, path, &draft.rule) : err;
    err = err == OK ? arena_copy(compiler->mem, path, &draft.path) : err;
    err = err == OK ? id_make(compiler, document, &draft) : err;
    err = err == OK ? draft_read(compiler, node, &draft) : err;
    err = err == OK ? sense_check(compiler, node, &draft) : err;
    if (err != OK) {
        return err;
    }
    draft.rule.version = version;
    draft.rule.file = draft.path;
    draft.rule.raises = true;
    draft.rule.correlation = draft.correlation;
    return buf_append(&drafts->list, str_of(&draft, sizeof draft));
}

static enum err say(struct compiler *compiler, const struct yaml_node *node, const char *sentence)
{
    return why_say_at(compiler->why, ERR_SYNTAX, node->line, node->column, "%s", sentence);
}

/* A list of texts, or one text. */
static enum err texts_read(struct compiler *compiler, const struct yaml_node *node, size_t max,
                           const char *sentence, struct str **ret, uint32_t *ret_count)
{
    size_t count = node->kind == YAML_SEQUENCE ? node->count : 1;
    const struct yaml_node *child = node->kind == YAML_SEQUENCE ? node->first : node;
    if (node->kind == YAML_MAPPING) {
        return say(compiler, node, sentence);
    }
    if (count > max) {
        return why_say(compiler->why, ERR_LIMIT, node->line, "more than %zu of these", max);
    }
    struct str *texts = ARENA_ARRAY(compiler->mem, struct str, count + 1);
    if (texts == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++, child = child->next) {
        if (child->kind != YAML_SCALAR || child->text.size == 0) {
            return say(compiler, child, sentence);
        }
        enum err err = arena_copy(compiler->mem, str_trim(child->text), &texts[i]);
        if (err != OK) {
            return err;
        }
        for (size_t k = 0; k < i && max <= GROUP_BY_MAX; k++) {
            if (str_equal(texts[k], texts[i])) {
                return say(compiler, child, "this stands twice");
            }
        }
    }
    *ret = texts;
    *ret_count = (uint32_t)count;
    return OK;
}

static const struct {
    char unit;
    int64_t seconds;
} units[] = {
    {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}, {'M', 2629746}, {'y', 31556952},
};

static enum err span_read(struct compiler *compiler, const struct yaml_node *node, int64_t *ret)
{
    struct str text = str_trim(node->text);
    if (node->kind != YAML_SCALAR || text.size < 2) {
        return say(compiler, node, "a time is a number and one of s m h d w M y: 90m");
    }
    char unit = text.data[text.size - 1];
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        uint64_t count;
        uint64_t max = (uint64_t)(CORRELATION_TIMESPAN_SECONDS_MAX / units[i].seconds);
        if (units[i].unit != unit) {
            continue;
        }
        enum err err = str_to_u64(str_slice(text, 0, text.size - 1), max, &count);
        if (err == ERR_LIMIT) {
            return why_say_at(compiler->why, ERR_LIMIT, node->line, node->column,
                              "a timespan of more than %d days",
                              CORRELATION_TIMESPAN_SECONDS_MAX / 86400);
        }
        if (err != OK || count == 0) {
            break;
        }
        *ret = (int64_t)count * units[i].seconds * NS_PER_SECOND;
        return OK;
    }
    return say(compiler, node, "a time is a number and one of s m h d w M y: 90m");
}

static enum err aliases_read(struct compiler *compiler, const struct yaml_node *node,
                             struct correlation *correlation)
{
    size_t count = 0;
    if (node == NULL || yaml_is_null(node)) {
        return OK;
    }
    if (node->kind != YAML_MAPPING) {
        return say(compiler, node, "aliases are a map of names");
    }
    for (const struct yaml_node *alias = node->first; alias != NULL; alias = alias->next) {
        if (alias->kind != YAML_MAPPING) {
            return say(compiler, alias, "an alias maps rules to their fields");
        }
        count += alias->count;
    }
    correlation->aliases = ARENA_ARRAY(compiler->mem, struct correlation_alias, count + 1);
    if (correlation->aliases == NULL) {
        return ERR_MEMORY;
    }
    for (const struct yaml_node *alias = node->first; alias != NULL; alias = alias->next) {
        for (const struct yaml_node *field = alias->first; field != NULL; field = field->next) {
            struct correlation_alias *one = &correlation->aliases[correlation->aliases_count++];
            if (field->kind != YAML_SCALAR || field->text.size == 0) {
                return say(compiler, field, "an alias maps rules to their fields");
            }
            enum err err = arena_copy(compiler->mem, alias->key->text, &one->alias);
            err = err == OK ? arena_copy(compiler->mem, field->key->text, &one->rule) : err;
            err = err == OK ? arena_copy(compiler->mem, field->text, &one->field) : err;
            if (err != OK) {
                return err;
            }
        }
    }
    return OK;
}

static enum err draft_read(struct compiler *compiler, const struct yaml_node *node,
                           struct correlation_draft *draft)
{
    struct correlation *correlation = draft->correlation;
    const struct yaml_node *type = yaml_get(node, STR("type"));
    const struct yaml_node *rules = yaml_get(node, STR("rules"));
    const struct yaml_node *groups = yaml_get(node, STR("group-by"));
    const struct yaml_node *timespan = yaml_get(node, STR("timespan"));
    correlation->type = CORRELATION_TYPE_COUNT;
    for (size_t i = 0; type != NULL && i < CORRELATION_TYPE_COUNT; i++) {
        if (str_equal(type->text, str_from(types[i]))) {
            correlation->type = (enum correlation_type)i;
        }
    }
    if (correlation->type == CORRELATION_TYPE_COUNT) {
        return say(compiler, type != NULL ? type : node,
                   "the type is event_count, value_count, temporal, temporal_ordered, value_sum, "
                   "value_avg, value_percentile, hinomi_first_seen, hinomi_rare or hinomi_rate");
    }
    if (rules == NULL || (rules->kind == YAML_SEQUENCE && rules->count == 0)) {
        return say(compiler, node, "a correlation names the rules that it is about");
    }
    if (timespan == NULL) {
        return say(compiler, node, "a correlation has a timespan");
    }
    enum err err = texts_read(compiler, rules, RULES_EACH_MAX, "rules are ids or names of rules",
                              &correlation->names, &correlation->rules_count);
    if (err == OK && groups != NULL && !yaml_is_null(groups)) {
        err = texts_read(compiler, groups, GROUP_BY_MAX, "group-by is a list of fields",
                         &correlation->groups, &correlation->groups_count);
    }
    err = err == OK ? span_read(compiler, timespan, &correlation->timespan) : err;
    err = err == OK ? aliases_read(compiler, yaml_get(node, STR("aliases")), correlation) : err;
    err = err == OK ? condition_read(compiler, yaml_get(node, STR("condition")), draft) : err;
    return err == OK ? baseline_read(compiler, node, correlation) : err;
}

static const char *const bounds[BOUND_HOW_COUNT] = {"gt", "gte", "lt", "lte", "eq", "neq"};

static enum err number_read(struct compiler *compiler, const struct yaml_node *node, int64_t *ret)
{
    if (node->kind != YAML_SCALAR || !millionths_parse(str_trim(node->text), ret)) {
        return say(compiler, node, "this must be a number");
    }
    return OK;
}

static enum err condition_read(struct compiler *compiler, const struct yaml_node *node,
                               struct correlation_draft *draft)
{
    struct correlation *correlation = draft->correlation;
    correlation->percentile = PERCENTILE_NONE;
    if (node == NULL || yaml_is_null(node)) {
        return OK;
    }
    if (node->kind != YAML_MAPPING) {
        return say(compiler, node, "a correlation's condition is a map: gte: 10");
    }
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        struct str key = item->key->text;
        enum err err = OK;
        size_t how = 0;
        while (how < BOUND_HOW_COUNT && !str_equal(key, str_from(bounds[how]))) {
            how++;
        }
        if (how < BOUND_HOW_COUNT) { /* keys stand once (codec/yaml.h): BOUNDS_MAX suffice */
            struct bound *bound = &correlation->bounds[correlation->bounds_count++];
            bound->how = (enum bound_how)how;
            err = number_read(compiler, item, &bound->number);
        } else if (str_equal(key, STR("field"))) {
            err = texts_read(compiler, item, FIELDS_MAX, "field names one field or several",
                             &draft->fields, &correlation->fields_count);
        } else if (str_equal(key, STR("percentile"))) {
            err = number_read(compiler, item, &correlation->percentile);
            if (err == OK && (correlation->percentile < 0 ||
                              correlation->percentile > (int64_t)100 * MILLIONTHS)) {
                err = say(compiler, item, "a percentile is a number from 0 to 100");
            }
        } else {
            err = why_say_at(compiler->why, ERR_SYNTAX, item->line, item->column,
                             "a condition has gt, gte, lt, lte, eq, neq, field or percentile, not "
                             "'%.*s'",
                             STR_ARG(key));
        }
        if (err != OK) {
            return err;
        }
    }
    return OK;
}

static enum err season_read(struct compiler *compiler, const struct yaml_node *node, int64_t *ret)
{
    static const char *const seasons[] = {"day", "week", "none"};
    for (size_t i = 0; node != NULL && i < sizeof seasons / sizeof seasons[0]; i++) {
        if (str_equal(node->text, str_from(seasons[i]))) {
            *ret = (int64_t)i;
            return OK;
        }
    }
    return node == NULL ? OK : say(compiler, node, "the season is day, week or none");
}

static enum err count_read(struct compiler *compiler, const struct yaml_node *node, int64_t *ret)
{
    int64_t number;
    enum err err = node == NULL ? OK : yaml_int(node, &number);
    if (err == OK && node != NULL) {
        *ret = number;
    }
    return err == OK && *ret >= 0 ? OK : say(compiler, node, "this must be a count");
}

/* The keys of our own types stand beside timespan: learn, at-most, at-least, bucket, … */
static enum err baseline_read(struct compiler *compiler, const struct yaml_node *node,
                              struct correlation *correlation)
{
    const struct yaml_node *learn = yaml_get(node, STR("learn"));
    const struct yaml_node *bucket = yaml_get(node, STR("bucket"));
    const struct yaml_node *factor = yaml_get(node, STR("factor"));
    const struct yaml_node *deviations = yaml_get(node, STR("deviations"));
    enum err err = OK;
    if (correlation->type < BASELINE_FIRST_SEEN) {
        return OK;
    }
    correlation->at_most = 1;
    correlation->at_least = correlation->type == BASELINE_RATE ? 10 : 100;
    err = learn != NULL ? span_read(compiler, learn, &correlation->learn) : err;
    if (err == OK && bucket != NULL) {
        err = span_read(compiler, bucket, &correlation->bucket);
    }
    if (err == OK && factor != NULL) {
        err = number_read(compiler, factor, &correlation->factor);
    }
    if (err == OK && deviations != NULL) {
        err = number_read(compiler, deviations, &correlation->deviations);
    }
    if (err == OK) {
        err = count_read(compiler, yaml_get(node, STR("at-most")), &correlation->at_most);
    }
    if (err == OK) {
        err = count_read(compiler, yaml_get(node, STR("at-least")), &correlation->at_least);
    }
    return err == OK ? season_read(compiler, yaml_get(node, STR("season")), &correlation->season)
                     : err;
}

/* What only hinomi_rate needs. */
static enum err rate_check(struct compiler *compiler, const struct yaml_node *node,
                           const struct correlation *correlation)
{
    int64_t season = correlation->season == SEASON_WEEK ? 604800 : 86400;
    if (correlation->bucket == 0 || (correlation->factor <= 0 && correlation->deviations <= 0)) {
        return say(compiler, node, "hinomi_rate needs a bucket, and factor or deviations");
    }
    if (correlation->season != SEASON_NONE && (season * NS_PER_SECOND) % correlation->bucket != 0) {
        return say(compiler, node, "the bucket must divide its season, a day or a week");
    }
    if (correlation->timespan / correlation->bucket > RATE_BUCKETS_MAX) {
        return why_say(compiler->why, ERR_LIMIT, node->line, "more than %d buckets in the timespan",
                       RATE_BUCKETS_MAX);
    }
    return OK;
}

static enum err sense_check(struct compiler *compiler, const struct yaml_node *node,
                            const struct correlation_draft *draft)
{
    const struct correlation *correlation = draft->correlation;
    enum correlation_type type = correlation->type;
    bool temporal = type == CORRELATION_TEMPORAL || type == CORRELATION_TEMPORAL_ORDERED;
    bool valued = !temporal && type != CORRELATION_EVENT_COUNT && type != BASELINE_RATE;
    if (!temporal && type < BASELINE_FIRST_SEEN && correlation->bounds_count == 0) {
        return say(compiler, node, "this type needs a condition: gte: 10");
    }
    if (type >= BASELINE_FIRST_SEEN && correlation->bounds_count > 0) {
        return say(compiler, node, "a baseline has no comparisons in its condition");
    }
    if (valued != (correlation->fields_count > 0)) {
        return say(compiler, node,
                   valued ? "this type needs a field in its condition"
                          : "this type counts events; it has no field in its condition");
    }
    if (correlation->fields_count > 1 && type >= CORRELATION_VALUE_SUM &&
        type <= CORRELATION_VALUE_PERCENTILE && correlation->percentile != PERCENTILE_NONE) {
        return say(compiler, node, "numbers come from one field");
    }
    if (correlation->fields_count > 1 &&
        (type == CORRELATION_VALUE_SUM || type == CORRELATION_VALUE_AVG)) {
        return say(compiler, node, "numbers come from one field");
    }
    if (type == CORRELATION_TEMPORAL_ORDERED && correlation->rules_count > ORDERED_MAX) {
        return why_say(compiler->why, ERR_LIMIT, node->line, "more than %d rules in order",
                       ORDERED_MAX);
    }
    for (size_t i = 0; i < correlation->bounds_count; i++) {
        if (type == CORRELATION_VALUE_COUNT &&
            correlation->bounds[i].number > (int64_t)DISTINCT_MAX * MILLIONTHS) {
            return why_say(compiler->why, ERR_LIMIT, node->line,
                           "more than %d different values are not counted", DISTINCT_MAX);
        }
    }
    return type == BASELINE_RATE ? rate_check(compiler, node, correlation) : OK;
}
