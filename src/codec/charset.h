#pragma once

/*
 * Character sets of logs (the door to ICU): recognised from the bytes, and made UTF-8.
 *
 *     charset_find, or charset_guess → charset_decode
 *
 * The list is short on purpose: what Japanese devices and Windows write.  Others are named by
 * nobody and are kept as they are.
 */

#include "base/arena.h"
#include "base/str.h"

enum charset {
    CHARSET_UTF8,
    CHARSET_SHIFT_JIS, /* with Microsoft's additions, code page 932 */
    CHARSET_EUC_JP,
    CHARSET_ISO_2022_JP,
    CHARSET_UTF16LE,
    CHARSET_UTF16BE,
    CHARSET_ISO_8859_1,
    CHARSET_UNKNOWN, /* recognised as none of these; never decoded */
    CHARSET_COUNT
};

/* By name, in small or capital letters; "cp932" and the like are known too.  false: no such name,
 * as "auto" is none. */
bool charset_find(struct str name, enum charset *ret);
const char *charset_name(enum charset charset);
/* "auto" and the names, NULL at the end. */
const char *const *charset_names(void);

/* What the bytes are in.  Valid UTF-8 is UTF-8, unless it holds ISO 2022's escapes or every second
 * byte is zero; else Shift_JIS and EUC-JP by which of them makes sense. */
enum charset charset_guess(struct str bytes);

/* The text as UTF-8, made in mem; bytes that are none in the set become U+FFFD.  ERR_MEMORY,
 * ERR_UNSUPPORTED where ICU does not have the set. */
NODISCARD enum err charset_decode(enum charset charset, struct str bytes, struct arena *mem,
                                  struct str *ret);

/* One character of UTF-8, which is valid, in the case that comparing wants (simple folding);
 * returns its size, at most 4. */
size_t utf8_fold(const char *from, size_t size, char *to);

/* The text as people mean it, whichever way it was written: NFKC_Casefold (Unicode Standard Annex
 * 31), so that width, case and compatibility forms do not count, then katakana as hiragana.  Made
 * in mem.  Bytes that are not UTF-8 stay as they are. */
NODISCARD enum err text_unify(struct str text, struct arena *mem, struct str *ret);

/* Opens each converter once, while files may still be read; a confined process asks for it before.
 */
void charset_prepare(void);
