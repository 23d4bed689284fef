/* Windows and thresholds over kills: whoever is killed between any two turns, desk has in the end
 * exactly the alerts of a run in which nobody was. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "serve/fixture_test.h"
#include "testing/testing.h"

#define EVENTS 360

/* ---- Events and rules. */

static uint64_t dice;

static uint32_t below(uint32_t limit)
{
    dice = dice * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(dice >> 33) % limit;
}

struct planned {
    int64_t second;
    uint32_t ip, user;
    bool login;
};
static struct planned plan[EVENTS];

static void plan_make(uint64_t seed)
{
    int64_t second = 1700000000;
    dice = seed;
    for (size_t i = 0; i < EVENTS; i++) {
        second += below(60);
        plan[i] = (struct planned){second - below(30), below(3), below(5), below(10) < 8};
    }
}

static struct str batch_of(struct builder *builder, size_t from, size_t count)
{
    struct str bytes = {0};
    char text[32];
    builder_reset(builder);
    for (size_t i = from; i < from + count; i++) {
        const struct wall at = {plan[i].second * NS_PER_SECOND};
        CHECK(builder_begin(builder, STR("a line"), (struct wall){at.ns + 1}) == OK);
        builder_class(builder, STR("/x/"));
        builder_happened(builder, at);
        builder_derive(builder, STR("f"), plan[i].login ? STR("login") : STR("logout"));
        (void)snprintf(text, sizeof text, "192.0.2.%u", plan[i].ip);
        builder_derive(builder, STR("source.ip"), str_from(text));
        (void)snprintf(text, sizeof text, "user %u", plan[i].user);
        builder_derive(builder, STR("user.name"), str_from(text));
        CHECK(builder_end(builder) == OK);
    }
    CHECK(builder_finish(builder, &bytes) == OK);
    return bytes;
}

#define LOGIN(title)                                                                               \
    "title: " title "\nid: login\nlogsource: {product: x}\ndetection: {k: {f: login}, condition: " \
    "k}\nlevel: low\n"
#define GUESS                                                                                    \
    "title: Guess\nid: guess\nlevel: high\ncorrelation:\n  {type: event_count, rules: [login], " \
    "group-by: [source.ip], timespan: 10m, condition: {gte: 3}, generate: true}\n"
#define SPRAY                                                                                   \
    "title: Spray\nid: spray\nlevel: high\ncorrelation:\n  {type: value_count, rules: [login]," \
    " group-by: [source.ip], timespan: 10m, condition: {field: user.name, gte: 4},\n"           \
    "  generate: true}\n"

static const char *const editions[2][3] = {{LOGIN("First"), GUESS, SPRAY},
                                           {LOGIN("Second"), GUESS, SPRAY}};

static struct ruleset *first_edition(void)
{
    return ruleset_of(editions[0], 3);
}

static const char *const thresholds[] = {
    "criteria",
    "criteria:\n"
    "  - {slug: thrice, when: {rules: [login], at_least: 3, within: 10m, by: source-address},"
    " then: {incident: yes}}\n"
    "otherwise: {incident_from: never}\n",
    NULL};
static const char *const no_guessing[] = {
    "detection", "rules:\n  - {slug: quiet, rules: [guess], enabled: no}\n", NULL};

/* ---- Runs. */

/* What has to happen somewhere in a run. */
typedef void misfortune(struct tower *tower);

static void nothing(struct tower *tower)
{
    CHECK(tower_turns(tower, 10) == OK);
}

static void run(struct tower *tower, size_t from, size_t to, misfortune *befall)
{
    struct builder *builder = builder_new((struct client_id){TOWER_CLIENT}, (struct source_id){9});
    while (from < to) {
        size_t count = 1 + below(9);
        count = count < to - from ? count : to - from;
        tower_push(tower, TOWER_CLIENT, (unsigned)count, batch_of(builder, from, count));
        befall(tower);
        from += count;
    }
    builder_free(builder);
    nothing(tower);
    spine_bookmarks_send(tower->spine);
    nothing(tower);
}

static struct tower *tower_begin(const char *const *documents)
{
    struct tower *tower = tower_new(first_edition);
    tower->keeps = true;
    tower->documents = documents_of(documents);
    tower_desk_new(tower); /* which tells of the documents */
    return tower;
}

/* What desk has when nobody is killed. */
static struct tower *quiet_run(void)
{
    struct tower *tower = tower_begin(thresholds);
    run(tower, 0, EVENTS, nothing);
    return tower;
}

static size_t kept_of(const struct kept *kept, const char *start)
{
    size_t count = 0;
    for (size_t i = 0; i < kept->count; i++) {
        count += strncmp(kept->list[i].text, start, strlen(start)) == 0;
    }
    return count;
}

