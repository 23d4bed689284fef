/*
 * A post's body into lines and parts.
 *
 * A resend must give the same parts, whatever the parser, the bindings or the limits of the moment
 * are: so parts end by the bytes alone, before the line that would be record EVENTS_PER_BATCH_MAX +
 * 1 or would bring the part over POST_PART_SIZE.  That size is far enough under BATCH_SIZE_MAX for
 * all the fields that its records can have.
 */

#include "collect/private.h"

bool body_line(struct body_cursor *cursor, struct str *ret)
{
    while (cursor->rest.size > 0) {
        struct str line = str_cut(&cursor->rest, '\n');
        cursor->line++;
        if (line.size > 0 && line.data[line.size - 1] == '\r') {
            line.size--;
        }
        if (line.size > 0) {
            *ret = line;
            return true;
        }
    }
    return false;
}

bool body_part(struct body_cursor *cursor, struct body_part *ret)
{
    struct str line;
    size_t size = 0;
    struct body_cursor at = *cursor;
    const char *end = cursor->rest.size > 0 ? cursor->rest.data + cursor->rest.size : NULL;
    *ret = (struct body_part){.from = at};
    while (body_line(&at, &line)) {
        if (line.size <= RECORD_SIZE_MAX) {
            if (ret->records == EVENTS_PER_BATCH_MAX ||
                (ret->records > 0 && size + line.size > POST_PART_SIZE)) {
                return true;
            }
            size += line.size;
            ret->records++;
        }
        ret->end = at.rest.size > 0 ? at.rest.data : end;
        *cursor = at;
    }
    *cursor = at;
    return ret->end != NULL;
}

uint32_t body_parts(struct str body)
{
    struct body_cursor cursor = {.rest = body};
    struct body_part part;
    uint32_t parts = 0;
    while (body_part(&cursor, &part)) {
        parts += part.records > 0 ? 1 : 0;
    }
    return parts;
}
