/*
 * Alarms: what the bytes of an event hold, as they came, if a keyword stands in one of its values.
 *
 * Keywords would have every value of every event unescaped and folded.  So the raw bytes are
 * scanned before, for a part of each keyword that they spell like the value: plain ASCII, in either
 * case. Alarm is also raised by what folds to ASCII, U+017F and U+212A, as it stands or as an
 * escape, and by escapes of ASCII itself, \u00XX.
 *
 *     kerberos::golden ──► kerberos::g          mimilib.dll ──► mimilib
 *
 * The scan goes over every byte of every event, so it is worth to choose the part well: the engine
 * looks at the endings of texts first, and many bytes end like ".dll".
 *
 * Always true: bytes without alarm hold no keyword in any value, whatever spells the values.
 */

#include "match/private.h"

#define ENDING_SIZE 4 /* of a text, which the engine looks at first */

/* Whether JSON can only spell the character as it stands, or as \u00XX. */
static bool stands_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x7F && c != '"' && c != '\\' && c != '/';
}

/* How seldom a byte stands in a log, roughly; letters are looked for in either case. */
static unsigned rarity(char c)
{
    static const struct str ranks[] = {{" .\\/-_,=0123456789", 18}, {"eaoinrstlcdm", 12}};
    char lower = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    for (unsigned rank = 0; rank < sizeof ranks / sizeof ranks[0]; rank++) {
        if (str_find_byte(ranks[rank], lower) != STR_NONE) {
            return rank;
        }
    }
    return sizeof ranks / sizeof ranks[0];
}

/* Of the parts that stand plain, and are long enough, the one that is longest and rarest: an
 * address that a keyword names stands in every line of its sender. */
static struct str plain_rarest(struct str text)
{
    struct str best = {0};
    unsigned most = 0;
    for (size_t i = 0; i < text.size;) {
        size_t from = i;
        unsigned sum = 0;
        while (i < text.size && stands_plain(text.data[i])) {
            sum += 1 + rarity(text.data[i]);
            i++;
        }
        if (i - from >= LITERAL_SIZE_MIN && sum > most) {
            best = str_slice(text, from, i - from);
            most = sum;
        }
        i += i < text.size;
    }
    return best;
}

/* The text up to where its ending is rarest: the engine looks for endings first, and would stop at
 * each ".dll" and ".com" otherwise. */
static struct str ending_rarest(struct str text)
{
    unsigned best = 0;
    size_t end = text.size;
    for (size_t i = ENDING_SIZE + 2; i <= text.size; i++) {
        unsigned sum = 0;
        for (size_t k = i - ENDING_SIZE; k < i; k++) {
            sum += rarity(text.data[k]);
        }
        if (sum >= best) {
            best = sum;
            end = i;
        }
    }
    return str_slice(text, 0, end);
}

enum err alarm_make(struct patterns *patterns, const struct str *keywords, size_t count,
                    struct arena *mem, size_t *ret)
{
    static const struct str escapes[] = {
        {"\\u00", 4}, {"\\u01", 4}, {"\\u21", 4}, {"\xC5\xBF", 2}, {"\xE2\x84\xAA", 3}};
    const size_t others = sizeof escapes / sizeof escapes[0];
    struct str *texts = ARENA_ARRAY(mem, struct str, count + others);
    uint8_t *caseless = ARENA_ARRAY(mem, uint8_t, count + others);
    if (texts == NULL || caseless == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        texts[i] = ending_rarest(plain_rarest(keywords[i]));
        caseless[i] = 1;
        if (texts[i].size < LITERAL_SIZE_MIN) {
            return OK;
        }
    }
    for (size_t i = 0; i < others; i++) {
        texts[count + i] = escapes[i];
    }
    return patterns_add_literals(patterns, texts, caseless, count + others, ret);
}
