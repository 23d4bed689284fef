/*
 * Patterns: pieces one after the other over a text, without going back.
 *
 * A capture without a type ends where the pattern goes on: at the text that follows it, or at the
 * beginning of a part that may be missing, whichever comes first.  A part that may be missing is
 * tried once; what it added is taken back if it does not fit.
 *
 * What a stranger chose (`last`) ends at the last place where the next text stands and the capture
 * behind it fits.
 *
 * Always true: each piece looks at each byte a bounded number of times, so a pattern costs its
 * pieces times the text.
 */

#include <string.h>

#include "parse/private.h"

#define LAST_TRIES_MAX 64 /* places where a `last` may end that are looked at */

static bool rest_take(struct found *found, const struct piece *piece, struct str *rest,
                      struct str *ret);
static struct str next_text(const struct piece *piece);

/* Types that end where the pattern goes on. */
static bool is_open(uint8_t take)
{
    return take <= TAKE_ESCAPED || take == TAKE_LOWER || take == TAKE_UPPER;
}

/* What the file calls empty stands for a value of any type, if the pattern goes on behind it. */
static bool empty_take(struct found *found, struct str next, struct str *rest)
{
    for (size_t i = 0; found->parser != NULL && i < found->parser->empty_count; i++) {
        struct str at = *rest;
        if (found->parser->empty[i].size > 0 && cursor_literal(&at, found->parser->empty[i]) &&
            (next.size > 0 ? str_starts(at, next) : at.size == 0)) {
            *rest = at;
            return true;
        }
    }
    return false;
}

bool pattern_run(struct found *found, const struct piece *pattern, struct str *rest)
{
    size_t mark = found->value_count;
    struct str at = *rest;
    for (const struct piece *piece = pattern;; piece++) {
        bool fits = true;
        switch ((enum piece_kind)piece->kind) {
        case PIECE_END:
        case PIECE_CLOSE:
            *rest = at;
            return true;
        case PIECE_TEXT:
            fits = cursor_literal(&at, piece->text);
            break;
        case PIECE_TAKE: {
            struct str taken;
            fits = is_open(piece->target.take)
                       ? rest_take(found, piece, &at, &taken)
                       : take_front(found, &piece->target, next_text(piece), &at, &taken);
            if (fits && !found->looking) {
                take_tell(found, &piece->target, taken, SPAN_RAW);
            } else if (!fits) {
                fits = empty_take(found, next_text(piece), &at);
            }
            break;
        }
        case PIECE_OPEN:
            (void)pattern_run(found, piece + 1, &at);
            piece += piece->skip;
            break;
        }
        if (!fits) {
            found->value_count = mark;
            return false;
        }
    }
}

bool pattern_looks(struct found *found, const struct piece *pattern, struct str text)
{
    found->looking = true;
    bool fits = pattern_run(found, pattern, &text);
    found->looking = false;
    return fits;
}

/* The text that has to follow a piece, empty where a capture or a part that may be missing does. */
static struct str next_text(const struct piece *piece)
{
    for (piece++; piece->kind == PIECE_CLOSE; piece++) {
    }
    return piece->kind == PIECE_TEXT   ? piece->text
           : piece->kind == PIECE_OPEN ? piece[1].text
                                       : (struct str){0};
}

static size_t find_last(struct str text, struct str needle)
{
    for (size_t at = text.size + 1 - (needle.size <= text.size ? needle.size : text.size + 1);
         at-- > 0;) {
        if (text.data[at] == needle.data[0] &&
            memcmp(text.data + at, needle.data, needle.size) == 0) {
            return at;
        }
    }
    return STR_NONE;
}

/* The first place of a needle that no backslash protects. */
static size_t find_bare(struct str text, struct str needle)
{
    size_t backslashes = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (backslashes % 2 == 0 && str_starts(text_from(text, i), needle)) {
            return i;
        }
        backslashes = text.data[i] == '\\' ? backslashes + 1 : 0;
    }
    return STR_NONE;
}

static size_t find_how(uint8_t take, struct str text, struct str needle)
{
    return take == TAKE_LAST      ? find_last(text, needle)
           : take == TAKE_ESCAPED ? find_bare(text, needle)
                                  : str_find(text, needle);
}

/* Whether the text behind a `last` is followed by what the pattern asks for there: a blank alone is
 * found in every name. */
static bool last_fits(struct found *found, const struct piece *text, struct str rest)
{
    const struct piece *take = text + 1;
    struct str taken;
    if (!cursor_literal(&rest, text->text) || take->kind != PIECE_TAKE ||
        is_open(take->target.take)) {
        return true;
    }
    return take_front(found, &take->target, next_text(take), &rest, &taken) &&
           (take[1].kind != PIECE_TEXT || str_starts(rest, take[1].text));
}

/* The last place of the text behind a `last` where the pattern can go on. */
static size_t last_find(struct found *found, const struct piece *text, struct str rest)
{
    struct str before = rest;
    size_t at = find_last(before, text->text);
    for (size_t tries = 1; at != STR_NONE && tries < LAST_TRIES_MAX; tries++) {
        if (last_fits(found, text, text_from(rest, at))) {
            return at;
        }
        before = str_slice(rest, 0, at + text->text.size - 1);
        at = find_last(before, text->text);
    }
    return at;
}

static bool rest_take(struct found *found, const struct piece *piece, struct str *rest,
                      struct str *ret)
{
    struct str text = *rest;
    uint8_t take = piece->target.take;
    const struct piece *after = piece + 1;
    size_t end = STR_NONE;
    while (after->kind == PIECE_OPEN || after->kind == PIECE_CLOSE) {
        after += after->kind == PIECE_OPEN ? after->skip + 1 : 1;
    }
    end = after->kind != PIECE_TEXT ? text.size
          : take == TAKE_LAST       ? last_find(found, after, text)
                                    : find_how(take, text, after->text);
    struct str before = end == STR_NONE ? text : str_slice(text, 0, end);
    for (after = piece + 1; after->kind == PIECE_OPEN || after->kind == PIECE_CLOSE;
         after += after->kind == PIECE_OPEN ? after->skip + 1 : 1) {
        size_t at = after->kind == PIECE_OPEN ? find_how(take, before, after[1].text) : STR_NONE;
        if (at != STR_NONE && (end == STR_NONE || at < end)) {
            end = at;
        }
    }
    if (end == STR_NONE || (end == 0 && take != TAKE_ANY)) {
        return false;
    }
    *ret = (struct str){text.data, end};
    *rest = text_from(text, end);
    return true;
}
