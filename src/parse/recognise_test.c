/* What is left out of the few rows of `recognise` that are asked would have been refused: of each
 * text all rows are asked, and those that fit are among the few.  The texts are the samples, and
 * what a sender may make of them. */

#include <stdio.h>
#include <string.h>

#include "parse/private.h"
#include "parse/samples.h"
#include "testing/testing.h"

#define MARKS_MAX 1024
#define MIXED     40000
#define TEXT_SIZE 4096

static struct builder *builder;
static struct found found;
static size_t asked, fitted;

static void setup(void)
{
    static const struct parse_context context = {.received = {1795255200000000000}};
    builder = builder_new((struct client_id){2}, (struct source_id){3});
    CHECK(builder != NULL && builder_begin(builder, STR("text"), context.received) == OK);
    found_init(&found, &context, builder);
}

static void teardown(void)
{
    found_done(&found);
    builder_abandon(builder);
    builder_free(builder);
}

/* What all its conditions say of a text, but for the program and the columns. */
static bool mark_fits(const struct mark *mark, struct str text)
{
    bool begins = mark->begin_count == 0;
    for (size_t i = 0; i < mark->begin_count; i++) {
        begins = begins || str_starts(text, mark->begins[i]);
    }
    found.parser = &parse_table[mark->parser];
    found.value_count = 0;
    return begins && contains_fit(mark->contains, mark->contain_count, text) &&
           (mark->looks == NULL || pattern_looks(&found, mark->looks, text));
}

/* "at Nov 21 10:00:00 2026": times pass over a weekday's letters unread, the table wants one that
 * there is. */
static bool is_no_day(const struct mark *mark, struct str text)
{
    static const char days[] = "sun mon tue wed thu fri sat ";
    char day[] = "... ";
    if (mark->looks == NULL || mark->looks[0].kind != PIECE_TAKE ||
        (mark->looks[0].target.take != TAKE_ASCTIME && mark->looks[0].target.take != TAKE_AT)) {
        return false;
    }
    for (size_t i = 0; i < 3 && i < text.size; i++) {
        day[i] = (char)(text.data[i] | 0x20);
    }
    return day[0] >= 'a' && day[0] <= 'z' && strstr(days, day) == NULL;
}

/* Whether a row says something of the text itself, and nothing else finds it. */
static bool is_found_by_text(const struct mark *mark)
{
    return mark->program_count == 0 && mark->key_count == 0 &&
           (mark->begin_count > 0 || mark->looks != NULL || mark->contain_count > 0);
}

static bool all_are_asked(struct str text)
{
    uint16_t list[MARKS_MAX];
    bool candidate[MARKS_MAX] = {false};
    size_t count = fronts_find(found.context, text, list, MARKS_MAX);
    count += sift_text(text, list + count, MARKS_MAX - count);
    for (size_t i = 0; i < count; i++) {
        candidate[list[i]] = true;
    }
    for (size_t i = 0; i < parse_short_marks.count; i++) {
        candidate[parse_short_marks.list[i]] = true;
    }
    struct needs needs = {.text = text};
    for (size_t i = 0; i < parse_mark_count; i++) {
        const struct mark *mark = &parse_marks[i];
        if (!is_found_by_text(mark) || !mark_fits(mark, text) || is_no_day(mark, text)) {
            continue;
        }
        fitted++;
        if (!candidate[i] || !needs_fit(&needs, parse_mark_needs[i])) {
            printf("# row %zu of %.*s is not asked of: %.*s\n", i,
                   STR_ARG(parse_table[mark->parser].name), STR_ARG(text));
            return false;
        }
    }
    asked++;
    return true;
}

/* The text, and what stands behind a syslog header in it, as a message is looked at. */
static bool record_is_asked(struct str record)
{
    struct str text = str_trim(record);
    struct header header;
    if (!all_are_asked(text)) {
        return false;
    }
    if (!syslog_looks(text)) {
        return true;
    }
    syslog_read(text, found.context, &header);
    return all_are_asked(header.message) && all_are_asked(header.tagged) &&
           all_are_asked(header.body);
}

TEST(whatever_fits_a_sample_is_asked_of_it)
{
    setup();
    asked = fitted = 0;
    for (size_t i = 0; i < sample_count; i++) {
        CHECK(record_is_asked(samples[i].line));
    }
    CHECK(asked >= sample_count && fitted > sample_count / 4);
    teardown();
}

static uint64_t dice_state;

static size_t dice(size_t sides)
{
    dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(dice_state >> 33) % sides;
}

static struct str piece_of(struct str text, size_t from)
{
    return str_slice(text, from, 1 + dice(400));
}

/* The beginning of one sample with the end of another, some bytes of it changed. */
static struct str mixture(char room[TEXT_SIZE])
{
    static const char bytes[] = " \t\"'=:;,[]{}()<>-/.0179azAZ\\|%*\xe3\x80";
    struct str first = samples[dice(sample_count)].line;
    struct str second = samples[dice(sample_count)].line;
    size_t cut = dice(2) == 0 ? 0 : dice(first.size + 1);
    struct str parts[] = {piece_of(first, cut), piece_of(second, dice(second.size + 1))};
    size_t size = 0;
    for (size_t i = 0; i < 2; i++) {
        if (parts[i].size > 0) {
            memcpy(room + size, parts[i].data, parts[i].size);
            size += parts[i].size;
        }
    }
    for (size_t changes = dice(4); changes > 0 && size > 0; changes--) {
        room[dice(size)] = bytes[dice(sizeof bytes - 1)];
    }
    return str_of(room, size);
}

TEST(whatever_fits_a_mixture_of_samples_is_asked_of_it)
{
    char room[TEXT_SIZE];
    setup();
    asked = fitted = 0;
    dice_state = 7;
    for (size_t i = 0; i < MIXED; i++) {
        CHECK(record_is_asked(mixture(room)));
    }
    CHECK(asked >= MIXED && fitted > MIXED / 20);
    teardown();
}
