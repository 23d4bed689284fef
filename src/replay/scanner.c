/*
 * A scanner: takes a block, turns its records into batches, and judges them.
 *
 * The same parsers and the same judge as in the live service, over batches that belong to no
 * client.  A batch holds records of one stream only, without gaps, so that an event's number in the
 * batch leads back to its number in the stream.
 *
 * What is no text log becomes JSON on the way: the records of an event log, the rows of a table.
 *
 * Always true between two records: the events of the builder are those of the records from
 * `batch_first` on, counted from the block's first.
 */

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/evtx.h"
#include "parse/parse.h"
#include "replay/private.h"

#define TURN_SIZE_MAX ((size_t)1024 * 1024 * 1024) /* a batch's alerts, and values to print */
#define TEXT_SIZE_MAX ((size_t)64 * 1024 * 1024)   /* an event with all its escapes */
#define OUT_SIZE      ((size_t)4 * 1024 * 1024)    /* then it is put out before the block ends */

struct scanner {
    const struct replay_options *options;
    struct order *order;
    const struct parser *parser;
    struct parse_memory *memory; /* of the header lines of this block */
    struct judge *judge;
    struct builder *builder;
    struct evtx *evtx;
    struct arena *turn;
    struct row_maker rows;
    struct buf text; /* a record as JSON; an event to be shown */
    struct lane *lane;
    struct block block;
    struct out out;
    uint64_t records; /* of the block so far */
    uint64_t batch_first;
    int64_t match_ns;
};

enum err scanner_new(const struct replay_options *options, struct order *order,
                     struct scanner **ret)
{
    struct scanner *scanner = calloc(1, sizeof *scanner);
    if (scanner == NULL) {
        return ERR_MEMORY;
    }
    scanner->options = options;
    scanner->order = order;
    scanner->builder = builder_new(CLIENT_INSTALLATION, (struct source_id){0});
    scanner->evtx = evtx_new();
    scanner->memory = parse_memory_new();
    scanner->turn = arena_new(TURN_SIZE_MAX);
    scanner->rows.mem = arena_new(16 * RECORD_SIZE_MAX);
    buf_init(&scanner->text, TEXT_SIZE_MAX);
    block_init(&scanner->block);
    out_init(&scanner->out);
    bool made = scanner->builder != NULL && scanner->evtx != NULL && scanner->turn != NULL &&
                scanner->memory != NULL && scanner->rows.mem != NULL;
    enum err err = made ? parser_find(STR("auto"), &scanner->parser) : ERR_MEMORY;
    err = err == OK ? judge_new(options->ruleset, &scanner->judge) : err;
    if (err != OK) {
        scanner_free(scanner);
        return err;
    }
    *ret = scanner;
    return OK;
}

void scanner_free(struct scanner *scanner)
{
    if (scanner != NULL) {
        judge_free(scanner->judge);
        builder_free(scanner->builder);
        parse_memory_free(scanner->memory);
        evtx_free(scanner->evtx);
        arena_free(scanner->turn);
        arena_free(scanner->rows.mem);
        buf_done(&scanner->text);
        block_done(&scanner->block);
        out_done(&scanner->out);
        free(scanner);
    }
}

static enum err record_complain(struct scanner *scanner, const char *reason)
{
    return complaint_add(&scanner->out.complaints, buf_str(&scanner->block.member), reason);
}

/* ---- Out of the judge. */

static enum err row_tell(struct scanner *scanner, const struct alert *alert,
                         const struct shown *shown, uint64_t record)
{
    struct row row = {
        .happened = shown->happened,
        .level = alert->level,
        .record = record,
        .rule = alert->rule_title,
        .author = alert->rule_author,
        .host = shown->host,
        .member = buf_str(&scanner->block.member),
    };
    return row_encode(&row, &scanner->out.lines);
}

static enum err alert_tell(struct scanner *scanner, const struct alert *alert,
                           const struct shown *shown, uint64_t record)
{
    scanner->out.stats.alerts++;
    if (scanner->options->format == REPLAY_TABLE) {
        return row_tell(scanner, alert, shown, record);
    }
    struct origin origin = {str_from(scanner->lane->path), buf_str(&scanner->block.member), record};
    enum err err = render_alert(scanner->options->format, alert, shown, &origin, NULL,
                                scanner->turn, &scanner->out.lines);
    return err == OK ? buf_append_byte(&scanner->out.lines, '\n') : err;
}

