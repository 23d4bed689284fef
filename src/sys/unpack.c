/*
 * The door to libarchive.
 *
 * Only the formats that logs travel in are switched on: each more is code that hostile bytes reach.
 * A compressed stream that holds no archive comes as one member without a name.
 *
 * Always true: no more than UNPACK_FREE_SIZE and UNPACK_RATIO_MAX times what was read of the file
 * has come out of it, on all levels together, nor more than UNPACK_SIZE_MAX.
 */

#include "sys/unpack.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "sys/libarchive.h"

#define CHUNK_SIZE (128 * 1024)

struct unpack {
    struct archive *archive;
    struct unpack_from from;
    struct unpack_purse *purse;
    locale_t locale; /* UTF-8, whatever the process has: libarchive reads paths by it */
    uint64_t at;     /* of the next byte that is read */
    struct why why;  /* why the last read failed */
    enum err failed; /* how */
    char path[MEMBER_PATH_MAX];
    char chunk[CHUNK_SIZE];
};

bool unpack_is(struct str head)
{
    static const struct str marks[] = {
        {"PK\x03\x04", 4},
        {"PK\x05\x06", 4},
        {"\x1f\x8b", 2},
        {"\x28\xb5\x2f\xfd", 4},
        {"\xfd"
         "7zXZ",
         5},
    };
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (str_starts(head, marks[i])) {
            return true;
        }
    }
    bool bzip2 = str_starts(head, STR("BZh")) && head.size >= 10 && head.data[3] >= '1' &&
                 head.data[3] <= '9' &&
                 (memcmp(head.data + 4, "1AY&SY", 6) == 0 ||
                  memcmp(head.data + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0);
    return bzip2 || str_equal(str_slice(head, 257, 5), STR("ustar"));
}

static enum err purse_check(const struct unpack_purse *purse, struct why *why)
{
    uint64_t unfolded = purse->unpacked;
    if (unfolded > UNPACK_SIZE_MAX ||
        (unfolded > UNPACK_FREE_SIZE &&
         (unfolded - UNPACK_FREE_SIZE) / UNPACK_RATIO_MAX > purse->packed)) {
        return why_say(why, ERR_LIMIT, 0,
                       "it unfolds into more than %d times its size; the rest is passed over",
                       UNPACK_RATIO_MAX);
    }
    return OK;
}

static la_ssize_t on_read(struct archive *archive, void *context, const void **ret)
{
    struct unpack *unpack = context;
    size_t got = 0;
    (void)archive;
    unpack->failed =
        unpack->from.read(unpack->from.context, unpack->chunk, CHUNK_SIZE, &got, &unpack->why);
    if (unpack->failed != OK) {
        return ARCHIVE_FATAL;
    }
    unpack->at += got;
    *ret = unpack->chunk;
    return (la_ssize_t)got;
}

static la_int64_t on_seek(struct archive *archive, void *context, la_int64_t offset, int whence)
{
    struct unpack *unpack = context;
    (void)archive;
    int64_t base = whence == SEEK_END   ? (int64_t)unpack->from.size
                   : whence == SEEK_CUR ? (int64_t)unpack->at
                                        : 0;
    int64_t to;
    if (__builtin_add_overflow(base, offset, &to) || to < 0 ||
        unpack->from.seek(unpack->from.context, (uint64_t)to) != OK) {
        return ARCHIVE_FATAL;
    }
    unpack->at = (uint64_t)to;
    return to;
}

/* Of the last error of libarchive, or of what it read from. */
static enum err failed_say(const struct unpack *unpack, struct why *why)
{
    if (unpack->failed != OK) {
        return why_say(why, unpack->failed, 0, "%s", why_text(&unpack->why, unpack->failed));
    }
    const char *text = archive_error_string(unpack->archive);
    return why_say(why, ERR_SYNTAX, 0, "a damaged archive: %s", text != NULL ? text : "no reason");
}

