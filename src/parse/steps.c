/*
 * What a table cannot say of a value: each step is a function here.  A step whose value is not
 * there, or is not of the shape it expects, does nothing.
 */

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "parse/private.h"

#define NAMED_MAX 64 /* Of a list of names and values, the first. */

static void add(struct found *found, uint16_t name, struct str text)
{
    static const struct target number = {.take = TAKE_INT};
    if (text.size > 0) {
        struct target target = name == NAME_URL_PORT ? number : (struct target){0};
        target.name = name;
        take_tell(found, &target, text, SPAN_RAW);
    }
}

/* "https://user@www.example:8443/a/b.php?q=1#top", "/a?b", "www.example:443" (of a CONNECT). */
static void url_step(struct found *found, struct str text)
{
    struct str rest = text;
    size_t scheme = str_find(text, STR("://"));
    if (scheme != STR_NONE && scheme < 16 &&
        str_find_byte(str_slice(text, 0, scheme), '/') == STR_NONE) {
        add(found, NAME_URL_SCHEME, str_slice(text, 0, scheme));
        rest = text_from(text, scheme + 3);
    } else if (text.size > 0 && text.data[0] != '/') {
        scheme = STR_NONE;
        if (str_find_byte(text, ':') == STR_NONE && str_find_byte(text, '.') == STR_NONE) {
            return;
        }
    }
    size_t end = 0;
    while (end < rest.size && memchr("/?#", rest.data[end], 3) == NULL) {
        end++;
    }
    struct str authority = str_slice(rest, 0, end);
    rest = text_from(rest, end);
    for (size_t i = authority.size; i > 0; i--) {
        if (authority.data[i - 1] == '@') {
            authority = text_from(authority, i);
            break;
        }
    }
    size_t colon = authority.size;
    while (colon > 0 && authority.data[colon - 1] >= '0' && authority.data[colon - 1] <= '9') {
        colon--;
    }
    if (colon > 1 && authority.data[colon - 1] == ':' && colon < authority.size) {
        add(found, NAME_URL_PORT, text_from(authority, colon));
        authority = str_slice(authority, 0, colon - 1);
    }
    if (authority.size > 2 && authority.data[0] == '[' &&
        authority.data[authority.size - 1] == ']') {
        authority = str_slice(authority, 1, authority.size - 2);
    }
    add(found, NAME_URL_DOMAIN, authority);
    size_t hash = str_find_byte(rest, '#');
    if (hash != STR_NONE) {
        add(found, NAME_URL_FRAGMENT, text_from(rest, hash + 1));
        rest = str_slice(rest, 0, hash);
    }
    size_t query = str_find_byte(rest, '?');
    if (query != STR_NONE) {
        add(found, NAME_URL_QUERY, text_from(rest, query + 1));
        rest = str_slice(rest, 0, query);
    }
    add(found, NAME_URL_PATH, rest);
    for (size_t i = rest.size; i > 0 && rest.size - i < 16 && rest.data[i - 1] != '/'; i--) {
        if (rest.data[i - 1] == '.') {
            add(found, NAME_URL_EXTENSION, text_from(rest, i));
            break;
        }
    }
}

/* "GET /a HTTP/1.1"; what is no such line was asked for all the same. */
static void request_step(struct found *found, struct str text)
{
    struct str method;
    struct str rest = text;
    if (!cursor_word(&rest, &method) || method.size > 32 || !cursor_byte(&rest, ' ') ||
        method.data[0] == '\\') {
        add(found, NAME_URL_ORIGINAL, text);
        return;
    }
    size_t at = rest.size;
    while (at > 0 && rest.data[at - 1] != ' ') {
        at--;
    }
    struct str version = text_from(rest, at);
    add(found, NAME_METHOD, method);
    if (at > 0 && cursor_literal(&version, STR("HTTP/"))) {
        add(found, NAME_HTTP_VERSION, version);
        rest = str_slice(rest, 0, at - 1);
    }
    add(found, NAME_URL_ORIGINAL, rest);
}

/* "DOMAIN\name", "DOMAIN\\name", "name@domain", "name". */
static void user_step(struct found *found, struct str text)
{
    size_t at = str_find_byte(text, '\\');
    struct str name = text;
    if (at != STR_NONE) {
        struct str domain = str_slice(text, 0, at);
        name = text_from(text, at + 1);
        (void)cursor_byte(&name, '\\');
        add(found, NAME_USER_DOMAIN, domain);
    } else if ((at = str_find_byte(text, '@')) != STR_NONE && at > 0) {
        add(found, NAME_USER_DOMAIN, text_from(text, at + 1));
        name = str_slice(text, 0, at);
    }
    add(found, NAME_USER_NAME, name);
}

