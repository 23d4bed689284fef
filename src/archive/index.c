/*
 * Where a client's frames lie, thinned as it grows: when full, every second entry goes and from
 * then on only every second frame enters.  A reader that finds the entry before what it looks for
 * walks on from there, so a thin index costs a few headers, never an answer.
 *
 * Always true: entries ascend in sequence and in place.
 */

#include "archive/private.h"

#include <stdlib.h>

void index_done(struct index *index)
{
    free(index->list);
    *index = (struct index){0};
}

enum err index_add(struct index *index, struct index_entry entry)
{
    if (index->stride == 0) {
        index->stride = 1;
    }
    if (index->passed++ % index->stride != 0) {
        return OK;
    }
    if (index->count == INDEX_FRAMES_MAX) {
        for (size_t i = 0; i < index->count / 2; i++) {
            index->list[i] = index->list[2 * i];
        }
        index->count /= 2;
        index->stride *= 2;
    }
    if (index->count == index->capacity) {
        size_t capacity = index->capacity == 0 ? 16 : index->capacity * 2;
        struct index_entry *larger = realloc(index->list, capacity * sizeof *larger);
        if (larger == NULL) {
            index->passed--;
            return ERR_MEMORY;
        }
        index->list = larger;
        index->capacity = capacity;
    }
    index->list[index->count++] = entry;
    return OK;
}

bool index_find(const struct index *index, uint64_t sequence, struct index_entry *ret)
{
    size_t low = 0;
    size_t high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->list[middle].first <= sequence) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        if (index->count == 0) {
            return false;
        }
        low = 1;
    }
    *ret = index->list[low - 1];
    return true;
}
