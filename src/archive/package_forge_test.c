/* Packages taken apart, changed and put together again. */

#include "archive/package_forge_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/package_private.h"
#include "base/bytes.h"
#include "event/builder.h"
#include "sys/pack.h"
#include "testing/testing.h"

struct reading {
    struct str rest, whole;
};

static enum err reading_read(void *context, void *to, size_t size, size_t *ret_size,
                             struct why *why)
{
    struct reading *reading = context;
    struct str part = str_slice(reading->rest, 0, size);
    (void)why;
    if (part.size > 0) {
        memcpy(to, part.data, part.size);
    }
    reading->rest = str_slice(reading->rest, part.size, SIZE_MAX);
    *ret_size = part.size;
    return OK;
}

static enum err reading_seek(void *context, uint64_t offset)
{
    struct reading *reading = context;
    reading->rest = str_slice(reading->whole, (size_t)offset, SIZE_MAX);
    return OK;
}

enum err package_forged_write(void *context, struct str bytes)
{
    return buf_append(context, bytes);
}

bool package_put_instead(struct buf *manifest, const char *to, const char *from)
{
    struct buf mended;
    size_t at = str_find(buf_str(manifest), str_from(from));
    if (at == STR_NONE) {
        return false;
    }
    buf_init(&mended, 1 << 24);
    CHECK(buf_append(&mended, str_slice(buf_str(manifest), 0, at)) == OK);
    CHECK(buf_append(&mended, str_from(to)) == OK);
    CHECK(buf_append(&mended, str_slice(buf_str(manifest), at + strlen(from), SIZE_MAX)) == OK);
    buf_done(manifest);
    *manifest = mended;
    return true;
}

/* Puts the new hash and size of a part where the old ones stand. */
static void manifest_mend(struct buf *manifest, const char *name, struct str before,
                          struct str after)
{
    struct sha256 hashes[] = {sha256_of_bytes(before), sha256_of_bytes(after)};
    char from[400];
    char to[400];
    char text[2 * SHA256_SIZE + 1];
    (void)snprintf(from, sizeof from, "\"name\":\"%.64s\",\"size\":%zu,\"sha256\":\"%s\"", name,
                   before.size, hex_print(hashes[0].bytes, SHA256_SIZE, text));
    (void)snprintf(to, sizeof to, "\"name\":\"%.64s\",\"size\":%zu,\"sha256\":\"%s\"", name,
                   after.size, hex_print(hashes[1].bytes, SHA256_SIZE, text));
    if (!package_put_instead(manifest, to, from)) {
        (void)snprintf(from, sizeof from, "\"name\":\"%.64s\",\"size\":%zu,\"sha256\":null", name,
                       before.size);
        (void)snprintf(to, sizeof to, "\"name\":\"%.64s\",\"size\":%zu,\"sha256\":null", name,
                       after.size);
        CHECK(package_put_instead(manifest, to, from));
    }
}

/* One whole leaf: its hash, out of leaves.bin and lines.raw.  False: they do not go so far. */
static bool leaf_follow(struct str *leaves, struct str *lines, struct leaf_run *told)
{
    struct leaf_run run;
    const char *entry = leaves->data;
    if (leaves->size < PACKAGE_WHOLE_SIZE) {
        return false;
    }
    struct leaf_head head = package_leaf_head(entry);
    leaf_run_add(told, str_slice(*leaves, 0, PACKAGE_WHOLE_SIZE));
    leaf_run_begin(&run, str_of(entry + 20, LEAF_SALT_SIZE));
    *leaves = str_slice(*leaves, PACKAGE_WHOLE_SIZE, SIZE_MAX);
    bool there = true;
    for (uint32_t i = 0; there && i < head.events; i++) {
        uint32_t size = leaves->size >= 12 ? get_u32(leaves->data) : 0;
        struct str *from = (size & PACKAGE_SELECTED) != 0 ? lines : leaves;
        size &= ~PACKAGE_SELECTED;
        there = leaves->size >= 12;
        if (there) {
            int64_t received = (int64_t)get_u64(leaves->data + 4);
            leaf_run_add(told, str_slice(*leaves, 0, 12));
            *leaves = str_slice(*leaves, 12, SIZE_MAX);
            leaf_run_record(&run, (struct wall){received}, str_slice(*from, 0, size));
            there = from->size >= size;
            *from = str_slice(*from, size + (from == lines ? 1 : 0), SIZE_MAX);
            head.oldest.ns = received < head.oldest.ns ? received : head.oldest.ns;
            head.newest.ns = received > head.newest.ns ? received : head.newest.ns;
        }
    }
    head.body = leaf_run_end(&run);
    struct sha256 hash = leaf_hash(&head);
    leaf_run_add(told, str_of(hash.bytes, SHA256_SIZE));
    return there;
}

