/*
 * Recognising and decoding character sets.
 *
 *     set          lead          trail                 alone
 *     Shift_JIS    81-9F E0-FC   40-7E 80-FC           A1-DF (half-width katakana)
 *     EUC-JP       A1-FE         A1-FE                 8E xx (half-width), 8F xx xx (JIS X 0212)
 *     ISO-2022-JP  ESC $ B, ESC $ @, ESC ( J, ESC ( B …
 *
 * Bytes that are valid in both Shift_JIS and EUC-JP are weighed: kana and the kanji of level 1 are
 * what people write; half-width katakana and rare kanji are what one set looks like when it is read
 * as the other.  Where neither makes sense and each high byte stands between ASCII letters, as in
 * "Müller", it is ISO 8859-1.
 *
 * A record may have been cut in the middle of a character: a lead without a trail at the very end
 * is no fault.
 *
 * Always true: one pass over the bytes for each set; what is not recognised is left as it is.
 */

#include "codec/charset.h"

#include <stdlib.h>
#include <string.h>

#include <unicode/uchar.h>
#include <unicode/ucnv.h>
#include <unicode/ucnv_cb.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

#include "base/buf.h"
#include "codec/utf8.h"

/* How much sense bytes make in a set. */
struct sense {
    bool valid;
    size_t good, weak, odd; /* characters */
};

static const struct {
    const char *name, *icu;
} sets[CHARSET_COUNT] = {
    [CHARSET_UTF8] = {"utf-8", "UTF-8"},
    [CHARSET_SHIFT_JIS] = {"shift_jis", "ibm-943_P15A-2003"},
    [CHARSET_EUC_JP] = {"euc-jp", "EUC-JP"},
    [CHARSET_ISO_2022_JP] = {"iso-2022-jp", "ISO-2022-JP-2"},
    [CHARSET_UTF16LE] = {"utf-16le", "UTF-16LE"},
    [CHARSET_UTF16BE] = {"utf-16be", "UTF-16BE"},
    [CHARSET_ISO_8859_1] = {"iso-8859-1", "windows-1252"},
    [CHARSET_UNKNOWN] = {"unknown", ""},
};

static bool is_utf8(struct str bytes);
static struct sense sense_of_shift_jis(struct str bytes);
static struct sense sense_of_euc(struct str bytes);
static bool is_latin(struct str bytes);

