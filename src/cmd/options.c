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
    case OPTION_TEXTS: {
        struct option_texts *texts = option->to;
        if (texts->count == OPTION_TEXTS_MAX) {
            return false;
        }
        texts->items[texts->count++] = value;
        return true;
    }
    case OPTION_NUMBER:
        return str_to_u64(str_from(value), UINT64_MAX, option->to) == OK;
    default:
        return time_parse(str_from(value), option->to) == OK ||
               age_parse(str_from(value), now, option->to);
    }
}

static enum options_result value_wrong(const char *command, const struct option *option,
                                       const char *value)
{
    static const char *const wanted[] = {
        [OPTION_FLAG] = "takes no value, not",
        [OPTION_TEXT] = "takes a text, not",
        [OPTION_NUMBER] = "takes a number, not",
        [OPTION_TIME] = "takes a time such as 2026-11-21T08:00:00Z, 2026-11-21 or 6h, not",
        [OPTION_TEXTS] = "is there too often, last with",
    };
    if (value == NULL) {
        (void)fprintf(stderr, "hinomi %s: --%s needs a value\n", command, option->name);
    } else {
        (void)fprintf(stderr, "hinomi %s: --%s %s '%s'\n", command, option->name,
                      wanted[option->kind], value);
    }
    return OPTIONS_WRONG;
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
            if (rest.data != NULL) {
                return value_wrong(argv[0], option, rest.data);
            }
            *(bool *)option->to = true;
            continue;
        }
        const char *value = rest.data != NULL ? rest.data : i + 1 < argc ? argv[++i] : NULL;
        if (value == NULL || !value_set(option, value, now)) {
            return value_wrong(argv[0], option, value);
        }
    }
    *ret_words = words;
    return OPTIONS_OK;
}

bool options_alone(char **argv, int words)
{
    if (words > 0) {
        (void)fprintf(stderr, "hinomi %s: what is '%s' for? see 'hinomi %s --help'\n", argv[0],
                      argv[1], argv[0]);
    }
    return words == 0;
}
