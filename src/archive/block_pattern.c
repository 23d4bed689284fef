/*
 * Patterns: texts that differ in numbers alone.
 *
 * "2020-06-10 02:50:54.631" is text with numbers of so many digits, "192.0.2.7" is text with plain
 * numbers, "{6a910b9d-…}" is hexadecimal.  Where one pattern fits all entries of a column, only the
 * numbers are kept.  Digits that are the same in every entry belong to the text; numbers of so many
 * digits that follow one another, whatever stands between, are one number as long as 64 bits hold
 * it: so a time of day counts on as one.
 *
 * A pattern is guessed from a sample of the entries and then tried on each; if it fails for one, it
 * is guessed once more from all.
 *
 * Always true: a pattern that was found prints each entry as it was, byte for byte.
 */

#include "archive/block_making.h"

#include <string.h>

#define SAMPLE         64u
#define DECIMALS_MAX   18 /* digits of a decimal number in 63 bits */
#define HEX_MAX        16
#define CLASS_DECIMAL  1u
#define CLASS_LOWER    2u
#define CLASS_UPPER    4u
#define CLASS_SAME     8u
#define FIXED_SIZE_MAX 128

/* Digits as their value plus 1; 0: it is none. */
static const uint8_t lower_digits[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16};
static const uint8_t upper_digits[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16};

static unsigned class_of(char c)
{
    if (c >= '0' && c <= '9') {
        return CLASS_DECIMAL | CLASS_LOWER | CLASS_UPPER;
    }
    return c >= 'a' && c <= 'f' ? CLASS_LOWER : c >= 'A' && c <= 'F' ? CLASS_UPPER : 0;
}

static bool digits_hex(enum digits_kind kind)
{
    return kind == DIGITS_HEX || kind == DIGITS_LOWER || kind == DIGITS_UPPER;
}

static bool digits_fixed(enum digits_kind kind)
{
    return kind == DIGITS_FIXED || kind == DIGITS_LOWER || kind == DIGITS_UPPER;
}

/* ---- Fixed: all entries are of one size. */

/* Adds a field of digits from `at` on, and says in which number it counts. */
static bool field_add(struct column_pattern *pattern, enum digits_kind kind, size_t digits,
                      size_t literal_from, size_t literal_size, unsigned *used)
{
    unsigned max = digits_hex(kind) ? HEX_MAX : DECIMALS_MAX;
    if (pattern->fields_count == PATTERN_FIELDS_MAX || digits > max) {
        return false;
    }
    struct pattern_field *field = &pattern->fields[pattern->fields_count];
    bool more = pattern->fields_count > 0 && field[-1].kind == kind && digits_fixed(kind) &&
                *used + digits <= max;
    if (!more && pattern->numbers_count == PATTERN_NUMBERS_MAX) {
        return false;
    }
    pattern->numbers_count += !more;
    *used = (more ? *used : 0) + (unsigned)digits;
    *field = (struct pattern_field){
        .kind = kind,
        .more = more,
        .digits = (uint8_t)digits,
        .number = (uint8_t)(pattern->numbers_count - 1),
        .literal_from = (uint16_t)literal_from,
        .literal_size = (uint16_t)literal_size,
    };
    pattern->fields_count++;
    return true;
}

