/*
 * Networks: RFC 4632 for IPv4, RFC 4291 for IPv6.  An address alone is a network of one.
 *
 * OUR reading: bits behind the prefix are ignored (192.0.2.1/24 is 192.0.2.0/24), and an IPv4
 * address written as IPv6 (::ffff:192.0.2.1, as programs with one socket for both log it) lies in
 * the IPv4 networks as well as in the IPv6 ones.
 */

#include "match/private.h"

#include <arpa/inet.h>
#include <string.h>

static unsigned address_parse(struct str text, uint8_t address[16]);
static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits);

enum err network_parse(struct str text, struct network *ret, struct why *why)
{
    struct network network = {.size = 0};
    struct str rest = text;
    struct str address = str_cut(&rest, '/');
    network.size = address_parse(address, network.address);
    uint64_t bits = 8 * (uint64_t)network.size;
    if (network.size == 0) {
        return why_say(why, ERR_SYNTAX, 0, "'%.*s' is not an IP address or network", STR_ARG(text));
    }
    if (address.size < text.size && str_to_u64(rest, bits, &bits) != OK) {
        return why_say(why, ERR_SYNTAX, 0, "'%.*s' has no prefix length from 0 to %u",
                       STR_ARG(text), 8 * network.size);
    }
    network.bits = (unsigned)bits;
    *ret = network;
    return OK;
}

bool network_holds(const struct network *network, struct str address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    uint8_t bytes[16] = {0};
    unsigned size = address_parse(address, bytes);
    const uint8_t *from = bytes;
    if (size == 16 && network->size == 4 && memcmp(bytes, mapped, sizeof mapped) == 0) {
        from += sizeof mapped;
        size = 4;
    }
    return size == network->size && bits_equal(from, network->address, network->bits);
}

/* The address's size in bytes, 0 if it is none. */
static unsigned address_parse(struct str text, uint8_t address[16])
{
    char copy[INET6_ADDRSTRLEN + 1];
    if (text.size == 0 || text.size >= sizeof copy) {
        return 0;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (strlen(copy) != text.size) {
        return 0;
    }
    if (inet_pton(AF_INET, copy, address) == 1) {
        return 4;
    }
    return inet_pton(AF_INET6, copy, address) == 1 ? 16 : 0;
}

static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8;
    unsigned mask = 0xffu & (0xff00u >> bits % 8);
    return memcmp(a, b, whole) == 0 && (mask == 0 || ((a[whole] ^ b[whole]) & mask) == 0);
}
