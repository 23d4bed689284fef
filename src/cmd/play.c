/*
 * hinomi play: stories sent through the real sockets of a service, as their devices would.
 *
 * Which moment a line is stamped with:
 *
 *     without --from    that at which it is sent, whatever the speed
 *     with --from T     T and the story's clock, so an hour of the story has the stamps of an hour;
 *                       when that has caught up with the present, the story goes on at the pace of
 *                       the clock, so no stamp is ever ahead of it
 *
 * Several stories are told at the same time.  With --loop each begins again when it is over, by
 * another seed, until a signal comes.
 *
 * Always true: nothing leaves this machine unless --to says so.
 */

#include "cmd/cmd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "cmd/options.h"
#include "cmd/play_send.h"
#include "config/config.h"
#include "sys/clocks.h"
#include "sys/disk.h"
#include "sys/sender.h"

#define STORIES_MAX    32
#define STORY_SIZE_MAX ((size_t)64 << 20)
#define LINE_MAX_SIZE  ((size_t)1 << 20)
#define SPEED_MAX      1000000
#define TOKEN_FILE_MAX 4096

static const char usage[] =
    "usage: hinomi play [OPTION...] STORY...\n"
    "\n"
    "Sends the lines of stories (src/story/README.md) to a running service, as devices would.\n"
    "\n"
    "  --speed N        so many seconds of a story in one second; 1 without\n"
    "  --from TIME      the story's clock begins then; without, lines are stamped when sent\n"
    "  --seed N         another choice of what is drawn by lot\n"
    "  --loop           begin again when a story is over\n"
    "  --config FILE    where the service listens; may be given more than once, as to serve.\n"
    "                   Without: 127.0.0.1, syslog 5514, posts 8080\n"
    "  --udp PORT, --tcp PORT, --http PORT    other ports\n"
    "  --to ADDRESS     another machine; without, only loopback is sent to\n"
    "  --token FILE     holds the token of devices that post and have none of their own\n"
    "  --dry-run        print the lines instead\n"
    "\n"
    "Exit codes: 0 all lines were sent, 64 a wrong command line, 65 a wrong story, 66 it cannot\n"
    "be read, 69 lines could not be sent, 78 a wrong configuration.\n";

struct told {
    struct arena *mem;
    const struct story *story;
    struct telling *telling;
    struct play_devices *devices;
    int64_t base; /* of this round, since the beginning of all */
    int64_t last;
    uint64_t round;
};

struct play {
    uint64_t speed, seed, udp, tcp, http;
    bool seeded, loop, dry;
    struct wall from, started_wall;
    struct mono started;
    const char *to, *token_path;
    char *token;
    struct option_texts configs;
    struct config *config;
    char addresses[STORY_HOW_COUNT][64];
    struct play_target target;
    struct told told[STORIES_MAX];
    size_t count;
    uint64_t sent, lost;
};

static volatile sig_atomic_t stopped;

static int target_find(struct play *play);
static int token_read(struct play *play);
static int story_open(struct play *play, const char *path);
static int play_run(struct play *play);

static void stop(int signal_number)
{
    (void)signal_number;
    stopped = 1;
}

static int play_read(struct play *play, int argc, char **argv, int *ret_words)
{
    uint64_t seed = UINT64_MAX;
    const struct option options[] = {
        {"speed", OPTION_NUMBER, &play->speed},   {"from", OPTION_TIME, &play->from},
        {"seed", OPTION_NUMBER, &seed},           {"loop", OPTION_FLAG, &play->loop},
        {"config", OPTION_TEXTS, &play->configs}, {"to", OPTION_TEXT, &play->to},
        {"udp", OPTION_NUMBER, &play->udp},       {"tcp", OPTION_NUMBER, &play->tcp},
        {"http", OPTION_NUMBER, &play->http},     {"token", OPTION_TEXT, &play->token_path},
        {"dry-run", OPTION_FLAG, &play->dry},     {0},
    };
    enum options_result result = options_read(argc, argv, options, usage, wall_now(), ret_words);
    if (result != OPTIONS_OK) {
        *ret_words = 0;
        return result == OPTIONS_HELP ? 0 : 64;
    }
    play->seeded = seed != UINT64_MAX;
    play->seed = seed;
    if (*ret_words == 0) {
        (void)fputs("hinomi play: which STORY? see 'hinomi play --help'\n", stderr);
    } else if (*ret_words > STORIES_MAX) {
        (void)fprintf(stderr, "hinomi play: at most %d stories at a time\n", STORIES_MAX);
    } else if (play->speed < 1 || play->speed > SPEED_MAX || play->udp > 65535 ||
               play->tcp > 65535 || play->http > 65535) {
        (void)fprintf(stderr, "hinomi play: a speed is 1 to %d, a port 1 to 65535\n", SPEED_MAX);
    } else {
        return 0;
    }
    *ret_words = 0;
    return 64;
}

