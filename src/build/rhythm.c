/*
 * Learning what is usual.
 *
 *     hours     each hour of the week keeps the fewest and the most records of late.  The fewest
 *               falls at once and rises by a quarter of the difference a week; the most does the
 *               opposite, but believes no more than four times what it knew.  So one quiet Monday
 *               makes us careful for some weeks, and one flood does not make us expect floods.
 *     waits     the longest wait of this fortnight and of the one before, in the rhythm's own time,
 *               with how much waits differ: a beat by the clock is known at once, arrivals by
 *               chance need room for chance.
 *
 * For arrivals by chance, waits in the rhythm's own time are exponential with a mean of 1, whatever
 * the hour; so the longest of n is about ln n, and twice that with some room is passed by chance
 * once in many years.  For a beat by the clock they all are about 1, and twice that is the second
 * beat that is missing.
 *
 * A source whose waits hardly differ in plain seconds comes by the clock all day and all week; then
 * twice the longest is counted in plain seconds, which needs no hours to be learned.
 *
 * Until an hour of the week was seen, the same hour of other days of its sort (working days, or
 * days off) stands in for it; where there is none, that hour does not count.
 *
 * Always true: an hour that was learned from has passed whole and was no example of an illness;
 * nothing here asks for the time.
 */

#include "build/rhythm.h"

#include "calendar/calendar.h"
#include "codec/time.h"

#define NS_PER_HOUR    (3600 * NS_PER_SECOND)
#define NS_PER_MINUTE  (60 * NS_PER_SECOND)
#define FORTNIGHT_NS   (14 * 24 * NS_PER_HOUR)
#define JAPAN_HOURS    9
#define WAITS_WANTED   50 /* before a longest one means something */
#define KNOWN_NS       (3 * 24 * NS_PER_HOUR)
#define WEEKS_LOOKED   2 /* that a silence is added up over; longer ones are long enough */
#define BELIEVED       4.0
#define ROOM           4.0 /* for chance, times how irregular the waits are */
#define BEAT_IRREGULAR 0.05
#define HOURS_PASS_MAX (24 * 14)

static double longest(double now, double before);
static double expected(const struct rhythm *rhythm, struct wall from, struct wall to);

void rhythm_init(struct rhythm *rhythm)
{
    *rhythm = (struct rhythm){.since = WALL_NONE, .heard = WALL_NONE};
}

static unsigned weekday_of(int64_t day)
{
    struct civil at;
    time_to_civil((struct wall){day * 24 * NS_PER_HOUR}, &at);
    unsigned weekday = (unsigned)((day + 3) % 7); /* 1970-01-01 was a Thursday */
    bool works = weekday < 5 && holiday_japan(at.year, at.month, at.day) == NULL;
    return works || weekday >= 5 ? weekday : 6;
}

unsigned rhythm_hour_of_week(int64_t hour)
{
    const int64_t local = hour + JAPAN_HOURS;
    return weekday_of(local / 24) * 24 + (unsigned)(local % 24);
}

/* ---- Learning. */

static void hour_learn(struct rhythm *rhythm, unsigned at, double count)
{
    float *low = &rhythm->low[at];
    float *high = &rhythm->high[at];
    if (rhythm->weeks[at] == 0) {
        *low = (float)count;
        *high = (float)count;
        rhythm->mean[at] = (float)count;
    } else {
        double believed = BELIEVED * (double)*high + 20;
        double most = count < believed ? count : believed;
        *low = (float)(count < (double)*low ? count : (double)*low + (most - (double)*low) / 4);
        rhythm->mean[at] += (float)((most - (double)rhythm->mean[at]) / 4);
        *high = (float)(most > (double)*high ? most : (double)*high + (most - (double)*high) / 4);
    }
    if (rhythm->weeks[at] < UINT8_MAX) {
        rhythm->weeks[at]++;
    }
}

static void minute_close(struct rhythm *rhythm, bool ill)
{
    double count = (double)rhythm->minute_count;
    double believed = rhythm_peak(rhythm);
    if (believed > 0 && count > BELIEVED * believed + 20) {
        count = BELIEVED * believed + 20;
    }
    if (!ill && count > rhythm->peak_now) {
        rhythm->peak_now = count;
    }
    rhythm->minute_count = 0;
}

