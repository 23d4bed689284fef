/* hinomi archive: what lies in a client's archive, how long it stays, what holds it, and how long
 * the disk will last.  It asks the operations of the API that the portal's page asks. */

#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/ask.h"
#include "cmd/shown.h"
#include "codec/json_out.h"
#include "codec/time.h"
#include "codec/yaml.h"
#include "sys/clocks.h"

#define ANSWER_MAX ((size_t)64 << 20)
#define BODY_MAX   ((size_t)256 << 10)

static const char usage[] =
    "usage: hinomi archive show --tenant T [--json] [--data DIR]\n"
    "       hinomi archive holds --tenant T [--all] [--json] [--data DIR]\n"
    "       hinomi archive hold --tenant T --reason TEXT [--source S]... [--from TIME] [--to "
    "TIME]\n"
    "                           [--until TIME] [--incident N] [--json] [--data DIR]\n"
    "       hinomi archive release --tenant T --hold ID --reason TEXT [--data DIR]\n"
    "       hinomi archive accesses --tenant T [--json] [--data DIR]\n"
    "\n"
    "show: each source with what was promised and what lies there, what went, and the forecast of\n"
    "the disk.  hold: these logs stay although their time is over, until the hold is released or\n"
    "TIME comes; of an incident without a span: what its alerts need.  accesses: who read logs.\n";

struct asked {
    const char *data, *tenant, *reason;
    struct wall from, to, until;
    uint64_t incident, hold;
    struct option_texts sources;
    bool json, all;
};

/* ---- Asking. */

static enum err gather(void *context, struct str part)
{
    return buf_append(context, part);
}

static int answer_ask(const struct asked *asked, const char *method, const char *path,
                      struct str body, struct buf *out)
{
    char argument[512];
    int size =
        snprintf(argument, sizeof argument, "%s /clients/%s/%s", method, asked->tenant, path);
    if (size < 0 || (size_t)size >= sizeof argument || strchr(asked->tenant, '/') != NULL) {
        (void)fprintf(stderr, "hinomi archive: there is no such client\n");
        return 64;
    }
    const struct control_request request = {.command = CONTROL_API,
                                            .argument = str_from(argument),
                                            .text = body,
                                            .from = WALL_NONE,
                                            .to = WALL_NONE};
    return ask_into("archive", asked->data, NULL, &request, gather, out);
}

static struct str text_of(const struct yaml_node *node, const char *key)
{
    const struct yaml_node *value = yaml_get(node, str_from(key));
    return value == NULL || yaml_is_null(value) || value->kind != YAML_SCALAR ? STR("-")
                                                                              : value->text;
}

/* "2026-11-22 16:20", in UTC. */
static struct str time_of(const struct yaml_node *node, const char *key, char text[17])
{
    struct str time = text_of(node, key);
    if (time.size < 16) {
        return time;
    }
    memcpy(text, time.data, 16);
    text[10] = ' ';
    text[16] = '\0';
    return str_from(text);
}

static struct str days_of(const struct yaml_node *node, const char *key)
{
    struct str days = text_of(node, key);
    return str_equal(days, STR("0")) ? STR("for ever") : days;
}

static const struct yaml_node *items(const struct yaml_node *root, const char *key)
{
    const struct yaml_node *list = yaml_get(root, str_from(key));
    return list != NULL && list->kind == YAML_SEQUENCE ? list->first : NULL;
}

/* ---- Printing. */

static void forecast_print(const struct yaml_node *root)
{
    const struct yaml_node *forecast = yaml_get(root, STR("forecast"));
    struct str warning = text_of(forecast, "warning");
    const char *means = str_equal(warning, STR("soon")) ? "the disk is full soon: act now"
                        : str_equal(warning, STR("short"))
                            ? "the disk is full before all that is promised is over"
                        : str_equal(warning, STR("enough")) ? "the disk holds what is promised"
                                                            : "not enough was seen to say";
    shown_print(stdout, "\ndisk: %s (%.*s)\n", means, STR_ARG(warning));
    shown_print(stdout, "  bytes a day of this client  %.*s\n",
                STR_ARG(text_of(forecast, "rate_bytes_day")));
    shown_print(stdout, "  bytes free for events       %.*s\n",
                STR_ARG(text_of(forecast, "disk_free")));
    shown_print(stdout, "  days promised               %.*s\n",
                STR_ARG(days_of(forecast, "days_promised")));
    shown_print(stdout, "  days that it lasts          %.*s\n",
                STR_ARG(text_of(forecast, "days_left")));
}

