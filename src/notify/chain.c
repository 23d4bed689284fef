/*
 * Who hears, by the client's `contacts` as they are effective at that moment.
 *
 *     the chain that the notice names, else the default one, else the first, else nobody's:
 *     then its responsible persons as tenant/ knows them, else its contacts, else the provider's
 *     administrators, so that nothing is ever said to nobody
 *
 * The provider's own people (the analysts of this client, else its administrators) hear too, with
 * the first step, of targets of the SLA and of what a client reports, and they alone of a notice
 * that nobody has acknowledged.
 *
 * A person outside their hours:
 *
 *     critical         is told, and their deputy too
 *     anything else    is passed over for the first deputy (of a deputy, …) who is within theirs;
 *                      if there is none, is told all the same
 *
 * Always true: everybody hears once in a step; whoever is passed over is in the list too, with the
 * reason, and becomes a row like the others.
 */

#include "notify/private.h"

#define DEPUTIES_MAX 4 /* Of deputies; a circle ends there. */
#define WAIT_MS      (15 * 60 * 1000)

struct choice {
    struct notify *notify;
    const struct element *people, *gateways, *calendars;
    struct wall now;
    bool critical;
    struct hearers *hearers;
};

static const struct element *list_of(const struct document *document, const char *list)
{
    return document != NULL ? element_get(document->root, list) : NULL;
}

static const struct element *item_of(const struct element *list, struct str slug)
{
    return list != NULL && slug.size > 0 ? element_item(list, slug) : NULL;
}

static const struct element *chain_choose(const struct element *chains, struct str slug)
{
    const struct element *chosen = item_of(chains, slug);
    if (chosen != NULL || chains == NULL) {
        return chosen;
    }
    for (const struct element *at = chains->first; at != NULL; at = at->next) {
        if (element_number(at, "default", 0) != 0) {
            return at;
        }
    }
    return chains->first;
}

/* A calendar that is not there or cannot be read is open: rather one mail too many. */
static bool in_hours(const struct choice *choice, const struct element *person)
{
    struct calendar *calendar;
    const struct element *item = item_of(choice->calendars, element_text(person, "hours"));
    if (item == NULL || calendar_new(choice->notify->zones, item, &calendar, NULL) != OK) {
        return true;
    }
    bool open = calendar_open(calendar, choice->now);
    calendar_free(calendar);
    return open;
}

static void names_take(const struct element *item, struct str names[LANGUAGE_COUNT])
{
    for (int i = 0; i < LANGUAGE_COUNT; i++) {
        const struct element *name = element_get(item, "name");
        names[i] = name != NULL ? element_words(name, (enum language)i, NULL) : (struct str){0};
        names[i] = names[i].size > 0 ? names[i] : item->slug;
    }
}

static struct hearer *hearer_new(struct hearers *hearers, struct str contact, enum outbox_kind kind)
{
    for (size_t i = 0; i < hearers->count; i++) {
        if (hearers->list[i].kind == kind && str_equal(hearers->list[i].contact, contact)) {
            return NULL;
        }
    }
    if (hearers->count == HEARERS_MAX) {
        return NULL;
    }
    struct hearer *hearer = &hearers->list[hearers->count++];
    *hearer = (struct hearer){.kind = kind, .contact = contact};
    return hearer;
}

static void person_add(struct choice *choice, const struct element *person, struct str passed,
                       const struct element *deputy_of)
{
    struct hearer *hearer = hearer_new(choice->hearers, person->slug, OUTBOX_MAIL);
    if (hearer == NULL) {
        return;
    }
    names_take(person, hearer->name);
    hearer->to = element_text(person, "mail");
    hearer->phone = element_text(person, "phone");
    hearer->passed = passed;
    if (language_parse(element_text(person, "language"), &hearer->language) != OK) {
        hearer->language = LANGUAGE_JA;
    }
    if (deputy_of != NULL) {
        names_take(deputy_of, hearer->deputy_of);
    }
    if (passed.size == 0 && !text_is_mailbox(hearer->to)) {
        hearer->passed = STR("has no mail address");
    }
}