bool charset_find(struct str name, enum charset *ret)
{
    static const struct {
        const char *name;
        enum charset charset;
    } others[] = {
        {"utf8", CHARSET_UTF8},
        {"sjis", CHARSET_SHIFT_JIS},
        {"cp932", CHARSET_SHIFT_JIS},
        {"ms932", CHARSET_SHIFT_JIS},
        {"windows-31j", CHARSET_SHIFT_JIS},
        {"shift-jis", CHARSET_SHIFT_JIS},
        {"eucjp", CHARSET_EUC_JP},
        {"euc_jp", CHARSET_EUC_JP},
        {"jis", CHARSET_ISO_2022_JP},
        {"utf-16", CHARSET_UTF16LE},
        {"latin1", CHARSET_ISO_8859_1},
        {"windows-1252", CHARSET_ISO_8859_1},
    };
    for (int i = 0; i < CHARSET_UNKNOWN; i++) {
        if (str_equal_nocase(name, str_from(sets[i].name))) {
            *ret = (enum charset)i;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (str_equal_nocase(name, str_from(others[i].name))) {
            *ret = others[i].charset;
            return true;
        }
    }
    return false;
}

const char *charset_name(enum charset charset)
{
    return sets[charset].name;
}

const char *const *charset_names(void)
{
    static const char *const names[] = {"auto",     "utf-8",       "shift_jis",
                                        "euc-jp",   "iso-2022-jp", "utf-16le",
                                        "utf-16be", "iso-8859-1",  NULL};
    return names;
}

static bool has_escapes(struct str bytes)
{
    for (size_t from = 0; from < bytes.size;) {
        const char *at = memchr(bytes.data + from, 0x1b, bytes.size - from);
        if (at == NULL) {
            return false;
        }
        from = (size_t)(at - bytes.data) + 1;
        struct str rest = str_slice(bytes, from, 3);
        if (str_starts(rest, STR("$B")) || str_starts(rest, STR("$@")) ||
            str_starts(rest, STR("$(D"))) {
            return true;
        }
    }
    return false;
}

/* Which byte of each pair is zero, of mostly ASCII text; `first` tells whether the first is. */
static bool is_wide(struct str bytes, bool first)
{
    size_t zeros = 0;
    size_t pairs = bytes.size / 2 < 64 ? bytes.size / 2 : 64;
    for (size_t i = 0; i < pairs; i++) {
        bool a = bytes.data[2 * i] == '\0';
        bool b = bytes.data[2 * i + 1] == '\0';
        zeros += (first ? a && !b : b && !a) ? 1 : 0;
    }
    return pairs >= 4 && zeros * 2 >= pairs;
}

enum charset charset_guess(struct str bytes)
{
    if (bytes.size >= 2) {
        struct str mark = str_slice(bytes, 0, 2);
        if (str_equal(mark, STR("\xff\xfe")) || (bytes.data[1] == '\0' && is_wide(bytes, false))) {
            return CHARSET_UTF16LE;
        }
        if (str_equal(mark, STR("\xfe\xff")) || (bytes.data[0] == '\0' && is_wide(bytes, true))) {
            return CHARSET_UTF16BE;
        }
    }
    if (is_utf8(bytes)) {
        return has_escapes(bytes) ? CHARSET_ISO_2022_JP : CHARSET_UTF8;
    }
    struct sense sjis = sense_of_shift_jis(bytes);
    struct sense euc = sense_of_euc(bytes);
    if (is_latin(bytes) && sjis.good == 0) {
        return CHARSET_ISO_8859_1;
    }
    if (sjis.valid && euc.valid) {
        size_t s = 4 * sjis.good + sjis.weak;
        size_t e = 4 * euc.good + euc.weak;
        /* Half-width katakana alone are Shift_JIS: two of them look like one rare kanji in EUC. */
        return s * (1 + euc.odd) >= e * (1 + sjis.odd) && !(euc.good > sjis.good)
                   ? CHARSET_SHIFT_JIS
                   : CHARSET_EUC_JP;
    }
    return sjis.valid                       ? CHARSET_SHIFT_JIS
           : euc.valid                      ? CHARSET_EUC_JP
           : sjis.good > 2 * (sjis.odd + 1) ? CHARSET_SHIFT_JIS
           : euc.good > 2 * (euc.odd + 1)   ? CHARSET_EUC_JP
                                            : CHARSET_UNKNOWN;
}

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* How many bytes from `from` on are surely ASCII: looked at many at once, the last of a text
 * together with some that were seen already. */
static size_t ascii_run(struct str bytes, size_t from)
{
    uint64_t many[8];
    size_t i = from;
    while (i < bytes.size && bytes.size >= sizeof many) {
        size_t last = bytes.size - sizeof many;
        memcpy(many, bytes.data + (i < last ? i : last), sizeof many);
        if (((many[0] | many[1] | many[2] | many[3] | many[4] | many[5] | many[6] | many[7]) &
             HIGH_BITS) != 0) {
            break;
        }
        i = i < last ? i + sizeof many : bytes.size;
    }
    while (i < bytes.size && bytes.size >= sizeof many[0]) {
        size_t last = bytes.size - sizeof many[0];
        memcpy(many, bytes.data + (i < last ? i : last), sizeof many[0]);
        if ((many[0] & HIGH_BITS) != 0) {
            break;
        }
        i = i < last ? i + sizeof many[0] : bytes.size;
    }
    return i - from;
}

static bool is_utf8(struct str bytes)
{
    for (size_t i = ascii_run(bytes, 0); i < bytes.size;) {
        size_t length = utf8_sequence(str_slice(bytes, i, 4));
        if (length == 0) {
            return false;
        }
        i += length;
        i += i + 8 <= bytes.size ? ascii_run(bytes, i) : 0;
    }
    return true;
}

static struct sense sense_of_shift_jis(struct str bytes)
{
    struct sense sense = {.valid = true};
    const unsigned char *b = (const unsigned char *)bytes.data;
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char c = b[i];
        if (c < 0x80) {
            continue;
        }
        if (c >= 0xa1 && c <= 0xdf) {
            sense.weak++;
            continue;
        }
        bool lead = (c >= 0x81 && c <= 0x9f) || (c >= 0xe0 && c <= 0xfc);
        if (lead && i + 1 == bytes.size) {
            break;
        }
        unsigned char t = i + 1 < bytes.size ? b[i + 1] : 0;
        if (!lead || t < 0x40 || t == 0x7f || t > 0xfc) {
            sense.valid = false;
            sense.odd++;
            continue;
        }
        i++;
        bool kana = (c == 0x82 && t >= 0x9f && t <= 0xf1) || (c == 0x83 && t <= 0x96);
        bool signs = c == 0x81 || (c == 0x82 && t >= 0x4f && t <= 0x9a);
        bool kanji = c >= 0x88 && c <= 0x97;
        if (kana || kanji || signs) {
            sense.good++;
        } else if ((c >= 0x98 && c <= 0x9f) || (c >= 0xe0 && c <= 0xea)) {
            sense.weak++;
        } else {
            sense.odd++;
        }
    }
    return sense;
}

