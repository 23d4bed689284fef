/*
 * A line's text: pieces as they stand, and placeholders between them.
 *
 *     GET /item?id={number 1 400} HTTP/1.1
 *
 * A placeholder is a word, and up to two more; what it may be stands in the table below. Everything
 * is checked when a text is read, so that saying it can fail for want of room alone.
 *
 * Always true of a piece: `list` is the index of a list that is there and is not empty; `from` is
 * at most `to`.
 */

#include <string.h>

#include "codec/time.h"
#include "story/private.h"

#define PIECES_MAX 128 /* of one text */

static const struct {
    const char *word;
    enum piece_kind kind;
} kinds[] = {
    {"pick", PIECE_PICK},     {"each", PIECE_EACH},     {"same", PIECE_SAME},
    {"number", PIECE_NUMBER}, {"serial", PIECE_SERIAL}, {"time", PIECE_TIME_CLF},
};
static const struct {
    const char *word;
    enum piece_kind kind;
} stamps[] = {
    {"clf", PIECE_TIME_CLF},
    {"rfc3164", PIECE_TIME_RFC3164},
    {"rfc3339", PIECE_TIME_RFC3339},
    {"epoch", PIECE_TIME_EPOCH},
};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static enum err placeholder_parse(const struct yaml_node *node, struct str words,
                                  const struct lists *lists, struct piece *ret, struct why *why);
static enum err stamp_say(enum piece_kind kind, struct wall wall, struct buf *out);

enum err text_parse(const struct yaml_node *node, const struct lists *lists, struct arena *mem,
                    struct text *ret, struct why *why)
{
    struct text text = {.pieces = ARENA_ARRAY(mem, struct piece, PIECES_MAX)};
    struct str rest = node->text;
    if (text.pieces == NULL) {
        return ERR_MEMORY;
    }
    if (node->kind != YAML_SCALAR || rest.size > LINE_SIZE_MAX / 2) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column, "a text is one line");
    }
    while (rest.size > 0) {
        size_t brace = str_find_byte(rest, '{');
        struct piece *piece = &text.pieces[text.count];
        if (text.count++ == PIECES_MAX) {
            return why_say_at(why, ERR_LIMIT, node->line, node->column,
                              "a text has at most %d placeholders and what is between them",
                              PIECES_MAX);
        }
        if (brace != 0) {
            piece->literal = str_slice(rest, 0, brace);
            rest = str_slice(rest, piece->literal.size, SIZE_MAX);
        } else if (str_starts(rest, STR("{{"))) {
            piece->literal = str_slice(rest, 0, 1);
            rest = str_slice(rest, 2, SIZE_MAX);
        } else {
            size_t end = str_find_byte(rest, '}');
            if (end == STR_NONE) {
                return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                                  "a placeholder does not end; write '{{' for a brace");
            }
            enum err err = placeholder_parse(node, str_slice(rest, 1, end - 1), lists, piece, why);
            if (err != OK) {
                return err;
            }
            rest = str_slice(rest, end + 1, SIZE_MAX);
        }
    }
    *ret = text;
    return OK;
}

static enum err list_find(const struct yaml_node *node, struct str name, const struct lists *lists,
                          size_t *ret, struct why *why)
{
    for (size_t i = 0; i < lists->count; i++) {
        if (str_equal(lists->list[i].name, name)) {
            *ret = i;
            return OK;
        }
    }
    return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                      "there is no list '%.*s' under 'lists'", STR_ARG(str_slice(name, 0, 60)));
}

static enum err placeholder_parse(const struct yaml_node *node, struct str words,
                                  const struct lists *lists, struct piece *ret, struct why *why)
{
    struct str shown = str_slice(words, 0, 60);
    struct str word = str_cut(&words, ' ');
    struct str first = str_cut(&words, ' ');
    size_t i = 0;
    while (i < sizeof kinds / sizeof kinds[0] && !str_equal(word, str_from(kinds[i].word))) {
        i++;
    }
    if (i == sizeof kinds / sizeof kinds[0]) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "'{%.*s}' is no placeholder; there are time, pick, each, same, number "
                          "and serial, and '{{' is a brace",
                          STR_ARG(shown));
    }
    ret->kind = kinds[i].kind;
    if (ret->kind == PIECE_PICK || ret->kind == PIECE_EACH || ret->kind == PIECE_SAME) {
        return list_find(node, first, lists, &ret->list, why);
    }
    if (ret->kind == PIECE_NUMBER || ret->kind == PIECE_SERIAL) {
        if (str_to_u64(first, UINT32_MAX, &ret->from) == OK &&
            str_to_u64(words, UINT32_MAX, &ret->to) == OK && ret->from <= ret->to) {
            return OK;
        }
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "'{%.*s}' needs two numbers, the smaller one first", STR_ARG(shown));
    }
    for (size_t k = 0; k < sizeof stamps / sizeof stamps[0]; k++) {
        if (str_equal(first, str_from(stamps[k].word))) {
            ret->kind = stamps[k].kind;
            return OK;
        }
    }
    return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                      "a time is written as clf, rfc3164, rfc3339 or epoch");
}

/* ---- Saying. */

static enum err item_say(const struct piece *piece, const struct said *said, struct buf *out)
{
    const struct list *list = &said->lists->list[piece->list];
    size_t index = piece->kind == PIECE_PICK   ? draw_below(said->draw, list->count)
                   : piece->kind == PIECE_EACH ? said->turn % list->count
                                               : said->same[piece->list];
    return buf_append(out, list->items[index]);
}

enum err text_say(const struct text *text, const struct said *said, struct buf *out)
{
    enum err err = OK;
    for (size_t i = 0; i < text->count && err == OK; i++) {
        const struct piece *piece = &text->pieces[i];
        uint64_t span = piece->to - piece->from + 1;
        switch (piece->kind) {
        case PIECE_LITERAL:
            err = buf_append(out, piece->literal);
            break;
        case PIECE_PICK:
        case PIECE_EACH:
        case PIECE_SAME:
            err = item_say(piece, said, out);
            break;
        case PIECE_NUMBER:
            err = buf_print(out, "%llu",
                            (unsigned long long)(piece->from + draw_below(said->draw, span)));
            break;
        case PIECE_SERIAL:
            err = buf_print(out, "%llu", (unsigned long long)(piece->from + said->turn % span));
            break;
        default:
            err = stamp_say(piece->kind, said->stamp, out);
        }
    }
    return err;
}

enum err stamp_rfc3164(struct wall wall, struct buf *out)
{
    struct civil civil;
    time_to_civil(wall, &civil);
    return buf_print(out, "%s %2d %02d:%02d:%02d", months[(civil.month - 1) % 12], civil.day,
                     civil.hour, civil.minute, civil.second);
}

static enum err stamp_say(enum piece_kind kind, struct wall wall, struct buf *out)
{
    struct civil civil;
    char text[TIME_TEXT_SIZE];
    time_to_civil(wall, &civil);
    switch (kind) {
    case PIECE_TIME_CLF:
        return buf_print(out, "%02d/%s/%04d:%02d:%02d:%02d +0000", civil.day,
                         months[(civil.month - 1) % 12], civil.year, civil.hour, civil.minute,
                         civil.second);
    case PIECE_TIME_RFC3164:
        return stamp_rfc3164(wall, out);
    case PIECE_TIME_RFC3339:
        return buf_append(out, str_from(time_print(wall, text)));
    default:
        return buf_print(out, "%lld", (long long)(wall.ns / NS_PER_SECOND));
    }
}