/* What the table above does not show: the newest, and where checking the heads begins. */
static void proved_print(const struct yaml_node *root)
{
    struct str unsealed = text_of(root, "unsealed_events");
    struct str anchor = text_of(root, "anchor");
    if (unsealed.size > 0 && !str_equal(unsealed, STR("0"))) {
        shown_print(stdout, "besides, about %.*s new events that are in no segment yet\n",
                    STR_ARG(unsealed));
    }
    if (anchor.size == 64) {
        shown_print(stdout, "anchor: %.*s\n", STR_ARG(anchor));
    }
}

static void show_print(const struct yaml_node *root)
{
    char oldest[17];
    char newest[17];
    shown_print(stdout, "%-20s %-9s %-16s %-16s %12s %14s %14s\n", "source", "promised", "oldest",
                "newest", "events", "original, B", "on disk, B");
    for (const struct yaml_node *at = items(root, "sources"); at != NULL; at = at->next) {
        shown_print(stdout, "%-20.*s %-9.*s %-16.*s %-16.*s %12.*s %14.*s %14.*s\n",
                    STR_ARG(text_of(at, "source")), STR_ARG(days_of(at, "promised_days")),
                    STR_ARG(time_of(at, "oldest", oldest)), STR_ARG(time_of(at, "newest", newest)),
                    STR_ARG(text_of(at, "events")), STR_ARG(text_of(at, "original_bytes")),
                    STR_ARG(text_of(at, "stored_bytes")));
    }
    proved_print(root);
    forecast_print(root);
    shown_print(stdout, "\nnext to go: %.*s\n", STR_ARG(time_of(root, "next_drop", oldest)));
    if (str_equal(text_of(root, "clock_doubted"), STR("true"))) {
        shown_print(stdout, "the clock stepped: nothing goes until it has run evenly for a day\n");
    }
    for (const struct yaml_node *at = items(root, "tombstones"); at != NULL; at = at->next) {
        char dropped[17];
        shown_print(stdout, "went %.*s: %.*s events that arrived %.*s to %.*s\n",
                    STR_ARG(time_of(at, "dropped", dropped)), STR_ARG(text_of(at, "events")),
                    STR_ARG(time_of(at, "oldest", oldest)), STR_ARG(time_of(at, "newest", newest)));
    }
}

static void sources_print(const struct yaml_node *hold)
{
    const struct yaml_node *at = items(hold, "sources");
    shown_print(stdout, at == NULL ? " all sources" : " sources");
    for (; at != NULL; at = at->next) {
        shown_print(stdout, " %.*s", STR_ARG(at->text));
    }
}

static void holds_print(const struct yaml_node *root)
{
    char from[17];
    char to[17];
    char until[17];
    for (const struct yaml_node *at = items(root, "holds"); at != NULL; at = at->next) {
        bool in_force = str_equal(text_of(at, "in_force"), STR("true"));
        shown_print(stdout, "%.*s %s by %.*s:", STR_ARG(text_of(at, "id")),
                    in_force ? "holds" : "is over", STR_ARG(text_of(at, "who")));
        sources_print(at);
        shown_print(stdout, ", %.*s to %.*s, until %.*s, incident %.*s: %.*s\n",
                    STR_ARG(time_of(at, "from", from)), STR_ARG(time_of(at, "to", to)),
                    STR_ARG(time_of(at, "until", until)), STR_ARG(text_of(at, "incident")),
                    STR_ARG(text_of(at, "reason")));
    }
    for (const struct yaml_node *at = items(root, "open_incidents"); at != NULL; at = at->next) {
        shown_print(stdout, "open incident %.*s holds", STR_ARG(text_of(at, "incident")));
        sources_print(at);
        shown_print(stdout, ", %.*s to %.*s\n", STR_ARG(time_of(at, "from", from)),
                    STR_ARG(time_of(at, "to", to)));
    }
}

static void hold_print(const struct yaml_node *root)
{
    shown_print(stdout, "hold %.*s is in force\n", STR_ARG(text_of(root, "id")));
}

static void accesses_print(const struct yaml_node *root)
{
    char when[17];
    for (const struct yaml_node *at = items(root, "accesses"); at != NULL; at = at->next) {
        shown_print(stdout, "%.*s  %.*s  %.*s\n", STR_ARG(time_of(at, "at", when)),
                    STR_ARG(text_of(at, "who")), STR_ARG(text_of(at, "detail")));
    }
}

