/* Heads that somebody kept elsewhere find out what the archive alone cannot tell. */

#include "archive/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/fixture_test.h"
#include "testing/testing.h"

/* Both clients write, and a head of each is signed, so many times. */
static void minutes(struct fixture *fixture, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        bool more;
        (void)fixture_append(fixture, 7, 70, 2);
        (void)fixture_append(fixture, 8, 80, 1);
        CHECK(archive_commit(fixture->archive) == OK);
        fixture->now.ns += 60 * NS_PER_SECOND;
        CHECK(archive_sign(fixture->archive, fixture->now, 60 * NS_PER_SECOND, 10, &more) == OK);
    }
}

/* The heads of a client as they lie there now; the caller frees them. */
static char *heads_copy_of(struct fixture *fixture, uint32_t client, size_t *size)
{
    char name[64];
    (void)snprintf(name, sizeof name, "archive/heads/%u.heads", client);
    return testing_read(fixture_path(fixture, name), size);
}

static void heads_put_back(struct fixture *fixture, uint32_t client, const char *bytes, size_t size)
{
    char name[64];
    (void)snprintf(name, sizeof name, "archive/heads/%u.heads", client);
    testing_write(fixture_path(fixture, name), bytes, size);
}

struct said {
    unsigned count;
    uint64_t offset; /* of the first */
    char what[200];
};

static void say(void *context, const char *file, uint64_t offset, const char *what)
{
    struct said *said = context;
    CHECK(strcmp(file, "kept heads") == 0);
    if (said->count++ == 0) {
        said->offset = offset;
        (void)snprintf(said->what, sizeof said->what, "%s", what);
    }
}

static enum err judge(struct fixture *fixture, struct str heads, struct said *said)
{
    struct verify_report report = {.damaged = 3};
    *said = (struct said){0};
    enum err err = archive_heads_kept(fixture->disk, fixture->folder, heads, say, said, &report);
    CHECK(report.damaged == 3 + said->count && (err == ERR_CORRUPT) == (said->count > 0));
    return err;
}

/* Where the record of an epoch begins, counted from 0; the size of all if there are fewer. */
static size_t record_at(const char *bytes, size_t size, uint32_t client, unsigned epoch)
{
    struct head *head = malloc(sizeof *head);
    size_t at = 0;
    size_t length;
    CHECK(head != NULL);
    for (unsigned i = 0; i < epoch && at < size; i++) {
        CHECK(
            head_decode(str_of(bytes + at, size - at), (struct client_id){client}, head, &length));
        at += length;
    }
    free(head);
    return at;
}

static struct fixture *store(unsigned count)
{
    struct fixture *fixture = fixture_new();
    fixture_open(fixture);
    minutes(fixture, count);
    return fixture;
}

TEST(heads_that_were_kept_are_found_again_however_many_came_since)
{
    struct fixture *fixture = store(3);
    struct said said;
    struct buf both;
    size_t size;
    buf_init(&both, 1 << 20);
    CHECK(judge(fixture, STR(""), &said) == ERR_CORRUPT); /* nothing in it shows nothing */
    CHECK(said.count == 1 && strcmp(said.what, "there is no head in it") == 0);
    char *seven = heads_copy_of(fixture, 7, &size);
    CHECK(judge(fixture, str_of(seven, size), &said) == OK);
    /* A single one, and both clients' in one file, the later first. */
    size_t second = record_at(seven, size, 7, 1);
    size_t third = record_at(seven, size, 7, 2);
    CHECK(judge(fixture, str_of(seven + second, third - second), &said) == OK);
    CHECK(buf_append(&both, str_of(seven + second, size - second)) == OK);
    CHECK(buf_append(&both, str_of(seven, second)) == OK);
    char *eight = heads_copy_of(fixture, 8, &size);
    CHECK(buf_append(&both, str_of(eight, size)) == OK);
    minutes(fixture, 4);
    CHECK(judge(fixture, buf_str(&both), &said) == OK);
    fixture_close(fixture);
    free(seven);
    free(eight);
    buf_done(&both);
    fixture_free(fixture);
}

TEST(an_archive_that_was_set_back_as_a_whole_is_found_by_the_heads_it_has_no_more)
{
    struct fixture *fixture = store(3);
    struct said said;
    struct verify_report report;
    size_t before_size;
    size_t size;
    fixture_close(fixture);
    char *before = heads_copy_of(fixture, 7, &before_size);
    fixture_open(fixture);
    minutes(fixture, 3);
    fixture_close(fixture);
    char *kept = heads_copy_of(fixture, 7, &size);
    CHECK(size > before_size);
    heads_put_back(fixture, 7, before, before_size);
    CHECK(judge(fixture, str_of(kept, size), &said) == ERR_CORRUPT && said.count == 1);
    CHECK(said.offset == before_size && strstr(said.what, "client 7") != NULL &&
          strstr(said.what, "not here") != NULL);
    CHECK(judge(fixture, str_of(kept, before_size), &said) == OK);
    /* Not one of the client's is left. */
    CHECK(remove(fixture_path(fixture, "archive/heads/7.heads")) == 0);
    CHECK(judge(fixture, str_of(kept, size), &said) == ERR_CORRUPT && said.count == 1);
    CHECK(said.offset == 0 && strstr(said.what, "from epoch 0") != NULL);
    CHECK(archive_verify(fixture->disk, fixture->folder, fixture->keys, NULL, NULL, &report,
                         NULL) == ERR_CORRUPT);
    free(before);
    free(kept);
    fixture_free(fixture);
}

TEST(a_history_that_was_signed_again_differs_in_each_head_that_was_kept)
{
    struct fixture *fixture = store(4);
    struct fixture *other = store(4); /* the same records, other keys */
    struct said said;
    size_t size;
    char *kept = heads_copy_of(fixture, 7, &size);
    /* Four minutes, and the head of a day. */
    CHECK(record_at(kept, size, 7, 4) < size && record_at(kept, size, 7, 5) == size);
    CHECK(judge(other, str_of(kept, size), &said) == ERR_CORRUPT && said.count == 5);
    CHECK(said.offset == 0 && strstr(said.what, "epoch 0 of client 7") != NULL);
    free(kept);
    fixture_close(fixture);
    fixture_close(other);
    fixture_free(fixture);
    fixture_free(other);
}

TEST(what_was_kept_and_is_no_sound_head_is_named_where_it_begins_and_the_rest_is_compared)
{
    struct fixture *fixture = store(4);
    struct said said;
    size_t size;
    char *kept = heads_copy_of(fixture, 7, &size);
    size_t third = record_at(kept, size, 7, 2);
    kept[third + 100] ^= 1;
    CHECK(judge(fixture, str_of(kept, size), &said) == ERR_CORRUPT && said.count == 1);
    CHECK(said.offset == third && strstr(said.what, "no sound head") != NULL);
    kept[third + 100] ^= 1;
    for (unsigned epoch = 2; epoch < 5; epoch++) {
        size_t begin = record_at(kept, size, 7, epoch);
        size_t end = record_at(kept, size, 7, epoch + 1);
        CHECK(judge(fixture, str_of(kept, end), &said) == OK);
        for (size_t cut = begin + 1; cut < end; cut += 61) {
            CHECK(judge(fixture, str_of(kept, cut), &said) == ERR_CORRUPT && said.count == 1);
            CHECK(said.offset == begin);
        }
    }
    CHECK(judge(fixture, STR("HINOMIhd"), &said) == ERR_CORRUPT && said.offset == 0);
    free(kept);
    fixture_close(fixture);
    fixture_free(fixture);
}