static enum err sighting_tell(struct scanner *scanner, const struct sighting *sighting,
                              const struct shown *shown, uint64_t record, bool again)
{
    struct seen seen = {
        .rule = sighting->rule,
        .values_size = (uint32_t)sighting->values.size,
        .host_size = again ? 0 : (uint32_t)shown->host.size,
        .event_size = again ? 0 : (uint32_t)shown->event.size,
        .record = record,
        .at = sighting->at,
        .received = sighting->received,
        .happened = shown->happened,
    };
    struct buf *to = &scanner->out.sightings;
    enum err err = buf_append(to, str_of(&seen, sizeof seen));
    err = err == OK ? buf_append(to, sighting->values) : err;
    err = err == OK && !again ? buf_append(to, shown->host) : err;
    return err == OK && !again ? buf_append(to, shown->event) : err;
}

/* An event that is too large to be shown is told without itself. */
static enum err event_show(struct scanner *scanner, const struct event *event, struct shown *ret)
{
    buf_reset(&scanner->text);
    enum err err = render_event(event, scanner->turn, &scanner->text, ret);
    if (err == ERR_LIMIT) {
        *ret = (struct shown){.happened = event->happened, .event = STR("null")};
        err = record_complain(scanner, "an event is too large to be shown");
    }
    return err;
}

/* All that the judge says of a batch, event by event, each event shown once. */
static enum err verdicts_tell(struct scanner *scanner, const struct batch *batch,
                              const struct verdicts *verdicts)
{
    size_t a = 0;
    size_t s = 0;
    const struct alerts *alerts = &verdicts->alerts;
    const struct sightings *sightings = &verdicts->sightings;
    uint64_t first = scanner->batch_first;
    enum err err = OK;
    if (alerts->count + sightings->count > 0) {
        first += order_number(scanner->order, &scanner->block);
    }
    while (err == OK && (a < alerts->count || s < sightings->count)) {
        uint64_t alert_at = a < alerts->count ? alerts->list[a].place.sequence : UINT64_MAX;
        uint64_t seen_at = s < sightings->count ? sightings->list[s].place.sequence : UINT64_MAX;
        uint64_t at = alert_at < seen_at ? alert_at : seen_at;
        size_t s_first = s;
        struct event event;
        struct shown shown;
        batch_event(batch, (uint32_t)at, &event);
        err = event_show(scanner, &event, &shown);
        for (; err == OK && a < alerts->count && alerts->list[a].place.sequence == at; a++) {
            err = alert_tell(scanner, &alerts->list[a], &shown, first + at);
        }
        for (; err == OK && s < sightings->count && sightings->list[s].place.sequence == at; s++) {
            err = sighting_tell(scanner, &sightings->list[s], &shown, first + at, s > s_first);
        }
        if (err == OK && scanner->out.lines.size + scanner->out.sightings.size > OUT_SIZE) {
            order_put(scanner->order, scanner->lane, &scanner->block, &scanner->out, false);
        }
    }
    return err;
}

/* For whoever wants the events themselves. */
static enum err events_give(struct scanner *scanner, const struct batch *batch)
{
    const struct replay_options *options = scanner->options;
    uint64_t first = order_number(scanner->order, &scanner->block) + scanner->batch_first;
    enum err err = OK;
    for (uint32_t i = 0; i < batch->events && err == OK; i++) {
        struct event event;
        batch_event(batch, i, &event);
        err = options->event(options->context, first + i, &event);
    }
    return err;
}

static enum err batch_judge(struct scanner *scanner, const struct batch *batch)
{
    struct verdicts verdicts;
    struct mono since = scanner->options->clock();
    enum err err = judge_batch(scanner->judge, batch, scanner->turn, &verdicts);
    scanner->match_ns += scanner->options->clock().ns - since.ns;
    return err == OK ? verdicts_tell(scanner, batch, &verdicts) : err;
}

static enum err batch_end(struct scanner *scanner)
{
    struct str bytes;
    struct batch batch;
    struct why why = {0};
    enum err err = builder_finish(scanner->builder, &bytes);
    if (err == ERR_NOT_FOUND) {
        scanner->batch_first = scanner->records;
        return OK;
    }
    struct mono since = scanner->options->clock();
    arena_reset(scanner->turn);
    err = err == OK ? batch_check(bytes, scanner->turn, &batch, &why) : err;
    scanner->match_ns += scanner->options->clock().ns - since.ns;
    if (err == OK) {
        scanner->out.stats.events += batch.events;
        err = scanner->options->event != NULL ? events_give(scanner, &batch)
                                              : batch_judge(scanner, &batch);
    }
    if (err == ERR_LIMIT) {
        err = record_complain(scanner, "more alerts at once than can be held; some records are "
                                       "passed over");
    }
    builder_reset(scanner->builder);
    scanner->batch_first = scanner->records;
    return err;
}

/* ---- Into the builder. */