int cmd_play(int argc, char **argv)
{
    struct play play = {.speed = 1, .from = WALL_NONE};
    int words = 0;
    int code = play_read(&play, argc, argv, &words);
    if (words == 0) {
        return code;
    }
    play.started_wall = wall_now();
    play.started = mono_now();
    code = target_find(&play);
    code = code == 0 ? token_read(&play) : code;
    for (int i = 1; i <= words && code == 0; i++) {
        code = story_open(&play, argv[i]);
    }
    if (code == 0) {
        code = play_run(&play);
    }
    for (size_t i = 0; i < play.count; i++) {
        telling_free(play.told[i].telling);
        play_devices_free(play.told[i].devices);
        arena_free(play.told[i].mem);
    }
    free(play.token);
    config_free(play.config);
    return code;
}

/* ---- Where to. */

/* The configuration's first listener of each kind. */
static void listeners_take(struct play *play)
{
    static const enum story_how hows[LISTENER_KIND_COUNT] = {
        [LISTENER_SYSLOG_UDP] = STORY_SYSLOG_UDP,
        [LISTENER_SYSLOG_TCP] = STORY_SYSLOG_TCP,
        [LISTENER_HTTP] = STORY_HTTP,
    };
    for (size_t i = play->config->listeners_count; i > 0; i--) {
        const struct listener_config *listener = &play->config->listeners[i - 1];
        if (listener->kind > LISTENER_HTTP || listener->tls) {
            continue;
        }
        enum story_how how = hows[listener->kind];
        struct str address = str_equal(listener->address, STR("0.0.0.0")) ? STR("127.0.0.1")
                             : str_equal(listener->address, STR("::"))    ? STR("::1")
                                                                          : listener->address;
        (void)snprintf(play->addresses[how], sizeof play->addresses[how], "%.*s", STR_ARG(address));
        play->target.ports[how] = listener->port;
    }
}

static int target_find(struct play *play)
{
    const uint64_t ports[STORY_HOW_COUNT] = {play->udp, play->tcp, play->http};
    struct why why = {0};
    size_t at = 0;
    play->target.ports[STORY_SYSLOG_UDP] = 5514;
    play->target.ports[STORY_SYSLOG_TCP] = 5514;
    play->target.ports[STORY_HTTP] = 8080;
    for (size_t i = 0; i < STORY_HOW_COUNT; i++) {
        (void)snprintf(play->addresses[i], sizeof play->addresses[i], "127.0.0.1");
    }
    if (play->configs.count > 0) {
        enum err err =
            config_load_all(play->configs.items, play->configs.count, &play->config, &at, &why);
        if (err != OK) {
            (void)fprintf(stderr, "hinomi play: %s%s%s\n",
                          why.line > 0 ? play->configs.items[at] : "", why.line > 0 ? ":" : "",
                          why_text(&why, err));
            return 78;
        }
        listeners_take(play);
    }
    for (size_t i = 0; i < STORY_HOW_COUNT; i++) {
        play->target.ports[i] = ports[i] > 0 ? (uint16_t)ports[i] : play->target.ports[i];
        play->target.to[i] = play->to != NULL ? play->to : play->addresses[i];
        if (play->to == NULL && !address_is_loopback(play->addresses[i])) {
            (void)fprintf(stderr,
                          "hinomi play: %s is not on loopback; say --to %s if that is meant\n",
                          play->addresses[i], play->addresses[i]);
            return 64;
        }
    }
    return 0;
}

static int token_read(struct play *play)
{
    struct why why = {0};
    size_t size;
    if (play->token_path == NULL) {
        return 0;
    }
    enum err err =
        disk_read_whole(disk_real(), play->token_path, TOKEN_FILE_MAX, &play->token, &size, &why);
    if (err != OK) {
        (void)fprintf(stderr, "hinomi play: %s\n", why_text(&why, err));
        return 66;
    }
    play->target.token = str_trim(str_of(play->token, size));
    return 0;
}

/* ---- Stories. */

static struct wall clock_start(const struct play *play)
{
    return wall_known(play->from) ? play->from : play->started_wall;
}

