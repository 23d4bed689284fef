/* The packet filter's lines, as Linux 6.1, ulogd 2.0 and OpenWrt write them. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse/fixture_test.h"
#include "testing/testing.h"

#define HEAD "<4>Nov 22 08:30:00 fw-1 kernel: "
#define MAC  "MAC=52:54:00:aa:00:01:52:54:00:bb:00:02:08:00 "

static struct parsed parsed_of(const char *name, const char *record)
{
    const struct parse_context context = {.received = {1795336200 * NS_PER_SECOND}};
    return parsed_with(name, str_from(record), &context);
}

static bool is_netfilter(const struct parsed *parsed)
{
    return str_equal(parsed->event.class, STR("firewall/linux/netfilter"));
}

TEST(a_dropped_syn_comes_out_with_all_its_fields)
{
    struct parsed parsed = parsed_of(
        "auto", HEAD "[81231.104233] DROP-FORWARD: IN=eth1 OUT=eth2 " MAC
                     "SRC=192.168.20.57 DST=192.168.30.11 LEN=60 TOS=0x00 PREC=0x00 TTL=63 "
                     "ID=54321 DF PROTO=TCP SPT=50122 DPT=445 WINDOW=64240 RES=0x00 SYN URGP=0 ");
    CHECK(is_netfilter(&parsed) && parsed.event.error.size == 0);
    has(&parsed, "source.ip", "192.168.20.57");
    has(&parsed, "source.port", "50122");
    has(&parsed, "destination.ip", "192.168.30.11");
    has(&parsed, "destination.port", "445");
    has(&parsed, "network.transport", "tcp");
    has(&parsed, "network.type", "ipv4");
    has(&parsed, "observer.ingress.interface.name", "eth1");
    has(&parsed, "observer.egress.interface.name", "eth2");
    has(&parsed, "source.mac", "52:54:00:bb:00:02");
    has(&parsed, "destination.mac", "52:54:00:aa:00:01");
    has(&parsed, "rule.name", "DROP-FORWARD");
    has(&parsed, "event.action", "drop");
    has(&parsed, "event.type", "denied");
    has(&parsed, "iptables.tcp.flags", "SYN");
    has(&parsed, "iptables.fragment_flags", "DF");
    has(&parsed, "iptables.length", "60");
    has(&parsed, "iptables.ttl", "63");
    has(&parsed, "host.hostname", "fw-1");
    has(&parsed, "process.name", "kernel");
    parsed_done(&parsed);
}

TEST(what_became_of_a_packet_stands_in_the_prefix)
{
    static const struct {
        const char *prefix, *action, *name;
    } cases[] = {
        {"[UFW BLOCK] ", "drop", "[UFW BLOCK]"},
        {"[UFW ALLOW] ", "accept", "[UFW ALLOW]"},
        {"[UFW AUDIT] ", "(none)", "[UFW AUDIT]"},
        {"Shorewall:net2fw:REJECT:", "reject", "Shorewall:net2fw:REJECT"},
        {"filter_IN_public_REJECT: ", "reject", "filter_IN_public_REJECT"},
        {"nft accept lan: ", "accept", "nft accept lan"},
        {"DROPBOX ", "(none)", "DROPBOX"},
        {"", "(none)", "(none)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char record[512];
        (void)snprintf(record, sizeof record,
                       HEAD "%sIN=eth0 OUT= SRC=192.0.2.7 DST=198.51.100.4 LEN=40 PROTO=TCP SPT=1 "
                            "DPT=2",
                       cases[i].prefix);
        struct parsed parsed = parsed_of("netfilter", record);
        CHECK(is_netfilter(&parsed));
        has(&parsed, "event.action", cases[i].action);
        has(&parsed, "rule.name", cases[i].name);
        has(&parsed, "observer.egress.interface.name", "(none)");
        parsed_done(&parsed);
    }
}

TEST(udp_ipv6_and_protocols_by_number_are_read)
{
    struct parsed udp = parsed_of(
        "auto", "<4>1 2026-11-22T08:30:00Z fw-1 kernel - - - IN= OUT=eth0 SRC=192.0.2.7 "
                "DST=198.51.100.53 LEN=71 TOS=0x00 PREC=0x00 TTL=64 ID=0 PROTO=UDP SPT=40123 "
                "DPT=53 LEN=51 UID=104 GID=65534 MARK=0x1");
    CHECK(is_netfilter(&udp));
    has(&udp, "network.transport", "udp");
    has(&udp, "iptables.length", "71");
    has(&udp, "iptables.udp.length", "51");
    has(&udp, "user.id", "104");
    has(&udp, "observer.ingress.interface.name", "(none)");
    parsed_done(&udp);
    struct parsed six = parsed_of(
        "auto", HEAD "IN=eth0 OUT= MAC=33:33:00:00:00:01:52:54:00:bb:00:02:86:dd "
                     "SRC=2001:0db8:0000:0000:0000:0000:0000:0007 "
                     "DST=ff02:0000:0000:0000:0000:0000:0000:0001 LEN=64 TC=0 HOPLIMIT=255 "
                     "FLOWLBL=0 PROTO=ICMPv6 TYPE=134 CODE=0 ");
    CHECK(is_netfilter(&six));
    has(&six, "network.type", "ipv6");
    has(&six, "network.transport", "ipv6-icmp");
    has(&six, "iptables.icmp.type", "134");
    has(&six, "source.ip", "2001:0db8:0000:0000:0000:0000:0000:0007");
    has(&six, "iptables.ether_type", "86:dd");
    parsed_done(&six);
    struct parsed number =
        parsed_of("auto", HEAD "IN=eth0 OUT= SRC=192.0.2.7 DST=224.0.0.1 LEN=32 PROTO=2 ");
    has(&number, "network.iana_number", "2");
    parsed_done(&number);
}

TEST(the_packet_in_an_icmp_error_is_not_taken_for_the_packet_itself)
{
    struct parsed parsed = parsed_of(
        "auto", HEAD "IN=eth0 OUT= SRC=198.51.100.1 DST=192.0.2.7 LEN=88 TOS=0x00 PREC=0xC0 TTL=64 "
                     "ID=3471 PROTO=ICMP TYPE=3 CODE=1 [SRC=192.0.2.7 DST=203.0.113.9 LEN=60 "
                     "TOS=0x00 PREC=0x00 TTL=63 ID=9 DF PROTO=TCP SPT=50001 DPT=443 WINDOW=1 "
                     "RES=0x00 SYN URGP=0 ] MARK=0x2");
    CHECK(is_netfilter(&parsed));
    has(&parsed, "source.ip", "198.51.100.1");
    has(&parsed, "destination.ip", "192.0.2.7");
    has(&parsed, "network.transport", "icmp");
    has(&parsed, "destination.port", "(none)");
    has(&parsed, "iptables.mark", "0x2");
    has(&parsed, "iptables.icmp.code", "1");
    parsed_done(&parsed);
}

TEST(bridges_fragments_and_ulogd_are_read)
{
    struct parsed bridge =
        parsed_of("auto", HEAD "BR-DROP IN=br0 OUT=br0 PHYSIN=lan1 PHYSOUT=lan3 SRC=192.168.20.57 "
                               "DST=192.168.20.9 LEN=1500 ID=7 MF FRAG:185 PROTO=UDP ");
    has(&bridge, "iptables.physical_input_device", "lan1");
    has(&bridge, "iptables.fragment_offset", "185");
    has(&bridge, "iptables.fragment_flags", "MF");
    has(&bridge, "source.port", "(none)");
    parsed_done(&bridge);
    struct parsed ulogd = parsed_of(
        "auto",
        "<14>Nov 22 08:30:00 fw-1 ulogd[812]: accept out IN=eth1 OUT=eth0 MAC= "
        "SRC=192.168.20.57 DST=203.0.113.9 LEN=60 TOS=00 PREC=0x00 TTL=63 ID=1 DF "
        "PROTO=TCP SPT=50001 DPT=4444 SEQ=1311768467 ACK=0 WINDOW=64240 SYN URGP=0 MARK=0 ");
    CHECK(is_netfilter(&ulogd));
    has(&ulogd, "event.action", "accept");
    has(&ulogd, "iptables.tcp.flags", "SYN");
    parsed_done(&ulogd);
}

TEST(a_bare_line_is_recognised_and_others_are_left_alone)
{
    struct parsed bare = parsed_of("auto", "x IN=eth0 OUT= SRC=192.0.2.7 DST=192.0.2.8 PROTO=TCP");
    CHECK(is_netfilter(&bare) && str_equal(bare.event.parser, STR("netfilter")));
    has(&bare, "message", "x IN=eth0 OUT= SRC=192.0.2.7 DST=192.0.2.8 PROTO=TCP");
    parsed_done(&bare);
    static const char *const others[] = {
        HEAD "usb 1-1: new high-speed USB device number 5",
        HEAD "IN=eth0 OUT= SRC=nobody DST=192.0.2.8",
        HEAD "IN=eth0 OUT= SRC=192.0.2.7",
        HEAD " OUT=eth0 SRC=192.0.2.7 DST=192.0.2.8",
        "<13>Nov 22 08:30:00 h app: IN=eth0 OUT= SRC=192.0.2.7 DST=192.0.2.8",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct parsed parsed = parsed_of("auto", others[i]);
        CHECK(!is_netfilter(&parsed));
        has(&parsed, "source.ip", "(none)");
        parsed_done(&parsed);
    }
    struct parsed none = parsed_of("netfilter", "no packet");
    CHECK(none.event.error.size > 0);
    parsed_done(&none);
}

TEST(a_packet_of_hostile_length_takes_linear_time)
{
    static const char *const pieces[] = {"IN=", "[", "IN=x OUT=", "=",
                                         "SRC=192.0.2.1 DST=1.1.1.1 "};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        size_t size = strlen(pieces[i]);
        size_t count = 900000 / size;
        char *record = malloc(900128);
        CHECK(record != NULL);
        size_t at = (size_t)snprintf(record, 64, "IN=a OUT=b SRC=192.0.2.1 DST=192.0.2.2 ");
        for (size_t k = 0; k < count; k++, at += size) {
            memcpy(record + at, pieces[i], size);
        }
        record[at] = '\0';
        double start = testing_cpu();
        struct parsed parsed = parsed_of("netfilter", record);
        CHECK(testing_cpu() - start < testing_cpu_allowed(2));
        parsed_done(&parsed);
        free(record);
    }
}
