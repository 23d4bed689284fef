/*
 * hinomi verify [--json] [--keys DIR] PATH
 *
 * PATH is a data directory.  Says of everything that is damaged where it lies and what it costs;
 * ends in one line of figures.  Exit code 0: sound, 1: damaged, 2: it could not be read (64: the
 * command line makes no sense).  Only reads; a service may be running meanwhile.
 */

#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>

#include "archive/archive.h"
#include "base/buf.h"
#include "codec/json_text.h"

#define LINE_SIZE_MAX 65536

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

static const char usage_text[] =
    "usage: hinomi verify [--json] [--keys DIR] PATH\n"
    "\n"
    "Looks at every byte of the evidence in the data folder PATH: names what is damaged, where it\n"
    "lies and what it costs, then one line of figures.  Only reads; a service may be running.\n"
    "\n"
    "  --json      one JSON object for each damaged place, and one for the figures\n"
    "  --keys DIR  the clients' keys (PATH.keys); without them the insides of frames are not seen\n"
    "\n"
    "exit code: 0 sound; 1 damaged; 2 it could not be read; 64 the command line is wrong\n";

static int usage(void)
{
    (void)fputs(usage_text, stderr);
    return 64;
}

int cmd_verify(int argc, char **argv)
{
    struct verify_output output = {0};
    const char *path = NULL;
    const char *keys = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            return fputs(usage_text, stdout) < 0 ? 2 : 0;
        }
        if (strcmp(argv[i], "--json") == 0) {
            output.json = true;
        } else if (strcmp(argv[i], "--keys") == 0 && i + 1 < argc) {
            keys = argv[++i];
        } else if (argv[i][0] == '-' || path != NULL) {
            return usage();
        } else {
            path = argv[i];
        }
    }
    size_t size = path == NULL ? 0 : strlen(path);
    while (size > 1 && path[size - 1] == '/') {
        size--;
    }
    if (size == 0 || size > 3000) {
        return usage();
    }
    char folder[3100];
    char keys_path[3100];
    (void)snprintf(folder, sizeof folder, "%.*s/archive", (int)size, path);
    (void)snprintf(keys_path, sizeof keys_path, "%.*s.keys", (int)size, path);
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
