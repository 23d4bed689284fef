/*
 * The distinct texts of a column, its words, in the order in which they come.
 *
 * They are looked up by a hash without a key, for speed: who makes texts that meet at one place
 * gets a column without words, and nothing worse, since no more than PROBES_MAX places are looked
 * at.  Of each slot half of the hash is at hand, so that two texts are compared only where they are
 * likely to be one.  There are as few slots as the words need: most columns have few.
 */

#include "archive/block_making.h"

#include <string.h>

#define SLOTS_FIRST 256u
#define PROBES_MAX  256u
#define AHEAD       16u

/* Eight bytes at a time; what is too short for that is two words, which may overlap. */
static inline uint64_t word_hash(struct str text)
{
    uint64_t a = 0;
    uint64_t b = 0;
    uint64_t hash = text.size;
    size_t size = text.size;
    const char *at = text.data;
    for (; size > 16; at += 16, size -= 16) {
        hash = (hash ^ get_u64(at)) * 0x9e3779b97f4a7c15ULL;
        hash = (hash ^ hash >> 32 ^ get_u64(at + 8)) * 0xc2b2ae3d27d4eb4fULL;
    }
    if (size >= 8) {
        a = get_u64(at);
        b = get_u64(at + size - 8);
    } else if (size >= 4) {
        a = get_u32(at);
        b = get_u32(at + size - 4);
    } else if (size > 0) {
        a = (unsigned char)at[0] | (unsigned)(unsigned char)at[size / 2] << 8 |
            (unsigned)(unsigned char)at[size - 1] << 16;
    }
    hash = (hash ^ hash >> 29 ^ a) * 0x9e3779b97f4a7c15ULL;
    hash = (hash ^ hash >> 32 ^ b) * 0xc2b2ae3d27d4eb4fULL;
    return hash ^ hash >> 29;
}

/* A slot holds the upper half of a word's hash above its number plus 1; 0: nothing. */
static inline uint64_t *slot_find(const struct coder *coder, const struct texts_view *view,
                                  struct str text, uint64_t hash, uint32_t mask)
{
    uint64_t wanted = hash >> 32;
    for (uint32_t i = 0; i < PROBES_MAX; i++) {
        uint64_t *slot = &coder->slots[((uint32_t)hash + i) & mask];
        if (*slot == 0 ||
            (*slot >> 32 == wanted && view_is(view, text, coder->words[(uint32_t)*slot - 1]))) {
            return slot;
        }
    }
    return NULL;
}

/* Four times as many slots; false: too many words meet at one place. */
static bool slots_grow(struct coder *coder, const struct texts_view *view, uint32_t count,
                       uint32_t *mask)
{
    *mask = *mask * 4 + 3;
    memset(coder->slots, 0, (*mask + (size_t)1) * sizeof *coder->slots);
    for (uint32_t i = 0; i < count; i++) {
        struct str text = view_at(view, coder->words[i]);
        uint64_t hash = word_hash(text);
        uint64_t *slot = slot_find(coder, view, text, hash, *mask);
        if (slot == NULL) {
            return false;
        }
        *slot = hash >> 32 << 32 | (i + 1);
    }
    return true;
}

/* That there are too many is soon seen: of texts that are nearly all different, a thousand tell. */
static bool too_many(uint32_t words, uint32_t entries)
{
    return (entries >= 1024 && words > entries / 16 * 15) ||
           (entries >= 4096 && words > entries / 4 * 3);
}

/* Slots are asked for some entries ahead: they lie anywhere, and memory is slow. */
bool words_number(struct coder *coder, const struct texts_view *view, uint32_t max,
                  uint32_t *ret_count)
{
    uint64_t hashes[AHEAD];
    uint32_t mask = SLOTS_FIRST - 1;
    uint32_t count = 0;
    memset(coder->slots, 0, SLOTS_FIRST * sizeof *coder->slots);
    for (uint32_t i = 0; i < view->count; i++) {
        if (i % AHEAD == 0) {
            uint32_t some = view->count - i < AHEAD ? view->count - i : AHEAD;
            for (uint32_t k = 0; k < some; k++) {
                hashes[k] = word_hash(view_at(view, i + k));
                __builtin_prefetch(&coder->slots[(uint32_t)hashes[k] & mask]);
            }
        }
        struct str text = view_at(view, i);
        uint64_t hash = hashes[i % AHEAD];
        uint64_t *slot = slot_find(coder, view, text, hash, mask);
        if (slot == NULL) {
            return false;
        }
        if (*slot != 0) {
            coder->which[i] = (uint32_t)*slot - 1;
            continue;
        }
        if (count == max || too_many(count, i)) {
            return false;
        }
        *slot = hash >> 32 << 32 | (count + 1);
        coder->which[i] = count;
        coder->words[count++] = i;
        if (count > mask / 2 && !slots_grow(coder, view, count, &mask)) {
            return false;
        }
    }
    *ret_count = count;
    return true;
}

enum err words_view(const struct coder *coder, const struct texts_view *view, uint32_t words,
                    struct texts_view *ret)
{
    struct entry *list = ARENA_ARRAY_PLAIN(coder->mem, struct entry, (size_t)words + 1);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    for (uint32_t i = 0; i < words; i++) {
        list[i] = view->list[coder->words[i]];
    }
    *ret = (struct texts_view){view->text, list, words};
    return OK;
}
