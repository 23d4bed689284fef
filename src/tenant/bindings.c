/*
 * Bindings: the senders of all documents, compiled for front.  As bytes; integers are
 * little-endian:
 *
 *     OFFSET  SIZE  MEANING                 each binding
 *          0     4  "bind"                       0     4  client
 *          4     1  format version, 1            4     4  source
 *          5     3  0                            8     4  zone, seconds east of UTC
 *          8     8  generation                  12     4  networks, n
 *         16     4  bindings                    16     1  1: a token; 2: unknown senders; else 0
 *         20     …  each of them                17     1  size of the listener's name, l
 *                                               18     1  size of the parser's name, p
 *                                               19     1  0
 *                                               20     …  listener, parser, 32 bytes of token hash
 *                                                         if any, n times address (16), prefix (1)
 *
 * Always true of what decodes: no client or source is 0, a binding has a token or networks or is
 * for unknown senders (and then has neither), and networks have no bits behind their prefix.
 */

#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "ledger/ledger.h"
#include "tenant/private.h"
#include "tenant/store.h"

#define FIXED_SIZE   20
#define NETWORK_SIZE 17
#define BINDINGS_MAX 65536
#define FLAG_TOKEN   1
#define FLAG_UNKNOWN 2

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

static enum err source_encode(const struct source_state *source, const struct str *listeners,
                              size_t listeners_count, struct buf *out, uint32_t *count)
{
    for (size_t i = 0; i < source->element.senders_count; i++) {
        const struct sender *sender = &source->element.senders[i];
        if (!listed(sender->listener, listeners, listeners_count)) {
            continue;
        }
        struct binding binding = {
            .client = source->info.client,
            .source = source->info.id,
            .listener = sender->listener,
            .parser = source->element.parser,
            .zone_seconds = source->element.zone_seconds,
            .networks = sender->networks,
            .networks_count = sender->networks_count,
            .has_token = sender->has_token,
        };
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
                         struct buf *out)
{
    char fixed[FIXED_SIZE] = {'b', 'i', 'n', 'd', 1};
    size_t at = out->size;
    uint32_t count = 0;
    enum err err = unknown_sources_make(tenant, listeners, listeners_count);
    if (err == OK) {
        err = buf_append(out, str_of(fixed, sizeof fixed));
    }
    for (size_t i = 0; i < tenant->state->sources_count && err == OK; i++) {
        if (tenant->state->sources[i].info.active) {
            err =
                source_encode(&tenant->state->sources[i], listeners, listeners_count, out, &count);
        }
    }
    for (size_t i = 0; i < listeners_count && err == OK; i++) {
        struct binding binding = {
            .client = CLIENT_INSTALLATION,
            .source = unknown_source(tenant->state, listeners[i])->info.id,
            .listener = listeners[i],
            .parser = STR("auto"),
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
    put_u32(fixed + 8, (uint32_t)binding->zone_seconds);
    put_u32(fixed + 12, (uint32_t)binding->networks_count);
    fixed[16] = binding->has_token ? FLAG_TOKEN : binding->unknown_senders ? FLAG_UNKNOWN : 0;
    fixed[17] = (char)binding->listener.size;
    fixed[18] = (char)binding->parser.size;
    enum err err = buf_append(out, str_of(fixed, sizeof fixed));
    if (err == OK) {
        err = buf_append(out, binding->listener);
    }
    if (err == OK) {
        err = buf_append(out, binding->parser);
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
    if (bytes.size < FIXED_SIZE || memcmp(bytes.data, "bind\1", 5) != 0 ||
        memcmp(bytes.data + 5, zeros, 3) != 0) {
        return ERR_CORRUPT;
    }
    struct bindings bindings = {get_u64(bytes.data + 8), NULL, get_u32(bytes.data + 16)};
    struct str rest = str_slice(bytes, FIXED_SIZE, bytes.size);
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

static enum err binding_decode(struct str *rest, struct arena *mem, struct binding *ret)
{
    struct str bytes = *rest;
    if (bytes.size < FIXED_SIZE || bytes.data[19] != 0) {
        return ERR_CORRUPT;
    }
    unsigned char flags = (unsigned char)bytes.data[16];
    size_t listener = (unsigned char)bytes.data[17];
    size_t parser = (unsigned char)bytes.data[18];
    size_t networks = get_u32(bytes.data + 12);
    size_t token = flags == FLAG_TOKEN ? 32 : 0;
    struct binding binding = {
        .client = {get_u32(bytes.data)},
        .source = {get_u32(bytes.data + 4)},
        .listener = str_slice(bytes, FIXED_SIZE, listener),
        .parser = str_slice(bytes, FIXED_SIZE + listener, parser),
        .zone_seconds = (int32_t)get_u32(bytes.data + 8),
        .networks_count = networks,
        .has_token = flags == FLAG_TOKEN,
        .unknown_senders = flags == FLAG_UNKNOWN,
    };
    bool has_any = flags == FLAG_TOKEN || networks > 0;
    size_t texts = FIXED_SIZE + listener + parser;
    if (flags > FLAG_UNKNOWN || listener == 0 || listener > SLUG_SIZE_MAX || parser == 0 ||
        parser > SLUG_SIZE_MAX || networks > ADDRESSES_MAX || has_any == binding.unknown_senders ||
        binding.client.value == 0 || binding.source.value == 0 || binding.zone_seconds < -86400 ||
        binding.zone_seconds > 86400 || bytes.size < texts + token + networks * NETWORK_SIZE) {
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
