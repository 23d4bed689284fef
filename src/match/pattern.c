/*
 * Text patterns: pieces of text, *, ? and dashes, and how they are laid over a value.
 *
 * A pattern is cut at its stars into segments.  The first is anchored at the start unless a star
 * stands before it, the last at the end unless a star stands behind it; between them each segment
 * is put at the leftmost place that is left.  Leftmost is right: a star takes what is between, so
 * an earlier place never closes a later one.  No place is tried twice for one segment, so the cost
 * is at most the value's size times the pattern's.
 *
 * A ? is one character, however many bytes it has; a byte that is not UTF-8 is a character of its
 * own.
 */

#include "match/private.h"

#include <string.h>

#include "codec/utf8.h"

static size_t character_size(struct str value, size_t at);
static size_t dash_size(struct str value, size_t at);
static size_t segment_end(const struct pattern *pattern, size_t from);
static bool glob_fits(const struct pattern *pattern, struct str value);

static void pieces_add(struct pattern *pattern, enum piece_kind kind, struct str text)
{
    if (kind == PIECE_TEXT && text.size == 0) {
        return;
    }
    if (kind == PIECE_MANY && pattern->count > 0 &&
        pattern->pieces[pattern->count - 1].kind == PIECE_MANY) {
        return;
    }
    pattern->pieces[pattern->count++] = (struct piece){kind, text};
}

enum err pattern_parse(struct str text, struct arena *mem, struct pattern *ret)
{
    size_t special = 0;
    for (size_t i = 0; i < text.size; i++) {
        special += text.data[i] == '*' || text.data[i] == '?' || text.data[i] == '\\';
    }
    struct pattern pattern = {.pieces = ARENA_ARRAY(mem, struct piece, 2 * special + 1)};
    if (pattern.pieces == NULL) {
        return ERR_MEMORY;
    }
    size_t run = 0; /* where the text piece that is being read began */
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        char next = i + 1 < text.size ? text.data[i + 1] : '\0';
        if (c == '\\' && (next == '*' || next == '?' || next == '\\')) {
            pieces_add(&pattern, PIECE_TEXT, str_slice(text, run, i - run));
            run = i + 1;
            i++;
        } else if (c == '*' || c == '?') {
            pieces_add(&pattern, PIECE_TEXT, str_slice(text, run, i - run));
            pieces_add(&pattern, c == '*' ? PIECE_MANY : PIECE_ONE, (struct str){0});
            run = i + 1;
        }
    }
    pieces_add(&pattern, PIECE_TEXT, str_slice(text, run, text.size - run));
    *ret = pattern;
    return OK;
}

enum err pattern_literal(struct str text, struct arena *mem, struct pattern *ret)
{
    struct pattern pattern = {.pieces = ARENA_ONE(mem, struct piece)};
    if (pattern.pieces == NULL) {
        return ERR_MEMORY;
    }
    pieces_add(&pattern, PIECE_TEXT, text);
    *ret = pattern;
    return OK;
}

