#pragma once

/* Whom the output is for: a person at a terminal, or a program. */

#include <stdbool.h>

/* Standard output (1) or standard error (2) is a terminal. */
bool terminal_is(int descriptor);
/* Columns of the terminal at standard output, else those of COLUMNS, else `otherwise`. */
unsigned terminal_width(unsigned otherwise);
/* Standard output is a terminal, and nobody said NO_COLOR (no-color.org). */
bool terminal_has_colour(void);
