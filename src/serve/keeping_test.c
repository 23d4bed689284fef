/* Promises and holds as bytes, and what core answers when it is asked to drop too early. */

#include "serve/keeping.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "event/builder.h"
#include "sys/fake.h"
#include "testing/testing.h"

#define NOW    ((struct wall){1790000000000000000})
#define CLIENT ((struct client_id){3})

TEST(what_desk_tells_of_promises_and_holds_is_read_back_and_cut_bytes_are_refused)
{
    static const uint32_t sources[] = {4, 9};
    const struct keep_rule rules[] = {{{4}, 30}, {{9}, 365}};
    const struct hold_rule holds[] = {{NULL, 0, {5}, {50}}, {sources, 2, {0}, {INT64_MAX}}};
    struct arena *mem = arena_new(1 << 20);
    struct keeping_told told;
    struct buf out;
    buf_init(&out, 4096);
    CHECK(keeping_pack(rules, 2, holds, 2, &out) == OK);
    CHECK(keeping_unpack(buf_str(&out), mem, &told) == OK);
    CHECK(told.rules_count == 2 && told.rules[1].source.value == 9 && told.rules[1].days == 365);
    CHECK(told.holds_count == 2 && told.holds[0].sources == NULL && told.holds[0].to.ns == 50);
    CHECK(told.holds[1].sources_count == 2 && told.holds[1].sources[1] == 9);
    for (size_t size = 0; size < out.size; size++) {
        CHECK(keeping_unpack(str_slice(buf_str(&out), 0, size), mem, &told) == ERR_CORRUPT);
    }
    CHECK(buf_append_byte(&out, 'x') == OK);
    CHECK(keeping_unpack(buf_str(&out), mem, &told) == ERR_CORRUPT);
    CHECK(keeping_unpack(STR("\xff\xff\xff\xff"), mem, &told) == ERR_CORRUPT);
    buf_done(&out);
    arena_free(mem);
}

static void records_store(const struct scope *scope, struct archive *archive)
{
    struct builder *builder = builder_new(CLIENT, (struct source_id){4});
    struct arena *mem = arena_new(1 << 20);
    struct str bytes;
    struct batch batch;
    struct place first;
    CHECK(builder_begin(builder, STR("a record"), NOW) == OK && builder_end(builder) == OK);
    CHECK(builder_finish(builder, &bytes) == OK && batch_check(bytes, mem, &batch, NULL) == OK);
    CHECK(archive_append(scope, archive, &batch, (struct ring_place){9, 1}, NOW, &first) == OK);
    CHECK(archive_commit(archive) == OK);
    arena_free(mem);
    builder_free(builder);
}

/* The next message that core sent to desk. */
static void hear(int channel, char *packet, struct message *message)
{
    CHECK(message_receive(channel, packet, message) == OK);
}

TEST(core_tells_what_lies_there_and_refuses_to_drop_what_is_not_there_or_not_due)
{
    static char packet[MESSAGE_SIZE_MAX];
    struct fake *fake = fake_new();
    const struct archive_options options = {
        .disk = fake_disk(fake), .folder = "archive", .keys = "keys", .journal_size_max = 1 << 20};
    struct archive *archive;
    struct scope *scope;
    struct why why = {0};
    struct loop *loop;
    struct link *desk;
    struct message message;
    struct buf told;
    int ends[2];
    const struct keep_rule rule = {{4}, 30};
    CHECK(scope_for_test((struct client_id){0}, RIGHT_APPEND | RIGHT_READ, &scope) == OK);
    CHECK(archive_open(&options, NOW, &archive, &why) == OK);
    records_store(scope, archive);
    CHECK(loop_new(&loop) == OK);
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    CHECK(link_new(loop, ends[0], NULL, NULL, &desk) == OK);
    buf_init(&told, 4096);
    CHECK(keeping_pack(&rule, 1, NULL, 0, &told) == OK);
    CHECK(core_keep(scope, archive, desk, &(struct keep_message){CLIENT.value, buf_str(&told)}) ==
          OK);
    hear(ends[1], packet, &message);
    CHECK(message.type == MESSAGE_HOLDINGS && message.holdings.client == CLIENT.value);
    CHECK(message.holdings.stamp_kept == (uint64_t)WALL_NONE.ns); /* nothing was stamped */
    struct arena *mem = arena_new(1 << 20);
    struct lot lot;
    struct str lots = message.holdings.lots;
    while (lots.size > 0) {
        CHECK(lot_decode(&lots, mem, &lot) == OK && lot.sources[0].source.value == 4);
    }
    message_done(&message);
    CHECK(core_drop(scope, archive, desk, &(struct drop_message){CLIENT.value, 7, STR("p")}, NOW) ==
          OK);
    hear(ends[1], packet, &message);
    CHECK(message.type == MESSAGE_DROPPED && message.dropped.err != OK);
    CHECK(message.dropped.segment == 7);
    message_done(&message);
    arena_free(mem);
    buf_done(&told);
    link_free(desk);
    (void)close(ends[1]);
    loop_free(loop);
    archive_close(archive, NOW);
    scope_free(scope);
    fake_free(fake);
}
