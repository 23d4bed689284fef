/*
 * Which log source an event belongs to: its class.
 *
 * A parser that knows says so.  Of an event that came as fields alone (JSON, CSV, event XML), the
 * fields tell; mapping/ says how.  What tells is a few *keys*, each a value that shippers give
 * under several names (winlog.channel, Event.System.Channel, Channel).
 *
 *     batch: names ──► keys ──► sources that could hold at all     once for each table of names
 *     event: spans ──► values of the keys ──► the first source that holds ──► class
 *
 * Windows goes a shorter way: the channel says the service, channel and event id the category, and
 * for the registry the kind of event too.
 *
 * Some sources say more of what a parser knew roughly (a line of syslog, by its program).  Which of
 * them could is found once for each class in a table of names.
 *
 * Always true: an event costs one look at each of its spans and one at each source that its batch
 * could hold, whatever its names are.  The answer depends on the event alone, never on those before
 * it.  Where a key has several values, the first counts; null is none.
 */

#include "detect/mapping.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"

#define SOURCES_COUNT_MAX 512 /* rows of the mapping; checked when the memory is made */
#define KEY_UNKNOWN       UINT8_MAX
#define REFINING_MAX      16 /* classes of one table of names whose sources are remembered */

/* Where the cases of a source begin whose texts begin with a byte, or with a later one. */
struct firsts {
    uint16_t from[257];
};

/* The sources that may say more of events of a class: their tests of the class hold. */
struct refining {
    uint64_t wants[MAPPING_WORDS]; /* the keys that they look at */
    uint16_t rows[SOURCES_COUNT_MAX];
    size_t count;
};

struct logsources {
    struct firsts *firsts; /* by source */
    char *leads;           /* by test: what all that it looks for begins with; 0 without */
    struct buf names;      /* the table of names that the rest is resolved for */
    bool resolved;
    bool any; /* some name gives a key a value */
    uint64_t have[MAPPING_WORDS];
    uint8_t keys[NAMES_PER_BATCH_MAX];
    uint16_t plain[SOURCES_COUNT_MAX]; /* sources that could hold, in their order */
    uint16_t refining[SOURCES_COUNT_MAX];
    size_t plain_count, refining_count;
    struct refining refinings[REFINING_MAX];
    size_t refinings_count;
    uint8_t refining_of[NAMES_PER_BATCH_MAX]; /* of a class: index plus 1; 0: not looked for yet */
};

/* The values that an event gives the keys. */
struct facts {
    const struct event *event;
    uint64_t have[MAPPING_WORDS];
    uint16_t spans[KEY_COUNT];
};

static struct str sources_decide(const struct logsources *logsources, const uint16_t *rows,
                                 size_t count, const struct facts *facts);
static bool windows_decide(const struct facts *facts, struct str *ret);

static bool part_fits(struct str wanted, struct str part)
{
    while (wanted.size > 0 && part.size > 0) {
        if (str_equal_nocase(wanted, str_cut(&part, '|'))) {
            return true;
        }
    }
    return wanted.size == 0;
}

bool class_fits(struct logsource wanted, struct str class)
{
    struct str category = str_cut(&class, '/');
    struct str product = str_cut(&class, '/');
    return part_fits(wanted.category, category) && part_fits(wanted.product, product) &&
           part_fits(wanted.service, class);
}

/* The cases stand in the order of their texts. */
static void firsts_make(const struct mapping_source *source, struct firsts *ret)
{
    const struct mapping_case *cases = &mapping_cases[source->cases_first];
    uint16_t at = 0;
    for (unsigned byte = 0; byte < 256; byte++) {
        while (at < source->cases_count && (unsigned char)cases[at].text.data[0] < byte) {
            at++;
        }
        ret->from[byte] = at;
    }
    ret->from[256] = source->cases_count;
}

/* The values of a test often begin alike ("%SYS-", "%LINK-"), and most lines hold no such byte: one
 * look answers for them all. */
static char lead_of(const struct mapping_test *test)
{
    const struct mapping_value *values = &mapping_values[test->first];
    for (size_t i = 0; i < test->count; i++) {
        if (values[i].how != MAPPING_HOLDS || values[i].text.data[0] != values[0].text.data[0]) {
            return 0;
        }
    }
    return values[0].text.data[0];
}

