/*
 * What rules saw for correlations, gathered until the last file has been read.
 *
 * Correlations ask what happened within a time, and files do not follow time: what was seen in all
 * of them is put in the order of the events' own times (then of the scan), and only then shown to
 * one correlator.  So the order of files on the command line changes nothing about what is found.
 *
 *     happenings   one for each event that was seen: where it lies, and what a line says of it
 *     sights       one for each rule that saw it: time, rule, the values that correlations ask for
 *
 * What a line says of an event may be large and is needed for few: it waits in a file without a
 * name (sys/spill.h).  Everything else stays in memory, SCAN_SIGHTINGS_MAX at most; what comes
 * beyond is left out, and that is complained of.
 *
 * Always true: an event's place has the sequence number of its happening plus one, so that the
 * numbers in a correlation's alert lead back to files and records.
 */

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "replay/private.h"
#include "sys/spill.h"

#define SPILL_SIZE_MAX ((uint64_t)8 * 1024 * 1024 * 1024)
#define STATE_SIZE_MAX ((size_t)64 * 1024 * 1024)
#define TURN_SIZE_MAX  ((size_t)256 * 1024 * 1024)
#define TEXT_SIZE_MAX  ((size_t)64 * 1024 * 1024)
#define CELLS_MAX      (SCAN_SIGHTINGS_MAX / 3)

struct happening {
    const char *path;
    uint64_t record;
    struct wall happened;
    uint64_t spilled;             /* offset of host and event */
    uint32_t member, member_size; /* in texts */
    uint32_t host_size, event_size;
};

struct sight {
    struct wall at, received;
    uint32_t happening;
    uint32_t rule;
    uint32_t values, values_size; /* in texts */
};

struct past {
    const struct ruleset *ruleset;
    struct buf happenings, sights, texts;
    struct str member; /* the last one kept, in texts */
    struct spill *spill;
    bool full;
    enum err refused; /* the first error of the spill */
};

enum err past_new(const struct ruleset *ruleset, struct past **ret)
{
    struct past *past = calloc(1, sizeof *past);
    if (past == NULL) {
        return ERR_MEMORY;
    }
    past->ruleset = ruleset;
    buf_init(&past->happenings, CELLS_MAX);
    buf_init(&past->sights, CELLS_MAX);
    buf_init(&past->texts, CELLS_MAX);
    enum err err = spill_new(SPILL_SIZE_MAX, &past->spill);
    if (err != OK) {
        past_free(past);
        return err;
    }
    *ret = past;
    return OK;
}

void past_free(struct past *past)
{
    if (past != NULL) {
        buf_done(&past->happenings);
        buf_done(&past->sights);
        buf_done(&past->texts);
        spill_free(past->spill);
        free(past);
    }
}

static enum err text_keep(struct past *past, struct str text, uint32_t *ret_offset)
{
    *ret_offset = (uint32_t)past->texts.size;
    return buf_append(&past->texts, text);
}

static enum err happening_keep(struct past *past, const char *path, struct str member,
                               const struct seen *seen, struct str shown)
{
    struct happening happening = {
        .path = path,
        .record = seen->record,
        .happened = seen->happened,
        .member_size = (uint32_t)member.size,
        .host_size = seen->host_size,
        .event_size = seen->event_size,
    };
    enum err err = text_keep(past, member, &happening.member);
    err = err == OK ? spill_append(past->spill, shown, &happening.spilled) : err;
    return err == OK ? buf_append(&past->happenings, str_of(&happening, sizeof happening)) : err;
}

/* Takes one off the front of *bytes. */
static enum err seen_keep(struct past *past, const char *path, struct str member, struct str *bytes)
{
    struct seen seen;
    memcpy(&seen, bytes->data, sizeof seen);
    struct str values = str_slice(*bytes, sizeof seen, seen.values_size);
    struct str shown =
        str_slice(*bytes, sizeof seen + values.size, (size_t)seen.host_size + seen.event_size);
    *bytes = str_slice(*bytes, sizeof seen + values.size + shown.size, SIZE_MAX);
    if (past->full) {
        return OK;
    }
    struct sight sight = {
        .at = seen.at,
        .received = seen.received,
        .rule = seen.rule,
        .values_size = (uint32_t)values.size,
    };
    enum err err = seen.event_size > 0 ? happening_keep(past, path, member, &seen, shown) : OK;
    sight.happening = (uint32_t)(past->happenings.size / sizeof(struct happening)) - 1;
    err = err == OK ? text_keep(past, values, &sight.values) : err;
    return err == OK ? buf_append(&past->sights, str_of(&sight, sizeof sight)) : err;
}

enum err past_add(struct past *past, const char *path, struct str member, struct str sightings)
{
    while (sightings.size > 0) {
        enum err err = seen_keep(past, path, member, &sightings);
        if (err == ERR_MEMORY) {
            return err;
        }
        if (err != OK) {
            past->full = true;
            past->refused = err;
        }
    }
    return OK;
}

