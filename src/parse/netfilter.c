/*
 * What Linux's packet filter writes: the targets LOG of iptables and ip6tables, `log` of nftables,
 * and ulogd2's LOGEMU, which imitates them.
 *
 *     [81231.104] DROP-FORWARD: IN=eth1 OUT=eth0 MAC=… SRC=192.0.2.7 DST=198.51.100.4 LEN=60 … DF
 *     PROTO=TCP SPT=50122 DPT=445 WINDOW=64240 RES=0x00 SYN URGP=0
 *
 * In front stands whatever the administrator chose as prefix, often glued to "IN="; the kernel's
 * own clock may stand before that.  Then come words: KEY=value, flags without a value, and, for an
 * ICMP error, the header of the packet that it answers, in brackets.  That one is kept whole
 * (iptables.icmp.quoted): its addresses are not those of this packet.
 *
 * The packet filter does not say what became of the packet.  Administrators do, in the prefix: its
 * last word that means dropped, rejected or accepted is event.action, else there is none.
 *
 * Fields that ECS has no name for are called as Elastic's module for iptables calls them.
 */

#include <string.h>

#include "parse/private.h"

#define WORDS_MAX 64 /* The kernel writes some thirty. */

struct key {
    struct str key, name;
};
#define K(key, name)               \
    {                              \
        {key, sizeof(key) - 1},    \
        {                          \
            name, sizeof(name) - 1 \
        }                          \
    }
static const struct key keys[] = {
    K("IN", "observer.ingress.interface.name"),
    K("OUT", "observer.egress.interface.name"),
    K("PHYSIN", "iptables.physical_input_device"),
    K("PHYSOUT", "iptables.physical_output_device"),
    K("SPT", "source.port"),
    K("DPT", "destination.port"),
    K("TOS", "iptables.tos"),
    K("TC", "iptables.tos"),
    K("PREC", "iptables.precedence_bits"),
    K("TTL", "iptables.ttl"),
    K("HOPLIMIT", "iptables.ttl"),
    K("FLOWLBL", "iptables.flow_label"),
    K("WINDOW", "iptables.tcp.window"),
    K("RES", "iptables.tcp_reserved_bits"),
    K("TYPE", "iptables.icmp.type"),
    K("CODE", "iptables.icmp.code"),
    K("MARK", "iptables.mark"),
    K("UID", "user.id"),
    K("GID", "user.group.id"),
};

static const struct {
    struct str word, action, type;
} verdicts[] = {
#define V(word, action, type)                                   \
    {                                                           \
        {word, sizeof(word) - 1}, {action, sizeof(action) - 1}, \
        {                                                       \
            type, sizeof(type) - 1                              \
        }                                                       \
    }
    V("drop", "drop", "denied"),        V("dropped", "drop", "denied"),
    V("block", "drop", "denied"),       V("blocked", "drop", "denied"),
    V("deny", "drop", "denied"),        V("denied", "drop", "denied"),
    V("discard", "drop", "denied"),     V("reject", "reject", "denied"),
    V("rejected", "reject", "denied"),  V("accept", "accept", "allowed"),
    V("accepted", "accept", "allowed"), V("allow", "accept", "allowed"),
    V("allowed", "accept", "allowed"),  V("pass", "accept", "allowed"),
    V("permit", "accept", "allowed"),   V("acc", "accept", "allowed"),
#undef V
};

static bool packet_cut(struct str text, struct str *ret_prefix, struct str *ret_packet);
static bool packet_fits(struct str packet);
static void prefix_tell(struct found *found, struct str prefix);
static bool is_bits(struct str key);
static void packet_tell(struct found *found, struct str packet);
static void word_tell(struct found *found, struct str word, unsigned lengths);
static void protocol_tell(struct found *found, struct str protocol);

bool netfilter_parse(struct found *found, struct str text)
{
    struct str prefix;
    struct str packet;
    if (!packet_cut(text, &prefix, &packet) || !packet_fits(packet)) {
        return false;
    }
    found_derive(found, STR("event.kind"), STR("event"));
    found_derive(found, STR("event.category"), STR("network"));
    if (found->header != NULL && found->header->host.size > 0) {
        found_span(found, STR("observer.hostname"), found->header->host);
    }
    prefix_tell(found, prefix);
    packet_tell(found, packet);
    found_class(found, STR("firewall/linux/netfilter"));
    return true;
}

