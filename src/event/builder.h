#pragma once

/*
 * Makes batches, an event at a time.  collect begins and ends an event, parse fills it between:
 *
 *     builder_new → builder_begin → builder_span … → builder_end … → builder_finish
 *         → (the bytes are used) → builder_reset → …
 *
 * An event that does not fit fails with ERR_LIMIT at builder_begin or builder_end: the caller
 * finishes the batch, resets, and gives the event again.  Fields beyond a limit are left out and
 * the event is flagged; an event is never refused for its fields.
 */

#include "event/batch.h"

struct builder;

/* NULL when out of memory. */
struct builder *builder_new(struct client_id client, struct source_id source);
void builder_free(struct builder *builder);
void builder_reset(struct builder *builder); /* client and source stay; a key is forgotten */

/* Starts an event with a copy of its record (at most RECORD_SIZE_MAX bytes). */
NODISCARD enum err builder_begin(struct builder *builder, struct str record, struct wall received);

/* The record of the event begun, as it lies in the builder; spans are offsets in it. */
struct str builder_record(const struct builder *builder);
/* A field whose value is a stretch of the record.  Returns a place for what the caller knows of the
 * name, 0 at first: the same name leads there again.  NULL if the field was left out.  Valid until
 * the next call on this builder. */
uint64_t *builder_span(struct builder *builder, struct str name, size_t offset, size_t size,
                       enum span_how how);
/* A field whose value the record does not spell out. */
void builder_derive(struct builder *builder, struct str name, struct str value);
void builder_derive_as(struct builder *builder, struct str name, struct str value,
                       enum span_how how);
/* The same for names that stay as they are and where they are while the builder lives: a constant,
 * which is known again by its address. */
void builder_span_known(struct builder *builder, const struct str *name, size_t offset, size_t size,
                        enum span_how how);
void builder_derive_known(struct builder *builder, const struct str *name, struct str value,
                          enum span_how how);
void builder_happened(struct builder *builder, struct wall happened);
void builder_class(struct builder *builder, struct str class); /* "category/product/service" */
void builder_parser(struct builder *builder, struct str parser);
void builder_error(struct builder *builder, struct str error); /* one short sentence */

NODISCARD enum err builder_end(struct builder *builder);
/* Forgets the event begun, so that it can be parsed again another way or dropped. */
void builder_abandon(struct builder *builder);
/* Forgets only what parsing found in the event begun. */
void builder_unparse(struct builder *builder);

uint32_t builder_events(const struct builder *builder);
void builder_key(struct builder *builder, const struct batch_key *key);

/* The batch, valid until the next call on this builder; ERR_NOT_FOUND without an event. */
NODISCARD enum err builder_finish(struct builder *builder, struct str *ret);
