/*
 * Regular expressions over values, and many literal texts at once: the door to Vectorscan, which
 * runs in linear time whatever the text.  No backtracking engine ever sees a log.
 *
 * Each expression has a database of its own.  What an evaluation scribbles on is in a workspace,
 * of which each reading has its own: the patterns never change once they are complete, so readings
 * of several threads may share them.  An expression is found anywhere in the text unless it anchors
 * itself.
 *
 * Expressions in ASCII are run over bytes, whatever they are.  One that spells other characters is
 * compiled as UTF-8, and is then only ever shown valid UTF-8: bytes that are none are replaced by
 * U+FFFD before, since the engine's behaviour is undefined otherwise.
 *
 * Literal texts of one list share a database, and are bytes without case or meaning.
 */

#include "match/private.h"

#include <stdlib.h>
#include <string.h>

#include <hs/hs.h>

#include "base/bytes.h"
#include "codec/utf8.h"

#define REGEX_SIZE_MAX 16384
#define WEIGHT_OF_ONE  50 /* what even the shortest takes */

struct entry {
    hs_database_t *database;
    bool wide; /* compiled as UTF-8 */
};

struct patterns {
    uint64_t weight, weight_max; /* of all expressions; see weight.c */
    struct buf entries;
    hs_scratch_t *scratch; /* large enough for all; workspaces are copies of it */
};

struct workspace {
    hs_scratch_t *scratch; /* NULL: there is nothing to run */
    struct buf repaired;   /* a text that was not UTF-8, while an expression runs over it */
};

static enum err text_repair(struct str text, struct buf *repaired, struct str *ret);

struct patterns *patterns_new(void)
{
    struct patterns *patterns = calloc(1, sizeof *patterns);
    if (patterns != NULL) {
        buf_init(&patterns->entries, SIZE_MAX / 2);
        patterns->weight_max = UINT64_MAX;
    }
    return patterns;
}

void patterns_free(struct patterns *patterns)
{
    if (patterns == NULL) {
        return;
    }
    for (size_t at = 0; at < patterns->entries.size; at += sizeof(struct entry)) {
        struct entry entry;
        memcpy(&entry, patterns->entries.data + at, sizeof entry);
        (void)hs_free_database(entry.database);
    }
    (void)hs_free_scratch(patterns->scratch);
    buf_done(&patterns->entries);
    free(patterns);
}

void patterns_limit(struct patterns *patterns, uint64_t weight_max)
{
    patterns->weight_max = weight_max;
}

/* Takes what it costs from what all may cost. */
static enum err weight_take(struct patterns *patterns, struct str regex, struct why *why)
{
    uint64_t weight;
    enum err err = regex_weigh(regex, &weight, why);
    if (err != OK) {
        return err;
    }
    weight += WEIGHT_OF_ONE;
    if (weight > patterns->weight_max - patterns->weight) {
        return why_say(why, ERR_LIMIT, 0, "there are too many regular expressions, or too long");
    }
    patterns->weight += weight;
    return OK;
}

static bool is_wide(struct str text)
{
    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)text.data[i] >= 0x80) {
            return true;
        }
    }
    return false;
}

static enum err compile(const char *text, unsigned flags, hs_database_t **ret, struct why *why)
{
    hs_compile_error_t *error = NULL;
    if (hs_compile(text, flags, HS_MODE_BLOCK, NULL, ret, &error) == HS_SUCCESS) {
        return OK;
    }
    enum err err = why_say(why, ERR_UNSUPPORTED, 0, "regular expression '%.80s': %s", text,
                           error != NULL ? error->message : "cannot be compiled");
    (void)hs_free_compile_error(error);
    return err;
}

/* The database becomes an entry; it is freed if that fails. */
static enum err entry_add(struct patterns *patterns, struct entry entry, size_t *ret)
{
    if (hs_alloc_scratch(entry.database, &patterns->scratch) != HS_SUCCESS ||
        buf_append(&patterns->entries, str_of(&entry, sizeof entry)) != OK) {
        (void)hs_free_database(entry.database);
        return ERR_MEMORY;
    }
    *ret = patterns->entries.size / sizeof entry - 1;
    return OK;
}

