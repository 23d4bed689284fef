/*
 * Bindings: the senders of all documents, compiled for front.  As bytes; integers are
 * little-endian:
 *
 *     OFFSET  SIZE  MEANING                 each binding
 *          0     4  "bind"                       0     4  client
 *          4     1  format version, 2            4     4  source
 *          5     3  0                            8     4  zone, seconds east of UTC
 *          8     8  generation                  12     4  the same after the zone's next change
 *         16     4  bindings                    16     8  when that is, ns; INT64_MIN: never
 *         20     …  each of them                24     4  quota, events a second
 *                                               28     4  networks, n
 *                                               32     1  enum mark
 *                                               33     3  sizes of listener, parser, charset
 *                                               36     2  size of the certificate's name or path
 *                                               38     2  0
 *                                               40     …  listener, parser, charset, certificate or
 *                                                         path, 32 bytes of token hash if any, n
 *                                                         times address (16), prefix (1)
 *
 * Always true of what decodes: no client or source is 0, a binding has a mark or networks or is for
 * unknown senders (and then has neither), and networks have no bits behind their prefix.
 */

#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "ledger/ledger.h"
#include "tenant/private.h"
#include "tenant/store.h"

#define HEAD_SIZE    20
#define FIXED_SIZE   40
#define NETWORK_SIZE 17
#define BINDINGS_MAX 65536

/* What a sender is known by, besides its addresses. */
enum mark { MARK_NONE, MARK_TOKEN, MARK_UNKNOWN, MARK_CERTIFICATE, MARK_PATH };

static enum err unknown_sources_make(struct tenant *tenant, const struct str *listeners,
                                     size_t count);
static enum err binding_encode(const struct binding *binding, struct buf *out);
static enum err binding_decode(struct str *rest, struct arena *mem, struct binding *ret);

static const struct source_state *unknown_source(const struct state *state, struct str listener)
{
    for (size_t i = 0; i < state->sources_count; i++) {
        if (str_equal(state->sources[i].unknown_listener, listener)) {
            return &state->sources[i];
        }
    }
    return NULL;
}

static bool listed(struct str name, const struct str *listeners, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(name, listeners[i])) {
            return true;
        }
    }
    return false;
}

/* What all bindings of a source have. */
static struct binding source_binding(const struct tenant *tenant, const struct source_state *source,
                                     zone_find *zone, void *zone_context)
{
    struct binding binding = {
        .client = source->info.client,
        .source = source->info.id,
        .parser = source->element.parser,
        .charset = source->element.charset,
        .zone_seconds = source->element.zone_seconds,
        .zone_until = WALL_NONE,
    };
    for (size_t i = 0; i < tenant->state->clients_count; i++) {
        const struct client_state *client = &tenant->state->clients[i];
        if (client_equal(client->info.id, source->info.client)) {
            binding.quota = client->element.quota;
        }
    }
    if (source->element.zone_name.size > 0 && zone != NULL &&
        !zone(zone_context, source->element.zone_name, &binding)) {
        binding.zone_seconds = 0;
        binding.zone_until = WALL_NONE;
    }
    return binding;
}

static enum err source_encode(const struct source_state *source, const struct binding *common,
                              const struct str *listeners, size_t listeners_count, struct buf *out,
                              uint32_t *count)
{
    for (size_t i = 0; i < source->element.senders_count; i++) {
        const struct sender *sender = &source->element.senders[i];
        if (!listed(sender->listener, listeners, listeners_count)) {
            continue;
        }
        struct binding binding = *common;
        binding.listener = sender->listener;
        binding.networks = sender->networks;
        binding.networks_count = sender->networks_count;
        binding.has_token = sender->has_token;
        binding.certificate = sender->certificate;
        binding.path = sender->path;
        memcpy(binding.token_hash, sender->token_hash, sizeof binding.token_hash);
        enum err err = *count == BINDINGS_MAX ? ERR_LIMIT : binding_encode(&binding, out);
        if (err != OK) {
            return err;
        }
        ++*count;
    }
    return OK;
}

