/*
 * A compiled rule set as bytes, so that a start need not compile again.
 *
 *     OFFSET  SIZE  MEANING
 *          0     4  "HRS1"
 *          4     4  size of the stamp, s
 *          8     s  stamp: this program's build, the engine's version, the kind of processor
 *        8+s     8  size of what follows the next field
 *       16+s     8  XXH3 of it
 *       24+s        hash of the bundle, report, rules, matcher (match/encode.c), log sources,
 *                   correlations
 *
 * Integers are little-endian; texts have a size of 4 bytes in front.  The build is the id that the
 * linker gave the program, so any change of the compiler of rules makes old bytes foreign, and
 * nobody has to remember a version.  A program that was linked without one has no cache.
 *
 * Always true: bytes whose stamp or checksum is not right are refused before anything of them is
 * looked at.
 */

#include "detect/private.h"

#include <link.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/packed.h"

#define STAMP_SIZE_MAX 512
#define CACHE_SEED     0x6361636865ull

static enum err problems_write(struct buf *out, const struct problems *problems);
static enum err rule_write(struct buf *out, const struct rule *rule);
static enum err payload_write(const struct ruleset *ruleset, struct buf *out);
static enum err payload_read(struct str payload, struct arena *mem, struct ruleset *ruleset,
                             struct ruleset_report *ret);

/* ---- The stamp. */

/* The build id among the notes of the program itself, which is the first to be told of. */
static int build_find(struct dl_phdr_info *info, size_t size, void *context)
{
    struct str *build = context;
    (void)size;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type != PT_NOTE) {
            continue;
        }
        uintptr_t at = info->dlpi_addr + header->p_vaddr;
        struct str notes = str_of((const void *)at, header->p_memsz);
        while (notes.size >= 12) {
            size_t name = (get_u32(notes.data) + 3u) & ~3u;
            size_t body = get_u32(notes.data + 4);
            if (get_u32(notes.data + 8) == NT_GNU_BUILD_ID && name == 4) {
                *build = str_slice(notes, 16, body);
                return 1;
            }
            notes = str_slice(notes, 12 + name + ((body + 3) & ~(size_t)3), notes.size);
        }
    }
    return 1;
}

static enum err stamp_make(struct buf *stamp)
{
    struct str build = {0};
    char text[2 * 64 + 1];
    (void)dl_iterate_phdr(build_find, &build);
    if (build.size == 0 || build.size > 64) {
        return ERR_UNSUPPORTED;
    }
    enum err err = buf_print(stamp, "%s ", hex_print(build.data, build.size, text));
    return err == OK ? matcher_platform(stamp) : err;
}

/* ---- Both ways. */

enum err ruleset_encode(const struct ruleset *ruleset, struct buf *out)
{
    struct buf stamp;
    struct buf payload;
    char head[16];
    size_t size_before = out->size;
    buf_init(&stamp, STAMP_SIZE_MAX);
    buf_init(&payload, RULESET_SIZE_MAX);
    enum err err = stamp_make(&stamp);
    err = err == OK ? payload_write(ruleset, &payload) : err;
    if (err == OK) {
        put_u64(head, payload.size);
        put_u64(head + 8, hash_bytes(buf_str(&payload), CACHE_SEED));
    }
    err = err == OK ? buf_append(out, STR("HRS1")) : err;
    err = err == OK ? packed_put_text(out, buf_str(&stamp)) : err;
    err = err == OK ? buf_append(out, str_of(head, sizeof head)) : err;
    err = err == OK ? buf_append(out, buf_str(&payload)) : err;
    buf_done(&stamp);
    buf_done(&payload);
    if (err != OK) {
        out->size = size_before;
    }
    return err;
}

/* The payload of bytes that are whole and ours. */
static enum err payload_find(struct str bytes, struct str *ret, struct why *why)
{
    struct buf stamp;
    struct str theirs;
    if (bytes.size < 4 || memcmp(bytes.data, "HRS1", 4) != 0) {
        return why_say(why, ERR_UNSUPPORTED, 0, "these are no compiled rules");
    }
    bytes = str_slice(bytes, 4, bytes.size);
    if (packed_take_text(&bytes, &theirs) != OK || bytes.size < 16) {
        return why_say(why, ERR_CORRUPT, 0, "the compiled rules are cut");
    }
    buf_init(&stamp, STAMP_SIZE_MAX);
    enum err err = stamp_make(&stamp);
    if (err == OK && !str_equal(theirs, buf_str(&stamp))) {
        err = why_say(why, ERR_UNSUPPORTED, 0,
                      "the rules were compiled by another program or for another processor");
    }
    buf_done(&stamp);
    struct str payload = str_slice(bytes, 16, bytes.size);
    if (err == OK && (get_u64(bytes.data) != payload.size ||
                      get_u64(bytes.data + 8) != hash_bytes(payload, CACHE_SEED))) {
        err = why_say(why, ERR_CORRUPT, 0, "the compiled rules are cut or damaged");
    }
    *ret = payload;
    return err;
}

