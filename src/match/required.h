#pragma once

/*
 * What a search requires of an event, for whoever keeps filters and wants to pass events over
 * unread (archive/).  It is a tree that says less than the search, never more: an event that fits
 * the search has what the tree asks for; an event that has it may still not fit.
 *
 *     query_parse → query_required → … → query_free
 *
 * A field is named as in event/batch.h; besides the spans' names there are event.original (the
 * record), hinomi.parser, hinomi.class and hinomi.parse_error.  A field's values are its spans in
 * readable form (event_value), so with JSON's escapes undone.  An empty name means anywhere: the
 * record as it was received, or any value.
 *
 * Searches compare texts folded: key filters on search_fold of readable values.
 */

#include "base/arena.h"
#include "codec/network.h"
#include "match/match.h"

/*
 * The text as searches compare it: Unicode's NFKC_Casefold, then katakana as hiragana; so width,
 * case, compatibility forms and the two kana do not count.  Borrowed if it is so already, else made
 * in mem.  Bytes that are not UTF-8 stay as they are.
 *
 * A text of ASCII alone keeps its bytes but for A to Z, which become a to z.  Any other text may
 * change its size, and even its ASCII characters may go (e and a combining accent become one) or
 * come (full-width letters become ASCII).  So what is found in a folded text may be in none of its
 * bytes, and whoever looks at unfolded bytes must let texts with bytes from 0x80 pass.
 */
NODISCARD enum err search_fold(struct str text, struct arena *mem, struct str *ret);

enum required_kind {
    REQUIRED_NOTHING, /* any event may fit */
    REQUIRED_NEVER,   /* no event fits */
    REQUIRED_ALL,     /* of the children; never of none */
    REQUIRED_ANY,     /* of the children; never of none */
    REQUIRED_TEXT,    /* a folded value of the field equals, begins or ends with, or holds `text` */
    REQUIRED_NUMBER,  /* a value of the field is a decimal number from low to high, both included */
    REQUIRED_NETWORK, /* a value of the field is an address in the network */
    REQUIRED_PRESENT, /* the field is there, with any value or JSON's null */
};

enum required_how { REQUIRED_EQUALS, REQUIRED_BEGINS, REQUIRED_ENDS, REQUIRED_HOLDS };

struct required {
    enum required_kind kind;
    enum required_how how;            /* REQUIRED_TEXT */
    const struct required **children; /* REQUIRED_ALL, REQUIRED_ANY */
    size_t count;
    struct str field; /* the last four; empty: anywhere, of REQUIRED_TEXT alone */
    struct str text;  /* folded; empty only if it equals */
    double low, high; /* infinite where there is no end */
    struct network network;
};

/* Made in mem, with texts that are the query's own. */
NODISCARD enum err query_required(const struct query *query, struct arena *mem,
                                  const struct required **ret);
