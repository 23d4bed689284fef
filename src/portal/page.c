/*
 * One page in four versions.  Colours have a contrast of 7:1 at least in light and dark; the button
 * is as large as a thumb; without the style the page is still in order.
 *
 * Always true: every text from outside goes through `escaped`.
 */

#include "portal/page.h"

static const char style[] =
    ":root{color-scheme:light dark}"
    "body{margin:0;background:#f3f4f6;color:#1b1f24;"
    "font:1rem/1.7 system-ui,\"Hiragino Sans\",\"Noto Sans CJK JP\",sans-serif}"
    "main{max-width:34rem;margin:0 auto;padding:1.5rem 1.25rem 3rem;background:#fff;"
    "min-height:100vh;box-sizing:border-box}"
    "h1{font-size:1.35rem;line-height:1.4;margin:.5rem 0 1.25rem}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.4rem 1.25rem;margin:0 0 1.5rem}"
    "a{color:inherit}dt{color:#4a525c}dd{margin:0;font-weight:600;overflow-wrap:anywhere}"
    "button{width:100%;min-height:3.25rem;border:0;border-radius:.5rem;background:#8f1d14;"
    "color:#fff;font:inherit;font-weight:600}"
    "button:focus-visible{outline:3px solid #1b1f24;outline-offset:2px}"
    "@media(prefers-color-scheme:dark){body{background:#111418;color:#eceff3}"
    "main{background:#1a1f25}dt{color:#b3bcc7}button{background:#ffb4a9;color:#410001}"
    "button:focus-visible{outline-color:#eceff3}}";

struct str page_style(void)
{
    return str_of(style, sizeof style - 1);
}

static enum err escaped(struct buf *out, struct str text)
{
    enum err err = OK;
    for (size_t i = 0; i < text.size && err == OK; i++) {
        char c = text.data[i];
        switch (c) {
        case '&':
            err = buf_append(out, STR("&amp;"));
            break;
        case '<':
            err = buf_append(out, STR("&lt;"));
            break;
        case '>':
            err = buf_append(out, STR("&gt;"));
            break;
        case '"':
            err = buf_append(out, STR("&quot;"));
            break;
        default:
            err = (unsigned char)c < 0x20 ? buf_append_byte(out, ' ') : buf_append_byte(out, c);
        }
    }
    return err;
}

static enum err element(struct buf *out, const char *opens, struct str text, const char *closes)
{
    enum err err = buf_append(out, str_from(opens));
    if (err == OK) {
        err = escaped(out, text);
    }
    if (err == OK) {
        err = buf_append(out, str_from(closes));
    }
    return err;
}

static enum err fact(struct buf *out, enum language language, enum word label, struct str value)
{
    enum err err = OK;
    if (value.size > 0) {
        err = element(out, "<dt>", words_text(label, language), "</dt>");
        if (err == OK) {
            err = element(out, "<dd>", value, "</dd>\n");
        }
    }
    return err;
}

/* The words of a type of incident, or its slug where there are none. */
static struct str type_text(struct str type, enum language language)
{
    struct str text = type;
    struct buf key;
    enum word word;
    buf_init(&key, 256);
    for (size_t i = 0; i < 2; i++) {
        buf_reset(&key);
        enum err err = i == 0 ? buf_print(&key, "type.%.*s.name", STR_ARG(type))
                              : buf_print(&key, "type.%.*s", STR_ARG(type));
        if (err == OK && words_find(buf_str(&key), &word)) {
            text = words_text(word, language);
            break;
        }
    }
    buf_done(&key);
    return text;
}

static enum err facts(const struct page *page, struct buf *out)
{
    static const enum word severities[LEVEL_COUNT] = {
        WORD_API_PAGE_SEVERITY_INFORMATIONAL, WORD_API_PAGE_SEVERITY_LOW,
        WORD_API_PAGE_SEVERITY_MEDIUM,        WORD_API_PAGE_SEVERITY_HIGH,
        WORD_API_PAGE_SEVERITY_CRITICAL,
    };
    enum language language = page->language;
    enum err err = element(out, "<dl>\n<dt>", words_text(WORD_API_PAGE_NUMBER, language), "</dt>");
    if (err == OK) {
        err = buf_print(out, "<dd>%u</dd>\n", page->number);
    }
    if (err == OK) {
        err = fact(out, language, WORD_API_PAGE_CLIENT, page->client);
    }
    if (err == OK) {
        err = fact(out, language, WORD_API_PAGE_TYPE, type_text(page->type, language));
    }
    if (err == OK && (unsigned)page->severity < LEVEL_COUNT) {
        err = fact(out, language, WORD_API_PAGE_SEVERITY,
                   words_text(severities[page->severity], language));
    }
    if (err == OK) {
        err = fact(out, language, WORD_API_PAGE_TO, page->who);
    }
    return err == OK ? buf_append(out, STR("</dl>\n")) : err;
}

static enum err head(const struct page *page, enum word title, struct buf *out)
{
    enum err err =
        buf_print(out,
                  "<!doctype html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                  "<meta name=\"robots\" content=\"noindex\">\n",
                  language_text(page->language));
    if (err == OK) {
        err = element(out, "<title>", words_text(title, page->language), "</title>\n<style>");
    }
    if (err == OK) {
        err = buf_append(out, page_style());
    }
    if (err == OK) {
        err = element(out, "</style>\n</head>\n<body>\n<main>\n<h1>",
                      words_text(title, page->language), "</h1>\n");
    }
    return err;
}

/* To the incident, for whoever may sign in; from a page that knows none, to the portal. */
static enum err follow(const struct page *page, struct buf *out)
{
    enum err err = buf_append(out, STR("<p><a href=\"/"));
    if (err == OK && page->slug.size > 0) {
        err = buf_append(out, STR("incidents/"));
        err = err == OK ? escaped(out, page->slug) : err;
        err = err == OK ? buf_print(out, "/%u", page->number) : err;
    }
    return err == OK
               ? element(out, "\">", words_text(WORD_API_PAGE_FOLLOW, page->language), "</a></p>\n")
               : err;
}

enum err page_print(const struct page *page, struct buf *out)
{
    static const enum word says[] = {
        [PAGE_ASK] = WORD_API_PAGE_ASK,
        [PAGE_DONE] = WORD_API_PAGE_DONE,
        [PAGE_ALREADY] = WORD_API_PAGE_ALREADY,
        [PAGE_GONE] = WORD_API_PAGE_GONE,
    };
    bool gone = page->kind == PAGE_GONE;
    enum err err = head(page, gone ? WORD_API_PAGE_GONE_TITLE : WORD_API_PAGE_TITLE, out);
    if (err == OK && !gone) {
        err = facts(page, out);
    }
    if (err == OK) {
        err = element(out, "<p>", words_text(says[page->kind], page->language), "</p>\n");
    }
    if (err == OK && page->kind == PAGE_ASK) {
        err = element(out, "<form method=\"post\"><button type=\"submit\">",
                      words_text(WORD_API_PAGE_BUTTON, page->language), "</button></form>\n");
    } else if (err == OK) {
        err = follow(page, out);
    }
    return err == OK ? buf_append(out, STR("</main>\n</body>\n</html>\n")) : err;
}
