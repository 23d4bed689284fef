/*
 * The timeline: alerts sorted by time, for a person at a terminal, with a summary below.
 *
 *     TIME                     LEVEL     RULE                        HOST      WHERE
 *     2026-11-21 08:30:00.000  high      Encoded PowerShell (Name)   srv-1     a.zip:logs/x.json:12
 *
 * Time and level have their width; rule (with its author), host and place share what the terminal
 * has, by what they need; a place that is too long keeps its end, where places differ.  Where
 * SCAN_TABLE_MAX is full, later rows are counted and not kept; the summary counts all, and says so.
 *
 * Always true: rows are kept in the order of the scan, which is what decides between equal times.
 */

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/map.h"
#include "codec/time.h"
#include "replay/private.h"

#define TIME_WIDTH  23
#define LEVEL_WIDTH 8 /* "informational" is shortened */
#define GAP         2
#define CELL_MAX    300   /* bytes of one that are kept */
#define RULES_SHOWN 1000  /* lines of the summary */
#define RULES_KEPT  20000 /* as many as there may be rules */

struct kept {
    struct wall happened;
    uint32_t order;
    enum level level;
    struct str rule, host, where;
};

struct counted {
    struct str rule;
    enum level level;
    uint64_t count;
};

struct table {
    unsigned width;
    bool colour;
    struct arena *mem;
    struct buf rows; /* struct kept each */
    struct map rules;
    struct buf counts; /* struct counted each */
    uint64_t levels[LEVEL_COUNT];
    uint64_t passed_over;
    size_t rule_width, host_width, where_width; /* what they need */
    struct buf line;
};

static enum err part_encode(struct buf *out, struct str part)
{
    char size[4];
    put_u32(size, (uint32_t)part.size);
    enum err err = buf_append(out, str_of(size, sizeof size));
    return err == OK ? buf_append(out, part) : err;
}

enum err row_encode(const struct row *row, struct buf *out)
{
    char head[24];
    put_u64(head, (uint64_t)row->happened.ns);
    put_u64(head + 8, row->record);
    put_u64(head + 16, (uint64_t)row->level);
    enum err err = buf_append(out, str_of(head, sizeof head));
    const struct str parts[] = {row->rule, row->author, row->host, row->member};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && err == OK; i++) {
        err = part_encode(out, str_slice(parts[i], 0, CELL_MAX));
    }
    return err;
}

void row_decode(struct str *bytes, struct row *ret)
{
    *ret = (struct row){
        .happened = {(int64_t)get_u64(bytes->data)},
        .record = get_u64(bytes->data + 8),
        .level = (enum level)get_u64(bytes->data + 16),
    };
    *bytes = str_slice(*bytes, 24, SIZE_MAX);
    struct str *const parts[] = {&ret->rule, &ret->author, &ret->host, &ret->member};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        size_t size = get_u32(bytes->data);
        *parts[i] = str_slice(*bytes, 4, size);
        *bytes = str_slice(*bytes, 4 + size, SIZE_MAX);
    }
}

enum err table_new(unsigned width, bool colour, struct table **ret)
{
    struct table *table = calloc(1, sizeof *table);
    if (table == NULL) {
        return ERR_MEMORY;
    }
    table->width = width < 80 ? 80 : width > 200 ? 200 : width;
    table->colour = colour;
    table->mem = arena_new(SCAN_TABLE_MAX);
    buf_init(&table->rows, SCAN_TABLE_MAX);
    buf_init(&table->counts, RULES_KEPT * sizeof(struct counted));
    buf_init(&table->line, 16384);
    map_init(&table->rules, RULES_KEPT, (uint64_t)(uintptr_t)table);
    if (table->mem == NULL) {
        table_free(table);
        return ERR_MEMORY;
    }
    *ret = table;
    return OK;
}

void table_free(struct table *table)
{
    if (table != NULL) {
        arena_free(table->mem);
        buf_done(&table->rows);
        buf_done(&table->counts);
        buf_done(&table->line);
        map_done(&table->rules);
        free(table);
    }
}

/* The count of a rule, made if it is new; ERR_MEMORY also when the table is full. */
static enum err counted_find(struct table *table, const struct row *row, struct counted **ret)
{
    uint64_t index;
    if (!map_get(&table->rules, row->rule, &index)) {
        struct counted counted = {.level = row->level};
        index = table->counts.size / sizeof counted;
        enum err err = arena_copy(table->mem, row->rule, &counted.rule);
        err = err == OK ? buf_append(&table->counts, str_of(&counted, sizeof counted)) : err;
        err = err == OK ? map_put(&table->rules, counted.rule, index) : err;
        if (err != OK) {
            return err;
        }
    }
    *ret = (struct counted *)(void *)table->counts.data + index;
    return OK;
}

