/*
 * Addresses to numbers by the longest prefix: one hash table whose keys begin with the prefix's
 * length.  A look-up tries the lengths that occur, the longest first; clients have a handful of
 * them, so this is as quick as a trie and has nothing to balance.
 *
 *     key   OFFSET SIZE MEANING
 *                0    1 length of the prefix, 0 to 128 (IPv4 lies in ::ffff:0:0/96)
 *                1   16 the address, bits behind the prefix cleared
 *
 * Always true: `lengths` falls, and holds exactly the lengths of the keys.
 */

#include "detect/criteria_private.h"

#include <string.h>

#define KEY_SIZE (1 + ADDRESS_SIZE)

static struct str key_make(uint8_t length, const uint8_t address[ADDRESS_SIZE], char key[KEY_SIZE]);

void prefixes_init(struct prefixes *prefixes, uint64_t seed)
{
    *prefixes = (struct prefixes){0};
    map_init(&prefixes->map, DOCUMENT_ELEMENTS_MAX, seed);
}

void prefixes_done(struct prefixes *prefixes)
{
    map_done(&prefixes->map);
    *prefixes = (struct prefixes){0};
}

enum err prefixes_put(struct prefixes *prefixes, const struct network *network, uint32_t value)
{
    char key[KEY_SIZE];
    uint64_t there;
    struct str as_key = key_make(network->prefix, network->address, key);
    if (map_get(&prefixes->map, as_key, &there)) {
        return OK;
    }
    enum err err = map_put(&prefixes->map, as_key, value);
    size_t at = 0;
    while (at < prefixes->lengths_count && prefixes->lengths[at] > network->prefix) {
        at++;
    }
    bool known = at < prefixes->lengths_count && prefixes->lengths[at] == network->prefix;
    if (err == OK && !known) {
        memmove(prefixes->lengths + at + 1, prefixes->lengths + at, prefixes->lengths_count - at);
        prefixes->lengths[at] = network->prefix;
        prefixes->lengths_count++;
    }
    return err;
}

bool prefixes_find(const struct prefixes *prefixes, const uint8_t address[ADDRESS_SIZE],
                   uint32_t *ret)
{
    for (size_t i = 0; i < prefixes->lengths_count; i++) {
        char key[KEY_SIZE];
        uint64_t value;
        if (map_get(&prefixes->map, key_make(prefixes->lengths[i], address, key), &value)) {
            *ret = (uint32_t)value;
            return true;
        }
    }
    return false;
}

static struct str key_make(uint8_t length, const uint8_t address[ADDRESS_SIZE], char key[KEY_SIZE])
{
    size_t whole = length / 8u;
    key[0] = (char)length;
    memset(key + 1, 0, ADDRESS_SIZE);
    memcpy(key + 1, address, whole);
    if (length % 8u != 0) {
        key[1 + whole] = (char)(address[whole] & (uint8_t)(0xff00u >> (length % 8u)));
    }
    return str_of(key, KEY_SIZE);
}
