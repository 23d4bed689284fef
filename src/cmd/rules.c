/* hinomi rules: what do these rules say, can they run, do they work? */

#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cmd/options.h"
#include "codec/json_text.h"
#include "detect/detect.h"
#include "replay/replay.h"
#include "sys/clocks.h"

static const char help[] =
    "usage: hinomi rules check PATH... [--json]\n"
    "       hinomi rules list [PATH...] [--json]\n"
    "       hinomi rules test [PATH...] [--json]\n"
    "\n"
    "check  reads every Sigma file (.yml, .yaml) at or below each PATH and says which rules\n"
    "       can run and why the others cannot\n"
    "list   one line for each rule that can run: level, id, log source, title, author\n"
    "test   runs each rule against its proof: NAME.match holds lines that must raise it,\n"
    "       NAME.silent lines that must not\n"
    "\n"
    "Without PATH, list and test take the project's own rules.\n"
    "\n"
    "  --json   one JSON object (check, test) or one a line (list)\n"
    "\n"
    "Exit codes: 0 all is well, 1 a rule was refused, failed its proof or could not be read,\n"
    "64 a wrong command line.\n";

struct command {
    bool json;
    char **paths;
    size_t count;
};

/* What was loaded from the paths of a command. */
struct loaded {
    struct arena *mem;
    struct buf bundle;
    struct ruleset *ruleset;
    struct ruleset_report report;
    size_t unread;
};

static void file_complain(void *context, const char *path, const char *reason)
{
    (void)context;
    (void)fprintf(stderr, "hinomi rules: %s: %s\n", path, reason);
}

static bool paths_load(const struct command *command, struct loaded *loaded)
{
    struct why why = {0};
    *loaded = (struct loaded){.mem = arena_new((size_t)1024 * 1024 * 1024)};
    buf_init(&loaded->bundle, (size_t)RULES_SIZE_MAX);
    enum err err = loaded->mem == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < command->count && err == OK; i++) {
        err =
            rules_gather(&loaded->bundle, command->paths[i], file_complain, NULL, &loaded->unread);
    }
    if (err == OK) {
        err = ruleset_load(buf_str(&loaded->bundle), loaded->mem, &loaded->ruleset, &loaded->report,
                           &why);
    }
    if (err != OK) {
        (void)fprintf(stderr, "hinomi rules: %s\n", why_text(&why, err));
    }
    return err == OK;
}

static void loaded_done(struct loaded *loaded)
{
    ruleset_free(loaded->ruleset);
    buf_done(&loaded->bundle);
    arena_free(loaded->mem);
}

static void json_put(struct str text)
{
    struct buf out;
    buf_init(&out, (size_t)16 * 1024 * 1024);
    if (json_print(&out, text) == OK) {
        (void)fwrite(out.data, 1, out.size, stdout);
    }
    buf_done(&out);
}

static void check_json(const struct ruleset_report *report)
{
    printf("{\"files\":%zu,\"rules\":%zu,\"correlations\":%zu,\"filters\":%zu,\"loaded\":%zu,"
           "\"refused\":[",
           report->files, report->rules, report->correlations, report->filters, report->loaded);
    for (size_t i = 0; i < report->refused_count; i++) {
        printf("%s{\"file\":", i > 0 ? "," : "");
        json_put(report->refused[i].file);
        printf(",\"line\":%u,\"reason\":", report->refused[i].line);
        json_put(report->refused[i].reason);
        printf("}");
    }
    printf("],\"needs_values\":[");
    for (size_t i = 0; i < report->needs_values_count; i++) {
        printf("%s{\"file\":", i > 0 ? "," : "");
        json_put(report->needs_values[i].file);
        printf(",\"placeholder\":");
        json_put(report->needs_values[i].reason);
        printf("}");
    }
    /* Every rule is evaluated plainly: the notion of a guard comes with the compiled engine. */
    printf("],\"unguarded\":[]}\n");
}

static void check_text(const struct ruleset_report *report)
{
    for (size_t i = 0; i < report->refused_count; i++) {
        printf("%.*s:%u: refused: %.*s\n", STR_ARG(report->refused[i].file),
               report->refused[i].line, STR_ARG(report->refused[i].reason));
    }
    for (size_t i = 0; i < report->needs_values_count; i++) {
        printf("%.*s:%u: needs values for %%%.*s%%\n", STR_ARG(report->needs_values[i].file),
               report->needs_values[i].line, STR_ARG(report->needs_values[i].reason));
    }
    printf("%zu files: %zu rules, %zu correlations, %zu filters; %zu loaded, %zu refused, "
           "%zu need values\n",
           report->files, report->rules, report->correlations, report->filters, report->loaded,
           report->refused_count, report->needs_values_count);
}

