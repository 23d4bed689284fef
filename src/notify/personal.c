/*
 * A mail to one person, about what concerns this person alone: their account, or something that
 * waits for them.  No chain is climbed and nothing is acknowledged.
 *
 * Always true: the text is our own; of what stands in documents only names are in it.
 */

#include "notify/private.h"

#include "sys/random.h"

#define TEXT_SIZE_MAX 8192
#define NAME_SHOWN    80 /* characters */

static enum err text_print(const struct personal *personal, struct buf *out)
{
    enum language language = personal->language;
    struct buf shown;
    buf_init(&shown, TEXT_SIZE_MAX);
    enum err err = text_shown(personal->name, false, NAME_SHOWN, &shown);
    if (err == OK) {
        const struct words_value values[] = {{"name", buf_str(&shown)}};
        err = words_print(out, language, WORD_MAIL_GREETING, values, 1);
    }
    buf_done(&shown);
    err = err == OK ? buf_append(out, STR("\n\n")) : err;
    err = err == OK ? words_print(out, language, personal->text, personal->values, personal->count)
                    : err;
    err = err == OK ? buf_append(out, STR("\n\n-- \n")) : err;
    err = err == OK ? buf_append(out, words_text(WORD_MAIL_FOOTER_ACCOUNT, language)) : err;
    return err == OK ? buf_append_byte(out, '\n') : err;
}

static enum err identity_print(struct notify *notify, struct str *ret)
{
    struct str domain = buf_str(&notify->sender);
    (void)str_cut(&domain, '@');
    return arena_print(notify->scratch, ret, "<a%016llx%016llx@%.*s>",
                       (unsigned long long)random_u64(), (unsigned long long)random_u64(),
                       STR_ARG(domain));
}

enum err personal_put(const struct scope *scope, struct notify *notify,
                      const struct personal *personal, struct wall now)
{
    struct outbox_message message = {.client = personal->client,
                                     .kind = OUTBOX_MAIL,
                                     .to = personal->to,
                                     .contact = personal->account};
    struct buf text;
    buf_init(&text, TEXT_SIZE_MAX);
    enum err err = text_print(personal, &text);
    err = err == OK ? identity_print(notify, &message.identity) : err;
    if (err == OK) {
        const struct mail_head head = {
            .notify = notify,
            .to = personal->to,
            .subject = words_text(personal->subject, personal->language),
            .identity = message.identity,
            .language = personal->language,
            .now = now,
        };
        err = mail_whole(&head, buf_str(&text), notify->scratch, &message.body);
    }
    buf_done(&text);
    return err == OK ? outbox_put(scope, notify->ledger, &message, now, NULL) : err;
}