static bool formats_enable(struct archive *archive)
{
    return archive_read_support_filter_gzip(archive) == ARCHIVE_OK &&
           archive_read_support_filter_bzip2(archive) == ARCHIVE_OK &&
           archive_read_support_filter_xz(archive) == ARCHIVE_OK &&
           archive_read_support_filter_zstd(archive) == ARCHIVE_OK &&
           archive_read_support_format_zip(archive) == ARCHIVE_OK &&
           archive_read_support_format_tar(archive) == ARCHIVE_OK &&
           archive_read_support_format_raw(archive) == ARCHIVE_OK &&
           archive_read_support_format_empty(archive) == ARCHIVE_OK;
}

enum err unpack_open(const struct unpack_from *from, struct unpack_purse *purse,
                     struct unpack **ret, struct why *why)
{
    struct unpack *unpack = calloc(1, sizeof *unpack);
    struct archive *archive = archive_read_new();
    if (unpack == NULL || archive == NULL || !formats_enable(archive)) {
        free(unpack);
        (void)archive_read_free(archive);
        return ERR_MEMORY;
    }
    unpack->archive = archive;
    unpack->from = *from;
    unpack->purse = purse;
    unpack->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
    if (from->seek != NULL) {
        (void)archive_read_set_seek_callback(archive, on_seek);
    }
    if (from->hashed) {
        (void)archive_read_set_format_option(archive, "zip", "ignorecrc32", "1");
    }
    if (archive_read_open(archive, unpack, NULL, on_read, NULL) != ARCHIVE_OK) {
        enum err err = failed_say(unpack, why);
        unpack_close(unpack);
        return err;
    }
    *ret = unpack;
    return OK;
}

static enum err member_next(struct unpack *unpack, struct unpack_member *ret, struct why *why)
{
    struct archive_entry *entry;
    int result = archive_read_next_header(unpack->archive, &entry);
    if (result == ARCHIVE_EOF) {
        return ERR_CLOSED;
    }
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
        return failed_say(unpack, why);
    }
    if (++unpack->purse->members > UNPACK_MEMBERS_MAX) {
        return why_say(why, ERR_LIMIT, 0, "it has more than %d members; the rest is passed over",
                       UNPACK_MEMBERS_MAX);
    }
    if (archive_format(unpack->archive) == ARCHIVE_FORMAT_RAW &&
        archive_filter_count(unpack->archive) <= 1) {
        return why_say(why, ERR_SYNTAX, 0, "a damaged archive: its beginning is not readable");
    }
    struct unpack_member member = {0};
    if (archive_format(unpack->archive) != ARCHIVE_FORMAT_RAW) {
        const char *path = archive_entry_pathname_utf8(entry);
        path = path != NULL ? path : archive_entry_pathname(entry);
        struct str text = str_slice(str_from(path != NULL ? path : "?"), 0, MEMBER_PATH_MAX);
        if (text.size > 0) {
            memcpy(unpack->path, text.data, text.size);
        }
        member.path = str_of(unpack->path, text.size);
    }
    member.encrypted = archive_entry_is_data_encrypted(entry) == 1;
    member.file =
        archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == NULL;
    *ret = member;
    return OK;
}

enum err unpack_next(struct unpack *unpack, struct unpack_member *ret, struct why *why)
{
    if (unpack->locale == NULL) {
        return member_next(unpack, ret, why);
    }
    locale_t before = uselocale(unpack->locale);
    enum err err = member_next(unpack, ret, why);
    (void)uselocale(before);
    return err;
}

enum err unpack_read(struct unpack *unpack, void *to, size_t size, size_t *ret_size,
                     struct why *why)
{
    la_ssize_t got = archive_read_data(unpack->archive, to, size);
    if (got < 0) {
        return failed_say(unpack, why);
    }
    unpack->purse->unpacked += (uint64_t)got;
    enum err err = purse_check(unpack->purse, why);
    if (err == OK) {
        *ret_size = (size_t)got;
    }
    return err;
}

void unpack_close(struct unpack *unpack)
{
    if (unpack != NULL) {
        (void)archive_read_free(unpack->archive);
        if (unpack->locale != NULL) {
            freelocale(unpack->locale);
        }
        free(unpack);
    }
}
