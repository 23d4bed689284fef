/* Every rule of tidy is seen to fire, and a tidy house to pass.  Each test builds a small house of
 * four floors in a temporary folder, breaks one rule in it and reads what tidy says. */

#include "testing/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *root;
static char said[65536];

static void put(const char *path, const char *text)
{
    char full[4096];
    (void)snprintf(full, sizeof full, "%s/%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        (void)mkdir(full, 0700);
        *slash = '/';
    }
    testing_write(full, text, strlen(text));
}

static void house(void)
{
    root = testing_folder();
    put("src/layers.txt", "# from the ground up\nbase/\nalpha beta\nroof\n");
    put("src/base/str.h", "#pragma once\n\nint str(void);\n");
    put("src/base/str.c", "#include \"base/str.h\"\n\nint str(void)\n{\n    return 1;\n}\n");
    put("src/base/private.h", "#pragma once\n");
    put("src/alpha/alpha.h", "#pragma once\n");
    put("src/alpha/window.h", "#pragma once\n");
    put("src/alpha/second.h", "#pragma once\n");
    put("src/alpha/doors.txt", "second.h  passed around by others\n");
    put("src/testing/testing.h", "#pragma once\n");
}

static int tidy(void)
{
    char command[8192];
    (void)snprintf(command, sizeof command, "'%s' '%s'", getenv("TIDY"), root);
    FILE *pipe = popen(command, "r");
    CHECK(pipe != NULL);
    said[fread(said, 1, sizeof said - 1, pipe)] = '\0';
    return pclose(pipe);
}

/* tidy refuses, with this and nothing else. */
static void refused(const char *sentence)
{
    int code = tidy();
    if (strstr(said, sentence) == NULL || strchr(said, '\n') != strrchr(said, '\n')) {
        printf("expected: %s\nsaid: %s\n", sentence, said);
    }
    CHECK(code != 0);
    CHECK(strstr(said, sentence) != NULL);
    CHECK(strchr(said, '\n') == strrchr(said, '\n'));
}

static void accepted(void)
{
    int code = tidy();
    if (code != 0) {
        printf("said: %s\n", said);
    }
    CHECK(code == 0 && said[0] == '\0');
}

/* A house with one more file, in the room beta. */
static void with(const char *path, const char *text)
{
    house();
    put(path, text);
}

static char *lines(const char *before, size_t count, const char *line, const char *after)
{
    size_t size = strlen(before) + count * strlen(line) + strlen(after) + 1;
    char *text = calloc(1, size);
    size_t at = (size_t)snprintf(text, size, "%s", before);
    for (size_t i = 0; i < count; i++) {
        at += (size_t)snprintf(text + at, size - at, "%s", line);
    }
    (void)snprintf(text + at, size - at, "%s", after);
    return text;
}

TEST(a_tidy_house_passes)
{
    house();
    accepted();
    put("src/roof/roof.c", "#include \"alpha/alpha.h\"\n#include \"alpha/second.h\"\n"
                           "#include \"base/str.h\"\n\n#include <stdio.h>\n");
    put("src/roof/roof_test.c", "#include \"testing/testing.h\"\n#include \"alpha/alpha.h\"\n");
    put("src/main.c", "#include \"alpha/alpha.h\"\n");
    accepted();
}

TEST(an_empty_place_is_not_a_tidy_one)
{
    root = testing_folder();
    CHECK(tidy() != 0);
}

TEST(an_include_that_climbs_is_refused)
{
    with("src/base/low.c", "#include \"alpha/alpha.h\"\n");
    refused("src/base/low.c:1: the include climbs from base to alpha");
}

TEST(a_neighbour_is_refused)
{
    with("src/beta/beta.c", "#include <stdio.h>\n#include \"alpha/alpha.h\"\n");
    refused("src/beta/beta.c:2: beta and alpha are neighbours");
}

TEST(a_window_is_refused)
{
    with("src/roof/roof.c", "#include \"alpha/window.h\"\n");
    refused("src/roof/roof.c:1: \"alpha/window.h\" is a window; the door is \"alpha/alpha.h\"");
}

TEST(a_second_door_needs_its_reason)
{
    with("src/alpha/doors.txt", "second.h\n");
    refused("gives no reason for second.h");
}

TEST(what_a_toolbox_keeps_private_stays_so)
{
    with("src/roof/roof.c", "#include \"base/private.h\"\n");
    refused("src/roof/roof.c:1: \"base/private.h\" is a window");
    with("src/base/more.c", "#include \"base/private.h\"\n");
    accepted();
}

TEST(a_room_that_no_floor_names_is_refused)
{
    with("src/shed/shed.c", "#include \"base/str.h\"\n");
    refused("src/shed/shed.c:1: shed is not in layers.txt");
    with("src/roof/roof.c", "#include \"shed/shed.h\"\n");
    refused("no such room in layers.txt");
}

TEST(an_include_without_its_folder_is_refused)
{
    with("src/beta/beta.c", "#include \"beta.h\"\n");
    refused("src/beta/beta.c:1: \"beta.h\": write the folder too");
}

TEST(testing_is_for_tests_alone)
{
    with("src/beta/beta.c", "#include \"testing/testing.h\"\n");
    refused("src/beta/beta.c:1: testing/ is for tests alone");
    with("src/beta/beta_fuzz.c", "#include \"testing/testing.h\"\n");
    accepted();
    with("src/testing/more.c", "#include \"base/str.h\"\n");
    refused("testing is not in layers.txt and may include no room");
}

