/*
 * simdjson's On-Demand parser behind a C door.
 *
 * simdjson finds the structure of the whole text first, checks that it is UTF-8 and that no bare
 * control character stands in a string; then the walk goes over the structure.  On-Demand looks at
 * a scalar only when asked for its value.  We never ask, so we check the tokens ourselves:
 * literals, the grammar of numbers (RFC 8259, section 6), the escapes of strings (section 7).
 *
 * simdjson reads up to SIMDJSON_PADDING bytes behind the text, so the text is copied into a scratch
 * of our own; offsets are the same in both.  Parser and scratch stay for the next text.
 *
 * Always true: the walk is as deep as the text nests, at most NESTING_MAX; `path` holds the name of
 * the value under the walk, cut to NAME_SIZE_MAX + 1 bytes.
 */

#include "codec/json.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

extern "C" {
#include "base/arena.h"
#include "codec/json_text.h"
}

namespace
{

using namespace simdjson;

struct machine {
    ondemand::parser parser;
    std::unique_ptr<char[]> scratch;
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

struct walk {
    struct machine *machine;
    size_t size; /* of the text in the scratch */
    json_leaf_call *call;
    void *context;
    struct why *why;
    char path[NAME_SIZE_MAX + 1];
    size_t path_size;
    unsigned depth;
};

enum err value_walk(struct walk *walk, ondemand::value value);

enum err failed(struct walk *walk, error_code error)
{
    if (error == MEMALLOC) {
        return ERR_MEMORY;
    }
    return why_say(walk->why, ERR_SYNTAX, 0, "not valid JSON: %s", error_message(error));
}

enum err token_wrong(struct walk *walk, const char *what, const char *at)
{
    return why_say(walk->why, ERR_SYNTAX, 0, "not valid JSON: %s at byte %zu", what,
                   (size_t)(at - walk->machine->scratch.get()));
}

bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The size of a string whose inside begins at `at`, or STR_NONE if it does not end before `end` or
 * holds a broken escape. */
size_t string_size(const char *at, const char *end)
{
    const char *p = at;
    while (p < end && *p != '"') {
        if (*p != '\\') {
            p++;
        } else if (end - p >= 2 && p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) != nullptr) {
            p += 2;
        } else if (end - p >= 6 && p[1] == 'u' && is_hex(p[2]) && is_hex(p[3]) && is_hex(p[4]) &&
                   is_hex(p[5])) {
            p += 6;
        } else {
            return STR_NONE;
        }
    }
    return p < end ? (size_t)(p - at) : STR_NONE;
}

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

void leaf_tell(struct walk *walk, const char *at, size_t size, enum json_kind kind)
{
    walk->call(walk->context, str{walk->path, walk->path_size},
               (size_t)(at - walk->machine->scratch.get()), size, kind);
}

enum err scalar_walk(struct walk *walk, std::string_view token)
{
    while (!token.empty() && strchr(" \t\r\n", token.back()) != nullptr) {
        token.remove_suffix(1);
    }
    const char *at = token.data();
    if (!token.empty() && token[0] == '"') {
        size_t size = string_size(at + 1, at + token.size());
        if (size == STR_NONE || size + 2 != token.size()) {
            return token_wrong(walk, "a broken string", at);
        }
        leaf_tell(walk, at + 1, size, JSON_STRING);
    } else if (token == "null") {
        leaf_tell(walk, at, token.size(), JSON_NULL);
    } else if (token == "true" || token == "false" || is_number(at, token.size())) {
        leaf_tell(walk, at, token.size(), JSON_SCALAR);
    } else {
        return token_wrong(walk, "no value", at);
    }
    return OK;
}

void path_append(struct walk *walk, const char *text, size_t size)
{
    size_t room = sizeof walk->path - walk->path_size;
    size_t taken = size < room ? size : room;
    memcpy(walk->path + walk->path_size, text, taken);
    walk->path_size += taken;
}

enum err key_push(struct walk *walk, ondemand::field &field)
{
    const char *raw = field.key().raw();
    const char *end = walk->machine->scratch.get() + walk->size;
    size_t size = string_size(raw, end);
    if (size == STR_NONE) {
        return token_wrong(walk, "a broken name", raw);
    }
    struct str key = {raw, size};
    enum err err = OK;
    if (memchr(raw, '\\', size) != nullptr) {
        arena_reset(walk->machine->mem);
        err = json_unescape(key, walk->machine->mem, &key);
    }
    if (err == OK) {
        if (walk->depth > 1) {
            path_append(walk, ".", 1);
        }
        path_append(walk, key.data, key.size);
    }
    return err;
}

/* Objects come with the number of objects around them in `depth`; lists do not lengthen names. */
enum err object_walk(struct walk *walk, ondemand::object object, const char *at)
{
    bool empty = true;
    for (auto item : object) {
        ondemand::field field;
        error_code error = std::move(item).get(field);
        if (error != SUCCESS) {
            return failed(walk, error);
        }
        empty = false;
        size_t path_size = walk->path_size;
        enum err err = key_push(walk, field);
        if (err == OK) {
            err = value_walk(walk, field.value());
        }
        if (err != OK) {
            return err;
        }
        walk->path_size = path_size;
    }
    if (empty && walk->depth > 1) {
        leaf_tell(walk, at, 1, JSON_NULL);
    }
    return OK;
}

enum err list_walk(struct walk *walk, ondemand::array list, const char *at)
{
    bool empty = true;
    for (auto item : list) {
        ondemand::value value;
        error_code error = std::move(item).get(value);
        if (error != SUCCESS) {
            return failed(walk, error);
        }
        empty = false;
        enum err err = value_walk(walk, value);
        if (err != OK) {
            return err;
        }
    }
    if (empty) {
        leaf_tell(walk, at, 1, JSON_NULL);
    }
    return OK;
}

enum err value_walk(struct walk *walk, ondemand::value value)
{
    ondemand::json_type type;
    error_code error = value.type().get(type);
    if (error != SUCCESS) {
        return failed(walk, error);
    }
    std::string_view token = value.raw_json_token();
    if (type != ondemand::json_type::object && type != ondemand::json_type::array) {
        return scalar_walk(walk, token);
    }
    if (walk->depth == NESTING_MAX) {
        return why_say(walk->why, ERR_LIMIT, 0, "JSON nested deeper than %d levels", NESTING_MAX);
    }
    walk->depth++;
    enum err err;
    if (type == ondemand::json_type::object) {
        ondemand::object object;
        error = value.get_object().get(object);
        err = error != SUCCESS ? failed(walk, error) : object_walk(walk, object, token.data());
    } else {
        ondemand::array list;
        error = value.get_array().get(list);
        err = error != SUCCESS ? failed(walk, error) : list_walk(walk, list, token.data());
    }
    walk->depth--;
    return err;
}

enum err scratch_fill(struct machine *machine, struct str text)
{
    size_t needed = text.size + SIMDJSON_PADDING;
    if (needed > machine->capacity) {
        size_t capacity = needed < 65536 ? 65536 : needed + needed / 2;
        machine->scratch.reset(new (std::nothrow) char[capacity]);
        machine->capacity = machine->scratch ? capacity : 0;
    }
    if (machine->mem == nullptr) {
        machine->mem = arena_new(2 * RECORD_SIZE_MAX);
    }
    if (!machine->scratch || machine->mem == nullptr) {
        return ERR_MEMORY;
    }
    if (text.size > 0) {
        memcpy(machine->scratch.get(), text.data, text.size);
    }
    memset(machine->scratch.get() + text.size, 0, SIMDJSON_PADDING);
    return OK;
}

} /* namespace */

