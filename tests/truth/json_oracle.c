/*
 * JSON read by us, by simdjson's DOM and by yajl: what the three take and refuse is the same, and
 * so is every leaf (R-E3).
 *
 *     json_oracle [COUNT [FOLDER ...]]
 *
 * Texts are made from a fixed seed: values of every type at every place, numbers at the edges,
 * escapes and half surrogates, names that repeat, depth around our limit, bytes that are no UTF-8,
 * blanks that are none; then bytes of some, and of the corpus, are changed.
 *
 * Agreed, where the others differ from each other:
 *
 *   - simdjson refuses numbers that fit neither 64 bits nor a double; RFC 8259, section 6, sets no
 *     limit, and we and yajl keep the digits.
 *   - simdjson refuses half a surrogate; section 8.2 lets it pass, and for us and yajl it is a
 *     character that is none (U+FFFD here).
 *   - yajl takes UTF-8 that is none (overlong, surrogates): it is not asked about such texts.
 *   - yajl takes \v and \f for blanks: it is not asked about texts that hold one.
 *
 * And where we are stricter on purpose (codec/json.h): json_walk takes objects only, neither takes
 * more than NESTING_MAX levels, json_parse no name twice and no NUL.
 *
 * Always true: a text depends on the seed and its number alone.
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "codec/json.h"
#include "codec/json_slice.h"
#include "codec/json_text.h"
#include "codec/yaml.h"
#include "tests/truth/json_second.h"

#define TEXT_MAX      8192
#define SEEDS_MAX     512
#define SHOWN_MAX     20
#define COUNT_DEFAULT 200000

/* STR where a constant is asked for. */
#define T(literal)                     \
    {                                  \
        (literal), sizeof(literal) - 1 \
    }

#define PICK(random, list) (list)[draw(random, sizeof(list) / sizeof *(list))]

struct maker {
    uint64_t state;
    bool wrong; /* now and then something that is no JSON */
    char text[TEXT_MAX];
    size_t size;
};

static size_t draw(struct maker *maker, size_t below)
{
    maker->state ^= maker->state << 13;
    maker->state ^= maker->state >> 7;
    maker->state ^= maker->state << 17;
    return (size_t)(maker->state >> 11) % below;
}

static void put(struct maker *maker, struct str text)
{
    if (text.size <= TEXT_MAX - maker->size) {
        memcpy(maker->text + maker->size, text.data, text.size);
        maker->size += text.size;
    }
}

/* ---- texts */

static const struct str blanks[] = {T(" "), T("\t"), T("\r\n"), T("\n  ")};
static const struct str no_blanks[] = {T("\v"),           T("\f"), T("\xc2\xa0"),
                                       T("\xef\xbb\xbf"), T("\0"), T("/**/"),
                                       T("//\n"),         T("#"),  T("\x1f")};
static const struct str scalars[] = {T("true"),
                                     T("false"),
                                     T("null"),
                                     T("0"),
                                     T("-0"),
                                     T("7"),
                                     T("-12"),
                                     T("0.5"),
                                     T("-0.0"),
                                     T("1e5"),
                                     T("1E+05"),
                                     T("-1.25e-10"),
                                     T("9007199254740993"),
                                     T("9223372036854775807"),
                                     T("9223372036854775808"),
                                     T("-9223372036854775808"),
                                     T("-9223372036854775809"),
                                     T("18446744073709551615"),
                                     T("18446744073709551616"),
                                     T("1e308"),
                                     T("1e309"),
                                     T("-1e999"),
                                     T("1e-999"),
                                     T("4.9e-324"),
                                     T("0e0"),
                                     T("123456789012345678901234567890"),
                                     T("0.1000000000000000055511151231257827021181583404541015625"),
                                     T("2.2250738585072011e-308"),
                                     T("0.00000000000000000000000000000001e32")};
static const struct str no_scalars[] = {
    T("True"),      T("nul"),       T("nulll"),  T("truefalse"),  T("tru"),       T("NaN"),
    T("Infinity"),  T("-Infinity"), T("01"),     T("-01"),        T("00"),        T("-"),
    T("+1"),        T(".5"),        T("1."),     T("1.e5"),       T("1e"),        T("1e+"),
    T("1e5.5"),     T("0x10"),      T("--1"),    T("1_0"),        T("1 0"),       T("'a'"),
    T("a"),         T("1\"a\""),    T("\"a\"1"), T("\"a\"\"b\""), T("undefined"), T("\"open"),
    T("-\xd9\xa1"), T("1\0"),       T("")};
