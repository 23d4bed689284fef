/*
 * A desk without its neighbours: real rooms on a folder of the test's, portal's end of the link in
 * our hands.  Two clients, alpha and bravo; ann and eve of watch work for alpha, the heads are the
 * clients' own.
 */

#include "serve/desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "sys/clocks.h"
#include "testing/testing.h"

#define HEARD_SIZE 65536

struct stage {
    struct process process;
    struct desk *desk;
    struct timer *over;
    struct scope *administrator;
    struct arena *mem;
    int portal; /* our end */
    uint64_t tickets;
    char heard[64][4096]; /* by ticket */
    bool ended[64];
    unsigned status[64];
};

static char packet[MESSAGE_SIZE_MAX];

#define ASSIGNED "[{person: ann, role: analyst}, {person: eve, role: engineer}]"
static const char file_form[] =
    "parties:\n"
    "  - slug: watch\n"
    "    kinds: [provider]\n"
    "    people:\n"
    "      - {slug: ann, mail: ann@watch.example, roles: [analyst]}\n"
    "      - {slug: eve, mail: eve@watch.example, roles: [engineer]}\n"
    "clients:\n"
    "  - slug: alpha\n"
    "    people:\n"
    "      - {slug: head, mail: head@alpha.example, roles: [responsible]}\n"
    "%s"
    "    engagements:\n"
    "      - {slug: main, party: watch, state: steady, assignments: %s}\n"
    "    sources: [{slug: alpha-web%s}]\n"
    "  - slug: bravo\n"
    "    people: [{slug: head, mail: head@bravo.example, roles: [responsible]}]\n"
    "    sources: [{slug: bravo-web}]\n";

static void stage_apply(struct stage *stage, const char *more, const char *assigned,
                        const char *source)
{
    struct str text;
    struct apply_result result;
    struct why why = {0};
    CHECK(arena_print(stage->mem, &text, file_form, more, assigned, source) == OK);
    enum err err = tenant_apply(stage->administrator, stage->desk->rooms.tenant, text, wall_now(),
                                stage->mem, &result, &why);
    if (err != OK) {
        testing_fail(why_text(&why, err), __FILE__, __LINE__);
    }
}

static void stage_over(void *context)
{
    struct stage *stage = context;
    loop_stop(stage->process.loop);
}

static struct stage *stage_new(void)
{
    struct stage *stage = calloc(1, sizeof *stage);
    int pair[2];
    struct why why = {0};
    const struct rooms_settings settings = {.disk = disk_real(),
                                            .folder = testing_folder(),
                                            .zoneinfo = "/usr/share/zoneinfo",
                                            .mail_from = STR("soc@watch.example")};
    CHECK(stage != NULL && loop_new(&stage->process.loop) == OK && channel_pair(pair) == OK);
    stage->mem = arena_new((size_t)256 << 20);
    struct desk *desk = stage->desk = calloc(1, sizeof *stage->desk);
    desk->process = &stage->process;
    CHECK(rooms_open(&settings, wall_now(), &desk->rooms, &why) == OK);
    CHECK(timer_new(stage->process.loop, stage_over, stage, &stage->over) == OK);
    CHECK(link_new(stage->process.loop, pair[0], desk_portal_spoke, desk, &desk->portal) == OK);
    stage->portal = pair[1];
    CHECK(scope_for_administrator(desk->rooms.tenant, 1000, STR("test"), wall_now(),
                                  &stage->administrator) == OK);
    stage_apply(stage, "", ASSIGNED, "");
    CHECK(desk_change_open(desk) == OK);
    return stage;
}

static void stage_free(struct stage *stage)
{
    desk_change_close(stage->desk);
    link_free(stage->desk->portal);
    scope_free(stage->administrator);
    rooms_close(&stage->desk->rooms);
    timer_free(stage->over);
    loop_free(stage->process.loop);
    arena_free(stage->mem);
    (void)close(stage->portal);
    free(stage->desk);
    free(stage);
}

/* Lets desk run for a while, then takes what it said to portal. */
static void stage_run(struct stage *stage, uint64_t ms)
{
    struct message message;
    timer_set(stage->over, ms, 0);
    loop_run(stage->process.loop);
    while (message_receive(stage->portal, packet, &message) == OK) {
        bool answer = message.type == MESSAGE_API_ANSWER;
        CHECK(answer || message.type == MESSAGE_API_STREAM);
        uint64_t ticket = answer ? message.api_answer.ticket : message.api_stream.ticket;
        struct str text = answer ? message.api_answer.body : message.api_stream.text;
        if (ticket < 64) {
            size_t at = strlen(stage->heard[ticket]);
            (void)snprintf(stage->heard[ticket] + at, sizeof stage->heard[ticket] - at, "%.*s",
                           STR_ARG(text));
            stage->ended[ticket] = stage->ended[ticket] || (!answer && message.api_stream.end != 0);
            stage->status[ticket] =
                answer ? (unsigned)message.api_answer.status : stage->status[ticket];
        }
        message_done(&message);
    }
}

