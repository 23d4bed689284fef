/* hinomi backup: a copy of what a service keeps, encrypted, while it runs. */

#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/ask.h"
#include "cmd/passphrase.h"
#include "serve/backup.h"
#include "sys/clocks.h"

static const char usage[] =
    "usage: hinomi backup --to DIR [--keep N] [--data DIR] [--keys DIR]\n"
    "       hinomi backup --keys-to FILE --passphrase-file FILE [--data DIR] [--keys DIR]\n"
    "\n"
    "Copies what a service keeps into the folder DIR, encrypted: one set for each client, under a\n"
    "key that is derived from the client's own, and one for the installation.  A running service\n"
    "goes on working.  Run it again and only what is new is copied.  No key is in DIR.\n"
    "\n"
    "  --to DIR                 the backup's folder, best on another machine\n"
    "  --keep N                 so many backups can be restored (2)\n"
    "  --data DIR               the data folder ($HINOMI_DATA, var or /var/lib/hinomi)\n"
    "  --keys DIR               the keys (DATA.keys)\n"
    "  --keys-to FILE           copy the keys instead, sealed under a pass phrase, into a file "
    "that\n"
    "                           is kept apart from DIR: without them no backup can be read\n"
    "  --passphrase-file FILE   its first line is the pass phrase\n"
    "\n"
    "Exit codes: 0 done, 64 a wrong command line, 66 no such data folder, 74 it failed, 75 not\n"
    "now: another backup runs, 77 not allowed.\n";

static int report_fail(enum err err, const struct why *why)
{
    (void)fprintf(stderr, "hinomi backup: %s\n", why_text(why, err));
    return control_code(err);
}

static int keys_copy(const char *keys, const char *to, const char *passphrase_file)
{
    struct passphrase passphrase;
    struct why why = {0};
    struct backup_keys_report report;
    enum err err = passphrase_read(passphrase_file, &passphrase, &why);
    if (err == OK) {
        err = backup_keys_save(disk_real(), keys, to, passphrase.text, &report, &why);
        passphrase_done(&passphrase);
    }
    if (err != OK) {
        return report_fail(err, &why);
    }
    printf("%llu keys are in %s; keep it, and its pass phrase, apart from the backups\n",
           (unsigned long long)report.files, to);
    return 0;
}

static int data_copy(const char *data, const char *keys, const char *to, uint64_t keep)
{
    struct why why = {0};
    struct backup_report report = {0};
    const struct backup_options options = {
        .disk = disk_real(), .data = data, .keys = keys, .to = to, .keep = (unsigned)keep};
    enum err err = backup_make(&options, wall_now(), &report, &why);
    if (err != OK) {
        return report_fail(err, &why);
    }
    printf("backup %llu%s: %llu sets, %llu files of %llu bytes; new are %llu bytes of %llu files, "
           "%llu bytes were written\n",
           (unsigned long long)report.generation, report.running ? ", of a running service" : "",
           (unsigned long long)report.sets, (unsigned long long)report.files,
           (unsigned long long)report.bytes, (unsigned long long)report.bytes_new,
           (unsigned long long)report.files_new, (unsigned long long)report.bytes_written);
    if (report.keyless > 0) {
        printf("%llu clients have no key any more: what they kept is in no set\n",
               (unsigned long long)report.keyless);
    }
    return 0;
}

int cmd_backup(int argc, char **argv)
{
    const char *to = NULL;
    const char *keys_to = NULL;
    const char *passphrase = NULL;
    const char *data = NULL;
    const char *keys = NULL;
    uint64_t keep = 2;
    const struct option options[] = {{"to", OPTION_TEXT, &to},
                                     {"keep", OPTION_NUMBER, &keep},
                                     {"keys-to", OPTION_TEXT, &keys_to},
                                     {"passphrase-file", OPTION_TEXT, &passphrase},
                                     {"data", OPTION_TEXT, &data},
                                     {"keys", OPTION_TEXT, &keys},
                                     {0}};
    int words;
    enum options_result result = options_read(argc, argv, options, usage, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    if (!options_alone(argv, words)) {
        return 64;
    }
    bool of_keys = keys_to != NULL && passphrase != NULL && to == NULL;
    bool of_data = to != NULL && keys_to == NULL && passphrase == NULL;
    if ((!of_keys && !of_data) || keep == 0 || keep > 1000) {
        (void)fprintf(stderr, "%s", usage);
        return 64;
    }
    char beside[4096];
    data = ask_data(data);
    (void)snprintf(beside, sizeof beside, "%s.keys", data);
    keys = keys != NULL ? keys : beside;
    bool there = false;
    if (disk_exists(disk_real(), data, &there) != OK || !there) {
        (void)fprintf(
            stderr, "hinomi backup: %s: there is no such data folder; name it with --data\n", data);
        return 66;
    }
    return of_keys ? keys_copy(keys, keys_to, passphrase) : data_copy(data, keys, to, keep);
}