/* The packet begins at the "IN=" of the word before the first " OUT=". */
static bool packet_cut(struct str text, struct str *ret_prefix, struct str *ret_packet)
{
    size_t out = str_find(text, STR(" OUT="));
    if (out == STR_NONE) {
        return false;
    }
    size_t word = out;
    while (word > 0 && text.data[word - 1] != ' ') {
        word--;
    }
    size_t in = str_find(str_slice(text, word, out - word), STR("IN="));
    if (in == STR_NONE) {
        return false;
    }
    *ret_prefix = str_slice(text, 0, word + in);
    *ret_packet = text_from(text, word + in);
    return true;
}

static bool packet_fits(struct str packet)
{
    bool source = false;
    bool destination = false;
    struct str word;
    for (unsigned i = 0; i < WORDS_MAX && cursor_word(&packet, &word); i++) {
        source = source || (cursor_literal(&word, STR("SRC=")) && text_is_address(word));
        destination = destination || (cursor_literal(&word, STR("DST=")) && text_is_address(word));
        cursor_blanks(&packet);
    }
    return source && destination;
}

/* ---- The prefix. */

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void verdict_tell(struct found *found, struct str prefix)
{
    const struct str *action = NULL;
    const struct str *type = NULL;
    while (prefix.size > 0) {
        size_t size = 0;
        while (size < prefix.size && is_letter(prefix.data[size])) {
            size++;
        }
        for (size_t i = 0; size > 0 && i < sizeof verdicts / sizeof verdicts[0]; i++) {
            if (str_equal_nocase(str_slice(prefix, 0, size), verdicts[i].word)) {
                action = &verdicts[i].action;
                type = &verdicts[i].type;
            }
        }
        prefix = text_from(prefix, size < prefix.size ? size + 1 : size);
    }
    found_derive(found, STR("event.type"), type != NULL ? *type : STR("connection"));
    if (action != NULL) {
        found_derive(found, STR("event.action"), *action);
    }
}

/* "Shorewall:net2fw:DROP", "SFW2-INext-ACC-TCP": those who wrote the rules wrote the prefix, too.
 */
static void maker_tell(struct found *found, struct str prefix)
{
    struct str at = prefix;
    size_t tag = str_find(prefix, STR("Shorewall:"));
    if (tag != STR_NONE) {
        at = text_from(prefix, tag + sizeof "Shorewall:" - 1);
        found_span(found, STR("shorewall.firewall.type"), str_cut(&at, ':'));
        if (at.size > 0) {
            found_span(found, STR("shorewall.firewall.action"), at);
        }
    } else if (cursor_literal(&at, STR("SFW2-"))) {
        (void)str_cut(&at, '-'); /* INext, IN, FWDint: where it was asked */
        found_span(found, STR("suse.firewall.log_prefix"), prefix);
        if (at.size > 0) {
            found_span(found, STR("suse.firewall.action"), at);
        }
    }
}

static void prefix_tell(struct found *found, struct str prefix)
{
    struct str at = prefix;
    struct str clock;
    if (cursor_byte(&at, '[')) {
        cursor_blanks(&at);
        int ignored;
        struct str number = at;
        if (cursor_number(&number, 9, &ignored) && cursor_byte(&number, '.') &&
            cursor_until(&at, ']', &clock)) {
            prefix = at;
        }
    }
    prefix = str_trim(prefix);
    while (prefix.size > 0 && memchr(": ", prefix.data[prefix.size - 1], 2) != NULL) {
        prefix.size--;
    }
    if (prefix.size > 0) {
        found_span(found, STR("rule.name"), prefix);
        maker_tell(found, prefix);
    }
    verdict_tell(found, prefix);
}

/* ---- The packet. */

/* From '[' to the ']' that belongs to it, brackets within included. */
static struct str brackets_take(struct str *rest)
{
    size_t size = 0;
    unsigned depth = 0;
    while (size < rest->size) {
        char c = rest->data[size++];
        depth += c == '[' ? 1 : 0;
        if (c == ']' && --depth == 0) {
            break;
        }
    }
    struct str taken = str_slice(*rest, 0, size);
    *rest = text_from(*rest, size);
    return taken;
}

static bool is_flag(struct str word, const char *const *flags)
{
    for (; *flags != NULL; flags++) {
        if (str_equal(word, str_from(*flags))) {
            return true;
        }
    }
    return false;
}

/* Flags that stand side by side are one stretch of the record. */
static void flag_join(struct str *flags, struct str word)
{
    if (flags->size == 0) {
        *flags = word;
    } else {
        flags->size = (size_t)(word.data + word.size - flags->data);
    }
}