static bool fixed_from_classes(const char *first, const uint8_t *classes, size_t size,
                               struct column_pattern *ret)
{
    struct column_pattern pattern = {.text_size = (uint16_t)size};
    memcpy(pattern.text, first, size);
    unsigned all = CLASS_DECIMAL | CLASS_LOWER | CLASS_UPPER;
    for (size_t i = 0; i < size; i++) {
        all &= (classes[i] & CLASS_SAME) != 0 ? all : classes[i];
    }
    if (all == 0) {
        return false;
    }
    enum digits_kind kind = (all & CLASS_DECIMAL) != 0 ? DIGITS_FIXED
                            : (all & CLASS_LOWER) != 0 ? DIGITS_LOWER
                                                       : DIGITS_UPPER;
    size_t max = digits_hex(kind) ? HEX_MAX : DECIMALS_MAX;
    size_t literal = 0;
    unsigned used = 0;
    for (size_t i = 0; i < size;) {
        if ((classes[i] & CLASS_SAME) != 0) {
            i++;
            continue;
        }
        size_t from = i;
        while (i < size && i - from < max && (classes[i] & CLASS_SAME) == 0) {
            i++;
        }
        if (!field_add(&pattern, kind, i - from, literal, from - literal, &used)) {
            return false;
        }
        literal = i;
    }
    pattern.end_from = (uint16_t)literal;
    pattern.end_size = (uint16_t)(size - literal);
    *ret = pattern;
    return true;
}

/* Looks at every step-th entry. */
static bool fixed_guess(const struct texts_view *view, uint32_t step, struct column_pattern *ret)
{
    struct str first = view_at(view, 0);
    uint8_t classes[FIXED_SIZE_MAX];
    if (first.size == 0 || first.size > FIXED_SIZE_MAX) {
        return false;
    }
    memset(classes, 0xf, sizeof classes);
    for (uint32_t i = 0; i < view->count; i += step) {
        struct str text = view_at(view, i);
        if (text.size != first.size) {
            return false;
        }
        unsigned possible = 1;
        for (size_t k = 0; k < text.size; k++) {
            unsigned class =
                class_of(text.data[k]) | (text.data[k] == first.data[k] ? CLASS_SAME : 0);
            classes[k] = (uint8_t)(classes[k] & class);
            possible &= classes[k] != 0;
        }
        if (possible == 0) {
            return false;
        }
    }
    return fixed_from_classes(first.data, classes, first.size, ret);
}

/* ---- Plain: numbers without zeros in front between texts. */

static bool plain_guess(const struct texts_view *view, struct column_pattern *ret)
{
    struct str text = view_at(view, 0);
    if (text.size == 0 || text.size > PATTERN_TEXT_MAX) {
        return false;
    }
    bool hex = str_starts(text, STR("0x"));
    enum digits_kind kind = hex ? DIGITS_HEX : DIGITS_PLAIN;
    struct column_pattern pattern = {.text_size = (uint16_t)text.size};
    memcpy(pattern.text, text.data, text.size);
    unsigned wanted = hex ? CLASS_LOWER : CLASS_DECIMAL;
    size_t literal = 0;
    unsigned used = 0;
    for (size_t i = hex ? 2 : 0; i < text.size;) {
        size_t from = i;
        while (i < text.size && (class_of(text.data[i]) & wanted) != 0) {
            i++;
        }
        if (i == from) {
            i++;
            continue;
        }
        if (!field_add(&pattern, kind, 0, literal, from - literal, &used)) {
            return false;
        }
        literal = i;
    }
    pattern.end_from = (uint16_t)literal;
    pattern.end_size = (uint16_t)(text.size - literal);
    *ret = pattern;
    return pattern.fields_count > 0;
}

/* ---- Reading a text by a pattern. */

#define EACH(byte) (0x0101010101010101ULL * (byte))

/* In each byte of a word, the upper bit: whether it, below 0x80, is from `first` to `last`. */
static inline uint64_t bytes_within(uint64_t bytes, unsigned char first, unsigned char last)
{
    return (bytes + EACH(0x80u - first)) & ~(bytes + EACH(0x7fu - last)) & EACH(0x80u);
}

/* Eight decimal digits at once; false: not all are. */
static inline bool decimals_read(const char *from, uint64_t *value)
{
    uint64_t bytes = get_u64(from);
    if ((bytes & EACH(0x80u)) != 0 || bytes_within(bytes, '0', '9') != EACH(0x80u)) {
        return false;
    }
    bytes = (bytes & EACH(0x0fu)) * (10 * 256 + 1) >> 8;
    bytes = (bytes & 0x00ff00ff00ff00ffULL) * (100 * 65536 + 1) >> 16;
    bytes = (bytes & 0x0000ffff0000ffffULL) * (10000 * (1ULL << 32) + 1) >> 32;
    *value = *value * 100000000 + bytes;
    return true;
}

