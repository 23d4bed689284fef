/* hinomi rules import, use, try, editions: the rules of a service that runs. */

#include "cmd/editions.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "cmd/ask.h"
#include "cmd/shown.h"
#include "replay/replay.h"

struct gathering {
    struct buf bundle, note;
    size_t unread;
};

static void file_complain(void *context, const char *path, const char *reason)
{
    (void)context;
    shown_print(stderr, "hinomi rules: %s: %s\n", path, reason);
}

static enum err paths_gather(struct gathering *gathering, char **paths, size_t count)
{
    enum err err = OK;
    buf_init(&gathering->bundle, (size_t)RULES_SIZE_MAX);
    buf_init(&gathering->note, 65536);
    for (size_t i = 0; i < count && err == OK; i++) {
        err = rules_gather(&gathering->bundle, paths[i], file_complain, NULL, &gathering->unread);
        err = err == OK ? buf_print(&gathering->note, "%s%s", i > 0 ? " " : "", paths[i]) : err;
    }
    return err;
}

/* Sends what lies at the paths; the exit code. */
static int bundle_ask(const struct editions_command *command, struct control_request *request)
{
    struct gathering gathering = {0};
    int code = 1;
    enum err err = paths_gather(&gathering, command->words, command->count);
    if (err != OK || gathering.unread > 0 || gathering.bundle.size == 0) {
        (void)fprintf(stderr, "hinomi rules %s: %s; nothing was sent\n", command->verb,
                      err != OK              ? err_text(err)
                      : gathering.unread > 0 ? "not all could be read"
                                             : "there is no .yml or .yaml file");
    } else {
        request->note = buf_str(&gathering.note);
        request->text = buf_str(&gathering.bundle);
        code = ask("rules", ask_data(command->data), command->keys, request);
    }
    buf_done(&gathering.bundle);
    buf_done(&gathering.note);
    return code;
}

int editions_command(const struct editions_command *command)
{
    struct control_request request = {.command = CONTROL_RULES_EDITIONS,
                                      .from = WALL_NONE,
                                      .to = WALL_NONE,
                                      .format = command->json ? FORMAT_NDJSON : FORMAT_TABLE};
    if (strcmp(command->verb, "import") == 0) {
        request.command = CONTROL_RULES_IMPORT;
        request.argument = str_from(command->hold ? "hold" : command->anyway ? "anyway" : "");
        return bundle_ask(command, &request);
    }
    if (strcmp(command->verb, "try") == 0) {
        request.command = CONTROL_RULES_TRY;
        request.tenant = str_from(command->tenant);
        request.from = command->from;
        request.to = command->to;
        return bundle_ask(command, &request);
    }
    if (strcmp(command->verb, "use") == 0) {
        request.command = CONTROL_RULES_USE;
        request.argument = str_from(command->words[0]);
    }
    return ask("rules", ask_data(command->data), NULL, &request);
}
