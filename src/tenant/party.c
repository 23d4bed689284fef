/*
 * The elements of an apply file that tell who somebody is: a party with its people, and a client's
 * engagements with the people assigned in them.
 *
 * Read and printed as in element.c: canonical JSON, whose SHA-256 names the version, and which the
 * same functions read back.  Kinds and roles are sets and are printed in the order of their enums;
 * times are printed in UTC, to the microsecond.
 *
 * Always true: print(read(print(x))) equals print(x).  A person has one role at least, and only
 * roles that a party of that kind can give.  Whether the party of an engagement and the people
 * assigned in it exist is not looked at here; see change_people.c.
 */

#include "base/limits.h"
#include "codec/time.h"
#include "tenant/private.h"

#define MAIL_SIZE_MAX  254 /* RFC 5321, section 4.5.3.1.3, without the angle brackets */
#define MAIL_LOCAL_MAX 64  /* section 4.5.3.1.1 */
#define STATES_TEXT    "planning, selection, contract, build, test, steady or ended"
/* Times of engagements stand between 1970 and 2200. */
#define TIME_NS_MAX (7258118400LL * NS_PER_SECOND)

static const struct {
    const char *name;
    uint32_t roles;
} kinds[PARTY_KIND_COUNT] = {
    [PARTY_PROVIDER] = {"provider", PROVIDER_ROLES},
    [PARTY_AUDITOR] = {"auditor", 1u << ROLE_AUDITOR},
    [PARTY_BIDDER] = {"bidder", 1u << ROLE_BIDDER},
};

static const char *const states[ENGAGEMENT_STATE_COUNT] = {
    [ENGAGEMENT_PLANNING] = "planning", [ENGAGEMENT_SELECTION] = "selection",
    [ENGAGEMENT_CONTRACT] = "contract", [ENGAGEMENT_BUILD] = "build",
    [ENGAGEMENT_TEST] = "test",         [ENGAGEMENT_STEADY] = "steady",
    [ENGAGEMENT_ENDED] = "ended",
};

static enum err kinds_read(const struct yaml_node *party, uint32_t *ret, struct why *why);
static enum err roles_read(const struct yaml_node *person, uint32_t allowed, uint32_t *ret,
                           struct why *why);
static enum err mail_read(const struct yaml_node *node, struct str *ret, struct why *why);
static enum err language_read(const struct yaml_node *node, enum language *ret, struct why *why);
static enum err time_read(const struct yaml_node *node, struct wall *ret, struct why *why);
static enum err engaged_read(const struct yaml_node *node, struct engagement_element *engagement,
                             struct why *why);
static enum err assignments_read(const struct yaml_node *node, struct arena *mem,
                                 struct engagement_element *engagement, struct why *why);

uint32_t party_roles(uint32_t mask)
{
    uint32_t roles = 0;
    for (int i = 0; i < PARTY_KIND_COUNT; i++) {
        roles |= (mask & 1u << i) != 0 ? kinds[i].roles : 0;
    }
    return roles;
}

/* ---- Reading. */

enum err party_read(const struct yaml_node *node, bool whole, struct arena *mem,
                    struct party_element *ret, struct why *why)
{
    static const char *const known[] = {"slug", "name", "kinds", "people", NULL};
    struct party_element party = {.line = node->line, .column = node->column};
    enum err err = element_keys(node, known, "a party", why);
    if (err == OK) {
        err = element_slug(node, "party", &party.slug, why);
    }
    if (err == OK) {
        err = element_name(yaml_get(node, STR("name")), &party.name, why);
    }
    if (err == OK) {
        err = kinds_read(node, &party.kinds, why);
    }
    if (err == OK && whole) {
        err = people_read(yaml_get(node, STR("people")), party_roles(party.kinds), mem,
                          &party.people, why);
    }
    if (err == OK) {
        *ret = party;
    }
    return err;
}

enum err person_read(const struct yaml_node *node, uint32_t roles, struct person_element *ret,
                     struct why *why)
{
    static const char *const known[] = {"slug", "name", "mail", "language", "roles", NULL};
    struct person_element person = {.line = node->line, .column = node->column};
    enum err err = element_keys(node, known, "a person", why);
    if (err == OK) {
        err = element_slug(node, "person", &person.slug, why);
    }
    if (err == OK) {
        err = element_name(yaml_get(node, STR("name")), &person.name, why);
    }
    if (err == OK) {
        err = mail_read(yaml_get(node, STR("mail")), &person.mail, why);
    }
    if (err == OK) {
        err = language_read(yaml_get(node, STR("language")), &person.language, why);
    }
    if (err == OK) {
        err = roles_read(node, roles, &person.roles, why);
    }
    if (err == OK) {
        *ret = person;
    }
    return err;
}

