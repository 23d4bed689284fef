/*
 * A piece: some bytes of one file, sealed, as a file of its own.
 *
 *     OFFSET SIZE MEANING
 *          0    8 "HINOMIbp"; a list: "HINOMIbl"
 *          8    4 version, 1
 *         12    4 client, 0 for the installation
 *         16   32 seed, random
 *         48      chunks: u32 size once open, u32 size as it lies, the sealed bytes
 *
 * piece key = HMAC(set key, "hinomi piece 1" ‖ seed).  A chunk is sealed with AES-256-GCM, nonce =
 * number of the chunk (u64) ‖ u32 1 for the last and 0 for others, beside it the head and its own
 * two sizes; opened it is the bytes themselves or, if that is smaller, one zstd frame of them.
 * Exactly one chunk is the last; it may be empty, and nothing follows it.
 *
 * Always true: a reader gives away no byte that was not sealed here; a piece cut short has no last
 * chunk.
 */

#include "serve/backup_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "codec/zstd.h"
#include "sys/random.h"

#define HEAD_SIZE       48
#define SIZES_SIZE      8
#define BESIDE_SIZE     (HEAD_SIZE + SIZES_SIZE)
#define CHUNK_SIZE_MAX  ((size_t)1 << 20)
#define SEALED_SIZE_MAX (CHUNK_SIZE_MAX + CHUNK_SIZE_MAX / 64 + AES_TAG_SIZE)
#define PACK_LEVEL      3

static const char magics[2][9] = {"HINOMIbp", "HINOMIbl"};

/* What both ways need. */
struct run {
    struct file *file;
    uint64_t at;
    struct sha256_run *hash;
    struct sha256 key;
    char beside[BESIDE_SIZE];
    char *plain, *sealed; /* SEALED_SIZE_MAX each */
    struct zstd *zstd;
    uint64_t chunk;
};

static void key_make(const struct sealed *piece, const char *head, struct sha256 *ret)
{
    const struct str parts[] = {STR("hinomi piece 1"), str_of(head + 16, 32)};
    *ret = hmac_sha256_of(piece->key, parts, 2);
}

static void nonce_make(uint64_t chunk, bool last, uint8_t nonce[AES_NONCE_SIZE])
{
    put_u64(nonce, chunk);
    put_u32(nonce + 8, last);
}

static enum err run_begin(struct run *run)
{
    run->hash = sha256_begin();
    run->plain = malloc(SEALED_SIZE_MAX);
    run->sealed = malloc(SIZES_SIZE + SEALED_SIZE_MAX);
    run->zstd = zstd_new(PACK_LEVEL);
    return run->plain == NULL || run->sealed == NULL || run->zstd == NULL ? ERR_MEMORY : OK;
}

static struct sha256 run_end(struct run *run)
{
    struct sha256 hash = sha256_end(run->hash);
    file_close(run->file);
    zstd_free(run->zstd);
    if (run->plain != NULL) {
        secret_forget(run->plain, SEALED_SIZE_MAX);
    }
    free(run->plain);
    free(run->sealed);
    secret_forget(run, sizeof *run);
    return hash;
}

static enum err run_put(struct run *run, const void *bytes, size_t size)
{
    enum err err = file_write(run->file, run->at, bytes, size);
    if (err == OK) {
        sha256_add(run->hash, str_of(bytes, size));
        run->at += size;
    }
    return err;
}

/* Seals run->plain. */
static enum err chunk_put(struct run *run, size_t size, bool pack, bool last)
{
    struct str inner = str_of(run->plain, size);
    uint8_t nonce[AES_NONCE_SIZE];
    char *packed = NULL;
    if (pack && size > 0) {
        size_t packed_size = 0;
        packed = malloc(zstd_bound(size));
        enum err err = packed == NULL
                           ? ERR_MEMORY
                           : zstd_pack(run->zstd, inner, packed, zstd_bound(size), &packed_size);
        if (err != OK) {
            free(packed);
            return err;
        }
        inner = packed_size < size ? str_of(packed, packed_size) : inner;
    }
    put_u32(run->sealed, (uint32_t)size);
    put_u32(run->sealed + 4, (uint32_t)inner.size);
    memcpy(run->beside + HEAD_SIZE, run->sealed, SIZES_SIZE);
    nonce_make(run->chunk++, last, nonce);
    aes_seal(run->key.bytes, nonce, str_of(run->beside, BESIDE_SIZE), inner,
             run->sealed + SIZES_SIZE);
    free(packed);
    return run_put(run, run->sealed, SIZES_SIZE + inner.size + AES_TAG_SIZE);
}

static enum err source_get(const struct piece_source *source, uint64_t at, size_t size, char *to)
{
    size_t got = 0;
    if (source->file == NULL) {
        memcpy(to, source->bytes.data + at, size);
        return OK;
    }
    enum err err = file_read(source->file, at, to, size, &got);
    return err == OK && got != size ? ERR_CORRUPT : err;
}

