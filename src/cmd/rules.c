/* hinomi rules: what do these rules say, can they run, do they work? */

#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cmd/editions.h"
#include "cmd/options.h"
#include "cmd/shown.h"
#include "codec/json_text.h"
#include "detect/detect.h"
#include "replay/replay.h"
#include "sys/clocks.h"

static const char help[] =
    "usage: hinomi rules check PATH...     which can run, and why the others cannot\n"
    "       hinomi rules list [PATH...]    level, id, log source, title, author; those\n"
    "                                      that cannot run with their reason\n"
    "       hinomi rules test [PATH...]    each against its proof, NAME.match and\n"
    "                                      NAME.silent: lines that raise it or do not\n"
    "Of a service that runs, [--data DIR]:\n"
    "       hinomi rules import PATH... [--hold | --anyway]\n"
    "           a new edition, in force at once; with --hold it is only kept, with\n"
    "           --anyway it comes into force also if rules were refused\n"
    "       hinomi rules try PATH... --tenant T [--from T] [--to T]\n"
    "           what these rules would add and remove on what is archived of a client\n"
    "       hinomi rules use HASH          puts a kept edition in force\n"
    "       hinomi rules editions          lists them; * is in force\n"
    "\n"
    "PATH is a file or a folder of .yml and .yaml; without one, list and test take\n"
    "the project's own rules.  --json: one JSON object (check, test), or one a line.\n"
    "\n"
    "Exit codes: 0 all is well, 1 a rule was refused, failed its proof or could not be\n"
    "read, 64 a wrong command line, 65 an import that was refused changed nothing;\n"
    "others as for 'hinomi alerts'.\n";

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
    shown_print(stderr, "hinomi rules: %s: %s\n", path, reason);
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

static bool check_json(const struct ruleset_report *report)
{
    struct buf out;
    buf_init(&out, (size_t)1 << 30);
    enum err err = ruleset_report_print(report, &out);
    if (err == OK) {
        (void)fwrite(out.data, 1, out.size, stdout);
        (void)fputc('\n', stdout);
    }
    buf_done(&out);
    return err == OK;
}

static void check_text(const struct ruleset_report *report)
{
    for (size_t i = 0; i < report->refused.count; i++) {
        shown_print(stdout, "%.*s:%u: refused: %.*s\n", STR_ARG(report->refused.list[i].file),
                    report->refused.list[i].line, STR_ARG(report->refused.list[i].reason));
    }
    for (size_t i = 0; i < report->needs_values.count; i++) {
        shown_print(stdout, "%.*s:%u: needs values of %.*s\n",
                    STR_ARG(report->needs_values.list[i].file), report->needs_values.list[i].line,
                    STR_ARG(report->needs_values.list[i].reason));
    }
    printf("%zu files: %zu rules, %zu correlations, %zu filters; %zu loaded, %zu refused, "
           "%zu need values\n",
           report->files, report->rules, report->correlations, report->filters, report->loaded,
           report->refused.count, report->needs_values.count);
}

static int rules_check(const struct command *command)
{
    struct loaded loaded;
    int code = 1;
    if (paths_load(command, &loaded)) {
        code = loaded.report.refused.count > 0 || loaded.unread > 0;
        if (!command->json) {
            check_text(&loaded.report);
        } else if (!check_json(&loaded.report)) {
            code = 1;
        }
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

/* Those that cannot run, or hold for nothing, stand in the list too, each with its reason. */
static void problems_list(const struct problems *problems, const char *what, bool json)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct rule_problem *problem = &problems->list[i];
        if (!json) {
            printf("%-13s %.*s:%u  %.*s\n", what, STR_ARG(problem->file), problem->line,
                   STR_ARG(problem->reason));
            continue;
        }
        printf("{\"%s\":", what);
        json_put(problem->reason);
        printf(",\"file\":");
        json_put(problem->file);
        printf(",\"line\":%u}\n", problem->line);
    }
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
                shown_print(stdout, "%-13s %.*s  %.*s/%.*s/%.*s  %.*s%s%.*s%s\n",
                            level_text(rule.level), STR_ARG(rule.id), STR_ARG(rule.category),
                            STR_ARG(rule.product), STR_ARG(rule.service), STR_ARG(rule.title),
                            rule.author.size > 0 ? "  (" : "", STR_ARG(rule.author),
                            rule.author.size > 0 ? ")" : "");
            }
        }
        problems_list(&loaded.report.needs_values, command->json ? "needs_values" : "needs values",
                      command->json);
        problems_list(&loaded.report.refused, "refused", command->json);
        code = loaded.unread > 0 || loaded.report.refused.count > 0;
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
        shown_print(to, "%s:%zu: %s\n", result->path, result->line, result->what);
    } else {
        shown_print(to, "%s: %s\n", result->path, result->what);
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
            shown_print(stderr, "hinomi rules: %s: %s\n", command->paths[i], why_text(&why, err));
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

static bool asks_service(const char *verb)
{
    static const char *const verbs[] = {"import", "use", "try", "editions"};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verb, verbs[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int service_ask(const struct editions_command *editions)
{
    bool use = strcmp(editions->verb, "use") == 0;
    if (editions->count == 0 && strcmp(editions->verb, "editions") != 0) {
        (void)fprintf(stderr, "hinomi rules %s: which %s? see 'hinomi rules --help'\n",
                      editions->verb, use ? "HASH" : "PATH");
        return 64;
    }
    if (strcmp(editions->verb, "try") == 0 && editions->tenant == NULL) {
        (void)fprintf(stderr, "hinomi rules try: whose events? name the client with --tenant\n");
        return 64;
    }
    return editions_command(editions);
}

int cmd_rules(int argc, char **argv)
{
    static char own[] = HINOMI_RULES;
    static char *own_paths[] = {own};
    struct command command = {0};
    struct editions_command editions = {.from = WALL_NONE, .to = WALL_NONE};
    const struct option options[] = {{"json", OPTION_FLAG, &command.json},
                                     {"hold", OPTION_FLAG, &editions.hold},
                                     {"anyway", OPTION_FLAG, &editions.anyway},
                                     {"data", OPTION_TEXT, &editions.data},
                                     {"keys", OPTION_TEXT, &editions.keys},
                                     {"tenant", OPTION_TEXT, &editions.tenant},
                                     {"from", OPTION_TIME, &editions.from},
                                     {"to", OPTION_TIME, &editions.to},
                                     {0}};
    int words;
    enum options_result result = options_read(argc, argv, options, help, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    const char *verb = words > 0 ? argv[1] : "";
    if (asks_service(verb)) {
        editions.verb = verb;
        editions.json = command.json;
        editions.words = argv + 2;
        editions.count = (size_t)words - 1;
        return service_ask(&editions);
    }
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
