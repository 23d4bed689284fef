/* Bytes as an archive: whatever they unfold into is read to its end, one level deep, within the
 * purse. */

#include "sys/unpack.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
    const uint8_t *data;
    size_t size, at;
    struct unpack_purse purse;
};

static enum err bytes_read(void *context, void *to, size_t size, size_t *ret_size, struct why *why)
{
    struct bytes *bytes = context;
    size_t left = bytes->size - bytes->at;
    (void)why;
    left = left < size ? left : size;
    if (left > 0) {
        memcpy(to, bytes->data + bytes->at, left);
    }
    bytes->at += left;
    bytes->purse.packed += left;
    *ret_size = left;
    return OK;
}

static enum err bytes_seek(void *context, uint64_t offset)
{
    struct bytes *bytes = context;
    if (offset > bytes->size) {
        return ERR_UNSUPPORTED;
    }
    bytes->at = (size_t)offset;
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char to[65536];
    struct bytes bytes = {data, size, 0, {0}};
    struct unpack_from from = {&bytes, bytes_read, size % 2 == 0 ? bytes_seek : NULL, size, false};
    struct unpack *unpack;
    struct why why = {0};
    if (!unpack_is(str_of(data, size)) || unpack_open(&from, &bytes.purse, &unpack, &why) != OK) {
        return 0;
    }
    /* What the first bytes unfold into shall not count twice towards the time of a run. */
    bytes.purse.unpacked = UNPACK_FREE_SIZE;
    struct unpack_member member;
    while (unpack_next(unpack, &member, &why) == OK) {
        size_t got = 1;
        if (member.path.size > MEMBER_PATH_MAX) {
            abort();
        }
        while (got > 0 && unpack_read(unpack, to, sizeof to, &got, &why) == OK) {
        }
    }
    unpack_close(unpack);
    return 0;
}