static enum err chunks_put(struct run *run, const struct piece_source *source)
{
    uint64_t at = source->from;
    enum err err;
    bool last;
    do {
        uint64_t left = source->to - at;
        size_t size = left < CHUNK_SIZE_MAX ? (size_t)left : CHUNK_SIZE_MAX;
        last = size == left;
        err = size > 0 ? source_get(source, at, size, run->plain) : OK;
        err = err == OK ? chunk_put(run, size, source->pack, last) : err;
        at += size;
    } while (err == OK && !last);
    return err;
}

enum err piece_write(struct disk *disk, const char *path, const struct sealed *piece,
                     const struct piece_source *source, uint64_t *ret_size, struct sha256 *ret_hash,
                     struct why *why)
{
    struct run run = {0};
    enum err err = run_begin(&run);
    err = err == OK ? disk_open(disk, path, DISK_WRITE_CREATE, &run.file, why) : err;
    err = err == OK ? file_truncate(run.file, 0) : err;
    memcpy(run.beside, magics[piece->kind], 8);
    put_u32(run.beside + 8, 1);
    put_u32(run.beside + 12, piece->client);
    random_bytes(run.beside + 16, 32);
    key_make(piece, run.beside, &run.key);
    err = err == OK ? run_put(&run, run.beside, HEAD_SIZE) : err;
    err = err == OK ? chunks_put(&run, source) : err;
    err = err == OK ? file_sync(run.file) : err;
    *ret_size = run.at;
    *ret_hash = run_end(&run);
    return err == OK ? OK : why_say(why, err, 0, "%s: %s", path, err_text(err));
}

static enum err run_get(struct run *run, void *to, size_t size)
{
    size_t got = 0;
    enum err err = file_read(run->file, run->at, to, size, &got);
    if (err == OK && got < size) {
        return ERR_CORRUPT;
    }
    if (err == OK) {
        sha256_add(run->hash, str_of(to, size));
        run->at += size;
    }
    return err;
}

static enum err chunk_get(struct run *run, piece_take *take, void *context, bool *ret_last)
{
    uint8_t nonce[AES_NONCE_SIZE];
    enum err err = run_get(run, run->sealed, SIZES_SIZE);
    if (err != OK) {
        return err;
    }
    size_t size = get_u32(run->sealed);
    size_t inner = get_u32(run->sealed + 4);
    if (size > CHUNK_SIZE_MAX || inner > size) {
        return ERR_CORRUPT;
    }
    memcpy(run->beside + HEAD_SIZE, run->sealed, SIZES_SIZE);
    err = run_get(run, run->sealed, inner + AES_TAG_SIZE);
    struct str sealed = str_of(run->sealed, inner + AES_TAG_SIZE);
    struct str beside = str_of(run->beside, BESIDE_SIZE);
    *ret_last = false;
    for (int last = 0; last < 2 && err == OK; last++) {
        nonce_make(run->chunk, last != 0, nonce);
        enum err opened = aes_open(run->key.bytes, nonce, beside, sealed, run->plain);
        if (opened == OK) {
            *ret_last = last != 0;
            break;
        }
        err = last != 0 ? ERR_CORRUPT : OK;
    }
    if (err == OK && inner < size) {
        memcpy(run->sealed, run->plain, inner);
        err = zstd_unpack(run->zstd, str_of(run->sealed, inner), run->plain, size);
    }
    run->chunk++;
    return err == OK && size > 0 ? take(context, str_of(run->plain, size)) : err;
}

static enum err chunks_get(struct run *run, piece_take *take, void *context)
{
    char beyond;
    size_t got = 0;
    bool last = false;
    enum err err = OK;
    while (err == OK && !last) {
        err = chunk_get(run, take, context, &last);
    }
    err = err == OK ? file_read(run->file, run->at, &beyond, 1, &got) : err;
    return err == OK && got > 0 ? ERR_CORRUPT : err;
}

enum err piece_read(struct disk *disk, const char *path, const struct sealed *piece,
                    piece_take *take, void *context, struct sha256 *ret_hash, struct why *why)
{
    struct run run = {0};
    const char *what = "is not what was written";
    enum err err = run_begin(&run);
    err = err == OK ? disk_open(disk, path, DISK_READ, &run.file, NULL) : err;
    if (err == OK) {
        err = run_get(&run, run.beside, HEAD_SIZE);
        if (err == OK && (memcmp(run.beside, magics[piece->kind], 8) != 0 ||
                          get_u32(run.beside + 12) != piece->client)) {
            err = ERR_CORRUPT;
        } else if (err == OK && get_u32(run.beside + 8) != 1) {
            err = ERR_UNSUPPORTED;
            what = "was written by a newer hinomi";
        }
    }
    if (err == OK) {
        key_make(piece, run.beside, &run.key);
        err = chunks_get(&run, take, context);
    }
    uint64_t at = run.at;
    struct sha256 hash = run_end(&run);
    if (err == OK && ret_hash != NULL) {
        *ret_hash = hash;
    }
    if (err == ERR_NOT_FOUND) {
        return why_say(why, err, 0, "%s is missing", path);
    }
    return err == OK ? OK
                     : why_say(why, err, 0, "%s %s, from byte %llu on", path,
                               err == ERR_CORRUPT || err == ERR_UNSUPPORTED ? what : err_text(err),
                               (unsigned long long)at);
}
