/*
 * Evidence.  The places of all alerts are fetched in one go; if their lines are larger than an
 * answer may be, it is tried again with half of the alerts.
 *
 * Always true: an alert comes with all of its lines that can be read, or not at all; at least one
 * alert comes, since EVIDENCE_LINES_MAX lines of SHOWN_EVENT_MAX always fit.
 */

#include "serve/evidence.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/packed.h"
#include "codec/json_out.h"
#include "serve/printed.h"

#define LINES_MAX ((size_t)EVIDENCE_MAX * EVIDENCE_LINES_MAX)

_Static_assert((size_t)EVIDENCE_LINES_MAX *SHOWN_EVENT_MAX < SHOWN_ANSWER_MAX - (1 << 20),
               "one alert with its lines fits an answer");

struct line {
    uint64_t sequence;
    struct str text; /* JSON; no data: it cannot be read */
};

struct evidence {
    const struct reading *reading;
    struct arena *mem, *scratch;
    struct buf printed; /* one event */
    struct {
        struct str json;
        struct str places; /* 8 bytes each */
    } alerts[EVIDENCE_MAX];
    size_t count;
    bool more;
    struct line *lines; /* ascending */
    size_t lines_count, lines_size;
};

static enum err evidence_unpack(struct evidence *evidence, struct str packed)
{
    uint32_t more;
    enum err err = packed_take_number(&packed, &more);
    evidence->more = err == OK && more != 0;
    while (err == OK && packed.size > 0 && evidence->count < EVIDENCE_MAX) {
        struct str *places = &evidence->alerts[evidence->count].places;
        err = packed_take_text(&packed, &evidence->alerts[evidence->count].json);
        err = err == OK ? packed_take_text(&packed, places) : err;
        if (err == OK && (places->size % 8 != 0 || places->size / 8 > EVIDENCE_LINES_MAX)) {
            err = ERR_CORRUPT;
        }
        evidence->count++;
    }
    return err == OK && packed.size > 0 ? ERR_CORRUPT : err;
}

static int line_compare(const void *a, const void *b)
{
    uint64_t x = ((const struct line *)a)->sequence;
    uint64_t y = ((const struct line *)b)->sequence;
    return (x > y) - (x < y);
}

static struct line *line_find(const struct evidence *evidence, uint64_t sequence)
{
    const struct line key = {.sequence = sequence};
    return evidence->lines_count == 0
               ? NULL
               : bsearch(&key, evidence->lines, evidence->lines_count, sizeof key, line_compare);
}

static enum err line_read(void *context, struct place place, const struct event *event)
{
    struct evidence *evidence = context;
    struct line *line = line_find(evidence, place.sequence);
    struct json_out out;
    if (line == NULL) {
        return OK;
    }
    arena_reset(evidence->scratch);
    buf_reset(&evidence->printed);
    json_out_begin(&out, &evidence->printed);
    printed_event(&out, place, reading_source(evidence->reading, event->batch->source), event,
                  evidence->scratch);
    enum err err = json_out_end(&out);
    evidence->lines_size += evidence->printed.size;
    if (err == OK && evidence->lines_size > SHOWN_ANSWER_MAX) {
        err = ERR_LIMIT;
    }
    return err == OK ? arena_copy(evidence->mem, buf_str(&evidence->printed), &line->text) : err;
}

/* The lines of the first `count` alerts. */
static enum err lines_fetch(struct evidence *evidence, size_t count, struct why *why)
{
    const struct reading *reading = evidence->reading;
    evidence->lines = ARENA_ARRAY(evidence->mem, struct line, LINES_MAX);
    uint64_t *sequences = ARENA_ARRAY(evidence->mem, uint64_t, LINES_MAX);
    size_t all = 0;
    if (evidence->lines == NULL || sequences == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        struct str places = evidence->alerts[i].places;
        for (; places.size >= 8; places = str_slice(places, 8, places.size)) {
            evidence->lines[all++] = (struct line){.sequence = get_u64(places.data)};
        }
    }
    qsort(evidence->lines, all, sizeof *evidence->lines, line_compare);
    evidence->lines_count = 0;
    evidence->lines_size = 0;
    for (size_t i = 0; i < all; i++) {
        size_t last = evidence->lines_count;
        if (last == 0 || evidence->lines[last - 1].sequence != evidence->lines[i].sequence) {
            sequences[last] = evidence->lines[i].sequence;
            evidence->lines[evidence->lines_count++] = evidence->lines[i];
        }
    }
    return reader_fetch(reading->scope, reading->reader, reading->client, sequences,
                        evidence->lines_count, line_read, evidence, why);
}

static void alert_print(const struct evidence *evidence, size_t at, struct json_out *out)
{
    struct str places = evidence->alerts[at].places;
    json_object(out, NULL);
    json_raw(out, "alert", evidence->alerts[at].json);
    json_list(out, "lines");
    for (; places.size >= 8; places = str_slice(places, 8, places.size)) {
        const struct line *line = line_find(evidence, get_u64(places.data));
        if (line != NULL && line->text.data != NULL) {
            json_raw(out, NULL, line->text);
        }
    }
    json_close(out);
    json_close(out);
}

/* ERR_LIMIT: so many do not fit. */
static enum err evidence_print(struct evidence *evidence, size_t count, struct buf *text,
                               struct why *why)
{
    struct json_out out;
    arena_reset(evidence->mem);
    buf_reset(text);
    enum err err = lines_fetch(evidence, count, why);
    if (err != OK) {
        return err;
    }
    json_out_begin(&out, text);
    json_object(&out, NULL);
    json_list(&out, "alerts");
    for (size_t i = 0; i < count; i++) {
        alert_print(evidence, i, &out);
    }
    json_close(&out);
    json_yes_no(&out, "more", evidence->more || count < evidence->count);
    json_close(&out);
    return json_out_end(&out);
}

enum err evidence_answer(const struct reading *reading, struct str packed, struct why *why)
{
    struct evidence *evidence = calloc(1, sizeof *evidence);
    struct buf text;
    if (evidence == NULL) {
        return ERR_MEMORY;
    }
    evidence->reading = reading;
    evidence->mem = arena_new((size_t)2 * SHOWN_ANSWER_MAX);
    evidence->scratch = arena_new((size_t)64 << 20);
    buf_init(&evidence->printed, SHOWN_ANSWER_MAX);
    buf_init(&text, SHOWN_ANSWER_MAX);
    enum err err = evidence->mem == NULL || evidence->scratch == NULL
                       ? ERR_MEMORY
                       : evidence_unpack(evidence, packed);
    size_t count = evidence->count;
    if (err == OK) {
        err = evidence_print(evidence, count, &text, why);
    }
    while (err == ERR_LIMIT && count > 1) {
        count /= 2;
        err = evidence_print(evidence, count, &text, why);
    }
    err = err == OK ? reading->output(reading->output_context, buf_str(&text)) : err;
    buf_done(&text);
    buf_done(&evidence->printed);
    arena_free(evidence->mem);
    arena_free(evidence->scratch);
    free(evidence);
    return err;
}
