/* A journal with any bytes: recovery and verify end, and nothing leads outside.  Every other input
 * gets the hashes of its headers set right, so that what stands behind the hash is reached too. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "archive/private.h"
#include "base/bytes.h"
#include "sys/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void headers_mend(char *bytes, size_t size)
{
    for (size_t at = 0; size - at >= FRAME_HEADER_SIZE;) {
        memcpy(bytes + at, "HINOMIjf", 8);
        put_u16(bytes + at + 8, at / 512 % 2 == 0 ? FRAME_VERSION : 1);
        put_u64(bytes + at + 16, 1);
        put_u64(bytes + at + 24, at);
        struct sha256 hash = sha256_of_bytes(str_of(bytes + at, 272));
        memcpy(bytes + at + 272, hash.bytes, SHA256_SIZE);
        at += FRAME_HEADER_SIZE + get_u32(bytes + at + 12) % 4096;
        if (at > size) {
            break;
        }
    }
}

static void journal_put(struct disk *disk, struct str bytes)
{
    struct file *file;
    if (disk_make_folder(disk, "./archive") != OK || disk_make_folder(disk, "./keys") != OK ||
        disk_open(disk, "./archive/0000000001.journal", DISK_WRITE_CREATE, &file, NULL) != OK ||
        file_write(file, 0, bytes.data, bytes.size) != OK || file_sync(file) != OK) {
        abort();
    }
    file_close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fake *fake = fake_new();
    char *bytes = malloc(size + 1);
    if (fake == NULL || bytes == NULL || size > 1 << 20) {
        free(bytes);
        fake_free(fake);
        return 0;
    }
    if (size > 0) {
        memcpy(bytes, data + 1, size - 1);
        size--;
        if ((data[0] & 1) != 0) {
            headers_mend(bytes, size);
        }
    }
    journal_put(fake_disk(fake), str_of(bytes, size));
    struct verify_report report;
    (void)!archive_verify(fake_disk(fake), "./archive", NULL, NULL, NULL, &report, NULL);
    struct archive_options options = {.disk = fake_disk(fake),
                                      .folder = "./archive",
                                      .keys = "./keys",
                                      .journal_size_max = 1 << 20};
    struct archive *archive;
    if (archive_open(&options, (struct wall){0}, &archive, NULL) == OK) {
        archive_close(archive, (struct wall){0});
    }
    fake_free(fake);
    free(bytes);
    return 0;
}
