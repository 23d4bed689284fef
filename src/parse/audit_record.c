/*
 * An audit record as auditd, audispd and the kernel write it: a head, and KEY=value after that.
 *
 *     node=web-1 type=USER_LOGIN msg=audit(1763719200.120:4711): pid=812 uid=0 auid=1000 ses=3
 *     msg='op=login acct="alice" exe="/usr/sbin/sshd" addr=192.0.2.7 res=success'^]AUID="alice"
 *     audit: type=1400 audit(1763719200.120:12): apparmor="DENIED" operation="open" …
 *
 * A program's own words stand in msg='…'; there a value without quotes may hold blanks ("op=adding
 * user to group"), and goes on up to the next KEY=.  What a stranger chose (a command line, a
 * file's name) is quoted, or in hexadecimal if it holds a quote, a blank or a byte that is no
 * ASCII.  After a group separator (0x1d) auditd adds its own reading, in capitals.
 *
 * Always true: every byte is looked at a bounded number of times, and no pair points outside text.
 */

#include <string.h>

#include "base/arena.h"
#include "codec/hex.h"
#include "parse/audit.h"
#include "parse/private.h"

#define SEPARATOR  '\x1d'
#define BRACES_MAX 512 /* SADDR={ saddr_fam=inet … } */

static bool is_key_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '[' || c == ']';
}

static bool is_between(char c)
{
    return c == ' ' || c == '\t' || c == SEPARATOR || c == ',' || c == '\r' || c == '\n';
}

static bool epoch_read(struct str *rest, struct audit_record *record)
{
    struct str inside;
    if (!cursor_literal(rest, STR("audit(")) || !cursor_until(rest, ')', &inside)) {
        return false;
    }
    record->epoch = str_cut(&inside, ':');
    record->serial = inside;
    uint64_t ignored;
    (void)cursor_byte(rest, ':');
    return record->epoch.size > 0 && str_to_u64(inside, UINT64_MAX, &ignored) == OK;
}

/* The head, in one of the ways it is written. */
static bool head_read(struct str *rest, struct audit_record *record)
{
    cursor_blanks(rest);
    struct str clock = *rest, ignored;
    if (cursor_byte(&clock, '[') && cursor_until(&clock, ']', &ignored)) {
        *rest = clock; /* The kernel's own: "[   12.5] audit: …". */
        cursor_blanks(rest);
    }
    (void)cursor_literal(rest, STR("audit: "));
    if (cursor_literal(rest, STR("node="))) {
        if (!cursor_word(rest, &record->node)) {
            return false;
        }
        cursor_blanks(rest);
    }
    if (!cursor_literal(rest, STR("type=")) || !cursor_word(rest, &record->type)) {
        return false;
    }
    cursor_blanks(rest);
    (void)cursor_literal(rest, STR("msg="));
    return epoch_read(rest, record);
}

/* A key and its '=' at the start of rest; nothing moves if there is none. */
static size_t key_size(struct str rest)
{
    size_t size = 0;
    while (size < rest.size && is_key_byte(rest.data[size])) {
        size++;
    }
    return size > 0 && size < rest.size && rest.data[size] == '=' ? size : 0;
}

/* Where the next KEY= begins behind blanks, or the end. */
static size_t next_key(struct str rest)
{
    size_t at = 0;
    while (at < rest.size) {
        if (rest.data[at] == SEPARATOR) {
            return at;
        }
        if (!is_between(rest.data[at])) {
            at++;
            continue;
        }
        size_t word = at;
        while (word < rest.size && is_between(rest.data[word]) && rest.data[word] != SEPARATOR) {
            word++;
        }
        if (word == rest.size || key_size(text_from(rest, word)) > 0) {
            return at;
        }
        at = word;
    }
    return rest.size;
}

static size_t bare_size(struct str rest, bool inner)
{
    if (inner) {
        return next_key(rest);
    }
    size_t size = 0;
    while (size < rest.size && rest.data[size] != ' ' && rest.data[size] != SEPARATOR &&
           rest.data[size] != '\t') {
        size++;
    }
    return size;
}

static struct audit_pair value_read(struct str *rest, bool inner)
{
    struct audit_pair pair = {.bare = true};
    char first = rest->size > 0 ? rest->data[0] : ' ';
    char last = first == '{' ? '}' : first;
    if (first == '"' || first == '\'' || first == '{') {
        struct str behind = text_from(*rest, 1);
        if (first == '{') {
            behind = str_slice(behind, 0, behind.size < BRACES_MAX ? behind.size : BRACES_MAX);
        }
        size_t size = str_find_byte(behind, last);
        if (size != STR_NONE) {
            pair.value = str_slice(behind, 0, size);
            pair.bare = false;
            *rest = text_from(*rest, size + 2);
            return pair;
        }
    }
    size_t size = bare_size(*rest, inner);
    pair.value = str_slice(*rest, 0, size);
    *rest = text_from(*rest, size);
    while (pair.value.size > 0 && pair.value.data[pair.value.size - 1] == ',') {
        pair.value.size--;
    }
    return pair;
}