static enum err round_begin(struct play *play, struct told *told)
{
    struct wall start = clock_start(play);
    uint64_t seed = play->seeded ? play->seed : story_seed(told->story);
    telling_free(told->telling);
    told->telling = NULL;
    start.ns += told->base;
    return telling_new(told->story, seed + told->round, start, &told->telling);
}

static int story_open(struct play *play, const char *path)
{
    struct told *told = &play->told[play->count];
    struct why why = {0};
    char *text;
    size_t size;
    enum err err = disk_read_whole(disk_real(), path, YAML_SIZE_MAX, &text, &size, &why);
    if (err != OK) {
        (void)fprintf(stderr, "hinomi play: %s\n", why_text(&why, err));
        return 66;
    }
    play->count++;
    told->mem = arena_new(STORY_SIZE_MAX);
    err = told->mem == NULL ? ERR_MEMORY
                            : story_parse(str_of(text, size), told->mem, &told->story, &why);
    free(text);
    if (err == OK) {
        err = play_devices_new(told->story, &play->target, &told->devices);
    }
    if (err == OK) {
        err = round_begin(play, told);
    }
    if (err != OK) {
        (void)fprintf(stderr, "%s:%s\n", path, why_text(&why, err));
        return 65;
    }
    return 0;
}

/* When a story speaks next, beginning it again if that is asked for; INT64_MAX: it is over. */
static int64_t told_due(struct play *play, struct told *told)
{
    int64_t due;
    if (told->telling == NULL) {
        return INT64_MAX;
    }
    if (telling_due(told->telling, &due) == OK) {
        return told->base + due;
    }
    if (!play->loop) {
        return INT64_MAX;
    }
    told->base = told->last + NS_PER_SECOND;
    told->round++;
    if (round_begin(play, told) != OK || telling_due(told->telling, &due) != OK) {
        return INT64_MAX;
    }
    return told->base + due;
}

/* ---- Playing. */

static void sleep_ns(int64_t ns)
{
    const struct timespec span = {.tv_sec = ns / NS_PER_SECOND, .tv_nsec = ns % NS_PER_SECOND};
    (void)nanosleep(&span, NULL); /* A signal ends it early, and is looked at. */
}

/* Waits until the story's clock may be there; false: we were told to stop. */
static bool wait_for(const struct play *play, int64_t due)
{
    while (!stopped && !play->dry) {
        int64_t passed = mono_now().ns - play->started.ns;
        int64_t left = due / (int64_t)play->speed - passed;
        int64_t ahead = wall_known(play->from) ? play->from.ns + due - wall_now().ns : 0;
        left = ahead > left ? ahead : left;
        if (left <= 0) {
            return true;
        }
        sleep_ns(left < NS_PER_SECOND ? left : NS_PER_SECOND);
    }
    return !stopped;
}

static bool line_hand_over(struct play *play, struct told *told, int64_t due, struct buf *out)
{
    size_t device;
    struct wall stamp = clock_start(play);
    stamp.ns += due;
    if (!play->dry && !wall_known(play->from)) {
        stamp = wall_now();
    }
    buf_reset(out);
    if (telling_say(told->telling, stamp, out, &device) != OK) {
        (void)fputs("hinomi play: a line is too long\n", stderr);
        return false;
    }
    told->last = due;
    if (play->dry) {
        return printf("%.*s\n", (int)out->size, out->data) >= 0;
    }
    bool taken = play_devices_send(told->devices, device, buf_str(out));
    play->sent += taken ? 1 : 0;
    play->lost += taken ? 0 : 1;
    return true;
}

static int play_run(struct play *play)
{
    const struct sigaction action = {.sa_handler = stop};
    struct buf out;
    bool going = sigaction(SIGINT, &action, NULL) == 0 && sigaction(SIGTERM, &action, NULL) == 0;
    buf_init(&out, LINE_MAX_SIZE);
    while (going) {
        struct told *next = NULL;
        int64_t earliest = INT64_MAX;
        for (size_t i = 0; i < play->count; i++) {
            int64_t due = told_due(play, &play->told[i]);
            if (due < earliest) {
                earliest = due;
                next = &play->told[i];
            }
        }
        going =
            next != NULL && wait_for(play, earliest) && line_hand_over(play, next, earliest, &out);
    }
    buf_done(&out);
    if (!play->dry) {
        printf("%llu lines sent, %llu not\n", (unsigned long long)play->sent,
               (unsigned long long)play->lost);
    }
    return play->lost > 0 ? 69 : 0;
}
