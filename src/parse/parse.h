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

/* What the header lines of streams said of those that follow (Zeek's "#fields", W3C's "#Fields"): 8
 * KiB for each stream that has any, PARSE_STREAMS_MAX of them at most.
 *
 *     parse_memory_new → parse_record … → parse_memory_free
 */
struct parse_memory;
struct parse_memory *parse_memory_new(void); /* NULL when out of memory. */
void parse_memory_free(struct parse_memory *memory);
void parse_memory_forget(struct parse_memory *memory); /* all streams */

struct parse_context {
    struct wall received; /* gives RFC 3164 its year, never anything else */
    int32_t zone_seconds; /* east of UTC, for times that do not say their zone */
    struct str sender;    /* address of the peer, "" if there is none: log.source.address */
    /* From then on another offset holds, where a zone has summer time; zero or WALL_NONE: there is
     * no such moment. */
    struct wall zone_until;
    int32_t zone_next_seconds;
    struct str charset;          /* of the records: "" or "auto" recognises, else charset_names */
    struct parse_memory *memory; /* NULL: header lines mean nothing */
    uint64_t stream;             /* whose header lines they are: a source, a file */
};

/* Parses the record begun in `builder`.  Sets spans, class, parser, time and error. */
void parse_record(const struct parser *parser, const struct parse_context *context,
                  struct builder *builder);
