/*
 * Many networks asked at once: is an address in one of them?
 *
 * Networks lie sorted by the length of their prefix, then by address, with the bits behind the
 * prefix cleared.  An address is looked for once in each length that occurs, by halving.
 *
 * Always true: `firsts[p]` to `firsts[p + 1]` are the networks of prefix length p.
 */

#include "match/private.h"

#include <stdlib.h>
#include <string.h>

static void address_mask(const uint8_t address[ADDRESS_SIZE], unsigned prefix,
                         uint8_t ret[ADDRESS_SIZE])
{
    memset(ret, 0, ADDRESS_SIZE);
    memcpy(ret, address, prefix / 8);
    if (prefix % 8 != 0) {
        ret[prefix / 8] = (uint8_t)(address[prefix / 8] & (0xff00u >> (prefix % 8)));
    }
}

static int network_order(const void *a, const void *b)
{
    const struct network *x = a;
    const struct network *y = b;
    return x->prefix != y->prefix ? (int)x->prefix - (int)y->prefix
                                  : memcmp(x->address, y->address, ADDRESS_SIZE);
}

enum err networks_make(const struct network *list, size_t count, struct arena *mem,
                       struct networks *ret)
{
    struct networks networks = {.list = ARENA_ARRAY(mem, struct network, count)};
    if (networks.list == NULL || count > UINT32_MAX) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        networks.list[i].prefix = list[i].prefix;
        address_mask(list[i].address, list[i].prefix, networks.list[i].address);
    }
    if (count > 0) {
        qsort(networks.list, count, sizeof *networks.list, network_order);
    }
    size_t at = 0;
    for (unsigned prefix = 0; prefix <= NETWORK_PREFIX_MAX; prefix++) {
        networks.firsts[prefix] = (uint32_t)at;
        while (at < count && networks.list[at].prefix == prefix) {
            at++;
        }
    }
    networks.firsts[NETWORK_PREFIX_MAX + 1] = (uint32_t)at;
    *ret = networks;
    return OK;
}

bool networks_hold(const struct networks *networks, const uint8_t address[ADDRESS_SIZE])
{
    for (unsigned prefix = 0; prefix <= NETWORK_PREFIX_MAX; prefix++) {
        uint32_t low = networks->firsts[prefix];
        uint32_t high = networks->firsts[prefix + 1];
        if (low == high) {
            continue;
        }
        uint8_t masked[ADDRESS_SIZE];
        address_mask(address, prefix, masked);
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            int order = memcmp(networks->list[middle].address, masked, ADDRESS_SIZE);
            if (order == 0) {
                return true;
            }
            if (order < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
    }
    return false;
}
