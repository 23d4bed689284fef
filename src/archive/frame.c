/*
 * One frame of a journal: a header that can be checked without any key, and a sealed payload.
 *
 * A frame stands alone.  Its payload's key is derived from the client's key, the journal's number
 * and 32 random bytes in its own header, so no damage elsewhere makes it unreadable, and no key is
 * ever used for two payloads, whatever happens to files (a restored snapshot included).  That is
 * why the nonce can be zero.
 *
 * Always true: the header's hash covers the payload's hash, the next frame's chain covers the
 * header's hash.  Layout: docs/formats/journal.md.
 */

#include "archive/private.h"

#include <string.h>

#include "base/bytes.h"
#include "event/columns.h"
#include "event/outlines.h"
#include "sys/random.h"

static const char magic[8] = {'H', 'I', 'N', 'O', 'M', 'I', 'j', 'f'};
static const uint8_t nonce_zero[AES_NONCE_SIZE];

#define FIRST_AT     8 /* behind the sizes of the first zstd frame, plain and packed */
#define TOGETHER_MAX ((size_t)32 << 10)

struct sha256 journal_key(const uint8_t client_key[AES_KEY_SIZE], struct client_id client,
                          uint64_t journal)
{
    char numbers[12];
    put_u32(numbers, client.value);
    put_u64(numbers + 4, journal);
    const struct str parts[] = {STR("hinomi journal 1"), str_of(numbers, sizeof numbers)};
    return hmac_sha256_of(client_key, parts, 2);
}

static struct sha256 payload_key(const struct sha256 *key, const uint8_t seed[SHA256_SIZE])
{
    const struct str parts[] = {STR("hinomi frame 1"), str_of(seed, SHA256_SIZE)};
    return hmac_sha256_of(key->bytes, parts, 2);
}

enum err frame_leaf_check(const struct frame *frame, const uint8_t salt[FRAME_SALT_SIZE],
                          const struct batch *batch, bool *ret)
{
    struct leaf_head head;
    struct sha256 leaf = {0};
    enum err err = OK;
    if (frame->version < 3) {
        err = leaf_of_form_1(salt, frame->first, batch, &leaf);
    } else {
        err = leaf_told(salt, frame->first, batch, &head);
        leaf = err == OK ? leaf_hash(&head) : leaf;
    }
    *ret = err == OK && sha256_equal(&leaf, &frame->leaf);
    return err;
}

/* What a data frame packs: the tables, then the text where it stands; of a small batch both as one,
 * since each call of zstd costs as much as some 10 KiB.  tables: room for them, and for such a
 * text, until they are packed. */
static enum err batch_pack(const struct batch *batch, struct zstd *zstd, struct arena *scratch,
                           char *tables, char *to, size_t *ret_size)
{
    const bool together = batch->text.size < TOGETHER_MAX;
    size_t first = 0;
    size_t packed = 0;
    size_t text = 0;
    enum err err = outlines_pack(batch, scratch, tables, &first);
    if (err == OK && together) {
        memcpy(tables + first, batch->text.data, batch->text.size);
        first += batch->text.size;
    }
    if (err == OK) {
        err = zstd_pack(zstd, str_of(tables, first), to + FIRST_AT, zstd_bound(first), &packed);
    }
    if (err == OK && !together) {
        err = zstd_pack(zstd, batch->text, to + FIRST_AT + packed, zstd_bound(batch->text.size),
                        &text);
    }
    if (err == OK) {
        put_u32(to, (uint32_t)first);
        put_u32(to + 4, (uint32_t)packed);
        *ret_size = FIRST_AT + packed + text;
    }
    return err;
}

/* Packs to where it belongs in the frame that is next in `out`: behind header and salt. */
static enum err payload_pack(const struct frame_content *content, struct zstd *zstd,
                             struct arena *scratch, struct buf *out, size_t *ret_size)
{
    const struct batch *batch = content->batch;
    const size_t tables = batch == NULL ? 0 : outlines_bound(batch) + TOGETHER_MAX;
    const size_t bound = batch == NULL
                             ? zstd_bound(content->plain.size)
                             : FIRST_AT + zstd_bound(tables) + zstd_bound(batch->text.size);
    const size_t room = FRAME_HEADER_SIZE + FRAME_SALT_SIZE + bound + AES_TAG_SIZE;
    const size_t before = out->size;
    char *at;
    /* The tables are made behind the frame, and forgotten. */
    enum err err = buf_extend(out, room + tables, &at);
    if (err != OK) {
        return err;
    }
    char *to = at + FRAME_HEADER_SIZE + FRAME_SALT_SIZE;
    err = batch == NULL ? zstd_pack(zstd, content->plain, to, bound, ret_size)
                        : batch_pack(batch, zstd, scratch, at + room, to, ret_size);
    if (err != OK) {
        out->size = before;
    }
    return err;
}