static void fortnight_pass(struct rhythm *rhythm, struct wall now)
{
    int64_t fortnight = now.ns / FORTNIGHT_NS;
    if (fortnight > rhythm->fortnight) {
        if (rhythm->wait_now > 0) { /* a fortnight of silence teaches nothing */
            rhythm->wait_before = rhythm->wait_now;
            rhythm->peak_before = rhythm->peak_now;
            rhythm->beat_before = rhythm->beat_now;
            rhythm->beat_now = 0;
            rhythm->wait_now = 0;
            rhythm->peak_now = 0;
        }
        rhythm->fortnight = fortnight;
    }
}

void rhythm_pass(struct rhythm *rhythm, struct wall now, bool ill)
{
    int64_t hour = now.ns / NS_PER_HOUR;
    int64_t minute = now.ns / NS_PER_MINUTE;
    if (!wall_known(rhythm->since)) {
        return;
    }
    if (rhythm->hour == 0) { /* what is left of the first hour is no whole one */
        rhythm->hour = hour + 1;
        rhythm->minute = minute;
        rhythm->fortnight = now.ns / FORTNIGHT_NS;
        rhythm->count = 0;
    }
    if (minute > rhythm->minute) {
        minute_close(rhythm, ill);
        rhythm->minute = minute;
    }
    for (int i = 0; rhythm->hour < hour && i < HOURS_PASS_MAX; i++) {
        if (!ill) {
            hour_learn(rhythm, rhythm_hour_of_week(rhythm->hour), (double)rhythm->count);
        }
        rhythm->count = 0;
        rhythm->hour++;
    }
    if (rhythm->hour < hour) { /* nobody looked for a fortnight: that is nobody's rhythm */
        rhythm->hour = hour;
    }
    fortnight_pass(rhythm, now);
}

static double longest(double now, double before)
{
    return now > before ? now : before;
}

static void beat_learn(struct rhythm *rhythm, struct wall heard)
{
    double wait = (double)(heard.ns - rhythm->heard.ns) / (double)NS_PER_SECOND;
    double most = longest(rhythm->beat_now, rhythm->beat_before);
    if (rhythm->waits > WAITS_WANTED && wait > 1.5 * most) {
        wait = 1.5 * most;
    }
    rhythm->beats_sum += wait;
    rhythm->beats_square += wait * wait;
    if (wait > rhythm->beat_now) {
        rhythm->beat_now = wait;
    }
}

static void wait_learn(struct rhythm *rhythm, struct wall heard)
{
    double wait = expected(rhythm, rhythm->heard, heard);
    double most = longest(rhythm->wait_now, rhythm->wait_before);
    if (wait <= 0) {
        return;
    }
    beat_learn(rhythm, heard);
    rhythm->waits++;
    rhythm->waits_sum += wait;
    rhythm->waits_square += wait * wait;
    if (rhythm->waits > WAITS_WANTED && wait > 1.5 * most) {
        wait = 1.5 * most; /* after an outage as long as a week, a week is not usual */
    }
    if (wait > rhythm->wait_now) {
        rhythm->wait_now = wait;
    }
    if (rhythm->waits >= 100000) { /* old ones count less */
        rhythm->waits /= 2;
        rhythm->waits_sum /= 2;
        rhythm->waits_square /= 2;
        rhythm->beats_sum /= 2;
        rhythm->beats_square /= 2;
    }
}

void rhythm_heard(struct rhythm *rhythm, uint64_t count, struct wall heard)
{
    if (!wall_known(heard) || count == 0) {
        return;
    }
    if (!wall_known(rhythm->since)) {
        rhythm->since = heard;
    } else if (heard.ns > rhythm->heard.ns) {
        wait_learn(rhythm, heard);
    }
    if (!wall_known(rhythm->heard) || heard.ns > rhythm->heard.ns) {
        rhythm->heard = heard;
    }
    rhythm->count += count;
    rhythm->minute_count += count;
}

/* ---- Looking. */