static int answer_print(const struct asked *asked, const struct buf *answer,
                        void (*print)(const struct yaml_node *root))
{
    struct yaml_node *root = NULL;
    struct arena *mem = NULL;
    enum err err = OK;
    if (asked->json) {
        (void)fwrite(answer->data, 1, answer->size, stdout);
        return 0;
    }
    mem = arena_new(4 * ANSWER_MAX);
    err = mem == NULL ? ERR_MEMORY : yaml_parse(buf_str(answer), mem, &root, NULL);
    if (err == OK) {
        print(root);
    } else {
        (void)fprintf(stderr, "hinomi archive: %s\n", err_text(err));
    }
    arena_free(mem);
    return err == OK ? 0 : 76;
}

/* ---- What is sent. */

static enum err body_print(const struct asked *asked, struct buf *out)
{
    struct json_out json;
    json_out_begin(&json, out);
    json_object(&json, NULL);
    json_text(&json, "reason", str_from(asked->reason));
    if (asked->sources.count > 0) {
        json_list(&json, "sources");
        for (size_t i = 0; i < asked->sources.count; i++) {
            json_text(&json, NULL, str_from(asked->sources.items[i]));
        }
        json_close(&json);
    }
    const struct {
        const char *key;
        struct wall time;
    } times[] = {{"from", asked->from}, {"to", asked->to}, {"until", asked->until}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        if (wall_known(times[i].time)) {
            json_time(&json, times[i].key, times[i].time);
        }
    }
    if (asked->incident > 0) {
        json_unsigned(&json, "incident", asked->incident);
    }
    json_close(&json);
    return json_out_end(&json);
}

static int act(const struct asked *asked, struct str what)
{
    struct buf body;
    struct buf answer;
    char path[64];
    int code;
    buf_init(&body, BODY_MAX);
    buf_init(&answer, ANSWER_MAX);
    if (str_equal(what, STR("show"))) {
        code = answer_ask(asked, "GET", "archive", STR(""), &answer);
        code = code == 0 ? answer_print(asked, &answer, show_print) : code;
    } else if (str_equal(what, STR("holds"))) {
        code = answer_ask(asked, "GET", asked->all ? "holds" : "holds?open=yes", STR(""), &answer);
        code = code == 0 ? answer_print(asked, &answer, holds_print) : code;
    } else if (str_equal(what, STR("accesses"))) {
        code = answer_ask(asked, "GET", "accesses?limit=500", STR(""), &answer);
        code = code == 0 ? answer_print(asked, &answer, accesses_print) : code;
    } else if (body_print(asked, &body) != OK) {
        (void)fprintf(stderr, "hinomi archive: the reason is too long\n");
        code = 64;
    } else if (str_equal(what, STR("hold"))) {
        code = answer_ask(asked, "POST", "holds", buf_str(&body), &answer);
        code = code == 0 ? answer_print(asked, &answer, hold_print) : code;
    } else {
        (void)snprintf(path, sizeof path, "holds/%llu/release", (unsigned long long)asked->hold);
        code = answer_ask(asked, "POST", path, buf_str(&body), &answer);
    }
    buf_done(&body);
    buf_done(&answer);
    return code;
}

static bool is_whole(const struct asked *asked, struct str what)
{
    bool reads = str_equal(what, STR("show")) || str_equal(what, STR("holds")) ||
                 str_equal(what, STR("accesses"));
    bool holds = str_equal(what, STR("hold"));
    bool releases = str_equal(what, STR("release"));
    return asked->tenant != NULL &&
           (reads || (asked->reason != NULL && (holds || (releases && asked->hold > 0))));
}

int cmd_archive(int argc, char **argv)
{
    struct asked asked = {.from = WALL_NONE, .to = WALL_NONE, .until = WALL_NONE};
    const struct option options[] = {
        {"data", OPTION_TEXT, &asked.data},     {"tenant", OPTION_TEXT, &asked.tenant},
        {"reason", OPTION_TEXT, &asked.reason}, {"source", OPTION_TEXTS, &asked.sources},
        {"from", OPTION_TIME, &asked.from},     {"to", OPTION_TIME, &asked.to},
        {"until", OPTION_TIME, &asked.until},   {"incident", OPTION_NUMBER, &asked.incident},
        {"hold", OPTION_NUMBER, &asked.hold},   {"all", OPTION_FLAG, &asked.all},
        {"json", OPTION_FLAG, &asked.json},     {0},
    };
    int words;
    enum options_result result = options_read(argc, argv, options, usage, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    if (words != 1 || !is_whole(&asked, str_from(argv[1]))) {
        (void)fprintf(stderr, "%s", usage);
        return 64;
    }
    asked.data = ask_data(asked.data);
    return act(&asked, str_from(argv[1]));
}
