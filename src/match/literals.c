/*
 * What a regular expression requires: texts of which every match holds at least one.
 *
 * The expression is read by its structure, as far as that is plain: characters, escapes, classes,
 * groups, alternatives, repeats.  Neighbouring characters that must all occur make a run; of a
 * sequence, the best run or the best group is taken; of alternatives, all of them.  Whatever is
 * unfamiliar (inline flags, look-around, properties, odd braces) makes the whole expression
 * unknown: a text that is wrongly thought to be required would hide an alert.
 *
 * Texts are given in lower case and are to be looked for in folded values.  Only ASCII counts;
 * other characters end a run.
 *
 * Always true: an alternative without a required text leaves its whole group without one.
 */

#include "match/private.h"

#include <string.h>

#include "codec/utf8.h"

#define LEVELS_MAX 20
#define RUN_MAX    64 /* longer texts select no better */
#define SET_MAX    64 /* alternatives; more are no use as a guard */

struct needs {
    struct str texts[SET_MAX];
    size_t count; /* 0: nothing is required */
    uint64_t cost;
};

struct source {
    struct str text;
    size_t at;
    unsigned level;
    struct arena *mem;
};

/* One of what stands in a sequence. */
struct atom {
    bool plain; /* one ASCII character, c */
    char c;
    bool optional;       /* it may occur no time at all */
    bool once;           /* exactly one time */
    struct needs *group; /* of a group; else NULL */
};

static enum err either_read(struct source *source, struct needs *ret);

static bool at_end(const struct source *source)
{
    return source->at >= source->text.size;
}

