#pragma once

/*
 * What a client is given on paper: A4, Japanese or English, as PDF.
 *
 *     report_cover, report_certificate → bytes
 *
 * The same content gives the same bytes: the only time in a PDF is that which the caller names.
 * Texts come from outside (queries, purposes, names of sources): what is no UTF-8 and what controls
 * a terminal is replaced, what is too long for its place is cut with an ellipsis.
 *
 * Needs the fonts of Debian's fonts-noto-cjk; without them ERR_NOT_FOUND and a sentence.
 */

#include "base/buf.h"
#include "base/clock.h"
#include "base/why.h"
#include "words/words.h"

/* The folder of the fonts, for whoever confines a process that writes reports. */
#define REPORT_FONTS "/usr/share/fonts/opentype/noto"

struct report_source {
    struct str name;
    uint64_t lines, bytes;
    struct wall oldest, newest; /* of arrival */
};
struct report_part {
    struct str name;
    uint64_t size;
    struct str sha256; /* hexadecimal */
};
struct report_gap {
    struct str source;
    struct wall from, to;
    struct str what; /* in the page's language */
};

/* The covering page of a delivery.  Everything is borrowed for the call. */
struct report_cover {
    enum language language;
    struct wall now;
    struct str client, number; /* its name; of the request */
    struct str asked_by, approved_by, purpose;
    struct wall asked, approved; /* WALL_NONE: nobody was asked */
    struct wall from, to;
    struct str wanted, query, format; /* sources by name, empty: all; empty: everything */
    bool proof;
    uint64_t lines, bytes, others, leaves, heads, stamps, unsigned_lines, gone;
    const struct report_source *sources;
    size_t sources_count;
    const struct report_part *parts;
    size_t parts_count;
    const struct report_gap *gaps;
    size_t gaps_count;
    struct str anchor; /* hexadecimal */
    struct str version;
};
NODISCARD enum err report_cover(const struct report_cover *cover, struct buf *out, struct why *why);

/* That a client's data were destroyed. */
struct report_certificate {
    enum language language;
    struct wall now;
    struct str client, number;
    struct str asked_by, client_by, provider_by, reason;
    struct wall asked, client_at, provider_at, destroyed;
    struct str export_sha256;
    uint64_t export_size, events, rows, files;
    const struct report_part *keys; /* destroyed: name and the SHA-256 of its public half */
    size_t keys_count;
    struct str digest;     /* of the certificate in JSON, hexadecimal: what was signed */
    struct str signature;  /* hexadecimal */
    struct str public_key; /* hexadecimal, of the installation */
    struct str version;
};
NODISCARD enum err report_certificate(const struct report_certificate *certificate, struct buf *out,
                                      struct why *why);
