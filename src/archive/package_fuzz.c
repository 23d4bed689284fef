/* A package with any bytes, and leaves, heads and a manifest that are any. */

#include <stdint.h>
#include <stdlib.h>

#include "archive/package.h"
#include "sys/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fake *fake = fake_new();
    struct file *file;
    struct package_judged judged;
    if (fake == NULL || size > 1 << 20) {
        fake_free(fake);
        return 0;
    }
    struct disk *disk = fake_disk(fake);
    if (disk_open(disk, "./a.zip", DISK_WRITE_CREATE, &file, NULL) != OK ||
        file_write(file, 0, data, size) != OK) {
        abort();
    }
    (void)!package_verify(file, NULL, str_of("", 0), NULL, NULL, &judged, NULL);
    file_close(file);
    fake_free(fake);
    return 0;
}
