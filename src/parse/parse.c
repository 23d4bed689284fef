/*
 * The list of parsers, and the one that recognises.
 *
 * "auto" looks at how a record begins: a brace is JSON; "<Event" is a Windows event; "<13>" or a
 * time is syslog; what has the shape of an access log, of one of sshd's lines or of the packet
 * filter's is that.  A record that nobody recognises is kept whole as its own message, with a
 * reason.
 */

#include "parse/parse.h"

#include "parse/private.h"

struct parser {
    struct str name;
    const char *(*parse)(struct found *found); /* NULL, or why the record is not of the format */
};

static const char *auto_record(struct found *found);
static const char *json_record(struct found *found);
static const char *combined_record(struct found *found);
static const char *sshd_record(struct found *found);
static const char *winxml_record(struct found *found);
static const char *netfilter_record(struct found *found);

static const struct parser parsers[] = {
    {{"auto", 4}, auto_record},           {{"syslog", 6}, syslog_parse},
    {{"json", 4}, json_record},           {{"combined", 8}, combined_record},
    {{"sshd", 4}, sshd_record},           {{"winxml", 6}, winxml_record},
    {{"netfilter", 9}, netfilter_record},
};
static const char *const names[] = {"auto", "syslog", "json",      "combined",
                                    "sshd", "winxml", "netfilter", NULL};

enum err parser_find(struct str name, const struct parser **ret)
{
    for (size_t i = 0; i < sizeof parsers / sizeof parsers[0]; i++) {
        if (str_equal(parsers[i].name, name)) {
            *ret = &parsers[i];
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

const char *const *parser_names(void)
{
    return names;
}

void parse_record(const struct parser *parser, const struct parse_context *context,
                  struct builder *builder)
{
    struct found found;
    found_init(&found, context, builder);
    builder_parser(builder, parser->name);
    const char *reason = parser->parse(&found);
    if (reason != NULL) {
        builder_error(builder, str_from(reason));
    }
    found_done(&found);
}

static const char *auto_record(struct found *found)
{
    struct str text = str_trim(found->record);
    if (text.size > 0 && text.data[0] == '{') {
        builder_parser(found->builder, STR("json"));
        return json_record(found);
    }
    if (winxml_looks(text)) {
        builder_parser(found->builder, STR("winxml"));
        return winxml_record(found);
    }
    if (syslog_looks(found->record)) {
        builder_parser(found->builder, STR("syslog"));
        return syslog_parse(found);
    }
    if (combined_parse(found, text, (struct str){0})) {
        builder_parser(found->builder, STR("combined"));
        return NULL;
    }
    if (sshd_parse(found, text)) {
        builder_parser(found->builder, STR("sshd"));
        found_span(found, STR("message"), text);
        return NULL;
    }
    if (netfilter_parse(found, text)) {
        builder_parser(found->builder, STR("netfilter"));
        found_span(found, STR("message"), text);
        return NULL;
    }
    found_span(found, STR("message"), found->record);
    return "no parser recognises this record";
}

static const char *json_record(struct found *found)
{
    const char *reason = json_object_parse(found, found->record);
    if (reason != NULL) {
        /* Half of an object would look like the whole of another. */
        builder_unparse(found->builder);
        builder_parser(found->builder, STR("json"));
        found_span(found, STR("message"), found->record);
    }
    return reason;
}

/* Daemons' lines mostly come over syslog: a source is said to be sshd's or a web server's, and its
 * header is no part of what they say. */
static bool is_wrapped(struct found *found)
{
    if (!syslog_looks(found->record)) {
        return false;
    }
    builder_parser(found->builder, STR("syslog"));
    return true;
}

/* Forwarders wrap events into syslog, too. */
static const char *winxml_record(struct found *found)
{
    if (is_wrapped(found)) {
        return syslog_parse(found);
    }
    const char *reason = winxml_parse(found, str_trim(found->record));
    if (reason != NULL) {
        found_span(found, STR("message"), found->record);
    }
    return reason;
}

static const char *combined_record(struct found *found)
{
    if (is_wrapped(found)) {
        return syslog_parse(found);
    }
    if (combined_parse(found, str_trim(found->record), (struct str){0})) {
        return NULL;
    }
    found_span(found, STR("message"), found->record);
    return "not an access log line in the combined format";
}

static const char *sshd_record(struct found *found)
{
    if (is_wrapped(found)) {
        return syslog_parse(found);
    }
    struct str text = str_trim(found->record);
    found_span(found, STR("message"), text);
    builder_class(found->builder, STR("/linux/sshd"));
    (void)sshd_parse(found, text);
    return NULL;
}

static const char *netfilter_record(struct found *found)
{
    if (is_wrapped(found)) {
        return syslog_parse(found);
    }
    struct str text = str_trim(found->record);
    found_span(found, STR("message"), text);
    return netfilter_parse(found, text) ? NULL : "not a line of the packet filter";
}
