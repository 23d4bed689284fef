#pragma once

/*
 * Documents: trees of elements with stable slugs, each kind described by one file of schema/.  This
 * is the engine: one table (made by tools/schema.py) and one set of functions over it give the
 * reader with line and column, JSON Schema, difference, completeness, CSV, export and the
 * description that a form is drawn from.  Nothing here knows the ledger; versions live in
 * service/service.h.
 *
 *     schema_find → document_read → document_print, document_difference, document_complete …
 *
 * Everything made is made in `mem` and is immutable.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/why.h"
#include "codec/yaml.h"
#include "tenant/tenant.h"
#include "words/words.h"

/* ---- Kinds of documents. */

enum element_type {
    ELEMENT_GROUP,     /* a mapping with known keys */
    ELEMENT_LIST,      /* groups with slugs, in order; each item is known by its slug */
    ELEMENT_TEXT,      /* one line */
    ELEMENT_LONG_TEXT, /* several lines */
    ELEMENT_WORDS,  /* {ja, en}: text that the other side reads; a half may be missing, shown so */
    ELEMENT_CHOICE, /* one of the choices of the schema */
    ELEMENT_NUMBER, /* whole, between the schema's min and max */
    ELEMENT_YES_NO,
    ELEMENT_DURATION, /* "90s", "15m", "4h", "30d", "1h30m"; canonical: the largest units that fit
                       */
    ELEMENT_ADDRESS,  /* IPv4 or IPv6 */
    ELEMENT_NETWORK,  /* ADDRESS/PREFIX without bits behind the prefix, or an address */
    ELEMENT_PORTS,    /* "443" or "8000-8080" */
    ELEMENT_MAIL,     /* one mailbox, RFC 5321 without quotes: local@domain */
    ELEMENT_URL,      /* http or https */
    ELEMENT_PHONE,    /* digits, blanks, + - ( ) */
    ELEMENT_DATE,     /* "2026-11-21" */
    ELEMENT_TIME,     /* a moment, RFC 3339 */
    ELEMENT_HOURS,    /* "09:00-17:30", local; "00:00-24:00"; "22:00-06:00" goes over midnight */
    ELEMENT_ZONE,     /* an IANA time zone */
    ELEMENT_QUERY,    /* a search expression (docs/search.md) */
    ELEMENT_REFERENCE /* the slug of an item of a list, in this or another kind */
};

struct schema; /* one kind */

/* One element of a kind, from its file.  Static. */
struct schema_element {
    const char *key;  /* in its parent; "" for the root */
    const char *path; /* keys joined by '/', list items left out: "assets/owner" */
    enum element_type type;
    bool required; /* counts in completeness; a partial document is legal all the same */
    bool many;     /* a scalar that may be given several times: a YAML sequence */
    const char *label[LANGUAGE_COUNT], *help[LANGUAGE_COUNT];
    const char *guideline;    /* section of the guideline, "" without */
    const char *requirements; /* "R041 R043", "" without */
    const struct schema_choice {
        const char *value, *label[LANGUAGE_COUNT];
    } * choices;            /* ELEMENT_CHOICE: up to one with value NULL */
    int64_t min, max;       /* NUMBER; DURATION in milliseconds; texts: bytes of max */
    const char *reference;  /* REFERENCE: "contacts:people": a kind and the path of a list in it */
    const char *initial;    /* what holds where nothing is said, as text; NULL: nothing does */
    int64_t initial_number; /* the same as a number, where the type has one */
    bool hidden;            /* starts hidden from the provider, until the client discloses it */
    const struct schema_element *children; /* GROUP and LIST: the keys, up to one with key NULL */
};

size_t schema_count(void);
const struct schema *schema_at(size_t index);
const struct schema *schema_find(struct str kind); /* NULL: no such kind */

const char *schema_kind(const struct schema *schema);
const char *schema_name(const struct schema *schema, enum language language);
const struct schema_element *schema_root(const struct schema *schema);
/* The roles that must sign before a version of this kind can become effective, 1 << enum role added
 * for one signature; `index` counts the signatures.  0 at the end.  Two roles in one set: either
 * will do. */
uint32_t schema_signature(const struct schema *schema, size_t index);
/* The element of a path as in schema_element.path ("" is the root), or NULL. */
const struct schema_element *schema_element_find(const struct schema *schema, struct str path);

/* JSON Schema, draft 2020-12, of what document_print writes. */
NODISCARD enum err schema_print_json(const struct schema *schema, struct buf *out);
/* What a form is drawn from: JSON, the whole tree with labels, helps and choices in both languages.
 */
NODISCARD enum err schema_print_form(const struct schema *schema, struct buf *out);

/* ---- Documents. */

#define DOCUMENT_SIZE_MAX     (1024 * 1024) /* bytes of canonical JSON: some 5,000 assets */
#define DOCUMENT_ELEMENTS_MAX 100000
#define ELEMENT_PATH_SIZE_MAX 1024 /* with slugs: the schemas nest a few levels */

