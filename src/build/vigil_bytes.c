/*
 * A vigil as bytes, so that what was learned outlives the process.
 *
 *     OFFSET  SIZE  MEANING
 *          0     4  "HBv1"
 *          4     4  size of the state, n
 *          8     n  the state as it lies in memory, little-endian; all numbers, no pointers
 *
 * Bytes of another size were written by another version: it is learned anew, which takes some days
 * and is said so in the release notes of a version that changes it.
 *
 * Always true: what is read back is used only if its counts and texts stay within their places.
 */

#include <string.h>

#include "base/bytes.h"
#include "build/private.h"

#define HEADER_SIZE 8

_Static_assert(sizeof(struct vigil) + HEADER_SIZE <= VIGIL_BYTES_MAX, "a vigil has to fit");

enum err vigil_encode(const struct vigil *vigil, struct buf *out)
{
    char header[HEADER_SIZE];
    memcpy(header, "HBv1", 4);
    put_u32(header + 4, (uint32_t)sizeof *vigil);
    enum err err = buf_append(out, str_of(header, sizeof header));
    return err == OK ? buf_append(out, str_of((const char *)vigil, sizeof *vigil)) : err;
}

enum err vigil_decode(struct str bytes, struct vigil *vigil)
{
    if (bytes.size != HEADER_SIZE + sizeof *vigil || memcmp(bytes.data, "HBv1", 4) != 0 ||
        get_u32(bytes.data + 4) != sizeof *vigil) {
        return ERR_CORRUPT;
    }
    struct vigil read;
    memcpy(&read, bytes.data + HEADER_SIZE, sizeof read);
    if (read.kinds_count > VIGIL_KINDS_MAX) {
        return ERR_CORRUPT;
    }
    for (size_t i = 0; i < VIGIL_KINDS_MAX; i++) {
        read.kinds[i].name[KIND_TEXT_MAX] = '\0';
    }
    *vigil = read;
    return OK;
}
