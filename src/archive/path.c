/*
 * Proofs in the tree of RFC 6962: that a leaf is in it (section 2.1.1), and that a smaller tree is
 * the beginning of a larger one (2.1.2).
 *
 * Both go from the top down: the range halves at the largest power of two below its size, and the
 * half that is not entered is one node of the proof.  So a proof has at most one node a level, 31
 * for a milliard of leaves, and what it costs to make is what it costs to have those nodes.
 *
 * Checked they are as the RFC's definition says, from the top down too.
 */

#include "archive/private.h"

#include <string.h>

static uint64_t half_of(uint64_t size)
{
    return (uint64_t)1 << (63 - __builtin_clzll(size - 1));
}

static struct sha256 node_of(const struct sha256 *left, const struct sha256 *right)
{
    const struct str parts[] = {STR("\x01"), str_of(left->bytes, SHA256_SIZE),
                                str_of(right->bytes, SHA256_SIZE)};
    return sha256_of(parts, 3);
}

static void turn_round(struct sha256 *nodes, unsigned count)
{
    for (unsigned i = 0; i < count / 2; i++) {
        struct sha256 held = nodes[i];
        nodes[i] = nodes[count - 1 - i];
        nodes[count - 1 - i] = held;
    }
}

unsigned path_inclusion(uint64_t size, uint64_t index, path_node *node, void *context,
                        struct sha256 ret[PATH_NODES_MAX])
{
    uint64_t from = 0;
    uint64_t to = size;
    unsigned count = 0;
    while (to - from > 1) {
        uint64_t half = half_of(to - from);
        if (index < from + half) {
            ret[count++] = node(context, from + half, to);
            to = from + half;
        } else {
            ret[count++] = node(context, from, from + half);
            from += half;
        }
    }
    turn_round(ret, count);
    return count;
}

unsigned path_consistency(uint64_t old, uint64_t size, path_node *node, void *context,
                          struct sha256 ret[PATH_NODES_MAX])
{
    uint64_t from = 0;
    uint64_t to = size;
    unsigned count = 0;
    if (old == 0 || old >= size) {
        return 0;
    }
    while (to > old) {
        uint64_t half = half_of(to - from);
        if (old <= from + half) {
            ret[count++] = node(context, from + half, to);
            to = from + half;
        } else {
            ret[count++] = node(context, from, from + half);
            from += half;
        }
    }
    if (from > 0) { /* else the whole old tree, whose root is known */
        ret[count++] = node(context, from, to);
    }
    turn_round(ret, count);
    return count;
}

/* The turns are taken once more, and then the nodes are folded from the bottom. */
bool path_inclusion_holds(const struct sha256 *leaf, uint64_t index, uint64_t size,
                          const struct sha256 *path, unsigned count, const struct sha256 *root)
{
    uint64_t from = 0;
    uint64_t to = size;
    bool left[PATH_NODES_MAX];
    unsigned depth = 0;
    struct sha256 node = *leaf;
    while (index < size && to - from > 1) {
        uint64_t half = half_of(to - from);
        left[depth] = index < from + half;
        *(left[depth++] ? &to : &from) = from + half;
    }
    if (index >= size || depth != count) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        node = left[depth - 1 - i] ? node_of(&node, &path[i]) : node_of(&path[i], &node);
    }
    return sha256_equal(&node, root);
}

bool path_consistency_holds(uint64_t old, const struct sha256 *old_root, uint64_t size,
                            const struct sha256 *path, unsigned count, const struct sha256 *root)
{
    uint64_t from = 0;
    uint64_t to = size;
    bool left[PATH_NODES_MAX];
    unsigned depth = 0;
    if (old == 0 || old >= size) {
        return count == 0 && (old == 0 || (old == size && sha256_equal(old_root, root)));
    }
    while (to > old) {
        uint64_t half = half_of(to - from);
        left[depth] = old <= from + half;
        *(left[depth++] ? &to : &from) = from + half;
    }
    unsigned first = from > 0 ? 1 : 0;
    if (count != depth + first) {
        return false;
    }
    struct sha256 before = first ? path[0] : *old_root;
    struct sha256 after = before;
    for (unsigned i = 0; i < depth; i++) {
        const struct sha256 *other = &path[first + i];
        if (left[depth - 1 - i]) {
            after = node_of(&after, other);
        } else {
            after = node_of(other, &after);
            before = node_of(other, &before);
        }
    }
    return sha256_equal(&before, old_root) && sha256_equal(&after, root);
}
