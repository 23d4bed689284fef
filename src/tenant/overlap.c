/*
 * No sender may belong to two sources: on one listener a network (with its prefix), a token, a
 * certificate and a path stand once.  A narrower network inside a wider one is no overlap; the
 * narrower one wins.
 */

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "sys/random.h"
#include "tenant/store.h"

#define CLAIMS_MAX 262144 /* networks and tokens of one installation */

struct claim {
    struct str client, source;
    uint32_t line;
};

struct overlap {
    struct map map;
    struct claim *claims;
    size_t count, capacity;
};

enum err overlap_new(struct overlap **ret)
{
    struct overlap *overlap = calloc(1, sizeof *overlap);
    if (overlap == NULL) {
        return ERR_MEMORY;
    }
    map_init(&overlap->map, CLAIMS_MAX, random_u64());
    *ret = overlap;
    return OK;
}

void overlap_free(struct overlap *overlap)
{
    if (overlap != NULL) {
        map_done(&overlap->map);
        free(overlap->claims);
        free(overlap);
    }
}

static enum err claim_say(const struct claim *other, const struct source_element *source,
                          struct str client, uint32_t line, uint32_t column, const char *what,
                          struct why *why)
{
    struct str slug = source->slug;
    if (other->client.size == 0) {
        return why_say_at(why, ERR_CONFLICT, line, column,
                          "%s belongs to somebody else already; ask whoever runs the installation",
                          what);
    }
    if (other->line != 0) {
        return why_say_at(why, ERR_CONFLICT, line, column,
                          "%s belongs to %.*s/%.*s in line %u already, so it cannot belong to "
                          "%.*s/%.*s; remove one of the two",
                          what, STR_ARG(other->client), STR_ARG(other->source), other->line,
                          STR_ARG(client), STR_ARG(slug));
    }
    return why_say_at(why, ERR_CONFLICT, line, column,
                      "%s belongs to %.*s/%.*s already, applied before, so it cannot belong to "
                      "%.*s/%.*s; remove one of the two",
                      what, STR_ARG(other->client), STR_ARG(other->source), STR_ARG(client),
                      STR_ARG(slug));
}

static enum err claim_add(struct overlap *overlap, struct str key, struct str client,
                          const struct source_element *source, const struct sender *sender,
                          const char *what, struct why *why)
{
    uint64_t at;
    if (map_get(&overlap->map, key, &at)) {
        return claim_say(&overlap->claims[at], source, client, sender->line, sender->column, what,
                         why);
    }
    if (overlap->count == overlap->capacity) {
        size_t capacity = overlap->capacity == 0 ? 64 : overlap->capacity * 2;
        struct claim *claims = realloc(overlap->claims, capacity * sizeof *claims);
        if (claims == NULL) {
            return ERR_MEMORY;
        }
        overlap->claims = claims;
        overlap->capacity = capacity;
    }
    enum err err = map_put(&overlap->map, key, overlap->count);
    if (err == ERR_LIMIT) {
        return why_say_at(why, err, sender->line, sender->column,
                          "more than %d addresses and tokens in all; use wider networks",
                          CLAIMS_MAX);
    }
    if (err == OK) {
        overlap->claims[overlap->count++] =
            (struct claim){client, source->slug, source->line == 0 ? 0 : sender->line};
    }
    return err;
}

static enum err sender_add(struct overlap *overlap, struct str client,
                           const struct source_element *source, const struct sender *sender,
                           struct why *why)
{
    char key[SLUG_SIZE_MAX + 2 + FILE_PATTERN_MAX];
    size_t size = sender->listener.size;
    memcpy(key, sender->listener.data, size);
    key[size] = sender->has_token ? 't' : 'n';
    if (sender->has_token) {
        memcpy(key + size + 1, sender->token_hash, 32);
        return claim_add(overlap, str_of(key, size + 33), client, source, sender, "this token",
                         why);
    }
    struct str mark = sender->certificate.size > 0 ? sender->certificate : sender->path;
    if (mark.size > 0) {
        key[size] = sender->certificate.size > 0 ? 'c' : 'p';
        memcpy(key + size + 1, mark.data, mark.size);
        return claim_add(overlap, str_of(key, size + 1 + mark.size), client, source, sender,
                         sender->certificate.size > 0 ? "this certificate" : "this path", why);
    }
    for (size_t i = 0; i < sender->networks_count; i++) {
        char what[NETWORK_TEXT_SIZE];
        memcpy(key + size + 1, sender->networks[i].address, 16);
        key[size + 17] = (char)sender->networks[i].prefix;
        enum err err = claim_add(overlap, str_of(key, size + 18), client, source, sender,
                                 network_print(&sender->networks[i], what), why);
        if (err != OK) {
            return err;
        }
    }
    return OK;
}

enum err overlap_add(struct overlap *overlap, struct str client,
                     const struct source_element *source, struct why *why)
{
    enum err err = OK;
    for (size_t i = 0; i < source->senders_count && err == OK; i++) {
        err = sender_add(overlap, client, source, &source->senders[i], why);
    }
    return err;
}

enum err overlap_add_active(struct overlap *overlap, const struct apply *apply,
                            const struct plan *but)
{
    enum err err = OK;
    for (size_t i = 0; i < apply->state->sources_count && err == OK; i++) {
        const struct source_state *source = &apply->state->sources[i];
        bool named = but != NULL && plan_client(but, source->client_slug) != NULL;
        if (source->info.active && !named) {
            bool known = scope_allows(apply->scope, source->info.client, RIGHT_MANAGE);
            err = overlap_add(overlap, known ? source->client_slug : STR(""), &source->element,
                              apply->why);
        }
    }
    return err;
}
