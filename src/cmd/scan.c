/* hinomi scan: rules over files. */

#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cmd/scan_archive.h"
#include "cmd/scan_parts.h"
#include "cmd/shown.h"
#include "detect/detect.h"
#include "sys/clocks.h"
#include "sys/input.h"
#include "sys/terminal.h"
#include "sys/thread.h"

static const char help[] =
    "usage: hinomi scan [--rules DIR]... [--format ndjson|table|csv] [OPTION]... PATH...\n"
    "       hinomi scan --tenant T [--data DIR] [--from T] [--to T] [--as-of-live]\n"
    "                   [--rules DIR]... [--format ndjson|table]\n"
    "\n"
    "Runs Sigma rules over log files.  PATH is a file, a folder (with all below it) or\n"
    "- for standard input: EVTX, JSON (lines, an array, one after another), Windows\n"
    "event XML, CSV with a header, Zeek tables, or a text log (syslog, access logs);\n"
    "in zip, tar, gz, zst, xz and bz2 too.\n"
    "\n"
    "  --rules DIR      Sigma rules at or below DIR; may be repeated (the project's own)\n"
    "  --pipeline FILE  a Sigma processing pipeline for all rules; may be repeated\n"
    "  --format NAME    ndjson (as is), table (a timeline to read), csv\n"
    "  --threads N      so many files or parts of files at once (one a processor)\n"
    "  --stats FILE     writes counts and times as JSON to FILE\n"
    "  --no-cache       compiles the rules anew, and keeps nothing\n"
    "  --tenant T       judges what is archived of that client: by the rules in force,\n"
    "                   by those of --rules, or with --as-of-live by those of then\n"
    "\n"
    "Output is the same for any N.  Correlations come last.  See docs/scan.md.\n"
    "Exit codes: 0 all was read, 1 a file or rule could not be read, 64 a wrong\n"
    "command line.\n";

struct command {
    struct scan_rules rules;
    enum replay_format format;
    uint64_t threads;
    const char *stats;
    char **paths;
    int paths_count;
};

struct timing {
    struct mono begun;
    double load;
};

static enum err line_put(void *context, struct str line)
{
    (void)context;
    if (fwrite(line.data, 1, line.size, stdout) != line.size || putchar('\n') == EOF) {
        return errno == EPIPE ? ERR_CLOSED : ERR_IO; /* the first: nobody reads any more */
    }
    return OK;
}

static void file_complain(void *context, const char *path, const char *reason)
{
    (void)context;
    scan_progress_clear();
    shown_print(stderr, "hinomi scan: %s: %s\n", path, reason);
}

static void progress_tell(void *context, const struct replay_stats *stats)
{
    (void)context;
    scan_progress(stats);
}

static bool format_set(struct command *command, const char *name)
{
    static const char *const names[] = {"ndjson", "table", "csv"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(name, names[i]) == 0) {
            command->format = (enum replay_format)i;
            return true;
        }
    }
    (void)fprintf(stderr, "hinomi scan: --format is ndjson, table or csv, not '%s'\n", name);
    return false;
}

static double seconds_of(int64_t ns)
{
    return (double)ns / 1e9;
}

/* Load, total and wall are by the clock on the wall; read, parse, match and cpu are processor time,
 * of all threads together. */
static int stats_print(FILE *file, const struct command *command, const struct replay_stats *stats,
                       const struct timing *timing)
{
    double total = seconds_of(mono_now().ns - timing->begun.ns);
    return fprintf(
        file,
        "{\"files\":%llu,\"events\":%llu,\"bytes\":%llu,\"bytes_read\":%llu,\"alerts\":%llu,"
        "\"correlations\":%llu,\"rules\":%zu,\"rules_cached\":%s,\"complaints\":%llu,"
        "\"threads\":%llu,\"seconds\":{\"load\":%.3f,\"read\":%.3f,\"parse\":%.3f,"
        "\"match\":%.3f,\"total\":%.3f,\"wall\":%.3f,\"cpu\":%.3f},\"memory_peak\":%llu}\n",
        (unsigned long long)stats->files, (unsigned long long)stats->events,
        (unsigned long long)stats->bytes, (unsigned long long)stats->packed,
        (unsigned long long)(stats->alerts + stats->correlations),
        (unsigned long long)stats->correlations, command->rules.loaded,
        command->rules.cached ? "true" : "false",
        (unsigned long long)(stats->complaints + command->rules.wrong),
        (unsigned long long)command->threads, timing->load, seconds_of(stats->read_ns),
        seconds_of(stats->parse_ns), seconds_of(stats->match_ns), total, total, usage_cpu_seconds(),
        (unsigned long long)usage_memory_peak());
}

