/*
 * Pieces and what can be done to them.  A text is cut once from left to right; brackets are
 * matched with a stack, so a piece may hold others.  No language is known here: that a string in
 * front of a colon is a name is all that JSON adds.
 *
 * Always true: pieces lie within the text, the first PIECES_MAX of it; size never exceeds room.
 */

#include "testing/shapes.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PIECES_MAX 512
#define DEPTH_MAX  64
#define REPEAT_MAX 64

struct piece {
    size_t at;
    size_t size;
};

struct shapes {
    uint8_t *data;
    size_t size;
    size_t room;
    uint32_t seed;
    struct piece pieces[PIECES_MAX];
    size_t count;
};

/* Where readers go wrong: ends of integer types, what a double cannot hold, nothing, the other
 * types.  Each is JSON. */
static const char *const values[] = {
    "0",
    "-1",
    "1",
    "255",
    "65536",
    "2147483648",
    "-2147483649",
    "1e400",
    "-0",
    "1e-7",
    "4294967296",
    "0.5",
    "null",
    "9223372036854775808",
    "true",
    "false",
    "[]",
    "{}",
    "[[]]",
    "[null]",
    "18446744073709551616",
    "\"\"",
    "\"0\"",
    "\"a\"",
    "\"\\u0000\"",
    "\"\\ud83d\\ude00\"",
    "{\"a\":{}}",
    "{\"\":[1,\"\"]}",
};

#define VALUES (sizeof values / sizeof *values)

/* A generator of its own (xorshift), so that a seed gives one result everywhere. */
static uint32_t draw(struct shapes *shapes, size_t below)
{
    shapes->seed ^= shapes->seed << 13;
    shapes->seed ^= shapes->seed >> 17;
    shapes->seed ^= shapes->seed << 5;
    return below == 0 ? 0 : (uint32_t)(shapes->seed % below);
}

static bool is_word(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-' || c == '+' || c == '.' || c >= 0x80;
}

/* Where a quoted string that begins at `at` ends; one byte behind `at` if it never does. */
static size_t quoted_end(const struct shapes *shapes, size_t at)
{
    for (size_t i = at + 1; i < shapes->size; i++) {
        if (shapes->data[i] == '\\') {
            i++;
        } else if (shapes->data[i] == shapes->data[at]) {
            return i + 1;
        }
    }
    return at + 1;
}

static void note(struct shapes *shapes, size_t at, size_t end)
{
    if (shapes->count < PIECES_MAX) {
        shapes->pieces[shapes->count++] = (struct piece){.at = at, .size = end - at};
    }
}

static uint8_t closing(uint8_t c)
{
    return c == '(' ? ')' : c == '[' ? ']' : c == '{' ? '}' : c == '<' ? '>' : 0;
}

static void cut(struct shapes *shapes)
{
    size_t open[DEPTH_MAX];
    size_t depth = 0;
    for (size_t at = 0; at < shapes->size && shapes->count < PIECES_MAX;) {
        uint8_t c = shapes->data[at];
        size_t end = at + 1;
        if (c == '"') {
            end = quoted_end(shapes, at);
            note(shapes, at, end);
        } else if (is_word(c)) {
            while (end < shapes->size && is_word(shapes->data[end])) {
                end++;
            }
            note(shapes, at, end);
        } else if (closing(c) != 0 && depth < DEPTH_MAX) {
            open[depth++] = at;
        } else if (depth > 0 && c == closing(shapes->data[open[depth - 1]])) {
            note(shapes, open[--depth], end);
        }
        at = end;
    }
}

/* Puts `text` where a piece stands.  Nothing happens if there is no room. */
static void put(struct shapes *shapes, struct piece piece, const void *text, size_t size)
{
    size_t behind = shapes->size - piece.at - piece.size;
    if (size > shapes->room - piece.at || behind > shapes->room - piece.at - size) {
        return;
    }
    memmove(shapes->data + piece.at + size, shapes->data + piece.at + piece.size, behind);
    memcpy(shapes->data + piece.at, text, size);
    shapes->size = piece.at + size + behind;
}

/* Copies of a piece behind it, `between` in between them. */
static void repeat(struct shapes *shapes, struct piece piece, size_t times, char between)
{
    char copy[1024];
    if (piece.size + 1 > sizeof copy) {
        return;
    }
    copy[0] = between;
    memcpy(copy + 1, shapes->data + piece.at, piece.size);
    for (size_t i = 0; i < times; i++) {
        put(shapes, (struct piece){.at = piece.at + piece.size}, copy, piece.size + 1);
    }
}