enum err patterns_add(struct patterns *patterns, struct str regex, unsigned flags, size_t *ret,
                      struct why *why)
{
    if (regex.size > REGEX_SIZE_MAX) {
        return why_say(why, ERR_LIMIT, 0, "a regular expression has more than %d bytes",
                       REGEX_SIZE_MAX);
    }
    if (str_find_byte(regex, '\0') != STR_NONE) {
        return why_say(why, ERR_SYNTAX, 0, "a regular expression holds a NUL byte");
    }
    enum err err = weight_take(patterns, regex, why);
    if (err != OK) {
        return err;
    }
    struct entry entry = {.wide = is_wide(regex)};
    if (entry.wide) {
        for (size_t i = 0; i < regex.size;) {
            size_t size = utf8_sequence(str_slice(regex, i, 4));
            if (size == 0) {
                return why_say(why, ERR_SYNTAX, 0, "a regular expression is not valid UTF-8");
            }
            i += size;
        }
    }
    unsigned mode = HS_FLAG_SINGLEMATCH | HS_FLAG_ALLOWEMPTY;
    mode |= flags & REGEX_NOCASE ? HS_FLAG_CASELESS : 0;
    mode |= flags & REGEX_MULTILINE ? HS_FLAG_MULTILINE : 0;
    mode |= flags & REGEX_DOTALL ? HS_FLAG_DOTALL : 0;
    mode |= entry.wide ? HS_FLAG_UTF8 : 0;
    char *text = strndup(regex.data != NULL ? regex.data : "", regex.size);
    if (text == NULL) {
        return ERR_MEMORY;
    }
    err = compile(text, mode, &entry.database, why);
    free(text);
    if (err != OK) {
        return err;
    }
    return entry_add(patterns, entry, ret);
}

static int found(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                 void *context)
{
    (void)id;
    (void)from;
    (void)to;
    (void)flags;
    *(bool *)context = true;
    return 1;
}

enum err workspace_new(const struct patterns *patterns, struct workspace **ret)
{
    struct workspace *workspace = calloc(1, sizeof *workspace);
    if (workspace == NULL) {
        return ERR_MEMORY;
    }
    if (patterns->scratch != NULL &&
        hs_clone_scratch(patterns->scratch, &workspace->scratch) != HS_SUCCESS) {
        free(workspace);
        return ERR_MEMORY;
    }
    buf_init(&workspace->repaired, SIZE_MAX / 2);
    *ret = workspace;
    return OK;
}

void workspace_free(struct workspace *workspace)
{
    if (workspace != NULL) {
        (void)hs_free_scratch(workspace->scratch);
        buf_done(&workspace->repaired);
        free(workspace);
    }
}

enum err patterns_find(const struct patterns *patterns, struct workspace *workspace, size_t index,
                       struct str text, bool *ret)
{
    struct entry entry;
    memcpy(&entry, patterns->entries.data + index * sizeof entry, sizeof entry);
    if (entry.wide) {
        enum err err = text_repair(text, &workspace->repaired, &text);
        if (err != OK) {
            return err;
        }
    }
    bool fits = false;
    hs_error_t status = hs_scan(entry.database, text.data != NULL ? text.data : "",
                                (unsigned)text.size, 0, workspace->scratch, found, &fits);
    if (status != HS_SUCCESS && status != HS_SCAN_TERMINATED) {
        return ERR_MEMORY;
    }
    *ret = fits;
    return OK;
}

enum err patterns_add_literals(struct patterns *patterns, const struct str *texts,
                               const uint8_t *caseless, size_t count, size_t *ret)
{
    struct entry entry = {0};
    hs_compile_error_t *error = NULL;
    const char **list = calloc(count, sizeof(const char *));
    size_t *sizes = calloc(count, sizeof *sizes);
    unsigned *ids = calloc(count, sizeof *ids);
    unsigned *flags = calloc(count, sizeof *flags);
    enum err err = list == NULL || sizes == NULL || ids == NULL || flags == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < count && err == OK; i++) {
        list[i] = texts[i].data;
        sizes[i] = texts[i].size;
        ids[i] = (unsigned)i;
        flags[i] = caseless != NULL && caseless[i] != 0 ? HS_FLAG_CASELESS : 0;
    }
    if (err == OK && hs_compile_lit_multi(list, flags, ids, sizes, (unsigned)count, HS_MODE_BLOCK,
                                          NULL, &entry.database, &error) != HS_SUCCESS) {
        err = ERR_MEMORY;
    }
    (void)hs_free_compile_error(error);
    free(list);
    free(sizes);
    free(ids);
    free(flags);
    return err == OK ? entry_add(patterns, entry, ret) : err;
}

struct finding {
    literal_found *found;
    void *context;
};

static int literal_hit(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                       void *context)
{
    const struct finding *finding = context;
    (void)from;
    (void)flags;
    finding->found(finding->context, id, (size_t)to);
    return 0;
}

