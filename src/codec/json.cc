/*
 * simdjson's first stage behind a C door, and the walk over what it finds.
 *
 * The first stage goes over the text once, with the widest registers there are.  It checks that the
 * text is UTF-8 and that no string holds a bare control character, and lists where every token
 * begins: the six structural characters, opening quotes, and whatever else is no blank.  A string
 * that does not end is an error there.  Where a token ends it does not say: the next one or blanks
 * follow it.  simdjson's own On-Demand parser walks over the same list; it asks at every token
 * which of its uses may come, and never looks into a scalar.  Ours needs one thing, every leaf
 * once, and has to refuse what is no JSON, so it walks itself:
 *
 *     {   "name"  :  value  ,  "name"  :  value  }
 *     at          +1 +2     +3                       four tokens for each field
 *
 * and checks the grammar of numbers (RFC 8259, section 6) and literals as it meets them; the
 * escapes of all strings (section 7) are checked beforehand in one go over the text.
 *
 * The list of tokens has room for a text of `capacity` bytes; it stays for the next one.  The first
 * stage reads no byte behind the text (it copies the last, broken block of 64), so the text is
 * walked where it stands; json_test holds it against the end of a page.
 *
 * Always true: `at` < `count` wherever a token is looked at; the walk is as deep as the text nests,
 * at most NESTING_MAX, and takes a step for each token; a path that is not a name in the text
 * itself lies in `path`, cut to NAME_SIZE_MAX + 1 bytes.
 */

#include "codec/json.h"

#include <cstring>
#include <memory>

#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

extern "C" {
#include "base/arena.h"
#include "codec/json_text.h"
}

namespace
{

using namespace simdjson;

#define PATH_SIZE_MAX ((size_t)NAME_SIZE_MAX + 1)

struct machine {
    std::unique_ptr<internal::dom_parser_implementation> stage;
    size_t capacity = 0;
    struct arena *mem = nullptr;

