/*
 * Mails to a person about their own account: that a second factor was set, ended or taken away.  So
 * whoever did not do it themselves hears of it, wherever a thief of their password has got to.
 *
 * They go through the outbox like all others, under the installation's own client, whose messages
 * no client sees.
 *
 * Always true: the mail holds nothing secret and no link, so nobody learns to follow one.
 */

#include "notify/notify.h"

#include "base/limits.h"
#include "notify/private.h"
#include "sys/random.h"

#define TEXT_SIZE_MAX 8192
#define NAME_SHOWN    80 /* characters */

static const struct {
    enum word subject, text;
} words[ACCOUNT_NEWS_COUNT] = {
    [ACCOUNT_FACTOR_SET] = {WORD_MAIL_FACTOR_SET_SUBJECT, WORD_MAIL_FACTOR_SET_TEXT},
    [ACCOUNT_FACTOR_ENDED] = {WORD_MAIL_FACTOR_ENDED_SUBJECT, WORD_MAIL_FACTOR_ENDED_TEXT},
    [ACCOUNT_FACTOR_TAKEN] = {WORD_MAIL_FACTOR_TAKEN_SUBJECT, WORD_MAIL_FACTOR_TAKEN_TEXT},
};

static enum err text_print(const struct person_info *person, enum account_news news,
                           struct str account, struct buf *out)
{
    enum language language = person->language;
    struct str name = language == LANGUAGE_JA ? person->name_ja : person->name_en;
    struct buf shown;
    buf_init(&shown, TEXT_SIZE_MAX);
    enum err err = text_shown(name.size > 0 ? name : account, false, NAME_SHOWN, &shown);
    if (err == OK) {
        const struct words_value values[] = {{"name", buf_str(&shown)}};
        err = words_print(out, language, WORD_MAIL_GREETING, values, 1);
    }
    buf_done(&shown);
    if (err == OK) {
        const struct words_value values[] = {{"account", account}};
        err = buf_append(out, STR("\n\n"));
        err = err == OK ? words_print(out, language, words[news].text, values, 1) : err;
    }
    if (err == OK) {
        err = buf_append(out, STR("\n\n-- \n"));
    }
    if (err == OK) {
        err = buf_append(out, words_text(WORD_MAIL_FOOTER_ACCOUNT, language));
    }
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

static enum err account_mail(struct notify *notify, const struct person_info *person,
                             enum account_news news, struct wall now, struct outbox_message *ret)
{
    struct str account;
    struct buf text;
    buf_init(&text, TEXT_SIZE_MAX);
    enum err err = arena_print(notify->scratch, &account, "%.*s/%.*s", STR_ARG(person->party),
                               STR_ARG(person->slug));
    if (err == OK) {
        err = text_print(person, news, account, &text);
    }
    if (err == OK) {
        err = identity_print(notify, &ret->identity);
    }
    if (err == OK) {
        const struct mail_head head = {
            .notify = notify,
            .to = person->mail,
            .subject = words_text(words[news].subject, person->language),
            .identity = ret->identity,
            .language = person->language,
            .now = now,
        };
        err = mail_whole(&head, buf_str(&text), notify->scratch, &ret->body);
    }
    buf_done(&text);
    ret->client = CLIENT_INSTALLATION;
    ret->kind = OUTBOX_MAIL;
    ret->to = person->mail;
    ret->contact = account;
    return err;
}

enum err notify_account(struct notify *notify, uint32_t person, enum account_news news,
                        struct wall now)
{
    struct outbox_message message = {0};
    struct person_info info;
    struct scope *scope;
    bool alone = false;
    enum err err = tenant_person_get(notify->tenant, person, &info);
    if (err != OK || !text_is_mailbox(info.mail)) {
        return err;
    }
    err = scope_for_job(notify->tenant, STR("account"), &scope);
    if (err != OK) {
        return err;
    }
    arena_reset(notify->scratch);
    err = account_mail(notify, &info, news, now, &message);
    if (err == OK) {
        err = bracket_begin(notify, &alone);
        if (err == OK) {
            err = outbox_put(scope, notify->ledger, &message, now, NULL);
            err = bracket_end(notify, alone, err);
        }
    }
    scope_free(scope);
    return err;
}
