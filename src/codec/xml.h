#pragma once

/*
 * XML from outside, element by element (the door to libexpat): no document types, hence no entities
 * but the five of XML itself, and nothing is ever fetched.
 *
 *     xml_walk → open, text …, close, …
 *
 * UTF-8 is the only encoding, whatever the document declares.  Prefixes of names are cut off: those
 * who write the documents that we read do not agree on them.
 */

#include "base/arena.h"
#include "base/why.h"

#define XML_ATTRIBUTES_MAX 64 /* Of one element; Windows writes five. */

struct xml_attribute {
    struct str name;
    struct str value; /* lies in the document if it stands there as it is; otherwise in mem */
};

struct xml_calls {
    enum err (*open)(void *context, struct str element, const struct xml_attribute *attributes,
                     size_t count);
    /* Text between two tags or a part of it: in the document if it stands there as it is, else
     * valid until the call returns.  Parts that follow each other may be told one by one. */
    enum err (*text)(void *context, struct str text);
    enum err (*close)(void *context, struct str element);
};

/* Walks a whole document.  Names live until the call returns.  ERR_SYNTAX if
 * it is not well-formed or has a document type, ERR_LIMIT if it nests deeper than NESTING_MAX or an
 * element has too many attributes; otherwise the error of a call, which ends the walk. */
NODISCARD enum err xml_walk(struct str document, struct arena *mem, const struct xml_calls *calls,
                            void *context, struct why *why);