    machine() = default;
    machine(const machine &) = delete;
    machine &operator=(const machine &) = delete;
    ~machine()
    {
        arena_free(mem);
    }
};

/* An object or a list that is open, and its path: what stands before the names of an object's
 * members (in `path`, so that they are put behind it), or what all members of a list are called. */
struct level {
    struct str path;
    bool list;
};

struct walk {
    const char *text;
    const uint32_t *tokens; /* where each begins */
    size_t count;
    size_t at; /* the token under the walk */
    json_leaf_call *call;
    void *context;
    struct why *why;
    struct arena *mem;
    unsigned depth;
    bool escapes; /* there is a backslash somewhere in the text */
    struct level levels[NESTING_MAX];
    char path[PATH_SIZE_MAX];
};

enum err token_wrong(const struct walk *walk, const char *what, size_t at)
{
    return why_say(walk->why, ERR_SYNTAX, 0, "not valid JSON: %s at byte %zu", what, at);
}

/* The character that token `at` begins with; NUL behind the last one. */
inline char token_kind(const struct walk *walk, size_t at)
{
    return at < walk->count ? walk->text[walk->tokens[at]] : '\0';
}

inline bool is_blank(char c)
{
    return (unsigned char)c <= ' ' && (c == ' ' || c == '\t' || c == '\r' || c == '\n');
}

/* Where a token ends, which another follows: the blanks between them are none of it. */
inline size_t token_end(const struct walk *walk, const uint32_t *token)
{
    size_t end = token[1];
    while (is_blank(walk->text[end - 1])) {
        end--;
    }
    return end;
}

/* ---- Scalars. */

size_t digits_skip(const char *at, size_t size, size_t from)
{
    while (from < size && at[from] >= '0' && at[from] <= '9') {
        from++;
    }
    return from;
}

bool is_number(const char *at, size_t size)
{
    size_t p = size > 0 && at[0] == '-' ? 1 : 0;
    size_t whole = digits_skip(at, size, p);
    if (whole == p || (at[p] == '0' && whole > p + 1)) {
        return false;
    }
    p = whole;
    if (p < size && at[p] == '.') {
        size_t end = digits_skip(at, size, p + 1);
        if (end == p + 1) {
            return false;
        }
        p = end;
    }
    if (p < size && (at[p] == 'e' || at[p] == 'E')) {
        p++;
        p += p < size && (at[p] == '+' || at[p] == '-') ? 1 : 0;
        size_t end = digits_skip(at, size, p);
        if (end == p) {
            return false;
        }
        p = end;
    }
    return p == size;
}

inline bool is_word(const char *at, size_t size, const char *word, size_t word_size)
{
    return size == word_size && memcmp(at, word, word_size) == 0;
}

/* Tells the scalar that a token is, which another follows. */
inline enum err scalar_tell(struct walk *walk, const uint32_t *token, struct str path)
{
    size_t begin = token[0];
    size_t size = token_end(walk, token) - begin;
    const char *at = walk->text + begin;
    if (*at == '"') {
        if (size < 2 || at[size - 1] != '"') {
            return token_wrong(walk, "a broken string", begin);
        }
        walk->call(walk->context, path, begin + 1, size - 2, JSON_STRING);
    } else if (is_number(at, size) || is_word(at, size, "true", 4) ||
               is_word(at, size, "false", 5)) {
        walk->call(walk->context, path, begin, size, JSON_SCALAR);
    } else if (is_word(at, size, "null", 4)) {
        walk->call(walk->context, path, begin, size, JSON_NULL);
    } else {
        return token_wrong(walk, "no value", begin);
    }
    return OK;
}

/* ---- Names. */

/* Puts a name behind the first `size` bytes of `path`, which stand there; cut to PATH_SIZE_MAX. */
struct str path_join(struct walk *walk, size_t size, bool dot, struct str name)
{
    if (dot && size < PATH_SIZE_MAX) {
        walk->path[size++] = '.';
    }
    size_t taken = name.size < PATH_SIZE_MAX - size ? name.size : PATH_SIZE_MAX - size;
    if (taken > 0) {
        memcpy(walk->path + size, name.data, taken);
    }
    return {walk->path, size + taken};
}

/* Whether a name holds a backslash.  Most are short, so a call of memchr would cost the most here.
 */
inline bool has_escape(struct str name)
{
    const uint64_t ones = 0x0101010101010101ULL;
    uint64_t found = 0;
    size_t i = 0;
    for (; i + 8 <= name.size; i += 8) {
        uint64_t eight;
        memcpy(&eight, name.data + i, sizeof eight);
        eight ^= '\\' * ones;
        found |= (eight - ones) & ~eight & (ones << 7);
    }
    for (; i < name.size; i++) {
        found |= name.data[i] == '\\';
    }
    return found != 0;
}

/* The path of a member that is in an object in an object, or whose name has escapes. */
APART enum err path_make(struct walk *walk, struct str name, bool escaped, struct str *ret)
{
    if (escaped) {
        arena_reset(walk->mem);
        enum err err = json_unescape(name, walk->mem, &name);
        if (err != OK) {
            return err;
        }
    }
    *ret = path_join(walk, walk->levels[walk->depth - 1].path.size, walk->depth > 1, name);
    return OK;
}

/* The path of the member whose name is under the walk.  Most names are told as they stand in the
 * text; only in nested objects, or with escapes, are they made. */
inline enum err name_read(struct walk *walk, const uint32_t *token, struct str *ret)
{
    const char *text = walk->text;
    size_t begin = token[0];
    if (text[begin] != '"' || text[token[1]] != ':') {
        return token_wrong(walk, "no name and value", begin);
    }
    size_t end = token_end(walk, token);
    struct str name = {text + begin + 1, end - begin - 2};
    if (end - begin < 2 || text[end - 1] != '"') {
        return token_wrong(walk, "a broken name", begin);
    }
    bool escaped = walk->escapes && has_escape(name);
    if (walk->depth > 1 || escaped) {
        return path_make(walk, name, escaped, ret);
    }
    *ret = {name.data, name.size < PATH_SIZE_MAX ? name.size : PATH_SIZE_MAX};
    return OK;
}

/* ---- Objects and lists. */

inline bool is_opening(char kind)
{
    return kind == '{' || kind == '[';
}

/* Opens the object or list under the walk; an empty one is a leaf. */
enum err level_open(struct walk *walk, struct str path)
{
    if (walk->depth == NESTING_MAX) {
        return why_say(walk->why, ERR_LIMIT, 0, "JSON nested deeper than %d levels", NESTING_MAX);
    }
    char kind = token_kind(walk, walk->at);
    size_t begin = walk->tokens[walk->at];
    walk->at++;
    if (token_kind(walk, walk->at) == (kind == '{' ? '}' : ']')) {
        walk->at++;
        walk->call(walk->context, path, begin, 1, JSON_NULL);
        return OK;
    }
    if (kind == '{' && path.data != walk->path) {
        path = path_join(walk, 0, false, path);
    }
    walk->levels[walk->depth++] = {path, kind == '['};
    return OK;
}

/* After a value: passes what closes, up to the comma before the next one or the end of the text. */
enum err separator_walk(struct walk *walk)
{
    while (walk->depth > 0) {
        char kind = token_kind(walk, walk->at);
        if (kind != ',' && kind != (walk->levels[walk->depth - 1].list ? ']' : '}')) {
            return token_wrong(walk, "no comma or end", walk->tokens[walk->at]);
        }
        walk->at++;
        if (kind == ',') {
            return OK;
        }
        walk->depth--;
    }
    return OK;
}

/* The members of the object under the walk, up to a value that opens, whose path is *ret, or to
 * what closes the object.  A member has four tokens, the last of which is what follows its value.
 */
enum err members_walk(struct walk *walk, struct str *ret)
{
    const uint32_t *token = walk->tokens + walk->at;
    const uint32_t *end = walk->tokens + walk->count;
    char behind = ',';
    while (behind == ',') {
        if (end - token < 4) {
            return token_wrong(walk, "no name and value", token[0]);
        }
        enum err err = name_read(walk, token, ret);
        if (err != OK) {
            return err;
        }
        if (is_opening(walk->text[token[2]])) {
            walk->at = (size_t)(token + 2 - walk->tokens);
            return OK;
        }
        err = scalar_tell(walk, token + 2, *ret);
        if (err != OK) {
            return err;
        }
        behind = walk->text[token[3]];
        token += 4;
    }
    walk->at = (size_t)(token - 1 - walk->tokens);
    return behind == '}' ? OK : token_wrong(walk, "no comma or end", token[-1]);
}

/* The same of a list, all of whose members have its path. */
enum err items_walk(struct walk *walk, struct str path)
{
    const uint32_t *token = walk->tokens + walk->at;
    const uint32_t *end = walk->tokens + walk->count;
    char behind = ',';
    for (; behind == ',' && token < end && !is_opening(walk->text[token[0]]); token += 2) {
        if (end - token < 2) {
            return token_wrong(walk, "an open end", walk->count);
        }
        enum err err = scalar_tell(walk, token, path);
        if (err != OK) {
            return err;
        }
        behind = walk->text[token[1]];
    }
    if (behind == ',') {
        walk->at = (size_t)(token - walk->tokens);
        return token < end ? OK : token_wrong(walk, "an open end", walk->count);
    }
    walk->at = (size_t)(token - 1 - walk->tokens);
    return behind == ']' ? OK : token_wrong(walk, "no comma or end", token[-1]);
}

enum err object_walk(struct walk *walk)
{
    if (token_kind(walk, 0) != '{') {
        return why_say(walk->why, ERR_SYNTAX, 0, "not a JSON object");
    }
    bool empty = token_kind(walk, 1) == '}';
    walk->at = empty ? 2 : 1;
    walk->depth = empty ? 0 : 1;
    walk->levels[0] = {{nullptr, 0}, false};
    enum err err = OK;
    while (walk->depth > 0 && err == OK) {
        const struct level *level = &walk->levels[walk->depth - 1];
        unsigned depth = walk->depth;
        struct str path = level->path;
        err = level->list ? items_walk(walk, path) : members_walk(walk, &path);
        if (err == OK && is_opening(token_kind(walk, walk->at))) {
            err = level_open(walk, path);
        }
        if (err == OK && walk->depth == depth) {
            err = separator_walk(walk);
        }
    }
    if (err == OK && walk->at != walk->count) {
        return token_wrong(walk, "something follows the object", walk->tokens[walk->at]);
    }
    return err;
}

enum err machine_prepare(struct machine *machine, size_t size)
{
    if (machine->mem == nullptr) {
        machine->mem = arena_new(2 * RECORD_SIZE_MAX);
    }
    if (size > machine->capacity) {
        size_t capacity = size < 65536 ? 65536 : size + size / 2;
        machine->stage.reset();
        machine->capacity = 0;
        error_code error = get_active_implementation()->create_dom_parser_implementation(
            capacity, NESTING_MAX, machine->stage);
        if (error == SUCCESS) {
            machine->capacity = capacity;
        }
    }
    return machine->mem != nullptr && size <= machine->capacity ? OK : ERR_MEMORY;
}

} /* namespace */

