#pragma once

/*
 * The sub-commands: one file each, one row each in main.c.  argv[0] is the command's own name.  The
 * result is the exit code: 0 it went well, 1 something that was asked about is wrong, 2 the command
 * line is.
 */

int cmd_rules(int argc, char **argv);
int cmd_scan(int argc, char **argv);
