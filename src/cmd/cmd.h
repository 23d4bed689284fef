#pragma once

/* The sub-commands of hinomi: each takes its own name and what follows it on the command line, and
 * returns the exit code. */

int cmd_api(int argc, char **argv);
int cmd_alerts(int argc, char **argv);
int cmd_archive(int argc, char **argv);
int cmd_backup(int argc, char **argv);
int cmd_books(int argc, char **argv);
int cmd_devices(int argc, char **argv);
int cmd_check_config(int argc, char **argv);
int cmd_parse(int argc, char **argv);
int cmd_play(int argc, char **argv);
int cmd_offboard(int argc, char **argv);
int cmd_process(int argc, char **argv);
int cmd_provision(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_rules(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_scan(int argc, char **argv);
int cmd_search(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_tenant(int argc, char **argv);
int cmd_user(int argc, char **argv);
int cmd_verify(int argc, char **argv);