static const struct str pieces[] = {
    T("login"),
    T(" "),
    T("{[,:]}"),
    T("\\\""),
    T("\\\\"),
    T("\\/"),
    T("/"),
    T("\\b\\f\\n\\r\\t"),
    T("\\u0041"),
    T("\\u00e9"),
    T("\\u706B"),
    T("\\u0000"),
    T("\\uFFFF"),
    T("\\ud83d\\ude00"),
    T("\\uDBFF\\uDFFF"),
    T("\\u2028"),
    T("\xc3\xa9"),
    T("\xe7\x81\xab"),
    T("\xf0\x9f\x98\x80"),
    T("\xf4\x8f\xbf\xbf"),
    T("\xef\xbf\xbf"),
    T("\x7f"),
    T("\xc2\x80"),
    T("0123456789012345678901234567890123456789012345678901234567890")};
static const struct str no_pieces[] = {T("\\ud83d"),
                                       T("\\ude00"),
                                       T("\\ud83d\\u0041"),
                                       T("\\ud83dx"),
                                       T("\\ud83d\\n"),
                                       T("\\ud83d\\ud83d\\ude00"),
                                       T("\\u12"),
                                       T("\\u12G4"),
                                       T("\\U0041"),
                                       T("\\x41"),
                                       T("\\'"),
                                       T("\\a"),
                                       T("\\0"),
                                       T("\\"),
                                       T("\\\xc3\xa9"),
                                       T("\xc0\xaf"),
                                       T("\xed\xa0\x80"),
                                       T("\xf4\x90\x80\x80"),
                                       T("\xf8\x88\x80\x80\x80"),
                                       T("\x80"),
                                       T("\xff"),
                                       T("\xc3"),
                                       T("\xe2\x82"),
                                       T("\xe0\x80\xaf"),
                                       T("\x01"),
                                       T("\x1f"),
                                       T("\n"),
                                       T("\t"),
                                       T("\0")};
static const struct str names[] = {T("a"),       T("b"),         T("c"),       T("event"),
                                   T("a.b"),     T(""),          T("\\u0061"), T("\xe7\x81\xab"),
                                   T("\\n"),     T("message"),   T("host"),    T("id"),
                                   T("\\u0000"), T("@timestamp")};

static bool goes_wrong(struct maker *maker)
{
    return maker->wrong && draw(maker, 24) == 0;
}

static void blank_put(struct maker *maker)
{
    if (goes_wrong(maker)) {
        put(maker, PICK(maker, no_blanks));
    } else if (draw(maker, 4) == 0) {
        put(maker, PICK(maker, blanks));
    }
}

static void string_put(struct maker *maker)
{
    put(maker, STR("\""));
    for (size_t left = draw(maker, 5); left > 0; left--) {
        put(maker, goes_wrong(maker) ? PICK(maker, no_pieces) : PICK(maker, pieces));
    }
    put(maker, STR("\""));
}

static void value_put(struct maker *maker, unsigned depth);

static void members_put(struct maker *maker, bool object, unsigned depth)
{
    size_t count = draw(maker, depth > 1 ? 3 : 7);
    put(maker, object ? STR("{") : STR("["));
    for (size_t i = 0; i < count; i++) {
        blank_put(maker);
        if (i > 0 && !goes_wrong(maker)) {
            put(maker, STR(","));
            blank_put(maker);
        }
        if (object && !goes_wrong(maker)) {
            put(maker, STR("\""));
            put(maker, PICK(maker, names));
            put(maker, goes_wrong(maker) ? STR("") : STR("\""));
            blank_put(maker);
            put(maker, goes_wrong(maker) ? STR(";") : STR(":"));
            blank_put(maker);
        }
        value_put(maker, depth + 1);
    }
    blank_put(maker);
    put(maker, goes_wrong(maker) ? STR(",") : STR(""));
    put(maker, object != goes_wrong(maker) ? STR("}") : STR("]"));
}

static void value_put(struct maker *maker, unsigned depth)
{
    size_t kind = depth == 0 ? draw(maker, 40) == 0 : 1 + draw(maker, 10);
    if (depth < 6 && (kind == 0 || kind > 8)) {
        members_put(maker, kind != 10, depth);
    } else if (kind < 5) {
        put(maker, goes_wrong(maker) ? PICK(maker, no_scalars) : PICK(maker, scalars));
    } else {
        string_put(maker);
    }
}

