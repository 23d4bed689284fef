/* hinomi offboard: what both sides of a leaving client confirmed is done (docs/provision.md). */

#include "cmd/cmd.h"

#include <stdio.h>

#include "cmd/ask.h"
#include "serve/serve.h"
#include "sys/clocks.h"

static const char usage[] =
    "usage: hinomi offboard --tenant T --out DIR [--data DIR] [--keys DIR]\n"
    "\n"
    "Destroys the keys and the data of client T, whose leaving both sides confirmed in the "
    "portal,\n"
    "and writes the certificate to DIR: certificate.json, certificate.sig, certificate.pdf.\n"
    "The service must be stopped.  There is no way back; after a crash, call it again.\n"
    "\n"
    "The key of the installation's backups is destroyed too, since the ledger in them holds rows\n"
    "of T: backups that were made before can not be restored any more.  Make one at once.\n";

int cmd_offboard(int argc, char **argv)
{
    const char *data = NULL;
    const char *keys = NULL;
    const char *tenant = NULL;
    const char *out = NULL;
    char beside[4096];
    struct why why = {0};
    const struct option options[] = {{"data", OPTION_TEXT, &data},
                                     {"keys", OPTION_TEXT, &keys},
                                     {"tenant", OPTION_TEXT, &tenant},
                                     {"out", OPTION_TEXT, &out},
                                     {0}};
    int words;
    enum options_result result = options_read(argc, argv, options, usage, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    if (tenant == NULL || out == NULL || words > 0) {
        (void)fprintf(stderr, "hinomi offboard: name the client with --tenant and a folder for its "
                              "certificate with --out\n");
        return 64;
    }
    data = ask_data(data);
    (void)snprintf(beside, sizeof beside, "%s.keys", data);
    enum err err = offline_leave(data, keys != NULL ? keys : beside, str_from(tenant), out, &why);
    if (err != OK) {
        (void)fprintf(stderr, "hinomi offboard: %s\n", why_text(&why, err));
        return control_code(err);
    }
    (void)printf("%s: destroyed; the certificate is in %s\n"
                 "backups made before now can not be restored any more: run hinomi backup now, and "
                 "make the copy of the keys anew\n",
                 tenant, out);
    return 0;
}
