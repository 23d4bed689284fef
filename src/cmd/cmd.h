#pragma once

/* The sub-commands of hinomi: each takes what follows its name on the command line and returns the
 * exit code. */

int cmd_verify(int argc, char **argv);
