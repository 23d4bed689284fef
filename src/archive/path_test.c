/* Proofs over small trees, all of them, and over a milliard of leaves. */

#include "archive/private.h"

#include <stdio.h>

#include "testing/testing.h"

static struct sha256 leaf_of(uint64_t index)
{
    return sha256_of_bytes(str_of(&index, sizeof index));
}

static struct sha256 small_node(void *context, uint64_t from, uint64_t to)
{
    struct tree tree = {0};
    (void)context;
    for (uint64_t i = from; i < to; i++) {
        struct sha256 leaf = leaf_of(i);
        tree_add(&tree, &leaf);
    }
    return tree_root(&tree);
}

TEST(every_leaf_of_every_small_tree_is_proved_and_no_other)
{
    struct sha256 path[PATH_NODES_MAX];
    for (uint64_t size = 1; size < 40; size++) {
        struct sha256 root = small_node(NULL, 0, size);
        for (uint64_t index = 0; index < size; index++) {
            unsigned count = path_inclusion(size, index, small_node, NULL, path);
            struct sha256 leaf = leaf_of(index);
            CHECK(path_inclusion_holds(&leaf, index, size, path, count, &root));
            CHECK(!path_inclusion_holds(&leaf, index ^ 1, size, path, count, &root) || size == 1);
            leaf.bytes[3] ^= 1;
            CHECK(!path_inclusion_holds(&leaf, index, size, path, count, &root));
        }
    }
}

TEST(every_small_tree_is_shown_to_be_the_beginning_of_every_larger_one)
{
    struct sha256 path[PATH_NODES_MAX];
    for (uint64_t size = 1; size < 40; size++) {
        struct sha256 root = small_node(NULL, 0, size);
        for (uint64_t old = 1; old <= size; old++) {
            struct sha256 before = small_node(NULL, 0, old);
            unsigned count = path_consistency(old, size, small_node, NULL, path);
            CHECK(path_consistency_holds(old, &before, size, path, count, &root));
            before.bytes[3] ^= 1;
            CHECK(!path_consistency_holds(old, &before, size, path, count, &root));
            before.bytes[3] ^= 1;
            if (count > 0) {
                path[0].bytes[0] ^= 1;
                CHECK(!path_consistency_holds(old, &before, size, path, count, &root));
            }
        }
    }
}

/* Leaves of zeros: their subtrees are known without making a milliard of them. */
static struct sha256 large_node(void *context, uint64_t from, uint64_t to)
{
    struct tree tree = {0};
    (void)context;
    (void)from;
    tree_add_lost(&tree, to - from);
    return tree_root(&tree);
}

TEST(a_leaf_among_a_milliard_is_proved_in_less_than_1_5_kib_and_50_ms)
{
    const uint64_t size = 1000000007;
    const struct sha256 zeros = {0};
    struct sha256 path[PATH_NODES_MAX];
    struct sha256 root = large_node(NULL, 0, size);
    double begin = testing_cpu();
    unsigned count = path_inclusion(size, 987654321, large_node, NULL, path);
    double ms = (testing_cpu() - begin) * 1000;
    CHECK(path_inclusion_holds(&zeros, 987654321, size, path, count, &root));
    unsigned between = path_consistency(123456789, size, large_node, NULL, path);
    struct sha256 before = large_node(NULL, 0, 123456789);
    CHECK(path_consistency_holds(123456789, &before, size, path, between, &root));
    printf("inclusion %zu bytes in %.2f ms, consistency %zu bytes\n", count * sizeof *path, ms,
           between * sizeof *path);
    CHECK(count * sizeof *path <= 1536 && between * sizeof *path <= 2048 &&
          ms <= testing_cpu_allowed(50));
}