static void widest(size_t *width, struct str text)
{
    size_t needed = text_width(text);
    *width = needed > *width ? needed : *width;
}

static enum err row_keep(struct table *table, const struct row *row)
{
    struct kept kept = {
        .happened = row->happened,
        .order = (uint32_t)(table->rows.size / sizeof kept),
        .level = row->level,
    };
    const struct str member = row->member;
    enum err err =
        arena_print(table->mem, &kept.rule, row->author.size > 0 ? "%.*s (%.*s)" : "%.*s",
                    STR_ARG(row->rule), STR_ARG(row->author));
    err = err == OK ? arena_copy(table->mem, row->host, &kept.host) : err;
    err = err == OK
              ? arena_print(table->mem, &kept.where, "%.*s%s%.*s:%llu",
                            STR_ARG(str_slice(row->file, 0, CELL_MAX)), member.size > 0 ? ":" : "",
                            STR_ARG(member), (unsigned long long)row->record)
              : err;
    err = err == OK ? buf_append(&table->rows, str_of(&kept, sizeof kept)) : err;
    if (err == OK) {
        widest(&table->rule_width, kept.rule);
        widest(&table->host_width, kept.host);
        widest(&table->where_width, kept.where);
    }
    return err;
}

enum err table_add(struct table *table, const struct row *row)
{
    struct counted *counted;
    enum err err = counted_find(table, row, &counted);
    if (err == OK) {
        counted->count++;
    }
    table->levels[row->level]++;
    err = err == OK && table->passed_over == 0 ? row_keep(table, row) : ERR_LIMIT;
    table->passed_over += err != OK;
    return OK;
}

static int by_time(const void *a, const void *b)
{
    const struct kept *x = a;
    const struct kept *y = b;
    if (x->happened.ns != y->happened.ns) {
        return x->happened.ns < y->happened.ns ? -1 : 1;
    }
    return x->order < y->order ? -1 : x->order > y->order;
}

/* The gravest first, of equals the most frequent. */
static int by_count(const void *a, const void *b)
{
    const struct counted *x = a;
    const struct counted *y = b;
    if (x->level != y->level) {
        return x->level > y->level ? -1 : 1;
    }
    if (x->count != y->count) {
        return x->count > y->count ? -1 : 1;
    }
    return str_compare(x->rule, y->rule);
}

static const char *level_name(enum level level)
{
    return level == LEVEL_INFORMATIONAL ? "info" : level_text(level);
}

static const char *level_colour(enum level level)
{
    static const char *const colours[LEVEL_COUNT] = {
        [LEVEL_INFORMATIONAL] = "\033[2m",  [LEVEL_LOW] = "\033[36m",
        [LEVEL_MEDIUM] = "\033[33m",        [LEVEL_HIGH] = "\033[31m",
        [LEVEL_CRITICAL] = "\033[1;37;41m",
    };
    return colours[level];
}

/* A cell, filled up with blanks unless it is the last. */
static enum err cell_append(struct table *table, struct str text, size_t width, bool last)
{
    size_t used;
    enum err err = text_fit(text, width, &table->line, &used);
    for (size_t i = used; !last && err == OK && i < width + GAP; i++) {
        err = buf_append_byte(&table->line, ' ');
    }
    return err;
}

static enum err row_print(struct table *table, const struct kept *kept)
{
    char moment[TIME_TEXT_SIZE] = "-";
    struct str level = str_from(level_name(kept->level));
    if (wall_known(kept->happened)) {
        (void)time_print(kept->happened, moment);
        moment[10] = ' ';
    }
    buf_reset(&table->line);
    enum err err =
        cell_append(table, str_slice(str_from(moment), 0, TIME_WIDTH), TIME_WIDTH, false);
    if (err == OK && table->colour) {
        err = buf_append(&table->line, str_from(level_colour(kept->level)));
        err = err == OK ? buf_append(&table->line, level) : err;
        err = err == OK ? buf_append(&table->line, STR("\033[0m")) : err;
        level = str_slice(STR("          "), 0, LEVEL_WIDTH - level.size);
        err = err == OK ? cell_append(table, level, level.size, false) : err;
    } else if (err == OK) {
        err = cell_append(table, level, LEVEL_WIDTH, false);
    }
    err = err == OK ? cell_append(table, kept->rule, table->rule_width, false) : err;
    err = err == OK ? cell_append(table, kept->host.size > 0 ? kept->host : STR("-"),
                                  table->host_width, false)
                    : err;
    return err == OK ? text_fit_end(kept->where, table->where_width, &table->line) : err;
}

