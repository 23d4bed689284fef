/* hinomi explain: why an alert came, or why an event did not raise a rule. */

#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "cmd/ask.h"
#include "cmd/shown.h"
#include "detect/explain.h"
#include "replay/replay.h"
#include "sys/clocks.h"

#define MEMORY_SIZE ((size_t)1 << 30)

static const char help[] =
    "usage: hinomi explain [--rules PATH]... [--record N] [--json] RULE EVENT\n"
    "       hinomi explain --tenant T --alert ID [--data DIR] [--keys DIR] [--json]\n"
    "       hinomi explain --tenant T --place N [--data DIR] [--keys DIR] [--json] RULE\n"
    "\n"
    "Shows a rule and an event, predicate by predicate: + holds, - does not, with\n"
    "what the event has there.\n"
    "\n"
    "RULE is a Sigma file, or an id or name in --rules (else the project's own).\n"
    "EVENT is a file of any kind that scan reads, or -: its first record, or\n"
    "--record N, counted from 0.\n"
    "\n"
    "  --tenant T   of a service that runs, or of its data folder:\n"
    "  --alert ID   an alert, by the very text of the rule that raised it\n"
    "  --place N    an archived event (N stands behind # in alerts and search),\n"
    "               by a rule in force\n"
    "  --json       one JSON object\n"
    "\n"
    "Exit codes: 0 the rule holds, 1 it does not, 64 a wrong command line, 65 no such\n"
    "rule, record or alert.\n";

struct command {
    struct option_texts rules;
    const char *data, *keys, *tenant;
    uint64_t record, alert, place;
    bool json;
};

struct explaining {
    const struct command *command;
    bool found; /* the record */
    struct str bundle, rule;
    struct arena *mem;
    bool held;
    struct why *why;
};

static void file_complain(void *context, const char *path, const char *reason)
{
    (void)context;
    shown_print(stderr, "hinomi explain: %s: %s\n", path, reason);
}

/* ---- A file's record. */

static enum err record_explain(void *context, uint64_t record, const struct event *event)
{
    struct explaining *explaining = context;
    struct explained explained;
    struct buf out;
    if (record < explaining->command->record || explaining->found) {
        return OK;
    }
    explaining->found = true;
    buf_init(&out, MEMORY_SIZE);
    enum err err = explain_rule(explaining->bundle, explaining->rule, event, NULL, explaining->mem,
                                &explained, explaining->why);
    if (err == OK) {
        explaining->held = explained.held;
        err = explaining->command->json ? explanation_json(&explained, &out)
                                        : explanation_text(&explained, &out);
    }
    if (err == OK) {
        (void)fwrite(out.data, 1, out.size, stdout);
        (void)fputs(explaining->command->json ? "\n" : "", stdout);
    }
    buf_done(&out);
    return err == OK ? ERR_CLOSED : err;
}

/* Reads the file up to the record that is asked for. */
static enum err path_explain(struct explaining *explaining, const char *path)
{
    struct ruleset *none = NULL;
    struct ruleset_report report;
    struct replay *replay = NULL;
    enum err err = ruleset_load((struct str){0}, explaining->mem, &none, &report, explaining->why);
    const struct replay_options options = {
        .ruleset = none,
        .now = wall_now(),
        .clock = cpu_now,
        .event = record_explain,
        .complain = file_complain,
        .context = explaining,
    };
    err = err == OK ? replay_new(&options, &replay) : err;
    err = err == OK ? replay_path(replay, path) : err;
    err = err == OK ? replay_run(replay) : err;
    replay_free(replay);
    ruleset_free(none);
    if ((err == OK || err == ERR_CLOSED) && !explaining->found) {
        return why_say(explaining->why, ERR_NOT_FOUND, 0, "%s has no record %llu", path,
                       (unsigned long long)explaining->command->record);
    }
    return err == ERR_CLOSED ? OK : err;
}

