/*
 * Rows of a made-up web service, for benchmarks of the archive beside zstd, rg and ClickHouse:
 *
 *     rows [--tsv] COUNT        to the standard output; about 400 bytes a row as JSON, a line each
 *
 * The same on any machine: xorshift64 from one seed.  With --tsv the same values, as ClickHouse
 * takes them (TabSeparated), in the order of this table.
 *
 *     COLUMN       DISTINCT   WHAT
 *     time         nearly all ISO 8601 in milliseconds, ascending by 0 to 2 (TSV: seconds, and ms)
 *     host         500        NAME-NNN.siteN.example
 *     service      40         word-word
 *     level        3          skewed; the fourth never comes
 *     user         5,000      word.word-NNNN, skewed (the square of an even number)
 *     source       20,000     IPv4, even
 *     destination  300        IPv4, skewed
 *     port         60         even
 *     method       5          skewed
 *     path         2,000      /word/word/word-N, skewed
 *     status       12         skewed
 *     bytes        100,000    decimal number, skewed
 *     duration     30,000     decimal number, skewed
 *     session      all        16 hexadecimal digits, random
 *     agent        200        some 40 bytes, skewed
 *     message      nearly all one of 30 sentences with the user and the duration in it
 *
 * Needles, whatever the count (rows are numbered from 0, `tenth` is a tenth of the count):
 *
 *     token        xerophyte         in message of rows 1, 4 and 8 tenths + 123
 *     field        zaphod.beeble-9999, a user, in rows 0, 2 … 8 tenths + 77
 *     substring    "z5-quixotry/k"   in path of rows 3 and 7 tenths + 55
 *     any case     "MuMpSiMuS"       in agent of rows 2 and 9 tenths + 33
 */

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED  0x2545f4914f6cdd1dULL
#define BEGIN 1767225600000ULL /* 2026-01-01T00:00:00Z in milliseconds */

#define HOSTS        500
#define SERVICES     40
#define USERS        5000
#define SOURCES      20000
#define DESTINATIONS 300
#define PORTS        60
#define PATHS        2000
#define STATUSES     12
#define AGENTS       200
#define SENTENCES    30

static const char *const words[] = {
    "amber",  "basalt", "cedar",   "delta",  "ember", "fjord",  "garnet", "harbor",
    "indigo", "jasper", "kelp",    "lumen",  "mango", "nectar", "onyx",   "pepper",
    "quartz", "river",  "saffron", "timber", "umber", "velvet", "willow", "yarrow",
    "zephyr", "acorn",  "birch",   "coral",  "dune",  "echo",   "fable",  "grove"};
static const char *const levels[] = {"info", "notice", "warning", "error"};
static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "HEAD"};
static const unsigned statuses[] = {200, 304, 302, 404, 301, 403, 401, 500, 201, 204, 503, 400};

static uint64_t state = SEED;

static uint64_t roll(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % below;
}

/* The square of an even number: the first are much more frequent than the last. */
static uint64_t skewed(uint64_t below)
{
    uint64_t even = roll(1 << 20);
    return (even * even >> 20) * below >> 20;
}

static const char *word(uint64_t index)
{
    return words[index % (sizeof words / sizeof words[0])];
}

/* Texts that repeat are made once. */
struct tables {
    char hosts[HOSTS][64], services[SERVICES][32], users[USERS][48], sources[SOURCES][16];
    char destinations[DESTINATIONS][16], paths[PATHS][80], agents[AGENTS][80];
    char sentences[SENTENCES][120];
    unsigned ports[PORTS];
};

static struct tables tables;

#define PRINT(to, ...) ((void)snprintf((to), sizeof(to), __VA_ARGS__))

static void tables_make(void)
{
    for (unsigned i = 0; i < HOSTS; i++) {
        PRINT(tables.hosts[i], "%s-%03u.site%u.example", word(i), i, i % 17);
    }
    for (unsigned i = 0; i < SERVICES; i++) {
        PRINT(tables.services[i], "%s-%s", word(roll(32)), word(i));
    }
    for (unsigned i = 0; i < USERS; i++) {
        PRINT(tables.users[i], "%s.%s-%04u", word(roll(32)), word(roll(32)), i);
    }
    for (unsigned i = 0; i < SOURCES; i++) {
        uint64_t address = roll(1 << 24);
        PRINT(tables.sources[i], "%u.%u.%u.%u", i % 2 == 0 ? 10 : 172, (unsigned)(address >> 16),
              (unsigned)(address >> 8 & 255), (unsigned)(address & 255));
    }
    for (unsigned i = 0; i < DESTINATIONS; i++) {
        PRINT(tables.destinations[i], "192.168.%u.%u", (unsigned)roll(4), (unsigned)roll(255) + 1);
    }
    for (unsigned i = 0; i < PATHS; i++) {
        PRINT(tables.paths[i], "/%s/%s/%s-%u", word(roll(32)), word(roll(32)), word(roll(32)), i);
    }
    for (unsigned i = 0; i < AGENTS; i++) {
        PRINT(tables.agents[i], "%s/%u.0.%u.%u (%s NT %u.%u)", word(roll(32)),
              (unsigned)roll(40) + 80, (unsigned)roll(6000), (unsigned)roll(200), word(roll(32)),
              (unsigned)roll(5) + 6, (unsigned)roll(4));
    }
    for (unsigned i = 0; i < SENTENCES; i++) {
        PRINT(tables.sentences[i], "%s the %s of %s", word(i), word(roll(32)), word(roll(32)));
    }
    for (unsigned i = 0; i < PORTS; i++) {
        tables.ports[i] = (unsigned)roll(60000) + 80;
    }
}

