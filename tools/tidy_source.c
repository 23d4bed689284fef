/*
 * The rules of a single C file.
 *
 * A file is read whole and kept in three views of the same size, so that line and column agree
 * among them: as it stands; with what stands in quotes blanked; with comments blanked too.  Rules
 * about words look at the second, rules about code at the third.  Escaped quotes are known, raw
 * strings of C++ are not: the house has none.
 *
 * A function is found by its shape, which clang-format guarantees: a line that is only "{", and
 * the next line that is only "}".  Its head is what stands above, up to a blank line or a line
 * that ends a declaration, a comment or a directive.  Its length counts from the head's first
 * line to the closing brace.
 */

#include "tools/tidy.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX    100
#define FILE_LINES_MAX 800
#define FILE_SIZE_MAX  ((size_t)4 * 1024 * 1024)

static const char *const banned[] = {
    "strcpy", "strcat", "stpcpy", "sprintf", "vsprintf", "gets",   "strtok", "atoi",    "atol",
    "atoll",  "atof",   "alloca", "scanf",   "sscanf",   "fscanf", "vscanf", "vsscanf", "vfscanf",
};
static const char *const tonight[] = {"TODO", "FIXME", "XXX"};

static bool views_make(struct source *source, char *data, size_t size);
static void views_blank(char *prose, char *code, size_t size);
static size_t columns(const char *line);
static const char *word_find(const char *line, const char *word);
static void words_check(const struct source *source, size_t index);
static void functions_check(const struct source *source);
static size_t head_find(const struct source *source, size_t brace);
static void function_name(const struct source *source, size_t head, size_t brace, char name[128]);
static void header_check(const struct source *source);

bool source_read(const char *root, const char *path, struct source *ret)
{
    char full[4096];
    FILE *file = NULL;
    char *data = malloc(FILE_SIZE_MAX);
    size_t size = 0;
    *ret = (struct source){.path = path};
    if (snprintf(full, sizeof full, "%s/%s", root, path) < (int)sizeof full) {
        file = fopen(full, "rb");
    }
    if (file != NULL && data != NULL) {
        size = fread(data, 1, FILE_SIZE_MAX - 1, file);
    }
    bool read = file != NULL && data != NULL && views_make(ret, data, size);
    if (file != NULL) {
        (void)fclose(file);
    }
    free(data);
    if (!read) {
        source_free(ret);
        complain(path, 0, "cannot be read");
        return false;
    }
    if (!ret->ends) {
        complain(path, ret->count, "the last line has no newline");
    }
    for (size_t i = 0; i < ret->count; i++) {
        if (strchr(ret->lines[i], '\r') != NULL) {
            complain(path, i + 1, "a carriage return");
        }
        if (strchr(ret->lines[i], '\t') != NULL) {
            complain(path, i + 1, "a tab; four blanks indent");
        }
    }
    return true;
}

void source_free(struct source *source)
{
    for (size_t i = 0; i < 3; i++) {
        free(source->memory[i]);
    }
    free(source->lines);
    free(source->prose);
    free(source->code);
    *source = (struct source){0};
}

void source_check(const struct source *source)
{
    if (source->count > FILE_LINES_MAX) {
        complain(source->path, source->count, "%zu lines; %d is the most: look for the second noun",
                 source->count, FILE_LINES_MAX);
    }
    for (size_t i = 0; i < source->count; i++) {
        if (columns(source->lines[i]) > COLUMNS_MAX) {
            complain(source->path, i + 1, "the line is %zu columns wide; %d is the most",
                     columns(source->lines[i]), COLUMNS_MAX);
        }
        if (strstr(source->code[i], "//") != NULL) {
            complain(source->path, i + 1, "a // comment; those are for tonight");
        }
        words_check(source, i);
    }
    header_check(source);
    functions_check(source);
}

static bool views_make(struct source *source, char *data, size_t size)
{
    size_t lines = 1;
    for (size_t i = 0; i < size; i++) {
        data[i] = (char)(data[i] == '\0' ? ' ' : data[i]);
        lines += data[i] == '\n';
    }
    source->lines = calloc(lines, sizeof *source->lines);
    source->prose = calloc(lines, sizeof *source->prose);
    source->code = calloc(lines, sizeof *source->code);
    for (size_t i = 0; i < 3; i++) {
        source->memory[i] = calloc(1, size + 2);
        if (source->memory[i] != NULL && size > 0) {
            memcpy(source->memory[i], data, size);
        }
    }
    if (source->lines == NULL || source->prose == NULL || source->code == NULL ||
        source->memory[0] == NULL || source->memory[1] == NULL || source->memory[2] == NULL) {
        return false;
    }
    views_blank(source->memory[1], source->memory[2], size);
    source->ends = size == 0 || data[size - 1] == '\n';
    size_t start = 0;
    for (size_t i = 0; i <= size; i++) {
        if (i == size ? start < size : data[i] == '\n') {
            source->lines[source->count] = source->memory[0] + start;
            source->prose[source->count] = source->memory[1] + start;
            source->code[source->count] = source->memory[2] + start;
            source->count++;
            for (size_t v = 0; v < 3; v++) {
                source->memory[v][i] = '\0';
            }
            start = i + 1;
        }
    }
    return true;
}

