/*
 * A vigil over one source: what is taken in, and what is made of it.
 *
 *     ailment       the sign                                        must last   must be gone for
 *     silent        longer than the fixed limit, else than the        -            -
 *                   learned one (rhythm.c); never under 2 minutes
 *     half-silent   a kind of record is missing for longer, counted   -            -
 *                   in records of the others, than ever; or an
 *                   expected kind never came
 *     slow          the median lag is over 2 minutes and 3 times      3 min        10 min
 *                   the usual one, and was less ten minutes ago
 *     clock         the median lag is over 1 minute or below −30 s    10 min       10 min
 *                   and does not grow
 *     parse         over 5 in 100 records, 20 at least, and over      3 min        15 min
 *                   3 times as many as usual
 *     few, many     the last whole hour: under a fifth of the         an hour      an hour
 *                   fewest, over five times the most of late
 *     flood         a minute with over ten times the most that a      -            5 min
 *                   minute ever brought, and over 600
 *     quota         records were slowed down or refused in three      -            10 min
 *                   of the last ten minutes
 *
 * A sign must last before it is an ailment, and be gone for a while before it is over: what
 * flickers is told once.
 *
 * Always true: what came while a source was silent, flooding or full of errors is no example of
 * what is usual.  A source that was never heard is not silent unless somebody said from when on it
 * is expected.
 */

#include <stdlib.h>
#include <string.h>

#include "build/private.h"

#define NS_PER_MINUTE  (60 * NS_PER_SECOND)
#define NS_PER_HOUR    (60 * NS_PER_MINUTE)
#define FORTNIGHT_NS   (14 * 24 * NS_PER_HOUR)
#define SILENCE_NS_MIN (2 * NS_PER_MINUTE) /* a look is missed, a batch waits, a link hiccups */
#define TYPE_NS        (24 * NS_PER_HOUR)  /* within which an expected kind has to come */
#define KIND_NS_MIN    (10 * NS_PER_MINUTE)
#define KIND_GAP_MIN   100
#define KIND_COUNT_MIN 20
#define SLOW_NS        (2 * NS_PER_MINUTE)
#define LATE_NS        NS_PER_MINUTE
#define EARLY_NS       (30 * NS_PER_SECOND)
#define FAILURES_MIN   20
#define FAILURES_MILLE 50
#define FLOOD_TIMES    10
#define FLOOD_MIN      600
#define VOLUME_TIMES   5
#define VOLUME_MIN     100 /* records an hour, below which more or fewer say little */
#define SLOWED_MINUTES 3

static void kinds_see(struct vigil *vigil, const struct seen *seen, struct wall now);
static void minutes_see(struct vigil *vigil, const struct seen *seen, struct wall now);
static void hour_see(struct vigil *vigil, const struct seen *seen, struct wall now);

static const struct {
    const char *text;
    int64_t enter_ns, leave_ns;
} table[AILMENT_COUNT] = {
    [AILMENT_SILENT] = {"device-silent", 0, 0},
    [AILMENT_HALF_SILENT] = {"device-half-silent", 0, 0},
    [AILMENT_SLOW] = {"device-slow", 3 * NS_PER_MINUTE, 10 * NS_PER_MINUTE},
    [AILMENT_CLOCK] = {"device-clock", 10 * NS_PER_MINUTE, 10 * NS_PER_MINUTE},
    [AILMENT_PARSE] = {"device-parse", 3 * NS_PER_MINUTE, 15 * NS_PER_MINUTE},
    [AILMENT_FEW] = {"device-few", 0, NS_PER_HOUR},
    [AILMENT_MANY] = {"device-many", 0, NS_PER_HOUR},
    [AILMENT_FLOOD] = {"device-flood", 0, 5 * NS_PER_MINUTE},
    [AILMENT_QUOTA] = {"device-quota", 0, 10 * NS_PER_MINUTE},
    [AILMENT_CHAIN] = {"chain-broken", 0, 0},
    [AILMENT_DISK_SHORT] = {"disk-short", 0, 0},
    [AILMENT_DISK_SOON] = {"disk-soon", 0, 0},
};

const char *ailment_text(enum ailment ailment)
{
    return (unsigned)ailment < AILMENT_COUNT ? table[ailment].text : "unknown";
}