/* Shares the width of the terminal: each gets what it needs, or the widest give way; the rule's
 * title counts as half as wide, for it says what happened. */
static void widths_share(struct table *table)
{
    size_t room = table->width - TIME_WIDTH - LEVEL_WIDTH - 4 * GAP;
    size_t *const columns[] = {&table->rule_width, &table->host_width, &table->where_width};
    static const size_t least[] = {4, 4, 5}; /* of the titles */
    static const size_t shares[] = {2, 1, 1};
    size_t sum = 0;
    for (size_t i = 0; i < 3; i++) {
        *columns[i] = *columns[i] < least[i] ? least[i] : *columns[i];
        sum += *columns[i];
    }
    while (sum > room) {
        size_t widest_of = 0;
        for (size_t i = 1; i < 3; i++) {
            widest_of =
                *columns[i] * shares[widest_of] > *columns[widest_of] * shares[i] ? i : widest_of;
        }
        size_t over = sum - room;
        size_t step = over > 8 ? 8 : 1;
        *columns[widest_of] -= step;
        sum -= step;
    }
}

static enum err head_print(struct table *table)
{
    buf_reset(&table->line);
    enum err err = cell_append(table, STR("TIME (UTC)"), TIME_WIDTH, false);
    err = err == OK ? cell_append(table, STR("LEVEL"), LEVEL_WIDTH, false) : err;
    err = err == OK ? cell_append(table, STR("RULE (AUTHOR)"), table->rule_width, false) : err;
    err = err == OK ? cell_append(table, STR("HOST"), table->host_width, false) : err;
    return err == OK ? cell_append(table, STR("WHERE"), table->where_width, true) : err;
}

static enum err summary_rule_print(struct table *table, const struct counted *counted)
{
    buf_reset(&table->line);
    enum err err = buf_print(&table->line, "%10llu  %-8s  ", (unsigned long long)counted->count,
                             level_name(counted->level));
    return err == OK ? cell_append(table, counted->rule, table->width - 22, true) : err;
}

static enum err summary_levels_print(struct table *table)
{
    buf_reset(&table->line);
    uint64_t all = 0;
    for (int level = 0; level < LEVEL_COUNT; level++) {
        all += table->levels[level];
    }
    enum err err = buf_print(&table->line, "%llu alerts", (unsigned long long)all);
    for (int level = LEVEL_COUNT - 1; level >= 0 && err == OK; level--) {
        if (table->levels[level] > 0) {
            err = buf_print(&table->line, ", %llu %s", (unsigned long long)table->levels[level],
                            level_name((enum level)level));
        }
    }
    if (err == OK && table->passed_over > 0) {
        err = buf_print(&table->line, "; the last %llu are not shown (try --format ndjson)",
                        (unsigned long long)table->passed_over);
    }
    return err;
}

static enum err summary_print(struct table *table, enum err (*line)(void *context, struct str line),
                              void *context)
{
    size_t count = table->counts.size / sizeof(struct counted);
    struct counted *list = (struct counted *)(void *)table->counts.data;
    enum err err = line(context, STR(""));
    err = err == OK ? summary_levels_print(table) : err;
    err = err == OK ? line(context, buf_str(&table->line)) : err;
    if (count > 0) {
        qsort(list, count, sizeof *list, by_count);
    }
    for (size_t i = 0; i < count && i < RULES_SHOWN && err == OK; i++) {
        err = summary_rule_print(table, &list[i]);
        err = err == OK ? line(context, buf_str(&table->line)) : err;
    }
    return err;
}

enum err table_print(struct table *table, enum err (*line)(void *context, struct str line),
                     void *context)
{
    size_t count = table->rows.size / sizeof(struct kept);
    struct kept *rows = (struct kept *)(void *)table->rows.data;
    if (count > 0) {
        qsort(rows, count, sizeof *rows, by_time);
    }
    widths_share(table);
    enum err err = head_print(table);
    err = err == OK ? line(context, buf_str(&table->line)) : err;
    for (size_t i = 0; i < count && err == OK; i++) {
        err = row_print(table, &rows[i]);
        err = err == OK ? line(context, buf_str(&table->line)) : err;
    }
    return err == OK ? summary_print(table, line, context) : err;
}