enum err json_walk(struct str text, json_leaf_call *call, void *context, struct why *why)
{
    static thread_local struct machine machine;
    if (text.size > RECORD_SIZE_MAX) {
        return why_say(why, ERR_LIMIT, 0, "JSON over %d bytes", RECORD_SIZE_MAX);
    }
    enum err err = scratch_fill(&machine, text);
    if (err != OK) {
        return err;
    }
    struct walk walk = {};
    walk.machine = &machine;
    walk.size = text.size;
    walk.call = call;
    walk.context = context;
    walk.why = why;
    walk.depth = 1;

    ondemand::document document;
    error_code error = machine.parser
                           .iterate(padded_string_view(machine.scratch.get(), text.size,
                                                       text.size + SIMDJSON_PADDING))
                           .get(document);
    ondemand::object object;
    if (error == SUCCESS) {
        error = document.get_object().get(object);
    }
    if (error == INCORRECT_TYPE) {
        return why_say(why, ERR_SYNTAX, 0, "not a JSON object");
    }
    if (error != SUCCESS) {
        return failed(&walk, error);
    }
    err = object_walk(&walk, object, machine.scratch.get());
    if (err == OK && document.current_location().error() != OUT_OF_BOUNDS) {
        return why_say(why, ERR_SYNTAX, 0, "not valid JSON: something follows the object");
    }
    return err;
}
