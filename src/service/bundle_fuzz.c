/* Bundles cross between processes.  Whatever comes is taken or refused; and since hardly any bytes
 * have the right hash by chance, the input is also tried as a document behind a right head: what is
 * then taken can be printed, and is read back as the same. */

#include <stdint.h>
#include <stdlib.h>

#include "service/versions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static enum err bundle_of(const char *kind, struct str text, struct buf *out)
{
    char hex[HASH_TEXT_SIZE];
    struct sha256 hash = sha256_of_bytes(text);
    enum err err =
        buf_print(out, "%s %s %zu\n", kind, hex_print(hash.bytes, SHA256_SIZE, hex), text.size);
    return err == OK ? buf_append(out, text) : err;
}

static void document_try(const char *kind, struct str text, struct arena *mem)
{
    struct buf first;
    struct buf second;
    struct document document;
    struct str rest;
    struct str hash;
    buf_init(&first, 2 * DOCUMENT_SIZE_MAX);
    buf_init(&second, 2 * DOCUMENT_SIZE_MAX);
    if (bundle_of(kind, text, &first) == OK) {
        rest = buf_str(&first);
        if (service_bundle_next(&rest, mem, &document, &hash) == OK) {
            require(rest.size == 0);
            buf_reset(&first);
            require(document_print(&document, &first) == OK);
            require(bundle_of(kind, buf_str(&first), &second) == OK);
            rest = buf_str(&second);
            require(service_bundle_next(&rest, mem, &document, &hash) == OK);
            buf_reset(&second);
            require(document_print(&document, &second) == OK);
            require(str_equal(buf_str(&first), buf_str(&second)));
        }
    }
    buf_done(&first);
    buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *mem = arena_new(256 << 20);
    struct str rest = str_of(data, size);
    struct document document;
    struct str hash;
    if (mem == NULL) {
        return 0;
    }
    while (service_bundle_next(&rest, mem, &document, &hash) == OK) {
        require(hash.size == HASH_TEXT_SIZE - 1);
    }
    if (size > 0) {
        const struct schema *schema = schema_at(data[0] % schema_count());
        document_try(schema_kind(schema), str_of(data + 1, size - 1), mem);
    }
    arena_free(mem);
    return 0;
}