enum err logsources_new(struct logsources **ret)
{
    if (mapping_sources_count > SOURCES_COUNT_MAX) {
        return ERR_LIMIT;
    }
    struct logsources *logsources = calloc(1, sizeof *logsources);
    struct firsts *firsts = calloc(mapping_sources_count, sizeof *firsts);
    char *leads = malloc(mapping_tests_count);
    if (logsources == NULL || firsts == NULL || leads == NULL) {
        free(logsources);
        free(firsts);
        free(leads);
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < mapping_tests_count; i++) {
        leads[i] = lead_of(&mapping_tests[i]);
    }
    for (size_t i = 0; i < mapping_sources_count; i++) {
        firsts_make(&mapping_sources[i], &firsts[i]);
    }
    logsources->firsts = firsts;
    logsources->leads = leads;
    buf_init(&logsources->names, BATCH_SIZE_MAX);
    *ret = logsources;
    return OK;
}

void logsources_free(struct logsources *logsources)
{
    if (logsources != NULL) {
        buf_done(&logsources->names);
        free(logsources->firsts);
        free(logsources->leads);
        free(logsources);
    }
}

static bool key_have(const uint64_t have[MAPPING_WORDS], uint8_t key)
{
    return (have[key / 64] >> (key % 64) & 1) != 0;
}

static void key_set(uint64_t have[MAPPING_WORDS], uint8_t key)
{
    have[key / 64] |= UINT64_C(1) << (key % 64);
}

static bool keys_hold(const uint64_t have[MAPPING_WORDS], const uint64_t needs[MAPPING_WORDS])
{
    bool hold = true;
    for (size_t i = 0; i < MAPPING_WORDS; i++) {
        hold = hold && (have[i] & needs[i]) == needs[i];
    }
    return hold;
}

static uint8_t key_find(struct str name)
{
    size_t from = 0;
    size_t to = mapping_names_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = str_compare(mapping_names[middle].name, name);
        if (order == 0) {
            return mapping_names[middle].key;
        }
        from = order < 0 ? middle + 1 : from;
        to = order < 0 ? to : middle;
    }
    return KEY_UNKNOWN;
}

enum err logsources_batch(struct logsources *logsources, const struct batch *batch)
{
    const char *from = batch->span_table + (size_t)batch->spans * BATCH_SPAN_SIZE;
    struct str table = str_of(from, (size_t)(batch->text.data - from));
    if (logsources->resolved && str_equal(table, buf_str(&logsources->names))) {
        return OK;
    }
    logsources->resolved = false;
    buf_reset(&logsources->names);
    enum err err = buf_append(&logsources->names, table);
    if (err != OK) {
        return err;
    }
    memset(logsources->have, 0, sizeof logsources->have);
    memset(logsources->refining_of, 0, batch->names);
    logsources->refinings_count = 0;
    for (uint32_t i = 0; i < batch->names; i++) {
        logsources->keys[i] = key_find(batch->name_table[i]);
        if (logsources->keys[i] != KEY_UNKNOWN) {
            key_set(logsources->have, logsources->keys[i]);
        }
    }
    uint64_t have[MAPPING_WORDS];
    memcpy(have, logsources->have, sizeof have);
    logsources->any = have[0] != 0 || have[1] != 0;
    key_set(have, KEY_CLASS);
    logsources->plain_count = 0;
    logsources->refining_count = 0;
    for (size_t i = 0; i < mapping_sources_count; i++) {
        if (!keys_hold(have, mapping_sources[i].needs)) {
            continue;
        }
        if (mapping_sources[i].refines) {
            logsources->refining[logsources->refining_count++] = (uint16_t)i;
        } else {
            logsources->plain[logsources->plain_count++] = (uint16_t)i;
        }
    }
    logsources->resolved = true;
    return OK;
}

static bool value_holds(const struct mapping_value *value, struct str text)
{
    size_t size = value->text.size;
    if (value->how == MAPPING_HOLDS) {
        return str_find(str_slice(text, 0, MAPPING_HEAD_MAX), value->text) != STR_NONE;
    }
    if (text.size < size || (value->how == MAPPING_EQUALS && text.size != size)) {
        return false;
    }
    size_t from = value->how == MAPPING_ENDS ? text.size - size : 0;
    return str_equal_nocase(value->text, str_slice(text, from, size));
}

static bool text_holds(const struct mapping_test *test, struct str text)
{
    bool holds = false;
    for (size_t i = test->first; i < (size_t)test->first + test->count && !holds; i++) {
        holds = value_holds(&mapping_values[i], text);
    }
    return holds;
}

