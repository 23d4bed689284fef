/* hinomi tenant: parties, clients, their log sources and documents (docs/apply.md). */

#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cmd/ask.h"
#include "service/service.h"
#include "sys/clocks.h"
#include "sys/disk.h"
#include "tenant/tenant.h"

static const char usage[] =
    "usage: hinomi tenant apply FILE [--trust-signatures KEY] [--json] [--data DIR]\n"
    "       hinomi tenant export [CLIENT] [--data DIR]\n"
    "       hinomi tenant list [--json] [--data DIR]\n"
    "       hinomi tenant key [--data DIR]\n"
    "       hinomi tenant token\n"
    "\n"
    "apply   makes the parties, clients and sources of FILE effective and drafts of its "
    "documents;\n"
    "        prints what changed and what each draft waits for; with --trust-signatures,\n"
    "        signatures that the installation KEY vouches for count here too\n"
    "export  prints what apply reads: of a client, or of everybody\n"
    "list    the clients and their sources\n"
    "key     this installation's own KEY\n"
    "token   prints a new token for a sender and the hash that FILE holds\n";

static int tenant_apply_file(const char *data, const char *path, const char *trust, bool json)
{
    struct why why = {0};
    char *text;
    size_t size;
    enum err err = disk_read_whole(disk_real(), path, YAML_SIZE_MAX, &text, &size, &why);
    if (err != OK) {
        (void)fprintf(stderr, "hinomi tenant apply: %s\n", why_text(&why, err));
        return 66;
    }
    struct arena *mem = arena_new((size_t)256 << 20);
    err = mem == NULL ? ERR_MEMORY : service_apply_check(str_of(text, size), mem, &why);
    arena_free(mem);
    int code;
    if (err != OK) {
        (void)fprintf(stderr, "%s:%s\n", path, why_text(&why, err));
        code = 65;
    } else {
        const struct control_request request = {.command = CONTROL_TENANT_APPLY,
                                                .argument = str_from(trust),
                                                .text = str_of(text, size),
                                                .from = WALL_NONE,
                                                .to = WALL_NONE,
                                                .format = json ? FORMAT_NDJSON : FORMAT_TABLE};
        struct buf named; /* what the service finds wrong has a line too: say of which file */
        buf_init(&named, 8192);
        bool fits =
            buf_print(&named, "tenant apply: %s", path) == OK && buf_append_byte(&named, 0) == OK;
        code = ask(fits ? named.data : "tenant apply", data, NULL, &request);
        buf_done(&named);
    }
    free(text);
    return code;
}

static int tenant_token(void)
{
    struct str token;
    struct str hash;
    struct arena *mem = arena_new(65536);
    enum err err = mem == NULL ? ERR_MEMORY : tenant_token_new(mem, &token, &hash);
    if (err == OK) {
        printf("token         %.*s\ntoken_sha256  %.*s\n", STR_ARG(token), STR_ARG(hash));
    }
    arena_free(mem);
    return err == OK ? 0 : 71;
}

int cmd_tenant(int argc, char **argv)
{
    const char *data = NULL;
    const char *trust = NULL;
    bool json = false;
    const struct option options[] = {{"data", OPTION_TEXT, &data},
                                     {"json", OPTION_FLAG, &json},
                                     {"trust-signatures", OPTION_TEXT, &trust},
                                     {0}};
    int words;
    enum options_result result = options_read(argc, argv, options, usage, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    struct control_request request = {.command = CONTROL_TENANT_LIST,
                                      .from = WALL_NONE,
                                      .to = WALL_NONE,
                                      .format = json ? FORMAT_NDJSON : FORMAT_TABLE};
    if (words == 2 && strcmp(argv[1], "apply") == 0) {
        return tenant_apply_file(ask_data(data), argv[2], trust, json);
    }
    if ((words == 1 || words == 2) && strcmp(argv[1], "export") == 0) {
        request.command = CONTROL_TENANT_EXPORT;
        request.tenant = words == 2 ? str_from(argv[2]) : STR("");
        return ask("tenant export", ask_data(data), NULL, &request);
    }
    if (words == 1 && strcmp(argv[1], "list") == 0) {
        return ask("tenant list", ask_data(data), NULL, &request);
    }
    if (words == 1 && strcmp(argv[1], "key") == 0) {
        request.command = CONTROL_KEY;
        return ask("tenant key", ask_data(data), NULL, &request);
    }
    if (words == 1 && strcmp(argv[1], "token") == 0) {
        return tenant_token();
    }
    (void)fprintf(stderr, "%s", usage);
    return 64;
}