enum err people_read(const struct yaml_node *node, uint32_t roles, struct arena *mem,
                     struct people *ret, struct why *why)
{
    struct people people = {0};
    if (node == NULL || yaml_is_null(node)) {
        return OK;
    }
    if (node->kind != YAML_SEQUENCE || node->count > PEOPLE_MAX) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "people is a list of at most %d people", PEOPLE_MAX);
    }
    people.list = ARENA_ARRAY(mem, struct person_element, node->count);
    enum err err = people.list == NULL ? ERR_MEMORY : OK;
    for (const struct yaml_node *item = node->first; item != NULL && err == OK; item = item->next) {
        err = person_read(item, roles, &people.list[people.count++], why);
    }
    if (err == OK) {
        *ret = people;
    }
    return err;
}

enum err engagement_read(const struct yaml_node *node, struct arena *mem,
                         struct engagement_element *ret, struct why *why)
{
    static const char *const known[] = {"slug", "party",       "state", "from",
                                        "to",   "assignments", NULL};
    struct engagement_element engagement = {
        .line = node->line, .column = node->column, .from = WALL_NONE, .to = WALL_NONE};
    enum err err = element_keys(node, known, "an engagement", why);
    if (err == OK) {
        err = element_slug(node, "engagement", &engagement.slug, why);
    }
    if (err == OK) {
        err = engaged_read(node, &engagement, why);
    }
    if (err == OK) {
        err = time_read(yaml_get(node, STR("from")), &engagement.from, why);
    }
    const struct yaml_node *to = yaml_get(node, STR("to"));
    if (err == OK) {
        err = time_read(to, &engagement.to, why);
    }
    if (err == OK && wall_known(engagement.to) && engagement.to.ns <= engagement.from.ns) {
        err = why_say_at(why, ERR_SYNTAX, to->line, to->column,
                         "'to' is not after 'from'; an engagement ends after it begins");
    }
    if (err == OK) {
        err = assignments_read(yaml_get(node, STR("assignments")), mem, &engagement, why);
    }
    if (err == OK) {
        *ret = engagement;
    }
    return err;
}

enum err engagements_read(const struct yaml_node *node, struct arena *mem,
                          struct client_element *client, struct why *why)
{
    if (node == NULL || yaml_is_null(node)) {
        return OK;
    }
    if (node->kind != YAML_SEQUENCE || node->count > ENGAGEMENTS_MAX) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "engagements is a list of at most %d engagements", ENGAGEMENTS_MAX);
    }
    client->engagements = ARENA_ARRAY(mem, struct engagement_element, node->count);
    enum err err = client->engagements == NULL ? ERR_MEMORY : OK;
    for (const struct yaml_node *item = node->first; item != NULL && err == OK; item = item->next) {
        err = engagement_read(item, mem, &client->engagements[client->engagements_count++], why);
    }
    return err;
}

static enum err kinds_read(const struct yaml_node *party, uint32_t *ret, struct why *why)
{
    const struct yaml_node *list = yaml_get(party, STR("kinds"));
    const struct yaml_node *at = list != NULL ? list : party;
    uint32_t mask = 0;
    for (const struct yaml_node *item = list != NULL ? list->first : NULL; item != NULL;
         item = item->next) {
        uint32_t before = mask;
        at = item;
        for (int i = 0; i < PARTY_KIND_COUNT && item->kind == YAML_SCALAR; i++) {
            mask |= str_equal(item->text, str_from(kinds[i].name)) ? 1u << i : 0;
        }
        if (mask == before) {
            mask = 0;
            break;
        }
    }
    if (mask == 0 || list->kind != YAML_SEQUENCE) {
        return why_say_at(why, ERR_SYNTAX, at->line, at->column,
                          "a party says once what it is: 'kinds: [provider]', also auditor and "
                          "bidder");
    }
    *ret = mask;
    return OK;
}

