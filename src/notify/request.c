/*
 * Mails about requests: for logs, and for the end of a service.  Whoever has to answer one hears
 * that it waits, whoever asked hears how it ended; nobody has to look into the portal every day.
 *
 * Always true: the mail says who and which request, and where it stands in the portal, behind the
 * sign-in; neither purpose nor reason nor what was searched for, which a mailbox is no place for.
 * It is a row of the client's, and goes with the client.
 */

#include "notify/notify.h"

#include "notify/private.h"

static const struct {
    enum word subject, text;
    const char *page;
} words[REQUEST_NEWS_COUNT] = {
    [REQUEST_LOGS_WAIT] = {WORD_MAIL_LOGS_WAIT_SUBJECT, WORD_MAIL_LOGS_WAIT_TEXT, "provision"},
    [REQUEST_LOGS_READY] = {WORD_MAIL_LOGS_READY_SUBJECT, WORD_MAIL_LOGS_READY_TEXT, "provision"},
    [REQUEST_LOGS_REFUSED] = {WORD_MAIL_LOGS_REFUSED_SUBJECT, WORD_MAIL_LOGS_REFUSED_TEXT,
                              "provision"},
    [REQUEST_LOGS_FAILED] = {WORD_MAIL_LOGS_FAILED_SUBJECT, WORD_MAIL_LOGS_FAILED_TEXT,
                             "provision"},
    [REQUEST_END_ASKED] = {WORD_MAIL_END_ASKED_SUBJECT, WORD_MAIL_END_ASKED_TEXT, "offboarding"},
};

struct telling {
    const struct scope *scope;
    struct notify *notify;
    struct client_info client;
    const struct request_told *told;
    struct str link;
    struct wall now;
};

static enum err link_print(struct telling *telling)
{
    struct str portal = buf_str(&telling->notify->portal);
    const char *page = words[telling->told->what].page;
    struct str slug = telling->client.slug;
    return telling->told->number > 0
               ? arena_print(telling->notify->scratch, &telling->link, "%.*s/%s/%.*s/%llu",
                             STR_ARG(portal), page, STR_ARG(slug),
                             (unsigned long long)telling->told->number)
               : arena_print(telling->notify->scratch, &telling->link, "%.*s/%s/%.*s",
                             STR_ARG(portal), page, STR_ARG(slug));
}

static enum err hearer_tell(const struct telling *telling, const struct hearer *hearer)
{
    enum language language = hearer->language;
    struct str name = language == LANGUAGE_JA ? telling->client.name_ja : telling->client.name_en;
    struct str number;
    enum err err = arena_print(telling->notify->scratch, &number, "%llu",
                               (unsigned long long)telling->told->number);
    const struct words_value values[] = {{"client", name.size > 0 ? name : telling->client.slug},
                                         {"number", number},
                                         {"who", telling->told->who},
                                         {"link", telling->link}};
    const struct personal personal = {.client = telling->client.id,
                                      .to = hearer->to,
                                      .account = hearer->contact,
                                      .name = hearer->name[language],
                                      .language = language,
                                      .subject = words[telling->told->what].subject,
                                      .text = words[telling->told->what].text,
                                      .values = values,
                                      .count = sizeof values / sizeof *values};
    return err == OK ? personal_put(telling->scope, telling->notify, &personal, telling->now) : err;
}

/* To whom: the one person that is named, else those with the role, but for the one who asked. */
static enum err hearers_find(const struct telling *telling, struct hearers *ret)
{
    *ret = (struct hearers){0};
    const struct request_told *told = telling->told;
    return told->person != 0
               ? chain_person(telling->notify, told->person, ret)
               : chain_role(telling->notify, telling->client.id, told->role, telling->now, ret);
}

static enum err all_tell(struct telling *telling)
{
    struct hearers hearers;
    enum err err = link_print(telling);
    err = err == OK ? hearers_find(telling, &hearers) : err;
    for (size_t i = 0; err == OK && i < hearers.count; i++) {
        if (!str_equal(hearers.list[i].contact, telling->told->who) || telling->told->person != 0) {
            err = hearer_tell(telling, &hearers.list[i]);
        }
    }
    return err;
}

static bool client_find(const struct tenant *tenant, struct client_id id, struct client_info *ret)
{
    for (size_t i = 0; tenant_client_at(tenant, i, ret); i++) {
        if (client_equal(ret->id, id)) {
            return true;
        }
    }
    return false;
}

enum err notify_request(struct notify *notify, struct client_id client,
                        const struct request_told *told, struct wall now)
{
    struct telling telling = {.notify = notify, .told = told, .now = now};
    struct scope *scope;
    bool alone = false;
    if (!client_find(notify->tenant, client, &telling.client)) {
        return ERR_NOT_FOUND;
    }
    enum err err = scope_for_job(notify->tenant, STR("request"), &scope);
    if (err != OK) {
        return err;
    }
    telling.scope = scope;
    arena_reset(notify->scratch);
    err = bracket_begin(notify, &alone);
    if (err == OK) {
        err = bracket_end(notify, alone, all_tell(&telling));
    }
    scope_free(scope);
    return err;
}
