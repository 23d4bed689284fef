/* Nodes of a client's tree, found out of heads and the leaves of a minute: each is what all leaves
 * give, and a proof costs the same however many leaves there are. */

#include "archive/nodes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/fixture_test.h"
#include "archive/keep.h"
#include "archive/leaves.h"
#include "archive/tombstone.h"
#include "testing/testing.h"

#define DAY (86400 * NS_PER_SECOND)

static const struct client_id seven = {7};

/* Turns of very different length, each under a head; some heads over nothing new. */
static void turns(struct fixture *fixture, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        bool more;
        for (unsigned k = 0; k < (i * 7 + 3) % 11; k++) {
            (void)fixture_append(fixture, 7, 70 + k % 3, 1 + k % 2);
            (void)fixture_append(fixture, 8, 80, 1);
        }
        CHECK(archive_commit(fixture->archive) == OK);
        fixture->now.ns += 60 * NS_PER_SECOND;
        CHECK(archive_sign(fixture->archive, fixture->now, 60 * NS_PER_SECOND, 10, &more) == OK);
    }
}

struct all {
    struct sha256 *list;
    struct segment_leaf *leaves;
    size_t count;
};

static enum err all_call(void *context, const struct leaf_entry *leaf)
{
    struct all *all = context;
    CHECK(leaf->index < 10000);
    all->list[leaf->index] = leaf->hash;
    all->leaves[all->count++] = (struct segment_leaf){.index = leaf->index,
                                                      .source = leaf->source,
                                                      .first = leaf->first,
                                                      .events = leaf->events,
                                                      .hash = leaf->hash};
    return OK;
}

static struct all all_read(const struct fixture *fixture)
{
    struct reader *reader;
    struct all all = {.list = calloc(10000, sizeof *all.list),
                      .leaves = calloc(10000, sizeof *all.leaves)};
    CHECK(all.list != NULL && all.leaves != NULL);
    CHECK(reader_open(fixture->scope, fixture->disk, fixture->folder, fixture->keys, seven, &reader,
                      NULL) == OK);
    CHECK(reader_leaves(fixture->scope, reader, seven, 0, UINT64_MAX, all_call, &all, NULL) == OK);
    reader_close(reader);
    return all;
}

static struct sha256 fold(const struct all *all, uint64_t from, uint64_t to)
{
    struct tree tree = {0};
    for (uint64_t i = from; i < to; i++) {
        tree_add(&tree, &all->list[i]);
    }
    return tree_root(&tree);
}

/* Every full subtree, and every end of the tree that may stand in a path; of what is not gone. */
static unsigned nodes_agree(const struct fixture *fixture, const struct all *all, const bool *gone)
{
    struct nodes *nodes;
    unsigned compared = 0;
    CHECK(nodes_open(fixture->disk, fixture->folder, seven, &nodes, NULL) == OK);
    uint64_t size = nodes_last(nodes)->tree.size;
    for (uint64_t step = 1; step < size; step *= 2) {
        for (uint64_t from = 0; from < size; from += step) {
            uint64_t to = from + step < size ? from + step : size;
            struct sha256 node;
            bool part = gone != NULL; /* all of it is gone: no proof needs it */
            for (uint64_t i = from; part && i < to; i++) {
                part = gone[i];
            }
            if (part) {
                continue;
            }
            struct sha256 folded = fold(all, from, to);
            CHECK(nodes_root(nodes, from, to, &node) == OK);
            CHECK(sha256_equal(&node, &folded));
            compared++;
        }
    }
    nodes_close(nodes);
    return compared;
}

static void deliveries_hold(const struct fixture *fixture, uint64_t last)
{
    struct buf out;
    uint64_t numbers[] = {1, 2, last / 3, last / 2, last - 1, last};
    buf_init(&out, 1 << 24);
    for (int heads = PROVE_ALL_HEADS; heads <= PROVE_LAST_HEAD; heads++) {
        char command[2048];
        const char *path = fixture_path(fixture, "delivery.json");
        buf_reset(&out);
        CHECK(archive_prove(fixture->scope, fixture->disk, fixture->folder, fixture->keys, seven,
                            numbers, 6, (enum prove_heads)heads, &out, NULL) == OK);
        testing_write(path, out.data, out.size);
        (void)snprintf(command, sizeof command,
                       "python3 '%s/tools/verify_folder.py' --delivery '%s' >&2", testing_root(),
                       path);
        CHECK(system("python3 -c '' 2>/dev/null") != 0 || system(command) == 0);
    }
    numbers[0] = last + 1;
    CHECK(archive_prove(fixture->scope, fixture->disk, fixture->folder, fixture->keys, seven,
                        numbers, 1, PROVE_LAST_HEAD, &out, NULL) == ERR_NOT_FOUND);
    buf_done(&out);
}

