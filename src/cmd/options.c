/* The one reader of command lines. */

#include "cmd/options.h"

#include <stdio.h>
#include <string.h>

#include "codec/time.h"
#include "codec/yaml.h"

#define NAMES_MAX 32

static bool age_parse(struct str text, struct wall now, struct wall *ret)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    uint64_t count;
    if (text.size < 2 || str_to_u64(str_slice(text, 0, text.size - 1), 100000, &count) != OK) {
        return false;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (text.data[text.size - 1] == units[i].letter) {
            ret->ns = now.ns - (int64_t)count * units[i].seconds * NS_PER_SECOND;
            return true;
        }
    }
    return false;
}

static bool value_set(const struct option *option, const char *value, struct wall now)
{
    switch (option->kind) {
    case OPTION_TEXT:
        *(const char **)option->to = value;
        return true;
    case OPTION_NUMBER:
        return str_to_u64(str_from(value), UINT64_MAX, option->to) == OK;
    default:
        return time_parse(str_from(value), option->to) == OK ||
               age_parse(str_from(value), now, option->to);
    }
}

static enum options_result option_unknown(const char *command, struct str name,
                                          const struct option *options)
{
    const char *known[NAMES_MAX] = {0};
    for (size_t i = 0; options[i].name != NULL && i + 1 < NAMES_MAX; i++) {
        known[i] = options[i].name;
    }
    const char *near = yaml_suggest(name, known);
    (void)fprintf(stderr, "hinomi %s: there is no option --%.*s", command, STR_ARG(name));
    if (near != NULL) {
        (void)fprintf(stderr, "; did you mean --%s?\n", near);
    } else {
        (void)fprintf(stderr, "; see 'hinomi %s --help'\n", command);
    }
    return OPTIONS_WRONG;
}

enum options_result options_read(int argc, char **argv, const struct option *options,
                                 const char *usage, struct wall now, int *ret_words)
{
    int words = 0;
    bool ended = false;
    for (int i = 1; i < argc; i++) {
        if (ended || strncmp(argv[i], "--", 2) != 0) {
            argv[++words] = argv[i];
            continue;
        }
        if (argv[i][2] == '\0') {
            ended = true;
            continue;
        }
        struct str rest = str_from(argv[i] + 2);
        struct str name = str_cut(&rest, '=');
        if (str_equal(name, STR("help"))) {
            printf("%s", usage);
            return OPTIONS_HELP;
        }
        const struct option *option = options;
        while (option->name != NULL && !str_equal(name, str_from(option->name))) {
            option++;
        }
        if (option->name == NULL) {
            return option_unknown(argv[0], name, options);
        }
        if (option->kind == OPTION_FLAG) {
            *(bool *)option->to = true;
            continue;
        }
        const char *value = rest.data != NULL ? rest.data : i + 1 < argc ? argv[++i] : NULL;
        if (value == NULL || !value_set(option, value, now)) {
            (void)fprintf(stderr, "hinomi %s: --%s %s%s\n", argv[0], option->name,
                          value == NULL ? "needs a value" : "cannot be ",
                          value == NULL ? "" : value);
            return OPTIONS_WRONG;
        }
    }
    *ret_words = words;
    return OPTIONS_OK;
}