enum err frame_append(struct frame *frame, const struct sha256 *key,
                      const struct frame_content *content, const uint8_t salt[FRAME_SALT_SIZE],
                      struct zstd *zstd, struct arena *scratch, struct buf *out)
{
    const size_t before = out->size;
    size_t packed = 0;
    enum err err = payload_pack(content, zstd, scratch, out, &packed);
    if (err != OK) {
        return err;
    }
    char *at = out->data + before;
    char *payload = at + FRAME_HEADER_SIZE;
    memcpy(payload, salt, FRAME_SALT_SIZE);
    frame->version = FRAME_VERSION;
    frame->payload_size = (uint32_t)(FRAME_SALT_SIZE + packed + AES_TAG_SIZE);
    frame->plain_size =
        (uint32_t)(content->batch == NULL ? content->plain.size : content->batch->bytes.size);
    random_bytes(frame->seed, sizeof frame->seed);
    frame_encode(frame, at);
    struct sha256 sealing = payload_key(key, frame->seed);
    aes_seal(sealing.bytes, nonce_zero, str_of(at, FRAME_BESIDE_SIZE),
             str_of(payload, FRAME_SALT_SIZE + packed), payload);
    secret_forget(&sealing, sizeof sealing);
    frame->payload_hash = sha256_of_bytes(str_of(payload, frame->payload_size));
    memcpy(at + 240, frame->payload_hash.bytes, SHA256_SIZE);
    frame->hash = sha256_of_bytes(str_of(at, 272));
    memcpy(at + 272, frame->hash.bytes, SHA256_SIZE);
    out->size = before + FRAME_HEADER_SIZE + frame->payload_size;
    return OK;
}

void frame_encode(const struct frame *frame, char *header)
{
    memset(header, 0, FRAME_HEADER_SIZE);
    memcpy(header, magic, sizeof magic);
    put_u16(header + 8, frame->version);
    header[10] = (char)frame->kind;
    put_u32(header + 12, frame->payload_size);
    put_u64(header + 16, frame->journal);
    put_u64(header + 24, frame->offset);
    put_u64(header + 32, frame->group);
    put_u64(header + 40, frame->before_journal);
    put_u64(header + 48, frame->before_end);
    put_u32(header + 56, frame->client.value);
    put_u32(header + 60, frame->source.value);
    put_u64(header + 64, frame->first);
    put_u32(header + 72, frame->events);
    put_u32(header + 76, frame->plain_size);
    put_u64(header + 80, frame->ring.ring);
    put_u64(header + 88, frame->ring.position);
    put_u64(header + 96, (uint64_t)frame->wall.ns);
    memcpy(header + 104, frame->key.hash, 16);
    put_u64(header + 120, frame->key.digest);
    put_u32(header + 128, frame->key.part);
    put_u32(header + 132, frame->key.parts);
    put_u64(header + 136, frame->leaf_index);
    memcpy(header + 144, frame->seed, SHA256_SIZE);
    memcpy(header + 176, frame->leaf.bytes, SHA256_SIZE);
    memcpy(header + 208, frame->chain.bytes, SHA256_SIZE);
    memcpy(header + 240, frame->payload_hash.bytes, SHA256_SIZE);
}

/* What a header may say at all; the hash has been checked, so this only matters where somebody
 * wrote a header who is not us. */
static bool frame_fits(const struct frame *frame)
{
    bool sizes = frame->payload_size >= FRAME_SALT_SIZE + AES_TAG_SIZE &&
                 frame->payload_size <= FRAME_PAYLOAD_MAX && frame->plain_size > 0 &&
                 frame->plain_size <= BATCH_SIZE_MAX;
    bool numbers = frame->client.value != 0 && frame->first != 0 && frame->group <= frame->offset &&
                   frame->first < UINT64_MAX / 2 && frame->leaf_index < UINT64_MAX / 2;
    bool kind =
        (frame->kind == FRAME_DATA && frame->events > 0 && frame->events <= EVENTS_PER_BATCH_MAX) ||
        (frame->kind == FRAME_GENERATION && frame->events == 0);
    return sizes && numbers && kind;
}

