/* tools/verify_folder.py and read_segment.py, written from the formats alone, say the same as the
 * archive does. */

#include "archive/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/fixture_test.h"
#include "testing/testing.h"

static struct fixture *small_archive(void)
{
    static char root[512];
    (void)snprintf(root, sizeof root, "%s/data", testing_folder());
    CHECK(disk_make_folder(disk_real(), root) == OK);
    struct fixture *fixture = fixture_on(disk_real(), root);
    (void)snprintf(fixture->keys, sizeof fixture->keys, "%s.keys", fixture->root);
    fixture->journal_size_max = 2500;
    fixture_open(fixture);
    for (unsigned i = 0; i < 5; i++) {
        (void)fixture_append(fixture, 7, 70, 6);
        CHECK(archive_commit(fixture->archive) == OK);
        (void)fixture_append(fixture, 8, 80, 3);
        CHECK(archive_commit(fixture->archive) == OK);
        fixture->now.ns += 60 * NS_PER_SECOND;
        bool more;
        CHECK(archive_sign(fixture->archive, fixture->now, 60 * NS_PER_SECOND, 1, &more) == OK);
    }
    fixture_close(fixture);
    return fixture;
}

/* Runs it; its exit code, and the first line of its output. */
static int python_run(const char *program, const char *option, const char *path, const char *more,
                      char *line, int line_size)
{
    char command[2048];
    (void)snprintf(command, sizeof command, "python3 '%s/tools/%s' %s '%s' %s 2>&1", testing_root(),
                   program, option, path, more);
    FILE *output = popen(command, "r");
    CHECK(output != NULL);
    line[0] = '\0';
    char rest[4096];
    bool any = fgets(line, line_size, output) != NULL;
    while (any && fgets(rest, sizeof rest, output) != NULL) {
    }
    return pclose(output) >> 8;
}

static int second_reader(const char *option, const char *path, const char *more, char *line,
                         int line_size)
{
    return python_run("verify_folder.py", option, path, more, line, line_size);
}

static bool python_there(void)
{
    return system("python3 -c '' 2>/dev/null") == 0;
}

struct first_said {
    char file[64];
    unsigned long long offset;
    bool any;
};

static void first_call(void *context, const char *file, uint64_t offset, const char *what)
{
    struct first_said *said = context;
    if (!said->any && what != NULL) {
        (void)snprintf(said->file, sizeof said->file, "%s", file);
        said->offset = offset;
        said->any = true;
    }
}

static void both_judge(struct fixture *fixture, const char *what)
{
    struct verify_report report;
    struct first_said said = {0};
    char line[1024];
    char start[128];
    enum err err = archive_verify(fixture->disk, fixture->folder, fixture->keys, first_call, &said,
                                  &report, NULL);
    int code = second_reader("", fixture->root, "", line, sizeof line);
    (void)snprintf(start, sizeof start, "damaged: %s at byte %llu:", said.file, said.offset);
    bool agree =
        code == (err == OK ? 0 : 1) && (err == OK || strncmp(line, start, strlen(start)) == 0);
    if (!agree) {
        printf("%s: we say %s %s, they say %d %s\n", what, err_text(err), start, code, line);
    }
    CHECK(agree);
}

TEST(the_second_reader_agrees_on_sound_and_on_damaged_archives)
{
    static const char *const names[] = {"archive/0000000001.journal", "archive/0000000002.journal",
                                        "archive/heads/7.heads", "archive/heads/8.heads"};
    if (!python_there()) {
        testing_skip("no python3");
    }
    struct fixture *fixture = small_archive();
    uint64_t state = 7;
    both_judge(fixture, "sound");
    for (unsigned trial = 0; trial < 24; trial++) {
        const char *path = fixture_path(fixture, names[trial % 4]);
        state = state * 6364136223846793005u + 1442695040888963407u;
        size_t at = (size_t)((state >> 20) % fixture_size(fixture, names[trial % 4]));
        char what[80];
        (void)snprintf(what, sizeof what, "%s flipped at %zu", names[trial % 4], at);
        testing_flip(path, at, 0x10);
        both_judge(fixture, what);
        testing_flip(path, at, 0x10);
    }
    char anchor[512];
    (void)snprintf(anchor, sizeof anchor, "%s/7.anchor", fixture->keys);
    testing_flip(anchor, 20, 1);
    both_judge(fixture, "anchor");
    fixture_free(fixture);
}

