/* hinomi books: for each client and source, received = stored + rejected + deduplicated + in
 * flight. */

#include "cmd/cmd.h"

#include "cmd/ask.h"
#include "sys/clocks.h"

static const char usage[] =
    "usage: hinomi books [--tenant T] [--json] [--data DIR]\n"
    "\n"
    "The accounts of every source: received = stored + deduplicated + in flight + rejected,\n"
    "with the reasons for what was rejected.\n";

int cmd_books(int argc, char **argv)
{
    const char *data = NULL;
    const char *tenant = NULL;
    bool json = false;
    const struct option options[] = {
        {"data", OPTION_TEXT, &data},
        {"tenant", OPTION_TEXT, &tenant},
        {"json", OPTION_FLAG, &json},
        {0},
    };
    int words;
    enum options_result result = options_read(argc, argv, options, usage, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    if (!options_alone(argv, words)) {
        return 64;
    }
    const struct control_request request = {.command = CONTROL_BOOKS,
                                            .tenant = str_from(tenant),
                                            .from = WALL_NONE,
                                            .to = WALL_NONE,
                                            .format = json ? FORMAT_NDJSON : FORMAT_TABLE};
    return ask("books", ask_data(data), NULL, &request);
}
