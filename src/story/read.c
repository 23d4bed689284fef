/*
 * Reading a story.  Every key is known or refused, with a suggestion; every name that a line uses
 * leads somewhere; what is left out has a default that README.md tells.
 *
 * Always true of a story that was read: it has a device and a phase at least; every phase has a
 * line, a rhythm and an end; weights add up to `weights`.  `expects` is checked for its shape and
 * left to whoever tests.
 */

#include "codec/yaml.h"
#include "story/private.h"

#define DAY_NS (24 * 3600 * NS_PER_SECOND)

struct reading {
    struct arena *mem;
    struct story *story;
    struct why *why;
};

static enum err keys_check(struct reading *reading, const struct yaml_node *node,
                           const char *const *known);
static enum err lists_read(struct reading *reading, const struct yaml_node *node);
static enum err devices_read(struct reading *reading, const struct yaml_node *node);
static enum err phases_read(struct reading *reading, const struct yaml_node *node);
static enum err expects_check(struct reading *reading, const struct yaml_node *node);
static enum err words_read(struct reading *reading, const struct yaml_node *node);
static enum err zone_read(struct reading *reading, const struct yaml_node *node);

/* ---- What many parts need. */

static enum err refuse(struct reading *reading, const struct yaml_node *node, const char *what)
{
    return why_say_at(reading->why, ERR_SYNTAX, node != NULL ? node->line : 1,
                      node != NULL ? node->column : 1, "%s", what);
}

static bool is_text(const struct yaml_node *node)
{
    return node != NULL && node->kind == YAML_SCALAR;
}

static struct str text_of(const struct yaml_node *node, const char *key)
{
    const struct yaml_node *value = yaml_get(node, str_from(key));
    return is_text(value) ? value->text : (struct str){0};
}

static enum err number_read(struct reading *reading, const struct yaml_node *node, uint64_t max,
                            uint64_t *ret)
{
    if (node == NULL) {
        return OK;
    }
    return is_text(node) && str_to_u64(node->text, max, ret) == OK
               ? OK
               : why_say_at(reading->why, ERR_SYNTAX, node->line, node->column,
                            "a whole number up to %llu stands here", (unsigned long long)max);
}

/* "90s", "15m", "2h30m", up to 31 days. */
static enum err duration_read(struct reading *reading, const struct yaml_node *node, int64_t *ret)
{
    if (node == NULL) {
        return OK;
    }
    struct str rest = is_text(node) ? node->text : (struct str){0};
    int64_t sum = 0;
    bool fits = rest.size > 0;
    while (rest.size > 0 && fits) {
        size_t digits = 0;
        while (digits < rest.size && rest.data[digits] >= '0' && rest.data[digits] <= '9') {
            digits++;
        }
        uint64_t number;
        struct str unit = str_slice(rest, digits, 1);
        bool milli = str_starts(str_slice(rest, digits, 2), STR("ms"));
        int64_t ns = milli                       ? NS_PER_MS
                     : str_equal(unit, STR("s")) ? NS_PER_SECOND
                     : str_equal(unit, STR("m")) ? 60 * NS_PER_SECOND
                     : str_equal(unit, STR("h")) ? 3600 * NS_PER_SECOND
                     : str_equal(unit, STR("d")) ? DAY_NS
                                                 : 0;
        fits = ns > 0 && str_to_u64(str_slice(rest, 0, digits), 1000000, &number) == OK &&
               (int64_t)number <= (31 * DAY_NS - sum) / ns;
        sum += fits ? (int64_t)number * ns : 0;
        rest = str_slice(rest, digits + (milli ? 2 : 1), SIZE_MAX);
    }
    if (!fits) {
        return refuse(reading, node, "a duration is written as 90s, 15m or 2h30m, up to 31d");
    }
    *ret = sum;
    return OK;
}