static bool class_holds(const struct mapping_source *source, struct str class)
{
    bool holds = true;
    for (size_t i = 0; i < source->tests_count && holds; i++) {
        const struct mapping_test *test = &mapping_tests[source->tests_first + i];
        holds = test->key != KEY_CLASS || text_holds(test, class);
    }
    return holds;
}

static void refining_make(const struct logsources *logsources, struct str class,
                          struct refining *ret)
{
    ret->count = 0;
    memset(ret->wants, 0, sizeof ret->wants);
    for (size_t i = 0; i < logsources->refining_count; i++) {
        const struct mapping_source *source = &mapping_sources[logsources->refining[i]];
        if (class_holds(source, class)) {
            ret->rows[ret->count++] = logsources->refining[i];
            for (size_t word = 0; word < MAPPING_WORDS; word++) {
                ret->wants[word] |= source->needs[word];
            }
        }
    }
    ret->wants[KEY_CLASS / 64] &= ~(UINT64_C(1) << (KEY_CLASS % 64));
}

static const struct refining *refining_of(struct logsources *logsources, const struct event *event)
{
    const char *row = event->batch->event_table + (size_t)event->index * BATCH_EVENT_SIZE;
    uint8_t *known = &logsources->refining_of[get_u16(row + 30)];
    if (*known == 0) {
        struct refining *refining = &logsources->refinings[logsources->refinings_count];
        refining_make(logsources, event->class, refining);
        if (logsources->refinings_count == REFINING_MAX - 1) {
            return refining; /* the last one is made anew each time */
        }
        *known = (uint8_t)++logsources->refinings_count;
    }
    return &logsources->refinings[*known - 1];
}

/* Straight over the table of spans, until all that is wanted is found: this is done for every
 * event. */
static void facts_gather(const struct logsources *logsources, const struct event *event,
                         const uint64_t wants[MAPPING_WORDS], struct facts *ret)
{
    const char *at = event->batch->span_table + (size_t)event->span_first * BATCH_SPAN_SIZE;
    ret->event = event;
    memset(ret->have, 0, sizeof ret->have);
    for (uint32_t i = 0; i < event->spans; i++, at += BATCH_SPAN_SIZE) {
        uint8_t key = logsources->keys[get_u16(at + 8)];
        if (key == KEY_UNKNOWN || key_have(ret->have, key) ||
            (unsigned char)at[10] == SPAN_JSON_NULL) {
            continue;
        }
        key_set(ret->have, key);
        ret->spans[key] = (uint16_t)i;
        if (keys_hold(ret->have, wants)) {
            break;
        }
    }
}

struct str logsource_decide(struct logsources *logsources, const struct event *event)
{
    struct facts facts;
    struct str class = event->class;
    bool known = class.size > 0;
    if (known ? logsources->refining_count == 0 : !logsources->any) {
        return class;
    }
    if (known) {
        const struct refining *refining = refining_of(logsources, event);
        if (refining->count == 0) {
            return class;
        }
        facts_gather(logsources, event, refining->wants, &facts);
        key_set(facts.have, KEY_CLASS);
        struct str refined = sources_decide(logsources, refining->rows, refining->count, &facts);
        return refined.size > 0 ? refined : class;
    }
    facts_gather(logsources, event, logsources->have, &facts);
    if (windows_decide(&facts, &class)) {
        return class;
    }
    return sources_decide(logsources, logsources->plain, logsources->plain_count, &facts);
}

static bool fact_get(const struct facts *facts, uint8_t key, struct str *ret)
{
    struct span span;
    if (!key_have(facts->have, key)) {
        return false;
    }
    if (key == KEY_CLASS) {
        *ret = facts->event->class;
        return true;
    }
    event_span(facts->event, facts->spans[key], &span);
    *ret = span.bytes;
    return true;
}

/* In lower case, with JSON's needless escape of the slash undone; empty if it decides nothing. */
static struct str fact_lower(const struct facts *facts, uint8_t key, char text[MAPPING_TEXT_MAX])
{
    struct str value = {0};
    size_t size = 0;
    if (!fact_get(facts, key, &value) || value.size > MAPPING_TEXT_MAX) {
        return (struct str){0};
    }
    for (size_t i = 0; i < value.size; i++) {
        char byte = value.data[i];
        if (byte == '\\' && i + 1 < value.size && value.data[i + 1] == '/') {
            continue;
        }
        text[size++] = byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
    }
    return str_of(text, size);
}

/* The place of a text among `count` rows of `row_size` bytes, ascending by the text that each
 * begins with; `count` if it is not there. */