/* Eight hexadecimal digits at once, whose letters begin with `a`; false: not all are. */
static inline bool hex_read(const char *from, unsigned char a, uint64_t *value)
{
    uint64_t bytes = get_u64(from);
    uint64_t letters = bytes_within(bytes, a, (unsigned char)(a + 5));
    if ((bytes & EACH(0x80u)) != 0 || (bytes_within(bytes, '0', '9') | letters) != EACH(0x80u)) {
        return false;
    }
    bytes = __builtin_bswap64((bytes & EACH(0x0fu)) + (letters >> 7) * 9);
    bytes = (bytes | bytes >> 4) & 0x00ff00ff00ff00ffULL;
    bytes = (bytes | bytes >> 8) & 0x0000ffff0000ffffULL;
    *value = *value << 32 | ((bytes | bytes >> 16) & UINT32_MAX);
    return true;
}

static inline bool digits_read(const struct pattern_field *field, struct str text, size_t *at,
                               uint64_t *ret)
{
    const uint8_t *digits = field->kind == DIGITS_UPPER ? upper_digits : lower_digits;
    unsigned char a = field->kind == DIGITS_UPPER ? 'A' : 'a';
    bool hex = digits_hex(field->kind);
    bool fixed = digits_fixed(field->kind);
    const char *from = text.data + *at;
    size_t left = text.size - *at;
    size_t end = fixed ? field->digits : hex ? HEX_MAX : DECIMALS_MAX;
    uint64_t value = field->more ? *ret : 0;
    size_t i = 0;
    end = end < left ? end : left;
    if (hex) {
        while (end - i >= 8 && hex_read(from + i, a, &value)) {
            i += 8;
        }
        for (; i < end && digits[(unsigned char)from[i]] != 0; i++) {
            value = value << 4 | (digits[(unsigned char)from[i]] - 1u);
        }
    } else {
        while (end - i >= 8 && decimals_read(from + i, &value)) {
            i += 8;
        }
        for (; i < end && (unsigned char)(from[i] - '0') <= 9; i++) {
            value = value * 10 + (unsigned char)(from[i] - '0');
        }
    }
    if (fixed ? i != field->digits : i == 0 || (from[0] == '0' && i != 1)) {
        return false;
    }
    *at += i;
    *ret = value;
    return true;
}

static inline bool pattern_read(const struct column_pattern *pattern, struct str text,
                                uint64_t numbers[PATTERN_NUMBERS_MAX])
{
    size_t at = 0;
    for (uint32_t i = 0; i < pattern->fields_count; i++) {
        const struct pattern_field *field = &pattern->fields[i];
        if (text.size - at < field->literal_size ||
            !text_equal(text.data + at, pattern->text + field->literal_from, field->literal_size)) {
            return false;
        }
        at += field->literal_size;
        if (!digits_read(field, text, &at, &numbers[field->number])) {
            return false;
        }
    }
    return text.size - at == pattern->end_size &&
           text_equal(text.data + at, pattern->text + pattern->end_from, pattern->end_size);
}

static enum err pattern_try(const struct column_pattern *pattern, const struct texts_view *view,
                            struct arena *mem, bool *ret, int64_t **ret_numbers)
{
    uint64_t some[PATTERN_NUMBERS_MAX];
    bool fits = pattern->fields_count > 0 && pattern_read(pattern, view_at(view, 0), some);
    int64_t *numbers = NULL;
    if (fits) {
        numbers = ARENA_ARRAY_PLAIN(mem, int64_t, (size_t)view->count * pattern->numbers_count);
        if (numbers == NULL) {
            return ERR_MEMORY;
        }
    }
    for (uint32_t i = 0; fits && i < view->count; i++) {
        fits = pattern_read(pattern, view_at(view, i), some);
        for (uint32_t k = 0; fits && k < pattern->numbers_count; k++) {
            numbers[(size_t)k * view->count + i] = (int64_t)some[k];
        }
    }
    *ret = fits;
    *ret_numbers = numbers;
    return OK;
}

