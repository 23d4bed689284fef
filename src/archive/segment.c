/*
 * The segment's head and what can be read of it without a key, its names, its keys.
 *
 *     OFFSET SIZE MEANING                          OFFSET SIZE MEANING
 *          0    8 "HINOMIsg"                           96    8 oldest arrival
 *          8    2 version, 1                          104    8 newest arrival
 *         10    2 zero                                112    8 earliest time of an event
 *         12    4 client                              120    8 latest
 *         16    8 generation                          128    8 events
 *         24    4 days of the class                   136    8 bytes of the records
 *         28    4 level                               144    8 leaves
 *         32   32 seed                                152    8 blocks
 *         64    8 first sequence number               160    8 size of the file
 *         72    8 last                                168  120 five pieces: offset, size, plain
 *         80    8 first leaf                          288   96 hashes: body, sources, leaves
 *         88    8 last leaf                           384   96 zeros
 *                                                     480   32 SHA-256 of all before
 *
 * Always true: whoever has a head from here may trust that every piece lies within the file, that
 * no two overlap, and that no count in it asks for more memory than limits.h allows.
 */

#include "archive/segment.h"

#include <stdio.h>
#include <string.h>

#include "archive/segment_private.h"
#include "base/bytes.h"
#include "codec/zstd.h"

#define PIECES_AT   168
#define HASHES_AT   288
#define REPLACES_AT 384
#define HASH_AT     480
#define WINDOW      ((size_t)1 << 20)

static const char magic[8] = {'H', 'I', 'N', 'O', 'M', 'I', 's', 'g'};

struct sha256 segment_key(const uint8_t client_key[AES_KEY_SIZE], struct client_id client,
                          const uint8_t seed[32])
{
    char number[4];
    put_u32(number, client.value);
    const struct str parts[] = {STR("hinomi segment 1"), str_of(number, sizeof number),
                                str_of(seed, 32)};
    return hmac_sha256_of(client_key, parts, 3);
}

void segment_filter_key_of(const struct sha256 *key, uint8_t ret[BLOCK_FILTER_KEY_SIZE])
{
    const struct str parts[] = {STR("hinomi filter 1")};
    struct sha256 made = hmac_sha256_of(key->bytes, parts, 1);
    memcpy(ret, made.bytes, BLOCK_FILTER_KEY_SIZE);
    secret_forget(&made, sizeof made);
}

enum err segment_path(const char *folder, struct client_id client, uint64_t generation, bool whole,
                      char *path, size_t size)
{
    int printed = snprintf(path, size, "%s/segments/%u/%010llu.%s", folder, client.value,
                           (unsigned long long)generation, whole ? "segment" : "new");
    return printed < 0 || (size_t)printed >= size ? ERR_LIMIT : OK;
}

void segment_head_encode(const struct segment_head *head, char *to)
{
    memset(to, 0, SEGMENT_HEAD_SIZE);
    memcpy(to, magic, sizeof magic);
    put_u16(to + 8, SEGMENT_VERSION);
    put_u32(to + 12, head->client.value);
    put_u64(to + 16, head->generation);
    put_u32(to + 24, head->days);
    put_u32(to + 28, head->level);
    memcpy(to + 32, head->seed, 32);
    const uint64_t numbers[] = {head->first,
                                head->last,
                                head->leaf_first,
                                head->leaf_last,
                                (uint64_t)head->oldest.ns,
                                (uint64_t)head->newest.ns,
                                (uint64_t)head->earliest.ns,
                                (uint64_t)head->latest.ns,
                                head->events,
                                head->original,
                                head->leaves,
                                head->blocks,
                                head->size};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        put_u64(to + 64 + 8 * i, numbers[i]);
    }
    for (size_t i = 0; i < PIECE_COUNT; i++) {
        put_u64(to + PIECES_AT + 24 * i, head->pieces[i].offset);
        put_u64(to + PIECES_AT + 24 * i + 8, head->pieces[i].size);
        put_u64(to + PIECES_AT + 24 * i + 16, head->pieces[i].plain);
    }
    memcpy(to + HASHES_AT, head->body.bytes, SHA256_SIZE);
    memcpy(to + HASHES_AT + 32, head->sources.bytes, SHA256_SIZE);
    memcpy(to + HASHES_AT + 64, head->leaf_table.bytes, SHA256_SIZE);
    for (size_t i = 0; i < SEGMENT_REPLACES_MAX; i++) {
        put_u64(to + REPLACES_AT + 8 * i, head->replaces[i]);
    }
    struct sha256 hash = sha256_of_bytes(str_of(to, HASH_AT));
    memcpy(to + HASH_AT, hash.bytes, SHA256_SIZE);
}

