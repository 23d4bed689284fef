#pragma once

/*
 * What the files of detect/ share: a rule while it is compiled, and the steps of compiling.
 *
 *     rule_compile: the document
 *       selection_compile: one named search      (modifier.c reads each item's modifiers)
 *       condition_compile: how they are joined
 */

#include "codec/yaml.h"
#include "detect/detect.h"
#include "match/match.h"

/* What compiling writes into, and what it may scribble on. */
struct compiler {
    struct matcher *matcher;
    struct arena *mem;     /* lives as long as the rule set */
    struct arena *scratch; /* one file's */
    struct why *why;
    struct str placeholder; /* set with ERR_AGAIN: the value that somebody has to supply */
};

struct rule {
    struct str id, title, author, link, tags, version;
    enum level level;
    struct str type;                       /* of incident; static */
    struct str category, product, service; /* empty: any */
    const struct expr *condition;
};

/* One Sigma rule.  ERR_SYNTAX and ERR_UNSUPPORTED say why and where; ERR_AGAIN: it only lacks a
 * value for compiler->placeholder. */
NODISCARD enum err rule_compile(struct compiler *compiler, const struct yaml_node *document,
                                struct str path, struct rule *ret);

/* One named search of a rule's detection. */
NODISCARD enum err selection_compile(struct compiler *compiler, const struct yaml_node *node,
                                     const struct expr **ret);

/* The condition over the named searches. */
struct selection {
    struct str name;
    const struct expr *expr;
};
NODISCARD enum err condition_compile(struct compiler *compiler, struct str text, uint32_t line,
                                     const struct selection *selections, size_t count,
                                     const struct expr **ret);

/* What the modifiers of one item ask for. */
enum modifier {
    MODIFIER_CONTAINS,
    MODIFIER_STARTSWITH,
    MODIFIER_ENDSWITH,
    MODIFIER_WINDASH,
    MODIFIER_BASE64,
    MODIFIER_BASE64OFFSET,
    MODIFIER_UTF16LE,
    MODIFIER_UTF16BE,
    MODIFIER_UTF16,
    MODIFIER_ALL,
    MODIFIER_CASED,
    MODIFIER_NEQ,
    MODIFIER_RE,
    MODIFIER_RE_NOCASE,
    MODIFIER_RE_MULTILINE,
    MODIFIER_RE_DOTALL,
    MODIFIER_CIDR,
    MODIFIER_EXISTS,
    MODIFIER_LT,
    MODIFIER_LTE,
    MODIFIER_GT,
    MODIFIER_GTE,
    MODIFIER_FIELDREF,
    MODIFIER_EXPAND,
    MODIFIER_MINUTE,
    MODIFIER_HOUR,
    MODIFIER_DAY,
    MODIFIER_WEEK,
    MODIFIER_MONTH,
    MODIFIER_YEAR,
    MODIFIER_COUNT
};

#define MODIFIERS_MAX    16 /* of one item; no sensible chain is half as long */
#define ALTERNATIVES_MAX 3  /* what one value may become: base64offset's three */

struct modifiers {
    enum modifier list[MODIFIERS_MAX]; /* in the order written */
    size_t count;
};

NODISCARD enum err modifiers_parse(struct str text, uint32_t line, struct modifiers *ret,
                                   struct why *why);
bool modifiers_have(const struct modifiers *modifiers, enum modifier modifier);

struct alternatives {
    struct pattern list[ALTERNATIVES_MAX];
    size_t count;
};
/* A value under those modifiers that change texts, one after another. */
NODISCARD enum err modifiers_apply(const struct modifiers *modifiers, struct str value,
                                   uint32_t line, struct arena *mem, struct alternatives *ret,
                                   struct why *why);

/* encode.c: texts as base64 and UTF-16. */
NODISCARD enum err encode_base64(struct str text, struct arena *mem, struct str *ret);
/* What a text looks like inside base64 when `offset` bytes (0 to 2) stand before it. */
NODISCARD enum err encode_base64_at(struct str text, unsigned offset, struct arena *mem,
                                    struct str *ret);
NODISCARD enum err encode_utf16(struct str text, bool big, bool mark, struct arena *mem,
                                struct str *ret);

/* fields.c: the names that a rule's field goes by, itself the first. */
#define FIELD_NAMES_MAX 6
size_t field_names(struct str field, struct str ret[FIELD_NAMES_MAX]);

/* windows.c: the class of a Windows event that has none yet; false if it is no such event. */
#define CLASS_SIZE 128
bool windows_class(const struct event *event, struct str *ret, char text[CLASS_SIZE]);
