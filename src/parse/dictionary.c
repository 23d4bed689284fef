/* Texts by a hash of their ends; tools/parsers.py lays the slots out.  The texts are our own, so
 * nobody chooses them to collide; a foreign text costs one look at a short run of slots. */

#include "event/namebook.h"
#include "parse/private.h"

uint16_t dictionary_find(const struct dictionary *dictionary, struct str text)
{
    struct name_ends ends = name_ends(text);
    uint64_t hash = (ends.first ^ text.size) * 0x9e3779b97f4a7c15ULL;
    hash = (hash ^ ends.last) * 0xc2b2ae3d27d4eb4fULL;
    size_t mask = ((size_t)1 << dictionary->bits) - 1;
    for (size_t at = (size_t)(hash >> (64 - dictionary->bits));; at = (at + 1) & mask) {
        uint16_t index = dictionary->slots[at];
        if (index == UINT16_MAX || str_equal(dictionary->texts[index], text)) {
            return index;
        }
    }
}
