/* memfd_create(2) with seals. */

#include "sys/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS_MAX 3 /* tries */

enum err memory_new(const char *name, size_t size, int *ret)
{
    int descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0) {
        return err_from_errno(errno);
    }
    if (ftruncate(descriptor, (off_t)size) != 0 ||
        fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        enum err err = err_from_errno(errno);
        (void)close(descriptor);
        return err;
    }
    *ret = descriptor;
    return OK;
}

/* The kernel itself waits some 75 ms for whoever looks at a page, which may be its own
 * housekeeping, before it says EBUSY. */
enum err memory_seal(int descriptor)
{
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    int result = -1;
    for (int i = 0; i < SEALS_MAX && result != 0; i++) {
        result = fcntl(descriptor, F_ADD_SEALS, seals);
        if (result != 0 && errno != EBUSY) {
            return err_from_errno(errno);
        }
    }
    return result == 0 ? OK : ERR_AGAIN;
}

enum err memory_of(const char *name, struct str bytes, int *ret)
{
    int descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0) {
        return err_from_errno(errno);
    }
    size_t done = 0;
    while (done < bytes.size) {
        ssize_t put = write(descriptor, bytes.data + done, bytes.size - done);
        if (put <= 0) {
            (void)close(descriptor);
            return ERR_MEMORY;
        }
        done += (size_t)put;
    }
    enum err err = memory_seal(descriptor);
    if (err != OK) {
        (void)close(descriptor);
        return err;
    }
    *ret = descriptor;
    return OK;
}

static enum err map(int descriptor, size_t size, int sealed, bool writable, void **ret,
                    size_t *ret_size)
{
    struct stat status;
    int seals = fcntl(descriptor, F_GET_SEALS);
    if (seals < 0 || (seals & sealed) != sealed || fstat(descriptor, &status) != 0 ||
        (size != 0 && (size_t)status.st_size != size)) {
        return ERR_DENIED;
    }
    size_t whole = (size_t)status.st_size;
    if (whole == 0) {
        *ret = NULL;
        *ret_size = 0;
        return OK;
    }
    void *at =
        mmap(NULL, whole, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, descriptor, 0);
    if (at == MAP_FAILED) {
        return ERR_MEMORY;
    }
    *ret = at;
    *ret_size = whole;
    return OK;
}

enum err memory_map(int descriptor, size_t size, bool writable, void **ret, size_t *ret_size)
{
    return map(descriptor, size, F_SEAL_SHRINK, writable, ret, ret_size);
}

enum err memory_map_fixed(int descriptor, void **ret, size_t *ret_size)
{
    return map(descriptor, 0, F_SEAL_SHRINK | F_SEAL_WRITE, false, ret, ret_size);
}

void memory_unmap(void *at, size_t size)
{
    if (at != NULL) {
        (void)munmap(at, size);
    }
}