enum err tenant_bindings(struct tenant *tenant, const struct str *listeners, size_t listeners_count,
                         zone_find *zone, void *zone_context, struct buf *out)
{
    char fixed[HEAD_SIZE] = {'b', 'i', 'n', 'd', 2};
    size_t at = out->size;
    uint32_t count = 0;
    enum err err = unknown_sources_make(tenant, listeners, listeners_count);
    if (err == OK) {
        err = buf_append(out, str_of(fixed, sizeof fixed));
    }
    for (size_t i = 0; i < tenant->state->sources_count && err == OK; i++) {
        const struct source_state *source = &tenant->state->sources[i];
        if (source->info.active) {
            struct binding common = source_binding(tenant, source, zone, zone_context);
            err = source_encode(source, &common, listeners, listeners_count, out, &count);
        }
    }
    for (size_t i = 0; i < listeners_count && err == OK; i++) {
        struct binding binding = {
            .client = CLIENT_INSTALLATION,
            .source = unknown_source(tenant->state, listeners[i])->info.id,
            .listener = listeners[i],
            .parser = STR("auto"),
            .charset = STR("auto"),
            .zone_until = WALL_NONE,
            .unknown_senders = true,
        };
        err = binding_encode(&binding, out);
        count++;
    }
    if (err != OK) {
        out->size = at < out->size ? at : out->size;
        return err;
    }
    put_u64(out->data + at + 8, tenant->state->generation);
    put_u32(out->data + at + 16, count);
    return OK;
}

/* Each listener has a source of the installation's own, made when it is first asked for. */
static enum err unknown_sources_make(struct tenant *tenant, const struct str *listeners,
                                     size_t count)
{
    struct store store = {tenant->ledger, STR("hinomi"), {0}};
    size_t missing = 0;
    if (count > LISTENERS_MAX) {
        return ERR_LIMIT;
    }
    for (size_t i = 0; i < count; i++) {
        if (listeners[i].size == 0 || listeners[i].size > SLUG_SIZE_MAX) {
            return ERR_SYNTAX;
        }
        missing += unknown_source(tenant->state, listeners[i]) == NULL;
    }
    if (missing == 0) {
        return OK;
    }
    struct bracket bracket;
    enum err err = bracket_open(tenant, &bracket);
    if (err != OK) {
        return err;
    }
    for (size_t i = 0; i < count && err == OK; i++) {
        char slug[16 + SLUG_SIZE_MAX];
        if (unknown_source(tenant->state, listeners[i]) == NULL &&
            !listed(listeners[i], listeners, i)) {
            memcpy(slug, "unknown-", 8);
            memcpy(slug + 8, listeners[i].data, listeners[i].size);
            err = store_source_new(&store, CLIENT_INSTALLATION, str_of(slug, 8 + listeners[i].size),
                                   listeners[i]);
        }
    }
    return bracket_close_state(&bracket, err, NULL);
}

static enum err binding_encode(const struct binding *binding, struct buf *out)
{
    char fixed[FIXED_SIZE] = {0};
    put_u32(fixed, binding->client.value);
    put_u32(fixed + 4, binding->source.value);
    struct str mark = binding->certificate.size > 0 ? binding->certificate : binding->path;
    const struct str texts[] = {binding->listener, binding->parser, binding->charset, mark};
    put_u32(fixed + 8, (uint32_t)binding->zone_seconds);
    put_u32(fixed + 12, (uint32_t)binding->zone_next_seconds);
    put_u64(fixed + 16, (uint64_t)binding->zone_until.ns);
    put_u32(fixed + 24, binding->quota);
    put_u32(fixed + 28, (uint32_t)binding->networks_count);
    fixed[32] = binding->has_token              ? MARK_TOKEN
                : binding->unknown_senders      ? MARK_UNKNOWN
                : binding->certificate.size > 0 ? MARK_CERTIFICATE
                : binding->path.size > 0        ? MARK_PATH
                                                : MARK_NONE;
    fixed[33] = (char)binding->listener.size;
    fixed[34] = (char)binding->parser.size;
    fixed[35] = (char)binding->charset.size;
    put_u16(fixed + 36, (uint16_t)mark.size);
    enum err err = buf_append(out, str_of(fixed, sizeof fixed));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && err == OK; i++) {
        err = buf_append(out, texts[i]);
    }
    if (err == OK && binding->has_token) {
        err = buf_append(out, str_of(binding->token_hash, sizeof binding->token_hash));
    }
    for (size_t i = 0; i < binding->networks_count && err == OK; i++) {
        err = buf_append(out, str_of(binding->networks[i].address, 16));
        if (err == OK) {
            err = buf_append_byte(out, (char)binding->networks[i].prefix);
        }
    }
    return err;
}

enum err bindings_decode(struct str bytes, struct arena *mem, struct bindings *ret)
{
    static const char zeros[3];
    if (bytes.size < HEAD_SIZE || memcmp(bytes.data, "bind\2", 5) != 0 ||
        memcmp(bytes.data + 5, zeros, 3) != 0) {
        return ERR_CORRUPT;
    }
    struct bindings bindings = {get_u64(bytes.data + 8), NULL, get_u32(bytes.data + 16)};
    struct str rest = str_slice(bytes, HEAD_SIZE, bytes.size);
    if (bindings.count > BINDINGS_MAX + LISTENERS_MAX ||
        bindings.count > rest.size / (FIXED_SIZE + 2)) {
        return ERR_CORRUPT;
    }
    bindings.list = ARENA_ARRAY(mem, struct binding, bindings.count);
    if (bindings.list == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < bindings.count; i++) {
        enum err err = binding_decode(&rest, mem, &bindings.list[i]);
        if (err != OK) {
            return err;
        }
    }
    if (rest.size != 0) {
        return ERR_CORRUPT;
    }
    *ret = bindings;
    return OK;
}

