/* hinomi devices: what sends logs, when each was last heard, what ails it; and who asks to be
 * enrolled. */

#include "cmd/cmd.h"

#include "cmd/ask.h"
#include "sys/clocks.h"

static const char usage[] =
    "usage: hinomi devices [--tenant T] [--json] [--data DIR]\n"
    "       hinomi devices --proposals [--json] [--data DIR]\n"
    "\n"
    "Every source with its device, when it was last heard, the longest silence that is none (0: "
    "its\n"
    "rhythm is not known yet), and what ails the device: 'unheard', if nothing came from it yet "
    "and\n"
    "nothing else ails it.  --proposals: senders that no document names, with a sample and the "
    "lines of an apply file that enrol each.\n";

int cmd_devices(int argc, char **argv)
{
    const char *data = NULL;
    const char *tenant = NULL;
    bool json = false;
    bool proposals = false;
    const struct option options[] = {
        {"data", OPTION_TEXT, &data},
        {"tenant", OPTION_TEXT, &tenant},
        {"json", OPTION_FLAG, &json},
        {"proposals", OPTION_FLAG, &proposals},
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
    const struct control_request request = {.command = CONTROL_DEVICES,
                                            .tenant = str_from(tenant),
                                            .argument =
                                                proposals ? STR("proposals") : (struct str){0},
                                            .from = WALL_NONE,
                                            .to = WALL_NONE,
                                            .format = json ? FORMAT_NDJSON : FORMAT_TABLE};
    return ask("devices", ask_data(data), NULL, &request);
}
