/*
 * The scope: who touches which client's data, for what.  Nobody outside this room sees inside, so
 * nobody outside can make one or widen one.
 *
 * As bytes, for a message between our own processes; integers are little-endian:
 *
 *     OFFSET  SIZE  MEANING
 *          0     4  "scop"
 *          4     1  format version, 2
 *          5     3  zeros
 *          8     4  grants, n
 *         12     2  size of the principal, p
 *         14     2  size of the purpose, q
 *         16     4  person, 0: none
 *         20   12n  grants: client (0: every client), rights, roles; 4 bytes each
 *     20+12n     p  principal
 *   20+12n+p     q  purpose
 *
 * Always true, of a scope in memory and of what decodes:
 *
 *   (1) every grant has at least one right and no unknown right or role;
 *   (2) there is one grant at least; one for every client stands alone, the others are strictly
 *       ascending by client;
 *   (3) principal and purpose are non-empty printable UTF-8.
 *
 * So encode and decode are each other's inverse, and there is one encoding of a scope.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "codec/utf8.h"
#include "tenant/private.h"
#include "tenant/tenant.h"

#define FIXED_SIZE    20
#define GRANT_SIZE    12
#define FORMAT        2
#define TEXT_SIZE_MAX 255

struct scope {
    uint32_t count;
    uint32_t person;
    struct scope_grant *grants;
    struct str principal, purpose; /* in the same memory, behind the grants */
};

static enum err scope_check(const struct scope_parts *parts);

enum err scope_new(const struct scope_parts *parts, struct scope **ret)
{
    enum err err = scope_check(parts);
    if (err != OK) {
        return err;
    }
    size_t grants_size = parts->count * sizeof *parts->grants;
    struct scope *scope =
        malloc(sizeof *scope + grants_size + parts->principal.size + parts->purpose.size);
    if (scope == NULL) {
        return ERR_MEMORY;
    }
    char *texts = (char *)(scope + 1) + grants_size;
    *scope = (struct scope){
        .count = (uint32_t)parts->count,
        .person = parts->person,
        .grants = (struct scope_grant *)(scope + 1),
        .principal = {texts, parts->principal.size},
        .purpose = {texts + parts->principal.size, parts->purpose.size},
    };
    memcpy(scope->grants, parts->grants, grants_size);
    memcpy(texts, parts->principal.data, parts->principal.size);
    memcpy(texts + parts->principal.size, parts->purpose.data, parts->purpose.size);
    *ret = scope;
    return OK;
}

void scope_free(struct scope *scope)
{
    free(scope);
}

/* The grant for a client, NULL without one. */
static const struct scope_grant *grant_find(const struct scope *scope, struct client_id client)
{
    if (client.value == 0) {
        return NULL;
    }
    if (scope->grants[0].client == 0) {
        return &scope->grants[0];
    }
    uint32_t low = 0;
    uint32_t high = scope->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (scope->grants[middle].client < client.value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool there = low < scope->count && scope->grants[low].client == client.value;
    return there ? &scope->grants[low] : NULL;
}

bool scope_allows(const struct scope *scope, struct client_id client, enum right right)
{
    uint32_t wanted = (uint32_t)right;
    const struct scope_grant *grant = grant_find(scope, client);
    return grant != NULL && wanted != 0 && (grant->rights & wanted) == wanted;
}

bool scope_allows_all(const struct scope *scope, enum right right)
{
    return scope->grants[0].client == 0 &&
           (scope->grants[0].rights & (uint32_t)right) == (uint32_t)right;
}

bool scope_has_role(const struct scope *scope, struct client_id client, enum role role)
{
    const struct scope_grant *grant = grant_find(scope, client);
    uint32_t rights = role_rights(role);
    return grant != NULL && (grant->roles & 1u << role) != 0 && (grant->rights & rights) == rights;
}

enum side scope_side(const struct scope *scope, struct client_id client)
{
    static const enum side sides[ROLE_COUNT] = {
        [ROLE_PROVIDER_ADMIN] = SIDE_PROVIDER, [ROLE_ENGINEER] = SIDE_PROVIDER,
        [ROLE_ANALYST] = SIDE_PROVIDER,        [ROLE_CONSULTANT] = SIDE_PROVIDER,
        [ROLE_RESPONSIBLE] = SIDE_CLIENT,      [ROLE_CONTACT] = SIDE_CLIENT,
        [ROLE_VIEWER] = SIDE_CLIENT,           [ROLE_AUDITOR] = SIDE_AUDITOR,
        [ROLE_BIDDER] = SIDE_BIDDER,
    };
    /* Who has roles on both sides stands on the client's, whose own data these are. */
    static const enum role order[] = {ROLE_RESPONSIBLE,    ROLE_CONTACT,  ROLE_VIEWER,
                                      ROLE_PROVIDER_ADMIN, ROLE_ENGINEER, ROLE_ANALYST,
                                      ROLE_CONSULTANT,     ROLE_AUDITOR,  ROLE_BIDDER};
    const struct scope_grant *grant = grant_find(scope, client);
    if (grant == NULL) {
        return SIDE_NONE;
    }
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if ((grant->roles & 1u << order[i]) != 0) {
            return sides[order[i]];
        }
    }
    return SIDE_INSTALLATION;
}

