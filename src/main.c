/* The table of sub-commands, and nothing else. */

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help; /* NULL: not for people */
} commands[] = {
    {"serve", cmd_serve, "collect, keep, judge: run the service"},
    {"check-config", cmd_check_config, "say what is wrong with a configuration"},
    {"tenant", cmd_tenant, "parties, clients, documents: apply, export, list, token, key"},
    {"user", cmd_user, "people who sign in: list, invite"},
    {"search", cmd_search, "events that fit a query"},
    {"provision", cmd_provision, "logs of a client as one package that proves itself"},
    {"offboard", cmd_offboard, "a client that leaves: destroy its data, with a certificate"},
    {"alerts", cmd_alerts, "what the rules said, with the line behind each"},
    {"books", cmd_books, "what was received, stored, rejected, for each source"},
    {"devices", cmd_devices, "what sends logs, and how it is; who asks to be enrolled"},
    {"archive", cmd_archive, "what lies there and how long; holds; how long the disk will last"},
    {"verify", cmd_verify, "prove that nothing stored was changed"},
    {"backup", cmd_backup, "copy all that is kept, encrypted, while the service runs"},
    {"restore", cmd_restore, "put a backup back, or check that it is whole"},
    {"parse", cmd_parse, "see what the parsers make of a file"},
    {"scan", cmd_scan, "run rules over files, or over the archive"},
    {"explain", cmd_explain, "why a rule holds for an event, or does not"},
    {"rules", cmd_rules, "check, list, test; import, try and use editions"},
    {"play", cmd_play, "send a story's lines to a service, as devices would"},
    {"api", cmd_api, "one operation of the API of a running service"},
    {"process", cmd_process, NULL},
};

int main(int argc, char **argv)
{
    const size_t count = sizeof commands / sizeof commands[0];
    (void)signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; argc > 1 && i < count; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    if (argc > 1 && argv[1][0] != '-' && strcmp(argv[1], "help") != 0) {
        (void)fprintf(stderr, "hinomi: there is no command '%s'; see 'hinomi --help'\n", argv[1]);
        return 64;
    }
    int known = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0);
    FILE *out = known ? stdout : stderr;
    (void)fprintf(out, "usage: hinomi COMMAND ...\n\n");
    for (size_t i = 0; i < count; i++) {
        if (commands[i].help != NULL) {
            (void)fprintf(out, "  %-13s %s\n", commands[i].name, commands[i].help);
        }
    }
    (void)fprintf(out, "\n'hinomi COMMAND --help' says more.\n");
    return known ? 0 : 64;
}