static struct str session_of(struct stage *stage, const char *name)
{
    struct person_info person;
    struct str token;
    CHECK(tenant_person_find(stage->desk->rooms.tenant, str_from(name), &person) == OK);
    CHECK(session_new(stage->desk->rooms.tenant, person.id, STR("192.0.2.1"), STR("test"),
                      wall_now(), stage->mem, &token) == OK);
    return token;
}

/* Opens a stream by a session; its ticket. */
static uint64_t stream_open(struct stage *stage, struct str session)
{
    uint64_t ticket = stage->tickets++;
    struct message call = {.type = MESSAGE_API_CALL,
                           .api_call = {.ticket = ticket,
                                        .same_origin = 1,
                                        .method = STR("GET"),
                                        .path = STR("/changes"),
                                        .session = session,
                                        .language = STR("en"),
                                        .peer = STR("192.0.2.1")}};
    CHECK(message_send(stage->portal, &call) == OK);
    stage_run(stage, 5);
    return ticket;
}

/* The data of a change as "alpha incident 1; ". */
static void change_say(struct str line, char text[HEARD_SIZE])
{
    struct str parts[14] = {0};
    size_t at = strlen(text);
    for (size_t i = 0; i < 14; i++) {
        parts[i] = str_cut(&line, '"');
    }
    struct str number = str_slice(parts[10], 1, parts[10].size - 2); /* ":1," */
    (void)snprintf(text + at, HEARD_SIZE - at, "%.*s %.*s %.*s%.*s; ", STR_ARG(parts[3]),
                   STR_ARG(parts[7]), STR_ARG(number), STR_ARG(parts[13]));
}

/* What a stream heard since it was asked last: "hello; alpha incident 1; end; ". */
static const char *heard(struct stage *stage, uint64_t ticket)
{
    static char text[HEARD_SIZE];
    struct str rest = str_from(stage->heard[ticket]);
    text[0] = '\0';
    while (rest.size > 0) {
        struct str line = str_cut(&rest, '\n');
        size_t at = strlen(text);
        if (str_starts(line, STR("data: {\"client\""))) {
            change_say(line, text);
        } else if (str_starts(line, STR("event: ")) && !str_equal(line, STR("event: change"))) {
            struct str event = str_slice(line, 7, line.size);
            (void)snprintf(text + at, HEARD_SIZE - at, "%.*s; ", STR_ARG(event));
        }
    }
    stage->heard[ticket][0] = '\0';
    return text;
}

/* One alert that is an incident, in a transaction of its own. */
static void incident_make(struct stage *stage, const char *slug, uint64_t sequence)
{
    const struct rooms *rooms = &stage->desk->rooms;
    struct client_id client;
    struct scope *scope;
    uint64_t fresh;
    uint64_t opened;
    char cause[32];
    (void)snprintf(cause, sizeof cause, "cause-%llu", (unsigned long long)sequence);
    CHECK(tenant_client_find(rooms->tenant, str_from(slug), &client) == OK);
    CHECK(scope_for_spine(rooms->tenant, client, &scope) == OK);
    struct alert alert = {.place = {client, sequence},
                          .received = wall_now(),
                          .happened = WALL_NONE,
                          .level = LEVEL_HIGH,
                          .rule_id = STR("r1"),
                          .rule_title = STR("Seen"),
                          .rule_version = STR("00ff"),
                          .outcome = {.type = str_from(cause),
                                      .severity = LEVEL_HIGH,
                                      .incident = true,
                                      .asset = str_from(cause)}};
    const struct alerts alerts = {&alert, 1};
    CHECK(ledger_begin(rooms->ledger) == OK);
    CHECK(incident_store(scope, rooms->ledger, client, &alerts, sequence + 1, wall_now(), &fresh) ==
          OK);
    CHECK(incident_group(rooms->job, rooms->incidents, client, wall_now(), &opened) == OK);
    CHECK(opened == 1);
    stage_run(stage, 5);
    CHECK(ledger_commit(rooms->ledger) == OK);
    scope_free(scope);
}