/* The pieces stand one behind the other up to the end of the file, the first behind the blocks. */
static bool pieces_fit(const struct segment_head *head)
{
    static const uint64_t plain_max[PIECE_COUNT] = {
        [PIECE_GENERATIONS] = SEGMENT_GENERATIONS_MAX,
        [PIECE_SALTS] = (uint64_t)SEGMENT_LEAVES_MAX * SEGMENT_SALT_SIZE,
        [PIECE_DIRECTORY] = SEGMENT_DIRECTORY_MAX,
        [PIECE_SOURCES] = (uint64_t)SOURCES_MAX * SEGMENT_SOURCE_SIZE,
        [PIECE_LEAVES] = (uint64_t)SEGMENT_LEAVES_MAX * SEGMENT_LEAF_SIZE,
    };
    uint64_t at = head->pieces[0].offset;
    bool fits = at >= SEGMENT_HEAD_SIZE;
    for (size_t i = 0; i < PIECE_COUNT; i++) {
        const struct segment_stretch *piece = &head->pieces[i];
        uint64_t size_max = i == PIECE_LEAVES    ? zstd_bound((size_t)plain_max[i])
                            : i == PIECE_SOURCES ? plain_max[i]
                                                 : plain_max[i] + AES_TAG_SIZE;
        fits = fits && piece->offset == at && piece->plain <= plain_max[i] &&
               piece->size <= size_max && piece->size <= head->size - at;
        fits = fits && (i == PIECE_LEAVES ||
                        piece->size == piece->plain + (i == PIECE_SOURCES ? 0 : AES_TAG_SIZE));
        at = fits ? at + piece->size : at;
    }
    return fits && at == head->size;
}

static bool head_fits(const struct segment_head *head)
{
    return head->client.value != 0 && head->generation != 0 && head->generation < UINT64_MAX / 2 &&
           head->first != 0 && head->first <= head->last && head->last < UINT64_MAX / 2 &&
           head->leaf_first <= head->leaf_last && head->leaf_last < UINT64_MAX / 2 &&
           head->leaves > 0 && head->leaves <= SEGMENT_LEAVES_MAX &&
           head->leaves <= head->leaf_last - head->leaf_first + 1 && head->blocks > 0 &&
           head->blocks <= head->leaves && head->events >= head->leaves &&
           head->events <= head->last - head->first + 1 && head->oldest.ns <= head->newest.ns &&
           head->earliest.ns <= head->latest.ns &&
           head->pieces[PIECE_SALTS].plain == head->leaves * SEGMENT_SALT_SIZE &&
           head->pieces[PIECE_LEAVES].plain == head->leaves * SEGMENT_LEAF_SIZE &&
           head->pieces[PIECE_SOURCES].plain % SEGMENT_SOURCE_SIZE == 0 && pieces_fit(head);
}

