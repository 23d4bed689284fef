/*
 * Words, numbers and times for a document.
 *
 * Always true: times are UTC and say so, since a client's auditor may read them anywhere; numbers
 * are grouped by threes in both languages.
 */

#include "report/private.h"

#include <stdio.h>
#include <string.h>

#include "codec/time.h"

#define JAPAN_NS (INT64_C(9) * 3600 * NS_PER_SECOND)

struct str pen_word(const struct pen *pen, enum word word)
{
    return words_text(word, pen->language);
}

struct str pen_print(struct pen *pen, enum word word, const struct words_value *values,
                     size_t count)
{
    buf_reset(&pen->text);
    enum err err = words_print(&pen->text, pen->language, word, values, count);
    pen->err = pen->err == OK ? err : pen->err;
    return err == OK ? buf_str(&pen->text) : STR("");
}

struct str pen_number(uint64_t number, char text[PEN_NUMBER_SIZE])
{
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            text[at++] = ',';
        }
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return str_of(text, at);
}

struct str pen_size(uint64_t size, char text[PEN_NUMBER_SIZE])
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    char exact[PEN_NUMBER_SIZE];
    double value = (double)size / 1000.0;
    size_t unit = 0;
    struct str whole = pen_number(size, exact);
    while (value >= 1000.0 && unit < 3) {
        value /= 1000.0;
        unit++;
    }
    int count = size < 1000 ? snprintf(text, PEN_NUMBER_SIZE, "%.*s B", STR_ARG(whole))
                            : snprintf(text, PEN_NUMBER_SIZE, "%.1f %s (%.*s B)", value,
                                       units[unit], STR_ARG(whole));
    return str_of(text, (size_t)count);
}

/* Japanese paper in Japan's time, other in UTC; each says which. */
struct str pen_moment(const struct pen *pen, struct wall wall, char text[PEN_NUMBER_SIZE])
{
    char iso[TIME_TEXT_SIZE];
    if (!wall_known(wall)) {
        return STR("—");
    }
    bool japan = pen->language == LANGUAGE_JA && wall.ns <= INT64_MAX - JAPAN_NS;
    struct wall second = {wall.ns - ((wall.ns % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND +
                          (japan ? JAPAN_NS : 0)};
    (void)time_print(second, iso);
    int count =
        snprintf(text, PEN_NUMBER_SIZE, "%.10s %.8s %s", iso, iso + 11, japan ? "JST" : "UTC");
    return str_of(text, (size_t)count);
}

void pen_fact(struct pen *pen, enum word name, struct str value, bool mono)
{
    sheet_fact(pen->sheet, pen_word(pen, name), value, mono);
}