/* What is allowed, for a sentence: "provider-admin, engineer". */
static const char *roles_text(uint32_t allowed, char text[200])
{
    size_t size = 0;
    for (int i = 0; i < ROLE_COUNT; i++) {
        if ((allowed & 1u << i) == 0) {
            continue;
        }
        for (const char *from = size > 0 ? ", " : ""; *from != '\0' && size < 190; from++) {
            text[size++] = *from;
        }
        for (const char *from = role_text((enum role)i); *from != '\0' && size < 190; from++) {
            text[size++] = *from;
        }
    }
    text[size] = '\0';
    return text;
}

static enum err roles_read(const struct yaml_node *person, uint32_t allowed, uint32_t *ret,
                           struct why *why)
{
    const struct yaml_node *list = yaml_get(person, STR("roles"));
    char text[200];
    uint32_t mask = 0;
    if (list == NULL || list->kind != YAML_SEQUENCE || list->count == 0) {
        const struct yaml_node *at = list != NULL ? list : person;
        return why_say_at(why, ERR_SYNTAX, at->line, at->column,
                          "a person has roles, a list of: %s", roles_text(allowed, text));
    }
    for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
        enum role role;
        if (item->kind != YAML_SCALAR || role_parse(item->text, &role) != OK ||
            (allowed & 1u << role) == 0) {
            return why_say_at(why, ERR_SYNTAX, item->line, item->column,
                              "people of this party have no such role; write %s",
                              roles_text(allowed, text));
        }
        if ((mask & 1u << role) != 0) {
            return why_say_at(why, ERR_SYNTAX, item->line, item->column,
                              "the role '%s' stands here twice; remove one", role_text(role));
        }
        mask |= 1u << role;
    }
    *ret = mask;
    return OK;
}

/* One address that goes into a mail's envelope as it is: the plain part of RFC 5321, section 4.1.2,
 * without quoted texts and address literals. */
static bool mail_valid(struct str mail)
{
    static const char special[] = "\"(),:;<>[\\]";
    size_t at = str_find_byte(mail, '@');
    if (mail.size > MAIL_SIZE_MAX || at == STR_NONE || at == 0 || at > MAIL_LOCAL_MAX) {
        return false;
    }
    for (size_t i = 0; i < at; i++) {
        char c = mail.data[i];
        if (c <= ' ' || c >= 0x7f || str_find_byte(STR(special), c) != STR_NONE) {
            return false;
        }
    }
    char before = '.';
    for (size_t i = at + 1; i < mail.size; i++) {
        char c = mail.data[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && ((c != '.' && c != '-') || before == '.')) {
            return false;
        }
        before = c;
    }
    return before != '.' && before != '-' && mail.data[0] != '-' && mail.data[0] != '.';
}

static enum err mail_read(const struct yaml_node *node, struct str *ret, struct why *why)
{
    if (node == NULL || yaml_is_null(node) || (node->kind == YAML_SCALAR && node->text.size == 0)) {
        return OK;
    }
    if (node->kind != YAML_SCALAR || !mail_valid(node->text)) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "write one mail address, such as someone@acme.example");
    }
    *ret = node->text;
    return OK;
}

static enum err language_read(const struct yaml_node *node, enum language *ret, struct why *why)
{
    *ret = LANGUAGE_JA;
    if (node == NULL || (node->kind == YAML_SCALAR && language_parse(node->text, ret) == OK)) {
        return OK;
    }
    return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                      "there are two languages; write ja or en");
}

static enum err time_read(const struct yaml_node *node, struct wall *ret, struct why *why)
{
    struct wall wall;
    if (node == NULL || yaml_is_null(node)) {
        return OK;
    }
    if (node->kind != YAML_SCALAR || time_parse(node->text, &wall) != OK || wall.ns < 0 ||
        wall.ns >= TIME_NS_MAX) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "write a moment between 1970 and 2200 with its zone, such as "
                          "2026-04-01T00:00:00+09:00");
    }
    ret->ns = wall.ns - wall.ns % 1000;
    return OK;
}

/* Whom, and how far. */
static enum err engaged_read(const struct yaml_node *node, struct engagement_element *engagement,
                             struct why *why)
{
    const struct yaml_node *party = yaml_get(node, STR("party"));
    const struct yaml_node *state = yaml_get(node, STR("state"));
    if (party == NULL || party->kind != YAML_SCALAR || !str_is_slug(party->text)) {
        const struct yaml_node *at = party != NULL ? party : node;
        return why_say_at(why, ERR_SYNTAX, at->line, at->column,
                          "an engagement needs 'party:' with the slug of a provider, auditor or "
                          "bidder");
    }
    engagement->party = party->text;
    engagement->party_line = party->line;
    engagement->party_column = party->column;
    for (int i = 0; state != NULL && state->kind == YAML_SCALAR && i < ENGAGEMENT_STATE_COUNT;
         i++) {
        if (str_equal(state->text, str_from(states[i]))) {
            engagement->state = (enum engagement_state)i;
            return OK;
        }
    }
    const struct yaml_node *at = state != NULL ? state : node;
    return why_say_at(why, ERR_SYNTAX, at->line, at->column,
                      "an engagement needs 'state:'; write " STATES_TEXT);
}