enum err json_walk(struct str text, json_leaf_call *call, void *context, struct why *why)
{
    static thread_local struct machine machine;
    if (text.size > RECORD_SIZE_MAX) {
        return why_say(why, ERR_LIMIT, 0, "JSON over %d bytes", RECORD_SIZE_MAX);
    }
    if (text.size == 0) {
        return why_say(why, ERR_SYNTAX, 0, "not a JSON object");
    }
    enum err err = machine_prepare(&machine, text.size);
    if (err != OK) {
        return err;
    }
    error_code error =
        machine.stage->stage1((const uint8_t *)text.data, text.size, stage1_mode::regular);
    if (error != SUCCESS) {
        return why_say(why, ERR_SYNTAX, 0, "not valid JSON: %s", error_message(error));
    }
    struct walk walk;
    walk.text = text.data;
    walk.tokens = machine.stage->structural_indexes.get();
    walk.count = machine.stage->n_structural_indexes;
    walk.call = call;
    walk.context = context;
    walk.why = why;
    walk.mem = machine.mem;
    walk.escapes = memchr(text.data, '\\', text.size) != nullptr;
    size_t broken = walk.escapes ? json_escapes_check(text) : STR_NONE;
    return broken == STR_NONE ? object_walk(&walk) : token_wrong(&walk, "a broken escape", broken);
}
