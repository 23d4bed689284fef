/* With us in desk's place: who is asked for a stamp, and which answer is taken. */

#include "serve/stamping.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "archive/stamp.h"
#include "base/limits.h"
#include "event/builder.h"
#include "sys/fake.h"
#include "testing/testing.h"

#define BEGIN   ((int64_t)1790000000 * NS_PER_SECOND)
#define EVERY_S 600
#define CLIENTS 6 /* more than are asked for at once */

/* Core as far as stamps concern it: clients 1 to CLIENTS with a head each, a link to desk. */
struct core {
    struct fake *fake;
    struct archive *archive;
    struct scope *scope;
    struct loop *loop;
    struct spine *spine;
    struct process process;
    struct stamping stamping;
    struct wall now;
    int desk;
    char packet[MESSAGE_SIZE_MAX];
};

static void record_store(struct core *core, uint32_t client)
{
    struct builder *builder = builder_new((struct client_id){client}, (struct source_id){4});
    struct arena *mem = arena_new(1 << 20);
    struct str bytes;
    struct batch batch;
    struct place first;
    CHECK(builder_begin(builder, STR("a record"), core->now) == OK && builder_end(builder) == OK);
    CHECK(builder_finish(builder, &bytes) == OK && batch_check(bytes, mem, &batch, NULL) == OK);
    CHECK(archive_append(core->scope, core->archive, &batch, (struct ring_place){9, client},
                         core->now, &first) == OK);
    CHECK(archive_commit(core->archive) == OK);
    arena_free(mem);
    builder_free(builder);
}

/* Another head of each client, `seconds` later. */
static void heads_sign(struct core *core, int64_t seconds)
{
    bool more = true;
    core->now.ns += seconds * NS_PER_SECOND;
    while (more) {
        CHECK(archive_sign(core->archive, core->now, NS_PER_SECOND, 10, &more) == OK);
    }
}

static struct core *core_new(void)
{
    struct core *core = calloc(1, sizeof *core);
    struct why why = {0};
    int ends[2];
    CHECK(core != NULL);
    core->fake = fake_new();
    core->now.ns = BEGIN;
    core->process = (struct process){.kind = PROCESS_CORE, .setup = {.stamp_seconds = EVERY_S}};
    const struct archive_options options = {.disk = fake_disk(core->fake),
                                            .folder = "archive",
                                            .keys = "keys",
                                            .journal_size_max = 1 << 20};
    CHECK(scope_for_test((struct client_id){0}, RIGHT_APPEND | RIGHT_READ, &core->scope) == OK);
    CHECK(archive_open(&options, core->now, &core->archive, &why) == OK);
    core->spine = calloc(1, sizeof *core->spine);
    CHECK(core->spine != NULL);
    core->spine->archive = core->archive;
    core->spine->clients = calloc(CLIENTS, sizeof *core->spine->clients);
    CHECK(core->spine->clients != NULL);
    core->spine->clients_count = CLIENTS;
    for (uint32_t i = 0; i < CLIENTS; i++) {
        core->spine->clients[i].id = (struct client_id){i + 1};
        core->spine->clients[i].scope = core->scope;
        record_store(core, i + 1);
    }
    heads_sign(core, 60);
    CHECK(loop_new(&core->loop) == OK);
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    CHECK(link_new(core->loop, ends[0], NULL, NULL, &core->spine->desk) == OK);
    core->desk = ends[1];
    return core;
}

static void core_free(struct core *core)
{
    link_free(core->spine->desk);
    (void)close(core->desk);
    loop_free(core->loop);
    archive_close(core->archive, core->now);
    scope_free(core->scope);
    fake_free(core->fake);
    free(core->spine->clients);
    free(core->spine);
    free(core);
}

static void tick(struct core *core, int64_t seconds)
{
    core->now.ns += seconds * NS_PER_SECOND;
    stamping_tick(&core->stamping, &core->process, core->spine, core->now);
}

struct asking {
    uint32_t client;
    uint64_t nonce;
};

/* What desk was asked since the last time. */
static size_t heard(struct core *core, struct asking *list, size_t room)
{
    struct message message;
    size_t count = 0;
    while (message_receive(core->desk, core->packet, &message) == OK) {
        CHECK(message.type == MESSAGE_STAMP && message.stamp.hash.size == SHA256_SIZE);
        CHECK(count < room);
        list[count++] = (struct asking){(uint32_t)message.stamp.client, message.stamp.nonce};
        message_done(&message);
    }
    return count;
}

static void answer(struct core *core, struct asking asking, const char *token)
{
    const struct stamped_message stamped = {.client = asking.client,
                                            .nonce = asking.nonce,
                                            .token = str_from(token),
                                            .said = STR("nobody answers")};
    stamping_came(&core->stamping, &core->process, core->spine, &stamped, core->now);
}

static bool is_stamped(struct core *core, uint32_t client)
{
    struct evidence_told told;
    CHECK(archive_evidence(core->scope, core->archive, (struct client_id){client}, &told) == OK);
    return told.stamp_known;
}

