/*
 * The records of a post's body, in parts.
 *
 * A resend must give the same parts, whatever the parser, the bindings or the limits of the moment
 * are: so parts end by the bytes alone, before the record that would be EVENTS_PER_BATCH_MAX + 1 or
 * would bring the part over POST_PART_SIZE.  That size is far enough under BATCH_SIZE_MAX for all
 * the fields that its records can have.
 *
 * A body, or a line of it, that is a JSON list of objects is so many records: services hand their
 * events over so.
 *
 * Always true: a part holds a record, and each record is in one part.
 */

#include "codec/json_list.h"
#include "collect/private.h"

bool body_line(struct str text, struct cursor *cursor, struct str *ret)
{
    while (cursor->at < text.size) {
        struct str rest = str_slice(text, cursor->at, text.size);
        size_t size = str_find_byte(rest, '\n');
        struct str line = str_slice(rest, 0, size);
        cursor->at += size == STR_NONE ? rest.size : size + 1;
        cursor->item++;
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

/* Behind a list: the rest of its line, if that is more than blanks. */
static bool list_end(struct str text, struct cursor *cursor, struct str *ret)
{
    struct str rest = str_slice(text, cursor->at, text.size);
    bool broken = rest.size > 0 && rest.data[0] == '{';
    cursor->list = broken ? LIST_NEVER : LIST_NONE;
    if (!broken && str_trim(str_slice(rest, 0, str_find_byte(rest, '\n'))).size == 0) {
        size_t size = str_find_byte(rest, '\n');
        cursor->at += size == STR_NONE ? rest.size : size + 1;
        return false;
    }
    return body_line(text, cursor, ret);
}

/* Whether a list begins here.  One may stand behind blanks, which lines may be made of: where none
 * begins behind them, none of those lines is asked again. */
static bool list_looks(struct str text, struct cursor *cursor)
{
    size_t at = 0;
    if (cursor->list != LIST_NONE || cursor->at < cursor->looked) {
        return false;
    }
    if (json_list_begin(str_slice(text, cursor->at, text.size), &at)) {
        cursor->list = LIST_INSIDE;
        cursor->at += at;
        return true;
    }
    for (at = cursor->at; at < text.size && (text.data[at] == ' ' || text.data[at] == '\t' ||
                                             text.data[at] == '\r' || text.data[at] == '\n');
         at++) {
    }
    cursor->looked = at;
    return false;
}

bool body_record(struct str text, struct cursor *cursor, struct str *ret)
{
    while (cursor->at < text.size) {
        if (cursor->list != LIST_INSIDE && !list_looks(text, cursor)) {
            return body_line(text, cursor, ret);
        }
        if (json_list_next(text, &cursor->at, ret)) {
            cursor->item++;
            return true;
        }
        if (list_end(text, cursor, ret)) {
            return true;
        }
    }
    return false;
}

bool plain_next(const struct body *body, struct cursor *cursor, struct str *ret)
{
    struct str line;
    while (body_record(body->text, cursor, &line)) {
        if (line.size <= RECORD_SIZE_MAX) {
            *ret = line;
            return true;
        }
    }
    return false;
}

uint32_t body_part(const struct body *body, struct cursor *cursor)
{
    struct cursor at = *cursor;
    struct str record;
    size_t size = 0;
    uint32_t records = 0;
    while (records < EVENTS_PER_BATCH_MAX && body->next(body, &at, &record)) {
        if (records > 0 && size + record.size > POST_PART_SIZE) {
            break;
        }
        size += record.size;
        records++;
        *cursor = at;
    }
    return records;
}

uint32_t body_parts(const struct body *body)
{
    struct cursor cursor = {0};
    uint32_t parts = 0;
    while (body_part(body, &cursor) > 0) {
        parts++;
    }
    return parts;
}