bool frame_decode(const char *header, uint64_t journal, uint64_t offset, struct frame *ret)
{
    uint16_t version = get_u16(header + 8);
    if (memcmp(header, magic, sizeof magic) != 0 || version < 1 || version > FRAME_VERSION ||
        get_u64(header + 16) != journal || get_u64(header + 24) != offset) {
        return false;
    }
    struct frame frame = {
        .version = version,
        .kind = (enum frame_kind)(unsigned char)header[10],
        .payload_size = get_u32(header + 12),
        .journal = journal,
        .offset = offset,
        .group = get_u64(header + 32),
        .before_journal = get_u64(header + 40),
        .before_end = get_u64(header + 48),
        .client = {get_u32(header + 56)},
        .source = {get_u32(header + 60)},
        .first = get_u64(header + 64),
        .events = get_u32(header + 72),
        .plain_size = get_u32(header + 76),
        .ring = {get_u64(header + 80), get_u64(header + 88)},
        .wall = {(int64_t)get_u64(header + 96)},
        .key = {.digest = get_u64(header + 120),
                .part = get_u32(header + 128),
                .parts = get_u32(header + 132)},
        .leaf_index = get_u64(header + 136),
    };
    memcpy(frame.key.hash, header + 104, 16);
    memcpy(frame.seed, header + 144, SHA256_SIZE);
    memcpy(frame.leaf.bytes, header + 176, SHA256_SIZE);
    memcpy(frame.chain.bytes, header + 208, SHA256_SIZE);
    memcpy(frame.payload_hash.bytes, header + 240, SHA256_SIZE);
    frame.hash = sha256_of_bytes(str_of(header, 272));
    if (memcmp(frame.hash.bytes, header + 272, SHA256_SIZE) != 0 || !frame_fits(&frame)) {
        return false;
    }
    *ret = frame;
    return true;
}

static enum err payload_read(struct file *file, const struct frame *frame, struct arena *mem,
                             struct str *ret, struct why *why)
{
    size_t got = 0;
    char *payload = arena_take_plain(mem, frame->payload_size);
    if (payload == NULL) {
        return ERR_MEMORY;
    }
    enum err err =
        file_read(file, frame->offset + FRAME_HEADER_SIZE, payload, frame->payload_size, &got);
    if (err == ERR_IO || (err == OK && got != frame->payload_size)) {
        return why_say(why, ERR_CORRUPT, 0, "the frame's payload cannot be read");
    }
    if (err != OK) {
        return err;
    }
    *ret = str_of(payload, got);
    return OK;
}

static bool payload_is(const struct frame *frame, struct str payload)
{
    struct sha256 hash = sha256_of_bytes(payload);
    return sha256_equal(&hash, &frame->payload_hash);
}

enum err frame_payload(struct file *file, const struct frame *frame, struct arena *mem,
                       struct str *ret, struct why *why)
{
    struct str payload;
    enum err err = payload_read(file, frame, mem, &payload, why);
    if (err == OK && !payload_is(frame, payload)) {
        err = why_say(why, ERR_CORRUPT, 0, "the frame's payload is not what was written");
    }
    if (err == OK) {
        *ret = payload;
    }
    return err;
}

/* From version 4 on.  The text is at the end of the first piece, or a piece of its own. */
static enum err batch_unpack(struct str packed, struct zstd *zstd, struct arena *mem, char *plain,
                             size_t size)
{
    if (packed.size < FIRST_AT) {
        return ERR_CORRUPT;
    }
    const size_t first_size = get_u32(packed.data);
    const size_t first_packed = get_u32(packed.data + 4);
    const struct str rest = str_slice(packed, FIRST_AT, packed.size);
    const struct str first = str_slice(rest, 0, first_packed);
    const struct str second = str_slice(rest, first.size, rest.size);
    if (first_size > FRAME_PAYLOAD_MAX || first_size < BATCH_HEADER_SIZE ||
        first_packed > rest.size) {
        return ERR_CORRUPT;
    }
    char *tables = arena_take_plain(mem, first_size);
    if (tables == NULL) {
        return ERR_MEMORY;
    }
    size_t at = 0;
    enum err err = zstd_unpack(zstd, first, tables, first_size);
    const size_t text = err == OK && second.size == 0 ? get_u32(tables + 32) : 0;
    if (err == OK) {
        err = text > first_size
                  ? ERR_CORRUPT
                  : outlines_unpack(str_of(tables, first_size - text), mem, plain, size, &at);
    }
    if (err == OK && second.size == 0) {
        memcpy(plain + at, tables + first_size - text, text);
    } else if (err == OK) {
        err = zstd_unpack(zstd, second, plain + at, size - at);
    }
    return err;
}

