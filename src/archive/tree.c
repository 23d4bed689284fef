/*
 * The Merkle tree of RFC 6962, section 2.1, growing at its right end.  Of all its nodes only the
 * roots of the full subtrees are kept, at most 64; the root of the whole is folded from them, from
 * the right.  A leaf comes hashed already (with its prefix 0x00, see leaf.c).
 *
 * Always true: there is one peak for each bit set in size, the largest subtree first.
 */

#include "archive/private.h"

static struct sha256 node_of(const struct sha256 *left, const struct sha256 *right)
{
    const struct str parts[] = {STR("\x01"), str_of(left->bytes, SHA256_SIZE),
                                str_of(right->bytes, SHA256_SIZE)};
    return sha256_of(parts, 3);
}

unsigned tree_peaks(const struct tree *tree)
{
    return (unsigned)__builtin_popcountll(tree->size);
}

/* Puts a full subtree of 2^level leaves at the right end, where the size is a multiple of that. */
static void subtree_add(struct tree *tree, struct sha256 node, unsigned level)
{
    unsigned count = tree_peaks(tree);
    /* Each one bit of the size from there on up is a subtree as large as what we carry. */
    for (uint64_t size = tree->size >> level; (size & 1) != 0; size >>= 1) {
        count--;
        node = node_of(&tree->peaks[count], &node);
    }
    tree->peaks[count] = node;
    tree->size += (uint64_t)1 << level;
}

void tree_add(struct tree *tree, const struct sha256 *leaf)
{
    subtree_add(tree, *leaf, 0);
}

void tree_add_subtree(struct tree *tree, const struct sha256 *node, unsigned level)
{
    subtree_add(tree, *node, level);
}

unsigned tree_level_at(uint64_t index, uint64_t count)
{
    unsigned level = 63 - (unsigned)__builtin_clzll(count);
    if (index != 0 && (unsigned)__builtin_ctzll(index) < level) {
        level = (unsigned)__builtin_ctzll(index);
    }
    return level;
}

void tree_add_lost(struct tree *tree, uint64_t count)
{
    struct sha256 zeros[64] = {0};
    for (unsigned level = 1; level < 64; level++) {
        zeros[level] = node_of(&zeros[level - 1], &zeros[level - 1]);
    }
    while (count > 0) {
        unsigned level = tree_level_at(tree->size, count);
        subtree_add(tree, zeros[level], level);
        count -= (uint64_t)1 << level;
    }
}

struct sha256 tree_root(const struct tree *tree)
{
    unsigned count = tree_peaks(tree);
    if (count == 0) {
        return sha256_of_bytes(STR(""));
    }
    struct sha256 node = tree->peaks[count - 1];
    for (unsigned i = count - 1; i > 0; i--) {
        node = node_of(&tree->peaks[i - 1], &node);
    }
    return node;
}
