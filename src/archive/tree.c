/*
 * The Merkle tree of RFC 6962, section 2.1, growing at its right end.  Of all its nodes only the
 * roots of the full subtrees are kept, at most 64; the root of the whole is folded from them, from
 * the right.  A leaf comes hashed already (with its prefix 0x00, see frame_leaf).
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

void tree_add(struct tree *tree, const struct sha256 *leaf)
{
    unsigned count = tree_peaks(tree);
    struct sha256 node = *leaf;
    /* Each trailing one bit of the size is a subtree as large as what we carry. */
    for (uint64_t size = tree->size; (size & 1) != 0; size >>= 1) {
        count--;
        node = node_of(&tree->peaks[count], &node);
    }
    tree->peaks[count] = node;
    tree->size++;
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