static enum err choice_read(struct reading *reading, const struct yaml_node *node,
                            const char *const *choices, int *ret)
{
    for (int i = 0; is_text(node) && choices[i] != NULL; i++) {
        if (str_equal(node->text, str_from(choices[i]))) {
            *ret = i;
            return OK;
        }
    }
    return why_say_at(reading->why, ERR_SYNTAX, node != NULL ? node->line : 1,
                      node != NULL ? node->column : 1, "one of %s, %s, %s%s%s stands here",
                      choices[0], choices[1], choices[2], choices[3] != NULL ? ", " : "",
                      choices[3] != NULL ? choices[3] : "");
}

static enum err keys_check(struct reading *reading, const struct yaml_node *node,
                           const char *const *known)
{
    if (node->kind != YAML_MAPPING) {
        return refuse(reading, node, "keys with values stand here");
    }
    for (const struct yaml_node *value = node->first; value != NULL; value = value->next) {
        size_t i = 0;
        while (known[i] != NULL && !str_equal(value->key->text, str_from(known[i]))) {
            i++;
        }
        if (known[i] == NULL) {
            const char *near = yaml_suggest(value->key->text, known);
            return why_say_at(reading->why, ERR_SYNTAX, value->key->line, value->key->column,
                              "unknown key '%.*s'%s%s%s",
                              STR_ARG(str_slice(value->key->text, 0, 60)),
                              near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                              near != NULL ? "'?" : "");
        }
    }
    return OK;
}

static enum err sequence_check(struct reading *reading, const struct yaml_node *node, size_t max)
{
    if (node == NULL || node->kind != YAML_SEQUENCE || node->count == 0 || node->count > max) {
        return why_say_at(reading->why, ERR_SYNTAX, node != NULL ? node->line : 1,
                          node != NULL ? node->column : 1, "a list of 1 to %zu items stands here",
                          max);
    }
    return OK;
}

/* ---- The whole. */

enum err story_parse(struct str text, struct arena *mem, const struct story **ret, struct why *why)
{
    static const char *const known[] = {"name",    "shows",  "seed",    "zone", "lists",
                                        "devices", "phases", "expects", NULL};
    struct yaml_node *root = NULL;
    struct reading reading = {.mem = mem, .story = ARENA_ONE(mem, struct story), .why = why};
    enum err err = reading.story == NULL ? ERR_MEMORY : yaml_parse(text, mem, &root, why);
    if (err != OK) {
        return err;
    }
    if (root == NULL || root->kind != YAML_MAPPING || root->next != NULL) {
        return refuse(&reading, root, "a story is one document of keys with values");
    }
    reading.story->seed = 1;
    err = keys_check(&reading, root, known);
    err = err == OK ? words_read(&reading, yaml_get(root, STR("name"))) : err;
    err = err == OK
              ? number_read(&reading, yaml_get(root, STR("seed")), UINT32_MAX, &reading.story->seed)
              : err;
    err = err == OK ? zone_read(&reading, yaml_get(root, STR("zone"))) : err;
    err = err == OK ? lists_read(&reading, yaml_get(root, STR("lists"))) : err;
    err = err == OK ? devices_read(&reading, yaml_get(root, STR("devices"))) : err;
    err = err == OK ? phases_read(&reading, yaml_get(root, STR("phases"))) : err;
    err = err == OK ? expects_check(&reading, yaml_get(root, STR("expects"))) : err;
    if (err == OK) {
        *ret = reading.story;
    }
    return err;
}

struct str story_name(const struct story *story, struct str language)
{
    return str_equal(language, STR("ja")) ? story->name_ja : story->name_en;
}

uint64_t story_seed(const struct story *story)
{
    return story->seed;
}

size_t story_devices(const struct story *story)
{
    return story->devices_count;
}

const struct story_device *story_device(const struct story *story, size_t index)
{
    return &story->devices[index];
}

static enum err words_read(struct reading *reading, const struct yaml_node *node)
{
    if (node != NULL) {
        reading->story->name_ja = text_of(node, "ja");
        reading->story->name_en = text_of(node, "en");
    }
    return OK;
}