/* What the manifest says of leaves.bin and lines.raw, as whoever changed them would make it. */
static struct sha256 leaves_follow(struct str leaves, struct str lines)
{
    struct leaf_run told;
    size_t start =
        leaves.size < PACKAGE_LEAVES_SIZE
            ? leaves.size
            : PACKAGE_LEAVES_SIZE + (size_t)(get_u32(leaves.data + 32) & 63) * SHA256_SIZE;
    leaf_run_begin(&told, str_slice(leaves, 0, start));
    leaves = str_slice(leaves, start, SIZE_MAX);
    for (bool there = true; there && leaves.size > 0;) {
        size_t size = leaves.data[0] == PACKAGE_LEAF_TOLD   ? 1 + LEAF_TOLD_SIZE
                      : leaves.data[0] == PACKAGE_LEAF_HASH ? PACKAGE_HASH_SIZE
                      : leaves.data[0] == PACKAGE_LEAF_GONE ? PACKAGE_GONE_SIZE
                                                            : PACKAGE_MISSING_SIZE;
        if (leaves.data[0] == PACKAGE_LEAF_WHOLE) {
            there = leaf_follow(&leaves, &lines, &told);
        } else {
            leaf_run_add(&told, str_slice(leaves, 0, size));
            leaves = str_slice(leaves, size, SIZE_MAX);
        }
    }
    return leaf_run_end(&told);
}

static void leaves_mend(struct buf *manifest, struct str leaves, struct str lines)
{
    static const char mark[] = "\"leaves_sha256\":\"";
    char text[2 * SHA256_SIZE + 1];
    size_t at = str_find(buf_str(manifest), str_from(mark));
    struct sha256 hash = leaves_follow(leaves, lines);
    CHECK(at != STR_NONE);
    memcpy(manifest->data + at + strlen(mark), hex_print(hash.bytes, SHA256_SIZE, text),
           2 * SHA256_SIZE);
}

struct part {
    char name[64];
    struct buf before, after;
};

/* The parts of a package, each before and after alike; how many. */
static size_t parts_read(struct str package, struct part parts[PACKAGE_PARTS_MAX])
{
    struct reading reading = {package, package};
    const struct unpack_from source = {
        .context = &reading, .read = reading_read, .seek = reading_seek, .size = package.size};
    struct unpack_purse purse = {0};
    struct unpack *unpack;
    struct unpack_member member;
    size_t count = 0;
    CHECK(unpack_open(&source, &purse, &unpack, NULL) == OK);
    while (unpack_next(unpack, &member, NULL) == OK) {
        char piece[65536];
        size_t got = 1;
        CHECK(count < PACKAGE_PARTS_MAX);
        struct part *part = &parts[count++];
        (void)snprintf(part->name, sizeof part->name, "%.*s", (int)member.path.size,
                       member.path.data);
        buf_init(&part->before, 1 << 26);
        buf_init(&part->after, 1 << 26);
        while (got > 0) {
            purse.packed += sizeof piece;
            CHECK(unpack_read(unpack, piece, sizeof piece, &got, NULL) == OK);
            CHECK(buf_append(&part->before, str_of(piece, got)) == OK);
        }
        CHECK(buf_append(&part->after, buf_str(&part->before)) == OK);
    }
    unpack_close(unpack);
    return count;
}

static void parts_write(const struct part *parts, size_t count, const char *path)
{
    struct pack *pack;
    struct buf out;
    buf_init(&out, 1 << 26);
    CHECK(pack_open(0, package_forged_write, &out, &pack) == OK);
    for (size_t i = 0; i < count; i++) {
        CHECK(pack_member(pack, parts[i].name, (struct wall){0}, NULL) == OK);
        CHECK(pack_write(pack, buf_str(&parts[i].after), NULL) == OK);
    }
    CHECK(pack_end(pack, NULL) == OK);
    testing_write(path, out.data, out.size);
    pack_close(pack);
    buf_done(&out);
}

static struct str part_after(const struct part *parts, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(parts[i].name, name) == 0) {
            return buf_str(&parts[i].after);
        }
    }
    CHECK(false);
    return (struct str){0};
}

void package_forge_as(struct fixture *fixture, const char *from, const char *to, package_edit *edit,
                      bool leaves_too)
{
    struct part parts[PACKAGE_PARTS_MAX];
    size_t size;
    char *bytes = testing_read(fixture_path(fixture, from), &size);
    size_t count = parts_read(str_of(bytes, size), parts);
    struct part *manifest = &parts[count - 1];
    CHECK(strcmp(manifest->name, "manifest.json") == 0);
    for (size_t i = 0; i < count; i++) {
        edit(parts[i].name, &parts[i].after);
        if (&parts[i] != manifest) {
            manifest_mend(&manifest->after, parts[i].name, buf_str(&parts[i].before),
                          buf_str(&parts[i].after));
        }
    }
    if (leaves_too) {
        leaves_mend(&manifest->after, part_after(parts, count, "proof/leaves.bin"),
                    part_after(parts, count, "lines.raw"));
    }
    parts_write(parts, count, fixture_path(fixture, to));
    for (size_t i = 0; i < count; i++) {
        buf_done(&parts[i].before);
        buf_done(&parts[i].after);
    }
    free(bytes);
}

