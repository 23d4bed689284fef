/* hinomi api: one operation of the API (docs/api.yaml) of a running service. */

#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cmd/ask.h"
#include "sys/clocks.h"
#include "sys/disk.h"

static const char usage[] =
    "usage: hinomi api METHOD PATH [FILE] [--data DIR]\n"
    "\n"
    "Asks the running service as whoever runs the machine, who may look at everything and prepare\n"
    "drafts, and decides and signs nothing.  PATH is what stands behind /api/v1 in docs/api.yaml,\n"
    "such as /clients/acme/incidents; FILE holds the body.\n";

static int operation(const char *data, struct str argument, struct str body)
{
    const struct control_request request = {.command = CONTROL_API,
                                            .argument = argument,
                                            .text = body,
                                            .from = WALL_NONE,
                                            .to = WALL_NONE};
    return ask("api", data, NULL, &request);
}

static int operation_of_file(const char *data, struct str argument, const char *path)
{
    struct why why = {0};
    char *text;
    size_t size;
    enum err err = disk_read_whole(disk_real(), path, YAML_SIZE_MAX, &text, &size, &why);
    if (err != OK) {
        (void)fprintf(stderr, "hinomi api: %s\n", why_text(&why, err));
        return 66;
    }
    int code = operation(data, argument, str_of(text, size));
    free(text);
    return code;
}

int cmd_api(int argc, char **argv)
{
    const char *data = NULL;
    const struct option options[] = {{"data", OPTION_TEXT, &data}, {0}};
    char argument[4096];
    int words;
    enum options_result result = options_read(argc, argv, options, usage, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    bool fits =
        words >= 2 && words <= 3 && argv[2][0] == '/' &&
        (size_t)snprintf(argument, sizeof argument, "%s %s", argv[1], argv[2]) < sizeof argument;
    if (!fits) {
        (void)fprintf(stderr, "%s", usage);
        return 64;
    }
    return words == 3 ? operation_of_file(ask_data(data), str_from(argument), argv[3])
                      : operation(ask_data(data), str_from(argument), (struct str){0});
}