static enum err zone_read(struct reading *reading, const struct yaml_node *node)
{
    uint64_t hours;
    uint64_t minutes;
    if (node == NULL) {
        return OK;
    }
    struct str text = is_text(node) ? node->text : (struct str){0};
    if (text.size != 6 || (text.data[0] != '+' && text.data[0] != '-') || text.data[3] != ':' ||
        str_to_u64(str_slice(text, 1, 2), 14, &hours) != OK ||
        str_to_u64(str_slice(text, 4, 2), 59, &minutes) != OK) {
        return refuse(reading, node, "a zone is written as \"+09:00\", in quotes");
    }
    int64_t ns = (int64_t)(hours * 3600 + minutes * 60) * NS_PER_SECOND;
    reading->story->zone_ns = text.data[0] == '-' ? -ns : ns;
    return OK;
}

/* ---- Lists. */

static enum err range_read(struct reading *reading, const struct yaml_node *node, struct list *ret)
{
    static const char *const known[] = {"from", "to", "before", "after", NULL};
    uint64_t from = 0;
    uint64_t to = 0;
    enum err err = keys_check(reading, node, known);
    err = err == OK ? number_read(reading, yaml_get(node, STR("from")), UINT32_MAX, &from) : err;
    err = err == OK ? number_read(reading, yaml_get(node, STR("to")), UINT32_MAX, &to) : err;
    if (err == OK && (from > to || to - from >= LIST_ITEMS_MAX)) {
        err = refuse(reading, node, "a range goes upwards and has at most 4096 items");
    }
    if (err != OK) {
        return err;
    }
    ret->count = (size_t)(to - from + 1);
    ret->items = ARENA_ARRAY(reading->mem, struct str, ret->count);
    for (size_t i = 0; ret->items != NULL && i < ret->count && err == OK; i++) {
        err = arena_print(reading->mem, &ret->items[i], "%.*s%llu%.*s",
                          STR_ARG(text_of(node, "before")), (unsigned long long)(from + i),
                          STR_ARG(text_of(node, "after")));
    }
    return ret->items == NULL ? ERR_MEMORY : err;
}

static enum err list_read(struct reading *reading, const struct yaml_node *node, struct list *ret)
{
    ret->name = node->key->text;
    if (node->kind == YAML_MAPPING) {
        return range_read(reading, node, ret);
    }
    enum err err = sequence_check(reading, node, LIST_ITEMS_MAX);
    if (err != OK) {
        return err;
    }
    ret->items = ARENA_ARRAY(reading->mem, struct str, node->count);
    if (ret->items == NULL) {
        return ERR_MEMORY;
    }
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        if (!is_text(item)) {
            return refuse(reading, item, "a list has texts");
        }
        ret->items[ret->count++] = item->text;
    }
    return OK;
}

static enum err lists_read(struct reading *reading, const struct yaml_node *node)
{
    struct lists *lists = &reading->story->lists;
    if (node == NULL) {
        return OK;
    }
    if (node->kind != YAML_MAPPING || node->count > LISTS_MAX) {
        return refuse(reading, node, "lists have names; there are at most 64");
    }
    lists->list = ARENA_ARRAY(reading->mem, struct list, node->count);
    enum err err = lists->list == NULL ? ERR_MEMORY : OK;
    for (const struct yaml_node *item = node->first; item != NULL && err == OK; item = item->next) {
        err = list_read(reading, item, &lists->list[lists->count++]);
    }
    return err;
}

/* ---- Devices. */

static enum err device_read(struct reading *reading, const struct yaml_node *node,
                            struct story_device *ret)
{
    static const char *const known[] = {"slug",  "how",  "format",  "address",  "listener",
                                        "token", "host", "program", "priority", NULL};
    static const char *const hows[] = {"syslog-udp", "syslog-tcp", "http", NULL};
    static const char *const formats[] = {"rfc3164", "rfc5424", "raw", "json", NULL};
    int how = 0;
    int format = 0;
    uint64_t priority = 134;
    enum err err = keys_check(reading, node, known);
    err = err == OK ? choice_read(reading, yaml_get(node, STR("how")), hows, &how) : err;
    err = err == OK ? choice_read(reading, yaml_get(node, STR("format")), formats, &format) : err;
    err = err == OK ? number_read(reading, yaml_get(node, STR("priority")), 191, &priority) : err;
    if (err != OK) {
        return err;
    }
    *ret = (struct story_device){
        .slug = text_of(node, "slug"),
        .how = (enum story_how)how,
        .format = (enum story_format)format,
        .address = text_of(node, "address"),
        .token = text_of(node, "token"),
        .host = text_of(node, "host"),
        .program = text_of(node, "program"),
        .priority = (uint32_t)priority,
    };
    bool header = format == STORY_RFC3164 || format == STORY_RFC5424;
    if (!str_is_slug(ret->slug)) {
        return refuse(reading, node, "a device has a 'slug' of a-z, 0-9 and '-'");
    }
    if (header && (ret->host.size == 0 || ret->program.size == 0)) {
        return refuse(reading, node, "a device that writes syslog has a 'host' and a 'program'");
    }
    return OK;
}