/* Levels around what we allow, open and closed. */
static void deep_put(struct maker *maker)
{
    size_t depth = NESTING_MAX - 3 + draw(maker, 6);
    char closing[NESTING_MAX + 8];
    for (size_t i = 0; i < depth; i++) {
        bool object = i == 0 || draw(maker, 2) == 0;
        put(maker, object ? STR("{\"a\":") : STR("["));
        closing[depth - 1 - i] = object ? '}' : ']';
    }
    value_put(maker, 6);
    put(maker, str_of(closing, depth - (goes_wrong(maker) ? 1 : 0)));
}

static void change(struct maker *maker)
{
    static const char signs[] = "{}[]\",:\\ 019-+.eEtfnu\n";
    size_t at = draw(maker, maker->size);
    size_t rest = maker->size - at;
    char sign = draw(maker, 4) == 0 ? (char)draw(maker, 256) : signs[draw(maker, sizeof signs)];
    switch (draw(maker, 5)) {
    case 0:
        maker->text[at] = sign;
        break;
    case 1:
        memmove(maker->text + at, maker->text + at + 1, rest - 1);
        maker->size--;
        break;
    case 2:
        if (maker->size < TEXT_MAX) {
            memmove(maker->text + at + 1, maker->text + at, rest);
            maker->text[at] = sign;
            maker->size++;
        }
        break;
    case 3: /* a stretch once more, behind everything */
        put(maker, str_of(maker->text + at, draw(maker, rest) % 64));
        break;
    default:
        maker->text[at] ^= (char)(1 << draw(maker, 8));
    }
}

static void text_make(struct maker *maker, uint64_t number, const struct str *seeds, size_t count)
{
    maker->state = 0x20261122 + number * 0x9e3779b97f4a7c15;
    maker->size = 0;
    maker->wrong = draw(maker, 4) == 0;
    size_t kind = draw(maker, 32);
    bool seeded = kind < 3 && count > 0;
    if (seeded) {
        put(maker, seeds[draw(maker, count)]);
    } else if (kind == 3) {
        deep_put(maker);
    } else {
        blank_put(maker);
        value_put(maker, 0);
        blank_put(maker);
    }
    size_t changes = seeded || draw(maker, 3) == 0 ? draw(maker, 4) : 0;
    for (; changes > 0 && maker->size > 0; changes--) {
        change(maker);
    }
}

/* ---- what we say */

struct noting {
    struct str text;
    struct buf *leaves;
    struct arena *mem;
};

static void must(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "json_oracle: %s\n", what);
        exit(2);
    }
}

static void leaf_put(struct noting *noting, struct str path, char kind, struct str value)
{
    char number[64];
    if (kind == 'V' && value.data[0] != 't' && value.data[0] != 'f') {
        char plain[TEXT_MAX + 1];
        memcpy(plain, value.data, value.size);
        plain[value.size] = '\0';
        (void)snprintf(number, sizeof number, "%.17g", strtod(plain, NULL) + 0.0);
        value = str_from(number);
    }
    must(buf_append(noting->leaves, path) == OK && buf_print(noting->leaves, "=%c:", kind) == OK &&
             buf_append(noting->leaves, kind == 'N' ? STR("") : value) == OK &&
             buf_append_byte(noting->leaves, ';') == OK,
         "memory");
}

static void leaf_note(void *context, struct str path, size_t offset, size_t size,
                      enum json_kind kind)
{
    struct noting *noting = context;
    struct str value = str_slice(noting->text, offset, size);
    if (kind == JSON_STRING) {
        must(json_unescape(value, noting->mem, &value) == OK, "a leaf's escapes");
    }
    leaf_put(noting, path, "SVN"[kind], value);
}

static void node_note(struct noting *noting, const struct yaml_node *node, struct str path,
                      unsigned depth)
{
    if (node->kind == YAML_SCALAR || node->count == 0) {
        bool none = node->kind != YAML_SCALAR || (node->plain && yaml_is_null(node));
        leaf_put(noting, path, none ? 'N' : node->plain ? 'V' : 'S', node->text);
        return;
    }
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        struct str name = path;
        if (child->key != NULL && depth == 0) {
            name = child->key->text;
        } else if (child->key != NULL) {
            struct str parts[] = {path, STR("."), child->key->text};
            char *joined = arena_take(noting->mem, path.size + child->key->text.size + 1);
            must(joined != NULL, "memory");
            name = str_of(joined, 0);
            for (size_t i = 0; i < 3; i++) {
                memcpy(joined + name.size, parts[i].data, parts[i].size);
                name.size += parts[i].size;
            }
        }
        node_note(noting, child, name, depth + 1);
    }
}

