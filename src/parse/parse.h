#pragma once

/*
 * Records into named fields.  A parser adds spans over the record that stands begun in a builder;
 * names are ECS names where ECS has one, the vendor's own otherwise.
 *
 *     parser_find → (builder_begin) → parse_record → (builder_end)
 *
 * A record that fails to parse keeps its bytes and says why in the event's error; parse_record
 * never fails for what the record holds.
 */

#include "base/clock.h"
#include "event/builder.h"

struct parser;

/* By name: "auto" (recognises), "syslog" (RFC 3164 and RFC 5424; the message is parsed further if
 * its program is known), "json", "combined" (Apache and nginx access logs), "sshd", "winxml"
 * (Windows events as XML), "netfilter" (iptables and nftables).
 * ERR_NOT_FOUND for others. */
NODISCARD enum err parser_find(struct str name, const struct parser **ret);
/* The names that parser_find knows, NULL at the end; for messages and --help. */
const char *const *parser_names(void);

struct parse_context {
    struct wall received; /* gives RFC 3164 its year, never anything else */
    int32_t zone_seconds; /* east of UTC, for times that do not say their zone */
    struct str sender;    /* address of the peer, "" if there is none: log.source.address */
};

/* Parses the record begun in `builder`.  Sets spans, class, parser, time and error. */
void parse_record(const struct parser *parser, const struct parse_context *context,
                  struct builder *builder);
