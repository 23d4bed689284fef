/*
 * Texts in the columns of a terminal.
 *
 * Characters of East Asia take two columns (Unicode Standard Annex 11: W and F), marks that combine
 * with the character before take none, everything else one.  Characters that would steer a
 * terminal, and bytes that are not UTF-8, come out as one '?' each.
 */

#include "codec/utf8.h"
#include "replay/private.h"

struct range {
    uint32_t first, last;
};

/* Wide, in order; blocks rather than single characters. */
static const struct range wide[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x23E9, 0x23EC},   {0x2E80, 0x303E},
    {0x3041, 0x33FF},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},
    {0xA960, 0xA97C},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE10, 0xFE19},
    {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x16FE0, 0x18CFF},
    {0x1B000, 0x1B2FF}, {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF},
    {0x20000, 0x2FFFD}, {0x30000, 0x3FFFD},
};
/* Without a width of their own: combining marks, joiners, variation selectors. */
static const struct range none[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F},
    {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200D},
    {0x20D0, 0x20FF}, {0x302A, 0x302F}, {0x3099, 0x309A}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
};
/* They turn the direction of what follows, or are no characters for the eye. */
static const struct range steering[] = {
    {0x0000, 0x001F}, {0x007F, 0x009F}, {0x061C, 0x061C}, {0x200E, 0x200F},
    {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB},
};

static bool is_in(uint32_t c, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (c >= ranges[i].first && c <= ranges[i].last) {
            return true;
        }
    }
    return false;
}
#define IS_IN(c, ranges) is_in((c), (ranges), sizeof(ranges) / sizeof(ranges)[0])

/* The first character: its bytes, and its columns; *ret_shown: it may be put out as it is. */
static size_t character(struct str text, size_t *ret_width, bool *ret_shown)
{
    size_t size = utf8_sequence(text);
    uint32_t c = (unsigned char)text.data[0];
    *ret_width = 1;
    *ret_shown = false;
    if (size == 0) {
        return 1;
    }
    c = size == 1 ? c : c & (0xFFu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        c = c << 6 | ((unsigned char)text.data[i] & 0x3F);
    }
    *ret_shown = !IS_IN(c, steering);
    if (*ret_shown && c >= 0x300) {
        *ret_width = IS_IN(c, none) ? 0 : IS_IN(c, wide) ? 2 : 1;
    }
    return size;
}

size_t text_width(struct str text)
{
    size_t sum = 0;
    for (size_t at = 0; at < text.size;) {
        size_t width;
        bool shown;
        at += character(str_slice(text, at, 4), &width, &shown);
        sum += width;
    }
    return sum;
}

enum err text_fit_end(struct str text, size_t width, struct buf *out)
{
    size_t left = text_width(text);
    size_t unused;
    if (left <= width || width == 0) {
        return text_fit(text, width, out, &unused);
    }
    while (left > width - 1) {
        size_t columns;
        bool shown;
        text = str_slice(text, character(str_slice(text, 0, 4), &columns, &shown), SIZE_MAX);
        left -= columns;
    }
    enum err err = buf_append(out, STR("\xE2\x80\xA6"));
    return err == OK ? text_fit(text, width - 1, out, &unused) : err;
}

enum err text_fit(struct str text, size_t width, struct buf *out, size_t *ret_width)
{
    enum err err = OK;
    bool cut = text_width(text) > width;
    size_t room = cut && width > 0 ? width - 1 : width;
    size_t sum = 0;
    for (size_t at = 0; at < text.size && err == OK;) {
        size_t columns;
        bool shown;
        struct str rest = str_slice(text, at, 4);
        size_t size = character(rest, &columns, &shown);
        if (sum + columns > room) {
            break;
        }
        err = shown ? buf_append(out, str_slice(rest, 0, size)) : buf_append_byte(out, '?');
        at += size;
        sum += columns;
    }
    if (err == OK && cut && width > 0) {
        err = buf_append(out, STR("\xE2\x80\xA6")); /* an ellipsis */
        sum++;
    }
    *ret_width = sum;
    return err;
}