enum err ruleset_decode(struct str bytes, struct arena *mem, struct ruleset **ret,
                        struct ruleset_report *ret_report, struct why *why)
{
    struct ruleset *ruleset = NULL;
    struct ruleset_report report = {0};
    struct str payload;
    enum err err = payload_find(bytes, &payload, why);
    err = err == OK ? ruleset_new((struct str){0}, &ruleset) : err;
    /* What is read borrows from a copy that lives as long as the set. */
    err = err == OK ? arena_copy(ruleset->mem, payload, &payload) : err;
    err = err == OK ? payload_read(payload, mem, ruleset, &report) : err;
    if (err != OK) {
        ruleset_free(ruleset);
        return err;
    }
    *ret = ruleset;
    *ret_report = report;
    return OK;
}

/* ---- The report. */

static enum err problems_write(struct buf *out, const struct problems *problems)
{
    enum err err = packed_put_number(out, problems->count);
    for (size_t i = 0; i < problems->count && err == OK; i++) {
        err = packed_put_text(out, problems->list[i].file);
        err = err == OK ? packed_put_number(out, problems->list[i].line) : err;
        err = err == OK ? packed_put_text(out, problems->list[i].reason) : err;
    }
    return err;
}

static enum err problems_read(struct str *bytes, struct arena *mem, struct problems *ret)
{
    uint32_t count;
    enum err err = packed_take_number(bytes, &count);
    if (err != OK || count > bytes->size) {
        return ERR_CORRUPT;
    }
    *ret = (struct problems){ARENA_ARRAY(mem, struct rule_problem, count), count};
    err = ret->list == NULL ? ERR_MEMORY : OK;
    for (uint32_t i = 0; i < count && err == OK; i++) {
        struct rule_problem *problem = &ret->list[i];
        err = packed_take_text(bytes, &problem->file);
        err = err == OK ? packed_take_number(bytes, &problem->line) : err;
        err = err == OK ? packed_take_text(bytes, &problem->reason) : err;
        err = err == OK ? arena_copy(mem, problem->file, &problem->file) : err;
        err = err == OK ? arena_copy(mem, problem->reason, &problem->reason) : err;
    }
    return err;
}

static enum err report_write(struct buf *out, const struct ruleset_report *report)
{
    const size_t counts[] = {report->files,   report->rules,     report->correlations,
                             report->filters, report->pipelines, report->loaded};
    enum err err = OK;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0] && err == OK; i++) {
        err = packed_put_number(out, counts[i]);
    }
    err = err == OK ? problems_write(out, &report->refused) : err;
    err = err == OK ? problems_write(out, &report->needs_values) : err;
    return err == OK ? problems_write(out, &report->unguarded) : err;
}

static enum err report_read(struct str *bytes, struct arena *mem, struct ruleset_report *ret)
{
    size_t *const counts[] = {&ret->files,   &ret->rules,     &ret->correlations,
                              &ret->filters, &ret->pipelines, &ret->loaded};
    enum err err = OK;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0] && err == OK; i++) {
        uint32_t count = 0;
        err = packed_take_number(bytes, &count);
        *counts[i] = count;
    }
    err = err == OK ? problems_read(bytes, mem, &ret->refused) : err;
    err = err == OK ? problems_read(bytes, mem, &ret->needs_values) : err;
    return err == OK ? problems_read(bytes, mem, &ret->unguarded) : err;
}

/* ---- Rules. */

#define RULE_TEXTS 14

static void rule_texts(struct rule *rule, struct str *ret[RULE_TEXTS])
{
    struct str *const texts[RULE_TEXTS] = {
        &rule->id,      &rule->name,    &rule->title, &rule->author, &rule->link,
        &rule->tags,    &rule->version, &rule->file,  &rule->type,   &rule->category,
        &rule->product, &rule->service, &rule->needs, &rule->status,
    };
    memcpy(ret, texts, sizeof texts);
}

static enum err rule_write(struct buf *out, const struct rule *rule)
{
    struct rule copy = *rule;
    struct str *texts[RULE_TEXTS];
    enum err err = packed_put_number(out, rule->level);
    rule_texts(&copy, texts);
    for (size_t i = 0; i < RULE_TEXTS && err == OK; i++) {
        err = packed_put_text(out, *texts[i]);
    }
    return err == OK ? packed_put_number(out, rule->condition != NULL) : err;
}

static enum err rule_read(struct str *bytes, struct rule *rule, bool *ret_condition)
{
    uint32_t level;
    uint32_t condition = 0;
    struct str *texts[RULE_TEXTS];
    enum err err = packed_take_number(bytes, &level);
    rule_texts(rule, texts);
    for (size_t i = 0; i < RULE_TEXTS && err == OK; i++) {
        err = packed_take_text(bytes, texts[i]);
    }
    err = err == OK ? packed_take_number(bytes, &condition) : err;
    rule->level = (enum level)level;
    rule->raises = true;
    *ret_condition = condition != 0;
    return err;
}

