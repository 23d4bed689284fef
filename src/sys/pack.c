/*
 * The other half of the door to libarchive (unpack.c reads): zips are written.
 *
 * Whoever opens the zip finds its members by the directory at its end, so sizes need not be known
 * when a member begins.  Owners and rights say nothing about us.
 */

#include "sys/pack.h"

#include <stdio.h>
#include <stdlib.h>

#include "sys/libarchive.h"

#define BLOCK_SIZE (256 * 1024)

struct pack {
    struct archive *archive;
    pack_call *call;
    void *context;
    enum err failed; /* of the last call */
};

static la_ssize_t on_write(struct archive *archive, void *context, const void *bytes, size_t size)
{
    struct pack *pack = context;
    (void)archive;
    pack->failed = pack->call(pack->context, str_of(bytes, size));
    return pack->failed == OK ? (la_ssize_t)size : ARCHIVE_FATAL;
}

static enum err failed_say(const struct pack *pack, struct why *why)
{
    if (pack->failed != OK) {
        return why_say(why, pack->failed, 0, "the zip cannot be written: %s",
                       err_text(pack->failed));
    }
    const char *text = archive_error_string(pack->archive);
    return why_say(why, ERR_IO, 0, "the zip cannot be written: %s", text != NULL ? text : "?");
}

static bool options_set(struct archive *archive, int level)
{
    char text[8];
    (void)snprintf(text, sizeof text, "%d", level);
    return archive_write_set_format_zip(archive) == ARCHIVE_OK &&
           archive_write_set_bytes_per_block(archive, BLOCK_SIZE) == ARCHIVE_OK &&
           archive_write_set_bytes_in_last_block(archive, 1) == ARCHIVE_OK &&
           archive_write_set_format_option(archive, "zip", "compression",
                                           level == 0 ? "store" : "deflate") == ARCHIVE_OK &&
           (level == 0 || archive_write_set_format_option(archive, "zip", "compression-level",
                                                          text) == ARCHIVE_OK);
}

enum err pack_open(int level, pack_call *call, void *context, struct pack **ret)
{
    struct pack *pack = calloc(1, sizeof *pack);
    struct archive *archive = archive_write_new();
    if (pack == NULL || archive == NULL || !options_set(archive, level)) {
        free(pack);
        (void)archive_write_free(archive);
        return ERR_MEMORY;
    }
    pack->archive = archive;
    pack->call = call;
    pack->context = context;
    if (archive_write_open(archive, pack, NULL, on_write, NULL) != ARCHIVE_OK) {
        pack_close(pack);
        return ERR_MEMORY;
    }
    *ret = pack;
    return OK;
}

enum err pack_member(struct pack *pack, const char *name, struct wall changed, struct why *why)
{
    struct archive_entry *entry = archive_entry_new();
    if (entry == NULL) {
        return ERR_MEMORY;
    }
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, (time_t)(changed.ns / NS_PER_SECOND), 0);
    int result = archive_write_header(pack->archive, entry);
    archive_entry_free(entry);
    return result == ARCHIVE_OK ? OK : failed_say(pack, why);
}

enum err pack_write(struct pack *pack, struct str bytes, struct why *why)
{
    while (bytes.size > 0) {
        la_ssize_t put = archive_write_data(pack->archive, bytes.data, bytes.size);
        if (put <= 0) {
            return failed_say(pack, why);
        }
        bytes = str_slice(bytes, (size_t)put, SIZE_MAX);
    }
    return OK;
}

enum err pack_end(struct pack *pack, struct why *why)
{
    return archive_write_close(pack->archive) == ARCHIVE_OK ? OK : failed_say(pack, why);
}

void pack_close(struct pack *pack)
{
    if (pack != NULL) {
        (void)archive_write_free(pack->archive);
        free(pack);
    }
}
