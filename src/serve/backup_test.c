#include "serve/backup_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/backup.h"
#include "sys/fake.h"
#include "testing/testing.h"

#define TEXT_SIZE 3000000 /* three chunks, the last one not full */

static char text[TEXT_SIZE];

static const struct sealed sealed = {.client = 7, .key = {1, 2, 3}};

static enum err append(void *context, struct str bytes)
{
    return buf_append(context, bytes);
}

static struct fake *piece_of(size_t size, bool pack)
{
    struct fake *fake = fake_new();
    struct sha256 hash;
    uint64_t written;
    struct why why = {0};
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (char)((i * i) >> 7);
    }
    const struct piece_source source = {
        .bytes = str_of(text, sizeof text), .to = size, .pack = pack};
    CHECK(piece_write(fake_disk(fake), "piece", &sealed, &source, &written, &hash, &why) == OK);
    return fake;
}

static enum err piece_back(struct fake *fake, const struct sealed *as, struct buf *out)
{
    struct why why = {0};
    buf_reset(out);
    return piece_read(fake_disk(fake), "piece", as, append, out, NULL, &why);
}

TEST(a_piece_of_any_size_is_read_back_as_it_was)
{
    static const size_t sizes[] = {0, 1, 1 << 20, (1 << 20) + 1, TEXT_SIZE};
    struct buf out;
    buf_init(&out, sizeof text);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct fake *fake = piece_of(sizes[i], i % 2 == 0);
        CHECK(piece_back(fake, &sealed, &out) == OK);
        CHECK(str_equal(buf_str(&out), str_of(text, sizes[i])));
        fake_free(fake);
    }
    buf_done(&out);
}

TEST(no_bit_of_a_piece_can_be_changed_and_nothing_cut_off_or_added)
{
    struct fake *fake = piece_of(300, false);
    struct file *file;
    struct buf out;
    uint64_t size = 0;
    buf_init(&out, sizeof text);
    CHECK(disk_open(fake_disk(fake), "piece", DISK_WRITE, &file, NULL) == OK);
    CHECK(file_size(file, &size) == OK && size < 400);
    for (uint64_t bit = 0; bit < size * 8; bit++) {
        uint8_t byte = 0;
        size_t got;
        CHECK(file_read(file, bit / 8, &byte, 1, &got) == OK);
        byte ^= (uint8_t)(1U << (bit % 8));
        CHECK(file_write(file, bit / 8, &byte, 1) == OK);
        enum err err = piece_back(fake, &sealed, &out);
        CHECK(err == ERR_CORRUPT || (err == ERR_UNSUPPORTED && bit / 8 >= 8 && bit / 8 < 12));
        byte ^= (uint8_t)(1U << (bit % 8));
        CHECK(file_write(file, bit / 8, &byte, 1) == OK);
    }
    CHECK(piece_back(fake, &sealed, &out) == OK);
    CHECK(file_write(file, size, "x", 1) == OK);
    CHECK(piece_back(fake, &sealed, &out) == ERR_CORRUPT);
    for (uint64_t cut = 0; cut < size; cut++) {
        CHECK(file_truncate(file, size - 1 - cut) == OK);
        CHECK(piece_back(fake, &sealed, &out) == ERR_CORRUPT);
    }
    file_close(file);
    buf_done(&out);
    fake_free(fake);
}

TEST(a_piece_opens_for_its_own_client_and_key_alone)
{
    struct fake *fake = piece_of(300, true);
    struct sealed other = sealed;
    struct buf out;
    buf_init(&out, sizeof text);
    other.client = 8;
    CHECK(piece_back(fake, &other, &out) == ERR_CORRUPT);
    other = sealed;
    other.key[31] ^= 1;
    CHECK(piece_back(fake, &other, &out) == ERR_CORRUPT);
    other = sealed;
    other.kind = SEALED_LIST;
    CHECK(piece_back(fake, &other, &out) == ERR_CORRUPT);
    CHECK(out.size == 0);
    buf_done(&out);
    fake_free(fake);
}

TEST(a_path_of_a_backup_stays_below_its_folder)
{
    CHECK(list_path_valid(STR("archive/0000000001.journal")));
    CHECK(list_path_valid(STR("archive/segments/7-12.segment")));
    CHECK(!list_path_valid(STR("")) && !list_path_valid(STR("/etc/passwd")));
    CHECK(!list_path_valid(STR("../x")) && !list_path_valid(STR("archive/../x")));
    CHECK(!list_path_valid(STR("archive//x")) && !list_path_valid(STR("archive/")));
    CHECK(!list_path_valid(STR("archive/a b")) && !list_path_valid(STR("a/b/c/d/e/f/g/h/i")));
    CHECK(!list_path_valid(str_of("a\0b", 3)) && !list_path_valid(STR(".hidden")));
}

TEST(keys_come_back_with_their_pass_phrase_and_replace_no_other)
{
    struct fake *fake = fake_new();
    struct disk *disk = fake_disk(fake);
    struct backup_keys_report report;
    struct why why = {0};
    char *data;
    size_t size;
    CHECK(disk_make_folder(disk, "./keys") == OK);
    CHECK(disk_replace(disk, "./keys/7.key", STR("the key of seven")) == OK);
    CHECK(disk_replace(disk, "./keys/7.sign", STR("of this minute")) == OK);
    CHECK(backup_keys_save(disk, "./keys", "./copy", STR("a pass phrase"), &report, &why) == OK);
    CHECK(report.files == 1);
    CHECK(backup_keys_restore(disk, "./copy", STR("another"), "./back", &report, &why) ==
          ERR_CORRUPT);
    CHECK(backup_keys_restore(disk, "./copy", STR("a pass phrase"), "./back", &report, &why) == OK);
    CHECK(disk_read_whole(disk, "./back/7.key", 100, &data, &size, NULL) == OK);
    CHECK(str_equal(str_of(data, size), STR("the key of seven")));
    free(data);
    CHECK(disk_replace(disk, "./back/7.key", STR("another key")) == OK);
    CHECK(backup_keys_restore(disk, "./copy", STR("a pass phrase"), "./back", &report, &why) ==
          ERR_EXISTS);
    fake_free(fake);
}
