/* Small stories, told with moments of the test's own. */

#include "story/story.h"

#include <stdio.h>
#include <string.h>

#include "testing/testing.h"

#define START ((struct wall){1795336200 * NS_PER_SECOND}) /* 2026-11-22T08:30:00Z */
#define DEVICES                                                                                  \
    "devices:\n"                                                                                 \
    "  - {slug: web, how: syslog-udp, format: rfc3164, host: web-1, program: nginx}\n"           \
    "  - {slug: app, how: http, format: json, token: t}\n"                                       \
    "  - {slug: fw, how: syslog-tcp, format: rfc5424, host: fw, program: kernel, priority: 4}\n" \
    "  - {slug: bare, how: http, format: raw}\n"

static const struct story *read_well(const char *text, struct arena *mem)
{
    const struct story *story = NULL;
    struct why why = {0};
    enum err err = story_parse(str_from(text), mem, &story, &why);
    if (err != OK) {
        printf("%s\n", why_text(&why, err));
    }
    CHECK(err == OK);
    return story;
}

/* All that a story says, one line after another with its moment in seconds; at most `lines_max`. */
static struct str told(const char *text, uint64_t seed, size_t lines_max, struct arena *mem)
{
    const struct story *story = read_well(text, mem);
    struct telling *telling = NULL;
    struct buf out;
    struct str all;
    int64_t due;
    size_t device;
    buf_init(&out, 1 << 20);
    CHECK(telling_new(story, seed, START, &telling) == OK);
    for (size_t i = 0; i < lines_max && telling_due(telling, &due) == OK; i++) {
        CHECK(buf_print(&out, "%lld ", (long long)(due / NS_PER_SECOND)) == OK);
        CHECK(telling_say(telling, (struct wall){START.ns + due}, &out, &device) == OK);
        CHECK(device < story_devices(story) && buf_append_byte(&out, '\n') == OK);
    }
    telling_free(telling);
    CHECK(arena_copy(mem, buf_str(&out), &all) == OK);
    buf_done(&out);
    return all;
}

static void is(const char *text, const char *expected)
{
    struct arena *mem = arena_new(16 << 20);
    struct str all = told(text, 1, 100, mem);
    if (!str_equal(all, str_from(expected))) {
        printf("%.*s", STR_ARG(all));
    }
    CHECK(str_equal(all, str_from(expected)));
    arena_free(mem);
}

TEST(each_format_is_written_as_its_device_does)
{
    is(DEVICES "phases:\n"
               "  - lines:\n"
               "      - {device: web, text: 'a {time clf} b'}\n"
               "      - {device: fw, text: 'c'}\n"
               "      - {device: app, fields: {message: 'say \"x\"', n: 7, at: '{time rfc3339}'}}\n"
               "      - {device: bare, text: '{{d} {time epoch}'}\n",
       "0 <134>Nov 22 08:30:00 web-1 nginx: a 22/Nov/2026:08:30:00 +0000 b\n"
       "1 <4>1 2026-11-22T08:30:01.000000Z fw kernel - - - c\n"
       "2 {\"message\":\"say \\\"x\\\"\",\"n\":7,\"at\":\"2026-11-22T08:30:02.000000Z\"}\n"
       "3 {d} 1795336203\n");
}

TEST(phases_run_beside_each_other_in_the_order_of_time)
{
    is(DEVICES "lists: {hosts: {from: 9, to: 11, before: h}}\n"
               "phases:\n"
               "  - {at: 1s, every: 2s, times: 4, lines: [{device: bare, text: 'x {each hosts} "
               "{serial 5 6}'}]}\n"
               "  - {at: 2s, every: 1s, lasts: 2s, lines: [{device: bare, text: y}]}\n",
       "1 x h9 5\n2 y\n3 x h10 6\n3 y\n5 x h11 5\n7 x h9 6\n");
}

