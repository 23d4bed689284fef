/*
 * The bundle: what core needs of a client's effective documents, as bytes that cross between
 * processes.
 *
 *     kind SP hash SP size LF     of the canonical JSON, size in decimal
 *     size bytes                  the canonical JSON
 *     …                           the next kind; kinds ascend by name
 *
 * Always true: what service_bundle_next gives has the hash that its line says, so core can write
 * the versions into an alert without asking again.
 */

#include <string.h>

#include "service/versions.h"

#define HEAD_SIZE_MAX 256

static const char *const kinds[] = {"assets",    "calendars",   "contacts", "criteria",
                                    "detection", "log-sources", "table-1"};

enum err service_bundle(const struct scope *scope, struct service *service, struct client_id client,
                        struct buf *out)
{
    size_t size_before = out->size;
    enum err err = OK;
    if (scope_side(scope, client) == SIDE_NONE) {
        return ERR_DENIED;
    }
    struct arena *scratch = arena_new(16 << 20);
    if (scratch == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && err == OK; i++) {
        struct stored stored;
        struct str text;
        arena_reset(scratch);
        err = stored_find(service, client, str_from(kinds[i]), WHICH_EFFECTIVE, STR(""), scratch,
                          &stored);
        if (err == ERR_NOT_FOUND) {
            err = OK;
            continue;
        }
        if (err == OK) {
            err = stored_canonical(service, &stored, scratch, &text);
        }
        if (err == OK) {
            err =
                buf_print(out, "%s %.*s %zu\n", kinds[i], STR_ARG(stored.version.hash), text.size);
        }
        if (err == OK) {
            err = buf_append(out, text);
        }
    }
    arena_free(scratch);
    if (err != OK) {
        out->size = size_before;
    }
    return err;
}

enum err service_bundle_next(struct str *bundle, struct arena *mem, struct document *ret,
                             struct str *ret_hash)
{
    char hex[HASH_TEXT_SIZE];
    uint64_t size;
    struct str rest = *bundle;
    if (rest.size == 0) {
        return ERR_NOT_FOUND;
    }
    if (str_find_byte(str_slice(rest, 0, HEAD_SIZE_MAX), '\n') == STR_NONE) {
        return ERR_CORRUPT;
    }
    struct str head = str_cut(&rest, '\n');
    struct str kind = str_cut(&head, ' ');
    struct str hash = str_cut(&head, ' ');
    const struct schema *schema = schema_find(kind);
    if (schema == NULL || str_to_u64(head, DOCUMENT_SIZE_MAX, &size) != OK || size > rest.size) {
        return ERR_CORRUPT;
    }
    struct str text = str_slice(rest, 0, size);
    struct sha256 found = sha256_of_bytes(text);
    if (!str_equal(hash, str_from(hex_print(found.bytes, SHA256_SIZE, hex)))) {
        return ERR_CORRUPT;
    }
    struct str kept;
    struct document document;
    enum err err = arena_copy(mem, text, &kept);
    if (err == OK) {
        err = document_read(schema, kept, mem, &document, NULL);
        err = err == ERR_SYNTAX || err == ERR_LIMIT ? ERR_CORRUPT : err;
    }
    if (err == OK) {
        err = arena_copy(mem, hash, ret_hash);
    }
    if (err == OK) {
        *ret = document;
        *bundle = str_slice(rest, size, rest.size);
    }
    return err;
}