enum err pattern_find(const struct texts_view *view, struct arena *mem, bool *ret,
                      struct column_pattern *ret_pattern, int64_t **ret_numbers)
{
    struct column_pattern pattern;
    *ret = false;
    uint32_t step = view->count / SAMPLE + 1;
    bool fixed = fixed_guess(view, step, &pattern);
    if (!fixed && !plain_guess(view, &pattern)) {
        return OK;
    }
    enum err err = pattern_try(&pattern, view, mem, ret, ret_numbers);
    if (err == OK && !*ret && fixed && step > 1 && fixed_guess(view, 1, &pattern)) {
        err = pattern_try(&pattern, view, mem, ret, ret_numbers);
    }
    if (err == OK && !*ret && fixed && plain_guess(view, &pattern)) {
        err = pattern_try(&pattern, view, mem, ret, ret_numbers);
    }
    *ret_pattern = pattern;
    return err;
}

/* ---- As bytes. */

enum err pattern_put(struct buf *out, const struct column_pattern *pattern)
{
    enum err err = varint_put(out, pattern->fields_count);
    for (uint32_t i = 0; err == OK && i < pattern->fields_count; i++) {
        const struct pattern_field *field = &pattern->fields[i];
        unsigned kind = (unsigned)field->kind | (field->more ? 8u : 0);
        err = varint_put(out, kind);
        if (err == OK && digits_fixed(field->kind)) {
            err = varint_put(out, field->digits);
        }
        err = err == OK ? varint_put(out, field->literal_size) : err;
        err =
            err == OK
                ? buf_append(out, str_of(pattern->text + field->literal_from, field->literal_size))
                : err;
    }
    err = err == OK ? varint_put(out, pattern->end_size) : err;
    return err == OK ? buf_append(out, str_of(pattern->text + pattern->end_from, pattern->end_size))
                     : err;
}

static enum err literal_take(struct str *bytes, struct column_pattern *pattern, uint16_t *ret_from,
                             uint16_t *ret_size)
{
    uint32_t size;
    enum err err = count_take(bytes, PATTERN_TEXT_MAX - pattern->text_size, &size);
    if (err != OK || size > bytes->size) {
        return ERR_CORRUPT;
    }
    if (size > 0) {
        memcpy(pattern->text + pattern->text_size, bytes->data, size);
    }
    *ret_from = pattern->text_size;
    *ret_size = (uint16_t)size;
    pattern->text_size = (uint16_t)(pattern->text_size + size);
    *bytes = str_slice(*bytes, size, bytes->size);
    return OK;
}

static enum err field_take(struct str *bytes, struct column_pattern *pattern)
{
    struct pattern_field *field = &pattern->fields[pattern->fields_count];
    uint32_t kind;
    uint32_t digits = 0;
    enum err err = count_take(bytes, 15, &kind);
    if (err != OK || (kind & 7) >= DIGITS_KIND_COUNT) {
        return ERR_CORRUPT;
    }
    field->kind = (enum digits_kind)(kind & 7);
    field->more = (kind & 8) != 0;
    if (digits_fixed(field->kind)) {
        err = count_take(bytes, digits_hex(field->kind) ? HEX_MAX : DECIMALS_MAX, &digits);
    }
    bool first = pattern->fields_count == 0;
    if (err != OK ||
        (field->more && (first || !digits_fixed(field->kind) || field[-1].kind != field->kind))) {
        return ERR_CORRUPT;
    }
    pattern->numbers_count += !field->more;
    if (pattern->numbers_count > PATTERN_NUMBERS_MAX) {
        return ERR_CORRUPT;
    }
    field->digits = (uint8_t)digits;
    field->number = (uint8_t)(pattern->numbers_count - 1);
    pattern->fields_count++;
    return literal_take(bytes, pattern, &field->literal_from, &field->literal_size);
}