enum err pattern_open(struct pattern *pattern, bool before, bool behind, struct arena *mem)
{
    struct pattern open = {.pieces = ARENA_ARRAY(mem, struct piece, pattern->count + 2)};
    if (open.pieces == NULL) {
        return ERR_MEMORY;
    }
    if (before) {
        pieces_add(&open, PIECE_MANY, (struct str){0});
    }
    for (size_t i = 0; i < pattern->count; i++) {
        pieces_add(&open, pattern->pieces[i].kind, pattern->pieces[i].text);
    }
    if (behind) {
        pieces_add(&open, PIECE_MANY, (struct str){0});
    }
    *pattern = open;
    return OK;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

enum err pattern_windash(struct pattern *pattern, struct arena *mem)
{
    size_t more = 0;
    for (size_t i = 0; i < pattern->count; i++) {
        more += pattern->pieces[i].text.size;
    }
    struct pattern dashed = {.pieces = ARENA_ARRAY(mem, struct piece, pattern->count + 2 * more)};
    if (dashed.pieces == NULL) {
        return ERR_MEMORY;
    }
    bool word_before = false; /* Pieces that an escape cut apart are one text to the reader. */
    for (size_t i = 0; i < pattern->count; i++) {
        struct piece piece = pattern->pieces[i];
        size_t run = 0;
        for (size_t at = 0; at < piece.text.size; at++) {
            char c = piece.text.data[at];
            bool word_behind = at + 1 < piece.text.size && is_word(piece.text.data[at + 1]);
            if ((c == '-' || c == '/') && !word_before && word_behind) {
                pieces_add(&dashed, PIECE_TEXT, str_slice(piece.text, run, at - run));
                pieces_add(&dashed, PIECE_DASH, (struct str){0});
                run = at + 1;
            }
            word_before = is_word(c);
        }
        if (piece.kind == PIECE_TEXT) {
            pieces_add(&dashed, PIECE_TEXT, str_slice(piece.text, run, piece.text.size));
        } else {
            pieces_add(&dashed, piece.kind, piece.text);
            word_before = false;
        }
    }
    *pattern = dashed;
    return OK;
}

enum err pattern_text(const struct pattern *pattern, struct arena *mem, struct str *ret)
{
    size_t size = 0;
    for (size_t i = 0; i < pattern->count; i++) {
        if (pattern->pieces[i].kind != PIECE_TEXT) {
            return ERR_SYNTAX;
        }
        size += pattern->pieces[i].text.size;
    }
    char *out = arena_take(mem, size);
    if (out == NULL) {
        return ERR_MEMORY;
    }
    size_t at = 0;
    for (size_t i = 0; i < pattern->count; i++) {
        memcpy(out + at, pattern->pieces[i].text.data, pattern->pieces[i].text.size);
        at += pattern->pieces[i].text.size;
    }
    *ret = (struct str){out, size};
    return OK;
}

/* Joins neighbouring texts and folds them, so that segments are as plain as can be. */
static enum err pattern_settle(const struct pattern *pattern, fold *folding, struct arena *mem,
                               struct pattern *ret)
{
    struct pattern settled = {.pieces = ARENA_ARRAY(mem, struct piece, pattern->count + 1)};
    if (settled.pieces == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < pattern->count;) {
        size_t end = i;
        while (end < pattern->count && pattern->pieces[end].kind == PIECE_TEXT) {
            end++;
        }
        if (end == i) {
            pieces_add(&settled, pattern->pieces[i].kind, (struct str){0});
            i++;
            continue;
        }
        struct str text;
        struct pattern part = {.pieces = pattern->pieces + i, .count = end - i};
        enum err err = pattern_text(&part, mem, &text);
        if (err == OK && folding != NULL) {
            err = folding(text, mem, &text);
        }
        if (err != OK) {
            return err;
        }
        pieces_add(&settled, PIECE_TEXT, text);
        i = end;
    }
    *ret = settled;
    return OK;
}

enum err text_test_make(const struct pattern *pattern, fold *folding, struct arena *mem,
                        struct text_test *ret)
{
    struct text_test test = {.kind = TEXT_GLOB, .cased = folding == NULL};
    enum err err = pattern_settle(pattern, folding, mem, &test.pattern);
    if (err != OK) {
        return err;
    }
    const struct piece *pieces = test.pattern.pieces;
    size_t count = test.pattern.count;
    bool before = count > 0 && pieces[0].kind == PIECE_MANY;
    bool behind = count > 1 && pieces[count - 1].kind == PIECE_MANY;
    size_t inside = count - before - behind;
    if (inside == 0) {
        test.kind = before ? TEXT_ALL : TEXT_EQUAL;
    } else if (inside == 1 && pieces[before].kind == PIECE_TEXT) {
        test.kind = before && behind ? TEXT_HOLDS
                    : before         ? TEXT_ENDS
                    : behind         ? TEXT_STARTS
                                     : TEXT_EQUAL;
        test.text = pieces[before].text;
    }
    *ret = test;
    return OK;
}

/* Sixteen places at once: those where both the first and the last byte are right are looked at
 * closely.  Values are short, and what memmem prepares for each call costs more than such a search.
 */
typedef unsigned char block __attribute__((vector_size(16)));

static block block_at(const char *from)
{
    block made;
    memcpy(&made, from, sizeof made);
    return made;
}

static bool text_stands_in(struct str text, struct str value)
{
    if (text.size == 0 || text.size > value.size) {
        return text.size == 0;
    }
    size_t places = value.size - text.size + 1;
    block first = (block){0} + (unsigned char)text.data[0];
    block last = (block){0} + (unsigned char)text.data[text.size - 1];
    size_t at = 0;
    for (; at + sizeof first <= places; at += sizeof first) {
        block fits = (block)((block_at(value.data + at) == first) &
                             (block_at(value.data + at + text.size - 1) == last));
        uint64_t halves[2];
        memcpy(halves, &fits, sizeof fits);
        for (size_t i = 0; (halves[0] | halves[1]) != 0 && i < sizeof fits; i++) {
            if (fits[i] != 0 && memcmp(value.data + at + i, text.data, text.size) == 0) {
                return true;
            }
        }
    }
    for (; at < places; at++) {
        if (value.data[at] == text.data[0] && memcmp(value.data + at, text.data, text.size) == 0) {
            return true;
        }
    }
    return false;
}

bool text_test_fits(const struct text_test *test, struct str value)
{
    switch (test->kind) {
    case TEXT_ALL:
        return true;
    case TEXT_EQUAL:
        return str_equal(value, test->text);
    case TEXT_STARTS:
        return str_starts(value, test->text);
    case TEXT_ENDS:
        return str_ends(value, test->text);
    case TEXT_HOLDS:
        return text_stands_in(test->text, value);
    default:
        return glob_fits(&test->pattern, value);
    }
}

/* The end of the segment's match at `at`, or STR_NONE. */
static size_t segment_fits_at(const struct pattern *pattern, size_t from, size_t to,
                              struct str value, size_t at)
{
    for (size_t i = from; i < to; i++) {
        const struct piece *piece = &pattern->pieces[i];
        size_t size = piece->kind == PIECE_ONE    ? character_size(value, at)
                      : piece->kind == PIECE_DASH ? dash_size(value, at)
                                                  : piece->text.size;
        if (size == 0 || size > value.size - at ||
            (piece->kind == PIECE_TEXT && memcmp(value.data + at, piece->text.data, size) != 0)) {
            return STR_NONE;
        }
        at += size;
    }
    return at;
}

/* The end of the leftmost match from `at` on (one that ends the value, if asked), or STR_NONE. */
static size_t segment_find(const struct pattern *pattern, size_t from, size_t to, struct str value,
                           size_t at, bool to_end)
{
    const struct piece *first = &pattern->pieces[from];
    while (at < value.size) {
        if (first->kind == PIECE_TEXT) {
            const char *found =
                memmem(value.data + at, value.size - at, first->text.data, first->text.size);
            if (found == NULL) {
                return STR_NONE;
            }
            at = (size_t)(found - value.data);
        }
        size_t end = segment_fits_at(pattern, from, to, value, at);
        if (end != STR_NONE && (!to_end || end == value.size)) {
            return end;
        }
        at += first->kind == PIECE_TEXT ? 1 : character_size(value, at);
    }
    return STR_NONE;
}

static bool glob_fits(const struct pattern *pattern, struct str value)
{
    size_t at = 0;
    for (size_t i = 0; i < pattern->count;) {
        if (pattern->pieces[i].kind == PIECE_MANY) {
            i++;
            continue;
        }
        size_t end = segment_end(pattern, i);
        bool to_end = end == pattern->count;
        if (i == 0) {
            at = segment_fits_at(pattern, i, end, value, 0);
            if (to_end) {
                return at == value.size;
            }
        } else {
            at = segment_find(pattern, i, end, value, at, to_end);
        }
        if (at == STR_NONE) {
            return false;
        }
        i = end;
    }
    return pattern->count > 0 || value.size == 0;
}

static size_t segment_end(const struct pattern *pattern, size_t from)
{
    while (from < pattern->count && pattern->pieces[from].kind != PIECE_MANY) {
        from++;
    }
    return from;
}

static size_t character_size(struct str value, size_t at)
{
    if (at >= value.size) {
        return 0;
    }
    size_t size = utf8_sequence(str_slice(value, at, 4));
    return size == 0 ? 1 : size;
}

static size_t dash_size(struct str value, size_t at)
{
    if (at >= value.size) {
        return 0;
    }
    if (value.data[at] == '-' || value.data[at] == '/') {
        return 1;
    }
    struct str three = str_slice(value, at, 3);
    bool dash = str_equal(three, STR("\xE2\x80\x93")) || str_equal(three, STR("\xE2\x80\x94")) ||
                str_equal(three, STR("\xE2\x80\x95"));
    return dash ? 3 : 0;
}