TEST(some_clients_are_asked_for_at_once_each_once_and_all_get_their_turn)
{
    struct core *core = core_new();
    struct asking asked[CLIENTS + 1];
    bool met[CLIENTS + 1] = {false};
    unsigned total = 0;
    for (unsigned round = 0; round < 2; round++) {
        tick(core, 1);
        size_t count = heard(core, asked, CLIENTS + 1);
        CHECK(count == (round == 0 ? STAMPS_ASKED_MAX : CLIENTS - STAMPS_ASKED_MAX));
        tick(core, 1);
        CHECK(heard(core, asked + count, CLIENTS + 1 - count) == 0);
        for (size_t i = 0; i < count; i++) {
            CHECK(!met[asked[i].client]);
            met[asked[i].client] = true;
            answer(core, asked[i], "a token");
            CHECK(is_stamped(core, asked[i].client));
            total++;
        }
    }
    CHECK(total == CLIENTS);
    tick(core, 1);
    CHECK(heard(core, asked, CLIENTS) == 0); /* nothing is due before EVERY_S */
    heads_sign(core, EVERY_S);
    tick(core, 1);
    CHECK(heard(core, asked, CLIENTS) == STAMPS_ASKED_MAX);
    core_free(core);
}

TEST(a_token_is_kept_only_as_the_answer_to_what_was_asked_and_once)
{
    struct core *core = core_new();
    struct asking asked[CLIENTS];
    tick(core, 1);
    CHECK(heard(core, asked, CLIENTS) == STAMPS_ASKED_MAX);
    const struct asking other_nonce = {asked[0].client, asked[0].nonce ^ 1};
    const struct asking other_client = {asked[1].client, asked[0].nonce};
    answer(core, other_nonce, "not this");
    answer(core, other_client, "not this");
    answer(core, (struct asking){0, 0}, "not this");
    for (uint32_t client = 1; client <= CLIENTS; client++) {
        CHECK(!is_stamped(core, client));
    }
    answer(core, asked[0], "a token");
    CHECK(is_stamped(core, asked[0].client) && !is_stamped(core, asked[1].client));
    struct evidence_told first;
    struct evidence_told again;
    const struct client_id client = {asked[0].client};
    CHECK(archive_evidence(core->scope, core->archive, client, &first) == OK);
    core->now.ns += NS_PER_SECOND;
    answer(core, asked[0], "another token");
    CHECK(archive_evidence(core->scope, core->archive, client, &again) == OK);
    CHECK(again.stamp_kept.ns == first.stamp_kept.ns && !core->stamping.failing);
    core_free(core);
}

TEST(an_authority_that_refuses_is_asked_again_after_a_minute_under_another_nonce)
{
    struct core *core = core_new();
    struct asking asked[CLIENTS];
    struct asking again[CLIENTS];
    tick(core, 1);
    CHECK(heard(core, asked, CLIENTS) == STAMPS_ASKED_MAX);
    for (size_t i = 0; i < STAMPS_ASKED_MAX; i++) {
        answer(core, asked[i], "");
    }
    CHECK(core->stamping.failing);
    tick(core, 59);
    CHECK(heard(core, again, CLIENTS) == 0);
    tick(core, 1);
    CHECK(heard(core, again, CLIENTS) == STAMPS_ASKED_MAX);
    for (size_t i = 0; i < STAMPS_ASKED_MAX; i++) {
        for (size_t j = 0; j < STAMPS_ASKED_MAX; j++) {
            CHECK(asked[i].nonce != again[j].nonce);
        }
    }
    answer(core, again[0], "a token");
    CHECK(is_stamped(core, again[0].client) && !core->stamping.failing);
    core_free(core);
}

TEST(what_nobody_answers_is_given_up_and_a_late_answer_is_not_taken)
{
    struct core *core = core_new();
    struct asking asked[CLIENTS];
    struct asking again[CLIENTS];
    tick(core, 1);
    CHECK(heard(core, asked, CLIENTS) == STAMPS_ASKED_MAX);
    tick(core, 90);
    CHECK(heard(core, again, CLIENTS) == 0 && !core->stamping.failing);
    tick(core, 1);
    CHECK(heard(core, again, CLIENTS) == 0 && core->stamping.failing);
    answer(core, asked[0], "too late");
    CHECK(!is_stamped(core, asked[0].client));
    tick(core, 60);
    CHECK(heard(core, again, CLIENTS) == STAMPS_ASKED_MAX);
    core_free(core);
}

TEST(where_no_authority_is_configured_or_desk_is_away_nobody_is_asked)
{
    struct core *core = core_new();
    struct asking asked[CLIENTS];
    struct link *desk = core->spine->desk;
    core->spine->desk = NULL;
    tick(core, 1);
    core->spine->desk = desk;
    core->process.setup.stamp_seconds = 0;
    tick(core, 1);
    CHECK(heard(core, asked, CLIENTS) == 0);
    core->process.setup.stamp_seconds = EVERY_S;
    core->spine->clients[0].scope = NULL; /* desk granted nothing (any more) */
    for (unsigned i = 0; i < 2; i++) {
        tick(core, 1);
        size_t count = heard(core, asked, CLIENTS);
        for (size_t k = 0; k < count; k++) {
            CHECK(asked[k].client != 1);
            answer(core, asked[k], "a token");
        }
    }
    CHECK(!is_stamped(core, 1) && is_stamped(core, 2) && is_stamped(core, CLIENTS));
    core_free(core);
}