static enum err devices_read(struct reading *reading, const struct yaml_node *node)
{
    struct story *story = reading->story;
    enum err err = sequence_check(reading, node, DEVICES_MAX);
    if (err != OK) {
        return err;
    }
    story->devices = ARENA_ARRAY(reading->mem, struct story_device, node->count);
    err = story->devices == NULL ? ERR_MEMORY : OK;
    for (const struct yaml_node *item = node->first; item != NULL && err == OK; item = item->next) {
        err = device_read(reading, item, &story->devices[story->devices_count++]);
    }
    return err;
}

/* ---- Phases. */

static bool is_number(struct str text)
{
    bool fits = text.size > 0;
    for (size_t i = 0; i < text.size; i++) {
        bool digit = text.data[i] >= '0' && text.data[i] <= '9';
        fits = fits && (digit || (text.data[i] == '-' && i == 0 && text.size > 1));
    }
    return fits && (text.size == 1 || text.data[0] != '0');
}

static enum err fields_read(struct reading *reading, const struct yaml_node *line, struct line *ret)
{
    const struct yaml_node *node = yaml_get(line, STR("fields"));
    if (node == NULL || node->kind != YAML_MAPPING || node->count > FIELDS_MAX) {
        return refuse(reading, line,
                      "a line of a device that writes json has 'fields', at most 32");
    }
    ret->fields = ARENA_ARRAY(reading->mem, struct field, node->count);
    enum err err = ret->fields == NULL ? ERR_MEMORY : OK;
    for (const struct yaml_node *item = node->first; item != NULL && err == OK; item = item->next) {
        struct field *field = &ret->fields[ret->fields_count++];
        field->number = is_text(item) && item->plain && is_number(item->text);
        err = arena_copy(reading->mem, item->key->text, &field->name);
        err = err == OK ? text_parse(item, &reading->story->lists, reading->mem, &field->text,
                                     reading->why)
                        : err;
    }
    return err;
}

static enum err line_read(struct reading *reading, const struct yaml_node *node, struct line *ret)
{
    static const char *const known[] = {"device", "text", "fields", "weight", NULL};
    const struct story *story = reading->story;
    struct str device = text_of(node, "device");
    enum err err = keys_check(reading, node, known);
    ret->weight = 1;
    err = err == OK ? number_read(reading, yaml_get(node, STR("weight")), 1000000, &ret->weight)
                    : err;
    if (err != OK) {
        return err;
    }
    while (ret->device < story->devices_count &&
           !str_equal(story->devices[ret->device].slug, device)) {
        ret->device++;
    }
    if (ret->device == story->devices_count) {
        return refuse(reading, node, "a line has a 'device', one of 'devices'");
    }
    if (story->devices[ret->device].format == STORY_JSON) {
        return fields_read(reading, node, ret);
    }
    const struct yaml_node *text = yaml_get(node, STR("text"));
    return text == NULL ? refuse(reading, node, "a line has a 'text'")
                        : text_parse(text, &story->lists, reading->mem, &ret->text, reading->why);
}

