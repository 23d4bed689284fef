/*
 * A client's assets, segments, NAT rows and log sources, as tables that are made once a generation
 * and asked for each alert (criteria_hit.c).
 *
 * Always true:
 *
 *   (1) Assets that run come before those that are retired, and otherwise the first in the document
 *       has an address or name that stands at two.
 *   (2) An asset's importance is at least that of each information kept in it (R048).
 *   (3) NAT rows lie by outside address and then in the order of the document, sources by id.
 *
 * Of partial documents that which is there is used: a NAT row with one address leads nowhere, an
 * asset without an owner has none.
 */

#include "detect/criteria_private.h"

#include <stdlib.h>
#include <string.h>

static enum err segments_make(struct assets *assets, const struct making *making);
static enum err assets_list_make(struct assets *assets, const struct making *making);
static enum err asset_index(struct assets *assets, uint32_t index, const struct element *item);
static enum err information_raise(struct assets *assets, const struct making *making);
static enum err nat_make(struct assets *assets, const struct making *making);
static enum err sources_make(struct assets *assets, const struct making *making,
                             struct str enrolled);

void assets_init(struct assets *assets, uint64_t seed)
{
    *assets = (struct assets){0};
    map_init(&assets->slugs, DOCUMENT_ELEMENTS_MAX, seed);
    map_init(&assets->hosts, DOCUMENT_ELEMENTS_MAX, seed);
    map_init(&assets->labels, DOCUMENT_ELEMENTS_MAX, seed);
    prefixes_init(&assets->by_network, seed);
    prefixes_init(&assets->segment_by_network, seed);
}

void assets_done(struct assets *assets)
{
    map_done(&assets->slugs);
    map_done(&assets->hosts);
    map_done(&assets->labels);
    prefixes_done(&assets->by_network);
    prefixes_done(&assets->segment_by_network);
}

enum err assets_make(struct assets *assets, const struct making *making, struct str enrolled)
{
    enum err err = segments_make(assets, making);
    err = err == OK ? assets_list_make(assets, making) : err;
    err = err == OK ? information_raise(assets, making) : err;
    err = err == OK ? nat_make(assets, making) : err;
    return err == OK ? sources_make(assets, making, enrolled) : err;
}

enum importance importance_parse(struct str text)
{
    static const char *const texts[] = {"", "low", "medium", "high"};
    for (int i = IMPORTANCE_HIGH; i > IMPORTANCE_UNKNOWN; i--) {
        if (str_equal(text, str_from(texts[i]))) {
            return (enum importance)i;
        }
    }
    return IMPORTANCE_UNKNOWN;
}

static const struct element *first_of(const struct element *list)
{
    return list != NULL ? list->first : NULL;
}

static size_t count_of(const struct element *list)
{
    return list != NULL ? list->count : 0;
}

/* ---- Making. */

static enum err segments_make(struct assets *assets, const struct making *making)
{
    const struct element *list = element_get(making->table, "segments");
    assets->segments = ARENA_ARRAY(making->mem, struct segment, count_of(list) + 1);
    enum err err = assets->segments == NULL ? ERR_MEMORY : OK;
    for (const struct element *item = first_of(list); item != NULL && err == OK;
         item = item->next) {
        uint32_t index = (uint32_t)assets->segments_count++;
        struct segment *segment = &assets->segments[index];
        err = arena_copy(making->mem, item->slug, &segment->slug);
        err = err == OK ? arena_copy(making->mem, element_text(item, "zone"), &segment->zone) : err;
        for (const struct element *value = first_of(element_get(item, "networks"));
             value != NULL && err == OK; value = value->next) {
            struct network network;
            err = network_parse(value->text, &network);
            err = err == OK ? prefixes_put(&assets->segment_by_network, &network, index) : err;
        }
    }
    return err;
}

static uint32_t segment_find(const struct assets *assets, struct str slug)
{
    for (uint32_t i = 0; i < assets->segments_count && slug.size > 0; i++) {
        if (str_equal(assets->segments[i].slug, slug)) {
            return i;
        }
    }
    return NONE;
}

static size_t addresses_count(const struct element *list)
{
    size_t count = 0;
    for (const struct element *item = first_of(list); item != NULL; item = item->next) {
        count += count_of(element_get(item, "addresses"));
    }
    return count;
}

