#pragma once

/*
 * What the files of detect/ share: a rule while it is compiled, and the steps of compiling.
 *
 *     rule_compile: the document
 *       selection_compile: one named search      (modifier.c reads each item's modifiers)
 *       condition_compile: how they are joined
 */

#include "base/map.h"
#include "codec/crypto.h"
#include "codec/yaml.h"
#include "detect/detect.h"
#include "match/match.h"

/* A rule's log source, or what an event is; an empty part: any, or not known. */
struct logsource {
    struct str category, product, service;
};

/* What compiling writes into, and what it may scribble on. */
struct compiler {
    struct matcher *matcher;
    struct arena *mem;     /* lives as long as the rule set */
    struct arena *scratch; /* one file's */
    struct arena *moment;  /* one value's */
    struct why *why;
    struct logsource logsource; /* of the rule at hand */
    struct tuning *tuning;      /* the bundle's filters and pipelines; may be NULL */
    struct draft *draft;        /* not NULL: gets what was compiled, in scratch */
    struct buf *needs;          /* names of placeholders without a value, ", " between them */
    bool waits;                 /* one of them stands where no list can help */
};

struct rule {
    struct str id, name, title, author, link, tags, version, file, status;
    enum level level;
    struct str type;                       /* of incident; static */
    struct str category, product, service; /* empty: any */
    struct str needs; /* placeholders that only lists can give, ", " between them; see rule_ready */
    const struct expr *condition;
    bool feeds, raises; /* as struct rule_summary has them */
    /* Of a correlation, which has no condition of its own; else NULL. */
    struct correlation *correlation;
    /* What correlations ask of the rule's events (or of a correlation's, for those over it). */
    struct asked *asked;
    uint32_t asked_count, asked_capacity;
};

/* ---- ruleset.c */

#define RULESET_SIZE_MAX ((size_t)1024 * 1024 * 1024)

struct ruleset {
    struct arena *mem;
    struct matcher *matcher;
    struct buf rules;             /* struct rule each */
    struct buf audiences;         /* struct audience each (route.c) */
    struct map ids;               /* to indexes */
    struct ruleset_report report; /* in mem, for the cache */
    char hash[2 * SHA256_SIZE + 1];
};

/* An empty set; free it whatever is returned. */
NODISCARD enum err ruleset_new(struct str bundle, struct ruleset **ret);
struct rule *rule_at(const struct ruleset *ruleset, size_t index);

/* ---- route.c: which rules look at which events. */

/* What rules say they are about, and the sieve of all rules that say the same. */
struct audience {
    struct logsource logsource;
    const struct sieve *sieve;
};
static inline size_t ruleset_audiences(const struct ruleset *ruleset)
{
    return ruleset->audiences.size / sizeof(struct audience);
}
/* Makes the sieves, when all rules are there.  ret_reasons: for each rule NULL, or why it has no
 * guard; in scratch. */
NODISCARD enum err routes_compile(struct ruleset *ruleset, struct arena *scratch,
                                  const char ***ret_reasons);

struct routes;
NODISCARD enum err routes_new(const struct ruleset *ruleset, struct reading *reading,
                              struct routes **ret);
void routes_free(struct routes *routes);
/* What to lookout in events of a class; NULL: no rule is about them. */
NODISCARD enum err routes_find(struct routes *routes, struct str class, struct lookout **ret);

/* ---- rule.c and the steps of compiling. */

/* Whether whoever judges has a list for each placeholder of the rule; until then it holds for
 * nothing, also where its condition denies one. */
bool rule_ready(const struct rule *rule, const struct lists *lists);

/* One Sigma rule.  ERR_SYNTAX, ERR_UNSUPPORTED and ERR_LIMIT say why and where.  What it lacks is
 * in compiler->needs. */
NODISCARD enum err rule_compile(struct compiler *compiler, const struct yaml_node *document,
                                struct str path, struct rule *ret);

/* What a rule and a correlation have alike: title, id, name, level, author, link, tags. */
NODISCARD enum err rule_head_compile(struct compiler *compiler, const struct yaml_node *document,
                                     struct str path, struct rule *ret);

/* The condition over the named searches. */
struct selection {
    struct str name;
    const struct expr *expr; /* NULL: nothing is left of it, and it is passed over */
};
NODISCARD enum err condition_compile(struct compiler *compiler, struct str text, uint32_t line,
                                     const struct selection *selections, size_t count,
                                     const struct expr **ret);

/* tuning.c: the filters and pipelines of a bundle, gathered before its rules are compiled. */
struct tuning;
struct problem_sink {
    enum err (*add)(void *context, struct str file, uint32_t line, struct str reason);
    void *context;
};
NODISCARD enum err tuning_new(struct tuning **ret);
void tuning_free(struct tuning *tuning);
/* Whether such a document tunes rules: a filter, or a pipeline. */
bool tuning_is_filter(const struct yaml_node *document);
bool tuning_is_pipeline(const struct yaml_node *document);
/* Whether the text may hold such documents; quick, and seldom wrong. */
bool tuning_wants(struct str text);
/* Takes a file's filters and pipelines, counts them, and says what is wrong with them. */
NODISCARD enum err tuning_gather(struct tuning *tuning, struct str file, struct str text,
                                 struct ruleset_report *report, const struct problem_sink *sink);
