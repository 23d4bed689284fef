/* hinomi provision: logs of one client as one package that proves itself (docs/provision.md). */

#include "cmd/cmd.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/limits.h"
#include "cmd/ask.h"
#include "sys/clocks.h"
#include "sys/disk.h"

static const char usage[] =
    "usage: hinomi provision --tenant T --from T [--to T] --purpose TEXT --out FILE\n"
    "                        [--source SLUG]... [--format raw|ndjson|csv] [--lang ja|en]\n"
    "                        [--no-proof] [--data DIR] [--keys DIR] [QUERY...]\n"
    "\n"
    "Writes the logs of client T to FILE, a zip with proofs, a verifier and a covering page.\n"
    "This is for whoever runs the machine: nobody approves it, and the client sees in its\n"
    "history that it was taken.  People ask in the portal.\n"
    "Times are of receipt: RFC 3339 (2026-11-21T08:00:00Z), dates, or ages: 15m, 6h, 7d.\n"
    "Check the package: hinomi verify FILE\n";

struct target {
    struct file *file;
    uint64_t size;
};

static enum err target_write(void *context, struct str piece)
{
    struct target *target = context;
    enum err err = file_write(target->file, target->size, piece.data, piece.size);
    target->size += err == OK ? piece.size : 0;
    return err;
}

/* Into a new file; what is not whole does not stay. */
static int provide(const char *data, const char *keys, const char *out,
                   const struct control_request *request)
{
    struct target target = {0};
    struct why why = {0};
    enum err err = disk_open(disk_real(), out, DISK_WRITE_NEW, &target.file, &why);
    if (err != OK) {
        (void)fprintf(stderr, "hinomi provision: %s\n", why_text(&why, err));
        return err == ERR_EXISTS ? 73 : control_code(err);
    }
    int code = ask_into("provision", data, keys, request, target_write, &target);
    if (code == 0 && (target.size == 0 || file_sync(target.file) != OK)) {
        (void)fprintf(stderr, "hinomi provision: %s is not whole\n", out);
        code = 74;
    }
    file_close(target.file);
    if (code != 0) {
        UNHEEDED(disk_remove(disk_real(), out));
    } else {
        (void)printf("%s: %llu bytes\n", out, (unsigned long long)target.size);
    }
    return code;
}

/* The language and the sources in one text; the query in another. */
static enum err texts_make(const char *language, const struct option_texts *sources, char **words,
                           int count, struct buf *argument, struct buf *query)
{
    enum err err = buf_print(argument, "%s", language);
    for (size_t i = 0; i < sources->count && err == OK; i++) {
        err = buf_print(argument, " %s", sources->items[i]);
    }
    for (int i = 1; i <= count && err == OK; i++) {
        err = buf_print(query, "%s%s", i > 1 ? " " : "", words[i]);
    }
    return err;
}

static const char *missing(const char *tenant, const char *out, const char *purpose,
                           struct wall from)
{
    return tenant == NULL      ? "whose logs? name the client with --tenant"
           : out == NULL       ? "where to? name a new file with --out"
           : purpose == NULL   ? "what for? say it with --purpose"
           : !wall_known(from) ? "since when? say it with --from"
                               : NULL;
}

int cmd_provision(int argc, char **argv)
{
    const char *data = NULL;
    const char *keys = NULL;
    const char *tenant = NULL;
    const char *out = NULL;
    const char *purpose = NULL;
    const char *format = "raw";
    const char *language = "ja";
    struct option_texts sources = {0};
    const struct wall now = wall_now();
    struct control_request request = {.command = CONTROL_PROVIDE, .from = WALL_NONE, .to = now};
    const struct option options[] = {
        {"data", OPTION_TEXT, &data},
        {"keys", OPTION_TEXT, &keys},
        {"tenant", OPTION_TEXT, &tenant},
        {"format", OPTION_TEXT, &format},
        {"from", OPTION_TIME, &request.from},
        {"to", OPTION_TIME, &request.to},
        {"no-proof", OPTION_FLAG, &request.count},
        {"out", OPTION_TEXT, &out},
        {"purpose", OPTION_TEXT, &purpose},
        {"lang", OPTION_TEXT, &language},
        {"source", OPTION_TEXTS, &sources},
        {0},
    };
    int words;
    enum options_result result = options_read(argc, argv, options, usage, now, &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    const char *lacks = missing(tenant, out, purpose, request.from);
    if (lacks != NULL) {
        (void)fprintf(stderr, "hinomi provision: %s\n", lacks);
        return 64;
    }
    if (!ask_format("provision", format, FORMAT_COUNT, &request.format)) {
        return 64;
    }
    struct buf argument;
    struct buf query;
    buf_init(&argument, MESSAGE_SIZE_MAX / 4);
    buf_init(&query, QUERY_SIZE_MAX);
    int code = 65;
    if (texts_make(language, &sources, argv, words, &argument, &query) == OK) {
        request.tenant = str_from(tenant);
        request.argument = buf_str(&argument);
        request.note = str_from(purpose);
        request.text = buf_str(&query);
        code = provide(ask_data(data), keys, out, &request);
    } else {
        (void)fprintf(stderr, "hinomi provision: that is too long\n");
    }
    buf_done(&argument);
    buf_done(&query);
    return code;
}
