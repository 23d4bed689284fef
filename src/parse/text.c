/*
 * A record's bytes as text.
 *
 * Nearly all records are UTF-8 and are parsed where they stand.  Others are decoded into a copy,
 * and what is found in the copy is told as derived values: the record itself keeps its bytes. Where
 * nothing is said of the source's set, each record is looked at for itself, since a relay may send
 * those of many devices.
 *
 * A set that was named is taken at its word for what is not UTF-8; devices change, and valid UTF-8
 * is hardly ever anything else.
 */

#include "codec/charset.h"
#include "parse/private.h"

static enum charset charset_of(const struct found *found)
{
    enum charset named;
    struct str charset = found->context->charset;
    bool said =
        charset.size > 0 && !str_equal(charset, STR("auto")) && charset_find(charset, &named);
    if (said && (named == CHARSET_UTF16LE || named == CHARSET_UTF16BE)) {
        return named;
    }
    enum charset guess = charset_guess(found->record);
    return said && guess != CHARSET_UTF8 ? named : guess;
}

struct str text_of(struct found *found)
{
    struct str text;
    enum charset charset = charset_of(found);
    if (charset == CHARSET_UTF8 || charset == CHARSET_UNKNOWN || found_mem(found) == NULL ||
        charset_decode(charset, found->record, found->mem, &text) != OK) {
        return found->record;
    }
    found_charset(found, str_from(charset_name(charset)));
    return text;
}