/* The rule of a file that holds one: its id, or its path where it has none. */
static enum err rule_of_file(struct explaining *explaining, const char *path)
{
    struct ruleset *ruleset;
    struct ruleset_report report;
    struct rule_summary summary;
    enum err err =
        ruleset_load(explaining->bundle, explaining->mem, &ruleset, &report, explaining->why);
    if (err != OK) {
        return err;
    }
    err = ERR_NOT_FOUND;
    for (size_t i = 0; i < ruleset_rules(ruleset) && err == ERR_NOT_FOUND; i++) {
        ruleset_rule(ruleset, i, &summary);
        if (summary.kind == ALERT_RULE && str_equal(summary.file, str_from(path))) {
            err = arena_copy(explaining->mem, summary.id, &explaining->rule);
        }
    }
    for (size_t i = 0; i < report.refused.count && err == ERR_NOT_FOUND; i++) {
        if (str_equal(report.refused.list[i].file, str_from(path))) {
            err = why_say(explaining->why, ERR_UNSUPPORTED, 0, "%s:%u: %.*s", path,
                          report.refused.list[i].line, STR_ARG(report.refused.list[i].reason));
        }
    }
    ruleset_free(ruleset);
    return err == ERR_NOT_FOUND
               ? why_say(explaining->why, err, 0, "%s holds no rule that runs", path)
               : err;
}

static enum err rules_read(const struct command *command, const char *rule,
                           struct explaining *explaining, struct buf *bundle)
{
    size_t unread = 0;
    enum err err = OK;
    bool file = access(rule, R_OK) == 0;
    if (!file && strchr(rule, '/') != NULL) {
        return why_say(explaining->why, err_from_errno(errno), 0, "%s: %s", rule, strerror(errno));
    }
    for (size_t i = 0; i < command->rules.count && err == OK; i++) {
        err = rules_gather(bundle, command->rules.items[i], file_complain, NULL, &unread);
    }
    if (err == OK && (file || command->rules.count == 0)) {
        err = rules_gather(bundle, file ? rule : HINOMI_RULES, file_complain, NULL, &unread);
    }
    explaining->bundle = buf_str(bundle);
    explaining->rule = str_from(rule);
    return err == OK && file ? rule_of_file(explaining, rule) : err;
}

static int file_explain(const struct command *command, const char *rule, const char *path)
{
    struct why why = {0};
    struct buf bundle;
    struct explaining explaining = {.command = command, .mem = arena_new(MEMORY_SIZE), .why = &why};
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    enum err err =
        explaining.mem == NULL ? ERR_MEMORY : rules_read(command, rule, &explaining, &bundle);
    err = err == OK ? path_explain(&explaining, path) : err;
    if (err != OK) {
        shown_print(stderr, "hinomi explain: %s\n", why_text(&why, err));
    }
    buf_done(&bundle);
    arena_free(explaining.mem);
    return err != OK ? 65 : !explaining.held;
}

/* ---- A service's. */

static int service_explain(const struct command *command, const char *rule)
{
    const struct control_request request = {
        .command = CONTROL_EXPLAIN,
        .tenant = str_from(command->tenant),
        .argument = str_from(rule != NULL ? rule : ""),
        .after = command->alert,
        .limit = command->place,
        .from = WALL_NONE,
        .to = WALL_NONE,
        .format = command->json ? FORMAT_NDJSON : FORMAT_TABLE,
    };
    return ask("explain", ask_data(command->data), command->keys, &request);
}

int cmd_explain(int argc, char **argv)
{
    struct command command = {0};
    const struct option options[] = {
        {"rules", OPTION_TEXTS, &command.rules},
        {"record", OPTION_NUMBER, &command.record},
        {"json", OPTION_FLAG, &command.json},
        {"data", OPTION_TEXT, &command.data},
        {"keys", OPTION_TEXT, &command.keys},
        {"tenant", OPTION_TEXT, &command.tenant},
        {"alert", OPTION_NUMBER, &command.alert},
        {"place", OPTION_NUMBER, &command.place},
        {0},
    };
    int words;
    enum options_result result = options_read(argc, argv, options, help, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    bool asks_service = command.tenant != NULL;
    bool whole = asks_service ? (command.alert != 0 && words == 0) ||
                                    (command.alert == 0 && command.place != 0 && words == 1)
                              : words == 2 && command.alert == 0 && command.place == 0;
    if (!whole) {
        (void)fputs(help, stderr);
        return 64;
    }
    return asks_service ? service_explain(&command, words == 1 ? argv[1] : NULL)
                        : file_explain(&command, argv[1], argv[2]);
}