/* "Name <a@b.example>": the address alone. */
static void mail_step(struct found *found, const struct step *step)
{
    for (size_t i = 0; i < found->value_count; i++) {
        struct value *value = value_at(found, i);
        size_t open = str_find_byte(value->text, '<');
        size_t close = str_find_byte(value->text, '>');
        if (value->name == step->from[0] && open != STR_NONE && close != STR_NONE && open < close) {
            value->text = str_slice(value->text, open + 1, close - open - 1);
        }
    }
}

/* "Mozilla/5.0+(Windows+NT+10.0)", as IIS writes blanks. */
static void plus_step(struct found *found, const struct step *step)
{
    for (size_t i = 0; i < found->value_count; i++) {
        struct value *value = value_at(found, i);
        char *to = value->name != step->from[0] || found_mem(found) == NULL
                       ? NULL
                       : arena_take(found->mem, value->text.size + 1);
        if (to != NULL) {
            for (size_t at = 0; at < value->text.size; at++) {
                to[at] = value->text.data[at] == '+' ? ' ' : value->text.data[at];
            }
            value->text = str_of(to, value->text.size);
        }
    }
}

static void made_tell(struct found *found, const struct step *step, struct str text)
{
    for (size_t i = 0; i < step->to_count; i++) {
        (void)take_whole(found, &step->to[i], text, SPAN_RAW);
    }
}

static void sum_step(struct found *found, const struct step *step)
{
    uint64_t sum = 0;
    char text[24];
    struct str copy;
    size_t there = 0;
    for (size_t i = 0; i < step->from_count; i++) {
        struct str value;
        uint64_t number;
        if (value_find(found, step->from[i], &value) &&
            str_to_u64(value, UINT64_MAX / 8, &number) == OK) {
            sum += number;
            there++;
        }
    }
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)sum);
    if (there > 0 && found_mem(found) != NULL &&
        arena_copy(found->mem, str_from(text), &copy) == OK) {
        for (size_t i = 0; i < step->to_count; i++) {
            struct target target = step->to[i];
            target.take = TAKE_INT;
            (void)take_whole(found, &target, copy, SPAN_RAW);
        }
    }
}

/* All of them have to be there. */
static bool joined(struct found *found, const struct step *step, struct str *ret)
{
    struct str parts[4];
    size_t size = 0;
    for (size_t i = 0; i < step->from_count; i++) {
        if (!value_find(found, step->from[i], &parts[i]) || parts[i].size > RECORD_SIZE_MAX) {
            return false;
        }
        size += parts[i].size + step->text.size;
    }
    if (step->from_count == 1) {
        *ret = parts[0];
        return true;
    }
    char *to = found_mem(found) == NULL ? NULL : arena_take(found->mem, size + 1);
    if (to == NULL) {
        return false;
    }
    size = 0;
    for (size_t i = 0; i < step->from_count; i++) {
        if (i > 0 && step->text.size > 0) {
            memcpy(to + size, step->text.data, step->text.size);
            size += step->text.size;
        }
        if (parts[i].size > 0) {
            memcpy(to + size, parts[i].data, parts[i].size);
            size += parts[i].size;
        }
    }
    *ret = str_of(to, size);
    return true;
}

static void split_step(struct found *found, const struct step *step, struct str text)
{
    size_t count = 0;
    while (text.size > 0 && count++ < SPANS_PER_EVENT_MAX) {
        size_t at = str_find(text, step->text);
        made_tell(found, step, str_trim(str_slice(text, 0, at)));
        text = at == STR_NONE ? (struct str){0} : text_from(text, at + step->text.size);
    }
}

/* "(3)www(4)shop(7)example(0)": a name as the DNS server of Windows writes it, each label behind
 * its size; a label may hold a '(' of its own. */
