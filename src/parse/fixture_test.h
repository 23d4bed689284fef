#pragma once

/* One record parsed, as front does it, and what became of it. */

#include "event/batch.h"
#include "event/builder.h"
#include "parse/parse.h"

/* Everything in it lives until parsed_done. */
struct parsed {
    struct builder *builder;
    struct arena *mem;
    struct batch batch;
    struct event event; /* its `batch` is set by parsed_field, since this struct is handed around */
};

/* By the parser of that name; ends the test if there is none, or if the batch is not sound. */
struct parsed parsed_with(const char *parser, struct str record,
                          const struct parse_context *context);
void parsed_done(struct parsed *parsed);

/* The readable form of a field's (first) value; "(none)" if there is no such field. */
struct str parsed_field(struct parsed *parsed, const char *name);
/* Ends the test, with both on the output, unless the field's value is this one. */
void has(struct parsed *parsed, const char *name, const char *expected);
