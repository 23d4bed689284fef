#include "serve/fixture_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "codec/crypto.h"
#include "document/document.h"
#include "testing/testing.h"

#define RING_CAPACITY ((size_t)1 << 20)

static void say(void *context, const char *line)
{
    struct tower *tower = context;
    size_t length = strlen(tower->said);
    (void)snprintf(tower->said + length, sizeof tower->said - length, "%s\n", line);
}

static void core_side_spoke(void *context, struct link *link, struct message *message, enum err err)
{
    (void)context, (void)link, (void)message, (void)err;
}

static void loop_stop_call(void *context)
{
    loop_stop(context);
}

struct ruleset *ruleset_of(const char *const *texts, size_t count)
{
    struct ruleset *ruleset;
    struct ruleset_report report;
    struct why why = {0};
    struct buf bundle;
    struct arena *mem = arena_new((size_t)64 << 20);
    buf_init(&bundle, RULES_SIZE_MAX);
    for (size_t i = 0; i < count; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "%zu.yml", i);
        CHECK(ruleset_pack(&bundle, str_from(path), str_from(texts[i])) == OK);
    }
    CHECK(ruleset_load(buf_str(&bundle), mem, &ruleset, &report, &why) == OK);
    CHECK(report.refused.count == 0 && ruleset_rules(ruleset) == count);
    buf_done(&bundle);
    arena_free(mem);
    return ruleset;
}

struct str documents_of(const char *const *documents)
{
    struct buf out;
    struct arena *mem = arena_new((size_t)64 << 20);
    buf_init(&out, (size_t)1 << 20);
    for (size_t i = 0; documents[i] != NULL; i += 2) {
        struct document document;
        struct buf json;
        struct why why = {0};
        char hash[2 * SHA256_SIZE + 1];
        enum err err = document_read(schema_find(str_from(documents[i])),
                                     str_from(documents[i + 1]), mem, &document, &why);
        if (err != OK) {
            testing_fail(why_text(&why, err), __FILE__, __LINE__);
        }
        buf_init(&json, (size_t)1 << 20);
        CHECK(document_print(&document, &json) == OK);
        struct sha256 sum = sha256_of_bytes(buf_str(&json));
        CHECK(buf_print(&out, "%s %s %zu\n", documents[i], hex_print(sum.bytes, SHA256_SIZE, hash),
                        json.size) == OK);
        CHECK(buf_append(&out, buf_str(&json)) == OK);
        buf_done(&json);
    }
    arena_free(mem);
    return buf_str(&out);
}

void tower_grant(struct tower *tower, uint32_t client, uint64_t bookmark)
{
    struct scope *scope;
    struct buf encoded;
    buf_init(&encoded, 4096);
    CHECK(scope_for_test((struct client_id){client}, RIGHT_APPEND, &scope) == OK);
    CHECK(scope_encode(scope, &encoded) == OK);
    CHECK(spine_grant(tower->spine, (struct client_id){client}, bookmark, (struct source_id){0},
                      buf_str(&encoded)) == OK);
    scope_free(scope);
    buf_done(&encoded);
}

static void clients_name(struct tower *tower)
{
    tower_grant(tower, TOWER_CLIENT, tower->kept.bookmark);
    tower_grant(tower, TOWER_CLIENT + 1, 1);
    if (tower->documents.size > 0) {
        struct criteria *criteria;
        struct why why = {0};
        CHECK(criteria_new(tower->documents, STR(""), tower->zones, &criteria, &why) == OK);
        CHECK(spine_documents(tower->spine, (struct client_id){TOWER_CLIENT}, criteria) == OK);
    }
}

static void channel_make(struct tower *tower)
{
    int pair[2];
    CHECK(channel_pair(pair) == OK);
    CHECK(link_new(tower->loop, pair[0], core_side_spoke, tower, &tower->spine->desk) == OK);
    tower->desk = pair[1];
}

void tower_core_begin(struct tower *tower)
{
    char folder[512];
    char keys[512];
    (void)snprintf(folder, sizeof folder, "%s/archive", tower->folder);
    (void)snprintf(keys, sizeof keys, "%s/keys", tower->folder);
    const struct archive_options options = {
        .disk = disk_real(), .folder = folder, .keys = keys, .journal_size_max = (uint64_t)1 << 30};
    CHECK(spine_new(&tower->spine) == OK);
    tower->spine->say = say;
    tower->spine->say_context = tower;
    CHECK(archive_open(&options, (struct wall){1}, &tower->spine->archive, NULL) == OK);
    CHECK(ring_attach(tower->ring_memory, ring_memory_size(RING_CAPACITY), &tower->spine->ring) ==
          OK);
    tower->spine->cursor = ring_cursor(tower->spine->ring);
    CHECK(books_attach(tower->books_memory, books_memory_size(), &tower->spine->books) == OK);
    channel_make(tower);
    clients_name(tower);
    CHECK(spine_rules(tower->spine, tower->rules()) == OK);
}

struct tower *tower_new(struct ruleset *(*rules)(void))
{
    struct tower *tower = calloc(1, sizeof *tower);
    tower->folder = testing_folder();
    tower->rules = rules;
    tower->kept.bookmark = 1;
    CHECK(loop_new(&tower->loop) == OK && zones_new("/usr/share/zoneinfo", &tower->zones) == OK);
    CHECK(timer_new(tower->loop, loop_stop_call, tower->loop, &tower->stop) == OK);
    tower->ring_memory = calloc(1, ring_memory_size(RING_CAPACITY));
    ring_format(tower->ring_memory, RING_CAPACITY, 77);
    CHECK(ring_attach(tower->ring_memory, ring_memory_size(RING_CAPACITY), &tower->front) == OK);
    tower->books_memory = aligned_alloc(64, (books_memory_size() + 63) & ~(size_t)63);
    memset(tower->books_memory, 0, books_memory_size());
    books_format(tower->books_memory);
    tower_core_begin(tower);
    return tower;
}