/* The slashes of a line comment stay in the code, so that source_check sees them. */
static void views_blank(char *prose, char *code, size_t size)
{
    enum { CODE, COMMENT, LINE_COMMENT, QUOTED } state = CODE;
    char quote = '"';
    for (size_t i = 0; i < size; i++) {
        char byte = code[i];
        char next = code[i + 1]; /* the zero behind the last byte */
        if (byte == '\n') {
            state = state == COMMENT ? COMMENT : CODE;
            continue;
        }
        if (state == CODE && byte == '/' && next == '/') {
            state = LINE_COMMENT;
            i++;
        } else if (state == CODE && byte == '/' && next == '*') {
            state = COMMENT;
            code[i] = ' ';
            code[++i] = ' ';
        } else if (state == CODE && (byte == '"' || byte == '\'')) {
            state = QUOTED;
            quote = byte;
        } else if (state == QUOTED) {
            prose[i] = code[i] = ' ';
            if (byte == '\\' && next != '\n' && i + 1 < size) {
                i++;
                prose[i] = code[i] = ' ';
            } else if (byte == quote) {
                state = CODE;
            }
        } else if (state == COMMENT || state == LINE_COMMENT) {
            code[i] = ' ';
            if (state == COMMENT && byte == '*' && next == '/') {
                code[++i] = ' ';
                state = CODE;
            }
        }
    }
}

/* Characters, not bytes: a Japanese letter in a comment is one. */
static size_t columns(const char *line)
{
    size_t count = 0;
    for (; *line != '\0'; line++) {
        count += ((unsigned char)*line & 0xC0) != 0x80;
    }
    return count;
}

static const char *word_find(const char *line, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = line; (at = strstr(at, word)) != NULL; at++) {
        bool starts = at == line || (!isalnum((unsigned char)at[-1]) && at[-1] != '_');
        if (starts && !isalnum((unsigned char)at[size]) && at[size] != '_') {
            return at + size;
        }
    }
    return NULL;
}

static void words_check(const struct source *source, size_t index)
{
    for (size_t i = 0; i < sizeof tonight / sizeof *tonight; i++) {
        if (word_find(source->prose[index], tonight[i]) != NULL) {
            complain(source->path, index + 1, "%s: do it, or write it into docs/requirements.md",
                     tonight[i]);
        }
    }
    for (size_t i = 0; i < sizeof banned / sizeof *banned; i++) {
        const char *after = word_find(source->code[index], banned[i]);
        if (after != NULL && after[strspn(after, " ")] == '(') {
            complain(source->path, index + 1, "%s is not called in this house", banned[i]);
        }
    }
}

static void functions_check(const struct source *source)
{
    for (size_t i = 1; i < source->count; i++) {
        if (strcmp(source->code[i], "{") != 0) {
            continue;
        }
        size_t end = i;
        while (end < source->count && strcmp(source->code[end], "}") != 0) {
            end++;
        }
        size_t head = head_find(source, i);
        char name[128];
        function_name(source, head, i, name);
        ratchet_check(source->path, head + 1, name, end - head + 1);
        i = end;
    }
}

static size_t head_find(const struct source *source, size_t brace)
{
    size_t head = brace;
    while (head > 0) {
        const char *line = source->code[head - 1];
        size_t size = strlen(line);
        while (size > 0 && line[size - 1] == ' ') {
            size--;
        }
        if (size == 0 || line[size - 1] == ';' || line[size - 1] == '}' || line[0] == '#') {
            break;
        }
        head--;
    }
    return head;
}

/* The word before the first parenthesis; of TEST(name), the name. */
static void function_name(const struct source *source, size_t head, size_t brace, char name[128])
{
    (void)snprintf(name, 128, "a function");
    for (size_t i = head; i < brace; i++) {
        const char *line = source->code[i];
        const char *open = strchr(line, '(');
        if (open == NULL) {
            continue;
        }
        const char *start = open;
        while (start > line && (isalnum((unsigned char)start[-1]) || start[-1] == '_')) {
            start--;
        }
        if (start != open && strncmp(start, "__attribute__", 13) != 0) {
            bool test = strncmp(start, "TEST(", 5) == 0;
            start = test ? open + 1 : start;
            size_t size = test ? strcspn(start, ")") : (size_t)(open - start);
            (void)snprintf(name, 128, "%.*s", (int)(size < 127 ? size : 127), start);
            return;
        }
    }
}

static void header_check(const struct source *source)
{
    size_t size = strlen(source->path);
    if (size < 2 || strcmp(source->path + size - 2, ".h") != 0) {
        return;
    }
    for (size_t i = 0; i < source->count; i++) {
        if (source->code[i][strspn(source->code[i], " ")] != '\0') {
            if (strcmp(source->lines[i], "#pragma once") != 0) {
                complain(source->path, i + 1, "a header starts with #pragma once");
            }
            return;
        }
    }
}