static const struct element *deputy_in_hours(const struct choice *choice,
                                             const struct element *person)
{
    const struct element *deputy = person;
    for (int i = 0; i < DEPUTIES_MAX; i++) {
        deputy = item_of(choice->people, element_text(deputy, "deputy"));
        if (deputy == NULL || deputy == person) {
            return NULL;
        }
        if (in_hours(choice, deputy)) {
            return deputy;
        }
    }
    return NULL;
}

static void person_choose(struct choice *choice, struct str slug)
{
    const struct element *person = item_of(choice->people, slug);
    if (person == NULL) {
        return;
    }
    if (in_hours(choice, person)) {
        person_add(choice, person, (struct str){0}, NULL);
        return;
    }
    const struct element *deputy = item_of(choice->people, element_text(person, "deputy"));
    if (!choice->critical) {
        deputy = deputy_in_hours(choice, person);
    }
    bool passed = !choice->critical && deputy != NULL;
    person_add(choice, person,
               passed ? STR("outside their hours; the deputy is told") : (struct str){0}, NULL);
    if (deputy != NULL) {
        person_add(choice, deputy, (struct str){0}, person);
    }
}

static void gateway_choose(struct choice *choice, struct str slug)
{
    const struct element *gateway = item_of(choice->gateways, slug);
    struct hearer *hearer =
        gateway != NULL ? hearer_new(choice->hearers, slug, OUTBOX_WEBHOOK) : NULL;
    if (hearer == NULL) {
        return;
    }
    names_take(gateway, hearer->name);
    hearer->to = element_text(gateway, "url");
    hearer->template = element_text(gateway, "template");
    hearer->secret = element_text(gateway, "secret");
    if (language_parse(element_text(gateway, "language"), &hearer->language) != OK) {
        hearer->language = LANGUAGE_JA;
    }
    if (hearer->to.size == 0) {
        hearer->passed = STR("has no URL");
    }
}

static enum err chain_step(const struct scope *scope, struct notify *notify,
                           const struct notice_row *notice, struct wall now, struct hearers *ret)
{
    const struct document *contacts =
        service_running(scope, notify->service, notice->client, STR("contacts"), NULL);
    const struct element *chain = chain_choose(list_of(contacts, "chains"), notice->chain);
    const struct element *steps = chain != NULL ? element_get(chain, "steps") : NULL;
    if (steps == NULL || steps->count == 0) {
        return chain_fallback(notify, notice, now, ret);
    }
    *ret = (struct hearers){.steps = steps->count};
    struct choice choice = {
        .notify = notify,
        .people = list_of(contacts, "people"),
        .gateways = list_of(contacts, "gateways"),
        .calendars =
            list_of(service_running(scope, notify->service, notice->client, STR("calendars"), NULL),
                    "calendars"),
        .now = now,
        .critical = notice->severity >= LEVEL_CRITICAL,
        .hearers = ret,
    };
    const struct element *step = steps->first;
    for (uint64_t i = notice->climbed % steps->count; i > 0; i--) {
        step = step->next;
    }
    ret->wait_ms = element_number(step, "wait", WAIT_MS);
    const struct element *to = element_get(step, "to");
    for (const struct element *at = to != NULL ? to->first : NULL;
         at != NULL && ret->count < HEARERS_MAX; at = at->next) {
        person_choose(&choice, at->text);
    }
    const struct element *gateways = element_get(step, "gateways");
    for (const struct element *at = gateways != NULL ? gateways->first : NULL; at != NULL;
         at = at->next) {
        gateway_choose(&choice, at->text);
    }
    return OK;
}

/* ---- Without a chain, and beside it. */

static bool has_role(struct notify *notify, uint32_t person, struct client_id client,
                     enum role role, struct wall now)
{
    struct scope *scope;
    if (scope_for_person(notify->tenant, person, STR("notice"), now, &scope) != OK) {
        return false;
    }
    bool has = scope_has_role(scope, client, role);
    scope_free(scope);
    return has;
}

