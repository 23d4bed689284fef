/* What core counts of batches, and how it travels to desk. */

#include "serve/vitals.h"

#include <stdio.h>

#include "event/builder.h"
#include "testing/testing.h"

#define NOW 1790000000000000000

struct scene {
    struct vitals *vitals;
    struct builder *builder;
    struct arena *mem;
    struct buf sources, strangers;
};

static struct scene scene_new(uint32_t client)
{
    struct scene scene = {.vitals = vitals_new(),
                          .builder = builder_new((struct client_id){client}, (struct source_id){7}),
                          .mem = arena_new((size_t)64 << 20)};
    buf_init(&scene.sources, 1 << 20);
    buf_init(&scene.strangers, 1 << 20);
    CHECK(scene.vitals != NULL && scene.builder != NULL && scene.mem != NULL);
    return scene;
}

static void scene_done(struct scene *scene)
{
    vitals_free(scene->vitals);
    builder_free(scene->builder);
    arena_free(scene->mem);
    buf_done(&scene->sources);
    buf_done(&scene->strangers);
}

static void add(struct scene *scene, const char *parser, const char *class, int64_t lag,
                const char *address, const char *error)
{
    CHECK(builder_begin(scene->builder, STR("0123456789"), (struct wall){NOW}) == OK);
    builder_parser(scene->builder, str_from(parser));
    builder_class(scene->builder, str_from(class));
    builder_happened(scene->builder, (struct wall){NOW - lag});
    if (address != NULL) {
        builder_derive(scene->builder, STR("log.source.address"), str_from(address));
    }
    if (error != NULL) {
        builder_error(scene->builder, str_from(error));
    }
    CHECK(builder_end(scene->builder) == OK);
}

static void taken(struct scene *scene, uint64_t *failures, uint64_t *bytes)
{
    struct str text;
    struct batch batch;
    CHECK(builder_finish(scene->builder, &text) == OK);
    CHECK(batch_check(text, scene->mem, &batch, NULL) == OK);
    vitals_batch(scene->vitals, &batch, scene->mem, failures, bytes);
}

TEST(kinds_failures_bytes_and_the_median_lag_of_a_batch_are_counted)
{
    struct scene scene = scene_new(2);
    struct vital vital;
    uint64_t failures;
    uint64_t bytes;
    for (int i = 0; i < 300; i++) {
        add(&scene, "fortigate", i % 3 == 0 ? "vpn//x" : "firewall//x", 5 * NS_PER_SECOND, NULL,
            i < 4 ? "no such line" : NULL);
    }
    taken(&scene, &failures, &bytes);
    CHECK(failures == 4 && bytes == 3000);
    CHECK(vitals_take(scene.vitals, &scene.sources, &scene.strangers) == OK);
    struct str rest = buf_str(&scene.sources);
    CHECK(vitals_read(&rest, &vital) == OK && rest.size == 0 && scene.strangers.size == 0);
    CHECK(vital.client.value == 2 && vital.source.value == 7 && vital.records == 300);
    CHECK(vital.lag_known && vital.lag_ns == 5 * NS_PER_SECOND && vital.kinds_count == 2);
    CHECK(str_equal(vital.kinds[0].name, STR("fortigate vpn")) && vital.kinds[0].count == 100);
    CHECK(str_equal(vital.kinds[1].name, STR("fortigate firewall")));
    CHECK(vital.kinds[1].count == 200);
    scene_done(&scene);
}

TEST(what_was_taken_is_not_told_twice)
{
    struct scene scene = scene_new(2);
    struct vital vital;
    uint64_t ignored;
    add(&scene, "sshd", "", 0, NULL, NULL);
    taken(&scene, &ignored, &ignored);
    CHECK(vitals_take(scene.vitals, &scene.sources, &scene.strangers) == OK);
    buf_reset(&scene.sources);
    CHECK(vitals_take(scene.vitals, &scene.sources, &scene.strangers) == OK);
    CHECK(scene.sources.size == 0);
    builder_reset(scene.builder);
    add(&scene, "sshd", "", 0, NULL, NULL);
    taken(&scene, &ignored, &ignored);
    CHECK(vitals_take(scene.vitals, &scene.sources, &scene.strangers) == OK);
    struct str rest = buf_str(&scene.sources);
    CHECK(vitals_read(&rest, &vital) == OK && vital.records == 1 && vital.kinds[0].count == 1);
    scene_done(&scene);
}

TEST(strangers_are_counted_by_address_and_a_flood_of_them_is_bounded)
{
    struct scene scene = scene_new(CLIENT_INSTALLATION.value);
    struct stranger stranger;
    uint64_t ignored;
    size_t count = 0;
    for (int i = 0; i < STRANGERS_MAX + 100; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "10.0.%d.%d", i / 250, i % 250);
        add(&scene, "syslog", "", 0, address, NULL);
    }
    add(&scene, "syslog", "", 0, "10.0.0.0", NULL);
    taken(&scene, &ignored, &ignored);
    CHECK(vitals_take(scene.vitals, &scene.sources, &scene.strangers) == OK);
    for (struct str rest = buf_str(&scene.strangers); rest.size > 0; count++) {
        CHECK(strangers_read(&rest, &stranger) == OK);
        CHECK(stranger.count == (count == 0 ? 2 : 1));
        CHECK(str_equal(stranger.sample, STR("0123456789")));
        CHECK(str_equal(stranger.parser, STR("syslog")) && stranger.source.value == 7);
    }
    CHECK(count == STRANGERS_MAX);
    scene_done(&scene);
}

TEST(bytes_that_are_cut_short_are_refused)
{
    struct scene scene = scene_new(CLIENT_INSTALLATION.value);
    struct vital vital;
    struct stranger stranger;
    uint64_t ignored;
    add(&scene, "syslog", "a/b/c", 7, "192.0.2.1", NULL);
    taken(&scene, &ignored, &ignored);
    CHECK(vitals_take(scene.vitals, &scene.sources, &scene.strangers) == OK);
    for (size_t size = 0; size < scene.sources.size; size++) {
        struct str rest = str_slice(buf_str(&scene.sources), 0, size);
        CHECK(vitals_read(&rest, &vital) == ERR_CORRUPT && rest.size == size);
    }
    for (size_t size = 0; size < scene.strangers.size; size++) {
        struct str rest = str_slice(buf_str(&scene.strangers), 0, size);
        CHECK(strangers_read(&rest, &stranger) == ERR_CORRUPT && rest.size == size);
    }
    scene_done(&scene);
}
