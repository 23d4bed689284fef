/* hinomi alerts: what the rules said, each alert with the line behind it. */

#include "cmd/cmd.h"

#include <stdio.h>

#include "base/buf.h"
#include "cmd/ask.h"
#include "sys/clocks.h"

static const char usage[] =
    "usage: hinomi alerts [--tenant T] [--from T] [--to T] [--after ID] [--limit N]\n"
    "                     [--format table|ndjson|csv] [--data DIR] [--keys DIR]\n"
    "\n"
    "Lists alerts in the order they came, each with the original line behind it; without\n"
    "--tenant, one client after another.  At most N of a client, and never more than 1000: go on\n"
    "with --tenant and --after the last ID.\n"
    "--from and --to, and the table's times, are those of the events' arrival.\n"
    "Times are RFC 3339 (2026-11-21T08:00:00Z), dates, or ages: 15m, 6h, 7d.\n";

/* Where answers of several clients become one. */
struct joined {
    bool skip_line; /* CSV's heading stands there already */
};

static enum err slugs_keep(void *context, struct str piece)
{
    return buf_append(context, piece);
}

static enum err piece_join(void *context, struct str piece)
{
    struct joined *joined = context;
    if (joined->skip_line) {
        size_t end = str_find_byte(piece, '\n');
        if (end == STR_NONE) {
            return OK;
        }
        piece = str_slice(piece, end + 1, piece.size);
        joined->skip_line = false;
    }
    return ask_print(NULL, piece);
}

/* Every client in turn.  The list comes as {"client":"slug",…} a line. */
static int every_client(const char *data, const char *keys, struct control_request request)
{
    const struct control_request list = {.command = CONTROL_TENANT_LIST,
                                         .from = WALL_NONE,
                                         .to = WALL_NONE,
                                         .format = FORMAT_NDJSON};
    struct joined joined = {0};
    struct buf clients;
    buf_init(&clients, (size_t)16 << 20);
    int code = ask_into("alerts", data, keys, &list, slugs_keep, &clients);
    struct str rest = buf_str(&clients);
    while (code == 0 && rest.size > 0) {
        struct str line = str_cut(&rest, '\n');
        struct str slug = str_slice(line, sizeof "{\"client\":\"" - 1, line.size);
        request.tenant = str_cut(&slug, '"');
        code = ask_into("alerts", data, keys, &request, piece_join, &joined);
        joined.skip_line = request.format == FORMAT_CSV;
    }
    buf_done(&clients);
    return fflush(stdout) == 0 ? code : 74;
}

int cmd_alerts(int argc, char **argv)
{
    const char *data = NULL;
    const char *keys = NULL;
    const char *tenant = NULL;
    const char *format = "table";
    struct control_request request = {
        .command = CONTROL_ALERTS, .from = WALL_NONE, .to = WALL_NONE};
    const struct option options[] = {
        {"data", OPTION_TEXT, &data},
        {"keys", OPTION_TEXT, &keys},
        {"tenant", OPTION_TEXT, &tenant},
        {"format", OPTION_TEXT, &format},
        {"from", OPTION_TIME, &request.from},
        {"to", OPTION_TIME, &request.to},
        {"after", OPTION_NUMBER, &request.after},
        {"limit", OPTION_NUMBER, &request.limit},
        {0},
    };
    int words;
    enum options_result result = options_read(argc, argv, options, usage, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    if (!options_alone(argv, words) || !ask_format("alerts", format, FORMAT_RAW, &request.format)) {
        return 64;
    }
    if (tenant == NULL) {
        return every_client(ask_data(data), keys, request);
    }
    request.tenant = str_from(tenant);
    return ask("alerts", ask_data(data), keys, &request);
}