static void same(const struct tower *tower, const struct tower *quiet)
{
    CHECK(tower->again == 0);
    for (size_t i = 0; i < tower->kept.count && i < quiet->kept.count; i++) {
        if (strcmp(tower->kept.list[i].text, quiet->kept.list[i].text) != 0) {
            printf("%s\n%s\n", tower->kept.list[i].text, quiet->kept.list[i].text);
        }
        CHECK(strcmp(tower->kept.list[i].text, quiet->kept.list[i].text) == 0);
    }
    CHECK(tower->kept.count == quiet->kept.count);
    CHECK(tower->kept.bookmark == EVENTS + 1);
}

static size_t kills, starts_with_memory;

static void core_killed(struct tower *tower)
{
    tower_core_end(tower);
    tower_core_begin(tower);
    kills++;
    (void)tower_turn(tower, 10);
    const struct spine_client *client =
        spine_client_find(tower->spine, (struct client_id){TOWER_CLIENT});
    starts_with_memory += client->stored_at > 1;
}

/* Somebody is killed after none, one or two turns that desk has heard all, some or nothing of. */
static void any_kill(struct tower *tower)
{
    uint32_t what = below(10);
    for (uint32_t turns = below(3); turns > 0; turns--) {
        (void)tower_turn(tower, 10);
    }
    for (uint32_t heard = below(4); heard > 0 && tower_desk_hear(tower); heard--) {
    }
    if (what < 2) {
        core_killed(tower);
    } else if (what < 4) {
        tower_desk_new(tower);
    } else if (what < 6) {
        memory_keep(tower->spine);
    } else if (what < 7) {
        spine_bookmarks_send(tower->spine);
    } else {
        nothing(tower);
    }
}

TEST(whoever_is_killed_the_alerts_of_windows_and_thresholds_are_the_same)
{
    kills = starts_with_memory = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        plan_make(seed);
        struct tower *quiet = quiet_run();
        CHECK(kept_of(&quiet->kept, "login") > 200 && kept_of(&quiet->kept, "guess") > 10);
        CHECK(kept_of(&quiet->kept, "spray") > 3);
        struct tower *tower = tower_begin(thresholds);
        run(tower, 0, EVENTS, any_kill);
        same(tower, quiet);
        tower_free(tower);
        tower_free(quiet);
    }
    printf("%zu kills of core, %zu of them with a memory on disk\n", kills, starts_with_memory);
    CHECK(kills > 50 && starts_with_memory > 30);
}

/* ---- A ledger from a backup. */

static struct kept kept_copy(const struct kept *kept)
{
    struct kept copy = *kept;
    copy.list = calloc(kept->count + 1, sizeof *copy.list);
    memcpy(copy.list, kept->list, kept->count * sizeof *copy.list);
    return copy;
}

static void from_backup(bool core_lives)
{
    plan_make(99);
    struct tower *quiet = quiet_run();
    struct tower *tower = tower_begin(thresholds);
    run(tower, 0, 100, any_kill);
    struct kept backup = kept_copy(&tower->kept);
    run(tower, 100, 200, any_kill);
    memory_keep(tower->spine);
    const struct spine_client *client =
        spine_client_find(tower->spine, (struct client_id){TOWER_CLIENT});
    CHECK(client->stored_at > backup.bookmark);
    free(tower->kept.list);
    tower->kept = backup;
    if (core_lives) {
        tower_desk_new(tower);
    } else {
        core_killed(tower);
    }
    nothing(tower);
    run(tower, 200, EVENTS, any_kill);
    same(tower, quiet);
    tower_free(tower);
    tower_free(quiet);
}

TEST(a_memory_of_events_that_desk_has_never_heard_of_is_not_used)
{
    from_backup(false);
    from_backup(true);
}

TEST(a_damaged_memory_begins_anew_and_says_so)
{
    char path[512];
    plan_make(7);
    struct tower *quiet = quiet_run();
    struct tower *tower = tower_begin(thresholds);
    run(tower, 0, 200, any_kill);
    memory_keep(tower->spine);
    tower_core_end(tower);
    (void)snprintf(path, sizeof path, "%s/archive/states/%d.state", tower->folder, TOWER_CLIENT);
    testing_flip(path, 60, 4);
    CHECK(strstr(tower->said, "begin anew") == NULL);
    tower_core_begin(tower);
    nothing(tower);
    CHECK(strstr(tower->said, "windows begin anew") != NULL);
    run(tower, 200, EVENTS, any_kill);
    same(tower, quiet);
    tower_free(tower);
    tower_free(quiet);
}

/* ---- What is off. */

TEST(a_correlation_that_the_client_has_off_raises_nothing)
{
    plan_make(3);
    struct tower *quiet = quiet_run();
    struct tower *tower = tower_begin(no_guessing);
    run(tower, 0, EVENTS, any_kill);
    CHECK(kept_of(&tower->kept, "guess") == 0);
    CHECK(kept_of(&tower->kept, "spray") == kept_of(&quiet->kept, "spray"));
    CHECK(kept_of(&tower->kept, "login") == kept_of(&quiet->kept, "login"));
    tower_free(tower);
    tower_free(quiet);
}

/* ---- Swaps. */

