/* Addresses by inet_pton, which takes nothing but numeric forms; networks by whole bytes and a
 * mask. */

#include "codec/network.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

static bool is_v4(const uint8_t address[ADDRESS_SIZE])
{
    return memcmp(address, v4_prefix, sizeof v4_prefix) == 0;
}

enum err address_parse(struct str text, uint8_t ret[ADDRESS_SIZE])
{
    char plain[INET6_ADDRSTRLEN + 1];
    uint8_t address[ADDRESS_SIZE];
    if (text.size == 0 || text.size >= sizeof plain || memchr(text.data, 0, text.size) != NULL) {
        return ERR_SYNTAX;
    }
    memcpy(plain, text.data, text.size);
    plain[text.size] = '\0';
    if (inet_pton(AF_INET, plain, address + sizeof v4_prefix) == 1) {
        memcpy(address, v4_prefix, sizeof v4_prefix);
    } else if (inet_pton(AF_INET6, plain, address) != 1) {
        return ERR_SYNTAX;
    }
    memcpy(ret, address, sizeof address);
    return OK;
}

enum err network_parse(struct str text, struct network *ret)
{
    struct network network = {0};
    struct str rest = text;
    struct str address = str_cut(&rest, '/');
    bool has_prefix = address.size < text.size;
    enum err err = address_parse(address, network.address);
    if (err != OK) {
        return err;
    }
    /* Who writes an IPv4 address counts its 32 bits; who writes ::ffff:… counts 128. */
    bool written_v4 = is_v4(network.address) && str_find_byte(address, ':') == STR_NONE;
    uint64_t prefix = written_v4 ? 32 : 128;
    if (has_prefix && str_to_u64(rest, prefix, &prefix) != OK) {
        return ERR_SYNTAX;
    }
    network.prefix = (uint8_t)(written_v4 ? prefix + 96 : prefix);
    *ret = network;
    return OK;
}

bool network_holds(const struct network *network, const uint8_t address[ADDRESS_SIZE])
{
    unsigned whole = network->prefix / 8u;
    unsigned bits = network->prefix % 8u;
    if (network->prefix > 128 || memcmp(network->address, address, whole) != 0) {
        return false;
    }
    return bits == 0 || ((network->address[whole] ^ address[whole]) >> (8u - bits)) == 0;
}

bool network_canonical(const struct network *network)
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

const char *network_print(const struct network *network, char text[NETWORK_TEXT_SIZE])
{
    bool v4 = network->prefix >= 96 && is_v4(network->address);
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
