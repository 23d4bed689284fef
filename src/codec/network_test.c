#include "codec/network.h"

#include <string.h>

#include "testing/testing.h"

static bool holds(struct str network, struct str address)
{
    struct network parsed;
    uint8_t bytes[ADDRESS_SIZE];
    CHECK(network_parse(network, &parsed) == OK);
    return address_parse(address, bytes) == OK && network_holds(&parsed, bytes);
}

TEST(networks_hold_the_addresses_below_their_prefix)
{
    CHECK(holds(STR("192.0.2.0/24"), STR("192.0.2.255")));
    CHECK(!holds(STR("192.0.2.0/24"), STR("192.0.3.0")));
    CHECK(holds(STR("192.0.2.0/24"), STR("::ffff:192.0.2.7")));
    CHECK(!holds(STR("192.0.2.0/24"), STR("192.0.2.1.5")));
    CHECK(!holds(STR("192.0.2.0/24"), STR("")));
    CHECK(holds(STR("192.0.2.1/24"), STR("192.0.2.9")));
    CHECK(holds(STR("2001:db8::/33"), STR("2001:db8:7fff::1")));
    CHECK(!holds(STR("2001:db8::/33"), STR("2001:db8:8000::1")));
    CHECK(holds(STR("0.0.0.0/0"), STR("203.0.113.9")));
    CHECK(!holds(STR("0.0.0.0/0"), STR("2001:db8::1")));
    CHECK(holds(STR("203.0.113.9"), STR("203.0.113.9")));
}

TEST(what_is_no_network_is_refused)
{
    struct network network;
    CHECK(network_parse(STR("192.0.2.0/33"), &network) == ERR_SYNTAX);
    CHECK(network_parse(STR("192.0.2.0/"), &network) == ERR_SYNTAX);
    CHECK(network_parse(STR("2001:db8::/129"), &network) == ERR_SYNTAX);
    CHECK(network_parse(STR("example.org"), &network) == ERR_SYNTAX);
    CHECK(network_parse(STR("192.0.2.1\0"), &network) == ERR_SYNTAX);
    CHECK(network_parse(STR(""), &network) == ERR_SYNTAX);
}

TEST(a_network_prints_as_it_is_read)
{
    static const char *const texts[] = {"192.0.2.0/24", "203.0.113.9", "2001:db8::/32", "::/0"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct network network;
        char text[NETWORK_TEXT_SIZE];
        CHECK(network_parse(str_from(texts[i]), &network) == OK && network_canonical(&network));
        CHECK(strcmp(network_print(&network, text), texts[i]) == 0);
    }
    struct network sloppy;
    CHECK(network_parse(STR("192.0.2.1/24"), &sloppy) == OK && !network_canonical(&sloppy));
}
