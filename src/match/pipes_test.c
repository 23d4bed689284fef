/* Every test pipes the same six events, and compares the rows as text: cells with commas between,
 * rows with slashes. */

#include "match/pipes.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "event/builder.h"
#include "testing/testing.h"

static const char *const records[] = {
    "anna 192.0.2.1 100", "börje 192.0.2.2 250", "anna 192.0.2.1 50",
    "火 192.0.2.3 1.5",   "- 192.0.2.1 x",       "anna 192.0.2.2 9",
};
#define RECORDS (sizeof records / sizeof records[0])

static void span(struct builder *builder, const char *name, struct str whole, struct str word)
{
    builder_span(builder, str_from(name), (size_t)(word.data - whole.data), word.size, SPAN_RAW);
}

/* The user, unless it is a dash; address; size.  One every 20 minutes. */
static struct builder *six_events(void)
{
    struct builder *builder = builder_new((struct client_id){2}, (struct source_id){3});
    for (size_t i = 0; i < RECORDS; i++) {
        CHECK(builder_begin(builder, str_from(records[i]),
                            (struct wall){(int64_t)i * 1200 * NS_PER_SECOND}) == OK);
        struct str whole = builder_record(builder);
        struct str rest = whole;
        struct str user = str_cut(&rest, ' ');
        struct str ip = str_cut(&rest, ' ');
        if (!str_equal(user, STR("-"))) {
            span(builder, "user", whole, user);
        }
        span(builder, "ip", whole, ip);
        if (i == 5) {
            span(builder, "ip", whole, rest);
        }
        span(builder, "size", whole, rest);
        CHECK(builder_end(builder) == OK);
    }
    return builder;
}

struct seen {
    char text[2000];
    size_t columns;
};

static enum err row_seen(void *context, const struct table_row *row)
{
    struct seen *seen = context;
    struct buf out;
    buf_init(&out, sizeof seen->text);
    enum err err = buf_print(&out, "%s", seen->text[0] != '\0' ? "/" : "");
    for (size_t i = 0; i < seen->columns; i++) {
        err = err == OK && i > 0 ? buf_append_byte(&out, ',') : err;
        for (size_t k = 0; k < row->cells[i].count && err == OK; k++) {
            err = buf_print(&out, "%s%.*s", k > 0 ? "+" : "", STR_ARG(row->cells[i].values[k]));
        }
    }
    if (seen->columns == 0) {
        err = buf_append(&out, row->event);
    }
    CHECK(err == OK && strlen(seen->text) + out.size < sizeof seen->text);
    (void)snprintf(seen->text + strlen(seen->text), sizeof seen->text - strlen(seen->text), "%.*s",
                   (int)out.size, out.data != NULL ? out.data : "");
    buf_done(&out);
    return OK;
}