enum err past_refused(const struct past *past)
{
    return past->refused;
}

/* ---- At the end. */

struct telling {
    struct past *past;
    past_tell *tell;
    void *context;
    struct arena *turn;
    struct buf text, alerts;
};

static struct sight *sight_at(const struct past *past, size_t index)
{
    return (struct sight *)(void *)past->sights.data + index;
}

static struct happening *happening_at(const struct past *past, size_t index)
{
    return (struct happening *)(void *)past->happenings.data + index;
}

static struct origin origin_of(const struct past *past, const struct happening *happening)
{
    return (struct origin){
        .file = str_from(happening->path),
        .member = str_slice(buf_str(&past->texts), happening->member, happening->member_size),
        .record = happening->record,
    };
}

static int by_time(const void *a, const void *b)
{
    const struct sight *x = a;
    const struct sight *y = b;
    if (x->at.ns != y->at.ns) {
        return x->at.ns < y->at.ns ? -1 : 1;
    }
    if (x->happening != y->happening) {
        return x->happening < y->happening ? -1 : 1;
    }
    return x->rule < y->rule ? -1 : x->rule > y->rule;
}

/* The numbers of an alert's records, led back. */
static enum err records_find(const struct telling *telling, struct str numbers, struct origins *ret)
{
    size_t known = telling->past->happenings.size / sizeof(struct happening);
    struct origin *list = ARENA_ARRAY(telling->turn, struct origin, ALERT_RECORDS_MAX);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    *ret = (struct origins){.list = list};
    while (numbers.size > 0 && ret->count < ALERT_RECORDS_MAX) {
        uint64_t number;
        enum err err = str_to_u64(str_cut(&numbers, ' '), known, &number);
        if (err != OK || number == 0) {
            return ERR_CORRUPT;
        }
        list[ret->count++] = origin_of(telling->past, happening_at(telling->past, number - 1));
    }
    return OK;
}

static enum err alert_tell(struct telling *telling, const struct alert *alert)
{
    struct past *past = telling->past;
    const struct happening *happening = happening_at(past, alert->place.sequence - 1);
    size_t size = (size_t)happening->host_size + happening->event_size;
    struct origin origin = origin_of(past, happening);
    struct origins records;
    char *room;
    buf_reset(&telling->text);
    enum err err = records_find(telling, alert->records, &records);
    err = err == OK ? buf_extend(&telling->text, size, &room) : err;
    err = err == OK ? spill_read(past->spill, happening->spilled, room, size) : err;
    if (err != OK) {
        return err;
    }
    struct str text = buf_str(&telling->text);
    struct shown shown = {
        .happened = happening->happened,
        .host = str_slice(text, 0, happening->host_size),
        .event = str_slice(text, happening->host_size, happening->event_size),
    };
    return telling->tell(telling->context, alert, &shown, &origin, &records, telling->turn);
}

static enum err sight_feed(struct telling *telling, struct correlator *correlator,
                           const struct sight *sight)
{
    struct sighting sighting = {
        .rule = sight->rule,
        .place = {.sequence = (uint64_t)sight->happening + 1},
        .received = sight->received,
        .at = sight->at,
        .values = str_slice(buf_str(&telling->past->texts), sight->values, sight->values_size),
    };
    buf_reset(&telling->alerts);
    enum err err = correlator_feed(correlator, &sighting, telling->turn, &telling->alerts);
    for (size_t at = 0; at < telling->alerts.size && err == OK; at += sizeof(struct alert)) {
        struct alert alert;
        memcpy(&alert, telling->alerts.data + at, sizeof alert);
        err = alert_tell(telling, &alert);
    }
    return err;
}

enum err past_end(struct past *past, past_tell *tell, void *context)
{
    size_t count = past->sights.size / sizeof(struct sight);
    struct correlator *correlator;
    if (count == 0) {
        return OK;
    }
    qsort(past->sights.data, count, sizeof(struct sight), by_time);
    enum err err = correlator_new(past->ruleset, STATE_SIZE_MAX, &correlator);
    if (err != OK) {
        return err;
    }
    struct telling telling = {past, tell, context, arena_new(TURN_SIZE_MAX), {0}, {0}};
    buf_init(&telling.text, TEXT_SIZE_MAX);
    buf_init(&telling.alerts, TEXT_SIZE_MAX);
    err = telling.turn == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < count && err == OK; i++) {
        arena_reset(telling.turn);
        err = sight_feed(&telling, correlator, sight_at(past, i));
    }
    buf_done(&telling.text);
    buf_done(&telling.alerts);
    arena_free(telling.turn);
    correlator_free(correlator);
    return err;
}
