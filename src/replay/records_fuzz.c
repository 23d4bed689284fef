/* A file's bytes through the whole scan, by way of a pipe's worth of memory: every kind of input
 * ends in records and complaints. */

#include "replay/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char rule[] = "title: t\nlogsource: {}\ndetection: {s: ['a'], condition: s}\n";

static struct mono no_clock(void)
{
    return (struct mono){0};
}

static enum err line(void *context, struct str text)
{
    (void)context;
    if (str_find_byte(text, '\n') != STR_NONE) {
        abort();
    }
    return OK;
}

static void complain(void *context, const char *path, const char *reason)
{
    (void)context;
    (void)path;
    (void)reason;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ruleset *ruleset;
    static char path[64];
    static int descriptor = -1;
    struct ruleset_report report;
    struct why why = {0};
    if (ruleset == NULL) {
        struct buf bundle;
        buf_init(&bundle, (size_t)RULES_SIZE_MAX);
        struct arena *mem = arena_new((size_t)1 << 24);
        if (ruleset_pack(&bundle, STR("r.yml"), STR(rule)) != OK ||
            ruleset_load(buf_str(&bundle), mem, &ruleset, &report, &why) != OK) {
            abort();
        }
        arena_free(mem);
        buf_done(&bundle);
        /* A file without a name, open under /proc for as long as we live. */
        char name[] = "/tmp/records_fuzz.XXXXXX";
        descriptor = mkstemp(name);
        (void)unlink(name);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    }
    if (descriptor < 0 || ftruncate(descriptor, 0) != 0 ||
        pwrite(descriptor, data, size, 0) != (ssize_t)size) {
        abort();
    }
    struct replay_options options = {
        .ruleset = ruleset,
        .format = size % 3 == 0   ? REPLAY_NDJSON
                  : size % 3 == 1 ? REPLAY_TABLE
                                  : REPLAY_CSV,
        .clock = no_clock,
        .line = line,
        .complain = complain,
    };
    struct replay *replay;
    if (replay_new(&options, &replay) != OK || replay_path(replay, path) != OK ||
        replay_run(replay) != OK) {
        abort();
    }
    replay_free(replay);
    return 0;
}
