/*
 * Folding: the case as rules compare texts, and more as searches do.
 *
 * Simple folding (Unicode's CaseFolding.txt, C and S) takes one character to one character, so that
 * a ? stands for the same character before and after.  A character may need one byte more than
 * before (U+023A, two bytes, folds to three), never more than half again.
 *
 * Searches fold further (text_unify, codec/charset.h): people look for what they mean, whichever
 * width or kana it was written in; a rule means what its author wrote.
 *
 * Logs are ASCII nearly always, and half of their values have no capital: those are lent out as
 * they stand, and both kinds of folding are the same for ASCII.
 */

#include "match/private.h"

#include <string.h>

#include "codec/charset.h"
#include "codec/utf8.h"

static size_t fold_wide(struct str text, char *out);

/* Sixteen characters at once: what compilers for every machine of ours know as vectors. */
typedef unsigned char block __attribute__((vector_size(16)));

static block block_at(const char *from)
{
    block made;
    memcpy(&made, from, sizeof made);
    return made;
}

static block block_fold(block text)
{
    return text | ((text - (unsigned char)'A' < (unsigned char)26) & (unsigned char)0x20);
}

static bool block_any(block bits)
{
    uint64_t halves[2];
    memcpy(halves, &bits, sizeof bits);
    return (halves[0] | halves[1]) != 0;
}

static unsigned char byte_fold(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Whether it is ASCII without capitals: folded as it stands. */
static bool is_folded(struct str text, bool *ret_ascii)
{
    block seen = {0};
    block capitals = {0};
    unsigned char rest = 0;
    bool capital = false;
    size_t i = 0;
    for (; i + sizeof seen <= text.size; i += sizeof seen) {
        block some = block_at(text.data + i);
        seen |= some;
        capitals |= (block)(some - (unsigned char)'A' < (unsigned char)26);
    }
    for (; i < text.size; i++) {
        rest |= (unsigned char)text.data[i];
        capital |= (unsigned char)(text.data[i] - 'A') < 26;
    }
    *ret_ascii = !block_any(seen & (unsigned char)0x80) && (rest & 0x80) == 0;
    return *ret_ascii && !capital && !block_any(capitals);
}

static enum err ascii_fold(struct str text, struct arena *mem, struct str *ret)
{
    char *out = arena_take(mem, text.size);
    if (out == NULL) {
        return ERR_MEMORY;
    }
    size_t i = 0;
    for (; i + sizeof(block) <= text.size; i += sizeof(block)) {
        block folded = block_fold(block_at(text.data + i));
        memcpy(out + i, &folded, sizeof folded);
    }
    for (; i < text.size; i++) {
        out[i] = (char)byte_fold(text.data[i]);
    }
    *ret = (struct str){out, text.size};
    return OK;
}

enum err fold_text(struct str text, struct arena *mem, struct str *ret)
{
    bool ascii;
    if (is_folded(text, &ascii)) {
        *ret = text;
        return OK;
    }
    if (ascii) {
        return ascii_fold(text, mem, ret);
    }
    char *out = arena_take(mem, text.size + text.size / 2 + 4);
    if (out == NULL) {
        return ERR_MEMORY;
    }
    *ret = (struct str){out, fold_wide(text, out)};
    return OK;
}

enum err search_fold(struct str text, struct arena *mem, struct str *ret)
{
    bool ascii;
    if (is_folded(text, &ascii)) {
        *ret = text;
        return OK;
    }
    return ascii ? ascii_fold(text, mem, ret) : text_unify(text, mem, ret);
}

static size_t fold_wide(struct str text, char *out)
{
    size_t size = 0;
    for (size_t i = 0; i < text.size;) {
        if ((unsigned char)text.data[i] < 0x80) {
            out[size++] = (char)byte_fold(text.data[i++]);
            continue;
        }
        size_t length = utf8_sequence(str_slice(text, i, 4));
        if (length == 0) {
            out[size++] = text.data[i++];
            continue;
        }
        size += utf8_fold(text.data + i, length, out + size);
        i += length;
    }
    return size;
}