static enum err assignment_read(const struct yaml_node *node, struct assignment *ret,
                                struct why *why)
{
    static const char *const known[] = {"person", "role", NULL};
    struct assignment assignment = {.line = node->line, .column = node->column};
    enum err err = element_keys(node, known, "an assignment", why);
    const struct yaml_node *person = yaml_get(node, STR("person"));
    const struct yaml_node *role = yaml_get(node, STR("role"));
    if (err != OK) {
        return err;
    }
    if (person == NULL || person->kind != YAML_SCALAR || !str_is_slug(person->text)) {
        const struct yaml_node *at = person != NULL ? person : node;
        return why_say_at(why, ERR_SYNTAX, at->line, at->column,
                          "an assignment needs 'person:' with the slug of one of the party's "
                          "people");
    }
    assignment.person = person->text;
    if (role == NULL || role->kind != YAML_SCALAR ||
        role_parse(role->text, &assignment.role) != OK ||
        (CLIENT_ROLES & 1u << assignment.role) != 0) {
        const struct yaml_node *at = role != NULL ? role : node;
        char text[200];
        return why_say_at(why, ERR_SYNTAX, at->line, at->column,
                          "an assignment needs 'role:'; write one of %s",
                          roles_text(ROLES_KNOWN & ~CLIENT_ROLES, text));
    }
    *ret = assignment;
    return OK;
}

static enum err assignments_read(const struct yaml_node *node, struct arena *mem,
                                 struct engagement_element *engagement, struct why *why)
{
    if (node == NULL || yaml_is_null(node)) {
        return OK;
    }
    if (node->kind != YAML_SEQUENCE || node->count > ASSIGNMENTS_MAX) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "assignments is a list of at most %d assignments", ASSIGNMENTS_MAX);
    }
    engagement->assignments = ARENA_ARRAY(mem, struct assignment, node->count);
    enum err err = engagement->assignments == NULL ? ERR_MEMORY : OK;
    for (const struct yaml_node *item = node->first; item != NULL && err == OK; item = item->next) {
        struct assignment *here = &engagement->assignments[engagement->assignments_count];
        err = assignment_read(item, here, why);
        for (size_t i = 0; i < engagement->assignments_count && err == OK; i++) {
            const struct assignment *other = &engagement->assignments[i];
            if (other->role == here->role && str_equal(other->person, here->person)) {
                err = why_say_at(why, ERR_SYNTAX, here->line, here->column,
                                 "this assignment stands in line %u already; remove one",
                                 other->line);
            }
        }
        engagement->assignments_count += err == OK;
    }
    return err;
}

/* ---- Printing. */

static void print_set(struct printer *printer, uint32_t mask, const char *(*name)(int), int count,
                      const char *quote)
{
    const char *between = "";
    print_text(printer, "[");
    for (int i = 0; i < count; i++) {
        if ((mask & 1u << i) != 0) {
            print_text(printer, between);
            print_text(printer, quote);
            print_text(printer, name(i));
            print_text(printer, quote);
            between = *quote != '\0' ? "," : ", ";
        }
    }
    print_text(printer, "]");
}

static const char *kind_name(int kind)
{
    return kinds[kind].name;
}

static const char *role_name(int role)
{
    return role_text((enum role)role);
}

static void print_time(struct printer *printer, const char *before, struct wall wall,
                       const char *after)
{
    char text[TIME_TEXT_SIZE];
    if (wall_known(wall)) {
        print_text(printer, before);
        print_text(printer, "\"");
        print_text(printer, time_print(wall, text));
        print_text(printer, "\"");
        print_text(printer, after);
    }
}

enum err party_print(const struct party_element *party, struct buf *out)
{
    struct printer printer = {out, OK};
    print_text(&printer, "{\"kinds\":");
    print_set(&printer, party->kinds, kind_name, PARTY_KIND_COUNT, "\"");
    print_text(&printer, ",\"name\":");
    print_name(&printer, &party->name);
    print_text(&printer, ",\"slug\":");
    print_json(&printer, party->slug);
    print_text(&printer, "}");
    return printer.err;
}