/* The square of the waits' coefficient of variation: 0 of a beat by the clock, 1 of pure chance. */
static double irregular(const struct rhythm *rhythm)
{
    if (rhythm->waits < WAITS_WANTED) {
        return 1;
    }
    double mean = rhythm->waits_sum / (double)rhythm->waits;
    double square = rhythm->waits_square / (double)rhythm->waits;
    double found = mean > 0 ? square / (mean * mean) - 1 : 1;
    return found < 0 ? 0 : found > 1 ? 1 : found;
}

static double other_days(const struct rhythm *rhythm, unsigned at)
{
    const unsigned hour = at % 24;
    const bool off = at / 24 >= 5;
    double least = -1;
    for (unsigned day = off ? 5 : 0; day < (off ? 7u : 5u); day++) {
        unsigned other = day * 24 + hour;
        if (rhythm->weeks[other] > 0 && (least < 0 || (double)rhythm->low[other] < least)) {
            least = (double)rhythm->low[other];
        }
    }
    return least < 0 ? 0 : least;
}

/* Of a beat the mean, of chance the fewest. */
static double counted_on(const struct rhythm *rhythm, unsigned at, double chance)
{
    if (rhythm->weeks[at] == 0) {
        return other_days(rhythm, at);
    }
    double low = (double)rhythm->low[at];
    return low + ((double)rhythm->mean[at] - low) * (1 - chance);
}

static double expected(const struct rhythm *rhythm, struct wall from, struct wall to)
{
    const double chance = irregular(rhythm);
    const int64_t first = to.ns - (int64_t)WEEKS_LOOKED * 7 * 24 * NS_PER_HOUR;
    int64_t at = from.ns > first ? from.ns : first;
    int64_t day = -1;
    unsigned weekday = 0;
    double sum = 0;
    while (at < to.ns) {
        int64_t hour = at / NS_PER_HOUR;
        int64_t end = (hour + 1) * NS_PER_HOUR;
        int64_t local = hour + JAPAN_HOURS;
        end = end < to.ns ? end : to.ns;
        if (local / 24 != day) {
            day = local / 24;
            weekday = weekday_of(day);
        }
        sum += counted_on(rhythm, weekday * 24 + (unsigned)(local % 24), chance) *
               (double)(end - at) / (double)NS_PER_HOUR;
        at = end;
    }
    return sum;
}

bool rhythm_known(const struct rhythm *rhythm, struct wall now)
{
    return wall_known(rhythm->since) && now.ns - rhythm->since.ns >= KNOWN_NS &&
           rhythm->waits >= WAITS_WANTED;
}

double rhythm_waited(const struct rhythm *rhythm, struct wall since, struct wall now)
{
    return wall_known(since) ? expected(rhythm, since, now) : 0;
}

bool rhythm_beat(const struct rhythm *rhythm, int64_t *ret_ns)
{
    if (rhythm->waits < WAITS_WANTED) {
        return false;
    }
    double mean = rhythm->beats_sum / (double)rhythm->waits;
    double square = rhythm->beats_square / (double)rhythm->waits;
    if (mean <= 0 || square / (mean * mean) - 1 > BEAT_IRREGULAR) {
        return false;
    }
    *ret_ns = (int64_t)(2 * longest(rhythm->beat_now, rhythm->beat_before) * NS_PER_SECOND);
    return true;
}

double rhythm_limit(const struct rhythm *rhythm)
{
    double most = longest(rhythm->wait_now, rhythm->wait_before);
    double mean = rhythm->waits > 0 ? rhythm->waits_sum / (double)rhythm->waits : 1;
    return 2 * most + ROOM * irregular(rhythm) * (mean > 1 ? mean : 1);
}

double rhythm_peak(const struct rhythm *rhythm)
{
    return longest(rhythm->peak_now, rhythm->peak_before);
}

void rhythm_usual(const struct rhythm *rhythm, struct wall at, double *ret_low, double *ret_high)
{
    unsigned hour = rhythm_hour_of_week(at.ns / NS_PER_HOUR);
    bool known = rhythm->weeks[hour] >= 2;
    *ret_low = known ? (double)rhythm->low[hour] : 0;
    *ret_high = known ? (double)rhythm->high[hour] : 0;
}