/* ---- the comparison */

struct oracle {
    struct arena *mem;
    struct buf ours, theirs, printed;
    size_t taken, refused, large, half, aside, differ;
};

static void differ(struct oracle *oracle, struct str text, const char *what)
{
    if (++oracle->differ > SHOWN_MAX) {
        return;
    }
    (void)printf("DIFFERS: %s: ", what);
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        (void)printf(c < 0x20 || c > 0x7e ? "\\x%02x" : "%c", c);
    }
    (void)printf("\n");
}

static size_t depth_of(struct str text)
{
    size_t depth = 0;
    size_t most = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '"') {
            for (i++; i < text.size && text.data[i] != '"'; i++) {
                i += text.data[i] == '\\' ? 1 : 0;
            }
        } else if (c == '{' || c == '[') {
            most = ++depth > most ? depth : most;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return most;
}

/* What the two others hold it for; false: they may not be asked. */
static bool others_say(struct oracle *oracle, struct str text, const struct json_seen *seen,
                       bool *ret)
{
    bool blank = str_find_byte(text, '\v') != STR_NONE || str_find_byte(text, '\f') != STR_NONE;
    bool simdjson = seen->verdict == JSON_SECOND_OK;
    bool yajl = json_yajl(text);
    *ret = simdjson && seen->utf8;
    if (!seen->utf8 || simdjson == yajl) {
        return true;
    }
    if (blank) {
        oracle->aside += seen->verdict > JSON_SECOND_WRONG;
        return seen->verdict <= JSON_SECOND_WRONG;
    }
    if (yajl && seen->verdict > JSON_SECOND_WRONG) {
        *(seen->verdict == JSON_SECOND_NUMBER ? &oracle->large : &oracle->half) += 1;
        *ret = true;
        return true;
    }
    differ(oracle, text, simdjson ? "yajl alone refuses" : "simdjson alone refuses");
    return false;
}

static void walk_compare(struct oracle *oracle, struct str text, const struct json_seen *seen,
                         bool valid, bool deep)
{
    struct noting noting = {text, &oracle->ours, oracle->mem};
    bool object = str_starts(str_trim(text), STR("{"));
    buf_reset(&oracle->ours);
    enum err err = json_walk(text, leaf_note, &noting, NULL);
    if ((err == OK) != (valid && object && !deep) ||
        (valid && object && deep && err != ERR_LIMIT)) {
        differ(oracle, text, err == OK ? "json_walk alone takes" : "json_walk alone refuses");
        return;
    }
    if (err != OK) {
        return;
    }
    if (json_value_size(str_trim(text)) != str_trim(text).size) {
        differ(oracle, text, "json_value_size");
    }
    if (seen->verdict != JSON_SECOND_OK) {
        return;
    }
    if (!str_equal(buf_str(&oracle->ours), buf_str(&oracle->theirs))) {
        differ(oracle, text, "leaves of json_walk");
    }
    struct json_slices slices;
    struct str name;
    struct str value;
    size_t members = 0;
    enum err last = json_slices(str_trim(text), &slices);
    while (last == OK && (last = json_slice_next(&slices, &name, &value)) == OK) {
        members++;
    }
    if (last != ERR_CLOSED || members != seen->members) {
        differ(oracle, text, "members of json_slices");
    }
}

static void tree_compare(struct oracle *oracle, struct str text, const struct json_seen *seen,
                         bool valid, bool deep)
{
    struct noting noting = {text, &oracle->ours, oracle->mem};
    struct yaml_node *root = NULL;
    struct why why = {0};
    buf_reset(&oracle->ours);
    enum err err = json_parse(text, oracle->mem, &root, &why);
    if (valid && seen->verdict != JSON_SECOND_OK) {
        /* Nobody says whether a name stands twice; but it is JSON. */
        if (err != OK && !deep && str_starts(str_from(why.text), STR("not JSON"))) {
            differ(oracle, text, "json_parse alone refuses");
        }
    } else if ((err == OK) != (valid && !deep && !seen->twice && !seen->nul)) {
        differ(oracle, text, err == OK ? "json_parse alone takes" : "json_parse alone refuses");
    } else if (err == OK && seen->object) {
        if (root->count > 0) {
            node_note(&noting, root, STR(""), 0);
        }
        if (!str_equal(buf_str(&oracle->ours), buf_str(&oracle->theirs))) {
            differ(oracle, text, "leaves of json_parse");
        }
    }
}

