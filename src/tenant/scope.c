/*
 * The scope: who touches which client's data, for what.  Nobody outside this room sees inside, so
 * nobody outside can make one or widen one.
 *
 * As bytes, for a message between our own processes; integers are little-endian:
 *
 *     OFFSET  SIZE  MEANING
 *          0     4  "scop"
 *          4     1  format version, 1
 *          5     1  1: every client; 0: the clients listed
 *          6     2  rights, a set of enum right
 *          8     4  clients listed, n
 *         12     2  size of the principal, p
 *         14     2  size of the purpose, q
 *         16    4n  clients, ascending
 *      16+4n     p  principal
 *    16+4n+p     q  purpose
 *
 * Always true, of a scope in memory and of what decodes:
 *
 *   (1) it has at least one right and no unknown one;
 *   (2) either it is for every client and lists none, or it lists at least one; the list is
 *       strictly ascending and never holds 0;
 *   (3) principal and purpose are non-empty printable UTF-8.
 *
 * So encode and decode are each other's inverse, and there is one encoding of a scope.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "codec/json_text.h"
#include "tenant/private.h"
#include "tenant/tenant.h"

#define FIXED_SIZE    16
#define FORMAT        1
#define TEXT_SIZE_MAX 255

struct scope {
    bool every_client;
    uint32_t rights;
    uint32_t count;
    uint32_t *clients;
    struct str principal, purpose; /* in the same memory, behind the clients */
};

static enum err scope_check(const struct scope_parts *parts);

enum err scope_new(const struct scope_parts *parts, struct scope **ret)
{
    enum err err = scope_check(parts);
    if (err != OK) {
        return err;
    }
    size_t clients_size = parts->count * sizeof(uint32_t);
    struct scope *scope =
        malloc(sizeof *scope + clients_size + parts->principal.size + parts->purpose.size);
    if (scope == NULL) {
        return ERR_MEMORY;
    }
    char *texts = (char *)(scope + 1) + clients_size;
    *scope = (struct scope){
        .every_client = parts->every_client,
        .rights = parts->rights,
        .count = (uint32_t)parts->count,
        .clients = (uint32_t *)(scope + 1),
        .principal = {texts, parts->principal.size},
        .purpose = {texts + parts->principal.size, parts->purpose.size},
    };
    if (clients_size > 0) {
        memcpy(scope->clients, parts->clients, clients_size);
    }
    memcpy(texts, parts->principal.data, parts->principal.size);
    memcpy(texts + parts->principal.size, parts->purpose.data, parts->purpose.size);
    *ret = scope;
    return OK;
}

void scope_free(struct scope *scope)
{
    free(scope);
}

bool scope_allows(const struct scope *scope, struct client_id client, enum right right)
{
    uint32_t wanted = (uint32_t)right;
    if (client.value == 0 || wanted == 0 || (scope->rights & wanted) != wanted) {
        return false;
    }
    uint32_t low = 0;
    uint32_t high = scope->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (scope->clients[middle] < client.value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return scope->every_client || (low < scope->count && scope->clients[low] == client.value);
}

bool scope_allows_all(const struct scope *scope, enum right right)
{
    return scope->every_client && (scope->rights & (uint32_t)right) == (uint32_t)right;
}

struct str scope_principal(const struct scope *scope)
{
    return scope->principal;
}

struct str scope_purpose(const struct scope *scope)
{
    return scope->purpose;
}

enum err scope_encode(const struct scope *scope, struct buf *out)
{
    char fixed[FIXED_SIZE] = {'s', 'c', 'o', 'p', FORMAT, scope->every_client ? 1 : 0};
    put_u16(fixed + 6, (uint16_t)scope->rights);
    put_u32(fixed + 8, scope->count);
    put_u16(fixed + 12, (uint16_t)scope->principal.size);
    put_u16(fixed + 14, (uint16_t)scope->purpose.size);
    const struct str parts[] = {
        {fixed, sizeof fixed},
        str_of(scope->clients, scope->count * sizeof(uint32_t)),
        scope->principal,
        scope->purpose,
    };
    size_t size_before = out->size;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        enum err err = buf_append(out, parts[i]);
        if (err != OK) {
            out->size = size_before;
            return err;
        }
    }
    return OK;
}

enum err scope_decode(struct str bytes, struct scope **ret)
{
    if (bytes.size < FIXED_SIZE || memcmp(bytes.data, "scop", 4) != 0 || bytes.data[4] != FORMAT ||
        (unsigned char)bytes.data[5] > 1) {
        return ERR_CORRUPT;
    }
    uint32_t count = get_u32(bytes.data + 8);
    size_t principal_size = get_u16(bytes.data + 12);
    size_t purpose_size = get_u16(bytes.data + 14);
    if (count > CLIENTS_MAX ||
        bytes.size != FIXED_SIZE + (size_t)count * 4 + principal_size + purpose_size) {
        return ERR_CORRUPT;
    }
    uint32_t *clients = calloc(count + 1, sizeof *clients);
    if (clients == NULL) {
        return ERR_MEMORY;
    }
    memcpy(clients, bytes.data + FIXED_SIZE, count * sizeof *clients);
    size_t texts = FIXED_SIZE + (size_t)count * 4;
    enum err err = scope_new(
        &(struct scope_parts){
            .every_client = bytes.data[5] == 1,
            .rights = get_u16(bytes.data + 6),
            .clients = clients,
            .count = count,
            .principal = str_slice(bytes, texts, principal_size),
            .purpose = str_slice(bytes, texts + principal_size, purpose_size),
        },
        ret);
    free(clients);
    return err == OK || err == ERR_MEMORY ? err : ERR_CORRUPT;
}

static bool text_printable(struct str text)
{
    if (text.size == 0 || text.size > TEXT_SIZE_MAX) {
        return false;
    }
    for (size_t at = 0; at < text.size;) {
        size_t length = utf8_sequence(str_slice(text, at, 4));
        unsigned char c = (unsigned char)text.data[at];
        /* C2 80 to C2 9F are the C1 controls. */
        if (length == 0 || c < 0x20 || c == 0x7f ||
            (c == 0xc2 && (unsigned char)text.data[at + 1] < 0xa0)) {
            return false;
        }
        at += length;
    }
    return true;
}

static enum err scope_check(const struct scope_parts *parts)
{
    if (parts->rights == 0 || (parts->rights & ~(uint32_t)RIGHTS_ALL) != 0 ||
        parts->every_client != (parts->count == 0) || parts->count > CLIENTS_MAX) {
        return ERR_SYNTAX;
    }
    for (size_t i = 0; i < parts->count; i++) {
        if (parts->clients[i] == 0 || (i > 0 && parts->clients[i] <= parts->clients[i - 1])) {
            return ERR_SYNTAX;
        }
    }
    return text_printable(parts->principal) && text_printable(parts->purpose) ? OK : ERR_SYNTAX;
}
