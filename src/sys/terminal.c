/* The terminal, if there is one. */

#include "sys/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/str.h"

bool terminal_is(int descriptor)
{
    return isatty(descriptor) == 1;
}

unsigned terminal_width(unsigned otherwise)
{
    struct winsize size;
    uint64_t columns;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
    if (str_to_u64(str_from(getenv("COLUMNS")), 10000, &columns) == OK && columns > 0) {
        return (unsigned)columns;
    }
    return otherwise;
}

bool terminal_has_colour(void)
{
    const char *no = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return terminal_is(STDOUT_FILENO) && (no == NULL || no[0] == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}
