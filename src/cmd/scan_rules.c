/*
 * Rules for a scan: gathered, looked up in the user's cache under the hash of their texts, compiled
 * if they are not there.
 *
 * Always true: what is said about rules that cannot run is the same from the cache.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cmd/scan_parts.h"
#include "cmd/shown.h"
#include "codec/crypto.h"
#include "detect/detect.h"
#include "sys/cache.h"

#define CACHED_SIZE_MAX ((size_t)512 * 1024 * 1024)
#define REPORT_SIZE_MAX ((size_t)1024 * 1024 * 1024)

static void file_complain(void *context, const char *path, const char *reason)
{
    (void)context;
    shown_print(stderr, "hinomi scan: %s: %s\n", path, reason);
}

static enum err texts_gather(struct scan_rules *rules, struct buf *bundle)
{
    enum err err = OK;
    for (size_t i = 0; i < rules->pipelines.count && err == OK; i++) {
        err = rules_gather_file(bundle, rules->pipelines.items[i], file_complain, NULL,
                                &rules->wrong);
    }
    for (size_t i = 0; i < rules->folders.count && err == OK; i++) {
        err = rules_gather(bundle, rules->folders.items[i], file_complain, NULL, &rules->wrong);
    }
    return err;
}

/* From the cache, if that is possible. */
static bool cached_load(const char *name, struct arena *mem, struct ruleset **ret,
                        struct ruleset_report *report)
{
    char *bytes;
    size_t size;
    if (cache_read(name, CACHED_SIZE_MAX, &bytes, &size) != OK) {
        return false;
    }
    enum err err = ruleset_decode(str_of(bytes, size), mem, ret, report, NULL);
    free(bytes);
    return err == OK;
}

/* A cache that cannot be written costs time and nothing else. */
static void cached_keep(const char *name, const struct ruleset *ruleset)
{
    struct buf bytes;
    buf_init(&bytes, CACHED_SIZE_MAX);
    if (ruleset_encode(ruleset, &bytes) == OK) {
        UNHEEDED(cache_write(name, buf_str(&bytes)));
    }
    buf_done(&bytes);
}

static enum err bundle_load(struct scan_rules *rules, struct str bundle, struct arena *mem,
                            struct ruleset_report *report, struct why *why)
{
    char name[2 * SHA256_SIZE + sizeof ".rules"];
    struct sha256 hash = sha256_of_bytes(bundle);
    (void)hex_print(hash.bytes, sizeof hash.bytes, name);
    memcpy(name + 2 * sizeof hash.bytes, ".rules", sizeof ".rules");
    rules->cached = !rules->no_cache && cached_load(name, mem, &rules->ruleset, report);
    if (rules->cached) {
        return OK;
    }
    enum err err = ruleset_load(bundle, mem, &rules->ruleset, report, why);
    if (err == OK && !rules->no_cache) {
        cached_keep(name, rules->ruleset);
    }
    return err;
}

static void problems_tell(const struct problems *problems, const char *what)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct rule_problem *problem = &problems->list[i];
        shown_print(stderr, "hinomi scan: %.*s:%u: %s%.*s\n", STR_ARG(problem->file), problem->line,
                    what, STR_ARG(problem->reason));
    }
}

bool scan_rules_load(struct scan_rules *rules)
{
    struct arena *mem = arena_new(REPORT_SIZE_MAX);
    struct buf bundle;
    struct ruleset_report report = {0};
    struct why why = {0};
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    enum err err = mem == NULL ? ERR_MEMORY : texts_gather(rules, &bundle);
    err = err == OK ? bundle_load(rules, buf_str(&bundle), mem, &report, &why) : err;
    problems_tell(&report.refused, "not run: ");
    problems_tell(&report.needs_values, "holds for nothing: needs values of ");
    if (err != OK) {
        (void)fprintf(stderr, "hinomi scan: %s\n", why_text(&why, err));
    } else if (report.loaded == 0) {
        (void)fprintf(stderr, "hinomi scan: no rule could be loaded\n");
    }
    rules->wrong += report.refused.count;
    rules->loaded = report.loaded;
    buf_done(&bundle);
    arena_free(mem);
    return err == OK;
}
