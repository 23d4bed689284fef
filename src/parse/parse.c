/*
 * The list of parsers, made of the files in parsers/, and the one that recognises.
 *
 * "auto" is no parser of its own: it asks all of them (recognise.c).  A parser that was named is
 * asked first; what it does not know is recognised, so that a device that speaks in several ways is
 * understood all the same.
 */

#include "parse/parse.h"

#include "parse/private.h"

static const struct parser parser_auto = {.name = {"auto", 4}};

enum err parser_find(struct str name, const struct parser **ret)
{
    if (str_equal(name, parser_auto.name)) {
        *ret = &parser_auto;
        return OK;
    }
    for (size_t i = 0; i < parse_table_count; i++) {
        if (str_equal(parse_table[i].name, name)) {
            *ret = &parse_table[i];
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

/* NULL for "auto", and for a name that there is not. */
const struct parser *parser_named(struct str name)
{
    const struct parser *parser;
    return parser_find(name, &parser) == OK && parser != &parser_auto ? parser : NULL;
}

const char *const *parser_names(void)
{
    return parse_table_names;
}

void parse_record(const struct parser *parser, const struct parse_context *context,
                  struct builder *builder)
{
    struct found found;
    found_init(&found, context, builder);
    found_parser(&found, parser->name);
    struct str text = text_of(&found);
    const char *reason = recognise_as(&found, parser == &parser_auto ? NULL : parser, text);
    if (reason != NULL) {
        builder_error(builder, str_from(reason));
    }
    found_done(&found);
}
