/* hinomi restore: a backup put back, or only checked. */

#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/ask.h"
#include "cmd/passphrase.h"
#include "serve/backup.h"
#include "sys/clocks.h"

#define PATH_SIZE_MAX 3000

static const char usage[] =
    "usage: hinomi restore --from DIR --data DIR [--keys DIR] [--generation N] [--partial]\n"
    "       hinomi restore --from DIR --check --keys DIR [--generation N]\n"
    "       hinomi restore --keys-from FILE --passphrase-file FILE --keys DIR\n"
    "\n"
    "Puts the newest backup of the folder DIR back as a data folder, which must not be there yet.\n"
    "Every missing or damaged place is named; then nothing is restored, unless --partial.\n"
    "\n"
    "  --check                  read and check all of it, restore nothing\n"
    "  --keys DIR               the keys (DATA.keys); signing keys are put there too\n"
    "  --generation N           an older backup\n"
    "  --partial                restore what is whole; what is lost of a file is zeros\n"
    "  --keys-from FILE         put the keys back that `hinomi backup --keys-to` copied\n"
    "  --passphrase-file FILE   its first line is the pass phrase\n"
    "\n"
    "Exit codes: 0 whole, 1 something is missing or damaged, 64 a wrong command line, 65 no such\n"
    "backup, or the data folder is there, 74 it failed.\n";

static void place_put(void *context, const char *place, const char *what)
{
    (void)context;
    printf("damaged: %s: %s\n", place, what);
}

static int keys_restore(const char *from, const char *keys, const char *passphrase_file)
{
    struct passphrase passphrase;
    struct why why = {0};
    struct backup_keys_report report;
    enum err err = passphrase_read(passphrase_file, &passphrase, &why);
    if (err == OK) {
        err = backup_keys_restore(disk_real(), from, passphrase.text, keys, &report, &why);
        passphrase_done(&passphrase);
    }
    if (err != OK) {
        (void)fprintf(stderr, "hinomi restore: %s\n", why_text(&why, err));
        return control_code(err);
    }
    printf("%llu keys are in %s\n", (unsigned long long)report.files, keys);
    return 0;
}

static int data_restore(const struct restore_options *options)
{
    struct why why = {0};
    struct restore_report report = {0};
    enum err err = backup_restore(options, place_put, NULL, &report, &why);
    if (err != OK && (err != ERR_CORRUPT || report.damaged == 0)) {
        (void)fprintf(stderr, "hinomi restore: %s\n", why_text(&why, err));
        return control_code(err);
    }
    printf("backup %llu: %llu sets, %llu files of %llu bytes; %llu places missing or damaged; %s\n",
           (unsigned long long)report.generation, (unsigned long long)report.sets,
           (unsigned long long)report.files, (unsigned long long)report.bytes,
           (unsigned long long)report.damaged,
           options->data == NULL ? "checked"
           : err == OK           ? "restored"
           : options->partial    ? "restored but for these"
                                 : "nothing is restored");
    return err == OK ? 0 : 1;
}

int cmd_restore(int argc, char **argv)
{
    struct restore_options restore = {.disk = disk_real()};
    const char *keys_from = NULL;
    const char *passphrase = NULL;
    bool check = false;
    const struct option options[] = {{"from", OPTION_TEXT, &restore.from},
                                     {"data", OPTION_TEXT, &restore.data},
                                     {"keys", OPTION_TEXT, &restore.keys},
                                     {"generation", OPTION_NUMBER, &restore.generation},
                                     {"partial", OPTION_FLAG, &restore.partial},
                                     {"check", OPTION_FLAG, &check},
                                     {"keys-from", OPTION_TEXT, &keys_from},
                                     {"passphrase-file", OPTION_TEXT, &passphrase},
                                     {0}};
    int words;
    enum options_result result = options_read(argc, argv, options, usage, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    if (!options_alone(argv, words)) {
        return 64;
    }
    bool of_keys = keys_from != NULL && passphrase != NULL && restore.keys != NULL &&
                   restore.from == NULL && restore.data == NULL;
    bool of_data = restore.from != NULL && keys_from == NULL && passphrase == NULL &&
                   (check ? restore.data == NULL && restore.keys != NULL : restore.data != NULL);
    if ((!of_keys && !of_data) || (restore.data != NULL && strlen(restore.data) > PATH_SIZE_MAX)) {
        (void)fprintf(stderr, "%s", usage);
        return 64;
    }
    if (of_keys) {
        return keys_restore(keys_from, restore.keys, passphrase);
    }
    char beside[PATH_SIZE_MAX + 8];
    if (restore.keys == NULL) {
        (void)snprintf(beside, sizeof beside, "%s.keys", restore.data);
        restore.keys = beside;
    }
    return data_restore(&restore);
}
