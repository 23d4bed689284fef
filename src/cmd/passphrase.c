/* Always true: nothing of the file is left in memory after passphrase_done. */

#include "cmd/passphrase.h"

#include <stdlib.h>

#include "codec/crypto.h"
#include "sys/disk.h"

#define SIZE_MIN      12 /* bytes: what is asked of people's passwords too */
#define SIZE_MAX_READ 4096

enum err passphrase_read(const char *path, struct passphrase *ret, struct why *why)
{
    struct passphrase read = {0};
    enum err err = disk_read_whole(disk_real(), path, SIZE_MAX_READ, &read.data, &read.size, why);
    if (err != OK) {
        return err;
    }
    struct str rest = str_of(read.data, read.size);
    read.text = str_trim(str_cut(&rest, '\n'));
    if (read.text.size < SIZE_MIN) {
        passphrase_done(&read);
        return why_say(why, ERR_LIMIT, 0, "%s: a pass phrase has at least %d bytes", path,
                       SIZE_MIN);
    }
    *ret = read;
    return OK;
}

void passphrase_done(struct passphrase *passphrase)
{
    secret_forget(passphrase->data, passphrase->size);
    free(passphrase->data);
    *passphrase = (struct passphrase){0};
}