void tower_core_end(struct tower *tower)
{
    struct spine *spine = tower->spine;
    archive_close(spine->archive, (struct wall){2});
    link_free(spine->desk);
    (void)close(tower->desk);
    judge_free(spine->judge);
    for (size_t i = 0; i < spine->clients_count; i++) {
        struct spine_client *client = &spine->clients[i];
        scope_free(client->scope);
        correlator_free(client->correlator);
        criteria_state_free(client->thresholds);
        criteria_free(client->criteria);
        arena_free(client->off_mem);
        buf_done(&client->kept);
    }
    ruleset_free(spine->ruleset);
    ruleset_free(spine->ruleset_next);
    ruleset_free(spine->ruleset_last);
    books_detach(spine->books);
    ring_detach(spine->ring);
    vitals_free(spine->vitals);
    free(spine->clients);
    arena_free(spine->turn);
    arena_free(spine->scratch);
    buf_done(&spine->copies);
    free(spine);
}

void tower_desk_new(struct tower *tower)
{
    spine_desk_lost(tower->spine);
    (void)close(tower->desk);
    channel_make(tower);
    clients_name(tower);
}

void tower_free(struct tower *tower)
{
    tower_core_end(tower);
    timer_free(tower->stop);
    loop_free(tower->loop);
    zones_free(tower->zones);
    ring_detach(tower->front);
    free(tower->kept.list);
    free((char *)(uintptr_t)tower->documents.data);
    free(tower->ring_memory);
    free(tower->books_memory);
    free(tower);
}

/* ---- Desk. */

static bool kept_has(const struct kept *kept, const struct kept_alert *alert)
{
    for (size_t i = kept->count; i > 0; i--) {
        if (kept->list[i - 1].sequence == alert->sequence &&
            strcmp(kept->list[i - 1].text, alert->text) == 0) {
            return true;
        }
    }
    return false;
}

static void alert_keep(struct tower *tower, const struct alert *alert)
{
    struct kept_alert one = {.sequence = alert->place.sequence};
    if (!tower->keeps || alert->place.client.value != TOWER_CLIENT ||
        one.sequence < tower->kept.bookmark) {
        return;
    }
    (void)snprintf(one.text, sizeof one.text, "%.*s #%llu %.*s %llu (%.*s) %s by '%.*s'",
                   STR_ARG(alert->rule_id), (unsigned long long)one.sequence, STR_ARG(alert->group),
                   (unsigned long long)alert->count, STR_ARG(alert->records),
                   alert->outcome.incident ? "incident" : "alert",
                   STR_ARG(alert->outcome.criterion));
    (void)snprintf(one.version, sizeof one.version, "%.*s", STR_ARG(alert->rule_version));
    if (kept_has(&tower->kept, &one)) {
        tower->again++;
        return;
    }
    struct kept_alert *list =
        realloc(tower->kept.list, (tower->kept.count + 1) * sizeof *tower->kept.list);
    CHECK(list != NULL);
    tower->kept.list = list;
    list[tower->kept.count++] = one;
}

bool tower_desk_hear(struct tower *tower)
{
    struct message message;
    if (message_receive(tower->desk, tower->packet, &message) != OK) {
        return false;
    }
    CHECK(message.type == MESSAGE_ALERTS);
    struct str rest = message.alerts.alerts;
    while (rest.size > 0) {
        struct alert alert;
        CHECK(alert_decode(&rest, &alert) == OK);
        alert_keep(tower, &alert);
        tower->alerts++;
    }
    const struct client_id client = {(uint32_t)message.alerts.client};
    tower->bookmark = message.alerts.bookmark;
    if (client.value == TOWER_CLIENT && tower->bookmark > tower->kept.bookmark) {
        tower->kept.bookmark = tower->bookmark;
    }
    tower->spine->outstanding--;
    memory_confirmed(tower->spine, client, tower->bookmark);
    message_done(&message);
    return true;
}

void tower_desk_listen(struct tower *tower)
{
    while (tower_desk_hear(tower)) {
    }
}

/* ---- Turns. */

bool tower_turn(struct tower *tower, int64_t at_ns)
{
    bool more = false;
    struct why why = {0};
    enum err err = spine_turn(tower->spine, (struct wall){at_ns}, &more, &why);
    if (err != OK) {
        testing_fail(why_text(&why, err), __FILE__, __LINE__);
    }
    timer_set(tower->stop, 0, 0); /* what waits in the link's queue goes out */
    loop_run(tower->loop);
    return more;
}

enum err tower_turns(struct tower *tower, int64_t at_ns)
{
    bool more = true;
    enum err err = OK;
    struct why why = {0};
    for (int i = 0; i < 1000 && err == OK && more; i++) {
        err = spine_turn(tower->spine, (struct wall){at_ns}, &more, &why);
        bool awaited = tower->spine->outstanding > 0; /* what desk confirms is a reason to turn */
        tower_desk_listen(tower);
        timer_set(tower->stop, 0, 0);
        loop_run(tower->loop);
        tower_desk_listen(tower);
        more = more || awaited || tower->spine->outstanding > 0;
    }
    return err;
}

void tower_push(struct tower *tower, uint32_t client, unsigned count, struct str batch)
{
    const struct entry entry = {
        .kind = ENTRY_BATCH, .client = {client}, .source = {9}, .count = count, .batch = batch};
    char head[ENTRY_HEAD_SIZE];
    uint64_t number;
    entry_head(&entry, head);
    CHECK(ring_push(tower->front, str_of(head, sizeof head), batch, &number) == OK);
}