static int rules_check(const struct command *command)
{
    struct loaded loaded;
    int code = 1;
    if (paths_load(command, &loaded)) {
        if (command->json) {
            check_json(&loaded.report);
        } else {
            check_text(&loaded.report);
        }
        code = loaded.report.refused_count > 0 || loaded.unread > 0;
    }
    loaded_done(&loaded);
    return code;
}

static void rule_json(const struct rule_summary *rule)
{
    const struct {
        const char *name;
        struct str value;
    } parts[] = {
        {"id", rule->id},           {"title", rule->title},       {"author", rule->author},
        {"tags", rule->tags},       {"category", rule->category}, {"product", rule->product},
        {"service", rule->service}, {"link", rule->link},         {"version", rule->version},
    };
    printf("{\"level\":\"%s\"", level_text(rule->level));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        printf(",\"%s\":", parts[i].name);
        json_put(parts[i].value);
    }
    printf("}\n");
}

static int rules_list(const struct command *command)
{
    struct loaded loaded;
    int code = 1;
    if (paths_load(command, &loaded)) {
        for (size_t i = 0; i < ruleset_rules(loaded.ruleset); i++) {
            struct rule_summary rule;
            ruleset_rule(loaded.ruleset, i, &rule);
            if (command->json) {
                rule_json(&rule);
            } else {
                printf("%-13s %.*s  %.*s/%.*s/%.*s  %.*s  (%.*s)\n", level_text(rule.level),
                       STR_ARG(rule.id), STR_ARG(rule.category), STR_ARG(rule.product),
                       STR_ARG(rule.service), STR_ARG(rule.title), STR_ARG(rule.author));
            }
        }
        code = loaded.unread > 0 || loaded.report.refused_count > 0;
        if (loaded.report.refused_count > 0) {
            (void)fprintf(stderr, "hinomi rules: %zu refused; see hinomi rules check\n",
                          loaded.report.refused_count);
        }
    }
    loaded_done(&loaded);
    return code;
}

static void proof_tell(void *context, const struct proof_result *result)
{
    const struct command *command = context;
    if (result->what == NULL) {
        return;
    }
    FILE *to = command->json ? stderr : stdout;
    if (result->line > 0) {
        (void)fprintf(to, "%s:%zu: %s\n", result->path, result->line, result->what);
    } else {
        (void)fprintf(to, "%s: %s\n", result->path, result->what);
    }
}

static int rules_test(struct command *command)
{
    struct proof_counts sum = {0};
    for (size_t i = 0; i < command->count; i++) {
        struct proof_counts counts = {0};
        struct why why = {0};
        enum err err =
            replay_prove(command->paths[i], wall_now(), proof_tell, command, &counts, &why);
        if (err != OK) {
            (void)fprintf(stderr, "hinomi rules: %s: %s\n", command->paths[i], why_text(&why, err));
            sum.failed++;
        }
        sum.rules += counts.rules;
        sum.lines += counts.lines;
        sum.failed += counts.failed;
    }
    if (command->json) {
        printf("{\"rules\":%zu,\"lines\":%zu,\"failed\":%zu}\n", sum.rules, sum.lines, sum.failed);
    } else {
        printf("%zu rules, %zu lines of proof, %zu failed\n", sum.rules, sum.lines, sum.failed);
    }
    return sum.failed > 0;
}

int cmd_rules(int argc, char **argv)
{
    static char own[] = HINOMI_RULES;
    static char *own_paths[] = {own};
    struct command command = {0};
    const struct option options[] = {{"json", OPTION_FLAG, &command.json}, {0}};
    int words;
    enum options_result result = options_read(argc, argv, options, help, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    const char *verb = words > 0 ? argv[1] : "";
    bool check = strcmp(verb, "check") == 0;
    bool list = strcmp(verb, "list") == 0;
    if (!check && !list && strcmp(verb, "test") != 0) {
        (void)fputs(help, stderr);
        return 64;
    }
    if (words == 1 && check) {
        (void)fprintf(stderr, "hinomi rules check: which PATH? see 'hinomi rules --help'\n");
        return 64;
    }
    command.paths = words > 1 ? argv + 2 : own_paths;
    command.count = words > 1 ? (size_t)words - 1 : 1;
    return check ? rules_check(&command) : list ? rules_list(&command) : rules_test(&command);
}
