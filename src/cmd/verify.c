/* hinomi verify: is the evidence of a data folder, or of a package, whole?  Only reads; a service
 * may be running. */

#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/archive.h"
#include "archive/forget.h"
#include "archive/package.h"
#include "base/buf.h"
#include "cmd/options.h"
#include "cmd/shown.h"
#include "codec/json_text.h"
#include "codec/time.h"
#include "ledger/ledger.h"
#include "sys/clocks.h"

#define LINE_SIZE_MAX  65536
#define PATH_SIZE_MAX  3000
#define HEADS_KEPT_MAX ((size_t)1 << 30)

static const char usage[] =
    "usage: hinomi verify [--json] [--keys DIR] [--heads FILE] PATH\n"
    "       hinomi verify [--json] [--anchor HEX] [--heads FILE] PACKAGE.zip\n"
    "\n"
    "Checks a package, with nothing but itself: parts against the manifest, lines against leaves,\n"
    "leaves against signed heads, heads against the anchor; and that nothing asked for is left "
    "out.\n"
    "\n"
    "Checks the data folder PATH: frames against leaves, leaves against the signed heads, heads\n"
    "against the chain of keys, pages of the ledger against their sums.  Names each damaged place\n"
    "and what it costs, and clients that were destroyed, then one line of figures.  Only reads; a "
    "service may be running meanwhile.\n"
    "\n"
    "  --json       one JSON object a line\n"
    "  --keys DIR   the clients' keys (PATH.keys); without them the insides of frames are not "
    "seen\n"
    "  --anchor HEX   the client's anchor, from elsewhere than the package (64 digits)\n"
    "  --heads FILE   heads that were kept elsewhere: each must be here and the same\n"
    "\n"
    "Exit codes: 0 sound, 1 damaged, 2 unreadable, 64 a wrong command line.\n";

struct verify_output {
    bool json;
};

static void json_text_put(const char *name, const char *text)
{
    struct buf out;
    buf_init(&out, LINE_SIZE_MAX);
    if (json_print(&out, str_from(text)) == OK) {
        printf("\"%s\":%.*s", name, (int)out.size, out.data);
    }
    buf_done(&out);
}

static void place_put(void *context, const char *file, uint64_t offset, const char *what)
{
    const struct verify_output *output = context;
    if (!output->json) {
        shown_print(stdout, "damaged: %s at byte %llu: %s\n", file, (unsigned long long)offset,
                    what);
        return;
    }
    printf("{");
    json_text_put("file", file);
    printf(",\"offset\":%llu,", (unsigned long long)offset);
    json_text_put("what", what);
    printf("}\n");
}

static void report_put(const struct verify_output *output, const struct verify_report *report,
                       enum err err)
{
    const char *result = err == OK ? "sound" : "damaged";
    printf(output->json ? "{\"result\":\"%s\",\"damaged\":%llu,\"journals\":%llu,\"frames\":%llu,"
                          "\"leaves\":%llu,\"heads\":%llu,\"events\":%llu,\"clients\":%llu,"
                          "\"unsigned_leaves\":%llu,\"unfinished_bytes\":%llu,"
                        : "%s: %llu damaged places; %llu journals, %llu frames, %llu leaves, "
                          "%llu heads, %llu events, %llu clients; %llu leaves not yet signed, "
                          "%llu bytes of an unfinished write",
           result, (unsigned long long)report->damaged, (unsigned long long)report->journals,
           (unsigned long long)report->frames, (unsigned long long)report->leaves,
           (unsigned long long)report->heads, (unsigned long long)report->events,
           (unsigned long long)report->clients, (unsigned long long)report->unsigned_leaves,
           (unsigned long long)report->unfinished);
    if (output->json) {
        printf("\"keys_missing\":%s}\n", report->keys_missing ? "true" : "false");
    } else {
        printf("%s\n", report->keys_missing
                           ? "; keys are missing: the insides of frames were not looked at"
                           : "");
    }
}

