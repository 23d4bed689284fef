/*
 * How far a scan is: bytes, rate and remaining time, a few times a second, in one line that
 * overwrites itself.
 */

#include <stdio.h>

#include "cmd/scan_parts.h"
#include "sys/clocks.h"
#include "sys/terminal.h"

#define STEP_MS 250

static struct mono begun, last;
static bool shown;

static double megabytes(uint64_t bytes)
{
    return (double)bytes / 1e6;
}

void scan_progress(const struct replay_stats *stats)
{
    struct mono now = mono_now();
    if (begun.ns == 0) {
        begun = last = now;
    }
    if (mono_ms_since(last, now) < STEP_MS || !terminal_is(2)) {
        return;
    }
    last = now;
    double seconds = (double)(now.ns - begun.ns) / 1e9;
    double rate = megabytes(stats->packed) / seconds;
    (void)fprintf(stderr, "\r\033[K%.0f", megabytes(stats->packed));
    if (stats->total >= stats->packed && rate > 0) {
        double left = megabytes(stats->total - stats->packed) / rate;
        (void)fprintf(stderr, " of %.0f MB, %.0f MB/s, %d:%02d left", megabytes(stats->total), rate,
                      (int)(left / 60), (int)left % 60);
    } else {
        (void)fprintf(stderr, " MB, %.0f MB/s", rate);
    }
    (void)fprintf(stderr, ", %llu alerts", (unsigned long long)stats->alerts);
    shown = true;
}

void scan_progress_clear(void)
{
    if (shown) {
        (void)fputs("\r\033[K", stderr);
        shown = false;
    }
}