static enum err asset_make(struct assets *assets, const struct making *making,
                           const struct element *item)
{
    struct asset *asset = &assets->assets[assets->assets_count];
    *asset = (struct asset){.segment = segment_find(assets, element_text(item, "segment")),
                            .importance = importance_parse(element_text(item, "importance")),
                            .networks_first = (uint32_t)assets->networks_count};
    enum err err = arena_copy(making->mem, item->slug, &asset->slug);
    err = err == OK ? arena_copy(making->mem, element_text(item, "owner"), &asset->owner) : err;
    for (const struct element *value = first_of(element_get(item, "addresses"));
         value != NULL && err == OK; value = value->next) {
        struct network *network = &assets->networks[assets->networks_count++];
        err = network_parse(value->text, network);
        asset->networks_count++;
        if (err == OK && asset->address.size == 0 && network->prefix == 128) {
            struct str whole = value->text;
            err = arena_copy(making->mem, str_cut(&whole, '/'), &asset->address);
        }
    }
    return err == OK ? map_put(&assets->slugs, item->slug, assets->assets_count++) : err;
}

static bool is_retired(const struct element *item)
{
    return str_equal(element_text(item, "status"), STR("retired"));
}

static enum err assets_list_make(struct assets *assets, const struct making *making)
{
    const struct element *list = element_get(making->assets, "assets");
    assets->assets = ARENA_ARRAY(making->mem, struct asset, count_of(list) + 1);
    assets->networks = ARENA_ARRAY(making->mem, struct network, addresses_count(list) + 1);
    enum err err = assets->assets == NULL || assets->networks == NULL ? ERR_MEMORY : OK;
    for (const struct element *item = first_of(list); item != NULL && err == OK;
         item = item->next) {
        err = asset_make(assets, making, item);
    }
    for (int retired = 0; retired < 2; retired++) {
        uint32_t index = 0;
        for (const struct element *item = first_of(list); item != NULL && err == OK;
             item = item->next) {
            err = is_retired(item) == (retired == 1) ? asset_index(assets, index, item) : OK;
            index++;
        }
    }
    return err;
}

static enum err name_put(struct assets *assets, uint32_t index, struct str name)
{
    char text[END_TEXT_MAX];
    struct network network;
    uint64_t there;
    if (network_parse(name, &network) == OK) {
        return prefixes_put(&assets->by_network, &network, index);
    }
    struct str host = end_host(name, text);
    if (host.size == 0 || map_get(&assets->hosts, host, &there)) {
        return OK;
    }
    enum err err = map_put(&assets->hosts, host, index);
    struct str label = str_slice(host, 0, str_find_byte(host, '.'));
    bool shared = map_get(&assets->labels, label, &there) && there != index;
    return err == OK ? map_put(&assets->labels, label, shared ? NONE : index) : err;
}

/* The host of "https://user@host:port/path". */
static struct str url_host(struct str url)
{
    size_t scheme = str_find(url, STR("://"));
    struct str rest = scheme == STR_NONE ? url : str_slice(url, scheme + 3, url.size);
    size_t end = 0;
    while (end < rest.size && rest.data[end] != '/' && rest.data[end] != '?' &&
           rest.data[end] != '#') {
        end++;
    }
    struct str authority = str_slice(rest, 0, end);
    size_t at = str_find_byte(authority, '@');
    return at == STR_NONE ? authority : str_slice(authority, at + 1, authority.size);
}

static enum err asset_index(struct assets *assets, uint32_t index, const struct element *item)
{
    const struct asset *asset = &assets->assets[index];
    enum err err = OK;
    for (uint32_t i = 0; i < asset->networks_count && err == OK; i++) {
        err =
            prefixes_put(&assets->by_network, &assets->networks[asset->networks_first + i], index);
    }
    for (const struct element *value = first_of(element_get(item, "hosts"));
         value != NULL && err == OK; value = value->next) {
        err = name_put(assets, index, value->text);
    }
    for (const struct element *value = first_of(element_get(item, "urls"));
         value != NULL && err == OK; value = value->next) {
        char text[END_TEXT_MAX];
        err = name_put(assets, index, end_host(url_host(value->text), text));
    }
    return err;
}

static enum err information_raise(struct assets *assets, const struct making *making)
{
    const struct element *list = element_get(making->assets, "information");
    for (const struct element *item = first_of(list); item != NULL; item = item->next) {
        enum importance importance = importance_parse(element_text(item, "importance"));
        for (const struct element *value = first_of(element_get(item, "kept_in")); value != NULL;
             value = value->next) {
            uint64_t index;
            if (map_get(&assets->slugs, value->text, &index) &&
                assets->assets[index].importance < importance) {
                assets->assets[index].importance = importance;
            }
        }
    }
    return OK;
}