static void labels_step(struct found *found, const struct step *step, struct str text)
{
    char *to = found_mem(found) == NULL ? NULL : arena_take(found->mem, text.size + 1);
    size_t size = 0;
    while (to != NULL && cursor_byte(&text, '(')) {
        int label = 0;
        if (!cursor_number(&text, 2, &label) || !cursor_byte(&text, ')') || label == 0 ||
            (size_t)label > text.size) {
            break;
        }
        if (size > 0) {
            to[size++] = '.';
        }
        memcpy(to + size, text.data, (size_t)label);
        size += (size_t)label;
        text = text_from(text, (size_t)label);
    }
    if (size > 0) {
        made_tell(found, step, str_of(to, size));
    }
}

static void one_in(struct found *found, const struct step *step, struct str text)
{
    if (step->match != NULL) {
        (void)pattern_run(found, step->match, &text);
    } else {
        pairs_run(found, step->pairs, text);
    }
}

/* The value that stands behind a name in a list of them: the only one between it and the next name,
 * or the one of the same number where there are as many values as names. */
static bool named_value(struct found *found, const struct step *step, size_t number, size_t names,
                        struct str name, struct str next, struct str *ret)
{
    size_t values = 0;
    bool inside = false;
    struct str same = {0};
    for (size_t i = 0; i < found->value_count; i++) {
        const struct value *value = value_at(found, i);
        if (value->name != step->from[1]) {
            continue;
        }
        if (values++ == number) {
            same = value->text;
        }
        uintptr_t at = (uintptr_t)value->text.data;
        if (!inside && at > (uintptr_t)name.data &&
            (next.data == NULL || at < (uintptr_t)next.data)) {
            *ret = value->text;
            inside = true;
        }
    }
    if (values == names) {
        *ret = same;
        return true;
    }
    return inside;
}

static void named_step(struct found *found, const struct step *step)
{
    struct str names[NAMED_MAX];
    size_t count = 0;
    for (size_t i = 0; i < found->value_count && count < NAMED_MAX; i++) {
        const struct value *value = value_at(found, i);
        if (value->name == step->from[0]) {
            names[count++] = value->text;
        }
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < step->pick_count; j++) {
            const struct pick *pick = &step->picks[j];
            struct str next = i + 1 < count ? names[i + 1] : (struct str){0};
            struct str text;
            if (!str_equal_nocase(pick->text, names[i]) ||
                !named_value(found, step, i, count, names[i], next, &text)) {
                continue;
            }
            for (size_t to = 0; to < pick->count; to++) {
                (void)take_whole(found, &pick->targets[to], text, SPAN_RAW);
            }
        }
    }
}

static void one_step(struct found *found, const struct step *step, struct str text)
{
    switch ((enum step_kind)step->kind) {
    case STEP_URL:
        url_step(found, text);
        break;
    case STEP_REQUEST:
        request_step(found, text);
        break;
    case STEP_USER:
        user_step(found, text);
        break;
    case STEP_MAIL:
        mail_step(found, step);
        break;
    case STEP_NAMED:
        named_step(found, step);
        break;
    case STEP_COPY:
        made_tell(found, step, text);
        break;
    case STEP_SPLIT:
        split_step(found, step, text);
        break;
    case STEP_PLUS:
        plus_step(found, step);
        break;
    case STEP_LABELS:
        labels_step(found, step, text);
        break;
    default:
        break;
    }
}

/* In each of a field's values. */
static void in_step(struct found *found, const struct step *step)
{
    size_t count = found->value_count;
    struct str header;
    bool there = false;
    for (size_t i = 0; i < count; i++) {
        struct value value = *value_at(found, i);
        if (value.name == step->from[0] && value.text.size > 0) {
            there = true;
            one_in(found, step, value.text);
        }
    }
    if (!there && value_find(found, step->from[0], &header) && header.size > 0) {
        one_in(found, step, header);
    }
}

void steps_run(struct found *found)
{
    for (size_t i = 0; i < found->parser->step_count; i++) {
        const struct step *step = &found->parser->steps[i];
        struct str text;
        found->origin = (uint16_t)(ORIGIN_STEPS + i);
        if (step->kind == STEP_SUM) {
            sum_step(found, step);
        } else if (step->kind == STEP_IN) {
            in_step(found, step);
        } else if (step->kind == STEP_JOIN || step->kind == STEP_TIME) {
            if (joined(found, step, &text)) {
                made_tell(found, step, text);
            }
        } else if (value_find(found, step->from[0], &text) && text.size > 0) {
            one_step(found, step, text);
        }
    }
    found->origin = 0;
}