TEST(a_delivery_is_proved_without_keys_and_no_changed_line_passes)
{
    if (!python_there()) {
        testing_skip("no python3");
    }
    struct fixture *fixture = small_archive();
    struct buf out;
    char line[1024];
    buf_init(&out, 1 << 24);
    const uint64_t all[] = {1, 7, 8, 14, 20, 30};
    CHECK(archive_prove(fixture->scope, fixture->disk, fixture->folder, fixture->keys,
                        (struct client_id){7}, all, 6, PROVE_ALL_HEADS, &out, NULL) == OK);
    const char *path = fixture_path(fixture, "delivery.json");
    testing_write(path, out.data, out.size);
    CHECK(second_reader("--delivery", path, "", line, sizeof line) == 0);
    CHECK(strcmp(line, "sound: 5 leaves\n") == 0);
    /* "client" in base64; flipping a bit of its fifth digit changes one letter of the record. */
    size_t at = str_find(buf_str(&out), STR("Y2xpZW50"));
    CHECK(at != STR_NONE);
    testing_flip(path, at + 4, 2);
    CHECK(second_reader("--delivery", path, "", line, sizeof line) == 1);
    const uint64_t missing[] = {31};
    buf_reset(&out);
    CHECK(archive_prove(fixture->scope, fixture->disk, fixture->folder, fixture->keys,
                        (struct client_id){7}, missing, 1, PROVE_ALL_HEADS, &out,
                        NULL) == ERR_NOT_FOUND);
    buf_done(&out);
    fixture_free(fixture);
}

/* The segment of a client: the first, if there are several. */
static enum err segment_name(void *context, const char *name)
{
    char *found = context;
    if (found[0] == '\0' && strstr(name, ".segment") != NULL) {
        (void)snprintf(found, 64, "archive/segments/7/%s", name);
    }
    return OK;
}

TEST(a_reader_written_from_the_formats_alone_opens_segments_and_finds_each_leaf_in_them)
{
    char key[512];
    char name[64] = "";
    char line[1024];
    char path[1024];
    if (!python_there()) {
        testing_skip("no python3");
    }
    struct fixture *fixture = fixture_new();
    fixture_open(fixture);
    for (unsigned i = 0; i < 5; i++) {
        bool more;
        (void)fixture_append(fixture, 7, 70, 6);
        (void)fixture_append(fixture, 8, 80, 3);
        CHECK(archive_commit(fixture->archive) == OK);
        fixture->now.ns += 60 * NS_PER_SECOND;
        CHECK(archive_sign(fixture->archive, fixture->now, 60 * NS_PER_SECOND, 1, &more) == OK);
    }
    CHECK(fixture_seal(fixture, NULL) == 2);
    fixture_close(fixture);
    CHECK(disk_list(fixture->disk, fixture_path(fixture, "archive/segments/7"), segment_name,
                    name) == OK);
    (void)snprintf(key, sizeof key, "%s/7.key", fixture->keys);
    (void)snprintf(path, sizeof path, "'%s'", fixture_path(fixture, name));
    CHECK(python_run("read_segment.py", "", key, path, line, sizeof line) == 0);
    CHECK(strstr(line, "sound: client 7,") == line && strstr(line, "5 leaves, 30 events") != NULL);
    CHECK(python_run("read_segment.py", "--lines", key, path, line, sizeof line) == 0);
    CHECK(strcmp(line, "client 7 source 70 number 0 of 6\n") == 0);

    testing_flip(fixture_path(fixture, name), 520, 1);
    CHECK(python_run("read_segment.py", "", key, path, line, sizeof line) == 1);
    testing_flip(fixture_path(fixture, name), 520, 1);
    (void)snprintf(key, sizeof key, "%s/8.key", fixture->keys);
    CHECK(python_run("read_segment.py", "", key, path, line, sizeof line) == 1);
    (void)snprintf(key, sizeof key, "%s/7.sign", fixture->keys);
    CHECK(python_run("read_segment.py", "", key, path, line, sizeof line) == 2);
    fixture_free(fixture);
}
