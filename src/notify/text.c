/*
 * Bytes for people and for mail.
 *
 *     shown     text from logs, so that a reader sees what is there and nothing else happens
 *     headers   RFC 5322, 2.2 and 2.2.3 (folding); RFC 2047, encoded words of UTF-8 in base64
 *     bodies    RFC 2045: quoted-printable where most is ASCII, else base64
 *
 * Always true, of everything that is printed here for a mail: lines end with CRLF and have at most
 * 76 characters; all is printable ASCII; a CR or LF of a value never becomes one of the mail.
 */

#include "base/limits.h"
#include "codec/utf8.h"
#include "notify/private.h"

#define LINE_MAX_MAIL    76
#define MAILBOX_SIZE_MAX 254 /* RFC 5321, 4.5.3.1.3 */
/* Of UTF-8 in one encoded word: 60 characters of base64 and 12 around them; behind the name less.
 */
#define WORD_BYTES        45
#define WORD_BYTES_FIRST  36
#define HEADER_NAME_FIRST 16 /* characters that the name may take of the first line */

static uint32_t code_point(struct str s, size_t size)
{
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t point = (unsigned char)s.data[0] & masks[size];
    for (size_t i = 1; i < size; i++) {
        point = point << 6 | ((unsigned char)s.data[i] & 0x3f);
    }
    return point;
}

/* Characters that are not seen, or that change how others are seen. */
static bool hidden(uint32_t point)
{
    static const uint32_t ranges[][2] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},     {0x115f, 0x1160},
        {0x180b, 0x180f}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},   {0x3164, 0x3164},
        {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0xe0000, 0xe0fff},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (point >= ranges[i][0] && point <= ranges[i][1]) {
            return true;
        }
    }
    return false;
}

static bool is_link(struct str s)
{
    return str_equal_nocase(str_slice(s, 0, 7), STR("http://")) ||
           str_equal_nocase(str_slice(s, 0, 8), STR("https://"));
}

enum err text_shown(struct str text, bool paragraphs, size_t characters_max, struct buf *out)
{
    enum err err = OK;
    for (size_t count = 0; text.size > 0 && err == OK; count++) {
        size_t size = utf8_sequence(text);
        uint32_t point = size > 0 ? code_point(text, size) : (unsigned char)text.data[0];
        if (count == characters_max) {
            return buf_append(out, STR("…"));
        }
        if (!paragraphs && is_link(text)) {
            err = buf_append(out, STR("hxxp"));
            size = 4;
        } else if (size == 0) {
            err = buf_print(out, "\\x%02x", (unsigned)point);
            size = 1;
        } else if (paragraphs && (point == '\n' || point == '\r' || point == '\t')) {
            err = point == '\r' ? OK : buf_append_byte(out, point == '\n' ? '\n' : ' ');
        } else if (hidden(point)) {
            err = buf_print(out, point < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned)point);
        } else {
            err = buf_append(out, str_slice(text, 0, size));
        }
        text = str_slice(text, size, SIZE_MAX);
    }
    return err;
}

bool text_is_mailbox(struct str text)
{
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];
        if (byte <= ' ' || byte > '~' || byte == '<' || byte == '>' || byte == ',') {
            return false;
        }
    }
    return text.size <= MAILBOX_SIZE_MAX && str_find_byte(text, '@') != STR_NONE;
}

enum err base64_print(struct str bytes, bool url, struct buf *out)
{
    const char *digits = url ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
                             : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    enum err err = OK;
    for (size_t i = 0; i < bytes.size && err == OK; i += 3) {
        struct str part = str_slice(bytes, i, 3);
        uint32_t value = 0;
        for (size_t j = 0; j < 3; j++) {
            value = value << 8 | (j < part.size ? (unsigned char)part.data[j] : 0);
        }
        for (size_t j = 0; j < 4 && err == OK; j++) {
            if (j <= part.size) {
                err = buf_append_byte(out, digits[value >> (18 - 6 * j) & 0x3f]);
            } else if (!url) {
                err = buf_append_byte(out, '=');
            }
        }
    }
    return err;
}

/* ---- Headers. */

static bool is_plain_ascii(struct str text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < ' ' || text.data[i] > '~') {
            return false;
        }
    }
    return str_find(text, STR("=?")) == STR_NONE;
}

/* The largest part of whole characters of at most size_max bytes. */
static struct str word_part(struct str text, size_t size_max)
{
    size_t end = 0;
    while (end < text.size) {
        size_t size = utf8_sequence(str_slice(text, end, SIZE_MAX));
        size = size > 0 ? size : 1;
        if (end + size > size_max) {
            break;
        }
        end += size;
    }
    return str_slice(text, 0, end);
}

