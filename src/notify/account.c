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

#include "notify/private.h"

static const struct {
    enum word subject, text;
} words[ACCOUNT_NEWS_COUNT] = {
    [ACCOUNT_FACTOR_SET] = {WORD_MAIL_FACTOR_SET_SUBJECT, WORD_MAIL_FACTOR_SET_TEXT},
    [ACCOUNT_FACTOR_ENDED] = {WORD_MAIL_FACTOR_ENDED_SUBJECT, WORD_MAIL_FACTOR_ENDED_TEXT},
    [ACCOUNT_FACTOR_TAKEN] = {WORD_MAIL_FACTOR_TAKEN_SUBJECT, WORD_MAIL_FACTOR_TAKEN_TEXT},
};

static enum err account_put(const struct scope *scope, struct notify *notify,
                            const struct person_info *person, enum account_news news,
                            struct wall now)
{
    struct str account;
    enum err err = arena_print(notify->scratch, &account, "%.*s/%.*s", STR_ARG(person->party),
                               STR_ARG(person->slug));
    if (err != OK) {
        return err;
    }
    struct str name = person->language == LANGUAGE_JA ? person->name_ja : person->name_en;
    const struct words_value values[] = {{"account", account}};
    const struct personal personal = {.client = CLIENT_INSTALLATION,
                                      .to = person->mail,
                                      .account = account,
                                      .name = name.size > 0 ? name : account,
                                      .language = person->language,
                                      .subject = words[news].subject,
                                      .text = words[news].text,
                                      .values = values,
                                      .count = 1};
    return personal_put(scope, notify, &personal, now);
}

enum err notify_account(struct notify *notify, uint32_t person, enum account_news news,
                        struct wall now)
{
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
    err = bracket_begin(notify, &alone);
    if (err == OK) {
        err = account_put(scope, notify, &info, news, now);
        err = bracket_end(notify, alone, err);
    }
    scope_free(scope);
    return err;
}
