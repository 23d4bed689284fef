/*
 * Who is sending: the bindings of one generation, asked by listener and address or token.
 *
 * A generation is immutable and counted; a post that began under one ends under it.  Tokens are
 * compared by their SHA-256, in constant time, with every binding of the listener, so that the time
 * tells nothing about how near a wrong one came.
 */

#include <stdlib.h>
#include <string.h>

#include "collect/private.h"
#include "sys/tls_stream.h"

struct generation *generation_new(struct arena *mem, const struct bindings *bindings)
{
    struct generation *generation = calloc(1, sizeof *generation);
    if (generation != NULL) {
        *generation = (struct generation){.refs = 1, .mem = mem, .bindings = *bindings};
    }
    return generation;
}

struct generation *generation_ref(struct generation *generation)
{
    generation->refs++;
    return generation;
}

void generation_unref(struct generation *generation)
{
    if (generation != NULL && --generation->refs == 0) {
        arena_free(generation->mem);
        free(generation);
    }
}

/* The longest prefix of the binding that holds the address, or -1. */
static int binding_prefix(const struct binding *binding, const uint8_t address[16])
{
    int best = -1;
    for (size_t i = 0; i < binding->networks_count; i++) {
        const struct network *network = &binding->networks[i];
        if (network->prefix > best && network_holds(network, address)) {
            best = network->prefix;
        }
    }
    return best;
}

const struct binding *sender_find(const struct generation *generation, struct str listener,
                                  const uint8_t address[16])
{
    const struct binding *best = NULL;
    int best_prefix = -1;
    for (size_t i = 0; i < generation->bindings.count; i++) {
        const struct binding *binding = &generation->bindings.list[i];
        if (binding->has_token || binding->unknown_senders || binding->certificate.size > 0 ||
            binding->path.size > 0 || !str_equal(binding->listener, listener)) {
            continue;
        }
        int prefix = binding_prefix(binding, address);
        if (prefix > best_prefix) {
            best_prefix = prefix;
            best = binding;
        }
    }
    return best != NULL ? best : sender_unknown(generation, listener);
}

const struct binding *sender_find_token(const struct generation *generation, struct str listener,
                                        const uint8_t address[16], struct str token)
{
    const struct sha256 given = sha256_of_bytes(token);
    const struct binding *found = NULL;
    for (size_t i = 0; i < generation->bindings.count; i++) {
        const struct binding *binding = &generation->bindings.list[i];
        struct sha256 known;
        memcpy(known.bytes, binding->token_hash, sizeof known.bytes);
        if (!binding->has_token || !str_equal(binding->listener, listener)) {
            continue;
        }
        bool equal = sha256_equal(&known, &given);
        if (equal && (binding->networks_count == 0 || binding_prefix(binding, address) >= 0)) {
            found = binding;
        }
    }
    return found;
}

/* '*' stands for any bytes but '/'. */
static bool path_fits(struct str pattern, struct str path)
{
    size_t p = 0;
    size_t t = 0;
    size_t star = STR_NONE; /* the last one seen, and how far it has eaten */
    size_t eaten = 0;
    while (t < path.size) {
        if (p < pattern.size && pattern.data[p] == '*') {
            star = p++;
            eaten = t;
        } else if (p < pattern.size && pattern.data[p] == path.data[t]) {
            p++;
            t++;
        } else if (star != STR_NONE && path.data[eaten] != '/') {
            p = star + 1;
            t = ++eaten;
        } else {
            return false;
        }
    }
    while (p < pattern.size && pattern.data[p] == '*') {
        p++;
    }
    return p == pattern.size;
}

const struct binding *sender_find_path(const struct generation *generation, struct str listener,
                                       struct str path)
{
    const struct binding *best = NULL;
    for (size_t i = 0; i < generation->bindings.count; i++) {
        const struct binding *binding = &generation->bindings.list[i];
        if (binding->path.size > 0 && str_equal(binding->listener, listener) &&
            path_fits(binding->path, path) &&
            (best == NULL || binding->path.size > best->path.size)) {
            best = binding;
        }
    }
    return best != NULL ? best : sender_unknown(generation, listener);
}

const struct binding *sender_find_certificate(const struct generation *generation,
                                              struct str listener, const uint8_t address[16],
                                              const struct tls_peer *peer)
{
    for (size_t i = 0; i < generation->bindings.count; i++) {
        const struct binding *binding = &generation->bindings.list[i];
        if (str_equal(binding->listener, listener) && tls_peer_is(peer, binding->certificate) &&
            (binding->networks_count == 0 || binding_prefix(binding, address) >= 0)) {
            return binding;
        }
    }
    return NULL;
}

const struct binding *sender_unknown(const struct generation *generation, struct str listener)
{
    for (size_t i = 0; i < generation->bindings.count; i++) {
        const struct binding *binding = &generation->bindings.list[i];
        if (binding->unknown_senders && str_equal(binding->listener, listener)) {
            return binding;
        }
    }
    return NULL;
}

const struct binding *sender_of_listener(const struct generation *generation, struct str listener)
{
    const struct binding *only = NULL;
    for (size_t i = 0; i < generation->bindings.count; i++) {
        const struct binding *binding = &generation->bindings.list[i];
        if (binding->unknown_senders || !str_equal(binding->listener, listener)) {
            continue;
        }
        if (only != NULL && (only->client.value != binding->client.value ||
                             only->source.value != binding->source.value)) {
            return sender_unknown(generation, listener);
        }
        only = binding;
    }
    return only != NULL ? only : sender_unknown(generation, listener);
}