struct row {
    uint64_t time, session;
    const char *host, *service, *level, *user, *source, *destination, *method, *path, *agent;
    unsigned port, status, bytes, duration;
    char message[320];
};

static void row_make(struct row *row, uint64_t time, uint64_t number, uint64_t tenth)
{
    *row = (struct row){.time = time};
    row->host = tables.hosts[roll(HOSTS)];
    row->service = tables.services[skewed(SERVICES)];
    row->level = levels[skewed(4) * skewed(4) / 4];
    row->user = tables.users[skewed(USERS)];
    row->source = tables.sources[roll(SOURCES)];
    row->destination = tables.destinations[skewed(DESTINATIONS)];
    row->port = tables.ports[roll(PORTS)];
    row->method = methods[skewed(5)];
    row->path = tables.paths[skewed(PATHS)];
    row->status = statuses[skewed(STATUSES)];
    row->bytes = (unsigned)skewed(100000);
    row->duration = (unsigned)skewed(30000);
    row->session = (roll(1ULL << 32) << 32) | roll(1ULL << 32);
    row->agent = tables.agents[skewed(AGENTS)];
    uint64_t part = tenth == 0 ? 1 : number / tenth;
    uint64_t at = tenth == 0 ? number : number % tenth;
    row->user = at == 77 && part % 2 == 0 ? "zaphod.beeble-9999" : row->user;
    row->path = at == 55 && (part == 3 || part == 7) ? "/amber/z5-quixotry/kelp-1" : row->path;
    row->agent = at == 33 && (part == 2 || part == 9) ? "Engine/1.0 (MuMpSiMuS)" : row->agent;
    bool token = at == 123 && (part == 1 || part == 4 || part == 8);
    PRINT(row->message, "%s for %s after %u ms%s", tables.sentences[roll(SENTENCES)], row->user,
          row->duration, token ? " xerophyte" : "");
}

/* The civil date of a day since 1970, for years up to 2099. */
static void date_of(uint64_t day, unsigned *year, unsigned *month, unsigned *dom)
{
    static const unsigned char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    *year = 1970;
    for (;; (*year)++) {
        unsigned size = *year % 4 == 0 ? 366 : 365;
        if (day < size) {
            break;
        }
        day -= size;
    }
    for (*month = 0;; (*month)++) {
        unsigned size = lengths[*month] + (*month == 1 && *year % 4 == 0 ? 1u : 0u);
        if (day < size) {
            break;
        }
        day -= size;
    }
    (*month)++;
    *dom = (unsigned)day + 1;
}

static void row_print(const struct row *row, bool tsv)
{
    if (tsv) {
        (void)printf("%" PRIu64 "\t%u\t%s\t%s\t%s\t%s\t%s\t%s\t%u\t%s\t%s\t%u\t%u\t%u\t%016" PRIx64
                     "\t%s\t%s\n",
                     row->time / 1000, (unsigned)(row->time % 1000), row->host, row->service,
                     row->level, row->user, row->source, row->destination, row->port, row->method,
                     row->path, row->status, row->bytes, row->duration, row->session, row->agent,
                     row->message);
        return;
    }
    unsigned year;
    unsigned month;
    unsigned day;
    uint64_t seconds = row->time / 1000;
    date_of(seconds / 86400, &year, &month, &day);
    (void)printf("{\"time\":\"%04u-%02u-%02uT%02u:%02u:%02u.%03uZ\",\"host\":\"%s\",\"service\":"
                 "\"%s\",\"level\":\"%s\",\"user\":\"%s\",\"source\":\"%s\",\"destination\":\"%s\","
                 "\"port\":%u,\"method\":\"%s\",\"path\":\"%s\",\"status\":%u,\"bytes\":%u,"
                 "\"duration\":%u,\"session\":\"%016" PRIx64 "\",\"agent\":\"%s\",\"message\":"
                 "\"%s\"}\n",
                 year, month, day, (unsigned)(seconds / 3600 % 24), (unsigned)(seconds / 60 % 60),
                 (unsigned)(seconds % 60), (unsigned)(row->time % 1000), row->host, row->service,
                 row->level, row->user, row->source, row->destination, row->port, row->method,
                 row->path, row->status, row->bytes, row->duration, row->session, row->agent,
                 row->message);
}

int main(int argc, char **argv)
{
    bool tsv = argc > 1 && strcmp(argv[1], "--tsv") == 0;
    const char *given = argc > 1 + tsv ? argv[1 + tsv] : "";
    char *end;
    uint64_t count = strtoull(given, &end, 10);
    if (argc != 2 + tsv || end == given || *end != '\0') {
        (void)fprintf(stderr, "usage: rows [--tsv] COUNT\n");
        return 2;
    }
    tables_make();
    uint64_t time = BEGIN;
    struct row row;
    for (uint64_t i = 0; i < count; i++) {
        time += roll(3);
        row_make(&row, time, i, count / 10);
        row_print(&row, tsv);
    }
    return ferror(stdout) != 0 || fflush(stdout) != 0;
}
