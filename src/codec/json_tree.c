/*
 * JSON texts into the same trees of nodes that YAML texts become, so that one reader with line and
 * column serves both.
 *
 *     RFC 8259, section 4    "The names within an object SHOULD be unique."
 *     OUR reading            they must be: two readers that choose differently are an attack.
 *     RFC 8259, section 9    limits on size and depth are the parser's own.
 *     OUR reading            those of YAML: YAML_SIZE_MAX, YAML_NODES_MAX, NESTING_MAX.
 *
 * simdjson, which json.cc enters, tells no lines and walks without keeping; a grammar of six
 * productions is shorter than what would have to be put around it.
 *
 * Always true: nothing recurses, a stack holds the open objects and lists; `line` and `column`,
 * which counts characters as libyaml does, are those of the byte at `at`; scalars have a NUL behind
 * them and none inside.
 */

#include "codec/json.h"

#include "codec/json_text.h"
#include "codec/utf8.h"
#include "codec/yaml.h"

struct level {
    struct yaml_node *node, *last;
    struct yaml_node *key; /* waits for its value */
};

struct tree {
    struct str text;
    size_t at;
    uint32_t line, column;
    struct arena *mem;
    struct why *why;
    struct yaml_node *root;
    struct level levels[NESTING_MAX];
    size_t depth;
    size_t nodes;
};

static void blanks_skip(struct tree *tree);
static enum err value_read(struct tree *tree, bool *ret_opened);
static enum err close_read(struct tree *tree, bool *ret_next);

enum err json_parse(struct str text, struct arena *mem, struct yaml_node **ret, struct why *why)
{
    struct tree tree = {.text = text, .line = 1, .column = 1, .mem = mem, .why = why};
    if (text.size > YAML_SIZE_MAX) {
        return why_say(why, ERR_LIMIT, 0, "the text has %zu bytes; at most %d can be read",
                       text.size, YAML_SIZE_MAX);
    }
    bool more = true; /* a value is due */
    enum err err = OK;
    while (err == OK && more) {
        err = value_read(&tree, &more);
        while (err == OK && !more && tree.depth > 0) {
            err = close_read(&tree, &more);
        }
    }
    blanks_skip(&tree);
    if (err == OK && tree.at < text.size) {
        err = why_say_at(why, ERR_SYNTAX, tree.line, tree.column,
                         "not JSON: something follows the value");
    }
    if (err == OK) {
        *ret = tree.root;
    }
    return err;
}

/* The byte at hand; NUL at the end, which no JSON text has outside of strings. */
static char peek(const struct tree *tree)
{
    return tree->at < tree->text.size ? tree->text.data[tree->at] : '\0';
}

static void advance(struct tree *tree, size_t count)
{
    for (; count > 0 && tree->at < tree->text.size; count--) {
        unsigned char c = (unsigned char)tree->text.data[tree->at++];
        if (c == '\n') {
            tree->line++;
            tree->column = 1;
        } else if ((c & 0xc0) != 0x80) {
            tree->column++;
        }
    }
}

static void blanks_skip(struct tree *tree)
{
    while (peek(tree) == ' ' || peek(tree) == '\t' || peek(tree) == '\n' || peek(tree) == '\r') {
        advance(tree, 1);
    }
}

static enum err expected(struct tree *tree, const char *what)
{
    return why_say_at(tree->why, ERR_SYNTAX, tree->line, tree->column,
                      "not JSON: %s is expected here", what);
}

static enum err node_new(struct tree *tree, enum yaml_kind kind, struct yaml_node **ret)
{
    if (++tree->nodes > YAML_NODES_MAX) {
        return why_say_at(tree->why, ERR_LIMIT, tree->line, tree->column,
                          "more than %d values; split the text", YAML_NODES_MAX);
    }
    struct yaml_node *node = ARENA_ONE(tree->mem, struct yaml_node);
    if (node == NULL) {
        return ERR_MEMORY;
    }
    *node = (struct yaml_node){.kind = kind, .line = tree->line, .column = tree->column};
    *ret = node;
    return OK;
}

/* The inside of a string whose opening quote is at hand; goes behind the closing one. */
static enum err string_take(struct tree *tree, struct str *ret)
{
    size_t end = tree->at + 1;
    while (end < tree->text.size && tree->text.data[end] != '"') {
        struct str rest = str_slice(tree->text, end, tree->text.size);
        size_t size = utf8_sequence(rest);
        if (size == 0 || (unsigned char)rest.data[0] < 0x20) {
            advance(tree, end - tree->at);
            return why_say_at(tree->why, ERR_SYNTAX, tree->line, tree->column,
                              size == 0 ? "not JSON: the text must be UTF-8"
                                        : "not JSON: a control character in a string");
        }
        end += rest.data[0] == '\\' && rest.size > 1 ? 2 : size;
    }
    if (end >= tree->text.size) {
        return why_say_at(tree->why, ERR_SYNTAX, tree->line, tree->column,
                          "not JSON: the string does not end");
    }
    *ret = str_slice(tree->text, tree->at + 1, end - tree->at - 1);
    return OK;
}

