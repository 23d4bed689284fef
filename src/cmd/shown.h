#pragma once

/* Lines for people that hold others' texts: rules, paths, reasons. */

#include <stdio.h>

#include "base/err.h"

/* Prints as printf does, but what would steer a terminal comes out as '?', line ends excepted. */
void shown_print(FILE *to, const char *format, ...) PRINTF(2, 3);