TEST(the_same_seed_says_the_same_and_another_does_not)
{
    static const char text[] =
        DEVICES "lists: {a: [p, q, r, s, t, u, v, w]}\n"
                "phases:\n"
                "  - {per_hour: 3600, lasts: 2m, lines: [{device: bare, text: '{pick a} {number 1 "
                "999} {same a}'}, {device: bare, text: z, weight: 3}]}\n";
    struct arena *mem = arena_new(16 << 20);
    struct str first = told(text, 1, 1000, mem);
    CHECK(str_equal(first, told(text, 1, 1000, mem)));
    CHECK(!str_equal(first, told(text, 2, 1000, mem)));
    size_t lines = 0;
    size_t drawn = 0;
    for (struct str rest = first; rest.size > 0; lines++) {
        drawn += str_ends(str_cut(&rest, '\n'), STR(" z")) ? 1 : 0;
    }
    CHECK(lines > 80 && lines < 170 && drawn > lines / 2 && drawn < lines);
    arena_free(mem);
}

TEST(the_hour_of_the_day_says_how_much_is_written)
{
    static const char text[] =
        DEVICES "zone: \"+09:00\"\n" /* The story begins at 17:30. */
                "phases:\n"
                "  - per_hour: [0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,600,0,0,0,0,0]\n"
                "    lasts: 1d\n"
                "    lines: [{device: bare, text: x}]\n";
    struct arena *mem = arena_new(16 << 20);
    struct str rest = told(text, 1, 10000, mem);
    size_t lines = 0;
    while (rest.size > 0) {
        struct str line = str_cut(&rest, '\n');
        uint64_t second;
        CHECK(str_to_u64(str_cut(&line, ' '), 90000, &second) == OK);
        CHECK(second >= 1800 && second < 2 * 3600 + 60);
        lines++;
    }
    CHECK(lines > 400 && lines < 1000);
    arena_free(mem);
}

TEST(mistakes_name_their_place_and_what_to_do)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"", "1:1: a story is one document of keys with values"},
        {"phase: []\n", "1:1: unknown key 'phase'; did you mean 'phases'?"},
        {DEVICES "phases: [{lines: [{device: nobody, text: x}]}]\n",
         "6:19: a line has a 'device', one of 'devices'"},
        {DEVICES "phases: [{lines: [{device: bare, text: '{pick x}'}]}]\n",
         "6:40: there is no list 'x' under 'lists'"},
        {DEVICES "phases: [{lines: [{device: bare, text: '{pikc x}'}]}]\n",
         "6:40: '{pikc x}' is no placeholder; there are time, pick, each, same, number and serial, "
         "and '{{' is a brace"},
        {DEVICES "phases: [{lines: [{device: bare, text: '{number 9 1}'}]}]\n",
         "6:40: '{number 9 1}' needs two numbers, the smaller one first"},
        {DEVICES "phases: [{lines: [{device: bare, text: 'x {'}]}]\n",
         "6:40: a placeholder does not end; write '{{' for a brace"},
        {DEVICES "phases: [{at: soon, lines: [{device: bare, text: x}]}]\n",
         "6:15: a duration is written as 90s, 15m or 2h30m, up to 31d"},
        {DEVICES "phases: [{every: 1s, per_hour: 7, lines: [{device: bare, text: x}]}]\n",
         "6:32: a phase has either 'every' or 'per_hour'"},
        {DEVICES "phases: [{lines: [{device: app, text: x}]}]\n",
         "6:19: a line of a device that writes json has 'fields', at most 32"},
        {"devices: [{slug: a, how: mail, format: raw}]\n",
         "1:26: one of syslog-udp, syslog-tcp, http stands here"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *mem = arena_new(16 << 20);
        const struct story *story;
        struct why why = {0};
        enum err err = story_parse(str_from(cases[i].text), mem, &story, &why);
        CHECK(err == ERR_SYNTAX);
        if (strcmp(why_text(&why, err), cases[i].reason) != 0) {
            printf("%zu %s\n", i, why_text(&why, err));
        }
        CHECK(strcmp(why_text(&why, err), cases[i].reason) == 0);
        arena_free(mem);
    }
}
