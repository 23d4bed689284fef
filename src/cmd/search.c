/* hinomi search: events of one client that fit a query (docs/search.md). */

#include "cmd/cmd.h"

#include "base/buf.h"
#include "base/limits.h"
#include "cmd/ask.h"
#include "sys/clocks.h"

#include <stdio.h>

static const char usage[] =
    "usage: hinomi search --tenant T [--from T] [--to T] [--format table|ndjson|csv|raw]\n"
    "                     [--count] [--within SECONDS] [--data DIR] [--keys DIR] QUERY...\n"
    "\n"
    "Prints every event of client T that fits, oldest first; raw prints the original bytes.\n"
    "  failed password               words, all of them\n"
    "  \"failed password\"             a phrase\n"
    "  source.ip: 192.0.2.0/24       a field: value, wildcard, network, range, /regex/\n"
    "  a and (b or not c)            and, or, not, parentheses\n"
    "  failed | count by source.ip   counted; also sum, avg, min, max, distinct\n"
    "  failed | top 10 user.name     the most frequent; rare: the least\n"
    "  failed | timeline 1h          over time; then fields, sort, dedup, head, tail, where\n"
    "--within ends it after that time, and says what was not read: exit code 65.\n"
    "--from and --to go by the events' own times, or their arrival where they tell none.\n"
    "Times are RFC 3339 (2026-11-21T08:00:00Z), dates, or ages: 15m, 6h, 7d.\n";

int cmd_search(int argc, char **argv)
{
    const char *data = NULL;
    const char *keys = NULL;
    const char *tenant = NULL;
    const char *format = "table";
    struct control_request request = {
        .command = CONTROL_SEARCH, .from = WALL_NONE, .to = WALL_NONE};
    const struct option options[] = {
        {"data", OPTION_TEXT, &data},
        {"keys", OPTION_TEXT, &keys},
        {"tenant", OPTION_TEXT, &tenant},
        {"format", OPTION_TEXT, &format},
        {"from", OPTION_TIME, &request.from},
        {"to", OPTION_TIME, &request.to},
        {"count", OPTION_FLAG, &request.count},
        {"within", OPTION_NUMBER, &request.limit},
        {0},
    };
    int words;
    enum options_result result = options_read(argc, argv, options, usage, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    if (tenant == NULL) {
        (void)fprintf(stderr, "hinomi search: whose events? name the client with --tenant\n");
        return 64;
    }
    if (!ask_format("search", format, FORMAT_COUNT, &request.format)) {
        return 64;
    }
    struct buf query;
    enum err err = OK;
    buf_init(&query, QUERY_SIZE_MAX);
    for (int i = 1; i <= words && err == OK; i++) {
        err = buf_print(&query, "%s%s", i > 1 ? " " : "", argv[i]);
    }
    if (err != OK) {
        (void)fprintf(stderr, "hinomi search: the query is longer than %d bytes\n", QUERY_SIZE_MAX);
        buf_done(&query);
        return 65;
    }
    request.tenant = str_from(tenant);
    request.text = buf_str(&query);
    int code = ask("search", ask_data(data), keys, &request);
    buf_done(&query);
    return code;
}