TEST(an_incident_is_heard_of_by_its_client_and_its_provider_and_by_nobody_else)
{
    struct stage *stage = stage_new();
    uint64_t alpha = stream_open(stage, session_of(stage, "alpha/head"));
    uint64_t ann = stream_open(stage, session_of(stage, "watch/ann"));
    uint64_t bravo = stream_open(stage, session_of(stage, "bravo/head"));
    CHECK(stage->status[alpha] == 200 && strcmp(heard(stage, alpha), "hello; ") == 0);
    CHECK(strcmp(heard(stage, bravo), "hello; ") == 0 && strcmp(heard(stage, ann), "hello; ") == 0);
    incident_make(stage, "alpha", 1);
    CHECK(strcmp(heard(stage, alpha), "") == 0); /* it was not on disk yet */
    stage_run(stage, 5);
    CHECK(strcmp(heard(stage, alpha), "alpha alerts 0; alpha incident 1; ") == 0);
    CHECK(strcmp(heard(stage, ann), "alpha alerts 0; alpha incident 1; ") == 0);
    CHECK(strcmp(heard(stage, bravo), "") == 0);
    incident_make(stage, "bravo", 1);
    stage_run(stage, 120);
    CHECK(strcmp(heard(stage, bravo), "bravo alerts 0; bravo incident 1; ") == 0);
    CHECK(strcmp(heard(stage, ann), "") == 0 && strcmp(heard(stage, alpha), "") == 0);
    stage_free(stage);
}

TEST(who_loses_a_client_is_told_to_look_anew_and_hears_no_more_of_it)
{
    struct stage *stage = stage_new();
    uint64_t ann = stream_open(stage, session_of(stage, "watch/ann"));
    uint64_t eve = stream_open(stage, session_of(stage, "watch/eve"));
    (void)heard(stage, ann);
    (void)heard(stage, eve);
    stage_apply(stage, "", "[{person: eve, role: engineer}]", "");
    stage_run(stage, 5);
    CHECK(strcmp(heard(stage, ann), "hello; ") == 0);
    CHECK(strcmp(heard(stage, eve), "alpha client 0; ") == 0);
    incident_make(stage, "alpha", 1);
    stage_run(stage, 1100);
    CHECK(strcmp(heard(stage, ann), "") == 0);
    CHECK(strcmp(heard(stage, eve), "alpha alerts 0; alpha incident 1; ") == 0);
    stage_apply(stage, "", ASSIGNED, "");
    stage_run(stage, 5);
    CHECK(strcmp(heard(stage, ann), "hello; ") == 0);
    stage_free(stage);
}

TEST(sources_and_people_are_told_of_to_those_who_may_see_them)
{
    struct stage *stage = stage_new();
    uint64_t alpha = stream_open(stage, session_of(stage, "alpha/head"));
    uint64_t ann = stream_open(stage, session_of(stage, "watch/ann"));
    uint64_t bravo = stream_open(stage, session_of(stage, "bravo/head"));
    (void)heard(stage, alpha);
    (void)heard(stage, ann);
    (void)heard(stage, bravo);
    stage_apply(stage, "", ASSIGNED, ", name: {en: Web}");
    stage_run(stage, 5);
    CHECK(strcmp(heard(stage, alpha), "alpha client 0; ") == 0);
    CHECK(strcmp(heard(stage, ann), "alpha client 0; ") == 0);
    stage_apply(stage, "      - {slug: clerk, mail: clerk@alpha.example, roles: [contact]}\n",
                ASSIGNED, ", name: {en: Web}");
    stage_run(stage, 5);
    CHECK(strcmp(heard(stage, alpha), "alpha people 0; ") == 0);
    CHECK(strcmp(heard(stage, ann), "alpha people 0; ") == 0);
    CHECK(strcmp(heard(stage, bravo), "") == 0);
    stage_free(stage);
}

