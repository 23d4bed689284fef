/*
 * hinomi scan: rules over files.
 *
 * Exit codes: 0 everything was read, 1 a file or a rule could not be, 2 the command line is wrong.
 */

#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
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
    "exit code: 0 all was read; 1 a file or rule could not be read, see standard error;\n"
    "2 the command line is wrong\n";

#define RULE_PATHS_MAX 256

struct command {
    const char *rules[RULE_PATHS_MAX];
    size_t rules_count;
    enum replay_format format;
    const char *stats;
    int first_path;
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

/* Takes the value of an option that stands at *i; NULL (with a message) if it is missing. */
static const char *value_take(int argc, char **argv, int *i)
{
    if (*i + 1 >= argc) {
        (void)fprintf(stderr, "hinomi scan: %s needs a value\n", argv[*i]);
        return NULL;
    }
    return argv[++*i];
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
    (void)fprintf(stderr, "hinomi scan: unknown format '%s'; ndjson, table or csv\n", name);
    return false;
}

static bool option_take(struct command *command, int argc, char **argv, int *i)
{
    const char *name = argv[*i];
    bool known = strcmp(name, "--rules") == 0 || strcmp(name, "--format") == 0 ||
                 strcmp(name, "--stats") == 0 || strcmp(name, "--threads") == 0;
    if (!known) {
        (void)fprintf(stderr,
                      strcmp(name, "--pipeline") == 0
                          ? "hinomi scan: %s: pipelines are not read yet\n"
                          : "hinomi scan: unknown option '%s'; see --help\n",
                      name);
        return false;
    }
    const char *value = value_take(argc, argv, i);
    if (value == NULL) {
        return false;
    }
    if (strcmp(name, "--format") == 0) {
        return format_set(command, value);
    }
    if (strcmp(name, "--stats") == 0) {
        command->stats = value;
    } else if (strcmp(name, "--rules") == 0) {
        if (command->rules_count == RULE_PATHS_MAX) {
            (void)fprintf(stderr, "hinomi scan: more than %d --rules\n", RULE_PATHS_MAX);
            return false;
        }
        command->rules[command->rules_count++] = value;
    } else {
        uint64_t threads;
        if (str_to_u64(str_from(value), 1024, &threads) != OK || threads == 0) {
            (void)fprintf(stderr, "hinomi scan: --threads asks for a number from 1 on\n");
            return false;
        }
    }
    return true;
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
    for (size_t i = 0; i < command->rules_count && err == OK; i++) {
        err = rules_gather(&bundle, command->rules[i], file_complain, NULL, &unread);
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

static int paths_scan(const struct command *command, int argc, char **argv,
                      const struct ruleset *ruleset, struct timing *timing)
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
    for (int i = command->first_path; i < argc && err == OK; i++) {
        err = replay_path(replay, argv[i]);
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
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            (void)fputs(help, stdout);
            return 0;
        }
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        if (!option_take(&command, argc, argv, &i)) {
            return 2;
        }
    }
    if (i >= argc) {
        (void)fprintf(stderr, "hinomi scan: which PATH?  See --help.\n");
        return 2;
    }
    command.first_path = i;
    if (command.rules_count == 0) {
        command.rules[command.rules_count++] = HINOMI_RULES;
    }
    struct ruleset *ruleset = NULL;
    size_t wrong = 0;
    if (!rules_load(&command, &timing, &ruleset, &wrong)) {
        return 1;
    }
    int code = paths_scan(&command, argc, argv, ruleset, &timing);
    ruleset_unref(ruleset);
    return code != 0 || wrong > 0;
}