TEST(the_nodes_of_a_tree_are_found_in_journals_and_in_segments)
{
    struct fixture *fixture = fixture_new();
    const struct keep_rule rules[] = {{{72}, 400}, {{70}, 30}, {{71}, 30}};
    fixture_open(fixture);
    CHECK(archive_keep(fixture->scope, fixture->archive, seven, rules, 3) == OK);
    turns(fixture, 60);
    struct all all = all_read(fixture);
    uint64_t last = archive_next_sequence(fixture->archive, seven) - 1;
    CHECK(nodes_agree(fixture, &all, NULL) > 400);
    deliveries_hold(fixture, last);
    (void)fixture_seal(fixture, NULL);
    fixture->now.ns += DAY;
    turns(fixture, 3);
    (void)fixture_seal(fixture, NULL);
    CHECK(!fixture_file_exists(fixture, "archive/0000000001.journal"));
    free(all.list);
    free(all.leaves);
    all = all_read(fixture);
    last = archive_next_sequence(fixture->archive, seven) - 1;
    CHECK(nodes_agree(fixture, &all, NULL) > 400);
    deliveries_hold(fixture, last);
    free(all.list);
    free(all.leaves);
    fixture_close(fixture);
    fixture_free(fixture);
}

TEST(the_nodes_of_a_tree_go_over_what_is_gone)
{
    struct fixture *fixture = fixture_new();
    const struct tombstone tombstone = {.generation = 3,
                                        .days = 1,
                                        .reason = STR("retention"),
                                        .promise = STR("log-sources 1"),
                                        .by = STR("schedule")};
    bool gone[10000] = {0};
    size_t count = 0;
    fixture_open(fixture);
    turns(fixture, 40);
    struct all all = all_read(fixture);
    for (size_t i = 0; i < all.count; i++) {
        uint64_t index = all.leaves[i].index;
        if (index % 7 == 3 || (index > 40 && index < 90)) {
            gone[index] = true;
            all.leaves[count++] = all.leaves[i];
        }
    }
    CHECK(tombstone_write(fixture->scope, fixture->archive, seven, &tombstone, all.leaves, count,
                          fixture->now, NULL) == OK);
    turns(fixture, 5);
    struct all after = all_read(fixture);
    for (size_t i = 0; i < 10000; i++) {
        after.list[i] = gone[i] ? all.list[i] : after.list[i];
    }
    CHECK(nodes_agree(fixture, &after, gone) > 100);
    free(all.list);
    free(all.leaves);
    free(after.list);
    free(after.leaves);
    fixture_close(fixture);
    fixture_free(fixture);
}

/* As many leaves as HINOMI_LEAVES says, 400 under each head. */
TEST(a_proof_out_of_an_archive_of_many_leaves_takes_less_than_50_ms)
{
    const char *wanted = getenv("HINOMI_LEAVES");
    uint64_t leaves = wanted != NULL ? strtoull(wanted, NULL, 10) : 20000;
    struct fixture *fixture = fixture_new();
    struct buf out;
    fixture_open(fixture);
    buf_init(&out, 1 << 24);
    for (uint64_t i = 0; i < leaves; i++) {
        bool more;
        (void)fixture_append(fixture, 7, 70, 1);
        if (i % 100 == 99) {
            CHECK(archive_commit(fixture->archive) == OK);
        }
        if (i % 400 == 399) {
            fixture->now.ns += 60 * NS_PER_SECOND;
            CHECK(archive_sign(fixture->archive, fixture->now, 60 * NS_PER_SECOND, 10, &more) ==
                  OK);
        }
    }
    fixture_close(fixture);
    for (unsigned sealed = 0; sealed < 2; sealed++) {
        double worst = 0;
        for (uint64_t i = 0; i < 10; i++) {
            uint64_t number = leaves / 10 * i + 1;
            double begin = testing_cpu() * 1000;
            buf_reset(&out);
            CHECK(archive_prove(fixture->scope, fixture->disk, fixture->folder, fixture->keys,
                                seven, &number, 1, PROVE_LAST_HEAD, &out, NULL) == OK);
            double took = testing_cpu() * 1000 - begin;
            worst = took > worst ? took : worst;
        }
        printf("%llu leaves in %s: a proof of %zu bytes in at most %.1f ms\n",
               (unsigned long long)leaves, sealed ? "segments" : "journals", out.size, worst);
        CHECK(worst < testing_cpu_allowed(50) || leaves > 20000);
        fixture_open(fixture);
        if (sealed == 0) {
            (void)fixture_seal(fixture, NULL);
            fixture->now.ns += 2 * DAY;
            turns(fixture, 3);
            (void)fixture_seal(fixture, NULL);
            CHECK(!fixture_file_exists(fixture, "archive/0000000001.journal"));
        }
        fixture_close(fixture);
    }
    buf_done(&out);
    fixture_free(fixture);
}
