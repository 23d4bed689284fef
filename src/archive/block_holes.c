/*
 * Where in a text something varies: its holes (block_split.c).
 *
 * In a text of lines what follows the first colon with a blank behind it, or the first =, is a
 * hole, to the line's end.  In any other text each word that holds a digit is one.  Lines end and
 * blanks stand as they are or as JSON writes them.
 *
 * Always true: a hole is not empty, and at its edges stands no letter or digit of what is between
 * holes, but for the t of an escaped tab before it.  hole_end, asked where holes_find would begin a
 * hole, says where that one ends.
 */

#include "archive/block_making.h"

#define EACH_BYTE 0x0101010101010101ULL

/* Letters, digits, bytes from 0x80 on, and what holds them together in paths and names. */
static inline bool is_token(char c)
{
    static const bool marks[256] = {
        ['_'] = true, ['.'] = true,  ['-'] = true, [':'] = true, ['/'] = true,
        ['@'] = true, ['\\'] = true, ['%'] = true, ['+'] = true, ['$'] = true,
        ['#'] = true, ['{'] = true,  ['}'] = true};
    unsigned char byte = (unsigned char)c;
    unsigned char letter = (unsigned char)((byte | 0x20) - 'a');
    return letter < 26 || (unsigned char)(byte - '0') < 10 || byte >= 0x80 || marks[byte];
}

static uint32_t tokens_find(struct str text, struct hole holes[HOLES_MAX])
{
    uint32_t count = 0;
    for (size_t i = 0; i < text.size && count < HOLES_MAX;) {
        size_t from = i;
        bool digit = false;
        while (i < text.size && is_token(text.data[i])) {
            digit |= text.data[i] >= '0' && text.data[i] <= '9';
            i++;
        }
        if (digit) {
            holes[count++] = (struct hole){(uint32_t)from, (uint32_t)(i - from)};
        }
        i += i == from;
    }
    return count;
}

static size_t blanks_skip(struct str text, size_t at)
{
    while (at < text.size) {
        if (text.data[at] == ' ' || text.data[at] == '\t') {
            at++;
        } else if (text.data[at] == '\\' && at + 1 < text.size && text.data[at + 1] == 't') {
            at += 2;
        } else {
            break;
        }
    }
    return at;
}

/* Bytes that a line's parts begin or end with. */
static inline bool line_mark(char c)
{
    static const bool marks[256] = {
        ['\\'] = true, [':'] = true, ['='] = true, ['\n'] = true, ['\r'] = true};
    return marks[(unsigned char)c];
}

/* How large an end of line stands there: LF or CR, or either as JSON writes them; 0 if none does.
 */
static size_t line_end(struct str text, size_t at)
{
    char c = text.data[at];
    if (c != '\\') {
        return c == '\n' || c == '\r' ? 1 : 0;
    }
    char next = at + 1 < text.size ? text.data[at + 1] : '\0';
    return next == 'n' || next == 'r' ? 2 : 0;
}

bool text_has_lines(struct str text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (line_mark(text.data[i]) && line_end(text, i) > 0) {
            return true;
        }
        i += text.data[i] == '\\';
    }
    return false;
}

/* A hole is what follows the first colon with a blank behind it, or the first =, to the line's end;
 * but no accent, which may be joined with the t of an escaped tab. */
static uint32_t lines_find(struct str text, struct hole holes[HOLES_MAX])
{
    uint32_t count = 0;
    size_t hole = 0; /* where the line's hole began; 0: it has none yet */
    size_t line = 0;
    for (size_t i = 0; i < text.size && count < HOLES_MAX; i++) {
        char c = text.data[i];
        if (!line_mark(c)) {
            continue;
        }
        size_t end = line_end(text, i);
        if (end > 0) {
            if (hole > 0 && i > hole && (unsigned char)text.data[hole] < 0x80) {
                holes[count++] = (struct hole){(uint32_t)hole, (uint32_t)(i - hole)};
            }
            hole = 0;
            line = i + end;
            i += end - 1;
        } else if (c == '\\') {
            i++;
        } else if (hole == 0 && i > line) {
            size_t at = blanks_skip(text, i + 1);
            hole = c == '=' || at > i + 1 ? at : 0;
            i = hole > 0 ? at - 1 : i;
        }
    }
    if (hole > 0 && hole < text.size && count < HOLES_MAX &&
        (unsigned char)text.data[hole] < 0x80) {
        holes[count++] = (struct hole){(uint32_t)hole, (uint32_t)(text.size - hole)};
    }
    return count;
}

uint32_t holes_find(bool lines, struct str text, struct hole holes[HOLES_MAX])
{
    return lines ? lines_find(text, holes) : tokens_find(text, holes);
}

/* Where the line ends that goes on at `at`, as lines_find sees it. */
static size_t line_rest(struct str text, size_t at)
{
    for (;;) {
        while (text.size - at >= 8) {
            uint64_t word = get_u64(text.data + at);
            uint64_t slash = word ^ '\\' * EACH_BYTE;
            uint64_t marks = ((slash - EACH_BYTE) & ~slash) | ((word - 0x10 * EACH_BYTE) & ~word);
            marks &= 0x80 * EACH_BYTE; /* the lowest is a backslash or less than 0x10 */
            if (marks != 0) {
                at += (unsigned)__builtin_ctzll(marks) / 8;
                break;
            }
            at += 8;
        }
        if (at >= text.size || line_end(text, at) > 0) {
            return at;
        }
        at += text.data[at] == '\\' ? 2 : 1;
        if (at >= text.size) {
            return text.size;
        }
    }
}

size_t hole_end(bool lines, struct str text, size_t at)
{
    if (!lines) {
        size_t end = at;
        bool digit = false;
        while (end < text.size && is_token(text.data[end])) {
            digit |= text.data[end] >= '0' && text.data[end] <= '9';
            end++;
        }
        return digit ? end : at;
    }
    if (at == text.size || (unsigned char)text.data[at] >= 0x80 || blanks_skip(text, at) > at) {
        return at;
    }
    return line_rest(text, at);
}