static bool stats_write(const struct command *command, const struct replay_stats *stats,
                        const struct timing *timing)
{
    FILE *file = fopen(command->stats, "w");
    if (file == NULL) {
        file_complain(NULL, command->stats, strerror(errno));
        return false;
    }
    int put = stats_print(file, command, stats, timing);
    bool written = fclose(file) == 0 && put > 0;
    if (!written) {
        file_complain(NULL, command->stats, strerror(errno));
    }
    return written;
}

static enum err paths_run(const struct command *command, struct replay *replay)
{
    enum err err = OK;
    for (int i = 0; i < command->paths_count && err == OK; i++) {
        err = replay_path(replay, command->paths[i]);
    }
    err = err == OK ? replay_run(replay) : err;
    scan_progress_clear();
    if (err == OK && fflush(stdout) != 0) {
        err = errno == EPIPE ? ERR_CLOSED : ERR_IO;
    }
    return err == ERR_CLOSED ? OK : err;
}

static int paths_scan(const struct command *command, const struct timing *timing)
{
    struct replay_options options = {
        .ruleset = command->rules.ruleset,
        .format = command->format,
        .threads = (unsigned)command->threads,
        .width = terminal_width(120),
        .colour = terminal_has_colour(),
        .now = wall_now(),
        .clock = cpu_now,
        .line = line_put,
        .complain = file_complain,
        .progress = progress_tell,
    };
    struct replay *replay = NULL;
    struct replay_stats stats = {0};
    enum err err = replay_new(&options, &replay);
    err = err == OK ? paths_run(command, replay) : err;
    if (err != OK) {
        (void)fprintf(stderr, "hinomi scan: %s\n", err_text(err));
    }
    if (replay != NULL) {
        replay_stats(replay, &stats);
    }
    bool told = command->stats == NULL || stats_write(command, &stats, timing);
    replay_free(replay);
    return err != OK || stats.complaints > 0 || !told;
}

int cmd_scan(int argc, char **argv)
{
    struct command command = {.threads = threads_useful()};
    struct timing timing = {.begun = mono_now()};
    const char *format = "ndjson";
    struct scan_archive archive = {.from = WALL_NONE, .to = WALL_NONE};
    const struct option options[] = {{"rules", OPTION_TEXTS, &command.rules.folders},
                                     {"pipeline", OPTION_TEXTS, &command.rules.pipelines},
                                     {"format", OPTION_TEXT, &format},
                                     {"stats", OPTION_TEXT, &command.stats},
                                     {"threads", OPTION_NUMBER, &command.threads},
                                     {"no-cache", OPTION_FLAG, &command.rules.no_cache},
                                     {"data", OPTION_TEXT, &archive.data},
                                     {"keys", OPTION_TEXT, &archive.keys},
                                     {"tenant", OPTION_TEXT, &archive.tenant},
                                     {"from", OPTION_TIME, &archive.from},
                                     {"to", OPTION_TIME, &archive.to},
                                     {"as-of-live", OPTION_FLAG, &archive.as_of_live},
                                     {0}};
    int words;
    enum options_result result = options_read(argc, argv, options, help, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    if (archive.tenant != NULL || archive.data != NULL || archive.as_of_live ||
        wall_known(archive.from) || wall_known(archive.to)) {
        archive.format = format;
        archive.rules = &command.rules.folders;
        archive.pipelines = &command.rules.pipelines;
        return options_alone(argv, words) ? scan_archive(&archive) : 64;
    }
    if (!format_set(&command, format)) {
        return 64;
    }
    if (words == 0 || command.threads == 0 || command.threads > SCAN_THREADS_MAX) {
        (void)fprintf(stderr, "hinomi scan: %s see 'hinomi scan --help'\n",
                      words == 0 ? "which PATH?" : "--threads is a number from 1 to 256;");
        return 64;
    }
    command.paths = argv + 1;
    command.paths_count = words;
    if (command.rules.folders.count == 0) {
        command.rules.folders.items[command.rules.folders.count++] = HINOMI_RULES;
    }
    if (!scan_rules_load(&command.rules)) {
        return 1;
    }
    timing.load = seconds_of(mono_now().ns - timing.begun.ns);
    int code = paths_scan(&command, &timing);
    ruleset_free(command.rules.ruleset);
    return code != 0 || command.rules.wrong > 0;
}
