/* Reasons for people.  Values from outside end up in them, so printing takes out control bytes. */

#include "base/why.h"

#include <stdarg.h>
#include <stdio.h>

static void why_set(struct why *why, uint32_t line, uint32_t column, const char *format,
                    va_list args) __attribute__((format(printf, 4, 0)));

enum err why_say(struct why *why, enum err err, uint32_t line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    why_set(why, line, 0, format, args);
    va_end(args);
    return err;
}

enum err why_say_at(struct why *why, enum err err, uint32_t line, uint32_t column,
                    const char *format, ...)
{
    va_list args;
    va_start(args, format);
    why_set(why, line, column, format, args);
    va_end(args);
    return err;
}

const char *why_text(const struct why *why, enum err err)
{
    static _Thread_local char text[WHY_TEXT_SIZE + 32];
    if (why == NULL || why->text[0] == '\0') {
        return err_text(err);
    }
    if (why->line != 0 && why->column != 0) {
        (void)snprintf(text, sizeof text, "%u:%u: %s", why->line, why->column, why->text);
    } else if (why->line != 0) {
        (void)snprintf(text, sizeof text, "%u: %s", why->line, why->text);
    } else {
        (void)snprintf(text, sizeof text, "%s", why->text);
    }
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = '?';
        }
    }
    return text;
}

static void why_set(struct why *why, uint32_t line, uint32_t column, const char *format,
                    va_list args)
{
    if (why == NULL) {
        return;
    }
    why->line = line;
    why->column = column;
    (void)vsnprintf(why->text, sizeof why->text, format, args);
}