/* Before: all in one piece, of version 1 as it is, later with its tables turned. */
static enum err whole_unpack(const struct frame *frame, struct str packed, struct zstd *zstd,
                             struct arena *mem, char *plain)
{
    const bool turned = frame->version > 1 && frame->kind == FRAME_DATA;
    char *columns = turned ? arena_take_plain(mem, frame->plain_size) : plain;
    if (columns == NULL) {
        return ERR_MEMORY;
    }
    enum err err = zstd_unpack(zstd, packed, columns, frame->plain_size);
    return err == OK && turned ? columns_to_batch(str_of(columns, frame->plain_size), plain) : err;
}

enum err frame_open(const struct frame *frame, struct str payload, const struct sha256 *key,
                    struct zstd *zstd, struct arena *mem, uint8_t ret_salt[FRAME_SALT_SIZE],
                    struct str *ret_plain, struct why *why)
{
    char header[FRAME_HEADER_SIZE];
    char *opened = arena_take_plain(mem, payload.size);
    char *plain = arena_take_plain(mem, frame->plain_size);
    if (plain == NULL || opened == NULL) {
        return ERR_MEMORY;
    }
    frame_encode(frame, header);
    struct sha256 sealing = payload_key(key, frame->seed);
    enum err err =
        aes_open(sealing.bytes, nonce_zero, str_of(header, FRAME_BESIDE_SIZE), payload, opened);
    secret_forget(&sealing, sizeof sealing);
    if (err != OK) {
        return why_say(why, ERR_CORRUPT, 0, "%s",
                       payload_is(frame, payload) ? "the frame does not open with the client's key"
                                                  : "the frame's payload is not what was written");
    }
    memcpy(ret_salt, opened, FRAME_SALT_SIZE);
    const struct str packed =
        str_of(opened + FRAME_SALT_SIZE, payload.size - FRAME_SALT_SIZE - AES_TAG_SIZE);
    const bool apart = frame->version > 3 && frame->kind == FRAME_DATA;
    err = apart ? batch_unpack(packed, zstd, mem, plain, frame->plain_size)
                : whole_unpack(frame, packed, zstd, mem, plain);
    if (err != OK) {
        return why_say(why, err, 0, "the frame does not unpack to the size that it names");
    }
    *ret_plain = str_of(plain, frame->plain_size);
    return OK;
}

enum err frame_unfold(const struct frame *frame, struct str payload, const struct sha256 *key,
                      struct zstd *zstd, struct arena *mem, uint8_t ret_salt[FRAME_SALT_SIZE],
                      struct batch *ret, struct why *why)
{
    struct str plain;
    enum err err = frame_open(frame, payload, key, zstd, mem, ret_salt, &plain, why);
    if (err == OK) {
        err = batch_check(plain, mem, ret, why);
    }
    if (err == OK && (!client_equal(ret->client, frame->client) ||
                      ret->source.value != frame->source.value || ret->events != frame->events)) {
        err = why_say(why, ERR_CORRUPT, 0, "the batch is not the one that its frame names");
    }
    return err;
}

/* The seal says of the payload all that its hash would say, and more: that is for who has no key.
 */
enum err frame_batch(struct file *file, const struct frame *frame, const struct sha256 *key,
                     struct zstd *zstd, struct arena *mem, uint8_t ret_salt[FRAME_SALT_SIZE],
                     struct batch *ret, struct why *why)
{
    struct str payload;
    enum err err = payload_read(file, frame, mem, &payload, why);
    return err == OK ? frame_unfold(frame, payload, key, zstd, mem, ret_salt, ret, why) : err;
}