static enum err networks_decode(struct str bytes, struct arena *mem, struct binding *ret)
{
    struct network *networks = ARENA_ARRAY(mem, struct network, ret->networks_count);
    if (networks == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < ret->networks_count; i++) {
        memcpy(networks[i].address, bytes.data + i * NETWORK_SIZE, 16);
        networks[i].prefix = (uint8_t)bytes.data[i * NETWORK_SIZE + 16];
        if (!network_canonical(&networks[i])) {
            return ERR_CORRUPT;
        }
    }
    ret->networks = networks;
    return OK;
}

/* What is fixed of a binding, and its texts.  *ret_size: how many bytes that was. */
static bool binding_texts(struct str bytes, struct binding *ret, enum mark *ret_mark,
                          size_t *ret_size)
{
    const unsigned char *sizes = (const unsigned char *)bytes.data + 33;
    enum mark mark = (enum mark)bytes.data[32];
    size_t mark_size = get_u16(bytes.data + 36);
    size_t parser = FIXED_SIZE + sizes[0];
    size_t charset = parser + sizes[1];
    size_t last = charset + sizes[2];
    if (bytes.size < last + mark_size || sizes[0] == 0 || sizes[0] > SLUG_SIZE_MAX ||
        sizes[1] == 0 || sizes[1] > SLUG_SIZE_MAX || sizes[2] == 0 || sizes[2] > SLUG_SIZE_MAX ||
        mark_size > FILE_PATTERN_MAX || mark > MARK_PATH || get_u16(bytes.data + 38) != 0 ||
        (mark_size > 0) != (mark == MARK_CERTIFICATE || mark == MARK_PATH)) {
        return false;
    }
    *ret = (struct binding){
        .client = {get_u32(bytes.data)},
        .source = {get_u32(bytes.data + 4)},
        .listener = str_slice(bytes, FIXED_SIZE, sizes[0]),
        .parser = str_slice(bytes, parser, sizes[1]),
        .charset = str_slice(bytes, charset, sizes[2]),
        .zone_seconds = (int32_t)get_u32(bytes.data + 8),
        .zone_next_seconds = (int32_t)get_u32(bytes.data + 12),
        .zone_until = {(int64_t)get_u64(bytes.data + 16)},
        .quota = get_u32(bytes.data + 24),
        .networks_count = get_u32(bytes.data + 28),
        .has_token = mark == MARK_TOKEN,
        .unknown_senders = mark == MARK_UNKNOWN,
    };
    *(mark == MARK_PATH ? &ret->path : &ret->certificate) = str_slice(bytes, last, mark_size);
    *ret_mark = mark;
    *ret_size = last + mark_size;
    return true;
}

static bool zone_valid(int32_t seconds)
{
    return seconds >= -86400 && seconds <= 86400;
}

static enum err binding_decode(struct str *rest, struct arena *mem, struct binding *ret)
{
    struct str bytes = *rest;
    struct binding binding;
    enum mark mark;
    size_t texts;
    if (bytes.size < FIXED_SIZE || !binding_texts(bytes, &binding, &mark, &texts)) {
        return ERR_CORRUPT;
    }
    size_t token = mark == MARK_TOKEN ? sizeof binding.token_hash : 0;
    size_t networks = binding.networks_count;
    bool has_any = (mark != MARK_NONE && mark != MARK_UNKNOWN) || networks > 0;
    if (networks > ADDRESSES_MAX || has_any == binding.unknown_senders ||
        binding.client.value == 0 || binding.source.value == 0 ||
        !zone_valid(binding.zone_seconds) || !zone_valid(binding.zone_next_seconds) ||
        binding.quota > QUOTA_MAX || bytes.size < texts + token + networks * NETWORK_SIZE) {
        return ERR_CORRUPT;
    }
    memcpy(binding.token_hash, bytes.data + texts, token);
    enum err err =
        networks_decode(str_slice(bytes, texts + token, networks * NETWORK_SIZE), mem, &binding);
    if (err == OK) {
        *rest = str_slice(bytes, texts + token + networks * NETWORK_SIZE, bytes.size);
        *ret = binding;
    }
    return err;
}
