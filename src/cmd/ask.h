#pragma once

/* What the commands that look into a data folder share: where it is, and asking whoever serves it,
 * or the folder itself. */

#include "cmd/options.h"
#include "serve/serve.h"

/* The folder of --data, else of $HINOMI_DATA, else var/ here, else /var/lib/hinomi. */
const char *ask_data(const char *option);

/* A --format by name, of those before `end`; false after a sentence on standard error. */
bool ask_format(const char *command, const char *name, enum output_format end,
                enum output_format *ret);

/* Asks, prints the answer on standard output and reasons on standard error; the exit code. */
int ask(const char *command, const char *data, const char *keys,
        const struct control_request *request);
/* The same, with the answer given to `output`. */
int ask_into(const char *command, const char *data, const char *keys,
             const struct control_request *request, control_output *output, void *context);
/* The output that prints. */
enum err ask_print(void *context, struct str piece);
