/*
 * Many texts asked at once: does a value equal, begin with, end with or hold one of them?
 *
 * One hash table serves all four questions.  The hash of a text is a polynomial over its bytes, so
 * that it can be carried from one window of a value to the next; only lengths that occur are
 * looked for.  Cost: one look for each length, and for "holds" one pass over the value for each
 * length.  A hit of the hash is always compared byte by byte.
 *
 * Always true: `sizes` ascends without repeats; the table is at most half full.
 */

#include "match/private.h"

#include <stdlib.h>
#include <string.h>

#define BASE   0x9e3779b97f4a7c15ull /* odd, so that no byte is lost */
#define SPREAD 0xd1b54a32d192ed03ull

struct texts_slot {
    uint64_t hash;
    struct str text; /* data is NULL in free slots */
};

static uint64_t step(uint64_t hash, char c)
{
    return hash * BASE + (unsigned char)c + 1;
}

static uint64_t hash_of(struct str text)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < text.size; i++) {
        hash = step(hash, text.data[i]);
    }
    return hash;
}

static size_t place_of(const struct texts *texts, uint64_t hash)
{
    return (size_t)((hash * SPREAD) >> 20) & texts->mask;
}

static bool texts_have(const struct texts *texts, uint64_t hash, struct str window)
{
    for (size_t at = place_of(texts, hash); texts->slots[at].text.data != NULL;
         at = (at + 1) & texts->mask) {
        if (texts->slots[at].hash == hash && str_equal(texts->slots[at].text, window)) {
            return true;
        }
    }
    return false;
}

static int size_order(const void *a, const void *b)
{
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;
    return (x > y) - (x < y);
}

enum err texts_make(const struct str *list, size_t count, struct arena *mem, struct texts *ret)
{
    size_t capacity = 2;
    while (capacity < 2 * count) {
        capacity *= 2;
    }
    struct texts texts = {
        .slots = ARENA_ARRAY(mem, struct texts_slot, capacity),
        .mask = capacity - 1,
        .sizes = ARENA_ARRAY(mem, size_t, count),
    };
    if (texts.slots == NULL || texts.sizes == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        struct str text = {list[i].data != NULL ? list[i].data : "", list[i].size};
        uint64_t hash = hash_of(text);
        texts.sizes[i] = text.size;
        if (texts_have(&texts, hash, text)) {
            continue;
        }
        size_t at = place_of(&texts, hash);
        while (texts.slots[at].text.data != NULL) {
            at = (at + 1) & texts.mask;
        }
        texts.slots[at] = (struct texts_slot){hash, text};
    }
    if (count > 0) {
        qsort(texts.sizes, count, sizeof *texts.sizes, size_order);
    }
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || texts.sizes[i] != texts.sizes[i - 1]) {
            texts.sizes[texts.sizes_count++] = texts.sizes[i];
        }
    }
    *ret = texts;
    return OK;
}

static bool equal_fits(const struct texts *texts, struct str value)
{
    size_t low = 0;
    size_t high = texts->sizes_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (texts->sizes[middle] < value.size) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < texts->sizes_count && texts->sizes[low] == value.size &&
           texts_have(texts, hash_of(value), value);
}

static bool starts_fits(const struct texts *texts, struct str value)
{
    uint64_t hash = 0;
    size_t at = 0;
    for (size_t i = 0; i < texts->sizes_count && texts->sizes[i] <= value.size; i++) {
        for (; at < texts->sizes[i]; at++) {
            hash = step(hash, value.data[at]);
        }
        if (texts_have(texts, hash, str_slice(value, 0, at))) {
            return true;
        }
    }
    return false;
}

static bool ends_fits(const struct texts *texts, struct str value)
{
    uint64_t hash = 0;
    uint64_t power = 1;
    size_t taken = 0;
    for (size_t i = 0; i < texts->sizes_count && texts->sizes[i] <= value.size; i++) {
        for (; taken < texts->sizes[i]; taken++) {
            unsigned char c = (unsigned char)value.data[value.size - 1 - taken];
            hash += (c + 1ull) * power;
            power *= BASE;
        }
        if (texts_have(texts, hash, str_slice(value, value.size - taken, taken))) {
            return true;
        }
    }
    return false;
}

static bool window_fits(const struct texts *texts, struct str value, size_t size)
{
    uint64_t power = 1;
    for (size_t i = 0; i < size; i++) {
        power *= BASE;
    }
    uint64_t hash = hash_of(str_slice(value, 0, size));
    for (size_t at = 0;; at++) {
        if (texts_have(texts, hash, str_slice(value, at, size))) {
            return true;
        }
        if (at + size >= value.size) {
            return false;
        }
        unsigned char gone = (unsigned char)value.data[at];
        hash = step(hash, value.data[at + size]) - (gone + 1ull) * power;
    }
}

bool texts_fit(const struct texts *texts, enum listed how, struct str value)
{
    switch (how) {
    case LISTED_EQUAL:
        return equal_fits(texts, value);
    case LISTED_STARTS:
        return starts_fits(texts, value);
    case LISTED_ENDS:
        return ends_fits(texts, value);
    default:
        for (size_t i = 0; i < texts->sizes_count && texts->sizes[i] <= value.size; i++) {
            if (window_fits(texts, value, texts->sizes[i])) {
                return true;
            }
        }
        return false;
    }
}
