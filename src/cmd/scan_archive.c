/* What is archived of a client, judged again: by the rules in force, by others, or by those of the
 * time. */

#include "cmd/scan_archive.h"

#include <stdio.h>

#include "base/limits.h"
#include "cmd/ask.h"
#include "cmd/shown.h"
#include "replay/replay.h"

static void file_complain(void *context, const char *path, const char *reason)
{
    (void)context;
    shown_print(stderr, "hinomi scan: %s: %s\n", path, reason);
}

static bool options_fit(const struct scan_archive *options)
{
    const char *wrong = options->tenant == NULL ? "whose events? name the client with --tenant"
                        : options->as_of_live && options->rules->count > 0
                            ? "--as-of-live takes the rules of the time; leave --rules out"
                            : NULL;
    if (wrong != NULL) {
        (void)fprintf(stderr, "hinomi scan: %s\n", wrong);
    }
    return wrong == NULL;
}

int scan_archive(const struct scan_archive *options)
{
    struct control_request request = {.command = CONTROL_SCAN,
                                      .from = options->from,
                                      .to = options->to,
                                      .argument =
                                          str_from(options->as_of_live ? "as-of-live" : "")};
    struct buf bundle;
    size_t unread = 0;
    enum err err = OK;
    if (!options_fit(options) ||
        !ask_format("scan", options->format, FORMAT_CSV, &request.format)) {
        return 64;
    }
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    for (size_t i = 0; i < options->rules->count && err == OK; i++) {
        err = rules_gather(&bundle, options->rules->items[i], file_complain, NULL, &unread);
    }
    for (size_t i = 0; i < options->pipelines->count && err == OK; i++) {
        err =
            rules_gather_file(&bundle, options->pipelines->items[i], file_complain, NULL, &unread);
    }
    int code = 1;
    if (err != OK || unread > 0 || (options->rules->count > 0 && bundle.size == 0)) {
        (void)fprintf(stderr, "hinomi scan: %s\n",
                      err != OK ? err_text(err) : "the rules could not all be read");
    } else {
        request.tenant = str_from(options->tenant);
        request.text = buf_str(&bundle);
        code = ask("scan", ask_data(options->data), options->keys, &request);
    }
    buf_done(&bundle);
    return code;
}
