/*
 * Bodies of webhooks, all JSON, in the templates that a gateway may choose:
 *
 *     json    everything: values as they are, both languages' texts, the link
 *     chat    {"text": …}, what most chat systems take; it calls nobody together
 *     phone   {"to": number, "say": sentence}, for a gateway that calls and reads aloud
 *
 * Always true: a body is at most OUTBOX_BODY_SIZE_MAX.  Of a `json` that would be larger first the
 * values are left out, then the long texts.
 */

#include "base/limits.h"
#include "codec/json_out.h"
#include "notify/private.h"

#define SENTENCE_SIZE_MAX (16 * 1024)
#define TEXT_SIZE_MAX     (44 * 1024)
#define HEAD_CHARACTERS   512

static void sentence(struct json_out *out, const char *name, const struct letter *letter,
                     enum language language, enum letter_text text, struct arena *mem)
{
    struct buf made;
    buf_init(&made, SENTENCE_SIZE_MAX);
    enum err err = letter_sentence(letter, language, text, mem, &made);
    json_text(out, name, buf_str(&made));
    json_out_fail(out, err);
    buf_done(&made);
}

static void phone_print(struct json_out *out, const struct letter *letter, struct arena *mem)
{
    const struct hearers *hearers = letter->hearers;
    struct str number = {0};
    for (size_t i = 0; i < hearers->count && number.size == 0; i++) {
        if (hearers->list[i].passed.size == 0) {
            number = hearers->list[i].phone;
        }
    }
    json_object(out, NULL);
    json_text(out, "to", number);
    sentence(out, "say", letter, letter->hearer->language, LETTER_SPOKEN, mem);
    json_close(out);
}

/* Chat systems read "<!channel>", "@here" and "<address|text>" as calls and links: with the
 * full-width forms of both characters a text does nothing but be read. */
static enum err chat_calm(struct str text, struct buf *out)
{
    enum err err = OK;
    while (text.size > 0 && err == OK) {
        size_t plain = 0;
        while (plain < text.size && text.data[plain] != '<' && text.data[plain] != '@') {
            plain++;
        }
        err = buf_append(out, str_slice(text, 0, plain));
        if (plain < text.size && err == OK) {
            err = buf_append(out, text.data[plain] == '<' ? STR("\uff1c") : STR("\uff20"));
        }
        text = str_slice(text, plain + 1, SIZE_MAX);
    }
    return err;
}

static void chat_print(struct json_out *out, const struct letter *letter, struct arena *mem)
{
    enum language language = letter->hearer->language;
    struct buf text;
    struct buf calm;
    buf_init(&text, 2 * SENTENCE_SIZE_MAX);
    buf_init(&calm, TEXT_SIZE_MAX);
    enum err err = letter_sentence(letter, language, LETTER_SUBJECT, mem, &text);
    if (err == OK) {
        err = buf_append_byte(&text, '\n');
    }
    if (err == OK) {
        err = letter_sentence(letter, language, LETTER_HAPPENED, mem, &text);
    }
    if (err == OK && letter->link.size > 0) {
        err = buf_append_byte(&text, '\n');
        if (err == OK) {
            err = buf_append(&text, letter->link);
        }
    }
    struct str head = told_get(&letter->notice->told, "head");
    if (err == OK && head.size > 0) {
        err = buf_append_byte(&text, '\n');
        err = err == OK ? text_shown(head, false, HEAD_CHARACTERS, &text) : err;
    }
    if (err == OK) {
        err = chat_calm(buf_str(&text), &calm);
    }
    json_object(out, NULL);
    json_text(out, "text", buf_str(&calm));
    json_close(out);
    json_out_fail(out, err);
    buf_done(&calm);
    buf_done(&text);
}

static void text_member(struct json_out *out, const struct letter *letter, enum language language,
                        bool long_text, struct arena *mem)
{
    struct buf body;
    json_object(out, language_text(language));
    sentence(out, "subject", letter, language, LETTER_SUBJECT, mem);
    sentence(out, "happened", letter, language, LETTER_HAPPENED, mem);
    buf_init(&body, TEXT_SIZE_MAX);
    if (long_text) {
        enum err err = letter_body(letter, language, mem, &body);
        json_text(out, "body", buf_str(&body));
        json_out_fail(out, err);
    }
    buf_done(&body);
    json_close(out);
}

static void json_print_all(struct json_out *out, const struct letter *letter, bool values,
                           bool long_text, struct arena *mem)
{
    const struct notice_row *notice = letter->notice;
    json_object(out, NULL);
    json_unsigned(out, "version", 1);
    json_text(out, "identity", letter->identity);
    json_text(out, "purpose", notice->purpose);
    json_text(out, "severity", str_from(level_text(notice->severity)));
    json_text(out, "gateway", letter->hearer->contact);
    json_text(out, "acknowledge", letter->link);
    json_text(out, "page", letter->page);
    json_unsigned(out, "step", notice->climbed + 1);
    json_object(out, "text");
    text_member(out, letter, LANGUAGE_JA, long_text, mem);
    text_member(out, letter, LANGUAGE_EN, long_text, mem);
    json_close(out);
    if (values) {
        json_object(out, "values");
        for (size_t i = 0; i < notice->told.count; i++) {
            struct str name = {0};
            json_out_fail(out, arena_copy(mem, notice->told.list[i].name, &name));
            json_text(out, name.data, notice->told.list[i].text);
        }
        json_close(out);
    }
    json_close(out);
}

enum err hook_print(const struct letter *letter, struct arena *mem, struct str *ret)
{
    struct str template = letter->hearer->template;
    bool json = !str_equal(template, STR("phone")) && !str_equal(template, STR("chat"));
    struct buf body;
    enum err err = ERR_LIMIT;
    buf_init(&body, OUTBOX_BODY_SIZE_MAX);
    for (int less = 0; less < (json ? 3 : 1) && err == ERR_LIMIT; less++) {
        struct json_out out;
        buf_reset(&body);
        json_out_begin(&out, &body);
        if (json) {
            json_print_all(&out, letter, less < 1, less < 2, mem);
        } else if (str_equal(template, STR("phone"))) {
            phone_print(&out, letter, mem);
        } else {
            chat_print(&out, letter, mem);
        }
        err = json_out_end(&out);
    }
    if (err == OK) {
        err = arena_copy(mem, buf_str(&body), ret);
    }
    buf_done(&body);
    return err;
}
