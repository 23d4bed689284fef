/*
 * A mail: RFC 5322 around one part of plain text (RFC 2045).
 *
 *     Date, From, To, Subject      Subject from the words of the notice's purpose
 *     Message-ID                   the message's identity, the same over all tries
 *     Auto-Submitted               RFC 3834: nobody's absence assistant answers it
 *     Content-Language             the hearer's
 *
 * Always true: a header holds a literal of ours, a checked mailbox, or what header_print made.
 */

#include <stdio.h>

#include "base/limits.h"
#include "codec/time.h"
#include "notify/private.h"

#define SUBJECT_SIZE_MAX 4096
#define BODY_SIZE_MAX    (44 * 1024) /* in base64 with its line ends still OUTBOX_BODY_SIZE_MAX */

/* 1 January 1970 was a Thursday. */
static const char *weekday(struct wall wall)
{
    static const char *const names[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    int64_t day = wall.ns / (86400 * NS_PER_SECOND);
    return names[day >= 0 ? day % 7 : 0];
}

static enum err date_print(struct buf *out, struct wall wall)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct civil at;
    time_to_civil(wall, &at);
    return buf_print(out, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n", weekday(wall), at.day,
                     months[at.month - 1], at.year, at.hour, at.minute, at.second);
}

static enum err headers_print(const struct mail_head *head, struct buf *out)
{
    struct buf from;
    enum err err = date_print(out, head->now);
    buf_init(&from, SUBJECT_SIZE_MAX);
    if (err == OK) {
        err = header_print(&from, "From", words_text(WORD_MAIL_FROM, head->language));
    }
    if (err == OK) { /* the name's line goes on with the mailbox */
        err = buf_append(out, str_trim(buf_str(&from)));
    }
    buf_done(&from);
    if (err == OK) {
        err = buf_print(out, "\r\n <%.*s>\r\nTo: <%.*s>\r\n",
                        STR_ARG(buf_str(&head->notify->sender)), STR_ARG(head->to));
    }
    if (err == OK) {
        err = header_print(out, "Subject", head->subject);
    }
    if (err == OK) {
        err = buf_print(out,
                        "Message-ID: %.*s\r\nAuto-Submitted: auto-generated\r\n"
                        "MIME-Version: 1.0\r\nContent-Language: %s\r\n"
                        "Content-Type: text/plain; charset=UTF-8\r\n",
                        STR_ARG(head->identity), language_text(head->language));
    }
    return err;
}

enum err mail_whole(const struct mail_head *head, struct str text, struct arena *mem,
                    struct str *ret)
{
    struct buf out;
    buf_init(&out, OUTBOX_BODY_SIZE_MAX);
    enum err err = headers_print(head, &out);
    if (err == OK) {
        err = mime_print(&out, text);
    }
    if (err == OK) {
        err = arena_copy(mem, buf_str(&out), ret);
    }
    buf_done(&out);
    return err;
}

enum err mail_print(const struct letter *letter, struct arena *mem, struct str *ret)
{
    enum language language = letter->hearer->language;
    struct buf subject;
    struct buf body;
    buf_init(&subject, SUBJECT_SIZE_MAX);
    buf_init(&body, BODY_SIZE_MAX);
    enum err err = letter_sentence(letter, language, LETTER_SUBJECT, mem, &subject);
    if (err == OK) {
        err = letter_body(letter, language, mem, &body);
    }
    if (err == OK) {
        const struct mail_head head = {
            .notify = letter->notify,
            .to = letter->hearer->to,
            .subject = buf_str(&subject),
            .identity = letter->identity,
            .language = language,
            .now = letter->now,
        };
        err = mail_whole(&head, buf_str(&body), mem, ret);
    }
    buf_done(&subject);
    buf_done(&body);
    return err;
}