static void packet_tell(struct found *found, struct str packet)
{
    static const char *const tcp[] = {"CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN", NULL};
    static const char *const fragment[] = {"CE", "DF", "MF", NULL};
    struct str tcp_flags = {0};
    struct str fragment_flags = {0};
    struct str word;
    unsigned lengths = 0;
    for (unsigned i = 0; i < WORDS_MAX && packet.size > 0; i++) {
        if (packet.data[0] == '[') {
            found_span(found, STR("iptables.icmp.quoted"), brackets_take(&packet));
        } else if (cursor_word(&packet, &word)) {
            if (is_flag(word, tcp)) {
                flag_join(&tcp_flags, word);
            } else if (is_flag(word, fragment)) {
                flag_join(&fragment_flags, word);
            } else {
                word_tell(found, word, lengths);
                lengths += str_starts(word, STR("LEN=")) ? 1 : 0;
            }
        }
        cursor_blanks(&packet);
    }
    if (tcp_flags.size > 0) {
        found_span(found, STR("iptables.tcp.flags"), tcp_flags);
    }
    if (fragment_flags.size > 0) {
        found_span(found, STR("iptables.fragment_flags"), fragment_flags);
    }
}

static void address_tell(struct found *found, struct str address, struct str name, struct str ip)
{
    if (text_is_address(address)) {
        found_span(found, name, address);
        found_span(found, ip, address);
    }
}

/* Told as the digits alone, as others tell them. */
static bool is_bits(struct str key)
{
    return str_equal(key, STR("TOS")) || str_equal(key, STR("TC")) || str_equal(key, STR("PREC")) ||
           str_equal(key, STR("RES"));
}

/* Ethernet's header: whom to, whom from, and what is inside. */
static void mac_tell(struct found *found, struct str mac)
{
    if (mac.size == strlen("00:00:00:00:00:00:00:00:00:00:00:00:08:00")) {
        found_span(found, STR("destination.mac"), str_slice(mac, 0, 17));
        found_span(found, STR("source.mac"), str_slice(mac, 18, 17));
        found_span(found, STR("iptables.ether_type"), str_slice(mac, 36, 5));
    }
}

static void word_tell(struct found *found, struct str word, unsigned lengths)
{
    struct str value = word;
    if (cursor_literal(&value, STR("FRAG:"))) {
        found_span(found, STR("iptables.fragment_offset"), value);
        return;
    }
    struct str key = str_cut(&value, '=');
    if (key.size == word.size || value.size == 0) {
        return;
    }
    if (str_equal(key, STR("SRC"))) {
        bool six = str_find_byte(value, ':') != STR_NONE;
        found_derive(found, STR("network.type"), six ? STR("ipv6") : STR("ipv4"));
        address_tell(found, value, STR("source.address"), STR("source.ip"));
    } else if (str_equal(key, STR("DST"))) {
        address_tell(found, value, STR("destination.address"), STR("destination.ip"));
    } else if (str_equal(key, STR("MAC"))) {
        mac_tell(found, value);
    } else if (str_equal(key, STR("PROTO"))) {
        protocol_tell(found, value);
    } else if (str_equal(key, STR("LEN"))) { /* UDP says its own, too. */
        found_span(found, lengths == 0 ? STR("iptables.length") : STR("iptables.udp.length"),
                   value);
    } else if (str_equal(key, STR("ID"))) {
        found_span(found, STR("iptables.id"), value);
    }
    if (is_bits(key)) {
        (void)cursor_literal(&value, STR("0x"));
    }
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (str_equal(key, keys[i].key)) {
            found_span(found, keys[i].name, value);
        }
    }
}

static void protocol_tell(struct found *found, struct str protocol)
{
    static const struct key names[] = {
        K("TCP", "tcp"),   K("UDP", "udp"),         K("ICMP", "icmp"), K("ICMPv6", "ipv6-icmp"),
        K("SCTP", "sctp"), K("UDPLITE", "udplite"), K("ESP", "esp"),   K("AH", "ah"),
        K("DCCP", "dccp"), K("GRE", "gre"),
    };
    if (text_is_number(protocol)) {
        found_span(found, STR("network.iana_number"), protocol);
        return;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_equal(protocol, names[i].key)) {
            found_derive(found, STR("network.transport"), names[i].name);
            return;
        }
    }
}
