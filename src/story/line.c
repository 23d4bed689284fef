/*
 * A line as its device writes it.
 *
 *     rfc3164    <134>Nov 22 08:30:00 HOST PROGRAM: TEXT
 *     rfc5424    <134>1 2026-11-22T08:30:00.000000Z HOST PROGRAM - - - TEXT
 *     raw        TEXT
 *     json       {"NAME": TEXT, …}
 *
 * Times are in UTC.
 */

#include "codec/json_out.h"
#include "codec/time.h"
#include "story/private.h"

static enum err fields_say(const struct line *line, const struct said *said, struct buf *out);

enum err line_say(const struct story_device *device, const struct line *line,
                  const struct said *said, struct buf *out)
{
    char stamp[TIME_TEXT_SIZE];
    enum err err = OK;
    switch (device->format) {
    case STORY_RFC3164:
        err = buf_print(out, "<%u>", device->priority);
        err = err == OK ? stamp_rfc3164(said->stamp, out) : err;
        err = err == OK
                  ? buf_print(out, " %.*s %.*s: ", STR_ARG(device->host), STR_ARG(device->program))
                  : err;
        break;
    case STORY_RFC5424:
        err = buf_print(out, "<%u>1 %s %.*s %.*s - - - ", device->priority,
                        time_print(said->stamp, stamp), STR_ARG(device->host),
                        STR_ARG(device->program));
        break;
    case STORY_JSON:
        return fields_say(line, said, out);
    default:
        break;
    }
    return err == OK ? text_say(&line->text, said, out) : err;
}

static enum err fields_say(const struct line *line, const struct said *said, struct buf *out)
{
    struct json_out json;
    struct buf value;
    enum err err = OK;
    buf_init(&value, LINE_SIZE_MAX);
    json_out_begin(&json, out);
    json_object(&json, NULL);
    for (size_t i = 0; i < line->fields_count && err == OK; i++) {
        const struct field *field = &line->fields[i];
        buf_reset(&value);
        err = text_say(&field->text, said, &value);
        if (err == OK && field->number) {
            json_raw(&json, field->name.data, buf_str(&value));
        } else if (err == OK) {
            json_text(&json, field->name.data, buf_str(&value));
        }
    }
    json_close(&json);
    buf_done(&value);
    enum err ended = json_out_end(&json);
    return err == OK ? ended : err;
}