static int nat_compare(const void *a, const void *b)
{
    const struct nat *left = a;
    const struct nat *right = b;
    int order = memcmp(left->outside, right->outside, ADDRESS_SIZE);
    return order != 0 ? order : (left->order > right->order) - (left->order < right->order);
}

/* "443" or "8000-8080"; nothing said: all. */
static enum err ports_read(struct str text, struct nat *nat)
{
    struct str last = text;
    struct str first = str_cut(&last, '-');
    uint64_t from = 0;
    uint64_t to = UINT16_MAX;
    enum err err = text.size > 0 ? str_to_u64(first, UINT16_MAX, &from) : OK;
    to = text.size > 0 ? from : to;
    err = err == OK && last.size > 0 ? str_to_u64(last, UINT16_MAX, &to) : err;
    nat->port_first = (uint32_t)from;
    nat->port_last = (uint32_t)to;
    return err;
}

uint8_t protocol_parse(struct str text)
{
    if (text.size == 0 || str_equal_nocase(text, STR("any"))) {
        return 0;
    }
    if (str_equal_nocase(text, STR("tcp")) || str_equal(text, STR("6"))) {
        return 6;
    }
    return str_equal_nocase(text, STR("udp")) || str_equal(text, STR("17")) ? 17 : PROTOCOL_OTHER;
}

static enum err nat_make(struct assets *assets, const struct making *making)
{
    const struct element *list = element_get(making->table, "nat");
    assets->nat = ARENA_ARRAY(making->mem, struct nat, count_of(list) + 1);
    enum err err = assets->nat == NULL ? ERR_MEMORY : OK;
    for (const struct element *item = first_of(list); item != NULL && err == OK;
         item = item->next) {
        struct nat *nat = &assets->nat[assets->nat_count];
        struct str outside = element_text(item, "outside");
        struct str inside = element_text(item, "inside");
        if (outside.size == 0 || inside.size == 0) {
            continue; /* A partial document is legal; half a row leads nowhere. */
        }
        nat->order = (uint32_t)assets->nat_count++;
        nat->protocol = protocol_parse(element_text(item, "protocol"));
        err = address_parse(outside, nat->outside);
        err = err == OK ? address_parse(inside, nat->inside) : err;
        err = err == OK ? ports_read(element_text(item, "outside_ports"), nat) : err;
        err = err == OK ? arena_copy(making->mem, inside, &nat->inside_text) : err;
    }
    if (err == OK && assets->nat_count > 1) {
        qsort(assets->nat, assets->nat_count, sizeof *assets->nat, nat_compare);
    }
    return err;
}

static int source_compare(const void *a, const void *b)
{
    const struct source *left = a;
    const struct source *right = b;
    return (left->id > right->id) - (left->id < right->id);
}

static enum err sources_make(struct assets *assets, const struct making *making,
                             struct str enrolled)
{
    const struct element *defined = element_get(making->sources, "sources");
    size_t count = 0;
    for (struct str rest = enrolled; rest.size > 0; count++) {
        (void)str_cut(&rest, '\n');
    }
    assets->sources = ARENA_ARRAY(making->mem, struct source, count + 1);
    enum err err = assets->sources == NULL ? ERR_MEMORY : OK;
    while (enrolled.size > 0 && err == OK) {
        struct str slug = str_cut(&enrolled, '\n');
        struct source *source = &assets->sources[assets->sources_count++];
        uint64_t id;
        uint64_t asset;
        if (str_to_u64(str_cut(&slug, ' '), UINT32_MAX, &id) != OK || !str_is_slug(slug)) {
            return why_say(making->why, ERR_CORRUPT, 0, "a source is no line 'id slug'");
        }
        struct str named = element_text(element_item(defined, slug), "asset");
        *source = (struct source){.id = (uint32_t)id, .asset = NONE};
        if (map_get(&assets->slugs, named, &asset)) {
            source->asset = (uint32_t)asset;
        }
        err = arena_copy(making->mem, slug, &source->slug);
    }
    if (err == OK && assets->sources_count > 1) {
        qsort(assets->sources, assets->sources_count, sizeof *assets->sources, source_compare);
    }
    return err;
}