enum err patterns_scan(const struct patterns *patterns, struct workspace *workspace, size_t index,
                       struct str text, literal_found *each, void *context)
{
    struct finding finding = {each, context};
    const struct entry *entry = (const struct entry *)(const void *)patterns->entries.data + index;
    hs_error_t status = hs_scan(entry->database, text.data != NULL ? text.data : "",
                                (unsigned)text.size, 0, workspace->scratch, literal_hit, &finding);
    return status == HS_SUCCESS ? OK : ERR_MEMORY;
}

enum err patterns_any(const struct patterns *patterns, struct workspace *workspace, size_t index,
                      struct str text, bool *ret)
{
    const struct entry *entry = (const struct entry *)(const void *)patterns->entries.data + index;
    bool any = false;
    hs_error_t status = hs_scan(entry->database, text.data != NULL ? text.data : "",
                                (unsigned)text.size, 0, workspace->scratch, found, &any);
    *ret = any;
    return status == HS_SUCCESS || status == HS_SCAN_TERMINATED ? OK : ERR_MEMORY;
}

size_t patterns_count(const struct patterns *patterns)
{
    return patterns->entries.size / sizeof(struct entry);
}

/* A count; each database's size, whether it is wide, and its bytes. */
enum err patterns_encode(const struct patterns *patterns, struct buf *out)
{
    const struct entry *entries = (const struct entry *)(const void *)patterns->entries.data;
    char head[5];
    put_u32(head, (uint32_t)patterns_count(patterns));
    enum err err = buf_append(out, str_of(head, 4));
    for (size_t i = 0; i < patterns_count(patterns) && err == OK; i++) {
        char *bytes = NULL;
        size_t size = 0;
        if (hs_serialize_database(entries[i].database, &bytes, &size) != HS_SUCCESS) {
            return ERR_MEMORY;
        }
        put_u32(head, (uint32_t)size);
        head[4] = (char)entries[i].wide;
        err = buf_append(out, str_of(head, sizeof head));
        err = err == OK ? buf_append(out, str_of(bytes, size)) : err;
        free(bytes);
    }
    return err;
}

enum err patterns_decode(struct patterns *patterns, struct str *bytes)
{
    if (bytes->size < 4) {
        return ERR_CORRUPT;
    }
    uint32_t count = get_u32(bytes->data);
    *bytes = str_slice(*bytes, 4, bytes->size);
    for (uint32_t i = 0; i < count; i++) {
        struct entry entry = {0};
        size_t index;
        if (bytes->size < 5 || get_u32(bytes->data) > bytes->size - 5) {
            return ERR_CORRUPT;
        }
        size_t size = get_u32(bytes->data);
        entry.wide = bytes->data[4] != 0;
        hs_error_t status = hs_deserialize_database(bytes->data + 5, size, &entry.database);
        if (status != HS_SUCCESS) {
            return status == HS_NOMEM ? ERR_MEMORY : ERR_UNSUPPORTED;
        }
        if (entry_add(patterns, entry, &index) != OK) {
            return ERR_MEMORY;
        }
        *bytes = str_slice(*bytes, 5 + size, bytes->size);
    }
    return OK;
}

enum err matcher_platform(struct buf *out)
{
    hs_platform_info_t platform;
    if (hs_populate_platform(&platform) != HS_SUCCESS) {
        return ERR_UNSUPPORTED;
    }
    return buf_print(out, "%s %u %llx", hs_version(), platform.tune, platform.cpu_features);
}

/* The text again, if there is something wrong with it.  It is not kept for the event: an event that
 * many expressions look at would then take as many times its size. */
static enum err text_repair(struct str text, struct buf *repaired, struct str *ret)
{
    size_t wrong = 0;
    for (size_t i = 0; i < text.size;) {
        size_t size = utf8_sequence(str_slice(text, i, 4));
        wrong += size == 0;
        i += size == 0 ? 1 : size;
    }
    *ret = text;
    if (wrong == 0) {
        return OK;
    }
    char *out;
    buf_reset(repaired);
    if (buf_extend(repaired, text.size + 2 * wrong, &out) != OK) {
        return ERR_MEMORY;
    }
    size_t at = 0;
    for (size_t i = 0; i < text.size;) {
        size_t size = utf8_sequence(str_slice(text, i, 4));
        memcpy(out + at, size == 0 ? "\xEF\xBF\xBD" : text.data + i, size == 0 ? 3 : size);
        at += size == 0 ? 3 : size;
        i += size == 0 ? 1 : size;
    }
    *ret = (struct str){out, at};
    return OK;
}
