#pragma once

/*
 * OpenTelemetry's logs as records: each LogRecord a JSON object with what stands around it,
 *
 *     {"resource":{…},"scope":{…},"logRecord":{…}}
 *
 * the same for protobuf and JSON (docs/ingest.md).
 */

#include "codec/protobuf.h"

extern const struct protobuf_message otlp_resource, otlp_scope, otlp_record;

/* Told of each record; an error ends the walk and is returned. */
typedef enum err otlp_call(void *context, struct str resource, struct str scope, struct str record);
/* Walks an ExportLogsServiceRequest; resource and scope come as JSON.  A record that cannot be
 * told comes as the empty text.  ERR_SYNTAX: it is none. */
NODISCARD enum err otlp_walk_protobuf(struct str body, size_t size_max, otlp_call *call,
                                      void *context);
NODISCARD enum err otlp_walk_json(struct str body, otlp_call *call, void *context);
