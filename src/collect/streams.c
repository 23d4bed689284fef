/*
 * The open batches of syslog: one for each source, handed over when full or a few milliseconds old.
 *
 * Always true: a record that was taken stands in exactly one builder until the batch call took that
 * builder's batch; an error of that call leaves the builder as it is, to be offered again.
 */

#include <stdlib.h>
#include <string.h>

#include "collect/private.h"
#include "sys/clocks.h"

#define STREAM_IDLE_MS 10000

static struct stream *stream_get(struct collect *collect, const struct binding *binding)
{
    struct streams *streams = &collect->streams;
    uint32_t ids[2] = {binding->client.value, binding->source.value};
    uint64_t value;
    if (streams->last != NULL && client_equal(streams->last->client, binding->client) &&
        streams->last->source.value == binding->source.value) {
        return streams->last;
    }
    if (map_get(&streams->by_source, str_of(ids, sizeof ids), &value)) {
        streams->last = (struct stream *)(uintptr_t)value;
        return streams->last;
    }
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        return NULL;
    }
    *stream = (struct stream){.client = binding->client,
                              .source = binding->source,
                              .builder = builder_new(binding->client, binding->source),
                              .next = streams->first};
    if (stream->builder == NULL ||
        map_put(&streams->by_source, str_of(ids, sizeof ids), (uintptr_t)stream) != OK) {
        builder_free(stream->builder);
        free(stream);
        return NULL;
    }
    streams->first = stream;
    streams->last = stream;
    return stream;
}

static void stream_settle(struct collect *collect, struct stream *stream)
{
    if (stream->datagrams > 0) {
        drain_settle(collect->drain, stream->listener->drain, stream->datagrams);
        stream->datagrams = 0;
    }
}

void stream_owes(struct collect *collect, struct listener *listener)
{
    struct stream *stream = collect->streams.last;
    if (stream->listener != listener) {
        if (stream->datagrams > 0) { /* one number is kept, not one for each */
            drain_shift(collect->drain, stream->listener->drain, listener->drain,
                        stream->datagrams);
        }
        stream->listener = listener;
    }
    stream->datagrams++;
}

static enum err stream_flush(struct collect *collect, struct stream *stream)
{
    struct str bytes;
    uint64_t position;
    uint32_t events = builder_events(stream->builder);
    if (events == 0) {
        return OK;
    }
    enum err err = builder_finish(stream->builder, &bytes);
    if (err == OK) {
        err = collect->calls.batch(collect->calls.context, bytes, stream->client, stream->source,
                                   events, &position);
    }
    if (err == OK) {
        builder_reset(stream->builder);
        stream_settle(collect, stream);
    }
    return err;
}

enum err record_add(struct collect *collect, const struct binding *binding, struct str sender,
                    struct str record, struct wall received, struct builder *builder)
{
    enum err err = builder_begin(builder, record, received);
    if (err != OK) {
        return err;
    }
    collect->calls.parse(collect->calls.context, binding, sender, received, builder);
    return builder_end(builder);
}

enum err stream_add(struct collect *collect, const struct binding *binding, struct str sender,
                    struct str record, struct wall received)
{
    struct stream *stream = stream_get(collect, binding);
    if (stream == NULL) {
        return ERR_AGAIN;
    }
    enum err err = record_add(collect, binding, sender, record, received, stream->builder);
    if (err == ERR_LIMIT && builder_events(stream->builder) > 0) {
        err = stream_flush(collect, stream);
        if (err == OK) {
            err = record_add(collect, binding, sender, record, received, stream->builder);
        }
    }
    if (err != OK) {
        return ERR_AGAIN;
    }
    if (builder_events(stream->builder) == 1) {
        stream->used = mono_now();
    }
    collect_tick(collect);
    return OK;
}

enum err streams_flush(struct collect *collect)
{
    enum err result = OK;
    for (struct stream *stream = collect->streams.first; stream != NULL && result == OK;
         stream = stream->next) {
        result = stream_flush(collect, stream);
    }
    return result;
}

void streams_sweep(struct collect *collect, struct mono now)
{
    collect->streams.last = NULL;
    for (struct stream **at = &collect->streams.first; *at != NULL;) {
        struct stream *stream = *at;
        if (builder_events(stream->builder) > 0 ||
            mono_ms_since(stream->used, now) < STREAM_IDLE_MS) {
            at = &stream->next;
            continue;
        }
        uint32_t ids[2] = {stream->client.value, stream->source.value};
        (void)map_remove(&collect->streams.by_source, str_of(ids, sizeof ids));
        *at = stream->next;
        builder_free(stream->builder);
        free(stream);
    }
}

void streams_done(struct collect *collect)
{
    collect->streams.last = NULL;
    while (collect->streams.first != NULL) {
        struct stream *stream = collect->streams.first;
        collect->streams.first = stream->next;
        builder_free(stream->builder);
        free(stream);
    }
    map_done(&collect->streams.by_source);
}
