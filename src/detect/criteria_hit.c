/*
 * Which asset an event is about.
 *
 * A record names up to three machines: the one that answers (destination, server, the host of a
 * URL), the one that asks (source, client) and the one that wrote it (host, observer).  Taken as
 * what was hit is the first of
 *
 *     1  who asks, in records that are about asking (a proxy's, outgoing connections)
 *     2  who answers, if that is an asset, stands in the NAT table or lies in a segment of the
 *        client
 *     3  who asks, if it is such a one and the answering end has an address that lies outside
 *     4  the host, then the observer, if it is an asset
 *     5  the asset that the definition of the log source names
 *     6  who asks, if it is an asset
 *
 * An address is first led back through NAT (table-1): of the rows that could apply, those with the
 * fewest ports, and of these the ones that name the protocol.  Where the record does not say port
 * or protocol, all rows that could apply must lead to one address, else nothing is undone: a
 * wrong owner is worse than none.  If the table says nothing and the record itself names the
 * translated address, that is taken.
 *
 * Then the asset is the one with the longest network around the inside address, failing that around
 * the outside one.  Several services may share an address: if the record also names a host of an
 * asset with that same address, it is that asset.  The segment is the one that the asset names,
 * else the one with the longest network.
 *
 * Always true:
 *
 *   (1) Texts come from the record only if they are an address or a host's name.
 *   (2) No step grows with the number of assets or segments; undoing NAT grows with the rows of
 *       one outside address.
 */

#include "detect/criteria_private.h"

#include <string.h>

/* One end, led back. */
struct end {
    uint32_t asset, segment;
    struct str outside, inside;
    bool ours;    /* an asset, or in a segment of the client */
    bool outward; /* has an address, which is not ours */
};

/* The fields of one end. */
struct end_fields {
    enum end_field ip, port, nat, name;
};

static void end_find(const struct assets *assets, const struct ends *ends,
                     const struct end_fields *fields, struct end *ret);
static bool end_of_host(const struct assets *assets, const struct ends *ends, enum end_field ip,
                        enum end_field name, struct end *ret);
static void other_find(const struct ends *ends, enum end_field ip, enum end_field name,
                       struct hit *hit);
static const struct source *source_find(const struct assets *assets, struct source_id id);

void hit_find(const struct assets *assets, const struct ends *ends, struct source_id source,
              struct hit *ret)
{
    static const struct end_fields answering = {END_DESTINATION_IP, END_DESTINATION_PORT,
                                                END_DESTINATION_NAT, END_DESTINATION_NAME};
    static const struct end_fields asking = {END_SOURCE_IP, END_SOURCE_PORT, END_NOTHING,
                                             END_SOURCE_NAME};
    const struct source *log = source_find(assets, source);
    struct end server;
    struct end client;
    struct end host = {.asset = NONE, .segment = NONE};
    end_find(assets, ends, &answering, &server);
    end_find(assets, ends, &asking, &client);
    const struct end *end = &host;
    if (client.ours && (ends->client_first || (!server.ours && server.outward))) {
        end = &client;
    } else if (server.ours) {
        end = &server;
    } else if (!end_of_host(assets, ends, END_HOST_IP, END_HOST_NAME, &host) &&
               !end_of_host(assets, ends, END_OBSERVER_IP, END_OBSERVER_NAME, &host)) {
        host.asset = log != NULL ? log->asset : NONE;
        end = host.asset == NONE && client.asset != NONE ? &client : &host;
    }
    *ret = (struct hit){.asset = end->asset,
                        .segment = end->segment,
                        .source = log != NULL ? log->slug : (struct str){0},
                        .outside = end->outside,
                        .inside = end->inside};
    if (end->asset != NONE) {
        const struct asset *asset = &assets->assets[end->asset];
        uint8_t address[ADDRESS_SIZE];
        ret->inside = ret->inside.size > 0 ? ret->inside : asset->address;
        if (ret->segment == NONE && address_parse(ret->inside, address) == OK &&
            !prefixes_find(&assets->segment_by_network, address, &ret->segment)) {
            ret->segment = NONE;
        }
        ret->segment = asset->segment != NONE ? asset->segment : ret->segment;
    }
    if (end == &client) {
        other_find(ends, END_DESTINATION_IP, END_DESTINATION_NAME, ret);
    } else {
        other_find(ends, END_SOURCE_IP, END_SOURCE_NAME, ret);
    }
}

