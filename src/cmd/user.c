/* hinomi user: people who sign in.  Made of operations of the API (docs/api.yaml); for people they
 * are printed as a table and as sentences, for programs as they came. */

#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "cmd/ask.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "sys/clocks.h"

/* An answer is at most what desk lets out of one operation. */
#define ANSWER_MEMORY ((size_t)256 << 20)

static const char usage[] =
    "usage: hinomi user list CLIENT [--json] [--data DIR]\n"
    "       hinomi user invite PARTY/PERSON [--json] [--data DIR]\n"
    "\n"
    "list    the people of a client, and whether they can sign in\n"
    "invite  prints a code with which a person chooses a password; it works once, for three days\n"
    "\n"
    "--json prints what the API answers.\n";

static enum err gather(void *context, struct str piece)
{
    return buf_append(context, piece);
}

/* What stands under a key as text; a half of a name that is missing is empty. */
static struct str text_of(const struct yaml_node *node, const char *key)
{
    const struct yaml_node *value = node != NULL ? yaml_get(node, str_from(key)) : NULL;
    return value != NULL && value->kind == YAML_SCALAR ? value->text : STR("");
}

static const char *state_of(const struct yaml_node *person)
{
    if (!str_equal(text_of(person, "active"), STR("true"))) {
        return "has left";
    }
    return str_equal(text_of(person, "has_password"), STR("true")) ? "signs in" : "no password yet";
}

static int wider(int width, struct str text)
{
    return text.size > (size_t)width && text.size < 256 ? (int)text.size : width;
}

/* Names stand last: how wide Japanese ones are is the terminal's affair. */
static void people_print(const struct yaml_node *root)
{
    const struct yaml_node *people = yaml_get(root, STR("people"));
    const struct yaml_node *first = people != NULL ? people->first : NULL;
    int person_width = (int)sizeof "person" - 1;
    int mail_width = (int)sizeof "mail" - 1;
    for (const struct yaml_node *person = first; person != NULL; person = person->next) {
        person_width = wider(person_width, text_of(person, "person"));
        mail_width = wider(mail_width, text_of(person, "mail"));
    }
    printf("%-*s  %-*s  %-8s  %-15s  name\n", person_width, "person", mail_width, "mail",
           "language", "state");
    for (const struct yaml_node *person = first; person != NULL; person = person->next) {
        const struct yaml_node *name = yaml_get(person, STR("name"));
        struct str ja = text_of(name, "ja");
        struct str en = text_of(name, "en");
        printf("%-*.*s  %-*.*s  %-8.*s  %-15s  %.*s%s%.*s\n", person_width,
               STR_ARG(text_of(person, "person")), mail_width, STR_ARG(text_of(person, "mail")),
               STR_ARG(text_of(person, "language")), state_of(person), STR_ARG(ja),
               ja.size > 0 && en.size > 0 ? " / " : "", STR_ARG(en));
    }
}

static void invitation_print(const struct yaml_node *root, const char *person)
{
    printf("%.*s\n"
           "With this code %s chooses a password: POST /api/v1/invitation/use at the portal,\n"
           "{\"token\": CODE, \"password\": …}.  It works once, for three days; another invitation "
           "ends it.\n",
           STR_ARG(text_of(root, "token")), person);
}

/* Asks for an operation; prints its answer by `person` as an invitation, without as a list. */
static int operation(const char *command, const char *data, const char *argument,
                     const char *person, bool json)
{
    const struct control_request request = {
        .command = CONTROL_API, .argument = str_from(argument), .from = WALL_NONE, .to = WALL_NONE};
    struct buf answer;
    struct why why = {0};
    struct yaml_node *root;
    buf_init(&answer, ANSWER_MEMORY);
    struct arena *mem = arena_new(ANSWER_MEMORY);
    int code = ask_into(command, data, NULL, &request, gather, &answer);
    if (code == 0 && json) {
        code = ask_print(NULL, buf_str(&answer)) == OK && putchar('\n') != EOF ? 0 : 74;
    } else if (code == 0) {
        enum err err = mem == NULL ? ERR_MEMORY : json_parse(buf_str(&answer), mem, &root, &why);
        if (err != OK) {
            (void)fprintf(stderr, "hinomi %s: %s\n", command, why_text(&why, err));
            code = 74;
        } else if (person != NULL) {
            invitation_print(root, person);
        } else {
            people_print(root);
        }
    }
    arena_free(mem);
    buf_done(&answer);
    return fflush(stdout) == 0 ? code : 74;
}

int cmd_user(int argc, char **argv)
{
    const char *data = NULL;
    bool json = false;
    const struct option options[] = {
        {"data", OPTION_TEXT, &data}, {"json", OPTION_FLAG, &json}, {0}};
    char argument[2 * SLUG_SIZE_MAX + 64];
    int words;
    enum options_result result = options_read(argc, argv, options, usage, wall_now(), &words);
    if (result != OPTIONS_OK) {
        return result == OPTIONS_HELP ? 0 : 64;
    }
    struct str named = words == 2 ? str_from(argv[2]) : STR("");
    struct str party = str_cut(&named, '/');
    if (words == 2 && strcmp(argv[1], "list") == 0 && str_is_slug(str_from(argv[2]))) {
        (void)snprintf(argument, sizeof argument, "GET /clients/%s/people", argv[2]);
        return operation("user list", ask_data(data), argument, NULL, json);
    }
    /* Words of a command line become a path: nothing but slugs, so nothing ends a part of it. */
    if (words == 2 && strcmp(argv[1], "invite") == 0 && str_is_slug(party) && str_is_slug(named)) {
        (void)snprintf(argument, sizeof argument, "POST /people/%s/invitation", argv[2]);
        return operation("user invite", ask_data(data), argument, argv[2], json);
    }
    (void)fprintf(stderr, "%s", usage);
    return 64;
}
