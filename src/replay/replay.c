/*
 * The scan: paths into files, files to scanners, and what these say, in order, to the caller.
 *
 *                   ┌ scanner: read a block, judge it, render ┐
 *     paths → order ┼ scanner                                 ┼ order → lines, table, past
 *                   └ scanner                                 ┘
 *                                              at the end: correlations, then the table
 *
 * Always true: what is called back is called within the order's gate or after all scanners have
 * ended, so by one thread at a time; the statistics are added up there too.
 */

#include "replay/replay.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "replay/private.h"

struct replay {
    struct replay_options options;
    struct replay_stats stats;
    struct order *order;
    struct past *past;
    struct table *table;
    struct scanner **scanners;
    unsigned threads;
    struct buf line;
};

static enum err file_add(void *context, const char *path);
static void complain(void *context, const char *path, const char *reason);
static enum err out_tell(void *context, const char *path, struct str member, struct out *out);
static enum err correlation_tell(void *context, const struct alert *alert,
                                 const struct shown *shown, const struct origin *origin,
                                 const struct origins *records, struct arena *scratch);

enum err replay_new(const struct replay_options *options, struct replay **ret)
{
    struct replay *replay = calloc(1, sizeof *replay);
    if (replay == NULL) {
        return ERR_MEMORY;
    }
    replay->options = *options;
    replay->threads = options->threads == 0                 ? 1
                      : options->threads > SCAN_THREADS_MAX ? SCAN_THREADS_MAX
                                                            : options->threads;
    buf_init(&replay->line, (size_t)256 * 1024 * 1024);
    replay->scanners = calloc(replay->threads, sizeof(struct scanner *));
    enum err err = replay->scanners == NULL ? ERR_MEMORY : OK;
    err = err == OK ? order_new(out_tell, replay, replay->threads, &replay->order) : err;
    err = err == OK ? past_new(options->ruleset, &replay->past) : err;
    for (unsigned i = 0; i < replay->threads && err == OK; i++) {
        err = scanner_new(&replay->options, replay->order, &replay->scanners[i]);
    }
    if (err == OK && options->format == REPLAY_TABLE) {
        err = table_new(options->width, options->colour, &replay->table);
    }
    struct str head;
    if (err == OK && render_head(options->format, &head)) {
        err = options->line(options->context, head);
    }
    if (err != OK) {
        replay_free(replay);
        return err;
    }
    *ret = replay;
    return OK;
}

void replay_free(struct replay *replay)
{
    if (replay != NULL) {
        for (unsigned i = 0; replay->scanners != NULL && i < replay->threads; i++) {
            scanner_free(replay->scanners[i]);
        }
        free(replay->scanners);
        order_free(replay->order);
        past_free(replay->past);
        table_free(replay->table);
        buf_done(&replay->line);
        free(replay);
    }
}

enum err replay_path(struct replay *replay, const char *path)
{
    return input_walk(path, file_add, complain, replay);
}

static enum err file_add(void *context, const char *path)
{
    struct replay *replay = context;
    replay->stats.total += input_path_size(path);
    return order_add(replay->order, path);
}

static void complain(void *context, const char *path, const char *reason)
{
    struct replay *replay = context;
    replay->stats.complaints++;
    replay->options.complain(replay->options.context, path, reason);
}

static void work(void *context, unsigned index)
{
    const struct replay *replay = context;
    scanner_run(replay->scanners[index]);
}

enum err replay_run(struct replay *replay)
{
    threads_run(replay->threads, work, replay);
    enum err err = order_failed(replay->order);
    for (unsigned i = 0; i < replay->threads; i++) {
        /* Their memory is free for what comes now. */
        scanner_free(replay->scanners[i]);
        replay->scanners[i] = NULL;
    }
    if (err == OK && past_refused(replay->past) != OK) {
        complain(replay, "correlations",
                 past_refused(replay->past) == ERR_LIMIT
                     ? "rules saw more for them than can be kept; what came later is left out"
                     : "what rules saw for them could not be kept in TMPDIR; some is left out");
    }
    err = err == OK ? past_end(replay->past, correlation_tell, replay) : err;
    if (err == OK && replay->table != NULL) {
        err = table_print(replay->table, replay->options.line, replay->options.context);
    }
    return err;
}

void replay_stats(const struct replay *replay, struct replay_stats *ret)
{
    *ret = replay->stats;
}

static void stats_add(struct replay_stats *sum, const struct replay_stats *part)
{
    sum->files += part->files;
    sum->events += part->events;
    sum->alerts += part->alerts;
    sum->bytes += part->bytes;
    sum->packed += part->packed;
    sum->read_ns += part->read_ns;
    sum->parse_ns += part->parse_ns;
    sum->match_ns += part->match_ns;
}

/* Where it is, fit to be shown on a terminal: an archive names its members as it likes. */
static enum err where_print(const char *path, struct str member, struct buf *out)
{
    size_t width;
    enum err err = text_fit(str_from(path), SIZE_MAX, out, &width);
    if (err == OK && member.size > 0) {
        err = buf_append_byte(out, ':');
        err = err == OK ? text_fit(member, SIZE_MAX, out, &width) : err;
    }
    return err == OK ? buf_append_byte(out, '\0') : err;
}

static enum err complaints_tell(struct replay *replay, const char *path, struct str complaints)
{
    enum err err = OK;
    while (complaints.size > 0 && err == OK) {
        struct str member = str_cut(&complaints, '\0');
        struct str reason = str_cut(&complaints, '\0');
        buf_reset(&replay->line);
        err = where_print(path, member, &replay->line);
        if (err == OK) {
            complain(replay, replay->line.data, reason.data);
        }
    }
    return err;
}

static enum err rows_tell(struct replay *replay, const char *path, struct str rows)
{
    enum err err = OK;
    while (rows.size > 0 && err == OK) {
        struct row row;
        row_decode(&rows, &row);
        row.file = str_from(path);
        err = table_add(replay->table, &row);
    }
    return err;
}

static enum err lines_tell(struct replay *replay, struct str lines)
{
    enum err err = OK;
    while (lines.size > 0 && err == OK) {
        err = replay->options.line(replay->options.context, str_cut(&lines, '\n'));
    }
    return err;
}

static enum err out_tell(void *context, const char *path, struct str member, struct out *out)
{
    struct replay *replay = context;
    stats_add(&replay->stats, &out->stats);
    enum err err = complaints_tell(replay, path, buf_str(&out->complaints));
    if (err == OK) {
        err = replay->table != NULL ? rows_tell(replay, path, buf_str(&out->lines))
                                    : lines_tell(replay, buf_str(&out->lines));
    }
    err = err == OK ? past_add(replay->past, path, member, buf_str(&out->sightings)) : err;
    if (err == OK && replay->options.progress != NULL) {
        replay->options.progress(replay->options.context, &replay->stats);
    }
    return err;
}

static enum err correlation_tell(void *context, const struct alert *alert,
                                 const struct shown *shown, const struct origin *origin,
                                 const struct origins *records, struct arena *scratch)
{
    struct replay *replay = context;
    replay->stats.correlations++;
    if (replay->table != NULL) {
        struct row row = {
            .happened = shown->happened,
            .level = alert->level,
            .record = origin->record,
            .rule = alert->rule_title,
            .author = alert->rule_author,
            .host = shown->host,
            .file = origin->file,
            .member = origin->member,
        };
        return table_add(replay->table, &row);
    }
    buf_reset(&replay->line);
    enum err err =
        render_alert(replay->options.format, alert, shown, origin, records, scratch, &replay->line);
    return err == OK ? replay->options.line(replay->options.context, buf_str(&replay->line)) : err;
}
