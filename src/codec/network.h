#pragma once

/*
 * Internet addresses and networks as people and logs write them: RFC 4632 for IPv4, RFC 4291 for
 * IPv6.  IPv4 lies in ::ffff:0:0/96 here, so there is one kind of address and one kind of network,
 * and an IPv4 address written as IPv6 is the same address.
 */

#include "base/err.h"
#include "base/str.h"

#define ADDRESS_SIZE      16
#define NETWORK_TEXT_SIZE 64

struct network {
    uint8_t address[ADDRESS_SIZE];
    uint8_t prefix; /* 0 to 128 */
};

/* The whole of text as a numeric address. */
NODISCARD enum err address_parse(struct str text, uint8_t ret[ADDRESS_SIZE]);

/* ADDRESS/PREFIX, or an address alone: a network of one.  Bits behind the prefix are kept as they
 * are and play no part in network_holds.  ERR_SYNTAX. */
NODISCARD enum err network_parse(struct str text, struct network *ret);
bool network_holds(const struct network *network, const uint8_t address[ADDRESS_SIZE]);
/* No bit stands behind the prefix, so that the network is written in one way. */
bool network_canonical(const struct network *network);
const char *network_print(const struct network *network, char text[NETWORK_TEXT_SIZE]);
