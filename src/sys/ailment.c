/* Tried and not looked up: what a quota, a mount or a limit forbids is known by trying alone.  The
 * file has a name that no room uses and holds one byte; a crash leaves it, and the next try removes
 * it. */

#include "sys/ailment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *folder_ailment(const char *folder)
{
    char path[4096];
    int printed = snprintf(path, sizeof path, "%s/.trial", folder);
    if (printed < 0 || (size_t)printed >= sizeof path) {
        return NULL;
    }
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int number = file < 0 ? errno : 0;
    if (file >= 0) {
        bool written = pwrite(file, "", 1, 0) == 1 && fdatasync(file) == 0;
        number = written ? 0 : errno;
        (void)close(file);
        (void)unlink(path);
    }
    return number == 0 ? NULL : strerror(number);
}
