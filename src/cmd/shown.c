/*
 * A rule is a text from anywhere, and so is a path: titles, authors, names of files and what is
 * wrong with them must not steer the terminal of whoever asks.
 *
 * Always true: of what steers (codec/visible.h) only line ends are put out.
 */

#include "cmd/shown.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "codec/utf8.h"
#include "codec/visible.h"

void shown_print(FILE *to, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int size = vasprintf(&text, format, args);
    va_end(args);
    for (size_t i = 0; size > 0 && i < (size_t)size;) {
        struct str rest = str_of(text + i, (size_t)size - i);
        size_t length = utf8_sequence(str_slice(rest, 0, 4));
        bool steers = length == 0 || visible_steers(str_slice(rest, 0, length));
        if (steers && text[i] != '\n') {
            memset(text + i, '?', length == 0 ? 1 : length);
        }
        i += length == 0 ? 1 : length;
    }
    if (size >= 0) {
        (void)fwrite(text, 1, (size_t)size, to);
        free(text);
    }
}