static const char *piped(const char *text, bool newest_first)
{
    static struct seen seen;
    struct builder *builder = six_events();
    struct arena *mem = arena_new(1 << 22);
    struct str bytes;
    struct batch batch;
    struct query *query;
    struct funnel *funnel;
    struct why why = {0};
    const struct table_column *names;
    CHECK(builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
    CHECK(query_parse(str_from(text), &query, &why) == OK);
    memset(&seen, 0, sizeof seen);
    seen.columns = pipes_columns(query_pipes(query), &names);
    const struct funnel_use use = {.newest_first = newest_first,
                                   .from = WALL_NONE,
                                   .to = WALL_NONE,
                                   .call = row_seen,
                                   .context = &seen};
    CHECK(funnel_new(query, &use, &funnel) == OK);
    bool full = false;
    for (uint32_t i = 0; i < batch.events && !full; i++) {
        struct event event;
        bool fits;
        batch_event(&batch, i, &event);
        CHECK(query_matches(query, &event, mem, &fits) == OK);
        if (fits) {
            CHECK(funnel_event(funnel, &event, i + 1, STR("fw"), event.record, &full) == OK);
        }
    }
    CHECK(funnel_end(funnel) == OK);
    struct funnel_left left;
    funnel_left(funnel, &left);
    CHECK(left.events == 0 && left.rows == 0);
    funnel_free(funnel);
    query_free(query);
    arena_free(mem);
    builder_free(builder);
    return seen.text;
}

static bool gives(const char *text, const char *expected)
{
    const char *rows = piped(text, false);
    if (strcmp(rows, expected) != 0) {
        (void)fprintf(stderr, "%s gives %s\n", text, rows);
    }
    return strcmp(rows, expected) == 0;
}

TEST(counts_are_made_of_all_events_or_by_fields)
{
    CHECK(gives("| count", "6"));
    CHECK(gives("anna | count", "3"));
    CHECK(gives("nobody | count", "0"));
    CHECK(gives("nobody | count by user", ""));
    CHECK(gives("| count by user", "anna,3/börje,1/火,1/,1"));
    CHECK(gives("user: * | count by user, ip",
                "anna,192.0.2.1,2/anna,9,1/anna,192.0.2.2,1/börje,192.0.2.2,1/火,192.0.2.3,1"));
    CHECK(gives("| count as n | where n > 5", "6"));
}

TEST(the_most_and_the_rarest_values_are_listed)
{
    CHECK(gives("| top 2 user", "anna,3/börje,1"));
    CHECK(gives("| top ip", "192.0.2.1,3/192.0.2.2,2/9,1/192.0.2.3,1"));
    CHECK(gives("| rare 1 ip", "9,1"));
}

TEST(numbers_are_added_up_and_compared)
{
    CHECK(gives("| sum size, avg size, min size, max size, distinct user", "410.5,82.1,1.5,250,3"));
    CHECK(gives("| sum(size) as all by user | sort -all", "anna,159/börje,250/火,1.5/,") == false);
    CHECK(gives("| sum(size) as all by user | sort -all", "börje,250/anna,159/火,1.5/,"));
    CHECK(gives("x | avg user", ""));
}

/* One event for each text, which is the field "it" of it, as often as wanted, into one funnel. */
static struct funnel_left pour(const char *text, const struct str *texts, size_t count,
                               unsigned times, struct seen *seen)
{
    struct builder *builder = builder_new((struct client_id){2}, (struct source_id){3});
    struct arena *mem = arena_new((size_t)64 << 20);
    struct str bytes;
    struct batch batch;
    struct query *query;
    struct funnel *funnel;
    const struct table_column *names;
    for (size_t i = 0; i < count; i++) {
        CHECK(builder_begin(builder, texts[i], (struct wall){0}) == OK);
        span(builder, "it", builder_record(builder), builder_record(builder));
        CHECK(builder_end(builder) == OK);
    }
    CHECK(builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
    CHECK(query_parse(str_from(text), &query, NULL) == OK);
    memset(seen, 0, sizeof *seen);
    seen->columns = pipes_columns(query_pipes(query), &names);
    const struct funnel_use use = {
        .from = WALL_NONE, .to = WALL_NONE, .call = row_seen, .context = seen};
    CHECK(funnel_new(query, &use, &funnel) == OK);
    for (unsigned i = 0; i < count * times; i++) {
        struct event event;
        bool full = false;
        batch_event(&batch, i % (uint32_t)count, &event);
        bool fits;
        CHECK(query_matches(query, &event, mem, &fits) == OK);
        CHECK(funnel_event(funnel, &event, i + 1, STR("fw"), event.record, &full) == OK);
    }
    struct funnel_left left;
    funnel_left(funnel, &left);
    /* Of many, only few rows are looked at. */
    CHECK((times > 1 && strstr(text, "head") == NULL) || funnel_end(funnel) == OK);
    funnel_free(funnel);
    query_free(query);
    arena_free(mem);
    builder_free(builder);
    return left;
}

TEST(what_is_beyond_all_numbers_breaks_no_answer)
{
    static const struct str infinite[] = {{"1e999", 5}, {"-1e999", 6}, {"7", 1}};
    static const struct str large[] = {{"1e308", 5}, {"1e308", 5}};
    struct seen seen;
    (void)pour("| sum it, avg it, count", infinite, 3, 1, &seen);
    CHECK(strcmp(seen.text, "7,7,3") == 0);
    (void)pour("| sum it, avg it, count", large, 2, 1, &seen);
    CHECK(strcmp(seen.text, ",,2") == 0);
}

TEST(the_greatest_values_of_many_groups_cost_what_a_search_may_cost)
{
    static char text[4000];
    struct seen seen;
    memset(text, 'z', sizeof text);
    const struct str texts[] = {str_of(text, sizeof text)};
    struct funnel_left left = pour("| max it by hinomi.place.sequence", texts, 1, 40000, &seen);
    CHECK(left.events > 0);
}

/* Where counting met more values than it keeps, what stands behind it still has room to work in. */
TEST(more_values_than_a_search_keeps_leave_room_for_what_is_done_with_them)
{
    static const struct str texts[] = {{"x", 1}};
    struct seen seen;
    struct funnel_left left =
        pour("| count by hinomi.place.sequence | head 3", texts, 1, 300000, &seen);
    CHECK(left.events > 0 && strcmp(seen.text, "1,1/2,1/3,1") == 0);
    left = pour("| dedup hinomi.place.sequence | count by hinomi.place.sequence | sort -count | "
                "head 2 | fields count",
                texts, 1, 500000, &seen);
    CHECK(left.events > 0 && strcmp(seen.text, "1/1") == 0);
}

/* One character of three bytes that compares as one of 33. */
TEST(a_text_that_grows_when_it_is_compared_ends_no_search)
{
    static const char sign[] = "\xef\xb7\xba";
    struct seen seen;
    struct buf text;
    buf_init(&text, RECORD_SIZE_MAX);
    for (size_t i = 0; i + 3 < RECORD_SIZE_MAX; i += 3) {
        CHECK(buf_append(&text, STR(sign)) == OK);
    }
    const struct str texts[] = {buf_str(&text), STR("x")};
    (void)pour("| where it = x | where it = x | where it < y | count", texts, 2, 1, &seen);
    CHECK(strcmp(seen.text, "1") == 0);
    (void)pour("it: 火 OR 火 OR it: \"صلى\" | count", texts, 2, 1, &seen);
    buf_done(&text);
}

TEST(a_timeline_counts_by_steps_and_fills_gaps)
{
    CHECK(gives("| timeline 1h", "1970-01-01T00:00:00Z,3/1970-01-01T01:00:00Z,3"));
    CHECK(gives("anna | timeline 20m",
                "1970-01-01T00:00:00Z,1/1970-01-01T00:20:00Z,0/1970-01-01T00:40:00Z,1/"
                "1970-01-01T01:00:00Z,0/1970-01-01T01:20:00Z,0/1970-01-01T01:40:00Z,1"));
    CHECK(gives("anna | timeline 1h by user",
                "1970-01-01T00:00:00Z,anna,2/1970-01-01T01:00:00Z,anna,1"));
}

TEST(rows_are_chosen_ordered_and_cut)
{
    CHECK(gives("| fields user, size", "anna,100/börje,250/anna,50/火,1.5/,x/anna,9"));
    CHECK(gives("| sort size | fields size", "1.5/9/50/100/250/x"));
    CHECK(gives("| sort -size | fields size", "x/250/100/50/9/1.5"));
    CHECK(gives("| sort -user, size | fields user size | head 3", "火,1.5/börje,250/anna,9"));
    CHECK(gives("| dedup user | fields user", "anna/börje/火/"));
    CHECK(gives("| head 2 | fields size", "100/250"));
    CHECK(gives("| tail 2 | fields size", "x/9"));
    CHECK(gives("| fields ip | tail 1", "192.0.2.2+9"));
    CHECK(gives("| where size >= 100 | fields size", "100/250"));
    CHECK(gives("| where user != ANNA | count", "3"));
    CHECK(gives("| where user = ANNA | count", "3"));
    CHECK(gives("| fields hinomi.place.source, hinomi.place.sequence | head 1", "fw,1"));
}

TEST(without_columns_whole_events_come_out)
{
    CHECK(gives("börje | head 1", records[1]));
    CHECK(gives("| sort -size | head 1", records[4]));
    CHECK(gives("| dedup user | tail 1", records[4]));
}

TEST(where_the_newest_is_wanted_first_single_events_come_so)
{
    CHECK(strcmp(piped("| fields size", true), "9/x/1.5/50/250/100") == 0);
    CHECK(strcmp(piped("| fields size | head 2", true), "9/x") == 0);
    CHECK(strcmp(piped("| head 1", true), records[5]) == 0);
    CHECK(strcmp(piped("| count by user | head 1", true), "anna,3") == 0);
}

TEST(a_bar_in_quotes_or_a_regular_expression_is_none)
{
    CHECK(gives("/anna|börje/ | count", "4"));
    CHECK(gives("\"anna|\" | count", "0"));
    CHECK(gives("user: anna|count", "3"));
}

static bool refused(const char *text, uint32_t column, const char *what)
{
    struct query *query = NULL;
    struct why why = {0};
    enum err err = query_parse(str_from(text), &query, &why);
    bool fits = (err == ERR_SYNTAX || err == ERR_LIMIT) && why.column == column &&
                strstr(why.text, what) != NULL;
    if (!fits) {
        (void)fprintf(stderr, "%s: %d %u %s\n", text, (int)err, why.column, why.text);
    }
    return fits;
}

TEST(a_mistake_in_a_pipe_is_named_with_its_column_and_what_was_meant)
{
    CHECK(refused("a | cuont", 5, "did you mean 'count'?"));
    CHECK(refused("a | explode", 5, "unknown command"));
    CHECK(refused("a |", 4, "behind | stands"));
    CHECK(refused("a | count by", 13, "the name of a field is missing"));
    CHECK(refused("a | count by user | sort -cuont", 27, "did you mean 'count'?"));
    CHECK(refused("a | timeline 5x", 14, "a step like"));
    CHECK(refused("a | top 0 b", 9, "a number from 1"));
    CHECK(refused("a | count b", 11, "the command ends"));
    CHECK(refused("a | where b", 12, "one of ="));
    CHECK(refused("a | count | timeline", 21, "made of events"));
    CHECK(refused("a | fields \"b", 12, "not closed"));
    CHECK(refused("a or | count", 6, "missing"));
}
