/*
 * What is shown to a person once and kept as SHA-256 alone: tokens of sessions and of programs,
 * one-time tokens.  As text a prefix, which says what it is to whoever finds one, and 32 random
 * bytes in hexadecimal.
 *
 * A token is looked for by its hash.  How long that takes says nothing about any token: whoever
 * does not know one cannot choose the hash.  Being random, tokens need no slow hash.
 */

#include <string.h>

#include "codec/crypto.h"
#include "ledger/ledger.h"
#include "sys/random.h"
#include "tenant/store.h"

#define SECRET_BYTES 32

enum err secret_new(const char *prefix, struct arena *mem, struct str *ret, struct sha256 *ret_hash)
{
    uint8_t bytes[SECRET_BYTES];
    char hex[2 * SECRET_BYTES + 1];
    struct str text;
    random_bytes(bytes, sizeof bytes);
    enum err err = arena_print(mem, &text, "%s%s", prefix, hex_print(bytes, sizeof bytes, hex));
    secret_forget(bytes, sizeof bytes);
    secret_forget(hex, sizeof hex);
    if (err == OK) {
        *ret_hash = sha256_of_bytes(text);
        *ret = text;
    }
    return err;
}

bool secret_hash(const char *prefix, struct str text, struct sha256 *ret)
{
    uint8_t bytes[SECRET_BYTES];
    struct str head = str_from(prefix);
    if (!str_starts(text, head) ||
        hex_parse(str_slice(text, head.size, text.size), bytes, sizeof bytes) != OK) {
        return false;
    }
    *ret = sha256_of_bytes(text);
    return true;
}

enum err secret_bind(struct statement *statement, int at, const struct sha256 *hash)
{
    return statement_bind_bytes(statement, at, str_of(hash->bytes, sizeof hash->bytes));
}

enum err person_audit(struct tenant *tenant, struct str principal, const char *action,
                      uint32_t person, struct str detail, struct wall now)
{
    const struct person_state *state = state_person_id(tenant->state, person);
    struct str name = state != NULL ? state->name : STR("?");
    char text[PATH_SIZE_MAX + 8] = "person ";
    size_t size = strlen(text);
    memcpy(text + size, name.data, name.size);
    uint32_t client = state != NULL ? state->client.value : 0;
    return ledger_audit(tenant->ledger, now.ns, client, principal.size > 0 ? principal : name,
                        str_from(action), str_of(text, size + name.size), detail);
}

struct str text_clean(struct str text, char clean[CLEAN_SIZE])
{
    size_t size = text.size < CLEAN_SIZE ? text.size : CLEAN_SIZE;
    for (size_t i = 0; i < size; i++) {
        char c = text.data[i];
        clean[i] = c >= ' ' && c < 0x7f ? c : '?';
    }
    return str_of(clean, size);
}