static struct sense sense_of_euc(struct str bytes)
{
    struct sense sense = {.valid = true};
    const unsigned char *b = (const unsigned char *)bytes.data;
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char c = b[i];
        if (c < 0x80) {
            continue;
        }
        size_t size = c == 0x8f ? 3 : c == 0x8e || (c >= 0xa1 && c <= 0xfe) ? 2 : 0;
        if (size > 0 && i + size > bytes.size) {
            break;
        }
        bool fits = size > 0 && b[i + 1] >= 0xa1 && b[i + size - 1] >= 0xa1 && b[i + 1] != 0xff &&
                    b[i + size - 1] != 0xff;
        if (!fits) {
            sense.valid = false;
            sense.odd++;
            continue;
        }
        i += size - 1;
        if ((c >= 0xa1 && c <= 0xa5) || (c >= 0xb0 && c <= 0xcf)) {
            sense.good++;
        } else if (c >= 0xd0 && c <= 0xf4) {
            sense.weak++;
        } else {
            sense.odd++;
        }
    }
    return sense;
}

static bool is_letter(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Each high byte is a letter of the upper half, alone beside a letter of the lower. */
static bool is_latin(struct str bytes)
{
    const unsigned char *b = (const unsigned char *)bytes.data;
    for (size_t i = 0; i < bytes.size; i++) {
        if (b[i] < 0x80) {
            continue;
        }
        bool before = i > 0 && is_letter(b[i - 1]);
        bool after = i + 1 < bytes.size && is_letter(b[i + 1]);
        bool high = i + 1 < bytes.size && b[i + 1] >= 0x80;
        if (b[i] < 0xc0 || high || !(before || after)) {
            return false;
        }
    }
    return true;
}

/* ICU's own would put U+001A for a single byte. */
static void wrong_replace(const void *context, UConverterToUnicodeArgs *arguments,
                          const char *bytes, int32_t size, UConverterCallbackReason reason,
                          UErrorCode *code)
{
    static const UChar replacement = 0xfffd;
    (void)context, (void)bytes, (void)size;
    if (reason <= UCNV_IRREGULAR) {
        *code = U_ZERO_ERROR;
        ucnv_cbToUWriteUChars(arguments, &replacement, 1, 0, code);
    }
}

enum err charset_decode(enum charset charset, struct str bytes, struct arena *mem, struct str *ret)
{
    UErrorCode code = U_ZERO_ERROR;
    if (charset == CHARSET_UNKNOWN || bytes.size > INT32_MAX / 4) {
        return ERR_UNSUPPORTED;
    }
    UConverter *converter = ucnv_open(sets[charset].icu, &code);
    if (U_FAILURE(code)) {
        return code == U_MEMORY_ALLOCATION_ERROR ? ERR_MEMORY : ERR_UNSUPPORTED;
    }
    ucnv_setToUCallBack(converter, wrong_replace, NULL, NULL, NULL, &code);
    size_t room = bytes.size * 3 + 16;
    char *to = arena_take(mem, room);
    if (to == NULL) {
        ucnv_close(converter);
        return ERR_MEMORY;
    }
    int32_t size = ucnv_toAlgorithmic(UCNV_UTF8, converter, to, (int32_t)room, bytes.data,
                                      (int32_t)bytes.size, &code);
    ucnv_close(converter);
    if (U_FAILURE(code) || size < 0 || (size_t)size > room) {
        return code == U_MEMORY_ALLOCATION_ERROR ? ERR_MEMORY : ERR_UNSUPPORTED;
    }
    struct str text = str_of(to, (size_t)size);
    *ret = str_starts(text, STR("\xef\xbb\xbf")) ? str_slice(text, 3, text.size) : text;
    return OK;
}

size_t utf8_fold(const char *from, size_t size, char *to)
{
    int32_t at = 0;
    int32_t put = 0;
    UChar32 c;
    uint8_t bytes[4];
    U8_NEXT((const uint8_t *)from, at, (int32_t)size, c);
    c = u_foldCase(c, U_FOLD_CASE_DEFAULT);
    U8_APPEND_UNSAFE(bytes, put, (uint32_t)c);
    memcpy(to, bytes, (size_t)put);
    return (size_t)put;
}

/* ---- One spelling of what can be written in several ways. */

#define KANA_STEP 0x60 /* from a hiragana to its katakana */

static bool is_katakana(UChar32 c)
{
    return (c >= 0x30a1 && c <= 0x30f6) || c == 0x30fd || c == 0x30fe;
}

/* Characters that become one character each and never one with a neighbour: what Japanese text is
 * made of, as long as no mark of voicing stands by itself.  0: not known to be such. */
static UChar32 plain_unify(UChar32 c)
{
    if (c < 0x80) {
        return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
    }
    if ((c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3041 && c <= 0x3096) || c == 0x30fb ||
        c == 0x30fc || c == 0x3001 || c == 0x3002 || (c >= 0x300c && c <= 0x300f)) {
        return c;
    }
    if (c >= 0xff01 && c <= 0xff5e) {
        c -= 0xff01 - '!';
        return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
    }
    return c == 0x3000 ? ' ' : is_katakana(c) ? c - KANA_STEP : 0;
}

/* False, if the text has other characters. */
static bool plain_run_unify(struct str text, char *out, size_t *ret_size)
{
    size_t size = 0;
    for (size_t i = 0; i < text.size;) {
        const unsigned char *at = (const unsigned char *)text.data + i;
        UChar32 c = at[0];
        size_t length = 1;
        if (c >= 0x80) {
            length = 3;
            if (c < 0xe3 || c > 0xef || text.size - i < 3 || (at[1] & 0xc0) != 0x80 ||
                (at[2] & 0xc0) != 0x80) {
                return false;
            }
            c = (UChar32)((at[0] & 0x0fu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu));
        }
        c = plain_unify(c);
        if (c == 0 && length > 1) {
            return false;
        }
        U8_APPEND_UNSAFE((uint8_t *)out, size, (uint32_t)c);
        i += length;
    }
    *ret_size = size;
    return true;
}

/* Valid UTF-8, by way of UTF-16. */
static enum err run_unify(struct str run, struct buf *out)
{
    UErrorCode code = U_ZERO_ERROR;
    const UNormalizer2 *normalizer = unorm2_getNFKCCasefoldInstance(&code);
    size_t room = run.size * 18 + 16; /* U+FDFA: three bytes become 18 characters */
    UChar *units = calloc(run.size + 1, sizeof *units);
    UChar *unified = calloc(room, sizeof *unified);
    enum err err = units == NULL || unified == NULL ? ERR_MEMORY : OK;
    int32_t count = 0;
    if (err == OK) {
        u_strFromUTF8(units, (int32_t)run.size + 1, &count, run.data, (int32_t)run.size, &code);
        count = unorm2_normalize(normalizer, units, count, unified, (int32_t)room, &code);
        err = U_FAILURE(code) ? ERR_MEMORY : OK;
    }
    for (int32_t i = 0; i < count && err == OK; i++) {
        unified[i] = (UChar)(is_katakana(unified[i]) ? unified[i] - KANA_STEP : unified[i]);
    }
    char *to = NULL;
    int32_t size = 0;
    err = err == OK ? buf_extend(out, (size_t)count * 3, &to) : err;
    if (err == OK) {
        u_strToUTF8(to, count * 3, &size, unified, count, &code);
        out->size -= (size_t)(count * 3 - size);
        err = U_FAILURE(code) ? ERR_MEMORY : OK;
    }
    free(units);
    free(unified);
    return err;
}

#define RUN_SIZE_MAX 65536 /* so that what ICU needs stays small */

/* The end of a run that begins with a valid character: at bytes that are none, or, beyond
 * RUN_SIZE_MAX, before an ASCII character, with which nothing before it combines. */
static size_t run_end(struct str text, size_t from)
{
    size_t at = from;
    while (at < text.size && (at - from < RUN_SIZE_MAX || (unsigned char)text.data[at] >= 0x80)) {
        size_t length = utf8_sequence(str_slice(text, at, 4));
        if (length == 0) {
            break;
        }
        at += length;
    }
    return at;
}

enum err text_unify(struct str text, struct arena *mem, struct str *ret)
{
    size_t size;
    char *plain = arena_take(mem, text.size);
    if (plain == NULL) {
        return ERR_MEMORY;
    }
    if (plain_run_unify(text, plain, &size)) {
        *ret = (struct str){plain, size};
        return OK;
    }
    struct buf out;
    enum err err = text.size > INT32_MAX / 64 ? ERR_MEMORY : OK;
    buf_init(&out, text.size * 64 + 64);
    for (size_t i = 0; i < text.size && err == OK;) {
        size_t end = run_end(text, i);
        if (end > i) {
            err = run_unify(str_slice(text, i, end - i), &out);
            i = end;
        } else {
            err = buf_append_byte(&out, text.data[i++]);
        }
    }
    err = err == OK ? arena_copy(mem, buf_str(&out), ret) : err;
    buf_done(&out);
    return err;
}

void charset_prepare(void)
{
    UErrorCode normalizing = U_ZERO_ERROR;
    (void)unorm2_getNFKCCasefoldInstance(&normalizing);
    for (int i = 0; i < CHARSET_UNKNOWN; i++) {
        UErrorCode code = U_ZERO_ERROR;
        UConverter *converter = ucnv_open(sets[i].icu, &code);
        if (U_SUCCESS(code)) {
            ucnv_close(converter);
        }
    }
}