static bool hears_already(const struct hearers *hearers, struct str mail)
{
    for (size_t i = 0; i < hearers->count; i++) {
        if (hearers->list[i].passed.size == 0 && str_equal_nocase(hearers->list[i].to, mail)) {
            return true;
        }
    }
    return false;
}

/* One of the portal's people, unless nobody can write to them or they hear already. */
static enum err account_add(struct notify *notify, const struct person_info *person,
                            struct hearers *ret)
{
    struct str contact;
    enum err err = arena_print(notify->scratch, &contact, "%.*s/%.*s", STR_ARG(person->party),
                               STR_ARG(person->slug));
    if (err != OK) {
        return err;
    }
    struct hearer *hearer =
        hears_already(ret, person->mail) ? NULL : hearer_new(ret, contact, OUTBOX_MAIL);
    if (hearer != NULL) {
        hearer->to = person->mail;
        hearer->language = person->language;
        hearer->name[LANGUAGE_JA] = person->name_ja.size > 0 ? person->name_ja : person->slug;
        hearer->name[LANGUAGE_EN] = person->name_en.size > 0 ? person->name_en : person->slug;
    }
    return OK;
}

enum err chain_role(struct notify *notify, struct client_id client, enum role role, struct wall now,
                    struct hearers *ret)
{
    struct person_info person;
    enum err err = OK;
    for (size_t i = 0; err == OK && tenant_person_at(notify->tenant, i, &person); i++) {
        if (person.active && text_is_mailbox(person.mail) &&
            has_role(notify, person.id, client, role, now)) {
            err = account_add(notify, &person, ret);
        }
    }
    return err;
}

enum err chain_person(struct notify *notify, uint32_t id, struct hearers *ret)
{
    struct person_info person;
    enum err err = tenant_person_get(notify->tenant, id, &person);
    if (err != OK || !person.active || !text_is_mailbox(person.mail)) {
        return err == ERR_NOT_FOUND ? OK : err;
    }
    return account_add(notify, &person, ret);
}

enum err chain_fallback(struct notify *notify, const struct notice_row *notice, struct wall now,
                        struct hearers *ret)
{
    static const enum role roles[] = {ROLE_RESPONSIBLE, ROLE_CONTACT, ROLE_PROVIDER_ADMIN};
    *ret = (struct hearers){.steps = 1, .wait_ms = WAIT_MS, .fallback = true};
    enum err err = OK;
    for (size_t i = 0; i < sizeof roles / sizeof *roles && ret->count == 0 && err == OK; i++) {
        err = chain_role(notify, notice->client, roles[i], now, ret);
    }
    return err;
}

static bool purpose_in(struct str purpose, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(purpose, str_from(list[i]))) {
            return true;
        }
    }
    return false;
}

enum err chain_hearers(const struct scope *scope, struct notify *notify,
                       const struct notice_row *notice, struct wall now, struct hearers *ret)
{
    static const char *const too[] = {"clock-warning", "clock-breach", "incident-reported",
                                      "device-trouble", "device-storm"};
    static const char *const alone[] = {"notice-unanswered",     "device-trouble-provider",
                                        "device-storm-provider", "chain-broken-provider",
                                        "disk-short-provider",   "disk-soon-provider"};
    static const enum role roles[] = {ROLE_ANALYST, ROLE_PROVIDER_ADMIN};
    bool provider = purpose_in(notice->purpose, alone, sizeof alone / sizeof *alone);
    *ret = (struct hearers){.steps = 1, .wait_ms = WAIT_MS};
    enum err err = provider ? OK : chain_step(scope, notify, notice, now, ret);
    provider = provider ||
               (notice->climbed == 0 && purpose_in(notice->purpose, too, sizeof too / sizeof *too));
    size_t before = ret->count;
    for (size_t i = 0; provider && i < 2 && ret->count == before && err == OK; i++) {
        err = chain_role(notify, notice->client, roles[i], now, ret);
    }
    return err;
}
