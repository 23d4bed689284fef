/*
 * The scan: inputs into records, records into batches, batches under the rules, alerts into lines.
 *
 * The same parsers and the same judge as in the live service, over batches that belong to no
 * client.  A batch holds records of one file only, without gaps, so that an event's number in the
 * batch leads back to its number in the file.
 */

#include "replay/replay.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "parse/parse.h"
#include "replay/private.h"

#define TURN_SIZE_MAX ((size_t)2 * 1024 * 1024 * 1024) /* a batch's alerts, and values to print */
#define LINE_SIZE_MAX ((size_t)64 * 1024 * 1024)       /* an event with all its escapes */

struct replay {
    struct replay_options options;
    struct replay_stats stats;
    const struct parser *parser;
    struct builder *builder;
    struct arena *turn;
    struct buf line;
    const char *path;
    uint64_t record_first; /* the number in the file of the batch's first event */
};

static enum err file_scan(void *context, const char *path);
static void complain(void *context, const char *path, const char *reason);
static enum err record_add(struct replay *replay, struct str record, struct mono *since);
static enum err batch_end(struct replay *replay);

enum err replay_new(const struct replay_options *options, struct replay **ret)
{
    struct replay *replay = calloc(1, sizeof *replay);
    if (replay == NULL) {
        return ERR_MEMORY;
    }
    replay->options = *options;
    replay->builder = builder_new(CLIENT_INSTALLATION, (struct source_id){0});
    replay->turn = arena_new(TURN_SIZE_MAX);
    buf_init(&replay->line, LINE_SIZE_MAX);
    enum err err = replay->builder == NULL || replay->turn == NULL
                       ? ERR_MEMORY
                       : parser_find(STR("auto"), &replay->parser);
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

enum err replay_path(struct replay *replay, const char *path)
{
    return input_walk(path, file_scan, complain, replay);
}

void replay_stats(const struct replay *replay, struct replay_stats *ret)
{
    *ret = replay->stats;
}

void replay_free(struct replay *replay)
{
    if (replay == NULL) {
        return;
    }
    builder_free(replay->builder);
    arena_free(replay->turn);
    buf_done(&replay->line);
    free(replay);
}

static void complain(void *context, const char *path, const char *reason)
{
    struct replay *replay = context;
    replay->stats.complaints++;
    replay->options.complain(replay->options.context, path, reason);
}

/* Adds the time since *since to *sum, and goes on from now. */
static void lap(const struct replay *replay, struct mono *since, int64_t *sum)
{
    struct mono now = replay->options.clock();
    *sum += now.ns - since->ns;
    *since = now;
}

/* The records of one opened file, until its end or an error of ours. */
static enum err records_scan(struct replay *replay, struct records *records)
{
    uint64_t number = 0;
    replay->record_first = 0;
    for (;;) {
        struct why why = {0};
        struct str record;
        struct mono since = replay->options.clock();
        enum err err = records_next(records, &record, &why);
        lap(replay, &since, &replay->stats.read_ns);
        if (err == OK) {
            err = record_add(replay, record, &since);
            if (err != OK) {
                return err;
            }
            number++;
            continue;
        }
        enum err ended = batch_end(replay);
        if (ended != OK || err == ERR_CLOSED) {
            return ended;
        }
        complain(replay, replay->path, why_text(&why, err));
        if (err != ERR_LIMIT) {
            return err == ERR_MEMORY ? err : OK;
        }
        replay->record_first = ++number;
    }
}

static enum err file_scan(void *context, const char *path)
{
    struct replay *replay = context;
    struct why why = {0};
    struct input *input = NULL;
    struct records records = {0};
    replay->path = path;
    replay->stats.files++;
    enum err err = input_open(path, &input, &why);
    if (err == OK) {
        err = records_begin(&records, input, path, &why);
    }
    if (err == OK) {
        err = records_scan(replay, &records);
    } else if (err != ERR_MEMORY) {
        complain(replay, path, why_text(&why, err));
        err = OK;
    }
    replay->stats.bytes += records.bytes;
    records_done(&records);
    input_close(input);
    return err;
}

static enum err record_add(struct replay *replay, struct str record, struct mono *since)
{
    struct parse_context context = {.received = replay->options.now};
    for (int tries = 0; tries < 2; tries++) {
        enum err err = builder_begin(replay->builder, record, replay->options.now);
        if (err == OK) {
            parse_record(replay->parser, &context, replay->builder);
            err = builder_end(replay->builder);
        }
        lap(replay, since, &replay->stats.parse_ns);
        if (err != ERR_LIMIT) {
            return err;
        }
        /* The batch is full: the record opens the next one. */
        err = batch_end(replay);
        *since = replay->options.clock();
        if (err != OK) {
            return err;
        }
    }
    return ERR_LIMIT;
}

static enum err alert_tell(struct replay *replay, const struct batch *batch,
                           const struct alert *alert)
{
    struct event event;
    batch_event(batch, (uint32_t)alert->place.sequence, &event);
    struct origin origin = {
        .file = str_from(replay->path),
        .record = replay->record_first + event.index,
    };
    buf_reset(&replay->line);
    enum err err =
        render_alert(replay->options.format, alert, &event, &origin, replay->turn, &replay->line);
    replay->stats.alerts += err == OK;
    return err == OK ? replay->options.line(replay->options.context, buf_str(&replay->line)) : err;
}

static enum err batch_end(struct replay *replay)
{
    struct str bytes;
    struct batch batch;
    struct alerts alerts;
    struct why why = {0};
    enum err err = builder_finish(replay->builder, &bytes);
    if (err == ERR_NOT_FOUND) {
        return OK;
    }
    struct mono since = replay->options.clock();
    arena_reset(replay->turn);
    err = err == OK ? batch_check(bytes, replay->turn, &batch, &why) : err;
    err = err == OK ? ruleset_judge(replay->options.ruleset, &batch, replay->turn, &alerts) : err;
    lap(replay, &since, &replay->stats.match_ns);
    if (err == OK) {
        replay->stats.events += batch.events;
        for (size_t i = 0; i < alerts.count && err == OK; i++) {
            err = alert_tell(replay, &batch, &alerts.list[i]);
        }
        replay->record_first += batch.events;
    }
    builder_reset(replay->builder);
    return err;
}