/* Who is not there any more, and why: no damage. */
static enum err destroyed_put(void *context, const struct destroyed *destroyed, bool sound)
{
    const struct verify_output *output = context;
    unsigned client = destroyed->client.value;
    if (!sound) {
        place_put(context, "archive/destroyed", 0,
                  "a certificate is not signed, or not of its client");
    } else if (output->json) {
        printf("{\"destroyed\":%u,\"slug\":\"%s\",\"at\":\"%s\",\"certificate\":%llu,\"key\":"
               "\"%s\"}\n",
               client, destroyed->slug, destroyed->at, (unsigned long long)destroyed->number,
               destroyed->key);
    } else {
        printf("client %u (%s) was destroyed on %s, certificate %llu, signed by key %s\n", client,
               destroyed->slug, destroyed->at, (unsigned long long)destroyed->number,
               destroyed->key);
    }
    return OK;
}

static void page_put(void *context, uint64_t offset, const char *what)
{
    place_put(context, "ledger/ledger.db", offset, what);
}

/* What lies beside the archive: the ledger's pages, and certificates of what was destroyed. */
static enum err beside_judge(struct verify_output *output, const char *data, const char *archive,
                             struct verify_report *report)
{
    char folder[PATH_SIZE_MAX + 32];
    uint64_t damaged = 0;
    (void)snprintf(folder, sizeof folder, "%s/ledger", data);
    enum err err = archive_destroyed_each(disk_real(), archive, destroyed_put, output);
    enum err pages = ledger_pages_check(disk_real(), folder, page_put, output, &damaged);
    report->damaged += damaged;
    if (pages == ERR_UNSUPPORTED && !output->json) {
        printf("the ledger's pages have no sums yet: they were not looked at\n");
    } else if (pages == ERR_CORRUPT || pages == ERR_IO || pages == ERR_DENIED) {
        err = err == OK ? pages : err;
    }
    return err;
}

/* A folder that was set back as a whole is sound in itself: what was kept elsewhere tells. */
static enum err heads_compare(struct verify_output *output, const char *folder, const char *path,
                              struct verify_report *report, struct why *why)
{
    char *heads = NULL;
    size_t size = 0;
    enum err err = disk_read_whole(disk_real(), path, HEADS_KEPT_MAX, &heads, &size, why);
    if (err == OK) {
        err =
            archive_heads_kept(disk_real(), folder, str_of(heads, size), place_put, output, report);
    }
    free(heads);
    return err;
}

/* ---- Packages. */

static void judged_put(const struct verify_output *output, const struct package_judged *judged,
                       enum err err)
{
    const char *result = err == OK ? "sound" : "damaged";
    char from[TIME_TEXT_SIZE];
    char until[TIME_TEXT_SIZE];
    const char *proof = judged->proof ? "" : "; it has no proof";
    const char *anchor = judged->anchor_known || !judged->proof
                             ? ""
                             : "; the anchor is the package's own word: compare it";
    printf(output->json
               ? "{\"result\":\"%s\",\"damaged\":%llu,\"client\":%u,\"lines\":%llu,"
                 "\"leaves\":%llu,\"heads\":%llu,\"stamps\":%llu,\"gone\":%llu,"
                 "\"not_shown\":%llu,"
               : "%s: %llu damaged places; client %u, %llu lines, %llu leaves, %llu heads, "
                 "%llu stamps, %llu leaves gone under tombstones, %llu leaves not shown",
           result, (unsigned long long)judged->damaged, judged->client.value,
           (unsigned long long)judged->lines, (unsigned long long)judged->leaves,
           (unsigned long long)judged->heads, (unsigned long long)judged->stamps,
           (unsigned long long)judged->gone, (unsigned long long)judged->not_shown);
    if (output->json) {
        printf("\"from\":\"%s\",\"until\":\"%s\",\"proof\":%s,\"filtered\":%s,"
               "\"anchor_given\":%s}\n",
               time_print(judged->from, from), time_print(judged->until, until),
               judged->proof ? "true" : "false", judged->filtered ? "true" : "false",
               judged->anchor_known ? "true" : "false");
    } else {
        printf("; of what arrived from %s until %s%s%s%s\n", time_print(judged->from, from),
               time_print(judged->until, until), proof, anchor,
               judged->filtered ? "; which lines fit its query is not judged anew" : "");
    }
}