uint32_t scope_person(const struct scope *scope)
{
    return scope->person;
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
    char *to;
    size_t size = FIXED_SIZE + (size_t)scope->count * GRANT_SIZE + scope->principal.size +
                  scope->purpose.size;
    enum err err = buf_extend(out, size, &to);
    if (err != OK) {
        return err;
    }
    memset(to, 0, FIXED_SIZE);
    memcpy(to, "scop", 4);
    to[4] = FORMAT;
    put_u32(to + 8, scope->count);
    put_u16(to + 12, (uint16_t)scope->principal.size);
    put_u16(to + 14, (uint16_t)scope->purpose.size);
    put_u32(to + 16, scope->person);
    to += FIXED_SIZE;
    for (uint32_t i = 0; i < scope->count; i++, to += GRANT_SIZE) {
        put_u32(to, scope->grants[i].client);
        put_u32(to + 4, scope->grants[i].rights);
        put_u32(to + 8, scope->grants[i].roles);
    }
    memcpy(to, scope->principal.data, scope->principal.size);
    memcpy(to + scope->principal.size, scope->purpose.data, scope->purpose.size);
    return OK;
}

enum err scope_decode(struct str bytes, struct scope **ret)
{
    static const char head[8] = {'s', 'c', 'o', 'p', FORMAT, 0, 0, 0};
    if (bytes.size < FIXED_SIZE || memcmp(bytes.data, head, sizeof head) != 0) {
        return ERR_CORRUPT;
    }
    uint32_t count = get_u32(bytes.data + 8);
    size_t principal_size = get_u16(bytes.data + 12);
    size_t purpose_size = get_u16(bytes.data + 14);
    size_t texts = FIXED_SIZE + (size_t)count * GRANT_SIZE;
    if (count > CLIENTS_MAX || bytes.size != texts + principal_size + purpose_size) {
        return ERR_CORRUPT;
    }
    struct scope_grant *grants = calloc(count + 1, sizeof *grants);
    if (grants == NULL) {
        return ERR_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        const char *from = bytes.data + FIXED_SIZE + (size_t)i * GRANT_SIZE;
        grants[i] = (struct scope_grant){get_u32(from), get_u32(from + 4), get_u32(from + 8)};
    }
    enum err err = scope_new(
        &(struct scope_parts){
            .grants = grants,
            .count = count,
            .person = get_u32(bytes.data + 16),
            .principal = str_slice(bytes, texts, principal_size),
            .purpose = str_slice(bytes, texts + principal_size, purpose_size),
        },
        ret);
    free(grants);
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
    if (parts->count == 0 || parts->count > CLIENTS_MAX) {
        return ERR_SYNTAX;
    }
    for (size_t i = 0; i < parts->count; i++) {
        const struct scope_grant *grant = &parts->grants[i];
        if (grant->rights == 0 || (grant->rights & ~RIGHTS_KNOWN) != 0 ||
            (grant->roles & ~ROLES_KNOWN) != 0 || (grant->client == 0 && parts->count > 1) ||
            (i > 0 && grant->client <= parts->grants[i - 1].client)) {
            return ERR_SYNTAX;
        }
    }
    return text_printable(parts->principal) && text_printable(parts->purpose) ? OK : ERR_SYNTAX;
}