bool segment_head_decode(const char *from, struct segment_head *ret)
{
    struct sha256 hash = sha256_of_bytes(str_of(from, HASH_AT));
    if (memcmp(from, magic, sizeof magic) != 0 || get_u16(from + 8) != SEGMENT_VERSION ||
        memcmp(hash.bytes, from + HASH_AT, SHA256_SIZE) != 0) {
        return false;
    }
    struct segment_head head = {
        .client = {get_u32(from + 12)},
        .version = get_u16(from + 8),
        .generation = get_u64(from + 16),
        .days = get_u32(from + 24),
        .level = get_u32(from + 28),
        .first = get_u64(from + 64),
        .last = get_u64(from + 72),
        .leaf_first = get_u64(from + 80),
        .leaf_last = get_u64(from + 88),
        .oldest = {(int64_t)get_u64(from + 96)},
        .newest = {(int64_t)get_u64(from + 104)},
        .earliest = {(int64_t)get_u64(from + 112)},
        .latest = {(int64_t)get_u64(from + 120)},
        .events = get_u64(from + 128),
        .original = get_u64(from + 136),
        .leaves = get_u64(from + 144),
        .blocks = get_u64(from + 152),
        .size = get_u64(from + 160),
    };
    memcpy(head.seed, from + 32, 32);
    for (size_t i = 0; i < PIECE_COUNT; i++) {
        const char *at = from + PIECES_AT + 24 * i;
        head.pieces[i] = (struct segment_stretch){get_u64(at), get_u64(at + 8), get_u64(at + 16)};
    }
    for (size_t i = 0; i < SEGMENT_REPLACES_MAX; i++) {
        head.replaces[i] = get_u64(from + REPLACES_AT + 8 * i);
    }
    memcpy(head.body.bytes, from + HASHES_AT, SHA256_SIZE);
    memcpy(head.sources.bytes, from + HASHES_AT + 32, SHA256_SIZE);
    memcpy(head.leaf_table.bytes, from + HASHES_AT + 64, SHA256_SIZE);
    if (!head_fits(&head)) {
        return false;
    }
    *ret = head;
    return true;
}

enum err segment_head_read(struct file *file, struct segment_head *ret, struct why *why)
{
    char bytes[SEGMENT_HEAD_SIZE];
    struct segment_head head;
    uint64_t size = 0;
    size_t got = 0;
    enum err err = file_size(file, &size);
    err = err == OK ? file_read(file, 0, bytes, sizeof bytes, &got) : err;
    if (err == ERR_IO) {
        return why_say(why, ERR_CORRUPT, 0, "the segment's head cannot be read");
    }
    if (err != OK) {
        return err;
    }
    if (got != sizeof bytes || !segment_head_decode(bytes, &head)) {
        return why_say(why, ERR_CORRUPT, 0, "the segment's head is not what was written");
    }
    if (head.size != size) {
        return why_say(why, ERR_CORRUPT, 0, "the segment has %llu bytes and should have %llu",
                       (unsigned long long)size, (unsigned long long)head.size);
    }
    *ret = head;
    return OK;
}

enum err segment_stretch_read(struct file *file, const struct segment_stretch *stretch,
                              struct arena *mem, struct str *ret, struct why *why)
{
    size_t got = 0;
    char *bytes = arena_take_plain(mem, (size_t)stretch->size + 1);
    if (bytes == NULL) {
        return ERR_MEMORY;
    }
    enum err err = file_read(file, stretch->offset, bytes, (size_t)stretch->size, &got);
    if (err == ERR_IO || (err == OK && got != stretch->size)) {
        return why_say(why, ERR_CORRUPT, 0, "%llu bytes at %llu cannot be read",
                       (unsigned long long)stretch->size, (unsigned long long)stretch->offset);
    }
    *ret = str_of(bytes, got);
    return err;
}

static enum err table_read(struct file *file, const struct segment_stretch *piece,
                           const struct sha256 *hash, struct arena *mem, struct str *ret,
                           struct why *why)
{
    enum err err = segment_stretch_read(file, piece, mem, ret, why);
    if (err == OK) {
        struct sha256 is = sha256_of_bytes(*ret);
        if (!sha256_equal(&is, hash)) {
            err = why_say(why, ERR_CORRUPT, 0, "the table at %llu is not what was written",
                          (unsigned long long)piece->offset);
        }
    }
    return err;
}

enum err segment_sources(struct file *file, const struct segment_head *head, struct arena *mem,
                         struct segment_source **ret, size_t *ret_count, struct why *why)
{
    struct str bytes;
    uint64_t events = 0;
    uint64_t original = 0;
    size_t count = (size_t)head->pieces[PIECE_SOURCES].plain / SEGMENT_SOURCE_SIZE;
    struct segment_source *list = ARENA_ARRAY(mem, struct segment_source, count + 1);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    enum err err = table_read(file, &head->pieces[PIECE_SOURCES], &head->sources, mem, &bytes, why);
    if (err != OK) {
        return err;
    }
    for (size_t i = 0; i < count; i++) {
        const char *at = bytes.data + i * SEGMENT_SOURCE_SIZE;
        list[i] = (struct segment_source){.source = {get_u32(at)},
                                          .days = get_u32(at + 4),
                                          .events = get_u64(at + 8),
                                          .original = get_u64(at + 16),
                                          .newest = {(int64_t)get_u64(at + 24)}};
        bool fits = (i == 0 || list[i].source.value > list[i - 1].source.value) &&
                    list[i].events <= head->events - events &&
                    list[i].original <= head->original - original;
        if (!fits) {
            return why_say(why, ERR_CORRUPT, 0, "the table of sources does not fit the head");
        }
        events += list[i].events;
        original += list[i].original;
    }
    if (events != head->events || original != head->original) {
        return why_say(why, ERR_CORRUPT, 0, "the table of sources does not fit the head");
    }
    *ret = list;
    *ret_count = count;
    return OK;
}