/* A number that goes on in later fields stands in each without the digits of those behind it. */
static void below_find(struct column_pattern *pattern)
{
    for (uint32_t i = pattern->fields_count; i-- > 0;) {
        struct pattern_field *field = &pattern->fields[i];
        field->below = 1;
        if (i + 1 < pattern->fields_count && field[1].more) {
            uint64_t base = digits_hex(field->kind) ? 16 : 10;
            field->below = field[1].below;
            for (unsigned k = 0; k < field[1].digits; k++) {
                if (__builtin_mul_overflow(field->below, base, &field->below)) {
                    field->below = 0;
                }
            }
        }
    }
}

enum err pattern_take(struct str *bytes, struct column_pattern *ret)
{
    struct column_pattern pattern = {0};
    uint32_t count;
    enum err err = count_take(bytes, PATTERN_FIELDS_MAX, &count);
    for (uint32_t i = 0; err == OK && i < count; i++) {
        err = field_take(bytes, &pattern);
    }
    err = err == OK ? literal_take(bytes, &pattern, &pattern.end_from, &pattern.end_size) : err;
    if (err == OK) {
        below_find(&pattern);
        *ret = pattern;
    }
    return err;
}

/* ---- Printing. */

static char *decimals_print(char *to, uint64_t value, unsigned digits)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233"
        "34353637383940414243444546474849505152535455565758596061626364656667"
        "6869707172737475767778798081828384858687888990919293949596979899";
    char *at = to + digits;
    while (at - to >= 2) {
        at -= 2;
        memcpy(at, pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (at > to) {
        *to = (char)('0' + value % 10);
    }
    return to + digits;
}

static char *hex_digits_print(char *to, uint64_t value, unsigned digits, const char *names)
{
    for (char *at = to + digits; at > to; value >>= 4) {
        *--at = names[value & 15];
    }
    return to + digits;
}

static unsigned decimals_count(uint64_t value)
{
    unsigned count = 1;
    for (; value >= 10000; value /= 10000) {
        count += 4;
    }
    return count + (value >= 10) + (value >= 100) + (value >= 1000);
}

static char *number_print(const struct pattern_field *field, uint64_t value, char *to)
{
    switch (field->kind) {
    case DIGITS_PLAIN:
        return decimals_print(to, value, decimals_count(value));
    case DIGITS_FIXED:
        return decimals_print(to, value, field->digits);
    case DIGITS_UPPER:
        return hex_digits_print(to, value, field->digits, "0123456789ABCDEF");
    case DIGITS_LOWER:
        return hex_digits_print(to, value, field->digits, "0123456789abcdef");
    default:
        return hex_digits_print(to, value,
                                value == 0 ? 1 : (67u - (unsigned)__builtin_clzll(value)) / 4,
                                "0123456789abcdef");
    }
}

size_t pattern_print(const struct column_pattern *pattern, const int64_t *numbers, char *to)
{
    char *at = to;
    for (uint32_t i = 0; i < pattern->fields_count; i++) {
        const struct pattern_field *field = &pattern->fields[i];
        uint64_t value = (uint64_t)numbers[field->number];
        stroke_copy(at, pattern->text + field->literal_from, field->literal_size);
        if (field->below != 1) {
            value = field->below == 0 ? 0 : value / field->below;
        }
        at = number_print(field, value, at + field->literal_size);
    }
    stroke_copy(at, pattern->text + pattern->end_from, pattern->end_size);
    return (size_t)(at - to) + pattern->end_size;
}