static enum err lines_read(struct reading *reading, const struct yaml_node *node, struct phase *ret)
{
    enum err err = sequence_check(reading, node, LINES_MAX);
    if (err != OK) {
        return err;
    }
    ret->lines = ARENA_ARRAY(reading->mem, struct line, node->count);
    err = ret->lines == NULL ? ERR_MEMORY : OK;
    for (const struct yaml_node *item = node->first; item != NULL && err == OK; item = item->next) {
        err = line_read(reading, item, &ret->lines[ret->lines_count]);
        ret->weights += ret->lines[ret->lines_count++].weight;
    }
    return err == OK && ret->weights == 0 ? refuse(reading, node, "all weights are 0") : err;
}

static enum err rates_read(struct reading *reading, const struct yaml_node *node, struct phase *ret)
{
    uint64_t sum = 0;
    size_t hour = 0;
    if (is_text(node)) {
        enum err err = number_read(reading, node, 3600000, &sum);
        for (hour = 0; hour < 24; hour++) {
            ret->per_hour[hour] = sum;
        }
        return err == OK && sum == 0 ? refuse(reading, node, "one line an hour at least") : err;
    }
    if (node->kind != YAML_SEQUENCE || node->count != 24) {
        return refuse(reading, node, "per_hour is one number, or 24 from midnight on");
    }
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next, hour++) {
        enum err err = number_read(reading, item, 3600000, &ret->per_hour[hour]);
        if (err != OK) {
            return err;
        }
        sum += ret->per_hour[hour];
    }
    return sum == 0 ? refuse(reading, node, "no hour has a line") : OK;
}

static enum err phase_read(struct reading *reading, const struct yaml_node *node, struct phase *ret)
{
    static const char *const known[] = {"slug",  "at",       "lasts", "every",
                                        "times", "per_hour", "lines", NULL};
    const struct yaml_node *every = yaml_get(node, STR("every"));
    const struct yaml_node *rates = yaml_get(node, STR("per_hour"));
    enum err err = keys_check(reading, node, known);
    if (err == OK && every != NULL && rates != NULL) {
        err = refuse(reading, rates, "a phase has either 'every' or 'per_hour'");
    }
    err = err == OK ? duration_read(reading, yaml_get(node, STR("at")), &ret->at_ns) : err;
    err = err == OK ? duration_read(reading, yaml_get(node, STR("lasts")), &ret->lasts_ns) : err;
    err = err == OK ? duration_read(reading, every, &ret->every_ns) : err;
    err =
        err == OK ? number_read(reading, yaml_get(node, STR("times")), 1000000, &ret->times) : err;
    err = err == OK && rates != NULL ? rates_read(reading, rates, ret) : err;
    err = err == OK ? lines_read(reading, yaml_get(node, STR("lines")), ret) : err;
    if (err != OK) {
        return err;
    }
    if (rates == NULL && ret->every_ns == 0) {
        ret->every_ns = NS_PER_SECOND;
    }
    if (ret->lasts_ns == 0 && ret->times == 0) {
        ret->times = ret->lines_count;
    }
    return OK;
}

static enum err phases_read(struct reading *reading, const struct yaml_node *node)
{
    struct story *story = reading->story;
    enum err err = sequence_check(reading, node, PHASES_MAX);
    if (err != OK) {
        return err;
    }
    story->phases = ARENA_ARRAY(reading->mem, struct phase, node->count);
    err = story->phases == NULL ? ERR_MEMORY : OK;
    for (const struct yaml_node *item = node->first; item != NULL && err == OK; item = item->next) {
        err = phase_read(reading, item, &story->phases[story->phases_count++]);
    }
    return err;
}

static enum err expects_check(struct reading *reading, const struct yaml_node *node)
{
    static const char *const known[] = {"client", "type", "severity", NULL};
    enum err err = OK;
    if (node == NULL) {
        return OK;
    }
    if (node->kind != YAML_SEQUENCE) {
        return refuse(reading, node, "expects is a list");
    }
    for (const struct yaml_node *item = node->first; item != NULL && err == OK; item = item->next) {
        err = keys_check(reading, item, known);
        for (size_t i = 0; known[i] != NULL && err == OK; i++) {
            if (text_of(item, known[i]).size == 0) {
                err = refuse(reading, item, "an expectation has client, type and severity");
            }
        }
    }
    return err;
}
