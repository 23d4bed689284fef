/*
 * A rule is a text from anywhere: its title, its author and what is wrong with it must not steer
 * the terminal of whoever asks about it.
 *
 * Always true: of the controls (C0, DEL, C1) only line ends are put out.
 */

#include "cmd/shown.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

void shown_print(FILE *to, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int size = vasprintf(&text, format, args);
    va_end(args);
    for (int i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i], next = (unsigned char)text[i + 1];
        bool c1 = c == 0xc2 && next >= 0x80 && next < 0xa0;
        if ((c < 0x20 && c != '\n') || c == 0x7f || c1) {
            text[i] = '?';
        }
        if (c1) {
            text[++i] = '?';
        }
    }
    if (size >= 0) {
        (void)fwrite(text, 1, (size_t)size, to);
        free(text);
    }
}