struct noted {
    struct str hashes[2]; /* of the editions */
    int now, by_event[EVENTS + 1];
};

static enum err generation_note(void *context, struct str kind, struct str hash)
{
    struct noted *noted = context;
    if (str_equal(kind, STR("rules"))) {
        noted->now = str_equal(hash, noted->hashes[0]) ? 0 : 1;
        CHECK(str_equal(hash, noted->hashes[noted->now]));
    }
    return OK;
}

static enum err event_note(void *context, struct place place, const struct event *event)
{
    struct noted *noted = context;
    (void)event;
    CHECK(place.sequence >= 1 && place.sequence <= EVENTS);
    noted->by_event[place.sequence] = noted->now;
    return OK;
}

static struct str version_of_login(const struct ruleset *ruleset)
{
    size_t index;
    struct rule_summary rule;
    CHECK(ruleset_find(ruleset, STR("login"), &index) == OK);
    ruleset_rule(ruleset, index, &rule);
    return rule.version;
}

/* Each alert is of the edition that the archive names for its event; how many are of the second. */
static size_t noted_agree(struct tower *tower)
{
    struct noted noted = {0};
    struct ruleset *rules[2] = {ruleset_of(editions[0], 3), ruleset_of(editions[1], 3)};
    struct scope *scope;
    struct reader *reader;
    char folder[512];
    char keys[512];
    size_t second = 0;
    const struct client_id client = {TOWER_CLIENT};
    noted.hashes[0] = ruleset_hash(rules[0]);
    noted.hashes[1] = ruleset_hash(rules[1]);
    (void)snprintf(folder, sizeof folder, "%s/archive", tower->folder);
    (void)snprintf(keys, sizeof keys, "%s/keys", tower->folder);
    CHECK(scope_for_test(client, RIGHT_READ, &scope) == OK);
    CHECK(reader_open(scope, disk_real(), folder, keys, client, &reader, NULL) == OK);
    reader_heed_generations(reader, generation_note, &noted);
    CHECK(reader_search(scope, reader, client, NULL, (struct wall){INT64_MIN},
                        (struct wall){INT64_MAX}, event_note, &noted, NULL) == OK);
    for (size_t i = 0; i < tower->kept.count; i++) {
        const struct kept_alert *alert = &tower->kept.list[i];
        int by = noted.by_event[alert->sequence];
        if (strncmp(alert->text, "login", 5) == 0) {
            CHECK(str_equal(str_from(alert->version), version_of_login(rules[by])));
            second += by == 1;
        }
    }
    reader_close(reader);
    scope_free(scope);
    ruleset_free(rules[0]);
    ruleset_free(rules[1]);
    return second;
}

static void swaps(struct tower *tower)
{
    if (below(4) == 0) {
        CHECK(spine_rules(tower->spine, ruleset_of(editions[below(2)], 3)) == OK);
    }
    for (uint32_t turns = below(3); turns > 0; turns--) {
        (void)tower_turn(tower, 10);
    }
    for (uint32_t heard = below(4); heard > 0 && tower_desk_hear(tower); heard--) {
    }
    if (below(3) == 0) {
        nothing(tower);
    } else if (below(3) == 0) {
        tower_desk_new(tower);
    }
}

TEST(each_event_is_judged_by_the_rules_that_the_archive_names_for_it)
{
    for (uint64_t seed = 40; seed < 60; seed++) {
        plan_make(seed);
        struct tower *quiet = quiet_run();
        struct tower *tower = tower_begin(thresholds);
        run(tower, 0, EVENTS, swaps);
        CHECK(kept_of(&tower->kept, "login") == kept_of(&quiet->kept, "login"));
        CHECK(tower->again == 0);
        CHECK(noted_agree(tower) > 20);
        tower_free(tower);
        tower_free(quiet);
    }
}

TEST(a_swap_waits_until_what_was_stored_before_it_has_been_judged)
{
    plan_make(5);
    struct builder *builder = builder_new((struct client_id){TOWER_CLIENT}, (struct source_id){9});
    struct tower *tower = tower_begin(thresholds);
    run(tower, 0, 50, nothing);
    spine_desk_lost(tower->spine); /* without desk nothing is judged */
    tower_push(tower, TOWER_CLIENT, 50, batch_of(builder, 50, 50));
    (void)tower_turn(tower, 10);
    CHECK(spine_rules(tower->spine, ruleset_of(editions[1], 3)) == OK);
    (void)tower_turn(tower, 10);
    CHECK(tower->spine->ruleset_next != NULL);
    tower_push(tower, TOWER_CLIENT, 50, batch_of(builder, 100, 50));
    (void)tower_turn(tower, 10);
    CHECK(tower->spine->ruleset_next != NULL);
    tower_desk_new(tower);
    nothing(tower);
    CHECK(tower->spine->ruleset_next == NULL && tower->kept.bookmark == 151);
    run(tower, 150, EVENTS, nothing);
    CHECK(noted_agree(tower) > 100);
    builder_free(builder);
    tower_free(tower);
}
