/* hinomi books: for each client and source, received = stored + rejected + deduplicated + in
 * flight. */

#include "cmd/cmd.h"

#include <stdio.h>

#include "cmd/ask.h"
#include "sys/clocks.h"

static const char usage[] =
    "usage: hinomi books [--tenant T] [--json] [--data DIR]\n"
    "       hinomi books --minutes|--hours [--from T] [--to T] [--tenant T] [--json] [--data DIR]\n"
    "\n"
    "The accounts of every source: received = stored + deduplicated + in flight + rejected,\n"
    "with the reasons for what was rejected.  --minutes: what happened in each minute (kept for 7\n"
    "days), --hours: in each hour (400 days); there waiting + received = stored + dedup + rejected "
    "+\n"
    "inflight.  --from and --to are RFC 3339, dates, or ages: 15m, 6h, 7d.\n";

int cmd_books(int argc, char **argv)
{
    const char *data = NULL;
    const char *tenant = NULL;
    bool json = false;
    bool minutes = false;
    bool hours = false;
    struct wall from = WALL_NONE;
    struct wall to = WALL_NONE;
    const struct option options[] = {
        {"data", OPTION_TEXT, &data},   {"tenant", OPTION_TEXT, &tenant},
        {"json", OPTION_FLAG, &json},   {"minutes", OPTION_FLAG, &minutes},
        {"hours", OPTION_FLAG, &hours}, {"from", OPTION_TIME, &from},
        {"to", OPTION_TIME, &to},       {0},
    };
    int words;
    enum options_result result = options_read(argc, argv, options, usage, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    if (!options_alone(argv, words)) {
        return 64;
    }
    bool spans = wall_known(from) || wall_known(to);
    if ((minutes && hours) || (spans && !minutes && !hours)) {
        (void)fprintf(stderr, "hinomi books: %s; see 'hinomi books --help'\n",
                      spans && !minutes ? "--from and --to go with --minutes or --hours"
                                        : "--minutes and --hours are two questions");
        return 64;
    }
    const struct control_request request = {.command =
                                                minutes || hours ? CONTROL_MINUTES : CONTROL_BOOKS,
                                            .tenant = str_from(tenant),
                                            .from = from,
                                            .to = to,
                                            .count = hours,
                                            .format = json ? FORMAT_NDJSON : FORMAT_TABLE};
    return ask("books", ask_data(data), NULL, &request);
}
