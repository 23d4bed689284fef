/* A served folder is asked through its control socket; only one that nobody serves is opened. */

#include "cmd/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *ask_data(const char *option)
{
    const char *set = getenv("HINOMI_DATA");
    if (option != NULL) {
        return option;
    }
    if (set != NULL && set[0] != '\0') {
        return set;
    }
    return access("var", F_OK) == 0 ? "var" : "/var/lib/hinomi";
}

bool ask_format(const char *command, const char *name, enum output_format end,
                enum output_format *ret)
{
    static const char *const names[FORMAT_COUNT] = {"table", "ndjson", "csv", "raw"};
    for (int i = 0; i < (int)end; i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum output_format)i;
            return true;
        }
    }
    (void)fprintf(stderr, "hinomi %s: --format is table%s, not '%s'\n", command,
                  end > FORMAT_RAW   ? ", ndjson, csv or raw"
                  : end > FORMAT_CSV ? ", ndjson or csv"
                                     : " or ndjson",
                  name);
    return false;
}

enum err ask_print(void *context, struct str piece)
{
    (void)context;
    return piece.size == 0 || fwrite(piece.data, 1, piece.size, stdout) == piece.size ? OK
                                                                                      : ERR_CLOSED;
}

int ask_into(const char *command, const char *data, const char *keys,
             const struct control_request *request, control_output *output, void *context)
{
    char beside[4096];
    struct why why = {0};
    int code = 0;
    (void)snprintf(beside, sizeof beside, "%s.keys", data);
    enum err err = control_call(data, request, output, context, &code, &why);
    if (err == ERR_NOT_FOUND) {
        if (access(data, F_OK) != 0) {
            (void)fprintf(stderr,
                          "hinomi %s: %s: there is no such data folder; name it with --data\n",
                          command, data);
            return 66;
        }
        err =
            offline_call(data, keys != NULL ? keys : beside, request, output, context, &code, &why);
    }
    if (err == ERR_CLOSED && why.text[0] == '\0') {
        return 0; /* nobody reads any more */
    }
    if (err != OK || code != 0) {
        (void)fprintf(stderr, "hinomi %s: %s\n", command, why_text(&why, err));
        return code != 0 ? code : control_code(err);
    }
    return 0;
}

int ask(const char *command, const char *data, const char *keys,
        const struct control_request *request)
{
    int code = ask_into(command, data, keys, request, ask_print, NULL);
    return fflush(stdout) == 0 ? code : 74;
}
