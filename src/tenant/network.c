/* Networks as people write them.  IPv4 lies in ::ffff:0:0/96, so there is one kind of network. */

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "tenant/private.h"

static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

enum err network_read(struct str text, struct network *ret)
{
    struct network network = {0};
    struct str rest = text;
    struct str address = str_cut(&rest, '/');
    bool has_prefix = str_find_byte(text, '/') != STR_NONE;
    char plain[INET6_ADDRSTRLEN];
    if (address.size == 0 || address.size >= sizeof plain) {
        return ERR_SYNTAX;
    }
    memcpy(plain, address.data, address.size);
    plain[address.size] = '\0';
    bool v4 = inet_pton(AF_INET, plain, network.address + 12) == 1;
    if (v4) {
        memcpy(network.address, v4_prefix, sizeof v4_prefix);
    } else if (inet_pton(AF_INET6, plain, network.address) != 1) {
        return ERR_SYNTAX;
    }
    uint64_t prefix = v4 ? 32 : 128;
    if (has_prefix && str_to_u64(rest, prefix, &prefix) != OK) {
        return ERR_SYNTAX;
    }
    network.prefix = (uint8_t)(v4 ? prefix + 96 : prefix);
    if (!network_valid(&network)) {
        return ERR_SYNTAX;
    }
    *ret = network;
    return OK;
}

const char *network_print(const struct network *network, char text[NETWORK_TEXT_SIZE])
{
    bool v4 = network->prefix >= 96 && memcmp(network->address, v4_prefix, sizeof v4_prefix) == 0;
    char address[INET6_ADDRSTRLEN] = "";
    (void)inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? network->address + 12 : network->address, address,
                    sizeof address);
    if (network->prefix == 128) {
        (void)snprintf(text, NETWORK_TEXT_SIZE, "%s", address);
    } else {
        (void)snprintf(text, NETWORK_TEXT_SIZE, "%s/%d", address,
                       v4 ? network->prefix - 96 : network->prefix);
    }
    return text;
}

/* No bit stands behind the prefix, so that a network is written in one way. */
bool network_valid(const struct network *network)
{
    if (network->prefix > 128) {
        return false;
    }
    for (unsigned bit = network->prefix; bit < 128; bit++) {
        if ((network->address[bit / 8] & 0x80 >> bit % 8) != 0) {
            return false;
        }
    }
    return true;
}