static enum err encoded_words(struct buf *out, struct str text)
{
    enum err err = OK;
    for (bool first = true; text.size > 0 && err == OK; first = false) {
        struct str part = word_part(text, first ? WORD_BYTES_FIRST : WORD_BYTES);
        err = first ? OK : buf_append(out, STR("\r\n "));
        if (err == OK) {
            err = buf_append(out, STR("=?UTF-8?B?"));
        }
        if (err == OK) {
            err = base64_print(part, false, out);
        }
        if (err == OK) {
            err = buf_append(out, STR("?="));
        }
        text = str_slice(text, part.size, SIZE_MAX);
    }
    return err;
}

enum err header_print(struct buf *out, const char *name, struct str text)
{
    struct buf clean;
    buf_init(&clean, 16 * 1024);
    enum err err = text_shown(text, false, 1000, &clean);
    if (err == OK) {
        err = buf_print(out, "%s:", name);
    }
    struct str shown = buf_str(&clean);
    bool plain = is_plain_ascii(shown) && shown.size + HEADER_NAME_FIRST <= LINE_MAX_MAIL;
    if (err == OK) {
        err = buf_append_byte(out, ' ');
    }
    if (err == OK) {
        err = plain ? buf_append(out, shown) : encoded_words(out, shown);
    }
    if (err == OK) {
        err = buf_append(out, STR("\r\n"));
    }
    buf_done(&clean);
    return err;
}

/* ---- Bodies. */

static enum err base64_lines(struct buf *out, struct str text)
{
    enum err err = OK;
    for (size_t i = 0; i < text.size && err == OK; i += LINE_MAX_MAIL / 4 * 3) {
        err = base64_print(str_slice(text, i, LINE_MAX_MAIL / 4 * 3), false, out);
        if (err == OK) {
            err = buf_append(out, STR("\r\n"));
        }
    }
    return err;
}

/* RFC 2045, 6.7.  The text's line ends are CRLF already. */
static enum err quoted_printable(struct buf *out, struct str text)
{
    enum err err = OK;
    size_t column = 0;
    for (size_t i = 0; i < text.size && err == OK; i++) {
        char byte = text.data[i];
        bool ends = str_starts(str_slice(text, i, 2), STR("\r\n"));
        bool before_end = str_starts(str_slice(text, i + 1, 2), STR("\r\n")) || i + 1 == text.size;
        bool plain = byte >= ' ' && byte <= '~' && byte != '=' && !(byte == ' ' && before_end);
        if (ends) {
            err = buf_append(out, STR("\r\n"));
            column = 0;
            i++;
            continue;
        }
        if (column + (plain ? 1 : 3) > LINE_MAX_MAIL - 1) {
            err = buf_append(out, STR("=\r\n"));
            column = 0;
        }
        if (err == OK) {
            err = plain ? buf_append_byte(out, byte)
                        : buf_print(out, "=%02X", (unsigned)(unsigned char)byte);
        }
        column += plain ? 1 : 3;
    }
    return err == OK && column > 0 ? buf_append(out, STR("\r\n")) : err;
}

static enum err with_crlf(struct str text, struct buf *out)
{
    enum err err = OK;
    while (text.size > 0 && err == OK) {
        bool more = str_find_byte(text, '\n') != STR_NONE;
        err = buf_append(out, str_cut(&text, '\n'));
        if (err == OK && more) {
            err = buf_append(out, STR("\r\n"));
        }
    }
    return err;
}

enum err mime_print(struct buf *out, struct str text)
{
    struct buf lines;
    size_t strange = 0;
    for (size_t i = 0; i < text.size; i++) {
        strange += (unsigned char)text.data[i] >= 0x80 || text.data[i] == '=';
    }
    bool base64 = strange > text.size / 6; /* from there on it is the shorter one */
    buf_init(&lines, 2 * (size_t)OUTBOX_BODY_SIZE_MAX);
    enum err err = with_crlf(text, &lines);
    if (err == OK) {
        err = buf_print(out, "Content-Transfer-Encoding: %s\r\n\r\n",
                        base64 ? "base64" : "quoted-printable");
    }
    if (err == OK) {
        err = base64 ? base64_lines(out, buf_str(&lines)) : quoted_printable(out, buf_str(&lines));
    }
    buf_done(&lines);
    return err;
}