void package_forge(struct fixture *fixture, const char *from, const char *to, package_edit *edit)
{
    package_forge_as(fixture, from, to, edit, true);
}

void package_attack(package_edit *edit, const char *what)
{
    static struct fixture *fixture;
    struct package_judged judged;
    struct store_said said;
    if (fixture == NULL) {
        struct package_request request = store_request();
        struct package_told told;
        fixture = store_new(60);
        request.to.ns = request.from.ns + 6 * STORE_HOUR;
        CHECK(store_package(fixture, &request, "sound.zip", &told) == OK);
        CHECK(store_verify(fixture, "sound.zip", STR(""), &said, &judged) == OK);
    }
    package_forge(fixture, "sound.zip", "forged.zip", edit);
    enum err err = store_verify(fixture, "forged.zip", STR(""), &said, &judged);
    int second = store_second(fixture, "forged.zip", "");
    if (err != ERR_CORRUPT || second != 1) {
        printf("%s: we say %s (%s), the second reader %d\n", what, err_text(err), said.what,
               second);
    }
    CHECK(err == ERR_CORRUPT && second == 1);
}

size_t package_leaves_at(const struct buf *bytes)
{
    return PACKAGE_LEAVES_SIZE + (size_t)get_u32(bytes->data + 32) * SHA256_SIZE;
}

size_t package_leaf_size(const struct buf *bytes, size_t at)
{
    const char *entry = bytes->data + at;
    if (entry[0] == PACKAGE_LEAF_TOLD) {
        return 1 + LEAF_TOLD_SIZE;
    }
    CHECK(entry[0] == PACKAGE_LEAF_WHOLE);
    size_t size = PACKAGE_WHOLE_SIZE;
    for (uint32_t i = 0; i < get_u32(entry + 4); i++) {
        uint32_t record = get_u32(entry + size);
        size += 12 + ((record & PACKAGE_SELECTED) != 0 ? 0 : record);
    }
    return size;
}

size_t package_whole_find(const struct buf *bytes)
{
    size_t at = package_leaves_at(bytes);
    while (bytes->data[at] != PACKAGE_LEAF_WHOLE) {
        at += package_leaf_size(bytes, at);
    }
    return at;
}

struct leaf_head package_leaf_head(const char *entry)
{
    return (struct leaf_head){.client = {7},
                              .source = {get_u32(entry + 8)},
                              .first = get_u64(entry + 12),
                              .events = get_u32(entry + 4),
                              .oldest = {INT64_MAX},
                              .newest = {INT64_MIN}};
}

void package_cut(struct buf *bytes, size_t at, size_t size)
{
    memmove(bytes->data + at, bytes->data + at + size, bytes->size - at - size);
    bytes->size -= size;
}

void package_line_move(const char *name, struct buf *bytes)
{
    static char line[200];
    static size_t size;
    if (strcmp(name, "lines.raw") == 0) {
        size = str_find(buf_str(bytes), STR("\n"));
        CHECK(size < sizeof line);
        memcpy(line, bytes->data, size);
        package_cut(bytes, 0, size + 1);
    } else if (strcmp(name, "proof/leaves.bin") == 0) {
        size_t at = package_whole_find(bytes) + PACKAGE_WHOLE_SIZE;
        char *room;
        while ((get_u32(bytes->data + at) & PACKAGE_SELECTED) == 0) {
            at += 12 + get_u32(bytes->data + at);
        }
        put_u32(bytes->data + at, (uint32_t)size);
        CHECK(buf_extend(bytes, size, &room) == OK);
        memmove(bytes->data + at + 12 + size, bytes->data + at + 12, bytes->size - size - at - 12);
        memcpy(bytes->data + at + 12, line, size);
    }
}

void package_lines_append(struct fixture *fixture, struct arena *mem, const struct str *texts,
                          size_t count, unsigned times, uint64_t number)
{
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){70});
    struct str bytes;
    struct batch batch;
    struct place first;
    for (size_t i = 0; i < count * times; i++) {
        CHECK(builder_begin(builder, texts[i % count], fixture->now) == OK);
        CHECK(builder_end(builder) == OK);
    }
    arena_reset(mem);
    CHECK(builder_finish(builder, &bytes) == OK && batch_check(bytes, mem, &batch, NULL) == OK);
    CHECK(archive_append(fixture->scope, fixture->archive, &batch, (struct ring_place){1, number},
                         fixture->now, &first) == OK);
    CHECK(archive_commit(fixture->archive) == OK);
    builder_free(builder);
}

struct package_request package_all_of(const struct fixture *fixture)
{
    struct package_request request = store_request();
    request.from = store_begin();
    request.to.ns = fixture->now.ns + 1;
    request.now = fixture->now;
    return request;
}