static const struct source *source_find(const struct assets *assets, struct source_id id)
{
    size_t low = 0;
    size_t high = assets->sources_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (assets->sources[middle].id == id.value) {
            return &assets->sources[middle];
        }
        if (assets->sources[middle].id < id.value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

/* ---- NAT. */

/* What a record says of a port, as far as it does. */
struct door {
    uint64_t port;
    uint8_t protocol;
    bool port_known, protocol_known;
};

static struct door door_of(const struct ends *ends, enum end_field port)
{
    struct door door = {0};
    for (size_t i = 0; i < ends->counts[port] && !door.port_known; i++) {
        door.port_known =
            str_to_u64(ends->values[port][i], UINT16_MAX, &door.port) == OK && door.port > 0;
    }
    if (ends->counts[END_TRANSPORT] > 0) {
        door.protocol = protocol_parse(ends->values[END_TRANSPORT][0]);
        door.protocol_known = door.protocol != 0;
    }
    return door;
}

static bool nat_applies(const struct nat *nat, const struct door *door)
{
    return (nat->protocol == 0 || !door->protocol_known || nat->protocol == door->protocol) &&
           (!door->port_known || (door->port >= nat->port_first && door->port <= nat->port_last));
}

/* The less, the nearer the row is to what the record says; rows of one rank must agree unless the
 * record says all that a row can ask for. */
static uint32_t nat_rank(const struct nat *nat, const struct door *door)
{
    uint32_t rank = door->port_known ? (nat->port_last - nat->port_first) * 2 : 0;
    return rank + (door->protocol_known && nat->protocol == 0 ? 1 : 0);
}

/* *ret_known: the address stands in the table, whether or not it can be led back. */
static const struct nat *nat_find(const struct assets *assets, const uint8_t outside[ADDRESS_SIZE],
                                  const struct door *door, bool *ret_known)
{
    size_t low = 0;
    size_t high = assets->nat_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(assets->nat[middle].outside, outside, ADDRESS_SIZE) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const struct nat *best = NULL;
    uint32_t best_rank = 0;
    bool agreed = true;
    const bool all_known = door->port_known && door->protocol_known;
    *ret_known = false;
    for (const struct nat *nat = assets->nat + low, *end = assets->nat + assets->nat_count;
         nat < end && memcmp(nat->outside, outside, ADDRESS_SIZE) == 0; nat++) {
        uint32_t rank = nat_rank(nat, door);
        *ret_known = true;
        if (!nat_applies(nat, door)) {
            continue;
        }
        if (best == NULL || rank < best_rank) {
            best = nat;
            best_rank = rank;
            agreed = true;
        } else if (rank == best_rank && !all_known) {
            agreed = agreed && memcmp(nat->inside, best->inside, ADDRESS_SIZE) == 0;
        }
    }
    return agreed ? best : NULL;
}

/* ---- Ends. */

static bool segment_is_ours(const struct assets *assets, uint32_t segment)
{
    return segment != NONE && !str_equal(assets->segments[segment].zone, STR("internet")) &&
           !str_equal(assets->segments[segment].zone, STR("partner"));
}

static void end_place(const struct assets *assets, const uint8_t address[ADDRESS_SIZE],
                      struct end *end)
{
    if (!prefixes_find(&assets->by_network, address, &end->asset)) {
        end->asset = NONE;
    }
    if (!prefixes_find(&assets->segment_by_network, address, &end->segment)) {
        end->segment = NONE;
    }
}

/* An address of the record: through NAT, to asset and segment. */
static bool end_of_address(const struct assets *assets, const struct ends *ends,
                           const struct end_fields *fields, struct str text, struct end *ret)
{
    uint8_t outside[ADDRESS_SIZE];
    uint8_t inside[ADDRESS_SIZE];
    struct end end = {.asset = NONE, .segment = NONE};
    if (address_parse(text, outside) != OK) {
        return false;
    }
    struct door door = door_of(ends, fields->port);
    bool known;
    const struct nat *nat = nat_find(assets, outside, &door, &known);
    if (nat != NULL) {
        end.outside = text;
        end.inside = nat->inside_text;
        end_place(assets, nat->inside, &end);
    } else {
        end.inside = text;
        end_place(assets, outside, &end);
        bool said =
            end.asset == NONE && fields->nat != END_NOTHING && ends->counts[fields->nat] > 0;
        if (said && address_parse(ends->values[fields->nat][0], inside) == OK) {
            end.outside = text;
            end.inside = ends->values[fields->nat][0];
            end_place(assets, inside, &end);
        }
    }
    uint32_t asset;
    if (end.asset == NONE && end.outside.size > 0 &&
        prefixes_find(&assets->by_network, outside, &asset)) {
        end.asset = asset;
    }
    end.ours = nat != NULL || end.asset != NONE || segment_is_ours(assets, end.segment);
    end.outward = !end.ours && !known;
    *ret = end;
    return true;
}

/* near: a name inside, which may lack its domain. */
static uint32_t asset_by_name(const struct assets *assets, struct str name, bool near)
{
    char text[END_TEXT_MAX];
    uint64_t index;
    struct str host = end_host(name, text);
    if (host.size == 0) {
        return NONE;
    }
    if (map_get(&assets->hosts, host, &index)) {
        return (uint32_t)index;
    }
    size_t dot = str_find_byte(host, '.');
    bool found =
        near && (dot == STR_NONE ? map_get(&assets->labels, host, &index)
                                 : map_get(&assets->hosts, str_slice(host, 0, dot), &index));
    return found ? (uint32_t)index : NONE;
}

static bool asset_has(const struct assets *assets, uint32_t index, struct str address)
{
    const struct asset *asset = &assets->assets[index];
    uint8_t bytes[ADDRESS_SIZE];
    bool has = false;
    for (uint32_t i = 0; i < asset->networks_count && !has; i++) {
        has = address_parse(address, bytes) == OK &&
              network_holds(&assets->networks[asset->networks_first + i], bytes);
    }
    return has;
}

static void end_find(const struct assets *assets, const struct ends *ends,
                     const struct end_fields *fields, struct end *ret)
{
    *ret = (struct end){.asset = NONE, .segment = NONE};
    for (size_t i = 0; i < ends->counts[fields->ip] && !ret->ours; i++) {
        struct end end;
        if (end_of_address(assets, ends, fields, ends->values[fields->ip][i], &end) &&
            (end.ours || i == 0)) {
            *ret = end;
        }
    }
    for (size_t i = 0; i < ends->counts[fields->name]; i++) {
        struct end end;
        struct str name = ends->values[fields->name][i];
        uint32_t asset = asset_by_name(assets, name, false);
        if (asset != NONE && !ret->ours) {
            *ret = (struct end){.asset = asset, .segment = NONE, .ours = true};
        } else if (asset != NONE && asset_has(assets, asset, ret->inside)) {
            ret->asset = asset;
        } else if (!ret->ours && !ret->outward &&
                   end_of_address(assets, ends, fields, name, &end)) {
            *ret = end; /* server.address and the like may hold either */
        }
    }
}

static bool end_of_host(const struct assets *assets, const struct ends *ends, enum end_field ip,
                        enum end_field name, struct end *ret)
{
    const struct end_fields fields = {ip, END_NOTHING, END_NOTHING, name};
    for (size_t i = 0; i < ends->counts[ip]; i++) {
        if (end_of_address(assets, ends, &fields, ends->values[ip][i], ret) && ret->asset != NONE) {
            return true;
        }
    }
    for (size_t i = 0; i < ends->counts[name]; i++) {
        *ret = (struct end){.asset = asset_by_name(assets, ends->values[name][i], true),
                            .segment = NONE};
        if (ret->asset != NONE) {
            return true;
        }
        if (end_of_address(assets, ends, &fields, ends->values[name][i], ret) &&
            ret->asset != NONE) {
            return true;
        }
    }
    *ret = (struct end){.asset = NONE, .segment = NONE};
    return false;
}

/* The other end's address, failing that its name. */
static void other_find(const struct ends *ends, enum end_field ip, enum end_field name,
                       struct hit *hit)
{
    const enum end_field fields[] = {ip, name};
    for (size_t f = 0; f < 2; f++) {
        for (size_t i = 0; i < ends->counts[fields[f]]; i++) {
            struct str value = ends->values[fields[f]][i];
            bool address = address_parse(value, hit->other_address) == OK;
            if (address || (hit->other.size == 0 && f == 1 && end_is_plain(value))) {
                hit->other = value;
                hit->other_known = address;
            }
            if (address) {
                return;
            }
        }
    }
}
