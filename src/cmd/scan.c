/* hinomi scan: rules over files. */

#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cmd/options.h"
#include "detect/detect.h"
#include "replay/replay.h"
#include "sys/clocks.h"
#include "sys/input.h"

static const char help[] =
    "usage: hinomi scan [--rules DIR]... [--format ndjson|table|csv] [--stats FILE] PATH...\n"
    "\n"
    "Runs Sigma rules over log files and prints a line for each alert.\n"
    "PATH is a file, a folder (with all below it) or - for standard input; JSON (lines, an\n"
    "array, objects one after another) or a text log: syslog, Apache and nginx access logs.\n"
    "\n"
    "  --rules DIR     Sigma rules at or below DIR; may be repeated (the project's own)\n"
    "  --format NAME   ndjson (as is), table, csv\n"
    "  --stats FILE    writes counts and times as JSON to FILE\n"
    "  --threads N     accepted; one is used so far\n"
    "\n"
    "Exit codes: 0 all was read, 1 a file or rule could not be read, 64 a wrong command line.\n";

struct command {
    struct option_texts rules;
    enum replay_format format;
    const char *stats;
    char **paths;
    int paths_count;
};

struct timing {
    struct mono begun;
    double load;
    size_t loaded;
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
    (void)fprintf(stderr, "hinomi scan: %s: %s\n", path, reason);
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

static bool rules_load(const struct command *command, struct timing *timing, struct ruleset **ret,
                       size_t *ret_wrong)
{
    struct arena *mem = arena_new((size_t)1024 * 1024 * 1024);
    struct buf bundle;
    struct ruleset_report report = {0};
    struct why why = {0};
    size_t unread = 0;
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    enum err err = mem == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < command->rules.count && err == OK; i++) {
        err = rules_gather(&bundle, command->rules.items[i], file_complain, NULL, &unread);
    }
    if (err == OK) {
        err = ruleset_load(buf_str(&bundle), mem, ret, &report, &why);
    }
    for (size_t i = 0; i < report.refused_count; i++) {
        (void)fprintf(stderr, "hinomi scan: %.*s:%u: not run: %.*s\n",
                      STR_ARG(report.refused[i].file), report.refused[i].line,
                      STR_ARG(report.refused[i].reason));
    }
    for (size_t i = 0; i < report.needs_values_count; i++) {
        (void)fprintf(stderr, "hinomi scan: %.*s:%u: not run: needs values for %%%.*s%%\n",
                      STR_ARG(report.needs_values[i].file), report.needs_values[i].line,
                      STR_ARG(report.needs_values[i].reason));
    }
    if (err != OK) {
        (void)fprintf(stderr, "hinomi scan: %s\n", why_text(&why, err));
    } else if (report.loaded == 0) {
        (void)fprintf(stderr, "hinomi scan: no rule could be loaded\n");
    }
    *ret_wrong = unread + report.refused_count;
    timing->loaded = report.loaded;
    timing->load = (double)(mono_now().ns - timing->begun.ns) / 1e9;
    buf_done(&bundle);
    arena_free(mem);
    return err == OK;
}

static bool stats_write(const char *path, const struct replay_stats *stats,
                        const struct timing *timing)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        perror(path);
        return false;
    }
    double total = (double)(mono_now().ns - timing->begun.ns) / 1e9;
    int put = fprintf(
        file,
        "{\"files\":%llu,\"events\":%llu,\"bytes\":%llu,\"alerts\":%llu,\"rules\":%zu,"
        "\"unread\":%llu,\"seconds\":{\"load\":%.3f,\"read\":%.3f,\"parse\":%.3f,\"match\":%.3f,"
        "\"total\":%.3f,\"cpu\":%.3f},\"memory_peak\":%llu}\n",
        (unsigned long long)stats->files, (unsigned long long)stats->events,
        (unsigned long long)stats->bytes, (unsigned long long)stats->alerts, timing->loaded,
        (unsigned long long)stats->complaints, timing->load, (double)stats->read_ns / 1e9,
        (double)stats->parse_ns / 1e9, (double)stats->match_ns / 1e9, total, usage_cpu_seconds(),
        (unsigned long long)usage_memory_peak());
    bool written = fclose(file) == 0 && put > 0;
    if (!written) {
        perror(path);
    }
    return written;
}

static int paths_scan(const struct command *command, const struct ruleset *ruleset,
                      struct timing *timing)
{
    struct replay_options options = {
        .ruleset = ruleset,
        .format = command->format,
        .now = wall_now(),
        .clock = mono_now,
        .line = line_put,
        .complain = file_complain,
    };
    struct replay *replay = NULL;
    struct replay_stats stats = {0};
    enum err err = replay_new(&options, &replay);
    for (int i = 0; i < command->paths_count && err == OK; i++) {
        err = replay_path(replay, command->paths[i]);
    }
    if (err == OK && fflush(stdout) != 0) {
        err = errno == EPIPE ? ERR_CLOSED : ERR_IO;
    }
    err = err == ERR_CLOSED ? OK : err;
    if (err != OK) {
        (void)fprintf(stderr, "hinomi scan: %s\n", err_text(err));
    }
    if (replay != NULL) {
        replay_stats(replay, &stats);
    }
    bool told = command->stats == NULL || stats_write(command->stats, &stats, timing);
    replay_free(replay);
    return err != OK || stats.complaints > 0 || !told;
}

int cmd_scan(int argc, char **argv)
{
    struct command command = {0};
    struct timing timing = {.begun = mono_now()};
    const char *format = "ndjson";
    uint64_t threads = 1;
    const struct option options[] = {{"rules", OPTION_TEXTS, &command.rules},
                                     {"format", OPTION_TEXT, &format},
                                     {"stats", OPTION_TEXT, &command.stats},
                                     {"threads", OPTION_NUMBER, &threads},
                                     {0}};
    int words;
    enum options_result result = options_read(argc, argv, options, help, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    if (!format_set(&command, format)) {
        return 64;
    }
    if (words == 0 || threads == 0) {
        (void)fprintf(stderr, "hinomi scan: %s see 'hinomi scan --help'\n",
                      words == 0 ? "which PATH?" : "--threads begins at 1;");
        return 64;
    }
    command.paths = argv + 1;
    command.paths_count = words;
    if (command.rules.count == 0) {
        command.rules.items[command.rules.count++] = HINOMI_RULES;
    }
    struct ruleset *ruleset = NULL;
    size_t wrong = 0;
    if (!rules_load(&command, &timing, &ruleset, &wrong)) {
        return 1;
    }
    int code = paths_scan(&command, ruleset, &timing);
    ruleset_free(ruleset);
    return code != 0 || wrong > 0;
}