enum err person_print(const struct person_element *person, struct buf *out)
{
    struct printer printer = {out, OK};
    print_text(&printer, "{\"language\":\"");
    print_text(&printer, language_text(person->language));
    print_text(&printer, "\",\"mail\":");
    print_json(&printer, person->mail);
    print_text(&printer, ",\"name\":");
    print_name(&printer, &person->name);
    print_text(&printer, ",\"roles\":");
    print_set(&printer, person->roles, role_name, ROLE_COUNT, "\"");
    print_text(&printer, ",\"slug\":");
    print_json(&printer, person->slug);
    print_text(&printer, "}");
    return printer.err;
}

enum err engagement_print(const struct engagement_element *engagement, struct buf *out)
{
    struct printer printer = {out, OK};
    print_text(&printer, "{\"assignments\":[");
    for (size_t i = 0; i < engagement->assignments_count; i++) {
        print_text(&printer, i > 0 ? ",{\"person\":" : "{\"person\":");
        print_json(&printer, engagement->assignments[i].person);
        print_text(&printer, ",\"role\":\"");
        print_text(&printer, role_text(engagement->assignments[i].role));
        print_text(&printer, "\"}");
    }
    print_text(&printer, "],");
    print_time(&printer, "\"from\":", engagement->from, ",");
    print_text(&printer, "\"party\":");
    print_json(&printer, engagement->party);
    print_text(&printer, ",\"slug\":");
    print_json(&printer, engagement->slug);
    print_text(&printer, ",\"state\":\"");
    print_text(&printer, states[engagement->state]);
    print_text(&printer, "\"");
    print_time(&printer, ",\"to\":", engagement->to, "");
    print_text(&printer, "}");
    return printer.err;
}

void people_lines(struct printer *printer, const struct person_element *const *people, size_t count)
{
    print_text(printer, count > 0 ? "    people:\n" : "");
    for (size_t i = 0; i < count; i++) {
        print_text(printer, "      - slug: ");
        print_json(printer, people[i]->slug);
        print_text(printer, "\n");
        print_name_lines(printer, "        ", &people[i]->name);
        if (people[i]->mail.size > 0) {
            print_text(printer, "        mail: ");
            print_json(printer, people[i]->mail);
            print_text(printer, "\n");
        }
        print_text(printer, "        language: ");
        print_text(printer, language_text(people[i]->language));
        print_text(printer, "\n        roles: ");
        print_set(printer, people[i]->roles, role_name, ROLE_COUNT, "");
        print_text(printer, "\n");
    }
}

void engagements_lines(struct printer *printer, const struct engagement_element *const *engagements,
                       size_t count)
{
    print_text(printer, count > 0 ? "    engagements:\n" : "");
    for (size_t i = 0; i < count; i++) {
        const struct engagement_element *engagement = engagements[i];
        print_text(printer, "      - slug: ");
        print_json(printer, engagement->slug);
        print_text(printer, "\n        party: ");
        print_json(printer, engagement->party);
        print_text(printer, "\n        state: ");
        print_text(printer, states[engagement->state]);
        print_text(printer, "\n");
        print_time(printer, "        from: ", engagement->from, "\n");
        print_time(printer, "        to: ", engagement->to, "\n");
        print_text(printer, engagement->assignments_count > 0 ? "        assignments:\n" : "");
        for (size_t j = 0; j < engagement->assignments_count; j++) {
            print_text(printer, "          - {person: ");
            print_json(printer, engagement->assignments[j].person);
            print_text(printer, ", role: ");
            print_text(printer, role_text(engagement->assignments[j].role));
            print_text(printer, "}\n");
        }
    }
}

enum err party_export(const struct party_element *party, const struct person_element *const *people,
                      size_t count, struct buf *out)
{
    struct printer printer = {out, OK};
    print_text(&printer, "  - slug: ");
    print_json(&printer, party->slug);
    print_text(&printer, "\n");
    print_name_lines(&printer, "    ", &party->name);
    print_text(&printer, "    kinds: ");
    print_set(&printer, party->kinds, kind_name, PARTY_KIND_COUNT, "");
    print_text(&printer, "\n");
    people_lines(&printer, people, count);
    return printer.err;
}