static enum err rules_read(struct str *bytes, struct ruleset *ruleset)
{
    uint32_t count;
    enum err err = packed_take_number(bytes, &count);
    if (err != OK || count > bytes->size) {
        return ERR_CORRUPT;
    }
    bool *conditions = ARENA_ARRAY(ruleset->mem, bool, count);
    const struct expr **roots = ARENA_ARRAY(ruleset->mem, const struct expr *, count);
    size_t roots_count = 0;
    err = conditions == NULL || roots == NULL ? ERR_MEMORY : OK;
    for (uint32_t i = 0; i < count && err == OK; i++) {
        struct rule rule = {0};
        err = rule_read(bytes, &rule, &conditions[i]);
        err = err == OK ? map_put(&ruleset->ids, rule.id, i) : err;
        err = err == OK ? buf_append(&ruleset->rules, str_of(&rule, sizeof rule)) : err;
        roots_count += conditions[i];
    }
    struct matcher *matcher;
    err = err == OK ? matcher_decode(bytes, roots, roots_count, &matcher) : err;
    if (err != OK) {
        return err;
    }
    matcher_free(ruleset->matcher);
    ruleset->matcher = matcher;
    size_t root = 0;
    for (uint32_t i = 0; i < count; i++) {
        rule_at(ruleset, i)->condition = conditions[i] ? roots[root++] : NULL;
    }
    return OK;
}

static enum err sources_read(struct str *bytes, struct ruleset *ruleset)
{
    uint32_t count;
    enum err err = packed_take_number(bytes, &count);
    for (uint32_t i = 0; i < count && err == OK; i++) {
        struct audience audience = {.sieve = matcher_sieve_at(ruleset->matcher, i)};
        struct logsource *source = &audience.logsource;
        err = packed_take_text(bytes, &source->category);
        err = err == OK ? packed_take_text(bytes, &source->product) : err;
        err = err == OK ? packed_take_text(bytes, &source->service) : err;
        err = err == OK && audience.sieve == NULL ? ERR_CORRUPT : err;
        err = err == OK ? buf_append(&ruleset->audiences, str_of(&audience, sizeof audience)) : err;
    }
    return err;
}

/* ---- The whole. */

static enum err sources_write(struct buf *out, const struct ruleset *ruleset)
{
    const struct audience *list = (const struct audience *)(const void *)ruleset->audiences.data;
    enum err err = packed_put_number(out, ruleset_audiences(ruleset));
    for (size_t i = 0; i < ruleset_audiences(ruleset) && err == OK; i++) {
        err = packed_put_text(out, list[i].logsource.category);
        err = err == OK ? packed_put_text(out, list[i].logsource.product) : err;
        err = err == OK ? packed_put_text(out, list[i].logsource.service) : err;
    }
    return err;
}

static enum err payload_write(const struct ruleset *ruleset, struct buf *out)
{
    size_t count = ruleset_rules(ruleset);
    struct buf roots;
    size_t roots_count = 0;
    buf_init(&roots, RULESET_SIZE_MAX);
    enum err err = packed_put_text(out, ruleset_hash(ruleset));
    err = err == OK ? report_write(out, &ruleset->report) : err;
    err = err == OK ? packed_put_number(out, count) : err;
    for (size_t i = 0; i < count && err == OK; i++) {
        const struct rule *rule = rule_at(ruleset, i);
        err = rule_write(out, rule);
        if (err == OK && rule->condition != NULL) {
            err = buf_append(&roots, str_of(&rule->condition, sizeof(const struct expr *)));
            roots_count++;
        }
    }
    err = err == OK ? matcher_encode(ruleset->matcher,
                                     (const struct expr *const *)(const void *)roots.data,
                                     roots_count, out)
                    : err;
    buf_done(&roots);
    err = err == OK ? sources_write(out, ruleset) : err;
    return err == OK ? correlations_encode(ruleset, out) : err;
}

static enum err payload_read(struct str payload, struct arena *mem, struct ruleset *ruleset,
                             struct ruleset_report *ret)
{
    struct str hash;
    struct ruleset_report *own = &ruleset->report;
    enum err err = packed_take_text(&payload, &hash);
    if (err == OK && hash.size >= sizeof ruleset->hash) {
        err = ERR_CORRUPT;
    }
    if (err == OK) {
        memcpy(ruleset->hash, hash.data, hash.size);
        ruleset->hash[hash.size] = '\0';
        struct str again = payload;
        err = report_read(&again, ruleset->mem, own);
    }
    err = err == OK ? report_read(&payload, mem, ret) : err;
    err = err == OK ? rules_read(&payload, ruleset) : err;
    err = err == OK ? sources_read(&payload, ruleset) : err;
    return err == OK ? correlations_decode(&payload, ruleset) : err;
}