static void wrap(struct shapes *shapes, struct piece piece, size_t times)
{
    static const char *const pairs[][2] = {
        {"[", "]"}, {"(", ")"}, {"{\"a\":", "}"}, {"\"", "\""}, {"<", ">"}};
    const char *const *pair = pairs[draw(shapes, sizeof pairs / sizeof *pairs)];
    for (size_t i = 0; i < times; i++) {
        size_t before = shapes->size;
        put(shapes, (struct piece){.at = piece.at + piece.size}, pair[1], strlen(pair[1]));
        if (shapes->size == before) {
            return;
        }
        put(shapes, (struct piece){.at = piece.at}, pair[0], strlen(pair[0]));
        piece.size += shapes->size - before;
    }
}

/* A number a little or far from what it was: lengths and counts that lie. */
static void number_move(struct shapes *shapes, struct piece piece)
{
    uint64_t number = 0;
    char text[32];
    for (size_t i = 0; i < piece.size; i++) {
        uint8_t c = shapes->data[piece.at + i];
        if (c < '0' || c > '9') {
            put(shapes, piece, "0", 1);
            return;
        }
        number = number * 10 + (uint64_t)(c - '0');
    }
    static const int64_t steps[] = {-1, 1, -2, 10, 256, 65536, INT32_MAX, INT64_MAX};
    number += (uint64_t)steps[draw(shapes, sizeof steps / sizeof *steps)];
    int size = snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    put(shapes, piece, text, (size_t)size);
}

/* Another piece of the same text in place of this one. */
static void exchange(struct shapes *shapes, struct piece piece)
{
    char copy[1024];
    struct piece other = shapes->pieces[draw(shapes, shapes->count)];
    if (other.size <= sizeof copy) {
        memcpy(copy, shapes->data + other.at, other.size);
        put(shapes, piece, copy, other.size);
    }
}

static struct shapes begin(uint8_t *data, size_t size, size_t room, uint32_t seed)
{
    struct shapes shapes = {.data = data, .size = size, .room = room, .seed = seed * 2654435761U};
    shapes.seed += shapes.seed == 0; /* zero stays zero */
    return shapes;
}

size_t shapes_change(uint8_t *data, size_t size, size_t room, uint32_t seed)
{
    struct shapes shapes = begin(data, size, room, seed);
    cut(&shapes);
    if (shapes.count == 0) {
        return size;
    }
    struct piece piece = shapes.pieces[draw(&shapes, shapes.count)];
    const char *value = values[draw(&shapes, VALUES)];
    static const char separators[] = " ,\n\t;|=:";
    char between = separators[draw(&shapes, sizeof separators - 1)];
    switch (draw(&shapes, 7)) {
    case 0:
        put(&shapes, piece, value, strlen(value));
        break;
    case 1:
        put(&shapes, piece, "", 0);
        break;
    case 2:
        repeat(&shapes, piece, 1, between);
        break;
    case 3:
        repeat(&shapes, piece, 2 + draw(&shapes, REPEAT_MAX), between);
        break;
    case 4:
        wrap(&shapes, piece, 1 + draw(&shapes, REPEAT_MAX));
        break;
    case 5:
        exchange(&shapes, piece);
        break;
    default:
        number_move(&shapes, piece);
        break;
    }
    return shapes.size;
}

/* In front of a colon stands a member's name. */
static bool is_name(const struct shapes *shapes, struct piece piece)
{
    size_t at = piece.at + piece.size;
    while (at < shapes->size && strchr(" \t\r\n", shapes->data[at]) != NULL &&
           shapes->data[at] != '\0') {
        at++;
    }
    return at < shapes->size && shapes->data[at] == ':';
}

size_t shapes_retype(uint8_t *data, size_t size, size_t room, uint32_t seed)
{
    struct shapes shapes = begin(data, size, room, seed);
    cut(&shapes);
    const char *value = values[draw(&shapes, VALUES)];
    for (size_t tries = 0; shapes.count > 0 && tries < 8; tries++) {
        struct piece piece = shapes.pieces[draw(&shapes, shapes.count)];
        if (!is_name(&shapes, piece)) {
            put(&shapes, piece, value, strlen(value));
            return shapes.size;
        }
    }
    return size;
}