TEST(a_library_has_one_door)
{
    with("src/base/one.c",
         "#include <openssl/evp.h>\n#include <openssl/rand.h>\n#include <uv.h>\n");
    accepted();
    put("src/base/two.c", "#include <openssl/bio.h>\n");
    refused("src/base/two.c:1: <openssl/bio.h>: the one door to this library is src/base/one.c");
    put("src/base/two.c", "");
    put("tests/load/three.c", "#include <openssl/bio.h>\n");
    accepted();
}

TEST(a_source_includes_its_own_header_first)
{
    with("src/base/str.c", "#include <stdio.h>\n#include \"base/str.h\"\n");
    refused("src/base/str.c:1: the first include is its own header, \"base/str.h\"");
}

TEST(a_header_without_pragma_once_is_refused)
{
    with("src/base/bare.h", "/* A paragraph. */\nint bare(void);\n");
    refused("src/base/bare.h:2: a header starts with #pragma once");
}

TEST(a_line_comment_is_refused_and_a_link_is_not)
{
    with("src/base/one.c", "int a; // tonight\n");
    refused("src/base/one.c:1: a // comment");
    with("src/base/one.c",
         "/* See https://example.org. */\nstatic const char *a = \"//\\\"//\";\n");
    accepted();
}

TEST(each_banned_call_is_refused)
{
    static const char *const calls[] = {"strcpy", "strcat", "sprintf", "vsprintf", "gets",
                                        "strtok", "atoi",   "atol",    "alloca",   "scanf",
                                        "sscanf", "fscanf", "vsscanf"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char text[200];
        char sentence[200];
        (void)snprintf(text, sizeof text, "int a = %s(1);\n", calls[i]);
        (void)snprintf(sentence, sizeof sentence, "src/base/one.c:1: %s is not called", calls[i]);
        with("src/base/one.c", text);
        refused(sentence);
    }
    with("src/base/one.c", "/* strcpy(a, b) */\nint a = our_strcpy(1);\nchar *b = \"gets(x)\";\n");
    accepted();
}

TEST(what_is_left_for_tonight_is_refused)
{
    with("src/base/one.c", "/* TODO: more. */\n");
    refused("src/base/one.c:1: TODO");
    with("src/base/one.c", "int a; /* FIXME */\n");
    refused("src/base/one.c:1: FIXME");
    with("src/base/one.c", "/* XXX */\n");
    refused("src/base/one.c:1: XXX");
    with("src/base/one.c", "char *a = \"hinomi-XXXXXX\";\n");
    accepted();
}

TEST(a_long_function_is_refused)
{
    char *long_one = lines("int tall(void)\n{\n", 68, "    a();\n", "}\n");
    with("src/base/one.c", long_one);
    refused("src/base/one.c:1: tall has 71 lines; 70 is the most");
    free(long_one);
    char *right = lines("int tall(void)\n{\n", 67, "    a();\n", "}\n");
    with("src/base/one.c", right);
    accepted();
    free(right);
}

TEST(the_ratchet_lets_a_long_function_only_shrink)
{
    char *long_one = lines("TEST(tall)\n{\n", 77, "    a();\n", "}\n");
    with("src/base/one.c", long_one);
    put("tools/tidy-ratchet.txt", "# Old ones.\nsrc/base/one.c tall 80\n");
    accepted();
    put("tools/tidy-ratchet.txt", "src/base/one.c tall 79\n");
    refused("src/base/one.c:1: tall has grown from 79 to 80 lines");
    put("tools/tidy-ratchet.txt", "src/base/one.c tall 81\n");
    refused("src/base/one.c:1: tall has shrunk to 80 lines");
    put("tools/tidy-ratchet.txt", "src/base/one.c tall 80\nsrc/base/one.c gone 90\n");
    refused("gone in src/base/one.c is short enough or gone");
    free(long_one);
}

TEST(a_long_line_is_refused_and_letters_count_not_bytes)
{
    char *wide = lines("/* ", 98, "a", "\n*/\n");
    with("src/base/one.c", wide);
    refused("src/base/one.c:1: the line is 101 columns wide");
    free(wide);
    char *japanese = lines("/* ", 60, "火", "\n*/\n");
    with("src/base/one.c", japanese);
    accepted();
    free(japanese);
}

TEST(a_file_over_800_lines_is_refused)
{
    char *tall = lines("", 801, "int a;\n", "");
    with("src/base/one.c", tall);
    refused("src/base/one.c:801: 801 lines; 800 is the most");
    free(tall);
}

TEST(tabs_returns_and_a_missing_newline_are_refused)
{
    with("src/base/one.c", "int a;\n\tint b;\n");
    refused("src/base/one.c:2: a tab");
    with("src/base/one.c", "int a;\r\n");
    refused("src/base/one.c:1: a carriage return");
    with("src/base/one.c", "int a;\nint b;");
    refused("src/base/one.c:2: the last line has no newline");
    with("README.md", "A tab\there.\n");
    refused("README.md:1: a tab");
}

TEST(a_room_that_is_built_has_a_short_readme)
{
    with("src/beta/meson.build", "sources = files()\n");
    refused("src/beta/README.md:0: each room has a README");
    char *tall = lines("", 41, "A line.\n", "");
    put("src/beta/README.md", tall);
    refused("src/beta/README.md:41: a room's README has at most 40 lines");
    free(tall);
}
