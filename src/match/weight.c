/*
 * What a regular expression costs to compile, told from its text.
 *
 * Vectorscan runs in linear time, but compiling is another matter: repeats multiply what they
 * repeat, and each level of groups doubles some of its walks.  So the places of an expression are
 * counted before it is shown to it: a character, an escape and a class are one each, a repeat is as
 * many as it allows.
 *
 *     ab+c{3}         1 + 1 + 3          (x|[a-f]{1,9}){4}         (1 + 9) * 4
 *
 * Always true: the count takes one pass; where brackets are not what they seem (free spacing, which
 * may hide some in remarks) the expression is refused rather than guessed at.
 */

#include "match/private.h"

#include <string.h>

#include "base/limits.h"

struct scale {
    struct str text;
    size_t at;
    uint64_t sums[REGEX_LEVELS_MAX + 1]; /* of the groups that stand open */
    size_t level;
    uint64_t last; /* what a repeat repeats */
};

static bool next_is(const struct scale *scale, const char *what)
{
    return str_starts(str_slice(scale->text, scale->at, SIZE_MAX), str_from(what));
}

static void atom_add(struct scale *scale, uint64_t weight)
{
    scale->last = weight;
    scale->sums[scale->level] += weight;
}

/* A posix class ([:alpha:]) has a bracket that does not end the class around it. */
static size_t posix_size(struct str rest)
{
    size_t size = 2;
    while (size < rest.size && (rest.data[size] == '^' || ((rest.data[size] | 0x20) >= 'a' &&
                                                           (rest.data[size] | 0x20) <= 'z'))) {
        size++;
    }
    return str_starts(str_slice(rest, size, SIZE_MAX), STR(":]")) ? size + 2 : 1;
}

static void class_weigh(struct scale *scale)
{
    scale->at += next_is(scale, "[^") ? 2 : 1;
    for (bool first = true; scale->at < scale->text.size; first = false) {
        char c = scale->text.data[scale->at];
        if (c == ']' && !first) {
            break;
        }
        struct str rest = str_slice(scale->text, scale->at, SIZE_MAX);
        scale->at += c == '\\' ? 2 : next_is(scale, "[:") ? posix_size(rest) : 1;
    }
    scale->at++;
    atom_add(scale, 1);
}

static void escape_weigh(struct scale *scale)
{
    size_t size = 2;
    if (next_is(scale, "\\Q")) {
        size = str_find(str_slice(scale->text, scale->at, SIZE_MAX), STR("\\E"));
        size = size == STR_NONE ? scale->text.size - scale->at : size + 2;
    }
    scale->at += size;
    atom_add(scale, size > 2 ? size : 1);
}

/* {3}, {3,} or {3,9}; anything else is a brace. */
static void braces_weigh(struct scale *scale)
{
    struct str inside = str_slice(scale->text, scale->at + 1, SIZE_MAX);
    size_t close = str_find_byte(inside, '}');
    struct str high = str_slice(inside, 0, close == STR_NONE ? 0 : close);
    bool open = str_ends(high, STR(","));
    struct str low = str_cut(&high, ',');
    uint64_t least = 0, most = 0;
    if (close == STR_NONE || str_to_u64(low, UINT16_MAX, &least) != OK ||
        (high.size > 0 && str_to_u64(high, UINT16_MAX, &most) != OK)) {
        scale->at++;
        atom_add(scale, 1);
        return;
    }
    most = most > least ? most : least + open;
    scale->at += close + 2;
    scale->sums[scale->level] += scale->last * (most > 0 ? most - 1 : 0);
    scale->last *= most > 0 ? most : 1;
}

static enum err group_open(struct scale *scale, struct why *why)
{
    size_t flags = scale->at + 2;
    bool asks = next_is(scale, "(?");
    if (next_is(scale, "(?#")) {
        size_t end = str_find_byte(str_slice(scale->text, scale->at, SIZE_MAX), ')');
        scale->at = end == STR_NONE ? scale->text.size : scale->at + end + 1;
        return OK;
    }
    while (asks && flags < scale->text.size && strchr("imsUJ-", scale->text.data[flags]) != NULL) {
        flags++;
    }
    if (asks && flags < scale->text.size && scale->text.data[flags] == 'x') {
        return why_say(why, ERR_UNSUPPORTED, 0, "a regular expression with free spacing (?x)");
    }
    if (scale->level == REGEX_LEVELS_MAX) {
        return why_say(why, ERR_LIMIT, 0, "a regular expression nests groups deeper than %d",
                       REGEX_LEVELS_MAX);
    }
    scale->sums[++scale->level] = 1;
    scale->last = 0;
    scale->at += asks ? 2 : 1;
    return OK;
}

static void group_close(struct scale *scale)
{
    uint64_t sum = scale->sums[scale->level];
    scale->at++;
    if (scale->level > 0) {
        scale->level--;
        atom_add(scale, sum);
    }
}

enum err regex_weigh(struct str regex, uint64_t *ret, struct why *why)
{
    struct scale scale = {.text = regex};
    uint64_t sum = 0;
    enum err err = OK;
    while (err == OK && scale.at < regex.size) {
        switch (regex.data[scale.at]) {
        case '(':
            err = group_open(&scale, why);
            break;
        case ')':
            group_close(&scale);
            break;
        case '[':
            class_weigh(&scale);
            break;
        case '\\':
            escape_weigh(&scale);
            break;
        case '{':
            braces_weigh(&scale);
            break;
        case '*':
        case '+':
        case '?':
            scale.at++;
            break;
        default:
            scale.at++;
            atom_add(&scale, 1);
            break;
        }
        if (err == OK && scale.sums[scale.level] > REGEX_WEIGHT_MAX) {
            err = why_say(why, ERR_LIMIT, 0,
                          "the repeats of a regular expression multiply to more "
                          "than %d",
                          REGEX_WEIGHT_MAX);
        }
    }
    for (size_t i = 0; i <= scale.level; i++) {
        sum += scale.sums[i];
    }
    if (err == OK) {
        *ret = sum;
    }
    return err;
}
