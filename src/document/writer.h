#pragma once

/*
 * Text in many pieces, of which the first one that fails is remembered: whoever writes looks once,
 * at the end.
 *
 *     struct writer writer = {&buf, OK} → writer_add … → writer.err
 */

#include "base/buf.h"

struct writer {
    struct buf *out;
    enum err err; /* the first one */
};
void writer_add(struct writer *writer, const char *text);
void writer_add_str(struct writer *writer, struct str text);
void writer_quote(struct writer *writer, struct str text); /* as a JSON string */
void writer_number(struct writer *writer, int64_t number);
void writer_blanks(struct writer *writer, unsigned count);
