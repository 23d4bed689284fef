/* hinomi serve, check-config, and the hidden command of the children. */

#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>

#include "cmd/options.h"
#include "config/config.h"
#include "serve/serve.h"
#include "sys/clocks.h"

static const char serve_usage[] =
    "usage: hinomi serve --config FILE...\n"
    "\n"
    "Serves in the foreground until SIGTERM or Ctrl-C; SIGHUP reads the rules again.\n"
    "With --config given more than once, what a later file says takes the place of what an\n"
    "earlier one said, a list as a whole.\n"
    "Exit codes: 0 after an orderly end, 70 if a process of it\n"
    "cannot start, 71 if a folder or port cannot be opened, 78 for a bad configuration.\n";

static const char check_usage[] =
    "usage: hinomi check-config FILE\n"
    "       hinomi check-config --keys\n"
    "\n"
    "Reads a configuration and says what is wrong with it; exit code 78 if anything is.\n"
    "--keys lists every key with its type, its default and what it is for.\n";

static int configs_read(const char *const *paths, size_t count, struct config **ret)
{
    struct why why = {0};
    size_t at = 0;
    enum err err = config_load_all(paths, count, ret, &at, &why);
    if (err == OK) {
        return 0;
    }
    if (why.line > 0) {
        (void)fprintf(stderr, "%s:%s\n", paths[at], why_text(&why, err));
    } else { /* it could not be read, and the reason names it */
        (void)fprintf(stderr, "hinomi: %s\n", why_text(&why, err));
    }
    return 78;
}

int cmd_serve(int argc, char **argv)
{
    struct option_texts paths = {.count = 0};
    struct config *config = NULL;
    const struct option options[] = {{"config", OPTION_TEXTS, &paths}, {0}};
    int words;
    enum options_result result = options_read(argc, argv, options, serve_usage, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    if (paths.count == 0 || words != 0) {
        (void)fprintf(stderr, "%s", serve_usage);
        return 64;
    }
    int code = configs_read(paths.items, paths.count, &config);
    if (code == 0) {
        code = serve_run(config);
    }
    config_free(config);
    return code;
}

/* What --help says after the usage. */
static int keys_print(void)
{
    struct buf text;
    buf_init(&text, 65536);
    enum err err = config_help(&text);
    if (err == OK) {
        printf("%.*s", STR_ARG(buf_str(&text)));
    }
    buf_done(&text);
    return err == OK ? 0 : 74;
}

int cmd_check_config(int argc, char **argv)
{
    struct config *config = NULL;
    bool keys = false;
    const struct option options[] = {{"keys", OPTION_FLAG, &keys}, {0}};
    int words;
    enum options_result result = options_read(argc, argv, options, check_usage, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    if (keys && words == 0) {
        return keys_print();
    }
    if (words != 1 || keys) {
        (void)fprintf(stderr, "%s", check_usage);
        return 64;
    }
    int code = configs_read((const char *const[]){argv[1]}, 1, &config);
    if (code == 0) {
        printf("%s: well-formed\n", argv[1]);
    }
    config_free(config);
    return code;
}

int cmd_process(int argc, char **argv)
{
    uint64_t every_ms = 0;
    if (argc == 5 && strcmp(argv[1], "heads") == 0 &&
        str_to_u64(str_from(argv[4]), UINT32_MAX, &every_ms) == OK) {
        return heads_copy_run(argv[2], argv[3], every_ms);
    }
    return process_run(argc == 2 ? argv[1] : "");
}