enum err ailment_parse(struct str text, enum ailment *ret)
{
    for (int i = 0; i < AILMENT_COUNT; i++) {
        if (str_equal(text, str_from(table[i].text))) {
            *ret = (enum ailment)i;
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

struct vigil *vigil_new(void)
{
    struct vigil *vigil = calloc(1, sizeof *vigil);
    if (vigil != NULL) {
        rhythm_init(&vigil->rhythm);
        for (int i = 0; i < AILMENT_COUNT; i++) {
            vigil->ailments[i].since = WALL_NONE;
        }
    }
    return vigil;
}

void vigil_free(struct vigil *vigil)
{
    free(vigil);
}

void vigil_resume(struct vigil *vigil, struct wall now)
{
    struct rhythm *rhythm = &vigil->rhythm;
    if (rhythm->hour != 0) {
        rhythm->hour = now.ns / NS_PER_HOUR + 1;
        rhythm->minute = now.ns / NS_PER_MINUTE;
        rhythm->count = 0;
        rhythm->minute_count = 0;
    }
    vigil->hour = 0;
    vigil->hour_closed = 0;
    vigil->hour_running = 0;
    if (wall_known(rhythm->heard) && !vigil->ailments[AILMENT_SILENT].ill) {
        rhythm->heard = now;
    }
}

/* ---- Taking in. */

static bool is_ill(const struct vigil *vigil)
{
    return vigil->ailments[AILMENT_SILENT].ill || vigil->ailments[AILMENT_FLOOD].ill;
}

void vigil_see(struct vigil *vigil, const struct seen *seen, struct wall now)
{
    hour_see(vigil, seen, now);
    rhythm_pass(&vigil->rhythm, now, is_ill(vigil));
    rhythm_heard(&vigil->rhythm, seen->records, seen->heard);
    minutes_see(vigil, seen, now);
    kinds_see(vigil, seen, now);
}

static struct watched_kind *kind_of(struct vigil *vigil, struct str name)
{
    name = str_slice(name, 0, KIND_TEXT_MAX);
    for (size_t i = 0; i < vigil->kinds_count; i++) {
        if (str_equal(str_from(vigil->kinds[i].name), name)) {
            return &vigil->kinds[i];
        }
    }
    if (vigil->kinds_count == VIGIL_KINDS_MAX) {
        return NULL; /* further kinds are not watched by themselves */
    }
    struct watched_kind *kind = &vigil->kinds[vigil->kinds_count++];
    *kind = (struct watched_kind){.heard = WALL_NONE};
    memcpy(kind->name, name.data, name.size);
    return kind;
}

static void kinds_see(struct vigil *vigil, const struct seen *seen, struct wall now)
{
    bool fortnight = now.ns / FORTNIGHT_NS > vigil->fortnight;
    vigil->fortnight = now.ns / FORTNIGHT_NS;
    for (size_t i = 0; i < vigil->kinds_count; i++) {
        struct watched_kind *kind = &vigil->kinds[i];
        kind->since += seen->records;
        if (fortnight && kind->gap_now > 0) {
            kind->gap_before = kind->gap_now;
            kind->gap_now = 0;
        }
    }
    for (size_t i = 0; i < seen->kinds_count; i++) {
        struct watched_kind *kind =
            seen->kinds[i].count > 0 ? kind_of(vigil, seen->kinds[i].name) : NULL;
        if (kind == NULL) {
            continue;
        }
        if (kind->count > 0 && kind->since > kind->gap_now) {
            kind->gap_now = kind->since;
        }
        kind->count += seen->kinds[i].count;
        kind->heard = now;
        kind->since = 0;
    }
}

static struct minute *minute_at(struct vigil *vigil, int64_t minute)
{
    struct minute *at = &vigil->minutes[minute % MINUTES_LOOKED];
    if (at->minute != minute) {
        *at = (struct minute){.minute = minute};
    }
    return at;
}

static void minutes_see(struct vigil *vigil, const struct seen *seen, struct wall now)
{
    struct minute *at = minute_at(vigil, now.ns / NS_PER_MINUTE);
    at->records += seen->records;
    at->failures += seen->failures;
    at->slowed += seen->slowed;
    if (seen->lag_known) {
        at->lag_known = true;
        at->lag_ns = seen->lag_ns;
    }
}

static void hour_see(struct vigil *vigil, const struct seen *seen, struct wall now)
{
    int64_t hour = now.ns / NS_PER_HOUR;
    if (hour != vigil->hour) {
        bool whole = vigil->hour != 0 && hour == vigil->hour + 1;
        vigil->hour_closed = whole ? vigil->hour : 0;
        rhythm_usual(&vigil->rhythm, (struct wall){vigil->hour * NS_PER_HOUR}, &vigil->hour_low,
                     &vigil->hour_high);
        vigil->hour_records = vigil->hour_running;
        vigil->hour_running = 0;
        vigil->hour = hour;
    }
    vigil->hour_running += seen->records;
}

/* ---- Signs. */

struct signs {
    bool there[AILMENT_COUNT];
    int64_t is[AILMENT_COUNT], usual[AILMENT_COUNT];
    char detail[KIND_TEXT_MAX + 1]; /* of half-silent */
};

static void sign(struct signs *signs, enum ailment ailment, int64_t is, int64_t usual)
{
    signs->there[ailment] = true;
    signs->is[ailment] = is;
    signs->usual[ailment] = usual;
}

static bool silence_is_long(const struct rhythm *rhythm, struct wall since, struct wall now)
{
    int64_t beat;
    return rhythm_beat(rhythm, &beat) ? now.ns - since.ns > beat
                                      : rhythm_waited(rhythm, since, now) > rhythm_limit(rhythm);
}

/* Counted from the last record, but never from before we listened. */
static void silence_look(struct vigil *vigil, const struct vigil_rule *rule, struct wall now,
                         struct signs *signs)
{
    const struct rhythm *rhythm = &vigil->rhythm;
    struct wall since = wall_known(rhythm->heard) ? rhythm->heard : rule->since;
    if (!wall_known(since)) {
        return;
    }
    bool lasts = vigil->ailments[AILMENT_SILENT].ill && vigil->silent_after.ns == since.ns;
    struct wall from = since;
    if (wall_known(rule->listening) && rule->listening.ns > from.ns) {
        from = rule->listening;
    }
    bool is_long = rule->silence_ns > 0
                       ? now.ns - from.ns > rule->silence_ns
                       : now.ns - from.ns > SILENCE_NS_MIN && rhythm_known(rhythm, now) &&
                             silence_is_long(rhythm, from, now);
    if (lasts || is_long) {
        vigil->silent_after = since;
        sign(signs, AILMENT_SILENT, now.ns - since.ns, rule->silence_ns);
    }
}

static bool kind_is_missing(const struct watched_kind *kind, struct wall now)
{
    uint64_t most = kind->gap_now > kind->gap_before ? kind->gap_now : kind->gap_before;
    return kind->count >= KIND_COUNT_MIN && most > 0 && kind->since > 2 * most + KIND_GAP_MIN &&
           now.ns - kind->heard.ns > KIND_NS_MIN;
}

static void kinds_look(const struct vigil *vigil, const struct vigil_rule *rule, struct wall now,
                       struct signs *signs)
{
    const struct rhythm *rhythm = &vigil->rhythm;
    if (signs->there[AILMENT_SILENT] || !wall_known(rhythm->since)) {
        return;
    }
    for (size_t i = 0; i < vigil->kinds_count; i++) {
        const struct watched_kind *kind = &vigil->kinds[i];
        bool fixed = false;
        for (size_t t = 0; t < rule->types_count && rule->silence_ns > 0; t++) {
            fixed |= str_starts(str_from(kind->name), rule->types[t]) &&
                     now.ns - kind->heard.ns > rule->silence_ns;
        }
        if (fixed || kind_is_missing(kind, now)) {
            memcpy(signs->detail, kind->name, sizeof signs->detail);
            sign(signs, AILMENT_HALF_SILENT, now.ns - kind->heard.ns, rule->silence_ns);
            return;
        }
    }
    int64_t patience = rule->silence_ns > 0 ? rule->silence_ns : TYPE_NS;
    for (size_t t = 0; t < rule->types_count; t++) {
        bool there = false;
        for (size_t i = 0; i < vigil->kinds_count; i++) {
            there |= str_starts(str_from(vigil->kinds[i].name), rule->types[t]);
        }
        if (!there && now.ns - rhythm->since.ns > patience) {
            struct str name = str_slice(rule->types[t], 0, KIND_TEXT_MAX);
            memcpy(signs->detail, name.data, name.size);
            sign(signs, AILMENT_HALF_SILENT, now.ns - rhythm->since.ns, patience);
            return;
        }
    }
}

static int compare(const void *a, const void *b)
{
    int64_t first = *(const int64_t *)a;
    int64_t second = *(const int64_t *)b;
    return (first > second) - (first < second);
}

/* The median of the minutes' medians, and the oldest of them; false: none is known. */
static bool lag_of(const struct vigil *vigil, struct wall now, int64_t *ret, int64_t *ret_oldest)
{
    int64_t list[MINUTES_LOOKED];
    int64_t minute = now.ns / NS_PER_MINUTE;
    int64_t oldest = INT64_MAX;
    size_t count = 0;
    for (size_t i = 0; i < MINUTES_LOOKED; i++) {
        const struct minute *at = &vigil->minutes[i];
        if (at->minute > minute - MINUTES_LOOKED && at->lag_known) {
            list[count++] = at->lag_ns;
            if (at->minute < oldest) {
                oldest = at->minute;
                *ret_oldest = at->lag_ns;
            }
        }
    }
    if (count == 0) {
        return false;
    }
    qsort(list, count, sizeof *list, compare);
    *ret = list[count / 2];
    return true;
}

static void lag_look(struct vigil *vigil, struct wall now, struct signs *signs)
{
    int64_t lag;
    int64_t oldest;
    if (!lag_of(vigil, now, &lag, &oldest)) {
        return;
    }
    int64_t newest = vigil->minutes[now.ns / NS_PER_MINUTE % MINUTES_LOOKED].lag_known
                         ? vigil->minutes[now.ns / NS_PER_MINUTE % MINUTES_LOOKED].lag_ns
                         : lag;
    bool grows = newest - oldest > 30 * NS_PER_SECOND;
    int64_t usual = vigil->lag_learned ? vigil->lag_usual_ns : 0;
    if (lag > SLOW_NS && lag > 3 * usual &&
        (grows || vigil->ailments[AILMENT_SLOW].ill ||
         vigil->ailments[AILMENT_SLOW].since.ns > 0)) {
        sign(signs, AILMENT_SLOW, lag, usual);
    } else if (lag > LATE_NS || lag < -EARLY_NS) {
        sign(signs, AILMENT_CLOCK, lag, 0);
    } else {
        vigil->lag_usual_ns =
            vigil->lag_learned ? vigil->lag_usual_ns + (lag - vigil->lag_usual_ns) / 64 : lag;
        vigil->lag_learned = true;
    }
}

static void failures_look(struct vigil *vigil, struct wall now, struct signs *signs)
{
    int64_t minute = now.ns / NS_PER_MINUTE;
    uint64_t records = 0;
    uint64_t failures = 0;
    int slowed = 0;
    for (size_t i = 0; i < MINUTES_LOOKED; i++) {
        const struct minute *at = &vigil->minutes[i];
        if (at->minute > minute - MINUTES_LOOKED) {
            records += at->records;
            failures += at->failures;
            slowed += at->slowed > 0;
        }
    }
    double mille = records > 0 ? (double)failures * 1000 / (double)records : 0;
    if (failures >= FAILURES_MIN && mille > FAILURES_MILLE && mille > 3 * vigil->failures_usual) {
        sign(signs, AILMENT_PARSE, (int64_t)mille, (int64_t)vigil->failures_usual);
    } else if (records > 0) { /* learned over about a day of looks */
        vigil->failures_usual += (mille - vigil->failures_usual) / 16384;
    }
    if (slowed >= SLOWED_MINUTES) {
        sign(signs, AILMENT_QUOTA, slowed, 0);
    }
}

static void volume_look(const struct vigil *vigil, struct wall now, struct signs *signs)
{
    const struct rhythm *rhythm = &vigil->rhythm;
    const struct minute *at = &vigil->minutes[now.ns / NS_PER_MINUTE % MINUTES_LOOKED];
    double peak = rhythm_peak(rhythm);
    if (rhythm_known(rhythm, now) && peak > 0 && at->minute == now.ns / NS_PER_MINUTE &&
        (double)at->records > FLOOD_TIMES * peak && at->records > FLOOD_MIN) {
        sign(signs, AILMENT_FLOOD, (int64_t)at->records, (int64_t)peak);
    }
    if (vigil->hour_closed == 0 || !rhythm_known(rhythm, now)) {
        return;
    }
    double count = (double)vigil->hour_records;
    if (vigil->hour_high > 0 && count > VOLUME_TIMES * vigil->hour_high + VOLUME_MIN) {
        sign(signs, AILMENT_MANY, (int64_t)count, (int64_t)vigil->hour_high);
    }
    if (vigil->hour_low >= VOLUME_MIN && count < vigil->hour_low / VOLUME_TIMES) {
        sign(signs, AILMENT_FEW, (int64_t)count, (int64_t)vigil->hour_low);
    }
}

/* ---- Judging. */

static bool ailment_step(struct watched_ailment *ailment, enum ailment of, bool there,
                         struct wall now)
{
    if (there == ailment->ill) {
        ailment->since = WALL_NONE;
        return ailment->ill;
    }
    if (!wall_known(ailment->since)) {
        ailment->since = now;
    }
    if (now.ns - ailment->since.ns >= (there ? table[of].enter_ns : table[of].leave_ns)) {
        ailment->ill = there;
        ailment->since = WALL_NONE;
    }
    return ailment->ill;
}

size_t vigil_judge(struct vigil *vigil, const struct vigil_rule *rule, struct wall now,
                   struct finding list[FINDINGS_MAX])
{
    struct signs signs = {0};
    size_t count = 0;
    if (!rule->stopped) {
        silence_look(vigil, rule, now, &signs);
        kinds_look(vigil, rule, now, &signs);
    }
    lag_look(vigil, now, &signs);
    failures_look(vigil, now, &signs);
    volume_look(vigil, now, &signs);
    for (int i = 0; i < AILMENT_CHAIN; i++) {
        if (!ailment_step(&vigil->ailments[i], (enum ailment)i, signs.there[i], now)) {
            continue;
        }
        list[count] = (struct finding){
            .ailment = (enum ailment)i, .is = signs.is[i], .usual = signs.usual[i]};
        if (i == AILMENT_HALF_SILENT) {
            memcpy(list[count].detail, signs.detail, sizeof signs.detail);
        }
        count++;
    }
    return count;
}

/* ---- For people. */

/* The learned limit as a stretch of time from the last record on: found by halving, since the
 * rhythm's own time only grows. */
static int64_t limit_ns(const struct rhythm *rhythm)
{
    int64_t low = 0;
    int64_t high = 14 * 24 * NS_PER_HOUR;
    double limit = rhythm_limit(rhythm);
    if (rhythm_beat(rhythm, &high)) {
        return high > SILENCE_NS_MIN ? high : SILENCE_NS_MIN;
    }
    while (high - low > NS_PER_MINUTE) {
        int64_t middle = low + (high - low) / 2;
        bool over =
            rhythm_waited(rhythm, rhythm->heard, (struct wall){rhythm->heard.ns + middle}) > limit;
        *(over ? &high : &low) = middle;
    }
    return high > SILENCE_NS_MIN ? high : SILENCE_NS_MIN;
}

void vigil_look(const struct vigil *vigil, const struct vigil_rule *rule, struct wall now,
                struct vigil_view *ret)
{
    const struct rhythm *rhythm = &vigil->rhythm;
    int64_t minute = now.ns / NS_PER_MINUTE;
    int64_t oldest;
    *ret = (struct vigil_view){.heard = rhythm->heard, .learned = rhythm_known(rhythm, now)};
    ret->expected_ns = rule->silence_ns > 0 ? rule->silence_ns
                       : ret->learned       ? limit_ns(rhythm)
                                            : 0;
    ret->lag_known = lag_of(vigil, now, &ret->lag_ns, &oldest);
    for (size_t i = 0; i < MINUTES_LOOKED; i++) {
        const struct minute *at = &vigil->minutes[i];
        if (at->minute > minute - MINUTES_LOOKED) {
            ret->records += at->records;
            ret->failures += at->failures;
        }
    }
    rhythm_usual(rhythm, now, &ret->usual_low, &ret->usual_high);
    for (size_t i = 0; i < vigil->kinds_count; i++) {
        const struct watched_kind *kind = &vigil->kinds[i];
        ret->kinds[ret->kinds_count++] =
            (struct vigil_kind_view){kind->name, kind->count, kind->heard};
    }
}