static char peek(const struct source *source, size_t ahead)
{
    size_t at = source->at + ahead;
    return at < source->text.size ? source->text.data[at] : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The repeat behind an atom. */
static enum err repeat_read(struct source *source, struct atom *atom)
{
    char c = peek(source, 0);
    atom->once = true;
    if (c == '*' || c == '?' || c == '+') {
        atom->optional = c != '+';
        atom->once = false;
        source->at++;
    } else if (c == '{') {
        size_t at = source->at + 1;
        size_t digits = at;
        bool zero = true;
        while (at < source->text.size && is_digit(source->text.data[at])) {
            zero = zero && source->text.data[at] == '0';
            at++;
        }
        if (at == digits) {
            return ERR_UNSUPPORTED;
        }
        while (at < source->text.size &&
               (is_digit(source->text.data[at]) || source->text.data[at] == ',')) {
            at++;
        }
        if (at >= source->text.size || source->text.data[at] != '}') {
            return ERR_UNSUPPORTED;
        }
        atom->optional = zero;
        atom->once = false;
        source->at = at + 1;
    } else {
        return OK;
    }
    if (peek(source, 0) == '?' || peek(source, 0) == '+') {
        source->at++;
    }
    c = peek(source, 0);
    return c == '*' || c == '?' || c == '+' || c == '{' ? ERR_UNSUPPORTED : OK;
}

static enum err class_skip(struct source *source)
{
    source->at++;
    source->at += peek(source, 0) == '^';
    source->at += peek(source, 0) == ']';
    while (!at_end(source) && peek(source, 0) != ']') {
        if (peek(source, 0) == '[' &&
            (peek(source, 1) == ':' || peek(source, 1) == '.' || peek(source, 1) == '=')) {
            return ERR_UNSUPPORTED;
        }
        if (peek(source, 0) == '\\' && (peek(source, 1) == 'Q' || peek(source, 1) == 'E')) {
            return ERR_UNSUPPORTED;
        }
        source->at += peek(source, 0) == '\\' ? 2 : 1;
    }
    if (at_end(source)) {
        return ERR_UNSUPPORTED;
    }
    source->at++;
    return OK;
}

static enum err escape_read(struct source *source, struct atom *atom)
{
    char c = peek(source, 1);
    if (source->at + 1 >= source->text.size || (unsigned char)c >= 0x80) {
        return ERR_UNSUPPORTED;
    }
    source->at += 2;
    if (!is_alnum(c)) {
        atom->plain = true;
        atom->c = c;
        return OK;
    }
    if (strchr("dDwWsSbBAzZtnrfae", c) != NULL) {
        return OK;
    }
    if (c == 'x' && is_hex(peek(source, 0)) && is_hex(peek(source, 1))) {
        source->at += 2;
        return OK;
    }
    return ERR_UNSUPPORTED;
}

static enum err group_read(struct source *source, struct atom *atom)
{
    source->at++;
    if (peek(source, 0) == '?') {
        if (peek(source, 1) != ':') {
            return ERR_UNSUPPORTED;
        }
        source->at += 2;
    } else if (peek(source, 0) == '*') {
        return ERR_UNSUPPORTED;
    }
    if (++source->level > LEVELS_MAX) {
        return ERR_UNSUPPORTED;
    }
    atom->group = ARENA_ONE(source->mem, struct needs);
    if (atom->group == NULL) {
        return ERR_MEMORY;
    }
    enum err err = either_read(source, atom->group);
    source->level--;
    if (err == OK && peek(source, 0) != ')') {
        err = ERR_UNSUPPORTED;
    }
    source->at++;
    return err;
}

static enum err atom_read(struct source *source, struct atom *ret)
{
    struct atom atom = {0};
    enum err err = OK;
    char c = peek(source, 0);
    switch (c) {
    case '(':
        err = group_read(source, &atom);
        break;
    case '[':
        err = class_skip(source);
        break;
    case '\\':
        err = escape_read(source, &atom);
        break;
    case '.':
    case '^':
    case '$':
        source->at++;
        break;
    case '*':
    case '+':
    case '?':
    case '{':
        return ERR_UNSUPPORTED;
    default: {
        size_t size = utf8_sequence(str_slice(source->text, source->at, 4));
        atom.plain = size == 1 && (unsigned char)c < 0x80;
        atom.c = c;
        source->at += size == 0 ? 1 : size;
        break;
    }
    }
    err = err == OK ? repeat_read(source, &atom) : err;
    *ret = atom;
    return err;
}

static void needs_better(struct needs *best, const struct needs *other)
{
    if (other->count > 0 && (best->count == 0 || other->cost < best->cost)) {
        *best = *other;
    }
}

/* The run becomes a candidate, and a new one begins. */
static enum err run_end(struct source *source, struct buf *run, struct needs *best)
{
    if (run->size >= LITERAL_SIZE_MIN) {
        struct needs needs = {.count = 1, .cost = literal_cost(run->size)};
        enum err err = arena_copy(source->mem, buf_str(run), &needs.texts[0]);
        if (err != OK) {
            return err;
        }
        needs_better(best, &needs);
    }
    buf_reset(run);
    return OK;
}

static enum err sequence_read(struct source *source, struct needs *ret)
{
    struct needs best = {0};
    struct buf run;
    buf_init(&run, RUN_MAX);
    enum err err = OK;
    while (err == OK && !at_end(source) && peek(source, 0) != '|' && peek(source, 0) != ')') {
        struct atom atom;
        err = atom_read(source, &atom);
        if (err != OK) {
            break;
        }
        if (atom.plain && !atom.optional && run.size < RUN_MAX) {
            char c = atom.c >= 'A' && atom.c <= 'Z' ? (char)(atom.c + ('a' - 'A')) : atom.c;
            err = buf_append_byte(&run, c);
        }
        if (err == OK && (!atom.plain || !atom.once || run.size == RUN_MAX)) {
            err = run_end(source, &run, &best);
        }
        if (atom.group != NULL && !atom.optional) {
            needs_better(&best, atom.group);
        }
    }
    err = err == OK ? run_end(source, &run, &best) : err;
    buf_done(&run);
    *ret = best;
    return err;
}

static enum err either_read(struct source *source, struct needs *ret)
{
    struct needs all = {0};
    bool known = true;
    for (bool first = true; first || peek(source, 0) == '|'; first = false) {
        struct needs one;
        source->at += !first;
        enum err err = sequence_read(source, &one);
        if (err != OK) {
            return err;
        }
        known = known && one.count > 0 && all.count + one.count <= SET_MAX;
        for (size_t i = 0; known && i < one.count; i++) {
            all.texts[all.count++] = one.texts[i];
        }
        all.cost += one.cost;
    }
    if (!known) {
        all.count = 0;
    }
    *ret = all;
    return OK;
}

enum err regex_required(struct str regex, struct arena *mem, struct str **ret, size_t *ret_count)
{
    struct source source = {.text = regex, .mem = mem};
    struct needs *needs = ARENA_ONE(mem, struct needs);
    if (needs == NULL) {
        return ERR_MEMORY;
    }
    enum err err = either_read(&source, needs);
    if (err == OK && !at_end(&source)) {
        err = ERR_UNSUPPORTED;
    }
    if (err != OK || needs->count == 0) {
        return err == ERR_MEMORY ? ERR_MEMORY : ERR_NOT_FOUND;
    }
    *ret = needs->texts;
    *ret_count = needs->count;
    return OK;
}