struct element {
    const struct schema_element *schema;
    uint32_t line, column; /* where it was read */
    struct str slug;       /* of an item of a list; else empty */
    struct str text;       /* a scalar in canonical form; of WORDS the Japanese half */
    struct str text_en;    /* of WORDS the English half */
    int64_t number;        /* NUMBER; YES_NO 0 or 1; DURATION milliseconds; TIME ns since 1970 */
    /* GROUP and items: the keys that are there, in the schema's order.  LIST: its items, in the
     * document's order.  A scalar that is `many`: its values. */
    const struct element *first, *next;
    size_t count;
};

struct document {
    const struct schema *schema;
    const struct element *root;
};

/* Reads YAML, or JSON if the text begins with '{'; a slug stands as the key `slug` of an item.
 * What is null or empty says nothing and is left out.  Mistakes name line and column, an unknown
 * key brings a suggestion; a slug that stands twice names both places.  References are checked only
 * within the same document.  Nothing of the text or the nodes is kept. */
NODISCARD enum err document_read(const struct schema *schema, struct str text, struct arena *mem,
                                 struct document *ret, struct why *why);
NODISCARD enum err document_read_node(const struct schema *schema, const struct yaml_node *node,
                                      struct arena *mem, struct document *ret, struct why *why);

/* Canonical JSON: keys sorted, no blanks, nothing that is not said.  The version's name is its
 * SHA-256 in hexadecimal. */
NODISCARD enum err document_print(const struct document *document, struct buf *out);
/* YAML that document_read reads, each line behind `indent` blanks. */
NODISCARD enum err document_print_yaml(const struct document *document, unsigned indent,
                                       struct buf *out);

/* The child of a group or item by its key; NULL where nothing is said, also for element NULL. */
const struct element *element_get(const struct element *element, const char *key);
/* A list's item by its slug, or NULL. */
const struct element *element_item(const struct element *list, struct str slug);
/* The scalar's canonical text: the child `key`, or the schema's initial value, or the empty text.
 */
struct str element_text(const struct element *element, const char *key);
/* The same for numbers; `otherwise` where neither says anything. */
int64_t element_number(const struct element *element, const char *key, int64_t otherwise);
/* The half of WORDS in a language; if it is missing the other half, and *ret_missing (may be NULL).
 */
struct str element_words(const struct element *element, enum language language, bool *ret_missing);

/* The document with the items of one of its root's lists behind those that are there, as `more`, of
 * the same kind, has them; made in mem.  ERR_EXISTS: a slug of them is there already. */
NODISCARD enum err document_with_items(const struct document *document, const char *list,
                                       const struct document *more, struct arena *mem,
                                       struct document *ret);

struct document_change {
    struct str path;          /* with slugs: "assets/web-1/owner" */
    struct str before, after; /* canonical; empty: not there */
};
/* In the order of the document; made in mem.  Both of one kind; `before` may be NULL. */
NODISCARD enum err document_difference(const struct document *before, const struct document *after,
                                       struct arena *mem, struct document_change **ret,
                                       size_t *ret_count);

struct document_completeness {
    size_t wanted, there; /* required elements, of those items that exist */
    struct str *open; /* paths of what is missing, with slugs; a missing half is "…/name.en" */
    size_t open_count;
};
NODISCARD enum err document_complete(const struct document *document, struct arena *mem,
                                     struct document_completeness *ret);

/* A list of the document (schema path, "assets") as CSV, RFC 4180 with a header: slug, then a
 * column a scalar; WORDS two; values of `many` joined by ';'.  Lists in lists are left out.  Cells
 * that a spreadsheet would take for a formula get an apostrophe in front, which reading takes off.
 */
NODISCARD enum err document_print_csv(const struct document *document, struct str path,
                                      struct buf *out);
/* The document with that list replaced by the CSV's rows: items whose slug is there keep their
 * inner lists.  Mistakes name line and column (the cell's number). */
NODISCARD enum err document_read_csv(const struct document *document, struct str path,
                                     struct str csv, struct arena *mem, struct document *ret,
                                     struct why *why);

/* ---- What the other side sees. */

enum disclosure { DISCLOSURE_SHOWN, DISCLOSURE_HIDDEN, DISCLOSURE_SUMMARISED, DISCLOSURE_COUNT };
const char *disclosure_text(enum disclosure disclosure);
NODISCARD enum err disclosure_parse(struct str text, enum disclosure *ret);

struct disclosed {
    struct str path; /* with slugs; what is below goes with it unless it says otherwise */
    enum disclosure disclosure;
};
/* What a provider may see: hidden elements are not there, of summarised ones the keys and slugs are
 * there without values.  Elements that the schema starts hidden stay so unless listed. */
NODISCARD enum err document_disclose(const struct document *document, const struct disclosed *list,
                                     size_t count, struct arena *mem, struct document *ret);

/* References into other documents.  `other` gives the effective or drafted document of a kind
 * (NULL: there is none yet).  ERR_SYNTAX names the first one that leads nowhere, with its place. */
typedef const struct document *document_other(void *context, struct str kind);
NODISCARD enum err document_check_references(const struct document *document, document_other *other,
                                             void *context, struct why *why);
