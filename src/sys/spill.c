/* A file without a name (O_TMPFILE, or unlinked at once where a file system has none). */

#include "sys/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct spill {
    int descriptor; /* -1: not made yet */
    uint64_t size, size_max;
};

enum err spill_new(uint64_t size_max, struct spill **ret)
{
    struct spill *spill = calloc(1, sizeof *spill);
    if (spill == NULL) {
        return ERR_MEMORY;
    }
    spill->descriptor = -1;
    spill->size_max = size_max;
    *ret = spill;
    return OK;
}

static enum err file_make(struct spill *spill)
{
    const char *folder = getenv("TMPDIR");
    folder = folder != NULL && folder[0] == '/' ? folder : "/tmp";
    spill->descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (spill->descriptor < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
        char path[4096];
        int size = snprintf(path, sizeof path, "%s/hinomi.XXXXXX", folder);
        bool fits = size > 0 && (size_t)size < sizeof path;
        spill->descriptor = fits ? mkostemp(path, O_CLOEXEC) : -1;
        if (spill->descriptor >= 0) {
            (void)unlink(path);
        }
    }
    return spill->descriptor < 0 ? err_from_errno(errno) : OK;
}

enum err spill_append(struct spill *spill, struct str bytes, uint64_t *ret_offset)
{
    if (bytes.size > spill->size_max - spill->size) {
        return ERR_LIMIT;
    }
    enum err err = spill->descriptor < 0 ? file_make(spill) : OK;
    for (size_t done = 0; err == OK && done < bytes.size;) {
        ssize_t put = pwrite(spill->descriptor, bytes.data + done, bytes.size - done,
                             (off_t)(spill->size + done));
        if (put < 0 && errno != EINTR) {
            err = err_from_errno(errno);
        }
        done += put > 0 ? (size_t)put : 0;
    }
    if (err == OK) {
        *ret_offset = spill->size;
        spill->size += bytes.size;
    }
    return err;
}

enum err spill_read(struct spill *spill, uint64_t offset, void *to, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got =
            pread(spill->descriptor, (char *)to + done, size - done, (off_t)(offset + done));
        if (got == 0) {
            return ERR_CORRUPT;
        }
        if (got < 0 && errno != EINTR) {
            return err_from_errno(errno);
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return OK;
}

void spill_free(struct spill *spill)
{
    if (spill != NULL) {
        if (spill->descriptor >= 0) {
            (void)close(spill->descriptor);
        }
        free(spill);
    }
}