static void pair_add(struct audit_record *record, struct str key, struct audit_pair pair)
{
    if (record->count < AUDIT_PAIRS_MAX) {
        pair.key = key;
        record->pairs[record->count++] = pair;
    }
}

/* "avc:  denied  { read write } for  pid=…": SELinux's verdict has no keys. */
static void verdict_read(struct str *rest, struct audit_record *record)
{
    struct str at = *rest;
    cursor_blanks(&at);
    if (!cursor_literal(&at, STR("avc:"))) {
        return;
    }
    cursor_blanks(&at);
    struct str result, perms;
    if (!cursor_word(&at, &result)) {
        return;
    }
    cursor_blanks(&at);
    if (cursor_byte(&at, '{') && cursor_until(&at, '}', &perms)) {
        record->seresult = result;
        record->seperms = str_trim(perms);
        *rest = at;
    }
}

static void pairs_read(struct audit_record *record, struct str rest, bool inner);

/* msg='…': the last apostrophe before auditd's own reading ends it. */
static bool inner_read(struct audit_record *record, struct str *rest)
{
    struct str inside = text_from(*rest, 1);
    size_t end = str_find_byte(inside, SEPARATOR);
    struct str part = end == STR_NONE ? inside : str_slice(inside, 0, end);
    size_t size = part.size;
    while (size > 0 && part.data[size - 1] != rest->data[0]) {
        size--;
    }
    if (size == 0) {
        return false;
    }
    pairs_read(record, str_slice(part, 0, size - 1), true);
    *rest = text_from(inside, size);
    return true;
}

/* "old auid=700 new auid=701", as kernels before 3.18 wrote it. */
static struct str aged_key(struct str before, struct str key)
{
    static const char *const names[] = {"old_auid", "new_auid", "old_ses", "new_ses"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct str name = str_from(names[i]);
        if (str_equal(before, str_slice(name, 0, 3)) && str_equal(key, text_from(name, 4))) {
            return name;
        }
    }
    return key;
}

static void pairs_read(struct audit_record *record, struct str rest, bool inner)
{
    verdict_read(&rest, record);
    struct str before = {0};
    while (rest.size > 0 && record->count < AUDIT_PAIRS_MAX) {
        if (is_between(rest.data[0])) {
            rest = text_from(rest, 1);
            continue;
        }
        size_t size = key_size(rest);
        if (size == 0) {
            size_t word = 0;
            while (word < rest.size && !is_between(rest.data[word])) {
                word++;
            }
            before = str_slice(rest, 0, word);
            rest = text_from(rest, word);
            continue;
        }
        struct str key = str_slice(rest, 0, size);
        rest = text_from(rest, size + 1);
        if (!inner && str_equal(key, STR("msg")) && rest.size > 0 &&
            (rest.data[0] == '\'' || rest.data[0] == '"') && inner_read(record, &rest)) {
            continue;
        }
        if (before.data != NULL && before.size == 3 && before.data + 4 == key.data) {
            key = aged_key(before, key);
        }
        before = (struct str){0};
        pair_add(record, key, value_read(&rest, inner));
    }
}

bool audit_record_read(struct str text, struct audit_record *ret)
{
    ret->node = ret->type = ret->epoch = ret->serial = ret->words = (struct str){0};
    ret->seresult = ret->seperms = (struct str){0};
    ret->count = 0;
    if (!head_read(&text, ret)) {
        return false;
    }
    pairs_read(ret, text, false);
    return true;
}

static bool is_value(struct str value)
{
    return value.size > 0 && !str_equal(value, STR("?")) && !str_equal(value, STR("(null)"));
}

struct str audit_value(const struct audit_record *record, struct str key)
{
    for (size_t i = 0; i < record->count; i++) {
        if (str_equal(record->pairs[i].key, key) && is_value(record->pairs[i].value)) {
            return record->pairs[i].value;
        }
    }
    return (struct str){0};
}

/* The kernel writes capitals; small letters are a text. */
static bool is_digit_of_kernel(char c)
{
    return hex_digit(c) >= 0 && !(c >= 'a' && c <= 'f');
}

struct str audit_decode(struct arena *arena, const struct audit_pair *pair)
{
    struct str value = pair->value;
    if (!pair->bare || value.size < 2 || value.size % 2 != 0) {
        return value;
    }
    for (size_t i = 0; i < value.size; i++) {
        if (!is_digit_of_kernel(value.data[i])) {
            return value;
        }
    }
    unsigned char *to = arena != NULL ? arena_take(arena, value.size / 2) : NULL;
    bool needed = false; /* What could have stood as it is was no hexadecimal. */
    for (size_t i = 0; to != NULL && i < value.size / 2; i++) {
        to[i] =
            (unsigned char)(hex_digit(value.data[2 * i]) * 16 + hex_digit(value.data[2 * i + 1]));
        needed = needed || to[i] <= ' ' || to[i] == '"' || to[i] >= 0x7f;
        to[i] = to[i] == '\0' ? ' ' : to[i];
    }
    return needed ? str_of(to, value.size / 2) : value;
}
