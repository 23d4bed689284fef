/* Numbers and texts in a row of bytes. */

#include "base/packed.h"

#include "base/bytes.h"

enum err packed_put_number(struct buf *out, size_t value)
{
    char bytes[4];
    put_u32(bytes, (uint32_t)value);
    return value > UINT32_MAX ? ERR_LIMIT : buf_append(out, str_of(bytes, sizeof bytes));
}

enum err packed_put_text(struct buf *out, struct str text)
{
    enum err err = packed_put_number(out, text.size);
    return err == OK ? buf_append(out, text) : err;
}

enum err packed_take_number(struct str *bytes, uint32_t *ret)
{
    if (bytes->size < 4) {
        return ERR_CORRUPT;
    }
    *ret = get_u32(bytes->data);
    *bytes = str_slice(*bytes, 4, bytes->size);
    return OK;
}

enum err packed_take_text(struct str *bytes, struct str *ret)
{
    struct str rest = *bytes;
    uint32_t size;
    if (packed_take_number(&rest, &size) != OK || size > rest.size) {
        return ERR_CORRUPT;
    }
    *ret = str_slice(rest, 0, size);
    *bytes = str_slice(rest, size, rest.size);
    return OK;
}
