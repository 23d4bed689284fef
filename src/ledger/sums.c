/*
 * Sums over the pages of ledger.db, so that a bit that turned on the disk is found and named and
 * never believed.  SQLite leaves the last 8 bytes of each page to us (byte 20 of the file says so):
 *
 *     page │ …its bytes… │ first 8 bytes of SHA-256(number of the page, its bytes) │
 *
 * The VFS (db.c) puts them in as pages are written and compares them as pages are read.  The log
 * has sums of SQLite's own.
 *
 * Always true: a page of zeros needs no sum, since that is what a place looks like that was
 * never written; SQLite takes no such page for one of a table.
 */

#include "ledger/sums.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "codec/crypto.h"

#define PAGE_MIN    512
#define PAGE_MAX    65536
#define HEADER_SIZE 100
#define NAME_SIZE   4200
#define READS_MAX   5 /* of a page that a service may be writing */

bool page_is_whole(uint64_t offset, size_t size)
{
    return size >= PAGE_MIN && size <= PAGE_MAX && (size & (size - 1)) == 0 && offset % size == 0;
}

bool page_header_sums(const void *bytes, size_t size)
{
    static const char magic[16] = "SQLite format 3";
    const char *at = bytes;
    return size >= HEADER_SIZE && memcmp(at, magic, sizeof magic) == 0 &&
           (uint8_t)at[20] == PAGE_SUM_SIZE;
}

static void page_sum(const char *page, size_t size, uint64_t offset, char sum[PAGE_SUM_SIZE])
{
    char number[8];
    put_u64(number, offset / size);
    const struct str parts[] = {str_of(number, sizeof number), str_of(page, size - PAGE_SUM_SIZE)};
    struct sha256 hash = sha256_of(parts, 2);
    memcpy(sum, hash.bytes, PAGE_SUM_SIZE);
}

void page_sum_put(void *page, size_t size, uint64_t offset)
{
    page_sum(page, size, offset, (char *)page + size - PAGE_SUM_SIZE);
}

bool page_sum_holds(const void *page, size_t size, uint64_t offset)
{
    static const char zeros[PAGE_SUM_SIZE];
    const char *bytes = page;
    char sum[PAGE_SUM_SIZE];
    const char *stored = bytes + size - PAGE_SUM_SIZE;
    page_sum(bytes, size, offset, sum);
    return memcmp(sum, stored, PAGE_SUM_SIZE) == 0 ||
           (memcmp(stored, zeros, PAGE_SUM_SIZE) == 0 && bytes[0] == 0 &&
            memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* ---- The whole file, without SQLite. */

static bool page_read_holds(struct file *file, char *page, size_t size, uint64_t offset)
{
    size_t got = 0;
    bool holds = false;
    for (unsigned i = 0; i < READS_MAX && !holds; i++) {
        holds = file_read(file, offset, page, size, &got) == OK && got == size &&
                page_sum_holds(page, size, offset);
    }
    return holds;
}

static enum err pages_check(struct file *file, ledger_damage *call, void *context,
                            uint64_t *ret_damaged)
{
    char page[PAGE_MAX];
    char what[160];
    uint64_t end = 0;
    size_t got = 0;
    enum err err = file_size(file, &end);
    err = err == OK ? file_read(file, 0, page, HEADER_SIZE, &got) : err;
    if (err != OK || got < HEADER_SIZE) {
        return err;
    }
    size_t size = (size_t)((uint8_t)page[16] << 8 | (uint8_t)page[17]);
    size = size == 1 ? PAGE_MAX : size;
    if (!page_is_whole(0, size) || memcmp(page, "SQLite format 3", 16) != 0) {
        call(context, 0, "the head of the file is damaged");
        *ret_damaged += 1;
        return OK;
    }
    if (!page_header_sums(page, got)) {
        return ERR_UNSUPPORTED;
    }
    for (uint64_t at = 0; at < end; at += size) {
        if (!page_read_holds(file, page, size, at)) {
            (void)snprintf(what, sizeof what,
                           "page %llu (%zu bytes) is not what was written: restore the ledger from "
                           "a backup",
                           (unsigned long long)(at / size + 1), size);
            call(context, at, what);
            *ret_damaged += 1;
        }
    }
    return OK;
}

enum err ledger_pages_check(struct disk *disk, const char *folder, ledger_damage *call,
                            void *context, uint64_t *ret_damaged)
{
    char path[NAME_SIZE];
    struct file *file;
    uint64_t damaged = 0;
    if (snprintf(path, sizeof path, "%s/ledger.db", folder) >= (int)sizeof path) {
        return ERR_LIMIT;
    }
    enum err err = disk_open(disk, path, DISK_READ, &file, NULL);
    if (err == OK) {
        err = pages_check(file, call, context, &damaged);
        file_close(file);
    }
    *ret_damaged = damaged;
    return err == OK && damaged > 0 ? ERR_CORRUPT : err;
}
