/* hinomi verify: is the evidence of a data folder whole?  Only reads; a service may be running. */

#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>

#include "archive/archive.h"
#include "base/buf.h"
#include "cmd/options.h"
#include "codec/json_text.h"
#include "sys/clocks.h"

#define LINE_SIZE_MAX 65536
#define PATH_SIZE_MAX 3000

static const char usage[] =
    "usage: hinomi verify [--json] [--keys DIR] PATH\n"
    "\n"
    "Checks the data folder PATH: frames against leaves, leaves against the signed heads, heads\n"
    "against the chain of keys.  Names each damaged place and what it costs, then one line of\n"
    "figures.  Only reads; a service may be running meanwhile.\n"
    "\n"
    "  --json       one JSON object a line\n"
    "  --keys DIR   the clients' keys (PATH.keys); without them the insides of frames are not "
    "seen\n"
    "\n"
    "Exit codes: 0 sound, 1 damaged, 2 unreadable, 64 a wrong command line.\n";

struct verify_output {
    bool json;
};

static void json_text_put(const char *name, const char *text)
{
    struct buf out;
    buf_init(&out, LINE_SIZE_MAX);
    if (json_print(&out, str_from(text)) == OK) {
        printf("\"%s\":%.*s", name, (int)out.size, out.data);
    }
    buf_done(&out);
}

static void place_put(void *context, const char *file, uint64_t offset, const char *what)
{
    const struct verify_output *output = context;
    if (!output->json) {
        printf("damaged: %s at byte %llu: %s\n", file, (unsigned long long)offset, what);
        return;
    }
    printf("{");
    json_text_put("file", file);
    printf(",\"offset\":%llu,", (unsigned long long)offset);
    json_text_put("what", what);
    printf("}\n");
}

static void report_put(const struct verify_output *output, const struct verify_report *report,
                       enum err err)
{
    const char *result = err == OK ? "sound" : "damaged";
    printf(output->json ? "{\"result\":\"%s\",\"damaged\":%llu,\"journals\":%llu,\"frames\":%llu,"
                          "\"leaves\":%llu,\"heads\":%llu,\"events\":%llu,\"clients\":%llu,"
                          "\"unsigned_leaves\":%llu,\"unfinished_bytes\":%llu,"
                        : "%s: %llu damaged places; %llu journals, %llu frames, %llu leaves, "
                          "%llu heads, %llu events, %llu clients; %llu leaves not yet signed, "
                          "%llu bytes of an unfinished write",
           result, (unsigned long long)report->damaged, (unsigned long long)report->journals,
           (unsigned long long)report->frames, (unsigned long long)report->leaves,
           (unsigned long long)report->heads, (unsigned long long)report->events,
           (unsigned long long)report->clients, (unsigned long long)report->unsigned_leaves,
           (unsigned long long)report->unfinished);
    if (output->json) {
        printf("\"keys_missing\":%s}\n", report->keys_missing ? "true" : "false");
    } else {
        printf("%s\n", report->keys_missing
                           ? "; keys are missing: the insides of frames were not looked at"
                           : "");
    }
}

int cmd_verify(int argc, char **argv)
{
    struct verify_output output = {0};
    const char *keys = NULL;
    const struct option options[] = {
        {"json", OPTION_FLAG, &output.json}, {"keys", OPTION_TEXT, &keys}, {0}};
    int words;
    enum options_result result = options_read(argc, argv, options, usage, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    size_t size = words == 1 ? strlen(argv[1]) : 0;
    while (size > 1 && argv[1][size - 1] == '/') {
        size--;
    }
    if (size == 0 || size > PATH_SIZE_MAX) {
        (void)fprintf(stderr, "%s", usage);
        return 64;
    }
    char folder[PATH_SIZE_MAX + 10];
    char keys_path[PATH_SIZE_MAX + 10];
    (void)snprintf(folder, sizeof folder, "%.*s/archive", (int)size, argv[1]);
    (void)snprintf(keys_path, sizeof keys_path, "%.*s.keys", (int)size, argv[1]);
    struct verify_report report = {0};
    struct why why = {0};
    enum err err = archive_verify(disk_real(), folder, keys != NULL ? keys : keys_path, place_put,
                                  &output, &report, &why);
    if (err != OK && err != ERR_CORRUPT) {
        (void)fprintf(stderr, "hinomi verify: %s\n", why_text(&why, err));
        return 2;
    }
    report_put(&output, &report, err);
    return err == OK ? 0 : 1;
}