static enum err record_add(struct scanner *scanner, struct str record)
{
    const struct parse_context context = {.received = scanner->options->now,
                                          .memory = scanner->memory};
    enum err err = ERR_LIMIT;
    for (int tries = 0; tries < 2 && err == ERR_LIMIT; tries++) {
        err = builder_begin(scanner->builder, record, scanner->options->now);
        if (err == OK) {
            parse_record(scanner->parser, &context, scanner->builder);
            err = builder_end(scanner->builder);
        }
        if (err == ERR_LIMIT) {
            /* The batch is full: the record opens the next one. */
            enum err ended = batch_end(scanner);
            err = ended == OK ? err : ended;
        }
    }
    scanner->records++;
    if (err == ERR_LIMIT) {
        scanner->batch_first = scanner->records;
        err = record_complain(scanner, "a record is too long, once it is read");
    }
    return err;
}

static enum err row_add(struct scanner *scanner, struct str row)
{
    buf_reset(&scanner->text);
    enum err err = scanner->block.kind == RECORDS_ZEEK
                       ? zeek_row(&scanner->rows, row, &scanner->text)
                       : csv_row(&scanner->rows, row, &scanner->text);
    return err == OK ? record_add(scanner, buf_str(&scanner->text)) : err;
}

static enum err evtx_add(void *context, const struct evtx_record *record)
{
    struct scanner *scanner = context;
    /* Half of an event would look like the whole of another; the damage is complained of. */
    return record->damaged ? OK : record_add(scanner, record->json);
}

static enum err chunk_add(struct scanner *scanner, struct str chunk)
{
    struct evtx_damage damage;
    struct why why = {0};
    enum err err = evtx_chunk(scanner->evtx, chunk, evtx_add, scanner, &damage);
    if (err != OK || damage.count == 0) {
        return err;
    }
    err = why_say(&why, ERR_SYNTAX, 0, "damaged in %zu place%s of a chunk: %s", damage.count,
                  damage.count == 1 ? "" : "s", damage.what);
    return record_complain(scanner, why_text(&why, err));
}

static enum err header_read(struct scanner *scanner)
{
    struct str header = buf_str(&scanner->block.header);
    if (scanner->block.kind == RECORDS_ZEEK) {
        return zeek_header(&scanner->rows, str_slice(header, 0, header.size - 1));
    }
    if (scanner->block.kind == RECORDS_CSV) {
        return csv_header(&scanner->rows, str_slice(header, 0, header.size - 1),
                          header.data[header.size - 1]);
    }
    return OK;
}

static enum err block_add(struct scanner *scanner)
{
    const struct block *block = &scanner->block;
    enum err err = block->stretches.size > 0 ? header_read(scanner) : OK;
    for (size_t at = 0; at < block->stretches.size && err == OK; at += sizeof(struct stretch)) {
        struct stretch stretch;
        memcpy(&stretch, block->stretches.data + at, sizeof stretch);
        struct str record = str_of(block->data.data + stretch.offset, stretch.size);
        if (block->kind == RECORDS_CSV || block->kind == RECORDS_ZEEK) {
            err = row_add(scanner, record);
        } else if (block->kind == RECORDS_EVTX) {
            err = chunk_add(scanner, record);
        } else {
            err = record_add(scanner, record);
        }
    }
    return err == OK ? batch_end(scanner) : err;
}

static void block_judge(struct scanner *scanner)
{
    struct block *block = &scanner->block;
    struct out *out = &scanner->out;
    struct mono since = scanner->options->clock();
    scanner->records = scanner->batch_first = 0;
    scanner->match_ns = 0;
    parse_memory_forget(scanner->memory);
    enum err err = buf_append(&out->complaints, buf_str(&block->complaints));
    err = err == OK ? block_add(scanner) : err;
    if (err == OK) {
        order_count(scanner->order, block, scanner->records);
    } else {
        builder_free(scanner->builder);
        scanner->builder = NULL;
        order_fail(scanner->order, err);
    }
    out->stats.bytes += block->bytes;
    out->stats.read_ns += block->read_ns;
    out->stats.match_ns += scanner->match_ns;
    out->stats.parse_ns += scanner->options->clock().ns - since.ns - scanner->match_ns;
}

void scanner_run(struct scanner *scanner)
{
    bool ended;
    struct block *block = &scanner->block;
    while ((scanner->lane = order_take(scanner->order)) != NULL) {
        struct mono since = scanner->options->clock();
        enum err err = lane_read(scanner->lane, block, &ended);
        block->read_ns = scanner->options->clock().ns - since.ns;
        if (err != OK) {
            order_fail(scanner->order, err);
            ended = true;
        }
        scanner->out.stats.packed = lane_packed(scanner->lane);
        scanner->out.stats.files = ended;
        order_give(scanner->order, scanner->lane, block, ended);
        if (err == OK) {
            block_judge(scanner);
        }
        order_put(scanner->order, scanner->lane, block, &scanner->out, true);
        numbering_release(&block->numbering);
    }
}