static size_t row_find(const void *rows, size_t row_size, size_t count, struct str text)
{
    size_t from = 0;
    size_t to = count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        struct str there;
        memcpy(&there, (const char *)rows + middle * row_size, sizeof there);
        int order = str_compare(there, text);
        if (order == 0) {
            return middle;
        }
        from = order < 0 ? middle + 1 : from;
        to = order < 0 ? to : middle;
    }
    return count;
}

static struct str channel_class(const struct mapping_channel *channel, const struct facts *facts)
{
    char text[MAPPING_TEXT_MAX];
    struct str number = {0};
    uint64_t id;
    if (!fact_get(facts, KEY_WINDOWS_ID, &number) || str_to_u64(number, UINT16_MAX, &id) != OK) {
        return channel->class;
    }
    const struct mapping_event *event = &mapping_events[channel->first];
    for (size_t i = 0; i < channel->count && event->id <= id; i++, event++) {
        if (event->id == id &&
            (event->kind.size == 0 ||
             str_equal(event->kind, fact_lower(facts, KEY_WINDOWS_KIND, text)))) {
            return event->class;
        }
    }
    return channel->class;
}

static bool windows_decide(const struct facts *facts, struct str *ret)
{
    char text[MAPPING_TEXT_MAX];
    size_t found;
    if (key_have(facts->have, KEY_WINDOWS_CHANNEL)) {
        found = row_find(mapping_channels, sizeof mapping_channels[0], mapping_channels_count,
                         fact_lower(facts, KEY_WINDOWS_CHANNEL, text));
        if (found < mapping_channels_count) {
            *ret = channel_class(&mapping_channels[found], facts);
            return true;
        }
        *ret = STR("/windows/");
        return key_have(facts->have, KEY_WINDOWS_ID);
    }
    if (!key_have(facts->have, KEY_WINDOWS_PROVIDER)) {
        return false;
    }
    found = row_find(mapping_providers, sizeof mapping_providers[0], mapping_providers_count,
                     fact_lower(facts, KEY_WINDOWS_PROVIDER, text));
    if (found < mapping_providers_count) {
        *ret = channel_class(&mapping_channels[mapping_providers[found].channel], facts);
        return true;
    }
    return false;
}

static bool test_holds(const struct logsources *logsources, size_t index, const struct facts *facts)
{
    const struct mapping_test *test = &mapping_tests[index];
    struct str text = {0};
    if (test->key == KEY_CLASS) {
        return true; /* or the source would not be among those of the class */
    }
    if (!fact_get(facts, test->key, &text)) {
        return false;
    }
    const char lead = logsources->leads[index];
    if (lead != 0) {
        const struct str head = str_slice(text, 0, MAPPING_HEAD_MAX);
        const size_t at = str_find_byte(head, lead);
        text = str_slice(head, at == STR_NONE ? head.size : at, head.size);
    }
    return text.size > 0 && text_holds(test, text);
}

/* What the source's cases say of a text; empty if it is none of them. */
static struct str case_class(const struct logsources *logsources, uint16_t row, struct str text)
{
    const struct mapping_case *cases = &mapping_cases[mapping_sources[row].cases_first];
    if (text.size == 0) {
        return (struct str){0};
    }
    const uint16_t *from = &logsources->firsts[row].from[(unsigned char)text.data[0]];
    const size_t count = (size_t)from[1] - from[0];
    const size_t found = row_find(cases + from[0], sizeof cases[0], count, text);
    return found < count ? cases[from[0] + found].class : (struct str)
    {
        0
    };
}

static struct str source_class(const struct logsources *logsources, uint16_t row,
                               const struct facts *facts)
{
    const struct mapping_source *source = &mapping_sources[row];
    char text[MAPPING_TEXT_MAX];
    if (!keys_hold(facts->have, source->needs)) {
        return (struct str){0};
    }
    for (size_t i = 0; i < source->tests_count; i++) {
        if (!test_holds(logsources, source->tests_first + i, facts)) {
            return (struct str){0};
        }
    }
    if (source->by == KEY_COUNT) {
        return source->class;
    }
    return case_class(logsources, row, fact_lower(facts, source->by, text));
}

static struct str sources_decide(const struct logsources *logsources, const uint16_t *rows,
                                 size_t count, const struct facts *facts)
{
    struct str class = {0};
    for (size_t i = 0; i < count && class.size == 0; i++) {
        class = source_class(logsources, rows[i], facts);
    }
    return class;
}