/* Columns: index and first as what was added, source, events, hash. */
static bool leaves_decode(const char *from, const struct segment_head *head,
                          struct segment_leaf *list)
{
    size_t count = (size_t)head->leaves;
    const char *first = from + 8 * count;
    const char *source = first + 8 * count;
    const char *events = source + 4 * count;
    const char *hash = events + 4 * count;
    uint64_t index = 0;
    uint64_t next = 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t step = get_u64(from + 8 * i);
        uint64_t gap = get_u64(first + 8 * i);
        uint32_t size = get_u32(events + 4 * i);
        if (step > head->leaf_last - index || gap > head->last - next || (i > 0 && step == 0) ||
            size == 0 || size > EVENTS_PER_BATCH_MAX || size > head->last - (next + gap) + 1) {
            return false;
        }
        index += step;
        list[i] = (struct segment_leaf){.index = index,
                                        .source = {get_u32(source + 4 * i)},
                                        .first = next + gap,
                                        .events = size};
        memcpy(list[i].hash.bytes, hash + SHA256_SIZE * i, SHA256_SIZE);
        next = list[i].first + size;
        sum += size;
    }
    return list[0].index == head->leaf_first && index == head->leaf_last &&
           list[0].first == head->first && next == head->last + 1 && sum == head->events;
}

enum err segment_leaves(struct file *file, const struct segment_head *head, struct arena *mem,
                        struct segment_leaf **ret, struct why *why)
{
    struct str packed;
    const struct segment_stretch *piece = &head->pieces[PIECE_LEAVES];
    struct segment_leaf *list = arena_take_plain(mem, (size_t)head->leaves * sizeof *list);
    char *plain = arena_take_plain(mem, (size_t)piece->plain);
    struct zstd *zstd = zstd_new(1);
    enum err err = list == NULL || plain == NULL || zstd == NULL
                       ? ERR_MEMORY
                       : table_read(file, piece, &head->leaf_table, mem, &packed, why);
    if (err == OK) {
        err = zstd_unpack(zstd, packed, plain, (size_t)piece->plain);
    }
    if (err == OK && !leaves_decode(plain, head, list)) {
        err = ERR_CORRUPT;
    }
    zstd_free(zstd);
    if (err == ERR_CORRUPT) {
        return why_say(why, err, 0, "the table of leaves at %llu is not what was written",
                       (unsigned long long)piece->offset);
    }
    if (err == OK) {
        *ret = list;
    }
    return err;
}

enum err segment_body_check(struct file *file, const struct segment_head *head, struct why *why)
{
    enum err err = OK;
    struct arena *mem = arena_new(2 * WINDOW);
    char *window = mem == NULL ? NULL : arena_take(mem, WINDOW);
    if (window == NULL) {
        arena_free(mem);
        return ERR_MEMORY;
    }
    struct sha256_run *run = sha256_begin();
    for (uint64_t at = SEGMENT_HEAD_SIZE; err == OK && at < head->size;) {
        size_t got = 0;
        size_t want = head->size - at < WINDOW ? (size_t)(head->size - at) : WINDOW;
        err = file_read(file, at, window, want, &got);
        if (err == ERR_IO || (err == OK && got == 0)) {
            err = why_say(why, ERR_CORRUPT, 0, "bytes at %llu cannot be read",
                          (unsigned long long)at);
        }
        sha256_add(run, str_of(window, got));
        at += got;
    }
    struct sha256 is = sha256_end(run);
    arena_free(mem);
    if (err == OK && !sha256_equal(&is, &head->body)) {
        err = why_say(why, ERR_CORRUPT, 0, "the segment's bytes are not what was written");
    }
    return err;
}