static int package_judge(struct verify_output *output, struct file *file, const char *anchor_text,
                         const char *heads_path)
{
    uint8_t anchor[ED25519_SIZE];
    char *heads = NULL;
    size_t heads_size = 0;
    struct package_judged judged = {0};
    struct why why = {0};
    if (anchor_text != NULL && hex_parse(str_from(anchor_text), anchor, sizeof anchor) != OK) {
        (void)fprintf(stderr, "hinomi verify: an anchor is 64 hexadecimal digits\n");
        return 64;
    }
    enum err err = OK;
    if (heads_path != NULL) {
        err = disk_read_whole(disk_real(), heads_path, HEADS_KEPT_MAX, &heads, &heads_size, &why);
    }
    if (err == OK) {
        err = package_verify(file, anchor_text != NULL ? anchor : NULL, str_of(heads, heads_size),
                             place_put, output, &judged, &why);
    }
    free(heads);
    if (err != OK && err != ERR_CORRUPT) {
        shown_print(stderr, "hinomi verify: %s\n", why_text(&why, err));
        return 2;
    }
    judged_put(output, &judged, err);
    return err == OK ? 0 : 1;
}

/* Whether PATH can be a data folder; else what was expected is said. */
static bool folder_check(const char *path, const char *archive)
{
    if (access(archive, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR)) {
        return true;
    }
    if (access(path, F_OK) != 0) {
        shown_print(stderr, "hinomi verify: there is no '%s'\n", path);
        return false;
    }
    shown_print(stderr,
                "hinomi verify: '%s' is neither a package (a zip file that Hinomi made) nor a data "
                "folder (with 'archive' in it)\n",
                path);
    return false;
}

/* Whether PATH is a package: *ret is it, open. */
static bool package_open(const char *path, struct file **ret)
{
    char head[8];
    size_t got = 0;
    if (disk_open(disk_real(), path, DISK_READ_LINKED, ret, NULL) != OK) {
        return false;
    }
    if (file_read(*ret, 0, head, sizeof head, &got) == OK && package_is(str_of(head, got))) {
        return true;
    }
    file_close(*ret);
    return false;
}

int cmd_verify(int argc, char **argv)
{
    struct verify_output output = {0};
    const char *keys = NULL;
    const char *anchor = NULL;
    const char *heads = NULL;
    const struct option options[] = {{"json", OPTION_FLAG, &output.json},
                                     {"keys", OPTION_TEXT, &keys},
                                     {"anchor", OPTION_TEXT, &anchor},
                                     {"heads", OPTION_TEXT, &heads},
                                     {0}};
    int words;
    enum options_result result = options_read(argc, argv, options, usage, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    size_t size = words == 1 ? strlen(argv[1]) : 0;
    while (size > 1 && argv[1][size - 1] == '/') {
        size--;
    }
    if (size == 0 || size > PATH_SIZE_MAX) {
        (void)fprintf(stderr, "%s", usage);
        return 64;
    }
    struct file *package;
    if (package_open(argv[1], &package)) {
        int code = package_judge(&output, package, anchor, heads);
        file_close(package);
        return code;
    }
    char data[PATH_SIZE_MAX + 10];
    char folder[PATH_SIZE_MAX + 10];
    char keys_path[PATH_SIZE_MAX + 10];
    (void)snprintf(folder, sizeof folder, "%.*s/archive", (int)size, argv[1]);
    (void)snprintf(keys_path, sizeof keys_path, "%.*s.keys", (int)size, argv[1]);
    if (!folder_check(argv[1], folder)) {
        return 2;
    }
    struct verify_report report = {0};
    struct why why = {0};
    enum err err = archive_verify(disk_real(), folder, keys != NULL ? keys : keys_path, place_put,
                                  &output, &report, &why);
    if (err == OK || err == ERR_CORRUPT) {
        (void)snprintf(data, sizeof data, "%.*s", (int)size, argv[1]);
        enum err beside = beside_judge(&output, data, folder, &report);
        err = beside != OK ? beside : err;
    }
    if (heads != NULL && (err == OK || err == ERR_CORRUPT)) {
        enum err kept = heads_compare(&output, folder, heads, &report, &why);
        err = kept != OK ? kept : err;
    }
    if (err != OK && err != ERR_CORRUPT) {
        (void)fprintf(stderr, "hinomi verify: %s\n", why_text(&why, err));
        return 2;
    }
    report_put(&output, &report, err);
    return err == OK ? 0 : 1;
}