/* After the last file. */
void tuning_ready(struct tuning *tuning);
/* After the last rule: which filters name nothing that runs.  Counts those that are applied. */
NODISCARD enum err tuning_end(const struct tuning *tuning, struct ruleset_report *report,
                              const struct problem_sink *sink);

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

/* How an item's values are held against the event's. */
enum comparing {
    COMPARING_TEXTS,
    COMPARING_REGEX,
    COMPARING_NETWORK,
    COMPARING_EXISTS,
    COMPARING_NUMBER,
    COMPARING_TIME,
    COMPARING_FIELDS,
};

#define MODIFIERS_MAX    16  /* of one item; no sensible chain is half as long */
#define ENCODINGS_MAX    3   /* of one item; each may double a text */
#define ALTERNATIVES_MAX 375 /* what one value may become: three dashes of five kinds, encoded */

struct modifiers {
    enum comparing comparing;
    uint8_t list[MODIFIERS_MAX]; /* enum modifier, in the order written */
    uint8_t count;
};

/* As rules spell it; of several spellings the first. */
const char *modifier_name(enum modifier modifier);
NODISCARD enum err modifiers_parse(struct str text, uint32_t line, struct modifiers *ret,
                                   struct why *why);
bool modifiers_have(const struct modifiers *modifiers, enum modifier modifier);

struct alternatives {
    struct pattern *list;
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

/* fields.c: the names that a field of a rule for that log source goes by, itself the first.  Some
 * are made in mem. */
#define FIELD_NAMES_MAX 32
NODISCARD enum err field_names(struct logsource logsource, struct str field, struct arena *mem,
                               struct str ret[FIELD_NAMES_MAX], size_t *ret_count);

/* ---- logsource.c: the class of events, "category/product/service".  A part may name several,
 * "registry_set|registry_event/windows/sysmon": the event is all of them. */

/* Whether rules for `wanted` look at events of the class: each part that they name is the class's,
 * or one of its alternatives; ASCII case does not matter. */
bool class_fits(struct logsource wanted, struct str class);

/* What the names of the batch at hand may tell; one for each judge. */
struct logsources;
NODISCARD enum err logsources_new(struct logsources **ret);
void logsources_free(struct logsources *logsources);
/* Turns to a batch, before its events; for names as in the last one it costs a comparison. */
NODISCARD enum err logsources_batch(struct logsources *logsources, const struct batch *batch);
/* The class of an event of that batch: what its parser said, or more than that if its fields say
 * more; empty if nobody knows it.  Borrowed from the event, or static. */
struct str logsource_decide(struct logsources *logsources, const struct event *event);

/* ---- Correlations: correlation.c reads a document, correlation_link.c joins it to its rules,
 * correlation_values.c takes what they ask for out of an event.  The rest is in
 * detect/correlation.h, for the correlator. */

/* A field that correlations ask for, under all its names. */
struct asked {
    struct str names[FIELD_NAMES_MAX]; /* the first is Sigma's */
    size_t names_count;
};

/* Correlations that were read and wait for all rules to be there. */
struct correlations {
    struct buf list; /* struct correlation_draft each */
};

void correlations_init(struct correlations *drafts);
void correlations_done(struct correlations *drafts);
/* Reads one document; its texts are made in compiler->mem.  ERR_SYNTAX and ERR_UNSUPPORTED say why
 * and where. */
NODISCARD enum err correlation_compile(struct compiler *compiler, const struct yaml_node *document,
                                       struct str path, struct str version,
                                       struct correlations *drafts);
/* Told of each correlation that cannot be joined. */
typedef enum err correlation_refused(void *context, struct str path, uint32_t line,
                                     const struct why *why);
/* Adds the correlations to the set, each behind those that it leans on, and says of all rules
 * whether they feed and raise.  *ret_loaded: how many were added. */
NODISCARD enum err correlations_link(struct correlations *drafts, struct ruleset *ruleset,
                                     correlation_refused *refused, void *context,
                                     size_t *ret_loaded);
/* The values of what is asked of rule's events, in mem: u32 size + 1 and bytes for each, 0 where
 * the event has none.  The rule must feed. */
NODISCARD enum err correlation_values(const struct ruleset *ruleset, size_t rule,
                                      const struct event *event, struct arena *mem,
                                      struct str *ret);
/* What of correlations stands in a set: for each rule in their order, feeds, raises, what is asked,
 * and the correlation itself.  The set to decode into has the same number of rules; texts are
 * copied.  ERR_CORRUPT. */
NODISCARD enum err correlations_encode(const struct ruleset *ruleset, struct buf *out);
NODISCARD enum err correlations_decode(struct str *bytes, struct ruleset *ruleset);