static enum err string_read(struct tree *tree, struct yaml_node *node)
{
    struct str raw;
    struct str text;
    enum err err = string_take(tree, &raw);
    if (err != OK) {
        return err;
    }
    err = json_unescape(raw, tree->mem, &text);
    if (err == ERR_SYNTAX) {
        return why_say_at(tree->why, err, tree->line, tree->column, "not JSON: a broken escape");
    }
    if (err == OK && str_find_byte(text, '\0') != STR_NONE) {
        return why_say_at(tree->why, ERR_SYNTAX, tree->line, tree->column,
                          "a text must not hold the character NUL");
    }
    if (err == OK) {
        err = arena_copy(tree->mem, text, &node->text);
    }
    if (err == OK) {
        advance(tree, raw.size + 2);
    }
    return err;
}

static size_t digits(struct str text, size_t at)
{
    size_t count = 0;
    while (at + count < text.size && text.data[at + count] >= '0' && text.data[at + count] <= '9') {
        count++;
    }
    return count;
}

/* RFC 8259, section 6. */
static bool is_number(struct str text)
{
    size_t at = str_starts(text, STR("-")) ? 1 : 0;
    size_t count = digits(text, at);
    if (count == 0 || (count > 1 && text.data[at] == '0')) {
        return false;
    }
    at += count;
    if (at < text.size && text.data[at] == '.') {
        count = digits(text, at + 1);
        if (count == 0) {
            return false;
        }
        at += count + 1;
    }
    if (at < text.size && (text.data[at] == 'e' || text.data[at] == 'E')) {
        at += at + 1 < text.size && (text.data[at + 1] == '+' || text.data[at + 1] == '-') ? 2 : 1;
        count = digits(text, at);
        if (count == 0) {
            return false;
        }
        at += count;
    }
    return at == text.size;
}

static enum err literal_read(struct tree *tree, struct yaml_node *node)
{
    size_t size = 0;
    while (tree->at + size < tree->text.size) {
        char c = tree->text.data[tree->at + size];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '+' ||
              c == '.' || c == 'E')) {
            break;
        }
        size++;
    }
    struct str text = str_slice(tree->text, tree->at, size);
    if (!str_equal(text, STR("true")) && !str_equal(text, STR("false")) &&
        !str_equal(text, STR("null")) && !is_number(text)) {
        return expected(tree, "a value");
    }
    node->plain = true;
    advance(tree, size);
    return arena_copy(tree->mem, text, &node->text);
}

/* A name and its colon; the name waits in the innermost level. */
static enum err key_read(struct tree *tree)
{
    struct yaml_node *key;
    blanks_skip(tree);
    if (peek(tree) != '"') {
        return expected(tree, "a name in quotes");
    }
    enum err err = node_new(tree, YAML_SCALAR, &key);
    if (err == OK) {
        err = string_read(tree, key);
    }
    if (err != OK) {
        return err;
    }
    blanks_skip(tree);
    if (peek(tree) != ':') {
        return expected(tree, "':'");
    }
    advance(tree, 1);
    tree->levels[tree->depth - 1].key = key;
    return OK;
}

static void node_place(struct tree *tree, struct yaml_node *node)
{
    if (tree->depth == 0) {
        tree->root = node;
        return;
    }
    struct level *level = &tree->levels[tree->depth - 1];
    node->key = level->key;
    level->key = NULL;
    *(level->last == NULL ? &level->node->first : &level->last->next) = node;
    level->last = node;
    level->node->count++;
}

/* *ret_opened: an object or a list was opened, and its first value is due. */
static enum err value_read(struct tree *tree, bool *ret_opened)
{
    struct yaml_node *node;
    blanks_skip(tree);
    char c = peek(tree);
    enum err err = node_new(tree,
                            c == '{'   ? YAML_MAPPING
                            : c == '[' ? YAML_SEQUENCE
                                       : YAML_SCALAR,
                            &node);
    *ret_opened = false;
    if (err == OK && node->kind == YAML_SCALAR) {
        err = c == '"' ? string_read(tree, node) : literal_read(tree, node);
    }
    if (err != OK) {
        return err;
    }
    node_place(tree, node);
    if (node->kind == YAML_SCALAR) {
        return OK;
    }
    if (tree->depth == NESTING_MAX) {
        return why_say_at(tree->why, ERR_LIMIT, tree->line, tree->column,
                          "more than %d levels inside each other", NESTING_MAX);
    }
    tree->levels[tree->depth++] = (struct level){.node = node};
    advance(tree, 1);
    blanks_skip(tree);
    if (peek(tree) != (c == '{' ? '}' : ']')) {
        *ret_opened = true;
        err = c == '{' ? key_read(tree) : OK;
    }
    return err;
}

/* Behind a value: a comma, after which the next is due, or the end of what is innermost. */
static enum err close_read(struct tree *tree, bool *ret_next)
{
    struct yaml_node *node = tree->levels[tree->depth - 1].node;
    bool object = node->kind == YAML_MAPPING;
    blanks_skip(tree);
    if (peek(tree) == ',' && node->count > 0) {
        advance(tree, 1);
        *ret_next = true;
        return object ? key_read(tree) : OK;
    }
    if (peek(tree) != (object ? '}' : ']')) {
        return expected(tree, object ? "',' or '}'" : "',' or ']'");
    }
    advance(tree, 1);
    tree->depth--;
    *ret_next = false;
    return object ? yaml_keys_check(node, tree->why) : OK;
}