TEST(a_stream_ends_with_its_session_and_with_its_person)
{
    struct stage *stage = stage_new();
    struct tenant *tenant = stage->desk->rooms.tenant;
    struct str first = session_of(stage, "alpha/head");
    struct str second = session_of(stage, "alpha/head");
    uint64_t ended = stream_open(stage, first);
    uint64_t stays = stream_open(stage, second);
    uint64_t left = stream_open(stage, session_of(stage, "watch/ann"));
    CHECK(session_end(tenant, first, wall_now()) == OK);
    stage_run(stage, 5);
    CHECK(strcmp(heard(stage, ended), "hello; end; ") == 0 && stage->ended[ended]);
    CHECK(strcmp(heard(stage, stays), "hello; ") == 0 && !stage->ended[stays]);
    struct person_info person;
    CHECK(tenant_person_find(tenant, STR("watch/ann"), &person) == OK);
    struct str text =
        STR("parties:\n  - slug: watch\n    kinds: [provider]\n"
            "    people: [{slug: eve, mail: eve@watch.example, roles: [engineer]}]\n");
    struct apply_result result;
    CHECK(tenant_apply(stage->administrator, tenant, text, wall_now(), stage->mem, &result, NULL) ==
          OK);
    stage_run(stage, 5);
    CHECK(stage->ended[left] && strstr(heard(stage, left), "end; ") != NULL);
    (void)heard(stage, stays);
    incident_make(stage, "alpha", 1);
    stage_run(stage, 5);
    CHECK(strcmp(heard(stage, ended), "") == 0 && strcmp(heard(stage, left), "") == 0);
    CHECK(strcmp(heard(stage, stays), "alpha alerts 0; alpha incident 1; ") == 0);
    stage_free(stage);
}

TEST(only_a_session_opens_a_stream_and_only_so_many)
{
    struct stage *stage = stage_new();
    struct str session = session_of(stage, "alpha/head");
    uint64_t nobody = stream_open(stage, STR(""));
    CHECK(stage->status[nobody] == 401);
    uint64_t first = stream_open(stage, session);
    for (unsigned i = 1; i < PORTAL_STREAMS_SESSION; i++) {
        CHECK(stage->status[stream_open(stage, session)] == 200);
    }
    CHECK(stage->status[stream_open(stage, session)] == 429);
    struct message gone = {.type = MESSAGE_API_GONE, .api_gone = {.ticket = first}};
    CHECK(message_send(stage->portal, &gone) == OK);
    CHECK(stage->status[stream_open(stage, session)] == 200);
    for (unsigned i = PORTAL_STREAMS_SESSION; i < PORTAL_STREAMS_PERSON; i++) {
        if (i % PORTAL_STREAMS_SESSION == 0) {
            session = session_of(stage, "alpha/head");
        }
        CHECK(stage->status[stream_open(stage, session)] == 200);
    }
    CHECK(stage->status[stream_open(stage, session_of(stage, "alpha/head"))] == 429);
    stage_free(stage);
}

#define CROWD (PORTAL_STREAMS_MAX / PORTAL_STREAMS_PERSON)

TEST(as_many_streams_as_there_may_be_are_told_in_one_short_turn)
{
    struct stage *stage = stage_new();
    struct buf more;
    struct person_info person;
    struct message message;
    unsigned told = 0;
    buf_init(&more, 65536);
    for (unsigned i = 0; i < CROWD; i++) {
        CHECK(buf_print(&more, "      - {slug: c%u, mail: c%u@alpha.example, roles: [viewer]}\n", i,
                        i) == OK);
    }
    CHECK(buf_append_byte(&more, '\0') == OK);
    stage_apply(stage, more.data, ASSIGNED, "");
    for (uint32_t i = 0; i < PORTAL_STREAMS_MAX; i++) {
        static struct str session;
        char name[32];
        (void)snprintf(name, sizeof name, "alpha/c%u", i / PORTAL_STREAMS_PERSON);
        session = i % PORTAL_STREAMS_SESSION == 0 ? session_of(stage, name) : session;
        CHECK(tenant_person_find(stage->desk->rooms.tenant, str_from(name), &person) == OK);
        CHECK(desk_change_begin(stage->desk, 1000 + i, session, person.id) == OK);
    }
    CHECK(desk_change_begin(stage->desk, 1, STR("another"), 9999) == ERR_AGAIN);
    stage_run(stage, 5);
    incident_make(stage, "alpha", 1);
    struct mono before = mono_now();
    timer_set(stage->over, 0, 0);
    loop_run(stage->process.loop);
    printf("%u streams told in %.1f ms\n", PORTAL_STREAMS_MAX,
           (double)(mono_now().ns - before.ns) / (double)NS_PER_MS);
    for (int turn = 0; turn < 50; turn++) {
        timer_set(stage->over, 1, 0);
        loop_run(stage->process.loop);
        while (message_receive(stage->portal, packet, &message) == OK) {
            told += str_find(message.api_stream.text, STR("\"incident\"")) != STR_NONE;
            message_done(&message);
        }
    }
    CHECK(told == PORTAL_STREAMS_MAX);
    buf_done(&more);
    stage_free(stage);
}