/* What we print as a string is read back as it was (R-E5). */
static void print_compare(struct oracle *oracle, struct str text)
{
    struct str all = buf_str(&oracle->theirs);
    struct str back;
    buf_reset(&oracle->printed);
    must(json_print(&oracle->printed, all) == OK, "memory");
    struct str printed = buf_str(&oracle->printed);
    if (!json_yajl(printed) ||
        json_unescape(str_slice(printed, 1, printed.size - 2), oracle->mem, &back) != OK ||
        !str_equal(all, back)) {
        differ(oracle, text, "json_print and json_unescape");
    }
}

static void text_compare(struct oracle *oracle, struct str text)
{
    struct json_seen seen;
    bool valid;
    bool deep = depth_of(text) > NESTING_MAX;
    arena_reset(oracle->mem);
    buf_reset(&oracle->theirs);
    json_simdjson(text, &oracle->theirs, &seen);
    if (!others_say(oracle, text, &seen, &valid)) {
        return;
    }
    *(valid ? &oracle->taken : &oracle->refused) += 1;
    walk_compare(oracle, text, &seen, valid, deep);
    tree_compare(oracle, text, &seen, valid, deep);
    if (seen.verdict == JSON_SECOND_OK) {
        print_compare(oracle, text);
    }
}

/* The files of a folder, in the order of their names. */
static size_t seeds_read(const char *folder, struct arena *mem, struct str *seeds, size_t room)
{
    struct dirent **entries;
    int found = scandir(folder, &entries, NULL, alphasort);
    size_t count = 0;
    must(found >= 0, "a folder of the corpus cannot be read");
    for (int i = 0; i < found; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        char *bytes = arena_take(mem, TEXT_MAX);
        FILE *file = fopen(path, "rb");
        must(file != NULL && bytes != NULL, "a file of the corpus cannot be read");
        size_t size = fread(bytes, 1, TEXT_MAX, file);
        (void)fclose(file);
        if (size > 0 && size < TEXT_MAX && count < room) {
            seeds[count++] = str_of(bytes, size);
        }
        free(entries[i]);
    }
    free(entries);
    return count;
}

int main(int argc, char **argv)
{
    static struct maker maker;
    struct str seeds[SEEDS_MAX];
    uint64_t count = COUNT_DEFAULT;
    struct arena *kept = arena_new((size_t)SEEDS_MAX * TEXT_MAX * 2);
    struct oracle oracle = {.mem = arena_new((size_t)1 << 24)};
    must(argc < 2 || str_to_u64(str_from(argv[1]), UINT32_MAX, &count) == OK, "a number of texts");
    must(kept != NULL && oracle.mem != NULL, "memory");
    size_t seed_count = 0;
    for (int i = 2; i < argc; i++) {
        seed_count += seeds_read(argv[i], kept, seeds + seed_count, SEEDS_MAX - seed_count);
    }
    buf_init(&oracle.ours, (size_t)1 << 20);
    buf_init(&oracle.theirs, (size_t)1 << 20);
    buf_init(&oracle.printed, (size_t)1 << 23);
    for (size_t i = 0; i < seed_count; i++) {
        text_compare(&oracle, seeds[i]);
    }
    for (uint64_t i = 0; i < count; i++) {
        text_make(&maker, i, seeds, seed_count);
        text_compare(&oracle, str_of(maker.text, maker.size));
    }
    (void)printf("%zu taken, %zu refused by all; of those taken %zu with a number that simdjson "
                 "has no room for, %zu with half a surrogate; %zu not compared; %zu differ\n",
                 oracle.taken, oracle.refused, oracle.large, oracle.half, oracle.aside,
                 oracle.differ);
    buf_done(&oracle.ours);
    buf_done(&oracle.theirs);
    buf_done(&oracle.printed);
    arena_free(oracle.mem);
    arena_free(kept);
    return oracle.differ > 0 || oracle.taken < count / 4;
}
