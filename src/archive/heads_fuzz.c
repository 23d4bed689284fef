/* A heads file with any bytes. */

#include <stdint.h>
#include <stdlib.h>

#include "archive/forget.h"
#include "archive/private.h"
#include "sys/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void place_ignore(void *context, const char *file, uint64_t offset, const char *what)
{
    (void)context;
    (void)file;
    (void)offset;
    (void)what;
}

/* The same bytes as heads that somebody kept, as records or as text, and as a certificate. */
static void kept_read(struct disk *disk, struct str bytes, struct verify_report *report)
{
    struct destroyed destroyed;
    (void)!archive_heads_kept(disk, "./archive", bytes, place_ignore, NULL, report);
    if (archive_destroyed_put(disk, "./archive", (struct client_id){7}, bytes, bytes) != OK) {
        abort();
    }
    (void)!archive_destroyed(disk, "./archive", (struct client_id){7}, &destroyed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fake *fake = fake_new();
    struct file *file;
    if (fake == NULL || size > 1 << 20) {
        fake_free(fake);
        return 0;
    }
    struct disk *disk = fake_disk(fake);
    if (disk_make_folder(disk, "./archive") != OK || disk_make_folder(disk, "./keys") != OK ||
        disk_make_folder(disk, "./archive/heads") != OK ||
        disk_open(disk, "./archive/heads/7.heads", DISK_WRITE_CREATE, &file, NULL) != OK ||
        file_write(file, 0, data, size) != OK || file_sync(file) != OK) {
        abort();
    }
    file_close(file);
    struct verify_report report;
    (void)!archive_verify(disk, "./archive", NULL, NULL, NULL, &report, NULL);
    kept_read(disk, str_of(data, size), &report);
    struct archive_options options = {
        .disk = disk, .folder = "./archive", .keys = "./keys", .journal_size_max = 1 << 20};
    struct archive *archive;
    if (archive_open(&options, (struct wall){0}, &archive, NULL) == OK) {
        archive_close(archive, (struct wall){0});
    }
    fake_free(fake);
    return 0;
}
